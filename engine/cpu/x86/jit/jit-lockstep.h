/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Translated code and the interpreter side by side.
 *
 * Translated code runs as it always does, with links, known jumps and whatever it knows of flags, from a point where the state is
 * known to one where all of it is in memory again: a poll, a call of C, the way out. Its stores have been noted; they are undone,
 * the interpreter executes as many instructions from the same state, and everything has to be equal. Polls leave every few
 * instructions. Operations of the interpreter's that translated code calls are executed once, between two such stretches.
 *
 * Flags that translated code holds for dead are not compared, but the interpreter goes on with its own: where the translator is
 * wrong about them, the two differ at the first instruction that reads one.
 */
#pragma once

#include "jit-translate.h"

typedef struct
{
  uint8_t *host;
  uint64_t size;
  uint8_t  old[32], new[32];
} VtJitStore;

/* Enough for what is between two polls. */
#define JIT_LOCKSTEP_STORES 4096u

/* Where a guest instruction's host code starts. */
typedef struct
{
  const uint8_t *guest;
  uint8_t       *host;
} VtJitMark;

typedef struct
{
  uint8_t *start, *end;
  guint    first_mark, n_marks;
} VtJitStretch;

struct VtJitLockstep
{
  VtX86Cpu   *cpu;
  jmp_buf     out;             /* where a difference goes */
  VtX86State  start, translated;
  uint32_t    start_flags;     /* the interpreter's ... */
  uint32_t    end_flags;
  uint64_t    count;           /* translated instructions at the start */
  /* ... at the end of the last stretch, if the next one goes on there. */
  bool        carry;
  uint64_t    carry_rip, carry_count;
  uint32_t    carry_flags;
  bool        locked;
  bool        raised;          /* the interpreter raised an exception */
  bool        device;          /* ... or came to a device */
  unsigned    n_stores;        /* of the interpreter's */
  VtJitStore  theirs[JIT_LOCKSTEP_STORES], ours[JIT_LOCKSTEP_STORES];
  GArray     *marks;           /* VtJitMark */
  GArray     *stretches;       /* VtJitStretch: regions, by address */
  uint64_t    n_compared;
  bool        excuses;         /* tests: no report where code has looked at undefined flags, ... */
  bool        excused;         /* ... as it may have this time */
};

/* --- Emitting; nothing happens unless the translator compares --- */
void vt_jit_lockstep_make_stub (VtJit *jit, VtEmit *e);
/* `size` bytes will be stored at `place`. All registers but place->spare stay, and flags. */
void vt_jit_lockstep_store (VtJitTr *tr, const VtJitPlace *place, unsigned size);
/* What a slow path leaves of the flags. */
void vt_jit_lockstep_live (VtJitTr *tr, const VtJitSlow *slow);
/* The same before the current instruction's operation is called. */
void vt_jit_lockstep_live_before (VtJitTr *tr);
/* Leaves, when enough instructions have run. T1 and flags are lost. */
void vt_jit_lockstep_poll (VtJitTr *tr, unsigned off);
void vt_jit_lockstep_begin_region (VtJitTr *tr);
void vt_jit_lockstep_mark (VtJitTr *tr);
void vt_jit_lockstep_end_region (VtJitTr *tr, const VtJitRegion *region);

/* --- Running --- */
VtJitLockstep *vt_jit_lockstep_new (VtX86Cpu *cpu);
void vt_jit_lockstep_free (VtJitLockstep *lockstep);
/* Around translated code. The second does not return when there is a difference. */
void vt_jit_lockstep_enter (VtX86Cpu *cpu);
void vt_jit_lockstep_leave (VtX86Cpu *cpu);
/* An exception has left translated code: nothing is under way. */
void vt_jit_lockstep_unwound (VtX86Cpu *cpu);
/* In place of vt_jit_fill() and so on. */
uint32_t vt_jit_lockstep_fill (VtX86Cpu *cpu, uint64_t linear, uint32_t what);
uint32_t vt_jit_lockstep_try_fill (VtX86Cpu *cpu, uint64_t linear, uint32_t what);
uint32_t vt_jit_lockstep_op (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t where);
const void *vt_jit_lockstep_system (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t where);

/* --- jit-lockstep-report.c --- */
/* One instruction of a stretch, as it was before it was executed. */
typedef struct
{
  uint64_t       rip;
  uint8_t        bytes[VT_X86_MAX_INSN];    /* and what follows it */
  unsigned       rcx;                       /* shifts by CL leave flags open that depend on the count */
  const uint8_t *guest;                     /* where it is; NULL: not in RAM */
} VtJitTrace;

/* Flags whose values the manuals leave open after these instructions. */
uint32_t vt_jit_lockstep_undefined (const VtJitTrace *trace, unsigned n, unsigned code_bits);
/* Does any of them leave some? */
bool vt_jit_lockstep_may_differ (const VtJitTrace *trace, unsigned n, unsigned code_bits);
char *vt_jit_lockstep_report (VtJitLockstep *lockstep, const VtJitTrace *trace, unsigned n, const char *what);
