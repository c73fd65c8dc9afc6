/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A PCI function: configuration space, base address registers, capabilities (PCI 3.0 chapter 6, PCI-PM 1.2). */
#include "pci-bus.h"

#include "vitrine/error.h"

#include "pci-private.h"
#include "trace-pci.h"

#define COMMAND_WRITABLE                                                                                               \
  (PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR                    \
   | PCI_COMMAND_INTX_DISABLE)
#define ROM_MINIMUM 4096u   /* so that the ROM can be mapped as whole pages */

/* --- Configuration bytes ------------------------------------------------------------------------------------------ */

uint32_t
vt_pci_config_get (const VtPciFunction *fn, unsigned off, unsigned size)
{
  uint32_t value = (uint32_t) (vt_load_le (fn->s->config + off, size) | vt_load_le (fn->fixed + off, size));
  return value;
}

void
vt_pci_config_set (VtPciFunction *fn, unsigned off, unsigned size, uint32_t value)
{
  for (unsigned i = 0; i < size; i++)
    fn->s->config[off + i] = (uint8_t) (value >> (8 * i)) & (fn->writable[off + i] | fn->w1c[off + i]);
}

void
vt_pci_set_fixed (VtPciFunction *fn, unsigned off, unsigned size, uint32_t value)
{
  vt_store_le (fn->fixed + off, value, size);
}

void
vt_pci_allow (VtPciFunction *fn, unsigned off, unsigned size, uint32_t mask)
{
  vt_store_le (fn->writable + off, mask, size);
}

void
vt_pci_allow_w1c (VtPciFunction *fn, unsigned off, unsigned size, uint32_t mask)
{
  vt_store_le (fn->w1c + off, mask, size);
}

static unsigned
command (const VtPciFunction *fn)
{
  return vt_pci_config_get (fn, PCI_COMMAND, 2);
}

/* In D1 to D3 only configuration cycles are answered (PCI-PM 1.2, 5.4). */
static bool
powered (const VtPciFunction *fn)
{
  return fn->cap_power == 0 || (vt_pci_config_get (fn, fn->cap_power + PCI_PM_PMCSR, 2) & PCI_PMCSR_STATE) == 0;
}

/* --- Base address registers --------------------------------------------------------------------------------------- */

static unsigned
bar_register (unsigned bar)
{
  return bar == VT_PCI_ROM ? PCI_ROM_BAR : PCI_BAR0 + 4 * bar;
}

/* Where the guest wants the BAR; false: nowhere. */
static bool
bar_wanted (const VtPciFunction *fn, unsigned bar, uint64_t *at)
{
  const VtPciBar *b = &fn->bars[bar];
  if (b->size == 0 || !powered (fn))
    return false;
  bool io = (b->flags & PCI_BAR_IO) != 0;
  if ((command (fn) & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) == 0)
    return false;
  uint64_t value = vt_pci_config_get (fn, bar_register (bar), 4);
  if (bar == VT_PCI_ROM && (value & PCI_ROM_BAR_ENABLE) == 0)
    return false;
  if (b->flags & PCI_BAR_64)
    value |= (uint64_t) vt_pci_config_get (fn, bar_register (bar + 1), 4) << 32;
  *at = value & ~(b->size - 1);
  return vt_pci_bus_passes (fn->place.bus, io, *at, b->size);
}

static VtMapping *
map_bar (VtPciFunction *fn, unsigned bar, uint64_t at)
{
  VtPciBar *b = &fn->bars[bar];
  VtMem    *space = vt_pci_bus_space (fn->place.bus, (b->flags & PCI_BAR_IO) != 0);
  int       priority = vt_pci_bus_priority (fn->place.bus, fn->place.devfn, bar);
  /* An address outside the space is the guest's business: the BAR then answers nowhere. */
  if (b->ram == NULL)
    return vt_mem_map_io (space, &fn->dev, b->region, VT_GPA (at), priority, NULL);
  VtAccess writes = bar == VT_PCI_ROM ? VT_ACCESS_IGNORE : VT_ACCESS_RAM;
  return vt_mem_map_ram (space, b->ram, 0, VT_GPA (at), b->ram->size, priority, VT_ACCESS_RAM, writes, NULL);
}

