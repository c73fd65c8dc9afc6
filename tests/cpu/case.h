/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A test case - a few instructions and the state they start from - and what executing it gave. */
#pragma once

#include <glib.h>
#include <stdalign.h>
#include <stdbool.h>
#include <stdint.h>

#include "layout.h"

/* The x87, SSE and AVX part in the standard (non-compacted) XSAVE format, SDM volume 1, 13.4. */
#define XAREA_SIZE       832
#define XAREA_FCW        0
#define XAREA_FSW        2
#define XAREA_FTW        4
#define XAREA_FOP        6
#define XAREA_FIP        8
#define XAREA_FDP        16
#define XAREA_MXCSR      24
#define XAREA_MXCSR_MASK 28
#define XAREA_ST         32
#define XAREA_XMM        160
#define XAREA_XSTATE_BV  512
#define XAREA_YMM        576

typedef struct
{
  alignas (64) uint8_t xarea[XAREA_SIZE];
  uint64_t gpr[16];
  uint64_t rip;
  uint64_t rflags;
  uint64_t fs_base, gs_base;
  uint16_t selector[6];        /* ES, CS, SS, DS, FS, GS; the executors know what a case begins with */
  uint16_t pad_[2];
} State;

/* The gpr[] order of the architecture's encoding. */
enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI };

enum { SELECTOR_ES, SELECTOR_CS, SELECTOR_SS, SELECTOR_DS, SELECTOR_FS, SELECTOR_GS };

typedef enum
{
  MODE_64,
  MODE_32,      /* compatibility mode: 32-bit code segment */
  N_MODES,
} Mode;

/* How far results may differ from the host's. */
typedef enum
{
  LOOSE_NONE,
  LOOSE_RCP_SS, /* lane 0 of the destination: relative error 1.5 * 2^-12 allowed by the SDM, tables are vendor's own */
  LOOSE_RCP_PS,
  LOOSE_X87_TRANSCENDENTAL, /* SDM volume 1, 8.3.10: within 1 ulp; allowed here: 2 between two implementations */
} Loose;

#define CASE_MAX_PATCHES  8
#define CASE_MAX_CODE     1000
#define CASE_MAX_INSNS    64

/* Bytes to put in the window before the run. */
typedef struct
{
  uint16_t at, len;
  uint32_t data;      /* offset in patch_data */
} Patch;

typedef struct
{
  State    in;

  uint8_t  mode;               /* Mode */
  uint8_t  n_insns;
  uint8_t  n_patches;
  uint8_t  loose;              /* Loose */
  bool     string;             /* one instruction that may take several steps of an executor (REP) */
  bool     branch;             /* RIP may go anywhere */
  uint16_t code_len;           /* the instructions */
  uint16_t slot_len;           /* all that is written to the slot, landings included */
  uint16_t start;              /* offset of the first instruction in the slot */
  uint32_t slot;               /* address */
  uint32_t rflags_ignored;     /* undefined after this case */
  uint16_t fsw_ignored;
  uint16_t fcw_ignored;
  bool     no_memory;          /* no instruction has a memory operand */
  bool     maybe_too_long;     /* more than 15 bytes, if the rest of it counts */
  bool     misaligned;         /* the memory operand, for those that want 16 bytes */
  uint64_t mem_at;             /* address of the memory operand, if there is one ... */
  uint32_t mem_len;            /* ... and the length of the longest one */
  uint8_t  n_window_ignored;
  struct
  {
    uint16_t at, len;
  } window_ignored[2];         /* bytes that the vendor fills */
  uint32_t vendor;             /* rules of vendor.h */
  uint8_t  loose_reg;          /* vector register with the loose result */
  uint32_t form;               /* index; of the last instruction in a sequence */
  uint64_t number;             /* with the seed, reproduces it */
  uint8_t  insn_len[CASE_MAX_INSNS];
  /* Of a sequence: what is undefined when it stops before that instruction. */
  uint32_t insn_rflags_ignored[CASE_MAX_INSNS];
  uint16_t insn_fsw_ignored[CASE_MAX_INSNS];

  Patch    patches[CASE_MAX_PATCHES];
  uint8_t  patch_data[2048];
  uint32_t patch_data_len;
  uint8_t  code[CASE_MAX_CODE + 24];   /* the slot's contents */
} Case;

#define NO_VECTOR 0xff

typedef struct
{
  State    out;
  uint8_t  vector;             /* exception, or NO_VECTOR */
  bool     hung;               /* did not come back: the case is skipped */
  uint32_t error_code;
  uint64_t cr2;                /* with #PF */
  uint32_t rflags_unknown;     /* the executor does not keep them at an exception */
} Result;

/* Something that executes cases. The window and the code region belong to it; both are filled by the caller. */
typedef struct Executor Executor;
struct Executor
{
  const char *name;
  uint8_t    *window;          /* LAYOUT_WINDOW_SIZE bytes */
  /* Bytes that a later run() will execute, at an address in the code region. */
  void (*put_code) (Executor *self, uint32_t at, const uint8_t *bytes, unsigned len);
  /* After put_code() of a batch, before its first run(). */
  void (*code_ready) (Executor *self);
  void (*run)  (Executor *self, const Case *c, Result *result);
  void (*free) (Executor *self);
};

Executor *executor_host_new (GError **error);
/* What follows is what this computer lets programs do: everything, until host_probe() has had a look at it. Some virtual machines have a
 * global descriptor table of their own, and no 32-bit code; some kernels keep RDFSBASE and its like to themselves. */
void host_probe (void);
bool host_has_code32 (void);
bool host_keeps_bases (void);
/* Where it does not, the kernel sets them for programs: in 64-bit code, to addresses of user space. */
bool host_sets_bases (Mode mode);
bool host_sets_base (uint64_t base);
/* `lazy_flags`: a translator may lose arithmetic flags that are overwritten unread, as it does outside of tests.
 * `low`: its vCPU may lie below 2 GiB, where wild stores of a host executor in the same process would hit it. */
Executor *executor_engine_new (const char *accel, bool lazy_flags, bool low, GError **error);
