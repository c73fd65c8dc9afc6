/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tpm-tis.h"

#include "tpm-rig.h"

#define R &vt_tpm_tis_region

enum { STS_GO = 0x20, STS_READY = 0x40, STS_AVAILABLE = 0x10, STS_EXPECT = 0x08 };

static void
rig_init (TpmRig *rig)
{
  tpm_rig_init (rig, &vt_tpm_tis, R);
}

static uint8_t
get_access (TpmRig *rig, unsigned locality)
{
  return bench_in (&rig->b, R, locality * 0x1000);
}

static void
put8 (TpmRig *rig, unsigned locality, unsigned reg, uint8_t value)
{
  bench_out (&rig->b, R, locality * 0x1000 + reg, value);
}

static void
put_command (TpmRig *rig, unsigned locality, const uint8_t *command, size_t len)
{
  for (size_t i = 0; i < len; i++)
    put8 (rig, locality, 0x24, command[i]);
}

static void
send (TpmRig *rig)
{
  put8 (rig, 0, 0x00, 0x02);
  put8 (rig, 0, 0x18, STS_READY);
  put_command (rig, 0, get_random, sizeof get_random);
  put8 (rig, 0, 0x18, STS_GO);
}

static void
assert_answer (TpmRig *rig, const uint8_t *bytes, size_t len)
{
  for (size_t i = 0; i < len; i++)
    {
      g_assert_true (tpm_rig_get (rig, 0, 0x18) & STS_AVAILABLE);
      g_assert_cmphex (bench_in (&rig->b, R, 0x24), ==, bytes[i]);
    }
  g_assert_false (tpm_rig_get (rig, 0, 0x18) & STS_AVAILABLE);
}

static void
it_says_what_it_is (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0xf00), ==, 0x00011014);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x14) >> 28, ==, 3);       /* TPM 2.0 */
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x30) & 0xf, ==, 0);        /* FIFO */
  g_assert_cmphex (get_access (&rig, 0), ==, 0x81);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x18), ==, UINT32_MAX);     /* not without the locality */
  put8 (&rig, 0, 0x00, 0x02);
  g_assert_cmphex (get_access (&rig, 0), ==, 0xa1);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x18), ==, 0x04000084);
}

static void
a_command_goes_byte_by_byte_and_its_answer_comes_so (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  put8 (&rig, 0, 0x00, 0x02);
  put8 (&rig, 0, 0x18, STS_READY);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x18), ==, 0x04000084 | STS_READY | 4096 << 8);
  put_command (&rig, 0, get_random, sizeof get_random - 1);
  g_assert_true (tpm_rig_get (&rig, 0, 0x18) & STS_EXPECT);
  put8 (&rig, 0, 0x18, STS_GO);                               /* not whole */
  g_assert_cmpuint (rig.tpm.sent, ==, 0);
  put_command (&rig, 0, get_random + sizeof get_random - 1, 1);
  g_assert_false (tpm_rig_get (&rig, 0, 0x18) & STS_EXPECT);
  put_command (&rig, 0, get_random, 4);                       /* more than it said: ignored */
  put8 (&rig, 0, 0x18, STS_GO);
  g_assert_cmpmem (rig.tpm.command, rig.tpm.len, get_random, sizeof get_random);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x18), ==, 0x04000084);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x18), ==, 0x04000084 | STS_AVAILABLE | sizeof randomness << 8);
  assert_answer (&rig, randomness, sizeof randomness);
  put8 (&rig, 0, 0x18, 0x02);                                 /* responseRetry: once more */
  g_assert_cmphex (bench_read (&rig.b, R, 0x80, 4), ==, 0x00000180);
  g_assert_cmphex (bench_in (&rig.b, R, 0x19), ==, sizeof randomness - 4);
}

static void
a_command_of_impossible_length_never_reaches_the_tpm (void)
{
  static const uint32_t lengths[] = { 0, 9, 4097, 0x80000000, UINT32_MAX };
  g_auto(TpmRig) rig;
  rig_init (&rig);
  put8 (&rig, 0, 0x00, 0x02);
  for (unsigned i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      uint8_t command[10] = { 0x80, 0x01 };
      vt_store_be (command + 2, lengths[i], 4);
      put8 (&rig, 0, 0x18, STS_READY);
      put_command (&rig, 0, command, sizeof command);
      for (unsigned n = 0; n < 5000; n++)
        put8 (&rig, 0, 0x24, 0);
      g_assert_false (tpm_rig_get (&rig, 0, 0x18) & STS_EXPECT);
      put8 (&rig, 0, 0x18, STS_GO);
      assert_answer (&rig, wrong_size, sizeof wrong_size);
    }
  g_assert_cmpuint (rig.tpm.sent, ==, 0);
}