static void
update_bar (VtPciFunction *fn, unsigned bar)
{
  VtPciBar *b = &fn->bars[bar];
  uint64_t  at = 0;
  bool      wanted = bar_wanted (fn, bar, &at);
  if (b->mapping != NULL && (!wanted || b->mapped_at != at))
    {
      trace_pci_bar_unmap (fn->dev.path, bar);
      vt_mem_unmap (g_steal_pointer (&b->mapping));
    }
  if (wanted && b->mapping == NULL)
    {
      trace_pci_bar_map (fn->dev.path, bar, at, b->size);
      b->mapping = map_bar (fn, bar, at);
      b->mapped_at = at;
    }
}

static void
update_legacy (VtPciFunction *fn, VtPciLegacy *legacy)
{
  bool wanted = powered (fn) && (command (fn) & (legacy->io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY)) != 0;
  if (!wanted && legacy->mapping != NULL)
    vt_mem_unmap (g_steal_pointer (&legacy->mapping));
  if (wanted && legacy->mapping == NULL)
    legacy->mapping = vt_mem_map_io (vt_pci_bus_space (fn->place.bus, legacy->io), &fn->dev, legacy->region,
                                     VT_GPA (legacy->at), legacy->priority, NULL);
}

static void
update_mappings (VtPciFunction *fn)
{
  if (fn->place.bus == NULL)
    return;
  VtMem *mem = vt_pci_bus_space (fn->place.bus, false), *io = vt_pci_bus_space (fn->place.bus, true);
  vt_mem_begin (mem);
  vt_mem_begin (io);
  for (unsigned bar = 0; bar < G_N_ELEMENTS (fn->bars); bar++)
    update_bar (fn, bar);
  for (unsigned i = 0; i < fn->n_legacy; i++)
    update_legacy (fn, &fn->legacy[i]);
  vt_mem_commit (io);
  vt_mem_commit (mem);
}

void
vt_pci_update (VtPciFunction *fn)
{
  fn->bus_master = powered (fn) && (command (fn) & PCI_COMMAND_MASTER) != 0
                   && (fn->place.bus == NULL || vt_pci_bus_masters (fn->place.bus));
  update_mappings (fn);
  vt_pci_update_intx (fn);
}

static void
add_bar (VtPciFunction *fn, unsigned bar, uint8_t flags, uint64_t size)
{
  VtPciBar *b = &fn->bars[bar];
  g_assert (b->size == 0 && (size & (size - 1)) == 0);
  b->flags = flags;
  b->size = size;
  uint64_t mask = ~(size - 1);
  unsigned reg = bar_register (bar);
  vt_pci_allow (fn, reg, 4, (uint32_t) mask | (bar == VT_PCI_ROM ? PCI_ROM_BAR_ENABLE : 0));
  if (bar != VT_PCI_ROM)
    vt_pci_set_fixed (fn, reg, 4, flags);
  if (flags & PCI_BAR_64)
    vt_pci_allow (fn, reg + 4, 4, (uint32_t) (mask >> 32));
}

static uint64_t
power_of_two (uint64_t least, uint64_t n)
{
  uint64_t size = least;
  while (size < n)
    size *= 2;
  return size;
}

void
vt_pci_add_bar (VtPciFunction *fn, unsigned bar, uint8_t flags, const VtRegion *region)
{
  add_bar (fn, bar, flags, power_of_two (flags & PCI_BAR_IO ? 4 : 16, region->length));
  fn->bars[bar].region = region;
}

void
vt_pci_add_ram_bar (VtPciFunction *fn, unsigned bar, uint8_t flags, VtRam *ram)
{
  add_bar (fn, bar, flags, power_of_two (VT_PAGE_SIZE, ram->size));
  fn->bars[bar].ram = ram;
}

static void
free_rom (void *host, uint64_t size)
{
  g_aligned_free (host);
}

void
vt_pci_add_rom (VtPciFunction *fn, const uint8_t *bytes, size_t len)
{
  if (len == 0)
    return;
  uint64_t size = power_of_two (ROM_MINIMUM, len);
  void    *host = g_aligned_alloc0 (1, size, VT_PAGE_SIZE);
  memcpy (host, bytes, len);
  g_autofree char *name = g_strdup_printf ("%s/rom", fn->dev.path);
  add_bar (fn, VT_PCI_ROM, 0, size);
  fn->bars[VT_PCI_ROM].ram = vt_ram_new (name, host, size, free_rom);
}

void
vt_pci_add_legacy (VtPciFunction *fn, bool io, const VtRegion *region, uint64_t at, int priority)
{
  g_assert (fn->n_legacy < G_N_ELEMENTS (fn->legacy));
  fn->legacy[fn->n_legacy++] = (VtPciLegacy) { .region = region, .io = io, .at = at, .priority = priority };
}

