/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-section.h"

#include <glib/gi18n.h>

#include "credentials-dialog.h"
#include "definition-dialog.h"
#include "delete-dialog.h"
#include "host-page.h"
#include "host-snapshots-dialog.h"
#include "machine-card.h"
#include "pci-dialog.h"

struct _VitrineHostSection
{
  GtkBox parent_instance;

  VitrineHost        *host;
  GtkWidget          *title, *state, *retry, *menu_button, *grid;
  GSimpleActionGroup *actions;
  char               *words;     /* searched for; NULL */
};

enum
{
  ERROR,
  REMOVE,
  BRING,
  MIGRATE,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

G_DEFINE_FINAL_TYPE (VitrineHostSection, vitrine_host_section, GTK_TYPE_BOX)

VitrineHost *
vitrine_host_section_get_host (VitrineHostSection *self)
{
  return self->host;
}

static GtkWindow *
window_of (VitrineHostSection *self)
{
  return GTK_WINDOW (gtk_widget_get_toplevel (GTK_WIDGET (self)));
}

/* --- state ------------------------------------------------------------------------------------------------------ */

static char *
describe_state (VitrineHostSection *self)
{
  const char *reason = vitrine_host_get_reason (self->host);
  guint n = g_list_model_get_n_items (G_LIST_MODEL (self->host));

  switch (vitrine_host_get_state (self->host))
    {
    case VITRINE_HOST_CONNECTED:
      return g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u machine", "%u machines", n), n);
    case VITRINE_HOST_CONNECTING:
      return reason != NULL ? g_strdup_printf (_("Connecting… (%s)"), reason) : g_strdup (_("Connecting…"));
    case VITRINE_HOST_AWAY:
      break;
    }
  return reason != NULL ? g_strdup_printf (_("Away: %s"), reason) : g_strdup (_("Not connected"));
}

static void
enable (VitrineHostSection *self, const char *name, gboolean enabled)
{
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self->actions), name);

  g_simple_action_set_enabled (G_SIMPLE_ACTION (action), enabled);
}

static void
update (VitrineHostSection *self)
{
  VitrineHostState state = vitrine_host_get_state (self->host);
  g_autofree char *words = describe_state (self);
  GtkStyleContext *context = gtk_widget_get_style_context (self->state);

  gtk_label_set_label (GTK_LABEL (self->state), words);
  gtk_widget_set_tooltip_text (self->state, words);
  if (state == VITRINE_HOST_AWAY && vitrine_host_get_reason (self->host) != NULL)
    gtk_style_context_add_class (context, "error");
  else
    gtk_style_context_remove_class (context, "error");
  gtk_widget_set_visible (self->retry, state == VITRINE_HOST_AWAY);
  gtk_widget_set_visible (self->grid, g_list_model_get_n_items (G_LIST_MODEL (self->host)) > 0);
  enable (self, "define", state == VITRINE_HOST_CONNECTED);
  enable (self, "resources", state == VITRINE_HOST_CONNECTED);
}

static gboolean
ask (VitrineHostSection *self, VitrineCredentials *credentials)
{
  vitrine_credentials_dialog_show (window_of (self), vitrine_host_get_name (self->host), credentials);
  return TRUE;
}

/* --- cards ------------------------------------------------------------------------------------------------------ */

static VitrineHostGuest *
guest_of (VitrineMachineCard *card)
{
  return VITRINE_HOST_GUEST (vitrine_machine_card_get_guest (card));
}

static void
card_error (VitrineHostSection *self, const char *message)
{
  g_signal_emit (self, signals[ERROR], 0, message);
}

static void
card_snapshots (VitrineHostSection *self, VitrineMachineCard *card)
{
  gtk_window_present (GTK_WINDOW (vitrine_host_snapshots_dialog_new (window_of (self), guest_of (card))));
}

static void
card_edit_xml (VitrineHostSection *self, VitrineMachineCard *card)
{
  gtk_window_present (GTK_WINDOW (vitrine_definition_dialog_new (window_of (self), guest_of (card))));
}

static void
card_devices (VitrineHostSection *self, VitrineMachineCard *card)
{
  g_autoptr(VitrineTarget) target = vitrine_target_new_for_guest (self->host, guest_of (card));

  gtk_window_present (GTK_WINDOW (vitrine_pci_dialog_new (window_of (self), target)));
}

static void
card_bring (VitrineHostSection *self, VitrineMachineCard *card)
{
  g_signal_emit (self, signals[BRING], 0, guest_of (card));
}

static void
card_migrate (VitrineHostSection *self, VitrineMachineCard *card)
{
  g_signal_emit (self, signals[MIGRATE], 0, guest_of (card));
}

static void
card_delete (VitrineHostSection *self, VitrineMachineCard *card)
{
  vitrine_delete_dialog_show (window_of (self), guest_of (card), (VitrineDeleteFailed) card_error,
                              GTK_WIDGET (self));
}

