/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Floating-point arithmetic done by the host's own x86 floating-point units; the only place with inline assembly.
 *
 * The guest's instruction runs on the host under the guest's rounding, precision, DAZ and FTZ settings, so results, NaN
 * payloads and exception flags are those of a processor by construction (docs/decisions/0002-host-fp.md).  A host that is
 * not x86 needs another implementation of exactly these functions.
 *
 * SSE kernels run between vt_host_sse_begin() and vt_host_sse_end() with every exception masked; the flags come back from
 * end().  All of them, unary ones and conversions too, have the shape (first, second) -> result of a two-operand SSE
 * instruction, where `first` supplies the elements that the instruction leaves alone.
 *
 * x87 kernels are complete in themselves: they load operands, execute one instruction under `cw`, and return the status
 * word.  Overflow, underflow and precision may be unmasked in `cw`: nothing traps on the host, because the flags are
 * cleared by a non-waiting FNCLEX before the next waiting instruction, and the result is the biased one that the
 * architecture defines for that case.  Invalid, denormal and zero-divide are always masked here: an instruction that the
 * guest wants to trap on them delivers no result, so the caller looks at the flags and drops it.
 */
#pragma once

#include <emmintrin.h>
#include <glib.h>
#include <stdint.h>

#define VT_INLINE static inline __attribute__ ((always_inline))

/* --- SSE ------------------------------------------------------------------------------------------------------------ */

#define MXCSR_FLAGS    0x3fu
#define MXCSR_MASKS    0x1f80u    /* also the power-on value */
#define MXCSR_DAZ      (1u << 6)
#define MXCSR_UE       (1u << 4)
#define MXCSR_UM       (1u << 11)
#define MXCSR_RC       (3u << 13)
#define MXCSR_RC_SHIFT 13
#define MXCSR_FTZ      (1u << 15)
#define MXCSR_VALID    0xffffu

typedef __m128i (*VtHostSse) (__m128i first, __m128i second);

VT_INLINE void
vt_host_sse_begin (uint32_t guest_mxcsr)
{
  uint32_t control = (guest_mxcsr & ~MXCSR_FLAGS) | MXCSR_MASKS;
  /* With underflow unmasked, a tiny result counts even when it is exact. Flushing makes the host report just that; what
   * it flushes is never seen, because the guest gets the exception instead. */
  if (G_UNLIKELY (!(guest_mxcsr & MXCSR_UM)))
    control |= MXCSR_FTZ;
  __asm__ volatile ("ldmxcsr %0" : : "m" (control));
}

/* Exception flags raised since begin(); the host's own settings are back afterwards. */
VT_INLINE uint32_t
vt_host_sse_end (void)
{
  uint32_t now, host = MXCSR_MASKS;
  __asm__ volatile ("stmxcsr %0" : "=m" (now));
  if (G_UNLIKELY ((now & ~MXCSR_FLAGS) != MXCSR_MASKS))
    __asm__ volatile ("ldmxcsr %0" : : "m" (host));
  return now & MXCSR_FLAGS;
}

#define VT_HOST_SSE_NAMED(name, insn)                                                                                    \
  VT_INLINE __m128i vt_host_##name (__m128i first, __m128i second)                                                       \
  {                                                                                                                      \
    __asm__ volatile (insn " %1, %0" : "+x" (first) : "x" (second));                                                     \
    return first;                                                                                                        \
  }
#define VT_HOST_SSE(name) VT_HOST_SSE_NAMED (name, #name)
#define VT_HOST_SSE_4(stem) VT_HOST_SSE (stem##ps) VT_HOST_SSE (stem##pd) VT_HOST_SSE (stem##ss) VT_HOST_SSE (stem##sd)

VT_HOST_SSE_4 (add)
VT_HOST_SSE_4 (sub)
VT_HOST_SSE_4 (mul)
VT_HOST_SSE_4 (div)
VT_HOST_SSE_4 (min)
VT_HOST_SSE_4 (max)
VT_HOST_SSE_4 (sqrt)
VT_HOST_SSE (addsubps)
VT_HOST_SSE (addsubpd)
VT_HOST_SSE (haddps)
VT_HOST_SSE (haddpd)
VT_HOST_SSE (hsubps)
VT_HOST_SSE (hsubpd)
VT_HOST_SSE (rcpps)
VT_HOST_SSE (rcpss)
VT_HOST_SSE (rsqrtps)
VT_HOST_SSE (rsqrtss)
VT_HOST_SSE (cvtps2pd)
VT_HOST_SSE (cvtpd2ps)
VT_HOST_SSE (cvtss2sd)
VT_HOST_SSE (cvtsd2ss)
VT_HOST_SSE (cvtdq2ps)
VT_HOST_SSE (cvtdq2pd)
VT_HOST_SSE (cvtps2dq)
VT_HOST_SSE (cvttps2dq)
VT_HOST_SSE (cvtpd2dq)
VT_HOST_SSE (cvttpd2dq)

