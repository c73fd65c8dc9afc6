/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "delete-dialog.h"

#include <glib/gi18n.h>

#include "host-error.h"

#define MAX_SHOWN 8

/* Belongs to the dialog, and to each call that is on its way. */
typedef struct
{
  GtkWidget          *parent, *owner;   /* NULL: gone */
  VitrineHostGuest   *guest;
  VitrineDeleteFailed failed;
  GStrv               paths;            /* of its volumes; NULL: nobody knows */
  GtkWidget          *volumes;          /* the check button; NULL: it has none */
} Deletion;

static void
deletion_clear (gpointer data)
{
  Deletion *self = data;

  g_clear_weak_pointer (&self->parent);
  g_clear_weak_pointer (&self->owner);
  g_object_unref (self->guest);
  g_strfreev (self->paths);
}

static void
deletion_unref (Deletion *self)
{
  g_rc_box_release_full (self, deletion_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Deletion, deletion_unref)

static void
fail (Deletion *self, const GError *error)
{
  if (self->owner != NULL)
    self->failed (self->owner, error->message);
}

static void
deleted (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Deletion) self = data;
  g_autoptr(GError) error = NULL;

  if (!vitrine_host_guest_delete_finish (VITRINE_HOST_GUEST (source), result, &error))
    fail (self, error);
}

static void
response (GtkDialog *dialog, int answer, gpointer data)
{
  Deletion *self = data;
  gboolean volumes = self->volumes != NULL && gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->volumes));

  if (answer == GTK_RESPONSE_OK)
    vitrine_host_guest_delete_async (self->guest, volumes ? (const char *const *) self->paths : NULL, deleted,
                                     g_rc_box_acquire (self));
  gtk_widget_destroy (GTK_WIDGET (dialog));
}

static void
add_volumes (Deletion *self, GtkWidget *dialog)
{
  guint n = g_strv_length (self->paths);
  g_autofree char *label
      = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "Delete its _volume too", "Delete its %u _volumes too", n), n);
  GtkWidget *area = gtk_message_dialog_get_message_area (GTK_MESSAGE_DIALOG (dialog));

  self->volumes = gtk_check_button_new_with_mnemonic (label);
  gtk_container_add (GTK_CONTAINER (area), self->volumes);
  for (guint i = 0; i < MIN (n, MAX_SHOWN); i++)
    {
      GtkWidget *path = gtk_label_new (self->paths[i]);
      gtk_label_set_ellipsize (GTK_LABEL (path), PANGO_ELLIPSIZE_MIDDLE);
      gtk_label_set_xalign (GTK_LABEL (path), 0);
      gtk_widget_set_margin_start (path, 24);
      gtk_container_add (GTK_CONTAINER (area), path);
    }
  gtk_widget_show_all (area);
}

/* @why_kept: the volumes stay, whatever they are. */
static void
show (Deletion *self, const char *why_kept)
{
  GtkWidget *dialog = gtk_message_dialog_new (
      GTK_WINDOW (self->parent), GTK_DIALOG_MODAL | GTK_DIALOG_DESTROY_WITH_PARENT, GTK_MESSAGE_QUESTION,
      GTK_BUTTONS_NONE, _("Delete “%s”?"), vitrine_guest_get_title (VITRINE_GUEST (self->guest)));

  gtk_message_dialog_format_secondary_text (
      GTK_MESSAGE_DIALOG (dialog), "%s%s%s",
      _("The host forgets the machine, its saved state and its snapshots. This cannot be undone."),
      why_kept != NULL ? "\n" : "", why_kept != NULL ? why_kept : "");
  if (self->paths != NULL && self->paths[0] != NULL)
    add_volumes (self, dialog);
  gtk_dialog_add_button (GTK_DIALOG (dialog), _("_Cancel"), GTK_RESPONSE_CANCEL);
  GtkWidget *button = gtk_dialog_add_button (GTK_DIALOG (dialog), _("_Delete"), GTK_RESPONSE_OK);
  gtk_style_context_add_class (gtk_widget_get_style_context (button), "destructive-action");
  g_signal_connect (dialog, "response", G_CALLBACK (response), self);
  g_signal_connect_swapped (dialog, "destroy", G_CALLBACK (deletion_unref), g_rc_box_acquire (self));
  gtk_window_present (GTK_WINDOW (dialog));
}

static void
volumes_listed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Deletion) self = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *why_kept = NULL;

  self->paths = vitrine_host_guest_list_volumes_finish (VITRINE_HOST_GUEST (source), result, &error);
  if (g_error_matches (error, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_AWAY))
    {
      fail (self, error);
      return;
    }
  if (self->owner == NULL || self->parent == NULL)
    return;
  if (error != NULL)
    why_kept = g_strdup_printf (_("Its volumes stay, as others may use them: %s"), error->message);
  show (self, why_kept);
}

void
vitrine_delete_dialog_show (GtkWindow *parent, VitrineHostGuest *guest, VitrineDeleteFailed failed,
                            GtkWidget *owner)
{
  Deletion *self = g_rc_box_new0 (Deletion);

  g_set_weak_pointer (&self->parent, GTK_WIDGET (parent));
  g_set_weak_pointer (&self->owner, owner);
  self->guest = g_object_ref (guest);
  self->failed = failed;
  vitrine_host_guest_list_volumes_async (guest, volumes_listed, self);
}
