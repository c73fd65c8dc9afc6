/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every PC of ours has, whatever its chipset: memory, interrupt controllers, timers, and the devices at fixed ports. */
#include "x86-board.h"

#include "acpi-pm.h"
#include "debug-exit.h"
#include "debugcon.h"
#include "dma8237.h"
#include "host-bridge.h"
#include "hpet.h"
#include "i8042.h"
#include "ioapic.h"
#include "pic.h"
#include "pit.h"
#include "port80.h"
#include "port92.h"
#include "rtc.h"
#include "smi.h"
#include "testdev.h"
#include "tpm-crb.h"
#include "tpm-tis.h"
#include "uart.h"

/* --- Short forms for the lists of devices -------------------------------------------------------------------------------- */

X86Board *
x86_board (VtMachine *machine)
{
  return machine->board_data;
}

bool
x86_map_io (VtMachine *machine, VtDevice *dev, const VtRegion *region, uint16_t port, GError **error)
{
  return vt_mem_map_io (machine->io, dev, region, VT_GPA (port), 0, error) != NULL;
}

static bool
map_memory (VtMachine *machine, VtDevice *dev, const VtRegion *region, uint64_t at, GError **error)
{
  return vt_mem_map_io (machine->mem, dev, region, VT_GPA (at), VT_HOST_PRIORITY_SHADOW + 1, error) != NULL;
}

VtIrq
x86_isa_irq (VtMachine *machine, unsigned irq, const char *label)
{
  return vt_gate_input (&machine->gsi[irq], label);
}

VtPciPlace
x86_place (VtMachine *machine, unsigned slot, unsigned function, bool multifunction)
{
  return (VtPciPlace) { .bus = x86_board (machine)->bus, .devfn = VT_PCI_DEVFN (slot, function), .multifunction = multifunction };
}

unsigned
x86_next_slot (VtMachine *machine)
{
  X86Board *board = x86_board (machine);
  if (board->next_slot == X86_PORTS_SLOT && machine->ports->len > 0)
    board->next_slot++;
  return board->next_slot++;
}

/* --- Memory -------------------------------------------------------------------------------------------------------------- */

static bool
build_memory (VtMachine *machine, GError **error)
{
  X86Board *board = x86_board (machine);
  uint64_t low = MIN (machine->config.memory_bytes, board->chipset->low_ram_max);
  uint64_t high = machine->config.memory_bytes - low;
  if ((board->low_ram = vt_machine_add_ram (machine, "low", low, error)) == NULL
      || vt_mem_map_ram (machine->mem, board->low_ram, 0, VT_GPA (0), low, VT_HOST_PRIORITY_RAM, VT_ACCESS_RAM, VT_ACCESS_RAM,
                         error) == NULL)
    return false;
  if (high == 0)
    return true;
  board->high_ram = vt_machine_add_ram (machine, "high", high, error);
  return board->high_ram != NULL
         && vt_mem_map_ram (machine->mem, board->high_ram, 0, VT_GPA (X86_HIGH_RAM_BASE), high, VT_HOST_PRIORITY_RAM,
                            VT_ACCESS_RAM, VT_ACCESS_RAM, error) != NULL;
}

/* --- Interrupt controllers ----------------------------------------------------------------------------------------------- */

static uint8_t
acknowledge (void *opaque)
{
  return vt_pic_acknowledge (opaque);
}

static void
broadcast_eoi (void *opaque, uint8_t vector)
{
  vt_ioapic_eoi (opaque, vector);
}

/* Each line ends at the 8259 pair and at the I/O APIC; the interval timer's arrives at pin 2 there (MADT override). */
static void
connect_lines (VtMachine *machine)
{
  X86Board *board = x86_board (machine);
  for (unsigned gsi = 0; gsi < GSI_COUNT; gsi++)
    {
      if (gsi < VT_PIC_INPUTS && gsi != 2)
        {
          VtIrq pic = vt_pic_input (board->pic, gsi, "line -> 8259");
          pic.muted = &machine->loading;
          vt_gate_connect (&machine->gsi[gsi], pic);
        }
      if (gsi == 2)
        continue;
      VtIrq ioapic = vt_ioapic_input (board->ioapic, gsi == 0 ? 2 : gsi, "line -> I/O APIC");
      ioapic.muted = &machine->loading;
      vt_gate_connect (&machine->gsi[gsi], ioapic);
    }
}

