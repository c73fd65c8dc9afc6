/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files for a guest that takes them, that does not, and that lies. */
#include "file-sender.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "scripted-guest.h"

#define QUIET_TURNS 50       /* of the main loop: enough for what would have been said */

typedef struct
{
  Fixture            guest;
  VitrineFileSender *sender;
  char              *folder;
  GCancellable      *cancellable;
  guint              arrived, answers;
  GError            *error;
  guint64            done, whole;    /* as told last */
} Sending;

static void
set_up (Sending *f, gconstpointer unused)
{
  guest_open (&f->guest);
  f->sender = vitrine_file_sender_new ();
  f->folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL);
  f->cancellable = g_cancellable_new ();
  vitrine_file_sender_set_agent (f->sender, f->guest.agent);
}

static void
tear_down (Sending *f, gconstpointer unused)
{
  g_object_unref (f->sender);
  guest_close (&f->guest);
  g_object_unref (f->cancellable);
  g_clear_error (&f->error);
  g_autoptr(GDir) folder = g_dir_open (f->folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name (folder)) != NULL;)
    {
      g_autofree char *path = g_build_filename (f->folder, name, NULL);
      g_remove (path);
    }
  g_rmdir (f->folder);
  g_free (f->folder);
}

static void
answered (GObject *source, GAsyncResult *result, gpointer data)
{
  Sending *f = data;
  g_clear_error (&f->error);
  f->arrived = vitrine_file_sender_send_finish (f->sender, result, &f->error);
  f->answers++;
}

static void
progress (gpointer data, guint64 done, guint64 whole)
{
  Sending *f = data;
  g_assert_cmpuint (done, <=, whole);
  f->done = done;
  f->whole = whole;
}

static int
file_of (Sending *f, const char *name, const void *bytes, gsize n)
{
  g_autofree char *path = g_build_filename (f->folder, name, NULL);
  g_assert_true (g_file_set_contents (path, bytes, (gssize) n, NULL));
  return g_open (path, O_RDONLY | O_CLOEXEC, 0);
}

static void
send_these (Sending *f, const char *const *names, const int *fds)
{
  vitrine_file_sender_send_async (f->sender, names, fds, g_strv_length ((char **) names), progress, f, f->cancellable, answered, f);
}

static void
send_one (Sending *f, const char *name, const void *bytes, gsize n)
{
  const char *const names[] = { name, NULL };
  int fd = file_of (f, name, bytes, n);
  send_these (f, names, &fd);
}

static void
await_answers (Sending *f, guint n)
{
  while (f->answers < n)
    g_main_context_iteration (NULL, TRUE);
}

static void
come (Sending *f)
{
  arrive (&f->guest, DEMAND | SELECTION);
}

/* The file's number; its key file is checked. */
static guint32
hear_start (Sending *f, const char *name, guint64 size, guint number, guint of)
{
  g_autoptr(GKeyFile) keys = g_key_file_new ();
  g_assert_cmpuint (hear (&f->guest), ==, VD_AGENT_FILE_XFER_START);
  const char *text = (const char *) f->guest.body->data + 4;
  g_assert_cmpuint (strnlen (text, f->guest.body->len - 4), ==, f->guest.body->len - 5);
  g_assert_true (g_key_file_load_from_data (keys, text, (gsize) -1, G_KEY_FILE_NONE, NULL));
  g_autofree char *told = g_key_file_get_string (keys, "vdagent-file-xfer", "name", NULL);
  g_assert_cmpstr (told, ==, name);
  g_assert_cmpuint (g_key_file_get_uint64 (keys, "vdagent-file-xfer", "size", NULL), ==, size);
  g_assert_cmpint (g_key_file_get_integer (keys, "vdagent-file-xfer", "file-xfer-nr", NULL), ==, (int) number);
  g_assert_cmpint (g_key_file_get_integer (keys, "vdagent-file-xfer", "file-xfer-total", NULL), ==, (int) of);
  return word (&f->guest, 0);
}

