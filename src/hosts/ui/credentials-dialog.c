/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "credentials-dialog.h"

#include <glib/gi18n.h>

#define MAX_ENTRIES 8

typedef struct
{
  VitrineCredentials *credentials;
  GtkWidget          *entries[MAX_ENTRIES], *remember;
} Questions;

static void
questions_free (gpointer data, GClosure *unused)
{
  Questions *questions = data;

  vitrine_credentials_cancel (questions->credentials);   /* nothing, if they are answered */
  g_object_unref (questions->credentials);
  g_free (questions);
}

static void
response (GtkDialog *dialog, int answer, gpointer data)
{
  Questions *questions = data;
  const char *answers[MAX_ENTRIES + 1] = { NULL };

  for (guint i = 0; i < vitrine_credentials_get_n (questions->credentials); i++)
    answers[i] = gtk_entry_get_text (GTK_ENTRY (questions->entries[i]));
  if (answer == GTK_RESPONSE_OK)
    vitrine_credentials_answer (questions->credentials, answers,
                                gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (questions->remember)));
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static GtkWidget *
new_label (const char *text, float align)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), align);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 44);
  return label;
}

static void
add_question (GtkGrid *grid, Questions *questions, guint i)
{
  GtkWidget *label = new_label (vitrine_credentials_get_prompt (questions->credentials, i), 1),
            *entry = gtk_entry_new ();
  const char *usual = vitrine_credentials_get_usual (questions->credentials, i);
  gboolean secret = vitrine_credentials_is_secret (questions->credentials, i);

  gtk_entry_set_activates_default (GTK_ENTRY (entry), TRUE);
  gtk_entry_set_visibility (GTK_ENTRY (entry), !secret);
  gtk_entry_set_input_purpose (GTK_ENTRY (entry), secret ? GTK_INPUT_PURPOSE_PASSWORD : GTK_INPUT_PURPOSE_FREE_FORM);
  gtk_entry_set_width_chars (GTK_ENTRY (entry), 28);
  gtk_entry_set_text (GTK_ENTRY (entry), usual != NULL ? usual : "");
  atk_object_set_name (gtk_widget_get_accessible (entry), gtk_label_get_text (GTK_LABEL (label)));
  gtk_grid_attach (grid, label, 0, (int) i + 2, 1, 1);
  gtk_grid_attach (grid, entry, 1, (int) i + 2, 1, 1);
  questions->entries[i] = entry;
}

static GtkWidget *
new_grid (const char *host, Questions *questions)
{
  GtkWidget *widget = gtk_grid_new ();
  g_autofree char *words = g_strdup_printf (_("“%s” wants to know who you are."), host);
  guint n = vitrine_credentials_get_n (questions->credentials);

  gtk_grid_set_row_spacing (GTK_GRID (widget), 12);
  gtk_grid_set_column_spacing (GTK_GRID (widget), 12);
  g_object_set (widget, "margin", 18, NULL);
  gtk_grid_attach (GTK_GRID (widget), new_label (words, 0), 0, 0, 2, 1);
  if (vitrine_credentials_is_again (questions->credentials))
    {
      GtkWidget *problem = new_label (_("The answers were wrong. Please try again."), 0);
      gtk_style_context_add_class (gtk_widget_get_style_context (problem), "error");
      gtk_grid_attach (GTK_GRID (widget), problem, 0, 1, 2, 1);
    }
  for (guint i = 0; i < n; i++)
    add_question (GTK_GRID (widget), questions, i);
  questions->remember = gtk_check_button_new_with_mnemonic (_("_Keep in the keyring"));
  gtk_grid_attach (GTK_GRID (widget), questions->remember, 1, (int) n + 2, 1, 1);
  return widget;
}

void
vitrine_credentials_dialog_show (GtkWindow *parent, const char *host, VitrineCredentials *credentials)
{
  GtkWidget *dialog
      = g_object_new (GTK_TYPE_DIALOG, "transient-for", parent, "modal", parent != NULL, "destroy-with-parent", TRUE,
                      "use-header-bar", TRUE, "title", _("Log In"), "resizable", FALSE, NULL);
  Questions *questions = g_new0 (Questions, 1);

  questions->credentials = g_object_ref (credentials);
  gtk_container_add (GTK_CONTAINER (gtk_dialog_get_content_area (GTK_DIALOG (dialog))), new_grid (host, questions));
  gtk_dialog_add_button (GTK_DIALOG (dialog), _("_Cancel"), GTK_RESPONSE_CANCEL);
  GtkWidget *button = gtk_dialog_add_button (GTK_DIALOG (dialog), _("_Log In"), GTK_RESPONSE_OK);
  gtk_style_context_add_class (gtk_widget_get_style_context (button), "suggested-action");
  gtk_dialog_set_default_response (GTK_DIALOG (dialog), GTK_RESPONSE_OK);
  g_signal_connect_data (dialog, "response", G_CALLBACK (response), questions, questions_free, 0);
  gtk_widget_show_all (gtk_dialog_get_content_area (GTK_DIALOG (dialog)));
  gtk_window_present (GTK_WINDOW (dialog));
}
