/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest-physical memory, device registers, and who may touch them.
 *
 * An address space (VtMem) is a set of mappings, of RAM or of device registers, with priorities.  It is flattened into an
 * immutable, reference-counted VtView: vCPU threads hold a view and translate through it without a lock; whoever changes
 * mappings (machine lock held) publishes a new view and the change listeners make the vCPUs pick it up at their next safe
 * point.  The I/O port space is an address space of its own.
 *
 * Every write to RAM goes through a path that notices page flags: see VtRam below.
 */
#pragma once

#include "bits.h"
#include "lock.h"

/* A guest-physical address: a struct, so that it cannot be mixed up with an offset or a linear address. */
typedef struct
{
  uint64_t v;
} VtGpa;
#define VT_GPA(x) ((VtGpa) { (x) })

typedef struct VtDevice  VtDevice;
typedef struct VtMem     VtMem;
typedef struct VtView    VtView;
typedef struct VtMapping VtMapping;

/* --- Registers of devices ------------------------------------------------------------------------------------------ */

typedef struct
{
  /* off < length and aligned to size, min_size <= size <= max_size: the bus promises. Machine lock held. */
  uint64_t (*read)  (VtDevice *dev, uint64_t off, unsigned size);
  void     (*write) (VtDevice *dev, uint64_t off, uint64_t value, unsigned size);
  /* What the handlers take (1, 2, 4, 8; 0 means 1..8). The bus splits larger and misaligned accesses, and widens smaller
   * ones: a narrow read takes its bytes out of a wide one, a narrow write arrives with the other bytes zero. */
  uint8_t min_size, max_size;
  /* The handlers also take offsets that are not aligned to size: for word registers at odd addresses. */
  bool unaligned;
} VtRegionOps;

typedef struct
{
  const char        *name;     /* for errors, trace and the inspector */
  uint64_t           length;   /* bytes */
  const VtRegionOps *ops;
} VtRegion;

/* A plain register: no code needed beyond the table. */
typedef enum
{
  VT_REG_RW,
  VT_REG_RO,
  VT_REG_W1C,   /* writing ones clears */
  VT_REG_RC,    /* reading clears */
} VtRegKind;

typedef struct
{
  const char *name;
  uint16_t    off;        /* in the region */
  uint8_t     size;       /* bytes */
  uint8_t     kind;       /* VtRegKind */
  uint64_t    reset;
  uint64_t    writable;   /* bits outside are ignored and reported once */
  size_t      field;      /* offset in the state block */
  void      (*after_write) (VtDevice *dev, uint64_t old);
} VtReg;
#define VT_REG(T, m, off_, kind_, reset_, mask_, hook_)                                                                  \
  { #m, off_, sizeof (((T *) 0)->m), kind_, reset_, mask_, offsetof (T, m), hook_ }

/* Reads or writes through the register table of the device's class; false when no register is at off. */
bool vt_regs_read  (VtDevice *dev, uint64_t off, unsigned size, uint64_t *value);
bool vt_regs_write (VtDevice *dev, uint64_t off, unsigned size, uint64_t value);

/* --- RAM ----------------------------------------------------------------------------------------------------------- */

/* Flags of a 4 KiB page. Zero is the common case, and a writer needs to do nothing then.  With any flag set, the writer
 * calls vt_ram_wrote() *after* its store.  Whoever sets a flag calls vt_ram_flags_barrier() before it reads the page: then
 * either it sees the store, or the storing thread sees the flag. */
enum
{
  VT_PAGE_CODE          = 1u << 0,   /* decoded or translated code exists for bytes of this page: see VtRam.code_pieces */
  VT_PAGE_CLEAN_DISPLAY = 1u << 1,   /* not written since the display last harvested */
  VT_PAGE_CLEAN_MIGRATE = 1u << 2,   /* not written since the migration last harvested */
};

#define VT_CODE_PIECE_SHIFT 6u

typedef struct VtRam
{
  char     *name;          /* stable: names the block in the state stream */
  uint8_t  *host;          /* size bytes, page aligned */
  uint64_t  size;          /* a multiple of VT_PAGE_SIZE */
  uint8_t  *page_flags;    /* one per page; atomic access */
  /* One per page: a bit for each 64 bytes that VT_PAGE_CODE is about. Set before the flag and cleared before it; atomic
   * access. */
  uint64_t *code_pieces;
  uint32_t *page_version;  /* bumped by a write to such a piece; atomic access */
  void    (*code_wrote) (void *opaque, struct VtRam *ram, uint64_t off, uint64_t len);   /* any thread; nullable */
  void     *code_wrote_opaque;
  /* For a writer that cannot look at page_flags, such as a hypervisor with its own log of writes: vt_ram_harvest() asks for
   * that log first. collect() calls vt_ram_wrote() for what was written since it was last called; the first time, for all
   * that may have been. Any thread; nullable. */
  void    (*collect) (void *opaque, struct VtRam *ram);
  void     *collect_opaque;
  void    (*free_host) (void *host, uint64_t size);
  /* Whole pages are zeros from now on, and their memory is the host's again until they are touched. Any thread; NULL: they
   * are overwritten. */
  void    (*discard) (struct VtRam *ram, uint64_t off, uint64_t len);
} VtRam;

/* Takes `host` (zeroed, page aligned, size bytes); free_host may be NULL. */
VtRam *vt_ram_new (const char *name, void *host, uint64_t size, void (*free_host) (void *host, uint64_t size));
void   vt_ram_free (VtRam *ram);
/* Gives whole pages back to the host: they read as zeros. Any thread. */
void   vt_ram_discard (VtRam *ram, uint64_t off, uint64_t len);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtRam, vt_ram_free)

