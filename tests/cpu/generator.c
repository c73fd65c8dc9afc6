/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random encodings and random processor state. */
#include "generator.h"

#include "host-context.h"
#include "vendor.h"
#include "xarea.h"

#include <string.h>

#define RFLAGS_IF 0x200u
#define RFLAGS_DF 0x400u
#define RFLAGS_NT 0x4000u
#define RFLAGS_ID 0x200000u
#define RFLAGS_ARITH 0x8d5u

#define FSW_EXCEPTIONS 0x3fu
#define FSW_ES         0x80u
#define FSW_B          0x8000u

unsigned
generator_gpr_number (ZydisRegister reg)
{
  ZydisRegisterClass rc = ZydisRegisterGetClass (reg);
  if (rc < ZYDIS_REGCLASS_GPR8 || rc > ZYDIS_REGCLASS_GPR64)
    return 16;
  if (rc == ZYDIS_REGCLASS_GPR8 && reg >= ZYDIS_REGISTER_AH && reg <= ZYDIS_REGISTER_BH)
    return reg - ZYDIS_REGISTER_AH;
  if (rc == ZYDIS_REGCLASS_GPR8 && reg >= ZYDIS_REGISTER_SPL)
    return reg - ZYDIS_REGISTER_SPL + 4;
  return ZydisRegisterGetId (reg);
}

/* --- Encoding ----------------------------------------------------------------------------------------------------- */

/* ModRM, SIB and displacement of a memory operand; returns what follows them. */
static unsigned
encode_memory (Generator *g, unsigned at, bool vsib)
{
  uint64_t r = rng_u64 (&g->rng);
  unsigned reg = g->bytes[at] & 0x38, mod = r & 3, rm = r >> 2 & 7;
  if (g->address_width == 16)
    {
      mod = mod == 3 ? 0 : mod;
      g->bytes[at++] = mod << 6 | reg | rm;
      unsigned disp = mod == 1 ? 1 : mod == 2 || rm == 6 ? 2 : 0;
      memcpy (g->bytes + at, &r, disp);
      return at + disp;
    }
  mod = mod == 3 ? 1 : mod;
  if (vsib)
    rm = 4;
  g->bytes[at++] = mod << 6 | reg | rm;
  unsigned base = rm;
  if (rm == 4)
    {
      base = r >> 8 & 7;
      g->bytes[at++] = r >> 16 & 0xff;
      g->bytes[at - 1] = (g->bytes[at - 1] & ~7u) | base;
    }
  unsigned disp = mod == 1 ? 1 : mod == 2 || base == 5 ? 4 : 0;
  int32_t value = (int32_t) (r >> 32) >> (r >> 24 & 31);
  memcpy (g->bytes + at, &value, disp);
  return at + disp;
}

/* [base + disp], base one of GENERATOR_BASES. */
static unsigned
encode_restricted_memory (Generator *g, unsigned at)
{
  static const uint8_t bases[4] = { RBX, RBP, RSI, RDI };
  uint64_t r = rng_u64 (&g->rng);
  unsigned mod = 1 + (r & 1);
  int32_t disp = mod == 1 ? (int8_t) (r >> 8) : (int) (r >> 8 & 0xfff) - 0x800;
  g->bytes[at] = mod << 6 | (g->bytes[at] & 0x38) | bases[r >> 1 & 3];
  if ((r >> 32 & 7) != 0)   /* SSE operands want alignment; the bases are aligned */
    disp &= ~31;
  memcpy (g->bytes + at + 1, &disp, mod == 1 ? 1 : 4);
  return at + 1 + (mod == 1 ? 1 : 4);
}

static void
encode_immediates (Generator *g)
{
  for (unsigned i = 0; i < 2; i++)
    {
      uint64_t value = values_u64 (&g->rng);
      memcpy (g->bytes + g->d.insn.raw.imm[i].offset, &value, g->d.insn.raw.imm[i].size / 8);
    }
}

bool
generator_decode_again (Generator *g)
{
  if (!forms_decode (g->c->mode, g->bytes, 15, &g->d))
    return false;
  if (g->form != NULL && forms_signature (&g->d) != g->form->signature)
    return false;
  g->len = g->d.insn.length;
  return forms_excluded (&g->d) == NULL && !vendor_avoids (&g->d, g->restricted);
}

/* Address size and segment overrides that a form may have or not. */
static unsigned
encode_prefixes (Generator *g)
{
  static const uint8_t overrides[8] = { 0x64, 0x65, 0x64, 0x65, 0x26, 0x2e, 0x36, 0x3e };
  uint64_t r = rng_u64 (&g->rng);
  unsigned n = 0;
  if ((r & 15) == 0)
    g->bytes[n++] = 0x67, g->address_width >>= 1;
  if ((r >> 4 & 7) == 0 || g->address_width == 16)
    g->bytes[n++] = overrides[g->address_width == 16 ? r >> 8 & 3 : r >> 8 & 7];
  return n;
}

