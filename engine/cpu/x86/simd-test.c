/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x87 and vector instructions where user code cannot reach: availability, exceptions by control registers, memory formats
 * of other modes, hostile images.  What they compute is compared with a processor by tests/cpu.
 */
#include "decode.h"
#include "fpu.h"
#include "simd.h"
#include "x86-test.h"

#define NO_VECTOR UINT32_MAX
#define DATA      0x2000u

static VtX86Test     test;
static VtX86Decoder *decoder;

static void
setup (unsigned code_bits)
{
  x86_test_setup (&test, 1 << 20, code_bits);
  decoder = vt_x86_decoder_new (test.model);
  test.cpu->s.cr4 |= X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE;
  test.cpu->s.xcr0 = 7;
  vt_x86_cpu_settle (test.cpu);
  for (unsigned i = 0; i < 8; i++)
    test.cpu->s.gpr[i] = DATA;
}

static void
teardown (void)
{
  vt_x86_decoder_free (decoder);
  x86_test_teardown (&test);
}

/* Executes one instruction; the vector that it raised, or NO_VECTOR. */
static uint32_t
execute (const uint8_t *bytes, unsigned length)
{
  static VtX86Insn insn;
  VtX86Tail tail;

  g_assert_cmpint (vt_x86_decode (decoder, bytes, length, test.cpu->code_bits, &insn, &tail), ==, VT_X86_DECODED);
  test.cpu->insn = &insn;
  if (setjmp (test.cpu->unwind))
    return test.cpu->exc_vector;
  insn.op (test.cpu, &insn);
  return NO_VECTOR;
}
#define EXECUTE(...) execute ((const uint8_t[]) { __VA_ARGS__ }, sizeof ((const uint8_t[]) { __VA_ARGS__ }))

/* Instructions, mostly with [rax] or [bx] as operand. */
#define FNINIT    EXECUTE (0xdb, 0xe3)
#define FLD1      EXECUTE (0xd9, 0xe8)
#define FLDZ      EXECUTE (0xd9, 0xee)
#define FDIVP     EXECUTE (0xde, 0xf9)
#define FNCLEX    EXECUTE (0xdb, 0xe2)
#define FWAIT     EXECUTE (0x9b)
#define FNSAVE    EXECUTE (0xdd, 0x30)
#define FRSTOR    EXECUTE (0xdd, 0x20)
#define EMMS      EXECUTE (0x0f, 0x77)
#define MOVQ_MM   EXECUTE (0x0f, 0x6f, 0x00)
#define ADDPS     EXECUTE (0x0f, 0x58, 0xc1)
#define DIVPS     EXECUTE (0x0f, 0x5e, 0xc1)
#define MOVAPS    EXECUTE (0x0f, 0x28, 0x00)
#define MOVUPS    EXECUTE (0x0f, 0x10, 0x00)
#define VADDPS    EXECUTE (0xc5, 0xf0, 0x58, 0xc2)
#define LDMXCSR   EXECUTE (0x0f, 0xae, 0x10)
#define FXSAVE    EXECUTE (0x0f, 0xae, 0x00)
#define FXRSTOR   EXECUTE (0x0f, 0xae, 0x08)
#define XSAVE     EXECUTE (0x0f, 0xae, 0x20)
#define XRSTOR    EXECUTE (0x0f, 0xae, 0x28)

static void
x87_needs_ts_and_em_clear (void)
{
  setup (64);
  test.cpu->s.cr0 |= X86_CR0_TS;
  g_assert_cmpuint (FLD1, ==, X86_NM);
  g_assert_cmpuint (FNINIT, ==, X86_NM);
  g_assert_cmpuint (FWAIT, ==, NO_VECTOR);
  test.cpu->s.cr0 |= X86_CR0_MP;
  g_assert_cmpuint (FWAIT, ==, X86_NM);
  test.cpu->s.cr0 = (test.cpu->s.cr0 & ~(X86_CR0_TS | X86_CR0_MP)) | X86_CR0_EM;
  g_assert_cmpuint (FLD1, ==, X86_NM);
  g_assert_cmpuint (FWAIT, ==, NO_VECTOR);
  g_assert_cmpuint (EMMS, ==, X86_UD);
  teardown ();
}

static void
divide_by_zero_unmasked (void)
{
  g_assert_cmpuint (FNINIT, ==, NO_VECTOR);
  test.cpu->s.fcw = FCW_INIT & ~FSW_ZE;
  g_assert_cmpuint (FLD1, ==, NO_VECTOR);
  g_assert_cmpuint (FLDZ, ==, NO_VECTOR);
  g_assert_cmpuint (FDIVP, ==, NO_VECTOR);
  g_assert_cmphex (test.cpu->s.fsw & (FSW_ES | FSW_B | FSW_ZE), ==, FSW_ES | FSW_B | FSW_ZE);
}

