/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCI buses: they route configuration cycles to functions and INTx pins to lines. Bus 0 has bridges to the others. */
#include "pci-bus.h"

#include "pci-private.h"
#include "vitrine/error.h"

#include "trace-pci.h"

struct VtPciBus
{
  VtMem         *mem, *io;
  VtPciFunction *functions[256];
  VtPciSwizzle   swizzle;
  unsigned       n_lines;
  VtIrq          lines[VT_PCI_BUS_LINES];
  uint16_t       raised[VT_PCI_BUS_LINES];   /* how many pins hold the line up */
  GPtrArray     *behind;        /* VtPciBus*: those behind bridges of this one */

  /* Of a bus behind a bridge: */
  VtPciBus       *parent;       /* NULL: bus 0 */
  uint8_t         bridge_devfn;
  VtPciForwarding forwarding;
};

VtPciBus *
vt_pci_bus_new (VtMem *mem, VtMem *io)
{
  VtPciBus *bus = g_new0 (VtPciBus, 1);
  bus->mem = mem;
  bus->io = io;
  bus->behind = g_ptr_array_new ();
  return bus;
}

VtPciBus *
vt_pci_bus_new_behind (VtPciBus *parent, uint8_t devfn)
{
  VtPciBus *bus = vt_pci_bus_new (parent->mem, parent->io);
  bus->parent = parent;
  bus->bridge_devfn = devfn;
  g_ptr_array_add (parent->behind, bus);
  return bus;
}

void
vt_pci_bus_free (VtPciBus *bus)
{
  if (bus->parent != NULL)
    g_ptr_array_remove_fast (bus->parent->behind, bus);
  g_ptr_array_unref (bus->behind);
  g_free (bus);
}

void
vt_pci_bus_set_lines (VtPciBus *bus, VtPciSwizzle swizzle, const VtIrq *lines, unsigned n_lines)
{
  g_assert (n_lines <= VT_PCI_BUS_LINES);
  bus->swizzle = swizzle;
  bus->n_lines = n_lines;
  memcpy (bus->lines, lines, n_lines * sizeof *lines);
  for (unsigned i = 0; i < n_lines; i++)
    vt_irq_set (&bus->lines[i], bus->raised[i] > 0);
}

VtPciFunction *
vt_pci_bus_function (const VtPciBus *bus, uint8_t devfn)
{
  return bus->functions[devfn];
}

VtMem *
vt_pci_bus_space (VtPciBus *bus, bool io)
{
  return io ? bus->io : bus->mem;
}

/* --- Behind a bridge ---------------------------------------------------------------------------------------------- */

void
vt_pci_bus_forward (VtPciBus *bus, const VtPciForwarding *forwarding)
{
  if (memcmp (&bus->forwarding, forwarding, sizeof *forwarding) == 0)
    return;
  bus->forwarding = *forwarding;
  if (bus->functions[0] != NULL)
    vt_pci_update (bus->functions[0]);
}

void
vt_pci_bus_reset (VtPciBus *bus)
{
  if (bus->functions[0] != NULL)
    vt_device_reset (&bus->functions[0]->dev, VT_RESET_BUS);
}

static bool
holds (const VtPciRange *range, uint64_t at, uint64_t size)
{
  return at >= range->first && at <= range->last && size - 1 <= range->last - at;
}

bool
vt_pci_bus_passes (const VtPciBus *bus, bool io, uint64_t at, uint64_t size)
{
  const VtPciForwarding *forwarding = &bus->forwarding;
  return bus->parent == NULL
         || (!io && forwarding->up
             && (holds (&forwarding->window[0], at, size) || holds (&forwarding->window[1], at, size)));
}

bool
vt_pci_bus_masters (const VtPciBus *bus)
{
  return bus->parent == NULL || (bus->forwarding.up && bus->forwarding.masters);
}

bool
vt_pci_bus_is_link (const VtPciBus *bus)
{
  return bus->parent != NULL;
}

