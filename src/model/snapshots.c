/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots.h"

#include <glib/gi18n-lib.h>

#include "outside.h"
#include "snapshots-offline.h"
#include "tpm-process.h"

#define PROGRESS_MS 100u

struct _VitrineSnapshots
{
  GObject parent_instance;

  char           *folder;
  VitrineDomain  *domain;
  VitrineBackend *backend;
  GCancellable   *cancellable;   /* of what goes on; NULL: nothing does */
  gint            permille;      /* atomic; the working thread's */
  guint           poll;
  double          progress;
  char           *doomed;        /* NULL: none */
  gboolean        offline;
};

G_DEFINE_FINAL_TYPE (VitrineSnapshots, vitrine_snapshots, G_TYPE_OBJECT)

enum
{
  PROP_PROGRESS = 1,
};

static guint changed_signal;

/* What the working thread does, and needs; it touches nothing else. */
typedef struct Job Job;
struct Job
{
  gboolean        (*todo) (Job *job, GError **error);
  VitrineSnapshots *owner;       /* for `permille` alone */
  VitrineBackend   *backend;
  GCancellable     *cancellable;
  char             *folder, *uuid;
  char             *nvram;       /* the machine's; NULL: it has none of its own */
  GBytes           *screen;
  VitrineSnapshot  *snapshot;
  gboolean          nvram_failed, has_tpm, tpm_failed;
};

static void
job_free (gpointer data)
{
  Job *job = data;

  g_clear_object (&job->backend);
  g_clear_object (&job->cancellable);
  g_clear_pointer (&job->screen, g_bytes_unref);
  g_clear_pointer (&job->snapshot, vitrine_snapshot_free);
  g_free (job->folder);
  g_free (job->uuid);
  g_free (job->nvram);
  g_free (job);
}

/* --- In the other thread -------------------------------------------------------------------------------------------- */

static gboolean
progress (gpointer data, guint64 done, guint64 total)
{
  Job *job = data;

  g_atomic_int_set (&job->owner->permille, (gint) (total > 0 ? done * 1000 / total : 0));
  return !g_cancellable_is_cancelled (job->cancellable);
}

static gboolean
copy_nvram (Job *job)
{
  g_autofree char *to = vitrine_snapshot_store_path (job->folder, job->snapshot->name, VITRINE_SNAPSHOT_NVRAM);

  return job->nvram == NULL || vitrine_snapshot_copy_part (job->nvram, to, NULL);
}

/* The machine stands, and so does its TPM: the file is whole. */
static gboolean
copy_tpm (Job *job)
{
  g_autofree char *from = job->uuid != NULL ? vitrine_tpm_state_file (job->uuid) : NULL;
  g_autofree char *to = vitrine_snapshot_store_path (job->folder, job->snapshot->name, VITRINE_SNAPSHOT_TPM);

  return from == NULL || !job->has_tpm || vitrine_snapshot_copy_part (from, to, NULL);
}

/* A disc or a cable may have been changed since the machine was started. */
static void
read_definition (Job *job)
{
  g_autofree char *machine = g_path_get_dirname (job->folder), *path = g_build_filename (machine, "domain.xml", NULL);
  VitrineDomain   *now = job->snapshot->domain != NULL ? vitrine_domain_new_from_file (path, NULL) : NULL;

  if (now == NULL)
    return;
  g_object_unref (job->snapshot->domain);
  job->snapshot->domain = now;
}

static void
moment (gpointer data)
{
  Job *job = data;

  job->nvram_failed = !copy_nvram (job);
  job->tpm_failed = !copy_tpm (job);
  read_definition (job);
}

static gboolean
write_screen (Job *job)
{
  g_autofree char *path = vitrine_snapshot_store_path (job->folder, job->snapshot->name, VITRINE_SNAPSHOT_SCREEN);
  gsize            length;
  const char      *bytes = job->screen != NULL ? g_bytes_get_data (job->screen, &length) : NULL;

  /* A picture is worth no failure. */
  return bytes == NULL || g_file_set_contents (path, bytes, (gssize) length, NULL);
}

