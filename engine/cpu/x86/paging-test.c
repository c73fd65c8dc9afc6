/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Page walks in each paging mode: translation, rights, error codes, accessed and dirty bits. */
#include "x86-test.h"

#define RAM_SIZE (64 * VT_MIB)
#define ROOT     UINT64_C (0x100000)   /* tables from here, one page each */
#define NO_FAULT UINT32_MAX

#define P  UINT64_C (1)
#define W  UINT64_C (2)
#define U  UINT64_C (4)
#define A  UINT64_C (0x20)
#define D  UINT64_C (0x40)
#define PS UINT64_C (0x80)
#define G  UINT64_C (0x100)
#define NX (UINT64_C (1) << 63)

static VtX86Test test;

static uint64_t
table (unsigned n)
{
  return ROOT + n * VT_PAGE_SIZE;
}

static void
put (uint64_t at, unsigned index, uint64_t entry, unsigned size)
{
  vt_store_le (test.host + at + (uint64_t) index * size, entry, size);
}

static uint64_t
get (uint64_t at, unsigned index, unsigned size)
{
  return vt_load_le (test.host + at + (uint64_t) index * size, size);
}

/* Error code of the page fault that the access raises, or NO_FAULT. */
static uint32_t
access_fault (uint64_t linear, VtAccessKind kind)
{
  VtX86Cpu *cpu = test.cpu;
  if (setjmp (cpu->unwind) == 0)
    {
      vt_x86_tlb_flush (cpu, true);
      vt_x86_probe (cpu, linear, 1, kind);
      return NO_FAULT;
    }
  g_assert_cmpuint (cpu->exc_vector, ==, X86_PF);
  return cpu->exc_error;
}

static void
set_paging (uint64_t cr4, uint64_t efer, bool wp)
{
  VtX86State *s = &test.cpu->s;
  memset (test.host + ROOT, 0, 16 * VT_PAGE_SIZE);
  s->cr0 = X86_CR0_PE | X86_CR0_PG | X86_CR0_ET | (wp ? X86_CR0_WP : 0);
  s->cr3 = ROOT;
  s->cr4 = cr4;
  s->efer = efer;
}

static void
set_cpl (unsigned cpl)
{
  VtX86Seg *ss = &test.cpu->s.seg[VT_SS];
  ss->attr = (ss->attr & ~X86_SEG_DPL) | cpl << X86_SEG_DPL_SHIFT;
  vt_x86_cpu_settle (test.cpu);
}

/* --- 32-bit ------------------------------------------------------------------------------------------------------- */

static void
begin_32bit (uint64_t cr4)
{
  x86_test_set_mode (&test, 32);
  set_paging (cr4, 0, true);
}

static void
legacy_pages_translate_and_mark_accessed_and_dirty (void)
{
  begin_32bit (0);
  put (table (0), 1, table (1) | P | W | U, 4);
  put (table (1), 2, 0x234000 | P | W, 4);
  set_cpl (0);
  test.host[0x234567] = 0x5a;
  g_assert_cmpuint (vt_x86_load8 (test.cpu, 0x402567), ==, 0x5a);
  g_assert_cmphex (get (table (0), 1, 4), ==, table (1) | P | W | U | A);
  g_assert_cmphex (get (table (1), 2, 4), ==, 0x234000 | P | W | A);
  vt_x86_store8 (test.cpu, 0x402567, 0xa5);
  g_assert_cmpuint (test.host[0x234567], ==, 0xa5);
  g_assert_cmphex (get (table (1), 2, 4), ==, 0x234000 | P | W | A | D);
}

static void
legacy_faults_have_exact_error_codes (void)
{
  begin_32bit (0);
  put (table (0), 1, table (1) | P | W | U, 4);
  put (table (1), 0, 0x234000 | P, 4);
  put (table (1), 1, 0x235000 | P | U, 4);
  set_cpl (0);
  g_assert_cmphex (access_fault (0x800000, VT_READ), ==, 0);
  g_assert_cmphex (access_fault (0x402000, VT_WRITE), ==, X86_PF_W);
  g_assert_cmphex (access_fault (0x400000, VT_READ), ==, NO_FAULT);
  g_assert_cmphex (access_fault (0x400000, VT_WRITE), ==, X86_PF_P | X86_PF_W);
  /* No NX and no SMEP: a fetch is not told apart. */
  g_assert_cmphex (access_fault (0x402000, VT_FETCH), ==, 0);
  set_cpl (3);
  g_assert_cmphex (access_fault (0x400000, VT_READ), ==, X86_PF_P | X86_PF_U);
  g_assert_cmphex (access_fault (0x401000, VT_READ), ==, NO_FAULT);
  g_assert_cmphex (access_fault (0x401000, VT_WRITE), ==, X86_PF_P | X86_PF_U | X86_PF_W);
  g_assert_cmphex (access_fault (0x800000, VT_WRITE), ==, X86_PF_U | X86_PF_W);
}

