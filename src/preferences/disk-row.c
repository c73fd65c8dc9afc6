/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk, CD or floppy drive: image, bus, size. */
#include <glib/gi18n.h>
#include <math.h>

#include "disk-image.h"
#include "hardware-rows.h"
#include "rows.h"

#define KEY      "vitrine-disk"
#define GIB      ((double) (G_GUINT64_CONSTANT (1) << 30))
#define MIB      (G_GUINT64_CONSTANT (1) << 20)
#define MOST_GIB 65536.0

typedef struct
{
  VitrineDomain *domain;
  GtkWidget     *row, *image, *bus, *size;   /* size: NULL where nothing can grow */
  char          *target;
  char          *path, *format;              /* as they were: what a guest has written is never looked at to guess its format */
  gboolean       cdrom, floppy;
  gboolean       encrypted, was_encrypted;   /* the image; and the one that it was */
  VitrineRowMode mode;
  guint64        bytes;                      /* of the disk; 0: unknown */
} DiskRow;

static void
disk_row_free (gpointer data)
{
  DiskRow *self = data;

  g_object_unref (self->domain);
  g_free (self->target);
  g_free (self->path);
  g_free (self->format);
  g_free (self);
}

static gboolean
is_removable (const DiskRow *self)
{
  return self->cdrom || self->floppy;
}

static char *
make_title (const DiskRow *self)
{
  return g_strdup_printf (self->cdrom ? _("CD drive %s") : self->floppy ? _("Floppy drive %s") : _("Disk %s"), self->target);
}

static void
describe (DiskRow *self)
{
  g_autofree char *title = make_title (self);
  g_autofree char *path = vitrine_row_get_path (self->image);
  g_autofree char *name = path != NULL ? g_filename_display_basename (path) : g_strdup (is_removable (self) ? _("Empty") : _("No image"));
  g_autofree char *size = self->bytes > 0 ? g_format_size_full (self->bytes, G_FORMAT_SIZE_IEC_UNITS) : NULL;
  g_autoptr(GString) words = g_string_new (name);

  if (size != NULL && g_strcmp0 (path, self->path) == 0)
    g_string_append_printf (words, " · %s", size);
  if (self->bus != NULL)
    {
      g_autofree char *bus = gtk_combo_box_text_get_active_text (GTK_COMBO_BOX_TEXT (self->bus));
      g_string_append_printf (words, " · %s", bus);
    }
  if (self->encrypted)
    g_string_append_printf (words, " · %s", _("encrypted"));
  if (self->mode == VITRINE_ROW_NEW && vitrine_domain_get_disk_slot (self->domain, self->target) == 0)
    g_string_append_printf (words, " · %s", _("at the next start"));
  hdy_preferences_row_set_title (HDY_PREFERENCES_ROW (self->row), title);
  hdy_expander_row_set_subtitle (HDY_EXPANDER_ROW (self->row), words->str);
  atk_object_set_name (gtk_widget_get_accessible (self->row), title);
  atk_object_set_description (gtk_widget_get_accessible (self->row), words->str);
}

/* --- What a person changes ------------------------------------------------------------------------------------------ */

static void
image_changed (DiskRow *self)
{
  g_autofree char *path = vitrine_row_get_path (self->image);
  gboolean         as_before = g_strcmp0 (path, self->path) == 0;

  vitrine_domain_set_disk_path (self->domain, self->target, path);
  if (!is_removable (self) && path != NULL)
    vitrine_domain_set_disk_format (self->domain, self->target, as_before ? self->format : vitrine_disk_image_guess_format (path));
  self->encrypted = as_before ? self->was_encrypted : !is_removable (self) && path != NULL && vitrine_disk_image_is_encrypted (path);
  if (self->size != NULL)
    gtk_widget_set_sensitive (self->size, as_before);
  describe (self);
}

static void
eject (DiskRow *self)
{
  gtk_entry_set_text (GTK_ENTRY (self->image), "");
}

static void
bus_changed (DiskRow *self)
{
  g_autofree char *before = g_steal_pointer (&self->target);

  self->target = vitrine_domain_set_disk_bus (self->domain, before, gtk_combo_box_get_active_id (GTK_COMBO_BOX (self->bus)));
  if (self->mode == VITRINE_ROW_NEW)
    vitrine_domain_give_disk_slot (self->domain, self->target);
  describe (self);
}

static void
readonly_changed (DiskRow *self, GParamSpec *pspec, GtkWidget *button)
{
  vitrine_domain_set_disk_readonly (self->domain, self->target, gtk_switch_get_active (GTK_SWITCH (button)));
}

/* --- The row -------------------------------------------------------------------------------------------------------- */

static void
add (DiskRow *self, GtkWidget *row, gboolean able)
{
  gtk_widget_set_sensitive (row, able);
  gtk_container_add (GTK_CONTAINER (self->row), row);
}

