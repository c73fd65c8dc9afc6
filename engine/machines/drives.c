/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the images of a machine. */
#include <errno.h>

#include "machine-private.h"

#include "ahci.h"
#include "drivers.h"
#include "fdc.h"
#include "file.h"
#include "ide.h"
#include "image.h"
#include "usb-storage.h"
#include "virtio-scsi.h"
#include "vitrine/error.h"

static void
post_to_loop (void *loop, void (*fn) (void *arg), void *arg)
{
  vt_loop_post (loop, fn, arg);
}

/* --- A host disk that is full or fails ------------------------------------------------------------------------------- */

typedef struct
{
  char *label;
  int   error;
} Failure;

static void
block_now (VtMachine *machine, void *arg)
{
  g_autofree Failure *failure = arg;
  g_autofree char    *label = failure->label;
  if (machine->state != VT_MACHINE_RUNNING)
    return;
  vt_machine_stop_world (machine, false);
  g_autofree char *message = g_strdup_printf (
    failure->error == EIO ? "“%s” cannot be read or written: %s. Mend the disk, then let the machine go on"
                          : "There is no room for “%s”: %s. Make room, then let the machine go on",
    label, g_strerror (failure->error));
  vt_machine_set_state (machine, VT_MACHINE_BLOCKED, 0, message);
}

/* Machine lock held. */
static void
host_disk_failed (void *opaque, const char *label, int error)
{
  Failure *failure = g_new (Failure, 1);
  *failure = (Failure) { g_strdup (label), error };
  vt_control_post (opaque, block_now, failure);
}

void
vt_machine_retry_drives (VtMachine *machine)
{
  vt_lock (&machine->lock);
  for (guint i = 0; i < machine->drives->len; i++)
    {
      VtBlock *block = g_array_index (machine->drives, Drive, i).block;
      vt_guard_pass_errors (block, false);
      vt_guard_retry (block);
    }
  vt_unlock (&machine->lock);
}

void
vt_machine_end_drive_waits (VtMachine *machine)
{
  vt_lock (&machine->lock);
  for (guint i = 0; i < machine->drives->len; i++)
    vt_guard_pass_errors (g_array_index (machine->drives, Drive, i).block, true);
  vt_unlock (&machine->lock);
}

static VtBlock *
open_disk (const VtDiskConfig *disk, VtPost post, VtImage **out, GError **error)
{
  bool readonly = disk->readonly || disk->snapshot;
  if (disk->format == VT_IMAGE_RAW)
    return vt_raw_open (disk->path, readonly, post, error);
  unsigned flags = (readonly ? VT_IMAGE_READONLY : 0) | (disk->any_backing ? VT_IMAGE_ANYWHERE : 0);
  VtImage *image = vt_image_open (disk->path, disk->format, flags, disk->secret, error);
  *out = disk->snapshot ? NULL : image;
  return image != NULL ? vt_image_block (image, post) : NULL;
}

static VtBlock *
guarded (VtMachine *machine, VtBlock *block)
{
  return block != NULL ? vt_guard_new (block, (VtPost) { post_to_loop, machine->loop }, host_disk_failed, machine) : NULL;
}

/* What goes into a drive with changeable media. Takes fd. */
static VtBlock *
open_medium (VtMachine *machine, const VtDiskConfig *disk, const char *path, int fd, GError **error)
{
  VtPost post = { post_to_loop, machine->loop };
  if (disk->cdrom)
    return vt_raw_open_cd (path, fd, post, error);
  VtBlock *block = vt_raw_open_floppy (path, fd, disk->readonly, post, error);
  if (block == NULL || vt_floppy_medium (block->size_bytes) != NULL)
    return guarded (machine, block);
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "“%s” is no floppy image: it has not the size of one, from 160 KiB to 2.88 MB", path);
  vt_block_close (block);
  return NULL;
}

static VtBlock *
open_image (VtMachine *machine, const VtDiskConfig *disk, VtImage **image, GError **error)
{
  VtPost post = { post_to_loop, machine->loop };
  if (disk->cdrom || disk->bus == VT_BUS_FDC)
    return open_medium (machine, disk, disk->path, -1, error);
  VtBlock *block = open_disk (disk, post, image, error);
  if (block != NULL && disk->snapshot)
    block = vt_overlay_open (block, NULL, post, error);
  return guarded (machine, block);
}

/* --- Places ----------------------------------------------------------------------------------------------------------- */

static bool
taken (const VtMachine *machine, VtDiskBus bus, unsigned place)
{
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      if (disk->bus == bus && g_array_index (machine->drives, Drive, i).place == place)
        return true;
    }
  return false;
}

