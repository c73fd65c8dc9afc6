/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The 8254 programmable interval timer and the system control port B (0x61) that gates its third channel. */
#pragma once

#include "device.h"

#define VT_PIT_HZ 1193182u   /* 14.31818 MHz / 12 */

enum
{
  VT_PIT_WIRE_IRQ0,      /* OUT of channel 0 */
  VT_PIT_WIRE_SPEAKER,   /* OUT of channel 2 and the speaker data bit: what the speaker hears (may be detached) */
  VT_PIT_WIRES,
};

/* Needs VtEnv.clock. */
extern const VtDeviceClass vt_pit_class;

extern const VtRegion vt_pit_region;      /* I/O 0x40, 4 bytes */
extern const VtRegion vt_pit_port61_region;   /* I/O 0x61, 1 byte */
