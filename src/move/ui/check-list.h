/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Checks as rows: a sign, what was looked at, and the sentence. What is refused comes first. */
#pragma once

#include <gtk/gtk.h>

GtkWidget *vitrine_check_list_new (void);
/* @checks: of VitrineCheck. */
void       vitrine_check_list_show (GtkWidget *list, const GPtrArray *checks);
