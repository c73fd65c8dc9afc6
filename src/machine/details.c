/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A popover that says what runs, on what, and what the machine goes without. */
#include "details.h"

#include <glib/gi18n.h>

static GtkWidget *
new_label (const char *text, gboolean dim)
{
  GtkWidget *label = gtk_label_new (text);

  gtk_label_set_xalign (GTK_LABEL (label), dim ? 1 : 0);
  gtk_label_set_yalign (GTK_LABEL (label), 0);
  gtk_label_set_line_wrap (GTK_LABEL (label), !dim);
  gtk_label_set_line_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_label_set_max_width_chars (GTK_LABEL (label), 44);
  gtk_label_set_selectable (GTK_LABEL (label), !dim);
  if (dim)
    gtk_style_context_add_class (gtk_widget_get_style_context (label), "dim-label");
  return label;
}

static void
add_row (GtkGrid *grid, const char *name, const char *value)
{
  GtkWidget *key = new_label (name, TRUE), *text = new_label (value, FALSE);
  AtkObject *text_accessible = gtk_widget_get_accessible (text);

  gtk_grid_attach_next_to (grid, key, NULL, GTK_POS_BOTTOM, 1, 1);
  gtk_grid_attach_next_to (grid, text, key, GTK_POS_RIGHT, 1, 1);
  atk_object_add_relationship (text_accessible, ATK_RELATION_LABELLED_BY, gtk_widget_get_accessible (key));
}

static void
add_size (GtkGrid *grid, VitrineDomain *domain)
{
  g_autofree char *memory = g_format_size_full (vitrine_domain_get_memory_bytes (domain), G_FORMAT_SIZE_IEC_UNITS);
  guint cpus = vitrine_domain_get_cpus (domain);
  g_autofree char *words = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u processor", "%u processors", cpus), cpus);

  add_row (grid, _("Processors"), words);
  add_row (grid, _("Memory"), memory);
  add_row (grid, _("Firmware"), _(vitrine_firmware_labels[vitrine_domain_get_firmware (domain)]));
}

static void
add_disks (GtkGrid *grid, VitrineDomain *domain)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (domain);

  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      add_row (grid, disk->cdrom ? _("CD drive") : disk->floppy ? _("Floppy drive") : _("Disk"), disk->path != NULL ? disk->path : _("Empty"));
    }
}

void
vitrine_details_show (GtkWidget *relative_to, VitrineDomain *domain, VitrineBackend *backend)
{
  GtkWidget *popover = gtk_popover_new (relative_to);
  GtkWidget *widget = gtk_grid_new ();
  GtkGrid *grid = GTK_GRID (widget);
  g_autofree char *uuid = vitrine_domain_get_uuid (domain);
  g_auto(GStrv) missing = vitrine_domain_list_missing (domain);

  gtk_grid_set_row_spacing (grid, 6);
  gtk_grid_set_column_spacing (grid, 12);
  g_object_set (widget, "margin", 18, NULL);
  if (backend != NULL)
    {
      add_row (grid, _("State"), vitrine_state_to_label (vitrine_backend_get_state (backend)));
      add_row (grid, _("Accelerator"), vitrine_backend_get_accelerator (backend));
    }
  add_size (grid, domain);
  add_disks (grid, domain);
  add_row (grid, _("UUID"), uuid);
  for (guint i = 0; missing[i] != NULL; i++)
    add_row (grid, i == 0 ? _("Missing") : "", missing[i]);
  gtk_container_add (GTK_CONTAINER (popover), widget);
  gtk_widget_show_all (widget);
  atk_object_set_name (gtk_widget_get_accessible (popover), _("Details"));
  g_signal_connect (popover, "closed", G_CALLBACK (gtk_widget_destroy), NULL);
  gtk_popover_popup (GTK_POPOVER (popover));
}
