/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ATAPI CD/DVD drive: packet commands (MMC-5, SPC-3) over the ATA PACKET command. */
#include "sata.h"

#include <errno.h>

enum
{
  CD_BLOCK = 2048,

  SENSE_NONE = 0x0,
  SENSE_NOT_READY = 0x2,
  SENSE_MEDIUM_ERROR = 0x3,
  SENSE_ILLEGAL_REQUEST = 0x5,
  SENSE_UNIT_ATTENTION = 0x6,

  /* Additional sense, code << 8 | qualifier. */
  ASC_NO_MEDIUM = 0x3a00,
  ASC_TRAY_OPEN = 0x3a02,
  ASC_READ_ERROR = 0x1100,
  ASC_OPCODE = 0x2000,
  ASC_LBA_RANGE = 0x2100,
  ASC_FIELD = 0x2400,
  ASC_RESET = 0x2900,
  ASC_MEDIUM_CHANGED = 0x2800,
  ASC_REMOVAL_PREVENTED = 0x5302,

  PROFILE_CD_ROM = 0x0008,
  PROFILE_DVD_ROM = 0x0010,
  CD_BLOCKS_MAX = 450000,        /* 99 minutes: anything larger must be a DVD */

  EVENT_NONE = 0,
  EVENT_EJECT_REQUEST = 1,
  EVENT_NEW_MEDIUM = 2,
  EVENT_REMOVAL = 3,
};

/* What a command needs before it runs. */
enum
{
  MEDIUM    = 1u << 0,   /* a medium, and the tray closed */
  ANY_TIME  = 1u << 1,   /* runs, and leaves a pending unit attention alone */
};

typedef struct
{
  uint8_t opcode;
  uint8_t flags;
  void  (*run) (VtSataDrive *drive, VtSataTask *task);
} Command;

/* --- Sense -------------------------------------------------------------------------------------------------------- */

static void
set_sense (VtSataDrive *drive, unsigned key, unsigned asc)
{
  drive->s->sense_key = (uint8_t) key;
  drive->s->asc = (uint8_t) (asc >> 8);
  drive->s->ascq = (uint8_t) asc;
}

/* CHECK CONDITION: the sense key is also in the high half of the error register. */
static void
check_condition (VtSataDrive *drive, VtSataTask *task, unsigned key, unsigned asc)
{
  g_clear_pointer (&task->data, g_free);
  task->len = 0;
  set_sense (drive, key, asc);
  vt_sata_fail (task, (uint8_t) (key << 4 | (key == SENSE_ILLEGAL_REQUEST ? ATA_ERROR_ABRT : 0)));
}

static bool
has_medium (const VtSataDrive *drive)
{
  return drive->block != NULL && !drive->s->tray_open;
}

static uint64_t
blocks (const VtSataDrive *drive)
{
  return has_medium (drive) ? MIN (drive->block->size_bytes / CD_BLOCK, UINT32_MAX) : 0;
}

static uint32_t
get_be (const uint8_t *from, unsigned bytes)
{
  uint32_t value = 0;
  for (unsigned i = 0; i < bytes; i++)
    value = value << 8 | from[i];
  return value;
}

static void
put_be (uint8_t *to, uint32_t value, unsigned bytes)
{
  for (unsigned i = 0; i < bytes; i++)
    to[i] = (uint8_t) (value >> (8 * (bytes - 1 - i)));
}

/* The answer is cut to what the initiator has room for. */
static void
limit_answer (VtSataTask *task, size_t len, size_t allocated)
{
  task->len = MIN (len, allocated);
  if (task->len == 0)
    vt_sata_done (task);
}

/* --- Commands without a medium ------------------------------------------------------------------------------------ */

static void
run_test_unit_ready (VtSataDrive *drive, VtSataTask *task)
{
  vt_sata_done (task);
}

static void
run_request_sense (VtSataDrive *drive, VtSataTask *task)
{
  VtSataState *s = drive->s;
  /* With nothing else to tell, a pending unit attention is told (SPC-3, 6.27). */
  if (s->sense_key == SENSE_NONE && s->attention != VT_SATA_ATTENTION_NONE)
    {
      set_sense (drive, SENSE_UNIT_ATTENTION,
                 s->attention == VT_SATA_ATTENTION_MEDIUM ? ASC_MEDIUM_CHANGED : ASC_RESET);
      s->attention = VT_SATA_ATTENTION_NONE;
    }
  uint8_t *data = vt_sata_answer (task, 18);
  data[0] = 0x70;
  data[2] = s->sense_key;
  data[7] = 10;
  data[12] = s->asc;
  data[13] = s->ascq;
  set_sense (drive, SENSE_NONE, 0);
  limit_answer (task, 18, task->cdb[4]);
}

