/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "import-dialog.h"

#include <glib/gi18n.h>

#define PERIOD_MS 100

struct _VitrineImportDialog
{
  GtkDialog parent_instance;

  GtkWidget        *title, *bar;
  GCancellable     *cancellable;
  VitrineImportDone done;        /* NULL: has been called, or nobody waits */
  gpointer          data;
  gint              per_mille;   /* from the thread */
  guint             tick;
};

G_DEFINE_FINAL_TYPE (VitrineImportDialog, vitrine_import_dialog, GTK_TYPE_DIALOG)

typedef struct
{
  VitrineDomain *domain;
  char         **notes;
} Result;

static void
result_free (Result *result)
{
  g_clear_object (&result->domain);
  g_strfreev (result->notes);
  g_free (result);
}

/* --- in the thread ---------------------------------------------------------------------------------------------- */

static gboolean
watch (gpointer data, double fraction)
{
  VitrineImportDialog *self = data;

  g_atomic_int_set (&self->per_mille, (gint) (1000 * fraction));
  return !g_cancellable_is_cancelled (self->cancellable);
}

static void
work (GTask *task, gpointer source, gpointer path, GCancellable *cancellable)
{
  Result *result = g_new0 (Result, 1);
  GError *error = NULL;

  result->domain = vitrine_import (path, NULL, watch, source, &result->notes, &error);
  if (result->domain != NULL)
    g_task_return_pointer (task, result, (GDestroyNotify) result_free);
  else
    {
      result_free (result);
      g_task_return_error (task, error);
    }
}

/* --- in the window ------------------------------------------------------------------------------------------------ */

static void
over (GObject *source, GAsyncResult *answer, gpointer unused)
{
  VitrineImportDialog *self = VITRINE_IMPORT_DIALOG (source);
  VitrineImportDone done = g_steal_pointer (&self->done);
  gboolean cancelled = g_cancellable_is_cancelled (self->cancellable);
  g_autoptr(GError) error = NULL;
  Result *result = g_task_propagate_pointer (G_TASK (answer), &error);

  /* Stopped too late to stop it. */
  if (result != NULL && (cancelled || done == NULL))
    vitrine_import_undo (result->domain);
  else if (done != NULL)
    done (result != NULL ? result->domain : NULL, result != NULL ? result->notes : NULL, cancelled ? NULL : error, self->data);
  if (result != NULL)
    result_free (result);
  gtk_widget_destroy (GTK_WIDGET (self));
  g_application_release (g_application_get_default ());
}

static gboolean
show_progress (gpointer data)
{
  VitrineImportDialog *self = data;

  gtk_progress_bar_set_fraction (GTK_PROGRESS_BAR (self->bar), g_atomic_int_get (&self->per_mille) / 1000.0);
  return G_SOURCE_CONTINUE;
}

/* The dialog goes when the thread has stopped: until then its files are there. */
static void
vitrine_import_dialog_response (GtkDialog *dialog, int response)
{
  VitrineImportDialog *self = VITRINE_IMPORT_DIALOG (dialog);

  g_cancellable_cancel (self->cancellable);
  gtk_dialog_set_response_sensitive (dialog, GTK_RESPONSE_CANCEL, FALSE);
}

static gboolean
vitrine_import_dialog_delete (GtkWidget *widget, GdkEventAny *event)
{
  vitrine_import_dialog_response (GTK_DIALOG (widget), GTK_RESPONSE_CANCEL);
  return GDK_EVENT_STOP;
}

static void
vitrine_import_dialog_dispose (GObject *object)
{
  VitrineImportDialog *self = VITRINE_IMPORT_DIALOG (object);

  self->done = NULL;     /* the parent is gone, and who waits with it */
  g_cancellable_cancel (self->cancellable);
  g_clear_handle_id (&self->tick, g_source_remove);
  G_OBJECT_CLASS (vitrine_import_dialog_parent_class)->dispose (object);
}

static void
vitrine_import_dialog_finalize (GObject *object)
{
  g_object_unref (VITRINE_IMPORT_DIALOG (object)->cancellable);
  G_OBJECT_CLASS (vitrine_import_dialog_parent_class)->finalize (object);
}

static void
vitrine_import_dialog_class_init (VitrineImportDialogClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_import_dialog_dispose;
  G_OBJECT_CLASS (klass)->finalize = vitrine_import_dialog_finalize;
  GTK_DIALOG_CLASS (klass)->response = vitrine_import_dialog_response;
  widget_class->delete_event = vitrine_import_dialog_delete;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/library/import-dialog.ui");
  gtk_widget_class_bind_template_child (widget_class, VitrineImportDialog, title);
  gtk_widget_class_bind_template_child (widget_class, VitrineImportDialog, bar);
}

static void
vitrine_import_dialog_init (VitrineImportDialog *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  self->cancellable = g_cancellable_new ();
  self->tick = g_timeout_add (PERIOD_MS, show_progress, self);
}

gboolean
vitrine_import_dialog_takes (const char *path)
{
  g_autofree char *small = g_ascii_strdown (path, -1);

  for (guint i = 0; vitrine_import_suffixes[i] != NULL; i++)
    if (g_str_has_suffix (small, vitrine_import_suffixes[i]))
      return TRUE;
  return FALSE;
}

void
vitrine_import_dialog_run (GtkWindow *parent, const char *path, VitrineImportDone done, gpointer data)
{
  VitrineImportDialog *self = g_object_new (VITRINE_TYPE_IMPORT_DIALOG, "transient-for", parent, "modal", TRUE,
                                            "destroy-with-parent", TRUE, "use-header-bar", TRUE, NULL);
  g_autofree char *name = g_filename_display_basename (path);
  g_autofree char *title = g_strdup_printf (_("Importing “%s”"), name);
  g_autoptr(GTask) task = g_task_new (self, NULL, over, NULL);

  self->done = done;
  self->data = data;
  gtk_label_set_label (GTK_LABEL (self->title), title);
  gtk_dialog_add_button (GTK_DIALOG (self), _("_Cancel"), GTK_RESPONSE_CANCEL);
  g_task_set_task_data (task, g_strdup (path), g_free);
  g_application_hold (g_application_get_default ());     /* what it has made so far goes before the program does */
  g_task_run_in_thread (task, work);
  gtk_window_present (GTK_WINDOW (self));
}
