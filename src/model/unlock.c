/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "unlock.h"

#include <vitrine/image.h>

gboolean
vitrine_unlock_is_locked (const VtDiskConfig *disk)
{
  const VtImagePlace place = { .path = disk->path, .format = disk->format };
  g_auto(VtImageInfo) info = { 0 };

  if (disk->path == NULL || disk->cdrom || disk->secret != NULL || disk->format == VT_IMAGE_RAW)
    return FALSE;
  return vt_image_info (&place, &info, NULL) && info.encrypted;
}

VtDiskConfig *
vitrine_unlock_next (const VtConfig *config)
{
  for (guint i = 0; i < config->disks->len; i++)
    if (vitrine_unlock_is_locked (config->disks->pdata[i]))
      return config->disks->pdata[i];
  return NULL;
}

/* Of its own, since a thread that was given up goes on for a while. */
typedef struct
{
  char         *path;
  VtImageFormat format;
  VtSecret     *passphrase;
  gint          stop;
} Job;

static void
job_clear (Job *job)
{
  g_free (job->path);
  vt_secret_unref (job->passphrase);
}

static void
job_unref (gpointer job)
{
  g_atomic_rc_box_release_full (job, (GDestroyNotify) job_clear);
}

static void
work (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Job *job = data;
  const VtImagePlace place = { .path = job->path, .format = job->format, .secret = job->passphrase };
  GError *error = NULL;
  VtSecret *key = vt_image_unlock (&place, &job->stop, &error);

  if (key != NULL)
    g_task_return_pointer (task, key, (GDestroyNotify) vt_secret_unref);
  else
    g_task_return_error (task, error);
}

static void
cancelled (GCancellable *cancellable, gpointer data)
{
  Job *job = data;

  g_atomic_int_set (&job->stop, 1);
}

static void
drop_job (gpointer job, GClosure *closure)
{
  job_unref (job);
}

void
vitrine_unlock_async (const VtDiskConfig *disk, VtSecret *passphrase, GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer data)
{
  g_autoptr(GTask) task = g_task_new (NULL, cancellable, callback, data);
  Job *job = g_atomic_rc_box_new0 (Job);

  job->path = g_strdup (disk->path);
  job->format = disk->format;
  job->passphrase = vt_secret_ref (passphrase);
  g_task_set_task_data (task, job, job_unref);
  g_task_set_return_on_cancel (task, TRUE);
  if (cancellable != NULL)
    g_signal_connect_data (cancellable, "cancelled", G_CALLBACK (cancelled), g_atomic_rc_box_acquire (job), drop_job, 0);
  g_task_run_in_thread (task, work);
}

VtSecret *
vitrine_unlock_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

gboolean
vitrine_unlock_was_wrong (const GError *error)
{
  return g_error_matches (error, VT_ERROR, VT_ERROR_PASSPHRASE);
}
