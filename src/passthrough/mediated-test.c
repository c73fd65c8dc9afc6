/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What would be done about mediated devices, on the host and to the machine: against a tree, and libvirt's test driver. */
#include <glib/gstdio.h>
#include <string.h>

#include "mediated.h"
#include "target.h"
#include "tree-rig.h"
#include "z-host.h"

#define UUID "5a4f6d1c-0c37-4c2b-9d58-3a3b8f0c7e11"

static void
keep_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

static void
await (GAsyncResult *const *result)
{
  while (*result == NULL)
    g_main_context_iteration (NULL, TRUE);
}

/* --- the host ---------------------------------------------------------------------------------------------------- */

static VitrineMediatedChange
take_out (const char *uuid)
{
  return (VitrineMediatedChange){ .verb = VITRINE_MEDIATED_REMOVE_MATRIX, .uuid = uuid, .give_back = TRUE };
}

/* The strings of a change are its owner's: he may let go of them at once. */
static void
a_preview_is_read_beside_the_main_loop (void)
{
  char *uuid = g_strdup (Z_HOST_DEVICE);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineMediated) mediated = vitrine_mediated_new (NULL);
  const VitrineMediatedChange change = take_out (uuid);

  vitrine_mediated_preview_async (mediated, &change, NULL, keep_result, &result);
  memset (uuid, '?', strlen (uuid));
  g_free (uuid);
  g_assert_null (result);
  await (&result);
  g_autofree char *text = vitrine_mediated_preview_finish (mediated, result, &error);
  g_assert_no_error (error);
  g_assert_nonnull (strstr (text, Z_HOST_DEVICE "/remove"));
  g_assert_nonnull (strstr (text, "echo +5 > /sys/bus/ap/apmask"));
}

static void
a_preview_that_nobody_wants_any_more_says_so (void)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  g_autoptr(VitrineMediated) mediated = vitrine_mediated_new (NULL);
  const VitrineMediatedChange change = take_out (Z_HOST_DEVICE);

  vitrine_mediated_preview_async (mediated, &change, cancellable, keep_result, &result);
  g_cancellable_cancel (cancellable);
  await (&result);
  g_assert_null (vitrine_mediated_preview_finish (mediated, result, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

/* --- the machine ------------------------------------------------------------------------------------------------- */

static VitrineHost *
connect_to_test_driver (void)
{
  VitrineHost *host = vitrine_host_new ("test", "test:///default", NULL);

  vitrine_host_connect (host);
  while (vitrine_host_get_state (host) == VITRINE_HOST_CONNECTING)
    g_main_context_iteration (NULL, TRUE);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (host)), ==, 1);
  return host;
}

static void
the_element_and_the_commands_are_shown (void)
{
  const VitrineHostdev hostdev = { .kind = VITRINE_HOSTDEV_MDEV, .id = (char *) UUID, .model = (char *) "vfio-pci" };
  g_autoptr(VitrineHost) host = connect_to_test_driver ();
  g_autoptr(VitrineHostGuest) guest = g_list_model_get_item (G_LIST_MODEL (host), 0);
  g_autoptr(VitrineTarget) target = vitrine_target_new_for_guest (host, guest);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_target_load_definition_async (target, keep_result, &result);
  await (&result);
  g_assert_true (vitrine_target_load_finish (target, result, &error));
  g_autofree char *element = vitrine_target_get_mediated_element (target, &hostdev, &error);
  g_assert_no_error (error);
  g_assert_true (g_str_has_prefix (element, "<hostdev mode=\"subsystem\" type=\"mdev\""));
  g_assert_nonnull (strstr (element, UUID));
  g_autofree char *live = vitrine_target_dry_run_mediated (target, &hostdev, TRUE, &error);
  g_autofree char *later = vitrine_target_dry_run_mediated (target, &hostdev, FALSE, &error);
  g_autofree char *command
      = g_strdup_printf ("virsh -c 'test:///default' attach-device %s --live --config /dev/stdin <<'EOF'\n%s\nEOF\n",
                         vitrine_guest_get_uuid (VITRINE_GUEST (guest)), element);
  g_assert_true (g_str_has_suffix (live, command));
  g_assert_null (strstr (later, "--live"));
  g_assert_nonnull (strstr (later, "--config"));
}

static void
what_a_machine_cannot_use_has_no_element (void)
{
  const VitrineHostdev hostdev = { .kind = VITRINE_HOSTDEV_MDEV, .id = (char *) UUID, .model = (char *) "vfio-ap" };
  g_autoptr(VitrineHost) host = connect_to_test_driver ();
  g_autoptr(VitrineHostGuest) guest = g_list_model_get_item (G_LIST_MODEL (host), 0);
  g_autoptr(VitrineTarget) target = vitrine_target_new_for_guest (host, guest);
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_target_load_definition_async (target, keep_result, &result);
  await (&result);
  g_assert_true (vitrine_target_load_finish (target, result, NULL));
  g_assert_null (vitrine_target_get_mediated_element (target, &hostdev, &error));
  g_assert_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED);
  g_assert_null (vitrine_target_dry_run_mediated (target, &hostdev, TRUE, NULL));
  g_assert_false (vitrine_target_check_mediated (target, &hostdev, NULL));
}

int
main (int argc, char **argv)
{
  char *root = tree_rig_make ();

  g_test_init (&argc, &argv, NULL);
  z_host_fill (root, Z_HOST_CONFLICTS, NULL);
  g_setenv ("VITRINE_HOST_TREE", root, TRUE);
  g_test_add_func ("/mediated/a-preview-is-read-beside-the-main-loop", a_preview_is_read_beside_the_main_loop);
  g_test_add_func ("/mediated/a-preview-that-nobody-wants-any-more-says-so",
                   a_preview_that_nobody_wants_any_more_says_so);
  g_test_add_func ("/mediated/the-element-and-the-commands-are-shown", the_element_and_the_commands_are_shown);
  g_test_add_func ("/mediated/what-a-machine-cannot-use-has-no-element", what_a_machine_cannot_use_has_no_element);
  int status = g_test_run ();
  tree_rig_drop (root);
  return status;
}
