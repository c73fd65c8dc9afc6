/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a `vitrine --machine=UUID` process does. */
#include "machine-process.h"

#include <errno.h>
#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "client.h"
#include "machine-process-private.h"
#include "net-devices.h"
#include "paths.h"
#include "run-lock.h"
#include "usb-page.h"

#define THUMBNAIL_MS 3000
#define RARE_THUMBNAIL_MS 30000

G_DEFINE_FINAL_TYPE (VitrineMachineProcess, vitrine_machine_process, G_TYPE_OBJECT)

/* --- starting and ending ---------------------------------------------------------------------------------------- */

static int
fail (const char *message)
{
  g_printerr ("vitrine: %s\n", message);
  return 1;
}

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
  g_signal_connect_swapped (self->service, "suspend", G_CALLBACK (vitrine_machine_process_suspend_asked), self);
  g_signal_connect (self->service, "card-came", G_CALLBACK (card_came), NULL);
  g_signal_connect (self->service, "card-went", G_CALLBACK (card_went), NULL);
  vitrine_machine_process_keep_snapshots (self);
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
  g_signal_connect_swapped (self->window, "retry", G_CALLBACK (vitrine_machine_process_retry), self);
  g_signal_connect_swapped (self->window, "suspend", G_CALLBACK (vitrine_machine_process_suspend), self);
  g_signal_connect_swapped (self->window, "cancel", G_CALLBACK (vitrine_machine_process_cancel_suspending), self);
  g_signal_connect_swapped (self->window, "go-back", G_CALLBACK (vitrine_machine_process_go_back), self);
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
  vitrine_machine_process_build_soon (self);
  return 0;
}

void
vitrine_machine_process_end (VitrineMachineProcess *self)
{
  g_clear_handle_id (&self->build, g_source_remove);
  vitrine_machine_process_wait_for_work (self);
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
