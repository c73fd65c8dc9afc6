/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the register interfaces of a TPM have in common: TCG PC Client Platform TPM Profile for TPM 2.0 (PTP) 1.05, chapter 6. */
#pragma once

#include "device.h"
#include "tpm.h"

/* Where a PC has it: five localities of 4 KiB each. */
#define VT_TPM_BASE  UINT64_C (0xfed40000)
#define VT_TPM_BYTES 0x5000u

/* Of both devices. */
typedef struct
{
  VtTpm *tpm;     /* nullable: one that has failed */
} VtTpmDeviceConfig;
