/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineFakeBackend share. */
#pragma once

#include <cairo.h>

#include "console-log.h"
#include "fake-agent.h"
#include "fake-backend.h"

typedef struct
{
  cairo_surface_t *screen;
  guint            width, height;
  guint64          drawn;        /* sequence */
  guint            watchers, frames;
  VitrineMonitor   monitor;      /* width 0: unplugged */
} Head;

struct _VitrineFakeBackend
{
  GObject parent_instance;

  VitrineState      state;
  guint64           memory;           /* that the guest should use */
  char             *message;
  char             *title;
  gboolean          absolute, follows, still, pattern, pointed;   /* what the command line wishes for */
  Head              heads[VITRINE_MAX_HEADS];
  guint             n_heads;
  guint64           sequence;
  double            phase;
  guint             tick;
  GString          *keys;
  double            pointer_x, pointer_y;
  guint             buttons, leds, pointer_head;
  guint64           shape;
  gboolean          counting;
  GStrv             forwards;    /* of the first card; NULL: none */
  int               trace;       /* a pipe; -1: none */
  gint64            made;        /* monotonic time */
  VitrineConsoleLog log;
  GHashTable       *usb;         /* ids and their watches of the other ends */
  VitrineFakeAgent *agent;       /* NULL: none is wished for, or there is no port */
};

/* fake-screen.c */
void vitrine_fake_backend_screen_init (VitrineBackendInterface *iface);
void vitrine_fake_backend_set_size (Head *head, guint width, guint height);
void vitrine_fake_backend_changed (VitrineFakeBackend *self);

/* fake-input.c */
void vitrine_fake_backend_input_init (VitrineBackendInterface *iface);

/* fake-devices.c */
void vitrine_fake_backend_devices_init (VitrineBackendInterface *iface);
void vitrine_fake_backend_free_usb (gpointer usb);   /* of the table */
