/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Service and client over a real socket, with a test card for a machine. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <locale.h>
#include <math.h>
#include <unistd.h>

#include "client.h"
#include "device-words.h"
#include "fake-backend.h"
#include "service.h"

typedef struct
{
  char           *folder, *path;
  VitrineService *service;
  VitrineBackend *backend;
  VitrineClient  *client;
} Fixture;

static void
store_client (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GError) error = NULL;
  Fixture *fixture = data;

  fixture->client = vitrine_client_connect_finish (result, &error);
  g_assert_no_error (error);
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  g_autoptr(VtConfig) config = vt_config_new ();
  g_autoptr(GError) error = NULL;

  config->name = g_strdup ("card");
  fixture->folder = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL);
  fixture->path = g_build_filename (fixture->folder, "m.sock", NULL);
  fixture->service = vitrine_service_new (fixture->path, "11111111-2222-3333-4444-555555555555", "card", &error);
  g_assert_no_error (error);
  fixture->backend = vitrine_fake_backend_open (config, &error);
  g_assert_no_error (error);
  vitrine_client_connect_async (fixture->path, NULL, store_client, fixture);
  while (fixture->client == NULL)
    g_main_context_iteration (NULL, TRUE);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_clear_object (&fixture->client);
  g_clear_object (&fixture->service);
  g_clear_object (&fixture->backend);
  g_assert_false (g_file_test (fixture->path, G_FILE_TEST_EXISTS));
  g_rmdir (fixture->folder);
  g_free (fixture->folder);
  g_free (fixture->path);
}

static void
wait_for_state (Fixture *fixture, VitrineState state)
{
  while (vitrine_client_get_state (fixture->client) != state)
    g_main_context_iteration (NULL, TRUE);
}

typedef struct
{
  gboolean done, ok;
  GError  *error;
} Call;

static void
store_call (GObject *source, GAsyncResult *result, gpointer data)
{
  Call *call = data;

  call->ok = vitrine_client_call_finish (VITRINE_CLIENT (source), result, &call->error);
  call->done = TRUE;
}

static Call
call (Fixture *fixture, const char *method, GVariant *arguments)
{
  Call result = { 0 };

  vitrine_client_call_async (fixture->client, method, arguments, NULL, store_call, &result);
  while (!result.done)
    g_main_context_iteration (NULL, TRUE);
  return result;
}

static void
a_client_follows_the_machine (Fixture *fixture, gconstpointer unused)
{
  g_assert_cmpint (vitrine_client_get_state (fixture->client), ==, VITRINE_STATE_STARTING);
  vitrine_service_set_backend (fixture->service, fixture->backend);
  wait_for_state (fixture, VITRINE_STATE_PAUSED);
  g_assert_true (call (fixture, "Resume", NULL).ok);
  wait_for_state (fixture, VITRINE_STATE_RUNNING);
  g_assert_true (call (fixture, "Pause", NULL).ok);
  wait_for_state (fixture, VITRINE_STATE_PAUSED);
  g_assert_true (call (fixture, "ForceOff", NULL).ok);
  wait_for_state (fixture, VITRINE_STATE_OFF);
}

static void
a_machine_that_failed_says_why (Fixture *fixture, gconstpointer unused)
{
  vitrine_service_set_failed (fixture->service, "The disk is missing.");
  wait_for_state (fixture, VITRINE_STATE_FAILED);
  g_autofree char *message = vitrine_client_get_message (fixture->client);
  g_assert_cmpstr (message, ==, "The disk is missing.");
  Call refused = call (fixture, "Reset", NULL);
  g_assert_false (refused.ok);
  g_assert_nonnull (strstr (refused.error->message, "not running"));
  g_clear_error (&refused.error);
}

