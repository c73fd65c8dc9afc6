/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "flags.h"

#include "x86-test.h"

static void
every_combination_survives_put_and_get (void)
{
  VtX86Cpu *cpu = g_new0 (VtX86Cpu, 1);
  for (unsigned bits = 0; bits < 64; bits++)
    {
      static const uint32_t flag[]
          = { X86_RFLAGS_CF, X86_RFLAGS_PF, X86_RFLAGS_AF, X86_RFLAGS_ZF, X86_RFLAGS_SF, X86_RFLAGS_OF };
      uint32_t value = 0;
      for (unsigned i = 0; i < G_N_ELEMENTS (flag); i++)
        value |= (bits >> i) & 1 ? flag[i] : 0;
      flags_put (cpu, value);
      g_assert_cmphex (flags_get (cpu), ==, value);
    }
  g_free (cpu);
}

/* The definitions of the manual, bit by bit. */
static uint32_t
byte_flags (unsigned a, unsigned b, bool subtract)
{
  unsigned result = (subtract ? a - b : a + b) & 0xff;
  int wide = subtract ? (int8_t) a - (int8_t) b : (int8_t) a + (int8_t) b;
  bool carry = subtract ? a < b : a + b > 0xff;
  bool half = subtract ? (a & 15) < (b & 15) : (a & 15) + (b & 15) > 15;
  return (carry ? X86_RFLAGS_CF : 0) | (__builtin_parity (result) ? 0 : X86_RFLAGS_PF) | (half ? X86_RFLAGS_AF : 0)
         | (result == 0 ? X86_RFLAGS_ZF : 0) | (result & 0x80 ? X86_RFLAGS_SF : 0)
         | (wide != (int8_t) result ? X86_RFLAGS_OF : 0);
}

static void
byte_addition_and_subtraction_follow_the_manual (void)
{
  VtX86Cpu *cpu = g_new0 (VtX86Cpu, 1);
  for (unsigned a = 0; a < 256; a++)
    for (unsigned b = 0; b < 256; b++)
      {
        flags_add (cpu, a, b, a + b, 1);
        g_assert_cmphex (flags_get (cpu), ==, byte_flags (a, b, false));
        flags_sub (cpu, a, b, (uint64_t) a - b, 1);
        g_assert_cmphex (flags_get (cpu), ==, byte_flags (a, b, true));
      }
  g_free (cpu);
}

static void
setting_carry_leaves_the_others (void)
{
  VtX86Cpu *cpu = g_new0 (VtX86Cpu, 1);
  flags_sub (cpu, 0x80, 1, 0x7f, 1);
  uint32_t before = flags_get (cpu);
  g_assert_true (before & X86_RFLAGS_OF);
  flag_set_cf (cpu, 1);
  g_assert_cmphex (flags_get (cpu), ==, before | X86_RFLAGS_CF);
  flag_set_cf (cpu, 0);
  g_assert_cmphex (flags_get (cpu), ==, before);
  g_free (cpu);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/x86/flags/every-combination-survives-put-and-get", every_combination_survives_put_and_get);
  g_test_add_func ("/x86/flags/byte-addition-and-subtraction-follow-the-manual",
                   byte_addition_and_subtraction_follow_the_manual);
  g_test_add_func ("/x86/flags/setting-carry-leaves-the-others", setting_carry_leaves_the_others);
  return g_test_run ();
}
