/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Local APIC and the bus between APICs (SDM volume 3A, chapter 11; x2APIC: 11.12).
 *
 * IRR, ISR and TMR follow the register layout.  Whatever makes an interrupt pending kicks the processor, which asks
 * vt_apic_pending() at its next safe point.  The timer's count is never stored: it follows from the deadline.
 */
#include "apic.h"

#include "trace-x86.h"
#include "x86-cpu.h"
#include "x86-model.h"

#include <vitrine/error.h>

#define APIC_VERSION       0x00050014u      /* six LVT entries */
#define DEFAULT_BASE       UINT64_C (0xfee00000)
#define BASE_BSP           (UINT64_C (1) << 8)
#define BASE_EXTD          (UINT64_C (1) << 10)
#define BASE_EN            (UINT64_C (1) << 11)
#define BASE_FLAGS         (BASE_EXTD | BASE_EN)
#define SVR_ENABLE         (1u << 8)
#define SVR_WRITABLE       0x3ffu
#define LVT_MASKED         (1u << 16)
#define LVT_MODE(lvt)      (((lvt) >> 8) & 7)
#define LVT_LEVEL          (1u << 15)
#define TIMER_MODE(lvt)    (((lvt) >> 17) & 3)
#define ESR_SEND_ILLEGAL   (1u << 5)
#define ESR_RECV_ILLEGAL   (1u << 6)
#define ESR_BAD_REGISTER   (1u << 7)
#define ICR_LOGICAL        (1u << 11)
#define ICR_ASSERT         (1u << 14)
#define ICR_LEVEL          (1u << 15)
#define ICR_WRITABLE       0x000ccfffu
#define MSI_PREFIX         UINT64_C (0xfee)      /* address bits 31..20 */
#define MSI_LOGICAL        (1u << 2)
#define MSI_HINT           (1u << 3)
#define BROADCAST          UINT32_MAX
#define FIRST_VECTOR       16u
/* A periodic timer that expires faster than this would only keep the host busy. */
#define MIN_PERIOD_NS      G_GINT64_CONSTANT (20000)

enum { LVT_TIMER, LVT_THERMAL, LVT_PERF, LVT_LINT0, LVT_LINT1, LVT_ERROR, LVT_COUNT };
enum { TIMER_ONE_SHOT, TIMER_PERIODIC, TIMER_TSC_DEADLINE };
/* Delivery modes, of ICR, LVT, MSI and IOAPIC alike. */
enum { FIXED, LOWEST, SMI, NMI = 4, INIT, SIPI, EXTINT };

/* Register numbers: offset / 16 in the page, or MSR - 0x800. */
enum
{
  REG_ID = 0x02, REG_VERSION = 0x03, REG_TPR = 0x08, REG_APR = 0x09, REG_PPR = 0x0a, REG_EOI = 0x0b, REG_RRD = 0x0c,
  REG_LDR = 0x0d, REG_DFR = 0x0e, REG_SVR = 0x0f, REG_ISR = 0x10, REG_TMR = 0x18, REG_IRR = 0x20, REG_ESR = 0x28,
  REG_CMCI = 0x2f, REG_ICR = 0x30, REG_ICR_HIGH = 0x31, REG_LVT = 0x32, REG_TIMER_INITIAL = 0x38, REG_TIMER_CURRENT = 0x39,
  REG_TIMER_DIVIDE = 0x3e, REG_SELF_IPI = 0x3f,
};

typedef struct
{
  uint64_t base;               /* IA32_APIC_BASE without BSP, which follows from the ID */
  uint64_t icr;
  uint64_t tsc_deadline;
  uint64_t timer_deadline_ns;  /* guest time of the next expiry; 0 when the timer is idle */
  uint32_t tpr, ldr, dfr, svr, esr, esr_pending;
  uint32_t timer_initial, timer_divide;
  uint32_t lvt[LVT_COUNT];
  uint32_t irr[8], isr[8], tmr[8];
  uint8_t  lint_level[2];
  uint8_t  extint_pending;     /* an ExtINT message came and was not acknowledged yet */
  uint8_t  pad_[5];
} ApicState;