/* Drives that say where they are come first: the others get what is left (vt_config_check() has counted them). */
static void
assign_places (VtMachine *machine)
{
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      g_array_index (machine->drives, Drive, i).place = disk->unit > 0 ? disk->unit - 1 : UINT_MAX;
    }
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      Drive              *drive = &g_array_index (machine->drives, Drive, i);
      for (unsigned place = 0; drive->place == UINT_MAX; place++)
        if (!taken (machine, disk->bus, place))
          drive->place = place;
    }
}

static VtFloppyDriveType
floppy_drive_for (const VtDiskConfig *disk, const VtBlock *block)
{
  if (disk->bus != VT_BUS_FDC)
    return VT_FLOPPY_NONE;
  return block != NULL ? (VtFloppyDriveType) vt_floppy_medium (block->size_bytes)->drive : VT_FLOPPY_1440;
}

bool
vt_machine_open_drive (VtMachine *machine, const VtDiskConfig *disk, Drive *drive, GError **error)
{
  *drive = (Drive) { 0 };
  if (disk->path != NULL && (drive->block = open_image (machine, disk, &drive->image, error)) == NULL)
    return false;
  drive->floppy = floppy_drive_for (disk, drive->block);
  return true;
}

bool
vt_machine_open_drives (VtMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->config.disks->len; i++)
    {
      Drive drive;
      if (!vt_machine_open_drive (machine, g_ptr_array_index (machine->config.disks, i), &drive, error))
        return false;
      g_array_append_val (machine->drives, drive);
    }
  assign_places (machine);
  return true;
}

/* --- Media ------------------------------------------------------------------------------------------------------------ */

void
vt_machine_close_drives (VtMachine *machine)
{
  for (guint i = 0; i < machine->drives->len; i++)
    vt_block_close (g_array_index (machine->drives, Drive, i).block);
  g_array_set_size (machine->drives, 0);
}

typedef struct
{
  unsigned drive;
  VtBlock *fresh;
  bool     refused;
} Change;

/* The CD drives have no chance to refuse: the person's hand is stronger than the guest's lock. */
static bool
put_in (VtMachine *machine, VtDiskBus bus, unsigned place, VtBlock *block)
{
  switch (bus)
    {
    case VT_BUS_SCSI: return vt_virtio_scsi_set_medium (machine->scsi, place, block, true);
    case VT_BUS_SATA: return vt_ahci_set_medium (machine->ahci, place, block, true);
    case VT_BUS_IDE: return vt_ide_set_medium (machine->ide, place, block, true);
    case VT_BUS_FDC: return vt_fdc_set_medium (machine->fdc, place, block);
    case VT_BUS_USB: return vt_usb_storage_set_medium (g_ptr_array_index (machine->usb_drives, place), block, true);
    case VT_BUS_VIRTIO:
    case VT_BUS_NVME: break;
    }
  return false;
}

static void
change_now (VtMachine *machine, void *arg)
{
  Change *change = arg;
  bool    was_running = machine->state == VT_MACHINE_RUNNING;
  vt_machine_stop_world (machine, true);
  vt_lock (&machine->lock);
  Drive *drive = &g_array_index (machine->drives, Drive, change->drive);
  const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, change->drive);
  change->refused = !put_in (machine, disk->bus, drive->place, change->fresh);
  if (!change->refused)
    {
      vt_block_close (drive->block);
      drive->block = change->fresh;
    }
  vt_unlock (&machine->lock);
  if (was_running)
    vt_machine_start_world (machine);
}

/* The drive's configuration; NULL: its medium cannot be changed. */
static const VtDiskConfig *
changeable (VtMachine *machine, unsigned drive, GError **error)
{
  const VtDiskConfig *disk
    = drive < machine->config.disks->len ? g_ptr_array_index (machine->config.disks, drive) : NULL;
  if (disk == NULL || (!disk->cdrom && disk->bus != VT_BUS_FDC))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Drive %u is no CD or floppy drive: its medium cannot be changed", drive);
      return NULL;
    }
  if (machine->state == VT_MACHINE_BLOCKED)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "The machine waits for a disk: mend that first, then change the medium");
      return NULL;
    }
  return disk;
}

static bool
refuse_medium (const VtDiskConfig *disk, GError **error)
{
  if (disk->cdrom)
    g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "The guest has locked the CD drive: eject the medium there first");
  else
    g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "This disk does not fit into the floppy drive, which takes others");
  return false;
}

bool
vt_machine_change_medium (VtMachine *machine, unsigned drive, const char *path, int fd, GError **error)
{
  Change              change = { .drive = drive };
  const VtDiskConfig *disk = changeable (machine, drive, error);
  if (disk == NULL)
    {
      vt_descriptor_close (fd);
      return false;
    }
  if (path != NULL && (change.fresh = open_medium (machine, disk, path, fd, error)) == NULL)
    return false;
  vt_control_run (machine, change_now, &change);
  if (!change.refused)
    return true;
  vt_block_close (change.fresh);
  return refuse_medium (disk, error);
}
