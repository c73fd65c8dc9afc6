/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The far end: one GDBusServer per machine process. */
#include "service.h"

#include <errno.h>
#include <gio/gunixfdlist.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "console-pipe.h"
#include "machine1.h"
#include "service-devices.h"
#include "service-files.h"
#include "service-trace.h"

struct _VitrineService
{
  GObject parent_instance;

  char               *socket_path;
  GDBusServer        *server;
  VitrineBusMachine1 *skeleton;
  VitrineBackend     *backend;
  GPtrArray          *connections;   /* GDBusConnection */
  GPtrArray          *pipes;         /* VitrineConsolePipe */
  GHashTable         *counting;      /* connections that want instructions counted */
  gboolean            counts;        /* we have asked the backend for it */
  const VitrineSnapshotKeeper *keeper;
  gpointer            keeper_data;
  const VitrineRecordingKeeper *recording_keeper;
  gpointer            recording_data;
  VitrineFileService *files;
  VitrineTraceService *trace;
};

G_DEFINE_FINAL_TYPE (VitrineService, vitrine_service, G_TYPE_OBJECT)

static guint present_signal, suspend_signal;

static void
vitrine_service_dispose (GObject *object)
{
  VitrineService *self = VITRINE_SERVICE (object);

  vitrine_service_stop (self);
  g_clear_pointer (&self->trace, vitrine_trace_service_free);
  g_clear_pointer (&self->files, vitrine_file_service_free);
  if (self->counts)
    vitrine_backend_count_instructions (self->backend, FALSE);
  g_clear_pointer (&self->counting, g_hash_table_unref);
  if (self->backend != NULL)
    g_signal_handlers_disconnect_by_data (self->backend, self);
  g_clear_object (&self->backend);
  g_clear_object (&self->skeleton);
  g_clear_pointer (&self->connections, g_ptr_array_unref);
  g_clear_pointer (&self->pipes, g_ptr_array_unref);
  g_clear_pointer (&self->socket_path, g_free);
  G_OBJECT_CLASS (vitrine_service_parent_class)->dispose (object);
}

