/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices that a person adds to the PCI bus, on every chipset. */
#include "x86-board.h"

#include "e1000e.h"
#include "fw-cfg.h"
#include "hda.h"
#include "host-ram.h"
#include "nvme.h"
#include "usb-hid.h"
#include "usb-storage.h"
#include "virtio-9p.h"
#include "virtio-balloon.h"
#include "virtio-blk.h"
#include "virtio-console.h"
#include "virtio-crypto.h"
#include "virtio-input.h"
#include "virtio-net.h"
#include "virtio-rng.h"
#include "virtio-scsi.h"
#include "virtio-vsock.h"
#include "xhci.h"

/* A device of one function; its config has its place in that slot. */
static VtDevice *
add_at (VtMachine *machine, unsigned slot, const VtDeviceClass *cls, const void *config, GError **error)
{
  g_autofree char *path = g_strdup_printf ("pci/00:%02x.0", slot);
  return vt_machine_add (machine, &(DeviceSpec) { cls, path, config, NULL, 0 }, error);
}

/* --- Disks --------------------------------------------------------------------------------------------------------------- */

bool
x86_add_disk (VtMachine *machine, guint i, bool tell, GError **error)
{
  VtDiskConfig     *disk = g_ptr_array_index (machine->config.disks, i);
  VtVirtioBlkConfig config = { .block = g_array_index (machine->drives, Drive, i).block,
                               .n_queues = disk->queues != 0 ? disk->queues : MIN (machine->n_cpus, 4),
                               .ring_forms = vt_ring_forms (&disk->rings) };
  VtDevice *dev = x86_add_card (machine, disk->port, &vt_virtio_blk_pci, &config.place, &config, error);
  if (dev == NULL)
    return false;
  g_array_index (machine->drives, Drive, i).device = dev;
  x86_card_added (machine, disk->port, disk, tell);
  if (disk->port == 0)
    x86_note_boot_path (x86_board (machine), disk->boot_index, vt_boot_path_virtio_blk (config.place.devfn));
  else if (!tell)
    x86_note_boot_path (x86_board (machine), disk->boot_index,
                        vt_boot_path_virtio_blk_behind (x86_port_devfn (disk->port)));
  return true;
}

static bool
add_virtio_disks (VtMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      if (disk->bus == VT_BUS_VIRTIO && !x86_add_disk (machine, i, false, error))
        return false;
    }
  return true;
}

/* Each is a controller of its own. */
static bool
add_nvme_disks (VtMachine *machine, GError **error)
{
  X86Board *board = x86_board (machine);
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      const Drive        *drive = &g_array_index (machine->drives, Drive, i);
      if (disk->bus != VT_BUS_NVME)
        continue;
      unsigned         slot = x86_next_slot (machine);
      VtNvmeConfig     config = { x86_place (machine, slot, 0, false), drive->block, drive->place };
      if (add_at (machine, slot, &vt_nvme, &config, error) == NULL)
        return false;
      x86_note_boot_path (board, disk->boot_index, vt_boot_path_nvme (VT_PCI_DEVFN (slot, 0)));
    }
  return true;
}

/* One host for all SCSI drives; what one of them wants of its queues, they all have. */
static bool
add_scsi (VtMachine *machine, GError **error)
{
  X86Board          *board = x86_board (machine);
  VtVirtioScsiConfig config = { .n_queues = MIN (machine->n_cpus, 4) };
  unsigned           n = 0, slot = 0;
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      const Drive        *drive = &g_array_index (machine->drives, Drive, i);
      if (disk->bus != VT_BUS_SCSI)
        continue;
      if (n++ == 0)
        slot = x86_next_slot (machine);
      config.target[drive->place] = (VtScsiTarget) { true, disk->cdrom ? VT_SCSI_CDROM : VT_SCSI_DISK, drive->block, NULL };
      config.ring_forms |= vt_ring_forms (&disk->rings);
      config.n_queues = disk->queues != 0 ? disk->queues : config.n_queues;
      x86_note_boot_path (board, disk->boot_index, vt_boot_path_scsi (VT_PCI_DEVFN (slot, 0), drive->place));
    }
  if (n == 0)
    return true;
  config.place = x86_place (machine, slot, 0, false);
  machine->scsi = add_at (machine, slot, &vt_virtio_scsi_pci, &config, error);
  return machine->scsi != NULL;
}

/* --- Input --------------------------------------------------------------------------------------------------------------- */

