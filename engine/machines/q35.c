/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The q35 board: ICH9 chipset, PCI Express, AHCI. This file is a list of devices and of the wires between them. */
#include "x86-board.h"

#include "acpi-pm.h"
#include "ahci.h"
#include "fw-cfg.h"
#include "ich9-lpc.h"
#include "q35-intx.h"
#include "q35-mch.h"
#include "rstcnt.h"

#define PCI_LOW_BASE UINT64_C (0xc0000000)

static bool
add_lpc (VtMachine *machine, GError **error)
{
  VtIrq wires[VT_ICH9_LPC_WIRES], lines[VT_PCI_BUS_LINES];
  for (unsigned n = 0; n < 8; n++)
    wires[VT_ICH9_LPC_WIRE_GSI + n] = vt_gate_input (&machine->gsi[VT_Q35_PIRQ_GSI + n], "pirq -> line");
  for (unsigned irq = 0; irq < 16; irq++)
    wires[VT_ICH9_LPC_WIRE_ISA + irq] = irq == 2 ? vt_irq_detached ("cascade") : x86_isa_irq (machine, irq, "pirq -> isa irq");
  VtIch9LpcConfig config = { .place = x86_place (machine, 31, 0, true), .mem = machine->mem, .io = machine->io,
                             .pm = machine->pm, .pm_region = &vt_acpi_pm_region, .smm = machine->smm_mem != NULL };
  wires[VT_ICH9_LPC_WIRE_SMI_LOCK] = config.smm ? vt_acpi_pm_smi_lock (machine->pm) : vt_irq_detached ("smi lock");
  VtDevice *lpc = vt_machine_add (machine, &(DeviceSpec) { &vt_ich9_lpc, "pci/00:1f.0", &config, wires, VT_ICH9_LPC_WIRES }, error);
  if (lpc == NULL)
    return false;
  for (unsigned n = 0; n < VT_PCI_BUS_LINES; n++)
    lines[n] = vt_ich9_lpc_pirq (lpc, n);
  vt_pci_bus_set_lines (x86_board (machine)->bus, vt_q35_intx_pirq, lines, VT_PCI_BUS_LINES);
  return true;
}

/* Where an ICH9 has its root ports. */
static bool
add_ports (VtMachine *machine, GError **error)
{
  for (unsigned n = 0; n < VT_HOTPLUG_PORTS; n++)
    if (!x86_add_port (machine, error))
      return false;
  return true;
}

static bool
build_chipset (VtMachine *machine, GError **error)
{
  X86Board *board = x86_board (machine);
  board->pci_low_base = PCI_LOW_BASE;
  VtDevice *reset = vt_machine_add (machine, &(DeviceSpec) { &vt_rstcnt_class, "rstcnt", NULL, NULL, 0 }, error);
  VtHostBridgeConfig mch = { .place = x86_place (machine, 0, 0, false), .mem = machine->mem, .io = machine->io,
                             .low_ram = board->low_ram, .smm_mem = machine->smm_mem,
                             .tseg_mib = machine->config.tseg_mib != 0 ? machine->config.tseg_mib : VT_TSEG_MIB_DEFAULT,
                             .bus = board->bus, .reset = reset, .reset_region = &vt_rstcnt_region };
  return reset != NULL
         && vt_machine_add (machine, &(DeviceSpec) { &vt_q35_mch, "pci/00:00.0", &mch, NULL, 0 }, error) != NULL
         && x86_add_pm (machine, error) && add_lpc (machine, error) && add_ports (machine, error);
}

static bool
build_drives (VtMachine *machine, GError **error)
{
  VtAhciConfig ahci = { .place = x86_place (machine, 31, 2, true) };
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      const Drive        *drive = &g_array_index (machine->drives, Drive, i);
      if (disk->bus != VT_BUS_SATA)
        continue;
      ahci.port[drive->place] = x86_ata_slot (machine, i);
      x86_note_boot_path (x86_board (machine), disk->boot_index, vt_boot_path_ahci (VT_PCI_DEVFN (31, 2), drive->place));
    }
  machine->ahci = vt_machine_add (machine, &(DeviceSpec) { &vt_ahci, "pci/00:1f.2", &ahci, NULL, 0 }, error);
  return machine->ahci != NULL;
}

static const X86Chipset q35_chipset = {
  .low_ram_max = 2 * VT_GIB,
  .ecam_base = UINT64_C (0xb0000000),
  .ecam_bytes = 256 * VT_MIB,
  .vga_slot = 1,
  .first_slot = 2,
  .acpi = { .isa_slot = 31, .pirqs = 8, .first_pirq_gsi = VT_Q35_PIRQ_GSI, .pm_len = VT_ACPI_PM_BLOCK_BYTES,
            .gpe0_off = VT_ACPI_PM_GPE0, .gpe0_len = VT_ACPI_PM_GPE0_BYTES, .intx_pirq = vt_q35_intx_pirq },
  .build_chipset = build_chipset,
  .build_drives = build_drives,
  .program = vt_boot_program_q35,
};

static bool
q35_build (VtMachine *machine, GError **error)
{
  return x86_build (machine, &q35_chipset, error);
}

const VtBoard vt_board_q35 = { "q35", q35_build, x86_after_reset };
