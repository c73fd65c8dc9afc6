/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What of a running host guest can be connected to: its screen and its consoles. Main thread only; nothing blocks. */
#pragma once

#include "host-guest.h"

typedef enum
{
  VITRINE_HOST_SCREEN_NONE,
  VITRINE_HOST_SCREEN_SPICE,
  VITRINE_HOST_SCREEN_VNC,
  VITRINE_HOST_SCREEN_OTHER,   /* one that we do not speak */
} VitrineHostScreen;

typedef struct
{
  VitrineHostScreen screen;
  char             *password;     /* of the screen, where this connection may know it; NULL: none */
  GStrv             consoles;     /* aliases: "serial0"; serial ports first */
} VitrineHostEnds;

void vitrine_host_ends_free (VitrineHostEnds *ends);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineHostEnds, vitrine_host_ends_free)

void             vitrine_host_guest_read_ends_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data);
VitrineHostEnds *vitrine_host_guest_read_ends_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error);

/* A connected socket to the screen's server, for one channel: handed over by libvirt where the host is this computer,
 * else through ssh where the connection to the host is through ssh, else to the address that the server listens on. -1
 * and an error. */
void vitrine_host_guest_open_screen_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data);
/* @words: the file that ssh, where it carries the socket, complains into; else -1. Both are the caller's to close. */
int vitrine_host_guest_open_screen_finish (VitrineHostGuest *self, GAsyncResult *result, int *words, GError **error);
/* What is last in such a file, as one line for people; NULL: nothing. */
char *vitrine_host_read_words (int words);

/* One console as a stream. Signals: "output" (GBytes *); "busy" (): somebody else has it; "closed" (const char *reason):
 * the stream ended, or never opened. */
#define VITRINE_TYPE_HOST_CONSOLE (vitrine_host_console_get_type ())
G_DECLARE_FINAL_TYPE (VitrineHostConsole, vitrine_host_console, VITRINE, HOST_CONSOLE, GObject)

/* Opens it at once, unless somebody else has it. */
VitrineHostConsole *vitrine_host_console_new (VitrineHostGuest *guest, const char *alias);
/* After "busy": takes it from whoever has it, who loses it. */
void                vitrine_host_console_take (VitrineHostConsole *self);
/* What is sent before it is open, or faster than the host takes it, waits; beyond 64 KiB it is lost. */
void                vitrine_host_console_send (VitrineHostConsole *self, const guint8 *bytes, gsize n);
/* No signal comes from here on. */
void                vitrine_host_console_close (VitrineHostConsole *self);
