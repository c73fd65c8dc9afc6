/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A bzImage unpacked here instead of by its own code in the guest, which takes longer than all of the rest of a boot.
 *
 * What the kernel's decompressor does (Linux, Documentation/arch/x86/boot.rst: payload_offset, 64-bit boot protocol): unpack
 * an ELF file, move its virtual addresses by a random amount with the list of relocations that follows it, and enter it in
 * 64-bit mode with memory mapped one to one. A kernel in which anything is not as expected starts at its own entry point.
 */
#include <archive.h>
#include <archive_entry.h>

#include "boot-private.h"

enum
{
  HDR_KERNEL_VERSION = 0x20e, HDR_XLOADFLAGS = 0x236, HDR_PAYLOAD_OFFSET = 0x248, HDR_PAYLOAD_LENGTH = 0x24c,
};
#define XLF_KERNEL_64     1u
#define UNPACKED_MAX      (256 * VT_MIB)
#define CHUNK             (1 * VT_MIB)

/* Where x86-64 kernels are linked to run, and how much room there is (arch/x86/include/asm/page_64_types.h). */
#define KERNEL_MAP        UINT64_C (0xffffffff80000000)
#define KERNEL_MAP_SIZE   (1024 * VT_MIB)
#define KERNEL_ALIGN      (2 * VT_MIB)
#define LINKED_AT         (16 * VT_MIB)

/* The last version whose relocations are three lists: 32 bits, 32 bits to subtract, 64 bits. */
#define LISTS_MAJOR 6u
#define LISTS_MINOR 14u

/* --- Unpacking ------------------------------------------------------------------------------------------------------ */

static GByteArray *
read_all (struct archive *archive)
{
  g_autoptr (GByteArray) out = g_byte_array_new ();
  struct archive_entry *entry;
  if (archive_read_next_header (archive, &entry) != ARCHIVE_OK)
    return NULL;
  for (;;)
    {
      guint at = out->len;
      if (at > UNPACKED_MAX)
        return NULL;
      g_byte_array_set_size (out, at + CHUNK);
      la_ssize_t n = archive_read_data (archive, out->data + at, CHUNK);
      if (n < 0)
        return NULL;
      g_byte_array_set_size (out, at + (guint) n);
      if (n == 0)
        return g_steal_pointer (&out);
    }
}

static GByteArray *
unpack (const uint8_t *payload, uint64_t len)
{
  struct archive *archive = archive_read_new ();
  GByteArray     *out = NULL;
  archive_read_support_filter_gzip (archive);
  archive_read_support_filter_bzip2 (archive);
  archive_read_support_filter_xz (archive);
  archive_read_support_filter_lzma (archive);
  archive_read_support_filter_lz4 (archive);
  archive_read_support_filter_zstd (archive);
  archive_read_support_format_raw (archive);
  /* gzip says itself how much it unpacks to; behind the other formats the kernel's build puts four bytes with the size. */
  bool gzip = len > 2 && payload[0] == 0x1f && payload[1] == 0x8b;
  if (archive_read_open_memory (archive, payload, gzip ? len : len - MIN (len, 4)) == ARCHIVE_OK)
    out = read_all (archive);
  archive_read_free (archive);
  return out;
}

/* --- Relocation ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  uint8_t *image;       /* segments at their physical addresses, from `base` */
  uint64_t base, len;
  uint64_t delta;
} Image;

/* Adds to, or subtracts from, the word at a virtual address of the kernel as it was linked. */
static bool
relocate (Image *image, uint32_t where, unsigned size, bool subtract)
{
  uint64_t linear = (uint64_t) (int64_t) (int32_t) where, off = linear - KERNEL_MAP - image->base;
  if (!vt_fits (off, size, image->len))
    return false;
  uint64_t value = vt_load_le (image->image + off, size);
  value = subtract ? value - image->delta : value + image->delta;
  vt_store_le (image->image + off, value, size);
  return true;
}

/* A list that is read from its end to a zero. *at: behind its last word; afterwards in front of the zero. */
static bool
relocate_list (Image *image, const uint8_t *list, uint64_t *at, unsigned size, bool subtract)
{
  for (;;)
    {
      if (*at < 4)
        return false;
      *at -= 4;
      uint32_t where = vt_load_le (list + *at, 4);
      if (where == 0)
        return true;
      if (!relocate (image, where, size, subtract))
        return false;
    }
}

static bool
relocate_all (Image *image, const uint8_t *lists, uint64_t len)
{
  uint64_t at = len & ~UINT64_C (3);
  return relocate_list (image, lists, &at, 4, false) && relocate_list (image, lists, &at, 4, true)
         && relocate_list (image, lists, &at, 8, false);
}

