/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks whether a host's machine is to be deleted, and whether its volumes go with it, then does that. There is no way
 * back. */
#pragma once

#include <gtk/gtk.h>

#include "host-guest.h"

typedef void (*VitrineDeleteFailed) (GtkWidget *owner, const char *message);

/* @owner is in @parent, and is not kept: when it has gone, nobody is told. */
void vitrine_delete_dialog_show (GtkWindow *parent, VitrineHostGuest *guest, VitrineDeleteFailed failed,
                                 GtkWidget *owner);
