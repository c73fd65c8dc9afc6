/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IDE controller of the Intel PIIX3 (82371SB, Intel 290550, 2.7): configuration space, bus master registers, life.
 *
 * The channels are in ide-channel.c.  Timing registers hold what is written to them and have no effect, except for the
 * bit that lets a channel answer at all. */
#include "ide-private.h"

#include "no-disk.h"
#include "vitrine/error.h"

enum
{
  IDETIM = 0x40,                 /* 16 bits for each channel */
  IDETIM_DECODE = 0x80,          /* in its high byte */
  SIDETIM = 0x44,

  BM_COMMAND = 0, BM_STATUS = 2, BM_TABLE = 4,
  BM_CHANNEL_BYTES = 8,
};

#define DRIVE_FIELDS(c, d)                                                                                             \
  VT_FIELD (IdeState, channel[c].drive[d].features), VT_FIELD (IdeState, channel[c].drive[d].count),                   \
    VT_FIELD (IdeState, channel[c].drive[d].lba_low), VT_FIELD (IdeState, channel[c].drive[d].lba_mid),                \
    VT_FIELD (IdeState, channel[c].drive[d].lba_high), VT_FIELD (IdeState, channel[c].drive[d].error),                 \
    VT_FIELD (IdeState, channel[c].drive[d].status), VT_FIELD (IdeState, channel[c].drive[d].interrupt),               \
    VT_FIELD (IdeState, channel[c].drive[d].fresh), VT_ATA_FIELDS (IdeState, channel[c].drive[d].ata)
#define CHANNEL_FIELDS(c)                                                                                              \
  DRIVE_FIELDS (c, 0), DRIVE_FIELDS (c, 1), VT_FIELD (IdeState, channel[c].off), VT_FIELD (IdeState, channel[c].left), \
    VT_FIELD (IdeState, channel[c].at), VT_FIELD (IdeState, channel[c].drq_end), VT_FIELD (IdeState, channel[c].end),  \
    VT_FIELD (IdeState, channel[c].chunk_bytes), VT_FIELD (IdeState, channel[c].byte_count),                           \
    VT_FIELD (IdeState, channel[c].bm_table),                                                                          \
    VT_FIELD (IdeState, channel[c].prd_next), VT_FIELD (IdeState, channel[c].prd_at),                                  \
    VT_FIELD (IdeState, channel[c].prd_left), VT_FIELD (IdeState, channel[c].phase),                                   \
    VT_FIELD (IdeState, channel[c].command), VT_FIELD (IdeState, channel[c].action),                                   \
    VT_FIELD (IdeState, channel[c].packet), VT_FIELD (IdeState, channel[c].pio),                                       \
    VT_FIELD (IdeState, channel[c].flush_after), VT_FIELD (IdeState, channel[c].device),                               \
    VT_FIELD (IdeState, channel[c].control), VT_FIELD (IdeState, channel[c].bm_command),                               \
    VT_FIELD (IdeState, channel[c].bm_status), VT_FIELD (IdeState, channel[c].prd_last),                               \
    VT_FIELD (IdeState, channel[c].data), VT_FIELD (IdeState, channel[c].pad_)

static const VtField ide_fields[] = { VT_PCI_FIELDS (IdeState, pci), CHANNEL_FIELDS (0), CHANNEL_FIELDS (1) };

#define DRIVE_AT_RESET { .fresh = true, .ata.scsi.attention = VT_SCSI_ATTENTION_RESET }
/* The channels decode from the start, as firmware leaves them: a kernel that boots without any finds its disks. */
static const IdeState ide_at_reset = {
  .pci.config = { [IDETIM + 1] = IDETIM_DECODE, [IDETIM + 3] = IDETIM_DECODE },
  .channel = { { .drive = { DRIVE_AT_RESET, DRIVE_AT_RESET } }, { .drive = { DRIVE_AT_RESET, DRIVE_AT_RESET } } },
};

/* --- Ports of the channels ---------------------------------------------------------------------------------------- */

static bool
decodes (const Ide *ide, unsigned channel)
{
  return (vt_pci_config_get (&ide->pci, IDETIM + 2 * channel + 1, 1) & IDETIM_DECODE) != 0;
}

static uint64_t
command_read (VtDevice *dev, unsigned n, uint64_t off, unsigned size)
{
  Ide *ide = (Ide *) dev;
  return decodes (ide, n) ? ide_command_block_read (&ide->channel[n], (unsigned) off, size) : vt_mask_bytes (size);
}

static void
command_write (VtDevice *dev, unsigned n, uint64_t off, uint64_t value, unsigned size)
{
  Ide *ide = (Ide *) dev;
  if (decodes (ide, n))
    ide_command_block_write (&ide->channel[n], (unsigned) off, (uint32_t) value, size);
}

