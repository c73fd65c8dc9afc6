/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "debugcon.h"
#include "testbench.h"

typedef struct
{
  VtChardev chr;
  char      text[16];
  unsigned  length;
} Log;

static void
log_write (VtChardev *chr, const uint8_t *bytes, size_t n)
{
  Log *log = (Log *) chr;
  for (size_t i = 0; i < n; i++)
    log->text[log->length++] = (char) bytes[i];
}

static const VtChardevOps log_ops = { .write = log_write };

static void
bytes_reach_the_back_end_and_firmware_finds_the_port (void)
{
  g_auto(Bench) b;
  Log log = { .chr.ops = &log_ops };
  bench_init (&b, &vt_debugcon_class, &(VtDebugconConfig) { &log.chr });
  bench_out (&b, &vt_debugcon_region, 0, 'h');
  bench_out (&b, &vt_debugcon_region, 0, 'i');
  g_assert_cmpstr (log.text, ==, "hi");
  g_assert_cmphex (bench_in (&b, &vt_debugcon_region, 0), ==, 0xe9);
}

static void
without_a_back_end_it_still_answers (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_debugcon_class, NULL);
  bench_out (&b, &vt_debugcon_region, 0, 'x');
  g_assert_cmphex (bench_in (&b, &vt_debugcon_region, 0), ==, 0xe9);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/debugcon/write", bytes_reach_the_back_end_and_firmware_finds_the_port);
  g_test_add_func ("/debugcon/alone", without_a_back_end_it_still_answers);
  return g_test_run ();
}
