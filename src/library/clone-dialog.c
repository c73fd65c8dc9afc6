/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "clone-dialog.h"

#include <glib/gi18n.h>

#include "clone.h"
#include "notice.h"
#include "rows.h"
#include "snapshot-store.h"

#define PERIOD_MS 100
#define NOW       "now"          /* ids of moments: this, or a snapshot's name behind a letter */
#define SNAPSHOT  "s"

struct _VitrineCloneDialog
{
  GtkDialog parent_instance;

  GtkWidget      *rows, *bar, *notice_slot;
  GtkWidget      *name, *moment, *linked, *linked_row;
  VitrineLibrary *library;
  VitrineMachine *machine;
  GCancellable   *cancellable;   /* NULL: nothing goes on */
  gint            per_mille;     /* from the thread */
  guint           tick;
};

G_DEFINE_FINAL_TYPE (VitrineCloneDialog, vitrine_clone_dialog, GTK_TYPE_DIALOG)

/* --- in the thread ---------------------------------------------------------------------------------------------- */

typedef struct
{
  VitrineCloneDialog *dialog;    /* kept by the task */
  VitrineDomain      *domain;    /* own copy */
  char               *folder, *name, *snapshot;
  gboolean            linked;
  GCancellable       *cancellable;
} Work;

static void
work_free (gpointer data)
{
  Work *work = data;

  g_object_unref (work->domain);
  g_object_unref (work->cancellable);
  g_free (work->folder);
  g_free (work->name);
  g_free (work->snapshot);
  g_free (work);
}

static gboolean
watch (gpointer data, double fraction)
{
  const Work *work = data;

  g_atomic_int_set (&work->dialog->per_mille, (gint) (1000 * fraction));
  return !g_cancellable_is_cancelled (work->cancellable);
}

static VitrineCloneOptions
options_of (const Work *work)
{
  return (VitrineCloneOptions) { work->name, work->linked, work->snapshot };
}

static void
run (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  Work *work = data;
  const VitrineCloneOptions options = options_of (work);
  GError *error = NULL;
  VitrineDomain *clone = vitrine_clone (work->domain, work->folder, &options, watch, work, &error);

  if (clone != NULL)
    g_task_return_pointer (task, clone, g_object_unref);
  else
    g_task_return_error (task, error);
}

/* --- in the window ------------------------------------------------------------------------------------------------ */

static void
set_busy (VitrineCloneDialog *self, gboolean busy)
{
  gtk_widget_set_sensitive (self->rows, !busy);
  gtk_dialog_set_response_sensitive (GTK_DIALOG (self), GTK_RESPONSE_OK, !busy);
  gtk_widget_set_opacity (self->bar, busy ? 1 : 0);
  if (busy)
    vitrine_notice_clear (GTK_BOX (self->notice_slot));
}

static void
over (GObject *source, GAsyncResult *answer, gpointer unused)
{
  VitrineCloneDialog *self = VITRINE_CLONE_DIALOG (source);
  const Work *work = g_task_get_task_data (G_TASK (answer));
  const VitrineCloneOptions options = options_of (work);
  gboolean cancelled = g_cancellable_is_cancelled (work->cancellable);
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) clone = g_task_propagate_pointer (G_TASK (answer), &error);

  g_clear_object (&self->cancellable);
  if (clone != NULL && (cancelled || self->library == NULL))
    vitrine_clone_undo (clone);   /* stopped too late to stop it */
  else if (clone != NULL && vitrine_clone_add (self->library, clone, work->folder, &options, &error) != NULL)
    cancelled = TRUE;
  if (cancelled || self->library == NULL)
    gtk_widget_destroy (GTK_WIDGET (self));
  else
    {
      set_busy (self, FALSE);
      vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
    }
  g_application_release (g_application_get_default ());
}

static Work *
new_work (VitrineCloneDialog *self)
{
  const char *moment = gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->moment));
  Work *work = g_new0 (Work, 1);

  work->dialog = self;
  work->domain = vitrine_domain_copy (vitrine_machine_get_domain (self->machine));
  work->folder = vitrine_machine_get_folder (self->machine);
  work->name = g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (self->name))));
  work->snapshot = g_strcmp0 (moment, NOW) != 0 ? g_strdup (moment + strlen (SNAPSHOT)) : NULL;
  work->linked = work->snapshot == NULL && gtk_switch_get_active (GTK_SWITCH (self->linked));
  work->cancellable = g_object_ref (self->cancellable);
  return work;
}

/* A name that is taken is told before disks are copied. */
static gboolean
check_name (VitrineCloneDialog *self)
{
  g_autofree char *name = g_strstrip (g_strdup (gtk_entry_get_text (GTK_ENTRY (self->name))));
  g_autofree char *free_name = vitrine_library_free_name (self->library, name);
  g_autofree char *words = g_strdup_printf (_("There is a machine called “%s” already. Choose another name."), name);
  g_autoptr(GError) error = NULL;

  if (vitrine_domain_check_name (name, &error) && g_str_equal (name, free_name))
    return TRUE;
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error != NULL ? error->message : words, NULL);
  return FALSE;
}

static void
begin (VitrineCloneDialog *self)
{
  if (!check_name (self))
    return;
  g_autoptr(GTask) task = g_task_new (self, NULL, over, NULL);
  self->cancellable = g_cancellable_new ();
  set_busy (self, TRUE);
  g_task_set_task_data (task, new_work (self), work_free);
  g_application_hold (g_application_get_default ());     /* what it has made so far goes before the program does */
  g_task_run_in_thread (task, run);
}

