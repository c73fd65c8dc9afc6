/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine's further monitors: which of them are open, and the menu that says so. */
#include <glib/gi18n.h>
#include <string.h>

#include "machine-window-private.h"

static char *
action_name (guint head)
{
  return g_strdup_printf ("display-%u", head);
}

static void
set_state (VitrineMachineWindow *self, guint head, gboolean open)
{
  g_autofree char *name = action_name (head);
  GAction *action = g_action_map_lookup_action (G_ACTION_MAP (self), name);

  if (action != NULL)
    g_simple_action_set_state (G_SIMPLE_ACTION (action), g_variant_new_boolean (open));
}

/* By the person: it stays closed. */
static void
head_gone (GtkWidget *window, VitrineMachineWindow *self)
{
  for (guint head = 1; head < VITRINE_MAX_HEADS; head++)
    if (self->heads[head] == window)
      {
        self->heads[head] = NULL;
        set_state (self, head, FALSE);
        vitrine_view_set_flag (self->view, head, "open", FALSE);
      }
}

static void
open_head (VitrineMachineWindow *self, guint head)
{
  if (self->heads[head] == NULL)
    {
      self->heads[head] = GTK_WIDGET (vitrine_head_window_new (GTK_WINDOW (self), self->backend, head, self->view,
                                                               self->settings));
      g_signal_connect (self->heads[head], "destroy", G_CALLBACK (head_gone), self);
      vitrine_machine_window_apply_host_keys (self);
      vitrine_view_set_flag (self->view, head, "open", TRUE);
      set_state (self, head, TRUE);
    }
  gtk_window_present (GTK_WINDOW (self->heads[head]));
}

static void
display_changed (GSimpleAction *action, GVariant *value, gpointer data)
{
  VitrineMachineWindow *self = data;
  guint head = (guint) (g_action_get_name (G_ACTION (action))[strlen ("display-")] - '0');

  gtk_popover_popdown (GTK_POPOVER (gtk_menu_button_get_popover (GTK_MENU_BUTTON (self->menu_button))));
  if (g_variant_get_boolean (value))
    open_head (self, head);
  else if (self->heads[head] != NULL)
    gtk_widget_destroy (self->heads[head]);
}

static void
add_display (VitrineMachineWindow *self, GMenu *menu, guint head)
{
  g_autofree char *name = action_name (head), *label = g_strdup_printf (_("Display _%u"), head + 1);
  g_autofree char *detailed = g_strconcat ("win.", name, NULL);
  g_autoptr(GSimpleAction) action = g_simple_action_new_stateful (name, NULL, g_variant_new_boolean (FALSE));

  g_signal_connect (action, "change-state", G_CALLBACK (display_changed), self);
  g_action_map_add_action (G_ACTION_MAP (self), G_ACTION (action));
  g_menu_append (menu, label, detailed);
}

void
vitrine_machine_window_add_displays (VitrineMachineWindow *self)
{
  guint n = MIN (vitrine_backend_get_n_heads (self->backend), VITRINE_MAX_HEADS);
  g_autoptr(GMenu) menu = g_menu_new ();

  if (n < 2)
    return;
  for (guint head = 1; head < n; head++)
    add_display (self, menu, head);
  g_menu_append_submenu (self->displays_section, _("_Displays"), G_MENU_MODEL (menu));
  for (guint head = 1; head < n; head++)
    if (vitrine_view_get_flag (self->view, head, "open", FALSE))
      open_head (self, head);
}

/* The machine is gone: what was open opens with the next one. */
void
vitrine_machine_window_remove_displays (VitrineMachineWindow *self)
{
  for (guint head = 1; head < VITRINE_MAX_HEADS; head++)
    {
      g_autofree char *name = action_name (head);
      GtkWidget *window = g_steal_pointer (&self->heads[head]);
      if (window != NULL)
        {
          g_signal_handlers_disconnect_by_data (window, self);
          gtk_widget_destroy (window);
        }
      g_action_map_remove_action (G_ACTION_MAP (self), name);
    }
  g_menu_remove_all (self->displays_section);
}
