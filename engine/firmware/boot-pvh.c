/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ELF kernels with a PVH entry point (Xen, docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h). */
#include "boot-private.h"

#define ELF_PT_NOTE       4u
#define ELF_CLASS64       2u
#define NOTE_PHYS32_ENTRY 18u
#define START_INFO_MAGIC  0x336ec578u
#define START_INFO_LEN    56u
#define MODULE_AT         (BOOT_INFO + 0x40u)
#define MEMORY_MAP_AT     (BOOT_INFO + 0x100u)
#define MEMORY_ENTRY_LEN  24u

static uint64_t
round_up_4 (uint64_t len)
{
  return (len + 3) & ~UINT64_C (3);
}

/* Notes: name length, descriptor length, type, name, descriptor, each padded to four bytes. */
static bool
find_entry (const uint8_t *notes, uint64_t len, uint32_t *entry)
{
  for (uint64_t at = 0; vt_fits (at, 12, len);)
    {
      uint64_t name_len = vt_load_le (notes + at, 4), desc_len = vt_load_le (notes + at + 4, 4);
      uint32_t type = vt_load_le (notes + at + 8, 4);
      uint64_t name = at + 12, desc = name + round_up_4 (name_len);
      if (!vt_fits (name, round_up_4 (name_len), len) || !vt_fits (desc, desc_len, len))
        return false;
      if (type == NOTE_PHYS32_ENTRY && name_len == 4 && memcmp (notes + name, "Xen", 4) == 0
          && (desc_len == 4 || desc_len == 8))
        {
          *entry = vt_load_le (notes + desc, 4);
          return true;
        }
      at = desc + round_up_4 (desc_len);
    }
  return false;
}

static bool
find_note (const uint8_t *file, uint64_t len, uint32_t *entry)
{
  bool     wide = file[4] == ELF_CLASS64;
  uint64_t table = wide ? vt_load_le (file + 32, 8) : vt_load_le (file + 28, 4);
  unsigned entry_len = vt_load_le (file + (wide ? 54 : 42), 2), n = vt_load_le (file + (wide ? 56 : 44), 2);
  if (entry_len < (wide ? 56u : 32u) || !vt_fits (table, (uint64_t) entry_len * n, len))
    return false;
  for (unsigned i = 0; i < n; i++)
    {
      const uint8_t *header = file + table + (uint64_t) i * entry_len;
      uint64_t       off = wide ? vt_load_le (header + 8, 8) : vt_load_le (header + 4, 4);
      uint64_t       size = wide ? vt_load_le (header + 32, 8) : vt_load_le (header + 16, 4);
      if (vt_load_le (header, 4) == ELF_PT_NOTE && vt_fits (off, size, len) && find_entry (file + off, size, entry))
        return true;
    }
  return false;
}

bool
boot_pvh_parse (VtBoot *boot, GError **error)
{
  uint64_t       len;
  const uint8_t *file = boot_file (boot, &len);
  if (len < 64 || memcmp (file, "\177ELF", 4) != 0)
    return false;
  boot->kind = VT_BOOT_PVH;
  if (!find_note (file, len, &boot->entry))
    boot_error (boot, error, "is an ELF file without a multiboot header or a PVH entry point");
  else
    boot_elf_segments (boot, error);
  return true;
}

static bool
place_memory_map (BootPlan *plan, GError **error)
{
  uint8_t table[BOOT_MAP_MAX * MEMORY_ENTRY_LEN] = { 0 };
  for (unsigned i = 0; i < plan->n_map; i++)
    {
      uint8_t *entry = table + i * MEMORY_ENTRY_LEN;
      vt_store_le (entry, plan->map[i].base, 8);
      vt_store_le (entry + 8, plan->map[i].len, 8);
      vt_store_le (entry + 16, plan->map[i].type, 4);
    }
  return boot_store (plan, MEMORY_MAP_AT, table, plan->n_map * MEMORY_ENTRY_LEN, error);
}

bool
boot_pvh_place (BootPlan *plan, VtBootState *out, GError **error)
{
  uint8_t info[START_INFO_LEN] = { 0 }, module[32] = { 0 };
  if (!boot_place_segments (plan, error) || !boot_place_initrd (plan, UINT32_MAX, error)
      || !boot_place_cmdline (plan, plan->boot->append, BOOT_CMDLINE_MAX, error) || !place_memory_map (plan, error))
    return false;
  vt_store_le (module, plan->initrd_at, 8);
  vt_store_le (module + 8, plan->initrd_len, 8);

  vt_store_le (info, START_INFO_MAGIC, 4);
  vt_store_le (info + 4, 1, 4);
  vt_store_le (info + 12, plan->initrd_len > 0, 4);
  vt_store_le (info + 16, plan->initrd_len > 0 ? MODULE_AT : 0, 8);
  vt_store_le (info + 24, plan->cmdline_at, 8);
  vt_store_le (info + 32, plan->rsdp, 8);
  vt_store_le (info + 40, MEMORY_MAP_AT, 8);
  vt_store_le (info + 48, plan->n_map, 4);
  out->eip = plan->boot->entry;
  out->ebx = BOOT_INFO;
  return boot_store (plan, BOOT_INFO, info, sizeof info, error)
         && boot_store (plan, MODULE_AT, module, sizeof module, error);
}
