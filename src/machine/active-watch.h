/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tells when the window manager makes another window the active one. GDK pretends that a window keeps the focus while it holds a
 * grab, so focus events do not tell. X11 only: a Wayland compositor ends such a grab by itself. */
#pragma once

#include <gdk/gdk.h>

typedef struct VitrineActiveWatch VitrineActiveWatch;

/* NULL where there is nothing to watch. */
VitrineActiveWatch *vitrine_active_watch_new (GdkWindow *toplevel, void (*lost) (gpointer data), gpointer data);
void                vitrine_active_watch_free (VitrineActiveWatch *self);   /* also from lost(); NULL is allowed */
