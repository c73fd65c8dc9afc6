/* SPDX-License-Identifier: GPL-3.0-or-later */
/* When does an idle machine forget its translations? The host's time is ours here. */
#include "code-memory.h"
#include "host-ram.h"
#include "jit-rest.h"
#include "jit-run.h"
#include "x86-test.h"

#define RAM_SIZE  (16 * VT_MIB)
#define FIRST     0x1000u
#define PAGES     1500u       /* of code; more than 2 MiB translated */
#define PER_PAGE  1200u       /* increments of RAX */
#define SECOND_NS INT64_C (1000000000)

static VtX86Test test;
static VtCodeMemoryOps ops;
static int64_t host_ns, step_ns;   /* how long everything takes: each look at the clock moves it */
static size_t given_back_bytes;

static int64_t
now_ns (void)
{
  return host_ns += step_ns;
}

static void
give_back (const VtCodeMemory *memory, size_t from, size_t size)
{
  given_back_bytes += size;
}

static void
put_page (unsigned page)
{
  uint8_t code[VT_PAGE_SIZE];
  unsigned at = 0;
  for (unsigned i = 0; i < PER_PAGE; i++, at += 3)
    memcpy (code + at, (const uint8_t[]) { 0x48, 0xff, 0xc0 }, 3);   /* inc rax */
  if (page + 1 == PAGES)
    memcpy (code + at, (const uint8_t[]) { 0xf4, 0xeb, 0xfd }, 3);   /* hlt; jmp back */
  else
    {
      code[at] = 0xe9;
      vt_store_le (code + at + 1, VT_PAGE_SIZE - (at + 5), 4);
    }
  g_assert_true (vt_mem_write (test.mem, VT_GPA (FIRST + page * VT_PAGE_SIZE), code, sizeof code));
}

static VtJit *
set_up (void)
{
  g_autoptr (GError) error = NULL;
  host_ns = SECOND_NS;
  step_ns = 1000;
  given_back_bytes = 0;
  x86_test_setup (&test, RAM_SIZE, 64);
  g_assert_true (vt_x86_jit_init (test.cpu, &error));
  vt_x86_jit_set_eager (test.cpu, false, false);
  for (unsigned page = 0; page < PAGES; page++)
    put_page (page);
  return test.cpu->accel_data;
}

static void
tear_down (void)
{
  vt_x86_jit_free (test.cpu);
  x86_test_teardown (&test);
}

/* Runs from there to the HLT. */
static void
run_from_page (unsigned page)
{
  test.cpu->s.activity = VT_X86_RUNNING;
  test.cpu->s.rip = FIRST + page * VT_PAGE_SIZE;
  test.cpu->s.gpr[VT_RAX] = 0;
  g_assert_cmpint (vt_x86_jit_run (test.cpu, UINT64_MAX), ==, VT_EXIT_HALT);
  g_assert_cmpuint (test.cpu->s.gpr[VT_RAX], ==, (uint64_t) (PAGES - page) * PER_PAGE);
}

/* Some of it, decoded but not translated. */
static void
interpret (void)
{
  test.cpu->s.activity = VT_X86_RUNNING;
  test.cpu->s.rip = FIRST;
  test.cpu->s.gpr[VT_RAX] = 0;
  g_assert_cmpint (vt_x86_jit_run (test.cpu, 1000), ==, VT_EXIT_BUDGET);
  g_assert_cmpuint (test.cpu->s.gpr[VT_RAX], ==, 1000);
}

/* The guest's tick: a little of its code, ten times a second. */
static void
idle (unsigned seconds)
{
  for (unsigned i = 0; i < 10 * seconds; i++)
    {
      host_ns += SECOND_NS / 10;
      run_from_page (PAGES - 2);
    }
}

static void
what_an_idle_guest_does_not_run_goes_back (void)
{
  VtJit *jit = set_up ();
  run_from_page (0);
  interpret ();
  g_assert_cmpuint (vt_jit_code_bytes (jit), >, 2 * VT_MIB);
  idle (9);
  g_assert_cmpuint (jit->drops, ==, 0);
  idle (3);
  g_assert_cmpuint (jit->drops, ==, 1);
  g_assert_cmpuint (given_back_bytes, ==, jit->memory.size - 2 * VT_CODE_LARGE_BYTES);
  g_assert_cmpuint (vt_jit_code_bytes (jit), <, 64 * VT_KIB);
  interpret ();
  run_from_page (0);
  tear_down ();
}

static void
what_it_does_run_stays (void)
{
  VtJit *jit = set_up ();
  for (unsigned second = 0; second < 60; second++)
    {
      run_from_page (0);
      idle (1);
    }
  /* Once to see what is in use. */
  g_assert_cmpuint (jit->drops, ==, 1);
  tear_down ();
}

static void
a_busy_machine_forgets_nothing (void)
{
  VtJit *jit = set_up ();
  run_from_page (0);
  step_ns = SECOND_NS / 100;
  idle (60);
  g_assert_cmpuint (jit->drops, ==, 0);
  tear_down ();
}

/* A window of work between: what it left is not in use when the machine is idle again. */
static void
what_a_busy_time_ran_goes_back_too (void)
{
  VtJit *jit = set_up ();
  run_from_page (0);
  idle (12);
  g_assert_cmpuint (jit->drops, ==, 1);
  run_from_page (0);
  step_ns = SECOND_NS / 100;
  idle (12);
  step_ns = 1000;
  idle (24);
  g_assert_cmpuint (jit->drops, ==, 2);
  g_assert_cmpuint (vt_jit_code_bytes (jit), <, 64 * VT_KIB);
  tear_down ();
}

#define ADD(function) g_test_add_func ("/rest/" #function, function)

int
main (int argc, char **argv)
{
  g_autoptr (GError) error = NULL;
  g_test_init (&argc, &argv, NULL);
  vt_host_init ();
  if (!vt_x86_jit_probe (&error))
    {
      g_print ("1..0 # SKIP %s\n", error->message);
      return 0;
    }
  ops = *vt_code_memory_ops ();
  ops.now_ns = now_ns;
  ops.give_back = give_back;
  vt_code_memory_install (&ops);
  ADD (what_an_idle_guest_does_not_run_goes_back);
  ADD (what_it_does_run_stays);
  ADD (a_busy_machine_forgets_nothing);
  ADD (what_a_busy_time_ran_goes_back_too);
  return g_test_run ();
}
