/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The last minute of one or more figures as lines. Draws only when it is given a sample, so whoever samples decides what it
 * costs. Assistive technology finds a chart with a name, a value (of the first series, or their sum) and its words. */
#pragma once

#include <gtk/gtk.h>

#define VITRINE_GRAPH_SECONDS 60
#define VITRINE_GRAPH_MAX_SERIES 6

#define VITRINE_TYPE_GRAPH (vitrine_graph_get_type ())
G_DECLARE_FINAL_TYPE (VitrineGraph, vitrine_graph, VITRINE, GRAPH, GtkDrawingArea)

/* @ceiling: what the top stands for; 0: as much as the largest sample needs. */
GtkWidget *vitrine_graph_new (const char *name, guint n_series, double ceiling);
/* One value of each series; NAN leaves a gap. @time: monotonic, in microseconds; also a pause in sampling leaves a gap.
 * @words: the value for people. */
void       vitrine_graph_add (VitrineGraph *self, gint64 time, const double *values, const char *words);
/* What the top stands for, in words: shown at the top. Called while drawing; free the result. */
void       vitrine_graph_set_format (VitrineGraph *self, char *(*format) (double value));
/* The value of the last sample. */
double     vitrine_graph_get_value (VitrineGraph *self);
double     vitrine_graph_get_top (VitrineGraph *self);
/* A piece of a series' line, for a legend. */
GtkWidget *vitrine_graph_swatch_new (guint series);
