/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the images of a machine. */
#include <errno.h>

#include "machine-private.h"

#include "ahci.h"
#include "drivers.h"
#include "image.h"
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
open_image (VtMachine *machine, const VtDiskConfig *disk, VtImage **image, GError **error)
{
  VtPost post = { post_to_loop, machine->loop };
  if (disk->cdrom)
    return vt_raw_open_cd (disk->path, -1, post, error);
  VtBlock *block = open_disk (disk, post, image, error);
  if (block != NULL && disk->snapshot)
    block = vt_overlay_open (block, NULL, post, error);
  return block != NULL ? vt_guard_new (block, post, host_disk_failed, machine) : NULL;
}

bool
vt_machine_open_drives (VtMachine *machine, GError **error)
{
  unsigned next_port = 0, next_target = 0;
  for (guint i = 0; i < machine->config.disks->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      Drive               drive = { 0 };
      if (disk->path != NULL && (drive.block = open_image (machine, disk, &drive.image, error)) == NULL)
        return false;
      if (disk->bus == VT_BUS_SATA)
        drive.place = next_port++;
      else if (disk->bus == VT_BUS_SCSI)
        drive.place = next_target++;
      g_array_append_val (machine->drives, drive);
    }
  return true;
}

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
  bool     locked;
} Change;

static void
change_now (VtMachine *machine, void *arg)
{
  Change *change = arg;
  bool    was_running = machine->state == VT_MACHINE_RUNNING;
  vt_machine_stop_world (machine, true);
  vt_lock (&machine->lock);
  Drive *drive = &g_array_index (machine->drives, Drive, change->drive);
  const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, change->drive);
  change->locked = disk->bus == VT_BUS_SCSI ? !vt_virtio_scsi_set_medium (machine->scsi, drive->place, change->fresh, true)
                                            : !vt_ahci_set_medium (machine->ahci, drive->place, change->fresh, true);
  if (!change->locked)
    {
      vt_block_close (drive->block);
      drive->block = change->fresh;
    }
  vt_unlock (&machine->lock);
  if (was_running)
    vt_machine_start_world (machine);
}

static bool
may_change_medium (VtMachine *machine, unsigned drive, GError **error)
{
  const VtDiskConfig *disk
    = drive < machine->config.disks->len ? g_ptr_array_index (machine->config.disks, drive) : NULL;
  if (disk == NULL || !disk->cdrom || machine->ahci == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Drive %u is not a CD drive: its medium cannot be changed", drive);
      return false;
    }
  if (machine->state == VT_MACHINE_BLOCKED)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "The machine waits for a disk: mend that first, then change the CD");
      return false;
    }
  return true;
}

bool
vt_machine_change_medium (VtMachine *machine, unsigned drive, const char *path, int fd, GError **error)
{
  Change change = { .drive = drive };
  if (path != NULL
      && (change.fresh = vt_raw_open_cd (path, fd, (VtPost) { post_to_loop, machine->loop }, error)) == NULL)
    return false;
  if (!may_change_medium (machine, drive, error))
    {
      vt_block_close (change.fresh);
      return false;
    }
  vt_control_run (machine, change_now, &change);
  if (!change.locked)
    return true;
  vt_block_close (change.fresh);
  g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "The guest has locked the CD drive: eject the medium there first");
  return false;
}
