/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Comparison of two results of a case, and its report. */
#include "compare.h"

#include "forms.h"
#include "vendor.h"
#include "xarea.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define RFLAGS_RF 0x10000u
#define PF_PRESENT 1u
#define VECTOR_PF 14u

#define FSW_C1 0x0200u
#define FSW_PE 0x0020u
#define FSW_ES 0x0080u

/* Linux reports a fault above user space as if the page were present, to tell nothing about the kernel's map. */
#define USER_SPACE_END UINT64_C (0x00007ffffffff000)

static uint32_t
error_code_mask (const Result *want)
{
  return want->vector == VECTOR_PF && want->cr2 >= USER_SPACE_END ? ~PF_PRESENT : UINT32_MAX;
}

/* --- Results that need not be equal ------------------------------------------------------------------------------- */

static bool
near_f32 (uint32_t want_bits, uint32_t got_bits)
{
  float want, got;
  memcpy (&want, &want_bits, 4);
  memcpy (&got, &got_bits, 4);
  if (want_bits == got_bits)
    return true;
  if (!isfinite (want) || !isfinite (got) || signbit (want) != signbit (got))
    return false;
  /* |relative error| <= 1.5 * 2^-12 each (SDM volume 2, RCPPS and RSQRTPS), so twice that between two; tiny results may
   * be flushed to zero or not. */
  double allowed = fmax (fabs ((double) want), fabs ((double) got)) * 3 / 4096;
  return fabs ((double) want - got) <= allowed || (fabs ((double) want) < 0x1.8p-126 && got == 0)
         || (fabs ((double) got) < 0x1.8p-126 && want == 0);
}

static void
accept_near_lanes (const Case *c, const Result *want, Result *got)
{
  unsigned lanes = c->loose == LOOSE_RCP_SS ? 1 : 8;
  for (unsigned i = 0; i < lanes; i++)
    {
      unsigned at = (i < 4 ? XAREA_XMM : XAREA_YMM - 16) + 16 * c->loose_reg + 4 * i;
      if (near_f32 (xarea_get32 (want->out.xarea, at), xarea_get32 (got->out.xarea, at)))
        xarea_put32 (got->out.xarea, at, xarea_get32 (want->out.xarea, at));
    }
}

static bool
near_f80 (const uint8_t *want, const uint8_t *got)
{
  uint64_t a, b;
  uint16_t ea, eb;
  memcpy (&a, want, 8);
  memcpy (&b, got, 8);
  memcpy (&ea, want + 8, 2);
  memcpy (&eb, got + 8, 2);
  if (ea == eb)
    return (a > b ? a - b : b - a) <= 2;
  /* Neighbours across a power of two. */
  return (ea == eb + 1 && a == UINT64_C (1) << 63 && b >= UINT64_MAX - 2)
         || (eb == ea + 1 && b == UINT64_C (1) << 63 && a >= UINT64_MAX - 2);
}

static void
accept_near_f80 (const Result *want, Result *got)
{
  for (unsigned i = 0; i < 2; i++)
    {
      unsigned at = XAREA_ST + 16 * i;
      if (near_f80 (want->out.xarea + at, got->out.xarea + at))
        memcpy (got->out.xarea + at, want->out.xarea + at, 10);
    }
}

/* --- Equality ----------------------------------------------------------------------------------------------------- */

static void
ignore16 (const uint8_t *want, uint8_t *got, unsigned at, uint16_t mask)
{
  uint16_t value = (xarea_get16 (got, at) & ~mask) | (xarea_get16 (want, at) & mask);
  xarea_put16 (got, at, value);
}

/* Flags that are undefined where the host stopped. */
static void
find_undefined (const Case *c, const Result *want, uint32_t *rflags, uint16_t *fsw)
{
  *rflags = c->rflags_ignored;
  *fsw = c->fsw_ignored;
  uint64_t at = c->in.rip;
  for (unsigned i = 0; c->n_insns > 1 && i < c->n_insns; at += c->insn_len[i++])
    if (at == want->out.rip)
      {
        *rflags = c->insn_rflags_ignored[i];
        *fsw = c->insn_fsw_ignored[i];
      }
}

