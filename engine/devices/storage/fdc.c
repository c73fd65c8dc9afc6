/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Floppy disk controller: Intel 82077AA (290166) in AT mode. Registers, and commands that move no data.
 *
 * Heads arrive at once, and so does data.  There is no SCAN, and no status registers A and B, which are a PS/2's. */
#include "fdc-private.h"

#include "no-disk.h"
#include "trace-storage.h"
#include "vitrine/error.h"

enum
{
  REG_DOR = 2, REG_TDR = 3, REG_MSR_DSR = 4, REG_FIFO = 5,

  MSR_READY = 0x80, MSR_TO_HOST = 0x40, MSR_NO_DMA = 0x20, MSR_BUSY = 0x10,
  DSR_RESET = 0x80, RATE = 0x03,
  DIR_CHANGED = 0x80,
  ST3_WRITE_PROTECTED = 0x40, ST3_READY = 0x20, ST3_TRACK_0 = 0x10, ST3_TWO_SIDES = 0x08,
  VERSION_82077 = 0x90,
  CYLINDER_MAX = 83,             /* where the heads hit the stop */
  SECTOR_COMMAND_BYTES = 6,      /* at least: the commands that move sectors are the long ones */
};

static const VtField fdc_fields[] = {
  VT_FIELD (FdcState, dor), VT_FIELD (FdcState, rate), VT_FIELD (FdcState, tdr), VT_FIELD (FdcState, phase),
  VT_FIELD (FdcState, command), VT_FIELD (FdcState, n_command), VT_FIELD (FdcState, result), VT_FIELD (FdcState, n_result),
  VT_FIELD (FdcState, result_at), VT_FIELD (FdcState, specify), VT_FIELD (FdcState, configure),
  VT_FIELD (FdcState, precompensation), VT_FIELD (FdcState, perpendicular), VT_FIELD (FdcState, st0),
  VT_FIELD (FdcState, st1), VT_FIELD (FdcState, st2), VT_FIELD (FdcState, cylinder), VT_FIELD (FdcState, sense),
  VT_FIELD (FdcState, changed), VT_FIELD (FdcState, interrupt), VT_FIELD (FdcState, locked), VT_FIELD (FdcState, at),
  VT_FIELD (FdcState, data),
};

/* The controller is held in reset until firmware lets it go. Disks put in before the power came are "changed". */
static const FdcState fdc_at_reset = { .rate = 2, .configure = 0x20, .changed = { true, true } };

FdcDrive *
fdc_drive (Fdc *fdc)
{
  unsigned n = fdc->s.command[CMD_DRIVE] & FDC_DOR_DRIVE;
  return n < VT_FDC_DRIVES && fdc->drive[n].type != VT_FLOPPY_NONE ? &fdc->drive[n] : NULL;
}

void
fdc_update_irq (Fdc *fdc)
{
  vt_irq_set (&fdc->irq, fdc->s.interrupt && (fdc->s.dor & FDC_DOR_DMAGATE) != 0);
}

void
fdc_end (Fdc *fdc, const uint8_t *result, unsigned n, bool interrupt)
{
  FdcState *s = &fdc->s;
  for (unsigned i = 0; i < n; i++)
    s->result[i] = result[i];
  s->n_result = (uint8_t) n;
  s->result_at = 0;
  s->n_command = 0;
  s->phase = n > 0 ? FDC_RESULT : FDC_COMMAND;
  s->interrupt |= interrupt;
  trace_fdc_result (n, n > 0 ? result[0] : 0, n > 1 ? result[1] : 0, n > 2 ? result[2] : 0);
  fdc_update_irq (fdc);
}

#define END(fdc, ...) fdc_end (fdc, (const uint8_t[]) { __VA_ARGS__ }, sizeof ((const uint8_t[]) { __VA_ARGS__ }), false)

/* The line is cleared by a step pulse while there is a disk. */
void
fdc_step_to (Fdc *fdc, unsigned drive, uint8_t cylinder)
{
  FdcState *s = &fdc->s;
  if (s->cylinder[drive] == cylinder)
    return;
  s->cylinder[drive] = cylinder;
  if (drive < VT_FDC_DRIVES && fdc->drive[drive].medium != NULL)
    s->changed[drive] = false;
}

