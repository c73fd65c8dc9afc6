/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Passphrases and keys of encrypted images: in memory that is not paged out (as far as the system allows) and is wiped when nobody
 * needs them any more. Immutable; any thread. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct VtSecret VtSecret;

/* Room for the longest passphrase from a file or a terminal. */
#define VT_SECRET_MOST 65536u

/* A passphrase. Copies the bytes; the caller wipes its own. */
VtSecret *vt_secret_new (const void *bytes, size_t len);
/* Everything that the file or descriptor has, a line's end too, as cryptsetup and qemu-img read key files. `name` is for errors
 * (VT_ERROR_PASSPHRASE). The descriptor stays open. */
VtSecret *vt_secret_read_file (const char *path, GError **error);
VtSecret *vt_secret_read_fd (int fd, const char *name, GError **error);
/* NULL stays NULL. */
VtSecret *vt_secret_ref (VtSecret *secret);
void      vt_secret_unref (VtSecret *secret);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtSecret, vt_secret_unref)
