/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One translation under way: what the parts of the translator share. */
#pragma once

#include "emit.h"
#include "jit-ops.h"
#include "jit-regs.h"
#include "jit.h"

#define STATE(member)      (offsetof (VtX86Cpu, s) + offsetof (VtX86State, member))
#define TRANSLATED(member) (offsetof (VtX86Cpu, translated) + offsetof (VtX86Translated, member))

/* Words in VtX86Translated.slots, by byte. */
enum
{
  SLOT_ARG   = 0,     /* third argument of a stub */
  SLOT_IDX   = 8,     /* T1 put away */
  SLOT_VALUE = 16,
  SLOT_CODE  = 24,    /* where an indirect branch goes */
  SLOT_PAGE  = 32,    /* and its page_rip */
  SLOT_KEEP  = 40,    /* T1 and T0 while a slow path needs them: nobody else's */
  SLOT_KEEP0 = 48,
  SLOT_GROUPS = 56,   /* 16 bytes for each group of a block: addend, and where the page's flags are */
};
#define JIT_GROUPS_PER_BLOCK 8u
G_STATIC_ASSERT (SLOT_GROUPS + 16 * JIT_GROUPS_PER_BLOCK == sizeof (((VtX86Translated *) 0)->slots));
static inline VtRm rm_slot (int32_t slot) { return rm_gs (TRANSLATED (slots) + (size_t) slot); }

#define JIT_MAX_GROUPS       128u

#define NOT_LOOKED 0xffu

#define JIT_MAX_INSNS  192u
#define JIT_MAX_BLOCKS 64u
#define JIT_MAX_SLOW   512u

typedef struct
{
  VtX86Insn  x;
  uint8_t    raw[VT_X86_MAX_INSN];
  uint16_t   off;            /* in the page */
  bool       run_start;      /* does not follow the one before it in the table */
  VtJitEnc   enc;
  VtJitOp    op;
  uint8_t    live_before, live_after;   /* flags whose values somebody needs */
  uint8_t    uncounted;      /* instructions of the block before it that are not counted yet (jit-count.c) */
  uint8_t    group[2];       /* 1 + index, of each memory access */
  bool       ends_shadow;    /* the STI before it holds interrupts back until it is done */
  uint8_t    writes;         /* bit by access */
  uint8_t    waits;          /* bit by access: a store that is not the block's last one to its group */
  uint8_t    unchecked;      /* by the group's slot: such stores before it have not been looked at */
} VtJitInsn;

/* How flags can be made again from registers, as long as those keep their values. */
typedef enum
{
  RECIPE_NONE,
  RECIPE_ADD,         /* a = something + b or imm */
  RECIPE_SUB,         /* a = something - b or imm */
  RECIPE_CMP,         /* a with b or imm */
  RECIPE_TEST,        /* a with b */
} VtJitRecipeKind;

typedef struct
{
  uint8_t  kind;             /* VtJitRecipeKind */
  uint8_t  a, b;             /* guest registers; b: VT_X86_NO_REG for imm */
  bool     wide;             /* 64 bits, else 32 */
  uint16_t insn;             /* that made them */
  int32_t  imm;
  int32_t  sp;               /* added to RSP since */
} VtJitRecipe;

typedef struct
{
  uint16_t first, n;
  uint8_t  live_in;
  bool     loop_head;        /* a backward branch comes here */
  bool     chained;          /* only the block before comes here, by falling through */
  uint8_t  n_ways_in;
  int16_t  next, taken;      /* block, or -1: outside */
  uint8_t *label;            /* NULL until emitted */
  uint16_t first_group, n_groups;   /* of a block and those chained to it */
  VtJitRecipe recipe;        /* of the flags at its end, if that jumps away */
} VtJitBlock;

/* Accesses that share a check (jit-groups.c). */
typedef struct VtJitGroup
{
  uint8_t  base, slot;
  uint8_t  n;                /* accesses */
  bool     write;            /* one of them at least */
  int32_t  min, max;         /* of the base, as it was when the block began for RSP */
  int32_t  head_sp;          /* what had been added to RSP at the head */
  uint16_t head;             /* instruction that checks ... */
  uint8_t  head_access;      /* ... at its first or second access */
  uint8_t *label;            /* of the head, in the block's second version */
} VtJitGroup;