static void
answer (Sending *f, guint32 id, guint32 status)
{
  say_words (&f->guest, VD_AGENT_FILE_XFER_STATUS, 2, id, status);
}

/* All of a file. */
static void
hear_data (Sending *f, guint32 id, const void *bytes, gsize n)
{
  g_autoptr(GByteArray) whole = g_byte_array_new ();
  do
    {
      g_assert_cmpuint (hear (&f->guest), ==, VD_AGENT_FILE_XFER_DATA);
      g_assert_cmpuint (word (&f->guest, 0), ==, id);
      g_assert_cmpuint (word (&f->guest, 1), ==, f->guest.body->len - 12);
      g_assert_cmpuint (word (&f->guest, 2), ==, 0);
      g_byte_array_append (whole, f->guest.body->data + 12, f->guest.body->len - 12);
    }
  while (whole->len < n);
  g_assert_cmpmem (whole->data, whole->len, bytes, n);
}

static void
take (Sending *f, const char *name, const void *bytes, gsize n, guint number, guint of)
{
  guint32 id = hear_start (f, name, n, number, of);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  hear_data (f, id, bytes, n);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
}

/* --- tests -------------------------------------------------------------------------------------------------------- */

static void
several_files_arrive_one_after_the_other (Sending *f, gconstpointer unused)
{
  const gsize size = (3u << 20) + 7;
  g_autofree guint8 *large = g_malloc (size);
  for (gsize i = 0; i < size; i++)
    large[i] = (guint8) (i * 7 + (i >> 11));
  const char *const names[] = { "a=b\n [c].txt", "/some/where/large", "empty", NULL };
  const int fds[] = { file_of (f, "a", "text", 4), file_of (f, "b", large, size), file_of (f, "c", "", 0) };
  come (f);
  send_these (f, names, fds);
  g_assert_cmpstr (vitrine_file_sender_get_name (f->sender), ==, names[0]);
  take (f, names[0], "text", 4, 1, 3);
  take (f, "large", large, size, 2, 3);
  take (f, "empty", "", 0, 3, 3);
  await_answers (f, 1);
  g_assert_no_error (f->error);
  g_assert_cmpuint (f->arrived, ==, 3);
  g_assert_cmpuint (f->done, ==, size + 4);
  g_assert_cmpuint (f->whole, ==, size + 4);
  g_assert_null (vitrine_file_sender_get_name (f->sender));
}

static void
nothing_is_sent_before_there_is_an_agent_that_takes_it (Sending *f, gconstpointer unused)
{
  g_assert_nonnull (strstr (vitrine_file_sender_get_obstacle (f->sender), "does not run"));
  send_one (f, "early", "x", 1);
  await_answers (f, 1);
  g_assert_cmpuint (f->arrived, ==, 0);
  g_assert_nonnull (strstr (f->error->message, "does not run"));
  arrive (&f->guest, DEMAND | 1u << VD_AGENT_CAP_FILE_XFER_DISABLED);
  g_assert_nonnull (strstr (vitrine_file_sender_get_obstacle (f->sender), "switched off"));
  say_words (&f->guest, VD_AGENT_ANNOUNCE_CAPABILITIES, 2, 1, 0);     /* one without a clipboard, even */
  g_assert_cmpuint (hear (&f->guest), ==, VD_AGENT_ANNOUNCE_CAPABILITIES);
  g_assert_null (vitrine_file_sender_get_obstacle (f->sender));
  vitrine_file_sender_set_agent (f->sender, NULL);
  g_assert_nonnull (strstr (vitrine_file_sender_get_obstacle (f->sender), "no port"));
}

