/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of VitrineSpiceScreen share. */
#pragma once

#include "spice-screen.h"

#define MAX_CHANNELS VITRINE_MAX_HEADS

typedef struct
{
  SpiceChannel *channel;       /* borrowed: its session has it */
  int           id;
  const guint8 *pixels;        /* the channel's; NULL: no picture */
  guint8       *converted;     /* of a picture that is not 32 bits deep */
  int           format, width, height, stride;
  VitrineDamage damage;
} Display;

/* The cursor of the display with the same number. */
typedef struct
{
  SpiceChannel *channel;       /* borrowed */
  int           id;
  VitrineCursor cursor;        /* its place is in the display's picture */
} Pointer;

struct _VitrineSpiceScreen
{
  VitrineRemoteScreen parent_instance;

  SpiceSession       *session;
  SpiceMainChannel   *main;      /* borrowed, as those below */
  SpiceInputsChannel *inputs;
  SpiceAudio         *audio;
  Display             displays[MAX_CHANNELS];   /* by id */
  guint               n_displays;

  GPtrArray          *pointers;  /* Pointer */
  guint               buttons;   /* ours */
  gboolean            placed;    /* somebody said how large monitors are to be */
};

/* spice-pictures.c */
void     vitrine_spice_screen_pictures_init (VitrineRemoteScreenClass *klass);
void     vitrine_spice_screen_add_display (VitrineSpiceScreen *self, SpiceChannel *channel);
void     vitrine_spice_screen_remove_display (VitrineSpiceScreen *self, SpiceChannel *channel);   /* if it is one */
void     vitrine_spice_screen_remove_displays (VitrineSpiceScreen *self);
/* Each head of it has something new. */
void     vitrine_spice_screen_tell_heads (VitrineSpiceScreen *self, const Display *display);
/* Which picture a head is in, and as its how manieth monitor. NULL: there is no such head. */
Display *vitrine_spice_screen_find_head (VitrineSpiceScreen *self, guint head, guint *monitor);
/* Where a monitor is in its picture. FALSE: it is not lit. */
gboolean vitrine_spice_screen_find_area (const Display *display, guint monitor, SpiceDisplayMonitorConfig *out);

/* spice-cursor.c */
void     vitrine_spice_screen_cursor_init (VitrineRemoteScreenClass *klass);
void     vitrine_spice_screen_add_cursor (VitrineSpiceScreen *self, SpiceChannel *channel);
void     vitrine_spice_screen_remove_cursor (VitrineSpiceScreen *self, SpiceChannel *channel);      /* if it is one */
/* Where the person has put it, in that display's picture. */
void     vitrine_spice_screen_place_cursor (VitrineSpiceScreen *self, const Display *display, gint x, gint y);

/* spice-input.c */
void     vitrine_spice_screen_input_init (VitrineRemoteScreenClass *klass);
