/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's screen. Frames are pulled on the frame clock, at most one per refresh of the host's monitor; only the damaged
 * rectangle is copied and redrawn. */
#include "screen.h"

#include <gdk/gdkkeysyms.h>
#include <glib/gi18n.h>
#include <math.h>
#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>
#endif

#include "active-watch.h"
#include "keymap.h"
#include "screen-accessible.h"

#define EVDEV_MAX 256
#define MINIMUM_WIDTH 320
#define MINIMUM_HEIGHT 200

typedef struct
{
  double x, y, scale;   /* where the guest's screen lies in the widget, and widget pixels per guest pixel */
} Placement;

struct _VitrineScreen
{
  GtkDrawingArea parent_instance;

  VitrineBackend  *backend;
  cairo_surface_t *surface;
  guint            width, height;
  guint64          seen;
  gboolean         blank;
  guint            tick;
  VitrineScaling   scaling;

  gboolean         captured;
  gboolean         grab_shortcuts;
  gboolean         grabbed;           /* the seat's keyboard, perhaps its pointer */
  VitrineActiveWatch *watch;          /* while grabbed */
  gboolean         pointer_locked;    /* relative motion, cursor hidden */
  gboolean         held[EVDEV_MAX];
  gboolean         chord;             /* Ctrl and Alt are down, and nothing else came in between */
  guint            buttons;
  double           last_x, last_y;    /* last pointer position, for relative motion */
  double           rest_x, rest_y;    /* motion not sent yet, below one unit */
  double           wheel_x, wheel_y;
};

enum
{
  CAPTURE_CHANGED,
  GUEST_RESIZED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VitrineScreen, vitrine_screen, GTK_TYPE_DRAWING_AREA)

/* --- geometry --------------------------------------------------------------------------------------------------- */

static Placement
place (VitrineScreen *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  double width = gtk_widget_get_allocated_width (widget), height = gtk_widget_get_allocated_height (widget);
  Placement at = { 0, 0, 1 };

  if (self->width == 0 || self->height == 0)
    return at;
  if (self->scaling == VITRINE_SCALING_PIXELS)
    at.scale = 1.0 / gtk_widget_get_scale_factor (widget);
  else
    at.scale = MIN (width / self->width, height / self->height);
  at.x = MAX (0, floor ((width - self->width * at.scale) / 2));
  at.y = MAX (0, floor ((height - self->height * at.scale) / 2));
  return at;
}

static void
update_size_request (VitrineScreen *self)
{
  int scale = gtk_widget_get_scale_factor (GTK_WIDGET (self));

  if (self->scaling == VITRINE_SCALING_PIXELS && self->width > 0)
    gtk_widget_set_size_request (GTK_WIDGET (self), (int) (self->width + scale - 1) / scale,
                                 (int) (self->height + scale - 1) / scale);
  else
    gtk_widget_set_size_request (GTK_WIDGET (self), MINIMUM_WIDTH, MINIMUM_HEIGHT);
  gtk_widget_queue_draw (GTK_WIDGET (self));
}

/* --- frames ----------------------------------------------------------------------------------------------------- */

static void
resize_surface (VitrineScreen *self, const VitrineFrame *frame)
{
  g_clear_pointer (&self->surface, cairo_surface_destroy);
  self->surface = cairo_image_surface_create (CAIRO_FORMAT_RGB24, (int) frame->width, (int) frame->height);
  self->width = frame->width;
  self->height = frame->height;
  update_size_request (self);
  g_signal_emit (self, signals[GUEST_RESIZED], 0);
}

static void
copy_damage (VitrineScreen *self, const VitrineFrame *frame, const GdkRectangle *damage)
{
  gsize to_stride = (gsize) cairo_image_surface_get_stride (self->surface);
  guint8 *to = cairo_image_surface_get_data (self->surface);

  if (to == NULL)
    return;   /* cairo ran out of memory for a huge mode */
  cairo_surface_flush (self->surface);
  for (int y = damage->y; y < damage->y + damage->height; y++)
    memcpy (to + y * to_stride + damage->x * 4, frame->pixels + (gsize) y * frame->stride + (gsize) damage->x * 4,
            (gsize) damage->width * 4);
  cairo_surface_mark_dirty_rectangle (self->surface, damage->x, damage->y, damage->width, damage->height);
}