int
vt_pci_bus_priority (const VtPciBus *bus, uint8_t devfn, unsigned bar)
{
  return bus->parent == NULL ? VT_PCI_PRIORITY_BAR + devfn * 8 + (int) bar
                             : VT_PCI_PRIORITY_BEHIND + bus->bridge_devfn * 8 + (int) bar;
}

/* --- Functions and their pins ------------------------------------------------------------------------------------- */

/* The sink of every function's INTx wire; pin is devfn << 2 | INTx. A wire only calls when its level changes, so
 * counting is enough. */
static void
intx_changed (void *sink, unsigned pin, bool level)
{
  VtPciBus *bus = sink;
  if (bus->swizzle == NULL)
    return;
  unsigned line = bus->swizzle (VT_PCI_SLOT (pin >> 2), pin & 3);
  if (line >= bus->n_lines)
    return;
  g_assert (level || bus->raised[line] > 0);
  bus->raised[line] += level ? 1 : -1;
  vt_irq_set (&bus->lines[line], bus->raised[line] > 0);
}

VtIrq
vt_pci_bus_pin (VtPciBus *bus, uint8_t devfn, unsigned pin, const char *label)
{
  return (VtIrq) { .set = intx_changed, .sink = bus, .pin = devfn << 2 | pin, .label = label };
}

bool
vt_pci_bus_attach (VtPciBus *bus, VtPciFunction *fn, GError **error)
{
  uint8_t devfn = fn->place.devfn;
  g_assert (bus->parent == NULL || devfn == 0);
  if (bus->functions[devfn] != NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "PCI slot %02x.%x is already taken by %s", VT_PCI_SLOT (devfn),
                   devfn & 7u, bus->functions[devfn]->dev.path);
      return false;
    }
  bus->functions[devfn] = fn;
  unsigned pin = fn->fixed[PCI_INTERRUPT_PIN];
  if (pin != 0)
    fn->intx = vt_pci_bus_pin (bus, devfn, pin - 1, "INTx");
  return true;
}

void
vt_pci_bus_detach (VtPciBus *bus, VtPciFunction *fn)
{
  if (bus->functions[fn->place.devfn] == fn)
    bus->functions[fn->place.devfn] = NULL;
}

/* --- Configuration cycles ----------------------------------------------------------------------------------------- */

static VtPciFunction *
target (VtPciBus *bus, uint8_t bus_number, uint8_t devfn)
{
  if (bus_number == 0)
    return bus->functions[devfn];
  for (guint i = 0; i < bus->behind->len; i++)
    {
      VtPciBus *behind = g_ptr_array_index (bus->behind, i);
      if (behind->forwarding.number == bus_number)
        return behind->forwarding.up ? behind->functions[devfn] : NULL;
    }
  return NULL;
}

uint32_t
vt_pci_bus_config_read (VtPciBus *bus, uint8_t bus_number, uint8_t devfn, unsigned offset, unsigned size)
{
  VtPciFunction *fn = target (bus, bus_number, devfn);
  if (fn == NULL)
    return (uint32_t) vt_mask_bytes (size);
  /* Extended space without extended capabilities reads as zeros (PCIe 3.0, 7.9.1). */
  uint32_t value = vt_fits (offset, size, VT_PCI_CONFIG_BYTES) ? vt_pci_config_read (fn, offset, size) : 0;
  trace_pci_config_read (fn->dev.path, offset, size, value);
  return value;
}

void
vt_pci_bus_config_write (VtPciBus *bus, uint8_t bus_number, uint8_t devfn, unsigned offset, uint32_t value,
                         unsigned size)
{
  VtPciFunction *fn = target (bus, bus_number, devfn);
  if (fn == NULL || !vt_fits (offset, size, VT_PCI_CONFIG_BYTES))
    return;
  trace_pci_config_write (fn->dev.path, offset, size, value);
  vt_pci_config_write (fn, offset, value, size);
}
