/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pic.h"
#include "testbench.h"

#define M &vt_pic_master_region
#define S &vt_pic_slave_region

/* The usual set-up of a PC: vectors 0x20 and 0x28, all unmasked. */
static void
pc_init (Bench *b, uint8_t icw4_master)
{
  bench_init (b, &vt_pic_class, NULL);
  bench_out (b, M, 0, 0x11);
  bench_out (b, M, 1, 0x20);
  bench_out (b, M, 1, 0x04);
  bench_out (b, M, 1, icw4_master);
  bench_out (b, S, 0, 0x11);
  bench_out (b, S, 1, 0x28);
  bench_out (b, S, 1, 0x02);
  bench_out (b, S, 1, 0x01);
}

static void
drive (Bench *b, unsigned irq, bool level)
{
  if (b->in[irq].set == NULL)
    b->in[irq] = vt_pic_input (b->dev, irq, "test");
  vt_irq_set (&b->in[irq], level);
}

static void
a_request_becomes_its_vector_and_is_served_until_eoi (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x01);
  drive (&b, 3, true);
  g_assert_true (b.level[VT_PIC_WIRE_INTR]);
  g_assert_cmphex (bench_in (&b, M, 0), ==, 0x08);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x23);
  g_assert_false (b.level[VT_PIC_WIRE_INTR]);
  bench_out (&b, M, 0, 0x0b);
  g_assert_cmphex (bench_in (&b, M, 0), ==, 0x08);
  drive (&b, 4, true);
  g_assert_false (vt_pic_pending (b.dev));
  drive (&b, 1, true);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x21);
  bench_out (&b, M, 0, 0x20);
  g_assert_cmphex (bench_in (&b, M, 0), ==, 0x08);
  bench_out (&b, M, 0, 0x63);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x24);
}

static void
the_slave_interrupts_through_the_cascade (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x01);
  drive (&b, 12, true);
  g_assert_cmphex (bench_in (&b, M, 0), ==, 0x04);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x2c);
  drive (&b, 9, true);
  g_assert_false (vt_pic_pending (b.dev));   /* the master serves its IR2 */
  bench_out (&b, S, 0, 0x20);
  g_assert_false (vt_pic_pending (b.dev));
  bench_out (&b, M, 0, 0x20);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x29);
}

static void
special_fully_nested_mode_lets_the_slave_interrupt_itself (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x11);
  drive (&b, 12, true);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x2c);
  drive (&b, 9, true);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x29);
  drive (&b, 14, true);
  g_assert_false (vt_pic_pending (b.dev));
}

static void
masking_withdraws_a_request_and_the_late_acknowledge_is_spurious (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x01);
  drive (&b, 5, true);
  bench_out (&b, M, 1, 0xff);
  g_assert_false (b.level[VT_PIC_WIRE_INTR]);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x27);
  bench_out (&b, M, 0, 0x0b);
  g_assert_cmphex (bench_in (&b, M, 0), ==, 0);   /* a spurious interrupt is not in service */
  bench_out (&b, M, 1, 0x00);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x25);
}

static void
an_edge_counts_once_and_a_level_as_long_as_it_lasts (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x01);
  bench_out (&b, &vt_pic_elcr_region, 0, 0xff);
  g_assert_cmphex (bench_in (&b, &vt_pic_elcr_region, 0), ==, 0xf8);
  bench_out (&b, &vt_pic_elcr_region, 1, 0xff);
  g_assert_cmphex (bench_in (&b, &vt_pic_elcr_region, 1), ==, 0xde);
  drive (&b, 1, true);
  vt_pic_acknowledge (b.dev);
  bench_out (&b, M, 0, 0x20);
  g_assert_false (vt_pic_pending (b.dev));
  drive (&b, 5, true);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x25);
  bench_out (&b, M, 0, 0x20);
  g_assert_true (vt_pic_pending (b.dev));
  drive (&b, 5, false);
  g_assert_false (vt_pic_pending (b.dev));
}

static void
a_shared_level_input_falls_with_its_last_wire (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x01);
  bench_out (&b, &vt_pic_elcr_region, 0, 0x20);
  VtIrq first = vt_pic_input (b.dev, 5, "first"), second = vt_pic_input (b.dev, 5, "second");
  vt_irq_set (&first, true);
  vt_irq_set (&second, true);
  vt_irq_set (&first, false);
  g_assert_true (vt_pic_pending (b.dev));
  vt_irq_set (&second, false);
  g_assert_false (vt_pic_pending (b.dev));
}

