/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineEngineBackend share. */
#pragma once

#include "engine-backend.h"

typedef struct
{
  VitrineEngineBackend *owner;
  guint                 index;
  gboolean              plugged;
  guint                 width, height;   /* of the last frame; before it, of the monitor */
  guint64               seen;            /* that frame */
  guint                 watchers;
} Head;

struct _VitrineEngineBackend
{
  GObject parent_instance;

  VtMachine *machine;
  char      *message;
  GPtrArray *consoles;   /* Console */
  Head       heads[VITRINE_MAX_HEADS];
  guint      n_heads;
  guint      ask, ask_ms;   /* source id; 0 while nothing runs, or nobody looks */
  gint64     busy_us;       /* when the screen last moved, or a person did something; monotonic, as the next */
  gint64     changed_us;    /* when someone who asked last found a change */
  guint      leds;
  gboolean   leds_known;
};

/* engine-screen.c */
void vitrine_engine_screen_init (VitrineBackendInterface *iface);
/* Its heads, and who is told of their pictures. */
void vitrine_engine_backend_begin_heads (VitrineEngineBackend *self);
void vitrine_engine_backend_ask_while_watched (VitrineEngineBackend *self);
void vitrine_engine_backend_look_closely (VitrineEngineBackend *self);

/* engine-input.c */
void vitrine_engine_input_init (VitrineBackendInterface *iface);
