/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A shared folder: which one, its name in the guest, and what is typed there. */
#include <glib/gi18n.h>

#include "domain-folders.h"
#include "hardware-rows.h"
#include "rows.h"

#define LOOK_MS 200      /* while a path is typed */

typedef struct
{
  VitrineDomain *domain;
  guint          index;
  GtkWidget     *row, *folder, *name, *readonly, *command;
  GtkWidget     *icon, *warning;     /* shown when there is something to know */
  VitrineRowMode mode;
  VitrineFolderSight sight;          /* as it was last looked at */
  GCancellable  *looking;            /* NULL: nobody looks */
  guint          look_soon;          /* source id */
} FolderRow;

static void
stop_looking (FolderRow *self)
{
  g_clear_handle_id (&self->look_soon, g_source_remove);
  g_cancellable_cancel (self->looking);
  g_clear_object (&self->looking);
}

static void
folder_row_free (gpointer data)
{
  FolderRow *self = data;

  stop_looking (self);
  g_object_unref (self->domain);
  g_free (self);
}

/* As the widgets have it. */
static VitrineFolder *
dup_folder (FolderRow *self)
{
  VitrineFolder *folder = g_new0 (VitrineFolder, 1);

  folder->folder = vitrine_row_get_path (self->folder);
  folder->name = g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (self->name))));
  folder->readonly = gtk_switch_get_active (GTK_SWITCH (self->readonly));
  return folder;
}

/* --- What it says --------------------------------------------------------------------------------------------------- */

static void
set_words (FolderRow *self, const char *title, const char *words)
{
  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (self->row), title);
  hdy_expander_row_set_subtitle (HDY_EXPANDER_ROW (self->row), words);
  atk_object_set_name (gtk_widget_get_accessible (self->row), title);
  atk_object_set_description (gtk_widget_get_accessible (self->row), words);
}

static gboolean
is_usable (FolderRow *self)
{
  return self->sight == VITRINE_FOLDER_THERE || self->sight == VITRINE_FOLDER_BROAD;
}

static void
describe_warning (FolderRow *self, const VitrineFolder *folder)
{
  g_autofree char *sentence = vitrine_folder_describe (folder, self->sight);

  gtk_widget_set_visible (self->icon, sentence != NULL);
  gtk_widget_set_visible (self->warning, sentence != NULL);
  if (sentence == NULL)
    return;
  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (self->warning), sentence);
  atk_object_set_name (gtk_widget_get_accessible (self->warning), sentence);
  gtk_widget_set_tooltip_text (self->icon, sentence);
}

static void
describe (FolderRow *self)
{
  g_autoptr(VitrineFolder) folder = dup_folder (self);
  g_autofree char *title = g_strdup_printf (_("Shared folder %s"), folder->name);
  g_autofree char *path = folder->folder != NULL ? g_filename_display_name (folder->folder) : g_strdup (_("No folder"));
  g_autofree char *command = vitrine_folder_get_command (folder);
  g_autoptr(GString) words = g_string_new (NULL);

  if (folder->folder != NULL && !is_usable (self))
    g_string_append_printf (words, "%s · ", self->sight == VITRINE_FOLDER_MISSING ? _("Not there") : _("Cannot be shared"));
  g_string_append (words, path);
  if (folder->readonly)
    g_string_append_printf (words, " · %s", _("read-only"));
  if (self->mode == VITRINE_ROW_NEW)
    g_string_append_printf (words, " · %s", _("at the next start"));
  set_words (self, title, words->str);
  gtk_label_set_label (GTK_LABEL (self->command), command);
  describe_warning (self, folder);
}

static void
looked (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineFolderSight sight;

  if (!vitrine_folder_look_finish (result, &sight))
    return;      /* the row may be gone */
  FolderRow *self = data;
  g_clear_object (&self->looking);
  self->sight = sight;
  describe (self);
}

static void
look (FolderRow *self)
{
  g_autofree char *path = vitrine_row_get_path (self->folder);

  stop_looking (self);
  self->looking = g_cancellable_new ();
  vitrine_folder_look_async (path, self->looking, looked, self);
}

static gboolean
look_now (gpointer data)
{
  FolderRow *self = data;

  self->look_soon = 0;
  look (self);
  return G_SOURCE_REMOVE;
}

/* --- What a person changes ------------------------------------------------------------------------------------------ */

static void
changed (FolderRow *self)
{
  g_autoptr(VitrineFolder) folder = dup_folder (self);

  vitrine_domain_set_folder (self->domain, self->index, folder);
  describe (self);
}

static void
folder_changed (FolderRow *self)
{
  stop_looking (self);
  self->sight = VITRINE_FOLDER_THERE;      /* until it has been looked at */
  self->look_soon = g_timeout_add (LOOK_MS, look_now, self);
  changed (self);
}

static void
copy_command (FolderRow *self)
{
  gtk_clipboard_set_text (gtk_widget_get_clipboard (self->row, GDK_SELECTION_CLIPBOARD), gtk_label_get_text (GTK_LABEL (self->command)), -1);
}

/* --- The row -------------------------------------------------------------------------------------------------------- */

