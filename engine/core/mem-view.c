/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Views: the flattened address space, and every kind of access to it. */
#include "mem-private.h"

/* --- Flattening ----------------------------------------------------------------------------------------------------- */

static VtAccess
direction (const VtMapping *mapping, bool write)
{
  return write ? mapping->writes : mapping->reads;
}

static bool
takes_part (const VtMem *mem, const VtMapping *mapping, bool write)
{
  /* A guest may move a mapping beyond the end of the space: then nobody answers there. */
  return mapping->enabled && direction (mapping, write) != VT_ACCESS_NONE
         && vt_fits (mapping->at.v, mapping->len, mem->size);
}

static int
compare_addresses (const void *a, const void *b)
{
  uint64_t x = *(const uint64_t *) a, y = *(const uint64_t *) b;
  return x < y ? -1 : x > y;
}

/* The mapping that answers at `at`: highest priority, oldest among equals, an overlay's own before those below. */
static const VtMapping *
winner (const VtMem *mem, uint64_t at, bool write)
{
  const VtMapping *best = NULL;
  for (; mem != NULL; mem = mem->base)
    for (guint i = 0; i < mem->mappings->len; i++)
      {
        const VtMapping *mapping = g_ptr_array_index (mem->mappings, i);
        if (takes_part (mem, mapping, write) && at >= mapping->at.v && at - mapping->at.v < mapping->len
            && (best == NULL || mapping->priority > best->priority))
          best = mapping;
      }
  return best;
}

static void
add_edges (const VtMem *mem, bool write, GArray *edges)
{
  for (guint i = 0; i < mem->mappings->len; i++)
    {
      const VtMapping *mapping = g_ptr_array_index (mem->mappings, i);
      if (!takes_part (mem, mapping, write))
        continue;
      uint64_t start = mapping->at.v, end = mapping->at.v + mapping->len;
      g_array_append_val (edges, start);
      g_array_append_val (edges, end);
    }
}

static VtSection
section_of (const VtMapping *mapping, uint64_t start, uint64_t len, bool write)
{
  uint64_t skipped = start - mapping->at.v;
  return (VtSection) { .start = start,
                       .len = len,
                       .access = direction (mapping, write),
                       .ram = mapping->ram,
                       .ram_off = mapping->ram_off + skipped,
                       .dev = mapping->dev,
                       .region = mapping->region,
                       .region_off = skipped };
}

static void
flatten (VtMem *mem, VtView *view, bool write)
{
  g_autoptr (GArray) edges = g_array_new (FALSE, FALSE, sizeof (uint64_t));
  for (const VtMem *part = mem; part != NULL; part = part->base)
    add_edges (part, write, edges);
  g_array_sort (edges, compare_addresses);

  GArray          *sections = g_array_new (FALSE, FALSE, sizeof (VtSection));
  const VtMapping *previous = NULL;
  for (guint i = 0; i + 1 < edges->len; i++)
    {
      uint64_t start = g_array_index (edges, uint64_t, i), end = g_array_index (edges, uint64_t, i + 1);
      if (start == end)
        continue;
      const VtMapping *mapping = winner (mem, start, write);
      if (mapping != NULL && mapping == previous)
        g_array_index (sections, VtSection, sections->len - 1).len += end - start;
      else if (mapping != NULL)
        {
          VtSection section = section_of (mapping, start, end - start, write);
          g_array_append_val (sections, section);
        }
      previous = mapping;
    }
  view->n_sections[write] = sections->len;
  view->sections[write] = (VtSection *) (void *) g_array_free (sections, FALSE);
}

VtView *
vt_view_build (VtMem *mem)
{
  VtView *view = g_new0 (VtView, 1);
  view->refs = 1;
  view->mem = mem;
  flatten (mem, view, false);
  flatten (mem, view, true);
  return view;
}

void
vt_view_unref (VtView *view)
{
  if (view == NULL || !g_atomic_int_dec_and_test (&view->refs))
    return;
  g_free (view->sections[0]);
  g_free (view->sections[1]);
  g_free (view);
}

