/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The test card: how it is drawn, and its screen as others see it. */
#include <math.h>

#include "fake-backend-private.h"

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

void
vitrine_fake_backend_set_size (Head *head, guint width, guint height)
{
  g_clear_pointer (&head->screen, cairo_surface_destroy);
  head->width = width;
  head->height = height;
  head->screen = cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) width, (int) height);
  head->drawn = 0;
}

void
vitrine_fake_backend_changed (VitrineFakeBackend *self)
{
  self->sequence++;
  for (guint i = 0; i < self->n_heads; i++)
    if (self->heads[i].watchers > 0)
      vitrine_backend_emit_frame_ready (VITRINE_BACKEND (self), i);
}

/* --- screen ----------------------------------------------------------------------------------------------------- */

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
    vitrine_fake_backend_set_size (head, monitor->width, monitor->height);
  vitrine_fake_backend_changed (self);
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

void
vitrine_fake_backend_screen_init (VitrineBackendInterface *iface)
{
  iface->get_n_heads = fake_get_n_heads;
  iface->acquire_frame = fake_acquire_frame;
  iface->release_frame = fake_release_frame;
  iface->get_cursor = fake_get_cursor;
  iface->set_watched = fake_set_watched;
  iface->follows_monitor = fake_follows_monitor;
  iface->set_monitor = fake_set_monitor;
  iface->screenshot = fake_screenshot;
  iface->get_text = fake_get_text;
}
