/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random cases of one instruction form: an encoding, a state that makes its operands point into the window (mostly), and
 * operand values where trouble is likely.
 */
#include "generate.h"

#include "rng.h"
#include "undefined.h"
#include "values.h"
#include "xarea.h"
#include "host-context.h"

#include <string.h>

#define LANDING_BEFORE 0      /* offsets in the slot */
#define LANDING_AFTER  100
#define LANDING_SIZE   18
#define START_MIN      (LANDING_BEFORE + LANDING_SIZE)
#define START_MAX      (START_MIN + 24)
#define FILLER         0xcc

#define RFLAGS_IF 0x200u
#define RFLAGS_DF 0x400u
#define RFLAGS_NT 0x4000u
#define RFLAGS_ID 0x200000u
#define RFLAGS_TF_AC 0x40100u
#define RFLAGS_ARITH 0x8d5u

#define FSW_EXCEPTIONS 0x3fu
#define FSW_ES         0x80u
#define FSW_B          0x8000u

typedef struct
{
  Case       *c;
  const Form *form;
  Rng         rng;
  Decoded     d;
  uint8_t     bytes[32];
  unsigned    len;            /* of the instruction, once decoded */
  uint32_t    rip;
  uint32_t    fixed;          /* GPRs that an address depends on */
  ValuesKind  kind;           /* of most vector registers */
  unsigned    address_width;  /* bits */
} Generator;

static unsigned
gpr_number (ZydisRegister reg)
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

static uint64_t
width_mask (unsigned bits)
{
  return bits >= 64 ? UINT64_MAX : (UINT64_C (1) << bits) - 1;
}

/* --- Encoding ------------------------------------------------------------------------------------------------------- */

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

static void
encode_immediates (Generator *g)
{
  for (unsigned i = 0; i < 2; i++)
    {
      uint64_t value = values_u64 (&g->rng);
      memcpy (g->bytes + g->d.insn.raw.imm[i].offset, &value, g->d.insn.raw.imm[i].size / 8);
    }
}

static bool
decode_again (Generator *g)
{
  if (!forms_decode (g->form->mode, g->bytes, 15, &g->d) || forms_signature (&g->d) != g->form->signature)
    return false;
  g->len = g->d.insn.length;
  return forms_excluded (&g->d) == NULL;
}

static bool
try_encode (Generator *g)
{
  Rng *rng = &g->rng;
  const Template *t = &g_array_index (g->form->templates, Template, rng_below (rng, g->form->templates->len));
  uint64_t r = rng_u64 (rng);
  unsigned n = 0, vvvv = t->vvvv ? r >> 8 & 15 : 0, rxb = r >> 16 & 7;
  if (g->form->mode == MODE_32)
    vvvv &= 7, rxb = 0;
  memset (g->bytes, 0, sizeof g->bytes);
  g->address_width = g->form->mode == MODE_64 ? 64 : 32;
  if ((r >> 20 & 15) == 0)
    g->bytes[n++] = 0x67, g->address_width >>= 1;
  if ((r >> 24 & 7) == 0 || g->address_width == 16)
    {
      static const uint8_t overrides[8] = { 0x64, 0x65, 0x64, 0x65, 0x26, 0x2e, 0x36, 0x3e };
      g->bytes[n++] = overrides[g->address_width == 16 ? r >> 28 & 3 : r >> 28 & 7];
    }
  unsigned at = n + forms_encode (t, g->form->mode, rxb, vvvv, g->bytes + n);
  bool vsib = t->vex && t->map == 2 && t->opcode >= 0x90 && t->opcode <= 0x93;
  if (t->memory)
    at = encode_memory (g, at, vsib);
  else if (t->has_modrm)
    at++;
  if (at > 15)
    return false;
  for (unsigned i = at; i < 24; i++)
    g->bytes[i] = rng_u64 (rng) >> 20;
  if (!decode_again (g))
    return false;
  encode_immediates (g);
  return decode_again (g);
}

/* --- State ------------------------------------------------------------------------------------------------------------ */

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

