/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One further monitor. */
#include "head-window.h"

#include <glib/gi18n.h>
#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>
#endif

struct _VitrineHeadWindow
{
  HdyApplicationWindow parent_instance;

  GtkWidget      *header, *scroller, *unused_label;
  VitrineScreen  *screen;
  VitrineBackend *backend;
  VitrineView    *view;       /* borrowed */
  GSettings      *settings;
  guint           head;
  gboolean        fullscreen;
};

G_DEFINE_FINAL_TYPE (VitrineHeadWindow, vitrine_head_window, HDY_TYPE_APPLICATION_WINDOW)

/* --- actions ---------------------------------------------------------------------------------------------------- */

static void
action_fullscreen (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineHeadWindow *self = data;

  if (self->fullscreen)
    gtk_window_unfullscreen (GTK_WINDOW (self));
  else
    gtk_window_fullscreen (GTK_WINDOW (self));
}

static void
action_close (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  gtk_window_close (GTK_WINDOW (data));
}

static const GActionEntry actions[] = {
  { "fullscreen", action_fullscreen },
  { "close", action_close },
};

/* --- size and place --------------------------------------------------------------------------------------------- */

/* Under Wayland windows do not. */
static gboolean
knows_its_place (VitrineHeadWindow *self)
{
#ifdef GDK_WINDOWING_X11
  return GDK_IS_X11_DISPLAY (gtk_widget_get_display (GTK_WIDGET (self)));
#else
  return FALSE;
#endif
}

static void
settled (VitrineHeadWindow *self)
{
  int width, height;

  if (self->fullscreen || gtk_window_is_maximized (GTK_WINDOW (self)))
    return;
  vitrine_screen_get_room (self->screen, &width, &height);
  vitrine_view_set_size (self->view, self->head, width, height);
}

static void
vitrine_head_window_unmap (GtkWidget *widget)
{
  VitrineHeadWindow *self = VITRINE_HEAD_WINDOW (widget);
  int x, y;

  if (knows_its_place (self) && !self->fullscreen && !gtk_window_is_maximized (GTK_WINDOW (self)))
    {
      gtk_window_get_position (GTK_WINDOW (self), &x, &y);
      vitrine_view_set_position (self->view, self->head, x, y);
    }
  GTK_WIDGET_CLASS (vitrine_head_window_parent_class)->unmap (widget);
}

static gboolean
is_on_a_monitor (VitrineHeadWindow *self, int x, int y)
{
  GdkDisplay *display = gtk_widget_get_display (GTK_WIDGET (self));
  GdkRectangle corner = { x, y, 1, 1 }, area;

  for (int i = 0; i < gdk_display_get_n_monitors (display); i++)
    {
      gdk_monitor_get_workarea (gdk_display_get_monitor (display, i), &area);
      if (gdk_rectangle_intersect (&corner, &area, NULL))
        return TRUE;
    }
  return FALSE;
}

/* As last time; where it was may lie outside by now, as when a monitor was taken away. */
static void
begin_size (VitrineHeadWindow *self)
{
  int width = VITRINE_SCREEN_WIDTH, height = VITRINE_SCREEN_HEIGHT, header, x, y;

  vitrine_view_get_size (self->view, self->head, &width, &height);
  gtk_widget_get_preferred_height (self->header, &header, NULL);
  gtk_window_set_default_size (GTK_WINDOW (self), width, height + header);
  if (knows_its_place (self) && vitrine_view_get_position (self->view, self->head, &x, &y) && is_on_a_monitor (self, x, y))
    gtk_window_move (GTK_WINDOW (self), x, y);
}

static gboolean
vitrine_head_window_state (GtkWidget *widget, GdkEventWindowState *event)
{
  VitrineHeadWindow *self = VITRINE_HEAD_WINDOW (widget);

  self->fullscreen = (event->new_window_state & GDK_WINDOW_STATE_FULLSCREEN) != 0;
  gtk_widget_set_visible (self->header, !self->fullscreen);
  return GTK_WIDGET_CLASS (vitrine_head_window_parent_class)->window_state_event (widget, event);
}

