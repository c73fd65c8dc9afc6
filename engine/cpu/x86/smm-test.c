/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System management mode: what is saved where, what comes back, and what is refused. */
#include "apic.h"
#include "x86-test.h"

#include <vitrine/error.h>

#define RAM_BYTES (1 << 20)
#define AREA      0x30000u      /* offsets of the save area are from SMBASE */
#define RSM       0x0f, 0xaa
#define HLT       0xf4
#define NOP       0x90
#define HANDLER   0x8000u

static void
put_smram (VtX86Test *test, unsigned at, const uint8_t *bytes, size_t len)
{
  memcpy (test->smram->host + at, bytes, len);
  vt_ram_mark (test->smram, at, len);
}
#define HANDLER_IS(test, ...)                                                                                            \
  put_smram (test, HANDLER, (const uint8_t[]) { __VA_ARGS__ }, sizeof ((const uint8_t[]) { __VA_ARGS__ }))

static uint64_t
saved (const VtX86Test *test, unsigned at, unsigned size)
{
  return vt_load_le (test->smram->host + at, size);
}

static void
save (VtX86Test *test, unsigned at, uint64_t value, unsigned size)
{
  vt_store_le (test->smram->host + at, value, size);
}

static void
ask (VtX86Test *test)
{
  test->cpu->s.smi_pending = 1;
  vt_vcpu_kick (&test->cpu->vcpu, VT_VCPU_INTERRUPT);
}

/* Into the mode, before the next instruction. */
static void
enter (VtX86Test *test)
{
  HANDLER_IS (test, NOP, NOP, RSM);
  ask (test);
  g_assert_cmpuint (vt_x86_interp_run (test->cpu, 1), ==, VT_EXIT_BUDGET);
  g_assert_cmpuint (test->cpu->s.in_smm, ==, 1);
  g_assert_cmphex (test->cpu->s.rip, ==, HANDLER + 1);
}

static VtExit
leave (VtX86Test *test)
{
  return vt_x86_interp_run (test->cpu, 2);
}

/* A state in which each field is another number. 64-bit mode. */
static void
fill (VtX86Test *test)
{
  VtX86State *s = &test->cpu->s;
  for (unsigned i = 0; i < 16; i++)
    s->gpr[i] = 0x1111000000000000u * (i + 1) + i;
  s->rip = 0x1234;
  s->rflags = X86_RFLAGS_ONE | X86_RFLAGS_CF | X86_RFLAGS_OF | X86_RFLAGS_IF | X86_RFLAGS_IOPL;
  s->cr2 = 0x9876;
  s->dr[6] = 0xffff4ff1;
  s->dr[7] = 0x700;
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    {
      if (i != VT_CS)
        s->seg[i].selector = (uint16_t) (0x20 + 8 * i);
      if (i == VT_FS || i == VT_GS)
        s->seg[i].base = 0xffff800000000000u + i;
    }
  s->ldtr = (VtX86Seg) { .base = 0xffff810000001000u, .limit = 0x77, .attr = 0x82, .selector = 0x60 };
  s->tr = (VtX86Seg) { .base = 0xffff820000002000u, .limit = 0x67, .attr = 0x8b, .selector = 0x70 };
  s->gdtr = (VtX86Table) { .base = 0xffff830000003000u, .limit = 0x123 };
  s->idtr = (VtX86Table) { .base = 0xffff840000004000u, .limit = 0xfff };
  vt_x86_cpu_settle (test->cpu);
}

