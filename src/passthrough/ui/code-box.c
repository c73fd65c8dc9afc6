/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "code-box.h"

#include <string.h>

#define HEIGHT 150

struct _VitrineCodeBox
{
  GtkBox parent_instance;

  GtkWidget *view;
};

G_DEFINE_FINAL_TYPE (VitrineCodeBox, vitrine_code_box, GTK_TYPE_BOX)

static GtkTextBuffer *
buffer_of (VitrineCodeBox *self)
{
  return gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->view));
}

static void
copy (VitrineCodeBox *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer_of (self), &start, &end);
  g_autofree char *text = gtk_text_buffer_get_text (buffer_of (self), &start, &end, FALSE);
  gtk_clipboard_set_text (gtk_widget_get_clipboard (GTK_WIDGET (self), GDK_SELECTION_CLIPBOARD), text, -1);
}

void
vitrine_code_box_set_text (VitrineCodeBox *self, const char *text)
{
  gtk_text_buffer_set_text (buffer_of (self), text, -1);
}

static void
vitrine_code_box_class_init (VitrineCodeBoxClass *klass)
{
}

/* Tab goes on to the next control: nothing can be typed here. */
static void
vitrine_code_box_init (VitrineCodeBox *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 6);
  self->view = gtk_text_view_new ();
  gtk_text_view_set_monospace (GTK_TEXT_VIEW (self->view), TRUE);
  gtk_text_view_set_editable (GTK_TEXT_VIEW (self->view), FALSE);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (self->view), FALSE);
  g_object_set (self->view, "left-margin", 9, "right-margin", 9, "top-margin", 9, "bottom-margin", 9, NULL);
}

GtkWidget *
vitrine_code_box_new (const char *title, const char *copy_label)
{
  VitrineCodeBox *self = g_object_new (VITRINE_TYPE_CODE_BOX, NULL);
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6), *label = gtk_label_new_with_mnemonic (title);
  GtkWidget *button = gtk_button_new_with_mnemonic (copy_label), *scroller = gtk_scrolled_window_new (NULL, NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), self->view);
  gtk_style_context_add_class (gtk_widget_get_style_context (label), "heading");
  atk_object_set_name (gtk_widget_get_accessible (self->view), gtk_label_get_text (GTK_LABEL (label)));
  gtk_scrolled_window_set_shadow_type (GTK_SCROLLED_WINDOW (scroller), GTK_SHADOW_IN);
  gtk_scrolled_window_set_min_content_height (GTK_SCROLLED_WINDOW (scroller), HEIGHT);
  gtk_container_add (GTK_CONTAINER (scroller), self->view);
  gtk_box_pack_start (GTK_BOX (line), label, TRUE, TRUE, 0);
  gtk_box_pack_end (GTK_BOX (line), button, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (self), line, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (self), scroller, TRUE, TRUE, 0);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (copy), self);
  gtk_widget_show_all (GTK_WIDGET (self));
  return GTK_WIDGET (self);
}
