/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The translator: guest x86 code to host x86-64 code.
 *
 * A region is guest code of one 4 KiB page that can be reached from its first instruction by branches, as far as it has
 * been executed before.  It is found by the RAM that it came from and the mode it runs in, so that address spaces share
 * translations: where code needs its own linear address it adds an offset to `page_rip`.
 *
 * Translated code never raises and never touches a device.  Whatever is not plain leaves to the run loop with RIP at the
 * instruction, and the interpreter executes it.
 *
 * One translator per vCPU, used by its thread only.
 */
#pragma once

#include "code-cache.h"
#include "code-memory.h"
#include "emit.h"
#include "jit-techniques.h"
#include "x86-cpu.h"

/* Arithmetic flags, as sets. */
enum
{
  F_CF = 1u << 0,
  F_PF = 1u << 1,
  F_AF = 1u << 2,
  F_ZF = 1u << 3,
  F_SF = 1u << 4,
  F_OF = 1u << 5,
  F_ALL = 63,
};

/* What translated code depends on besides bytes and RIP. */
enum
{
  JIT_MODE_CODE64   = 1u << 0,   /* else 32-bit code */
  JIT_MODE_KIND     = 3u << 1,   /* VT_X86_TLB_* */
  JIT_MODE_SSE      = 1u << 3,   /* SSE instructions execute, and no SIMD exception is unmasked */
  JIT_MODE_AVX      = 1u << 4,
  JIT_MODE_X87      = 1u << 5,   /* x87 instructions execute, and no exception is unmasked */
  JIT_MODE_RINGS    = 1u << 6,   /* CPL 1 or 2: a supervisor for paging, but not for instructions */
  JIT_MODE_CODE16   = 1u << 7,
  JIT_MODE_SEGMENTED = 1u << 8,  /* segments have bases and limits (jit-segment.c); 16-bit code always */
  JIT_MODE_STACK16  = 1u << 9,   /* SP, not ESP; only with JIT_MODE_SEGMENTED */
  JIT_MODE_EDGE     = 1u << 10,  /* of a region alone: its page lies only partly in the code segment */
  JIT_MODE_NONE     = 0xffff,    /* nothing is translated in this mode */
};
#define JIT_MODE_KIND_SHIFT 1
#define VT_JIT_NO_PLACE UINT32_MAX

/* Offsets below it have 8 bytes to the page's end. Smaller accesses of the stack beyond are not for its window. */
#define JIT_STACK_ROOM (VT_PAGE_SIZE - 7)

/* What vt_jit_fill() is asked for: a size, and */
#define JIT_FILL_SIZE  0x3ffu
#define JIT_FILL_WRITE 0x400u
#define JIT_FILL_STACK 0x800u   /* also the stack's window */
#define JIT_FILL_COPY  0x1000u  /* loads across a page's end may be made from a copy */
/* Results of vt_jit_try_fill(). */
enum { JIT_FILLED, JIT_NOT_FILLED, JIT_PAST };
#define JIT_WHERE_SHIFT 16
#define JIT_NOWHERE 0xffffu
/* In `where` of vt_jit_op(): the offset, the mode above JIT_WHERE_SHIFT, and */
#define JIT_OP_NO_FLAGS 0x80000000u   /* it neither reads nor writes arithmetic flags */

typedef struct VtJit       VtJit;
typedef struct VtJitPage   VtJitPage;
typedef struct VtJitRegion VtJitRegion;
typedef struct VtJitFar    VtJitFar;
typedef struct VtJitLockstep VtJitLockstep;

/* Why translated code was left (VtX86Translated.exit_kind). */
enum
{
  JIT_EXIT_LOOKUP = VT_LEAVE_LOOKUP,         /* RIP is somewhere else */
  JIT_EXIT_LINK = VT_LEAVE_LINK,             /* RIP is in the same page; exit_arg is the link to make once it is translated */
  JIT_EXIT_INTERPRET = VT_LEAVE_INTERPRET,   /* the instruction at RIP is for the interpreter */
  JIT_EXIT_DEAD = VT_LEAVE_DEAD,             /* the region at RIP is no more */
  JIT_EXIT_POLL = VT_LEAVE_POLL,             /* a request is waiting */
  JIT_EXIT_COUNT,
};

