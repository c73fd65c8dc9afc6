/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "jit-print.h"

#define BYTES_SHOWN 11u

bool
vt_jit_decode_insn (const uint8_t *bytes, unsigned len, unsigned code_bits, ZydisDecodedInstruction *insn,
                    ZydisDecodedOperand *operands)
{
  ZydisDecoder decoder;
  if (code_bits == 64)
    ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
  else if (code_bits == 32)
    ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
  else
    ZydisDecoderInit (&decoder, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
  return ZYAN_SUCCESS (ZydisDecoderDecodeFull (&decoder, bytes, len, insn, operands));
}

unsigned
vt_jit_print_insn (GString *out, const uint8_t *bytes, unsigned len, uint64_t address, unsigned code_bits)
{
  ZydisFormatter formatter;
  ZydisDecodedInstruction insn;
  ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
  char text[128] = "(not an instruction)";
  unsigned n = 1;
  ZydisFormatterInit (&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  if (vt_jit_decode_insn (bytes, len, code_bits, &insn, operands))
    {
      n = insn.length;
      ZydisFormatterFormatInstruction (&formatter, &insn, operands, insn.operand_count_visible, text, sizeof (text), address, NULL);
    }
  g_string_append_printf (out, "%16" G_GINT64_MODIFIER "x  ", address);
  for (unsigned i = 0; i < MAX (n, BYTES_SHOWN); i++)
    if (i < n)
      g_string_append_printf (out, "%02x", bytes[i]);
    else
      g_string_append (out, "  ");
  g_string_append_printf (out, "  %s\n", text);
  return n;
}

void
vt_jit_print_host (GString *out, const uint8_t *code, size_t len, uint64_t address)
{
  for (size_t at = 0; at < len;)
    at += vt_jit_print_insn (out, code + at, (unsigned) MIN (len - at, 15), address + at, 64);
}