static void
random_state (Generator *g)
{
  State *in = &g->c->in;
  for (unsigned i = 0; i < 16; i++)
    in->gpr[i] = values_u64 (&g->rng);
  if (g->form->mode == MODE_32)
    for (unsigned i = 0; i < 16; i++)
      in->gpr[i] = i < 8 ? (uint32_t) in->gpr[i] : in->gpr[i];
  memset (in->xarea, 0, XAREA_SIZE);
  random_rflags (g);
  random_x87 (g);
  random_vectors (g);
  in->xarea[XAREA_XSTATE_BV] = 7;
  in->fs_base = rng_u64 (&g->rng) & 0x7fffffffffff;
  in->gs_base = rng_u64 (&g->rng) & 0x7fffffffffff;
  if (g->form->mode == MODE_32)
    in->fs_base = (uint32_t) in->fs_base, in->gs_base = (uint32_t) in->gs_base;
}

/* --- Memory ------------------------------------------------------------------------------------------------------------ */

static uint8_t *
add_patch (Case *c, uint64_t at, unsigned len)
{
  if (at < LAYOUT_WINDOW || at >= LAYOUT_WINDOW + LAYOUT_WINDOW_SIZE || len > LAYOUT_WINDOW + LAYOUT_WINDOW_SIZE - at
      || c->n_patches == CASE_MAX_PATCHES || len > sizeof c->patch_data - c->patch_data_len)
    return NULL;
  c->patches[c->n_patches++] = (Patch) { at - LAYOUT_WINDOW, len, c->patch_data_len };
  uint8_t *data = c->patch_data + c->patch_data_len;
  c->patch_data_len += len;
  return data;
}

static uint64_t
align_down (uint64_t value, unsigned align)
{
  return value & ~(uint64_t) (align - 1);
}

/* An address for an operand of `size` bytes: inside the window mostly, sometimes across the end of something. */
static uint64_t
random_target (Generator *g, unsigned size)
{
  Rng *rng = &g->rng;
  uint32_t end_rw = LAYOUT_WINDOW + LAYOUT_WINDOW_RW_SIZE, end = LAYOUT_WINDOW + LAYOUT_WINDOW_SIZE;
  unsigned inside = 1 + rng_below (rng, MAX (size, 2) - 1);
  switch (rng_below (rng, 64))
    {
    case 0:
      return end_rw - inside;
    case 1:
      return end - inside;
    case 2:
      return end_rw + rng_below (rng, 0x1000 - MIN (size, 0xff0));
    case 3:
      return LAYOUT_WINDOW - inside;
    case 4:
      return align_down (end + rng_below (rng, 256), 16);
    case 5:
      return values_u64 (rng);
    case 6:
    case 7:
      return LAYOUT_WINDOW + 0x1000 - inside;
    case 8:
      return align_down (end_rw - 1, 64);
    default:
      {
        uint32_t at = LAYOUT_WINDOW + rng_below (rng, LAYOUT_WINDOW_RW_SIZE - MIN (size, 0x1000));
        static const uint8_t alignments[8] = { 1, 1, 16, 16, 32, 32, 64, 64 };
        return align_down (at, alignments[rng_below (rng, 8)]);
      }
    }
}

static void
put_disp (Generator *g, int64_t value)
{
  const struct ZydisDecodedInstructionRawDisp_ *disp = &g->d.insn.raw.disp;
  memcpy (g->bytes + disp->offset, &value, disp->size / 8);
}

static void
set_address_register (Generator *g, ZydisRegister reg, uint64_t value)
{
  unsigned n = gpr_number (reg);
  uint64_t mask = width_mask (g->d.insn.address_width);
  uint64_t *gpr = &g->c->in.gpr[n];
  *gpr = (*gpr & ~mask) | (value & mask);
  g->fixed |= 1u << n;
}

/* Where a FS or GS override is in force, moves the segment's base and returns the offset that then reaches `target`. */
static uint64_t
through_segment (Generator *g, ZydisRegister segment, uint64_t target)
{
  if (segment != ZYDIS_REGISTER_FS && segment != ZYDIS_REGISTER_GS)
    return target;
  uint64_t offset = rng_u64 (&g->rng) & width_mask (MIN (g->d.insn.address_width, 40u));
  uint64_t base = target - offset;
  if (g->form->mode == MODE_32)
    base = (uint32_t) base;
  *(segment == ZYDIS_REGISTER_FS ? &g->c->in.fs_base : &g->c->in.gs_base) = base;
  return offset;
}