/* --- Commands ----------------------------------------------------------------------------------------------------- */

static void
specify (Fdc *fdc)
{
  memcpy (fdc->s.specify, fdc->s.command + 1, 2);
  fdc_end (fdc, NULL, 0, false);
}

static void
sense_drive (Fdc *fdc)
{
  FdcState       *s = &fdc->s;
  const FdcDrive *drive = fdc_drive (fdc);
  unsigned        n = s->command[CMD_DRIVE] & FDC_DOR_DRIVE;
  uint8_t         st3 = (uint8_t) ((s->command[CMD_DRIVE] & 7) | ST3_READY | ST3_TWO_SIDES);
  if (drive != NULL && s->cylinder[n] == 0)
    st3 |= ST3_TRACK_0;
  if (drive != NULL && drive->block != NULL && drive->block->readonly)
    st3 |= ST3_WRITE_PROTECTED;
  END (fdc, st3);
}

static void
sense_interrupt (Fdc *fdc)
{
  FdcState *s = &fdc->s;
  s->interrupt = false;
  for (unsigned i = 0; i < 4; i++)
    if (s->sense[i] != 0)
      {
        uint8_t st0 = s->sense[i];
        s->sense[i] = 0;
        END (fdc, st0, s->cylinder[i]);
        return;
      }
  END (fdc, FDC_ST0_INVALID);
}

/* The heads of `drive` are where they should be, or there are none. */
static void
seek_done (Fdc *fdc, unsigned drive, uint8_t st0)
{
  fdc->s.sense[drive] = (uint8_t) (FDC_ST0_SEEK_END | drive | st0);
  fdc_end (fdc, NULL, 0, true);
}

static void
recalibrate (Fdc *fdc)
{
  unsigned drive = fdc->s.command[CMD_DRIVE] & FDC_DOR_DRIVE;
  bool     there = fdc_drive (fdc) != NULL;
  fdc_step_to (fdc, drive, 0);
  /* Without a drive there is never a track 0. */
  seek_done (fdc, drive, there ? 0 : FDC_ST0_ABNORMAL | FDC_ST0_CHECK);
}

static void
seek (Fdc *fdc)
{
  FdcState *s = &fdc->s;
  unsigned  drive = s->command[CMD_DRIVE] & FDC_DOR_DRIVE;
  fdc_step_to (fdc, drive, MIN (s->command[CMD_C], CYLINDER_MAX));
  seek_done (fdc, drive, s->command[CMD_DRIVE] & FDC_ST0_HEAD);
}

static void
relative_seek (Fdc *fdc)
{
  FdcState *s = &fdc->s;
  unsigned  drive = s->command[CMD_DRIVE] & FDC_DOR_DRIVE;
  int       to = s->cylinder[drive] + (s->command[CMD_CODE] & 0x40 ? s->command[CMD_C] : -s->command[CMD_C]);
  fdc_step_to (fdc, drive, (uint8_t) CLAMP (to, 0, CYLINDER_MAX));
  seek_done (fdc, drive, s->command[CMD_DRIVE] & FDC_ST0_HEAD);
}

static void
dump_registers (Fdc *fdc)
{
  const FdcState *s = &fdc->s;
  END (fdc, s->cylinder[0], s->cylinder[1], s->cylinder[2], s->cylinder[3], s->specify[0], s->specify[1],
       s->command[CMD_EOT], (uint8_t) (s->locked << 7 | (s->perpendicular & 0x3f)), s->configure, s->precompensation);
}

static void
configure (Fdc *fdc)
{
  fdc->s.configure = fdc->s.command[2] & 0x7f;
  fdc->s.precompensation = fdc->s.command[3];
  fdc_end (fdc, NULL, 0, false);
}

static void
set_perpendicular (Fdc *fdc)
{
  fdc->s.perpendicular = fdc->s.command[1];
  fdc_end (fdc, NULL, 0, false);
}

static void
lock (Fdc *fdc)
{
  fdc->s.locked = (fdc->s.command[CMD_CODE] & 0x80) != 0;
  END (fdc, (uint8_t) (fdc->s.locked << 4));
}

