/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "check-list.h"

#include <glib/gi18n.h>
#include <handy.h>

#include "checks.h"

static const struct
{
  const char *icon, *style, *spoken;
} looks[] = {
  [VITRINE_CHECK_PASSED] = { "emblem-ok-symbolic", "success", N_("Passed") },
  [VITRINE_CHECK_WARNED] = { "dialog-warning-symbolic", "warning", N_("Note") },
  [VITRINE_CHECK_REFUSED] = { "dialog-error-symbolic", "error", N_("In the way") },
};

GtkWidget *
vitrine_check_list_new (void)
{
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_style_context_add_class (gtk_widget_get_style_context (list), "content");
  atk_object_set_name (gtk_widget_get_accessible (list), _("Checks"));
  return list;
}

static GtkWidget *
new_row (const VitrineCheck *check)
{
  GtkWidget *row = hdy_action_row_new ();
  GtkWidget *icon = gtk_image_new_from_icon_name (looks[check->level].icon, GTK_ICON_SIZE_BUTTON);
  g_autofree char *spoken = g_strdup_printf ("%s: %s. %s", _(looks[check->level].spoken), check->what, check->sentence);

  gtk_style_context_add_class (gtk_widget_get_style_context (icon), looks[check->level].style);
  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), check->what);
  hdy_action_row_set_subtitle (HDY_ACTION_ROW (row), check->sentence);
  hdy_action_row_set_subtitle_lines (HDY_ACTION_ROW (row), 0);
  hdy_action_row_add_prefix (HDY_ACTION_ROW (row), icon);
  atk_object_set_name (gtk_widget_get_accessible (row), spoken);
  gtk_widget_show_all (row);
  return row;
}

void
vitrine_check_list_show (GtkWidget *list, const GPtrArray *checks)
{
  static const VitrineCheckLevel order[] = { VITRINE_CHECK_REFUSED, VITRINE_CHECK_WARNED, VITRINE_CHECK_PASSED };

  gtk_container_foreach (GTK_CONTAINER (list), (GtkCallback) (void (*) (void)) gtk_widget_destroy, NULL);
  for (guint i = 0; i < G_N_ELEMENTS (order); i++)
    for (guint j = 0; j < checks->len; j++)
      if (((VitrineCheck *) checks->pdata[j])->level == order[i])
        gtk_container_add (GTK_CONTAINER (list), new_row (checks->pdata[j]));
}
