/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The service's methods about devices. Private to the service. */
#pragma once

#include <gio/gunixfdlist.h>

#include "machine1.h"
#include "service.h"

/* The machine while it is alive, else NULL. */
VitrineBackend *vitrine_service_get_backend (VitrineService *self);
/* The descriptor of that handle, the caller's own; -1 without one. */
int             vitrine_service_take_fd (GUnixFDList *list, GVariant *handle);
/* The same of several: an array of int. */
GArray         *vitrine_service_take_fds (GUnixFDList *list, GVariant *handles);
void            vitrine_service_connect_devices (VitrineService *self, VitrineBusMachine1 *skeleton);
