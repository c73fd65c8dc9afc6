/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network card: what it is plugged into, address, cable. */
#include <glib/gi18n.h>

#include "forward-rows.h"
#include "hardware-rows.h"
#include "rows.h"

typedef struct
{
  VitrineDomain *domain;
  guint          index;
  char          *model;
  VitrineRowMode mode;
  GtkWidget     *row, *network, *name, *mac, *cable, *forwards, *restricted, *restricted_row, *models;   /* models: NULL for a card that we lack */
} NetworkRow;

static const char *const model_ids[] = { "virtio", "e1000e", NULL };
static const char *const model_labels[] = { N_("Virtio: fast"), N_("Intel 82574 (e1000e): for systems without virtio"), NULL };

static void
network_row_free (gpointer data)
{
  NetworkRow *self = data;

  g_object_unref (self->domain);
  g_free (self->model);
  g_free (self);
}

/* In the order of VitrineNetworkKind; a TAP device is offered where the document has one. */
static const char *const kind_ids[] = { "user", "isolated", "bridge", "tap", NULL };
static const char *const kind_labels[] = { N_("Internet, through this computer"), N_("Isolated: only machines on it"),
                                           N_("Bridge of this computer"), N_("TAP device of this computer"), NULL };

static VitrineNetworkKind
get_kind (NetworkRow *self)
{
  return (VitrineNetworkKind) gtk_combo_box_get_active (GTK_COMBO_BOX (self->network));
}

static char *
describe_network (NetworkRow *self)
{
  const char *name = gtk_entry_get_text (GTK_ENTRY (self->name));

  switch (get_kind (self))
    {
    case VITRINE_NETWORK_USER:
      if (gtk_switch_get_active (GTK_SWITCH (self->restricted)))
        return g_strdup (_("Forwarded ports only"));
      break;
    case VITRINE_NETWORK_ISOLATED:
      return g_strdup_printf (_("Isolated network “%s”"), name);
    case VITRINE_NETWORK_BRIDGE:
      return g_strdup_printf (_("Bridge “%s” of this computer"), name);
    case VITRINE_NETWORK_TAP:
      return g_strdup_printf (_("TAP device “%s” of this computer"), name);
    }
  return g_strdup (_("Internet, through this computer"));
}

static void
describe (NetworkRow *self)
{
  g_autofree char *title = g_strdup_printf (_("Network card %u"), self->index + 1);
  g_autofree char *words = NULL;

  if (self->models == NULL)
    words = g_strdup_printf (_("“%s” is not supported yet: the machine goes without this card."), self->model);
  else
    words = describe_network (self);
  if (self->mode == VITRINE_ROW_NEW && vitrine_domain_get_network_slot (self->domain, self->index) == 0)
    {
      g_autofree char *now = g_steal_pointer (&words);
      words = g_strdup_printf ("%s · %s", now, _("at the next start"));
    }
  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (self->row), title);
  hdy_expander_row_set_subtitle (HDY_EXPANDER_ROW (self->row), words);
  atk_object_set_name (gtk_widget_get_accessible (self->row), title);
  atk_object_set_description (gtk_widget_get_accessible (self->row), words);
}

static char *
get_text (GtkWidget *entry)
{
  char *text = g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (entry))));

  return *text != '\0' ? text : (g_free (text), NULL);
}

static void
changed (NetworkRow *self)
{
  g_autofree char *mac = get_text (self->mac), *name = g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (self->name))));
  VitrineNetworkKind kind = get_kind (self);
  VitrineNetwork network = { .mac = mac, .kind = kind, .name = kind != VITRINE_NETWORK_USER ? name : NULL,
                             .restricted = gtk_switch_get_active (GTK_SWITCH (self->restricted)),
                             .cable_out = !gtk_switch_get_active (GTK_SWITCH (self->cable)),
                             .model = self->models != NULL ? (char *) gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->models)) : NULL };

  gtk_widget_set_sensitive (self->name, kind != VITRINE_NETWORK_USER);
  gtk_widget_set_visible (self->forwards, kind == VITRINE_NETWORK_USER);
  gtk_widget_set_visible (self->restricted_row, kind == VITRINE_NETWORK_USER);
  vitrine_domain_set_network (self->domain, self->index, &network);
  if (self->mode == VITRINE_ROW_NEW && mac != NULL)   /* it has had one since it was added */
    vitrine_domain_give_network_slot (self->domain, self->index);
  describe (self);
}

