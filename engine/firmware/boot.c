/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Booting a kernel without firmware: what all protocols share. */
#include "boot-private.h"

#include <stdarg.h>

#include "rom.h"
#include "vitrine/error.h"

#define KERNEL_MAX VT_GIB
#define INITRD_MAX (2 * VT_GIB)

/* Anchors go here: kernels search 0xe0000..0xfffff for them. */
#define RSDP_AT   0xf0000u
#define SMBIOS_AT 0xf1000u

#define ELF_CLASS32    1u
#define ELF_CLASS64    2u
#define ELF_PT_LOAD    1u

bool
boot_error (const VtBoot *boot, GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *text = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "The kernel file “%s” %s", boot->kernel_path, text);
  return false;
}

/* --- Opening ------------------------------------------------------------------------------------------------------ */

static bool
parse (VtBoot *boot, GError **error)
{
  bool (*const parsers[]) (VtBoot *, GError **) = { boot_linux_parse, boot_multiboot_parse, boot_pvh_parse };
  for (unsigned i = 0; i < G_N_ELEMENTS (parsers); i++)
    {
      g_autoptr (GError) local = NULL;
      if (!parsers[i] (boot, &local))
        continue;
      if (local == NULL)
        return true;
      g_propagate_error (error, g_steal_pointer (&local));
      return false;
    }
  return boot_error (boot, error, "is not a kernel that can be started directly: no bzImage, multiboot or PVH header");
}

static GBytes *
open_file (const char *path, const char *what, uint64_t max_bytes, FILE **stream, GError **error)
{
  GBytes *bytes = vt_firmware_read (path, what, max_bytes, error);
  if (bytes != NULL)
    *stream = fopen (path, "rbe");      /* NULL is dealt with when it is needed */
  return bytes;
}

VtBoot *
vt_boot_open (const char *kernel, const char *initrd, const char *append, GError **error)
{
  g_autoptr (VtBoot) boot = g_new0 (VtBoot, 1);
  boot->kernel_path = g_strdup (kernel);
  boot->initrd_path = g_strdup (initrd);
  boot->append = g_strdup (append != NULL ? append : "");
  boot->kernel = open_file (kernel, "kernel", KERNEL_MAX, &boot->kernel_stream, error);
  if (boot->kernel == NULL || !parse (boot, error))
    return NULL;
  if (initrd != NULL)
    {
      boot->initrd = open_file (initrd, "initrd", INITRD_MAX, &boot->initrd_stream, error);
      if (boot->initrd == NULL)
        return NULL;
    }
  return g_steal_pointer (&boot);
}

void
vt_boot_free (VtBoot *boot)
{
  if (boot == NULL)
    return;
  g_clear_pointer (&boot->kernel, g_bytes_unref);
  g_clear_pointer (&boot->lin.image, g_bytes_unref);
  g_clear_pointer (&boot->initrd, g_bytes_unref);
  g_clear_pointer (&boot->kernel_stream, fclose);
  g_clear_pointer (&boot->initrd_stream, fclose);
  g_free (boot->kernel_path);
  g_free (boot->initrd_path);
  g_free (boot->append);
  g_free (boot);
}

/* All of the file from its start; NULL: it cannot be read, or has become too large. */
static GBytes *
read_again (FILE *stream, uint64_t max_bytes)
{
  long len = stream != NULL && fseek (stream, 0, SEEK_END) == 0 ? ftell (stream) : -1;
  if (len <= 0 || (uint64_t) len > max_bytes || fseek (stream, 0, SEEK_SET) != 0)
    return NULL;
  g_autofree uint8_t *bytes = g_try_malloc ((gsize) len);
  if (bytes == NULL || fread (bytes, 1, (size_t) len, stream) != (size_t) len)
    return NULL;
  return g_bytes_new_take (g_steal_pointer (&bytes), (gsize) len);
}

static bool
have_bytes (FILE *stream, const char *path, const char *what, uint64_t max_bytes, GBytes **bytes, GError **error)
{
  if (*bytes == NULL)
    *bytes = read_again (stream, max_bytes);
  if (*bytes == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "The %s file “%s” cannot be read any more, as it was when the machine was started", what, path);
  return *bytes != NULL;
}

/* What may have been written in the meantime is judged anew. */
static bool
load (VtBoot *boot, GError **error)
{
  bool known = boot->kernel != NULL;
  if (!have_bytes (boot->kernel_stream, boot->kernel_path, "kernel", KERNEL_MAX, &boot->kernel, error))
    return false;
  if (!known)
    {
      boot->lin = (BootLinux) { 0 };
      boot->n_segments = 0;
    }
  return (known || parse (boot, error))
         && (boot->initrd_path == NULL
             || have_bytes (boot->initrd_stream, boot->initrd_path, "initrd", INITRD_MAX, &boot->initrd, error));
}

