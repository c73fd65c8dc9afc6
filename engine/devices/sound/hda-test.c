/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The sound card, led by a small driver, and by one that breaks the rules. */
#include "hda.h"

#include "pci-rig.h"

enum
{
  DEVFN = VT_PCI_DEVFN (4, 0),
  REGS = 0xe0000000,
  GCTL = REGS + 0x08, STATESTS = REGS + 0x0e, GSTS = REGS + 0x10, INTCTL = REGS + 0x20, INTSTS = REGS + 0x24, CORB = REGS + 0x40, RIRB = REGS + 0x50,
  ICOI = REGS + 0x60, ICII = REGS + 0x64, ICIS = REGS + 0x68, DPLBASE = REGS + 0x70,
  OUT = REGS + 0x80 + 4 * 0x20, IN = REGS + 0x80,
  CTL = 0, STS = 3, LPIB = 4, CBL = 8, LVI = 12, FMT = 18, BDPL = 24,
  RUN = 2, IOCE = 4, DEIE = 16, TAG = 1,
  BCIS = 4, DESE = 16,

  /* Where the driver keeps its things. */
  VERBS = 0x1000, ANSWERS = 0x2000, LIST = 0x3000, POSITIONS = 0x3800, BUFFER = 0x4000,
  FRAMES = 480, BUFFER_BYTES = FRAMES * 4,
  FORMAT = 0x0011,                       /* 48 kHz, 16 bits, 2 channels */
  DAC = 2, PIN_OUT = 3, ADC = 4,
  ROOM = 65536,
};
#define MS INT64_C (1000000)

typedef struct
{
  VtSound   sound;
  PciRig    pci;
  VtDevice *hda;
  unsigned  rate_hz[VT_SOUND_WAYS];      /* 0: stopped */
  int16_t   heard[ROOM][VT_SOUND_CHANNELS];
  size_t    n_heard, n_said, limit;      /* limit: how many frames the microphone has */
} Rig;

static void
start (VtSound *sound, VtSoundWay way, unsigned rate_hz)
{
  ((Rig *) sound)->rate_hz[way] = rate_hz;
}

static void
stop (VtSound *sound, VtSoundWay way)
{
  ((Rig *) sound)->rate_hz[way] = 0;
}

static void
play (VtSound *sound, const int16_t *frames, size_t n)
{
  Rig *rig = (Rig *) sound;
  g_assert_cmpuint (rig->n_heard + n, <=, ROOM);
  memcpy (rig->heard + rig->n_heard, frames, n * sizeof *rig->heard);
  rig->n_heard += n;
}

/* The microphone hears numbers: 1, 2, 3... on the left, and their opposites. */
static size_t
record (VtSound *sound, int16_t *frames, size_t n)
{
  Rig *rig = (Rig *) sound;
  n = MIN (n, rig->limit - rig->n_said);
  for (size_t i = 0; i < n; i++)
    {
      frames[2 * i] = (int16_t) ++rig->n_said;
      frames[2 * i + 1] = (int16_t) -frames[2 * i];
    }
  return n;
}

static void
put (Rig *rig, uint64_t at, uint64_t value, unsigned size)
{
  pci_rig_put (&rig->pci, at, value, size);
}

static uint64_t
get (Rig *rig, uint64_t at, unsigned size)
{
  return pci_rig_get (&rig->pci, at, size);
}

static Rig *
rig_new (void)
{
  static const VtSoundOps ops = { start, stop, play, record, NULL };
  Rig *rig = g_new0 (Rig, 1);
  rig->sound.ops = &ops;
  rig->limit = SIZE_MAX;
  pci_rig_init (&rig->pci);
  rig->hda = pci_rig_add (&rig->pci, &vt_hda, &(VtHdaConfig) { .place = { rig->pci.bus, DEVFN }, .sound = &rig->sound });
  vt_device_reset (rig->hda, VT_RESET_POWER);
  vt_device_set_running (rig->hda, true);
  pci_rig_enable (&rig->pci, DEVFN, 0, REGS);
  put (rig, GCTL, 1, 4);
  return rig;
}