static void
apply_ignored (const Case *c, const Result *want, Result *got)
{
  uint8_t *x = got->out.xarea;
  uint32_t flags;
  uint16_t fsw;
  find_undefined (c, want, &flags, &fsw);
  flags |= want->vector == NO_VECTOR ? 0 : RFLAGS_RF | got->rflags_unknown;
  got->out.rflags = (got->out.rflags & ~(uint64_t) flags) | (want->out.rflags & flags);
  if (c->loose == LOOSE_RCP_SS || c->loose == LOOSE_RCP_PS)
    accept_near_lanes (c, want, got);
  if (c->loose == LOOSE_X87_TRANSCENDENTAL)
    {
      accept_near_f80 (want, got);
      fsw |= FSW_C1 | FSW_PE;   /* whether and where a result is rounded depends on the last bits */
    }
  /* AMD saves zeros for the instruction and data pointers unless an exception is pending: also when the host switches
   * processes between loading the case's state and running it. */
  if (!(xarea_get16 (want->out.xarea, XAREA_FSW) & FSW_ES) || xarea_get64 (want->out.xarea, XAREA_FIP) == 0
      || xarea_get64 (want->out.xarea, XAREA_FDP) == 0)
    memcpy (x + XAREA_FOP, want->out.xarea + XAREA_FOP, XAREA_MXCSR - XAREA_FOP);
  ignore16 (want->out.xarea, x, XAREA_FSW, fsw);
  ignore16 (want->out.xarea, x, XAREA_FCW, c->fcw_ignored);
}

bool
compare_equal (const Case *c, const Result *want, Result *got, const uint8_t *want_window, uint8_t *got_window)
{
  apply_ignored (c, want, got);
  vendor_excuse (c, want, got, want_window, got_window);
  for (unsigned i = 0; i < c->n_window_ignored; i++)
    memcpy (got_window + c->window_ignored[i].at, want_window + c->window_ignored[i].at, c->window_ignored[i].len);
  return want->vector == got->vector && !((want->error_code ^ got->error_code) & error_code_mask (want))
         && (want->vector != VECTOR_PF || want->cr2 == got->cr2) && memcmp (&want->out, &got->out, sizeof (State)) == 0
         && memcmp (want_window, got_window, LAYOUT_WINDOW_SIZE) == 0;
}

/* --- Report ------------------------------------------------------------------------------------------------------- */

static const char *const gpr_names[16] = { "rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi",
                                           "r8",  "r9",  "r10", "r11", "r12", "r13", "r14", "r15" };

static const char *const segment_names[6] = { "es", "cs", "ss", "ds", "fs", "gs" };

static void
print_insns (const Case *c)
{
  unsigned at = c->start;
  ZydisFormatter formatter;
  ZydisFormatterInit (&formatter, ZYDIS_FORMATTER_STYLE_INTEL);
  for (unsigned i = 0; i < c->n_insns; at += c->insn_len[i++])
    {
      char text[128] = "(not an instruction)";
      Decoded d;
      if (forms_decode_any (c->mode, c->code + at, c->insn_len[i], &d))
        ZydisFormatterFormatInstruction (&formatter, &d.insn, d.op, d.insn.operand_count_visible, text, sizeof text,
                                         c->slot + at, NULL);
      printf ("  %08x:", c->slot + at);
      for (unsigned k = 0; k < c->insn_len[i]; k++)
        printf (" %02x", c->code[at + k]);
      printf ("   %s\n", text);
    }
}

