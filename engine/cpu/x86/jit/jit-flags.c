/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Arithmetic flags: the host's are the guest's, until an instruction of ours is in the way.
 *
 * LAHF and SETO take 6 instructions to memory, ADD and SAHF 5 back; PUSHF and POPF would be slower. RAX has to step aside
 * meanwhile. Before a jump to somewhere else it is often cheaper to say how they could be made again, since hardly anybody wants
 * them there: that is a recipe. The registers that it needs go to translated.flags_a and flags_b, and the place of a function
 * that makes flags of them to translated.flags_site.
 */
#include "jit-translate.h"

void
vt_jit_emit_save_flags (VtEmit *e)
{
  emit_mov64 (e, T1, H_RAX);
  emit8 (e, 0x9f);                                                              /* lahf */
  emit_insn (e, (VtEnc) { .map = 1, .opcode = 0x90, .rm8 = true }, 0, rm_reg (H_RAX));   /* seto al */
  emit_insn (e, (VtEnc) { .p66 = 1 ? 0x66 : 0, .opcode = 0x89 }, H_RAX, rm_gs (TRANSLATED (flags)));
  emit_mov64 (e, H_RAX, T1);
  emit_store_imm32 (e, rm_gs (TRANSLATED (flags_site)), 0);
}

void
vt_jit_emit_load_flags (VtEmit *e, unsigned temp)
{
  emit_mov64 (e, temp, H_RAX);
  emit_insn (e, (VtEnc) { .map = 1, .opcode = 0xb7 }, H_RAX, rm_gs (TRANSLATED (flags)));   /* movzx eax, word */
  emit8 (e, 0x04);                                                              /* add al, 0x7f: OF when al was 1 */
  emit8 (e, 0x7f);
  emit8 (e, 0x9e);                                                              /* sahf */
  emit_mov64 (e, H_RAX, temp);
}

/* --- Recipes ------------------------------------------------------------------------------------------------------------ */

/* Displacements that can be added up. */
#define IMM_MAX (1 << 24)

static VtJitRecipe
none (void)
{
  return (VtJitRecipe) { .kind = RECIPE_NONE };
}

/* Of ADD, OR, ADC, SBB, AND, SUB, XOR, CMP. */
static VtJitRecipeKind
kind_of (unsigned operation)
{
  static const uint8_t kinds[8] = { RECIPE_ADD, RECIPE_TEST, RECIPE_NONE, RECIPE_NONE,
                                    RECIPE_TEST, RECIPE_SUB, RECIPE_TEST, RECIPE_CMP };
  return kinds[operation & 7];
}

static VtJitRecipe
by_immediate (const VtJitInsn *in, unsigned operation, unsigned reg)
{
  VtJitRecipe r = { .kind = (uint8_t) kind_of (operation), .a = (uint8_t) reg, .b = VT_X86_NO_REG, .imm = (int32_t) in->x.imm };
  if (r.kind == RECIPE_TEST)
    r.b = r.a;
  return r.imm > -IMM_MAX && r.imm < IMM_MAX ? r : none ();
}

/* What remains of ADD and SUB are one operand and the result: of the same register that is not enough. */
static VtJitRecipe
by_registers (const VtJitInsn *in, unsigned operation)
{
  unsigned reg = (in->enc.modrm >> 3 & 7) | in->enc.rex_r, rm = (in->enc.modrm & 7) | in->enc.rex_b;
  bool to_reg = (in->enc.opcode & 2) != 0, memory = in->enc.modrm >> 6 != 3;
  VtJitRecipe r = { .kind = (uint8_t) kind_of (operation), .a = (uint8_t) (to_reg ? reg : rm),
                    .b = (uint8_t) (to_reg ? rm : reg) };
  if (r.kind == RECIPE_TEST)
    {
      r.b = r.a;
      return memory && !to_reg ? none () : r;
    }
  bool lost = memory || r.a == VT_RSP || r.b == VT_RSP || (r.kind != RECIPE_CMP && r.a == r.b);
  return lost ? none () : r;
}

