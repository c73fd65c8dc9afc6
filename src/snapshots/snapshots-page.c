/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "snapshots-page.h"

#include <glib/gi18n.h>
#include <handy.h>

#include "notice.h"
#include "snapshot-row.h"
#include "undo-bar.h"

#define ABOVE_HINT 72   /* the window's own words float over its lower edge */

struct _VitrineSnapshotsPage
{
  GtkOverlay parent_instance;

  GtkWidget *popover, *name_entry, *description_entry, *confirm_button;
  GtkWidget *notice_slot, *take_button, *progress_box, *progress_bar, *cancel_button, *views, *list, *empty_page, *undo_bar;

  VitrineSnapshots *snapshots;     /* NULL: the page goes away */
  VitrineBackend   *backend;       /* NULL: the machine does not run */
  char             *target;        /* to go back to, when the person says yes */
  gboolean          back_after;    /* and when what is being taken has been */
  gboolean          cancelled;
};

static guint go_back_signal;

G_DEFINE_FINAL_TYPE (VitrineSnapshotsPage, vitrine_snapshots_page, GTK_TYPE_OVERLAY)

static void update (VitrineSnapshotsPage *self);

void
vitrine_snapshots_page_show_error (VitrineSnapshotsPage *self, const GError *error)
{
  if (self->snapshots == NULL)
    return;
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
  update (self);
}

/* --- What can be done now ------------------------------------------------------------------------------------------- */

static void
enable_row (GtkWidget *row, gpointer able)
{
  GtkWidget *box = gtk_bin_get_child (GTK_BIN (row));
  g_autoptr(GList) children = gtk_container_get_children (GTK_CONTAINER (box));

  for (GList *child = children; child != NULL; child = child->next)
    if (GTK_IS_BUTTON (child->data))
      gtk_widget_set_sensitive (child->data, able != NULL);
}

static gboolean
is_able (VitrineSnapshotsPage *self)
{
  return self->snapshots != NULL && !vitrine_snapshots_is_busy (self->snapshots)
         && (self->backend == NULL || vitrine_state_is_alive (vitrine_backend_get_state (self->backend)));
}

static void
update (VitrineSnapshotsPage *self)
{
  gboolean able = is_able (self);
  double   progress;

  g_object_get (self->snapshots, "progress", &progress, NULL);
  gtk_widget_set_sensitive (self->take_button, able);
  gtk_container_foreach (GTK_CONTAINER (self->list), enable_row, able ? self : NULL);
  gtk_widget_set_visible (self->progress_box, progress >= 0);
  if (progress >= 0)
    gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->progress_bar), progress);
}

/* --- Going back ----------------------------------------------------------------------------------------------------- */

static void take (VitrineSnapshotsPage *self, const char *name, const char *description);

static void
go_back (VitrineSnapshotsPage *self)
{
  g_autofree char *name = g_steal_pointer (&self->target);

  self->back_after = FALSE;
  if (name == NULL)
    return;
  g_object_ref (self);   /* a window takes its page away meanwhile */
  g_signal_emit (self, go_back_signal, 0, name);
  if (self->snapshots != NULL)
    update (self);
  g_object_unref (self);
}

static void
go_back_now (gpointer data)
{
  go_back (data);
}

static void
keep_and_go_back (gpointer data)
{
  VitrineSnapshotsPage *self = data;
  g_autofree char *name = vitrine_snapshot_store_propose_name (vitrine_snapshots_get_folder (self->snapshots));
  g_autofree char *words = g_strdup_printf (_("Before going back to “%s”"), self->target);

  self->back_after = TRUE;
  take (self, name, words);
}

static void
ask_to_go_back (VitrineSnapshotsPage *self, const char *name)
{
  static const VitrineNoticeButton buttons[] = { { N_("_Take Snapshot First"), keep_and_go_back, NULL },
                                                 { N_("_Go Back"), go_back_now, "destructive-action" },
                                                 { NULL } };
  g_autofree char *words = g_strdup_printf (self->backend != NULL
                                              ? _("The machine stops, and goes on as it was in “%s”. What it has done since is "
                                                  "lost, unless you take a snapshot first.")
                                              : _("The machine becomes what it was in “%s”. What it has done since is lost, unless "
                                                  "you take a snapshot first."), name);
  g_autoptr(GError) error = NULL;

  if (!is_able (self))
    return;
  if (!vitrine_snapshots_can_go_back (self->snapshots, name, &error))
    {
      vitrine_snapshots_page_show_error (self, error);
      return;
    }
  g_free (self->target);
  self->target = g_strdup (name);
  vitrine_notice_show_with (GTK_BOX (self->notice_slot), GTK_MESSAGE_QUESTION, words, buttons, self);
}

static void
go_back_clicked (VitrineSnapshotsPage *self, GtkWidget *widget)
{
  ask_to_go_back (self, vitrine_snapshot_row_get_name (widget));
}

/* --- Deleting ------------------------------------------------------------------------------------------------------- */

static void fill (VitrineSnapshotsPage *self);

