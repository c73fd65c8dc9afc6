/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Snapshots of a machine while it runs.
 *
 * RAM is written while the guest goes on; what it changes meanwhile is noticed page by page (VT_PAGE_CLEAN_MIGRATE) and written again,
 * until little is left. Then the world stands for a moment: the last pages and all devices are copied into memory, and each disk
 * takes its snapshot. So everything is of that one moment, and the guest does not wait for the file.
 */
#include "machine-private.h"

#include "qcow2.h"
#include "vitrine/error.h"
#include "vitrine/snapshot.h"

#define LITTLE_BYTES (16 * VT_MIB)   /* of RAM, which are compressed within the pause */
#define ROUNDS_MOST  8u              /* a guest that writes faster than we do is stopped then */

typedef struct
{
  VtMachine            *machine;
  const VtSnapshotPlan *plan;
  VtStreamWriter       *writer;
  GPtrArray            *marks;         /* of each RAM a byte per page: written since it was saved */
  uint64_t              done_bytes, total_bytes;
  GError              **error;
  bool                  ok;
} Take;

/* --- Disks --------------------------------------------------------------------------------------------------------------- */

/* The image of a drive that has to be in the snapshot; NULL: there is nothing to save. *able: can it be? */
static VtImage *
image_to_save (VtMachine *machine, guint i, bool *able)
{
  const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
  const Drive        *drive = &g_array_index (machine->drives, Drive, i);
  bool                written = !disk->cdrom && disk->bus != VT_BUS_FDC && !disk->readonly && drive->block != NULL;
  *able = !written || (drive->image != NULL && vt_is_qcow2 (drive->image));
  return written ? drive->image : NULL;
}

static bool
check_disks (VtMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      const VtBlock      *block = g_array_index (machine->drives, Drive, i).block;
      bool                able;
      image_to_save (machine, i, &able);
      if (disk->bus == VT_BUS_FDC && block != NULL && !block->readonly)
        {
          g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The floppy disk “%s” can be written, and snapshots do not hold it: take it out or "
                       "protect it first", block->label);
          return false;
        }
      if (!able && disk->snapshot)
        g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s” forgets what is written to it: it cannot be part of a snapshot", disk->path);
      else if (!able)
        g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "“%s” is not a qcow2 image: only those have snapshots. Convert it first", disk->path);
      if (!able)
        return false;
    }
  return true;
}

/* Out of the first n drives' images, as far as it is there. */
static bool
forget_disks (VtMachine *machine, guint n, const char *name, GError **error)
{
  bool ok = true;
  for (guint i = 0; i < n; i++)
    {
      bool     able;
      VtImage *image = image_to_save (machine, i, &able);
      bool     has;
      if (image == NULL || !able)
        continue;
      /* The first error is told; the rest is tried all the same. */
      if (!vt_qcow2_has_snapshot (image, name, &has, ok ? error : NULL)
          || (has && !vt_qcow2_snapshot (image, VT_IMAGE_DELETE_SNAPSHOT, name, ok ? error : NULL)))
        ok = false;
    }
  return ok;
}

static bool
snapshot_disks (VtMachine *machine, const char *name, GError **error)
{
  for (guint i = 0; i < machine->drives->len; i++)
    {
      bool     able;
      VtImage *image = image_to_save (machine, i, &able);
      if (image != NULL && !vt_qcow2_snapshot (image, VT_IMAGE_TAKE_SNAPSHOT, name, error))
        {
          forget_disks (machine, i, name, NULL);
          return false;
        }
    }
  return true;
}

/* --- RAM ----------------------------------------------------------------------------------------------------------------- */

static VtRam *
ram_at (const Take *take, guint i)
{
  return g_ptr_array_index (take->machine->rams, i);
}

/* Marks what was written since the last time; how much is marked now, in bytes. */
static uint64_t
harvest (Take *take)
{
  uint64_t marked = 0;
  for (guint i = 0; i < take->machine->rams->len; i++)
    {
      VtRam              *ram = ram_at (take, i);
      uint64_t            n_pages = ram->size >> VT_PAGE_SHIFT;
      uint8_t            *marks = take->marks->pdata[i];
      g_autofree uint8_t *fresh = g_malloc (n_pages);
      vt_ram_harvest (ram, 0, n_pages, VT_PAGE_CLEAN_MIGRATE, fresh);
      for (uint64_t page = 0; page < n_pages; page++)
        {
          marks[page] |= fresh[page];
          marked += marks[page];
        }
    }
  return marked * VT_PAGE_SIZE;
}

static void
forget_marks (Take *take)
{
  for (guint i = 0; i < take->marks->len; i++)
    memset (take->marks->pdata[i], 0, ram_at (take, i)->size >> VT_PAGE_SHIFT);
}

