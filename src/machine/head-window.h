/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A further monitor of a machine, in a window of its own: the monitor is plugged in while the window is there. */
#pragma once

#include <handy.h>

#include "backend.h"
#include "screen.h"
#include "view.h"

#define VITRINE_TYPE_HEAD_WINDOW (vitrine_head_window_get_type ())
G_DECLARE_FINAL_TYPE (VitrineHeadWindow, vitrine_head_window, VITRINE, HEAD_WINDOW, HdyApplicationWindow)

/* @head: from 1. @view outlives the window. */
VitrineHeadWindow *vitrine_head_window_new (GtkWindow *main, VitrineBackend *backend, guint head, VitrineView *view,
                                            GSettings *settings);
VitrineScreen     *vitrine_head_window_get_screen (VitrineHeadWindow *self);
