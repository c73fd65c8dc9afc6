/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "apic.h"

#include "x86-test.h"

#define N_CPUS    3u
#define PAGE      UINT64_C (0xfee00000)
#define REG_TPR   0x080u
#define REG_EOI   0x0b0u
#define REG_LDR   0x0d0u
#define REG_DFR   0x0e0u
#define REG_SVR   0x0f0u
#define REG_LVT_TIMER 0x320u
#define REG_LVT_LINT0 0x350u
#define REG_LVT_LINT1 0x360u
#define REG_INITIAL   0x380u
#define REG_CURRENT   0x390u
#define REG_DIVIDE    0x3e0u

typedef struct
{
  VtClock    *clock;
  VtMem      *mem;
  VtX86Model *model;
  VtApicBus  *bus;
  VtX86Cpu   *cpu[N_CPUS];
  VtDevice   *dev[N_CPUS];
  int         last_eoi;
} Fixture;

static void
note_eoi (void *opaque, uint8_t vector)
{
  ((Fixture *) opaque)->last_eoi = vector;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  GError *error = NULL;
  f->clock = vt_clock_new_manual ();
  vt_clock_start (f->clock);
  f->mem = vt_mem_new ("memory", UINT64_C (1) << VT_X86_PHYS_BITS, NULL);
  f->model = vt_x86_model_new (NULL, N_CPUS, &error);
  f->bus = vt_apic_bus_new ();
  vt_apic_bus_set_eoi (f->bus, note_eoi, f);
  f->last_eoi = -1;
  for (unsigned i = 0; i < N_CPUS; i++)
    {
      f->cpu[i] = vt_x86_cpu_new (&(VtX86CpuConfig) {
        .index = i, .mem = f->mem, .clock = f->clock, .model = f->model, .tsc_hz = 2000000000 });
      f->dev[i] = vt_device_new (&vt_apic_class, "apic");
      VtApicConfig config = { .cpu = f->cpu[i], .bus = f->bus };
      g_assert_true (vt_device_realize (f->dev[i], &(VtEnv) { .clock = f->clock, .config = &config }, &error));
      vt_device_reset (f->dev[i], VT_RESET_POWER);
      vt_apic_mmio_write (f->cpu[i]->apic, PAGE + REG_SVR, 0x1ff, 4);
      vt_apic_mmio_write (f->cpu[i]->apic, PAGE + REG_LDR, (1u << i) << 24, 4);
    }
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  for (unsigned i = 0; i < N_CPUS; i++)
    {
      vt_device_free (f->dev[i]);
      vt_x86_cpu_free (f->cpu[i]);
    }
  vt_apic_bus_free (f->bus);
  vt_x86_model_free (f->model);
  vt_mem_free (f->mem);
  vt_clock_free (f->clock);
}

static int
pending (Fixture *f, unsigned cpu)
{
  return vt_apic_pending (f->cpu[cpu]->apic);
}

static void
put (Fixture *f, unsigned cpu, unsigned reg, uint32_t value)
{
  vt_apic_mmio_write (f->cpu[cpu]->apic, PAGE + reg, value, 4);
}

static uint32_t
get (Fixture *f, unsigned cpu, unsigned reg)
{
  return vt_apic_mmio_read (f->cpu[cpu]->apic, PAGE + reg, 4);
}

/* Message to a physical or logical destination. */
static void
message (Fixture *f, uint8_t dest, uint32_t address_bits, uint32_t data)
{
  vt_apic_bus_deliver (f->bus, PAGE | (uint32_t) dest << 12 | address_bits, data);
}

static void
a_message_reaches_its_processor (Fixture *f, gconstpointer data)
{
  message (f, 1, 0, 0x40);
  g_assert_cmpint (pending (f, 0), ==, VT_APIC_NONE);
  g_assert_cmpint (pending (f, 1), ==, 0x40);
  g_assert_true (vt_vcpu_requests (&f->cpu[1]->vcpu) & VT_VCPU_INTERRUPT);
}

static void
a_logical_message_reaches_a_set (Fixture *f, gconstpointer data)
{
  message (f, 5, 1 << 2, 0x41);
  g_assert_cmpint (pending (f, 0), ==, 0x41);
  g_assert_cmpint (pending (f, 1), ==, VT_APIC_NONE);
  g_assert_cmpint (pending (f, 2), ==, 0x41);
}

