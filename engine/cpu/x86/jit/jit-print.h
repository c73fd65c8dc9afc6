/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Guest and host code as text, for reports. */
#pragma once

#include <Zydis/Zydis.h>
#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

/* operands: room for ZYDIS_MAX_OPERAND_COUNT. False when it is none. */
bool vt_jit_decode_insn (const uint8_t *bytes, unsigned len, unsigned code_bits, ZydisDecodedInstruction *insn,
                         ZydisDecodedOperand *operands);

/* One instruction and a newline: address, bytes, text. Returns its length; 1 when it is none. */
unsigned vt_jit_print_insn (GString *out, const uint8_t *bytes, unsigned len, uint64_t address, unsigned code_bits);
void vt_jit_print_host (GString *out, const uint8_t *code, size_t len, uint64_t address);
