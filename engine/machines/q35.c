/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The q35 board: ICH9 chipset, PCI Express, AHCI, virtio. This file is a list of devices and of the wires between them. */
#include "q35-private.h"

#include "acpi-pm.h"
#include "ahci.h"
#include "bochs.h"
#include "debug-exit.h"
#include "debugcon.h"
#include "dma8237.h"
#include "fw-cfg.h"
#include "host-ram.h"
#include "hpet.h"
#include "i8042.h"
#include "ich9-lpc.h"
#include "ioapic.h"
#include "pic.h"
#include "pit.h"
#include "port80.h"
#include "port92.h"
#include "q35-intx.h"
#include "q35-mch.h"
#include "ramfb.h"
#include "rom.h"
#include "rstcnt.h"
#include "rtc.h"
#include "stdvga.h"
#include "testdev.h"
#include "uart.h"
#include "usb-hid.h"
#include "virtio-9p.h"
#include "virtio-balloon.h"
#include "virtio-blk.h"
#include "virtio-console.h"
#include "virtio-crypto.h"
#include "virtio-gpu.h"
#include "virtio-input.h"
#include "virtio-net.h"
#include "virtio-rng.h"
#include "virtio-scsi.h"
#include "virtio-vsock.h"
#include "xhci.h"

#define VRAM_DEFAULT_BYTES (16 * VT_MIB)
#define GPU_DEFAULT_BYTES  (256 * VT_MIB)
#define VGABIOS_FORMAT     "/usr/share/seabios/vgabios-%s.bin"

static Q35 *
q35_of (VtMachine *machine)
{
  return machine->board_data;
}

/* --- Short forms for the list ------------------------------------------------------------------------------------------- */

static bool
map_io (VtMachine *machine, VtDevice *dev, const VtRegion *region, uint16_t port, GError **error)
{
  return vt_mem_map_io (machine->io, dev, region, VT_GPA (port), 0, error) != NULL;
}

static bool
map_memory (VtMachine *machine, VtDevice *dev, const VtRegion *region, uint64_t at, GError **error)
{
  return vt_mem_map_io (machine->mem, dev, region, VT_GPA (at), VT_HOST_PRIORITY_SHADOW + 1, error) != NULL;
}

static VtIrq
isa_irq (VtMachine *machine, unsigned irq, const char *label)
{
  return vt_gate_input (&machine->gsi[irq], label);
}

static VtPciPlace
place (VtMachine *machine, unsigned slot, unsigned function, bool multifunction)
{
  return (VtPciPlace) { .bus = q35_of (machine)->bus, .devfn = VT_PCI_DEVFN (slot, function), .multifunction = multifunction };
}

/* --- Memory --------------------------------------------------------------------------------------------------------------- */

static bool
build_memory (VtMachine *machine, GError **error)
{
  Q35     *q35 = q35_of (machine);
  uint64_t low = MIN (machine->config.memory_bytes, Q35_LOW_RAM_MAX);
  uint64_t high = machine->config.memory_bytes - low;
  if ((q35->low_ram = vt_machine_add_ram (machine, "low", low, error)) == NULL
      || vt_mem_map_ram (machine->mem, q35->low_ram, 0, VT_GPA (0), low, VT_HOST_PRIORITY_RAM, VT_ACCESS_RAM, VT_ACCESS_RAM,
                         error) == NULL)
    return false;
  if (high == 0)
    return true;
  q35->high_ram = vt_machine_add_ram (machine, "high", high, error);
  return q35->high_ram != NULL
         && vt_mem_map_ram (machine->mem, q35->high_ram, 0, VT_GPA (Q35_HIGH_RAM_BASE), high, VT_HOST_PRIORITY_RAM,
                            VT_ACCESS_RAM, VT_ACCESS_RAM, error) != NULL;
}

/* --- Interrupt controllers --------------------------------------------------------------------------------------------------- */

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
  Q35 *q35 = q35_of (machine);
  for (unsigned gsi = 0; gsi < GSI_COUNT; gsi++)
    {
      if (gsi < VT_PIC_INPUTS && gsi != 2)
        {
          VtIrq pic = vt_pic_input (q35->pic, gsi, "line -> 8259");
          pic.muted = &machine->loading;
          vt_gate_connect (&machine->gsi[gsi], pic);
        }
      if (gsi == 2)
        continue;
      VtIrq ioapic = vt_ioapic_input (q35->ioapic, gsi == 0 ? 2 : gsi, "line -> I/O APIC");
      ioapic.muted = &machine->loading;
      vt_gate_connect (&machine->gsi[gsi], ioapic);
    }
}

