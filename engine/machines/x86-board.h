/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the boards with x86 processors share, and what each of them says about itself.
 *
 * A board (q35.c, pc.c) builds its chipset and the drives that belong to it; memory, controllers at fixed ports, devices
 * on the PCI bus, video and firmware are the same for all. */
#pragma once

#include "machine-private.h"

#include "ata-slot.h"
#include "pci-bus.h"
#include "smbios.h"

/* The part of the address map that all boards have. */
#define X86_PCI_LOW_END   UINT64_C (0xfec00000)
#define X86_IOAPIC_BASE   UINT64_C (0xfec00000)
#define X86_HPET_BASE     UINT64_C (0xfed00000)
#define X86_APIC_BASE     UINT64_C (0xfee00000)
#define X86_HIGH_RAM_BASE (4 * VT_GIB)
#define X86_PM_BASE       0x600u
#define X86_SCI_IRQ       9u
#define X86_PORTS_SLOT    28u         /* of the root ports: a function for each */

typedef struct
{
  uint64_t low_ram_max;
  uint64_t ecam_base, ecam_bytes;     /* 0: no ECAM */
  unsigned vga_slot, first_slot;      /* other cards from there */
  VtAcpiChipset acpi;
  bool (*build_chipset) (VtMachine *machine, GError **error);
  bool (*build_drives)  (VtMachine *machine, GError **error);
  /* The chores of firmware for a kernel that boots without it. */
  void (*program) (VtMem *io, const VtBootPlatform *platform, VtBootScreen *screen);
} X86Chipset;

typedef struct
{
  const X86Chipset *chipset;
  VtRam    *low_ram, *high_ram;   /* high: NULL when all RAM is below the hole */
  VtRam    *vram;
  VtPciBus *bus;
  VtDevice *pic, *ioapic, *hpet, *dma, *fw_cfg, *vga, *ramfb, *xhci;
  VtDevice *smi;                  /* NULL: no system management mode */
  GBytes   *ramfb_rom;            /* its video BIOS, which reaches SeaBIOS through fw_cfg */
  bool      has_dispi_ports;      /* the video device can be set to a mode through ports */
  unsigned  next_slot, next_usb_port;
  unsigned  xhci_devfn;
  uint64_t  pci_low_base;         /* of the window for BARs */
  GPtrArray *boot_paths;          /* OpenFirmware paths by boot_index: X86BootPath* */

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
} X86Board;

typedef struct
{
  int   index;
  char *path;
} X86BootPath;

/* --- x86-board.c --- */
X86Board  *x86_board (VtMachine *machine);
/* Builds the whole machine. */
bool       x86_build (VtMachine *machine, const X86Chipset *chipset, GError **error);
bool       x86_map_io (VtMachine *machine, VtDevice *dev, const VtRegion *region, uint16_t port, GError **error);
VtIrq      x86_isa_irq (VtMachine *machine, unsigned irq, const char *label);
VtPciPlace x86_place (VtMachine *machine, unsigned slot, unsigned function, bool multifunction);
/* The ACPI registers, which the chipset puts into the I/O space. */
bool       x86_add_pm (VtMachine *machine, GError **error);
/* What an ATA controller finds in that place. */
VtAtaSlot  x86_ata_slot (VtMachine *machine, guint drive);

/* Of bus 0, for the next card. */
unsigned   x86_next_slot (VtMachine *machine);

/* --- x86-hotplug.c --- */
/* A root port with a slot for hot plug. */
bool      x86_add_port (VtMachine *machine, GError **error);
uint8_t   x86_port_devfn (unsigned port);
/* A card on the board (port 0: its next slot) or behind a port; *place, in *config, says where. */
VtDevice *x86_add_card (VtMachine *machine, unsigned port, const VtDeviceClass *cls, VtPciPlace *place, const void *config,
                        GError **error);
/* It is complete. config: its own, as the machine has it. tell: the machine runs, and its guest hears of it. */
void      x86_card_added (VtMachine *machine, unsigned port, void *config, bool tell);

/* --- usb-ports.c --- */
/* Ports for USB devices of somebody else: those of the configuration, and some of those that are left. */
bool        x86_add_usb_ports (VtMachine *machine, GError **error);
/* Of the controller's port, from 0. */
const char *x86_usb_path (unsigned port);

/* --- x86-pci.c, x86-video.c --- */
/* What the configuration has at that place, on the virtio bus. */
bool x86_add_disk (VtMachine *machine, guint drive, bool tell, GError **error);
bool x86_add_net (VtMachine *machine, guint card, bool tell, GError **error);
bool x86_build_pci_devices (VtMachine *machine, GError **error);
bool x86_build_video (VtMachine *machine, GError **error);

/* --- x86-firmware.c --- */
/* A boot path for a disk with a boot_index; takes `path`. */
void x86_note_boot_path (X86Board *board, int index, char *path);
bool x86_build_firmware (VtMachine *machine, GError **error);
bool x86_after_reset (VtMachine *machine, GError **error);
void x86_free_firmware (X86Board *board);
