/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Opening the images of a machine. */
#include "machine-private.h"

#include "ahci.h"
#include "drivers.h"
#include "vitrine/error.h"

static void
post_to_loop (void *loop, void (*fn) (void *arg), void *arg)
{
  vt_loop_post (loop, fn, arg);
}

static VtBlock *
open_image (VtMachine *machine, const VtDiskConfig *disk, GError **error)
{
  VtPost post = { post_to_loop, machine->loop };
  if (disk->cdrom)
    return vt_raw_open_cd (disk->path, post, error);
  VtBlock *block = vt_raw_open (disk->path, disk->readonly || disk->snapshot, post, error);
  if (block == NULL || !disk->snapshot)
    return block;
  return vt_overlay_open (block, NULL, post, error);
}

bool
vt_machine_open_drives (VtMachine *machine, GError **error)
{
  unsigned next_port = 0;
  for (guint i = 0; i < machine->config.disks->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      Drive               drive = { 0 };
      if (disk->path != NULL && (drive.block = open_image (machine, disk, error)) == NULL)
        return false;
      if (disk->bus == VT_BUS_SATA)
        drive.sata_port = next_port++;
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
  change->locked = !vt_ahci_set_medium (machine->ahci, drive->sata_port, change->fresh, true);
  if (!change->locked)
    {
      vt_block_close (drive->block);
      drive->block = change->fresh;
    }
  vt_unlock (&machine->lock);
  if (was_running)
    vt_machine_start_world (machine);
}

bool
vt_machine_change_medium (VtMachine *machine, unsigned drive, const char *path, GError **error)
{
  const VtDiskConfig *disk
    = drive < machine->config.disks->len ? g_ptr_array_index (machine->config.disks, drive) : NULL;
  if (disk == NULL || !disk->cdrom || machine->ahci == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Drive %u is not a CD drive: its medium cannot be changed", drive);
      return false;
    }
  Change change = { .drive = drive };
  if (path != NULL
      && (change.fresh = vt_raw_open_cd (path, (VtPost) { post_to_loop, machine->loop }, error)) == NULL)
    return false;
  vt_control_run (machine, change_now, &change);
  if (!change.locked)
    return true;
  vt_block_close (change.fresh);
  g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "The guest has locked the CD drive: eject the medium there first");
  return false;
}
