/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "volume-dialog.h"

#include <glib/gi18n.h>

#include "page-window.h"
#include "rows.h"

#define WIDTH 460
#define HEIGHT 260
#define GIB (1024.0 * 1024 * 1024)
#define MOST_GIB 65536

typedef struct
{
  GtkWidget          *window, *name, *size, *format, *create;
  char               *pool;
  VitrineVolumeWished wished;
  gpointer            data;
} Dialog;

static void
dialog_free (gpointer data)
{
  Dialog *self = data;

  g_free (self->pool);
  g_free (self);
}

static void
name_changed (Dialog *self)
{
  gtk_widget_set_sensitive (self->create, gtk_entry_get_text_length (GTK_ENTRY (self->name)) > 0);
}

static void
create (Dialog *self)
{
  guint64 bytes = (guint64) (gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->size)) * GIB);

  self->wished (self->pool, gtk_entry_get_text (GTK_ENTRY (self->name)),
                gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->format)), bytes, self->data);
  gtk_window_close (GTK_WINDOW (self->window));
}

static GtkWidget *
new_form (Dialog *self)
{
  static const char *const ids[] = { "qcow2", "raw", NULL }, *const labels[] = { N_("qcow2, grows as it is filled"),
                                                                                 N_("raw"), NULL };
  GtkWidget *list = gtk_list_box_new ();

  gtk_list_box_set_selection_mode (GTK_LIST_BOX (list), GTK_SELECTION_NONE);
  gtk_style_context_add_class (gtk_widget_get_style_context (list), "content");
  gtk_container_add (GTK_CONTAINER (list), vitrine_row_new_entry (_("_Name"), &self->name));
  gtk_container_add (GTK_CONTAINER (list), vitrine_row_new_spin (_("_Size in GiB"), NULL, 1, MOST_GIB, 1, &self->size));
  gtk_container_add (GTK_CONTAINER (list), vitrine_row_new_combo (_("_Format"), ids, labels, &self->format));
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->size), 20);
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->format), "qcow2");
  g_object_set (list, "margin", 18, "valign", GTK_ALIGN_START, NULL);
  gtk_widget_show_all (list);
  return list;
}

GtkWidget *
vitrine_volume_dialog_new (GtkWindow *parent, const char *pool, VitrineVolumeWished wished, gpointer data)
{
  Dialog *self = g_new0 (Dialog, 1);
  GtkWidget *cancel = gtk_button_new_with_mnemonic (_("_Cancel"));

  self->pool = g_strdup (pool);
  self->wished = wished;
  self->data = data;
  self->window = vitrine_page_window_new (parent, _("New Volume"), new_form (self), WIDTH, HEIGHT);
  g_object_set_data_full (G_OBJECT (self->window), "vitrine-dialog", self, dialog_free);
  self->create = gtk_button_new_with_mnemonic (_("C_reate"));
  gtk_style_context_add_class (gtk_widget_get_style_context (self->create), "suggested-action");
  gtk_widget_set_can_default (self->create, TRUE);
  gtk_widget_show (cancel);
  gtk_widget_show (self->create);
  vitrine_page_window_add_buttons (self->window, cancel, self->create);
  gtk_widget_grab_default (self->create);
  g_signal_connect_swapped (cancel, "clicked", G_CALLBACK (gtk_window_close), self->window);
  g_signal_connect_swapped (self->create, "clicked", G_CALLBACK (create), self);
  g_signal_connect_swapped (self->name, "changed", G_CALLBACK (name_changed), self);
  name_changed (self);
  return self->window;
}
