/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which devices a guest has, with a test card for a machine and a giver that is this test. */
#include "usb-plugs.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fake-backend.h"
#include "tree-rig.h"
#include "usb-giving.h"

typedef struct
{
  char            *root;
  VitrineHostTree *tree;
  VitrineBackend  *backend;
  VitrineUsbPlugs *plugs;
  GTask           *asked;       /* that the giver works on */
  char            *id;
  int              far;         /* the other end of what it gave */
  guint            changes;
  char            *left, *failed;
} Fixture;

static void
give_async (gpointer data, const char *id, GAsyncReadyCallback done, gpointer done_data)
{
  Fixture *fixture = data;

  g_assert_null (fixture->asked);        /* one at a time */
  fixture->asked = g_task_new (NULL, NULL, done, done_data);
  g_free (fixture->id);
  fixture->id = g_strdup (id);
}

static int
give_finish (gpointer data, GAsyncResult *result, GError **error)
{
  return (int) g_task_propagate_int (G_TASK (result), error);
}

static void
run_loop (void)
{
  while (g_main_context_iteration (NULL, FALSE))
    ;
}

/* @code: of an error; -1: it is given; -2: the person does not want to. */
static void
answer (Fixture *fixture, int code)
{
  g_autoptr(GTask) task = g_steal_pointer (&fixture->asked);
  int ends[2];

  g_assert_nonnull (task);
  if (code >= 0)
    g_task_return_new_error (task, G_IO_ERROR, code, "not today");
  else if (code == -2)
    g_task_return_int (task, -1);
  else
    {
      g_assert_cmpint (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), ==, 0);
      fixture->far = ends[0];
      g_task_return_int (task, ends[1]);
    }
  run_loop ();
}

static void
note_change (Fixture *fixture)
{
  fixture->changes++;
}

static void
note_left (Fixture *fixture, const char *sentence)
{
  g_free (fixture->left);
  fixture->left = g_strdup (sentence);
}

static void
note_failed (Fixture *fixture, const char *sentence)
{
  g_free (fixture->failed);
  fixture->failed = g_strdup (sentence);
}

static void
put_stick (Fixture *fixture, const char *port, const char *address)
{
  const struct { const char *name, *text; } attributes[] = {
    { "busnum", "1" }, { "devnum", address }, { "idVendor", "0781" }, { "idProduct", "5581" }, { "product", "Stick" },
    { "manufacturer", "Maker" },
  };

  for (guint i = 0; i < G_N_ELEMENTS (attributes); i++)
    {
      g_autofree char *path = g_strdup_printf ("sys/bus/usb/devices/%s/%s", port, attributes[i].name);
      tree_rig_file (fixture->root, path, attributes[i].text);
    }
}

static void
set_up (Fixture *fixture, gconstpointer unused)
{
  static const VitrineUsbGiver giver = { give_async, give_finish };
  g_autoptr(VtConfig) config = vt_config_new ();

  config->name = g_strdup ("card");
  fixture->root = tree_rig_make ();
  put_stick (fixture, "1-1", "5");
  fixture->tree = vitrine_host_tree_new (fixture->root);
  fixture->backend = vitrine_fake_backend_open (config, NULL);
  fixture->plugs = vitrine_usb_plugs_new (fixture->tree, &giver, fixture);
  fixture->far = -1;
  g_signal_connect_swapped (fixture->plugs, "changed", G_CALLBACK (note_change), fixture);
  g_signal_connect_swapped (fixture->plugs, "left", G_CALLBACK (note_left), fixture);
  g_signal_connect_swapped (fixture->plugs, "failed", G_CALLBACK (note_failed), fixture);
  vitrine_usb_plugs_set_backend (fixture->plugs, fixture->backend);
}

static void
tear_down (Fixture *fixture, gconstpointer unused)
{
  g_assert_null (fixture->asked);
  vitrine_usb_plugs_set_backend (fixture->plugs, NULL);
  g_object_unref (fixture->plugs);
  g_object_unref (fixture->backend);
  vitrine_host_tree_unref (fixture->tree);
  tree_rig_drop (fixture->root);
  if (fixture->far >= 0)
    close (fixture->far);
  g_free (fixture->id);
  g_free (fixture->left);
  g_free (fixture->failed);
}

