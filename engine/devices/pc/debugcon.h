/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A one-byte port on which firmware prints its log. */
#pragma once

#include "device.h"
#include "chardev.h"

/* VtEnv.config; NULL: the text vanishes (the port still answers). */
typedef struct
{
  VtChardev *chr;   /* borrowed */
} VtDebugconConfig;

/* No wires. */
extern const VtDeviceClass vt_debugcon_class;
extern const VtRegion vt_debugcon_region;   /* I/O 0x402 and 0xe9, 1 byte: may be mapped at both */
