/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How an IDE channel moves the data of a command: by the bus master's descriptor tables, or through the data register in blocks
 * with an interrupt each (ATA-5, chapter 9). */
#include "ide-private.h"

enum { PRD_BYTES = 8 };

/* --- Bus master --------------------------------------------------------------------------------------------------- */

/* False when there is no more of the table. */
static bool
next_prd (IdeChannel *channel)
{
  IdeChannelState *s = channel->s;
  uint8_t          prd[PRD_BYTES];
  if (s->prd_left > 0)
    return true;
  if (s->prd_last || !vt_dma_read (&channel->ide->pci.dma, VT_GPA (s->prd_next), prd, sizeof prd))
    return false;
  s->prd_next += PRD_BYTES;
  s->prd_at = (uint32_t) vt_load_le (prd, 4) & ~1u;
  s->prd_left = (uint32_t) vt_load_le (prd + 4, 2) & ~1u;
  s->prd_left = s->prd_left != 0 ? s->prd_left : 65536;
  s->prd_last = (prd[7] & 0x80) != 0;
  return true;
}

typedef enum
{
  MOVED,
  NO_ROOM,       /* the table ends early */
  BAD_ADDRESS,
} DmaResult;

static DmaResult
move_by_dma (IdeChannel *channel, uint8_t *bytes, size_t n, bool to_guest)
{
  IdeChannelState *s = channel->s;
  const VtDma     *dma = &channel->ide->pci.dma;
  while (n > 0)
    {
      if (!next_prd (channel))
        return NO_ROOM;
      size_t piece = MIN (n, s->prd_left);
      if (to_guest ? !vt_dma_write (dma, VT_GPA (s->prd_at), bytes, piece) : !vt_dma_read (dma, VT_GPA (s->prd_at), bytes, piece))
        return BAD_ADDRESS;
      bytes += piece;
      n -= piece;
      s->prd_at += (uint32_t) piece;
      s->prd_left -= (uint32_t) piece;
    }
  if (s->prd_left == 0 && s->prd_last)
    s->bm_status &= (uint8_t) ~BM_STATUS_ACTIVE;
  return MOVED;
}

/* Remembers what a command needs to go on with after a save. */
static void
note_command (IdeChannel *channel, const VtAtaCommand *command, IdePhase phase)
{
  IdeChannelState *s = channel->s;
  s->phase = (uint8_t) phase;
  s->action = (uint8_t) command->task.action;
  s->packet = command->task.packet;
  s->pio = command->task.pio;
  s->flush_after = command->task.flush_after;
  s->off = command->task.off;
  s->left = command->task.left;
  s->chunk_bytes = (uint32_t) command->chunk_bytes;
}

static VtAtaMove
move_dma (IdeChannel *channel, VtAtaCommand *command, uint8_t *bytes, size_t n, bool to_guest)
{
  IdeChannelState *s = channel->s;
  if ((s->bm_command & BM_COMMAND_START) == 0)
    {
      /* It begins again with this step when the bus master is started. An answer of the drive's own is kept for that. */
      if (command->task.action == VT_ATA_DATA_IN && n > sizeof s->data)
        return VT_ATA_MOVE_FAILED;
      note_command (channel, command, IDE_WAIT_DMA);
      s->end = command->task.action == VT_ATA_DATA_IN ? (uint32_t) n : 0;
      memcpy (s->data, bytes, s->end);
      ide_current (channel)->status = ATA_STATUS_GOOD | ATA_STATUS_DRQ;
      return VT_ATA_MOVE_LATER;
    }
  DmaResult result = move_by_dma (channel, bytes, n, to_guest);
  if (result == NO_ROOM && s->prd_last && command->task.packet && command->task.action == VT_ATA_DATA_IN)
    {
      /* A host that asks for less than a packet command could tell gets what it asked for. */
      s->bm_status &= (uint8_t) ~BM_STATUS_ACTIVE;
      return VT_ATA_MOVED;
    }
  if (result == MOVED)
    return VT_ATA_MOVED;
  vt_guest_warn (&channel->ide->pci.dev, "the descriptor table ends early or is outside memory");
  s->bm_status = (uint8_t) ((s->bm_status & ~BM_STATUS_ACTIVE) | BM_STATUS_ERROR);
  return VT_ATA_MOVE_FAILED;
}

/* --- Programmed I/O ----------------------------------------------------------------------------------------------- */

/* Most that a packet command moves at once (ATA-5, 8.23.4): its registers hold the size of each block by then. */
static uint32_t
byte_count_limit (const IdeChannelState *s)
{
  return s->byte_count < 2 ? 0xfffe : s->byte_count & ~1u;
}

/* The next block of data is ready, or wanted. */
void
ide_begin_block (IdeChannel *channel, bool interrupt)
{
  IdeChannelState *s = channel->s;
  IdeDriveState   *drive = ide_current (channel);
  uint32_t         n = s->end - s->at;
  if (s->packet)
    {
      n = MIN (n, byte_count_limit (s));
      drive->count[0] = s->phase == IDE_TO_GUEST ? IDE_REASON_TO_HOST : 0;
      drive->lba_mid[0] = (uint8_t) n;
      drive->lba_high[0] = (uint8_t) (n >> 8);
    }
  s->drq_end = s->at + n;
  drive->status = ATA_STATUS_GOOD | ATA_STATUS_DRQ;
  if (interrupt)
    ide_raise_interrupt (channel);
}

static VtAtaMove
move_pio (IdeChannel *channel, VtAtaCommand *command, const uint8_t *bytes, size_t n, bool to_guest)
{
  IdeChannelState *s = channel->s;
  bool             first = s->end == 0;
  if (n == 0)
    return VT_ATA_MOVED;
  if (n > sizeof s->data)
    return VT_ATA_MOVE_FAILED;
  note_command (channel, command, to_guest ? IDE_TO_GUEST : IDE_FROM_GUEST);
  s->at = 0;
  s->end = (uint32_t) n;
  if (to_guest)
    memcpy (s->data, bytes, n);
  /* The first block that a disk wants to have comes without an interrupt (ATA-5, 9.6). */
  ide_begin_block (channel, to_guest || !first);
  return VT_ATA_MOVE_LATER;
}

VtAtaMove
ide_command_move (VtAtaCommand *command, uint8_t *bytes, size_t n, bool to_guest)
{
  IdeChannel *channel = command->host;
  return command->task.pio ? move_pio (channel, command, bytes, n, to_guest)
                           : move_dma (channel, command, bytes, n, to_guest);
}
