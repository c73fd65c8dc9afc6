/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineMachine. Its state comes from two places: the run lock in its folder says whether there is a process (and whether
 * the last one crashed), the process's own service says what the machine does. */
#include "machine.h"

#include "clone.h"

#include <glib/gi18n-lib.h>
#include <string.h>
#include <vitrine/error.h>

#include "client.h"
#include "guest.h"
#include "launcher.h"
#include "paths.h"
#include "run-lock.h"

#define RETRY_MS 100
#define RETRY_LIMIT 100   /* ten seconds for a process to come up, or to finish dying */

struct _VitrineMachine
{
  GObject parent_instance;

  char          *uuid;
  char          *title;
  char          *message;
  VitrineDomain *domain;
  VitrineState   state;

  GFileMonitor  *monitor;
  VitrineClient *client;
  GCancellable  *cancellable;   /* a connection attempt under way */
  guint          retry;         /* source id */
  guint          retries;
  gboolean       launched;      /* by us, and not heard of yet */
};

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_STATE,
  PROP_MESSAGE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];

static void guest_init (VitrineGuestInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineMachine, vitrine_machine, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VITRINE_TYPE_GUEST, guest_init))

static void look (VitrineMachine *self);

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

static char *
lock_path (VitrineMachine *self)
{
  return vitrine_paths_in_machine (self->uuid, "lock");
}

gboolean
vitrine_machine_is_suspended (VitrineMachine *self)
{
  g_autofree char *path = vitrine_paths_in_machine (self->uuid, "suspended.state");
  return g_file_test (path, G_FILE_TEST_EXISTS);
}

/* --- state ------------------------------------------------------------------------------------------------------ */

static void
set_state (VitrineMachine *self, VitrineState state, const char *message)
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

/* What the process said last, when it had no window to say it in. */
static char *
last_log_line (VitrineMachine *self)
{
  g_autofree char *log = vitrine_machine_get_log_path (self);
  g_autofree char *text = NULL;

  if (!g_file_get_contents (log, &text, NULL, NULL))
    return NULL;
  g_strchomp (text);
  const char *line = strrchr (text, '\n');
  return g_utf8_make_valid (line != NULL ? line + 1 : text, -1);
}

static void
set_crashed (VitrineMachine *self)
{
  g_autofree char *log = vitrine_machine_get_log_path (self);
  g_autofree char *message = g_strdup_printf (
    _("The machine’s process ended unexpectedly. Its disks are as they were. What it said last is in “%s”."), log);

  set_state (self, VITRINE_STATE_CRASHED, message);
}

static void
client_changed (VitrineMachine *self)
{
  g_autofree char *message = vitrine_client_get_message (self->client);

  set_state (self, vitrine_client_get_state (self->client), message);
}

static void
drop_client (VitrineMachine *self)
{
  if (self->client != NULL)
    g_signal_handlers_disconnect_by_data (self->client, self);
  g_clear_object (&self->client);
}

static void
client_closed (VitrineMachine *self)
{
  drop_client (self);
  self->retries = 0;
  look (self);
}

static void
connected (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachine) self = data;
  g_autoptr(VitrineClient) client = vitrine_client_connect_finish (result, NULL);

  g_clear_object (&self->cancellable);
  if (self->client != NULL || self->domain == NULL)   /* disposed meanwhile */
    return;
  if (client == NULL)
    {
      look (self);
      return;
    }
  self->launched = FALSE;
  self->retries = 0;
  self->client = g_steal_pointer (&client);
  g_signal_connect_swapped (self->client, "changed", G_CALLBACK (client_changed), self);
  g_signal_connect_swapped (self->client, "closed", G_CALLBACK (client_closed), self);
  client_changed (self);
}

static void
try_connect (VitrineMachine *self)
{
  g_autofree char *path = vitrine_paths_socket (self->uuid);

  if (self->cancellable != NULL || self->client != NULL)
    return;
  self->cancellable = g_cancellable_new ();
  vitrine_client_connect_async (path, self->cancellable, connected, g_object_ref (self));
}

static gboolean
retry (gpointer data)
{
  VitrineMachine *self = data;
  g_autofree char *path = lock_path (self);

  self->retry = 0;
  if (vitrine_run_lock_query (path) == VITRINE_RUN_LOCK_HELD)
    try_connect (self);
  else
    look (self);
  return G_SOURCE_REMOVE;
}

static void
retry_later (VitrineMachine *self)
{
  if (self->retry == 0 && self->retries++ < RETRY_LIMIT)
    self->retry = g_timeout_add (RETRY_MS, retry, self);
}

/* Ended before anyone could connect: no display, a library that is missing. */
static void
process_ended (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachine) self = data;
  g_autofree char *line = last_log_line (self);

  g_subprocess_wait_finish (G_SUBPROCESS (source), result, NULL);
  if (!self->launched || self->domain == NULL)
    return;
  self->launched = FALSE;
  if (!g_subprocess_get_successful (G_SUBPROCESS (source)) && line != NULL && *line != '\0')
    set_state (self, VITRINE_STATE_CRASHED, line);
  else
    look (self);
}

