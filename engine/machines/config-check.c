/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a machine can be made of: the check before one is built. */
#include <string.h>

#include "choose.h"
#include "fdc.h"
#include "ide.h"
#include "jit-techniques.h"
#include "machine-private.h"
#include "virtio-blk.h"
#include "virtio-console.h"
#include "virtio-net.h"
#include "virtio-scsi.h"
#include "virtio-vsock.h"
#include "vitrine/tap.h"

#define MEMORY_MIN_BYTES (1 * VT_MIB)
#define MEMORY_MAX_BYTES (1024 * VT_GIB)
#define SATA_PORTS       6u
#define NVME_DISKS       8u
#define SERIAL_MAX       4u
#define INPUTS_PER_BUS_MAX 8u
#define USB_PORTS 8u   /* of a speed that our devices have */
#define NETS_MAX           4u
#define VIDEO_MEMORY_MIN_BYTES (4 * VT_MIB)
#define VIDEO_MEMORY_MAX_BYTES (256 * VT_MIB)

static bool
is_pc (const VtConfig *config)
{
  return g_strcmp0 (config->machine, "pc") == 0;
}

static bool
check_processor_and_memory (const VtConfig *config, GError **error)
{
  if (g_strcmp0 (config->machine, "q35") != 0 && !is_pc (config))
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, "Machine type “%s” is not supported: use “q35” or “pc”", config->machine);
  if (config->cpus < 1 || config->cpus > MAX_CPUS)
    return vt_refuse (error, VT_ERROR_CONFIG, "%u processors: choose 1 to %u", config->cpus, MAX_CPUS);
  if (config->memory_bytes < MEMORY_MIN_BYTES || config->memory_bytes > MEMORY_MAX_BYTES
      || (config->memory_bytes & (VT_MIB - 1)) != 0)
    return vt_refuse (error, VT_ERROR_CONFIG, "%" G_GUINT64_FORMAT " bytes of memory: choose whole MiB, from 1 MiB to 1 TiB",
                      config->memory_bytes);
  return true;
}

static bool
check_firmware (const VtConfig *config, GError **error)
{
  if (config->smm && is_pc (config))
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, "Machine type “pc” has no system management mode: use “q35”");
  if (config->smm && config->accel == VT_ACCEL_KVM)
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, "System management mode, which Secure Boot needs, does not run on KVM yet: use the "
                                                   "translator (“jit”)");
  if (config->tseg_mib > VT_TSEG_MIB_MAX || config->tseg_mib * VT_MIB >= config->memory_bytes)
    return vt_refuse (error, VT_ERROR_CONFIG, "%u MiB for system management mode: choose 1 to %u MiB, less than the machine has",
                      config->tseg_mib, VT_TSEG_MIB_MAX);
  if (config->secure_boot && config->firmware != VT_FIRMWARE_UEFI)
    return vt_refuse (error, VT_ERROR_CONFIG, "Secure Boot is UEFI's: a BIOS has none");
  if (config->secure_boot && !config->smm)
    return vt_refuse (error, VT_ERROR_CONFIG, "Secure Boot needs system management mode");
  return true;
}

/* How many drives each bus takes, and on which machine it is. */
static const struct
{
  unsigned    most;
  const char *what;
} buses[] = {
  [VT_BUS_VIRTIO] = { 20, "virtio disks" }, [VT_BUS_SATA] = { SATA_PORTS, "SATA drives" },
  [VT_BUS_IDE] = { VT_IDE_PLACES, "IDE drives" }, [VT_BUS_SCSI] = { VT_VIRTIO_SCSI_TARGETS, "SCSI drives" },
  [VT_BUS_FDC] = { VT_FDC_DRIVES, "floppy drives" }, [VT_BUS_NVME] = { NVME_DISKS, "NVMe disks" },
  [VT_BUS_USB] = { USB_PORTS, "USB drives" },
};

