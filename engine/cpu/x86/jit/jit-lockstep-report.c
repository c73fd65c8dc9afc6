/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What went wrong between translated code and the interpreter, for people; and which flags nobody promises. */
#include "jit-lockstep.h"

#include "flags.h"
#include "jit-print.h"

#define TRACE_SHOWN 40u
#define LINES_MAX   12u

/* --- Undefined flags ----------------------------------------------------------------------------------------------------- */

/* SDM volume 2: shifts by 0 change nothing; OF is defined for shifts by 1, AF never, CF up to the operand's size. */
static uint32_t
after_shift (const VtJitTrace *trace, const ZydisDecodedInstruction *insn, const ZydisDecodedOperand *operands, uint32_t undefined)
{
  const ZydisDecodedOperand *last = &operands[insn->operand_count_visible - 1];
  unsigned size = operands[0].size;
  unsigned count = last->type == ZYDIS_OPERAND_TYPE_IMMEDIATE ? (unsigned) last->imm.value.u : trace->rcx;
  bool rotate = insn->meta.category == ZYDIS_CATEGORY_ROTATE, doubled = insn->operand_count_visible == 3;
  count &= size == 64 ? 63 : 31;
  if (count == 0)
    return undefined;
  uint32_t of = count == 1 ? 0 : X86_RFLAGS_OF;
  if (rotate)
    return (undefined & ~(uint32_t) (X86_RFLAGS_CF | X86_RFLAGS_OF)) | of;
  if (doubled && count > size)
    return X86_RFLAGS_ARITH;
  return X86_RFLAGS_AF | of | (count >= size ? X86_RFLAGS_CF : 0);
}

uint32_t
vt_jit_lockstep_undefined (const VtJitTrace *trace, unsigned n, unsigned code_bits)
{
  uint32_t undefined = 0;
  for (unsigned i = 0; i < n; i++)
    {
      ZydisDecodedInstruction insn;
      ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
      if (!vt_jit_decode_insn (trace[i].bytes, sizeof trace[i].bytes, code_bits, &insn, operands)
          || insn.cpu_flags == NULL)
        continue;
      bool shift = insn.meta.category == ZYDIS_CATEGORY_SHIFT || insn.meta.category == ZYDIS_CATEGORY_ROTATE;
      if (shift)
        undefined = after_shift (&trace[i], &insn, operands, undefined);
      else
        {
          const ZydisAccessedFlags *f = insn.cpu_flags;
          undefined &= ~(uint32_t) (f->modified | f->set_0 | f->set_1);
          undefined |= (uint32_t) f->undefined & X86_RFLAGS_ARITH;
        }
    }
  return undefined;
}

bool
vt_jit_lockstep_may_differ (const VtJitTrace *trace, unsigned n, unsigned code_bits)
{
  for (unsigned i = 0; i < n; i++)
    {
      ZydisDecodedInstruction insn;
      ZydisDecodedOperand operands[ZYDIS_MAX_OPERAND_COUNT];
      if (vt_jit_decode_insn (trace[i].bytes, sizeof trace[i].bytes, code_bits, &insn, operands)
          && insn.cpu_flags != NULL && insn.cpu_flags->undefined != 0)
        return true;
    }
  return false;
}

/* --- Report -------------------------------------------------------------------------------------------------------------- */

static void
print_differences (GString *out, const VtX86State *want, const VtX86State *got)
{
  for (size_t i = 0; i < vt_x86_state_table.n_fields; i++)
    {
      const VtField *field = &vt_x86_state_table.fields[i];
      const uint8_t *a = (const uint8_t *) want + field->off, *b = (const uint8_t *) got + field->off;
      unsigned step = MIN (vt_field_element_size (field), field->len);
      if (g_str_equal (field->name, "ymm"))
        step = 32;
      if (g_str_equal (field->name, "st"))
        step = 16;
      for (unsigned at = 0; at < field->len; at += step)
        {
          if (memcmp (a + at, b + at, step) == 0)
            continue;
          g_string_append_printf (out, "  %s[%u]: interpreter ", field->name, at / step);
          for (unsigned k = step; k-- > 0;)
            g_string_append_printf (out, "%02x", a[at + k]);
          g_string_append (out, ", translated ");
          for (unsigned k = step; k-- > 0;)
            g_string_append_printf (out, "%02x", b[at + k]);
          g_string_append_c (out, '\n');
        }
    }
}

static void
print_store (GString *out, const char *who, const VtJitStore *store, const uint8_t *bytes)
{
  g_string_append_printf (out, "  %s stores at host %p:", who, (void *) store->host);
  for (unsigned i = (unsigned) store->size; i-- > 0;)
    g_string_append_printf (out, " %02x", bytes[i]);
  g_string_append_c (out, '\n');
}

