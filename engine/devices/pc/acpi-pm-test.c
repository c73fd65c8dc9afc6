/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "acpi-pm.h"
#include "testbench.h"

#define P &vt_acpi_pm_region
#define APM &vt_acpi_pm_apm_region

static uint16_t
get16 (Bench *b, unsigned off)
{
  return (uint16_t) bench_read (b, P, off, 2);
}

static void
put16 (Bench *b, unsigned off, uint16_t value)
{
  bench_write (b, P, off, value, 2);
}

static void
the_enable_command_switches_sci_on (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_acpi_pm_class, NULL);
  bench_out (&b, APM, 0, VT_ACPI_PM_ENABLE_CMD);
  g_assert_cmphex (get16 (&b, 4), ==, 1);
  g_assert_cmphex (bench_in (&b, APM, 0), ==, VT_ACPI_PM_ENABLE_CMD);
  bench_out (&b, APM, 0, VT_ACPI_PM_DISABLE_CMD);
  g_assert_cmphex (get16 (&b, 4), ==, 0);
}

static void
the_power_button_raises_sci_until_its_status_is_cleared (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_acpi_pm_class, NULL);
  put16 (&b, 2, 0x0100);
  vt_acpi_pm_power_button (b.dev);
  g_assert_false (b.level[0]);
  g_assert_false (vt_acpi_pm_enabled (b.dev));
  bench_out (&b, APM, 0, VT_ACPI_PM_ENABLE_CMD);
  g_assert_true (b.level[0]);
  g_assert_true (vt_acpi_pm_enabled (b.dev));
  g_assert_cmphex (bench_read (&b, P, 0, 4), ==, 0x01000100);
  put16 (&b, 0, 0x0001);
  g_assert_true (b.level[0]);
  put16 (&b, 0, 0x0100);
  g_assert_false (b.level[0]);
}

static void
the_timer_runs_at_3579545_hz_and_tells_when_its_top_bit_toggles (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_acpi_pm_class, NULL);
  bench_out (&b, APM, 0, VT_ACPI_PM_ENABLE_CMD);
  put16 (&b, 2, 0x0001);
  vt_clock_advance (b.clock, VT_NS_PER_SECOND);
  g_assert_cmpuint (bench_read (&b, P, 8, 4), ==, 3579545);
  int64_t half = vt_ticks_to_ns (0x800000, 3579545);   /* rounded down */
  vt_clock_advance (b.clock, half - VT_NS_PER_SECOND);
  g_assert_false (b.level[0]);
  vt_clock_advance (b.clock, 1);
  g_assert_true (b.level[0]);
  g_assert_cmphex (bench_read (&b, P, 8, 4), ==, 0x800000);
  put16 (&b, 0, 0x0001);
  g_assert_false (b.level[0]);
  vt_clock_advance (b.clock, half + 1);
  g_assert_true (b.level[0]);
  g_assert_cmphex (bench_read (&b, P, 8, 4), <=, 1);
}

static void
general_purpose_events_share_the_sci (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_acpi_pm_class, NULL);
  bench_out (&b, APM, 0, VT_ACPI_PM_ENABLE_CMD);
  bench_write (&b, P, 0x28, 0x02, 1);
  vt_acpi_pm_gpe (b.dev, 1);
  vt_acpi_pm_gpe (b.dev, 33);
  g_assert_true (b.level[0]);
  g_assert_cmphex (bench_read (&b, P, 0x20, 4), ==, 2);
  g_assert_cmphex (bench_read (&b, P, 0x24, 4), ==, 2);
  bench_write (&b, P, 0x20, 0x02, 1);
  g_assert_false (b.level[0]);
  bench_write (&b, P, 0x2c, 0x02, 4);
  g_assert_true (b.level[0]);
}

static void
soft_off_asks_the_machine_to_power_off (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_acpi_pm_class, NULL);
  put16 (&b, 4, 1 | VT_ACPI_PM_SLP_TYP_S5 << 10);
  g_assert_cmpuint (b.requests, ==, 0);
  put16 (&b, 4, 1 | VT_ACPI_PM_SLP_TYP_S5 << 10 | 0x2000);
  g_assert_cmpuint (b.requests, ==, 1);
  g_assert_cmpint (b.request, ==, VT_REQUEST_POWER_OFF);
  g_assert_cmphex (get16 (&b, 4), ==, 1);
  put16 (&b, 4, 1 | 7 << 10 | 0x2000);
  g_assert_cmpuint (b.requests, ==, 2);
}

static void
suspend_is_refused_unless_the_machine_offers_it (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_acpi_pm_class, NULL);
  put16 (&b, 4, VT_ACPI_PM_SLP_TYP_S3 << 10 | 0x2000);
  g_assert_cmpuint (b.requests, ==, 0);
  g_assert_cmpuint (b.dev->guest_warnings, ==, 1);
  g_auto(Bench) c;
  bench_init (&c, &vt_acpi_pm_class, &(VtAcpiPmConfig) { .s3 = true, .timer_32bit = true });
  put16 (&c, 4, VT_ACPI_PM_SLP_TYP_S3 << 10 | 0x2000);
  g_assert_cmpint (c.request, ==, VT_REQUEST_SUSPEND);
  vt_clock_advance (c.clock, 10 * VT_NS_PER_SECOND);
  g_assert_cmpuint (bench_read (&c, P, 8, 4), ==, 35795450);
}

