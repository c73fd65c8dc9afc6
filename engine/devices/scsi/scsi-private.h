/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between the commands of all units (scsi.c), of disks (scsi-disk.c) and of CD drives (scsi-cd.c). */
#pragma once

#include <string.h>

#include "bits.h"
#include "scsi.h"

/* What a command needs before it runs. */
enum
{
  SCSI_MEDIUM   = 1u << 0,   /* a medium, and the tray closed */
  SCSI_ANY_TIME = 1u << 1,   /* runs, and leaves a pending unit attention alone */
};

typedef struct
{
  uint8_t opcode;
  uint8_t flags;
  void  (*run) (VtScsiUnit *unit, VtScsiTask *task);
} ScsiCommand;

extern const ScsiCommand scsi_disk_commands[], scsi_cd_commands[];   /* ended by one without run */

/* Text padded with blanks. */
static inline void
put_text (uint8_t *to, const char *text, size_t width)
{
  memset (to, ' ', width);
  memcpy (to, text, MIN (strlen (text), width));
}

static inline bool
has_medium (const VtScsiUnit *unit)
{
  return unit->block != NULL && !unit->s->tray_open;
}

static inline void
scsi_good (VtScsiTask *task)
{
  task->action = VT_SCSI_DONE;
  task->status = VT_SCSI_GOOD;
}

/* A zeroed buffer of len bytes that goes to the guest. */
uint8_t *scsi_answer (VtScsiTask *task, size_t len);
/* The answer is cut to what the initiator has room for. */
void scsi_limit_answer (VtScsiTask *task, size_t len, size_t allocated);
/* len bytes come from the guest, and then after_data. */
void scsi_ask (VtScsiTask *task, size_t len, void (*after_data) (VtScsiUnit *unit, VtScsiTask *task));
void scsi_check_condition (VtScsiUnit *unit, VtScsiTask *task, unsigned key, unsigned asc);
/* INQUIRY with the unit's type; the pages of vital product data beside 00, 80 and 83 come from `extra`. */
typedef size_t (*ScsiVpdPage) (const VtScsiUnit *unit, unsigned page, uint8_t *to);
void scsi_inquiry (VtScsiUnit *unit, VtScsiTask *task, const char *product, const uint8_t *extra_pages, size_t n_extra,
                   ScsiVpdPage extra);
void scsi_ready (VtScsiUnit *unit, VtScsiTask *task);
void scsi_prevent_allow (VtScsiUnit *unit, VtScsiTask *task);
