/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "graph.h"

#include <math.h>

#include "graph-accessible.h"

#define HEIGHT        96
#define N_SAMPLES     (VITRINE_GRAPH_SECONDS + 4)   /* those that wander out on the left are still needed */
#define GAP_US        (5 * G_USEC_PER_SEC / 2)      /* longer without a sample: nothing is known in between */
#define GRID_LINES    4
#define LINE_WIDTH    2.0
#define MARGIN        6.0
#define INSET         2.0                           /* a line at the top or bottom keeps off the frame */

typedef struct
{
  gint64 time;
  double values[VITRINE_GRAPH_MAX_SERIES];
} Sample;

struct _VitrineGraph
{
  GtkDrawingArea parent_instance;

  guint   n_series;
  double  ceiling;
  char *(*format) (double value);
  Sample  samples[N_SAMPLES];
  guint   n_samples, next;
};

G_DEFINE_FINAL_TYPE (VitrineGraph, vitrine_graph, GTK_TYPE_DRAWING_AREA)

/* --- samples -------------------------------------------------------------------------------------------------------- */

/* 0 is the newest. */
static const Sample *
sample (VitrineGraph *self, guint age)
{
  return &self->samples[(self->next + N_SAMPLES - 1 - age) % N_SAMPLES];
}

/* 1, 2 or 5 with zeros behind. */
static double
round_up (double value)
{
  double power = pow (10, floor (log10 (value)));
  double digit = value / power;

  return power * (digit <= 1 ? 1 : digit <= 2 ? 2 : digit <= 5 ? 5 : 10);
}

double
vitrine_graph_get_top (VitrineGraph *self)
{
  double max = 0;

  if (self->ceiling > 0)
    return self->ceiling;
  for (guint age = 0; age < self->n_samples; age++)
    for (guint i = 0; i < self->n_series; i++)
      if (sample (self, age)->values[i] > max)
        max = sample (self, age)->values[i];
  return max > 0 ? round_up (max) : 1;
}

double
vitrine_graph_get_value (VitrineGraph *self)
{
  double sum = 0;

  for (guint i = 0; self->n_samples > 0 && i < self->n_series; i++)
    if (!isnan (sample (self, 0)->values[i]))
      sum += sample (self, 0)->values[i];
  return sum;
}

