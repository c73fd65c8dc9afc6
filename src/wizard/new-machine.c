/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New machine. Three pages; each says at once what is wrong with it, and Next waits until nothing is. */
#include "new-machine-private.h"

#include <glib/gi18n.h>

#include "disk-image.h"
#include "notice.h"
#include "page-window.h"
#include "rows.h"


G_DEFINE_FINAL_TYPE (VitrineNewMachine, vitrine_new_machine, HDY_TYPE_WINDOW)

static const char *
get_page (VitrineNewMachine *self)
{
  return gtk_stack_get_visible_child_name (GTK_STACK (self->pages));
}

gboolean
vitrine_new_machine_on_page (VitrineNewMachine *self, const char *name)
{
  return g_strcmp0 (get_page (self), name) == 0;
}

void
vitrine_new_machine_fail (VitrineNewMachine *self, const GError *error)
{
  gtk_spinner_stop (GTK_SPINNER (self->spinner));
  gtk_widget_set_sensitive (self->next_button, TRUE);
  gtk_widget_set_sensitive (self->back_button, TRUE);
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
}

/* --- moving between pages --------------------------------------------------------------------------------------- */

static void
go_to (VitrineNewMachine *self, const char *page)
{
  gboolean last = g_str_equal (page, "summary"), first = g_str_equal (page, "source");

  vitrine_notice_clear (GTK_BOX (self->notice_slot));
  gtk_stack_set_visible_child_name (GTK_STACK (self->pages), page);
  gtk_button_set_label (GTK_BUTTON (self->back_button), first ? _("_Cancel") : _("_Back"));
  gtk_button_set_label (GTK_BUTTON (self->next_button), last ? _("C_reate") : _("_Next"));
  if (last)
    vitrine_new_machine_fill_summary (self);
  vitrine_new_machine_validate (self);
  if (g_str_equal (page, "machine"))
    gtk_widget_grab_focus (self->name);
  else if (last)
    gtk_widget_grab_focus (self->next_button);
}

static void
propose (VitrineNewMachine *self, const char *label, const VitrineInstaller *installer)
{
  g_autofree char *name = vitrine_library_free_name (self->library, label);
  VitrineInstallerPlan plan;

  vitrine_installer_plan (installer, &plan);
  gtk_entry_set_text (GTK_ENTRY (self->name), name);
  vitrine_size_rows_set_memory (&self->size, plan.memory_bytes);
  vitrine_size_rows_set_cpus (&self->size, plan.cpus);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->disk_size), (double) (plan.disk_bytes / GIB));
  gtk_switch_set_active (GTK_SWITCH (self->tpm), plan.tpm);
}

static void
recognized (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineNewMachine) self = data;
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineInstaller) installer = vitrine_installer_recognize_finish (result, &error);

  if (self->library == NULL)
    return;   /* closed meanwhile */
  gtk_spinner_stop (GTK_SPINNER (self->spinner));
  g_clear_object (&self->recognizing);
  if (installer == NULL)
    {
      vitrine_new_machine_fail (self, error);
      return;
    }
  vitrine_installer_free (self->installer);
  self->installer = g_steal_pointer (&installer);
  propose (self, self->installer->label, self->installer);
  vitrine_size_rows_set_firmware (&self->size, vitrine_firmware_ids[self->installer->firmware]);
  gtk_label_set_label (GTK_LABEL (self->system),
                       self->installer->os_name != NULL ? self->installer->os_name : _("Not recognized"));
  gtk_switch_set_active (GTK_SWITCH (self->disk_switch), !self->installer->live);
  go_to (self, "machine");
  if (!self->installer->bootable)
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_WARNING,
                         _("This image does not look like a bootable CD or DVD. The machine may not start from it."), NULL);
}

static char *
label_from_path (const char *path)
{
  g_autofree char *base = g_filename_display_basename (path);
  char *dot = strrchr (base, '.');

  if (dot != NULL && dot > base)
    *dot = '\0';
  return g_steal_pointer (&base);
}

