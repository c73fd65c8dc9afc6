/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Streams: buffers of the driver that move at the sample rate (4.5). How far a stream has come follows from guest time, so that it
 * is right whenever the driver asks. */
#include "hda-private.h"

#include "trace-sound.h"

enum
{
  ENTRY_BYTES = 16, ENTRY_IOC = 1,     /* 3.6.3: buffer descriptor list */
  PIECE_FRAMES = 1024,
};
#define TICK_NS     INT64_C (10000000)   /* data moves at least so often */
#define TICK_MIN_NS INT64_C (1000000)    /* and no more often than that, whatever the driver's buffers */
#define LATE_NS     INT64_C (200000000)  /* what is later than this is left out: nobody would hear it in time */

bool
vt_hda_format (uint16_t fmt, unsigned *rate_hz, unsigned *frame_bytes)
{
  unsigned times = (fmt >> 11 & 7) + 1, divided = (fmt >> 8 & 7) + 1, bits = fmt >> 4 & 7, channels = (fmt & 15) + 1;
  if ((fmt & 0x8000) != 0 || times > 4 || bits != 1 || channels > VT_SOUND_CHANNELS)
    return false;
  *rate_hz = ((fmt & 0x4000) != 0 ? 44100 : 48000) * times / divided;
  *frame_bytes = 2 * channels;
  return true;
}

static bool
is_output (unsigned stream)
{
  return stream >= HDA_INPUTS;
}

static VtSoundWay
way_of (unsigned stream)
{
  return is_output (stream) ? VT_SOUND_PLAY : VT_SOUND_RECORD;
}

static bool
runs (const HdaState *s, unsigned stream)
{
  return (s->ctl[stream] & SDCTL_RUN) != 0 && (s->ssync >> stream & 1) == 0;
}

/* Does the codec's converter take part in it? */
static bool
is_heard (const HdaState *s, unsigned stream)
{
  unsigned tag = s->ctl[stream] >> SDCTL_TAG_SHIFT & 15;
  return tag != 0 && s->codec.stream[way_of (stream)] >> 4 == tag;
}

/* --- The other side ------------------------------------------------------------------------------------------------- */

static unsigned
rate_of (const HdaState *s, VtSoundWay way)
{
  unsigned rate_hz, frame_bytes, first = way == VT_SOUND_PLAY ? HDA_INPUTS : 0;
  for (unsigned i = first; i < first + (way == VT_SOUND_PLAY ? HDA_OUTPUTS : HDA_INPUTS); i++)
    if (runs (s, i) && is_heard (s, i) && vt_hda_format (s->fmt[i], &rate_hz, &frame_bytes))
      return rate_hz;
  return 0;
}

void
vt_hda_streams_tell (Hda *hda)
{
  for (unsigned way = 0; way < VT_SOUND_WAYS; way++)
    {
      unsigned rate_hz = rate_of (&hda->s, way);
      if (hda->sound == NULL || rate_hz == hda->playing[way])
        continue;
      if (hda->playing[way] != 0)
        hda->sound->ops->stop (hda->sound, way);
      if (rate_hz != 0)
        hda->sound->ops->start (hda->sound, way, rate_hz);
      hda->playing[way] = rate_hz;
    }
}

static int16_t
scaled (int16_t sample, uint32_t gain)
{
  return (int16_t) ((int64_t) sample * gain / 65536);
}

/* Between one or two channels of 16 bits in the guest's memory and two of the other side. */
static void
play (Hda *hda, const uint8_t *bytes, size_t frames, unsigned channels)
{
  int16_t  out[PIECE_FRAMES * VT_SOUND_CHANNELS];
  uint32_t gain[VT_SOUND_CHANNELS];
  for (unsigned c = 0; c < VT_SOUND_CHANNELS; c++)
    gain[c] = vt_hda_gain (&hda->s.codec, VT_SOUND_PLAY, c);
  for (size_t i = 0; i < frames; i++)
    for (unsigned c = 0; c < VT_SOUND_CHANNELS; c++)
      out[i * VT_SOUND_CHANNELS + c] = scaled ((int16_t) vt_load_le (bytes + 2 * (i * channels + MIN (c, channels - 1)), 2), gain[c]);
  hda->sound->ops->play (hda->sound, out, frames);
}

static void
record (Hda *hda, uint8_t *bytes, size_t frames, unsigned channels)
{
  int16_t in[PIECE_FRAMES * VT_SOUND_CHANNELS];
  size_t  got = hda->sound->ops->record (hda->sound, in, frames);
  memset (in + got * VT_SOUND_CHANNELS, 0, (frames - got) * VT_SOUND_CHANNELS * sizeof *in);
  for (size_t i = 0; i < frames; i++)
    for (unsigned c = 0; c < channels; c++)
      {
        uint32_t gain = vt_hda_gain (&hda->s.codec, VT_SOUND_RECORD, c);
        vt_store_le (bytes + 2 * (i * channels + c), (uint16_t) scaled (in[i * VT_SOUND_CHANNELS + c], gain), 2);
      }
}

