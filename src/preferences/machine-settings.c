/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine's settings. */
#include "machine-settings.h"

#include <glib/gi18n.h>

#include "domain-hostdev.h"
#include "hardware-list.h"
#include "notice.h"
#include "page-window.h"
#include "pci-dialog.h"
#include "rows.h"
#include "size-rows.h"

#define MIB (G_GUINT64_CONSTANT (1) << 20)
#define OTHER_VIDEO "other"   /* a model of the definition that we do not offer: kept unless changed */

struct _VitrineMachineSettings
{
  HdyWindow parent_instance;

  GtkWidget      *header, *cancel_button, *apply_button, *notice_slot;
  GtkWidget      *general_group, *size_group, *hardware_group, *boot_group, *display_group, *overlay;
  GtkWidget      *host_devices_row;
  GtkWidget      *name, *description, *hardware, *kernel, *initrd, *cmdline, *video, *resolution;
  VitrineSizeRows size;

  VitrineLibrary *library;
  VitrineMachine *machine;
  VitrineDomain  *domain;    /* our copy */
  gboolean        fixed;     /* suspended: its memory belongs to the devices that it has */
  gboolean        cold;      /* off */
  gboolean        busy;      /* a running machine is being changed */
};

static guint move_signal;

G_DEFINE_FINAL_TYPE (VitrineMachineSettings, vitrine_machine_settings, HDY_TYPE_WINDOW)

/* --- filling in ------------------------------------------------------------------------------------------------- */

static const char *const resolution_ids[]
    = { "0x0", "1024x768", "1280x800", "1280x1024", "1600x900", "1920x1080", "2560x1440", NULL };
static const char *const resolution_labels[] = { N_("Automatic"), "1024 × 768", "1280 × 800", "1280 × 1024",
                                                 "1600 × 900", "1920 × 1080", "2560 × 1440", NULL };

static void
set_entry (GtkWidget *entry, char *text)
{
  gtk_entry_set_text (GTK_ENTRY (entry), text != NULL ? text : "");
  g_free (text);
}

/* Chosen when a machine is made: the drives and drivers of an installed system are for one of them. */
static void
add_board (VitrineMachineSettings *self)
{
  const char *board = vitrine_domain_get_board (self->domain);
  GtkWidget *label;

  gtk_container_add (GTK_CONTAINER (self->general_group), vitrine_row_new_text (_("Machine type"), &label));
  if (g_strcmp0 (board, "q35") == 0)
    gtk_label_set_label (GTK_LABEL (label), _("q35: PCI Express, SATA"));
  else
    gtk_label_set_label (GTK_LABEL (label),
                         board != NULL ? _("pc: IDE and floppy drives, for old systems") : _("Unknown"));
}

static void
fill_general (VitrineMachineSettings *self)
{
  gtk_container_add (GTK_CONTAINER (self->general_group), vitrine_row_new_entry (_("_Name"), &self->name));
  gtk_container_add (GTK_CONTAINER (self->general_group),
                     vitrine_row_new_entry (_("_Description"), &self->description));
  set_entry (self->name, vitrine_domain_get_name (self->domain));
  set_entry (self->description, vitrine_domain_get_description (self->domain));
  add_board (self);
}

static void
fill_size (VitrineMachineSettings *self)
{
  guint64 memory = vitrine_domain_get_memory_bytes (self->domain);

  /* A definition may ask for more than this host has: then that is the limit, and nothing is changed unasked. */
  vitrine_size_rows_add (&self->size, GTK_CONTAINER (self->size_group), memory, VITRINE_DOMAIN_MAX_CPUS,
                         &(VitrineSizeFirmware) { vitrine_firmware_ids, vitrine_firmware_labels, vitrine_firmware_id_get_problem });
  vitrine_size_rows_set_memory (&self->size, memory);
  vitrine_size_rows_set_cpus (&self->size, vitrine_domain_get_cpus (self->domain));
  vitrine_size_rows_set_firmware (&self->size, vitrine_firmware_ids[vitrine_domain_get_firmware (self->domain)]);
}

static void
fill_boot (VitrineMachineSettings *self)
{
  GtkContainer *group = GTK_CONTAINER (self->boot_group);

  gtk_container_add (group, vitrine_row_new_file (_("_Kernel"), NULL, NULL, &self->kernel));
  gtk_container_add (group, vitrine_row_new_file (_("Initial _RAM disk"), NULL, NULL, &self->initrd));
  gtk_container_add (group, vitrine_row_new_entry (_("Command _line"), &self->cmdline));
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->kernel), _("Empty: start from the drives"));
  set_entry (self->kernel, vitrine_domain_get_kernel (self->domain));
  set_entry (self->initrd, vitrine_domain_get_initrd (self->domain));
  set_entry (self->cmdline, vitrine_domain_get_cmdline (self->domain));
}

