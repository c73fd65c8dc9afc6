/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineBackend without a computer: an animated test card. Escape powers off, like a guest that shuts down. */
#include "fake-backend.h"

#include <cairo.h>
#include <glib-unix.h>
#include <glib/gi18n-lib.h>
#include <math.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <vitrine/error.h>

#include "console-log.h"
#include "fake-agent.h"

#define KEY_ESC 1
#define KEY_CAPSLOCK 58
#define KEY_NUMLOCK 69
#define KEY_SCROLLLOCK 70
#define TICK_MS 40

typedef struct
{
  cairo_surface_t *screen;
  guint            width, height;
  guint64          drawn;        /* sequence */
  guint            watchers, frames;
  VitrineMonitor   monitor;      /* width 0: unplugged */
} Head;

struct _VitrineFakeBackend
{
  GObject parent_instance;

  VitrineState      state;
  guint64           memory;           /* that the guest should use */
  char             *message;
  char             *title;
  gboolean          absolute, follows, still, pattern, pointed;   /* what the command line wishes for */
  Head              heads[VITRINE_MAX_HEADS];
  guint             n_heads;
  guint64           sequence;
  double            phase;
  guint             tick;
  GString          *keys;
  double            pointer_x, pointer_y;
  guint             buttons, leds, pointer_head;
  guint64           shape;
  gboolean          counting;
  GStrv             forwards;    /* of the first card; NULL: none */
  int               trace;       /* a pipe; -1: none */
  gint64            made;        /* monotonic time */
  VitrineConsoleLog log;
  GHashTable       *usb;         /* ids and their watches of the other ends */
  VitrineFakeAgent *agent;       /* NULL: none is wished for, or there is no port */
};

static void vitrine_fake_backend_iface_init (VitrineBackendInterface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineFakeBackend, vitrine_fake_backend, G_TYPE_OBJECT,
                               G_IMPLEMENT_INTERFACE (VITRINE_TYPE_BACKEND, vitrine_fake_backend_iface_init))

/* --- the test card ---------------------------------------------------------------------------------------------- */

static void
draw_bars (const Head *head, cairo_t *cr)
{
  static const double bars[][3] = { { .75, .75, .75 }, { .75, .75, 0 }, { 0, .75, .75 }, { 0, .75, 0 },
                                    { .75, 0, .75 },   { .75, 0, 0 },   { 0, 0, .75 } };
  double width = (double) head->width / G_N_ELEMENTS (bars);

  for (guint i = 0; i < G_N_ELEMENTS (bars); i++)
    {
      cairo_set_source_rgb (cr, bars[i][0], bars[i][1], bars[i][2]);
      cairo_rectangle (cr, floor (i * width), 0, ceil (width), head->height * 0.7);
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
draw_card (VitrineFakeBackend *self, const Head *head)
{
  cairo_t *cr = cairo_create (head->screen);
  double base = head->height * 0.7, size = head->height / 28.0;
  g_autofree char *pointer = pointer_words (self);

  draw_bars (head, cr);
  cairo_set_source_rgb (cr, 0.08, 0.08, 0.10);
  cairo_rectangle (cr, 0, base, head->width, head->height - base);
  cairo_fill (cr);
  cairo_set_source_rgb (cr, 1, 1, 1);
  draw_text (cr, size, base + 1.8 * size, size, self->title);
  draw_text (cr, size, base + 3.4 * size, size * 0.8, self->keys->len > 0 ? self->keys->str : "(type something)");
  draw_text (cr, size, base + 4.8 * size, size * 0.8, pointer);
  cairo_set_source_rgb (cr, 1, 1, 1);
  cairo_arc (cr, head->width * (0.5 + 0.4 * sin (self->phase)), head->height * 0.35, head->height * 0.06, 0, 2 * G_PI);
  cairo_fill (cr);
  for (guint x = 0; x < head->width; x += 8)   /* one pixel wide: shows any blur */
    {
      cairo_rectangle (cr, x, head->height - 16, 1, 16);
      cairo_fill (cr);
    }
  cairo_destroy (cr);
}

/* Each pixel tells where it is, and how large the picture: tests/ui/pattern.py knows it too. */
static void
draw_pattern (const Head *head)
{
  guint8 *pixels = cairo_image_surface_get_data (head->screen);
  int stride = cairo_image_surface_get_stride (head->screen);

  for (guint y = 0; y < head->height; y++)
    for (guint x = 0; x < head->width; x++)
      ((guint32 *) (gpointer) (pixels + (gsize) y * stride))[x] =
        ((x * 7 + head->width) & 0xff) << 16 | ((y * 5 + head->height) & 0xff) << 8 | ((x ^ y) & 0xff);
  cairo_surface_mark_dirty (head->screen);
}

static void
draw (VitrineFakeBackend *self, Head *head)
{
  if (self->pattern)
    draw_pattern (head);
  else
    draw_card (self, head);
  cairo_surface_flush (head->screen);
  head->drawn = self->sequence;
  head->frames++;
}

static void
set_size (Head *head, guint width, guint height)
{
  g_clear_pointer (&head->screen, cairo_surface_destroy);
  head->width = width;
  head->height = height;
  head->screen = cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) width, (int) height);
  head->drawn = 0;
}