static bool
check_bus (const VtConfig *config, const VtDiskConfig *disk, const char *name, GError **error)
{
  if (disk->bus == VT_BUS_FDC && !is_pc (config))
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, "“%s”: this machine type has no floppy drives; use machine type “pc”", name);
  if (disk->bus == VT_BUS_IDE && !is_pc (config))
    return vt_refuse (error, VT_ERROR_UNSUPPORTED,
                      "“%s”: this machine type has no IDE; use sata, scsi or virtio, or machine type “pc”", name);
  if (disk->bus == VT_BUS_SATA && is_pc (config))
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, "“%s”: machine type “pc” has no SATA; use ide, scsi or virtio", name);
  if (disk->cdrom && (disk->bus == VT_BUS_VIRTIO || disk->bus == VT_BUS_NVME))
    return vt_refuse (error, VT_ERROR_CONFIG, "“%s”: a CD drive cannot be on the virtio or NVMe bus; use sata or scsi", name);
  if (disk->bus == VT_BUS_FDC && (disk->cdrom || disk->snapshot))
    return vt_refuse (error, VT_ERROR_CONFIG, "“%s”: a floppy drive takes raw images, and keeps what is written to them", name);
  if (disk->unit > buses[disk->bus].most || (disk->unit != 0 && disk->bus != VT_BUS_IDE && disk->bus != VT_BUS_FDC))
    return vt_refuse (error, VT_ERROR_CONFIG, "“%s”: there is no place %u on its bus", name, disk->unit);
  return true;
}

static bool
check_port (const VtConfig *config, unsigned port, bool possible, const char *name, GError **error)
{
  if (port != 0 && is_pc (config))
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, "“%s”: machine type “pc” has no slots for hot plug", name);
  if (port > VT_HOTPLUG_PORTS || (port != 0 && !possible))
    return vt_refuse (error, VT_ERROR_CONFIG, "“%s”: slots 1 to %u for hot plug take virtio disks and network cards", name, VT_HOTPLUG_PORTS);
  return true;
}

static bool
check_disk (const VtConfig *config, const VtDiskConfig *disk, GError **error)
{
  const char *name = disk->path != NULL ? disk->path : "(empty drive)";
  if (disk->path == NULL && !disk->cdrom && disk->bus != VT_BUS_FDC)
    return vt_refuse (error, VT_ERROR_CONFIG, "A disk has no image file: only CD and floppy drives can be empty");
  if (disk->format > VT_IMAGE_LUKS)
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, "“%s”: a machine does not run on this format. Convert it: “vitrinectl image convert”",
                      name);
  if (disk->format != VT_IMAGE_RAW && (disk->cdrom || disk->bus == VT_BUS_FDC))
    return vt_refuse (error, VT_ERROR_CONFIG, "“%s”: the image of a CD or a floppy disk is raw; set its format so", name);
  if (disk->queues > VT_VIRTIO_BLK_QUEUES)
    return vt_refuse (error, VT_ERROR_CONFIG, "“%s”: %u queues; a disk has at most %u", name, disk->queues, VT_VIRTIO_BLK_QUEUES);
  return check_bus (config, disk, name, error)
         && check_port (config, disk->port, disk->bus == VT_BUS_VIRTIO, name, error);
}

/* Each slot takes one card. */
static bool
check_ports (const VtConfig *config, GError **error)
{
  unsigned taken = 0;
  for (guint i = 0; i < config->disks->len + config->nets->len; i++)
    {
      unsigned port = i < config->disks->len ? ((VtDiskConfig *) g_ptr_array_index (config->disks, i))->port
                                             : ((VtNetConfig *) g_ptr_array_index (config->nets, i - config->disks->len))->port;
      if (port != 0 && (taken & 1u << port) != 0)
        return vt_refuse (error, VT_ERROR_CONFIG, "Two devices are in slot %u for hot plug", port);
      taken |= port != 0 ? 1u << port : 0;
    }
  return true;
}

bool
vt_config_check_disk (const VtConfig *config, const VtDiskConfig *disk, GError **error)
{
  if (disk->bus != VT_BUS_VIRTIO || disk->cdrom)
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, "Only virtio disks can be added while the machine runs");
  for (guint i = 0; disk->id != NULL && i < config->disks->len; i++)
    if (g_strcmp0 (((VtDiskConfig *) g_ptr_array_index (config->disks, i))->id, disk->id) == 0)
      return vt_refuse (error, VT_ERROR_CONFIG, "There is a disk “%s” already", disk->id);
  return check_disk (config, disk, error);
}

