/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The MC146818 real-time clock with 128 bytes of CMOS RAM, a second bank of 128, and the NMI mask of port 0x70. */
#pragma once

#include "device.h"

enum
{
  VT_RTC_WIRE_IRQ8,
  VT_RTC_WIRES,
};

/* VtEnv.config. Facts about the machine that firmware reads from CMOS; the guest cannot change those bytes. */
typedef struct
{
  int64_t  epoch_seconds;       /* UTC or local wall clock (the person's choice) when guest time was 0 */
  uint64_t below_4g_bytes;      /* RAM below 4 GiB, from address 0 */
  uint64_t above_4g_bytes;      /* RAM from 4 GiB up */
  uint8_t  boot_order[3];       /* nibbles for CMOS 0x3d/0x38: VT_RTC_BOOT_ ..., first to third */
  bool     skip_floppy_check;   /* boot even when the first sector lacks the 0xaa55 mark */
  uint8_t  floppy_types;        /* CMOS 0x10: drive A in the high nibble (4: 1.44 MB), B in the low; 0: none */
  uint8_t  max_cpus;            /* CMOS 0x5f is this minus one, for firmware that waits for the other processors */
} VtRtcConfig;

enum
{
  VT_RTC_BOOT_NONE   = 0,
  VT_RTC_BOOT_FLOPPY = 1,
  VT_RTC_BOOT_DISK   = 2,
  VT_RTC_BOOT_CDROM  = 3,
  VT_RTC_BOOT_NET    = 4,
};

#define VT_RTC_CENTURY_REGISTER 0x32u   /* for the FADT */

/* Needs VtEnv.clock and config. */
extern const VtDeviceClass vt_rtc_class;

extern const VtRegion vt_rtc_region;       /* I/O 0x70, 2 bytes */
extern const VtRegion vt_rtc_bank2_region; /* I/O 0x72, 2 bytes */

/* Bit 7 of port 0x70. */
bool vt_rtc_nmi_masked (const VtDevice *dev);
