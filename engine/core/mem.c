/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Address spaces: mappings, and publishing the view that they add up to. */
#include "mem-private.h"

#include "vitrine/error.h"

typedef struct
{
  VtMemListener fn;
  void         *opaque;
} Listener;

VtMem *
vt_mem_new (const char *name, uint64_t size, VtLock *lock)
{
  VtMem *mem = g_new0 (VtMem, 1);
  mem->name = g_strdup (name);
  mem->size = size;
  mem->lock = lock;
  mem->mappings = g_ptr_array_new_with_free_func (g_free);
  mem->listeners = g_array_new (FALSE, FALSE, sizeof (Listener));
  g_mutex_init (&mem->view_lock);
  mem->view = vt_view_build (mem);
  return mem;
}

VtMem *
vt_mem_new_overlay (const char *name, VtMem *base)
{
  g_assert (base->base == NULL && base->overlay == NULL);
  VtMem *mem = vt_mem_new (name, base->size, base->lock);
  vt_view_unref (mem->view);
  mem->base = base;
  mem->view = vt_view_build (mem);
  base->overlay = mem;
  return mem;
}

VtLock *
vt_mem_machine_lock (const VtMem *mem)
{
  return mem->lock;
}

void
vt_mem_free (VtMem *mem)
{
  if (mem == NULL)
    return;
  g_assert (mem->overlay == NULL);
  if (mem->base != NULL)
    mem->base->overlay = NULL;
  vt_view_unref (mem->view);
  g_ptr_array_unref (mem->mappings);
  g_array_unref (mem->listeners);
  g_mutex_clear (&mem->view_lock);
  g_free (mem->name);
  g_free (mem);
}

void
vt_mem_add_listener (VtMem *mem, VtMemListener fn, void *opaque)
{
  Listener listener = { fn, opaque };
  g_array_append_val (mem->listeners, listener);
}

void
vt_mem_remove_listener (VtMem *mem, VtMemListener fn, void *opaque)
{
  for (guint i = mem->listeners->len; i > 0; i--)
    {
      const Listener *listener = &g_array_index (mem->listeners, Listener, i - 1);
      if (listener->fn == fn && listener->opaque == opaque)
        g_array_remove_index (mem->listeners, i - 1);
    }
}

static void
replace_view (VtMem *mem)
{
  VtView *fresh = vt_view_build (mem);
  g_mutex_lock (&mem->view_lock);
  VtView *old = mem->view;
  __atomic_store_n (&mem->view, fresh, __ATOMIC_RELEASE);
  __atomic_store_n (&mem->generation, mem->generation + 1, __ATOMIC_RELEASE);
  g_mutex_unlock (&mem->view_lock);
  vt_view_unref (old);
}

/* What shows through an overlay has changed there, too, before anybody hears of it. */
static void
publish (VtMem *mem)
{
  mem->changed = false;
  replace_view (mem);
  if (mem->overlay != NULL)
    replace_view (mem->overlay);
  for (guint i = 0; i < mem->listeners->len; i++)
    {
      Listener *listener = &g_array_index (mem->listeners, Listener, i);
      listener->fn (listener->opaque, mem);
    }
}

static void
changed (VtMem *mem)
{
  mem->changed = true;
  if (mem->open_changes == 0)
    publish (mem);
}

void
vt_mem_begin (VtMem *mem)
{
  mem->open_changes++;
}

void
vt_mem_commit (VtMem *mem)
{
  g_assert (mem->open_changes > 0);
  if (--mem->open_changes == 0 && mem->changed)
    publish (mem);
}

VtView *
vt_mem_view (VtMem *mem)
{
  g_mutex_lock (&mem->view_lock);
  VtView *view = mem->view;
  g_atomic_int_inc (&view->refs);
  g_mutex_unlock (&mem->view_lock);
  return view;
}

uint64_t
vt_mem_generation (const VtMem *mem)
{
  return __atomic_load_n (&mem->generation, __ATOMIC_ACQUIRE);
}

bool
vt_view_current (const VtView *view)
{
  return __atomic_load_n (&view->mem->view, __ATOMIC_ACQUIRE) == view;
}

static const char *
mapping_name (const VtMapping *mapping)
{
  return mapping->region != NULL ? mapping->region->name : mapping->ram != NULL ? mapping->ram->name : "hole";
}

