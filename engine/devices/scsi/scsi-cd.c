/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CD and DVD drives (MMC-5), behind ATAPI or a SCSI transport. */
#include "scsi-private.h"

enum
{
  CD_BLOCK = 2048,

  PROFILE_CD_ROM = 0x0008,
  PROFILE_DVD_ROM = 0x0010,
  CD_BLOCKS_MAX = 450000,        /* 99 minutes: anything larger must be a DVD */

  EVENT_NONE = 0,
  EVENT_EJECT_REQUEST = 1,
  EVENT_NEW_MEDIUM = 2,
  EVENT_REMOVAL = 3,
};

static uint64_t
blocks (const VtScsiUnit *drive)
{
  return has_medium (drive) ? MIN (drive->block->size_bytes / CD_BLOCK, UINT32_MAX) : 0;
}

/* --- Without a medium --------------------------------------------------------------------------------------------- */

static void
run_inquiry (VtScsiUnit *drive, VtScsiTask *task)
{
  scsi_inquiry (drive, task, "Vitrine DVD-ROM", NULL, 0, NULL);
}

static void
run_start_stop (VtScsiUnit *drive, VtScsiTask *task)
{
  VtScsiState *s = drive->s;
  bool load_eject = (task->cdb[4] & 2) != 0, start = (task->cdb[4] & 1) != 0;
  scsi_good (task);
  if (!load_eject)
    return;
  if (!start && s->locked && !s->tray_open)
    {
      scsi_check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
      return;
    }
  if (s->tray_open == !start)
    return;
  s->tray_open = !start;
  s->media_event = start && drive->block != NULL ? EVENT_NEW_MEDIUM : EVENT_REMOVAL;
  if (start)
    s->attention = VT_SCSI_ATTENTION_MEDIUM;
}

/* --- Features and events ------------------------------------------------------------------------------------------ */

static unsigned
current_profile (const VtScsiUnit *drive)
{
  if (!has_medium (drive))
    return 0;
  return blocks (drive) > CD_BLOCKS_MAX ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

/* One feature descriptor (MMC-5, 5.3); returns its length. */
static size_t
put_feature (uint8_t *to, unsigned code, bool current, const uint8_t *body, uint8_t len)
{
  vt_store_be (to, code, 2);
  to[2] = (uint8_t) (3 | (current ? 1 : 0));   /* persistent, version 0 */
  to[3] = len;
  if (body != NULL)
    memcpy (to + 4, body, len);
  return 4u + len;
}

static size_t
put_profiles (const VtScsiUnit *drive, uint8_t *to)
{
  unsigned current = current_profile (drive);
  uint8_t list[8]
      = { 0, PROFILE_DVD_ROM, current == PROFILE_DVD_ROM, 0, 0, PROFILE_CD_ROM, current == PROFILE_CD_ROM, 0 };
  return put_feature (to, 0x0000, true, list, sizeof list);
}

static void
run_get_configuration (VtScsiUnit *drive, VtScsiTask *task)
{
  static const uint8_t serial_ata[8] = { 0, 0, 0, 7 }, scsi[8] = { 0, 0, 0, 1 };
  static const uint8_t removable[4] = { 0x29 /* tray, eject, lock */ };
  static const uint8_t random_readable[8] = { 0, 0, CD_BLOCK >> 8, 0, 0, 0x10, 0, 0 };
  unsigned wanted = (unsigned) vt_load_be (task->cdb + 2, 2), kind = task->cdb[1] & 3;
  uint8_t *data = scsi_answer (task, 128);
  size_t   n = 8;
  struct { unsigned code; const uint8_t *body; uint8_t len; bool current; } features[] = {
    { 0x0001, drive->atapi ? serial_ata : scsi, sizeof scsi, true },
    { 0x0003, removable, sizeof removable, true },
    { 0x0010, random_readable, sizeof random_readable, has_medium (drive) },
    { 0x001e, NULL, 4, current_profile (drive) == PROFILE_CD_ROM },
    { 0x001f, NULL, 4, current_profile (drive) == PROFILE_DVD_ROM },
  };
  if (wanted == 0)
    n += put_profiles (drive, data + n);
  for (size_t i = 0; i < G_N_ELEMENTS (features); i++)
    {
      bool listed = kind == 2 ? features[i].code == wanted : features[i].code >= wanted;
      if (listed && (kind != 1 || features[i].current))
        n += put_feature (data + n, features[i].code, features[i].current, features[i].body, features[i].len);
    }
  vt_store_be (data, (uint32_t) n - 4, 4);
  vt_store_be (data + 6, current_profile (drive), 2);
  scsi_limit_answer (task, n, vt_load_be (task->cdb + 7, 2));
}

static void
run_get_event_status (VtScsiUnit *drive, VtScsiTask *task)
{
  VtScsiState *s = drive->s;
  if ((task->cdb[1] & 1) == 0)
    {
      scsi_check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);   /* only the polled form exists */
      return;
    }
  bool     media = (task->cdb[4] & 0x10) != 0;
  uint8_t *data = scsi_answer (task, 8);
  size_t   n = media ? 8 : 4;
  vt_store_be (data, (uint32_t) n - 2, 2);
  data[2] = media ? 4 : 0x80;    /* class of the event; 0x80: none of the wanted classes */
  data[3] = 0x10;                /* supported: media */
  if (media)
    {
      data[4] = s->media_event;
      data[5] = (uint8_t) ((has_medium (drive) ? 2 : 0) | (s->tray_open ? 1 : 0));
      s->media_event = EVENT_NONE;
    }
  scsi_limit_answer (task, n, vt_load_be (task->cdb + 7, 2));
}

