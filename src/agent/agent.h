/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's SPICE agent (spice-vdagent), at our end of its port: its clipboard, and the way on which file-sender.h sends files.
 * Nothing of what it sends is believed: sizes are bounded, text is valid UTF-8. Main thread only.
 *
 * Signals: "there" () when an agent has said what it can do; "grabbed" (guint kinds) when the guest has copied something; "released"
 * () when it has nothing any more; "wanted" (guint kind) when it pastes what was offered: answer with give(); "received" (guint kind,
 * GBytes *bytes), which was asked for; "announced" () when get_obstacle() may say something else; "gone" () when it has ended, or
 * another one begins. */
#pragma once

#include <gio/gio.h>

/* As sets, too. */
typedef enum
{
  VITRINE_CLIP_TEXT = 1 << 0,      /* UTF-8, lines ended by LF */
  VITRINE_CLIP_PNG  = 1 << 1,
} VitrineClip;

#define VITRINE_TYPE_AGENT (vitrine_agent_get_type ())
G_DECLARE_FINAL_TYPE (VitrineAgent, vitrine_agent, VITRINE, AGENT, GObject)

/* At a connected stream socket. */
VitrineAgent *vitrine_agent_new (GSocket *socket);
/* Ends it, and drops a reference. */
void          vitrine_agent_close (VitrineAgent *self);
/* The guest begins anew: what it was saying has no end. */
void          vitrine_agent_guest_reset (VitrineAgent *self);
gboolean      vitrine_agent_is_there (VitrineAgent *self);
/* Why it takes no files now, as a sentence; NULL: it does. */
const char   *vitrine_agent_get_obstacle (VitrineAgent *self);
/* What the person could paste into the guest; 0: nothing. */
void          vitrine_agent_offer (VitrineAgent *self, guint kinds);
/* NULL: it is gone. */
void          vitrine_agent_give (VitrineAgent *self, VitrineClip kind, GBytes *bytes);
void          vitrine_agent_ask (VitrineAgent *self, VitrineClip kind);
