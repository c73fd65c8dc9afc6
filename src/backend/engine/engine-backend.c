/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineBackend on the engine, in this process. The engine posts its events to our main context, so everything here runs on
 * GTK's thread. */
#include "engine-backend.h"
#include "engine-devices.h"

#include <vitrine/console.h>
#include <vitrine/display.h>
#include <vitrine/input.h>
#include <vitrine/machine.h>
#include <vitrine/snapshot.h>
#include <vitrine/stats.h>

#include "console-log.h"

/* Most display devices draw when they are asked to, so someone has to ask: on every frame of the host's monitor while the screen
 * moves, this often after it moved or a person did something, and the more rarely the longer it stands still. A cursor that blinks
 * is no movement. */
#define ASK_MS 30
#define ASK_RARELY_MS 120
#define ASK_SELDOM_MS 480
#define WHILE_MS 1500
#define LONG_MS 10000

G_STATIC_ASSERT (VITRINE_MAX_HEADS == VT_MAX_HEADS);

typedef struct
{
  VitrineEngineBackend *owner;
  guint                 index;
  VitrineConsoleLog     log;
} Console;

typedef struct
{
  VitrineEngineBackend *owner;
  guint                 index;
  gboolean              plugged;
  guint                 width, height;   /* of the last frame; before it, of the monitor */
  guint64               seen;            /* that frame */
  guint                 watchers;
} Head;

struct _VitrineEngineBackend
{
  GObject parent_instance;

  VtMachine *machine;
  char      *message;
  GPtrArray *consoles;   /* Console */
  Head       heads[VITRINE_MAX_HEADS];
  guint      n_heads;
  guint      ask, ask_ms;   /* source id; 0 while nothing runs, or nobody looks */
  gint64     busy_us;       /* when the screen last moved, or a person did something; monotonic, as the next */
  gint64     changed_us;    /* when someone who asked last found a change */
  guint      leds;
  gboolean   leds_known;
};

static void vitrine_engine_backend_iface_init (VitrineBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineEngineBackend, vitrine_engine_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VITRINE_TYPE_BACKEND, vitrine_engine_backend_iface_init))

static VtMachine *
machine_of (VitrineBackend *backend)
{
  return VITRINE_ENGINE_BACKEND (backend)->machine;
}

VtMachine *
vitrine_engine_backend_get_machine (VitrineBackend *backend)
{
  return machine_of (backend);
}

/* --- state ------------------------------------------------------------------------------------------------------ */

static VitrineState
engine_get_state (VitrineBackend *backend)
{
  switch (vt_machine_state (machine_of (backend)))
    {
    case VT_MACHINE_PAUSED:
      return VITRINE_STATE_PAUSED;
    case VT_MACHINE_RUNNING:
      return VITRINE_STATE_RUNNING;
    case VT_MACHINE_OFF:
      return VITRINE_STATE_OFF;
    case VT_MACHINE_DIED:
      return VITRINE_STATE_DIED;
    case VT_MACHINE_BLOCKED:
      return VITRINE_STATE_BLOCKED;
    }
  g_return_val_if_reached (VITRINE_STATE_DIED);
}

static const char *
engine_get_message (VitrineBackend *backend)
{
  return VITRINE_ENGINE_BACKEND (backend)->message;
}

static const char *
engine_get_accelerator (VitrineBackend *backend)
{
  return vt_machine_accel_sentence (machine_of (backend));
}

static void
engine_resume (VitrineBackend *backend)
{
  vt_machine_resume (machine_of (backend));
}

static void
engine_pause (VitrineBackend *backend)
{
  vt_machine_pause (machine_of (backend));
}

static void
engine_reset (VitrineBackend *backend)
{
  vt_machine_reset (machine_of (backend));
}

static void
engine_power_button (VitrineBackend *backend)
{
  vt_machine_power_button (machine_of (backend));
}

static void
engine_force_off (VitrineBackend *backend)
{
  vt_machine_force_off (machine_of (backend));
}

static gboolean
engine_save (VitrineBackend *backend, const char *path, GError **error)
{
  return vt_machine_save (machine_of (backend), path, error);
}

static gboolean
engine_restore (VitrineBackend *backend, const char *path, GError **error)
{
  return vt_machine_restore (machine_of (backend), path, error);
}

static gboolean
engine_change_medium (VitrineBackend *backend, guint drive, const char *path, int fd, GError **error)
{
  return vt_machine_change_medium (machine_of (backend), drive, path, fd, error);
}

static bool
engine_progress (void *opaque, uint64_t done_bytes, uint64_t total_bytes)
{
  const VitrineSnapshotPlan *plan = opaque;
  return plan->progress (plan->data, done_bytes, total_bytes);
}

