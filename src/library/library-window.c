/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The library: every machine as a card. */
#include "library-window.h"

#include <glib/gi18n.h>

#include "add-host-dialog.h"
#include "host-section.h"
#include "clone-dialog.h"
#include "import-dialog.h"
#include "machine-card.h"
#include "machine-settings.h"
#include "move-window.h"
#include "new-machine.h"
#include "notice.h"
#include "snapshots-dialog.h"
#include "undo-bar.h"

struct _VitrineLibraryWindow
{
  HdyApplicationWindow parent_instance;

  GtkWidget      *pages, *grid, *search_bar, *search_entry, *notice_slot, *menu_button;
  GtkWidget      *overlay, *undo_bar, *local_title, *sections, *spinner;

  VitrineLibrary *library;
  VitrineHosts   *hosts;
  GSettings      *settings;
  gboolean        loaded;
  char           *deleted;        /* UUID that can still be brought back */
  VitrineHost    *removed;        /* the same */
};

G_DEFINE_FINAL_TYPE (VitrineLibraryWindow, vitrine_library_window, HDY_TYPE_APPLICATION_WINDOW)

static void
show_error (VitrineLibraryWindow *self, const char *message)
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

/* --- undo ------------------------------------------------------------------------------------------------------- */

static void
purged (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineLibraryWindow) self = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_library_purge_finish (VITRINE_LIBRARY (source), result, &error))
    g_message ("A deleted machine’s folder stays: %s", error->message);
}

/* Not when the person has added it anew: its kept password is that one's then. */
static void
forget_removed (VitrineLibraryWindow *self)
{
  if (self->removed != NULL && vitrine_hosts_find (self->hosts, vitrine_host_get_uri (self->removed), NULL) == NULL)
    vitrine_hosts_forget (self->removed);
  g_clear_object (&self->removed);
}

static void
too_late (VitrineLibraryWindow *self)
{
  if (self->deleted != NULL)
    vitrine_library_purge_async (self->library, self->deleted, purged, g_object_ref (self));
  g_clear_pointer (&self->deleted, g_free);
  forget_removed (self);
}

static void
undo (VitrineLibraryWindow *self)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *uuid = g_steal_pointer (&self->deleted);
  g_autoptr(VitrineHost) host = g_steal_pointer (&self->removed);

  if (host != NULL && !vitrine_hosts_put_back (self->hosts, host, &error))
    {
      show_error (self, error->message);
      return;
    }

  if (uuid != NULL && !vitrine_library_undelete (self->library, uuid, &error))
    show_error (self, error->message);
}

static void
delete_machine (VitrineLibraryWindow *self, VitrineMachine *machine)
{
  g_autofree char *uuid = g_strdup (vitrine_machine_get_uuid (machine));
  g_autofree char *words = g_strdup_printf (_("“%s” deleted"), vitrine_machine_get_title (machine));
  g_autoptr(GError) error = NULL;

  vitrine_undo_bar_end (VITRINE_UNDO_BAR (self->undo_bar));
  if (!vitrine_library_delete (self->library, machine, &error))
    {
      show_error (self, error->message);
      return;
    }
  self->deleted = g_steal_pointer (&uuid);
  vitrine_undo_bar_show (VITRINE_UNDO_BAR (self->undo_bar), words);
}

/* --- hosts ------------------------------------------------------------------------------------------------------ */

