/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TPM 2.0 with the FIFO interface, which TPM 1.2 had as "TIS". Config: VtTpmDeviceConfig. Wires: ISA interrupts 0 to 15; the guest says in
 * TPM_INT_VECTOR which of them is used, 0 is none. */
#pragma once

#include "tpm-device.h"

extern const VtDeviceClass vt_tpm_tis;
extern const VtRegion vt_tpm_tis_region;

enum
{
  VT_TPM_TIS_WIRES = 16,
  VT_TPM_TIS_BUFFER_BYTES = 4096,
};