static GtkWidget *
new_card (gpointer item, gpointer data)
{
  VitrineHostSection *self = data;
  GtkWidget *card = vitrine_machine_card_new (item);

  g_signal_connect_object (card, "error", G_CALLBACK (card_error), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "snapshots", G_CALLBACK (card_snapshots), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "edit-xml", G_CALLBACK (card_edit_xml), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "devices", G_CALLBACK (card_devices), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "bring", G_CALLBACK (card_bring), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "migrate", G_CALLBACK (card_migrate), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "delete", G_CALLBACK (card_delete), self, G_CONNECT_SWAPPED);
  if (self->words != NULL)
    gtk_widget_set_visible (card, vitrine_machine_card_matches (VITRINE_MACHINE_CARD (card), self->words));
  return card;
}

static void
card_activated (VitrineHostSection *self, GtkFlowBoxChild *child)
{
  vitrine_machine_card_open (VITRINE_MACHINE_CARD (child));
}

guint
vitrine_host_section_filter (VitrineHostSection *self, const char *words)
{
  GtkFlowBoxChild *child;
  guint shown = 0;

  g_free (self->words);
  self->words = g_strdup (words);
  for (int i = 0; (child = gtk_flow_box_get_child_at_index (GTK_FLOW_BOX (self->grid), i)) != NULL; i++)
    {
      gboolean show = words == NULL || vitrine_machine_card_matches (VITRINE_MACHINE_CARD (child), words);
      gtk_widget_set_visible (GTK_WIDGET (child), show);
      shown += show;
    }
  gtk_widget_set_visible (GTK_WIDGET (self), words == NULL || shown > 0);
  return shown;
}

/* --- actions ---------------------------------------------------------------------------------------------------- */

static void
retry (VitrineHostSection *self)
{
  vitrine_host_connect (self->host);
}

static void
action_define (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineHostSection *self = data;

  gtk_window_present (GTK_WINDOW (vitrine_definition_dialog_new_machine (window_of (self), self->host)));
}

static void
action_resources (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineHostSection *self = data;

  gtk_window_present (GTK_WINDOW (vitrine_host_page_new (window_of (self), self->host)));
}

static void
action_remove (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  g_signal_emit (data, signals[REMOVE], 0);
}

static const GActionEntry actions[] = {
  { "define", action_define },
  { "resources", action_resources },
  { "remove", action_remove },
};

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_host_section_dispose (GObject *object)
{
  VitrineHostSection *self = VITRINE_HOST_SECTION (object);

  if (self->host != NULL)
    g_signal_handlers_disconnect_by_data (self->host, self);
  g_clear_object (&self->host);
  g_clear_object (&self->actions);
  g_clear_pointer (&self->words, g_free);
  G_OBJECT_CLASS (vitrine_host_section_parent_class)->dispose (object);
}

static void
vitrine_host_section_class_init (VitrineHostSectionClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_host_section_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/hosts/host-section.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, VitrineHostSection, name)
  BIND (title);
  BIND (state);
  BIND (retry);
  BIND (menu_button);
  BIND (grid);
#undef BIND
  signals[ERROR] = g_signal_new ("error", VITRINE_TYPE_HOST_SECTION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 1, G_TYPE_STRING);
  signals[REMOVE]
      = g_signal_new ("remove-host", VITRINE_TYPE_HOST_SECTION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
  signals[BRING] = g_signal_new ("bring", VITRINE_TYPE_HOST_SECTION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                 G_TYPE_NONE, 1, VITRINE_TYPE_HOST_GUEST);
  signals[MIGRATE] = g_signal_new ("migrate", VITRINE_TYPE_HOST_SECTION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                                   G_TYPE_NONE, 1, VITRINE_TYPE_HOST_GUEST);
}

static void
vitrine_host_section_init (VitrineHostSection *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->actions = g_simple_action_group_new ();
  g_action_map_add_action_entries (G_ACTION_MAP (self->actions), actions, G_N_ELEMENTS (actions), self);
  gtk_widget_insert_action_group (GTK_WIDGET (self), "host", G_ACTION_GROUP (self->actions));
  g_signal_connect_swapped (self->retry, "clicked", G_CALLBACK (retry), self);
  g_signal_connect_swapped (self->grid, "child-activated", G_CALLBACK (card_activated), self);
}

GtkWidget *
vitrine_host_section_new (VitrineHost *host)
{
  VitrineHostSection *self = g_object_new (VITRINE_TYPE_HOST_SECTION, NULL);
  g_autofree char *machines = g_strdup_printf (_("Machines of %s"), vitrine_host_get_name (host));
  g_autofree char *menu = g_strdup_printf (_("Actions for %s"), vitrine_host_get_name (host));

  self->host = g_object_ref (host);
  gtk_label_set_label (GTK_LABEL (self->title), vitrine_host_get_name (host));
  gtk_widget_set_tooltip_text (self->title, vitrine_host_get_uri (host));
  atk_object_set_name (gtk_widget_get_accessible (self->grid), machines);
  atk_object_set_name (gtk_widget_get_accessible (self->menu_button), menu);
  gtk_flow_box_bind_model (GTK_FLOW_BOX (self->grid), G_LIST_MODEL (host), new_card, self, NULL);
  g_signal_connect_swapped (host, "notify", G_CALLBACK (update), self);
  g_signal_connect_swapped (host, "items-changed", G_CALLBACK (update), self);
  g_signal_connect_swapped (host, "ask", G_CALLBACK (ask), self);
  update (self);
  return GTK_WIDGET (self);
}