static uint64_t
control_read (VtDevice *dev, unsigned n)
{
  Ide *ide = (Ide *) dev;
  return decodes (ide, n) ? ide_alternate_status (&ide->channel[n]) : 0xff;
}

static void
control_write (VtDevice *dev, unsigned n, uint64_t value)
{
  Ide *ide = (Ide *) dev;
  if (decodes (ide, n))
    ide_control_write (&ide->channel[n], (uint8_t) value);
}

#define CHANNEL_PORTS(n)                                                                                               \
  static uint64_t command_read_##n (VtDevice *dev, uint64_t off, unsigned size)                                        \
  {                                                                                                                    \
    return command_read (dev, n, off, size);                                                                           \
  }                                                                                                                    \
  static void command_write_##n (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)                           \
  {                                                                                                                    \
    command_write (dev, n, off, value, size);                                                                          \
  }                                                                                                                    \
  static uint64_t control_read_##n (VtDevice *dev, uint64_t off, unsigned size)                                        \
  {                                                                                                                    \
    return control_read (dev, n);                                                                                      \
  }                                                                                                                    \
  static void control_write_##n (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)                           \
  {                                                                                                                    \
    control_write (dev, n, value);                                                                                     \
  }                                                                                                                    \
  static const VtRegionOps command_ops_##n = { command_read_##n, command_write_##n, 1, 4 };                            \
  static const VtRegionOps control_ops_##n = { control_read_##n, control_write_##n, 1, 1 };
CHANNEL_PORTS (0)
CHANNEL_PORTS (1)

static const VtRegion command_regions[] = { { "ide0-command", 8, &command_ops_0 }, { "ide1-command", 8, &command_ops_1 } };
static const VtRegion control_regions[] = { { "ide0-control", 1, &control_ops_0 }, { "ide1-control", 1, &control_ops_1 } };

/* --- Bus master registers ----------------------------------------------------------------------------------------- */

static uint64_t
bm_read (VtDevice *dev, uint64_t off, unsigned size)
{
  const IdeChannelState *s = &((Ide *) dev)->s.channel[off / BM_CHANNEL_BYTES];
  unsigned               reg = off % BM_CHANNEL_BYTES;
  switch (reg)
    {
    case BM_COMMAND: return s->bm_command;
    case BM_STATUS: return s->bm_status;
    default: return reg >= BM_TABLE ? (uint8_t) (s->bm_table >> (8 * (reg - BM_TABLE))) : 0;
    }
}

static void
write_bm_command (IdeChannel *channel, uint8_t value)
{
  uint8_t old = channel->s->bm_command;
  channel->s->bm_command = value & (BM_COMMAND_START | BM_COMMAND_TO_MEMORY);
  if ((value & ~old & BM_COMMAND_START) != 0)
    ide_bus_master_started (channel);
  else if ((old & ~value & BM_COMMAND_START) != 0)
    ide_bus_master_stopped (channel);
}

static void
bm_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  IdeChannel      *channel = &((Ide *) dev)->channel[off / BM_CHANNEL_BYTES];
  IdeChannelState *s = channel->s;
  unsigned         reg = off % BM_CHANNEL_BYTES;
  if (reg == BM_COMMAND)
    write_bm_command (channel, (uint8_t) value);
  else if (reg == BM_STATUS)
    s->bm_status = (uint8_t) ((s->bm_status & ~BM_STATUS_CAPABLE & ~(value & (BM_STATUS_ERROR | BM_STATUS_INTERRUPT)))
                              | (value & BM_STATUS_CAPABLE));
  else if (reg >= BM_TABLE)
    s->bm_table = (uint32_t) vt_deposit (s->bm_table, 8 * (reg - BM_TABLE), 8, value) & ~3u;
}

static const VtRegionOps bm_ops = { bm_read, bm_write, 1, 1 };
static const VtRegion    bm_region = { "ide-bus-master", VT_IDE_CHANNELS * BM_CHANNEL_BYTES, &bm_ops };

/* --- Media -------------------------------------------------------------------------------------------------------- */

bool
vt_ide_set_medium (VtDevice *dev, unsigned place, VtBlock *block, bool force)
{
  Ide *ide = (Ide *) dev;
  g_assert (dev->cls == &vt_piix3_ide && place < VT_IDE_PLACES);
  IdeChannel *channel = &ide->channel[place / 2];
  VtAtaDrive *drive = &channel->drive[place % 2];
  if (!vt_ata_may_change (drive, force))
    return false;
  ide_channel_abort (channel, place % 2);
  return vt_ata_set_medium (drive, block, force);
}

