/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Floppy disks by the size of their image, and the drives that take them. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* As in CMOS byte 10h. */
typedef enum
{
  VT_FLOPPY_NONE = 0,
  VT_FLOPPY_360 = 1,       /* 5.25 inch, 40 cylinders: 160 to 360 KiB */
  VT_FLOPPY_1200 = 2,      /* 5.25 inch; takes those as well, with two steps for each of their cylinders */
  VT_FLOPPY_1440 = 4,      /* 3.5 inch; takes 720 KiB as well */
  VT_FLOPPY_2880 = 5,      /* 3.5 inch; takes all of the former */
} VtFloppyDriveType;

typedef struct
{
  uint32_t bytes;
  uint8_t  cylinders, heads, sectors;
  uint8_t  drive;          /* the usual one for it: VtFloppyDriveType */
} VtFloppyMedium;

/* NULL: no floppy disk has this size. */
const VtFloppyMedium *vt_floppy_medium (uint64_t bytes);
bool vt_floppy_fits (const VtFloppyMedium *medium, VtFloppyDriveType drive);
/* At which it is read in that drive, as in the data rate select register: 0 500, 1 300, 2 250, 3 1000 kbit/s. */
uint8_t vt_floppy_rate (const VtFloppyMedium *medium, VtFloppyDriveType drive);
/* Of the heads from one of its cylinders to the next. */
unsigned vt_floppy_steps (const VtFloppyMedium *medium, VtFloppyDriveType drive);
