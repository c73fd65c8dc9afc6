/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One message at the top of a window. */
#include "notice.h"

#include <glib/gi18n.h>

/* Characters. A window asks for the height that the narrowest text would have: of one letter in each line, more than the screen's. */
#define NARROWEST 24

typedef struct
{
  const VitrineNoticeButton *buttons;
  gpointer                   data;
} Choice;

static void
destroy (GtkWidget *child, gpointer unused)
{
  gtk_widget_destroy (child);
}

void
vitrine_notice_clear (GtkBox *slot)
{
  gtk_container_foreach (GTK_CONTAINER (slot), destroy, NULL);
}

static void
responded (GtkInfoBar *bar, int response, gpointer data)
{
  Choice choice = *(Choice *) data;   /* which goes with the bar */

  gtk_widget_destroy (GTK_WIDGET (bar));
  if (response >= 0)
    choice.buttons[response].clicked (choice.data);
}

static GtkWidget *
new_label (const char *text)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_line_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_width_chars (GTK_LABEL (label), NARROWEST);
  gtk_label_set_selectable (GTK_LABEL (label), TRUE);
  gtk_widget_set_can_focus (label, FALSE);
  gtk_widget_show (label);
  return label;
}

static GtkWidget *
show_bar (GtkBox *slot, GtkMessageType type, const char *message)
{
  GtkWidget *bar = gtk_info_bar_new ();

  vitrine_notice_clear (slot);
  gtk_info_bar_set_message_type (GTK_INFO_BAR (bar), type);
  gtk_info_bar_set_show_close_button (GTK_INFO_BAR (bar), TRUE);
  gtk_container_add (GTK_CONTAINER (gtk_info_bar_get_content_area (GTK_INFO_BAR (bar))), new_label (message));
  atk_object_set_role (gtk_widget_get_accessible (bar), ATK_ROLE_INFO_BAR);
  atk_object_set_name (gtk_widget_get_accessible (bar), message);
  gtk_container_add (GTK_CONTAINER (slot), bar);
  return bar;
}

void
vitrine_notice_show_with (GtkBox *slot, GtkMessageType type, const char *message, const VitrineNoticeButton *buttons,
                          gpointer data)
{
  GtkWidget *bar = show_bar (slot, type, message), *first = NULL;
  Choice *choice = g_new0 (Choice, 1);

  choice->buttons = buttons;
  choice->data = data;
  for (int i = 0; buttons != NULL && buttons[i].label != NULL; i++)
    {
      GtkWidget *button = gtk_info_bar_add_button (GTK_INFO_BAR (bar), _(buttons[i].label), i);
      if (buttons[i].style != NULL)
        gtk_style_context_add_class (gtk_widget_get_style_context (button), buttons[i].style);
      first = first != NULL ? first : button;
    }
  g_signal_connect_data (bar, "response", G_CALLBACK (responded), choice, (GClosureNotify) (void (*) (void)) g_free, 0);
  gtk_widget_show (bar);
  if (first != NULL)
    gtk_widget_grab_focus (first);
}

void
vitrine_notice_show (GtkBox *slot, GtkMessageType type, const char *message, const char *detail)
{
  g_autofree char *text = detail != NULL ? g_strdup_printf ("%s\n%s", message, detail) : g_strdup (message);

  vitrine_notice_show_with (slot, type, text, NULL, NULL);
}