static void
rig_free (Rig *rig)
{
  vt_device_set_running (rig->hda, false);
  vt_device_free (rig->hda);
  pci_rig_clear (&rig->pci);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

static uint32_t
ask (Rig *rig, unsigned node, uint32_t verb)
{
  put (rig, ICIS, 2, 2);
  put (rig, ICOI, node << 20 | verb, 4);
  put (rig, ICIS, 1, 2);
  g_assert_cmpuint (get (rig, ICIS, 2) & 3, ==, 2);
  return (uint32_t) get (rig, ICII, 4);
}

/* Two buffers; `flags`: of the first. The stream is tagged, and the converter listens to it. */
static void
prepare (Rig *rig, uint64_t stream, unsigned node, unsigned flags)
{
  for (unsigned i = 0; i < 2; i++)
    {
      put (rig, LIST + 16 * i, BUFFER + i * BUFFER_BYTES, 8);
      put (rig, LIST + 16 * i + 8, BUFFER_BYTES, 4);
      put (rig, LIST + 16 * i + 12, i == 0 ? flags : 0, 4);
    }
  put (rig, stream + BDPL, LIST, 4);
  put (rig, stream + CBL, 2 * BUFFER_BYTES, 4);
  put (rig, stream + LVI, 1, 2);
  put (rig, stream + FMT, FORMAT, 2);
  put (rig, stream + CTL + 2, TAG << 4, 1);
  ask (rig, node, 0x20000 | FORMAT);
  ask (rig, node, 0x70600 | TAG << 4);
}

static void
run (Rig *rig, uint64_t stream)
{
  put (rig, stream + CTL, RUN | IOCE | DEIE, 1);
}

static int16_t
sample_of (unsigned frame, unsigned channel)
{
  return (int16_t) (frame * 37 + channel * 1000 - 20000);
}

static void
fill_buffers (Rig *rig)
{
  for (unsigned i = 0; i < 2 * FRAMES; i++)
    for (unsigned c = 0; c < 2; c++)
      put (rig, BUFFER + 4 * i + 2 * c, (uint16_t) sample_of (i, c), 2);
}

/* --- The codec ------------------------------------------------------------------------------------------------------ */

static void
a_codec_says_that_it_is_there_and_answers_through_the_rings (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmpuint (get (rig, STATESTS, 2), ==, 1);
  put (rig, STATESTS, 1, 2);
  g_assert_cmpuint (get (rig, STATESTS, 2), ==, 0);
  put (rig, CORB, VERBS, 4);
  put (rig, RIRB, ANSWERS, 4);
  put (rig, CORB + 0x0a, 0x8000, 2);
  g_assert_cmpuint (get (rig, CORB + 0x0a, 2), ==, 0x8000);
  put (rig, CORB + 0x0a, 0, 2);
  put (rig, RIRB + 0x08, 0x8000, 2);
  put (rig, RIRB + 0x0a, 2, 2);
  put (rig, INTCTL, 0xc0000000, 4);
  put (rig, RIRB + 0x0c, 3, 1);
  put (rig, CORB + 0x0c, 2, 1);
  put (rig, VERBS + 4, 0x000f0000, 4);             /* root: who are you */
  put (rig, VERBS + 8, 0x000f0004, 4);             /* root: which nodes do you have */
  put (rig, CORB + 8, 2, 2);
  g_assert_cmpuint (get (rig, CORB + 0x0a, 2), ==, 2);
  g_assert_cmpuint (get (rig, RIRB + 8, 2), ==, 2);
  g_assert_cmpuint (get (rig, ANSWERS + 8, 4), !=, 0);
  g_assert_cmpuint (get (rig, ANSWERS + 16, 4), ==, 1 << 16 | 1);
  g_assert_cmpuint (get (rig, INTSTS, 4), ==, 0xc0000000);
  g_assert_true (rig->pci.line);
  put (rig, RIRB + 0x0d, 1, 1);
  g_assert_false (rig->pci.line);
}

/* What a driver that knows nothing of us finds out (7.3.4). */
static void
its_nodes_lead_from_a_stream_to_a_jack_and_back (void)
{
  g_autoptr (Rig) rig = rig_new ();
  uint32_t nodes = ask (rig, 1, 0xf0004), found = 0;
  g_assert_cmpuint (ask (rig, 1, 0xf0005), ==, 1);
  for (unsigned node = nodes >> 16; node < (nodes >> 16) + (nodes & 0xff); node++)
    {
      uint32_t caps = ask (rig, node, 0xf0009), type = caps >> 20 & 15;
      found |= 1u << type;
      g_assert_cmpuint ((caps >> 8 & 1), ==, ask (rig, node, 0xf000e) & 0x7f);
      if (type == 4)
        g_assert_cmpuint (ask (rig, node, 0xf1c00) >> 30, ==, 0);      /* a jack */
      else
        g_assert_cmpuint (ask (rig, node, 0xf000a) >> 17 & 1, ==, 1);  /* 16 bits */
    }
  g_assert_cmpuint (found, ==, 1 << 0 | 1 << 1 | 1 << 4);
  g_assert_cmpuint (ask (rig, PIN_OUT, 0xf0200), ==, DAC);
  g_assert_cmpuint (ask (rig, 99, 0xf0009), ==, 0);
}

/* --- Playing -------------------------------------------------------------------------------------------------------- */

static void
what_is_played_is_heard_at_its_rate (void)
{
  g_autoptr (Rig) rig = rig_new ();
  fill_buffers (rig);
  prepare (rig, OUT, DAC, 1);
  put (rig, DPLBASE, POSITIONS | 1, 4);
  put (rig, INTCTL, 0x800000ff, 4);
  run (rig, OUT);
  g_assert_cmpuint (rig->rate_hz[VT_SOUND_PLAY], ==, 48000);
  vt_clock_advance (rig->pci.clock, 5 * MS);
  g_assert_cmpuint (get (rig, OUT + LPIB, 4), ==, BUFFER_BYTES / 2);
  g_assert_false (rig->pci.line);
  vt_clock_advance (rig->pci.clock, 5 * MS);
  g_assert_true (rig->pci.line);
  g_assert_cmpuint (get (rig, INTSTS, 4), ==, 0x80000010);
  g_assert_cmpuint (rig->n_heard, ==, FRAMES);
  g_assert_cmpuint (get (rig, POSITIONS + 8 * 4, 4), ==, BUFFER_BYTES);
  put (rig, OUT + STS, BCIS, 1);
  g_assert_false (rig->pci.line);
  vt_clock_advance (rig->pci.clock, 20 * MS);
  g_assert_cmpuint (get (rig, OUT + LPIB, 4), ==, BUFFER_BYTES);
  g_assert_cmpuint (rig->n_heard, ==, 3 * FRAMES);
  for (unsigned i = 0; i < rig->n_heard; i++)
    for (unsigned c = 0; c < 2; c++)
      g_assert_cmpint (rig->heard[i][c], ==, sample_of (i % (2 * FRAMES), c));
  put (rig, OUT + CTL, 0, 1);
  g_assert_cmpuint (rig->rate_hz[VT_SOUND_PLAY], ==, 0);
  vt_clock_advance (rig->pci.clock, 20 * MS);
  g_assert_cmpuint (rig->n_heard, ==, 3 * FRAMES);
}

static void
gain_and_mute_are_those_of_each_channel (void)
{
  g_autoptr (Rig) rig = rig_new ();
  fill_buffers (rig);
  prepare (rig, OUT, DAC, 0);
  ask (rig, DAC, 0x3a000 | (0x4a - 6));            /* left: 6 dB less */
  ask (rig, DAC, 0x39000 | 0x80);                  /* right: nothing */
  g_assert_cmpuint (ask (rig, DAC, 0xba000), ==, 0x4a - 6);
  run (rig, OUT);
  vt_clock_advance (rig->pci.clock, 10 * MS);
  g_assert_cmpuint (rig->n_heard, >, 0);
  for (unsigned i = 0; i < rig->n_heard; i++)
    {
      g_assert_cmpint (ABS (rig->heard[i][0] - sample_of (i, 0) / 2), <=, 1);
      g_assert_cmpint (rig->heard[i][1], ==, 0);
    }
}

static void
only_the_stream_with_the_converters_tag_is_heard (void)
{
  g_autoptr (Rig) rig = rig_new ();
  fill_buffers (rig);
  prepare (rig, OUT, DAC, 1);
  ask (rig, DAC, 0x70600 | 7 << 4);
  run (rig, OUT);
  vt_clock_advance (rig->pci.clock, 10 * MS);
  g_assert_cmpuint (get (rig, OUT + LPIB, 4), ==, BUFFER_BYTES);
  g_assert_cmpuint (rig->n_heard, ==, 0);
  g_assert_cmpuint (rig->rate_hz[VT_SOUND_PLAY], ==, 0);
}

static void
a_machine_that_slept_does_not_play_what_it_missed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  prepare (rig, OUT, DAC, 1);
  put (rig, LIST + 8, 0x10000, 4);
  put (rig, LIST + 12, 0, 4);
  put (rig, OUT + LVI, 0, 2);
  run (rig, OUT);
  vt_clock_stop (rig->pci.clock);
  vt_clock_set_now (rig->pci.clock, 3600 * INT64_C (1000000000));
  vt_clock_start (rig->pci.clock);
  get (rig, OUT + LPIB, 4);
  g_assert_cmpuint (rig->n_heard, <=, 48000 / 5);
}

