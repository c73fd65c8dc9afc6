/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the HDA controller share. Sections are of "High Definition Audio Specification", revision 1.0a. */
#pragma once

#include "hda.h"

enum
{
  HDA_INPUTS  = 4,                       /* streams 0-3 */
  HDA_OUTPUTS = 4,                       /* streams 4-7 */
  HDA_STREAMS = HDA_INPUTS + HDA_OUTPUTS,

  /* 3.3.35: SDnCTL */
  SDCTL_SRST = 1u << 0, SDCTL_RUN = 1u << 1, SDCTL_IOCE = 1u << 2, SDCTL_FEIE = 1u << 3, SDCTL_DEIE = 1u << 4,
  SDCTL_TAG_SHIFT = 20,
  /* 3.3.36: SDnSTS, here in place: bits 24-31 of the same word */
  SDSTS_BCIS = 1u << 26, SDSTS_FIFOE = 1u << 27, SDSTS_DESE = 1u << 28, SDSTS_FIFORDY = 1u << 29,

  HDA_GAIN_0DB = 0x4a,                   /* of steps of 1 dB */
  HDA_PIN_OUT = 0x40, HDA_PIN_IN = 0x20, /* 7.3.3.13: enabled */
};

/* The codec: what verbs can change. Node 2 converts to sound, 4 from it. */
typedef struct
{
  uint16_t format[VT_SOUND_WAYS];
  uint8_t  stream[VT_SOUND_WAYS];        /* tag in bits 7-4 (0: none), channel in 3-0 */
  uint8_t  gain[VT_SOUND_WAYS * VT_SOUND_CHANNELS];   /* of each channel each way; bit 7: muted */
  uint8_t  pin[VT_SOUND_WAYS];           /* pin widget control */
  uint8_t  power[VT_SOUND_WAYS + 1];     /* of the converters, and of the function group */
  uint8_t  pad_[1];
} HdaCodecState;

#define HDA_CODEC_AT_RESET                                                                                             \
  {                                                                                                                    \
    .format = { 0x11, 0x11 }, /* 48 kHz, 16 bits, 2 channels */                                                        \
    .gain = { HDA_GAIN_0DB, HDA_GAIN_0DB, HDA_GAIN_0DB, HDA_GAIN_0DB }, .pin = { HDA_PIN_OUT, HDA_PIN_IN }     \
  }

typedef struct
{
  VtPciState    pci;
  uint64_t      corb_base, rirb_base, positions;
  uint64_t      run_ns[HDA_STREAMS];     /* guest time at which the stream had moved `moved` frames */
  uint64_t      moved[HDA_STREAMS];      /* frames since run_ns */
  uint64_t      bdl[HDA_STREAMS];
  uint32_t      ctl[HDA_STREAMS];        /* SDnCTL and SDnSTS */
  uint32_t      lpib[HDA_STREAMS], cbl[HDA_STREAMS];
  uint32_t      entry_at[HDA_STREAMS];   /* bytes of the current entry that are done */
  uint16_t      lvi[HDA_STREAMS], fmt[HDA_STREAMS], entry[HDA_STREAMS];
  uint32_t      gctl, intctl, ssync, response;
  uint16_t      wakeen, statests, corb_wp, corb_rp, rirb_wp, rirb_count, responses;
  uint8_t       corb_ctl, corb_sts, rirb_ctl, rirb_sts, corb_size, rirb_size;
  bool          response_valid;
  bool          flushed;         /* GSTS.FSTS */
  uint8_t       pad_[2];
  HdaCodecState codec;
} HdaState;

typedef struct
{
  VtPciFunction pci;
  HdaState      s;
  VtClock      *clock;
  VtTimer      *timer;
  VtSound      *sound;                   /* NULL: none */
  unsigned      playing[VT_SOUND_WAYS];  /* derived: rate that the other side was told of; 0: stopped */
} Hda;

/* --- hda.c --- */
/* After a status bit rose or fell. */
void vt_hda_update_irq (Hda *hda, bool new_cause);

/* --- hda-codec.c --- */
/* Answers one verb: the codec's node in bits 27-20, the verb and its payload in 19-0 (7.3). */
uint32_t vt_hda_verb (Hda *hda, uint32_t command);
/* Gain of samples that go that way, as a factor in 1/65536. */
uint32_t vt_hda_gain (const HdaCodecState *codec, VtSoundWay way, unsigned channel);

/* --- hda-stream.c --- */
/* What stream formats say (3.7.1): frames a second and bytes a frame; false for those that the codec does not do. */
bool vt_hda_format (uint16_t fmt, unsigned *rate_hz, unsigned *frame_bytes);
/* SDnCTL changed from `old`. */
void vt_hda_stream_control (Hda *hda, unsigned stream, uint32_t old);
/* Those of the set wait from now on, the others go on (3.3.17, SSYNC). */
void vt_hda_streams_hold (Hda *hda, uint32_t streams);
/* Moves what is due in all streams that run, and arms the timer for what comes next. */
void vt_hda_streams_run (Hda *hda);
/* Tells the other side which streams play, whenever that may have changed. */
void vt_hda_streams_tell (Hda *hda);
