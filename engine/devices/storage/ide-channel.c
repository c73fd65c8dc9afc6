/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An IDE channel: task file, protocols of ATA and ATAPI, and the bus master's descriptor tables.
 *
 * Sources: AT Attachment with Packet Interface 5 (T13 1321D) chapters 7 and 9; 82371SB (PIIX3, Intel 290550) 2.7;
 * Programming Interface for Bus Master IDE Controller 1.0.  What commands mean is in ata.c and atapi.c. */
#include "ide-private.h"

#include "trace-storage.h"

enum
{
  DMA_CHUNK = 256 * 1024,
  PACKET_CHUNK = 4096,           /* two blocks of a CD */
  CDB_BYTES = 12,
  PRD_BYTES = 8,

  ATA_PACKET = 0xa0, ATA_DEVICE_RESET = 0x08, ATA_DIAGNOSTIC = 0x90,

  /* Interrupt reason, in the count register of a packet command. */
  REASON_COMMAND = 1u << 0,
  REASON_TO_HOST = 1u << 1,

  REG_DATA = 0, REG_ERROR_FEATURES, REG_COUNT, REG_LBA_LOW, REG_LBA_MID, REG_LBA_HIGH, REG_DEVICE, REG_STATUS_COMMAND,
};

static unsigned
selected (const IdeChannel *channel)
{
  return (channel->s->device & IDE_DEVICE_SLAVE) != 0;
}

static IdeDriveState *
current (IdeChannel *channel)
{
  return &channel->s->drive[selected (channel)];
}

static bool
present (const IdeChannel *channel)
{
  return channel->drive[selected (channel)].kind != VT_ATA_NONE;
}

/* --- Interrupts --------------------------------------------------------------------------------------------------- */

static void
update_irq (IdeChannel *channel)
{
  bool level = current (channel)->interrupt && (channel->s->control & IDE_CONTROL_NIEN) == 0;
  if (level && !channel->irq.level)
    channel->s->bm_status |= BM_STATUS_INTERRUPT;
  vt_irq_set (&channel->irq, level);
}

static void
raise_interrupt (IdeChannel *channel)
{
  current (channel)->interrupt = true;
  update_irq (channel);
}

/* --- Resets ------------------------------------------------------------------------------------------------------- */

/* The signature by which a host tells disks from packet drives (ATA-5, 9.12). */
static void
show_signatures (IdeChannel *channel)
{
  for (unsigned i = 0; i < 2; i++)
    {
      IdeDriveState *s = &channel->s->drive[i];
      uint32_t       signature = vt_ata_signature (&channel->drive[i]);
      if (!s->fresh || channel->drive[i].kind == VT_ATA_NONE)
        continue;
      s->fresh = false;
      s->count[0] = (uint8_t) signature;
      s->lba_low[0] = (uint8_t) (signature >> 8);
      s->lba_mid[0] = (uint8_t) (signature >> 16);
      s->lba_high[0] = (uint8_t) (signature >> 24);
      s->error = 0x01;           /* diagnostics passed */
      s->status = channel->drive[i].kind == VT_ATA_DISK ? ATA_STATUS_GOOD : 0;
    }
}

static void
reset_drive (IdeChannel *channel, unsigned n)
{
  IdeDriveState *s = &channel->s->drive[n];
  *s = (IdeDriveState) { .fresh = true, .ata = s->ata };
  vt_ata_reset (&channel->drive[n]);
}

static void
reset_channel (IdeChannel *channel)
{
  ide_channel_drop (channel);
  channel->s->device = 0;
  reset_drive (channel, 0);
  reset_drive (channel, 1);
  update_irq (channel);
}

/* --- Bus master --------------------------------------------------------------------------------------------------- */

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

