/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hardware-add.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>

#include "disk-image.h"
#include "domain-folders.h"

#define GIB          (G_GUINT64_CONSTANT (1) << 30)
#define NEW_DISK_GIB 20
#define MOST_GIB     65536
#define LAST         900u      /* in the boot order, until it is numbered anew */

struct _VitrineHardwareAdd
{
  GtkBox parent_instance;

  GtkWidget      *new_size, *popover;
  GtkWidget      *floppy;            /* NULL: such a machine has no floppy drives */
  GtkWidget      *tpm;               /* NULL: not now */
  GtkWidget      *folder;
  VitrineUndoBar *undo_bar;          /* borrowed: the window's, as we are */
  VitrineDomain  *domain;
  gboolean        cold;
  GPtrArray      *created;           /* paths of images that nobody has said yes to yet */
};

static guint added_signal;

G_DEFINE_FINAL_TYPE (VitrineHardwareAdd, vitrine_hardware_add, GTK_TYPE_BOX)

static void
tell (VitrineHardwareAdd *self, gboolean drive, const char *name)
{
  g_signal_emit (self, added_signal, 0, drive, name);
}

/* --- Drives --------------------------------------------------------------------------------------------------------- */

static void
add_drive (VitrineHardwareAdd *self, VitrineDisk *disk)
{
  g_autoptr(GPtrArray) before = vitrine_domain_get_disks (self->domain);

  vitrine_undo_bar_end (self->undo_bar);
  disk->boot_order = LAST + before->len;
  vitrine_domain_add_disk (self->domain, disk);
  vitrine_disk_free (disk);
  g_autoptr(GPtrArray) all = vitrine_domain_get_disks (self->domain);
  const VitrineDisk *added = all->pdata[all->len - 1];
  if (!self->cold && !vitrine_disk_is_removable (added))
    vitrine_domain_give_disk_slot (self->domain, added->target);
  tell (self, TRUE, added->target);
}

static gboolean
is_pc (VitrineHardwareAdd *self)
{
  return g_strcmp0 (vitrine_domain_get_board (self->domain), "pc") == 0;
}

static void
add_cd (VitrineHardwareAdd *self)
{
  add_drive (self, vitrine_domain_new_cd_drive (self->domain, NULL));
}

static void
add_floppy (VitrineHardwareAdd *self)
{
  add_drive (self, vitrine_disk_new (NULL, "raw", "fdc", FALSE));
}

static void
add_existing (VitrineHardwareAdd *self)
{
  add_drive (self, vitrine_disk_new (NULL, "raw", "virtio", FALSE));
}

static void
show_refusal (VitrineHardwareAdd *self, const GError *error)
{
  GtkWidget *dialog = gtk_message_dialog_new (GTK_WINDOW (gtk_widget_get_toplevel (GTK_WIDGET (self))), GTK_DIALOG_MODAL,
                                              GTK_MESSAGE_ERROR, GTK_BUTTONS_CLOSE, "%s", error->message);

  g_signal_connect (dialog, "response", G_CALLBACK (gtk_widget_destroy), NULL);
  gtk_widget_show (dialog);
}

static void
create_disk (VitrineHardwareAdd *self)
{
  guint64 gib = (guint64) gtk_spin_button_get_value_as_int (GTK_SPIN_BUTTON (self->new_size));
  g_autofree char *name = vitrine_domain_get_title (self->domain);
  g_autoptr(GError) error = NULL;
  char *path = vitrine_disk_image_create (name, gib * GIB, &error);

  gtk_popover_popdown (GTK_POPOVER (self->popover));
  if (path == NULL)
    {
      show_refusal (self, error);
      return;
    }
  g_ptr_array_add (self->created, path);
  add_drive (self, vitrine_disk_new (path, "qcow2", "virtio", FALSE));
}

