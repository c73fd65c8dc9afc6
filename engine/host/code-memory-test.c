/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory for translated code and for large tables: what it promises, and that the host's large pages are really had. */
#include "host-code.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "bits.h"

#define PIECE VT_CODE_LARGE_BYTES
#define SIZE  (4 * PIECE)

static const VtCodeMemoryOps *ops;

static VtCodeMemory
some_memory (void)
{
  g_autoptr (GError) error = NULL;
  VtCodeMemory memory;
  g_assert_true (ops->map (&memory, SIZE, &error));
  g_assert_no_error (error);
  return memory;
}

/* Bytes of the mapping that begins there which large pages hold, as proc(5) says in smaps; `kind`: ShmemPmdMapped, AnonHugePages. */
static uint64_t
large_bytes (const void *mapping, const char *kind)
{
  g_autofree char *text = NULL, *start = g_strdup_printf ("%08lx-", (unsigned long) (uintptr_t) mapping);
  g_assert_true (g_file_get_contents ("/proc/self/smaps", &text, NULL, NULL));
  const char *at = g_str_has_prefix (text, start) ? text : g_strstr_len (text, -1, start);
  g_assert_nonnull (at);
  const char *line = strstr (at, kind);
  g_assert_nonnull (line);
  return g_ascii_strtoull (line + strlen (kind) + 1, NULL, 10) * VT_KIB;
}

static void
both_mappings_are_the_same_pages (void)
{
  VtCodeMemory memory = some_memory ();
  g_assert_cmpuint ((uintptr_t) memory.rw % PIECE, ==, 0);
  g_assert_cmpuint ((uintptr_t) memory.rx % PIECE, ==, 0);
  for (size_t at = 0; at < SIZE; at += 4093)
    memory.rw[at] = (uint8_t) at;
  g_assert_cmpmem (memory.rx, SIZE, memory.rw, SIZE);
  ops->unmap (&memory);
}

static void
preparing_keeps_what_is_there (void)
{
  VtCodeMemory memory = some_memory ();
  memset (memory.rw, 0x90, 2 * PIECE);
  ops->prepare (&memory, 0);
  ops->prepare (&memory, PIECE);
  for (size_t at = 0; at < 2 * PIECE; at++)
    g_assert_cmpuint (memory.rx[at], ==, 0x90);
  ops->unmap (&memory);
}

static void
what_is_given_back_is_zero (void)
{
  VtCodeMemory memory = some_memory ();
  for (size_t from = 0; from < SIZE; from += PIECE)
    ops->prepare (&memory, from);
  memset (memory.rw, 0xcc, SIZE);
  ops->give_back (&memory, PIECE, SIZE - PIECE);
  for (size_t at = 0; at < SIZE; at++)
    g_assert_cmpuint (memory.rx[at], ==, at < PIECE ? 0xcc : 0);
  ops->prepare (&memory, PIECE);
  memory.rw[PIECE] = 1;
  g_assert_cmpuint (memory.rx[PIECE], ==, 1);
  ops->unmap (&memory);
}

/* Can this computer, as madvise(2) says of Linux since 6.1? */
static bool
host_collapses (void)
{
  uint8_t *at = mmap (NULL, 2 * PIECE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  g_assert_true (at != MAP_FAILED);
  uint8_t *piece = at + (-(uintptr_t) at & (PIECE - 1));
  *piece = 1;
  bool able = madvise (piece, PIECE, 25 /* MADV_COLLAPSE */) == 0;
  munmap (at, 2 * PIECE);
  return able;
}

static void
prepared_code_is_in_large_pages (void)
{
  if (!host_collapses ())
    {
      g_test_skip ("this kernel makes no large pages on request");
      return;
    }
  VtCodeMemory memory = some_memory ();
  ops->prepare (&memory, PIECE);
  g_assert_cmpuint (large_bytes (memory.rw, "ShmemPmdMapped:"), ==, PIECE);
  g_assert_cmpuint (large_bytes (memory.rx, "ShmemPmdMapped:"), ==, PIECE);
  ops->unmap (&memory);
}

static void
tables_lose_only_their_end (void)
{
  const size_t size = 3 * PIECE + 100;
  uint8_t     *table = vt_large_alloc (size);
  for (size_t at = 0; at < size; at++)
    g_assert_cmpuint (table[at], ==, 0);
  memset (table, 0x55, size);
  vt_large_give_back (table, 10, size);
  for (size_t at = 0; at < size; at++)
    g_assert_cmpuint (table[at], ==, at < PIECE ? 0x55 : 0);
  vt_large_free (table, size);
}

static void
low_memory_is_low (void)
{
  uint8_t *at = ops->map_large (100, true);
  g_assert_nonnull (at);
  g_assert_cmpuint ((uintptr_t) at + 100, <=, INT32_MAX);
  g_assert_cmpuint ((uintptr_t) at % PIECE, ==, 0);
  at[99] = 1;
  ops->unmap_large (at, 100);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  vt_host_install_code_memory ();
  ops = vt_code_memory_ops ();
  g_test_add_func ("/code-memory/both mappings are the same pages", both_mappings_are_the_same_pages);
  g_test_add_func ("/code-memory/preparing keeps what is there", preparing_keeps_what_is_there);
  g_test_add_func ("/code-memory/what is given back is zero", what_is_given_back_is_zero);
  g_test_add_func ("/code-memory/prepared code is in large pages", prepared_code_is_in_large_pages);
  g_test_add_func ("/code-memory/tables lose only their end", tables_lose_only_their_end);
  g_test_add_func ("/code-memory/low memory is low", low_memory_is_low);
  return g_test_run ();
}