/* False when the table ends early or names what is no memory. */
static bool
move_by_dma (IdeChannel *channel, uint8_t *bytes, size_t n, bool to_guest)
{
  IdeChannelState *s = channel->s;
  const VtDma     *dma = &channel->ide->pci.dma;
  while (n > 0)
    {
      if (!next_prd (channel))
        return false;
      size_t piece = MIN (n, s->prd_left);
      if (to_guest ? !vt_dma_write (dma, VT_GPA (s->prd_at), bytes, piece) : !vt_dma_read (dma, VT_GPA (s->prd_at), bytes, piece))
        return false;
      bytes += piece;
      n -= piece;
      s->prd_at += (uint32_t) piece;
      s->prd_left -= (uint32_t) piece;
    }
  if (s->prd_left == 0 && s->prd_last)
    s->bm_status &= (uint8_t) ~BM_STATUS_ACTIVE;
  return true;
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
      current (channel)->status = ATA_STATUS_GOOD | ATA_STATUS_DRQ;
      return VT_ATA_MOVE_LATER;
    }
  if (move_by_dma (channel, bytes, n, to_guest))
    return VT_ATA_MOVED;
  vt_guest_warn (&channel->ide->pci.dev, "the descriptor table ends early or is outside memory");
  s->bm_status = (uint8_t) ((s->bm_status & ~BM_STATUS_ACTIVE) | BM_STATUS_ERROR);
  return VT_ATA_MOVE_FAILED;
}

/* --- Programmed I/O ----------------------------------------------------------------------------------------------- */

/* Most that a packet command moves at once, which the host wrote before (ATA-5, 8.23.4). */
static uint32_t
byte_count_limit (const IdeDriveState *s)
{
  uint32_t limit = s->lba_mid[0] | (uint32_t) s->lba_high[0] << 8;
  return limit < 2 ? 0xfffe : limit & ~1u;
}

/* The next block of data is ready, or wanted. */
static void
begin_block (IdeChannel *channel, bool interrupt)
{
  IdeChannelState *s = channel->s;
  IdeDriveState   *drive = current (channel);
  uint32_t         n = s->end - s->at;
  if (s->packet)
    {
      n = MIN (n, byte_count_limit (drive));
      drive->count[0] = s->phase == IDE_TO_GUEST ? REASON_TO_HOST : 0;
      drive->lba_mid[0] = (uint8_t) n;
      drive->lba_high[0] = (uint8_t) (n >> 8);
    }
  s->drq_end = s->at + n;
  drive->status = ATA_STATUS_GOOD | ATA_STATUS_DRQ;
  if (interrupt)
    raise_interrupt (channel);
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
  begin_block (channel, to_guest || !first);
  return VT_ATA_MOVE_LATER;
}

static VtAtaMove
command_move (VtAtaCommand *command, uint8_t *bytes, size_t n, bool to_guest)
{
  IdeChannel *channel = command->host;
  return command->task.pio ? move_pio (channel, command, bytes, n, to_guest)
                           : move_dma (channel, command, bytes, n, to_guest);
}

/* --- Ends of commands --------------------------------------------------------------------------------------------- */

static void
put_task (IdeDriveState *s, const VtAtaTask *task)
{
  for (unsigned i = 0; i < 2; i++)
    {
      s->count[i] = (uint8_t) (task->count >> (8 * i));
      s->lba_low[i] = (uint8_t) (task->lba >> (24 * i));
      s->lba_mid[i] = (uint8_t) (task->lba >> (24 * i + 8));
      s->lba_high[i] = (uint8_t) (task->lba >> (24 * i + 16));
    }
  s->status = task->status;
  s->error = task->error;
  if (task->packet)
    s->count[0] = REASON_COMMAND | REASON_TO_HOST;
}

/* A disk that has just handed over its last data says nothing more; all other ends interrupt. */
static bool
ends_in_silence (const VtAtaTask *task)
{
  return task->pio && !task->packet && (task->status & ATA_STATUS_ERR) == 0
         && (task->action == VT_ATA_READ || task->action == VT_ATA_DATA_IN);
}

