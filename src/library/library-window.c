/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library: every machine as a card. */
#include "library-window-private.h"

#include "add-host-dialog.h"
#include "host-section.h"
#include "machine-card.h"
#include "move-window.h"
#include "new-machine.h"
#include "notice.h"

G_DEFINE_FINAL_TYPE (VitrineLibraryWindow, vitrine_library_window, HDY_TYPE_APPLICATION_WINDOW)

void
vitrine_library_window_show_error (VitrineLibraryWindow *self, const char *message)
{
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, message, NULL);
}

/* --- pages ------------------------------------------------------------------------------------------------------ */

/* What is searched for; NULL: nothing. */
static const char *
search_words (VitrineLibraryWindow *self)
{
  const char *words = gtk_entry_get_text (GTK_ENTRY (self->search_entry));

  return hdy_search_bar_get_search_mode (HDY_SEARCH_BAR (self->search_bar)) && *words != '\0' ? words : NULL;
}

/* A flow box with a model takes no filter function, so the cards themselves are shown and hidden. */
static guint
filter_local_cards (VitrineLibraryWindow *self, const char *words)
{
  GtkFlowBoxChild *child;
  guint shown = 0;

  for (int i = 0; (child = gtk_flow_box_get_child_at_index (GTK_FLOW_BOX (self->grid), i)) != NULL; i++)
    {
      gboolean show = words == NULL || vitrine_machine_card_matches (VITRINE_MACHINE_CARD (child), words);
      gtk_widget_set_visible (GTK_WIDGET (child), show);
      shown += show;
    }
  return shown;
}

static guint
filter_cards (VitrineLibraryWindow *self)
{
  const char *words = search_words (self);
  guint shown = filter_local_cards (self, words);

  gtk_widget_set_visible (self->grid, shown > 0);
  gtk_widget_set_visible (self->local_title, shown > 0 && vitrine_hosts_get_size (self->hosts) > 0);
  g_autoptr(GList) sections = gtk_container_get_children (GTK_CONTAINER (self->sections));
  for (GList *at = sections; at != NULL; at = at->next)
    shown += vitrine_host_section_filter (at->data, words) + (words == NULL);   /* a host without machines is something, too */
  return shown;
}

static void
update_page (VitrineLibraryWindow *self)
{
  const char *page = "grid";

  if (!self->loaded)
    page = "loading";
  else if (vitrine_library_get_size (self->library) == 0 && vitrine_hosts_get_size (self->hosts) == 0)
    page = "empty";
  else if (filter_cards (self) == 0)
    page = "nothing-found";
  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), page);
  g_object_set (self->spinner, "active", !self->loaded, NULL);   /* it turns unseen, too, and GTK styles all cards with each turn */
}

static void
loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineLibraryWindow) self = data;
  g_autoptr(GError) error = NULL;

  if (self->library == NULL)
    return;   /* closed meanwhile */
  self->loaded = TRUE;
  if (!vitrine_library_load_finish (VITRINE_LIBRARY (source), result, &error))
    vitrine_library_window_show_error (self, error->message);
  vitrine_library_window_purge (self, NULL);   /* what an earlier run left */
  update_page (self);
}

/* --- hosts ------------------------------------------------------------------------------------------------------ */

static void
remove_section (VitrineLibraryWindow *self, VitrineHostSection *section)
{
  vitrine_library_window_remove_host (self, vitrine_host_section_get_host (section));
}

static void
bring_guest (VitrineLibraryWindow *self, VitrineHostGuest *guest)
{
  VitrineMove *move = vitrine_move_new_to_here (guest, self->library);

  gtk_window_present (GTK_WINDOW (vitrine_move_window_new (GTK_WINDOW (self), move, self->hosts, NULL, NULL)));
}

static void
migrate_guest (VitrineLibraryWindow *self, VitrineHostGuest *guest)
{
  VitrineMove *move = vitrine_move_new_between (guest);

  gtk_window_present (GTK_WINDOW (vitrine_move_window_new (GTK_WINDOW (self), move, self->hosts, NULL, NULL)));
}