static void
vitrine_service_class_init (VitrineServiceClass *klass)
{
  G_OBJECT_CLASS (klass)->dispose = vitrine_service_dispose;
  present_signal = g_signal_new ("present", VITRINE_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  suspend_signal = g_signal_new ("suspend", VITRINE_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                 G_TYPE_DBUS_METHOD_INVOCATION);
  g_signal_new ("card-came", VITRINE_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_VARIANT, G_TYPE_INT);
  g_signal_new ("card-went", VITRINE_TYPE_SERVICE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
vitrine_service_init (VitrineService *self)
{
  self->connections = g_ptr_array_new_with_free_func (g_object_unref);
  self->counting = g_hash_table_new (NULL, NULL);
  self->pipes = g_ptr_array_new_with_free_func ((GDestroyNotify) vitrine_console_pipe_free);
}

static void
set_state (VitrineService *self, VitrineState state, const char *message)
{
  const char *nick = vitrine_state_to_nick (state);

  vitrine_bus_machine1_set_state (self->skeleton, nick);
  vitrine_bus_machine1_set_message (self->skeleton, message != NULL ? message : "");
  vitrine_bus_machine1_emit_state_changed (self->skeleton, nick, message != NULL ? message : "");
}

/* --- methods ---------------------------------------------------------------------------------------------------- */

static gboolean
refuse (GDBusMethodInvocation *call, const char *sentence)
{
  g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_FAILED, sentence);
  return TRUE;
}

static gboolean
handle_get_state (VitrineService *self, GDBusMethodInvocation *call)
{
  vitrine_bus_machine1_complete_get_state (self->skeleton, call, vitrine_bus_machine1_get_state (self->skeleton),
                                           vitrine_bus_machine1_get_message (self->skeleton));
  return TRUE;
}

static gboolean
handle_present (VitrineService *self, GDBusMethodInvocation *call)
{
  if (!g_signal_has_handler_pending (self, present_signal, 0, FALSE))
    return refuse (call, _("This machine has no window."));
  g_signal_emit (self, present_signal, 0);
  vitrine_bus_machine1_complete_present (self->skeleton, call);
  return TRUE;
}

static const struct
{
  const char *method, *signal;
  void       (*function) (VitrineBackend *backend);
} commands[] = {
  { "Pause", "handle-pause", vitrine_backend_pause },
  { "Resume", "handle-resume", vitrine_backend_resume },
  { "Reset", "handle-reset", vitrine_backend_reset },
  { "PowerButton", "handle-power-button", vitrine_backend_power_button },
  { "ForceOff", "handle-force-off", vitrine_backend_force_off },
};

static gboolean
is_alive (VitrineService *self)
{
  return self->backend != NULL && vitrine_state_is_alive (vitrine_backend_get_state (self->backend));
}

static gboolean
handle_suspend (VitrineService *self, GDBusMethodInvocation *call)
{
  if (!g_signal_has_handler_pending (self, suspend_signal, 0, FALSE))
    return refuse (call, _("Only a machine of the library can be suspended."));
  if (vitrine_state_from_nick (vitrine_bus_machine1_get_state (self->skeleton)) == VITRINE_STATE_SUSPENDING)
    return refuse (call, _("The machine is being suspended already."));
  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  g_signal_emit (self, suspend_signal, 0, call);
  return TRUE;
}

static gboolean
handle_command (VitrineService *self, GDBusMethodInvocation *call)
{
  const char *method = g_dbus_method_invocation_get_method_name (call);

  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  g_dbus_method_invocation_return_value (call, NULL);   /* before the machine may end, and with it this connection */
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (method, commands[i].method))
      commands[i].function (self->backend);
  return TRUE;
}

static gboolean
handle_screenshot (VitrineService *self, GDBusMethodInvocation *call)
{
  g_autoptr(GError) error = NULL;

  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  g_autoptr(GBytes) png = vitrine_backend_screenshot (self->backend, 0, &error);
  if (png == NULL)
    return refuse (call, error->message);
  vitrine_bus_machine1_complete_screenshot (self->skeleton, call, g_variant_new_from_bytes (G_VARIANT_TYPE_BYTESTRING, png, TRUE));
  return TRUE;
}

static gboolean
handle_send_keys (VitrineService *self, GDBusMethodInvocation *call, const char *keys)
{
  g_autoptr(GError) error = NULL;

  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  if (!vitrine_backend_send_keys (self->backend, keys, &error))
    return refuse (call, error->message);
  vitrine_bus_machine1_complete_send_keys (self->skeleton, call);
  return TRUE;
}

static gboolean
handle_place_pointer (VitrineService *self, GDBusMethodInvocation *call, guint x, guint y)
{
  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  if (!vitrine_backend_is_absolute (self->backend))
    return refuse (call, _("The guest has no pointer with absolute positions: add a tablet, or move it by distances."));
  vitrine_backend_place (self->backend, 0, x, y);
  vitrine_bus_machine1_complete_place_pointer (self->skeleton, call);
  return TRUE;
}

static gboolean
handle_move_pointer (VitrineService *self, GDBusMethodInvocation *call, int dx, int dy)
{
  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  vitrine_backend_motion (self->backend, dx, dy);
  vitrine_bus_machine1_complete_move_pointer (self->skeleton, call);
  return TRUE;
}

static gboolean
handle_press_buttons (VitrineService *self, GDBusMethodInvocation *call, guint mask)
{
  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  vitrine_backend_buttons (self->backend, mask);
  vitrine_bus_machine1_complete_press_buttons (self->skeleton, call);
  return TRUE;
}

static gboolean
handle_turn_wheel (VitrineService *self, GDBusMethodInvocation *call, int x, int y)
{
  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  vitrine_backend_wheel (self->backend, x, y);
  vitrine_bus_machine1_complete_turn_wheel (self->skeleton, call);
  return TRUE;
}

static void
console_client_left (VitrineConsolePipe *pipe, gpointer data)
{
  g_ptr_array_remove_fast (VITRINE_SERVICE (data)->pipes, pipe);
}

static gboolean
handle_open_console (VitrineService *self, GDBusMethodInvocation *call, GUnixFDList *unused, guint console)
{
  g_autoptr(GError) error = NULL;
  int other = -1;

  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  if (console >= vitrine_backend_get_n_consoles (self->backend))
    return refuse (call, _("The machine has no serial console of that number."));
  VitrineConsolePipe *pipe = vitrine_console_pipe_new (self->backend, console, console_client_left, self, &other, &error);
  if (pipe == NULL)
    return refuse (call, error->message);
  g_ptr_array_add (self->pipes, pipe);
  g_autoptr(GUnixFDList) descriptors = g_unix_fd_list_new_from_array (&other, 1);
  vitrine_bus_machine1_complete_open_console (self->skeleton, call, descriptors, g_variant_new_handle (0));
  return TRUE;
}

/* --- snapshots -------------------------------------------------------------------------------------------------- */

/* A call that a keeper answers later. */
typedef struct
{
  VitrineService        *self;
  GDBusMethodInvocation *call;
} KeeperCall;

static KeeperCall *
keeper_call_new (VitrineService *self, GDBusMethodInvocation *call)
{
  KeeperCall *request = g_new (KeeperCall, 1);

  *request = (KeeperCall) { g_object_ref (self), call };
  return request;
}

static void
keeper_call_end (KeeperCall *request, gboolean ok, const GError *error)
{
  if (ok)
    g_dbus_method_invocation_return_value (request->call, NULL);
  else
    g_dbus_method_invocation_return_error_literal (request->call, G_IO_ERROR, G_IO_ERROR_FAILED, error->message);
  g_object_unref (request->self);
  g_free (request);
}

static void
snapshot_done (GObject *source, GAsyncResult *result, gpointer data)
{
  KeeperCall *request = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = request->self->keeper->finish (request->self->keeper_data, result, &error);

  keeper_call_end (request, ok, error);
}

static gboolean
handle_take_snapshot (VitrineService *self, GDBusMethodInvocation *call, const char *name, const char *description)
{
  if (self->keeper == NULL)
    return refuse (call, _("This machine has no folder for snapshots."));
  self->keeper->take (self->keeper_data, name, description, snapshot_done, keeper_call_new (self, call));
  return TRUE;
}

static gboolean
handle_forget_snapshot (VitrineService *self, GDBusMethodInvocation *call, const char *name)
{
  if (self->keeper == NULL)
    return refuse (call, _("This machine has no folder for snapshots."));
  self->keeper->forget (self->keeper_data, name, snapshot_done, keeper_call_new (self, call));
  return TRUE;
}

void
vitrine_service_set_keeper (VitrineService *self, const VitrineSnapshotKeeper *functions, gpointer keeper)
{
  self->keeper = functions;
  self->keeper_data = keeper;
}

/* --- recording -------------------------------------------------------------------------------------------------- */

static gboolean
handle_start_recording (VitrineService *self, GDBusMethodInvocation *call, GUnixFDList *list, const char *name, GVariant *handle)
{
  g_autoptr(GError) error = NULL;

  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  if (self->recording_keeper == NULL)
    return refuse (call, _("This machine has no window."));
  int fd = vitrine_service_take_fd (list, handle);
  if (fd < 0)
    return refuse (call, _("There is no file to write to."));
  if (!self->recording_keeper->start (self->recording_data, fd, name, &error))
    return refuse (call, error->message);
  vitrine_bus_machine1_complete_start_recording (self->skeleton, call, NULL);
  return TRUE;
}

static void
recording_done (GObject *source, GAsyncResult *result, gpointer data)
{
  KeeperCall *request = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = request->self->recording_keeper->finish (request->self->recording_data, result, &error);

  keeper_call_end (request, ok, error);
}

static gboolean
handle_stop_recording (VitrineService *self, GDBusMethodInvocation *call)
{
  if (self->recording_keeper == NULL)
    return refuse (call, _("This machine has no window."));
  self->recording_keeper->stop (self->recording_data, recording_done, keeper_call_new (self, call));
  return TRUE;
}

void
vitrine_service_set_recording_keeper (VitrineService *self, const VitrineRecordingKeeper *functions, gpointer keeper)
{
  self->recording_keeper = functions;
  self->recording_data = keeper;
}

void
vitrine_service_set_file_keeper (VitrineService *self, const VitrineFileKeeper *functions, gpointer keeper)
{
  vitrine_file_service_set_keeper (self->files, functions, keeper);
}

/* --- statistics ------------------------------------------------------------------------------------------------- */

static gboolean
handle_get_statistics (VitrineService *self, GDBusMethodInvocation *call)
{
  VitrineStatistics statistics;

  if (self->backend == NULL)
    return refuse (call, _("The machine is not running."));
  vitrine_backend_get_statistics (self->backend, &statistics);
  vitrine_bus_machine1_complete_get_statistics (self->skeleton, call, vitrine_statistics_to_variant (&statistics));
  return TRUE;
}

static void
update_counting (VitrineService *self)
{
  gboolean wanted = self->backend != NULL && g_hash_table_size (self->counting) > 0;

  if (wanted != self->counts)
    vitrine_backend_count_instructions (self->backend, wanted);
  self->counts = wanted;
}

static gboolean
handle_count_instructions (VitrineService *self, GDBusMethodInvocation *call, gboolean on)
{
  GDBusConnection *connection = g_dbus_method_invocation_get_connection (call);

  if (!is_alive (self))
    return refuse (call, _("The machine is not running."));
  if (on)
    g_hash_table_add (self->counting, connection);
  else
    g_hash_table_remove (self->counting, connection);
  update_counting (self);
  vitrine_bus_machine1_complete_count_instructions (self->skeleton, call);
  return TRUE;
}

VitrineBackend *
vitrine_service_get_backend (VitrineService *self)
{
  return is_alive (self) ? self->backend : NULL;
}

static void
connect_methods (VitrineService *self)
{
  const struct { const char *signal; GCallback function; } methods[] = {
    { "handle-get-state", G_CALLBACK (handle_get_state) },       { "handle-present", G_CALLBACK (handle_present) },
    { "handle-suspend", G_CALLBACK (handle_suspend) },
    { "handle-screenshot", G_CALLBACK (handle_screenshot) },     { "handle-send-keys", G_CALLBACK (handle_send_keys) },
    { "handle-place-pointer", G_CALLBACK (handle_place_pointer) },
    { "handle-move-pointer", G_CALLBACK (handle_move_pointer) },
    { "handle-press-buttons", G_CALLBACK (handle_press_buttons) },
    { "handle-turn-wheel", G_CALLBACK (handle_turn_wheel) },
    { "handle-open-console", G_CALLBACK (handle_open_console) },
    { "handle-take-snapshot", G_CALLBACK (handle_take_snapshot) },
    { "handle-forget-snapshot", G_CALLBACK (handle_forget_snapshot) },
    { "handle-start-recording", G_CALLBACK (handle_start_recording) },
    { "handle-stop-recording", G_CALLBACK (handle_stop_recording) },
    { "handle-get-statistics", G_CALLBACK (handle_get_statistics) },
    { "handle-count-instructions", G_CALLBACK (handle_count_instructions) },
  };

  for (guint i = 0; i < G_N_ELEMENTS (methods); i++)
    g_signal_connect_swapped (self->skeleton, methods[i].signal, methods[i].function, self);
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    g_signal_connect_swapped (self->skeleton, commands[i].signal, G_CALLBACK (handle_command), self);
  vitrine_service_connect_devices (self, self->skeleton);
  self->files = vitrine_file_service_new (self, self->skeleton);
  self->trace = vitrine_trace_service_new (self, self->skeleton);
}

/* --- the socket ------------------------------------------------------------------------------------------------- */

static void
connection_closed (VitrineService *self, gboolean vanished, GError *error, GDBusConnection *connection)
{
  g_dbus_interface_skeleton_unexport_from_connection (G_DBUS_INTERFACE_SKELETON (self->skeleton), connection);
  g_hash_table_remove (self->counting, connection);
  update_counting (self);
  g_ptr_array_remove_fast (self->connections, connection);
}

static gboolean
new_connection (VitrineService *self, GDBusConnection *connection)
{
  g_autoptr(GError) error = NULL;

  if (!g_dbus_interface_skeleton_export (G_DBUS_INTERFACE_SKELETON (self->skeleton), connection, VITRINE_SERVICE_OBJECT,
                                         &error))
    {
      g_warning ("Cannot offer the machine to a client: %s", error->message);
      return FALSE;
    }
  g_ptr_array_add (self->connections, g_object_ref (connection));
  g_signal_connect_object (connection, "closed", G_CALLBACK (connection_closed), self, G_CONNECT_SWAPPED);
  return TRUE;
}

/* What GDBusServer would say in terms of addresses. */
static gboolean
check_path (const char *path, const char *folder, GError **error)
{
  g_autofree char *display = g_filename_display_name (path);

  if (strlen (path) >= sizeof ((struct sockaddr_un *) 0)->sun_path)
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_FILENAME_TOO_LONG,
                 _("The path of the machine’s socket is too long for the system: “%s”. Use a shorter one; in the session’s"
                   " folder, a shorter XDG_RUNTIME_DIR."), display);
  else if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, _("Cannot make the socket “%s”: its folder is missing."), display);
  else if (g_file_test (path, G_FILE_TEST_EXISTS) || g_file_test (path, G_FILE_TEST_IS_SYMLINK))
    g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS,
                 _("Cannot make the socket “%s”: there is something of that name. If no machine uses it, remove it."), display);
  else
    return TRUE;
  return FALSE;
}

