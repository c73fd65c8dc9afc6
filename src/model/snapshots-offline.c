/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots-offline.h"

#include "clone.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <unistd.h>
#include <vitrine/image.h>

#include "forwards.h"
#include "paths.h"
#include "run-lock.h"
#include "tpm-process.h"

#define SUSPENDED "suspended.state"

/* What each of them works with. */
typedef struct
{
  char          *uuid, *folder, *lock_path;
  int            lock;
  VitrineDomain *domain;      /* as it is now */
} Work;

static void
work_clear (Work *work)
{
  if (work->lock >= 0)
    vitrine_run_lock_release (work->lock_path, work->lock);
  g_clear_object (&work->domain);
  g_free (work->uuid);
  g_free (work->folder);
  g_free (work->lock_path);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Work, work_clear)

static gboolean
take_lock (Work *work, const char *uuid, GError **error)
{
  work->lock_path = vitrine_paths_in_machine (uuid, "lock");
  work->lock = vitrine_run_lock_take_for_work (work->lock_path, error);
  return work->lock >= 0;
}

static gboolean
begin (Work *work, const char *uuid, GError **error)
{
  g_autofree char *definition = vitrine_paths_in_machine (uuid, "domain.xml");

  work->uuid = g_strdup (uuid);
  work->folder = vitrine_paths_in_machine (uuid, "snapshots");
  work->domain = vitrine_domain_new_from_file (definition, error);
  return work->domain != NULL;
}

/* --- Files ---------------------------------------------------------------------------------------------------------- */

/* A second name for the same bytes, which nobody changes; else a copy. */
static gboolean
link_or_copy (const char *from, const char *to, GError **error)
{
  g_autoptr(GFile) source = g_file_new_for_path (from), target = g_file_new_for_path (to);

  g_unlink (to);
  return link (from, to) == 0 || g_file_copy (source, target, G_FILE_COPY_OVERWRITE, NULL, NULL, NULL, error);
}

/* --- Disks ---------------------------------------------------------------------------------------------------------- */

static gboolean
is_written (const VitrineDisk *disk)
{
  return disk->path != NULL && !vitrine_disk_is_removable (disk) && !disk->readonly;
}

static gboolean
check_disks (GPtrArray *disks, GError **error)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      if (!is_written (disk) || (g_strcmp0 (disk->format, "qcow2") == 0 && !disk->transient))
        continue;
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                   disk->transient ? _("“%s” forgets what is written to it: it cannot be part of a snapshot.")
                                   : _("“%s” is not a qcow2 image: only those have snapshots. Convert it first."), disk->path);
      return FALSE;
    }
  return TRUE;
}

/* Before anything is changed. */
static gboolean
all_have (GPtrArray *disks, const char *name, GError **error)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      bool               has;
      if (!is_written (disk))
        continue;
      if (!vt_image_has_snapshot (disk->path, name, &has, error))
        return FALSE;
      if (!has)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
                       _("“%s” does not have snapshot “%s”: the machine cannot go back to it."), disk->path, name);
          return FALSE;
        }
    }
  return TRUE;
}

/* From those of the first @n that have it. */
static gboolean
forget_disks (GPtrArray *disks, guint n, const char *name, GError **error)
{
  for (guint i = 0; i < n; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      bool               has;
      if (!is_written (disk) || g_strcmp0 (disk->format, "qcow2") != 0 || !g_file_test (disk->path, G_FILE_TEST_EXISTS))
        continue;
      if (!vt_image_has_snapshot (disk->path, name, &has, error) || (has && !vt_image_snapshot (disk->path, VT_IMAGE_DELETE_SNAPSHOT, name, error)))
        return FALSE;
    }
  return TRUE;
}

static gboolean
take_disks (GPtrArray *disks, const char *name, GError **error)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      if (is_written (disk) && !vt_image_snapshot (disk->path, VT_IMAGE_TAKE_SNAPSHOT, name, error))
        {
          forget_disks (disks, i, name, NULL);
          return FALSE;
        }
    }
  return TRUE;
}

/* --- Taking --------------------------------------------------------------------------------------------------------- */

static gboolean
take_files (const Work *work, VitrineSnapshot *snapshot, GError **error)
{
  g_autofree char *suspended = vitrine_paths_in_machine (work->uuid, SUSPENDED);
  g_autofree char *picture = vitrine_paths_in_machine (work->uuid, "thumbnail.png");
  g_autofree char *nvram = vitrine_domain_get_nvram (work->domain);
  g_autofree char *state = vitrine_snapshot_store_path (work->folder, snapshot->name, VITRINE_SNAPSHOT_STATE);
  g_autofree char *variables = vitrine_snapshot_store_path (work->folder, snapshot->name, VITRINE_SNAPSHOT_NVRAM);
  g_autofree char *screen = vitrine_snapshot_store_path (work->folder, snapshot->name, VITRINE_SNAPSHOT_SCREEN);
  g_autofree char *tpm = vitrine_tpm_state_file (work->uuid), *kept = vitrine_snapshot_store_path (work->folder, snapshot->name, VITRINE_SNAPSHOT_TPM);

  snapshot->has_state = g_file_test (suspended, G_FILE_TEST_EXISTS);
  return (!snapshot->has_state || (link_or_copy (suspended, state, error) && vitrine_snapshot_copy_part (picture, screen, error)))
         && (nvram == NULL || vitrine_snapshot_copy_part (nvram, variables, error))
         && (!vitrine_domain_get_tpm (work->domain) || vitrine_snapshot_copy_part (tpm, kept, error));
}

