/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "choice-rows.h"

#define TITLE_LINES 2

static char *
without_mnemonic (const char *title)
{
  g_auto(GStrv) parts = g_strsplit (title, "_", -1);

  return g_strjoinv (NULL, parts);
}

GtkWidget *
vitrine_choice_row_new (const char *title, const char *subtitle, GtkWidget *group, GtkWidget **button)
{
  GtkWidget *row = hdy_action_row_new ();
  g_autofree char *name = without_mnemonic (title);

  *button = gtk_radio_button_new_from_widget (group != NULL ? GTK_RADIO_BUTTON (group) : NULL);
  gtk_widget_set_valign (*button, GTK_ALIGN_CENTER);
  atk_object_set_name (gtk_widget_get_accessible (*button), name);
  atk_object_set_description (gtk_widget_get_accessible (*button), subtitle);
  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), title);
  hdy_action_row_set_use_underline (HDY_ACTION_ROW (row), TRUE);
  hdy_action_row_set_subtitle (HDY_ACTION_ROW (row), subtitle);
  hdy_action_row_set_subtitle_lines (HDY_ACTION_ROW (row), 0);
  hdy_action_row_add_prefix (HDY_ACTION_ROW (row), *button);
  hdy_action_row_set_activatable_widget (HDY_ACTION_ROW (row), *button);
  gtk_list_box_row_set_selectable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_show_all (row);
  return row;
}

GtkWidget *
vitrine_fact_row_new (const char *icon, const char *title, const char *subtitle)
{
  GtkWidget *row = hdy_action_row_new ();

  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), title);
  hdy_action_row_set_title_lines (HDY_ACTION_ROW (row), TITLE_LINES);
  hdy_action_row_set_subtitle (HDY_ACTION_ROW (row), subtitle);
  hdy_action_row_set_subtitle_lines (HDY_ACTION_ROW (row), 0);
  hdy_action_row_set_icon_name (HDY_ACTION_ROW (row), icon);
  atk_object_set_name (gtk_widget_get_accessible (row), title);
  atk_object_set_description (gtk_widget_get_accessible (row), subtitle != NULL ? subtitle : "");
  gtk_list_box_row_set_selectable (GTK_LIST_BOX_ROW (row), FALSE);
  gtk_widget_show_all (row);
  return row;
}

GtkWidget *
vitrine_sentence_row_new (const char *icon, const char *sentence)
{
  GtkWidget *row = vitrine_fact_row_new (icon, sentence, NULL);

  hdy_action_row_set_title_lines (HDY_ACTION_ROW (row), 0);
  return row;
}

void
vitrine_group_describe (GtkWidget *group, const char *title, const char *description)
{
  AtkObject *accessible = gtk_widget_get_accessible (group);

  hdy_preferences_group_set_title (HDY_PREFERENCES_GROUP (group), title);
  hdy_preferences_group_set_description (HDY_PREFERENCES_GROUP (group), description);
  atk_object_set_name (accessible, title != NULL ? title : "");
  atk_object_set_description (accessible, description != NULL ? description : "");
}
