/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ACPI power management block of ICH9 (section 13.8.3), APM ports, and the TCO registers that live in it; or the smaller block
 * of PIIX4, which has the general purpose events at another place. */
#pragma once

#include "device.h"

enum
{
  VT_ACPI_PM_WIRE_SCI,   /* active level */
  VT_ACPI_PM_WIRE_SMI,   /* pulses; of vt_acpi_pm_smm_class */
  VT_ACPI_PM_WIRES,
};

/* What the FADT and the DSDT must say. Offsets are from PMBASE. */
enum
{
  VT_ACPI_PM_BLOCK_BYTES  = 128,
  VT_ACPI_PM_PM1_EVT      = 0x00,   /* 4 bytes */
  VT_ACPI_PM_PM1_CNT      = 0x04,   /* 2 bytes */
  VT_ACPI_PM_TMR          = 0x08,   /* 4 bytes */
  VT_ACPI_PM_GPE0         = 0x20,
  VT_ACPI_PM_GPE0_BYTES   = 16,     /* status, then enable */
  VT_ACPI_PM_PIIX4_BLOCK_BYTES = 64,
  VT_ACPI_PM_PIIX4_GPE0   = 0x0c,
  VT_ACPI_PM_PIIX4_GPE0_BYTES = 4,
  VT_ACPI_PM_SMI_PORT     = 0xb2,   /* FADT SMI_CMD */
  VT_ACPI_PM_ENABLE_CMD   = 0x02,   /* FADT ACPI_ENABLE: sets SCI_EN, as SMM code of a real board would */
  VT_ACPI_PM_DISABLE_CMD  = 0x03,   /* FADT ACPI_DISABLE */
  VT_ACPI_PM_SLP_TYP_S5   = 0,      /* \_S5: what OVMF writes; ICH9's own code 7 works too */
  VT_ACPI_PM_SLP_TYP_S3   = 1,      /* \_S3; also 5 */
  VT_ACPI_PM_SLP_TYP_S4   = 2,      /* \_S4; also 6 */
};

/* VtEnv.config; NULL: 24-bit timer. */
typedef struct
{
  bool timer_32bit;   /* FADT TMR_VAL_EXT */
  bool s3;            /* S3 is passed to the machine as VT_REQUEST_SUSPEND; else the request is refused with a warning */
} VtAcpiPmConfig;

/* Needs VtEnv.clock and machine. */
extern const VtDeviceClass vt_acpi_pm_class;
/* The same in a machine with system management mode: its APM port brings SMIs. Without, firmware reads that SMM is set up already. */
extern const VtDeviceClass vt_acpi_pm_smm_class;
/* Of the latter: while high, SMI_EN keeps its GBL_SMI_EN (SMI_LOCK of the LPC bridge). */
VtIrq vt_acpi_pm_smi_lock (VtDevice *dev);

extern const VtRegion vt_acpi_pm_region;       /* I/O at PMBASE, 128 bytes; the LPC bridge moves and enables it */
extern const VtRegion vt_acpi_pm_piix4_region; /* the same device as PIIX4 shows it: I/O at PMBASE, 64 bytes */
extern const VtRegion vt_acpi_pm_apm_region;   /* I/O 0xb2, 2 bytes */

/* A short press of the power button. */
void vt_acpi_pm_power_button (VtDevice *dev);

/* Raises status bit `gpe` (0..63) of GPE0; the guest clears it. */
void vt_acpi_pm_gpe (VtDevice *dev, unsigned gpe);

/* Has the guest switched to ACPI mode? A power button press is heard only then. */
bool vt_acpi_pm_enabled (const VtDevice *dev);
