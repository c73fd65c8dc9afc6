/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Moves what a SCSI command wants moved, between a block device and the guest's buffers, without a copy of the blocks. */
#include <string.h>

#include "scsi.h"

static void step (VtScsiRequest *request);

static void
finish (VtScsiRequest *request)
{
  g_clear_pointer (&request->task.data, g_free);
  request->done (request);
}

/* What is needed does not fit: the transport says so, and nothing happens. */
static void
overrun (VtScsiRequest *request)
{
  request->overrun = true;
  finish (request);
}

/* Cuts the vectors to len bytes, of which they have at least as many. Returns how many vectors that are. */
static size_t
cut (VtIoVec *vec, uint64_t len)
{
  size_t n = 0;
  for (; len > 0; n++)
    {
      vec[n].len = (size_t) MIN (vec[n].len, len);
      len -= vec[n].len;
    }
  return n;
}

static void
io_done (VtIo *io, int error)
{
  VtScsiRequest *request = io->opaque;
  VtScsiTask    *task = &request->task;
  if (error != 0)
    vt_scsi_io_failed (request->unit, task, error);
  else if (task->action == VT_SCSI_READ || task->action == VT_SCSI_WRITE)
    {
      request->moved = io->len;
      task->action = VT_SCSI_DONE;
    }
  else if (task->action == VT_SCSI_FILL)
    {
      task->off += io->len;
      task->left -= io->len;
    }
  else if (task->action == VT_SCSI_FLUSH)
    task->action = VT_SCSI_DONE;
  step (request);
}

static void
submit (VtScsiRequest *request, VtIoOp op, uint64_t off, uint64_t len, const VtIoVec *vec, size_t n_vec)
{
  request->io = (VtIo) { .op = op, .off = off, .len = len, .vec = vec, .n_vec = n_vec, .done = io_done, .opaque = request };
  vt_block_submit (request->unit->block, &request->io);
}

static void
data_in (VtScsiRequest *request)
{
  VtScsiTask *task = &request->task;
  uint64_t    len = MIN (task->len, request->in_len);
  for (size_t i = 0, n = cut (request->in, len); i < n; request->moved += request->in[i++].len)
    memcpy (request->in[i].base, task->data + request->moved, request->in[i].len);
  task->action = VT_SCSI_DONE;
}

static void
data_out (VtScsiRequest *request)
{
  VtScsiTask *task = &request->task;
  for (size_t i = 0, n = cut (request->out, task->len); i < n; request->moved += request->out[i++].len)
    memcpy (task->data + request->moved, request->out[i].base, request->out[i].len);
  task->after_data (request->unit, task);
}

/* False: all ranges are done. */
static bool
next_range (VtScsiRequest *request)
{
  uint64_t off, len;
  if (!vt_scsi_next_range (&request->task, &off, &len))
    return false;
  submit (request, request->task.zero ? VT_IO_WRITE_ZEROES : VT_IO_DISCARD, off, len, NULL, 0);
  return true;
}

static bool
next_fill (VtScsiRequest *request)
{
  VtScsiTask *task = &request->task;
  if (task->left == 0)
    return false;
  request->fill = (VtIoVec) { task->data, (size_t) MIN (task->left, task->len) };
  submit (request, VT_IO_WRITE, task->off, request->fill.len, &request->fill, 1);
  return true;
}

/* What was written is on the medium before the command ends. False: nothing to do for that. */
static bool
flush_after (VtScsiRequest *request)
{
  VtScsiTask *task = &request->task;
  if (!task->flush_after || task->status != VT_SCSI_GOOD)
    return false;
  task->flush_after = false;
  task->action = VT_SCSI_FLUSH;
  return true;
}

/* Goes on until something is under way or all is done. Each turn brings the task nearer to its end. */
static void
step (VtScsiRequest *request)
{
  VtScsiTask *task = &request->task;
  for (;;)
    switch (task->action)
      {
      case VT_SCSI_DATA_IN:
        data_in (request);
        break;
      case VT_SCSI_DATA_OUT:
        if (request->out_len < task->len)
          return overrun (request);
        data_out (request);
        break;
      case VT_SCSI_READ:
        if (request->in_len < task->left)
          return overrun (request);
        return submit (request, VT_IO_READ, task->off, task->left, request->in, cut (request->in, task->left));
      case VT_SCSI_WRITE:
        if (request->out_len < task->left)
          return overrun (request);
        return submit (request, VT_IO_WRITE, task->off, task->left, request->out, cut (request->out, task->left));
      case VT_SCSI_FLUSH:
        if (request->unit->block != NULL)
          return submit (request, VT_IO_FLUSH, 0, 0, NULL, 0);
        task->action = VT_SCSI_DONE;
        break;
      case VT_SCSI_RANGES:
        if (next_range (request))
          return;
        task->action = VT_SCSI_DONE;
        break;
      case VT_SCSI_FILL:
        if (next_fill (request))
          return;
        task->action = VT_SCSI_DONE;
        break;
      case VT_SCSI_DONE:
        if (!flush_after (request))
          return finish (request);
        break;
      }
}

void
vt_scsi_start (VtScsiRequest *request)
{
  vt_scsi_execute (request->unit, &request->task);
  step (request);
}
