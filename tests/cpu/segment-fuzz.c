/* SPDX-License-Identifier: GPL-3.0-or-later */
/* segment-fuzz [--cases N] [--seed N]: made-up code outside 64-bit mode, under the translator and the interpreter side by side.
 *
 * No host runs 16-bit code for us, so that the two are compared with each other (jit-lockstep.h). Memory is full of instructions; the
 * segments have any base, limit and type, and each exception leads to more of the same. What the processor would reject as a
 * state is not of interest; what it makes of it has to be the same twice. Where code looks at flags that the manuals leave open, the
 * two may part: such a case ends there.
 */
#include "accel.h"
#include "host-ram.h"
#include "jit-lockstep.h"
#include "jit-run.h"
#include "x86-test.h"

#include <stdio.h>
#include <stdlib.h>

#define RAM_SIZE  (2 * VT_MIB)
#define CODE_SIZE (64 * VT_KIB)
#define CODE_END  0x120000u
#define GDT       0x1000u
#define N_GDT     32u
#define IDT       0x1800u
#define BUDGET    1500u

static VtX86Test test;
static uint64_t  random_state, excused;

static uint32_t
any (void)
{
  random_state += UINT64_C (0x9e3779b97f4a7c15);
  uint64_t z = (random_state ^ random_state >> 30) * UINT64_C (0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C (0x94d049bb133111eb);
  return (uint32_t) (z >> 32);
}

static uint32_t below (uint32_t n) { return any () % n; }
static bool one_in (uint32_t n) { return below (n) == 0; }

/* --- Code --------------------------------------------------------------------------------------------------------- */

/* What programs are made of; the rest comes as any byte. */
static const uint8_t usual[] = {
  0x01, 0x03, 0x05, 0x09, 0x0b, 0x11, 0x13, 0x19, 0x21, 0x23, 0x29, 0x2b, 0x2d, 0x31, 0x33, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d,
  0x40, 0x43, 0x48, 0x4b, 0x50, 0x51, 0x53, 0x54, 0x55, 0x58, 0x59, 0x5b, 0x5c, 0x5d, 0x60, 0x61, 0x68, 0x6a, 0x70, 0x72,
  0x73, 0x74, 0x75, 0x78, 0x7c, 0x7f, 0x80, 0x81, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8a, 0x8b, 0x8d, 0x8f, 0x90, 0x92,
  0x98, 0x99, 0x9c, 0x9e, 0x9f, 0xa0, 0xa1, 0xa2, 0xa3, 0xa5, 0xa8, 0xa9, 0xaa, 0xac, 0xb0, 0xb4, 0xb8, 0xb9, 0xbb, 0xbc, 0xbd,
  0xc2, 0xc3, 0xc6, 0xc7, 0xc9, 0xd0, 0xd1, 0xd8, 0xd9, 0xdd, 0xe0, 0xe1, 0xe2, 0xe3, 0xe8, 0xe8, 0xe9, 0xeb,
  0xf5, 0xf6, 0xf7, 0xf8, 0xf9, 0xfc, 0xfd, 0xfe, 0xff, 0x06, 0x0e, 0x16, 0x1e, 0x07, 0x1f, 0x8c, 0x8e, 0xc4, 0xc5, 0xfa, 0xfb,
};
static const uint8_t usual_0f[] = {
  0x40, 0x44, 0x4f, 0x82, 0x84, 0x85, 0x90, 0x94, 0x9c, 0xa0, 0xa1, 0xb0, 0xb1, 0xb6, 0xb7, 0xb6, 0xbe,
  0xbe, 0xbf, 0xc0, 0xc1, 0xc8, 0xcb, 0x10, 0x11, 0x28, 0x29, 0x57, 0x6f, 0x7f, 0xd6, 0xef, 0x38, 0x1f,
};
static const uint8_t prefixes[] = { 0x66, 0x66, 0x67, 0x67, 0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0xf0, 0xf2, 0xf3 };

static unsigned
put_instruction (uint8_t *at)
{
  unsigned n = 0;
  while (one_in (4) && n < 3)
    at[n++] = prefixes[below (sizeof prefixes)];
  if (one_in (8))
    {
      at[n++] = 0x0f;
      at[n++] = one_in (3) ? (uint8_t) any () : usual_0f[below (sizeof usual_0f)];
      if (at[n - 1] == 0x38 || at[n - 1] == 0x3a)
        at[n++] = one_in (2) ? 0xf0 + (uint8_t) below (8) : (uint8_t) any ();
    }
  else if (one_in (30))
    at[n++] = (uint8_t) any ();
  else
    at[n++] = usual[below (sizeof usual)];
  unsigned operands = below (4);
  at[n++] = (uint8_t) any ();
  for (unsigned i = 0; i < operands; i++)
    at[n++] = one_in (2) ? (uint8_t) below (0x30) : one_in (2) ? 0xff - (uint8_t) below (0x30) : (uint8_t) any ();
  return n;
}

/* The same 64 KiB again and again, so that every segment has some. */
static void
put_code (void)
{
  uint8_t *code = test.host + 0x10000;
  for (unsigned at = 0; at < CODE_SIZE - 16;)
    at += put_instruction (code + at);
  for (unsigned at = 0x20000; at < CODE_END; at += CODE_SIZE)
    memcpy (test.host + at, code, CODE_SIZE);
  memcpy (test.host + 0x2000, code + 0x2000, 0xe000);
}

/* --- Segments ------------------------------------------------------------------------------------------------------- */

static uint32_t
any_base (void)
{
  uint32_t base = 0x2000 + below (0xf0000);
  return one_in (3) ? base & ~0xfffu : one_in (2) ? base & ~0xfu : base;
}

static uint32_t
any_limit (void)
{
  static const uint32_t limits[] = { 0xffff, 0xffff, 0xffff, 0x7fff, 0x1234, 0xfff, 0x1ffff, 0xffffffff };
  return limits[below (G_N_ELEMENTS (limits))];
}

static VtX86Seg
any_segment (bool code)
{
  VtX86Seg seg = { .base = any_base (), .limit = any_limit (), .attr = X86_SEG_P | X86_SEG_S | X86_TYPE_ACCESSED };
  seg.attr |= code ? X86_TYPE_CODE | X86_TYPE_WRITABLE : one_in (8) ? 0 : X86_TYPE_WRITABLE;
  seg.attr |= !code && one_in (6) ? X86_TYPE_DOWN : 0;
  seg.attr |= one_in (4) ? X86_SEG_DB : 0;
  seg.attr |= seg.limit > 0xfffff ? X86_SEG_G : 0;
  return seg;
}

static void
put_descriptor (uint32_t at, const VtX86Seg *seg)
{
  uint32_t limit = seg->attr & X86_SEG_G ? seg->limit >> 12 : seg->limit;
  uint64_t desc = (limit & 0xffff) | (uint64_t) (seg->base & 0xffffff) << 16 | (uint64_t) (seg->attr & 0xf0ff) << 40
                  | (uint64_t) (limit >> 16 & 15) << 48 | (uint64_t) (seg->base >> 24) << 56;
  vt_store_le (test.host + at, desc, 8);
}

/* Every odd descriptor is code. */
static void
put_tables (void)
{
  for (unsigned i = 1; i < N_GDT; i++)
    {
      VtX86Seg seg = any_segment (i & 1);
      put_descriptor (GDT + 8 * i, &seg);
    }
  for (unsigned i = 0; i < 32; i++)
    {
      uint64_t gate = below (0xf000) | (uint64_t) ((below (N_GDT / 2) * 2 + 1) * 8) << 16 | UINT64_C (0x8e) << 40;
      vt_store_le (test.host + IDT + 8 * i, one_in (2) ? gate : gate ^ UINT64_C (8) << 40, 8);
    }
  for (unsigned i = 0; i < 256; i++)
    vt_store_le (test.host + 4 * i, below (0xfff0) | (0x200 + below (0xf000)) << 16, 4);
}

static void
put_state (void)
{
  VtX86State *s = &test.cpu->s;
  bool protected = one_in (2);
  x86_test_set_mode (&test, 16);
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    {
      s->seg[i] = any_segment (i == VT_CS && protected);
      s->seg[i].selector = protected ? (uint16_t) (below (N_GDT) * 8) : (uint16_t) (s->seg[i].base >> 4);
    }
  if (protected)
    s->seg[VT_SS].attr |= X86_TYPE_WRITABLE;
  s->cr0 |= protected ? X86_CR0_PE : 0;
  s->cr4 = one_in (4) ? 0 : X86_CR4_OSFXSR;
  s->gdtr = (VtX86Table) { .base = GDT, .limit = N_GDT * 8 - 1 };
  s->idtr = protected ? (VtX86Table) { .base = IDT, .limit = 32 * 8 - 1 } : (VtX86Table) { .limit = 0x3ff };
  for (unsigned i = 0; i < 8; i++)
    s->gpr[i] = one_in (3) ? any () : below (0x10000);
  s->rip = below (one_in (2) ? 0x1000 : 0x10000);
  s->rflags = X86_RFLAGS_ONE | (any () & (X86_RFLAGS_ARITH | X86_RFLAGS_DF));
  vt_x86_cpu_settle (test.cpu);
  vt_x86_tlb_flush (test.cpu, true);
}

/* --- Running -------------------------------------------------------------------------------------------------------- */

static bool
run_case (uint64_t seed)
{
  random_state = seed;
  memset (test.host, 0, RAM_SIZE);
  put_code ();
  put_tables ();
  vt_ram_mark (test.ram, 0, RAM_SIZE);
  put_state ();
  VtJit *jit = test.cpu->accel_data;
  jit->lockstep->excuses = true;
  jit->lockstep->carry = false;
  if (vt_x86_jit_run_lockstep (test.cpu, BUDGET) != VT_EXIT_ERROR)
    return true;
  excused += jit->lockstep->excused;
  if (jit->lockstep->excused)
    return true;
  printf ("# seed %" G_GUINT64_FORMAT "\n", (guint64) seed);
  return false;
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  uint64_t cases = 1500, seed = 1, bad = 0;
  for (int i = 1; i + 1 < argc; i += 2)
    *(strcmp (argv[i], "--seed") == 0 ? &seed : &cases) = g_ascii_strtoull (argv[i + 1], NULL, 10);
  vt_host_init ();
  if (!vt_x86_jit_probe (&error))
    {
      printf ("1..0 # SKIP %s\n", error->message);
      return 0;
    }
  x86_test_setup (&test, RAM_SIZE, 16);
  if (!vt_x86_jit_init_lockstep (test.cpu, &error))
    g_error ("%s", error->message);
  for (uint64_t i = 0; i < cases && bad < 3; i++)
    bad += !run_case (seed + i);
  printf ("# %" G_GUINT64_FORMAT " instructions, %" G_GUINT64_FORMAT " of them translated, %" G_GUINT64_FORMAT " cases ended by undefined flags\n%sok 1 - translator and interpreter agree\n1..1\n",
          (guint64) test.cpu->vcpu.stats.instructions, (guint64) test.cpu->vcpu.stats.translated_instructions, (guint64) excused, bad ? "not " : "");
  vt_x86_jit_free (test.cpu);
  x86_test_teardown (&test);
  return bad != 0;
}
