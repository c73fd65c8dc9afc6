/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the pages of a new machine say becomes a machine of the library. */
#include "new-machine-private.h"

#include <glib/gi18n.h>

#include "disk-image.h"
#include "rows.h"

static void
add_image (VitrineDomain *domain, const char *path, const char *format, const char *bus, gboolean cdrom, guint order)
{
  g_autoptr(VitrineDisk) disk = vitrine_disk_new (path, format, bus, cdrom);

  disk->boot_order = order;
  vitrine_domain_add_disk (domain, disk);
}

static void
add_source (VitrineNewMachine *self, VitrineDomain *domain)
{
  Kind kind = vitrine_new_machine_get_kind (self);
  g_autofree char *path = vitrine_row_get_path (self->files[kind]);
  g_autofree char *initrd = vitrine_row_get_path (self->initrd);
  const char *format = gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->format));

  if (kind == KIND_INSTALLER)
    add_image (domain, path, "raw", "sata", TRUE, 2);   /* after the disk: once installed, the disk boots */
  else if (kind == KIND_DISK)
    add_image (domain, path, format, "virtio", FALSE, 1);
  else if (kind == KIND_KERNEL)
    vitrine_domain_set_direct_boot (domain, path, initrd, gtk_entry_get_text (GTK_ENTRY (self->cmdline)));
}

static VitrineDomain *
make_domain (VitrineNewMachine *self, const char *disk_path)
{
  VitrineDomain *domain = vitrine_domain_new (gtk_entry_get_text (GTK_ENTRY (self->name)));
  VitrineFirmware firmware = VITRINE_FIRMWARE_BIOS;

  vitrine_domain_set_memory_bytes (domain, vitrine_size_rows_get_memory (&self->size));
  vitrine_domain_set_cpus (domain, vitrine_size_rows_get_cpus (&self->size));
  vitrine_firmware_from_id (vitrine_size_rows_get_firmware (&self->size), &firmware);
  vitrine_domain_set_firmware (domain, firmware);
  if (gtk_switch_get_active (GTK_SWITCH (self->tpm)))
    vitrine_domain_add_tpm (domain);
  if (disk_path != NULL)
    add_image (domain, disk_path, "qcow2", "virtio", FALSE, 1);
  add_source (self, domain);
  if (self->installer != NULL && self->installer->os_id != NULL && vitrine_new_machine_get_kind (self) == KIND_INSTALLER)
    vitrine_domain_set_os_id (domain, self->installer->os_id);
  return domain;
}

static void
store (VitrineNewMachine *self, VitrineDomain *domain, const char *new_disk)
{
  g_autoptr(GError) error = NULL;
  VitrineMachine *machine = vitrine_library_add (self->library, domain, &error);

  if (machine == NULL)
    {
      if (new_disk != NULL)
        unlink (new_disk);
      vitrine_new_machine_fail (self, error);
      return;
    }
  if (gtk_switch_get_active (GTK_SWITCH (self->start_switch)) && !vitrine_machine_start (machine, &error))
    {
      g_autofree char *words = g_strdup_printf (_("“%s” was made, but did not start: %s"),
                                                vitrine_machine_get_title (machine), error->message);
      g_signal_emit_by_name (self, "error", words);
    }
  gtk_widget_destroy (GTK_WIDGET (self));
}

static void
disk_created (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineNewMachine) self = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_task_propagate_pointer (G_TASK (result), &error);

  if (self->library == NULL)      /* closed meanwhile */
    {
      if (path != NULL)
        unlink (path);
      return;
    }
  if (path == NULL)
    {
      vitrine_new_machine_fail (self, error);
      return;
    }
  g_autoptr(VitrineDomain) domain = make_domain (self, path);
  store (self, domain, path);
}

typedef struct
{
  char   *words;
  guint64 bytes;
} DiskJob;

static void
disk_job_free (gpointer data)
{
  DiskJob *job = data;

  g_free (job->words);
  g_free (job);
}

static void
create_disk (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const DiskJob *job = data;
  GError *error = NULL;
  char *path = vitrine_disk_image_create (job->words, job->bytes, &error);

  if (path != NULL)
    g_task_return_pointer (task, path, g_free);
  else
    g_task_return_error (task, error);
}

void
vitrine_new_machine_create (VitrineNewMachine *self)
{
  gtk_widget_set_sensitive (self->next_button, FALSE);
  gtk_widget_set_sensitive (self->back_button, FALSE);
  gtk_spinner_start (GTK_SPINNER (self->spinner));
  if (!vitrine_new_machine_makes_disk (self))
    {
      g_autoptr(VitrineDomain) domain = make_domain (self, NULL);
      store (self, domain, NULL);
      return;
    }
  g_autoptr(GTask) task = g_task_new (NULL, NULL, disk_created, g_object_ref (self));
  DiskJob *job = g_new0 (DiskJob, 1);
  job->words = g_strdup (gtk_entry_get_text (GTK_ENTRY (self->name)));
  job->bytes = vitrine_new_machine_get_disk_bytes (self);
  g_task_set_task_data (task, job, disk_job_free);
  g_task_run_in_thread (task, create_disk);
}

void
vitrine_new_machine_import (VitrineNewMachine *self)
{
  g_autofree char *path = vitrine_row_get_path (self->files[KIND_DEFINITION]);
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_file (path, &error);

  if (domain == NULL || vitrine_library_add (self->library, domain, &error) == NULL)
    vitrine_new_machine_fail (self, error);
  else
    gtk_widget_destroy (GTK_WIDGET (self));
}
