/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The near end of a running machine in another process. */
#include "client.h"

#include <gio/gunixfdlist.h>
#include <glib/gi18n-lib.h>

#include "machine1.h"
#include "service.h"

struct _VitrineClient
{
  GObject parent_instance;

  GDBusConnection    *connection;
  VitrineBusMachine1 *proxy;
  VitrineState        state;
  char               *message;
};

G_DEFINE_FINAL_TYPE (VitrineClient, vitrine_client, G_TYPE_OBJECT)

enum
{
  CHANGED,
  CLOSED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

#define CONNECTION_FLAGS (G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT)

static void
vitrine_client_dispose (GObject *object)
{
  VitrineClient *self = VITRINE_CLIENT (object);

  if (self->connection != NULL)
    g_signal_handlers_disconnect_by_data (self->connection, self);
  if (self->proxy != NULL)
    g_signal_handlers_disconnect_by_data (self->proxy, self);
  g_clear_object (&self->proxy);
  g_clear_object (&self->connection);
  g_clear_pointer (&self->message, g_free);
  G_OBJECT_CLASS (vitrine_client_parent_class)->dispose (object);
}

static void
vitrine_client_class_init (VitrineClientClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vitrine_client_dispose;
  signals[CHANGED] = g_signal_new ("changed", VITRINE_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[CLOSED] = g_signal_new ("closed", VITRINE_TYPE_CLIENT, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_client_init (VitrineClient *self)
{
}

static void
take_state (VitrineClient *self, const char *state, const char *message)
{
  self->state = vitrine_state_from_nick (state);
  g_free (self->message);
  self->message = message != NULL && *message != '\0' ? g_strdup (message) : NULL;
}

static void
state_changed (VitrineClient *self, const char *state, const char *message)
{
  take_state (self, state, message);
  g_signal_emit (self, signals[CHANGED], 0);
}

static void
connection_closed (VitrineClient *self)
{
  g_object_ref (self);
  g_signal_emit (self, signals[CLOSED], 0);
  g_object_unref (self);
}

/* The signal carries both values at once; the cached properties would arrive one by one. */
static VitrineClient *
client_new (GDBusConnection *connection, VitrineBusMachine1 *proxy)
{
  VitrineClient *self = g_object_new (VITRINE_TYPE_CLIENT, NULL);

  self->connection = g_object_ref (connection);
  self->proxy = g_object_ref (proxy);
  take_state (self, vitrine_bus_machine1_get_state (proxy), vitrine_bus_machine1_get_message (proxy));
  g_signal_connect_swapped (proxy, "state-changed", G_CALLBACK (state_changed), self);
  g_signal_connect_swapped (connection, "closed", G_CALLBACK (connection_closed), self);
  return self;
}

static char *
address_of (const char *socket_path)
{
  g_autofree char *escaped = g_dbus_address_escape_value (socket_path);
  return g_strdup_printf ("unix:path=%s", escaped);
}

/* --- connecting ------------------------------------------------------------------------------------------------- */

static void
proxy_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineBusMachine1) proxy = vitrine_bus_machine1_proxy_new_finish (result, &error);

  if (proxy == NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    g_task_return_pointer (task, client_new (g_dbus_proxy_get_connection (G_DBUS_PROXY (proxy)), proxy), g_object_unref);
}

static void
connection_ready (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GDBusConnection) connection = g_dbus_connection_new_for_address_finish (result, &error);

  if (connection == NULL)
    g_task_return_error (task, g_steal_pointer (&error));
  else
    vitrine_bus_machine1_proxy_new (connection, G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, NULL, VITRINE_SERVICE_OBJECT,
                                    g_task_get_cancellable (task), proxy_ready, g_object_ref (task));
}

void
vitrine_client_connect_async (const char *socket_path, GCancellable *cancellable, GAsyncReadyCallback done, gpointer data)
{
  GTask *task = g_task_new (NULL, cancellable, done, data);
  g_autofree char *address = address_of (socket_path);

  g_task_set_source_tag (task, vitrine_client_connect_async);
  g_dbus_connection_new_for_address (address, CONNECTION_FLAGS, NULL, cancellable, connection_ready, task);
}

VitrineClient *
vitrine_client_connect_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

VitrineClient *
vitrine_client_connect_sync (const char *socket_path, GError **error)
{
  g_autofree char *address = address_of (socket_path);
  g_autoptr(GDBusConnection) connection =
    g_dbus_connection_new_for_address_sync (address, CONNECTION_FLAGS, NULL, NULL, error);
  if (connection == NULL)
    return NULL;
  g_autoptr(VitrineBusMachine1) proxy = vitrine_bus_machine1_proxy_new_sync (
    connection, G_DBUS_PROXY_FLAGS_DO_NOT_AUTO_START, NULL, VITRINE_SERVICE_OBJECT, NULL, error);
  return proxy != NULL ? client_new (connection, proxy) : NULL;
}

/* --- talking ---------------------------------------------------------------------------------------------------- */

VitrineState
vitrine_client_get_state (VitrineClient *self)
{
  return self->state;
}

char *
vitrine_client_get_message (VitrineClient *self)
{
  return g_strdup (self->message);
}

char *
vitrine_client_get_accelerator (VitrineClient *self)
{
  return vitrine_bus_machine1_dup_accelerator (self->proxy);
}

static void
call_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(GVariant) reply = g_dbus_proxy_call_finish (G_DBUS_PROXY (source), result, &error);

  if (reply == NULL)
    {
      g_dbus_error_strip_remote_error (error);
      g_task_return_error (task, g_steal_pointer (&error));
    }
  else
    g_task_return_boolean (task, TRUE);
}

void
vitrine_client_call_async (VitrineClient *self, const char *method, GVariant *arguments, GCancellable *cancellable,
                           GAsyncReadyCallback done, gpointer data)
{
  GTask *task = g_task_new (self, cancellable, done, data);

  g_task_set_source_tag (task, vitrine_client_call_async);
  g_dbus_proxy_call (G_DBUS_PROXY (self->proxy), method, arguments, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, cancellable,
                     call_done, task);
}

gboolean
vitrine_client_call_finish (VitrineClient *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

static void
take_remote_error (GError **error, GError *local)
{
  g_dbus_error_strip_remote_error (local);
  g_propagate_error (error, local);
}

gboolean
vitrine_client_call_sync (VitrineClient *self, const char *method, GVariant *arguments, GError **error)
{
  GError *local = NULL;
  g_autoptr(GVariant) reply = g_dbus_proxy_call_sync (G_DBUS_PROXY (self->proxy), method, arguments,
                                                      G_DBUS_CALL_FLAGS_NONE, G_MAXINT, NULL, &local);
  if (reply != NULL)
    return TRUE;
  take_remote_error (error, local);
  return FALSE;
}

gboolean
vitrine_client_call_with_files_sync (VitrineClient *self, const char *method, GVariant *arguments, const int *fds, guint n, GError **error)
{
  g_autoptr(GVariant) owned = arguments != NULL ? g_variant_ref_sink (arguments) : NULL;
  g_autoptr(GUnixFDList) files = g_unix_fd_list_new ();
  GError *local = NULL;

  for (guint i = 0; i < n; i++)
    if (g_unix_fd_list_append (files, fds[i], error) < 0)
      return FALSE;
  g_autoptr(GVariant) reply = g_dbus_proxy_call_with_unix_fd_list_sync (
    G_DBUS_PROXY (self->proxy), method, owned, G_DBUS_CALL_FLAGS_NONE, G_MAXINT, files, NULL, NULL, &local);
  if (reply != NULL)
    return TRUE;
  take_remote_error (error, local);
  return FALSE;
}

gboolean
vitrine_client_call_with_file_sync (VitrineClient *self, const char *method, GVariant *arguments, int fd, GError **error)
{
  return vitrine_client_call_with_files_sync (self, method, arguments, &fd, 1, error);
}

/* --- files ------------------------------------------------------------------------------------------------------ */

#define ASK_MS 100

typedef struct
{
  gboolean    (*progress) (gpointer data, double fraction);
  gpointer      data;
  double        fraction;
  GCancellable *cancellable;
  gboolean      done;
  GVariant     *reply;
  GError       *error;
} Sending;

static gboolean
ask_progress (gpointer data)
{
  Sending *sending = data;

  if (!sending->progress (sending->data, sending->fraction))
    g_cancellable_cancel (sending->cancellable);
  return G_SOURCE_CONTINUE;
}

static void
files_progress (Sending *sending, guint64 done, guint64 whole)
{
  sending->fraction = whole > 0 ? (double) done / (double) whole : 1;
}

static void
files_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  Sending *sending = data;

  sending->reply = g_dbus_proxy_call_with_unix_fd_list_finish (G_DBUS_PROXY (source), NULL, result, &sending->error);
  sending->done = TRUE;
}

gboolean
vitrine_client_send_files (VitrineClient *self, const char *const *names, const int *fds, guint n,
                           gboolean (*progress) (gpointer data, double fraction), gpointer data, GError **error)
{
  g_autoptr(GUnixFDList) files = g_unix_fd_list_new ();
  g_autoptr(GCancellable) cancellable = g_cancellable_new ();
  Sending sending = { .progress = progress, .data = data, .cancellable = cancellable };
  GVariantBuilder handles;

  g_variant_builder_init (&handles, G_VARIANT_TYPE ("ah"));
  for (guint i = 0; i < n; i++)
    g_variant_builder_add (&handles, "h", (gint32) i);
  g_autoptr(GVariant) arguments = g_variant_ref_sink (g_variant_new ("(@asah)", g_variant_new_strv (names, n), &handles));
  for (guint i = 0; i < n; i++)
    if (g_unix_fd_list_append (files, fds[i], error) < 0)
      return FALSE;
  gulong handler = g_signal_connect_swapped (self->proxy, "files-progress", G_CALLBACK (files_progress), &sending);
  guint timer = g_timeout_add (ASK_MS, ask_progress, &sending);
  g_dbus_proxy_call_with_unix_fd_list (G_DBUS_PROXY (self->proxy), "SendFiles", arguments, G_DBUS_CALL_FLAGS_NONE, G_MAXINT,
                                       files, cancellable, files_sent, &sending);
  while (!sending.done)
    g_main_context_iteration (NULL, TRUE);
  g_source_remove (timer);
  g_signal_handler_disconnect (self->proxy, handler);
  if (sending.reply == NULL)
    {
      take_remote_error (error, sending.error);
      return FALSE;
    }
  g_variant_unref (sending.reply);
  return TRUE;
}

/* --- figures ---------------------------------------------------------------------------------------------------- */

GVariant *
vitrine_client_get_memory (VitrineClient *self, GError **error)
{
  GVariant *memory = NULL;
  GError *local = NULL;

  if (!vitrine_bus_machine1_call_get_memory_sync (self->proxy, &memory, NULL, &local))
    take_remote_error (error, local);
  return memory;
}

GStrv
vitrine_client_list_usb (VitrineClient *self, GError **error)
{
  GStrv ids = NULL;
  GError *local = NULL;

  if (!vitrine_bus_machine1_call_list_usb_sync (self->proxy, &ids, NULL, &local))
    take_remote_error (error, local);
  return ids;
}

GStrv
vitrine_client_get_forwards (VitrineClient *self, guint card, GError **error)
{
  GStrv rules = NULL;
  GError *local = NULL;

  if (!vitrine_bus_machine1_call_get_forwards_sync (self->proxy, card, &rules, NULL, &local))
    take_remote_error (error, local);
  return rules;
}

guint64
vitrine_client_get_disk_size (VitrineClient *self, const char *target)
{
  guint64 bytes = 0;

  return vitrine_bus_machine1_call_get_disk_size_sync (self->proxy, target, &bytes, NULL, NULL) ? bytes : 0;
}

GBytes *
vitrine_client_screenshot (VitrineClient *self, GError **error)
{
  g_autoptr(GVariant) png = NULL;
  GError *local = NULL;

  if (vitrine_bus_machine1_call_screenshot_sync (self->proxy, &png, NULL, &local))
    return g_variant_get_data_as_bytes (png);
  take_remote_error (error, local);
  return NULL;
}

gboolean
vitrine_client_get_statistics (VitrineClient *self, VitrineStatistics *out, GError **error)
{
  g_autoptr(GVariant) variant = NULL;
  GError *local = NULL;

  if (!vitrine_bus_machine1_call_get_statistics_sync (self->proxy, &variant, NULL, &local))
    {
      take_remote_error (error, local);
      return FALSE;
    }
  vitrine_statistics_from_variant (out, variant);
  return TRUE;
}

int
vitrine_client_open_console (VitrineClient *self, guint console, GError **error)
{
  g_autoptr(GUnixFDList) descriptors = NULL;
  g_autoptr(GVariant) stream = NULL;
  GError *local = NULL;

  if (!vitrine_bus_machine1_call_open_console_sync (self->proxy, console, NULL, &stream, &descriptors, NULL, &local))
    {
      take_remote_error (error, local);
      return -1;
    }
  return g_unix_fd_list_get (descriptors, g_variant_get_handle (stream), error);
}