typedef struct VtJitAddress
{
  uint8_t base, index, shift;   /* guest registers or VT_X86_NO_REG; RIP: VT_X86_REG_RIP */
  uint8_t size;                 /* of the address: 2, 4, 8 */
  uint8_t seg;                  /* VT_FS or VT_GS: base added; others: only where segments are not flat */
  int64_t disp;
  uint8_t bits;                 /* 5 or 6: a register's bit counts from there, in words of so many bits by shift; 0: not so */
  uint8_t bit;                  /* that register */
} VtJitAddress;

/* Where registers of the guest are while code is here: of the host, or NO_HOST_REG. */
typedef struct
{
  uint8_t of[16];
} VtJitRegs;

/* A jump to a block or exit that is not there yet. */
typedef struct
{
  uint8_t *site;
  int16_t  block;
} VtJitFixup;

/* What stands behind the region's code, for the rare case. */
typedef enum
{
  SLOW_FILL,        /* TLB miss: fill, retry, or the interpreter */
  SLOW_UNGROUPED,   /* on in the block's second version */
  SLOW_WROTE,       /* flagged page */
  SLOW_INTERPRET,   /* the interpreter takes this instruction */
  SLOW_POLL,        /* a request is waiting */
  SLOW_EXIT,        /* jump out of the region */
  SLOW_FAR,         /* a jump to another page that is not linked; `past`: displacement of its key */
  SLOW_LOOKUP,      /* an unknown jump, which may yet be known to C */
  SLOW_VEC_LOAD,
  SLOW_X87_LOAD,
  SLOW_DEAD,        /* the region has been dropped */
  SLOW_OP,          /* an instruction written out comes to a case that is left to the interpreter's operation */
  SLOW_RETURN,      /* RET without the host's stack; `back`: an immediate for its place; `target`: bytes popped */
  SLOW_RECIPE,      /* the function that makes flags; `back`: an immediate for its place */
  SLOW_FLAGS,       /* flags are not in memory, but in translated.flags_site */
  SLOW_RETURNS_FULL,   /* no room for another call */
  SLOW_HOT,         /* a loop runs long; `back`: where its head starts */
} VtJitSlowKind;

typedef struct
{
  VtJitSlowKind    kind;
  uint8_t         *site;        /* displacement of the jump here */
  uint8_t         *back;        /* where to go on */
  uint8_t         *past;        /* SLOW_FILL: behind the check, for accesses that are done by a copy; NULL: never */
  uint16_t         insn;
  int32_t          target;      /* SLOW_EXIT, SLOW_POLL: offset from the page's start */
  uint32_t         arg;
  int16_t          uncounted;   /* instructions executed before this one and not counted yet; -1: it is counted itself */
  VtJitAddress     address;
  VtJitWay         way;         /* SLOW_EXIT */
  uint8_t          unchecked;   /* of the instruction, unless accesses are checked one by one */
  VtJitRecipe      recipe;      /* of flags that are nowhere else */
  VtJitSlowKind    fails;       /* SLOW_LOOKUP: what then */
  VtJitFar        *far;         /* SLOW_FAR */
  const VtJitGroup *ungrouped;   /* SLOW_FILL for a group: where its members are checked one by one */
  bool             at_t0;       /* SLOW_WROTE: T0 is where the store went, on the host */
  const VtJitRegs *reg;         /* as in VtJitTr */
} VtJitSlow;

/* Guest register `in` has the host register that `out` has at home, which is in memory. */
typedef struct
{
  uint8_t in, out;
} VtJitMove;

