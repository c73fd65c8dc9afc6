/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host ends of serial ports. Each returns a VtChardev that its ops' close() frees; close with the machine lock held. */
#pragma once

#include <glib.h>

#include "chardev.h"
#include "loop.h"
#include "port-stream.h"

/* Swallows output, never has input. */
VtChardev *vt_chardev_null_new (void);
/* Output to a new (truncated) file. */
VtChardev *vt_chardev_file_new (const char *path, GError **error);
/* The process's own terminal. On a terminal it is switched to raw mode until close or exit; Ctrl+] then calls `escape`
 * (nullable) instead of going to the guest. One per process. */
VtChardev *vt_chardev_stdio_new (VtLoop *loop, void (*escape) (void *opaque), void *opaque, GError **error);
/* A new pseudo terminal; *slave gets its path, to be freed. */
VtChardev *vt_chardev_pty_new (VtLoop *loop, char **slave, GError **error);
/* Listens on a UNIX socket, for one client at a time; the socket is gone with it. */
VtChardev *vt_chardev_socket_new (VtLoop *loop, const char *path, GError **error);
/* A connected stream socket, of which it takes a duplicate. When the other end leaves, or does not read, nobody comes after it. */
VtChardev *vt_chardev_connected_new (VtLoop *loop, int fd, GError **error);
/* A socket that listens there, which only this user may connect to; -1. What a dead process left there is removed. */
int        vt_listen_at (const char *path, GError **error);
/* Streams by port: what the guest reaches at PATH_PORT, and who reaches the guest through PATH. */
VtStreamHost *vt_stream_host_new (VtLoop *loop, const char *path, GError **error);
/* For consoles in a window: keeps the last 256 KiB of output and hands new output to `output` (machine lock held). */
VtChardev *vt_chardev_ring_new (void (*output) (void *opaque, const uint8_t *bytes, size_t n), void *opaque);
/* Everything still in the ring, oldest first. */
GBytes    *vt_chardev_ring_contents (VtChardev *chr);
/* Input from the window; bytes that the port cannot take yet wait (up to 1 MiB). */
void       vt_chardev_ring_send (VtChardev *chr, const uint8_t *bytes, size_t n);
