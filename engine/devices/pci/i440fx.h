/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Host bridge of the Intel 440FX chipset, function 00:00.0. VtEnv.config: a VtHostBridgeConfig. */
#pragma once

#include "host-bridge.h"

extern const VtDeviceClass vt_i440fx;
