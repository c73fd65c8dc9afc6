/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The x86-64 vCPU: state, software TLB, and the services that instruction semantics stand on.
 *
 * Semantics functions raise exceptions by vt_x86_raise(), which does not return: it unwinds to the run loop with RIP still
 * at the instruction.  So an instruction does all that can fault before it changes state.
 */
#pragma once

#include <setjmp.h>

#include "irq.h"
#include "state.h"
#include "vcpu.h"
#include "x86-insn.h"
#include "x86-state.h"

typedef struct VtX86Model VtX86Model;   /* CPUID and limits, x86-model.h */
typedef struct VtApic     VtApic;       /* local APIC, apic.h */

enum
{
  X86_DE = 0, X86_DB = 1, X86_NMI = 2, X86_BP = 3, X86_OF = 4, X86_BR = 5, X86_UD = 6, X86_NM = 7, X86_DF = 8, X86_TS = 10,
  X86_NP = 11, X86_SS = 12, X86_GP = 13, X86_PF = 14, X86_MF = 16, X86_AC = 17, X86_MC = 18, X86_XM = 19,
};

#define X86_PF_P  (1u << 0)
#define X86_PF_W  (1u << 1)
#define X86_PF_U  (1u << 2)
#define X86_PF_RSVD (1u << 3)
#define X86_PF_I  (1u << 4)

/* Kind of a memory access, for paging and the TLB. */
typedef enum
{
  VT_READ,
  VT_WRITE,
  VT_FETCH,
} VtAccessKind;

/* First level of the software TLB, direct mapped by page number. An entry's tag holds the page's linear address (bits 63..12) when an access
 * of that kind may go straight to the host at linear + addend, or vt_x86_tlb_none(). What the inline path reads is apart from
 * what only its miss needs. There is one table per privilege, because the U/S and SMAP checks happen when it is filled. */
#define VT_X86_TLB_BITS 14u
#define VT_X86_TLB_SIZE (1u << VT_X86_TLB_BITS)
#define VT_X86_TLB_NONE UINT64_C (1)      /* no page address has bit 0 set */

/* A tag in the inline part of an empty entry: of a page that belongs into another slot, so that an address XOR the tag is no
 * offset in a page, whatever the address. */
static inline uint64_t
vt_x86_tlb_none (unsigned slot)
{
  return (uint64_t) (slot ^ 1) << VT_PAGE_SHIFT | VT_X86_TLB_NONE;
}

typedef struct
{
  uint64_t  tag_read, tag_write;
  uintptr_t addend;        /* linear + addend is on the host */
  uint8_t  *page_flags;    /* a store looks here afterwards: VT_PAGE_* */
} VtX86TlbEntry;

typedef struct
{
  uint64_t tag[3];         /* by VtAccessKind: the translation allows this, whatever is at the physical address */
  uint64_t gpa;            /* of the page */
  VtRam   *ram;            /* at `addend` of the inline part; NULL: registers or nothing */
  uint64_t ram_off;
  bool     writable;       /* the RAM is, by plain stores */
} VtX86TlbPage;

typedef struct
{
  VtX86TlbEntry fast[VT_X86_TLB_SIZE];
  VtX86TlbPage  page[VT_X86_TLB_SIZE];
  uint64_t      used[VT_X86_TLB_SIZE / 64];     /* bit maps: filled since the last flush, so that a flush costs what was used */
  uint64_t      global[VT_X86_TLB_SIZE / 64];
} VtX86Tlb;

enum
{
  VT_X86_TLB_SYSTEM,       /* CPL 0..2 with EFLAGS.AC clear, and implicit supervisor accesses: SMAP applies */
  VT_X86_TLB_SMAP_OFF,     /* CPL 0..2 with EFLAGS.AC set */
  VT_X86_TLB_USER,
  VT_X86_TLB_COUNT,
};

/* A page of the physical address space, looked up in the view: page tables and code. */
#define VT_X86_PHYS_PAGES 64u
#define VT_X86_RAMS       64u   /* blocks of RAM that a machine may have */
typedef struct
{
  uint64_t gpa;        /* of the page; VT_X86_TLB_NONE when unused */
  VtPage   page;
  bool     writable;   /* plain RAM for writes too, and the same RAM */
} VtX86PhysPage;