/* --- keys ------------------------------------------------------------------------------------------------------- */

static gboolean
vitrine_head_window_key (GtkWidget *widget, GdkEventKey *event)
{
  VitrineHeadWindow *self = VITRINE_HEAD_WINDOW (widget);
  GtkWidgetClass *parent = GTK_WIDGET_CLASS (vitrine_head_window_parent_class);

  if (vitrine_screen_take_window_key (self->screen, event))
    return GDK_EVENT_STOP;
  return event->type == GDK_KEY_PRESS ? parent->key_press_event (widget, event) : parent->key_release_event (widget, event);
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_head_window_dispose (GObject *object)
{
  VitrineHeadWindow *self = VITRINE_HEAD_WINDOW (object);

  if (self->backend != NULL)
    {
      vitrine_screen_set_backend (self->screen, NULL, 0);
      vitrine_backend_set_monitor (self->backend, self->head, NULL);
    }
  g_clear_object (&self->backend);
  g_clear_object (&self->settings);
  G_OBJECT_CLASS (vitrine_head_window_parent_class)->dispose (object);
}

static void
vitrine_head_window_class_init (VitrineHeadWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_head_window_dispose;
  widget_class->key_press_event = vitrine_head_window_key;
  widget_class->key_release_event = vitrine_head_window_key;
  widget_class->window_state_event = vitrine_head_window_state;
  widget_class->unmap = vitrine_head_window_unmap;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/machine/head-window.ui");
  gtk_widget_class_bind_template_child (widget_class, VitrineHeadWindow, header);
  gtk_widget_class_bind_template_child (widget_class, VitrineHeadWindow, scroller);
  gtk_widget_class_bind_template_child (widget_class, VitrineHeadWindow, unused_label);
}

static void
vitrine_head_window_init (VitrineHeadWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->screen = VITRINE_SCREEN (vitrine_screen_new ());
  gtk_widget_show (GTK_WIDGET (self->screen));
  gtk_container_add (GTK_CONTAINER (self->scroller), GTK_WIDGET (self->screen));
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  g_signal_connect_swapped (self->screen, "settled", G_CALLBACK (settled), self);
  g_signal_connect_swapped (self->screen, "guest-resized", G_CALLBACK (gtk_widget_hide), self->unused_label);
}

static void
name_window (VitrineHeadWindow *self, const char *machine)
{
  g_autofree char *display = g_strdup_printf (_("Display %u"), self->head + 1);
  g_autofree char *title = g_strdup_printf ("%s – %s", machine, display);
  g_autofree char *screen = g_strdup_printf (_("Screen of the machine, display %u"), self->head + 1);

  gtk_window_set_title (GTK_WINDOW (self), title);
  hdy_header_bar_set_title (HDY_HEADER_BAR (self->header), machine);
  hdy_header_bar_set_subtitle (HDY_HEADER_BAR (self->header), display);
  atk_object_set_name (gtk_widget_get_accessible (GTK_WIDGET (self->screen)), screen);
}

VitrineHeadWindow *
vitrine_head_window_new (GtkWindow *main, VitrineBackend *backend, guint head, VitrineView *view, GSettings *settings)
{
  static const VitrineMonitor none = { 0 };
  VitrineHeadWindow *self =
    g_object_new (VITRINE_TYPE_HEAD_WINDOW, "application", gtk_window_get_application (main), NULL);

  self->backend = g_object_ref (backend);
  self->head = head;
  self->view = view;
  self->settings = g_object_ref (settings);
  name_window (self, gtk_window_get_title (main));
  vitrine_screen_bind_settings (self->screen, settings);
  vitrine_screen_begin_with (self->screen, &none);   /* the guest hears of it when the window has its size */
  vitrine_screen_set_follow (self->screen, TRUE);
  vitrine_screen_set_backend (self->screen, backend, head);
  begin_size (self);
  return self;
}

VitrineScreen *
vitrine_head_window_get_screen (VitrineHeadWindow *self)
{
  return self->screen;
}
