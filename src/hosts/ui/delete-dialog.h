/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks whether a host's machine is to be deleted, and whether its volumes go with it, then does that. There is no way
 * back. */
#pragma once

#include <gtk/gtk.h>

#include "host-guest.h"

typedef void (*VitrineDeleteFailed) (gpointer data, const char *message);

/* @data must outlive @parent. */
void vitrine_delete_dialog_show (GtkWindow *parent, VitrineHostGuest *guest, VitrineDeleteFailed failed, gpointer data);
