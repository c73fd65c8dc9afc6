/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The window of a machine on a libvirt host, in a process of its own as every machine's window: what a screen's server
 * sends is read here, and nobody else falls when that goes wrong. */
#include "remote-process.h"

#include <glib/gi18n.h>

#include "credentials-dialog.h"
#include "domain.h"
#include "host-snapshots-dialog.h"
#include "hosts.h"
#include "machine-window.h"
#include "move-window.h"
#include "paths.h"
#include "pci-dialog.h"
#include "remote-backend.h"
#include "spice-extras.h"

struct _VitrineRemoteProcess
{
  GObject parent_instance;

  GtkApplication       *application;   /* borrowed: it owns us */
  GSettings            *settings;
  char                 *uuid;
  VitrineHosts         *hosts;
  VitrineHost          *host;
  VitrineHostGuest     *guest;         /* NULL: the host is away, or has no such machine */
  VitrineRemoteBackend *backend;
  VitrineMachineWindow *window;
  VitrineRecording     *recording;
  VitrineSpiceExtras   *extras;
  gboolean              opening;
  char                 *lost;          /* why the backend is of no use any more */
};

G_DEFINE_FINAL_TYPE (VitrineRemoteProcess, vitrine_remote_process, G_TYPE_OBJECT)

static void
drop_backend (VitrineRemoteProcess *self)
{
  if (self->backend == NULL)
    return;
  g_clear_pointer (&self->extras, vitrine_spice_extras_free);
  g_signal_handlers_disconnect_by_data (self->backend, self);
  vitrine_recording_set_backend (self->recording, NULL);
  if (self->window != NULL)
    vitrine_machine_window_set_backend (self->window, NULL);
  vitrine_remote_backend_close (self->backend);
  g_clear_object (&self->backend);
}

static void
show_failed (VitrineRemoteProcess *self, const char *reason)
{
  drop_backend (self);
  if (self->window != NULL)
    vitrine_machine_window_set_stopped (self->window, _("No Connection to the Machine"), reason, _("_Try Again"));
}

/* It crashed, and its host keeps it for whoever looks into it. */
static gboolean
is_wreck (VitrineRemoteProcess *self)
{
  VitrineGuest *guest = VITRINE_GUEST (self->guest);

  return !vitrine_state_is_alive (vitrine_guest_get_state (guest))
         && (vitrine_guest_get_abilities (guest) & VITRINE_GUEST_CAN_FORCE_OFF) != 0;
}

static void
show_off (VitrineRemoteProcess *self)
{
  drop_backend (self);
  if (is_wreck (self))
    vitrine_machine_window_set_stopped (self->window, _("The Machine Has Crashed"),
                                        _("Its host keeps it as it was. It can start again once it is off."),
                                        _("_Force Off"));
  else
    vitrine_machine_window_set_stopped (self->window, _("The Machine Is Off"), NULL, _("_Start"));
}

static gboolean
is_alive (VitrineRemoteProcess *self)
{
  return self->guest != NULL && vitrine_state_is_alive (vitrine_guest_get_state (VITRINE_GUEST (self->guest)));
}

/* --- the window ------------------------------------------------------------------------------------------------- */

/* From here on nothing is presented any more: who opens the machine now gets a process of its own, even while this one
 * takes leave of the host. */
static void
give_up_name (GApplication *application)
{
  GDBusConnection *bus = g_application_get_dbus_connection (application);
  g_autoptr(GVariant) answer = NULL;

  if (bus != NULL)
    answer = g_dbus_connection_call_sync (bus, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                          "ReleaseName",
                                          g_variant_new ("(s)", g_application_get_application_id (application)), NULL,
                                          G_DBUS_CALL_FLAGS_NONE, 1000, NULL, NULL);
}

static void
window_gone (VitrineRemoteProcess *self)
{
  self->window = NULL;
  give_up_name (G_APPLICATION (self->application));
  drop_backend (self);
  g_application_quit (G_APPLICATION (self->application));
}

static void
command_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineRemoteProcess) self = data;
  g_autoptr(GError) error = NULL;

  if (vitrine_guest_command_finish (VITRINE_GUEST (source), result, &error) || self->window == NULL)
    return;
  if (self->backend != NULL)
    vitrine_machine_window_show_error (self->window, error->message);
  else
    show_failed (self, error->message);
}

