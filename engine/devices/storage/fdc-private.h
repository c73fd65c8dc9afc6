/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between fdc.c (registers, commands that move no data, life) and fdc-transfer.c (the others). */
#pragma once

#include "fdc.h"
#include "quiet.h"

enum
{
  FDC_SECTOR = 512,

  FDC_DOR_DRIVE   = 0x03,
  FDC_DOR_RUNNING = 0x04,        /* cleared: reset */
  FDC_DOR_DMAGATE = 0x08,        /* the DMA request and interrupt pins are connected */

  FDC_ST0_SEEK_END = 0x20, FDC_ST0_CHECK = 0x10, FDC_ST0_ABNORMAL = 0x40, FDC_ST0_INVALID = 0x80, FDC_ST0_POLLED = 0xc0,
  FDC_ST0_HEAD = 0x04,
  FDC_ST1_END = 0x80, FDC_ST1_DATA = 0x20, FDC_ST1_OVERRUN = 0x10, FDC_ST1_NO_DATA = 0x04, FDC_ST1_NOT_WRITABLE = 0x02,
  FDC_ST1_NO_MARK = 0x01,
  FDC_ST2_DELETED = 0x40, FDC_ST2_WRONG_CYLINDER = 0x10,

  FDC_COMMAND_MT = 0x80,         /* of the first byte of a command: both heads */
  FDC_CONFIG_SEEK = 0x40,        /* implied seeks */
  FDC_SPECIFY_ND = 0x01,         /* data through the FIFO instead of DMA */
};

/* Bytes of a read or write command. */
enum { CMD_CODE, CMD_DRIVE, CMD_C, CMD_H, CMD_R, CMD_N, CMD_EOT, CMD_GPL, CMD_DTL, FDC_COMMAND_BYTES };

typedef enum
{
  FDC_COMMAND,       /* waits for a command, or the rest of one */
  FDC_TO_GUEST,      /* without DMA: a sector is read from the FIFO ... */
  FDC_FROM_GUEST,    /* ... or written to it */
  FDC_RESULT,
  FDC_BUSY,          /* with the disk: never saved */
} FdcPhase;

typedef struct
{
  uint8_t  dor, rate, tdr, phase;
  uint8_t  command[FDC_COMMAND_BYTES], n_command;
  uint8_t  result[10], n_result, result_at;
  uint8_t  specify[2], configure, precompensation, perpendicular;
  uint8_t  st0, st1, st2;        /* of the command under way */
  uint8_t  cylinder[4];          /* where the heads are */
  uint8_t  sense[4];             /* ST0 that SENSE INTERRUPT STATUS tells next, by drive; 0: nothing */
  bool     changed[VT_FDC_DRIVES];   /* the disk change line */
  bool     interrupt, locked;
  uint16_t at;                   /* in data */
  uint8_t  data[FDC_SECTOR];
} FdcState;

typedef struct
{
  VtFloppyDriveType     type;
  VtBlock              *block;
  const VtFloppyMedium *medium;   /* NULL: empty */
} FdcDrive;

typedef struct Fdc Fdc;

/* A request to the disk; lives until it is over, also when the controller has forgotten it. */
typedef struct
{
  Fdc    *fdc;
  bool    end;                    /* the terminal count came with its last byte */
  bool    forgotten;
  VtIo    io;
  VtIoVec vec;
  uint8_t data[FDC_SECTOR];
} FdcRequest;

struct Fdc
{
  VtDevice    dev;
  FdcState    s;
  FdcDrive    drive[VT_FDC_DRIVES];
  VtIsaDma    dma;
  VtIrq       irq;
  FdcRequest *request;
  void      (*waiting) (Fdc *fdc);   /* a command that begins when a forgotten request is over: phase FDC_BUSY */
  VtQuiet     quiet;
};

void fdc_update_irq (Fdc *fdc);
/* Ends the command: the result phase, with an interrupt or without. */
void fdc_end (Fdc *fdc, const uint8_t *result, unsigned n, bool interrupt);
/* Moves the heads; the disk change line notices. */
void fdc_step_to (Fdc *fdc, unsigned drive, uint8_t cylinder);
/* The drive of the command under way; NULL: no such drive. */
FdcDrive *fdc_drive (Fdc *fdc);

/* --- fdc-transfer.c --- */
void fdc_read (Fdc *fdc);
void fdc_write (Fdc *fdc);
void fdc_verify (Fdc *fdc);
void fdc_read_track (Fdc *fdc);
void fdc_format (Fdc *fdc);
void fdc_read_id (Fdc *fdc);
/* A sector's worth went through the FIFO. */
void fdc_buffer_done (Fdc *fdc);
/* Forgets the request under way, or the command that waits for one. */
void fdc_drop (Fdc *fdc);
