/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Input waiting until the port has room: shared by the back ends. */
#pragma once

#include <glib.h>

#include "chardev.h"

#define PENDING_MAX 65536u

/* Queues bytes (dropping what exceeds PENDING_MAX) and delivers what the client takes now. */
void vt_pending_push (VtChardev *chr, GByteArray *pending, const uint8_t *bytes, size_t n);
void vt_pending_deliver (VtChardev *chr, GByteArray *pending);
