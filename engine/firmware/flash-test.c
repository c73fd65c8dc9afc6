/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The flash chip as UEFI firmware drives it. */
#include "flash.h"

#define CHIP_BYTES (8 * VT_FLASH_BLOCK_SIZE)
#define CHIP_AT    0xffc00000u

typedef struct
{
  VtRam        *ram;
  VtMem        *mem, *smm_mem;
  VtDevice     *dev;
  VtFlashConfig config;
  uint64_t      wrote_bytes;
} Fixture;

static void
count_bytes (void *opaque, uint64_t off, uint64_t len)
{
  ((Fixture *) opaque)->wrote_bytes += len;
}

static void
set_up (Fixture *f, gconstpointer read_only)
{
  f->ram = vt_ram_new ("nvram", g_aligned_alloc0 (1, CHIP_BYTES, VT_PAGE_SIZE), CHIP_BYTES, NULL);
  memset (f->ram->host, 0xff, CHIP_BYTES);
  f->mem = vt_mem_new ("memory", UINT64_C (1) << 36, NULL);
  f->config = (VtFlashConfig) { .ram = f->ram, .mem = f->mem, .at = VT_GPA (CHIP_AT), .wrote = count_bytes, .opaque = f,
                                .read_only = read_only != NULL };
  const VtEnv env = { .config = &f->config };
  f->dev = vt_device_new (&vt_flash_class, "nvram");
  g_assert_true (vt_device_realize (f->dev, &env, NULL));
}

static void
set_up_secure (Fixture *f, gconstpointer data)
{
  f->ram = vt_ram_new ("nvram", g_aligned_alloc0 (1, CHIP_BYTES, VT_PAGE_SIZE), CHIP_BYTES, NULL);
  memset (f->ram->host, 0xff, CHIP_BYTES);
  f->mem = vt_mem_new ("memory", UINT64_C (1) << 36, NULL);
  f->smm_mem = vt_mem_new_overlay ("smm", f->mem);
  f->config = (VtFlashConfig) { .ram = f->ram, .mem = f->mem, .smm_mem = f->smm_mem, .at = VT_GPA (CHIP_AT) };
  f->dev = vt_device_new (&vt_flash_class, "nvram");
  g_assert_true (vt_device_realize (f->dev, &(VtEnv) { .config = &f->config }, NULL));
}

static void
tear_down (Fixture *f, gconstpointer data)
{
  void *host = f->ram->host;
  vt_mem_free (f->smm_mem);
  vt_mem_free (f->mem);
  vt_device_free (f->dev);
  vt_ram_free (f->ram);
  g_aligned_free (host);
}

static void
put (Fixture *f, uint64_t off, uint8_t value)
{
  g_autoptr (VtView) view = vt_mem_view (f->mem);
  vt_view_write (view, VT_GPA (CHIP_AT + off), value, 1);
}

static uint8_t
get (Fixture *f, uint64_t off)
{
  g_autoptr (VtView) view = vt_mem_view (f->mem);
  return vt_view_read (view, VT_GPA (CHIP_AT + off), 1);
}

static void
a_programmed_byte_is_seen_after_read_array (Fixture *f, gconstpointer data)
{
  put (f, 0x123, 0x10);
  put (f, 0x123, 0x5a);
  g_assert_cmphex (get (f, 0x123), ==, 0x80);
  put (f, 0x123, 0xff);
  g_assert_cmphex (get (f, 0x123), ==, 0x5a);
  g_assert_cmpuint (f->wrote_bytes, ==, 1);
}

static void
programming_clears_bits_and_only_erase_sets_them (Fixture *f, gconstpointer data)
{
  put (f, 0x1000, 0x40);
  put (f, 0x1000, 0x0f);
  put (f, 0x1000, 0x40);
  put (f, 0x1000, 0xf1);
  g_assert_cmphex (f->ram->host[0x1000], ==, 0x01);
  put (f, 0x1800, 0x20);
  put (f, 0x1800, 0xd0);
  put (f, 0, 0xff);
  g_assert_cmphex (get (f, 0x1000), ==, 0xff);
}

