/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random bytes as an instruction: do both processors agree on what is one? Opcode maps, prefixes and ModRM are drawn so
 * that unused encodings next to used ones come often.
 */
#include "generate.h"

#include "generator.h"
#include "undefined.h"
#include "vendor.h"

#include <string.h>

#define START 40u

static unsigned
random_prefixes (Generator *g)
{
  static const uint8_t prefixes[] = { 0x66, 0xf2, 0xf3, 0x66, 0xf2, 0xf3, 0xf0, 0x67, 0x64, 0x2e, 0x36 };
  unsigned n = 0;
  while (n < 4 && rng_chance (&g->rng, 35))
    g->bytes[n++] = prefixes[rng_below (&g->rng, sizeof prefixes)];
  if (g->c->mode == MODE_64 && rng_chance (&g->rng, 30))
    g->bytes[n++] = 0x40 | rng_below (&g->rng, 16);
  return n;
}

static void
random_bytes (Generator *g)
{
  for (unsigned i = 0; i < sizeof g->bytes; i += 8)
    {
      uint64_t r = rng_u64 (&g->rng);
      memcpy (g->bytes + i, &r, 8);
    }
  unsigned n = random_prefixes (g);
  switch (rng_below (&g->rng, 8))
    {
    case 0:
    case 1:
    case 2:
      g->bytes[n] = 0x0f;
      break;
    case 3:
      g->bytes[n] = 0x0f, g->bytes[n + 1] = 0x38;
      break;
    case 4:
      g->bytes[n] = 0x0f, g->bytes[n + 1] = 0x3a;
      break;
    case 5:
      g->bytes[n] = 0xc4, g->bytes[n + 1] = (g->bytes[n + 1] & 0xe0) | (1 + rng_below (&g->rng, 3));
      if (g->c->mode == MODE_32)
        g->bytes[n + 1] |= 0xc0;
      break;
    case 6:
      g->bytes[n] = 0xc5;
      if (g->c->mode == MODE_32)
        g->bytes[n + 1] |= 0xc0;
      break;
    default:
      break;
    }
}

/* Encodings that Zydis refuses and the host takes for what the tested processor does not have: opmask instructions of
 * AVX-512 with bits that do not matter; VPERMQ and VPERMPD without VEX.W; LOCK with system instructions (on AMD, LOCK
 * MOV CR0 is MOV CR8, and LOCK is ignored by the 0F 00 group); VMCALL; XOP. */
static bool
host_only (const uint8_t *bytes)
{
  bool lock = false;
  while (strchr ("\x66\xf2\xf3\xf0\x67\x64\x65\x26\x2e\x36\x3e", *bytes) != NULL && *bytes != 0)
    lock |= *bytes++ == 0xf0;
  if (bytes[0] >= 0x40 && bytes[0] <= 0x4f)
    bytes++;
  unsigned map = bytes[0] == 0xc5 ? 1 : bytes[0] == 0xc4 ? bytes[1] & 31 : 0;
  unsigned opcode = bytes[0] == 0xc5 ? bytes[2] : bytes[3];
  if (map == 1)
    return (opcode & 0xf0) == 0x40 || (opcode & 0xf0) == 0x90;
  if (map == 3)
    return (opcode & 0xfc) == 0x30 || (opcode & 0xfe) == 0x00;
  if (bytes[0] == 0x8f || (bytes[0] == 0x0f && bytes[1] == 0x01 && bytes[2] == 0xc1))
    return true;
  return lock && bytes[0] == 0x0f && (bytes[1] == 0x00 || (bytes[1] & 0xfc) == 0x20);
}

/* An instruction that both have: as in generate.c. */
static bool
prepare_valid (Generator *g)
{
  if (g->d.insn.meta.branch_type != ZYDIS_BRANCH_TYPE_NONE || g->d.insn.meta.category == ZYDIS_CATEGORY_RET)
    return false;
  generator_choose_kind (g);
  generator_random_state (g);
  generator_place_memory (g);
  generator_apply_tweaks (g);
  if (!generator_decode_again (g) || undefined_result (&g->d, &g->c->in))
    return false;
  g->c->string = generator_is_string (&g->d.insn);
  g->c->vendor = vendor_rules (&g->d);
  generator_describe_memory (g);
  generator_choose_looseness (g);
  Undefined undefined = undefined_after (&g->d, &g->c->in);
  g->c->rflags_ignored = undefined.rflags;
  g->c->fsw_ignored = undefined.fsw;
  return true;
}

bool
generate_raw (Case *c, Mode mode, uint64_t seed, uint64_t number, uint32_t slot)
{
  Generator g = { .c = c };
  rng_seed (&g.rng, seed * 37 + number * 2 + mode);
  memset (c, 0, offsetof (Case, patches));
  c->n_patches = c->patch_data_len = 0;
  c->mode = mode;
  c->number = number;
  c->slot = slot;
  c->start = START;
  g.rip = slot + START;
  g.address_width = mode == MODE_64 ? 64 : 32;
  random_bytes (&g);
  Decoded any;
  bool known = forms_decode_any (mode, g.bytes, 15, &any);
  if (known && (!generator_decode_again (&g) || !prepare_valid (&g)))
    return false;
  if (!known && host_only (g.bytes))
    return false;
  if (!known)
    {
      c->maybe_too_long = true;
      generator_random_state (&g);
      g.len = 15;
    }
  c->in.rip = g.rip;
  c->n_insns = 1;
  c->insn_len[0] = c->code_len = g.len;
  c->slot_len = LAYOUT_SLOT_SIZE;
  memset (c->code, SLOT_FILLER, LAYOUT_SLOT_SIZE);
  memcpy (c->code + c->start, g.bytes, g.len);
  generator_put_landing (c, c->start + g.len);
  return true;
}