static void
put_text (uint8_t *to, const char *text, size_t width)
{
  size_t len = MIN (strlen (text), width);
  memset (to, ' ', width);
  memcpy (to, text, len);
}

static void
run_inquiry (VtSataDrive *drive, VtSataTask *task)
{
  if ((task->cdb[1] & 1) != 0 || task->cdb[2] != 0)
    {
      check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);   /* no vital product data */
      return;
    }
  uint8_t *data = vt_sata_answer (task, 36);
  data[0] = 0x05;    /* CD/DVD device */
  data[1] = 0x80;    /* removable */
  data[3] = 0x32;    /* ATAPI: response format 2 */
  data[4] = 31;
  put_text (data + 8, "Vitrine", 8);
  put_text (data + 16, "Vitrine DVD-ROM", 16);
  put_text (data + 32, "1.0", 4);
  limit_answer (task, 36, get_be (task->cdb + 3, 2));
}

static void
run_start_stop (VtSataDrive *drive, VtSataTask *task)
{
  VtSataState *s = drive->s;
  bool load_eject = (task->cdb[4] & 2) != 0, start = (task->cdb[4] & 1) != 0;
  vt_sata_done (task);
  if (!load_eject)
    return;
  if (!start && s->locked && !s->tray_open)
    {
      check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_REMOVAL_PREVENTED);
      return;
    }
  if (s->tray_open == !start)
    return;
  s->tray_open = !start;
  s->media_event = start && drive->block != NULL ? EVENT_NEW_MEDIUM : EVENT_REMOVAL;
  if (start)
    s->attention = VT_SATA_ATTENTION_MEDIUM;
}

static void
run_prevent_allow (VtSataDrive *drive, VtSataTask *task)
{
  drive->s->locked = (task->cdb[4] & 1) != 0;
  vt_sata_done (task);
}

/* --- Features and events ------------------------------------------------------------------------------------------ */

static unsigned
current_profile (const VtSataDrive *drive)
{
  if (!has_medium (drive))
    return 0;
  return blocks (drive) > CD_BLOCKS_MAX ? PROFILE_DVD_ROM : PROFILE_CD_ROM;
}

/* One feature descriptor (MMC-5, 5.3); returns its length. */
static size_t
put_feature (uint8_t *to, unsigned code, bool current, const uint8_t *body, uint8_t len)
{
  put_be (to, code, 2);
  to[2] = (uint8_t) (3 | (current ? 1 : 0));   /* persistent, version 0 */
  to[3] = len;
  if (body != NULL)
    memcpy (to + 4, body, len);
  return 4u + len;
}

static size_t
put_profiles (const VtSataDrive *drive, uint8_t *to)
{
  unsigned current = current_profile (drive);
  uint8_t list[8]
      = { 0, PROFILE_DVD_ROM, current == PROFILE_DVD_ROM, 0, 0, PROFILE_CD_ROM, current == PROFILE_CD_ROM, 0 };
  return put_feature (to, 0x0000, true, list, sizeof list);
}

