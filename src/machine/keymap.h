/* SPDX-License-Identifier: GPL-3.0-or-later */
/* From GDK's hardware keycodes to Linux evdev codes, that is, to positions on the keyboard. */
#pragma once

#include <gdk/gdk.h>

/* 0: no such key. */
guint vitrine_keymap_to_evdev (GdkDisplay *display, guint16 hardware_keycode);
