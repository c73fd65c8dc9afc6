/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory slots: the kernel's copy of the view, and its log of writes.
 *
 * The kernel writes to RAM without looking at page flags.  A RAM block that somebody harvests is therefore logged from
 * then on, and the log is turned into vt_ram_wrote() before each harvest, and before a slot goes away.
 */
#include "kvm-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <vitrine/error.h>

#define BITS_PER_WORD 64u

static bool
same_place (const VtRamRange *a, const VtRamRange *b)
{
  return a->at.v == b->at.v && a->len == b->len && a->ram == b->ram && a->ram_off == b->ram_off
         && a->writable == b->writable;
}

/* Size 0 takes the slot away. */
static bool
put_slot (VtKvmVm *vm, const VtKvmSlot *slot, bool there, GError **error)
{
  struct kvm_userspace_memory_region region = {
    .slot = slot->id,
    .flags = (slot->logged ? KVM_MEM_LOG_DIRTY_PAGES : 0) | (slot->range.writable ? 0 : KVM_MEM_READONLY),
    .guest_phys_addr = slot->range.at.v,
    .memory_size = there ? slot->range.len : 0,
    .userspace_addr = (uintptr_t) slot->range.ram->host + slot->range.ram_off,
  };
  if (vt_kvm_host.ioctl (vm->fd, KVM_SET_USER_MEMORY_REGION, &region) >= 0)
    return true;
  int saved = errno;
  g_autofree char *at = g_strdup_printf ("0x%" G_GINT64_MODIFIER "x", slot->range.at.v);
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, _("%s does not take the memory at %s: %s"), VT_KVM_DEVICE, at,
               g_strerror (saved));
  return false;
}

/* --- The log ------------------------------------------------------------------------------------------------------ */

static void
read_log (VtKvmVm *vm, const VtKvmSlot *slot)
{
  uint64_t pages = slot->range.len >> VT_PAGE_SHIFT, words = (pages + BITS_PER_WORD - 1) / BITS_PER_WORD;
  g_autofree uint64_t *bitmap = g_new0 (uint64_t, words);
  struct kvm_dirty_log log = { .slot = slot->id, .dirty_bitmap = bitmap };
  /* Not to know is to take everything as written. */
  if (vt_kvm_host.ioctl (vm->fd, KVM_GET_DIRTY_LOG, &log) < 0)
    memset (bitmap, 0xff, words * sizeof *bitmap);
  for (uint64_t page = 0; page < pages; page++)
    if (bitmap[page / BITS_PER_WORD] == 0)
      page |= BITS_PER_WORD - 1;
    else if ((bitmap[page / BITS_PER_WORD] >> (page % BITS_PER_WORD)) & 1)
      vt_ram_wrote (slot->range.ram, slot->range.ram_off + (page << VT_PAGE_SHIFT), VT_PAGE_SIZE);
}

static void
start_log (VtKvmVm *vm, VtRam *ram)
{
  g_hash_table_add (vm->logged, ram);
  for (guint i = 0; i < vm->slots->len; i++)
    {
      VtKvmSlot *slot = &g_array_index (vm->slots, VtKvmSlot, i);
      if (slot->range.ram != ram || !slot->range.writable || slot->logged)
        continue;
      slot->logged = true;
      /* A log that cannot be started reads as "everything". */
      put_slot (vm, slot, true, NULL);
    }
  vt_ram_wrote (ram, 0, ram->size);
}

void
vt_kvm_slots_collect (void *opaque, VtRam *ram)
{
  VtKvmVm *vm = opaque;
  g_mutex_lock (&vm->gate);
  if (!g_hash_table_contains (vm->logged, ram))
    start_log (vm, ram);
  else
    for (guint i = 0; i < vm->slots->len; i++)
      {
        const VtKvmSlot *slot = &g_array_index (vm->slots, VtKvmSlot, i);
        if (slot->range.ram == ram && slot->logged)
          read_log (vm, slot);
      }
  g_mutex_unlock (&vm->gate);
}

void
vt_kvm_slots_watch (VtKvmVm *vm)
{
  g_autoptr (VtView) view = vt_mem_view (vm->mem);
  g_autoptr (GArray) ranges = vt_view_ram_ranges (view);
  g_mutex_lock (&vm->gate);
  for (guint i = 0; i < ranges->len; i++)
    {
      VtRam *ram = g_array_index (ranges, VtRamRange, i).ram;
      if (!g_hash_table_add (vm->watched, ram))
        continue;
      ram->collect_opaque = vm;
      ram->collect = vt_kvm_slots_collect;
    }
  g_mutex_unlock (&vm->gate);
}