static gboolean
listen_at (VitrineService *self, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (self->socket_path);
  g_autofree char *escaped = g_dbus_address_escape_value (self->socket_path);
  g_autofree char *address = g_strdup_printf ("unix:path=%s", escaped);
  g_autofree char *guid = g_dbus_generate_guid ();

  if (!check_path (self->socket_path, folder, error))
    return FALSE;
  self->server = g_dbus_server_new_sync (address, G_DBUS_SERVER_FLAGS_AUTHENTICATION_REQUIRE_SAME_USER, guid, NULL, NULL,
                                         error);
  if (self->server == NULL)
    {
      g_prefix_error (error, _("Cannot make the socket “%s”: "), self->socket_path);
      return FALSE;
    }
  g_signal_connect_object (self->server, "new-connection", G_CALLBACK (new_connection), self, G_CONNECT_SWAPPED);
  g_dbus_server_start (self->server);
  return TRUE;
}

VitrineService *
vitrine_service_new (const char *socket_path, const char *uuid, const char *title, GError **error)
{
  g_autoptr(VitrineService) self = g_object_new (VITRINE_TYPE_SERVICE, NULL);

  self->socket_path = g_strdup (socket_path);
  self->skeleton = vitrine_bus_machine1_skeleton_new ();
  vitrine_bus_machine1_set_uuid (self->skeleton, uuid);
  vitrine_bus_machine1_set_title (self->skeleton, title);
  vitrine_bus_machine1_set_state (self->skeleton, vitrine_state_to_nick (VITRINE_STATE_STARTING));
  vitrine_bus_machine1_set_message (self->skeleton, "");
  vitrine_bus_machine1_set_accelerator (self->skeleton, "");
  vitrine_bus_machine1_set_process_id (self->skeleton, (guint) getpid ());
  connect_methods (self);
  return listen_at (self, error) ? g_steal_pointer (&self) : NULL;
}