/* Ways into a region. */
typedef enum
{
  JIT_WAY_HOST,         /* arithmetic flags are the host's */
  JIT_WAY_MEM,          /* they are in memory (translated.flags) */
  JIT_WAY_BACK,         /* the same, from a call: requests were looked at when it began */
  JIT_WAYS,
} VtJitWay;

/* A direct jump out of a region to the same page. */
typedef struct
{
  uint8_t *site;        /* its displacement, writable mapping */
  VtJitWay way;
  bool     hot;         /* `site` is the head of a loop, which shall be a jump to a region of its own (jit-hot.h) */
} VtJitLink;

struct VtJitRegion
{
  VtJitRegion   *chain;        /* hash bucket */
  VtJitRegion   *page_next;    /* of the same page */
  VtJitPage     *page;
  const uint8_t *host;         /* of the first guest byte */
  uint16_t       mode, offset;
  uint16_t       low, high;    /* first and last byte in the page that have to be in the code segment, if that has a limit */
  uint8_t        live_in;      /* arithmetic flags that somebody needs at its start */
  bool           dead;
  bool           hot;          /* it is of the second tier (jit-hot.h) */
  uint8_t       *entry[JIT_WAYS];   /* writable mapping */
  uint8_t       *dead_stub;    /* leaves with RIP at the region's start */
  /* One instruction across a page's end. Whoever jumps here has to ask whether the next page is still the same one: links go
   * to the thunks, which look the jump up. */
  VtJitRegion   *bridge_next;  /* of the second page */
  VtJitPage     *second;       /* NULL: an ordinary region */
  uint8_t       *thunk[JIT_WAYS];
  VtJitFar      *far_links;    /* jumps from other pages that are linked to it (jit-far.h) */
};

struct VtJitPage
{
  VtJitPage      *chain;
  VtRam          *ram;
  uint64_t        number;      /* of the page in ram */
  const uint32_t *version;
  uint32_t        seen;
  VtJitRegion    *regions;
  VtJitRegion    *bridges;     /* that end in this page */
  uint32_t        deaths;      /* times that a write dropped regions */
  uint32_t        refused;     /* translations since the last death that were left to the interpreter */
};

/* Shared pieces of code at the start of the buffer, writable mapping. */
typedef struct
{
  uint8_t *enter;              /* uint32_t (*) (const void *code), executable mapping */
  uint8_t *exit_mem, *exit_host;
  /* Jumped to with T0d the offset of RIP from the page's start, and for links T1d the link; [1]: flags are in memory. */
  uint8_t *leave[JIT_EXIT_COUNT];
  uint8_t *leave_link[2];
  uint8_t *fill[2];            /* [1]: vector registers are live afterwards */
  uint8_t *try_fill[2];
  uint8_t *op[2];
  uint8_t *wrote[2];
  uint8_t *vec_load;
  uint8_t *x87_load[2];
  uint8_t *system;             /* jumped to */
  /* jit-system.c; jumped to with flags in memory. */
  uint8_t *jump;               /* T0: RIP */
  uint8_t *syscall, *sysret;   /* T0: RIP behind it, SLOT_CODE: where to go when the case is not a plain one */
  uint8_t *lookup;
  uint8_t *far, *far_go;       /* jit-far.c */
  uint8_t *other_return;       /* jumped to when a RET did not come back where its call was */
  uint8_t *make_flags;         /* function: to memory what translated.flags_site knows; T0, T1 are lost */
  uint8_t *store;              /* jit-lockstep.c */
} VtJitStubs;

/* Code memory that is filled from its start, writable mapping. What regions commonly run is apart from their slow paths, which
 * are more bytes: so it lies in fewer lines and pages of the host. Up to `prepared` it has been told that it will be filled. */
typedef struct
{
  uint8_t *start, *at, *prepared, *end;
} VtJitArea;

#define JIT_REGION_BUCKETS 16384u
#define JIT_PAGE_BUCKETS   4096u
#define JIT_HEAT_SLOTS     65536u
#define JIT_CONTEXTS       1024u

/* See jit-context.c. */
typedef struct
{
  uint64_t generation;         /* of the address space, or of global pages */
  uint64_t bits;               /* for all together; 0: unused */
  uint16_t mode;
  uint32_t code_base, code_limit;   /* of the code segment, if it has any */
} VtJitContext;

