/* SPDX-License-Identifier: GPL-3.0-or-later */
/* I/O APIC: Intel 82093AA datasheet (290566), with the version, pin count and EOI register of ICH9 (13.5).
 *
 * Known difference: the datasheet drops an edge that meets a masked pin.  Here it is sent on unmasking if the line is still
 * high, so that a device which waits to be served cannot get stuck while a driver moves its interrupt.
 */
#include "ioapic.h"

#include "trace-pc.h"
#include "vitrine/error.h"

#define IOAPIC_REG_SELECT 0x00u
#define IOAPIC_REG_DATA   0x10u
#define IOAPIC_REG_EOI    0x40u

#define IOAPIC_INDEX_ID      0x00u
#define IOAPIC_INDEX_VERSION 0x01u
#define IOAPIC_INDEX_ARB     0x02u
#define IOAPIC_INDEX_RTE     0x10u

#define IOAPIC_VERSION 0x20u

/* Redirection table entry (3.2.4). */
#define RTE_VECTOR      UINT64_C (0xff)
#define RTE_DELIVERY    8u                     /* shift; 3 bits */
#define RTE_LOGICAL     (UINT64_C (1) << 11)
#define RTE_PENDING     (UINT64_C (1) << 12)   /* delivery status: never seen set, a message leaves at once */
#define RTE_ACTIVE_LOW  (UINT64_C (1) << 13)
#define RTE_REMOTE_IRR  (UINT64_C (1) << 14)
#define RTE_LEVEL       (UINT64_C (1) << 15)
#define RTE_MASKED      (UINT64_C (1) << 16)
#define RTE_DESTINATION 56u
#define RTE_WRITABLE    UINT64_C (0xff0000000001afff)

#define DELIVERY_LOWEST 1u
#define DELIVERY_SMI    2u
#define DELIVERY_NMI    4u
#define DELIVERY_INIT   5u
#define DELIVERY_EXTINT 7u

/* The message that stands for it (SDM 3A 11.11). */
#define MSI_ADDRESS          UINT64_C (0xfee00000)
#define MSI_ADDRESS_DEST     12u
#define MSI_ADDRESS_REDIRECT (UINT64_C (1) << 3)
#define MSI_ADDRESS_LOGICAL  (UINT64_C (1) << 2)
#define MSI_DATA_ASSERT      (1u << 14)
#define MSI_DATA_LEVEL       (1u << 15)

typedef struct
{
  uint64_t rte[VT_IOAPIC_PINS];
  uint8_t  legs[VT_IOAPIC_PINS];   /* levels of the wires that meet at each pin: they do not reset with us */
  uint32_t edges;                  /* requests not yet sent of edge pins, by pin */
  uint8_t  select;
  uint8_t  id;
  uint8_t  pad_[2];
} IoapicState;

static const VtField ioapic_fields[] = {
  VT_FIELD (IoapicState, rte),    VT_FIELD_KEPT (IoapicState, legs), VT_FIELD (IoapicState, edges),
  VT_FIELD (IoapicState, select), VT_FIELD (IoapicState, id),        VT_FIELD (IoapicState, pad_),
};

#define MASKED8 RTE_MASKED, RTE_MASKED, RTE_MASKED, RTE_MASKED, RTE_MASKED, RTE_MASKED, RTE_MASKED, RTE_MASKED
static const IoapicState ioapic_at_reset = { .rte = { MASKED8, MASKED8, MASKED8 } };

typedef struct
{
  VtDevice    dev;
  IoapicState s;
  VtMsiSink   msi;
  uint8_t     n_legs[VT_IOAPIC_PINS];
} Ioapic;

static void
deliver (Ioapic *ioapic, unsigned pin)
{
  uint64_t rte = ioapic->s.rte[pin];
  unsigned mode = vt_extract (rte, RTE_DELIVERY, 3);
  uint64_t address = MSI_ADDRESS | (rte >> RTE_DESTINATION) << MSI_ADDRESS_DEST;
  if (rte & RTE_LOGICAL)
    address |= MSI_ADDRESS_LOGICAL;
  if (mode == DELIVERY_LOWEST)
    address |= MSI_ADDRESS_REDIRECT;
  uint32_t data = (uint32_t) (rte & RTE_VECTOR) | mode << 8 | MSI_DATA_ASSERT;
  if (rte & RTE_LEVEL)
    data |= MSI_DATA_LEVEL;
  trace_ioapic_deliver (pin, address, data);
  vt_msi_send (&ioapic->msi, address, data);
}

/* Remote IRR belongs to messages that a local APIC will acknowledge by an EOI (3.2.4, bit 14). */
static bool
awaits_eoi (uint64_t rte)
{
  unsigned mode = vt_extract (rte, RTE_DELIVERY, 3);
  return (rte & RTE_LEVEL) && mode <= DELIVERY_LOWEST;
}

static void
service (Ioapic *ioapic, unsigned pin)
{
  IoapicState *s = &ioapic->s;
  uint64_t rte = s->rte[pin];
  uint32_t bit = 1u << pin;
  if (rte & RTE_MASKED)
    return;
  if (rte & RTE_LEVEL)
    {
      if (s->legs[pin] == 0 || (rte & RTE_REMOTE_IRR))
        return;
      if (awaits_eoi (rte))
        s->rte[pin] |= RTE_REMOTE_IRR;
    }
  else
    {
      if (!(s->edges & bit))
        return;
      s->edges &= ~bit;
    }
  deliver (ioapic, pin);
}