/* ROUNDxx by MXCSR.RC, with and without the precision exception. */
#define VT_HOST_ROUND(name)                                                                                              \
  VT_HOST_SSE_NAMED (name##_exact, #name " $4,")                                                                         \
  VT_HOST_SSE_NAMED (name##_quiet, #name " $12,")
VT_HOST_ROUND (roundps)
VT_HOST_ROUND (roundpd)
VT_HOST_ROUND (roundss)
VT_HOST_ROUND (roundsd)

/* CMPxx by predicate: the eight of SSE, and the thirty-two of AVX (on a host that has it). */
#define VT_HOST_CMP(element, predicate)                                                                                  \
  VT_HOST_SSE_NAMED (cmp##element##_##predicate, "cmp" #element " $" #predicate ",")
#define VT_HOST_VCMP(element, predicate)                                                                                 \
  VT_INLINE __m128i vt_host_vcmp##element##_##predicate (__m128i first, __m128i second)                                  \
  {                                                                                                                      \
    __asm__ volatile ("vcmp" #element " $" #predicate ", %1, %0, %0" : "+x" (first) : "x" (second));                     \
    return first;                                                                                                        \
  }
#define VT_FOR_8(X, ...)                                                                                                 \
  X (__VA_ARGS__, 0) X (__VA_ARGS__, 1) X (__VA_ARGS__, 2) X (__VA_ARGS__, 3)                                            \
  X (__VA_ARGS__, 4) X (__VA_ARGS__, 5) X (__VA_ARGS__, 6) X (__VA_ARGS__, 7)
#define VT_FOR_16(X, ...)                                                                                                \
  VT_FOR_8 (X, __VA_ARGS__)                                                                                              \
  X (__VA_ARGS__, 8) X (__VA_ARGS__, 9) X (__VA_ARGS__, 10) X (__VA_ARGS__, 11)                                          \
  X (__VA_ARGS__, 12) X (__VA_ARGS__, 13) X (__VA_ARGS__, 14) X (__VA_ARGS__, 15)
#define VT_FOR_32(X, ...)                                                                                                \
  VT_FOR_16 (X, __VA_ARGS__)                                                                                             \
  X (__VA_ARGS__, 16) X (__VA_ARGS__, 17) X (__VA_ARGS__, 18) X (__VA_ARGS__, 19)                                        \
  X (__VA_ARGS__, 20) X (__VA_ARGS__, 21) X (__VA_ARGS__, 22) X (__VA_ARGS__, 23)                                        \
  X (__VA_ARGS__, 24) X (__VA_ARGS__, 25) X (__VA_ARGS__, 26) X (__VA_ARGS__, 27)                                        \
  X (__VA_ARGS__, 28) X (__VA_ARGS__, 29) X (__VA_ARGS__, 30) X (__VA_ARGS__, 31)

/* DPPS, DPPD: `select` is the high half of the immediate; the result goes to every element. */
#define VT_HOST_DOT(name, select)                                                                                        \
  VT_HOST_SSE_NAMED (name##_##select, #name " $(" #select " * 16 + 15),")

/* Scalar conversions between the register files. */
#define VT_HOST_TO_INT(name, type)                                                                                       \
  VT_INLINE type vt_host_##name##_##type (__m128i value)                                                                 \
  {                                                                                                                      \
    type result;                                                                                                         \
    __asm__ volatile (#name " %1, %0" : "=r" (result) : "x" (value));                                                    \
    return result;                                                                                                       \
  }
#define VT_HOST_FROM_INT(name, suffix, type)                                                                             \
  VT_INLINE __m128i vt_host_##name##_##type (__m128i first, type value)                                                  \
  {                                                                                                                      \
    __asm__ volatile (#name suffix " %1, %0" : "+x" (first) : "r" (value));                                              \
    return first;                                                                                                        \
  }
#define VT_HOST_BOTH_INT(element)                                                                                        \
  VT_HOST_TO_INT (cvt##element##2si, uint32_t) VT_HOST_TO_INT (cvt##element##2si, uint64_t)                              \
  VT_HOST_TO_INT (cvtt##element##2si, uint32_t) VT_HOST_TO_INT (cvtt##element##2si, uint64_t)                            \
  VT_HOST_FROM_INT (cvtsi2##element, "l", uint32_t) VT_HOST_FROM_INT (cvtsi2##element, "q", uint64_t)
VT_HOST_BOTH_INT (ss)
VT_HOST_BOTH_INT (sd)

/* COMISx, UCOMISx: ZF, PF, CF at their places in RFLAGS. */
#define VT_HOST_COMI(name)                                                                                               \
  VT_INLINE uint32_t vt_host_##name (__m128i first, __m128i second)                                                      \
  {                                                                                                                      \
    uint8_t z, p, c;                                                                                                     \
    __asm__ volatile (#name " %4, %3\n\tsetz %0\n\tsetp %1\n\tsetc %2"                                                   \
                      : "=&r" (z), "=&r" (p), "=&r" (c) : "x" (first), "x" (second) : "cc");                             \
    return (uint32_t) z << 6 | (uint32_t) p << 2 | c;                                                                    \
  }
VT_HOST_COMI (comiss)
VT_HOST_COMI (comisd)
VT_HOST_COMI (ucomiss)
VT_HOST_COMI (ucomisd)

/* FMA, all three operand orders: `first` is the destination's old value. F16C by MXCSR.RC. */
#define VT_HOST_FMA(name)                                                                                                \
  VT_INLINE __m128i vt_host_##name (__m128i first, __m128i second, __m128i third)                                        \
  {                                                                                                                      \
    __asm__ volatile (#name " %2, %1, %0" : "+x" (first) : "x" (second), "x" (third));                                   \
    return first;                                                                                                        \
  }

VT_HOST_SSE (vcvtph2ps)

VT_INLINE __m128i
vt_host_vcvtps2ph (__m128i first, __m128i second)
{
  __asm__ volatile ("vcvtps2ph $4, %1, %0" : "=x" (first) : "x" (second));
  return first;
}

/* --- x87 ------------------------------------------------------------------------------------------------------------ */

#define X87_CW_HOST 0x037fu      /* what the host's C code runs under */
#define X87_CW_MASKS 0x003fu
#define X87_CW_PRE  0x0007u      /* masks of invalid, denormal, zero divide */

/* An 80-bit register as FXSAVE stores it. */
typedef struct
{
  uint64_t mantissa;
  uint16_t sign_exp;
  uint16_t pad_[3];
} VtF80;

typedef uint16_t (*VtHostX87) (uint16_t cw, const VtF80 *st0, const void *src, VtF80 *result);

#define VT_X87_BEGIN "fnclex\n\tfldcw %[cw]\n\t"
#define VT_X87_SW    "\n\tfnstsw %[sw]\n\t"
#define VT_X87_END   "\n\tfldcw %[host]"
#define VT_X87_CLOBBER "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)"

/* `insn` after `before`, which loads its operands, and before `after`, which takes its results. FNCLEX costs more than all
 * the rest; what follows waits for an exception only when one is unmasked. The arguments after these are the constraints. */
#define VT_X87_EXECUTE(before, insn, after, ...)                                                                         \
  do                                                                                                                     \
    if (G_LIKELY ((cw & X87_CW_MASKS) == X87_CW_MASKS))                                                                  \
      __asm__ volatile (VT_X87_BEGIN before insn VT_X87_SW after VT_X87_END __VA_ARGS__);                                \
    else                                                                                                                 \
      __asm__ volatile (VT_X87_BEGIN before insn VT_X87_SW "fnclex\n\t" after VT_X87_END __VA_ARGS__);                   \
  while (0)

/* result = st0 OP src, with src an 80-bit register or a memory operand of the instruction. */
#define VT_HOST_X87_BINARY(name, before, insn, after)                                                                    \
  static uint16_t vt_host_##name (uint16_t guest_cw, const VtF80 *st0, const void *src, VtF80 *result)                   \
  {                                                                                                                      \
    uint16_t cw = guest_cw | X87_CW_PRE, host = X87_CW_HOST, sw;                                                         \
    VT_X87_EXECUTE (before "fldt %[st0]\n\t", insn, "fstpt %[result]" after,                                             \
                      : [sw] "=m" (sw), [result] "+m" (*result)                                                          \
                      : [cw] "m" (cw), [host] "m" (host), [st0] "m" (*st0), [src] "m" (*(const VtF80 *) src)             \
                      : VT_X87_CLOBBER);                                                                                 \
    return sw;                                                                                                           \
  }
#define VT_HOST_X87_ARITH(op)                                                                                            \
  VT_HOST_X87_BINARY (f##op##_reg, "fldt %[src]\n\t", "f" #op " %%st(1), %%st", "\n\tfstp %%st(0)")                      \
  VT_HOST_X87_BINARY (f##op##_m32, "", "f" #op "s %[src]", "")                                                           \
  VT_HOST_X87_BINARY (f##op##_m64, "", "f" #op "l %[src]", "")                                                           \
  VT_HOST_X87_BINARY (f##op##_i16, "", "fi" #op "s %[src]", "")                                                          \
  VT_HOST_X87_BINARY (f##op##_i32, "", "fi" #op "l %[src]", "")

/* One register in place; src is not used. */
#define VT_HOST_X87_UNARY(name) VT_HOST_X87_BINARY (name, "", #name, "")
/* st0 and st1 = src; the instruction pops, or leaves st1 below the result. */
#define VT_HOST_X87_POPPING(name) VT_HOST_X87_BINARY (name, "fldt %[src]\n\t", #name, "")
#define VT_HOST_X87_ABOVE(name) VT_HOST_X87_BINARY (name, "fldt %[src]\n\t", #name, "\n\tfstp %%st(0)")
/* Pushes what it loads: src is the memory operand, or not used. */
#define VT_HOST_X87_LOAD(name, insn)                                                                                     \
  static uint16_t vt_host_##name (uint16_t guest_cw, const VtF80 *st0, const void *src, VtF80 *result)                   \
  {                                                                                                                      \
    uint16_t cw = guest_cw | X87_CW_PRE, host = X87_CW_HOST, sw;                                                         \
    VT_X87_EXECUTE ("", insn, "fstpt %[result]",                                                                         \
                      : [sw] "=m" (sw), [result] "+m" (*result)                                                          \
                      : [cw] "m" (cw), [host] "m" (host), [src] "m" (*(const VtF80 *) src)                               \
                      : VT_X87_CLOBBER);                                                                                 \
    return sw;                                                                                                           \
  }
/* Compares st0 with src: no result but the condition codes. */
#define VT_HOST_X87_COMPARE(name, before, insn, after)                                                                   \
  static uint16_t vt_host_##name (uint16_t guest_cw, const VtF80 *st0, const void *src, VtF80 *result)                   \
  {                                                                                                                      \
    uint16_t cw = guest_cw | X87_CW_PRE, host = X87_CW_HOST, sw;                                                         \
    VT_X87_EXECUTE (before "fldt %[st0]\n\t", insn, "fstp %%st(0)" after,                                                \
                      : [sw] "=m" (sw)                                                                                   \
                      : [cw] "m" (cw), [host] "m" (host), [st0] "m" (*st0), [src] "m" (*(const VtF80 *) src)             \
                      : VT_X87_CLOBBER);                                                                                 \
    return sw;                                                                                                           \
  }
/* Stores st0 to memory without popping, so that a store suppressed by an unmasked exception leaves the stack as it was. */
#define VT_HOST_X87_STORE(name, masks, insn, after)                                                                      \
  static uint16_t vt_host_##name (uint16_t guest_cw, const VtF80 *st0, const void *src, VtF80 *result)                   \
  {                                                                                                                      \
    uint16_t cw = guest_cw | X87_CW_PRE | (masks), host = X87_CW_HOST, sw;                                               \
    VT_X87_EXECUTE ("fldt %[st0]\n\t", insn, after,                                                                      \
                      : [sw] "=m" (sw), [result] "+m" (*result)                                                          \
                      : [cw] "m" (cw), [host] "m" (host), [st0] "m" (*st0)                                               \
                      : VT_X87_CLOBBER);                                                                                 \
    return sw;                                                                                                           \
  }
/* st0 becomes result[0] below the pushed result[1]; an operand out of range (C2) leaves st0 and pushes nothing, then
 * result[1] is meaningless. */
#define VT_HOST_X87_PUSHING(name)                                                                                        \
  static uint16_t vt_host_##name (uint16_t guest_cw, const VtF80 *st0, const void *src, VtF80 *result)                   \
  {                                                                                                                      \
    uint16_t cw = guest_cw | X87_CW_PRE, host = X87_CW_HOST, sw;                                                         \
    VT_X87_EXECUTE ("fldz\n\tfldt %[st0]\n\t", #name, "fstpt %[upper]\n\tfstpt %[lower]\n\tfninit",                      \
                      : [sw] "=m" (sw), [lower] "+m" (result[0]), [upper] "+m" (result[1])                               \
                      : [cw] "m" (cw), [host] "m" (host), [st0] "m" (*st0)                                               \
                      : VT_X87_CLOBBER);                                                                                 \
    return sw;                                                                                                           \
  }