/* See jit-rest.c. */
typedef struct
{
  int64_t run_since_ns, window_since_ns, busy_ns;
  size_t  in_use;              /* bytes of code that an idle guest came to in a window */
  bool    measure;             /* everything was dropped when this window began */
} VtJitRest;

struct VtJit
{
  VtX86Cpu     *cpu;
  VtCodeMemory  memory;
  VtJitStubs    stubs;         /* at its start, in the writable mapping */
  VtJitArea     common, rare;  /* behind them */
  GArray       *links;         /* VtJitLink */
  VtJitRegion  *bucket[JIT_REGION_BUCKETS];
  VtJitPage    *pages[JIT_PAGE_BUCKETS];
  uint8_t       heat[JIT_HEAT_SLOTS];
  uint64_t      heat_ups, soon_until;
  unsigned      pauses;
  VtJitContext  contexts[VT_X86_TLB_COUNT][JIT_CONTEXTS];   /* apart, so that those in use at once never share a place */
  size_t        arena_used;
  uint64_t      code_writes;   /* vt_ram_code_writes() when we last looked */
  bool          flags_here;    /* an operation runs that has nothing to do with arithmetic flags: they are still in `translated` */
  uint32_t      techniques;    /* VT_JIT_*: those that code is made with */
  bool          exact_flags;   /* every flag is right wherever code can be left (tests, cosim) */
  bool          eager;         /* translates what never ran (tests) */
  bool          scatter;       /* regions keep any three registers in memory (tests) */
  unsigned      drops;         /* times that everything was dropped: links from before mean nothing */
  bool          full;          /* out of room: drop everything before the next translation */
  bool          counting;      /* translations count the instructions they execute (jit-count.c) */
  bool          inside;        /* translated code runs, or was left by an exception */
  VtJitRest     rest;
  VtJitLockstep *lockstep;     /* everything is compared with the interpreter; NULL: not */
  struct VtJitTr *tr;          /* the one translation under way */
  /* Behind the tables, so that they share a large page. JIT_ARENA_BYTES: regions, pages, instructions for helpers. */
  _Alignas (64) uint8_t arena[];
};

#define JIT_ARENA_BYTES (16 * VT_MIB)

/* --- jit-cache.c: regions and pages ------------------------------------------------------------------------------------ */

bool  vt_jit_cache_init (VtJit *jit, GError **error);
void  vt_jit_cache_free (VtJit *jit);
/* The code memory from `start`, which is behind the stubs in the writable mapping, into areas. */
void  vt_jit_cache_divide (VtJit *jit, uint8_t *start);
/* What ran before has never run. The few things that an idle guest still does are translated soon: until then the interpreter's
 * tables come into the host's caches with them. */
void  vt_jit_cool (VtJit *jit);
/* So many bytes more are about to be filled, as far as there are so many. */
void  vt_jit_area_prepare (const VtJit *jit, VtJitArea *area, size_t bytes);
/* In use by regions. */
static inline size_t
vt_jit_code_bytes (const VtJit *jit)
{
  return (size_t) (jit->common.at - jit->common.start) + (size_t) (jit->rare.at - jit->rare.start);
}