const VtSection *
vt_view_find (const VtView *view, uint64_t at, bool write)
{
  const VtSection *sections = view->sections[write];
  size_t           low = 0, high = view->n_sections[write];
  while (low < high)
    {
      size_t middle = low + (high - low) / 2;
      if (at < sections[middle].start)
        high = middle;
      else if (at - sections[middle].start >= sections[middle].len)
        low = middle + 1;
      else
        return &sections[middle];
    }
  return NULL;
}

bool
vt_view_assigned (const VtView *view, VtGpa at, bool write)
{
  return vt_view_find (view, at.v, write) != NULL;
}

bool
vt_view_page (const VtView *view, VtGpa page, bool write, VtPage *out)
{
  return vt_view_pages (view, page, VT_PAGE_SIZE, write, out);
}

bool
vt_view_pages (const VtView *view, VtGpa page, uint64_t bytes, bool write, VtPage *out)
{
  const VtSection *section = vt_view_find (view, page.v, write);
  if (section == NULL || section->access != VT_ACCESS_RAM)
    return false;
  uint64_t skipped = page.v - section->start;
  uint64_t ram_off = section->ram_off + skipped;
  if (!vt_fits (skipped, bytes, section->len) || (ram_off & VT_PAGE_MASK) != 0)
    return false;
  *out = (VtPage) { .host = section->ram->host + ram_off, .ram = section->ram, .ram_off = ram_off };
  return true;
}

/* The piece of a section of reads that lies inside one section of writes (or of none), from `at` on. */
static VtRamRange
range_piece (const VtView *view, const VtSection *reads, uint64_t at)
{
  uint64_t end = reads->start + reads->len, ram_off = reads->ram_off + (at - reads->start);
  VtRamRange piece = { .at = VT_GPA (at), .len = end - at, .ram = reads->ram, .ram_off = ram_off };
  for (size_t i = 0; i < view->n_sections[1]; i++)
    {
      const VtSection *writes = &view->sections[1][i];
      if (writes->start > at)
        {
          piece.len = MIN (piece.len, writes->start - at);
          break;
        }
      uint64_t skipped = at - writes->start;
      if (skipped >= writes->len)
        continue;
      piece.len = MIN (piece.len, writes->len - skipped);
      piece.writable = writes->access == VT_ACCESS_RAM && writes->ram == reads->ram && writes->ram_off + skipped == ram_off;
      break;
    }
  return piece;
}

/* Drops what is not whole pages, at either end. */
static void
add_whole_pages (GArray *ranges, VtRamRange range)
{
  uint64_t first = (range.at.v + VT_PAGE_MASK) & ~(uint64_t) VT_PAGE_MASK;
  uint64_t end = (range.at.v + range.len) & ~(uint64_t) VT_PAGE_MASK;
  if (first >= end)
    return;
  range.ram_off += first - range.at.v;
  range.at.v = first;
  range.len = end - first;
  if ((range.ram_off & VT_PAGE_MASK) == 0)
    g_array_append_val (ranges, range);
}

static bool
continues (const VtRamRange *before, const VtRamRange *after)
{
  return before->ram == after->ram && before->writable == after->writable && before->at.v + before->len == after->at.v
         && before->ram_off + before->len == after->ram_off;
}

GArray *
vt_view_ram_ranges (const VtView *view)
{
  GArray    *ranges = g_array_new (FALSE, FALSE, sizeof (VtRamRange));
  VtRamRange open = { .len = 0 };
  for (size_t i = 0; i < view->n_sections[0]; i++)
    {
      const VtSection *reads = &view->sections[0][i];
      if (reads->access != VT_ACCESS_RAM)
        continue;
      for (uint64_t at = reads->start; at - reads->start < reads->len;)
        {
          VtRamRange piece = range_piece (view, reads, at);
          at += piece.len;
          if (open.len != 0 && continues (&open, &piece))
            {
              open.len += piece.len;
              continue;
            }
          add_whole_pages (ranges, open);
          open = piece;
        }
    }
  add_whole_pages (ranges, open);
  return ranges;
}

/* --- Registers -------------------------------------------------------------------------------------------------------- */

/* The largest access that the handlers take at this offset and that is no longer than n. */
static unsigned
piece_size (const VtRegionOps *ops, uint64_t off, uint64_t n)
{
  unsigned max = ops->max_size != 0 ? ops->max_size : 8;
  unsigned size = 8;
  while (size > 1 && (size > max || size > n || (!ops->unaligned && (off & (size - 1)) != 0)))
    size /= 2;
  return size;
}

