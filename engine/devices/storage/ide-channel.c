/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An IDE channel: task file, and commands from their start to their end. Data moves in ide-transfer.c.
 *
 * Sources: AT Attachment with Packet Interface 5 (T13 1321D) chapters 7 and 9; 82371SB (PIIX3, Intel 290550) 2.7;
 * Programming Interface for Bus Master IDE Controller 1.0.  What commands mean is in ata.c and atapi.c. */
#include "ide-private.h"

#include "trace-storage.h"

enum
{
  PACKET_CHUNK = 4096,           /* two blocks of a CD */
  CDB_BYTES = 12,

  ATA_PACKET = 0xa0, ATA_DEVICE_RESET = 0x08, ATA_DIAGNOSTIC = 0x90, ATA_DATA_SET_MANAGEMENT = 0x06,

  REG_DATA = 0, REG_ERROR_FEATURES, REG_COUNT, REG_LBA_LOW, REG_LBA_MID, REG_LBA_HIGH, REG_DEVICE, REG_STATUS_COMMAND,
};

static bool
present (const IdeChannel *channel)
{
  return channel->drive[ide_selected (channel)].kind != VT_ATA_NONE;
}

/* --- Interrupts --------------------------------------------------------------------------------------------------- */

static void
update_irq (IdeChannel *channel)
{
  bool level = ide_current (channel)->interrupt && (channel->s->control & IDE_CONTROL_NIEN) == 0;
  if (level && !channel->irq.level)
    channel->s->bm_status |= BM_STATUS_INTERRUPT;
  vt_irq_set (&channel->irq, level);
}

void
ide_raise_interrupt (IdeChannel *channel)
{
  ide_current (channel)->interrupt = true;
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
    s->count[0] = IDE_REASON_COMMAND | IDE_REASON_TO_HOST;
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
  put_task (ide_current (channel), task);
  if (!ends_in_silence (task))
    ide_raise_interrupt (channel);
  vt_ata_command_free (command);
}

static void
io_began (void *host)
{
  vt_quiet_began (&((IdeChannel *) host)->ide->quiet);
}

static void
io_over (void *host, bool dropped)
{
  IdeChannel *channel = host;
  Ide        *ide = channel->ide;
  vt_quiet_ended (&ide->quiet);
  channel->dropped -= dropped;
  ide_channel_run (channel);
  vt_quiet_tell (&ide->quiet);
}

static const VtAtaTransport transport = { ide_command_move, command_end, io_began, io_over };

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
  if (channel->command == NULL || ide_selected (channel) != drive)
    return;
  ide_channel_drop (channel);
  ide_current (channel)->status = ATA_STATUS_GOOD | ATA_STATUS_ERR;
  ide_current (channel)->error = ATA_ERROR_ABRT;
  ide_raise_interrupt (channel);
}

/* --- Starting ----------------------------------------------------------------------------------------------------- */

static VtAtaCommand *
command_new (IdeChannel *channel)
{
  IdeDriveState *s = ide_current (channel);
  VtAtaCommand  *command = g_new0 (VtAtaCommand, 1);
  *command = (VtAtaCommand) { .transport = &transport, .host = channel, .drive = &channel->drive[ide_selected (channel)] };
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
  ide_current (channel)->status = ATA_STATUS_BSY;
  memcpy (task->cdb, s->data, task->command == ATA_PACKET ? CDB_BYTES : 0);
  trace_ide_command (command->drive->serial, task->command, task->lba, task->count, task->features);
  if (command->drive->kind == VT_ATA_DISK)
    vt_ata_execute (command->drive, task);
  else
    vt_atapi_execute (command->drive, task);
  if (!task->pio)
    command->chunk_bytes = IDE_DMA_CHUNK;
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
  IdeDriveState *drive = ide_current (channel);
  s->byte_count = drive->lba_mid[0] | (uint32_t) drive->lba_high[0] << 8;
  drive->count[0] = IDE_REASON_COMMAND;
  drive->status = ATA_STATUS_GOOD | ATA_STATUS_DRQ;
}

void
ide_channel_run (IdeChannel *channel)
{
  IdeChannelState *s = channel->s;
  if (s->phase != IDE_START || channel->dropped > 0 || channel->ide->parked)
    return;
  if (s->command == ATA_PACKET && channel->drive[ide_selected (channel)].kind == VT_ATA_CDROM)
    ask_for_packet (channel);
  else
    execute (channel);
}

/* Both drives test themselves, whichever is selected, and the first one answers (ATA-5, 8.9). */
static void
run_diagnostic (IdeChannel *channel)
{
  reset_channel (channel);
  show_signatures (channel);
  if (present (channel))
    ide_raise_interrupt (channel);
}

static void
write_command (IdeChannel *channel, uint8_t value)
{
  IdeDriveState *s = ide_current (channel);
  if (value == ATA_DEVICE_RESET && channel->drive[ide_selected (channel)].kind == VT_ATA_CDROM)
    {
      ide_channel_drop (channel);
      reset_drive (channel, ide_selected (channel));
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
  ide_current (channel)->status = ATA_STATUS_BSY;
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
    ide_channel_abort (channel, ide_selected (channel));
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
  ide_current (channel)->status = ATA_STATUS_BSY;
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
    ide_begin_block (channel, true);
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
  return s->control & IDE_CONTROL_SRST ? ATA_STATUS_BSY : s->drive[ide_selected (channel)].status;
}

static uint8_t
read_register (IdeChannel *channel, unsigned off)
{
  IdeDriveState *s = ide_current (channel);
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
      if ((present (channel) || value == ATA_DIAGNOSTIC) && (channel->s->control & IDE_CONTROL_SRST) == 0)
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
  vt_irq_set (&channel->irq, ide_current (channel)->interrupt && (channel->s->control & IDE_CONTROL_NIEN) == 0);
}

static bool
media_possible (const IdeChannelState *s)
{
  return s->left > 0 && s->left % ATA_SECTOR == 0 && s->off % ATA_SECTOR == 0 && s->chunk_bytes >= ATA_SECTOR
         && s->chunk_bytes % ATA_SECTOR == 0 && s->off <= INT64_MAX && s->left <= INT64_MAX;
}

static bool
transfer_possible (const VtAtaDrive *drive, const IdeChannelState *s)
{
  bool read = s->action == VT_ATA_READ, write = s->action == VT_ATA_WRITE && drive->kind == VT_ATA_DISK;
  bool answer = s->action == VT_ATA_DATA_IN;
  /* It is executed anew: another command would do so with a chunk that was never its own. */
  bool ranges = s->action == VT_ATA_DATA_OUT && drive->kind == VT_ATA_DISK && s->command == ATA_DATA_SET_MANAGEMENT;
  bool block = s->pio && s->at < s->drq_end && s->drq_end <= s->end && s->end <= sizeof s->data;
  if (s->chunk_bytes > IDE_DMA_CHUNK || ((read || write) && !media_possible (s)))
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
