/* SPDX-License-Identifier: GPL-3.0-or-later */
/* TPM 2.0 with the command response buffer interface. Config: VtTpmDeviceConfig. No wires: it is asked, it does not call. */
#pragma once

#include "tpm-device.h"

extern const VtDeviceClass vt_tpm_crb;
extern const VtRegion vt_tpm_crb_region;

enum
{
  VT_TPM_CRB_CONTROL = 0x40,             /* the control area, in each locality */
  VT_TPM_CRB_BUFFER_BYTES = 0xf80,       /* from 0x80 to the end of a locality */
};
