/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every virtual processor has, whatever its architecture and accelerator.
 *
 * A vCPU runs on a thread of its own, without the machine lock.  Other threads talk to it through `requests`: they set a
 * bit and kick; the vCPU looks at the word at its safe points (block ends, every instruction for the interpreter's slow
 * cases) and leaves run() for those that its runner has to handle.
 */
#pragma once

#include "clock.h"
#include "mem.h"

typedef struct VtVcpu      VtVcpu;
typedef struct VtVcpuClass VtVcpuClass;
typedef struct VtAccel     VtAccel;

/* Bits of VtVcpu.requests. */
enum
{
  VT_VCPU_STOP      = 1u << 0,   /* leave run(): pause, snapshot, reset, exit */
  VT_VCPU_INTERRUPT = 1u << 1,   /* an interrupt, NMI, INIT, SIPI or SMI may have become pending: look */
  VT_VCPU_VIEW      = 1u << 2,   /* memory mappings changed: take the new view, drop the TLB */
  VT_VCPU_FLUSH     = 1u << 3,   /* drop the TLB */
  VT_VCPU_EXCLUSIVE = 1u << 4,   /* another vCPU needs all others to stand still for a moment */
  VT_VCPU_CODE      = 1u << 5,   /* code was written: see vt_ram_code_writes() */
};

typedef enum
{
  VT_EXIT_STOP,       /* VT_VCPU_STOP was set */
  VT_EXIT_HALT,       /* halted: nothing to do until a request arrives */
  VT_EXIT_SHUTDOWN,   /* triple fault (x86) or disabled wait (s390x) */
  VT_EXIT_DEBUG,      /* breakpoint of the debugger */
  VT_EXIT_BUDGET,     /* instruction budget used up (tests, cosim) */
  VT_EXIT_ERROR,      /* the engine gives up; the log says why */
} VtExit;

/* Why translated code was left. */
enum
{
  VT_LEAVE_LOOKUP,      /* a jump whose target is not known as translated code */
  VT_LEAVE_LINK,        /* a jump inside a page that is not direct yet */
  VT_LEAVE_INTERPRET,   /* an instruction for the interpreter */
  VT_LEAVE_DEAD,        /* the code had been overwritten */
  VT_LEAVE_POLL,        /* a request was waiting */
  VT_LEAVE_FAULT,       /* an instruction raised an exception */
  VT_LEAVE_COUNT,
};

/* Counters; written by the vCPU's own thread, read by anyone, approximate. */
typedef struct
{
  uint64_t instructions;             /* that C code executed; all of them under the interpreter */
  uint64_t translated_instructions;  /* that translated code executed, while `counting` */
  uint64_t blocks_decoded;
  uint64_t blocks_translated;
  uint64_t translate_ns;             /* spent on translating */
  uint64_t code_bytes;               /* of host code made */
  uint64_t leaves[VT_LEAVE_COUNT];
  uint64_t helper_calls;             /* of C, by translated code */
  uint64_t tlb_fills;
  uint64_t tlb_flushes;
  uint64_t interrupts;
  uint64_t exceptions;
  uint64_t io_accesses;      /* port and register accesses */
  uint64_t halts;
} VtVcpuStats;

struct VtVcpu
{
  const VtVcpuClass *cls;
  const VtAccel     *accel;
  unsigned           index;
  VtMem             *mem;          /* physical memory */
  VtMem             *io;           /* ports; NULL where there are none */
  VtView            *view;         /* of mem; owned; replaced by this vCPU's thread only */
  VtView            *io_view;
  VtClock           *clock;
  uint32_t           requests;     /* atomic; VT_VCPU_* */
  VtVcpuStats        stats;
  bool               counting;     /* atomic; wanted: translated code counts instructions. VT_VCPU_CODE makes it look */
  /* Called by vt_vcpu_kick() after the bit is set: wakes a thread that sleeps in a halt. */
  void             (*wake) (void *opaque);
  void              *wake_opaque;
  /* Set by an accelerator whose run() cannot look at `requests` all the time: called by vt_vcpu_kick() after the bit is set, to
   * get run() to look. Any thread; nullable. */
  void             (*interrupt) (VtVcpu *vcpu);
  /* Why run() returned VT_EXIT_ERROR: a sentence; owned; NULL when there is nothing to add. Own thread, or while it stands. */
  char              *failure;
  /* Runs fn while every other vCPU of the machine stands at a safe point; set by the runner, NULL with one vCPU. */
  void             (*exclusive) (VtVcpu *self, void (*fn) (void *arg), void *arg);
  void              *runner;
};

struct VtVcpuClass
{
  const char *name;   /* "x86-64" */
  void (*reset) (VtVcpu *vcpu, bool power_on);
  /* Is there a reason to leave a halt? Own thread, machine lock held. */
  bool (*has_work) (VtVcpu *vcpu);
};

/* Sets bits and makes the vCPU notice soon. Any thread. */
void vt_vcpu_kick (VtVcpu *vcpu, uint32_t requests);

static inline uint32_t
vt_vcpu_requests (const VtVcpu *vcpu)
{
  return __atomic_load_n (&vcpu->requests, __ATOMIC_ACQUIRE);
}

/* Clears bits and returns those of them that were set. Own thread. */
static inline uint32_t
vt_vcpu_take (VtVcpu *vcpu, uint32_t bits)
{
  return __atomic_fetch_and (&vcpu->requests, ~bits, __ATOMIC_ACQ_REL) & bits;
}

/* The vCPU whose instructions this thread executes, or NULL. run() sets it. */
VtVcpu *vt_vcpu_current (void);
void    vt_vcpu_set_current (VtVcpu *vcpu);

/* Refreshes view and io_view; true when one of them changed. Own thread. */
bool vt_vcpu_refresh_views (VtVcpu *vcpu);