static void
unmasked_x87_exception_waits_for_the_next_waiting_instruction (void)
{
  setup (64);
  divide_by_zero_unmasked ();
  g_assert_cmphex (fpu_physical (test.cpu, 0), ==, 6);   /* operands stay */
  g_assert_cmpuint (FLD1, ==, X86_MF);
  g_assert_cmpuint (MOVQ_MM, ==, X86_MF);
  g_assert_cmpuint (FWAIT, ==, X86_MF);
  g_assert_cmpuint (FNCLEX, ==, NO_VECTOR);
  g_assert_cmpuint (FLD1, ==, NO_VECTOR);
  teardown ();
}

static void
count_ferr (void *opaque)
{
  ++*(unsigned *) opaque;
}

static void
x87_exception_goes_to_ferr_without_cr0_ne (void)
{
  unsigned reports = 0;

  setup (64);
  test.cpu->s.cr0 &= ~X86_CR0_NE;
  test.cpu->ferr = count_ferr;
  test.cpu->ferr_opaque = &reports;
  divide_by_zero_unmasked ();
  g_assert_cmpuint (reports, ==, 0);
  g_assert_cmpuint (FWAIT, ==, NO_VECTOR);
  g_assert_cmpuint (reports, ==, 1);
  teardown ();
}

static void
real_mode_environment_holds_linear_addresses (void)
{
  setup (16);
  test.cpu->s.seg[VT_CS].selector = 0x1234;
  test.cpu->s.fip = 0x5678;
  test.cpu->s.fcs = 0x1234;
  test.cpu->s.fop = 0x5a5;
  test.cpu->s.gpr[VT_RBX] = DATA;
  g_assert_cmpuint (EXECUTE (0xdd, 0x37), ==, NO_VECTOR);   /* FNSAVE [BX] */
  const uint8_t *image = test.host + DATA;
  g_assert_cmphex (vt_load_le (image + 6, 2), ==, (0x12340 + 0x5678) & 0xffff);
  g_assert_cmphex (vt_load_le (image + 8, 2), ==, 0x1000 | 0x5a5);
  g_assert_cmphex (test.cpu->s.fcw, ==, FCW_INIT);
  teardown ();
}

static void
fnsave_and_frstor_keep_the_stack (void)
{
  setup (32);
  g_assert_cmpuint (FNINIT, ==, NO_VECTOR);
  for (unsigned i = 0; i < 3; i++)
    g_assert_cmpuint (i == 1 ? FLDZ : FLD1, ==, NO_VECTOR);
  VtX86State before = test.cpu->s;
  g_assert_cmpuint (FNSAVE, ==, NO_VECTOR);
  g_assert_cmphex (vt_load_le (test.host + DATA + 8, 4), ==, 0xffff0000 | 0x13ff);   /* empty, valid, zero, valid */
  g_assert_cmphex (test.cpu->s.ftw, ==, 0);
  g_assert_cmpuint (FRSTOR, ==, NO_VECTOR);
  g_assert_cmphex (test.cpu->s.fsw, ==, before.fsw);
  g_assert_cmphex (test.cpu->s.ftw, ==, before.ftw);
  g_assert_cmpmem (test.cpu->s.st, sizeof before.st, before.st, sizeof before.st);
  teardown ();
}

static void
sse_needs_osfxsr_and_no_em (void)
{
  setup (64);
  g_assert_cmpuint (ADDPS, ==, NO_VECTOR);
  test.cpu->s.cr0 |= X86_CR0_TS;
  g_assert_cmpuint (ADDPS, ==, X86_NM);
  test.cpu->s.cr4 &= ~X86_CR4_OSFXSR;
  g_assert_cmpuint (ADDPS, ==, X86_UD);
  test.cpu->s.cr4 |= X86_CR4_OSFXSR;
  test.cpu->s.cr0 |= X86_CR0_EM;
  g_assert_cmpuint (ADDPS, ==, X86_UD);
  teardown ();
}

static void
avx_needs_osxsave_and_xcr0 (void)
{
  setup (64);
  g_assert_cmpuint (VADDPS, ==, NO_VECTOR);
  test.cpu->s.xcr0 = 3;
  g_assert_cmpuint (VADDPS, ==, X86_UD);
  test.cpu->s.xcr0 = 7;
  test.cpu->s.cr4 &= ~X86_CR4_OSXSAVE;
  g_assert_cmpuint (VADDPS, ==, X86_UD);
  g_assert_cmpuint (XSAVE, ==, X86_UD);
  teardown ();
}

