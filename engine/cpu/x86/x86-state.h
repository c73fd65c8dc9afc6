/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Architectural state of an x86-64 processor: what is saved, what every accelerator shares.
 *
 * Names are those of the Intel SDM (volume 3A) and the AMD APM (volume 2).  The table is in x86-state.c.
 */
#pragma once

#include <stdalign.h>
#include <stdint.h>

enum { VT_RAX, VT_RCX, VT_RDX, VT_RBX, VT_RSP, VT_RBP, VT_RSI, VT_RDI, VT_R8, VT_R9, VT_R10, VT_R11, VT_R12, VT_R13,
       VT_R14, VT_R15 };
enum { VT_ES, VT_CS, VT_SS, VT_DS, VT_FS, VT_GS, VT_SEG_COUNT };

#define X86_RFLAGS_CF   (1u << 0)
#define X86_RFLAGS_ONE  (1u << 1)    /* always set */
#define X86_RFLAGS_PF   (1u << 2)
#define X86_RFLAGS_AF   (1u << 4)
#define X86_RFLAGS_ZF   (1u << 6)
#define X86_RFLAGS_SF   (1u << 7)
#define X86_RFLAGS_TF   (1u << 8)
#define X86_RFLAGS_IF   (1u << 9)
#define X86_RFLAGS_DF   (1u << 10)
#define X86_RFLAGS_OF   (1u << 11)
#define X86_RFLAGS_IOPL (3u << 12)
#define X86_RFLAGS_IOPL_SHIFT 12
#define X86_RFLAGS_NT   (1u << 14)
#define X86_RFLAGS_RF   (1u << 16)
#define X86_RFLAGS_VM   (1u << 17)
#define X86_RFLAGS_AC   (1u << 18)
#define X86_RFLAGS_VIF  (1u << 19)
#define X86_RFLAGS_VIP  (1u << 20)
#define X86_RFLAGS_ID   (1u << 21)
#define X86_RFLAGS_ARITH (X86_RFLAGS_CF | X86_RFLAGS_PF | X86_RFLAGS_AF | X86_RFLAGS_ZF | X86_RFLAGS_SF | X86_RFLAGS_OF)

#define X86_CR0_PE (1u << 0)
#define X86_CR0_MP (1u << 1)
#define X86_CR0_EM (1u << 2)
#define X86_CR0_TS (1u << 3)
#define X86_CR0_ET (1u << 4)
#define X86_CR0_NE (1u << 5)
#define X86_CR0_WP (1u << 16)
#define X86_CR0_AM (1u << 18)
#define X86_CR0_NW (1u << 29)
#define X86_CR0_CD (1u << 30)
#define X86_CR0_PG (1u << 31)

#define X86_CR4_VME        (1u << 0)
#define X86_CR4_PVI        (1u << 1)
#define X86_CR4_TSD        (1u << 2)
#define X86_CR4_DE         (1u << 3)
#define X86_CR4_PSE        (1u << 4)
#define X86_CR4_PAE        (1u << 5)
#define X86_CR4_MCE        (1u << 6)
#define X86_CR4_PGE        (1u << 7)
#define X86_CR4_PCE        (1u << 8)
#define X86_CR4_OSFXSR     (1u << 9)
#define X86_CR4_OSXMMEXCPT (1u << 10)
#define X86_CR4_UMIP       (1u << 11)
#define X86_CR4_FSGSBASE   (1u << 16)
#define X86_CR4_PCIDE      (1u << 17)
#define X86_CR4_OSXSAVE    (1u << 18)
#define X86_CR4_SMEP       (1u << 20)
#define X86_CR4_SMAP       (1u << 21)

#define X86_EFER_SCE   (1u << 0)
#define X86_EFER_LME   (1u << 8)
#define X86_EFER_LMA   (1u << 10)
#define X86_EFER_NXE   (1u << 11)
#define X86_EFER_FFXSR (1u << 14)

/* Segment attributes: bits 8..15 and 20..23 of the descriptor's high doubleword, moved down to 0..7 and 12..15 (the VMX
 * access-rights layout, SDM 25.4.1), plus the "unusable" bit 16 for null selectors. */
