/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where the guest's picture lies in the widget, and which monitor the guest takes the widget for. */
#include <math.h>
#include <string.h>

#include "screen-private.h"

#define MINIMUM_WIDTH 320
#define MINIMUM_HEIGHT 200
#define SETTLE_MS 200
/* A guest that rounds a mode to what it can do gets a margin, not a blur. */
#define ALMOST 16
/* Monitors that claim anything else do not know. */
#define DPI_MIN 50
#define DPI_MAX 800
#define DPI_USUAL 96
#define MM_PER_INCH 25.4

/* --- the picture ------------------------------------------------------------------------------------------------ */

static double
zoom_to_fit (double width, double height, guint picture_width, guint picture_height)
{
  double spare_x = width - picture_width, spare_y = height - picture_height;

  if (spare_x >= 0 && spare_y >= 0 && spare_x < ALMOST && spare_y < ALMOST)
    return 1;
  return MIN (width / picture_width, height / picture_height);
}

VitrinePlacement
vitrine_screen_place (VitrineScreen *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  int scale = gtk_widget_get_scale_factor (widget);
  int width = gtk_widget_get_allocated_width (widget) * scale, height = gtk_widget_get_allocated_height (widget) * scale;
  VitrinePlacement at = { .device_scale = scale, .zoom = 1 };

  if (self->width == 0 || self->height == 0)
    return at;
  if (!self->pixels)
    at.zoom = zoom_to_fit (width, height, self->width, self->height);
  at.width = MAX (1, (int) lround (self->width * at.zoom));
  at.height = MAX (1, (int) lround (self->height * at.zoom));
  at.x = MAX (0, (width - at.width) / 2);
  at.y = MAX (0, (height - at.height) / 2);
  at.smooth = self->smooth && (fabs (at.zoom - round (at.zoom)) > 1e-6 || at.zoom < 1);
  return at;
}

void
vitrine_screen_update_size_request (VitrineScreen *self)
{
  int scale = gtk_widget_get_scale_factor (GTK_WIDGET (self));

  if (self->pixels && self->width > 0)
    gtk_widget_set_size_request (GTK_WIDGET (self), (int) (self->width + scale - 1) / scale,
                                 (int) (self->height + scale - 1) / scale);
  else
    gtk_widget_set_size_request (GTK_WIDGET (self), MINIMUM_WIDTH, MINIMUM_HEIGHT);
  self->cursor_stale = TRUE;
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

void
vitrine_placement_enter (const VitrinePlacement *at, cairo_t *cr)
{
  double scale = at->zoom / at->device_scale;

  cairo_rectangle (cr, (double) at->x / at->device_scale, (double) at->y / at->device_scale,
                   (double) at->width / at->device_scale, (double) at->height / at->device_scale);
  cairo_clip (cr);
  cairo_translate (cr, (double) at->x / at->device_scale, (double) at->y / at->device_scale);
  cairo_scale (cr, scale, scale);
}

void
vitrine_screen_redraw_area (VitrineScreen *self, const GdkRectangle *area)
{
  VitrinePlacement at = vitrine_screen_place (self);
  int margin = at.smooth ? 1 : 0;   /* smoothing reaches into the neighbours */
  double x = at.x + (area->x - margin) * at.zoom, y = at.y + (area->y - margin) * at.zoom;
  double right = at.x + (area->x + area->width + margin) * at.zoom, bottom = at.y + (area->y + area->height + margin) * at.zoom;
  int left = (int) floor (x / at.device_scale), top = (int) floor (y / at.device_scale);

  gtk_widget_queue_draw_area (GTK_WIDGET (self), left, top, (int) ceil (right / at.device_scale) - left,
                              (int) ceil (bottom / at.device_scale) - top);
}

static void
apply_scaling (VitrineScreen *self, const char *key, GSettings *settings)
{
  g_autofree char *name = g_settings_get_string (settings, "scaling");
  GtkWidget *scroller = gtk_widget_get_ancestor (GTK_WIDGET (self), GTK_TYPE_SCROLLED_WINDOW);
  GtkPolicyType policy;

  self->pixels = g_str_equal (name, "pixels");
  policy = self->pixels ? GTK_POLICY_AUTOMATIC : GTK_POLICY_NEVER;
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), policy, policy);
  self->smooth = g_settings_get_boolean (settings, "smooth-scaling");
  vitrine_screen_update_size_request (self);
  vitrine_screen_settle_soon (self);
}

