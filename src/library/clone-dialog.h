/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks for a clone's name and kind, and makes it while the person watches, and may stop it. */
#pragma once

#include <gtk/gtk.h>

#include "library.h"

#define VITRINE_TYPE_CLONE_DIALOG (vitrine_clone_dialog_get_type ())
G_DECLARE_FINAL_TYPE (VitrineCloneDialog, vitrine_clone_dialog, VITRINE, CLONE_DIALOG, GtkDialog)

void vitrine_clone_dialog_run (GtkWindow *parent, VitrineLibrary *library, VitrineMachine *machine);
