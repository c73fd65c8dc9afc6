/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Cases of one instruction. */
#include "generate.h"

#include "generator.h"
#include "undefined.h"
#include "vendor.h"

#include <string.h>

#define LANDING_BEFORE 0      /* offsets in the slot */
#define LANDING_AFTER  100
#define START_MIN      (LANDING_BEFORE + GENERATOR_LANDING_SIZE)
#define START_MAX      (START_MIN + 24)

static uint32_t
random_landing (Generator *g)
{
  return g->c->slot + (rng_chance (&g->rng, 50) ? LANDING_BEFORE : LANDING_AFTER);
}

static void
aim_branch (Generator *g)
{
  const ZydisDecodedInstruction *insn = &g->d.insn;
  if (insn->meta.branch_type == ZYDIS_BRANCH_TYPE_NONE && insn->meta.category != ZYDIS_CATEGORY_RET)
    return;
  g->c->branch = true;
  bool relative = insn->raw.imm[0].is_relative;
  if (!relative && !rng_chance (&g->rng, 75))
    return;
  uint32_t landing = random_landing (g);
  if (!relative)
    {
      const ZydisDecodedOperand *op
          = insn->meta.category == ZYDIS_CATEGORY_RET ? generator_memory_operand (g) : &g->d.op[0];
      if (op != NULL)
        generator_set_operand (g, op, landing);
      return;
    }
  int32_t anywhere = insn->raw.imm[0].value.s;
  if (insn->raw.imm[0].size == 32 && (anywhere > 1 << 20 || anywhere < -(1 << 20)) && rng_chance (&g->rng, 10))
    return;
  int32_t distance = landing - (g->rip + g->len);
  memcpy (g->bytes + insn->raw.imm[0].offset, &distance, insn->raw.imm[0].size / 8);
}

/* --- The case ----------------------------------------------------------------------------------------------------- */

static bool
attempt (Generator *g)
{
  Case *c = g->c;
  c->n_patches = c->patch_data_len = 0;
  c->n_window_ignored = 0;
  c->maybe_too_long = false;
  c->branch = false;
  c->loose = LOOSE_NONE;
  g->fixed = 0;
  if (!generator_try_encode (g))
    return false;
  generator_choose_kind (g);
  generator_random_state (g);
  generator_place_memory (g);
  generator_apply_tweaks (g);
  aim_branch (g);
  if (!generator_decode_again (g) || undefined_result (&g->d, &c->in))
    return false;
  c->string = generator_is_string (&g->d.insn);
  generator_choose_looseness (g);
  c->vendor = vendor_rules (&g->d);
  generator_describe_memory (g);
  Undefined undefined = undefined_after (&g->d, &c->in);
  c->rflags_ignored = undefined.rflags;
  c->fsw_ignored = undefined.fsw;
  return true;
}

bool
generate_case (Case *c, const Form *form, unsigned form_index, uint64_t seed, uint64_t number, uint32_t slot)
{
  Generator g = { .c = c, .form = form };
  rng_seed (&g.rng, seed ^ form->signature ^ number * UINT64_C (0x9e3779b97f4a7c15));
  c->mode = form->mode;
  c->form = form_index;
  c->number = number;
  c->slot = slot;
  c->start = START_MIN + rng_below (&g.rng, START_MAX - START_MIN);
  g.rip = slot + c->start;
  unsigned tries = 0;
  while (!attempt (&g))
    if (++tries == 200)
      return false;
  c->in.rip = g.rip;
  c->n_insns = 1;
  c->insn_len[0] = c->code_len = g.len;
  c->slot_len = LAYOUT_SLOT_SIZE;
  memset (c->code, SLOT_FILLER, LAYOUT_SLOT_SIZE);
  memcpy (c->code + c->start, g.bytes, g.len);
  generator_put_landing (c, LANDING_BEFORE);
  generator_put_landing (c, LANDING_AFTER);
  generator_put_landing (c, c->start + g.len);
  return true;
}
