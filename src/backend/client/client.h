/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The near end of a running machine in another process: D-Bus, peer to peer, on the machine's socket.
 * Signals: "changed" () when state, message or accelerator changed; "closed" () once, when the process is gone. */
#pragma once

#include <gio/gio.h>

#include "state.h"
#include "statistics.h"

#define VITRINE_TYPE_CLIENT (vitrine_client_get_type ())
G_DECLARE_FINAL_TYPE (VitrineClient, vitrine_client, VITRINE, CLIENT, GObject)

void           vitrine_client_connect_async (const char *socket_path, GCancellable *cancellable,
                                             GAsyncReadyCallback done, gpointer data);
VitrineClient *vitrine_client_connect_finish (GAsyncResult *result, GError **error);
/* Blocks: for vitrinectl. */
VitrineClient *vitrine_client_connect_sync (const char *socket_path, GError **error);

VitrineState vitrine_client_get_state (VitrineClient *self);
char        *vitrine_client_get_message (VitrineClient *self);      /* NULL when empty */
char        *vitrine_client_get_accelerator (VitrineClient *self);

/* @method: one of the interface's names; @arguments: floating tuple, or NULL. */
void     vitrine_client_call_async (VitrineClient *self, const char *method, GVariant *arguments,
                                    GCancellable *cancellable, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_client_call_finish (VitrineClient *self, GAsyncResult *result, GError **error);
gboolean vitrine_client_call_sync (VitrineClient *self, const char *method, GVariant *arguments, GError **error);
/* Handle 0 of the arguments is this file, which stays the caller's. Blocks. */
gboolean vitrine_client_call_with_file_sync (VitrineClient *self, const char *method, GVariant *arguments, int fd, GError **error);
/* Handles 0.. of the arguments are these files, which stay the caller's. Blocks; any thread. */
gboolean vitrine_client_call_with_files_sync (VitrineClient *self, const char *method, GVariant *arguments, const int *fds, guint n,
                                              GError **error);
/* Sends files to the guest's desktop. The descriptors stay the caller's. @progress is asked several times a second; FALSE: stop. Blocks,
 * and runs the main context meanwhile. */
gboolean vitrine_client_send_files (VitrineClient *self, const char *const *names, const int *fds, guint n,
                                    gboolean (*progress) (gpointer data, double fraction), gpointer data, GError **error);
/* a{st}, see Machine1's GetMemory. Blocks. */
GVariant *vitrine_client_get_memory (VitrineClient *self, GError **error);
/* Ids of the USB devices of this computer that the guest has; NULL: an error. Blocks. */
GStrv     vitrine_client_list_usb (VitrineClient *self, GError **error);
/* Ports that are forwarded to a card; NULL: an error. Blocks. */
GStrv     vitrine_client_get_forwards (VitrineClient *self, guint card, GError **error);
/* Of a drive, by its target. 0: there is no such drive, or it is empty. Blocks. */
guint64   vitrine_client_get_disk_size (VitrineClient *self, const char *target);
/* The machine's screen as PNG. Blocks. */
GBytes  *vitrine_client_screenshot (VitrineClient *self, GError **error);
/* Blocks. */
gboolean vitrine_client_get_statistics (VitrineClient *self, VitrineStatistics *out, GError **error);
/* A descriptor with the bytes of a serial console, or -1. Blocks. */
int      vitrine_client_open_console (VitrineClient *self, guint console, GError **error);
