/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FXSAVE and the XSAVE family for x87, SSE and AVX state; MXCSR; EMMS, VZEROUPPER (SDM volume 1, 10.5 and chapter 13). */
#include <Zydis/Zydis.h>

#include "fpu.h"
#include "simd.h"

#define XCOMP_COMPACT (UINT64_C (1) << 63)

enum
{
  STATE_X87 = 1u << 0,
  STATE_SSE = 1u << 1,
  STATE_AVX = 1u << 2,
};

/* Offsets in the area. */
enum
{
  AT_MXCSR  = 24,
  AT_ST     = 32,
  AT_XMM    = 160,
  AT_HEADER = 512,
  AT_AVX    = 576,     /* in both formats: nothing that we have lies between */
  FX_SIZE   = 512,
  AREA_SIZE = 832,
};

typedef struct
{
  uint64_t xstate_bv, xcomp_bv, reserved[6];
} Header;
G_STATIC_ASSERT (sizeof (Header) == AT_AVX - AT_HEADER);

/* Registers 8 to 15 exist in 64-bit mode only: elsewhere they are neither saved nor restored. */
static unsigned
vector_registers (const VtX86Cpu *cpu)
{
  return cpu->mode == VT_X86_LONG ? 16 : 8;
}

/* --- Components to and from an image -------------------------------------------------------------------------------------- */

static void
pack_x87 (VtX86Cpu *cpu, uint8_t *area, bool wide)
{
  vt_store_le (area, cpu->s.fcw, 2);
  vt_store_le (area + 2, cpu->s.fsw, 2);
  vt_store_le (area + 4, cpu->s.ftw, 2);
  vt_store_le (area + 6, cpu->s.fop, 2);
  vt_store_le (area + 8, cpu->s.fip, 8);
  vt_store_le (area + 16, cpu->s.fdp, 8);
  if (!wide)
    {
      vt_store_le (area + 12, cpu->s.fcs, 4);
      vt_store_le (area + 20, cpu->s.fds, 4);
    }
  for (unsigned i = 0; i < 8; i++)
    {
      memset (area + AT_ST + 16 * i, 0, 16);
      memcpy (area + AT_ST + 16 * i, fpu_st (cpu, i), 10);
    }
}

static void
unpack_x87 (VtX86Cpu *cpu, const uint8_t *area, bool wide)
{
  cpu->s.fsw = vt_load_le (area + 2, 2);
  cpu->s.ftw = area[4];
  cpu->s.fop = vt_load_le (area + 6, 2) & 0x7ff;
  cpu->s.fip = vt_load_le (area + 8, wide ? 8 : 4);
  cpu->s.fdp = vt_load_le (area + 16, wide ? 8 : 4);
  cpu->s.fcs = wide ? 0 : vt_load_le (area + 12, 2);
  cpu->s.fds = wide ? 0 : vt_load_le (area + 20, 2);
  vt_fpu_load_control (cpu, vt_load_le (area, 2));
  for (unsigned i = 0; i < 8; i++)
    {
      VtF80 value = { 0 };
      memcpy (&value, area + AT_ST + 16 * i, 10);
      *fpu_st (cpu, i) = value;
    }
}

static void
init_x87 (VtX86Cpu *cpu)
{
  vt_fpu_init (cpu);
  memset (cpu->s.st, 0, sizeof cpu->s.st);
}

static void
pack_mxcsr (VtX86Cpu *cpu, uint8_t *area)
{
  vt_store_le (area + AT_MXCSR, cpu->s.mxcsr, 4);
  vt_store_le (area + AT_MXCSR + 4, MXCSR_VALID, 4);
}

static void
pack_vectors (VtX86Cpu *cpu, uint8_t *to, unsigned half)
{
  for (unsigned i = 0; i < vector_registers (cpu); i++)
    memcpy (to + 16 * i, &vec_reg (cpu, i)->half[half], 16);
}

static void
unpack_vectors (VtX86Cpu *cpu, const uint8_t *from, unsigned half)
{
  for (unsigned i = 0; i < vector_registers (cpu); i++)
    memcpy (&vec_reg (cpu, i)->half[half], from + 16 * i, 16);
}

static void
init_vectors (VtX86Cpu *cpu, unsigned half)
{
  for (unsigned i = 0; i < vector_registers (cpu); i++)
    vec_reg (cpu, i)->half[half] = _mm_setzero_si128 ();
}

static bool
vectors_in_use (VtX86Cpu *cpu, unsigned half)
{
  __m128i any = _mm_setzero_si128 ();
  for (unsigned i = 0; i < vector_registers (cpu); i++)
    any = _mm_or_si128 (any, vec_reg (cpu, i)->half[half]);
  return _mm_movemask_epi8 (_mm_cmpeq_epi8 (any, _mm_setzero_si128 ())) != 0xffff;
}

