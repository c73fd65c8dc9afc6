/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tpm-crb.h"

#include "tpm-rig.h"

#define R &vt_tpm_crb_region

static void
rig_init (TpmRig *rig)
{
  tpm_rig_init (rig, &vt_tpm_crb, R);
}

static void
put (TpmRig *rig, unsigned locality, unsigned reg, uint32_t value)
{
  bench_write (&rig->b, R, locality * 0x1000 + reg, value, 4);
}

static void
make_ready (TpmRig *rig)
{
  put (rig, 0, 0x08, 1);
  put (rig, 0, 0x40, 1);
}

static void
put_command (TpmRig *rig, const uint8_t *command, size_t len)
{
  for (size_t i = 0; i < len; i++)
    bench_write (&rig->b, R, 0x80 + i, command[i], 1);
}

static void
send (TpmRig *rig)
{
  make_ready (rig);
  put_command (rig, get_random, sizeof get_random);
  put (rig, 0, 0x4c, 1);
}

static void
assert_buffer (TpmRig *rig, const uint8_t *bytes, size_t len)
{
  for (size_t i = 0; i < len; i++)
    g_assert_cmphex (bench_read (&rig->b, R, 0x80 + i, 1) & 0xff, ==, bytes[i]);
}

static void
it_says_what_it_is_and_where_its_buffers_are (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x30) & 0xff, ==, 0x11);   /* CRB, version 1 */
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x34), ==, 0x00011014);
  g_assert_cmphex (bench_read (&rig.b, R, 0x30, 8) >> 32, ==, 0x00011014);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x58), ==, 0xf80);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x64), ==, 0xf80);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x5c), ==, 0xfed40080);
  g_assert_cmphex (bench_read (&rig.b, R, 0x1068, 8), ==, 0xfed41080);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x00), ==, 0x81);          /* valid, nobody has it, no measured launch */
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x44), ==, 0x02);          /* idle */
}

static void
a_command_is_sent_whole_and_its_answer_takes_its_place (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  send (&rig);
  g_assert_cmpuint (rig.tpm.sent, ==, 1);
  g_assert_cmpmem (rig.tpm.command, rig.tpm.len, get_random, sizeof get_random);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x4c), ==, 1);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x4c), ==, 0);
  assert_buffer (&rig, randomness, sizeof randomness);
  put (&rig, 0, 0x40, 2);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x44), ==, 0x02);
}

static void
a_command_may_begin_with_its_first_byte (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  send (&rig);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  put_command (&rig, get_random, sizeof get_random);
  put (&rig, 0, 0x4c, 1);
  g_assert_cmpuint (rig.tpm.sent, ==, 2);
  g_assert_cmpmem (rig.tpm.command, rig.tpm.len, get_random, sizeof get_random);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  put (&rig, 0, 0x40, 2);
  put_command (&rig, get_random, sizeof get_random);        /* idle */
  put (&rig, 0, 0x4c, 1);
  g_assert_cmpuint (rig.tpm.sent, ==, 3);
}

static void
a_command_is_started_once_and_only_when_ready (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  put (&rig, 0, 0x4c, 1);            /* without a locality */
  put (&rig, 0, 0x08, 1);
  put (&rig, 0, 0x4c, 1);            /* idle */
  g_assert_cmpuint (rig.tpm.sent, ==, 0);
  send (&rig);
  put (&rig, 0, 0x4c, 1);
  put (&rig, 0, 0x40, 1);            /* under way: neither ready nor idle */
  put (&rig, 0, 0x40, 2);
  bench_write (&rig.b, R, 0x80, 0xee, 1);
  g_assert_cmpuint (rig.tpm.sent, ==, 1);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x4c), ==, 1);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  put (&rig, 0, 0x4c, 1);            /* the answer is no command */
  g_assert_cmpuint (rig.tpm.sent, ==, 1);
  assert_buffer (&rig, randomness, sizeof randomness);
}