static void
redraw_damage (VitrineScreen *self, const GdkRectangle *damage)
{
  Placement at = place (self);
  int x = (int) floor (at.x + damage->x * at.scale) - 1, y = (int) floor (at.y + damage->y * at.scale) - 1;

  gtk_widget_queue_draw_area (GTK_WIDGET (self), x, y, (int) ceil (damage->width * at.scale) + 3,
                              (int) ceil (damage->height * at.scale) + 3);
}

static void
take_frame (VitrineScreen *self, const VitrineFrame *frame)
{
  const GdkRectangle whole = { 0, 0, (int) frame->width, (int) frame->height };
  GdkRectangle damage = { frame->damage_x, frame->damage_y, frame->damage_width, frame->damage_height };

  if (self->blank != frame->blank)
    gtk_widget_queue_draw (GTK_WIDGET (self));
  self->blank = frame->blank;
  self->seen = frame->sequence;
  if (frame->blank || frame->pixels == NULL || frame->width == 0 || frame->height == 0)
    return;
  if (self->surface == NULL || self->width != frame->width || self->height != frame->height)
    {
      resize_surface (self, frame);
      damage = whole;
    }
  if (!gdk_rectangle_intersect (&damage, &whole, &damage))
    return;
  copy_damage (self, frame, &damage);
  redraw_damage (self, &damage);
}

static gboolean
pull_frame (GtkWidget *widget, GdkFrameClock *clock, gpointer unused)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);
  VitrineFrame frame;

  if (self->backend != NULL && vitrine_backend_acquire_frame (self->backend, self->seen, &frame))
    {
      take_frame (self, &frame);
      vitrine_backend_release_frame (self->backend, &frame);
      return G_SOURCE_CONTINUE;
    }
  self->tick = 0;   /* nothing new: sleep until the backend says so */
  return G_SOURCE_REMOVE;
}

static void
frame_ready (VitrineScreen *self)
{
  if (self->tick == 0)
    self->tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), pull_frame, NULL, NULL);
}

static gboolean
vitrine_screen_draw (GtkWidget *widget, cairo_t *cr)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);
  Placement at = place (self);
  double device_scale = at.scale * gtk_widget_get_scale_factor (widget);

  cairo_set_source_rgb (cr, 0, 0, 0);
  cairo_paint (cr);
  if (self->surface == NULL || self->blank)
    return GDK_EVENT_PROPAGATE;
  cairo_translate (cr, at.x, at.y);
  cairo_scale (cr, at.scale, at.scale);
  cairo_set_source_surface (cr, self->surface, 0, 0);
  /* Whole device pixels stay sharp; anything between is smoothed. */
  gboolean whole = fabs (device_scale - round (device_scale)) < 1e-6 && device_scale >= 1;
  cairo_pattern_set_filter (cairo_get_source (cr), whole ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_BILINEAR);
  cairo_rectangle (cr, 0, 0, self->width, self->height);
  cairo_fill (cr);
  return GDK_EVENT_PROPAGATE;
}

/* --- keyboard --------------------------------------------------------------------------------------------------- */

static void
release_keys (VitrineScreen *self)
{
  gboolean any = self->buttons != 0;

  for (guint i = 0; i < EVDEV_MAX; i++)
    any = any || self->held[i];
  memset (self->held, 0, sizeof self->held);
  self->buttons = 0;
  self->chord = FALSE;
  if (any && self->backend != NULL)
    vitrine_backend_release_all (self->backend);
}

static gboolean
is_control (guint keyval)
{
  return keyval == GDK_KEY_Control_L || keyval == GDK_KEY_Control_R;
}

static gboolean
is_alt (guint keyval)
{
  return keyval == GDK_KEY_Alt_L || keyval == GDK_KEY_Alt_R || keyval == GDK_KEY_Meta_L || keyval == GDK_KEY_Meta_R;
}