/* --- Mode pages --------------------------------------------------------------------------------------------------- */

static size_t
put_error_recovery_page (uint8_t *to)
{
  to[0] = 0x01;
  to[1] = 10;
  to[3] = 5;     /* retries */
  return 12;
}

/* Capabilities and mechanical status (MMC-3, 5.5.10). */
static size_t
put_capabilities_page (const VtScsiUnit *drive, uint8_t *to)
{
  to[0] = 0x2a;
  to[1] = 18;
  to[2] = 0x3b;                                             /* reads CD-R, CD-RW, DVD-ROM, DVD-R */
  to[4] = 0x70;                                             /* mode 2 forms, multisession */
  to[6] = (uint8_t) (0x29 | (drive->s->locked ? 2 : 0));    /* tray, eject, lock */
  vt_store_be (to + 8, 706, 2);                                  /* kB/s: 4x, a number that old drivers believe */
  vt_store_be (to + 12, 512, 2);                                 /* buffer, KiB */
  vt_store_be (to + 14, 706, 2);
  return 20;
}

static void
run_mode_sense (VtScsiUnit *drive, VtScsiTask *task)
{
  bool     ten = task->cdb[0] == 0x5a;
  unsigned page = task->cdb[2] & 0x3f, control = task->cdb[2] >> 6;
  if (control == 3 || (page != 0x01 && page != 0x2a && page != 0x3f))
    {
      scsi_check_condition (drive, task, SENSE_ILLEGAL_REQUEST, control == 3 ? ASC_SAVING_PARAMETERS : ASC_FIELD);
      return;
    }
  uint8_t *data = scsi_answer (task, 64);
  size_t   header = ten ? 8 : 4, n = header;
  if (page != 0x2a)
    n += put_error_recovery_page (data + n);
  if (page != 0x01)
    n += put_capabilities_page (drive, data + n);
  if (control == 1)                          /* changeable values: none */
    for (size_t at = header; at < n; at += data[at + 1] + 2u)
      memset (data + at + 2, 0, data[at + 1]);
  vt_store_be (data, n - (ten ? 2 : 1), ten ? 2 : 1);
  /* Medium type: data disc, open, none. */
  data[ten ? 2 : 1] = has_medium (drive) ? 0x01 : drive->s->tray_open ? 0x71 : 0x70;
  scsi_limit_answer (task, n, ten ? vt_load_be (task->cdb + 7, 2) : task->cdb[4]);
}

/* --- The medium --------------------------------------------------------------------------------------------------- */

static void
run_read_capacity (VtScsiUnit *drive, VtScsiTask *task)
{
  uint8_t *data = scsi_answer (task, 8);
  vt_store_be (data, (uint32_t) blocks (drive) - 1, 4);
  vt_store_be (data + 4, CD_BLOCK, 4);
}

