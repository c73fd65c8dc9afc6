/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TPM: which registers it has. */
#include <glib/gi18n.h>

#include "hardware-rows.h"
#include "rows.h"
#include "tpm-process.h"

static const char *const model_ids[] = { "tpm-crb", "tpm-tis", NULL };
static const char *const model_labels[] = { N_("Command response buffer (CRB)"), N_("FIFO (TIS): for older systems"), NULL };

static void
model_changed (GtkWidget *combo, gpointer domain)
{
  vitrine_domain_set_tpm_model (domain, gtk_combo_box_get_active_id (GTK_COMBO_BOX (combo)));
}

static gboolean
is_ours (const char *model)
{
  return g_strv_contains (model_ids, model);
}

GtkWidget *
vitrine_tpm_row_new (VitrineDomain *domain, gboolean cold)
{
  g_autofree char *model = vitrine_domain_get_tpm_model (domain);
  GtkWidget *row = hdy_expander_row_new (), *inside, *value;
  const char *words = vitrine_tpm_is_installed () ? _("TPM 2.0: keeps keys and measures how the system starts")
                                             : _("It takes the program swtpm, which is not installed.");

  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), _("TPM"));
  hdy_expander_row_set_subtitle (HDY_EXPANDER_ROW (row), words);
  atk_object_set_name (gtk_widget_get_accessible (row), _("TPM"));
  atk_object_set_description (gtk_widget_get_accessible (row), words);
  if (is_ours (model))
    {
      inside = vitrine_row_new_combo (_("_Interface"), model_ids, model_labels, &value);
      gtk_combo_box_set_active_id (GTK_COMBO_BOX (value), model);
      g_signal_connect_object (value, "changed", G_CALLBACK (model_changed), domain, 0);
    }
  else
    {
      inside = vitrine_row_new_text (_("Interface"), &value);
      gtk_label_set_label (GTK_LABEL (value), model);
    }
  gtk_widget_set_sensitive (inside, cold);
  gtk_container_add (GTK_CONTAINER (row), inside);
  gtk_widget_show (row);
  return row;
}