static bool
x87_in_use (VtX86Cpu *cpu)
{
  const VtX86State *s = &cpu->s;
  if (s->fcw != FCW_INIT || s->fsw || s->ftw || s->fop || s->fip || s->fdp || s->fcs || s->fds)
    return true;
  for (unsigned i = 0; i < 8; i++)
    if (fpu_st (cpu, i)->mantissa || fpu_st (cpu, i)->sign_exp)
      return true;
  return false;
}

/* XINUSE: components that are not in their initial configuration. MXCSR does not count here. */
static uint64_t
components_in_use (VtX86Cpu *cpu)
{
  return (x87_in_use (cpu) ? STATE_X87 : 0) | (vectors_in_use (cpu, 0) ? STATE_SSE : 0)
         | (vectors_in_use (cpu, 1) ? STATE_AVX : 0);
}

static void
check_mxcsr (VtX86Cpu *cpu, uint32_t value)
{
  if (value & ~MXCSR_VALID)
    vt_x86_gp0 (cpu);
}

/* --- FXSAVE, FXRSTOR -------------------------------------------------------------------------------------------------------- */

static uint64_t
fx_operand (VtX86Cpu *cpu, const VtX86Insn *insn, VtAccessKind kind)
{
  vt_fpu_enter_nowait (cpu);
  return vt_simd_aligned_operand (cpu, insn, FX_SIZE, 16, kind);
}

/* EFER.FFXSR: ring 0 of 64-bit mode leaves the XMM registers out. */
static bool
fx_fast (const VtX86Cpu *cpu)
{
  return (cpu->s.efer & X86_EFER_FFXSR) && cpu->mode == VT_X86_LONG && cpu->cpl == 0;
}

static void
fxsave (VtX86Cpu *cpu, const VtX86Insn *insn, bool wide)
{
  uint64_t linear = fx_operand (cpu, insn, VT_WRITE);
  uint8_t area[FX_SIZE];
  unsigned length = fx_fast (cpu) ? AT_XMM : AT_XMM + 16 * vector_registers (cpu);

  vt_x86_probe (cpu, linear, FX_SIZE, VT_WRITE);   /* what is not written has to be writable too */
  pack_x87 (cpu, area, wide);
  pack_mxcsr (cpu, area);
  pack_vectors (cpu, area + AT_XMM, 0);
  vt_x86_probe (cpu, linear, FX_SIZE, VT_WRITE);   /* though not all of it is written */
  vt_x86_store_bytes (cpu, linear, area, length);
}

static void
fxrstor (VtX86Cpu *cpu, const VtX86Insn *insn, bool wide)
{
  uint64_t linear = fx_operand (cpu, insn, VT_READ);
  uint8_t area[FX_SIZE];

  vt_x86_load_bytes (cpu, linear, area, FX_SIZE);
  uint32_t mxcsr = vt_load_le (area + AT_MXCSR, 4);
  check_mxcsr (cpu, mxcsr);
  unpack_x87 (cpu, area, wide);
  cpu->s.mxcsr = mxcsr;
  if (!fx_fast (cpu))
    unpack_vectors (cpu, area + AT_XMM, 0);
}

/* --- XSAVE family ------------------------------------------------------------------------------------------------------------- */

static uint64_t
x_operand (VtX86Cpu *cpu, const VtX86Insn *insn, VtAccessKind kind)
{
  if (!(cpu->s.cr4 & X86_CR4_OSXSAVE))
    vt_x86_ud (cpu);
  if (cpu->s.cr0 & X86_CR0_TS)
    vt_x86_raise (cpu, X86_NM, 0);
  return vt_simd_aligned_operand (cpu, insn, AT_AVX, 64, kind);
}

static uint64_t
requested_components (const VtX86Cpu *cpu)
{
  uint64_t mask = cpu->s.gpr[VT_RDX] << 32 | (uint32_t) cpu->s.gpr[VT_RAX];
  return mask & cpu->s.xcr0;
}

/* Pieces of the area that an instruction writes; all are probed before the first is stored. */
typedef struct
{
  unsigned n;
  struct
  {
    uint16_t offset, length;
  } piece[8];
} Pieces;

static void
add_piece (Pieces *pieces, unsigned offset, unsigned length)
{
  pieces->piece[pieces->n].offset = offset;
  pieces->piece[pieces->n++].length = length;
}

