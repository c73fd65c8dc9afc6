/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What software sees of the local APIC: its registers, the page that they are in (SDM volume 3A, 11.4.1), and the MSRs of x2APIC
 * (11.12.1) and of the TSC deadline. */
#include "apic-private.h"

#include "x86-model.h"

/* --- Registers -------------------------------------------------------------------------------------------------------- */

static void
write_icr (VtApic *apic, uint64_t icr)
{
  uint32_t low = icr & ICR_WRITABLE, dest = icr >> 32;
  unsigned mode = (low >> 8) & 7, shorthand = (low >> 18) & 3;
  uint8_t vector = low;
  apic->s.icr = (icr & ~(uint64_t) UINT32_MAX) | low;
  trace_apic_icr (apic->id, icr);
  if ((mode == FIXED || mode == LOWEST) && vector < FIRST_VECTOR)
    {
      apic_record_error (apic, ESR_SEND_ILLEGAL);
      return;
    }
  /* INIT level de-assert only ever set arbitration IDs. */
  if (mode == INIT && (low & (ICR_ASSERT | ICR_LEVEL)) == ICR_LEVEL)
    return;
  if (apic->bus == NULL)
    return;
  if (!apic_in_x2apic_mode (apic))
    dest = dest >> 24 == 0xff && (low & ICR_LOGICAL) == 0 ? BROADCAST : dest >> 24;
  if (shorthand == 0)
    {
      apic_send (apic->bus, dest, (low & ICR_LOGICAL) != 0, mode, mode == LOWEST, vector, false);
      return;
    }
  for (unsigned i = 0; i < apic->bus->apics->len; i++)
    {
      VtApic *other = apic->bus->apics->pdata[i];
      bool self = other == apic;
      if ((shorthand == 1 && self) || shorthand == 2 || (shorthand == 3 && !self))
        if (apic_hardware_enabled (other))
          apic_accept (other, mode, vector, false);
    }
}

static uint32_t
lvt_writable (const VtApic *apic, unsigned entry)
{
  switch (entry)
    {
    case LVT_TIMER:
      return apic->cpu == NULL || vt_x86_has (apic->cpu->model, X86_FEATURE_TSC_DEADLINE) ? 0x000700ff : 0x000300ff;
    case LVT_LINT0:
    case LVT_LINT1:
      return 0x0001a7ff;
    case LVT_ERROR:
      return 0x000100ff;
    default:
      return 0x000107ff;
    }
}

static void
write_lvt (VtApic *apic, unsigned entry, uint32_t value)
{
  uint32_t old = apic->s.lvt[entry];
  value &= lvt_writable (apic, entry);
  if ((apic->s.svr & SVR_ENABLE) == 0)
    value |= LVT_MASKED;
  apic->s.lvt[entry] = value;
  bool to_or_from_deadline = TIMER_MODE (old ^ value) != 0
                             && (TIMER_MODE (old) == TIMER_TSC_DEADLINE || TIMER_MODE (value) == TIMER_TSC_DEADLINE);
  if (entry == LVT_TIMER && to_or_from_deadline)
    {
      apic->s.tsc_deadline = apic->s.timer_deadline_ns = 0;
      apic->s.timer_initial = 0;
      apic_arm_timer (apic);
    }
  if (entry == LVT_LINT0 && apic_extint_waits (apic))
    apic_kick (apic);
}

static void
write_svr (VtApic *apic, uint32_t value)
{
  apic->s.svr = value & SVR_WRITABLE;
  if ((value & SVR_ENABLE) == 0)
    for (unsigned i = 0; i < LVT_COUNT; i++)
      apic->s.lvt[i] |= LVT_MASKED;
  if (vt_apic_pending (apic) != VT_APIC_NONE)
    apic_kick (apic);
}

static void
write_esr (VtApic *apic)
{
  apic->s.esr = apic->s.esr_pending;
  apic->s.esr_pending = 0;
}

