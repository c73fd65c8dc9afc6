/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The two 8237A DMA controllers of a PC and their page registers. */
#pragma once

#include "device.h"
#include "isa-dma.h"

/* Needs VtEnv.dma. */
extern const VtDeviceClass vt_dma8237_class;
extern const VtRegion vt_dma8237_low_region;     /* I/O 0x00, 16 bytes: channels 0-3 */
extern const VtRegion vt_dma8237_page_region;    /* I/O 0x81, 15 bytes (0x80 is the POST port) */
extern const VtRegion vt_dma8237_high_region;    /* I/O 0xc0, 32 bytes: channels 4-7 */

/* For devices with an 8-bit channel (0-3). */
VtIsaDma vt_dma8237_bus (VtDevice *dma);
