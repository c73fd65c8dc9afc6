/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines that are added to the library, renamed, deleted and brought back. */
#include "library-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <vitrine/error.h>

#include "clone.h"
#include "library-trash.h"
#include "paths.h"
#include "run-lock.h"

static gboolean
fail_errno (GError **error, const char *what, const char *path)
{
  int saved = errno;

  g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), "%s “%s”: %s", what, path, g_strerror (saved));
  return FALSE;
}

/* A folder with its definition, made aside and then renamed into place. */
static gboolean
write_folder (VitrineDomain *domain, const char *uuid, GError **error)
{
  g_autofree char *machines = vitrine_paths_machines ();
  g_autofree char *final = vitrine_paths_machine (uuid);
  g_autofree char *aside = g_strdup_printf ("%s/.%s.new", machines, uuid);
  g_autofree char *path = g_build_filename (aside, "domain.xml", NULL);

  if (g_mkdir_with_parents (aside, 0700) < 0)
    return fail_errno (error, _("Cannot create the folder"), aside);
  if (!vitrine_domain_save (domain, path, error))
    {
      g_rmdir (aside);
      return FALSE;
    }
  if (g_rename (aside, final) == 0)
    return TRUE;
  fail_errno (error, _("Cannot create the folder"), final);
  g_unlink (path);
  g_rmdir (aside);
  return FALSE;
}

VitrineMachine *
vitrine_library_add (VitrineLibrary *self, VitrineDomain *domain, GError **error)
{
  g_autofree char *uuid = vitrine_domain_get_uuid (domain);
  g_autofree char *name = vitrine_domain_get_name (domain);
  VitrineMachine *other = vitrine_library_lookup (self, uuid);

  if (other != NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_BUSY,
                   _("The machine “%s” has the same <uuid>. Delete it first, or remove <uuid> from the new definition."),
                   vitrine_machine_get_title (other));
      return NULL;
    }
  vitrine_machine_place_nvram (domain);
  if (!vitrine_library_check_free_name (self, name, NULL, error) || !write_folder (domain, uuid, error))
    return NULL;
  g_autoptr(VitrineMachine) machine = vitrine_machine_new (uuid, domain, NULL);
  vitrine_library_adopt (self, machine);
  return vitrine_library_lookup (self, uuid);
}

gboolean
vitrine_library_rename (VitrineLibrary *self, VitrineMachine *machine, const char *name, GError **error)
{
  if (!vitrine_library_check_free_name (self, name, machine, error))
    return FALSE;
  g_autoptr(VitrineDomain) changed = vitrine_domain_copy (vitrine_machine_get_domain (machine));
  vitrine_domain_set_name (changed, name);
  return vitrine_machine_set_domain (machine, changed, error);
}

gboolean
vitrine_library_delete (VitrineLibrary *self, VitrineMachine *machine, GError **error)
{
  const char *uuid = vitrine_machine_get_uuid (machine);
  g_autofree char *folder = vitrine_machine_get_folder (machine);
  g_autofree char *lock = vitrine_paths_in_machine (uuid, "lock");
  g_autofree char *trash = vitrine_paths_trash ();
  g_autofree char *target = g_build_filename (trash, uuid, NULL);
  guint position;

  if (vitrine_run_lock_query (lock) == VITRINE_RUN_LOCK_HELD)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_BUSY, _("“%s” is running. Power it off before deleting it."),
                   vitrine_machine_get_title (machine));
      return FALSE;
    }
  if (g_mkdir_with_parents (trash, 0700) < 0)
    return fail_errno (error, _("Cannot create the folder"), trash);
  if (g_rename (folder, target) < 0)
    return fail_errno (error, _("Cannot move the machine out of"), folder);
  if (g_ptr_array_find (self->machines, machine, &position))
    vitrine_library_take_out (self, position);
  return TRUE;
}

gboolean
vitrine_library_undelete (VitrineLibrary *self, const char *uuid, GError **error)
{
  g_autofree char *trash = vitrine_paths_trash ();
  g_autofree char *source = g_build_filename (trash, uuid, NULL);
  g_autofree char *target = vitrine_paths_machine (uuid);

  if (g_rename (source, target) < 0)
    return fail_errno (error, _("Cannot restore the machine from"), source);
  vitrine_library_take_in (self, uuid);
  return TRUE;
}

/* --- purge ------------------------------------------------------------------------------------------------------ */

/* Images that a machine still in the list uses. */
static GHashTable *
images_in_use (VitrineLibrary *self)
{
  GHashTable *used = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);

  for (guint i = 0; i < self->machines->len; i++)
    {
      VitrineDomain *domain = vitrine_machine_get_domain (self->machines->pdata[i]);
      g_autoptr(GPtrArray) disks = domain != NULL ? vitrine_domain_get_disks (domain) : g_ptr_array_new ();
      for (guint j = 0; j < disks->len; j++)
        {
          const VitrineDisk *disk = disks->pdata[j];
          if (disk->path != NULL)
            g_hash_table_add (used, g_strdup (disk->path));
        }
      if (domain != NULL)
        vitrine_clone_add_bases (domain, used);
    }
  return used;
}

typedef struct
{
  char       *uuid;   /* NULL: all */
  GHashTable *used;
} Purge;

static void
purge_free (Purge *purge)
{
  g_free (purge->uuid);
  g_hash_table_unref (purge->used);
  g_free (purge);
}

static void
purge_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Purge *purge = data;
  GError *error = NULL;

  if (vitrine_library_trash_empty (purge->uuid, purge->used, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

void
vitrine_library_purge_async (VitrineLibrary *self, const char *uuid, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) task = g_task_new (self, NULL, done, data);
  Purge *purge = g_new0 (Purge, 1);

  purge->uuid = g_strdup (uuid);
  purge->used = images_in_use (self);
  g_task_set_source_tag (task, vitrine_library_purge_async);
  g_task_set_task_data (task, purge, (GDestroyNotify) purge_free);
  g_task_run_in_thread (task, purge_in_thread);
}

gboolean
vitrine_library_purge_finish (VitrineLibrary *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
vitrine_library_purge (VitrineLibrary *self, const char *uuid, GError **error)
{
  g_autoptr(GHashTable) used = images_in_use (self);

  return vitrine_library_trash_empty (uuid, used, error);
}
