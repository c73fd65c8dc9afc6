/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Multiboot 1 kernels (Multiboot Specification 0.6.96): ELF32, or flat images that give their addresses. */
#include "boot-private.h"

#define HEADER_MAGIC      0x1badb002u
#define HEADER_SEARCH     8192u
#define HEADER_ADDRESSES  (1u << 16)
/* Modules on page boundaries, memory information, video mode: what we can promise of the "must understand" half. */
#define HEADER_KNOWN      0x0007u
#define HEADER_MUST       0xffffu

#define LOADER_MAGIC 0x2badb002u

#define INFO_MEMORY      (1u << 0)
#define INFO_CMDLINE     (1u << 2)
#define INFO_MODULES     (1u << 3)
#define INFO_MEMORY_MAP  (1u << 6)
#define INFO_LOADER_NAME (1u << 9)
#define INFO_FRAMEBUFFER (1u << 12)
#define INFO_LEN         116u

#define MODULE_AT      (BOOT_INFO + 0x100u)
#define MEMORY_MAP_AT  (BOOT_INFO + 0x200u)
#define MEMORY_ENTRY   24u
#define LOADER_NAME_AT (BOOT_INFO + 0x400u)
#define MODULE_NAME_AT (BOOT_INFO + 0x500u)
#define MODULE_NAME_MAX 1024u

#define ELF_CLASS32 1u

static const char loader_name[] = "Vitrine";

/* The header is within the first 8 KiB, on a 4-byte boundary. */
static bool
find_header (const uint8_t *file, uint64_t len, uint64_t *at)
{
  for (*at = 0; *at < HEADER_SEARCH && vt_fits (*at, 12, len); *at += 4)
    {
      uint32_t magic = vt_load_le (file + *at, 4), flags = vt_load_le (file + *at + 4, 4);
      uint32_t sum = vt_load_le (file + *at + 8, 4);
      if (magic == HEADER_MAGIC && magic + flags + sum == 0)
        return true;
    }
  return false;
}

/* Flat image: the header says where it is itself, and so where the file goes. */
static bool
parse_addresses (VtBoot *boot, const uint8_t *file, uint64_t len, uint64_t at, GError **error)
{
  if (!vt_fits (at, 32, len))
    return boot_error (boot, error, "is truncated: it ends inside its multiboot header");
  uint32_t header_addr = vt_load_le (file + at + 12, 4), load = vt_load_le (file + at + 16, 4);
  uint32_t load_end = vt_load_le (file + at + 20, 4), bss_end = vt_load_le (file + at + 24, 4);
  if (load > header_addr || header_addr - load > at)
    return boot_error (boot, error, "is broken: its multiboot header contradicts its own place in the file");
  uint64_t start = at - (header_addr - load);
  uint64_t size = load_end != 0 ? (uint64_t) load_end - load : len - start;
  if (load_end != 0 && load_end < load)
    return boot_error (boot, error, "is broken: its multiboot header has addresses that run backwards");
  if (!vt_fits (start, size, len))
    return boot_error (boot, error, "is truncated: its multiboot header asks for more than the file has");
  uint64_t memory = bss_end > load ? MAX (size, (uint64_t) bss_end - load) : size;
  boot->segments[0] = (BootSegment) { start, size, load, memory };
  boot->n_segments = 1;
  boot->entry = vt_load_le (file + at + 28, 4);
  return true;
}

static bool
parse_elf (VtBoot *boot, const uint8_t *file, uint64_t len, GError **error)
{
  if (len < 64 || memcmp (file, "\177ELF", 4) != 0)
    return boot_error (boot, error, "has a multiboot header without addresses, and is no ELF file");
  if (file[4] != ELF_CLASS32)
    return boot_error (boot, error, "is a 64-bit multiboot kernel; multiboot needs a 32-bit ELF file");
  boot->entry = vt_load_le (file + 24, 4);
  return boot_elf_segments (boot, error);
}

bool
boot_multiboot_parse (VtBoot *boot, GError **error)
{
  uint64_t       len, at;
  const uint8_t *file = boot_file (boot, &len);
  if (!find_header (file, len, &at))
    return false;
  boot->kind = VT_BOOT_MULTIBOOT;
  uint32_t flags = vt_load_le (file + at + 4, 4);
  if (flags & HEADER_MUST & ~HEADER_KNOWN)
    boot_error (boot, error, "needs multiboot features 0x%04x, which are not supported",
                flags & HEADER_MUST & ~HEADER_KNOWN);
  else if (flags & HEADER_ADDRESSES)
    parse_addresses (boot, file, len, at, error);
  else
    parse_elf (boot, file, len, error);
  return true;
}

