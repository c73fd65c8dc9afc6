/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The agent's messages, for the other files of this folder. Types and layouts are spice-protocol's (spice/vd_agent.h).
 *
 * Signals: "file-status" (guint id, guint status, guint64 detail) as the guest said it, unchecked; "written" () when the
 * guest has taken some of what was queued for it. */
#pragma once

#include "agent.h"

void  vitrine_agent_send (VitrineAgent *self, guint32 type, const GByteArray *body);
/* Bytes that the guest has not taken yet. */
gsize vitrine_agent_get_queued (VitrineAgent *self);
