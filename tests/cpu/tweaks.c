/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Instructions for which wholly random operands would test little, or would leave the test. */
#include "generator.h"

#include "xarea.h"

#include <string.h>

static void
tweak_bit_offset (Generator *g)
{
  if (g->d.op[0].type == ZYDIS_OPERAND_TYPE_MEMORY && g->d.op[1].type == ZYDIS_OPERAND_TYPE_REGISTER
      && rng_chance (&g->rng, 85))
    generator_set_operand (g, &g->d.op[1], (int64_t) rng_below (&g->rng, 8192) - 4096);
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
  generator_set_operand (g, generator_memory_operand (g), rng_u64 (&g->rng) & ~(uint64_t) RFLAGS_TF_AC);
}

static void
tweak_frame (Generator *g)
{
  uint64_t target = generator_random_target (g, 64);
  if (!(g->fixed & 1u << RBP))
    g->c->in.gpr[RBP] = g->c->mode == MODE_32 ? (uint32_t) target : target;
  if (g->d.insn.mnemonic != ZYDIS_MNEMONIC_ENTER)
    return;
  static const uint8_t levels[8] = { 0, 0, 1, 2, 3, 7, 31, 32 };
  g->bytes[g->d.insn.raw.imm[0].offset + 1] &= 3;
  g->bytes[g->d.insn.raw.imm[1].offset] = levels[rng_below (&g->rng, 8)];
}

/* Bit 17 of MXCSR is AMD's misaligned exception mask: set, it would be a valid value here and a reserved one elsewhere.
 */
static uint32_t
plausible_mxcsr (Generator *g)
{
  uint32_t value = rng_u64 (&g->rng);
  return rng_chance (&g->rng, 80) ? value & 0xffff : value & ~(1u << 17);
}

static void
tweak_ldmxcsr (Generator *g)
{
  generator_set_operand (g, &g->d.op[0], plausible_mxcsr (g));
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
  if (rng_chance (&g->rng, 50))
    {
      xarea_put16 (image, XAREA_FOP, rng_u64 (&g->rng) & 0x7ff);
      xarea_put64 (image, XAREA_FIP, (int64_t) rng_u64 (&g->rng) >> 16);   /* canonical */
      xarea_put64 (image, XAREA_FDP, (int64_t) rng_u64 (&g->rng) >> 16);
    }
}

static void
tweak_fxrstor (Generator *g)
{
  uint8_t *image = generator_add_patch (g->c, generator_effective_address (g, &g->d.op[0].mem), 512);
  if (image != NULL)
    fill_image (g, image);
}

static void
tweak_fxsave (Generator *g)
{
  uint64_t at = generator_effective_address (g, &g->d.op[0].mem);
  generator_ignore_memory (g, at + XAREA_MXCSR_MASK, 4);   /* AMD: 2FFFF, Intel: FFFF */
  if (!(xarea_get16 (g->c->in.xarea, XAREA_FSW) & 0x80))   /* AMD saves zeros unless an exception is pending */
    generator_ignore_memory (g, at + XAREA_FOP, XAREA_MXCSR - XAREA_FOP);
}

/* The host has state components that the processor under test lacks: ask for x87, SSE and AVX only. */
static void
tweak_xrstor (Generator *g)
{
  State *in = &g->c->in;
  uint64_t at = generator_effective_address (g, &g->d.op[0].mem);
  in->gpr[RDX] = (g->fixed & 1u << RDX) ? in->gpr[RDX] : 0;
  in->gpr[RAX] = (g->fixed & 1u << RAX) ? in->gpr[RAX] : rng_below (&g->rng, 8);
  uint8_t *image = generator_add_patch (g->c, at, XAREA_SIZE);
  if (image == NULL)
    return;
  memset (image, 0, XAREA_SIZE);
  fill_image (g, image);
  image[XAREA_XSTATE_BV] = rng_below (&g->rng, 8);
  bool compacted = rng_chance (&g->rng, 30);
  if (compacted)
    xarea_put64 (image, XAREA_XSTATE_BV + 8, UINT64_C (1) << 63 | image[XAREA_XSTATE_BV] | rng_below (&g->rng, 8));
  if (rng_chance (&g->rng, 10))   /* a reserved bit; no processor has a component above 23 */
    {
      unsigned byte = 3 + rng_below (&g->rng, 58);   /* not the first three bytes of XSTATE_BV and of XCOMP_BV */
      image[XAREA_XSTATE_BV + (byte < 8 ? byte : byte + 3)] ^= 1u << rng_below (&g->rng, 8);
    }
  for (unsigned i = 0; i < 16; i++)
    memcpy (image + XAREA_YMM + 16 * i, values_vector (&g->rng, VALUES_MIXED), 16);
}

