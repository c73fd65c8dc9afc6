/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between an ATA controller (AHCI, IDE) and the drives on it.
 *
 * The controller copies a command out of guest memory or registers, the drive says what it means (an action), and
 * ata-command.c walks through its steps, between the block device and whatever the controller moves data with. */
#pragma once

#include "ata-slot.h"
#include "scsi.h"

/* Task file (ATA8-ACS, 7). */
enum
{
  ATA_STATUS_BSY  = 0x80,
  ATA_STATUS_DRDY = 0x40,
  ATA_STATUS_DF   = 0x20,
  ATA_STATUS_SEEK = 0x10,   /* "deferred write error" or seek complete: BIOSes expect it set */
  ATA_STATUS_DRQ  = 0x08,
  ATA_STATUS_ERR  = 0x01,
  ATA_STATUS_GOOD = ATA_STATUS_DRDY | ATA_STATUS_SEEK,

  ATA_ERROR_ICRC  = 0x80,
  ATA_ERROR_UNC   = 0x40,
  ATA_ERROR_IDNF  = 0x10,
  ATA_ERROR_ABRT  = 0x04,

  ATA_DEVICE_LBA  = 0x40,
  ATA_SECTOR      = 512,
};

/* Drive state, part of the controller's state block for each place. */
typedef struct
{
  uint8_t multiple;          /* sectors per block of READ/WRITE MULTIPLE, 0: not set */
  uint8_t transfer_mode;     /* last SET FEATURES 03h */
  uint8_t ncq_tag;           /* the queued command error log (log 10h) */
  uint8_t ncq_error;         /* 0: no error logged */
  VtScsiState scsi;          /* of a CD drive; write_cache_off of a disk too */
  bool    look_ahead_off, smart_off;
  uint8_t pad_[2];
} VtAtaState;
#define VT_ATA_FIELDS(T, m)                                                                                            \
  VT_FIELD (T, m.multiple), VT_FIELD (T, m.transfer_mode), VT_FIELD (T, m.ncq_tag), VT_FIELD (T, m.ncq_error),         \
    VT_FIELD (T, m.scsi.sense_key), VT_FIELD (T, m.scsi.asc), VT_FIELD (T, m.scsi.ascq),                               \
    VT_FIELD (T, m.scsi.media_event), VT_FIELD (T, m.scsi.attention), VT_FIELD (T, m.scsi.write_cache_off),            \
    VT_FIELD (T, m.look_ahead_off), VT_FIELD (T, m.smart_off), VT_FIELD (T, m.scsi.locked),                            \
    VT_FIELD (T, m.scsi.tray_open), VT_FIELD (T, m.pad_)

typedef struct
{
  VtAtaKind   kind;
  VtBlock     *block;
  VtAtaState *s;
  bool        parallel;    /* on a parallel cable: no NCQ */
  char        serial[21], model[41];
} VtAtaDrive;

typedef enum
{
  VT_ATA_DONE,        /* nothing (more) to move; status and error are set */
  VT_ATA_DATA_IN,     /* data[0, len) goes to the guest */
  VT_ATA_DATA_OUT,    /* len bytes come from the guest into data, then after_data() decides again */
  VT_ATA_READ,        /* `left` bytes of the block device from `off` */
  VT_ATA_WRITE,
  VT_ATA_FLUSH,
  VT_ATA_DISCARD,     /* the ranges of data: next_range() */
} VtAtaAction;

typedef struct VtAtaTask VtAtaTask;
struct VtAtaTask
{
  /* The command, copied once. */
  uint8_t      command, device;
  uint16_t     features, count;
  uint64_t     lba;                 /* 48 bits */
  uint8_t      cdb[16];

  /* The answer. */
  VtAtaAction action;
  bool         pio;                 /* data moves by the PIO protocol */
  bool         packet;              /* ATAPI */
  bool         queued;              /* NCQ; `tag` is its */
  bool         flush_after;
  uint8_t      tag;
  uint8_t      status, error;
  uint64_t     off, left;
  uint32_t     block_bytes;         /* media by PIO: that move with one interrupt */
  uint8_t     *data;                /* owned, g_free() */
  size_t       len;
  size_t       next;                /* position in data for ranges */
  void       (*after_data) (VtAtaDrive *drive, VtAtaTask *task);
};

/* Puts what the slot has into the drive; `number` of the place, for its serial number. False: a disk without an image. */
bool vt_ata_plug (VtAtaDrive *drive, VtAtaState *s, const VtAtaSlot *slot, bool parallel, unsigned number, GError **error);

/* Decides what the command means. */
void vt_ata_execute (VtAtaDrive *drive, VtAtaTask *task);
void vt_atapi_execute (VtAtaDrive *drive, VtAtaTask *task);
/* The block device failed on the task's transfer: sets status and error. */
void vt_ata_io_failed (VtAtaDrive *drive, VtAtaTask *task, int problem);
void vt_atapi_io_failed (VtAtaDrive *drive, VtAtaTask *task, int problem);
/* Next range of a VT_ATA_DISCARD; false: no more. */
bool vt_ata_next_range (VtAtaDrive *drive, VtAtaTask *task, uint64_t *off, uint64_t *len);

/* May the medium be changed? The controller asks before it drops what is under way on the old one. */
bool vt_ata_may_change (const VtAtaDrive *drive, bool force);
/* As vt_scsi_set_medium(). */
bool vt_ata_set_medium (VtAtaDrive *drive, VtBlock *block, bool force);
/* What is in the drive now, with the tray closed; nullable. */
VtBlock *vt_ata_medium (const VtAtaDrive *drive);

/* Power-on, COMRESET and software reset. */
void vt_ata_reset (VtAtaDrive *drive);
/* PxSIG, and the registers of the first FIS after a reset. */
uint32_t vt_ata_signature (const VtAtaDrive *drive);
bool     vt_ata_state_possible (const VtAtaState *s);

/* A text of IDENTIFY data: padded with spaces, the bytes of each word swapped. */
void vt_ata_put_string (uint8_t *identify, unsigned word, unsigned bytes, const char *text);

static inline void
vt_ata_done (VtAtaTask *task)
{
  task->action = VT_ATA_DONE;
  task->status = ATA_STATUS_GOOD;
  task->error = 0;
}

static inline void
vt_ata_fail (VtAtaTask *task, uint8_t error)
{
  task->action = VT_ATA_DONE;
  task->status = ATA_STATUS_GOOD | ATA_STATUS_ERR;
  task->error = error;
}

/* A zeroed buffer of len bytes that goes to the guest. */
static inline uint8_t *
vt_ata_answer (VtAtaTask *task, size_t len)
{
  task->action = VT_ATA_DATA_IN;
  task->status = ATA_STATUS_GOOD;
  task->data = g_malloc0 (len);
  task->len = len;
  return task->data;
}