static void
command (VitrineRemoteProcess *self, const char *name)
{
  if (self->guest != NULL)
    vitrine_guest_command_async (VITRINE_GUEST (self->guest), name, command_done, g_object_ref (self));
}

static void
suspend (VitrineRemoteProcess *self)
{
  command (self, "Save");
}

static void look (VitrineRemoteProcess *self);
static void list_changed (VitrineRemoteProcess *self);
static void host_changed (VitrineRemoteProcess *self);

/* "Try Again": of a machine that is off, or of a connection. */
static void
retry (VitrineRemoteProcess *self)
{
  drop_backend (self);
  vitrine_machine_window_set_busy (self->window, _("Connecting…"));
  if (self->guest != NULL && !is_alive (self))
    command (self, is_wreck (self) ? "ForceOff" : "Start");
  else if (self->guest != NULL)
    look (self);
  else if (vitrine_host_get_state (self->host) == VITRINE_HOST_CONNECTED)
    host_changed (self);
  else
    vitrine_host_connect (self->host);
}

static void
action_snapshots (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineRemoteProcess *self = data;

  if (self->guest != NULL)
    gtk_window_present (GTK_WINDOW (vitrine_host_snapshots_dialog_new (GTK_WINDOW (self->window), self->guest)));
}

static void
action_devices (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineRemoteProcess *self = data;

  if (self->guest == NULL)
    return;
  g_autoptr(VitrineTarget) target = vitrine_target_new_for_guest (self->host, self->guest);
  gtk_window_present (GTK_WINDOW (vitrine_pci_dialog_new (GTK_WINDOW (self->window), target)));
}

static void
action_migrate (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineRemoteProcess *self = data;

  if (self->guest == NULL)
    return;
  VitrineMove *move = vitrine_move_new_between (self->guest);
  gtk_window_present (GTK_WINDOW (vitrine_move_window_new (GTK_WINDOW (self->window), move, self->hosts, NULL, NULL)));
}

static const GActionEntry actions[] = { { "host-snapshots", action_snapshots },
                                        { "host-devices", action_devices },
                                        { "migrate", action_migrate } };

/* A definition that cannot be read is no reason to show nothing. */
static VitrineDomain *
read_domain (const char *definition, const char *title)
{
  VitrineDomain *domain = vitrine_domain_new_from_data (definition, strlen (definition), title, NULL);

  return domain != NULL ? domain : vitrine_domain_new (title);
}

static void
fill_menu (VitrineRemoteProcess *self)
{
  g_autoptr(GMenu) menu = g_menu_new ();

  g_menu_append (menu, _("S_napshots…"), "win.host-snapshots");
  g_menu_append (menu, _("Pass a Device Thro_ugh…"), "win.host-devices");
  g_menu_append (menu, _("_Migrate…"), "win.migrate");
  if (self->extras != NULL)
    vitrine_spice_extras_add_to_menu (self->extras, menu);
  vitrine_machine_window_set_extra_menu (self->window, G_MENU_MODEL (menu));
}

static void
make_window (VitrineRemoteProcess *self, const char *title, const char *definition)
{
  g_autofree char *view = vitrine_paths_host_view (vitrine_host_get_id (self->host), self->uuid);
  g_autoptr(VitrineDomain) domain = read_domain (definition, title);

  self->window = vitrine_machine_window_new (self->application, domain, self->settings, view);
  gtk_window_set_title (GTK_WINDOW (self->window), title);
  g_action_map_add_action_entries (G_ACTION_MAP (self->window), actions, G_N_ELEMENTS (actions), self);
  g_signal_connect_swapped (self->window, "retry", G_CALLBACK (retry), self);
  vitrine_machine_window_set_recording (self->window, self->recording);
  g_signal_connect_swapped (self->window, "suspend", G_CALLBACK (suspend), self);
  g_signal_connect_swapped (self->window, "destroy", G_CALLBACK (window_gone), self);
  gtk_window_present (GTK_WINDOW (self->window));
}

/* --- the machine ------------------------------------------------------------------------------------------------ */

static void
backend_error (VitrineRemoteProcess *self, const char *message)
{
  if (self->window != NULL)
    vitrine_machine_window_show_error (self->window, message);
}

static gboolean
backend_lost_now (gpointer data)
{
  VitrineRemoteProcess *self = data;

  if (self->window != NULL && self->backend != NULL)
    {
      show_failed (self, self->lost);
      look (self);   /* it may have been started again meanwhile */
    }
  g_object_unref (self);
  return G_SOURCE_REMOVE;
}

