/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Floppy disk controller: commands that move sectors (82077AA, 290166, chapter 5).
 *
 * A command goes sector by sector: it looks for the one that its bytes name, moves it by DMA or through the FIFO, and
 * counts these bytes up, until the DMA controller signals its terminal count or the last sector was done. */
#include "fdc-private.h"

#include "trace-storage.h"

enum { CODE_READ_TRACK = 0x02, CODE_VERIFY = 0x16, CODE_READ_DELETED = 0x0c, CODE_FORMAT = 0x0d, CODE_MASK = 0x1f, SIZE_512 = 2 };

static void begin_sector (Fdc *fdc);

static unsigned
code_of (const Fdc *fdc)
{
  return fdc->s.command[CMD_CODE] & CODE_MASK;
}

static bool
is_read (const Fdc *fdc)
{
  return code_of (fdc) == 0x06 || code_of (fdc) == CODE_READ_DELETED || code_of (fdc) == CODE_READ_TRACK;
}

/* --- Ends --------------------------------------------------------------------------------------------------------- */

static void
end_transfer (Fdc *fdc)
{
  FdcState *s = &fdc->s;
  uint8_t   result[7] = { s->st0 | (s->command[CMD_DRIVE] & 3), s->st1, s->st2, s->command[CMD_C], s->command[CMD_H],
                          s->command[CMD_R], s->command[CMD_N] };
  fdc_end (fdc, result, sizeof result, true);
}

static void
fail (Fdc *fdc, uint8_t st1, uint8_t st2)
{
  fdc->s.st0 |= FDC_ST0_ABNORMAL;
  fdc->s.st1 |= st1;
  fdc->s.st2 |= st2;
  end_transfer (fdc);
}

/* --- Which sector ------------------------------------------------------------------------------------------------- */

static unsigned
steps (const FdcDrive *drive)
{
  return vt_floppy_steps (drive->medium, drive->type);
}

/* NULL: nothing that can be read passes under the heads. */
static const VtFloppyMedium *
readable (Fdc *fdc)
{
  const FdcDrive *drive = fdc_drive (fdc);
  unsigned        n = fdc->s.command[CMD_DRIVE] & FDC_DOR_DRIVE;
  bool            motor = (fdc->s.dor >> (4 + n) & 1) != 0;
  if (drive == NULL || drive->medium == NULL || !motor || vt_floppy_rate (drive->medium, drive->type) != fdc->s.rate
      || fdc->s.cylinder[n] % steps (drive) != 0 || fdc->s.cylinder[n] / steps (drive) >= drive->medium->cylinders
      || ((fdc->s.command[CMD_DRIVE] & FDC_ST0_HEAD) != 0 && drive->medium->heads == 1))
    return NULL;
  return drive->medium;
}

static void
implied_seek (Fdc *fdc)
{
  const FdcDrive *drive = fdc_drive (fdc);
  if ((fdc->s.configure & FDC_CONFIG_SEEK) != 0 && drive != NULL && drive->medium != NULL
      && fdc->s.command[CMD_C] < drive->medium->cylinders)
    fdc_step_to (fdc, fdc->s.command[CMD_DRIVE] & FDC_DOR_DRIVE, (uint8_t) (fdc->s.command[CMD_C] * steps (drive)));
}

/* False when the command has ended, because there is no such sector. */
static bool
find_sector (Fdc *fdc, uint64_t *off)
{
  const uint8_t        *command = fdc->s.command;
  const VtFloppyMedium *medium = readable (fdc);
  if (medium == NULL)
    {
      fail (fdc, FDC_ST1_NO_MARK, 0);
      return false;
    }
  unsigned cylinder = fdc->s.cylinder[command[CMD_DRIVE] & FDC_DOR_DRIVE] / steps (fdc_drive (fdc));
  unsigned head = command[CMD_H] & 1;
  if (command[CMD_C] != cylinder || command[CMD_H] >= medium->heads || command[CMD_R] == 0
      || command[CMD_R] > medium->sectors || command[CMD_N] != SIZE_512)
    {
      fail (fdc, FDC_ST1_NO_DATA, command[CMD_C] != cylinder ? FDC_ST2_WRONG_CYLINDER : 0);
      return false;
    }
  *off = ((uint64_t) (cylinder * medium->heads + head) * medium->sectors + command[CMD_R] - 1) * FDC_SECTOR;
  return true;
}

/* Counts the command's bytes up as the result phase wants them (82077AA, table 6-5). False: that was the last sector. */
static bool
next_sector (Fdc *fdc)
{
  uint8_t *command = fdc->s.command;
  bool     both = (command[CMD_CODE] & FDC_COMMAND_MT) != 0;
  if (command[CMD_R] != command[CMD_EOT])
    {
      command[CMD_R]++;
      return command[CMD_R] != 0;
    }
  command[CMD_R] = 1;
  if (both)
    command[CMD_H] ^= 1;
  if (both && (command[CMD_H] & 1) != 0)
    return true;
  command[CMD_C]++;
  return false;
}

