/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disks (SBC-3), of the block device's logical blocks. */
#include "scsi-private.h"

enum
{
  UNMAP_DESCRIPTORS_MAX = 256,
  FILL_BYTES = 256 * 1024,       /* of a WRITE SAME with other contents than zeros, at a time */

  MODE_WP = 0x80, MODE_DPOFUA = 0x10,
  PAGE_CACHING = 0x08, PAGE_CONTROL = 0x0a, PAGE_ALL = 0x3f,
  CACHING_WCE = 0x04,
};

/* Largest UNMAP and WRITE SAME: bounds how long a block driver is busy with one request. */
#define RANGE_BYTES_MAX (UINT64_C (1) << 30)

static uint32_t
block_bytes (const VtScsiUnit *disk)
{
  return disk->block->logical_block_bytes;
}

static uint64_t
blocks (const VtScsiUnit *disk)
{
  return disk->block->size_bytes / block_bytes (disk);
}

/* --- Who it is ---------------------------------------------------------------------------------------------------- */

/* Block limits, characteristics, provisioning (SBC-3, 6.5). */
static size_t
put_vpd (const VtScsiUnit *disk, unsigned page, uint8_t *to)
{
  switch (page)
    {
    case 0xb0:
      vt_store_be (to + 16, RANGE_BYTES_MAX / block_bytes (disk), 4);      /* UNMAP: blocks, descriptors, granularity */
      vt_store_be (to + 20, UNMAP_DESCRIPTORS_MAX, 4);
      vt_store_be (to + 24, 4096 / block_bytes (disk), 4);
      vt_store_be (to + 32, RANGE_BYTES_MAX / block_bytes (disk), 8);      /* WRITE SAME */
      return 60;
    case 0xb1:
      vt_store_be (to, 1, 2);                                              /* does not rotate */
      return 60;
    default:                                                          /* 0xb2 */
      to[1] = disk->block->readonly ? 0 : 0xe0;                       /* UNMAP, WRITE SAME (16) and (10) unmap */
      to[2] = 2;                                                      /* thin */
      return 4;
    }
}

static void
run_inquiry (VtScsiUnit *disk, VtScsiTask *task)
{
  static const uint8_t pages[] = { 0xb0, 0xb1, 0xb2 };
  scsi_inquiry (disk, task, "Vitrine disk", pages, sizeof pages, put_vpd);
}

static void
run_read_capacity_10 (VtScsiUnit *disk, VtScsiTask *task)
{
  uint8_t *data = scsi_answer (task, 8);
  vt_store_be (data, MIN (blocks (disk) - 1, UINT32_MAX), 4);
  vt_store_be (data + 4, block_bytes (disk), 4);
}

static void
run_service_action_in (VtScsiUnit *disk, VtScsiTask *task)
{
  if ((task->cdb[1] & 0x1f) != 0x10)                                  /* READ CAPACITY (16) */
    {
      scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
      return;
    }
  uint8_t *data = scsi_answer (task, 32);
  vt_store_be (data, blocks (disk) - 1, 8);
  vt_store_be (data + 8, block_bytes (disk), 4);
  for (uint32_t bytes = block_bytes (disk); bytes < 4096; bytes *= 2)
    data[13]++;                                                       /* blocks to a physical one, as a power of two */
  data[14] = disk->block->readonly ? 0 : 0x80;                        /* thin */
  scsi_limit_answer (task, 32, vt_load_be (task->cdb + 10, 4));
}

/* --- Mode pages --------------------------------------------------------------------------------------------------- */

static size_t
put_caching_page (const VtScsiUnit *disk, uint8_t *to, bool changeable)
{
  to[0] = PAGE_CACHING;
  to[1] = 18;
  to[2] = changeable || !disk->s->write_cache_off ? CACHING_WCE : 0;
  return 20;
}