void
vitrine_screen_bind_scaling (VitrineScreen *self, GSettings *settings)
{
  g_signal_connect_object (settings, "changed::scaling", G_CALLBACK (apply_scaling), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (settings, "changed::smooth-scaling", G_CALLBACK (apply_scaling), self, G_CONNECT_SWAPPED);
  apply_scaling (self, NULL, settings);
}

/* --- the monitor ------------------------------------------------------------------------------------------------ */

static gboolean
is_sane (double dpi)
{
  return dpi >= DPI_MIN && dpi <= DPI_MAX;
}

/* Device pixels an inch of the monitor that the widget is on. */
static void
get_dpi (GtkWidget *widget, double *across, double *down)
{
  GtkWidget *toplevel = gtk_widget_get_toplevel (widget);
  GdkWindow *window = gtk_widget_get_window (toplevel);
  GdkDisplay *display = gtk_widget_get_display (widget);
  GdkMonitor *monitor = window != NULL ? gdk_display_get_monitor_at_window (display, window) : NULL;
  int scale = gtk_widget_get_scale_factor (widget);
  GdkRectangle area;

  *across = *down = DPI_USUAL * scale;
  if (monitor == NULL || gdk_monitor_get_width_mm (monitor) <= 0 || gdk_monitor_get_height_mm (monitor) <= 0)
    return;
  gdk_monitor_get_geometry (monitor, &area);
  scale = gdk_monitor_get_scale_factor (monitor);
  double x = area.width * scale * MM_PER_INCH / gdk_monitor_get_width_mm (monitor);
  double y = area.height * scale * MM_PER_INCH / gdk_monitor_get_height_mm (monitor);
  if (!is_sane (x) || !is_sane (y) || x / y > 1.25 || y / x > 1.25)
    return;
  *across = x;
  *down = y;
}

void
vitrine_screen_describe_monitor (VitrineScreen *self, guint width, guint height, VitrineMonitor *out)
{
  double across, down;

  get_dpi (GTK_WIDGET (self), &across, &down);
  *out = (VitrineMonitor) { .width = width, .height = height, .width_mm = (guint) lround (width * MM_PER_INCH / across),
                            .height_mm = (guint) lround (height * MM_PER_INCH / down) };
}

void
vitrine_screen_get_room (VitrineScreen *self, int *width, int *height)
{
  GtkWidget *widget = GTK_WIDGET (self), *parent = gtk_widget_get_parent (widget);

  /* In a scrolled window, the widget may be larger than what is seen of it. */
  if (GTK_IS_VIEWPORT (parent))
    widget = parent;
  *width = gtk_widget_get_allocated_width (widget);
  *height = gtk_widget_get_allocated_height (widget);
}

static gboolean
settled (gpointer data)
{
  VitrineScreen *self = data;
  int scale = gtk_widget_get_scale_factor (GTK_WIDGET (self)), width, height;
  VitrineMonitor now;
  gboolean taken;

  self->settle = 0;
  vitrine_screen_get_room (self, &width, &height);
  if (self->backend == NULL || !self->follow || !gtk_widget_get_mapped (GTK_WIDGET (self)) || width <= 1 || height <= 1)
    return G_SOURCE_REMOVE;
  vitrine_screen_describe_monitor (self, (guint) (width * scale), (guint) (height * scale), &now);
  if (memcmp (&now, &self->told, sizeof now) == 0)
    return G_SOURCE_REMOVE;
  self->told = now;
  /* A window that took the size of a picture says nothing about what a person wants. */
  taken = !vitrine_backend_follows_monitor (self->backend) && width == (int) self->width && height == (int) self->height;
  if (!self->only_note && !taken)
    vitrine_backend_set_monitor (self->backend, self->head, &now);
  self->only_note = FALSE;
  vitrine_screen_emit_settled (self);
  return G_SOURCE_REMOVE;
}

void
vitrine_screen_settle_never (VitrineScreen *self)
{
  g_clear_handle_id (&self->settle, g_source_remove);
}

void
vitrine_screen_settle_soon (VitrineScreen *self)
{
  vitrine_screen_settle_never (self);
  if (self->backend != NULL && self->follow)
    self->settle = g_timeout_add (SETTLE_MS, settled, self);
}

void
vitrine_screen_set_follow (VitrineScreen *self, gboolean follow)
{
  self->follow = follow;
  vitrine_screen_settle_soon (self);
}

void
vitrine_screen_begin_with (VitrineScreen *self, const VitrineMonitor *monitor)
{
  self->only_note = monitor == NULL;
  self->told = monitor != NULL ? *monitor : (VitrineMonitor) { 0 };
}