/* Everything goes. */
void  vt_jit_drop_all (VtJit *jit);
/* After that: memory to the host. */
void  vt_jit_cache_give_back (VtJit *jit);
/* From the arena; NULL and `full` when there is no room. Zeroed. */
void *vt_jit_alloc (VtJit *jit, size_t size);
/* An encoder that goes on there, in the writable mapping, up to `end`. */
VtEmit vt_jit_emit_from (const VtJit *jit, uint8_t *at, uint8_t *end);
/* A region that is good now; NULL when there is none. */
/* It may be a bridge to the page after `linear`; fetch faults there unwind. */
VtJitRegion *vt_jit_find_region (VtJit *jit, const VtX86CodeSource *source, uint64_t linear, unsigned mode);
/* The region's code at rip, entered in the table of known jumps. NULL: it may not be entered there. */
const void *vt_jit_make_known (VtJit *jit, const VtJitRegion *region, uint64_t rip, const VtX86CodeSource *source);
/* The same for a page that is in the TLB for fetches; NULL when there is no region. `mode`: vt_jit_mode(). */
const void *vt_jit_find_translated (VtJit *jit, uint64_t rip, unsigned mode);
/* Is the page in the TLB for fetches, so that nothing there can fault? */
bool  vt_jit_may_fetch (const VtX86Cpu *cpu, uint64_t rip);
/* The region there, where nothing can fault that is found out on the way; no bridges. */
VtJitRegion *vt_jit_translated_at (VtJit *jit, uint64_t rip, unsigned mode);
/* The region that starts at a place of a page whose regions are good; no bridges. */
const VtJitRegion *vt_jit_region_at (const VtJit *jit, const uint8_t *host, unsigned mode);
/* Registers a finished region. */
void  vt_jit_add_region (VtJit *jit, VtJitRegion *region);
/* The page's record; its regions are dropped when the page has been written since. NULL when there is no room. */
VtJitPage *vt_jit_page (VtJit *jit, VtRam *ram, uint64_t number);
/* Is the page written so often that its code had better stay in the interpreter for now? Counts the question. */
bool  vt_jit_is_restless (VtJit *jit, const VtRam *ram, uint64_t number);
/* Drops the regions of the pages that were written since it was last asked. */
void  vt_jit_drop_written (VtJit *jit);
/* Counts an execution by the interpreter; true when it is time to translate. */
bool  vt_jit_heat_up (VtJit *jit, const uint8_t *host, uint32_t version);
bool  vt_jit_is_warm (const VtJit *jit, const uint8_t *host, uint32_t version);
/* Whoever comes to `old` goes to `region` from now on, which starts at the same place. */
void  vt_jit_replace (VtJit *jit, VtJitRegion *old, const VtJitRegion *region);
/* Makes the link jump straight to the region. */
void  vt_jit_link (VtJit *jit, uint32_t link, VtJitRegion *region);

/* --- jit-context.c: what addresses mean at the moment ------------------------------------------------------------------- */

/* JIT_MODE_*, from the vCPU's state. */
unsigned vt_jit_mode (const VtX86Cpu *cpu);
/* Sets cpu->translated.context for the mode and the current address space. */
void  vt_jit_set_context (VtJit *jit, unsigned mode);
#define JIT_SPARE_SHIFT 17   /* for the hash of the jumps' second table */
const void *vt_jit_find_jump (VtX86Cpu *cpu, uint64_t rip);
void  vt_jit_add_jump (VtX86Cpu *cpu, uint64_t rip, const void *code);
void  vt_jit_forget_jump (VtX86Cpu *cpu, uint64_t rip);
void  vt_jit_clear_jumps (VtX86Cpu *cpu);

/* --- jit-segment.c: segments outside 64-bit mode ------------------------------------------------------------------------- */

static inline uint64_t
vt_jit_linear (const VtX86Cpu *cpu, uint64_t rip)
{
  return cpu->code_bits == 64 ? rip : (uint32_t) (cpu->s.seg[VT_CS].base + rip);
}

/* RIP of the first byte of the page; negative where the segment begins inside it. */
static inline uint64_t
vt_jit_page_rip (const VtX86Cpu *cpu, uint64_t rip)
{
  return rip - (vt_jit_linear (cpu, rip) & VT_PAGE_MASK);
}

/* The mode of a region at rip, where the vCPU's is `mode`. */
unsigned vt_jit_region_mode (const VtX86Cpu *cpu, unsigned mode, uint64_t rip);
/* Is RIP in the code segment? */
bool  vt_jit_in_code_segment (const VtX86Cpu *cpu, unsigned mode, uint64_t rip);
/* Is all of the region, when it starts at rip? */
bool  vt_jit_may_enter (const VtX86Cpu *cpu, const VtJitRegion *region, uint64_t rip);
/* Which offsets of a page may be part of a region. */
void  vt_jit_code_range (const VtX86Cpu *cpu, unsigned mode, uint64_t page_rip, int32_t *low, int32_t *high);
/* Whenever segments may have changed: what translated code compares offsets with. */
void  vt_jit_set_segment_tops (VtX86Cpu *cpu);

/* --- jit-far.c ------------------------------------------------------------------------------------------------------------ */