static void
fill_display (VitrineMachineSettings *self)
{
  g_autofree char *video = vitrine_domain_get_video (self->domain);
  g_autofree char *resolution = NULL;
  guint width, height;

  gtk_container_add (GTK_CONTAINER (self->display_group),
                     vitrine_row_new_combo (_("_Graphics card"), vitrine_video_ids, vitrine_video_labels, &self->video));
  gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (self->video), OTHER_VIDEO, _("As in the definition"));
  gtk_container_add (
      GTK_CONTAINER (self->display_group),
      vitrine_row_new_combo (_("Preferred re_solution"), resolution_ids, resolution_labels, &self->resolution));
  if (!gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->video), video))
    gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->video), OTHER_VIDEO);
  vitrine_domain_get_resolution (self->domain, &width, &height);
  resolution = g_strdup_printf ("%ux%u", width, height);
  if (!gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->resolution), resolution))
    {
      gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (self->resolution), resolution, resolution);
      gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->resolution), resolution);
    }
}

/* --- applying --------------------------------------------------------------------------------------------------- */

static void
take_text (VitrineMachineSettings *self)
{
  g_autofree char *kernel = vitrine_row_get_path (self->kernel);
  g_autofree char *initrd = vitrine_row_get_path (self->initrd);

  vitrine_domain_set_description (self->domain, gtk_entry_get_text (GTK_ENTRY (self->description)));
  vitrine_domain_set_direct_boot (self->domain, kernel, initrd, gtk_entry_get_text (GTK_ENTRY (self->cmdline)));
}

static void
take_size (VitrineMachineSettings *self)
{
  guint64 memory = vitrine_size_rows_get_memory (&self->size);
  VitrineFirmware firmware = VITRINE_FIRMWARE_BIOS;

  /* What the row cannot show, parts of a MiB, stays as it is. */
  if (memory / MIB != vitrine_domain_get_memory_bytes (self->domain) / MIB)
    vitrine_domain_set_memory_bytes (self->domain, memory);
  vitrine_domain_set_cpus (self->domain, vitrine_size_rows_get_cpus (&self->size));
  vitrine_firmware_from_id (vitrine_size_rows_get_firmware (&self->size), &firmware);
  vitrine_domain_set_firmware (self->domain, firmware);
}

static void
take_display (VitrineMachineSettings *self)
{
  const char *video = gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->video));
  const char *resolution = gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->resolution));
  guint width = 0, height = 0;

  if (g_strcmp0 (video, OTHER_VIDEO) != 0)
    vitrine_domain_set_video (self->domain, video);
  if (resolution != NULL && sscanf (resolution, "%ux%u", &width, &height) == 2)
    vitrine_domain_set_resolution (self->domain, width, height);
}

/* Everything but the devices of a running machine, which take their time. */
static gboolean
write_all (VitrineMachineSettings *self, GError **error)
{
  const char *name = gtk_entry_get_text (GTK_ENTRY (self->name));
  g_autofree char *old_name = vitrine_domain_get_name (self->domain);

  if (!vitrine_machine_set_domain (self->machine, self->domain, error))
    return FALSE;
  vitrine_hardware_list_written (VITRINE_HARDWARE_LIST (self->hardware));
  return g_str_equal (name, old_name) || vitrine_library_rename (self->library, self->machine, name, error);
}

static void
end (VitrineMachineSettings *self, gboolean ok, const GError *error)
{
  if (ok)
    gtk_widget_destroy (GTK_WIDGET (self));
  else
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_ERROR, error->message, NULL);
}

static void
set_busy (VitrineMachineSettings *self, gboolean busy)
{
  self->busy = busy;
  gtk_widget_set_sensitive (self->overlay, !busy);
  gtk_widget_set_sensitive (self->apply_button, !busy);
  gtk_widget_set_sensitive (self->cancel_button, !busy);
  if (busy)
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_INFO, _("Waiting for the guest…"),
                         _("It takes some seconds to let go of a device."));
  else
    vitrine_notice_clear (GTK_BOX (self->notice_slot));
}

static void
running_changed (GObject *source, GAsyncResult *result, gpointer data)
{
  g_autoptr(VitrineMachineSettings) self = data;
  g_autoptr(GError) error = NULL;
  gboolean ok = vitrine_hardware_list_apply_running_finish (VITRINE_HARDWARE_LIST (source), result, &error);

  if (self->machine != NULL)   /* the window is there */
    {
      set_busy (self, FALSE);
      ok = ok && write_all (self, &error);
      end (self, ok, error);
    }
  g_application_release (g_application_get_default ());
}

