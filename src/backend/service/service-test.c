/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Service and client over a real socket, with a test card for a machine. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <math.h>
#include <unistd.h>

#include "console-pipe.h"
#include "service-rig.h"

static void
a_client_follows_the_machine (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpint (vitrine_client_get_state (fixture->client), ==, VITRINE_STATE_STARTING);
  vitrine_service_set_backend (fixture->service, fixture->backend);
  rig_wait_for_state (fixture, VITRINE_STATE_PAUSED);
  g_assert_true (rig_call (fixture, "Resume", NULL).ok);
  rig_wait_for_state (fixture, VITRINE_STATE_RUNNING);
  g_assert_true (rig_call (fixture, "Pause", NULL).ok);
  rig_wait_for_state (fixture, VITRINE_STATE_PAUSED);
  g_assert_true (rig_call (fixture, "ForceOff", NULL).ok);
  rig_wait_for_state (fixture, VITRINE_STATE_OFF);
}

static void
a_machine_that_failed_says_why (Fixture *fixture, gconstpointer unused)
{
  vitrine_service_set_failed (fixture->service, "The disk is missing.");
  rig_wait_for_state (fixture, VITRINE_STATE_FAILED);
  g_autofree char *message = vitrine_client_get_message (fixture->client);
  g_assert_cmpstr (message, ==, "The disk is missing.");
  Call refused = rig_call (fixture, "Reset", NULL);
  g_assert_false (refused.ok);
  g_assert_nonnull (strstr (refused.error->message, "not running"));
  g_clear_error (&refused.error);
}

static void
errors_of_the_machine_reach_the_client (Fixture *fixture, gconstpointer unused)
{
  vitrine_service_set_backend (fixture->service, fixture->backend);
  g_assert_true (rig_call (fixture, "SendKeys", g_variant_new ("(s)", "ctrl-alt-delete")).ok);
  Call refused = rig_call (fixture, "SendKeys", g_variant_new ("(s)", "nonsense"));
  g_assert_cmpstr (refused.error->message, ==, "“nonsense” is not a key.");
  g_clear_error (&refused.error);
  refused = rig_call (fixture, "SetLink", g_variant_new ("(ub)", 7, FALSE));
  g_assert_cmpstr (refused.error->message, ==, "There is no card");
  g_clear_error (&refused.error);
}

