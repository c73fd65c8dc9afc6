/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files on their way to the guest's desktop, by its SPICE agent, whoever sends them: the machine's window, or somebody on the
 * machine's socket. One file after the other; what is sent meanwhile waits its turn.
 *
 * Signals: "changed" () when what the functions say has changed. Main thread only. */
#pragma once

#include "agent.h"
#include "file-keeper.h"

#define VITRINE_TYPE_FILE_SENDER (vitrine_file_sender_get_type ())
G_DECLARE_FINAL_TYPE (VitrineFileSender, vitrine_file_sender, VITRINE, FILE_SENDER, GObject)

VitrineFileSender *vitrine_file_sender_new (void);
/* NULL: there is none, and what was on its way has failed. */
void               vitrine_file_sender_set_agent (VitrineFileSender *self, VitrineAgent *agent);
/* How long the guest may take to say whether it wants a file, before that one counts as not sent. */
void               vitrine_file_sender_set_patience (VitrineFileSender *self, guint ms);
/* Why nothing can be sent now, as a sentence; NULL: it can. */
const char        *vitrine_file_sender_get_obstacle (VitrineFileSender *self);
/* @names: what the guest is to call them; folders in them are left out. @fds: regular files opened for reading, taken in any case.
 * @progress may be NULL. */
void               vitrine_file_sender_send_async (VitrineFileSender *self, const char *const *names, const int *fds, guint n,
                                                   VitrineFilesProgress progress, gpointer progress_data,
                                                   GCancellable *cancellable, GAsyncReadyCallback done, gpointer data);
/* How many arrived. @error: a sentence for each that did not, one a line; G_IO_ERROR_CANCELLED when it was cancelled here. */
guint              vitrine_file_sender_send_finish (VitrineFileSender *self, GAsyncResult *result, GError **error);
/* The file that is on its way; NULL: none is. */
const char        *vitrine_file_sender_get_name (VitrineFileSender *self);
/* How much of all that was sent and has not arrived yet, 0..1. */
double             vitrine_file_sender_get_fraction (VitrineFileSender *self);
/* All of it. */
void               vitrine_file_sender_cancel (VitrineFileSender *self);

/* For the service; its data is a VitrineFileSender. */
extern const VitrineFileKeeper vitrine_file_keeper;