static void
run_get_configuration (VtSataDrive *drive, VtSataTask *task)
{
  static const uint8_t core[8] = { 0, 0, 0, 7 /* serial ATA */ };
  static const uint8_t removable[4] = { 0x29 /* tray, eject, lock */ };
  static const uint8_t random_readable[8] = { 0, 0, CD_BLOCK >> 8, 0, 0, 0x10, 0, 0 };
  unsigned wanted = get_be (task->cdb + 2, 2), kind = task->cdb[1] & 3;
  uint8_t *data = vt_sata_answer (task, 128);
  size_t   n = 8;
  struct { unsigned code; const uint8_t *body; uint8_t len; bool current; } features[] = {
    { 0x0001, core, sizeof core, true },
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
  put_be (data, (uint32_t) n - 4, 4);
  put_be (data + 6, current_profile (drive), 2);
  limit_answer (task, n, get_be (task->cdb + 7, 2));
}

static void
run_get_event_status (VtSataDrive *drive, VtSataTask *task)
{
  VtSataState *s = drive->s;
  if ((task->cdb[1] & 1) == 0)
    {
      check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);   /* only the polled form exists */
      return;
    }
  bool     media = (task->cdb[4] & 0x10) != 0;
  uint8_t *data = vt_sata_answer (task, 8);
  size_t   n = media ? 8 : 4;
  put_be (data, (uint32_t) n - 2, 2);
  data[2] = media ? 4 : 0x80;    /* class of the event; 0x80: none of the wanted classes */
  data[3] = 0x10;                /* supported: media */
  if (media)
    {
      data[4] = s->media_event;
      data[5] = (uint8_t) ((has_medium (drive) ? 2 : 0) | (s->tray_open ? 1 : 0));
      s->media_event = EVENT_NONE;
    }
  limit_answer (task, n, get_be (task->cdb + 7, 2));
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
put_capabilities_page (const VtSataDrive *drive, uint8_t *to)
{
  to[0] = 0x2a;
  to[1] = 18;
  to[2] = 0x3b;                                             /* reads CD-R, CD-RW, DVD-ROM, DVD-R */
  to[4] = 0x70;                                             /* mode 2 forms, multisession */
  to[6] = (uint8_t) (0x29 | (drive->s->locked ? 2 : 0));    /* tray, eject, lock */
  put_be (to + 8, 706, 2);                                  /* kB/s: 4x, a number that old drivers believe */
  put_be (to + 12, 512, 2);                                 /* buffer, KiB */
  put_be (to + 14, 706, 2);
  return 20;
}

static void
run_mode_sense (VtSataDrive *drive, VtSataTask *task)
{
  unsigned page = task->cdb[2] & 0x3f, control = task->cdb[2] >> 6;
  if (control == 3 || (page != 0x01 && page != 0x2a && page != 0x3f))
    {
      check_condition (drive, task, SENSE_ILLEGAL_REQUEST, control == 3 ? 0x3900 : ASC_FIELD);
      return;
    }
  uint8_t *data = vt_sata_answer (task, 64);
  size_t   n = 8;
  if (page != 0x2a)
    n += put_error_recovery_page (data + n);
  if (page != 0x01)
    n += put_capabilities_page (drive, data + n);
  if (control == 1)                          /* changeable values: none */
    for (size_t at = 8; at < n; at += data[at + 1] + 2u)
      memset (data + at + 2, 0, data[at + 1]);
  put_be (data, (uint32_t) n - 2, 2);
  data[2] = has_medium (drive) ? 0x01 : drive->s->tray_open ? 0x71 : 0x70;   /* medium type: data disc, open, none */
  limit_answer (task, n, get_be (task->cdb + 7, 2));
}

/* --- The medium --------------------------------------------------------------------------------------------------- */

static void
run_read_capacity (VtSataDrive *drive, VtSataTask *task)
{
  uint8_t *data = vt_sata_answer (task, 8);
  put_be (data, (uint32_t) blocks (drive) - 1, 4);
  put_be (data + 4, CD_BLOCK, 4);
}

static void
read_blocks (VtSataDrive *drive, VtSataTask *task, uint32_t lba, uint32_t count)
{
  if (!vt_fits (lba, count, blocks (drive)))
    {
      check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_LBA_RANGE);
      return;
    }
  vt_sata_done (task);
  task->off = (uint64_t) lba * CD_BLOCK;
  task->left = (uint64_t) count * CD_BLOCK;
  if (count > 0)
    task->action = VT_SATA_READ;
}

static void
run_read_10 (VtSataDrive *drive, VtSataTask *task)
{
  read_blocks (drive, task, get_be (task->cdb + 2, 4), get_be (task->cdb + 7, 2));
}

static void
run_read_12 (VtSataDrive *drive, VtSataTask *task)
{
  read_blocks (drive, task, get_be (task->cdb + 2, 4), get_be (task->cdb + 6, 4));
}

/* READ CD: only whole mode 1 user data, which is all that an image has. */
static void
run_read_cd (VtSataDrive *drive, VtSataTask *task)
{
  uint32_t count = get_be (task->cdb + 6, 3);
  unsigned fields = task->cdb[9] & 0xf8, sector_type = task->cdb[1] >> 2 & 7;
  if (fields == 0 || count == 0)
    vt_sata_done (task);
  else if (fields != 0x10 || (sector_type != 0 && sector_type != 2))
    check_condition (drive, task, SENSE_ILLEGAL_REQUEST, 0x6400);   /* illegal mode for this track */
  else
    read_blocks (drive, task, get_be (task->cdb + 2, 4), count);
}

static void
run_seek (VtSataDrive *drive, VtSataTask *task)
{
  if (get_be (task->cdb + 2, 4) >= blocks (drive))
    check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_LBA_RANGE);
  else
    vt_sata_done (task);
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
    put_be (to, (uint32_t) lba, 4);
}

