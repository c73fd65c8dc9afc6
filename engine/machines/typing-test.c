/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys that are typed into a machine, without a guest that matters. */
#include "machines-rig.h"

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
  f->machine = new_machine ("q35");
  f->seen = g_string_new (NULL);
  vt_lock (&f->machine->lock);
  vt_machine_add_input (f->machine, (VtInputSink) { &recorder, f });
  vt_unlock (&f->machine->lock);
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
  g_assert_true (vt_input_send_spec (f->machine, "text:aB spc text:c ctrl-f1 #42-#21", &error));
  g_assert_no_error (error);
  vt_machine_resume (f->machine);
  wait_for_keys (f, "+30 -30 +42 +48 -48 -42 +57 -57 +46 -46 +29 +59 -59 -29 +42 +21 -21 -42 ");
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
  g_assert_false (vt_input_send_spec (f->machine, "#768", NULL));
  g_assert_false (vt_input_send_spec (f->machine, "#", NULL));
  g_assert_nonnull (strstr (error->message, "nonsense"));
  g_assert_cmpuint (f->machine->typings->len, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/machine-typing/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("words of a sequence are chords and text", words_of_a_sequence_are_chords_and_text);
  ADD ("a machine may end while keys are typed", a_machine_may_end_while_keys_are_typed);
  ADD ("an unknown word types nothing", an_unknown_word_types_nothing);
  return g_test_run ();
}
