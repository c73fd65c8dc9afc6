/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <string.h>

#include "choose.h"
#include "jit-techniques.h"
#include "machine-private.h"

#define MEMORY_MIN_BYTES (1 * VT_MIB)
#define MEMORY_MAX_BYTES (1024 * VT_GIB)
#define SATA_PORTS       6u
#define SERIAL_MAX       4u
#define INPUTS_PER_BUS_MAX 8u
#define NETS_MAX           4u
#define VIDEO_MEMORY_MIN_BYTES (4 * VT_MIB)
#define VIDEO_MEMORY_MAX_BYTES (256 * VT_MIB)

static void
disk_free (gpointer data)
{
  VtDiskConfig *disk = data;
  g_free (disk->path);
  g_free (disk);
}

static void
serial_free (gpointer data)
{
  VtSerialConfig *serial = data;
  g_free (serial->path);
  g_free (serial);
}

static void
net_free (gpointer data)
{
  VtNetConfig *net = data;
  g_ptr_array_unref (net->forwards);
  g_free (net);
}

VtConfig *
vt_config_new (void)
{
  VtConfig *config = g_new0 (VtConfig, 1);
  config->machine = g_strdup ("q35");
  config->cpus = 1;
  config->memory_bytes = VT_GIB;
  config->edid = true;
  config->rng = true;
  config->disks = g_ptr_array_new_with_free_func (disk_free);
  config->serials = g_ptr_array_new_with_free_func (serial_free);
  config->inputs = g_ptr_array_new_with_free_func (g_free);
  config->nets = g_ptr_array_new_with_free_func (net_free);
  return config;
}

void
vt_config_clear (VtConfig *config)
{
  g_free (config->name);
  g_free (config->uuid);
  g_free (config->machine);
  g_free (config->cpu_model);
  g_free (config->firmware_code);
  g_free (config->nvram);
  g_free (config->kernel);
  g_free (config->initrd);
  g_free (config->append);
  g_free (config->debugcon);
  g_free (config->jit_without);
  g_clear_pointer (&config->disks, g_ptr_array_unref);
  g_clear_pointer (&config->serials, g_ptr_array_unref);
  g_clear_pointer (&config->inputs, g_ptr_array_unref);
  g_clear_pointer (&config->nets, g_ptr_array_unref);
}

void
vt_config_free (VtConfig *config)
{
  if (config == NULL)
    return;
  vt_config_clear (config);
  g_free (config);
}

static gpointer
copy_disk (gconstpointer from, gpointer unused)
{
  VtDiskConfig *disk = g_memdup2 (from, sizeof *disk);
  disk->path = g_strdup (disk->path);
  return disk;
}

static gpointer
copy_serial (gconstpointer from, gpointer unused)
{
  VtSerialConfig *serial = g_memdup2 (from, sizeof *serial);
  serial->path = g_strdup (serial->path);
  return serial;
}

static gpointer
copy_input (gconstpointer from, gpointer unused)
{
  return g_memdup2 (from, sizeof (VtInputConfig));
}

static gpointer
copy_string (gconstpointer from, gpointer unused)
{
  return g_strdup (from);
}

static gpointer
copy_net (gconstpointer from, gpointer unused)
{
  VtNetConfig *net = g_memdup2 (from, sizeof *net);
  net->forwards = g_ptr_array_copy (net->forwards, copy_string, NULL);
  g_ptr_array_set_free_func (net->forwards, g_free);
  return net;
}

