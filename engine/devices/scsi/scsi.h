/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SCSI logical units apart from the transport that reaches them (SPC-4, SBC-3, MMC-5): disks and CD drives.
 *
 * A transport (ATAPI, virtio-scsi) copies a command out of guest memory into a task; the unit says what it means, an
 * action.  A transport that has the guest's buffers at hand lets vt_scsi_start() do the moving; others do it themselves.
 * All under the machine lock. */
#pragma once

#include "block.h"
#include "state.h"

enum
{
  VT_SCSI_GOOD = 0x00, VT_SCSI_CHECK_CONDITION = 0x02,

  VT_SCSI_SENSE_BYTES = 18,
  VT_SCSI_CDB_BYTES = 32,

  SENSE_NONE = 0x0, SENSE_NOT_READY = 0x2, SENSE_MEDIUM_ERROR = 0x3, SENSE_ILLEGAL_REQUEST = 0x5,
  SENSE_UNIT_ATTENTION = 0x6, SENSE_DATA_PROTECT = 0x7,

  /* Additional sense, code << 8 | qualifier. */
  ASC_WRITE_ERROR = 0x0c00, ASC_READ_ERROR = 0x1100, ASC_PARAMETER_LENGTH = 0x1a00, ASC_OPCODE = 0x2000,
  ASC_LBA_RANGE = 0x2100, ASC_FIELD = 0x2400, ASC_LUN = 0x2500, ASC_PARAMETER = 0x2600, ASC_WRITE_PROTECTED = 0x2700,
  ASC_MEDIUM_CHANGED = 0x2800, ASC_RESET = 0x2900, ASC_SAVING_PARAMETERS = 0x3900, ASC_NO_MEDIUM = 0x3a00,
  ASC_TRAY_OPEN = 0x3a02, ASC_REMOVAL_PREVENTED = 0x5302, ASC_ILLEGAL_MODE = 0x6400,
};

typedef enum { VT_SCSI_DISK, VT_SCSI_CDROM } VtScsiKind;

typedef enum
{
  VT_SCSI_ATTENTION_NONE,
  VT_SCSI_ATTENTION_RESET,
  VT_SCSI_ATTENTION_MEDIUM,
} VtScsiAttention;

/* Part of the transport's state block. */
typedef struct
{
  uint8_t sense_key, asc, ascq;
  uint8_t media_event;       /* MMC media event code that GET EVENT STATUS tells next */
  uint8_t attention;         /* VtScsiAttention */
  bool    write_cache_off, locked, tray_open;
} VtScsiState;
#define VT_SCSI_FIELDS_SINCE(v, T, m)                                                                                  \
  VT_FIELD_SINCE (v, T, m.sense_key), VT_FIELD_SINCE (v, T, m.asc), VT_FIELD_SINCE (v, T, m.ascq),                     \
    VT_FIELD_SINCE (v, T, m.media_event), VT_FIELD_SINCE (v, T, m.attention), VT_FIELD_SINCE (v, T, m.write_cache_off), \
    VT_FIELD_SINCE (v, T, m.locked), VT_FIELD_SINCE (v, T, m.tray_open)

typedef struct
{
  VtScsiKind   kind;
  bool         atapi;        /* CD drives: behind an ATA transport */
  VtBlock     *block;        /* borrowed; NULL: no medium */
  VtScsiState *s;
  char         serial[21];
} VtScsiUnit;

typedef enum
{
  VT_SCSI_DONE,        /* nothing (more) to move; the status is set */
  VT_SCSI_DATA_IN,     /* data[0, len) goes to the guest */
  VT_SCSI_DATA_OUT,    /* len bytes come from the guest into data, then after_data() decides again */
  VT_SCSI_READ,        /* `left` bytes of the block device from `off` */
  VT_SCSI_WRITE,
  VT_SCSI_FLUSH,
  VT_SCSI_RANGES,      /* vt_scsi_next_range() */
  VT_SCSI_FILL,        /* `left` bytes from `off`, with what is in data over and over */
} VtScsiAction;

typedef struct VtScsiTask VtScsiTask;
struct VtScsiTask
{
  uint8_t      cdb[VT_SCSI_CDB_BYTES];   /* copied once */

  VtScsiAction action;
  uint8_t      status;
  bool         flush_after;
  bool         zero;                     /* ranges: are written with zeros, not discarded */
  uint64_t     off, left;                /* bytes */
  uint8_t     *data;                     /* owned, g_free() */
  size_t       len;
  size_t       next;                     /* position in data for ranges */
  void       (*after_data) (VtScsiUnit *unit, VtScsiTask *task);
};

/* Decides what the command means. The cdb is set, everything else zero. */
void vt_scsi_execute (VtScsiUnit *unit, VtScsiTask *task);
/* The block device failed on the task's transfer: sets status and sense. */
void vt_scsi_io_failed (VtScsiUnit *unit, VtScsiTask *task, int error);
bool vt_scsi_next_range (VtScsiTask *task, uint64_t *off, uint64_t *len);
/* What the unit has to say about its last failure, in fixed format; it is then forgotten. */
void vt_scsi_take_sense (VtScsiUnit *unit, uint8_t sense[VT_SCSI_SENSE_BYTES]);
/* Power on, or a reset of the unit or the transport. */
void vt_scsi_reset (VtScsiUnit *unit);
/* Has the guest locked the tray, with the medium in it? */
bool vt_scsi_holds_medium (const VtScsiState *s);
/* CD drives: puts a medium in, or takes it out (NULL), and closes the tray. False while the guest has locked the tray and
 * `force` is not set. The caller sees to it that nothing is under way on the old one. */
bool vt_scsi_set_medium (VtScsiUnit *unit, VtBlock *block, bool force);
bool vt_scsi_state_possible (const VtScsiState *s);

/* --- With the guest's buffers at hand ----------------------------------------------------------------------------- */

typedef struct VtScsiRequest VtScsiRequest;
struct VtScsiRequest
{
  VtScsiUnit *unit;
  VtScsiTask  task;
  VtIoVec    *in, *out;      /* to the guest, from the guest: borrowed, and cut to what is moved */
  size_t      n_in, n_out;
  uint64_t    in_len, out_len;
  uint64_t    moved;         /* bytes, either way */
  bool        overrun;       /* the command needs more room than there is: nothing was moved */
  /* Called once, perhaps before vt_scsi_start() returns. Its status is in the task. */
  void      (*done) (VtScsiRequest *request);
  void       *opaque;
  VtIo        io;
  VtIoVec     fill;
};
void vt_scsi_start (VtScsiRequest *request);