typedef struct VtJitTr
{
  VtJit       *jit;
  VtEmit       e;
  uint8_t     *common_end, *rare_start;   /* the region's pieces (VtJitArea) */
  unsigned     mode;
  bool         is64, segmented;   /* of the mode */
  unsigned     code_bits;
  int32_t      code_low, code_high;   /* offsets in the page that may be part of the region */
  uint64_t     linear_page;
  uint32_t     version;         /* of the page */
  const uint8_t *host_page;
  VtX86CodeCache *cache;
  VtJitInsn    insns[JIT_MAX_INSNS];
  unsigned     n_insns;
  VtJitGroup   groups[JIT_MAX_GROUPS];
  unsigned     n_groups;
  const VtJitGroup *held;       /* its addend is in T1 while code is here: */
  const uint8_t *held_at;
  unsigned     access;          /* number of the next memory access of the instruction */
  bool         ungrouped;       /* every access is checked by itself */
  bool         second;          /* translating a chain's second version */
  VtJitBlock   blocks[JIT_MAX_BLOCKS];
  unsigned     n_blocks;
  uint16_t     insn_at[4096];   /* 1 + index, by offset */
  uint8_t      leader[4096];
  uint8_t      far[4096];       /* what is there is no part of this page alone */
  uint8_t      wanted[4096];    /* flags that code there needs, outside the region; NOT_LOOKED: nobody has asked */
  bool         too_big;         /* some array is full */
  /* See jit-hot.h. */
  bool         hot;             /* a loop that runs long: all of it, whatever is translated already */
  bool         counted;         /* its loops' rounds are counted */
  VtJitRegs    own;             /* the region's; what is outside it and in between has them at home */
  const VtJitRegs *reg;         /* those in force for what is emitted now: `own`, or at home */
  VtJitMove    moves[3];
  unsigned     n_moves;
  bool         vectors;         /* the region uses vector registers */
  bool         x87_live;        /* here the guest's x87 registers are certainly in the host's */
  VtJitSlow    slow[JIT_MAX_SLOW];
  unsigned     n_slow;
  VtJitFixup   fixups[2 * JIT_MAX_BLOCKS];
  unsigned     n_fixups;
  /* Arithmetic flags at this point: where valid ones are. Both false: nobody needs them. */
  bool         flags_host, flags_mem;
  bool         flags_lazy;      /* where they are in memory, translated.flags_site may yet have to make them */
  bool         flags_kept;      /* the first block starts with flags in memory */
  bool         flags_recipe;    /* they can be made by `recipe`, which is the block's */
  VtJitRecipe  recipe;
  VtJitInsn   *in;              /* being translated */
  bool         last_of_block;   /* it is */
  int          uncounted;       /* instructions of the block so far, with this one, that are not counted yet */
  bool         no_rex;          /* it names AH..BH, which no REX prefix may stand beside */
} VtJitTr;

/* --- Finding the code of a region (jit-region.c) --- */
bool vt_jit_collect (VtJitTr *tr, VtX86CodeCache *cache, const VtX86CodeSource *source, uint32_t version);
/* One instruction that reaches into the next page. */
bool vt_jit_collect_bridge (VtJitTr *tr, VtX86CodeCache *cache, const VtX86CodeSource *source, VtX86CodeSource *next);
void vt_jit_find_liveness (VtJitTr *tr);
bool vt_jit_ends_block (const VtJitOp *op);

/* --- Accesses that share a check (jit-groups.c) --- */
void vt_jit_find_groups (VtJitTr *tr);
/* Of the current instruction's access 0 or 1; NULL: it checks for itself. */
VtJitGroup *vt_jit_group_of (VtJitTr *tr, unsigned access);
/* One register of the host and a displacement. */
bool vt_jit_is_simple (const VtJitTr *tr, const VtJitAddress *a);
unsigned vt_jit_rm_size (const VtJitInsn *in);
unsigned vt_jit_vector_memory (const VtX86Insn *x, bool *writes);
/* Of a relative branch, from the page's start. */
int32_t vt_jit_branch_target (const VtJitTr *tr, const VtJitInsn *in);

/* --- What instructions do to registers (jit-groups.c) --- */
unsigned vt_jit_registers_written (const VtJitInsn *in);   /* a bit for each */
/* What it adds to RSP, where that is a constant. */
bool vt_jit_moves_stack (const VtJitInsn *in, int32_t *by);

