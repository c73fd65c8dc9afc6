/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Whole-machine save and restore: every device and processor from its state table, RAM, the clock. */
#include "machine-private.h"

#include "host-ram.h"
#include "stream.h"

/* What must agree before anything is loaded, and the clock. */
typedef struct
{
  uint64_t memory_bytes;
  uint64_t guest_ns;
  uint32_t cpus;
  uint8_t  board[28];
} MachineState;

static const VtField machine_fields[] = {
  VT_FIELD (MachineState, memory_bytes),
  VT_FIELD (MachineState, guest_ns),
  VT_FIELD (MachineState, cpus),
  VT_FIELD (MachineState, board),
};
static const VtState machine_state = VT_STATE (1, MachineState, machine_fields, NULL);

/* Accelerators differ in the frequency of the guest's time-stamp counter. The guest has measured it: it stays. */
typedef struct
{
  uint64_t hz;
} TscState;

static const VtField tsc_fields[] = { VT_FIELD (TscState, hz) };
static const VtState tsc_state = VT_STATE (1, TscState, tsc_fields, NULL);

/* Of the moment that everything behind it is from, where the machine ran on while the first part was written. */
typedef struct
{
  uint64_t guest_ns;
} TimeState;

static const VtField time_fields[] = { VT_FIELD (TimeState, guest_ns) };
static const VtState time_state = VT_STATE (1, TimeState, time_fields, NULL);
#define TSC_HZ_MIN UINT64_C (1000000)
#define TSC_HZ_MAX UINT64_C (100000000000)

static MachineState
describe (VtMachine *machine)
{
  MachineState state = { .memory_bytes = machine->config.memory_bytes,
                         .guest_ns = (uint64_t) vt_clock_now (machine->clock),
                         .cpus = machine->n_cpus };
  g_strlcpy ((char *) state.board, machine->board->name, sizeof state.board);
  return state;
}

static bool
write_flagged (VtStreamWriter *writer, const char *name, uint32_t flags, const VtState *state, const void *block, GError **error)
{
  g_autoptr (GByteArray) bytes = g_byte_array_new ();
  vt_state_save (state, block, bytes);
  return vt_stream_write (writer, name, state->version, flags, bytes->data, bytes->len, error);
}

static bool
write_table (VtStreamWriter *writer, const char *name, const VtState *state, const void *block, GError **error)
{
  return write_flagged (writer, name, 0, state, block, error);
}

static bool
write_device (VtStreamWriter *writer, VtDevice *dev, GError **error)
{
  g_autofree char *name = g_strconcat ("dev/", dev->path, NULL);
  return write_table (writer, name, &dev->cls->state, vt_device_state (dev), error);
}

bool
vt_machine_write_head (VtMachine *machine, VtStreamWriter *writer, GError **error)
{
  MachineState state = describe (machine);
  TscState     tsc = { machine->cpus[0]->tsc_hz };
  return write_table (writer, "machine", &machine_state, &state, error)
         && write_flagged (writer, "tsc", VT_CHUNK_OPTIONAL, &tsc_state, &tsc, error);
}

bool
vt_machine_write_rest (VtMachine *machine, VtStreamWriter *writer, GError **error)
{
  TimeState now = { (uint64_t) vt_clock_now (machine->clock) };
  if (!write_table (writer, "time", &time_state, &now, error))
    return false;
  for (unsigned i = 0; i < machine->n_cpus; i++)
    {
      g_autofree char *name = g_strdup_printf ("cpu/%u", i);
      if (!write_table (writer, name, &vt_x86_state_table, &machine->cpus[i]->s, error))
        return false;
    }
  for (guint i = 0; i < machine->devices->len; i++)
    if (!write_device (writer, g_ptr_array_index (machine->devices, i), error))
      return false;
  const GByteArray *tpm = machine->tpm_saved;
  return tpm == NULL || vt_stream_write (writer, "tpm", 1, 0, tpm->data, tpm->len, error);
}

typedef struct
{
  const char    *path;
  VtSaveProgress progress;     /* nullable */
  void          *opaque;
  uint64_t       done_bytes, total_bytes;
  GError       **error;
  bool           ok;
} Job;

static bool
step (void *opaque, uint64_t ram_bytes)
{
  Job *job = opaque;
  job->done_bytes += ram_bytes;
  return job->progress == NULL || job->progress (job->opaque, job->done_bytes, job->total_bytes);
}

static bool
save_to (VtMachine *machine, Job *job)
{
  GError **error = job->error;
  g_autoptr (VtStreamWriter) writer = vt_stream_writer_new (job->path, error);
  if (writer == NULL || !vt_machine_write_head (machine, writer, error))
    return false;
  vt_stream_writer_watch (writer, step, job);
  for (guint i = 0; i < machine->rams->len; i++)
    job->total_bytes += ((VtRam *) g_ptr_array_index (machine->rams, i))->size;
  for (guint i = 0; i < machine->rams->len; i++)
    if (!vt_stream_write_ram (writer, g_ptr_array_index (machine->rams, i), NULL, error))
      return false;
  return vt_machine_write_rest (machine, writer, error) && vt_stream_writer_commit (writer, error);
}