static bool
build_interrupts (VtMachine *machine, GError **error)
{
  Q35  *q35 = q35_of (machine);
  VtIrq intr = { .set = vt_apic_bus_set_lint, .sink = machine->apic_bus, .pin = VT_APIC_LINT0, .label = "8259 -> LINT0",
                 .muted = &machine->loading };
  q35->pic = vt_machine_add (machine, &(DeviceSpec) { &vt_pic_class, "pic", NULL, &intr, 1 }, error);
  if (q35->pic == NULL || !vt_machine_make_cpus (machine, acknowledge, q35->pic, error))
    return false;
  q35->ioapic = vt_machine_add (machine, &(DeviceSpec) { &vt_ioapic_class, "ioapic", NULL, NULL, 0 }, error);
  if (q35->ioapic == NULL)
    return false;
  vt_apic_bus_set_eoi (machine->apic_bus, broadcast_eoi, q35->ioapic);
  connect_lines (machine);
  return map_io (machine, q35->pic, &vt_pic_master_region, 0x20, error)
         && map_io (machine, q35->pic, &vt_pic_slave_region, 0xa0, error)
         && map_io (machine, q35->pic, &vt_pic_elcr_region, 0x4d0, error)
         && map_memory (machine, q35->ioapic, &vt_ioapic_region, Q35_IOAPIC_BASE, error);
}

/* --- Time ---------------------------------------------------------------------------------------------------------------------- */

static VtDevice *
add_rtc (VtMachine *machine, GError **error)
{
  Q35        *q35 = q35_of (machine);
  VtIrq       irq8 = vt_hpet_rtc_input (q35->hpet, "rtc -> hpet");
  VtRtcConfig config = { .epoch_seconds = g_get_real_time () / G_USEC_PER_SEC,
                         .below_4g_bytes = q35->low_ram->size,
                         .above_4g_bytes = q35->high_ram != NULL ? q35->high_ram->size : 0,
                         .boot_order = { VT_RTC_BOOT_CDROM, VT_RTC_BOOT_DISK, VT_RTC_BOOT_NET },
                         .max_cpus = (uint8_t) machine->n_cpus };
  return vt_machine_add (machine, &(DeviceSpec) { &vt_rtc_class, "rtc", &config, &irq8, 1 }, error);
}

static bool
build_timers (VtMachine *machine, GError **error)
{
  Q35         *q35 = q35_of (machine);
  VtIrq        hpet_wires[VT_HPET_WIRES];
  VtHpetConfig hpet_config = { .route_mask = { 1u << 20 | 1u << 21, 1u << 20 | 1u << 21, 1u << 22 | 1u << 23 }, .msi = true };
  hpet_wires[VT_HPET_WIRE_IRQ0] = isa_irq (machine, 0, "hpet -> irq 0");
  hpet_wires[VT_HPET_WIRE_IRQ8] = isa_irq (machine, 8, "hpet -> irq 8");
  for (unsigned pin = 0; pin < 24; pin++)
    hpet_wires[VT_HPET_WIRE_PIN0 + pin]
      = pin >= 20 ? vt_gate_input (&machine->gsi[pin], "hpet -> line") : vt_irq_detached ("hpet: no such route");
  q35->hpet = vt_machine_add (machine, &(DeviceSpec) { &vt_hpet_class, "hpet", &hpet_config, hpet_wires, VT_HPET_WIRES }, error);
  if (q35->hpet == NULL)
    return false;
  VtIrq     pit_wires[VT_PIT_WIRES] = { vt_hpet_pit_input (q35->hpet, "pit -> hpet"), vt_irq_detached ("speaker") };
  VtDevice *pit = vt_machine_add (machine, &(DeviceSpec) { &vt_pit_class, "pit", NULL, pit_wires, VT_PIT_WIRES }, error);
  VtDevice *rtc = pit != NULL ? add_rtc (machine, error) : NULL;
  return rtc != NULL && map_memory (machine, q35->hpet, &vt_hpet_region, Q35_HPET_BASE, error)
         && map_io (machine, pit, &vt_pit_region, 0x40, error) && map_io (machine, pit, &vt_pit_port61_region, 0x61, error)
         && map_io (machine, rtc, &vt_rtc_region, 0x70, error) && map_io (machine, rtc, &vt_rtc_bank2_region, 0x72, error);
}