static void
without_wp_the_supervisor_writes_read_only_pages (void)
{
  begin_32bit (0);
  test.cpu->s.cr0 &= ~(uint64_t) X86_CR0_WP;
  put (table (0), 1, table (1) | P | U, 4);
  put (table (1), 0, 0x234000 | P | U, 4);
  set_cpl (0);
  g_assert_cmphex (access_fault (0x400000, VT_WRITE), ==, NO_FAULT);
  g_assert_cmphex (get (table (1), 0, 4) & D, ==, D);
  set_cpl (3);
  g_assert_cmphex (access_fault (0x400000, VT_WRITE), ==, X86_PF_P | X86_PF_U | X86_PF_W);
}

static void
large_legacy_pages_need_pse_and_reserve_bit_21 (void)
{
  VtGpa gpa;
  begin_32bit (X86_CR4_PSE);
  put (table (0), 1, 0x800000 | P | W | PS, 4);
  put (table (0), 2, 0x800000 | P | W | PS | 1u << 21, 4);
  put (table (0), 3, 0x800000 | P | W | PS | 1u << 13, 4);
  set_cpl (0);
  g_assert_true (vt_x86_translate (test.cpu, 0x400000 + 0x312345, &gpa));
  g_assert_cmphex (gpa.v, ==, 0x800000 + 0x312345);
  g_assert_cmphex (access_fault (0x800000, VT_READ), ==, X86_PF_P | X86_PF_RSVD);
  g_assert_true (vt_x86_translate (test.cpu, 0xc00000, &gpa));
  g_assert_cmphex (gpa.v, ==, UINT64_C (0x100800000));
}

/* --- PAE ---------------------------------------------------------------------------------------------------------- */

static void
pae_uses_loaded_pdptes_and_nx (void)
{
  x86_test_set_mode (&test, 32);
  set_paging (X86_CR4_PAE, X86_EFER_NXE, true);
  put (table (0), 1, table (1) | P, 8);
  put (table (1), 0, table (2) | P | W | U, 8);
  put (table (1), 1, 0x600000 | P | W | PS, 8);
  put (table (2), 3, 0x234000 | P | W | NX, 8);
  put (table (2), 4, 0x234000 | P | UINT64_C (1) << 45, 8);
  put (table (2), 5, 0x234000 | P | UINT64_C (1) << 52, 8);
  set_cpl (0);
  g_assert_cmphex (access_fault (0x40003000, VT_READ), ==, NO_FAULT);
  g_assert_cmphex (access_fault (0x40003000, VT_FETCH), ==, X86_PF_P | X86_PF_I);
  g_assert_cmphex (access_fault (0x40002000, VT_FETCH), ==, X86_PF_I);
  g_assert_cmphex (access_fault (0x40004000, VT_READ), ==, X86_PF_P | X86_PF_RSVD);
  g_assert_cmphex (access_fault (0x40005000, VT_READ), ==, X86_PF_P | X86_PF_RSVD);
  g_assert_cmphex (access_fault (0x00003000, VT_READ), ==, 0);
  /* Taking away the pointer in memory changes nothing before CR3 is loaded again. */
  put (table (0), 1, 0, 8);
  g_assert_cmphex (access_fault (0x40003000, VT_READ), ==, NO_FAULT);
  g_assert_true (vt_x86_load_pdptes (test.cpu, ROOT));
  g_assert_cmphex (access_fault (0x40003000, VT_READ), ==, 0);
  put (table (0), 2, table (1) | P | W, 8);
  g_assert_false (vt_x86_load_pdptes (test.cpu, ROOT));
}

/* --- Four levels -------------------------------------------------------------------------------------------------- */

static void
begin_long (uint64_t cr4)
{
  x86_test_set_mode (&test, 64);
  set_paging (X86_CR4_PAE | cr4, X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE, true);
  put (table (0), 0, table (1) | P | W | U, 8);
  put (table (1), 0, table (2) | P | W | U, 8);
  put (table (2), 0, table (3) | P | W | U, 8);
  put (table (3), 0x10, 0x234000 | P | W | U, 8);
  put (table (3), 0x11, 0x235000 | P | W, 8);
}

static void
pages_of_all_sizes_translate (void)
{
  VtGpa gpa;
  begin_long (0);
  put (table (2), 1, 0x600000 | P | W | PS, 8);
  put (table (1), 1, P | W | PS, 8);
  put (table (1), 2, P | W | PS | 1u << 13, 8);
  set_cpl (0);
  g_assert_true (vt_x86_translate (test.cpu, 0x10123, &gpa));
  g_assert_cmphex (gpa.v, ==, 0x234123);
  g_assert_true (vt_x86_translate (test.cpu, 0x200000 + 0x12345, &gpa));
  g_assert_cmphex (gpa.v, ==, 0x612345);
  g_assert_true (vt_x86_translate (test.cpu, 0x40000000 + 0x1234567, &gpa));
  g_assert_cmphex (gpa.v, ==, 0x1234567);
  g_assert_cmphex (access_fault (0x80000000, VT_READ), ==, X86_PF_P | X86_PF_RSVD);
}

