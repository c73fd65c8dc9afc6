/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "passphrase-dialog.h"

#include <glib/gi18n.h>
#include <string.h>

struct _VitrinePassphraseDialog
{
  GtkDialog parent_instance;

  GtkWidget            *title, *entry, *show, *problem, *spinner;
  const VtDiskConfig   *disk;
  GCancellable         *cancellable;    /* of a try; NULL: none under way */
  VitrinePassphraseDone done;           /* NULL: has been called */
  gpointer              data;
};

G_DEFINE_FINAL_TYPE (VitrinePassphraseDialog, vitrine_passphrase_dialog, GTK_TYPE_DIALOG)

static void
end (VitrinePassphraseDialog *self, VtSecret *key, const GError *error)
{
  VitrinePassphraseDone done = g_steal_pointer (&self->done);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);
  if (done != NULL)
    done (key, error, self->data);
}

static void
set_busy (VitrinePassphraseDialog *self, gboolean busy)
{
  gtk_widget_set_sensitive (self->entry, !busy);
  gtk_widget_set_visible (self->spinner, busy);
  g_object_set (self->spinner, "active", busy, NULL);
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self), GTK_RESPONSE_OK,
                                     !busy && gtk_entry_get_text_length (GTK_ENTRY (self->entry)) > 0);
}

static void
tried (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrinePassphraseDialog) self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(VtSecret) key = vitrine_unlock_finish (result, &error);

  g_clear_object (&self->cancellable);
  if (self->done == NULL)
    return;
  if (key != NULL || !vitrine_unlock_was_wrong (error))
    {
      end (self, key, error);
      gtk_widget_destroy (GTK_WIDGET (self));
      return;
    }
  gtk_entry_set_text (GTK_ENTRY (self->entry), "");
  set_busy (self, FALSE);
  gtk_label_set_label (GTK_LABEL (self->problem), _("This passphrase is wrong. Please try again."));
  gtk_widget_show (self->problem);
  gtk_widget_grab_focus (self->entry);
}

static void
try (VitrinePassphraseDialog *self)
{
  const char *text = gtk_entry_get_text (GTK_ENTRY (self->entry));
  g_autoptr(VtSecret) passphrase = vt_secret_new (text, strlen (text));

  gtk_widget_hide (self->problem);
  gtk_label_set_label (GTK_LABEL (self->problem), "");
  set_busy (self, TRUE);
  self->cancellable = g_cancellable_new ();
  vitrine_unlock_async (self->disk, passphrase, self->cancellable, tried, g_object_ref (self));
}

static void
vitrine_passphrase_dialog_response (GtkDialog *dialog, int response)
{
  if (response == GTK_RESPONSE_OK)
    try (VITRINE_PASSPHRASE_DIALOG (dialog));
  else
    gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
vitrine_passphrase_dialog_dispose (GObject *object)
{
  end (VITRINE_PASSPHRASE_DIALOG (object), NULL, NULL);
  G_OBJECT_CLASS (vitrine_passphrase_dialog_parent_class)->dispose (object);
}

static void
vitrine_passphrase_dialog_class_init (VitrinePassphraseDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_passphrase_dialog_dispose;
  GTK_DIALOG_CLASS (klass)->response = vitrine_passphrase_dialog_response;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/unlock/passphrase-dialog.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, VitrinePassphraseDialog, name)
  BIND (title);
  BIND (entry);
  BIND (show);
  BIND (problem);
  BIND (spinner);
#undef BIND
}

static void
entry_changed (VitrinePassphraseDialog *self)
{
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self), GTK_RESPONSE_OK,
                                     gtk_entry_get_text_length (GTK_ENTRY (self->entry)) > 0);
}

static void
vitrine_passphrase_dialog_init (VitrinePassphraseDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  g_object_bind_property (self->show, "active", self->entry, "visibility", G_BINDING_SYNC_CREATE);
  g_signal_connect_swapped (self->entry, "changed", G_CALLBACK (entry_changed), self);
}

VitrinePassphraseDialog *
vitrine_passphrase_dialog_show (GtkWindow *parent, const VtDiskConfig *disk, VitrinePassphraseDone done, gpointer data)
{
  VitrinePassphraseDialog *self = g_object_new (VITRINE_TYPE_PASSPHRASE_DIALOG, "transient-for", parent, "modal", TRUE,
                                                "destroy-with-parent", TRUE, "use-header-bar", TRUE, NULL);
  g_autofree char *name = g_filename_display_basename (disk->path);
  g_autofree char *title = g_strdup_printf (_("The disk “%s” is encrypted"), name);

  self->disk = disk;
  self->done = done;
  self->data = data;
  gtk_label_set_label (GTK_LABEL (self->title), title);
  gtk_dialog_add_button (GTK_DIALOG (self), _("_Cancel"), GTK_RESPONSE_CANCEL);
  GtkWidget *button = gtk_dialog_add_button (GTK_DIALOG (self), _("_Unlock"), GTK_RESPONSE_OK);
  gtk_style_context_add_class (gtk_widget_get_style_context (button), "suggested-action");
  gtk_dialog_set_default_response (GTK_DIALOG (self), GTK_RESPONSE_OK);
  set_busy (self, FALSE);
  gtk_window_present (GTK_WINDOW (self));
  return self;
}