/* --- Chipset ------------------------------------------------------------------------------------------------------------------- */

static bool
add_pm (VtMachine *machine, GError **error)
{
  VtIrq            sci = isa_irq (machine, Q35_SCI_IRQ, "pm -> sci");
  VtAcpiPmConfig   config = { .timer_32bit = false };
  machine->pm = vt_machine_add (machine, &(DeviceSpec) { &vt_acpi_pm_class, "pm", &config, &sci, 1 }, error);
  return machine->pm != NULL && map_io (machine, machine->pm, &vt_acpi_pm_apm_region, VT_ACPI_PM_SMI_PORT, error);
}

static bool
add_lpc (VtMachine *machine, GError **error)
{
  Q35  *q35 = q35_of (machine);
  VtIrq wires[VT_ICH9_LPC_WIRES];
  for (unsigned n = 0; n < 8; n++)
    wires[VT_ICH9_LPC_WIRE_GSI + n] = vt_gate_input (&machine->gsi[VT_Q35_PIRQ_GSI + n], "pirq -> line");
  for (unsigned irq = 0; irq < 16; irq++)
    wires[VT_ICH9_LPC_WIRE_ISA + irq] = irq == 2 ? vt_irq_detached ("cascade") : isa_irq (machine, irq, "pirq -> isa irq");
  VtIch9LpcConfig config = { .place = place (machine, 31, 0, true), .mem = machine->mem, .io = machine->io,
                             .pm = machine->pm, .pm_region = &vt_acpi_pm_region };
  q35->lpc = vt_machine_add (machine, &(DeviceSpec) { &vt_ich9_lpc, "pci/00:1f.0", &config, wires, VT_ICH9_LPC_WIRES }, error);
  if (q35->lpc == NULL)
    return false;
  VtIrq lines[VT_PCI_BUS_LINES];
  for (unsigned n = 0; n < VT_PCI_BUS_LINES; n++)
    lines[n] = vt_ich9_lpc_pirq (q35->lpc, n);
  vt_pci_bus_set_lines (q35->bus, vt_q35_intx_pirq, lines, VT_PCI_BUS_LINES);
  return true;
}

static bool
build_chipset (VtMachine *machine, GError **error)
{
  Q35 *q35 = q35_of (machine);
  q35->bus = vt_pci_bus_new (machine->mem, machine->io);
  VtDevice *reset = vt_machine_add (machine, &(DeviceSpec) { &vt_rstcnt_class, "rstcnt", NULL, NULL, 0 }, error);
  VtHostBridgeConfig mch = { .place = place (machine, 0, 0, false), .mem = machine->mem, .io = machine->io,
                         .low_ram = q35->low_ram, .bus = q35->bus, .reset = reset, .reset_region = &vt_rstcnt_region };
  return reset != NULL
         && vt_machine_add (machine, &(DeviceSpec) { &vt_q35_mch, "pci/00:00.0", &mch, NULL, 0 }, error) != NULL
         && add_pm (machine, error) && add_lpc (machine, error);
}

/* --- Super I/O and small ports --------------------------------------------------------------------------------------------------- */

static bool
add_i8042 (VtMachine *machine, GError **error)
{
  VtIrq         wires[VT_I8042_WIRES] = { isa_irq (machine, 1, "keyboard"), isa_irq (machine, 12, "mouse") };
  VtI8042Config config = { .leds = vt_machine_leds (machine) };
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { &vt_i8042_class, "i8042", &config, wires, VT_I8042_WIRES }, error);
  if (dev == NULL)
    return false;
  vt_machine_add_input (machine, vt_i8042_keyboard (dev));
  vt_machine_add_input (machine, vt_i8042_mouse (dev));
  return map_io (machine, dev, &vt_i8042_data_region, 0x60, error) && map_io (machine, dev, &vt_i8042_command_region, 0x64, error);
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
      VtIrq        irq = isa_irq (machine, serial_ports[i].irq, serial_ports[i].path);
      VtUartConfig config = { .chr = console != NULL ? console->chr : NULL };
      VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { &vt_uart_class, serial_ports[i].path, &config, &irq, 1 }, error);
      if (dev == NULL || !map_io (machine, dev, &vt_uart_region, serial_ports[i].port, error))
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
    if (!map_io (machine, dev, regions[i], ports[i], error))
      return false;
  return true;
}

