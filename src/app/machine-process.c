/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a `vitrine --machine=UUID` process does. */
#include "machine-process.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <unistd.h>

#include "agent.h"
#include "client.h"
#include "domain.h"
#include "domain-folders.h"
#include "machine-window.h"
#include "net-devices.h"
#include "outside.h"
#include "passphrase-dialog.h"
#include "paths.h"
#include "run-lock.h"
#include "sandbox.h"
#include "service.h"
#include "snapshots.h"
#include "thumbnail.h"
#include "tpm-process.h"
#include "unlock.h"
#include "usb-outside.h"
#include "usb-page.h"

#define THUMBNAIL_MS 3000
#define RARE_THUMBNAIL_MS 30000

struct _VitrineMachineProcess
{
  GObject parent_instance;

  GtkApplication       *application;   /* borrowed: it owns us */
  GSettings            *settings;
  VitrineOpenBackend    open;

  char                 *uuid;
  char                 *lock_path;
  int                   lock;          /* -1: none */
  VitrineDomain        *domain;
  VtConfig             *config;        /* while it is built */
  VtDiskConfig         *locked_disk;   /* of the configuration: the one whose passphrase is being asked for */
  VitrineService       *service;
  VitrineSnapshots     *snapshots;
  VitrineRecording     *recording;
  VitrineFileSender    *sender;
  VitrineUsbPlugs      *usb;
  VitrineAgent         *agent;         /* NULL: the machine has no port for one */
  VitrineBackend       *backend;
  VitrineMachineWindow *window;
  VitrineThumbnail     *thumbnail;
  guint                 build;         /* source id */
  guint                 inhibited;
  GDBusMethodInvocation *suspending;   /* who waits for that; NULL: nobody, or the window */
  gboolean              confined;
};

G_DEFINE_FINAL_TYPE (VitrineMachineProcess, vitrine_machine_process, G_TYPE_OBJECT)

static int
fail (const char *message)
{
  g_printerr ("vitrine: %s\n", message);
  return 1;
}

static char *
suspended_path (VitrineMachineProcess *self)
{
  return vitrine_paths_in_machine (self->uuid, "suspended.state");
}

/* --- while it runs ---------------------------------------------------------------------------------------------- */

static void
update_inhibition (VitrineMachineProcess *self, gboolean alive)
{
  if (alive && self->inhibited == 0)
    self->inhibited = gtk_application_inhibit (self->application, GTK_WINDOW (self->window), GTK_APPLICATION_INHIBIT_LOGOUT,
                                               _("A virtual machine is running"));
  else if (!alive && self->inhibited != 0)
    {
      gtk_application_uninhibit (self->application, self->inhibited);
      self->inhibited = 0;
    }
}

static gboolean
leave (gpointer data)
{
  VitrineMachineProcess *self = data;

  if (self->window != NULL)
    gtk_widget_destroy (GTK_WIDGET (self->window));
  return G_SOURCE_REMOVE;
}

static void
backend_changed (VitrineMachineProcess *self)
{
  VitrineState state = vitrine_backend_get_state (self->backend);

  update_inhibition (self, vitrine_state_is_alive (state));
  if (state == VITRINE_STATE_OFF)
    g_idle_add (leave, self);   /* not from inside the backend's own signal */
}

/* --- building --------------------------------------------------------------------------------------------------- */

static void
set_failed (VitrineMachineProcess *self, const char *message)
{
  g_printerr ("vitrine: %s\n", message);
  vitrine_service_set_failed (self->service, message);
  vitrine_machine_window_set_failed (self->window, message);
}

static void
drop_backend (VitrineMachineProcess *self)
{
  update_inhibition (self, FALSE);
  if (self->backend != NULL)
    g_signal_handlers_disconnect_by_data (self->backend, self);
  vitrine_service_set_backend (self->service, NULL);
  vitrine_snapshots_stop (self->snapshots);
  vitrine_snapshots_set_backend (self->snapshots, NULL);
  vitrine_recording_set_backend (self->recording, NULL);
  vitrine_file_sender_set_agent (self->sender, NULL);
  vitrine_usb_plugs_set_backend (self->usb, NULL);
  vitrine_machine_window_set_agent (self->window, NULL);
  vitrine_machine_window_set_backend (self->window, NULL);
  vitrine_thumbnail_set_backend (self->thumbnail, NULL);
  g_clear_object (&self->backend);
  g_clear_pointer (&self->agent, vitrine_agent_close);
  vitrine_snapshots_forget_doomed (self->snapshots);
}

