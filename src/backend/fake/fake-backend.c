/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineBackend without a computer: an animated test card. Escape powers off, like a guest that shuts down. */
#include "fake-backend.h"

#include <glib/gi18n-lib.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <vitrine/error.h>

#include "fake-backend-private.h"

#define TICK_MS 40

static void vitrine_fake_backend_iface_init (VitrineBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineFakeBackend, vitrine_fake_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VITRINE_TYPE_BACKEND, vitrine_fake_backend_iface_init))

/* --- state and commands ----------------------------------------------------------------------------------------- */

static void
set_state (VitrineFakeBackend *self, VitrineState state, const char *message)
{
  self->state = state;
  g_free (self->message);
  self->message = g_strdup (message);
  vitrine_backend_emit_changed (VITRINE_BACKEND (self));
}

static VitrineState
fake_get_state (VitrineBackend *backend)
{
  return VITRINE_FAKE_BACKEND (backend)->state;
}

static const char *
fake_get_message (VitrineBackend *backend)
{
  return VITRINE_FAKE_BACKEND (backend)->message;
}

static const char *
fake_get_accelerator (VitrineBackend *backend)
{
  return "Test card: no processor runs.";
}

static void
fake_resume (VitrineBackend *backend)
{
  set_state (VITRINE_FAKE_BACKEND (backend), VITRINE_STATE_RUNNING, NULL);
}

static void
fake_pause (VitrineBackend *backend)
{
  set_state (VITRINE_FAKE_BACKEND (backend), VITRINE_STATE_PAUSED, NULL);
}

static void
print (VitrineFakeBackend *self, const char *text)
{
  g_autoptr(GBytes) bytes = g_bytes_new (text, strlen (text));

  vitrine_console_log_append (&self->log, (const guint8 *) text, strlen (text));
  vitrine_backend_emit_console_output (VITRINE_BACKEND (self), 0, bytes);
}

static void
fake_reset (VitrineBackend *backend)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  g_string_truncate (self->keys, 0);
  vitrine_fake_backend_changed (self);
  print (self, "\r\n-- reset --\r\nlogin: ");
  vitrine_backend_emit_guest_reset (backend);
}

static void
fake_off (VitrineBackend *backend)
{
  set_state (VITRINE_FAKE_BACKEND (backend), VITRINE_STATE_OFF, NULL);
}

/* A test that wants to see something being done says in a variable how long that takes. */
static gboolean
go_slowly (const char *variable, guint64 otherwise_ms, const char *path, VitrineSaveProgress progress, gpointer data, GError **error)
{
  const char *slow = g_getenv (variable);
  guint64     step_us = (slow != NULL ? g_ascii_strtoull (slow, NULL, 10) : otherwise_ms) * 100;

  for (guint64 done = 0; done <= 10; done++)
    {
      if (progress != NULL && !progress (data, done, 10))
        {
          g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "“%s”: stopped", path);
          return FALSE;
        }
      g_usleep (step_us);
    }
  return TRUE;
}

static gboolean
fake_save (VitrineBackend *backend, const char *path, VitrineSaveProgress progress, gpointer data, GError **error)
{
  return go_slowly ("VITRINE_TEST_CARD_SAVE_MS", 0, path, progress, data, error) && g_file_set_contents (path, "saved", -1, error);
}

static gboolean
fake_restore (VitrineBackend *backend, const char *path, GError **error)
{
  g_autofree char *data = NULL;

  if (!g_file_get_contents (path, &data, NULL, error))
    return FALSE;
  g_string_assign (VITRINE_FAKE_BACKEND (backend)->keys, "restored");
  return TRUE;
}

/* The names are kept where the engine keeps memory and devices. */
static gboolean
fake_take_snapshot (VitrineBackend *backend, const VitrineSnapshotPlan *plan, GError **error)
{
  if (!go_slowly ("VITRINE_TEST_CARD_SNAPSHOT_MS", 200, plan->state_path, plan->progress, plan->data, error))
    return FALSE;
  if (plan->moment != NULL)
    plan->moment (plan->data);
  return g_file_set_contents (plan->state_path, plan->name, -1, error);
}