static void
a_device_is_asked_for_and_plugged_in_and_taken_back (Fixture *fixture, gconstpointer unused)
{
  vitrine_usb_plugs_plug (fixture->plugs, "1:5");
  g_assert_cmpstr (fixture->id, ==, "1:5");
  g_assert_cmpint (vitrine_usb_plugs_get_state (fixture->plugs, "1:5"), ==, VITRINE_USB_ASKED);
  vitrine_usb_plugs_plug (fixture->plugs, "1:5");         /* twice is once */
  answer (fixture, -1);
  g_assert_null (fixture->asked);
  g_assert_cmpint (vitrine_usb_plugs_get_state (fixture->plugs, "1:5"), ==, VITRINE_USB_PLUGGED);
  vitrine_usb_plugs_unplug (fixture->plugs, "1:5");
  g_assert_cmpint (vitrine_usb_plugs_get_state (fixture->plugs, "1:5"), ==, VITRINE_USB_FREE);
  g_assert_null (fixture->left);
  g_assert_cmpuint (fixture->changes, >=, 3);
}

static void
a_device_that_is_pulled_out_is_said_by_name (Fixture *fixture, gconstpointer unused)
{
  vitrine_usb_plugs_plug (fixture->plugs, "1:5");
  answer (fixture, -1);
  close (fixture->far);
  fixture->far = -1;
  run_loop ();
  g_assert_nonnull (fixture->left);
  g_assert_nonnull (strstr (fixture->left, "“Maker Stick”"));
  g_assert_cmpint (vitrine_usb_plugs_get_state (fixture->plugs, "1:5"), ==, VITRINE_USB_FREE);
}

static void
an_error_stays_with_its_device_until_the_next_attempt (Fixture *fixture, gconstpointer unused)
{
  vitrine_usb_plugs_plug (fixture->plugs, "1:5");
  answer (fixture, G_IO_ERROR_PERMISSION_DENIED);
  g_assert_cmpstr (vitrine_usb_plugs_get_problem (fixture->plugs, "1:5"), ==, "not today");
  g_assert_nonnull (strstr (fixture->failed, "“Maker Stick”"));
  g_assert_cmpint (vitrine_usb_plugs_get_state (fixture->plugs, "1:5"), ==, VITRINE_USB_FREE);
  vitrine_usb_plugs_plug (fixture->plugs, "1:5");
  g_assert_null (vitrine_usb_plugs_get_problem (fixture->plugs, "1:5"));
  answer (fixture, -2);
  g_assert_null (vitrine_usb_plugs_get_problem (fixture->plugs, "1:5"));
  g_assert_cmpint (vitrine_usb_plugs_get_state (fixture->plugs, "1:5"), ==, VITRINE_USB_FREE);
}

static void
what_comes_after_the_machine_has_ended_is_given_back (Fixture *fixture, gconstpointer unused)
{
  char byte;

  vitrine_usb_plugs_plug (fixture->plugs, "1:5");
  vitrine_usb_plugs_set_backend (fixture->plugs, NULL);
  answer (fixture, -1);
  g_assert_cmpint (read (fixture->far, &byte, 1), ==, 0);
}