static void
a_command_of_impossible_length_never_reaches_the_tpm (void)
{
  static const uint32_t lengths[] = { 0, 9, 0xf81, 0x80000000, UINT32_MAX };
  g_auto(TpmRig) rig;
  rig_init (&rig);
  for (unsigned i = 0; i < G_N_ELEMENTS (lengths); i++)
    {
      uint8_t command[10] = { 0x80, 0x01 };
      vt_store_be (command + 2, lengths[i], 4);
      make_ready (&rig);
      put_command (&rig, command, sizeof command);
      put (&rig, 0, 0x4c, 1);
      g_assert_cmphex (tpm_rig_get (&rig, 0, 0x4c), ==, 0);
      assert_buffer (&rig, wrong_size, sizeof wrong_size);
    }
  g_assert_cmpuint (rig.tpm.sent, ==, 0);
}

static void
the_longest_command_and_answer_fit (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  g_autofree uint8_t *answer = g_malloc (VT_TPM_CRB_BUFFER_BYTES + 8);
  memset (answer, 0x5a, VT_TPM_CRB_BUFFER_BYTES + 8);
  make_ready (&rig);
  put_command (&rig, (const uint8_t[]) { 0x80, 0x01, 0, 0, 0x0f, 0x80, 0, 0, 1, 0x7b }, 10);
  put (&rig, 0, 0x4c, 1);
  g_assert_cmpuint (rig.tpm.len, ==, VT_TPM_CRB_BUFFER_BYTES);
  scripted_answer (&rig.tpm, answer, VT_TPM_CRB_BUFFER_BYTES + 8);   /* ours would never */
  g_assert_cmphex (bench_read (&rig.b, R, 0xff8, 8), ==, UINT64_C (0x5a5a5a5a5a5a5a5a));
}

static void
a_cancelled_command_still_has_its_answer (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  make_ready (&rig);
  put (&rig, 0, 0x48, 1);
  g_assert_cmpuint (rig.tpm.cancelled, ==, 0);     /* nothing is under way */
  put (&rig, 0, 0x48, 0);
  send (&rig);
  put (&rig, 0, 0x48, 1);
  g_assert_cmpuint (rig.tpm.cancelled, ==, 1);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x48), ==, 1);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x4c), ==, 1);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x4c), ==, 0);
}

static void
a_tpm_that_has_failed_says_so_in_answer_and_status (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  send (&rig);
  scripted_answer (&rig.tpm, NULL, 0);
  assert_buffer (&rig, failure, sizeof failure);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x44), ==, 0x01);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x4c), ==, 0);
  g_auto(Bench) none;
  bench_init (&none, &vt_tpm_crb, NULL);
  bench_write (&none, R, 0x08, 1, 4);
  bench_write (&none, R, 0x40, 1, 4);
  for (unsigned i = 0; i < sizeof get_random; i++)
    bench_write (&none, R, 0x80 + i, get_random[i], 1);
  bench_write (&none, R, 0x4c, 1, 4);
  g_assert_cmphex (bench_read (&none, R, 0x44, 4), ==, 0x01);
}

static void
localities_wait_for_each_other_unless_a_higher_one_seizes (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  put (&rig, 0, 0x08, 1);
  g_assert_cmphex (tpm_rig_get (&rig, 3, 0x00), ==, 0x83);          /* assigned to 0 */
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x0c), ==, 1);
  put (&rig, 1, 0x08, 1);
  put (&rig, 2, 0x08, 1);
  g_assert_cmphex (tpm_rig_get (&rig, 2, 0x0c), ==, 0);
  put (&rig, 0, 0x08, 2);
  g_assert_cmphex (tpm_rig_get (&rig, 2, 0x0c), ==, 1);              /* the highest that waits */
  put (&rig, 1, 0x08, 4);
  g_assert_cmphex (tpm_rig_get (&rig, 2, 0x0c), ==, 1);              /* lower: no seizing */
  put (&rig, 3, 0x08, 4);
  g_assert_cmphex (tpm_rig_get (&rig, 2, 0x0c), ==, 2);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x00), ==, 0x8f);
  put (&rig, 3, 0x08, 2);
  g_assert_cmphex (tpm_rig_get (&rig, 1, 0x0c), ==, 1);
  put (&rig, 1, 0x08, 2);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x00), ==, 0x81);
  /* The fifth is the processor's. */
  put (&rig, 4, 0x08, 1);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x00), ==, 0x81);
  g_assert_cmphex (tpm_rig_get (&rig, 4, 0x00), ==, UINT32_MAX);
}