/* --- Buffers -------------------------------------------------------------------------------------------------------- */

typedef struct
{
  uint64_t at;
  uint32_t bytes;
  bool     interrupts;
} Buffer;

static bool
read_entry (Hda *hda, unsigned stream, Buffer *out)
{
  const HdaState *s = &hda->s;
  uint8_t         entry[ENTRY_BYTES];
  if (!vt_dma_read (&hda->pci.dma, VT_GPA (s->bdl[stream] + (uint64_t) s->entry[stream] * ENTRY_BYTES), entry, sizeof entry))
    return false;
  *out = (Buffer) { vt_load_le (entry, 8), (uint32_t) vt_load_le (entry + 8, 4), (vt_load_le (entry + 12, 4) & ENTRY_IOC) != 0 };
  return out->bytes != 0;
}

/* The list is not one: the stream ends (3.3.36, DESE). */
static void
stop_broken (Hda *hda, unsigned stream)
{
  HdaState *s = &hda->s;
  vt_guest_warn (&hda->pci.dev, "stream %u: no buffer at entry %u", stream, s->entry[stream]);
  s->ctl[stream] = (s->ctl[stream] & ~(uint32_t) (SDCTL_RUN | SDSTS_FIFORDY)) | SDSTS_DESE;
  vt_hda_streams_tell (hda);
  vt_hda_update_irq (hda, (s->ctl[stream] & SDCTL_DEIE) != 0);
}

static bool
move_bytes (Hda *hda, unsigned stream, uint64_t at, size_t bytes, unsigned frame_bytes)
{
  uint8_t piece[PIECE_FRAMES * VT_SOUND_CHANNELS * 2] = { 0 };
  bool    heard = hda->sound != NULL && is_heard (&hda->s, stream);
  if (!is_output (stream))
    {
      if (heard)
        record (hda, piece, bytes / frame_bytes, frame_bytes / 2);
      return vt_dma_write (&hda->pci.dma, VT_GPA (at), piece, bytes);
    }
  if (!vt_dma_read (&hda->pci.dma, VT_GPA (at), piece, bytes))
    return false;
  if (heard)
    play (hda, piece, bytes / frame_bytes, frame_bytes / 2);
  return true;
}

static void
next_entry (Hda *hda, unsigned stream, bool interrupts)
{
  HdaState *s = &hda->s;
  s->entry_at[stream] = 0;
  s->entry[stream] = s->entry[stream] >= s->lvi[stream] ? 0 : s->entry[stream] + 1;
  if (!interrupts)
    return;
  bool rose = (s->ctl[stream] & SDSTS_BCIS) == 0;
  s->ctl[stream] |= SDSTS_BCIS;
  vt_hda_update_irq (hda, rose && (s->ctl[stream] & SDCTL_IOCE) != 0);
}

static void
put_position (Hda *hda, unsigned stream)
{
  uint64_t base = hda->s.positions;
  if ((base & 1) != 0 && !vt_dma_put32 (&hda->pci.dma, VT_GPA ((base & ~UINT64_C (0x7f)) + 8 * stream), hda->s.lpib[stream]))
    vt_guest_warn (&hda->pci.dev, "the position buffer is not memory");
}

/* At most `frames`, within one buffer. Buffers whose ends are in the middle of a frame lose the rest of it. 0: the stream is over. */
static uint64_t
move_piece (Hda *hda, unsigned stream, uint64_t frames, unsigned frame_bytes)
{
  HdaState *s = &hda->s;
  Buffer    buffer;
  if (!read_entry (hda, stream, &buffer))
    return 0;
  uint32_t left = buffer.bytes > s->entry_at[stream] ? buffer.bytes - s->entry_at[stream] : 0;
  frames = MIN (MIN (frames, PIECE_FRAMES), left / frame_bytes);
  uint32_t bytes = (uint32_t) frames * frame_bytes;
  if (bytes != 0 && !move_bytes (hda, stream, buffer.at + s->entry_at[stream], bytes, frame_bytes))
    return 0;
  s->entry_at[stream] += bytes;
  s->lpib[stream] = s->cbl[stream] != 0 ? (s->lpib[stream] + bytes) % s->cbl[stream] : 0;
  if (left - bytes < frame_bytes)
    next_entry (hda, stream, buffer.interrupts);
  return MAX (frames, 1);      /* so that a list of crumbs has an end as well */
}

/* --- Time ----------------------------------------------------------------------------------------------------------- */