/* Registers of both modes; false when there is none. */
static bool
read_register (const VtApic *apic, unsigned reg, uint32_t *value)
{
  switch (reg)
    {
    case REG_VERSION:
      *value = APIC_VERSION;
      return true;
    case REG_TPR:
      *value = apic->s.tpr;
      return true;
    case REG_PPR:
      *value = apic_processor_priority (apic);
      return true;
    case REG_SVR:
      *value = apic->s.svr;
      return true;
    case REG_ESR:
      *value = apic->s.esr;
      return true;
    case REG_ICR:
      *value = apic->s.icr;
      return true;
    case REG_TIMER_INITIAL:
      *value = apic->s.timer_initial;
      return true;
    case REG_TIMER_CURRENT:
      *value = apic_current_count (apic);
      return true;
    case REG_TIMER_DIVIDE:
      *value = apic->s.timer_divide;
      return true;
    default:
      break;
    }
  if (reg >= REG_ISR && reg < REG_ISR + 8)
    *value = apic->s.isr[reg - REG_ISR];
  else if (reg >= REG_TMR && reg < REG_TMR + 8)
    *value = apic->s.tmr[reg - REG_TMR];
  else if (reg >= REG_IRR && reg < REG_IRR + 8)
    *value = apic->s.irr[reg - REG_IRR];
  else if (reg >= REG_LVT && reg < REG_LVT + LVT_COUNT)
    *value = apic->s.lvt[reg - REG_LVT];
  else
    return false;
  return true;
}

static bool
write_register (VtApic *apic, unsigned reg, uint32_t value)
{
  switch (reg)
    {
    case REG_TPR:
      apic_set_tpr (apic, value);
      return true;
    case REG_EOI:
      apic_end_of_interrupt (apic);
      return true;
    case REG_SVR:
      write_svr (apic, value);
      return true;
    case REG_ESR:
      write_esr (apic);
      return true;
    case REG_TIMER_INITIAL:
      if (TIMER_MODE (apic->s.lvt[LVT_TIMER]) != TIMER_TSC_DEADLINE)
        {
          apic->s.timer_initial = value;
          apic_start_count (apic);
        }
      return true;
    case REG_TIMER_DIVIDE:
      apic->s.timer_divide = value & 0xb;
      return true;
    default:
      break;
    }
  if (reg < REG_LVT || reg >= REG_LVT + LVT_COUNT)
    return false;
  write_lvt (apic, reg - REG_LVT, value);
  return true;
}

/* --- xAPIC: the page -------------------------------------------------------------------------------------------------- */

bool
vt_apic_covers (const VtApic *apic, uint64_t gpa)
{
  return ((gpa ^ apic->s.base) & ~VT_PAGE_MASK) == 0 && (apic->s.base & (BASE_EN | BASE_EXTD)) == BASE_EN;
}

bool
vt_apic_covers_any (const VtApic *apic, uint64_t gpa, uint64_t bytes)
{
  uint64_t page = apic->s.base & ~VT_PAGE_MASK;
  return page - gpa < bytes && vt_apic_covers (apic, page);
}

static uint32_t
read_page (VtApic *apic, unsigned reg)
{
  uint32_t value = 0;
  switch (reg)
    {
    case REG_ID:
      return apic->id << 24;
    case REG_LDR:
      return apic->s.ldr;
    case REG_DFR:
      return apic->s.dfr;
    case REG_ICR_HIGH:
      return apic->s.icr >> 32;
    case REG_APR:
    case REG_RRD:
    case REG_EOI:
      return 0;
    default:
      if (!read_register (apic, reg, &value))
        apic_record_error (apic, ESR_BAD_REGISTER);
      return value;
    }
}

static void
write_page (VtApic *apic, unsigned reg, uint32_t value)
{
  switch (reg)
    {
    case REG_ID:
      break;
    case REG_LDR:
      apic->s.ldr = value & 0xff000000;
      break;
    case REG_DFR:
      apic->s.dfr = value | 0x0fffffff;
      break;
    case REG_ICR:
      write_icr (apic, (apic->s.icr & ~(uint64_t) UINT32_MAX) | value);
      break;
    case REG_ICR_HIGH:
      apic->s.icr = (uint32_t) apic->s.icr | (uint64_t) (value & 0xff000000) << 32;
      break;
    default:
      if (!write_register (apic, reg, value))
        apic_record_error (apic, ESR_BAD_REGISTER);
    }
}

uint64_t
vt_apic_mmio_read (VtApic *apic, uint64_t gpa, unsigned size)
{
  unsigned off = gpa & VT_PAGE_MASK, lane = off & 15;
  if (lane >= 4)
    return 0;
  vt_apic_lock (apic);
  uint64_t value = read_page (apic, off >> 4);
  vt_apic_unlock (apic);
  return (value >> (8 * lane)) & vt_mask_bytes (MIN (size, 4));
}

/* Only whole, aligned registers can be written (SDM 11.4.1.2). */
void
vt_apic_mmio_write (VtApic *apic, uint64_t gpa, uint64_t value, unsigned size)
{
  unsigned off = gpa & VT_PAGE_MASK;
  if ((off & 15) != 0 || size < 4)
    return;
  vt_apic_lock (apic);
  write_page (apic, off >> 4, value);
  vt_apic_unlock (apic);
}

