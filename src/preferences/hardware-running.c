/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hardware-running.h"

#include "passphrase-dialog.h"

static void try (GTask *whole);

static void
work (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  GError *error = NULL;

  if (vitrine_running_change_carry_out (data, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static void
given_up (GTask *whole, const GError *why)
{
  g_autoptr(GError) error = g_object_steal_data (G_OBJECT (whole), "vitrine-error");

  g_task_return_error (whole, why != NULL ? g_error_copy (why) : g_steal_pointer (&error));
  g_object_unref (whole);
}

static void
unlocked (VtSecret *key, const GError *error, gpointer data)
{
  GTask *whole = data;

  if (key == NULL)
    {
      given_up (whole, error);
      return;
    }
  vitrine_running_change_unlock (g_task_get_task_data (whole), key);
  try (whole);
}

/* The sentence that asks for it is the error of a person who does not give it. */
static void
ask (GTask *whole, GError *error)
{
  GtkWidget *window = gtk_widget_get_toplevel (g_task_get_source_object (whole));

  if (!GTK_IS_WINDOW (window))
    {
      g_task_return_error (whole, error);
      g_object_unref (whole);
      return;
    }
  g_object_set_data_full (G_OBJECT (whole), "vitrine-error", error, (GDestroyNotify) g_error_free);
  vitrine_passphrase_dialog_show (GTK_WINDOW (window), vitrine_running_change_get_locked (g_task_get_task_data (whole)), unlocked, whole);
}

static void
tried (GObject *source, GAsyncResult *result, gpointer data)
{
  GTask  *whole = data;
  GError *error = NULL;

  if (!g_task_propagate_boolean (G_TASK (result), &error) && vitrine_running_change_get_locked (g_task_get_task_data (whole)) != NULL)
    {
      ask (whole, error);
      return;
    }
  if (error != NULL)
    g_task_return_error (whole, error);
  else
    g_task_return_boolean (whole, TRUE);
  g_object_unref (whole);
}

static void
try (GTask *whole)
{
  g_autoptr(GTask) task = g_task_new (NULL, NULL, tried, whole);

  g_task_set_task_data (task, g_task_get_task_data (whole), NULL);
  g_task_run_in_thread (task, work);
}

void
vitrine_hardware_change_running_async (GtkWidget *source, VitrineRunningChange *change, GAsyncReadyCallback done, gpointer data)
{
  GTask *whole = g_task_new (source, NULL, done, data);

  g_task_set_task_data (whole, change, (GDestroyNotify) vitrine_running_change_free);
  try (whole);
}

gboolean
vitrine_hardware_change_running_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