static uint64_t
region_read (const VtSection *section, uint64_t off, unsigned size)
{
  const VtRegionOps *ops = section->region->ops;
  if (size >= ops->min_size)
    return ops->read (section->dev, off, size) & vt_mask_bytes (size);
  uint64_t wide = off & ~(uint64_t) (ops->min_size - 1);
  if (!vt_fits (wide, ops->min_size, section->region->length))
    return vt_mask_bytes (size);
  uint64_t value = ops->read (section->dev, wide, ops->min_size);
  return (value >> (8 * (off - wide))) & vt_mask_bytes (size);
}

static void
region_write (const VtSection *section, uint64_t off, uint64_t value, unsigned size)
{
  const VtRegionOps *ops = section->region->ops;
  value &= vt_mask_bytes (size);
  if (size >= ops->min_size)
    {
      ops->write (section->dev, off, value, size);
      return;
    }
  uint64_t wide = off & ~(uint64_t) (ops->min_size - 1);
  if (vt_fits (wide, ops->min_size, section->region->length))
    ops->write (section->dev, wide, value << (8 * (off - wide)), ops->min_size);
}

/* One step of a read: up to `n` bytes at `at`; returns how many were done. */
static unsigned
read_piece (const VtView *view, uint64_t at, unsigned n, uint64_t *value)
{
  const VtSection *section = vt_view_find (view, at, false);
  if (section == NULL || section->access == VT_ACCESS_IGNORE)
    {
      *value = 0xff;
      return 1;
    }
  uint64_t skipped = at - section->start;
  unsigned fits = (unsigned) MIN ((uint64_t) n, section->len - skipped);
  if (section->access == VT_ACCESS_RAM)
    {
      *value = vt_load_le (section->ram->host + section->ram_off + skipped, fits);
      return fits;
    }
  uint64_t off = section->region_off + skipped;
  unsigned size = piece_size (section->region->ops, off, fits);
  *value = region_read (section, off, size);
  return size;
}

static unsigned
write_piece (const VtView *view, uint64_t at, uint64_t value, unsigned n)
{
  const VtSection *section = vt_view_find (view, at, true);
  if (section == NULL || section->access == VT_ACCESS_IGNORE)
    return 1;
  uint64_t skipped = at - section->start;
  unsigned fits = (unsigned) MIN ((uint64_t) n, section->len - skipped);
  if (section->access == VT_ACCESS_RAM)
    {
      vt_store_le (section->ram->host + section->ram_off + skipped, value, fits);
      vt_ram_mark (section->ram, section->ram_off + skipped, fits);
      return fits;
    }
  uint64_t off = section->region_off + skipped;
  unsigned size = piece_size (section->region->ops, off, fits);
  region_write (section, off, value, size);
  return size;
}

static void
lock (const VtView *view)
{
  if (view->mem->lock != NULL)
    vt_lock_polite (view->mem->lock);
}

static void
unlock (const VtView *view)
{
  if (view->mem->lock != NULL)
    vt_unlock (view->mem->lock);
}

uint64_t
vt_view_read (const VtView *view, VtGpa at, unsigned size)
{
  uint64_t result = 0;
  lock (view);
  for (unsigned done = 0; done < size;)
    {
      uint64_t value;
      unsigned n = read_piece (view, at.v + done, size - done, &value);
      result |= value << (8 * done);
      done += n;
    }
  unlock (view);
  return result;
}

void
vt_view_write (const VtView *view, VtGpa at, uint64_t value, unsigned size)
{
  lock (view);
  for (unsigned done = 0; done < size;)
    done += write_piece (view, at.v + done, value >> (8 * done), size - done);
  unlock (view);
}

/* --- RAM for devices and loaders -------------------------------------------------------------------------------------- */

typedef enum
{
  COPY_OUT,
  COPY_IN,
  COPY_IN_ROM,   /* into whatever RAM backs reads, writable for the guest or not */
} CopyKind;