static void
run_stream (Hda *hda, unsigned stream, unsigned rate_hz, unsigned frame_bytes)
{
  HdaState *s = &hda->s;
  int64_t   now = vt_clock_now (hda->clock);
  uint64_t  due = vt_ns_to_ticks (now - (int64_t) s->run_ns[stream], rate_hz), most = vt_ns_to_ticks (LATE_NS, rate_hz);
  uint64_t  frames = due > s->moved[stream] ? due - s->moved[stream] : 0;
  s->moved[stream] = MAX (due, s->moved[stream]);
  frames = MIN (frames, most);
  while (frames > 0 && (s->ctl[stream] & SDCTL_RUN) != 0)
    {
      uint64_t n = move_piece (hda, stream, frames, frame_bytes);
      if (n == 0)
        stop_broken (hda, stream);
      frames -= MIN (n, frames);
    }
  put_position (hda, stream);
}

/* Until the end of the buffer that interrupts, or the next tick. */
static int64_t
next_ns (Hda *hda, unsigned stream, unsigned rate_hz, unsigned frame_bytes)
{
  const HdaState *s = &hda->s;
  Buffer          buffer;
  int64_t         now = vt_clock_now (hda->clock), at = now + TICK_NS;
  if (!read_entry (hda, stream, &buffer) || !buffer.interrupts || buffer.bytes <= s->entry_at[stream])
    return at;
  uint64_t frames = (buffer.bytes - s->entry_at[stream]) / frame_bytes;
  int64_t  end = vt_tick_deadline_ns (s->moved[stream] + frames, rate_hz);
  end = end < INT64_MAX - (int64_t) s->run_ns[stream] ? end + (int64_t) s->run_ns[stream] : INT64_MAX;
  return CLAMP (end, now + TICK_MIN_NS, at);
}

void
vt_hda_streams_run (Hda *hda)
{
  int64_t  next = INT64_MAX;
  unsigned rate_hz, frame_bytes;
  for (unsigned i = 0; i < HDA_STREAMS; i++)
    {
      if (!runs (&hda->s, i) || !vt_hda_format (hda->s.fmt[i], &rate_hz, &frame_bytes))
        continue;
      run_stream (hda, i, rate_hz, frame_bytes);
      if (runs (&hda->s, i))
        next = MIN (next, next_ns (hda, i, rate_hz, frame_bytes));
    }
  if (next != INT64_MAX)
    vt_timer_arm (hda->timer, next);
  else
    vt_timer_cancel (hda->timer);
}

/* --- Control -------------------------------------------------------------------------------------------------------- */

static void
reset_stream (HdaState *s, unsigned stream)
{
  s->ctl[stream] = s->ctl[stream] & SDCTL_SRST;
  s->lpib[stream] = s->cbl[stream] = s->entry_at[stream] = 0;
  s->lvi[stream] = s->fmt[stream] = s->entry[stream] = 0;
  s->bdl[stream] = s->moved[stream] = s->run_ns[stream] = 0;
}

static void
begin_at_now (Hda *hda, unsigned stream)
{
  hda->s.run_ns[stream] = (uint64_t) vt_clock_now (hda->clock);
  hda->s.moved[stream] = 0;
}

void
vt_hda_streams_hold (Hda *hda, uint32_t streams)
{
  vt_hda_streams_run (hda);
  uint32_t freed = hda->s.ssync & ~streams;
  hda->s.ssync = streams;
  for (unsigned i = 0; i < HDA_STREAMS; i++)
    if (freed >> i & 1)
      begin_at_now (hda, i);
  vt_hda_streams_tell (hda);
  vt_hda_streams_run (hda);
}

void
vt_hda_stream_control (Hda *hda, unsigned stream, uint32_t old)
{
  HdaState *s = &hda->s;
  unsigned  rate_hz, frame_bytes;
  if ((s->ctl[stream] & SDCTL_SRST) != 0)
    reset_stream (s, stream);
  bool begins = (s->ctl[stream] & ~old & SDCTL_RUN) != 0, ends = (old & ~s->ctl[stream] & SDCTL_RUN) != 0;
  if (begins)
    {
      trace_hda_start (stream, s->fmt[stream], s->cbl[stream]);
      begin_at_now (hda, stream);
      s->ctl[stream] |= SDSTS_FIFORDY;
      if (!vt_hda_format (s->fmt[stream], &rate_hz, &frame_bytes))
        vt_guest_warn (&hda->pci.dev, "stream %u: format 0x%04x is not ours", stream, s->fmt[stream]);
    }
  if (ends)
    s->ctl[stream] &= ~(uint32_t) SDSTS_FIFORDY;
  vt_hda_streams_tell (hda);
  vt_hda_streams_run (hda);
}
