/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A graph for assistive technology: a chart whose value is that of the last sample. */
#include "graph-accessible.h"

#include "graph.h"

struct _VitrineGraphAccessible
{
  GtkWidgetAccessible parent_instance;
};

static void vitrine_graph_accessible_value_init (AtkValueIface *iface);

G_DEFINE_FINAL_TYPE_WITH_CODE (VitrineGraphAccessible, vitrine_graph_accessible, GTK_TYPE_WIDGET_ACCESSIBLE,
                               G_IMPLEMENT_INTERFACE (ATK_TYPE_VALUE, vitrine_graph_accessible_value_init))

static VitrineGraph *
graph_of (AtkValue *value)
{
  GtkWidget *widget = gtk_accessible_get_widget (GTK_ACCESSIBLE (value));
  return widget != NULL ? VITRINE_GRAPH (widget) : NULL;
}

static void
get_value_and_text (AtkValue *value, double *number, char **text)
{
  VitrineGraph *graph = graph_of (value);

  if (number != NULL)
    *number = graph != NULL ? vitrine_graph_get_value (graph) : 0;
  if (text != NULL)
    *text = g_strdup (atk_object_get_description (ATK_OBJECT (value)));
}

static AtkRange *
get_range (AtkValue *value)
{
  VitrineGraph *graph = graph_of (value);
  return atk_range_new (0, graph != NULL ? vitrine_graph_get_top (graph) : 0, NULL);
}

static void
vitrine_graph_accessible_value_init (AtkValueIface *iface)
{
  iface->get_value_and_text = get_value_and_text;
  iface->get_range = get_range;
}

static void
vitrine_graph_accessible_initialize (AtkObject *object, gpointer data)
{
  ATK_OBJECT_CLASS (vitrine_graph_accessible_parent_class)->initialize (object, data);
  atk_object_set_role (object, ATK_ROLE_CHART);
}

static void
vitrine_graph_accessible_class_init (VitrineGraphAccessibleClass *klass)
{
  ATK_OBJECT_CLASS (klass)->initialize = vitrine_graph_accessible_initialize;
}

static void
vitrine_graph_accessible_init (VitrineGraphAccessible *self)
{
}