/* TRUE: the rest follows when the running machine has changed. */
static gboolean
apply_hardware (VitrineMachineSettings *self, gboolean *later, GError **error)
{
  VitrineHardwareList *hardware = VITRINE_HARDWARE_LIST (self->hardware);
  gboolean alive = vitrine_state_is_alive (vitrine_machine_get_state (self->machine));

  *later = !self->fixed && !self->cold && alive;
  if (self->fixed || *later)
    return TRUE;
  if (self->cold && alive)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY,
                           _("The machine has been started meanwhile. Power it off to apply this."));
      return FALSE;
    }
  return vitrine_hardware_list_apply (hardware, error);
}

static void
apply_clicked (VitrineMachineSettings *self)
{
  g_autoptr(GError) error = NULL;
  gboolean later = FALSE;
  gboolean ok = self->fixed || vitrine_hardware_list_check (VITRINE_HARDWARE_LIST (self->hardware), &error);

  if (ok)
    {
      take_text (self);
      take_size (self);
      take_display (self);
      ok = apply_hardware (self, &later, &error);
    }
  if (ok && later)
    {
      set_busy (self, TRUE);
      g_application_hold (g_application_get_default ());
      vitrine_hardware_list_apply_running_async (VITRINE_HARDWARE_LIST (self->hardware), running_changed,
                                                 g_object_ref (self));
      return;
    }
  ok = ok && write_all (self, &error);
  end (self, ok, error);
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
update_sensitivity (VitrineMachineSettings *self)
{
  GtkWidget *groups[] = { self->size_group, self->boot_group, self->display_group };

  for (guint i = 0; i < G_N_ELEMENTS (groups); i++)
    gtk_widget_set_sensitive (groups[i], self->cold);
  gtk_widget_set_sensitive (self->hardware_group, !self->fixed);
  if (self->fixed)
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_INFO,
                         _("The machine is suspended. Start it and power it off to change its devices."), NULL);
  else if (!self->cold)
    vitrine_notice_show (GTK_BOX (self->notice_slot), GTK_MESSAGE_INFO,
                         _("The machine is on. Discs, cables, forwarded ports and the guest’s memory change now, virtio disks can "
                            "grow, and disks and network cards can be added; power it off to change the rest."),
                         NULL);
}

/* What a running machine has by then is not written yet. */
static gboolean
vitrine_machine_settings_delete (GtkWidget *widget, GdkEventAny *event)
{
  return VITRINE_MACHINE_SETTINGS (widget)->busy ? GDK_EVENT_STOP : GDK_EVENT_PROPAGATE;
}

static void
vitrine_machine_settings_dispose (GObject *object)
{
  VitrineMachineSettings *self = VITRINE_MACHINE_SETTINGS (object);

  g_clear_object (&self->library);
  g_clear_object (&self->machine);
  g_clear_object (&self->domain);
  G_OBJECT_CLASS (vitrine_machine_settings_parent_class)->dispose (object);
}

static void
vitrine_machine_settings_class_init (VitrineMachineSettingsClass *klass)
{
  GtkWidgetClass *widget_class = GTK_WIDGET_CLASS (klass);

  G_OBJECT_CLASS (klass)->dispose = vitrine_machine_settings_dispose;
  widget_class->delete_event = vitrine_machine_settings_delete;
  gtk_widget_class_set_template_from_resource (widget_class, "/org/vitrine/Vitrine/ui/preferences/machine-settings.ui");
#define BIND(name) gtk_widget_class_bind_template_child (widget_class, VitrineMachineSettings, name)
  move_signal = g_signal_new ("move", VITRINE_TYPE_MACHINE_SETTINGS, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                              G_TYPE_NONE, 1, VITRINE_TYPE_MACHINE);
  BIND (header);
  BIND (cancel_button);
  BIND (apply_button);
  BIND (notice_slot);
  BIND (general_group);
  BIND (size_group);
  BIND (hardware_group);
  BIND (overlay);
  BIND (boot_group);
  BIND (display_group);
#undef BIND
}

static void
vitrine_machine_settings_init (VitrineMachineSettings *self)
{
  gtk_widget_init_template (GTK_WIDGET (self));
  vitrine_window_close_by_escape (GTK_WIDGET (self), &self->busy);
  gtk_window_set_default (GTK_WINDOW (self), self->apply_button);
  g_signal_connect_swapped (self->cancel_button, "clicked", G_CALLBACK (gtk_window_close), self);
  g_signal_connect_swapped (self->apply_button, "clicked", G_CALLBACK (apply_clicked), self);
}

