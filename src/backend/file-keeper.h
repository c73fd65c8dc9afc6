/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Who sends files to the guest of the machine that a service offers. */
#pragma once

#include <gio/gio.h>

/* How many can be sent in one go: as many as fit into one message on a socket. */
#define VITRINE_FILES_MAX 200u

/* Bytes of all files of one go. */
typedef void (*VitrineFilesProgress) (gpointer data, guint64 done, guint64 whole);

/* @fds are taken in any case. send calls @done when the last file has arrived or has not, and finish says how that went: how many
 * arrived, and with @error set if some did not. Cancelling the go leaves what has arrived. Main thread. */
typedef struct
{
  void  (*send) (gpointer keeper, const char *const *names, const int *fds, guint n, VitrineFilesProgress progress,
                 gpointer progress_data, GCancellable *cancellable, GAsyncReadyCallback done, gpointer data);
  guint (*finish) (gpointer keeper, GAsyncResult *result, GError **error);
} VitrineFileKeeper;
