/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Input waiting until the port has room: shared by the back ends. Machine lock. */
#pragma once

#include <glib.h>

#include "chardev.h"

#define PENDING_MAX (1024u * 1024u)

typedef struct
{
  GByteArray *bytes;
  guint       taken;      /* of them, from the front */
} VtPending;

void  vt_pending_init (VtPending *pending);
void  vt_pending_clear (VtPending *pending);
guint vt_pending_len (const VtPending *pending);
/* Queues bytes (dropping what exceeds PENDING_MAX) and delivers what the client takes now. */
void  vt_pending_push (VtChardev *chr, VtPending *pending, const uint8_t *bytes, size_t n);
void  vt_pending_deliver (VtChardev *chr, VtPending *pending);
