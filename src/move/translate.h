/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A definition of ours as one that a host can run, and the other way round. */
#pragma once

#include "checks.h"
#include "domain.h"
#include "host-offer.h"

/* @domain in the host's words, with our own metadata; its files are still those of here. @network: one of the host's
 * for cards on user networking; NULL: they stay. What becomes something else, or cannot be, is added to @checks. Any
 * thread. */
VitrineDomain *vitrine_translate_to_host (VitrineDomain *domain, const VitrineHostOffer *offer, const char *network,
                                          GPtrArray *checks);
/* A host's definition as our library keeps it: what our engine goes without stays in the document, and is said. Its
 * files are still those of the host. NULL after a check that refuses. */
VitrineDomain *vitrine_translate_to_here (const char *xml, GPtrArray *checks);
