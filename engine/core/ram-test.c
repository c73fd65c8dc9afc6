/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "mem.h"

static uint8_t host[8 * 4096] __attribute__ ((aligned (4096)));

static void
a_harvest_names_each_written_page_once (void)
{
  g_autoptr (VtRam) ram = vt_ram_new ("test", host, sizeof host, NULL);
  uint8_t dirty[8];
  g_assert_cmpuint (vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_DISPLAY, dirty), ==, 8);
  g_assert_cmpuint (vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_DISPLAY, dirty), ==, 0);
  vt_ram_mark (ram, 3 * 4096 - 1, 2);
  g_assert_cmpuint (vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_DISPLAY, dirty), ==, 2);
  g_assert_true (dirty[2] && dirty[3] && !dirty[1] && !dirty[4]);
}

static void
one_client_s_harvest_leaves_the_other_s_flags (void)
{
  g_autoptr (VtRam) ram = vt_ram_new ("test", host, sizeof host, NULL);
  uint8_t dirty[8];
  vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_DISPLAY, dirty);
  vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_MIGRATE, dirty);
  vt_ram_mark (ram, 4096, 1);
  g_assert_cmpuint (vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_DISPLAY, dirty), ==, 1);
  g_assert_cmpuint (vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_MIGRATE, dirty), ==, 1);
}

typedef struct
{
  unsigned calls;
  uint64_t off;
} Seen;

static void
saw_code (void *opaque, VtRam *ram, uint64_t off, uint64_t len)
{
  Seen *seen = opaque;
  seen->calls++;
  seen->off = off;
}

static void
a_write_to_code_changes_the_page_version_and_is_told_once (void)
{
  g_autoptr (VtRam) ram = vt_ram_new ("test", host, sizeof host, NULL);
  Seen seen = { 0 };
  ram->code_wrote = saw_code;
  ram->code_wrote_opaque = &seen;
  vt_ram_set_flags (ram, 5, 1, VT_PAGE_CODE);
  uint32_t version = ram->page_version[5];
  vt_ram_mark (ram, 5 * 4096 + 7, 4);
  vt_ram_mark (ram, 5 * 4096 + 7, 4);
  g_assert_cmpuint (seen.calls, ==, 1);
  g_assert_cmpuint (seen.off, ==, 5 * 4096 + 7);
  g_assert_cmpuint (ram->page_version[5], ==, version + 1);
}

static void
collect_page_2 (void *opaque, VtRam *ram)
{
  ++*(unsigned *) opaque;
  vt_ram_wrote (ram, 2 * 4096, 1);
}

static void
a_harvest_asks_writers_with_a_log_of_their_own (void)
{
  g_autoptr (VtRam) ram = vt_ram_new ("test", host, sizeof host, NULL);
  uint8_t dirty[8];
  unsigned calls = 0;
  vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_DISPLAY, dirty);
  ram->collect = collect_page_2;
  ram->collect_opaque = &calls;
  g_assert_cmpuint (vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_DISPLAY, dirty), ==, 1);
  g_assert_true (dirty[2]);
  g_assert_cmpuint (calls, ==, 1);
}

static void
the_last_writes_to_code_are_remembered_by_number (void)
{
  g_autoptr (VtRam) ram = vt_ram_new ("test", host, sizeof host, NULL);
  const VtRam *which;
  uint64_t before = vt_ram_code_writes (), page;
  vt_ram_set_flags (ram, 2, 2, VT_PAGE_CODE);
  vt_ram_mark (ram, 4 * 4096 - 1, 1);
  vt_ram_mark (ram, 2 * 4096, 1);
  vt_ram_mark (ram, 2 * 4096, 1);   /* its flag is gone: nobody cares */
  g_assert_cmpuint (vt_ram_code_writes (), ==, before + 2);
  g_assert_true (vt_ram_code_write (before + 1, &which, &page) && which == ram && page == 3);
  g_assert_true (vt_ram_code_write (before + 2, &which, &page) && which == ram && page == 2);
  g_assert_false (vt_ram_code_write (before + 3, &which, &page));
  for (unsigned i = 0; i < 100; i++)
    {
      vt_ram_set_flags (ram, 5, 1, VT_PAGE_CODE);
      vt_ram_mark (ram, 5 * 4096, 8);
    }
  g_assert_false (vt_ram_code_write (before + 1, &which, &page));
}

static void
a_write_beside_code_leaves_it_alone (void)
{
  g_autoptr (VtRam) ram = vt_ram_new ("test", host, sizeof host, NULL);
  uint8_t dirty[8];
  uint64_t pieces = vt_ram_pieces (0x5ff0, 0x20);
  g_assert_cmphex (pieces, ==, UINT64_C (1) << 63);
  g_assert_cmphex (vt_ram_pieces (0x5000, 4096), ==, UINT64_MAX);
  g_assert_cmphex (vt_ram_pieces (0x507f, 2), ==, 6);
  vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_DISPLAY, dirty);
  vt_ram_watch_code (ram, 5, vt_ram_pieces (0x5080, 64));
  vt_ram_watch_code (ram, 5, pieces);
  uint32_t version = ram->page_version[5];
  g_assert_false (vt_ram_wrote (ram, 0x507f, 1));
  g_assert_false (vt_ram_wrote (ram, 0x50c0, 0xf00));
  g_assert_true (vt_ram_watches_code (ram, 5, pieces));
  g_assert_cmpuint (ram->page_version[5], ==, version);
  g_assert_cmpuint (vt_ram_harvest (ram, 0, 8, VT_PAGE_CLEAN_DISPLAY, dirty), ==, 1);
  g_assert_true (vt_ram_wrote (ram, 0x4fff, 0x82));
  g_assert_cmpuint (ram->page_version[5], ==, version + 1);
  g_assert_false (vt_ram_watches_code (ram, 5, pieces));
  g_assert_false (vt_ram_wrote (ram, 0x5fff, 1));
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/ram/harvest", a_harvest_names_each_written_page_once);
  g_test_add_func ("/ram/two-clients", one_client_s_harvest_leaves_the_other_s_flags);
  g_test_add_func ("/ram/code", a_write_to_code_changes_the_page_version_and_is_told_once);
  g_test_add_func ("/ram/beside", a_write_beside_code_leaves_it_alone);
  g_test_add_func ("/ram/code-writes", the_last_writes_to_code_are_remembered_by_number);
  g_test_add_func ("/ram/collect", a_harvest_asks_writers_with_a_log_of_their_own);
  return g_test_run ();
}
