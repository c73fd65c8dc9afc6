/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole-machine save and restore. */
#pragma once

#include "machine.h"

/* Told now and then, of RAM. False: stop. */
typedef bool (*VtSaveProgress) (void *opaque, uint64_t done_bytes, uint64_t total_bytes);

/* Writes RAM, devices and processors to `path` (temporary file, then rename; nothing is left of one that failed or was stopped).
 * The machine stands still meanwhile and goes on after, if it ran. Blocks for the time of the write, in any thread; `progress`
 * (nullable) is called in the control thread. The machine must not be freed meanwhile, and what asks it something has to wait. */
bool vt_machine_save (VtMachine *machine, const char *path, VtSaveProgress progress, void *opaque, GError **error);
/* Into a machine just made from the same configuration, never started. All or nothing: after an error the machine must be
 * freed. The file is treated as hostile. Blocks, in any thread. */
bool vt_machine_restore (VtMachine *machine, const char *path, GError **error);

/* --- Snapshots of a machine that goes on --- */

typedef struct
{
  const char *name;            /* of the snapshots inside the disks' images */
  const char *state_path;      /* of RAM, devices and processors; a file as vt_machine_save() writes it */
  /* Told now and then, of RAM; the guest may keep the figure from growing. False: stop. The calling thread, or the control thread
   * while that waits. Nullable. */
  VtSaveProgress progress;
  /* Everything stands, and the disks have their snapshots: for what else belongs to that moment. Nullable. */
  void      (*moment) (void *opaque);
  void       *opaque;
} VtSnapshotPlan;

/* All of one moment, for which the guest stands still (VtStats says how long); all or nothing. Every disk that the guest may write must
 * be a qcow2 image. Blocks until it is on the disk, in any thread; the machine must not be freed meanwhile. One at a time
 * (VT_ERROR_BUSY). To go back: vt_image_snapshot() on each disk of the machine that is off, then vt_machine_restore(). */
bool vt_machine_take_snapshot (VtMachine *machine, const VtSnapshotPlan *plan, GError **error);
/* Takes the snapshots of that name out of the disks' images; the file is the caller's. The guest stands still meanwhile. Any
 * thread. */
bool vt_machine_forget_snapshot (VtMachine *machine, const char *name, GError **error);
