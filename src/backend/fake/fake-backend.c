/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineBackend without a computer: an animated test card. Escape powers off, like a guest that shuts down. */
#include "fake-backend.h"

#include <cairo.h>
#include <glib/gi18n-lib.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vitrine/error.h>

#include "console-log.h"

#define KEY_ESC 1
#define TICK_MS 40

struct _VitrineFakeBackend
{
  GObject parent_instance;

  VitrineState      state;
  char             *message;
  char             *title;
  gboolean          absolute;
  cairo_surface_t  *screen;
  guint             width, height;
  guint64           sequence;
  gboolean          drawn_whole;
  double            phase;
  guint             tick;
  GString          *keys;
  double            pointer_x, pointer_y;
  guint             buttons;
  gboolean          counting;
  gint64            made;        /* monotonic time */
  VitrineConsoleLog log;
};

static void vitrine_fake_backend_iface_init (VitrineBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineFakeBackend, vitrine_fake_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VITRINE_TYPE_BACKEND, vitrine_fake_backend_iface_init))

/* --- the test card ---------------------------------------------------------------------------------------------- */

static void
draw_bars (VitrineFakeBackend *self, cairo_t *cr)
{
  static const double bars[][3] = { { .75, .75, .75 }, { .75, .75, 0 }, { 0, .75, .75 }, { 0, .75, 0 },
                                    { .75, 0, .75 },   { .75, 0, 0 },   { 0, 0, .75 } };
  double width = (double) self->width / G_N_ELEMENTS (bars);

  for (guint i = 0; i < G_N_ELEMENTS (bars); i++)
    {
      cairo_set_source_rgb (cr, bars[i][0], bars[i][1], bars[i][2]);
      cairo_rectangle (cr, floor (i * width), 0, ceil (width), self->height * 0.7);
      cairo_fill (cr);
    }
}

static void
draw_text (cairo_t *cr, double x, double y, double size, const char *text)
{
  cairo_select_font_face (cr, "monospace", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_NORMAL);
  cairo_set_font_size (cr, size);
  cairo_move_to (cr, x, y);
  cairo_show_text (cr, text);
}

static char *
pointer_words (VitrineFakeBackend *self)
{
  return g_strdup_printf ("%s %.0f,%.0f  0x%x", self->absolute ? "tablet" : "mouse", self->pointer_x, self->pointer_y,
                          self->buttons);
}

static void
draw_card (VitrineFakeBackend *self)
{
  cairo_t *cr = cairo_create (self->screen);
  double base = self->height * 0.7, size = self->height / 28.0;
  g_autofree char *pointer = pointer_words (self);

  draw_bars (self, cr);
  cairo_set_source_rgb (cr, 0.08, 0.08, 0.10);
  cairo_rectangle (cr, 0, base, self->width, self->height - base);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  draw_text (cr, size, base + 1.8 * size, size, self->title);
  draw_text (cr, size, base + 3.4 * size, size * 0.8, self->keys->len > 0 ? self->keys->str : "(type something)");
  draw_text (cr, size, base + 4.8 * size, size * 0.8, pointer);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_arc (cr, self->width * (0.5 + 0.4 * sin (self->phase)), self->height * 0.35, self->height * 0.06, 0, 2 * G_PI);
  cairo_fill (cr);
  for (guint x = 0; x < self->width; x += 8)   /* one pixel wide: shows any blur */
    {
      cairo_rectangle (cr, x, self->height - 16, 1, 16);
      cairo_fill (cr);
    }
  cairo_destroy (cr);
  cairo_surface_flush (self->screen);
}

static gboolean
advance (gpointer data)
{
  VitrineFakeBackend *self = data;

  if (self->state != VITRINE_STATE_RUNNING)
    return G_SOURCE_CONTINUE;
  self->phase += 0.05;
  draw_card (self);
  self->sequence++;
  vitrine_backend_emit_frame_ready (VITRINE_BACKEND (self));
  return G_SOURCE_CONTINUE;
}

/* --- VitrineBackend --------------------------------------------------------------------------------------------- */

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
  print (self, "\r\n-- reset --\r\nlogin: ");
  vitrine_backend_emit_guest_reset (backend);
}

static void
fake_off (VitrineBackend *backend)
{
  set_state (VITRINE_FAKE_BACKEND (backend), VITRINE_STATE_OFF, NULL);
}

static gboolean
fake_save (VitrineBackend *backend, const char *path, GError **error)
{
  return g_file_set_contents (path, "saved", -1, error);
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

/* "CD disc.iso 4096 " among the keys: what is in the drive, and that it can be read. */
static void
note_medium (VitrineFakeBackend *self, const char *path, int fd)
{
  g_autofree char *name = path != NULL ? g_path_get_basename (path) : g_strdup ("ejected");
  struct stat info = { 0 };

  if (fd >= 0)
    fstat (fd, &info);
  g_string_append_printf (self->keys, "CD %s %u ", name, (guint) info.st_size);
  self->sequence++;
}

static gboolean
fake_change_medium (VitrineBackend *backend, guint drive, const char *path, int fd, GError **error)
{
  note_medium (VITRINE_FAKE_BACKEND (backend), path, fd);
  if (fd >= 0)
    close (fd);
  return TRUE;
}

static gboolean
fake_has_display (VitrineBackend *backend)
{
  return TRUE;
}

static gboolean
fake_acquire_frame (VitrineBackend *backend, guint64 seen, VitrineFrame *out)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (seen == self->sequence)
    return FALSE;
  *out = (VitrineFrame) {
    .pixels = cairo_image_surface_get_data (self->screen),
    .width = self->width,
    .height = self->height,
    .stride = (guint) cairo_image_surface_get_stride (self->screen),
    .damage_width = (gint) self->width,
    .damage_height = (gint) self->height,
    .sequence = self->sequence,
  };
  return TRUE;
}

