/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the AHCI controller and the drives on its ports.
 *
 * The controller copies a command out of guest memory, the drive says what it means (an action), and the controller
 * does the moving: between guest memory and a buffer of the drive, or between guest memory and the block device. */
#pragma once

#include "ahci.h"
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

/* Drive state, part of the controller's state block for each port. */
typedef struct
{
  uint8_t multiple;          /* sectors per block of READ/WRITE MULTIPLE, 0: not set */
  uint8_t transfer_mode;     /* last SET FEATURES 03h */
  uint8_t ncq_tag;           /* the queued command error log (log 10h) */
  uint8_t ncq_error;         /* 0: no error logged */
  VtScsiState scsi;          /* of a CD drive; write_cache_off of a disk too */
  bool    look_ahead_off, smart_off;
  uint8_t pad_[2];
} VtSataState;

typedef struct
{
  VtSataKind   kind;
  VtBlock     *block;
  VtSataState *s;
  char         serial[21], model[41];
} VtSataDrive;

typedef enum
{
  VT_SATA_DONE,        /* nothing (more) to move; status and error are set */
  VT_SATA_DATA_IN,     /* data[0, len) goes to the guest */
  VT_SATA_DATA_OUT,    /* len bytes come from the guest into data, then after_data() decides again */
  VT_SATA_READ,        /* `left` bytes of the block device from `off` */
  VT_SATA_WRITE,
  VT_SATA_FLUSH,
  VT_SATA_DISCARD,     /* the ranges of data: next_range() */
} VtSataAction;

typedef struct VtSataTask VtSataTask;
struct VtSataTask
{
  /* The command, copied once. */
  uint8_t      command, device;
  uint16_t     features, count;
  uint64_t     lba;                 /* 48 bits */
  uint8_t      cdb[16];

  /* The answer. */
  VtSataAction action;
  bool         pio;                 /* data moves by the PIO protocol */
  bool         packet;              /* ATAPI */
  bool         queued;              /* NCQ; `tag` is its */
  bool         flush_after;
  uint8_t      tag;
  uint8_t      status, error;
  uint64_t     off, left;
  uint8_t     *data;                /* owned, g_free() */
  size_t       len;
  size_t       next;                /* position in data for ranges */
  void       (*after_data) (VtSataDrive *drive, VtSataTask *task);
};

/* Decides what the command means. */
void vt_ata_execute (VtSataDrive *drive, VtSataTask *task);
void vt_atapi_execute (VtSataDrive *drive, VtSataTask *task);
/* The block device failed on the task's transfer: sets status and error. */
void vt_ata_io_failed (VtSataDrive *drive, VtSataTask *task, int problem);
void vt_atapi_io_failed (VtSataDrive *drive, VtSataTask *task, int problem);
/* Next range of a VT_SATA_DISCARD; false: no more. */
bool vt_ata_next_range (VtSataDrive *drive, VtSataTask *task, uint64_t *off, uint64_t *len);

/* As vt_scsi_set_medium(). */
bool vt_sata_set_medium (VtSataDrive *drive, VtBlock *block, bool force);

/* Power-on, COMRESET and software reset. */
void vt_sata_reset (VtSataDrive *drive);
/* PxSIG, and the registers of the first FIS after a reset. */
uint32_t vt_sata_signature (const VtSataDrive *drive);
bool     vt_sata_state_possible (const VtSataState *s);

static inline void
vt_sata_done (VtSataTask *task)
{
  task->action = VT_SATA_DONE;
  task->status = ATA_STATUS_GOOD;
  task->error = 0;
}

static inline void
vt_sata_fail (VtSataTask *task, uint8_t error)
{
  task->action = VT_SATA_DONE;
  task->status = ATA_STATUS_GOOD | ATA_STATUS_ERR;
  task->error = error;
}

/* A zeroed buffer of len bytes that goes to the guest. */
static inline uint8_t *
vt_sata_answer (VtSataTask *task, size_t len)
{
  task->action = VT_SATA_DATA_IN;
  task->status = ATA_STATUS_GOOD;
  task->data = g_malloc0 (len);
  task->len = len;
  return task->data;
}