#define REGIONS(...) ((const VtRegion *const[]) { __VA_ARGS__, NULL })
#define PORTS(...)   ((const uint16_t[]) { __VA_ARGS__ })

static bool
add_debugcon (VtMachine *machine, GError **error)
{
  VtDebugconConfig config = { machine->debugcon };
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { &vt_debugcon_class, "debugcon", &config, NULL, 0 }, error);
  return dev != NULL && map_io (machine, dev, &vt_debugcon_region, 0x402, error)
         && map_io (machine, dev, &vt_debugcon_region, 0xe9, error);
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
  return dev != NULL && map_io (machine, dev, &vt_testdev_echo_region, 0xe0, error)
         && map_io (machine, dev, &vt_testdev_flush_region, 0xe4, error)
         && map_io (machine, dev, &vt_testdev_bytes_region, 0xe8, error)
         && map_io (machine, dev, &vt_testdev_irq_region, 0x2000, error)
         && map_memory (machine, dev, &vt_testdev_memory_region, 0xff000000, error);
}

static bool
build_legacy (VtMachine *machine, GError **error)
{
  const VtConfig *config = &machine->config;
  return add_i8042 (machine, error) && add_serials (machine, error)
         && add_simple (machine, &vt_dma8237_class, "dma",
                        REGIONS (&vt_dma8237_low_region, &vt_dma8237_page_region, &vt_dma8237_high_region),
                        PORTS (0x00, 0x81, 0xc0), error)
         && add_simple (machine, &vt_port80_class, "port80", REGIONS (&vt_port80_region), PORTS (0x80), error)
         && add_simple (machine, &vt_port92_class, "port92", REGIONS (&vt_port92_region), PORTS (0x92), error)
         && add_debugcon (machine, error)
         && (!config->debug_exit
             || add_simple (machine, &vt_debug_exit_class, "debug-exit", REGIONS (&vt_debug_exit_region), PORTS (0xf4), error))
         && (!config->test_device || add_testdev (machine, error));
}

/* --- Storage, display, entropy ---------------------------------------------------------------------------------------------------- */

static bool
add_ahci (VtMachine *machine, GError **error)
{
  Q35         *q35 = q35_of (machine);
  VtAhciConfig ahci = { .place = place (machine, 31, 2, true) };
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      Drive              *drive = &g_array_index (machine->drives, Drive, i);
      if (disk->bus != VT_BUS_SATA)
        continue;
      ahci.port[drive->place] = (VtAtaSlot) { .kind = disk->cdrom ? VT_ATA_CDROM : VT_ATA_DISK, .block = drive->block };
      q35_note_boot_path (q35, disk->boot_index, vt_boot_path_ahci (VT_PCI_DEVFN (31, 2), drive->place));
    }
  machine->ahci = vt_machine_add (machine, &(DeviceSpec) { &vt_ahci, "pci/00:1f.2", &ahci, NULL, 0 }, error);
  return machine->ahci != NULL;
}

static bool
add_virtio_disks (VtMachine *machine, GError **error)
{
  Q35     *q35 = q35_of (machine);
  unsigned usual_queues = MIN (machine->n_cpus, 4);
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      if (disk->bus != VT_BUS_VIRTIO)
        continue;
      unsigned          slot = q35->next_slot++;
      g_autofree char  *path = g_strdup_printf ("pci/00:%02x.0", slot);
      VtVirtioBlkConfig config = { .place = place (machine, slot, 0, false),
                                   .block = g_array_index (machine->drives, Drive, i).block,
                                   .n_queues = disk->queues != 0 ? disk->queues : usual_queues,
                                   .ring_forms = vt_ring_forms (&disk->rings) };
      if (vt_machine_add (machine, &(DeviceSpec) { &vt_virtio_blk_pci, path, &config, NULL, 0 }, error) == NULL)
        return false;
      q35_note_boot_path (q35, disk->boot_index, vt_boot_path_virtio_blk (VT_PCI_DEVFN (slot, 0)));
    }
  return true;
}

