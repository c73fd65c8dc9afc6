/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "usb-page.h"

#include <glib/gi18n.h>

#include "page-window.h"

#define WIDTH 480
#define HEIGHT 400

typedef struct
{
  VitrineUsbPlugs *plugs;
  GtkWidget       *stack, *list, *hint;
  GHashTable      *rows;       /* id -> row */
} Page;

/* --- Rows --------------------------------------------------------------------------------------------------------- */

static gboolean
set_wanted (GtkSwitch *button, gboolean on, gpointer data)
{
  Page *page = data;
  const char *id = g_object_get_data (G_OBJECT (button), "id");

  if (on)
    vitrine_usb_plugs_plug (page->plugs, id);
  else
    vitrine_usb_plugs_unplug (page->plugs, id);
  return TRUE;     /* the state is the device's, not the switch's */
}

static GtkWidget *
new_row (Page *page, const VitrineUsbDevice *device)
{
  GtkWidget *row = hdy_action_row_new (), *button = gtk_switch_new ();
  g_autofree char *title = g_markup_escape_text (device->name, -1);

  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), title);
  hdy_action_row_set_subtitle_lines (HDY_ACTION_ROW (row), 4);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_container_add (GTK_CONTAINER (row), button);
  hdy_action_row_set_activatable_widget (HDY_ACTION_ROW (row), button);
  gtk_list_box_row_set_selectable (GTK_LIST_BOX_ROW (row), FALSE);
  atk_object_set_name (gtk_widget_get_accessible (row), device->name);
  atk_object_set_name (gtk_widget_get_accessible (button), device->name);
  g_object_set_data_full (G_OBJECT (button), "id", g_strdup (device->id), g_free);
  g_object_set_data (G_OBJECT (row), "button", button);
  g_signal_connect (button, "state-set", G_CALLBACK (set_wanted), page);
  gtk_widget_show_all (row);
  return row;
}

static const char *
find_words (Page *page, const VitrineUsbDevice *device, VitrineUsbState state)
{
  const char *problem = vitrine_usb_plugs_get_problem (page->plugs, device->id);

  if (state == VITRINE_USB_PLUGGED)
    return _("The guest has it");
  if (state == VITRINE_USB_ASKED)
    return _("Being opened…");
  return problem != NULL ? problem : device->loss != NULL ? device->loss : "";
}

static void
update_row (Page *page, GtkWidget *row, const VitrineUsbDevice *device)
{
  GtkWidget *button = g_object_get_data (G_OBJECT (row), "button");
  VitrineUsbState state = vitrine_usb_plugs_get_state (page->plugs, device->id);
  const char *words = find_words (page, device, state);
  g_autofree char *subtitle = g_strdup_printf ("%s%s%04x:%04x", words, *words != '\0' ? "\n" : "", device->vendor, device->product);

  hdy_action_row_set_subtitle (HDY_ACTION_ROW (row), subtitle);
  atk_object_set_description (gtk_widget_get_accessible (button), subtitle);
  g_signal_handlers_block_by_func (button, set_wanted, page);
  gtk_switch_set_active (GTK_SWITCH (button), state != VITRINE_USB_FREE);
  gtk_switch_set_state (GTK_SWITCH (button), state == VITRINE_USB_PLUGGED);
  g_signal_handlers_unblock_by_func (button, set_wanted, page);
  gtk_widget_set_sensitive (row, state != VITRINE_USB_ASKED && vitrine_usb_plugs_get_backend (page->plugs) != NULL);
}

/* --- The list ----------------------------------------------------------------------------------------------------- */

static void
drop_old_rows (Page *page, const GPtrArray *devices)
{
  GHashTableIter iter;
  gpointer id, row;

  g_hash_table_iter_init (&iter, page->rows);
  while (g_hash_table_iter_next (&iter, &id, &row))
    {
      gboolean there = FALSE;
      for (guint i = 0; i < devices->len && !there; i++)
        there = g_str_equal (((const VitrineUsbDevice *) devices->pdata[i])->id, id);
      if (there)
        continue;
      gtk_widget_destroy (row);
      g_hash_table_iter_remove (&iter);
    }
}

static void
update_hint (Page *page)
{
  VitrineBackend *backend = vitrine_usb_plugs_get_backend (page->plugs);
  gboolean no_ports = backend != NULL && vitrine_backend_count_usb_ports (backend) == 0;

  gtk_label_set_label (GTK_LABEL (page->hint), no_ports ? _("This machine has no USB controller. Add a USB tablet to its hardware, and start it again.")
                                                        : _("What the guest has, this computer does not have."));
}

static void
update (Page *page)
{
  GPtrArray *devices = vitrine_usb_plugs_get_devices (page->plugs);

  drop_old_rows (page, devices);
  for (guint i = 0; i < devices->len; i++)
    {
      const VitrineUsbDevice *device = devices->pdata[i];
      GtkWidget *row = g_hash_table_lookup (page->rows, device->id);
      if (row == NULL)
        {
          row = new_row (page, device);
          g_hash_table_insert (page->rows, g_strdup (device->id), row);
          gtk_list_box_insert (GTK_LIST_BOX (page->list), row, (int) i);
        }
      update_row (page, row, device);
    }
  update_hint (page);
  gtk_stack_set_visible_child_name (GTK_STACK (page->stack), devices->len > 0 ? "list" : "none");
}

