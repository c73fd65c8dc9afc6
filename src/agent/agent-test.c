/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's agent, played by this test, and one that breaks the rules. */
#include "scripted-guest.h"

#include <spice/vd_agent.h>
#include <string.h>

#define PATIENCE_US (20 * G_USEC_PER_SEC)

static void
there (Fixture *f)
{
  g_string_append (f->news, "there ");
}

static void
released (Fixture *f)
{
  g_string_append (f->news, "released ");
}

static void
grabbed (Fixture *f, guint kinds)
{
  g_string_append_printf (f->news, "grabbed-%u ", kinds);
}

static void
wanted (Fixture *f, guint kind)
{
  g_string_append_printf (f->news, "wanted-%u ", kind);
}

static void
received (Fixture *f, guint kind, GBytes *bytes)
{
  gsize n;
  const char *at = g_bytes_get_data (bytes, &n);
  g_string_append_printf (f->news, "received-%u:%.*s ", kind, (int) MIN (n, 40), at);
}

static void
set_up (Fixture *f, gconstpointer unused)
{
  guest_open (f);
  g_signal_connect_swapped (f->agent, "there", G_CALLBACK (there), f);
  g_signal_connect_swapped (f->agent, "released", G_CALLBACK (released), f);
  g_signal_connect_swapped (f->agent, "grabbed", G_CALLBACK (grabbed), f);
  g_signal_connect_swapped (f->agent, "wanted", G_CALLBACK (wanted), f);
  g_signal_connect_swapped (f->agent, "received", G_CALLBACK (received), f);
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  guest_close (f);
}

/* --- tests ------------------------------------------------------------------------------------------------------------ */