void
vt_config_copy (VtConfig *to, const VtConfig *from)
{
  *to = *from;
  to->name = g_strdup (from->name);
  to->uuid = g_strdup (from->uuid);
  to->machine = g_strdup (from->machine);
  to->cpu_model = g_strdup (from->cpu_model);
  to->firmware_code = g_strdup (from->firmware_code);
  to->nvram = g_strdup (from->nvram);
  to->kernel = g_strdup (from->kernel);
  to->initrd = g_strdup (from->initrd);
  to->append = g_strdup (from->append);
  to->debugcon = g_strdup (from->debugcon);
  to->jit_without = g_strdup (from->jit_without);
  to->disks = g_ptr_array_copy (from->disks, copy_disk, NULL);
  g_ptr_array_set_free_func (to->disks, disk_free);
  to->serials = g_ptr_array_copy (from->serials, copy_serial, NULL);
  g_ptr_array_set_free_func (to->serials, serial_free);
  to->inputs = g_ptr_array_copy (from->inputs, copy_input, NULL);
  g_ptr_array_set_free_func (to->inputs, g_free);
  to->nets = g_ptr_array_copy (from->nets, copy_net, NULL);
  g_ptr_array_set_free_func (to->nets, net_free);
}

VtDiskConfig *
vt_config_add_disk (VtConfig *config, const char *path)
{
  VtDiskConfig *disk = g_new0 (VtDiskConfig, 1);
  disk->path = g_strdup (path);
  g_ptr_array_add (config->disks, disk);
  return disk;
}

VtSerialConfig *
vt_config_add_serial (VtConfig *config, VtSerialKind kind)
{
  VtSerialConfig *serial = g_new0 (VtSerialConfig, 1);
  serial->kind = kind;
  g_ptr_array_add (config->serials, serial);
  return serial;
}

VtNetConfig *
vt_config_add_net (VtConfig *config)
{
  VtNetConfig *net = g_new0 (VtNetConfig, 1);
  net->forwards = g_ptr_array_new_with_free_func (g_free);
  g_ptr_array_add (config->nets, net);
  return net;
}

VtInputConfig *
vt_config_add_input (VtConfig *config, VtInputDevice kind, VtInputBus bus)
{
  VtInputConfig *input = g_new0 (VtInputConfig, 1);
  input->kind = kind;
  input->bus = bus;
  g_ptr_array_add (config->inputs, input);
  return input;
}

static bool G_GNUC_PRINTF (3, 4)
refuse (GError **error, VtErrorCode code, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, VT_ERROR, code, message);
  return false;
}

static bool
check_processor_and_memory (const VtConfig *config, GError **error)
{
  if (g_strcmp0 (config->machine, "q35") != 0)
    return refuse (error, VT_ERROR_UNSUPPORTED, "Machine type “%s” is not supported yet: use “q35”", config->machine);
  if (config->cpus < 1 || config->cpus > MAX_CPUS)
    return refuse (error, VT_ERROR_CONFIG, "%u processors: choose 1 to %u", config->cpus, MAX_CPUS);
  if (config->memory_bytes < MEMORY_MIN_BYTES || config->memory_bytes > MEMORY_MAX_BYTES
      || (config->memory_bytes & (VT_MIB - 1)) != 0)
    return refuse (error, VT_ERROR_CONFIG, "%" G_GUINT64_FORMAT " bytes of memory: choose whole MiB, from 1 MiB to 1 TiB",
                   config->memory_bytes);
  return true;
}

static bool
check_disk (const VtDiskConfig *disk, unsigned *sata, GError **error)
{
  const char *name = disk->path != NULL ? disk->path : "(empty drive)";
  if (disk->path == NULL && !disk->cdrom)
    return refuse (error, VT_ERROR_CONFIG, "A disk has no image file: only CD drives can be empty");
  if (disk->format == VT_IMAGE_QCOW2 && disk->cdrom)
    return refuse (error, VT_ERROR_CONFIG, "“%s”: a CD image is raw; set its format so", name);
  if (disk->bus == VT_BUS_IDE || disk->bus == VT_BUS_SCSI)
    return refuse (error, VT_ERROR_UNSUPPORTED, "“%s”: IDE and SCSI disks are not supported yet; use sata or virtio", name);
  if (disk->cdrom && disk->bus == VT_BUS_VIRTIO)
    return refuse (error, VT_ERROR_CONFIG, "“%s”: a CD drive cannot be on the virtio bus; use sata", name);
  if (disk->bus == VT_BUS_SATA && ++*sata > SATA_PORTS)
    return refuse (error, VT_ERROR_CONFIG, "More than %u SATA drives: put further disks on the virtio bus", SATA_PORTS);
  return true;
}

