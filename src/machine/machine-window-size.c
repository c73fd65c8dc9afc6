/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine window's size, and what changes when it fills the screen. */
#include <glib/gi18n.h>

#include "machine-window-private.h"

#define FULLSCREEN_HIDE_MS 1500
#define REVEAL_EDGE 3   /* pixels from the top that bring the header back */

/* --- size ------------------------------------------------------------------------------------------------------- */

/* The window at which a guest pixel is a whole number of device pixels: scale-factor many, so that a HiDPI screen shows the
 * guest at a readable size, and sharp. */
void
vitrine_machine_window_resize_to_screen (VitrineMachineWindow *self)
{
  guint width, height;
  GtkRequisition request;
  GdkRectangle area;
  GdkWindow *window = gtk_widget_get_window (GTK_WIDGET (self));

  vitrine_screen_get_guest_size (self->screen, &width, &height);
  if (width == 0 || window == NULL || self->fullscreen || gtk_window_is_maximized (GTK_WINDOW (self)))
    return;
  gdk_monitor_get_workarea (gdk_display_get_monitor_at_window (gdk_window_get_display (window), window), &area);
  gtk_widget_get_preferred_size (self->header, &request, NULL);
  if ((int) width > area.width || (int) height + request.height > area.height)
    {
      gtk_window_resize (GTK_WINDOW (self), area.width * 9 / 10, area.height * 9 / 10);
      return;
    }
  gtk_window_resize (GTK_WINDOW (self), MAX ((int) width, request.width), (int) height + request.height);
}

void
vitrine_machine_window_guest_resized (VitrineMachineWindow *self)
{
  /* Guests change modes several times while booting; after the first, follow only what a person could want. */
  if (!self->sized || g_settings_get_boolean (self->settings, "follow-guest-size"))
    vitrine_machine_window_resize_to_screen (self);
  self->sized = TRUE;
}

void
vitrine_machine_window_apply_scaling (VitrineMachineWindow *self, const char *name)
{
  gboolean pixels = g_strcmp0 (name, "pixels") == 0;
  GtkPolicyType policy = pixels ? GTK_POLICY_AUTOMATIC : GTK_POLICY_NEVER;

  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (self->scroller), policy, policy);
  vitrine_screen_set_scaling (self->screen, pixels ? VITRINE_SCALING_PIXELS : VITRINE_SCALING_FIT);
}

/* --- fullscreen ------------------------------------------------------------------------------------------------- */

static gboolean
hide_header (gpointer data)
{
  VitrineMachineWindow *self = data;
  GtkWidget *focus = gtk_window_get_focus (GTK_WINDOW (self));
  gboolean in_use = gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->menu_button))
                    || gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->keys_button))
                    || gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->power_button))
                    || (focus != NULL && gtk_widget_is_ancestor (focus, self->header));

  if (in_use)
    return G_SOURCE_CONTINUE;
  self->hide_timeout = 0;
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->fullscreen_revealer), FALSE);
  return G_SOURCE_REMOVE;
}

void
vitrine_machine_window_reveal_header (VitrineMachineWindow *self)
{
  gtk_revealer_set_reveal_child (GTK_REVEALER (self->fullscreen_revealer), TRUE);
  g_clear_handle_id (&self->hide_timeout, g_source_remove);
  self->hide_timeout = g_timeout_add (FULLSCREEN_HIDE_MS, hide_header, self);
}

void
vitrine_machine_window_pointer_moved (VitrineMachineWindow *self, double x, double y)
{
  if (!self->fullscreen)
    return;
  gboolean shown = gtk_revealer_get_reveal_child (GTK_REVEALER (self->fullscreen_revealer));
  if (y <= REVEAL_EDGE || (shown && y <= gtk_widget_get_allocated_height (self->header)))
    vitrine_machine_window_reveal_header (self);
}

static void
move_header (VitrineMachineWindow *self, GtkWidget *from, GtkWidget *to)
{
  g_object_ref (self->header);
  gtk_container_remove (GTK_CONTAINER (from), self->header);
  gtk_container_add (GTK_CONTAINER (to), self->header);
  g_object_unref (self->header);
}

void
vitrine_machine_window_set_fullscreen (VitrineMachineWindow *self, gboolean fullscreen)
{
  if (fullscreen == self->fullscreen)
    return;
  self->fullscreen = fullscreen;
  move_header (self, fullscreen ? self->header_slot : self->fullscreen_slot,
               fullscreen ? self->fullscreen_slot : self->header_slot);
  hdy_header_bar_set_show_close_button (HDY_HEADER_BAR (self->header), !fullscreen);
  gtk_image_set_from_icon_name (GTK_IMAGE (self->fullscreen_image),
                                fullscreen ? "view-restore-symbolic" : "view-fullscreen-symbolic", GTK_ICON_SIZE_BUTTON);
  if (!fullscreen)
    {
      g_clear_handle_id (&self->hide_timeout, g_source_remove);
      return;
    }
  vitrine_machine_window_reveal_header (self);
  vitrine_machine_window_show_hint (
    self, _("Move the pointer to the top edge for the controls. <b>Ctrl+Alt</b> gets keys and pointer back."));
}
