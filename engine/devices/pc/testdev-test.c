/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "testdev.h"
#include "testbench.h"

static void
ports_echo_what_was_written (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_testdev_class, NULL);
  bench_write (&b, &vt_testdev_echo_region, 0, 0x12345678, 4);
  g_assert_cmphex (bench_read (&b, &vt_testdev_echo_region, 0, 4), ==, 0x12345678);
  g_assert_cmphex (bench_read (&b, &vt_testdev_echo_region, 2, 2), ==, 0x1234);
  bench_out (&b, &vt_testdev_bytes_region, 3, 0x99);
  g_assert_cmphex (bench_in (&b, &vt_testdev_bytes_region, 3), ==, 0x99);
}

static void
lines_follow_their_ports (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_testdev_class, NULL);
  bench_out (&b, &vt_testdev_irq_region, 17, 1);
  g_assert_true (b.level[17]);
  vt_device_reset (b.dev, VT_RESET_GUEST);
  g_assert_false (b.level[17]);
}

static void
memory_is_the_ram_that_was_handed_in (void)
{
  g_auto(Bench) b;
  void *host = g_aligned_alloc0 (1, VT_TESTDEV_MEMORY_BYTES, VT_PAGE_SIZE);
  g_autoptr(VtRam) ram = vt_ram_new ("test", host, VT_TESTDEV_MEMORY_BYTES, NULL);
  bench_init (&b, &vt_testdev_class, &(VtTestdevConfig) { ram });
  bench_write (&b, &vt_testdev_memory_region, VT_TESTDEV_MEMORY_BYTES - 8, 0x1122334455667788, 8);
  g_assert_cmphex (bench_read (&b, &vt_testdev_memory_region, VT_TESTDEV_MEMORY_BYTES - 4, 4), ==, 0x11223344);
  g_assert_cmphex (((uint8_t *) host)[VT_TESTDEV_MEMORY_BYTES - 8], ==, 0x88);
  g_aligned_free (host);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/testdev/echo", ports_echo_what_was_written);
  g_test_add_func ("/testdev/lines", lines_follow_their_ports);
  g_test_add_func ("/testdev/memory", memory_is_the_ram_that_was_handed_in);
  return g_test_run ();
}
