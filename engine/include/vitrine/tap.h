/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network devices of this computer that a card can be put on. What is opened is a descriptor that gives and takes one Ethernet frame
 * at a time (Linux, Documentation/networking/tuntap.rst), non-blocking, close-on-exec and the caller's. Any thread; no thread is
 * started. -1: the error says what the person, or root, can do. */
#pragma once

#include <glib.h>
#include <stdbool.h>

/* Can a network device have this name? Linux: 1 to 15 characters, no space, slash or colon. */
bool vt_net_device_name_valid (const char *name);

/* A TAP device that exists, and that this user may use. VT_ERROR_BUSY: another program has it. */
int vt_tap_open (const char *name, GError **error);

/* A new TAP device on a bridge that exists; it goes when the descriptor is closed. QEMU's bridge helper makes it, a program with
 * the rights to do so, and blocks for the time of that. */
int vt_bridge_open (const char *bridge, GError **error);

/* Is that the descriptor of a TAP device, as those functions open it? Of one that somebody else has opened; makes it non-blocking. */
bool vt_tap_check (int fd, GError **error);
