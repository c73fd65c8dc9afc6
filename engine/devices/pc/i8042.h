/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The 8042 keyboard controller of a PC with a PS/2 keyboard and a PS/2 mouse plugged in. */
#pragma once

#include "device.h"
#include "input-sink.h"

enum
{
  VT_I8042_WIRE_IRQ1,    /* keyboard */
  VT_I8042_WIRE_IRQ12,   /* mouse */
  VT_I8042_WIRES,
};

/* VtEnv.config; nullable. */
typedef struct
{
  VtLedSink leds;
} VtI8042Config;

/* Needs VtEnv.clock and machine (reset line). */
extern const VtDeviceClass vt_i8042_class;

extern const VtRegion vt_i8042_data_region;      /* I/O 0x60, 1 byte */
extern const VtRegion vt_i8042_command_region;   /* I/O 0x64, 1 byte */

/* Where the person's keys and relative pointer go. Keys beyond the queue are dropped whole, never halved. */
VtInputSink vt_i8042_keyboard (VtDevice *dev);
VtInputSink vt_i8042_mouse (VtDevice *dev);
/* True when the guest's driver has switched mouse reporting on. */
bool vt_i8042_mouse_enabled (const VtDevice *dev);