static bool
check_disks (const VtConfig *config, GError **error)
{
  unsigned count[G_N_ELEMENTS (buses)] = { 0 }, units[G_N_ELEMENTS (buses)] = { 0 };
  for (guint i = 0; i < config->disks->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (config->disks, i);
      if (!check_disk (config, disk, error))
        return false;
      if (++count[disk->bus] > buses[disk->bus].most)
        return vt_refuse (error, VT_ERROR_CONFIG,
                          disk->bus == VT_BUS_VIRTIO ? "More than %u %s" : "More than %u %s: put further disks on the virtio bus",
                          buses[disk->bus].most, buses[disk->bus].what);
      if (disk->unit != 0 && (units[disk->bus] & 1u << disk->unit) != 0)
        return vt_refuse (error, VT_ERROR_CONFIG, "Two drives are in the same place of their bus");
      units[disk->bus] |= disk->unit != 0 ? 1u << disk->unit : 0;
    }
  return true;
}

static bool
check_files (const VtConfig *config, GError **error)
{
  if (!check_disks (config, error))
    return false;
  if (config->initrd != NULL && config->kernel == NULL)
    return vt_refuse (error, VT_ERROR_CONFIG, "An initrd needs a kernel to load it");
  if (config->append != NULL && config->kernel == NULL)
    return vt_refuse (error, VT_ERROR_CONFIG, "A kernel command line needs a kernel");
  return true;
}

static bool
check_video (const VtConfig *config, GError **error)
{
  uint64_t bytes = config->vram_bytes;
  if (config->xres > 16384 || config->yres > 16384)
    return vt_refuse (error, VT_ERROR_CONFIG, "A picture of %u × %u: an edge has at most 16384 pixels", config->xres, config->yres);
  if (bytes != 0 && (bytes < VIDEO_MEMORY_MIN_BYTES || bytes > VIDEO_MEMORY_MAX_BYTES || (bytes & (bytes - 1)) != 0))
    return vt_refuse (error, VT_ERROR_CONFIG, "%" G_GUINT64_FORMAT " KiB of video memory: choose 4, 8, 16, 32, 64, 128 or 256 MiB",
                      bytes / VT_KIB);
  if (config->heads > VT_MAX_HEADS)
    return vt_refuse (error, VT_ERROR_CONFIG, "%u monitors: choose 1 to %u", config->heads, VT_MAX_HEADS);
  if (config->heads > 1 && config->video != VT_VIDEO_VIRTIO)
    return vt_refuse (error, VT_ERROR_CONFIG, "Only the video device “virtio” has more than one monitor");
  return true;
}

static bool
check_net_end (const VtNetConfig *net, GError **error)
{
  const char *device = net->tap != NULL ? net->tap : net->bridge;
  if ((net->local != NULL) + (net->tap != NULL) + (net->bridge != NULL) > 1)
    return vt_refuse (error, VT_ERROR_CONFIG, "A network card is on one network, not on two");
  if (device != NULL && !vt_net_device_name_valid (device))
    return vt_refuse (error, VT_ERROR_CONFIG,
                      "“%s” is no name of a network device: that is 1 to 15 characters without space, “/” and “:”",
                      device);
  if (net->local != NULL && net->forwards->len > 0)
    return vt_refuse (error, VT_ERROR_CONFIG, "A local network is not connected to this computer: nothing can be forwarded to it");
  if (device != NULL && (net->forwards->len > 0 || net->restricted))
    return vt_refuse (error, VT_ERROR_CONFIG,
                      "Only user networking forwards and restricts: the network behind “%s” is what it is", device);
  return true;
}

static bool
check_net (const VtConfig *config, const VtNetConfig *net, GError **error)
{
  if (net->forwards->len > VT_FORWARDS_MAX)
    return vt_refuse (error, VT_ERROR_CONFIG, "A network card has at most %d forwarded ports", VT_FORWARDS_MAX);
  if (net->queues > VT_VIRTIO_NET_PAIRS)
    return vt_refuse (error, VT_ERROR_CONFIG, "A network card has at most %u pairs of queues", VT_VIRTIO_NET_PAIRS);
  return check_net_end (net, error) && check_port (config, net->port, true, "network card", error);
}

