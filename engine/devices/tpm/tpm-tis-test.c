/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tpm-tis.h"

#include "tpm-script.h"
#include "testbench.h"

#define R &vt_tpm_tis_region

enum { STS_GO = 0x20, STS_READY = 0x40, STS_AVAILABLE = 0x10, STS_EXPECT = 0x08 };

typedef struct
{
  Bench       b;
  ScriptedTpm tpm;
} Fixture;

static void
fixture_init (Fixture *f)
{
  f->tpm = (ScriptedTpm) { .tpm = { .ops = &scripted_ops } };
  bench_init (&f->b, &vt_tpm_tis, &(VtTpmDeviceConfig) { &f->tpm.tpm });
}

static void
fixture_clear (Fixture *f)
{
  bench_clear (&f->b);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Fixture, fixture_clear)

static uint32_t
get (Fixture *f, unsigned locality, unsigned reg)
{
  return (uint32_t) bench_read (&f->b, R, locality * 0x1000 + reg, 4);
}

static uint8_t
get_access (Fixture *f, unsigned locality)
{
  return bench_in (&f->b, R, locality * 0x1000);
}

static void
put8 (Fixture *f, unsigned locality, unsigned reg, uint8_t value)
{
  bench_out (&f->b, R, locality * 0x1000 + reg, value);
}

static void
put_command (Fixture *f, unsigned locality, const uint8_t *command, size_t len)
{
  for (size_t i = 0; i < len; i++)
    put8 (f, locality, 0x24, command[i]);
}

static void
send (Fixture *f)
{
  put8 (f, 0, 0x00, 0x02);
  put8 (f, 0, 0x18, STS_READY);
  put_command (f, 0, get_random, sizeof get_random);
  put8 (f, 0, 0x18, STS_GO);
}

static void
assert_answer (Fixture *f, const uint8_t *bytes, size_t len)
{
  for (size_t i = 0; i < len; i++)
    {
      g_assert_true (get (f, 0, 0x18) & STS_AVAILABLE);
      g_assert_cmphex (bench_in (&f->b, R, 0x24), ==, bytes[i]);
    }
  g_assert_false (get (f, 0, 0x18) & STS_AVAILABLE);
}

static void
set_done (void *opaque)
{
  *(bool *) opaque = true;
}

static void
it_says_what_it_is (void)
{
  g_auto(Fixture) f;
  fixture_init (&f);
  g_assert_cmphex (get (&f, 0, 0xf00), ==, 0x00011014);
  g_assert_cmphex (get (&f, 0, 0x14) >> 28, ==, 3);       /* TPM 2.0 */
  g_assert_cmphex (get (&f, 0, 0x30) & 0xf, ==, 0);        /* FIFO */
  g_assert_cmphex (get_access (&f, 0), ==, 0x81);
  g_assert_cmphex (get (&f, 0, 0x18), ==, UINT32_MAX);     /* not without the locality */
  put8 (&f, 0, 0x00, 0x02);
  g_assert_cmphex (get_access (&f, 0), ==, 0xa1);
  g_assert_cmphex (get (&f, 0, 0x18), ==, 0x04000084);
}

static void
a_command_goes_byte_by_byte_and_its_answer_comes_so (void)
{
  g_auto(Fixture) f;
  fixture_init (&f);
  put8 (&f, 0, 0x00, 0x02);
  put8 (&f, 0, 0x18, STS_READY);
  g_assert_cmphex (get (&f, 0, 0x18), ==, 0x04000084 | STS_READY | 4096 << 8);
  put_command (&f, 0, get_random, sizeof get_random - 1);
  g_assert_true (get (&f, 0, 0x18) & STS_EXPECT);
  put8 (&f, 0, 0x18, STS_GO);                               /* not whole */
  g_assert_cmpuint (f.tpm.sent, ==, 0);
  put_command (&f, 0, get_random + sizeof get_random - 1, 1);
  g_assert_false (get (&f, 0, 0x18) & STS_EXPECT);
  put_command (&f, 0, get_random, 4);                       /* more than it said: ignored */
  put8 (&f, 0, 0x18, STS_GO);
  g_assert_cmpmem (f.tpm.command, f.tpm.len, get_random, sizeof get_random);
  g_assert_cmphex (get (&f, 0, 0x18), ==, 0x04000084);
  scripted_answer (&f.tpm, randomness, sizeof randomness);
  g_assert_cmphex (get (&f, 0, 0x18), ==, 0x04000084 | STS_AVAILABLE | sizeof randomness << 8);
  assert_answer (&f, randomness, sizeof randomness);
  put8 (&f, 0, 0x18, 0x02);                                 /* responseRetry: once more */
  g_assert_cmphex (bench_read (&f.b, R, 0x80, 4), ==, 0x00000180);
  g_assert_cmphex (bench_in (&f.b, R, 0x19), ==, sizeof randomness - 4);
}

