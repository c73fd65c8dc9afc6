/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ATA disk: the command set (ATA8-ACS, with NCQ and TRIM from ACS-2). */
#include "ata.h"

#include <errno.h>

#include "vitrine/error.h"

enum
{
  /* Geometry for CHS addressing (ATA-5, C.2). */
  CHS_HEADS   = 16,
  CHS_SECTORS = 63,
  CHS_CYLINDERS_MAX = 16383,

  TRIM_BLOCKS_MAX = 8,           /* of 64 ranges each */
  QUEUE_DEPTH     = 32,
  MULTIPLE_MAX    = 16,
  LOG_DIRECTORY   = 0x00,
  LOG_NCQ_ERROR   = 0x10,
};

/* What a command of the table needs. */
enum
{
  EXT    = 1u << 0,   /* 48-bit address, 16-bit count */
  PIO    = 1u << 1,
  FUA    = 1u << 2,
  NCQ    = 1u << 3,
  MULTI  = 1u << 4,   /* needs SET MULTIPLE MODE first */
};

typedef struct
{
  uint8_t command;
  uint8_t flags;
  void  (*run) (VtAtaDrive *drive, VtAtaTask *task, unsigned flags);
} AtaCommand;

static uint64_t
sectors (const VtAtaDrive *drive)
{
  return drive->block->size_bytes / ATA_SECTOR;
}

/* --- Addresses ---------------------------------------------------------------------------------------------------- */

static uint64_t
chs_to_lba (const VtAtaTask *task)
{
  uint64_t cylinder = task->lba >> 8 & 0xffff, head = task->device & 0xf, sector = task->lba & 0xff;
  /* Sectors count from 1: sector 0 does not exist. */
  return sector == 0 ? UINT64_MAX : (cylinder * CHS_HEADS + head) * CHS_SECTORS + sector - 1;
}

static void
get_range (const VtAtaTask *task, unsigned flags, uint64_t *lba, uint64_t *count)
{
  if (flags & NCQ)
    {
      *lba = task->lba;
      *count = task->features != 0 ? task->features : 65536;
    }
  else if (flags & EXT)
    {
      *lba = task->lba;
      *count = task->count != 0 ? task->count : 65536;
    }
  else
    {
      *lba = task->device & ATA_DEVICE_LBA ? (task->lba & 0xffffff) | (uint64_t) (task->device & 0xf) << 24
                                           : chs_to_lba (task);
      *count = (task->count & 0xff) != 0 ? task->count & 0xff : 256;
    }
}

/* False when the command was refused. */
static bool
set_range (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  uint64_t lba, count;
  get_range (task, flags, &lba, &count);
  if (flags & NCQ)
    {
      task->queued = true;
      task->tag = (task->count >> 3) & 31;
    }
  if ((flags & MULTI) && drive->s->multiple == 0)
    {
      vt_ata_fail (task, ATA_ERROR_ABRT);
      return false;
    }
  if (!vt_fits (lba, count, sectors (drive)))
    {
      vt_ata_fail (task, ATA_ERROR_IDNF);
      return false;
    }
  task->off = lba * ATA_SECTOR;
  task->left = count * ATA_SECTOR;
  task->block_bytes = (flags & MULTI ? drive->s->multiple : 1) * ATA_SECTOR;
  task->pio = (flags & PIO) != 0;
  task->status = ATA_STATUS_GOOD;
  return true;
}

/* --- Reading and writing ------------------------------------------------------------------------------------------ */

static void
run_read (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  if (set_range (drive, task, flags))
    task->action = VT_ATA_READ;
}

static void
run_write (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  if (!set_range (drive, task, flags))
    return;
  if (drive->block->readonly)
    {
      vt_ata_fail (task, ATA_ERROR_ABRT);
      return;
    }
  /* A queued write carries the FUA bit in its device register. */
  bool fua = (flags & NCQ) ? (task->device & 0x80) != 0 : (flags & FUA) != 0;
  task->flush_after = fua || drive->s->scsi.write_cache_off;
  task->action = VT_ATA_WRITE;
}

static void
run_verify (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  if (set_range (drive, task, flags))
    vt_ata_done (task);
}