struct VtApic
{
  VtDevice   dev;
  ApicState  s;
  VtX86Cpu  *cpu;              /* wiring */
  VtApicBus *bus;
  VtLock *lock;
  VtClock   *clock;
  uint64_t   timer_hz;
  uint32_t   id;
  VtTimer   *timer;            /* derived from timer_deadline_ns */
};

struct VtApicBus
{
  GPtrArray *apics;            /* of VtApic, by ID */
  void     (*eoi) (void *opaque, uint8_t vector);
  void      *eoi_opaque;
  unsigned   turn;             /* lowest priority: where the search for equals begins */
};

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

/* --- Small questions --------------------------------------------------------------------------------------------------------------- */

static bool
hardware_enabled (const VtApic *apic)
{
  return (apic->s.base & BASE_EN) != 0;
}

static bool
software_enabled (const VtApic *apic)
{
  return hardware_enabled (apic) && (apic->s.svr & SVR_ENABLE) != 0;
}

static bool
x2apic_mode (const VtApic *apic)
{
  return (apic->s.base & (BASE_EN | BASE_EXTD)) == (BASE_EN | BASE_EXTD);
}

/* SDM 11.12.10.2: cluster in the high half, one bit of sixteen in the low half. */
static uint32_t
x2apic_ldr (const VtApic *apic)
{
  return (apic->id >> 4) << 16 | 1u << (apic->id & 15);
}

static int
highest (const uint32_t bits[8])
{
  for (int i = 7; i >= 0; i--)
    if (bits[i] != 0)
      return 32 * i + 31 - __builtin_clz (bits[i]);
  return -1;
}

static bool
test_bit (const uint32_t bits[8], unsigned n)
{
  return (bits[n / 32] >> (n & 31)) & 1;
}

static void
assign_bit (uint32_t bits[8], unsigned n, bool on)
{
  bits[n / 32] = (bits[n / 32] & ~(1u << (n & 31))) | (uint32_t) on << (n & 31);
}

static uint8_t
processor_priority (const VtApic *apic)
{
  int in_service = highest (apic->s.isr);
  uint8_t service = in_service < 0 ? 0 : in_service & 0xf0;
  return (apic->s.tpr & 0xf0) >= service ? apic->s.tpr : service;
}

static void
kick (VtApic *apic)
{
  if (apic->cpu != NULL)
    vt_vcpu_kick (&apic->cpu->vcpu, VT_VCPU_INTERRUPT);
}

/* --- Interrupts arriving ------------------------------------------------------------------------------------------------------------- */

static void raise_lvt (VtApic *apic, unsigned entry);

static void
record_error (VtApic *apic, uint32_t bit)
{
  trace_apic_error (apic->id, bit);
  bool first = (apic->s.esr_pending & bit) == 0;
  apic->s.esr_pending |= bit;
  if (first && (apic->s.lvt[LVT_ERROR] & 0xff) >= FIRST_VECTOR)
    raise_lvt (apic, LVT_ERROR);
}