/* One host for all SCSI drives; what one of them wants of its queues, they all have. */
static bool
add_scsi (VtMachine *machine, GError **error)
{
  Q35               *q35 = q35_of (machine);
  VtVirtioScsiConfig config = { .n_queues = MIN (machine->n_cpus, 4) };
  unsigned           n = 0, slot = q35->next_slot;
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      const Drive        *drive = &g_array_index (machine->drives, Drive, i);
      if (disk->bus != VT_BUS_SCSI)
        continue;
      config.target[drive->place] = (VtScsiTarget) { true, disk->cdrom ? VT_SCSI_CDROM : VT_SCSI_DISK, drive->block, NULL };
      config.ring_forms |= vt_ring_forms (&disk->rings);
      config.n_queues = disk->queues != 0 ? disk->queues : config.n_queues;
      q35_note_boot_path (q35, disk->boot_index, vt_boot_path_scsi (VT_PCI_DEVFN (slot, 0), drive->place));
      n++;
    }
  if (n == 0)
    return true;
  g_autofree char *path = g_strdup_printf ("pci/00:%02x.0", slot);
  config.place = place (machine, q35->next_slot++, 0, false);
  machine->scsi = vt_machine_add (machine, &(DeviceSpec) { &vt_virtio_scsi_pci, path, &config, NULL, 0 }, error);
  return machine->scsi != NULL;
}

static void
host_entropy (void *opaque, uint8_t *bytes, size_t n)
{
  vt_host_random (bytes, n);
}

static bool
add_rng (VtMachine *machine, GError **error)
{
  if (!machine->config.rng)
    return true;
  unsigned          slot = q35_of (machine)->next_slot++;
  g_autofree char  *path = g_strdup_printf ("pci/00:%02x.0", slot);
  VtVirtioRngConfig config = { .place = place (machine, slot, 0, false), .fill = host_entropy,
                               .ring_forms = vt_ring_forms (&machine->config.rng_rings) };
  return vt_machine_add (machine, &(DeviceSpec) { &vt_virtio_rng_pci, path, &config, NULL, 0 }, error) != NULL;
}

static bool
add_virtio_input (VtMachine *machine, const VtInputConfig *input, GError **error)
{
  static const VtDeviceClass *const classes[] = {
    [VT_INPUT_KEYBOARD] = &vt_virtio_keyboard_pci,
    [VT_INPUT_MOUSE] = &vt_virtio_mouse_pci,
    [VT_INPUT_TABLET] = &vt_virtio_tablet_pci,
  };
  unsigned            slot = q35_of (machine)->next_slot++;
  g_autofree char    *path = g_strdup_printf ("pci/00:%02x.0", slot);
  VtVirtioInputConfig config = { place (machine, slot, 0, false), vt_machine_leds (machine), vt_machine_listening (machine),
                                 vt_ring_forms (&input->rings) };
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { classes[input->kind], path, &config, NULL, 0 }, error);
  if (dev != NULL)
    vt_machine_add_input (machine, vt_virtio_input_sink (dev));
  return dev != NULL;
}

static bool
add_nets (VtMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->nets->len; i++)
    {
      unsigned          slot = q35_of (machine)->next_slot++;
      g_autofree char  *path = g_strdup_printf ("pci/00:%02x.0", slot);
      const VtNetConfig *net = g_ptr_array_index (machine->config.nets, i);
      VtVirtioNetConfig config = { .place = place (machine, slot, 0, false), .net = g_ptr_array_index (machine->nets, i),
                                   .ring_forms = vt_ring_forms (&net->rings), .n_pairs = net->queues };
      vt_machine_mac (machine, i, config.mac);
      VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { &vt_virtio_net_pci, path, &config, NULL, 0 }, error);
      if (dev == NULL)
        return false;
      g_ptr_array_add (machine->cards, dev);
      if (net->cable_out)
        vt_virtio_net_set_link (dev, false);
    }
  return true;
}

static const char *
usb_port_path (unsigned port)
{
  static const char *const paths[] = { "usb/1", "usb/2", "usb/3", "usb/4", "usb/5", "usb/6", "usb/7", "usb/8" };
  return paths[port];
}

