/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One processor on the real /dev/kvm, in real mode; skipped where there is none. */
#include "kvm-private.h"

#include "x86-sys.h"

#define RAM_PAGES 16u
#define CODE_AT 0x1000u
#define ROM_AT 0x20000u

typedef struct
{
  VtLock lock;
  VtMem *mem, *io;
  VtRam *ram, *rom;
  VtClock *clock;
  VtX86Model *model;
  VtX86Cpu *cpu;
} Fixture;

static uint8_t ram_bytes[RAM_PAGES * 4096] __attribute__ ((aligned (4096)));
static uint8_t rom_bytes[4096] __attribute__ ((aligned (4096)));

static int64_t
monotonic_ns (void *unused)
{
  return g_get_monotonic_time () * 1000;
}

static void
set_up (Fixture *f, const uint8_t *code, size_t n)
{
  GError *error = NULL;
  memset (ram_bytes, 0, sizeof ram_bytes);
  memset (rom_bytes, 0x77, sizeof rom_bytes);
  memcpy (ram_bytes + CODE_AT, code, n);
  vt_lock_init (&f->lock);
  f->mem = vt_mem_new ("memory", UINT64_C (1) << VT_X86_PHYS_BITS, &f->lock);
  f->io = vt_mem_new ("ports", 1 << 16, &f->lock);
  f->ram = vt_ram_new ("ram", ram_bytes, sizeof ram_bytes, NULL);
  f->rom = vt_ram_new ("rom", rom_bytes, sizeof rom_bytes, NULL);
  vt_mem_map_ram (f->mem, f->ram, 0, VT_GPA (0), f->ram->size, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, &error);
  g_assert_no_error (error);
  f->clock = vt_clock_new (monotonic_ns, NULL);
  vt_clock_start (f->clock);
  f->model = vt_x86_model_new (NULL, 1, &error);
  g_assert_no_error (error);
  vt_accel_kvm.restrict_model (f->model, &error);
  g_assert_no_error (error);
  f->cpu = vt_x86_cpu_new (&(VtX86CpuConfig) {
      .mem = f->mem, .io = f->io, .clock = f->clock, .model = f->model, .tsc_hz = vt_accel_kvm.tsc_hz () });
  f->cpu->s.seg[VT_CS].selector = 0;
  f->cpu->s.seg[VT_CS].base = 0;
  f->cpu->s.rip = CODE_AT;
  vt_accel_kvm.attach (&f->cpu->vcpu, &error);
  g_assert_no_error (error);
}

static void
tear_down (Fixture *f)
{
  vt_accel_kvm.detach (&f->cpu->vcpu);
  g_assert_null (f->ram->collect);
  vt_x86_cpu_free (f->cpu);
  vt_x86_model_free (f->model);
  vt_mem_free (f->io);
  vt_mem_free (f->mem);
  vt_ram_free (f->rom);
  vt_ram_free (f->ram);
  vt_clock_free (f->clock);
  vt_lock_clear (&f->lock);
}

static VtExit
run (Fixture *f)
{
  VtExit exit = vt_accel_kvm.run (&f->cpu->vcpu, UINT64_MAX);
  g_assert_cmpstr (f->cpu->vcpu.failure, ==, NULL);
  return exit;
}

/* Pages that the guest wrote: one at DI, then it halts; it goes on with the next round. */
static const uint8_t write_at_di[] = {
  0x88, 0x05, /* mov [di], al */
  0xf4,       /* hlt */
  0xeb, 0xfb, /* jmp to the start */
};

static void
a_harvest_names_the_pages_that_the_guest_wrote (void)
{
  Fixture f;
  uint8_t dirty[RAM_PAGES];
  set_up (&f, write_at_di, sizeof write_at_di);
  f.cpu->s.gpr[VT_RDI] = 0x5123;
  g_assert_cmpint (run (&f), ==, VT_EXIT_HALT);
  g_assert_cmpuint (vt_ram_harvest (f.ram, 0, RAM_PAGES, VT_PAGE_CLEAN_DISPLAY, dirty), ==, RAM_PAGES);
  g_assert_cmpuint (vt_ram_harvest (f.ram, 0, RAM_PAGES, VT_PAGE_CLEAN_DISPLAY, dirty), ==, 0);
  f.cpu->s.activity = VT_X86_RUNNING;
  f.cpu->s.gpr[VT_RDI] = 0x7fff;
  f.cpu->s.gpr[VT_RAX] = 0x42;
  g_assert_cmpint (run (&f), ==, VT_EXIT_HALT);
  g_assert_cmphex (ram_bytes[0x7fff], ==, 0x42);
  g_assert_cmpuint (vt_ram_harvest (f.ram, 0, RAM_PAGES, VT_PAGE_CLEAN_DISPLAY, dirty), ==, 1);
  g_assert_true (dirty[7]);
  tear_down (&f);
}

