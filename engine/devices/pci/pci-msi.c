/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Interrupts of a PCI function: INTx, MSI and MSI-X (PCI 3.0, 6.8). */
#include "pci-private.h"

#include "trace-pci.h"

enum
{
  MSIX_TABLE        = 0x000,   /* both in one 4 KiB BAR */
  MSIX_PBA          = 0x800,
  MSIX_ENTRY_BYTES  = 16,
  MSIX_CONTROL_MASK = 1u << 0,
  MSI_DWORDS        = 4,
};

bool
vt_pci_msi_enabled (const VtPciFunction *fn)
{
  return fn->cap_msi != 0
         && (vt_pci_config_get (fn, fn->cap_msi + PCI_MSI_CONTROL, 2) & PCI_MSI_CONTROL_ENABLE) != 0;
}

static unsigned
msix_control (const VtPciFunction *fn)
{
  return fn->cap_msix != 0 ? vt_pci_config_get (fn, fn->cap_msix + PCI_MSIX_CONTROL, 2) : 0;
}

bool
vt_pci_msix_enabled (const VtPciFunction *fn)
{
  return (msix_control (fn) & PCI_MSIX_CONTROL_ENABLE) != 0;
}

/* --- INTx and MSI ------------------------------------------------------------------------------------------------- */

void
vt_pci_update_intx (VtPciFunction *fn)
{
  bool disabled = (vt_pci_config_get (fn, PCI_COMMAND, 2) & PCI_COMMAND_INTX_DISABLE) != 0;
  vt_irq_set (&fn->intx, fn->irq_level && !disabled && !vt_pci_msi_enabled (fn) && !vt_pci_msix_enabled (fn));
}

/* A message is a memory write: bus mastering must be on. */
static void
send (VtPciFunction *fn, unsigned vector, uint64_t address, uint32_t data)
{
  if (!fn->bus_master)
    return;
  trace_pci_msi (fn->dev.path, vector, address, data);
  vt_msi_send (&fn->msi, address, data);
}

void
vt_pci_msi_send (VtPciFunction *fn)
{
  if (!vt_pci_msi_enabled (fn))
    return;
  uint64_t address = vt_pci_config_get (fn, fn->cap_msi + PCI_MSI_ADDRESS, 4)
                     | (uint64_t) vt_pci_config_get (fn, fn->cap_msi + PCI_MSI_ADDRESS_HIGH, 4) << 32;
  send (fn, 0, address, vt_pci_config_get (fn, fn->cap_msi + PCI_MSI_DATA, 2));
}

void
vt_pci_set_irq (VtPciFunction *fn, bool level)
{
  bool rose = level && !fn->irq_level;
  fn->irq_level = level;
  vt_pci_update_intx (fn);
  if (rose)
    vt_pci_msi_send (fn);
}

/* --- MSI-X -------------------------------------------------------------------------------------------------------- */

/* A vector's mask bit is set after reset; the state block holds it inverted, so that its reset value is zero. */
static bool
vector_masked (const VtPciFunction *fn, unsigned vector)
{
  return (fn->msix->table[vector * MSI_DWORDS + 3] & MSIX_CONTROL_MASK) == 0
         || (msix_control (fn) & PCI_MSIX_CONTROL_MASK) != 0;
}

static void
msix_send (VtPciFunction *fn, unsigned vector)
{
  const uint32_t *entry = &fn->msix->table[vector * MSI_DWORDS];
  send (fn, vector, (entry[0] & ~3u) | (uint64_t) entry[1] << 32, entry[2]);
}

void
vt_pci_msix_notify (VtPciFunction *fn, unsigned vector)
{
  if (vector >= fn->msix_vectors || !vt_pci_msix_enabled (fn))
    return;
  if (vector_masked (fn, vector))
    {
      trace_pci_msix_pending (fn->dev.path, vector);
      fn->msix->pending |= G_GUINT64_CONSTANT (1) << vector;
    }
  else
    msix_send (fn, vector);
}

void
vt_pci_msix_flush (VtPciFunction *fn)
{
  if (!vt_pci_msix_enabled (fn))
    return;
  for (unsigned vector = 0; vector < fn->msix_vectors; vector++)
    {
      uint64_t bit = G_GUINT64_CONSTANT (1) << vector;
      if ((fn->msix->pending & bit) == 0 || vector_masked (fn, vector))
        continue;
      fn->msix->pending &= ~bit;
      msix_send (fn, vector);
    }
}

static uint64_t
msix_read (VtDevice *dev, uint64_t off, unsigned size)
{
  VtPciFunction *fn = (VtPciFunction *) dev;
  if (off >= MSIX_PBA)
    return off - MSIX_PBA < 8 ? fn->msix->pending >> (8 * (off - MSIX_PBA)) & 0xffffffffu : 0;
  if (off >= (uint64_t) fn->msix_vectors * MSIX_ENTRY_BYTES)
    return 0;
  uint32_t value = fn->msix->table[off / 4];
  return off % MSIX_ENTRY_BYTES == 12 ? ~value & MSIX_CONTROL_MASK : value;
}

static void
msix_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  VtPciFunction *fn = (VtPciFunction *) dev;
  if (off >= (uint64_t) fn->msix_vectors * MSIX_ENTRY_BYTES)
    return;   /* the pending bits are read-only */
  bool control = off % MSIX_ENTRY_BYTES == 12;
  fn->msix->table[off / 4] = control ? ~(uint32_t) value & MSIX_CONTROL_MASK : (uint32_t) value;
  if (control)
    vt_pci_msix_flush (fn);
}

/* Software must use whole dwords or quadwords here (PCI 3.0, 6.8.2). */
static const VtRegionOps msix_ops = { .read = msix_read, .write = msix_write, .min_size = 4, .max_size = 4 };
static const VtRegion    msix_region = { "msix", 4096, &msix_ops };

void
vt_pci_add_msix (VtPciFunction *fn, unsigned bar, unsigned vectors, VtPciMsixState *state)
{
  g_assert (vectors > 0 && vectors <= VT_PCI_MSIX_MAX);
  uint8_t body[10];
  vt_store_le (body, vectors - 1, 2);
  vt_store_le (body + 2, MSIX_TABLE | bar, 4);
  vt_store_le (body + 6, MSIX_PBA | bar, 4);
  fn->msix = state;
  fn->msix_vectors = (uint8_t) vectors;
  fn->cap_msix = vt_pci_add_capability (fn, PCI_CAP_MSIX, body, 12);
  vt_pci_allow (fn, fn->cap_msix + PCI_MSIX_CONTROL, 2, PCI_MSIX_CONTROL_MASK | PCI_MSIX_CONTROL_ENABLE);
  vt_pci_add_bar (fn, bar, 0, &msix_region);
}