void
vitrine_graph_add (VitrineGraph *self, gint64 time, const double *values, const char *words)
{
  Sample *next = &self->samples[self->next];

  next->time = time;
  for (guint i = 0; i < self->n_series; i++)
    next->values[i] = values[i];
  self->next = (self->next + 1) % N_SAMPLES;
  self->n_samples = MIN (self->n_samples + 1, N_SAMPLES);
  atk_object_set_description (gtk_widget_get_accessible (GTK_WIDGET (self)), words);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* --- drawing -------------------------------------------------------------------------------------------------------- */

/* Lines differ by colour and, for those who do not see that, by their dashes. */
static const struct
{
  double dashes[4];
  int    n;
} patterns[VITRINE_GRAPH_MAX_SERIES] = { { { 0 }, 0 },       { { 6, 3 }, 2 },       { { 2, 2 }, 2 },
                                         { { 8, 2, 2, 2 }, 4 }, { { 12, 3 }, 2 }, { { 3, 5 }, 2 } };

static void
set_line (cairo_t *cr, GtkStyleContext *context, guint series)
{
  g_autofree char *name = g_strdup_printf ("graph_%u", series + 1);
  GdkRGBA color;

  if (!gtk_style_context_lookup_color (context, name, &color))
    gtk_style_context_get_color (context, gtk_style_context_get_state (context), &color);
  gdk_cairo_set_source_rgba (cr, &color);
  cairo_set_line_width (cr, LINE_WIDTH);
  cairo_set_line_join (cr, CAIRO_LINE_JOIN_ROUND);
  cairo_set_dash (cr, patterns[series].dashes, patterns[series].n, 0);
}

typedef struct
{
  double width, height, top;
} Area;

static void
draw_grid (VitrineGraph *self, cairo_t *cr, GtkStyleContext *context, const Area *area)
{
  GdkRGBA color;

  gtk_style_context_get_color (context, gtk_style_context_get_state (context), &color);
  color.alpha *= 0.15;
  gdk_cairo_set_source_rgba (cr, &color);
  cairo_set_line_width (cr, 1);
  for (int i = 1; i < GRID_LINES; i++)
    {
      double y = floor (area->height * i / GRID_LINES) + 0.5, x = floor (area->width * i / GRID_LINES) + 0.5;
      cairo_move_to (cr, 0, y);
      cairo_line_to (cr, area->width, y);
      cairo_move_to (cr, x, 0);
      cairo_line_to (cr, x, area->height);
    }
  cairo_stroke (cr);
}

static void
draw_top (VitrineGraph *self, cairo_t *cr, GtkStyleContext *context, const Area *area)
{
  g_autofree char *words = self->format != NULL ? self->format (area->top) : NULL;
  g_autoptr(PangoLayout) layout = gtk_widget_create_pango_layout (GTK_WIDGET (self), words);
  g_autoptr(PangoAttrList) attributes = pango_attr_list_new ();
  int width;
  gboolean mirrored = gtk_widget_get_direction (GTK_WIDGET (self)) == GTK_TEXT_DIR_RTL;

  pango_attr_list_insert (attributes, pango_attr_scale_new (PANGO_SCALE_SMALL));
  pango_layout_set_attributes (layout, attributes);
  pango_layout_get_pixel_size (layout, &width, NULL);
  gtk_style_context_save (context);
  gtk_style_context_add_class (context, GTK_STYLE_CLASS_DIM_LABEL);
  gtk_render_layout (context, cr, mirrored ? area->width - width - MARGIN : MARGIN, MARGIN / 2, layout);
  gtk_style_context_restore (context);
}

static void
draw_series (VitrineGraph *self, cairo_t *cr, guint series, const Area *area)
{
  gint64 now = sample (self, 0)->time;
  gboolean open = FALSE;
  gint64 last = now;

  for (guint age = 0; age < self->n_samples; age++)
    {
      const Sample *s = sample (self, age);
      double x = area->width * (1 - (double) (now - s->time) / G_USEC_PER_SEC / VITRINE_GRAPH_SECONDS);
      double y = INSET + (area->height - 2 * INSET) * (1 - MIN (s->values[series] / area->top, 1));

      if (isnan (s->values[series]))
        open = FALSE;
      else if (open && last - s->time < GAP_US)
        cairo_line_to (cr, x, y);
      else
        cairo_move_to (cr, x, y);
      open = !isnan (s->values[series]);
      last = s->time;
    }
  cairo_stroke (cr);
}

static gboolean
vitrine_graph_draw (GtkWidget *widget, cairo_t *cr)
{
  VitrineGraph *self = VITRINE_GRAPH (widget);
  GtkStyleContext *context = gtk_widget_get_style_context (widget);
  Area area = { gtk_widget_get_allocated_width (widget), gtk_widget_get_allocated_height (widget), vitrine_graph_get_top (self) };

  gtk_render_background (context, cr, 0, 0, area.width, area.height);
  draw_grid (self, cr, context, &area);
  for (guint i = self->n_series; self->n_samples > 0 && i > 0; i--)
    {
      set_line (cr, context, i - 1);
      draw_series (self, cr, i - 1, &area);
    }
  if (self->format != NULL)
    draw_top (self, cr, context, &area);
  gtk_render_frame (context, cr, 0, 0, area.width, area.height);
  if (gtk_widget_has_visible_focus (widget))
    gtk_render_focus (context, cr, 2, 2, area.width - 4, area.height - 4);
  return GDK_EVENT_PROPAGATE;
}

/* --- legend --------------------------------------------------------------------------------------------------------- */

static gboolean
draw_swatch (GtkWidget *widget, cairo_t *cr, gpointer series)
{
  double y = gtk_widget_get_allocated_height (widget) / 2.0;

  set_line (cr, gtk_widget_get_style_context (widget), GPOINTER_TO_UINT (series));
  cairo_move_to (cr, 0, y);
  cairo_line_to (cr, gtk_widget_get_allocated_width (widget), y);
  cairo_stroke (cr);
  return GDK_EVENT_STOP;
}

GtkWidget *
vitrine_graph_swatch_new (guint series)
{
  GtkWidget *swatch = gtk_drawing_area_new ();

  gtk_widget_set_size_request (swatch, 24, 12);
  gtk_widget_set_valign (swatch, GTK_ALIGN_CENTER);
  g_signal_connect (swatch, "draw", G_CALLBACK (draw_swatch), GUINT_TO_POINTER (series));
  return swatch;
}

/* --- object --------------------------------------------------------------------------------------------------------- */

static gboolean
vitrine_graph_press (GtkWidget *widget, GdkEventButton *event)
{
  gtk_widget_grab_focus (widget);
  return GDK_EVENT_PROPAGATE;
}

static void
vitrine_graph_class_init (VitrineGraphClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  widget_class->draw = vitrine_graph_draw;
  widget_class->button_press_event = vitrine_graph_press;
  gtk_widget_class_set_css_name (widget_class, "graph");
  gtk_widget_class_set_accessible_type (widget_class, vitrine_graph_accessible_get_type ());
}

static void
vitrine_graph_init (VitrineGraph *self)
{
  gtk_widget_set_can_focus (GTK_WIDGET (self), TRUE);
  gtk_widget_add_events (GTK_WIDGET (self), GDK_BUTTON_PRESS_MASK);
  gtk_widget_set_size_request (GTK_WIDGET (self), -1, HEIGHT);
  gtk_widget_set_hexpand (GTK_WIDGET (self), TRUE);
}

void
vitrine_graph_set_format (VitrineGraph *self, char *(*format) (double value))
{
  self->format = format;
}

GtkWidget *
vitrine_graph_new (const char *name, guint n_series, double ceiling)
{
  VitrineGraph *self = g_object_new (VITRINE_TYPE_GRAPH, NULL);

  g_return_val_if_fail (n_series <= VITRINE_GRAPH_MAX_SERIES, NULL);
  self->n_series = n_series;
  self->ceiling = ceiling;
  atk_object_set_name (gtk_widget_get_accessible (GTK_WIDGET (self)), name);
  return GTK_WIDGET (self);
}
