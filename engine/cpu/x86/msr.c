/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Model-specific registers (SDM volume 4; MTRRs and PAT: volume 3A chapter 11; machine check: volume 3B chapter 15).
 *
 * The table has what Linux, OVMF, SeaBIOS and memtest86+ read without being ready for #GP; anything else raises #GP and is
 * traced.  Caching attributes have no effect here: MTRRs and PAT are storage with their consistency checks.
 */
#include "apic.h"
#include "trace-x86.h"
#include "x86-sys.h"

#define MTRR_CAP        UINT64_C (0x508)          /* 8 variable ranges, fixed ranges, write combining */
#define MTRR_DEF_VALID  UINT64_C (0xcff)
#define MTRR_MASK_VALID (UINT64_C (1) << 11)
#define MCG_CAP         (UINT64_C (1) << 8 | VT_X86_MC_BANKS)
#define FEATURE_CONTROL UINT64_C (1)              /* locked, with nothing enabled */
#define SPEC_CTRL_VALID UINT64_C (0x407)          /* IBRS, STIBP, SSBD, BHI_DIS_S */
#define EFER_WRITABLE   (X86_EFER_SCE | X86_EFER_LME | X86_EFER_NXE | X86_EFER_FFXSR)
#define BUS_RATIO       10u                       /* TSC ticks in units of 100 MHz, when not told */

typedef enum
{
  PLAIN,          /* storage; any value with bits inside `mask` */
  CANONICAL,      /* storage of an address */
  CONSTANT,       /* value is `mask`; writes are #GP */
  IGNORED,        /* reads `mask`; writes vanish */
  SPECIAL,        /* own functions */
} Kind;

typedef struct
{
  uint32_t index;
  uint8_t  kind;
  uint16_t off;         /* in VtX86State */
  uint16_t feature;     /* needed; 0 means none (that is FPU, which every model has) */
  uint64_t mask;
  bool   (*read) (VtX86Cpu *cpu, uint32_t index, uint64_t *value);
  bool   (*write) (VtX86Cpu *cpu, uint32_t index, uint64_t value);
} Msr;

/* --- Registers with a mind of their own --------------------------------------------------------------------------------------------- */

static bool
read_tsc (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = vt_x86_look_at_tsc (cpu);
  return true;
}

static void
move_tsc (VtX86Cpu *cpu, uint64_t delta)
{
  cpu->s.tsc_offset += delta;
  cpu->s.tsc_adjust += delta;
  if (cpu->apic != NULL)
    vt_apic_tsc_changed (cpu->apic);
}

static bool
write_tsc (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  move_tsc (cpu, value - vt_x86_look_at_tsc (cpu));
  return true;
}

static bool
write_tsc_adjust (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  move_tsc (cpu, value - cpu->s.tsc_adjust);
  return true;
}

static bool
read_tsc_adjust (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = cpu->s.tsc_adjust;
  return true;
}

uint64_t
vt_x86_efer_allowed (const VtX86Cpu *cpu)
{
  uint64_t allowed = X86_EFER_LMA;
  if (vt_x86_has (cpu->model, X86_FEATURE_SYSCALL))
    allowed |= X86_EFER_SCE;
  if (vt_x86_has (cpu->model, X86_FEATURE_LM))
    allowed |= X86_EFER_LME;
  if (vt_x86_has (cpu->model, X86_FEATURE_NX))
    allowed |= X86_EFER_NXE;
  if (vt_x86_has (cpu->model, X86_FEATURE_FXSR_OPT))
    allowed |= X86_EFER_FFXSR;
  return allowed;
}

static bool
write_efer (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  bool lme_changes = ((value ^ cpu->s.efer) & X86_EFER_LME) != 0;
  if ((value & ~vt_x86_efer_allowed (cpu)) != 0 || (lme_changes && cpu->paging))
    return false;
  uint64_t changed = value ^ cpu->s.efer;
  cpu->s.efer = (cpu->s.efer & X86_EFER_LMA) | (value & EFER_WRITABLE);
  if (changed & X86_EFER_NXE)
    vt_x86_tlb_flush (cpu, true);
  vt_x86_update_mode (cpu);
  return true;
}

static bool
read_efer (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = cpu->s.efer;
  return true;
}