static void
forgotten (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineSnapshotsPage) self = data;
  g_autoptr(GError) error = NULL;

  vitrine_snapshots_finish (VITRINE_SNAPSHOTS (source), result, &error);
  if (self->snapshots == NULL)
    return;
  if (error == NULL)
    return;     /* "changed" has filled the list */
  vitrine_snapshots_page_show_error (self, error);
  fill (self);
}

/* While the machine cannot do it, it is left to its end. */
static void
too_late (VitrineSnapshotsPage *self)
{
  g_autofree char *name = g_strdup (vitrine_snapshots_get_doomed (self->snapshots));

  if (name == NULL || !is_able (self))
    return;
  vitrine_snapshots_set_doomed (self->snapshots, NULL);
  vitrine_snapshots_forget_async (self->snapshots, name, forgotten, g_object_ref (self));
  update (self);
}

static void
undo (VitrineSnapshotsPage *self)
{
  vitrine_snapshots_set_doomed (self->snapshots, NULL);
  fill (self);
}

static void
forget (VitrineSnapshotsPage *self, const char *name)
{
  g_autofree char *words = g_strdup_printf (_("“%s” deleted"), name);

  if (!is_able (self))
    return;
  vitrine_undo_bar_end (VITRINE_UNDO_BAR (self->undo_bar));
  /* One whose time was up while another was being taken. */
  too_late (self);
  vitrine_snapshots_set_doomed (self->snapshots, name);
  fill (self);
  vitrine_undo_bar_show (VITRINE_UNDO_BAR (self->undo_bar), words);
}

static void
forget_clicked (VitrineSnapshotsPage *self, GtkWidget *widget)
{
  forget (self, vitrine_snapshot_row_get_name (widget));
}

/* --- The tree ------------------------------------------------------------------------------------------------------- */

static void
add_row (VitrineSnapshotsPage *self, const VitrineSnapshot *snapshot, const char *current)
{
  GtkWidget *back, *away;
  GtkWidget *row = vitrine_snapshot_row_new (vitrine_snapshots_get_folder (self->snapshots), snapshot,
                                             g_strcmp0 (current, snapshot->name) == 0, &back, &away);

  g_signal_connect_object (back, "clicked", G_CALLBACK (go_back_clicked), self, G_CONNECT_SWAPPED);
  g_signal_connect_object (away, "clicked", G_CALLBACK (forget_clicked), self, G_CONNECT_SWAPPED);
  gtk_container_add (GTK_CONTAINER (self->list), row);
}

static void
destroy (GtkWidget *child, gpointer unused)
{
  gtk_widget_destroy (child);
}

static void
fill (VitrineSnapshotsPage *self)
{
  const char *folder = vitrine_snapshots_get_folder (self->snapshots), *doomed = vitrine_snapshots_get_doomed (self->snapshots);
  g_autoptr(GPtrArray) all = vitrine_snapshot_store_list (folder);
  g_autofree char *current = vitrine_snapshot_store_current (folder);
  guint shown = 0;

  gtk_container_foreach (GTK_CONTAINER (self->list), destroy, NULL);
  for (guint i = 0; i < all->len; i++)
    {
      const VitrineSnapshot *snapshot = all->pdata[i];
      if (g_strcmp0 (snapshot->name, doomed) == 0)
        continue;
      add_row (self, snapshot, current);
      shown++;
    }
  gtk_stack_set_visible_child_name (GTK_STACK (self->views), shown > 0 ? "list" : "empty");
  update (self);
}

static gboolean
list_key (VitrineSnapshotsPage *self, GdkEventKey *event)
{
  GtkWidget *row = gtk_container_get_focus_child (GTK_CONTAINER (self->list));

  if (row == NULL || (event->keyval != GDK_KEY_Delete && event->keyval != GDK_KEY_KP_Delete))
    return GDK_EVENT_PROPAGATE;
  forget (self, vitrine_snapshot_row_get_name (row));
  return GDK_EVENT_STOP;
}

/* --- Taking --------------------------------------------------------------------------------------------------------- */

static void
taken (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineSnapshotsPage) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_snapshots_finish (VITRINE_SNAPSHOTS (source), result, &error);

  if (self->snapshots == NULL)
    return;
  if (!ok && !self->cancelled)
    vitrine_snapshots_page_show_error (self, error);
  update (self);
  if (ok && self->back_after)
    go_back (self);
  else
    g_clear_pointer (&self->target, g_free);
}

static void
take (VitrineSnapshotsPage *self, const char *name, const char *description)
{
  g_autofree char *words = g_strdup_printf (_("Taking “%s”"), name);

  self->cancelled = FALSE;
  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  gtk_progress_bar_set_text (GTK_PROGRESS_BAR (self->progress_bar), words);
  atk_object_set_name (gtk_widget_get_accessible (self->progress_bar), words);
  vitrine_snapshots_take_async (self->snapshots, name, description, taken, g_object_ref (self));
  update (self);
}

static void
confirmed (VitrineSnapshotsPage *self)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (self->name_entry))));
  g_autofree char *description = g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (self->description_entry))));

  if (*name == '\0' || !is_able (self))
    return;
  gtk_popover_popdown (GTK_POPOVER (self->popover));
  self->back_after = FALSE;
  take (self, name, description);
}