static size_t
put_toc (const VtSataDrive *drive, const VtSataTask *task, uint8_t *data, bool msf)
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
put_raw_toc (const VtSataDrive *drive, uint8_t *data)
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
run_read_toc (VtSataDrive *drive, VtSataTask *task)
{
  bool     msf = (task->cdb[1] & 2) != 0;
  unsigned format = (task->cdb[2] & 0xf) != 0 ? task->cdb[2] & 0xf : task->cdb[9] >> 6;
  if (format > 2 || (format == 0 && task->cdb[6] > 1 && task->cdb[6] != 0xaa))
    {
      check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
      return;
    }
  uint8_t *data = vt_sata_answer (task, 64);
  size_t   n = format == 0   ? put_toc (drive, task, data, msf)
               : format == 1 ? put_session_info (data, msf)
                             : put_raw_toc (drive, data);
  put_be (data, (uint32_t) n - 2, 2);
  limit_answer (task, n, get_be (task->cdb + 7, 2));
}

static void
run_read_disc_information (VtSataDrive *drive, VtSataTask *task)
{
  uint8_t *data = vt_sata_answer (task, 34);
  put_be (data, 32, 2);
  data[2] = 0x0e;                      /* complete, last session complete */
  data[3] = data[4] = data[5] = data[6] = 1;
  data[7] = 0x20;                      /* unrestricted use */
  memset (data + 16, 0xff, 8);         /* no further sessions can start */
  limit_answer (task, 34, get_be (task->cdb + 7, 2));
}

static void
run_read_track_information (VtSataDrive *drive, VtSataTask *task)
{
  uint8_t *data = vt_sata_answer (task, 36);
  put_be (data, 34, 2);
  data[2] = data[3] = 1;
  data[5] = 4;                         /* data track */
  data[6] = 1;                         /* mode 1 */
  put_be (data + 24, (uint32_t) blocks (drive), 4);
  limit_answer (task, 36, get_be (task->cdb + 7, 2));
}

/* Physical format information of a DVD: one layer, as large as the image. */
static void
run_read_dvd_structure (VtSataDrive *drive, VtSataTask *task)
{
  if (task->cdb[7] != 0 || current_profile (drive) != PROFILE_DVD_ROM)
    {
      check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
      return;
    }
  uint8_t *data = vt_sata_answer (task, 2052);
  put_be (data, 2050, 2);
  data[4] = 0x01;                      /* DVD-ROM, version 1 */
  data[5] = 0x0f;                      /* 120 mm, no maximum rate given */
  data[6] = 0x01;                      /* one layer */
  put_be (data + 8, 0x30000, 4);
  put_be (data + 12, 0x30000 + (uint32_t) blocks (drive) - 1, 4);
  limit_answer (task, 2052, get_be (task->cdb + 8, 2));
}

static void
run_mechanism_status (VtSataDrive *drive, VtSataTask *task)
{
  uint8_t *data = vt_sata_answer (task, 8);
  data[1] = drive->s->tray_open ? 0x10 : 0;
  data[5] = 1;
  limit_answer (task, 8, get_be (task->cdb + 8, 2));
}

static const Command commands[] = {
  { 0x00, MEDIUM, run_test_unit_ready },
  { 0x03, ANY_TIME, run_request_sense },
  { 0x12, ANY_TIME, run_inquiry },
  { 0x1b, 0, run_start_stop },
  { 0x1e, 0, run_prevent_allow },
  { 0x25, MEDIUM, run_read_capacity },
  { 0x28, MEDIUM, run_read_10 },
  { 0x2b, MEDIUM, run_seek },
  { 0x35, 0, run_test_unit_ready },            /* SYNCHRONIZE CACHE: nothing is ever written */
  { 0x43, MEDIUM, run_read_toc },
  { 0x46, ANY_TIME, run_get_configuration },
  { 0x4a, ANY_TIME, run_get_event_status },
  { 0x51, MEDIUM, run_read_disc_information },
  { 0x52, MEDIUM, run_read_track_information },
  { 0x5a, 0, run_mode_sense },
  { 0xa8, MEDIUM, run_read_12 },
  { 0xad, MEDIUM, run_read_dvd_structure },
  { 0xbb, 0, run_test_unit_ready },            /* SET CD SPEED: as fast as we can, always */
  { 0xbd, ANY_TIME, run_mechanism_status },
  { 0xbe, MEDIUM, run_read_cd },
};

