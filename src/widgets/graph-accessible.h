/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include <gtk/gtk-a11y.h>

G_DECLARE_FINAL_TYPE (VitrineGraphAccessible, vitrine_graph_accessible, VITRINE, GRAPH_ACCESSIBLE, GtkWidgetAccessible)