static void
sector_done (Fdc *fdc, bool end)
{
  bool more = next_sector (fdc);
  if (end)
    end_transfer (fdc);
  else if (more)
    begin_sector (fdc);
  else if (code_of (fdc) == CODE_VERIFY || code_of (fdc) == CODE_READ_TRACK)
    end_transfer (fdc);
  else
    fail (fdc, FDC_ST1_END, 0);
}

/* --- Requests to the disk ----------------------------------------------------------------------------------------- */

void
fdc_drop (Fdc *fdc)
{
  if (fdc->request != NULL)
    g_steal_pointer (&fdc->request)->forgotten = true;
  fdc->waiting = NULL;
}

static void
take_read (Fdc *fdc, const FdcRequest *request)
{
  FdcState *s = &fdc->s;
  bool      end;
  memcpy (s->data, request->data, FDC_SECTOR);
  s->at = 0;
  if (s->specify[1] & FDC_SPECIFY_ND)
    {
      s->phase = FDC_TO_GUEST;
      s->interrupt = true;
      fdc_update_irq (fdc);
      return;
    }
  size_t moved = fdc->dma.move (fdc->dma.opaque, VT_FDC_DMA_CHANNEL, s->data, FDC_SECTOR, true, &end);
  if (moved < FDC_SECTOR && !end)
    fail (fdc, FDC_ST1_OVERRUN, 0);
  else
    sector_done (fdc, end);
}

static void format_next (Fdc *fdc);

static void
request_done (VtIo *io, int error)
{
  g_autofree FdcRequest *request = io->opaque;
  Fdc                   *fdc = request->fdc;
  vt_quiet_ended (&fdc->quiet);
  if (!request->forgotten)
    {
      fdc->request = NULL;
      if (error != 0)
        fail (fdc, FDC_ST1_DATA, 0);
      else if (io->op == VT_IO_READ)
        take_read (fdc, request);
      else if (code_of (fdc) == CODE_FORMAT)
        format_next (fdc);
      else
        sector_done (fdc, request->end);
    }
  else if (fdc->waiting != NULL)
    {
      void (*run) (Fdc *) = g_steal_pointer (&fdc->waiting);
      run (fdc);
    }
  vt_quiet_tell (&fdc->quiet);
}

/* The buffer of a write is copied: the FIFO may fill again while it is under way. */
static void
submit (Fdc *fdc, VtIoOp op, uint64_t off, bool end)
{
  FdcRequest *request = g_new0 (FdcRequest, 1);
  request->fdc = fdc;
  request->end = end;
  if (op == VT_IO_WRITE)
    memcpy (request->data, fdc->s.data, FDC_SECTOR);
  request->vec = (VtIoVec) { request->data, FDC_SECTOR };
  request->io = (VtIo) { .op = op, .off = off, .len = FDC_SECTOR, .vec = &request->vec, .n_vec = 1, .done = request_done,
                         .opaque = request };
  fdc->s.phase = FDC_BUSY;
  fdc->request = request;
  vt_quiet_began (&fdc->quiet);
  vt_block_submit (fdc_drive (fdc)->block, &request->io);
}

/* --- Reading and writing ------------------------------------------------------------------------------------------ */

/* A sector that the DMA controller cuts short is filled up with zeros (82077AA, 5.1.3). */
static void
write_from_dma (Fdc *fdc, uint64_t off)
{
  FdcState *s = &fdc->s;
  bool      end;
  memset (s->data, 0, FDC_SECTOR);
  size_t moved = fdc->dma.move (fdc->dma.opaque, VT_FDC_DMA_CHANNEL, s->data, FDC_SECTOR, false, &end);
  if (moved < FDC_SECTOR && !end)
    fail (fdc, FDC_ST1_OVERRUN, 0);
  else
    submit (fdc, VT_IO_WRITE, off, end);
}

static void
begin_sector (Fdc *fdc)
{
  FdcState *s = &fdc->s;
  uint64_t  off;
  s->st0 = s->command[CMD_H] & 1 ? FDC_ST0_HEAD : 0;
  if (!find_sector (fdc, &off))
    return;
  if (code_of (fdc) == CODE_VERIFY)
    sector_done (fdc, false);
  else if (is_read (fdc))
    submit (fdc, VT_IO_READ, off, false);
  else if ((s->specify[1] & FDC_SPECIFY_ND) == 0)
    write_from_dma (fdc, off);
  else
    {
      s->phase = FDC_FROM_GUEST;
      s->at = 0;
      s->interrupt = true;
      fdc_update_irq (fdc);
    }
}

void
fdc_buffer_done (Fdc *fdc)
{
  uint64_t off;
  fdc->s.interrupt = false;
  fdc_update_irq (fdc);
  if (fdc->s.phase == FDC_TO_GUEST)
    sector_done (fdc, false);
  else if (find_sector (fdc, &off))
    submit (fdc, VT_IO_WRITE, off, false);
}

