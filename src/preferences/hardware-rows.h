/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One device of a definition as a row that opens. What a person changes goes into the definition at once. @cold: the machine is off,
 * everything can change; else only what a running machine takes. */
#pragma once

#include <handy.h>

#include "domain.h"

GtkWidget  *vitrine_disk_row_new (VitrineDomain *domain, const VitrineDisk *disk, gboolean cold);
/* It changes with the bus. */
const char *vitrine_disk_row_get_target (GtkWidget *row);
/* What an image is to grow to; 0: it stays as it is. */
guint64     vitrine_disk_row_get_growth (GtkWidget *row);

GtkWidget  *vitrine_network_row_new (VitrineDomain *domain, guint index, const VitrineNetwork *network, gboolean cold);