void
vitrine_hardware_add_drop_created (VitrineHardwareAdd *self, GPtrArray *keep)
{
  for (guint i = 0; i < self->created->len; i++)
    {
      gboolean kept = FALSE;
      for (guint j = 0; keep != NULL && j < keep->len; j++)
        kept |= g_strcmp0 (((VitrineDisk *) keep->pdata[j])->path, self->created->pdata[i]) == 0;
      if (!kept)
        g_unlink (self->created->pdata[i]);
    }
  g_ptr_array_set_size (self->created, 0);
}

/* --- Other devices -------------------------------------------------------------------------------------------------- */

static void
add_network (VitrineHardwareAdd *self)
{
  vitrine_undo_bar_end (self->undo_bar);
  vitrine_domain_add_network (self->domain);
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (self->domain);
  if (!self->cold)
    vitrine_domain_give_network_slot (self->domain, networks->len - 1);
  tell (self, FALSE, NULL);
}

static void
add_tpm (VitrineHardwareAdd *self)
{
  vitrine_undo_bar_end (self->undo_bar);
  vitrine_domain_add_tpm (self->domain);
  tell (self, FALSE, NULL);
}

static void
share (VitrineHardwareAdd *self, char *path)
{
  g_autoptr(GError) error = NULL;
  g_autofree char *name = vitrine_domain_make_folder_name (self->domain, path);

  if (!vitrine_folder_check_path (path, &error))
    {
      show_refusal (self, error);
      return;
    }
  vitrine_undo_bar_end (self->undo_bar);
  vitrine_domain_add_folder (self->domain, &(VitrineFolder) { .folder = path, .name = name });
  tell (self, FALSE, name);
}

static void
folder_chosen (GtkNativeDialog *dialog, int response, gpointer data)
{
  g_autofree char *path = gtk_file_chooser_get_filename (GTK_FILE_CHOOSER (dialog));

  if (response == GTK_RESPONSE_ACCEPT && path != NULL)
    share (data, path);
  g_object_unref (dialog);
}

/* It is chosen first: who cancels that has added nothing. */
static void
add_folder (VitrineHardwareAdd *self)
{
  GtkFileChooserNative *dialog = gtk_file_chooser_native_new (_("Share a Folder"), GTK_WINDOW (gtk_widget_get_toplevel (GTK_WIDGET (self))),
                                                              GTK_FILE_CHOOSER_ACTION_SELECT_FOLDER, _("_Share"), _("_Cancel"));

  gtk_file_chooser_set_current_folder (GTK_FILE_CHOOSER (dialog), g_get_home_dir ());
  gtk_native_dialog_set_modal (GTK_NATIVE_DIALOG (dialog), TRUE);
  g_signal_connect_object (dialog, "response", G_CALLBACK (folder_chosen), self, 0);
  gtk_native_dialog_show (GTK_NATIVE_DIALOG (dialog));
}

/* --- Room for more -------------------------------------------------------------------------------------------------- */

static void
limit (GtkWidget *button, gboolean room, const char *why)
{
  gtk_widget_set_sensitive (button, room);
  gtk_widget_set_tooltip_text (button, room ? NULL : why);
}

void
vitrine_hardware_add_update (VitrineHardwareAdd *self)
{
  g_autoptr(GPtrArray) folders = vitrine_domain_get_folders (self->domain);
  g_autofree char *most = g_strdup_printf (_("A machine shares %d folders at most."), VITRINE_MAX_FOLDERS);

  /* A third would be one that the machine does not start with. */
  if (self->floppy != NULL)
    limit (self->floppy, vitrine_domain_has_room_for_floppy (self->domain), _("A machine has two floppy drives at most"));
  if (self->tpm != NULL)
    gtk_widget_set_sensitive (self->tpm, !vitrine_domain_get_tpm (self->domain));
  limit (self->folder, folders->len < VITRINE_MAX_FOLDERS, most);
}

/* --- The buttons ---------------------------------------------------------------------------------------------------- */