static gboolean
restore_suspended (VitrineMachineProcess *self, VitrineBackend *backend, GError **error)
{
  g_autofree char *path = suspended_path (self);

  if (!g_file_test (path, G_FILE_TEST_EXISTS))
    return TRUE;
  if (vitrine_backend_restore (backend, path, error))
    {
      g_unlink (path);   /* disks change from here on: this state must never be used twice */
      return TRUE;
    }
  g_prefix_error (error, _("The suspended machine cannot go on: "));
  return FALSE;
}

static VitrineBackend *
open_backend (VitrineMachineProcess *self, GError **error)
{
  int end;
  g_autoptr(VtConfig) config = g_steal_pointer (&self->config);
  g_autoptr(GSocket) port = vitrine_domain_open_agent (self->domain, config, &end);
  self->agent = port != NULL ? vitrine_agent_new (port) : NULL;
  g_autoptr(VitrineBackend) backend = self->open (config, error);

  if (end >= 0)
    close (end);
  if (backend == NULL || !restore_suspended (self, backend, error))
    return NULL;
  return g_steal_pointer (&backend);
}

/* Those of the definition, as if a person plugged them in now. */
static void
plug_in_usb (VitrineMachineProcess *self)
{
  g_autoptr(GPtrArray) hostdevs = vitrine_domain_get_usb_hostdevs (self->domain);

  vitrine_usb_plugs_set_backend (self->usb, self->backend);
  vitrine_usb_plugs_plug_all (self->usb, hostdevs);
}

static void
had_trouble (VitrineMachineProcess *self, const char *message)
{
  g_printerr ("vitrine: %s\n", message);
  if (self->window != NULL)
    vitrine_machine_window_show_error (self->window, message);
}

static void
build (VitrineMachineProcess *self)
{
  g_autoptr(GError) error = NULL;

  self->backend = open_backend (self, &error);
  if (self->backend == NULL)
    {
      g_clear_pointer (&self->agent, vitrine_agent_close);
      set_failed (self, error->message);
      return;
    }
  g_signal_connect_swapped (self->backend, "changed", G_CALLBACK (backend_changed), self);
  g_signal_connect_swapped (self->backend, "trouble", G_CALLBACK (had_trouble), self);
  if (self->agent != NULL)
    g_signal_connect_object (self->backend, "guest-reset", G_CALLBACK (vitrine_agent_guest_reset), self->agent, G_CONNECT_SWAPPED);
  if (!self->confined)
    self->confined = vitrine_sandbox_enter ();
  vitrine_machine_window_plug_in (self->window, self->backend);
  vitrine_backend_resume (self->backend);
  vitrine_service_set_backend (self->service, self->backend);
  vitrine_snapshots_set_backend (self->snapshots, self->backend);
  vitrine_recording_set_backend (self->recording, self->backend);
  vitrine_machine_window_set_snapshots (self->window, self->snapshots);
  vitrine_file_sender_set_agent (self->sender, self->agent);
  vitrine_machine_window_set_agent (self->window, self->agent);
  vitrine_machine_window_set_backend (self->window, self->backend);
  vitrine_thumbnail_set_backend (self->thumbnail, self->backend);
  plug_in_usb (self);
  backend_changed (self);
}

static void unlock_and_build (VitrineMachineProcess *self);

static void
unlocked (VtSecret *key, const GError *error, gpointer data)
{
  VitrineMachineProcess *self = data;

  if (key != NULL)
    {
      self->locked_disk->secret = vt_secret_ref (key);
      unlock_and_build (self);
    }
  else if (self->window != NULL && !gtk_widget_in_destruction (GTK_WIDGET (self->window)))
    set_failed (self, error != NULL ? error->message : _("An encrypted disk needs its passphrase before the machine can start."));
}