/* Not from inside the backend's own signal. */
static void
backend_lost (VitrineRemoteProcess *self, const char *reason)
{
  g_free (self->lost);
  self->lost = g_strdup (reason);
  g_idle_add (backend_lost_now, g_object_ref (self));
}

static void
use_backend (VitrineRemoteProcess *self)
{
  VitrineRemoteScreen *screen = vitrine_remote_backend_get_screen (self->backend);

  g_signal_connect_swapped (self->backend, "error", G_CALLBACK (backend_error), self);
  g_signal_connect_swapped (self->backend, "lost", G_CALLBACK (backend_lost), self);
  vitrine_machine_window_plug_in (self->window, VITRINE_BACKEND (self->backend));
  vitrine_recording_set_backend (self->recording, VITRINE_BACKEND (self->backend));
  vitrine_machine_window_set_backend (self->window, VITRINE_BACKEND (self->backend));
  if (screen != NULL)
    self->extras = vitrine_spice_extras_new (self->window, screen);
  fill_menu (self);
}

/* The machine may have gone off, or its host away, while its screen was being opened: then that is what there is to
 * say. */
static void
backend_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineRemoteProcess) self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineRemoteBackend) backend = vitrine_remote_backend_open_finish (result, &error);

  self->opening = FALSE;
  if (self->window == NULL)
    return;
  if (self->guest == NULL)
    host_changed (self);
  else if (!is_alive (self))
    show_off (self);
  else if (backend == NULL)
    show_failed (self, error->message);
  else
    {
      drop_backend (self);
      self->backend = g_steal_pointer (&backend);
      use_backend (self);
    }
}

/* Goes where the machine's state points. */
static void
look (VitrineRemoteProcess *self)
{
  if (self->guest == NULL || self->backend != NULL || self->opening || self->window == NULL)
    return;
  if (!is_alive (self))
    {
      show_off (self);
      return;
    }
  self->opening = TRUE;
  vitrine_machine_window_set_busy (self->window, _("Connecting…"));
  vitrine_remote_backend_open_async (self->guest, backend_opened, g_object_ref (self));
}

static void
definition_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineRemoteProcess) self = data;
  g_autofree char *xml = vitrine_host_guest_read_definition_finish (VITRINE_HOST_GUEST (source), result, NULL);

  if (self->window == NULL)
    make_window (self, vitrine_guest_get_title (VITRINE_GUEST (source)), xml != NULL ? xml : "");
  look (self);
}

static void
drop_guest (VitrineRemoteProcess *self)
{
  g_signal_handlers_disconnect_by_data (self->guest, self);
  g_clear_object (&self->guest);
}

/* With its host, or deleted there. */
static void
guest_left (VitrineRemoteProcess *self)
{
  drop_guest (self);
  host_changed (self);
}

static void
take_guest (VitrineRemoteProcess *self, VitrineHostGuest *guest)
{
  self->guest = g_object_ref (guest);
  g_signal_connect_swapped (guest, "left", G_CALLBACK (guest_left), self);
  g_signal_connect_swapped (guest, "notify::state", G_CALLBACK (look), self);
  if (self->window != NULL)
    look (self);
  else
    vitrine_host_guest_read_definition_async (guest, VITRINE_HOST_DEFINITION_RUNNING, definition_read,
                                              g_object_ref (self));
}

/* --- a machine that went elsewhere -------------------------------------------------------------------------------- */

static void watch_host (VitrineRemoteProcess *self, VitrineHost *host);
static void other_host_changed (VitrineRemoteProcess *self, gpointer unused, VitrineHost *host);

static void
stop_searching (VitrineRemoteProcess *self)
{
  for (guint i = 0; i < vitrine_hosts_get_size (self->hosts); i++)
    g_signal_handlers_disconnect_by_func (vitrine_hosts_get (self->hosts, i), (gpointer) other_host_changed, self);
}

/* Migrated: the window goes along. */
static void
other_host_changed (VitrineRemoteProcess *self, gpointer unused, VitrineHost *host)
{
  if (vitrine_host_lookup (host, self->uuid) == NULL)
    return;
  stop_searching (self);
  watch_host (self, host);
  list_changed (self);
}

