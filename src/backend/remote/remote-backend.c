/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineRemoteBackend. */
#include "remote-backend.h"

#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "host-error.h"
#include "remote-backend-private.h"

enum
{
  ERROR,
  LOST,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static void backend_init (VitrineBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineRemoteBackend, vitrine_remote_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VITRINE_TYPE_BACKEND, backend_init))

VitrineRemoteScreen *
vitrine_remote_backend_get_screen (VitrineRemoteBackend *self)
{
  return self->screen;
}

void
vitrine_remote_backend_lose (VitrineRemoteBackend *self, const char *reason)
{
  if (self->gone)
    return;
  self->gone = TRUE;
  g_signal_emit (self, signals[LOST], 0, reason);
}

/* --- state and commands ----------------------------------------------------------------------------------------- */

static VitrineBackendAbilities
remote_get_abilities (VitrineBackend *backend)
{
  return 0;
}

static VitrineState
remote_get_state (VitrineBackend *backend)
{
  return vitrine_guest_get_state (VITRINE_GUEST (VITRINE_REMOTE_BACKEND (backend)->guest));
}

static const char *
remote_get_message (VitrineBackend *backend)
{
  return vitrine_guest_get_message (VITRINE_GUEST (VITRINE_REMOTE_BACKEND (backend)->guest));
}

static const char *
remote_get_accelerator (VitrineBackend *backend)
{
  return _("On a libvirt host");
}

static void
command_done (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineRemoteBackend) self = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_guest_command_finish (VITRINE_GUEST (source), result, &error))
    g_signal_emit (self, signals[ERROR], 0, error->message);
}

static void
command (VitrineBackend *backend, const char *name)
{
  VitrineRemoteBackend *self = VITRINE_REMOTE_BACKEND (backend);

  vitrine_guest_command_async (VITRINE_GUEST (self->guest), name, command_done, g_object_ref (self));
}

static void
remote_resume (VitrineBackend *backend)
{
  command (backend, "Resume");
}

static void
remote_pause (VitrineBackend *backend)
{
  command (backend, "Pause");
}

static void
remote_reset (VitrineBackend *backend)
{
  command (backend, "Reset");
}

static void
remote_power_button (VitrineBackend *backend)
{
  command (backend, "PowerButton");
}

static void
remote_force_off (VitrineBackend *backend)
{
  command (backend, "ForceOff");
}

/* What this process cannot do for a machine elsewhere; the window does not offer it. */
static gboolean
cannot (GError **error)
{
  g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_UNSUPPORTED,
                       _("This cannot be done on a libvirt host from here."));
  return FALSE;
}

static gboolean
remote_save (VitrineBackend *backend, const char *path, VitrineSaveProgress progress, gpointer data, GError **error)
{
  return cannot (error);
}

static gboolean
remote_restore (VitrineBackend *backend, const char *path, GError **error)
{
  return cannot (error);
}

static gboolean
remote_change_medium (VitrineBackend *backend, guint drive, const char *path, int fd, GError **error)
{
  if (fd >= 0)
    g_close (fd, NULL);
  return cannot (error);
}

static gboolean
remote_take_snapshot (VitrineBackend *backend, const VitrineSnapshotPlan *plan, GError **error)
{
  return cannot (error);
}

static gboolean
remote_forget_snapshot (VitrineBackend *backend, const char *name, GError **error)
{
  return cannot (error);
}

static gboolean
remote_set_memory (VitrineBackend *backend, guint64 bytes, GError **error)
{
  return cannot (error);
}

static GVariant *
remote_get_memory (VitrineBackend *backend)
{
  return g_variant_new ("a{st}", NULL);
}

static gboolean
remote_set_link (VitrineBackend *backend, guint card, gboolean up, GError **error)
{
  return cannot (error);
}

static gboolean
remote_set_mac (VitrineBackend *backend, guint card, const guint8 mac[6], GError **error)
{
  return cannot (error);
}

static gboolean
remote_set_forwards (VitrineBackend *backend, guint card, const char *const *rules, GError **error)
{
  return cannot (error);
}

static GStrv
remote_get_forwards (VitrineBackend *backend, guint card, GError **error)
{
  cannot (error);
  return NULL;
}

static gboolean
remote_capture (VitrineBackend *backend, guint card, int fd, GError **error)
{
  return cannot (error);
}

static gboolean
remote_is_captured (VitrineBackend *backend, guint card)
{
  return FALSE;
}

