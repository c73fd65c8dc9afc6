/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The escape drill: after entering, a process starts no program, in no thread. */
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
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

/* Where there is a /dev/kvm: a virtual processor can be made, and its thread be interrupted. */
static int
virtualize (void)
{
  int device = open ("/dev/kvm", O_RDWR | O_CLOEXEC);

  signal (SIGRTMIN + 5, SIG_IGN);
  if (!vitrine_sandbox_enter ())
    return 77;
  if (device < 0)
    return 78;
  int vm = ioctl (device, KVM_CREATE_VM, 0);
  int vcpu = vm >= 0 ? ioctl (vm, KVM_CREATE_VCPU, 0) : -1;
  if (vcpu < 0)
    return 1;
  struct kvm_run *run
      = mmap (NULL, (size_t) ioctl (device, KVM_GET_VCPU_MMAP_SIZE, 0), PROT_READ | PROT_WRITE, MAP_SHARED, vcpu, 0);
  if (run == MAP_FAILED)
    return 2;
  run->immediate_exit = 1;
  if (ioctl (vcpu, KVM_RUN, 0) == 0 || errno != EINTR)
    return 3;
  return pthread_kill (pthread_self (), SIGRTMIN + 5) == 0 ? 0 : 4;
}

static void
kvm_goes_on_working (void)
{
  pid_t child = fork ();
  int status;

  if (child == 0)
    _exit (virtualize ());
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  if (WIFEXITED (status) && (WEXITSTATUS (status) == 77 || WEXITSTATUS (status) == 78))
    g_test_skip (WEXITSTATUS (status) == 77 ? "this kernel has no seccomp" : "/dev/kvm cannot be opened here");
  else
    g_assert_cmpint (status, ==, 0);
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
  g_test_add_func ("/sandbox/kvm goes on working", kvm_goes_on_working);
  return g_test_run ();
}