static void
what_lies_at_the_path_of_a_socket_stays (Fixture *fixture, gconstpointer unused)
{
  g_autofree char *nowhere = g_build_filename (fixture->folder, "none", "m.sock", NULL);
  g_autoptr(GError) error = NULL;

  g_assert_null (vitrine_service_new (fixture->path, "", "second", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS);
  g_clear_error (&error);
  g_assert_null (vitrine_service_new (nowhere, "", "second", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND);
  g_assert_true (rig_call (fixture, "GetState", NULL).ok);
}

static void
note (gboolean *flag)
{
  *flag = TRUE;
}

static void
the_window_is_asked_for_and_the_end_is_heard (Fixture *fixture, gconstpointer unused)
{
  gboolean presented = FALSE, closed = FALSE;
  Call refused = rig_call (fixture, "Present", NULL);

  g_assert_false (refused.ok);   /* nobody shows windows yet */
  g_clear_error (&refused.error);
  g_signal_connect_swapped (fixture->service, "present", G_CALLBACK (note), &presented);
  g_signal_connect_swapped (fixture->client, "closed", G_CALLBACK (note), &closed);
  g_assert_true (rig_call (fixture, "Present", NULL).ok);
  g_assert_true (presented);
  g_clear_object (&fixture->service);
  while (!closed)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpint (vitrine_client_get_state (fixture->client), ==, VITRINE_STATE_OFF);
}

/* The client's blocking calls are made beside the service's loop. */
typedef struct
{
  Fixture          *fixture;
  VitrineStatistics statistics;
  int               done;
} Asking;

static gpointer
ask_statistics (gpointer data)
{
  Asking *asking = data;
  g_autoptr(GError) error = NULL;

  vitrine_client_get_statistics (asking->fixture->client, &asking->statistics, &error);
  g_assert_no_error (error);
  g_atomic_int_set (&asking->done, 1);
  g_main_context_wakeup (NULL);
  return NULL;
}

static VitrineStatistics
get_statistics (Fixture *fixture)
{
  Asking asking = { .fixture = fixture };
  GThread *thread = g_thread_new ("client", ask_statistics, &asking);

  while (!g_atomic_int_get (&asking.done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  return asking.statistics;
}

static void
a_client_gets_every_figure (Fixture *fixture, gconstpointer unused)
{
  VitrineStatistics here;
  VitrineRates rates;

  Call refused = rig_call (fixture, "GetStatistics", NULL);
  g_assert_false (refused.ok);
  g_clear_error (&refused.error);
  vitrine_service_set_backend (fixture->service, fixture->backend);
  g_assert_true (rig_call (fixture, "Resume", NULL).ok);
  VitrineStatistics before = get_statistics (fixture);
  vitrine_backend_get_statistics (fixture->backend, &here);
  while (here.tlb_fills < before.tlb_fills + 10)   /* the slowest of them; an iteration may do nothing */
    {
      g_main_context_iteration (NULL, TRUE);
      vitrine_backend_get_statistics (fixture->backend, &here);
    }
  g_assert_true (rig_call (fixture, "Pause", NULL).ok);
  vitrine_backend_get_statistics (fixture->backend, &here);
  VitrineStatistics there = get_statistics (fixture);
  here.host_seconds = there.host_seconds;
  g_autoptr(GVariant) one = g_variant_ref_sink (vitrine_statistics_to_variant (&here));
  g_autoptr(GVariant) other = g_variant_ref_sink (vitrine_statistics_to_variant (&there));
  g_assert_cmpvariant (one, other);
  g_assert_true (vitrine_statistics_rates (&before, &there, &rates));
  g_assert_cmpfloat (rates.tlb_fills, >, 0);
  g_assert_cmpfloat (rates.all_exits, >, rates.exits[VITRINE_EXIT_LOOKUP]);
  g_assert_true (isnan (rates.mips));
}

static void
instructions_are_counted_while_a_client_wants_it (Fixture *fixture, gconstpointer unused)
{
  VitrineStatistics statistics;

  vitrine_service_set_backend (fixture->service, fixture->backend);
  g_assert_false (get_statistics (fixture).counting);
  g_assert_true (rig_call (fixture, "CountInstructions", g_variant_new ("(b)", TRUE)).ok);
  g_assert_true (get_statistics (fixture).counting);
  g_assert_true (rig_call (fixture, "CountInstructions", g_variant_new ("(b)", FALSE)).ok);
  g_assert_false (get_statistics (fixture).counting);
  g_assert_true (rig_call (fixture, "CountInstructions", g_variant_new ("(b)", TRUE)).ok);
  vitrine_backend_count_instructions (fixture->backend, TRUE);
  g_clear_object (&fixture->client);
  vitrine_backend_get_statistics (fixture->backend, &statistics);
  g_assert_true (statistics.counting);
  vitrine_backend_count_instructions (fixture->backend, FALSE);
  vitrine_backend_get_statistics (fixture->backend, &statistics);
  while (statistics.counting)
    {
      g_main_context_iteration (NULL, TRUE);
      vitrine_backend_get_statistics (fixture->backend, &statistics);
    }
}

/* Opening blocks the client, so it does that beside the service's loop. */
typedef struct
{
  Fixture *fixture;
  int      fd;
  int      done;
} Opening;

static gpointer
open_console (gpointer data)
{
  Opening *opening = data;
  g_autoptr(GError) error = NULL;

  opening->fd = vitrine_client_open_console (opening->fixture->client, 0, &error);
  g_assert_no_error (error);
  g_atomic_int_set (&opening->done, 1);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
wait_for_words (int fd, GString *seen, const char *wanted)
{
  while (strstr (seen->str, wanted) == NULL)
    {
      char bytes[256];
      gssize n = read (fd, bytes, sizeof bytes);
      g_assert_true (n > 0 || errno == EAGAIN);
      g_string_append_len (seen, bytes, MAX (n, 0));
      g_main_context_iteration (NULL, FALSE);
    }
}

/* The client's end of the machine's first console. */
static int
open_first_console (Fixture *fixture)
{
  Opening opening = { fixture, -1, 0 };

  vitrine_service_set_backend (fixture->service, fixture->backend);
  GThread *thread = g_thread_new ("client", open_console, &opening);
  while (!g_atomic_int_get (&opening.done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  return opening.fd;
}

static void
a_console_carries_bytes_both_ways (Fixture *fixture, gconstpointer unused)
{
  g_autoptr(GString) seen = g_string_new (NULL);
  int fd = open_first_console (fixture);

  wait_for_words (fd, seen, "login: ");
  g_assert_cmpint (write (fd, "root\r", 5), ==, 5);
  wait_for_words (fd, seen, "root\r\nlogin: ");
  close (fd);
}

static void
print (Fixture *fixture, const char *words, gsize n)
{
  g_autoptr(GBytes) bytes = g_bytes_new (words, n);
  vitrine_backend_emit_console_output (fixture->backend, 0, bytes);
}

/* A socket takes few pieces, however small. */
static void
a_console_client_that_is_slow_loses_nothing (Fixture *fixture, gconstpointer unused)
{
  g_autoptr(GString) seen = g_string_new (NULL), wanted = g_string_new (NULL);
  int fd = open_first_console (fixture);

  for (guint i = 0; i < 5000; i++)
    g_string_append_printf (wanted, "%u ", i);
  for (gsize i = 0; i < wanted->len; i++)
    print (fixture, wanted->str + i, 1);
  print (fixture, "end", 3);
  wait_for_words (fd, seen, "end");
  g_assert_nonnull (strstr (seen->str, wanted->str));
  close (fd);
}

static void
a_console_client_that_does_not_read_is_told_what_is_missing (Fixture *fixture, gconstpointer unused)
{
  g_autoptr(GString) seen = g_string_new (NULL);
  g_autofree char *much = g_strnfill (VITRINE_CONSOLE_PIPE_BYTES / 4, '.');
  int fd = open_first_console (fixture);

  for (guint i = 0; i < 9; i++)
    print (fixture, much, strlen (much));
  print (fixture, "end", 3);
  wait_for_words (fd, seen, "end");
  g_assert_nonnull (strstr (seen->str, "MiB of what the machine printed were not read in time"));
  g_assert_cmpuint (seen->len, <, 9 * strlen (much));
  close (fd);
}

static void
what_a_console_printed_last_is_read_when_the_machine_has_ended (Fixture *fixture, gconstpointer unused)
{
  g_autoptr(GString) seen = g_string_new (NULL);
  char bytes[256];
  int fd = open_first_console (fixture);

  for (guint i = 0; i < 200; i++)
    print (fixture, "x", 1);
  print (fixture, "Power down", 10);
  vitrine_service_stop (fixture->service);
  for (gssize n = 1; n != 0;)
    {
      n = read (fd, bytes, sizeof bytes);
      g_assert_true (n >= 0);
      g_string_append_len (seen, bytes, n);
    }
  g_assert_true (g_str_has_suffix (seen->str, "Power down"));
  close (fd);
}

/* --- files -------------------------------------------------------------------------------------------------------- */

/* Who "sends" them; a test answers. */
typedef struct
{
  GString *got;            /* names and contents */
  GTask   *task;           /* NULL: nothing was sent */
  double   fraction;       /* as the client heard it */
  gboolean stop;           /* the client is to stop */
} Keeper;

static void
keeper_send (gpointer data, const char *const *names, const int *fds, guint n, VitrineFilesProgress progress, gpointer progress_data,
             GCancellable *cancellable, GAsyncReadyCallback done, gpointer done_data)
{
  Keeper *keeper = data;

  for (guint i = 0; i < n; i++)
    {
      char bytes[16];
      gssize got = read (fds[i], bytes, sizeof bytes);
      g_string_append_printf (keeper->got, "%s=%.*s ", names[i], (int) got, bytes);
      close (fds[i]);
    }
  keeper->task = g_task_new (NULL, cancellable, done, done_data);
  progress (progress_data, 1, 2);
}

static guint
keeper_finish (gpointer keeper, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error) ? 1 : 0;
}

static const VitrineFileKeeper keeper_functions = { keeper_send, keeper_finish };

static gboolean
hear_progress (gpointer data, double fraction)
{
  Keeper *keeper = data;

  keeper->fraction = fraction;
  if (fraction < 0.5 || keeper->stop)
    return !keeper->stop;
  if (strstr (keeper->got->str, "refuse") != NULL)
    g_task_return_new_error (keeper->task, G_IO_ERROR, G_IO_ERROR_FAILED, "No room for it.");
  else
    g_task_return_boolean (keeper->task, TRUE);
  return TRUE;
}

static gboolean
send_text (Fixture *fixture, Keeper *keeper, const char *name, GError **error)
{
  const char *const names[] = { name, "second", NULL };
  g_autofree char *path = g_build_filename (fixture->folder, "file", NULL);

  g_assert_true (g_file_set_contents (path, "text", -1, NULL));
  const int fds[] = { open (path, O_RDONLY), open (path, O_RDONLY) };
  gboolean ok = vitrine_client_send_files (fixture->client, names, fds, 2, hear_progress, keeper, error);
  close (fds[0]);
  close (fds[1]);
  g_unlink (path);
  return ok;
}

static void
files_are_handed_over_and_the_progress_comes_back (Fixture *fixture, gconstpointer unused)
{
  g_autoptr(GError) error = NULL;
  Keeper keeper = { .got = g_string_new (NULL) };

  g_assert_false (send_text (fixture, &keeper, "early", &error));
  g_assert_cmpstr (error->message, ==, "The machine is not running.");
  g_clear_error (&error);
  vitrine_service_set_backend (fixture->service, fixture->backend);
  g_assert_false (send_text (fixture, &keeper, "early", &error));
  g_assert_cmpstr (error->message, ==, "This machine has no window.");
  g_clear_error (&error);
  vitrine_service_set_file_keeper (fixture->service, &keeper_functions, &keeper);
  g_assert_true (send_text (fixture, &keeper, "first", &error));
  g_assert_no_error (error);
  g_assert_cmpstr (keeper.got->str, ==, "first=text second=text ");
  g_assert_cmpfloat (keeper.fraction, ==, 0.5);
  g_clear_object (&keeper.task);
  g_assert_false (send_text (fixture, &keeper, "refuse", &error));
  g_assert_cmpstr (error->message, ==, "No room for it.");
  g_clear_object (&keeper.task);
  g_string_free (keeper.got, TRUE);
}

static void
a_client_that_goes_takes_its_files_back (Fixture *fixture, gconstpointer unused)
{
  g_autoptr(GError) error = NULL;
  Keeper keeper = { .got = g_string_new (NULL), .stop = TRUE };

  vitrine_service_set_backend (fixture->service, fixture->backend);
  vitrine_service_set_file_keeper (fixture->service, &keeper_functions, &keeper);
  g_assert_false (send_text (fixture, &keeper, "first", &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
  while (keeper.task == NULL)
    g_main_context_iteration (NULL, TRUE);
  GCancellable *cancellable = g_task_get_cancellable (keeper.task);
  g_assert_false (g_cancellable_is_cancelled (cancellable));
  g_clear_object (&fixture->client);
  while (!g_cancellable_is_cancelled (cancellable))
    g_main_context_iteration (NULL, TRUE);
  g_assert_true (g_task_return_error_if_cancelled (keeper.task));
  while (g_main_context_iteration (NULL, FALSE))
    ;
  g_clear_object (&keeper.task);
  g_string_free (keeper.got, TRUE);
}

/* --- trace ------------------------------------------------------------------------------------------------------ */

typedef struct
{
  Fixture *fixture;
  int      pipe;        /* the writing end */
  gint     done;
} Tracing;

static gpointer
ask_for_trace (gpointer data)
{
  Tracing *tracing = data;
  g_autoptr(GError) error = NULL;
  const char *globs[] = { "uart_*", NULL };

  vitrine_client_call_with_file_sync (tracing->fixture->client, "Trace", g_variant_new ("(^ash)", globs, 0), tracing->pipe, &error);
  g_assert_no_error (error);
  close (tracing->pipe);
  g_atomic_int_set (&tracing->done, TRUE);
  g_main_context_wakeup (NULL);
  return NULL;
}

/* Returns the reading end. */
static int
trace (Fixture *fixture)
{
  Tracing tracing = { .fixture = fixture };
  int ends[2];

  g_assert_true (g_unix_open_pipe (ends, FD_CLOEXEC, NULL));
  tracing.pipe = ends[1];
  GThread *thread = g_thread_new ("client", ask_for_trace, &tracing);
  while (!g_atomic_int_get (&tracing.done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  return ends[0];
}

static void
lines_come_until_the_machine_ends (Fixture *fixture, gconstpointer unused)
{
  char line[64] = "";

  vitrine_service_set_backend (fixture->service, fixture->backend);
  int reader = trace (fixture);
  g_assert_cmpint (read (reader, line, sizeof line - 1), >, 0);
  g_assert_cmpstr (line, ==, "0.000000 uart_*\n");
  vitrine_service_set_backend (fixture->service, NULL);
  g_assert_cmpint (read (reader, line, sizeof line), ==, 0);
  close (reader);
}

/* Or else nobody could trace it again. */
static void
a_reader_that_goes_ends_the_trace (Fixture *fixture, gconstpointer unused)
{
  vitrine_service_set_backend (fixture->service, fixture->backend);
  close (trace (fixture));
  while (vitrine_fake_backend_is_traced (VITRINE_FAKE_BACKEND (fixture->backend)))
    g_main_context_iteration (NULL, TRUE);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/service/" name, Fixture, NULL, rig_set_up, function, rig_tear_down)
  ADD ("a client follows the machine", a_client_follows_the_machine);
  ADD ("a machine that failed says why", a_machine_that_failed_says_why);
  ADD ("errors of the machine reach the client", errors_of_the_machine_reach_the_client);
  ADD ("what lies at the path of a socket stays", what_lies_at_the_path_of_a_socket_stays);
  ADD ("the window is asked for and the end is heard", the_window_is_asked_for_and_the_end_is_heard);
  ADD ("a client gets every figure", a_client_gets_every_figure);
  ADD ("instructions are counted while a client wants it", instructions_are_counted_while_a_client_wants_it);
  ADD ("a console carries bytes both ways", a_console_carries_bytes_both_ways);
  ADD ("a console’s client that is slow loses nothing", a_console_client_that_is_slow_loses_nothing);
  ADD ("one that does not read is told what is missing", a_console_client_that_does_not_read_is_told_what_is_missing);
  ADD ("a console’s last words are read after the end", what_a_console_printed_last_is_read_when_the_machine_has_ended);
  ADD ("files are handed over and the progress comes back", files_are_handed_over_and_the_progress_comes_back);
  ADD ("a client that goes takes its files back", a_client_that_goes_takes_its_files_back);
  ADD ("lines of a trace come until the machine ends", lines_come_until_the_machine_ends);
  ADD ("a reader that goes ends the trace", a_reader_that_goes_ends_the_trace);
  return g_test_run ();
}
