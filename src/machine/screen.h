/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's screen: draws frames, and while captured sends keyboard and pointer to the guest. Ctrl+Alt, pressed and let go
 * together, always ends the capture.
 * Signals: "capture-changed" (); "guest-resized" () when the guest's resolution changed. */
#pragma once

#include <gtk/gtk.h>

#include "backend.h"

typedef enum
{
  VITRINE_SCALING_FIT,      /* as large as fits, aspect kept */
  VITRINE_SCALING_PIXELS,   /* one guest pixel is one device pixel */
} VitrineScaling;

#define VITRINE_TYPE_SCREEN (vitrine_screen_get_type ())
G_DECLARE_FINAL_TYPE (VitrineScreen, vitrine_screen, VITRINE, SCREEN, GtkDrawingArea)

GtkWidget *vitrine_screen_new (void);
void       vitrine_screen_set_backend (VitrineScreen *self, VitrineBackend *backend);   /* NULL: detaches */
void       vitrine_screen_set_scaling (VitrineScreen *self, VitrineScaling scaling);
/* Also take the shortcuts of the host's desktop while captured. */
void       vitrine_screen_set_grab_shortcuts (VitrineScreen *self, gboolean grab);

gboolean   vitrine_screen_is_captured (VitrineScreen *self);
/* @grab: a person asked for it, so the desktop's shortcuts and a relative pointer are taken too. */
void       vitrine_screen_capture (VitrineScreen *self, gboolean grab);
void       vitrine_screen_release (VitrineScreen *self);
/* A key event that reached the window; TRUE when it was for the guest. */
gboolean   vitrine_screen_handle_key (VitrineScreen *self, GdkEventKey *event);

/* Lines of a guest in a text mode; NULL in graphics modes. */
char            *vitrine_screen_get_text (VitrineScreen *self);
void             vitrine_screen_get_guest_size (VitrineScreen *self, guint *width, guint *height);   /* 0: none yet */
cairo_surface_t *vitrine_screen_get_surface (VitrineScreen *self);                                   /* borrowed; may be NULL */
