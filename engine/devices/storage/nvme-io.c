/* SPDX-License-Identifier: GPL-3.0-or-later */
/* NVMe commands on the namespace (NVM Express 1.4, chapter 6).
 *
 * Data goes through a buffer of the command's own, at most NVME_TRANSFER_MAX: a command that is dropped can no longer write
 * into guest memory. */
#include <errno.h>

#include "nvme-private.h"

#include "trace-storage.h"

enum
{
  OP_FLUSH = 0x00, OP_WRITE = 0x01, OP_READ = 0x02, OP_WRITE_ZEROES = 0x08, OP_DATASET_MANAGEMENT = 0x09,

  FORCE_UNIT_ACCESS = 1u << 30,    /* in dword 12 */
  DEALLOCATE = 1u << 2,            /* attribute of a dataset */
  RANGE_BYTES = 16,
};

static unsigned
status_of (const NvmeCommand *command, int error)
{
  if (error == ENOSPC)
    return NVME_CAPACITY;
  return command->io.op == VT_IO_READ ? NVME_READ_ERROR : NVME_WRITE_FAULT;
}

static unsigned next_step (NvmeCommand *command);

static void
io_done (VtIo *io, int error)
{
  NvmeCommand *command = io->opaque;
  Nvme        *nvme = command->nvme;
  if (command->dropped)
    {
      nvme->dropped--;
      nvme_free_command (command);
    }
  else
    {
      unsigned status = error != 0 ? status_of (command, error) : next_step (command);
      if (error != 0)
        trace_nvme_io_error (command->sq, command->id, error);
      if (status != NVME_NO_ANSWER)
        nvme_answer (command, status);
    }
  nvme_io_over (nvme);
}

static unsigned
submit (NvmeCommand *command, VtIoOp op, uint64_t off, uint64_t len)
{
  bool data = op == VT_IO_READ || op == VT_IO_WRITE;
  command->vec = (VtIoVec) { command->data, (size_t) len };
  command->io = (VtIo) { .op = op, .off = off, .len = len, .vec = data ? &command->vec : NULL, .n_vec = data ? 1 : 0,
                         .done = io_done, .opaque = command };
  vt_quiet_began (&command->nvme->quiet);
  vt_block_submit (command->nvme->block, &command->io);
  return NVME_NO_ANSWER;
}

/* Ranges of 6.7: attributes, length, start; those that leave the namespace end the command. */
static unsigned
discard_next (NvmeCommand *command)
{
  uint64_t blocks = command->nvme->block->size_bytes / NVME_BLOCK;
  while (vt_fits (command->next, RANGE_BYTES, command->len))
    {
      const uint8_t *range = command->data + command->next;
      uint64_t       count = vt_load_le (range + 4, 4), start = vt_load_le (range + 8, 8);
      command->next += RANGE_BYTES;
      if (!vt_fits (start, count, blocks))
        return NVME_LBA_RANGE;
      if (count > 0)
        return submit (command, VT_IO_DISCARD, start * NVME_BLOCK, count * NVME_BLOCK);
    }
  return NVME_SUCCESS;
}

/* A request to the block device went well. */
static unsigned
next_step (NvmeCommand *command)
{
  switch (command->io.op)
    {
    case VT_IO_READ:
      return nvme_move (command, command->data, command->len, true);
    case VT_IO_DISCARD:
      return discard_next (command);
    case VT_IO_WRITE:
    case VT_IO_WRITE_ZEROES:
      if (command->flush_after)
        return submit (command, VT_IO_FLUSH, 0, 0);
      return NVME_SUCCESS;
    case VT_IO_FLUSH:
      break;
    }
  return NVME_SUCCESS;
}

static unsigned
get_range (const NvmeCommand *command, uint64_t *off, uint64_t *len)
{
  uint64_t start = command->dw10 | (uint64_t) command->dw11 << 32, count = (command->dw12 & 0xffff) + 1;
  if (!vt_fits (start, count, command->nvme->block->size_bytes / NVME_BLOCK))
    return NVME_LBA_RANGE;
  *off = start * NVME_BLOCK;
  *len = count * NVME_BLOCK;
  return NVME_SUCCESS;
}

static unsigned
transfer (NvmeCommand *command)
{
  uint64_t off, len;
  unsigned status = get_range (command, &off, &len);
  if (status == NVME_SUCCESS && len > NVME_TRANSFER_MAX)
    status = NVME_INVALID_FIELD;
  if (status != NVME_SUCCESS)
    return status;
  command->len = (size_t) len;
  command->data = g_malloc (command->len);
  if (command->opcode == OP_READ)
    return submit (command, VT_IO_READ, off, len);
  command->flush_after = (command->dw12 & FORCE_UNIT_ACCESS) != 0 || command->nvme->s.cache_off;
  status = nvme_move (command, command->data, command->len, false);
  return status == NVME_SUCCESS ? submit (command, VT_IO_WRITE, off, len) : status;
}

static unsigned
write_zeroes (NvmeCommand *command)
{
  uint64_t off, len;
  unsigned status = get_range (command, &off, &len);
  command->flush_after = (command->dw12 & FORCE_UNIT_ACCESS) != 0 || command->nvme->s.cache_off;
  return status == NVME_SUCCESS ? submit (command, VT_IO_WRITE_ZEROES, off, len) : status;
}

/* Hints about access patterns are taken and not needed. */
static unsigned
manage_dataset (NvmeCommand *command)
{
  if ((command->dw11 & DEALLOCATE) == 0)
    return NVME_SUCCESS;
  command->len = ((command->dw10 & 0xff) + 1) * (size_t) RANGE_BYTES;
  command->data = g_malloc (command->len);
  unsigned status = nvme_move (command, command->data, command->len, false);
  return status == NVME_SUCCESS ? discard_next (command) : status;
}

unsigned
nvme_io_execute (NvmeCommand *command)
{
  bool writes = command->opcode == OP_WRITE || command->opcode == OP_WRITE_ZEROES || command->opcode == OP_DATASET_MANAGEMENT;
  if (command->nsid != 1 && !(command->opcode == OP_FLUSH && command->nsid == UINT32_MAX))
    return NVME_INVALID_NAMESPACE;
  if (writes && command->nvme->block->readonly)
    return NVME_READ_ONLY;
  switch (command->opcode)
    {
    case OP_FLUSH: return submit (command, VT_IO_FLUSH, 0, 0);
    case OP_READ:
    case OP_WRITE: return transfer (command);
    case OP_WRITE_ZEROES: return write_zeroes (command);
    case OP_DATASET_MANAGEMENT: return manage_dataset (command);
    default: return NVME_INVALID_OPCODE;
    }
}
