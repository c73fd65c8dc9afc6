/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mem.h"

static void (*barrier_all) (void);

/* The last writes to code. A slot says which write it is of, so that a reader sees when it has been overtaken. */
#define REMEMBERED 64u
typedef struct
{
  uint64_t     number;      /* 1 for the first; atomic */
  const VtRam *ram;
  uint64_t     page;
} CodeWrite;
static CodeWrite recent[REMEMBERED];
static uint64_t  begun, code_writes;

uint64_t
vt_ram_code_writes (void)
{
  return __atomic_load_n (&code_writes, __ATOMIC_ACQUIRE);
}

static void
remember_code_write (const VtRam *ram, uint64_t page)
{
  uint64_t   number = __atomic_add_fetch (&begun, 1, __ATOMIC_ACQ_REL);
  CodeWrite *slot = &recent[number % REMEMBERED];
  __atomic_store_n (&slot->number, 0, __ATOMIC_RELEASE);
  __atomic_store_n (&slot->ram, ram, __ATOMIC_RELAXED);
  __atomic_store_n (&slot->page, page, __ATOMIC_RELAXED);
  __atomic_store_n (&slot->number, number, __ATOMIC_RELEASE);
  __atomic_fetch_add (&code_writes, 1, __ATOMIC_ACQ_REL);
}

bool
vt_ram_code_write (uint64_t number, const VtRam **ram, uint64_t *page)
{
  const CodeWrite *slot = &recent[number % REMEMBERED];
  if (__atomic_load_n (&slot->number, __ATOMIC_ACQUIRE) != number)
    return false;
  *ram = __atomic_load_n (&slot->ram, __ATOMIC_RELAXED);
  *page = __atomic_load_n (&slot->page, __ATOMIC_RELAXED);
  __atomic_thread_fence (__ATOMIC_ACQUIRE);
  return __atomic_load_n (&slot->number, __ATOMIC_RELAXED) == number;
}

void
vt_ram_install_barrier (void (*barrier) (void))
{
  barrier_all = barrier;
}

void
vt_ram_flags_barrier (void)
{
  if (barrier_all != NULL)
    barrier_all ();
  else
    __atomic_thread_fence (__ATOMIC_SEQ_CST);
}

VtRam *
vt_ram_new (const char *name, void *host, uint64_t size, void (*free_host) (void *host, uint64_t size))
{
  g_assert (size > 0 && (size & VT_PAGE_MASK) == 0 && ((uintptr_t) host & VT_PAGE_MASK) == 0);
  VtRam *ram = g_new0 (VtRam, 1);
  ram->name = g_strdup (name);
  ram->host = host;
  ram->size = size;
  ram->free_host = free_host;
  ram->page_flags = g_malloc0 (size >> VT_PAGE_SHIFT);
  ram->code_pieces = g_new0 (uint64_t, size >> VT_PAGE_SHIFT);
  ram->page_version = g_malloc0 ((size >> VT_PAGE_SHIFT) * sizeof (uint32_t));
  return ram;
}

void
vt_ram_free (VtRam *ram)
{
  if (ram == NULL)
    return;
  if (ram->free_host != NULL)
    ram->free_host (ram->host, ram->size);
  g_free (ram->page_flags);
  g_free (ram->code_pieces);
  g_free (ram->page_version);
  g_free (ram->name);
  g_free (ram);
}

/* The order is what vt_ram_watches_code() relies on: pieces, flag, version. Whoever watches sets pieces and flag in the same
 * order, so that both are still there only if neither was cleared in between, or that comes with a version not seen yet. */
static bool
code_is_dead (VtRam *ram, uint64_t page)
{
  __atomic_store_n (&ram->code_pieces[page], 0, __ATOMIC_SEQ_CST);
  if (!(__atomic_exchange_n (&ram->page_flags[page], 0, __ATOMIC_ACQ_REL) & VT_PAGE_CODE))
    return false;
  __atomic_fetch_add (&ram->page_version[page], 1, __ATOMIC_ACQ_REL);
  remember_code_write (ram, page);
  return true;
}