static void
free_page (gpointer data)
{
  Page *page = data;

  g_signal_handlers_disconnect_by_data (page->plugs, page);
  vitrine_usb_plugs_watch (page->plugs, FALSE);
  g_object_unref (page->plugs);
  g_hash_table_unref (page->rows);
  g_free (page);
}

/* A status page keeps its words from assistive technology. */
static GtkWidget *
new_empty_state (void)
{
  GtkWidget *page = hdy_status_page_new ();
  const char *words = _("There are no USB devices on this computer. One that is plugged in appears here.");

  hdy_status_page_set_icon_name (HDY_STATUS_PAGE (page), "drive-removable-media-symbolic");
  hdy_status_page_set_title (HDY_STATUS_PAGE (page), _("No USB Devices"));
  hdy_status_page_set_description (HDY_STATUS_PAGE (page), words);
  atk_object_set_name (gtk_widget_get_accessible (page), _("No USB Devices"));
  atk_object_set_description (gtk_widget_get_accessible (page), words);
  return page;
}

static GtkWidget *
new_list (Page *page)
{
  GtkWidget *box = gtk_box_new (GTK_ORIENTATION_VERTICAL, 12), *scroller = gtk_scrolled_window_new (NULL, NULL);

  page->hint = gtk_label_new (NULL);
  gtk_label_set_line_wrap (GTK_LABEL (page->hint), TRUE);
  gtk_label_set_xalign (GTK_LABEL (page->hint), 0);
  page->list = gtk_list_box_new ();
  gtk_style_context_add_class (gtk_widget_get_style_context (page->list), "content");
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (page->list), GTK_SELECTION_NONE);
  atk_object_set_name (gtk_widget_get_accessible (page->list), _("USB devices of this computer"));
  gtk_container_set_border_width (GTK_CONTAINER (box), 18);
  gtk_container_add (GTK_CONTAINER (box), page->hint);
  gtk_container_add (GTK_CONTAINER (box), page->list);
  gtk_scrolled_window_set_policy (GTK_SCROLLED_WINDOW (scroller), GTK_POLICY_NEVER, GTK_POLICY_AUTOMATIC);
  gtk_container_add (GTK_CONTAINER (scroller), box);
  return scroller;
}

GtkWidget *
vitrine_usb_page_new (VitrineUsbPlugs *plugs)
{
  Page *page = g_new0 (Page, 1);

  page->plugs = g_object_ref (plugs);
  page->rows = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  page->stack = gtk_stack_new ();
  gtk_stack_add_named (GTK_STACK (page->stack), new_list (page), "list");
  gtk_stack_add_named (GTK_STACK (page->stack), new_empty_state (), "none");
  gtk_widget_show_all (page->stack);
  g_object_set_data_full (G_OBJECT (page->stack), "page", page, free_page);
  vitrine_usb_plugs_watch (plugs, TRUE);
  g_signal_connect_swapped (plugs, "changed", G_CALLBACK (update), page);
  update (page);
  return page->stack;
}

/* --- In the window ------------------------------------------------------------------------------------------------ */

static void
action_usb (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineMachineWindow *window = data;
  VitrineUsbPlugs *plugs = g_object_get_data (G_OBJECT (window), "usb-plugs");

  gtk_window_present (GTK_WINDOW (vitrine_page_window_new (GTK_WINDOW (window), _("USB Devices for the Machine"),
                                                           vitrine_usb_page_new (plugs), WIDTH, HEIGHT)));
}

static void
say (VitrineMachineWindow *window, const char *sentence)
{
  if (!gtk_widget_in_destruction (GTK_WIDGET (window)))
    vitrine_machine_window_show_error (window, sentence);
}

void
vitrine_usb_page_add_to_window (VitrineMachineWindow *window, VitrineUsbPlugs *plugs)
{
  static const GActionEntry actions[] = { { "usb-devices", action_usb } };
  g_autoptr(GMenu) menu = g_menu_new ();

  g_object_set_data_full (G_OBJECT (window), "usb-plugs", g_object_ref (plugs), g_object_unref);
  g_action_map_add_action_entries (G_ACTION_MAP (window), actions, G_N_ELEMENTS (actions), window);
  g_menu_append (menu, _("_USB Devices…"), "win.usb-devices");
  vitrine_machine_window_set_extra_menu (window, G_MENU_MODEL (menu));
  g_signal_connect_object (plugs, "left", G_CALLBACK (say), window, G_CONNECT_SWAPPED);
  g_signal_connect_object (plugs, "failed", G_CALLBACK (say), window, G_CONNECT_SWAPPED);
}