static void
print_memory (GString *out, const VtJitLockstep *l)
{
  unsigned n_theirs = (unsigned) ((VtJitStore *) l->cpu->translated.next_store - l->theirs), shown = 0;
  for (unsigned i = 0; i < MAX (n_theirs, l->n_stores) && shown < LINES_MAX; i++)
    {
      const VtJitStore *a = i < l->n_stores ? &l->ours[i] : NULL, *b = i < n_theirs ? &l->theirs[i] : NULL;
      bool equal = a != NULL && b != NULL && a->host == b->host && a->size == b->size && memcmp (a->host, b->new, a->size) == 0;
      if (equal)
        continue;
      shown++;
      if (a != NULL)
        print_store (out, "interpreter", a, a->host);
      if (b != NULL)
        print_store (out, "translated ", b, b->new);
    }
}

static const VtJitStretch *
stretch_of (const VtJitLockstep *l, const uint8_t *guest)
{
  for (guint i = l->marks->len; i-- > 0;)
    if (g_array_index (l->marks, VtJitMark, i).guest == guest)
      for (guint k = l->stretches->len; k-- > 0;)
        {
          const VtJitStretch *stretch = &g_array_index (l->stretches, VtJitStretch, k);
          if (i >= stretch->first_mark && i < stretch->first_mark + stretch->n_marks)
            return stretch;
        }
  return NULL;
}

/* The region's code, with the guest's instructions before theirs. */
static void
print_stretch (GString *out, const VtJitLockstep *l, const VtJitStretch *stretch)
{
  guint mark = stretch->first_mark, end = mark + stretch->n_marks;
  for (uint8_t *at = stretch->start; at < stretch->end;)
    {
      for (; mark < end && g_array_index (l->marks, VtJitMark, mark).host <= at; mark++)
        {
          const uint8_t *guest = g_array_index (l->marks, VtJitMark, mark).guest;
          g_string_append (out, "; ");
          vt_jit_print_insn (out, guest, VT_X86_MAX_INSN, (uint64_t) (uintptr_t) guest & VT_PAGE_MASK, l->cpu->code_bits);
        }
      at += vt_jit_print_insn (out, at, (unsigned) MIN (stretch->end - at, 15), (uint64_t) (at - stretch->start), 64);
    }
}

static void
print_translations (GString *out, const VtJitLockstep *l, const VtJitTrace *trace, unsigned n)
{
  const VtJitStretch *last = NULL;
  for (unsigned i = 0; i < n; i++)
    {
      const VtJitStretch *stretch = trace[i].guest != NULL ? stretch_of (l, trace[i].guest) : NULL;
      if (stretch == NULL || stretch == last)
        continue;
      g_string_append_printf (out, "Translation that has the instruction at %" G_GINT64_MODIFIER "x (offsets in its page):\n", trace[i].rip);
      print_stretch (out, l, stretch);
      last = stretch;
    }
}

char *
vt_jit_lockstep_report (VtJitLockstep *l, const VtJitTrace *trace, unsigned n, const char *what)
{
  GString *out = g_string_new (NULL);
  const VtX86State *start = &l->start;
  VtX86State end = l->cpu->s;
  end.rflags = (end.rflags & ~(uint64_t) X86_RFLAGS_ARITH) | l->end_flags;
  g_string_append_printf (out, "The translator and the interpreter differ: %s\n%u instructions (%" G_GUINT64_FORMAT " compared before), %u-bit code, "
                          "from this state:\n", what, n, l->n_compared - n, l->cpu->code_bits);
  for (unsigned i = 0; i < 16; i++)
    g_string_append_printf (out, "  %2u %016" G_GINT64_MODIFIER "x%s", i, start->gpr[i], i % 4 == 3 ? "\n" : "");
  g_string_append_printf (out, "  rip %" G_GINT64_MODIFIER "x flags %x cr3 %" G_GINT64_MODIFIER "x fs %" G_GINT64_MODIFIER "x gs %" G_GINT64_MODIFIER "x\n",
                          start->rip, l->start_flags, start->cr3, start->seg[VT_FS].base, start->seg[VT_GS].base);
  for (unsigned i = n > TRACE_SHOWN ? n - TRACE_SHOWN : 0; i < n; i++)
    if (trace[i].rip != 0 || trace[i].bytes[0] != 0)
      vt_jit_print_insn (out, trace[i].bytes, VT_X86_MAX_INSN, trace[i].rip, l->cpu->code_bits);
  g_string_append (out, "afterwards:\n");
  if (!l->raised)
    print_differences (out, &end, &l->translated);
  print_memory (out, l);
  print_translations (out, l, trace, n);
  return g_string_free (out, FALSE);
}