static void
set_line (void *sink, unsigned pin_and_leg, bool level)
{
  Ioapic *ioapic = sink;
  IoapicState *s = &ioapic->s;
  unsigned pin = pin_and_leg & 31, leg = pin_and_leg >> 5;
  bool was = s->legs[pin] != 0;
  s->legs[pin] = level ? s->legs[pin] | 1u << leg : s->legs[pin] & ~(1u << leg);
  if (s->legs[pin] == 0)
    s->edges &= ~(1u << pin);
  if (!level || was)
    return;
  if (!(s->rte[pin] & RTE_LEVEL))
    s->edges |= 1u << pin;
  service (ioapic, pin);
}

VtIrq
vt_ioapic_input (VtDevice *dev, unsigned pin, const char *label)
{
  Ioapic *ioapic = (Ioapic *) dev;
  g_assert (pin < VT_IOAPIC_PINS && ioapic->n_legs[pin] < 8);
  unsigned leg = ioapic->n_legs[pin]++;
  return (VtIrq) { .set = set_line, .sink = dev, .pin = pin | leg << 5, .label = label };
}

void
vt_ioapic_eoi (VtDevice *dev, uint8_t vector)
{
  Ioapic *ioapic = (Ioapic *) dev;
  trace_ioapic_eoi (vector);
  for (unsigned pin = 0; pin < VT_IOAPIC_PINS; pin++)
    {
      uint64_t *rte = &ioapic->s.rte[pin];
      if ((*rte & RTE_VECTOR) != vector || !(*rte & RTE_LEVEL) || !(*rte & RTE_REMOTE_IRR))
        continue;
      *rte &= ~RTE_REMOTE_IRR;
      service (ioapic, pin);
    }
}

static void
write_rte (Ioapic *ioapic, unsigned pin, uint64_t value)
{
  IoapicState *s = &ioapic->s;
  uint64_t rte = (s->rte[pin] & ~RTE_WRITABLE) | (value & RTE_WRITABLE);
  /* Linux clears a stuck remote IRR on chips without an EOI register by switching to edge and back. */
  if (!(rte & RTE_LEVEL))
    rte &= ~RTE_REMOTE_IRR;
  else
    s->edges &= ~(1u << pin);
  s->rte[pin] = rte;
  service (ioapic, pin);
}

static uint32_t
read_indexed (const Ioapic *ioapic)
{
  const IoapicState *s = &ioapic->s;
  switch (s->select)
    {
    case IOAPIC_INDEX_ID:
    case IOAPIC_INDEX_ARB:
      return (uint32_t) s->id << 24;
    case IOAPIC_INDEX_VERSION:
      return IOAPIC_VERSION | (VT_IOAPIC_PINS - 1) << 16;
    }
  unsigned entry = (s->select - IOAPIC_INDEX_RTE) / 2;
  if (s->select < IOAPIC_INDEX_RTE || entry >= VT_IOAPIC_PINS)
    return 0;
  return (uint32_t) (s->rte[entry] >> (s->select & 1 ? 32 : 0));
}

static void
write_indexed (Ioapic *ioapic, uint32_t value)
{
  IoapicState *s = &ioapic->s;
  if (s->select == IOAPIC_INDEX_ID)
    s->id = value >> 24 & 0x0f;
  unsigned entry = (s->select - IOAPIC_INDEX_RTE) / 2;
  if (s->select < IOAPIC_INDEX_RTE || entry >= VT_IOAPIC_PINS)
    return;
  write_rte (ioapic, entry, vt_deposit (s->rte[entry], s->select & 1 ? 32 : 0, 32, value));
}

static uint64_t
ioapic_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Ioapic *ioapic = (Ioapic *) dev;
  if (off == IOAPIC_REG_SELECT)
    return ioapic->s.select;
  if (off != IOAPIC_REG_DATA)
    return 0;
  uint32_t value = read_indexed (ioapic);
  trace_ioapic_read (ioapic->s.select, value);
  return value;
}

static void
ioapic_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Ioapic *ioapic = (Ioapic *) dev;
  if (off == IOAPIC_REG_SELECT)
    ioapic->s.select = (uint8_t) value;
  else if (off == IOAPIC_REG_DATA)
    {
      trace_ioapic_write (ioapic->s.select, (uint32_t) value);
      write_indexed (ioapic, (uint32_t) value);
    }
  else if (off == IOAPIC_REG_EOI)
    vt_ioapic_eoi (dev, (uint8_t) value);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const IoapicState *s = incoming;
  bool good = s->id <= 0x0f && (s->edges >> VT_IOAPIC_PINS) == 0;
  for (unsigned pin = 0; pin < VT_IOAPIC_PINS; pin++)
    {
      uint64_t rte = s->rte[pin];
      good = good && !(rte & ~(RTE_WRITABLE | RTE_REMOTE_IRR)) && ((rte & RTE_LEVEL) || !(rte & RTE_REMOTE_IRR))
             && !((rte & RTE_LEVEL) && (s->edges & 1u << pin));
    }
  if (!good)
    g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved I/O APIC state is impossible", dev->path);
  return good;
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  ((Ioapic *) dev)->msi = env->msi;
  return true;
}

static const VtRegionOps ioapic_ops = { ioapic_read, ioapic_write, 4, 4 };
const VtRegion vt_ioapic_region = { "ioapic", 0x1000, &ioapic_ops };
static const VtRegion *const ioapic_regions[] = { &vt_ioapic_region, NULL };

const VtDeviceClass vt_ioapic_class = {
  .name = "ioapic",
  .summary = "I/O APIC, 24 pins",
  .instance_size = sizeof (Ioapic),
  .state_off = offsetof (Ioapic, s),
  .state = VT_STATE (1, IoapicState, ioapic_fields, &ioapic_at_reset),
  .regions = ioapic_regions,
  .realize = realize,
  .check = check,
};
