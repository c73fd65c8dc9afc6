/* SPDX-License-Identifier: GPL-3.0-or-later */
/* New machine. Three pages; each says at once what is wrong with it, and Next waits until nothing is. */
#include "new-machine.h"

#include <glib/gi18n.h>

#include "disk-image.h"
#include "installer.h"
#include "notice.h"
#include "page-window.h"
#include "rows.h"
#include "size-rows.h"
#include "tpm-process.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define GIB (G_GUINT64_CONSTANT (1) << 30)
#define DEFAULT_MEMORY_MIB 1024
#define DEFAULT_DISK_GIB 20
#define LEAST_FREE (256 * MIB)   /* below that, even a sparse disk is of no use */

typedef enum
{
  KIND_INSTALLER,
  KIND_DISK,
  KIND_KERNEL,
  KIND_DEFINITION,
  N_KINDS
} Kind;

static const struct
{
  const char *title, *subtitle, *file_title, *pattern_name, *patterns;
} kinds[N_KINDS] = {
  [KIND_INSTALLER] = { N_("I_nstaller or live system"), N_("A CD or DVD image, such as debian-12-netinst.iso"),
                       N_("_Image"), N_("CD and DVD images"), "*.iso;*.ISO;*.img" },
  [KIND_DISK] = { N_("Existing _disk"), N_("A raw or qcow2 image that has a system on it"), N_("D_isk image"),
                  N_("Disk images"), "*.img;*.raw;*.qcow2;*.IMG" },
  [KIND_KERNEL] = { N_("_Kernel"), N_("Boots a Linux, multiboot or PVH kernel directly"), N_("Kernel _file"), NULL, NULL },
  [KIND_DEFINITION] = { N_("libvirt d_efinition"), N_("A domain XML file, as “virsh dumpxml” writes it"),
                        N_("_XML file"), N_("Definitions (*.xml)"), "*.xml" },
};

struct _VitrineNewMachine
{
  HdyWindow parent_instance;

  GtkWidget        *back_button, *next_button, *spinner, *notice_slot, *pages;
  GtkWidget        *kind_group, *file_group, *name_group, *size_group, *disk_group, *summary_group, *start_group;

  GtkWidget        *kind_buttons[N_KINDS], *file_rows[N_KINDS], *files[N_KINDS];
  GtkWidget        *initrd_row, *initrd, *cmdline_row, *cmdline, *file_problem;
  GtkWidget        *name, *system_row, *system, *name_problem;
  VitrineSizeRows   size;
  GtkWidget        *tpm;
  GtkWidget        *format_row, *format, *disk_switch_row, *disk_switch, *disk_size_row, *disk_size, *disk_note;
  GtkWidget        *start_switch;
  GPtrArray        *summary_rows;

  VitrineLibrary   *library;
  VitrineInstaller *installer;
  GCancellable     *recognizing;
  guint64           free_space;
};

G_DEFINE_FINAL_TYPE (VitrineNewMachine, vitrine_new_machine, HDY_TYPE_WINDOW)

static Kind
get_kind (VitrineNewMachine *self)
{
  for (Kind kind = 0; kind < N_KINDS; kind++)
    if (gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->kind_buttons[kind])))
      return kind;
  return KIND_INSTALLER;
}

static const char *
get_page (VitrineNewMachine *self)
{
  return gtk_stack_get_visible_child_name (GTK_STACK (self->pages));
}

static gboolean
on_page (VitrineNewMachine *self, const char *name)
{
  return g_strcmp0 (get_page (self), name) == 0;
}

/* A problem that the person is not to blame for yet - nothing typed so far - keeps Next insensitive without a word. */
static void
show_problem (GtkWidget *label, const char *message)
{
  gtk_label_set_label (GTK_LABEL (label), message != NULL ? message : "");
  gtk_widget_set_visible (label, message != NULL && *message != '\0');
}

/* --- page 1: what to start from --------------------------------------------------------------------------------- */

static gboolean
check_file (VitrineNewMachine *self, GError **error)
{
  Kind kind = get_kind (self);
  g_autofree char *path = vitrine_row_get_path (self->files[kind]);
  g_autofree char *initrd = vitrine_row_get_path (self->initrd);

  if (path == NULL)
    return FALSE;
  if (!vitrine_disk_image_check (path, error))
    return FALSE;
  return kind != KIND_KERNEL || initrd == NULL || vitrine_disk_image_check (initrd, error);
}