static bool
build_interrupts (VtMachine *machine, GError **error)
{
  X86Board *board = x86_board (machine);
  VtIrq intr = { .set = vt_apic_bus_set_lint, .sink = machine->apic_bus, .pin = VT_APIC_LINT0, .label = "8259 -> LINT0",
                 .muted = &machine->loading };
  board->pic = vt_machine_add (machine, &(DeviceSpec) { &vt_pic_class, "pic", NULL, &intr, 1 }, error);
  if (board->pic == NULL || !vt_machine_make_cpus (machine, acknowledge, board->pic, error))
    return false;
  board->ioapic = vt_machine_add (machine, &(DeviceSpec) { &vt_ioapic_class, "ioapic", NULL, NULL, 0 }, error);
  if (board->ioapic == NULL)
    return false;
  vt_apic_bus_set_eoi (machine->apic_bus, broadcast_eoi, board->ioapic);
  connect_lines (machine);
  return x86_map_io (machine, board->pic, &vt_pic_master_region, 0x20, error)
         && x86_map_io (machine, board->pic, &vt_pic_slave_region, 0xa0, error)
         && x86_map_io (machine, board->pic, &vt_pic_elcr_region, 0x4d0, error)
         && map_memory (machine, board->ioapic, &vt_ioapic_region, X86_IOAPIC_BASE, error);
}

/* --- Time ---------------------------------------------------------------------------------------------------------------- */

/* As CMOS says it: the first drive in the high half. */
static uint8_t
floppy_types (const VtMachine *machine)
{
  uint8_t types = 0;
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const Drive *drive = &g_array_index (machine->drives, Drive, i);
      types |= (uint8_t) (drive->floppy << (drive->place == 0 ? 4 : 0));
    }
  return types;
}

static VtDevice *
add_rtc (VtMachine *machine, GError **error)
{
  X86Board   *board = x86_board (machine);
  VtIrq       irq8 = vt_hpet_rtc_input (board->hpet, "rtc -> hpet");
  VtRtcConfig config = { .epoch_seconds = g_get_real_time () / G_USEC_PER_SEC,
                         .below_4g_bytes = board->low_ram->size,
                         .above_4g_bytes = board->high_ram != NULL ? board->high_ram->size : 0,
                         .boot_order = { VT_RTC_BOOT_CDROM, VT_RTC_BOOT_DISK, VT_RTC_BOOT_NET },
                         .floppy_types = floppy_types (machine),
                         .max_cpus = (uint8_t) machine->n_cpus };
  return vt_machine_add (machine, &(DeviceSpec) { &vt_rtc_class, "rtc", &config, &irq8, 1 }, error);
}

static bool
build_timers (VtMachine *machine, GError **error)
{
  X86Board    *board = x86_board (machine);
  VtIrq        hpet_wires[VT_HPET_WIRES];
  VtHpetConfig hpet_config = { .route_mask = { 1u << 20 | 1u << 21, 1u << 20 | 1u << 21, 1u << 22 | 1u << 23 }, .msi = true };
  hpet_wires[VT_HPET_WIRE_IRQ0] = x86_isa_irq (machine, 0, "hpet -> irq 0");
  hpet_wires[VT_HPET_WIRE_IRQ8] = x86_isa_irq (machine, 8, "hpet -> irq 8");
  for (unsigned pin = 0; pin < 24; pin++)
    hpet_wires[VT_HPET_WIRE_PIN0 + pin]
      = pin >= 20 ? vt_gate_input (&machine->gsi[pin], "hpet -> line") : vt_irq_detached ("hpet: no such route");
  board->hpet = vt_machine_add (machine, &(DeviceSpec) { &vt_hpet_class, "hpet", &hpet_config, hpet_wires, VT_HPET_WIRES }, error);
  if (board->hpet == NULL)
    return false;
  VtIrq     pit_wires[VT_PIT_WIRES] = { vt_hpet_pit_input (board->hpet, "pit -> hpet"), vt_irq_detached ("speaker") };
  VtDevice *pit = vt_machine_add (machine, &(DeviceSpec) { &vt_pit_class, "pit", NULL, pit_wires, VT_PIT_WIRES }, error);
  VtDevice *rtc = pit != NULL ? add_rtc (machine, error) : NULL;
  return rtc != NULL && map_memory (machine, board->hpet, &vt_hpet_region, X86_HPET_BASE, error)
         && x86_map_io (machine, pit, &vt_pit_region, 0x40, error) && x86_map_io (machine, pit, &vt_pit_port61_region, 0x61, error)
         && x86_map_io (machine, rtc, &vt_rtc_region, 0x70, error) && x86_map_io (machine, rtc, &vt_rtc_bank2_region, 0x72, error);
}

/* --- Super I/O and small ports ------------------------------------------------------------------------------------------- */

