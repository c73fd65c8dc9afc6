/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Inside the local APIC: its state, and what its files ask of each other.
 *
 * IRR, ISR and TMR follow the register layout.  Whatever makes an interrupt pending kicks the processor, which asks
 * vt_apic_pending() at its next safe point.  The timer's count is never stored: it follows from the deadline.
 *
 * Machine lock held, but for the small questions.
 */
#pragma once

#include "apic.h"
#include "trace-x86.h"
#include "x86-cpu.h"

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

/* --- Small questions -------------------------------------------------------------------------------------------------- */

static inline bool
apic_hardware_enabled (const VtApic *apic)
{
  return (apic->s.base & BASE_EN) != 0;
}

static inline bool
apic_software_enabled (const VtApic *apic)
{
  return apic_hardware_enabled (apic) && (apic->s.svr & SVR_ENABLE) != 0;
}

static inline bool
apic_in_x2apic_mode (const VtApic *apic)
{
  return (apic->s.base & (BASE_EN | BASE_EXTD)) == (BASE_EN | BASE_EXTD);
}

/* SDM 11.12.10.2: cluster in the high half, one bit of sixteen in the low half. */
static inline uint32_t
apic_x2apic_ldr (const VtApic *apic)
{
  return (apic->id >> 4) << 16 | 1u << (apic->id & 15);
}

static inline int
apic_highest (const uint32_t bits[8])
{
  for (int i = 7; i >= 0; i--)
    if (bits[i] != 0)
      return 32 * i + 31 - __builtin_clz (bits[i]);
  return -1;
}

static inline bool
apic_test_bit (const uint32_t bits[8], unsigned n)
{
  return (bits[n / 32] >> (n & 31)) & 1;
}

static inline void
apic_assign_bit (uint32_t bits[8], unsigned n, bool on)
{
  bits[n / 32] = (bits[n / 32] & ~(1u << (n & 31))) | (uint32_t) on << (n & 31);
}

static inline uint8_t
apic_processor_priority (const VtApic *apic)
{
  int in_service = apic_highest (apic->s.isr);
  uint8_t service = in_service < 0 ? 0 : in_service & 0xf0;
  return (apic->s.tpr & 0xf0) >= service ? apic->s.tpr : service;
}

static inline void
apic_kick (VtApic *apic)
{
  if (apic->cpu != NULL)
    vt_vcpu_kick (&apic->cpu->vcpu, VT_VCPU_INTERRUPT);
}

/* --- apic.c: interrupts that arrive, and those that the processor takes ----------------------------------------------- */

void apic_accept (VtApic *apic, unsigned mode, uint8_t vector, bool level);
void apic_accept_fixed (VtApic *apic, uint8_t vector, bool level);
/* The interrupt of a local vector table entry, if it is not masked. */
void apic_raise_lvt (VtApic *apic, unsigned entry);
/* An ESR_* bit, for the next write to ESR, and the error interrupt. */
void apic_record_error (VtApic *apic, uint32_t bit);
bool apic_extint_waits (const VtApic *apic);
void apic_set_tpr (VtApic *apic, uint32_t value);
void apic_end_of_interrupt (VtApic *apic);

/* --- apic-bus.c ------------------------------------------------------------------------------------------------------- */

/* `dest`: an ID, or with `logical` what LDR and DFR make of it. */
void apic_send (VtApicBus *bus, uint32_t dest, bool logical, unsigned mode, bool lowest, uint8_t vector, bool level);

/* --- apic-timer.c ----------------------------------------------------------------------------------------------------- */

/* The host's timer for timer_deadline_ns. */
void     apic_arm_timer (VtApic *apic);
void     apic_timer_expired (void *opaque, int64_t late_ns);
uint32_t apic_current_count (const VtApic *apic);
/* From the initial count, or for the TSC deadline. */
void     apic_start_count (VtApic *apic);
void     apic_start_tsc_deadline (VtApic *apic);
