/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bus between local APICs: who is meant by a message (SDM volume 3A, 11.6.2; x2APIC: 11.12.9), and lines that are messages. */
#include "apic-private.h"

static bool
matches_logical (const VtApic *apic, uint32_t dest)
{
  if (apic_in_x2apic_mode (apic))
    {
      uint32_t ldr = apic_x2apic_ldr (apic);
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
  if (!apic_hardware_enabled (apic))
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
      if (matches (apic, dest, logical) && apic_software_enabled (apic)
          && (best == NULL || apic_processor_priority (apic) < apic_processor_priority (best)))
        best = apic;
    }
  if (bus->apics->len != 0)
    bus->turn = (bus->turn + 1) % bus->apics->len;
  return best;
}

void
apic_send (VtApicBus *bus, uint32_t dest, bool logical, unsigned mode, bool lowest, uint8_t vector, bool level)
{
  if (lowest)
    {
      VtApic *apic = arbitrate (bus, dest, logical);
      if (apic != NULL)
        apic_accept (apic, mode, vector, level);
      return;
    }
  for (unsigned i = 0; i < bus->apics->len; i++)
    {
      VtApic *apic = bus->apics->pdata[i];
      if (matches (apic, dest, logical))
        apic_accept (apic, mode, vector, level);
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
        apic_accept (apic, SMI, 0, false);
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
  apic_send (bus, dest, logical, mode, lowest, data & 0xff, (data & ICR_LEVEL) != 0);
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
  if (!apic_hardware_enabled (apic) && pin == VT_APIC_LINT1)
    apic_accept (apic, NMI, 0, false);
  else if (apic_hardware_enabled (apic) && LVT_MODE (apic->s.lvt[LVT_LINT0 + pin]) != EXTINT)
    apic_raise_lvt (apic, LVT_LINT0 + pin);
  else
    apic_kick (apic);   /* ExtINT: the level is looked at, not the edge */
}

void
vt_apic_bus_set_lint (void *sink, unsigned pin, bool level)
{
  VtApicBus *bus = sink;
  g_assert (pin <= VT_APIC_LINT1);
  for (unsigned i = 0; i < bus->apics->len; i++)
    set_lint (bus->apics->pdata[i], pin, level);
}
