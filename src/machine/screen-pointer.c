/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Capture, and the pointer on its way to the guest. */
#include <gtk/gtk.h>
#include <math.h>
#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>
#endif

#include "screen-private.h"

static gboolean
is_x11 (GtkWidget *widget)
{
#ifdef GDK_WINDOWING_X11
  return GDK_IS_X11_DISPLAY (gtk_widget_get_display (widget));
#else
  return FALSE;
#endif
}

/* --- a pointer that never meets an edge ------------------------------------------------------------------------- */

#ifdef GDK_WINDOWING_X11

static void
find_pointer (VitrineScreen *self, double *x, double *y)
{
  GdkSeat *seat = gdk_display_get_default_seat (gtk_widget_get_display (GTK_WIDGET (self)));

  gdk_device_get_position_double (gdk_seat_get_pointer (seat), NULL, x, y);
}

/* The middle of what is seen of the widget, on the monitor that it is on. */
static void
find_middle (VitrineScreen *self, int *x, int *y)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GdkWindow *window = gtk_widget_get_window (widget);
  GdkMonitor *monitor = gdk_display_get_monitor_at_window (gtk_widget_get_display (widget), window);
  GdkRectangle area, there = { 0, 0, gtk_widget_get_allocated_width (widget), gtk_widget_get_allocated_height (widget) };

  gdk_window_get_root_coords (window, 0, 0, &there.x, &there.y);
  gdk_monitor_get_geometry (monitor, &area);
  if (!gdk_rectangle_intersect (&there, &area, &there))
    there = area;
  *x = there.x + there.width / 2;
  *y = there.y + there.height / 2;
}

/* What the pointer has moved since it was last looked at; then it is put back. It is always compared with where it was last, not
 * with the middle: windows are moved and resized meanwhile. X11 only; Wayland has no warping in GTK 3, the pointer's own motion
 * serves there. */
static void
take_back_pointer (VitrineScreen *self, double *dx, double *dy)
{
  int scale = gtk_widget_get_scale_factor (GTK_WIDGET (self)), middle_x, middle_y;
  double x, y;

  find_pointer (self, &x, &y);
  *dx = x - self->last_x;
  *dy = y - self->last_y;
  find_middle (self, &middle_x, &middle_y);
  int back_x = (int) round ((middle_x - x) * scale), back_y = (int) round ((middle_y - y) * scale);
  self->last_x = x + (double) back_x / scale;
  self->last_y = y + (double) back_y / scale;
  /* By a distance, not to a place: what the person moves meanwhile is not lost. */
  if (back_x != 0 || back_y != 0)
    XWarpPointer (GDK_DISPLAY_XDISPLAY (gtk_widget_get_display (GTK_WIDGET (self))), None, None, 0, 0, 0, 0, back_x, back_y);
}

#else

static void
find_pointer (VitrineScreen *self, double *x, double *y)
{
}

static void
take_back_pointer (VitrineScreen *self, double *dx, double *dy)
{
}

#endif

/* --- capture ---------------------------------------------------------------------------------------------------- */

void
vitrine_screen_ungrab (VitrineScreen *self)
{
  g_clear_pointer (&self->watch, vitrine_active_watch_free);
  if (self->grabbed)
    gdk_seat_ungrab (gdk_display_get_default_seat (gtk_widget_get_display (GTK_WIDGET (self))));
  self->grabbed = FALSE;
  if (!self->pointer_locked)
    return;
  self->pointer_locked = FALSE;
  vitrine_screen_apply_cursor (self);
}

/* Another window came to the front: it gets keys and pointer. As after any loss of focus, the capture goes on later. */
static void
lost_the_front (gpointer data)
{
  vitrine_screen_release_keys (data);
  vitrine_screen_ungrab (data);
}

/* A keyboard-only grab of the toplevel asks a Wayland compositor for its shortcuts; keyboard and pointer together would not,
 * so the pointer is only ever grabbed under X11. */