static void
a_command_of_impossible_length_never_reaches_the_tpm (void)
{
  static const uint32_t lengths[] = { 0, 9, 4097, 0x80000000, UINT32_MAX };
  g_auto(Fixture) f;
  fixture_init (&f);
  put8 (&f, 0, 0x00, 0x02);
  for (unsigned i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      uint8_t command[10] = { 0x80, 0x01 };
      vt_store_be (command + 2, lengths[i], 4);
      put8 (&f, 0, 0x18, STS_READY);
      put_command (&f, 0, command, sizeof command);
      for (unsigned n = 0; n < 5000; n++)
        put8 (&f, 0, 0x24, 0);
      g_assert_false (get (&f, 0, 0x18) & STS_EXPECT);
      put8 (&f, 0, 0x18, STS_GO);
      assert_answer (&f, wrong_size, sizeof wrong_size);
    }
  g_assert_cmpuint (f.tpm.sent, ==, 0);
}

static void
ready_ends_a_command_but_not_before_the_tpm_does (void)
{
  g_auto(Fixture) f;
  fixture_init (&f);
  send (&f);
  put8 (&f, 0, 0x18, STS_GO);                               /* twice is once */
  g_assert_cmpuint (f.tpm.sent, ==, 1);
  put8 (&f, 0, 0x18, STS_READY);
  g_assert_cmpuint (f.tpm.cancelled, ==, 1);
  g_assert_false (get (&f, 0, 0x18) & STS_READY);
  put_command (&f, 0, get_random, sizeof get_random);
  put8 (&f, 0, 0x18, STS_GO);
  g_assert_cmpuint (f.tpm.sent, ==, 1);
  scripted_answer (&f.tpm, randomness, sizeof randomness);
  g_assert_true (get (&f, 0, 0x18) & STS_READY);
  g_assert_cmphex (bench_in (&f.b, R, 0x24), ==, 0xff);     /* nobody's answer */
}

static void
cancelling_asks_the_tpm_and_leaves_the_answer (void)
{
  g_auto(Fixture) f;
  fixture_init (&f);
  send (&f);
  put8 (&f, 0, 0x1b, 0x01);
  g_assert_cmpuint (f.tpm.cancelled, ==, 1);
  scripted_answer (&f.tpm, randomness, sizeof randomness);
  put8 (&f, 0, 0x1b, 0x01);
  g_assert_cmpuint (f.tpm.cancelled, ==, 1);
  assert_answer (&f, randomness, sizeof randomness);
}

static void
a_tpm_that_has_failed_answers_so (void)
{
  g_auto(Fixture) f;
  fixture_init (&f);
  send (&f);
  scripted_answer (&f.tpm, NULL, 0);
  assert_answer (&f, failure, sizeof failure);
}

static void
localities_wait_for_each_other_unless_a_higher_one_seizes (void)
{
  g_auto(Fixture) f;
  fixture_init (&f);
  send (&f);
  put8 (&f, 1, 0x00, 0x02);
  g_assert_cmphex (get_access (&f, 1), ==, 0x83);           /* asked for */
  g_assert_cmphex (get_access (&f, 0), ==, 0xa5);           /* another one waits */
  put8 (&f, 2, 0x00, 0x08);
  g_assert_cmphex (get_access (&f, 2), ==, 0xa5);
  g_assert_cmphex (get_access (&f, 0), ==, 0x95);           /* it lost it */
  g_assert_cmpuint (f.tpm.cancelled, ==, 1);
  put8 (&f, 0, 0x00, 0x10);
  g_assert_cmphex (get_access (&f, 0), ==, 0x85);
  scripted_answer (&f.tpm, randomness, sizeof randomness);
  g_assert_cmphex (bench_in (&f.b, R, 0x2024), ==, 0xff);
  put8 (&f, 1, 0x00, 0x08);                                 /* lower: no seizing */
  g_assert_cmphex (get_access (&f, 2) & 0x20, ==, 0x20);
  put8 (&f, 2, 0x00, 0x20);
  g_assert_cmphex (get_access (&f, 1), ==, 0xa1);
  put8 (&f, 4, 0x00, 0x08);                                 /* the processor's own */
  g_assert_cmphex (get_access (&f, 1), ==, 0xa1);
  g_assert_cmphex (get_access (&f, 4), ==, 0xff);
}