/* Disk after disk, then the machine. */
static void
unlock_and_build (VitrineMachineProcess *self)
{
  self->locked_disk = vitrine_unlock_next (self->config);
  if (self->locked_disk != NULL)
    vitrine_passphrase_dialog_show (GTK_WINDOW (self->window), self->locked_disk, unlocked, self);
  else
    build (self);
}

static gboolean
prepare (gpointer data)
{
  VitrineMachineProcess *self = data;
  g_autoptr(GError) error = NULL;

  self->build = 0;
  g_clear_pointer (&self->config, vt_config_free);
  self->config = vitrine_domain_to_config (self->domain, &error);
  g_autoptr(GPtrArray) hostdevs = vitrine_domain_get_usb_hostdevs (self->domain);
  if (self->config == NULL || !vitrine_domain_look_for_folders (self->domain, &error) || !vitrine_net_devices_lend (self->config, &error)
      || !vitrine_tpm_process_lend (self->config, &error) || !vitrine_usb_plugs_check (self->usb, hostdevs, &error))
    {
      set_failed (self, error->message);
      return G_SOURCE_REMOVE;
    }
  /* Sockets for more windows; nothing is in them until a person opens one. */
  if (self->config->video == VT_VIDEO_VIRTIO && self->config->heads == 0)
    self->config->heads = VITRINE_MAX_HEADS;
  unlock_and_build (self);
  return G_SOURCE_REMOVE;
}

static void
build_soon (VitrineMachineProcess *self)
{
  if (self->build == 0)
    self->build = g_timeout_add (20, prepare, self);   /* lets the window appear first */
}

/* Each of them has the definition of its day. */
static void
keep_snapshots (VitrineMachineProcess *self)
{
  g_autofree char *folder = vitrine_paths_in_machine (self->uuid, "snapshots");

  g_clear_object (&self->snapshots);
  self->snapshots = vitrine_snapshots_new (folder, self->domain);
  vitrine_service_set_keeper (self->service, &vitrine_snapshots_keeper, self->snapshots);
}

/* From its definition, as it is now. */
static void
start_again (VitrineMachineProcess *self)
{
  g_autofree char *path = vitrine_paths_in_machine (self->uuid, "domain.xml");
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_file (path, &error);

  if (domain == NULL)
    {
      set_failed (self, error->message);
      return;
    }
  drop_backend (self);
  g_set_object (&self->domain, domain);
  keep_snapshots (self);
  build_soon (self);
}

/* The definition may have been mended meanwhile, and name files that are out of this process's reach. */
static void
retry (VitrineMachineProcess *self)
{
  if (vitrine_outside_is_there ())
    {
      vitrine_outside_again ();
      leave (self);
      return;
    }
  start_again (self);
}

static void
went_back (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineProcess) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_snapshots_finish (VITRINE_SNAPSHOTS (source), result, &error);

  if (self->window == NULL || gtk_widget_in_destruction (GTK_WIDGET (self->window)))
    return;
  if (ok)
    start_again (self);
  else
    set_failed (self, error->message);
}

/* Files of the snapshot are those that this process was started with. */
static void
go_back (VitrineMachineProcess *self, const char *name)
{
  g_autoptr(GError) error = NULL;

  if (!vitrine_snapshots_can_go_back (self->snapshots, name, &error))
    {
      vitrine_machine_window_show_error (self->window, error->message);
      return;
    }
  g_autofree char *to = g_strdup (name);   /* the page that said it goes away */
  drop_backend (self);
  vitrine_machine_window_set_busy (self->window, _("Going back…"));
  vitrine_snapshots_go_back_async (self->snapshots, to, went_back, g_object_ref (self));
}

static void
answer_suspending (VitrineMachineProcess *self, const GError *error)
{
  GDBusMethodInvocation *call = g_steal_pointer (&self->suspending);

  if (call != NULL && error != NULL)
    g_dbus_method_invocation_return_gerror (call, error);
  else if (call != NULL)
    g_dbus_method_invocation_return_value (call, NULL);
}

