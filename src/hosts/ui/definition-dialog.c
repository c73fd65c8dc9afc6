/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "definition-dialog.h"

#include <glib/gi18n.h>
#include <string.h>

#include "notice.h"
#include "page-window.h"
#include "secret-text.h"

#define WIDTH 760
#define HEIGHT 620
#define MAX_SHOWN_BYTES (1 << 20)   /* a text view takes very long lines badly */

typedef struct
{
  GtkWidget        *window;     /* NULL: closed */
  GtkWidget        *notice_slot, *view, *save;
  VitrineHostGuest *guest;      /* NULL: a new machine */
  VitrineHost      *host;       /* of the new machine */
  char             *was;        /* what the host had when it was opened */
} Dialog;

static void
dialog_clear (gpointer data)
{
  Dialog *self = data;

  g_clear_object (&self->guest);
  g_clear_object (&self->host);
  vitrine_secret_text_free (self->was);
}

static void
dialog_unref (Dialog *self)
{
  g_rc_box_release_full (self, dialog_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dialog, dialog_unref)

static GtkTextBuffer *
buffer_of (Dialog *self)
{
  return gtk_text_view_get_buffer (GTK_TEXT_VIEW (self->view));
}

/* A message may go on with lines of detail: a diff. */
static void
show_error (Dialog *self, const GError *error)
{
  g_auto(GStrv) parts = g_strsplit (error->message, "\n", 2);

  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, parts[0], parts[1]);
}

static void
finished (Dialog *self, gboolean ok, const GError *error)
{
  if (self->window == NULL)
    return;
  gtk_widget_set_sensitive (self->view, TRUE);
  gtk_widget_set_sensitive (self->save, TRUE);
  if (ok)
    gtk_widget_destroy (self->window);
  else
    show_error (self, error);
}

static void
written (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Dialog) self = data;
  g_autoptr(GError) error = NULL;

  gboolean ok = vitrine_host_guest_write_definition_finish (VITRINE_HOST_GUEST (source), result, &error);

  finished (self, ok, error);
}

static void
defined (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Dialog) self = data;
  g_autoptr(GError) error = NULL;

  gboolean ok = vitrine_host_define_finish (VITRINE_HOST (source), result, &error);

  finished (self, ok, error);
}

static void
save (Dialog *self)
{
  GtkTextIter start, end;

  gtk_text_buffer_get_bounds (buffer_of (self), &start, &end);
  g_autofree char *xml = gtk_text_buffer_get_text (buffer_of (self), &start, &end, FALSE);
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  gtk_widget_set_sensitive (self->view, FALSE);
  gtk_widget_set_sensitive (self->save, FALSE);
  if (self->guest != NULL)
    vitrine_host_guest_write_definition_async (self->guest, self->was, xml, written, g_rc_box_acquire (self));
  else
    vitrine_host_define_async (self->host, xml, defined, g_rc_box_acquire (self));
}

static void
definition_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Dialog) self = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *xml = vitrine_host_guest_read_definition_finish (VITRINE_HOST_GUEST (source), result, &error);

  if (self->window == NULL)
    return;
  if (xml != NULL && strlen (xml) > MAX_SHOWN_BYTES)
    g_set_error_literal (&error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_UNSUPPORTED,
                         _("This definition is too large to be edited here."));
  if (error != NULL)
    {
      show_error (self, error);
      return;
    }
  gtk_text_buffer_set_text (buffer_of (self), xml, -1);
  self->was = g_steal_pointer (&xml);
  gtk_widget_set_sensitive (self->view, TRUE);
  gtk_widget_set_sensitive (self->save, TRUE);
  gtk_widget_grab_focus (self->view);
}

/* --- widgets ---------------------------------------------------------------------------------------------------- */

static GtkWidget *
new_page (Dialog *self)
{
  GtkWidget *page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *scroller = gtk_scrolled_window_new (NULL, NULL);

  self->notice_slot = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  self->view = gtk_text_view_new ();
  gtk_text_view_set_monospace (GTK_TEXT_VIEW (self->view), TRUE);
  gtk_text_view_set_accepts_tab (GTK_TEXT_VIEW (self->view), FALSE);
  g_object_set (self->view, "left-margin", 12, "right-margin", 12, "top-margin", 12, "bottom-margin", 12, NULL);
  atk_object_set_name (gtk_widget_get_accessible (self->view), _("Definition"));
  gtk_container_add (GTK_CONTAINER (scroller), self->view);
  gtk_box_pack_start (GTK_BOX (page), self->notice_slot, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (page), scroller, TRUE, TRUE, 0);
  gtk_widget_show_all (page);
  return page;
}

static void
destroyed (Dialog *self)
{
  self->window = NULL;
  dialog_unref (self);
}

static Dialog *
new_dialog (GtkWindow *parent, const char *title, const char *button)
{
  Dialog *self = g_rc_box_new0 (Dialog);
  GtkWidget *cancel = gtk_button_new_with_mnemonic (_("_Cancel"));

  self->window = vitrine_page_window_new (parent, title, new_page (self), WIDTH, HEIGHT);
  self->save = gtk_button_new_with_mnemonic (button);
  gtk_style_context_add_class (gtk_widget_get_style_context (self->save), "suggested-action");
  gtk_widget_show (cancel);
  gtk_widget_show (self->save);
  vitrine_page_window_add_buttons (self->window, cancel, self->save);
  g_signal_connect_swapped (cancel, "clicked", G_CALLBACK (gtk_window_close), self->window);
  g_signal_connect_swapped (self->save, "clicked", G_CALLBACK (save), self);
  g_signal_connect_swapped (self->window, "destroy", G_CALLBACK (destroyed), self);
  return self;
}

GtkWidget *
vitrine_definition_dialog_new (GtkWindow *parent, VitrineHostGuest *guest)
{
  g_autofree char *title = g_strdup_printf (_("Definition of %s"), vitrine_guest_get_title (VITRINE_GUEST (guest)));
  Dialog *self = new_dialog (parent, title, _("_Save"));

  self->guest = g_object_ref (guest);
  gtk_widget_set_sensitive (self->view, FALSE);
  gtk_widget_set_sensitive (self->save, FALSE);
  vitrine_host_guest_read_definition_async (guest, VITRINE_HOST_DEFINITION_WITH_SECRETS, definition_read,
                                            g_rc_box_acquire (self));
  return self->window;
}

GtkWidget *
vitrine_definition_dialog_new_machine (GtkWindow *parent, VitrineHost *host)
{
  g_autofree char *title = g_strdup_printf (_("New Machine on %s"), vitrine_host_get_name (host));
  Dialog *self = new_dialog (parent, title, _("_Define"));

  self->host = g_object_ref (host);
  gtk_widget_grab_focus (self->view);
  return self->window;
}