/* They are in the guest's memory now, and are needed again at a reset at most. */
static void
unload (VtBoot *boot)
{
  g_clear_pointer (&boot->kernel, g_bytes_unref);
  g_clear_pointer (&boot->initrd, g_bytes_unref);
}

VtBootKind
vt_boot_kind (const VtBoot *boot)
{
  return boot->kind;
}

/* --- ELF ---------------------------------------------------------------------------------------------------------- */

static bool
add_segment (VtBoot *boot, BootSegment segment, GError **error)
{
  uint64_t len;
  boot_file (boot, &len);
  if (!vt_fits (segment.file_off, segment.file_len, len))
    return boot_error (boot, error, "is truncated: a segment ends after the end of the file");
  if (segment.len < segment.file_len || !vt_fits (segment.at, segment.len, 4 * VT_GIB))
    return boot_error (boot, error, "is broken: a segment does not fit below 4 GiB");
  if (boot->n_segments == BOOT_SEGMENTS_MAX)
    return boot_error (boot, error, "has more than %u segments", BOOT_SEGMENTS_MAX);
  if (segment.len > 0)
    boot->segments[boot->n_segments++] = segment;
  return true;
}

bool
boot_elf_segments (VtBoot *boot, GError **error)
{
  uint64_t       len;
  const uint8_t *file = boot_file (boot, &len);
  if (len < 64)
    return boot_error (boot, error, "is truncated: it ends inside its ELF header");
  bool     wide = file[4] == ELF_CLASS64;
  uint64_t table = wide ? vt_load_le (file + 32, 8) : vt_load_le (file + 28, 4);
  unsigned entry_len = vt_load_le (file + (wide ? 54 : 42), 2), n = vt_load_le (file + (wide ? 56 : 44), 2);
  if (entry_len < (wide ? 56u : 32u) || !vt_fits (table, (uint64_t) entry_len * n, len))
    return boot_error (boot, error, "is truncated: its program headers are after the end of the file");
  for (unsigned i = 0; i < n; i++)
    {
      const uint8_t *header = file + table + (uint64_t) i * entry_len;
      if (vt_load_le (header, 4) != ELF_PT_LOAD)
        continue;
      BootSegment segment = wide ? (BootSegment) { vt_load_le (header + 8, 8), vt_load_le (header + 32, 8),
                                                   vt_load_le (header + 24, 8), vt_load_le (header + 40, 8) }
                                 : (BootSegment) { vt_load_le (header + 4, 4), vt_load_le (header + 16, 4),
                                                   vt_load_le (header + 12, 4), vt_load_le (header + 20, 4) };
      if (!add_segment (boot, segment, error))
        return false;
    }
  return boot->n_segments > 0 || boot_error (boot, error, "has no segment to load");
}

/* --- Placing ------------------------------------------------------------------------------------------------------ */

static bool
too_small (const BootPlan *plan, GError **error)
{
  g_autofree char *size = g_format_size_full (plan->env->ram_low_bytes + plan->env->ram_high_bytes,
                                              G_FORMAT_SIZE_IEC_UNITS);
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The kernel “%s”%s needs more memory than the machine has (%s)",
               plan->boot->kernel_path, plan->boot->initrd != NULL ? " with its initrd" : "", size);
  return false;
}

bool
boot_store (BootPlan *plan, uint64_t at, const void *data, uint64_t len, GError **error)
{
  if (len == 0 || vt_mem_load (plan->env->mem, VT_GPA (at), data, len))
    return true;
  return too_small (plan, error);
}

static bool
store_zeros (BootPlan *plan, uint64_t at, uint64_t len, GError **error)
{
  static const uint8_t zeros[VT_PAGE_SIZE];
  while (len > 0)
    {
      uint64_t piece = MIN (len, sizeof zeros);
      if (!boot_store (plan, at, zeros, piece, error))
        return false;
      at += piece;
      len -= piece;
    }
  return true;
}

static bool
segment_free (const BootPlan *plan, const BootSegment *segment)
{
  bool below = segment->at >= BOOT_LOW_END && vt_fits (segment->at, segment->len, BOOT_BASE_MEMORY);
  bool above = segment->at >= BOOT_HIGH && vt_fits (segment->at, segment->len, plan->ram_end);
  return below || above;
}

bool
boot_place_segments (BootPlan *plan, GError **error)
{
  const VtBoot  *boot = plan->boot;
  uint64_t       len;
  const uint8_t *file = boot_file (boot, &len);
  plan->kernel_end = BOOT_HIGH;
  for (unsigned i = 0; i < boot->n_segments; i++)
    {
      const BootSegment *segment = &boot->segments[i];
      if (!segment_free (plan, segment) && segment->at < BOOT_HIGH)
        return boot_error (boot, error, "wants memory at 0x%x, which the machine needs itself", (unsigned) segment->at);
      if (!segment_free (plan, segment))
        return too_small (plan, error);
      if (!boot_store (plan, segment->at, file + segment->file_off, segment->file_len, error)
          || !store_zeros (plan, segment->at + segment->file_len, segment->len - segment->file_len, error))
        return false;
      plan->kernel_end = MAX (plan->kernel_end, segment->at + segment->len);
    }
  return true;
}