static bool
add_i8042 (VtMachine *machine, GError **error)
{
  VtIrq         wires[VT_I8042_WIRES] = { x86_isa_irq (machine, 1, "keyboard"), x86_isa_irq (machine, 12, "mouse") };
  VtI8042Config config = { .leds = vt_machine_leds (machine) };
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { &vt_i8042_class, "i8042", &config, wires, VT_I8042_WIRES }, error);
  if (dev == NULL)
    return false;
  vt_machine_add_input (machine, vt_i8042_keyboard (dev));
  vt_machine_add_input (machine, vt_i8042_mouse (dev));
  return x86_map_io (machine, dev, &vt_i8042_data_region, 0x60, error) && x86_map_io (machine, dev, &vt_i8042_command_region, 0x64, error);
}

static const struct
{
  uint16_t    port;
  unsigned    irq;
  const char *path;
} serial_ports[] = { { 0x3f8, 4, "uart/0" }, { 0x2f8, 3, "uart/1" }, { 0x3e8, 4, "uart/2" }, { 0x2e8, 3, "uart/3" } };

/* COM1 and COM2 are always there; COM3 and COM4 when something is plugged in. */
static bool
add_serials (VtMachine *machine, GError **error)
{
  unsigned n = machine->config.serials->len;
  for (unsigned i = 0; i < MAX (2u, n); i++)
    {
      Console     *console = i < n ? g_ptr_array_index (machine->consoles, i) : NULL;
      VtIrq        irq = x86_isa_irq (machine, serial_ports[i].irq, serial_ports[i].path);
      VtUartConfig config = { .chr = console != NULL ? console->chr : NULL };
      VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { &vt_uart_class, serial_ports[i].path, &config, &irq, 1 }, error);
      if (dev == NULL || !x86_map_io (machine, dev, &vt_uart_region, serial_ports[i].port, error))
        return false;
    }
  return true;
}

/* Devices that need nothing but ports. */
static bool
add_simple (VtMachine *machine, const VtDeviceClass *cls, const char *path, const VtRegion *const regions[],
            const uint16_t ports[], GError **error)
{
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { cls, path, NULL, NULL, 0 }, error);
  if (dev == NULL)
    return false;
  for (unsigned i = 0; regions[i] != NULL; i++)
    if (!x86_map_io (machine, dev, regions[i], ports[i], error))
      return false;
  return true;
}

#define REGIONS(...) ((const VtRegion *const[]) { __VA_ARGS__, NULL })
#define PORTS(...)   ((const uint16_t[]) { __VA_ARGS__ })

static bool
add_dma (VtMachine *machine, GError **error)
{
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { &vt_dma8237_class, "dma", NULL, NULL, 0 }, error);
  x86_board (machine)->dma = dev;
  return dev != NULL && x86_map_io (machine, dev, &vt_dma8237_low_region, 0x00, error)
         && x86_map_io (machine, dev, &vt_dma8237_page_region, 0x81, error)
         && x86_map_io (machine, dev, &vt_dma8237_high_region, 0xc0, error);
}

static bool
add_debugcon (VtMachine *machine, GError **error)
{
  VtDebugconConfig config = { machine->debugcon };
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { &vt_debugcon_class, "debugcon", &config, NULL, 0 }, error);
  return dev != NULL && x86_map_io (machine, dev, &vt_debugcon_region, 0x402, error)
         && x86_map_io (machine, dev, &vt_debugcon_region, 0xe9, error);
}

static bool
add_testdev (VtMachine *machine, GError **error)
{
  VtIrq wires[VT_TESTDEV_IRQS];
  for (unsigned n = 0; n < VT_TESTDEV_IRQS; n++)
    wires[n] = vt_gate_input (&machine->gsi[n], "testdev");
  VtTestdevConfig config = { vt_machine_add_ram (machine, "testdev", VT_TESTDEV_MEMORY_BYTES, error) };
  if (config.ram == NULL)
    return false;
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { &vt_testdev_class, "testdev", &config, wires, VT_TESTDEV_IRQS }, error);
  return dev != NULL && x86_map_io (machine, dev, &vt_testdev_echo_region, 0xe0, error)
         && x86_map_io (machine, dev, &vt_testdev_flush_region, 0xe4, error)
         && x86_map_io (machine, dev, &vt_testdev_bytes_region, 0xe8, error)
         && x86_map_io (machine, dev, &vt_testdev_irq_region, 0x2000, error)
         && map_memory (machine, dev, &vt_testdev_memory_region, 0xff000000, error);
}

static bool
add_tpm (VtMachine *machine, GError **error)
{
  VtTpmDeviceConfig config = { machine->tpm };
  VtIrq             wires[VT_TPM_TIS_WIRES];
  bool              crb = machine->config.tpm == VT_TPM_CRB;
  for (unsigned irq = 0; irq < VT_TPM_TIS_WIRES; irq++)
    wires[irq] = crb || irq == 0 || irq == 2 ? vt_irq_detached ("tpm") : x86_isa_irq (machine, irq, "tpm");
  const VtDeviceClass *cls = crb ? &vt_tpm_crb : &vt_tpm_tis;
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { cls, "tpm", &config, wires, VT_TPM_TIS_WIRES }, error);
  return dev != NULL && map_memory (machine, dev, crb ? &vt_tpm_crb_region : &vt_tpm_tis_region, VT_TPM_BASE, error);
}

