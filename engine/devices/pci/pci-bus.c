/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCI bus 0: routes configuration cycles to functions and INTx pins to lines. */
#include "pci-bus.h"

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
};

VtPciBus *
vt_pci_bus_new (VtMem *mem, VtMem *io)
{
  VtPciBus *bus = g_new0 (VtPciBus, 1);
  bus->mem = mem;
  bus->io = io;
  return bus;
}

void
vt_pci_bus_free (VtPciBus *bus)
{
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

bool
vt_pci_bus_attach (VtPciBus *bus, VtPciFunction *fn, GError **error)
{
  uint8_t devfn = fn->place.devfn;
  if (bus->functions[devfn] != NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "PCI slot %02x.%x is already taken by %s", VT_PCI_SLOT (devfn),
                   devfn & 7u, bus->functions[devfn]->dev.path);
      return false;
    }
  bus->functions[devfn] = fn;
  unsigned pin = fn->fixed[PCI_INTERRUPT_PIN];
  if (pin != 0)
    fn->intx = (VtIrq) { .set = intx_changed, .sink = bus, .pin = devfn << 2 | (pin - 1), .label = "INTx" };
  return true;
}

void
vt_pci_bus_detach (VtPciBus *bus, VtPciFunction *fn)
{
  if (bus->functions[fn->place.devfn] == fn)
    bus->functions[fn->place.devfn] = NULL;
}

static VtPciFunction *
target (VtPciBus *bus, uint8_t bus_number, uint8_t devfn)
{
  return bus_number == 0 ? bus->functions[devfn] : NULL;
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
