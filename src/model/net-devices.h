/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The TAP devices and bridges that a machine's cards are on. A confined process can open neither, and start no helper that has the
 * rights for a bridge: it opens what its definition names before it is confined, and keeps that until it ends, for each machine
 * that it builds. Cards that come while it runs bring theirs along, which are kept as long as the card. Main thread only. */
#pragma once

#include "domain.h"

/* Once. What cannot be opened is told when a machine wants it. @domain: NULL when the definition is broken. */
void     vitrine_net_devices_open (VitrineDomain *domain);
/* For a process that is not confined: -1 for a card that is on no device, or with an error. */
int      vitrine_net_device_open (const VtNetConfig *net, GError **error);
/* Gives the cards of @config their descriptors. FALSE: one could not be opened, or is wanted only now. */
gboolean vitrine_net_devices_lend (VtConfig *config, GError **error);

/* A card with these words (backend/device-words.h) has come on that device, which stays the caller's. */
void     vitrine_net_devices_keep (GVariant *card, int fd);
/* The card with that address has gone. */
void     vitrine_net_devices_forget (const char *mac);