static void
popover_shown (VitrineSnapshotsPage *self)
{
  g_autofree char *name = vitrine_snapshot_store_propose_name (vitrine_snapshots_get_folder (self->snapshots));

  gtk_entry_set_text (GTK_ENTRY (self->name_entry), name);
  gtk_entry_set_text (GTK_ENTRY (self->description_entry), "");
  gtk_widget_grab_focus (self->name_entry);
}

static void
name_changed (VitrineSnapshotsPage *self)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (self->name_entry))));

  gtk_widget_set_sensitive (self->confirm_button, *name != '\0');
}

static void
cancel (VitrineSnapshotsPage *self)
{
  self->cancelled = TRUE;
  self->back_after = FALSE;
  vitrine_snapshots_cancel (self->snapshots);
}

/* --- The object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_snapshots_page_dispose (GObject *object)
{
  VitrineSnapshotsPage *self = VITRINE_SNAPSHOTS_PAGE (object);

  if (self->snapshots != NULL)
    {
      g_signal_handlers_disconnect_by_data (self->snapshots, self);
      if (self->backend != NULL)
        g_signal_handlers_disconnect_by_data (self->backend, self);
    }
  g_clear_object (&self->snapshots);
  g_clear_object (&self->backend);
  g_clear_pointer (&self->target, g_free);
  G_OBJECT_CLASS (vitrine_snapshots_page_parent_class)->dispose (object);
}

static void
vitrine_snapshots_page_class_init (VitrineSnapshotsPageClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_snapshots_page_dispose;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/machine/snapshots-page.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, VitrineSnapshotsPage, name)
  BIND (popover);
  BIND (name_entry);
  BIND (description_entry);
  BIND (confirm_button);
  BIND (notice_slot);
  BIND (take_button);
  BIND (progress_box);
  BIND (progress_bar);
  BIND (cancel_button);
  BIND (views);
  BIND (list);
  BIND (empty_page);
#undef BIND
  go_back_signal = g_signal_new ("go-back", VITRINE_TYPE_SNAPSHOTS_PAGE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1,
                                 G_TYPE_STRING);
}

/* libhandy leaves it empty. */
static void
name_empty_page (VitrineSnapshotsPage *self)
{
  AtkObject *accessible = gtk_widget_get_accessible (self->empty_page);

  atk_object_set_name (accessible, hdy_status_page_get_title (HDY_STATUS_PAGE (self->empty_page)));
  atk_object_set_description (accessible, hdy_status_page_get_description (HDY_STATUS_PAGE (self->empty_page)));
}

static void
vitrine_snapshots_page_init (VitrineSnapshotsPage *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  name_empty_page (self);
  self->undo_bar = vitrine_undo_bar_add_to (GTK_OVERLAY (self));
  gtk_widget_set_margin_bottom (self->undo_bar, ABOVE_HINT);
  g_signal_connect_swapped (self->undo_bar, "undo", G_CALLBACK (undo), self);
  g_signal_connect_swapped (self->undo_bar, "gone", G_CALLBACK (too_late), self);
  g_signal_connect_swapped (self->popover, "show", G_CALLBACK (popover_shown), self);
  g_signal_connect_swapped (self->name_entry, "changed", G_CALLBACK (name_changed), self);
  g_signal_connect_swapped (self->name_entry, "activate", G_CALLBACK (confirmed), self);
  g_signal_connect_swapped (self->description_entry, "activate", G_CALLBACK (confirmed), self);
  g_signal_connect_swapped (self->confirm_button, "clicked", G_CALLBACK (confirmed), self);
  g_signal_connect_swapped (self->cancel_button, "clicked", G_CALLBACK (cancel), self);
  g_signal_connect_swapped (self->list, "row-activated", G_CALLBACK (go_back_clicked), self);
  g_signal_connect_swapped (self->list, "key-press-event", G_CALLBACK (list_key), self);
}

GtkWidget *
vitrine_snapshots_page_new (VitrineSnapshots *snapshots, VitrineBackend *backend)
{
  VitrineSnapshotsPage *self = g_object_new (VITRINE_TYPE_SNAPSHOTS_PAGE, NULL);

  self->snapshots = g_object_ref (snapshots);
  self->backend = backend != NULL ? g_object_ref (backend) : NULL;
  g_signal_connect_swapped (snapshots, "changed", G_CALLBACK (fill), self);
  g_signal_connect_swapped (snapshots, "notify::progress", G_CALLBACK (update), self);
  if (backend != NULL)
    g_signal_connect_swapped (backend, "changed", G_CALLBACK (update), self);
  fill (self);
  return GTK_WIDGET (self);
}

GtkWidget *
vitrine_snapshots_page_add_to (GtkStack *stack, VitrineSnapshots *snapshots, VitrineBackend *backend)
{
  GtkWidget *self = vitrine_snapshots_page_new (snapshots, backend);

  gtk_stack_add_titled (stack, self, "snapshots", _("Snapshots"));
  gtk_container_child_set (GTK_CONTAINER (stack), self, "icon-name", "document-open-recent-symbolic", NULL);
  return self;
}
