/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine as a VitrineGuest. */
#include "machine-private.h"

static const char *
guest_get_uuid (VitrineGuest *guest)
{
  return VITRINE_MACHINE (guest)->uuid;
}

static const char *
guest_get_title (VitrineGuest *guest)
{
  return VITRINE_MACHINE (guest)->title;
}

static VitrineState
guest_get_state (VitrineGuest *guest)
{
  return VITRINE_MACHINE (guest)->state;
}

static const char *
guest_get_message (VitrineGuest *guest)
{
  return VITRINE_MACHINE (guest)->message;
}

static gboolean
guest_is_suspended (VitrineGuest *guest)
{
  return vitrine_machine_is_suspended (VITRINE_MACHINE (guest));
}

static VitrineGuestAbilities
guest_get_abilities (VitrineGuest *guest)
{
  VitrineMachine *self = VITRINE_MACHINE (guest);
  gboolean process = vitrine_state_has_process (self->state), broken = self->state == VITRINE_STATE_BROKEN;
  VitrineGuestAbilities abilities = VITRINE_GUEST_CAN_LOG;

  if (self->state == VITRINE_STATE_BUSY)
    return abilities;
  if (process || !broken)
    abilities |= VITRINE_GUEST_CAN_OPEN;
  if (self->state == VITRINE_STATE_RUNNING)
    abilities |= VITRINE_GUEST_CAN_PAUSE;
  if (self->state == VITRINE_STATE_PAUSED)
    abilities |= VITRINE_GUEST_CAN_RESUME;
  if (vitrine_state_is_alive (self->state))
    abilities |= VITRINE_GUEST_CAN_POWER_BUTTON | VITRINE_GUEST_CAN_FORCE_OFF;
  if (!broken)
    abilities |= VITRINE_GUEST_CAN_SETTINGS;
  if (!process && !broken)
    abilities |= VITRINE_GUEST_CAN_SNAPSHOTS | VITRINE_GUEST_CAN_CLONE | VITRINE_GUEST_CAN_MOVE;
  if (!process)
    abilities |= VITRINE_GUEST_CAN_DELETE;
  if (!process && vitrine_machine_is_suspended (self))
    abilities |= VITRINE_GUEST_CAN_DISCARD;
  return abilities;
}

static void
guest_command_async (VitrineGuest *guest, const char *command, GAsyncReadyCallback done, gpointer data)
{
  VitrineMachine *self = VITRINE_MACHINE (guest);
  gboolean open = g_str_equal (command, "Open");

  if (!open && !g_str_equal (command, "Discard"))
    {
      vitrine_machine_command_async (self, command, done, data);
      return;
    }
  g_autoptr(GTask) task = g_task_new (self, NULL, done, data);
  GError *error = NULL;
  if (open ? vitrine_machine_start (self, &error) : vitrine_machine_discard_suspended (self, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, error);
}

static gboolean
guest_command_finish (VitrineGuest *guest, GAsyncResult *result, GError **error)
{
  return vitrine_machine_command_finish (VITRINE_MACHINE (guest), result, error);
}

static void
thumbnail_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  GError *error = NULL;
  GBytes *bytes = g_file_load_bytes_finish (G_FILE (source), result, NULL, &error);

  if (bytes != NULL)
    g_task_return_pointer (task, bytes, (GDestroyNotify) g_bytes_unref);
  else
    g_task_return_error (task, error);
}

static void
guest_load_thumbnail_async (VitrineGuest *guest, GCancellable *cancellable, GAsyncReadyCallback done, gpointer data)
{
  g_autofree char *path = vitrine_machine_get_thumbnail_path (VITRINE_MACHINE (guest));
  g_autoptr(GFile) file = g_file_new_for_path (path);

  g_file_load_bytes_async (file, cancellable, thumbnail_read, g_task_new (guest, cancellable, done, data));
}

static GBytes *
guest_load_thumbnail_finish (VitrineGuest *guest, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
vitrine_machine_guest_init (VitrineGuestInterface *iface)
{
  iface->get_uuid = guest_get_uuid;
  iface->get_title = guest_get_title;
  iface->get_state = guest_get_state;
  iface->get_message = guest_get_message;
  iface->is_suspended = guest_is_suspended;
  iface->get_abilities = guest_get_abilities;
  iface->command_async = guest_command_async;
  iface->command_finish = guest_command_finish;
  iface->load_thumbnail_async = guest_load_thumbnail_async;
  iface->load_thumbnail_finish = guest_load_thumbnail_finish;
}