/* TRUE when this event ends a bare Ctrl+Alt. Level one of the key decides, so that Shift or a layout does not matter. */
static gboolean
follow_chord (VitrineScreen *self, const GdkEventKey *event)
{
  gboolean down = event->type == GDK_KEY_PRESS;
  gboolean modifier = is_control (event->keyval) || is_alt (event->keyval);
  GdkModifierType other = is_control (event->keyval) ? GDK_MOD1_MASK : GDK_CONTROL_MASK;

  if (!modifier)
    self->chord = FALSE;
  else if (down)
    self->chord = (event->state & other) != 0;
  else if (self->chord)
    {
      self->chord = FALSE;
      return TRUE;
    }
  return FALSE;
}

gboolean
vitrine_screen_handle_key (VitrineScreen *self, GdkEventKey *event)
{
  guint code = vitrine_keymap_to_evdev (gtk_widget_get_display (GTK_WIDGET (self)), event->hardware_keycode);
  gboolean down = event->type == GDK_KEY_PRESS;

  if (!self->captured || self->backend == NULL)
    return FALSE;
  if (follow_chord (self, event))
    {
      vitrine_screen_release (self);
      return TRUE;
    }
  /* The guest's keyboard repeats by itself, and a release of what was pressed before the capture is not the guest's. */
  if (code > 0 && code < EVDEV_MAX && down != self->held[code])
    {
      self->held[code] = down;
      vitrine_backend_key (self->backend, code, down);
    }
  return TRUE;
}

static gboolean
vitrine_screen_key_press (GtkWidget *widget, GdkEventKey *event)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);

  if (vitrine_screen_handle_key (self, event))
    return GDK_EVENT_STOP;
  if (event->keyval == GDK_KEY_Return || event->keyval == GDK_KEY_KP_Enter || event->keyval == GDK_KEY_space)
    {
      vitrine_screen_capture (self, TRUE);
      return GDK_EVENT_STOP;
    }
  return GTK_WIDGET_CLASS (vitrine_screen_parent_class)->key_press_event (widget, event);
}

static gboolean
vitrine_screen_key_release (GtkWidget *widget, GdkEventKey *event)
{
  return vitrine_screen_handle_key (VITRINE_SCREEN (widget), event) ? GDK_EVENT_STOP : GDK_EVENT_PROPAGATE;
}

/* --- capture ---------------------------------------------------------------------------------------------------- */

static gboolean
is_x11 (GtkWidget *widget)
{
#ifdef GDK_WINDOWING_X11
  return GDK_IS_X11_DISPLAY (gtk_widget_get_display (widget));
#else
  return FALSE;
#endif
}

static void
set_cursor (VitrineScreen *self, const char *name)
{
  GdkWindow *window = gtk_widget_get_window (GTK_WIDGET (self));
  g_autoptr(GdkCursor) cursor = name != NULL ? gdk_cursor_new_from_name (gtk_widget_get_display (GTK_WIDGET (self)), name)
                                             : NULL;
  if (window != NULL)
    gdk_window_set_cursor (window, cursor);
}

/* How far the pointer is from the middle of the screen, to where it is put back: so it never meets an edge. X11 only; Wayland has
 * no warping in GTK 3, the pointer's own motion serves there. */
static void
take_back_pointer (VitrineScreen *self, double *dx, double *dy)
{
  GtkWidget *widget = GTK_WIDGET (self);
  GdkDevice *pointer = gdk_seat_get_pointer (gdk_display_get_default_seat (gtk_widget_get_display (widget)));
  int middle_x, middle_y;
  double x, y;

  gdk_window_get_root_coords (gtk_widget_get_window (widget), gtk_widget_get_allocated_width (widget) / 2,
                              gtk_widget_get_allocated_height (widget) / 2, &middle_x, &middle_y);
  gdk_device_get_position_double (pointer, NULL, &x, &y);
  *dx = x - middle_x;
  *dy = y - middle_y;
#ifdef GDK_WINDOWING_X11
  /* By a distance, not to a place: what the person moves meanwhile is not lost. */
  int scale = gtk_widget_get_scale_factor (widget);
  if (*dx != 0 || *dy != 0)
    XWarpPointer (GDK_DISPLAY_XDISPLAY (gtk_widget_get_display (widget)), None, None, 0, 0, 0, 0, -(int) round (*dx * scale),
                  -(int) round (*dy * scale));
#endif
}