static bool
canonical (uint64_t address)
{
  return (int64_t) (address << 16) >> 16 == (int64_t) address;
}

/* Vector index: lanes near zero, so that the elements lie around the base. */
static void
set_vector_index (Generator *g, const ZydisDecodedOperandMem *mem)
{
  bool wide = g->d.insn.opcode & 1;   /* 90, 92: doubleword indices; 91, 93: quadword */
  unsigned n = ZydisRegisterGetId (mem->index);
  uint8_t lanes[32];
  for (unsigned at = 0; at < 32; at += wide ? 8 : 4)
    {
      int64_t index = (int) rng_below (&g->rng, 256) - 128;
      if (rng_chance (&g->rng, 3))
        index = values_u64 (&g->rng);
      memcpy (lanes + at, &index, wide ? 8 : 4);
    }
  memcpy (g->c->in.xarea + XAREA_XMM + 16 * n, lanes, 16);
  memcpy (g->c->in.xarea + XAREA_YMM + 16 * n, lanes + 16, 16);
}

/* Sets registers or displacement so that base + index * scale + disp is `offset`. */
static void
aim (Generator *g, const ZydisDecodedOperandMem *mem, uint64_t offset)
{
  uint64_t disp = mem->disp.has_displacement ? mem->disp.value : 0;
  unsigned base = gpr_number (mem->base), index = gpr_number (mem->index);
  bool vsib = mem->type == ZYDIS_MEMOP_TYPE_VSIB;
  if (vsib)
    set_vector_index (g, mem), index = 16;
  if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP)
    put_disp (g, offset - (g->rip + g->len));
  else if (base == 16 && index == 16)
    put_disp (g, offset);
  else if (index == 16)
    {
      if (!(g->fixed & 1u << base))
        set_address_register (g, mem->base, offset - disp);
    }
  else if (base == 16)
    {
      uint64_t value = rng_below (&g->rng, 1024);
      set_address_register (g, mem->index, value);
      put_disp (g, offset - value * mem->scale);
    }
  else if (base == index)
    set_address_register (g, mem->base, (offset - disp) / (1u + mem->scale));
  else
    {
      g->fixed |= 1u << index;
      set_address_register (g, mem->base, offset - disp - g->c->in.gpr[index] * mem->scale);
    }
}

static uint64_t
effective_address (Generator *g, const ZydisDecodedOperandMem *mem)
{
  unsigned base = gpr_number (mem->base), index = gpr_number (mem->index);
  uint64_t address = mem->disp.has_displacement ? (uint64_t) mem->disp.value : 0;
  if (mem->base == ZYDIS_REGISTER_RIP || mem->base == ZYDIS_REGISTER_EIP)
    address += g->rip + g->len;
  if (base < 16)
    address += g->c->in.gpr[base];
  if (index < 16)
    address += (mem->index == ZYDIS_REGISTER_AL ? g->c->in.gpr[RAX] & 0xff : g->c->in.gpr[index]) * mem->scale;
  address &= width_mask (g->d.insn.address_width);
  if (mem->segment == ZYDIS_REGISTER_FS)
    address += g->c->in.fs_base;
  if (mem->segment == ZYDIS_REGISTER_GS)
    address += g->c->in.gs_base;
  return g->form->mode == MODE_32 ? (uint32_t) address : address;
}

static unsigned
operand_bytes (const ZydisDecodedOperand *op)
{
  return op->size >= 8 && op->size <= 8 * 832 ? op->size / 8 : 8;
}

static void
place_operand (Generator *g, const ZydisDecodedOperand *op)
{
  const ZydisDecodedOperandMem *mem = &op->mem;
  unsigned bytes = operand_bytes (op);
  if (mem->type == ZYDIS_MEMOP_TYPE_AGEN)   /* LEA and NOP: no access */
    return;
  uint64_t target = random_target (g, bytes);
  if (mem->index == ZYDIS_REGISTER_AL)      /* XLAT */
    {
      set_address_register (g, mem->base, through_segment (g, mem->segment, target) - (g->c->in.gpr[RAX] & 0xff));
      return;
    }
  aim (g, mem, through_segment (g, mem->segment, target));
  if (!canonical (g->c->in.fs_base) || !canonical (g->c->in.gs_base))
    g->c->in.fs_base = g->c->in.gs_base = 0;
}

