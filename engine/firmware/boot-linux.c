/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Linux bzImage, boot protocol 2.00 to 2.15, entered at its 32-bit entry point (Linux, Documentation/arch/x86/boot.rst
 * and zero-page.rst: field names and offsets below are theirs). */
#include "boot-private.h"

/* Setup header, offsets in the file and in the zero page alike. */
enum
{
  HDR_SETUP_SECTS = 0x1f1, HDR_BOOT_FLAG = 0x1fe, HDR_JUMP = 0x200, HDR_MAGIC = 0x202, HDR_VERSION = 0x206,
  HDR_TYPE_OF_LOADER = 0x210, HDR_LOADFLAGS = 0x211, HDR_CODE32_START = 0x214, HDR_RAMDISK_IMAGE = 0x218,
  HDR_RAMDISK_SIZE = 0x21c, HDR_CMD_LINE_PTR = 0x228, HDR_INITRD_ADDR_MAX = 0x22c, HDR_RELOCATABLE = 0x234,
  HDR_CMDLINE_SIZE = 0x238, HDR_PREF_ADDRESS = 0x258, HDR_INIT_SIZE = 0x260,
};
#define HDR_BOOT_FLAG_VALUE        0xaa55u
#define HDR_LOADFLAGS_LOADED_HIGH  0x01u
#define HDR_LOADFLAGS_KASLR        0x02u   /* from the decompressor to the kernel */
#define HDR_TYPE_UNDEFINED         0xffu

/* Zero page. */
enum
{
  ZP_SCREEN_INFO = 0x000, ZP_ACPI_RSDP = 0x070, ZP_ALT_MEM_K = 0x1e0, ZP_E820_ENTRIES = 0x1e8, ZP_E820_TABLE = 0x2d0,
  ZP_SIZE = 4096,
};

/* screen_info */
enum
{
  SI_EXT_MEM_K = 0x02,
  SI_IS_VGA = 0x0f,
  SI_LFB_WIDTH = 0x12,
  SI_LFB_HEIGHT = 0x14,
  SI_LFB_DEPTH = 0x16,
  SI_LFB_BASE = 0x18,
  SI_LFB_SIZE = 0x1c,
  SI_LFB_LINE_LENGTH = 0x24,
  SI_COLOURS = 0x26,
  SI_PAGES = 0x32,
};
#define SI_IS_VGA_LINEAR_FRAMEBUFFER 0x23u

#define OLD_INITRD_MAX  0x37ffffffu   /* before 2.03 */
#define OLD_CMDLINE_MAX 255u          /* before 2.06 */

static void
parse_limits (BootLinux *lin, const uint8_t *file)
{
  lin->initrd_max = lin->version >= 0x203 ? vt_load_le (file + HDR_INITRD_ADDR_MAX, 4) : OLD_INITRD_MAX;
  lin->cmdline_max = lin->version >= 0x206 ? vt_load_le (file + HDR_CMDLINE_SIZE, 4) : OLD_CMDLINE_MAX;
  lin->init_at = BOOT_HIGH;
  if (lin->version < 0x20a)
    return;
  lin->init_at = MAX (vt_load_le (file + HDR_PREF_ADDRESS, 8), BOOT_HIGH);
  lin->init_len = vt_load_le (file + HDR_INIT_SIZE, 4);
}

/* Is this a boot sector with a setup header? */
static bool
has_header (const uint8_t *file, uint64_t len)
{
  return len >= 0x268 && vt_load_le (file + HDR_BOOT_FLAG, 2) == HDR_BOOT_FLAG_VALUE
         && memcmp (file + HDR_MAGIC, "HdrS", 4) == 0;
}

bool
boot_linux_parse (VtBoot *boot, GError **error)
{
  uint64_t       len;
  const uint8_t *file = boot_file (boot, &len);
  BootLinux     *lin = &boot->lin;
  if (!has_header (file, len))
    return false;
  boot->kind = VT_BOOT_LINUX;
  lin->version = vt_load_le (file + HDR_VERSION, 2);
  unsigned sectors = file[HDR_SETUP_SECTS] != 0 ? file[HDR_SETUP_SECTS] : 4;
  lin->setup_len = (sectors + 1) * 512;
  lin->header_end = MIN (HDR_MAGIC + file[HDR_JUMP + 1], ZP_E820_TABLE);
  if (lin->version < 0x200)
    boot_error (boot, error, "is too old: boot protocol %u.%02u, at least 2.00 is needed", lin->version >> 8,
                lin->version & 0xff);
  else if (!(file[HDR_LOADFLAGS] & HDR_LOADFLAGS_LOADED_HIGH))
    boot_error (boot, error, "is a zImage; only bzImage kernels can be started directly");
  else if (lin->setup_len >= len || lin->header_end > len)
    boot_error (boot, error, "is truncated: it ends inside its setup code");
  else
    parse_limits (lin, file);
  return true;
}

/* --- Zero page ---------------------------------------------------------------------------------------------------- */

