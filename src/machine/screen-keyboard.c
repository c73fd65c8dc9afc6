/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys on their way to the guest. */
#include <gdk/gdkkeysyms.h>
#include <string.h>

#include "keymap.h"
#include "screen-private.h"

void
vitrine_screen_release_keys (VitrineScreen *self)
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

gboolean
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
  return GTK_WIDGET_CLASS (g_type_class_peek (GTK_TYPE_DRAWING_AREA))->key_press_event (widget, event);
}

gboolean
vitrine_screen_key_release (GtkWidget *widget, GdkEventKey *event)
{
  return vitrine_screen_handle_key (VITRINE_SCREEN (widget), event) ? GDK_EVENT_STOP : GDK_EVENT_PROPAGATE;
}
