/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The machine window's size, and what changes when it fills the screen. */
#include <glib/gi18n.h>

#include "machine-window-private.h"

#define FULLSCREEN_HIDE_MS 1500
#define REVEAL_EDGE 3   /* pixels from the top that bring the header back */

/* --- size ------------------------------------------------------------------------------------------------------- */

/* Does the guest take the window's size, so that the window need not take the guest's? */
static gboolean
leads (VitrineMachineWindow *self)
{
  return self->resize_guest && self->backend != NULL && vitrine_backend_follows_monitor (self->backend);
}

static int
header_height (VitrineMachineWindow *self, int *width)
{
  GtkRequisition request;

  gtk_widget_get_preferred_size (self->header, &request, NULL);
  if (width != NULL)
    *width = request.width;
  return request.height;
}

static void
get_work_area (VitrineMachineWindow *self, GdkRectangle *area)
{
  GdkDisplay *display = gtk_widget_get_display (GTK_WIDGET (self));
  GdkWindow *window = gtk_widget_get_window (GTK_WIDGET (self));
  GdkMonitor *monitor = window != NULL ? gdk_display_get_monitor_at_window (display, window)
                                       : gdk_display_get_monitor (display, 0);

  if (monitor != NULL)
    gdk_monitor_get_workarea (monitor, area);
  else
    *area = (GdkRectangle) { 0, 0, VITRINE_SCREEN_WIDTH, VITRINE_SCREEN_HEIGHT };
}

/* For a screen of that size, in widget pixels; FALSE: the monitor is smaller, and the window takes most of it. */
static gboolean
window_size_for (VitrineMachineWindow *self, int *width, int *height)
{
  GdkRectangle area;
  int least, header = header_height (self, &least);

  get_work_area (self, &area);
  gboolean fits = *width <= area.width && *height + header <= area.height;
  if (!fits)
    {
      *width = MIN (*width, area.width * 9 / 10);
      *height = MIN (*height, area.height * 9 / 10 - header);
    }
  *width = MAX (*width, least);
  *height += header;
  return fits;
}

/* A guest that fills the window has the monitor's pixels, and its picture has their size. Others, firmware in text modes for
 * instance, know nothing of HiDPI: then a pixel of theirs is one of the widget's, readable and sharp. */
void
vitrine_machine_window_resize_to_screen (VitrineMachineWindow *self)
{
  g_autofree char *text = vitrine_screen_get_text (self->screen);
  int scale = leads (self) && text == NULL ? gtk_widget_get_scale_factor (GTK_WIDGET (self)) : 1;
  guint guest_width, guest_height;

  vitrine_screen_get_guest_size (self->screen, &guest_width, &guest_height);
  int width = ((int) guest_width + scale - 1) / scale, height = ((int) guest_height + scale - 1) / scale;
  if (width == 0 || self->fullscreen || gtk_window_is_maximized (GTK_WINDOW (self))
      || gtk_widget_get_window (GTK_WIDGET (self)) == NULL)
    return;
  window_size_for (self, &width, &height);
  gtk_window_resize (GTK_WINDOW (self), width, height);
}

void
vitrine_machine_window_guest_resized (VitrineMachineWindow *self)
{
  if (leads (self))
    return;
  /* Guests change modes several times while booting; after the first, follow only what a person could want. */
  if (!self->sized || g_settings_get_boolean (self->settings, "follow-guest-size"))
    vitrine_machine_window_resize_to_screen (self);
  self->sized = TRUE;
}

/* --- the guest's monitor ---------------------------------------------------------------------------------------- */

/* A notice takes room from the screen for a while: the guest is not bothered with that. */
void
vitrine_machine_window_update_follow (VitrineMachineWindow *self)
{
  g_autoptr(GList) notices = gtk_container_get_children (GTK_CONTAINER (self->notice_slot));

  vitrine_screen_set_follow (self->screen, self->resize_guest && notices == NULL);
}

void
vitrine_machine_window_settled (VitrineMachineWindow *self)
{
  int width, height;

  if (!leads (self) || self->fullscreen || gtk_window_is_maximized (GTK_WINDOW (self)))
    return;
  vitrine_screen_get_room (self->screen, &width, &height);
  vitrine_view_set_size (self->view, 0, width, height);
}

/* The definition's resolution, else what the window had last time, else a usual screen. Only for machines whose guest can follow:
 * windows of others take the size of what they show. */
void
vitrine_machine_window_begin_size (VitrineMachineWindow *self)
{
  g_autofree char *video = vitrine_domain_get_video (self->domain);
  int scale = gtk_widget_get_scale_factor (GTK_WIDGET (self)), width = VITRINE_SCREEN_WIDTH, height = VITRINE_SCREEN_HEIGHT;
  guint wished_width, wished_height;

  if (!self->resize_guest || g_strcmp0 (video, "virtio") != 0)
    return;
  vitrine_domain_get_resolution (self->domain, &wished_width, &wished_height);
  if (!vitrine_view_get_size (self->view, 0, &width, &height) && wished_width > 0 && wished_height > 0)
    {
      width = (int) wished_width / scale;
      height = (int) wished_height / scale;
    }
  window_size_for (self, &width, &height);
  gtk_window_set_default_size (GTK_WINDOW (self), width, height);
}

void
vitrine_machine_window_plug_in (VitrineMachineWindow *self, VitrineBackend *backend)
{
  guint scale = (guint) gtk_widget_get_scale_factor (GTK_WIDGET (self)), wished_width, wished_height;
  guint width = (guint) gtk_widget_get_allocated_width (self->pages) * scale;
  guint height = (guint) gtk_widget_get_allocated_height (self->pages) * scale;
  VitrineMonitor monitor;

  for (guint head = 1; head < vitrine_backend_get_n_heads (backend); head++)
    vitrine_backend_set_monitor (backend, head, NULL);
  vitrine_screen_begin_with (self->screen, NULL);
  if (!self->resize_guest || !vitrine_backend_follows_monitor (backend) || width <= scale || height <= scale)
    return;
  vitrine_domain_get_resolution (self->domain, &wished_width, &wished_height);
  gboolean wished = wished_width > 0 && wished_height > 0;
  vitrine_screen_describe_monitor (self->screen, wished ? wished_width : width, wished ? wished_height : height, &monitor);
  vitrine_backend_set_monitor (backend, 0, &monitor);
  if (monitor.width == width && monitor.height == height)
    vitrine_screen_begin_with (self->screen, &monitor);
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
