/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The wizard of a move: where to, what is in the way, how, how far it is, what came of it. Closing it while machines
 * move asks; in the background the move goes on, and the window comes back with the result. */
#pragma once

#include <gtk/gtk.h>

#include "hosts.h"
#include "move.h"

/* The person wants the copy here removed, as the machine runs on the host. */
typedef void (*VitrineMoveRemove) (VitrineMachine *machine, gpointer data);

/* Takes @move. @remove: NULL: that is not offered; @data is a widget, and nothing is called once it is gone. */
GtkWidget *vitrine_move_window_new (GtkWindow *parent, VitrineMove *move, VitrineHosts *hosts, VitrineMoveRemove remove,
                                    gpointer data);
