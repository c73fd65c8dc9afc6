/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the kinds of moves share. */
#pragma once

#include "host-offer.h"
#include "move.h"

/* For the kinds' own structs. */
void          vitrine_move_set_title (VitrineMove *self, const char *title);
void          vitrine_move_set_source (VitrineMove *self, VitrineHost *source);
GCancellable *vitrine_move_get_cancellable (VitrineMove *self);
/* Keeps it; a new one takes the place of the old. */
void          vitrine_move_take_offer (VitrineMove *self, VitrineHostOffer *offer);
const VitrineHostOffer *vitrine_move_get_offer (VitrineMove *self);
void          vitrine_move_tell (VitrineMove *self, double fraction, const char *words, const VitrineMigrateNews *news);
void          vitrine_move_set_started (VitrineMove *self);
void          vitrine_move_set_machine (VitrineMove *self, VitrineMachine *machine);

/* "1.5 GB of 4.0 GB": free it. */
char         *vitrine_move_bytes_of (guint64 done_bytes, guint64 total_bytes);
/* The pool that the options name, or the first active one, whose name the options have then. NULL after a check that
 * refuses: none, not active, or without that much room. */
const VitrineHostPool *vitrine_move_check_pool (VitrineMove *self, guint64 bytes, GPtrArray *checks);
/* Is nobody there with that name or UUID? */
void          vitrine_move_check_identity (const VitrineHostOffer *offer, const char *host, const char *name,
                                           const char *uuid, GPtrArray *checks);