static void
what_the_person_copies_can_be_pasted_in_the_guest (Fixture *f, gconstpointer unused)
{
  vitrine_agent_offer (f->agent, VITRINE_CLIP_TEXT);   /* before anybody is there */
  arrive (f, DEMAND | SELECTION);
  g_assert_cmpuint (hear (f), ==, VD_AGENT_CLIPBOARD_GRAB);
  g_assert_cmpuint (f->body->len, ==, 8);
  g_assert_cmpuint (word (f, 1), ==, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  say_words (f, VD_AGENT_CLIPBOARD_REQUEST, 2, 0, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  await (f, "wanted-1 ");
  g_autoptr(GBytes) text = g_bytes_new_static ("a\nb", 3);
  vitrine_agent_give (f->agent, VITRINE_CLIP_TEXT, text);
  g_assert_cmpuint (hear (f), ==, VD_AGENT_CLIPBOARD);
  g_assert_cmpuint (word (f, 1), ==, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  g_assert_cmpmem (f->body->data + 8, f->body->len - 8, "a\nb", 3);
  vitrine_agent_offer (f->agent, 0);
  g_assert_cmpuint (hear (f), ==, VD_AGENT_CLIPBOARD_RELEASE);
}

static void
what_the_guest_copies_is_fetched (Fixture *f, gconstpointer unused)
{
  arrive (f, DEMAND | SELECTION | CRLF);
  say_words (f, VD_AGENT_CLIPBOARD_GRAB, 4, 0, VD_AGENT_CLIPBOARD_IMAGE_BMP, VD_AGENT_CLIPBOARD_UTF8_TEXT, VD_AGENT_CLIPBOARD_IMAGE_PNG);
  await (f, "grabbed-3 ");
  vitrine_agent_ask (f->agent, VITRINE_CLIP_TEXT);
  g_assert_cmpuint (hear (f), ==, VD_AGENT_CLIPBOARD_REQUEST);
  say (f, VD_AGENT_CLIPBOARD, "\0\0\0\0\1\0\0\0one\r\ntwo\xff\0", 17);
  await (f, "received-1:one\ntwo\xef\xbf\xbd ");      /* lines, and what is no UTF-8 */
  say_words (f, VD_AGENT_CLIPBOARD_RELEASE, 1, 0);
  await (f, "released ");
}

static void
other_clipboards_are_not_ours (Fixture *f, gconstpointer unused)
{
  arrive (f, DEMAND | SELECTION);
  say_words (f, VD_AGENT_CLIPBOARD_GRAB, 2, VD_AGENT_CLIPBOARD_SELECTION_PRIMARY, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  say_words (f, VD_AGENT_CLIPBOARD_GRAB, 2, VD_AGENT_CLIPBOARD_SELECTION_CLIPBOARD, VD_AGENT_CLIPBOARD_IMAGE_PNG);
  await (f, "grabbed-2 ");
  g_assert_null (strstr (f->news->str, "grabbed-1"));
}

static void
what_was_not_asked_for_or_offered_is_neither_taken_nor_given (Fixture *f, gconstpointer unused)
{
  arrive (f, DEMAND | SELECTION);
  say (f, VD_AGENT_CLIPBOARD, "\0\0\0\0\1\0\0\0unasked", 15);
  say_words (f, VD_AGENT_CLIPBOARD_REQUEST, 2, 0, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  g_assert_cmpuint (hear (f), ==, VD_AGENT_CLIPBOARD);
  g_assert_cmpuint (word (f, 1), ==, VD_AGENT_CLIPBOARD_NONE);
  g_assert_cmpstr (f->news->str, ==, "there ");
}

/* A picture of a few megabytes, both ways, in the smallest and the largest pieces. */
static void
much_is_moved_whole (Fixture *f, gconstpointer unused)
{
  const guint32 size = 3 << 20;
  g_autofree guint8 *body = g_malloc0 (8 + size);
  body[4] = VD_AGENT_CLIPBOARD_IMAGE_PNG;
  memset (body + 8, 'x', size);
  arrive (f, DEMAND | SELECTION);
  vitrine_agent_ask (f->agent, VITRINE_CLIP_PNG);
  say_in_chunks (f, VD_AGENT_CLIPBOARD, body, 8 + size, 1000);
  await (f, "received-2:xxxx");
  g_assert_cmpuint (hear (f), ==, VD_AGENT_CLIPBOARD_REQUEST);
  vitrine_agent_offer (f->agent, VITRINE_CLIP_PNG);
  g_assert_cmpuint (hear (f), ==, VD_AGENT_CLIPBOARD_GRAB);
  g_autoptr(GBytes) picture = g_bytes_new (body + 8, size);
  vitrine_agent_give (f->agent, VITRINE_CLIP_PNG, picture);
  g_assert_cmpuint (hear (f), ==, VD_AGENT_CLIPBOARD);
  g_assert_cmpmem (f->body->data + 8, f->body->len - 8, body + 8, size);
}

static void
an_agent_without_selections_is_served (Fixture *f, gconstpointer unused)
{
  arrive (f, DEMAND);
  say_words (f, VD_AGENT_CLIPBOARD_GRAB, 1, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  await (f, "grabbed-1 ");
  vitrine_agent_ask (f->agent, VITRINE_CLIP_TEXT);
  g_assert_cmpuint (hear (f), ==, VD_AGENT_CLIPBOARD_REQUEST);
  g_assert_cmpuint (f->body->len, ==, 4);
  say (f, VD_AGENT_CLIPBOARD, "\1\0\0\0hello", 9);
  await (f, "received-1:hello ");
}

static void
a_guest_that_is_reset_begins_anew (Fixture *f, gconstpointer unused)
{
  arrive (f, DEMAND | SELECTION);
  put ("\1\0\0\0\xff\x07\0\0begin", 13, f);         /* the beginning of something long */
  say_words (f, VD_AGENT_CLIPBOARD_RELEASE, 1, 0);     /* taken for its middle */
  for (unsigned i = 0; i < 10; i++)
    g_main_context_iteration (NULL, FALSE);
  vitrine_agent_guest_reset (f->agent);
  g_assert_false (vitrine_agent_is_there (f->agent));
  g_string_truncate (f->news, 0);
  say_words (f, VD_AGENT_ANNOUNCE_CAPABILITIES, 2, 0, DEMAND | SELECTION);
  await (f, "there ");
}

static void
short_messages_are_nothing (Fixture *f, gconstpointer unused)
{
  arrive (f, DEMAND | SELECTION);
  for (guint32 type = 0; type < VD_AGENT_END_MESSAGE + 3; type++)
    for (guint32 n = 0; n < 4; n++)
      say (f, type, "\0\0\0\0", n);
  say_words (f, VD_AGENT_CLIPBOARD_GRAB, 2, 0, VD_AGENT_CLIPBOARD_UTF8_TEXT);
  await (f, "grabbed-1 ");
}

static void
give_up_on (Fixture *f, const void *bytes, gsize n)
{
  g_test_expect_message (G_LOG_DOMAIN, G_LOG_LEVEL_WARNING, "*not listened to*");
  put (bytes, n, f);
  for (gint64 end = g_get_monotonic_time () + PATIENCE_US; vitrine_agent_is_there (f->agent); g_main_context_iteration (NULL, FALSE))
    g_assert_cmpint (g_get_monotonic_time (), <, end);
  g_test_assert_expected_messages ();
}

static void
a_chunk_without_end_ends_it (Fixture *f, gconstpointer unused)
{
  arrive (f, DEMAND);
  give_up_on (f, "\1\0\0\0\xff\xff\xff\xff", 8);
}

static void
a_message_without_end_ends_it (Fixture *f, gconstpointer unused)
{
  arrive (f, DEMAND);
  give_up_on (f, "\1\0\0\0\x14\0\0\0" "\1\0\0\0\4\0\0\0\0\0\0\0\0\0\0\0\xff\xff\xff\x7f", 28);
}

#define TEST(function) g_test_add ("/agent/" #function, Fixture, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST (what_the_person_copies_can_be_pasted_in_the_guest);
  TEST (what_the_guest_copies_is_fetched);
  TEST (other_clipboards_are_not_ours);
  TEST (what_was_not_asked_for_or_offered_is_neither_taken_nor_given);
  TEST (much_is_moved_whole);
  TEST (an_agent_without_selections_is_served);
  TEST (a_guest_that_is_reset_begins_anew);
  TEST (short_messages_are_nothing);
  TEST (a_chunk_without_end_ends_it);
  TEST (a_message_without_end_ends_it);
  return g_test_run ();
}