bool
generator_try_encode (Generator *g)
{
  Rng *rng = &g->rng;
  const Template *t = &g_array_index (g->form->templates, Template, rng_below (rng, g->form->templates->len));
  uint64_t r = rng_u64 (rng);
  unsigned vvvv = t->vvvv ? r >> 8 & 15 : 0, rxb = r >> 16 & 15;
  bool vsib = t->vex && t->map == 2 && t->opcode >= 0x90 && t->opcode <= 0x93;
  if (g->c->mode == MODE_32)
    vvvv &= 7, rxb &= FORMS_SHORT_VEX;
  if (g->restricted && t->memory)
    rxb &= FORMS_SHORT_VEX | 4;
  memset (g->bytes, 0, sizeof g->bytes);
  g->address_width = g->c->mode == MODE_64 ? 64 : 32;
  unsigned n = g->restricted ? 0 : encode_prefixes (g);
  unsigned at = n + forms_encode (t, g->c->mode, rxb, vvvv, g->bytes + n);
  if (t->memory)
    at = g->restricted ? encode_restricted_memory (g, at) : encode_memory (g, at, vsib);
  else if (t->has_modrm)
    at++;
  if (at > 15)
    return false;
  for (unsigned i = at; i < 24; i++)
    g->bytes[i] = rng_u64 (rng) >> 20;
  if (!generator_decode_again (g))
    return false;
  encode_immediates (g);
  return generator_decode_again (g);
}