/* Slow half of a write to flagged pages: clears CLEAN_* (the page is now dirty), and where it has hit code bumps the version,
 * clears VT_PAGE_CODE and tells the listener. Did it? Any thread. */
bool vt_ram_wrote (VtRam *ram, uint64_t off, uint64_t len);

/* The pieces of off's page that `len` bytes from there touch; what lies behind the page does not count. */
static inline uint64_t
vt_ram_pieces (uint64_t off, uint64_t len)
{
  uint64_t at = off & VT_PAGE_MASK, first = at >> VT_CODE_PIECE_SHIFT;
  uint64_t last = (len > VT_PAGE_MASK - at ? VT_PAGE_MASK : at + len - 1) >> VT_CODE_PIECE_SHIFT;
  return UINT64_MAX >> (63 - (last - first)) << first;
}
/* Writes to these pieces of a page will be noticed. Follow with vt_ram_flags_barrier() before reading them, and ask
 * vt_ram_watches_code() after that: another write may have come in between. */
void vt_ram_watch_code (VtRam *ram, uint64_t page, uint64_t pieces);
bool vt_ram_watches_code (const VtRam *ram, uint64_t page, uint64_t pieces);

/* How often code has been written, in any RAM. Any thread. */
uint64_t vt_ram_code_writes (void);
/* Which page was the `number`th to be written (1: the first). Only the last few are remembered: false for others. A page whose
 * number is not told may have been any. Any thread. */
bool vt_ram_code_write (uint64_t number, const VtRam **ram, uint64_t *page);
/* What devices and other slow writers do after their stores; off + len in bounds. It fences, so that whoever sets a flag can
 * do with a fence of its own when no other vCPU writes. */
static inline void
vt_ram_mark (VtRam *ram, uint64_t off, uint64_t len)
{
  __atomic_thread_fence (__ATOMIC_SEQ_CST);
  uint64_t first = off >> VT_PAGE_SHIFT, last = (off + len - 1) >> VT_PAGE_SHIFT;
  for (uint64_t page = first; page <= last; page++)
    if (G_UNLIKELY (__atomic_load_n (&ram->page_flags[page], __ATOMIC_RELAXED) != 0))
      {
        vt_ram_wrote (ram, off, len);
        return;
      }
}

/* Sets a flag on pages [first, first + n), VT_PAGE_CODE for all pieces. Follow with vt_ram_flags_barrier() before reading them. */
void vt_ram_set_flags (VtRam *ram, uint64_t first_page, uint64_t n_pages, uint8_t flag);
/* Takes a CLEAN_* flag from all pages: nobody harvests it any more. */
void vt_ram_end_harvest (VtRam *ram, uint8_t clean_flag);
/* For a CLEAN_* flag: writes 1 to dirty[i] for each page written since the last harvest (0 otherwise), sets the flag again
 * on them, and does the barrier. Returns the number of dirty pages. dirty has n_pages bytes. */