static gboolean
validate_source (VitrineNewMachine *self)
{
  g_autoptr(GError) error = NULL;
  gboolean ok = check_file (self, &error);

  show_problem (self->file_problem, error != NULL ? error->message : NULL);
  return ok;
}

/* --- page 2: what it is ----------------------------------------------------------------------------------------- */

static gboolean
check_name (VitrineNewMachine *self, GError **error)
{
  const char *name = gtk_entry_get_text (GTK_ENTRY (self->name));

  if (!vitrine_domain_check_name (name, error))
    return FALSE;
  g_autofree char *free_name = vitrine_library_free_name (self->library, name);
  if (g_str_equal (free_name, name))
    return TRUE;
  g_set_error (error, G_IO_ERROR, G_IO_ERROR_EXISTS, _("There is a machine called “%s” already. “%s” is free."), name,
               free_name);
  return FALSE;
}

static gboolean
makes_disk (VitrineNewMachine *self)
{
  return get_kind (self) != KIND_DISK && gtk_switch_get_active (GTK_SWITCH (self->disk_switch));
}

static guint64
get_disk_bytes (VitrineNewMachine *self)
{
  return (guint64) gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (self->disk_size)) * GIB;
}

static gboolean
check_space (VitrineNewMachine *self)
{
  g_autofree char *free_words = g_format_size (self->free_space);
  g_autofree char *note = NULL;
  gboolean enough = self->free_space == 0 || self->free_space >= LEAST_FREE;

  if (!makes_disk (self))
    enough = TRUE;
  else if (!enough)
    note = g_strdup_printf (_("Only %s are free where disks are kept. Make room first, or go without a disk."), free_words);
  else if (self->free_space > 0 && get_disk_bytes (self) > self->free_space)
    note = g_strdup_printf (_("Only %s are free. The disk takes room as it fills, and will not fill completely."), free_words);
  else if (self->free_space > 0)
    note = g_strdup_printf (_("%s are free. The disk takes room only as it fills."), free_words);
  show_problem (self->disk_note, note);
  return enough;
}

static gboolean
validate_machine (VitrineNewMachine *self)
{
  g_autoptr(GError) error = NULL;
  gboolean named = check_name (self, &error);
  gboolean blank = *gtk_entry_get_text (GTK_ENTRY (self->name)) == '\0';
  gboolean room = check_space (self);

  show_problem (self->name_problem, error != NULL && !blank ? error->message : NULL);
  return named && room;
}

static void
validate (VitrineNewMachine *self)
{
  gboolean ok = TRUE;

  if (self->summary_rows == NULL)
    return;   /* still being built */
  if (on_page (self, "source"))
    ok = validate_source (self);
  else if (on_page (self, "machine"))
    ok = validate_machine (self);
  gtk_widget_set_sensitive (self->next_button, ok && self->recognizing == NULL);
}

/* --- page 3: summary -------------------------------------------------------------------------------------------- */

static void
add_summary (VitrineNewMachine *self, const char *title, const char *text)
{
  GtkWidget *label;
  GtkWidget *row = vitrine_row_new_text (title, &label);

  gtk_label_set_label (GTK_LABEL (label), text);
  gtk_widget_set_tooltip_text (label, text);
  gtk_container_add (GTK_CONTAINER (self->summary_group), row);
  g_ptr_array_add (self->summary_rows, row);
}

static void
fill_summary (VitrineNewMachine *self)
{
  Kind kind = get_kind (self);
  g_autofree char *path = vitrine_row_get_path (self->files[kind]);
  guint cpus = vitrine_size_rows_get_cpus (&self->size);
  g_autofree char *cpu_words = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u processor", "%u processors", cpus), cpus);
  g_autofree char *memory = g_format_size_full (vitrine_size_rows_get_memory (&self->size), G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *disk = g_format_size_full (get_disk_bytes (self), G_FORMAT_SIZE_IEC_UNITS);

  for (guint i = 0; i < self->summary_rows->len; i++)
    gtk_widget_destroy (self->summary_rows->pdata[i]);
  g_ptr_array_set_size (self->summary_rows, 0);
  add_summary (self, _("Name"), gtk_entry_get_text (GTK_ENTRY (self->name)));
  add_summary (self, _("Starts from"), path);
  add_summary (self, _("Processors"), cpu_words);
  add_summary (self, _("Memory"), memory);
  add_summary (self, _("Firmware"), gtk_combo_box_text_get_active_text (GTK_COMBO_BOX_TEXT (self->size.firmware)));
  add_summary (self, _("TPM"), gtk_switch_get_active (GTK_SWITCH (self->tpm)) ? _("TPM 2.0") : _("None"));
  add_summary (self, _("New disk"), makes_disk (self) ? disk : _("None"));
}

/* --- creating --------------------------------------------------------------------------------------------------- */

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
  Kind kind = get_kind (self);
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
  if (self->installer != NULL && self->installer->os_id != NULL && get_kind (self) == KIND_INSTALLER)
    vitrine_domain_set_os_id (domain, self->installer->os_id);
  return domain;
}

