/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every PCI function has: configuration space, base address registers, interrupts, bus mastering.
 *
 * A PCI device's instance begins with a VtPciFunction (which begins with the VtDevice), and its state block contains a
 * VtPciState, listed in its field table by VT_PCI_FIELDS().  Its realize() calls vt_pci_init() and the vt_pci_add_...()
 * calls; its settle(), check() and finalize() call vt_pci_settle(), vt_pci_check() and vt_pci_finalize().
 *
 * The state block holds only what the guest can change.  Read-only bits of configuration space live in the instance, so
 * a state stream cannot alter them, and the state block's reset values are plain zeros unless a writable register has
 * another reset value.
 */
#pragma once

#include "device.h"
#include "pci-regs.h"

typedef struct VtPciBus      VtPciBus;
typedef struct VtPciFunction VtPciFunction;

#define VT_PCI_DEVFN(slot, function) ((uint8_t) ((slot) << 3 | (function)))
#define VT_PCI_SLOT(devfn)           ((devfn) >> 3)

enum
{
  VT_PCI_CONFIG_BYTES = 256,
  VT_PCI_BARS         = 6,
  VT_PCI_ROM          = 6,    /* index of the expansion ROM among the BARs */
  VT_PCI_MSIX_MAX     = 64,   /* vectors */
};

/* Where a function sits. The first member of every PCI device's config struct. With a NULL bus (tests) nothing is
 * mapped, and INTx is wire 0 of the environment. */
typedef struct
{
  VtPciBus *bus;
  uint8_t   devfn;
  bool      multifunction;   /* set on every function of a slot that has more than one */
  uint8_t   pad_[6];
} VtPciPlace;

typedef struct
{
  uint8_t config[VT_PCI_CONFIG_BYTES];   /* the bits that can change; the others are zero here */
} VtPciState;
#define VT_PCI_FIELDS(T, m) VT_FIELD (T, m.config)

/* For functions with MSI-X, in addition. */
typedef struct
{
  uint32_t table[VT_PCI_MSIX_MAX * 4];   /* address, address high, data, control of each vector */
  uint64_t pending;
} VtPciMsixState;
#define VT_PCI_MSIX_FIELDS(T, m) VT_FIELD (T, m.table), VT_FIELD (T, m.pending)

typedef struct
{
  uint16_t vendor, device;
  uint16_t subsystem_vendor, subsystem;   /* 0: none */
  uint32_t class_code;                    /* 24 bits: class, subclass, programming interface */
  uint8_t  revision;
  uint8_t  interrupt_pin;                 /* 0 none, 1 INTA# .. 4 INTD# */
} VtPciIdentity;

typedef struct
{
  const VtRegion *region;     /* registers ... */
  VtRam          *ram;        /* ... or RAM; both NULL: no such BAR */
  uint64_t        size;       /* a power of two */
  uint8_t         flags;      /* PCI_BAR_... */
  VtMapping      *mapping;    /* exists while the guest has the BAR enabled at a possible address */
  uint64_t        mapped_at;
} VtPciBar;

/* A fixed (legacy) range that answers while the command register's I/O or memory bit is set. */
typedef struct
{
  const VtRegion *region;
  bool            io;
  uint64_t        at;
  int             priority;
  VtMapping      *mapping;
} VtPciLegacy;

struct VtPciFunction
{
  VtDevice        dev;
  VtPciState     *s;
  VtPciMsixState *msix;           /* NULL: none */
  VtPciPlace      place;
  VtDma           dma;            /* for the device's use: closed while bus mastering is off */
  bool            bus_master;     /* derived */
  bool            irq_level;      /* of the one interrupt of vt_pci_set_irq(), derived */
  uint8_t         cap_end;        /* first free byte for capabilities */
  uint8_t         cap_last;       /* offset of the last one, 0 none */
  uint8_t         cap_power, cap_msi, cap_msix, cap_pcie;
  uint8_t         msix_vectors;
  uint8_t         n_legacy;
  uint8_t         fixed[VT_PCI_CONFIG_BYTES];
  uint8_t         writable[VT_PCI_CONFIG_BYTES];
  uint8_t         w1c[VT_PCI_CONFIG_BYTES];     /* bits that the device sets and the guest clears by writing one */
  VtPciBar        bars[VT_PCI_BARS + 1];
  VtPciLegacy     legacy[4];
  VtIrq           intx;
  VtMsiSink       msi;
  /* After a configuration write changed bytes [off, off + size). Nullable. */
  void          (*config_wrote) (VtPciFunction *fn, unsigned off, unsigned size);
  /* Reads of device-specific configuration bytes that are not plain storage: may replace *value. Nullable. */
  void          (*config_read) (VtPciFunction *fn, unsigned off, unsigned size, uint32_t *value);
};

