/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pending.h"

void
vt_pending_init (VtPending *pending)
{
  *pending = (VtPending) { .bytes = g_byte_array_new () };
}

void
vt_pending_clear (VtPending *pending)
{
  g_clear_pointer (&pending->bytes, g_byte_array_unref);
}

guint
vt_pending_len (const VtPending *pending)
{
  return pending->bytes->len - pending->taken;
}

/* A port takes a few bytes at a time: the rest is moved when it is less than what was taken. */
static void
take (VtPending *pending, guint n)
{
  pending->taken += n;
  if (pending->taken <= pending->bytes->len / 2)
    return;
  g_byte_array_remove_range (pending->bytes, 0, pending->taken);
  pending->taken = 0;
}

void
vt_pending_deliver (VtChardev *chr, VtPending *pending)
{
  while (vt_pending_len (pending) > 0 && chr->client != NULL)
    {
      size_t room = chr->client->can_receive (chr->client_opaque);
      guint  n = (guint) MIN (room, vt_pending_len (pending));
      if (n == 0)
        return;
      /* receive() may come back here. */
      g_autofree uint8_t *chunk = g_memdup2 (pending->bytes->data + pending->taken, n);
      take (pending, n);
      chr->client->receive (chr->client_opaque, chunk, n);
    }
}

void
vt_pending_push (VtChardev *chr, VtPending *pending, const uint8_t *bytes, size_t n)
{
  guint room = PENDING_MAX - MIN (vt_pending_len (pending), PENDING_MAX);
  g_byte_array_append (pending->bytes, bytes, (guint) MIN (n, room));
  vt_pending_deliver (chr, pending);
}