static void
fail (VitrineNewMachine *self, const GError *error)
{
  gtk_spinner_stop (GTK_SPINNER (self->spinner));
  gtk_widget_set_sensitive (self->next_button, TRUE);
  gtk_widget_set_sensitive (self->back_button, TRUE);
  vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
}

static void
store (VitrineNewMachine *self, VitrineDomain *domain, const char *new_disk)
{
  g_autoptr(GError) error = NULL;
  VitrineMachine *machine = vitrine_library_add (self->library, domain, &error);

  if (machine != NULL && gtk_switch_get_active (GTK_SWITCH (self->start_switch)) && !vitrine_machine_start (machine, &error))
    {
      fail (self, error);
      return;
    }
  if (machine == NULL)
    {
      if (new_disk != NULL)
        unlink (new_disk);
      fail (self, error);
      return;
    }
  gtk_widget_destroy (GTK_WIDGET (self));
}

static void
disk_created (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineNewMachine) self = data;
  g_autoptr(GError) error = NULL;
  g_autofree char *path = g_task_propagate_pointer (G_TASK (result), &error);

  if (gtk_widget_in_destruction (GTK_WIDGET (self)))
    return;
  if (path == NULL)
    {
      fail (self, error);
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

static void
create (VitrineNewMachine *self)
{
  gtk_widget_set_sensitive (self->next_button, FALSE);
  gtk_widget_set_sensitive (self->back_button, FALSE);
  gtk_spinner_start (GTK_SPINNER (self->spinner));
  if (!makes_disk (self))
    {
      g_autoptr(VitrineDomain) domain = make_domain (self, NULL);
      store (self, domain, NULL);
      return;
    }
  g_autoptr(GTask) task = g_task_new (NULL, NULL, disk_created, g_object_ref (self));
  DiskJob *job = g_new0 (DiskJob, 1);
  job->words = g_strdup (gtk_entry_get_text (GTK_ENTRY (self->name)));
  job->bytes = get_disk_bytes (self);
  g_task_set_task_data (task, job, disk_job_free);
  g_task_run_in_thread (task, create_disk);
}

static void
import (VitrineNewMachine *self)
{
  g_autofree char *path = vitrine_row_get_path (self->files[KIND_DEFINITION]);
  g_autoptr(GError) error = NULL;
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_file (path, &error);

  if (domain == NULL || vitrine_library_add (self->library, domain, &error) == NULL)
    fail (self, error);
  else
    gtk_widget_destroy (GTK_WIDGET (self));
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
    fill_summary (self);
  validate (self);
  if (g_str_equal (page, "machine"))
    gtk_widget_grab_focus (self->name);
  else if (last)
    gtk_widget_grab_focus (self->next_button);
}

static void
propose (VitrineNewMachine *self, const char *label, guint64 memory, guint64 disk, guint cpus)
{
  g_autofree char *name = vitrine_library_free_name (self->library, label);

  memory = MIN (memory, MAX (vitrine_size_rows_host_memory () / 2, 512 * MIB));
  gtk_entry_set_text (GTK_ENTRY (self->name), name);
  vitrine_size_rows_set_memory (&self->size, memory);
  vitrine_size_rows_set_cpus (&self->size, MIN (MAX (cpus, 1), g_get_num_processors ()));
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->disk_size), (disk + GIB - 1) / GIB);
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
      fail (self, error);
      return;
    }
  vitrine_installer_free (self->installer);
  self->installer = g_steal_pointer (&installer);
  propose (self, self->installer->label, MAX (self->installer->memory_bytes, DEFAULT_MEMORY_MIB * MIB),
           self->installer->disk_bytes > 0 ? self->installer->disk_bytes : DEFAULT_DISK_GIB * GIB, self->installer->cpus);
  vitrine_size_rows_set_firmware (&self->size, vitrine_firmware_ids[self->installer->firmware]);
  gtk_label_set_label (GTK_LABEL (self->system),
                       self->installer->os_name != NULL ? self->installer->os_name : _("Not recognized"));
  gtk_switch_set_active (GTK_SWITCH (self->disk_switch), !self->installer->live);
  gtk_switch_set_active (GTK_SWITCH (self->tpm), self->installer->wants_tpm && vitrine_tpm_is_installed ());
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
  Kind kind = get_kind (self);
  g_autofree char *path = vitrine_row_get_path (self->files[kind]);
  g_autofree char *label = label_from_path (path);

  gtk_widget_set_visible (self->system_row, kind == KIND_INSTALLER);
  gtk_widget_set_visible (self->format_row, kind == KIND_DISK);
  gtk_widget_set_visible (self->disk_switch_row, kind != KIND_DISK);
  gtk_widget_set_visible (self->disk_size_row, kind != KIND_DISK);
  self->free_space = vitrine_disk_image_free_space ();
  if (kind == KIND_DEFINITION)
    {
      import (self);
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
  propose (self, label, DEFAULT_MEMORY_MIB * MIB, DEFAULT_DISK_GIB * GIB, 1);
  vitrine_size_rows_set_firmware (&self->size, vitrine_firmware_ids[VITRINE_FIRMWARE_BIOS]);
  gtk_switch_set_active (GTK_SWITCH (self->disk_switch), FALSE);
  gtk_switch_set_active (GTK_SWITCH (self->tpm), FALSE);
  gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->format), vitrine_disk_image_guess_format (path));
  go_to (self, "machine");
}