/* --- MSRs ------------------------------------------------------------------------------------------------------------- */

static bool
write_base (VtApic *apic, uint64_t value)
{
  const VtX86Model *model = apic->cpu->model;
  uint64_t old_mode = apic->s.base & (BASE_EN | BASE_EXTD), mode = value & (BASE_EN | BASE_EXTD);
  uint64_t allowed = (vt_x86_phys_mask (model) & ~VT_PAGE_MASK) | BASE_BSP | BASE_EN;
  if (vt_x86_has (model, X86_FEATURE_X2APIC))
    allowed |= BASE_EXTD;
  bool from_x2_to_x = old_mode == (BASE_EN | BASE_EXTD) && mode == BASE_EN;
  bool from_off_to_x2 = old_mode == 0 && mode == (BASE_EN | BASE_EXTD);
  if ((value & ~allowed) != 0 || mode == BASE_EXTD || from_x2_to_x || from_off_to_x2)
    return false;
  if (mode == 0 && old_mode != 0)
    vt_apic_init (apic);
  /* What the page hid or shows is in the TLB. */
  bool moved = apic->s.base != (value & ~BASE_BSP);
  apic->s.base = value & ~BASE_BSP;
  if (moved)
    vt_vcpu_kick (&apic->cpu->vcpu, VT_VCPU_FLUSH | VT_VCPU_INTERRUPT);
  return true;
}

static bool
read_x2apic (VtApic *apic, unsigned reg, uint64_t *value)
{
  uint32_t low = 0;
  switch (reg)
    {
    case REG_ID:
      *value = apic->id;
      return true;
    case REG_LDR:
      *value = apic_x2apic_ldr (apic);
      return true;
    case REG_ICR:
      *value = apic->s.icr;
      return true;
    default:
      if (!read_register (apic, reg, &low))
        return false;
      *value = low;
      return true;
    }
}

static bool
write_x2apic (VtApic *apic, unsigned reg, uint64_t value)
{
  switch (reg)
    {
    case REG_ICR:
      if ((value & UINT32_MAX & ~(uint64_t) ICR_WRITABLE) != 0)
        return false;
      write_icr (apic, value);
      return true;
    case REG_SELF_IPI:
      if ((value & ~UINT64_C (0xff)) != 0)
        return false;
      apic_accept_fixed (apic, value, false);
      return true;
    case REG_EOI:
    case REG_ESR:
      return value == 0 && write_register (apic, reg, 0);
    case REG_TPR:
      return value <= 0xff && write_register (apic, reg, value);
    case REG_SVR:
      return (value & ~(uint64_t) SVR_WRITABLE) == 0 && write_register (apic, reg, value);
    default:
      if (reg >= REG_LVT && reg < REG_LVT + LVT_COUNT && (value & ~(uint64_t) lvt_writable (apic, reg - REG_LVT)) != 0)
        return false;
      return value >> 32 == 0 && write_register (apic, reg, value);
    }
}

static bool
write_tsc_deadline (VtApic *apic, uint64_t value)
{
  if (TIMER_MODE (apic->s.lvt[LVT_TIMER]) == TIMER_TSC_DEADLINE)
    {
      apic->s.tsc_deadline = value;
      apic_start_tsc_deadline (apic);
    }
  return true;
}

#define MSR_APIC_BASE    0x1bu
#define MSR_TSC_DEADLINE 0x6e0u
#define MSR_X2APIC       0x800u

bool
vt_apic_msr_read (VtApic *apic, uint32_t msr, uint64_t *value)
{
  bool ok = true;
  vt_apic_lock (apic);
  if (msr == MSR_APIC_BASE)
    *value = apic->s.base | (apic->id == 0 ? BASE_BSP : 0);
  else if (msr == MSR_TSC_DEADLINE)
    *value = apic->s.tsc_deadline;
  else
    ok = apic_in_x2apic_mode (apic) && read_x2apic (apic, msr - MSR_X2APIC, value);
  vt_apic_unlock (apic);
  return ok;
}

bool
vt_apic_msr_write (VtApic *apic, uint32_t msr, uint64_t value)
{
  bool ok;
  vt_apic_lock (apic);
  if (msr == MSR_APIC_BASE)
    ok = write_base (apic, value);
  else if (msr == MSR_TSC_DEADLINE)
    ok = write_tsc_deadline (apic, value);
  else
    ok = apic_in_x2apic_mode (apic) && write_x2apic (apic, msr - MSR_X2APIC, value);
  vt_apic_unlock (apic);
  return ok;
}
