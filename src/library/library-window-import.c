/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines that come into the library as a file, chosen or dropped. */
#include "library-window-private.h"

#include <glib/gi18n.h>

#include "import-dialog.h"
#include "notice.h"

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
      vitrine_library_window_show_error (self, error->message);
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
        vitrine_library_window_show_error (self, problem->message);
      return;
    }
  VitrineMachine *machine = vitrine_import_add (self->library, domain, FALSE, &error);
  if (machine == NULL)
    {
      vitrine_library_window_show_error (self, error->message);
      return;
    }
  show_notes (self, _("Imported. Some hardware is another here:"), notes);
  vitrine_library_window_show_settings (self, machine);
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

  gtk_native_dialog_hide (dialog);
  if (response == GTK_RESPONSE_ACCEPT && path != NULL)
    import_file (data, path);
}

void
vitrine_library_window_import (GSimpleAction *action, GVariant *parameter, gpointer data)
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
  g_signal_connect_object (dialog, "response", G_CALLBACK (import_chosen), data, 0);
  g_object_set_data_full (data, "vitrine-import-chooser", dialog, g_object_unref);   /* it goes with the window at the latest */
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

void
vitrine_library_window_take_drops (VitrineLibraryWindow *self)
{
  gtk_drag_dest_set (GTK_WIDGET (self), GTK_DEST_DEFAULT_ALL, NULL, 0, GDK_ACTION_COPY);
  gtk_drag_dest_add_uri_targets (GTK_WIDGET (self));
  g_signal_connect (self, "drag-data-received", G_CALLBACK (dropped), NULL);
}
