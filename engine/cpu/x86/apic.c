/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Local APIC (SDM volume 3A, chapter 11; x2APIC: 11.12): interrupts that arrive, those that the processor takes, and the device.
 * The bus is apic-bus.c, the timer apic-timer.c, and what software sees apic-registers.c. */
#include "apic-private.h"

#include <vitrine/error.h>

static const VtField fields[] = {
  VT_FIELD (ApicState, base),
  VT_FIELD (ApicState, icr),
  VT_FIELD (ApicState, tsc_deadline),
  VT_FIELD (ApicState, timer_deadline_ns),
  VT_FIELD (ApicState, tpr),
  VT_FIELD (ApicState, ldr),
  VT_FIELD (ApicState, dfr),
  VT_FIELD (ApicState, svr),
  VT_FIELD (ApicState, esr),
  VT_FIELD (ApicState, esr_pending),
  VT_FIELD (ApicState, timer_initial),
  VT_FIELD (ApicState, timer_divide),
  VT_FIELD (ApicState, lvt),
  VT_FIELD (ApicState, irr),
  VT_FIELD (ApicState, isr),
  VT_FIELD (ApicState, tmr),
  VT_FIELD (ApicState, lint_level),
  VT_FIELD (ApicState, extint_pending),
  VT_FIELD (ApicState, pad_),
};

/* LINT0 passes the 8259's interrupts on, as firmware leaves it ("virtual wire", MP specification 3.6.2.1): kernels that
 * are booted without firmware expect it. */
static const ApicState at_reset = {
  .base = DEFAULT_BASE | BASE_EN,
  .dfr = UINT32_MAX,
  .svr = 0xff,
  .lvt = { LVT_MASKED, LVT_MASKED, LVT_MASKED, EXTINT << 8, LVT_MASKED, LVT_MASKED },
};

void
vt_apic_lock (const VtApic *apic)
{
  if (apic->lock != NULL)
    vt_lock_polite (apic->lock);
}

void
vt_apic_unlock (const VtApic *apic)
{
  if (apic->lock != NULL)
    vt_unlock (apic->lock);
}

/* --- Interrupts arriving ---------------------------------------------------------------------------------------------- */

void
apic_record_error (VtApic *apic, uint32_t bit)
{
  trace_apic_error (apic->id, bit);
  bool first = (apic->s.esr_pending & bit) == 0;
  apic->s.esr_pending |= bit;
  if (first && (apic->s.lvt[LVT_ERROR] & 0xff) >= FIRST_VECTOR)
    apic_raise_lvt (apic, LVT_ERROR);
}

void
apic_accept_fixed (VtApic *apic, uint8_t vector, bool level)
{
  if (!apic_software_enabled (apic))
    return;
  if (vector < FIRST_VECTOR)
    {
      apic_record_error (apic, ESR_RECV_ILLEGAL);
      return;
    }
  apic_assign_bit (apic->s.irr, vector, true);
  apic_assign_bit (apic->s.tmr, vector, level);
  apic_kick (apic);
}

static void
accept_init (VtApic *apic)
{
  if (apic->cpu == NULL)
    return;
  apic->cpu->s.init_pending = 1;
  apic->cpu->s.sipi_pending = 0;
}

static void
accept_sipi (VtApic *apic, uint8_t vector)
{
  VtX86Cpu *cpu = apic->cpu;
  if (cpu == NULL || (!cpu->s.init_pending && cpu->s.activity != VT_X86_WAIT_FOR_SIPI))
    return;
  cpu->s.sipi_vector = vector;
  cpu->s.sipi_pending = 1;
}

void
apic_accept (VtApic *apic, unsigned mode, uint8_t vector, bool level)
{
  switch (mode)
    {
    case FIXED:
    case LOWEST:
      apic_accept_fixed (apic, vector, level);
      return;
    case NMI:
      if (apic->cpu != NULL)
        apic->cpu->s.nmi_pending = 1;
      break;
    case INIT:
      accept_init (apic);
      break;
    case SIPI:
      accept_sipi (apic, vector);
      break;
    case EXTINT:
      apic->s.extint_pending = 1;
      break;
    case SMI:
      if (apic->cpu == NULL || apic->cpu->smm_mem == NULL)
        return;
      apic->cpu->s.smi_pending = 1;
      break;
    default:      /* reserved */
      return;
    }
  apic_kick (apic);
}

void
apic_raise_lvt (VtApic *apic, unsigned entry)
{
  uint32_t lvt = apic->s.lvt[entry];
  if ((lvt & LVT_MASKED) != 0)
    return;
  /* The timer and error entries have no delivery mode: always fixed. */
  unsigned mode = entry == LVT_TIMER || entry == LVT_ERROR ? FIXED : LVT_MODE (lvt);
  bool level = (entry == LVT_LINT0 || entry == LVT_LINT1) && (lvt & LVT_LEVEL) != 0;
  apic_accept (apic, mode, lvt & 0xff, level);
}

/* --- What the processor takes ----------------------------------------------------------------------------------------- */

