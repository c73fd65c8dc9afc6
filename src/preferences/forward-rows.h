/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The ports that are forwarded to a network card, one a line, checked as they are typed. What a person changes goes into the definition at
 * once; lines in which nothing has been typed do not. */
#pragma once

#include <gtk/gtk.h>

#include "domain.h"

/* A list box row. @card: its place among the definition's. */
GtkWidget *vitrine_forward_rows_new (VitrineDomain *domain, guint card);