static void
version (Fdc *fdc)
{
  END (fdc, VERSION_82077);
}

static void
invalid (Fdc *fdc)
{
  END (fdc, FDC_ST0_INVALID);
}

/* Command bytes with the bits for MT, MFM and SK or for directions masked out. */
static const struct
{
  uint8_t mask, code, bytes;
  void  (*run) (Fdc *fdc);
} commands[] = {
  { 0x1f, 0x02, 9, fdc_read_track }, { 0xff, 0x03, 3, specify },           { 0xff, 0x04, 2, sense_drive },
  { 0x1f, 0x05, 9, fdc_write },      { 0x1f, 0x06, 9, fdc_read },          { 0xff, 0x07, 2, recalibrate },
  { 0xff, 0x08, 1, sense_interrupt }, { 0x1f, 0x09, 9, fdc_write },        { 0xbf, 0x0a, 2, fdc_read_id },
  { 0x1f, 0x0c, 9, fdc_read },       { 0xbf, 0x0d, 6, fdc_format },        { 0xff, 0x0e, 1, dump_registers },
  { 0xff, 0x0f, 3, seek },           { 0xff, 0x10, 1, version },           { 0xff, 0x12, 2, set_perpendicular },
  { 0xff, 0x13, 4, configure },      { 0x7f, 0x14, 1, lock },              { 0x1f, 0x16, 9, fdc_verify },
  { 0xbf, 0x8f, 3, relative_seek },
};

static unsigned
find_command (uint8_t code)
{
  unsigned i = 0;
  while (i < G_N_ELEMENTS (commands) && (code & commands[i].mask) != commands[i].code)
    i++;
  return i;
}

static void
write_command_byte (Fdc *fdc, uint8_t value)
{
  FdcState *s = &fdc->s;
  s->command[s->n_command++] = value;
  unsigned n = find_command (s->command[CMD_CODE]);
  if (n == G_N_ELEMENTS (commands))
    {
      vt_guest_warn (&fdc->dev, "command 0x%02x is not known", s->command[CMD_CODE]);
      invalid (fdc);
      return;
    }
  if (s->n_command < commands[n].bytes)
    return;
  trace_fdc_command (s->command[0], s->command[1], s->command[2], s->command[3], s->command[4]);
  if (fdc->quiet.in_flight > 0 && commands[n].bytes >= SECTOR_COMMAND_BYTES)
    {
      /* A write that a reset made us forget must not come after one that is newer. */
      s->phase = FDC_BUSY;
      fdc->waiting = commands[n].run;
      return;
    }
  commands[n].run (fdc);
}

/* --- The FIFO ----------------------------------------------------------------------------------------------------- */

static void
sector_byte_moved (Fdc *fdc)
{
  if (++fdc->s.at == FDC_SECTOR)
    fdc_buffer_done (fdc);
}

static uint8_t
read_fifo (Fdc *fdc)
{
  FdcState *s = &fdc->s;
  if (s->phase == FDC_TO_GUEST)
    {
      uint8_t byte = s->data[s->at];
      sector_byte_moved (fdc);
      return byte;
    }
  if (s->phase != FDC_RESULT)
    return 0;
  uint8_t byte = s->result[s->result_at++];
  s->interrupt = false;
  if (s->result_at == s->n_result)
    s->phase = FDC_COMMAND;
  fdc_update_irq (fdc);
  return byte;
}

static void
write_fifo (Fdc *fdc, uint8_t value)
{
  FdcState *s = &fdc->s;
  if (s->phase == FDC_FROM_GUEST)
    {
      s->data[s->at] = value;
      sector_byte_moved (fdc);
    }
  else if (s->phase == FDC_COMMAND && (s->dor & FDC_DOR_RUNNING) != 0)
    write_command_byte (fdc, value);
}

