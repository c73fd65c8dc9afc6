/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Mediated devices of a machine's host: making one of a type that the host offers, giving it to the machine, taking it
 * out, removing it; and handing channel devices to vfio_ccw. What changes the host is shown as commands first. */
#pragma once

#include <handy.h>

#include "mediated.h"
#include "target.h"

#define VITRINE_TYPE_MEDIATED_DIALOG (vitrine_mediated_dialog_get_type ())
G_DECLARE_FINAL_TYPE (VitrineMediatedDialog, vitrine_mediated_dialog, VITRINE, MEDIATED_DIALOG, HdyWindow)

GtkWidget *vitrine_mediated_dialog_new (GtkWindow *parent, VitrineMediated *mediated, VitrineTarget *target);
