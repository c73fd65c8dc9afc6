/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Desktops take their shortcuts by passive grabs, which do not work while we hold an active one. */
#include "host-keys.h"

#ifdef GDK_WINDOWING_X11
#include <X11/extensions/XTest.h>
#include <gdk/gdkx.h>
#endif

typedef struct
{
  guint           key;
  GdkModifierType modifiers;
} Shortcut;

struct VitrineHostKeys
{
  GArray *shortcuts;   /* Shortcut */
};

VitrineHostKeys *
vitrine_host_keys_new (const char *const *accelerators)
{
  VitrineHostKeys *self = g_new0 (VitrineHostKeys, 1);

  self->shortcuts = g_array_new (FALSE, FALSE, sizeof (Shortcut));
  for (; *accelerators != NULL; accelerators++)
    {
      Shortcut shortcut;
      gtk_accelerator_parse (*accelerators, &shortcut.key, &shortcut.modifiers);
      if (shortcut.key != 0)
        g_array_append_val (self->shortcuts, shortcut);
    }
  return self;
}

void
vitrine_host_keys_free (VitrineHostKeys *self)
{
  if (self == NULL)
    return;
  g_array_unref (self->shortcuts);
  g_free (self);
}

gboolean
vitrine_host_keys_match (const VitrineHostKeys *self, const GdkEventKey *event)
{
  GdkModifierType modifiers = event->state & gtk_accelerator_get_default_mod_mask ();

  for (guint i = 0; i < self->shortcuts->len; i++)
    {
      const Shortcut *shortcut = &g_array_index (self->shortcuts, Shortcut, i);
      if (gdk_keyval_to_lower (event->keyval) == shortcut->key && modifiers == shortcut->modifiers)
        return TRUE;
    }
  return FALSE;
}

void
vitrine_host_keys_pass_on (const GdkEventKey *event)
{
#ifdef GDK_WINDOWING_X11
  GdkDisplay *display = gdk_window_get_display (event->window);

  if (!GDK_IS_X11_DISPLAY (display))
    return;
  /* The server ignores a press of what is down: it is let go first. */
  XTestFakeKeyEvent (GDK_DISPLAY_XDISPLAY (display), event->hardware_keycode, False, CurrentTime);
  XTestFakeKeyEvent (GDK_DISPLAY_XDISPLAY (display), event->hardware_keycode, True, CurrentTime);
  XTestFakeKeyEvent (GDK_DISPLAY_XDISPLAY (display), event->hardware_keycode, False, CurrentTime);
  XFlush (GDK_DISPLAY_XDISPLAY (display));
#endif
}