static void
accept_fixed (VtApic *apic, uint8_t vector, bool level)
{
  if (!software_enabled (apic))
    return;
  if (vector < FIRST_VECTOR)
    {
      record_error (apic, ESR_RECV_ILLEGAL);
      return;
    }
  assign_bit (apic->s.irr, vector, true);
  assign_bit (apic->s.tmr, vector, level);
  kick (apic);
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

static void
accept (VtApic *apic, unsigned mode, uint8_t vector, bool level)
{
  switch (mode)
    {
    case FIXED:
    case LOWEST:
      accept_fixed (apic, vector, level);
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
  kick (apic);
}

static void
raise_lvt (VtApic *apic, unsigned entry)
{
  uint32_t lvt = apic->s.lvt[entry];
  if ((lvt & LVT_MASKED) != 0)
    return;
  /* The timer and error entries have no delivery mode: always fixed. */
  unsigned mode = entry == LVT_TIMER || entry == LVT_ERROR ? FIXED : LVT_MODE (lvt);
  bool level = (entry == LVT_LINT0 || entry == LVT_LINT1) && (lvt & LVT_LEVEL) != 0;
  accept (apic, mode, lvt & 0xff, level);
}

/* --- The bus ---------------------------------------------------------------------------------------------------------------------------- */

static bool
matches_logical (const VtApic *apic, uint32_t dest)
{
  if (x2apic_mode (apic))
    {
      uint32_t ldr = x2apic_ldr (apic);
      return dest == BROADCAST || (dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff) != 0);
    }
  uint8_t ldr = apic->s.ldr >> 24, mda = dest;
  if (apic->s.dfr >> 28 == 0xf)
    return (ldr & mda) != 0;
  /* Cluster model: 15 is every cluster. */
  return (mda >> 4 == 0xf || mda >> 4 == ldr >> 4) && (ldr & mda & 0xf) != 0;
}

static bool
matches (const VtApic *apic, uint32_t dest, bool logical)
{
  if (!hardware_enabled (apic))
    return false;
  if (logical)
    return matches_logical (apic, dest);
  return dest == BROADCAST || dest == apic->id;
}

/* The one of least priority; equals take turns. */
static VtApic *
arbitrate (VtApicBus *bus, uint32_t dest, bool logical)
{
  VtApic *best = NULL;
  for (unsigned i = 0; i < bus->apics->len; i++)
    {
      VtApic *apic = bus->apics->pdata[(bus->turn + i) % bus->apics->len];
      if (matches (apic, dest, logical) && software_enabled (apic)
          && (best == NULL || processor_priority (apic) < processor_priority (best)))
        best = apic;
    }
  if (bus->apics->len != 0)
    bus->turn = (bus->turn + 1) % bus->apics->len;
  return best;
}

static void
send (VtApicBus *bus, uint32_t dest, bool logical, unsigned mode, bool lowest, uint8_t vector, bool level)
{
  if (lowest)
    {
      VtApic *apic = arbitrate (bus, dest, logical);
      if (apic != NULL)
        accept (apic, mode, vector, level);
      return;
    }
  for (unsigned i = 0; i < bus->apics->len; i++)
    {
      VtApic *apic = bus->apics->pdata[i];
      if (matches (apic, dest, logical))
        accept (apic, mode, vector, level);
    }
}

/* Whoever accesses a port is the processor that this thread runs. */
void
vt_apic_bus_set_smi (void *sink, unsigned pin, bool level)
{
  VtApicBus *bus = sink;
  VtVcpu    *here = vt_vcpu_current ();
  if (!level)
    return;
  for (unsigned i = 0; i < bus->apics->len; i++)
    {
      VtApic *apic = bus->apics->pdata[i];
      bool    self = apic->cpu != NULL && &apic->cpu->vcpu == here;
      if (self)
        vt_x86_smi_by_port (apic->cpu);
      if (self || pin == VT_APIC_SMI_ALL || (here == NULL && apic->id == 0))
        accept (apic, SMI, 0, false);
    }
}

VtApicBus *
vt_apic_bus_new (void)
{
  VtApicBus *bus = g_new0 (VtApicBus, 1);
  bus->apics = g_ptr_array_new ();
  return bus;
}

void
vt_apic_bus_free (VtApicBus *bus)
{
  if (bus == NULL)
    return;
  g_ptr_array_unref (bus->apics);
  g_free (bus);
}

void
vt_apic_bus_deliver (VtApicBus *bus, uint64_t address, uint32_t data)
{
  trace_apic_message (address, data);
  if (address >> 20 != MSI_PREFIX)
    return;
  uint32_t dest = (address >> 12) & 0xff;
  bool logical = (address & MSI_LOGICAL) != 0;
  unsigned mode = (data >> 8) & 7;
  bool lowest = mode == LOWEST || ((address & MSI_HINT) != 0 && mode == FIXED);
  if (dest == 0xff)
    dest = BROADCAST;
  send (bus, dest, logical, mode, lowest, data & 0xff, (data & ICR_LEVEL) != 0);
}

static void
sink_deliver (void *sink, uint64_t address, uint32_t data)
{
  vt_apic_bus_deliver (sink, address, data);
}

VtMsiSink
vt_apic_bus_sink (VtApicBus *bus)
{
  return (VtMsiSink) { .deliver = sink_deliver, .sink = bus };
}

void
vt_apic_bus_set_eoi (VtApicBus *bus, void (*eoi) (void *opaque, uint8_t vector), void *opaque)
{
  bus->eoi = eoi;
  bus->eoi_opaque = opaque;
}

static void
set_lint (VtApic *apic, unsigned pin, bool level)
{
  bool rises = level && !apic->s.lint_level[pin];
  apic->s.lint_level[pin] = level;
  if (!rises)
    return;
  if (!hardware_enabled (apic) && pin == VT_APIC_LINT1)
    accept (apic, NMI, 0, false);
  else if (hardware_enabled (apic) && LVT_MODE (apic->s.lvt[LVT_LINT0 + pin]) != EXTINT)
    raise_lvt (apic, LVT_LINT0 + pin);
  else
    kick (apic);   /* ExtINT: the level is looked at, not the edge */
}

void
vt_apic_bus_set_lint (void *sink, unsigned pin, bool level)
{
  VtApicBus *bus = sink;
  g_assert (pin <= VT_APIC_LINT1);
  for (unsigned i = 0; i < bus->apics->len; i++)
    set_lint (bus->apics->pdata[i], pin, level);
}

/* --- What the processor takes ------------------------------------------------------------------------------------------------------------- */

/* The 8259's request reaches the processor through LINT0, or directly while the APIC is off. */
static bool
extint_waits (const VtApic *apic)
{
  if (apic->s.extint_pending)
    return true;
  if (!apic->s.lint_level[VT_APIC_LINT0])
    return false;
  uint32_t lvt = apic->s.lvt[LVT_LINT0];
  return !hardware_enabled (apic) || ((lvt & LVT_MASKED) == 0 && LVT_MODE (lvt) == EXTINT);
}

int
vt_apic_pending (const VtApic *apic)
{
  if (extint_waits (apic))
    return VT_APIC_EXTINT;
  int vector = software_enabled (apic) ? highest (apic->s.irr) : -1;
  if (vector < 0 || (vector & 0xf0) <= (processor_priority (apic) & 0xf0))
    return VT_APIC_NONE;
  return vector;
}

void
vt_apic_accept (VtApic *apic, uint8_t vector)
{
  trace_apic_accept (apic->id, vector);
  assign_bit (apic->s.irr, vector, false);
  assign_bit (apic->s.isr, vector, true);
}

void
vt_apic_accept_extint (VtApic *apic)
{
  apic->s.extint_pending = 0;
}

static void
end_of_interrupt (VtApic *apic)
{
  int vector = highest (apic->s.isr);
  if (vector < 0)
    return;
  trace_apic_eoi (apic->id, vector);
  assign_bit (apic->s.isr, vector, false);
  if (test_bit (apic->s.tmr, vector) && apic->bus != NULL && apic->bus->eoi != NULL)
    apic->bus->eoi (apic->bus->eoi_opaque, vector);
  if (vt_apic_pending (apic) != VT_APIC_NONE)
    kick (apic);
}

uint8_t
vt_apic_cr8 (const VtApic *apic)
{
  return apic->s.tpr >> 4;
}

static void
set_tpr (VtApic *apic, uint32_t value)
{
  bool lower = (value & 0xf0) < (apic->s.tpr & 0xf0);
  apic->s.tpr = value & 0xff;
  if (lower)
    kick (apic);
}

/* Without the lock: only this processor writes its TPR, and others read it just to choose among equals. */
void
vt_apic_set_cr8 (VtApic *apic, uint8_t value)
{
  set_tpr (apic, (uint32_t) value << 4);
}

/* --- Timer ------------------------------------------------------------------------------------------------------------------------------------ */

/* Divide configuration: bits 3, 1, 0; 111 divides by 1 (SDM figure 11-10). */
static unsigned
divide_shift (const VtApic *apic)
{
  unsigned code = (apic->s.timer_divide & 3) | (apic->s.timer_divide & 8) >> 1;
  return (code + 1) & 7;
}

static int64_t
period_ns (const VtApic *apic)
{
  return vt_ticks_to_ns ((uint64_t) apic->s.timer_initial << divide_shift (apic), apic->timer_hz);
}

static void
arm (VtApic *apic)
{
  if (apic->timer == NULL)
    return;
  if (apic->s.timer_deadline_ns != 0)
    vt_timer_arm (apic->timer, apic->s.timer_deadline_ns);
  else
    vt_timer_cancel (apic->timer);
}

static void
start_count (VtApic *apic)
{
  apic->s.timer_deadline_ns = 0;
  if (apic->s.timer_initial != 0 && TIMER_MODE (apic->s.lvt[LVT_TIMER]) != TIMER_TSC_DEADLINE)
    apic->s.timer_deadline_ns = vt_clock_now (apic->clock) + MAX (period_ns (apic), 1);
  arm (apic);
}

/* First moment at which the guest's TSC reaches the deadline. */
static void
start_tsc_deadline (VtApic *apic)
{
  apic->s.timer_deadline_ns = 0;
  if (apic->s.tsc_deadline != 0 && apic->cpu != NULL)
    {
      int64_t now = vt_clock_now (apic->clock);
      uint64_t tsc = vt_x86_read_tsc (apic->cpu), left = apic->s.tsc_deadline - tsc;
      /* As far away as the clock can count is as good as never. */
      bool past = (int64_t) left <= 0 && apic->s.tsc_deadline <= tsc;
      uint64_t limit = apic->cpu->tsc_hz * 3600 * 24 * 365;
      apic->s.timer_deadline_ns = past ? MAX (now, 1) : now + vt_ticks_to_ns (MIN (left, limit), apic->cpu->tsc_hz) + 1;
    }
  arm (apic);
}

static void
timer_expired (void *opaque, int64_t late_ns)
{
  VtApic *apic = opaque;
  unsigned mode = TIMER_MODE (apic->s.lvt[LVT_TIMER]);
  trace_apic_fire (apic->id, mode);
  uint64_t deadline = apic->s.timer_deadline_ns;
  apic->s.timer_deadline_ns = 0;
  if (mode == TIMER_PERIODIC && apic->s.timer_initial != 0)
    {
      /* Missed periods are not made up for: one interrupt could not tell of two anyway. */
      uint64_t period = MAX (period_ns (apic), MIN_PERIOD_NS), now = vt_clock_now (apic->clock);
      uint64_t periods = now > deadline ? (now - deadline) / period + 1 : 1;
      apic->s.timer_deadline_ns = deadline + periods * period;
    }
  else if (mode == TIMER_TSC_DEADLINE)
    apic->s.tsc_deadline = 0;
  arm (apic);
  raise_lvt (apic, LVT_TIMER);
}

static uint32_t
current_count (const VtApic *apic)
{
  uint64_t now = vt_clock_now (apic->clock);
  unsigned shift = divide_shift (apic);
  if (apic->s.timer_deadline_ns <= now || TIMER_MODE (apic->s.lvt[LVT_TIMER]) == TIMER_TSC_DEADLINE)
    return 0;
  uint64_t ticks = vt_ns_to_ticks (apic->s.timer_deadline_ns - now, apic->timer_hz);
  return MIN ((ticks + (1u << shift) - 1) >> shift, apic->s.timer_initial);
}

void
vt_apic_tsc_changed (VtApic *apic)
{
  vt_apic_lock (apic);
  if (TIMER_MODE (apic->s.lvt[LVT_TIMER]) == TIMER_TSC_DEADLINE)
    start_tsc_deadline (apic);
  vt_apic_unlock (apic);
}

/* --- Registers ----------------------------------------------------------------------------------------------------------------------------------- */

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
      record_error (apic, ESR_SEND_ILLEGAL);
      return;
    }
  /* INIT level de-assert only ever set arbitration IDs. */
  if (mode == INIT && (low & (ICR_ASSERT | ICR_LEVEL)) == ICR_LEVEL)
    return;
  if (apic->bus == NULL)
    return;
  if (!x2apic_mode (apic))
    dest = dest >> 24 == 0xff && (low & ICR_LOGICAL) == 0 ? BROADCAST : dest >> 24;
  if (shorthand == 0)
    {
      send (apic->bus, dest, (low & ICR_LOGICAL) != 0, mode, mode == LOWEST, vector, false);
      return;
    }
  for (unsigned i = 0; i < apic->bus->apics->len; i++)
    {
      VtApic *other = apic->bus->apics->pdata[i];
      bool self = other == apic;
      if ((shorthand == 1 && self) || shorthand == 2 || (shorthand == 3 && !self))
        if (hardware_enabled (other))
          accept (other, mode, vector, false);
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
      arm (apic);
    }
  if (entry == LVT_LINT0 && extint_waits (apic))
    kick (apic);
}

