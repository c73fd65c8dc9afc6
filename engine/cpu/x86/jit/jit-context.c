/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Which code an address means: modes, address spaces, and the table of known jumps.
 *
 * A jump's key is its RIP XOR 64 random bits, which stand for a mode together with a state of the translations: user code
 * gets new ones whenever the TLB of its address space is flushed, supervisor code only with the global pages, unless its own
 * page is not global. They are random and secret so that a guest cannot make up a RIP (most are not canonical, and RET takes
 * any) that is a known jump of another mode.
 */
#include "jit.h"

#include "x86-sys.h"

#define NO_KEY 0

/* --- Mode --------------------------------------------------------------------------------------------------------- */

static bool
sse_works (const VtX86Cpu *cpu)
{
  const VtX86State *s = &cpu->s;
  uint32_t masks = s->mxcsr >> 7 & 0x3f;
  return (s->cr0 & (X86_CR0_EM | X86_CR0_TS)) == 0 && (s->cr4 & X86_CR4_OSFXSR) && masks == 0x3f;
}

static bool
x87_works (const VtX86Cpu *cpu)
{
  const VtX86State *s = &cpu->s;
  return (s->cr0 & (X86_CR0_EM | X86_CR0_TS)) == 0 && (s->fcw & 0x3f) == 0x3f && (s->fsw & 0x80) == 0;
}

static bool
avx_works (const VtX86Cpu *cpu)
{
  return (cpu->s.cr4 & X86_CR4_OSXSAVE) && (cpu->s.xcr0 & 6) == 6;
}

unsigned
vt_jit_mode (const VtX86Cpu *cpu)
{
  unsigned mode = (unsigned) cpu->tlb_kind << JIT_MODE_KIND_SHIFT;
  if (G_UNLIKELY (cpu->check_align))
    return JIT_MODE_NONE;
  if (G_LIKELY (cpu->code_bits == 64))
    mode |= JIT_MODE_CODE64;
  else if (cpu->code_bits != 32 || cpu->stack_bits != 32 || !cpu->flat || cpu->s.seg[VT_CS].base != 0
           || cpu->s.seg[VT_CS].limit != UINT32_MAX)
    mode |= JIT_MODE_SEGMENTED | (cpu->code_bits == 16 ? JIT_MODE_CODE16 : 0) | (cpu->stack_bits == 16 ? JIT_MODE_STACK16 : 0);
  if (G_UNLIKELY (cpu->cpl == 1 || cpu->cpl == 2))
    mode |= JIT_MODE_RINGS;
  if (sse_works (cpu))
    mode |= JIT_MODE_SSE | (avx_works (cpu) ? JIT_MODE_AVX : 0);
  if (x87_works (cpu))
    mode |= JIT_MODE_X87;
  return mode;
}

/* --- Identifiers -------------------------------------------------------------------------------------------------- */

static uint64_t
random_bits (void)
{
  return (uint64_t) g_random_int () << 32 | g_random_int ();
}

static uint64_t
generation (const VtX86Cpu *cpu, unsigned kind)
{
  if (kind == VT_X86_TLB_USER)
    return cpu->user_generation << 1 | 1;
  return cpu->global_generation << 1;
}

static uint64_t
bits_for (VtJit *jit, unsigned mode)
{
  unsigned kind = (mode & JIT_MODE_KIND) >> JIT_MODE_KIND_SHIFT;
  uint64_t now = generation (jit->cpu, kind);
  const VtX86Seg *cs = &jit->cpu->s.seg[VT_CS];
  bool segmented = (mode & JIT_MODE_SEGMENTED) != 0;
  uint32_t base = segmented ? (uint32_t) cs->base : 0, limit = segmented ? cs->limit : 0;
  uint64_t code = ((uint64_t) base << 32 | limit) * UINT64_C (0x9e3779b97f4a7c15) >> 54;
  VtJitContext *c = &jit->contexts[kind][(now * 5 + mode + code) % JIT_CONTEXTS];
  if (G_UNLIKELY (c->bits == 0 || c->generation != now || c->mode != mode || c->code_base != base || c->code_limit != limit))
    *c = (VtJitContext) { .generation = now, .mode = (uint16_t) mode, .bits = random_bits (), .code_base = base,
                          .code_limit = limit };
  return c->bits;
}

void
vt_jit_set_context (VtJit *jit, unsigned mode)
{
  VtX86Translated *t = &jit->cpu->translated;
  for (unsigned kind = 0; kind < VT_X86_TLB_COUNT; kind++)
    t->contexts[kind] = bits_for (jit, (mode & ~(JIT_MODE_KIND | JIT_MODE_RINGS)) | kind << JIT_MODE_KIND_SHIFT);
  t->context = mode & JIT_MODE_RINGS ? bits_for (jit, mode) : t->contexts[(mode & JIT_MODE_KIND) >> JIT_MODE_KIND_SHIFT];
}

/* --- Known jumps -------------------------------------------------------------------------------------------------- */

/* By key, so that programs which run the same code in two address spaces do not take each other's places. */
static unsigned
jump_slot (uint64_t key)
{
  return (unsigned) ((uint32_t) key ^ (uint32_t) (key >> 9)) & (VT_X86_JIT_JUMPS - 1);
}

static unsigned
spare_slot (uint64_t key)
{
  return (unsigned) (key >> JIT_SPARE_SHIFT ^ key) & (VT_X86_JIT_JUMPS - 1);
}

const void *
vt_jit_find_jump (VtX86Cpu *cpu, uint64_t rip)
{
  const VtX86Translated *t = &cpu->translated;
  uint64_t key = rip ^ t->context;
  if (t->jump_key[jump_slot (key)] == key)
    return t->jump_code[jump_slot (key)];
  return t->spare_key[spare_slot (key)] == key ? t->spare_code[spare_slot (key)] : NULL;
}

void
vt_jit_add_jump (VtX86Cpu *cpu, uint64_t rip, const void *code)
{
  VtX86Translated *t = &cpu->translated;
  uint64_t key = rip ^ t->context;
  unsigned slot = jump_slot (key), spare = spare_slot (t->jump_key[slot]);
  if (t->jump_key[slot] != key)
    {
      t->spare_key[spare] = t->jump_key[slot];
      t->spare_code[spare] = t->jump_code[slot];
    }
  t->jump_key[slot] = key;
  t->jump_code[slot] = code;
  vt_x86_note_code_page (cpu, vt_jit_linear (cpu, rip));
}

void
vt_jit_forget_jump (VtX86Cpu *cpu, uint64_t rip)
{
  VtX86Translated *t = &cpu->translated;
  uint64_t key = rip ^ t->context;
  if (t->jump_key[jump_slot (key)] == key)
    t->jump_key[jump_slot (key)] = NO_KEY;
  if (t->spare_key[spare_slot (key)] == key)
    t->spare_key[spare_slot (key)] = NO_KEY;
}

void
vt_jit_clear_jumps (VtX86Cpu *cpu)
{
  for (unsigned i = 0; i < VT_X86_JIT_JUMPS; i++)
    cpu->translated.jump_key[i] = cpu->translated.spare_key[i] = NO_KEY;
  memset (cpu->code_pages, 0, sizeof (cpu->code_pages));
}