static bool
overlaps (const VtMapping *a, const VtMapping *b)
{
  return a->at.v < b->at.v ? b->at.v - a->at.v < a->len : a->at.v - b->at.v < b->len;
}

static VtMapping *
add_mapping (VtMem *mem, const VtMapping *wanted, GError **error)
{
  if (wanted->len == 0 || !vt_fits (wanted->at.v, wanted->len, mem->size))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "%s does not fit into the %s address space at 0x%" G_GINT64_MODIFIER "x",
                   mapping_name (wanted), mem->name, wanted->at.v);
      return NULL;
    }
  for (guint i = 0; i < mem->mappings->len; i++)
    {
      const VtMapping *other = g_ptr_array_index (mem->mappings, i);
      if (other->enabled && other->priority == wanted->priority && overlaps (other, wanted))
        {
          g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "%s and %s overlap in the %s address space at 0x%" G_GINT64_MODIFIER "x",
                       mapping_name (wanted), mapping_name (other), mem->name, wanted->at.v);
          return NULL;
        }
    }
  VtMapping *mapping = g_memdup2 (wanted, sizeof *wanted);
  mapping->mem = mem;
  mapping->enabled = true;
  g_ptr_array_add (mem->mappings, mapping);
  changed (mem);
  return mapping;
}

VtMapping *
vt_mem_map_ram (VtMem *mem, VtRam *ram, uint64_t ram_off, VtGpa at, uint64_t len, int priority, VtAccess reads,
                VtAccess writes, GError **error)
{
  g_assert (vt_fits (ram_off, len, ram->size));
  VtMapping wanted = { .ram = ram, .ram_off = ram_off, .at = at, .len = len, .priority = priority, .reads = reads,
                       .writes = writes };
  return add_mapping (mem, &wanted, error);
}

VtMapping *
vt_mem_map_io (VtMem *mem, VtDevice *dev, const VtRegion *region, VtGpa at, int priority, GError **error)
{
  VtMapping wanted = { .dev = dev, .region = region, .at = at, .len = region->length, .priority = priority,
                       .reads = VT_ACCESS_IO, .writes = VT_ACCESS_IO };
  return add_mapping (mem, &wanted, error);
}

VtMapping *
vt_mem_map_both (VtMem *mem, VtRam *ram, uint64_t ram_off, VtDevice *dev, const VtRegion *region, VtGpa at, int priority,
                 VtAccess reads, VtAccess writes, GError **error)
{
  g_assert (vt_fits (ram_off, region->length, ram->size));
  VtMapping wanted = { .ram = ram, .ram_off = ram_off, .dev = dev, .region = region, .at = at, .len = region->length,
                       .priority = priority, .reads = reads, .writes = writes };
  return add_mapping (mem, &wanted, error);
}

void
vt_mapping_set_access (VtMapping *mapping, VtAccess reads, VtAccess writes)
{
  if (mapping->reads == reads && mapping->writes == writes)
    return;
  mapping->reads = reads;
  mapping->writes = writes;
  changed (mapping->mem);
}

void
vt_mapping_move (VtMapping *mapping, VtGpa at)
{
  if (mapping->at.v == at.v)
    return;
  mapping->at = at;
  if (mapping->enabled)
    changed (mapping->mem);
}

void
vt_mapping_set_enabled (VtMapping *mapping, bool enabled)
{
  if (mapping->enabled == enabled)
    return;
  mapping->enabled = enabled;
  changed (mapping->mem);
}

void
vt_mem_unmap (VtMapping *mapping)
{
  VtMem *mem = mapping->mem;
  g_ptr_array_remove (mem->mappings, mapping);
  changed (mem);
}

void
vt_span_discard (VtSpan *span)
{
  uint64_t first = (span->off_ + VT_PAGE_MASK) & ~(uint64_t) VT_PAGE_MASK;
  uint64_t end = (span->off_ + span->len) & ~(uint64_t) VT_PAGE_MASK;
  if (first < end)
    vt_ram_discard (span->ram_, first, end - first);
}

bool
vt_dma_discard (const VtDma *dma, VtGpa at, uint64_t len)
{
  while (len > 0)
    {
      g_auto (VtSpan) span = { 0 };
      if (!vt_span_pin (&span, dma, at, len, true))
        return false;
      vt_span_discard (&span);
      at.v += span.len;
      len -= span.len;
    }
  return true;
}