/* --- For realize() ------------------------------------------------------------------------------------------------ */

/* False when the slot is taken. */
bool vt_pci_init (VtPciFunction *fn, const VtEnv *env, const VtPciPlace *place, const VtPciIdentity *identity,
                  VtPciState *state, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* flags: PCI_BAR_IO, or PCI_BAR_64 (which takes the next BAR too) and PCI_BAR_PREFETCHABLE. The size is rounded up. */
void vt_pci_add_bar (VtPciFunction *fn, unsigned bar, uint8_t flags, const VtRegion *region);
void vt_pci_add_ram_bar (VtPciFunction *fn, unsigned bar, uint8_t flags, VtRam *ram);
/* An expansion ROM holding a copy of the bytes; len 0: none. */
void vt_pci_add_rom (VtPciFunction *fn, const uint8_t *bytes, size_t len);
void vt_pci_add_legacy (VtPciFunction *fn, bool io, const VtRegion *region, uint64_t at, int priority);

/* Appends a capability of len bytes (id and next pointer included); body is what follows those two. Returns its
 * offset. */
uint8_t vt_pci_add_capability (VtPciFunction *fn, uint8_t id, const uint8_t *body, uint8_t len);
void    vt_pci_add_power_management (VtPciFunction *fn);
void    vt_pci_add_msi (VtPciFunction *fn);
/* Table and pending bits fill a 4 KiB BAR of their own. */
void    vt_pci_add_msix (VtPciFunction *fn, unsigned bar, unsigned vectors, VtPciMsixState *state);
/* A root complex integrated endpoint, which is what a PCI Express function directly on the root bus is, or an endpoint of
 * a link. */
void    vt_pci_add_express (VtPciFunction *fn);
/* Fixed bits, and which bits the guest may write. */
void    vt_pci_set_fixed (VtPciFunction *fn, unsigned off, unsigned size, uint32_t value);
void    vt_pci_allow (VtPciFunction *fn, unsigned off, unsigned size, uint32_t mask);
void    vt_pci_allow_w1c (VtPciFunction *fn, unsigned off, unsigned size, uint32_t mask);

/* --- For settle(), check(), finalize() ---------------------------------------------------------------------------- */

/* irq_level: what vt_pci_set_irq() was last told, according to the state block. No message is sent. */
void vt_pci_settle (VtPciFunction *fn, bool irq_level);
bool vt_pci_check (const VtPciFunction *fn, const VtPciState *incoming, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vt_pci_finalize (VtPciFunction *fn);

/* --- While running ------------------------------------------------------------------------------------------------ */

/* The function's one interrupt: INTx follows the level; with MSI enabled, each rise sends the message. */
void vt_pci_set_irq (VtPciFunction *fn, bool level);
bool vt_pci_msix_enabled (const VtPciFunction *fn);
bool vt_pci_msi_enabled (const VtPciFunction *fn);
/* Sends the MSI message once more, for a new cause while the level is already high. Nothing while MSI is off. */
void vt_pci_msi_send (VtPciFunction *fn);
/* One MSI-X message, or its pending bit while masked. Vectors out of range are ignored. */
void vt_pci_msix_notify (VtPciFunction *fn, unsigned vector);

/* Configuration space; off + size <= 256 and off aligned to size (1, 2, 4). */
uint32_t vt_pci_config_read (VtPciFunction *fn, unsigned off, unsigned size);
void     vt_pci_config_write (VtPciFunction *fn, unsigned off, uint32_t value, unsigned size);
/* Does an access to [off, off + size) reach a register? */
static inline bool
vt_pci_touches (unsigned off, unsigned size, unsigned reg, unsigned reg_size)
{
  return off < reg + reg_size && reg < off + size;
}
/* What the guest would read, without side effects; for the device itself. */
uint32_t vt_pci_config_get (const VtPciFunction *fn, unsigned off, unsigned size);
/* For registers that the device changes itself (the bits must be allowed or w1c). */
void     vt_pci_config_set (VtPciFunction *fn, unsigned off, unsigned size, uint32_t value);
