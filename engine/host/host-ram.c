/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "host-ram.h"

#include "host-code.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "vitrine/error.h"

static void
barrier_on_all_threads (void)
{
  if (syscall (SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0) != 0)
    __atomic_thread_fence (__ATOMIC_SEQ_CST);
}

void
vt_host_init (void)
{
  static gsize done;
  if (!g_once_init_enter (&done))
    return;
  if (syscall (SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0) == 0)
    vt_ram_install_barrier (barrier_on_all_threads);
  vt_host_install_code_memory ();
  g_once_init_leave (&done, 1);
}

static void
unmap (void *host, uint64_t size)
{
  munmap (host, size);
}

static void
discard (VtRam *ram, uint64_t off, uint64_t len)
{
  if (madvise (ram->host + off, len, MADV_DONTNEED) != 0)
    memset (ram->host + off, 0, len);
}

VtRam *
vt_host_ram_new (const char *name, uint64_t size, GError **error)
{
  void *host = mmap (NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (host == MAP_FAILED)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot get %" G_GUINT64_FORMAT " MiB of memory for %s: %s",
                   size / VT_MIB, name, g_strerror (errno));
      return NULL;
    }
  /* Large pages make the guest's own TLB misses cheap for us; a refusal costs nothing. */
  (void) madvise (host, size, MADV_HUGEPAGE);
  (void) madvise (host, size, MADV_DONTDUMP);
  VtRam *ram = vt_ram_new (name, host, size, unmap);
  ram->discard = discard;
  return ram;
}

void
vt_host_ram_clear (VtRam *ram)
{
  discard (ram, 0, ram->size);
}

uint64_t
vt_host_peak_rss_bytes (void)
{
  struct rusage usage;
  return getrusage (RUSAGE_SELF, &usage) == 0 ? (uint64_t) usage.ru_maxrss * VT_KIB : 0;
}

/* proc(5): the second number of statm is pages in memory. */
uint64_t
vt_host_rss_bytes (void)
{
  char text[128] = "";
  int fd = open ("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (fd < 0)
    return 0;
  ssize_t got = read (fd, text, sizeof text - 1);
  close (fd);
  const char *space = got > 0 ? strchr (text, ' ') : NULL;
  return space != NULL ? g_ascii_strtoull (space, NULL, 10) * (uint64_t) sysconf (_SC_PAGESIZE) : 0;
}

double
vt_host_cpu_seconds (void)
{
  struct rusage usage;
  if (getrusage (RUSAGE_SELF, &usage) != 0)
    return 0;
  return (double) (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
         + (double) (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6;
}

void
vt_host_random (uint8_t *bytes, size_t n)
{
  while (n > 0)
    {
      ssize_t got = getrandom (bytes, n, 0);
      if (got < 0)
        continue;
      bytes += got;
      n -= (size_t) got;
    }
}