static void
add_image (DiskRow *self, gboolean able)
{
  const char *kind = self->cdrom ? _("CD and DVD images") : self->floppy ? _("Floppy images") : _("Disk images");
  const char *names = self->cdrom ? "*.iso;*.img" : self->floppy ? "*.img;*.ima;*.flp;*.vfd" : "*.img;*.raw;*.qcow2";
  GtkWidget  *row = vitrine_row_new_file (_("_Image"), kind, names, &self->image);

  gtk_entry_set_text (GTK_ENTRY (self->image), self->path != NULL ? self->path : "");
  gtk_editable_set_position (GTK_EDITABLE (self->image), -1);
  gtk_entry_set_placeholder_text (GTK_ENTRY (self->image), is_removable (self) ? _("Empty") : _("Choose an image"));
  g_signal_connect_swapped (self->image, "changed", G_CALLBACK (image_changed), self);
  if (is_removable (self))
    {
      GtkWidget *button = gtk_button_new_from_icon_name ("media-eject-symbolic", GTK_ICON_SIZE_BUTTON);
      gtk_widget_set_valign (button, GTK_ALIGN_CENTER);
      gtk_widget_set_tooltip_text (button, _("Eject"));
      atk_object_set_name (gtk_widget_get_accessible (button), _("Eject"));
      g_signal_connect_swapped (button, "clicked", G_CALLBACK (eject), self);
      gtk_container_add (GTK_CONTAINER (row), button);
      gtk_widget_show (button);
    }
  add (self, row, able);
}

static void
add_bus (DiskRow *self, const char *bus, gboolean able)
{
  GtkWidget *row = vitrine_row_new_combo (_("_Bus"), vitrine_domain_get_bus_ids (self->domain, self->cdrom),
                                          vitrine_domain_get_bus_labels (self->domain, self->cdrom), &self->bus);

  if (!gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->bus), bus))
    {
      gtk_combo_box_text_append (GTK_COMBO_BOX_TEXT (self->bus), bus, bus);
      gtk_combo_box_set_active_id (GTK_COMBO_BOX (self->bus), bus);
    }
  g_signal_connect_swapped (self->bus, "changed", G_CALLBACK (bus_changed), self);
  add (self, row, able);
}

static void
add_readonly (DiskRow *self, gboolean readonly, gboolean able)
{
  GtkWidget *button;
  GtkWidget *row = vitrine_row_new_switch (_("_Read-only"), NULL, &button);

  gtk_switch_set_active (GTK_SWITCH (button), readonly);
  g_signal_connect_swapped (button, "notify::active", G_CALLBACK (readonly_changed), self);
  add (self, row, able);
}

/* An image of a format that cannot grow is refused when it is applied. */
static void
add_size (DiskRow *self)
{
  if (self->bytes == 0)
    return;
  double     now = (double) self->bytes / GIB;
  GtkWidget *row = vitrine_row_new_spin (_("_Size (GiB)"), _("It can grow. The system in it uses the new room when its partitions do."),
                                         now, fmax (now, MOST_GIB), 1, &self->size);

  gtk_spin_button_set_digits (GTK_SPIN_BUTTON (self->size), 2);
  gtk_spin_button_set_value (GTK_SPIN_BUTTON (self->size), now);
  add (self, row, TRUE);
}

static void
add_encryption (DiskRow *self)
{
  GtkWidget *label;
  GtkWidget *row = vitrine_row_new_text (_("Encryption"), &label);

  gtk_label_set_label (GTK_LABEL (label), _("LUKS: its passphrase is asked for at each start"));
  add (self, row, TRUE);
}

const char *
vitrine_disk_row_get_target (GtkWidget *row)
{
  DiskRow *self = g_object_get_data (G_OBJECT (row), KEY);

  return self != NULL ? self->target : NULL;
}

guint64
vitrine_disk_row_get_growth (GtkWidget *row)
{
  DiskRow *self = g_object_get_data (G_OBJECT (row), KEY);

  if (self == NULL || self->size == NULL || !gtk_widget_get_sensitive (self->size))
    return 0;
  guint64 bytes = (guint64) llround (gtk_spin_button_get_value (GTK_SPIN_BUTTON (self->size)) * GIB / (double) MIB) * MIB;
  /* Two digits of a GiB are no change. */
  return bytes > self->bytes + 16 * MIB ? bytes : 0;
}

GtkWidget *
vitrine_disk_row_new (VitrineDomain *domain, const VitrineDisk *disk, VitrineRowMode mode, guint64 bytes)
{
  DiskRow *self = g_new0 (DiskRow, 1);
  gboolean cold = mode != VITRINE_ROW_RUNNING;

  self->mode = mode;
  self->bytes = bytes;
  self->domain = g_object_ref (domain);
  self->target = g_strdup (disk->target);
  self->path = g_strdup (disk->path);
  self->format = g_strdup (vitrine_disk_get_image_format (disk));
  self->cdrom = disk->cdrom;
  self->floppy = disk->floppy;
  self->encrypted = self->was_encrypted = disk->encrypted;
  self->row = hdy_expander_row_new ();
  g_object_set_data_full (G_OBJECT (self->row), KEY, self, disk_row_free);
  if (!is_removable (self) && mode == VITRINE_ROW_COLD && disk->path != NULL && !g_str_has_prefix (disk->path, "/dev/"))
    vitrine_disk_image_get_size (disk->path, vitrine_disk_get_image_format (disk), &self->bytes, NULL);   /* a missing image is said elsewhere */
  add_image (self, cold || is_removable (self));
  if (!disk->floppy)
    add_bus (self, disk->bus, cold);
  if (!disk->cdrom)
    add_readonly (self, disk->readonly, cold);
  if (!is_removable (self))
    add_size (self);
  if (disk->encrypted)
    add_encryption (self);
  describe (self);
  gtk_widget_show (self->row);
  return self->row;
}