static void
clusters_are_matched (Fixture *f, gconstpointer data)
{
  for (unsigned i = 0; i < N_CPUS; i++)
    {
      put (f, i, REG_DFR, 0x0fffffff);
      put (f, i, REG_LDR, ((i / 2) << 4 | 1u << (i & 1)) << 24);
    }
  message (f, 0x11, 1 << 2, 0x42);
  g_assert_cmpint (pending (f, 2), ==, 0x42);
  g_assert_cmpint (pending (f, 0), ==, VT_APIC_NONE);
}

static void
lowest_priority_spares_the_busy (Fixture *f, gconstpointer data)
{
  put (f, 0, REG_TPR, 0x20);
  put (f, 1, REG_TPR, 0x10);
  put (f, 2, REG_TPR, 0x30);
  message (f, 7, 1 << 2 | 1 << 3, 0x50 | 1 << 8);
  g_assert_cmpint (pending (f, 1), ==, 0x50);
  g_assert_cmpint (pending (f, 0), ==, VT_APIC_NONE);
  g_assert_cmpint (pending (f, 2), ==, VT_APIC_NONE);
}

static void
higher_vectors_nest_and_eoi_unwinds (Fixture *f, gconstpointer data)
{
  VtApic *apic = f->cpu[0]->apic;
  message (f, 0, 0, 0x51);
  vt_apic_accept (apic, 0x51);
  message (f, 0, 0, 0x52);
  g_assert_cmpint (pending (f, 0), ==, VT_APIC_NONE);   /* same priority class */
  message (f, 0, 0, 0x61);
  g_assert_cmpint (pending (f, 0), ==, 0x61);
  vt_apic_accept (apic, 0x61);
  put (f, 0, REG_EOI, 0);
  g_assert_cmpint (pending (f, 0), ==, VT_APIC_NONE);
  put (f, 0, REG_EOI, 0);
  g_assert_cmpint (pending (f, 0), ==, 0x52);
}

static void
only_level_triggered_vectors_are_broadcast (Fixture *f, gconstpointer data)
{
  message (f, 0, 0, 0x51);
  vt_apic_accept (f->cpu[0]->apic, 0x51);
  put (f, 0, REG_EOI, 0);
  g_assert_cmpint (f->last_eoi, ==, -1);
  message (f, 0, 0, 0x52 | 1 << 15 | 1 << 14);
  vt_apic_accept (f->cpu[0]->apic, 0x52);
  put (f, 0, REG_EOI, 0);
  g_assert_cmpint (f->last_eoi, ==, 0x52);
}

static void
the_8259_comes_through_lint0 (Fixture *f, gconstpointer data)
{
  put (f, 0, REG_LVT_LINT0, 7 << 8);
  put (f, 1, REG_LVT_LINT0, 1 << 16);
  vt_apic_bus_set_lint (f->bus, VT_APIC_LINT0, true);
  g_assert_cmpint (pending (f, 0), ==, VT_APIC_EXTINT);
  g_assert_cmpint (pending (f, 1), ==, VT_APIC_NONE);
  vt_apic_bus_set_lint (f->bus, VT_APIC_LINT0, false);
  g_assert_cmpint (pending (f, 0), ==, VT_APIC_NONE);
}

static void
lint1_makes_an_nmi (Fixture *f, gconstpointer data)
{
  put (f, 0, REG_LVT_LINT1, 4 << 8);
  vt_apic_bus_set_lint (f->bus, VT_APIC_LINT1, true);
  g_assert_cmpuint (f->cpu[0]->s.nmi_pending, ==, 1);
  g_assert_cmpuint (f->cpu[1]->s.nmi_pending, ==, 0);
}

static void
the_count_runs_down_exactly (Fixture *f, gconstpointer data)
{
  put (f, 0, REG_DIVIDE, 3);                  /* by 16 */
  put (f, 0, REG_LVT_TIMER, 0x40);
  put (f, 0, REG_INITIAL, 1000);              /* 16 us at 1 GHz */
  g_assert_cmpuint (get (f, 0, REG_CURRENT), ==, 1000);
  vt_clock_advance (f->clock, 8000);
  g_assert_cmpuint (get (f, 0, REG_CURRENT), ==, 500);
  vt_clock_advance (f->clock, 7999);
  g_assert_cmpint (pending (f, 0), ==, VT_APIC_NONE);
  vt_clock_advance (f->clock, 1);
  g_assert_cmpint (pending (f, 0), ==, 0x40);
  g_assert_cmpuint (get (f, 0, REG_CURRENT), ==, 0);
}

