/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Secrets, from the inside; and libgcrypt's locked memory that they live in. */
#pragma once

#include <stdint.h>

#include "vitrine/secret.h"

/* Locked memory, wiped when freed; NULL when there is no more. */
void *vt_locked_alloc (size_t len);
void  vt_locked_free (void *bytes);

const uint8_t *vt_secret_bytes (const VtSecret *secret);
size_t         vt_secret_len (const VtSecret *secret);
/* The key of a disk rather than a passphrase for it: whoever opened the image once need not do that work again. */
VtSecret      *vt_secret_new_key (const void *bytes, size_t len);
bool           vt_secret_is_key (const VtSecret *secret);