#define X86_SEG_TYPE     0x000fu
#define X86_SEG_S        (1u << 4)
#define X86_SEG_DPL      (3u << 5)
#define X86_SEG_DPL_SHIFT 5
#define X86_SEG_P        (1u << 7)
#define X86_SEG_AVL      (1u << 12)
#define X86_SEG_L        (1u << 13)
#define X86_SEG_DB       (1u << 14)
#define X86_SEG_G        (1u << 15)
#define X86_SEG_UNUSABLE (1u << 16)

typedef struct
{
  uint64_t base;
  uint32_t limit;      /* in bytes, granularity applied */
  uint32_t attr;       /* X86_SEG_* */
  uint16_t selector;
  uint16_t pad_[3];
} VtX86Seg;

typedef struct
{
  uint64_t base;
  uint16_t limit;
  uint16_t pad_[3];
} VtX86Table;

/* What the processor is doing between instructions. */
enum
{
  VT_X86_RUNNING,
  VT_X86_HALTED,         /* HLT */
  VT_X86_MWAIT,          /* MWAIT: leaves also on a write to the monitored line */
  VT_X86_WAIT_FOR_SIPI,  /* application processor after INIT */
  VT_X86_SHUTDOWN,       /* triple fault */
};

enum
{
  VT_X86_SHADOW_STI   = 1u << 0,   /* one-instruction window after STI */
  VT_X86_SHADOW_MOVSS = 1u << 1,   /* after MOV SS / POP SS */
};

typedef struct
{
  /* Integer; rflags is complete whenever the vCPU is at a safe point (the interpreter keeps lazy flags of its own). */
  uint64_t gpr[16];
  uint64_t rip;
  uint64_t rflags;

  VtX86Seg   seg[VT_SEG_COUNT];
  VtX86Seg   ldtr, tr;
  VtX86Table gdtr, idtr;

  uint64_t cr0, cr2, cr3, cr4, xcr0;
  uint64_t dr[8];                      /* dr[4] and dr[5] unused */

  /* MSRs with no better home */
  uint64_t efer, star, lstar, cstar, sfmask, kernel_gs_base;
  uint64_t sysenter_cs, sysenter_esp, sysenter_eip;
  uint64_t pat, misc_enable, tsc_aux, tsc_adjust, spec_ctrl;
  uint64_t mtrr_def_type, mtrr_fixed[11], mtrr_phys_base[8], mtrr_phys_mask[8];
  uint64_t mcg_status, mcg_ctl, mc_bank[4 * 10];

  uint64_t tsc_offset;                 /* guest TSC = ticks of the clock + tsc_offset (modulo 2^64) */

  /* Processing state */
  uint8_t  activity;                   /* VT_X86_RUNNING ... */
  uint8_t  shadow;                     /* VT_X86_SHADOW_* */
  uint8_t  nmi_blocked, nmi_pending, smi_pending, init_pending, sipi_pending, sipi_vector;
  uint64_t monitor_gpa;                /* line watched by MONITOR */
  uint8_t  monitor_armed;
  uint8_t  in_smm;
  uint8_t  smm_nmi_blocked;            /* in SMM: nmi_blocked of the program that was interrupted ... */
  uint8_t  pad0_;
  uint16_t smm_pending_db;             /* ... and the debug traps that it has still to get (DR6) */
  uint8_t  pad2_[2];
  uint64_t smbase;

  /* x87: st[i] is the physical register i (not relative to TOP); 80 bits in the first 10 bytes */
  uint16_t fcw, fsw;
  uint8_t  ftw;                        /* abridged: bit i set when physical register i is not empty */
  uint8_t  pad1_;
  uint16_t fop;
  uint64_t fip, fdp;
  uint16_t fcs, fds;
  uint32_t mxcsr;
  alignas (32) uint8_t st[8][16];
  alignas (32) uint8_t ymm[16][32];    /* XMM is the low half */
} VtX86State;
