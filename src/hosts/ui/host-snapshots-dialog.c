/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-snapshots-dialog.h"

#include <glib/gi18n.h>

#include "notice.h"
#include "page-window.h"
#include "snapshot-row.h"

#define WIDTH 560
#define HEIGHT 420

typedef struct
{
  GtkWidget        *window;      /* NULL: closed */
  GtkWidget        *notice_slot, *list, *empty, *name, *description, *take, *spinner;
  VitrineHostGuest *guest;
  char             *doomed;      /* to be deleted, or gone back to, when the person says yes */
  guint             names;       /* for the next proposal */
} Dialog;

static void read_list (Dialog *self);

static Dialog *
dialog_ref (Dialog *self)
{
  return g_rc_box_acquire (self);
}

static void
dialog_clear (gpointer data)
{
  Dialog *self = data;

  g_object_unref (self->guest);
  g_free (self->doomed);
}

static void
dialog_unref (Dialog *self)
{
  g_rc_box_release_full (self, dialog_clear);
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC (Dialog, dialog_unref)

static void
set_busy (Dialog *self, gboolean busy)
{
  gtk_widget_set_sensitive (self->list, !busy);
  gtk_widget_set_sensitive (self->take, !busy);
  gtk_widget_set_visible (self->spinner, busy);
  g_object_set (self->spinner, "active", busy, NULL);
}

/* --- changes ---------------------------------------------------------------------------------------------------- */

static void
changed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Dialog) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_host_guest_snapshot_finish (VITRINE_HOST_GUEST (source), result, &error);

  if (self->window == NULL)
    return;
  if (!ok)
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
  read_list (self);
}

static void
change (Dialog *self, VitrineHostSnapshotVerb verb, const char *name, const char *description)
{
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  set_busy (self, TRUE);
  vitrine_host_guest_snapshot_async (self->guest, verb, name, description, changed, dialog_ref (self));
}

static void
take (Dialog *self)
{
  const char *name = gtk_entry_get_text (GTK_ENTRY (self->name));

  if (*name != '\0')
    change (self, VITRINE_HOST_SNAPSHOT_TAKE, name, gtk_entry_get_text (GTK_ENTRY (self->description)));
}

static void
go_back_now (gpointer data)
{
  Dialog *self = data;

  change (self, VITRINE_HOST_SNAPSHOT_GO_BACK, self->doomed, NULL);
}

static void
forget_now (gpointer data)
{
  Dialog *self = data;

  change (self, VITRINE_HOST_SNAPSHOT_FORGET, self->doomed, NULL);
}

/* The host cannot give either back, so both are asked about. */
static void
ask (Dialog *self, GtkWidget *button, const char *words, const VitrineNoticeButton *buttons)
{
  g_free (self->doomed);
  self->doomed = g_strdup (vitrine_snapshot_row_get_name (button));
  vitrine_notice_show_with (GTK_BOX (self->notice_slot), GTK_MESSAGE_QUESTION, words, buttons, self);
}

static void
go_back (Dialog *self, GtkWidget *button)
{
  static const VitrineNoticeButton buttons[] = { { N_("_Go Back"), go_back_now, "destructive-action" }, { NULL } };

  g_autofree char *words = g_strdup_printf (_("Go back to “%s”? What the machine did since its last snapshot is lost."),
                                            vitrine_snapshot_row_get_name (button));

  ask (self, button, words, buttons);
}

static void
forget (Dialog *self, GtkWidget *button)
{
  static const VitrineNoticeButton buttons[] = { { N_("_Delete"), forget_now, "destructive-action" }, { NULL } };

  g_autofree char *words = g_strdup_printf (_("Delete the snapshot “%s”? It cannot be brought back."),
                                            vitrine_snapshot_row_get_name (button));

  ask (self, button, words, buttons);
}

/* --- the list --------------------------------------------------------------------------------------------------- */

static void
propose_name (Dialog *self)
{
  g_autofree char *name = g_strdup_printf (_("Snapshot %u"), self->names + 1);

  gtk_entry_set_text (GTK_ENTRY (self->name), name);
}

