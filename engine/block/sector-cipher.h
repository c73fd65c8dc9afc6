/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Encrypts disks sector by sector, as dm-crypt names its ciphers: "aes" with "xts-plain64", "cbc-essiv:sha256", ...
 * (documentation of the Linux kernel, admin-guide/device-mapper/dm-crypt). libgcrypt does the work. Any thread, several at a time:
 * each has a handle of its own. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

#define VT_SECTOR_BYTES 512u

typedef struct VtSectorCipher VtSectorCipher;

/* The key is copied into locked memory. NULL when there is no such cipher, or not with a key of that length; the error
 * (VT_ERROR_IMAGE) says which. */
VtSectorCipher *vt_sector_cipher_new (const char *cipher, const char *mode, const uint8_t *key, size_t key_bytes, GError **error);
void            vt_sector_cipher_free (VtSectorCipher *cipher);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtSectorCipher, vt_sector_cipher_free)

/* `len` bytes, whole sectors, the first being number `sector`; `to` may be `from`. 0 or a positive errno. */
int vt_sector_encrypt (VtSectorCipher *cipher, uint64_t sector, const uint8_t *from, uint8_t *to, size_t len);
int vt_sector_decrypt (VtSectorCipher *cipher, uint64_t sector, const uint8_t *from, uint8_t *to, size_t len);