static void
command_end (VtAtaCommand *command)
{
  IdeChannel *channel = command->host;
  VtAtaTask  *task = &command->task;
  trace_ide_complete (command->drive->serial, task->command, task->status, task->error);
  channel->command = NULL;
  channel->s->phase = IDE_IDLE;
  channel->s->device = (uint8_t) ((channel->s->device & 0xf0) | (task->device & 0x0f));
  put_task (current (channel), task);
  if (!ends_in_silence (task))
    raise_interrupt (channel);
  vt_ata_command_free (command);
}

static void
io_began (void *host)
{
  ((IdeChannel *) host)->ide->in_flight++;
}

static void
io_over (void *host, bool dropped)
{
  IdeChannel *channel = host;
  Ide        *ide = channel->ide;
  ide->in_flight--;
  channel->dropped -= dropped;
  ide_channel_run (channel);
  if (ide->in_flight > 0 || ide->quiet == NULL)
    return;
  void (*quiet) (void *) = g_steal_pointer (&ide->quiet);
  quiet (ide->quiet_opaque);
}

static const VtAtaTransport transport = { command_move, command_end, io_began, io_over };

static void
forget_command (IdeChannel *channel)
{
  if (channel->command != NULL)
    channel->dropped += vt_ata_command_drop (g_steal_pointer (&channel->command));
}

void
ide_channel_drop (IdeChannel *channel)
{
  forget_command (channel);
  channel->s->phase = IDE_IDLE;
}

void
ide_channel_abort (IdeChannel *channel, unsigned drive)
{
  if (channel->command == NULL || selected (channel) != drive)
    return;
  ide_channel_drop (channel);
  current (channel)->status = ATA_STATUS_GOOD | ATA_STATUS_ERR;
  current (channel)->error = ATA_ERROR_ABRT;
  raise_interrupt (channel);
}

/* --- Starting ----------------------------------------------------------------------------------------------------- */

static VtAtaCommand *
command_new (IdeChannel *channel)
{
  IdeDriveState *s = current (channel);
  VtAtaCommand  *command = g_new0 (VtAtaCommand, 1);
  *command = (VtAtaCommand) { .transport = &transport, .host = channel, .drive = &channel->drive[selected (channel)] };
  VtAtaTask *task = &command->task;
  task->command = channel->s->command;
  task->device = channel->s->device;
  task->features = (uint16_t) (s->features[0] | s->features[1] << 8);
  task->count = (uint16_t) (s->count[0] | s->count[1] << 8);
  for (unsigned i = 0; i < 2; i++)
    task->lba |= (uint64_t) (s->lba_low[i] | s->lba_mid[i] << 8 | (uint32_t) s->lba_high[i] << 16) << (24 * i);
  channel->command = command;
  return command;
}

static void
execute (IdeChannel *channel)
{
  IdeChannelState *s = channel->s;
  VtAtaCommand    *command = command_new (channel);
  VtAtaTask       *task = &command->task;
  s->phase = IDE_BUSY;
  s->end = 0;
  current (channel)->status = ATA_STATUS_BSY;
  memcpy (task->cdb, s->data, task->command == ATA_PACKET ? CDB_BYTES : 0);
  trace_ide_command (command->drive->serial, task->command, task->lba, task->count, task->features);
  if (command->drive->kind == VT_ATA_DISK)
    vt_ata_execute (command->drive, task);
  else
    vt_atapi_execute (command->drive, task);
  if (!task->pio)
    command->chunk_bytes = DMA_CHUNK;
  else
    command->chunk_bytes = task->packet ? PACKET_CHUNK : task->block_bytes;
  vt_ata_command_step (command);
}

/* The packet comes without an interrupt: our drives say that they take it at once (IDENTIFY PACKET DEVICE, word 0). */
static void
ask_for_packet (IdeChannel *channel)
{
  IdeChannelState *s = channel->s;
  s->phase = IDE_CDB;
  s->at = 0;
  s->end = s->drq_end = CDB_BYTES;
  current (channel)->count[0] = REASON_COMMAND;
  current (channel)->status = ATA_STATUS_GOOD | ATA_STATUS_DRQ;
}

