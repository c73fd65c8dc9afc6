/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Sound card: Intel's High Definition Audio controller (rev. 1.0a) as in the ICH9 and ICH6, with one codec that plays and records.
 * Needs of VtEnv: clock, dma, msi. */
#pragma once

#include "pci-function.h"
#include "sound.h"

extern const VtDeviceClass vt_hda;

typedef struct
{
  VtPciPlace place;
  VtSound   *sound;      /* outlives the device; NULL: nobody hears it */
  bool       ich6;       /* as an ICH6 calls itself; else ICH9 */
} VtHdaConfig;
