/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reset control register of the south bridge, ICH9 13.7.5. */
#pragma once

#include "device.h"

/* Needs VtEnv.machine. No wires. */
extern const VtDeviceClass vt_rstcnt_class;
extern const VtRegion vt_rstcnt_region;   /* I/O 0xcf9, 1 byte */

/* The port lies inside the dword port 0xcf8 of PCI configuration: a host bridge that owns 0xcf8..0xcfb hands byte accesses
 * at 0xcf9 on through these. */
uint8_t vt_rstcnt_read (VtDevice *dev);
void    vt_rstcnt_write (VtDevice *dev, uint8_t value);