static uint8_t
main_status (const FdcState *s)
{
  if ((s->dor & FDC_DOR_RUNNING) == 0)
    return 0;
  switch ((FdcPhase) s->phase)
    {
    case FDC_COMMAND: return (uint8_t) (MSR_READY | (s->n_command > 0 ? MSR_BUSY : 0));
    case FDC_RESULT: return MSR_READY | MSR_TO_HOST | MSR_BUSY;
    case FDC_TO_GUEST: return MSR_READY | MSR_TO_HOST | MSR_NO_DMA | MSR_BUSY;
    case FDC_FROM_GUEST: return MSR_READY | MSR_NO_DMA | MSR_BUSY;
    case FDC_BUSY: break;
    }
  return MSR_BUSY;
}

/* --- Resets ------------------------------------------------------------------------------------------------------- */

/* What the LOCK command protects stays (82077AA, 5.3). */
static void
reset_controller (Fdc *fdc)
{
  FdcState *s = &fdc->s;
  fdc_drop (fdc);
  s->phase = FDC_COMMAND;
  s->n_command = s->n_result = 0;
  s->interrupt = false;
  s->perpendicular &= 0x3c;
  memset (s->sense, 0, sizeof s->sense);
  if (!s->locked)
    {
      s->configure = fdc_at_reset.configure;
      s->precompensation = 0;
    }
}

/* Drives are polled once after a reset, and each has changed its state. */
static void
leave_reset (Fdc *fdc)
{
  for (unsigned i = 0; i < 4; i++)
    fdc->s.sense[i] = (uint8_t) (FDC_ST0_POLLED | i);
  fdc->s.interrupt = true;
}

static void
write_dor (Fdc *fdc, uint8_t value)
{
  uint8_t old = fdc->s.dor;
  fdc->s.dor = value;
  if ((old & ~value & FDC_DOR_RUNNING) != 0)
    reset_controller (fdc);
  if ((value & ~old & FDC_DOR_RUNNING) != 0)
    leave_reset (fdc);
  fdc_update_irq (fdc);
}

static void
write_dsr (Fdc *fdc, uint8_t value)
{
  fdc->s.rate = value & RATE;
  if ((value & DSR_RESET) == 0)
    return;
  reset_controller (fdc);
  if (fdc->s.dor & FDC_DOR_RUNNING)
    leave_reset (fdc);
  fdc_update_irq (fdc);
}

/* --- Registers ---------------------------------------------------------------------------------------------------- */

static uint64_t
fdc_register_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Fdc *fdc = (Fdc *) dev;
  switch (off)
    {
    case REG_DOR: return fdc->s.dor;
    case REG_TDR: return fdc->s.tdr;
    case REG_MSR_DSR: return main_status (&fdc->s);
    case REG_FIFO: return read_fifo (fdc);
    default: return 0xff;
    }
}

static void
fdc_register_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Fdc *fdc = (Fdc *) dev;
  switch (off)
    {
    case REG_DOR: write_dor (fdc, (uint8_t) value); break;
    case REG_TDR: fdc->s.tdr = value & 3; break;
    case REG_MSR_DSR: write_dsr (fdc, (uint8_t) value); break;
    case REG_FIFO: write_fifo (fdc, (uint8_t) value); break;
    }
}

static uint64_t
dir_read (VtDevice *dev, uint64_t off, unsigned size)
{
  const FdcState *s = &((Fdc *) dev)->s;
  unsigned        n = s->dor & FDC_DOR_DRIVE;
  bool            motor = (s->dor >> (4 + n) & 1) != 0;
  return motor && n < VT_FDC_DRIVES && s->changed[n] ? DIR_CHANGED : 0;
}

static void
ccr_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  ((Fdc *) dev)->s.rate = value & RATE;
}

static const VtRegionOps fdc_ops = { fdc_register_read, fdc_register_write, 1, 1 };
static const VtRegionOps dir_ops = { dir_read, ccr_write, 1, 1 };
const VtRegion vt_fdc_region = { "fdc", 6, &fdc_ops };
const VtRegion vt_fdc_dir_region = { "fdc-dir", 1, &dir_ops };

/* --- Media -------------------------------------------------------------------------------------------------------- */

static bool
insert (FdcDrive *drive, VtBlock *block)
{
  const VtFloppyMedium *medium = block != NULL ? vt_floppy_medium (block->size_bytes) : NULL;
  if (drive->type == VT_FLOPPY_NONE || (block != NULL && (medium == NULL || !vt_floppy_fits (medium, drive->type))))
    return false;
  drive->block = block;
  drive->medium = medium;
  return true;
}