static void
the_handler_starts_as_the_manual_says (void)
{
  VtX86Test test;
  x86_test_setup_smm (&test, RAM_BYTES, 64);
  VtX86State *s = &test.cpu->s;
  fill (&test);
  s->dr[7] = 0x4ff;
  s->cr0 |= X86_CR0_MP | X86_CR0_AM;
  uint64_t cr3 = s->cr3;
  vt_x86_cpu_settle (test.cpu);
  enter (&test);
  g_assert_cmphex (s->cr0, ==, X86_CR0_ET | X86_CR0_NE | X86_CR0_MP | X86_CR0_AM | X86_CR0_WP);
  g_assert_cmphex (s->cr3, ==, cr3);
  g_assert_cmphex (s->cr4, ==, 0);
  g_assert_cmphex (s->efer, ==, 0);
  g_assert_cmphex (s->rflags, ==, X86_RFLAGS_ONE);
  g_assert_cmphex (s->dr[7], ==, 0x400);
  g_assert_cmphex (s->seg[VT_CS].selector, ==, 0x3000);
  g_assert_cmphex (s->seg[VT_CS].base, ==, 0x30000);
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    {
      g_assert_cmphex (s->seg[i].limit, ==, UINT32_MAX);
      if (i != VT_CS)
        g_assert_cmphex (s->seg[i].selector | s->seg[i].base, ==, 0);
    }
  g_assert_cmphex (s->gdtr.base, ==, 0xffff830000003000u);
  g_assert_cmphex (s->idtr.limit, ==, 0xfff);
  g_assert_cmphex (s->gpr[VT_R9], ==, 0xaaaa000000000009u);
  g_assert_cmpuint (s->nmi_blocked, ==, 1);
  g_assert_cmpuint (test.cpu->mode, ==, VT_X86_REAL);
  g_assert_cmpuint (test.cpu->code_bits, ==, 16);
  x86_test_teardown (&test);
}

/* APM table 10-1, once more and by hand. */
static void
each_field_is_saved_at_its_place (void)
{
  VtX86Test test;
  x86_test_setup_smm (&test, RAM_BYTES, 64);
  const VtX86State *s = &test.cpu->s;
  fill (&test);
  VtX86State was = *s;
  enter (&test);
  static const struct { unsigned at, reg; } regs[] = {
    { 0xfff8, VT_RAX }, { 0xfff0, VT_RCX }, { 0xffe8, VT_RDX }, { 0xffe0, VT_RBX }, { 0xffd8, VT_RSP }, { 0xffd0, VT_RBP },
    { 0xffc8, VT_RSI }, { 0xffc0, VT_RDI }, { 0xffb8, VT_R8 },  { 0xffb0, VT_R9 },  { 0xffa8, VT_R10 }, { 0xffa0, VT_R11 },
    { 0xff98, VT_R12 }, { 0xff90, VT_R13 }, { 0xff88, VT_R14 }, { 0xff80, VT_R15 },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (regs); i++)
    g_assert_cmphex (saved (&test, regs[i].at, 8), ==, was.gpr[regs[i].reg]);
  g_assert_cmphex (saved (&test, 0xff78, 8), ==, 0x1234);
  g_assert_cmphex (saved (&test, 0xff70, 8), ==, was.rflags);
  g_assert_cmphex (saved (&test, 0xff68, 8), ==, was.dr[6]);
  g_assert_cmphex (saved (&test, 0xff60, 8), ==, 0x700);
  g_assert_cmphex (saved (&test, 0xff58, 8), ==, was.cr0);
  g_assert_cmphex (saved (&test, 0xff50, 8), ==, was.cr3);
  g_assert_cmphex (saved (&test, 0xff48, 8), ==, was.cr4);
  g_assert_cmphex (saved (&test, 0xff00, 4), ==, 0x30000);
  g_assert_cmphex (saved (&test, 0xfefc, 4), ==, 0x30064);
  g_assert_cmphex (saved (&test, 0xfed0, 8), ==, was.efer);
  g_assert_cmphex (saved (&test, 0xfec8, 2), ==, 0);
  const VtX86Seg *const segs[] = { &was.seg[VT_ES], &was.seg[VT_CS], &was.seg[VT_SS], &was.seg[VT_DS], &was.seg[VT_FS],
                                   &was.seg[VT_GS], NULL, &was.ldtr, NULL, &was.tr };
  for (unsigned i = 0; i < G_N_ELEMENTS (segs); i++)
    if (segs[i] != NULL)
      {
        unsigned at = 0xfe00 + 0x10 * i;
        g_assert_cmphex (saved (&test, at, 2), ==, segs[i]->selector);
        g_assert_cmphex (saved (&test, at + 2, 2), ==, segs[i]->attr);
        g_assert_cmphex (saved (&test, at + 4, 4), ==, segs[i]->limit);
        g_assert_cmphex (saved (&test, at + 8, 8), ==, segs[i]->base);
      }
  g_assert_cmphex (saved (&test, 0xfe64, 2), ==, 0x123);
  g_assert_cmphex (saved (&test, 0xfe68, 8), ==, was.gdtr.base);
  g_assert_cmphex (saved (&test, 0xfe84, 2), ==, 0xfff);
  g_assert_cmphex (saved (&test, 0xfe88, 8), ==, was.idtr.base);
  x86_test_teardown (&test);
}