static gboolean
fake_forget_snapshot (VitrineBackend *backend, const char *name, GError **error)
{
  return TRUE;
}

/* --- consoles --------------------------------------------------------------------------------------------------- */

static guint
fake_get_n_consoles (VitrineBackend *backend)
{
  return 1;
}

static void
fake_console_send (VitrineBackend *backend, guint console, const guint8 *bytes, gsize n)
{
  g_autofree char *text = g_strndup ((const char *) bytes, n);

  print (VITRINE_FAKE_BACKEND (backend), text);
  if (strchr (text, '\r') != NULL)
    print (VITRINE_FAKE_BACKEND (backend), "\nlogin: ");
}

static GBytes *
fake_get_console_history (VitrineBackend *backend, guint console)
{
  return vitrine_console_log_get (&VITRINE_FAKE_BACKEND (backend)->log);
}

/* --- statistics ------------------------------------------------------------------------------------------------- */

/* As busy as a computer that swings; each step of the card counts. */
static void
fake_get_statistics (VitrineBackend *backend, VitrineStatistics *out)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  double work = 20 * self->phase + 10 * (1 - cos (self->phase));

  *out = (VitrineStatistics) {
    .counted = VITRINE_COUNTED_PARTLY,
    .counting = self->counting,
    .translates = TRUE,
    .instructions = (guint64) (work * 1e7),
    .translated_instructions = (guint64) (work * 0.97e7),
    .blocks_decoded = (guint64) (work * 40),
    .blocks_translated = (guint64) (work * 12),
    .code_bytes = (guint64) (work * 9000),
    .helper_calls = (guint64) (work * 3000),
    .exits = { (guint64) (work * 400), (guint64) (work * 30), (guint64) (work * 250), (guint64) work, (guint64) (work * 90),
               (guint64) (work * 60) },
    .tlb_fills = (guint64) (work * 700),
    .tlb_flushes = (guint64) work,
    .interrupts = (guint64) (work * 10),
    .exceptions = (guint64) (work * 60),
    .io_accesses = (guint64) (work * 5),
    .halts = (guint64) work,
    .rss_bytes = (guint64) (3e8 + 1e8 * sin (self->phase / 10)),
    .peak_rss_bytes = (guint64) 4e8,
    .translation_seconds = work / 1000,
    .guest_seconds = self->phase,
    .host_seconds = (double) (g_get_monotonic_time () - self->made) / 1e6,
    .host_cpu_seconds = work / 40,
  };
}

static void
fake_count_instructions (VitrineBackend *backend, gboolean on)
{
  VITRINE_FAKE_BACKEND (backend)->counting = on;
}

/* --- life ------------------------------------------------------------------------------------------------------- */

static void
vitrine_fake_backend_finalize (GObject *object)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (object);

  g_clear_handle_id (&self->tick, g_source_remove);
  g_clear_pointer (&self->agent, vitrine_fake_agent_free);
  for (guint i = 0; i < self->n_heads; i++)
    cairo_surface_destroy (self->heads[i].screen);
  vitrine_console_log_clear (&self->log);
  if (self->trace >= 0)
    close (self->trace);
  g_strfreev (self->forwards);
  g_string_free (self->keys, TRUE);
  g_hash_table_unref (self->usb);
  g_free (self->message);
  g_free (self->title);
  G_OBJECT_CLASS (vitrine_fake_backend_parent_class)->finalize (object);
}

static void
vitrine_fake_backend_class_init (VitrineFakeBackendClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_fake_backend_finalize;
}

static void
vitrine_fake_backend_init (VitrineFakeBackend *self)
{
  self->keys = g_string_new (NULL);
  self->usb = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, vitrine_fake_backend_free_usb);
  self->state = VITRINE_STATE_PAUSED;
  self->made = g_get_monotonic_time ();
  self->trace = -1;
  self->sequence = 1;
}

