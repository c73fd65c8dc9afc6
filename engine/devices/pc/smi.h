/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which processors an SMI of the chipset reaches: the one that asked for it, or, when the firmware has agreed to that, all.
 *
 * Firmware negotiates by three files of fw_cfg (QEMU, docs/specs/fw_cfg.rst and the ICH9's smi-feature negotiation):
 * etc/smi/supported-features, etc/smi/requested-features, etc/smi/features-ok. */
#pragma once

#include "device.h"

enum
{
  VT_SMI_WIRE_HERE,   /* pulses: an SMI for the processor whose access brought it */
  VT_SMI_WIRE_ALL,    /* ... for all of them */
  VT_SMI_WIRES,
};

/* Bits of the files, which are 8 bytes, little-endian. */
#define VT_SMI_FEATURE_BROADCAST (UINT64_C (1) << 0)
#define VT_SMI_FEATURES          VT_SMI_FEATURE_BROADCAST
#define VT_SMI_FEATURES_BYTES    8u
#define VT_SMI_OK_BYTES          1u

extern const VtDeviceClass vt_smi_class;

/* The chipset's SMI output ends here; a rising edge counts. */
VtIrq vt_smi_input (VtDevice *dev);

/* For fw_cfg: the guest has written the features that it wants; it selects features-ok, which agrees to them or not. */
void vt_smi_requested (void *dev, const uint8_t *content, size_t size);
void vt_smi_agree (void *dev, uint8_t *content, size_t size);
