/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Could a processor be in the state that a stream describes?
 *
 * The interpreter survives any state that passes, as it survives any guest; what is refused are values that the guest
 * could never have brought about, on which code elsewhere relies (SDM volume 3C, 27.3.1, has the list for VM
 * entries).
 */
#include "x86-sys.h"

#include <vitrine/error.h>

#define RFLAGS_KNOWN  UINT64_C (0x3f7fd7)
#define CR0_KNOWN     UINT64_C (0xe005003f)
#define CR4_KNOWN     UINT64_C (0x370fff)
#define EFER_KNOWN    (X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE | X86_EFER_FFXSR)
#define SEG_KNOWN     UINT64_C (0x1f0ff)
#define DR6_TRAPS     0x400fu   /* breakpoints, single step */
#define XCR0_X87      (1u << 0)
#define XCR0_SSE      (1u << 1)
#define XCR0_AVX      (1u << 2)

static bool
flags_possible (const VtX86State *s)
{
  bool v86_in_long_mode = (s->rflags & X86_RFLAGS_VM) && (s->efer & X86_EFER_LMA);
  return (s->rflags & ~RFLAGS_KNOWN) == 0 && (s->rflags & X86_RFLAGS_ONE) && !v86_in_long_mode;
}

static bool
control_registers_possible (const VtX86State *s)
{
  bool paging = (s->cr0 & X86_CR0_PG) != 0, long_mode = (s->efer & X86_EFER_LMA) != 0;
  if ((s->cr0 & ~CR0_KNOWN) || (s->cr4 & ~CR4_KNOWN) || (s->efer & ~(uint64_t) EFER_KNOWN))
    return false;
  if (paging && !(s->cr0 & X86_CR0_PE))
    return false;
  if ((s->cr0 & X86_CR0_NW) && !(s->cr0 & X86_CR0_CD))
    return false;
  if (long_mode != (paging && (s->efer & X86_EFER_LME)))
    return false;
  if (long_mode && !(s->cr4 & X86_CR4_PAE))
    return false;
  return !(s->cr4 & X86_CR4_PCIDE) || long_mode;
}

static bool
addresses_possible (const VtX86Cpu *cpu, const VtX86State *s)
{
  bool code_64 = (s->efer & X86_EFER_LMA) && (s->seg[VT_CS].attr & X86_SEG_L);
  if (s->cr3 & ~cpu->phys_mask)
    return false;
  if (code_64 ? !vt_x86_canonical (s->rip) : s->rip >> 32 != 0)
    return false;
  return vt_x86_canonical (s->gdtr.base) && vt_x86_canonical (s->idtr.base) && vt_x86_canonical (s->lstar)
         && vt_x86_canonical (s->cstar) && vt_x86_canonical (s->kernel_gs_base)
         && (s->monitor_gpa & ~cpu->phys_mask) == 0 && s->smbase >> 32 == 0;
}

static bool
segment_possible (const VtX86Seg *seg, bool wide)
{
  if (seg->attr & ~SEG_KNOWN)
    return false;
  return wide ? vt_x86_canonical (seg->base) : seg->base >> 32 == 0;
}

static bool
segments_possible (const VtX86State *s)
{
  const VtX86Seg *cs = &s->seg[VT_CS];
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    if (!segment_possible (&s->seg[i], i >= VT_FS))
      return false;
  if ((s->efer & X86_EFER_LMA) && (cs->attr & X86_SEG_L) && (cs->attr & X86_SEG_DB))
    return false;
  return segment_possible (&s->ldtr, true) && segment_possible (&s->tr, true);
}

static bool
extended_state_possible (const VtX86Cpu *cpu, const VtX86State *s)
{
  if (!(s->xcr0 & XCR0_X87) || (s->xcr0 & ~(cpu->model->xcr0 | XCR0_X87)))
    return false;
  if ((s->xcr0 & XCR0_AVX) && !(s->xcr0 & XCR0_SSE))
    return false;
  return (s->mxcsr >> 16) == 0;
}

static bool
debug_registers_possible (const VtX86State *s)
{
  return s->dr[4] == 0 && s->dr[5] == 0 && s->dr[6] >> 32 == 0 && s->dr[7] >> 32 == 0;
}

/* Memory types of the eight PAT entries: 0, 1, 4..7. */
static bool
pat_possible (uint64_t pat)
{
  for (; pat != 0; pat >>= 8)
    if ((pat & 0xff) > 7 || (pat & 0xff) == 2 || (pat & 0xff) == 3)
      return false;
  return true;
}

static bool
activity_possible (const VtX86State *s)
{
  return s->activity <= VT_X86_SHUTDOWN && s->shadow <= (VT_X86_SHADOW_STI | VT_X86_SHADOW_MOVSS) && s->nmi_blocked <= 1
         && s->nmi_pending <= 1 && s->smi_pending <= 1 && s->init_pending <= 1 && s->sipi_pending <= 1
         && s->monitor_armed <= 1;
}

static bool
smm_possible (const VtX86Cpu *cpu, const VtX86State *s)
{
  if (!s->in_smm)
    return s->smm_nmi_blocked == 0 && s->smm_pending_db == 0;
  return s->in_smm == 1 && cpu->smm_mem != NULL && s->smm_nmi_blocked <= 1 && (s->smm_pending_db & ~DR6_TRAPS) == 0;
}

bool
vt_x86_state_check (const VtX86Cpu *cpu, const VtX86State *incoming, GError **error)
{
  const struct
  {
    bool        possible;
    const char *what;
  } parts[] = {
    { flags_possible (incoming), "flags" },
    { control_registers_possible (incoming), "control registers" },
    { addresses_possible (cpu, incoming), "addresses" },
    { segments_possible (incoming), "segments" },
    { extended_state_possible (cpu, incoming), "XCR0 and MXCSR" },
    { debug_registers_possible (incoming), "debug registers" },
    { pat_possible (incoming->pat), "page attribute table" },
    { activity_possible (incoming), "activity" },
    { smm_possible (cpu, incoming), "system management mode" },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (parts); i++)
    if (!parts[i].possible)
      {
        g_set_error (error, VT_ERROR, VT_ERROR_STATE,
                     "The saved state of processor %u is damaged: no processor could have these %s.", cpu->vcpu.index,
                     parts[i].what);
        return false;
      }
  return true;
}
