/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The VGA core on a bus: its regions, for each device that is a VGA on PCI. Such a device's file includes this once and
 * defines core(); everything here is static there. */
#pragma once

#include "pci-function.h"
#include "vga.h"

enum
{
  PRIORITY_LEGACY = -2,   /* below devices at fixed ports: the parallel port lies inside */
  PRIORITY_WINDOW = 2,    /* above the empty hole of the host bridge, below its SMRAM */
};

static Vga *core (VtDevice *dev);

/* --- Legacy ports and window -------------------------------------------------------------------------------------- */

static uint64_t
ports_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return vga_port_read (core (dev), 0x3b0 + (unsigned) off);
}

static void
ports_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  vga_port_write (core (dev), 0x3b0 + (unsigned) off, (uint8_t) value);
}

static uint64_t
window_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return vga_window_read (core (dev), (uint32_t) off);
}

static void
window_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  vga_window_write (core (dev), (uint32_t) off, (uint8_t) value);
}

/* Index at 0x1ce, data at 0x1cf (and, for machines that cannot do odd words, 0x1d0). */
static uint64_t
index_data_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Vga *vga = core (dev);
  return off == 0 ? vga->s->dispi.index : dispi_read (&vga->dispi, vga->s->dispi.index);
}

static void
index_data_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Vga *vga = core (dev);
  if (size != 2)
    return;
  if (off == 0)
    vga->s->dispi.index = (uint16_t) value;
  else
    vga_dispi_write (vga, vga->s->dispi.index, (uint16_t) value);
}

static const VtRegionOps ports_ops = { .read = ports_read, .write = ports_write, .min_size = 1, .max_size = 1 };
static const VtRegion    ports_region = { "vga-ports", 0x30, &ports_ops };
static const VtRegionOps window_ops = { .read = window_read, .write = window_write, .min_size = 1, .max_size = 1 };
static const VtRegion    window_region = { "vga-window", 0x20000, &window_ops };
static const VtRegionOps dispi_ops = { .read = index_data_read, .write = index_data_write, .min_size = 1, .max_size = 2,
                                       .unaligned = true };
static const VtRegion    dispi_region = { "vga-dispi", 4, &dispi_ops };

/* --- Registers by memory ------------------------------------------------------------------------------------------ */

static bool
is_vga_port (uint64_t off)
{
  return off >= DISPI_MMIO_VGA && off < DISPI_MMIO_VGA_END;
}

static uint64_t
vga_mmio_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Vga     *vga = core (dev);
  uint64_t value = 0;
  if (!is_vga_port (off))
    return dispi_mmio_read (&vga->dispi, (unsigned) off, size);
  for (unsigned i = 0; i < size; i++)
    value |= (uint64_t) vga_port_read (vga, 0x3c0 + (unsigned) (off - DISPI_MMIO_VGA) + i) << (8 * i);
  return value;
}

static void
vga_mmio_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Vga *vga = core (dev);
  if (is_vga_port (off))
    for (unsigned i = 0; i < size; i++)
      vga_port_write (vga, 0x3c0 + (unsigned) (off - DISPI_MMIO_VGA) + i, (uint8_t) (value >> (8 * i)));
  else if (off >= DISPI_MMIO_REGISTERS && off < DISPI_MMIO_REGISTERS_END)
    for (unsigned i = 0; i + 2 <= size; i += 2)
      vga_dispi_write (vga, (unsigned) (off + i - DISPI_MMIO_REGISTERS) / 2, (uint16_t) (value >> (8 * i)));
  else
    dispi_mmio_write (&vga->dispi, (unsigned) off, value, size);
}

static void
add_legacy (VtPciFunction *pci)
{
  vt_pci_add_legacy (pci, true, &ports_region, 0x3b0, PRIORITY_LEGACY);
  vt_pci_add_legacy (pci, true, &dispi_region, 0x1ce, PRIORITY_LEGACY);
  vt_pci_add_legacy (pci, false, &window_region, 0xa0000, PRIORITY_WINDOW);
}