static void
write_pieces (VtX86Cpu *cpu, uint64_t linear, const uint8_t *area, const Pieces *pieces)
{
  for (unsigned i = 0; i < pieces->n; i++)
    vt_x86_probe (cpu, linear + pieces->piece[i].offset, pieces->piece[i].length, VT_WRITE);
  for (unsigned i = 0; i < pieces->n; i++)
    vt_x86_store_bytes (cpu, linear + pieces->piece[i].offset, area + pieces->piece[i].offset, pieces->piece[i].length);
}

/* Puts the components `which`, and MXCSR when asked for, into the image. */
static void
pack_components (VtX86Cpu *cpu, uint8_t *area, uint64_t which, bool mxcsr, bool wide, Pieces *pieces)
{
  unsigned vectors = 16 * vector_registers (cpu);

  if (which & STATE_X87)
    {
      pack_x87 (cpu, area, wide);
      add_piece (pieces, 0, AT_MXCSR);
      add_piece (pieces, AT_ST, AT_XMM - AT_ST);
    }
  if (mxcsr)
    {
      pack_mxcsr (cpu, area);
      add_piece (pieces, AT_MXCSR, 8);
    }
  if (which & STATE_SSE)
    {
      pack_vectors (cpu, area + AT_XMM, 0);
      add_piece (pieces, AT_XMM, vectors);
    }
  if (which & STATE_AVX)
    {
      pack_vectors (cpu, area + AT_AVX, 1);
      add_piece (pieces, AT_AVX, vectors);
    }
}

/* XSAVE writes what is requested, XSAVEOPT only what is in use. */
static void
xsave (VtX86Cpu *cpu, const VtX86Insn *insn, bool wide, bool optimise)
{
  uint64_t linear = x_operand (cpu, insn, VT_WRITE);
  uint64_t requested = requested_components (cpu), in_use = components_in_use (cpu);
  uint8_t area[AREA_SIZE];
  Pieces pieces = { 0 };

  uint64_t xstate_bv = vt_x86_load64 (cpu, linear + AT_HEADER);
  vt_store_le (area + AT_HEADER, (xstate_bv & ~requested) | (in_use & requested), 8);
  add_piece (&pieces, AT_HEADER, 8);
  pack_components (cpu, area, optimise ? requested & in_use : requested, requested & (STATE_SSE | STATE_AVX), wide, &pieces);
  write_pieces (cpu, linear, area, &pieces);
}

static void
xsavec (VtX86Cpu *cpu, const VtX86Insn *insn, bool wide)
{
  uint64_t linear = x_operand (cpu, insn, VT_WRITE);
  uint64_t requested = requested_components (cpu), saved = requested & components_in_use (cpu);
  uint8_t area[AREA_SIZE];
  Pieces pieces = { 0 };

  if ((requested & STATE_SSE) && cpu->s.mxcsr != MXCSR_MASKS)
    saved |= STATE_SSE;
  vt_store_le (area + AT_HEADER, saved, 8);
  vt_store_le (area + AT_HEADER + 8, requested | XCOMP_COMPACT, 8);
  add_piece (&pieces, AT_HEADER, 16);
  pack_components (cpu, area, saved, saved & STATE_SSE, wide, &pieces);
  write_pieces (cpu, linear, area, &pieces);
}

/* #GP for a header that no XSAVE of this processor wrote (SDM volume 1, 13.8.1 and 13.8.2). */
static void
check_header (VtX86Cpu *cpu, const Header *header)
{
  bool compact = header->xcomp_bv & XCOMP_COMPACT;
  uint64_t allowed = compact ? header->xcomp_bv & ~XCOMP_COMPACT : cpu->s.xcr0;
  uint64_t reserved = compact ? 0 : header->xcomp_bv | header->reserved[0];

  for (unsigned i = 0; compact && i < G_N_ELEMENTS (header->reserved); i++)
    reserved |= header->reserved[i];
  if (reserved || (allowed & ~cpu->s.xcr0) || (header->xstate_bv & ~allowed))
    vt_x86_gp0 (cpu);
}

/* MXCSR belongs to SSE in the compacted format; in the standard one it is loaded with SSE or AVX, XSTATE_BV or not. */
static bool
xrstor_loads_mxcsr (const Header *header, uint64_t requested)
{
  if (header->xcomp_bv & XCOMP_COMPACT)
    return requested & header->xstate_bv & STATE_SSE;
  return requested & (STATE_SSE | STATE_AVX);
}