static bool
add_virtio_input (VtMachine *machine, const VtInputConfig *input, GError **error)
{
  static const VtDeviceClass *const classes[] = {
    [VT_INPUT_KEYBOARD] = &vt_virtio_keyboard_pci,
    [VT_INPUT_MOUSE] = &vt_virtio_mouse_pci,
    [VT_INPUT_TABLET] = &vt_virtio_tablet_pci,
  };
  unsigned            slot = x86_next_slot (machine);
  VtVirtioInputConfig config = { x86_place (machine, slot, 0, false), vt_machine_leds (machine), vt_machine_listening (machine),
                                 vt_ring_forms (&input->rings) };
  VtDevice *dev = add_at (machine, slot, classes[input->kind], &config, error);
  if (dev != NULL)
    vt_machine_add_input (machine, vt_virtio_input_sink (dev));
  return dev != NULL;
}

static bool
add_usb_input (VtMachine *machine, const VtInputConfig *input, unsigned port, GError **error)
{
  static const VtDeviceClass *const classes[] = {
    [VT_INPUT_KEYBOARD] = &vt_usb_keyboard,
    [VT_INPUT_MOUSE] = &vt_usb_mouse,
    [VT_INPUT_TABLET] = &vt_usb_tablet,
  };
  VtUsbHidConfig config = { vt_xhci_place (x86_board (machine)->xhci, port), vt_machine_leds (machine),
                            vt_machine_listening (machine) };
  VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { classes[input->kind], x86_usb_path (port), &config, NULL, 0 }, error);
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
  for (guint i = 0; i < config->disks->len; i++)
    if (((VtDiskConfig *) g_ptr_array_index (config->disks, i))->bus == VT_BUS_USB)
      return true;
  return config->usb_sockets->len > 0 || config->usb_ports > 0;
}

static bool
add_xhci (VtMachine *machine, GError **error)
{
  if (!has_usb (&machine->config))
    return true;
  X86Board        *board = x86_board (machine);
  unsigned         slot = x86_next_slot (machine);
  VtXhciConfig     config = { x86_place (machine, slot, 0, false) };
  board->xhci_devfn = VT_PCI_DEVFN (slot, 0);
  board->xhci = add_at (machine, slot, &vt_xhci, &config, error);
  return board->xhci != NULL;
}

static bool
add_inputs (VtMachine *machine, GError **error)
{
  unsigned *port = &x86_board (machine)->next_usb_port;
  for (guint i = 0; i < machine->config.inputs->len; i++)
    {
      const VtInputConfig *input = g_ptr_array_index (machine->config.inputs, i);
      if (input->bus == VT_INPUT_VIRTIO && !add_virtio_input (machine, input, error))
        return false;
      if (input->bus == VT_INPUT_USB && !add_usb_input (machine, input, (*port)++, error))
        return false;
    }
  return true;
}

/* --- USB drives --------------------------------------------------------------------------------------------------------- */

static bool
add_usb_drives (VtMachine *machine, GError **error)
{
  X86Board *board = x86_board (machine);
  for (guint i = 0; i < machine->drives->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (machine->config.disks, i);
      if (disk->bus != VT_BUS_USB)
        continue;
      unsigned           port = board->next_usb_port++;
      VtUsbStorageConfig config = { vt_xhci_place (board->xhci, port), disk->cdrom ? VT_SCSI_CDROM : VT_SCSI_DISK,
                                    g_array_index (machine->drives, Drive, i).block };
      VtDevice *dev = vt_machine_add (machine, &(DeviceSpec) { &vt_usb_storage, x86_usb_path (port), &config, NULL, 0 }, error);
      if (dev == NULL)
        return false;
      g_ptr_array_add (machine->usb_drives, dev);
      x86_note_boot_path (board, disk->boot_index, vt_boot_path_usb (board->xhci_devfn, port + 1));
    }
  return true;
}

/* --- Everything else ----------------------------------------------------------------------------------------------------- */

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
  unsigned          slot = x86_next_slot (machine);
  VtVirtioRngConfig config = { .place = x86_place (machine, slot, 0, false), .fill = host_entropy,
                               .ring_forms = vt_ring_forms (&machine->config.rng_rings) };
  return add_at (machine, slot, &vt_virtio_rng_pci, &config, error) != NULL;
}

static VtDevice *
add_virtio_net (VtMachine *machine, guint i, GError **error)
{
  const VtNetConfig *net = g_ptr_array_index (machine->config.nets, i);
  VtVirtioNetConfig  config = { .net = g_ptr_array_index (machine->nets, i), .ring_forms = vt_ring_forms (&net->rings),
                                .n_pairs = net->queues };
  vt_machine_mac (machine, i, config.mac);
  return x86_add_card (machine, net->port, &vt_virtio_net_pci, &config.place, &config, error);
}

static VtDevice *
add_e1000e (VtMachine *machine, guint i, GError **error)
{
  const VtNetConfig *net = g_ptr_array_index (machine->config.nets, i);
  VtE1000eConfig     config = { .net = g_ptr_array_index (machine->nets, i) };
  vt_machine_mac (machine, i, config.mac);
  return x86_add_card (machine, net->port, &vt_e1000e, &config.place, &config, error);
}

