/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineHostGuest: what its host says of one domain, and work for it. */
#include "host-guest-private.h"

#include <glib/gi18n-lib.h>

#include "host-error.h"

enum
{
  PROP_0,
  PROP_TITLE,
  PROP_STATE,
  PROP_MESSAGE,
  N_PROPS
};

static GParamSpec *properties[N_PROPS];
static guint left_signal;

static void guest_init (VitrineGuestInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineHostGuest, vitrine_host_guest, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VITRINE_TYPE_GUEST, guest_init))

const char *
vitrine_host_guest_get_name (VitrineHostGuest *self)
{
  return self->entry->name;
}

VitrineHost *
vitrine_host_guest_get_host (VitrineHostGuest *self)
{
  return self->host;
}

virDomainPtr
vitrine_host_guest_get_domain (VitrineHostGuest *self)
{
  return self->entry->domain;
}

static const char *
title_of (VitrineHostGuest *self)
{
  return self->entry->title != NULL ? self->entry->title : self->entry->name;
}

/* --- work for its domain ---------------------------------------------------------------------------------------- */

typedef struct
{
  virDomainPtr          domain;
  VitrineHostDomainWork work;
  gpointer              data;
  GDestroyNotify        free_data;
} DomainJob;

static void
domain_job_free (gpointer data)
{
  DomainJob *job = data;

  if (job->free_data != NULL)
    job->free_data (job->data);
  virDomainFree (job->domain);
  g_free (job);
}

static gpointer
do_domain_job (virConnectPtr connection, gpointer data, GCancellable *cancellable, GError **error)
{
  const DomainJob *job = data;

  return job->work (job->domain, job->data, cancellable, error);
}

static void
domain_job_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(GTask) task = data;
  GError *error = NULL;
  gpointer outcome = vitrine_host_run_finish (VITRINE_HOST (source), result, &error);

  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, outcome, g_task_get_task_data (task));
}

void
vitrine_host_guest_run_async (VitrineHostGuest *self, VitrineHostDomainWork work, gpointer data,
                              GDestroyNotify free_data, GDestroyNotify free_result, GCancellable *cancellable,
                              GAsyncReadyCallback done, gpointer user_data)
{
  GTask *task = g_task_new (self, cancellable, done, user_data);

  g_task_set_check_cancellable (task, FALSE);
  g_task_set_task_data (task, free_result, NULL);
  if (self->host == NULL)
    {
      if (free_data != NULL)
        free_data (data);
      g_task_return_new_error (task, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_AWAY, _("The host of “%s” is away."),
                               title_of (self));
      g_object_unref (task);
      return;
    }
  DomainJob *job = g_new0 (DomainJob, 1);
  virDomainRef (self->entry->domain);
  job->domain = self->entry->domain;
  job->work = work;
  job->data = data;
  job->free_data = free_data;
  vitrine_host_run_async (self->host, do_domain_job, job, domain_job_free, free_result, cancellable, domain_job_done,
                          task);
}

gpointer
vitrine_host_guest_run_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

/* --- what the host says ----------------------------------------------------------------------------------------- */

gboolean
vitrine_host_guest_set_title (VitrineHostGuest *self, const char *title)
{
  g_autofree char *before = g_strdup (title_of (self));

  g_free (self->entry->title);
  self->entry->title = g_strdup (title);
  if (g_str_equal (before, title_of (self)))
    return FALSE;
  g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TITLE]);
  return TRUE;
}

gboolean
vitrine_host_guest_update (VitrineHostGuest *self, VitrineHostEntry *entry)
{
  g_autoptr(VitrineHostEntry) before = g_steal_pointer (&self->entry);
  const char *title = before->title != NULL ? before->title : before->name;

  self->entry = entry;
  if (before->state != entry->state)
    vitrine_host_guest_forget_picture (self);
  g_object_freeze_notify (G_OBJECT (self));
  gboolean renamed = !g_str_equal (title, title_of (self));
  if (renamed)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_TITLE]);
  if (g_strcmp0 (before->message, entry->message) != 0)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_MESSAGE]);
  if (before->state != entry->state || before->active != entry->active || before->saved != entry->saved
      || before->autostart != entry->autostart)
    g_object_notify_by_pspec (G_OBJECT (self), properties[PROP_STATE]);
  g_object_thaw_notify (G_OBJECT (self));
  return renamed;
}

void
vitrine_host_guest_leave (VitrineHostGuest *self)
{
  self->host = NULL;
  vitrine_host_free_domain_later (g_steal_pointer (&self->entry->domain));
  g_clear_handle_id (&self->picture_timer, g_source_remove);
  g_signal_emit (self, left_signal, 0);
}

/* --- figures ---------------------------------------------------------------------------------------------------- */

static gpointer
read_sample (virDomainPtr domain, gpointer unused, GCancellable *cancellable, GError **error)
{
  virDomainInfo info;

  if (virDomainGetInfo (domain, &info) < 0)
    return vitrine_host_set_error (error);
  VitrineHostSample *sample = g_new0 (VitrineHostSample, 1);
  sample->cpu_ns = info.cpuTime;
  sample->memory_bytes = (guint64) info.memory * 1024;
  sample->time_us = g_get_monotonic_time ();
  return sample;
}

void
vitrine_host_guest_sample_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data)
{
  vitrine_host_guest_run_async (self, read_sample, NULL, NULL, g_free, NULL, done, data);
}

gboolean
vitrine_host_guest_sample_finish (VitrineHostGuest *self, GAsyncResult *result, VitrineHostSample *out, GError **error)
{
  g_autofree VitrineHostSample *sample = vitrine_host_guest_run_finish (self, result, error);

  if (sample != NULL)
    *out = *sample;
  return sample != NULL;
}

