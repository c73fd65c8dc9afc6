/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The probe against kernels that are not there, too old, or cannot run a guest. */
#include "kvm-private.h"

#include <errno.h>

#define FAKE_FD 1000
#define RUN_BYTES 8192u

/* What the kernel of this test does. */
static struct
{
  int open_errno; /* 0: opens */
  int version;
  int missing; /* capability */
  bool virtualization;
  enum
  {
    ALL_WELL,
    WRONG_EXIT,
    HANGS,
    NO_VM
  } guest;
} fake;

static struct kvm_run *run;
static unsigned opened, closed, step;
static uint8_t *guest_memory;

static int
fake_open (const char *path)
{
  g_assert_cmpstr (path, ==, "/dev/kvm");
  opened += fake.open_errno == 0;
  errno = fake.open_errno;
  return fake.open_errno != 0 ? -1 : FAKE_FD;
}

static void
fake_close (int fd)
{
  closed += fd == FAKE_FD;
}

static void
report (uint32_t value, unsigned size)
{
  run->exit_reason = KVM_EXIT_IO;
  run->io.direction = KVM_EXIT_IO_OUT;
  run->io.port = 0x80;
  run->io.size = size;
  run->io.data_offset = 4096;
  vt_store_le ((uint8_t *) run + 4096, value, size);
}

static int
fake_run (void)
{
  static const uint32_t values[] = { 0x2468, 0x55aa1234, 0x55aa1235 };
  if (fake.guest == HANGS)
    {
      while (!__atomic_load_n (&run->immediate_exit, __ATOMIC_ACQUIRE))
        g_usleep (1000);
      errno = EINTR;
      return -1;
    }
  if (fake.guest == WRONG_EXIT && step == 2)
    run->exit_reason = KVM_EXIT_INTERNAL_ERROR;
  else if (step < G_N_ELEMENTS (values))
    report (values[step], step == 0 ? 2 : 4);
  else
    {
      run->exit_reason = KVM_EXIT_HLT;
      vt_store_le (guest_memory + 0x6008, UINT64_C (0x155aa1234) * UINT64_C (0x100000001), 8);
    }
  step++;
  return 0;
}

static int
fake_ioctl (int fd, unsigned long request, void *argument)
{
  switch (request)
    {
    case KVM_GET_API_VERSION:
      return fake.version;
    case KVM_CHECK_EXTENSION:
      return (int) (uintptr_t) argument != fake.missing;
    case KVM_CREATE_VM:
      errno = ENOMEM;
      return fake.guest == NO_VM ? -1 : FAKE_FD + 1;
    case KVM_CREATE_VCPU:
      return FAKE_FD + 2;
    case KVM_GET_VCPU_MMAP_SIZE:
      return RUN_BYTES;
    case KVM_SET_USER_MEMORY_REGION:
      guest_memory = (uint8_t *) (uintptr_t) ((struct kvm_userspace_memory_region *) argument)->userspace_addr;
      return 0;
    case KVM_RUN:
      return fake_run ();
    default:
      return 0;
    }
}

static void *
fake_map (int fd, size_t size)
{
  run = g_malloc0 (size);
  return run;
}

static void
fake_unmap (void *address, size_t size)
{
  g_clear_pointer (&run, g_free);
}

static bool
fake_has_virtualization (void)
{
  return fake.virtualization;
}

static const VtKvmHost fake_host = { fake_open, fake_close, fake_ioctl, fake_map, fake_unmap, fake_has_virtualization };

/* The sentence with which the probe refuses, or NULL. */
static char *
refusal (void)
{
  g_autoptr (GError) error = NULL;
  opened = closed = step = 0;
  bool ok = vt_kvm_recommend (&fake_host, 200, &error);
  g_assert_true (ok == (error == NULL));
  g_assert_cmpuint (opened, ==, closed);
  g_assert_null (run);
  return error != NULL ? g_strdup (error->message) : NULL;
}

static void
assert_refusal (const char *words)
{
  g_autofree char *message = refusal ();
  g_assert_nonnull (message);
  if (strstr (message, words) == NULL)
    g_error ("“%s” does not say “%s”", message, words);
}

static void
be_well (void)
{
  memset (&fake, 0, sizeof fake);
  fake.version = KVM_API_VERSION;
  fake.missing = -1;
  fake.virtualization = true;
}

static void
a_guest_that_does_what_it_should_is_a_yes (void)
{
  be_well ();
  g_autofree char *message = refusal ();
  g_assert_cmpstr (message, ==, NULL);
}

static void
a_missing_device_is_told_from_a_forbidden_one (void)
{
  be_well ();
  fake.open_errno = ENOENT;
  assert_refusal ("has no /dev/kvm");
  fake.open_errno = EACCES;
  assert_refusal ("group “kvm”");
  fake.open_errno = EBUSY;
  assert_refusal ("cannot be opened");
}

static void
another_interface_version_is_refused (void)
{
  be_well ();
  fake.version = KVM_API_VERSION - 1;
  assert_refusal ("version 11");
}

static void
a_lacking_ability_is_named (void)
{
  be_well ();
  fake.missing = KVM_CAP_X86_MSR_FILTER;
  assert_refusal ("KVM_CAP_X86_MSR_FILTER");
}

static void
a_device_without_processor_support_is_refused (void)
{
  be_well ();
  fake.virtualization = false;
  assert_refusal ("neither VT-x nor AMD-V");
}

static void
a_guest_that_goes_wrong_is_refused (void)
{
  be_well ();
  fake.guest = WRONG_EXIT;
  assert_refusal ("did not do what it should (exit 17)");
  fake.guest = NO_VM;
  assert_refusal ("cannot be made");
}

static void
a_guest_that_hangs_is_given_up (void)
{
  be_well ();
  fake.guest = HANGS;
  assert_refusal ("did not end in time");
}

static void
the_real_device_runs_the_guest_or_says_why_not (void)
{
  g_autoptr (GError) error = NULL;
  if (vt_kvm_try_guest (&vt_kvm_host, 5000, &error))
    return;
  g_test_skip (error->message);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/kvm-probe/well", a_guest_that_does_what_it_should_is_a_yes);
  g_test_add_func ("/kvm-probe/missing", a_missing_device_is_told_from_a_forbidden_one);
  g_test_add_func ("/kvm-probe/version", another_interface_version_is_refused);
  g_test_add_func ("/kvm-probe/ability", a_lacking_ability_is_named);
  g_test_add_func ("/kvm-probe/processor", a_device_without_processor_support_is_refused);
  g_test_add_func ("/kvm-probe/wrong", a_guest_that_goes_wrong_is_refused);
  g_test_add_func ("/kvm-probe/hang", a_guest_that_hangs_is_given_up);
  g_test_add_func ("/kvm-probe/real", the_real_device_runs_the_guest_or_says_why_not);
  return g_test_run ();
}
