/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The guest's screen: draws frames, and while captured sends keyboard and pointer to the guest. Ctrl+Alt, pressed and let go
 * together, always ends the capture.
 * Signals: "capture-changed" (); "guest-resized" () when the guest's resolution changed; "settled" () when the widget has got
 * another size, or has come to another monitor, and the guest was told. */
#pragma once

#include <gtk/gtk.h>

#include "backend.h"

#define VITRINE_TYPE_SCREEN (vitrine_screen_get_type ())
G_DECLARE_FINAL_TYPE (VitrineScreen, vitrine_screen, VITRINE, SCREEN, GtkDrawingArea)

GtkWidget *vitrine_screen_new (void);
void       vitrine_screen_set_backend (VitrineScreen *self, VitrineBackend *backend, guint head);   /* NULL: detaches */
/* Of a window that nothing else gives a size, in widget pixels. */
#define VITRINE_SCREEN_WIDTH 1024
#define VITRINE_SCREEN_HEIGHT 768

/* Before the first frame. "renderer" ("auto", "cairo" or "gl") and "grab-shortcuts" (also those of the host's desktop are taken while
 * captured) are as they are now; "scaling" and "smooth-scaling" are followed. In a GtkScrolledWindow. */
void       vitrine_screen_bind_settings (VitrineScreen *self, GSettings *settings);

/* Whether the guest's monitor is this widget: as large, and where it is. */
void       vitrine_screen_set_follow (VitrineScreen *self, gboolean follow);
/* What the guest has for a monitor so far; NULL: something else, until the widget changes once more. */
void       vitrine_screen_begin_with (VitrineScreen *self, const VitrineMonitor *monitor);
/* A monitor of that many device pixels, as it would be where the widget is. */
void       vitrine_screen_describe_monitor (VitrineScreen *self, guint width, guint height, VitrineMonitor *out);
/* What there is to see of the screen, in the widget's pixels. */
void       vitrine_screen_get_room (VitrineScreen *self, int *width, int *height);
/* Shortcuts that stay on the host while captured: accelerators as in GTK. */
void       vitrine_screen_set_host_keys (VitrineScreen *self, const char *const *accelerators);

gboolean   vitrine_screen_is_captured (VitrineScreen *self);
/* @grab: a person asked for it, so the desktop's shortcuts and a relative pointer are taken too. */
void       vitrine_screen_capture (VitrineScreen *self, gboolean grab);
void       vitrine_screen_release (VitrineScreen *self);
/* A key event that reached the window, before its accelerators: F10, F11 and Alt+letters are the guest's while it is captured. TRUE
 * when it was for the guest. */
gboolean   vitrine_screen_take_window_key (VitrineScreen *self, GdkEventKey *event);

/* Lines of a guest in a text mode; NULL in graphics modes. */
char *vitrine_screen_get_text (VitrineScreen *self);
void  vitrine_screen_get_guest_size (VitrineScreen *self, guint *width, guint *height);   /* 0: none yet */