static bool
wrote_page (VtRam *ram, uint64_t page, uint64_t pieces)
{
  uint8_t flags = __atomic_load_n (&ram->page_flags[page], __ATOMIC_ACQUIRE);
  if ((flags & VT_PAGE_CODE) && (__atomic_load_n (&ram->code_pieces[page], __ATOMIC_ACQUIRE) & pieces) != 0)
    return code_is_dead (ram, page);
  if (flags & (uint8_t) ~VT_PAGE_CODE)
    __atomic_fetch_and (&ram->page_flags[page], VT_PAGE_CODE, __ATOMIC_ACQ_REL);
  return false;
}

bool
vt_ram_wrote (VtRam *ram, uint64_t off, uint64_t len)
{
  bool code = false;
  for (uint64_t at = off, end = off + len; at < end; at = (at | VT_PAGE_MASK) + 1)
    code |= wrote_page (ram, at >> VT_PAGE_SHIFT, vt_ram_pieces (at, end - at));
  if (code && ram->code_wrote != NULL)
    ram->code_wrote (ram->code_wrote_opaque, ram, off, len);
  return code;
}

void
vt_ram_watch_code (VtRam *ram, uint64_t page, uint64_t pieces)
{
  __atomic_fetch_or (&ram->code_pieces[page], pieces, __ATOMIC_SEQ_CST);
  __atomic_fetch_or (&ram->page_flags[page], VT_PAGE_CODE, __ATOMIC_SEQ_CST);
}

bool
vt_ram_watches_code (const VtRam *ram, uint64_t page, uint64_t pieces)
{
  return (__atomic_load_n (&ram->page_flags[page], __ATOMIC_ACQUIRE) & VT_PAGE_CODE) != 0
         && (__atomic_load_n (&ram->code_pieces[page], __ATOMIC_ACQUIRE) & pieces) == pieces;
}

void
vt_ram_set_flags (VtRam *ram, uint64_t first_page, uint64_t n_pages, uint8_t flag)
{
  g_assert (vt_fits (first_page, n_pages, ram->size >> VT_PAGE_SHIFT));
  for (uint64_t page = first_page; page < first_page + n_pages; page++)
    {
      if (flag & VT_PAGE_CODE)
        __atomic_fetch_or (&ram->code_pieces[page], UINT64_MAX, __ATOMIC_SEQ_CST);
      if ((__atomic_load_n (&ram->page_flags[page], __ATOMIC_RELAXED) & flag) != flag)
        __atomic_fetch_or (&ram->page_flags[page], flag, __ATOMIC_ACQ_REL);
    }
}

void
vt_ram_end_harvest (VtRam *ram, uint8_t clean_flag)
{
  for (uint64_t page = 0; page < ram->size >> VT_PAGE_SHIFT; page++)
    if (__atomic_load_n (&ram->page_flags[page], __ATOMIC_RELAXED) & clean_flag)
      __atomic_fetch_and (&ram->page_flags[page], (uint8_t) ~clean_flag, __ATOMIC_ACQ_REL);
}

uint64_t
vt_ram_harvest (VtRam *ram, uint64_t first_page, uint64_t n_pages, uint8_t clean_flag, uint8_t *dirty)
{
  g_assert (vt_fits (first_page, n_pages, ram->size >> VT_PAGE_SHIFT));
  uint64_t n_dirty = 0;
  if (ram->collect != NULL)
    ram->collect (ram->collect_opaque, ram);
  for (uint64_t i = 0; i < n_pages; i++)
    {
      uint8_t *flags = &ram->page_flags[first_page + i];
      dirty[i] = (__atomic_load_n (flags, __ATOMIC_RELAXED) & clean_flag) == 0;
      if (dirty[i])
        {
          __atomic_fetch_or (flags, clean_flag, __ATOMIC_ACQ_REL);
          n_dirty++;
        }
    }
  if (n_dirty > 0)
    vt_ram_flags_barrier ();
  return n_dirty;
}

void
vt_ram_discard (VtRam *ram, uint64_t off, uint64_t len)
{
  g_assert (((off | len) & VT_PAGE_MASK) == 0 && vt_fits (off, len, ram->size));
  if (len == 0)
    return;
  if (ram->discard != NULL)
    ram->discard (ram, off, len);
  else
    memset (ram->host + off, 0, len);
  vt_ram_mark (ram, off, len);
}