static void
fill_operand (Generator *g, const ZydisDecodedOperand *op)
{
  unsigned bytes = operand_bytes (op);
  uint8_t *data = add_patch (g->c, effective_address (g, &op->mem), bytes);
  if (data != NULL)
    values_memory (&g->rng, op->element_type, data, bytes);
}

static void
place_memory (Generator *g)
{
  for (unsigned hidden = 0; hidden < 2; hidden++)   /* explicit operands first: hidden ones yield */
    for (unsigned i = 0; i < g->d.insn.operand_count; i++)
      {
        const ZydisDecodedOperand *op = &g->d.op[i];
        if (op->type == ZYDIS_OPERAND_TYPE_MEMORY && hidden == (i >= g->d.insn.operand_count_visible))
          place_operand (g, op);
      }
  decode_again (g);   /* a displacement may have changed */
  for (unsigned i = 0; i < g->d.insn.operand_count; i++)
    if (g->d.op[i].type == ZYDIS_OPERAND_TYPE_MEMORY && g->d.op[i].mem.type != ZYDIS_MEMOP_TYPE_AGEN)
      fill_operand (g, &g->d.op[i]);
}

/* --- Instructions that need more ------------------------------------------------------------------------------------------ */

static const ZydisDecodedOperand *
memory_operand (const Generator *g)
{
  for (unsigned i = 0; i < g->d.insn.operand_count; i++)
    if (g->d.op[i].type == ZYDIS_OPERAND_TYPE_MEMORY)
      return &g->d.op[i];
  return NULL;
}

/* Gives the register or memory operand a value. */
static void
set_operand (Generator *g, const ZydisDecodedOperand *op, uint64_t value)
{
  if (op->type == ZYDIS_OPERAND_TYPE_MEMORY)
    {
      unsigned bytes = MIN (op->size / 8, 8);
      uint8_t *data = add_patch (g->c, effective_address (g, &op->mem), bytes);
      if (data != NULL)
        memcpy (data, &value, bytes);
    }
  else if (op->type == ZYDIS_OPERAND_TYPE_REGISTER && gpr_number (op->reg.value) < 16
           && !(g->fixed & 1u << gpr_number (op->reg.value)))
    {
      uint64_t *gpr = &g->c->in.gpr[gpr_number (op->reg.value)], mask = width_mask (op->size);
      *gpr = (*gpr & ~mask) | (value & mask);
    }
}

static void
tweak_bit_offset (Generator *g)
{
  if (g->d.op[0].type == ZYDIS_OPERAND_TYPE_MEMORY && g->d.op[1].type == ZYDIS_OPERAND_TYPE_REGISTER
      && rng_chance (&g->rng, 85))
    set_operand (g, &g->d.op[1], (int64_t) rng_below (&g->rng, 8192) - 4096);
}

static void
tweak_shift (Generator *g)
{
  if (!(g->fixed & 1u << RCX) && rng_chance (&g->rng, 70))
    g->c->in.gpr[RCX] = (g->c->in.gpr[RCX] & ~UINT64_C (0xff)) | rng_below (&g->rng, 70);
}

/* A random dividend would overflow nearly always. */
static void
tweak_divide (Generator *g)
{
  uint64_t *gpr = g->c->in.gpr;
  if (g->d.op[0].size == 8)
    gpr[RAX] = rng_chance (&g->rng, 70) ? (gpr[RAX] & ~UINT64_C (0xff00)) | (rng_below (&g->rng, 16) << 8) : gpr[RAX];
  else if (!(g->fixed & 1u << RDX) && rng_chance (&g->rng, 80))
    gpr[RDX] = g->d.insn.mnemonic == ZYDIS_MNEMONIC_IDIV && rng_chance (&g->rng, 60)
                 ? (uint64_t) ((int64_t) (gpr[RAX] << (64 - g->d.op[0].size)) >> 63)
                 : rng_below (&g->rng, 64);
}