/* The guest's TSC, without its offset, between two looks at the clock (tsc.c): `ticks` and what the rate, in units of 2^-32, makes
 * of the host's ticks since `zero`, for up to `room` of them. */
typedef struct
{
  bool     wanted;                       /* translated code asks */
  uint64_t zero, room, rate, ticks;
  uint64_t floor;                        /* no answer may be below */
  uint64_t measured;                     /* the host's rate; 0: not known yet */
  uint64_t first_host, first_ticks;      /* a look some time ago, to measure it */
  uint32_t epoch;                        /* of the clock then */
} VtX86TscLine;

/* What translated code reaches through GS besides the state (jit/). */
typedef struct
{
  uint64_t  tag;
  uint64_t  room;
  uintptr_t addend;
  uint8_t  *page_flags;
} VtStackWindow;

#define VT_X86_JIT_JUMPS 16384u
#define VT_X86_CODE_PAGES 65536u
#define VT_X86_JIT_LOOPS  64u
typedef struct
{
  struct VtX86Cpu *self;
  uint64_t    page_rip;       /* RIP of the first byte of the page that code runs in */
  uint64_t    flags;          /* arithmetic flags while translated code does not keep them: AH of LAHF << 8, OF in bit 0; not if */
  uint64_t    flags_site;     /* ... this is the place in the code memory that knows how to make them, from */
  uint64_t    flags_a, flags_b;   /* ... these (jit/jit-returns.c) */
  uint64_t    context;        /* XORed into RIP this gives the key of a jump */
  uint64_t    contexts[VT_X86_TLB_COUNT];   /* what it will be in the same mode with another privilege */
  uint64_t    slots[23];      /* intermediate results (jit/jit-translate.h) */
  /* The host's stack as it was, and the start of its part for returns (jit/jit-returns.h). */
  uint64_t    host_sp, returns_top;
  uint64_t    return_site;    /* the place in the code memory that knows about the last RET */
  const void *no_return;      /* what is there below the first */
  uint32_t    exit_kind, exit_arg;
  void       *next_store;     /* these three for comparison with the interpreter: where the next store is noted ... */
  uint64_t    count_limit;    /* ... how many instructions may have been translated at a poll ... */
  uint32_t    live;           /* ... and flags that are right, as F_CF and so on, where code is left */
  int32_t     uncounted;      /* instructions to count if a helper leaves translated code (jit-count.c) */
  uint32_t    vectors_live;   /* the guest's vector registers and MXCSR are in the host's */
  uint32_t    host_mxcsr;     /* what C code expects */
  uint32_t    x87_live;       /* the guest's x87 registers are in the host's */
  uint32_t    x87_saved;      /* they are in x87_image, and the state is old */
  uint64_t    x87_page;       /* page_rip of the last x87 instruction ... */
  uint32_t    x87_place;      /* ... its offset, and its FOP << 16 */
  uint8_t     x87_image[108];
  /* A load that was made from a copy: past_host = copy, linear + past_addend = copy. */
  uint32_t    refilled;       /* vt_jit_refill() made the entry */
  uint64_t    past_addend;
  uint8_t    *past_host;
  uint8_t     copy[64];
  int32_t     rounds_left[VT_X86_JIT_LOOPS];   /* of loops, before they are translated again (jit/jit-hot.h) */
  int64_t     seg_top[2][VT_SEG_COUNT];   /* outside 64-bit mode, for loads and stores: last offset, or -1 when each access
                                           * needs a closer look */
  /* The page that the stack was last seen in, by privilege and for loads and stores: a copy of its TLB entry. `room` is 0 when
   * there is none, so that no offset is below it. */
  VtStackWindow stack[VT_X86_TLB_COUNT][2];
  uint64_t    jump_key[VT_X86_JIT_JUMPS];
  const void *jump_code[VT_X86_JIT_JUMPS];
  /* Those that had to make room for others, by another hash. */
  uint64_t    spare_key[VT_X86_JIT_JUMPS];
  const void *spare_code[VT_X86_JIT_JUMPS];
} VtX86Translated;