/* --- Capabilities ------------------------------------------------------------------------------------------------- */

uint8_t
vt_pci_add_capability (VtPciFunction *fn, uint8_t id, const uint8_t *body, uint8_t len)
{
  uint8_t at = fn->cap_end;
  g_assert (len >= 2 && vt_fits (at, len, VT_PCI_CONFIG_BYTES));
  fn->fixed[at] = id;
  if (body != NULL)
    memcpy (fn->fixed + at + 2, body, len - 2u);
  fn->fixed[fn->cap_last != 0 ? fn->cap_last + 1 : PCI_CAPABILITIES] = at;
  fn->fixed[PCI_STATUS] |= PCI_STATUS_CAPABILITIES;
  fn->cap_last = at;
  fn->cap_end = (uint8_t) MIN (255, (at + len + 3) & ~3);
  return at;
}

void
vt_pci_add_power_management (VtPciFunction *fn)
{
  static const uint8_t body[6] = { 0x03, 0x00, PCI_PMCSR_NO_SOFTRESET };   /* version 3, D0 and D3hot, no PME# */
  fn->cap_power = vt_pci_add_capability (fn, PCI_CAP_POWER, body, 8);
  vt_pci_allow (fn, fn->cap_power + PCI_PM_PMCSR, 2, PCI_PMCSR_STATE);
}

void
vt_pci_add_msi (VtPciFunction *fn)
{
  static const uint8_t body[12] = { PCI_MSI_CONTROL_64 };
  fn->cap_msi = vt_pci_add_capability (fn, PCI_CAP_MSI, body, 14);
  vt_pci_allow (fn, fn->cap_msi + PCI_MSI_CONTROL, 2, PCI_MSI_CONTROL_ENABLE);
  vt_pci_allow (fn, fn->cap_msi + PCI_MSI_ADDRESS, 4, ~3u);
  vt_pci_allow (fn, fn->cap_msi + PCI_MSI_ADDRESS_HIGH, 4, ~0u);
  vt_pci_allow (fn, fn->cap_msi + PCI_MSI_DATA, 2, 0xffff);
}

