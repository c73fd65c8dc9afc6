/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file-map.h"

#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "bits.h"
#include "bus-guard.h"

#define WINDOW_BYTES  ((uint64_t) VT_BUS_GUARD_BYTES)
#define LEAST_BYTES   (16u << 10)       /* fewer are read */
#define MOST_BYTES    (16u << 20)       /* more, too: nobody asks for as many at a time */
#define PAGES_MOST    (MOST_BYTES / 4096 + 1)
/* Page tables for what was seen of a file stay below 2 MiB for each. */
#define WINDOWS_MOST  16u

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif

typedef struct
{
  uint8_t *start;        /* NULL: free */
  uint64_t off;          /* of the file; a multiple of WINDOW_BYTES */
  int      guard;
  unsigned users;
  uint64_t used;         /* when, by map->clock */
} Window;

struct VtFileMap
{
  VtFile  *file;
  size_t   page_bytes;
  GMutex   lock;         /* of all below */
  bool     off;          /* not any more, or not of this file */
  uint64_t size;         /* of the file, at least, when it was last asked for */
  uint64_t clock;
  Window   windows[WINDOWS_MOST];
};

/* --- Which files --------------------------------------------------------------------------------------------------------- */

/* Whose mappings are the page cache that read() and write() use, too. */
static bool
is_coherent (int fd)
{
  static const unsigned long kinds[] = { EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC, TMPFS_MAGIC };
  struct statfs              about;
  if (fstatfs (fd, &about) != 0)
    return false;
  for (size_t i = 0; i < G_N_ELEMENTS (kinds); i++)
    if ((unsigned long) about.f_type == kinds[i])
      return true;
  return false;
}

/* Of other people's files mincore() says that all is in memory. */
static bool
tells_residence (int fd, const struct stat *about)
{
  return about->st_uid == geteuid () || vt_descriptor_writable (fd);
}

VtFileMap *
vt_file_map_new (VtFile *file)
{
  VtFileMap  *map = g_new0 (VtFileMap, 1);
  int         fd = vt_file_descriptor (file);
  struct stat about;
  map->file = file;
  map->page_bytes = (size_t) sysconf (_SC_PAGESIZE);
  map->size = vt_file_size (file);
  map->off = fstat (fd, &about) != 0 || !S_ISREG (about.st_mode) || !tells_residence (fd, &about) || !is_coherent (fd);
  g_mutex_init (&map->lock);
  return map;
}

/* --- Windows: lock held ---------------------------------------------------------------------------------------------------- */

static void
window_close (Window *window)
{
  vt_bus_unguard (window->guard);
  munmap (window->start, VT_BUS_GUARD_BYTES);
  window->start = NULL;
}

static bool
window_open (VtFileMap *map, Window *window, uint64_t off)
{
  /* It may reach beyond the file's end: what the file grows by appears there. */
  void *start = mmap (NULL, VT_BUS_GUARD_BYTES, PROT_READ, MAP_SHARED, vt_file_descriptor (map->file), (off_t) off);
  if (start == MAP_FAILED)
    return false;
  *window = (Window) { .start = start, .off = off, .guard = vt_bus_guard (start) };
  if (window->guard >= 0)
    return true;
  munmap (start, VT_BUS_GUARD_BYTES);
  window->start = NULL;
  return false;
}

/* That has `off`, or is made for it in the place of the one that nobody used for the longest time. NULL: all are in use, or none can be had. */
static Window *
find_window (VtFileMap *map, uint64_t off)
{
  Window *oldest = NULL;
  off -= off % WINDOW_BYTES;
  for (Window *w = map->windows; w < map->windows + WINDOWS_MOST; w++)
    {
      if (w->start != NULL && w->off == off)
        return w;
      bool older = oldest == NULL || (oldest->start != NULL && (w->start == NULL || w->used < oldest->used));
      if (w->users == 0 && older)
        oldest = w;
    }
  if (oldest != NULL && oldest->start != NULL)
    window_close (oldest);
  return oldest != NULL && window_open (map, oldest, off) ? oldest : NULL;
}

/* The file may have grown. */
static bool
is_inside (VtFileMap *map, uint64_t off, uint64_t len)
{
  struct stat about;
  if (!vt_fits (off, len, map->size) && fstat (vt_file_descriptor (map->file), &about) == 0)
    map->size = (uint64_t) about.st_size;
  return vt_fits (off, len, map->size);
}

/* --- Use --------------------------------------------------------------------------------------------------------------------- */

static Window *
take_window (VtFileMap *map, uint64_t off, uint64_t len)
{
  bool fits = len >= LEAST_BYTES && len <= MOST_BYTES && off / WINDOW_BYTES == (off + len - 1) / WINDOW_BYTES;
  g_mutex_lock (&map->lock);
  Window *window = fits && !map->off && is_inside (map, off, len) ? find_window (map, off) : NULL;
  if (window != NULL)
    {
      window->users++;
      window->used = ++map->clock;
    }
  g_mutex_unlock (&map->lock);
  return window;
}

/* Was all there? */
static bool
give_back (VtFileMap *map, Window *window)
{
  g_mutex_lock (&map->lock);
  bool failed = vt_bus_guard_failed (window->guard);
  map->off |= failed;
  window->users--;
  g_mutex_unlock (&map->lock);
  return !failed;
}

static bool
is_resident (const VtFileMap *map, const uint8_t *bytes, uint64_t len)
{
  unsigned char pages[PAGES_MOST];
  size_t        inside = (uintptr_t) bytes % map->page_bytes, n = (inside + len + map->page_bytes - 1) / map->page_bytes;
  if (mincore ((void *) (bytes - inside), inside + len, pages) != 0)
    return false;
  for (size_t i = 0; i < n; i++)
    if ((pages[i] & 1) == 0)
      return false;
  return true;
}

bool
vt_file_map_get (VtFileMap *map, uint64_t off, uint64_t len, VtMapped *mapped)
{
  Window *window = take_window (map, off, len);
  if (window == NULL)
    return false;
  *mapped = (VtMapped) { window->start + off % WINDOW_BYTES, map, (unsigned) (window - map->windows) };
  if (is_resident (map, mapped->bytes, len))
    return true;
  give_back (map, window);
  return false;
}

bool
vt_mapped_end (VtMapped *mapped)
{
  return give_back (mapped->map, &mapped->map->windows[mapped->window]);
}

void
vt_file_map_free (VtFileMap *map)
{
  if (map == NULL)
    return;
  for (Window *w = map->windows; w < map->windows + WINDOWS_MOST; w++)
    {
      g_assert (w->users == 0);
      if (w->start != NULL)
        window_close (w);
    }
  g_mutex_clear (&map->lock);
  g_free (map);
}