static void
changed (VitrineFakeBackend *self)
{
  self->sequence++;
  for (guint i = 0; i < self->n_heads; i++)
    if (self->heads[i].watchers > 0)
      vitrine_backend_emit_frame_ready (VITRINE_BACKEND (self), i);
}

static gboolean
advance (gpointer data)
{
  VitrineFakeBackend *self = data;

  if (self->state != VITRINE_STATE_RUNNING)
    return G_SOURCE_CONTINUE;
  self->phase += 0.05;
  if (!self->still)
    changed (self);
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
  changed (self);
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
  changed (self);
}

static gboolean
fake_change_medium (VitrineBackend *backend, guint drive, const char *path, int fd, GError **error)
{
  note_medium (VITRINE_FAKE_BACKEND (backend), path, fd);
  if (fd >= 0)
    close (fd);
  return TRUE;
}

/* "disk vdb 2 " among the keys: what came, and with how many files, "key " if with a key; "gone vdb " when it went. */
static gboolean
fake_add_disk (VitrineBackend *backend, guint number, GVariant *disk, const char *const *paths, const int *fds, int key, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  const char *id = "";

  g_variant_lookup (disk, "id", "&s", &id);
  g_string_append_printf (self->keys, "disk %s %u %s", id, g_strv_length ((char **) paths), key >= 0 ? "key " : "");
  changed (self);
  return TRUE;
}

/* "card 52:54:... ", and "device " if with one. */
static gboolean
fake_add_network (VitrineBackend *backend, guint number, GVariant *card, int device, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  const char *mac = "";

  g_variant_lookup (card, "mac", "&s", &mac);
  g_string_append_printf (self->keys, "card %s %s", mac, device >= 0 ? "device " : "");
  changed (self);
  return TRUE;
}

/* "usb 1:7 " among the keys, and "no usb 1:7 "; when the other end hangs up, the device has left. */
typedef struct
{
  VitrineFakeBackend *owner;
  char               *id;
  int                 fd;
  guint               watch;
} FakeUsb;

static void
fake_usb_free (gpointer data)
{
  FakeUsb *usb = data;

  if (usb->watch != 0)
    g_source_remove (usb->watch);
  close (usb->fd);
  g_free (usb->id);
  g_free (usb);
}

static gboolean
fake_usb_left (int fd, GIOCondition condition, gpointer data)
{
  FakeUsb *usb = data;
  VitrineFakeBackend *self = usb->owner;
  g_autofree char *id = g_strdup (usb->id);

  usb->watch = 0;
  g_hash_table_remove (self->usb, id);
  vitrine_backend_emit_usb_left (VITRINE_BACKEND (self), id);
  return G_SOURCE_REMOVE;
}