static GtkWidget *
new_popover (VitrineHardwareAdd *self, GtkWidget *over)
{
  GtkWidget *popover = gtk_popover_new (over), *box = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 9);
  GtkWidget *label = gtk_label_new_with_mnemonic (_("_Size (GiB)")), *create = gtk_button_new_with_mnemonic (_("_Create"));

  self->new_size = gtk_spin_button_new_with_range (1, MOST_GIB, 1);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->new_size), NEW_DISK_GIB);
  gtk_label_set_mnemonic_widget (GTK_LABEL (label), self->new_size);
  gtk_style_context_add_class (gtk_widget_get_style_context (create), "suggested-action");
  gtk_container_add (GTK_CONTAINER (box), label);
  gtk_container_add (GTK_CONTAINER (box), self->new_size);
  gtk_container_add (GTK_CONTAINER (box), create);
  g_object_set (box, "margin", 12, NULL);
  gtk_widget_show_all (box);
  gtk_container_add (GTK_CONTAINER (popover), box);
  g_signal_connect_swapped (create, "clicked", G_CALLBACK (create_disk), self);
  g_signal_connect_swapped (self->new_size, "activate", G_CALLBACK (create_disk), self);
  return popover;
}

static GtkWidget *
add_button (VitrineHardwareAdd *self, GtkWidget *line, const char *label, void (*function) (VitrineHardwareAdd *self))
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  g_signal_connect_object (button, "clicked", G_CALLBACK (function), self, G_CONNECT_SWAPPED);
  gtk_container_add (GTK_CONTAINER (line), button);
  return button;
}

static GtkWidget *
add_line (VitrineHardwareAdd *self)
{
  GtkWidget *line = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  gtk_container_add (GTK_CONTAINER (self), line);
  return line;
}

/* Drives, and what else there is: one line would be too wide. */
static void
fill (VitrineHardwareAdd *self)
{
  GtkWidget *create = gtk_menu_button_new (), *drives = add_line (self), *others = add_line (self);

  gtk_container_add (GTK_CONTAINER (create), gtk_label_new_with_mnemonic (_("_New Disk…")));
  self->popover = new_popover (self, create);
  gtk_menu_button_set_popover (GTK_MENU_BUTTON (create), self->popover);
  gtk_container_add (GTK_CONTAINER (drives), create);
  add_button (self, drives, _("Add Disk _Image"), add_existing);
  add_button (self, drives, _("Add _CD Drive"), add_cd);
  if (is_pc (self))
    self->floppy = add_button (self, drives, _("Add _Floppy Drive"), add_floppy);
  add_button (self, others, _("Add Net_work Card"), add_network);
  if (self->cold)
    self->tpm = add_button (self, others, _("Add _TPM"), add_tpm);
  self->folder = add_button (self, others, _("Add S_hared Folder…"), add_folder);
}

/* --- The object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_hardware_add_finalize (GObject *object)
{
  VitrineHardwareAdd *self = VITRINE_HARDWARE_ADD (object);

  vitrine_hardware_add_drop_created (self, NULL);
  g_clear_object (&self->domain);
  g_ptr_array_unref (self->created);
  G_OBJECT_CLASS (vitrine_hardware_add_parent_class)->finalize (object);
}

static void
vitrine_hardware_add_class_init (VitrineHardwareAddClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_hardware_add_finalize;
  added_signal = g_signal_new ("added", VITRINE_TYPE_HARDWARE_ADD, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 2, G_TYPE_BOOLEAN,
                               G_TYPE_STRING);
}

static void
vitrine_hardware_add_init (VitrineHardwareAdd *self)
{
  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 6);
  self->created = g_ptr_array_new_with_free_func (g_free);
}

GtkWidget *
vitrine_hardware_add_new (VitrineDomain *domain, gboolean cold, VitrineUndoBar *undo_bar)
{
  VitrineHardwareAdd *self = g_object_new (VITRINE_TYPE_HARDWARE_ADD, NULL);

  self->domain = g_object_ref (domain);
  self->cold = cold;
  self->undo_bar = undo_bar;
  fill (self);
  vitrine_hardware_add_update (self);
  return GTK_WIDGET (self);
}
