/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's definition as the XML that the host has, for those who know what they do. */
#pragma once

#include <gtk/gtk.h>

#include "host.h"

/* Changes @guest's. When somebody else changed it meanwhile, nothing is written and the difference is shown. */
GtkWidget *vitrine_definition_dialog_new (GtkWindow *parent, VitrineHostGuest *guest);
/* Makes a new machine on @host. */
GtkWidget *vitrine_definition_dialog_new_machine (GtkWindow *parent, VitrineHost *host);
