/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Tables of the integer topics. */
#pragma once

#include "x86-insn.h"

extern const VtX86OpRow vt_x86_ops_alu[];       /* alu.c: ADD..CMP, TEST, INC, DEC, NEG, NOT, ADX */
extern const VtX86OpRow vt_x86_ops_mov[];       /* mov.c */
extern const VtX86OpRow vt_x86_ops_shift[];     /* shift.c */
extern const VtX86OpRow vt_x86_ops_muldiv[];    /* muldiv.c */
extern const VtX86OpRow vt_x86_ops_bits[];      /* bits.c: BT, scans, POPCNT, BMI, CRC32 */
extern const VtX86OpRow vt_x86_ops_branch[];    /* branch.c: near branches, SETcc, CMOVcc */
extern const VtX86OpRow vt_x86_ops_stack[];     /* stack-near.c */
extern const VtX86OpRow vt_x86_ops_string[];    /* string.c */
extern const VtX86OpRow vt_x86_ops_atomic[];    /* atomic.c: XCHG, XADD, CMPXCHG, CMPXCHG8B, CMPXCHG16B */
extern const VtX86OpRow vt_x86_ops_misc[];      /* misc.c: decimal adjustment, flags, BOUND, RDRAND, cache hints */