/* --- State -------------------------------------------------------------------------------------------------------- */
void
generator_choose_kind (Generator *g)
{
  g->kind = VALUES_MIXED;
  for (unsigned i = 0; i < g->d.insn.operand_count && g->kind == VALUES_MIXED; i++)
    if (g->d.op[i].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
      g->kind = values_kind_of (g->d.op[i].element_type);
}


static void
random_rflags (Generator *g)
{
  uint64_t r = rng_u64 (&g->rng);
  uint32_t flags = (r & RFLAGS_ARITH) | RFLAGS_IF | 2;
  if ((r >> 32 & 3) == 0)
    flags |= RFLAGS_DF;
  if ((r >> 34 & 15) == 0)
    flags |= RFLAGS_NT;
  if ((r >> 38 & 7) == 0)
    flags |= RFLAGS_ID;
  g->c->in.rflags = flags;
}

static void
random_x87 (Generator *g)
{
  uint8_t *x = g->c->in.xarea;
  uint64_t r = rng_u64 (&g->rng);
  uint16_t fcw = 0x37f, fsw = r & 0x7f00;
  if (r >> 16 & 1)
    fcw = (fcw & 0x3f) | 0x40 | (r >> 20 & 0x1f00);
  if ((r >> 17 & 7) == 0)
    fcw = (fcw & ~0x3f) | (r >> 36 & 0x3f);
  if ((r >> 42 & 3) == 0)
    fsw |= r >> 44 & 0x7f;
  if ((r >> 51 & 7) != 0)   /* no exception pending, mostly */
    fsw &= ~FSW_EXCEPTIONS | fcw;
  if (fsw & ~fcw & FSW_EXCEPTIONS)
    fsw |= FSW_ES | FSW_B;
  xarea_put16 (x, XAREA_FCW, fcw);
  xarea_put16 (x, XAREA_FSW, fsw);
  xarea_put16 (x, XAREA_FOP, r >> 9 & 0x7ff);
  xarea_put64 (x, XAREA_FIP, LAYOUT_CODE + (r >> 24 & 0xffff));
  xarea_put64 (x, XAREA_FDP, LAYOUT_WINDOW + (r >> 40 & 0xfff));
  unsigned tags = r >> 54 & 7;
  x[XAREA_FTW] = tags < 4 ? 0xff : tags == 4 ? 0 : r >> 8;
  for (unsigned i = 0; i < 8; i++)
    memcpy (x + XAREA_ST + 16 * i, values_f80 (&g->rng), 10);
}

static void
random_vectors (Generator *g)
{
  uint8_t *x = g->c->in.xarea;
  uint64_t r = rng_u64 (&g->rng);
  uint32_t mxcsr = 0x1f80;
  if (r & 1)
    {
      mxcsr |= (r >> 8 & 0x6000) | (r >> 8 & 0x3f);
      if ((r >> 1 & 3) == 0)
        mxcsr |= r >> 24 & 0x8040;
      if ((r >> 3 & 3) == 0)
        mxcsr = (mxcsr & ~0x1f80u) | (r >> 40 & 0x1f80);
    }
  xarea_put32 (x, XAREA_MXCSR, mxcsr);
  for (unsigned i = 0; i < 16; i++)
    {
      ValuesKind kind = (r >> (48 + (i & 7)) & 7) != 0 ? g->kind : VALUES_MIXED;
      const uint8_t *lanes = values_vector (&g->rng, kind);
      memcpy (x + XAREA_XMM + 16 * i, lanes, 16);
      memcpy (x + XAREA_YMM + 16 * i, lanes + 16, 16);
    }
}

void
generator_random_state (Generator *g)
{
  State *in = &g->c->in;
  for (unsigned i = 0; i < 16; i++)
    in->gpr[i] = values_u64 (&g->rng);
  if (g->c->mode == MODE_32)
    for (unsigned i = 0; i < 16; i++)
      in->gpr[i] = i < 8 ? (uint32_t) in->gpr[i] : in->gpr[i];
  memset (in->xarea, 0, XAREA_SIZE);
  random_rflags (g);
  random_x87 (g);
  random_vectors (g);
  in->xarea[XAREA_XSTATE_BV] = 7;
  in->fs_base = rng_u64 (&g->rng) & 0x7fffffffffff;
  in->gs_base = rng_u64 (&g->rng) & 0x7fffffffffff;
  if (g->c->mode == MODE_32)
    in->fs_base = (uint32_t) in->fs_base, in->gs_base = (uint32_t) in->gs_base;
  if (!host_sets_bases (g->c->mode))
    in->fs_base = in->gs_base = 0;
}

/* --- Ends --------------------------------------------------------------------------------------------------------- */

bool
generator_is_string (const ZydisDecodedInstruction *insn)
{
  return insn->meta.category == ZYDIS_CATEGORY_STRINGOP || insn->meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
}

/* mov dword [landing], own address; jmp [capture]. In 32-bit code the store is through SS, which is always good, and
 * the jump goes far, to 64-bit code. */
void
generator_put_landing (Case *c, unsigned at)
{
  static const uint8_t store64[] = { 0xc7, 0x04, 0x25 }, jump64[] = { 0xff, 0x24, 0x25 },
                       store32[] = { 0x36, 0xc7, 0x05 };
  uint32_t where = LAYOUT_CONTEXT + CONTEXT_LANDING, self = c->slot + at;
  uint8_t *p = c->code + at;
  unsigned prefix = c->mode == MODE_64 ? sizeof store64 : sizeof store32;
  memcpy (p, c->mode == MODE_64 ? store64 : store32, prefix);
  memcpy (p + prefix, &where, 4);
  memcpy (p + prefix + 4, &self, 4);
  p += prefix + 8;
  uint32_t capture = c->mode == MODE_64 ? LAYOUT_CONTEXT + CONTEXT_CAPTURE : LAYOUT_TRAMPOLINE;
  uint16_t selector = HOST_CS64;
  if (c->mode == MODE_64)
    memcpy (p, jump64, sizeof jump64), p += sizeof jump64;
  else
    *p++ = 0xea;
  memcpy (p, &capture, 4);
  if (c->mode == MODE_32)
    memcpy (p + 4, &selector, 2);
}

/* --- Results that are near ---------------------------------------------------------------------------------------- */

static const struct
{
  ZydisMnemonic mnemonic;
  uint8_t       loose;
} loose_results[] = {
  { ZYDIS_MNEMONIC_RCPSS, LOOSE_RCP_SS },     { ZYDIS_MNEMONIC_RSQRTSS, LOOSE_RCP_SS },
  { ZYDIS_MNEMONIC_VRCPSS, LOOSE_RCP_SS },    { ZYDIS_MNEMONIC_VRSQRTSS, LOOSE_RCP_SS },
  { ZYDIS_MNEMONIC_RCPPS, LOOSE_RCP_PS },     { ZYDIS_MNEMONIC_RSQRTPS, LOOSE_RCP_PS },
  { ZYDIS_MNEMONIC_VRCPPS, LOOSE_RCP_PS },    { ZYDIS_MNEMONIC_VRSQRTPS, LOOSE_RCP_PS },
  { ZYDIS_MNEMONIC_FSIN, LOOSE_X87_TRANSCENDENTAL },    { ZYDIS_MNEMONIC_FCOS, LOOSE_X87_TRANSCENDENTAL },
  { ZYDIS_MNEMONIC_FSINCOS, LOOSE_X87_TRANSCENDENTAL }, { ZYDIS_MNEMONIC_FPTAN, LOOSE_X87_TRANSCENDENTAL },
  { ZYDIS_MNEMONIC_FPATAN, LOOSE_X87_TRANSCENDENTAL },  { ZYDIS_MNEMONIC_F2XM1, LOOSE_X87_TRANSCENDENTAL },
  { ZYDIS_MNEMONIC_FYL2X, LOOSE_X87_TRANSCENDENTAL },   { ZYDIS_MNEMONIC_FYL2XP1, LOOSE_X87_TRANSCENDENTAL },
};

void
generator_choose_looseness (Generator *g)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (loose_results); i++)
    if (loose_results[i].mnemonic == g->d.insn.mnemonic)
      g->c->loose = loose_results[i].loose;
  if (g->c->loose == LOOSE_RCP_SS || g->c->loose == LOOSE_RCP_PS)
    g->c->loose_reg = ZydisRegisterGetId (g->d.op[0].reg.value);
}