static gboolean
take_all (Job *job, GError **error)
{
  g_autofree char    *state = vitrine_snapshot_store_path (job->folder, job->snapshot->name, VITRINE_SNAPSHOT_STATE);
  VitrineSnapshotPlan plan = { job->snapshot->name, state, progress, moment, job };

  if (!vitrine_snapshot_store_prepare (job->folder, job->snapshot->name, job->snapshot->description, error))
    return FALSE;
  if (!vitrine_backend_take_snapshot (job->backend, &plan, error))
    {
      vitrine_snapshot_store_clean_up (job->folder, job->snapshot->name);
      return FALSE;
    }
  write_screen (job);
  if (job->nvram_failed)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("The UEFI variables “%s” cannot be copied."), job->nvram);
  else if (job->tpm_failed)
    g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("What the TPM keeps cannot be copied."));
  if (!job->nvram_failed && !job->tpm_failed && vitrine_snapshot_store_add (job->folder, job->snapshot, error))
    return TRUE;
  vitrine_backend_forget_snapshot (job->backend, job->snapshot->name, NULL);
  vitrine_snapshot_store_clean_up (job->folder, job->snapshot->name);
  return FALSE;
}

static gboolean
forget_all (Job *job, GError **error)
{
  return vitrine_backend_forget_snapshot (job->backend, job->snapshot->name, error)
         && vitrine_snapshot_store_remove (job->folder, job->snapshot->name, error);
}

static void
work (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Job    *job = data;
  GError *error = NULL;

  if (job->todo (job, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
go_back_all (Job *job, GError **error)
{
  return vitrine_snapshot_revert_held (job->uuid, job->snapshot->name, error);
}

static gboolean
take_offline (Job *job, GError **error)
{
  return vitrine_snapshot_take_offline (job->uuid, job->snapshot->name, job->snapshot->description, error);
}

static gboolean
forget_offline (Job *job, GError **error)
{
  return vitrine_snapshot_forget_offline (job->uuid, job->snapshot->name, error);
}

static gboolean
go_back_offline (Job *job, GError **error)
{
  return vitrine_snapshot_revert_offline (job->uuid, job->snapshot->name, error);
}

/* --- In the main thread --------------------------------------------------------------------------------------------- */

static void
set_progress (VitrineSnapshots *self, double value)
{
  if (self->progress == value)
    return;
  self->progress = value;
  g_object_notify (G_OBJECT (self), "progress");
}

static gboolean
poll_progress (gpointer data)
{
  VitrineSnapshots *self = data;

  set_progress (self, g_atomic_int_get (&self->permille) / 1000.0);
  return G_SOURCE_CONTINUE;
}

static void
over (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineSnapshots *self = VITRINE_SNAPSHOTS (source);
  g_autoptr(GTask) outer = data;
  GError *error = NULL;

  g_clear_handle_id (&self->poll, g_source_remove);
  g_clear_object (&self->cancellable);
  set_progress (self, -1);
  if (!g_task_propagate_boolean (G_TASK (result), &error))
    {
      g_task_return_error (outer, error);
      return;
    }
  g_signal_emit (self, changed_signal, 0);
  g_task_return_boolean (outer, TRUE);
}

static gboolean
is_free (VitrineSnapshots *self, GError **error)
{
  if (self->cancellable == NULL)
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_BUSY, _("Another snapshot of this machine is being taken or deleted."));
  return FALSE;
}

static gboolean
may_begin (VitrineSnapshots *self, GError **error)
{
  VitrineState state = self->backend != NULL ? vitrine_backend_get_state (self->backend) : VITRINE_STATE_OFF;

  if (!self->offline && !vitrine_state_is_alive (state))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_FAILED, _("The machine is not running."));
      return FALSE;
    }
  return is_free (self, error);
}

static Job *
job_new (VitrineSnapshots *self, const char *name, gboolean (*todo) (Job *job, GError **error))
{
  Job *job = g_new0 (Job, 1);

  self->cancellable = g_cancellable_new ();
  job->todo = todo;
  job->owner = self;
  job->backend = self->backend != NULL ? g_object_ref (self->backend) : NULL;
  job->cancellable = g_object_ref (self->cancellable);
  job->folder = g_strdup (self->folder);
  job->uuid = self->domain != NULL ? vitrine_domain_get_uuid (self->domain) : NULL;
  job->snapshot = g_new0 (VitrineSnapshot, 1);
  job->snapshot->name = g_strdup (name);
  return job;
}