/* --- Placing ------------------------------------------------------------------------------------------------------ */

static bool
place_memory_map (BootPlan *plan, GError **error)
{
  uint8_t table[BOOT_MAP_MAX * MEMORY_ENTRY] = { 0 };
  for (unsigned i = 0; i < plan->n_map; i++)
    {
      uint8_t *entry = table + i * MEMORY_ENTRY;
      vt_store_le (entry, MEMORY_ENTRY - 4, 4);   /* the size field does not count itself */
      vt_store_le (entry + 4, plan->map[i].base, 8);
      vt_store_le (entry + 12, plan->map[i].len, 8);
      vt_store_le (entry + 20, plan->map[i].type, 4);
    }
  return boot_store (plan, MEMORY_MAP_AT, table, plan->n_map * MEMORY_ENTRY, error);
}

static bool
place_module (BootPlan *plan, GError **error)
{
  if (!boot_place_initrd (plan, UINT32_MAX, error))
    return false;
  if (plan->initrd_len == 0)
    return true;
  char    name[MODULE_NAME_MAX] = { 0 };
  uint8_t module[16] = { 0 };
  g_strlcpy (name, plan->boot->initrd_path, sizeof name);
  vt_store_le (module, plan->initrd_at, 4);
  vt_store_le (module + 4, plan->initrd_at + plan->initrd_len, 4);
  vt_store_le (module + 8, MODULE_NAME_AT, 4);
  return boot_store (plan, MODULE_AT, module, sizeof module, error)
         && boot_store (plan, MODULE_NAME_AT, name, sizeof name, error);
}

static void
fill_framebuffer (uint8_t *info, const VtBootScreen *screen)
{
  /* type 1: direct colour; then position and size of red, green, blue */
  static const uint8_t direct[8] = { 1, 16, 8, 8, 8, 0, 8, 0 };
  vt_store_le (info + 88, screen->base, 8);
  vt_store_le (info + 96, screen->stride_bytes, 4);
  vt_store_le (info + 100, screen->width, 4);
  vt_store_le (info + 104, screen->height, 4);
  info[108] = 32;
  memcpy (info + 109, direct, 7);
}

static void
fill_info (uint8_t info[INFO_LEN], const BootPlan *plan)
{
  uint32_t flags = INFO_MEMORY | INFO_CMDLINE | INFO_MEMORY_MAP | INFO_LOADER_NAME;
  vt_store_le (info + 4, BOOT_BASE_MEMORY >> 10, 4);
  vt_store_le (info + 8, (plan->ram_end - BOOT_HIGH) >> 10, 4);
  vt_store_le (info + 16, plan->cmdline_at, 4);
  vt_store_le (info + 44, plan->n_map * MEMORY_ENTRY, 4);
  vt_store_le (info + 48, MEMORY_MAP_AT, 4);
  vt_store_le (info + 64, LOADER_NAME_AT, 4);
  if (plan->initrd_len > 0)
    {
      flags |= INFO_MODULES;
      vt_store_le (info + 20, 1, 4);
      vt_store_le (info + 24, MODULE_AT, 4);
    }
  if (plan->env->screen != NULL)
    {
      flags |= INFO_FRAMEBUFFER;
      fill_framebuffer (info, plan->env->screen);
    }
  vt_store_le (info, flags, 4);
}

bool
boot_multiboot_place (BootPlan *plan, VtBootState *out, GError **error)
{
  /* The command line begins with the kernel's own name (3.3, "cmdline"). */
  g_autofree char *cmdline = g_strdup_printf ("%s%s%s", plan->boot->kernel_path, *plan->boot->append != 0 ? " " : "",
                                              plan->boot->append);
  uint8_t          info[INFO_LEN] = { 0 };
  if (!boot_place_segments (plan, error) || !place_module (plan, error)
      || !boot_place_cmdline (plan, cmdline, BOOT_CMDLINE_MAX, error) || !place_memory_map (plan, error))
    return false;
  fill_info (info, plan);
  out->eip = plan->boot->entry;
  out->eax = LOADER_MAGIC;
  out->ebx = BOOT_INFO;
  return boot_store (plan, BOOT_INFO, info, sizeof info, error)
         && boot_store (plan, LOADER_NAME_AT, loader_name, sizeof loader_name, error);
}