static void
smep_and_smap_keep_the_supervisor_off_user_pages (void)
{
  begin_long (X86_CR4_SMEP | X86_CR4_SMAP);
  set_cpl (0);
  g_assert_cmphex (access_fault (0x10000, VT_FETCH), ==, X86_PF_P | X86_PF_I);
  g_assert_cmphex (access_fault (0x10000, VT_READ), ==, X86_PF_P);
  g_assert_cmphex (access_fault (0x10000, VT_WRITE), ==, X86_PF_P | X86_PF_W);
  g_assert_cmphex (access_fault (0x11000, VT_WRITE), ==, NO_FAULT);
  test.cpu->s.rflags |= X86_RFLAGS_AC;
  vt_x86_update_checks (test.cpu);
  g_assert_cmphex (access_fault (0x10000, VT_WRITE), ==, NO_FAULT);
  g_assert_cmphex (access_fault (0x10000, VT_FETCH), ==, X86_PF_P | X86_PF_I);
  test.cpu->s.rflags &= ~(uint64_t) X86_RFLAGS_AC;
  set_cpl (3);
  g_assert_cmphex (access_fault (0x10000, VT_FETCH), ==, NO_FAULT);
  g_assert_cmphex (access_fault (0x11000, VT_READ), ==, X86_PF_P | X86_PF_U);
}

static void
a_clear_ac_closes_user_pages_without_a_flush (void)
{
  begin_long (X86_CR4_SMAP);
  set_cpl (0);
  test.cpu->s.rflags |= X86_RFLAGS_AC;
  vt_x86_update_checks (test.cpu);
  vt_x86_store8 (test.cpu, 0x10000, 1);
  test.cpu->s.rflags &= ~(uint64_t) X86_RFLAGS_AC;
  vt_x86_update_checks (test.cpu);
  if (setjmp (test.cpu->unwind) == 0)
    {
      vt_x86_store8 (test.cpu, 0x10000, 2);
      g_assert_not_reached ();
    }
  g_assert_cmphex (test.cpu->exc_error, ==, X86_PF_P | X86_PF_W);
}

static void
global_entries_survive_a_change_of_address_space (void)
{
  begin_long (X86_CR4_PGE);
  put (table (3), 0x11, 0x235000 | P | W | G, 8);
  set_cpl (0);
  test.host[0x234000] = 1;
  test.host[0x235000] = 2;
  g_assert_cmpuint (vt_x86_load8 (test.cpu, 0x10000), ==, 1);
  g_assert_cmpuint (vt_x86_load8 (test.cpu, 0x11000), ==, 2);
  put (table (3), 0x10, 0x236000 | P, 8);
  put (table (3), 0x11, 0x236000 | P, 8);
  vt_x86_tlb_flush (test.cpu, false);
  g_assert_cmpuint (vt_x86_load8 (test.cpu, 0x10000), ==, 0);
  g_assert_cmpuint (vt_x86_load8 (test.cpu, 0x11000), ==, 2);
  vt_x86_tlb_flush_page (test.cpu, 0x11000);
  g_assert_cmpuint (vt_x86_load8 (test.cpu, 0x11000), ==, 0);
}

static void
invalidating_any_address_drops_the_whole_large_page (void)
{
  begin_long (0);
  put (table (2), 1, 0x600000 | P | W | PS, 8);
  set_cpl (0);
  test.host[0x601000] = 1;
  test.host[0x801000] = 2;
  g_assert_cmpuint (vt_x86_load8 (test.cpu, 0x201000), ==, 1);
  put (table (2), 1, 0x800000 | P | W | PS, 8);
  vt_x86_tlb_flush_page (test.cpu, 0x3ff000);
  g_assert_cmpuint (vt_x86_load8 (test.cpu, 0x201000), ==, 2);
}

static void
a_store_across_pages_faults_before_it_writes (void)
{
  begin_long (0);
  put (table (3), 0x12, 0x236000 | P, 8);
  set_cpl (0);
  if (setjmp (test.cpu->unwind) == 0)
    {
      vt_x86_store64 (test.cpu, 0x11ffc, UINT64_MAX);
      g_assert_not_reached ();
    }
  g_assert_cmphex (test.cpu->exc_error, ==, X86_PF_P | X86_PF_W);
  g_assert_cmphex (vt_load_le (test.host + 0x235ffc, 4), ==, 0);
}

#define ADD(function) g_test_add_func ("/x86/paging/" #function, function)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  x86_test_setup (&test, RAM_SIZE, 64);
  ADD (legacy_pages_translate_and_mark_accessed_and_dirty);
  ADD (legacy_faults_have_exact_error_codes);
  ADD (without_wp_the_supervisor_writes_read_only_pages);
  ADD (large_legacy_pages_need_pse_and_reserve_bit_21);
  ADD (pae_uses_loaded_pdptes_and_nx);
  ADD (pages_of_all_sizes_translate);
  ADD (smep_and_smap_keep_the_supervisor_off_user_pages);
  ADD (a_clear_ac_closes_user_pages_without_a_flush);
  ADD (global_entries_survive_a_change_of_address_space);
  ADD (invalidating_any_address_drops_the_whole_large_page);
  ADD (a_store_across_pages_faults_before_it_writes);
  int status = g_test_run ();
  x86_test_teardown (&test);
  return status;
}
