/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The formats of a PC's floppy disks: ECMA-70 and ECMA-99 (5.25 inch), ECMA-100 and ECMA-125 (3.5 inch), ECMA-147 (2.88 MB). */
#include "floppy.h"

#include <stddef.h>

static const VtFloppyMedium media[] = {
  { 160 * 1024, 40, 1, 8, VT_FLOPPY_360 },    { 180 * 1024, 40, 1, 9, VT_FLOPPY_360 },
  { 320 * 1024, 40, 2, 8, VT_FLOPPY_360 },    { 360 * 1024, 40, 2, 9, VT_FLOPPY_360 },
  { 720 * 1024, 80, 2, 9, VT_FLOPPY_1440 },   { 1200 * 1024, 80, 2, 15, VT_FLOPPY_1200 },
  { 1440 * 1024, 80, 2, 18, VT_FLOPPY_1440 }, { 1680 * 1024, 80, 2, 21, VT_FLOPPY_1440 },
  { 2880 * 1024, 80, 2, 36, VT_FLOPPY_2880 },
};

const VtFloppyMedium *
vt_floppy_medium (uint64_t bytes)
{
  for (size_t i = 0; i < sizeof media / sizeof *media; i++)
    if (media[i].bytes == bytes)
      return &media[i];
  return NULL;
}

bool
vt_floppy_fits (const VtFloppyMedium *medium, VtFloppyDriveType drive)
{
  return medium->drive == drive || (drive == VT_FLOPPY_2880 && medium->drive == VT_FLOPPY_1440)
         || (drive == VT_FLOPPY_1200 && medium->drive == VT_FLOPPY_360);
}

/* A drive for 1.2 MB turns faster than the one that the old disk was made for. */
uint8_t
vt_floppy_rate (const VtFloppyMedium *medium, VtFloppyDriveType drive)
{
  if (medium->drive == VT_FLOPPY_360)
    return drive == VT_FLOPPY_360 ? 2 : 1;
  if (medium->sectors == 9)
    return 2;
  return medium->drive == VT_FLOPPY_2880 ? 3 : 0;
}

unsigned
vt_floppy_steps (const VtFloppyMedium *medium, VtFloppyDriveType drive)
{
  return medium->drive == VT_FLOPPY_360 && drive != VT_FLOPPY_360 ? 2 : 1;
}