/* Nobody jumps there directly any more. */
void  vt_jit_unlink_far (VtJit *jit, VtJitRegion *region);

/* --- jit-stubs.c ------------------------------------------------------------------------------------------------------- */

void  vt_jit_make_stubs (VtJit *jit);

/* For system instructions (jit-system.c). */
void  vt_jit_make_system_stubs (VtJit *jit, VtEmit *e);

static inline bool
vt_jit_has (const VtJit *jit, uint32_t technique)
{
  return (jit->techniques & technique) != 0;
}

/* --- Translation (translate.c) ------------------------------------------------------------------------------------------ */

/* The code at `source`, in this mode of regions. NULL: nothing there can be translated, or no room. `hot`: as a loop that runs
 * long. */
VtJitRegion *vt_jit_translate (VtJit *jit, VtX86CodeCache *cache, const VtX86CodeSource *source, uint64_t linear,
                               unsigned mode, bool hot);

/* --- jit-hot.c --- */
void vt_jit_reset_rounds (VtX86Cpu *cpu);

/* --- Flags between translated code and the interpreter (jit-helpers.c) --- */
void vt_jit_flags_to_state (VtX86Cpu *cpu);
void vt_jit_flags_from_state (VtX86Cpu *cpu);

/* After translated code: the x87 state from where it was put, if it was. */
void vt_jit_x87_from_image (VtX86Cpu *cpu);

/* --- Called from translated code (jit-helpers.c) ------------------------------------------------------------------------- */

/* Translated code calls what is marked so without saving a register. */
#ifdef __x86_64__
#define VT_JIT_KEEPS_REGISTERS __attribute__ ((no_caller_saved_registers))
#else
#define VT_JIT_KEEPS_REGISTERS
#endif
typedef void (*VtJitKeepingCall) (uint64_t t0, uint64_t t1) VT_JIT_KEEPS_REGISTERS;

/* All of these set RIP and exit_kind when translated code has to leave. `where` is the offset from the page's start of the
 * instruction that asks, or of what follows it, shifted by JIT_WHERE_SHIFT. */

/* Makes the TLB entry for an access that missed. `what`: JIT_FILL_*, size, and where. JIT_FILLED: try again; JIT_PAST: go on
 * behind the check, with translated.past_addend (or, for the stack, what its window holds now). */
uint32_t vt_jit_fill (VtX86Cpu *cpu, uint64_t linear, uint32_t what);
/* First, and without saving a register: does the TLB have it after all, in its second level? Says so in translated.refilled. */
VT_JIT_KEEPS_REGISTERS void vt_jit_refill (uint64_t linear, uint64_t what);
/* The same as vt_jit_fill() without leaving. */
uint32_t vt_jit_try_fill (VtX86Cpu *cpu, uint64_t linear, uint32_t what);
/* A store went to a flagged page. 0: go on. `host`: where it went, or 0: anywhere in the page. `flags_at`: the page's flags.
 * `what`: size, and where the next instruction is; none: go on in any case. */
uint32_t vt_jit_wrote (VtX86Cpu *cpu, uint64_t host, uint64_t flags_at, uint32_t what);
/* First, and without saving a register: was it beside the code of a page that nobody else watches? Says so in
 * translated.refilled. The size is in SLOT_ARG. */
VT_JIT_KEEPS_REGISTERS void vt_jit_wrote_beside (uint64_t host, uint64_t flags_at);
/* The code of a jump that is not in the table but translated; NULL: leave. `key`: RIP XOR context. `where`: the instruction
 * that jumps, which the interpreter shall do, or JIT_NOWHERE: leave at the target. */
const void *vt_jit_lookup (VtX86Cpu *cpu, uint64_t key, uint32_t where);
/* The same for a link of jit-far.c that does not know the address space. */
const void *vt_jit_far (VtX86Cpu *cpu, uint64_t rip, VtJitFar *link);
/* Writes the x87 state to the image that FRSTOR takes. */
uint32_t vt_jit_x87_to_image (VtX86Cpu *cpu);
/* Executes a system instruction. Where to go on, or NULL: leave, RIP says where. */
const void *vt_jit_system (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t where);
/* Executes an instruction of the interpreter's. 0: go on behind it; else RIP is where to go on. */
uint32_t vt_jit_op (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t where);
