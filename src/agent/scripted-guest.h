/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's agent, played by a test: the other end of the port. */
#pragma once

#include <spice/vd_agent.h>

#include "agent.h"

typedef struct
{
  VitrineAgent *agent;
  int           guest;             /* the other end */
  GString      *news;              /* what has happened, in words */
  GByteArray   *got, *body;        /* what the agent sent: not looked at yet, and the last message's */
} Fixture;

void     guest_open (Fixture *f);
void     guest_close (Fixture *f);

/* As it is. */
void     put (const void *bytes, gsize n, Fixture *f);
/* A message; in say_words() of n numbers. */
void     say_in_chunks (Fixture *f, guint32 type, const void *body, guint32 n, guint32 chunk);
void     say (Fixture *f, guint32 type, const void *body, guint32 n);
void     say_words (Fixture *f, guint32 type, guint n, ...);
/* The next message's type; its body is in f->body. */
guint32  hear (Fixture *f);
/* One of the body's numbers. */
guint32  word (Fixture *f, guint i);
/* Until f->news has it. */
void     await (Fixture *f, const char *news);

enum
{
  DEMAND    = 1u << VD_AGENT_CAP_CLIPBOARD_BY_DEMAND,
  SELECTION = 1u << VD_AGENT_CAP_CLIPBOARD_SELECTION,
  CRLF      = 1u << VD_AGENT_CAP_GUEST_LINEEND_CRLF,
};

/* It answers what it can. */
void     arrive (Fixture *f, guint32 capabilities);