static void
ungrab_seat (VitrineScreen *self)
{
  g_clear_pointer (&self->watch, vitrine_active_watch_free);
  if (self->grabbed)
    gdk_seat_ungrab (gdk_display_get_default_seat (gtk_widget_get_display (GTK_WIDGET (self))));
  if (self->pointer_locked)
    set_cursor (self, NULL);
  self->grabbed = FALSE;
  self->pointer_locked = FALSE;
}

/* Another window came to the front: it gets keys and pointer. As after any loss of focus, the capture goes on later. */
static void
lost_the_front (gpointer data)
{
  release_keys (data);
  ungrab_seat (data);
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
      set_cursor (self, "none");
      if (is_x11 (widget))
        take_back_pointer (self, &(double) { 0 }, &(double) { 0 });
    }
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
  g_signal_emit (self, signals[CAPTURE_CHANGED], 0);
}

void
vitrine_screen_release (VitrineScreen *self)
{
  release_keys (self);
  ungrab_seat (self);
  if (!self->captured)
    return;
  self->captured = FALSE;
  g_signal_emit (self, signals[CAPTURE_CHANGED], 0);
}

/* Another window, or another widget of ours, has the keyboard now: the guest must not think that keys are still down. When it
 * is only the window that lost the focus, the capture goes on when it returns. */
static gboolean
vitrine_screen_focus_out (GtkWidget *widget, GdkEventFocus *event)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);
  GtkWidget *toplevel = gtk_widget_get_toplevel (widget);

  release_keys (self);
  ungrab_seat (self);
  if (GTK_IS_WINDOW (toplevel) && gtk_window_get_focus (GTK_WINDOW (toplevel)) != widget)
    vitrine_screen_release (self);
  gtk_widget_queue_draw (widget);
  return GDK_EVENT_PROPAGATE;
}

/* --- pointer ---------------------------------------------------------------------------------------------------- */

static void
send_position (VitrineScreen *self, double x, double y)
{
  Placement at = place (self);
  double across = (x - at.x) / (self->width * at.scale), down = (y - at.y) / (self->height * at.scale);

  if (self->width == 0 || self->height == 0)
    return;
  vitrine_backend_place (self->backend, (guint) (CLAMP (across, 0, 1) * 65535), (guint) (CLAMP (down, 0, 1) * 65535));
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
  self->last_x = x;
  self->last_y = y;
  send_motion (self, dx, dy);
}

static gboolean
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

static guint
button_bit (guint button)
{
  static const guint bits[] = { [1] = 1 << 0, [2] = 1 << 2, [3] = 1 << 1, [8] = 1 << 3, [9] = 1 << 4 };

  return button < G_N_ELEMENTS (bits) ? bits[button] : 0;
}

static gboolean
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
      self->last_x = event->x;
      self->last_y = event->y;
      if (!absolute)
        return GDK_EVENT_STOP;   /* this click only took the pointer */
    }
  if (absolute)
    send_position (self, event->x, event->y);
  self->buttons = down ? self->buttons | bit : self->buttons & ~bit;
  vitrine_backend_buttons (self->backend, self->buttons);
  return GDK_EVENT_STOP;
}

static gboolean
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
  self->wheel_y += dy;
  int clicks_x = (int) trunc (self->wheel_x), clicks_y = (int) trunc (self->wheel_y);
  self->wheel_x -= clicks_x;
  self->wheel_y -= clicks_y;
  if (clicks_x != 0 || clicks_y != 0)
    vitrine_backend_wheel (self->backend, clicks_x, clicks_y);
  return GDK_EVENT_STOP;
}

/* --- object ----------------------------------------------------------------------------------------------------- */

void
vitrine_screen_set_backend (VitrineScreen *self, VitrineBackend *backend)
{
  if (self->backend != NULL)
    {
      vitrine_screen_release (self);
      g_signal_handlers_disconnect_by_data (self->backend, self);
    }
  g_set_object (&self->backend, backend);
  self->seen = 0;
  if (backend == NULL)
    return;
  g_signal_connect_swapped (backend, "frame-ready", G_CALLBACK (frame_ready), self);
  frame_ready (self);
}

