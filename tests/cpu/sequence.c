/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cases of many instructions, with forward branches and a loop: what goes wrong between instructions, in lazy flags or
 * in translated blocks, shows here.
 *
 * Subroutines are called, which neither store nor move the stack pointer, so that they come back.
 *
 * Four registers point into the window and are not written.  An instruction that reads a flag which another has left
 * undefined is not taken, and neither is one whose result the manuals leave open.  A fault ends a sequence early; the
 * state is exact there as well.
 */
#include "generate.h"

#include "generator.h"
#include "undefined.h"
#include "vendor.h"
#include "xarea.h"

#include <string.h>

#define START        32u
#define MAX_CODE     900u
#define LOOP_COUNTER 15u      /* R15: 64-bit code only */

#define FSW_CODES 0x4700u

/* Flags that are undefined at a point of the sequence. */
typedef struct
{
  uint32_t rflags;
  uint16_t fsw;
} Unknown;

typedef struct
{
  unsigned patch;      /* offset of a rel8 to fill in */
  unsigned left;       /* instructions to jump over */
  Unknown  unknown;    /* on the path that jumps */
} Skip;

typedef struct
{
  Generator        g;
  Case            *c;
  const GPtrArray *forms;
  unsigned         at;           /* offset of the next instruction in the slot */
  Unknown          unknown;
  Skip             skip;         /* one at a time; patch 0: none */
  uint32_t         reserved;     /* GPRs */
  bool             keep_stack;   /* no instruction may change it, or memory */
  unsigned         loop_at;      /* offset of the loop's head; 0: none */
} Sequence;

/* --- Which instructions may take part ----------------------------------------------------------------------------- */