static void
read_blocks (VtScsiUnit *drive, VtScsiTask *task, uint32_t lba, uint32_t count)
{
  if (!vt_fits (lba, count, blocks (drive)))
    {
      scsi_check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_LBA_RANGE);
      return;
    }
  scsi_good (task);
  task->off = (uint64_t) lba * CD_BLOCK;
  task->left = (uint64_t) count * CD_BLOCK;
  if (count > 0)
    task->action = VT_SCSI_READ;
}

static void
run_read_10 (VtScsiUnit *drive, VtScsiTask *task)
{
  read_blocks (drive, task, vt_load_be (task->cdb + 2, 4), vt_load_be (task->cdb + 7, 2));
}

static void
run_read_12 (VtScsiUnit *drive, VtScsiTask *task)
{
  read_blocks (drive, task, vt_load_be (task->cdb + 2, 4), vt_load_be (task->cdb + 6, 4));
}

/* READ CD: only whole mode 1 user data, which is all that an image has. */
static void
run_read_cd (VtScsiUnit *drive, VtScsiTask *task)
{
  uint32_t count = (uint32_t) vt_load_be (task->cdb + 6, 3);
  unsigned fields = task->cdb[9] & 0xf8, sector_type = task->cdb[1] >> 2 & 7;
  if (fields == 0 || count == 0)
    scsi_good (task);
  else if (fields != 0x10 || (sector_type != 0 && sector_type != 2))
    scsi_check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_ILLEGAL_MODE);   /* illegal mode for this track */
  else
    read_blocks (drive, task, vt_load_be (task->cdb + 2, 4), count);
}

static void
run_seek (VtScsiUnit *drive, VtScsiTask *task)
{
  if (vt_load_be (task->cdb + 2, 4) >= blocks (drive))
    scsi_check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_LBA_RANGE);
  else
    scsi_good (task);
}

/* An address in a table of contents: blocks, or minute, second, frame of the CD. */
static void
put_address (uint8_t *to, uint64_t lba, bool msf)
{
  if (msf)
    {
      uint64_t frames = lba + 150;
      to[1] = (uint8_t) MIN (frames / 75 / 60, 255);
      to[2] = (uint8_t) (frames / 75 % 60);
      to[3] = (uint8_t) (frames % 75);
    }
  else
    vt_store_be (to, (uint32_t) lba, 4);
}

static size_t
put_toc (const VtScsiUnit *drive, const VtScsiTask *task, uint8_t *data, bool msf)
{
  unsigned first = task->cdb[6];
  size_t   n = 4;
  data[2] = data[3] = 1;   /* first and last track */
  if (first <= 1)
    {
      data[n + 1] = 0x14;  /* data track */
      data[n + 2] = 1;
      put_address (data + n + 4, 0, msf);
      n += 8;
    }
  data[n + 1] = 0x14;
  data[n + 2] = 0xaa;      /* lead-out */
  put_address (data + n + 4, blocks (drive), msf);
  return n + 8;
}

static size_t
put_session_info (uint8_t *data, bool msf)
{
  data[2] = data[3] = 1;
  data[5] = 0x14;
  data[6] = 1;
  put_address (data + 8, 0, msf);
  return 12;
}

/* Raw TOC: points A0, A1, A2 and the track, one session (MMC-5, 6.26.2.5). */
static size_t
put_raw_toc (const VtScsiUnit *drive, uint8_t *data)
{
  static const uint8_t points[] = { 0xa0, 0xa1, 0xa2, 0x01 };
  size_t n = 4;
  data[2] = data[3] = 1;
  for (size_t i = 0; i < G_N_ELEMENTS (points); i++, n += 11)
    {
      data[n] = 1;
      data[n + 1] = 0x14;
      data[n + 3] = points[i];
      uint8_t address[4] = { 0 };
      if (points[i] == 0xa2)
        put_address (address, blocks (drive), true);
      else if (points[i] == 0x01)
        put_address (address, 0, true);
      else
        address[1] = 1;
      memcpy (data + n + 8, address + 1, 3);
    }
  return n;
}