/* --- Recording ------------------------------------------------------------------------------------------------------ */

static void
what_is_said_is_recorded_and_the_rest_is_silence (void)
{
  g_autoptr (Rig) rig = rig_new ();
  rig->limit = FRAMES + FRAMES / 2;
  fill_buffers (rig);
  prepare (rig, IN, ADC, 1);
  run (rig, IN);
  g_assert_cmpuint (rig->rate_hz[VT_SOUND_RECORD], ==, 48000);
  vt_clock_advance (rig->pci.clock, 20 * MS);
  for (unsigned i = 0; i < 2 * FRAMES; i++)
    {
      int16_t wanted = i < rig->limit ? (int16_t) (i + 1) : 0;
      g_assert_cmpint ((int16_t) get (rig, BUFFER + 4 * i, 2), ==, wanted);
      g_assert_cmpint ((int16_t) get (rig, BUFFER + 4 * i + 2, 2), ==, -wanted);
    }
}

/* --- Broken drivers ------------------------------------------------------------------------------------------------- */

static void
a_list_without_buffers_ends_the_stream (void)
{
  g_autoptr (Rig) rig = rig_new ();
  prepare (rig, OUT, DAC, 1);
  put (rig, LIST + 8, 0, 4);
  put (rig, INTCTL, 0x800000ff, 4);
  run (rig, OUT);
  vt_clock_advance (rig->pci.clock, 10 * MS);
  g_assert_cmpuint (get (rig, OUT + STS, 1) & DESE, ==, DESE);
  g_assert_cmpuint (get (rig, OUT + CTL, 1) & RUN, ==, 0);
  g_assert_true (rig->pci.line);
  g_assert_cmpuint (rig->rate_hz[VT_SOUND_PLAY], ==, 0);
}