/* --- VitrineGuest ----------------------------------------------------------------------------------------------- */

static const char *
guest_get_uuid (VitrineGuest *guest)
{
  return VITRINE_HOST_GUEST (guest)->uuid;
}

static const char *
guest_get_title (VitrineGuest *guest)
{
  return title_of (VITRINE_HOST_GUEST (guest));
}

static VitrineState
guest_get_state (VitrineGuest *guest)
{
  return VITRINE_HOST_GUEST (guest)->entry->state;
}

static const char *
guest_get_message (VitrineGuest *guest)
{
  return VITRINE_HOST_GUEST (guest)->entry->message;
}

static gboolean
guest_is_suspended (VitrineGuest *guest)
{
  return VITRINE_HOST_GUEST (guest)->entry->saved;
}

static gboolean
guest_get_autostart (VitrineGuest *guest)
{
  return VITRINE_HOST_GUEST (guest)->entry->autostart;
}

static VitrineGuestAbilities
guest_get_abilities (VitrineGuest *guest)
{
  VitrineHostGuest *self = VITRINE_HOST_GUEST (guest);
  const VitrineHostEntry *entry = self->entry;
  VitrineGuestAbilities abilities = VITRINE_GUEST_CAN_OPEN | VITRINE_GUEST_CAN_SNAPSHOTS;

  if (self->host == NULL)
    return 0;
  if (vitrine_state_is_alive (entry->state))
    abilities |= VITRINE_GUEST_CAN_POWER_BUTTON | VITRINE_GUEST_CAN_RESET;
  if (entry->active)
    abilities |= VITRINE_GUEST_CAN_FORCE_OFF;   /* one that crashed has to be cleared away */
  if (entry->state == VITRINE_STATE_RUNNING)
    abilities |= VITRINE_GUEST_CAN_PAUSE;
  if (entry->state == VITRINE_STATE_PAUSED || entry->state == VITRINE_STATE_BLOCKED)
    abilities |= VITRINE_GUEST_CAN_RESUME;
  if (entry->persistent)
    abilities |= VITRINE_GUEST_CAN_AUTOSTART | VITRINE_GUEST_CAN_EDIT_XML | VITRINE_GUEST_CAN_DEVICES
                 | VITRINE_GUEST_CAN_BRING | VITRINE_GUEST_CAN_MIGRATE;
  if (entry->persistent && vitrine_state_is_alive (entry->state))
    abilities |= VITRINE_GUEST_CAN_SAVE;
  if (entry->persistent && !entry->active)
    abilities |= VITRINE_GUEST_CAN_DELETE;
  if (entry->saved && !entry->active)
    abilities |= VITRINE_GUEST_CAN_DISCARD;
  return abilities;
}

static void
guest_init (VitrineGuestInterface *iface)
{
  iface->get_uuid = guest_get_uuid;
  iface->get_title = guest_get_title;
  iface->get_state = guest_get_state;
  iface->get_message = guest_get_message;
  iface->is_suspended = guest_is_suspended;
  iface->get_autostart = guest_get_autostart;
  iface->get_abilities = guest_get_abilities;
  iface->command_async = vitrine_host_guest_command_async;
  iface->command_finish = vitrine_host_guest_command_finish;
  iface->load_thumbnail_async = vitrine_host_guest_load_thumbnail_async;
  iface->load_thumbnail_finish = vitrine_host_guest_load_thumbnail_finish;
  iface->seen = vitrine_host_guest_seen;
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_host_guest_get_property (GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
  VitrineHostGuest *self = VITRINE_HOST_GUEST (object);

  switch (id)
    {
    case PROP_TITLE:
      g_value_set_string (value, title_of (self));
      break;
    case PROP_STATE:
      g_value_set_uint (value, self->entry->state);
      break;
    case PROP_MESSAGE:
      g_value_set_string (value, self->entry->message);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
    }
}

static void
vitrine_host_guest_finalize (GObject *object)
{
  VitrineHostGuest *self = VITRINE_HOST_GUEST (object);

  g_clear_handle_id (&self->picture_timer, g_source_remove);
  g_clear_pointer (&self->picture, g_bytes_unref);
  vitrine_host_entry_free (self->entry);
  g_free (self->uuid);
  G_OBJECT_CLASS (vitrine_host_guest_parent_class)->finalize (object);
}

static void
vitrine_host_guest_class_init (VitrineHostGuestClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  const GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

  object_class->get_property = vitrine_host_guest_get_property;
  object_class->finalize = vitrine_host_guest_finalize;
  properties[PROP_TITLE] = g_param_spec_string ("title", NULL, NULL, NULL, flags);
  properties[PROP_STATE] = g_param_spec_uint ("state", NULL, NULL, 0, VITRINE_STATE_BUSY, 0, flags);
  properties[PROP_MESSAGE] = g_param_spec_string ("message", NULL, NULL, NULL, flags);
  g_object_class_install_properties (object_class, N_PROPS, properties);
  left_signal = g_signal_new ("left", VITRINE_TYPE_HOST_GUEST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_host_guest_init (VitrineHostGuest *self)
{
}

VitrineHostGuest *
vitrine_host_guest_new (VitrineHost *host, VitrineHostEntry *entry)
{
  VitrineHostGuest *self = g_object_new (VITRINE_TYPE_HOST_GUEST, NULL);

  self->host = host;
  self->uuid = g_strdup (entry->uuid);
  self->entry = entry;
  return self;
}