static void
tweak_fs_base (Generator *g)
{
  if (rng_chance (&g->rng, 80))
    generator_set_operand (g, &g->d.op[0], (uint64_t) ((int64_t) (rng_u64 (&g->rng) << 16) >> 16));
}

static void
tweak_int (Generator *g)
{
  uint8_t *vector = g->bytes + g->d.insn.raw.imm[0].offset;
  if (*vector == 0x80)   /* a system call */
    *vector = 0x81;
}

/* PUSH of a segment register, 32 bits: AMD zero-extends, newer Intel processors write the selector only (SDM, PUSH). */
static void
tweak_push (Generator *g)
{
  if (g->d.insn.operand_width == 32 && g->d.op[0].type == ZYDIS_OPERAND_TYPE_REGISTER
      && ZydisRegisterGetClass (g->d.op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT)
    generator_ignore_memory (g, (uint32_t) g->c->in.gpr[RSP] - 2u, 2);
}

/* Selectors whose descriptors are the same for a Linux process and in engine.c: null, kernel and user segments, the
 * TSS, empty entries, beyond the limit, LDT. Not the one that tells a process its CPU's number. */
static uint16_t
random_selector (Generator *g)
{
  static const uint16_t selectors[16] = { 0x00, 0x03, 0x08, 0x10, 0x13, 0x18, 0x20, 0x23,
                                          0x28, 0x2b, 0x30, 0x33, 0x40, 0x63, 0x80, 0x07 };
  return selectors[rng_below (&g->rng, 16)];
}

static void
tweak_selector (Generator *g)
{
  unsigned operand = g->d.insn.operand_count_visible - 1;
  generator_set_operand (g, &g->d.op[operand], random_selector (g) | rng_u64 (&g->rng) << 16);
}

static bool
loads_segment (const Decoded *d)
{
  return d->op[0].type == ZYDIS_OPERAND_TYPE_REGISTER
         && ZydisRegisterGetClass (d->op[0].reg.value) == ZYDIS_REGCLASS_SEGMENT
         && (d->op[0].actions & ZYDIS_OPERAND_ACTION_MASK_WRITE);
}

static void
tweak_load_segment (Generator *g)
{
  if (loads_segment (&g->d))
    generator_set_operand (g, g->d.insn.mnemonic == ZYDIS_MNEMONIC_POP ? generator_memory_operand (g) : &g->d.op[1],
                           random_selector (g) | rng_u64 (&g->rng) << 16);
}

/* The selector is behind the offset. */
static void
tweak_far_pointer (Generator *g)
{
  const ZydisDecodedOperand *op = generator_memory_operand (g);
  uint8_t *data = generator_add_patch (g->c, generator_effective_address (g, &op->mem) + op->size / 8 - 2, 2);
  uint16_t selector = random_selector (g);
  if (data != NULL)
    memcpy (data, &selector, 2);
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
  { ZYDIS_MNEMONIC_INT, tweak_int },           { ZYDIS_MNEMONIC_PUSH, tweak_push },
  { ZYDIS_MNEMONIC_MOV, tweak_load_segment },  { ZYDIS_MNEMONIC_POP, tweak_load_segment },
  { ZYDIS_MNEMONIC_LDS, tweak_far_pointer },   { ZYDIS_MNEMONIC_LES, tweak_far_pointer },
  { ZYDIS_MNEMONIC_LFS, tweak_far_pointer },   { ZYDIS_MNEMONIC_LGS, tweak_far_pointer },
  { ZYDIS_MNEMONIC_LSS, tweak_far_pointer },
  { ZYDIS_MNEMONIC_LAR, tweak_selector },      { ZYDIS_MNEMONIC_LSL, tweak_selector },
  { ZYDIS_MNEMONIC_VERR, tweak_selector },     { ZYDIS_MNEMONIC_VERW, tweak_selector },
};

void
generator_apply_tweaks (Generator *g)
{
  if (generator_is_string (&g->d.insn))
    tweak_counter (g);
  for (unsigned i = 0; i < G_N_ELEMENTS (tweaks); i++)
    if (tweaks[i].mnemonic == g->d.insn.mnemonic)
      tweaks[i].tweak (g);
}
