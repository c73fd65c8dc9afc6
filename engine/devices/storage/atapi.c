/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ATAPI CD/DVD drive: the ATA PACKET command, around the drive of scsi-cd.c. */
#include "ata.h"

/* The sense key is also in the high half of the error register. */
static void
take_result (VtAtaDrive *drive, VtAtaTask *task, const VtScsiTask *packet)
{
  static const VtAtaAction actions[] = {
    [VT_SCSI_DONE] = VT_ATA_DONE, [VT_SCSI_DATA_IN] = VT_ATA_DATA_IN, [VT_SCSI_READ] = VT_ATA_READ,
  };
  uint8_t key = drive->s->scsi.sense_key;
  if (packet->status == VT_SCSI_CHECK_CONDITION)
    {
      g_clear_pointer (&task->data, g_free);
      task->len = 0;
      vt_ata_fail (task, (uint8_t) (key << 4 | (key == SENSE_ILLEGAL_REQUEST ? ATA_ERROR_ABRT : 0)));
      return;
    }
  vt_ata_done (task);
  task->action = actions[packet->action];
  task->off = packet->off;
  task->left = packet->left;
  task->data = packet->data;
  task->len = packet->len;
}

static VtScsiUnit
unit_of (VtAtaDrive *drive)
{
  return (VtScsiUnit) { .kind = VT_SCSI_CDROM, .atapi = true, .block = drive->block, .s = &drive->s->scsi };
}

static void
run_packet (VtAtaDrive *drive, VtAtaTask *task)
{
  VtScsiUnit unit = unit_of (drive);
  VtScsiTask packet = { .action = VT_SCSI_DONE };
  task->packet = true;
  task->pio = (task->features & 1) == 0;    /* DMA bit of the features register */
  memcpy (packet.cdb, task->cdb, sizeof task->cdb);
  vt_scsi_execute (&unit, &packet);
  take_result (drive, task, &packet);
}

static void
run_identify_packet (VtAtaDrive *drive, VtAtaTask *task)
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
  uint8_t *identify = vt_ata_answer (task, ATA_SECTOR);
  task->pio = true;
  for (size_t i = 0; i < G_N_ELEMENTS (words); i++)
    vt_store_le (identify + words[i].word * 2, words[i].value, 2);
  if (drive->parallel)
    {
      vt_store_le (identify + 76 * 2, 0, 2);
      vt_store_le (identify + 93 * 2, 0x6001, 2);   /* as a disk's */
    }
  const struct { uint8_t word, bytes; const char *text; } strings[] = {
    { 10, 20, drive->serial }, { 23, 8, "1.0" }, { 27, 40, drive->model },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (strings); i++)
    vt_ata_put_string (identify, strings[i].word, strings[i].bytes, strings[i].text);
}

void
vt_atapi_execute (VtAtaDrive *drive, VtAtaTask *task)
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
      vt_ata_done (task);
      break;
    case 0x08:   /* DEVICE RESET: ends like a reset, with the signature */
    case 0x90:
      vt_ata_done (task);
      task->error = 0x01;
      task->count = 1;
      task->lba = 0xeb1401;
      break;
    case 0x20:   /* READ SECTORS and IDENTIFY DEVICE answer with the packet signature (ATA8-ACS, 4.3) */
    case 0xec:
      vt_ata_fail (task, ATA_ERROR_ABRT);
      task->count = 1;
      task->lba = 0xeb1401;
      break;
    case 0xe0: case 0xe1: case 0xe5: case 0xe6:
      vt_ata_done (task);
      if (task->command == 0xe5)
        task->count = 0xff;
      break;
    default:
      vt_ata_fail (task, ATA_ERROR_ABRT);
    }
}

void
vt_atapi_io_failed (VtAtaDrive *drive, VtAtaTask *task, int problem)
{
  VtScsiUnit unit = unit_of (drive);
  VtScsiTask packet = { .action = VT_SCSI_READ };
  vt_scsi_io_failed (&unit, &packet, problem);
  take_result (drive, task, &packet);
}

bool
vt_ata_may_change (const VtAtaDrive *drive, bool force)
{
  return drive->kind == VT_ATA_CDROM && (force || !vt_scsi_holds_medium (&drive->s->scsi));
}

VtBlock *
vt_ata_medium (const VtAtaDrive *drive)
{
  return drive->s->scsi.tray_open ? NULL : drive->block;
}

bool
vt_ata_set_medium (VtAtaDrive *drive, VtBlock *block, bool force)
{
  VtScsiUnit unit = unit_of (drive);
  bool       changed = drive->kind == VT_ATA_CDROM && vt_scsi_set_medium (&unit, block, force);
  drive->block = unit.block;
  return changed;
}