static void
print_gprs (const State *s)
{
  for (unsigned i = 0; i < 16; i++)
    printf ("%s%3s %016" G_GINT64_MODIFIER "x%s", i % 4 == 0 ? "  " : " ", gpr_names[i], s->gpr[i],
            i % 4 == 3 ? "\n" : "");
  printf ("  flags %06x fs %" G_GINT64_MODIFIER "x gs %" G_GINT64_MODIFIER "x mxcsr %04x fcw %04x fsw %04x tags %02x\n",
          (unsigned)s->rflags, s->fs_base, s->gs_base, xarea_get32 (s->xarea, XAREA_MXCSR),
          xarea_get16 (s->xarea, XAREA_FCW), xarea_get16 (s->xarea, XAREA_FSW), s->xarea[XAREA_FTW]);
}

static void
print_bytes (const uint8_t *bytes, unsigned len)
{
  for (unsigned i = len; i-- > 0;)
    printf ("%02x%s", bytes[i], i % 4 == 0 && i != 0 ? "_" : "");
}

static void
print_f80 (const uint8_t *bytes)
{
  printf ("%02x%02x:", bytes[9], bytes[8]);
  for (unsigned i = 8; i-- > 0;)
    printf ("%02x", bytes[i]);
}

/* FPU and vector registers that the instructions name, as they were before. */
static void
print_operands (const Case *c)
{
  unsigned at = c->start;
  for (unsigned i = 0; i < c->n_insns; at += c->insn_len[i++])
    {
      Decoded d;
      if (!forms_decode_any (c->mode, c->code + at, c->insn_len[i], &d))
        continue;
      for (unsigned k = 0; k < d.insn.operand_count; k++)
        {
          const ZydisDecodedOperand *op = &d.op[k];
          if (op->type != ZYDIS_OPERAND_TYPE_REGISTER)
            continue;
          ZydisRegisterClass rc = ZydisRegisterGetClass (op->reg.value);
          unsigned n = ZydisRegisterGetId (op->reg.value);
          if (rc == ZYDIS_REGCLASS_XMM || rc == ZYDIS_REGCLASS_YMM)
            {
              printf ("  %s ", ZydisRegisterGetString (op->reg.value));
              print_bytes (c->in.xarea + XAREA_YMM + 16 * n, rc == ZYDIS_REGCLASS_YMM ? 16 : 0);
              print_bytes (c->in.xarea + XAREA_XMM + 16 * n, 16);
              printf ("\n");
            }
          else if (rc == ZYDIS_REGCLASS_X87 || rc == ZYDIS_REGCLASS_MMX)
            {
              unsigned top = xarea_get16 (c->in.xarea, XAREA_FSW) >> 11 & 7;
              printf ("  %s ", ZydisRegisterGetString (op->reg.value));
              print_f80 (c->in.xarea + XAREA_ST + 16 * (rc == ZYDIS_REGCLASS_MMX ? (n - top) & 7 : n));
              printf ("\n");
            }
        }
    }
}

static void
differ64 (const char *name, uint64_t want, uint64_t got)
{
  if (want != got)
    printf ("  %-7s host %016" G_GINT64_MODIFIER "x  engine %016" G_GINT64_MODIFIER "x\n", name, want, got);
}

static void
differ_bytes (const char *name, unsigned n, const uint8_t *want, const uint8_t *got, unsigned len)
{
  if (memcmp (want, got, len) == 0)
    return;
  printf ("  %s%-5u host ", name, n);
  print_bytes (want, len);
  printf ("  engine ");
  print_bytes (got, len);
  printf ("\n");
}

