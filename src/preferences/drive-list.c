/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The drives of a definition as rows in boot order. */
#include "drive-list.h"

#include <glib/gi18n.h>

#include "disk-image.h"
#include "rows.h"

struct _VitrineDriveList
{
  GtkBox parent_instance;

  GtkWidget     *list;
  VitrineDomain *domain;
  GPtrArray     *targets;   /* char *, in boot order, as shown */
};

static guint changed_signal;

G_DEFINE_FINAL_TYPE (VitrineDriveList, vitrine_drive_list, GTK_TYPE_BOX)

static void rebuild (VitrineDriveList *self);

static void
emit_changed (VitrineDriveList *self)
{
  g_signal_emit (self, changed_signal, 0);
}

static int
compare_order (gconstpointer a, gconstpointer b)
{
  const VitrineDisk *left = *(VitrineDisk *const *) a, *right = *(VitrineDisk *const *) b;
  guint left_order = left->boot_order > 0 ? left->boot_order : G_MAXUINT;
  guint right_order = right->boot_order > 0 ? right->boot_order : G_MAXUINT;

  return left_order < right_order ? -1 : left_order > right_order;
}

static void
write_order (VitrineDriveList *self)
{
  g_autoptr(GPtrArray) order = g_ptr_array_new ();

  for (guint i = 0; i < self->targets->len; i++)
    g_ptr_array_add (order, self->targets->pdata[i]);
  g_ptr_array_add (order, NULL);
  vitrine_domain_set_boot_order (self->domain, (const char *const *) order->pdata);
}

/* --- what a row's buttons do ------------------------------------------------------------------------------------ */

static const char *
target_of (GtkWidget *widget)
{
  return g_object_get_data (G_OBJECT (widget), "vitrine-target");
}

static void
path_changed (VitrineDriveList *self, GtkWidget *entry)
{
  g_autofree char *path = vitrine_row_get_path (entry);

  vitrine_domain_set_disk_path (self->domain, target_of (entry), path);
  emit_changed (self);
}

static void
move_up (VitrineDriveList *self, GtkWidget *button)
{
  guint i;

  if (!g_ptr_array_find_with_equal_func (self->targets, target_of (button), g_str_equal, &i) || i == 0)
    return;
  gpointer above = self->targets->pdata[i - 1];
  self->targets->pdata[i - 1] = self->targets->pdata[i];
  self->targets->pdata[i] = above;
  write_order (self);
  rebuild (self);
  emit_changed (self);
}

static void
remove_drive (VitrineDriveList *self, GtkWidget *button)
{
  vitrine_domain_remove_disk (self->domain, target_of (button));
  rebuild (self);
  emit_changed (self);
}

static void
add_drive (VitrineDriveList *self, gboolean cdrom)
{
  g_autoptr(VitrineDisk) disk = vitrine_disk_new (NULL, "raw", cdrom ? "sata" : "virtio", cdrom);

  disk->boot_order = 900 + self->targets->len;   /* at the end; write_order() numbers anew */
  vitrine_domain_add_disk (self->domain, disk);
  rebuild (self);
  write_order (self);
  emit_changed (self);
}

static void
add_cd (VitrineDriveList *self)
{
  add_drive (self, TRUE);
}

static void
add_disk (VitrineDriveList *self)
{
  add_drive (self, FALSE);
}

/* --- rows ------------------------------------------------------------------------------------------------------- */

static void
add_button (VitrineDriveList *self, GtkWidget *row, const char *target, const char *icon, const char *words,
            GCallback function)
{
  GtkWidget *button = gtk_button_new_from_icon_name (icon, GTK_ICON_SIZE_BUTTON);

  gtk_style_context_add_class (gtk_widget_get_style_context (button), "flat");
  gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
  gtk_widget_set_tooltip_text (button, words);
  atk_object_set_name (gtk_widget_get_accessible (button), words);
  g_object_set_data_full (G_OBJECT (button), "vitrine-target", g_strdup (target), g_free);
  g_signal_connect_object (button, "clicked", function, self, G_CONNECT_SWAPPED);
  gtk_container_add (GTK_CONTAINER (row), button);
  gtk_widget_show (button);
}

