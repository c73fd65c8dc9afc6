/* SPDX-License-Identifier: GPL-3.0-or-later */
/* LUKS version 1 (LUKS On-Disk Format Specification 1.2.3, C. Fruhwirth): a header with eight slots, each of which keeps the disk's key
 * under a passphrase of its own. As an image by itself, or as the header of a qcow2 image's encryption.
 *
 *   luks-header.c  the header's bytes, and checks of everything that they claim
 *   luks-key.c     from a passphrase to the disk's key, and back into a slot
 *   luks.c         the disk
 *
 * Blocking; a passphrase costs a second or more of computing by design. */
#pragma once

#include "image.h"
#include "secret.h"
#include "sector-cipher.h"

enum
{
  VT_LUKS_SLOTS      = 8,
  VT_LUKS_SALT_BYTES = 32,
  VT_LUKS_DIGEST_BYTES = 20,
  VT_LUKS_KEY_MOST   = 64,            /* bytes: two of 256 bits for XTS */
  VT_LUKS_DEFAULT_MS = 1000,          /* computing that a try of a passphrase costs */
  VT_LUKS_STRIPES    = 4000,          /* in how many parts a key is split, always */
  /* More than this per passphrase, a minute on a slow computer, only a hostile header asks for. */
  VT_LUKS_ITERATIONS_MOST = 1 << 26,
};

typedef struct
{
  bool     active;
  uint32_t iterations;
  uint8_t  salt[VT_LUKS_SALT_BYTES];
  uint32_t sector;                    /* of the split key, from the header's beginning; 0: nowhere */
} VtLuksSlot;

typedef struct
{
  char       cipher[33], mode[33], hash[33], uuid[41];
  uint32_t   payload_sector;          /* where the disk begins */
  uint32_t   key_bytes;
  uint8_t    digest[VT_LUKS_DIGEST_BYTES], digest_salt[VT_LUKS_SALT_BYTES];
  uint32_t   digest_iterations;
  VtLuksSlot slots[VT_LUKS_SLOTS];
} VtLuksHeader;

/* The header at `at` of the file, checked. */
bool vt_luks_read_header (VtImage *file, uint64_t at, VtLuksHeader *header, GError **error);
/* 0 or a positive errno. */
int  vt_luks_write_header (VtImage *file, uint64_t at, const VtLuksHeader *header);
/* aes-xts-plain64 with 512 bits, sha256, all slots empty. */
void vt_luks_plan_header (VtLuksHeader *header);
/* Bytes of a slot's split key; whole sectors. */
uint64_t vt_luks_slot_bytes (const VtLuksHeader *header);

/* The disk's key, if the passphrase opens a slot (its number goes to *slot, which may be NULL). A secret that is such a key is handed
 * back. *stop, which may be set from another thread (NULL: never), ends it before the next slot. Errors: VT_ERROR_PASSPHRASE. */
VtSecret *vt_luks_unlock (VtImage *file, uint64_t at, const VtLuksHeader *header, VtSecret *secret, unsigned *slot, const gint *stop,
                          GError **error);
/* A new key for a new header, which is not written yet. iteration_ms: the computing that a try of a passphrase shall cost. */
VtSecret *vt_luks_new_key (VtLuksHeader *header, unsigned iteration_ms, GError **error);
/* Another passphrase, in a free slot; written and flushed. */
bool      vt_luks_add_passphrase (VtImage *file, uint64_t at, VtLuksHeader *header, const VtSecret *key, const VtSecret *passphrase,
                                  unsigned iteration_ms, GError **error);
/* The last one cannot go. */
bool      vt_luks_remove_slot (VtImage *file, uint64_t at, VtLuksHeader *header, unsigned slot, GError **error);

/* That key, as the disk's cipher. secret NULL: *cipher is NULL, and nothing can be read. */
bool      vt_luks_open_cipher (VtImage *file, uint64_t at, const VtLuksHeader *header, VtSecret *secret, VtSectorCipher **cipher,
                               GError **error);
/* A header as it was planned, with a new key under the first passphrase; written and flushed. */
bool      vt_luks_make_header (VtImage *file, uint64_t at, VtLuksHeader *header, const VtSecret *passphrase, unsigned iteration_ms,
                               GError **error);

/* Byte n of the image is byte at + n of the file, encrypted; sectors are counted from `at`. Requests are whole sectors. `owns`: the
 * file is closed with the image. Takes the cipher. */
VtImage *vt_cipher_image_new (VtImage *file, bool owns, uint64_t at, VtSectorCipher *cipher);

/* Its file, and where in there it begins. */
VtImage *vt_cipher_image_file (VtImage *image);
uint64_t vt_cipher_image_at (VtImage *image);

/* Takes `file`, a growing raw image, also on failure. secret NULL: nothing can be read, for looking at sizes. */
VtImage *vt_luks_open (VtImage *file, VtSecret *secret, GError **error);
/* Fills `file`, empty and growing. */
bool     vt_luks_create (VtImage *file, uint64_t size_bytes, const VtSecret *passphrase, unsigned iteration_ms, GError **error);