static void
add (NetworkRow *self, GtkWidget *row, gboolean able)
{
  gtk_widget_set_sensitive (row, able);
  gtk_container_add (GTK_CONTAINER (self->row), row);
}

static void
add_model (NetworkRow *self, gboolean supported, gboolean able)
{
  GtkWidget *label;

  if (supported)
    {
      add (self, vitrine_row_new_combo (_("_Model"), model_ids, model_labels, &self->models), able);
      gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->models), self->model);
      return;
    }
  add (self, vitrine_row_new_text (_("Model"), &label), TRUE);
  gtk_label_set_label (GTK_LABEL (label), self->model);
}

static void
add_rows (NetworkRow *self, VitrineNetworkKind kind, gboolean cold, gboolean supported)
{
  const char *ids[G_N_ELEMENTS (kind_ids)] = { NULL };

  memcpy (ids, kind_ids, (MAX (kind, VITRINE_NETWORK_BRIDGE) + 1) * sizeof *ids);
  add (self, vitrine_row_new_combo (_("_Connected to"), ids, kind_labels, &self->network), cold && supported);
  add (self, vitrine_row_new_entry (_("Name of the network or device"), &self->name), cold && supported);
  add (self, vitrine_row_new_entry (_("_Address (MAC)"), &self->mac), cold && supported);
  add (self, vitrine_row_new_switch (_("Cable _plugged in"), NULL, &self->cable), supported);
  add_model (self, supported, cold);
  self->restricted_row = vitrine_row_new_switch (_("_Restricted"), cold ? _("Forwarded ports only: no way to the network or to this computer.")
                                                                        : _("Changes while the machine is off."), &self->restricted);
  add (self, self->restricted_row, cold && supported);
  gtk_widget_set_visible (self->restricted_row, kind == VITRINE_NETWORK_USER);
  self->forwards = vitrine_forward_rows_new (self->domain, self->index);
  add (self, self->forwards, supported);
  gtk_widget_set_visible (self->forwards, kind == VITRINE_NETWORK_USER);
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->mac), _("Chosen for it"));
}

GtkWidget *
vitrine_network_row_new (VitrineDomain *domain, guint index, const VitrineNetwork *network, VitrineRowMode mode)
{
  NetworkRow *self = g_new0 (NetworkRow, 1);

  self->mode = mode;
  self->domain = g_object_ref (domain);
  self->index = index;
  self->model = g_strdup (network->model);
  self->row = hdy_expander_row_new ();
  g_object_set_data_full (G_OBJECT (self->row), "vitrine-network", self, network_row_free);
  add_rows (self, network->kind, mode != VITRINE_ROW_RUNNING, vitrine_network_is_supported (network));
  gtk_combo_box_set_active (GTK_COMBO_BOX (self->network), (int) network->kind);
  gtk_entry_set_text (GTK_ENTRY (self->name), network->name != NULL ? network->name : "");
  gtk_entry_set_text (GTK_ENTRY (self->mac), network->mac != NULL ? network->mac : "");
  gtk_switch_set_active (GTK_SWITCH (self->cable), !network->cable_out);
  gtk_switch_set_active (GTK_SWITCH (self->restricted), network->restricted);
  gtk_widget_set_sensitive (self->name, network->kind != VITRINE_NETWORK_USER);
  g_signal_connect_swapped (self->network, "changed", G_CALLBACK (changed), self);
  g_signal_connect_swapped (self->name, "changed", G_CALLBACK (changed), self);
  g_signal_connect_swapped (self->mac, "changed", G_CALLBACK (changed), self);
  g_signal_connect_swapped (self->cable, "notify::active", G_CALLBACK (changed), self);
  g_signal_connect_swapped (self->restricted, "notify::active", G_CALLBACK (changed), self);
  if (self->models != NULL)
    g_signal_connect_swapped (self->models, "changed", G_CALLBACK (changed), self);
  describe (self);
  gtk_widget_show (self->row);
  return self->row;
}
