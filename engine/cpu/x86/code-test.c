/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoded code and memory that changes under it; instructions that are interrupted half-way; locked operations. */
#include "code-cache.h"
#include "x86-test.h"

#define RAM_SIZE (16 * VT_MIB)

static VtX86Test test;

static void
put_code (uint64_t at, const void *code, size_t len)
{
  g_assert_true (vt_mem_write (test.mem, VT_GPA (at), code, len));
}
#define PUT_CODE(at, ...) put_code (at, (const uint8_t[]) { __VA_ARGS__ }, sizeof ((const uint8_t[]) { __VA_ARGS__ }))

/* A loop of `inc eax; jmp back`, run until it is cached. */
static void
warm_up (void)
{
  x86_test_set_mode (&test, 64);
  test.cpu->s.gpr[VT_RAX] = 0;
  PUT_CODE (0x1000, 0xff, 0xc0, 0xeb, 0xfc);
  vt_x86_interp_run (test.cpu, 1000);
}

static void
a_write_by_a_device_replaces_cached_code (void)
{
  warm_up ();
  uint64_t eax = test.cpu->s.gpr[VT_RAX];
  PUT_CODE (0x1000, 0xff, 0xc8);   /* dec eax */
  vt_x86_interp_run (test.cpu, 1000);
  g_assert_cmpuint (test.cpu->s.gpr[VT_RAX], ==, eax - 500);
}

static void
a_write_beside_the_code_leaves_it_alone (void)
{
  warm_up ();
  uint64_t decoded = test.cpu->vcpu.stats.blocks_decoded;
  PUT_CODE (0x1800, 0x90);
  vt_x86_interp_run (test.cpu, 1000);
  g_assert_cmpuint (test.cpu->vcpu.stats.blocks_decoded, ==, decoded);
  g_assert_cmpuint (test.cpu->s.gpr[VT_RAX], ==, 1000);
}

static void
code_that_changes_the_next_instruction_runs_the_new_one (void)
{
  x86_test_set_mode (&test, 64);
  test.cpu->s.gpr[VT_RAX] = 7;
  /* mov byte [rip + 1], 0xc8: turns the following inc eax into dec eax */
  PUT_CODE (0x1000, 0xc6, 0x05, 0x01, 0x00, 0x00, 0x00, 0xc8, 0xff, 0xc0, 0x90);
  vt_x86_interp_run (test.cpu, 2);
  g_assert_cmpuint (test.cpu->s.gpr[VT_RAX], ==, 6);
}

static void
an_instruction_may_cross_pages (void)
{
  x86_test_set_mode (&test, 64);
  test.cpu->s.rip = 0x1ffe;
  PUT_CODE (0x1ffe, 0xb8, 0x78, 0x56, 0x34, 0x12);   /* mov eax, 0x12345678 */
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (test.cpu->s.gpr[VT_RAX], ==, 0x12345678);
  g_assert_cmphex (test.cpu->s.rip, ==, 0x2003);
  test.cpu->s.rip = 0x1ffe;
  PUT_CODE (0x2000, 0x35);
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (test.cpu->s.gpr[VT_RAX], ==, 0x12343578);
}

static void
code_runs_from_registers_of_a_device (void)
{
  /* Nothing is mapped at 32 MiB: all ones, which is an undefined instruction, and without an IDT a triple fault. */
  x86_test_set_mode (&test, 64);
  test.cpu->s.rip = 32 * VT_MIB;
  g_assert_cmpuint (vt_x86_interp_run (test.cpu, 10), ==, VT_EXIT_SHUTDOWN);
}

static void
fifteen_bytes_are_the_limit (void)
{
  x86_test_set_mode (&test, 64);
  uint8_t code[16];
  memset (code, 0x66, sizeof (code));
  code[14] = 0x90;
  put_code (0x1000, code, sizeof (code));
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (test.cpu->s.rip, ==, 0x100f);
  code[14] = 0x66;
  code[15] = 0x90;
  put_code (0x3000, code, sizeof (code));
  test.cpu->s.rip = 0x3000;
  g_assert_cmpuint (vt_x86_interp_run (test.cpu, 10), ==, VT_EXIT_SHUTDOWN);
  g_assert_cmphex (test.cpu->s.rip, ==, 0x3000);
}

