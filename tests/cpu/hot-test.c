/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which loops does the translator make again with other registers, and does it matter to the guest? */
#include "code-memory.h"
#include "host-ram.h"
#include "jit-run.h"
#include "jit.h"
#include "x86-test.h"

#define RAM_SIZE (1 * VT_MIB)
#define START    0x1000u
#define HEAD     0x1005u
#define OPCODE   (HEAD + 4u)     /* of XOR, which a test changes to ADD's */

/* R14, R15 and R11 are those that live in memory at home. */
static const uint8_t code[] = {
  0xb9, 0, 0, 0, 0,               /* mov ecx, rounds */
  0x49, 0x01, 0xce,               /* head: add r14, rcx */
  0x4d, 0x31, 0xf7,               /* xor r15, r14 */
  0x4f, 0x8d, 0x1c, 0x3b,         /* lea r11, [r11 + r15] */
  0x4d, 0x01, 0xde,               /* add r14, r11 */
  0x48, 0x83, 0xe9, 0x01,         /* sub rcx, 1 */
  0x75, 0xed,                     /* jnz head */
  0x49, 0x01, 0xf1,               /* add r9, rsi: they have to be what they were */
  0xf4,                           /* hlt */
};

static VtX86Test test;

typedef struct
{
  uint64_t r9, r11, r14, r15;
} Regs;

static Regs
expected (Regs r, uint32_t rounds, bool sum)
{
  for (uint64_t rcx = rounds; rcx > 0; rcx--)
    {
      r.r14 += rcx;
      r.r15 = sum ? r.r15 + r.r14 : r.r15 ^ r.r14;
      r.r11 += r.r15;
      r.r14 += r.r11;
    }
  r.r9 += 77;
  return r;
}

static VtJit *
set_up (uint32_t rounds)
{
  g_autoptr (GError) error = NULL;
  uint8_t bytes[sizeof code];
  x86_test_setup (&test, RAM_SIZE, 64);
  g_assert_true (vt_x86_jit_init (test.cpu, &error));
  vt_x86_jit_set_eager (test.cpu, false, false);
  memcpy (bytes, code, sizeof code);
  vt_store_le (bytes + 1, rounds, 4);
  g_assert_true (vt_mem_write (test.mem, VT_GPA (START), bytes, sizeof bytes));
  test.cpu->s.gpr[VT_RSI] = 77;
  return test.cpu->accel_data;
}

static void
tear_down (void)
{
  vt_x86_jit_free (test.cpu);
  x86_test_teardown (&test);
}

static void
run (uint32_t rounds, bool sum)
{
  VtX86State *s = &test.cpu->s;
  Regs r = expected ((Regs) { s->gpr[VT_R9], s->gpr[VT_R11], s->gpr[VT_R14], s->gpr[VT_R15] }, rounds, sum);
  s->activity = VT_X86_RUNNING;
  s->rip = START;
  g_assert_cmpint (vt_x86_jit_run (test.cpu, UINT64_MAX), ==, VT_EXIT_HALT);
  g_assert_cmphex (s->gpr[VT_R9], ==, r.r9);
  g_assert_cmphex (s->gpr[VT_R11], ==, r.r11);
  g_assert_cmphex (s->gpr[VT_R14], ==, r.r14);
  g_assert_cmphex (s->gpr[VT_R15], ==, r.r15);
  g_assert_cmphex (s->gpr[VT_RCX], ==, 0);
  g_assert_cmphex (s->gpr[VT_RSI], ==, 77);
}

static unsigned
hot_regions (const VtJit *jit, unsigned offset)
{
  unsigned n = 0;
  for (unsigned i = 0; i < JIT_REGION_BUCKETS; i++)
    for (const VtJitRegion *region = jit->bucket[i]; region != NULL; region = region->chain)
      n += region->hot && !region->dead && region->offset == (offset & VT_PAGE_MASK);
  return n;
}

static void
a_loop_that_runs_long_is_made_again (void)
{
  VtJit *jit = set_up (100000);
  run (100000, false);
  g_assert_cmpuint (hot_regions (jit, HEAD), ==, 1);
  uint64_t translated = test.cpu->vcpu.stats.blocks_translated;
  run (100000, false);
  g_assert_cmpuint (test.cpu->vcpu.stats.blocks_translated, ==, translated);
  tear_down ();
}

static void
a_loop_of_few_rounds_is_not (void)
{
  VtJit *jit = set_up (8);
  for (unsigned i = 0; i < 10000; i++)
    run (8, false);
  g_assert_cmpuint (hot_regions (jit, HEAD), ==, 0);
  tear_down ();
}

/* It starts where the loop starts already: the region from before leads to the new one. */
static void
a_region_gives_way_to_its_loop (void)
{
  VtJit *jit = set_up (100000);
  test.cpu->s.rip = HEAD;
  test.cpu->s.gpr[VT_RCX] = 1;
  g_assert_cmpint (vt_x86_jit_run (test.cpu, UINT64_MAX), ==, VT_EXIT_HALT);
  for (unsigned i = 0; i < 3; i++)
    run (100000, false);
  g_assert_cmpuint (hot_regions (jit, HEAD), ==, 1);
  tear_down ();
}

static void
it_goes_when_its_code_is_written (void)
{
  VtJit *jit = set_up (100000);
  run (100000, false);
  g_assert_cmpuint (hot_regions (jit, HEAD), ==, 1);
  g_assert_true (vt_mem_write (test.mem, VT_GPA (OPCODE), (const uint8_t[]) { 0x01 }, 1));
  run (100000, true);
  g_assert_cmpuint (hot_regions (jit, HEAD), ==, 1);
  tear_down ();
}

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_test_init (&argc, &argv, NULL);
  vt_host_init ();
  if (!vt_x86_jit_probe (&error))
    {
      g_test_skip (error->message);
      return g_test_run ();
    }
  g_test_add_func ("/hot/runs-long", a_loop_that_runs_long_is_made_again);
  g_test_add_func ("/hot/few-rounds", a_loop_of_few_rounds_is_not);
  g_test_add_func ("/hot/gives-way", a_region_gives_way_to_its_loop);
  g_test_add_func ("/hot/written", it_goes_when_its_code_is_written);
  return g_test_run ();
}