void
ide_channel_run (IdeChannel *channel)
{
  IdeChannelState *s = channel->s;
  if (s->phase != IDE_START || channel->dropped > 0 || channel->ide->parked)
    return;
  if (s->command == ATA_PACKET && channel->drive[selected (channel)].kind == VT_ATA_CDROM)
    ask_for_packet (channel);
  else
    execute (channel);
}

/* Both drives test themselves, and the first one answers (ATA-5, 8.9). */
static void
run_diagnostic (IdeChannel *channel)
{
  reset_channel (channel);
  show_signatures (channel);
  raise_interrupt (channel);
}

static void
write_command (IdeChannel *channel, uint8_t value)
{
  IdeDriveState *s = current (channel);
  if (value == ATA_DEVICE_RESET && channel->drive[selected (channel)].kind == VT_ATA_CDROM)
    {
      ide_channel_drop (channel);
      reset_drive (channel, selected (channel));
      update_irq (channel);
      return;
    }
  if (channel->s->phase != IDE_IDLE)
    {
      vt_guest_warn (&channel->ide->pci.dev, "command 0x%02x while another is under way", value);
      return;
    }
  s->interrupt = false;
  update_irq (channel);
  if (value == ATA_DIAGNOSTIC)
    {
      run_diagnostic (channel);
      return;
    }
  channel->s->command = value;
  channel->s->phase = IDE_START;
  s->status = ATA_STATUS_BSY;
  ide_channel_run (channel);
}

void
ide_bus_master_started (IdeChannel *channel)
{
  IdeChannelState *s = channel->s;
  s->bm_status |= BM_STATUS_ACTIVE;
  s->prd_next = s->bm_table;
  s->prd_left = 0;
  s->prd_last = false;
  if (s->phase != IDE_WAIT_DMA)
    return;
  s->phase = IDE_BUSY;
  current (channel)->status = ATA_STATUS_BSY;
  vt_ata_command_step (channel->command);
}

/* A driver that stops in the middle resets the drive next; until then the command has failed. */
void
ide_bus_master_stopped (IdeChannel *channel)
{
  const VtAtaCommand *command = channel->command;
  channel->s->bm_status &= (uint8_t) ~BM_STATUS_ACTIVE;
  if (command != NULL && channel->s->phase == IDE_BUSY && !command->task.pio
      && (command->task.action == VT_ATA_READ || command->task.action == VT_ATA_WRITE))
    ide_channel_abort (channel, selected (channel));
}

/* --- The data register -------------------------------------------------------------------------------------------- */

/* All that the block device gave was taken, or all that it needs has come. */
static void
buffer_done (IdeChannel *channel)
{
  IdeChannelState *s = channel->s;
  VtAtaCommand    *command = channel->command;
  if (s->phase == IDE_FROM_GUEST)
    memcpy (command->buffer, s->data, s->end);
  s->phase = IDE_BUSY;
  current (channel)->status = ATA_STATUS_BSY;
  vt_ata_command_moved (command);
}

static void
data_moved (IdeChannel *channel, unsigned size)
{
  IdeChannelState *s = channel->s;
  s->at = MIN (s->at + size, s->drq_end);
  if (s->at < s->drq_end)
    return;
  if (s->phase == IDE_CDB)
    execute (channel);
  else if (s->at < s->end)
    begin_block (channel, true);
  else
    buffer_done (channel);
}

static uint64_t
read_data (IdeChannel *channel, unsigned size)
{
  IdeChannelState *s = channel->s;
  if (s->phase != IDE_TO_GUEST || !present (channel))
    return 0;
  uint64_t value = vt_load_le (s->data + s->at, MIN (size, s->drq_end - s->at));
  data_moved (channel, size);
  return value;
}