static gboolean
fake_plug_usb (VitrineBackend *backend, const char *id, int fd, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  FakeUsb *usb = g_new (FakeUsb, 1);

  *usb = (FakeUsb) { self, g_strdup (id), fd, g_unix_fd_add (fd, G_IO_HUP, fake_usb_left, usb) };
  g_hash_table_replace (self->usb, g_strdup (id), usb);
  g_string_append_printf (self->keys, "usb %s ", id);
  changed (self);
  vitrine_backend_emit_usb_changed (backend);
  return TRUE;
}

static gboolean
fake_unplug_usb (VitrineBackend *backend, const char *id, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (!g_hash_table_remove (self->usb, id))
    {
      g_set_error (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "The guest has no USB device “%s”", id);
      return FALSE;
    }
  g_string_append_printf (self->keys, "no usb %s ", id);
  changed (self);
  vitrine_backend_emit_usb_changed (backend);
  return TRUE;
}

static GStrv
fake_list_usb (VitrineBackend *backend)
{
  g_autofree gpointer *ids = g_hash_table_get_keys_as_array (VITRINE_FAKE_BACKEND (backend)->usb, NULL);

  return g_strdupv ((char **) ids);
}

static guint
fake_count_usb_ports (VitrineBackend *backend)
{
  return 4;
}

static gboolean
fake_grow_disk (VitrineBackend *backend, const char *id, guint64 bytes, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  g_string_append_printf (self->keys, "%s grew to %" G_GUINT64_FORMAT " ", id, bytes);
  changed (self);
  return TRUE;
}

static gboolean
fake_get_disk_size (VitrineBackend *backend, const char *id, guint64 *bytes, GError **error)
{
  *bytes = 1 << 30;
  return TRUE;
}

/* A device called "kept" is one that the guest does not let go. */
static void
fake_remove_device (VitrineBackend *backend, VitrineDeviceKind kind, const char *id, GTask *task)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  g_string_append_printf (self->keys, "gone %s ", id);
  changed (self);
  if (g_str_equal (id, "kept"))
    g_task_return_new_error (task, VT_ERROR, VT_ERROR_BUSY, "The guest keeps it");
  else
    g_task_return_boolean (task, TRUE);
  g_object_unref (task);
}

/* The names are kept where the engine keeps memory and devices. A test that wants to see one being taken says how long it takes. */
static gboolean
fake_take_snapshot (VitrineBackend *backend, const VitrineSnapshotPlan *plan, GError **error)
{
  const char *slow = g_getenv ("VITRINE_TEST_CARD_SNAPSHOT_MS");
  guint64     step_us = (slow != NULL ? g_ascii_strtoull (slow, NULL, 10) : 200) * 100;

  for (guint64 done = 0; done <= 10; done++)
    {
      if (plan->progress != NULL && !plan->progress (plan->data, done, 10))
        {
          g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "“%s”: stopped", plan->state_path);
          return FALSE;
        }
      g_usleep (step_us);
    }
  if (plan->moment != NULL)
    plan->moment (plan->data);
  return g_file_set_contents (plan->state_path, plan->name, -1, error);
}

static gboolean
fake_forget_snapshot (VitrineBackend *backend, const char *name, GError **error)
{
  return TRUE;
}

static gboolean
fake_set_memory (VitrineBackend *backend, guint64 bytes, GError **error)
{
  VITRINE_FAKE_BACKEND (backend)->memory = bytes;
  return TRUE;
}

static GVariant *
fake_get_memory (VitrineBackend *backend)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("a{st}"));

  g_variant_builder_add (&builder, "{st}", "wanted", VITRINE_FAKE_BACKEND (backend)->memory);
  return g_variant_builder_end (&builder);
}

static gboolean
no_card (GError **error)
{
  g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_NOT_FOUND, "There is no card");
  return FALSE;
}

static gboolean
fake_set_link (VitrineBackend *backend, guint card, gboolean up, GError **error)
{
  return no_card (error);
}

static gboolean
fake_set_mac (VitrineBackend *backend, guint card, const guint8 mac[6], GError **error)
{
  return no_card (error);
}