static void
leave_source (VitrineNewMachine *self)
{
  Kind kind = vitrine_new_machine_get_kind (self);
  g_autofree char *path = vitrine_row_get_path (self->files[kind]);
  g_autofree char *label = label_from_path (path);

  gtk_widget_set_visible (self->system_row, kind == KIND_INSTALLER);
  gtk_widget_set_visible (self->format_row, kind == KIND_DISK);
  gtk_widget_set_visible (self->disk_switch_row, kind != KIND_DISK);
  gtk_widget_set_visible (self->disk_size_row, kind != KIND_DISK);
  self->free_space = vitrine_disk_image_free_space ();
  if (kind == KIND_DEFINITION)
    {
      vitrine_new_machine_import (self);
      return;
    }
  if (kind == KIND_INSTALLER)
    {
      self->recognizing = g_cancellable_new ();
      gtk_spinner_start (GTK_SPINNER (self->spinner));
      gtk_widget_set_sensitive (self->next_button, FALSE);
      vitrine_installer_recognize_async (path, self->recognizing, recognized, g_object_ref (self));
      return;
    }
  propose (self, label, &(VitrineInstaller) { 0 });
  vitrine_size_rows_set_firmware (&self->size, vitrine_firmware_ids[VITRINE_FIRMWARE_BIOS]);
  gtk_switch_set_active (GTK_SWITCH (self->disk_switch), FALSE);
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->format), vitrine_disk_image_guess_format (path));
  go_to (self, "machine");
}

static void
next_clicked (VitrineNewMachine *self)
{
  if (vitrine_new_machine_on_page (self, "source"))
    leave_source (self);
  else if (vitrine_new_machine_on_page (self, "machine"))
    go_to (self, "summary");
  else
    vitrine_new_machine_create (self);
}

static void
back_clicked (VitrineNewMachine *self)
{
  if (vitrine_new_machine_on_page (self, "source"))
    gtk_window_close (GTK_WINDOW (self));
  else
    go_to (self, vitrine_new_machine_on_page (self, "summary") ? "machine" : "source");
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_new_machine_dispose (GObject *object)
{
  VitrineNewMachine *self = VITRINE_NEW_MACHINE (object);

  g_cancellable_cancel (self->recognizing);
  g_clear_object (&self->recognizing);
  g_clear_object (&self->library);
  g_clear_pointer (&self->installer, vitrine_installer_free);
  g_clear_pointer (&self->summary_rows, g_ptr_array_unref);
  G_OBJECT_CLASS (vitrine_new_machine_parent_class)->dispose (object);
}

static void
vitrine_new_machine_class_init (VitrineNewMachineClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_new_machine_dispose;
  g_signal_new ("error", VITRINE_TYPE_NEW_MACHINE, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 1, G_TYPE_STRING);
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/wizard/new-machine.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, VitrineNewMachine, name)
  BIND (back_button);
  BIND (next_button);
  BIND (spinner);
  BIND (notice_slot);
  BIND (pages);
  BIND (kind_group);
  BIND (file_group);
  BIND (name_group);
  BIND (size_group);
  BIND (disk_group);
  BIND (summary_group);
  BIND (start_group);
#undef BIND
}

static void
vitrine_new_machine_init (VitrineNewMachine *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  vitrine_window_close_by_escape (GTK_WIDGET (self), NULL);
  vitrine_new_machine_build_pages (self);
  g_signal_connect_swapped (self->next_button, "clicked", G_CALLBACK (next_clicked), self);
  g_signal_connect_swapped (self->back_button, "clicked", G_CALLBACK (back_clicked), self);
  gtk_window_set_default (GTK_WINDOW (self), self->next_button);
}

GtkWidget *
vitrine_new_machine_new (GtkWindow *parent, VitrineLibrary *library, const char *path)
{
  VitrineNewMachine *self = g_object_new (VITRINE_TYPE_NEW_MACHINE, "transient-for", parent, NULL);
  Kind kind = path == NULL || g_str_has_suffix (path, ".iso") ? KIND_INSTALLER
              : g_str_has_suffix (path, ".xml")               ? KIND_DEFINITION
                                                              : KIND_DISK;

  self->library = g_object_ref (library);
  gtk_toggle_button_set_active (GTK_TOGGLE_BUTTON (self->kind_buttons[kind]), TRUE);
  if (path != NULL)
    gtk_entry_set_text (GTK_ENTRY (self->files[kind]), path);
  gtk_widget_grab_focus (self->files[kind]);
  return GTK_WIDGET (self);
}
