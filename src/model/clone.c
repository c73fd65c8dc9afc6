/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clone.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <string.h>

#include <vitrine/error.h>
#include <vitrine/image.h>

#include "disk-image.h"
#include "paths.h"
#include "run-lock.h"
#include "snapshot-store.h"

#define COPIED 0.4   /* of the work on a disk of a snapshot, when the image is copied */

typedef struct
{
  const VitrineCloneOptions *options;
  const VtConfig            *config;    /* of the other machine */
  VitrineDomain             *clone;
  VitrinePart               *part;
} Clone;

/* --- Disks ----------------------------------------------------------------------------------------------------------- */

/* Does the definition say that its backing files may be anywhere? An image from somebody else must not get at all files. */
static bool
may_have_any_backing (const VtConfig *config, const char *target)
{
  for (guint i = 0; i < config->disks->len; i++)
    {
      const VtDiskConfig *disk = config->disks->pdata[i];
      if (g_strcmp0 (disk->id, target) == 0)
        return disk->any_backing;
    }
  return false;
}

static gboolean
convert (const Clone *job, const VitrineDisk *disk, const char *from, const char *to, VitrinePart *part, GError **error)
{
  VtImagePlace old = { .path = from, .any_backing = may_have_any_backing (job->config, disk->target) };
  const VtImagePlace new_place = { .path = to, .format = VT_IMAGE_QCOW2 };
  const VtImageShape shape = { 0 };

  return vt_image_format_from_name (disk->format, &old.format)
         && vt_image_convert (&old, &new_place, &shape, vitrine_part_image_progress, part, error);
}

/* Standing on the image as it is. */
static gboolean
link_disk (const VitrineDisk *disk, const char *to, GError **error)
{
  const VtImagePlace new_place = { .path = to, .format = VT_IMAGE_QCOW2 };
  VtImageShape shape = { .backing = disk->path };

  return vt_image_format_from_name (disk->format, &shape.backing_format) && vt_image_create (&new_place, &shape, error);
}

static void
note_copied (goffset done, goffset whole, gpointer data)
{
  VitrinePart *part = ((gpointer *) data)[0];
  GCancellable *cancellable = ((gpointer *) data)[1];

  if (!vitrine_part_progress (part, whole > 0 ? (double) done / (double) whole : 1))
    g_cancellable_cancel (cancellable);
}

/* The image goes back in a copy of itself, which lies beside it, where its backing file is found as well. */
static gboolean
convert_snapshot (const Clone *job, const VitrineDisk *disk, const char *to, VitrinePart *part, GError **error)
{
  VitrinePart copying = { part->progress, part->data, part->from, part->from + (part->to - part->from) * COPIED };
  VitrinePart converting = { part->progress, part->data, copying.to, part->to };
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  gpointer watch[] = { &copying, cancellable };

  g_autofree char *folder = g_path_get_dirname (disk->path), *base = g_path_get_basename (disk->path);
  g_autofree char *name = g_strdup_printf (".%s.%08x", base, g_random_int ());
  g_autofree char *path = g_build_filename (folder, name, NULL);
  g_autoptr(GFile) from = g_file_new_for_path (disk->path), copy = g_file_new_for_path (path);
  gboolean ok = g_file_copy (from, copy, G_FILE_COPY_NONE, cancellable, note_copied, watch, error)
                && vt_image_snapshot (path, VT_IMAGE_GO_BACK, job->options->snapshot, error)
                && convert (job, disk, path, to, &converting, error);
  g_unlink (path);
  return ok;
}

static gboolean
clone_disk (Clone *job, const VitrineDisk *disk, const char *to, VitrinePart *part, GError **error)
{
  if (disk->encrypted)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                   _("“%s” is encrypted: copy its image with “vitrinectl image convert”, and define a machine for it."), disk->path);
      return FALSE;
    }
  if (job->options->linked)
    return link_disk (disk, to, error);
  if (job->options->snapshot != NULL && g_str_equal (disk->format, "qcow2") && !disk->readonly)
    return convert_snapshot (job, disk, to, part, error);
  return convert (job, disk, disk->path, to, part, error);
}

/* What a guest cannot write is shared. */
static gboolean
is_copied (const VitrineDisk *disk)
{
  return !vitrine_disk_is_removable (disk) && !disk->readonly && disk->path != NULL;
}