static void
tweak_counter (Generator *g)
{
  unsigned kind = rng_below (&g->rng, 10);
  if (!(g->fixed & 1u << RCX) && kind < 9)
    {
      uint64_t mask = width_mask (g->d.insn.address_width);
      uint64_t count = rng_below (&g->rng, kind < 6 ? 20 : kind < 8 ? 300 : 6000);
      g->c->in.gpr[RCX] = (g->c->in.gpr[RCX] & ~mask) | count;
    }
}

/* TF would trap after the next instruction, AC would make our own code fault. */
static void
tweak_popf (Generator *g)
{
  set_operand (g, memory_operand (g), rng_u64 (&g->rng) & ~(uint64_t) RFLAGS_TF_AC);
}

static void
tweak_frame (Generator *g)
{
  uint64_t target = random_target (g, 64);
  if (!(g->fixed & 1u << RBP))
    g->c->in.gpr[RBP] = g->form->mode == MODE_32 ? (uint32_t) target : target;
  if (g->d.insn.mnemonic != ZYDIS_MNEMONIC_ENTER)
    return;
  static const uint8_t levels[8] = { 0, 0, 1, 2, 3, 7, 31, 32 };
  g->bytes[g->d.insn.raw.imm[0].offset + 1] &= 3;
  g->bytes[g->d.insn.raw.imm[1].offset] = levels[rng_below (&g->rng, 8)];
}

/* Bit 17 of MXCSR is AMD's misaligned exception mask: set, it would be a valid value here and a reserved one elsewhere. */
static uint32_t
plausible_mxcsr (Generator *g)
{
  uint32_t value = rng_u64 (&g->rng);
  return rng_chance (&g->rng, 80) ? value & 0xffff : value & ~(1u << 17);
}

static void
tweak_ldmxcsr (Generator *g)
{
  set_operand (g, &g->d.op[0], plausible_mxcsr (g));
}

/* An image as FXSAVE leaves it, from the registers' values. */
static void
fill_image (Generator *g, uint8_t *image)
{
  memcpy (image, g->c->in.xarea, 512);
  for (unsigned i = 0; i < 8; i++)
    memcpy (image + XAREA_ST + 16 * i, values_f80 (&g->rng), 10);
  for (unsigned i = 0; i < 16; i++)
    memcpy (image + XAREA_XMM + 16 * i, values_vector (&g->rng, VALUES_MIXED), 16);
  xarea_put32 (image, XAREA_MXCSR, plausible_mxcsr (g));
  image[XAREA_FTW] = rng_u64 (&g->rng);
  for (unsigned i = 0; i < 18; i++)
    if (rng_chance (&g->rng, 20))
      image[i + 6] = rng_u64 (&g->rng);
}

static void
tweak_fxrstor (Generator *g)
{
  uint8_t *image = add_patch (g->c, effective_address (g, &g->d.op[0].mem), 512);
  if (image != NULL)
    fill_image (g, image);
}

static void
tweak_fxsave (Generator *g)
{
  uint64_t at = effective_address (g, &g->d.op[0].mem);
  if (at >= LAYOUT_WINDOW && at <= LAYOUT_WINDOW + LAYOUT_WINDOW_RW_SIZE - 32)
    {
      g->c->window_ignored_at = at - LAYOUT_WINDOW + XAREA_MXCSR_MASK;   /* AMD: 2FFFF, Intel: FFFF */
      g->c->window_ignored_len = 4;
    }
}

/* The host has state components that the processor under test lacks: ask for x87, SSE and AVX only. */
static void
tweak_xrstor (Generator *g)
{
  State *in = &g->c->in;
  uint64_t at = effective_address (g, &g->d.op[0].mem);
  in->gpr[RDX] = (g->fixed & 1u << RDX) ? in->gpr[RDX] : 0;
  in->gpr[RAX] = (g->fixed & 1u << RAX) ? in->gpr[RAX] : rng_below (&g->rng, 8);
  uint8_t *image = add_patch (g->c, at, XAREA_SIZE);
  if (image == NULL)
    return;
  memset (image, 0, XAREA_SIZE);
  fill_image (g, image);
  image[XAREA_XSTATE_BV] = rng_below (&g->rng, 8);
  bool compacted = rng_chance (&g->rng, 30);
  if (compacted)
    xarea_put64 (image, XAREA_XSTATE_BV + 8, UINT64_C (1) << 63 | image[XAREA_XSTATE_BV] | rng_below (&g->rng, 8));
  if (rng_chance (&g->rng, 10))
    image[XAREA_XSTATE_BV + 2 + rng_below (&g->rng, 62)] ^= 1u << rng_below (&g->rng, 8);
  for (unsigned i = 0; i < 16; i++)
    memcpy (image + XAREA_YMM + 16 * i, values_vector (&g->rng, VALUES_MIXED), 16);
}

