/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "spice-extras.h"

#include <glib/gi18n.h>
#include <spice-client-gtk.h>

#include "page-window.h"
#include "spice-screen.h"

#define USB_WIDTH 420
#define USB_HEIGHT 320

struct VitrineSpiceExtras
{
  VitrineMachineWindow *window;
  VitrineSpiceScreen   *screen;
  GCancellable         *cancellable;   /* files on their way */
};

/* --- USB devices ------------------------------------------------------------------------------------------------ */

static void
usb_failed (SpiceUsbDeviceWidget *widget, SpiceUsbDevice *device, GError *error, gpointer window)
{
  vitrine_machine_window_show_error (window, error->message);
}

static void
action_usb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineSpiceExtras *self = data;
  GtkWidget *page = spice_usb_device_widget_new (vitrine_spice_screen_get_session (self->screen), NULL);

  g_object_set (page, "margin", 18, NULL);
  g_signal_connect_object (page, "connect-failed", G_CALLBACK (usb_failed), self->window, 0);
  gtk_widget_show_all (page);
  gtk_window_present (GTK_WINDOW (vitrine_page_window_new (GTK_WINDOW (self->window), _("USB Devices for the Machine"),
                                                           page, USB_WIDTH, USB_HEIGHT)));
}

static const GActionEntry actions[] = { { "usb-devices", action_usb } };

void
vitrine_spice_extras_add_to_menu (VitrineSpiceExtras *self, GMenu *menu)
{
  g_menu_append (menu, _("_USB Devices…"), "win.usb-devices");
}

/* --- files ------------------------------------------------------------------------------------------------------ */

static void
files_sent (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineWindow) window = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_spice_screen_send_files_finish (result, &error)
      && !g_error_matches (error, G_IO_ERROR, G_IO_ERROR_CANCELLED) && !gtk_widget_in_destruction (GTK_WIDGET (window)))
    vitrine_machine_window_show_error (window, error->message);
}

static void
dropped (GtkWidget *widget, GdkDragContext *context, int x, int y, GtkSelectionData *selection, guint info, guint time,
         gpointer data)
{
  VitrineSpiceExtras *self = data;
  g_auto(GStrv) uris = gtk_selection_data_get_uris (selection);
  g_autoptr(GPtrArray) files = g_ptr_array_new_with_free_func (g_object_unref);

  for (guint i = 0; uris != NULL && uris[i] != NULL; i++)
    g_ptr_array_add (files, g_file_new_for_uri (uris[i]));
  if (files->len == 0)
    return;
  g_ptr_array_add (files, NULL);
  vitrine_spice_screen_send_files_async (self->screen, (GFile **) files->pdata, self->cancellable, files_sent,
                                         g_object_ref (self->window));
}

/* --- clipboard -------------------------------------------------------------------------------------------------- */

/* What is copied here is the guest's business only while its window is the one that a person works in; what was copied
 * before comes with it. */
static void
share_clipboard (VitrineSpiceExtras *self, gboolean share)
{
  SpiceGtkSession *session = spice_gtk_session_get (vitrine_spice_screen_get_session (self->screen));
  GtkClipboard *clipboard = gtk_widget_get_clipboard (GTK_WIDGET (self->window), GDK_SELECTION_CLIPBOARD);

  g_object_set (session, "auto-clipboard", share, NULL);
  if (share && gtk_clipboard_get_owner (clipboard) != G_OBJECT (session))   /* the guest has its own */
    spice_gtk_session_copy_to_guest (session);
}

static void
activity_changed (VitrineSpiceExtras *self)
{
  share_clipboard (self, gtk_window_is_active (GTK_WINDOW (self->window)));
}

/* --- object ----------------------------------------------------------------------------------------------------- */

VitrineSpiceExtras *
vitrine_spice_extras_new (VitrineMachineWindow *window, VitrineRemoteScreen *screen)
{
  if (!VITRINE_IS_SPICE_SCREEN (screen))
    return NULL;
  VitrineSpiceExtras *self = g_new0 (VitrineSpiceExtras, 1);
  self->window = window;
  self->screen = VITRINE_SPICE_SCREEN (g_object_ref (screen));
  self->cancellable = g_cancellable_new ();
  activity_changed (self);
  g_signal_connect_swapped (window, "notify::is-active", G_CALLBACK (activity_changed), self);
  g_action_map_add_action_entries (G_ACTION_MAP (window), actions, G_N_ELEMENTS (actions), self);
  gtk_drag_dest_set (GTK_WIDGET (window), GTK_DEST_DEFAULT_ALL, NULL, 0, GDK_ACTION_COPY);
  gtk_drag_dest_add_uri_targets (GTK_WIDGET (window));
  g_signal_connect (window, "drag-data-received", G_CALLBACK (dropped), self);
  return self;
}

void
vitrine_spice_extras_free (VitrineSpiceExtras *self)
{
  g_cancellable_cancel (self->cancellable);
  g_object_unref (self->cancellable);
  g_object_set (spice_gtk_session_get (vitrine_spice_screen_get_session (self->screen)), "auto-clipboard", FALSE, NULL);
  if (!gtk_widget_in_destruction (GTK_WIDGET (self->window)))
    {
      g_signal_handlers_disconnect_by_data (self->window, self);
      gtk_drag_dest_unset (GTK_WIDGET (self->window));
      g_action_map_remove_action (G_ACTION_MAP (self->window), "usb-devices");
    }
  g_object_unref (self->screen);
  g_free (self);
}
