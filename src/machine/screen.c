/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's screen. Frames are pulled on the frame clock, at most one per refresh of the host's monitor; only the damaged
 * rectangle is copied and redrawn. While nobody can see the widget, nothing is pulled. */
#include "screen.h"

#include <glib/gi18n.h>

#include "screen-accessible.h"
#include "screen-private.h"

enum
{
  CAPTURE_CHANGED,
  GUEST_RESIZED,
  SETTLED,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VitrineScreen, vitrine_screen, GTK_TYPE_DRAWING_AREA)

void
vitrine_screen_emit_capture_changed (VitrineScreen *self)
{
  g_signal_emit (self, signals[CAPTURE_CHANGED], 0);
}

void
vitrine_screen_emit_settled (VitrineScreen *self)
{
  g_signal_emit (self, signals[SETTLED], 0);
}

/* --- frames ----------------------------------------------------------------------------------------------------- */

/* A mode of another size, or the first one. */
static void
take_size (VitrineScreen *self, const VitrineFrame *frame)
{
  gboolean other = self->width != frame->width || self->height != frame->height;

  if (self->painter == NULL)
    self->painter = vitrine_painter_new (GTK_WIDGET (self), self->renderer);
  if (!self->painter->klass->resize (self->painter, frame->width, frame->height))
    {
      self->painter->klass->free (self->painter);
      self->painter = vitrine_painter_new_cairo (GTK_WIDGET (self));
      self->painter->klass->resize (self->painter, frame->width, frame->height);
    }
  self->width = frame->width;
  self->height = frame->height;
  self->cursor_drawn = (GdkRectangle) { 0 };
  vitrine_screen_update_size_request (self);
  if (other)
    g_signal_emit (self, signals[GUEST_RESIZED], 0);
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
  if (self->painter == NULL || self->width != frame->width || self->height != frame->height)
    {
      take_size (self, frame);
      damage = whole;
    }
  if (!gdk_rectangle_intersect (&damage, &whole, &damage))
    return;
  self->painter->klass->take (self->painter, frame, &damage);
  vitrine_screen_redraw_area (self, &damage);
}

static gboolean
pull_frame (GtkWidget *widget, GdkFrameClock *clock, gpointer unused)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);
  VitrineFrame frame;

  gboolean moves = FALSE;

  if (self->backend != NULL && self->watching && vitrine_backend_acquire_frame (self->backend, self->head, self->seen, &frame))
    {
      take_frame (self, &frame);
      moves = vitrine_frame_moved (&frame);
      vitrine_backend_release_frame (self->backend, &frame);
    }
  vitrine_screen_pull_cursor (self);
  if (moves)
    return G_SOURCE_CONTINUE;
  self->tick = 0;   /* nothing new, or little: sleep until the backend says so */
  return G_SOURCE_REMOVE;
}

static void
frame_ready (VitrineScreen *self, guint head)
{
  if (self->tick == 0 && self->watching && head == self->head)
    self->tick = gtk_widget_add_tick_callback (GTK_WIDGET (self), pull_frame, NULL, NULL);
}

static gboolean
vitrine_screen_draw (GtkWidget *widget, cairo_t *cr)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);
  VitrinePlacement at = vitrine_screen_place (self);
  int scale = at.device_scale;
  gboolean shown = self->painter != NULL && !self->blank;

  if (!shown || at.x > 0 || at.y > 0 || at.width < gtk_widget_get_allocated_width (widget) * scale
      || at.height < gtk_widget_get_allocated_height (widget) * scale)
    {
      cairo_set_source_rgb (cr, 0, 0, 0);
      cairo_paint (cr);
    }
  if (!shown)
    return GDK_EVENT_PROPAGATE;
  self->painter->klass->paint (self->painter, cr, &at);
  vitrine_screen_draw_cursor (self, cr, &at);
  return GDK_EVENT_PROPAGATE;
}

/* --- who looks -------------------------------------------------------------------------------------------------- */

static gboolean
can_be_seen (VitrineScreen *self)
{
  GdkWindow *window = self->toplevel != NULL ? gtk_widget_get_window (self->toplevel) : NULL;

  return self->backend != NULL && gtk_widget_get_mapped (GTK_WIDGET (self)) && window != NULL
         && (gdk_window_get_state (window) & (GDK_WINDOW_STATE_ICONIFIED | GDK_WINDOW_STATE_WITHDRAWN)) == 0;
}

static void
update_watching (VitrineScreen *self)
{
  gboolean watching = can_be_seen (self);

  if (watching == self->watching)
    return;
  self->watching = watching;
  vitrine_backend_set_watched (self->backend, self->head, watching);
  if (watching)
    frame_ready (self, self->head);
}

static gboolean
state_changed (VitrineScreen *self)
{
  update_watching (self);
  return GDK_EVENT_PROPAGATE;
}

/* Another place may be another monitor. */
static gboolean
moved (VitrineScreen *self)
{
  vitrine_screen_settle_soon (self);
  return GDK_EVENT_PROPAGATE;
}

static void
vitrine_screen_map (GtkWidget *widget)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);

  GTK_WIDGET_CLASS (vitrine_screen_parent_class)->map (widget);
  self->toplevel = gtk_widget_get_toplevel (widget);
  g_signal_connect_object (self->toplevel, "window-state-event", G_CALLBACK (state_changed), self,
                           G_CONNECT_SWAPPED | G_CONNECT_AFTER);
  g_signal_connect_object (self->toplevel, "configure-event", G_CALLBACK (moved), self, G_CONNECT_SWAPPED);
  update_watching (self);
  vitrine_screen_settle_soon (self);
}

