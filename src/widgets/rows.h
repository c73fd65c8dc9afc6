/* SPDX-License-Identifier: GPL-3.0-or-later */
/* List rows with one control each, as forms are made of. The title carries the mnemonic, names the control for assistive
 * technology, and a click on the row goes to the control. */
#pragma once

#include <handy.h>

GtkWidget *vitrine_row_new_entry (const char *title, GtkWidget **entry);
/* A path with a button that opens a file chooser. @pattern_name and @patterns (";"-separated globs) may be NULL. */
GtkWidget *vitrine_row_new_file (const char *title, const char *pattern_name, const char *patterns, GtkWidget **entry);
/* The same for a folder. */
GtkWidget *vitrine_row_new_folder (const char *title, GtkWidget **entry);
GtkWidget *vitrine_row_new_spin (const char *title, const char *subtitle, double minimum, double maximum, double step,
                                 GtkWidget **spin);
GtkWidget *vitrine_row_new_switch (const char *title, const char *subtitle, GtkWidget **button);
/* @ids and @labels end with NULL; labels are untranslated. */
GtkWidget *vitrine_row_new_combo (const char *title, const char *const *ids, const char *const *labels, GtkWidget **combo);
GtkWidget *vitrine_row_new_text (const char *title, GtkWidget **label);

/* "text" of a file or folder row as an absolute path, with "~" meaning home; NULL when empty. */
char *vitrine_row_get_path (GtkWidget *entry);