static bool
check_files (const VtConfig *config, GError **error)
{
  unsigned sata = 0, virtio = 0;
  for (guint i = 0; i < config->disks->len; i++)
    {
      const VtDiskConfig *disk = g_ptr_array_index (config->disks, i);
      if (!check_disk (disk, &sata, error))
        return false;
      if (disk->bus == VT_BUS_VIRTIO && ++virtio > 20)
        return refuse (error, VT_ERROR_CONFIG, "More than 20 virtio disks");
    }
  if (config->initrd != NULL && config->kernel == NULL)
    return refuse (error, VT_ERROR_CONFIG, "An initrd needs a kernel to load it");
  if (config->append != NULL && config->kernel == NULL)
    return refuse (error, VT_ERROR_CONFIG, "A kernel command line needs a kernel");
  return true;
}

static bool
check_video (const VtConfig *config, GError **error)
{
  uint64_t bytes = config->vram_bytes;
  if (config->xres > 16384 || config->yres > 16384)
    return refuse (error, VT_ERROR_CONFIG, "A picture of %u × %u: an edge has at most 16384 pixels", config->xres, config->yres);
  if (bytes != 0 && (bytes < VIDEO_MEMORY_MIN_BYTES || bytes > VIDEO_MEMORY_MAX_BYTES || (bytes & (bytes - 1)) != 0))
    return refuse (error, VT_ERROR_CONFIG, "%" G_GUINT64_FORMAT " KiB of video memory: choose 4, 8, 16, 32, 64, 128 or 256 MiB",
                   bytes / VT_KIB);
  if (config->heads > MAX_SURFACES)
    return refuse (error, VT_ERROR_CONFIG, "%u monitors: choose 1 to %u", config->heads, MAX_SURFACES);
  if (config->heads > 1 && config->video != VT_VIDEO_VIRTIO)
    return refuse (error, VT_ERROR_CONFIG, "Only the video device “virtio” has more than one monitor");
  return true;
}

static bool
check_inputs_and_nets (const VtConfig *config, GError **error)
{
  unsigned usb = 0, virtio = 0;
  for (guint i = 0; i < config->inputs->len; i++)
    {
      const VtInputConfig *input = g_ptr_array_index (config->inputs, i);
      usb += input->bus == VT_INPUT_USB;
      virtio += input->bus == VT_INPUT_VIRTIO;
      if (input->bus == VT_INPUT_PS2 && input->kind == VT_INPUT_TABLET)
        return refuse (error, VT_ERROR_CONFIG, "A tablet cannot be on the PS/2 bus: use usb or virtio");
    }
  if (config->nets->len > NETS_MAX)
    return refuse (error, VT_ERROR_CONFIG, "%u network cards: a machine has at most %u", config->nets->len, NETS_MAX);
  if (usb > INPUTS_PER_BUS_MAX || virtio > INPUTS_PER_BUS_MAX)
    return refuse (error, VT_ERROR_CONFIG, "More than %u keyboards and pointers on one bus", INPUTS_PER_BUS_MAX);
  return true;
}

bool
vt_config_check (const VtConfig *config, GError **error)
{
  if (!check_processor_and_memory (config, error) || !check_files (config, error) || !check_video (config, error)
      || !check_inputs_and_nets (config, error))
    return false;
  if (config->serials->len > SERIAL_MAX)
    return refuse (error, VT_ERROR_CONFIG, "%u serial ports: a PC has at most %u", config->serials->len, SERIAL_MAX);
  if (!vt_accel_exists (config->accel))
    return refuse (error, VT_ERROR_UNSUPPORTED, "This accelerator is not supported yet: use auto");
  uint32_t techniques;
  return config->jit_without == NULL || vt_jit_techniques_parse (config->jit_without, &techniques, error);
}
