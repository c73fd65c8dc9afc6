/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Capturing what passes through the machine's network cards: into which file, and that everybody sees it, whoever asked for it. */
#include <glib/gi18n.h>
#include <unistd.h>

#include "machine-window-private.h"
#include "outside.h"

/* --- The menu ------------------------------------------------------------------------------------------------------- */

static void
append_card (GMenu *menu, const char *label, guint card)
{
  g_autoptr(GMenuItem) item = g_menu_item_new (label, NULL);

  g_menu_item_set_action_and_target (item, "win.capture", "u", card);
  g_menu_append_item (menu, item);
}

static void
append_cards (VitrineMachineWindow *self, char **macs)
{
  g_autoptr(GMenu) cards = g_menu_new ();

  for (guint i = 0; macs[i] != NULL; i++)
    {
      g_autofree char *label = g_strdup_printf (_("Network card %u (%s)…"), i + 1, macs[i]);
      if (!vitrine_backend_is_captured (self->backend, i))
        append_card (cards, label, i);
    }
  if (g_menu_model_get_n_items (G_MENU_MODEL (cards)) > 0)
    g_menu_append_submenu (self->capture_section, _("Capture Network _Traffic"), G_MENU_MODEL (cards));
}

/* Cards come and go while it runs. */
static void
fill_menu (VitrineMachineWindow *self, char **macs, gboolean on)
{
  guint n = g_strv_length (macs);

  g_menu_remove_all (self->capture_section);
  if (n > 1)
    append_cards (self, macs);
  else if (n == 1 && !on)
    append_card (self->capture_section, _("Capture Network _Traffic…"), 0);
  if (on)
    g_menu_append (self->capture_section, _("Stop Capturing Network _Traffic"), "win.stop-capture");
}

/* --- The button ----------------------------------------------------------------------------------------------------- */

static gboolean
show_time (gpointer data)
{
  VitrineMachineWindow *self = data;
  guint seconds = (guint) ((g_get_monotonic_time () - self->capture_since) / G_USEC_PER_SEC);
  g_autofree char *time = g_strdup_printf ("%u:%02u", seconds / 60, seconds % 60);

  gtk_label_set_label (GTK_LABEL (self->capture_label), time);
  atk_object_set_description (gtk_widget_get_accessible (self->capture_button), time);
  return G_SOURCE_CONTINUE;
}

static void
show_button (VitrineMachineWindow *self, gboolean on)
{
  gtk_widget_set_visible (self->capture_button, on);
  if (on && self->capture_timer == 0)
    {
      self->capture_since = g_get_monotonic_time ();
      self->capture_timer = g_timeout_add_seconds (1, show_time, self);
      show_time (self);
    }
  else if (!on)
    g_clear_handle_id (&self->capture_timer, g_source_remove);
}

static gboolean
is_captured (VitrineMachineWindow *self, char **macs)
{
  for (guint i = 0; macs[i] != NULL; i++)
    if (vitrine_backend_is_captured (self->backend, i))
      return TRUE;
  return FALSE;
}

void
vitrine_machine_window_update_capture (VitrineMachineWindow *self)
{
  gboolean alive = vitrine_machine_window_is_alive (self);
  g_auto(GStrv) macs = alive ? vitrine_backend_list_cards (self->backend) : g_new0 (char *, 1);
  gboolean on = is_captured (self, macs);

  vitrine_machine_window_enable (self, "capture", macs[0] != NULL);
  vitrine_machine_window_enable (self, "stop-capture", on);
  if (!on)
    g_clear_pointer (&self->capture_name, g_free);
  fill_menu (self, macs, on);
  show_button (self, on);
}

/* --- Actions -------------------------------------------------------------------------------------------------------- */

static void
file_chosen (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineWindow) self = data;
  g_autoptr(GError) error = NULL;
  int fd;
  g_autofree char *path = vitrine_outside_choose_finish (result, &fd, &error);

  if (path != NULL && vitrine_machine_window_is_alive (self))
    {
      if (vitrine_backend_capture (self->backend, self->capture_card, fd, &error))
        {
          g_free (self->capture_name);
          self->capture_name = g_filename_display_basename (path);
        }
    }
  else if (fd >= 0)
    close (fd);
  vitrine_machine_window_show_result (self, error == NULL, error);
}

void
vitrine_machine_window_capture (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;
  g_autofree char *name = vitrine_machine_window_propose_name (self, "pcap");

  self->capture_card = g_variant_get_uint32 (parameter);
  vitrine_machine_window_choose_file (self, VITRINE_OUTSIDE_CAPTURE, name, file_chosen);
}

/* All of them; what could not be written of one is told. */
void
vitrine_machine_window_stop_capture (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *self = data;
  g_auto(GStrv) macs = vitrine_backend_list_cards (self->backend);
  g_autofree char *name = g_steal_pointer (&self->capture_name);
  g_autoptr(GError) error = NULL;

  /* The menu changes, and would not close by itself without the point that was chosen. */
  gtk_popover_popdown (GTK_POPOVER (gtk_menu_button_get_popover (GTK_MENU_BUTTON (self->menu_button))));
  for (guint i = 0; macs[i] != NULL; i++)
    if (vitrine_backend_is_captured (self->backend, i))
      vitrine_backend_capture (self->backend, i, -1, error == NULL ? &error : NULL);
  vitrine_machine_window_show_result (self, error == NULL, error);
  if (error != NULL || name == NULL)
    return;
  g_autofree char *words = g_markup_printf_escaped (_("Saved as “%s”."), name);
  vitrine_machine_window_show_hint (self, words);
}