static void
vitrine_screen_unmap (GtkWidget *widget)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);

  GTK_WIDGET_CLASS (vitrine_screen_parent_class)->unmap (widget);
  g_signal_handlers_disconnect_by_data (self->toplevel, self);
  self->toplevel = NULL;
  vitrine_screen_settle_never (self);
  update_watching (self);
}

static void
vitrine_screen_size_allocate (GtkWidget *widget, GtkAllocation *allocation)
{
  GTK_WIDGET_CLASS (vitrine_screen_parent_class)->size_allocate (widget, allocation);
  vitrine_screen_settle_soon (VITRINE_SCREEN (widget));
}

static void
scale_changed (VitrineScreen *self)
{
  vitrine_screen_update_size_request (self);
  vitrine_screen_settle_soon (self);
}

/* --- object ----------------------------------------------------------------------------------------------------- */

void
vitrine_screen_set_backend (VitrineScreen *self, VitrineBackend *backend, guint head)
{
  if (self->backend != NULL)
    {
      vitrine_screen_release (self);
      vitrine_screen_settle_never (self);
      if (self->watching)
        vitrine_backend_set_watched (self->backend, self->head, FALSE);
      g_signal_handlers_disconnect_by_data (self->backend, self);
    }
  g_set_object (&self->backend, backend);
  self->head = head;
  self->watching = FALSE;
  self->seen = 0;
  vitrine_screen_forget_cursor (self);
  if (backend == NULL)
    return;
  g_signal_connect_swapped (backend, "frame-ready", G_CALLBACK (frame_ready), self);
  g_signal_connect_swapped (backend, "guest-reset", G_CALLBACK (vitrine_screen_forget_cursor), self);
  g_signal_connect_swapped (backend, "pointer-changed", G_CALLBACK (vitrine_screen_pointer_changed), self);
  update_watching (self);
  vitrine_screen_settle_soon (self);
}

void
vitrine_screen_bind_settings (VitrineScreen *self, GSettings *settings)
{
  g_free (self->renderer);
  self->renderer = g_settings_get_string (settings, "renderer");
  self->grab_shortcuts = g_settings_get_boolean (settings, "grab-shortcuts");
  vitrine_screen_bind_scaling (self, settings);
}

void
vitrine_screen_set_host_keys (VitrineScreen *self, const char *const *accelerators)
{
  vitrine_host_keys_free (self->host_keys);
  self->host_keys = vitrine_host_keys_new (accelerators);
}

/* Text modes are the first head's. */
char *
vitrine_screen_get_text (VitrineScreen *self)
{
  return self->backend != NULL && self->head == 0 ? vitrine_backend_get_text (self->backend) : NULL;
}

void
vitrine_screen_get_guest_size (VitrineScreen *self, guint *width, guint *height)
{
  *width = self->width;
  *height = self->height;
}

static void
vitrine_screen_unrealize (GtkWidget *widget)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);

  vitrine_screen_release (self);
  if (self->painter != NULL)
    self->painter->klass->free (self->painter);
  self->painter = NULL;
  self->seen = 0;
  GTK_WIDGET_CLASS (vitrine_screen_parent_class)->unrealize (widget);
}

static void
vitrine_screen_dispose (GObject *object)
{
  VitrineScreen *self = VITRINE_SCREEN (object);

  vitrine_screen_set_backend (self, NULL, 0);
  vitrine_screen_settle_never (self);
  g_clear_pointer (&self->renderer, g_free);
  g_clear_pointer (&self->host_keys, vitrine_host_keys_free);
  G_OBJECT_CLASS (vitrine_screen_parent_class)->dispose (object);
}

static void
vitrine_screen_class_init (VitrineScreenClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_screen_dispose;
  widget_class->draw = vitrine_screen_draw;
  widget_class->map = vitrine_screen_map;
  widget_class->unmap = vitrine_screen_unmap;
  widget_class->size_allocate = vitrine_screen_size_allocate;
  widget_class->unrealize = vitrine_screen_unrealize;
  widget_class->key_press_event = vitrine_screen_key_press;
  widget_class->key_release_event = vitrine_screen_key_release;
  widget_class->focus_in_event = vitrine_screen_focus_in;
  widget_class->focus_out_event = vitrine_screen_focus_out;
  widget_class->motion_notify_event = vitrine_screen_motion;
  widget_class->enter_notify_event = vitrine_screen_enter;
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
  signals[SETTLED] = g_signal_new ("settled", VITRINE_TYPE_SCREEN, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static void
vitrine_screen_init (VitrineScreen *self)
{
  GtkWidget *widget = GTK_WIDGET (self);
  AtkObject *accessible = gtk_widget_get_accessible (widget);

  gtk_widget_set_can_focus (widget, TRUE);
  gtk_widget_add_events (widget, GDK_KEY_PRESS_MASK | GDK_KEY_RELEASE_MASK | GDK_POINTER_MOTION_MASK | GDK_BUTTON_PRESS_MASK
                                   | GDK_BUTTON_RELEASE_MASK | GDK_SCROLL_MASK | GDK_SMOOTH_SCROLL_MASK
                                   | GDK_FOCUS_CHANGE_MASK | GDK_ENTER_NOTIFY_MASK);
  gtk_widget_set_hexpand (widget, TRUE);
  gtk_widget_set_vexpand (widget, TRUE);
  atk_object_set_name (accessible, _("Screen of the machine"));
  atk_object_set_description (accessible, _("Press Enter to send keys to the machine, Ctrl and Alt together to stop."));
  g_signal_connect (self, "notify::scale-factor", G_CALLBACK (scale_changed), NULL);
  self->grab_shortcuts = TRUE;
  self->smooth = TRUE;
  vitrine_screen_update_size_request (self);
}

GtkWidget *
vitrine_screen_new (void)
{
  return g_object_new (VITRINE_TYPE_SCREEN, NULL);
}
