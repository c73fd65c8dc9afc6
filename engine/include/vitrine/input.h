/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person does with keyboard and mouse. Key codes are Linux evdev codes: positions on the keyboard. */
#pragma once

#include "machine.h"

void vt_input_key (VtMachine *machine, unsigned evdev_code, bool down);
/* Releases every key and button that is still held: on focus loss. */
void vt_input_release_all (VtMachine *machine);
void vt_input_motion (VtMachine *machine, int32_t dx, int32_t dy);
void vt_input_place (VtMachine *machine, uint32_t x, uint32_t y);   /* 0..65535 across the screen */
void vt_input_buttons (VtMachine *machine, uint32_t mask);          /* bit 0 left, 1 right, 2 middle, 3 side, 4 extra */
void vt_input_wheel (VtMachine *machine, int32_t clicks_x, int32_t clicks_y);   /* away from the person, to the right: positive */
/* Does the guest take absolute positions (a tablet that it has a driver for), so that no grab is needed? Changes while it runs:
 * VtMachineEvents.pointer_changed tells. Any thread. */
bool vt_input_absolute (VtMachine *machine);
/* Lights of the keyboard as the guest last set them: bit 0 Scroll, 1 Num, 2 Caps Lock. Any thread. */
unsigned vt_input_leds (VtMachine *machine);

/* "ctrl-alt-delete", "ret", "a", "shift-a", "f12": keys pressed in order and released in reverse; "text:hello": characters
 * one by one, US layout; "#30": an evdev code. Several words are separated by spaces, so text brings its own spaces as "spc" between words. The error
 * names the part that is not understood. */
bool vt_input_send_spec (VtMachine *machine, const char *spec, GError **error);