/* --- Flags (jit-flags.c) --- */
void vt_jit_emit_save_flags (VtEmit *e);
void vt_jit_emit_load_flags (VtEmit *e, unsigned temp);
/* The next host instructions change the host's flags: those in `live` are in memory afterwards. */
void vt_jit_flags_clobber (VtJitTr *tr, unsigned live);
/* The host's flags are the guest's afterwards; `temp` is lost. */
/* Does that take instructions, which change T1? */
bool vt_jit_flags_must_save (const VtJitTr *tr, unsigned live);
/* How the flags that the block's last instruction sees can be made again there. */
VtJitRecipe vt_jit_find_recipe (const VtJitTr *tr, const VtJitBlock *block);
/* T1 is lost. */
void vt_jit_emit_recipe_to_memory (VtJitTr *tr, const VtJitRecipe *recipe);
/* Before code is left: flags of which there is only a recipe are as good as in memory afterwards. */
void vt_jit_flags_put_recipe (VtJitTr *tr);
/* SLOW_RECIPE */
void vt_jit_emit_slow_recipe (VtJitTr *tr, const VtJitSlow *slow);
/* `immediate` := the place in the code memory of what is emitted next. */
void vt_jit_emit_site (VtJitTr *tr, uint8_t *immediate);
void vt_jit_flags_need_by (VtJitTr *tr, unsigned temp);
void vt_jit_flags_need (VtJitTr *tr);   /* by T1 */
/* Host instructions just produced the guest's flags. */
void vt_jit_flags_made (VtJitTr *tr);
/* Before an instruction that changes `written` of them: what it leaves alone, and somebody needs, must be there. */
void vt_jit_flags_before (VtJitTr *tr, const VtJitInsn *in, unsigned temp);
/* Will it do anything? */
bool vt_jit_flags_wanted (const VtJitInsn *in);

/* --- Counting (jit-count.c) --- */
/* They emit nothing unless instructions are counted; flags stay. T1 is lost. */
void vt_jit_count (VtJitTr *tr, int n);
/* If the helper that is called next leaves, by leave_at(). T1 stays. */
void vt_jit_count_if_left (VtJitTr *tr, int n);
/* All before this instruction, which counts itself. */
void vt_jit_count_before (VtJitTr *tr);
/* All so far. */
void vt_jit_count_block (VtJitTr *tr);

/* --- Registers (jit-memory.c) --- */
static inline unsigned host_reg (const VtJitTr *tr, unsigned guest) { return tr->reg->of[guest & 15]; }
/* The host register that holds guest register `guest`: its own, or `temp`, loaded from the state. */
unsigned vt_jit_reg (VtJitTr *tr, unsigned guest, unsigned temp);
void vt_jit_put_reg (VtJitTr *tr, unsigned guest, unsigned from);

/* --- Memory (jit-memory.c) --- */
VtJitAddress vt_jit_address_of (const VtX86Insn *x);
/* The offset in the segment to `to`; T0 and T1 are used. */
void vt_jit_emit_offset (VtJitTr *tr, const VtJitAddress *a, unsigned to, bool wide);
/* T0 := linear address, without segment limits. Flags stay, T1 does not always. */
void vt_jit_emit_address (VtJitTr *tr, const VtJitAddress *a);

/* --- Segments (jit-segment.c) --- */
/* Outside 64-bit mode: T0 := linear address of `size` bytes, or the interpreter if they violate the segment. */
void vt_jit_emit_legacy_address (VtJitTr *tr, const VtJitAddress *a, unsigned size, bool write);
/* The same without a look. */
void vt_jit_emit_unchecked_address (VtJitTr *tr, const VtJitAddress *a);
/* T0 = RIP: T0 := page_rip there. */
void vt_jit_emit_page_of (VtJitTr *tr);
/* T0 := the low 16 bits of it. */
void vt_jit_emit_low_half (VtEmit *e, unsigned reg);
/* JCXZ and LOOP by CX: the returned jump is taken. Flags stay, T1 is lost; `other`: a jump that is not. */
uint8_t *vt_jit_emit_by_cx (VtJitTr *tr, uint8_t **other);
/* A checked memory operand. */
typedef struct
{
  VtRm     rm;          /* made of T0, or of T1 and a guest register */
  unsigned spare;       /* T0 or T1, whichever the operand does not need ... */
  bool     index;       /* ... but vt_jit_emit_stored() will: put it away meanwhile */
  size_t   window;      /* of the stack, by GS; 0: none */
  int32_t  group;       /* slot of a group; 0: none */
} VtJitPlace;