static void
grab_seat (VitrineScreen *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GdkWindow *toplevel = gtk_widget_get_window (gtk_widget_get_toplevel (widget));
  GdkSeat *seat = gdk_display_get_default_seat (gtk_widget_get_display (widget));
  gboolean lock = self->backend != NULL && !vitrine_backend_is_absolute (self->backend);
  GdkSeatCapabilities capabilities = self->grab_shortcuts ? GDK_SEAT_CAPABILITY_KEYBOARD : GDK_SEAT_CAPABILITY_NONE;

  if (lock && is_x11 (widget))
    capabilities |= GDK_SEAT_CAPABILITY_ALL_POINTING;
  if (capabilities != GDK_SEAT_CAPABILITY_NONE && !self->grabbed)
    self->grabbed = gdk_seat_grab (seat, toplevel, capabilities, TRUE, NULL, NULL, NULL, NULL) == GDK_GRAB_SUCCESS;
  if (self->grabbed && self->watch == NULL)
    self->watch = vitrine_active_watch_new (toplevel, lost_the_front, self);
  if (lock && !self->pointer_locked)
    {
      self->pointer_locked = TRUE;
      vitrine_screen_apply_cursor (self);
      if (is_x11 (widget))
        find_pointer (self, &self->last_x, &self->last_y);
    }
}

/* A system came up that has a driver for its tablet: the pointer need not be held any more. The other way round it is held again at
 * the next click, as at the first. */
void
vitrine_screen_pointer_changed (VitrineScreen *self)
{
  gboolean held = self->grabbed;

  if (self->pointer_locked && vitrine_backend_is_absolute (self->backend))
    {
      vitrine_screen_ungrab (self);
      if (held)
        grab_seat (self);
    }
  vitrine_screen_apply_cursor (self);
}

gboolean
vitrine_screen_is_captured (VitrineScreen *self)
{
  return self->captured;
}

void
vitrine_screen_capture (VitrineScreen *self, gboolean grab)
{
  if (self->backend == NULL)
    return;
  if (!gtk_widget_has_focus (GTK_WIDGET (self)))
    gtk_widget_grab_focus (GTK_WIDGET (self));
  if (grab && gtk_widget_get_realized (GTK_WIDGET (self)))
    grab_seat (self);
  if (self->captured)
    return;
  self->captured = TRUE;
  if (gtk_widget_has_focus (GTK_WIDGET (self)))
    vitrine_screen_sync_locks (self);
  vitrine_screen_emit_capture_changed (self);
}

void
vitrine_screen_release (VitrineScreen *self)
{
  vitrine_screen_release_keys (self);
  vitrine_screen_ungrab (self);
  if (!self->captured)
    return;
  self->captured = FALSE;
  vitrine_screen_emit_capture_changed (self);
}

/* Another window, or another widget of ours, has the keyboard now: the guest must not think that keys are still down. When it
 * is only the window that lost the focus, the capture goes on when it returns. */
gboolean
vitrine_screen_focus_out (GtkWidget *widget, GdkEventFocus *event)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);
  GtkWidget *toplevel = gtk_widget_get_toplevel (widget);

  vitrine_screen_release_keys (self);
  vitrine_screen_ungrab (self);
  if (GTK_IS_WINDOW (toplevel) && gtk_window_get_focus (GTK_WINDOW (toplevel)) != widget)
    vitrine_screen_release (self);
  gtk_widget_queue_draw (widget);
  return GDK_EVENT_PROPAGATE;
}

gboolean
vitrine_screen_focus_in (GtkWidget *widget, GdkEventFocus *event)
{
  vitrine_screen_sync_locks (VITRINE_SCREEN (widget));
  gtk_widget_queue_draw (widget);
  return GDK_EVENT_PROPAGATE;
}

/* --- pointer ---------------------------------------------------------------------------------------------------- */

static void
send_position (VitrineScreen *self, double x, double y)
{
  VitrinePlacement at = vitrine_screen_place (self);

  if (self->width == 0 || self->height == 0)
    return;
  double across = (x * at.device_scale - at.x) / at.width, down = (y * at.device_scale - at.y) / at.height;
  vitrine_backend_place (self->backend, self->head, (guint) (CLAMP (across, 0, 1) * 65535), (guint) (CLAMP (down, 0, 1) * 65535));
}