void
vitrine_screen_set_scaling (VitrineScreen *self, VitrineScaling scaling)
{
  self->scaling = scaling;
  update_size_request (self);
}

void
vitrine_screen_set_grab_shortcuts (VitrineScreen *self, gboolean grab)
{
  self->grab_shortcuts = grab;
}

char *
vitrine_screen_get_text (VitrineScreen *self)
{
  return self->backend != NULL ? vitrine_backend_get_text (self->backend) : NULL;
}

void
vitrine_screen_get_guest_size (VitrineScreen *self, guint *width, guint *height)
{
  *width = self->width;
  *height = self->height;
}

cairo_surface_t *
vitrine_screen_get_surface (VitrineScreen *self)
{
  return self->blank ? NULL : self->surface;
}

static void
vitrine_screen_unrealize (GtkWidget *widget)
{
  vitrine_screen_release (VITRINE_SCREEN (widget));
  GTK_WIDGET_CLASS (vitrine_screen_parent_class)->unrealize (widget);
}

static void
vitrine_screen_dispose (GObject *object)
{
  VitrineScreen *self = VITRINE_SCREEN (object);

  if (self->backend != NULL)
    g_signal_handlers_disconnect_by_data (self->backend, self);
  g_clear_object (&self->backend);
  g_clear_pointer (&self->surface, cairo_surface_destroy);
  G_OBJECT_CLASS (vitrine_screen_parent_class)->dispose (object);
}

static void
vitrine_screen_class_init (VitrineScreenClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_screen_dispose;
  widget_class->draw = vitrine_screen_draw;
  widget_class->unrealize = vitrine_screen_unrealize;
  widget_class->key_press_event = vitrine_screen_key_press;
  widget_class->key_release_event = vitrine_screen_key_release;
  widget_class->focus_out_event = vitrine_screen_focus_out;
  widget_class->motion_notify_event = vitrine_screen_motion;
  widget_class->button_press_event = vitrine_screen_button;
  widget_class->button_release_event = vitrine_screen_button;
  widget_class->scroll_event = vitrine_screen_scroll;
  gtk_widget_class_set_accessible_type (widget_class, VITRINE_TYPE_SCREEN_ACCESSIBLE);
  gtk_widget_class_set_accessible_role (widget_class, ATK_ROLE_CANVAS);
  gtk_widget_class_set_css_name (widget_class, "vitrine-screen");
  signals[CAPTURE_CHANGED] = g_signal_new ("capture-changed", VITRINE_TYPE_SCREEN, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                           G_TYPE_NONE, 0);
  signals[GUEST_RESIZED] = g_signal_new ("guest-resized", VITRINE_TYPE_SCREEN, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                         G_TYPE_NONE, 0);
}

static void
vitrine_screen_init (VitrineScreen *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  AtkObject *accessible = gtk_widget_get_accessible (widget);

  gtk_widget_set_can_focus (widget, TRUE);
  gtk_widget_add_events (widget, GDK_KEY_PRESS_MASK | GDK_KEY_RELEASE_MASK | GDK_POINTER_MOTION_MASK | GDK_BUTTON_PRESS_MASK
                                   | GDK_BUTTON_RELEASE_MASK | GDK_SCROLL_MASK | GDK_SMOOTH_SCROLL_MASK
                                   | GDK_FOCUS_CHANGE_MASK);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_widget_set_vexpand (widget, TRUE);
  atk_object_set_name (accessible, _("Screen of the machine"));
  atk_object_set_description (accessible, _("Press Enter to send keys to the machine, Ctrl and Alt together to stop."));
  g_signal_connect (self, "notify::scale-factor", G_CALLBACK (update_size_request), NULL);
  self->grab_shortcuts = TRUE;
  update_size_request (self);
}

GtkWidget *
vitrine_screen_new (void)
{
  return g_object_new (VITRINE_TYPE_SCREEN, NULL);
}
