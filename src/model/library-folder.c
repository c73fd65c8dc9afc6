/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder of machines, read and followed. */
#include "library-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "paths.h"

#define RESCAN_MS 150   /* file events come in bursts */

typedef struct
{
  char          *uuid;
  VitrineDomain *domain;    /* NULL: broken */
  char          *problem;
} Found;

static void
found_free (Found *found)
{
  g_free (found->uuid);
  g_clear_object (&found->domain);
  g_free (found->problem);
  g_free (found);
}

static Found *
read_one (const char *uuid)
{
  g_autofree char *path = vitrine_paths_in_machine (uuid, "domain.xml");
  g_autoptr(GError) error = NULL;
  Found *found = g_new0 (Found, 1);

  found->uuid = g_strdup (uuid);
  found->domain = vitrine_domain_new_from_file (path, &error);
  if (error != NULL)
    found->problem = g_strdup (error->message);
  return found;
}

/* Any thread. */
static GPtrArray *
read_folder (GError **error)
{
  g_autofree char *folder = vitrine_paths_machines ();
  g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func ((GDestroyNotify) found_free);

  if (g_mkdir_with_parents (folder, 0700) < 0)
    {
      int saved = errno;
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), _("Cannot create the machines’ folder “%s”: %s"),
                   folder, g_strerror (saved));
      return NULL;
    }
  g_autoptr(GDir) dir = g_dir_open (folder, 0, error);
  if (dir == NULL)
    return NULL;
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    if (g_uuid_string_is_valid (name))
      g_ptr_array_add (all, read_one (name));
  return g_steal_pointer (&all);
}

static void
adopt_found (VitrineLibrary *self, const Found *found)
{
  if (vitrine_library_lookup (self, found->uuid) != NULL)
    return;
  g_autoptr(VitrineMachine) machine = vitrine_machine_new (found->uuid, found->domain, found->problem);
  vitrine_library_adopt (self, machine);
}

void
vitrine_library_take_in (VitrineLibrary *self, const char *uuid)
{
  Found *found = read_one (uuid);

  adopt_found (self, found);
  found_free (found);
}

static gboolean
is_found (const GPtrArray *all, const char *uuid)
{
  for (guint i = 0; i < all->len; i++)
    if (g_str_equal (((const Found *) all->pdata[i])->uuid, uuid))
      return TRUE;
  return FALSE;
}

static void
merge (VitrineLibrary *self, const GPtrArray *all)
{
  for (guint i = self->machines->len; i-- > 0;)
    if (!is_found (all, vitrine_machine_get_uuid (self->machines->pdata[i])))
      vitrine_library_take_out (self, i);
  for (guint i = 0; i < all->len; i++)
    adopt_found (self, all->pdata[i]);
}

gboolean
vitrine_library_load (VitrineLibrary *self, GError **error)
{
  g_autoptr(GPtrArray) all = read_folder (error);

  if (all == NULL)
    return FALSE;
  merge (self, all);
  return TRUE;
}

static void
read_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;
  GPtrArray *all = read_folder (&error);

  if (all == NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, all, (GDestroyNotify) g_ptr_array_unref);
}

static void
read_async (VitrineLibrary *self, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) task = g_task_new (self, NULL, done, data);

  g_task_set_task_data (task, GUINT_TO_POINTER (self->changes), NULL);
  g_task_run_in_thread (task, read_in_thread);
}

static void folder_changed (VitrineLibrary *self);

/* Somebody may have added or deleted a machine here since the folder was read: then it is read once more. */
static void
merge_if_current (VitrineLibrary *self, GTask *task, const GPtrArray *all)
{
  if (GPOINTER_TO_UINT (g_task_get_task_data (task)) == self->changes)
    merge (self, all);
  else
    folder_changed (self);
}

static void
rescanned (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GPtrArray) all = g_task_propagate_pointer (G_TASK (result), NULL);

  if (all != NULL)
    merge_if_current (VITRINE_LIBRARY (source), G_TASK (result), all);
}

static gboolean
rescan (gpointer data)
{
  VitrineLibrary *self = data;

  self->rescan = 0;
  read_async (self, rescanned, NULL);
  return G_SOURCE_REMOVE;
}

static void
folder_changed (VitrineLibrary *self)
{
  if (self->rescan == 0)
    self->rescan = g_timeout_add (RESCAN_MS, rescan, self);
}

static void
follow (VitrineLibrary *self)
{
  g_autofree char *folder = vitrine_paths_machines ();
  g_autoptr(GFile) file = g_file_new_for_path (folder);

  if (self->monitor != NULL)
    return;
  self->monitor = g_file_monitor_directory (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (self->monitor != NULL)
    g_signal_connect_swapped (self->monitor, "changed", G_CALLBACK (folder_changed), self);
}

void
vitrine_library_load_async (VitrineLibrary *self, GAsyncReadyCallback done, gpointer data)
{
  read_async (self, done, data);
}

gboolean
vitrine_library_load_finish (VitrineLibrary *self, GAsyncResult *result, GError **error)
{
  g_autoptr(GPtrArray) all = g_task_propagate_pointer (G_TASK (result), error);

  if (all == NULL)
    return FALSE;
  merge_if_current (self, G_TASK (result), all);
  follow (self);
  return TRUE;
}
