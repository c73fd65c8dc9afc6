/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Key positions as the Keyboard/Keypad page of the HID Usage Tables numbers them. Private to the HID devices. */
#pragma once

#include <stdint.h>

extern const uint8_t vt_hid_usages[256];   /* by evdev code; 0: no such key */

#define VT_HID_FIRST_MODIFIER 0xe0         /* Left Control .. Right GUI: bits of a report's first byte */
#define VT_HID_ROLL_OVER      0x01         /* more keys than the report has room for */