static void
xrstor (VtX86Cpu *cpu, const VtX86Insn *insn, bool wide)
{
  uint64_t linear = x_operand (cpu, insn, VT_READ), requested = requested_components (cpu);
  uint8_t area[AREA_SIZE];
  Header header;

  vt_x86_load_bytes (cpu, linear + AT_HEADER, &header, sizeof header);
  check_header (cpu, &header);
  uint64_t loaded = requested & header.xstate_bv;
  vt_x86_load_bytes (cpu, linear, area, FX_SIZE);
  if (loaded & STATE_AVX)
    vt_x86_load_bytes (cpu, linear + AT_AVX, area + AT_AVX, 16 * vector_registers (cpu));
  uint32_t mxcsr = vt_load_le (area + AT_MXCSR, 4);
  bool load_mxcsr = xrstor_loads_mxcsr (&header, requested);
  if (load_mxcsr)
    check_mxcsr (cpu, mxcsr);

  if (loaded & STATE_X87)
    unpack_x87 (cpu, area, wide);
  else if (requested & STATE_X87)
    init_x87 (cpu);
  if (loaded & STATE_SSE)
    unpack_vectors (cpu, area + AT_XMM, 0);
  else if (requested & STATE_SSE)
    init_vectors (cpu, 0);
  if (loaded & STATE_AVX)
    unpack_vectors (cpu, area + AT_AVX, 1);
  else if (requested & STATE_AVX)
    init_vectors (cpu, 1);
  if (load_mxcsr)
    cpu->s.mxcsr = mxcsr;
  else if (requested & STATE_SSE)
    cpu->s.mxcsr = MXCSR_MASKS;
}

VEC_OP (fxsave, fxsave, false)
VEC_OP (fxsave64, fxsave, true)
VEC_OP (fxrstor, fxrstor, false)
VEC_OP (fxrstor64, fxrstor, true)
VEC_OP (xsave, xsave, false, false)
VEC_OP (xsave64, xsave, true, false)
VEC_OP (xsaveopt, xsave, false, true)
VEC_OP (xsaveopt64, xsave, true, true)
VEC_OP (xsavec, xsavec, false)
VEC_OP (xsavec64, xsavec, true)
VEC_OP (xrstor, xrstor, false)
VEC_OP (xrstor64, xrstor, true)

/* --- MXCSR, EMMS, VZEROxxx ---------------------------------------------------------------------------------------------------- */

static void
op_ldmxcsr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vec_enter (cpu, insn);
  uint32_t value = vt_x86_load32 (cpu, vt_x86_operand_linear (cpu, insn, 4, VT_READ));
  check_mxcsr (cpu, value);
  cpu->s.mxcsr = value;
}

static void
op_stmxcsr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vec_enter (cpu, insn);
  vt_x86_store32 (cpu, vt_x86_operand_linear (cpu, insn, 4, VT_WRITE), cpu->s.mxcsr);
}

static void
op_emms (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  vt_mmx_enter (cpu);
  cpu->s.ftw = 0;
  fpu_set_top (cpu, 0);
}

static void
op_vzeroupper (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  init_vectors (cpu, 1);
}

static void
op_vzeroall (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  avx_enter (cpu);
  init_vectors (cpu, 0);
  init_vectors (cpu, 1);
}

const VtX86OpRow vt_x86_ops_xsave[] = {
  { ZYDIS_MNEMONIC_FXSAVE, op_fxsave },
  { ZYDIS_MNEMONIC_FXSAVE64, op_fxsave64 },
  { ZYDIS_MNEMONIC_FXRSTOR, op_fxrstor },
  { ZYDIS_MNEMONIC_FXRSTOR64, op_fxrstor64 },
  { ZYDIS_MNEMONIC_XSAVE, op_xsave },
  { ZYDIS_MNEMONIC_XSAVE64, op_xsave64 },
  { ZYDIS_MNEMONIC_XSAVEOPT, op_xsaveopt },
  { ZYDIS_MNEMONIC_XSAVEOPT64, op_xsaveopt64 },
  { ZYDIS_MNEMONIC_XSAVEC, op_xsavec },
  { ZYDIS_MNEMONIC_XSAVEC64, op_xsavec64 },
  { ZYDIS_MNEMONIC_XRSTOR, op_xrstor },
  { ZYDIS_MNEMONIC_XRSTOR64, op_xrstor64 },
  { ZYDIS_MNEMONIC_LDMXCSR, op_ldmxcsr },
  { ZYDIS_MNEMONIC_VLDMXCSR, op_ldmxcsr },
  { ZYDIS_MNEMONIC_STMXCSR, op_stmxcsr },
  { ZYDIS_MNEMONIC_VSTMXCSR, op_stmxcsr },
  { ZYDIS_MNEMONIC_EMMS, op_emms },
  { ZYDIS_MNEMONIC_VZEROUPPER, op_vzeroupper },
  { ZYDIS_MNEMONIC_VZEROALL, op_vzeroall },
  { 0, NULL },
};