uint64_t vt_ram_harvest (VtRam *ram, uint64_t first_page, uint64_t n_pages, uint8_t clean_flag, uint8_t *dirty);
/* A memory barrier on every thread of the process. The host layer installs it (membarrier(2)); without one it is a full
 * fence on this thread only, which is enough for tests with one thread. */
void vt_ram_flags_barrier (void);
void vt_ram_install_barrier (void (*barrier) (void));

/* --- Address spaces ------------------------------------------------------------------------------------------------- */

/* size: one past the last address (1 << 16 for ports, 1 << physical bits for memory). `lock` is the machine lock: taken by
 * vt_view_io_read/write() when not held by the caller's own doing; NULL in single-threaded tests. */
VtMem *vt_mem_new (const char *name, uint64_t size, VtLock *lock);
/* Shows what `base` shows, but for what is mapped in the overlay itself: its mappings compete with those of `base` by priority, and
 * win among equals. What a processor in system management mode sees. One for each base, and freed before it. */
VtMem *vt_mem_new_overlay (const char *name, VtMem *base);
VtLock *vt_mem_machine_lock (const VtMem *mem);   /* nullable */
void   vt_mem_free (VtMem *mem);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtMem, vt_mem_free)

/* How a mapping answers. Reads and writes are routed separately, which is what PAM shadowing and flash chips need. */
typedef enum
{
  VT_ACCESS_NONE,     /* this direction falls through to the mapping below */
  VT_ACCESS_RAM,
  VT_ACCESS_IO,
  VT_ACCESS_IGNORE,   /* writes vanish, reads give all ones */
} VtAccess;

/* All four below: machine lock held; they publish a new view at once, unless inside begin/commit. Higher priority wins;
 * equal priorities that overlap are an error that names both. The mapping belongs to the address space. */
VtMapping *vt_mem_map_ram (VtMem *mem, VtRam *ram, uint64_t ram_off, VtGpa at, uint64_t len, int priority,
                           VtAccess reads, VtAccess writes, GError **error);
VtMapping *vt_mem_map_io (VtMem *mem, VtDevice *dev, const VtRegion *region, VtGpa at, int priority, GError **error);
/* RAM and registers at the same place (flash: reads from RAM, writes to registers, or both to registers in command mode). */
VtMapping *vt_mem_map_both (VtMem *mem, VtRam *ram, uint64_t ram_off, VtDevice *dev, const VtRegion *region, VtGpa at,
                            int priority, VtAccess reads, VtAccess writes, GError **error);
void vt_mapping_set_access (VtMapping *mapping, VtAccess reads, VtAccess writes);
void vt_mapping_move (VtMapping *mapping, VtGpa at);
/* A disabled mapping is not in the view. Guest-controlled moves may overlap others: then the older mapping wins. */
void vt_mapping_set_enabled (VtMapping *mapping, bool enabled);
void vt_mem_unmap (VtMapping *mapping);
void vt_mem_begin (VtMem *mem);
void vt_mem_commit (VtMem *mem);

/* Called after a new view was published, machine lock held. */
typedef void (*VtMemListener) (void *opaque, VtMem *mem);
void vt_mem_add_listener (VtMem *mem, VtMemListener fn, void *opaque);
void vt_mem_remove_listener (VtMem *mem, VtMemListener fn, void *opaque);

/* The current view, with a reference. Any thread. */
VtView *vt_mem_view (VtMem *mem);
void    vt_view_unref (VtView *view);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtView, vt_view_unref)
/* Changes with every published view; cheap, any thread. */
uint64_t vt_mem_generation (const VtMem *mem);
/* Is this still the newest view of its address space? Cheap, any thread. */
bool vt_view_current (const VtView *view);

/* --- Access through a view: vCPUs ------------------------------------------------------------------------------------- */

/* One whole 4 KiB page of RAM, for a software TLB. */
typedef struct
{
  uint8_t *host;      /* of the page */
  VtRam   *ram;
  uint64_t ram_off;   /* of the page */
} VtPage;

/* True when the whole page at `page` (aligned) is plain RAM in this direction. False: go through vt_view_read/write. */
bool vt_view_page (const VtView *view, VtGpa page, bool write, VtPage *out);
/* The same for `bytes` from there on, which are all of one block of RAM. */
bool vt_view_pages (const VtView *view, VtGpa page, uint64_t bytes, bool write, VtPage *out);

