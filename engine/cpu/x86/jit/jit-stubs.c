/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The shared pieces of code: entering and leaving translated code, and calls of C from it.
 *
 * Stack while translated code runs: what enter() saved, then return addresses (jit-returns.h); RSP is a multiple of 8.
 */
#include "jit-far.h"
#include "jit-lockstep.h"
#include "jit-returns.h"

static const uint8_t callee_saved[] = { H_RBX, H_RBP, H_R12, H_R13, H_R14, H_R15 };

static void
move_gprs (VtEmit *e, bool load)
{
  for (unsigned guest = 0; guest < 16; guest++)
    if (home_reg (guest) != NO_HOST_REG)
      emit_op64 (e, load ? 0x8b : 0x89, home_reg (guest), rm_gs (STATE (gpr) + 8 * guest));
}

/* vmovaps, 128 or 256 bits */
static void
move_vectors (VtEmit *e, bool load, bool wide)
{
  for (unsigned i = 0; i < 16; i++)
    emit_vex (e, 1, 0, 0, wide, load ? 0x28 : 0x29, i, 0, rm_gs (STATE (ymm) + 32 * i));
}

/* LDMXCSR is /2, STMXCSR /3 */
static void
move_mxcsr (VtEmit *e, bool load, size_t off)
{
  emit_insn (e, (VtEnc) { .map = 1, .opcode = 0xae }, load ? 2 : 3, rm_gs (off));
}

static void
vzeroupper (VtEmit *e)
{
  emit8 (e, 0xc5);
  emit8 (e, 0xf8);
  emit8 (e, 0x77);
}

/* The guest's vector registers to the state, if they are in the host's. Changes flags. */
static void
save_vectors (VtEmit *e)
{
  emit_group1 (e, 0, 7, rm_gs (TRANSLATED (vectors_live)), 0);
  uint8_t *skip = emit_jcc (e, CC_E);
  move_vectors (e, false, true);
  vzeroupper (e);
  move_mxcsr (e, false, STATE (mxcsr));
  move_mxcsr (e, true, TRANSLATED (host_mxcsr));
  emit_store_imm32 (e, rm_gs (TRANSLATED (vectors_live)), 0);
  emit_patch (skip, e->at);
}

/* Upper halves that are all zero are not loaded: the host's stay in their initial state, in which SSE instructions are
 * faster. T0, T1 stay, flags do not. */
static void
load_vectors (VtEmit *e)
{
  emit_vex (e, 1, 1, 0, 0, 0x6f, 0, 0, rm_gs (STATE (ymm) + 16));             /* vmovdqa xmm0 */
  for (unsigned i = 1; i < 16; i++)
    emit_vex (e, 1, 1, 0, 0, 0xeb, 0, 0, rm_gs (STATE (ymm) + 32 * i + 16));  /* vpor xmm0, xmm0 */
  emit_vex (e, 2, 1, 0, 0, 0x17, 0, 0, rm_reg (0));                           /* vptest xmm0, xmm0 */
  uint8_t *narrow = emit_jcc (e, CC_E);
  move_vectors (e, true, true);
  uint8_t *done = emit_jmp (e);
  emit_patch (narrow, e->at);
  vzeroupper (e);
  for (unsigned i = 0; i < 16; i++)
    emit_insn (e, (VtEnc) { .map = 1, .opcode = 0x28 }, i, rm_gs (STATE (ymm) + 32 * i));
  emit_patch (done, e->at);
  move_mxcsr (e, false, TRANSLATED (host_mxcsr));
  move_mxcsr (e, true, STATE (mxcsr));
  emit_store_imm32 (e, rm_gs (TRANSLATED (vectors_live)), 1);
}

/* FNSAVE, which also leaves the unit as C code wants it. Changes flags. */
static void
save_x87 (VtEmit *e)
{
  emit_group1 (e, 0, 7, rm_gs (TRANSLATED (x87_live)), 0);
  uint8_t *skip = emit_jcc (e, CC_E);
  emit_insn (e, (VtEnc) { .opcode = 0xdd }, 6, rm_gs (TRANSLATED (x87_image)));
  emit_store_imm32 (e, rm_gs (TRANSLATED (x87_live)), 0);
  emit_store_imm32 (e, rm_gs (TRANSLATED (x87_saved)), 1);
  emit_patch (skip, e->at);
}

