/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is left to do with deleted machines once nobody can undo it. Disks go to the desktop's trash, where a person can still
 * find them; only images in our own folder are touched at all. */
#include "library-trash.h"

#include "domain.h"
#include "paths.h"

static gboolean
is_ours (const char *path)
{
  g_autofree char *images = vitrine_paths_images ();
  g_autofree char *folder = g_path_get_dirname (path);

  return g_str_equal (folder, images);
}

static void
trash_image (const char *path)
{
  g_autoptr(GFile) file = g_file_new_for_path (path);
  g_autoptr(GError) error = NULL;

  if (!g_file_trash (file, NULL, &error) && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND))
    g_message ("The disk image “%s” stays: %s", path, error->message);
}

static void
trash_images (const char *folder, GHashTable *used)
{
  g_autofree char *path = g_build_filename (folder, "domain.xml", NULL);
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_file (path, NULL);
  g_autoptr(GPtrArray) disks = domain != NULL ? vitrine_domain_get_disks (domain) : g_ptr_array_new ();

  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      if (disk->path != NULL && !vitrine_disk_is_removable (disk) && is_ours (disk->path) && !g_hash_table_contains (used, disk->path))
        trash_image (disk->path);
    }
}

/* Symbolic links are removed, not followed. */
static gboolean
remove_tree (GFile *file, GError **error)
{
  g_autoptr(GFileEnumerator) children = g_file_enumerate_children (
    file, G_FILE_ATTRIBUTE_STANDARD_NAME "," G_FILE_ATTRIBUTE_STANDARD_TYPE, G_FILE_QUERY_INFO_NOFOLLOW_SYMLINKS, NULL,
    NULL);

  for (GFile *child = NULL; children != NULL;)
    {
      GFileInfo *info = NULL;
      if (!g_file_enumerator_iterate (children, &info, &child, NULL, error))
        return FALSE;
      if (info == NULL)
        break;
      gboolean ok = g_file_info_get_file_type (info) == G_FILE_TYPE_DIRECTORY ? remove_tree (child, error)
                                                                              : g_file_delete (child, NULL, error);
      if (!ok)
        return FALSE;
    }
  return g_file_delete (file, NULL, error);
}

static gboolean
empty_one (const char *trash, const char *uuid, GHashTable *used, GError **error)
{
  g_autofree char *folder = g_build_filename (trash, uuid, NULL);
  g_autoptr(GFile) file = g_file_new_for_path (folder);

  trash_images (folder, used);
  return remove_tree (file, error);
}

gboolean
vitrine_library_trash_empty (const char *uuid, GHashTable *used, GError **error)
{
  g_autofree char *trash = vitrine_paths_trash ();

  if (uuid != NULL)
    return empty_one (trash, uuid, used, error);
  g_autoptr(GDir) dir = g_dir_open (trash, 0, NULL);
  for (const char *name; dir != NULL && (name = g_dir_read_name (dir)) != NULL;)
    if (g_uuid_string_is_valid (name) && !empty_one (trash, name, used, error))
      return FALSE;
  return TRUE;
}
