/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The process that runs a machine: started, found by its run lock, listened to and commanded. */
#include "machine-private.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <vitrine/error.h>

#include "clone.h"
#include "launcher.h"
#include "paths.h"
#include "run-lock.h"

#define RETRY_MS 100
#define RETRY_LIMIT 100   /* ten seconds for a process to come up, or to finish dying */

static char *
lock_path (VitrineMachine *self)
{
  return vitrine_paths_in_machine (self->uuid, "lock");
}

/* --- state ------------------------------------------------------------------------------------------------------ */

/* What the process said last, when it had no window to say it in. */
static char *
last_log_line (VitrineMachine *self)
{
  g_autofree char *log = vitrine_machine_get_log_path (self);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (log, &text, NULL, NULL))
    return NULL;
  g_strchomp (text);
  const char *line = strrchr (text, '\n');
  return g_utf8_make_valid (line != NULL ? line + 1 : text, -1);
}

static void
set_crashed (VitrineMachine *self)
{
  g_autofree char *log = vitrine_machine_get_log_path (self);
  g_autofree char *message = g_strdup_printf (
    _("The machine’s process ended unexpectedly. Its disks are as they were. What it said last is in “%s”."), log);

  vitrine_machine_set_state (self, VITRINE_STATE_CRASHED, message);
}

static void
client_changed (VitrineMachine *self)
{
  g_autofree char *message = vitrine_client_get_message (self->client);

  vitrine_machine_set_state (self, vitrine_client_get_state (self->client), message);
}

void
vitrine_machine_drop_client (VitrineMachine *self)
{
  if (self->client != NULL)
    g_signal_handlers_disconnect_by_data (self->client, self);
  g_clear_object (&self->client);
}

static void
client_closed (VitrineMachine *self)
{
  vitrine_machine_drop_client (self);
  self->retries = 0;
  vitrine_machine_look (self);
}

static void
connected (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachine) self = data;
  g_autoptr(VitrineClient) client = vitrine_client_connect_finish (result, NULL);

  g_clear_object (&self->cancellable);
  if (self->client != NULL || self->domain == NULL)   /* disposed meanwhile */
    return;
  if (client == NULL)
    {
      vitrine_machine_look (self);
      return;
    }
  self->launched = FALSE;
  self->retries = 0;
  self->client = g_steal_pointer (&client);
  g_signal_connect_swapped (self->client, "changed", G_CALLBACK (client_changed), self);
  g_signal_connect_swapped (self->client, "closed", G_CALLBACK (client_closed), self);
  client_changed (self);
}

static void
try_connect (VitrineMachine *self)
{
  g_autofree char *path = vitrine_paths_socket (self->uuid);

  if (self->cancellable != NULL || self->client != NULL)
    return;
  self->cancellable = g_cancellable_new ();
  vitrine_client_connect_async (path, self->cancellable, connected, g_object_ref (self));
}

static gboolean
retry (gpointer data)
{
  VitrineMachine *self = data;
  g_autofree char *path = lock_path (self);

  self->retry = 0;
  if (vitrine_run_lock_query (path) == VITRINE_RUN_LOCK_HELD)
    try_connect (self);
  else
    vitrine_machine_look (self);
  return G_SOURCE_REMOVE;
}

static void
retry_later (VitrineMachine *self)
{
  if (self->retry == 0 && self->retries++ < RETRY_LIMIT)
    self->retry = g_timeout_add (RETRY_MS, retry, self);
}

/* Ended before anyone could connect: no display, a library that is missing. */
static void
process_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachine) self = data;
  g_autofree char *line = last_log_line (self);

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  if (!self->launched || self->domain == NULL)
    return;
  self->launched = FALSE;
  if (!g_subprocess_get_successful (G_SUBPROCESS (source)) && line != NULL && *line != '\0')
    vitrine_machine_set_state (self, VITRINE_STATE_CRASHED, line);
  else
    vitrine_machine_look (self);
}

