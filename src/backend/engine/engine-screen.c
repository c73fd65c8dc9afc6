/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen of an engine's machine, and when it is looked for new pictures. */
#include <vitrine/display.h>

#include "engine-backend-private.h"

/* Most display devices draw when they are asked to, so someone has to ask: on every frame of the host's monitor while the screen
 * moves, this often after it moved or a person did something, and the more rarely the longer it stands still. A cursor that blinks
 * is no movement. */
#define ASK_MS 30
#define ASK_RARELY_MS 120
#define ASK_SELDOM_MS 480
#define WHILE_MS 1500
#define LONG_MS 10000

G_STATIC_ASSERT (VITRINE_MAX_HEADS == VT_MAX_HEADS);

/* --- asking for frames ------------------------------------------------------------------------------------------ */

static gboolean
must_be_asked (VitrineEngineBackend *self, guint head)
{
  return self->heads[head].watchers > 0 && !vt_display_announces (self->machine, head);
}

static gboolean
ask_for_frames (gpointer data)
{
  VitrineEngineBackend *self = data;
  guint id = self->ask;

  for (guint i = 0; i < self->n_heads; i++)
    if (must_be_asked (self, i) && vt_display_fresh (self->machine, i, self->heads[i].seen))
      {
        self->changed_us = g_get_monotonic_time ();
        vitrine_backend_emit_frame_ready (VITRINE_BACKEND (self), i);
      }
  vitrine_engine_backend_ask_while_watched (self);
  return self->ask == id ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

static gboolean
shall_ask (VitrineEngineBackend *self)
{
  for (guint i = 0; i < self->n_heads; i++)
    if (must_be_asked (self, i))
      return vt_machine_state (self->machine) == VT_MACHINE_RUNNING;
  return FALSE;
}

static guint
pace_ms (VitrineEngineBackend *self)
{
  gint64 now = g_get_monotonic_time (), busy_ms = (now - self->busy_us) / 1000, still_ms = (now - self->changed_us) / 1000;

  return !shall_ask (self)                      ? 0
         : busy_ms < WHILE_MS                   ? ASK_MS
         : MIN (busy_ms, still_ms) < LONG_MS    ? ASK_RARELY_MS
                                                : ASK_SELDOM_MS;
}

/* Called from the source itself too, which then ends by its own. */
void
vitrine_engine_backend_ask_while_watched (VitrineEngineBackend *self)
{
  guint ms = pace_ms (self);

  if (ms == self->ask_ms)
    return;
  GSource *current = g_main_current_source ();
  if (self->ask != 0 && (current == NULL || g_source_get_id (current) != self->ask))
    g_source_remove (self->ask);
  self->ask_ms = ms;
  self->ask = ms != 0 ? g_timeout_add (ms, ask_for_frames, self) : 0;
}

/* What a person does may soon be seen; what moves goes on moving. */
void
vitrine_engine_backend_look_closely (VitrineEngineBackend *self)
{
  self->busy_us = g_get_monotonic_time ();
  vitrine_engine_backend_ask_while_watched (self);
}

/* --- screen ----------------------------------------------------------------------------------------------------- */

static guint
engine_get_n_heads (VitrineBackend *backend)
{
  return VITRINE_ENGINE_BACKEND (backend)->n_heads;
}

static void
note_size (Head *head, guint width, guint height)
{
  if (width == 0 || height == 0)
    return;
  head->width = width;
  head->height = height;
}

/* The engine gives no notice of what it draws for who asks, but there may be others who look. */
static void
note_frame (VitrineEngineBackend *self, guint index, guint64 seen, const VitrineFrame *frame)
{
  Head *head = &self->heads[index];
  guint64 newest = head->seen;

  note_size (head, frame->width, frame->height);
  head->seen = frame->sequence;
  if (frame->sequence != newest && head->watchers > 0)
    vitrine_backend_emit_frame_ready (VITRINE_BACKEND (self), index);
  /* Only from one frame to the next: many small changes together are a large one. */
  if (seen != 0 && seen == newest && vitrine_frame_moved (frame))
    vitrine_engine_backend_look_closely (self);
}

static gboolean
engine_acquire_frame (VitrineBackend *backend, guint head, guint64 seen, VitrineFrame *out)
{
  VitrineEngineBackend *self = VITRINE_ENGINE_BACKEND (backend);
  VtFrame frame;

  if (!vt_display_acquire (self->machine, head, seen, &frame))
    return FALSE;
  *out = (VitrineFrame) {
    .pixels = frame.pixels,
    .width = frame.width,
    .height = frame.height,
    .stride = frame.stride_bytes,
    .damage_x = frame.damage.x,
    .damage_y = frame.damage.y,
    .damage_width = frame.damage.width,
    .damage_height = frame.damage.height,
    .sequence = frame.sequence,
    .blank = frame.blank,
    .token = g_memdup2 (&frame, sizeof frame),
  };
  note_frame (self, head, seen, out);
  return TRUE;
}

static void
engine_release_frame (VitrineBackend *backend, VitrineFrame *frame)
{
  vt_display_release (vitrine_engine_backend_get_machine (backend), frame->token);
  g_clear_pointer (&frame->token, g_free);
}

G_STATIC_ASSERT ((int) VITRINE_CURSOR_EDGE == (int) VT_CURSOR_EDGE);

static gboolean
engine_get_cursor (VitrineBackend *backend, guint head, guint64 seen, VitrineCursor *out)
{
  VtCursor cursor;

  if (!vt_display_cursor (vitrine_engine_backend_get_machine (backend), head, seen, &cursor))
    return FALSE;
  out->x = cursor.x;
  out->y = cursor.y;
  out->visible = cursor.visible;
  out->serial = cursor.serial;
  if (cursor.serial == seen)
    return TRUE;
  out->width = cursor.width;
  out->height = cursor.height;
  out->hot_x = cursor.hot_x;
  out->hot_y = cursor.hot_y;
  memcpy (out->pixels, cursor.pixels, (gsize) cursor.width * cursor.height * sizeof *out->pixels);
  return TRUE;
}

static gboolean
engine_follows_monitor (VitrineBackend *backend)
{
  return vt_display_follows (vitrine_engine_backend_get_machine (backend), 0);
}

static void
engine_set_monitor (VitrineBackend *backend, guint head, const VitrineMonitor *monitor)
{
  VitrineEngineBackend *self = VITRINE_ENGINE_BACKEND (backend);

  if (head >= self->n_heads)
    return;
  self->heads[head].plugged = monitor != NULL;
  if (monitor == NULL)
    {
      vt_display_set_monitor (self->machine, head, NULL);
      return;
    }
  const VtMonitor given = { .width = monitor->width, .height = monitor->height, .width_mm = monitor->width_mm,
                            .height_mm = monitor->height_mm };
  vt_display_set_monitor (self->machine, head, &given);
  note_size (&self->heads[head], monitor->width, monitor->height);
}

static GBytes *
engine_screenshot (VitrineBackend *backend, guint head, GError **error)
{
  return vt_display_png (vitrine_engine_backend_get_machine (backend), head, error);
}

static char *
engine_get_text (VitrineBackend *backend)
{
  return VITRINE_ENGINE_BACKEND (backend)->n_heads > 0 ? vt_display_text (vitrine_engine_backend_get_machine (backend), 0) : NULL;
}

static void
engine_set_watched (VitrineBackend *backend, guint head, gboolean watched)
{
  VitrineEngineBackend *self = VITRINE_ENGINE_BACKEND (backend);

  if (head >= self->n_heads)
    return;
  self->heads[head].watchers += watched ? 1 : -1;
  vitrine_engine_backend_ask_while_watched (self);
}

static void
damaged (void *opaque)
{
  Head *head = opaque;

  if (head->watchers > 0)
    vitrine_backend_emit_frame_ready (VITRINE_BACKEND (head->owner), head->index);
  vitrine_engine_backend_ask_while_watched (head->owner);   /* another device may show its picture now */
}

void
vitrine_engine_backend_begin_heads (VitrineEngineBackend *self)
{
  self->n_heads = MIN (vt_machine_displays (self->machine), VITRINE_MAX_HEADS);
  for (guint i = 0; i < self->n_heads; i++)
    {
      self->heads[i] = (Head) { .owner = self, .index = i, .plugged = TRUE };
      vt_display_set_notify (self->machine, i, damaged, &self->heads[i]);
    }
}

void
vitrine_engine_screen_init (VitrineBackendInterface *iface)
{
  iface->get_n_heads = engine_get_n_heads;
  iface->acquire_frame = engine_acquire_frame;
  iface->release_frame = engine_release_frame;
  iface->get_cursor = engine_get_cursor;
  iface->set_watched = engine_set_watched;
  iface->follows_monitor = engine_follows_monitor;
  iface->set_monitor = engine_set_monitor;
  iface->screenshot = engine_screenshot;
  iface->get_text = engine_get_text;
}