/* The 8259's request reaches the processor through LINT0, or directly while the APIC is off. */
bool
apic_extint_waits (const VtApic *apic)
{
  if (apic->s.extint_pending)
    return true;
  if (!apic->s.lint_level[VT_APIC_LINT0])
    return false;
  uint32_t lvt = apic->s.lvt[LVT_LINT0];
  return !apic_hardware_enabled (apic) || ((lvt & LVT_MASKED) == 0 && LVT_MODE (lvt) == EXTINT);
}

int
vt_apic_pending (const VtApic *apic)
{
  if (apic_extint_waits (apic))
    return VT_APIC_EXTINT;
  int vector = apic_software_enabled (apic) ? apic_highest (apic->s.irr) : -1;
  if (vector < 0 || (vector & 0xf0) <= (apic_processor_priority (apic) & 0xf0))
    return VT_APIC_NONE;
  return vector;
}

void
vt_apic_accept (VtApic *apic, uint8_t vector)
{
  trace_apic_accept (apic->id, vector);
  apic_assign_bit (apic->s.irr, vector, false);
  apic_assign_bit (apic->s.isr, vector, true);
}

void
vt_apic_accept_extint (VtApic *apic)
{
  apic->s.extint_pending = 0;
}

void
apic_end_of_interrupt (VtApic *apic)
{
  int vector = apic_highest (apic->s.isr);
  if (vector < 0)
    return;
  trace_apic_eoi (apic->id, vector);
  apic_assign_bit (apic->s.isr, vector, false);
  if (apic_test_bit (apic->s.tmr, vector) && apic->bus != NULL && apic->bus->eoi != NULL)
    apic->bus->eoi (apic->bus->eoi_opaque, vector);
  if (vt_apic_pending (apic) != VT_APIC_NONE)
    apic_kick (apic);
}

uint8_t
vt_apic_cr8 (const VtApic *apic)
{
  return apic->s.tpr >> 4;
}

void
apic_set_tpr (VtApic *apic, uint32_t value)
{
  bool lower = (value & 0xf0) < (apic->s.tpr & 0xf0);
  apic->s.tpr = value & 0xff;
  if (lower)
    apic_kick (apic);
}

/* Without the lock: only this processor writes its TPR, and others read it just to choose among equals. */
void
vt_apic_set_cr8 (VtApic *apic, uint8_t value)
{
  apic_set_tpr (apic, (uint32_t) value << 4);
}

/* --- Device ----------------------------------------------------------------------------------------------------------- */

void
vt_apic_init (VtApic *apic)
{
  ApicState old = apic->s;
  apic->s = at_reset;
  apic->s.base = old.base;
  memcpy (apic->s.lint_level, old.lint_level, sizeof old.lint_level);
  if (apic->id != 0)
    apic->s.lvt[LVT_LINT0] = LVT_MASKED;
  apic_arm_timer (apic);
}

static void
settle (VtDevice *dev)
{
  VtApic *apic = (VtApic *) dev;
  apic_arm_timer (apic);
  apic_kick (apic);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const ApicState *s = incoming;
  bool base_ok = (s->base & ~(((UINT64_C (1) << 52) - 1) & ~VT_PAGE_MASK) & ~BASE_FLAGS) == 0;
  bool mode_ok = (s->base & (BASE_EN | BASE_EXTD)) != BASE_EXTD;
  bool lint_ok = s->lint_level[0] <= 1 && s->lint_level[1] <= 1 && s->extint_pending <= 1;
  if (base_ok && mode_ok && lint_ok && s->timer_deadline_ns <= INT64_MAX && (s->timer_divide & ~0xbu) == 0
      && s->tpr <= 0xff)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "The saved state of local APIC “%s” is not one it could be in", dev->path);
  return false;
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VtApic *apic = (VtApic *) dev;
  const VtApicConfig *config = env->config;
  apic->cpu = config->cpu;
  apic->bus = config->bus;
  apic->lock = config->lock;
  apic->timer_hz = config->timer_hz != 0 ? config->timer_hz : VT_APIC_TIMER_HZ;
  apic->clock = env->clock;
  apic->timer = vt_timer_new (env->clock, "apic", 0, apic_timer_expired, apic);
  if (apic->cpu != NULL)
    {
      apic->id = apic->cpu->vcpu.index;
      apic->cpu->apic = apic;
    }
  if (apic->bus != NULL)
    g_ptr_array_add (apic->bus->apics, apic);
  return true;
}

static void
finalize (VtDevice *dev)
{
  VtApic *apic = (VtApic *) dev;
  if (apic->cpu != NULL)
    apic->cpu->apic = NULL;
  if (apic->bus != NULL)
    g_ptr_array_remove (apic->bus->apics, apic);
  g_clear_pointer (&apic->timer, vt_timer_free);
}

static const void *
test_config (void)
{
  static const VtApicConfig config = { 0 };
  return &config;
}

const VtDeviceClass vt_apic_class = {
  .name = "apic",
  .summary = "Local APIC of a processor",
  .instance_size = sizeof (VtApic),
  .state_off = offsetof (VtApic, s),
  .state = VT_STATE (1, ApicState, fields, &at_reset),
  .realize = realize,
  .settle = settle,
  .check = check,
  .finalize = finalize,
  .test_config = test_config,
};