static void
add_row (VitrineDriveList *self, const VitrineDisk *disk, gboolean first)
{
  g_autofree char *title = g_strdup_printf (disk->cdrom ? _("CD drive %s") : _("Disk %s"), disk->target);
  GtkWidget *entry;
  GtkWidget *row = vitrine_row_new_file (title, disk->cdrom ? _("CD and DVD images") : _("Disk images"),
                                         disk->cdrom ? "*.iso;*.img" : "*.img;*.raw;*.qcow2", &entry);

  gtk_entry_set_text (GTK_ENTRY (entry), disk->path != NULL ? disk->path : "");
  gtk_editable_set_position (GTK_EDITABLE (entry), -1);
  gtk_entry_set_placeholder_text (GTK_ENTRY (entry), disk->cdrom ? _("Empty") : _("Choose an image"));
  g_object_set_data_full (G_OBJECT (entry), "vitrine-target", g_strdup (disk->target), g_free);
  g_signal_connect_object (entry, "changed", G_CALLBACK (path_changed), self, G_CONNECT_SWAPPED);
  if (!first)
    add_button (self, row, disk->target, "go-up-symbolic", _("Start from this earlier"), G_CALLBACK (move_up));
  add_button (self, row, disk->target, "list-remove-symbolic", _("Remove this drive"), G_CALLBACK (remove_drive));
  gtk_container_add (GTK_CONTAINER (self->list), row);
}

static void
add_empty_row (VitrineDriveList *self)
{
  GtkWidget *row = hdy_action_row_new ();

  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (row), _("No drives"));
  gtk_widget_set_sensitive (row, FALSE);
  gtk_widget_show (row);
  gtk_container_add (GTK_CONTAINER (self->list), row);
}

static void
destroy (GtkWidget *child, gpointer unused)
{
  gtk_widget_destroy (child);
}

static void
rebuild (VitrineDriveList *self)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (self->domain);

  gtk_container_foreach (GTK_CONTAINER (self->list), destroy, NULL);
  g_ptr_array_set_size (self->targets, 0);
  g_ptr_array_sort (disks, compare_order);
  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      if (disk->target == NULL)
        continue;
      add_row (self, disk, self->targets->len == 0);
      g_ptr_array_add (self->targets, g_strdup (disk->target));
    }
  if (self->targets->len == 0)
    add_empty_row (self);
}

gboolean
vitrine_drive_list_check (VitrineDriveList *self, GError **error)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (self->domain);

  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      if (disk->path == NULL && !disk->cdrom)
        {
          g_set_error (error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT, _("Disk %s has no image. Choose one, or remove it."),
                       disk->target);
          return FALSE;
        }
      if (disk->path != NULL && !vitrine_disk_image_check (disk->path, error))
        return FALSE;
    }
  return TRUE;
}

/* --- object ----------------------------------------------------------------------------------------------------- */

static void
vitrine_drive_list_finalize (GObject *object)
{
  VitrineDriveList *self = VITRINE_DRIVE_LIST (object);

  g_clear_object (&self->domain);
  g_ptr_array_unref (self->targets);
  G_OBJECT_CLASS (vitrine_drive_list_parent_class)->finalize (object);
}

static void
vitrine_drive_list_class_init (VitrineDriveListClass *klass)
{
  G_OBJECT_CLASS (klass)->finalize = vitrine_drive_list_finalize;
  changed_signal = g_signal_new ("changed", VITRINE_TYPE_DRIVE_LIST, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL, G_TYPE_NONE, 0);
}

static GtkWidget *
new_add_button (VitrineDriveList *self, const char *label, GCallback function)
{
  GtkWidget *button = gtk_button_new_with_mnemonic (label);

  g_signal_connect_object (button, "clicked", function, self, G_CONNECT_SWAPPED);
  return button;
}

static void
vitrine_drive_list_init (VitrineDriveList *self)
{
  GtkWidget *buttons = gtk_box_new (GTK_ORIENTATION_HORIZONTAL, 6);

  gtk_orientable_set_orientation (GTK_ORIENTABLE (self), GTK_ORIENTATION_VERTICAL);
  gtk_box_set_spacing (GTK_BOX (self), 9);
  self->targets = g_ptr_array_new_with_free_func (g_free);
  self->list = gtk_list_box_new ();
  gtk_list_box_set_selection_mode (GTK_LIST_BOX (self->list), GTK_SELECTION_NONE);
  gtk_style_context_add_class (gtk_widget_get_style_context (self->list), "content");
  atk_object_set_name (gtk_widget_get_accessible (self->list), _("Drives"));
  gtk_container_add (GTK_CONTAINER (self), self->list);
  gtk_container_add (GTK_CONTAINER (buttons), new_add_button (self, _("Add _Disk"), G_CALLBACK (add_disk)));
  gtk_container_add (GTK_CONTAINER (buttons), new_add_button (self, _("Add _CD Drive"), G_CALLBACK (add_cd)));
  gtk_container_add (GTK_CONTAINER (self), buttons);
}

GtkWidget *
vitrine_drive_list_new (VitrineDomain *domain)
{
  VitrineDriveList *self = g_object_new (VITRINE_TYPE_DRIVE_LIST, NULL);

  self->domain = g_object_ref (domain);
  rebuild (self);
  gtk_widget_show_all (GTK_WIDGET (self));
  return GTK_WIDGET (self);
}
