/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The steps of ATA and ATAPI commands, for every kind of controller.
 *
 * Data goes through a buffer of one chunk per command, so that what is in flight stays bounded whatever the guest asks
 * for, and a command that is dropped can no longer write into guest memory. */
#include "ata-command.h"

#include <errno.h>

#include "trace-storage.h"

void
vt_ata_command_free (VtAtaCommand *command)
{
  g_free (command->task.data);
  g_free (command->buffer);
  g_free (command);
}

bool
vt_ata_command_drop (VtAtaCommand *command)
{
  command->dropped = command->waiting;
  if (command->waiting)
    return true;
  vt_ata_command_free (command);
  return false;
}

static void
io_failed (VtAtaCommand *command, int problem)
{
  trace_ata_io_error (command->drive->serial, problem);
  if (command->task.packet)
    vt_atapi_io_failed (command->drive, &command->task, problem);
  else
    vt_ata_io_failed (command->drive, &command->task, problem);
  command->transport->end (command);
}

static size_t
chunk_of (const VtAtaCommand *command)
{
  return (size_t) MIN (command->task.left, command->chunk_bytes);
}

static void
chunk_done (VtAtaCommand *command)
{
  size_t n = chunk_of (command);
  command->task.off += n;
  command->task.left -= n;
  vt_ata_command_step (command);
}

/* --- Requests to the block device --------------------------------------------------------------------------------- */

static void
move_chunk (VtAtaCommand *command, uint8_t *bytes, size_t n, bool to_guest)
{
  switch (command->transport->move (command, bytes, n, to_guest))
    {
    case VT_ATA_MOVED:
      vt_ata_command_moved (command);
      break;
    case VT_ATA_MOVE_LATER:
      break;
    case VT_ATA_MOVE_FAILED:
      vt_ata_fail (&command->task, ATA_ERROR_ABRT);
      command->transport->end (command);
      break;
    }
}

static void
io_good (VtAtaCommand *command)
{
  if (command->io.op == VT_IO_READ)
    move_chunk (command, command->buffer, (size_t) command->io.len, true);
  else if (command->io.op == VT_IO_WRITE)
    chunk_done (command);
  else
    vt_ata_command_step (command);
}

static void
io_done (VtIo *io, int error)
{
  VtAtaCommand         *command = io->opaque;
  const VtAtaTransport *transport = command->transport;
  void                 *host = command->host;
  bool                  dropped = command->dropped;
  command->waiting = false;
  if (dropped)
    vt_ata_command_free (command);
  else if (error != 0)
    io_failed (command, error);
  else
    io_good (command);
  transport->io_over (host, dropped);
}

static void
submit (VtAtaCommand *command, VtIoOp op, uint64_t off, uint64_t len)
{
  bool data = op == VT_IO_READ || op == VT_IO_WRITE;
  if (command->drive->block == NULL)
    {
      io_failed (command, ENOMEDIUM);
      return;
    }
  command->vec = (VtIoVec) { command->buffer, (size_t) len };
  command->io = (VtIo) { .op = op, .off = off, .len = len, .vec = data ? &command->vec : NULL, .n_vec = data ? 1 : 0,
                         .done = io_done, .opaque = command };
  command->waiting = true;
  command->transport->io_began (command->host);
  vt_block_submit (command->drive->block, &command->io);
}

/* --- Steps -------------------------------------------------------------------------------------------------------- */

/* Media transfers go in chunks; after the last one, a write that must be durable flushes. */
static void
step_media (VtAtaCommand *command)
{
  VtAtaTask *task = &command->task;
  size_t     n = chunk_of (command);
  if (task->left == 0 && task->flush_after)
    {
      task->flush_after = false;
      submit (command, VT_IO_FLUSH, 0, 0);
      return;
    }
  if (task->left == 0)
    {
      command->transport->end (command);
      return;
    }
  if (command->buffer == NULL)
    command->buffer = g_malloc (n);
  if (task->action == VT_ATA_WRITE)
    move_chunk (command, command->buffer, n, false);
  else
    submit (command, VT_IO_READ, task->off, n);
}

void
vt_ata_command_moved (VtAtaCommand *command)
{
  VtAtaTask *task = &command->task;
  switch (task->action)
    {
    case VT_ATA_DATA_IN:
      command->transport->end (command);
      break;
    case VT_ATA_DATA_OUT:
      task->after_data (command->drive, task);
      vt_ata_command_step (command);
      break;
    case VT_ATA_READ:
      chunk_done (command);
      break;
    case VT_ATA_WRITE:
      submit (command, VT_IO_WRITE, task->off, chunk_of (command));
      break;
    case VT_ATA_DONE:
    case VT_ATA_FLUSH:
    case VT_ATA_DISCARD:
      g_assert_not_reached ();
    }
}

void
vt_ata_command_step (VtAtaCommand *command)
{
  VtAtaTask *task = &command->task;
  uint64_t   off, len;
  switch (task->action)
    {
    case VT_ATA_DONE:
      command->transport->end (command);
      break;
    case VT_ATA_DATA_IN:
    case VT_ATA_DATA_OUT:
      move_chunk (command, task->data, task->len, task->action == VT_ATA_DATA_IN);
      break;
    case VT_ATA_READ:
    case VT_ATA_WRITE:
      step_media (command);
      break;
    case VT_ATA_FLUSH:
      task->action = VT_ATA_DONE;
      submit (command, VT_IO_FLUSH, 0, 0);
      break;
    case VT_ATA_DISCARD:
      if (vt_ata_next_range (command->drive, task, &off, &len))
        submit (command, VT_IO_DISCARD, off, len);
      else
        command->transport->end (command);
      break;
    }
}