/* The log of a slot that goes away is not lost with it. */
static void
writes_before_a_change_of_the_layout_are_harvested_after_it (void)
{
  Fixture f;
  uint8_t dirty[RAM_PAGES];
  set_up (&f, write_at_di, sizeof write_at_di);
  f.cpu->s.gpr[VT_RDI] = 0x5000;
  run (&f);
  vt_ram_harvest (f.ram, 0, RAM_PAGES, VT_PAGE_CLEAN_DISPLAY, dirty);
  f.cpu->s.activity = VT_X86_RUNNING;
  f.cpu->s.gpr[VT_RDI] = 0x9000;
  run (&f);
  g_assert_nonnull (vt_mem_map_ram (f.mem, f.rom, 0, VT_GPA (0x9000), 4096, 1, VT_ACCESS_RAM, VT_ACCESS_IGNORE, NULL));
  f.cpu->s.activity = VT_X86_RUNNING;
  f.cpu->s.gpr[VT_RDI] = 0x9001;
  run (&f);
  vt_ram_harvest (f.ram, 0, RAM_PAGES, VT_PAGE_CLEAN_DISPLAY, dirty);
  g_assert_true (dirty[9]);
  tear_down (&f);
}

static void
a_rom_is_read_and_writes_to_it_go_their_own_way (void)
{
  static const uint8_t code[] = {
    0xb8, 0x00, 0x20,          /* mov ax, 0x2000 */
    0x8e, 0xd8,                /* mov ds, ax */
    0xa0, 0x10, 0x00,          /* mov al, [0x10]: ROM */
    0xc6, 0x06, 0x11, 0, 0x99, /* mov byte [0x11], 0x99 */
    0x8a, 0x26, 0x11, 0,       /* mov ah, [0x11] */
    0xf4,                      /* hlt */
  };
  Fixture f;
  set_up (&f, code, sizeof code);
  g_assert_nonnull (vt_mem_map_ram (f.mem, f.rom, 0, VT_GPA (ROM_AT), 4096, 0, VT_ACCESS_RAM, VT_ACCESS_IGNORE, NULL));
  g_assert_cmpint (run (&f), ==, VT_EXIT_HALT);
  g_assert_cmphex (f.cpu->s.gpr[VT_RAX] & 0xffff, ==, 0x7777);
  g_assert_cmphex (rom_bytes[0x11], ==, 0x77);
  tear_down (&f);
}

/* --- Registers ---------------------------------------------------------------------------------------------------- */

static void
scramble (VtX86Cpu *cpu)
{
  VtX86State *s = &cpu->s;
  GRand *random = g_rand_new_with_seed (7);
  for (unsigned i = 0; i < 16; i++)
    {
      s->gpr[i] = (uint64_t) g_rand_int (random) << 32 | g_rand_int (random);
      for (unsigned b = 0; b < ((cpu->model->xcr0 & 4) ? 32 : 16); b++)
        s->ymm[i][b] = (uint8_t) g_rand_int (random);
    }
  for (unsigned i = 0; i < 8; i++)
    for (unsigned b = 0; b < 10; b++)
      s->st[i][b] = (uint8_t) g_rand_int (random);
  s->fcw = 0x27f;
  s->fsw = 5u << 11;
  s->ftw = 0x5a;
  s->mxcsr = 0x1f80 | 1u << 13;
  s->cr2 = 0x123456789000;
  s->cr3 = 0x3000;
  s->dr[0] = 0x1000;
  s->dr[3] = 0xffffffff;
  s->rflags |= X86_RFLAGS_CF | X86_RFLAGS_OF | X86_RFLAGS_DF;
  s->star = UINT64_C (0x0023001000000000);
  s->lstar = UINT64_C (0xffffffff81000000);
  s->kernel_gs_base = 0x1234;
  s->sysenter_eip = 0x4321;
  s->pat = UINT64_C (0x0007010600070106);
  s->seg[VT_GS] = (VtX86Seg) { .base = 0x12340, .limit = 0xffff, .selector = 0x1234, .attr = s->seg[VT_DS].attr };
  s->gdtr = (VtX86Table) { .base = 0x1230, .limit = 0x57 };
  g_rand_free (random);
}

