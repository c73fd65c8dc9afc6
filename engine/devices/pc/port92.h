/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System control port A: fast A20 and fast reset. */
#pragma once

#include "device.h"

/* Needs VtEnv.machine. No wires. */
extern const VtDeviceClass vt_port92_class;
extern const VtRegion vt_port92_region;   /* I/O 0x92, 1 byte */
