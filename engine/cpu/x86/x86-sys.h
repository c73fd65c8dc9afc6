/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the system half of the processor shares among its files: descriptors, stacks of other privilege levels, tasks. */
#pragma once

#include "x86-cpu.h"
#include "x86-model.h"

#define X86_SEL_RPL 3u
#define X86_SEL_TI  4u

/* Bits of an 8-byte descriptor. */
#define X86_DESC_TYPE_SHIFT 40
#define X86_DESC_A   (UINT64_C (1) << 40)
#define X86_DESC_S   (UINT64_C (1) << 44)
#define X86_DESC_P   (UINT64_C (1) << 47)
#define X86_DESC_L   (UINT64_C (1) << 53)
#define X86_DESC_DB  (UINT64_C (1) << 54)
#define X86_DESC_BUSY (UINT64_C (2) << 40)

/* Types of code and data descriptors (S = 1). */
#define X86_TYPE_CODE       8u
#define X86_TYPE_CONFORMING 4u   /* code */
#define X86_TYPE_DOWN       4u   /* data: expands down */
#define X86_TYPE_WRITABLE   2u   /* data; for code: readable */
#define X86_TYPE_ACCESSED   1u

/* Types of system descriptors (S = 0). */
enum
{
  X86_SYS_TSS16 = 1, X86_SYS_LDT = 2, X86_SYS_TSS16_BUSY = 3, X86_SYS_CALL16 = 4, X86_SYS_TASK_GATE = 5, X86_SYS_INT16 = 6,
  X86_SYS_TRAP16 = 7, X86_SYS_TSS32 = 9, X86_SYS_TSS32_BUSY = 11, X86_SYS_CALL32 = 12, X86_SYS_INT32 = 14,
  X86_SYS_TRAP32 = 15,
};

/* The segments that SYSCALL and its like load without looking at descriptors. */
#define VT_X86_FLAT_DATA (X86_SEG_P | X86_SEG_S | X86_TYPE_WRITABLE | X86_TYPE_ACCESSED | X86_SEG_DB | X86_SEG_G)

static inline unsigned desc_type (uint64_t desc) { return (desc >> 40) & 15; }
static inline unsigned desc_dpl (uint64_t desc) { return (desc >> 45) & 3; }
static inline bool desc_is_code (uint64_t desc) { return (desc & X86_DESC_S) != 0 && (desc_type (desc) & X86_TYPE_CODE) != 0; }
static inline bool desc_is_conforming (uint64_t desc) { return (desc_type (desc) & X86_TYPE_CONFORMING) != 0; }
static inline bool
desc_is_writable_data (uint64_t desc)
{
  return (desc & X86_DESC_S) != 0 && (desc_type (desc) & (X86_TYPE_CODE | X86_TYPE_WRITABLE)) == X86_TYPE_WRITABLE;
}

static inline bool
vt_x86_canonical (uint64_t address)
{
  return (uint64_t) ((int64_t) (address << 16) >> 16) == address;
}

static inline unsigned seg_dpl (const VtX86Seg *seg) { return (seg->attr & X86_SEG_DPL) >> X86_SEG_DPL_SHIFT; }

/* --- Descriptors (segment.c) --- */

/* Reads a selector's descriptor; false when the table does not reach that far. *where is its linear address. */
bool vt_x86_fetch_descriptor (VtX86Cpu *cpu, uint16_t selector, uint64_t *desc, uint64_t *where);
/* The same, raising `vector` with the selector as error code. Null selectors are the caller's business. */
uint64_t vt_x86_need_descriptor (VtX86Cpu *cpu, uint16_t selector, unsigned vector, uint64_t *where);
/* Upper half of a 16-byte descriptor of long mode. */
uint64_t vt_x86_need_upper_half (VtX86Cpu *cpu, uint16_t selector, unsigned vector, uint64_t where);
void vt_x86_unpack_descriptor (uint16_t selector, uint64_t desc, VtX86Seg *out);
void vt_x86_mark_accessed (VtX86Cpu *cpu, uint64_t where, uint64_t desc);
/* A segment as real mode and virtual-8086 mode make it. */
void vt_x86_set_v86_seg (VtX86Seg *seg, uint16_t selector);
void vt_x86_set_real_seg (VtX86Seg *seg, uint16_t selector);
void vt_x86_set_null_seg (VtX86Seg *seg, uint16_t selector);
/* MOV to ES, SS, DS, FS, GS, with all checks, in every mode. */
void vt_x86_load_seg (VtX86Cpu *cpu, unsigned seg, uint16_t selector);
/* A stack segment for privilege level `cpl`: checked, unpacked, not yet loaded. `vector` is #TS or #GP. */
void vt_x86_check_stack_seg (VtX86Cpu *cpu, uint16_t selector, unsigned cpl, unsigned vector, VtX86Seg *out);
/* Loads CS from a checked descriptor; the selector's RPL becomes cpl. */
void vt_x86_commit_cs (VtX86Cpu *cpu, uint16_t selector, uint64_t desc, unsigned cpl);
void vt_x86_commit_ss (VtX86Cpu *cpu, const VtX86Seg *ss, unsigned cpl);
/* After a return to less privilege: data segments that are now out of reach become null. */
void vt_x86_drop_inner_segments (VtX86Cpu *cpu, unsigned cpl);
/* The instruction pointer must lie in the code segment to be, or be canonical: #GP(0) otherwise. */
void vt_x86_check_target (VtX86Cpu *cpu, uint64_t cs_desc, uint64_t target);