static void
unmasked_simd_exception_leaves_the_destination (void)
{
  setup (64);
  float one = 1;
  memcpy (test.cpu->s.ymm[0], &one, 4);   /* 1 and zeros, divided by zeros */
  VtVec before = *vec_reg (test.cpu, 0);
  test.cpu->s.mxcsr = MXCSR_MASKS & ~(FSW_ZE << 7);
  g_assert_cmpuint (DIVPS, ==, X86_XM);
  g_assert_cmphex (test.cpu->s.mxcsr & MXCSR_FLAGS, ==, FSW_ZE | FSW_IE);
  test.cpu->s.cr4 &= ~X86_CR4_OSXMMEXCPT;
  g_assert_cmpuint (DIVPS, ==, X86_UD);
  g_assert_cmpmem (vec_reg (test.cpu, 0), 32, &before, 32);
  teardown ();
}

static void
aligned_moves_check_and_unaligned_ones_do_not (void)
{
  setup (64);
  test.cpu->s.gpr[VT_RAX] = DATA + 8;
  g_assert_cmpuint (MOVAPS, ==, X86_GP);
  g_assert_cmpuint (MOVUPS, ==, NO_VECTOR);
  teardown ();
}

static void
vex_encoding_zeroes_the_upper_half_and_legacy_keeps_it (void)
{
  setup (64);
  memset (test.cpu->s.ymm[0], 0x5a, 32);
  g_assert_cmpuint (ADDPS, ==, NO_VECTOR);
  g_assert_cmphex (test.cpu->s.ymm[0][16], ==, 0x5a);
  g_assert_cmpuint (VADDPS, ==, NO_VECTOR);
  g_assert_cmphex (test.cpu->s.ymm[0][16], ==, 0);
  teardown ();
}

static void
reserved_bits_of_mxcsr_are_refused (void)
{
  setup (64);
  vt_store_le (test.host + DATA, 0x11f80, 4);
  g_assert_cmpuint (LDMXCSR, ==, X86_GP);
  g_assert_cmpuint (FXSAVE, ==, NO_VECTOR);
  vt_store_le (test.host + DATA + 24, 0x11f80, 4);
  g_assert_cmpuint (FXRSTOR, ==, X86_GP);
  g_assert_cmphex (test.cpu->s.mxcsr, ==, MXCSR_MASKS);
  teardown ();
}

static void
fxsave_outside_64_bit_mode_has_eight_registers (void)
{
  setup (32);
  memset (test.cpu->s.ymm, 0x77, sizeof test.cpu->s.ymm);
  memset (test.host + DATA, 0x11, 512);
  g_assert_cmpuint (FXSAVE, ==, NO_VECTOR);
  g_assert_cmphex (test.host[DATA + 160 + 16 * 8 - 1], ==, 0x77);
  g_assert_cmphex (test.host[DATA + 160 + 16 * 8], ==, 0x11);
  teardown ();
}

/* Header words: XSTATE_BV, XCOMP_BV, reserved. */
static void
header (uint64_t xstate_bv, uint64_t xcomp_bv, uint64_t reserved)
{
  memset (test.host + DATA + 512, 0, 64);
  vt_store_le (test.host + DATA + 512, xstate_bv, 8);
  vt_store_le (test.host + DATA + 520, xcomp_bv, 8);
  vt_store_le (test.host + DATA + 528, reserved, 8);
}

static void
hostile_xsave_headers_are_refused (void)
{
  const uint64_t compact = UINT64_C (1) << 63;
  const struct
  {
    uint64_t xstate_bv, xcomp_bv, reserved;
    uint32_t vector;
  } cases[] = {
    { 7, 0, 0, NO_VECTOR },
    { 8, 0, 0, X86_GP },                   /* a component that XCR0 lacks */
    { 7, 1, 0, X86_GP },                   /* XCOMP_BV in the standard format */
    { 7, 0, 1, X86_GP },
    { 7, compact | 7, 0, NO_VECTOR },
    { 7, compact | 3, 0, X86_GP },         /* a component that is not in the format */
    { 7, compact | 15, 0, X86_GP },
    { 7, compact | 7, 1, X86_GP },
  };

  setup (64);
  vt_store_le (test.host + DATA + 24, MXCSR_MASKS, 4);
  for (unsigned i = 0; i < G_N_ELEMENTS (cases); i++)
    {
      header (cases[i].xstate_bv, cases[i].xcomp_bv, cases[i].reserved);
      g_assert_cmpuint (XRSTOR, ==, cases[i].vector);
    }
  test.cpu->s.gpr[VT_RAX] += 16;
  g_assert_cmpuint (XRSTOR, ==, X86_GP);
  teardown ();
}

static void
fill_vectors (void)
{
  for (unsigned i = 0; i < 16; i++)
    memset (test.cpu->s.ymm[i], 0x10 + i, 32);
  g_assert_cmpuint (FNINIT, ==, NO_VECTOR);
  g_assert_cmpuint (FLD1, ==, NO_VECTOR);
}