/* --- ATA side ----------------------------------------------------------------------------------------------------- */

/* False: a check condition was set instead. */
static bool
ready_for (VtSataDrive *drive, VtSataTask *task, unsigned flags)
{
  VtSataState *s = drive->s;
  if (flags & ANY_TIME)
    return true;
  if (s->attention != VT_SATA_ATTENTION_NONE)
    {
      unsigned asc = s->attention == VT_SATA_ATTENTION_MEDIUM ? ASC_MEDIUM_CHANGED : ASC_RESET;
      s->attention = VT_SATA_ATTENTION_NONE;
      check_condition (drive, task, SENSE_UNIT_ATTENTION, asc);
      return false;
    }
  if ((flags & MEDIUM) && !has_medium (drive))
    {
      check_condition (drive, task, SENSE_NOT_READY, s->tray_open ? ASC_TRAY_OPEN : ASC_NO_MEDIUM);
      return false;
    }
  return true;
}

static void
run_packet (VtSataDrive *drive, VtSataTask *task)
{
  task->packet = true;
  task->pio = (task->features & 1) == 0;    /* DMA bit of the features register */
  if (task->cdb[0] != 0x03)
    set_sense (drive, SENSE_NONE, 0);
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    if (commands[i].opcode == task->cdb[0])
      {
        if (ready_for (drive, task, commands[i].flags))
          commands[i].run (drive, task);
        return;
      }
  check_condition (drive, task, SENSE_ILLEGAL_REQUEST, ASC_OPCODE);
}

static void
run_identify_packet (VtSataDrive *drive, VtSataTask *task)
{
  static const struct { uint8_t word; uint16_t value; } words[] = {
    { 0, 0x85c0 },   /* ATAPI, CD/DVD, removable, DRQ within 50 us, 12-byte packets */
    { 49, 0x0f00 },  /* DMA, LBA, IORDY */
    { 50, 0x4000 },
    { 53, 0x0006 },
    { 63, 0x0007 },
    { 64, 0x0003 },
    { 65, 120 }, { 66, 120 }, { 67, 120 }, { 68, 120 },
    { 76, 0x0006 },
    { 80, 0x00f0 },
    { 82, 0x4210 },  /* NOP, DEVICE RESET, PACKET */
    { 83, 0x4000 },
    { 84, 0x4000 },
    { 85, 0x4210 },
    { 87, 0x4000 },
    { 88, 0x203f },
    { 126, 0 },
  };
  uint8_t *identify = vt_sata_answer (task, ATA_SECTOR);
  task->pio = true;
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    vt_store_le (identify + words[i].word * 2, words[i].value, 2);
  const struct { uint8_t word, bytes; const char *text; } strings[] = {
    { 10, 20, drive->serial }, { 23, 8, "1.0" }, { 27, 40, drive->model },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (strings); i++)
    {
      size_t len = strlen (strings[i].text);
      for (unsigned b = 0; b < strings[i].bytes; b++)
        identify[strings[i].word * 2 + (b ^ 1)] = b < len ? (uint8_t) strings[i].text[b] : ' ';
    }
}

void
vt_atapi_execute (VtSataDrive *drive, VtSataTask *task)
{
  switch (task->command)
    {
    case 0xa0:
      run_packet (drive, task);
      break;
    case 0xa1:
      run_identify_packet (drive, task);
      break;
    case 0xef:   /* SET FEATURES: transfer modes and the like change nothing here */
      vt_sata_done (task);
      break;
    case 0x08:   /* DEVICE RESET: ends like a reset, with the signature */
    case 0x90:
      vt_sata_done (task);
      task->error = 0x01;
      task->count = 1;
      task->lba = 0xeb1401;
      break;
    case 0x20:   /* READ SECTORS and IDENTIFY DEVICE answer with the packet signature (ATA8-ACS, 4.3) */
    case 0xec:
      vt_sata_fail (task, ATA_ERROR_ABRT);
      task->count = 1;
      task->lba = 0xeb1401;
      break;
    case 0xe0: case 0xe1: case 0xe5: case 0xe6:
      vt_sata_done (task);
      if (task->command == 0xe5)
        task->count = 0xff;
      break;
    default:
      vt_sata_fail (task, ATA_ERROR_ABRT);
    }
}

void
vt_atapi_io_failed (VtSataDrive *drive, VtSataTask *task, int problem)
{
  check_condition (drive, task, SENSE_MEDIUM_ERROR, ASC_READ_ERROR);
}