static gboolean
suspend_now (gpointer data)
{
  VitrineMachineProcess *self = data;
  g_autofree char *path = suspended_path (self);
  g_autoptr(GError) error = NULL;

  if (self->backend == NULL)
    g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The machine has ended meanwhile."));
  else
    vitrine_backend_pause (self->backend);
  gboolean ok = error == NULL && vitrine_backend_save (self->backend, path, &error);
  answer_suspending (self, error);
  if (ok)
    vitrine_backend_force_off (self->backend);
  else if (self->backend != NULL)
    {
      vitrine_machine_window_set_backend (self->window, self->backend);
      vitrine_machine_window_show_error (self->window, error->message);
    }
  return G_SOURCE_REMOVE;
}

static void
suspend (VitrineMachineProcess *self)
{
  vitrine_machine_window_set_busy (self->window, _("Suspending…"));
  g_timeout_add (50, suspend_now, self);
}

static void
suspend_asked (VitrineMachineProcess *self, GDBusMethodInvocation *call)
{
  if (self->suspending != NULL)
    {
      g_dbus_method_invocation_return_error_literal (call, G_IO_ERROR, G_IO_ERROR_BUSY, _("The machine is being suspended already."));
      return;
    }
  self->suspending = call;
  suspend (self);
}

/* --- starting and ending ---------------------------------------------------------------------------------------- */

/* Someone else has it: show that one. */
static int
present_other (VitrineMachineProcess *self)
{
  g_autofree char *path = vitrine_paths_socket (self->uuid);
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineClient) client = vitrine_client_connect_sync (path, &error);

  if (client == NULL || !vitrine_client_call_sync (client, "Present", NULL, &error))
    return fail (error->message);
  return 0;
}

static void
window_gone (VitrineMachineProcess *self)
{
  self->window = NULL;
  g_application_quit (G_APPLICATION (self->application));
}

static void
present (VitrineMachineProcess *self)
{
  if (self->window != NULL)
    gtk_window_present_with_time (GTK_WINDOW (self->window), GDK_CURRENT_TIME);
}

/* We hold the machine's lock: a socket that lies there is a dead one. */
static gboolean
prepare_socket (const char *path, GError **error)
{
  g_autofree char *folder = g_path_get_dirname (path);

  if (g_mkdir_with_parents (folder, 0700) < 0)
    {
      int saved = errno;
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), _("Cannot create “%s”: %s"), folder,
                   g_strerror (saved));
      return FALSE;
    }
  g_unlink (path);
  return TRUE;
}

static void
card_came (VitrineService *service, GVariant *card, int device, gpointer unused)
{
  vitrine_net_devices_keep (card, device);
}

static void
card_went (VitrineService *service, const char *mac, gpointer unused)
{
  vitrine_net_devices_forget (mac);
}

static gboolean
load (VitrineMachineProcess *self, GError **error)
{
  g_autofree char *path = vitrine_paths_in_machine (self->uuid, "domain.xml");
  g_autofree char *socket_path = vitrine_paths_socket (self->uuid);
  g_autofree char *picture = vitrine_paths_in_machine (self->uuid, "thumbnail.png");

  self->domain = vitrine_domain_new_from_file (path, error);
  if (self->domain == NULL || !prepare_socket (socket_path, error))
    return FALSE;
  g_autofree char *title = vitrine_domain_get_title (self->domain);
  self->service = vitrine_service_new (socket_path, self->uuid, title, error);
  if (self->service == NULL)
    return FALSE;
  g_signal_connect_swapped (self->service, "present", G_CALLBACK (present), self);
  g_signal_connect_swapped (self->service, "suspend", G_CALLBACK (suspend_asked), self);
  g_signal_connect (self->service, "card-came", G_CALLBACK (card_came), NULL);
  g_signal_connect (self->service, "card-went", G_CALLBACK (card_went), NULL);
  keep_snapshots (self);
  self->recording = vitrine_recording_new ();
  vitrine_service_set_recording_keeper (self->service, &vitrine_recording_keeper, self->recording);
  self->thumbnail = vitrine_thumbnail_new (picture, THUMBNAIL_MS, RARE_THUMBNAIL_MS);
  self->sender = vitrine_file_sender_new ();
  vitrine_service_set_file_keeper (self->service, &vitrine_file_keeper, self->sender);
  return TRUE;
}

