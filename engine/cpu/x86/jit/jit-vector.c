/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Vector instructions: guest XMM and YMM registers are the host's, so that only general registers and memory operands
 * change in the encoding.  MXCSR is the guest's while they are live.
 */
#include "jit-translate.h"

#include <Zydis/Mnemonic.h>

/* Does ModRM.reg name a general register? Where one of the operands is one, it is ModRM.rm otherwise. */
static bool
gpr_in_reg_field (const VtJitEnc *enc)
{
  if (enc->map != 1)
    return false;
  switch (enc->opcode)
    {
    case 0x50: case 0xc5: case 0xd7:
      return true;
    case 0x2c: case 0x2d:
      return enc->vex ? enc->pp >= 2 : enc->rep != 0;
    default:
      return false;
    }
}

static bool
has_gpr (const VtX86Insn *x)
{
  for (unsigned i = 0; i < x->n_operands; i++)
    if (x->kind[i] == VT_OPND_GPR)
      return true;
  return false;
}

unsigned
vt_jit_vector_memory (const VtX86Insn *x, bool *writes)
{
  *writes = false;
  for (unsigned i = 0; i < x->n_operands; i++)
    if (x->kind[i] == VT_OPND_MEM)
      {
        *writes = i == 0;
        return x->opnd_size[i];
      }
  return 0;
}

/* Legacy SSE wants 16-byte operands aligned, VEX only where the name says so. */
static unsigned
alignment (const VtJitInsn *in, unsigned size)
{
  switch (in->x.mnemonic)
    {
    case ZYDIS_MNEMONIC_VMOVAPS: case ZYDIS_MNEMONIC_VMOVAPD: case ZYDIS_MNEMONIC_VMOVDQA:
    case ZYDIS_MNEMONIC_VMOVNTPS: case ZYDIS_MNEMONIC_VMOVNTPD: case ZYDIS_MNEMONIC_VMOVNTDQ: case ZYDIS_MNEMONIC_VMOVNTDQA:
      return size;
    case ZYDIS_MNEMONIC_MOVUPS: case ZYDIS_MNEMONIC_MOVUPD: case ZYDIS_MNEMONIC_MOVDQU: case ZYDIS_MNEMONIC_LDDQU:
    case ZYDIS_MNEMONIC_PCMPESTRI: case ZYDIS_MNEMONIC_PCMPESTRM: case ZYDIS_MNEMONIC_PCMPISTRI:
    case ZYDIS_MNEMONIC_PCMPISTRM:
      return 1;
    default:
      return !in->enc.vex && size == 16 ? 16 : 1;
    }
}

static void
emit_encoded (VtJitTr *tr, unsigned reg, VtRm rm)
{
  const VtJitInsn *in = tr->in;
  const VtJitEnc *enc = &in->enc;
  if (enc->vex)
    emit_vex (&tr->e, enc->map, enc->pp, enc->rex_w, enc->l, enc->opcode, reg, enc->vvvv, rm);
  else
    emit_insn (&tr->e, (VtEnc) { .p66 = enc->p66, .rep = enc->rep, .w = enc->rex_w, .map = enc->map, .opcode = enc->opcode },
               reg, rm);
  /* VBLENDV names a fourth register there; 32-bit code has 8. */
  bool names_register = enc->vex && enc->map == 3 && enc->opcode >= 0x4a && enc->opcode <= 0x4c && !tr->is64;
  for (unsigned i = enc->imm_at; i < in->x.length; i++)
    emit8 (&tr->e, names_register ? in->raw[i] & 0x7f : in->raw[i]);
}

static void
with_registers (VtJitTr *tr)
{
  const VtJitEnc *enc = &tr->in->enc;
  unsigned reg = (enc->modrm >> 3 & 7) | enc->rex_r, rm = (enc->modrm & 7) | enc->rex_b;
  bool gpr = has_gpr (&tr->in->x), in_reg = gpr && gpr_in_reg_field (enc);
  unsigned guest = in_reg ? reg : rm, host = gpr ? vt_jit_reg (tr, guest, T1) : 0;
  if (in_reg)
    reg = host;
  else if (gpr)
    rm = host;
  emit_encoded (tr, reg, rm_reg (rm));
  if (gpr && host == T1 && tr->in->x.kind[0] == VT_OPND_GPR)
    vt_jit_put_reg (tr, guest, T1);
}

static void
with_memory (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  bool writes = false, in_reg = gpr_in_reg_field (&in->enc);
  unsigned size = vt_jit_vector_memory (&in->x, &writes), reg = (in->enc.modrm >> 3 & 7) | in->enc.rex_r, guest = reg;
  VtJitAddress a = vt_jit_address_of (&in->x);
  VtJitPlace place = vt_jit_emit_access (tr, &a, size, writes, alignment (in, size));
  if (in_reg)
    reg = vt_jit_reg (tr, guest, place.spare);
  emit_encoded (tr, reg, place.rm);
  if (in_reg)
    vt_jit_put_reg (tr, guest, reg);
  if (writes)
    vt_jit_emit_stored (tr, &place, size, in->live_after);
}

bool
vt_jit_vector (VtJitTr *tr)
{
  const VtJitInsn *in = tr->in;
  bool wide = in->enc.vex;
  /* Real mode has no VEX, which only the interpreter's operations know. */
  if (!(tr->mode & JIT_MODE_SSE) || (wide && (!(tr->mode & JIT_MODE_AVX) || tr->segmented)))
    return false;
  if (!in->enc.has_modrm)
    {
      emit8 (&tr->e, 0xc5);
      emit8 (&tr->e, in->enc.l ? 0xfc : 0xf8);
      emit8 (&tr->e, 0x77);
      return true;
    }
  if (in->enc.modrm >> 6 == 3)
    with_registers (tr);
  else
    with_memory (tr);
  if (in->op.flags_written != 0)
    vt_jit_flags_made (tr);
  return true;
}
