/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's pointer. Where the guest knows where ours is, its shape becomes the shape of ours, which the window system moves
 * without any help; else it is drawn over the picture, where the guest has it. */
#include <math.h>
#include <string.h>

#include "screen-private.h"

static gboolean
is_absolute (VitrineScreen *self)
{
  return self->backend != NULL && vitrine_backend_is_absolute (self->backend);
}

/* --- as the host's pointer -------------------------------------------------------------------------------------- */

static GdkCursor *
make_cursor (VitrineScreen *self, const VitrinePlacement *at)
{
  const VitrineCursor *cursor = &self->cursor;
  double width = ceil (cursor->width * at->zoom), height = ceil (cursor->height * at->zoom);
  cairo_surface_t *image = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, MAX (1, (int) width), MAX (1, (int) height));
  cairo_t *cr = cairo_create (image);

  cairo_scale (cr, at->zoom, at->zoom);
  cairo_set_source_surface (cr, self->cursor_image, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), at->smooth ? CAIRO_FILTER_BILINEAR : CAIRO_FILTER_NEAREST);
  cairo_paint (cr);
  cairo_destroy (cr);
  cairo_surface_set_device_scale (image, at->device_scale, at->device_scale);
  double scale = at->zoom / at->device_scale;
  GdkCursor *made = gdk_cursor_new_from_surface (gtk_widget_get_display (GTK_WIDGET (self)), image,
                                                 MIN (cursor->hot_x, cursor->width - 1) * scale,
                                                 MIN (cursor->hot_y, cursor->height - 1) * scale);
  cairo_surface_destroy (image);
  return made;
}

static GdkCursor *
choose_cursor (VitrineScreen *self)
{
  GdkDisplay *display = gtk_widget_get_display (GTK_WIDGET (self));
  VitrinePlacement at = vitrine_screen_place (self);

  if (self->pointer_locked)
    return gdk_cursor_new_from_name (display, "none");
  if (!is_absolute (self) || !self->cursor_known)
    return NULL;
  if (!self->cursor.visible || self->cursor_image == NULL)
    return gdk_cursor_new_from_name (display, "none");
  return make_cursor (self, &at);
}

void
vitrine_screen_apply_cursor (VitrineScreen *self)
{
  GdkWindow *window = gtk_widget_get_window (GTK_WIDGET (self));

  self->cursor_stale = FALSE;
  self->cursor_scale = vitrine_screen_place (self).zoom;
  if (window == NULL)
    return;
  g_autoptr(GdkCursor) cursor = choose_cursor (self);
  gdk_window_set_cursor (window, cursor);
}

/* --- over the picture ------------------------------------------------------------------------------------------- */

static gboolean
find_in_picture (VitrineScreen *self, GdkRectangle *area)
{
  const VitrineCursor *cursor = &self->cursor;

  *area = (GdkRectangle) { cursor->x - (int) cursor->hot_x, cursor->y - (int) cursor->hot_y, (int) cursor->width,
                           (int) cursor->height };
  return cursor->visible && self->cursor_image != NULL && !is_absolute (self);
}

/* Both where it was and where it is now. */
static void
redraw_cursor (VitrineScreen *self, gboolean reshaped)
{
  GdkRectangle now;
  gboolean shown = find_in_picture (self, &now);

  if (self->cursor_drawn.width > 0 && (!shown || reshaped || !gdk_rectangle_equal (&now, &self->cursor_drawn)))
    vitrine_screen_redraw_area (self, &self->cursor_drawn);
  if (shown && (reshaped || !gdk_rectangle_equal (&now, &self->cursor_drawn)))
    vitrine_screen_redraw_area (self, &now);
  self->cursor_drawn = shown ? now : (GdkRectangle) { 0 };
}

void
vitrine_screen_draw_cursor (VitrineScreen *self, cairo_t *cr, const VitrinePlacement *at)
{
  GdkRectangle area;

  if (!find_in_picture (self, &area))
    return;
  cairo_save (cr);
  vitrine_placement_enter (at, cr);
  cairo_set_source_surface (cr, self->cursor_image, area.x, area.y);
  cairo_pattern_set_filter (cairo_get_source (cr), at->smooth ? CAIRO_FILTER_BILINEAR : CAIRO_FILTER_NEAREST);
  cairo_paint (cr);
  cairo_restore (cr);
}

/* --- from the guest --------------------------------------------------------------------------------------------- */

static void
take_shape (VitrineScreen *self)
{
  const VitrineCursor *cursor = &self->cursor;

  g_clear_pointer (&self->cursor_image, cairo_surface_destroy);
  if (cursor->width == 0 || cursor->height == 0)
    return;
  self->cursor_image = cairo_image_surface_create (CAIRO_FORMAT_ARGB32, (int) cursor->width, (int) cursor->height);
  guint8 *to = cairo_image_surface_get_data (self->cursor_image);
  gsize stride = (gsize) cairo_image_surface_get_stride (self->cursor_image);
  cairo_surface_flush (self->cursor_image);
  for (guint y = 0; y < cursor->height; y++)
    memcpy (to + y * stride, cursor->pixels + (gsize) y * cursor->width, (gsize) cursor->width * 4);
  cairo_surface_mark_dirty (self->cursor_image);
}

void
vitrine_screen_pull_cursor (VitrineScreen *self)
{
  guint64 before = self->cursor.serial;
  gboolean visible = self->cursor.visible, absolute = is_absolute (self);

  if (self->backend == NULL || !vitrine_backend_get_cursor (self->backend, self->head, before, &self->cursor))
    return;
  gboolean reshaped = self->cursor.serial != before;
  if (reshaped)
    take_shape (self);
  self->cursor_known = self->cursor_known || (self->cursor.visible && self->cursor_image != NULL);
  redraw_cursor (self, reshaped);
  if (absolute && (reshaped || self->cursor_stale || visible != self->cursor.visible
                   || vitrine_screen_place (self).zoom != self->cursor_scale))
    vitrine_screen_apply_cursor (self);
}

void
vitrine_screen_forget_cursor (VitrineScreen *self)
{
  g_clear_pointer (&self->cursor_image, cairo_surface_destroy);
  self->cursor.serial = 0;
  self->cursor.visible = FALSE;
  self->cursor_known = FALSE;
  self->cursor_drawn = (GdkRectangle) { 0 };
  vitrine_screen_apply_cursor (self);
}
