/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pair of 8259A interrupt controllers of a PC, with the edge/level registers of the ISA bridge. */
#pragma once

#include "device.h"

/* Outgoing wires (VtEnv.wires). */
enum
{
  VT_PIC_WIRE_INTR,   /* to the processor: LINT0 or the INTR pin */
  VT_PIC_WIRES,
};

#define VT_PIC_INPUTS 16u   /* IRQ2 is the cascade: its input is not connected */

/* Nothing else is needed from VtEnv. */
extern const VtDeviceClass vt_pic_class;

extern const VtRegion vt_pic_master_region;   /* I/O 0x20, 2 bytes */
extern const VtRegion vt_pic_slave_region;    /* I/O 0xa0, 2 bytes */
extern const VtRegion vt_pic_elcr_region;     /* I/O 0x4d0, 2 bytes */

/* A wire into input `irq` (0..15, not 2). Up to eight wires may share an input; the input is their OR. A wire keeps its place
 * in the saved state by the order of these calls. */
VtIrq vt_pic_input (VtDevice *dev, unsigned irq, const char *label);

/* The processor's interrupt acknowledge cycle: returns the vector, and moves the request into service. With nothing
 * requesting this is the spurious interrupt (IRQ7). */
uint8_t vt_pic_acknowledge (VtDevice *dev);

/* Level of INTR. */
bool vt_pic_pending (const VtDevice *dev);