static void
tweak_fs_base (Generator *g)
{
  if (rng_chance (&g->rng, 80))
    set_operand (g, &g->d.op[0], (uint64_t) ((int64_t) (rng_u64 (&g->rng) << 16) >> 16));
}

static void
tweak_int (Generator *g)
{
  uint8_t *vector = g->bytes + g->d.insn.raw.imm[0].offset;
  if (*vector == 0x80)   /* a system call */
    *vector = 0x81;
}

/* Half of all masks: sign bits random; the other half: whole lanes. */
static void
tweak_maskmov (Generator *g)
{
  if (rng_chance (&g->rng, 80))
    g->c->in.gpr[RDI] = g->form->mode == MODE_32 ? (uint32_t) g->c->in.gpr[RDI] : g->c->in.gpr[RDI];
}

static const struct
{
  ZydisMnemonic mnemonic;
  void        (*tweak) (Generator *g);
} tweaks[] = {
  { ZYDIS_MNEMONIC_BT, tweak_bit_offset },     { ZYDIS_MNEMONIC_BTS, tweak_bit_offset },
  { ZYDIS_MNEMONIC_BTR, tweak_bit_offset },    { ZYDIS_MNEMONIC_BTC, tweak_bit_offset },
  { ZYDIS_MNEMONIC_SHL, tweak_shift },         { ZYDIS_MNEMONIC_SHR, tweak_shift },
  { ZYDIS_MNEMONIC_SAR, tweak_shift },         { ZYDIS_MNEMONIC_ROL, tweak_shift },
  { ZYDIS_MNEMONIC_ROR, tweak_shift },         { ZYDIS_MNEMONIC_RCL, tweak_shift },
  { ZYDIS_MNEMONIC_RCR, tweak_shift },         { ZYDIS_MNEMONIC_SHLD, tweak_shift },
  { ZYDIS_MNEMONIC_SHRD, tweak_shift },        { ZYDIS_MNEMONIC_DIV, tweak_divide },
  { ZYDIS_MNEMONIC_IDIV, tweak_divide },       { ZYDIS_MNEMONIC_LOOP, tweak_counter },
  { ZYDIS_MNEMONIC_LOOPE, tweak_counter },     { ZYDIS_MNEMONIC_LOOPNE, tweak_counter },
  { ZYDIS_MNEMONIC_JCXZ, tweak_counter },      { ZYDIS_MNEMONIC_JECXZ, tweak_counter },
  { ZYDIS_MNEMONIC_JRCXZ, tweak_counter },     { ZYDIS_MNEMONIC_POPF, tweak_popf },
  { ZYDIS_MNEMONIC_POPFD, tweak_popf },        { ZYDIS_MNEMONIC_POPFQ, tweak_popf },
  { ZYDIS_MNEMONIC_ENTER, tweak_frame },       { ZYDIS_MNEMONIC_LEAVE, tweak_frame },
  { ZYDIS_MNEMONIC_LDMXCSR, tweak_ldmxcsr },   { ZYDIS_MNEMONIC_VLDMXCSR, tweak_ldmxcsr },
  { ZYDIS_MNEMONIC_FXRSTOR, tweak_fxrstor },   { ZYDIS_MNEMONIC_FXRSTOR64, tweak_fxrstor },
  { ZYDIS_MNEMONIC_FXSAVE, tweak_fxsave },     { ZYDIS_MNEMONIC_FXSAVE64, tweak_fxsave },
  { ZYDIS_MNEMONIC_XRSTOR, tweak_xrstor },     { ZYDIS_MNEMONIC_XRSTOR64, tweak_xrstor },
  { ZYDIS_MNEMONIC_WRFSBASE, tweak_fs_base },  { ZYDIS_MNEMONIC_WRGSBASE, tweak_fs_base },
  { ZYDIS_MNEMONIC_INT, tweak_int },           { ZYDIS_MNEMONIC_MASKMOVQ, tweak_maskmov },
};

