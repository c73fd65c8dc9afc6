/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Can a machine use crypto queues of an IBM Z host (vfio-ap)? */
#pragma once

#include "domain.h"

/* Why it cannot, a sentence; NULL: it can, as far as its definition says. */
char *vitrine_domain_get_ap_problem (VitrineDomain *domain);
/* What to know about such a machine: its processor, its memory balloon, moving it. Sentences. */
GStrv vitrine_domain_list_ap_notes (VitrineDomain *domain);
