/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The block through which the host runner and its assembly talk. It lies at a fixed low address, so that every field is
 * reachable by an absolute 32-bit displacement when no register is free. Shared with host-switch.S.
 */
#pragma once

#include "layout.h"

#define CONTEXT_GPR_IN      0
#define CONTEXT_RFLAGS_IN   128
#define CONTEXT_RIP_IN      136   /* also the offset of a far pointer for 32-bit code, with the selector behind it */
#define CONTEXT_CS_IN       140
#define CONTEXT_FS_IN       144
#define CONTEXT_GS_IN       152
#define CONTEXT_HOST_RSP    160
#define CONTEXT_HOST_FS     168
#define CONTEXT_CAPTURE     176   /* address of host_capture */
#define CONTEXT_LANDING     184   /* 32 bits: which landing was reached */
#define CONTEXT_MXCSR       188   /* the host program's */
#define CONTEXT_GPR_OUT     256
#define CONTEXT_RFLAGS_OUT  384
#define CONTEXT_FS_OUT      392
#define CONTEXT_GS_OUT      400
#define CONTEXT_SELECTORS   408   /* ES, CS, SS, DS, FS, GS at a landing ... */
#define CONTEXT_SIGNAL_SEL  420   /* ... and at a signal */
#define CONTEXT_KEEPS_BASES 432   /* 32 bits */
#define CONTEXT_SIGNAL_FS   440
#define CONTEXT_SIGNAL_GS   448
#define CONTEXT_XAREA_IN    1024
#define CONTEXT_XAREA_OUT   2048
#define CONTEXT_SIZE        4096

/* Linux: asm/unistd_64.h, asm/prctl.h */
#define SYS_ARCH_PRCTL 158
#define ARCH_SET_GS    0x1001
#define ARCH_SET_FS    0x1002
#define ARCH_GET_FS    0x1003

#define HOST_CS64 0x33
#define HOST_CS32 0x23
#define HOST_DS   0x2b

#ifndef __ASSEMBLER__
#include <stdint.h>

typedef struct
{
  uint64_t gpr_in[16];
  uint64_t rflags_in;
  uint64_t rip_in;             /* 32-bit code: low half offset; high half the selector */
  uint64_t fs_in, gs_in;
  uint64_t host_rsp, host_fs;
  uint64_t capture;
  uint32_t landing;
  uint32_t host_mxcsr;
  uint8_t  pad0_[64];
  uint64_t gpr_out[16];
  uint64_t rflags_out;
  uint64_t fs_out, gs_out;
  uint16_t selectors[6], signal_selectors[6];
  uint32_t keeps_bases;        /* the kernel lets programs have RDFSBASE and its like, and keeps what they set */
  uint32_t pad1_;
  uint64_t signal_fs, signal_gs;
  uint8_t  pad2_[568];
  uint8_t  xarea_in[1024];
  uint8_t  xarea_out[2048];
} HostContext;

_Static_assert (__builtin_offsetof (HostContext, gpr_out) == CONTEXT_GPR_OUT, "shared with assembly");
_Static_assert (__builtin_offsetof (HostContext, host_mxcsr) == CONTEXT_MXCSR, "shared with assembly");
_Static_assert (__builtin_offsetof (HostContext, gs_out) == CONTEXT_GS_OUT, "shared with assembly");
_Static_assert (__builtin_offsetof (HostContext, selectors) == CONTEXT_SELECTORS, "shared with assembly");
_Static_assert (__builtin_offsetof (HostContext, signal_selectors) == CONTEXT_SIGNAL_SEL, "shared with assembly");
_Static_assert (__builtin_offsetof (HostContext, keeps_bases) == CONTEXT_KEEPS_BASES, "shared with assembly");
_Static_assert (__builtin_offsetof (HostContext, signal_gs) == CONTEXT_SIGNAL_GS, "shared with assembly");
_Static_assert (__builtin_offsetof (HostContext, xarea_in) == CONTEXT_XAREA_IN, "shared with assembly");
_Static_assert (__builtin_offsetof (HostContext, xarea_out) == CONTEXT_XAREA_OUT, "shared with assembly");
_Static_assert (sizeof (HostContext) == CONTEXT_SIZE, "one page");

/* Loads the state and goes to rip_in. Returns 0 when a landing was reached, 1 through host_leave(). */
int host_enter64 (void);
int host_enter32 (void);
void host_capture (void);
/* Signal handler: brings back our FS base and calls host_signal() with those of the case. */
void host_signal_entry (void);
/* Back to the caller of host_enter*(), from a signal handler. */
_Noreturn void host_leave (void);
#endif