static bool
memory_type_ok (uint8_t type, bool uc_minus)
{
  return type <= 6 ? type != 2 && type != 3 : uc_minus && type == 7;
}

static bool
types_ok (uint64_t value, bool uc_minus)
{
  for (unsigned i = 0; i < 8; i++)
    if (!memory_type_ok (value >> (8 * i), uc_minus))
      return false;
  return true;
}

static bool
read_pat (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = cpu->s.pat;
  return true;
}

static bool
write_pat (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  if (!types_ok (value, true))
    return false;
  cpu->s.pat = value;
  return true;
}

static const uint16_t mtrr_fixed_index[11] = {
  0x250, 0x258, 0x259, 0x268, 0x269, 0x26a, 0x26b, 0x26c, 0x26d, 0x26e, 0x26f,
};

static uint64_t *
mtrr_fixed (VtX86Cpu *cpu, uint32_t index)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (mtrr_fixed_index); i++)
    if (mtrr_fixed_index[i] == index)
      return &cpu->s.mtrr_fixed[i];
  return NULL;
}

static bool
read_mtrr_fixed (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = *mtrr_fixed (cpu, index);
  return true;
}

static bool
write_mtrr_fixed (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  if (!types_ok (value, false))
    return false;
  *mtrr_fixed (cpu, index) = value;
  return true;
}

static uint64_t *
mtrr_variable (VtX86Cpu *cpu, uint32_t index)
{
  unsigned range = (index - 0x200) / 2;
  return (index & 1) != 0 ? &cpu->s.mtrr_phys_mask[range] : &cpu->s.mtrr_phys_base[range];
}

static bool
read_mtrr_variable (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = *mtrr_variable (cpu, index);
  return true;
}

static bool
write_mtrr_variable (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  bool is_mask = (index & 1) != 0;
  uint64_t low = is_mask ? MTRR_MASK_VALID : 0xff;
  if ((value & ~((vt_x86_phys_mask (cpu->model) & ~VT_PAGE_MASK) | low)) != 0)
    return false;
  if (!is_mask && !memory_type_ok (value, false))
    return false;
  *mtrr_variable (cpu, index) = value;
  return true;
}

static bool
read_mtrr_def_type (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = cpu->s.mtrr_def_type;
  return true;
}

static bool
write_mtrr_def_type (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  if ((value & ~MTRR_DEF_VALID) != 0 || !memory_type_ok (value, false))
    return false;
  cpu->s.mtrr_def_type = value;
  return true;
}

static bool
read_base (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = cpu->s.seg[index == 0xc0000100 ? VT_FS : VT_GS].base;
  return true;
}

static bool
write_base (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  if (!vt_x86_canonical (value))
    return false;
  cpu->s.seg[index == 0xc0000100 ? VT_FS : VT_GS].base = value;
  vt_x86_update_mode (cpu);
  return true;
}

/* A CTL takes any value: Linux clears single bits on AMD's processors. STATUS, ADDR and MISC can only be cleared. */
static bool
read_mc_bank (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = cpu->s.mc_bank[index - 0x400];
  return true;
}

static bool
write_mc_bank (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  bool is_ctl = (index & 3) == 0;
  if (!is_ctl && value != 0)
    return false;
  cpu->s.mc_bank[index - 0x400] = value;
  return true;
}

static bool
write_mcg_ctl (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  if (value != 0 && value != UINT64_MAX)
    return false;
  cpu->s.mcg_ctl = value;
  return true;
}

static bool
read_mcg_ctl (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = cpu->s.mcg_ctl;
  return true;
}

static bool
read_arch_capabilities (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = cpu->model->arch_capabilities;
  return true;
}

/* IA32_SMBASE: only in the mode itself (SDM volume 3C, 31.16.6). Where it lies is changed in the save area alone. */
static bool
read_smbase (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = cpu->s.smbase;
  return cpu->s.in_smm;
}

/* MSR_CORE_THREAD_COUNT: threads in the low half, cores in the high half. */
static bool
read_core_count (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = cpu->model->n_cpus | cpu->model->n_cpus << 16;
  return true;
}

/* MSR_PLATFORM_INFO: ratio of the TSC to a bus clock of 100 MHz in bits 15..8. */
static bool
read_platform_info (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  uint64_t ratio = cpu->tsc_hz / 100000000;
  *value = (ratio != 0 && ratio < 256 ? ratio : BUS_RATIO) << 8;
  return true;
}