bool
x86_add_net (VtMachine *machine, guint i, bool tell, GError **error)
{
  VtNetConfig *net = g_ptr_array_index (machine->config.nets, i);
  VtDevice    *dev = net->model == VT_NET_E1000E ? add_e1000e (machine, i, error) : add_virtio_net (machine, i, error);
  if (dev == NULL)
    return false;
  g_ptr_array_insert (machine->cards, (gint) i, dev);
  if (net->cable_out)
    vt_machine_set_cable (dev, false);
  x86_card_added (machine, net->port, net, tell);
  return true;
}

static bool
add_nets (VtMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->nets->len; i++)
    if (!x86_add_net (machine, i, false, error))
      return false;
  return true;
}

static bool
add_virtio_console (VtMachine *machine, GError **error)
{
  const VtConfig *config = &machine->config;
  if (config->ports->len == 0)
    return true;
  unsigned              slot = x86_next_slot (machine);
  VtVirtioConsoleConfig ports = { .place = x86_place (machine, slot, 0, false), .n_ports = config->ports->len };
  for (unsigned i = 0; i < config->ports->len; i++)
    {
      const VtPortConfig *port = g_ptr_array_index (config->ports, i);
      Console            *console = g_ptr_array_index (machine->consoles, config->serials->len + i);
      ports.port[i] = (VtVirtioConsolePort) { console->chr, port->name, port->console };
      ports.ring_forms |= vt_ring_forms (&port->rings);
    }
  return add_at (machine, slot, &vt_virtio_console_pci, &ports, error) != NULL;
}

static bool
add_vsock (VtMachine *machine, GError **error)
{
  if (machine->streams == NULL)
    return true;
  unsigned            slot = x86_next_slot (machine);
  VtVirtioVsockConfig config = { .place = x86_place (machine, slot, 0, false), .host = machine->streams,
                                 .cid = machine->config.vsock_cid, .ring_forms = vt_ring_forms (&machine->config.vsock_rings) };
  return add_at (machine, slot, &vt_virtio_vsock_pci, &config, error) != NULL;
}

static bool
add_shares (VtMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->shares->len; i++)
    {
      const VtShareConfig *share = g_ptr_array_index (machine->config.shares, i);
      unsigned             slot = x86_next_slot (machine);
      VtVirtio9pConfig     config = { .place = x86_place (machine, slot, 0, false), .share = g_ptr_array_index (machine->shares, i),
                                      .tag = share->tag, .ring_forms = vt_ring_forms (&share->rings) };
      if (add_at (machine, slot, &vt_virtio_9p_pci, &config, error) == NULL)
        return false;
    }
  return true;
}

static bool
add_crypto (VtMachine *machine, GError **error)
{
  if (!machine->config.crypto)
    return true;
  unsigned             slot = x86_next_slot (machine);
  VtVirtioCryptoConfig config = { x86_place (machine, slot, 0, false), vt_ring_forms (&machine->config.crypto_rings) };
  return add_at (machine, slot, &vt_virtio_crypto_pci, &config, error) != NULL;
}

static bool
add_balloon (VtMachine *machine, GError **error)
{
  const VtConfig *config = &machine->config;
  if (!config->balloon)
    return true;
  unsigned              slot = x86_next_slot (machine);
  VtVirtioBalloonConfig balloon = { .place = x86_place (machine, slot, 0, false), .memory_bytes = config->memory_bytes,
                                    .deflate_on_oom = config->balloon_deflates, .free_page_reporting = config->balloon_reports,
                                    .ring_forms = vt_ring_forms (&config->balloon_rings) };
  machine->balloon = add_at (machine, slot, &vt_virtio_balloon_pci, &balloon, error);
  return machine->balloon != NULL;
}

static bool
add_sound (VtMachine *machine, GError **error)
{
  if (machine->config.sound == VT_SOUND_NONE)
    return true;
  unsigned    slot = x86_next_slot (machine);
  VtHdaConfig config = { x86_place (machine, slot, 0, false), machine->sound, machine->config.sound == VT_SOUND_ICH6 };
  return add_at (machine, slot, &vt_hda, &config, error) != NULL;
}

bool
x86_build_pci_devices (VtMachine *machine, GError **error)
{
  return add_virtio_disks (machine, error) && add_nvme_disks (machine, error) && add_scsi (machine, error) && add_rng (machine, error)
         && add_nets (machine, error) && add_xhci (machine, error) && add_inputs (machine, error) && add_usb_drives (machine, error)
         && x86_add_usb_ports (machine, error) && add_balloon (machine, error) && add_virtio_console (machine, error)
         && add_vsock (machine, error) && add_shares (machine, error)
         && add_crypto (machine, error) && add_sound (machine, error);
}
