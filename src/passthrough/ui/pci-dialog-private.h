/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the dialog share. */
#pragma once

#include "pci-dialog.h"

struct _VitrinePciDialog
{
  HdyWindow parent_instance;

  GtkWidget *header, *back_button, *next_button, *spinner, *notice_slot, *pages;
  GtkWidget *present_group, *host_group, *address_group, *other_group;             /* "devices" */
  GtkWidget *together_group, *loss_group, *confirm_group;            /* "together" */
  GtkWidget *driver_group, *when_group;                              /* "how" */
  GtkWidget *review_box, *done_status;                               /* "review", "done" */

  GtkWidget *confirm, *managed, *unmanaged, *live_row, *live, *rom_row, *rom_off, *preview_row;
  GtkWidget *elements, *steps;
  GPtrArray *rows;          /* that are made anew each time */

  VitrineTarget   *target;  /* NULL: closed */
  VitrinePciChange change;
  char            *blocked; /* why it cannot go on, a sentence; NULL: it can */
  gboolean         working;
};

/* pci-dialog-pages.c: fill what each page shows. */
void vitrine_pci_dialog_build (VitrinePciDialog *self);
void vitrine_pci_dialog_fill_devices (VitrinePciDialog *self);
void vitrine_pci_dialog_fill_together (VitrinePciDialog *self);
void vitrine_pci_dialog_fill_how (VitrinePciDialog *self);
/* FALSE and a notice: there is nothing to be done. */
gboolean vitrine_pci_dialog_fill_review (VitrinePciDialog *self);
void vitrine_pci_dialog_fill_done (VitrinePciDialog *self);

/* pci-dialog.c */
void vitrine_pci_dialog_validate (VitrinePciDialog *self);
/* The person has chosen a device to come, or to go. */
void vitrine_pci_dialog_add (VitrinePciDialog *self, const char *address);
void vitrine_pci_dialog_remove (VitrinePciDialog *self, const char *address);
void vitrine_pci_dialog_show_addresses (VitrinePciDialog *self);
/* Other kinds of devices, each in a dialog of its own. */
void vitrine_pci_dialog_show_queues (VitrinePciDialog *self);
void vitrine_pci_dialog_show_mediated (VitrinePciDialog *self);