static void
errors_of_the_machine_reach_the_client (Fixture *fixture, gconstpointer unused)
{
  vitrine_service_set_backend (fixture->service, fixture->backend);
  g_assert_true (call (fixture, "SendKeys", g_variant_new ("(s)", "ctrl-alt-delete")).ok);
  Call refused = call (fixture, "SendKeys", g_variant_new ("(s)", "nonsense"));
  g_assert_cmpstr (refused.error->message, ==, "“nonsense” is not a key.");
  g_clear_error (&refused.error);
  refused = call (fixture, "SetLink", g_variant_new ("(ub)", 7, FALSE));
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
  g_assert_true (call (fixture, "GetState", NULL).ok);
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
  Call refused = call (fixture, "Present", NULL);

  g_assert_false (refused.ok);   /* nobody shows windows yet */
  g_clear_error (&refused.error);
  g_signal_connect_swapped (fixture->service, "present", G_CALLBACK (note), &presented);
  g_signal_connect_swapped (fixture->client, "closed", G_CALLBACK (note), &closed);
  g_assert_true (call (fixture, "Present", NULL).ok);
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

  Call refused = call (fixture, "GetStatistics", NULL);
  g_assert_false (refused.ok);
  g_clear_error (&refused.error);
  vitrine_service_set_backend (fixture->service, fixture->backend);
  g_assert_true (call (fixture, "Resume", NULL).ok);
  VitrineStatistics before = get_statistics (fixture);
  vitrine_backend_get_statistics (fixture->backend, &here);
  while (here.tlb_fills < before.tlb_fills + 10)   /* the slowest of them; an iteration may do nothing */
    {
      g_main_context_iteration (NULL, TRUE);
      vitrine_backend_get_statistics (fixture->backend, &here);
    }
  g_assert_true (call (fixture, "Pause", NULL).ok);
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
  g_assert_true (call (fixture, "CountInstructions", g_variant_new ("(b)", TRUE)).ok);
  g_assert_true (get_statistics (fixture).counting);
  g_assert_true (call (fixture, "CountInstructions", g_variant_new ("(b)", FALSE)).ok);
  g_assert_false (get_statistics (fixture).counting);
  g_assert_true (call (fixture, "CountInstructions", g_variant_new ("(b)", TRUE)).ok);
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

static void
a_console_carries_bytes_both_ways (Fixture *fixture, gconstpointer unused)
{
  g_autoptr(GString) seen = g_string_new (NULL);
  Opening opening = { fixture, -1, 0 };

  vitrine_service_set_backend (fixture->service, fixture->backend);
  GThread *thread = g_thread_new ("client", open_console, &opening);
  while (!g_atomic_int_get (&opening.done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  wait_for_words (opening.fd, seen, "login: ");
  g_assert_cmpint (write (opening.fd, "root\r", 5), ==, 5);
  wait_for_words (opening.fd, seen, "root\r\nlogin: ");
  close (opening.fd);
}

/* Beside the service's loop, as above. */
typedef struct
{
  VitrineClient *client;
  GVariant      *arguments;
  int            fds[2];
  int            done;
} Attaching;

static gpointer
attach_disk (gpointer data)
{
  Attaching *attaching = data;
  g_autoptr(GError) error = NULL;

  vitrine_client_call_with_files_sync (attaching->client, "AttachDisk", attaching->arguments, attaching->fds, 2, &error);
  g_assert_no_error (error);
  g_atomic_int_set (&attaching->done, 1);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
a_disk_comes_with_its_files_and_goes (Fixture *fixture, gconstpointer unused)
{
  VtDiskConfig disk = { .id = (char *) "vdb", .path = (char *) "/top.qcow2", .format = VT_IMAGE_QCOW2, .port = 3, .readonly = true };
  g_autoptr(VtConfig) read = vitrine_disk_from_words (vitrine_disk_to_words (&disk), NULL);
  const VtDiskConfig *same = read->disks->pdata[0];
  static const char *const paths[] = { "/top.qcow2", "/base.qcow2", NULL };

  g_assert_cmpstr (same->id, ==, "vdb");
  g_assert_true (same->format == VT_IMAGE_QCOW2 && same->port == 3 && same->readonly && !same->snapshot);
  vitrine_service_set_backend (fixture->service, fixture->backend);
  Attaching attaching = { fixture->client,
                          g_variant_new ("(u@a{sv}^as@ah)", 0, vitrine_disk_to_words (&disk), paths, g_variant_new_parsed ("[@h 0, 1]")),
                          { open ("/dev/null", O_RDONLY), open ("/dev/null", O_RDONLY) }, 0 };
  GThread *thread = g_thread_new ("client", attach_disk, &attaching);
  while (!g_atomic_int_get (&attaching.done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  close (attaching.fds[0]);
  close (attaching.fds[1]);
  g_autofree char *text = vitrine_backend_get_text (fixture->backend);
  g_assert_nonnull (strstr (text, "disk vdb 2 "));
  g_assert_true (call (fixture, "DetachDisk", g_variant_new ("(s)", "vdb")).ok);
  Call refused = call (fixture, "DetachDisk", g_variant_new ("(s)", "kept"));
  g_assert_cmpstr (refused.error->message, ==, "The guest keeps it");
  g_clear_error (&refused.error);
}

typedef struct
{
  Attaching call;
  guint     came;
  char     *went;
} Cards;

static void
card_came (VitrineService *service, GVariant *card, int device, Cards *cards)
{
  g_assert_cmpint (fcntl (device, F_GETFD) & FD_CLOEXEC, !=, 0);
  cards->came++;
}

static void
card_went (VitrineService *service, const char *mac, Cards *cards)
{
  cards->went = g_strdup (mac);
}

static gpointer
attach_card (gpointer data)
{
  Attaching *attaching = data;
  g_autoptr(GError) error = NULL;

  vitrine_client_call_with_files_sync (attaching->client, "AttachNetwork", attaching->arguments, attaching->fds, 1, &error);
  g_assert_no_error (error);
  g_atomic_int_set (&attaching->done, 1);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
a_card_comes_with_its_device_and_goes (Fixture *fixture, gconstpointer unused)
{
  GVariant *card = g_variant_new_parsed ("{'mac': <'52:54:00:00:00:01'>, 'tap': <'vt0'>}");
  Cards cards = { { fixture->client, g_variant_new ("(u@a{sv})", 0, vitrine_words_add_handle (card, "device", 0)),
                    { open ("/dev/null", O_RDONLY) }, 0 }, 0, NULL };

  vitrine_service_set_backend (fixture->service, fixture->backend);
  g_signal_connect (fixture->service, "card-came", G_CALLBACK (card_came), &cards);
  g_signal_connect (fixture->service, "card-went", G_CALLBACK (card_went), &cards);
  GThread *thread = g_thread_new ("client", attach_card, &cards.call);
  while (!g_atomic_int_get (&cards.call.done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  close (cards.call.fds[0]);
  g_assert_cmpuint (cards.came, ==, 1);
  g_autofree char *text = vitrine_backend_get_text (fixture->backend);
  g_assert_nonnull (strstr (text, "card 52:54:00:00:00:01 device "));
  g_assert_true (call (fixture, "DetachNetwork", g_variant_new ("(s)", "52:54:00:00:00:01")).ok);
  g_assert_cmpstr (cards.went, ==, "52:54:00:00:00:01");
  g_free (cards.went);
  g_signal_handlers_disconnect_by_data (fixture->service, &cards);
}

static void
a_disk_without_its_files_is_refused (Fixture *fixture, gconstpointer unused)
{
  VtDiskConfig disk = { .id = (char *) "vdb", .path = (char *) "/x", .format = VT_IMAGE_RAW };
  static const char *const paths[] = { "/x", NULL };

  vitrine_service_set_backend (fixture->service, fixture->backend);
  Call refused = call (fixture, "AttachDisk",
                       g_variant_new ("(u@a{sv}^as@ah)", 0, vitrine_disk_to_words (&disk), paths, g_variant_new_parsed ("@ah []")));
  g_assert_cmpstr (refused.error->message, ==, "Each path needs its file.");
  g_clear_error (&refused.error);
}

/* The call hands over a descriptor, so it blocks: from a thread. */
static gpointer
attach_usb (gpointer data)
{
  Attaching *attaching = data;
  g_autoptr(GError) error = NULL;

  vitrine_client_call_with_file_sync (attaching->client, "AttachUsb", attaching->arguments, attaching->fds[0], &error);
  g_assert_no_error (error);
  g_auto(GStrv) ids = vitrine_client_list_usb (attaching->client, &error);
  g_assert_no_error (error);
  g_assert_cmpstr (ids[0], ==, "1:7");
  g_atomic_int_set (&attaching->done, 1);
  g_main_context_wakeup (NULL);
  return NULL;
}

static void
a_usb_device_comes_as_a_stream_and_goes (Fixture *fixture, gconstpointer unused)
{
  int ends[2];

  g_assert_cmpint (pipe (ends), ==, 0);
  vitrine_service_set_backend (fixture->service, fixture->backend);
  Attaching attaching = { fixture->client, g_variant_new ("(sh)", "1:7", 0), { ends[0], -1 }, 0 };
  GThread *thread = g_thread_new ("client", attach_usb, &attaching);
  while (!g_atomic_int_get (&attaching.done))
    g_main_context_iteration (NULL, TRUE);
  g_thread_join (thread);
  close (ends[0]);
  g_assert_true (call (fixture, "DetachUsb", g_variant_new ("(s)", "1:7")).ok);
  Call refused = call (fixture, "DetachUsb", g_variant_new ("(s)", "1:7"));
  g_assert_cmpstr (refused.error->message, ==, "The guest has no USB device “1:7”");
  g_clear_error (&refused.error);
  close (ends[1]);
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
#define ADD(name, function) g_test_add ("/service/" name, Fixture, NULL, set_up, function, tear_down)
  ADD ("a client follows the machine", a_client_follows_the_machine);
  ADD ("a machine that failed says why", a_machine_that_failed_says_why);
  ADD ("errors of the machine reach the client", errors_of_the_machine_reach_the_client);
  ADD ("what lies at the path of a socket stays", what_lies_at_the_path_of_a_socket_stays);
  ADD ("the window is asked for and the end is heard", the_window_is_asked_for_and_the_end_is_heard);
  ADD ("a client gets every figure", a_client_gets_every_figure);
  ADD ("instructions are counted while a client wants it", instructions_are_counted_while_a_client_wants_it);
  ADD ("a console carries bytes both ways", a_console_carries_bytes_both_ways);
  ADD ("a disk comes with its files and goes", a_disk_comes_with_its_files_and_goes);
  ADD ("a disk without its files is refused", a_disk_without_its_files_is_refused);
  ADD ("a card comes with its device and goes", a_card_comes_with_its_device_and_goes);
  ADD ("a usb device comes as a stream and goes", a_usb_device_comes_as_a_stream_and_goes);
  ADD ("files are handed over and the progress comes back", files_are_handed_over_and_the_progress_comes_back);
  ADD ("a client that goes takes its files back", a_client_that_goes_takes_its_files_back);
  ADD ("lines of a trace come until the machine ends", lines_come_until_the_machine_ends);
  ADD ("a reader that goes ends the trace", a_reader_that_goes_ends_the_trace);
  return g_test_run ();
}