static bool
add_usb_input (VtMachine *machine, const VtInputConfig *input, unsigned port, GError **error)
{
  static const VtDeviceClass *const classes[] = {
    [VT_INPUT_KEYBOARD] = &vt_usb_keyboard,
    [VT_INPUT_MOUSE] = &vt_usb_mouse,
    [VT_INPUT_TABLET] = &vt_usb_tablet,
  };
  VtUsbHidConfig config = { vt_xhci_place (q35_of (machine)->xhci, port), vt_machine_leds (machine),
                            vt_machine_listening (machine) };
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { classes[input->kind], usb_port_path (port), &config, NULL, 0 }, error);
  if (dev != NULL)
    vt_machine_add_input (machine, vt_usb_hid_sink (dev));
  return dev != NULL;
}

static bool
has_usb (const VtConfig *config)
{
  for (guint i = 0; i < config->inputs->len; i++)
    if (((VtInputConfig *) g_ptr_array_index (config->inputs, i))->bus == VT_INPUT_USB)
      return true;
  return false;
}

static bool
add_xhci (VtMachine *machine, GError **error)
{
  if (!has_usb (&machine->config))
    return true;
  Q35             *q35 = q35_of (machine);
  unsigned         slot = q35->next_slot++;
  g_autofree char *path = g_strdup_printf ("pci/00:%02x.0", slot);
  VtXhciConfig     config = { place (machine, slot, 0, false) };
  q35->xhci = vt_machine_add (machine, &(DeviceSpec) { &vt_xhci, path, &config, NULL, 0 }, error);
  return q35->xhci != NULL;
}

static bool
add_inputs (VtMachine *machine, GError **error)
{
  unsigned port = 0;
  for (guint i = 0; i < machine->config.inputs->len; i++)
    {
      const VtInputConfig *input = g_ptr_array_index (machine->config.inputs, i);
      if (input->bus == VT_INPUT_VIRTIO && !add_virtio_input (machine, input, error))
        return false;
      if (input->bus == VT_INPUT_USB && !add_usb_input (machine, input, port++, error))
        return false;
    }
  return true;
}

static char *
vga_text (VtMachine *machine)
{
  return vt_stdvga_text (q35_of (machine)->vga);
}

static char *
virtio_vga_text (VtMachine *machine)
{
  return vt_virtio_vga_text (q35_of (machine)->vga);
}

static GBytes *
video_bios (const char *card, GError **error)
{
  g_autofree char *path = g_strdup_printf (VGABIOS_FORMAT, card);
  return vt_firmware_read (path, "video BIOS", 256 * VT_KIB, error);
}

static VtRam *
video_memory (VtMachine *machine, uint64_t otherwise, GError **error)
{
  uint64_t bytes = machine->config.vram_bytes != 0 ? machine->config.vram_bytes : otherwise;
  return q35_of (machine)->vram = vt_machine_add_ram (machine, "vram", bytes, error);
}

static bool
add_stdvga (VtMachine *machine, GError **error)
{
  Q35 *q35 = q35_of (machine);
  g_autoptr (GBytes) rom = video_bios ("stdvga", error);
  if (rom == NULL || video_memory (machine, VRAM_DEFAULT_BYTES, error) == NULL)
    return false;
  gsize          rom_len;
  const uint8_t *rom_bytes = g_bytes_get_data (rom, &rom_len);
  VtStdvgaConfig config = { .place = place (machine, Q35_VGA_SLOT, 0, false), .vram = q35->vram, .rom = rom_bytes,
                            .rom_len = rom_len, .surface = vt_machine_add_surface (machine) };
  q35->vga = vt_machine_add (machine, &(DeviceSpec) { &vt_stdvga, "pci/00:01.0", &config, NULL, 0 }, error);
  q35->has_dispi_ports = true;
  machine->screen_text = vga_text;
  return q35->vga != NULL;
}

static bool
add_bochs (VtMachine *machine, GError **error)
{
  Q35 *q35 = q35_of (machine);
  g_autoptr (GBytes) rom = video_bios ("bochs-display", error);
  if (rom == NULL || video_memory (machine, VRAM_DEFAULT_BYTES, error) == NULL)
    return false;
  gsize                rom_len;
  const uint8_t       *rom_bytes = g_bytes_get_data (rom, &rom_len);
  VtBochsDisplayConfig config = { .place = place (machine, Q35_VGA_SLOT, 0, false), .vram = q35->vram, .rom = rom_bytes,
                                  .rom_len = rom_len, .surface = vt_machine_add_surface (machine) };
  q35->vga = vt_machine_add (machine, &(DeviceSpec) { &vt_bochs_display, "pci/00:01.0", &config, NULL, 0 }, error);
  return q35->vga != NULL;
}