/* Whole pixels go to the guest; the rest waits. */
static void
send_motion (VitrineScreen *self, double dx, double dy)
{
  self->rest_x += dx;
  self->rest_y += dy;
  int whole_x = (int) trunc (self->rest_x), whole_y = (int) trunc (self->rest_y);
  self->rest_x -= whole_x;
  self->rest_y -= whole_y;
  if (whole_x != 0 || whole_y != 0)
    vitrine_backend_motion (self->backend, whole_x, whole_y);
}

/* Under X11 an event only says that there was motion. Its position does not help: the server and GTK merge motion with the jump
 * back, so what belongs to which cannot be told. */
static void
follow_locked_pointer (VitrineScreen *self, double x, double y)
{
  double dx = x - self->last_x, dy = y - self->last_y;

  if (is_x11 (GTK_WIDGET (self)))
    take_back_pointer (self, &dx, &dy);
  else
    {
      self->last_x = x;
      self->last_y = y;
    }
  send_motion (self, dx, dy);
}

gboolean
vitrine_screen_motion (GtkWidget *widget, GdkEventMotion *event)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);

  if (self->backend == NULL)
    return GDK_EVENT_PROPAGATE;
  if (vitrine_backend_is_absolute (self->backend))
    send_position (self, event->x, event->y);
  else if (self->pointer_locked)
    follow_locked_pointer (self, event->x, event->y);
  return GDK_EVENT_PROPAGATE;
}

/* The pointer may come from another window, and stay. */
gboolean
vitrine_screen_enter (GtkWidget *widget, GdkEventCrossing *event)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);

  if (self->backend != NULL && event->mode == GDK_CROSSING_NORMAL && vitrine_backend_is_absolute (self->backend))
    send_position (self, event->x, event->y);
  return GDK_EVENT_PROPAGATE;
}

static guint
button_bit (guint button)
{
  static const guint bits[] = { [1] = 1 << 0, [2] = 1 << 2, [3] = 1 << 1, [8] = 1 << 3, [9] = 1 << 4 };

  return button < G_N_ELEMENTS (bits) ? bits[button] : 0;
}

gboolean
vitrine_screen_button (GtkWidget *widget, GdkEventButton *event)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);
  gboolean down = event->type == GDK_BUTTON_PRESS;
  guint bit = button_bit (event->button);

  if (self->backend == NULL || (!down && event->type != GDK_BUTTON_RELEASE))
    return GDK_EVENT_PROPAGATE;
  gboolean absolute = vitrine_backend_is_absolute (self->backend);
  if (down && (!self->captured || !gtk_widget_has_focus (widget) || (!absolute && !self->pointer_locked)))
    {
      vitrine_screen_capture (self, TRUE);
      if (!is_x11 (widget))
        {
          self->last_x = event->x;
          self->last_y = event->y;
        }
      if (!absolute)
        return GDK_EVENT_STOP;   /* this click only took the pointer */
    }
  if (absolute)
    send_position (self, event->x, event->y);
  self->buttons = down ? self->buttons | bit : self->buttons & ~bit;
  vitrine_backend_buttons (self->backend, self->buttons);
  return GDK_EVENT_STOP;
}

/* GDK's deltas grow towards the person, as what is seen moves; the wheel's grow away from the person. */
gboolean
vitrine_screen_scroll (GtkWidget *widget, GdkEventScroll *event)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);
  double dx = 0, dy = 0;

  if (self->backend == NULL || !self->captured)
    return GDK_EVENT_PROPAGATE;
  if (!gdk_event_get_scroll_deltas ((GdkEvent *) event, &dx, &dy))
    {
      dx = event->direction == GDK_SCROLL_RIGHT ? 1 : event->direction == GDK_SCROLL_LEFT ? -1 : 0;
      dy = event->direction == GDK_SCROLL_DOWN ? 1 : event->direction == GDK_SCROLL_UP ? -1 : 0;
    }
  self->wheel_x += dx;
  self->wheel_y -= dy;
  int clicks_x = (int) trunc (self->wheel_x), clicks_y = (int) trunc (self->wheel_y);
  self->wheel_x -= clicks_x;
  self->wheel_y -= clicks_y;
  if (clicks_x != 0 || clicks_y != 0)
    vitrine_backend_wheel (self->backend, clicks_x, clicks_y);
  return GDK_EVENT_STOP;
}