static void
run_flush (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  task->status = ATA_STATUS_GOOD;
  task->action = VT_ATA_FLUSH;
}

static void
trim_data_came (VtAtaDrive *drive, VtAtaTask *task)
{
  task->status = ATA_STATUS_GOOD;
  task->action = VT_ATA_DISCARD;
}

static void
run_data_set_management (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  bool trim = (task->features & 0xff) == 1;
  if (!trim || task->count == 0 || task->count > TRIM_BLOCKS_MAX || drive->block->readonly)
    {
      vt_ata_fail (task, ATA_ERROR_ABRT);
      return;
    }
  vt_ata_answer (task, task->count * (size_t) ATA_SECTOR);
  task->action = VT_ATA_DATA_OUT;
  task->after_data = trim_data_came;
}

/* Ranges of ACS-2 7.10: 48 bits of address, 16 of length; length 0 is no range. A range beyond the end is skipped. */
bool
vt_ata_next_range (VtAtaDrive *drive, VtAtaTask *task, uint64_t *off, uint64_t *len)
{
  while (vt_fits (task->next, 8, task->len))
    {
      uint64_t range = vt_load_le (task->data + task->next, 8);
      task->next += 8;
      uint64_t lba = range & G_GUINT64_CONSTANT (0xffffffffffff), count = range >> 48;
      if (count == 0 || !vt_fits (lba, count, sectors (drive)))
        continue;
      *off = lba * ATA_SECTOR;
      *len = count * ATA_SECTOR;
      return true;
    }
  return false;
}

/* --- IDENTIFY DEVICE ---------------------------------------------------------------------------------------------- */

static void
put_words (uint8_t *identify, unsigned word, uint64_t value, unsigned words)
{
  vt_store_le (identify + word * 2, value, words * 2);
}

void
vt_ata_put_string (uint8_t *identify, unsigned word, unsigned bytes, const char *text)
{
  size_t len = strlen (text);
  for (unsigned i = 0; i < bytes; i++)
    identify[word * 2 + (i ^ 1)] = i < len ? (uint8_t) text[i] : ' ';
}

static void
put_checksum (uint8_t *identify)
{
  identify[510] = 0xa5;
  uint8_t sum = 0;
  for (unsigned i = 0; i < 511; i++)
    sum += identify[i];
  identify[511] = (uint8_t) -sum;
}

typedef struct
{
  uint8_t  word, words;
  uint64_t value;
} IdentifyWord;

/* What is the same for every disk (ACS-2, 7.12.7). */
static const IdentifyWord identify_words[] = {
  { 0, 1, 0x0040 },                    /* fixed device */
  { 3, 1, CHS_HEADS },
  { 6, 1, CHS_SECTORS },
  { 47, 1, 0x8000 | MULTIPLE_MAX },
  { 49, 1, 0x2f00 },                   /* LBA, DMA, IORDY, standby timers */
  { 50, 1, 0x4000 },
  { 53, 1, 0x0007 },                   /* words 54-58, 64-70, 88 are valid */
  { 55, 1, CHS_HEADS },
  { 56, 1, CHS_SECTORS },
  { 64, 1, 0x0003 },                   /* PIO 3, 4 */
  { 65, 1, 120 }, { 66, 1, 120 }, { 67, 1, 120 }, { 68, 1, 120 },
  { 75, 1, QUEUE_DEPTH - 1 },
  { 76, 1, 0x0106 },                   /* NCQ, 1.5 and 3 Gb/s */
  { 80, 1, 0x01f0 },                   /* ATA-4 to ATA8-ACS */
  { 82, 1, 0x4061 },                   /* NOP, look-ahead, write cache, SMART */
  { 83, 1, 0x7400 },                   /* FLUSH CACHE (EXT), 48-bit */
  { 84, 1, 0x4060 },                   /* FUA, general purpose logging */
  { 87, 1, 0x4060 },
  { 86, 1, 0x3400 },
  { 93, 1, 0x0000 },
  { 105, 1, TRIM_BLOCKS_MAX },
  { 106, 1, 0x4000 },
  { 169, 1, 0x0001 },                  /* TRIM */
  { 217, 1, 0x0001 },                  /* does not rotate */
  { 222, 1, 0x1020 },                  /* serial ATA 2.6 */
};