static void
registers_go_into_the_kernel_and_come_back (void)
{
  static const uint8_t code[] = { 0xf4 };
  Fixture f;
  set_up (&f, code, sizeof code);
  scramble (f.cpu);
  VtX86State before = f.cpu->s;
  vt_vcpu_kick (&f.cpu->vcpu, VT_VCPU_STOP);
  g_assert_cmpint (run (&f), ==, VT_EXIT_STOP);
  /* Time passes. */
  f.cpu->s.tsc_offset = before.tsc_offset;
  g_assert_cmpmem (f.cpu->s.gpr, sizeof before.gpr, before.gpr, sizeof before.gpr);
  g_assert_cmpmem (f.cpu->s.st, sizeof before.st, before.st, sizeof before.st);
  g_assert_cmpmem (f.cpu->s.ymm, sizeof before.ymm, before.ymm, sizeof before.ymm);
  g_assert_cmpmem (&f.cpu->s, sizeof before, &before, sizeof before);
  tear_down (&f);
}

static void
a_shadow_and_a_blocked_nmi_go_there_and_back (void)
{
  static const uint8_t code[] = { 0xf4 };
  Fixture f;
  set_up (&f, code, sizeof code);
  f.cpu->s.rflags |= X86_RFLAGS_IF;
  f.cpu->s.shadow = VT_X86_SHADOW_STI;
  f.cpu->s.nmi_blocked = 1;
  vt_vcpu_kick (&f.cpu->vcpu, VT_VCPU_STOP);
  g_assert_cmpint (run (&f), ==, VT_EXIT_STOP);
  g_assert_cmpuint (f.cpu->s.shadow, ==, VT_X86_SHADOW_STI);
  g_assert_cmpuint (f.cpu->s.nmi_blocked, ==, 1);
  tear_down (&f);
}

/* The kernel had accepted vector 0x21 when the state was read: its handler is where the guest goes on. */
static void
an_interrupt_under_way_is_delivered_when_the_state_is_read (void)
{
  static const uint8_t code[] = { 0xf4 };
  Fixture f;
  set_up (&f, code, sizeof code);
  vt_store_le (ram_bytes + 4 * 0x21, 0x00002345, 4);
  f.cpu->s.gpr[VT_RSP] = 0x800;
  vt_x86_cpu_settle (f.cpu);
  struct kvm_vcpu_events events = { .interrupt = { .injected = 1, .nr = 0x21 } };
  vt_kvm_deliver (f.cpu->accel_data, &events);
  g_assert_cmphex (f.cpu->s.rip, ==, 0x2345);
  g_assert_cmphex (vt_load_le (ram_bytes + 0x7fa, 2), ==, CODE_AT);
  events.interrupt.soft = 1;
  vt_kvm_deliver (f.cpu->accel_data, &events);
  g_assert_cmphex (f.cpu->s.rip, ==, 0x2345);
  tear_down (&f);
}

/* Paravirtual kinds let the guest read the host's counter as it is. */
static bool
kernel_moves_the_counter (VtX86Cpu *cpu)
{
  VtKvmVcpu *kvm = cpu->accel_data;
  uint64_t wanted = UINT64_C (0) - cpu->tsc_hz, got = 0;
  struct kvm_device_attr attr = { .group = KVM_VCPU_TSC_CTRL, .attr = KVM_VCPU_TSC_OFFSET, .addr = (uintptr_t) &wanted };
  g_assert_cmpint (vt_kvm_host.ioctl (kvm->fd, KVM_SET_DEVICE_ATTR, &attr), >=, 0);
  attr.addr = (uintptr_t) &got;
  g_assert_cmpint (vt_kvm_host.ioctl (kvm->fd, KVM_GET_DEVICE_ATTR, &attr), >=, 0);
  return got == wanted;
}

