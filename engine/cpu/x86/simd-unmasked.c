/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Exception flags of a SIMD floating-point instruction that raises #XM (SDM volume 1, 11.5.2 to 11.5.4).
 *
 * The host ran the instruction with everything masked, and that differs in three ways.  Exceptions that are detected before
 * the operation suppress those of its result.  With overflow or underflow unmasked, precision means that the result would
 * be inexact if the exponent had no bounds; with them masked, that the delivered one is.  And an instruction of several
 * steps, a dot product, ends at the first that raises an unmasked exception.
 *
 * So the elements are computed again here, exactly, in quadruple precision: no product or quotient of doubles comes near
 * the bounds of its exponent.  None of this is fast, and no one who takes these exceptions cares.
 */
#include <Zydis/Zydis.h>

#include "fpu.h"
#include "simd.h"

typedef __float128 Quad;

/* Destination formats. */
typedef struct
{
  int bits;               /* of the significand, with the leading one */
  int min_exp, max_exp;   /* of normal numbers */
} Format;

static const Format half_format = { 11, -14, 15 };
static const Format single_format = { 24, -126, 127 };
static const Format double_format = { 53, -1022, 1023 };

typedef enum
{
  OP_ADD, OP_SUB, OP_MUL, OP_DIV, OP_ADDSUB, OP_HADD, OP_HSUB, OP_NARROW, OP_DOT, OP_FMA,
} Operation;

/* Names without the V of VEX forms, the operand order of FMA ones and the last two letters. `negate`: of product and addend
 * of even and of odd elements. */
static const struct
{
  const char *stem;
  Operation   operation;
  struct
  {
    bool product, addend;
  } negate[2];
} stems[] = {
  { "add", OP_ADD },
  { "sub", OP_SUB },
  { "mul", OP_MUL },
  { "div", OP_DIV },
  { "addsub", OP_ADDSUB },
  { "hadd", OP_HADD },
  { "hsub", OP_HSUB },
  { "cvtpd2", OP_NARROW },
  { "cvtsd2", OP_NARROW },
  { "cvtps2", OP_NARROW },
  { "dp", OP_DOT },
  { "fmadd", OP_FMA, { { false, false }, { false, false } } },
  { "fmsub", OP_FMA, { { false, true }, { false, true } } },
  { "fnmadd", OP_FMA, { { true, false }, { true, false } } },
  { "fnmsub", OP_FMA, { { true, true }, { true, true } } },
  { "fmaddsub", OP_FMA, { { false, true }, { false, false } } },
  { "fmsubadd", OP_FMA, { { false, false }, { false, true } } },
};

typedef struct
{
  unsigned      stem;             /* index above */
  unsigned      order;            /* 132, 213, 231 */
  unsigned      n;                /* elements */
  unsigned      size;             /* of a source element */
  uint32_t      mxcsr;
  const Format *format;
  VtVec         source[3];
} Work;

/* --- Exact values ------------------------------------------------------------------------------------------------------------ */

typedef union
{
  Quad     value;
  uint64_t word[2];
} QuadBits;

/* What an element's exact result is; `sticky`: it has more bits than the quadruple. */
typedef struct
{
  Quad value;
  bool sticky;
} Exact;

static int
quad_exponent (Quad value)
{
  QuadBits bits = { .value = value };
  return (int) (bits.word[1] >> 48 & 0x7fff) - 0x3fff;
}

/* Does value need more than `bits` significant bits? */
static bool
quad_needs_more (Quad value, int bits)
{
  QuadBits q = { .value = value };
  unsigned low = 113 - bits;   /* that have to be zero */
  if (bits <= 0)
    return true;
  if (low <= 64)
    return (q.word[0] & (low == 64 ? ~UINT64_C (0) : (UINT64_C (1) << low) - 1)) != 0;
  return q.word[0] != 0 || (q.word[1] & ((UINT64_C (1) << (low - 64)) - 1)) != 0;
}

static Exact
exact_sum (Quad a, Quad b)
{
  Quad sum = a + b;
  return (Exact) { sum, sum - a != b || sum - b != a };
}

static Exact
exact_quotient (Quad a, Quad b)
{
  Quad quotient = a / b;
  return (Exact) { quotient, quotient * b != a || quad_needs_more (quotient, 53) };
}