static void
put_changing_words (const VtAtaDrive *drive, uint8_t *identify)
{
  const VtAtaState *s = drive->s;
  uint64_t total = sectors (drive);
  uint64_t cylinders = MIN (total / (CHS_HEADS * CHS_SECTORS), CHS_CYLINDERS_MAX);
  put_words (identify, 1, cylinders, 1);
  put_words (identify, 54, cylinders, 1);
  put_words (identify, 57, cylinders * CHS_HEADS * CHS_SECTORS, 2);
  put_words (identify, 59, s->multiple != 0 ? 0x0100u | s->multiple : 0, 1);
  put_words (identify, 60, MIN (total, 0x0fffffff), 2);
  /* High byte: the selected mode. */
  unsigned class = s->transfer_mode >> 3, mode = s->transfer_mode & 7;
  put_words (identify, 63, 0x07 | (class == 4 ? 0x100u << mode : 0), 1);
  put_words (identify, 88, 0x3f | (class == 8 || s->transfer_mode == 0 ? 0x100u << (class == 8 ? mode : 5) : 0), 1);
  put_words (identify, 85, 0x4000 | (s->look_ahead_off ? 0 : 0x40) | (s->scsi.write_cache_off ? 0 : 0x20)
                               | (s->smart_off ? 0 : 0x01), 1);
  put_words (identify, 100, total, 4);
}

/* A parallel drive has no queue, and says in word 93 what cable it found after the last reset (ATA8-ACS, 7.16.7.46). */
static void
put_parallel_words (uint8_t *identify)
{
  static const IdentifyWord words[] = { { 75, 1, 0 }, { 76, 1, 0 }, { 93, 1, 0x6001 }, { 222, 1, 0 } };
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    put_words (identify, words[i].word, words[i].value, words[i].words);
}

static void
run_identify (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  uint8_t *identify = vt_ata_answer (task, ATA_SECTOR);
  task->pio = true;
  for (size_t i = 0; i < G_N_ELEMENTS (identify_words); i++)
    put_words (identify, identify_words[i].word, identify_words[i].value, identify_words[i].words);
  put_changing_words (drive, identify);
  if (drive->parallel)
    put_parallel_words (identify);
  vt_ata_put_string (identify, 10, 20, drive->serial);
  vt_ata_put_string (identify, 23, 8, "1.0");
  vt_ata_put_string (identify, 27, 40, drive->model);
  put_checksum (identify);
}

/* --- Settings ----------------------------------------------------------------------------------------------------- */

static void
run_set_features (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  VtAtaState *s = drive->s;
  vt_ata_done (task);
  switch (task->features & 0xff)
    {
    case 0x02: s->scsi.write_cache_off = false; break;
    case 0x82: s->scsi.write_cache_off = true; break;
    case 0x55: s->look_ahead_off = true; break;
    case 0xaa: s->look_ahead_off = false; break;
    case 0x03: s->transfer_mode = (uint8_t) task->count; break;
    case 0x05: case 0x85: case 0x42: case 0xc2:   /* power and acoustic management: nothing to manage */
    case 0x66: case 0xcc:                          /* keep settings over a software reset, or not */
    case 0x10: case 0x90:                          /* serial ATA features */
      break;
    default:
      vt_ata_fail (task, ATA_ERROR_ABRT);
    }
}

static void
run_set_multiple (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  unsigned n = task->count & 0xff;
  if (n > MULTIPLE_MAX || (n & (n - 1)) != 0)
    {
      vt_ata_fail (task, ATA_ERROR_ABRT);
      return;
    }
  drive->s->multiple = (uint8_t) n;
  vt_ata_done (task);
}

static void
run_native_max (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  uint64_t last = sectors (drive) - 1;
  vt_ata_done (task);
  if (flags & EXT)
    task->lba = last;
  else
    {
      last = MIN (last, 0x0fffffff);
      task->lba = last & 0xffffff;
      task->device = (uint8_t) ((task->device & 0xf0) | last >> 24);
    }
}

static void
run_check_power (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  vt_ata_done (task);
  task->count = 0xff;   /* active or idle */
}

static void
run_nothing (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  vt_ata_done (task);
}