static void
begin (Fdc *fdc)
{
  fdc->s.st0 = fdc->s.st1 = fdc->s.st2 = 0;
  implied_seek (fdc);
}

/* All our sectors have ordinary data marks: a command for deleted ones reads them too, and says so. */
void
fdc_read (Fdc *fdc)
{
  begin (fdc);
  if (code_of (fdc) == CODE_READ_DELETED)
    fdc->s.st2 |= FDC_ST2_DELETED;
  begin_sector (fdc);
}

void
fdc_verify (Fdc *fdc)
{
  begin (fdc);
  begin_sector (fdc);
}

/* From the first sector, whatever the command says. */
void
fdc_read_track (Fdc *fdc)
{
  begin (fdc);
  fdc->s.command[CMD_CODE] &= (uint8_t) ~FDC_COMMAND_MT;
  fdc->s.command[CMD_R] = 1;
  begin_sector (fdc);
}

static bool
writable (Fdc *fdc)
{
  const FdcDrive *drive = fdc_drive (fdc);
  if (drive == NULL || drive->block == NULL || !drive->block->readonly)
    return true;
  fail (fdc, FDC_ST1_NOT_WRITABLE, 0);
  return false;
}

void
fdc_write (Fdc *fdc)
{
  begin (fdc);
  if (writable (fdc))
    begin_sector (fdc);
}

void
fdc_read_id (Fdc *fdc)
{
  FdcState             *s = &fdc->s;
  const VtFloppyMedium *medium = readable (fdc);
  unsigned              n = s->command[CMD_DRIVE] & FDC_DOR_DRIVE;
  s->st0 = s->command[CMD_DRIVE] & FDC_ST0_HEAD;
  s->st1 = s->st2 = 0;
  s->command[CMD_C] = medium != NULL ? (uint8_t) (s->cylinder[n] / steps (fdc_drive (fdc))) : 0;
  s->command[CMD_H] = (s->command[CMD_DRIVE] & FDC_ST0_HEAD) != 0;
  s->command[CMD_R] = 1;
  s->command[CMD_N] = SIZE_512;
  if (medium == NULL)
    fail (fdc, FDC_ST1_NO_MARK, 0);
  else
    end_transfer (fdc);
}

/* --- Formatting --------------------------------------------------------------------------------------------------- */

/* The bytes of FORMAT TRACK: N, sectors per track, gap, filler. Each sector's C, H, R and N come from memory. */
enum { FORMAT_N = 2, FORMAT_SECTORS = 3, FORMAT_FILLER = 5 };

static void
end_format (Fdc *fdc, uint8_t st1)
{
  FdcState *s = &fdc->s;
  uint8_t   result[7] = { (uint8_t) ((st1 != 0 ? FDC_ST0_ABNORMAL : 0) | (s->command[CMD_DRIVE] & 7)), st1, 0,
                          s->cylinder[s->command[CMD_DRIVE] & 3], (s->command[CMD_DRIVE] & FDC_ST0_HEAD) != 0, 1, SIZE_512 };
  fdc_end (fdc, result, sizeof result, true);
}

static void
format_next (Fdc *fdc)
{
  FdcState             *s = &fdc->s;
  const VtFloppyMedium *medium = readable (fdc);
  uint8_t               id[4] = { 0 };
  bool                  end;
  if (medium == NULL || s->command[FORMAT_N] != SIZE_512)
    {
      end_format (fdc, FDC_ST1_NO_MARK);
      return;
    }
  if (s->at++ == s->command[FORMAT_SECTORS])
    {
      end_format (fdc, 0);
      return;
    }
  if (fdc->dma.move (fdc->dma.opaque, VT_FDC_DMA_CHANNEL, id, sizeof id, false, &end) < sizeof id)
    {
      end_format (fdc, FDC_ST1_OVERRUN);
      return;
    }
  unsigned cylinder = s->cylinder[s->command[CMD_DRIVE] & FDC_DOR_DRIVE] / steps (fdc_drive (fdc));
  unsigned head = (s->command[CMD_DRIVE] & FDC_ST0_HEAD) != 0;
  if (id[0] != cylinder || id[1] != head || id[2] == 0 || id[2] > medium->sectors || id[3] != SIZE_512)
    {
      end_format (fdc, FDC_ST1_DATA);      /* a raw image holds no other formats */
      return;
    }
  memset (s->data, s->command[FORMAT_FILLER], FDC_SECTOR);
  submit (fdc, VT_IO_WRITE, ((uint64_t) (cylinder * medium->heads + head) * medium->sectors + id[2] - 1) * FDC_SECTOR, end);
}

void
fdc_format (Fdc *fdc)
{
  fdc->s.st0 = fdc->s.st1 = fdc->s.st2 = 0;
  fdc->s.at = 0;
  if (writable (fdc))
    format_next (fdc);
}
