/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hardware keycodes are evdev codes plus 8 under Wayland and under every X server that uses evdev's keycodes, which is all of
 * them on Linux. X servers elsewhere (XQuartz and VNC servers among them) number the keys above the PC's main block as the
 * old XFree86 keyboard driver did: xkeyboard-config, keycodes/xfree86. Which of the two it is shows at the Up key. */
#include "keymap.h"

#define XKB_OFFSET 8   /* the X protocol leaves codes below 8 unused */
#define XFREE86_UP 98
#define FIRST_DIFFERENT 97

/* Index: X keycode - FIRST_DIFFERENT; value: evdev code (linux/input-event-codes.h). 0: unassigned. */
static const guint8 xfree86_to_evdev[] = {
  [97 - FIRST_DIFFERENT] = 102,   /* Home */
  [98 - FIRST_DIFFERENT] = 103,   /* Up */
  [99 - FIRST_DIFFERENT] = 104,   /* Page Up */
  [100 - FIRST_DIFFERENT] = 105,  /* Left */
  [102 - FIRST_DIFFERENT] = 106,  /* Right */
  [103 - FIRST_DIFFERENT] = 107,  /* End */
  [104 - FIRST_DIFFERENT] = 108,  /* Down */
  [105 - FIRST_DIFFERENT] = 109,  /* Page Down */
  [106 - FIRST_DIFFERENT] = 110,  /* Insert */
  [107 - FIRST_DIFFERENT] = 111,  /* Delete */
  [108 - FIRST_DIFFERENT] = 96,   /* Keypad Enter */
  [109 - FIRST_DIFFERENT] = 97,   /* Right Control */
  [110 - FIRST_DIFFERENT] = 119,  /* Pause */
  [111 - FIRST_DIFFERENT] = 99,   /* Print Screen */
  [112 - FIRST_DIFFERENT] = 98,   /* Keypad / */
  [113 - FIRST_DIFFERENT] = 100,  /* Right Alt */
  [115 - FIRST_DIFFERENT] = 125,  /* Left Super */
  [116 - FIRST_DIFFERENT] = 126,  /* Right Super */
  [117 - FIRST_DIFFERENT] = 127,  /* Menu */
};

static gboolean
find_up_key (GdkDisplay *display, gboolean *xfree86)
{
  g_autofree GdkKeymapKey *keys = NULL;
  gint n = 0;

  if (!gdk_keymap_get_entries_for_keyval (gdk_keymap_get_for_display (display), GDK_KEY_Up, &keys, &n))
    return FALSE;
  *xfree86 = FALSE;
  for (gint i = 0; i < n; i++)
    if (keys[i].keycode == XFREE86_UP)
      *xfree86 = TRUE;
  return TRUE;
}

static gboolean
uses_xfree86 (GdkDisplay *display)
{
  static gboolean known, xfree86;

  if (!known)
    known = find_up_key (display, &xfree86);
  return xfree86;
}

guint
vitrine_keymap_to_evdev (GdkDisplay *display, guint16 hardware_keycode)
{
  if (hardware_keycode < XKB_OFFSET)
    return 0;
  if (hardware_keycode >= FIRST_DIFFERENT && uses_xfree86 (display))
    {
      guint index = hardware_keycode - FIRST_DIFFERENT;
      return index < G_N_ELEMENTS (xfree86_to_evdev) ? xfree86_to_evdev[index] : 0;
    }
  return hardware_keycode - XKB_OFFSET;
}