static void
the_time_stamp_counter_stands_while_the_machine_does (void)
{
  static const uint8_t code[] = { 0x0f, 0x31, 0xf4, 0xeb, 0xfb }; /* rdtsc; hlt; again */
  Fixture f;
  set_up (&f, code, sizeof code);
  if (!kernel_moves_the_counter (f.cpu))
    {
      g_test_skip ("this kernel does not offset the counter");
      tear_down (&f);
      return;
    }
  run (&f);
  uint32_t first = (uint32_t) f.cpu->s.gpr[VT_RAX];
  vt_clock_stop (f.clock);
  g_usleep (400000);
  vt_clock_start (f.clock);
  f.cpu->s.activity = VT_X86_RUNNING;
  run (&f);
  uint32_t passed = (uint32_t) f.cpu->s.gpr[VT_RAX] - first;
  g_assert_cmpuint (passed, <, f.cpu->tsc_hz / 1000 * 200);
  tear_down (&f);
}

/* --- Leaving ------------------------------------------------------------------------------------------------------ */

static gpointer
stop_soon (gpointer cpu)
{
  g_usleep (50000);
  vt_vcpu_kick (&((VtX86Cpu *) cpu)->vcpu, VT_VCPU_STOP);
  return NULL;
}

static void
a_kick_ends_a_loop_without_exits (void)
{
  static const uint8_t code[] = { 0xeb, 0xfe };
  Fixture f;
  set_up (&f, code, sizeof code);
  GThread *thread = g_thread_new ("kick", stop_soon, f.cpu);
  g_assert_cmpint (run (&f), ==, VT_EXIT_STOP);
  g_thread_join (thread);
  tear_down (&f);
}

static void
a_triple_fault_is_a_shutdown (void)
{
  static const uint8_t code[] = { 0x0f, 0x0b }; /* ud2 */
  Fixture f;
  set_up (&f, code, sizeof code);
  /* Protected mode: there all kernels keep to the limit. */
  f.cpu->s.cr0 |= X86_CR0_PE;
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    f.cpu->s.seg[i] = (VtX86Seg) {
      .limit = UINT32_MAX, .selector = 16, .attr = 3 | X86_SEG_S | X86_SEG_P | X86_SEG_DB | X86_SEG_G
    };
  f.cpu->s.seg[VT_CS].attr |= 0xb;
  f.cpu->s.seg[VT_CS].selector = 8;
  f.cpu->s.idtr.limit = 0;
  g_assert_cmpint (run (&f), ==, VT_EXIT_SHUTDOWN);
  g_assert_cmpuint (f.cpu->s.activity, ==, VT_X86_SHUTDOWN);
  tear_down (&f);
}

static void
a_state_that_the_kernel_refuses_is_an_error_with_a_sentence (void)
{
  static const uint8_t code[] = { 0xf4 };
  Fixture f;
  set_up (&f, code, sizeof code);
  f.cpu->s.cr0 |= X86_CR0_PG; /* without PE */
  g_assert_cmpint (vt_accel_kvm.run (&f.cpu->vcpu, UINT64_MAX), ==, VT_EXIT_ERROR);
  g_assert_nonnull (strstr (f.cpu->vcpu.failure, "KVM_SET_SREGS"));
  tear_down (&f);
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    void (*run) (void);
  } tests[] = {
    { "/kvm/dirty", a_harvest_names_the_pages_that_the_guest_wrote },
    { "/kvm/dirty-moved", writes_before_a_change_of_the_layout_are_harvested_after_it },
    { "/kvm/rom", a_rom_is_read_and_writes_to_it_go_their_own_way },
    { "/kvm/registers", registers_go_into_the_kernel_and_come_back },
    { "/kvm/shadow", a_shadow_and_a_blocked_nmi_go_there_and_back },
    { "/kvm/under-way", an_interrupt_under_way_is_delivered_when_the_state_is_read },
    { "/kvm/tsc", the_time_stamp_counter_stands_while_the_machine_does },
    { "/kvm/kick", a_kick_ends_a_loop_without_exits },
    { "/kvm/triple", a_triple_fault_is_a_shutdown },
    { "/kvm/refused", a_state_that_the_kernel_refuses_is_an_error_with_a_sentence },
  };
  g_autoptr (GError) error = NULL;
  g_test_init (&argc, &argv, NULL);
  if (!vt_kvm_try_guest (&vt_kvm_host, 5000, &error))
    {
      g_print ("1..0 # SKIP %s\n", error->message);
      return 0;
    }
  for (size_t i = 0; i < G_N_ELEMENTS (tests); i++)
    g_test_add_func (tests[i].name, tests[i].run);
  return g_test_run ();
}