static void
remove_host (VitrineLibraryWindow *self, VitrineHostSection *section)
{
  g_autoptr(VitrineHost) host = g_object_ref (vitrine_host_section_get_host (section));
  g_autofree char *words = g_strdup_printf (_("“%s” removed"), vitrine_host_get_name (host));
  g_autoptr(GError) error = NULL;

  vitrine_undo_bar_end (VITRINE_UNDO_BAR (self->undo_bar));
  if (!vitrine_hosts_remove (self->hosts, host, &error))
    {
      show_error (self, error->message);
      return;
    }
  self->removed = g_steal_pointer (&host);
  vitrine_undo_bar_show (VITRINE_UNDO_BAR (self->undo_bar), words);
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

  g_signal_connect_object (section, "error", G_CALLBACK (show_error), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (section, "bring", G_CALLBACK (bring_guest), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (section, "migrate", G_CALLBACK (migrate_guest), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (section, "remove-host", G_CALLBACK (remove_host), self, G_CONNECT_SWAPPED);
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

/* --- crashes ---------------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineLibraryWindow *window;
  VitrineMachine       *machine;
} Crash;

static void
restart_crashed (gpointer data)
{
  Crash *crash = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_machine_start (crash->machine, &error))
    show_error (crash->window, error->message);
}

static void
show_crash (VitrineLibraryWindow *self, VitrineMachine *machine)
{
  static const VitrineNoticeButton buttons[] = { { N_("_Restart"), restart_crashed, NULL }, { NULL } };
  g_autofree char *words = g_strdup_printf ("“%s”: %s", vitrine_machine_get_title (machine),
                                            vitrine_machine_get_message (machine));
  Crash *crash = g_new0 (Crash, 1);

  crash->window = self;
  crash->machine = g_object_ref (machine);
  g_object_set_data_full (G_OBJECT (self), "vitrine-crash", crash, g_free);
  g_object_set_data_full (G_OBJECT (self), "vitrine-crashed-machine", crash->machine, g_object_unref);
  vitrine_notice_show_with (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, words, buttons, crash);
}

static void
state_changed (VitrineLibraryWindow *self, GParamSpec *pspec, VitrineMachine *machine)
{
  if (vitrine_machine_get_state (machine) == VITRINE_STATE_CRASHED)
    show_crash (self, machine);
}

/* --- cards ------------------------------------------------------------------------------------------------------ */

/* It runs on the host: undone as any deletion. */
static void
remove_moved (VitrineMachine *machine, gpointer data)
{
  delete_machine (data, machine);
}

static void
move_machine (VitrineLibraryWindow *self, VitrineMachine *machine)
{
  VitrineMove *move = vitrine_move_new_to_host (machine);

  gtk_window_present (GTK_WINDOW (vitrine_move_window_new (GTK_WINDOW (self), move, self->hosts, remove_moved, self)));
}

static void
show_settings (VitrineLibraryWindow *self, VitrineMachine *machine)
{
  GtkWidget *settings = vitrine_machine_settings_new (GTK_WINDOW (self), self->library, machine);

  g_signal_connect_object (settings, "move", G_CALLBACK (move_machine), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (settings));
}

static VitrineMachine *
card_machine (VitrineMachineCard *card)
{
  return VITRINE_MACHINE (vitrine_machine_card_get_guest (card));   /* this grid has no others */
}

static void
card_snapshots (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  gtk_window_present (GTK_WINDOW (vitrine_snapshots_dialog_new (GTK_WINDOW (self), card_machine (card))));
}

static void
card_clone (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  vitrine_clone_dialog_run (GTK_WINDOW (self), self->library, card_machine (card));
}

static void
card_move (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  move_machine (self, card_machine (card));
}

static void
card_settings (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  show_settings (self, card_machine (card));
}

static void
card_log (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  g_autofree char *path = vitrine_machine_get_log_path (card_machine (card));
  g_autofree char *uri = g_filename_to_uri (path, NULL, NULL);
  g_autoptr(GError) error = NULL;

  if (gtk_show_uri_on_window (GTK_WINDOW (self), uri, gtk_get_current_event_time (), &error))
    return;
  g_autofree char *words = g_strdup_printf (_("The log cannot be shown (%s). It is the file “%s”."), error->message, path);
  show_error (self, words);
}

typedef struct
{
  VitrineLibraryWindow *window;
  VitrineMachine       *machine;
} Deletion;

static gboolean
delete_now (gpointer data)
{
  Deletion *deletion = data;

  if (deletion->window->library != NULL)
    delete_machine (deletion->window, deletion->machine);
  g_object_unref (deletion->window);
  g_object_unref (deletion->machine);
  g_free (deletion);
  return G_SOURCE_REMOVE;
}

/* Later: the card must not go while it still handles the key or the menu that asked for it. */
static void
card_delete (VitrineLibraryWindow *self, VitrineMachineCard *card)
{
  Deletion *deletion = g_new0 (Deletion, 1);

  deletion->window = g_object_ref (self);
  deletion->machine = g_object_ref (card_machine (card));
  g_idle_add (delete_now, deletion);
}

static GtkWidget *
new_card (gpointer item, gpointer data)
{
  VitrineLibraryWindow *self = data;
  GtkWidget *card = vitrine_machine_card_new (item);

  g_signal_connect_object (card, "error", G_CALLBACK (show_error), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "snapshots", G_CALLBACK (card_snapshots), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "clone", G_CALLBACK (card_clone), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "move", G_CALLBACK (card_move), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "settings", G_CALLBACK (card_settings), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "log", G_CALLBACK (card_log), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (card, "delete", G_CALLBACK (card_delete), self, G_CONNECT_SWAPPED);
  g_signal_handlers_disconnect_by_func (item, state_changed, self);   /* a card may be made anew for the same machine */
  g_signal_connect_object (item, "notify::state", G_CALLBACK (state_changed), self, G_CONNECT_SWAPPED);
  return card;
}

static void
card_activated (VitrineLibraryWindow *self, GtkFlowBoxChild *child)
{
  vitrine_machine_card_open (VITRINE_MACHINE_CARD (child));
}

static void
loaded (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineLibraryWindow) self = data;
  g_autoptr(GError) error = NULL;

  self->loaded = TRUE;
  if (!vitrine_library_load_finish (VITRINE_LIBRARY (source), result, &error))
    show_error (self, error->message);
  vitrine_library_purge_async (self->library, NULL, purged, g_object_ref (self));   /* what an earlier run left */
  update_page (self);
}

/* --- actions ---------------------------------------------------------------------------------------------------- */

void
vitrine_library_window_new_machine (VitrineLibraryWindow *self)
{
  gtk_window_present (GTK_WINDOW (vitrine_new_machine_new (GTK_WINDOW (self), self->library, NULL)));
}

void
vitrine_library_window_new_machine_from (VitrineLibraryWindow *self, GFile *file)
{
  g_autofree char *path = g_file_get_path (file);

  gtk_window_present (GTK_WINDOW (vitrine_new_machine_new (GTK_WINDOW (self), self->library, path)));
}

static void
show_notes (VitrineLibraryWindow *self, const char *message, char **notes)
{
  g_autofree char *text = g_strjoinv ("\n", notes);

  if (*text != '\0')
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_INFO, message, text);
}

static void
import_definition (VitrineLibraryWindow *self, const char *path)
{
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_file (path, &error);

  if (domain == NULL || vitrine_library_add (self->library, domain, &error) == NULL)
    {
      show_error (self, error->message);
      return;
    }
  g_auto(GStrv) missing = vitrine_domain_list_missing (domain);
  show_notes (self, _("Imported. The machine goes without some devices:"), missing);
}

/* The new machine's settings come up: what another program said is where most people want to look next. */
static void
imported (VitrineDomain *domain, char **notes, const GError *problem, gpointer data)
{
  VitrineLibraryWindow *self = data;
  g_autoptr(GError) error = NULL;

  if (domain == NULL)
    {
      if (problem != NULL)
        show_error (self, problem->message);
      return;
    }
  VitrineMachine *machine = vitrine_import_add (self->library, domain, FALSE, &error);
  if (machine == NULL)
    {
      show_error (self, error->message);
      return;
    }
  show_notes (self, _("Imported. Some hardware is another here:"), notes);
  show_settings (self, machine);
}

static void
import_file (VitrineLibraryWindow *self, const char *path)
{
  if (vitrine_import_dialog_takes (path))
    vitrine_import_dialog_run (GTK_WINDOW (self), path, imported, self);
  else
    import_definition (self, path);
}

/* A file from the desktop: a machine, or something to install one from. */
static void
dropped (VitrineLibraryWindow *self, GdkDragContext *context, int x, int y, GtkSelectionData *selection, guint info, guint time)
{
  g_auto(GStrv) uris = gtk_selection_data_get_uris (selection);
  g_autoptr(GFile) file = uris != NULL && uris[0] != NULL ? g_file_new_for_uri (uris[0]) : NULL;
  g_autofree char *path = file != NULL ? g_file_get_path (file) : NULL;

  if (path != NULL && (vitrine_import_dialog_takes (path) || g_str_has_suffix (path, ".xml")))
    import_file (self, path);
  else if (path != NULL)
    vitrine_library_window_new_machine_from (self, file);
}

static void
import_chosen (GtkNativeDialog *dialog, int response, gpointer data)
{
  g_autofree char *path = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog));

  if (response == GTK_RESPONSE_ACCEPT && path != NULL)
    import_file (data, path);
  g_object_unref (dialog);
}

static void
action_import (GSimpleAction *action, GVariant *parameter, gpointer data)
{
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (_("Import a Machine"), GTK_WINDOW (data),
                                                              GTK_FILE_CHOOSER_ACTION_OPEN, _("_Import"), _("_Cancel"));
  GtkFileFilter *filter = gtk_file_filter_new ();

  gtk_file_filter_set_name (filter, _("Machines, disks and definitions"));
  for (guint i = 0; vitrine_import_suffixes[i] != NULL; i++)
    {
      g_autofree char *pattern = g_strconcat ("*", vitrine_import_suffixes[i], NULL);
      gtk_file_filter_add_pattern (filter, pattern);
    }
  gtk_file_filter_add_pattern (filter, "*.xml");
  gtk_file_chooser_add_filter (GTK_FILE_CHOOSER (dialog), filter);
  g_signal_connect (dialog, "response", G_CALLBACK (import_chosen), data);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
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
  { "import", action_import },
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
  g_autoptr(GError) error = NULL;

  remember_size (self);
  if (self->deleted != NULL && !vitrine_library_purge (self->library, self->deleted, &error))
    g_message ("A deleted machine’s folder stays: %s", error->message);
  g_clear_pointer (&self->deleted, g_free);
  forget_removed (self);
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
vitrine_library_window_init (VitrineLibraryWindow *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_action_map_add_action_entries (G_ACTION_MAP (self), actions, G_N_ELEMENTS (actions), self);
  hdy_search_bar_connect_entry (HDY_SEARCH_BAR (self->search_bar), GTK_ENTRY (self->search_entry));
  g_signal_connect_swapped (self->search_entry, "search-changed", G_CALLBACK (update_page), self);
  g_signal_connect_swapped (self->search_bar, "notify::search-mode-enabled", G_CALLBACK (update_page), self);
  g_signal_connect_swapped (self->grid, "child-activated", G_CALLBACK (card_activated), self);
  self->undo_bar = vitrine_undo_bar_add_to (GTK_OVERLAY (self->overlay));
  g_signal_connect_object (self->undo_bar, "undo", G_CALLBACK (undo), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (self->undo_bar, "gone", G_CALLBACK (too_late), self, G_CONNECT_SWAPPED);
  gtk_drag_dest_set (GTK_WIDGET (self), GTK_DEST_DEFAULT_ALL, NULL, 0, GDK_ACTION_COPY);
  gtk_drag_dest_add_uri_targets (GTK_WIDGET (self));
  g_signal_connect (self, "drag-data-received", G_CALLBACK (dropped), NULL);
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
  gtk_flow_box_bind_model (GTK_FLOW_BOX (self->grid), G_LIST_MODEL (library), new_card, self, NULL);
  g_signal_connect_swapped (library, "items-changed", G_CALLBACK (update_page), self);
  g_signal_connect_swapped (hosts, "items-changed", G_CALLBACK (hosts_changed), self);
  hosts_changed (self, 0, 0, vitrine_hosts_get_size (hosts));
  vitrine_library_load_async (library, loaded, g_object_ref (self));
  return self;
}