static void
differ_xarea (const uint8_t *want, const uint8_t *got)
{
  differ64 ("mxcsr", xarea_get32 (want, XAREA_MXCSR), xarea_get32 (got, XAREA_MXCSR));
  differ64 ("fcw", xarea_get16 (want, XAREA_FCW), xarea_get16 (got, XAREA_FCW));
  differ64 ("fsw", xarea_get16 (want, XAREA_FSW), xarea_get16 (got, XAREA_FSW));
  differ64 ("tags", want[XAREA_FTW], got[XAREA_FTW]);
  differ64 ("fop", xarea_get16 (want, XAREA_FOP), xarea_get16 (got, XAREA_FOP));
  differ64 ("fip", xarea_get64 (want, XAREA_FIP), xarea_get64 (got, XAREA_FIP));
  differ64 ("fdp", xarea_get64 (want, XAREA_FDP), xarea_get64 (got, XAREA_FDP));
  for (unsigned i = 0; i < 8; i++)
    if (memcmp (want + XAREA_ST + 16 * i, got + XAREA_ST + 16 * i, 10) != 0)
      {
        printf ("  st%u     host ", i);
        print_f80 (want + XAREA_ST + 16 * i);
        printf ("  engine ");
        print_f80 (got + XAREA_ST + 16 * i);
        printf ("\n");
      }
  for (unsigned i = 0; i < 16; i++)
    {
      differ_bytes ("xmm", i, want + XAREA_XMM + 16 * i, got + XAREA_XMM + 16 * i, 16);
      differ_bytes ("ymmh", i, want + XAREA_YMM + 16 * i, got + XAREA_YMM + 16 * i, 16);
    }
}

static void
print_outcome (const char *who, const Result *r)
{
  printf ("  %-7s ", who);
  if (r->hung)
    printf ("did not come to an end");
  else if (r->vector == NO_VECTOR)
    printf ("completed");
  else
    printf ("vector %u error %x", r->vector, r->error_code);
  if (r->vector == VECTOR_PF)
    printf (" cr2 %" G_GINT64_MODIFIER "x", r->cr2);
  printf (", rip %" G_GINT64_MODIFIER "x\n", r->out.rip);
}

static void
print_window (const uint8_t *before, const uint8_t *want, const uint8_t *got)
{
  unsigned shown = 0;
  for (unsigned at = 0; at < LAYOUT_WINDOW_SIZE && shown < 8; at += 8)
    if (memcmp (want + at, got + at, 8) != 0)
      {
        printf ("  [%08x] before ", LAYOUT_WINDOW + at);
        print_bytes (before + at, 8);
        printf (" host ");
        print_bytes (want + at, 8);
        printf (" engine ");
        print_bytes (got + at, 8);
        printf ("\n");
        shown++;
      }
}

static void
print_patches (const Case *c)
{
  for (unsigned i = 0; i < c->n_patches; i++)
    {
      printf ("  [%08x] ", LAYOUT_WINDOW + c->patches[i].at);
      print_bytes (c->patch_data + c->patches[i].data, MIN (c->patches[i].len, 32));
      printf ("%s\n", c->patches[i].len > 32 ? " (low 32 bytes)" : "");
    }
}

void
compare_report (const Case *c, const char *form, const Result *want, const Result *got, const uint8_t *before,
                const uint8_t *want_window, const uint8_t *got_window)
{
  printf ("difference in %s, case %" G_GUINT64_FORMAT "%s\n", form, c->number,
          c->mode == MODE_32 ? " (32-bit code)" : "");
  print_insns (c);
  printf (" before:\n");
  print_gprs (&c->in);
  print_operands (c);
  print_patches (c);
  printf (" after:\n");
  print_outcome ("host", want);
  print_outcome ("engine", got);
  for (unsigned i = 0; i < 16; i++)
    differ64 (gpr_names[i], want->out.gpr[i], got->out.gpr[i]);
  differ64 ("rflags", want->out.rflags, got->out.rflags);
  differ64 ("fs base", want->out.fs_base, got->out.fs_base);
  differ64 ("gs base", want->out.gs_base, got->out.gs_base);
  for (unsigned i = 0; i < G_N_ELEMENTS (segment_names); i++)
    differ64 (segment_names[i], want->out.selector[i], got->out.selector[i]);
  differ_xarea (want->out.xarea, got->out.xarea);
  print_window (before, want_window, got_window);
}