static void
allow_messages (Rig *rig)
{
  unsigned cap = 0x33;
  do
    cap = vt_pci_bus_config_read (rig->pci.bus, 0, DEVFN, cap + 1, 1);
  while (vt_pci_bus_config_read (rig->pci.bus, 0, DEVFN, cap, 1) != PCI_CAP_MSI);
  vt_pci_bus_config_write (rig->pci.bus, 0, DEVFN, cap + PCI_MSI_ADDRESS, 0xfee00000, 4);
  vt_pci_bus_config_write (rig->pci.bus, 0, DEVFN, cap + PCI_MSI_CONTROL, PCI_MSI_CONTROL_ENABLE, 2);
  put (rig, INTCTL, 0x800000ff, 4);
}

/* One message until the driver has looked. */
static void
buffers_of_crumbs_do_not_keep_the_host_busy (void)
{
  g_autoptr (Rig) rig = rig_new ();
  prepare (rig, OUT, DAC, 1);
  allow_messages (rig);
  put (rig, LIST + 8, 1, 4);
  put (rig, LIST + 16 + 8, 3, 4);
  run (rig, OUT);
  unsigned before = rig->pci.messages;
  vt_clock_advance (rig->pci.clock, 1000 * MS);
  g_assert_cmpuint (rig->pci.messages - before, ==, 1);
  put (rig, OUT + STS, get (rig, OUT + STS, 1), 1);
  vt_clock_advance (rig->pci.clock, 10 * MS);
  g_assert_cmpuint (rig->pci.messages - before, ==, 2);
  g_assert_cmpuint (rig->n_heard, ==, 0);
}