typedef struct VtX86Cpu
{
  VtVcpu     vcpu;         /* first */
  VtX86State s;

  /* Lazy arithmetic flags of the interpreter (flags.h); folded into s.rflags by vt_x86_sync_flags(). */
  uint64_t cc_dst, cc_src;
  uint32_t cc_op;

  /* Table of the current privilege; a table of misses while every access needs a closer look (alignment checks, data
   * breakpoints). */
  VtX86TlbEntry *tlb;

  /* Derived from s by vt_x86_update_mode(): */
  uint8_t  cpl;            /* current privilege level */
  uint8_t  mode;           /* VT_X86_REAL ... */
  uint8_t  code_bits;      /* 16, 32 or 64: default operand and address size */
  uint8_t  stack_bits;     /* 16, 32 or 64 */
  bool     long_mode;      /* EFER.LMA */
  bool     paging;
  bool     flat;           /* DS, ES, SS: base 0, no limit worth checking */

  const VtX86Model *model;
  VtApic           *apic;
  uint64_t          tsc_hz;
  /* External interrupt acknowledge (INTA): the vector from the 8259 pair. Machine lock held. */
  uint8_t         (*inta) (void *opaque);
  void             *inta_opaque;
  VtMachinePort     machine;
  /* FERR#: an x87 exception is to be reported the PC way, as IRQ 13 (CR0.NE clear). Nullable; vCPU thread, no lock. */
  void            (*ferr) (void *opaque);
  void             *ferr_opaque;

  /* Memory outside of system management mode and in it; vcpu.mem is the one in use. NULL: there is no such mode. */
  VtMem            *plain_mem, *smm_mem;
  struct
  {
    uint64_t rip, after, rcx, rsi, rdi;   /* of it and behind it; registers before it */
    uint32_t trap;                        /* as the save area describes it; 0: none */
  } smi_io;                               /* the port access that brought the SMI (smm.c) */

  /* Exceptions and debugging, private to exceptions.c and debug.c. */
  bool             exc_debug_fault; /* the #DB that unwinds is a fault: RF goes to the stack */
  uint8_t          delivering;      /* vector of the event being delivered ... */
  uint8_t          delivering_how;  /* ... and its kind; VT_X86_EVENT_NONE when none is */
  bool             stepping;        /* TF was set when the instruction began */
  bool             rf_loaded;       /* the instruction itself set RF: it stays for the next one */
  uint8_t          shadow_before;   /* shadows that end with this instruction */

  /* While running */
  const VtX86Insn *insn;            /* being executed: its address is s.rip until it retires */
  const VtX86Insn *block_stop;      /* the run loop leaves the block before this instruction */
  uint64_t         next_rip;        /* after this instruction; branches write it */
  jmp_buf          unwind;          /* where vt_x86_raise() goes */
  uint8_t          exc_vector;      /* of the exception that unwinds */
  uint32_t         exc_error;
  uint32_t         pending_db;      /* DR6 bits that become a #DB trap when this instruction retires */
  bool             attention;       /* TF, RF, debug registers or an interrupt shadow: one instruction at a time */
  bool             events_deferred; /* something is pending that could not be delivered yet: look when a window opens */
  uint8_t          tlb_kind;        /* VT_X86_TLB_* of the current privilege */
  bool             check_align;     /* CR0.AM, EFLAGS.AC and CPL 3 */
  uint32_t         code_generation; /* changes whenever linear to physical translation of code may have changed */
  uint64_t         pdpte[4];        /* PAE paging: the four page-directory-pointer entries (loaded with CR3) */
  uint64_t         phys_mask;       /* physical-address bits of the model */
  void           (*store_watch) (struct VtX86Cpu *cpu, uint8_t *host, unsigned len);   /* see vt_x86_watch_stores() */
  VtX86Tlb        *tlbs;            /* VT_X86_TLB_COUNT of them */
  struct VtX86TlbSecond *second;    /* as many (tlb.h) */
  uint64_t         large_4m[4], large_1g[4];   /* by hash of the address: such a page is in the TLB, in pieces of 4 KiB */
  VtX86PhysPage    phys[VT_X86_PHYS_PAGES];    /* RAM pages found in the view */
  VtRam           *rams[VT_X86_RAMS];          /* that have been in the TLB */
  unsigned         n_rams;
  void            *block;           /* the allocation that this lies in; NULL: it is mapped below 2 GiB */
  void            *interp;          /* private to the interpreter (decode cache) */
  void            *accel_data;      /* private to other accelerators */
  uint64_t         user_generation, global_generation;   /* see vt_x86_tlb_flush() */
  uint64_t         last_generation;
  uint64_t         pcid_generation[4096];   /* of the address spaces that are not in use; 0: a new one then */
  uint32_t         jit_without;      /* techniques that translated code is made without (jit/jit-techniques.h) */
  bool             kernel_code_not_global;   /* supervisor code was found in pages that are not global */
  uint64_t         code_pages[2][VT_X86_CODE_PAGES / 64];  /* by hash of the linear page: known jumps of [1] CPL 3 go there */
  VtX86TscLine     tsc_line;
  VtX86Translated  translated;
} VtX86Cpu;