void
vt_kvm_slots_unwatch (VtKvmVm *vm)
{
  GHashTableIter iter;
  gpointer ram;
  g_mutex_lock (&vm->gate);
  g_hash_table_iter_init (&iter, vm->watched);
  while (g_hash_table_iter_next (&iter, &ram, NULL))
    ((VtRam *) ram)->collect = NULL;
  g_hash_table_remove_all (vm->watched);
  g_mutex_unlock (&vm->gate);
}

/* --- The layout --------------------------------------------------------------------------------------------------- */

/* A processor's local APIC lies over whatever is in the view there. */
static bool
apic_page (VtKvmVm *vm, const VtRamRange *range, uint64_t *page)
{
  for (guint i = 0; i < vm->vcpus->len; i++)
    {
      const VtKvmVcpu *kvm = vm->vcpus->pdata[i];
      if (kvm->apic_page >= range->at.v && kvm->apic_page - range->at.v < range->len)
        {
          *page = kvm->apic_page;
          return true;
        }
    }
  return false;
}

static VtRamRange
part_of (const VtRamRange *range, uint64_t start, uint64_t end)
{
  VtRamRange part = *range;
  part.at.v = start;
  part.len = end - start;
  part.ram_off += start - range->at.v;
  return part;
}

static void
add_wanted (VtKvmVm *vm, GArray *wanted, VtRamRange range)
{
  uint64_t page, end = range.at.v + range.len;
  if (range.len == 0)
    return;
  if (!apic_page (vm, &range, &page))
    {
      g_array_append_val (wanted, range);
      return;
    }
  add_wanted (vm, wanted, part_of (&range, range.at.v, page));
  add_wanted (vm, wanted, part_of (&range, page + VT_PAGE_SIZE, end));
}

static GArray *
wanted_ranges (VtKvmVm *vm)
{
  g_autoptr (VtView) view = vt_mem_view (vm->mem);
  g_autoptr (GArray) ranges = vt_view_ram_ranges (view);
  GArray *wanted = g_array_new (FALSE, FALSE, sizeof (VtRamRange));
  for (guint i = 0; i < ranges->len; i++)
    add_wanted (vm, wanted, g_array_index (ranges, VtRamRange, i));
  return wanted;
}

static bool
contains (const GArray *ranges, const VtRamRange *range)
{
  for (guint i = 0; i < ranges->len; i++)
    if (same_place (&g_array_index (ranges, VtRamRange, i), range))
      return true;
  return false;
}

static bool
has_slot (const VtKvmVm *vm, const VtRamRange *range)
{
  for (guint i = 0; i < vm->slots->len; i++)
    if (same_place (&g_array_index (vm->slots, VtKvmSlot, i).range, range))
      return true;
  return false;
}

static bool
take_away (VtKvmVm *vm, const GArray *wanted, GError **error)
{
  for (guint i = vm->slots->len; i > 0; i--)
    {
      VtKvmSlot *slot = &g_array_index (vm->slots, VtKvmSlot, i - 1);
      if (contains (wanted, &slot->range))
        continue;
      if (slot->logged)
        read_log (vm, slot);
      if (!put_slot (vm, slot, false, error))
        return false;
      g_array_remove_index_fast (vm->slots, i - 1);
    }
  return true;
}

static uint32_t
free_id (const VtKvmVm *vm)
{
  for (uint32_t id = 0;; id++)
    {
      bool used = false;
      for (guint i = 0; i < vm->slots->len && !used; i++)
        used = g_array_index (vm->slots, VtKvmSlot, i).id == id;
      if (!used)
        return id;
    }
}

bool
vt_kvm_slots_update (VtKvmVm *vm, GError **error)
{
  g_autoptr (GArray) wanted = wanted_ranges (vm);
  if (!take_away (vm, wanted, error))
    return false;
  for (guint i = 0; i < wanted->len; i++)
    {
      const VtRamRange *range = &g_array_index (wanted, VtRamRange, i);
      if (has_slot (vm, range))
        continue;
      VtKvmSlot slot = { .id = free_id (vm),
                         .range = *range,
                         .logged = range->writable && g_hash_table_contains (vm->logged, range->ram) };
      if (!put_slot (vm, &slot, true, error))
        return false;
      g_array_append_val (vm->slots, slot);
    }
  return true;
}