static void
every_refusal_is_a_sentence_that_names_the_file (Sending *f, gconstpointer unused)
{
  static const struct { guint32 status; const char *part; } refusals[] = {
    { VD_AGENT_FILE_XFER_STATUS_CANCELLED, "cancelled in the guest" },
    { VD_AGENT_FILE_XFER_STATUS_ERROR, "could not write" },
    { VD_AGENT_FILE_XFER_STATUS_SUCCESS, "before all of it" },
    { VD_AGENT_FILE_XFER_STATUS_NOT_ENOUGH_SPACE, "no room for" },
    { VD_AGENT_FILE_XFER_STATUS_SESSION_LOCKED, "locked" },
    { VD_AGENT_FILE_XFER_STATUS_VDAGENT_NOT_CONNECTED, "nobody is logged in" },
    { VD_AGENT_FILE_XFER_STATUS_DISABLED, "no folder" },
    { 4711, "(4711)" },
  };
  come (f);
  for (guint i = 0; i < G_N_ELEMENTS (refusals); i++)
    {
      send_one (f, "letter.odt", "x", 1);
      answer (f, hear_start (f, "letter.odt", 1, 1, 1), refusals[i].status);
      await_answers (f, i + 1);
      g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_FAILED);
      g_assert_nonnull (strstr (f->error->message, refusals[i].part));
      g_assert_nonnull (strstr (f->error->message, "“letter.odt”"));
      if (refusals[i].status == VD_AGENT_FILE_XFER_STATUS_SUCCESS)
        g_assert_cmpuint (hear (&f->guest), ==, VD_AGENT_FILE_XFER_STATUS);    /* it is told to let go */
    }
}

static void
the_guest_may_say_how_much_room_it_has (Sending *f, gconstpointer unused)
{
  come (f);
  send_one (f, "much", "0123456789", 10);
  guint32 id = hear_start (f, "much", 10, 1, 1);
  say_words (&f->guest, VD_AGENT_FILE_XFER_STATUS, 4, id, VD_AGENT_FILE_XFER_STATUS_NOT_ENOUGH_SPACE, 7, 0);
  await_answers (f, 1);
  g_assert_nonnull (strstr (f->error->message, "7 bytes are free"));
}

static void
a_file_that_fails_does_not_keep_the_others (Sending *f, gconstpointer unused)
{
  const char *const names[] = { "one", "folder", "two", NULL };
  const int fds[] = { file_of (f, "one", "1", 1), g_open (f->folder, O_RDONLY | O_CLOEXEC, 0), file_of (f, "two", "22", 2) };
  come (f);
  send_these (f, names, fds);
  guint32 id = hear_start (f, "one", 1, 1, 2);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  hear_data (f, id, "1", 1);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_ERROR);
  take (f, "two", "22", 2, 2, 2);
  await_answers (f, 1);
  g_assert_cmpuint (f->arrived, ==, 1);
  g_assert_nonnull (strstr (f->error->message, "“folder” is a folder"));
  g_assert_nonnull (strstr (f->error->message, "\nThe guest could not write “one”"));
}

static void
a_locked_guest_is_not_asked_for_every_file (Sending *f, gconstpointer unused)
{
  const char *const names[] = { "one", "two", NULL };
  const int fds[] = { file_of (f, "one", "1", 1), file_of (f, "two", "22", 2) };
  come (f);
  send_these (f, names, fds);
  answer (f, hear_start (f, "one", 1, 1, 2), VD_AGENT_FILE_XFER_STATUS_SESSION_LOCKED);
  await_answers (f, 1);
  g_assert_cmpuint (f->arrived, ==, 0);
  g_assert_null (strchr (f->error->message, '\n'));
}