/* The TLBs follow the vCPU in memory. */
#define VT_X86_TLBS_OFFSET ((sizeof (VtX86Cpu) + 63) & ~(size_t) 63)

enum
{
  VT_X86_REAL,
  VT_X86_V86,
  VT_X86_PROT,     /* 16 or 32 bits, also compatibility mode (then long_mode is set) */
  VT_X86_LONG,     /* 64-bit mode */
};

/* --- Construction (x86-state.c) ---------------------------------------------------------------------------------- */

typedef struct
{
  unsigned          index;
  VtMem            *mem, *io;
  VtMem            *smm_mem;       /* what it sees in system management mode: an overlay of mem; NULL: it has no such mode */
  VtClock          *clock;
  const VtX86Model *model;
  uint64_t          tsc_hz;
  uint32_t          jit_without;   /* see VtX86Cpu */
  bool              translated;    /* it lies where translated code reaches it fastest; else what is never used costs no memory */
  uint8_t         (*inta) (void *opaque);
  void             *inta_opaque;
  VtMachinePort     machine;
} VtX86CpuConfig;

VtX86Cpu *vt_x86_cpu_new (const VtX86CpuConfig *config);
void      vt_x86_cpu_free (VtX86Cpu *cpu);
extern const VtVcpuClass vt_x86_vcpu_class;
/* State table of VtX86State; and after a load, or any change from outside, everything derived from it. */
extern const VtState vt_x86_state_table;
void vt_x86_cpu_settle (VtX86Cpu *cpu);
/* Memory mappings changed: picks up the new views and forgets everything found in the old. Own thread. */
void vt_x86_take_view (VtX86Cpu *cpu);
/* Hostile stream: could a processor of this model be in that state? */
bool vt_x86_state_check (const VtX86Cpu *cpu, const VtX86State *incoming, GError **error);

/* --- Services for semantics ---------------------------------------------------------------------------------------- */

/* Exceptions (exceptions.c). Faults: RIP stays at the instruction. */
G_NORETURN void vt_x86_raise (VtX86Cpu *cpu, unsigned vector, uint32_t error_code);   /* error code ignored where none exists */
G_NORETURN void vt_x86_raise_pf (VtX86Cpu *cpu, uint64_t linear, uint32_t error_code);
static inline void G_NORETURN vt_x86_ud (VtX86Cpu *cpu) { vt_x86_raise (cpu, X86_UD, 0); }
static inline void G_NORETURN vt_x86_gp0 (VtX86Cpu *cpu) { vt_x86_raise (cpu, X86_GP, 0); }
/* Kinds of events that go through the IDT. */
enum
{
  VT_X86_EVENT_NONE,
  VT_X86_EVENT_EXTERNAL,    /* interrupt from the APIC or the 8259 pair */
  VT_X86_EVENT_NMI,
  VT_X86_EVENT_EXCEPTION,
  VT_X86_EVENT_INT_N,       /* INT n */
  VT_X86_EVENT_INT3,        /* INT3, INTO: no VME redirection */
  VT_X86_EVENT_INT1,        /* INT1: no DPL check */
};
/* Delivers an event through the IDT now; used by the run loop and by INT n / INT3 / INTO / INT1 (trap-like: the pushed RIP
 * is next_rip). May itself unwind. */
