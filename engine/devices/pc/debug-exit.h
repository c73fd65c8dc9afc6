/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A port by which a test guest ends the run: exit status (value << 1) | 1. */
#pragma once

#include "device.h"

/* Needs VtEnv.machine. No wires. */
extern const VtDeviceClass vt_debug_exit_class;
extern const VtRegion vt_debug_exit_region;   /* I/O 0xf4, 4 bytes */
