/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The snapshots of a machine that does not run. */
#pragma once

#include <gtk/gtk.h>

#include "machine.h"

GtkWidget *vitrine_snapshots_dialog_new (GtkWindow *parent, VitrineMachine *machine);