/* Precision exception for that result, given what is masked. */
static bool
is_inexact (const Work *w, Exact result)
{
  if (result.value == 0)
    return false;
  int exponent = quad_exponent (result.value), bits = w->format->bits;
  bool overflows = exponent > w->format->max_exp, tiny = exponent < w->format->min_exp;

  if (overflows && (w->mxcsr & (FSW_OE << 7)))
    return true;
  if (tiny && (w->mxcsr & MXCSR_UM))
    {
      if (w->mxcsr & MXCSR_FTZ)
        return true;
      bits -= w->format->min_exp - exponent;
    }
  return result.sticky || quad_needs_more (result.value, bits);
}

/* --- Elements ------------------------------------------------------------------------------------------------------------------- */

/* Element i of a source, with DAZ. False: not a number, or infinite. */
static bool
get_element (const Work *w, unsigned source, unsigned i, Quad *value)
{
  const VtVec *v = &w->source[source];
  const Format *format = w->size == 4 ? &single_format : &double_format;
  float single;
  double number;

  memcpy (&single, &v->u32[i & 7], 4);
  memcpy (&number, &v->u64[i & 3], 8);
  *value = w->size == 4 ? single : number;
  int exponent = quad_exponent (*value);
  if (exponent > format->max_exp)
    return false;
  if ((w->mxcsr & MXCSR_DAZ) && exponent < format->min_exp)
    *value = 0;
  return true;
}

static bool
sum_inexact (const Work *w, unsigned source_a, unsigned a, unsigned source_b, unsigned b, bool negate)
{
  Quad x, y;
  return get_element (w, source_a, a, &x) && get_element (w, source_b, b, &y)
         && is_inexact (w, exact_sum (x, negate ? -y : y));
}

static bool
product_inexact (const Work *w, unsigned i)
{
  Quad x, y;
  return get_element (w, 0, i, &x) && get_element (w, 1, i, &y) && is_inexact (w, (Exact) { x * y, false });
}

static bool
quotient_inexact (const Work *w, unsigned i)
{
  Quad x, y;
  return get_element (w, 0, i, &x) && get_element (w, 1, i, &y) && y != 0 && is_inexact (w, exact_quotient (x, y));
}

static bool
narrowing_inexact (const Work *w, unsigned i)
{
  Quad x;
  return get_element (w, 1, i, &x) && is_inexact (w, (Exact) { x, false });
}

/* Sources 0, 1, 2 are the operands: 132 is first * third + second. */
static bool
fma_inexact (const Work *w, unsigned i)
{
  unsigned addend = w->order == 132 ? 1 : w->order == 213 ? 2 : 0;
  unsigned factor = w->order == 132 ? 0 : 1, other = w->order == 213 ? 0 : 2;
  Quad x, y, z;

  if (!get_element (w, factor, i, &x) || !get_element (w, other, i, &y) || !get_element (w, addend, i, &z))
    return false;
  Quad product = stems[w->stem].negate[i & 1].product ? -(x * y) : x * y;
  return is_inexact (w, exact_sum (product, stems[w->stem].negate[i & 1].addend ? -z : z));
}

static bool
element_inexact (const Work *w, Operation operation, unsigned i)
{
  switch (operation)
    {
    case OP_ADD:
      return sum_inexact (w, 0, i, 1, i, false);
    case OP_SUB:
      return sum_inexact (w, 0, i, 1, i, true);
    case OP_ADDSUB:
      return sum_inexact (w, 0, i, 1, i, !(i & 1));
    case OP_HADD:
    case OP_HSUB:
      return sum_inexact (w, i & 1, i & ~1u, i & 1, i | 1, operation == OP_HSUB);
    case OP_MUL:
      return product_inexact (w, i);
    case OP_DIV:
      return quotient_inexact (w, i);
    case OP_NARROW:
      return narrowing_inexact (w, i);
    default:
      return fma_inexact (w, i);
    }
}

static bool
any_inexact (const Work *w, Operation operation)
{
  for (unsigned i = 0; i < w->n; i++)
    if (element_inexact (w, operation, i))
      return true;
  return false;
}

/* Flags of one step from those that it raised while masked. */
static uint32_t
step_flags (const Work *w, Operation operation, uint32_t flags)
{
  uint32_t unmasked = flags & ~(w->mxcsr >> 7);

  if (unmasked & FSW_PRE)
    return flags & FSW_PRE;
  if (unmasked & (FSW_OE | FSW_UE))
    return (flags & ~FSW_PE) | (any_inexact (w, operation) ? FSW_PE : 0);
  return flags;
}

