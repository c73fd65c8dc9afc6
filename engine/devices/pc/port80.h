/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The POST code port: traced, otherwise a scratch byte. */
#pragma once

#include "device.h"

extern const VtDeviceClass vt_port80_class;
extern const VtRegion vt_port80_region;   /* I/O 0x80, 1 byte */

/* Last code written, for the inspector and crash reports. */
uint8_t vt_port80_code (const VtDevice *dev);
