/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The TAP devices and bridges that a machine's cards are on. A confined process can open neither, and start no helper that has the
 * rights for a bridge: it opens what its definition names before it is confined, and keeps that until it ends, for each machine
 * that it builds. Main thread only. */
#pragma once

#include "domain.h"

/* Once. What cannot be opened is told when a machine wants it. @domain: NULL when the definition is broken. */
void     vitrine_net_devices_open (VitrineDomain *domain);
/* Gives the cards of @config their descriptors. FALSE: one could not be opened, or is wanted only now. */
gboolean vitrine_net_devices_lend (VtConfig *config, GError **error);