static void
many_blocks_fit_in_bounded_memory (void)
{
  x86_test_set_mode (&test, 64);
  /* `mov eax, imm32; jmp +0`, rewritten with another number each time, is a new block each time. */
  for (uint32_t i = 0; i < 300000; i++)
    {
      uint8_t code[] = { 0xb8, (uint8_t) i, (uint8_t) (i >> 8), (uint8_t) (i >> 16), 0, 0xeb, 0x00 };
      put_code (0x1000, code, sizeof (code));
      test.cpu->s.rip = 0x1000;
      vt_x86_interp_run (test.cpu, 2);
      g_assert_cmpuint (test.cpu->s.gpr[VT_RAX], ==, i);
    }
}

/* A translator looks for blocks too. While the page is written all the time they are compared with memory; the interpreter
 * must not come by an old jump around that. */
static void
a_compared_block_is_not_found_by_an_old_jump (void)
{
  VtX86CodeCache *cache = vt_x86_interp_cache (test.cpu);
  warm_up ();
  for (unsigned i = 0; i < 20; i++)
    {
      PUT_CODE (0x1800, (uint8_t) i);
      vt_x86_code_find (cache, test.cpu, 0x1000);
    }
  PUT_CODE (0x1000, 0xff, 0xc8);   /* dec eax */
  vt_x86_code_find (cache, test.cpu, 0x1000);
  uint64_t eax = test.cpu->s.gpr[VT_RAX];
  vt_x86_interp_run (test.cpu, 1000);
  g_assert_cmpuint (test.cpu->s.gpr[VT_RAX], ==, eax - 500);
}

static void
a_block_ends_where_the_code_segment_does (void)
{
  x86_test_set_mode (&test, 32);
  test.cpu->s.seg[VT_CS].limit = 0x1001;
  vt_x86_cpu_settle (test.cpu);
  PUT_CODE (0x1000, 0x90, 0x90, 0x90, 0x90);
  g_assert_cmpuint (vt_x86_interp_run (test.cpu, 10), ==, VT_EXIT_SHUTDOWN);
  g_assert_cmphex (test.cpu->s.rip, ==, 0x1002);
}

/* --- Repeated string instructions --------------------------------------------------------------------------------- */

static void
a_repeated_move_can_go_on_after_a_fault (void)
{
  x86_test_set_mode (&test, 64);
  VtX86State *s = &test.cpu->s;
  for (unsigned i = 0; i < 64; i++)
    test.host[0x200000 + i] = (uint8_t) (i + 1);
  /* The identity map of the test ends at 4 GiB: run into it with 10 bytes to spare. */
  uint64_t end = 4 * VT_GIB;
  s->gpr[VT_RSI] = 0x200000;
  s->gpr[VT_RDI] = end - 10;
  s->gpr[VT_RCX] = 64;
  PUT_CODE (0x1000, 0xf3, 0xa4);
  g_assert_cmpuint (vt_x86_interp_run (test.cpu, 10), ==, VT_EXIT_SHUTDOWN);
  g_assert_cmphex (s->cr2, ==, end);
  g_assert_cmphex (s->rip, ==, 0x1000);
  g_assert_cmpuint (s->gpr[VT_RCX], ==, 54);
  g_assert_cmphex (s->gpr[VT_RSI], ==, 0x20000a);
  g_assert_cmphex (s->gpr[VT_RDI], ==, end);
}

static void
overlapping_moves_repeat_the_pattern (void)
{
  x86_test_set_mode (&test, 64);
  VtX86State *s = &test.cpu->s;
  memcpy (test.host + 0x200000, "abc", 3);
  s->gpr[VT_RSI] = 0x200000;
  s->gpr[VT_RDI] = 0x200003;
  s->gpr[VT_RCX] = 9;
  PUT_CODE (0x1000, 0xf3, 0xa4);
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmpmem (test.host + 0x200000, 12, "abcabcabcabc", 12);
}

static void
long_fills_cross_pages_and_stop_exactly (void)
{
  x86_test_set_mode (&test, 64);
  VtX86State *s = &test.cpu->s;
  memset (test.host + 0x200000, 0, 0x8000);
  s->gpr[VT_RAX] = 0x1122334455667788;
  s->gpr[VT_RDI] = 0x200004;
  s->gpr[VT_RCX] = 0x800;
  PUT_CODE (0x1000, 0xf3, 0x48, 0xab);
  while (s->rip == 0x1000)
    vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (s->gpr[VT_RDI], ==, 0x204004);
  for (unsigned i = 0; i < 0x800; i++)
    g_assert_cmphex (vt_load_le (test.host + 0x200004 + 8 * i, 8), ==, s->gpr[VT_RAX]);
  g_assert_cmphex (vt_load_le (test.host + 0x204004, 8), ==, 0);
  g_assert_cmphex (vt_load_le (test.host + 0x200000, 4), ==, 0);
}