static void
next_clicked (VitrineNewMachine *self)
{
  if (on_page (self, "source"))
    leave_source (self);
  else if (on_page (self, "machine"))
    go_to (self, "summary");
  else
    create (self);
}

static void
back_clicked (VitrineNewMachine *self)
{
  if (on_page (self, "source"))
    gtk_window_close (GTK_WINDOW (self));
  else
    go_to (self, on_page (self, "summary") ? "machine" : "source");
}

/* --- building --------------------------------------------------------------------------------------------------- */

static void
kind_toggled (VitrineNewMachine *self)
{
  Kind active = get_kind (self);

  for (Kind kind = 0; kind < N_KINDS; kind++)
    gtk_widget_set_visible (self->file_rows[kind], kind == active);
  gtk_widget_set_visible (self->initrd_row, active == KIND_KERNEL);
  gtk_widget_set_visible (self->cmdline_row, active == KIND_KERNEL);
  validate (self);
}

static GtkWidget *
new_problem_label (GtkWidget *group, const char *style)
{
  GtkWidget *label = gtk_label_new (NULL);

  gtk_label_set_xalign (GTK_LABEL (label), 0);
  gtk_label_set_line_wrap (GTK_LABEL (label), TRUE);
  gtk_label_set_line_wrap_mode (GTK_LABEL (label), PANGO_WRAP_WORD_CHAR);
  gtk_widget_set_margin_top (label, 9);
  gtk_style_context_add_class (gtk_widget_get_style_context (label), style);
  gtk_container_add (GTK_CONTAINER (group), label);
  return label;
}

static void
build_kind (VitrineNewMachine *self, Kind kind)
{
  GtkWidget *row = hdy_action_row_new (), *first = kind > 0 ? self->kind_buttons[0] : NULL;
  GtkWidget *button = gtk_radio_button_new_from_widget (GTK_RADIO_BUTTON (first));
  g_auto(GStrv) parts = g_strsplit (_(kinds[kind].title), "_", -1);
  g_autofree char *name = g_strjoinv (NULL, parts);

  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  atk_object_set_name (gtk_widget_get_accessible (button), name);
  atk_object_set_description (gtk_widget_get_accessible (button), _(kinds[kind].subtitle));
  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), _(kinds[kind].title));
  hdy_action_row_set_use_underline (HDY_ACTION_ROW (row), TRUE);
  hdy_action_row_set_subtitle (HDY_ACTION_ROW (row), _(kinds[kind].subtitle));
  hdy_action_row_add_prefix (HDY_ACTION_ROW (row), button);
  hdy_action_row_set_activatable_widget (HDY_ACTION_ROW (row), button);
  gtk_widget_show_all (row);
  gtk_container_add (GTK_CONTAINER (self->kind_group), row);
  g_signal_connect_swapped (button, "toggled", G_CALLBACK (kind_toggled), self);
  self->kind_buttons[kind] = button;
  self->file_rows[kind] = vitrine_row_new_file (_(kinds[kind].file_title),
                                                kinds[kind].pattern_name != NULL ? _(kinds[kind].pattern_name) : NULL,
                                                kinds[kind].patterns, &self->files[kind]);
  g_signal_connect_swapped (self->files[kind], "changed", G_CALLBACK (validate), self);
}