static void
ready_ends_a_command_but_not_before_the_tpm_does (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  send (&rig);
  put8 (&rig, 0, 0x18, STS_GO);                               /* twice is once */
  g_assert_cmpuint (rig.tpm.sent, ==, 1);
  put8 (&rig, 0, 0x18, STS_READY);
  g_assert_cmpuint (rig.tpm.cancelled, ==, 1);
  g_assert_false (tpm_rig_get (&rig, 0, 0x18) & STS_READY);
  put_command (&rig, 0, get_random, sizeof get_random);
  put8 (&rig, 0, 0x18, STS_GO);
  g_assert_cmpuint (rig.tpm.sent, ==, 1);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  g_assert_true (tpm_rig_get (&rig, 0, 0x18) & STS_READY);
  g_assert_cmphex (bench_in (&rig.b, R, 0x24), ==, 0xff);     /* nobody's answer */
}

static void
cancelling_asks_the_tpm_and_leaves_the_answer (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  send (&rig);
  put8 (&rig, 0, 0x1b, 0x01);
  g_assert_cmpuint (rig.tpm.cancelled, ==, 1);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  put8 (&rig, 0, 0x1b, 0x01);
  g_assert_cmpuint (rig.tpm.cancelled, ==, 1);
  assert_answer (&rig, randomness, sizeof randomness);
}

static void
a_tpm_that_has_failed_answers_so (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  send (&rig);
  scripted_answer (&rig.tpm, NULL, 0);
  assert_answer (&rig, failure, sizeof failure);
}

static void
localities_wait_for_each_other_unless_a_higher_one_seizes (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  send (&rig);
  put8 (&rig, 1, 0x00, 0x02);
  g_assert_cmphex (get_access (&rig, 1), ==, 0x83);           /* asked for */
  g_assert_cmphex (get_access (&rig, 0), ==, 0xa5);           /* another one waits */
  put8 (&rig, 2, 0x00, 0x08);
  g_assert_cmphex (get_access (&rig, 2), ==, 0xa5);
  g_assert_cmphex (get_access (&rig, 0), ==, 0x95);           /* it lost it */
  g_assert_cmpuint (rig.tpm.cancelled, ==, 1);
  put8 (&rig, 0, 0x00, 0x10);
  g_assert_cmphex (get_access (&rig, 0), ==, 0x85);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  g_assert_cmphex (bench_in (&rig.b, R, 0x2024), ==, 0xff);
  put8 (&rig, 1, 0x00, 0x08);                                 /* lower: no seizing */
  g_assert_cmphex (get_access (&rig, 2) & 0x20, ==, 0x20);
  put8 (&rig, 2, 0x00, 0x20);
  g_assert_cmphex (get_access (&rig, 1), ==, 0xa1);
  put8 (&rig, 4, 0x00, 0x08);                                 /* the processor's own */
  g_assert_cmphex (get_access (&rig, 1), ==, 0xa1);
  g_assert_cmphex (get_access (&rig, 4), ==, 0xff);
}

static void
only_localities_3_and_4_forget_a_measured_launch (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  rig.tpm.tpm.established = true;
  g_assert_cmphex (get_access (&rig, 0), ==, 0x80);
  put8 (&rig, 2, 0x00, 0x02);
  put8 (&rig, 2, 0x1b, 0x02);
  g_assert_cmphex (get_access (&rig, 0) & 1, ==, 0);
  put8 (&rig, 3, 0x00, 0x08);
  put8 (&rig, 3, 0x1b, 0x02);
  g_assert_cmphex (get_access (&rig, 0) & 1, ==, 1);
}

static void
an_answer_raises_the_interrupt_that_the_guest_chose_until_it_is_cleared (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  put8 (&rig, 0, 0x00, 0x02);
  put8 (&rig, 0, 0x0c, 7);
  bench_write (&rig.b, R, 0x08, 0x80000001, 4);
  put8 (&rig, 0, 0x00, 0x20);
  put8 (&rig, 0, 0x0c, 5);                                    /* without the locality: nothing */
  send (&rig);
  g_assert_false (rig.b.level[7]);                            /* "ready" was not asked for */
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  g_assert_true (rig.b.level[7]);
  g_assert_false (rig.b.level[5]);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x10) & 1, ==, 1);
  bench_write (&rig.b, R, 0x10, 0x01, 4);
  g_assert_false (rig.b.level[7]);
  bench_write (&rig.b, R, 0x08, 0x80000081, 4);
  g_assert_true (rig.b.level[7]);
  bench_write (&rig.b, R, 0x08, 0x00000081, 4);
  g_assert_false (rig.b.level[7]);
}

static void
a_machine_stands_still_only_when_the_command_is_over (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  send (&rig);
  bool done = false;
  vt_tpm_tis.quiesce (rig.b.dev, tpm_rig_set_done, &done);
  g_assert_false (done);
  g_assert_cmpuint (rig.tpm.hurried, ==, 1);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  g_assert_true (done);
  assert_answer (&rig, randomness, sizeof randomness);
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