/* --- Locked operations -------------------------------------------------------------------------------------------- */

typedef struct
{
  VtX86Cpu *cpu;
  unsigned  adds;
  int      *waiting;     /* for the other one, so that they do run at the same time */
} Adder;

static gpointer
add_thread (gpointer data)
{
  const Adder *adder = data;
  __atomic_fetch_sub (adder->waiting, 1, __ATOMIC_ACQ_REL);
  while (__atomic_load_n (adder->waiting, __ATOMIC_ACQUIRE) > 0)
    g_thread_yield ();
  vt_x86_interp_run (adder->cpu, 2 * adder->adds);
  return NULL;
}

/* Two processors, one counter, at an address that no host instruction calls aligned. */
static void
check_additions (uint64_t counter, unsigned adds)
{
  x86_test_set_mode (&test, 64);
  int waiting = 2;
  PUT_CODE (0x1000, 0xf0, 0xff, 0x03, 0xeb, 0xfb);   /* lock inc dword [rbx]; jmp back */
  memset (test.host + counter, 0, 4);
  VtX86Cpu *second = vt_x86_cpu_new (&(VtX86CpuConfig) {
    .index = 1, .mem = test.mem, .io = test.io, .clock = test.clock, .model = test.model, .tsc_hz = 1000000000 });
  test.cpu->s.gpr[VT_RBX] = counter;
  second->s = test.cpu->s;
  vt_x86_cpu_settle (second);
  Adder adders[] = { { test.cpu, adds, &waiting }, { second, adds, &waiting } };
  GThread *threads[] = { g_thread_new ("vcpu 0", add_thread, &adders[0]), g_thread_new ("vcpu 1", add_thread, &adders[1]) };
  for (unsigned i = 0; i < G_N_ELEMENTS (threads); i++)
    g_thread_join (threads[i]);
  g_assert_cmpuint (vt_load_le (test.host + counter, 4), ==, 2 * adds);
  vt_x86_cpu_free (second);
}

static void
locked_additions_of_two_processors_add_up (void)
{
  check_additions (0x200031, 200000);
}

/* Fewer: hosts make such a lock as slow as 100 us, on purpose (split-lock detection), so that 400,000 took most of a minute. */
static void
locked_additions_across_cache_lines_add_up (void)
{
  check_additions (0x20003e, 5000);
}

static void
a_locked_operation_may_cross_pages (void)
{
  x86_test_set_mode (&test, 64);
  test.cpu->s.gpr[VT_RBX] = 0x200ffe;
  vt_store_le (test.host + 0x200ffe, 0x0000ffff, 4);
  PUT_CODE (0x1000, 0xf0, 0xff, 0x03);
  vt_x86_interp_run (test.cpu, 1);
  g_assert_cmphex (vt_load_le (test.host + 0x200ffe, 4), ==, 0x00010000);
}

#define ADD(function) g_test_add_func ("/x86/code/" #function, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  x86_test_setup (&test, RAM_SIZE, 64);
  ADD (a_write_by_a_device_replaces_cached_code);
  ADD (a_write_beside_the_code_leaves_it_alone);
  ADD (code_that_changes_the_next_instruction_runs_the_new_one);
  ADD (an_instruction_may_cross_pages);
  ADD (code_runs_from_registers_of_a_device);
  ADD (fifteen_bytes_are_the_limit);
  ADD (many_blocks_fit_in_bounded_memory);
  ADD (a_compared_block_is_not_found_by_an_old_jump);
  ADD (a_block_ends_where_the_code_segment_does);
  ADD (a_repeated_move_can_go_on_after_a_fault);
  ADD (overlapping_moves_repeat_the_pattern);
  ADD (long_fills_cross_pages_and_stop_exactly);
  ADD (locked_additions_of_two_processors_add_up);
  ADD (locked_additions_across_cache_lines_add_up);
  ADD (a_locked_operation_may_cross_pages);
  int status = g_test_run ();
  x86_test_teardown (&test);
  return status;
}
