/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Rows of the passthrough dialogs. Texts are not markup, and titles of devices have no mnemonics. */
#pragma once

#include <handy.h>

/* One of several: a row with a radio button in front. @group: another's button, or NULL. @title with mnemonic. */
GtkWidget *vitrine_choice_row_new (const char *title, const char *subtitle, GtkWidget *group, GtkWidget **button);
/* Says something; @icon may be NULL. */
GtkWidget *vitrine_fact_row_new (const char *icon, const char *title, const char *subtitle);
/* A sentence of its own, which may be long. */
GtkWidget *vitrine_sentence_row_new (const char *icon, const char *sentence);
/* A group's title and description; either may be NULL. libhandy shows them, but does not tell assistive technology. */
void       vitrine_group_describe (GtkWidget *group, const char *title, const char *description);
