/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The painter that always works. */
#include "screen-painter.h"

typedef struct
{
  VitrinePainter   parent;
  GtkWidget       *widget;
  cairo_surface_t *surface;
} CairoPainter;

static void
cairo_free (VitrinePainter *painter)
{
  g_clear_pointer (&((CairoPainter *) painter)->surface, cairo_surface_destroy);
  g_free (painter);
}

static gboolean
cairo_resize (VitrinePainter *painter, guint width, guint height)
{
  CairoPainter *self = (CairoPainter *) painter;

  g_clear_pointer (&self->surface, cairo_surface_destroy);
  self->surface = gdk_window_create_similar_image_surface (gtk_widget_get_window (self->widget), CAIRO_FORMAT_RGB24, (int) width,
                                                           (int) height, 1);
  return cairo_surface_status (self->surface) == CAIRO_STATUS_SUCCESS;
}

static void
cairo_take (VitrinePainter *painter, const VitrineFrame *frame, const GdkRectangle *damage)
{
  CairoPainter *self = (CairoPainter *) painter;
  gsize to_stride = (gsize) cairo_image_surface_get_stride (self->surface);
  guint8 *to = cairo_image_surface_get_data (self->surface);

  if (to == NULL)
    return;   /* cairo ran out of memory for a huge mode */
  cairo_surface_flush (self->surface);
  vitrine_frame_copy (frame, damage->x, damage->y, damage->width, damage->height, to, to_stride);
  cairo_surface_mark_dirty_rectangle (self->surface, damage->x, damage->y, damage->width, damage->height);
}

static void
cairo_paint_picture (VitrinePainter *painter, cairo_t *cr, const VitrinePlacement *at)
{
  CairoPainter *self = (CairoPainter *) painter;

  cairo_save (cr);
  vitrine_placement_enter (at, cr);
  cairo_set_operator (cr, CAIRO_OPERATOR_SOURCE);
  cairo_set_source_surface (cr, self->surface, 0, 0);
  cairo_pattern_set_filter (cairo_get_source (cr), at->smooth ? CAIRO_FILTER_BILINEAR : CAIRO_FILTER_NEAREST);
  if (at->smooth)
    cairo_pattern_set_extend (cairo_get_source (cr), CAIRO_EXTEND_PAD);   /* no fading at the edges */
  cairo_paint (cr);
  cairo_restore (cr);
}

static const VitrinePainterClass cairo_class = { cairo_free, cairo_resize, cairo_take, cairo_paint_picture };

VitrinePainter *
vitrine_painter_new_cairo (GtkWidget *widget)
{
  CairoPainter *self = g_new0 (CairoPainter, 1);

  self->parent = (VitrinePainter) { &cairo_class, "cairo" };
  self->widget = widget;
  return &self->parent;
}
