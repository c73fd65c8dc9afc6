/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Instructions on segment registers, descriptors and descriptor tables.
 *
 * SDM volume 2 under each mnemonic; volume 3A 5.10 (pointer validation).
 */
#include "x86-sys.h"

/* --- Operands ----------------------------------------------------------------------------------------------------------------- */

uint16_t
vt_x86_read_rm16 (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned operand)
{
  if (insn->kind[operand] == VT_OPND_MEM)
    return vt_x86_load16 (cpu, vt_x86_operand_linear (cpu, insn, 2, VT_READ));
  return cpu->s.gpr[insn->reg[operand]];
}

void
vt_x86_write_rm16 (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned operand, uint64_t value)
{
  if (insn->kind[operand] == VT_OPND_MEM)
    vt_x86_store16 (cpu, vt_x86_operand_linear (cpu, insn, 2, VT_WRITE), value);
  else
    vt_x86_write_gpr (cpu, insn->reg[operand], value, insn->opsize);
}

void
vt_x86_write_gpr (VtX86Cpu *cpu, unsigned reg, uint64_t value, unsigned size)
{
  if (size < 4)
    cpu->s.gpr[reg] = vt_deposit (cpu->s.gpr[reg], 0, 8 * size, value);
  else
    cpu->s.gpr[reg] = size == 4 ? (uint32_t) value : value;
}

void
vt_x86_need_cpl0 (VtX86Cpu *cpu)
{
  if (cpu->cpl != 0)
    vt_x86_gp0 (cpu);
}

void
vt_x86_need_umip (VtX86Cpu *cpu)
{
  if ((cpu->s.cr4 & X86_CR4_UMIP) != 0 && cpu->cpl != 0)
    vt_x86_gp0 (cpu);
}

/* LAR, LLDT and their kin exist in protected mode only. */
static void
need_protected (VtX86Cpu *cpu)
{
  if (cpu->mode == VT_X86_REAL || cpu->mode == VT_X86_V86)
    vt_x86_ud (cpu);
}

static void
set_zf (VtX86Cpu *cpu, bool on)
{
  vt_x86_set_arith_flags (cpu, X86_RFLAGS_ZF, on ? X86_RFLAGS_ZF : 0);
}

/* --- Segment registers -------------------------------------------------------------------------------------------------------- */

static void
load_seg_from_insn (VtX86Cpu *cpu, unsigned seg, uint16_t selector)
{
  bool shadowed = (cpu->s.shadow & VT_X86_SHADOW_MOVSS) != 0;
  vt_x86_load_seg (cpu, seg, selector);
  /* Only the first of several in a row holds interrupts back. */
  if (seg == VT_SS && !shadowed)
    vt_x86_set_shadow (cpu, VT_X86_SHADOW_MOVSS);
}

void
vt_x86_op_mov_to_seg (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned seg = insn->reg[0];
  if (seg == VT_CS || seg >= VT_SEG_COUNT)
    vt_x86_ud (cpu);
  load_seg_from_insn (cpu, seg, vt_x86_read_rm16 (cpu, insn, 1));
}

void
vt_x86_op_mov_from_seg (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  if (insn->reg[1] >= VT_SEG_COUNT)
    vt_x86_ud (cpu);
  vt_x86_write_rm16 (cpu, insn, 0, cpu->s.seg[insn->reg[1]].selector);
}

void
vt_x86_op_push_seg (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtX86Stack stack;
  vt_x86_stack_current (cpu, &stack);
  /* With a 32-bit operand only the low two bytes are written, as recent processors do (SDM, PUSH). */
  unsigned unwritten = insn->opsize == 4 ? 2 : 0;
  stack.sp = (stack.sp & ~stack.mask) | ((stack.sp - unwritten) & stack.mask);
  vt_x86_stack_push (&stack, cpu->s.seg[insn->reg[0]].selector, insn->opsize - unwritten);
  vt_x86_set_sp (cpu, stack.sp);
}

void
vt_x86_op_pop_seg (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtX86Stack stack;
  vt_x86_stack_current (cpu, &stack);
  uint16_t selector = (uint16_t) vt_x86_stack_peek (&stack, 0, insn->opsize);   /* all of it is read */
  uint64_t sp = (stack.sp + insn->opsize) & stack.mask;
  unsigned bits = cpu->stack_bits;
  load_seg_from_insn (cpu, insn->reg[0], selector);
  /* The pop counts in the width of the old stack segment. */
  vt_x86_write_gpr (cpu, VT_RSP, sp, bits / 8);
}