void
vitrine_machine_look (VitrineMachine *self)
{
  g_autofree char *path = lock_path (self);

  if (self->client != NULL || self->cancellable != NULL || self->domain == NULL)
    return;
  switch (vitrine_run_lock_query (path))
    {
    case VITRINE_RUN_LOCK_HELD:
      if (vitrine_run_lock_is_for_work (path))
        {
          vitrine_machine_set_state (self, VITRINE_STATE_BUSY, NULL);   /* the end of that is heard of */
          break;
        }
      vitrine_machine_set_state (self, VITRINE_STATE_STARTING, NULL);
      retry_later (self);
      break;
    case VITRINE_RUN_LOCK_STALE:
      self->launched = FALSE;
      set_crashed (self);
      break;
    case VITRINE_RUN_LOCK_FREE:
      if (self->launched && self->retries < RETRY_LIMIT)
        retry_later (self);
      else if (self->launched)
        {
          self->launched = FALSE;
          set_crashed (self);
        }
      else
        vitrine_machine_set_state (self, VITRINE_STATE_OFF, NULL);
      break;
    }
}

/* --- commands --------------------------------------------------------------------------------------------------- */

gboolean
vitrine_machine_start (VitrineMachine *self, GError **error)
{
  g_autofree char *lock = lock_path (self);
  g_autofree char *log = vitrine_machine_get_log_path (self);

  if (self->domain == NULL)
    {
      g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG, self->message);
      return FALSE;
    }
  if (self->client != NULL)
    {
      vitrine_client_call_async (self->client, "Present", NULL, NULL, NULL, NULL);
      return TRUE;
    }
  if (vitrine_run_lock_is_for_work (lock))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_BUSY, _("“%s” is being copied or moved: wait until that is done."),
                   vitrine_machine_get_title (self));
      return FALSE;
    }
  if (self->launched || vitrine_run_lock_query (lock) == VITRINE_RUN_LOCK_HELD)
    return TRUE;   /* on its way up */
  if (!vitrine_clone_check_base (self->domain, error))
    return FALSE;
  vitrine_run_lock_clear_stale (lock);
  g_autoptr(GSubprocess) process = vitrine_launcher_start (self->uuid, log, error);
  if (process == NULL)
    return FALSE;
  g_subprocess_wait_async (process, NULL, process_ended, g_object_ref (self));
  self->launched = TRUE;
  self->retries = 0;
  vitrine_machine_set_state (self, VITRINE_STATE_STARTING, NULL);
  retry_later (self);
  return TRUE;
}

static void
command_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  g_autoptr(GError) error = NULL;

  if (vitrine_client_call_finish (VITRINE_CLIENT (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
vitrine_machine_command_async (VitrineMachine *self, const char *command, GAsyncReadyCallback done, gpointer data)
{
  GTask *task = g_task_new (self, NULL, done, data);

  g_task_set_source_tag (task, vitrine_machine_command_async);
  if (self->client == NULL)
    {
      g_task_return_new_error (task, VT_ERROR, VT_ERROR_FAILED, _("“%s” is not running."), self->title);
      g_object_unref (task);
      return;
    }
  vitrine_client_call_async (self->client, command, NULL, NULL, command_done, task);
}

gboolean
vitrine_machine_command_finish (VitrineMachine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
vitrine_machine_call_sync (VitrineMachine *self, const char *method, GVariant *arguments, int fd, GError **error)
{
  g_autoptr(GVariant) owned = g_variant_ref_sink (arguments);

  if (self->client == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("“%s” is not running."), self->title);
      return FALSE;
    }
  return fd >= 0 ? vitrine_client_call_with_file_sync (self->client, method, owned, fd, error)
                 : vitrine_client_call_sync (self->client, method, owned, error);
}

VitrineClient *
vitrine_machine_dup_client (VitrineMachine *self)
{
  return self->client != NULL ? g_object_ref (self->client) : NULL;
}

gboolean
vitrine_machine_get_memory (VitrineMachine *self, guint64 *wanted_bytes, guint64 *most_bytes)
{
  g_autoptr(GVariant) memory = self->client != NULL ? vitrine_client_get_memory (self->client, NULL) : NULL;

  return memory != NULL && g_variant_lookup (memory, "wanted", "t", wanted_bytes) && g_variant_lookup (memory, "machine", "t", most_bytes);
}

void
vitrine_machine_dismiss_crash (VitrineMachine *self)
{
  g_autofree char *lock = lock_path (self);

  vitrine_run_lock_clear_stale (lock);
  vitrine_machine_look (self);
}