/* --- Stacks not yet switched to (stack.c) --- */

typedef struct
{
  VtX86Cpu *cpu;
  VtX86Seg  seg;
  uint64_t  sp;
  uint64_t  mask;       /* of the stack pointer's width */
  bool      is64;
  bool      system;     /* access with supervisor rights, whatever the CPL is at the moment */
  uint16_t  error;      /* error code of #SS */
} VtX86Stack;

/* The stack in use, with the rights of the CPL. */
void vt_x86_stack_current (VtX86Cpu *cpu, VtX86Stack *out);
/* Stack of an inner privilege level from the current TSS (16- or 32-bit; #TS). */
void vt_x86_stack_from_tss (VtX86Cpu *cpu, unsigned cpl, VtX86Stack *out);
/* Long mode: RSPn or, with ist 1..7, ISTn. */
uint64_t vt_x86_rsp_from_tss (VtX86Cpu *cpu, unsigned cpl, unsigned ist);
void     vt_x86_stack_push (VtX86Stack *stack, uint64_t value, unsigned size);
uint64_t vt_x86_stack_pop (VtX86Stack *stack, unsigned size);
/* At a displacement from the stack pointer; moves nothing. */
uint64_t vt_x86_stack_peek (VtX86Stack *stack, uint64_t disp, unsigned size);
/* Writes the stack pointer back, at the width of the stack segment now loaded. */
void vt_x86_set_sp (VtX86Cpu *cpu, uint64_t sp);

/* --- Returns (iret.c) --- */

/* CS and SS of a far return or IRET, with all checks of the privilege change. */
uint64_t vt_x86_check_return_cs (VtX86Cpu *cpu, uint16_t selector, uint64_t *where);
void     vt_x86_check_return_ss (VtX86Cpu *cpu, uint16_t selector, uint64_t cs_desc, unsigned cpl, VtX86Seg *out);

/* --- Flags (iret.c) --- */

/* Replaces the flags in `mask`; IF and TF take effect as for POPF. */
void vt_x86_write_flags (VtX86Cpu *cpu, uint64_t value, uint64_t mask);
/* All flags, arithmetic ones folded in. */
uint64_t vt_x86_read_flags (VtX86Cpu *cpu);

/* Interrupts wait until after the next instruction. */
static inline void
vt_x86_set_shadow (VtX86Cpu *cpu, uint8_t shadow)
{
  cpu->s.shadow = shadow;
  vt_x86_update_checks (cpu);
}

/* --- Tasks (tasks.c) --- */

typedef enum
{
  VT_X86_TASK_JUMP,
  VT_X86_TASK_CALL,   /* also interrupts */
  VT_X86_TASK_IRET,
} VtX86TaskHow;

/* Switches to the task of that TSS. `error`: pushed on the new stack when not NULL. The old task resumes at return_rip. */
void vt_x86_switch_task (VtX86Cpu *cpu, uint16_t tss_selector, VtX86TaskHow how, uint64_t return_rip, const uint32_t *error);
/* Through a task gate descriptor already checked for DPL. */
void vt_x86_task_gate (VtX86Cpu *cpu, uint64_t gate, VtX86TaskHow how, uint64_t return_rip, const uint32_t *error);

/* --- Interrupt delivery (interrupt.c, iret.c) --- */

typedef struct
{
  uint64_t rip;          /* pushed */
  uint32_t error_code;
  uint8_t  vector;
  uint8_t  how;          /* VT_X86_EVENT_* */
  bool     has_error;
  bool     set_rf;       /* in the pushed flags */
} VtX86Event;