/* LES, LDS, LSS, LFS, LGS: the register is named by the mnemonic, hence by the opcode. */
void
vt_x86_op_load_far_pointer (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  static const struct
  {
    uint8_t opcode, seg;
  } table[] = { { 0xc4, VT_ES }, { 0xc5, VT_DS }, { 0xb2, VT_SS }, { 0xb4, VT_FS }, { 0xb5, VT_GS } };
  uint8_t bytes[10];
  unsigned size = insn->opsize, seg = VT_DS;
  for (unsigned i = 0; i < G_N_ELEMENTS (table); i++)
    if (table[i].opcode == insn->opcode)
      seg = table[i].seg;
  if (insn->kind[1] != VT_OPND_MEM)
    vt_x86_ud (cpu);
  vt_x86_load_bytes (cpu, vt_x86_operand_linear (cpu, insn, size + 2, VT_READ), bytes, size + 2);
  vt_x86_load_seg (cpu, seg, vt_load_le (bytes + size, 2));
  vt_x86_write_gpr (cpu, insn->reg[0], vt_load_le (bytes, size), size);
}

/* --- LAR, LSL, VERR, VERW, ARPL ------------------------------------------------------------------------------------------------- */

/* Is the descriptor visible at the CPL and the selector's RPL? Conforming code always is. */
static bool
visible (const VtX86Cpu *cpu, uint16_t selector, uint64_t desc)
{
  if (desc_is_code (desc) && desc_is_conforming (desc))
    return true;
  return MAX (cpu->cpl, selector & X86_SEL_RPL) <= desc_dpl (desc);
}

static bool
look_up (VtX86Cpu *cpu, uint16_t selector, uint64_t *desc)
{
  if ((selector & ~X86_SEL_RPL) == 0 || !vt_x86_fetch_descriptor (cpu, selector, desc, NULL))
    return false;
  return visible (cpu, selector, *desc);
}

#define TYPES(a) (1u << (a))
#define TSS_TYPES (TYPES (X86_SYS_TSS16) | TYPES (X86_SYS_TSS16_BUSY) | TYPES (X86_SYS_TSS32) | TYPES (X86_SYS_TSS32_BUSY))
#define TSS64_TYPES (TYPES (X86_SYS_TSS32) | TYPES (X86_SYS_TSS32_BUSY))

static bool
type_listed (const VtX86Cpu *cpu, uint64_t desc, uint32_t legacy, uint32_t in_long_mode)
{
  return (desc & X86_DESC_S) != 0 || (((cpu->long_mode ? in_long_mode : legacy) >> desc_type (desc)) & 1) != 0;
}

void
vt_x86_op_lar (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t desc = 0;
  need_protected (cpu);
  uint16_t selector = vt_x86_read_rm16 (cpu, insn, 1);
  bool ok = look_up (cpu, selector, &desc)
            && type_listed (cpu, desc,
                            TSS_TYPES | TYPES (X86_SYS_LDT) | TYPES (X86_SYS_CALL16) | TYPES (X86_SYS_CALL32)
                              | TYPES (X86_SYS_TASK_GATE),
                            TSS64_TYPES | TYPES (X86_SYS_LDT) | TYPES (X86_SYS_CALL32));
  if (ok)
    vt_x86_write_gpr (cpu, insn->reg[0], (desc >> 32) & (insn->opsize == 2 ? 0xff00 : 0x00f0ff00), insn->opsize);
  set_zf (cpu, ok);
}

void
vt_x86_op_lsl (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  uint64_t desc = 0;
  VtX86Seg seg;
  need_protected (cpu);
  uint16_t selector = vt_x86_read_rm16 (cpu, insn, 1);
  bool ok = look_up (cpu, selector, &desc)
            && type_listed (cpu, desc, TSS_TYPES | TYPES (X86_SYS_LDT), TSS64_TYPES | TYPES (X86_SYS_LDT));
  if (ok)
    {
      vt_x86_unpack_descriptor (selector, desc, &seg);
      vt_x86_write_gpr (cpu, insn->reg[0], seg.limit, insn->opsize);
    }
  set_zf (cpu, ok);
}

static void
verify (VtX86Cpu *cpu, const VtX86Insn *insn, bool write)
{
  uint64_t desc = 0;
  need_protected (cpu);
  uint16_t selector = vt_x86_read_rm16 (cpu, insn, 0);
  bool ok = look_up (cpu, selector, &desc) && (desc & X86_DESC_S) != 0;
  bool readable = !desc_is_code (desc) || (desc_type (desc) & X86_TYPE_WRITABLE) != 0;
  set_zf (cpu, ok && (write ? desc_is_writable_data (desc) : readable));
}

void
vt_x86_op_verr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  verify (cpu, insn, false);
}

void
vt_x86_op_verw (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  verify (cpu, insn, true);
}

void
vt_x86_op_arpl (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  need_protected (cpu);
  uint16_t source = cpu->s.gpr[insn->reg[1]];
  uint64_t at = 0;
  bool memory = insn->kind[0] == VT_OPND_MEM;
  if (memory)
    at = vt_x86_operand_linear (cpu, insn, 2, VT_READ);
  uint16_t selector = memory ? vt_x86_load16 (cpu, at) : cpu->s.gpr[insn->reg[0]];
  bool raise = (selector & X86_SEL_RPL) < (source & X86_SEL_RPL);
  if (raise)
    {
      selector = (selector & ~X86_SEL_RPL) | (source & X86_SEL_RPL);
      if (memory)
        vt_x86_store16 (cpu, vt_x86_operand_linear (cpu, insn, 2, VT_WRITE), selector);
      else
        vt_x86_write_gpr (cpu, insn->reg[0], selector, 2);
    }
  set_zf (cpu, raise);
}

