/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks vitrine-host-helper, which may ask the person for a password. Main thread only; nothing blocks. */
#pragma once

#include "helper-error.h"

/* @method of org.vitrine.HostHelper1; @parameters are consumed when floating. Errors of VITRINE_HELPER_ERROR, and
 * G_IO_ERROR when there is no helper. */
void vitrine_helper_call_async (const char *method, GVariant *parameters, GCancellable *cancellable,
                                GAsyncReadyCallback done, gpointer data);
gboolean vitrine_helper_call_finish (GAsyncResult *result, GError **error);

/* GivePciDevices and TakeBackPciDevices; finished by the same function. */
void vitrine_helper_give_pci_async (const char *const *addresses, gboolean confirmed, GAsyncReadyCallback done,
                                    gpointer data);
void vitrine_helper_take_back_pci_async (const char *const *addresses, GAsyncReadyCallback done, gpointer data);
