/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "smi.h"
#include "testbench.h"

static void
ask (Bench *b, uint64_t features)
{
  uint8_t content[VT_SMI_FEATURES_BYTES];
  vt_store_le (content, features, sizeof content);
  vt_smi_requested (b->dev, content, sizeof content);
}

static uint8_t
agree (Bench *b)
{
  uint8_t ok = 0xff;
  vt_smi_agree (b->dev, &ok, 1);
  return ok;
}

static void
an_smi_reaches_the_processor_that_asked_until_all_are_agreed_on (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_smi_class, NULL);
  VtIrq in = vt_smi_input (b.dev);
  vt_irq_pulse (&in);
  g_assert_cmpuint (b.rises[VT_SMI_WIRE_HERE], ==, 1);
  g_assert_cmpuint (b.rises[VT_SMI_WIRE_ALL], ==, 0);
  ask (&b, VT_SMI_FEATURE_BROADCAST);
  vt_irq_pulse (&in);
  g_assert_cmpuint (b.rises[VT_SMI_WIRE_HERE], ==, 2);
  g_assert_cmpuint (agree (&b), ==, 1);
  vt_irq_pulse (&in);
  g_assert_cmpuint (b.rises[VT_SMI_WIRE_HERE], ==, 2);
  g_assert_cmpuint (b.rises[VT_SMI_WIRE_ALL], ==, 1);
}

static void
unknown_features_are_refused_and_agreed_ones_stay_until_a_reset (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_smi_class, NULL);
  VtIrq in = vt_smi_input (b.dev);
  ask (&b, VT_SMI_FEATURE_BROADCAST | 2);
  g_assert_cmpuint (agree (&b), ==, 0);
  ask (&b, VT_SMI_FEATURE_BROADCAST);
  g_assert_cmpuint (agree (&b), ==, 1);
  ask (&b, 0);
  g_assert_cmpuint (agree (&b), ==, 1);
  vt_irq_pulse (&in);
  g_assert_cmpuint (b.rises[VT_SMI_WIRE_ALL], ==, 1);
  vt_device_reset (b.dev, VT_RESET_GUEST);
  vt_irq_pulse (&in);
  g_assert_cmpuint (b.rises[VT_SMI_WIRE_HERE], ==, 1);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/smi/reach", an_smi_reaches_the_processor_that_asked_until_all_are_agreed_on);
  g_test_add_func ("/smi/agreement", unknown_features_are_refused_and_agreed_ones_stay_until_a_reset);
  return g_test_run ();
}