static void
vitrine_fake_backend_iface_init (VitrineBackendInterface *iface)
{
  iface->get_state = fake_get_state;
  iface->get_message = fake_get_message;
  iface->get_accelerator = fake_get_accelerator;
  iface->resume = fake_resume;
  iface->pause = fake_pause;
  iface->reset = fake_reset;
  iface->power_button = fake_off;
  iface->force_off = fake_off;
  iface->save = fake_save;
  iface->restore = fake_restore;
  iface->take_snapshot = fake_take_snapshot;
  iface->forget_snapshot = fake_forget_snapshot;
  vitrine_fake_backend_devices_init (iface);
  vitrine_fake_backend_screen_init (iface);
  vitrine_fake_backend_input_init (iface);
  iface->get_n_consoles = fake_get_n_consoles;
  iface->console_send = fake_console_send;
  iface->get_console_history = fake_get_console_history;
  iface->get_statistics = fake_get_statistics;
  iface->count_instructions = fake_count_instructions;
}

static gboolean
advance (gpointer data)
{
  VitrineFakeBackend *self = data;

  if (self->state != VITRINE_STATE_RUNNING)
    return G_SOURCE_CONTINUE;
  self->phase += 0.05;
  if (!self->still)
    vitrine_fake_backend_changed (self);
  return G_SOURCE_CONTINUE;
}

static gboolean
check_disks (const VtConfig *config, GError **error)
{
  for (guint i = 0; i < config->disks->len; i++)
    {
      const VtDiskConfig *disk = config->disks->pdata[i];
      if (disk->path != NULL && !g_file_test (disk->path, G_FILE_TEST_EXISTS))
        {
          g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, _("The disk image “%s” does not exist."), disk->path);
          return FALSE;
        }
    }
  return TRUE;
}

static guint
number_in (const char *wishes, const char *key, guint usual, guint most)
{
  const char *found = strstr (wishes, key);

  return found != NULL ? CLAMP ((guint) strtoul (found + strlen (key), NULL, 10), 1, most) : usual;
}

static void
take_wishes (VitrineFakeBackend *self, const char *wishes)
{
  self->absolute = strstr (wishes, "absolute") != NULL;
  self->follows = strstr (wishes, "follows") != NULL;
  self->still = strstr (wishes, "still") != NULL;
  self->pattern = strstr (wishes, "pattern") != NULL;
  self->pointed = strstr (wishes, "pointed") != NULL;
  self->n_heads = number_in (wishes, "heads=", 1, VITRINE_MAX_HEADS);
  for (guint i = 0; i < self->n_heads; i++)
    {
      vitrine_fake_backend_set_size (&self->heads[i], number_in (wishes, "width=", 800, 8192), number_in (wishes, "height=", 600, 8192));
      self->heads[i].monitor = (VitrineMonitor) { .width = 1280, .height = 800 };
    }
  if (strstr (wishes, "block") != NULL)
    self->message = g_strdup ("The disk is full.");
}

static void
begin_agent (VitrineFakeBackend *self, const VtConfig *config)
{
  for (guint i = 0; i < config->ports->len && self->agent == NULL; i++)
    {
      const VtPortConfig *port = config->ports->pdata[i];
      if (port->end.kind == VT_SERIAL_DESCRIPTOR)
        self->agent = vitrine_fake_agent_new (port->end.fd, self->keys);
    }
}

VitrineBackend *
vitrine_fake_backend_open (const VtConfig *config, GError **error)
{
  if (!check_disks (config, error))
    return NULL;
  VitrineFakeBackend *self = g_object_new (VITRINE_TYPE_FAKE_BACKEND, NULL);
  self->title = g_strdup (config->name);
  take_wishes (self, config->append != NULL ? config->append : "");
  if (config->append != NULL && strstr (config->append, "agent") != NULL)
    begin_agent (self, config);
  self->tick = g_timeout_add (TICK_MS, advance, self);
  print (self, "Test card\r\nlogin: ");
  return VITRINE_BACKEND (self);
}