static void
add_row (GtkWidget *group, GtkWidget *row)
{
  gtk_container_add (GTK_CONTAINER (group), row);
}

static void
build_source_page (VitrineNewMachine *self)
{
  for (Kind kind = 0; kind < N_KINDS; kind++)
    build_kind (self, kind);
  for (Kind kind = 0; kind < N_KINDS; kind++)
    add_row (self->file_group, self->file_rows[kind]);
  self->initrd_row = vitrine_row_new_file (_("Initial _RAM disk"), NULL, NULL, &self->initrd);
  self->cmdline_row = vitrine_row_new_entry (_("Command _line"), &self->cmdline);
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->initrd), _("Optional"));
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->cmdline), "console=ttyS0");
  add_row (self->file_group, self->initrd_row);
  add_row (self->file_group, self->cmdline_row);
  g_signal_connect_swapped (self->initrd, "changed", G_CALLBACK (validate), self);
  self->file_problem = new_problem_label (self->file_group, "error");
}

static void
build_machine_page (VitrineNewMachine *self)
{
  static const char *const format_ids[] = { "raw", "qcow2", "luks", NULL };
  static const char *const format_labels[] = { N_("Raw"), N_("QCOW2"), N_("LUKS: encrypted"), NULL };

  add_row (self->name_group, vitrine_row_new_entry (_("_Name"), &self->name));
  self->system_row = vitrine_row_new_text (_("Operating system"), &self->system);
  add_row (self->name_group, self->system_row);
  self->name_problem = new_problem_label (self->name_group, "error");
  vitrine_size_rows_add (&self->size, GTK_CONTAINER (self->size_group), 256 * MIB, VITRINE_DOMAIN_MAX_CPUS,
                         &(VitrineSizeFirmware) { vitrine_firmware_ids, vitrine_firmware_labels, vitrine_firmware_id_get_problem });
  add_row (self->size_group, vitrine_row_new_switch (_("_TPM"), vitrine_tpm_is_installed () ? _("Windows 11 wants one.")
                                                                                      : _("It takes the program swtpm, which is not installed."),
                                                     &self->tpm));
  self->format_row = vitrine_row_new_combo (_("_Image format"), format_ids, format_labels, &self->format);
  self->disk_switch_row = vitrine_row_new_switch (_("_Create a disk"), NULL, &self->disk_switch);
  self->disk_size_row = vitrine_row_new_spin (_("_Size (GiB)"), NULL, 1, 64 * 1024, 1, &self->disk_size);
  add_row (self->disk_group, self->format_row);
  add_row (self->disk_group, self->disk_switch_row);
  add_row (self->disk_group, self->disk_size_row);
  self->disk_note = new_problem_label (self->disk_group, "dim-label");
  g_object_bind_property (self->disk_switch, "active", self->disk_size_row, "sensitive", G_BINDING_SYNC_CREATE);
  g_signal_connect_swapped (self->name, "changed", G_CALLBACK (validate), self);
  g_signal_connect_swapped (self->disk_size, "value-changed", G_CALLBACK (validate), self);
  g_signal_connect_swapped (self->disk_switch, "notify::active", G_CALLBACK (validate), self);
}

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
  build_source_page (self);
  build_machine_page (self);
  add_row (self->start_group, vitrine_row_new_switch (_("_Start it now"), NULL, &self->start_switch));
  gtk_switch_set_active (GTK_SWITCH (self->start_switch), TRUE);
  g_signal_connect_swapped (self->next_button, "clicked", G_CALLBACK (next_clicked), self);
  g_signal_connect_swapped (self->back_button, "clicked", G_CALLBACK (back_clicked), self);
  self->summary_rows = g_ptr_array_new ();
  kind_toggled (self);
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