void vt_x86_deliver_event (VtX86Cpu *cpu, const VtX86Event *event);
/* Takes the pending external interrupt: its vector, or VT_APIC_NONE. Machine lock held. */
int  vt_x86_acknowledge_interrupt (VtX86Cpu *cpu);
/* The processor stops until a reset. */
void vt_x86_shut_down (VtX86Cpu *cpu);

/* --- System management mode (smm.c) --- */

/* An SMI is pending and would be taken now, but for a shadow. */
bool vt_x86_smi_deliverable (const VtX86Cpu *cpu);
/* Between instructions, no lock held. */
void vt_x86_enter_smm (VtX86Cpu *cpu);

/* --- Operations that the table in system.c names --- */

#define VT_X86_OP(name) void vt_x86_op_##name (VtX86Cpu *cpu, const VtX86Insn *insn)
VT_X86_OP (iret);
VT_X86_OP (pushf);
VT_X86_OP (popf);
VT_X86_OP (cli);
VT_X86_OP (sti);
VT_X86_OP (in);
VT_X86_OP (out);
VT_X86_OP (ins);
VT_X86_OP (outs);
VT_X86_OP (lar);
VT_X86_OP (lsl);
VT_X86_OP (verr);
VT_X86_OP (verw);
VT_X86_OP (arpl);
VT_X86_OP (lldt);
VT_X86_OP (ltr);
VT_X86_OP (sldt);
VT_X86_OP (str);
VT_X86_OP (lgdt);
VT_X86_OP (lidt);
VT_X86_OP (sgdt);
VT_X86_OP (sidt);
VT_X86_OP (load_far_pointer);
VT_X86_OP (syscall);
VT_X86_OP (sysret);
VT_X86_OP (sysenter);
VT_X86_OP (sysexit);
VT_X86_OP (rsm);
#undef VT_X86_OP

/* Operand helpers (segment-ops.c): r/m16 in; 16 bits to memory, or `value` at the operand size to a register. */
uint16_t vt_x86_read_rm16 (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned operand);
void     vt_x86_write_rm16 (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned operand, uint64_t value);
void     vt_x86_write_gpr (VtX86Cpu *cpu, unsigned reg, uint64_t value, unsigned size);
/* Bits of CR4 that the model has (control.c). */
uint64_t vt_x86_cr4_allowed (const VtX86Cpu *cpu);
/* #GP(0) unless the CPL is 0; in 16-bit real mode it always is. */
void     vt_x86_need_cpl0 (VtX86Cpu *cpu);
/* UMIP: SGDT, SIDT, SLDT, SMSW and STR are for the kernel alone. */
void     vt_x86_need_umip (VtX86Cpu *cpu);

/* --- Ports --- */

/* #GP(0) when IOPL and the TSS's bitmap do not let this code touch the ports. */
void vt_x86_check_io (VtX86Cpu *cpu, uint16_t port, unsigned size);
/* Of IN, OUT, INS and OUTS: how many bytes; of IN and OUT: which port. */
unsigned vt_x86_io_size (const VtX86Insn *insn);
uint16_t vt_x86_io_port (const VtX86Cpu *cpu, const VtX86Insn *insn);

/* --- Model-specific registers (msr.c), CPUID (cpuid.c) --- */

#define VT_X86_MISC_ENABLE_RESET 1u     /* fast strings */
#define VT_X86_MC_BANKS 10u
bool vt_x86_read_msr (VtX86Cpu *cpu, uint32_t msr, uint64_t *value);
bool vt_x86_write_msr (VtX86Cpu *cpu, uint32_t msr, uint64_t value);
/* Bits of EFER that the model has. */
uint64_t vt_x86_efer_allowed (const VtX86Cpu *cpu);
void vt_x86_cpuid (VtX86Cpu *cpu, uint32_t leaf, uint32_t subleaf, uint32_t out[4]);

/* --- Debug registers (debug.c) --- */

uint64_t vt_x86_read_dr (VtX86Cpu *cpu, unsigned n);
void     vt_x86_write_dr (VtX86Cpu *cpu, unsigned n, uint64_t value);
/* DR6 or DR7 with those of their bits that cannot be changed. */
uint64_t vt_x86_dr_value (unsigned n, uint64_t value);
void     vt_x86_watch_io (VtX86Cpu *cpu, uint16_t port, unsigned size);
G_NORETURN void vt_x86_raise_db (VtX86Cpu *cpu, uint64_t dr6_bits);
