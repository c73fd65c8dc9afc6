/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineLibrary: the folder of machines as a list. A machine's folder appears and disappears by rename only, so that whoever
 * watches never sees half of one. */
#include "library.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <vitrine/error.h>

#include "clone.h"
#include "library-trash.h"
#include "paths.h"
#include "run-lock.h"

#define RESCAN_MS 150   /* file events come in bursts */

struct _VitrineLibrary
{
  GObject parent_instance;

  GPtrArray    *machines;   /* VitrineMachine, sorted by title */
  GFileMonitor *monitor;
  guint         rescan;     /* source id */
};

static void vitrine_library_model_init (GListModelInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineLibrary, vitrine_library, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (G_TYPE_LIST_MODEL, vitrine_library_model_init))

/* --- list ------------------------------------------------------------------------------------------------------- */

static GType
get_item_type (GListModel *model)
{
  return VITRINE_TYPE_MACHINE;
}

static guint
get_n_items (GListModel *model)
{
  return VITRINE_LIBRARY (model)->machines->len;
}

static gpointer
get_item (GListModel *model, guint position)
{
  VitrineLibrary *self = VITRINE_LIBRARY (model);

  return position < self->machines->len ? g_object_ref (self->machines->pdata[position]) : NULL;
}

static void
vitrine_library_model_init (GListModelInterface *iface)
{
  iface->get_item_type = get_item_type;
  iface->get_n_items = get_n_items;
  iface->get_item = get_item;
}

/* "apple 9", "apple 10", "Zebra": as file managers sort, in every locale. */
static char *
sort_key (VitrineMachine *machine)
{
  g_autofree char *folded = g_utf8_casefold (vitrine_machine_get_title (machine), -1);
  return g_utf8_collate_key_for_filename (folded, -1);
}

static int
compare_titles (VitrineMachine *a, VitrineMachine *b)
{
  g_autofree char *key_a = sort_key (a);
  g_autofree char *key_b = sort_key (b);
  int order = strcmp (key_a, key_b);

  return order != 0 ? order : strcmp (vitrine_machine_get_uuid (a), vitrine_machine_get_uuid (b));
}

static guint
position_for (VitrineLibrary *self, VitrineMachine *machine)
{
  guint i = 0;

  while (i < self->machines->len && compare_titles (self->machines->pdata[i], machine) < 0)
    i++;
  return i;
}

static void
insert (VitrineLibrary *self, VitrineMachine *machine)
{
  guint position = position_for (self, machine);

  g_ptr_array_insert (self->machines, (gint) position, g_object_ref (machine));
  g_list_model_items_changed (G_LIST_MODEL (self), position, 0, 1);
}

static void
take_out (VitrineLibrary *self, guint position)
{
  g_autoptr(VitrineMachine) machine = g_object_ref (self->machines->pdata[position]);

  g_ptr_array_remove_index (self->machines, position);
  g_list_model_items_changed (G_LIST_MODEL (self), position, 1, 0);
}

static void
title_changed (VitrineLibrary *self, GParamSpec *pspec, VitrineMachine *machine)
{
  guint position;

  if (!g_ptr_array_find (self->machines, machine, &position))
    return;
  g_object_ref (machine);
  take_out (self, position);
  insert (self, machine);
  g_object_unref (machine);
}

static void
adopt (VitrineLibrary *self, VitrineMachine *machine)
{
  g_signal_connect_object (machine, "notify::title", G_CALLBACK (title_changed), self, G_CONNECT_SWAPPED);
  insert (self, machine);
}

guint
vitrine_library_get_size (VitrineLibrary *self)
{
  return self->machines->len;
}

VitrineMachine *
vitrine_library_get (VitrineLibrary *self, guint position)
{
  return self->machines->pdata[position];
}

/* --- reading the folder ----------------------------------------------------------------------------------------- */

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

VitrineMachine *
vitrine_library_lookup (VitrineLibrary *self, const char *uuid)
{
  for (guint i = 0; i < self->machines->len; i++)
    if (g_ascii_strcasecmp (vitrine_machine_get_uuid (self->machines->pdata[i]), uuid) == 0)
      return self->machines->pdata[i];
  return NULL;
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
      take_out (self, i);
  for (guint i = 0; i < all->len; i++)
    {
      const Found *found = all->pdata[i];
      if (vitrine_library_lookup (self, found->uuid) != NULL)
        continue;
      g_autoptr(VitrineMachine) machine = vitrine_machine_new (found->uuid, found->domain, found->problem);
      adopt (self, machine);
    }
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
rescanned (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GPtrArray) all = g_task_propagate_pointer (G_TASK (result), NULL);

  if (all != NULL)
    merge (VITRINE_LIBRARY (source), all);
}

