/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory for translated code: shared memory, mapped writable in one place and executable in another. It is anonymous and not
 * a memfd, because perf(1) looks into /tmp/perf-PID.map only for what has no file. */
#include "host-code.h"

#include "loop.h"

#include <asm/prctl.h>
#include <errno.h>
#include <stdio.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <vitrine/error.h>

#define LARGE_PAGE VT_CODE_LARGE_BYTES

/* Since Linux 6.1 (madvise(2)): a large page now, of shared memory too, for which the host's administrator may have switched off those
 * that come by themselves. */
#ifndef MADV_COLLAPSE
#define MADV_COLLAPSE 25
#endif

static bool
fail (GError **error, const char *what)
{
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "No memory for translated code: %s: %s", what, g_strerror (errno));
  return false;
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

/* Addresses that nothing else gets, at a multiple of LARGE_PAGE. MAP_FAILED: none. */
static void *
reserve (size_t size, int flags)
{
  size_t   whole = size + LARGE_PAGE;
  uint8_t *at = mmap (NULL, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
  if (at == MAP_FAILED)
    return at;
  /* What lies outside goes back. */
  size_t before = -(uintptr_t) at & (LARGE_PAGE - 1), behind = whole - before - size;
  if (before != 0)
    munmap (at, before);
  if (behind != 0)
    munmap (at + before + size, behind);
  return at + before;
}

static void *
map_shared (size_t size)
{
  void *at = reserve (size, 0);
  return at == MAP_FAILED ? at : mmap (at, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
}

/* A second mapping of shared memory: mremap(2) with an old size of 0. */
static void *
map_again (void *rw, size_t size)
{
  void *at = reserve (size, 0);
  return at == MAP_FAILED ? at : mremap (rw, 0, size, MREMAP_MAYMOVE | MREMAP_FIXED, at);
}

static bool
map (VtCodeMemory *out, size_t size, GError **error)
{
  *out = (VtCodeMemory) { .size = size };
  void *rw = map_shared (size);
  if (rw == MAP_FAILED)
    return fail (error, "mmap");
  out->rw = rw;
  void *rx = map_again (rw, size);
  if (rx != MAP_FAILED)
    out->rx = rx;
  if (rx == MAP_FAILED || mprotect (rx, size, PROT_READ | PROT_EXEC) != 0)
    {
      fail (error, rx == MAP_FAILED ? "mremap" : "mprotect");
      unmap (out);
      return false;
    }
  return true;
}

/* A refusal costs speed only. */
static void
prepare (const VtCodeMemory *memory, size_t from)
{
  /* Nothing at all is not made large. */
  (void) *(volatile uint8_t *) (memory->rw + from);
  if (madvise (memory->rw + from, LARGE_PAGE, MADV_COLLAPSE) == 0)
    (void) madvise (memory->rx + from, LARGE_PAGE, MADV_COLLAPSE);
}

static void
give_back (const VtCodeMemory *memory, size_t from, size_t size)
{
  size_t page = (size_t) sysconf (_SC_PAGESIZE);
  size_t to = (from + size) & ~(page - 1);
  from = (from + page - 1) & ~(page - 1);
  if (from < to)
    (void) madvise (memory->rw + from, to - from, MADV_REMOVE);
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

/* --- Names for perf(1) -------------------------------------------------------------------------------------------- */

static FILE *perf_map;

static void
note (const void *code, size_t size, const char *name)
{
  if (perf_map != NULL)
    fprintf (perf_map, "%lx %zx %s\n", (unsigned long) (uintptr_t) code, size, name);
}

void
vt_host_open_perf_map (void)
{
  if (perf_map != NULL)
    return;
  g_autofree char *path = g_strdup_printf ("/tmp/perf-%d.map", (int) getpid ());
  perf_map = fopen (path, "we");
  if (perf_map == NULL)
    g_warning ("%s: %s", path, g_strerror (errno));
}

static int64_t
now_ns (void)
{
  return vt_host_now_ns (NULL);
}

static size_t
whole_pages (size_t size)
{
  return (size + LARGE_PAGE - 1) & ~(LARGE_PAGE - 1);
}

static void *
map_large (size_t size, bool low)
{
  size = whole_pages (size);
#ifdef MAP_32BIT
  void *at = reserve (size, low ? MAP_32BIT : 0);
#else
  void *at = low ? MAP_FAILED : reserve (size, 0);
#endif
  if (at == MAP_FAILED)
    return NULL;
  if (mprotect (at, size, PROT_READ | PROT_WRITE) != 0)
    {
      munmap (at, size);
      return NULL;
    }
  (void) madvise (at, size, MADV_HUGEPAGE);
  return at;
}

static void
give_back_large (void *at, size_t from, size_t size)
{
  from = whole_pages (from);
  if (from < size)
    (void) madvise ((uint8_t *) at + from, size - from, MADV_DONTNEED);
}

static void
unmap_large (void *at, size_t size)
{
  munmap (at, whole_pages (size));
}

void
vt_host_install_code_memory (void)
{
  static const VtCodeMemoryOps ops = { map, unmap, prepare, give_back, set_gs_base, note, now_ns,
                                        map_large, give_back_large, unmap_large };
  if (g_getenv ("VITRINE_PERF_MAP") != NULL)
    vt_host_open_perf_map ();
  vt_code_memory_install (&ops);
}