static VtJitRecipe
recipe_of (const VtJitTr *tr, const VtJitInsn *in)
{
  const VtJitEnc *enc = &in->enc;
  unsigned opcode = enc->opcode, rm = (enc->modrm & 7) | enc->rex_b;
  VtJitRecipe r = none ();
  if ((in->op.cls != JIT_OP_MODRM && in->op.cls != JIT_OP_ACC_IMM) || enc->map != 0 || enc->vex || enc->p66)
    return r;
  if (in->op.cls == JIT_OP_ACC_IMM && opcode < 0x40 && (opcode & 7) == 5)
    r = by_immediate (in, opcode >> 3, VT_RAX);
  else if ((opcode == 0x81 || opcode == 0x83) && enc->modrm >> 6 == 3)
    r = by_immediate (in, enc->modrm >> 3, rm);
  else if (opcode < 0x40 && ((opcode & 7) == 1 || (opcode & 7) == 3))
    r = by_registers (in, opcode >> 3);
  else if (opcode == 0x85 && enc->modrm >> 6 == 3)
    r = (VtJitRecipe) { .kind = RECIPE_TEST, .a = (uint8_t) ((enc->modrm >> 3 & 7) | enc->rex_r), .b = (uint8_t) rm };
  r.wide = enc->rex_w;
  bool sp_twice = r.kind == RECIPE_TEST && r.a != r.b && (r.a == VT_RSP || r.b == VT_RSP);
  bool away = r.kind != RECIPE_NONE && (host_reg (tr, r.a) == NO_HOST_REG || (r.b != VT_X86_NO_REG && host_reg (tr, r.b) == NO_HOST_REG));
  return away || sp_twice ? none () : r;
}

VtJitRecipe
vt_jit_find_recipe (const VtJitTr *tr, const VtJitBlock *block)
{
  unsigned written = 0;
  for (unsigned i = block->first + block->n - 1u; i-- > block->first;)
    {
      const VtJitInsn *in = &tr->insns[i];
      if (in->op.flags_written != 0 || in->op.keeps)
        {
          VtJitRecipe r = recipe_of (tr, in);
          bool kept = r.kind != RECIPE_NONE && !(written >> r.a & 1) && (r.b == VT_X86_NO_REG || !(written >> r.b & 1));
          r.insn = (uint16_t) i;
          /* SP wraps around alone. */
          kept &= !(tr->mode & JIT_MODE_STACK16) || (r.a != VT_RSP && r.b != VT_RSP);
          return kept && in->op.flags_written == F_ALL && !in->op.keeps ? r : none ();
        }
      bool stack = in->op.cls == JIT_OP_PUSH || in->op.cls == JIT_OP_POP;
      int32_t by;
      written |= vt_jit_registers_written (in) & ~(stack && vt_jit_moves_stack (in, &by) ? 1u << VT_RSP : 0);
    }
  return none ();
}

static void
emit_alu (VtEmit *e, bool wide, unsigned opcode, unsigned to, unsigned from)
{
  emit_insn (e, (VtEnc) { .w = wide, .opcode = (uint8_t) opcode }, from, rm_reg (to));
}

/* `temp` := register a, which host register `a` holds, as it was at the recipe's instruction, plus `add`. */
static void
emit_earlier (VtEmit *e, const VtJitRecipe *r, unsigned temp, unsigned a, int32_t add)
{
  int32_t disp = add - (r->a == VT_RSP ? r->sp : 0);
  r->wide ? emit_lea64 (e, temp, a, disp) : emit_lea32 (e, temp, a, disp);
}

static void
emit_by_immediate (VtEmit *e, const VtJitRecipe *r, unsigned temp, unsigned a)
{
  static const uint8_t operation[] = { [RECIPE_ADD] = 0, [RECIPE_SUB] = 5, [RECIPE_CMP] = 7 };
  emit_earlier (e, r, temp, a, r->kind == RECIPE_ADD ? -r->imm : r->kind == RECIPE_SUB ? r->imm : 0);
  emit_group1 (e, r->wide, operation[r->kind], rm_reg (temp), r->imm);
}

/* The host's flags := the guest's, where a and b are in these registers of the host. */
static void
emit_recipe (VtEmit *e, const VtJitRecipe *r, unsigned temp, unsigned a, unsigned b)
{
  if (r->b == VT_X86_NO_REG)
    {
      emit_by_immediate (e, r, temp, a);
      return;
    }
  emit_earlier (e, r, temp, a, 0);
  switch (r->kind)
    {
    case RECIPE_ADD:
      emit_alu (e, r->wide, 0x29, temp, b);
      emit_alu (e, r->wide, 0x01, temp, b);
      break;
    case RECIPE_SUB:
      emit_alu (e, r->wide, 0x01, temp, b);
      emit_alu (e, r->wide, 0x29, temp, b);
      break;
    case RECIPE_CMP:
      emit_alu (e, r->wide, 0x39, temp, b);
      break;
    default:
      emit_alu (e, r->wide, 0x85, temp, r->a == r->b ? temp : b);
      break;
    }
}

static void
emit_recipe_here (VtJitTr *tr, const VtJitRecipe *r, unsigned temp)
{
  emit_recipe (&tr->e, r, temp, host_reg (tr, r->a), r->b != VT_X86_NO_REG ? host_reg (tr, r->b) : NO_HOST_REG);
}