static void
write_svr (VtApic *apic, uint32_t value)
{
  apic->s.svr = value & SVR_WRITABLE;
  if ((value & SVR_ENABLE) == 0)
    for (unsigned i = 0; i < LVT_COUNT; i++)
      apic->s.lvt[i] |= LVT_MASKED;
  if (vt_apic_pending (apic) != VT_APIC_NONE)
    kick (apic);
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
      *value = processor_priority (apic);
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
      *value = current_count (apic);
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
      set_tpr (apic, value);
      return true;
    case REG_EOI:
      end_of_interrupt (apic);
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
          start_count (apic);
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

/* --- xAPIC: the page ------------------------------------------------------------------------------------------------------------------------------- */

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
        record_error (apic, ESR_BAD_REGISTER);
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
        record_error (apic, ESR_BAD_REGISTER);
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

/* --- MSRs -------------------------------------------------------------------------------------------------------------------------------------------- */

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
      *value = x2apic_ldr (apic);
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
      accept_fixed (apic, value, false);
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
      start_tsc_deadline (apic);
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
    ok = x2apic_mode (apic) && read_x2apic (apic, msr - MSR_X2APIC, value);
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
    ok = x2apic_mode (apic) && write_x2apic (apic, msr - MSR_X2APIC, value);
  vt_apic_unlock (apic);
  return ok;
}

/* --- Device ------------------------------------------------------------------------------------------------------------------------------------------- */

void
vt_apic_init (VtApic *apic)
{
  ApicState old = apic->s;
  apic->s = at_reset;
  apic->s.base = old.base;
  memcpy (apic->s.lint_level, old.lint_level, sizeof old.lint_level);
  if (apic->id != 0)
    apic->s.lvt[LVT_LINT0] = LVT_MASKED;
  arm (apic);
}

static void
settle (VtDevice *dev)
{
  VtApic *apic = (VtApic *) dev;
  arm (apic);
  kick (apic);
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
  apic->timer = vt_timer_new (env->clock, "apic", 0, timer_expired, apic);
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