static void
what_a_definition_names_comes_one_after_the_other (Fixture *fixture, gconstpointer unused)
{
  VitrineUsbHostdev first = { .wanted = { .has_product = TRUE, .vendor = 0x0781, .product = 0x5581 } };
  VitrineUsbHostdev second = { .wanted = { .has_place = TRUE, .bus = 1, .address = 6 } };
  VitrineUsbHostdev missing = { .wanted = { .has_place = TRUE, .bus = 9, .address = 9 }, .optional = TRUE };
  g_autoptr(GPtrArray) hostdevs = g_ptr_array_new ();
  g_autoptr(GError) error = NULL;

  g_ptr_array_add (hostdevs, &first);
  g_ptr_array_add (hostdevs, &second);
  g_ptr_array_add (hostdevs, &missing);
  g_assert_false (vitrine_usb_plugs_check (fixture->plugs, hostdevs, &error));
  g_assert_nonnull (strstr (error->message, "1:6"));
  put_stick (fixture, "1-2", "6");
  tree_rig_file (fixture->root, "sys/bus/usb/devices/1-2/idProduct", "5582");
  g_assert_true (vitrine_usb_plugs_check (fixture->plugs, hostdevs, NULL));
  vitrine_usb_plugs_plug_all (fixture->plugs, hostdevs);
  g_assert_cmpstr (fixture->id, ==, "1:5");
  answer (fixture, -1);
  close (fixture->far);
  g_assert_cmpstr (fixture->id, ==, "1:6");
  answer (fixture, -1);
  g_assert_cmpint (vitrine_usb_plugs_get_state (fixture->plugs, "1:6"), ==, VITRINE_USB_PLUGGED);
  g_assert_null (fixture->failed);
}

static gboolean
set_flag (gpointer flag)
{
  *(gboolean *) flag = TRUE;
  return G_SOURCE_REMOVE;
}

static void
a_new_device_is_seen_while_somebody_watches (Fixture *fixture, gconstpointer unused)
{
  gboolean late = FALSE;

  vitrine_usb_plugs_watch (fixture->plugs, TRUE);
  g_assert_cmpuint (vitrine_usb_plugs_get_devices (fixture->plugs)->len, ==, 1);
  put_stick (fixture, "1-2", "6");
  fixture->changes = 0;
  guint timer = g_timeout_add_seconds (30, set_flag, &late);
  while (fixture->changes == 0 && !late)
    g_main_context_iteration (NULL, TRUE);
  g_assert_false (late);
  g_source_remove (timer);
  while (vitrine_usb_plugs_get_devices (fixture->plugs)->len < 2)     /* not all of it may have been there yet */
    g_main_context_iteration (NULL, TRUE);
  vitrine_usb_plugs_watch (fixture->plugs, FALSE);
}

/* A program in its place says what vitrine-usb-giver may say. */
static void
what_the_giver_says_is_the_error (Fixture *fixture, gconstpointer unused)
{
  static const struct { const char *script, *words; } cases[] = {
    { "#!/bin/sh\necho \"no right to $1 $2\"\nexit 1", "no right to 1 5" },
    { "#!/bin/sh\nexit 1", "has ended" },
  };
  g_autofree char *path = g_build_filename (fixture->root, "giver", NULL);
  g_autoptr(GError) missing = NULL;
  char bytes[5];

  g_setenv ("VITRINE_USB_GIVER", path, TRUE);
  g_assert_cmpint (vitrine_usb_give ("1:5", &missing), ==, -1);
  g_assert_error (missing, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  for (guint i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      g_autoptr(GError) error = NULL;
      tree_rig_program (fixture->root, "giver", cases[i].script);
      g_assert_cmpint (vitrine_usb_give ("1:5", &error), ==, -1);
      g_assert_nonnull (strstr (error->message, cases[i].words));
    }
  tree_rig_program (fixture->root, "giver", "#!/bin/sh\necho OK\nexec >&-\nprintf hello >&0");
  int fd = vitrine_usb_give ("1:5", &missing);
  g_assert_cmpint (fd, >=, 0);
  g_assert_cmpint (recv (fd, bytes, sizeof bytes, MSG_WAITALL), ==, 5);
  g_assert_cmpmem (bytes, 5, "hello", 5);
  close (fd);
  g_unsetenv ("VITRINE_USB_GIVER");
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(name) g_test_add ("/usb-plugs/" #name, Fixture, NULL, set_up, name, tear_down)
  ADD (a_device_is_asked_for_and_plugged_in_and_taken_back);
  ADD (a_device_that_is_pulled_out_is_said_by_name);
  ADD (an_error_stays_with_its_device_until_the_next_attempt);
  ADD (what_comes_after_the_machine_has_ended_is_given_back);
  ADD (what_a_definition_names_comes_one_after_the_other);
  ADD (a_new_device_is_seen_while_somebody_watches);
  ADD (what_the_giver_says_is_the_error);
  return g_test_run ();
}
