/* SPDX-License-Identifier: GPL-3.0-or-later */
/* How long a VtConfig and what it owns live.  A library of its own, of GLib only, so that the application's tests link it
 * without a computer. */
#include "config-private.h"

#include "bits.h"

#define OVMF_FOLDER "/usr/share/OVMF/"

void
vt_disk_config_free (VtDiskConfig *disk)
{
  g_free (disk->path);
  g_free (disk->id);
  vt_secret_unref (disk->secret);
  g_free (disk);
}

static void
disk_free (gpointer data)
{
  vt_disk_config_free (data);
}

static void
serial_free (gpointer data)
{
  VtSerialConfig *serial = data;
  g_free (serial->path);
  g_free (serial);
}

static void
share_free (gpointer data)
{
  VtShareConfig *share = data;
  g_free (share->folder);
  g_free (share->tag);
  g_free (share);
}

static void
port_free (gpointer data)
{
  VtPortConfig *port = data;
  g_free (port->end.path);
  g_free (port->name);
  g_free (port);
}

void
vt_net_config_free (VtNetConfig *net)
{
  g_ptr_array_unref (net->forwards);
  g_free (net->local);
  g_free (net->tap);
  g_free (net->bridge);
  g_free (net);
}

static void
net_free (gpointer data)
{
  vt_net_config_free (data);
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
  config->tpm_control_fd = config->tpm_data_fd = -1;
  config->disks = g_ptr_array_new_with_free_func (disk_free);
  config->serials = g_ptr_array_new_with_free_func (serial_free);
  config->shares = g_ptr_array_new_with_free_func (share_free);
  config->ports = g_ptr_array_new_with_free_func (port_free);
  config->inputs = g_ptr_array_new_with_free_func (g_free);
  config->nets = g_ptr_array_new_with_free_func (net_free);
  config->usb_sockets = g_ptr_array_new_with_free_func (g_free);
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
  g_free (config->nvram_template);
  g_free (config->kernel);
  g_free (config->initrd);
  g_free (config->append);
  g_free (config->debugcon);
  g_free (config->vsock_path);
  g_free (config->sound_path);
  g_free (config->tpm_folder);
  g_free (config->jit_without);
  g_clear_pointer (&config->disks, g_ptr_array_unref);
  g_clear_pointer (&config->serials, g_ptr_array_unref);
  g_clear_pointer (&config->shares, g_ptr_array_unref);
  g_clear_pointer (&config->ports, g_ptr_array_unref);
  g_clear_pointer (&config->inputs, g_ptr_array_unref);
  g_clear_pointer (&config->nets, g_ptr_array_unref);
  g_clear_pointer (&config->usb_sockets, g_ptr_array_unref);
}

void
vt_config_free (VtConfig *config)
{
  if (config == NULL)
    return;
  vt_config_clear (config);
  g_free (config);
}

VtDiskConfig *
vt_disk_config_copy (const VtDiskConfig *from)
{
  VtDiskConfig *disk = g_memdup2 (from, sizeof *disk);
  disk->path = g_strdup (disk->path);
  disk->id = g_strdup (disk->id);
  vt_secret_ref (disk->secret);
  return disk;
}

static gpointer
copy_disk (gconstpointer from, gpointer unused)
{
  return vt_disk_config_copy (from);
}

static gpointer
copy_serial (gconstpointer from, gpointer unused)
{
  VtSerialConfig *serial = g_memdup2 (from, sizeof *serial);
  serial->path = g_strdup (serial->path);
  return serial;
}

static gpointer
copy_share (gconstpointer from, gpointer unused)
{
  VtShareConfig *share = g_memdup2 (from, sizeof *share);
  share->folder = g_strdup (share->folder);
  share->tag = g_strdup (share->tag);
  return share;
}

