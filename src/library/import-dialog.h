/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Imports a machine of another program while a person watches, and may stop it. */
#pragma once

#include <gtk/gtk.h>

#include "import.h"

#define VITRINE_TYPE_IMPORT_DIALOG (vitrine_import_dialog_get_type ())
G_DECLARE_FINAL_TYPE (VitrineImportDialog, vitrine_import_dialog, VITRINE, IMPORT_DIALOG, GtkDialog)

/* A definition with new disks, and notes about it; or an error; or, when the person has stopped it, neither. All borrowed. */
typedef void (*VitrineImportDone) (VitrineDomain *domain, char **notes, const GError *error, gpointer data);

/* Does this name look like something that vitrine_import() takes? */
gboolean vitrine_import_dialog_takes (const char *path);
/* Calls @done once, on the main thread, when @parent is still there. */
void     vitrine_import_dialog_run (GtkWindow *parent, const char *path, VitrineImportDone done, gpointer data);
