/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The escape drill: after entering, a process starts no program, in no thread, and reaches no file that it was not given. */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <linux/kvm.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#include "confinement.h"
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
run_in_child (int (*function) (void))
{
  pid_t child = fork ();
  int status;

  if (child == 0)
    _exit (function ());
  g_assert_cmpint (waitpid (child, &status, 0), ==, child);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 77)
    g_test_skip ("this kernel cannot");
  else
    g_assert_cmpint (status, ==, 0);
}

static void
nothing_can_be_started (void)
{
  run_in_child (drill);
}

/* --- files ------------------------------------------------------------------------------------------------------ */

static char *top;   /* given: machine/ to change, image to use, medium to read; the rest is not */

static gboolean
can_open (const char *name, int flags)
{
  g_autofree char *path = g_build_filename (top, name, NULL);
  int fd = open (path, flags, 0600);

  if (fd >= 0)
    close (fd);
  return fd >= 0;
}

static gboolean
can_rename (const char *from, const char *to)
{
  g_autofree char *old = g_build_filename (top, from, NULL), *fresh = g_build_filename (top, to, NULL);
  return rename (old, fresh) == 0;
}

static void
give (VitrineConfinement *confinement, const char *name, VitrineReach reach)
{
  g_autofree char *path = g_build_filename (top, name, NULL);
  vitrine_confinement_allow (confinement, path, reach);
}

static int
file_drill (void)
{
  g_autoptr(VitrineConfinement) confinement = vitrine_confinement_new ();

  give (confinement, "machine", VITRINE_REACH_CHANGE);
  give (confinement, "image", VITRINE_REACH_USE);
  give (confinement, "medium", VITRINE_REACH_READ);
  if (!vitrine_confinement_enter (confinement))
    return 77;
  const gboolean expected[][2] = {
    { can_open ("machine/state", O_RDWR | O_CREAT), TRUE },
    { can_rename ("machine/state", "machine/state2"), TRUE },
    { can_open ("image", O_RDWR), TRUE },
    { can_open ("medium", O_RDONLY), TRUE },
    { can_open ("medium", O_RDWR), FALSE },
    { can_open ("secret", O_RDONLY), FALSE },
    { can_open ("new", O_WRONLY | O_CREAT), FALSE },
    { can_open (".", O_RDONLY | O_DIRECTORY), FALSE },
    { can_open ("machine/../secret", O_RDONLY), FALSE },
    { can_rename ("machine/state2", "stolen"), FALSE },
  };
  for (guint i = 0; i < G_N_ELEMENTS (expected); i++)
    if (expected[i][0] != expected[i][1])
      return (int) i + 1;
  return 0;
}

static void
only_given_files_are_in_reach (void)
{
  static const char *const files[] = { "image", "medium", "secret", "machine/state", "machine/state2", NULL };

  top = g_dir_make_tmp ("vitrine-test-XXXXXX", NULL);
  g_autofree char *machine = g_build_filename (top, "machine", NULL);
  g_assert_cmpint (g_mkdir (machine, 0700), ==, 0);
  for (guint i = 0; i < 3; i++)
    {
      g_autofree char *path = g_build_filename (top, files[i], NULL);
      g_assert_true (g_file_set_contents (path, files[i], -1, NULL));
    }
  run_in_child (file_drill);
  for (guint i = 0; files[i] != NULL; i++)
    {
      g_autofree char *path = g_build_filename (top, files[i], NULL);
      g_unlink (path);
    }
  g_rmdir (machine);
  g_assert_cmpint (g_rmdir (top), ==, 0);
  g_free (top);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/sandbox/nothing can be started", nothing_can_be_started);
  g_test_add_func ("/sandbox/kvm goes on working", kvm_goes_on_working);
  g_test_add_func ("/sandbox/only given files are in reach", only_given_files_are_in_reach);
  return g_test_run ();
}
