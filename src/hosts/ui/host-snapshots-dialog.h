/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots that a host keeps of a machine: list, take, go back, delete. */
#pragma once

#include <gtk/gtk.h>

#include "host-guest.h"

GtkWidget *vitrine_host_snapshots_dialog_new (GtkWindow *parent, VitrineHostGuest *guest);
