/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Extended Window Manager Hints: the root window's property _NET_ACTIVE_WINDOW. */
#include "active-watch.h"

#ifdef GDK_WINDOWING_X11
#include <gdk/gdkx.h>

#define PROPERTY "_NET_ACTIVE_WINDOW"

struct VitrineActiveWatch
{
  GdkWindow *toplevel, *root;   /* borrowed, borrowed */
  void     (*lost) (gpointer data);
  gpointer   data;
};

/* TRUE also where no window manager says anything, and while it says that no window is: managers do, on the way from one to the
 * other, and also when they come back to the same. */
static gboolean
is_active (VitrineActiveWatch *self)
{
  g_autofree guchar *data = NULL;
  int format, length;

  if (!gdk_property_get (self->root, gdk_atom_intern_static_string (PROPERTY), gdk_atom_intern_static_string ("WINDOW"), 0,
                         sizeof (gulong), FALSE, NULL, &format, &length, &data)
      || format != 32 || length < (int) sizeof (gulong))
    return TRUE;
  gulong active = *(const gulong *) (gconstpointer) data;
  return active == None || active == gdk_x11_window_get_xid (self->toplevel);
}

static GdkFilterReturn
root_changed (GdkXEvent *native, GdkEvent *unused, gpointer data)
{
  VitrineActiveWatch *self = data;
  const XEvent *event = native;
  GdkDisplay *display = gdk_window_get_display (self->toplevel);

  if (event->type == PropertyNotify
      && event->xproperty.atom == gdk_x11_get_xatom_by_name_for_display (display, PROPERTY) && !is_active (self))
    self->lost (self->data);
  return GDK_FILTER_CONTINUE;
}

VitrineActiveWatch *
vitrine_active_watch_new (GdkWindow *toplevel, void (*lost) (gpointer data), gpointer data)
{
  if (!GDK_IS_X11_WINDOW (toplevel))
    return NULL;
  VitrineActiveWatch *self = g_new0 (VitrineActiveWatch, 1);
  self->toplevel = toplevel;
  self->root = gdk_screen_get_root_window (gdk_window_get_screen (toplevel));
  self->lost = lost;
  self->data = data;
  gdk_window_set_events (self->root, gdk_window_get_events (self->root) | GDK_PROPERTY_CHANGE_MASK);
  gdk_window_add_filter (self->root, root_changed, self);
  return self;
}

void
vitrine_active_watch_free (VitrineActiveWatch *self)
{
  if (self == NULL)
    return;
  gdk_window_remove_filter (self->root, root_changed, self);
  g_free (self);
}

#else

VitrineActiveWatch *
vitrine_active_watch_new (GdkWindow *toplevel, void (*lost) (gpointer data), gpointer data)
{
  return NULL;
}

void
vitrine_active_watch_free (VitrineActiveWatch *self)
{
}

#endif
