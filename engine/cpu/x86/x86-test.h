/* SPDX-License-Identifier: GPL-3.0-or-later */
/* For tests: a processor with flat RAM at 0, in a chosen mode. Header only. */
#pragma once

#include "interp.h"
#include "x86-sys.h"

typedef struct
{
  VtMem      *mem, *io;
  VtRam      *ram;
  uint8_t    *host;      /* of guest-physical 0 */
  VtClock    *clock;
  VtX86Model *model;
  VtX86Cpu   *cpu;
  VtMem      *smm_mem;   /* with x86_test_setup_smm(), else NULL: X86_TEST_SMRAM_BYTES of RAM at the default SMBASE */
  VtRam      *smram;
} VtX86Test;

#define X86_TEST_SMBASE      0x30000u
#define X86_TEST_SMRAM_BYTES 0x20000u

static inline void
x86_test_free_host (void *host, uint64_t size)
{
  g_aligned_free (host);
}

/* code_bits 16 (real mode), 32 (protected, no paging) or 64 (long mode; ram[0..] identity-mapped by 1 GiB pages whose tables
 * are in the last 8 KiB of RAM). All segments flat, CPL 0; RIP 0x1000, RSP 0x8000; interrupts off. */
static inline void
x86_test_set_mode (VtX86Test *test, unsigned code_bits)
{
  VtX86Cpu *cpu = test->cpu;
  VtX86State *s = &cpu->s;
  vt_x86_init (cpu, true);
  s->activity = VT_X86_RUNNING;
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    {
      s->seg[i] = (VtX86Seg) { .limit = code_bits == 16 ? 0xffff : 0xffffffff, .attr = 0x0093, .selector = 0x10 };
      if (code_bits != 16)
        s->seg[i].attr |= X86_SEG_G | X86_SEG_DB;
      else
        s->seg[i].selector = 0;
    }
  s->seg[VT_CS].attr |= 0x9b;
  if (code_bits == 64)
    {
      uint64_t pml4 = test->ram->size - 0x2000;
      s->seg[VT_CS].attr = (s->seg[VT_CS].attr & ~X86_SEG_DB) | X86_SEG_L;
      vt_store_le (test->host + pml4, (pml4 + 0x1000) | 0x27, 8);
      for (unsigned i = 0; i < 4; i++)
        vt_store_le (test->host + pml4 + 0x1000 + 8 * i, ((uint64_t) i << 30) | 0xe7, 8);
      s->cr3 = pml4;
      s->cr4 = X86_CR4_PAE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT;
      s->efer = X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE | X86_EFER_SCE;
    }
  s->cr0 = X86_CR0_ET | X86_CR0_NE | (code_bits != 16 ? X86_CR0_PE : 0) | (code_bits == 64 ? X86_CR0_PG | X86_CR0_WP : 0);
  s->rip = 0x1000;
  s->gpr[VT_RSP] = 0x8000;
  vt_x86_cpu_settle (cpu);
}

static inline void
x86_test_add_smram (VtX86Test *test)
{
  test->smm_mem = vt_mem_new_overlay ("smm", test->mem);
  test->smram = vt_ram_new ("smram", g_aligned_alloc0 (1, X86_TEST_SMRAM_BYTES, VT_PAGE_SIZE), X86_TEST_SMRAM_BYTES,
                            x86_test_free_host);
  vt_mem_map_ram (test->smm_mem, test->smram, 0, VT_GPA (X86_TEST_SMBASE), X86_TEST_SMRAM_BYTES, 1, VT_ACCESS_RAM, VT_ACCESS_RAM, NULL);
}

static inline void
x86_test_build (VtX86Test *test, uint64_t ram_size, unsigned code_bits, bool smm)
{
  GError *error = NULL;
  *test = (VtX86Test) { 0 };
  test->mem = vt_mem_new ("memory", UINT64_C (1) << VT_X86_PHYS_BITS, NULL);
  test->io = vt_mem_new ("ports", 1 << 16, NULL);
  test->host = g_aligned_alloc0 (1, ram_size, VT_PAGE_SIZE);
  test->ram = vt_ram_new ("ram", test->host, ram_size, x86_test_free_host);
  vt_mem_map_ram (test->mem, test->ram, 0, VT_GPA (0), ram_size, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, &error);
  g_assert_no_error (error);
  if (smm)
    x86_test_add_smram (test);
  test->clock = vt_clock_new_manual ();
  test->model = vt_x86_model_new (NULL, 1, &error);
  g_assert_no_error (error);
  test->cpu = vt_x86_cpu_new (&(VtX86CpuConfig) {
    .mem = test->mem,
    .io = test->io,
    .smm_mem = test->smm_mem,
    .clock = test->clock,
    .model = test->model,
    .tsc_hz = 1000000000,
  });
  x86_test_set_mode (test, code_bits);
}

static inline void
x86_test_setup (VtX86Test *test, uint64_t ram_size, unsigned code_bits)
{
  x86_test_build (test, ram_size, code_bits, false);
}

/* With system management mode. */
static inline void
x86_test_setup_smm (VtX86Test *test, uint64_t ram_size, unsigned code_bits)
{
  x86_test_build (test, ram_size, code_bits, true);
}

static inline void
x86_test_teardown (VtX86Test *test)
{
  vt_x86_cpu_free (test->cpu);
  vt_x86_model_free (test->model);
  vt_clock_free (test->clock);
  vt_mem_free (test->io);
  vt_mem_free (test->smm_mem);
  vt_mem_free (test->mem);
  vt_ram_free (test->smram);
  vt_ram_free (test->ram);
}

/* Puts code at RIP and runs n instructions. */
static inline VtExit
x86_test_run (VtX86Test *test, const void *code, size_t len, uint64_t n)
{
  memcpy (test->host + test->cpu->s.rip, code, len);
  vt_ram_mark (test->ram, test->cpu->s.rip, len);
  return vt_x86_interp_run (test->cpu, n);
}
#define X86_TEST_RUN(test, n, ...)                                                                                       \
  x86_test_run (test, (const uint8_t[]) { __VA_ARGS__ }, sizeof ((const uint8_t[]) { __VA_ARGS__ }), n)