static void
start (VitrineSnapshots *self, Job *job, GTask *outer)
{
  g_autoptr(GTask) inner = g_task_new (self, NULL, over, outer);

  g_task_set_task_data (inner, job, job_free);
  g_task_run_in_thread (inner, work);
}

/* What of a running machine is known to this thread alone. */
static void
prepare_running (VitrineSnapshots *self, Job *job)
{
  job->nvram = self->domain != NULL ? vitrine_domain_get_nvram (self->domain) : NULL;
  job->has_tpm = self->domain != NULL && vitrine_domain_get_tpm (self->domain);
  job->screen = vitrine_backend_get_n_heads (self->backend) > 0 ? vitrine_backend_screenshot (self->backend, 0, NULL) : NULL;
  job->snapshot->created = g_get_real_time () / G_USEC_PER_SEC;
  job->snapshot->has_state = TRUE;
  job->snapshot->domain = self->domain != NULL ? vitrine_domain_copy (self->domain) : NULL;
  g_atomic_int_set (&self->permille, 0);
  self->poll = g_timeout_add (PROGRESS_MS, poll_progress, self);
  set_progress (self, 0);
}

void
vitrine_snapshots_take_async (VitrineSnapshots *self, const char *name, const char *description, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) outer = g_task_new (self, NULL, done, data);
  GError *error = NULL;

  if (!may_begin (self, &error))
    {
      g_task_return_error (outer, error);
      return;
    }
  Job *job = job_new (self, name, self->offline ? take_offline : take_all);
  job->snapshot->description = description != NULL && *description != '\0' ? g_strdup (description) : NULL;
  if (!self->offline)
    prepare_running (self, job);
  start (self, job, g_steal_pointer (&outer));
}

void
vitrine_snapshots_forget_async (VitrineSnapshots *self, const char *name, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) outer = g_task_new (self, NULL, done, data);
  GError *error = NULL;

  if (may_begin (self, &error))
    start (self, job_new (self, name, self->offline ? forget_offline : forget_all), g_steal_pointer (&outer));
  else
    g_task_return_error (outer, error);
}

static void
note_file (const char *path, VitrineFileUse use, gpointer files)
{
  g_hash_table_add (files, g_strdup (path));
}

/* What it was not started with is out of a confined process's reach. */
static gboolean
has_files_of (VitrineDomain *now, VitrineDomain *then)
{
  g_autoptr(GHashTable) known = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  g_autoptr(GHashTable) wanted = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  GHashTableIter        iter;
  gpointer              path;

  vitrine_domain_visit_files (now, note_file, known);
  vitrine_domain_visit_files (then, note_file, wanted);
  g_hash_table_iter_init (&iter, wanted);
  while (g_hash_table_iter_next (&iter, &path, NULL))
    if (!g_hash_table_contains (known, path))
      return FALSE;
  return TRUE;
}

gboolean
vitrine_snapshots_can_go_back (VitrineSnapshots *self, const char *name, GError **error)
{
  g_autoptr(VitrineSnapshot) snapshot = vitrine_snapshot_store_get (self->folder, name, error);

  if (snapshot == NULL)
    return FALSE;
  if (self->domain == NULL || snapshot->domain == NULL)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_DATA, _("The definition in snapshot “%s” cannot be read."), name);
  else if (vitrine_outside_is_there () && !has_files_of (self->domain, snapshot->domain))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                 _("In snapshot “%s” the machine has other disks. Power it off, then go back from its menu in the library."), name);
  else if (vitrine_outside_is_there () && vitrine_domain_get_tpm (snapshot->domain) && !vitrine_domain_get_tpm (self->domain))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_SUPPORTED,
                 _("In snapshot “%s” the machine has a TPM. Power it off, then go back from its menu in the library."), name);
  else
    return TRUE;
  return FALSE;
}