void vt_x86_deliver_software_interrupt (VtX86Cpu *cpu, unsigned vector, unsigned insn_kind);
/* Called by the run loop after an unwind with the raised exception: double-fault logic, then delivery through the IDT. */
void vt_x86_deliver_exception (VtX86Cpu *cpu);
/* Pending INIT, SIPI, SMI, NMI, external interrupt, in architectural priority; called at safe points when
 * VT_VCPU_INTERRUPT is set or a window opens. Returns true when something was delivered. */
bool vt_x86_service_events (VtX86Cpu *cpu);
/* The port access that is under way asks for an SMI. Own thread. */
void vt_x86_smi_by_port (VtX86Cpu *cpu);
/* INIT (and the parts of a reset that INIT shares): registers of SDM volume 3A, table 9-1. */
void vt_x86_init (VtX86Cpu *cpu, bool power_on);
/* After IF, or the shadow that held an interrupt back, has changed: look for events at the next safe point. */
static inline void
vt_x86_window_opened (VtX86Cpu *cpu)
{
  if (cpu->events_deferred)
    __atomic_fetch_or (&cpu->vcpu.requests, VT_VCPU_INTERRUPT, __ATOMIC_RELAXED);
}

/* Debugging (debug.c). While `attention` is set, the run loop executes one instruction at a time between these two. */
/* Code breakpoints; may raise. */
void vt_x86_before_insn (VtX86Cpu *cpu);
/* The instruction has retired, s.rip is that of the next: RF and shadows end, traps are raised. */
void vt_x86_after_insn (VtX86Cpu *cpu);
/* A repeated string instruction stops between two elements and comes again. RF keeps a code breakpoint on it from hitting
 * each time (SDM volume 3B, 17.3.1.1). */
static inline void
vt_x86_come_again (VtX86Cpu *cpu)
{
  cpu->next_rip = cpu->s.rip;
  if ((cpu->s.dr[7] & 0xff) != 0)
    {
      cpu->s.rflags |= X86_RFLAGS_RF;
      cpu->rf_loaded = true;
    }
}
/* Is a data breakpoint set in the page? Its TLB entry then holds no tag for loads and stores ... */
bool vt_x86_page_watched (const VtX86Cpu *cpu, uint64_t linear);
/* ... so that each access comes by here. */
void vt_x86_watch_access (VtX86Cpu *cpu, uint64_t linear, unsigned size, VtAccessKind kind);

/* Linear memory is in x86-access.h, included below. */

/* Address of the instruction's memory operand: segmentation (limits, canonical form; #GP or #SS) done, paging not. */
uint64_t vt_x86_operand_linear (VtX86Cpu *cpu, const VtX86Insn *insn, unsigned size, VtAccessKind kind);
/* The same for an offset in a segment given by hand (string instructions, stack, far pointers). */
uint64_t vt_x86_linear (VtX86Cpu *cpu, unsigned seg, uint64_t offset, unsigned size, VtAccessKind kind);
/* Effective address alone, without segment base or checks, truncated to the address size (LEA). */
uint64_t vt_x86_effective_address (VtX86Cpu *cpu, const VtX86Insn *insn);

/* Paging (paging.c): walks, sets A/D bits, fills the TLB; faults unwind. */
void vt_x86_tlb_fill (VtX86Cpu *cpu, uint64_t linear, VtAccessKind kind, bool system);
/* The same for the program's own access, but false where it would fault, and nothing has changed then. */
bool vt_x86_tlb_try_fill (VtX86Cpu *cpu, uint64_t linear, VtAccessKind kind);
/* PAE paging: reads the four PDPTEs at `cr3`; false when one has a reserved bit set (then #GP). They are part of what a
 * MOV to CR3, CR0 or CR4 loads (SDM 4.4.1); nothing changes on failure. */
