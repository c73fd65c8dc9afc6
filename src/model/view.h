/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How a person likes to see one machine: a key file in the machine's folder, which only the machine's own process writes. Kept
 * apart from the definition, which is about the computer. Never fails: what cannot be read or written is as if it were new. */
#pragma once

#include <glib.h>

typedef struct VitrineView VitrineView;

VitrineView *vitrine_view_new (const char *path);
void         vitrine_view_free (VitrineView *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineView, vitrine_view_free)

/* @display: 0 for the main window, 1.. for further monitors. Written at once. */
gboolean vitrine_view_get_flag (VitrineView *self, guint display, const char *key, gboolean usual);
void     vitrine_view_set_flag (VitrineView *self, guint display, const char *key, gboolean value);
/* Of the screen in the window; FALSE: never set, or absurd. */
gboolean vitrine_view_get_size (VitrineView *self, guint display, int *width, int *height);
void     vitrine_view_set_size (VitrineView *self, guint display, int width, int height);
/* Of the window, in widget pixels of the whole desktop; where windows do not know it (Wayland), it is not asked for. */
gboolean vitrine_view_get_position (VitrineView *self, guint display, int *x, int *y);
void     vitrine_view_set_position (VitrineView *self, guint display, int x, int y);
/* Never NULL. */
char   **vitrine_view_get_list (VitrineView *self, const char *key);
void     vitrine_view_set_list (VitrineView *self, const char *key, const char *const *values);
char    *vitrine_view_get_word (VitrineView *self, const char *key);   /* NULL: never set */
void     vitrine_view_set_word (VitrineView *self, const char *key, const char *value);