static size_t
put_control_page (uint8_t *to, bool changeable)
{
  to[0] = PAGE_CONTROL;
  to[1] = 10;
  to[3] = changeable ? 0 : 0x10;      /* commands may be reordered */
  return 12;
}

static void
run_mode_sense (VtScsiUnit *disk, VtScsiTask *task)
{
  bool     ten = task->cdb[0] == 0x5a;
  unsigned page = task->cdb[2] & 0x3f, control = task->cdb[2] >> 6;
  if (control == 3 || (page != PAGE_CACHING && page != PAGE_CONTROL && page != PAGE_ALL))
    {
      scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, control == 3 ? ASC_SAVING_PARAMETERS : ASC_FIELD);
      return;
    }
  uint8_t *data = scsi_answer (task, 64);
  size_t   n = ten ? 8 : 4;
  data[ten ? 3 : 2] = MODE_DPOFUA | (disk->block->readonly ? MODE_WP : 0);
  if (page != PAGE_CONTROL)
    n += put_caching_page (disk, data + n, control == 1);
  if (page != PAGE_CACHING)
    n += put_control_page (data + n, control == 1);
  vt_store_be (data, n - (ten ? 2 : 1), ten ? 2 : 1);
  scsi_limit_answer (task, n, ten ? vt_load_be (task->cdb + 7, 2) : task->cdb[4]);
}

/* Only the write cache can be changed. */
static void
take_mode_parameters (VtScsiUnit *disk, VtScsiTask *task)
{
  bool   ten = task->cdb[0] == 0x55;
  size_t header = ten ? 8 : 4;
  size_t at = task->len >= header ? header + (ten ? vt_load_be (task->data + 6, 2) : task->data[3]) : task->len + 1;
  scsi_good (task);
  while (at < task->len)
    {
      const uint8_t *page = task->data + at;
      if (!vt_fits (at, 2, task->len) || !vt_fits (at + 2, page[1], task->len))
        break;
      if ((page[0] & 0x3f) == PAGE_CACHING && page[1] >= 1)
        disk->s->write_cache_off = (page[2] & CACHING_WCE) == 0;
      else if ((page[0] & 0x3f) != PAGE_CONTROL)
        {
          scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER);
          return;
        }
      at += 2u + page[1];
    }
  if (at != task->len)
    scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LENGTH);
  else if (disk->s->write_cache_off)
    task->action = VT_SCSI_FLUSH;
}

static void
run_mode_select (VtScsiUnit *disk, VtScsiTask *task)
{
  size_t len = task->cdb[0] == 0x55 ? vt_load_be (task->cdb + 7, 2) : task->cdb[4];
  if (len == 0)
    scsi_good (task);
  else
    scsi_ask (task, len, take_mode_parameters);
}

/* --- Reading and writing ------------------------------------------------------------------------------------------ */

typedef struct
{
  uint64_t lba, count;       /* blocks */
} Extent;

/* Where a command of 6, 10, 12 or 16 bytes has its blocks. */
static Extent
extent_of (const uint8_t *cdb)
{
  switch (cdb[0] >> 5)
    {
    case 0: return (Extent) { vt_load_be (cdb + 1, 3) & 0x1fffff, cdb[4] != 0 ? cdb[4] : 256 };
    case 4: return (Extent) { vt_load_be (cdb + 2, 8), vt_load_be (cdb + 10, 4) };
    case 5: return (Extent) { vt_load_be (cdb + 2, 4), vt_load_be (cdb + 6, 4) };
    default: return (Extent) { vt_load_be (cdb + 2, 4), vt_load_be (cdb + 7, 2) };
    }
}

/* False: the blocks do not exist, or may not be written, and a check condition says so. */
static bool
take_extent (VtScsiUnit *disk, VtScsiTask *task, bool write)
{
  Extent extent = extent_of (task->cdb);
  if (!vt_fits (extent.lba, extent.count, blocks (disk)))
    scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, ASC_LBA_RANGE);
  else if (write && disk->block->readonly)
    scsi_check_condition (disk, task, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
  else
    {
      scsi_good (task);
      task->off = extent.lba * block_bytes (disk);
      task->left = extent.count * block_bytes (disk);
      return true;
    }
  return false;
}