static void
backend_changed (VitrineService *self)
{
  const char *accelerator = vitrine_backend_get_accelerator (self->backend);

  vitrine_bus_machine1_set_accelerator (self->skeleton, accelerator != NULL ? accelerator : "");
  set_state (self, vitrine_backend_get_state (self->backend), vitrine_backend_get_message (self->backend));
}

static void
take_backend (VitrineService *self, VitrineBackend *backend)
{
  g_ptr_array_set_size (self->pipes, 0);
  vitrine_trace_service_end (self->trace);
  if (self->counts)
    vitrine_backend_count_instructions (self->backend, FALSE);
  self->counts = FALSE;
  if (self->backend != NULL)
    g_signal_handlers_disconnect_by_data (self->backend, self);
  g_set_object (&self->backend, backend);
  update_counting (self);
}

void
vitrine_service_set_backend (VitrineService *self, VitrineBackend *backend)
{
  take_backend (self, backend);
  if (backend == NULL)
    {
      set_state (self, VITRINE_STATE_STARTING, NULL);
      return;
    }
  vitrine_bus_machine1_set_consoles (self->skeleton, vitrine_backend_get_n_consoles (backend));
  g_signal_connect_swapped (backend, "changed", G_CALLBACK (backend_changed), self);
  backend_changed (self);
}

void
vitrine_service_set_suspending (VitrineService *self)
{
  take_backend (self, NULL);
  set_state (self, VITRINE_STATE_SUSPENDING, NULL);
}

void
vitrine_service_set_failed (VitrineService *self, const char *message)
{
  set_state (self, VITRINE_STATE_FAILED, message);
}

void
vitrine_service_stop (VitrineService *self)
{
  if (self->server == NULL)
    return;
  set_state (self, VITRINE_STATE_OFF, NULL);
  g_dbus_interface_skeleton_flush (G_DBUS_INTERFACE_SKELETON (self->skeleton));
  g_ptr_array_set_size (self->pipes, 0);
  for (guint i = 0; i < self->connections->len; i++)
    g_dbus_connection_flush_sync (self->connections->pdata[i], NULL, NULL);
  g_dbus_server_stop (self->server);
  g_clear_object (&self->server);
  g_unlink (self->socket_path);
}