static bool
read_apic (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  return cpu->apic != NULL && vt_apic_msr_read (cpu->apic, index, value);
}

static bool
write_apic (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  if (cpu->apic == NULL || !vt_apic_msr_write (cpu->apic, index, value))
    return false;
  /* APIC_BASE: its page may have moved. */
  if (index == 0x1b)
    vt_x86_tlb_flush (cpu, true);
  return true;
}

/* IBPB and L1D_FLUSH: commands; there is nothing to flush. */
static bool
write_command (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  return (value & ~UINT64_C (1)) == 0;
}

static bool
write_ucode (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  return true;
}

static bool
read_zero (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  *value = 0;
  return true;
}

/* --- Table -------------------------------------------------------------------------------------------------------------------------------- */

#define FIELD(m)                  offsetof (VtX86State, m)
#define M_PLAIN(i, m, mask_)      { i, PLAIN, FIELD (m), 0, mask_, NULL, NULL }
#define M_PLAIN_IF(i, m, f, mask_) { i, PLAIN, FIELD (m), X86_FEATURE_##f, mask_, NULL, NULL }
#define M_ADDRESS(i, m)           { i, CANONICAL, FIELD (m), 0, 0, NULL, NULL }
#define M_CONSTANT(i, v)          { i, CONSTANT, 0, 0, v, NULL, NULL }
#define M_IGNORED(i, v)           { i, IGNORED, 0, 0, v, NULL, NULL }
#define M_SPECIAL(i, r, w)        { i, SPECIAL, 0, 0, 0, r, w }
#define M_SPECIAL_IF(i, f, r, w)  { i, SPECIAL, 0, X86_FEATURE_##f, 0, r, w }
#define ALL                       UINT64_MAX
#define U32                       UINT32_MAX

