/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Offsets and bits of PCI configuration space (PCI Local Bus 3.0 chapter 6, PCI-PM 1.2, PCI Express Base 3.0 chapter
 * 7). */
#pragma once

enum
{
  PCI_VENDOR_ID        = 0x00,
  PCI_DEVICE_ID        = 0x02,
  PCI_COMMAND          = 0x04,
  PCI_STATUS           = 0x06,
  PCI_REVISION_ID      = 0x08,
  PCI_CLASS_CODE       = 0x09,   /* 24 bits */
  PCI_CACHE_LINE       = 0x0c,
  PCI_LATENCY          = 0x0d,
  PCI_HEADER_TYPE      = 0x0e,
  PCI_BAR0             = 0x10,
  PCI_SUBSYSTEM_VENDOR = 0x2c,
  PCI_SUBSYSTEM_ID     = 0x2e,
  PCI_ROM_BAR          = 0x30,
  PCI_CAPABILITIES     = 0x34,

  /* Type 1: bridges (PCI-to-PCI Bridge 1.2, 3.2) */
  PCI_PRIMARY_BUS      = 0x18,
  PCI_SECONDARY_BUS    = 0x19,
  PCI_SUBORDINATE_BUS  = 0x1a,
  PCI_MEMORY_BASE      = 0x20,   /* 16 bits: address bits 31..20 */
  PCI_MEMORY_LIMIT     = 0x22,
  PCI_PREFETCH_BASE    = 0x24,
  PCI_PREFETCH_LIMIT   = 0x26,
  PCI_PREFETCH_BASE_HIGH  = 0x28,
  PCI_PREFETCH_LIMIT_HIGH = 0x2c,
  PCI_BRIDGE_CONTROL   = 0x3e,
  PCI_INTERRUPT_LINE   = 0x3c,
  PCI_INTERRUPT_PIN    = 0x3d,
  PCI_DEVICE_AREA      = 0x40,   /* first byte that a function may use as it likes */
};

enum
{
  PCI_COMMAND_IO           = 1u << 0,
  PCI_COMMAND_MEMORY       = 1u << 1,
  PCI_COMMAND_MASTER       = 1u << 2,
  PCI_COMMAND_PARITY       = 1u << 6,
  PCI_COMMAND_SERR         = 1u << 8,
  PCI_COMMAND_INTX_DISABLE = 1u << 10,

  PCI_STATUS_INTERRUPT     = 1u << 3,
  PCI_STATUS_CAPABILITIES  = 1u << 4,
  PCI_STATUS_FAST_BACK     = 1u << 7,
  PCI_STATUS_DEVSEL_MEDIUM = 1u << 9,

  PCI_HEADER_BRIDGE        = 1u << 0,
  PCI_HEADER_MULTIFUNCTION = 1u << 7,

  PCI_PREFETCH_64          = 1u << 0,
  PCI_BRIDGE_CONTROL_RESET = 1u << 6,

  PCI_BAR_IO               = 1u << 0,
  PCI_BAR_64               = 1u << 2,
  PCI_BAR_PREFETCHABLE     = 1u << 3,
  PCI_ROM_BAR_ENABLE       = 1u << 0,
};

enum
{
  PCI_CAP_POWER  = 0x01,
  PCI_CAP_MSI    = 0x05,
  PCI_CAP_VENDOR = 0x09,
  PCI_CAP_PCIE   = 0x10,
  PCI_CAP_MSIX   = 0x11,
  PCI_CAP_SATA   = 0x12,
};

/* Inside the capabilities that the framework offers. */
enum
{
  PCI_PM_PMC             = 0x02,
  PCI_PM_PMCSR           = 0x04,
  PCI_PMCSR_STATE        = 3u,        /* D0..D3hot */
  PCI_PMCSR_NO_SOFTRESET = 1u << 3,

  PCI_MSI_CONTROL        = 0x02,
  PCI_MSI_CONTROL_ENABLE = 1u << 0,
  PCI_MSI_CONTROL_64     = 1u << 7,
  PCI_MSI_ADDRESS        = 0x04,
  PCI_MSI_ADDRESS_HIGH   = 0x08,
  PCI_MSI_DATA           = 0x0c,

  PCI_MSIX_CONTROL        = 0x02,
  PCI_MSIX_CONTROL_MASK   = 1u << 14,
  PCI_MSIX_CONTROL_ENABLE = 1u << 15,
  PCI_MSIX_TABLE          = 0x04,
  PCI_MSIX_PBA            = 0x08,

  /* PCI Express (PCIe 3.0, 7.8) */
  PCI_EXP_LINK_CAP        = 0x0c,
  PCI_EXP_LINK_X1         = 0x11,      /* 2.5 GT/s and one lane, in LINK_CAP and LINK_STATUS alike */
  PCI_EXP_LINK_CONTROL    = 0x10,
  PCI_EXP_LINK_STATUS     = 0x12,
  PCI_EXP_SLOT_CAP        = 0x14,
  PCI_EXP_SLOT_CONTROL    = 0x18,
  PCI_EXP_SLOT_STATUS     = 0x1a,
  PCI_EXP_LINK_CAP2       = 0x2c,
  PCI_EXP_LINK_CAP2_2_5GT = 1u << 1,
};