/* INITIALIZE DEVICE PARAMETERS: there is one translation, which IDENTIFY names (ATA-5, 8.16). */
static void
run_set_geometry (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  if ((task->count & 0xff) == CHS_SECTORS && (task->device & 0xf) == CHS_HEADS - 1)
    vt_ata_done (task);
  else
    vt_ata_fail (task, ATA_ERROR_ABRT);
}

static void
run_diagnostic (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  vt_ata_done (task);
  task->error = 0x01;   /* passed; ERR stays clear */
  task->lba = 0x000001;
  task->count = 1;
}

/* --- SMART and logs ----------------------------------------------------------------------------------------------- */

static void
smart_data (VtAtaTask *task)
{
  uint8_t *data = vt_ata_answer (task, ATA_SECTOR);
  task->pio = true;
  data[0] = 0x10;      /* revision; no attributes */
  data[362] = 0;       /* off-line collection never started */
  uint8_t sum = 0;
  for (unsigned i = 0; i < 511; i++)
    sum += data[i];
  data[511] = (uint8_t) -sum;
}

static void
run_smart (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  unsigned sub = task->features & 0xff;
  if ((task->lba >> 8 & 0xffff) != 0xc24f || (drive->s->smart_off && sub != 0xd8))
    {
      vt_ata_fail (task, ATA_ERROR_ABRT);
      return;
    }
  vt_ata_done (task);
  switch (sub)
    {
    case 0xd8: drive->s->smart_off = false; break;
    case 0xd9: drive->s->smart_off = true; break;
    case 0xda: break;                                /* status: the key comes back unchanged, the disk is fine */
    case 0xd2: case 0xd4: break;                     /* autosave; self-test: passes at once */
    case 0xd0: case 0xd1: smart_data (task); break;
    default: vt_ata_fail (task, ATA_ERROR_ABRT);
    }
}

/* Log 10h: which queued command failed (ACS-2, A.11). */
static void
ncq_error_log (VtAtaDrive *drive, uint8_t *log)
{
  const VtAtaState *s = drive->s;
  log[0] = s->ncq_error != 0 ? s->ncq_tag : 0x80;   /* 0x80: the failed command was not queued */
  log[2] = ATA_STATUS_GOOD | (s->ncq_error != 0 ? ATA_STATUS_ERR : 0);
  log[3] = s->ncq_error;
  uint8_t sum = 0;
  for (unsigned i = 0; i < 511; i++)
    sum += log[i];
  log[511] = (uint8_t) -sum;
  drive->s->ncq_error = 0;
}

static void
run_read_log (VtAtaDrive *drive, VtAtaTask *task, unsigned flags)
{
  unsigned log = task->lba & 0xff, page = task->lba >> 8 & 0xff;
  if (task->count != 1 || page != 0 || (log != LOG_DIRECTORY && log != LOG_NCQ_ERROR))
    {
      vt_ata_fail (task, ATA_ERROR_ABRT);
      return;
    }
  uint8_t *data = vt_ata_answer (task, ATA_SECTOR);
  task->pio = (flags & PIO) != 0;
  if (log == LOG_NCQ_ERROR)
    ncq_error_log (drive, data);
  else
    {
      vt_store_le (data, 1, 2);                         /* version */
      vt_store_le (data + 2 * LOG_NCQ_ERROR, 1, 2);     /* pages */
    }
}

/* --- The table ---------------------------------------------------------------------------------------------------- */

