/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices that come and go over a real socket. */
#include <fcntl.h>
#include <locale.h>
#include <unistd.h>

#include "device-words.h"
#include "service-rig.h"

/* A call that hands over descriptors blocks: from a thread, beside the service's loop. */
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
  g_assert_true (rig_call (fixture, "DetachDisk", g_variant_new ("(s)", "vdb")).ok);
  Call refused = rig_call (fixture, "DetachDisk", g_variant_new ("(s)", "kept"));
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
  g_assert_true (rig_call (fixture, "DetachNetwork", g_variant_new ("(s)", "52:54:00:00:00:01")).ok);
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
  Call refused = rig_call (fixture, "AttachDisk",
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
  g_assert_true (rig_call (fixture, "DetachUsb", g_variant_new ("(s)", "1:7")).ok);
  Call refused = rig_call (fixture, "DetachUsb", g_variant_new ("(s)", "1:7"));
  g_assert_cmpstr (refused.error->message, ==, "The guest has no USB device “1:7”");
  g_clear_error (&refused.error);
  close (ends[1]);
}

static void
forwards_are_replaced_or_stay (Fixture *fixture, gconstpointer unused)
{
  static const char *const rules[] = { "tcp:127.0.0.1:8022-:22", NULL }, *const taken[] = { "taken", NULL };

  Call off = rig_call (fixture, "SetForwards", g_variant_new ("(u^as)", 0, rules));
  g_assert_cmpstr (off.error->message, ==, "The machine is not running.");
  g_clear_error (&off.error);
  vitrine_service_set_backend (fixture->service, fixture->backend);
  g_assert_true (rig_call (fixture, "SetForwards", g_variant_new ("(u^as)", 0, rules)).ok);
  Call refused = rig_call (fixture, "SetForwards", g_variant_new ("(u^as)", 0, taken));
  g_assert_cmpstr (refused.error->message, ==, "That port is in use");
  g_clear_error (&refused.error);
  g_auto(GStrv) now = vitrine_backend_get_forwards (fixture->backend, 0, NULL);
  g_assert_true (g_strv_equal ((const char *const *) now, rules));
  g_assert_true (rig_call (fixture, "GetForwards", g_variant_new ("(u)", 0)).ok);
  Call missing = rig_call (fixture, "GetForwards", g_variant_new ("(u)", 1));
  g_assert_cmpstr (missing.error->message, ==, "There is no card");
  g_clear_error (&missing.error);
}

int
main (int argc, char **argv)
{
  setlocale (LC_ALL, "C.UTF-8");
  g_test_init (&argc, &argv, NULL);
#define ADD(name, function) g_test_add ("/service/devices/" name, Fixture, NULL, rig_set_up, function, rig_tear_down)
  ADD ("a disk comes with its files and goes", a_disk_comes_with_its_files_and_goes);
  ADD ("a disk without its files is refused", a_disk_without_its_files_is_refused);
  ADD ("a card comes with its device and goes", a_card_comes_with_its_device_and_goes);
  ADD ("a usb device comes as a stream and goes", a_usb_device_comes_as_a_stream_and_goes);
  ADD ("forwards are replaced or stay", forwards_are_replaced_or_stay);
  return g_test_run ();
}