static bool
write_ram (Take *take, bool marked_only)
{
  for (guint i = 0; i < take->machine->rams->len; i++)
    if (!vt_stream_write_ram (take->writer, ram_at (take, i), marked_only ? take->marks->pdata[i] : NULL, take->error))
      return false;
  forget_marks (take);
  return true;
}

/* Until little is left that the guest has written since. */
static bool
write_running (Take *take)
{
  harvest (take);
  if (!write_ram (take, false))
    return false;
  for (unsigned round = 1; round < ROUNDS_MOST && harvest (take) > LITTLE_BYTES; round++)
    if (!write_ram (take, true))
      return false;
  return true;
}

/* --- The moment ---------------------------------------------------------------------------------------------------------- */

static void
take_now (VtMachine *machine, void *arg)
{
  Take   *take = arg;
  bool    was_running = machine->state == VT_MACHINE_RUNNING;
  int64_t began_us = g_get_monotonic_time ();
  if (!vt_machine_may_save (machine, take->error))
    return;
  vt_machine_stop_world (machine, true);
  vt_stream_writer_hold (take->writer);
  harvest (take);
  take->ok = vt_machine_collect_tpm (machine, take->error);
  vt_lock (&machine->lock);
  take->ok = take->ok && write_ram (take, true) && vt_machine_write_rest (machine, take->writer, take->error);
  vt_unlock (&machine->lock);
  /* Once more: a floppy disk may have come. */
  take->ok = take->ok && check_disks (machine, take->error) && snapshot_disks (machine, take->plan->name, take->error);
  if (take->ok && take->plan->moment != NULL)
    take->plan->moment (take->plan->opaque);
  if (was_running)
    vt_machine_start_world (machine);
  machine->snapshot_pause_ns = (g_get_monotonic_time () - began_us) * 1000;
}

static bool
step (void *opaque, uint64_t ram_bytes)
{
  Take *take = opaque;
  take->done_bytes = MIN (take->done_bytes + ram_bytes, take->total_bytes);
  return take->plan->progress == NULL || take->plan->progress (take->plan->opaque, take->done_bytes, take->total_bytes);
}

static bool
take_all (Take *take)
{
  g_autoptr (VtStreamWriter) writer = vt_stream_writer_new (take->plan->state_path, take->error);
  if ((take->writer = writer) == NULL || !vt_machine_write_head (take->machine, writer, take->error))
    return false;
  vt_stream_writer_watch (writer, step, take);
  if (!write_running (take))
    return false;
  vt_control_run (take->machine, take_now, take);
  if (!take->ok)
    return false;
  if (vt_stream_writer_commit (writer, take->error))
    return true;
  vt_machine_forget_snapshot (take->machine, take->plan->name, NULL);
  return false;
}

bool
vt_machine_take_snapshot (VtMachine *machine, const VtSnapshotPlan *plan, GError **error)
{
  Take take = { .machine = machine, .plan = plan, .error = error };
  vt_lock (&machine->lock);
  bool able = check_disks (machine, error);
  vt_unlock (&machine->lock);
  if (!able)
    return false;
  if (!g_atomic_int_compare_and_exchange (&machine->taking_snapshot, 0, 1))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "Another snapshot of this machine is being taken");
      return false;
    }
  take.marks = g_ptr_array_new_with_free_func (g_free);
  for (guint i = 0; i < machine->rams->len; i++)
    {
      g_ptr_array_add (take.marks, g_malloc0 (ram_at (&take, i)->size >> VT_PAGE_SHIFT));
      take.total_bytes += ram_at (&take, i)->size;
    }
  bool ok = take_all (&take);
  for (guint i = 0; i < machine->rams->len; i++)
    vt_ram_end_harvest (ram_at (&take, i), VT_PAGE_CLEAN_MIGRATE);
  g_ptr_array_unref (take.marks);
  g_atomic_int_set (&machine->taking_snapshot, 0);
  return ok;
}

/* --- Forgetting ------------------------------------------------------------------------------------------------------------ */

typedef struct
{
  const char *name;
  GError    **error;
  bool        ok;
} Forget;

static void
forget_now (VtMachine *machine, void *arg)
{
  Forget *forget = arg;
  bool    was_running = machine->state == VT_MACHINE_RUNNING;
  vt_machine_stop_world (machine, true);
  forget->ok = forget_disks (machine, machine->drives->len, forget->name, forget->error);
  if (was_running)
    vt_machine_start_world (machine);
}

bool
vt_machine_forget_snapshot (VtMachine *machine, const char *name, GError **error)
{
  Forget forget = { name, error, false };
  vt_control_run (machine, forget_now, &forget);
  return forget.ok;
}