static gboolean
clone_disks (Clone *job, GError **error)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (job->clone);
  double step = 1.0 / MAX (disks->len, 1);

  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      VitrinePart part = { job->part->progress, job->part->data, i * step, (i + 1) * step };
      if (!is_copied (disk))
        continue;
      g_autofree char *to = vitrine_disk_image_new_path (job->options->name, error);
      if (to == NULL || !clone_disk (job, disk, to, &part, error))
        return FALSE;
      vitrine_domain_set_disk_path (job->clone, disk->target, to);
      vitrine_domain_set_disk_format (job->clone, disk->target, "qcow2");
      vitrine_domain_set_disk_backing (job->clone, disk->target, job->options->linked ? disk->path : NULL, disk->format);
    }
  return TRUE;
}

/* Those that were made before an error: all that the other machine does not have. */
static void
undo (VitrineDomain *original, VitrineDomain *clone)
{
  g_autoptr(GPtrArray) old = vitrine_domain_get_disks (original), new = vitrine_domain_get_disks (clone);

  for (guint i = 0; i < new->len; i++)
    {
      const VitrineDisk *disk = new->pdata[i];
      if (is_copied (disk) && g_strcmp0 (disk->path, ((VitrineDisk *) old->pdata[i])->path) != 0)
        g_unlink (disk->path);
    }
}

/* --- The definition --------------------------------------------------------------------------------------------------- */

static void
give_new_addresses (VitrineDomain *clone)
{
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (clone);

  for (guint i = 0; i < networks->len; i++)
    {
      VitrineNetwork *network = networks->pdata[i];
      guint32 random = g_random_int ();
      if (network->mac == NULL)
        continue;     /* made from the UUID */
      g_free (network->mac);
      network->mac = g_strdup_printf ("52:54:00:%02x:%02x:%02x", random >> 16 & 0xff, random >> 8 & 0xff, random & 0xff);
      vitrine_domain_set_network (clone, i, network);
    }
}

static VitrineDomain *
copy_definition (VitrineDomain *domain, const char *name)
{
  VitrineDomain *clone = vitrine_domain_copy (domain);
  g_autofree char *uuid = g_uuid_string_random ();

  vitrine_domain_set_name (clone, name);
  vitrine_domain_set_uuid (clone, uuid);
  vitrine_domain_set_nvram (clone, NULL);     /* one of its own */
  give_new_addresses (clone);
  return clone;
}

static VitrineDomain *
clone_held (VitrineDomain *domain, const char *folder, const VitrineCloneOptions *options, VitrineProgress progress, gpointer data,
            GError **error)
{
  g_autofree char *snapshots = g_build_filename (folder, "snapshots", NULL);
  g_autoptr(VitrineSnapshot) snapshot = NULL;
  VitrinePart part = { progress, data, 0, 1 };

  if (!vitrine_domain_check_name (options->name, error))
    return NULL;
  if (options->linked && options->snapshot != NULL)
    {
      g_set_error_literal (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                           _("A linked clone is of the machine as it is now. Make a full clone of the snapshot."));
      return NULL;
    }
  if (options->snapshot != NULL && (snapshot = vitrine_snapshot_store_get (snapshots, options->snapshot, error)) == NULL)
    return NULL;
  if (snapshot != NULL && snapshot->domain == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, _("The definition of the snapshot “%s” cannot be read."), options->snapshot);
      return NULL;
    }
  VitrineDomain *original = snapshot != NULL ? snapshot->domain : domain;
  g_autoptr(VitrineDomain) clone = copy_definition (original, options->name);
  g_autoptr(VtConfig) config = vitrine_domain_to_config (original, error);
  Clone job = { options, config, clone, &part };
  if (config != NULL && clone_disks (&job, error))
    return g_steal_pointer (&clone);
  undo (original, clone);
  return NULL;
}

VitrineDomain *
vitrine_clone (VitrineDomain *domain, const char *folder, const VitrineCloneOptions *options, VitrineProgress progress, gpointer data,
               GError **error)
{
  g_autofree char *lock = g_build_filename (folder, "lock", NULL), *suspended = g_build_filename (folder, "suspended.state", NULL);
  g_autofree char *title = vitrine_domain_get_title (domain);
  g_autoptr(GError) problem = NULL;

  if (options->snapshot == NULL && g_file_test (suspended, G_FILE_TEST_EXISTS))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_BUSY,
                   _("“%s” is suspended, with work that is only in its memory: start it and shut it down first."), title);
      return NULL;
    }
  int held = vitrine_run_lock_take_for_work (lock, &problem);
  if (held < 0 && g_error_matches (problem, G_IO_ERROR, G_IO_ERROR_BUSY))
    g_set_error (error, VT_ERROR, VT_ERROR_BUSY, _("“%s” is running: turn it off first."), title);
  else if (held < 0)
    g_propagate_error (error, g_steal_pointer (&problem));
  if (held < 0)
    return NULL;
  VitrineDomain *clone = clone_held (domain, folder, options, progress, data, error);
  vitrine_run_lock_release (lock, held);
  return clone;
}