/* While disks are copied the dialog goes when the thread has stopped: until then its files are there. */
static void
vitrine_clone_dialog_response (GtkDialog *dialog, int response)
{
  VitrineCloneDialog *self = VITRINE_CLONE_DIALOG (dialog);

  if (response == GTK_RESPONSE_OK && self->cancellable == NULL)
    begin (self);
  else if (response != GTK_RESPONSE_OK && self->cancellable != NULL)
    {
      g_cancellable_cancel (self->cancellable);
      gtk_dialog_set_response_sensitive (dialog, GTK_RESPONSE_CANCEL, FALSE);
    }
  else if (response != GTK_RESPONSE_OK)
    gtk_widget_destroy (GTK_WIDGET (dialog));
}

static gboolean
vitrine_clone_dialog_delete (GtkWidget *widget, GdkEventAny *event)
{
  vitrine_clone_dialog_response (GTK_DIALOG (widget), GTK_RESPONSE_CANCEL);
  return GDK_EVENT_STOP;
}

static gboolean
show_progress (gpointer data)
{
  VitrineCloneDialog *self = data;

  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar), g_atomic_int_get (&self->per_mille) / 1000.0);
  return G_SOURCE_CONTINUE;
}

/* --- what is asked ------------------------------------------------------------------------------------------------- */

static void
moment_changed (VitrineCloneDialog *self)
{
  gtk_widget_set_sensitive (self->linked_row, g_strcmp0 (gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->moment)), NOW) == 0);
}

static void
add_moments (VitrineCloneDialog *self)
{
  static const char *const ids[] = { NOW, NULL };
  static const char *const labels[] = { N_("The machine as it is now"), NULL };
  g_autofree char *folder = vitrine_machine_get_folder (self->machine), *snapshots = g_build_filename (folder, "snapshots", NULL);
  g_autoptr(GPtrArray) list = vitrine_snapshot_store_list (snapshots);

  gtk_container_add (GTK_CONTAINER (self->rows), vitrine_row_new_combo (_("_Of"), ids, labels, &self->moment));
  for (guint i = 0; i < list->len; i++)
    {
      const VitrineSnapshot *snapshot = list->pdata[i];
      g_autofree char *id = g_strconcat (SNAPSHOT, snapshot->name, NULL);
      g_autofree char *words = g_strdup_printf (_("Snapshot “%s”"), snapshot->name);
      gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (self->moment), id, words);
    }
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->moment), NOW);
  g_signal_connect_swapped (self->moment, "changed", G_CALLBACK (moment_changed), self);
}

static void
fill (VitrineCloneDialog *self)
{
  g_autofree char *wish = g_strdup_printf (_("%s (clone)"), vitrine_machine_get_title (self->machine));
  g_autofree char *name = vitrine_library_free_name (self->library, wish);

  gtk_container_add (GTK_CONTAINER (self->rows), vitrine_row_new_entry (_("_Name"), &self->name));
  gtk_entry_set_text (GTK_ENTRY (self->name), name);
  gtk_entry_set_activates_default (GTK_ENTRY (self->name), TRUE);
  add_moments (self);
  self->linked_row = vitrine_row_new_switch (_("_Linked"), _("Quick and small, but this machine cannot be started while the clone is there."),
                                             &self->linked);
  gtk_container_add (GTK_CONTAINER (self->rows), self->linked_row);
}

/* --- object ---------------------------------------------------------------------------------------------------------- */

static void
vitrine_clone_dialog_dispose (GObject *object)
{
  VitrineCloneDialog *self = VITRINE_CLONE_DIALOG (object);

  if (self->cancellable != NULL)
    g_cancellable_cancel (self->cancellable);   /* the parent is gone */
  g_clear_handle_id (&self->tick, g_source_remove);
  g_clear_object (&self->library);
  g_clear_object (&self->machine);
  G_OBJECT_CLASS (vitrine_clone_dialog_parent_class)->dispose (object);
}

static void
vitrine_clone_dialog_class_init (VitrineCloneDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_clone_dialog_dispose;
  GTK_DIALOG_CLASS (klass)->response = vitrine_clone_dialog_response;
  widget_class->delete_event = vitrine_clone_dialog_delete;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/library/clone-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, VitrineCloneDialog, rows);
  gtk_widget_class_bind_template_child (widget_class, VitrineCloneDialog, bar);
  gtk_widget_class_bind_template_child (widget_class, VitrineCloneDialog, notice_slot);
}

static void
vitrine_clone_dialog_init (VitrineCloneDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->tick = g_timeout_add (PERIOD_MS, show_progress, self);
}

void
vitrine_clone_dialog_run (GtkWindow *parent, VitrineLibrary *library, VitrineMachine *machine)
{
  VitrineCloneDialog *self = g_object_new (VITRINE_TYPE_CLONE_DIALOG, "transient-for", parent, "modal", TRUE,
                                           "destroy-with-parent", TRUE, "use-header-bar", TRUE, NULL);
  g_autofree char *title = g_strdup_printf (_("Clone %s"), vitrine_machine_get_title (machine));

  self->library = g_object_ref (library);
  self->machine = g_object_ref (machine);
  gtk_window_set_title (GTK_WINDOW (self), title);
  gtk_dialog_add_button (GTK_DIALOG (self), _("_Cancel"), GTK_RESPONSE_CANCEL);
  gtk_dialog_add_button (GTK_DIALOG (self), _("C_lone"), GTK_RESPONSE_OK);
  gtk_dialog_set_default_response (GTK_DIALOG (self), GTK_RESPONSE_OK);
  fill (self);
  gtk_window_present (GTK_WINDOW (self));
}