/* `size` bytes that may be read (or written). The host's flags are gone. `align`: bytes, misaligned ones are the
 * interpreter's. */
VtJitPlace vt_jit_emit_access (VtJitTr *tr, const VtJitAddress *a, unsigned size, bool write, unsigned align);
void vt_jit_put_index_away (VtJitTr *tr, const VtJitPlace *place);
void vt_jit_take_index_back (VtJitTr *tr, const VtJitPlace *place);
/* The code from there on has left T1 alone. */
void vt_jit_still_held (VtJitTr *tr, const uint8_t *from);
/* No store, or one that is looked at together with a later one? */
bool vt_jit_store_waits (const VtJitTr *tr, const VtJitPlace *place, bool write);
/* After a store there. `live`: flags needed later. */
void vt_jit_emit_stored (VtJitTr *tr, const VtJitPlace *place, unsigned size, unsigned live);
VtJitSlow *vt_jit_slow (VtJitTr *tr, VtJitSlowKind kind, uint8_t *site);
void vt_jit_emit_slow_paths (VtJitTr *tr);

/* --- Instructions; false: not this one --- */
bool vt_jit_integer (VtJitTr *tr);     /* jit-integer.c */
bool vt_jit_vector (VtJitTr *tr);      /* jit-vector.c */
bool vt_jit_x87 (VtJitTr *tr);         /* jit-x87.c */
bool vt_jit_stack (VtJitTr *tr);       /* jit-stack.c */
bool vt_jit_inline (VtJitTr *tr);      /* jit-system.c */
/* Is it one of those? */
bool vt_jit_is_written_out (const VtJitTr *tr, const VtJitInsn *in);
void vt_jit_end_shadow (VtJitTr *tr);
/* Arithmetic flags that it reads. */
unsigned vt_jit_inline_reads (const VtJitInsn *in);
/* General registers that it changes, as bits. */
unsigned vt_jit_inline_writes (const VtJitInsn *in);
/* What changes privilege, at a block's end. */
void vt_jit_system_branch (VtJitTr *tr);
void vt_jit_emit_slow_op (VtJitTr *tr, VtJitSlow *slow);
/* The last instruction of a block: emits the ways out. */
void vt_jit_branch (VtJitTr *tr, const VtJitBlock *block);   /* jit-branch.c */
/* Ways into a bridge for those who come from the same page. */
void vt_jit_emit_thunks (VtJitTr *tr, VtJitRegion *region);
/* T0 := RIP of the page + off */
void vt_jit_emit_rip (VtJitTr *tr, int32_t off);
/* T0 = RIP, becomes its key in the table of known jumps. T1 := the code there; where it is not known, the returned jump
 * leaves (emit_jcc()) with T1 the place in the table. Flags are gone. */
uint8_t *vt_jit_emit_find_jump (VtEmit *e);
/* On behind a call. */
void vt_jit_emit_goto_back (VtJitTr *tr, int32_t off);
/* T0 = RIP: to there by the table of known jumps, after RSP has been moved by `popped`. */
void vt_jit_emit_known_return (VtJitTr *tr, int32_t popped);
/* On to a block, or out of the region to an offset from the page's start. */
void vt_jit_emit_goto (VtJitTr *tr, int block, int32_t off);
/* The interpreter's operation, called from here. */
void vt_jit_call_op (VtJitTr *tr);
/* The same at the end of a block, for those after which anything may be different. */
void vt_jit_call_system (VtJitTr *tr);