void
vitrine_snapshots_go_back_async (VitrineSnapshots *self, const char *name, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) outer = g_task_new (self, NULL, done, data);
  GError *error = NULL;

  if (is_free (self, &error))
    start (self, job_new (self, name, self->offline ? go_back_offline : go_back_all), g_steal_pointer (&outer));
  else
    g_task_return_error (outer, error);
}

gboolean
vitrine_snapshots_finish (VitrineSnapshots *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
keeper_take (gpointer keeper, const char *name, const char *description, GAsyncReadyCallback done, gpointer data)
{
  vitrine_snapshots_take_async (keeper, name, description, done, data);
}

static void
keeper_forget (gpointer keeper, const char *name, GAsyncReadyCallback done, gpointer data)
{
  vitrine_snapshots_forget_async (keeper, name, done, data);
}

static gboolean
keeper_finish (gpointer keeper, GAsyncResult *result, GError **error)
{
  return vitrine_snapshots_finish (keeper, result, error);
}

const VitrineSnapshotKeeper vitrine_snapshots_keeper = { keeper_take, keeper_forget, keeper_finish };

void
vitrine_snapshots_set_doomed (VitrineSnapshots *self, const char *name)
{
  g_autofree char *before = self->doomed;

  self->doomed = g_strdup (name);
}

const char *
vitrine_snapshots_get_doomed (VitrineSnapshots *self)
{
  return self->doomed;
}

void
vitrine_snapshots_forget_doomed (VitrineSnapshots *self)
{
  g_autofree char *name = g_steal_pointer (&self->doomed);
  g_autofree char *uuid = name != NULL && self->domain != NULL ? vitrine_domain_get_uuid (self->domain) : NULL;
  g_autoptr(GError) error = NULL;

  gboolean ok = uuid == NULL || (self->offline ? vitrine_snapshot_forget_offline : vitrine_snapshot_forget_held) (uuid, name, &error);
  if (!ok)
    g_message ("A deleted snapshot stays: %s", error->message);
}

gboolean
vitrine_snapshots_is_busy (VitrineSnapshots *self)
{
  return self->cancellable != NULL;
}

void
vitrine_snapshots_cancel (VitrineSnapshots *self)
{
  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
}

void
vitrine_snapshots_stop (VitrineSnapshots *self)
{
  vitrine_snapshots_cancel (self);
  while (self->cancellable != NULL)
    g_main_context_iteration (NULL, TRUE);
}

const char *
vitrine_snapshots_get_folder (VitrineSnapshots *self)
{
  return self->folder;
}

void
vitrine_snapshots_set_backend (VitrineSnapshots *self, VitrineBackend *backend)
{
  g_set_object (&self->backend, backend);
}

/* --- The object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_snapshots_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  g_value_set_double (value, VITRINE_SNAPSHOTS (object)->progress);
}

static void
vitrine_snapshots_finalize (GObject *object)
{
  VitrineSnapshots *self = VITRINE_SNAPSHOTS (object);

  g_clear_object (&self->backend);
  g_clear_object (&self->domain);
  g_free (self->folder);
  g_free (self->doomed);
  G_OBJECT_CLASS (vitrine_snapshots_parent_class)->finalize (object);
}

static void
vitrine_snapshots_class_init (VitrineSnapshotsClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);

  object_class->get_property = vitrine_snapshots_get_property;
  object_class->finalize = vitrine_snapshots_finalize;
  g_object_class_install_property (object_class, PROP_PROGRESS,
                                   g_param_spec_double ("progress", NULL, NULL, -1, 1, -1, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  changed_signal = g_signal_new ("changed", VITRINE_TYPE_SNAPSHOTS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_snapshots_init (VitrineSnapshots *self)
{
  self->progress = -1;
}

VitrineSnapshots *
vitrine_snapshots_new (const char *folder, VitrineDomain *domain)
{
  VitrineSnapshots *self = g_object_new (VITRINE_TYPE_SNAPSHOTS, NULL);

  self->folder = g_strdup (folder);
  self->domain = domain != NULL ? g_object_ref (domain) : NULL;
  return self;
}

VitrineSnapshots *
vitrine_snapshots_new_offline (const char *folder, VitrineDomain *domain)
{
  VitrineSnapshots *self = vitrine_snapshots_new (folder, domain);

  self->offline = TRUE;
  return self;
}