static void
each_mode_comes_back_as_it_was (void)
{
  static const unsigned modes[] = { 16, 32, 64 };
  for (unsigned i = 0; i < G_N_ELEMENTS (modes); i++)
    {
      VtX86Test test;
      x86_test_setup_smm (&test, RAM_BYTES, modes[i]);
      if (modes[i] == 64)
        fill (&test);
      vt_x86_set_null_seg (&test.cpu->s.seg[VT_GS], 3);
      vt_x86_cpu_settle (test.cpu);
      VtX86State was = test.cpu->s;
      uint8_t    mode = test.cpu->mode;
      enter (&test);
      g_assert_cmpuint (leave (&test), ==, VT_EXIT_BUDGET);
      g_assert_cmpmem (&test.cpu->s, sizeof was, &was, sizeof was);
      g_assert_cmpuint (test.cpu->mode, ==, mode);
      g_assert_cmpuint (test.cpu->code_bits, ==, modes[i]);
      x86_test_teardown (&test);
    }
}

/* What the handler writes there is what comes back. */
static void
a_changed_field_takes_effect (void)
{
  VtX86Test test;
  x86_test_setup_smm (&test, RAM_BYTES, 64);
  const VtX86State *s = &test.cpu->s;
  enter (&test);
  save (&test, 0xff78, 0x5000, 8);
  save (&test, 0xfff8, 0xabcdef, 8);
  save (&test, 0xff70, 0x203, 8);
  save (&test, 0xfe48, 0xffffffff80000000u, 8);
  save (&test, 0xff70, 0xffffffffffc00a03u, 8);   /* flags that do not exist stay clear */
  leave (&test);
  g_assert_cmphex (s->rip, ==, 0x5000);
  g_assert_cmphex (s->gpr[VT_RAX], ==, 0xabcdef);
  g_assert_cmphex (s->rflags, ==, 0xa03);
  g_assert_cmphex (s->seg[VT_FS].base, ==, 0xffffffff80000000u);
  x86_test_teardown (&test);
}

