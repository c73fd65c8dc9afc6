/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two halves of the q35 board share: devices (q35.c), and firmware, tables and kernels (q35-firmware.c). */
#pragma once

#include "machine-private.h"

#include "pci-bus.h"
#include "smbios.h"

/* The address map. */
#define Q35_LOW_RAM_MAX   (2 * VT_GIB)
#define Q35_ECAM_BASE     UINT64_C (0xb0000000)
#define Q35_ECAM_BYTES    (256 * VT_MIB)
#define Q35_PCI_LOW_BASE  UINT64_C (0xc0000000)
#define Q35_PCI_LOW_END   UINT64_C (0xfec00000)
#define Q35_IOAPIC_BASE   UINT64_C (0xfec00000)
#define Q35_HPET_BASE     UINT64_C (0xfed00000)
#define Q35_APIC_BASE     UINT64_C (0xfee00000)
#define Q35_HIGH_RAM_BASE (4 * VT_GIB)
#define Q35_PM_BASE       0x600u
#define Q35_SCI_IRQ       9u
#define Q35_VGA_SLOT      1u
#define Q35_FIRST_SLOT    2u      /* virtio devices from here */

typedef struct
{
  VtRam    *low_ram, *high_ram;   /* high: NULL when all RAM is below the hole */
  VtRam    *vram;
  VtPciBus *bus;
  VtDevice *pic, *ioapic, *hpet, *lpc, *fw_cfg, *vga, *ramfb, *xhci;
  GBytes   *ramfb_rom;            /* its video BIOS, which reaches SeaBIOS through fw_cfg */
  bool      has_dispi_ports;      /* the video device can be set to a mode through ports */
  unsigned  next_slot;
  GPtrArray *boot_paths;          /* OpenFirmware paths by boot_index: BootPath* */

  /* Firmware */
  VtBoot        *boot;            /* direct kernel boot */
  VtTables      *tables;
  VtAcpiConfig   acpi;
  VtSmbiosConfig smbios;
  uint8_t        uuid[16];
  GBytes        *bios;            /* SeaBIOS image */
  VtRam         *bios_ram;
  GBytes        *vars_template;   /* contents of the variable store when it was opened */
  VtRam         *vars_ram;
  int            vars_fd;         /* -1: nothing behind it */
} Q35;

typedef struct
{
  int   index;
  char *path;
} BootPath;

/* A boot path for a disk with a boot_index; takes `path`. */
void q35_note_boot_path (Q35 *q35, int index, char *path);

bool q35_build_firmware (VtMachine *machine, GError **error);
bool q35_after_reset (VtMachine *machine, GError **error);
void q35_free_firmware (Q35 *q35);