static bool
writes_reserved (const Sequence *s)
{
  const Decoded *d = &s->g.d;
  for (unsigned i = 0; i < d->insn.operand_count; i++)
    {
      const ZydisDecodedOperand *op = &d->op[i];
      if (s->keep_stack && op->type == ZYDIS_OPERAND_TYPE_MEMORY && (op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
        return true;
      if (op->type != ZYDIS_OPERAND_TYPE_REGISTER || !(op->actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
        continue;
      unsigned n = generator_gpr_number (op->reg.value);
      bool hidden = i >= d->insn.operand_count_visible;
      if (n == RSP && s->keep_stack)
        return true;
      if (hidden && (n == RSP || generator_is_string (&d->insn)))
        continue;
      if (n < 16 && (s->reserved >> n & 1))
        return true;
    }
  return false;
}

static bool
writes_segment (const Decoded *d)
{
  for (unsigned i = 0; i < d->insn.operand_count; i++)
    if (d->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER && (d->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE)
        && ZydisRegisterGetClass (d->op[i].reg.value) == ZYDIS_REGCLASS_SEGMENT)
      return true;
  return false;
}

static bool
explicit_stack_pointer (const Decoded *d)
{
  for (unsigned i = 0; i < d->insn.operand_count_visible; i++)
    if (d->op[i].type == ZYDIS_OPERAND_TYPE_REGISTER && generator_gpr_number (d->op[i].reg.value) == RSP
        && (d->op[i].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE))
      return true;
  return false;
}

static bool
suitable_category (const ZydisDecodedInstruction *insn)
{
  switch (insn->meta.category)
    {
    case ZYDIS_CATEGORY_SYSTEM:
    case ZYDIS_CATEGORY_INTERRUPT:
    case ZYDIS_CATEGORY_IO:
    case ZYDIS_CATEGORY_IOSTRINGOP:
    case ZYDIS_CATEGORY_RET:
    case ZYDIS_CATEGORY_CALL:
    case ZYDIS_CATEGORY_COND_BR:
    case ZYDIS_CATEGORY_UNCOND_BR:
    case ZYDIS_CATEGORY_GATHER:
    case ZYDIS_CATEGORY_AVX2GATHER:
    case ZYDIS_CATEGORY_XSAVE:
    case ZYDIS_CATEGORY_RDWRFSGS:
      return false;
    default:
      return !(insn->attributes & ZYDIS_ATTRIB_IS_PRIVILEGED);
    }
}

/* TF or AC from memory, MXCSR.17 from memory, host addresses in stored images, results that are near, instructions that
 * always fault. */
static bool
suitable_mnemonic (ZydisMnemonic mnemonic)
{
  static const ZydisMnemonic unsuitable[] = {
    ZYDIS_MNEMONIC_LAR, ZYDIS_MNEMONIC_LSL, ZYDIS_MNEMONIC_VERR, ZYDIS_MNEMONIC_VERW,
    ZYDIS_MNEMONIC_POPF,      ZYDIS_MNEMONIC_POPFD,    ZYDIS_MNEMONIC_POPFQ,      ZYDIS_MNEMONIC_LDMXCSR,
    ZYDIS_MNEMONIC_VLDMXCSR,  ZYDIS_MNEMONIC_FXSAVE,   ZYDIS_MNEMONIC_FXSAVE64,   ZYDIS_MNEMONIC_FXRSTOR,
    ZYDIS_MNEMONIC_FXRSTOR64, ZYDIS_MNEMONIC_FLDENV,   ZYDIS_MNEMONIC_FRSTOR,     ZYDIS_MNEMONIC_FNSTENV,
    ZYDIS_MNEMONIC_FNSAVE,    ZYDIS_MNEMONIC_FLDCW,    ZYDIS_MNEMONIC_ENTER,      ZYDIS_MNEMONIC_LEAVE,
    ZYDIS_MNEMONIC_UD1,       ZYDIS_MNEMONIC_UD2,      ZYDIS_MNEMONIC_BOUND,      ZYDIS_MNEMONIC_RCPSS,
    ZYDIS_MNEMONIC_RSQRTSS,   ZYDIS_MNEMONIC_RCPPS,    ZYDIS_MNEMONIC_RSQRTPS,    ZYDIS_MNEMONIC_VRCPSS,
    ZYDIS_MNEMONIC_VRSQRTSS,  ZYDIS_MNEMONIC_VRCPPS,   ZYDIS_MNEMONIC_VRSQRTPS,   ZYDIS_MNEMONIC_FSIN,
    ZYDIS_MNEMONIC_FCOS,      ZYDIS_MNEMONIC_FSINCOS,  ZYDIS_MNEMONIC_FPTAN,      ZYDIS_MNEMONIC_FPATAN,
    ZYDIS_MNEMONIC_F2XM1,     ZYDIS_MNEMONIC_FYL2X,    ZYDIS_MNEMONIC_FYL2XP1,    ZYDIS_MNEMONIC_FPREM,
    ZYDIS_MNEMONIC_FPREM1,    ZYDIS_MNEMONIC_FCOMI,    ZYDIS_MNEMONIC_FCOMIP,     ZYDIS_MNEMONIC_FUCOMI,
    ZYDIS_MNEMONIC_FUCOMIP,   ZYDIS_MNEMONIC_FCMOVB,   ZYDIS_MNEMONIC_FCMOVE,     ZYDIS_MNEMONIC_FCMOVBE,
    ZYDIS_MNEMONIC_FCMOVU,    ZYDIS_MNEMONIC_FCMOVNB,  ZYDIS_MNEMONIC_FCMOVNE,    ZYDIS_MNEMONIC_FCMOVNBE,
    ZYDIS_MNEMONIC_FCMOVNU,   ZYDIS_MNEMONIC_MASKMOVQ, ZYDIS_MNEMONIC_MASKMOVDQU, ZYDIS_MNEMONIC_VMASKMOVDQU,
    ZYDIS_MNEMONIC_POPA,      ZYDIS_MNEMONIC_POPAD,    ZYDIS_MNEMONIC_PUSHA,      ZYDIS_MNEMONIC_PUSHAD,
    ZYDIS_MNEMONIC_MONITOR,   ZYDIS_MNEMONIC_MWAIT,
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (unsuitable); i++)
    if (unsuitable[i] == mnemonic)
      return false;
  return true;
}

static bool
reads_unknown (const Sequence *s)
{
  const Decoded *d = &s->g.d;
  if (d->insn.cpu_flags != NULL && (d->insn.cpu_flags->tested & s->unknown.rflags))
    return true;
  return s->unknown.fsw != 0 && d->insn.mnemonic == ZYDIS_MNEMONIC_FNSTSW;
}

/* A division by random numbers ends a sequence, shifts of 16 bits by more have no defined result, and a bit's number in a
 * register can reach memory of the test itself. */
static bool
improbable (Sequence *s)
{
  const Decoded *d = &s->g.d;
  switch (d->insn.mnemonic)
    {
    case ZYDIS_MNEMONIC_DIV:
    case ZYDIS_MNEMONIC_IDIV:
    case ZYDIS_MNEMONIC_AAM:
      return !rng_chance (&s->g.rng, 10);
    case ZYDIS_MNEMONIC_SHLD:
    case ZYDIS_MNEMONIC_SHRD:
      return d->op[0].size == 16;
    case ZYDIS_MNEMONIC_BT:
    case ZYDIS_MNEMONIC_BTC:
    case ZYDIS_MNEMONIC_BTR:
    case ZYDIS_MNEMONIC_BTS:
      return d->op[0].type == ZYDIS_OPERAND_TYPE_MEMORY && d->op[1].type == ZYDIS_OPERAND_TYPE_REGISTER;
    case ZYDIS_MNEMONIC_PUSH:
      return d->insn.operand_width == 32 && ZydisRegisterGetClass (d->op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT;
    default:
      return generator_is_string (&d->insn)
             && (d->insn.attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE | ZYDIS_ATTRIB_HAS_REPNE));
    }
}

static bool
acceptable (Sequence *s)
{
  const Decoded *d = &s->g.d;
  return suitable_category (&d->insn) && suitable_mnemonic (d->insn.mnemonic) && !writes_reserved (s)
         && !writes_segment (d) && !explicit_stack_pointer (d) && !reads_unknown (s) && !improbable (s);
}

/* --- Flags -------------------------------------------------------------------------------------------------------- */

/* Shifts by CL: the count is not known here, so that any of their flags may be undefined, or none written. */
static bool
count_unknown (const Decoded *d)
{
  ZydisInstructionCategory category = d->insn.meta.category;
  if (category != ZYDIS_CATEGORY_SHIFT && category != ZYDIS_CATEGORY_ROTATE)
    return false;
  const ZydisDecodedOperand *last = &d->op[d->insn.operand_count_visible - 1];
  return last->type == ZYDIS_OPERAND_TYPE_REGISTER && last->reg.value == ZYDIS_REGISTER_CL;
}

static void
follow_flags (Sequence *s)
{
  const Decoded *d = &s->g.d;
  const ZydisAccessedFlags *cpu = d->insn.cpu_flags;
  if (count_unknown (d))
    {
      s->unknown.rflags |= ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_OF | ZYDIS_CPUFLAG_AF;
      return;
    }
  Undefined undefined = undefined_after (d, &s->c->in);
  bool written = !generator_is_string (&d->insn) && cpu != NULL && d->insn.meta.category != ZYDIS_CATEGORY_SHIFT
                 && d->insn.meta.category != ZYDIS_CATEGORY_ROTATE;
  if (written)
    s->unknown.rflags &= ~(uint32_t) (cpu->modified | cpu->set_0 | cpu->set_1);
  s->unknown.rflags |= undefined.rflags;
  s->unknown.fsw |= undefined.fsw;
}

/* --- Building ----------------------------------------------------------------------------------------------------- */

static void
append (Sequence *s, const uint8_t *bytes, unsigned len)
{
  Case *c = s->c;
  unsigned i = c->n_insns++;
  memcpy (c->code + s->at, bytes, len);
  c->insn_len[i] = len;
  c->insn_rflags_ignored[i] = s->unknown.rflags;
  c->insn_fsw_ignored[i] = s->unknown.fsw;
  s->at += len;
}

static void
land_skip (Sequence *s)
{
  s->c->code[s->skip.patch] = s->at - (s->skip.patch + 1);
  s->unknown.rflags |= s->skip.unknown.rflags;
  s->unknown.fsw |= s->skip.unknown.fsw;
  s->skip.patch = 0;
}

static uint32_t
condition_flags (unsigned condition)
{
  static const uint32_t flags[8] = {
    ZYDIS_CPUFLAG_OF, ZYDIS_CPUFLAG_CF, ZYDIS_CPUFLAG_ZF, ZYDIS_CPUFLAG_CF | ZYDIS_CPUFLAG_ZF, ZYDIS_CPUFLAG_SF,
    ZYDIS_CPUFLAG_PF, ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF, ZYDIS_CPUFLAG_SF | ZYDIS_CPUFLAG_OF | ZYDIS_CPUFLAG_ZF,
  };
  return flags[condition >> 1];
}

static void
append_branch (Sequence *s)
{
  unsigned condition = rng_below (&s->g.rng, 16);
  if (condition_flags (condition) & s->unknown.rflags)
    return;
  bool always = rng_chance (&s->g.rng, 10);
  uint8_t bytes[2] = { always ? 0xeb : 0x70 | condition, 0 };
  append (s, bytes, sizeof bytes);
  s->skip = (Skip) { s->at - 1, 1 + rng_below (&s->g.rng, 3), s->unknown };
}

/* mov r15d, n: the head of a loop follows. Whatever its body leaves undefined is so there too. */
static void
begin_loop (Sequence *s)
{
  uint8_t bytes[6] = { 0x41, 0xbf, 2 + rng_below (&s->g.rng, 5) };
  append (s, bytes, sizeof bytes);
  s->loop_at = s->at;
  s->unknown.rflags |= ZYDIS_CPUFLAG_CF;   /* DEC at its end defines the others */
  s->unknown.fsw |= FSW_CODES;
}

/* dec r15; jnz head */
static void
end_loop (Sequence *s)
{
  static const uint8_t decrement[] = { 0x49, 0xff, 0xcf };
  uint8_t branch[6] = { 0x0f, 0x85 };
  append (s, decrement, sizeof decrement);
  s->unknown.rflags &= ZYDIS_CPUFLAG_CF;
  int32_t distance = (int) s->loop_at - (int) (s->at + sizeof branch);
  memcpy (branch + 2, &distance, 4);
  append (s, branch, sizeof branch);
  s->loop_at = 0;
}

static void
append_instruction (Sequence *s)
{
  for (unsigned tries = 0; tries < 100; tries++)
    {
      s->g.form = g_ptr_array_index (s->forms, rng_below (&s->g.rng, s->forms->len));
      if (!generator_try_encode (&s->g) || !acceptable (s))
        continue;
      append (s, s->g.bytes, s->g.len);
      follow_flags (s);
      break;
    }
  if (s->skip.patch != 0 && s->skip.left-- == 1)
    land_skip (s);
}

/* call sub; jmp over; sub: ...; ret; over: */
static void
append_subroutine (Sequence *s)
{
  static const uint8_t call[] = { 0xe8, 2, 0, 0, 0 }, jump[] = { 0xeb, 0 }, ret[] = { 0xc3 };
  append (s, call, sizeof call);
  append (s, jump, sizeof jump);
  unsigned patch = s->at - 1;
  s->keep_stack = true;
  for (unsigned n = 1 + rng_below (&s->g.rng, 4); n > 0; n--)
    append_instruction (s);
  s->keep_stack = false;
  append (s, ret, sizeof ret);
  s->c->code[patch] = s->at - (patch + 1);
}

/* Exceptions of the FPU would end most sequences; the cases of single instructions have them. */
static void
calm_fpu (Sequence *s)
{
  uint8_t *x = s->c->in.xarea;
  xarea_put16 (x, XAREA_FCW, xarea_get16 (x, XAREA_FCW) | 0x3f);
  xarea_put16 (x, XAREA_FSW, xarea_get16 (x, XAREA_FSW) & 0x7f7f);
  xarea_put32 (x, XAREA_MXCSR, xarea_get32 (x, XAREA_MXCSR) | 0x1f80);
}

static void
point_registers (Sequence *s)
{
  State *in = &s->c->in;
  for (unsigned n = 0; n < 8; n++)
    if (GENERATOR_BASES >> n & 1)
      in->gpr[n] = LAYOUT_WINDOW + 0x800 + 32 * rng_below (&s->g.rng, 128);
  in->gpr[RSP] = LAYOUT_WINDOW + 0x400 + 8 * rng_below (&s->g.rng, 0x300);
  in->rflags &= ~(uint64_t) ZYDIS_CPUFLAG_NT;
}

static void
build (Sequence *s)
{
  unsigned n = 5 + rng_below (&s->g.rng, 50);
  unsigned loop_from = rng_below (&s->g.rng, n), loop_to = loop_from + 2 + rng_below (&s->g.rng, 12);
  bool loop = s->c->mode == MODE_64 && rng_chance (&s->g.rng, 40);
  for (unsigned i = 0; i < n && s->at < MAX_CODE && s->c->n_insns < CASE_MAX_INSNS - 6; i++)
    {
      if (s->skip.patch == 0 && loop && i >= loop_from && s->loop_at == 0)
        begin_loop (s);
      else if (s->skip.patch == 0 && rng_chance (&s->g.rng, 12))
        append_branch (s);
      else if (s->skip.patch == 0 && s->at < MAX_CODE - 100 && s->c->n_insns < CASE_MAX_INSNS - 14 && rng_chance (&s->g.rng, 6))
        append_subroutine (s);
      append_instruction (s);
      if (s->skip.patch == 0 && s->loop_at != 0 && i >= loop_to)
        {
          end_loop (s);
          loop = false;
        }
    }
  if (s->skip.patch != 0)
    land_skip (s);
  if (s->loop_at != 0)
    end_loop (s);
}

void
generate_sequence (Case *c, const GPtrArray *forms, Mode mode, uint64_t seed, uint64_t number, uint32_t slot)
{
  Sequence s
      = { .g = { .c = c, .restricted = true }, .c = c, .forms = forms, .at = START, .reserved = GENERATOR_BASES };
  rng_seed (&s.g.rng, seed * 31 + number * 2 + mode);
  memset (c, 0, offsetof (Case, patches));
  c->n_patches = c->patch_data_len = 0;
  c->mode = mode;
  c->number = number;
  c->slot = slot;
  c->start = START;
  c->branch = c->string = true;
  if (mode == MODE_64)
    s.reserved |= 1u << LOOP_COUNTER;
  generator_random_state (&s.g);
  point_registers (&s);
  calm_fpu (&s);
  memset (c->code, SLOT_FILLER, sizeof c->code);
  build (&s);
  c->in.rip = slot + START;
  c->code_len = s.at - START;
  c->slot_len = s.at + GENERATOR_LANDING_SIZE;
  c->rflags_ignored = s.unknown.rflags;
  c->fsw_ignored = s.unknown.fsw;
  generator_put_landing (c, s.at);
}