bool
vt_config_check_net (const VtConfig *config, const VtNetConfig *net, GError **error)
{
  if (config->nets->len >= NETS_MAX)
    return vt_refuse (error, VT_ERROR_CONFIG, "A machine has at most %u network cards", NETS_MAX);
  return check_net (config, net, error);
}

static bool
check_inputs_and_nets (const VtConfig *config, GError **error)
{
  unsigned usb = 0, usb_disks = 0, virtio = 0;
  for (guint i = 0; i < config->inputs->len; i++)
    {
      const VtInputConfig *input = g_ptr_array_index (config->inputs, i);
      usb += input->bus == VT_INPUT_USB;
      virtio += input->bus == VT_INPUT_VIRTIO;
      if (input->bus == VT_INPUT_PS2 && input->kind == VT_INPUT_TABLET)
        return vt_refuse (error, VT_ERROR_CONFIG, "A tablet cannot be on the PS/2 bus: use usb or virtio");
    }
  if (config->nets->len > NETS_MAX)
    return vt_refuse (error, VT_ERROR_CONFIG, "%u network cards: a machine has at most %u", config->nets->len, NETS_MAX);
  for (guint i = 0; i < config->nets->len; i++)
    if (!check_net (config, g_ptr_array_index (config->nets, i), error))
      return false;
  for (guint i = 0; i < config->disks->len; i++)
    usb_disks += ((const VtDiskConfig *) g_ptr_array_index (config->disks, i))->bus == VT_BUS_USB;
  unsigned devices = usb + usb_disks + config->usb_sockets->len + config->usb_ports;
  if (devices > USB_PORTS)
    return vt_refuse (error, VT_ERROR_CONFIG, "%u USB devices: there are %u ports for them", devices, USB_PORTS);
  if (usb > INPUTS_PER_BUS_MAX || virtio > INPUTS_PER_BUS_MAX)
    return vt_refuse (error, VT_ERROR_CONFIG, "More than %u keyboards and pointers on one bus", INPUTS_PER_BUS_MAX);
  return true;
}

bool
vt_config_check (const VtConfig *config, GError **error)
{
  if (!check_processor_and_memory (config, error) || !check_firmware (config, error) || !check_files (config, error) || !check_video (config, error)
      || !check_inputs_and_nets (config, error) || !check_ports (config, error))
    return false;
  if (config->sound != VT_SOUND_NONE && config->sound_output == VT_SOUND_TO_FILE && config->sound_path == NULL)
    return vt_refuse (error, VT_ERROR_CONFIG, "Sound to a file: which file?");
  if (config->serials->len > SERIAL_MAX)
    return vt_refuse (error, VT_ERROR_CONFIG, "%u serial ports: a PC has at most %u", config->serials->len, SERIAL_MAX);
  if (config->ports->len > VT_VIRTIO_CONSOLE_PORTS)
    return vt_refuse (error, VT_ERROR_CONFIG, "%u virtio consoles and channels: a machine has at most %u", config->ports->len,
                      VT_VIRTIO_CONSOLE_PORTS);
  for (guint i = 0; i < config->shares->len; i++)
    {
      const VtShareConfig *share = g_ptr_array_index (config->shares, i);
      if (share->tag == NULL || share->tag[0] == 0 || strlen (share->tag) > 32)
        return vt_refuse (error, VT_ERROR_CONFIG, "“%s” needs a name of 1 to 32 bytes by which the guest mounts it", share->folder);
    }
  if (config->shares->len > 8)
    return vt_refuse (error, VT_ERROR_CONFIG, "More than 8 shared folders");
  if (config->vsock_cid != 0 && (config->vsock_cid < VT_VSOCK_CID_MIN || config->vsock_path == NULL))
    return vt_refuse (error, VT_ERROR_CONFIG, "Host-guest sockets need a number of the guest from %u and a socket", VT_VSOCK_CID_MIN);
  if (!vt_accel_exists (config->accel))
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, "This accelerator is not supported yet: use auto");
  uint32_t techniques;
  return config->jit_without == NULL || vt_jit_techniques_parse (config->jit_without, &techniques, error);
}