static bool
build_legacy (VtMachine *machine, GError **error)
{
  const VtConfig *config = &machine->config;
  return add_i8042 (machine, error) && add_serials (machine, error)
         && add_dma (machine, error)
         && add_simple (machine, &vt_port80_class, "port80", REGIONS (&vt_port80_region), PORTS (0x80), error)
         && add_simple (machine, &vt_port92_class, "port92", REGIONS (&vt_port92_region), PORTS (0x92), error)
         && add_debugcon (machine, error)
         && (config->tpm == VT_TPM_NONE || add_tpm (machine, error))
         && (!config->debug_exit
             || add_simple (machine, &vt_debug_exit_class, "debug-exit", REGIONS (&vt_debug_exit_region), PORTS (0xf4), error))
         && (!config->test_device || add_testdev (machine, error));
}

/* --- For chipsets ----------------------------------------------------------------------------------------------------------- */

static bool
add_smi (VtMachine *machine, VtIrq *input, GError **error)
{
  VtIrq     wires[VT_SMI_WIRES];
  X86Board *board = x86_board (machine);
  wires[VT_SMI_WIRE_HERE] = (VtIrq) { .set = vt_apic_bus_set_smi, .sink = machine->apic_bus, .pin = VT_APIC_SMI_HERE, .label = "smi -> processor" };
  wires[VT_SMI_WIRE_ALL] = (VtIrq) { .set = vt_apic_bus_set_smi, .sink = machine->apic_bus, .pin = VT_APIC_SMI_ALL, .label = "smi -> all" };
  board->smi = vt_machine_add (machine, &(DeviceSpec) { &vt_smi_class, "smi", NULL, wires, VT_SMI_WIRES }, error);
  if (board->smi == NULL)
    return false;
  *input = vt_smi_input (board->smi);
  return true;
}

bool
x86_add_pm (VtMachine *machine, GError **error)
{
  VtIrq            wires[VT_ACPI_PM_WIRES] = { x86_isa_irq (machine, X86_SCI_IRQ, "pm -> sci"), vt_irq_detached ("smi") };
  VtAcpiPmConfig   config = { .timer_32bit = false };
  bool             smm = machine->smm_mem != NULL;
  if (smm && !add_smi (machine, &wires[VT_ACPI_PM_WIRE_SMI], error))
    return false;
  const VtDeviceClass *cls = smm ? &vt_acpi_pm_smm_class : &vt_acpi_pm_class;
  machine->pm = vt_machine_add (machine, &(DeviceSpec) { cls, "pm", &config, wires, VT_ACPI_PM_WIRES }, error);
  return machine->pm != NULL && x86_map_io (machine, machine->pm, &vt_acpi_pm_apm_region, VT_ACPI_PM_SMI_PORT, error);
}

VtAtaSlot
x86_ata_slot (VtMachine *machine, guint drive)
{
  const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, drive);
  return (VtAtaSlot) { .kind = disk->cdrom ? VT_ATA_CDROM : VT_ATA_DISK, .block = g_array_index (machine->drives, Drive, drive).block };
}

/* --- The board ----------------------------------------------------------------------------------------------------------- */

static void
board_free (VtMachine *machine)
{
  X86Board *board = x86_board (machine);
  x86_free_firmware (board);
  g_clear_pointer (&board->bus, vt_pci_bus_free);   /* a machine that could not be built may have none */
  g_ptr_array_unref (board->boot_paths);
  g_free (board);
}

static void
boot_path_free (gpointer data)
{
  g_free (((X86BootPath *) data)->path);
  g_free (data);
}

bool
x86_build (VtMachine *machine, const X86Chipset *chipset, GError **error)
{
  X86Board *board = g_new0 (X86Board, 1);
  board->chipset = chipset;
  board->next_slot = chipset->first_slot;
  board->vars_fd = -1;
  board->boot_paths = g_ptr_array_new_with_free_func (boot_path_free);
  machine->board_data = board;
  machine->board_free = board_free;
  if (!build_memory (machine, error) || !build_interrupts (machine, error) || !build_timers (machine, error))
    return false;
  board->bus = vt_pci_bus_new (machine->mem, machine->io);
  return chipset->build_chipset (machine, error) && build_legacy (machine, error) && x86_build_video (machine, error)
         && chipset->build_drives (machine, error) && x86_build_pci_devices (machine, error)
         && x86_build_firmware (machine, error);
}