static void
who_seizes_sees_nothing_of_the_other_ones_command (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  send (&rig);
  put (&rig, 1, 0x08, 4);
  g_assert_cmpuint (rig.tpm.cancelled, ==, 1);
  put (&rig, 1, 0x40, 1);
  g_assert_cmphex (tpm_rig_get (&rig, 1, 0x40), ==, 1);              /* not yet: the old command is under way */
  put (&rig, 1, 0x4c, 1);
  g_assert_cmpuint (rig.tpm.sent, ==, 1);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  g_assert_cmphex (tpm_rig_get (&rig, 1, 0x40), ==, 0);
  g_assert_cmphex (tpm_rig_get (&rig, 1, 0x44), ==, 0);
  g_assert_cmphex (tpm_rig_get (&rig, 1, 0x80), ==, 0);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x80), ==, UINT32_MAX);
  put (&rig, 0, 0x80, 0x12345678);
  g_assert_cmphex (tpm_rig_get (&rig, 1, 0x80), ==, 0);
}

static void
only_localities_3_and_4_forget_a_measured_launch (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  rig.tpm.tpm.established = true;
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x00), ==, 0x80);
  put (&rig, 2, 0x08, 1);
  put (&rig, 2, 0x08, 8);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x00) & 1, ==, 0);
  put (&rig, 3, 0x08, 4);
  put (&rig, 3, 0x08, 8);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x00) & 1, ==, 1);
  g_assert_cmpuint (rig.tpm.forgotten, ==, 3);
}

static void
a_machine_stands_still_only_when_the_command_is_over (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  bool done = false;
  vt_tpm_crb.quiesce (rig.b.dev, tpm_rig_set_done, &done);
  g_assert_true (done);
  send (&rig);
  done = false;
  vt_tpm_crb.quiesce (rig.b.dev, tpm_rig_set_done, &done);
  g_assert_false (done);
  g_assert_cmpuint (rig.tpm.hurried, ==, 1);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  g_assert_true (done);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x4c), ==, 0);
}

static void
a_reset_drops_what_is_under_way (void)
{
  g_auto(TpmRig) rig;
  rig_init (&rig);
  send (&rig);
  vt_device_reset (rig.b.dev, VT_RESET_GUEST);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x00), ==, 0x81);
  put (&rig, 0, 0x08, 1);
  put (&rig, 0, 0x40, 1);
  scripted_answer (&rig.tpm, randomness, sizeof randomness);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x44), ==, 0);
  g_assert_cmphex (tpm_rig_get (&rig, 0, 0x80), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/tpm-crb/identity", it_says_what_it_is_and_where_its_buffers_are);
  g_test_add_func ("/tpm-crb/command", a_command_is_sent_whole_and_its_answer_takes_its_place);
  g_test_add_func ("/tpm-crb/bypass", a_command_may_begin_with_its_first_byte);
  g_test_add_func ("/tpm-crb/once", a_command_is_started_once_and_only_when_ready);
  g_test_add_func ("/tpm-crb/length", a_command_of_impossible_length_never_reaches_the_tpm);
  g_test_add_func ("/tpm-crb/longest", the_longest_command_and_answer_fit);
  g_test_add_func ("/tpm-crb/cancel", a_cancelled_command_still_has_its_answer);
  g_test_add_func ("/tpm-crb/failure", a_tpm_that_has_failed_says_so_in_answer_and_status);
  g_test_add_func ("/tpm-crb/localities", localities_wait_for_each_other_unless_a_higher_one_seizes);
  g_test_add_func ("/tpm-crb/seize", who_seizes_sees_nothing_of_the_other_ones_command);
  g_test_add_func ("/tpm-crb/established", only_localities_3_and_4_forget_a_measured_launch);
  g_test_add_func ("/tpm-crb/quiesce", a_machine_stands_still_only_when_the_command_is_over);
  g_test_add_func ("/tpm-crb/reset", a_reset_drops_what_is_under_way);
  return g_test_run ();
}
