/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine does with its ends, without a guest that matters. */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/input-event-codes.h>
#include <unistd.h>

#include "machine-private.h"

typedef struct
{
  VtMachine *machine;
  GString   *seen;       /* "+code " and "-code ", under the machine lock */
} Fixture;

static void
record_key (void *opaque, unsigned code, bool down)
{
  Fixture *f = opaque;
  g_string_append_printf (f->seen, "%c%u ", down ? '+' : '-', code);
}

static const VtInputOps recorder = { .key = record_key };

static void
set_up (Fixture *f, gconstpointer unused)
{
  g_autoptr (VtConfig) config = vt_config_new ();
  g_autoptr (GError) error = NULL;
  config->memory_bytes = 16 << 20;
  VtDiskConfig *drive = vt_config_add_disk (config, NULL);
  drive->cdrom = drive->readonly = true;
  drive->bus = VT_BUS_SATA;
  f->machine = vt_machine_new (config, &error);
  g_assert_no_error (error);
  f->seen = g_string_new (NULL);
  f->machine->keyboard = (VtInputSink) { &recorder, f };
}

static void
tear_down (Fixture *f, gconstpointer unused)
{
  vt_machine_free (f->machine);
  g_string_free (f->seen, TRUE);
}

static char *
seen_so_far (Fixture *f)
{
  vt_lock (&f->machine->lock);
  char *seen = g_strdup (f->seen->str);
  vt_unlock (&f->machine->lock);
  return seen;
}

static void
wait_for_keys (Fixture *f, const char *wanted)
{
  gint64 limit = g_get_monotonic_time () + 20 * G_USEC_PER_SEC;
  for (;;)
    {
      g_autofree char *seen = seen_so_far (f);
      if (strlen (seen) >= strlen (wanted) || g_get_monotonic_time () > limit)
        {
          g_assert_cmpstr (seen, ==, wanted);
          return;
        }
      g_usleep (1000);
    }
}

static void
words_of_a_sequence_are_chords_and_text (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (vt_input_send_spec (f->machine, "text:aB spc text:c ctrl-f1", &error));
  g_assert_no_error (error);
  vt_machine_resume (f->machine);
  wait_for_keys (f, "+30 -30 +42 +48 -48 -42 +57 -57 +46 -46 +29 +59 -59 -29 ");
}

static void
a_machine_may_end_while_keys_are_typed (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_true (vt_input_send_spec (f->machine, "a b c", &error));
  g_assert_true (vt_input_send_spec (f->machine, "text:never", &error));
  g_assert_cmpuint (f->machine->typings->len, ==, 2);
}

static void
an_unknown_word_types_nothing (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  g_assert_false (vt_input_send_spec (f->machine, "a nonsense", &error));
  g_assert_nonnull (strstr (error->message, "nonsense"));
  g_assert_cmpuint (f->machine->typings->len, ==, 0);
}

/* A file that has no name any more: the machine can only have it by its descriptor. */
static int
open_nameless (const char *bytes)
{
  g_autofree char *path = NULL;
  int fd = g_file_open_tmp ("vitrine-test-XXXXXX", &path, NULL);
  g_assert_cmpint (write (fd, bytes, strlen (bytes)), ==, strlen (bytes));
  unlink (path);
  return fd;
}

static void
a_medium_may_come_in_as_a_descriptor (Fixture *f, gconstpointer unused)
{
  g_autoptr (GError) error = NULL;
  int fd = open_nameless ("disc"), wrong = open_nameless ("disc");
  g_assert_true (vt_machine_change_medium (f->machine, 0, "/gone/disc.iso", fd, &error));
  g_assert_no_error (error);
  g_assert_cmpuint (g_array_index (f->machine->drives, Drive, 0).block->size_bytes, ==, 2048);
  g_assert_false (vt_machine_change_medium (f->machine, 7, "/gone/disc.iso", wrong, &error));
  g_clear_error (&error);
  g_assert_cmpint (fcntl (wrong, F_GETFD), ==, -1);   /* taken, though refused */
  g_assert_false (vt_machine_change_medium (f->machine, 0, "/gone/empty.iso", open_nameless (""), &error));
  g_assert_nonnull (strstr (error->message, "empty.iso"));
  g_assert_true (vt_machine_change_medium (f->machine, 0, NULL, -1, NULL));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/machines/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("words of a sequence are chords and text", words_of_a_sequence_are_chords_and_text);
  ADD ("a machine may end while keys are typed", a_machine_may_end_while_keys_are_typed);
  ADD ("an unknown word types nothing", an_unknown_word_types_nothing);
  ADD ("a medium may come in as a descriptor", a_medium_may_come_in_as_a_descriptor);
  return g_test_run ();
}