bool vt_x86_load_pdptes (VtX86Cpu *cpu, uint64_t cr3);
/* The RAM page that holds gpa, or NULL when it is not plain RAM for reads. Valid until the view changes. */
const VtX86PhysPage *vt_x86_phys_page (VtX86Cpu *cpu, uint64_t gpa);
static inline unsigned
vt_x86_code_page_bit (uint64_t linear)
{
  return (unsigned) (linear >> VT_PAGE_SHIFT ^ linear >> (VT_PAGE_SHIFT + 16)) & (VT_X86_CODE_PAGES - 1);
}
/* Code of this privilege remembers a jump to this page: flushing it starts a new generation. */
static inline void
vt_x86_note_code_page (VtX86Cpu *cpu, uint64_t linear)
{
  unsigned bit = vt_x86_code_page_bit (linear);
  cpu->code_pages[cpu->cpl == 3][bit / 64] |= UINT64_C (1) << (bit % 64);
}
/* For debuggers and MONITOR: no side effects. False when not mapped. */
bool vt_x86_translate (VtX86Cpu *cpu, uint64_t linear, VtGpa *out);
/* Also starts a new user_generation, and a global_generation where global pages, or code of the supervisor in others, go
 * too. */
void vt_x86_tlb_flush (VtX86Cpu *cpu, bool global_too);
/* Another address space, s.cr3. `keep`: what is known about it from before still holds, translations and jumps (PCIDs, SDM
 * 4.10.4.1). */
void vt_x86_tlb_switch (VtX86Cpu *cpu, bool keep);
/* What is known about that address space no longer holds; -1: about all of them. */
void vt_x86_tlb_forget_pcid (VtX86Cpu *cpu, int pcid);
void vt_x86_tlb_flush_page (VtX86Cpu *cpu, uint64_t linear);
static inline void
vt_x86_forget_stack_pages (VtX86Cpu *cpu)
{
  for (unsigned kind = 0; kind < VT_X86_TLB_COUNT; kind++)
    cpu->translated.stack[kind][0].room = cpu->translated.stack[kind][1].room = 0;
}

/* Registers whose change has consequences (control.c). They raise #GP on reserved bits. */
void vt_x86_write_cr0 (VtX86Cpu *cpu, uint64_t value);
void vt_x86_write_cr3 (VtX86Cpu *cpu, uint64_t value);
void vt_x86_write_cr4 (VtX86Cpu *cpu, uint64_t value);
void vt_x86_write_xcr0 (VtX86Cpu *cpu, uint64_t value);
void vt_x86_update_mode (VtX86Cpu *cpu);
/* Part of the above, enough after a change of CPL, EFLAGS.AC, CR0.AM, TF, RF, DR7 or a shadow: picks the TLB table, sets
 * `attention` (access.c). The run loop calls it after every instruction of the system half. */
void vt_x86_update_checks (VtX86Cpu *cpu);

/* Arithmetic flags: after sync, s.rflags holds them all; set replaces them (mask within X86_RFLAGS_ARITH). */
void vt_x86_sync_flags (VtX86Cpu *cpu);
void vt_x86_set_arith_flags (VtX86Cpu *cpu, uint32_t mask, uint32_t value);

/* Guest TSC now, by the machine's clock. Any thread. */
uint64_t vt_x86_read_tsc (VtX86Cpu *cpu);
/* The same as the guest sees it, which may be told between two looks at the clock (tsc.c). Own thread. */
uint64_t vt_x86_look_at_tsc (VtX86Cpu *cpu);
/* The clock may stop, or be set, before the next look. */
void     vt_x86_forget_tsc_line (VtX86Cpu *cpu);

/* Is there an event that ends a halt? Machine lock held (exceptions.c). */
bool vt_x86_events_pending (VtX86Cpu *cpu);

#include "x86-access.h"
