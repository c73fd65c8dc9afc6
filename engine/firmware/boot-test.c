/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Kernel loaders: what they accept, where they put it, and what they say about broken files. */
#include <gio/gio.h>
#include <glib/gstdio.h>

#include "boot.h"
#include "rom.h"

#define RAM_BYTES (32 * VT_MIB)

typedef struct
{
  char     *folder;
  VtRam    *ram;
  VtMem    *mem;
  VtBootEnv env;
} Fixture;

static void
set_up (Fixture *f, gconstpointer data)
{
  f->folder = g_dir_make_tmp ("vitrine-boot-XXXXXX", NULL);
  f->ram = vt_ram_new ("ram", g_aligned_alloc0 (1, RAM_BYTES, VT_PAGE_SIZE), RAM_BYTES, NULL);
  f->mem = vt_mem_new ("memory", UINT64_C (1) << 36, NULL);
  g_assert_nonnull (vt_mem_map_ram (f->mem, f->ram, 0, VT_GPA (0), RAM_BYTES, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  f->env = (VtBootEnv) { .mem = f->mem, .ram_low_bytes = RAM_BYTES };
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  void *host = f->ram->host;
  g_autoptr (GDir) dir = g_dir_open (f->folder, 0, NULL);
  for (const char *name; (name = g_dir_read_name (dir)) != NULL;)
    {
      g_autofree char *path = g_build_filename (f->folder, name, NULL);
      g_unlink (path);
    }
  g_rmdir (f->folder);
  g_free (f->folder);
  vt_mem_free (f->mem);
  vt_ram_free (f->ram);
  g_aligned_free (host);
}

static char *
write_file (Fixture *f, const char *name, const void *data, size_t len)
{
  char *path = g_build_filename (f->folder, name, NULL);
  g_assert_true (g_file_set_contents_full (path, data, len, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
  return path;
}

/* A bzImage of protocol 2.15 with one setup sector and 4 KiB of kernel. */
static void
make_bzimage (uint8_t image[0x1400])
{
  memset (image, 0, 0x1400);
  memset (image + 0x400, 0x90, 0x1000);
  image[0x1f1] = 1;
  vt_store_le (image + 0x1fe, 0xaa55, 2);
  image[0x201] = 0x6a;
  memcpy (image + 0x202, "HdrS", 4);
  vt_store_le (image + 0x206, 0x20f, 2);
  image[0x211] = 1;
  vt_store_le (image + 0x22c, 0x7fffffff, 4);
  vt_store_le (image + 0x238, 64, 4);
  vt_store_le (image + 0x258, 0x1000000, 8);
  vt_store_le (image + 0x260, 0x400000, 4);
}

static void
assert_refused (Fixture *f, const char *kernel, const char *initrd, const char *append, const char *word)
{
  g_autoptr (GError) error = NULL;
  VtBootState        state;
  g_autoptr (VtBoot) boot = vt_boot_open (kernel, initrd, append, &error);
  if (boot != NULL)
    g_assert_false (vt_boot_place (boot, &f->env, &state, &error));
  g_assert_nonnull (error);
  g_test_message ("%s", error->message);
  g_assert_nonnull (strstr (error->message, word));
}

/* As at a reset: the files are not held in memory, and what has happened to them since is noticed. */
static void
files_are_placed_again (Fixture *f, gconstpointer data)
{
  uint8_t image[0x1400];
  make_bzimage (image);
  g_autofree char *kernel = write_file (f, "vmlinuz", image, sizeof image), *initrd = write_file (f, "initrd", "cpio", 4);
  g_autoptr (GError) error = NULL;
  VtBootState        state;
  g_autoptr (VtBoot) boot = vt_boot_open (kernel, initrd, "", NULL);
  g_assert_true (vt_boot_place (boot, &f->env, &state, NULL));
  /* Replaced, as packages do: the machine goes on with what it was started with. */
  g_assert_cmpint (g_unlink (kernel), ==, 0);
  g_assert_cmpint (g_unlink (initrd), ==, 0);
  memset (f->ram->host + 0x100000, 0, 4);
  g_assert_true (vt_boot_place (boot, &f->env, &state, NULL));
  g_assert_cmphex (f->ram->host[0x100000], ==, 0x90);
  g_assert_cmpmem (f->ram->host + vt_load_le (f->ram->host + state.esi + 0x218, 4), 4, "cpio", 4);

  g_autofree char *other = write_file (f, "vmlinuz", image, sizeof image);
  g_autoptr (VtBoot) cut = vt_boot_open (other, NULL, "", NULL);
  g_assert_true (vt_boot_place (cut, &f->env, &state, NULL));
  FILE *stream = g_fopen (other, "w");
  g_assert_nonnull (stream);
  fclose (stream);
  g_assert_false (vt_boot_place (cut, &f->env, &state, &error));
  g_assert_nonnull (strstr (error->message, "cannot be read any more"));
}

static void
a_bzimage_gets_its_zero_page (Fixture *f, gconstpointer data)
{
  uint8_t image[0x1400];
  make_bzimage (image);
  g_autofree char *kernel = write_file (f, "vmlinuz", image, sizeof image),
                  *initrd = write_file (f, "initrd", "cpio", 4);
  VtBootState        state;
  g_autoptr (VtBoot) boot = vt_boot_open (kernel, initrd, "console=ttyS0", NULL);
  g_assert_cmpint (vt_boot_kind (boot), ==, VT_BOOT_LINUX);
  g_assert_true (vt_boot_place (boot, &f->env, &state, NULL));
  const uint8_t *ram = f->ram->host, *zero_page = ram + state.esi;
  g_assert_cmphex (state.eip, ==, 0x100000);
  g_assert_cmphex (ram[0x100000], ==, 0x90);
  uint32_t initrd_at = vt_load_le (zero_page + 0x218, 4);
  g_assert_cmpmem (ram + initrd_at, 4, "cpio", 4);
  g_assert_cmpuint (initrd_at, >=, 0x1400000);
  g_assert_cmpstr ((const char *) ram + vt_load_le (zero_page + 0x228, 4), ==, "console=ttyS0");
  g_assert_cmpuint (zero_page[0x1e8], >=, 4);
  g_assert_cmphex (zero_page[0x210], ==, 0xff);
}

static void
broken_kernels_are_refused_with_a_reason (Fixture *f, gconstpointer data)
{
  uint8_t image[0x1400];
  make_bzimage (image);
  g_autofree char *empty = write_file (f, "empty", "", 0), *text = write_file (f, "text", "not a kernel", 12);
  g_autofree char *cut = write_file (f, "cut", image, 0x300), *none = g_build_filename (f->folder, "none", NULL);
  g_autofree char *good = write_file (f, "good", image, sizeof image);
  assert_refused (f, none, NULL, NULL, "does not exist");
  assert_refused (f, empty, NULL, NULL, "is empty");
  assert_refused (f, text, NULL, NULL, "not a kernel");
  assert_refused (f, cut, NULL, NULL, "truncated");
  assert_refused (f, f->folder, NULL, NULL, "is a folder");
  assert_refused (f, good, none, NULL, "initrd");
  assert_refused (f, good, NULL,
                  "a command line that is much longer than the sixty-four characters that this kernel takes",
                  "command line");
  image[0x211] = 0;
  g_autofree char *zimage = write_file (f, "zimage", image, sizeof image);
  assert_refused (f, zimage, NULL, NULL, "zImage");
}

static void
what_does_not_fit_into_memory_is_refused (Fixture *f, gconstpointer data)
{
  uint8_t            image[0x1400];
  const size_t       huge_len = 24 * VT_MIB;
  g_autofree char   *huge = g_malloc0 (huge_len);
  make_bzimage (image);
  g_autofree char *kernel = write_file (f, "vmlinuz", image, sizeof image),
                  *initrd = write_file (f, "initrd", huge, huge_len);
  assert_refused (f, kernel, initrd, NULL, "initrd");
  f->env.ram_low_bytes = 4 * VT_MIB;
  assert_refused (f, kernel, NULL, NULL, "more memory");
}

/* Flat image with its header at 0x10, loaded at 2 MiB. */
static void
make_multiboot (uint8_t image[256])
{
  const uint32_t words[]
      = { 0x1badb002, 0x10003, -(0x1badb002u + 0x10003u), 0x200010, 0x200000, 0, 0x201000, 0x200040 };
  memset (image, 0, 256);
  for (unsigned i = 0; i < G_N_ELEMENTS (words); i++)
    vt_store_le (image + 0x10 + 4 * i, words[i], 4);
  image[0x40] = 0xf4;
}

static void
a_flat_multiboot_kernel_gets_its_information (Fixture *f, gconstpointer data)
{
  uint8_t image[256];
  make_multiboot (image);
  g_autofree char *kernel = write_file (f, "kernel", image, sizeof image),
                  *module = write_file (f, "module", "data", 4);
  VtBootState        state;
  g_autoptr (VtBoot) boot = vt_boot_open (kernel, module, "x=1", NULL);
  memset (f->ram->host + 0x200000, 0xee, 0x1000);
  g_assert_true (vt_boot_place (boot, &f->env, &state, NULL));
  const uint8_t *info = f->ram->host + state.ebx;
  g_assert_cmphex (state.eax, ==, 0x2badb002);
  g_assert_cmphex (state.eip, ==, 0x200040);
  g_assert_cmphex (f->ram->host[0x200040], ==, 0xf4);
  g_assert_cmphex (f->ram->host[0x200fff], ==, 0);
  g_autofree char *line = g_strdup_printf ("%s x=1", kernel);
  g_assert_cmpstr ((const char *) f->ram->host + vt_load_le (info + 16, 4), ==, line);
  const uint8_t *entry = f->ram->host + vt_load_le (info + 24, 4);
  g_assert_cmpmem (f->ram->host + vt_load_le (entry, 4), 4, "data", 4);
}

static void
an_elf_kernel_starts_at_its_pvh_note (Fixture *f, gconstpointer data)
{
  uint8_t elf[256] = "\177ELF\1\1\1";
  vt_store_le (elf + 28, 52, 4);
  vt_store_le (elf + 42, 32, 2);
  vt_store_le (elf + 44, 2, 2);
  const uint32_t load[] = { 1, 0xc0, 0x300000, 0x300000, 16, 4096, 7, 0 }, note[] = { 4, 0xa0, 0, 0, 20, 20, 4, 4 };
  for (unsigned i = 0; i < 8; i++)
    {
      vt_store_le (elf + 52 + 4 * i, load[i], 4);
      vt_store_le (elf + 84 + 4 * i, note[i], 4);
    }
  const uint32_t head[] = { 4, 4, 18, 0x006e6558, 0x300004 };
  for (unsigned i = 0; i < 5; i++)
    vt_store_le (elf + 0xa0 + 4 * i, head[i], 4);
  memset (elf + 0xc0, 0xcc, 16);

  g_autofree char *kernel = write_file (f, "vmlinux", elf, sizeof elf);
  VtBootState        state;
  g_autoptr (GError) error = NULL;
  g_autoptr (VtBoot) boot = vt_boot_open (kernel, NULL, "quiet", &error);
  g_assert_no_error (error);
  g_assert_cmpint (vt_boot_kind (boot), ==, VT_BOOT_PVH);
  g_assert_true (vt_boot_place (boot, &f->env, &state, NULL));
  g_assert_cmphex (state.eip, ==, 0x300004);
  g_assert_cmphex (vt_load_le (f->ram->host + state.ebx, 4), ==, 0x336ec578);
  g_assert_cmphex (f->ram->host[0x300000], ==, 0xcc);
  g_autofree char *cut = write_file (f, "cut", elf, 0xc8);
  assert_refused (f, cut, NULL, NULL, "truncated");
}

/* Random damage to headers: never a crash, and a kernel that is accepted is placed inside memory or refused. */
static void
damaged_files_never_crash_the_loader (Fixture *f, gconstpointer data)
{
  uint8_t  good[3][0x1400] = { 0 }, bad[0x1400];
  unsigned lens[3] = { 0x1400, 256, 256 };
  make_bzimage (good[0]);
  make_multiboot (good[1]);
  memcpy (good[2], "\177ELF\2\1\1", 7);
  vt_store_le (good[2] + 32, 64, 8);
  vt_store_le (good[2] + 54, 56, 2);
  vt_store_le (good[2] + 56, 2, 2);
  for (unsigned round = 0; round < 3000; round++)
    {
      unsigned kind = round % 3;
      memcpy (bad, good[kind], lens[kind]);
      for (unsigned i = 0; i < 1 + round % 7; i++)
        bad[kind == 0 ? g_test_rand_int_range (0x1f1, 0x268) : g_test_rand_int_range (0, 128)] = g_test_rand_int ();
      g_autofree char   *path = write_file (f, "bad", bad, g_test_rand_int_range (1, lens[kind] + 1));
      VtBootState        state;
      g_autoptr (VtBoot) boot = vt_boot_open (path, NULL, "", NULL);
      if (boot != NULL && !vt_boot_place (boot, &f->env, &state, NULL))
        continue;
    }
}

/* --- Unpacking ---------------------------------------------------------------------------------------------------- */

#define UNPACKED_BYTES 0x2000u

/* An x86-64 ELF file with 4 KiB for 16 MiB, entered there, and three empty lists of relocations behind it but for one word of
 * 64 bits at 0x10. */
static void
make_vmlinux (uint8_t elf[UNPACKED_BYTES])
{
  static const uint32_t lists[] = { 0, 0x81000010, 0, 0 };   /* read from the end: 32 bits, to subtract, 64 bits */
  memset (elf, 0, UNPACKED_BYTES);
  memcpy (elf, "\177ELF\2\1\1", 7);
  vt_store_le (elf + 16, 2, 2);
  vt_store_le (elf + 18, 62, 2);
  vt_store_le (elf + 24, 0x1000000, 8);
  vt_store_le (elf + 32, 64, 8);
  vt_store_le (elf + 54, 56, 2);
  vt_store_le (elf + 56, 1, 2);
  vt_store_le (elf + 64, 1, 4);
  vt_store_le (elf + 64 + 8, 0x200, 8);
  vt_store_le (elf + 64 + 16, UINT64_C (0xffffffff81000000), 8);
  vt_store_le (elf + 64 + 24, 0x1000000, 8);
  vt_store_le (elf + 64 + 32, 0x1000, 8);
  vt_store_le (elf + 64 + 40, 0x1000, 8);
  memset (elf + 0x200, 0x90, 0x1000);
  vt_store_le (elf + 0x200 + 0x10, UINT64_C (0xffffffff81000020), 8);
  for (unsigned i = 0; i < G_N_ELEMENTS (lists); i++)
    vt_store_le (elf + UNPACKED_BYTES - sizeof lists + 4 * i, lists[i], 4);
}

static char *
write_packed_kernel (Fixture *f, const void *payload, gsize payload_len)
{
  uint8_t image[0x1400];
  make_bzimage (image);
  g_assert_cmpuint (payload_len, <=, 0xe00);
  vt_store_le (image + 0x20e, 0x100, 2);
  memcpy (image + 0x300, "6.1.0-test", 11);
  image[0x236] = 1;
  vt_store_le (image + 0x248, 0x100, 4);
  vt_store_le (image + 0x24c, payload_len, 4);
  memcpy (image + 0x400 + 0x100, payload, payload_len);
  return write_file (f, "vmlinuz", image, sizeof image);
}

static GBytes *
pack (const void *data, gsize len)
{
  g_autoptr (GConverter) gzip = G_CONVERTER (g_zlib_compressor_new (G_ZLIB_COMPRESSOR_FORMAT_GZIP, 9));
  g_autoptr (GOutputStream) memory = g_memory_output_stream_new_resizable (), stream = g_converter_output_stream_new (memory, gzip);
  g_assert_true (g_output_stream_write_all (stream, data, len, NULL, NULL, NULL));
  g_assert_true (g_output_stream_close (stream, NULL, NULL));
  return g_memory_output_stream_steal_as_bytes (G_MEMORY_OUTPUT_STREAM (memory));
}

static uint64_t
word_at (Fixture *f, uint64_t at)
{
  return vt_load_le (f->ram->host + at, 8);
}

static void
place (Fixture *f, const char *kernel, const char *append, VtBootState *state)
{
  g_autoptr (GError) error = NULL;
  g_autoptr (VtBoot) boot = vt_boot_open (kernel, NULL, append, &error);
  g_assert_no_error (error);
  g_assert_true (vt_boot_place (boot, &f->env, state, &error));
}

static void
a_packed_kernel_is_unpacked_and_entered_in_64_bits (Fixture *f, gconstpointer data)
{
  uint8_t elf[UNPACKED_BYTES];
  VtBootState state;
  make_vmlinux (elf);
  g_autoptr (GBytes) packed = pack (elf, sizeof elf);
  g_autofree char *kernel = write_packed_kernel (f, g_bytes_get_data (packed, NULL), g_bytes_get_size (packed));

  place (f, kernel, "nokaslr", &state);
  g_assert_cmphex (state.eip, ==, 0x2000);
  g_assert_cmphex (state.esi, ==, 0x10000);
  g_assert_cmphex (f->ram->host[0x1000000], ==, 0x90);
  g_assert_cmphex (word_at (f, 0x1000010), ==, UINT64_C (0xffffffff81000020));
  /* Level 4, level 3, level 2: the first two megabytes lie where they are. */
  g_assert_cmphex (word_at (f, 0x3000), ==, 0x4003);
  g_assert_cmphex (word_at (f, 0x4000), ==, 0x5003);
  g_assert_cmphex (word_at (f, 0x5000), ==, 0x83);
  g_assert_cmphex (f->ram->host[0x10211] & 2, ==, 0);
}

static void
an_unpacked_kernel_is_moved_by_its_relocations (Fixture *f, gconstpointer data)
{
  uint8_t elf[UNPACKED_BYTES];
  VtBootState state;
  make_vmlinux (elf);
  g_autoptr (GBytes) packed = pack (elf, sizeof elf);
  g_autofree char *kernel = write_packed_kernel (f, g_bytes_get_data (packed, NULL), g_bytes_get_size (packed));
  bool moved = false;
  /* Each place is one of about 500. */
  for (unsigned i = 0; i < 20; i++)
    {
      place (f, kernel, "", &state);
      uint64_t delta = word_at (f, 0x1000010) - UINT64_C (0xffffffff81000020);
      g_assert_cmphex (delta % (2 * VT_MIB), ==, 0);
      g_assert_cmpuint (delta, <, VT_GIB);
      g_assert_cmphex (f->ram->host[0x10211] & 2, ==, 2);
      moved |= delta != 0;
    }
  g_assert_true (moved);
}

static void
a_payload_that_cannot_be_unpacked_is_left_to_the_kernel (Fixture *f, gconstpointer data)
{
  uint8_t elf[UNPACKED_BYTES];
  VtBootState state;
  make_vmlinux (elf);
  g_autoptr (GBytes) packed = pack (elf, sizeof elf);
  g_autofree char *kernel = write_packed_kernel (f, g_bytes_get_data (packed, NULL), g_bytes_get_size (packed) / 2);
  place (f, kernel, "", &state);
  g_assert_cmphex (state.eip, ==, 0x100000);
  g_assert_cmphex (f->ram->host[0x10211] & 2, ==, 0);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(fn) g_test_add ("/boot/" #fn, Fixture, NULL, set_up, fn, tear_down)
  ADD (files_are_placed_again);
  ADD (a_bzimage_gets_its_zero_page);
  ADD (broken_kernels_are_refused_with_a_reason);
  ADD (what_does_not_fit_into_memory_is_refused);
  ADD (a_flat_multiboot_kernel_gets_its_information);
  ADD (an_elf_kernel_starts_at_its_pvh_note);
  ADD (damaged_files_never_crash_the_loader);
  ADD (a_packed_kernel_is_unpacked_and_entered_in_64_bits);
  ADD (an_unpacked_kernel_is_moved_by_its_relocations);
  ADD (a_payload_that_cannot_be_unpacked_is_left_to_the_kernel);
  return g_test_run ();
}
