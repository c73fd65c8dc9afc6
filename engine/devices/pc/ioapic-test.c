/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "ioapic.h"
#include "testbench.h"

#define I &vt_ioapic_region

static void
write_index (Bench *b, unsigned index, uint32_t value)
{
  bench_write (b, I, 0x00, index, 4);
  bench_write (b, I, 0x10, value, 4);
}

static uint32_t
read_index (Bench *b, unsigned index)
{
  bench_write (b, I, 0x00, index, 4);
  return (uint32_t) bench_read (b, I, 0x10, 4);
}

static void
program (Bench *b, unsigned pin, uint32_t low, uint8_t destination)
{
  write_index (b, 0x11 + 2 * pin, (uint32_t) destination << 24);
  write_index (b, 0x10 + 2 * pin, low);
}

static void
it_identifies_itself (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_ioapic_class, NULL);
  g_assert_cmphex (read_index (&b, 1), ==, 0x00170020);
  write_index (&b, 0, 0x0f000000);
  g_assert_cmphex (read_index (&b, 0), ==, 0x0f000000);
  g_assert_cmphex (read_index (&b, 0x10), ==, 0x10000);
  g_assert_cmphex (read_index (&b, 0x3e), ==, 0x10000);
  g_assert_cmphex (read_index (&b, 0x40), ==, 0);
}

static void
an_edge_becomes_one_message (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_ioapic_class, NULL);
  VtIrq wire = vt_ioapic_input (b.dev, 4, "test");
  program (&b, 4, 0x0931, 0x03);   /* logical, lowest priority */
  vt_irq_set (&wire, true);
  g_assert_cmpuint (b.messages, ==, 1);
  g_assert_cmphex (b.msi_address, ==, 0xfee0300c);
  g_assert_cmphex (b.msi_data, ==, 0x4131);
  vt_irq_set (&wire, false);
  g_assert_cmpuint (b.messages, ==, 1);
  vt_irq_pulse (&wire);
  g_assert_cmpuint (b.messages, ==, 2);
}

static void
a_level_is_sent_again_after_eoi_while_it_lasts (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_ioapic_class, NULL);
  VtIrq wire = vt_ioapic_input (b.dev, 17, "test");
  program (&b, 17, 0xa045, 0);
  vt_irq_set (&wire, true);
  g_assert_cmpuint (b.messages, ==, 1);
  g_assert_cmphex (b.msi_data, ==, 0xc045);
  g_assert_cmphex (read_index (&b, 0x10 + 34), ==, 0xe045);
  vt_irq_set (&wire, false);
  vt_irq_set (&wire, true);
  g_assert_cmpuint (b.messages, ==, 1);
  vt_ioapic_eoi (b.dev, 0x44);
  g_assert_cmpuint (b.messages, ==, 1);
  vt_ioapic_eoi (b.dev, 0x45);
  g_assert_cmpuint (b.messages, ==, 2);
  vt_irq_set (&wire, false);
  bench_write (&b, I, 0x40, 0x45, 4);   /* the EOI register does the same */
  g_assert_cmpuint (b.messages, ==, 2);
  g_assert_cmphex (read_index (&b, 0x10 + 34), ==, 0xa045);
}

static void
a_masked_request_waits_as_long_as_its_line_is_high (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_ioapic_class, NULL);
  VtIrq edge = vt_ioapic_input (b.dev, 1, "edge"), level = vt_ioapic_input (b.dev, 2, "level");
  program (&b, 1, 0x10021, 0);
  program (&b, 2, 0x18022, 0);
  vt_irq_pulse (&edge);
  vt_irq_pulse (&level);
  g_assert_cmpuint (b.messages, ==, 0);
  program (&b, 2, 0x08022, 0);
  g_assert_cmpuint (b.messages, ==, 0);
  program (&b, 1, 0x00021, 0);
  g_assert_cmpuint (b.messages, ==, 0);
  program (&b, 1, 0x10021, 0);
  vt_irq_set (&edge, true);
  program (&b, 1, 0x00021, 0);
  g_assert_cmpuint (b.messages, ==, 1);
  program (&b, 1, 0x00021, 0);
  g_assert_cmpuint (b.messages, ==, 1);
}

static void
wires_that_share_a_pin_are_ored (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_ioapic_class, NULL);
  VtIrq first = vt_ioapic_input (b.dev, 20, "first"), second = vt_ioapic_input (b.dev, 20, "second");
  program (&b, 20, 0x8030, 0);
  vt_irq_set (&first, true);
  vt_irq_set (&second, true);
  vt_irq_set (&first, false);
  vt_ioapic_eoi (b.dev, 0x30);
  g_assert_cmpuint (b.messages, ==, 2);
  vt_irq_set (&second, false);
  vt_ioapic_eoi (b.dev, 0x30);
  g_assert_cmpuint (b.messages, ==, 2);
}

static void
switching_to_edge_clears_a_stuck_remote_irr (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_ioapic_class, NULL);
  VtIrq wire = vt_ioapic_input (b.dev, 9, "test");
  program (&b, 9, 0x8030, 0);
  vt_irq_set (&wire, true);
  program (&b, 9, 0x10030, 0);
  program (&b, 9, 0x18030, 0);
  g_assert_cmphex (read_index (&b, 0x10 + 18), ==, 0x18030);
  program (&b, 9, 0x8030, 0);
  g_assert_cmpuint (b.messages, ==, 2);
}

static void
read_only_bits_stay (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_ioapic_class, NULL);
  program (&b, 3, 0xffffffff, 0xff);
  g_assert_cmphex (read_index (&b, 0x16), ==, 0x1afff);
  g_assert_cmphex (read_index (&b, 0x17), ==, 0xff000000);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ioapic/identity", it_identifies_itself);
  g_test_add_func ("/ioapic/edge", an_edge_becomes_one_message);
  g_test_add_func ("/ioapic/level", a_level_is_sent_again_after_eoi_while_it_lasts);
  g_test_add_func ("/ioapic/masked", a_masked_request_waits_as_long_as_its_line_is_high);
  g_test_add_func ("/ioapic/shared", wires_that_share_a_pin_are_ored);
  g_test_add_func ("/ioapic/stuck", switching_to_edge_clears_a_stuck_remote_irr);
  g_test_add_func ("/ioapic/bits", read_only_bits_stay);
  return g_test_run ();
}