static void
write_data (IdeChannel *channel, uint32_t value, unsigned size)
{
  IdeChannelState *s = channel->s;
  if ((s->phase != IDE_FROM_GUEST && s->phase != IDE_CDB) || !present (channel))
    return;
  vt_store_le (s->data + s->at, value, MIN (size, s->drq_end - s->at));
  data_moved (channel, size);
}

/* --- Task file ---------------------------------------------------------------------------------------------------- */

static uint8_t
read_status (const IdeChannel *channel)
{
  const IdeChannelState *s = channel->s;
  return s->control & IDE_CONTROL_SRST ? ATA_STATUS_BSY : s->drive[selected (channel)].status;
}

static uint8_t
read_register (IdeChannel *channel, unsigned off)
{
  IdeDriveState *s = current (channel);
  unsigned       old = (channel->s->control & IDE_CONTROL_HOB) != 0;
  switch (off)
    {
    case REG_ERROR_FEATURES: return s->error;
    case REG_COUNT: return s->count[old];
    case REG_LBA_LOW: return s->lba_low[old];
    case REG_LBA_MID: return s->lba_mid[old];
    case REG_LBA_HIGH: return s->lba_high[old];
    case REG_DEVICE: return channel->s->device | 0xa0;
    case REG_STATUS_COMMAND:
      s->interrupt = false;
      update_irq (channel);
      return read_status (channel);
    default: return 0;
    }
}

/* A drive that is not there leaves the lines low: its partner, if there is one, answers so for it (ATA-5, 9.16.1). */
uint64_t
ide_command_block_read (IdeChannel *channel, unsigned off, unsigned size)
{
  show_signatures (channel);
  if (off == REG_DATA)
    return read_data (channel, size);
  uint64_t value = 0;
  for (unsigned i = 0; i < size && present (channel); i++)
    value |= (uint64_t) read_register (channel, off + i) << (8 * i);
  return value;
}

uint8_t
ide_alternate_status (IdeChannel *channel)
{
  show_signatures (channel);
  return present (channel) ? read_status (channel) : 0;
}

/* Both drives listen. */
static void
push (IdeChannel *channel, size_t field, uint8_t value)
{
  for (unsigned i = 0; i < 2; i++)
    {
      uint8_t *reg = (uint8_t *) &channel->s->drive[i] + field;
      reg[1] = reg[0];
      reg[0] = value;
    }
}

static void
write_register (IdeChannel *channel, unsigned off, uint8_t value)
{
  static const size_t fields[] = {
    [REG_ERROR_FEATURES] = offsetof (IdeDriveState, features), [REG_COUNT] = offsetof (IdeDriveState, count),
    [REG_LBA_LOW] = offsetof (IdeDriveState, lba_low), [REG_LBA_MID] = offsetof (IdeDriveState, lba_mid),
    [REG_LBA_HIGH] = offsetof (IdeDriveState, lba_high),
  };
  channel->s->control &= (uint8_t) ~IDE_CONTROL_HOB;
  if (off == REG_STATUS_COMMAND)
    {
      if (present (channel) && (channel->s->control & IDE_CONTROL_SRST) == 0)
        write_command (channel, value);
      return;
    }
  if (channel->s->phase != IDE_IDLE)
    return;      /* BSY or DRQ: the registers are the drive's */
  if (off == REG_DEVICE)
    {
      channel->s->device = value;
      update_irq (channel);
    }
  else
    push (channel, fields[off], value);
}

void
ide_command_block_write (IdeChannel *channel, unsigned off, uint32_t value, unsigned size)
{
  show_signatures (channel);
  if (off == REG_DATA)
    write_data (channel, value, size);
  else
    for (unsigned i = 0; i < size; i++)
      write_register (channel, off + i, (uint8_t) (value >> (8 * i)));
}

