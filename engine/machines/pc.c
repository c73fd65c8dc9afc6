/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The pc board: Intel 440FX with PIIX3, for systems that are older than PCI Express and for definitions made for it. This file
 * is a list of devices and of the wires between them. */
#include "x86-board.h"

#include "acpi-pm.h"
#include "dma8237.h"
#include "fdc.h"
#include "fw-cfg.h"
#include "i440fx.h"
#include "ide.h"
#include "piix3.h"
#include "piix4-pm.h"
#include "rstcnt.h"

#define PIIX_SLOT 1u

static bool
add_isa (VtMachine *machine, GError **error)
{
  VtIrq wires[VT_PIIX3_WIRES], lines[VT_PIIX3_PIRQS];
  for (unsigned irq = 0; irq < VT_PIIX3_WIRES; irq++)
    wires[irq] = irq == 2 ? vt_irq_detached ("cascade") : x86_isa_irq (machine, irq, "pirq -> isa irq");
  VtPiix3Config config = { x86_place (machine, PIIX_SLOT, 0, true) };
  VtDevice *isa = vt_machine_add (machine, &(DeviceSpec) { &vt_piix3_isa, "pci/00:01.0", &config, wires, VT_PIIX3_WIRES }, error);
  if (isa == NULL)
    return false;
  for (unsigned n = 0; n < VT_PIIX3_PIRQS; n++)
    lines[n] = vt_piix3_pirq (isa, n);
  vt_pci_bus_set_lines (x86_board (machine)->bus, vt_piix3_intx_pirq, lines, VT_PIIX3_PIRQS);
  return true;
}

static bool
add_power_management (VtMachine *machine, GError **error)
{
  if (!x86_add_pm (machine, error))
    return false;
  VtPiix4PmConfig config = { x86_place (machine, PIIX_SLOT, 3, true), machine->io, machine->pm, &vt_acpi_pm_piix4_region };
  return vt_machine_add (machine, &(DeviceSpec) { &vt_piix4_pm, "pci/00:01.3", &config, NULL, 0 }, error) != NULL;
}

static bool
build_chipset (VtMachine *machine, GError **error)
{
  X86Board *board = x86_board (machine);
  /* Where SeaBIOS begins with BARs on this chipset. */
  board->pci_low_base = board->low_ram->size <= 2 * VT_GIB ? 2 * VT_GIB : 3 * VT_GIB;
  VtDevice *reset = vt_machine_add (machine, &(DeviceSpec) { &vt_rstcnt_class, "rstcnt", NULL, NULL, 0 }, error);
  VtHostBridgeConfig host = { .place = x86_place (machine, 0, 0, false), .mem = machine->mem, .io = machine->io,
                              .low_ram = board->low_ram, .bus = board->bus, .reset = reset, .reset_region = &vt_rstcnt_region };
  return reset != NULL
         && vt_machine_add (machine, &(DeviceSpec) { &vt_i440fx, "pci/00:00.0", &host, NULL, 0 }, error) != NULL
         && add_isa (machine, error) && add_power_management (machine, error);
}

static bool
add_ide (VtMachine *machine, GError **error)
{
  VtIrq       wires[VT_IDE_CHANNELS] = { x86_isa_irq (machine, 14, "ide 0"), x86_isa_irq (machine, 15, "ide 1") };
  VtIdeConfig ide = { .place = x86_place (machine, PIIX_SLOT, 1, true) };
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      unsigned            place = g_array_index (machine->drives, Drive, i).place;
      if (disk->bus != VT_BUS_IDE)
        continue;
      ide.drive[place] = x86_ata_slot (machine, i);
      x86_note_boot_path (x86_board (machine), disk->boot_index, vt_boot_path_ide (ide.place.devfn, place / 2, place % 2));
    }
  machine->ide = vt_machine_add (machine, &(DeviceSpec) { &vt_piix3_ide, "pci/00:01.1", &ide, wires, VT_IDE_CHANNELS }, error);
  return machine->ide != NULL;
}

/* A machine without floppy drives has no controller for them either. */
static bool
add_fdc (VtMachine *machine, GError **error)
{
  VtIrq       irq = x86_isa_irq (machine, 6, "fdc");
  VtFdcConfig fdc = { .dma = vt_dma8237_bus (x86_board (machine)->dma) };
  bool        any = false;
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      const Drive        *drive = &g_array_index (machine->drives, Drive, i);
      if (disk->bus != VT_BUS_FDC)
        continue;
      fdc.drive[drive->place] = (VtFdcDrive) { drive->floppy, drive->block };
      x86_note_boot_path (x86_board (machine), disk->boot_index, vt_boot_path_floppy (PIIX_SLOT, drive->place));
      any = true;
    }
  if (!any)
    return true;
  machine->fdc = vt_machine_add (machine, &(DeviceSpec) { &vt_fdc, "fdc", &fdc, &irq, 1 }, error);
  return machine->fdc != NULL && x86_map_io (machine, machine->fdc, &vt_fdc_region, 0x3f0, error)
         && x86_map_io (machine, machine->fdc, &vt_fdc_dir_region, 0x3f7, error);
}

static bool
build_drives (VtMachine *machine, GError **error)
{
  return add_ide (machine, error) && add_fdc (machine, error);
}

static const X86Chipset pc_chipset = {
  .low_ram_max = 3 * VT_GIB,
  .vga_slot = 2,
  .first_slot = 3,
  .acpi = { .isa_slot = PIIX_SLOT, .pirqs = VT_PIIX3_PIRQS, .pm_len = VT_ACPI_PM_PIIX4_BLOCK_BYTES,
            .gpe0_off = VT_ACPI_PM_PIIX4_GPE0, .gpe0_len = VT_ACPI_PM_PIIX4_GPE0_BYTES, .intx_pirq = vt_piix3_intx_pirq },
  .build_chipset = build_chipset,
  .build_drives = build_drives,
  .program = vt_boot_program_pc,
};

static bool
pc_build (VtMachine *machine, GError **error)
{
  return x86_build (machine, &pc_chipset, error);
}

const VtBoard vt_board_pc = { "pc", pc_build, x86_after_reset };
