/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Work for a host's connection: a queue in the main thread, a few workers. */
#include <glib/gi18n-lib.h>

#include "host-private.h"

#define WORKERS 4

typedef struct
{
  VitrineHostWork work;
  gpointer        data;
  GDestroyNotify  free_data, free_result;
  virConnectPtr   connection;
  gboolean        counted;       /* among those that work */
} Job;

static void
job_free (gpointer data)
{
  Job *job = data;

  if (job->free_data != NULL)
    job->free_data (job->data);
  if (job->connection != NULL)
    virConnectClose (job->connection);
  g_free (job);
}

/* What holds the connection is let go here: the last of it closes the connection, which waits for the host. */
static void
work_in_thread (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Job *job = data;
  GError *error = NULL;
  gpointer result = job->work (job->connection, job->data, cancellable, &error);

  if (job->free_data != NULL)
    job->free_data (g_steal_pointer (&job->data));
  job->free_data = NULL;
  virConnectClose (g_steal_pointer (&job->connection));
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, result, job->free_result);
}

static void
work_on (VitrineHost *self)
{
  while (self->working < WORKERS && !g_queue_is_empty (&self->waiting))
    {
      g_autoptr(GTask) task = g_queue_pop_head (&self->waiting);
      Job *job = g_task_get_task_data (task);
      if (self->link == NULL)
        {
          g_task_return_new_error (task, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_AWAY, _("“%s” is away: %s"), self->name,
                                   self->reason != NULL ? self->reason : _("not connected."));
          continue;
        }
      job->connection = vitrine_host_link_get_connection (self->link);
      virConnectRef (job->connection);
      job->counted = TRUE;
      self->working++;
      g_task_run_in_thread (task, work_in_thread);
    }
}

static void
work_done (GTask *task, GParamSpec *pspec, gpointer unused)
{
  VitrineHost *self = g_task_get_source_object (task);
  Job *job = g_task_get_task_data (task);

  if (job->counted)
    self->working--;
  work_on (self);
}

void
vitrine_host_run_async (VitrineHost *self, VitrineHostWork work, gpointer data, GDestroyNotify free_data,
                        GDestroyNotify free_result, GCancellable *cancellable, GAsyncReadyCallback done,
                        gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, done, user_data);
  Job *job = g_new0 (Job, 1);

  g_task_set_check_cancellable (task, FALSE);   /* who was cancelled too late has done it, and has to say so */
  job->work = work;
  job->data = data;
  job->free_data = free_data;
  job->free_result = free_result;
  g_task_set_task_data (task, job, job_free);
  g_signal_connect (task, "notify::completed", G_CALLBACK (work_done), NULL);
  g_queue_push_tail (&self->waiting, task);
  work_on (self);
}

gpointer
vitrine_host_run_finish (VitrineHost *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

static void
free_domain_in_thread (GTask *task, gpointer source, gpointer domain, GCancellable *cancellable)
{
  virDomainFree (domain);
  g_task_return_boolean (task, TRUE);
}

void
vitrine_host_free_domain_later (virDomainPtr domain)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, NULL, NULL);

  g_task_set_task_data (task, domain, NULL);
  g_task_run_in_thread (task, free_domain_in_thread);
}