static const AtaCommand commands[] = {
  { 0x06, 0, run_data_set_management },
  { 0x10, 0, run_nothing },                 /* RECALIBRATE */
  { 0x20, PIO, run_read },
  { 0x21, PIO, run_read },
  { 0x24, PIO | EXT, run_read },
  { 0x25, EXT, run_read },
  { 0x27, EXT, run_native_max },
  { 0x29, PIO | EXT | MULTI, run_read },
  { 0x2f, PIO, run_read_log },
  { 0x30, PIO, run_write },
  { 0x31, PIO, run_write },
  { 0x34, PIO | EXT, run_write },
  { 0x35, EXT, run_write },
  { 0x39, PIO | EXT | MULTI, run_write },
  { 0x3d, EXT | FUA, run_write },
  { 0x40, 0, run_verify },
  { 0x41, 0, run_verify },
  { 0x42, EXT, run_verify },
  { 0x47, 0, run_read_log },
  { 0x60, EXT | NCQ, run_read },
  { 0x61, EXT | NCQ, run_write },
  { 0x70, 0, run_nothing },                 /* SEEK */
  { 0x90, 0, run_diagnostic },
  { 0x91, 0, run_set_geometry },
  { 0xb0, 0, run_smart },
  { 0xc4, PIO | MULTI, run_read },
  { 0xc5, PIO | MULTI, run_write },
  { 0xc6, 0, run_set_multiple },
  { 0xc8, 0, run_read },
  { 0xc9, 0, run_read },
  { 0xca, 0, run_write },
  { 0xcb, 0, run_write },
  { 0xce, PIO | EXT | MULTI | FUA, run_write },
  { 0xe0, 0, run_nothing },                 /* STANDBY IMMEDIATE */
  { 0xe1, 0, run_nothing },                 /* IDLE IMMEDIATE */
  { 0xe2, 0, run_nothing },                 /* STANDBY */
  { 0xe3, 0, run_nothing },                 /* IDLE */
  { 0xe5, 0, run_check_power },
  { 0xe6, 0, run_nothing },                 /* SLEEP: any command wakes us */
  { 0xe7, 0, run_flush },
  { 0xea, 0, run_flush },
  { 0xec, 0, run_identify },
  { 0xef, 0, run_set_features },
  { 0xf8, 0, run_native_max },
};

void
vt_ata_execute (VtAtaDrive *drive, VtAtaTask *task)
{
  for (size_t i = 0; i < G_N_ELEMENTS (commands); i++)
    if (commands[i].command == task->command && !(drive->parallel && (commands[i].flags & NCQ) != 0))
      {
        commands[i].run (drive, task, commands[i].flags);
        return;
      }
  vt_ata_fail (task, ATA_ERROR_ABRT);
}

void
vt_ata_io_failed (VtAtaDrive *drive, VtAtaTask *task, int problem)
{
  vt_ata_fail (task, problem == EIO && task->action == VT_ATA_READ ? ATA_ERROR_UNC : ATA_ERROR_ABRT);
  if (task->queued)
    {
      drive->s->ncq_tag = task->tag;
      drive->s->ncq_error = task->error;
    }
}

/* --- Both kinds of drive ------------------------------------------------------------------------------------------ */

bool
vt_ata_plug (VtAtaDrive *drive, VtAtaState *s, const VtAtaSlot *slot, bool parallel, unsigned number, GError **error)
{
  if (slot->kind == VT_ATA_DISK && (slot->block == NULL || slot->block->size_bytes < ATA_SECTOR))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "ATA drive %u is a disk without an image", number);
      return false;
    }
  *drive = (VtAtaDrive) { .kind = slot->kind, .block = slot->block, .s = s, .parallel = parallel };
  if (slot->serial != NULL)
    g_strlcpy (drive->serial, slot->serial, sizeof drive->serial);
  else
    g_snprintf (drive->serial, sizeof drive->serial, "VT%05u", number);
  g_strlcpy (drive->model, slot->kind == VT_ATA_DISK ? "Vitrine hard disk" : "Vitrine DVD-ROM", sizeof drive->model);
  return true;
}

void
vt_ata_reset (VtAtaDrive *drive)
{
  VtAtaState *s = drive->s;
  s->multiple = 0;
  s->ncq_error = 0;
  s->scsi.locked = false;
  if (drive->kind == VT_ATA_CDROM && s->scsi.attention == VT_SCSI_ATTENTION_NONE)
    s->scsi.attention = VT_SCSI_ATTENTION_RESET;
}

uint32_t
vt_ata_signature (const VtAtaDrive *drive)
{
  switch (drive->kind)
    {
    case VT_ATA_DISK:
      return 0x00000101;
    case VT_ATA_CDROM:
      return 0xeb140101;
    case VT_ATA_NONE:
      break;
    }
  return 0xffffffff;
}

bool
vt_ata_state_possible (const VtAtaState *s)
{
  return s->multiple <= MULTIPLE_MAX && s->ncq_tag < QUEUE_DEPTH && vt_scsi_state_possible (&s->scsi);
}