bool
vt_machine_may_save (const VtMachine *machine, GError **error)
{
  bool over = machine->state == VT_MACHINE_OFF || machine->state == VT_MACHINE_DIED;
  if (over)
    g_set_error (error, VT_ERROR, VT_ERROR_STATE, "The machine is off: there is nothing to save");
  else if (machine->state == VT_MACHINE_BLOCKED)
    g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "The machine waits for a disk: mend that first, then save");
  return !over && machine->state != VT_MACHINE_BLOCKED;
}

static void
save_now (VtMachine *machine, void *arg)
{
  Job *job = arg;
  bool was_running = machine->state == VT_MACHINE_RUNNING;
  if (!vt_machine_may_save (machine, job->error))
    return;
  vt_machine_stop_world (machine, true);
  job->ok = vt_machine_collect_tpm (machine, job->error);
  vt_lock (&machine->lock);
  job->ok = job->ok && save_to (machine, job);
  vt_unlock (&machine->lock);
  if (was_running)
    vt_machine_start_world (machine);
}

bool
vt_machine_save (VtMachine *machine, const char *path, VtSaveProgress progress, void *opaque, GError **error)
{
  Job job = { .path = path, .progress = progress, .opaque = opaque, .error = error };
  vt_control_run (machine, save_now, &job);
  return job.ok;
}

/* --- Restore ------------------------------------------------------------------------------------------------------------------ */

typedef struct
{
  VtMachine  *machine;
  GHashTable *seen;        /* names of chunks loaded */
  uint64_t    tsc_hz;
} Restore;

static bool G_GNUC_PRINTF (2, 3)
mismatch (GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "The saved state does not fit this machine: %s", text);
  return false;
}

/* Devices arm timers while they load: time must be right before. */
static bool
set_time (Restore *restore, uint64_t guest_ns, GError **error)
{
  if (guest_ns > INT64_MAX / 2)
    return mismatch (error, "its clock is absurd");
  vt_clock_set_now (restore->machine->clock, (int64_t) guest_ns);
  return true;
}

static bool
load_machine (Restore *restore, const VtChunk *chunk, GError **error)
{
  MachineState saved, here = describe (restore->machine);
  if (!vt_state_load (&machine_state, &saved, chunk->version, chunk->data, chunk->len, error))
    return false;
  saved.board[sizeof saved.board - 1] = 0;
  if (strcmp ((char *) saved.board, (char *) here.board) != 0)
    return mismatch (error, "it is of a “%s”", (char *) saved.board);
  if (saved.memory_bytes != here.memory_bytes)
    return mismatch (error, "it has %" G_GUINT64_FORMAT " MiB of memory", saved.memory_bytes / VT_MIB);
  if (saved.cpus != here.cpus)
    return mismatch (error, "it has %u processors", saved.cpus);
  return set_time (restore, saved.guest_ns, error);
}

static bool
load_time (Restore *restore, const VtChunk *chunk, GError **error)
{
  TimeState saved;
  return vt_state_load (&time_state, &saved, chunk->version, chunk->data, chunk->len, error)
         && set_time (restore, saved.guest_ns, error);
}

static bool
load_tsc (Restore *restore, const VtChunk *chunk, GError **error)
{
  TscState saved;
  if (!vt_state_load (&tsc_state, &saved, chunk->version, chunk->data, chunk->len, error))
    return false;
  if (saved.hz < TSC_HZ_MIN || saved.hz > TSC_HZ_MAX)
    return mismatch (error, "its time-stamp counter is absurd");
  restore->tsc_hz = saved.hz;
  return true;
}

static bool
load_cpu (Restore *restore, unsigned index, const VtChunk *chunk, GError **error)
{
  VtMachine *machine = restore->machine;
  if (index >= machine->n_cpus)
    return mismatch (error, "it has a processor %u", index);
  VtX86Cpu   *cpu = machine->cpus[index];
  /* Vector registers are aligned inside. */
  g_autofree void *block = g_aligned_alloc0 (1, sizeof (VtX86State), _Alignof (VtX86State));
  bool ok = vt_state_load (&vt_x86_state_table, block, chunk->version, chunk->data, chunk->len, error)
            && vt_x86_state_check (cpu, block, error);
  if (ok)
    {
      memcpy (&cpu->s, block, sizeof cpu->s);
      cpu->tsc_hz = restore->tsc_hz;
      vt_x86_cpu_settle (cpu);
    }
  g_aligned_free (g_steal_pointer (&block));
  return ok;
}

static bool
load_device (VtMachine *machine, const char *path, const VtChunk *chunk, GError **error)
{
  for (guint i = 0; i < machine->devices->len; i++)
    {
      VtDevice *dev = g_ptr_array_index (machine->devices, i);
      if (g_str_equal (dev->path, path))
        return vt_device_load (dev, chunk->version, chunk->data, chunk->len, error);
    }
  return mismatch (error, "it has a device “%s”", path);
}

