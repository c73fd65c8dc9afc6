/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Network cards of two definitions of the same running machine. Any thread. */
#pragma once

#include "domain.h"

/* The place in @networks (VitrineNetwork) of the same card: by its address, or by its @place in the other list where it has none. */
gboolean vitrine_cards_find (GPtrArray *networks, const VitrineNetwork *card, guint place, guint *at);
/* The number that the machine gives card @index of @networks, which are those of @domain; @others are those of the other definition.
 * Cards that our machine lacks have no number, nor have those that wait for its next start: they are in no slot. */
guint    vitrine_cards_number (VitrineDomain *domain, GPtrArray *networks, GPtrArray *others, guint index);