/* As high as possible: kernels unpack themselves upward. */
bool
boot_place_initrd (BootPlan *plan, uint64_t last_byte_max, GError **error)
{
  if (plan->boot->initrd == NULL)
    return true;
  gsize       len;
  const void *data = g_bytes_get_data (plan->boot->initrd, &len);
  uint64_t    end = MIN (plan->ram_end, last_byte_max + 1);
  if (end < len || ((end - len) & ~VT_PAGE_MASK) < plan->kernel_end)
    {
      g_autofree char *size = g_format_size_full (len, G_FORMAT_SIZE_IEC_UNITS);
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                   "The initrd “%s” (%s) does not fit into the machine's memory beside the kernel",
                   plan->boot->initrd_path, size);
      return false;
    }
  plan->initrd_at = (end - len) & ~VT_PAGE_MASK;
  plan->initrd_len = len;
  return boot_store (plan, plan->initrd_at, data, len, error);
}

bool
boot_place_cmdline (BootPlan *plan, const char *text, uint32_t max, GError **error)
{
  size_t len = strlen (text);
  max = MIN (max, BOOT_CMDLINE_MAX - 1);
  if (len > max)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                   "The kernel command line has %zu characters; the kernel “%s” takes at most %u", len,
                   plan->boot->kernel_path, max);
      return false;
    }
  plan->cmdline_at = BOOT_CMDLINE;
  return boot_store (plan, BOOT_CMDLINE, text, len + 1, error);
}

static void
add_range (BootPlan *plan, uint64_t base, uint64_t end, uint32_t type)
{
  if (end <= base)
    return;
  g_assert (plan->n_map < BOOT_MAP_MAX);
  plan->map[plan->n_map++] = (BootRange) { base, end - base, type };
}

static void
make_map (BootPlan *plan)
{
  const VtBootEnv *env = plan->env;
  add_range (plan, 0, BOOT_BASE_MEMORY, BOOT_MAP_RAM);
  add_range (plan, BOOT_BASE_MEMORY, 0xa0000, BOOT_MAP_RESERVED);
  add_range (plan, 0xf0000, BOOT_HIGH, BOOT_MAP_RESERVED);
  add_range (plan, BOOT_HIGH, plan->ram_end, BOOT_MAP_RAM);
  add_range (plan, plan->ram_end, env->ram_low_bytes, BOOT_MAP_ACPI);
  add_range (plan, env->ecam_base, env->ecam_base + env->ecam_bytes, BOOT_MAP_RESERVED);
  add_range (plan, 4 * VT_GIB, 4 * VT_GIB + env->ram_high_bytes, BOOT_MAP_RAM);
}

static bool
place_tables (BootPlan *plan, GError **error)
{
  const VtBootEnv *env = plan->env;
  uint64_t         smbios_end;
  plan->ram_end = env->ram_low_bytes;
  if (env->acpi != NULL)
    {
      if (!vt_tables_place (env->acpi, env->mem, env->ram_low_bytes, RSDP_AT, &plan->ram_end, error))
        return false;
      plan->rsdp = vt_tables_address (env->acpi, VT_ACPI_RSDP_FILE);
    }
  return env->smbios == NULL || vt_smbios_place (env->smbios, env->mem, SMBIOS_AT, &smbios_end, error);
}

/* Flat code and data at the selectors that Linux wants (boot.rst, "32-bit boot protocol"): 0x10 and 0x18. */
static bool
place_gdt (BootPlan *plan, VtBootState *out, GError **error)
{
  static const uint64_t flat_code = 0x00cf9b000000ffff, flat_data = 0x00cf93000000ffff;
  uint8_t               gdt[32] = { 0 };
  vt_store_le (gdt + 0x10, flat_code, 8);
  vt_store_le (gdt + 0x18, flat_data, 8);
  out->code_selector = 0x10;
  out->data_selector = 0x18;
  out->gdt_base = BOOT_GDT;
  out->gdt_limit = sizeof gdt - 1;
  return boot_store (plan, BOOT_GDT, gdt, sizeof gdt, error);
}

bool
vt_boot_place (VtBoot *boot, const VtBootEnv *env, VtBootState *out, GError **error)
{
  static bool (*const place[]) (BootPlan *, VtBootState *, GError **) = {
    [VT_BOOT_LINUX] = boot_linux_place,
    [VT_BOOT_PVH] = boot_pvh_place,
    [VT_BOOT_MULTIBOOT] = boot_multiboot_place,
  };
  BootPlan plan = { .boot = boot, .env = env };
  *out = (VtBootState) { .esp = BOOT_STACK };
  if (!load (boot, error) || !place_tables (&plan, error) || !place_gdt (&plan, out, error))
    return false;
  make_map (&plan);
  bool ok = place[boot->kind] (&plan, out, error);
  unload (boot);
  return ok;
}
