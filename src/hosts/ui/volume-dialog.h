/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks how a new volume is to be called, how large and of which format it is to be. */
#pragma once

#include <gtk/gtk.h>

typedef void (*VitrineVolumeWished) (const char *pool, const char *name, const char *format, guint64 capacity_bytes,
                                     gpointer data);

/* @wished is called once, or not at all; @data must outlive @parent. */
GtkWidget *vitrine_volume_dialog_new (GtkWindow *parent, const char *pool, VitrineVolumeWished wished, gpointer data);