void
vt_jit_emit_recipe_to_memory (VtJitTr *tr, const VtJitRecipe *recipe)
{
  if (recipe->kind == RECIPE_NONE)
    return;
  emit_recipe_here (tr, recipe, T1);
  vt_jit_emit_save_flags (&tr->e);
}

static void
put_recipe (VtJitTr *tr, const VtJitRecipe *r)
{
  VtEmit *e = &tr->e;
  emit_store64 (e, rm_gs (TRANSLATED (flags_a)), host_reg (tr, r->a));
  if (r->b != VT_X86_NO_REG && r->b != r->a)
    emit_store64 (e, rm_gs (TRANSLATED (flags_b)), host_reg (tr, r->b));
}

void
vt_jit_emit_slow_recipe (VtJitTr *tr, const VtJitSlow *slow)
{
  VtEmit *e = &tr->e;
  const VtJitRecipe *r = &slow->recipe;
  vt_jit_emit_site (tr, slow->back);
  emit_load64 (e, T1, rm_gs (TRANSLATED (flags_a)));
  if (r->b != VT_X86_NO_REG && r->b != r->a)
    emit_load64 (e, T0, rm_gs (TRANSLATED (flags_b)));
  emit_recipe (e, r, T1, T1, r->b == r->a ? T1 : T0);
  vt_jit_emit_save_flags (e);
  emit8 (e, 0xc3);
}

void
vt_jit_emit_site (VtJitTr *tr, uint8_t *immediate)
{
  uint32_t site = (uint32_t) (tr->e.at - tr->jit->memory.rw);
  memcpy (immediate, &site, sizeof site);
}

/* --- Where flags are ------------------------------------------------------------------------------------------------------ */

static bool
in_danger (const VtJitTr *tr, unsigned live)
{
  return live != 0 && tr->flags_host && !tr->flags_mem && !tr->flags_recipe;
}

static bool
has_recipe (const VtJitTr *tr)
{
  return tr->recipe.kind != RECIPE_NONE && tr->in > &tr->insns[tr->recipe.insn];
}

bool
vt_jit_flags_must_save (const VtJitTr *tr, unsigned live)
{
  return in_danger (tr, live) && !has_recipe (tr);
}

void
vt_jit_flags_clobber (VtJitTr *tr, unsigned live)
{
  if (vt_jit_flags_must_save (tr, live))
    {
      vt_jit_emit_save_flags (&tr->e);
      tr->flags_mem = true;
      tr->flags_lazy = false;
    }
  else if (in_danger (tr, live))
    tr->flags_recipe = true;
  tr->flags_host = false;
}

static void
emit_look_at_site (VtJitTr *tr)
{
  emit_group1 (&tr->e, 0, 7, rm_gs (TRANSLATED (flags_site)), 0);
  VtJitSlow *slow = vt_jit_slow (tr, SLOW_FLAGS, emit_jcc (&tr->e, CC_NE));
  slow->back = tr->e.at;
  tr->flags_lazy = false;
}

void
vt_jit_flags_put_recipe (VtJitTr *tr)
{
  if (tr->flags_host || tr->flags_mem || !tr->flags_recipe)
    return;
  put_recipe (tr, &tr->recipe);
  emit_store_imm32 (&tr->e, rm_gs (TRANSLATED (flags_site)), 0);
  vt_jit_slow (tr, SLOW_RECIPE, NULL)->back = tr->e.at - 4;
  tr->flags_recipe = false;
  tr->flags_mem = tr->flags_lazy = true;
}

void
vt_jit_flags_need_by (VtJitTr *tr, unsigned temp)
{
  if (tr->flags_host || (!tr->flags_mem && !tr->flags_recipe))
    return;
  if (tr->flags_recipe)
    emit_recipe_here (tr, &tr->recipe, temp);
  else
    {
      if (tr->flags_lazy)
        emit_look_at_site (tr);
      vt_jit_emit_load_flags (&tr->e, temp);
    }
  tr->flags_host = true;
}

void
vt_jit_flags_need (VtJitTr *tr)
{
  vt_jit_flags_need_by (tr, T1);
}

void
vt_jit_flags_made (VtJitTr *tr)
{
  tr->flags_host = true;
  tr->flags_mem = tr->flags_lazy = tr->flags_recipe = false;
}

bool
vt_jit_flags_wanted (const VtJitInsn *in)
{
  bool partial = in->op.flags_written != 0 && (in->op.keeps || (in->live_after & ~in->op.flags_written) != 0);
  return in->op.flags_read != 0 || partial;
}

void
vt_jit_flags_before (VtJitTr *tr, const VtJitInsn *in, unsigned temp)
{
  if (vt_jit_flags_wanted (in))
    vt_jit_flags_need_by (tr, temp);
}
