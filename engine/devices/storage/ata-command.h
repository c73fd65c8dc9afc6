/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A command on its way: the steps between what a drive decides, the block device, and what the controller moves data with.
 *
 * The controller allocates a struct that begins with a VtAtaCommand, lets the drive decide what its task means, and calls
 * vt_ata_command_step().  The command then goes on by itself until it ends, except while the controller takes its time
 * with a move.  All under the machine lock. */
#pragma once

#include "ata.h"

typedef struct VtAtaCommand VtAtaCommand;

typedef enum
{
  VT_ATA_MOVED,
  VT_ATA_MOVE_LATER,     /* vt_ata_command_moved() comes when it is done */
  VT_ATA_MOVE_FAILED,    /* the command is aborted */
} VtAtaMove;

typedef struct
{
  /* Moves n bytes between the command's buffer, which stays until then, and the guest. */
  VtAtaMove (*move) (VtAtaCommand *command, uint8_t *bytes, size_t n, bool to_guest);
  /* The task has its status; the controller tells the guest and frees the command. Not for dropped ones. */
  void (*end) (VtAtaCommand *command);
  /* A request to the block device begins, and is over, with all that came of it; the command may be gone by then. */
  void (*io_began) (void *host);
  void (*io_over) (void *host, bool dropped);
} VtAtaTransport;

struct VtAtaCommand
{
  const VtAtaTransport *transport;
  void                 *host;          /* of the controller, for io_began() and io_over() */
  VtAtaDrive           *drive;
  VtAtaTask             task;
  size_t                chunk_bytes;   /* most that is moved at once: what is in flight stays bounded */
  bool                  waiting;       /* a block request is under way */
  bool                  dropped;
  uint8_t              *buffer;        /* of the chunk, owned */
  VtIo                  io;
  VtIoVec               vec;
};

/* Does what the task's action says. The command may be over, and freed, when this returns. */
void vt_ata_command_step (VtAtaCommand *command);
/* A move that was to be later is done. */
void vt_ata_command_moved (VtAtaCommand *command);
void vt_ata_command_free (VtAtaCommand *command);
/* Forgets it. True while a block request is under way: it is freed when that is over, io_over() tells, and what was read
 * goes nowhere. */
bool vt_ata_command_drop (VtAtaCommand *command);