void
vt_pci_add_express (VtPciFunction *fn)
{
  /* PCIe 3.0, 7.8: version 2, device type 9 (root complex integrated endpoint), role-based error reporting, maximum
   * payload 128 bytes. Such an endpoint has no link; one behind a bridge has type 0, and a link of 2.5 GT/s, one lane wide. */
  uint8_t body[58] = { 0x92, 0x00, 0x00, 0x80, 0x00, 0x00 };
  if (fn->place.bus != NULL && vt_pci_bus_is_link (fn->place.bus))
    {
      body[0] = 0x02;
      vt_store_le (body + PCI_EXP_LINK_CAP - 2, PCI_EXP_LINK_X1, 4);
      vt_store_le (body + PCI_EXP_LINK_STATUS - 2, PCI_EXP_LINK_X1, 2);
      vt_store_le (body + PCI_EXP_LINK_CAP2 - 2, PCI_EXP_LINK_CAP2_2_5GT, 4);
    }
  fn->cap_pcie = vt_pci_add_capability (fn, PCI_CAP_PCIE, body, 60);
  vt_pci_allow (fn, fn->cap_pcie + 8, 2, 0x78ff);     /* device control: all but function level reset */
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
set_identity (VtPciFunction *fn, const VtPciIdentity *id)
{
  vt_pci_set_fixed (fn, PCI_VENDOR_ID, 2, id->vendor);
  vt_pci_set_fixed (fn, PCI_DEVICE_ID, 2, id->device);
  vt_pci_set_fixed (fn, PCI_REVISION_ID, 4, id->class_code << 8 | id->revision);
  vt_pci_set_fixed (fn, PCI_SUBSYSTEM_VENDOR, 2, id->subsystem_vendor);
  vt_pci_set_fixed (fn, PCI_SUBSYSTEM_ID, 2, id->subsystem);
  vt_pci_set_fixed (fn, PCI_INTERRUPT_PIN, 1, id->interrupt_pin);
  if (fn->place.multifunction)
    vt_pci_set_fixed (fn, PCI_HEADER_TYPE, 1, PCI_HEADER_MULTIFUNCTION);
  vt_pci_allow (fn, PCI_COMMAND, 2, COMMAND_WRITABLE);
  vt_pci_allow (fn, PCI_CACHE_LINE, 2, 0xffff);
  vt_pci_allow (fn, PCI_INTERRUPT_LINE, 1, id->interrupt_pin != 0 ? 0xff : 0);
}

bool
vt_pci_init (VtPciFunction *fn, const VtEnv *env, const VtPciPlace *place, const VtPciIdentity *identity,
             VtPciState *state, GError **error)
{
  fn->s = state;
  fn->place = *place;
  fn->cap_end = PCI_DEVICE_AREA;
  fn->msi = env->msi;
  fn->dma = (VtDma) { .mem = env->dma != NULL ? env->dma->mem : NULL, .enabled = &fn->bus_master };
  fn->intx = env->n_wires > 0 ? env->wires[0] : vt_irq_detached ("INTx");
  set_identity (fn, identity);
  if (place->bus == NULL)
    return true;
  fn->intx = vt_irq_detached ("INTx");
  if (!vt_pci_bus_attach (place->bus, fn, error))
    {
      fn->place.bus = NULL;
      return false;
    }
  return true;
}

void
vt_pci_settle (VtPciFunction *fn, bool irq_level)
{
  fn->irq_level = irq_level;
  vt_pci_update (fn);
}

bool
vt_pci_check (const VtPciFunction *fn, const VtPciState *incoming, GError **error)
{
  for (unsigned i = 0; i < VT_PCI_CONFIG_BYTES; i++)
    if ((incoming->config[i] & ~(fn->writable[i] | fn->w1c[i])) != 0)
      {
        g_set_error (error, VT_ERROR, VT_ERROR_STATE, "PCI configuration byte 0x%02x cannot be 0x%02x", i,
                     incoming->config[i]);
        return false;
      }
  return true;
}

void
vt_pci_finalize (VtPciFunction *fn)
{
  if (fn->s == NULL)
    return;   /* realize did not get as far as vt_pci_init() */
  vt_irq_set (&fn->intx, false);
  for (unsigned bar = 0; bar < G_N_ELEMENTS (fn->bars); bar++)
    g_clear_pointer (&fn->bars[bar].mapping, vt_mem_unmap);
  for (unsigned i = 0; i < fn->n_legacy; i++)
    g_clear_pointer (&fn->legacy[i].mapping, vt_mem_unmap);
  g_clear_pointer (&fn->bars[VT_PCI_ROM].ram, vt_ram_free);
  if (fn->place.bus != NULL)
    vt_pci_bus_detach (fn->place.bus, fn);
}

/* --- Configuration cycles ----------------------------------------------------------------------------------------- */

uint32_t
vt_pci_config_read (VtPciFunction *fn, unsigned off, unsigned size)
{
  uint32_t value = vt_pci_config_get (fn, off, size);
  /* Interrupt Status tells the level whether or not INTx is disabled (PCI 3.0, 6.2.3). */
  if (fn->irq_level && (off & ~3u) == PCI_COMMAND)
    value |= (uint32_t) (((uint64_t) PCI_STATUS_INTERRUPT << 16 >> (8 * (off & 3u))) & vt_mask_bytes (size));
  if (fn->config_read != NULL)
    fn->config_read (fn, off, size, &value);
  return value;
}

static bool
touches_mappings (const VtPciFunction *fn, unsigned off, unsigned size)
{
  return vt_pci_touches (off, size, PCI_COMMAND, 2) || vt_pci_touches (off, size, PCI_BAR0, 4 * VT_PCI_BARS)
         || vt_pci_touches (off, size, PCI_ROM_BAR, 4)
         || (fn->cap_power != 0 && vt_pci_touches (off, size, fn->cap_power + PCI_PM_PMCSR, 2));
}

void
vt_pci_config_write (VtPciFunction *fn, unsigned off, uint32_t value, unsigned size)
{
  for (unsigned i = 0; i < size; i++)
    {
      uint8_t *byte = &fn->s->config[off + i];
      uint8_t  given = (uint8_t) (value >> (8 * i)), mask = fn->writable[off + i];
      *byte = (uint8_t) (((*byte & ~mask) | (given & mask)) & ~(given & fn->w1c[off + i]));
    }
  if (touches_mappings (fn, off, size))
    vt_pci_update (fn);
  if (fn->cap_msix != 0 && vt_pci_touches (off, size, fn->cap_msix + PCI_MSIX_CONTROL, 2))
    vt_pci_msix_flush (fn);
  if ((fn->cap_msi != 0 && vt_pci_touches (off, size, fn->cap_msi, 14)) || fn->cap_msix != 0)
    vt_pci_update_intx (fn);
  if (fn->config_wrote != NULL)
    fn->config_wrote (fn, off, size);
}