/* Ranges (APIC, MTRRs, machine-check banks) are in find_range(). */
static const Msr msrs[] = {
  M_IGNORED (0x0, 0),                       /* P5_MC_ADDR */
  M_IGNORED (0x1, 0),                       /* P5_MC_TYPE */
  M_SPECIAL (0x10, read_tsc, write_tsc),
  M_CONSTANT (0x17, 0),                     /* PLATFORM_ID */
  M_SPECIAL_IF (0x1b, APIC, read_apic, write_apic),
  M_IGNORED (0x2a, 0),                      /* EBL_CR_POWERON */
  M_CONSTANT (0x34, 0),                     /* SMI_COUNT */
  M_SPECIAL (0x35, read_core_count, NULL),
  M_CONSTANT (0x3a, FEATURE_CONTROL),
  M_SPECIAL_IF (0x3b, TSC_ADJUST, read_tsc_adjust, write_tsc_adjust),
  M_PLAIN_IF (0x48, spec_ctrl, SPEC_CTRL, SPEC_CTRL_VALID),
  M_SPECIAL_IF (0x49, SPEC_CTRL, NULL, write_command),   /* PRED_CMD */
  M_SPECIAL (0x79, NULL, write_ucode),      /* BIOS_UPDT_TRIG */
  M_IGNORED (0x8b, UINT64_C (1) << 32),     /* BIOS_SIGN_ID: microcode revision 1 */
  M_SPECIAL (0x9e, read_smbase, NULL),
  M_SPECIAL (0xce, read_platform_info, NULL),
  M_CONSTANT (0xcd, 0),                     /* FSB_FREQ */
  M_CONSTANT (0xfe, MTRR_CAP),
  M_SPECIAL_IF (0x10a, ARCH_CAPABILITIES, read_arch_capabilities, NULL),
  M_IGNORED (0x11e, 0),                     /* BBL_CR_CTL3 */
  M_IGNORED (0x140, 0),                     /* MISC_FEATURES_ENABLES */
  M_PLAIN_IF (0x174, sysenter_cs, SEP, U32),
  M_ADDRESS (0x175, sysenter_esp),
  M_ADDRESS (0x176, sysenter_eip),
  M_CONSTANT (0x179, MCG_CAP),
  M_PLAIN (0x17a, mcg_status, 0xf),
  M_SPECIAL (0x17b, read_mcg_ctl, write_mcg_ctl),
  M_IGNORED (0x186, 0),                     /* PERFEVTSEL0..3: no counters, but probed by old firmware */
  M_IGNORED (0x187, 0),
  M_IGNORED (0x198, 0),                     /* PERF_STATUS */
  M_IGNORED (0x199, 0),                     /* PERF_CTL */
  M_IGNORED (0x19a, 0),                     /* CLOCK_MODULATION */
  M_IGNORED (0x19b, 0),                     /* THERM_INTERRUPT */
  M_IGNORED (0x19c, 0),                     /* THERM_STATUS */
  M_PLAIN (0x1a0, misc_enable, ALL),
  M_IGNORED (0x1a2, 0),                     /* TEMPERATURE_TARGET */
  M_CONSTANT (0x1ad, 0),                    /* TURBO_RATIO_LIMIT */
  M_IGNORED (0x1b0, 0),                     /* ENERGY_PERF_BIAS */
  M_IGNORED (0x1d9, 0),                     /* DEBUGCTL */
  M_CONSTANT (0x1db, 0),                    /* LASTBRANCHFROMIP .. LASTINTTOIP */
  M_CONSTANT (0x1dc, 0),
  M_CONSTANT (0x1dd, 0),
  M_CONSTANT (0x1de, 0),
  M_IGNORED (0x1fc, 0),                     /* POWER_CTL */
  M_SPECIAL_IF (0x277, PAT, read_pat, write_pat),
  M_SPECIAL_IF (0x2ff, MTRR, read_mtrr_def_type, write_mtrr_def_type),
  M_CONSTANT (0x606, 0),                    /* RAPL_POWER_UNIT */
  M_CONSTANT (0x611, 0),                    /* PKG_ENERGY_STATUS */
  M_CONSTANT (0x619, 0),                    /* DRAM_ENERGY_STATUS */
  M_CONSTANT (0x639, 0),                    /* PP0_ENERGY_STATUS */
  M_CONSTANT (0x641, 0),                    /* PP1_ENERGY_STATUS */
  M_SPECIAL_IF (0x6e0, TSC_DEADLINE, read_apic, write_apic),
  M_SPECIAL (0xc0000080, read_efer, write_efer),
  M_PLAIN_IF (0xc0000081, star, SYSCALL, ALL),
  M_ADDRESS (0xc0000082, lstar),
  M_ADDRESS (0xc0000083, cstar),
  M_PLAIN_IF (0xc0000084, sfmask, SYSCALL, U32),
  M_SPECIAL_IF (0xc0000100, LM, read_base, write_base),
  M_SPECIAL_IF (0xc0000101, LM, read_base, write_base),
  M_ADDRESS (0xc0000102, kernel_gs_base),
  M_PLAIN_IF (0xc0000103, tsc_aux, RDTSCP, U32),
};

/* AMD's own, for models of that vendor. */
static const Msr amd_msrs[] = {
  M_IGNORED (0xc0010000, 0),                /* PERFEVTSEL0..3, PERFCTR0..3 */
  M_IGNORED (0xc0010001, 0),
  M_IGNORED (0xc0010002, 0),
  M_IGNORED (0xc0010003, 0),
  M_IGNORED (0xc0010004, 0),
  M_IGNORED (0xc0010005, 0),
  M_IGNORED (0xc0010006, 0),
  M_IGNORED (0xc0010007, 0),
  M_IGNORED (0xc0010010, 0),                /* SYSCFG */
  M_IGNORED (0xc0010015, 0x01000010),       /* HWCR: the TSC runs at the P0 frequency */
  M_IGNORED (0xc001001f, 0),                /* NB_CFG */
  M_IGNORED (0xc0010055, 0),                /* INTPEND */
  M_CONSTANT (0xc0010058, 0),               /* MMIO_CONF_BASE */
  M_CONSTANT (0xc0010064, 0),               /* PSTATE_DEF_0 */
  M_CONSTANT (0xc0010114, 0x10),            /* VM_CR: SVM disabled */
  M_IGNORED (0xc0010140, 0),                /* OSVW length and status */
  M_IGNORED (0xc0010141, 0),
  M_IGNORED (0xc001100d, 0),
  M_IGNORED (0xc0011020, 0),                /* LS_CFG */
  M_IGNORED (0xc0011022, 0),                /* DC_CFG */
  M_IGNORED (0xc0011023, 0),                /* BU_CFG2 */
  M_IGNORED (0xc0011029, 2),                /* DE_CFG: LFENCE serialises */
  M_IGNORED (0xc001102c, 0),                /* EX_CFG */
};