static void
formats_that_are_not_ours_stay_silent (void)
{
  g_autoptr (Rig) rig = rig_new ();
  prepare (rig, OUT, DAC, 1);
  put (rig, OUT + FMT, 0x0041, 2);                 /* 32 bits */
  run (rig, OUT);
  vt_clock_advance (rig->pci.clock, 100 * MS);
  g_assert_cmpuint (rig->n_heard, ==, 0);
  g_assert_cmpuint (rig->hda->guest_warnings, >, 0);
}

static void
a_flush_is_over_at_once (void)
{
  g_autoptr (Rig) rig = rig_new ();
  g_assert_cmphex (get (rig, GSTS, 2), ==, 0);
  put (rig, GCTL, 3, 4);
  g_assert_cmphex (get (rig, GSTS, 2), ==, 2);
  put (rig, GSTS, 0, 2);
  g_assert_cmphex (get (rig, GSTS, 2), ==, 2);
  put (rig, GSTS, 2, 2);
  g_assert_cmphex (get (rig, GSTS, 2), ==, 0);
}

static void
a_reset_stops_everything (void)
{
  g_autoptr (Rig) rig = rig_new ();
  prepare (rig, OUT, DAC, 1);
  run (rig, OUT);
  put (rig, GCTL, 0, 4);
  g_assert_cmpuint (get (rig, OUT + CTL, 4), ==, 0);
  g_assert_cmpuint (rig->rate_hz[VT_SOUND_PLAY], ==, 0);
  put (rig, OUT + CBL, 1234, 4);                   /* nothing listens in reset */
  g_assert_cmpuint (get (rig, OUT + CBL, 4), ==, 0);
}

#define ADD(function) g_test_add_func ("/hda/" #function, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_codec_says_that_it_is_there_and_answers_through_the_rings);
  ADD (its_nodes_lead_from_a_stream_to_a_jack_and_back);
  ADD (what_is_played_is_heard_at_its_rate);
  ADD (gain_and_mute_are_those_of_each_channel);
  ADD (only_the_stream_with_the_converters_tag_is_heard);
  ADD (a_machine_that_slept_does_not_play_what_it_missed);
  ADD (what_is_said_is_recorded_and_the_rest_is_silence);
  ADD (a_list_without_buffers_ends_the_stream);
  ADD (buffers_of_crumbs_do_not_keep_the_host_busy);
  ADD (formats_that_are_not_ours_stay_silent);
  ADD (a_flush_is_over_at_once);
  ADD (a_reset_stops_everything);
  return g_test_run ();
}
