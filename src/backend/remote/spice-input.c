/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Keyboard and pointer over SPICE. */
#include "spice-screen-private.h"

static void
spice_key (VitrineRemoteScreen *screen, guint evdev_code, gboolean down)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  guint code = vitrine_scancode_of (evdev_code);

  if (self->inputs == NULL || code == 0)
    return;
  if (down)
    spice_inputs_channel_key_press (self->inputs, code);
  else
    spice_inputs_channel_key_release (self->inputs, code);
}

static const struct
{
  guint ours;
  int   button, mask;
} buttons[] = {
  { 1u << 0, SPICE_MOUSE_BUTTON_LEFT, SPICE_MOUSE_BUTTON_MASK_LEFT },
  { 1u << 1, SPICE_MOUSE_BUTTON_RIGHT, SPICE_MOUSE_BUTTON_MASK_RIGHT },
  { 1u << 2, SPICE_MOUSE_BUTTON_MIDDLE, SPICE_MOUSE_BUTTON_MASK_MIDDLE },
  { 1u << 3, SPICE_MOUSE_BUTTON_SIDE, SPICE_MOUSE_BUTTON_MASK_SIDE },
  { 1u << 4, SPICE_MOUSE_BUTTON_EXTRA, SPICE_MOUSE_BUTTON_MASK_EXTRA },
};

static int
button_state (guint mask)
{
  int state = 0;

  for (guint i = 0; i < G_N_ELEMENTS (buttons); i++)
    if ((mask & buttons[i].ours) != 0)
      state |= buttons[i].mask;
  return state;
}

static void
spice_buttons (VitrineRemoteScreen *screen, guint mask)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  guint changed = self->buttons ^ mask;

  self->buttons = mask;
  for (guint i = 0; self->inputs != NULL && i < G_N_ELEMENTS (buttons); i++)
    if ((changed & mask & buttons[i].ours) != 0)
      spice_inputs_channel_button_press (self->inputs, buttons[i].button, button_state (mask));
    else if ((changed & buttons[i].ours) != 0)
      spice_inputs_channel_button_release (self->inputs, buttons[i].button, button_state (mask));
}

static void
spice_wheel (VitrineRemoteScreen *screen, gint clicks_x, gint clicks_y)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  int button = clicks_y > 0 ? SPICE_MOUSE_BUTTON_UP : SPICE_MOUSE_BUTTON_DOWN, state = button_state (self->buttons);

  for (gint i = 0; self->inputs != NULL && i < ABS (clicks_y); i++)   /* the protocol has no wheel across */
    {
      spice_inputs_channel_button_press (self->inputs, button, state);
      spice_inputs_channel_button_release (self->inputs, button, state);
    }
}

static void
spice_motion (VitrineRemoteScreen *screen, gint dx, gint dy)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);

  if (self->inputs != NULL)
    spice_inputs_channel_motion (self->inputs, dx, dy, button_state (self->buttons));
}

static void
spice_place (VitrineRemoteScreen *screen, guint head, guint x, guint y)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  SpiceDisplayMonitorConfig area;
  guint monitor;
  Display *display = vitrine_spice_screen_find_head (self, head, &monitor);

  if (display == NULL || self->inputs == NULL || !vitrine_spice_screen_find_area (display, monitor, &area))
    return;
  gint at_x = (gint) (area.x + (guint64) x * (area.width - 1) / 65535);
  gint at_y = (gint) (area.y + (guint64) y * (area.height - 1) / 65535);
  vitrine_spice_screen_place_cursor (self, display, at_x, at_y);
  spice_inputs_channel_position (self->inputs, at_x, at_y, display->id, button_state (self->buttons));
}

static gboolean
spice_is_absolute (VitrineRemoteScreen *screen)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  int mode = SPICE_MOUSE_MODE_SERVER;

  if (self->main != NULL)
    g_object_get (self->main, "mouse-mode", &mode, NULL);
  return mode == SPICE_MOUSE_MODE_CLIENT;
}

static gboolean
spice_get_leds (VitrineRemoteScreen *screen, guint *mask)
{
  VitrineSpiceScreen *self = VITRINE_SPICE_SCREEN (screen);
  int locks = 0;

  G_STATIC_ASSERT ((int) SPICE_INPUTS_SCROLL_LOCK == VITRINE_LED_SCROLL && (int) SPICE_INPUTS_NUM_LOCK == VITRINE_LED_NUM
                   && (int) SPICE_INPUTS_CAPS_LOCK == VITRINE_LED_CAPS);
  if (self->inputs == NULL)
    return FALSE;
  g_object_get (self->inputs, "key-modifiers", &locks, NULL);
  *mask = (guint) locks;
  return TRUE;
}

void
vitrine_spice_screen_input_init (VitrineRemoteScreenClass *klass)
{
  klass->key = spice_key;
  klass->motion = spice_motion;
  klass->place = spice_place;
  klass->buttons = spice_buttons;
  klass->wheel = spice_wheel;
  klass->is_absolute = spice_is_absolute;
  klass->get_leds = spice_get_leds;
}