static void
automatic_eoi_leaves_nothing_in_service_and_may_rotate (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x03);
  bench_out (&b, M, 0, 0x80);   /* rotate in automatic EOI mode */
  drive (&b, 0, true);
  drive (&b, 1, true);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x20);
  drive (&b, 0, false);
  drive (&b, 0, true);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x21);   /* 0 went to the end of the queue */
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x20);
}

static void
rotation_and_set_priority_move_the_lowest_level (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x01);
  bench_out (&b, M, 0, 0xc0 | 3);   /* IR3 lowest, IR4 highest */
  drive (&b, 0, true);
  drive (&b, 5, true);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x25);
  bench_out (&b, M, 0, 0xa0);   /* rotate on non-specific EOI: now IR6 is highest, IR0 next but one */
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x20);
  drive (&b, 6, true);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x26);
  bench_out (&b, M, 0, 0xe0 | 6);   /* rotate on specific EOI */
  bench_out (&b, M, 0, 0x20);
}

static void
special_mask_mode_lets_lower_levels_through_a_masked_one (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x01);
  drive (&b, 1, true);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x21);
  bench_out (&b, M, 1, 0x02);
  drive (&b, 6, true);
  g_assert_false (vt_pic_pending (b.dev));
  bench_out (&b, M, 0, 0x68);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x26);
  bench_out (&b, M, 0, 0x48);   /* off again: both are in service */
  bench_out (&b, M, 1, 0x00);
  drive (&b, 7, true);
  g_assert_false (vt_pic_pending (b.dev));
}

static void
a_poll_reads_the_request_and_takes_it (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x01);
  bench_out (&b, M, 0, 0x0c);
  g_assert_cmphex (bench_in (&b, M, 0), ==, 0);
  drive (&b, 4, true);
  bench_out (&b, M, 0, 0x0c);
  g_assert_cmphex (bench_in (&b, M, 0), ==, 0x84);
  g_assert_false (vt_pic_pending (b.dev));
  bench_out (&b, M, 0, 0x0b);
  g_assert_cmphex (bench_in (&b, M, 0), ==, 0x10);
}

static void
an_initialised_chip_waits_for_a_new_edge (void)
{
  g_auto(Bench) b;
  pc_init (&b, 0x01);
  drive (&b, 4, true);
  bench_out (&b, M, 0, 0x13);   /* single, ICW4 */
  g_assert_false (vt_pic_pending (b.dev));
  bench_out (&b, M, 1, 0x40);
  bench_out (&b, M, 1, 0x01);   /* ICW4 at once */
  bench_out (&b, M, 1, 0xef);
  g_assert_cmphex (bench_in (&b, M, 1), ==, 0xef);
  drive (&b, 4, false);
  drive (&b, 4, true);
  g_assert_cmphex (vt_pic_acknowledge (b.dev), ==, 0x44);
}

static void
a_chip_out_of_reset_is_masked (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_pic_class, NULL);
  drive (&b, 0, true);
  g_assert_false (vt_pic_pending (b.dev));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/pic/vector-and-eoi", a_request_becomes_its_vector_and_is_served_until_eoi);
  g_test_add_func ("/pic/cascade", the_slave_interrupts_through_the_cascade);
  g_test_add_func ("/pic/special-fully-nested", special_fully_nested_mode_lets_the_slave_interrupt_itself);
  g_test_add_func ("/pic/spurious", masking_withdraws_a_request_and_the_late_acknowledge_is_spurious);
  g_test_add_func ("/pic/edge-and-level", an_edge_counts_once_and_a_level_as_long_as_it_lasts);
  g_test_add_func ("/pic/shared-input", a_shared_level_input_falls_with_its_last_wire);
  g_test_add_func ("/pic/automatic-eoi", automatic_eoi_leaves_nothing_in_service_and_may_rotate);
  g_test_add_func ("/pic/rotation", rotation_and_set_priority_move_the_lowest_level);
  g_test_add_func ("/pic/special-mask", special_mask_mode_lets_lower_levels_through_a_masked_one);
  g_test_add_func ("/pic/poll", a_poll_reads_the_request_and_takes_it);
  g_test_add_func ("/pic/initialise", an_initialised_chip_waits_for_a_new_edge);
  g_test_add_func ("/pic/reset", a_chip_out_of_reset_is_masked);
  return g_test_run ();
}
