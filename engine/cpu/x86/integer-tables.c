/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "x86-cpu.h"
#include <Zydis/Mnemonic.h>
static void op_nop (VtX86Cpu *cpu, const VtX86Insn *insn) {}
const VtX86OpRow vt_x86_ops_integer[] = { { ZYDIS_MNEMONIC_NOP, op_nop, NULL }, { 0 } };