static void
every_xsave_format_is_restored (void)
{
  setup (64);
  test.cpu->s.gpr[VT_RSI] = DATA;
  test.cpu->s.gpr[VT_RAX] = 7;
  test.cpu->s.gpr[VT_RDX] = 0;
  const uint8_t formats[3][3] = { { 0x0f, 0xae, 0x26 }, { 0x0f, 0xae, 0x36 }, { 0x0f, 0xc7, 0x26 } };
  for (unsigned i = 0; i < G_N_ELEMENTS (formats); i++)
    {
      fill_vectors ();
      VtX86State before = test.cpu->s;
      header (0, 0, 0);
      g_assert_cmpuint (execute (formats[i], 3), ==, NO_VECTOR);
      g_assert_cmphex (vt_load_le (test.host + DATA + 512, 8), ==, 7);
      memset (test.cpu->s.ymm, 0, sizeof test.cpu->s.ymm);
      g_assert_cmpuint (FNINIT, ==, NO_VECTOR);
      g_assert_cmpuint (EXECUTE (0x0f, 0xae, 0x2e), ==, NO_VECTOR);
      g_assert_cmpmem (test.cpu->s.ymm, sizeof before.ymm, before.ymm, sizeof before.ymm);
      g_assert_cmphex (test.cpu->s.ftw, ==, before.ftw);
    }
  teardown ();
}

static void
components_in_their_initial_state_are_not_marked (void)
{
  setup (64);
  test.cpu->s.gpr[VT_RSI] = DATA;
  test.cpu->s.gpr[VT_RAX] = 7;
  test.cpu->s.gpr[VT_RDX] = 0;
  g_assert_cmpuint (FNINIT, ==, NO_VECTOR);
  memset (test.cpu->s.ymm, 0, sizeof test.cpu->s.ymm);
  test.cpu->s.ymm[3][20] = 1;
  header (~UINT64_C (0), 0, 0);
  g_assert_cmpuint (EXECUTE (0x0f, 0xae, 0x36), ==, NO_VECTOR);
  g_assert_cmphex (vt_load_le (test.host + DATA + 512, 8), ==, ~UINT64_C (3));
  teardown ();
}

static void
gather_keeps_what_it_has_when_an_element_faults (void)
{
  setup (64);
  VtVec *result = vec_reg (test.cpu, 0), *index = vec_reg (test.cpu, 1), *mask = vec_reg (test.cpu, 2);
  *index = (VtVec) { .u64 = { 8, UINT64_C (1) << 60, 16, 24 } };
  memset (mask, 0xff, sizeof *mask);
  *result = (VtVec) { 0 };
  vt_store_le (test.host + DATA + 8, 0x1122334455667788, 8);
  g_assert_cmpuint (EXECUTE (0xc4, 0xe2, 0xed, 0x93, 0x04, 0x08), ==, X86_GP);   /* VGATHERQPD ymm0, [rax+ymm1], ymm2 */
  g_assert_cmphex (result->u64[0], ==, 0x1122334455667788);
  g_assert_cmphex (mask->u64[0], ==, 0);
  g_assert_cmphex (mask->u64[1], ==, ~UINT64_C (0));
  index->u64[1] = 8;
  g_assert_cmpuint (EXECUTE (0xc4, 0xe2, 0xed, 0x93, 0x04, 0x08), ==, NO_VECTOR);
  g_assert_cmphex (result->u64[1], ==, 0x1122334455667788);
  g_assert_cmphex (mask->u64[3], ==, 0);
  teardown ();
}

#define ADD(name) g_test_add_func ("/x86/simd/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (x87_needs_ts_and_em_clear);
  ADD (unmasked_x87_exception_waits_for_the_next_waiting_instruction);
  ADD (x87_exception_goes_to_ferr_without_cr0_ne);
  ADD (real_mode_environment_holds_linear_addresses);
  ADD (fnsave_and_frstor_keep_the_stack);
  ADD (sse_needs_osfxsr_and_no_em);
  ADD (avx_needs_osxsave_and_xcr0);
  ADD (unmasked_simd_exception_leaves_the_destination);
  ADD (aligned_moves_check_and_unaligned_ones_do_not);
  ADD (vex_encoding_zeroes_the_upper_half_and_legacy_keeps_it);
  ADD (reserved_bits_of_mxcsr_are_refused);
  ADD (fxsave_outside_64_bit_mode_has_eight_registers);
  ADD (hostile_xsave_headers_are_refused);
  ADD (every_xsave_format_is_restored);
  ADD (components_in_their_initial_state_are_not_marked);
  ADD (gather_keeps_what_it_has_when_an_element_faults);
  return g_test_run ();
}