/* An event for each glob. */
static gboolean
fake_trace (VitrineBackend *backend, const char *const *globs, int fd, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (self->trace >= 0)
    close (self->trace);
  self->trace = fd;
  for (; globs != NULL && *globs != NULL; globs++)
    dprintf (fd, "0.000000 %s\n", *globs);
  return TRUE;
}

gboolean
vitrine_fake_backend_is_traced (VitrineFakeBackend *self)
{
  return self->trace >= 0;
}

/* The first card has some; "taken" is a port that it does not get. */
static gboolean
fake_set_forwards (VitrineBackend *backend, guint card, const char *const *rules, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (card != 0)
    return no_card (error);
  if (g_strv_contains (rules, "taken"))
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, "That port is in use");
      return FALSE;
    }
  g_strfreev (self->forwards);
  self->forwards = g_strdupv ((char **) rules);
  return TRUE;
}

static GStrv
fake_get_forwards (VitrineBackend *backend, guint card, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  if (card == 0)
    return self->forwards != NULL ? g_strdupv (self->forwards) : g_new0 (char *, 1);
  no_card (error);
  return NULL;
}

static gboolean
fake_capture (VitrineBackend *backend, guint card, int fd, GError **error)
{
  if (fd >= 0)
    close (fd);
  return no_card (error);
}

static gboolean
fake_is_captured (VitrineBackend *backend, guint card)
{
  return FALSE;
}

static GStrv
fake_list_cards (VitrineBackend *backend)
{
  return g_new0 (char *, 1);
}

static guint
fake_get_n_heads (VitrineBackend *backend)
{
  return VITRINE_FAKE_BACKEND (backend)->n_heads;
}

static gboolean
fake_acquire_frame (VitrineBackend *backend, guint number, guint64 seen, VitrineFrame *out)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  Head *head = &self->heads[number];

  if (number >= self->n_heads || seen == self->sequence)
    return FALSE;
  if (head->drawn != self->sequence)
    draw (self, head);
  *out = (VitrineFrame) {
    .pixels = cairo_image_surface_get_data (head->screen),
    .width = head->width,
    .height = head->height,
    .stride = (guint) cairo_image_surface_get_stride (head->screen),
    .damage_width = (gint) head->width,
    .damage_height = (gint) head->height,
    .sequence = self->sequence,
    .blank = head->monitor.width == 0,
  };
  return TRUE;
}

static void
fake_release_frame (VitrineBackend *backend, VitrineFrame *frame)
{
}

/* A cross of 17 pixels; a shape of the other colour for each key typed. */
static gboolean
fake_get_cursor (VitrineBackend *backend, guint head, guint64 seen, VitrineCursor *out)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  guint32 color = self->shape % 2 == 0 ? 0xffff8000 : 0xff00a0ff;

  out->serial = self->shape + 2;
  out->visible = self->pointed;
  out->x = (gint) self->pointer_x;
  out->y = (gint) self->pointer_y;
  if (seen == out->serial)
    return TRUE;
  out->width = out->height = 17;
  out->hot_x = out->hot_y = 8;
  for (guint i = 0; i < 17 * 17; i++)
    out->pixels[i] = i / 17 == 8 || i % 17 == 8 ? color : 0;
  return TRUE;
}

static void
fake_set_watched (VitrineBackend *backend, guint head, gboolean watched)
{
  VITRINE_FAKE_BACKEND (backend)->heads[head].watchers += watched ? 1 : -1;
}

static gboolean
fake_follows_monitor (VitrineBackend *backend)
{
  return VITRINE_FAKE_BACKEND (backend)->follows;
}

static void
fake_set_monitor (VitrineBackend *backend, guint number, const VitrineMonitor *monitor)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  Head *head = &self->heads[number];

  if (number >= self->n_heads)
    return;
  head->monitor = monitor != NULL ? *monitor : (VitrineMonitor) { 0 };
  if (self->follows && monitor != NULL)
    set_size (head, monitor->width, monitor->height);
  changed (self);
}

static cairo_status_t
append_png (void *bytes, const unsigned char *data, unsigned int n)
{
  g_byte_array_append (bytes, data, n);
  return CAIRO_STATUS_SUCCESS;
}