/* The memory that a person asks for is virtio's; its VGA is only for firmware and keeps the usual size. */
static bool
add_virtio_gpu (VtMachine *machine, GError **error)
{
  Q35               *q35 = q35_of (machine);
  bool               vga = !machine->config.no_vga;
  VtVirtioGpuConfig  config = { .place = place (machine, Q35_VGA_SLOT, 0, false), .n_scanouts = MAX (machine->config.heads, 1),
                                .ring_forms = vt_ring_forms (&machine->config.video_rings) };
  g_autoptr (GBytes) rom = vga ? video_bios ("virtio", error) : NULL;
  uint64_t           bytes = machine->config.vram_bytes != 0 ? machine->config.vram_bytes : GPU_DEFAULT_BYTES;
  if ((vga && (rom == NULL || (config.vram = q35->vram = vt_machine_add_ram (machine, "vram", VRAM_DEFAULT_BYTES, error)) == NULL))
      || (config.store = vt_machine_add_ram (machine, "gpu", bytes, error)) == NULL)
    return false;
  if (rom != NULL)
    config.rom = g_bytes_get_data (rom, &config.rom_len);
  for (unsigned i = 0; i < config.n_scanouts; i++)
    config.surfaces[i] = vt_machine_add_surface (machine);
  const VtDeviceClass *cls = vga ? &vt_virtio_vga : &vt_virtio_gpu_pci;
  q35->vga = vt_machine_add (machine, &(DeviceSpec) { cls, "pci/00:01.0", &config, NULL, 0 }, error);
  q35->has_dispi_ports = vga;
  machine->screen_text = vga ? virtio_vga_text : NULL;
  return q35->vga != NULL;
}

static bool
add_ramfb (VtMachine *machine, GError **error)
{
  VtRamfbConfig config = { machine->n_surfaces > 0 ? machine->surfaces[0] : vt_machine_add_surface (machine) };
  Q35          *q35 = q35_of (machine);
  q35->ramfb_rom = video_bios ("ramfb", error);
  if (q35->ramfb_rom == NULL)
    return false;
  q35->ramfb = vt_machine_add (machine, &(DeviceSpec) { &vt_ramfb_class, "ramfb", &config, NULL, 0 }, error);
  return q35->ramfb != NULL;
}

static bool
add_video (VtMachine *machine, GError **error)
{
  bool ok = true;
  switch (machine->config.video)
    {
    case VT_VIDEO_STD: ok = add_stdvga (machine, error); break;
    case VT_VIDEO_BOCHS: ok = add_bochs (machine, error); break;
    case VT_VIDEO_VIRTIO: ok = add_virtio_gpu (machine, error); break;
    case VT_VIDEO_RAMFB: return add_ramfb (machine, error);
    case VT_VIDEO_NONE: return true;
    }
  return ok && (!machine->config.boot_ramfb || add_ramfb (machine, error));
}

static bool
add_virtio_console (VtMachine *machine, GError **error)
{
  const VtConfig *config = &machine->config;
  if (config->ports->len == 0)
    return true;
  unsigned              slot = q35_of (machine)->next_slot++;
  g_autofree char      *path = g_strdup_printf ("pci/00:%02x.0", slot);
  VtVirtioConsoleConfig ports = { .place = place (machine, slot, 0, false), .n_ports = config->ports->len };
  for (unsigned i = 0; i < config->ports->len; i++)
    {
      const VtPortConfig *port = g_ptr_array_index (config->ports, i);
      Console            *console = g_ptr_array_index (machine->consoles, config->serials->len + i);
      ports.port[i] = (VtVirtioConsolePort) { console->chr, port->name, port->console };
      ports.ring_forms |= vt_ring_forms (&port->rings);
    }
  return vt_machine_add (machine, &(DeviceSpec) { &vt_virtio_console_pci, path, &ports, NULL, 0 }, error) != NULL;
}

