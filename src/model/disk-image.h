/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images on the host's disk: making one, what one is, and how much room there is. */
#pragma once

#include <gio/gio.h>

/* An empty qcow2 image of a new name in our image folder. Any thread. */
char *vitrine_disk_image_create (const char *words, guint64 bytes, GError **error);
/* A path for that, where nothing is yet; the folder is made if need be. */
char *vitrine_disk_image_new_path (const char *words, GError **error);
/* Can this be read, and is there anything in it? The error is a sentence for people. */
gboolean vitrine_disk_image_check (const char *path, GError **error);
/* Of the disk in it; needs no passphrase. */
gboolean vitrine_disk_image_get_size (const char *path, const char *format, guint64 *bytes, GError **error);
/* Larger only, and no machine uses it. */
gboolean vitrine_disk_image_resize (const char *path, const char *format, guint64 bytes, GError **error);
/* "raw", "qcow2" or "luks", from the content. Only for an image that a person has just chosen, never for one that a guest of ours has
 * written: a guest could write any header into its raw disk. */
const char *vitrine_disk_image_guess_format (const char *path);
/* Does it need a passphrase? As with its format, of an image that has just been chosen. */
gboolean vitrine_disk_image_is_encrypted (const char *path);
/* Free bytes where new images go; 0 when unknown. */
guint64 vitrine_disk_image_free_space (void);