static bool
is_string (const ZydisDecodedInstruction *insn)
{
  return insn->meta.category == ZYDIS_CATEGORY_STRINGOP || insn->meta.category == ZYDIS_CATEGORY_IOSTRINGOP;
}

static void
apply_tweaks (Generator *g)
{
  if (is_string (&g->d.insn))
    tweak_counter (g);
  for (unsigned i = 0; i < G_N_ELEMENTS (tweaks); i++)
    if (tweaks[i].mnemonic == g->d.insn.mnemonic)
      tweaks[i].tweak (g);
}

/* --- Branches ----------------------------------------------------------------------------------------------------------------- */

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
      const ZydisDecodedOperand *op = insn->meta.category == ZYDIS_CATEGORY_RET ? memory_operand (g) : &g->d.op[0];
      if (op != NULL)
        set_operand (g, op, landing);
      return;
    }
  int32_t anywhere = insn->raw.imm[0].value.s;
  if (insn->raw.imm[0].size == 32 && (anywhere > 1 << 20 || anywhere < -(1 << 20)) && rng_chance (&g->rng, 10))
    return;
  int32_t distance = landing - (g->rip + g->len);
  memcpy (g->bytes + insn->raw.imm[0].offset, &distance, insn->raw.imm[0].size / 8);
}

/* mov dword [landing], own address; jmp [capture]. In 32-bit code the jump goes far, to 64-bit code. */
static void
put_landing (Case *c, unsigned at)
{
  static const uint8_t store64[] = { 0xc7, 0x04, 0x25 }, jump64[] = { 0xff, 0x24, 0x25 }, store32[] = { 0xc7, 0x05 };
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

/* --- The case ------------------------------------------------------------------------------------------------------------------- */

static void
choose_kind (Generator *g)
{
  g->kind = VALUES_MIXED;
  for (unsigned i = 0; i < g->d.insn.operand_count && g->kind == VALUES_MIXED; i++)
    if (g->d.op[i].type != ZYDIS_OPERAND_TYPE_IMMEDIATE)
      g->kind = values_kind_of (g->d.op[i].element_type);
}

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

static void
choose_looseness (Generator *g)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (loose_results); i++)
    if (loose_results[i].mnemonic == g->d.insn.mnemonic)
      g->c->loose = loose_results[i].loose;
  if (g->c->loose == LOOSE_RCP_SS || g->c->loose == LOOSE_RCP_PS)
    g->c->loose_reg = ZydisRegisterGetId (g->d.op[0].reg.value);
}

/* Undefined results: SHLD and SHRD by more than the operand has bits. */
static bool
result_undefined (Generator *g)
{
  if (g->d.insn.mnemonic != ZYDIS_MNEMONIC_SHLD && g->d.insn.mnemonic != ZYDIS_MNEMONIC_SHRD)
    return false;
  const ZydisDecodedOperand *op = &g->d.op[2];
  uint64_t count = op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? op->imm.value.u : g->c->in.gpr[RCX];
  return g->d.op[0].size == 16 && (count & 31) > 16;
}

static bool
attempt (Generator *g)
{
  Case *c = g->c;
  c->n_patches = c->patch_data_len = 0;
  c->window_ignored_len = 0;
  c->branch = false;
  c->loose = LOOSE_NONE;
  g->fixed = 0;
  if (!try_encode (g))
    return false;
  choose_kind (g);
  random_state (g);
  place_memory (g);
  apply_tweaks (g);
  aim_branch (g);
  if (!decode_again (g) || result_undefined (g))
    return false;
  c->string = is_string (&g->d.insn);
  choose_looseness (g);
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
  memset (c->code, FILLER, LAYOUT_SLOT_SIZE);
  memcpy (c->code + c->start, g.bytes, g.len);
  put_landing (c, LANDING_BEFORE);
  put_landing (c, LANDING_AFTER);
  put_landing (c, c->start + g.len);
  return true;
}