static void
firmware_finds_smm_taken_care_of (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_acpi_pm_class, NULL);
  g_assert_cmphex (bench_read (&b, P, 0x30, 4), ==, 0x21);
}

#define SMI VT_ACPI_PM_WIRE_SMI

static void
the_apm_port_brings_an_smi_while_firmware_wants_that (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_acpi_pm_smm_class, NULL);
  g_assert_cmphex (bench_read (&b, P, 0x30, 4), ==, 0);
  static const struct { uint32_t enable; unsigned smis; } steps[] = { { 0, 0 }, { 0x20, 0 }, { 0x01, 0 }, { 0x21, 1 } };
  for (unsigned i = 0; i < G_N_ELEMENTS (steps); i++)
    {
      bench_write (&b, P, 0x30, steps[i].enable, 4);
      bench_out (&b, APM, 0, 0x55);
      g_assert_cmpuint (b.rises[SMI], ==, steps[i].smis);
    }
  g_assert_cmphex (bench_read (&b, P, 0x34, 4), ==, 0x20);
  bench_write (&b, P, 0x34, 0x20, 4);
  g_assert_cmphex (bench_read (&b, P, 0x34, 4), ==, 0);
  bench_out (&b, APM, 1, 0x55);
  bench_out (&b, APM, 0, VT_ACPI_PM_ENABLE_CMD);
  g_assert_cmpuint (b.rises[SMI], ==, 1);
  g_assert_cmphex (get16 (&b, 4), ==, 1);
}

static void
smi_lock_keeps_smis_on (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_acpi_pm_smm_class, NULL);
  VtIrq lock = vt_acpi_pm_smi_lock (b.dev);
  bench_write (&b, P, 0x30, 0x21, 4);
  vt_irq_set (&lock, true);
  bench_write (&b, P, 0x30, 0x22, 4);
  g_assert_cmphex (bench_read (&b, P, 0x30, 4), ==, 0x21);
  bench_out (&b, APM, 0, 0);
  g_assert_cmpuint (b.rises[SMI], ==, 1);
  vt_irq_set (&lock, false);
  bench_write (&b, P, 0x30, 0x20, 4);
  g_assert_cmphex (bench_read (&b, P, 0x30, 4), ==, 0x20);
}

static void
without_the_mode_the_apm_port_brings_no_smi (void)
{
  g_auto(Bench) b;
  bench_init (&b, &vt_acpi_pm_class, NULL);
  bench_out (&b, APM, 0, 0x55);
  g_assert_cmpuint (b.rises[SMI], ==, 0);
  g_assert_cmphex (bench_read (&b, P, 0x34, 4), ==, 0);
  bench_write (&b, P, 0x30, 0x02, 4);
  g_assert_cmphex (bench_read (&b, P, 0x30, 4), ==, 0x02);
}

static void
piix4_has_its_events_at_another_place (void)
{
  g_auto(Bench) b;
  const VtRegion *piix4 = &vt_acpi_pm_piix4_region;
  bench_init (&b, &vt_acpi_pm_class, NULL);
  bench_out (&b, APM, 0, VT_ACPI_PM_ENABLE_CMD);
  g_assert_cmphex (bench_read (&b, piix4, 4, 2), ==, 1);
  bench_write (&b, piix4, 0x0c, 0x00020000, 4);
  g_assert_cmphex (bench_read (&b, P, VT_ACPI_PM_GPE0 + 8, 2), ==, 2);
  vt_acpi_pm_gpe (b.dev, 1);
  g_assert_true (b.level[0]);
  g_assert_cmphex (bench_read (&b, piix4, 0x0c, 4), ==, 0x00020002);
  bench_out (&b, piix4, 0x0c, 2);
  g_assert_false (b.level[0]);
  vt_clock_advance (b.clock, VT_NS_PER_SECOND);
  g_assert_cmpuint (bench_read (&b, piix4, 8, 4), ==, bench_read (&b, P, 8, 4));
  g_assert_cmphex (bench_read (&b, piix4, 0x20, 4), ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/acpi-pm/enable", the_enable_command_switches_sci_on);
  g_test_add_func ("/acpi-pm/power-button", the_power_button_raises_sci_until_its_status_is_cleared);
  g_test_add_func ("/acpi-pm/timer", the_timer_runs_at_3579545_hz_and_tells_when_its_top_bit_toggles);
  g_test_add_func ("/acpi-pm/gpe", general_purpose_events_share_the_sci);
  g_test_add_func ("/acpi-pm/soft-off", soft_off_asks_the_machine_to_power_off);
  g_test_add_func ("/acpi-pm/suspend", suspend_is_refused_unless_the_machine_offers_it);
  g_test_add_func ("/acpi-pm/smm", firmware_finds_smm_taken_care_of);
  g_test_add_func ("/acpi-pm/smi", the_apm_port_brings_an_smi_while_firmware_wants_that);
  g_test_add_func ("/acpi-pm/smi-lock", smi_lock_keeps_smis_on);
  g_test_add_func ("/acpi-pm/no-smi", without_the_mode_the_apm_port_brings_no_smi);
  g_test_add_func ("/acpi-pm/piix4", piix4_has_its_events_at_another_place);
  return g_test_run ();
}
