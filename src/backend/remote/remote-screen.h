/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The screen of a machine that another program runs, over a protocol: what SPICE and VNC have in common for
 * VitrineRemoteBackend, whose functions of the same names say what these do. Main thread only; nothing blocks.
 *
 * Signals: "opened" () once, when there is a picture; "closed" (const char *reason) once, when the server went or
 * refused, which may be before it opened; "frame-ready" (guint head); "pointer-changed" (); "wants-socket" (GObject
 * *channel): give it one with vitrine_remote_screen_take_socket(), also when it is none. */
#pragma once

#include "backend.h"

#define VITRINE_TYPE_REMOTE_SCREEN (vitrine_remote_screen_get_type ())
G_DECLARE_DERIVABLE_TYPE (VitrineRemoteScreen, vitrine_remote_screen, VITRINE, REMOTE_SCREEN, GObject)

struct _VitrineRemoteScreenClass
{
  GObjectClass parent_class;

  void (*open) (VitrineRemoteScreen *self);
  void (*take_socket) (VitrineRemoteScreen *self, GObject *channel, int fd);
  void (*close) (VitrineRemoteScreen *self);
  guint (*get_n_heads) (VitrineRemoteScreen *self);
  gboolean (*acquire_frame) (VitrineRemoteScreen *self, guint head, guint64 seen, VitrineFrame *out);
  gboolean (*get_cursor) (VitrineRemoteScreen *self, guint head, guint64 seen, VitrineCursor *out);
  gboolean (*follows_monitor) (VitrineRemoteScreen *self);
  void (*set_monitor) (VitrineRemoteScreen *self, guint head, const VitrineMonitor *monitor);
  void (*key) (VitrineRemoteScreen *self, guint evdev_code, gboolean down);
  void (*motion) (VitrineRemoteScreen *self, gint dx, gint dy);
  void (*place) (VitrineRemoteScreen *self, guint head, guint x, guint y);
  void (*buttons) (VitrineRemoteScreen *self, guint mask);
  void (*wheel) (VitrineRemoteScreen *self, gint clicks_x, gint clicks_y);
  gboolean (*is_absolute) (VitrineRemoteScreen *self);
  gboolean (*get_leds) (VitrineRemoteScreen *self, guint *mask);
};

/* Asks for its sockets. */
void vitrine_remote_screen_open (VitrineRemoteScreen *self);
/* @fd is taken; -1: there is none, which closes the screen. */
void vitrine_remote_screen_take_socket (VitrineRemoteScreen *self, GObject *channel, int fd);
void vitrine_remote_screen_close (VitrineRemoteScreen *self);

/* For implementations. Whoever hears of these may drop the last reference: emit them last. */
void vitrine_remote_screen_emit_opened (VitrineRemoteScreen *self);
void vitrine_remote_screen_emit_closed (VitrineRemoteScreen *self, const char *reason);
void vitrine_remote_screen_emit_pointer_changed (VitrineRemoteScreen *self);
void vitrine_remote_screen_ask_socket (VitrineRemoteScreen *self, GObject *channel);
/* Comes out as "frame-ready", at most once for each frame of a monitor. */
void vitrine_remote_screen_damaged (VitrineRemoteScreen *self, guint head);

/* What changed of a picture, so that whoever saw it some time ago need not take all of it. */
#define VITRINE_DAMAGE_STEPS 32
typedef struct
{
  guint64 sequence;                       /* of the newest change; 0: nothing yet */
  gint    x[VITRINE_DAMAGE_STEPS], y[VITRINE_DAMAGE_STEPS], right[VITRINE_DAMAGE_STEPS], bottom[VITRINE_DAMAGE_STEPS];
} VitrineDamage;

void vitrine_damage_add (VitrineDamage *damage, gint x, gint y, gint width, gint height);
/* Everything is new: the picture is another. */
void vitrine_damage_reset (VitrineDamage *damage);
/* Sets sequence and damage of @frame, whose width and height are set; @x, @y: its corner in the picture. FALSE: nothing
 * new. */
gboolean vitrine_damage_since (const VitrineDamage *damage, guint64 seen, gint x, gint y, VitrineFrame *frame);

/* Four bytes of a cursor as protocols send it, as VitrineCursor has it. */
guint32 vitrine_cursor_pixel (const guint8 *rgba);

/* Keys of a PC's keyboard, set 1: those with a prefix of 0xe0 have 0x100 added. 0: there is no such key. */
guint vitrine_scancode_of (guint evdev_code);
