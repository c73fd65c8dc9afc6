/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory for translated code: one memfd, mapped writable in one place and executable in another. */
#include "host-code.h"

#include <asm/prctl.h>
#include <errno.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vitrine/error.h>

static bool
fail (GError **error, const char *what)
{
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "No memory for translated code: %s: %s", what, g_strerror (errno));
  return false;
}

static bool
map (VtCodeMemory *out, size_t size, GError **error)
{
  *out = (VtCodeMemory) { .size = size };
  int fd = memfd_create ("vitrine-code", MFD_CLOEXEC);
  if (fd < 0)
    return fail (error, "memfd_create");
  if (ftruncate (fd, (off_t) size) != 0)
    {
      fail (error, "ftruncate");
      close (fd);
      return false;
    }
  void *rw = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  void *rx = mmap (NULL, size, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
  close (fd);
  if (rw == MAP_FAILED || rx == MAP_FAILED)
    {
      fail (error, "mmap");
      if (rw != MAP_FAILED)
        munmap (rw, size);
      if (rx != MAP_FAILED)
        munmap (rx, size);
      return false;
    }
  out->rw = rw;
  out->rx = rx;
  return true;
}

static void
unmap (VtCodeMemory *memory)
{
  if (memory->rw != NULL)
    munmap (memory->rw, memory->size);
  if (memory->rx != NULL)
    munmap (memory->rx, memory->size);
  *memory = (VtCodeMemory) { 0 };
}

#ifdef __x86_64__
#ifndef HWCAP2_FSGSBASE
#define HWCAP2_FSGSBASE (1u << 1)   /* arch/x86/include/uapi/asm/hwcap2.h: WRGSBASE may be used */
#endif

static void
set_gs_base (void *base)
{
  if (getauxval (AT_HWCAP2) & HWCAP2_FSGSBASE)
    __asm__ volatile ("wrgsbase %0" : : "r"(base));
  else if (syscall (SYS_arch_prctl, ARCH_SET_GS, (unsigned long) base) != 0)
    g_error ("arch_prctl (ARCH_SET_GS): %s", g_strerror (errno));
}
#else
static void
set_gs_base (void *base)
{
}
#endif

void
vt_host_install_code_memory (void)
{
  static const VtCodeMemoryOps ops = { map, unmap, set_gs_base };
  vt_code_memory_install (&ops);
}
