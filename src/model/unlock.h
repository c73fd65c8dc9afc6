/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The passphrases of a machine's encrypted disks. */
#pragma once

#include <gio/gio.h>
#include <vitrine/config.h>
#include <vitrine/error.h>

/* The first disk of the configuration whose image is encrypted while its secret is not known; NULL: none. An image that cannot be
 * looked at is one that the engine will complain about. */
VtDiskConfig *vitrine_unlock_next (const VtConfig *config);

/* Is this one encrypted, and its secret not known? */
gboolean      vitrine_unlock_is_locked (const VtDiskConfig *disk);

/* Looks for the disk's key by a passphrase, which takes a second or more, on a thread of its own. @disk outlives the call. Cancelling
 * returns at once. */
void vitrine_unlock_async (const VtDiskConfig *disk, VtSecret *passphrase, GCancellable *cancellable, GAsyncReadyCallback callback,
                           gpointer data);
/* The key, for the configuration. */
VtSecret *vitrine_unlock_finish (GAsyncResult *result, GError **error);
/* Was it only the wrong passphrase? */
gboolean  vitrine_unlock_was_wrong (const GError *error);
