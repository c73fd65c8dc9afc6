/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between ide.c (PCI function, bus master registers, life), ide-channel.c (task file, commands) and ide-transfer.c (data). */
#pragma once

#include "ata-command.h"
#include "ide.h"
#include "quiet.h"

enum
{
  IDE_PIO_BYTES = 8192,          /* most that waits in a drive's buffer: 16 sectors, READ MULTIPLE's largest block */

  IDE_DMA_CHUNK = 256 * 1024,

  /* Interrupt reason, in the count register of a packet command. */
  IDE_REASON_COMMAND = 1u << 0,
  IDE_REASON_TO_HOST = 1u << 1,

  IDE_CONTROL_NIEN = 1u << 1,    /* device control (ATA-5, 7.8) */
  IDE_CONTROL_SRST = 1u << 2,
  IDE_CONTROL_HOB  = 1u << 7,

  IDE_DEVICE_SLAVE = 1u << 4,

  BM_COMMAND_START = 1u << 0,    /* Programming Interface for Bus Master IDE Controller 1.0 */
  BM_COMMAND_TO_MEMORY = 1u << 3,
  BM_STATUS_ACTIVE = 1u << 0,
  BM_STATUS_ERROR  = 1u << 1,
  BM_STATUS_INTERRUPT = 1u << 2,
  BM_STATUS_CAPABLE = 3u << 5,   /* set by firmware: drive 0, 1 can do DMA */
};

/* What a channel is doing. */
typedef enum
{
  IDE_IDLE,
  IDE_START,         /* a command was taken, and waits for the remains of a dropped one */
  IDE_CDB,           /* the guest writes a command packet */
  IDE_TO_GUEST,      /* the guest reads data */
  IDE_FROM_GUEST,    /* the guest writes data */
  IDE_WAIT_DMA,      /* for the bus master to be started */
  IDE_BUSY,          /* with the block device: never saved */
} IdePhase;

/* A drive's own view of the task file: [0] newest, [1] what was written before it. */
typedef struct
{
  uint8_t    features[2], count[2], lba_low[2], lba_mid[2], lba_high[2];
  uint8_t    error, status;
  bool       interrupt;          /* pending */
  bool       fresh;              /* just reset: the registers get the signature when they are next looked at */
  VtAtaState ata;
} IdeDriveState;

typedef struct
{
  /* Of a command that is neither idle nor busy: what is left for the block device, and the data on its way. */
  uint64_t off, left;
  uint32_t at, drq_end, end;     /* in data: position, end of this block of data, end of all */
  uint32_t chunk_bytes;
  uint32_t byte_count;           /* what the host wrote as a packet command's byte count limit */
  uint32_t bm_table, prd_next, prd_at, prd_left;
  IdeDriveState drive[2];
  uint8_t  phase, command, action;
  bool     packet, pio, flush_after;
  uint8_t  device, control;      /* registers of the channel */
  uint8_t  bm_command, bm_status;
  bool     prd_last;
  uint8_t  data[IDE_PIO_BYTES];
  uint8_t  pad_[5];
} IdeChannelState;

typedef struct
{
  VtPciState      pci;
  IdeChannelState channel[VT_IDE_CHANNELS];
} IdeState;

typedef struct Ide Ide;

typedef struct
{
  Ide             *ide;
  IdeChannelState *s;
  VtAtaDrive       drive[2];
  VtAtaCommand    *command;      /* exists in all phases from IDE_TO_GUEST on */
  unsigned         dropped;      /* forgotten commands whose block requests are not over: nothing new starts before */
  VtIrq            irq;
} IdeChannel;

struct Ide
{
  VtPciFunction pci;
  IdeState      s;
  IdeChannel    channel[VT_IDE_CHANNELS];
  VtQuiet       quiet;
  bool          parked;
};

/* Which drive the device register selects. */
static inline unsigned
ide_selected (const IdeChannel *channel)
{
  return (channel->s->device & IDE_DEVICE_SLAVE) != 0;
}

static inline IdeDriveState *
ide_current (IdeChannel *channel)
{
  return &channel->s->drive[ide_selected (channel)];
}

/* --- ide-transfer.c --- */
VtAtaMove ide_command_move (VtAtaCommand *command, uint8_t *bytes, size_t n, bool to_guest);
/* The next block of data is ready, or wanted. */
void      ide_begin_block (IdeChannel *channel, bool interrupt);

/* --- ide-channel.c --- */
void     ide_raise_interrupt (IdeChannel *channel);
uint64_t ide_command_block_read (IdeChannel *channel, unsigned off, unsigned size);
void     ide_command_block_write (IdeChannel *channel, unsigned off, uint32_t value, unsigned size);
uint8_t  ide_alternate_status (IdeChannel *channel);
void     ide_control_write (IdeChannel *channel, uint8_t value);
/* The bus master was started, or stopped. */
void     ide_bus_master_started (IdeChannel *channel);
void     ide_bus_master_stopped (IdeChannel *channel);
/* Starts what may start. */
void     ide_channel_run (IdeChannel *channel);
/* Forgets the command under way. */
void     ide_channel_drop (IdeChannel *channel);
/* The command under way on that drive, if there is one, ends with an error. */
void     ide_channel_abort (IdeChannel *channel, unsigned drive);
/* After a reset or a load: the command that the state says is under way exists. */
void     ide_channel_settle (IdeChannel *channel);
bool     ide_channel_possible (const IdeChannel *channel, const IdeChannelState *incoming);