static void
fake_release_frame (VitrineBackend *backend, VitrineFrame *frame)
{
}

static cairo_status_t
append_png (void *bytes, const unsigned char *data, unsigned int n)
{
  g_byte_array_append (bytes, data, n);
  return CAIRO_STATUS_SUCCESS;
}

static GBytes *
fake_screenshot (VitrineBackend *backend, GError **error)
{
  GByteArray *bytes = g_byte_array_new ();

  cairo_surface_write_to_png_stream (VITRINE_FAKE_BACKEND (backend)->screen, append_png, bytes);
  return g_byte_array_free_to_bytes (bytes);
}

static char *
fake_get_text (VitrineBackend *backend)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  g_autofree char *pointer = pointer_words (self);

  return g_strdup_printf ("%s\n%s", self->keys->str, pointer);
}

static void
fake_key (VitrineBackend *backend, guint evdev_code, gboolean down)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (self->state != VITRINE_STATE_RUNNING)
    return;
  g_string_append_printf (self->keys, "%s%u ", down ? "+" : "-", evdev_code);
  if (self->keys->len > 60)
    g_string_erase (self->keys, 0, (gssize) self->keys->len - 60);
  if (down && evdev_code == KEY_ESC)
    fake_off (backend);
}

static void
fake_release_all (VitrineBackend *backend)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  g_string_append (self->keys, "released ");
  self->buttons = 0;
}

static void
fake_motion (VitrineBackend *backend, gint dx, gint dy)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  self->pointer_x += dx;
  self->pointer_y += dy;
}

static void
fake_place (VitrineBackend *backend, guint x, guint y)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  self->pointer_x = x;
  self->pointer_y = y;
}

static void
fake_buttons (VitrineBackend *backend, guint mask)
{
  VITRINE_FAKE_BACKEND (backend)->buttons = mask;
}

static void
fake_wheel (VitrineBackend *backend, gint clicks_x, gint clicks_y)
{
  g_string_append_printf (VITRINE_FAKE_BACKEND (backend)->keys, "wheel %d ", clicks_y);
}

static gboolean
fake_is_absolute (VitrineBackend *backend)
{
  return VITRINE_FAKE_BACKEND (backend)->absolute;
}

static gboolean
fake_send_keys (VitrineBackend *backend, const char *spec, GError **error)
{
  if (strstr (spec, "nonsense") != NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "“%s” is not a key.", spec);
      return FALSE;
    }
  g_string_append_printf (VITRINE_FAKE_BACKEND (backend)->keys, "[%s] ", spec);
  return TRUE;
}

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
  cairo_surface_destroy (self->screen);
  vitrine_console_log_clear (&self->log);
  g_string_free (self->keys, TRUE);
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
  self->state = VITRINE_STATE_PAUSED;
  self->made = g_get_monotonic_time ();
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
  iface->change_medium = fake_change_medium;
  iface->has_display = fake_has_display;
  iface->acquire_frame = fake_acquire_frame;
  iface->release_frame = fake_release_frame;
  iface->screenshot = fake_screenshot;
  iface->get_text = fake_get_text;
  iface->key = fake_key;
  iface->release_all = fake_release_all;
  iface->motion = fake_motion;
  iface->place = fake_place;
  iface->buttons = fake_buttons;
  iface->wheel = fake_wheel;
  iface->is_absolute = fake_is_absolute;
  iface->send_keys = fake_send_keys;
  iface->get_n_consoles = fake_get_n_consoles;
  iface->console_send = fake_console_send;
  iface->get_console_history = fake_get_console_history;
  iface->get_statistics = fake_get_statistics;
  iface->count_instructions = fake_count_instructions;
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

VitrineBackend *
vitrine_fake_backend_open (const VtConfig *config, GError **error)
{
  const char *wishes = config->append != NULL ? config->append : "";
  const char *screen = strstr (wishes, "screen=");

  if (!check_disks (config, error))
    return NULL;
  VitrineFakeBackend *self = g_object_new (VITRINE_TYPE_FAKE_BACKEND, NULL);
  self->title = g_strdup (config->name);
  self->absolute = strstr (wishes, "absolute") != NULL;
  if (screen == NULL || sscanf (screen, "screen=%ux%u", &self->width, &self->height) != 2 || self->width > 8192
      || self->height > 8192)
    {
      self->width = 800;
      self->height = 600;
    }
  self->screen = cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) self->width, (int) self->height);
  draw_card (self);
  self->tick = g_timeout_add (TICK_MS, advance, self);
  print (self, "Test card\r\nlogin: ");
  if (strstr (wishes, "block") != NULL)
    self->message = g_strdup ("The disk is full.");
  return VITRINE_BACKEND (self);
}