static void
add (FolderRow *self, GtkWidget *row, gboolean able)
{
  gtk_widget_set_sensitive (row, able);
  gtk_container_add (GTK_CONTAINER (self->row), row);
}

static GtkWidget *
new_icon (void)
{
  return gtk_image_new_from_icon_name ("dialog-warning-symbolic", GTK_ICON_SIZE_BUTTON);
}

/* At the row itself, and with the sentence when it is open. */
static void
add_warning (FolderRow *self)
{
  GtkWidget *icon = new_icon ();

  self->icon = new_icon ();
  atk_object_set_name (gtk_widget_get_accessible (self->icon), _("Warning"));
  hdy_expander_row_add_action (HDY_EXPANDER_ROW (self->row), self->icon);
  self->warning = hdy_action_row_new ();
  hdy_action_row_set_title_lines (HDY_ACTION_ROW (self->warning), 0);
  hdy_action_row_add_prefix (HDY_ACTION_ROW (self->warning), icon);
  gtk_list_box_row_set_activatable (GTK_LIST_BOX_ROW (self->warning), FALSE);
  gtk_widget_show (icon);
  gtk_container_add (GTK_CONTAINER (self->row), self->warning);
}

static void
add_command (FolderRow *self)
{
  GtkWidget *row = vitrine_row_new_text (_("In a Linux guest"), &self->command);
  GtkWidget *button = gtk_button_new_from_icon_name ("edit-copy-symbolic", GTK_ICON_SIZE_BUTTON);
  g_autoptr(PangoAttrList) attributes = pango_attr_list_new ();

  pango_attr_list_insert (attributes, pango_attr_family_new ("monospace"));
  gtk_label_set_attributes (GTK_LABEL (self->command), attributes);
  gtk_label_set_ellipsize (GTK_LABEL (self->command), PANGO_ELLIPSIZE_NONE);
  gtk_label_set_line_wrap (GTK_LABEL (self->command), TRUE);
  gtk_label_set_selectable (GTK_LABEL (self->command), TRUE);
  gtk_style_context_remove_class (gtk_widget_get_style_context (self->command), "dim-label");
  gtk_style_context_add_class (gtk_widget_get_style_context (button), GTK_STYLE_CLASS_FLAT);
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, _("Copy the command"));
  atk_object_set_name (gtk_widget_get_accessible (button), _("Copy the command"));
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (copy_command), self);
  gtk_container_add (GTK_CONTAINER (row), button);
  gtk_widget_show (button);
  gtk_container_add (GTK_CONTAINER (self->row), row);
}

static void
add_rows (FolderRow *self, const VitrineFolder *folder, gboolean able)
{
  add (self, vitrine_row_new_folder (_("_Folder"), &self->folder), able);
  add (self, vitrine_row_new_entry (_("_Name in the guest"), &self->name), able);
  add (self, vitrine_row_new_switch (_("_Read-only"), NULL, &self->readonly), able);
  gtk_entry_set_text (GTK_ENTRY (self->folder), folder->folder != NULL ? folder->folder : "");
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->folder), _("Choose a folder"));
  gtk_editable_set_position (GTK_EDITABLE (self->folder), -1);
  gtk_entry_set_text (GTK_ENTRY (self->name), folder->name != NULL ? folder->name : "");
  gtk_switch_set_active (GTK_SWITCH (self->readonly), folder->readonly);
  g_signal_connect_swapped (self->folder, "changed", G_CALLBACK (folder_changed), self);
  g_signal_connect_swapped (self->name, "changed", G_CALLBACK (changed), self);
  g_signal_connect_swapped (self->readonly, "notify::active", G_CALLBACK (changed), self);
}

/* The machine does not start with it: all that a person can do here is to remove it. */
static void
describe_unsupported (FolderRow *self, const VitrineFolder *folder)
{
  g_autofree char *title = g_strdup_printf (_("Shared folder %s"), folder->name != NULL ? folder->name : "");

  set_words (self, title, _("Shared in a way that is not supported here. Remove it, and share the folder anew."));
  hdy_expander_row_set_enable_expansion (HDY_EXPANDER_ROW (self->row), FALSE);
}

GtkWidget *
vitrine_folder_row_new (VitrineDomain *domain, guint index, VitrineRowMode mode)
{
  g_autoptr(GPtrArray) folders = vitrine_domain_get_folders (domain);
  const VitrineFolder *folder = folders->pdata[index];
  FolderRow *self = g_new0 (FolderRow, 1);

  self->domain = g_object_ref (domain);
  self->index = index;
  self->mode = mode;
  self->row = hdy_expander_row_new ();
  g_object_set_data_full (G_OBJECT (self->row), "vitrine-folder", self, folder_row_free);
  g_signal_connect_swapped (self->row, "destroy", G_CALLBACK (stop_looking), self);   /* it may be kept alive for longer */
  gtk_widget_show (self->row);
  if (!folder->supported)
    {
      describe_unsupported (self, folder);
      return self->row;
    }
  add_warning (self);
  add_rows (self, folder, mode != VITRINE_ROW_RUNNING);
  add_command (self);
  describe (self);
  look (self);
  return self->row;
}