static void
show_list (Dialog *self, GPtrArray *snapshots, const char *current)
{
  GtkWidget *go_back_button, *forget_button;

  gtk_container_foreach (GTK_CONTAINER (self->list), (GtkCallback) (void (*) (void)) gtk_widget_destroy, NULL);
  for (guint i = 0; i < snapshots->len; i++)
    {
      const VitrineSnapshot *snapshot = snapshots->pdata[i];
      GtkWidget *row = vitrine_snapshot_row_new (NULL, snapshot, g_strcmp0 (current, snapshot->name) == 0,
                                                 &go_back_button, &forget_button);
      g_signal_connect_swapped (go_back_button, "clicked", G_CALLBACK (go_back), self);
      g_signal_connect_swapped (forget_button, "clicked", G_CALLBACK (forget), self);
      gtk_container_add (GTK_CONTAINER (self->list), row);
    }
  gtk_widget_set_visible (self->empty, snapshots->len == 0);
  self->names = MAX (self->names, snapshots->len);
  propose_name (self);
}

static void
list_read (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(Dialog) self = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *current = NULL;
  g_autoptr(GPtrArray) snapshots
      = vitrine_host_guest_list_snapshots_finish (VITRINE_HOST_GUEST (source), result, &current, &error);

  if (self->window == NULL)
    return;
  set_busy (self, FALSE);
  if (snapshots != NULL)
    show_list (self, snapshots, current);
  else
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
}

static void
read_list (Dialog *self)
{
  set_busy (self, TRUE);
  vitrine_host_guest_list_snapshots_async (self->guest, list_read, dialog_ref (self));
}

/* --- widgets ---------------------------------------------------------------------------------------------------- */

static GtkWidget *
new_entry (GtkWidget *box, const char *name, gboolean expand)
{
  GtkWidget *entry = gtk_entry_new ();

  gtk_entry_set_placeholder_text (GTK_ENTRY (entry), name);
  atk_object_set_name (gtk_widget_get_accessible (entry), name);
  gtk_box_pack_start (GTK_BOX (box), entry, expand, expand, 0);
  return entry;
}

static GtkWidget *
new_bar (Dialog *self)
{
  GtkWidget *bar = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  g_object_set (bar, "margin", 12, NULL);
  self->name = new_entry (bar, _("Name"), FALSE);
  self->description = new_entry (bar, _("Description"), TRUE);
  self->spinner = gtk_spinner_new ();
  gtk_widget_set_no_show_all (self->spinner, TRUE);
  self->take = gtk_button_new_with_mnemonic (_("_Take Snapshot"));
  gtk_style_context_add_class (gtk_widget_get_style_context (self->take), "suggested-action");
  gtk_container_add (GTK_CONTAINER (bar), self->spinner);
  gtk_container_add (GTK_CONTAINER (bar), self->take);
  g_signal_connect_swapped (self->take, "clicked", G_CALLBACK (take), self);
  g_signal_connect_swapped (self->name, "activate", G_CALLBACK (take), self);
  g_signal_connect_swapped (self->description, "activate", G_CALLBACK (take), self);
  return bar;
}

static GtkWidget *
new_page (Dialog *self)
{
  GtkWidget *page = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0), *scroller = gtk_scrolled_window_new (NULL, NULL);
  GtkWidget *contents = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);

  self->notice_slot = gtk_box_new (GTK_ORIENTATION_VERTICAL, 0);
  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  atk_object_set_name (gtk_widget_get_accessible (self->list), _("Snapshots"));
  self->empty = gtk_label_new (_("There are no snapshots yet."));
  g_object_set (self->empty, "margin", 36, NULL);
  gtk_widget_set_no_show_all (self->empty, TRUE);
  gtk_container_add (GTK_CONTAINER (contents), self->empty);
  gtk_container_add (GTK_CONTAINER (contents), self->list);
  gtk_container_add (GTK_CONTAINER (scroller), contents);
  gtk_box_pack_start (GTK_BOX (page), self->notice_slot, FALSE, FALSE, 0);
  gtk_box_pack_start (GTK_BOX (page), new_bar (self), FALSE, FALSE, 0);
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

GtkWidget *
vitrine_host_snapshots_dialog_new (GtkWindow *parent, VitrineHostGuest *guest)
{
  Dialog *self = g_rc_box_new0 (Dialog);
  g_autofree char *title = g_strdup_printf (_("Snapshots of %s"), vitrine_guest_get_title (VITRINE_GUEST (guest)));

  self->guest = g_object_ref (guest);
  self->window = vitrine_page_window_new (parent, title, new_page (self), WIDTH, HEIGHT);
  g_signal_connect_swapped (self->window, "destroy", G_CALLBACK (destroyed), self);
  propose_name (self);
  read_list (self);
  return self->window;
}