static void
only_localities_3_and_4_forget_a_measured_launch (void)
{
  g_auto(Fixture) f;
  fixture_init (&f);
  f.tpm.tpm.established = true;
  g_assert_cmphex (get_access (&f, 0), ==, 0x80);
  put8 (&f, 2, 0x00, 0x02);
  put8 (&f, 2, 0x1b, 0x02);
  g_assert_cmphex (get_access (&f, 0) & 1, ==, 0);
  put8 (&f, 3, 0x00, 0x08);
  put8 (&f, 3, 0x1b, 0x02);
  g_assert_cmphex (get_access (&f, 0) & 1, ==, 1);
}

static void
an_answer_raises_the_interrupt_that_the_guest_chose_until_it_is_cleared (void)
{
  g_auto(Fixture) f;
  fixture_init (&f);
  put8 (&f, 0, 0x00, 0x02);
  put8 (&f, 0, 0x0c, 7);
  bench_write (&f.b, R, 0x08, 0x80000001, 4);
  put8 (&f, 0, 0x00, 0x20);
  put8 (&f, 0, 0x0c, 5);                                    /* without the locality: nothing */
  send (&f);
  g_assert_false (f.b.level[7]);                            /* "ready" was not asked for */
  scripted_answer (&f.tpm, randomness, sizeof randomness);
  g_assert_true (f.b.level[7]);
  g_assert_false (f.b.level[5]);
  g_assert_cmphex (get (&f, 0, 0x10) & 1, ==, 1);
  bench_write (&f.b, R, 0x10, 0x01, 4);
  g_assert_false (f.b.level[7]);
  bench_write (&f.b, R, 0x08, 0x80000081, 4);
  g_assert_true (f.b.level[7]);
  bench_write (&f.b, R, 0x08, 0x00000081, 4);
  g_assert_false (f.b.level[7]);
}

static void
a_machine_stands_still_only_when_the_command_is_over (void)
{
  g_auto(Fixture) f;
  fixture_init (&f);
  send (&f);
  bool done = false;
  vt_tpm_tis.quiesce (f.b.dev, set_done, &done);
  g_assert_false (done);
  g_assert_cmpuint (f.tpm.hurried, ==, 1);
  scripted_answer (&f.tpm, randomness, sizeof randomness);
  g_assert_true (done);
  assert_answer (&f, randomness, sizeof randomness);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tpm-tis/identity", it_says_what_it_is);
  g_test_add_func ("/tpm-tis/command", a_command_goes_byte_by_byte_and_its_answer_comes_so);
  g_test_add_func ("/tpm-tis/length", a_command_of_impossible_length_never_reaches_the_tpm);
  g_test_add_func ("/tpm-tis/abort", ready_ends_a_command_but_not_before_the_tpm_does);
  g_test_add_func ("/tpm-tis/cancel", cancelling_asks_the_tpm_and_leaves_the_answer);
  g_test_add_func ("/tpm-tis/failure", a_tpm_that_has_failed_answers_so);
  g_test_add_func ("/tpm-tis/localities", localities_wait_for_each_other_unless_a_higher_one_seizes);
  g_test_add_func ("/tpm-tis/established", only_localities_3_and_4_forget_a_measured_launch);
  g_test_add_func ("/tpm-tis/interrupt", an_answer_raises_the_interrupt_that_the_guest_chose_until_it_is_cleared);
  g_test_add_func ("/tpm-tis/quiesce", a_machine_stands_still_only_when_the_command_is_over);
  return g_test_run ();
}
