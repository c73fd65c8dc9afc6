/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "helper-client.h"

#include <glib/gi18n-lib.h>

/* For tests: "session". */
#define BUS_VARIABLE "VITRINE_HOST_HELPER_BUS"

static void
return_error (GTask *task, GError *error)
{
  g_dbus_error_strip_remote_error (error);
  if (g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN)
      || g_error_matches (error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER))
    {
      g_error_free (error);
      error = g_error_new (
          G_IO_ERROR, G_IO_ERROR_NOT_FOUND,
          _("The program that changes this computer (vitrine-host-helper) is not installed. Run the commands that are "
            "shown, as root, instead."));
    }
  g_task_return_error (task, error);
}

static void
called (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  GError *error = NULL;
  g_autoptr(GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);

  if (answer == NULL)
    return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

/* No time-out: a person may be looking for a password. */
static void
connected (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  GError *error = NULL;
  g_autoptr(GDBusConnection) bus = g_bus_get_finish (result, &error);
  GVariant *parameters = g_task_get_task_data (task);

  if (bus == NULL)
    {
      g_task_return_error (task, error);
      return;
    }
  const char *method = g_task_get_name (task);
  g_dbus_connection_call (bus, VITRINE_HELPER_NAME, VITRINE_HELPER_PATH, VITRINE_HELPER_NAME, method, parameters, NULL,
                          G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION, G_MAXINT, g_task_get_cancellable (task),
                          called, g_object_ref (task));
}

void
vitrine_helper_call_async (const char *method, GVariant *parameters, GCancellable *cancellable,
                           GAsyncReadyCallback done, gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, done, data);
  gboolean test = g_strcmp0 (g_getenv (BUS_VARIABLE), "session") == 0;

  vitrine_helper_error_quark ();   /* registered before an answer is read */
  g_task_set_name (task, method);
  g_task_set_task_data (task, g_variant_ref_sink (parameters), (GDestroyNotify) g_variant_unref);
  g_bus_get (test ? G_BUS_TYPE_SESSION : G_BUS_TYPE_SYSTEM, cancellable, connected, task);
}

gboolean
vitrine_helper_call_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

void
vitrine_helper_give_pci_async (const char *const *addresses, gboolean confirmed, GAsyncReadyCallback done,
                               gpointer data)
{
  vitrine_helper_call_async ("GivePciDevices", g_variant_new ("(^asb)", addresses, confirmed), NULL, done, data);
}

void
vitrine_helper_take_back_pci_async (const char *const *addresses, GAsyncReadyCallback done, gpointer data)
{
  vitrine_helper_call_async ("TakeBackPciDevices", g_variant_new ("(^as)", addresses), NULL, done, data);
}
