/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The interval timer against a model that does tick: the datasheet's counting element, one CLK pulse at a time. */
#include "pit.h"
#include "testbench.h"

#define P &vt_pit_region
#define P61 &vt_pit_port61_region

typedef struct
{
  unsigned mode, modulus;
  unsigned loaded;     /* what the counting element was last loaded with */
  unsigned cr;         /* count register, 1..modulus; 0: never written */
  unsigned ce;         /* counting element, 0..modulus - 1; modulus counts as 0 */
  bool     counting;   /* loaded at least once */
  bool     load;       /* at the next CLK */
  bool     pulse;      /* mode 4, 5: OUT is low for this tick */
  bool     armed;
  bool     gate, out;
} Model;

static void
reload (Model *m)
{
  m->ce = m->mode == 3 ? m->cr & ~1u : m->cr;
  m->loaded = m->cr;
  m->counting = true;
  m->armed = true;
}

static void
clock_square_wave (Model *m)
{
  bool odd = m->loaded & 1;
  /* The low half ends with its count; the high half of an odd count one pulse later. */
  if (m->ce == 0 || (m->ce == 2 && !(m->out && odd)))
    {
      m->out = !m->out;
      reload (m);
    }
  else
    m->ce -= 2;
}

static void
clock_once (Model *m)
{
  if (m->pulse)
    {
      m->pulse = false;
      m->out = true;
    }
  if (m->load)
    {
      m->load = false;
      reload (m);
      if (m->mode == 1)
        m->out = false;
      return;
    }
  bool gated = m->mode == 0 || m->mode == 2 || m->mode == 3 || m->mode == 4;
  if (!m->counting || (gated && !m->gate))
    return;
  if (m->mode == 3)
    {
      clock_square_wave (m);
      return;
    }
  if (m->mode == 2 && m->ce == 1)
    {
      reload (m);
      m->out = true;
      return;
    }
  m->ce = (m->ce + m->modulus - 1) % m->modulus;
  if (m->mode == 2 && m->ce == 1)
    m->out = false;
  if (m->mode != 2 && m->ce == 0 && m->armed)
    {
      m->armed = false;
      m->pulse = m->mode >= 4;
      m->out = m->mode < 4;
    }
}

static void
model_control (Model *m, unsigned mode, bool bcd)
{
  *m = (Model) { .mode = mode, .modulus = bcd ? 10000 : 0x10000, .gate = m->gate, .out = mode != 0 };
}

static void
model_count (Model *m, unsigned count)
{
  bool first = m->cr == 0;
  m->cr = count;
  if (m->mode == 0)
    m->out = m->pulse = false;
  if (m->mode == 0 || m->mode == 4 || ((m->mode == 2 || m->mode == 3) && first))
    m->load = true;
}

static void
model_gate (Model *m, bool gate)
{
  bool rose = gate && !m->gate, fell = !gate && m->gate;
  m->gate = gate;
  if (rose && m->cr != 0 && m->mode != 0 && m->mode != 4)
    m->load = true;
  if (fell && (m->mode == 2 || m->mode == 3))
    m->out = true;
}

/* --- The comparison ------------------------------------------------------------------------------------------------- */

static void
program (Bench *b, Model *m, unsigned mode, bool bcd)
{
  bench_out (b, P, 3, 0xb0 | mode << 1 | bcd);
  model_control (m, mode, bcd);
}

static void
write_count (Bench *b, Model *m, unsigned count)
{
  unsigned raw = count == m->modulus ? 0 : count;
  if (m->modulus == 10000)
    raw = raw / 1000 << 12 | raw / 100 % 10 << 8 | raw / 10 % 10 << 4 | raw % 10;
  bench_out (b, P, 2, raw & 0xff);
  bench_out (b, P, 2, raw >> 8);
  model_count (m, count);
}

static unsigned
read_count (Bench *b, const Model *m)
{
  bench_out (b, P, 3, 0x80);
  unsigned raw = bench_in (b, P, 2);
  raw |= bench_in (b, P, 2) << 8;
  if (m->modulus == 10000)
    raw = (raw >> 12) * 1000 + (raw >> 8 & 15) * 100 + (raw >> 4 & 15) * 10 + (raw & 15);
  return raw;
}

static void
tick (Bench *b, Model *m, uint64_t *now)
{
  int64_t ns = vt_tick_deadline_ns (++*now, VT_PIT_HZ);
  vt_clock_advance (b->clock, ns - vt_clock_now (b->clock));
  clock_once (m);
}

static void
compare (Bench *b, const Model *m, uint64_t now)
{
  bool out = bench_in (b, P61, 0) & 0x20;
  if (out != m->out)
    g_error ("tick %" G_GUINT64_FORMAT ", mode %u, count %u: OUT is %d, should be %d", now, m->mode, m->cr, out, m->out);
  if (!m->counting || m->load)
    return;   /* what the counting element holds before its load is nobody's business */
  unsigned count = read_count (b, m), expected = m->ce % m->modulus;
  if (count != expected)
    g_error ("tick %" G_GUINT64_FORMAT ", mode %u, count %u: reads %u, should be %u", now, m->mode, m->cr, count, expected);
}

static unsigned
random_count (const Model *m)
{
  unsigned least = m->mode == 2 || m->mode == 3 ? 2 : 1;
  return (unsigned) g_test_rand_int_range ((gint) least, g_test_rand_bit () ? 12 : 300);
}

static void
a_ticking_model_agrees (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pit_class, NULL);
  Model m = { .modulus = 0x10000 };
  uint64_t now = 0;
  program (&b, &m, 0, false);
  for (unsigned op = 0; op < 20000; op++)
    {
      switch (g_test_rand_int_range (0, 8))
        {
        case 0:
          program (&b, &m, (unsigned) g_test_rand_int_range (0, 6), g_test_rand_bit ());
          write_count (&b, &m, random_count (&m));
          break;
        case 1:
          write_count (&b, &m, random_count (&m));
          break;
        case 2:
        case 3:
          {
            bool gate = g_test_rand_int_range (0, 4) != 0;
            bench_out (&b, P61, 0, gate);
            model_gate (&m, gate);
            break;
          }
        }
      for (int ticks = g_test_rand_int_range (1, 60); ticks > 0; ticks--)
        {
          tick (&b, &m, &now);
          if (g_test_rand_int_range (0, 4) == 0)
            compare (&b, &m, now);
        }
      compare (&b, &m, now);
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pit/model", a_ticking_model_agrees);
  return g_test_run ();
}