static bool
add_vsock (VtMachine *machine, GError **error)
{
  if (machine->streams == NULL)
    return true;
  unsigned            slot = q35_of (machine)->next_slot++;
  g_autofree char    *path = g_strdup_printf ("pci/00:%02x.0", slot);
  VtVirtioVsockConfig config = { .place = place (machine, slot, 0, false), .host = machine->streams,
                                 .cid = machine->config.vsock_cid, .ring_forms = vt_ring_forms (&machine->config.vsock_rings) };
  return vt_machine_add (machine, &(DeviceSpec) { &vt_virtio_vsock_pci, path, &config, NULL, 0 }, error) != NULL;
}

static bool
add_shares (VtMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->shares->len; i++)
    {
      const VtShareConfig *share = g_ptr_array_index (machine->config.shares, i);
      unsigned             slot = q35_of (machine)->next_slot++;
      g_autofree char     *path = g_strdup_printf ("pci/00:%02x.0", slot);
      VtVirtio9pConfig     config = { .place = place (machine, slot, 0, false), .share = g_ptr_array_index (machine->shares, i),
                                      .tag = share->tag, .ring_forms = vt_ring_forms (&share->rings) };
      if (vt_machine_add (machine, &(DeviceSpec) { &vt_virtio_9p_pci, path, &config, NULL, 0 }, error) == NULL)
        return false;
    }
  return true;
}

static bool
add_crypto (VtMachine *machine, GError **error)
{
  if (!machine->config.crypto)
    return true;
  unsigned             slot = q35_of (machine)->next_slot++;
  g_autofree char     *path = g_strdup_printf ("pci/00:%02x.0", slot);
  VtVirtioCryptoConfig config = { place (machine, slot, 0, false), vt_ring_forms (&machine->config.crypto_rings) };
  return vt_machine_add (machine, &(DeviceSpec) { &vt_virtio_crypto_pci, path, &config, NULL, 0 }, error) != NULL;
}

static bool
add_balloon (VtMachine *machine, GError **error)
{
  const VtConfig *config = &machine->config;
  if (!config->balloon)
    return true;
  unsigned              slot = q35_of (machine)->next_slot++;
  g_autofree char      *path = g_strdup_printf ("pci/00:%02x.0", slot);
  VtVirtioBalloonConfig balloon = { .place = place (machine, slot, 0, false), .memory_bytes = config->memory_bytes,
                                    .deflate_on_oom = config->balloon_deflates, .free_page_reporting = config->balloon_reports,
                                    .ring_forms = vt_ring_forms (&config->balloon_rings) };
  machine->balloon = vt_machine_add (machine, &(DeviceSpec) { &vt_virtio_balloon_pci, path, &balloon, NULL, 0 }, error);
  return machine->balloon != NULL;
}

static bool
build_pci_devices (VtMachine *machine, GError **error)
{
  return add_video (machine, error) && add_ahci (machine, error) && add_virtio_disks (machine, error) && add_scsi (machine, error) && add_rng (machine, error)
         && add_nets (machine, error) && add_xhci (machine, error) && add_inputs (machine, error)
         && add_balloon (machine, error) && add_virtio_console (machine, error)
         && add_vsock (machine, error) && add_shares (machine, error)
         && add_crypto (machine, error);
}

/* --- The board ---------------------------------------------------------------------------------------------------------------------- */

static void
q35_free (VtMachine *machine)
{
  Q35 *q35 = q35_of (machine);
  q35_free_firmware (q35);
  vt_pci_bus_free (q35->bus);
  g_ptr_array_unref (q35->boot_paths);
  g_free (q35);
}

static void
boot_path_free (gpointer data)
{
  g_free (((BootPath *) data)->path);
  g_free (data);
}

static bool
q35_build (VtMachine *machine, GError **error)
{
  Q35 *q35 = g_new0 (Q35, 1);
  q35->next_slot = Q35_FIRST_SLOT;
  q35->vars_fd = -1;
  q35->boot_paths = g_ptr_array_new_with_free_func (boot_path_free);
  machine->board_data = q35;
  machine->board_free = q35_free;
  return build_memory (machine, error) && build_interrupts (machine, error) && build_timers (machine, error)
         && build_chipset (machine, error) && build_legacy (machine, error) && build_pci_devices (machine, error)
         && q35_build_firmware (machine, error);
}

const VtBoard vt_board_q35 = { "q35", q35_build, q35_after_reset };
