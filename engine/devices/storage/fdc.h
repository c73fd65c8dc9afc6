/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Floppy disk controller, an Intel 82077AA in AT mode, with two drives. */
#pragma once

#include "block.h"
#include "device.h"
#include "floppy.h"
#include "isa-dma.h"

extern const VtDeviceClass vt_fdc;
extern const VtRegion vt_fdc_region;       /* I/O 0x3f0, 6 bytes */
extern const VtRegion vt_fdc_dir_region;   /* I/O 0x3f7, 1 byte */

enum
{
  VT_FDC_WIRE_IRQ6,
  VT_FDC_WIRES,

  VT_FDC_DRIVES = 2,
  VT_FDC_DMA_CHANNEL = 2,
};

typedef struct
{
  VtFloppyDriveType type;       /* VT_FLOPPY_NONE: no drive */
  VtBlock          *block;      /* borrowed; NULL: empty. Of a size that fits the drive */
} VtFdcDrive;

/* VtEnv.config */
typedef struct
{
  VtFdcDrive drive[VT_FDC_DRIVES];
  VtIsaDma   dma;               /* the controller of channel 2 */
} VtFdcConfig;

/* Puts a disk in, or takes it out (NULL): a floppy drive has no lock. False: there is no such drive, or the disk does not
 * fit. The old block is no longer used when this returns and nothing is in flight on it. */
bool     vt_fdc_set_medium (VtDevice *fdc, unsigned drive, VtBlock *block);
VtBlock *vt_fdc_medium (VtDevice *fdc, unsigned drive);
