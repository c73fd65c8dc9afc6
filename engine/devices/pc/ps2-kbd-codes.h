/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Scan code tables. Private to the keyboard and its controller. */
#pragma once

#include <stdint.h>

#define VT_PS2_E0 0x100u   /* the code follows a prefix 0xe0 */

typedef struct
{
  uint16_t set2;   /* 0: this keyboard has no such key */
  uint8_t  set3;
} VtPs2Code;

extern const VtPs2Code vt_ps2_codes[256];            /* by evdev code */
extern const uint8_t   vt_ps2_set2_to_set1[256];     /* break bit clear */
