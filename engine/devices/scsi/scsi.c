/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every SCSI unit does (SPC-4): sense data, who it is, which commands there are. */
#include "scsi-private.h"

/* --- Answers ------------------------------------------------------------------------------------------------------ */

uint8_t *
scsi_answer (VtScsiTask *task, size_t len)
{
  task->action = VT_SCSI_DATA_IN;
  task->status = VT_SCSI_GOOD;
  task->data = g_malloc0 (len);
  task->len = len;
  return task->data;
}

void
scsi_limit_answer (VtScsiTask *task, size_t len, size_t allocated)
{
  task->len = MIN (len, allocated);
  if (task->len == 0)
    scsi_good (task);
}

void
scsi_ask (VtScsiTask *task, size_t len, void (*after_data) (VtScsiUnit *unit, VtScsiTask *task))
{
  task->action = VT_SCSI_DATA_OUT;
  task->data = g_malloc0 (len);
  task->len = len;
  task->after_data = after_data;
}

/* --- Sense -------------------------------------------------------------------------------------------------------- */

static void
set_sense (VtScsiUnit *unit, unsigned key, unsigned asc)
{
  unit->s->sense_key = (uint8_t) key;
  unit->s->asc = (uint8_t) (asc >> 8);
  unit->s->ascq = (uint8_t) asc;
}

void
scsi_check_condition (VtScsiUnit *unit, VtScsiTask *task, unsigned key, unsigned asc)
{
  g_clear_pointer (&task->data, g_free);
  task->len = 0;
  task->action = VT_SCSI_DONE;
  task->status = VT_SCSI_CHECK_CONDITION;
  set_sense (unit, key, asc);
}

void
vt_scsi_take_sense (VtScsiUnit *unit, uint8_t sense[VT_SCSI_SENSE_BYTES])
{
  memset (sense, 0, VT_SCSI_SENSE_BYTES);
  sense[0] = 0x70;
  sense[2] = unit->s->sense_key;
  sense[7] = 10;
  sense[12] = unit->s->asc;
  sense[13] = unit->s->ascq;
  set_sense (unit, SENSE_NONE, 0);
}

static unsigned
attention_asc (const VtScsiUnit *unit)
{
  return unit->s->attention == VT_SCSI_ATTENTION_MEDIUM ? ASC_MEDIUM_CHANGED : ASC_RESET;
}

static void
run_request_sense (VtScsiUnit *unit, VtScsiTask *task)
{
  VtScsiState *s = unit->s;
  /* With nothing else to tell, a pending unit attention is told (SPC-3, 6.27). */
  if (s->sense_key == SENSE_NONE && s->attention != VT_SCSI_ATTENTION_NONE)
    {
      set_sense (unit, SENSE_UNIT_ATTENTION, attention_asc (unit));
      s->attention = VT_SCSI_ATTENTION_NONE;
    }
  vt_scsi_take_sense (unit, scsi_answer (task, VT_SCSI_SENSE_BYTES));
  scsi_limit_answer (task, VT_SCSI_SENSE_BYTES, task->cdb[4]);
}

void
vt_scsi_io_failed (VtScsiUnit *unit, VtScsiTask *task, int error)
{
  scsi_check_condition (unit, task, SENSE_MEDIUM_ERROR, task->action == VT_SCSI_READ ? ASC_READ_ERROR : ASC_WRITE_ERROR);
}

/* --- Inquiry ------------------------------------------------------------------------------------------------------ */

static uint8_t
device_type (const VtScsiUnit *unit)
{
  return unit->kind == VT_SCSI_CDROM ? 0x05 : 0x00;
}

static void
standard_inquiry (VtScsiUnit *unit, VtScsiTask *task, const char *product)
{
  uint8_t *data = scsi_answer (task, 36);
  data[0] = device_type (unit);
  data[1] = unit->kind == VT_SCSI_CDROM ? 0x80 : 0;     /* removable */
  data[2] = unit->atapi ? 0 : 0x05;                     /* SPC-3 */
  data[3] = unit->atapi ? 0x32 : 0x12;                  /* response format 2; HiSup */
  data[4] = 31;
  data[7] = unit->atapi ? 0 : 0x02;                     /* command queuing */
  put_text (data + 8, "Vitrine", 8);
  put_text (data + 16, product, 16);
  put_text (data + 32, "1.0", 4);
  scsi_limit_answer (task, 36, vt_load_be (task->cdb + 3, 2));
}

