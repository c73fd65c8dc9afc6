/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineRemoteBackend. */
#include "remote-backend.h"

#include <cairo.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>

#include "host-error.h"
#include "remote-backend-private.h"
#include "spice-screen.h"
#include "vnc-screen.h"

#define OPEN_SECONDS 30

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

static void
lose (VitrineRemoteBackend *self, const char *reason)
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

static void
guest_changed (VitrineRemoteBackend *self)
{
  vitrine_backend_emit_changed (VITRINE_BACKEND (self));
  if (!vitrine_state_is_alive (remote_get_state (VITRINE_BACKEND (self))))
    lose (self, _("The machine is off."));
}

static void
guest_left (VitrineRemoteBackend *self)
{
  lose (self, _("Its host is away."));
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
remote_save (VitrineBackend *backend, const char *path, GError **error)
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

/* --- screen ----------------------------------------------------------------------------------------------------- */

VitrineRemoteScreenClass *
vitrine_remote_backend_get_screen_class (VitrineBackend *backend, VitrineRemoteScreen **screen)
{
  *screen = VITRINE_REMOTE_BACKEND (backend)->screen;
  return *screen != NULL ? VITRINE_REMOTE_SCREEN_GET_CLASS (*screen) : NULL;
}

static guint
remote_get_n_heads (VitrineBackend *backend)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  return klass != NULL ? klass->get_n_heads (screen) : 0;
}

static gboolean
remote_acquire_frame (VitrineBackend *backend, guint head, guint64 seen, VitrineFrame *out)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  return klass != NULL && klass->acquire_frame (screen, head, seen, out);
}

static void
remote_release_frame (VitrineBackend *backend, VitrineFrame *frame)
{
  /* Pictures change in the main thread only, where they are looked at. */
}

static gboolean
remote_get_cursor (VitrineBackend *backend, guint head, guint64 seen, VitrineCursor *out)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  return klass != NULL && klass->get_cursor (screen, head, seen, out);
}

static void
remote_set_watched (VitrineBackend *backend, guint head, gboolean watched)
{
  /* The protocol sends what it sends. */
}

static gboolean
remote_follows_monitor (VitrineBackend *backend)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  return klass != NULL && klass->follows_monitor (screen);
}

static void
remote_set_monitor (VitrineBackend *backend, guint head, const VitrineMonitor *monitor)
{
  VitrineRemoteScreen *screen;
  VitrineRemoteScreenClass *klass = vitrine_remote_backend_get_screen_class (backend, &screen);

  if (klass != NULL)
    klass->set_monitor (screen, head, monitor);
}

static cairo_status_t
append_png (void *bytes, const unsigned char *data, unsigned n)
{
  g_byte_array_append (bytes, data, n);
  return CAIRO_STATUS_SUCCESS;
}

static GBytes *
remote_screenshot (VitrineBackend *backend, guint head, GError **error)
{
  g_autoptr(GByteArray) png = g_byte_array_new ();
  VitrineFrame frame;

  if (!remote_acquire_frame (backend, head, 0, &frame) || frame.blank)
    {
      g_set_error_literal (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
                           _("The machine’s screen shows nothing."));
      return NULL;
    }
  cairo_surface_t *surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) frame.width, (int) frame.height);
  guint8 *to = cairo_image_surface_get_data (surface);
  if (to != NULL)
    vitrine_frame_copy (&frame, 0, 0, (gint) frame.width, (gint) frame.height, to,
                        (gsize) cairo_image_surface_get_stride (surface));
  cairo_surface_mark_dirty (surface);
  cairo_surface_write_to_png_stream (surface, append_png, png);
  cairo_surface_destroy (surface);
  return g_byte_array_free_to_bytes (g_steal_pointer (&png));
}

static char *
remote_get_text (VitrineBackend *backend)
{
  return NULL;
}

static void
screen_frame_ready (VitrineRemoteBackend *self, guint head)
{
  vitrine_backend_emit_frame_ready (VITRINE_BACKEND (self), head);
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
  iface->restore = remote_save;
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
  iface->get_n_heads = remote_get_n_heads;
  iface->acquire_frame = remote_acquire_frame;
  iface->release_frame = remote_release_frame;
  iface->get_cursor = remote_get_cursor;
  iface->set_watched = remote_set_watched;
  iface->follows_monitor = remote_follows_monitor;
  iface->set_monitor = remote_set_monitor;
  iface->screenshot = remote_screenshot;
  iface->get_text = remote_get_text;
  vitrine_remote_backend_input_init (iface);
  vitrine_remote_backend_consoles_init (iface);
  iface->get_statistics = remote_get_statistics;
  iface->count_instructions = remote_count_instructions;
}

/* --- opening ---------------------------------------------------------------------------------------------------- */

/* To whoever waits for it; the first answer counts. */
static void
opened_or_not (VitrineRemoteBackend *self, GError *error)
{
  g_autoptr(GTask) task = g_steal_pointer (&self->opening);

  g_clear_handle_id (&self->open_timer, g_source_remove);
  if (task == NULL)
    g_clear_error (&error);
  else if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_pointer (task, g_object_ref (self), g_object_unref);
}