static void
run_read (VtScsiUnit *disk, VtScsiTask *task)
{
  if (take_extent (disk, task, false) && task->left > 0)
    task->action = VT_SCSI_READ;
}

static void
run_write (VtScsiUnit *disk, VtScsiTask *task)
{
  bool fua = task->cdb[0] >= 0x20 && (task->cdb[1] & 0x08) != 0;
  bool verify = task->cdb[0] == 0x2e || task->cdb[0] == 0x8e || task->cdb[0] == 0xae;
  if (!take_extent (disk, task, true) || task->left == 0)
    return;
  task->action = VT_SCSI_WRITE;
  task->flush_after = fua || verify || disk->s->write_cache_off;
}

/* VERIFY: that there are such blocks is all we can say without reading them. With data to compare it is not known. */
static void
run_verify (VtScsiUnit *disk, VtScsiTask *task)
{
  if ((task->cdb[1] & 0x06) != 0)
    scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
  else
    take_extent (disk, task, false);
}

static void
run_synchronize (VtScsiUnit *disk, VtScsiTask *task)
{
  scsi_good (task);
  task->action = VT_SCSI_FLUSH;
}

static void
run_start_stop (VtScsiUnit *disk, VtScsiTask *task)
{
  bool stop = (task->cdb[4] & 1) == 0;
  scsi_good (task);
  if (stop)
    task->action = VT_SCSI_FLUSH;
}

/* --- Unmapping and filling ---------------------------------------------------------------------------------------- */

static void
take_unmap_list (VtScsiUnit *disk, VtScsiTask *task)
{
  size_t bytes = task->len >= 8 ? vt_load_be (task->data + 2, 2) : 1;
  if (bytes % 16 != 0 || bytes > task->len - 8)
    {
      scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, ASC_PARAMETER_LENGTH);
      return;
    }
  for (size_t at = 8; at < 8 + bytes; at += 16)
    {
      uint64_t lba = vt_load_be (task->data + at, 8), count = vt_load_be (task->data + at + 8, 4);
      if (vt_fits (lba, count, blocks (disk)) && count * block_bytes (disk) <= RANGE_BYTES_MAX)
        continue;
      scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, ASC_LBA_RANGE);
      return;
    }
  /* Rewritten for vt_scsi_next_range(): bytes instead of blocks. */
  for (size_t at = 8; at < 8 + bytes; at += 16)
    {
      uint64_t lba = vt_load_be (task->data + at, 8), count = vt_load_be (task->data + at + 8, 4);
      vt_store_be (task->data + at, lba * block_bytes (disk), 8);
      vt_store_be (task->data + at + 8, count * block_bytes (disk), 8);
    }
  scsi_good (task);
  task->action = VT_SCSI_RANGES;
  task->len = 8 + bytes;
  task->next = 8;
}

static void
run_unmap (VtScsiUnit *disk, VtScsiTask *task)
{
  size_t len = vt_load_be (task->cdb + 7, 2);
  if (disk->block->readonly)
    scsi_check_condition (disk, task, SENSE_DATA_PROTECT, ASC_WRITE_PROTECTED);
  else if (len == 0)
    scsi_good (task);
  else if (len > 8 + 16 * UNMAP_DESCRIPTORS_MAX)
    scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
  else
    scsi_ask (task, len, take_unmap_list);
}

bool
vt_scsi_next_range (VtScsiTask *task, uint64_t *off, uint64_t *len)
{
  if (task->next >= task->len)
    return false;
  *off = vt_load_be (task->data + task->next, 8);
  *len = vt_load_be (task->data + task->next + 8, 8);
  task->next += 16;
  return true;
}