static void
add_section (VitrineLibraryWindow *self, VitrineHost *host, guint position)
{
  GtkWidget *section = vitrine_host_section_new (host);

  g_signal_connect_object (section, "error", G_CALLBACK (vitrine_library_window_show_error), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (section, "bring", G_CALLBACK (bring_guest), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (section, "migrate", G_CALLBACK (migrate_guest), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (section, "remove-host", G_CALLBACK (remove_section), self, G_CONNECT_SWAPPED);
  gtk_container_add (GTK_CONTAINER (self->sections), section);
  gtk_box_reorder_child (GTK_BOX (self->sections), section, (int) position);
  vitrine_host_connect (host);
}

static void
hosts_changed (VitrineLibraryWindow *self, guint position, guint removed, guint added)
{
  g_autoptr(GList) sections = gtk_container_get_children (GTK_CONTAINER (self->sections));

  for (guint i = 0; i < removed; i++)
    gtk_widget_destroy (g_list_nth_data (sections, position + i));
  for (guint i = 0; i < added; i++)
    add_section (self, vitrine_hosts_get (self->hosts, position + i), position + i);
  update_page (self);
}

/* --- actions ---------------------------------------------------------------------------------------------------- */

static void
show_new_machine (VitrineLibraryWindow *self, const char *path)
{
  GtkWidget *wizard = vitrine_new_machine_new (GTK_WINDOW (self), self->library, path);

  g_signal_connect_object (wizard, "error", G_CALLBACK (vitrine_library_window_show_error), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (wizard));
}

void
vitrine_library_window_new_machine (VitrineLibraryWindow *self)
{
  show_new_machine (self, NULL);
}

void
vitrine_library_window_new_machine_from (VitrineLibraryWindow *self, GFile *file)
{
  g_autofree char *path = g_file_get_path (file);

  show_new_machine (self, path);
}

static void
action_add_host (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  VitrineLibraryWindow *self = data;

  gtk_window_present (GTK_WINDOW (vitrine_add_host_dialog_new (GTK_WINDOW (self), self->hosts)));
}

static void
action_search (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  HdySearchBar *bar = HDY_SEARCH_BAR (VITRINE_LIBRARY_WINDOW (data)->search_bar);

  hdy_search_bar_set_search_mode (bar, !hdy_search_bar_get_search_mode (bar));
}

static void
action_menu (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  gtk_button_clicked (GTK_BUTTON (VITRINE_LIBRARY_WINDOW (data)->menu_button));
}

static void
action_close (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  gtk_window_close (GTK_WINDOW (data));
}

static const GActionEntry actions[] = {
  { "import", vitrine_library_window_import },
  { "add-host", action_add_host },
  { "search", action_search },
  { "menu", action_menu },
  { "close", action_close },
};

/* --- object ----------------------------------------------------------------------------------------------------- */

static gboolean
vitrine_library_window_key (GtkWidget *widget, GdkEventKey *event)
{
  VitrineLibraryWindow *self = VITRINE_LIBRARY_WINDOW (widget);

  if (GTK_WIDGET_CLASS (vitrine_library_window_parent_class)->key_press_event (widget, event))
    return GDK_EVENT_STOP;
  return hdy_search_bar_handle_event (HDY_SEARCH_BAR (self->search_bar), (GdkEvent *) event);   /* type to search */
}

static void
remember_size (VitrineLibraryWindow *self)
{
  int width, height;

  if (self->settings == NULL)
    return;
  gtk_window_get_size (GTK_WINDOW (self), &width, &height);
  g_settings_set_boolean (self->settings, "library-maximized", gtk_window_is_maximized (GTK_WINDOW (self)));
  if (!gtk_window_is_maximized (GTK_WINDOW (self)))
    g_settings_set (self->settings, "library-size", "(ii)", width, height);
}

static gboolean
vitrine_library_window_delete (GtkWidget *widget, GdkEventAny *event)
{
  VitrineLibraryWindow *self = VITRINE_LIBRARY_WINDOW (widget);

  remember_size (self);
  vitrine_library_window_end_undo (self);
  return GDK_EVENT_PROPAGATE;
}

static void
vitrine_library_window_dispose (GObject *object)
{
  VitrineLibraryWindow *self = VITRINE_LIBRARY_WINDOW (object);

  if (self->library != NULL)
    g_signal_handlers_disconnect_by_data (self->library, self);
  g_clear_object (&self->library);
  if (self->hosts != NULL)
    g_signal_handlers_disconnect_by_data (self->hosts, self);
  g_clear_object (&self->hosts);
  g_clear_object (&self->removed);
  g_clear_object (&self->settings);
  g_clear_pointer (&self->deleted, g_free);
  G_OBJECT_CLASS (vitrine_library_window_parent_class)->dispose (object);
}

static void
vitrine_library_window_class_init (VitrineLibraryWindowClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_library_window_dispose;
  widget_class->key_press_event = vitrine_library_window_key;
  widget_class->delete_event = vitrine_library_window_delete;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/library/library-window.ui");
  gtk_widget_class_bind_template_child (widget_class, VitrineLibraryWindow, pages);
  gtk_widget_class_bind_template_child (widget_class, VitrineLibraryWindow, grid);
  gtk_widget_class_bind_template_child (widget_class, VitrineLibraryWindow, search_bar);
  gtk_widget_class_bind_template_child (widget_class, VitrineLibraryWindow, search_entry);
  gtk_widget_class_bind_template_child (widget_class, VitrineLibraryWindow, notice_slot);
  gtk_widget_class_bind_template_child (widget_class, VitrineLibraryWindow, menu_button);
  gtk_widget_class_bind_template_child (widget_class, VitrineLibraryWindow, overlay);
  gtk_widget_class_bind_template_child (widget_class, VitrineLibraryWindow, local_title);
  gtk_widget_class_bind_template_child (widget_class, VitrineLibraryWindow, sections);
  gtk_widget_class_bind_template_child (widget_class, VitrineLibraryWindow, spinner);
}

static void
card_activated (VitrineLibraryWindow *self, GtkFlowBoxChild *child)
{
  vitrine_machine_card_open (VITRINE_MACHINE_CARD (child));
}

static void
vitrine_library_window_init (VitrineLibraryWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  hdy_search_bar_connect_entry (HDY_SEARCH_BAR (self->search_bar), GTK_ENTRY (self->search_entry));
  g_signal_connect_swapped (self->search_entry, "search-changed", G_CALLBACK (update_page), self);
  g_signal_connect_swapped (self->search_bar, "notify::search-mode-enabled", G_CALLBACK (update_page), self);
  g_signal_connect_swapped (self->grid, "child-activated", G_CALLBACK (card_activated), self);
  vitrine_library_window_add_undo_bar (self);
  vitrine_library_window_take_drops (self);
}

static void
add_setting_actions (VitrineLibraryWindow *self)
{
  static const char *const keys[] = { "color-scheme", "grab-shortcuts" };

  for (guint i = 0; i < G_N_ELEMENTS (keys); i++)
    {
      g_autoptr(GAction) action = g_settings_create_action (self->settings, keys[i]);
      g_action_map_add_action (G_ACTION_MAP (self), action);
    }
}

VitrineLibraryWindow *
vitrine_library_window_new (GtkApplication *application, VitrineLibrary *library, VitrineHosts *hosts, GSettings *settings)
{
  VitrineLibraryWindow *self = g_object_new (VITRINE_TYPE_LIBRARY_WINDOW, "application", application, NULL);
  int width, height;

  self->library = g_object_ref (library);
  self->hosts = g_object_ref (hosts);
  self->settings = g_object_ref (settings);
  add_setting_actions (self);
  g_settings_get (settings, "library-size", "(ii)", &width, &height);
  gtk_window_set_default_size (GTK_WINDOW (self), width, height);
  if (g_settings_get_boolean (settings, "library-maximized"))
    gtk_window_maximize (GTK_WINDOW (self));
  gtk_flow_box_bind_model (GTK_FLOW_BOX (self->grid), G_LIST_MODEL (library), vitrine_library_window_new_card, self, NULL);
  g_signal_connect_swapped (library, "items-changed", G_CALLBACK (update_page), self);
  g_signal_connect_swapped (hosts, "items-changed", G_CALLBACK (hosts_changed), self);
  hosts_changed (self, 0, 0, vitrine_hosts_get_size (hosts));
  vitrine_library_load_async (library, loaded, g_object_ref (self));
  return self;
}
