/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineBackend on the engine, in this process. The engine posts its events to our main context, so everything here runs on
 * GTK's thread. */
#include "engine-backend.h"

#include <vitrine/console.h>
#include <vitrine/snapshot.h>
#include <vitrine/stats.h>

#include "console-log.h"
#include "engine-backend-private.h"
#include "engine-devices.h"

typedef struct
{
  VitrineEngineBackend *owner;
  guint                 index;
  VitrineConsoleLog     log;
} Console;

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

static bool
engine_progress (void *opaque, uint64_t done_bytes, uint64_t total_bytes)
{
  const VitrineSnapshotPlan *plan = opaque;
  return plan->progress (plan->data, done_bytes, total_bytes);
}

static gboolean
engine_save (VitrineBackend *backend, const char *path, VitrineSaveProgress progress, gpointer data, GError **error)
{
  VitrineSnapshotPlan plan = { .progress = progress, .data = data };
  return vt_machine_save (machine_of (backend), path, progress != NULL ? engine_progress : NULL, &plan, error);
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

/* --- consoles --------------------------------------------------------------------------------------------------- */

static guint
engine_get_n_consoles (VitrineBackend *backend)
{
  return VITRINE_ENGINE_BACKEND (backend)->consoles->len;
}

static void
engine_console_send (VitrineBackend *backend, guint console, const guint8 *bytes, gsize n)
{
  vitrine_engine_backend_look_closely (VITRINE_ENGINE_BACKEND (backend));
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
state_changed (void *opaque, VtMachineState state, const char *message)
{
  VitrineEngineBackend *self = opaque;

  vitrine_engine_backend_ask_while_watched (self);
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
  vitrine_engine_screen_init (iface);
  vitrine_engine_input_init (iface);
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
  vitrine_engine_backend_begin_heads (self);
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
