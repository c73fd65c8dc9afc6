/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keys on their way to the guest. */
#include <gdk/gdkkeysyms.h>
#include <linux/input-event-codes.h>
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

/* The guest's lock keys follow the host's, where the guest shows with its lights how they are. */
void
vitrine_screen_sync_locks (VitrineScreen *self)
{
  GdkKeymap *keymap = gdk_keymap_get_for_display (gtk_widget_get_display (GTK_WIDGET (self)));
  const struct { guint led, code; gboolean on; } locks[] = {
    { VITRINE_LED_CAPS, KEY_CAPSLOCK, gdk_keymap_get_caps_lock_state (keymap) },
    { VITRINE_LED_NUM, KEY_NUMLOCK, gdk_keymap_get_num_lock_state (keymap) },
    { VITRINE_LED_SCROLL, KEY_SCROLLLOCK, gdk_keymap_get_scroll_lock_state (keymap) },
  };
  guint leds;

  if (self->backend == NULL || !self->captured || !vitrine_backend_get_leds (self->backend, &leds))
    return;
  for (guint i = 0; i < G_N_ELEMENTS (locks); i++)
    if (((leds & locks[i].led) != 0) != locks[i].on && !self->held[locks[i].code])
      {
        vitrine_backend_key (self->backend, locks[i].code, TRUE);
        vitrine_backend_key (self->backend, locks[i].code, FALSE);
      }
}

/* The guest lets go of the modifiers. What neither our window nor, without a grab, the desktop wants is lost. */
static void
keep_on_host (VitrineScreen *self, GdkEventKey *event)
{
  gboolean grabbed = self->grabbed;
  GtkWidget *toplevel = gtk_widget_get_toplevel (GTK_WIDGET (self));

  vitrine_screen_release_keys (self);
  if (gtk_window_activate_key (GTK_WINDOW (toplevel), event) || !grabbed)
    return;
  vitrine_screen_ungrab (self);
  vitrine_host_keys_pass_on (event);
}

static gboolean
handle_key (VitrineScreen *self, GdkEventKey *event)
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
  if (down && self->host_keys != NULL && vitrine_host_keys_match (self->host_keys, event))
    {
      keep_on_host (self, event);
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
vitrine_screen_take_window_key (VitrineScreen *self, GdkEventKey *event)
{
  return gtk_widget_is_focus (GTK_WIDGET (self)) && handle_key (self, event);
}

gboolean
vitrine_screen_key_press (GtkWidget *widget, GdkEventKey *event)
{
  VitrineScreen *self = VITRINE_SCREEN (widget);

  if (handle_key (self, event))
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
  return handle_key (VITRINE_SCREEN (widget), event) ? GDK_EVENT_STOP : GDK_EVENT_PROPAGATE;
}