/* Any size 1..8, any alignment, any target; registers are accessed under the machine lock, unassigned reads give all ones.
 * Size and alignment are split as the target wants. */
uint64_t vt_view_read  (const VtView *view, VtGpa at, unsigned size);
void     vt_view_write (const VtView *view, VtGpa at, uint64_t value, unsigned size);
/* True when something answers at this address (unassigned port and memory accesses are traced). */
bool vt_view_assigned (const VtView *view, VtGpa at, bool write);

/* --- A copy of the layout: hypervisors ---------------------------------------------------------------------------------- */

/* Whole pages whose reads are plain RAM, contiguous in both spaces. */
typedef struct
{
  VtGpa    at;
  uint64_t len;
  VtRam   *ram;
  uint64_t ram_off;    /* page aligned */
  bool     writable;   /* writes go to the same bytes; otherwise they must come by vt_view_write() */
} VtRamRange;

/* Every such stretch of the view, in rising order; free with g_array_unref(). Pages that are RAM only in part, and those that
 * answer as registers, are in none of them. */
GArray *vt_view_ram_ranges (const VtView *view);

/* --- Access by devices and loaders ---------------------------------------------------------------------------------- */

/* RAM only, machine lock held or machine stopped. All or nothing: false when any byte is not plain RAM. */
bool vt_mem_read  (VtMem *mem, VtGpa at, void *dst, uint64_t len) G_GNUC_WARN_UNUSED_RESULT;
bool vt_mem_write (VtMem *mem, VtGpa at, const void *src, uint64_t len) G_GNUC_WARN_UNUSED_RESULT;
/* Like vt_mem_write, but also into memory that is read-only for the guest (firmware loaders). */
bool vt_mem_load (VtMem *mem, VtGpa at, const void *src, uint64_t len) G_GNUC_WARN_UNUSED_RESULT;

/* Memory as one device may reach it: nothing while bus mastering is off. */
typedef struct VtDma
{
  VtMem      *mem;
  const bool *enabled;   /* NULL: always */
} VtDma;

bool vt_dma_read  (const VtDma *dma, VtGpa at, void *dst, uint64_t len) G_GNUC_WARN_UNUSED_RESULT;
bool vt_dma_write (const VtDma *dma, VtGpa at, const void *src, uint64_t len) G_GNUC_WARN_UNUSED_RESULT;
bool vt_dma_get16 (const VtDma *dma, VtGpa at, uint16_t *out) G_GNUC_WARN_UNUSED_RESULT;
bool vt_dma_get32 (const VtDma *dma, VtGpa at, uint32_t *out) G_GNUC_WARN_UNUSED_RESULT;
bool vt_dma_get64 (const VtDma *dma, VtGpa at, uint64_t *out) G_GNUC_WARN_UNUSED_RESULT;
bool vt_dma_put16 (const VtDma *dma, VtGpa at, uint16_t value) G_GNUC_WARN_UNUSED_RESULT;
bool vt_dma_put32 (const VtDma *dma, VtGpa at, uint32_t value) G_GNUC_WARN_UNUSED_RESULT;
bool vt_dma_put64 (const VtDma *dma, VtGpa at, uint64_t value) G_GNUC_WARN_UNUSED_RESULT;

/* A pinned window of RAM for bulk I/O: contiguous in the host, lives until released, also across view changes. */
typedef struct
{
  VtRam   *ram_;
  uint64_t off_;
  uint8_t *ptr;       /* len bytes */
  uint64_t len;       /* may be shorter than asked for: up to the end of the RAM block that holds `at` */
  bool     wrote_;
} VtSpan;

/* `write`: the caller will store into it; its pages are marked dirty on release. False: not RAM at `at`. */
bool vt_span_pin (VtSpan *out, const VtDma *dma, VtGpa at, uint64_t len, bool write) G_GNUC_WARN_UNUSED_RESULT;
void vt_span_release (VtSpan *span);
/* Gives the whole pages of a span pinned for writing back to the host. */
void vt_span_discard (VtSpan *span);
/* Gives whole pages back. False: some of them are no memory; the others may be given back or not. */
bool vt_dma_discard (const VtDma *dma, VtGpa at, uint64_t len) G_GNUC_WARN_UNUSED_RESULT;
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VtSpan, vt_span_release)
