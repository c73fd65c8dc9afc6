/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Decoded code, by the RAM it came from.
 *
 * A block is a run of instructions up to a branch or the end of a page.  It is valid while the page versions are those it
 * was decoded from; VT_PAGE_CODE makes whoever writes to code bump the version.  Memory is an arena of fixed size: when it is full,
 * everything goes.  One cache per vCPU, used by its thread only.
 *
 * Where code and data share a page (boot loaders do that) the version moves with every other store. A block that was found
 * unchanged several times is from then on compared with memory at each execution, which needs no barrier against others.
 */
#pragma once

#include "decode.h"
#include "x86-cpu.h"

#define VT_X86_MAX_BLOCK 32u   /* instructions */

typedef struct VtX86CodeCache VtX86CodeCache;

typedef struct VtX86Block
{
  struct VtX86Block *chain;        /* next in the hash bucket */
  const uint8_t     *host;         /* first byte: the key, with code_bits */
  const uint32_t    *version;      /* of the page, now ... */
  uint32_t           seen;         /* ... and when decoded */
  uint16_t           n;            /* instructions */
  uint16_t           bytes;        /* of the instructions */
  uint16_t           looked_at;    /* bytes that decided what they are: more, behind an undefined one */
  uint8_t            code_bits;
  uint8_t            tail;         /* VtX86Tail of the last instruction */
  bool               cached;       /* false: good for one execution, then it must be looked for again */
  bool               compared;     /* its page is written all the time: valid while the bytes are the same */
  uint8_t            rescued;      /* times that the page had changed, but not these bytes */
  uint8_t            calm;         /* executions since the page was last written, while compared */
  uint32_t           compared_at;  /* the page's version then; `seen` stays old, so that no jump goes around the comparison */
  const uint8_t     *raw;          /* copy of the bytes looked at */
  VtX86Insn          insn[];
} VtX86Block;

/* Where code is. */
typedef struct
{
  const uint8_t *host;       /* of the first byte; NULL when not RAM */
  VtRam         *ram;
  uint64_t       ram_page;   /* number */
  uint64_t       gpa;
  unsigned       left;       /* bytes to the end of the page */
  bool           global;     /* the translation is */
} VtX86CodeSource;

VtX86CodeCache *vt_x86_code_cache_new (const VtX86Model *model);
void            vt_x86_code_cache_free (VtX86CodeCache *cache);
/* Forgets everything, and gives its memory back to the host. Not while a block is in use. */
void            vt_x86_code_cache_give_back (VtX86CodeCache *cache);
/* The block at a linear address, for the current mode and privilege; fetch faults unwind. Valid until the next call. */
const VtX86Block *vt_x86_code_find (VtX86CodeCache *cache, VtX86Cpu *cpu, uint64_t linear);

/* Where the code at a linear address is, for the current privilege; fetch faults unwind. */
void vt_x86_code_source (VtX86Cpu *cpu, uint64_t linear, VtX86CodeSource *out);
/* From now on every write to `len` bytes there, as far as they are in the page, bumps its version: returns the one to check
 * against. */
uint32_t vt_x86_code_watch (VtX86CodeCache *cache, const VtX86Cpu *cpu, const VtX86CodeSource *source, unsigned len);

/* Decodes outside the cache. */
VtX86DecodeResult vt_x86_code_decode (VtX86CodeCache *cache, const uint8_t *bytes, unsigned len, unsigned code_bits,
                                      VtX86Insn *out, VtX86Tail *tail);

static inline bool
vt_x86_block_current (const VtX86Block *block)
{
  return __atomic_load_n (block->version, __ATOMIC_RELAXED) == block->seen;
}
