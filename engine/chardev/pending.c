/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pending.h"

void
vt_pending_deliver (VtChardev *chr, GByteArray *pending)
{
  while (pending->len > 0 && chr->client != NULL)
    {
      size_t room = chr->client->can_receive (chr->client_opaque);
      guint  n = (guint) MIN (room, pending->len);
      if (n == 0)
        return;
      g_autofree uint8_t *chunk = g_memdup2 (pending->data, n);
      g_byte_array_remove_range (pending, 0, n);
      chr->client->receive (chr->client_opaque, chunk, n);
    }
}

void
vt_pending_push (VtChardev *chr, GByteArray *pending, const uint8_t *bytes, size_t n)
{
  g_byte_array_append (pending, bytes, (guint) MIN (n, PENDING_MAX - MIN (pending->len, PENDING_MAX)));
  vt_pending_deliver (chr, pending);
}