static bool
has_three_lists (const uint8_t *file, uint64_t len)
{
  unsigned at = (unsigned) vt_load_le (file + HDR_KERNEL_VERSION, 2) + 0x200;
  if (at == 0x200 || !vt_fits (at, 16, len))
    return false;
  g_autofree char *text = g_strndup ((const char *) file + at, 16);
  char            *rest;
  guint64          major = g_ascii_strtoull (text, &rest, 10), minor = *rest == '.' ? g_ascii_strtoull (rest + 1, NULL, 10) : 0;
  return major >= 4 && (major < LISTS_MAJOR || (major == LISTS_MAJOR && minor <= LISTS_MINOR));
}

static bool
has_word (const char *append, const char *word)
{
  g_auto (GStrv) words = g_strsplit_set (append != NULL ? append : "", " \t\n", -1);
  return g_strv_contains ((const char *const *) words, word);
}

/* A random place for the kernel's virtual addresses. */
static uint64_t
choose_delta (uint64_t image_end)
{
  uint64_t places = image_end < KERNEL_MAP_SIZE ? (KERNEL_MAP_SIZE - image_end) / KERNEL_ALIGN : 0;
  return places == 0 ? 0 : KERNEL_ALIGN * (uint64_t) g_random_int_range (0, (gint32) places);
}

/* --- All together --------------------------------------------------------------------------------------------------- */

static bool
lay_out (const VtBoot *elf, Image *image)
{
  uint64_t       len, end = 0;
  const uint8_t *file = boot_file (elf, &len);
  image->base = UINT64_MAX;
  for (unsigned i = 0; i < elf->n_segments; i++)
    {
      image->base = MIN (image->base, elf->segments[i].at);
      end = MAX (end, elf->segments[i].at + elf->segments[i].len);
    }
  if (elf->n_segments == 0 || image->base < BOOT_HIGH || end - image->base > UNPACKED_MAX)
    return false;
  image->len = end - image->base;
  image->image = g_malloc0 (image->len);
  for (unsigned i = 0; i < elf->n_segments; i++)
    memcpy (image->image + (elf->segments[i].at - image->base), file + elf->segments[i].file_off, elf->segments[i].file_len);
  return true;
}

static uint64_t
behind_segments (const VtBoot *elf)
{
  uint64_t end = 0;
  for (unsigned i = 0; i < elf->n_segments; i++)
    end = MAX (end, elf->segments[i].file_off + elf->segments[i].file_len);
  return end;
}

static bool
is_x86_64_elf (const uint8_t *file, uint64_t len)
{
  return len >= 64 && memcmp (file, "\177ELF\2\1", 6) == 0 && vt_load_le (file + 18, 2) == 62;
}

static GBytes *
unpack_payload (const uint8_t *file, uint64_t len, const BootLinux *lin)
{
  uint64_t off = vt_load_le (file + HDR_PAYLOAD_OFFSET, 4), size = vt_load_le (file + HDR_PAYLOAD_LENGTH, 4);
  if (lin->version < 0x20c || !(vt_load_le (file + HDR_XLOADFLAGS, 2) & XLF_KERNEL_64) || size == 0
      || !vt_fits (lin->setup_len + off, size, len))
    return NULL;
  GByteArray *out = unpack (file + lin->setup_len + off, size);
  return out != NULL ? g_byte_array_free_to_bytes (out) : NULL;
}

/* Moves the kernel's virtual addresses. A list that is not as it should be leaves the image half moved: then it is not used. */
static bool
randomize (VtBoot *boot, const VtBoot *elf, Image *image)
{
  uint64_t       len, file_len;
  const uint8_t *file = boot_file (elf, &len), *bzimage = boot_file (boot, &file_len);
  if (has_word (boot->append, "nokaslr") || !has_three_lists (bzimage, file_len) || image->base != LINKED_AT)
    return true;
  uint64_t lists = behind_segments (elf);
  image->delta = choose_delta (image->base + image->len);
  boot->lin.randomized = true;
  return relocate_all (image, file + lists, len - lists);
}

void
boot_unpack (VtBoot *boot)
{
  uint64_t           len, unpacked_len;
  const uint8_t     *file = boot_file (boot, &len);
  g_autoptr (GBytes) unpacked = unpack_payload (file, len, &boot->lin);
  g_autoptr (GError) ignored = NULL;
  if (unpacked == NULL)
    return;
  VtBoot         elf = { .kernel = unpacked, .kernel_path = boot->kernel_path };
  const uint8_t *elf_file = boot_file (&elf, &unpacked_len);
  Image          image = { 0 };
  if (is_x86_64_elf (elf_file, unpacked_len) && boot_elf_segments (&elf, &ignored) && lay_out (&elf, &image)
      && randomize (boot, &elf, &image))
    {
      boot->lin.image = g_bytes_new_take (image.image, image.len);
      boot->lin.image_at = image.base;
      boot->lin.image_entry = vt_load_le (elf_file + 24, 8);
      return;
    }
  boot->lin.randomized = false;
  g_free (image.image);
}