static gpointer
copy_port (gconstpointer from, gpointer unused)
{
  VtPortConfig *port = g_memdup2 (from, sizeof *port);
  port->end.path = g_strdup (port->end.path);
  port->name = g_strdup (port->name);
  return port;
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

VtNetConfig *
vt_net_config_copy (const VtNetConfig *from)
{
  VtNetConfig *net = g_memdup2 (from, sizeof *net);
  net->forwards = g_ptr_array_copy (net->forwards, copy_string, NULL);
  net->local = g_strdup (net->local);
  net->tap = g_strdup (net->tap);
  net->bridge = g_strdup (net->bridge);
  return net;
}

static gpointer
copy_net (gconstpointer from, gpointer unused)
{
  return vt_net_config_copy (from);
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
  to->nvram_template = g_strdup (from->nvram_template);
  to->kernel = g_strdup (from->kernel);
  to->initrd = g_strdup (from->initrd);
  to->append = g_strdup (from->append);
  to->debugcon = g_strdup (from->debugcon);
  to->vsock_path = g_strdup (from->vsock_path);
  to->sound_path = g_strdup (from->sound_path);
  to->tpm_folder = g_strdup (from->tpm_folder);
  to->jit_without = g_strdup (from->jit_without);
  to->disks = g_ptr_array_copy (from->disks, copy_disk, NULL);
  to->serials = g_ptr_array_copy (from->serials, copy_serial, NULL);
  to->shares = g_ptr_array_copy (from->shares, copy_share, NULL);
  to->ports = g_ptr_array_copy (from->ports, copy_port, NULL);
  to->inputs = g_ptr_array_copy (from->inputs, copy_input, NULL);
  to->nets = g_ptr_array_copy (from->nets, copy_net, NULL);
  to->usb_sockets = g_ptr_array_copy (from->usb_sockets, copy_string, NULL);
}

const char *
vt_firmware_uefi_code (bool secure_boot, bool enrolled_keys)
{
  if (!secure_boot)
    return OVMF_FOLDER "OVMF_CODE_4M.fd";
  return enrolled_keys ? OVMF_FOLDER "OVMF_CODE_4M.ms.fd" : OVMF_FOLDER "OVMF_CODE_4M.secboot.fd";
}

const char *
vt_firmware_uefi_variables (bool secure_boot, bool enrolled_keys)
{
  return secure_boot && enrolled_keys ? OVMF_FOLDER "OVMF_VARS_4M.ms.fd" : OVMF_FOLDER "OVMF_VARS_4M.fd";
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

VtShareConfig *
vt_config_add_share (VtConfig *config, const char *folder, const char *tag)
{
  VtShareConfig *share = g_new0 (VtShareConfig, 1);
  share->folder = g_strdup (folder);
  share->tag = g_strdup (tag);
  g_ptr_array_add (config->shares, share);
  return share;
}

VtPortConfig *
vt_config_add_port (VtConfig *config, VtSerialKind kind, bool console)
{
  VtPortConfig *port = g_new0 (VtPortConfig, 1);
  port->end.kind = kind;
  port->console = console;
  g_ptr_array_add (config->ports, port);
  return port;
}

bool
vt_parse_mac (const char *text, uint8_t mac[6])
{
  g_auto (GStrv) bytes = g_strsplit (text, ":", 7);
  guint64        byte;
  if (g_strv_length (bytes) != 6)
    return false;
  for (unsigned i = 0; i < 6; i++)
    {
      if (strlen (bytes[i]) > 2 || !g_ascii_string_to_unsigned (bytes[i], 16, 0, 255, &byte, NULL))
        return false;
      mac[i] = (uint8_t) byte;
    }
  return (mac[0] & 1) == 0;
}

VtNetConfig *
vt_config_add_net (VtConfig *config)
{
  VtNetConfig *net = g_new0 (VtNetConfig, 1);
  net->fd = -1;
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

/* Locally administered, of the range that virtual machines use. */
void
vt_default_mac (const char *id, unsigned card, uint8_t mac[6])
{
  guint         hash = g_str_hash (id != NULL ? id : "vitrine") + card;
  const uint8_t made[6] = { 0x52, 0x54, 0x00, (uint8_t) (hash >> 16), (uint8_t) (hash >> 8), (uint8_t) hash };
  memcpy (mac, made, sizeof made);
}