/* Reads the lock and goes where it points. */
static void
look (VitrineMachine *self)
{
  g_autofree char *path = lock_path (self);

  if (self->client != NULL || self->cancellable != NULL || self->domain == NULL)
    return;
  switch (vitrine_run_lock_query (path))
    {
    case VITRINE_RUN_LOCK_HELD:
      if (vitrine_run_lock_is_for_work (path))
        {
          set_state (self, VITRINE_STATE_BUSY, NULL);   /* the end of that is heard of */
          break;
        }
      set_state (self, VITRINE_STATE_STARTING, NULL);
      retry_later (self);
      break;
    case VITRINE_RUN_LOCK_STALE:
      self->launched = FALSE;
      set_crashed (self);
      break;
    case VITRINE_RUN_LOCK_FREE:
      if (self->launched && self->retries < RETRY_LIMIT)
        retry_later (self);
      else if (self->launched)
        {
          self->launched = FALSE;
          set_crashed (self);
        }
      else
        set_state (self, VITRINE_STATE_OFF, NULL);
      break;
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
    set_state (self, VITRINE_STATE_BROKEN, problem);
  else if (self->state == VITRINE_STATE_BROKEN)
    set_state (self, VITRINE_STATE_OFF, NULL);
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
    look (self);
  else if (g_str_equal (name, "suspended.state"))
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
}

/* --- commands --------------------------------------------------------------------------------------------------- */

gboolean
vitrine_machine_start (VitrineMachine *self, GError **error)
{
  g_autofree char *lock = lock_path (self);
  g_autofree char *log = vitrine_machine_get_log_path (self);

  if (self->domain == NULL)
    {
      g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG, self->message);
      return FALSE;
    }
  if (self->client != NULL)
    {
      vitrine_client_call_async (self->client, "Present", NULL, NULL, NULL, NULL);
      return TRUE;
    }
  if (vitrine_run_lock_is_for_work (lock))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_BUSY, _("“%s” is being copied or moved: wait until that is done."),
                   vitrine_machine_get_title (self));
      return FALSE;
    }
  if (self->launched || vitrine_run_lock_query (lock) == VITRINE_RUN_LOCK_HELD)
    return TRUE;   /* on its way up */
  if (!vitrine_clone_check_base (self->domain, error))
    return FALSE;
  vitrine_run_lock_clear_stale (lock);
  g_autoptr(GSubprocess) process = vitrine_launcher_start (self->uuid, log, error);
  if (process == NULL)
    return FALSE;
  g_subprocess_wait_async (process, NULL, process_ended, g_object_ref (self));
  self->launched = TRUE;
  self->retries = 0;
  set_state (self, VITRINE_STATE_STARTING, NULL);
  retry_later (self);
  return TRUE;
}

static void
command_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  g_autoptr(GError) error = NULL;

  if (vitrine_client_call_finish (VITRINE_CLIENT (source), result, &error))
    g_task_return_boolean (task, TRUE);
  else
    g_task_return_error (task, g_steal_pointer (&error));
}

void
vitrine_machine_command_async (VitrineMachine *self, const char *command, GAsyncReadyCallback done, gpointer data)
{
  GTask *task = g_task_new (self, NULL, done, data);

  g_task_set_source_tag (task, vitrine_machine_command_async);
  if (self->client == NULL)
    {
      g_task_return_new_error (task, VT_ERROR, VT_ERROR_FAILED, _("“%s” is not running."), self->title);
      g_object_unref (task);
      return;
    }
  vitrine_client_call_async (self->client, command, NULL, NULL, command_done, task);
}

gboolean
vitrine_machine_command_finish (VitrineMachine *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}

gboolean
vitrine_machine_call_sync (VitrineMachine *self, const char *method, GVariant *arguments, int fd, GError **error)
{
  g_autoptr(GVariant) owned = g_variant_ref_sink (arguments);

  if (self->client == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("“%s” is not running."), self->title);
      return FALSE;
    }
  return fd >= 0 ? vitrine_client_call_with_file_sync (self->client, method, owned, fd, error)
                 : vitrine_client_call_sync (self->client, method, owned, error);
}

VitrineClient *
vitrine_machine_dup_client (VitrineMachine *self)
{
  return self->client != NULL ? g_object_ref (self->client) : NULL;
}

gboolean
vitrine_machine_get_memory (VitrineMachine *self, guint64 *wanted_bytes, guint64 *most_bytes)
{
  g_autoptr(GVariant) memory = self->client != NULL ? vitrine_client_get_memory (self->client, NULL) : NULL;

  return memory != NULL && g_variant_lookup (memory, "wanted", "t", wanted_bytes) && g_variant_lookup (memory, "machine", "t", most_bytes);
}

void
vitrine_machine_dismiss_crash (VitrineMachine *self)
{
  g_autofree char *lock = lock_path (self);

  vitrine_run_lock_clear_stale (lock);
  look (self);
}

gboolean
vitrine_machine_discard_suspended (VitrineMachine *self, GError **error)
{
  g_autofree char *path = vitrine_paths_in_machine (self->uuid, "suspended.state");
  g_autoptr(GFile) file = g_file_new_for_path (path);

  return g_file_delete (file, NULL, error);
}

/* --- as a guest ------------------------------------------------------------------------------------------------- */

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

static void
guest_init (VitrineGuestInterface *iface)
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
  drop_client (self);
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
  look (self);
  return self;
}