/* Page 83: one designator, the T10 vendor identification and our serial number (SPC-4, 7.8.6.4). */
static size_t
put_identification (const VtScsiUnit *unit, uint8_t *to)
{
  size_t serial = strlen (unit->serial);
  to[0] = 0x02;      /* ASCII */
  to[1] = 0x01;      /* T10 vendor identification, of the unit */
  to[3] = (uint8_t) (8 + serial);
  put_text (to + 4, "Vitrine", 8);
  memcpy (to + 12, unit->serial, serial);
  return 12 + serial;
}

static size_t
put_page_list (const uint8_t *extra_pages, size_t n_extra, uint8_t *to)
{
  static const uint8_t usual[] = { 0x00, 0x80, 0x83 };
  memcpy (to, usual, sizeof usual);
  if (n_extra > 0)
    memcpy (to + sizeof usual, extra_pages, n_extra);
  return sizeof usual + n_extra;
}

void
scsi_inquiry (VtScsiUnit *unit, VtScsiTask *task, const char *product, const uint8_t *extra_pages, size_t n_extra,
              ScsiVpdPage extra)
{
  unsigned page = task->cdb[2];
  bool     vital = (task->cdb[1] & 1) != 0;
  if (!vital && page == 0)
    {
      standard_inquiry (unit, task, product);
      return;
    }
  bool listed = page == 0x00 || page == 0x80 || page == 0x83
                || (n_extra > 0 && memchr (extra_pages, (int) page, n_extra) != NULL);
  if (!vital || unit->atapi || !listed)
    {
      scsi_check_condition (unit, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
      return;
    }
  uint8_t *data = scsi_answer (task, 256);
  size_t   n = 0;
  data[0] = device_type (unit);
  data[1] = (uint8_t) page;
  switch (page)
    {
    case 0x00: n = put_page_list (extra_pages, n_extra, data + 4); break;
    case 0x80: n = g_strlcpy ((char *) data + 4, unit->serial, sizeof unit->serial); break;
    case 0x83: n = put_identification (unit, data + 4); break;
    default: n = extra (unit, page, data + 4);
    }
  vt_store_be (data + 2, n, 2);
  scsi_limit_answer (task, 4 + n, vt_load_be (task->cdb + 3, 2));
}

/* --- Small ones --------------------------------------------------------------------------------------------------- */

void
scsi_ready (VtScsiUnit *unit, VtScsiTask *task)
{
  scsi_good (task);
}

void
scsi_prevent_allow (VtScsiUnit *unit, VtScsiTask *task)
{
  unit->s->locked = (task->cdb[4] & 1) != 0;
  scsi_good (task);
}

/* A target has one unit, number 0. */
static void
run_report_luns (VtScsiUnit *unit, VtScsiTask *task)
{
  uint8_t *data = scsi_answer (task, 16);
  vt_store_be (data, 8, 4);
  scsi_limit_answer (task, 16, vt_load_be (task->cdb + 6, 4));
}

static void run_report_opcodes (VtScsiUnit *unit, VtScsiTask *task);

static const ScsiCommand common_commands[] = {
  { 0x00, SCSI_MEDIUM, scsi_ready },              /* TEST UNIT READY */
  { 0x03, SCSI_ANY_TIME, run_request_sense },
  { 0x1e, 0, scsi_prevent_allow },
  { 0xa0, SCSI_ANY_TIME, run_report_luns },
  { 0xa3, 0, run_report_opcodes },
  { 0 },
};

static const ScsiCommand *
find_in (const ScsiCommand *commands, uint8_t opcode)
{
  while (commands->run != NULL && commands->opcode != opcode)
    commands++;
  return commands->run != NULL ? commands : NULL;
}

static const ScsiCommand *
find_command (const VtScsiUnit *unit, uint8_t opcode)
{
  const ScsiCommand *found = find_in (unit->kind == VT_SCSI_CDROM ? scsi_cd_commands : scsi_disk_commands, opcode);
  /* MMC knows nothing of logical unit lists and of opcode lists. */
  bool common = !unit->atapi || (opcode != 0xa0 && opcode != 0xa3);
  return found == NULL && common ? find_in (common_commands, opcode) : found;
}

static size_t
command_bytes (uint8_t opcode)
{
  static const uint8_t of_group[8] = { 6, 10, 10, 0, 16, 12, 0, 0 };
  return of_group[opcode >> 5];
}

/* REPORT SUPPORTED OPERATION CODES, of one command (SPC-4, 6.35). */
static void
run_report_opcodes (VtScsiUnit *unit, VtScsiTask *task)
{
  unsigned options = task->cdb[2] & 7;
  if ((task->cdb[1] & 0x1f) != 0x0c || options < 1 || options > 3)
    {
      scsi_check_condition (unit, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
      return;
    }
  uint8_t  opcode = task->cdb[3];
  bool     known = find_command (unit, opcode) != NULL;
  size_t   n = known ? command_bytes (opcode) : 0;
  uint8_t *data = scsi_answer (task, 4 + n);
  data[1] = known ? 3 : 1;                        /* as the standard says; not supported */
  vt_store_be (data + 2, n, 2);
  memset (data + 4, 0xff, n);
  if (known)
    data[4] = opcode;
  scsi_limit_answer (task, 4 + n, vt_load_be (task->cdb + 6, 4));
}

/* --- Execution ---------------------------------------------------------------------------------------------------- */

/* False: a check condition was set instead. */
static bool
ready_for (VtScsiUnit *unit, VtScsiTask *task, unsigned flags)
{
  VtScsiState *s = unit->s;
  if (flags & SCSI_ANY_TIME)
    return true;
  if (s->attention != VT_SCSI_ATTENTION_NONE)
    {
      unsigned asc = attention_asc (unit);
      s->attention = VT_SCSI_ATTENTION_NONE;
      scsi_check_condition (unit, task, SENSE_UNIT_ATTENTION, asc);
      return false;
    }
  if ((flags & SCSI_MEDIUM) && !has_medium (unit))
    {
      scsi_check_condition (unit, task, SENSE_NOT_READY, s->tray_open ? ASC_TRAY_OPEN : ASC_NO_MEDIUM);
      return false;
    }
  return true;
}

void
vt_scsi_execute (VtScsiUnit *unit, VtScsiTask *task)
{
  const ScsiCommand *command = find_command (unit, task->cdb[0]);
  if (task->cdb[0] != 0x03)
    set_sense (unit, SENSE_NONE, 0);
  if (command == NULL)
    scsi_check_condition (unit, task, SENSE_ILLEGAL_REQUEST, ASC_OPCODE);
  else if (ready_for (unit, task, command->flags))
    command->run (unit, task);
}

void
vt_scsi_reset (VtScsiUnit *unit)
{
  unit->s->locked = false;
  if (unit->s->attention == VT_SCSI_ATTENTION_NONE)
    unit->s->attention = VT_SCSI_ATTENTION_RESET;
}

bool
vt_scsi_holds_medium (const VtScsiState *s)
{
  return s->locked && !s->tray_open;
}

bool
vt_scsi_set_medium (VtScsiUnit *unit, VtBlock *block, bool force)
{
  VtScsiState *s = unit->s;
  if (unit->kind != VT_SCSI_CDROM || (!force && vt_scsi_holds_medium (s)))
    return false;
  unit->block = block;
  s->tray_open = false;
  s->locked = false;
  s->attention = VT_SCSI_ATTENTION_MEDIUM;
  s->media_event = block != NULL ? 2 : 3;   /* new medium; removal (MMC-5, 6.7.2.4) */
  return true;
}

bool
vt_scsi_state_possible (const VtScsiState *s)
{
  return s->attention <= VT_SCSI_ATTENTION_MEDIUM;
}