static void
make_enter (VtEmit *e)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (callee_saved); i++)
    emit_push (e, callee_saved[i]);
  vt_jit_emit_enter_returns (e);
  move_gprs (e, true);
  emit_insn (e, (VtEnc) { .opcode = 0xff }, 4, rm_reg (T0));
}

/* Flags to memory, if only their place is known. T0, T1 and flags are lost. */
static void
make_flags (VtEmit *e, const VtJitStubs *stubs)
{
  emit_group1 (e, 0, 7, rm_gs (TRANSLATED (flags_site)), 0);
  uint8_t *there = emit_jcc (e, CC_E);
  emit_call_to (e, stubs->make_flags);
  emit_patch (there, e->at);
}

/* `saved`: where those come in whose registers are in the state already. */
static void
make_exit (VtEmit *e, const VtJitStubs *stubs, const uint8_t **saved)
{
  move_gprs (e, false);
  *saved = e->at;
  make_flags (e, stubs);
  save_vectors (e);
  save_x87 (e);
  vt_jit_emit_leave_returns (e);
  for (unsigned i = G_N_ELEMENTS (callee_saved); i-- > 0;)
    emit_pop (e, callee_saved[i]);
  emit8 (e, 0xc3);
}

/* RIP := the page's + T0, and out. Flags stay, for the exit that saves them. */
static void
make_leave (VtEmit *e, unsigned kind, const uint8_t *exit)
{
  emit_op64 (e, 0x63, T0, rm_reg (T0));                 /* movsxd */
  emit_load64 (e, T1, rm_gs (TRANSLATED (page_rip)));
  emit_op64 (e, 0x8d, T0, (VtRm) { .kind = RM_SIB, .reg = T0, .index = T1 });
  emit_store64 (e, rm_gs (STATE (rip)), T0);
  emit_store_imm32 (e, rm_gs (TRANSLATED (exit_kind)), kind);
  emit_jmp_to (e, exit);
}

/* What a call does when C does not give what was asked for. */
typedef enum
{
  RETURNS,          /* the caller looks */
  LEAVES_IF_SET,    /* a result other than 0: out, RIP and exit_kind are set */
  LEAVES_IF_CLEAR,
  LEAVES_IF_ONE,    /* JIT_NOT_FILLED */
} CallEnd;

/* Calls function (cpu, T0, T1, word in SLOT_ARG); its result goes to T1. Guest registers are in the state meanwhile, and flags in
 * memory unless `flags` is NULL. */
static void
make_call (VtEmit *e, const VtJitStubs *flags, const void *function, bool vectors, bool x87, CallEnd end, const uint8_t *exit_saved)
{
  move_gprs (e, false);
  if (flags != NULL)
    {
      emit_push (e, T0);
      emit_push (e, T1);
      make_flags (e, flags);
      emit_pop (e, T1);
      emit_pop (e, T0);
    }
  save_vectors (e);
  if (x87)
    save_x87 (e);
  emit_group1 (e, 1, 0, rm_gs (offsetof (VtX86Cpu, vcpu) + offsetof (VtVcpu, stats) + offsetof (VtVcpuStats, helper_calls)), 1);
  emit_mov64 (e, H_RDX, T1);
  emit_mov64 (e, H_RSI, T0);
  emit_load64 (e, H_RDI, rm_gs (TRANSLATED (self)));
  emit_load32 (e, H_RCX, rm_slot (SLOT_ARG));
  emit_mov64 (e, H_RBX, H_RSP);
  emit_group1 (e, 1, 4, rm_reg (H_RSP), -16);
  emit_imm64 (e, H_RAX, (uint64_t) (uintptr_t) function);
  emit_insn (e, (VtEnc) { .opcode = 0xff }, 2, rm_reg (H_RAX));
  emit_mov64 (e, H_RSP, H_RBX);
  uint8_t *leave = NULL;
  if (end != RETURNS)
    {
      if (end == LEAVES_IF_ONE)
        emit_group1 (e, 0, 7, rm_reg (H_RAX), JIT_NOT_FILLED);
      else
        emit_op64 (e, 0x85, H_RAX, rm_reg (H_RAX));
      leave = emit_jcc (e, end == LEAVES_IF_SET ? CC_NE : CC_E);
    }
  emit_mov64 (e, T1, H_RAX);
  move_gprs (e, true);
  if (vectors)
    load_vectors (e);
  emit8 (e, 0xc3);
  if (end == RETURNS)
    return;
  emit_patch (leave, e->at);
  emit_jmp_to (e, exit_saved);   /* nobody returns */
}

