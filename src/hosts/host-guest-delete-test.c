/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host's machines that are deleted, with and without their volumes. */
#include "hosts-rig.h"

static guint
index_of (VitrineHost *host, const char *name)
{
  for (guint i = 0; i < g_list_model_get_n_items (G_LIST_MODEL (host)); i++)
    {
      g_autoptr(VitrineHostGuest) guest = g_list_model_get_item (G_LIST_MODEL (host), i);
      if (g_str_equal (vitrine_host_guest_get_name (guest), name))
        return i;
    }
  return G_MAXUINT;
}

static void
machines_that_are_defined_and_deleted_come_and_go (void)
{
  g_autoptr(VitrineHost) host = connect_to_one ();
  g_autoptr(GAsyncResult) defined = NULL, deleted = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_host_define_async (host, DOMAIN ("aaa", ""), keep_result, &defined);
  AWAIT (defined != NULL);
  vitrine_host_define_finish (host, defined, &error);
  g_assert_no_error (error);
  AWAIT (index_of (host, "aaa") == 0);   /* sorted */
  g_autoptr(VitrineHostGuest) guest = g_object_ref (first_guest (host));
  command (guest, "Start");
  command (guest, "ForceOff");
  vitrine_host_guest_delete_async (guest, NULL, keep_result, &deleted);
  AWAIT (deleted != NULL);
  vitrine_host_guest_delete_finish (guest, deleted, &error);
  g_assert_no_error (error);
  AWAIT (index_of (host, "aaa") == G_MAXUINT);
  g_assert_cmpuint (g_list_model_get_n_items (G_LIST_MODEL (host)), ==, 1);
}

static GStrv
volumes_of (VitrineHostGuest *guest, GError **error)
{
  g_autoptr(GAsyncResult) result = NULL;

  vitrine_host_guest_list_volumes_async (guest, keep_result, &result);
  AWAIT (result != NULL);
  return vitrine_host_guest_list_volumes_finish (guest, result, error);
}

static gboolean
is_there (VitrineHost *host, const char *volume)
{
  g_autoptr(GAsyncResult) result = NULL;
  gboolean found = FALSE;

  vitrine_host_list_resources_async (host, VITRINE_HOST_ALL_RESOURCES, keep_result, &result);
  AWAIT (result != NULL);
  g_autoptr(VitrineHostResources) all = vitrine_host_list_resources_finish (host, result, NULL);
  for (guint i = 0; i < all->pools->len; i++)
    {
      const GPtrArray *volumes = ((VitrineHostPool *) all->pools->pdata[i])->volumes;
      for (guint at = 0; at < volumes->len; at++)
        found |= g_str_equal (((VitrineHostVolume *) volumes->pdata[at])->name, volume);
    }
  return found;
}

static gboolean
delete_with (VitrineHostGuest *guest, const char *const *volumes, GError **error)
{
  g_autoptr(GAsyncResult) result = NULL;

  vitrine_host_guest_delete_async (guest, volumes, keep_result, &result);
  AWAIT (result != NULL);
  return vitrine_host_guest_delete_finish (guest, result, error);
}

#define OTHER_POOL "<pool type='dir'><name>q</name><target><path>/q</path></target></pool>"
#define OWNER DOMAIN ("a", DISK ("/p/own.img", "vda", "") DISK ("/p/shared.img", "vdb", "")               \
                   DISK ("/p/named.img", "vdc", "") DISK ("/p/base.img", "vdd", "")                          \
                   DISK ("/p/overlay.img", "vde", "<readonly/>"))
#define OTHER                                                                                                          \
  DOMAIN ("b", DISK ("/p/shared.img", "vda", "") "<disk type='volume' device='disk'><source pool='p' "                 \
               "volume='named.img'/><target dev='vdb'/></disk>")

static void
deleting_with_volumes_leaves_those_that_others_use (void)
{
  static const char *const more[] = { "/p/own.img", "/p/shared.img", "/p/named.img", "/p/base.img", NULL };
  g_autoptr(VitrineHost) host = connect_to_node (POOL OWNER OTHER);
  g_autoptr(GError) error = NULL;
  VitrineHostGuest *a = vitrine_host_find (host, "a", &error);

  g_assert_no_error (error);
  g_auto(GStrv) volumes = volumes_of (a, &error);
  g_assert_no_error (error);
  g_assert_cmpuint (g_strv_length (volumes), ==, 1);
  g_assert_cmpstr (volumes[0], ==, "/p/own.img");
  g_assert_false (delete_with (a, more, &error));   /* it runs: the test driver starts them all */
  g_assert_nonnull (strstr (error->message, "turn it off"));
  g_clear_error (&error);
  command (a, "ForceOff");
  g_assert_true (delete_with (a, more, &error));
  g_assert_no_error (error);
  AWAIT (index_of (host, "a") == G_MAXUINT);
  g_assert_false (is_there (host, "own.img"));
  g_assert_true (is_there (host, "shared.img"));
  g_assert_true (is_there (host, "named.img"));
  g_assert_true (is_there (host, "base.img"));
}

static void
deleting_takes_only_volumes_that_were_shown (void)
{
  static const char *const shown[] = { "/p/elsewhere.img", NULL };
  g_autoptr(VitrineHost) host = connect_to_node (POOL OWNER);
  VitrineHostGuest *a = vitrine_host_find (host, "a", NULL);
  g_autoptr(GError) error = NULL;

  command (a, "ForceOff");
  g_assert_true (delete_with (a, shown, &error));
  g_assert_no_error (error);
  g_assert_true (is_there (host, "own.img"));
}

static void
a_host_that_cannot_be_looked_through_keeps_all_volumes (void)
{
  static const char *const own[] = { "/p/own.img", NULL };
  g_autoptr(VitrineHost) host = connect_to_node (POOL OTHER_POOL OWNER);
  VitrineHostGuest *a = vitrine_host_find (host, "a", NULL);
  g_autoptr(GError) error = NULL;

  command (a, "ForceOff");
  g_assert_true (change_resource (host, VITRINE_HOST_STOP_POOL, "q", &error));
  g_assert_no_error (error);
  g_assert_null (volumes_of (a, &error));
  g_assert_nonnull (strstr (error->message, "“q”"));
  g_clear_error (&error);
  g_assert_false (delete_with (a, own, &error));
  g_assert_nonnull (error);
  g_assert_true (is_there (host, "own.img"));
  g_assert_cmpuint (index_of (host, "a"), !=, G_MAXUINT);
}

int
main (int argc, char **argv)
{
  begin_tests (&argc, &argv);
  ADD (machines_that_are_defined_and_deleted_come_and_go);
  ADD (deleting_with_volumes_leaves_those_that_others_use);
  ADD (deleting_takes_only_volumes_that_were_shown);
  ADD (a_host_that_cannot_be_looked_through_keeps_all_volumes);
  return run_tests ();
}
