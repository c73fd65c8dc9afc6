/* SPDX-License-Identifier: GPL-3.0-or-later */
/* VitrineDomain: what a person can choose for drives and the screen, and in which order drives are started from. */
#include <glib/gi18n-lib.h>

#include "disk-image.h"
#include "domain-private.h"
#include <vitrine/error.h>

const char *const vitrine_video_ids[] = { "vga", "virtio", "bochs", "ramfb", "none", NULL };
const char *const vitrine_video_labels[] = { N_("VGA compatible"), N_("Virtio"), N_("Framebuffer only (Bochs)"),
                                             N_("Framebuffer in memory (ramfb)"), N_("No screen"), NULL };

/* --- Buses ---------------------------------------------------------------------------------------------------------- */

enum { NOT_FOR_CDS = 2 };   /* the first of each list */

/* The last of each list is for no other machine. */
static const char *const q35_ids[] = { "virtio", "nvme", "scsi", "usb", "sata", NULL };
static const char *const q35_labels[] = { N_("Virtio"), N_("NVMe"), N_("SCSI (virtio)"), N_("USB"), N_("SATA"), NULL };
static const char *const pc_ids[] = { "virtio", "nvme", "scsi", "usb", "ide", NULL };
static const char *const pc_labels[] = { N_("Virtio"), N_("NVMe"), N_("SCSI (virtio)"), N_("USB"), N_("IDE"), NULL };

static gboolean
is_pc (VitrineDomain *self)
{
  return g_strcmp0 (vitrine_domain_get_board (self), "pc") == 0;
}

const char *const *
vitrine_domain_get_bus_ids (VitrineDomain *self, gboolean cdrom)
{
  return (is_pc (self) ? pc_ids : q35_ids) + (cdrom ? NOT_FOR_CDS : 0);
}

const char *const *
vitrine_domain_get_bus_labels (VitrineDomain *self, gboolean cdrom)
{
  return (is_pc (self) ? pc_labels : q35_labels) + (cdrom ? NOT_FOR_CDS : 0);
}

/* --- Drives --------------------------------------------------------------------------------------------------------- */

VitrineDisk *
vitrine_domain_new_cd_drive (VitrineDomain *self, const char *path)
{
  return vitrine_disk_new (path, "raw", is_pc (self) ? "ide" : "sata", TRUE);
}

gboolean
vitrine_domain_has_room_for_floppy (VitrineDomain *self)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (self);
  guint n = 0;

  for (guint i = 0; i < disks->len; i++)
    n += ((const VitrineDisk *) disks->pdata[i])->floppy ? 1 : 0;
  return is_pc (self) && n < VITRINE_MAX_FLOPPY_DRIVES;
}

gboolean
vitrine_disk_check (const VitrineDisk *disk, GError **error)
{
  if (disk->path != NULL)
    return vitrine_disk_image_check (disk->path, error);
  return vitrine_disk_is_removable (disk)
         || vt_refuse (error, VT_ERROR_CONFIG, _("Disk %s has no image. Choose one, or remove it."), disk->target);
}

static int
compare_order (gconstpointer a, gconstpointer b)
{
  const VitrineDisk *left = *(VitrineDisk *const *) a, *right = *(VitrineDisk *const *) b;
  guint left_order = left->boot_order > 0 ? left->boot_order : G_MAXUINT;
  guint right_order = right->boot_order > 0 ? right->boot_order : G_MAXUINT;

  return left_order < right_order ? -1 : left_order > right_order;
}

GPtrArray *
vitrine_domain_get_disks_to_boot (VitrineDomain *self)
{
  GPtrArray *disks = vitrine_domain_get_disks (self);

  g_ptr_array_sort (disks, compare_order);
  return disks;
}

gboolean
vitrine_domain_boot_first (VitrineDomain *self, const char *const *targets, GError **error)
{
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks_to_boot (self), order = g_ptr_array_new ();

  for (guint i = 0; targets[i] != NULL; i++)
    {
      if (vitrine_disk_find (disks, targets[i]) == NULL)
        return vt_refuse (error, VT_ERROR_CONFIG, _("The machine has no drive “%s”."), targets[i]);
      g_ptr_array_add (order, (char *) targets[i]);
    }
  for (guint i = 0; i < disks->len; i++)
    {
      const char *target = ((const VitrineDisk *) disks->pdata[i])->target;
      if (target != NULL && !g_strv_contains (targets, target))
        g_ptr_array_add (order, (char *) target);
    }
  g_ptr_array_add (order, NULL);
  vitrine_domain_set_boot_order (self, (const char *const *) order->pdata);
  return TRUE;
}