gboolean
vitrine_snapshot_take_offline (const char *uuid, const char *name, const char *description, GError **error)
{
  g_auto(Work) work = { .lock = -1 };
  g_autoptr(VitrineSnapshot) snapshot = g_new0 (VitrineSnapshot, 1);

  if (!take_lock (&work, uuid, error) || !begin (&work, uuid, error))
    return FALSE;
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (work.domain);
  snapshot->name = g_strdup (name);
  snapshot->description = description != NULL && *description != '\0' ? g_strdup (description) : NULL;
  snapshot->created = g_get_real_time () / G_USEC_PER_SEC;
  snapshot->domain = g_object_ref (work.domain);
  if (!check_disks (disks, error) || !vitrine_snapshot_store_prepare (work.folder, name, snapshot->description, error))
    return FALSE;
  gboolean disks_taken = take_disks (disks, name, error);
  if (disks_taken && take_files (&work, snapshot, error) && vitrine_snapshot_store_add (work.folder, snapshot, error))
    return TRUE;
  if (disks_taken)
    forget_disks (disks, disks->len, name, NULL);
  vitrine_snapshot_store_clean_up (work.folder, name);
  return FALSE;
}

/* --- Going back ----------------------------------------------------------------------------------------------------- */

static gboolean
revert_disks (GPtrArray *disks, const char *name, GError **error)
{
  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      if (is_written (disk) && !vt_image_snapshot (disk->path, VT_IMAGE_GO_BACK, name, error))
        return FALSE;
    }
  return TRUE;
}

/* What a person calls the machine is not the past's; nor are the ports of this computer that lead into it, which other programs may have
 * by now, and which others know. */
static gboolean
revert_definition (const Work *work, const VitrineSnapshot *snapshot, GError **error)
{
  g_autofree char *path = vitrine_paths_in_machine (work->uuid, "domain.xml");
  g_autoptr(VitrineDomain) domain = vitrine_domain_copy (snapshot->domain);

  vitrine_domain_take_names (domain, work->domain);
  vitrine_domain_keep_forwards (domain, work->domain);
  vitrine_domain_set_uuid (domain, work->uuid);
  return vitrine_domain_save (domain, path, error);
}

static gboolean
revert_files (const Work *work, const VitrineSnapshot *snapshot, GError **error)
{
  g_autofree char *suspended = vitrine_paths_in_machine (work->uuid, SUSPENDED);
  g_autofree char *nvram = vitrine_domain_get_nvram (snapshot->domain);
  g_autofree char *state = vitrine_snapshot_store_path (work->folder, snapshot->name, VITRINE_SNAPSHOT_STATE);
  g_autofree char *variables = vitrine_snapshot_store_path (work->folder, snapshot->name, VITRINE_SNAPSHOT_NVRAM);
  g_autofree char *kept = vitrine_snapshot_store_path (work->folder, snapshot->name, VITRINE_SNAPSHOT_TPM);

  if (nvram != NULL && !vitrine_snapshot_copy_part (variables, nvram, error))
    return FALSE;
  if (vitrine_domain_get_tpm (snapshot->domain) && !vitrine_snapshot_revert_tpm (work->uuid, kept, error))
    return FALSE;
  return !snapshot->has_state || link_or_copy (state, suspended, error);
}

static gboolean
revert (Work *work, const char *name, GError **error)
{
  g_autoptr(VitrineSnapshot) snapshot = vitrine_snapshot_store_get (work->folder, name, error);

  if (snapshot == NULL)
    return FALSE;
  if (snapshot->domain == NULL)
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("The definition in snapshot “%s” cannot be read."), name);
      return FALSE;
    }
  if (!vitrine_clone_check_base (snapshot->domain, error))
    return FALSE;
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (snapshot->domain);
  g_autofree char *suspended = vitrine_paths_in_machine (work->uuid, SUSPENDED);
  if (!all_have (disks, name, error))
    return FALSE;
  /* From here on a suspended state would meet other disks. */
  g_unlink (suspended);
  return revert_disks (disks, name, error) && revert_definition (work, snapshot, error) && revert_files (work, snapshot, error)
         && vitrine_snapshot_store_set_current (work->folder, name, error);
}

gboolean
vitrine_snapshot_revert_offline (const char *uuid, const char *name, GError **error)
{
  g_auto(Work) work = { .lock = -1 };

  return take_lock (&work, uuid, error) && begin (&work, uuid, error) && revert (&work, name, error);
}

gboolean
vitrine_snapshot_revert_held (const char *uuid, const char *name, GError **error)
{
  g_auto(Work) work = { .lock = -1 };

  return begin (&work, uuid, error) && revert (&work, name, error);
}

/* --- Forgetting ----------------------------------------------------------------------------------------------------- */

static gboolean
forget (Work *work, const char *name, GError **error)
{
  g_autoptr(VitrineSnapshot) snapshot = vitrine_snapshot_store_get (work->folder, name, error);

  if (snapshot == NULL)
    return FALSE;
  /* Disks may have come and gone since. */
  g_autoptr(GPtrArray) now = vitrine_domain_get_disks (work->domain);
  g_autoptr(GPtrArray) then = snapshot->domain != NULL ? vitrine_domain_get_disks (snapshot->domain) : g_ptr_array_new ();
  return forget_disks (now, now->len, name, error) && forget_disks (then, then->len, name, error)
         && vitrine_snapshot_store_remove (work->folder, name, error);
}

gboolean
vitrine_snapshot_forget_offline (const char *uuid, const char *name, GError **error)
{
  g_auto(Work) work = { .lock = -1 };

  return take_lock (&work, uuid, error) && begin (&work, uuid, error) && forget (&work, name, error);
}

gboolean
vitrine_snapshot_forget_held (const char *uuid, const char *name, GError **error)
{
  g_auto(Work) work = { .lock = -1 };

  return begin (&work, uuid, error) && forget (&work, name, error);
}
