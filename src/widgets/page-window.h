/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A dialog that is one page with a title over it; Escape closes it. */
#pragma once

#include <handy.h>

/* Escape closes @window when nothing in it takes the key; while @unless (may be NULL; lives as long) is TRUE it does nothing. */
void       vitrine_window_close_by_escape (GtkWidget *window, const gboolean *unless);

GtkWidget *vitrine_page_window_new (GtkWindow *parent, const char *title, GtkWidget *page, int width, int height);
/* Buttons beside the title: the first one starts, the second ends the line. Either may be NULL. */
void       vitrine_page_window_add_buttons (GtkWidget *window, GtkWidget *start, GtkWidget *end);