static void
show_window (VitrineMachineProcess *self)
{
  g_autofree char *view = vitrine_paths_in_machine (self->uuid, "view.ini");

  self->window = vitrine_machine_window_new (self->application, self->domain, self->settings, view);
  vitrine_machine_window_set_recording (self->window, self->recording);
  vitrine_machine_window_set_file_sender (self->window, self->sender);
  self->usb = vitrine_usb_outside_new_plugs (self->window);
  vitrine_usb_page_add_to_window (self->window, self->usb);
  g_signal_connect_swapped (self->window, "retry", G_CALLBACK (retry), self);
  g_signal_connect_swapped (self->window, "suspend", G_CALLBACK (suspend), self);
  g_signal_connect_swapped (self->window, "go-back", G_CALLBACK (go_back), self);
  g_signal_connect_swapped (self->window, "destroy", G_CALLBACK (window_gone), self);
  gtk_window_present (GTK_WINDOW (self->window));
}

int
vitrine_machine_process_start (VitrineMachineProcess *self, const char *uuid)
{
  g_autoptr(GError) error = NULL;

  if (self->uuid != NULL)
    {
      present (self);
      return 0;
    }
  self->uuid = g_strdup (uuid);
  g_autofree char *folder = vitrine_paths_machine (uuid);
  if (!g_file_test (folder, G_FILE_TEST_IS_DIR))
    return fail (_("There is no machine of that UUID."));
  self->lock_path = vitrine_paths_in_machine (uuid, "lock");
  self->lock = vitrine_run_lock_take (self->lock_path, &error);
  if (g_error_matches (error, G_IO_ERROR, G_IO_ERROR_BUSY))
    return present_other (self);
  if (self->lock < 0 || !load (self, &error))
    return fail (error->message);
  show_window (self);
  build_soon (self);
  return 0;
}

void
vitrine_machine_process_end (VitrineMachineProcess *self)
{
  g_clear_handle_id (&self->build, g_source_remove);
  g_clear_pointer (&self->thumbnail, vitrine_thumbnail_free);
  if (self->snapshots != NULL)
    {
      vitrine_snapshots_stop (self->snapshots);
      vitrine_snapshots_set_backend (self->snapshots, NULL);
    }
  if (self->usb != NULL)
    vitrine_usb_plugs_set_backend (self->usb, NULL);
  if (self->recording != NULL)
    vitrine_recording_end (self->recording);
  g_clear_object (&self->backend);
  if (self->sender != NULL)
    vitrine_file_sender_set_agent (self->sender, NULL);
  g_clear_pointer (&self->agent, vitrine_agent_close);
  if (self->service != NULL)
    vitrine_service_stop (self->service);
  g_clear_object (&self->service);
  g_clear_object (&self->recording);
  g_clear_object (&self->sender);
  g_clear_object (&self->usb);
  if (self->snapshots != NULL)
    vitrine_snapshots_forget_doomed (self->snapshots);
  g_clear_object (&self->snapshots);
  if (self->lock >= 0)
    vitrine_run_lock_release (self->lock_path, self->lock);
  self->lock = -1;
}

static void
vitrine_machine_process_finalize (GObject *object)
{
  VitrineMachineProcess *self = VITRINE_MACHINE_PROCESS (object);

  g_clear_object (&self->domain);
  g_clear_pointer (&self->config, vt_config_free);
  g_clear_object (&self->settings);
  g_free (self->uuid);
  g_free (self->lock_path);
  G_OBJECT_CLASS (vitrine_machine_process_parent_class)->finalize (object);
}

static void
vitrine_machine_process_class_init (VitrineMachineProcessClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_machine_process_finalize;
}

static void
vitrine_machine_process_init (VitrineMachineProcess *self)
{
  self->lock = -1;
}

VitrineMachineProcess *
vitrine_machine_process_new (GtkApplication *application, GSettings *settings, VitrineOpenBackend open)
{
  VitrineMachineProcess *self = g_object_new (VITRINE_TYPE_MACHINE_PROCESS, NULL);

  self->application = application;
  self->settings = g_object_ref (settings);
  self->open = open;
  return self;
}
