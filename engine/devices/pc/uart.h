/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A 16550A serial port. */
#pragma once

#include "device.h"
#include "chardev.h"

enum
{
  VT_UART_WIRE_IRQ,
  VT_UART_WIRES,
};

/* VtEnv.config. */
typedef struct
{
  VtChardev *chr;   /* borrowed; NULL: nothing plugged in, output vanishes */
} VtUartConfig;

/* Needs VtEnv.clock. */
extern const VtDeviceClass vt_uart_class;
extern const VtRegion vt_uart_region;   /* I/O 0x3f8 (COM1, IRQ4), 0x2f8 (COM2, IRQ3), ...: 8 bytes */