/* Calls function (T0, T1), which keeps all registers; back to the caller when that was all. */
static void
make_keeping_call (VtEmit *e, VtJitKeepingCall which)
{
  uint64_t function = (uint64_t) (uintptr_t) which;
  emit8 (e, 0xff);                                       /* call [rip + x], which stands behind a jump */
  emit8 (e, 0x15);
  emit32 (e, 5);
  uint8_t *behind = emit_jmp (e);
  emit64 (e, function);
  emit_patch (behind, e->at);
  emit_group1 (e, 0, 7, rm_gs (TRANSLATED (refilled)), 0);
  uint8_t *not = emit_jcc (e, CC_E);
  emit8 (e, 0xc3);
  emit_patch (not, e->at);
}

/* Not while comparing: page tables are compared before they change. */
static void
make_refill (VtEmit *e, const VtJit *jit)
{
  if (jit->lockstep == NULL && vt_jit_has (jit, VT_JIT_SECOND_TLB))
    make_keeping_call (e, vt_jit_refill);
}

/* After vt_jit_fill(): JIT_PAST returns 5 bytes further, behind the jump to the retry. */
static void
make_fill (VtEmit *e, const VtJit *jit, const uint8_t *call)
{
  make_refill (e, jit);
  emit_call_to (e, call);
  emit_group1 (e, 0, 7, rm_reg (T1), JIT_PAST);
  uint8_t *plain = emit_jcc (e, CC_NE);
  emit_group1 (e, 1, 0, rm_base (H_RSP, 0), 5);
  emit_load64 (e, T1, rm_gs (TRANSLATED (past_addend)));
  emit_load64 (e, T0, rm_gs (TRANSLATED (past_host)));
  emit_patch (plain, e->at);
  emit8 (e, 0xc3);
}

/* T0 = RIP XOR context, which the table of known jumps does not have; perhaps it is in the second one. T1 stays, if not. */
static void
make_spare_lookup (VtEmit *e)
{
  emit_push (e, T1);
  emit_vex (e, 3, 3, 1, 0, 0xf0, T1, 0, rm_reg (T0));   /* rorx */
  emit8 (e, JIT_SPARE_SHIFT);
  emit_op32 (e, 0x33, T1, rm_reg (T0));
  emit_group1 (e, 0, 4, rm_reg (T1), VT_X86_JIT_JUMPS - 1);
  emit_op64 (e, 0x3b, T0, rm_gs_index8 (T1, TRANSLATED (spare_key)));
  uint8_t *unknown = emit_jcc (e, CC_NE);
  emit_load64 (e, T1, rm_gs_index8 (T1, TRANSLATED (spare_code)));
  emit_group1 (e, 1, 0, rm_reg (H_RSP), 8);
  emit8 (e, 0xc3);
  emit_patch (unknown, e->at);
  emit_pop (e, T1);
}

/* Comes by a jump; goes on at the code that C found, or leaves. Return addresses of another address space or mode go. */
static void
make_system (VtEmit *e, const uint8_t *call)
{
  emit_insn (e, (VtEnc) { .opcode = 0xff }, 6, rm_gs (TRANSLATED (context)));
  emit_call_to (e, call);
  emit_pop (e, T0);
  emit_op64 (e, 0x3b, T0, rm_gs (TRANSLATED (context)));
  uint8_t *same = emit_jcc (e, CC_E);
  vt_jit_emit_forget_returns (e);
  emit_patch (same, e->at);
  emit_insn (e, (VtEnc) { .opcode = 0xff }, 4, rm_reg (T1));
}

