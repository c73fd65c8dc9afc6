/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One device of a definition as a row that opens. What a person changes goes into the definition at once. */
#pragma once

#include <handy.h>

#include "domain.h"

typedef enum
{
  VITRINE_ROW_COLD,      /* the machine is off: everything can change */
  VITRINE_ROW_RUNNING,   /* only what a running machine takes */
  VITRINE_ROW_NEW,       /* it comes into a running machine, or waits for the next start: everything can change */
} VitrineRowMode;

/* @bytes: as a running machine says it; 0: it does not, or the disk cannot grow now. */
GtkWidget  *vitrine_disk_row_new (VitrineDomain *domain, const VitrineDisk *disk, VitrineRowMode mode, guint64 bytes);
/* It changes with the bus. */
const char *vitrine_disk_row_get_target (GtkWidget *row);
/* What an image is to grow to; 0: it stays as it is. */
guint64     vitrine_disk_row_get_growth (GtkWidget *row);

/* @cold: the machine is off. */
GtkWidget  *vitrine_tpm_row_new (VitrineDomain *domain, gboolean cold);

/* Of the machine's shared folders, the one with this number. That it is there is found out later. */
GtkWidget  *vitrine_folder_row_new (VitrineDomain *domain, guint index, VitrineRowMode mode);

GtkWidget  *vitrine_network_row_new (VitrineDomain *domain, guint index, const VitrineNetwork *network, VitrineRowMode mode);
