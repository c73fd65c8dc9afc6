/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Does the comparison of translator and interpreter see what it should? Translations are spoiled on purpose. */
#include "accel.h"
#include "host-ram.h"
#include "jit-lockstep.h"
#include "jit-run.h"
#include "x86-test.h"

#include <vitrine/error.h>

#define RAM_SIZE (16 * VT_MIB)
#define MARK     0x12345678u   /* in the guest's code, and hence in its translation */

static VtX86Test test;

static void
put_code (const void *code, size_t len)
{
  g_assert_true (vt_mem_write (test.mem, VT_GPA (0x1000), code, len));
}
#define PUT_CODE(...) put_code ((const uint8_t[]) { __VA_ARGS__ }, sizeof ((const uint8_t[]) { __VA_ARGS__ }))

static void
set_up (void)
{
  g_autoptr (GError) error = NULL;
  x86_test_setup (&test, RAM_SIZE, 64);
  g_assert_true (vt_x86_jit_init_lockstep (test.cpu, &error));
  test.cpu->s.gpr[VT_RBX] = 0x200000;
}

static void
tear_down (void)
{
  vt_x86_jit_free (test.cpu);
  x86_test_teardown (&test);
}

/* Wherever the translation has the mark it gets another value: an address may be computed twice. */
static void
spoil (void)
{
  VtJit *jit = test.cpu->accel_data;
  unsigned found = 0;
  for (uint8_t *at = jit->common.start; at + 4 <= jit->common.at; at++)
    if (vt_load_le (at, 4) == MARK)
      {
        at[0] ^= 1;
        found++;
      }
  g_assert_cmpuint (found, >, 0);
}

static void
run_until_difference (const char *report, const char *failure)
{
  g_assert_cmpint (vt_x86_jit_run_lockstep (test.cpu, 1000), ==, VT_EXIT_BUDGET);
  spoil ();
  /* The report goes to standard error. */
  if (g_test_subprocess ())
    {
      g_assert_cmpint (vt_x86_jit_run_lockstep (test.cpu, 1000), ==, VT_EXIT_ERROR);
      g_assert_nonnull (strstr (test.cpu->vcpu.failure, failure));
      exit (0);
    }
  g_test_trap_subprocess (NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
  g_test_trap_assert_passed ();
  g_test_trap_assert_stderr (report);
}

static void
equal_code_runs_and_everything_is_compared (void)
{
  set_up ();
  /* inc eax; mov [rbx], eax; add ecx, eax; jmp back */
  PUT_CODE (0xff, 0xc0, 0x89, 0x03, 0x01, 0xc1, 0xeb, 0xf8);
  g_assert_cmpint (vt_x86_jit_run_lockstep (test.cpu, 4000), ==, VT_EXIT_BUDGET);
  VtJit *jit = test.cpu->accel_data;
  g_assert_cmpuint (jit->lockstep->n_compared, >=, 3990);
  g_assert_cmpuint (jit->lockstep->n_compared, <=, 4100);
  g_assert_cmpuint (vt_load_le (test.host + 0x200000, 4), ==, (uint32_t) test.cpu->s.gpr[VT_RAX]);
  tear_down ();
}

static void
a_wrong_register_is_found (void)
{
  set_up ();
  /* mov edx, MARK; inc eax; jmp back */
  PUT_CODE (0xba, 0x78, 0x56, 0x34, 0x12, 0xff, 0xc0, 0xeb, 0xf7);
  run_until_difference ("*differ: registers*mov edx, 0x12345678*gpr?2?: interpreter *12345678, translated *12345679*; *mov edx*", "registers");
  tear_down ();
}

static void
a_wrong_value_in_memory_is_found (void)
{
  set_up ();
  /* mov dword [rbx], MARK; inc eax; jmp back */
  PUT_CODE (0xc7, 0x03, 0x78, 0x56, 0x34, 0x12, 0xff, 0xc0, 0xeb, 0xf6);
  run_until_difference ("*differ: memory*mov*0x12345678*interpreter stores * 12 34 56 78*translated  stores * 12 34 56 79*", "memory");
  tear_down ();
}

static void
a_store_to_another_place_is_found (void)
{
  set_up ();
  test.cpu->s.gpr[VT_RBX] = 0x200000 - (uint64_t) MARK;
  /* mov [rbx + MARK], eax; inc eax; jmp back */
  PUT_CODE (0x89, 0x83, 0x78, 0x56, 0x34, 0x12, 0xff, 0xc0, 0xeb, 0xf6);
  run_until_difference ("*differ: memory*", "memory");
  tear_down ();
}

static void
wrong_flags_are_found_when_they_are_read (void)
{
  set_up ();
  test.cpu->s.gpr[VT_RDX] = MARK;
  /* cmp edx, MARK; jmp +0; sete cl; jmp back */
  PUT_CODE (0x81, 0xfa, 0x78, 0x56, 0x34, 0x12, 0xeb, 0x00, 0x0f, 0x94, 0xc1, 0xeb, 0xf3);
  run_until_difference ("*differ: *cmp edx, 0x12345678*", "differ");
  tear_down ();
}

static void
a_second_processor_is_refused_with_a_sentence (void)
{
  g_autoptr (GError) error = NULL;
  VtVcpu vcpu = { .index = 1 };
  g_assert_false (vt_accel_cosim.attach (&vcpu, &error));
  g_assert_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED);
  g_assert_nonnull (strstr (error->message, "--cpus 1"));
}

#define ADD(function) g_test_add_func ("/cosim/" #function, function)

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
  ADD (equal_code_runs_and_everything_is_compared);
  ADD (a_wrong_register_is_found);
  ADD (a_wrong_value_in_memory_is_found);
  ADD (a_store_to_another_place_is_found);
  ADD (wrong_flags_are_found_when_they_are_read);
  ADD (a_second_processor_is_refused_with_a_sentence);
  return g_test_run ();
}