static void
update_host_devices (VitrineMachineSettings *self)
{
  if (self->domain == NULL)
    return;   /* closed */
  g_autoptr(GPtrArray) all = vitrine_domain_get_hostdevs (self->domain);
  g_autofree char *words = g_strdup_printf (g_dngettext (GETTEXT_PACKAGE, "%u device of this computer", "%u devices of this computer",
                                                         all->len), all->len);

  const char *subtitle = all->len > 0 ? words : _("None");
  hdy_action_row_set_subtitle (HDY_ACTION_ROW (self->host_devices_row), subtitle);
  atk_object_set_description (gtk_widget_get_accessible (self->host_devices_row), subtitle);
}

static void
show_host_devices (VitrineMachineSettings *self)
{
  g_autoptr(VitrineTarget) target = vitrine_target_new_for_draft (self->library, self->machine, self->domain);
  GtkWidget *dialog = vitrine_pci_dialog_new (GTK_WINDOW (self), target);

  g_signal_connect_object (dialog, "destroy", G_CALLBACK (update_host_devices), self, G_CONNECT_SWAPPED);
  gtk_window_present (GTK_WINDOW (dialog));
}

/* Changes are the settings': Apply writes them. */
static void
add_host_devices (VitrineMachineSettings *self)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (_("Pass a Device Thro_ugh…"));

  self->host_devices_row = hdy_action_row_new ();
  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (self->host_devices_row), _("Host devices"));
  atk_object_set_name (gtk_widget_get_accessible (self->host_devices_row), _("Host devices"));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_container_add (GTK_CONTAINER (self->host_devices_row), button);
  gtk_list_box_row_set_selectable (GTK_LIST_BOX_ROW (self->host_devices_row), FALSE);
  gtk_widget_show_all (self->host_devices_row);
  gtk_widget_set_sensitive (self->host_devices_row, self->cold);
  gtk_container_add (GTK_CONTAINER (self->hardware_group), self->host_devices_row);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (show_host_devices), self);
  update_host_devices (self);
}

static void
move_clicked (VitrineMachineSettings *self)
{
  g_autoptr(VitrineMachine) machine = g_object_ref (self->machine);
  g_autoptr(VitrineMachineSettings) kept = g_object_ref (self);

  gtk_window_close (GTK_WINDOW (self));
  g_signal_emit (kept, move_signal, 0, machine);
}

static void
fill_move (VitrineMachineSettings *self)
{
  GtkWidget *row = hdy_action_row_new (), *button = gtk_button_new_with_mnemonic (_("_Move to a Host…"));

  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), _("Another computer"));
  hdy_action_row_set_subtitle (HDY_ACTION_ROW (row), _("A libvirt host can run this machine."));
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_container_add (GTK_CONTAINER (row), button);
  gtk_widget_set_sensitive (button, self->cold);
  g_signal_connect_swapped (button, "clicked", G_CALLBACK (move_clicked), self);
  gtk_widget_show_all (row);
  gtk_container_add (GTK_CONTAINER (self->general_group), row);
}

static void
fill_hardware (VitrineMachineSettings *self)
{
  GtkWidget *undo_bar = vitrine_undo_bar_add_to (GTK_OVERLAY (self->overlay));

  self->hardware
      = vitrine_hardware_list_new (self->domain, self->cold ? NULL : self->machine, VITRINE_UNDO_BAR (undo_bar));
  gtk_container_add (GTK_CONTAINER (self->hardware_group), self->hardware);
  add_host_devices (self);
}

GtkWidget *
vitrine_machine_settings_new (GtkWindow *parent, VitrineLibrary *library, VitrineMachine *machine)
{
  VitrineMachineSettings *self = g_object_new (VITRINE_TYPE_MACHINE_SETTINGS, "transient-for", parent, NULL);
  g_autofree char *title = g_strdup_printf (_("Settings of %s"), vitrine_machine_get_title (machine));

  self->library = g_object_ref (library);
  self->machine = g_object_ref (machine);
  self->domain = vitrine_domain_copy (vitrine_machine_get_domain (machine));
  self->fixed = vitrine_machine_is_suspended (machine);
  self->cold = !self->fixed && !vitrine_state_is_alive (vitrine_machine_get_state (machine));
  hdy_header_bar_set_title (HDY_HEADER_BAR (self->header), title);
  gtk_window_set_title (GTK_WINDOW (self), title);
  fill_general (self);
  fill_move (self);
  fill_size (self);
  fill_hardware (self);
  fill_boot (self);
  fill_display (self);
  update_sensitivity (self);
  gtk_widget_grab_focus (self->name);
  return GTK_WIDGET (self);
}