static void
a_tsc_deadline_follows_the_tsc (Fixture *f, gconstpointer data)
{
  VtApic *apic = f->cpu[0]->apic;
  put (f, 0, REG_LVT_TIMER, 2 << 17 | 0x41);
  uint64_t tsc = vt_x86_read_tsc (f->cpu[0]);
  g_assert_true (vt_apic_msr_write (apic, 0x6e0, tsc + 20000));   /* 10 us at 2 GHz */
  vt_clock_advance (f->clock, 9999);
  g_assert_cmpint (pending (f, 0), ==, VT_APIC_NONE);
  vt_clock_advance (f->clock, 2);
  g_assert_cmpint (pending (f, 0), ==, 0x41);
  g_assert_cmpuint (vt_x86_read_tsc (f->cpu[0]), >=, tsc + 20000);
}

static void
a_saved_timer_fires_after_the_load (Fixture *f, gconstpointer data)
{
  g_autoptr(GByteArray) stream = g_byte_array_new ();
  GError *error = NULL;
  put (f, 0, REG_DIVIDE, 0xb);
  put (f, 0, REG_LVT_TIMER, 0x40);
  put (f, 0, REG_INITIAL, 1000);
  vt_device_save (f->dev[0], stream);
  vt_device_reset (f->dev[0], VT_RESET_POWER);
  vt_clock_advance (f->clock, 500);
  g_assert_true (vt_device_load (f->dev[0], vt_apic_class.state.version, stream->data, stream->len, &error));
  g_assert_no_error (error);
  vt_clock_advance (f->clock, 499);
  g_assert_cmpint (pending (f, 0), ==, VT_APIC_NONE);
  vt_clock_advance (f->clock, 1);
  g_assert_cmpint (pending (f, 0), ==, 0x40);
}

static void
a_fast_periodic_timer_does_not_hang_the_host (Fixture *f, gconstpointer data)
{
  put (f, 0, REG_DIVIDE, 0xb);
  put (f, 0, REG_LVT_TIMER, 1 << 17 | 0x40);
  put (f, 0, REG_INITIAL, 1);
  vt_clock_advance (f->clock, VT_NS_PER_SECOND);
  g_assert_cmpint (pending (f, 0), ==, 0x40);
  g_assert_cmpint (vt_clock_next_deadline (f->clock), >, vt_clock_now (f->clock));
}

static void
init_then_sipi_both_wait_for_the_processor (Fixture *f, gconstpointer data)
{
  f->cpu[1]->s.activity = VT_X86_RUNNING;
  message (f, 1, 0, 6 << 8 | 0x12);           /* a SIPI while running is dropped */
  g_assert_cmpuint (f->cpu[1]->s.sipi_pending, ==, 0);
  message (f, 1, 0, 5 << 8);
  message (f, 1, 0, 6 << 8 | 0x12);
  g_assert_true (vt_x86_service_events (f->cpu[1]));
  g_assert_cmpuint (f->cpu[1]->s.activity, ==, VT_X86_RUNNING);
  g_assert_cmphex (f->cpu[1]->s.seg[VT_CS].selector, ==, 0x1200);
  g_assert_cmphex (f->cpu[1]->s.rip, ==, 0);
}

static void
fields_cover_the_state (void)
{
  g_autofree char *message_text = NULL;
  g_assert_true (vt_state_complete (&vt_apic_class.state, &message_text));
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void      (*run) (Fixture *f, gconstpointer data);
  } tests[] = {
    { "a message reaches its processor", a_message_reaches_its_processor },
    { "a logical message reaches a set", a_logical_message_reaches_a_set },
    { "clusters are matched", clusters_are_matched },
    { "lowest priority spares the busy", lowest_priority_spares_the_busy },
    { "higher vectors nest and EOI unwinds", higher_vectors_nest_and_eoi_unwinds },
    { "only level-triggered vectors are broadcast", only_level_triggered_vectors_are_broadcast },
    { "the 8259 comes through LINT0", the_8259_comes_through_lint0 },
    { "LINT1 makes an NMI", lint1_makes_an_nmi },
    { "the count runs down exactly", the_count_runs_down_exactly },
    { "a TSC deadline follows the TSC", a_tsc_deadline_follows_the_tsc },
    { "a saved timer fires after the load", a_saved_timer_fires_after_the_load },
    { "a fast periodic timer does not hang the host", a_fast_periodic_timer_does_not_hang_the_host },
    { "INIT then SIPI both wait for the processor", init_then_sipi_both_wait_for_the_processor },
  };
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/apic/fields cover the state", fields_cover_the_state);
  for (unsigned i = 0; i < G_N_ELEMENTS (tests); i++)
    {
      g_autofree char *path = g_strdup_printf ("/apic/%s", tests[i].name);
      g_test_add (path, Fixture, NULL, set_up, tests[i].run, tear_down);
    }
  return g_test_run ();
}
