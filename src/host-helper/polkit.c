/* SPDX-License-Identifier: GPL-3.0-or-later */
/* org.freedesktop.PolicyKit1.Authority.CheckAuthorization, by its documentation:
 * https://www.freedesktop.org/software/polkit/docs/. */
#include "polkit.h"

#include <glib/gi18n-lib.h>

#include "helper-error.h"

#define POLKIT_NAME "org.freedesktop.PolicyKit1"
#define POLKIT_PATH "/org/freedesktop/PolicyKit1/Authority"
#define POLKIT_INTERFACE POLKIT_NAME ".Authority"
#define ALLOW_USER_INTERACTION 1u

static void
answered (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) answer = g_dbus_connection_call_finish (G_DBUS_CONNECTION (source), result, &error);
  gboolean authorized = FALSE;

  if (answer != NULL)
    g_variant_get (answer, "((bba{ss}))", &authorized, NULL, NULL);
  else
    g_dbus_error_strip_remote_error (error);
  if (authorized)
    g_task_return_boolean (task, TRUE);
  else if (error != NULL)
    g_task_return_new_error (task, VITRINE_HELPER_ERROR, VITRINE_HELPER_ERROR_DENIED, _("polkit cannot be asked: %s"),
                             error->message);
  else
    g_task_return_new_error (task, VITRINE_HELPER_ERROR, VITRINE_HELPER_ERROR_DENIED,
                             _("You are not allowed to do that."));
}

void
vitrine_polkit_check_async (GDBusConnection *bus, const char *sender, const char *action, GAsyncReadyCallback done,
                            gpointer data)
{
  GTask *task = g_task_new (bus, NULL, done, data);
  GVariantBuilder subject;

  g_variant_builder_init (&subject, G_VARIANT_TYPE_VARDICT);
  g_variant_builder_add (&subject, "{sv}", "name", g_variant_new_string (sender));
  g_dbus_connection_call (
      bus, POLKIT_NAME, POLKIT_PATH, POLKIT_INTERFACE, "CheckAuthorization",
      g_variant_new ("((sa{sv})sa{ss}us)", "system-bus-name", &subject, action, NULL, ALLOW_USER_INTERACTION, ""),
      G_VARIANT_TYPE ("((bba{ss}))"), G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, answered, task);
}

gboolean
vitrine_polkit_check_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
