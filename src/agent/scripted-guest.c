/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "scripted-guest.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_US (20 * G_USEC_PER_SEC)

void
guest_open (Fixture *f)
{
  int ends[2];
  g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
  g_autoptr(GSocket) socket = g_socket_new_from_fd (ends[0], NULL);
  f->guest = ends[1];
  f->agent = vitrine_agent_new (socket);
  f->news = g_string_new (NULL);
  f->got = g_byte_array_new ();
  f->body = g_byte_array_new ();
}

void
guest_close (Fixture *f)
{
  g_object_add_weak_pointer (G_OBJECT (f->agent), (gpointer *) &f->agent);
  vitrine_agent_close (f->agent);
  while (f->agent != NULL)         /* reading ends, and then nobody holds it */
    g_main_context_iteration (NULL, TRUE);
  close (f->guest);
  g_string_free (f->news, TRUE);
  g_byte_array_unref (f->got);
  g_byte_array_unref (f->body);
}

void
put (const void *bytes, gsize n, Fixture *f)
{
  const guint8 *at = bytes;
  while (n > 0)
    {
      ssize_t sent = send (f->guest, at, n, MSG_DONTWAIT | MSG_NOSIGNAL);
      if (sent > 0)
        {
          at += sent;
          n -= (gsize) sent;
        }
      else
        g_main_context_iteration (NULL, FALSE);
    }
}

void
say_in_chunks (Fixture *f, guint32 type, const void *body, guint32 n, guint32 chunk)
{
  g_autoptr(GByteArray) whole = g_byte_array_new ();
  VDAgentMessage header = { .protocol = GUINT32_TO_LE (VD_AGENT_PROTOCOL), .type = GUINT32_TO_LE (type), .size = GUINT32_TO_LE (n) };
  g_byte_array_append (whole, (const guint8 *) &header, sizeof header);
  g_byte_array_append (whole, body, n);
  for (guint at = 0; at < whole->len; at += chunk)
    {
      guint left = MIN (chunk, whole->len - at);
      VDIChunkHeader head = { GUINT32_TO_LE (VDP_CLIENT_PORT), GUINT32_TO_LE (left) };
      put (&head, sizeof head, f);
      put (whole->data + at, left, f);
    }
}

void
say (Fixture *f, guint32 type, const void *body, guint32 n)
{
  say_in_chunks (f, type, body, n, VD_AGENT_MAX_DATA_SIZE);
}

void
say_words (Fixture *f, guint32 type, guint n, ...)
{
  guint32 words[8];
  va_list list;
  va_start (list, n);
  for (guint i = 0; i < n; i++)
    words[i] = GUINT32_TO_LE (va_arg (list, guint32));
  va_end (list);
  say (f, type, words, n * 4);
}

static gboolean
one_message (Fixture *f, guint32 *type)
{
  g_autoptr(GByteArray) whole = g_byte_array_new ();
  guint at = 0;
  VDIChunkHeader head;
  while (at + sizeof head <= f->got->len)
    {
      memcpy (&head, f->got->data + at, sizeof head);
      g_assert_cmpuint (head.port, ==, VDP_CLIENT_PORT);
      g_assert_cmpuint (head.size, <=, VD_AGENT_MAX_DATA_SIZE);
      if (at + sizeof head + head.size > f->got->len)
        return FALSE;
      g_byte_array_append (whole, f->got->data + at + sizeof head, head.size);
      at += (guint) sizeof head + head.size;
      const VDAgentMessage *message = (const VDAgentMessage *) whole->data;
      if (whole->len < sizeof *message || whole->len - sizeof *message < message->size)
        continue;
      *type = message->type;
      g_byte_array_set_size (f->body, 0);
      g_byte_array_append (f->body, message->data, message->size);
      g_byte_array_remove_range (f->got, 0, at);
      return TRUE;
    }
  return FALSE;
}

guint32
hear (Fixture *f)
{
  guint32 type = 0;
  guint8  bytes[65536];
  for (gint64 end = g_get_monotonic_time () + PATIENCE_US; !one_message (f, &type);)
    {
      g_assert_cmpint (g_get_monotonic_time (), <, end);
      g_main_context_iteration (NULL, FALSE);
      ssize_t n = recv (f->guest, bytes, sizeof bytes, MSG_DONTWAIT);
      if (n > 0)
        g_byte_array_append (f->got, bytes, (guint) n);
    }
  return type;
}

guint32
word (Fixture *f, guint i)
{
  guint32 value;
  g_assert_cmpuint (f->body->len, >=, 4 * i + 4);
  memcpy (&value, f->body->data + 4 * i, 4);
  return GUINT32_FROM_LE (value);
}

void
await (Fixture *f, const char *news)
{
  for (gint64 end = g_get_monotonic_time () + PATIENCE_US; strstr (f->news->str, news) == NULL; g_main_context_iteration (NULL, FALSE))
    g_assert_cmpint (g_get_monotonic_time (), <, end);
}

void
arrive (Fixture *f, guint32 capabilities)
{
  g_assert_cmpuint (hear (f), ==, VD_AGENT_ANNOUNCE_CAPABILITIES);
  g_assert_cmpuint (word (f, 0), ==, 1);               /* we are asked */
  say_words (f, VD_AGENT_ANNOUNCE_CAPABILITIES, 2, 1, capabilities);
  g_assert_cmpuint (hear (f), ==, VD_AGENT_ANNOUNCE_CAPABILITIES);
  g_assert_cmpuint (word (f, 0), ==, 0);
}
