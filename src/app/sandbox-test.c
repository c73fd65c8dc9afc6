/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The escape drill: after entering, a process starts no program, in no thread. */
#include <errno.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

static gpointer
try_exec (gpointer go)
{
  while (!g_atomic_int_get ((int *) go))
    g_thread_yield ();
  execl ("/bin/true", "true", NULL);
  return GINT_TO_POINTER (errno);
}

/* The thread is older than the filter. */
static int
drill (void)
{
  int go = 0;
  GThread *thread = g_thread_new ("old", try_exec, &go);

  if (!vitrine_sandbox_enter ())
    return 77;
  g_atomic_int_set (&go, 1);
  if (GPOINTER_TO_INT (g_thread_join (thread)) != EPERM)
    return 1;
  if (execl ("/bin/true", "true", NULL) == 0 || errno != EPERM)
    return 2;
  if (ptrace (PTRACE_TRACEME, 0, NULL, NULL) == 0 || errno != EPERM)
    return 3;
  return 0;
}

static void
nothing_can_be_started (void)
{
  pid_t child = fork ();
  int status;

  if (child == 0)
    _exit (drill ());
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
    g_test_skip ("this kernel has no seccomp");
  else
    g_assert_cmpint (status, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sandbox/nothing can be started", nothing_can_be_started);
  return g_test_run ();
}