/* All disks that it writes are its own. */
void
vitrine_clone_undo (VitrineDomain *clone)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (clone);

  for (guint i = 0; i < disks->len; i++)
    if (is_copied (disks->pdata[i]))
      g_unlink (((VitrineDisk *) disks->pdata[i])->path);
}

VitrineMachine *
vitrine_clone_add (VitrineLibrary *library, VitrineDomain *clone, const char *folder, const VitrineCloneOptions *options, GError **error)
{
  VitrineMachine *machine = vitrine_library_add (library, clone, error);

  if (machine == NULL)
    {
      vitrine_clone_undo (clone);
      return NULL;
    }
  g_autofree char *snapshots = g_build_filename (folder, "snapshots", NULL);
  g_autofree char *own = vitrine_domain_get_nvram (vitrine_machine_get_domain (machine));
  g_autofree char *name = g_path_get_basename (own != NULL ? own : "nvram.fd");
  g_autofree char *from = options->snapshot != NULL
                            ? vitrine_snapshot_store_path (snapshots, options->snapshot, VITRINE_SNAPSHOT_NVRAM)
                            : g_build_filename (folder, name, NULL);
  g_autofree char *to = vitrine_paths_in_machine (vitrine_machine_get_uuid (machine), name);
  return vitrine_snapshot_copy_part (from, to, error) ? machine : NULL;
}

/* --- Bases ------------------------------------------------------------------------------------------------------------ */

void
vitrine_clone_add_bases (VitrineDomain *domain, GHashTable *used)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (domain);

  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      VtImagePlace place = { .path = disk->path, .any_backing = true };
      if (disk->path == NULL || vitrine_disk_is_removable (disk)
          || !vt_image_format_from_name (vitrine_disk_get_image_format (disk), &place.format))
        continue;
      g_auto(GStrv) chain = vt_image_chain (&place, NULL);
      for (guint j = 0; chain != NULL && chain[j] != NULL; j++)
        g_hash_table_add (used, g_canonicalize_filename (chain[j], NULL));
    }
}

static const char *
written_base (VitrineDomain *domain, GHashTable *bases)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (domain);

  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      const char *key;
      if (is_copied (disk) && !disk->transient && g_hash_table_lookup_extended (bases, disk->path, (gpointer *) &key, NULL))
        return key;
    }
  return NULL;
}

/* "“One”, “Two”": who stands on a disk that @domain writes; *base is one such disk. NULL: nobody does. */
static char *
name_clones (VitrineDomain *domain, char **base)
{
  g_autofree char *machines = vitrine_paths_machines (), *uuid = vitrine_domain_get_uuid (domain);
  g_autoptr(GDir) dir = g_dir_open (machines, 0, NULL);
  g_autoptr(GString) names = g_string_new (NULL);

  for (const char *other; dir != NULL && (other = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = vitrine_paths_in_machine (other, "domain.xml");
      g_autoptr(VitrineDomain) clone = g_str_equal (other, uuid) ? NULL : vitrine_domain_new_from_file (path, NULL);
      g_autoptr(GHashTable) bases = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
      if (clone == NULL)
        continue;
      vitrine_clone_add_bases (clone, bases);
      const char *found = written_base (domain, bases);
      if (found == NULL)
        continue;
      g_autofree char *title = vitrine_domain_get_title (clone);
      g_string_append_printf (names, names->len > 0 ? ", “%s”" : "“%s”", title);
      g_free (*base);
      *base = g_path_get_basename (found);
    }
  return names->len > 0 ? g_string_free (g_steal_pointer (&names), FALSE) : NULL;
}

gboolean
vitrine_clone_check_base (VitrineDomain *domain, GError **error)
{
  g_autofree char *base = NULL, *names = name_clones (domain, &base);

  if (names == NULL)
    return TRUE;
  g_set_error (error, VT_ERROR, VT_ERROR_BUSY,
               _("The disk “%s” must not change, because linked clones build upon it: %s. Delete them first, or use one of them."), base, names);
  return FALSE;
}