/* --- Dot products: multiplication, then one or two additions ------------------------------------------------------------------------- */

static uint32_t
run_step (Work *w, VtHostSse kernel)
{
  vt_host_sse_begin (w->mxcsr);
  for (unsigned lane = 0; lane < w->n * w->size / 16; lane++)
    w->source[0].half[lane] = kernel (w->source[0].half[lane], w->source[1].half[lane]);
  return vt_host_sse_end ();
}

static uint32_t
dot_product_flags (Work *w, const VtX86Insn *insn)
{
  unsigned steps = w->size == 4 ? 3 : 2;
  uint32_t flags = 0;

  for (unsigned i = 0; i < 32; i++)
    if (!(insn->imm >> (4 + i % 16 / w->size) & 1))
      w->source[0].u8[i] = w->source[1].u8[i] = 0;
  for (unsigned step = 0; step < steps; step++)
    {
      Work before = *w;
      VtHostSse multiply = w->size == 4 ? vt_host_mulps : vt_host_mulpd, add = w->size == 4 ? vt_host_haddps : vt_host_haddpd;
      uint32_t raised = run_step (w, step == 0 ? multiply : add);
      flags |= step_flags (&before, step == 0 ? OP_MUL : OP_HADD, raised);
      if (flags & ~(w->mxcsr >> 7))
        break;
      w->source[1] = w->source[0];
    }
  return flags;
}

/* --- The instruction --------------------------------------------------------------------------------------------------------------------- */

/* Takes the name apart: v FMADDSUB 132 PS. False: not an instruction whose result can overflow or underflow. */
static bool
parse_name (const VtX86Insn *insn, Work *w)
{
  const char *name = ZydisMnemonicGetString (insn->mnemonic);
  bool scalar;

  if (*name == 'v')
    name++;
  size_t length = strlen (name) - 2;
  const char *suffix = name + length;
  scalar = suffix[0] == 's';
  w->format = suffix[1] == 's' ? &single_format : suffix[1] == 'd' ? &double_format : &half_format;
  w->size = suffix[1] == 's' ? 4 : 8;
  if (length > 3 && g_ascii_isdigit (name[length - 1]) && g_ascii_isdigit (name[length - 2]))
    {
      length -= 3;
      w->order = strtoul (name + length, NULL, 10);
    }
  for (w->stem = 0; w->stem < G_N_ELEMENTS (stems); w->stem++)
    if (strlen (stems[w->stem].stem) == length && memcmp (stems[w->stem].stem, name, length) == 0)
      break;
  if (w->stem == G_N_ELEMENTS (stems))
    return false;
  if (stems[w->stem].operation == OP_NARROW && w->format == &double_format)
    return false;
  if (stems[w->stem].operation == OP_NARROW)
    w->size = w->format == &half_format ? 4 : 8;
  w->n = scalar ? 1 : insn->veclen / w->size;
  return true;
}

/* Operands again, none of which has changed: FMA's three, or the two sources. */
static void
get_sources (VtX86Cpu *cpu, const VtX86Insn *insn, Work *w)
{
  Operation operation = stems[w->stem].operation;
  unsigned size = w->n == 1 ? w->size : insn->veclen;
  unsigned first = operation == OP_FMA ? 0 : vec_first (insn);
  unsigned last = operation == OP_FMA ? 2 : first + 1;

  if (operation == OP_NARROW && w->n > 1)
    first = last = 1;
  w->source[0] = *vec_reg (cpu, insn->reg[first]);
  if (operation == OP_FMA)
    w->source[1] = *vec_reg (cpu, insn->reg[1]);
  w->source[operation == OP_FMA ? 2 : 1] = vec_source (cpu, insn, last, size);
}

uint32_t
vt_simd_unmasked_flags (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t flags)
{
  Work w = { .mxcsr = cpu->s.mxcsr };

  if (!parse_name (insn, &w))
    return flags & ~(w.mxcsr >> 7) & FSW_PRE ? flags & FSW_PRE : flags;
  get_sources (cpu, insn, &w);
  if (stems[w.stem].operation == OP_DOT)
    return dot_product_flags (&w, insn);
  return step_flags (&w, stems[w.stem].operation, flags);
}