VtBlock *
vt_ide_medium (VtDevice *dev, unsigned place)
{
  g_assert (dev->cls == &vt_piix3_ide && place < VT_IDE_PLACES);
  return vt_ata_medium (&((Ide *) dev)->channel[place / 2].drive[place % 2]);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
add_ports (Ide *ide)
{
  static const uint16_t command[] = { 0x1f0, 0x170 }, control[] = { 0x3f6, 0x376 };
  VtPciFunction        *fn = &ide->pci;
  vt_pci_allow (fn, IDETIM, 4, 0xf3fff3ff);
  vt_pci_allow (fn, SIDETIM, 1, 0xff);
  vt_pci_add_bar (fn, 4, PCI_BAR_IO, &bm_region);
  for (unsigned i = 0; i < VT_IDE_CHANNELS; i++)
    {
      vt_pci_add_legacy (fn, true, &command_regions[i], command[i], 0);
      vt_pci_add_legacy (fn, true, &control_regions[i], control[i], 0);
    }
}

static bool
ide_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Ide                       *ide = (Ide *) dev;
  const VtIdeConfig         *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x8086, .device = 0x7010, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x010180 };
  if (!vt_pci_init (&ide->pci, env, &config->place, &identity, &ide->s.pci, error))
    return false;
  add_ports (ide);
  for (unsigned i = 0; i < VT_IDE_CHANNELS; i++)
    {
      IdeChannel *channel = &ide->channel[i];
      channel->ide = ide;
      channel->s = &ide->s.channel[i];
      channel->irq = env->n_wires > i ? env->wires[i] : vt_irq_detached ("ide");
      for (unsigned d = 0; d < 2; d++)
        if (!vt_ata_plug (&channel->drive[d], &channel->s->drive[d].ata, &config->drive[2 * i + d], true, 2 * i + d, error))
          return false;
    }
  return true;
}

static void
ide_settle (VtDevice *dev)
{
  Ide *ide = (Ide *) dev;
  for (unsigned i = 0; i < VT_IDE_CHANNELS; i++)
    ide_channel_settle (&ide->channel[i]);
  vt_pci_settle (&ide->pci, false);
}

static bool
ide_check (VtDevice *dev, const void *incoming, GError **error)
{
  const Ide      *ide = (const Ide *) dev;
  const IdeState *s = incoming;
  if (!vt_pci_check (&ide->pci, &s->pci, error))
    return false;
  for (unsigned i = 0; i < VT_IDE_CHANNELS; i++)
    if (!ide_channel_possible (&ide->channel[i], &s->channel[i]))
      {
        g_set_error (error, VT_ERROR, VT_ERROR_STATE, "IDE channel %u cannot be in this state", i);
        return false;
      }
  return true;
}

static void
ide_quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  Ide *ide = (Ide *) dev;
  ide->parked = true;
  vt_quiet_wait (&ide->quiet, done, opaque);
}

static void
ide_resume (VtDevice *dev)
{
  Ide *ide = (Ide *) dev;
  ide->parked = false;
  for (unsigned i = 0; i < VT_IDE_CHANNELS; i++)
    ide_channel_run (&ide->channel[i]);
}

static void
ide_finalize (VtDevice *dev)
{
  Ide *ide = (Ide *) dev;
  g_assert (ide->quiet.in_flight == 0);
  for (unsigned i = 0; i < VT_IDE_CHANNELS; i++)
    g_clear_pointer (&ide->channel[i].command, vt_ata_command_free);
  vt_pci_finalize (&ide->pci);
}

static const void *
ide_test_config (void)
{
  static VtIdeConfig config = { .drive = { { .kind = VT_ATA_DISK }, { .kind = VT_ATA_DISK }, { .kind = VT_ATA_CDROM } } };
  config.drive[0].block = vt_blank_disk ();
  config.drive[1].block = vt_no_disk ();
  return &config;
}

static const VtRegion *const ide_regions[] = {
  &command_regions[0], &control_regions[0], &command_regions[1], &control_regions[1], &bm_region, NULL,
};

const VtDeviceClass vt_piix3_ide = {
  .name = "piix3-ide",
  .summary = "Intel PIIX3 IDE controller",
  .instance_size = sizeof (Ide),
  .state_off = offsetof (Ide, s),
  .state = VT_STATE (1, IdeState, ide_fields, &ide_at_reset),
  .regions = ide_regions,
  .realize = ide_realize,
  .settle = ide_settle,
  .check = ide_check,
  .quiesce = ide_quiesce,
  .resume = ide_resume,
  .finalize = ide_finalize,
  .test_config = ide_test_config,
};