static void
a_state_that_no_processor_could_be_in_shuts_down (void)
{
  static const struct { unsigned at, size; uint64_t value; const char *what; } cases[] = {
    { 0xff58, 8, 0x80000010, "PG without PE" },
    { 0xff58, 8, 0xa0000011, "NW without CD" },
    { 0xff58, 8, 0x180000011, "upper half of CR0" },
    { 0xff48, 8, 0x1000000, "reserved bit of CR4" },
    { 0xff48, 8, 0x100000020, "upper half of CR4" },
    { 0xff48, 8, 0, "long mode without PAE" },
    { 0xfed0, 8, 0x2501, "reserved bit of EFER" },
    { 0xfed0, 8, 0x400, "LMA without LME" },
    { 0xfed0, 8, 0x100, "LME and paging without LMA" },
    { 0xff50, 8, UINT64_C (1) << 52, "CR3 beyond memory" },
    { 0xff78, 8, UINT64_C (1) << 52, "RIP that is not canonical" },
    { 0xfe88, 8, UINT64_C (1) << 52, "IDTR that is not canonical" },
    { 0xfe58, 8, UINT64_C (1) << 52, "GS that is not canonical" },
    { 0xff60, 8, 0x100000400, "upper half of DR7" },
    { 0xff68, 8, 0x1ffff0ff0, "upper half of DR6" },
    { 0xff70, 8, 0x20002, "virtual-8086 mode in long mode" },
    { 0xfe12, 2, 0xe09b, "a code segment of 64 and 32 bits" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      VtX86Test test;
      x86_test_setup_smm (&test, RAM_BYTES, 64);
      enter (&test);
      save (&test, cases[i].at, cases[i].value, cases[i].size);
      VtExit exit = leave (&test);
      if (exit != VT_EXIT_SHUTDOWN)
        g_test_message ("%s", cases[i].what);
      g_assert_cmpuint (exit, ==, VT_EXIT_SHUTDOWN);
      /* A reset leads out. */
      test.cpu->vcpu.cls->reset (&test.cpu->vcpu, true);
      g_assert_cmpuint (test.cpu->s.in_smm, ==, 0);
      g_assert_cmphex (test.cpu->s.smbase, ==, 0x30000);
      g_assert_true (test.cpu->vcpu.mem == test.mem);
      x86_test_teardown (&test);
    }
}

/* A few bytes of a good area at a time, so that many get past the checks; then a few instructions of whatever is there. */
static void
whatever_is_in_the_area_the_processor_survives (void)
{
  VtX86Test test;
  unsigned  returned = 0;
  x86_test_setup_smm (&test, RAM_BYTES, 64);
  VtX86State good = test.cpu->s;
  for (unsigned round = 0; round < 20000; round++)
    {
      test.cpu->s = good;
      vt_x86_cpu_settle (test.cpu);
      enter (&test);
      for (unsigned n = (unsigned) g_test_rand_int_range (1, 6); n > 0; n--)
        save (&test, (unsigned) g_test_rand_int_range (0xfe00, 0xfff9),
              (uint64_t) g_test_rand_int () << 32 | (uint32_t) g_test_rand_int (), 1u << g_test_rand_int_range (0, 4));
      leave (&test);
      returned += !test.cpu->s.in_smm;
      vt_x86_interp_run (test.cpu, 8);
      g_autoptr (GError) error = NULL;
      g_assert_true (vt_x86_state_check (test.cpu, &test.cpu->s, &error));
    }
  g_assert_cmpuint (returned, >, 1000);
  g_test_message ("%u of 20000 returned", returned);
  x86_test_teardown (&test);
}

static void
smbase_moves_and_an_init_leaves_it (void)
{
  VtX86Test test;
  x86_test_setup_smm (&test, RAM_BYTES, 64);
  enter (&test);
  save (&test, 0xff00, 0x38000, 4);
  leave (&test);
  g_assert_cmphex (test.cpu->s.smbase, ==, 0x38000);
  put_smram (&test, 0x8000 + HANDLER, (const uint8_t[]) { NOP, RSM }, 3);
  ask (&test);
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (test.cpu->s.seg[VT_CS].base, ==, 0x38000);
  g_assert_cmphex (test.cpu->s.seg[VT_CS].selector, ==, 0x3800);
  g_assert_cmphex (saved (&test, 0x8000 + 0xff00, 4), ==, 0x38000);
  vt_x86_interp_run (test.cpu, 1);
  test.cpu->s.init_pending = 1;
  vt_vcpu_kick (&test.cpu->vcpu, VT_VCPU_INTERRUPT);
  vt_x86_service_events (test.cpu);
  g_assert_cmphex (test.cpu->s.rip, ==, 0xfff0);
  g_assert_cmphex (test.cpu->s.smbase, ==, 0x38000);
  x86_test_teardown (&test);
}

static void
a_halt_goes_on_unless_the_handler_ends_it (void)
{
  for (unsigned ends = 0; ends < 2; ends++)
    {
      VtX86Test test;
      x86_test_setup_smm (&test, RAM_BYTES, 64);
      g_assert_cmpuint (X86_TEST_RUN (&test, 10, HLT, NOP, NOP), ==, VT_EXIT_HALT);
      enter (&test);
      g_assert_cmpuint (saved (&test, 0xfec9, 1), ==, 1);
      g_assert_cmphex (saved (&test, 0xff78, 8), ==, 0x1001);
      if (ends)
        save (&test, 0xfec9, 0, 1);
      g_assert_cmpuint (leave (&test), ==, ends ? VT_EXIT_BUDGET : VT_EXIT_HALT);
      g_assert_cmphex (test.cpu->s.rip, ==, 0x1001);
      x86_test_teardown (&test);
    }
}

static void
one_smi_waits_for_the_end_of_another (void)
{
  VtX86Test test;
  x86_test_setup_smm (&test, RAM_BYTES, 64);
  enter (&test);
  ask (&test);
  ask (&test);
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (test.cpu->s.rip, ==, HANDLER + 2);
  g_assert_false (vt_x86_smi_deliverable (test.cpu));
  vt_x86_interp_run (test.cpu, 2);               /* RSM, and the first of the next */
  g_assert_cmpuint (test.cpu->s.in_smm, ==, 1);
  g_assert_cmphex (test.cpu->s.rip, ==, HANDLER + 1);
  leave (&test);
  g_assert_cmpuint (test.cpu->s.in_smm | test.cpu->s.smi_pending, ==, 0);
  x86_test_teardown (&test);
}

static void
nmi_and_init_wait_for_the_end (void)
{
  VtX86Test test;
  x86_test_setup_smm (&test, RAM_BYTES, 16);
  VtX86State *s = &test.cpu->s;
  vt_store_le (test.host + 4 * X86_NMI, 0x2000, 4);
  test.host[0x2000] = NOP;
  enter (&test);
  s->nmi_pending = 1;
  s->init_pending = 1;
  vt_vcpu_kick (&test.cpu->vcpu, VT_VCPU_INTERRUPT);
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (s->rip, ==, HANDLER + 2);
  s->init_pending = 0;
  vt_x86_interp_run (test.cpu, 2);
  g_assert_cmphex (s->rip, ==, 0x2001);
  g_assert_cmpuint (s->nmi_blocked, ==, 1);
  /* Blocked before, blocked after. */
  enter (&test);
  g_assert_cmpuint (s->smm_nmi_blocked, ==, 1);
  leave (&test);
  g_assert_cmpuint (s->nmi_blocked, ==, 1);
  enter (&test);
  s->init_pending = 1;
  vt_x86_interp_run (test.cpu, 2);
  g_assert_cmpuint (s->in_smm, ==, 0);
  g_assert_cmphex (s->rip, ==, 0xfff0);
  x86_test_teardown (&test);
}

static void
an_smi_waits_for_a_shadow (void)
{
  VtX86Test test;
  x86_test_setup_smm (&test, RAM_BYTES, 64);
  HANDLER_IS (&test, NOP, RSM);
  X86_TEST_RUN (&test, 1, 0xfb, NOP, NOP);       /* STI */
  ask (&test);
  vt_x86_interp_run (test.cpu, 1);               /* the NOP; requests are looked at behind it */
  g_assert_cmpuint (test.cpu->s.in_smm, ==, 1);
  g_assert_cmphex (test.cpu->s.rip, ==, HANDLER);
  g_assert_cmphex (saved (&test, 0xff78, 8), ==, 0x1002);
  x86_test_teardown (&test);
}

static void
rsm_is_undefined_outside (void)
{
  for (unsigned smm = 0; smm < 2; smm++)
    {
      VtX86Test test;
      x86_test_build (&test, RAM_BYTES, 16, smm);
      vt_store_le (test.host + 4 * X86_UD, 0x2000, 4);
      vt_store_le (test.host + 0x1000, 0xaa0f, 2);
      g_assert_cmpuint (vt_x86_interp_run (test.cpu, 1), ==, VT_EXIT_BUDGET);
      g_assert_cmphex (test.cpu->s.rip, ==, 0x2000);
      x86_test_teardown (&test);
    }
}

static void
without_the_mode_smis_are_dropped_and_such_a_state_is_refused (void)
{
  VtX86Test test;
  x86_test_setup (&test, RAM_BYTES, 64);
  ask (&test);
  X86_TEST_RUN (&test, 1, NOP, NOP);
  g_assert_cmphex (test.cpu->s.rip, ==, 0x1001);
  VtX86State state = test.cpu->s;
  state.in_smm = 1;
  g_autoptr (GError) error = NULL;
  g_assert_false (vt_x86_state_check (test.cpu, &state, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_STATE);
  x86_test_teardown (&test);
}

/* The same addresses, and other code and data there: neither the TLB nor decoded code is taken along. */
static void
smram_is_another_memory (void)
{
  VtX86Test test;
  x86_test_setup_smm (&test, RAM_BYTES, 16);
  static const uint8_t handler[] = { 0x2e, 0xa1, 0x00, 0x10, RSM };   /* mov ax, [cs:0x1000] */
  for (unsigned round = 0; round < 3; round++)
    {
      vt_store_le (test.host + 0x31000, 0x1111, 2);
      put_smram (&test, 0x1000, (const uint8_t[]) { 0x22, 0x22 }, 2);
      put_smram (&test, HANDLER, handler, sizeof handler);
      memset (test.host + 0x38000, NOP, 16);
      test.cpu->s.rip = 0x8000;
      test.cpu->s.seg[VT_CS] = test.cpu->s.seg[VT_DS] = (VtX86Seg) { .base = 0x30000, .limit = 0xffff, .attr = 0x9b, .selector = 0x3000 };
      test.cpu->s.seg[VT_DS].attr = 0x93;
      vt_x86_update_mode (test.cpu);
      vt_x86_interp_run (test.cpu, 2);
      g_assert_cmphex (test.cpu->s.rip, ==, 0x8002);
      g_assert_cmphex (vt_x86_load16 (test.cpu, 0x31000), ==, 0x1111);
      ask (&test);
      vt_x86_interp_run (test.cpu, 1);
      g_assert_cmphex (test.cpu->s.gpr[VT_RAX] & 0xffff, ==, 0x2222);
      vt_x86_interp_run (test.cpu, 2);           /* RSM, NOP */
      g_assert_cmphex (test.cpu->s.rip, ==, 0x8003);
      g_assert_cmphex (vt_x86_load16 (test.cpu, 0x31000), ==, 0x1111);
    }
  g_assert_cmphex (vt_load_le (test.host + 0x3fefc, 4), ==, 0);   /* the save area is nobody else's */
  x86_test_teardown (&test);
}

static void
a_step_trap_follows_the_handler (void)
{
  VtX86Test test;
  x86_test_setup_smm (&test, RAM_BYTES, 16);
  VtX86State *s = &test.cpu->s;
  vt_store_le (test.host + 4 * X86_DB, 0x2000, 4);
  test.host[0x2000] = NOP;
  HANDLER_IS (&test, NOP, RSM);
  test.host[0x1000] = test.host[0x1001] = NOP;
  s->rflags |= X86_RFLAGS_TF;
  vt_x86_cpu_settle (test.cpu);
  vt_vcpu_take (&test.cpu->vcpu, VT_VCPU_INTERRUPT);
  s->smi_pending = 1;                            /* during the first NOP */
  test.cpu->events_deferred = false;
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (s->rip, ==, 0x1001);
  ask (&test);
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (s->rip, ==, HANDLER + 1);
  g_assert_cmphex (saved (&test, 0xff78, 8), ==, 0x1001);
  vt_x86_interp_run (test.cpu, 2);               /* RSM, the trap */
  g_assert_cmphex (s->dr[6] & 0x4000, ==, 0x4000);
  g_assert_cmphex (vt_load_le (test.host + (s->gpr[VT_RSP] & 0xffff), 2), ==, 0x1001);
  g_assert_cmphex (s->rip & ~1u, ==, 0x2000);
  x86_test_teardown (&test);
}

static void
the_base_can_be_read_inside_only (void)
{
  VtX86Test test;
  uint64_t  value = 0;
  x86_test_setup_smm (&test, RAM_BYTES, 64);
  g_assert_false (vt_x86_read_msr (test.cpu, 0x9e, &value));
  enter (&test);
  g_assert_true (vt_x86_read_msr (test.cpu, 0x9e, &value));
  g_assert_cmphex (value, ==, 0x30000);
  g_assert_false (vt_x86_write_msr (test.cpu, 0x9e, value));
  x86_test_teardown (&test);
}

static void
a_saved_processor_goes_on_inside (void)
{
  VtX86Test test;
  x86_test_setup_smm (&test, RAM_BYTES, 64);
  g_autoptr (GByteArray) stream = g_byte_array_new ();
  g_autoptr (GError)     error = NULL;
  VtX86State             loaded;
  enter (&test);
  vt_state_save (&vt_x86_state_table, &test.cpu->s, stream);
  leave (&test);
  uint64_t rip = test.cpu->s.rip;
  g_assert_true (vt_state_load (&vt_x86_state_table, &loaded, vt_x86_state_table.version, stream->data, stream->len, &error));
  g_assert_true (vt_x86_state_check (test.cpu, &loaded, &error));
  g_assert_no_error (error);
  test.cpu->s = loaded;
  vt_x86_cpu_settle (test.cpu);
  g_assert_true (test.cpu->vcpu.mem == test.smm_mem);
  leave (&test);
  g_assert_cmphex (test.cpu->s.rip, ==, rip);
  g_assert_true (test.cpu->vcpu.mem == test.mem);
  x86_test_teardown (&test);
}

/* --- SMIs by a port --------------------------------------------------------------------------------------------------------- */

typedef struct
{
  VtDevice   dev;
  VtApicBus *bus;
  unsigned   writes;
} Port;

static uint64_t
port_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return 0x77;
}

static void
port_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Port *port = (Port *) dev;
  if (port->writes++ == 0)
    vt_apic_bus_set_smi (port->bus, VT_APIC_SMI_HERE, true);
}