static GStrv
remote_list_cards (VitrineBackend *backend)
{
  return g_new0 (char *, 1);
}

static gboolean
remote_trace (VitrineBackend *backend, const char *const *globs, int fd, GError **error)
{
  return cannot (error);
}

/* --- figures ---------------------------------------------------------------------------------------------------- */

static void
sampled (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineRemoteBackend) self = data;

  self->sampling = FALSE;
  vitrine_host_guest_sample_finish (VITRINE_HOST_GUEST (source), result, &self->sample, NULL);
}

/* Those of the last time it was asked; whoever asks makes the next ones come. */
static void
remote_get_statistics (VitrineBackend *backend, VitrineStatistics *out)
{
  VitrineRemoteBackend *self = VITRINE_REMOTE_BACKEND (backend);

  *out = (VitrineStatistics) { .counted = VITRINE_COUNTED_NEVER, .rss_bytes = self->sample.memory_bytes };
  out->host_seconds = (double) self->sample.time_us / G_TIME_SPAN_SECOND;
  out->host_cpu_seconds = (double) self->sample.cpu_ns / 1e9;
  if (self->sampling || self->gone)
    return;
  self->sampling = TRUE;
  vitrine_host_guest_sample_async (self->guest, sampled, g_object_ref (self));
}

static void
remote_count_instructions (VitrineBackend *backend, gboolean on)
{
}

static void
backend_init (VitrineBackendInterface *iface)
{
  iface->get_abilities = remote_get_abilities;
  iface->get_state = remote_get_state;
  iface->get_message = remote_get_message;
  iface->get_accelerator = remote_get_accelerator;
  iface->resume = remote_resume;
  iface->pause = remote_pause;
  iface->reset = remote_reset;
  iface->power_button = remote_power_button;
  iface->force_off = remote_force_off;
  iface->save = remote_save;
  iface->restore = remote_restore;
  iface->change_medium = remote_change_medium;
  iface->take_snapshot = remote_take_snapshot;
  iface->forget_snapshot = remote_forget_snapshot;
  iface->set_memory = remote_set_memory;
  iface->get_memory = remote_get_memory;
  iface->set_link = remote_set_link;
  iface->set_mac = remote_set_mac;
  iface->set_forwards = remote_set_forwards;
  iface->get_forwards = remote_get_forwards;
  iface->capture = remote_capture;
  iface->is_captured = remote_is_captured;
  iface->list_cards = remote_list_cards;
  iface->trace = remote_trace;
  vitrine_remote_backend_frames_init (iface);
  vitrine_remote_backend_input_init (iface);
  vitrine_remote_backend_consoles_init (iface);
  iface->get_statistics = remote_get_statistics;
  iface->count_instructions = remote_count_instructions;
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_remote_backend_dispose (GObject *object)
{
  VitrineRemoteBackend *self = VITRINE_REMOTE_BACKEND (object);

  vitrine_remote_backend_close (self);
  g_clear_object (&self->guest);
  G_OBJECT_CLASS (vitrine_remote_backend_parent_class)->dispose (object);
}

static void
vitrine_remote_backend_finalize (GObject *object)
{
  VitrineRemoteBackend *self = VITRINE_REMOTE_BACKEND (object);

  g_queue_clear_full (&self->typing, g_free);
  g_array_unref (self->consoles);
  g_array_unref (self->words);
  vitrine_host_ends_free (self->ends);
  G_OBJECT_CLASS (vitrine_remote_backend_parent_class)->finalize (object);
}

static void
vitrine_remote_backend_class_init (VitrineRemoteBackendClass *klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  static const char *const names[] = { [ERROR] = "error", [LOST] = "lost" };

  object_class->dispose = vitrine_remote_backend_dispose;
  object_class->finalize = vitrine_remote_backend_finalize;
  for (guint i = 0; i < N_SIGNALS; i++)
    signals[i] = g_signal_new (names[i], VITRINE_TYPE_REMOTE_BACKEND, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                               G_TYPE_NONE, 1, G_TYPE_STRING);
}

static void
close_words (gpointer data)
{
  g_close (*(int *) data, NULL);
}

static void
vitrine_remote_backend_init (VitrineRemoteBackend *self)
{
  self->words = g_array_new (FALSE, FALSE, sizeof (int));
  g_array_set_clear_func (self->words, close_words);
  self->consoles = g_array_new (FALSE, FALSE, sizeof (Console));
  g_array_set_clear_func (self->consoles, vitrine_remote_backend_clear_console);
  g_queue_init (&self->typing);
}