/* On all others that the person has added. Who asks for a password is not looked at. */
static void
search (VitrineRemoteProcess *self)
{
  stop_searching (self);
  for (guint i = 0; i < vitrine_hosts_get_size (self->hosts) && self->guest == NULL; i++)
    {
      VitrineHost *host = vitrine_hosts_get (self->hosts, i);
      if (host == self->host)
        continue;
      g_signal_connect_swapped (host, "notify::state", G_CALLBACK (other_host_changed), self);
      vitrine_host_connect (host);
      other_host_changed (self, NULL, host);
    }
}

/* --- the host --------------------------------------------------------------------------------------------------- */

static void
list_changed (VitrineRemoteProcess *self)
{
  VitrineHostGuest *guest = vitrine_host_lookup (self->host, self->uuid);

  if (guest != NULL && self->guest == NULL)
    take_guest (self, guest);
}

/* Before there ever was a guest there is no definition to make a usual window of. */
static void
host_changed (VitrineRemoteProcess *self)
{
  VitrineHostState state = vitrine_host_get_state (self->host);
  const char *reason = vitrine_host_get_reason (self->host);
  gboolean absent = state == VITRINE_HOST_CONNECTED && self->guest == NULL;

  if ((state != VITRINE_HOST_AWAY || reason == NULL) && !absent)
    return;
  g_autofree char *words = absent ? g_strdup (_("The host has no such machine any more."))
                                  : g_strdup_printf (_("“%s” is away: %s"), vitrine_host_get_name (self->host), reason);
  if (self->window == NULL)
    make_window (self, vitrine_host_get_name (self->host), "");
  show_failed (self, words);
  if (absent)
    search (self);
}

static gboolean
host_asks (VitrineRemoteProcess *self, VitrineCredentials *credentials)
{
  vitrine_credentials_dialog_show (self->window != NULL ? GTK_WINDOW (self->window) : NULL,
                                   vitrine_host_get_name (self->host), credentials);
  return TRUE;
}

static void
watch_host (VitrineRemoteProcess *self, VitrineHost *host)
{
  if (self->host != NULL)
    g_signal_handlers_disconnect_by_data (self->host, self);
  g_set_object (&self->host, host);
  g_signal_connect_swapped (host, "ask", G_CALLBACK (host_asks), self);
  g_signal_connect_swapped (host, "items-changed", G_CALLBACK (list_changed), self);
  g_signal_connect_swapped (host, "notify::state", G_CALLBACK (host_changed), self);
  vitrine_host_connect (host);
}

void
vitrine_remote_process_present (VitrineRemoteProcess *self)
{
  if (self->window != NULL)
    gtk_window_present_with_time (GTK_WINDOW (self->window), GDK_CURRENT_TIME);
}

void
vitrine_remote_process_end (VitrineRemoteProcess *self)
{
  drop_backend (self);
  stop_searching (self);
  g_signal_handlers_disconnect_by_data (self->host, self);
  if (self->guest != NULL)
    drop_guest (self);
  vitrine_recording_end (self->recording);
  vitrine_host_disconnect (self->host);
  g_application_release (G_APPLICATION (self->application));
}

static void
vitrine_remote_process_finalize (GObject *object)
{
  VitrineRemoteProcess *self = VITRINE_REMOTE_PROCESS (object);

  g_clear_object (&self->host);
  g_clear_object (&self->hosts);
  g_clear_object (&self->settings);
  g_clear_object (&self->recording);
  g_free (self->uuid);
  g_free (self->lost);
  G_OBJECT_CLASS (vitrine_remote_process_parent_class)->finalize (object);
}

static void
vitrine_remote_process_class_init (VitrineRemoteProcessClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_remote_process_finalize;
}

static void
vitrine_remote_process_init (VitrineRemoteProcess *self)
{
  self->hosts = vitrine_hosts_new ();
  self->recording = vitrine_recording_new ();
}

VitrineRemoteProcess *
vitrine_remote_process_new (GtkApplication *application, GSettings *settings, const char *host, const char *uuid)
{
  g_autoptr(VitrineRemoteProcess) self = g_object_new (VITRINE_TYPE_REMOTE_PROCESS, NULL);
  g_autoptr(GError) error = NULL;
  VitrineHost *found = vitrine_hosts_find (self->hosts, host, &error);

  if (found == NULL)
    {
      g_printerr ("vitrine: %s\n", error->message);
      return NULL;
    }
  self->application = application;
  self->settings = g_object_ref (settings);
  self->uuid = g_strdup (uuid);
  g_application_hold (G_APPLICATION (application));   /* there is no window before the host has answered */
  watch_host (self, found);
  return g_steal_pointer (&self);
}
