/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The part of the engine's backend that is about devices of a running machine. */
#pragma once

#include "engine-backend.h"

void vitrine_engine_devices_init (VitrineBackendInterface *iface);