static const VtRegionOps port_ops = { port_read, port_write, 1, 1 };
static const VtRegion    port_region = { "smi", 1, &port_ops };

static void
a_port_access_can_be_repeated (void)
{
  VtX86Test test;
  Port      port = { 0 };
  GError   *error = NULL;
  x86_test_setup_smm (&test, RAM_BYTES, 16);
  port.bus = vt_apic_bus_new ();
  VtDevice    *apic = vt_device_new (&vt_apic_class, "apic");
  VtApicConfig config = { .cpu = test.cpu, .bus = port.bus };
  g_assert_true (vt_device_realize (apic, &(VtEnv) { .clock = test.clock, .config = &config }, &error));
  g_assert_nonnull (vt_mem_map_io (test.io, &port.dev, &port_region, VT_GPA (0xb2), 0, &error));
  vt_x86_cpu_settle (test.cpu);
  HANDLER_IS (&test, NOP, NOP, RSM);
  VtX86State *s = &test.cpu->s;
  s->gpr[VT_RCX] = 0xcccc;
  X86_TEST_RUN (&test, 2, 0xe6, 0xb2, NOP, NOP);   /* OUT 0xb2, AL; the handler's first */
  g_assert_cmphex (s->rip, ==, HANDLER + 1);
  g_assert_cmpuint (port.writes, ==, 1);
  g_assert_cmphex (saved (&test, 0xff78, 8), ==, 0x1002);
  g_assert_cmphex (saved (&test, 0xfea0, 8), ==, 0x1000);
  g_assert_cmphex (saved (&test, 0xfea8, 8), ==, 0xcccc);
  g_assert_cmphex (saved (&test, 0xfec0, 4), ==, 0x00b20012);
  save (&test, 0xfec8, 0xff, 1);
  leave (&test);
  g_assert_cmphex (s->rip, ==, 0x1000);
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (s->rip, ==, 0x1002);
  g_assert_cmpuint (port.writes, ==, 2);
  /* Another SMI says nothing of ports. */
  enter (&test);
  g_assert_cmphex (saved (&test, 0xfec0, 4), ==, 0);
  vt_device_free (apic);
  vt_apic_bus_free (port.bus);
  x86_test_teardown (&test);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/x86/smm/" #fn, fn)
  TEST (the_handler_starts_as_the_manual_says);
  TEST (each_field_is_saved_at_its_place);
  TEST (each_mode_comes_back_as_it_was);
  TEST (a_changed_field_takes_effect);
  TEST (a_state_that_no_processor_could_be_in_shuts_down);
  TEST (whatever_is_in_the_area_the_processor_survives);
  TEST (smbase_moves_and_an_init_leaves_it);
  TEST (a_halt_goes_on_unless_the_handler_ends_it);
  TEST (one_smi_waits_for_the_end_of_another);
  TEST (nmi_and_init_wait_for_the_end);
  TEST (an_smi_waits_for_a_shadow);
  TEST (rsm_is_undefined_outside);
  TEST (without_the_mode_smis_are_dropped_and_such_a_state_is_refused);
  TEST (smram_is_another_memory);
  TEST (a_step_trap_follows_the_handler);
  TEST (the_base_can_be_read_inside_only);
  TEST (a_saved_processor_goes_on_inside);
  TEST (a_port_access_can_be_repeated);
  return g_test_run ();
}