static void
run_read_toc (VtScsiUnit *drive, VtScsiTask *task)
{
  bool     msf = (task->cdb[1] & 2) != 0;
  unsigned format = (task->cdb[2] & 0xf) != 0 ? task->cdb[2] & 0xf : task->cdb[9] >> 6;
  if (format > 2 || (format == 0 && task->cdb[6] > 1 && task->cdb[6] != 0xaa))
    {
      scsi_check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
      return;
    }
  uint8_t *data = scsi_answer (task, 64);
  size_t   n = format == 0   ? put_toc (drive, task, data, msf)
               : format == 1 ? put_session_info (data, msf)
                             : put_raw_toc (drive, data);
  vt_store_be (data, (uint32_t) n - 2, 2);
  scsi_limit_answer (task, n, vt_load_be (task->cdb + 7, 2));
}

static void
run_read_disc_information (VtScsiUnit *drive, VtScsiTask *task)
{
  uint8_t *data = scsi_answer (task, 34);
  vt_store_be (data, 32, 2);
  data[2] = 0x0e;                      /* complete, last session complete */
  data[3] = data[4] = data[5] = data[6] = 1;
  data[7] = 0x20;                      /* unrestricted use */
  memset (data + 16, 0xff, 8);         /* no further sessions can start */
  scsi_limit_answer (task, 34, vt_load_be (task->cdb + 7, 2));
}

static void
run_read_track_information (VtScsiUnit *drive, VtScsiTask *task)
{
  uint8_t *data = scsi_answer (task, 36);
  vt_store_be (data, 34, 2);
  data[2] = data[3] = 1;
  data[5] = 4;                         /* data track */
  data[6] = 1;                         /* mode 1 */
  vt_store_be (data + 24, (uint32_t) blocks (drive), 4);
  scsi_limit_answer (task, 36, vt_load_be (task->cdb + 7, 2));
}

/* Physical format information of a DVD: one layer, as large as the image. */
static void
run_read_dvd_structure (VtScsiUnit *drive, VtScsiTask *task)
{
  if (task->cdb[7] != 0 || current_profile (drive) != PROFILE_DVD_ROM)
    {
      scsi_check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
      return;
    }
  uint8_t *data = scsi_answer (task, 2052);
  vt_store_be (data, 2050, 2);
  data[4] = 0x01;                      /* DVD-ROM, version 1 */
  data[5] = 0x0f;                      /* 120 mm, no maximum rate given */
  data[6] = 0x01;                      /* one layer */
  vt_store_be (data + 8, 0x30000, 4);
  vt_store_be (data + 12, 0x30000 + (uint32_t) blocks (drive) - 1, 4);
  scsi_limit_answer (task, 2052, vt_load_be (task->cdb + 8, 2));
}

static void
run_mechanism_status (VtScsiUnit *drive, VtScsiTask *task)
{
  uint8_t *data = scsi_answer (task, 8);
  data[1] = drive->s->tray_open ? 0x10 : 0;
  data[5] = 1;
  scsi_limit_answer (task, 8, vt_load_be (task->cdb + 8, 2));
}

const ScsiCommand scsi_cd_commands[] = {
  { 0x12, SCSI_ANY_TIME, run_inquiry },
  { 0x1a, 0, run_mode_sense },
  { 0x1b, 0, run_start_stop },
  { 0x25, SCSI_MEDIUM, run_read_capacity },
  { 0x28, SCSI_MEDIUM, run_read_10 },
  { 0x2b, SCSI_MEDIUM, run_seek },
  { 0x35, 0, scsi_ready },            /* SYNCHRONIZE CACHE: nothing is ever written */
  { 0x43, SCSI_MEDIUM, run_read_toc },
  { 0x46, SCSI_ANY_TIME, run_get_configuration },
  { 0x4a, SCSI_ANY_TIME, run_get_event_status },
  { 0x51, SCSI_MEDIUM, run_read_disc_information },
  { 0x52, SCSI_MEDIUM, run_read_track_information },
  { 0x5a, 0, run_mode_sense },
  { 0xa8, SCSI_MEDIUM, run_read_12 },
  { 0xad, SCSI_MEDIUM, run_read_dvd_structure },
  { 0xbb, 0, scsi_ready },            /* SET CD SPEED: as fast as we can, always */
  { 0xbd, SCSI_ANY_TIME, run_mechanism_status },
  { 0xbe, SCSI_MEDIUM, run_read_cd },
  { 0 },
};
