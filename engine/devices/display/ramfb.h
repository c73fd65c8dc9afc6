/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ramfb: a framebuffer in the guest's own RAM. Firmware writes where it is into the fw_cfg file "etc/ramfb".
 *
 * It has no registers and no interrupts: a display for firmware, and for kernels that go on with firmware's
 * framebuffer. On the surface of another display device it is the picture until that device shows one. Needs env->dma.
 */
#pragma once

#include "device.h"
#include "surface.h"

extern const VtDeviceClass vt_ramfb_class;

typedef struct
{
  VtSurface *surface;    /* NULL: nobody looks. Realize ramfb after the device that it shares the surface with. */
} VtRamfbConfig;

#define VT_RAMFB_FILE       "etc/ramfb"
#define VT_RAMFB_FILE_BYTES 28u
/* The file was written; a VtFwCfgWrote with the device as opaque. */
void vt_ramfb_configure (void *ramfb, const uint8_t *content, size_t size);