static void
answers_about_other_files_and_second_answers_do_nothing (Sending *f, gconstpointer unused)
{
  come (f);
  answer (f, 1, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);      /* nothing was asked */
  answer (f, 0, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
  send_one (f, "first", "1", 1);
  guint32 first = hear_start (f, "first", 1, 1, 1);
  answer (f, first + 1, VD_AGENT_FILE_XFER_STATUS_ERROR);
  answer (f, first, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  answer (f, first, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  hear_data (f, first, "1", 1);
  answer (f, first, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  answer (f, first, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
  answer (f, first, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
  await_answers (f, 1);
  g_assert_no_error (f->error);
  send_one (f, "second", "2", 1);
  answer (f, first, VD_AGENT_FILE_XFER_STATUS_ERROR);          /* the first, once more */
  take (f, "second", "2", 1, 1, 1);
  await_answers (f, 2);
  g_assert_no_error (f->error);
  g_assert_cmpuint (f->arrived, ==, 1);
}

/* A guest that reads nothing is sent a bounded amount, and the rest when it reads. */
static void
what_is_queued_is_bounded (Sending *f, gconstpointer unused)
{
  const gsize size = 32u << 20;
  g_autofree guint8 *bytes = g_malloc0 (size);
  come (f);
  send_one (f, "large", bytes, size);
  guint32 id = hear_start (f, "large", size, 1, 1);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  for (gint64 end = g_get_monotonic_time () + G_USEC_PER_SEC / 2; g_get_monotonic_time () < end;)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (f->done, >, 0);
  g_assert_cmpuint (f->done, <, 4u << 20);
  hear_data (f, id, bytes, size);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
  await_answers (f, 1);
  g_assert_cmpuint (f->arrived, ==, 1);
}

static void
hear_cancelled (Sending *f, guint32 id)
{
  while (hear (&f->guest) != VD_AGENT_FILE_XFER_STATUS)
    g_assert_cmpuint (word (&f->guest, 0), ==, id);
  g_assert_cmpuint (word (&f->guest, 0), ==, id);
  g_assert_cmpuint (word (&f->guest, 1), ==, VD_AGENT_FILE_XFER_STATUS_CANCELLED);
}

static void
cancelling_tells_the_guest (Sending *f, gconstpointer unused)
{
  const gsize size = 8u << 20;
  g_autofree guint8 *bytes = g_malloc0 (size);
  come (f);
  send_one (f, "large", bytes, size);
  guint32 id = hear_start (f, "large", size, 1, 1);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  g_assert_cmpuint (hear (&f->guest), ==, VD_AGENT_FILE_XFER_DATA);
  vitrine_file_sender_cancel (f->sender);
  await_answers (f, 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  hear_cancelled (f, id);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_CANCELLED);         /* it agrees */
  send_one (f, "next", "n", 1);
  take (f, "next", "n", 1, 1, 1);
  await_answers (f, 2);
  g_assert_no_error (f->error);
}

static void
cancelling_one_go_leaves_the_next (Sending *f, gconstpointer unused)
{
  const char *const names[] = { "next", NULL };
  int fd = file_of (f, "next", "n", 1);
  come (f);
  send_one (f, "first", "1", 1);
  vitrine_file_sender_send_async (f->sender, names, &fd, 1, NULL, NULL, NULL, answered, f);
  guint32 id = hear_start (f, "first", 1, 1, 1);
  g_cancellable_cancel (f->cancellable);
  await_answers (f, 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  hear_cancelled (f, id);
  take (f, "next", "n", 1, 1, 1);
  await_answers (f, 2);
  g_assert_no_error (f->error);
}

static void
a_file_that_gets_shorter_is_told (Sending *f, gconstpointer unused)
{
  g_autofree char *path = g_build_filename (f->folder, "log", NULL);
  come (f);
  send_one (f, "log", "0123456789", 10);
  guint32 id = hear_start (f, "log", 10, 1, 1);
  g_assert_cmpint (truncate (path, 0), ==, 0);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  await_answers (f, 1);
  g_assert_nonnull (strstr (f->error->message, "“log” has become shorter"));
  hear_cancelled (f, id);
}

static void
one_that_grows_is_sent_as_long_as_it_was (Sending *f, gconstpointer unused)
{
  come (f);
  send_one (f, "log", "0123", 4);
  guint32 id = hear_start (f, "log", 4, 1, 1);
  g_autofree char *path = g_build_filename (f->folder, "log", NULL);
  int fd = g_open (path, O_WRONLY | O_APPEND, 0);
  g_assert_cmpint (write (fd, "more", 4), ==, 4);
  close (fd);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  hear_data (f, id, "0123", 4);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
  await_answers (f, 1);
  g_assert_no_error (f->error);
}

static void
an_agent_that_ends_or_begins_anew_fails_what_it_had (Sending *f, gconstpointer unused)
{
  come (f);
  send_one (f, "first", "1", 1);
  hear_start (f, "first", 1, 1, 1);
  say_words (&f->guest, VD_AGENT_ANNOUNCE_CAPABILITIES, 2, 1, DEMAND | SELECTION);
  await_answers (f, 1);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_cmpuint (hear (&f->guest), ==, VD_AGENT_ANNOUNCE_CAPABILITIES);
  send_one (f, "second", "2", 1);
  hear_start (f, "second", 1, 1, 1);
  vitrine_agent_guest_reset (f->guest.agent);
  await_answers (f, 2);
  g_assert_error (f->error, G_IO_ERROR, G_IO_ERROR_CLOSED);
  g_assert_nonnull (vitrine_file_sender_get_obstacle (f->sender));
}

static void
short_answers_are_nothing (Sending *f, gconstpointer unused)
{
  come (f);
  send_one (f, "first", "1", 1);
  guint32 id = hear_start (f, "first", 1, 1, 1);
  for (guint32 n = 0; n < 8; n++)
    say (&f->guest, VD_AGENT_FILE_XFER_STATUS, "\1\0\0\0\2\0\0", n);
  for (guint i = 0; i < QUIET_TURNS; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_cmpuint (f->answers, ==, 0);
  answer (f, id, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  hear_data (f, id, "1", 1);
}

/* The next one is asked about all the same; a late answer about the first does nothing. */
static void
a_guest_that_does_not_answer_is_not_waited_for (Sending *f, gconstpointer unused)
{
  const char *const names[] = { "first", "second", NULL };
  const int fds[] = { file_of (f, "first", "1", 1), file_of (f, "second", "2", 1) };

  come (f);
  vitrine_file_sender_set_patience (f->sender, 50);
  send_these (f, names, fds);
  guint32 first = hear_start (f, "first", 1, 1, 2);
  vitrine_file_sender_set_patience (f->sender, 600000);
  g_assert_cmpuint (hear (&f->guest), ==, VD_AGENT_FILE_XFER_STATUS);
  g_assert_cmpuint (word (&f->guest, 0), ==, first);
  g_assert_cmpuint (word (&f->guest, 1), ==, VD_AGENT_FILE_XFER_STATUS_CANCELLED);
  guint32 second = hear_start (f, "second", 1, 2, 2);
  answer (f, first, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  answer (f, second, VD_AGENT_FILE_XFER_STATUS_CAN_SEND_DATA);
  hear_data (f, second, "2", 1);
  answer (f, second, VD_AGENT_FILE_XFER_STATUS_SUCCESS);
  await_answers (f, 1);
  g_assert_cmpuint (f->arrived, ==, 1);
  g_assert_nonnull (strstr (f->error->message, "does not answer"));
}

#define TEST(function) g_test_add ("/file-sender/" #function, Sending, NULL, set_up, function, tear_down)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  TEST (several_files_arrive_one_after_the_other);
  TEST (a_guest_that_does_not_answer_is_not_waited_for);
  TEST (nothing_is_sent_before_there_is_an_agent_that_takes_it);
  TEST (every_refusal_is_a_sentence_that_names_the_file);
  TEST (the_guest_may_say_how_much_room_it_has);
  TEST (a_file_that_fails_does_not_keep_the_others);
  TEST (a_locked_guest_is_not_asked_for_every_file);
  TEST (answers_about_other_files_and_second_answers_do_nothing);
  TEST (what_is_queued_is_bounded);
  TEST (cancelling_tells_the_guest);
  TEST (cancelling_one_go_leaves_the_next);
  TEST (a_file_that_gets_shorter_is_told);
  TEST (one_that_grows_is_sent_as_long_as_it_was);
  TEST (an_agent_that_ends_or_begins_anew_fails_what_it_had);
  TEST (short_answers_are_nothing);
  return g_test_run ();
}
