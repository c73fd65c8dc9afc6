/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk or CD drive on USB (Universal Serial Bus Mass Storage Class, Bulk-Only Transport 1.0), with the SCSI command set. */
#pragma once

#include "scsi.h"
#include "usb-device.h"

extern const VtDeviceClass vt_usb_storage;

typedef struct
{
  VtUsbPlace place;
  VtScsiKind kind;
  VtBlock   *block;        /* outlives the device; NULL: a CD drive without a medium */
} VtUsbStorageConfig;

/* CD drives: see vt_scsi_set_medium(). Nothing is under way. */
bool vt_usb_storage_set_medium (VtDevice *dev, VtBlock *block, bool force);
