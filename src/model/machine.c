/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineMachine. Its state comes from two places: the run lock in its folder says whether there is a process (and whether
 * the last one crashed), the process's own service says what the machine does. */
#include "machine-private.h"

#include "paths.h"

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_STATE,
  PROP_MESSAGE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineMachine, vitrine_machine, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VITRINE_TYPE_GUEST, vitrine_machine_guest_init))

/* --- paths ------------------------------------------------------------------------------------------------------ */

char *
vitrine_machine_get_folder (VitrineMachine *self)
{
  return vitrine_paths_machine (self->uuid);
}

char *
vitrine_machine_get_log_path (VitrineMachine *self)
{
  return vitrine_paths_in_machine (self->uuid, "log");
}

char *
vitrine_machine_get_thumbnail_path (VitrineMachine *self)
{
  return vitrine_paths_in_machine (self->uuid, "thumbnail.png");
}

gboolean
vitrine_machine_is_suspended (VitrineMachine *self)
{
  g_autofree char *path = vitrine_paths_in_machine (self->uuid, "suspended.state");
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

gboolean
vitrine_machine_discard_suspended (VitrineMachine *self, GError **error)
{
  g_autofree char *path = vitrine_paths_in_machine (self->uuid, "suspended.state");
  g_autoptr(GFile) file = g_file_new_for_path (path);

  return g_file_delete (file, NULL, error);
}

/* --- state ------------------------------------------------------------------------------------------------------ */

void
vitrine_machine_set_state (VitrineMachine *self, VitrineState state, const char *message)
{
  if (g_strcmp0 (self->message, message) != 0)
    {
      g_free (self->message);
      self->message = g_strdup (message);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MESSAGE]);
    }
  if (self->state != state)
    {
      self->state = state;
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
    }
}

/* --- definition ------------------------------------------------------------------------------------------------- */

static void
take_domain (VitrineMachine *self, VitrineDomain *domain, const char *problem)
{
  g_autofree char *title = domain != NULL ? vitrine_domain_get_title (domain) : g_strdup (self->uuid);

  g_set_object (&self->domain, domain);
  if (g_strcmp0 (self->title, title) != 0)
    {
      g_free (self->title);
      self->title = g_steal_pointer (&title);
      g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TITLE]);
    }
  if (domain == NULL)
    vitrine_machine_set_state (self, VITRINE_STATE_BROKEN, problem);
  else if (self->state == VITRINE_STATE_BROKEN)
    vitrine_machine_set_state (self, VITRINE_STATE_OFF, NULL);
}

void
vitrine_machine_reload (VitrineMachine *self)
{
  g_autofree char *path = vitrine_paths_in_machine (self->uuid, "domain.xml");
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_file (path, &error);

  if (domain == NULL && g_error_matches (error, G_FILE_ERROR, G_FILE_ERROR_NOENT))
    return;   /* being deleted; the library hears of that itself */
  take_domain (self, domain, error != NULL ? error->message : NULL);
}

void
vitrine_machine_place_nvram (VitrineDomain *domain)
{
  g_autofree char *uuid = vitrine_domain_get_uuid (domain);
  g_autofree char *present = vitrine_domain_get_nvram (domain);
  VitrineFirmware firmware = vitrine_domain_get_firmware (domain);
  /* A file for each: the variables of one begin without the keys of the other. */
  g_autofree char *path = vitrine_paths_in_machine (uuid, firmware == VITRINE_FIRMWARE_SECURE_BOOT ? "nvram-secure-boot.fd" : "nvram.fd");

  if (firmware != VITRINE_FIRMWARE_BIOS && present == NULL)
    vitrine_domain_set_nvram (domain, path);
}

gboolean
vitrine_machine_set_domain (VitrineMachine *self, VitrineDomain *domain, GError **error)
{
  g_autofree char *path = vitrine_paths_in_machine (self->uuid, "domain.xml");

  vitrine_machine_place_nvram (domain);
  if (!vitrine_domain_save (domain, path, error))
    return FALSE;
  take_domain (self, domain, NULL);
  return TRUE;
}

static void
folder_changed (VitrineMachine *self, GFile *file, GFile *other, GFileMonitorEvent event)
{
  g_autofree char *name = g_file_get_basename (other != NULL ? other : file);

  if (g_str_equal (name, "domain.xml") && event != G_FILE_MONITOR_EVENT_DELETED)
    vitrine_machine_reload (self);
  else if (g_str_equal (name, "thumbnail.png"))
    vitrine_guest_emit_thumbnail_changed (VITRINE_GUEST (self));
  else if (g_str_equal (name, "lock"))
    vitrine_machine_look (self);
  else if (g_str_equal (name, "suspended.state"))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

/* --- object ----------------------------------------------------------------------------------------------------- */

const char *
vitrine_machine_get_uuid (VitrineMachine *self)
{
  return self->uuid;
}

const char *
vitrine_machine_get_title (VitrineMachine *self)
{
  return self->title;
}

VitrineState
vitrine_machine_get_state (VitrineMachine *self)
{
  return self->state;
}

const char *
vitrine_machine_get_message (VitrineMachine *self)
{
  return self->message;
}

VitrineDomain *
vitrine_machine_get_domain (VitrineMachine *self)
{
  return self->domain;
}

static void
vitrine_machine_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  VitrineMachine *self = VITRINE_MACHINE (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, self->title);
      break;
    case PROP_STATE:
      g_value_set_uint (value, self->state);
      break;
    case PROP_MESSAGE:
      g_value_set_string (value, self->message);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vitrine_machine_dispose (GObject *object)
{
  VitrineMachine *self = VITRINE_MACHINE (object);

  if (self->monitor != NULL)
    g_file_monitor_cancel (self->monitor);
  g_clear_object (&self->monitor);
  g_clear_handle_id (&self->retry, g_source_remove);
  g_cancellable_cancel (self->cancellable);
  vitrine_machine_drop_client (self);
  g_clear_object (&self->domain);
  G_OBJECT_CLASS (vitrine_machine_parent_class)->dispose (object);
}

static void
vitrine_machine_finalize (GObject *object)
{
  VitrineMachine *self = VITRINE_MACHINE (object);

  g_clear_object (&self->cancellable);
  g_free (self->uuid);
  g_free (self->title);
  g_free (self->message);
  G_OBJECT_CLASS (vitrine_machine_parent_class)->finalize (object);
}

static void
vitrine_machine_class_init (VitrineMachineClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = vitrine_machine_get_property;
  object_class->dispose = vitrine_machine_dispose;
  object_class->finalize = vitrine_machine_finalize;
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, VITRINE_STATE_BUSY, 0, flags);
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
}

static void
vitrine_machine_init (VitrineMachine *self)
{
}

VitrineMachine *
vitrine_machine_new (const char *uuid, VitrineDomain *domain, const char *problem)
{
  VitrineMachine *self = g_object_new (VITRINE_TYPE_MACHINE, NULL);
  self->uuid = g_strdup (uuid);
  g_autofree char *folder = vitrine_machine_get_folder (self);
  g_autoptr(GFile) file = g_file_new_for_path (folder);

  take_domain (self, domain, problem);
  self->monitor = g_file_monitor_directory (file, G_FILE_MONITOR_WATCH_MOVES, NULL, NULL);
  if (self->monitor != NULL)
    g_signal_connect_swapped (self->monitor, "changed", G_CALLBACK (folder_changed), self);
  vitrine_machine_look (self);
  return self;
}