void
ide_control_write (IdeChannel *channel, uint8_t value)
{
  bool ends = (channel->s->control & IDE_CONTROL_SRST) != 0 && (value & IDE_CONTROL_SRST) == 0;
  show_signatures (channel);
  channel->s->control = value & (IDE_CONTROL_NIEN | IDE_CONTROL_SRST | IDE_CONTROL_HOB);
  if (value & IDE_CONTROL_SRST)
    ide_channel_drop (channel);
  if (ends)
    reset_channel (channel);
  update_irq (channel);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

/* What note_command() wrote becomes a command again. */
static void
restore_command (IdeChannel *channel)
{
  IdeChannelState *s = channel->s;
  VtAtaCommand    *command = command_new (channel);
  VtAtaTask       *task = &command->task;
  task->action = (VtAtaAction) s->action;
  task->packet = s->packet;
  task->pio = s->pio;
  task->flush_after = s->flush_after;
  task->off = s->off;
  task->left = s->left;
  task->status = ATA_STATUS_GOOD;
  command->chunk_bytes = s->chunk_bytes;
  if (task->action == VT_ATA_DATA_IN)
    {
      task->data = g_memdup2 (s->data, s->end);
      task->len = s->end;
    }
  else if (task->action == VT_ATA_DATA_OUT)
    vt_ata_execute (command->drive, task);     /* ranges to discard: nothing was done yet */
  else
    command->buffer = g_malloc ((gsize) MIN (s->left, s->chunk_bytes));
}

void
ide_channel_settle (IdeChannel *channel)
{
  forget_command (channel);
  if (channel->s->phase >= IDE_TO_GUEST)
    restore_command (channel);
  vt_irq_set (&channel->irq, current (channel)->interrupt && (channel->s->control & IDE_CONTROL_NIEN) == 0);
}

static bool
media_possible (const IdeChannelState *s)
{
  return s->left > 0 && s->left % ATA_SECTOR == 0 && s->chunk_bytes >= ATA_SECTOR && s->off <= INT64_MAX && s->left <= INT64_MAX;
}

static bool
transfer_possible (const VtAtaDrive *drive, const IdeChannelState *s)
{
  bool read = s->action == VT_ATA_READ, write = s->action == VT_ATA_WRITE && drive->kind == VT_ATA_DISK;
  bool answer = s->action == VT_ATA_DATA_IN, ranges = s->action == VT_ATA_DATA_OUT && drive->kind == VT_ATA_DISK;
  bool block = s->pio && s->at < s->drq_end && s->drq_end <= s->end && s->end <= sizeof s->data;
  if (s->chunk_bytes > DMA_CHUNK || ((read || write) && !media_possible (s)))
    return false;
  switch ((IdePhase) s->phase)
    {
    case IDE_TO_GUEST:
      return block && (answer || (read && s->end == MIN (s->left, s->chunk_bytes)));
    case IDE_FROM_GUEST:
      return block && write && s->end == MIN (s->left, s->chunk_bytes);
    case IDE_WAIT_DMA:
      return !s->pio && s->end <= sizeof s->data && (read || write || answer || ranges);
    case IDE_IDLE:
    case IDE_START:
    case IDE_CDB:
    case IDE_BUSY:
      break;
    }
  return false;
}

bool
ide_channel_possible (const IdeChannel *channel, const IdeChannelState *s)
{
  const VtAtaDrive *drive = &channel->drive[(s->device & IDE_DEVICE_SLAVE) != 0];
  if (!vt_ata_state_possible (&s->drive[0].ata) || !vt_ata_state_possible (&s->drive[1].ata) || s->phase >= IDE_BUSY)
    return false;
  if (s->phase == IDE_IDLE)
    return true;
  if (drive->kind == VT_ATA_NONE)
    return false;
  if (s->phase == IDE_CDB)
    return s->command == ATA_PACKET && s->end == CDB_BYTES && s->drq_end == CDB_BYTES && s->at < CDB_BYTES;
  return s->phase == IDE_START || transfer_possible (drive, s);
}