/* --- Entering ------------------------------------------------------------------------------------------------------- */

#define TRAMPOLINE_AT  BOOT_INFO
#define TABLES_AT      (BOOT_INFO + 0x1000u)   /* level 4, level 3, four of level 2: the first 4 GiB */
#define GDT_OFF        0x80u
#define ENTRY64_OFF    0x40u
#define PTE_PRESENT_WRITABLE 3u
#define PTE_LARGE      0x80u

static void
fill_tables (uint8_t tables[6 * 4096])
{
  vt_store_le (tables, (TABLES_AT + 0x1000) | PTE_PRESENT_WRITABLE, 8);
  for (unsigned i = 0; i < 4; i++)
    vt_store_le (tables + 0x1000 + 8 * i, (TABLES_AT + 0x2000 + 0x1000 * i) | PTE_PRESENT_WRITABLE, 8);
  for (uint64_t i = 0; i < 4 * 512; i++)
    vt_store_le (tables + 0x2000 + 8 * i, (i * KERNEL_ALIGN) | PTE_LARGE | PTE_PRESENT_WRITABLE, 8);
}

/* From 32-bit code without paging, ESI the zero page, to the kernel's 64-bit entry point. */
static void
fill_trampoline (uint8_t page[0x100], uint64_t entry)
{
  static const uint8_t code32[] = {
    0x0f, 0x01, 0x15, 0, 0, 0, 0,               /* lgdt [gdt]; address at 3 */
    0x0f, 0x20, 0xe0, 0x83, 0xc8, 0x20,         /* mov eax, cr4; or eax, PAE */
    0x0f, 0x22, 0xe0,                           /* mov cr4, eax */
    0xb8, 0, 0, 0, 0, 0x0f, 0x22, 0xd8,         /* mov eax, tables; mov cr3, eax; address at 17 */
    0xb9, 0x80, 0x00, 0x00, 0xc0, 0x0f, 0x32,   /* mov ecx, EFER; rdmsr */
    0x0d, 0x00, 0x01, 0x00, 0x00, 0x0f, 0x30,   /* or eax, LME; wrmsr */
    0x0f, 0x20, 0xc0, 0x0d, 0, 0, 0, 0x80,      /* mov eax, cr0; or eax, PG */
    0x0f, 0x22, 0xc0,                           /* mov cr0, eax */
    0xea, 0, 0, 0, 0, 0x10, 0x00,               /* jmp 0x10:entry64; address at 50 */
  };
  static const uint8_t code64[] = {
    0xb8, 0x18, 0, 0, 0, 0x8e, 0xd8, 0x8e, 0xc0, 0x8e, 0xd0, 0x8e, 0xe0, 0x8e, 0xe8,   /* data segments := 0x18 */
    0x89, 0xf6,                                                                        /* mov esi, esi */
    0x48, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xe0,                                    /* mov rax, entry; jmp rax; at 19 */
  };
  G_STATIC_ASSERT (sizeof code32 <= ENTRY64_OFF && ENTRY64_OFF + sizeof code64 <= GDT_OFF);
  memcpy (page, code32, sizeof code32);
  vt_store_le (page + 3, TRAMPOLINE_AT + GDT_OFF, 4);
  vt_store_le (page + 17, TABLES_AT, 4);
  vt_store_le (page + 50, TRAMPOLINE_AT + ENTRY64_OFF, 4);
  memcpy (page + ENTRY64_OFF, code64, sizeof code64);
  vt_store_le (page + ENTRY64_OFF + 19, entry, 8);
  vt_store_le (page + GDT_OFF, 4 * 8 - 1, 2);
  vt_store_le (page + GDT_OFF + 2, TRAMPOLINE_AT + GDT_OFF + 8, 4);
  vt_store_le (page + GDT_OFF + 8 + 0x10, UINT64_C (0x00af9b000000ffff), 8);
  vt_store_le (page + GDT_OFF + 8 + 0x18, UINT64_C (0x00cf93000000ffff), 8);
}

bool
boot_place_unpacked (BootPlan *plan, VtBootState *out, GError **error)
{
  const BootLinux    *lin = &plan->boot->lin;
  gsize               len;
  const void         *image = g_bytes_get_data (lin->image, &len);
  g_autofree uint8_t *tables = g_malloc0 (6 * 4096);
  uint8_t             page[0x100] = { 0 };
  fill_tables (tables);
  fill_trampoline (page, lin->image_entry);
  out->eip = TRAMPOLINE_AT;
  return boot_store (plan, lin->image_at, image, len, error) && boot_store (plan, TABLES_AT, tables, 6 * 4096, error)
         && boot_store (plan, TRAMPOLINE_AT, page, sizeof page, error);
}
