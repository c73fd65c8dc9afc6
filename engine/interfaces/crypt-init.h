/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libgcrypt, which disks and devices share: whoever uses it first decides for the process how much locked memory it has. */
#pragma once

/* Before any other use of libgcrypt; as often as one likes, any thread. */
void vt_crypt_init (void);