bool
vt_fdc_set_medium (VtDevice *dev, unsigned drive, VtBlock *block)
{
  Fdc *fdc = (Fdc *) dev;
  g_assert (dev->cls == &vt_fdc && drive < VT_FDC_DRIVES);
  if (!insert (&fdc->drive[drive], block))
    return false;
  fdc->s.changed[drive] = true;
  return true;
}

VtBlock *
vt_fdc_medium (VtDevice *dev, unsigned drive)
{
  g_assert (dev->cls == &vt_fdc && drive < VT_FDC_DRIVES);
  return ((Fdc *) dev)->drive[drive].block;
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
fdc_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Fdc               *fdc = (Fdc *) dev;
  const VtFdcConfig *config = env->config;
  fdc->dma = config->dma;
  fdc->irq = env->n_wires > VT_FDC_WIRE_IRQ6 ? env->wires[VT_FDC_WIRE_IRQ6] : vt_irq_detached ("fdc");
  for (unsigned i = 0; i < VT_FDC_DRIVES; i++)
    {
      fdc->drive[i].type = config->drive[i].type;
      if (config->drive[i].block != NULL && !insert (&fdc->drive[i], config->drive[i].block))
        {
          g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "“%s” has not the size of a floppy disk: 160 KiB to 2.88 MB",
                       config->drive[i].block->label);
          return false;
        }
    }
  return true;
}

static void
fdc_settle (VtDevice *dev)
{
  Fdc *fdc = (Fdc *) dev;
  fdc_drop (fdc);
  fdc_update_irq (fdc);
}

static bool
fdc_check (VtDevice *dev, const void *incoming, GError **error)
{
  const FdcState *s = incoming;
  unsigned        n = find_command (s->command[CMD_CODE]);
  bool            transfer = s->phase == FDC_TO_GUEST || s->phase == FDC_FROM_GUEST;
  if (s->phase < FDC_BUSY && (s->rate & ~RATE) == 0 && (s->tdr & ~3) == 0
      && (s->phase != FDC_RESULT || (s->n_result <= sizeof s->result && s->result_at < s->n_result))
      && (s->n_command == 0
          || (n < G_N_ELEMENTS (commands) && (transfer ? s->n_command == FDC_COMMAND_BYTES : s->n_command < commands[n].bytes)))
      && (!transfer || (s->n_command > 0 && s->at < FDC_SECTOR && commands[n].bytes == FDC_COMMAND_BYTES)))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved state of the floppy controller is impossible", dev->path);
  return false;
}

static void
fdc_quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  Fdc *fdc = (Fdc *) dev;
  vt_quiet_wait (&fdc->quiet, done, opaque);
}

static void
fdc_finalize (VtDevice *dev)
{
  g_assert (((Fdc *) dev)->quiet.in_flight == 0);
}

static size_t
endless_dma (void *opaque, unsigned channel, uint8_t *bytes, size_t n, bool to_memory, bool *end)
{
  *end = false;
  return n;
}

static const void *
fdc_test_config (void)
{
  static VtBlock     blank, bad;
  static VtFdcConfig config = { .drive = { { VT_FLOPPY_1440, &blank }, { VT_FLOPPY_1440, &bad } }, .dma = { endless_dma, NULL } };
  blank = *vt_blank_disk ();
  bad = *vt_no_disk ();
  blank.size_bytes = bad.size_bytes = 1440 * VT_KIB;
  return &config;
}

static const VtRegion *const fdc_regions[] = { &vt_fdc_region, &vt_fdc_dir_region, NULL };

const VtDeviceClass vt_fdc = {
  .name = "fdc",
  .summary = "floppy disk controller (82077AA)",
  .instance_size = sizeof (Fdc),
  .state_off = offsetof (Fdc, s),
  .state = VT_STATE (1, FdcState, fdc_fields, &fdc_at_reset),
  .regions = fdc_regions,
  .realize = fdc_realize,
  .settle = fdc_settle,
  .check = fdc_check,
  .quiesce = fdc_quiesce,
  .finalize = fdc_finalize,
  .test_config = fdc_test_config,
};