static void
a_buffer_is_programmed_on_confirm (Fixture *f, gconstpointer data)
{
  put (f, 0x2000, 0xe8);
  put (f, 0x2000, 3);
  for (unsigned i = 0; i < 4; i++)
    put (f, 0x2000 + i, i);
  g_assert_cmphex (f->ram->host[0x2001], ==, 0xff);
  put (f, 0x2000, 0xd0);
  g_assert_cmpmem (f->ram->host + 0x2000, 5, "\0\1\2\3\377", 5);
}

static void
a_status_of_zero_after_clear_tells_flash_from_ram_and_rom (Fixture *f, gconstpointer data)
{
  put (f, 0, 0x50);
  g_assert_cmphex (get (f, 0), ==, 0xff);
  put (f, 0, 0x70);
  g_assert_cmphex (get (f, 0), ==, 0);
}

static void
the_query_names_the_intel_command_set (Fixture *f, gconstpointer data)
{
  put (f, 0, 0x98);
  g_assert_cmphex (get (f, 0x10), ==, 'Q');
  g_assert_cmphex (get (f, 0x13), ==, 1);
  g_assert_cmphex (get (f, 0x27), ==, 15);
  g_assert_cmphex (get (f, 0x2d), ==, 7);
  g_assert_cmphex (get (f, 0x31), ==, 'P');
}

static void
a_locked_block_refuses_to_change (Fixture *f, gconstpointer data)
{
  put (f, 0x3000, 0x60);
  put (f, 0x3000, 0x01);
  put (f, 0x3000, 0x40);
  put (f, 0x3000, 0x00);
  g_assert_cmphex (get (f, 0) & 0x12, ==, 0x12);
  g_assert_cmphex (f->ram->host[0x3000], ==, 0xff);
}

static void
a_read_only_chip_refuses_to_change (Fixture *f, gconstpointer data)
{
  put (f, 0, 0x20);
  put (f, 0, 0xd0);
  g_assert_cmphex (get (f, 0) & 0x22, ==, 0x22);
  g_assert_cmpuint (f->wrote_bytes, ==, 0);
}

static void
reset_leads_back_to_the_array (Fixture *f, gconstpointer data)
{
  put (f, 0, 0x98);
  vt_device_reset (f->dev, VT_RESET_GUEST);
  g_assert_cmphex (get (f, 0x10), ==, 0xff);
}

static void
put_in_smm (Fixture *f, uint64_t off, uint8_t value)
{
  g_autoptr (VtView) view = vt_mem_view (f->smm_mem);
  vt_view_write (view, VT_GPA (CHIP_AT + off), value, 1);
}

static void
a_secure_chip_takes_writes_from_system_management_mode_alone (Fixture *f, gconstpointer data)
{
  put (f, 0x123, 0x10);
  put (f, 0x123, 0x5a);
  put (f, 0, 0x98);
  g_assert_cmphex (get (f, 0x10), ==, 0xff);
  g_assert_cmphex (get (f, 0x123), ==, 0xff);
  put_in_smm (f, 0x123, 0x10);
  put (f, 0x123, 0x00);
  put_in_smm (f, 0x123, 0x5a);
  g_assert_cmphex (get (f, 0x123), ==, 0x80);
  put_in_smm (f, 0x123, 0xff);
  g_assert_cmphex (get (f, 0x123), ==, 0x5a);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define ADD(fn) g_test_add ("/flash/" #fn, Fixture, NULL, set_up, fn, tear_down)
  ADD (a_programmed_byte_is_seen_after_read_array);
  ADD (programming_clears_bits_and_only_erase_sets_them);
  ADD (a_buffer_is_programmed_on_confirm);
  ADD (a_status_of_zero_after_clear_tells_flash_from_ram_and_rom);
  ADD (the_query_names_the_intel_command_set);
  ADD (a_locked_block_refuses_to_change);
  g_test_add ("/flash/a_read_only_chip_refuses_to_change", Fixture, "read only", set_up,
              a_read_only_chip_refuses_to_change, tear_down);
  ADD (reset_leads_back_to_the_array);
  g_test_add ("/flash/a_secure_chip_takes_writes_from_system_management_mode_alone", Fixture, NULL, set_up_secure,
              a_secure_chip_takes_writes_from_system_management_mode_alone, tear_down);
  return g_test_run ();
}