static const VtSection *
ram_section (const VtView *view, uint64_t at, CopyKind kind)
{
  const VtSection *section = vt_view_find (view, at, kind == COPY_IN);
  return section != NULL && section->access == VT_ACCESS_RAM ? section : NULL;
}

static bool
all_ram (const VtView *view, uint64_t at, uint64_t len, CopyKind kind)
{
  while (len > 0)
    {
      const VtSection *section = ram_section (view, at, kind);
      if (section == NULL)
        return false;
      uint64_t n = MIN (len, section->len - (at - section->start));
      at += n;
      len -= n;
    }
  return true;
}

static bool
copy (VtMem *mem, uint64_t at, uint8_t *buffer, uint64_t len, CopyKind kind)
{
  const VtView *view = mem->view;
  if (!vt_fits (at, len, mem->size) || !all_ram (view, at, len, kind))
    return false;
  while (len > 0)
    {
      const VtSection *section = ram_section (view, at, kind);
      uint64_t         skipped = at - section->start;
      uint64_t         n = MIN (len, section->len - skipped);
      uint8_t         *host = section->ram->host + section->ram_off + skipped;
      if (kind == COPY_OUT)
        memcpy (buffer, host, n);
      else
        {
          memcpy (host, buffer, n);
          vt_ram_mark (section->ram, section->ram_off + skipped, n);
        }
      buffer += n;
      at += n;
      len -= n;
    }
  return true;
}

bool
vt_mem_read (VtMem *mem, VtGpa at, void *dst, uint64_t len)
{
  return copy (mem, at.v, dst, len, COPY_OUT);
}

bool
vt_mem_write (VtMem *mem, VtGpa at, const void *src, uint64_t len)
{
  return copy (mem, at.v, (uint8_t *) src, len, COPY_IN);
}

bool
vt_mem_load (VtMem *mem, VtGpa at, const void *src, uint64_t len)
{
  return copy (mem, at.v, (uint8_t *) src, len, COPY_IN_ROM);
}

static bool
dma_open (const VtDma *dma)
{
  return dma != NULL && (dma->enabled == NULL || *dma->enabled);
}

bool
vt_dma_read (const VtDma *dma, VtGpa at, void *dst, uint64_t len)
{
  return dma_open (dma) && vt_mem_read (dma->mem, at, dst, len);
}

bool
vt_dma_write (const VtDma *dma, VtGpa at, const void *src, uint64_t len)
{
  return dma_open (dma) && vt_mem_write (dma->mem, at, src, len);
}

#define DMA_ACCESSORS(bits)                                                                                              \
  bool vt_dma_get##bits (const VtDma *dma, VtGpa at, uint##bits##_t *out)                                                \
  {                                                                                                                      \
    uint##bits##_t le;                                                                                                   \
    if (!vt_dma_read (dma, at, &le, sizeof le))                                                                          \
      return false;                                                                                                      \
    *out = GUINT##bits##_FROM_LE (le);                                                                                   \
    return true;                                                                                                         \
  }                                                                                                                      \
  bool vt_dma_put##bits (const VtDma *dma, VtGpa at, uint##bits##_t value)                                               \
  {                                                                                                                      \
    uint##bits##_t le = GUINT##bits##_TO_LE (value);                                                                     \
    return vt_dma_write (dma, at, &le, sizeof le);                                                                       \
  }
DMA_ACCESSORS (16)
DMA_ACCESSORS (32)
DMA_ACCESSORS (64)

bool
vt_span_pin (VtSpan *out, const VtDma *dma, VtGpa at, uint64_t len, bool write)
{
  *out = (VtSpan) { 0 };
  if (!dma_open (dma) || len == 0)
    return false;
  const VtSection *section = ram_section (dma->mem->view, at.v, write ? COPY_IN : COPY_OUT);
  if (section == NULL)
    return false;
  uint64_t skipped = at.v - section->start;
  out->ram_ = section->ram;
  out->off_ = section->ram_off + skipped;
  out->ptr = section->ram->host + out->off_;
  out->len = MIN (len, section->len - skipped);
  out->wrote_ = write;
  return true;
}

void
vt_span_release (VtSpan *span)
{
  if (span->ram_ != NULL && span->wrote_)
    vt_ram_mark (span->ram_, span->off_, span->len);
  *span = (VtSpan) { 0 };
}
