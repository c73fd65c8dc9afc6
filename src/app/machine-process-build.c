/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine process builds its machine, as often as that starts, and follows what becomes of it. */
#include "machine-process-private.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "domain-folders.h"
#include "net-devices.h"
#include "outside.h"
#include "passphrase-dialog.h"
#include "paths.h"
#include "sandbox.h"
#include "tpm-process.h"
#include "unlock.h"

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

void
vitrine_machine_process_set_failed (VitrineMachineProcess *self, const char *message)
{
  g_printerr ("vitrine: %s\n", message);
  vitrine_service_set_failed (self->service, message);
  vitrine_machine_window_set_failed (self->window, message);
}

void
vitrine_machine_process_plug (VitrineMachineProcess *self)
{
  vitrine_service_set_backend (self->service, self->backend);
  vitrine_snapshots_set_backend (self->snapshots, self->backend);
  vitrine_recording_set_backend (self->recording, self->backend);
  vitrine_file_sender_set_agent (self->sender, self->agent);
  vitrine_usb_plugs_set_backend (self->usb, self->backend);
  vitrine_thumbnail_set_backend (self->thumbnail, self->backend);
  if (self->window == NULL)
    return;
  vitrine_machine_window_set_snapshots (self->window, self->snapshots);
  vitrine_machine_window_set_agent (self->window, self->agent);
  vitrine_machine_window_set_backend (self->window, self->backend);
}

void
vitrine_machine_process_unplug (VitrineMachineProcess *self, const char *words)
{
  if (self->window != NULL)
    {
      vitrine_machine_window_set_agent (self->window, NULL);
      vitrine_machine_window_set_backend (self->window, NULL);
      vitrine_machine_window_set_busy (self->window, words);
    }
  vitrine_snapshots_stop (self->snapshots);
  vitrine_snapshots_set_backend (self->snapshots, NULL);
  vitrine_recording_set_backend (self->recording, NULL);
  vitrine_file_sender_set_agent (self->sender, NULL);
  vitrine_usb_plugs_set_backend (self->usb, NULL);
  vitrine_thumbnail_set_backend (self->thumbnail, NULL);
}

void
vitrine_machine_process_drop_backend (VitrineMachineProcess *self)
{
  update_inhibition (self, FALSE);
  if (self->backend != NULL)
    g_signal_handlers_disconnect_by_data (self->backend, self);
  vitrine_service_set_backend (self->service, NULL);
  vitrine_machine_process_unplug (self, _("Starting…"));
  g_clear_object (&self->backend);
  g_clear_pointer (&self->agent, vitrine_agent_close);
  vitrine_snapshots_forget_doomed (self->snapshots);
}

static VitrineBackend *
open_backend (VitrineMachineProcess *self, GError **error)
{
  int end;
  g_autoptr(VtConfig) config = g_steal_pointer (&self->config);
  g_autoptr(GSocket) port = vitrine_domain_open_agent (self->domain, config, &end);
  VitrineBackend *backend = self->open (config, error);

  if (end >= 0)
    close (end);
  if (backend != NULL && port != NULL)
    self->agent = vitrine_agent_new (port);
  return backend;
}

static void
had_trouble (VitrineMachineProcess *self, const char *message)
{
  g_printerr ("vitrine: %s\n", message);
  if (self->window != NULL)
    vitrine_machine_window_show_error (self->window, message);
}

static void
follow_backend (VitrineMachineProcess *self)
{
  g_signal_connect_swapped (self->backend, "changed", G_CALLBACK (backend_changed), self);
  g_signal_connect_swapped (self->backend, "trouble", G_CALLBACK (had_trouble), self);
  if (self->agent != NULL)
    g_signal_connect_object (self->backend, "guest-reset", G_CALLBACK (vitrine_agent_guest_reset), self->agent, G_CONNECT_SWAPPED);
}

/* The machine is what it was when it was suspended, or new; it never ran in this process. */
static void
built (VitrineMachineProcess *self, VitrineBackend *backend, const GError *error)
{
  g_autoptr(GPtrArray) hostdevs = vitrine_domain_get_usb_hostdevs (self->domain);

  if (self->window == NULL)     /* closed meanwhile: the process ends */
    return;
  if (error != NULL)
    {
      g_clear_pointer (&self->agent, vitrine_agent_close);
      vitrine_machine_process_set_failed (self, error->message);
      return;
    }
  self->backend = g_object_ref (backend);
  follow_backend (self);
  vitrine_machine_window_plug_in (self->window, self->backend);
  vitrine_backend_resume (self->backend);
  vitrine_machine_process_plug (self);
  vitrine_usb_plugs_plug_all (self->usb, hostdevs);     /* as if a person plugged them in now */
  backend_changed (self);
}

static void
build (VitrineMachineProcess *self)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineBackend) backend = open_backend (self, &error);

  if (backend != NULL && !self->confined)
    self->confined = vitrine_sandbox_enter ();     /* a state may come from anywhere: before it is read */
  if (backend != NULL && vitrine_machine_process_is_suspended (self))
    vitrine_machine_process_restore_suspended (self, backend, built);
  else
    built (self, backend, error);
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
    vitrine_machine_process_set_failed (self, error != NULL ? error->message
                                                            : _("An encrypted disk needs its passphrase before the machine can start."));
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
      vitrine_machine_process_set_failed (self, error->message);
      return G_SOURCE_REMOVE;
    }
  /* Sockets for more windows; nothing is in them until a person opens one. */
  if (self->config->video == VT_VIDEO_VIRTIO && self->config->heads == 0)
    self->config->heads = VITRINE_MAX_HEADS;
  unlock_and_build (self);
  return G_SOURCE_REMOVE;
}

void
vitrine_machine_process_build_soon (VitrineMachineProcess *self)
{
  if (self->build == 0)
    self->build = g_timeout_add (20, prepare, self);   /* lets the window appear first */
}

void
vitrine_machine_process_start_again (VitrineMachineProcess *self)
{
  g_autofree char *path = vitrine_paths_in_machine (self->uuid, "domain.xml");
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_file (path, &error);

  if (domain == NULL)
    {
      vitrine_machine_process_set_failed (self, error->message);
      return;
    }
  vitrine_machine_process_drop_backend (self);
  g_set_object (&self->domain, domain);
  vitrine_machine_process_keep_snapshots (self);
  vitrine_machine_process_build_soon (self);
}

/* The definition may have been mended meanwhile, and name files that are out of this process's reach. */
void
vitrine_machine_process_retry (VitrineMachineProcess *self)
{
  if (vitrine_outside_is_there ())
    {
      vitrine_outside_again ();
      leave (self);
      return;
    }
  vitrine_machine_process_start_again (self);
}
