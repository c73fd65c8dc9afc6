/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pages of a new machine: their rows, what is wrong with what is in them, and the summary. */
#include "new-machine-private.h"

#include <glib/gi18n.h>

#include "disk-image.h"
#include "rows.h"
#include "tpm-process.h"

#define LEAST_FREE (256 * MIB)   /* below that, even a sparse disk is of no use */

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

Kind
vitrine_new_machine_get_kind (VitrineNewMachine *self)
{
  for (Kind kind = 0; kind < N_KINDS; kind++)
    if (gtk_toggle_button_get_active (GTK_TOGGLE_BUTTON (self->kind_buttons[kind])))
      return kind;
  return KIND_INSTALLER;
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
  Kind kind = vitrine_new_machine_get_kind (self);
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

gboolean
vitrine_new_machine_makes_disk (VitrineNewMachine *self)
{
  return vitrine_new_machine_get_kind (self) != KIND_DISK && gtk_switch_get_active (GTK_SWITCH (self->disk_switch));
}

guint64
vitrine_new_machine_get_disk_bytes (VitrineNewMachine *self)
{
  return (guint64) gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (self->disk_size)) * GIB;
}

static gboolean
check_space (VitrineNewMachine *self)
{
  g_autofree char *free_words = g_format_size (self->free_space);
  g_autofree char *note = NULL;
  gboolean enough = self->free_space == 0 || self->free_space >= LEAST_FREE;

  if (!vitrine_new_machine_makes_disk (self))
    enough = TRUE;
  else if (!enough)
    note = g_strdup_printf (_("Only %s are free where disks are kept. Make room first, or go without a disk."), free_words);
  else if (self->free_space > 0 && vitrine_new_machine_get_disk_bytes (self) > self->free_space)
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

void
vitrine_new_machine_validate (VitrineNewMachine *self)
{
  gboolean ok = TRUE;

  if (self->summary_rows == NULL)
    return;   /* still being built */
  if (vitrine_new_machine_on_page (self, "source"))
    ok = validate_source (self);
  else if (vitrine_new_machine_on_page (self, "machine"))
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

void
vitrine_new_machine_fill_summary (VitrineNewMachine *self)
{
  Kind kind = vitrine_new_machine_get_kind (self);
  g_autofree char *path = vitrine_row_get_path (self->files[kind]);
  guint cpus = vitrine_size_rows_get_cpus (&self->size);
  g_autofree char *cpu_words = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u processor", "%u processors", cpus), cpus);
  g_autofree char *memory = g_format_size_full (vitrine_size_rows_get_memory (&self->size), G_FORMAT_SIZE_IEC_UNITS);
  g_autofree char *disk = g_format_size_full (vitrine_new_machine_get_disk_bytes (self), G_FORMAT_SIZE_IEC_UNITS);

  for (guint i = 0; i < self->summary_rows->len; i++)
    gtk_widget_destroy (self->summary_rows->pdata[i]);
  g_ptr_array_set_size (self->summary_rows, 0);
  add_summary (self, _("Name"), gtk_entry_get_text (GTK_ENTRY (self->name)));
  add_summary (self, _("Starts from"), path);
  add_summary (self, _("Processors"), cpu_words);
  add_summary (self, _("Memory"), memory);
  add_summary (self, _("Firmware"), gtk_combo_box_text_get_active_text (GTK_COMBO_BOX_TEXT (self->size.firmware)));
  add_summary (self, _("TPM"), gtk_switch_get_active (GTK_SWITCH (self->tpm)) ? _("TPM 2.0") : _("None"));
  add_summary (self, _("New disk"), vitrine_new_machine_makes_disk (self) ? disk : _("None"));
}

/* --- building --------------------------------------------------------------------------------------------------- */

static void
kind_toggled (VitrineNewMachine *self)
{
  Kind active = vitrine_new_machine_get_kind (self);

  for (Kind kind = 0; kind < N_KINDS; kind++)
    gtk_widget_set_visible (self->file_rows[kind], kind == active);
  gtk_widget_set_visible (self->initrd_row, active == KIND_KERNEL);
  gtk_widget_set_visible (self->cmdline_row, active == KIND_KERNEL);
  vitrine_new_machine_validate (self);
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
  g_signal_connect_swapped (self->files[kind], "changed", G_CALLBACK (vitrine_new_machine_validate), self);
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
  g_signal_connect_swapped (self->initrd, "changed", G_CALLBACK (vitrine_new_machine_validate), self);
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
  g_signal_connect_swapped (self->name, "changed", G_CALLBACK (vitrine_new_machine_validate), self);
  g_signal_connect_swapped (self->disk_size, "value-changed", G_CALLBACK (vitrine_new_machine_validate), self);
  g_signal_connect_swapped (self->disk_switch, "notify::active", G_CALLBACK (vitrine_new_machine_validate), self);
}

static void
build_summary_page (VitrineNewMachine *self)
{
  add_row (self->start_group, vitrine_row_new_switch (_("_Start it now"), NULL, &self->start_switch));
  gtk_switch_set_active (GTK_SWITCH (self->start_switch), TRUE);
  self->summary_rows = g_ptr_array_new ();
}

void
vitrine_new_machine_build_pages (VitrineNewMachine *self)
{
  build_source_page (self);
  build_machine_page (self);
  build_summary_page (self);
  kind_toggled (self);
}