static GBytes *
fake_screenshot (VitrineBackend *backend, guint number, GError **error)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  GByteArray *bytes = g_byte_array_new ();

  draw (self, &self->heads[number]);
  cairo_surface_write_to_png_stream (self->heads[number].screen, append_png, bytes);
  return g_byte_array_free_to_bytes (bytes);
}

static char *
fake_get_text (VitrineBackend *backend)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);
  g_autofree char *pointer = pointer_words (self);
  GString *text = g_string_new (NULL);

  g_string_append_printf (text, "%s\n%s on %u\nleds %u", self->keys->str, pointer, self->pointer_head, self->leds);
  for (guint i = 0; i < self->n_heads; i++)
    {
      const Head *head = &self->heads[i];
      g_string_append_printf (text, "\nhead %u: %ux%u %ux%u mm, %u frames", i, head->monitor.width, head->monitor.height,
                              head->monitor.width_mm, head->monitor.height_mm, head->frames);
    }
  return g_string_free (text, FALSE);
}

static guint
led_of (guint evdev_code)
{
  return evdev_code == KEY_CAPSLOCK     ? VITRINE_LED_CAPS
         : evdev_code == KEY_NUMLOCK    ? VITRINE_LED_NUM
         : evdev_code == KEY_SCROLLLOCK ? VITRINE_LED_SCROLL
                                        : 0;
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
  self->shape += down;
  if (down && led_of (evdev_code) != 0)
    self->leds ^= led_of (evdev_code);
  changed (self);
  if (down && evdev_code == KEY_ESC)
    fake_off (backend);
}

static void
fake_release_all (VitrineBackend *backend)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  g_string_append (self->keys, "released ");
  self->buttons = 0;
  changed (self);
}

static void
fake_motion (VitrineBackend *backend, gint dx, gint dy)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  self->pointer_x += dx;
  self->pointer_y += dy;
  changed (self);
}

static void
fake_place (VitrineBackend *backend, guint head, guint x, guint y)
{
  VitrineFakeBackend *self = VITRINE_FAKE_BACKEND (backend);

  self->pointer_head = head;
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
  changed (VITRINE_FAKE_BACKEND (backend));
  return TRUE;
}

static gboolean
fake_get_leds (VitrineBackend *backend, guint *mask)
{
  *mask = VITRINE_FAKE_BACKEND (backend)->leds;
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
  self->usb = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, fake_usb_free);
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
  iface->change_medium = fake_change_medium;
  iface->add_disk = fake_add_disk;
  iface->add_network = fake_add_network;
  iface->plug_usb = fake_plug_usb;
  iface->unplug_usb = fake_unplug_usb;
  iface->list_usb = fake_list_usb;
  iface->count_usb_ports = fake_count_usb_ports;
  iface->grow_disk = fake_grow_disk;
  iface->get_disk_size = fake_get_disk_size;
  iface->remove_device = fake_remove_device;
  iface->take_snapshot = fake_take_snapshot;
  iface->forget_snapshot = fake_forget_snapshot;
  iface->set_memory = fake_set_memory;
  iface->get_memory = fake_get_memory;
  iface->set_link = fake_set_link;
  iface->set_mac = fake_set_mac;
  iface->set_forwards = fake_set_forwards;
  iface->get_forwards = fake_get_forwards;
  iface->capture = fake_capture;
  iface->is_captured = fake_is_captured;
  iface->list_cards = fake_list_cards;
  iface->trace = fake_trace;
  iface->get_n_heads = fake_get_n_heads;
  iface->acquire_frame = fake_acquire_frame;
  iface->release_frame = fake_release_frame;
  iface->get_cursor = fake_get_cursor;
  iface->set_watched = fake_set_watched;
  iface->follows_monitor = fake_follows_monitor;
  iface->set_monitor = fake_set_monitor;
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
  iface->get_leds = fake_get_leds;
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
      set_size (&self->heads[i], number_in (wishes, "width=", 800, 8192), number_in (wishes, "height=", 600, 8192));
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