/* --- System tables --------------------------------------------------------------------------------------------------------------- */

/* LDT and TSS descriptors, which have 16 bytes in long mode. */
static void
load_system_segment (VtX86Cpu *cpu, uint16_t selector, uint32_t types, VtX86Seg *out, uint64_t *where)
{
  uint32_t error = selector & ~X86_SEL_RPL;
  if (selector & X86_SEL_TI)
    vt_x86_raise (cpu, X86_GP, error);
  uint64_t desc = vt_x86_need_descriptor (cpu, selector, X86_GP, where);
  if ((desc & X86_DESC_S) != 0 || ((types >> desc_type (desc)) & 1) == 0)
    vt_x86_raise (cpu, X86_GP, error);
  uint64_t upper = 0;
  if (cpu->long_mode)
    {
      upper = vt_x86_need_upper_half (cpu, selector, X86_GP, *where);
      if ((upper >> 40 & 0x1f) != 0)
        vt_x86_raise (cpu, X86_GP, error);
    }
  if ((desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, error);
  vt_x86_unpack_descriptor (selector, desc, out);
  out->base |= upper << 32;
  if (!vt_x86_canonical (out->base))
    vt_x86_raise (cpu, X86_GP, error);
}

void
vt_x86_op_lldt (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtX86Seg ldt;
  uint64_t where;
  need_protected (cpu);
  vt_x86_need_cpl0 (cpu);
  uint16_t selector = vt_x86_read_rm16 (cpu, insn, 0);
  if ((selector & ~X86_SEL_RPL) == 0)
    vt_x86_set_null_seg (&ldt, selector);
  else
    load_system_segment (cpu, selector, TYPES (X86_SYS_LDT), &ldt, &where);
  cpu->s.ldtr = ldt;
}

void
vt_x86_op_ltr (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  VtX86Seg tss;
  uint64_t where;
  need_protected (cpu);
  vt_x86_need_cpl0 (cpu);
  uint16_t selector = vt_x86_read_rm16 (cpu, insn, 0);
  if ((selector & ~X86_SEL_RPL) == 0)
    vt_x86_gp0 (cpu);
  uint32_t types = TYPES (X86_SYS_TSS32) | (cpu->long_mode ? 0 : TYPES (X86_SYS_TSS16));
  load_system_segment (cpu, selector, types, &tss, &where);
  tss.attr |= 2;
  vt_x86_store_system (cpu, where + 5, tss.attr & 0xff, 1);
  cpu->s.tr = tss;
}

void
vt_x86_op_sldt (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  need_protected (cpu);
  vt_x86_need_umip (cpu);
  vt_x86_write_rm16 (cpu, insn, 0, cpu->s.ldtr.selector);
}

void
vt_x86_op_str (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  need_protected (cpu);
  vt_x86_need_umip (cpu);
  vt_x86_write_rm16 (cpu, insn, 0, cpu->s.tr.selector);
}

static void
load_table (VtX86Cpu *cpu, const VtX86Insn *insn, VtX86Table *table)
{
  uint8_t bytes[10];
  unsigned width = cpu->mode == VT_X86_LONG ? 8 : 4;
  if (insn->kind[0] != VT_OPND_MEM)
    vt_x86_ud (cpu);
  vt_x86_need_cpl0 (cpu);
  vt_x86_load_bytes (cpu, vt_x86_operand_linear (cpu, insn, width + 2, VT_READ), bytes, width + 2);
  uint64_t base = vt_load_le (bytes + 2, width);
  /* A 16-bit operand size takes 24 bits of base. */
  if (width == 4 && insn->opsize == 2)
    base &= 0x00ffffff;
  if (!vt_x86_canonical (base))
    vt_x86_gp0 (cpu);
  table->base = base;
  table->limit = vt_load_le (bytes, 2);
}

void
vt_x86_op_lgdt (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  load_table (cpu, insn, &cpu->s.gdtr);
}

void
vt_x86_op_lidt (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  load_table (cpu, insn, &cpu->s.idtr);
}

static void
store_table (VtX86Cpu *cpu, const VtX86Insn *insn, const VtX86Table *table)
{
  uint8_t bytes[10];
  unsigned width = cpu->mode == VT_X86_LONG ? 8 : 4;
  if (insn->kind[0] != VT_OPND_MEM)
    vt_x86_ud (cpu);
  vt_x86_need_umip (cpu);
  vt_store_le (bytes, table->limit, 2);
  vt_store_le (bytes + 2, table->base, width);
  vt_x86_store_bytes (cpu, vt_x86_operand_linear (cpu, insn, width + 2, VT_WRITE), bytes, width + 2);
}

void
vt_x86_op_sgdt (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  store_table (cpu, insn, &cpu->s.gdtr);
}

void
vt_x86_op_sidt (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  store_table (cpu, insn, &cpu->s.idtr);
}