static const Msr range_apic = M_SPECIAL_IF (0, APIC, read_apic, write_apic);
static const Msr range_mtrr_variable = M_SPECIAL_IF (0, MTRR, read_mtrr_variable, write_mtrr_variable);
static const Msr range_mtrr_fixed = M_SPECIAL_IF (0, MTRR, read_mtrr_fixed, write_mtrr_fixed);
static const Msr range_mc = M_SPECIAL_IF (0, MCE, read_mc_bank, write_mc_bank);
static const Msr range_mc_ctl2 = M_SPECIAL_IF (0, MCE, read_zero, NULL);
static const Msr range_perf = M_IGNORED (0, 0);

static const Msr *
find_range (VtX86Cpu *cpu, uint32_t index)
{
  if (index >= 0x800 && index <= 0x8ff)
    return &range_apic;
  if (index >= 0x200 && index <= 0x20f)
    return &range_mtrr_variable;
  if (mtrr_fixed (cpu, index) != NULL)
    return &range_mtrr_fixed;
  if (index >= 0x400 && index < 0x400 + 4 * VT_X86_MC_BANKS)
    return &range_mc;
  if (index >= 0x280 && index < 0x280 + VT_X86_MC_BANKS)
    return &range_mc_ctl2;
  /* Counters of the first generations, touched by firmware and by Linux's NMI watchdog probe. */
  if ((index >= 0xc1 && index <= 0xc2) || (index >= 0x38d && index <= 0x390))
    return &range_perf;
  return NULL;
}

static const Msr *
find_in (const Msr *table, size_t n, uint32_t index)
{
  for (size_t i = 0; i < n; i++)
    if (table[i].index == index)
      return &table[i];
  return NULL;
}

static const Msr *
find (VtX86Cpu *cpu, uint32_t index)
{
  const Msr *msr = find_range (cpu, index);
  if (msr == NULL)
    msr = find_in (msrs, G_N_ELEMENTS (msrs), index);
  if (msr == NULL && cpu->model->vendor == VT_X86_VENDOR_AMD)
    msr = find_in (amd_msrs, G_N_ELEMENTS (amd_msrs), index);
  return msr != NULL && vt_x86_has (cpu->model, msr->feature) ? msr : NULL;
}

static uint64_t *
field (VtX86Cpu *cpu, const Msr *msr)
{
  return (uint64_t *) (void *) ((uint8_t *) &cpu->s + msr->off);
}

static bool
read_found (VtX86Cpu *cpu, const Msr *msr, uint32_t index, uint64_t *value)
{
  switch ((Kind) msr->kind)
    {
    case PLAIN:
    case CANONICAL:
      *value = *field (cpu, msr);
      return true;
    case CONSTANT:
    case IGNORED:
      *value = msr->mask;
      return true;
    case SPECIAL:
      return msr->read != NULL && msr->read (cpu, index, value);
    }
  return false;
}

static bool
write_found (VtX86Cpu *cpu, const Msr *msr, uint32_t index, uint64_t value)
{
  switch ((Kind) msr->kind)
    {
    case PLAIN:
      if ((value & ~msr->mask) != 0)
        return false;
      *field (cpu, msr) = value;
      return true;
    case CANONICAL:
      if (!vt_x86_canonical (value))
        return false;
      *field (cpu, msr) = value;
      return true;
    case CONSTANT:
      return false;
    case IGNORED:
      return true;
    case SPECIAL:
      return msr->write != NULL && msr->write (cpu, index, value);
    }
  return false;
}

bool
vt_x86_read_msr (VtX86Cpu *cpu, uint32_t index, uint64_t *value)
{
  const Msr *msr = find (cpu, index);
  if (msr != NULL && read_found (cpu, msr, index, value))
    return true;
  trace_x86_msr_unknown_read (cpu->vcpu.index, index);
  return false;
}

bool
vt_x86_write_msr (VtX86Cpu *cpu, uint32_t index, uint64_t value)
{
  const Msr *msr = find (cpu, index);
  if (msr != NULL && write_found (cpu, msr, index, value))
    return true;
  trace_x86_msr_unknown_write (cpu->vcpu.index, index, value);
  return false;
}