static void
engine_moment (void *opaque)
{
  const VitrineSnapshotPlan *plan = opaque;
  plan->moment (plan->data);
}

static gboolean
engine_take_snapshot (VitrineBackend *backend, const VitrineSnapshotPlan *plan, GError **error)
{
  VtSnapshotPlan engine_plan = { plan->name, plan->state_path, plan->progress != NULL ? engine_progress : NULL,
                                 plan->moment != NULL ? engine_moment : NULL, (void *) plan };
  return vt_machine_take_snapshot (machine_of (backend), &engine_plan, error);
}

static gboolean
engine_forget_snapshot (VitrineBackend *backend, const char *name, GError **error)
{
  return vt_machine_forget_snapshot (machine_of (backend), name, error);
}

/* --- asking for frames ------------------------------------------------------------------------------------------ */

static void ask_while_watched (VitrineEngineBackend *self);

static gboolean
must_be_asked (VitrineEngineBackend *self, guint head)
{
  return self->heads[head].watchers > 0 && !vt_display_announces (self->machine, head);
}

static gboolean
ask_for_frames (gpointer data)
{
  VitrineEngineBackend *self = data;
  guint ms = self->ask_ms;

  for (guint i = 0; i < self->n_heads; i++)
    if (must_be_asked (self, i) && vt_display_fresh (self->machine, i, self->heads[i].seen))
      {
        self->changed_us = g_get_monotonic_time ();
        vitrine_backend_emit_frame_ready (VITRINE_BACKEND (self), i);
      }
  ask_while_watched (self);
  return self->ask_ms == ms ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
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
static void
ask_while_watched (VitrineEngineBackend *self)
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
static void
look_closely (VitrineEngineBackend *self)
{
  self->busy_us = g_get_monotonic_time ();
  ask_while_watched (self);
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
    look_closely (self);
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
  vt_display_release (machine_of (backend), frame->token);
  g_clear_pointer (&frame->token, g_free);
}

G_STATIC_ASSERT ((int) VITRINE_CURSOR_EDGE == (int) VT_CURSOR_EDGE);

static gboolean
engine_get_cursor (VitrineBackend *backend, guint head, guint64 seen, VitrineCursor *out)
{
  VtCursor cursor;

  if (!vt_display_cursor (machine_of (backend), head, seen, &cursor))
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
  return vt_display_follows (machine_of (backend), 0);
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
  return vt_display_png (machine_of (backend), head, error);
}

static char *
engine_get_text (VitrineBackend *backend)
{
  return VITRINE_ENGINE_BACKEND (backend)->n_heads > 0 ? vt_display_text (machine_of (backend), 0) : NULL;
}

/* --- input ------------------------------------------------------------------------------------------------------ */

static void
engine_key (VitrineBackend *backend, guint evdev_code, gboolean down)
{
  look_closely (VITRINE_ENGINE_BACKEND (backend));
  vt_input_key (machine_of (backend), evdev_code, down);
}

static void
engine_release_all (VitrineBackend *backend)
{
  vt_input_release_all (machine_of (backend));
}

static void
engine_motion (VitrineBackend *backend, gint dx, gint dy)
{
  look_closely (VITRINE_ENGINE_BACKEND (backend));
  vt_input_motion (machine_of (backend), dx, dy);
}

/* Nobody has looked at a head yet: then all are of one size. */
static guint
edge (guint pixels)
{
  return MAX (pixels, 1);
}

/* A tablet's range is the guest's whole desktop; there the heads stand side by side, as we tell the guest. */
static void
engine_place (VitrineBackend *backend, guint head, guint x, guint y)
{
  VitrineEngineBackend *self = VITRINE_ENGINE_BACKEND (backend);
  guint64 left = 0, width = 0, height = 1;

  if (head >= self->n_heads || !self->heads[head].plugged)
    return;
  for (guint i = 0; i < self->n_heads; i++)
    if (self->heads[i].plugged)
      {
        left += i < head ? edge (self->heads[i].width) : 0;
        width += edge (self->heads[i].width);
        height = MAX (height, self->heads[i].height);
      }
  guint64 across = edge (self->heads[head].width), down = edge (self->heads[head].height);
  look_closely (self);
  vt_input_place (self->machine, (guint) ((left * 65535 + x * across) / width), (guint) (y * down / height));
}

static void
engine_buttons (VitrineBackend *backend, guint mask)
{
  look_closely (VITRINE_ENGINE_BACKEND (backend));
  vt_input_buttons (machine_of (backend), mask);
}

static void
engine_wheel (VitrineBackend *backend, gint clicks_x, gint clicks_y)
{
  look_closely (VITRINE_ENGINE_BACKEND (backend));
  vt_input_wheel (machine_of (backend), clicks_x, clicks_y);
}

static gboolean
engine_is_absolute (VitrineBackend *backend)
{
  return vt_input_absolute (machine_of (backend));
}

static gboolean
engine_send_keys (VitrineBackend *backend, const char *spec, GError **error)
{
  look_closely (VITRINE_ENGINE_BACKEND (backend));
  return vt_input_send_spec (machine_of (backend), spec, error);
}

static gboolean
engine_get_leds (VitrineBackend *backend, guint *mask)
{
  VitrineEngineBackend *self = VITRINE_ENGINE_BACKEND (backend);

  *mask = self->leds;
  return self->leds_known;
}

/* --- consoles --------------------------------------------------------------------------------------------------- */

static guint
engine_get_n_consoles (VitrineBackend *backend)
{
  return VITRINE_ENGINE_BACKEND (backend)->consoles->len;
}

static void
engine_console_send (VitrineBackend *backend, guint console, const guint8 *bytes, gsize n)
{
  look_closely (VITRINE_ENGINE_BACKEND (backend));
  vt_console_send (machine_of (backend), console, bytes, n);
}

static GBytes *
engine_get_console_history (VitrineBackend *backend, guint console)
{
  Console *entry = VITRINE_ENGINE_BACKEND (backend)->consoles->pdata[console];
  return vitrine_console_log_get (&entry->log);
}

static void
console_output (void *opaque, const uint8_t *bytes, size_t n)
{
  Console *console = opaque;
  g_autoptr(GBytes) chunk = g_bytes_new (bytes, n);

  vitrine_console_log_append (&console->log, bytes, n);
  vitrine_backend_emit_console_output (VITRINE_BACKEND (console->owner), console->index, chunk);
}

static void
console_free (Console *console)
{
  vitrine_console_log_clear (&console->log);
  g_free (console);
}

/* --- statistics ------------------------------------------------------------------------------------------------- */

G_STATIC_ASSERT ((int) VITRINE_N_EXITS == (int) VT_STATS_EXIT_COUNT);
G_STATIC_ASSERT ((int) VITRINE_COUNTED_NEVER == (int) VT_COUNTED_NEVER);

static void
engine_get_statistics (VitrineBackend *backend, VitrineStatistics *out)
{
  VtStats stats;

  vt_machine_stats (machine_of (backend), &stats);
  *out = (VitrineStatistics) {
    .counted = (VitrineCounted) stats.counted,
    .counting = stats.counting,
    .translates = stats.translates,
    .instructions = stats.instructions,
    .translated_instructions = stats.translated_instructions,
    .blocks_decoded = stats.blocks_decoded,
    .blocks_translated = stats.blocks_translated,
    .code_bytes = stats.code_bytes,
    .helper_calls = stats.helper_calls,
    .tlb_fills = stats.tlb_fills,
    .tlb_flushes = stats.tlb_flushes,
    .interrupts = stats.interrupts,
    .exceptions = stats.exceptions,
    .io_accesses = stats.io_accesses,
    .halts = stats.halts,
    .rss_bytes = stats.rss_bytes,
    .peak_rss_bytes = stats.peak_rss_bytes,
    .translation_seconds = stats.translation_seconds,
    .guest_seconds = stats.guest_seconds,
    .host_seconds = stats.host_seconds,
    .host_cpu_seconds = stats.host_cpu_seconds,
  };
  for (guint i = 0; i < VITRINE_N_EXITS; i++)
    out->exits[i] = stats.exits[i];
}

static void
engine_count_instructions (VitrineBackend *backend, gboolean on)
{
  vt_machine_count_instructions (machine_of (backend), on);
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static void
engine_set_watched (VitrineBackend *backend, guint head, gboolean watched)
{
  VitrineEngineBackend *self = VITRINE_ENGINE_BACKEND (backend);

  if (head >= self->n_heads)
    return;
  self->heads[head].watchers += watched ? 1 : -1;
  ask_while_watched (self);
}

static void
state_changed (void *opaque, VtMachineState state, const char *message)
{
  VitrineEngineBackend *self = opaque;

  ask_while_watched (self);
  g_free (self->message);
  self->message = g_strdup (message);
  vitrine_backend_emit_changed (VITRINE_BACKEND (self));
}

static void
usb_left (void *opaque, const char *id)
{
  vitrine_backend_emit_usb_left (opaque, id);
}

static void
guest_reset (void *opaque)
{
  vitrine_backend_emit_guest_reset (VITRINE_BACKEND (opaque));
}

static void
trouble (void *opaque, const char *message)
{
  vitrine_backend_emit_trouble (VITRINE_BACKEND (opaque), message);
}

static void
capture_ended (void *opaque)
{
  vitrine_backend_emit_capture_changed (opaque);
}

static void
leds_changed (void *opaque, unsigned mask)
{
  VitrineEngineBackend *self = opaque;

  self->leds = mask;
  self->leds_known = TRUE;
}

static void
pointer_changed (void *opaque, bool absolute)
{
  vitrine_backend_emit_pointer_changed (VITRINE_BACKEND (opaque));
}

static void
damaged (void *opaque)
{
  Head *head = opaque;

  if (head->watchers > 0)
    vitrine_backend_emit_frame_ready (VITRINE_BACKEND (head->owner), head->index);
  ask_while_watched (head->owner);   /* another device may show its picture now */
}

static void
vitrine_engine_backend_finalize (GObject *object)
{
  VitrineEngineBackend *self = VITRINE_ENGINE_BACKEND (object);

  g_clear_handle_id (&self->ask, g_source_remove);
  for (guint i = 0; i < self->consoles->len; i++)
    vt_console_set_output (self->machine, i, NULL, NULL);
  g_clear_pointer (&self->machine, vt_machine_free);
  g_ptr_array_unref (self->consoles);
  g_free (self->message);
  G_OBJECT_CLASS (vitrine_engine_backend_parent_class)->finalize (object);
}

static void
vitrine_engine_backend_class_init (VitrineEngineBackendClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_engine_backend_finalize;
}

static void
vitrine_engine_backend_init (VitrineEngineBackend *self)
{
  self->consoles = g_ptr_array_new_with_free_func ((GDestroyNotify) console_free);
}

static void
vitrine_engine_backend_iface_init (VitrineBackendInterface *iface)
{
  iface->get_state = engine_get_state;
  iface->get_message = engine_get_message;
  iface->get_accelerator = engine_get_accelerator;
  iface->resume = engine_resume;
  iface->pause = engine_pause;
  iface->reset = engine_reset;
  iface->power_button = engine_power_button;
  iface->force_off = engine_force_off;
  iface->save = engine_save;
  iface->restore = engine_restore;
  iface->change_medium = engine_change_medium;
  iface->take_snapshot = engine_take_snapshot;
  iface->forget_snapshot = engine_forget_snapshot;
  vitrine_engine_devices_init (iface);
  iface->get_n_heads = engine_get_n_heads;
  iface->acquire_frame = engine_acquire_frame;
  iface->release_frame = engine_release_frame;
  iface->get_cursor = engine_get_cursor;
  iface->set_watched = engine_set_watched;
  iface->follows_monitor = engine_follows_monitor;
  iface->set_monitor = engine_set_monitor;
  iface->screenshot = engine_screenshot;
  iface->get_text = engine_get_text;
  iface->key = engine_key;
  iface->release_all = engine_release_all;
  iface->motion = engine_motion;
  iface->place = engine_place;
  iface->buttons = engine_buttons;
  iface->wheel = engine_wheel;
  iface->is_absolute = engine_is_absolute;
  iface->send_keys = engine_send_keys;
  iface->get_leds = engine_get_leds;
  iface->get_n_consoles = engine_get_n_consoles;
  iface->console_send = engine_console_send;
  iface->get_console_history = engine_get_console_history;
  iface->get_statistics = engine_get_statistics;
  iface->count_instructions = engine_count_instructions;
}

VitrineBackend *
vitrine_engine_backend_open (const VtConfig *config, GError **error)
{
  VtMachine *machine = vt_machine_new (config, error);
  return machine != NULL ? vitrine_engine_backend_new (machine) : NULL;
}

VitrineBackend *
vitrine_engine_backend_new (VtMachine *machine)
{
  static const VtMachineEvents events = { .state_changed = state_changed, .guest_reset = guest_reset, .trouble = trouble, .leds = leds_changed,
                                          .pointer_changed = pointer_changed, .usb_left = usb_left,
                                          .capture_ended = capture_ended };

  VitrineEngineBackend *self = g_object_new (VITRINE_TYPE_ENGINE_BACKEND, NULL);
  self->machine = machine;
  vt_machine_set_events (machine, &events, self);
  self->n_heads = MIN (vt_machine_displays (machine), VITRINE_MAX_HEADS);
  for (guint i = 0; i < self->n_heads; i++)
    {
      self->heads[i] = (Head) { .owner = self, .index = i, .plugged = TRUE };
      vt_display_set_notify (machine, i, damaged, &self->heads[i]);
    }
  for (guint i = 0; i < vt_machine_consoles (machine); i++)
    {
      Console *console = g_new0 (Console, 1);
      console->owner = self;
      console->index = i;
      g_ptr_array_add (self->consoles, console);
      vt_console_set_output (machine, i, console_output, console);
    }
  return VITRINE_BACKEND (self);
}
