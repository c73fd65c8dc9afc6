/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The firmware configuration device as its guests drive it. */
#include "fw-cfg.h"
#include "tables.h"

#define RAM_BYTES (64 * VT_KIB)

typedef struct
{
  VtRam    *ram;
  VtMem    *mem, *io;
  VtView   *ports;
  VtDma     dma;
  VtDevice *dev;
  unsigned  wrote;
} Fixture;

static void
add_text (VtDevice *dev, const char *name, const char *text)
{
  g_autoptr (GBytes) bytes = g_bytes_new (text, strlen (text));
  vt_fw_cfg_add_file (dev, name, bytes);
}

static void
count_write (void *opaque, const uint8_t *content, size_t size)
{
  ((Fixture *) opaque)->wrote++;
}

static void
set_up (Fixture *f, gconstpointer data)
{
  f->ram = vt_ram_new ("ram", g_aligned_alloc0 (1, RAM_BYTES, VT_PAGE_SIZE), RAM_BYTES, NULL);
  f->mem = vt_mem_new ("memory", UINT64_C (1) << 32, NULL);
  f->io = vt_mem_new ("ports", 1 << 16, NULL);
  g_assert_nonnull (vt_mem_map_ram (f->mem, f->ram, 0, VT_GPA (0), RAM_BYTES, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  f->dma.mem = f->mem;
  f->dev = vt_device_new (&vt_fw_cfg_class, "fw_cfg");
  const VtEnv env = { .dma = &f->dma };
  g_assert_true (vt_device_realize (f->dev, &env, NULL));
  g_assert_nonnull (vt_mem_map_io (f->io, f->dev, &vt_fw_cfg_ports, VT_GPA (VT_FW_CFG_PORT), 0, NULL));
  g_assert_nonnull (vt_mem_map_io (f->io, f->dev, &vt_fw_cfg_dma_ports, VT_GPA (VT_FW_CFG_DMA_PORT), 0, NULL));
  add_text (f->dev, "opt/zebra", "zzz");
  add_text (f->dev, "etc/apple", "apple pie");
  vt_fw_cfg_add_writable_file (f->dev, "etc/note", 8, count_write, f);
  f->ports = vt_mem_view (f->io);
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  void *host = f->ram->host;
  vt_view_unref (f->ports);
  vt_mem_free (f->io);
  vt_mem_free (f->mem);
  vt_device_free (f->dev);
  vt_ram_free (f->ram);
  g_aligned_free (host);
}

static void
select_key (Fixture *f, uint16_t key)
{
  vt_view_write (f->ports, VT_GPA (VT_FW_CFG_PORT), key, 2);
}

static uint8_t
next_byte (Fixture *f)
{
  return vt_view_read (f->ports, VT_GPA (VT_FW_CFG_PORT + 1), 1);
}

static uint32_t
next_be32 (Fixture *f)
{
  uint32_t value = 0;
  for (unsigned i = 0; i < 4; i++)
    value = value << 8 | next_byte (f);
  return value;
}

/* Runs a request placed at 0x100 and returns its control word afterwards. */
static uint32_t
dma (Fixture *f, uint32_t control, uint32_t length, uint64_t address)
{
  uint32_t words[2] = { GUINT32_TO_BE (control), GUINT32_TO_BE (length) };
  uint64_t be_address = GUINT64_TO_BE (address);
  memcpy (f->ram->host + 0x100, words, 8);
  memcpy (f->ram->host + 0x108, &be_address, 8);
  vt_view_write (f->ports, VT_GPA (VT_FW_CFG_DMA_PORT), 0, 4);
  vt_view_write (f->ports, VT_GPA (VT_FW_CFG_DMA_PORT + 4), GUINT32_SWAP_LE_BE (0x100), 4);
  memcpy (words, f->ram->host + 0x100, 4);
  return GUINT32_FROM_BE (words[0]);
}

static void
the_signature_reads_QEMU_and_the_id_offers_dma (Fixture *f, gconstpointer data)
{
  select_key (f, VT_FW_CFG_SIGNATURE);
  g_assert_cmpuint (next_be32 (f), ==, 0x51454d55);
  g_assert_cmpuint (next_byte (f), ==, 0);
  select_key (f, VT_FW_CFG_ID);
  g_assert_cmpuint (next_byte (f), ==, 3);
  g_assert_cmphex (vt_view_read (f->ports, VT_GPA (VT_FW_CFG_DMA_PORT), 4), ==, 0x554d4551);
}

static void
the_directory_lists_files_sorted_by_name (Fixture *f, gconstpointer data)
{
  const char *const names[] = { "etc/apple", "etc/note", "opt/zebra" };
  const unsigned    sizes[] = { 9, 8, 3 };
  select_key (f, VT_FW_CFG_FILE_DIR);
  g_assert_cmpuint (next_be32 (f), ==, 3);
  for (unsigned i = 0; i < 3; i++)
    {
      char name[56];
      g_assert_cmpuint (next_be32 (f), ==, sizes[i]);
      g_assert_cmpuint (next_be32 (f) >> 16, ==, VT_FW_CFG_FILES + i);
      for (unsigned n = 0; n < sizeof name; n++)
        name[n] = next_byte (f);
      g_assert_cmpstr (name, ==, names[i]);
    }
}

static void
dma_selects_skips_and_reads_with_zeros_after_the_end (Fixture *f, gconstpointer data)
{
  memset (f->ram->host + 0x200, 0xff, 16);
  g_assert_cmpuint (dma (f, VT_FW_CFG_FILES << 16 | 8 | 4, 6, 0), ==, 0);
  g_assert_cmpuint (dma (f, 2, 8, 0x200), ==, 0);
  g_assert_cmpmem (f->ram->host + 0x200, 9, "pie\0\0\0\0\0\377", 9);
}

static void
dma_writes_go_to_writable_files_only (Fixture *f, gconstpointer data)
{
  memcpy (f->ram->host + 0x200, "12345678", 8);
  g_assert_cmpuint (dma (f, (VT_FW_CFG_FILES + 1) << 16 | 8 | 16, 8, 0x200), ==, 0);
  g_assert_cmpuint (f->wrote, ==, 1);
  select_key (f, VT_FW_CFG_FILES + 1);
  g_assert_cmpuint (next_byte (f), ==, '1');
  g_assert_cmpuint (dma (f, VT_FW_CFG_FILES << 16 | 8 | 16, 1, 0x200), ==, 1);
  g_assert_cmpuint (dma (f, (VT_FW_CFG_FILES + 1) << 16 | 8 | 16, 9, 0x200), ==, 1);
  g_assert_cmpuint (f->wrote, ==, 1);
}

static void
double_it (void *opaque, uint8_t *content, size_t size)
{
  g_assert_cmpuint (size, ==, 1);
  content[0] = (uint8_t) (2 * content[0] + 1);
}

static void
an_answer_is_asked_for_by_selecting_it_and_not_written (Fixture *f, gconstpointer data)
{
  vt_fw_cfg_add_answer_file (f->dev, "etc/pear", 1, double_it, f);
  unsigned key = VT_FW_CFG_FILES + 2;   /* etc/apple, etc/note, etc/pear */
  select_key (f, key);
  g_assert_cmpuint (next_byte (f), ==, 1);
  memcpy (f->ram->host + 0x200, "x", 1);
  g_assert_cmpuint (dma (f, key << 16 | 8 | 16, 1, 0x200), ==, 1);
  select_key (f, key);
  g_assert_cmpuint (next_byte (f), ==, 7);
  vt_device_reset (f->dev, VT_RESET_GUEST);
  select_key (f, key);
  g_assert_cmpuint (next_byte (f), ==, 1);
}

static void
hostile_requests_fail_and_leave_the_device_usable (Fixture *f, gconstpointer data)
{
  g_assert_cmpuint (dma (f, VT_FW_CFG_FILES << 16 | 8 | 2, 4, 0xfffffffff000), ==, 1);
  g_assert_cmpuint (dma (f, VT_FW_CFG_FILES << 16 | 8 | 2, UINT32_MAX, 0x200), ==, 1);
  g_assert_cmpuint (dma (f, 0x3fff << 16 | 8 | 4, UINT32_MAX, 0), ==, 0);
  vt_view_write (f->ports, VT_GPA (VT_FW_CFG_DMA_PORT), UINT32_MAX, 4);
  vt_view_write (f->ports, VT_GPA (VT_FW_CFG_DMA_PORT + 4), UINT32_MAX, 4);
  select_key (f, VT_FW_CFG_FILES);
  g_assert_cmpuint (next_byte (f), ==, 'a');
}

static void
the_pc_items_describe_memory_and_processors (Fixture *f, gconstpointer data)
{
  const VtFwCfgPc pc = { .ram_low_bytes = 2 * VT_GIB, .ram_high_bytes = VT_GIB, .cpus = 2, .max_cpus = 4 };
  vt_fw_cfg_add_pc (f->dev, &pc);
  select_key (f, VT_FW_CFG_NB_CPUS);
  g_assert_cmpuint (next_byte (f), ==, 2);
  select_key (f, VT_FW_CFG_RAM_SIZE);
  uint64_t size = 0;
  for (unsigned i = 0; i < 8; i++)
    size |= (uint64_t) next_byte (f) << 8 * i;
  g_assert_cmpuint (size, ==, 3 * VT_GIB);
}

static void
published_tables_come_with_a_script (Fixture *f, gconstpointer data)
{
  g_autoptr (VtTables) tables = vt_tables_new ();
  GByteArray *blob = vt_tables_add (tables, "etc/acpi/tables", 64, VT_TABLES_HIGH);
  g_byte_array_set_size (blob, 32);
  vt_tables_pointer (tables, "etc/acpi/tables", 4, 4, "etc/acpi/tables");
  vt_tables_checksum (tables, "etc/acpi/tables", 0, 0, 32);
  vt_tables_publish (tables, f->dev);
  select_key (f, VT_FW_CFG_FILES + 3);   /* etc/acpi/tables, etc/apple, etc/note, etc/table-loader */
  g_assert_cmpuint (next_be32 (f), ==, 0x01000000);
  g_assert_cmpuint (next_byte (f), ==, 'e');
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(fn) g_test_add ("/fw-cfg/" #fn, Fixture, NULL, set_up, fn, tear_down)
  ADD (the_signature_reads_QEMU_and_the_id_offers_dma);
  ADD (the_directory_lists_files_sorted_by_name);
  ADD (dma_selects_skips_and_reads_with_zeros_after_the_end);
  ADD (dma_writes_go_to_writable_files_only);
  ADD (an_answer_is_asked_for_by_selecting_it_and_not_written);
  ADD (hostile_requests_fail_and_leave_the_device_usable);
  ADD (the_pc_items_describe_memory_and_processors);
  ADD (published_tables_come_with_a_script);
  return g_test_run ();
}
