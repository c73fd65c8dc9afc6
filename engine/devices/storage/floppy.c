/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The formats of a PC's floppy disks: ECMA-70 and ECMA-99 (5.25 inch), ECMA-100 and ECMA-125 (3.5 inch), ECMA-147 (2.88 MB).
 * Rates are those at which a drive of the usual type reads them: an old 5.25-inch disk turns faster in a 1.2 MB drive. */
#include "floppy.h"

#include <stddef.h>

static const VtFloppyMedium media[] = {
  { 160 * 1024, 40, 1, 8, 1, VT_FLOPPY_1200 },  { 180 * 1024, 40, 1, 9, 1, VT_FLOPPY_1200 },
  { 320 * 1024, 40, 2, 8, 1, VT_FLOPPY_1200 },  { 360 * 1024, 40, 2, 9, 1, VT_FLOPPY_1200 },
  { 720 * 1024, 80, 2, 9, 2, VT_FLOPPY_1440 },  { 1200 * 1024, 80, 2, 15, 0, VT_FLOPPY_1200 },
  { 1440 * 1024, 80, 2, 18, 0, VT_FLOPPY_1440 }, { 1680 * 1024, 80, 2, 21, 0, VT_FLOPPY_1440 },
  { 2880 * 1024, 80, 2, 36, 3, VT_FLOPPY_2880 },
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
  return medium->drive == drive || (drive == VT_FLOPPY_2880 && medium->drive == VT_FLOPPY_1440);
}
