/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "irq.h"

#include <glib.h>

static void
count_rising (void *sink, unsigned pin, bool level)
{
  *(int *) sink += level;
}

static void
same_level_twice_makes_one_edge (void)
{
  int   edges = 0;
  VtIrq irq = { .set = count_rising, .sink = &edges, .label = "test" };
  vt_irq_set (&irq, true);
  vt_irq_set (&irq, true);
  g_assert_cmpint (edges, ==, 1);
  vt_irq_set (&irq, false);
  vt_irq_pulse (&irq);
  g_assert_cmpint (edges, ==, 2);
}

static void
a_muted_wire_moves_without_an_edge (void)
{
  int   edges = 0;
  bool  loading = true;
  VtIrq irq = { .set = count_rising, .sink = &edges, .muted = &loading, .label = "test" };
  vt_irq_set (&irq, true);
  loading = false;
  vt_irq_set (&irq, true);
  g_assert_true (irq.level);
  g_assert_cmpint (edges, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/irq/one-edge", same_level_twice_makes_one_edge);
  g_test_add_func ("/irq/muted", a_muted_wire_moves_without_an_edge);
  return g_test_run ();
}
