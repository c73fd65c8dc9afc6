/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the dialog share. */
#pragma once

#include "mediated-dialog.h"

struct _VitrineMediatedDialog
{
  HdyWindow parent_instance;

  GtkWidget *header, *back_button, *next_button, *spinner, *notice_slot, *pages;
  GtkWidget *device_group, *how_group, *type_group, *channel_group;   /* "list" */
  GtkWidget *review_group, *consent_group, *steps_group;              /* "review" */
  GtkWidget *display_row, *display, *live_row, *live, *give_back_row, *give_back, *needed_row, *needed, *steps;
  GPtrArray *rows;               /* that are made anew each time */

  VitrineMediated *mediated;     /* NULL: closed */
  VitrineTarget   *target;

  /* What is reviewed; its strings are ours. */
  VitrineMediatedChange change;
  char                 *uuid, *parent, *type, *channel;
  GCancellable         *previewing;   /* its steps are being read; NULL: not yet */
  gboolean              working;
};

/* mediated-dialog-list.c: what there is. */
void vitrine_mediated_dialog_build_list (VitrineMediatedDialog *self);
void vitrine_mediated_dialog_fill_list (VitrineMediatedDialog *self);

/* mediated-dialog.c: what a person wants. */
void vitrine_mediated_dialog_review (VitrineMediatedDialog *self, VitrineMediatedVerb verb, const char *id,
                                     const char *type);
void vitrine_mediated_dialog_give (VitrineMediatedDialog *self, const char *uuid);
void vitrine_mediated_dialog_take (VitrineMediatedDialog *self, const char *uuid);
void vitrine_mediated_dialog_choose_queues (VitrineMediatedDialog *self);
