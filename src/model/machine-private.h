/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineMachine share. */
#pragma once

#include "guest.h"
#include "machine.h"

struct _VitrineMachine
{
  GObject parent_instance;

  char          *uuid;
  char          *title;
  char          *message;
  VitrineDomain *domain;
  VitrineState   state;

  GFileMonitor  *monitor;
  VitrineClient *client;
  GCancellable  *cancellable;   /* a connection attempt under way */
  guint          retry;         /* source id */
  guint          retries;
  gboolean       launched;      /* by us, and not heard of yet */
};

/* machine.c */
void vitrine_machine_set_state (VitrineMachine *self, VitrineState state, const char *message);

/* machine-run.c */
/* Reads the lock and goes where it points. */
void vitrine_machine_look (VitrineMachine *self);
void vitrine_machine_drop_client (VitrineMachine *self);

/* machine-guest.c */
void vitrine_machine_guest_init (VitrineGuestInterface *iface);