/* One range of zeros, in the form of the list above. */
static void
zero_extent (VtScsiTask *task)
{
  g_free (task->data);
  task->data = g_malloc0 (16);
  vt_store_be (task->data, task->off, 8);
  vt_store_be (task->data + 8, task->left, 8);
  task->len = 16;
  task->next = 0;
  task->zero = true;
  task->action = VT_SCSI_RANGES;
}

static void
take_pattern (VtScsiUnit *disk, VtScsiTask *task)
{
  size_t block = task->len;
  bool   zeros = vt_all_zero (task->data, block);
  scsi_good (task);
  if (zeros)
    {
      zero_extent (task);
      return;
    }
  size_t   bytes = (size_t) MIN (task->left, FILL_BYTES);
  uint8_t *fill = g_malloc (bytes);
  for (size_t at = 0; at < bytes; at += block)
    memcpy (fill + at, task->data, block);
  g_free (task->data);
  task->data = fill;
  task->len = bytes;
  task->action = VT_SCSI_FILL;
}

static void
run_write_same (VtScsiUnit *disk, VtScsiTask *task)
{
  bool no_data = task->cdb[0] == 0x93 && (task->cdb[1] & 1) != 0;
  if ((task->cdb[1] & 0x06) != 0 || (task->cdb[0] == 0x41 && (task->cdb[1] & 1) != 0))
    {
      scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);   /* addresses in the blocks: obsolete */
      return;
    }
  if (!take_extent (disk, task, true))
    return;
  if (task->left == 0)                                                       /* up to the end */
    task->left = disk->block->size_bytes / block_bytes (disk) * block_bytes (disk) - task->off;
  task->flush_after = disk->s->write_cache_off;
  if (task->left > RANGE_BYTES_MAX)
    scsi_check_condition (disk, task, SENSE_ILLEGAL_REQUEST, ASC_FIELD);
  else if (task->left == 0)
    return;
  else if (no_data)
    zero_extent (task);
  else
    scsi_ask (task, block_bytes (disk), take_pattern);
}

const ScsiCommand scsi_disk_commands[] = {
  { 0x08, SCSI_MEDIUM, run_read },
  { 0x0a, SCSI_MEDIUM, run_write },
  { 0x12, SCSI_ANY_TIME, run_inquiry },
  { 0x15, 0, run_mode_select },
  { 0x16, 0, scsi_ready },               /* RESERVE and RELEASE: there is one initiator */
  { 0x17, 0, scsi_ready },
  { 0x1a, 0, run_mode_sense },
  { 0x1b, 0, run_start_stop },
  { 0x25, SCSI_MEDIUM, run_read_capacity_10 },
  { 0x28, SCSI_MEDIUM, run_read },
  { 0x2a, SCSI_MEDIUM, run_write },
  { 0x2b, SCSI_MEDIUM, scsi_ready },     /* SEEK */
  { 0x2e, SCSI_MEDIUM, run_write },
  { 0x2f, SCSI_MEDIUM, run_verify },
  { 0x35, SCSI_MEDIUM, run_synchronize },
  { 0x41, SCSI_MEDIUM, run_write_same },
  { 0x42, SCSI_MEDIUM, run_unmap },
  { 0x55, 0, run_mode_select },
  { 0x5a, 0, run_mode_sense },
  { 0x88, SCSI_MEDIUM, run_read },
  { 0x8a, SCSI_MEDIUM, run_write },
  { 0x8e, SCSI_MEDIUM, run_write },
  { 0x8f, SCSI_MEDIUM, run_verify },
  { 0x91, SCSI_MEDIUM, run_synchronize },
  { 0x93, SCSI_MEDIUM, run_write_same },
  { 0x9e, SCSI_MEDIUM, run_service_action_in },
  { 0xa8, SCSI_MEDIUM, run_read },
  { 0xaa, SCSI_MEDIUM, run_write },
  { 0xae, SCSI_MEDIUM, run_write },
  { 0xaf, SCSI_MEDIUM, run_verify },
  { 0 },
};
