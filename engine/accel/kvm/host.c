/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The real kernel, and the real processor. */
#include "kvm-private.h"

#include <cpuid.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define CPUID_1_ECX_VMX (1u << 5)
#define CPUID_80000001_ECX_SVM (1u << 2)

static int
host_open (const char *path)
{
  return open (path, O_RDWR | O_CLOEXEC);
}

static void
host_close (int fd)
{
  close (fd);
}

static int
host_ioctl (int fd, unsigned long request, void *argument)
{
  return ioctl (fd, request, argument);
}

static void *
host_map (int fd, size_t size)
{
  void *address = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return address != MAP_FAILED ? address : NULL;
}

static void
host_unmap (void *address, size_t size)
{
  munmap (address, size);
}

static bool
host_has_virtualization (void)
{
  unsigned eax, ebx, ecx, edx;
  if (__get_cpuid (1, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_1_ECX_VMX) != 0)
    return true;
  return __get_cpuid (0x80000001, &eax, &ebx, &ecx, &edx) && (ecx & CPUID_80000001_ECX_SVM) != 0;
}

const VtKvmHost vt_kvm_host = {
  .open = host_open,
  .close = host_close,
  .ioctl = host_ioctl,
  .map = host_map,
  .unmap = host_unmap,
  .has_virtualization = host_has_virtualization,
};

static void
interrupted (int signal)
{
}

void
vt_kvm_install_signal (void)
{
  static gsize done;
  if (!g_once_init_enter (&done))
    return;
  /* Without SA_RESTART: the system call is to end. */
  struct sigaction action = { .sa_handler = interrupted };
  sigaction (VT_KVM_SIGNAL, &action, NULL);
  g_once_init_leave (&done, 1);
}