static void
make_x87_load (VtEmit *e, VtJitStubs *stubs, unsigned vectors)
{
  const uint8_t *call = e->at;
  make_call (e, NULL, vt_jit_x87_to_image, vectors, false, RETURNS, NULL);
  stubs->x87_load[vectors] = e->at;
  emit_call_to (e, call);
  emit_insn (e, (VtEnc) { .opcode = 0xdd }, 4, rm_gs (TRANSLATED (x87_image)));
  emit_store_imm32 (e, rm_gs (TRANSLATED (x87_live)), 1);
  emit8 (e, 0xc3);
}

static void
make_exits (VtEmit *e, VtJitStubs *stubs, const uint8_t **saved)
{
  stubs->exit_host = e->at;
  vt_jit_emit_save_flags (e);
  stubs->exit_mem = e->at;
  make_exit (e, stubs, saved);
  for (unsigned kind = 0; kind < JIT_EXIT_COUNT; kind++)
    {
      stubs->leave[kind] = e->at;
      make_leave (e, kind, stubs->exit_mem);
    }
  for (unsigned mem = 0; mem < 2; mem++)
    {
      stubs->leave_link[mem] = e->at;
      emit_store32 (e, rm_gs (TRANSLATED (exit_arg)), T1);
      make_leave (e, JIT_EXIT_LINK, mem ? stubs->exit_mem : stubs->exit_host);
    }
}

/* For code without live vector registers, and with. */
static void
make_calls (VtEmit *e, VtJit *jit, unsigned vectors, const uint8_t *saved)
{
  VtJitStubs *stubs = &jit->stubs;
  bool compared = jit->lockstep != NULL;
  const VtJitStubs *look = compared ? stubs : NULL;
  const uint8_t *fill = e->at;
  make_call (e, look, compared ? vt_jit_lockstep_fill : vt_jit_fill, vectors, false, LEAVES_IF_ONE, saved);
  stubs->fill[vectors] = e->at;
  make_fill (e, jit, fill);
  stubs->try_fill[vectors] = e->at;
  make_call (e, look, compared ? vt_jit_lockstep_try_fill : vt_jit_try_fill, vectors, false, RETURNS, NULL);
  stubs->op[vectors] = e->at;
  make_call (e, stubs, compared ? vt_jit_lockstep_op : vt_jit_op, vectors, true, LEAVES_IF_SET, saved);
  stubs->wrote[vectors] = e->at;
  make_keeping_call (e, vt_jit_wrote_beside);
  make_call (e, NULL, vt_jit_wrote, vectors, false, LEAVES_IF_SET, saved);
  make_x87_load (e, stubs, vectors);
}

void
vt_jit_make_stubs (VtJit *jit)
{
  VtEmit e = vt_jit_emit_from (jit, jit->memory.rw, jit->memory.rw + jit->memory.size);
  VtJitStubs *stubs = &jit->stubs;
  const uint8_t *saved;

  stubs->enter = e.at;
  make_enter (&e);
  vt_jit_make_return_stubs (jit, &e);
  make_exits (&e, stubs, &saved);
  for (unsigned vectors = 0; vectors < 2; vectors++)
    make_calls (&e, jit, vectors, saved);
  stubs->lookup = e.at;
  make_spare_lookup (&e);
  make_call (&e, NULL, vt_jit_lookup, false, false, LEAVES_IF_CLEAR, saved);
  const uint8_t *call_far = e.at;
  make_call (&e, NULL, vt_jit_far, false, false, LEAVES_IF_CLEAR, saved);
  vt_jit_make_far_stubs (jit, &e, call_far);
  uint8_t *call_system = e.at;
  make_call (&e, stubs, jit->lockstep != NULL ? vt_jit_lockstep_system : vt_jit_system, false, true, LEAVES_IF_CLEAR, saved);
  stubs->system = e.at;
  make_system (&e, call_system);
  vt_jit_make_system_stubs (jit, &e);
  vt_jit_lockstep_make_stub (jit, &e);
  stubs->vec_load = e.at;
  load_vectors (&e);
  emit8 (&e, 0xc3);
  vt_code_memory_ops ()->note (jit->memory.rx, (size_t) (e.at - jit->memory.rw), "translator_stubs");
  vt_jit_cache_divide (jit, e.at + (-(uintptr_t) e.at & 63));
}