static void
fill_screen (uint8_t *zero_page, const VtBootScreen *screen)
{
  /* size and position of red, green, blue, unused in a pixel */
  static const uint8_t colours[8] = { 8, 16, 8, 8, 8, 0, 8, 24 };
  uint8_t             *info = zero_page + ZP_SCREEN_INFO;
  if (screen == NULL)
    return;
  info[SI_IS_VGA] = SI_IS_VGA_LINEAR_FRAMEBUFFER;
  vt_store_le (info + SI_LFB_WIDTH, screen->width, 2);
  vt_store_le (info + SI_LFB_HEIGHT, screen->height, 2);
  vt_store_le (info + SI_LFB_DEPTH, 32, 2);
  vt_store_le (info + SI_LFB_BASE, screen->base, 4);
  vt_store_le (info + SI_LFB_SIZE, screen->size_bytes >> 16, 4);
  vt_store_le (info + SI_LFB_LINE_LENGTH, screen->stride_bytes, 2);
  memcpy (info + SI_COLOURS, colours, sizeof colours);
  vt_store_le (info + SI_PAGES, 1, 2);
}

static void
fill_memory_map (uint8_t *zero_page, const BootPlan *plan)
{
  uint64_t above_1m_k = (plan->ram_end - BOOT_HIGH) >> 10;
  vt_store_le (zero_page + ZP_SCREEN_INFO + SI_EXT_MEM_K, MIN (above_1m_k, 0xfc00), 2);
  vt_store_le (zero_page + ZP_ALT_MEM_K, above_1m_k, 4);
  zero_page[ZP_E820_ENTRIES] = plan->n_map;
  for (unsigned i = 0; i < plan->n_map; i++)
    {
      uint8_t *entry = zero_page + ZP_E820_TABLE + 20 * i;
      vt_store_le (entry, plan->map[i].base, 8);
      vt_store_le (entry + 8, plan->map[i].len, 8);
      vt_store_le (entry + 16, plan->map[i].type, 4);
    }
}

static void
fill_header (uint8_t *zero_page, const BootPlan *plan, const uint8_t *file)
{
  const BootLinux *lin = &plan->boot->lin;
  memcpy (zero_page + HDR_SETUP_SECTS, file + HDR_SETUP_SECTS, lin->header_end - HDR_SETUP_SECTS);
  zero_page[HDR_TYPE_OF_LOADER] = HDR_TYPE_UNDEFINED;
  if (lin->randomized)
    zero_page[HDR_LOADFLAGS] |= HDR_LOADFLAGS_KASLR;
  vt_store_le (zero_page + HDR_CODE32_START, BOOT_HIGH, 4);
  vt_store_le (zero_page + HDR_RAMDISK_IMAGE, plan->initrd_at, 4);
  vt_store_le (zero_page + HDR_RAMDISK_SIZE, plan->initrd_len, 4);
  vt_store_le (zero_page + HDR_CMD_LINE_PTR, plan->cmdline_at, 4);
  vt_store_le (zero_page + ZP_ACPI_RSDP, plan->rsdp, 8);
}

bool
boot_linux_place (BootPlan *plan, VtBootState *out, GError **error)
{
  const BootLinux *lin = &plan->boot->lin;
  uint64_t         len;
  const uint8_t   *file = boot_file (plan->boot, &len);
  uint64_t         code_len = len - lin->setup_len;
  uint8_t          zero_page[ZP_SIZE] = { 0 };

  uint64_t init_len = MAX (lin->init_len, code_len);
  if (!vt_fits (lin->init_at, init_len, plan->ram_end) || !vt_fits (BOOT_HIGH, code_len, plan->ram_end))
    {
      g_autofree char *size = g_format_size_full (plan->env->ram_low_bytes, G_FORMAT_SIZE_IEC_UNITS);
      return boot_error (plan->boot, error, "needs more memory than the machine has (%s)", size);
    }
  plan->kernel_end = MAX (lin->init_at + init_len, BOOT_HIGH + code_len);
  if (!boot_store (plan, BOOT_HIGH, file + lin->setup_len, code_len, error)
      || !boot_place_initrd (plan, lin->initrd_max, error)
      || !boot_place_cmdline (plan, plan->boot->append, lin->cmdline_max, error))
    return false;

  boot_unpack (plan->boot);
  fill_header (zero_page, plan, file);
  fill_memory_map (zero_page, plan);
  fill_screen (zero_page, plan->env->screen);
  out->eip = BOOT_HIGH;
  out->esi = BOOT_ZERO_PAGE;
  bool placed = lin->image == NULL || !vt_fits (lin->image_at, g_bytes_get_size (lin->image), plan->kernel_end)
                || boot_place_unpacked (plan, out, error);
  /* Tens of megabytes, for a reset that may never come. */
  g_clear_pointer (&plan->boot->lin.image, g_bytes_unref);
  return placed && boot_store (plan, BOOT_ZERO_PAGE, zero_page, sizeof zero_page, error);
}
