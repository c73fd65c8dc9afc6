/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ports that a running machine forwards, from one definition to the other. Cards that come or go in between bring and take their
 * own. One thread at a time, any of them; all block for a moment. */
#pragma once

#include "client.h"
#include "domain.h"

typedef struct _VitrineForwardChange VitrineForwardChange;

VitrineForwardChange *vitrine_forward_change_new (VitrineDomain *before, VitrineDomain *after);
void                  vitrine_forward_change_free (VitrineForwardChange *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineForwardChange, vitrine_forward_change_free)

/* Before cards come and go: what is not forwarded any more ends, so that another card can have the port. All or nothing. */
gboolean vitrine_forward_change_close (VitrineForwardChange *self, VitrineClient *client, GError **error);
/* After that: what is new begins. All or nothing. */
gboolean vitrine_forward_change_open (VitrineForwardChange *self, VitrineClient *client, GError **error);
/* Undo these two, as far as nobody else has taken a port since. */
void     vitrine_forward_change_undo_close (VitrineForwardChange *self, VitrineClient *client);
void     vitrine_forward_change_undo_open (VitrineForwardChange *self, VitrineClient *client);
