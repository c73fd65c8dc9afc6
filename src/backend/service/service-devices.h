/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The service's methods about devices. Private to the service. */
#pragma once

#include "machine1.h"
#include "service.h"

/* The machine while it is alive, else NULL. */
VitrineBackend *vitrine_service_get_backend (VitrineService *self);
void            vitrine_service_connect_devices (VitrineService *self, VitrineBusMachine1 *skeleton);