static bool
load_ram (VtMachine *machine, const char *name, const VtChunk *chunk, GError **error)
{
  for (guint i = 0; i < machine->rams->len; i++)
    {
      VtRam *ram = g_ptr_array_index (machine->rams, i);
      if (g_str_equal (ram->name, name))
        return vt_stream_load_ram (chunk, ram, error);
    }
  return mismatch (error, "it has memory “%s”", name);
}

static bool
load_chunk (Restore *restore, const VtChunk *chunk, GError **error)
{
  VtMachine *machine = restore->machine;
  bool       first = g_hash_table_size (restore->seen) == 0;
  if (first != g_str_equal (chunk->name, "machine"))
    return mismatch (error, "its parts are out of order");
  bool is_ram = g_str_has_prefix (chunk->name, VT_CHUNK_RAM_PREFIX);
  if (!g_hash_table_add (restore->seen, g_strdup (chunk->name)) && !is_ram)
    return mismatch (error, "“%s” is there twice", chunk->name);
  if (first)
    return load_machine (restore, chunk, error);
  if (g_str_equal (chunk->name, "time"))
    return load_time (restore, chunk, error);
  if (g_str_equal (chunk->name, "tpm"))
    return vt_machine_load_tpm (machine, chunk->data, chunk->len, error);
  if (g_str_equal (chunk->name, "tsc"))
    return load_tsc (restore, chunk, error);
  if (is_ram)
    return load_ram (machine, chunk->name + strlen (VT_CHUNK_RAM_PREFIX), chunk, error);
  if (g_str_has_prefix (chunk->name, "cpu/"))
    return load_cpu (restore, (unsigned) g_ascii_strtoull (chunk->name + 4, NULL, 10), chunk, error);
  if (g_str_has_prefix (chunk->name, "dev/"))
    return load_device (machine, chunk->name + 4, chunk, error);
  if (chunk->flags & VT_CHUNK_OPTIONAL)
    return true;
  return mismatch (error, "it has an unknown part “%s”", chunk->name);
}

/* Everything that the machine has must have been in the stream. */
static bool
complete (Restore *restore, GError **error)
{
  VtMachine *machine = restore->machine;
  for (guint i = 0; i < machine->devices->len; i++)
    {
      VtDevice        *dev = g_ptr_array_index (machine->devices, i);
      g_autofree char *name = g_strconcat ("dev/", dev->path, NULL);
      if (!dev->cls->late && !g_hash_table_contains (restore->seen, name))
        return mismatch (error, "device “%s” is missing in it", dev->path);
    }
  if (machine->tpm != NULL && !g_hash_table_contains (restore->seen, "tpm"))
    return mismatch (error, "the TPM's state is missing in it");
  for (unsigned i = 0; i < machine->n_cpus; i++)
    {
      g_autofree char *name = g_strdup_printf ("cpu/%u", i);
      if (!g_hash_table_contains (restore->seen, name))
        return mismatch (error, "processor %u is missing in it", i);
    }
  return true;
}

static bool
restore_from (VtMachine *machine, const char *path, GError **error)
{
  g_autoptr (VtStreamReader) reader = vt_stream_reader_new (path, error);
  g_autoptr (GHashTable) seen = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
  Restore  restore = { machine, seen, VT_TSC_HZ };
  VtChunk  chunk;
  GError  *local = NULL;
  if (reader == NULL)
    return false;
  /* The stream leaves out pages of zeros; what building the machine put into RAM must not shine through. */
  for (guint i = 0; i < machine->rams->len; i++)
    {
      VtRam *ram = g_ptr_array_index (machine->rams, i);
      vt_host_ram_clear (ram);
    }
  machine->loading = true;
  bool ok = true;
  while (ok && vt_stream_next (reader, &chunk, &local))
    ok = load_chunk (&restore, &chunk, &local);
  machine->loading = false;
  if (local != NULL)
    {
      g_propagate_error (error, local);
      return false;
    }
  return complete (&restore, error);
}

static void
restore_now (VtMachine *machine, void *arg)
{
  Job *job = arg;
  if (machine->state != VT_MACHINE_PAUSED || vt_clock_now (machine->clock) != 0)
    {
      g_set_error (job->error, VT_ERROR, VT_ERROR_STATE, "A saved state can only be loaded into a machine that never ran");
      return;
    }
  vt_lock (&machine->lock);
  job->ok = restore_from (machine, job->path, job->error);
  if (job->ok)
    vt_machine_announce_cards (machine);
  vt_unlock (&machine->lock);
  for (unsigned i = 0; i < machine->n_cpus; i++)
    vt_vcpu_kick (&machine->cpus[i]->vcpu, VT_VCPU_INTERRUPT | VT_VCPU_VIEW | VT_VCPU_FLUSH);
}

bool
vt_machine_restore (VtMachine *machine, const char *path, GError **error)
{
  Job job = { .path = path, .error = error };
  vt_control_run (machine, restore_now, &job);
  return job.ok;
}
