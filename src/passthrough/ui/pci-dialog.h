/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pass a Device Through: which PCI devices a machine has of its host, and giving it one or taking one away. Pages: the
 * devices; what goes along and what the host would lose; by whom and when; what would be written and done; done. */
#pragma once

#include <handy.h>

#include "target.h"

#define VITRINE_TYPE_PCI_DIALOG (vitrine_pci_dialog_get_type ())
G_DECLARE_FINAL_TYPE (VitrinePciDialog, vitrine_pci_dialog, VITRINE, PCI_DIALOG, HdyWindow)

GtkWidget *vitrine_pci_dialog_new (GtkWindow *parent, VitrineTarget *target);