static void
screen_opened (VitrineRemoteBackend *self)
{
  opened_or_not (self, NULL);
}

static char *
find_complaint (VitrineRemoteBackend *self)
{
  char *found = NULL;

  for (guint i = 0; i < self->words->len && found == NULL; i++)
    found = vitrine_host_read_words (g_array_index (self->words, int, i));
  return found;
}

/* Who carries it knows better than who finds it closed. */
static void
screen_closed (VitrineRemoteBackend *self, const char *reason)
{
  g_autofree char *complaint = find_complaint (self);

  if (complaint != NULL)
    reason = complaint;
  if (self->opening != NULL)
    opened_or_not (self, g_error_new_literal (VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED, reason));
  else
    lose (self, reason);
}

static gboolean
took_too_long (gpointer data)
{
  VitrineRemoteBackend *self = data;

  self->open_timer = 0;
  opened_or_not (self, g_error_new_literal (VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_FAILED,
                                            _("The machine’s screen does not answer.")));
  return G_SOURCE_REMOVE;
}

typedef struct
{
  VitrineRemoteBackend *self;
  GObject              *channel;
} Wanted;

static void
socket_opened (GObject *source, GAsyncResult *result, gpointer data)
{
  Wanted *wanted = data;
  g_autoptr(GError) error = NULL;
  int words, fd = vitrine_host_guest_open_screen_finish (VITRINE_HOST_GUEST (source), result, &words, &error);

  if (words >= 0)
    g_array_append_val (wanted->self->words, words);
  if (wanted->self->screen == NULL && fd >= 0)
    g_close (fd, NULL);   /* closed meanwhile */
  else if (fd < 0)
    screen_closed (wanted->self, error->message);
  else
    vitrine_remote_screen_take_socket (wanted->self->screen, wanted->channel, fd);
  g_object_unref (wanted->self);
  g_object_unref (wanted->channel);
  g_free (wanted);
}

static void
screen_wants_socket (VitrineRemoteBackend *self, GObject *channel)
{
  Wanted *wanted = g_new0 (Wanted, 1);

  wanted->self = g_object_ref (self);
  wanted->channel = g_object_ref (channel);
  vitrine_host_guest_open_screen_async (self->guest, socket_opened, wanted);
}

static void
open_screen (VitrineRemoteBackend *self)
{
  self->screen = self->ends->screen == VITRINE_HOST_SCREEN_SPICE ? vitrine_spice_screen_new (self->ends->password)
                                                                 : vitrine_vnc_screen_new (self->ends->password);
  g_signal_connect_swapped (self->screen, "opened", G_CALLBACK (screen_opened), self);
  g_signal_connect_swapped (self->screen, "closed", G_CALLBACK (screen_closed), self);
  g_signal_connect_swapped (self->screen, "wants-socket", G_CALLBACK (screen_wants_socket), self);
  g_signal_connect_swapped (self->screen, "frame-ready", G_CALLBACK (screen_frame_ready), self);
  g_signal_connect_swapped (self->screen, "pointer-changed", G_CALLBACK (vitrine_backend_emit_pointer_changed), self);
  self->open_timer = g_timeout_add_seconds (OPEN_SECONDS, took_too_long, self);
  vitrine_remote_screen_open (self->screen);
}

static void
ends_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineRemoteBackend) self = data;
  GError *error = NULL;

  self->ends = vitrine_host_guest_read_ends_finish (VITRINE_HOST_GUEST (source), result, &error);
  if (self->ends == NULL)
    {
      opened_or_not (self, error);
      return;
    }
  vitrine_remote_backend_open_consoles (self);
  if (self->ends->screen == VITRINE_HOST_SCREEN_SPICE || self->ends->screen == VITRINE_HOST_SCREEN_VNC)
    open_screen (self);
  else
    opened_or_not (self, NULL);
}

void
vitrine_remote_backend_open_async (VitrineHostGuest *guest, GAsyncReadyCallback done, gpointer data)
{
  VitrineRemoteBackend *self = g_object_new (VITRINE_TYPE_REMOTE_BACKEND, NULL);

  self->guest = g_object_ref (guest);
  self->opening = g_task_new (NULL, NULL, done, data);
  g_task_set_task_data (self->opening, g_object_ref (self), g_object_unref);   /* nobody else has it until then */
  g_signal_connect_object (guest, "notify", G_CALLBACK (guest_changed), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (guest, "left", G_CALLBACK (guest_left), self, G_CONNECT_SWAPPED);
  vitrine_host_guest_read_ends_async (guest, ends_read, self);
}

VitrineRemoteBackend *
vitrine_remote_backend_open_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_pointer (G_TASK (result), error);
}

void
vitrine_remote_backend_close (VitrineRemoteBackend *self)
{
  self->gone = TRUE;
  g_clear_handle_id (&self->open_timer, g_source_remove);
  g_clear_handle_id (&self->typing_timer, g_source_remove);
  if (self->screen != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->screen, self);
      vitrine_remote_screen_close (self->screen);
    }
  g_clear_object (&self->screen);
  g_array_set_size (self->consoles, 0);
  g_array_set_size (self->words, 0);
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
