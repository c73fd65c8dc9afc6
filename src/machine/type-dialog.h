/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asks for a text, a password for instance, and types it into the machine by the layout of the machine's own keyboard. */
#pragma once

#include <gtk/gtk.h>

#include "backend.h"
#include "view.h"

#define VITRINE_TYPE_TYPE_DIALOG (vitrine_type_dialog_get_type ())
G_DECLARE_FINAL_TYPE (VitrineTypeDialog, vitrine_type_dialog, VITRINE, TYPE_DIALOG, GtkDialog)

/* Remembers the layout in @view, which outlives the dialog. */
void vitrine_type_dialog_show (GtkWindow *parent, VitrineBackend *backend, VitrineView *view);