static gboolean
rescan (gpointer data)
{
  VitrineLibrary *self = data;
  g_autoptr(GTask) task = g_task_new (self, NULL, rescanned, NULL);

  self->rescan = 0;
  g_task_run_in_thread (task, read_in_thread);
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
  g_autoptr(GTask) task = g_task_new (self, NULL, done, data);

  g_task_set_source_tag (task, vitrine_library_load_async);
  g_task_run_in_thread (task, read_in_thread);
}

gboolean
vitrine_library_load_finish (VitrineLibrary *self, GAsyncResult *result, GError **error)
{
  g_autoptr(GPtrArray) all = g_task_propagate_pointer (G_TASK (result), error);

  if (all == NULL)
    return FALSE;
  merge (self, all);
  follow (self);
  return TRUE;
}

/* --- names ------------------------------------------------------------------------------------------------------ */

static VitrineMachine *
by_name (VitrineLibrary *self, const char *name)
{
  g_autofree char *wanted = g_utf8_casefold (name, -1);

  for (guint i = 0; i < self->machines->len; i++)
    {
      VitrineDomain *domain = vitrine_machine_get_domain (self->machines->pdata[i]);
      g_autofree char *other = domain != NULL ? vitrine_domain_get_name (domain) : NULL;
      g_autofree char *folded = other != NULL ? g_utf8_casefold (other, -1) : NULL;
      if (g_strcmp0 (folded, wanted) == 0)
        return self->machines->pdata[i];
    }
  return NULL;
}

static VitrineMachine *
by_uuid_start (VitrineLibrary *self, const char *words)
{
  VitrineMachine *match = NULL;

  for (guint i = 0; strlen (words) >= 4 && i < self->machines->len; i++)
    if (g_ascii_strncasecmp (vitrine_machine_get_uuid (self->machines->pdata[i]), words, strlen (words)) == 0)
      {
        if (match != NULL)
          return NULL;
        match = self->machines->pdata[i];
      }
  return match;
}

VitrineMachine *
vitrine_library_find (VitrineLibrary *self, const char *words, GError **error)
{
  VitrineMachine *machine = by_name (self, words);

  if (machine == NULL)
    machine = by_uuid_start (self, words);
  if (machine == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                 _("There is no machine “%s”. “vitrinectl list” shows the machines there are."), words);
  return machine;
}

char *
vitrine_library_free_name (VitrineLibrary *self, const char *wish)
{
  for (guint i = 1;; i++)
    {
      g_autofree char *name = i == 1 ? g_strdup (wish) : g_strdup_printf ("%s %u", wish, i);
      if (by_name (self, name) == NULL)
        return g_steal_pointer (&name);
    }
}

static gboolean
check_free_name (VitrineLibrary *self, const char *name, VitrineMachine *except, GError **error)
{
  VitrineMachine *other = by_name (self, name);

  if (!vitrine_domain_check_name (name, error))
    return FALSE;
  if (other == NULL || other == except)
    return TRUE;
  g_set_error (error, VT_ERROR, VT_ERROR_BUSY, _("There is a machine called “%s” already. Choose another name."), name);
  return FALSE;
}

/* --- changing --------------------------------------------------------------------------------------------------- */

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
  if (!check_free_name (self, name, NULL, error) || !write_folder (domain, uuid, error))
    return NULL;
  g_autoptr(VitrineMachine) machine = vitrine_machine_new (uuid, domain, NULL);
  adopt (self, machine);
  return vitrine_library_lookup (self, uuid);
}

gboolean
vitrine_library_rename (VitrineLibrary *self, VitrineMachine *machine, const char *name, GError **error)
{
  if (!check_free_name (self, name, machine, error))
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
    take_out (self, position);
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
  Found *found = read_one (uuid);
  if (vitrine_library_lookup (self, uuid) == NULL)
    {
      g_autoptr(VitrineMachine) machine = vitrine_machine_new (uuid, found->domain, found->problem);
      adopt (self, machine);
    }
  found_free (found);
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

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_library_dispose (GObject *object)
{
  VitrineLibrary *self = VITRINE_LIBRARY (object);

  if (self->monitor != NULL)
    g_file_monitor_cancel (self->monitor);
  g_clear_object (&self->monitor);
  g_clear_handle_id (&self->rescan, g_source_remove);
  g_ptr_array_set_size (self->machines, 0);
  G_OBJECT_CLASS (vitrine_library_parent_class)->dispose (object);
}

static void
vitrine_library_finalize (GObject *object)
{
  g_ptr_array_unref (VITRINE_LIBRARY (object)->machines);
  G_OBJECT_CLASS (vitrine_library_parent_class)->finalize (object);
}

static void
vitrine_library_class_init (VitrineLibraryClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vitrine_library_dispose;
  G_OBJECT_CLASS (klass)->finalize = vitrine_library_finalize;
}

static void
vitrine_library_init (VitrineLibrary *self)
{
  self->machines = g_ptr_array_new_with_free_func (g_object_unref);
}

VitrineLibrary *
vitrine_library_new (void)
{
  return g_object_new (VITRINE_TYPE_LIBRARY, NULL);
}
