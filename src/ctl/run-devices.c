/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Options that add or shape a device. */
#include <glib/gi18n.h>
#include <string.h>

#include <vitrine/error.h>

#include "paths.h"
#include "run-options-private.h"

/* Forms of a virtio device's queues. */
static gboolean
is_ring_property (const char *key)
{
  return g_str_equal (key, "packed") || g_str_equal (key, "in-order") || g_str_equal (key, "notification-data");
}

static gboolean
set_ring_property (VtRingConfig *rings, const char *key, const char *value, GError **error)
{
  bool *where = key[0] == 'p' ? &rings->packed : key[0] == 'i' ? &rings->in_order : &rings->notification_data;
  return vitrine_run_parse_switch (key, value, where, error);
}

static gboolean
set_disk_property (VtDiskConfig *disk, const char *key, const char *value, GError **error)
{
  static const VitrineRunWord formats[] = { { "raw", VT_IMAGE_RAW }, { "qcow2", VT_IMAGE_QCOW2 }, { "luks", VT_IMAGE_LUKS },
                                  { NULL, 0 } };
  static const VitrineRunWord buses[] = { { "virtio", VT_BUS_VIRTIO }, { "sata", VT_BUS_SATA }, { "ide", VT_BUS_IDE },
                                { "scsi", VT_BUS_SCSI }, { "nvme", VT_BUS_NVME }, { "usb", VT_BUS_USB }, { NULL, 0 } };
  int choice = 0;
  if (g_str_equal (key, "readonly"))
    return vitrine_run_parse_switch (key, value, &disk->readonly, error);
  if (g_str_equal (key, "any-backing"))
    return vitrine_run_parse_switch (key, value, &disk->any_backing, error);
  if (g_str_equal (key, "snapshot"))
    return vitrine_run_parse_switch (key, value, &disk->snapshot, error);
  if (g_str_equal (key, "queues"))
    return vitrine_run_parse_number (value != NULL ? value : "", 1024, &disk->queues, error);
  if (g_str_equal (key, "port"))
    return vitrine_run_parse_number (value != NULL ? value : "", VT_HOTPLUG_PORTS, &disk->port, error);
  if (g_str_equal (key, "id") && value != NULL)
    return vitrine_run_set_string (&disk->id, value);
  if (is_ring_property (key))
    return set_ring_property (&disk->rings, key, value, error);
  if (g_str_equal (key, "format"))
    {
      if (!vitrine_run_parse_word (_("Disk format"), formats, value, &choice, error))
        return FALSE;
      disk->format = (VtImageFormat) choice;
      return TRUE;
    }
  if (g_str_equal (key, "key-file"))
    return (disk->secret = vt_secret_read_file (value, error)) != NULL;
  if (g_str_equal (key, "bus"))
    {
      if (!vitrine_run_parse_word (_("Disk bus"), buses, value, &choice, error))
        return FALSE;
      disk->bus = (VtDiskBus) choice;
      return TRUE;
    }
  return vitrine_ctl_refuse (error, _("--disk does not know “%s”: use format, bus, port, id, readonly, snapshot, any-backing, key-file, queues, packed, in-order or notification-data"), key);
}

static int
next_boot_index (VtConfig *config)
{
  int highest = 0;
  for (guint i = 0; i < config->disks->len; i++)
    highest = MAX (highest, ((VtDiskConfig *) g_ptr_array_index (config->disks, i))->boot_index);
  return highest + 1;
}

gboolean
vitrine_run_add_disk (VitrineRunTarget *target, const char *value, GError **error)
{
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  int           index = next_boot_index (target->config);
  VtDiskConfig *disk = vt_config_add_disk (target->config, g_ptr_array_index (parts, 0));
  disk->boot_index = index;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = vitrine_run_cut_value (key);
      if (!set_disk_property (disk, key, property, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
vitrine_run_add_cdrom (VitrineRunTarget *target, const char *value, GError **error)
{
  static const VitrineRunWord buses[] = { { "sata", VT_BUS_SATA }, { "ide", VT_BUS_IDE }, { "scsi", VT_BUS_SCSI },
                                          { "usb", VT_BUS_USB }, { NULL, 0 } };
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  const char   *path = g_ptr_array_index (parts, 0);
  int           index = next_boot_index (target->config);
  int           bus = g_str_equal (target->config->machine, "pc") ? VT_BUS_IDE : VT_BUS_SATA;
  VtDiskConfig *disk = vt_config_add_disk (target->config, path[0] != 0 ? path : NULL);
  disk->cdrom = true;
  disk->readonly = true;
  disk->boot_index = index;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = vitrine_run_cut_value (key);
      if (!g_str_equal (key, "bus"))
        return vitrine_ctl_refuse (error, _("--cdrom does not know “%s”: use bus"), key);
      if (!vitrine_run_parse_word (_("Disk bus"), buses, property != NULL ? property : "", &bus, error))
        return FALSE;
    }
  disk->bus = (VtDiskBus) bus;
  return TRUE;
}

gboolean
vitrine_run_add_floppy (VitrineRunTarget *target, const char *value, GError **error)
{
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  const char   *path = g_ptr_array_index (parts, 0);
  int           index = next_boot_index (target->config);
  VtDiskConfig *disk = vt_config_add_disk (target->config, path[0] != 0 ? path : NULL);
  disk->bus = VT_BUS_FDC;
  disk->boot_index = index;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = vitrine_run_cut_value (key);
      if (!g_str_equal (key, "readonly"))
        return vitrine_ctl_refuse (error, _("--floppy does not know “%s”: use readonly"), key);
      if (!vitrine_run_parse_switch (key, property, &disk->readonly, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
set_net_property (VtNetConfig *net, const char *key, const char *value, GError **error)
{
  if (is_ring_property (key))
    return set_ring_property (&net->rings, key, value, error);
  if (g_str_equal (key, "queues"))
    return vitrine_run_parse_number (value != NULL ? value : "", 1024, &net->queues, error);
  if (g_str_equal (key, "port"))
    return vitrine_run_parse_number (value != NULL ? value : "", VT_HOTPLUG_PORTS, &net->port, error);
  if (g_str_equal (key, "restricted"))
    return vitrine_run_parse_switch (key, value, &net->restricted, error);
  if (g_str_equal (key, "model"))
    {
      static const VitrineRunWord models[] = { { "virtio", VT_NET_VIRTIO }, { "e1000e", VT_NET_E1000E }, { NULL, 0 } };
      int choice = 0;
      gboolean ok = vitrine_run_parse_word (_("Network card"), models, value, &choice, error);
      net->model = (VtNetModel) choice;
      return ok;
    }
  if (g_str_equal (key, "mac"))
    return vitrine_parse_mac (value != NULL ? value : "", net->mac, error);
  if (!g_str_equal (key, "hostfwd") || value == NULL)
    return vitrine_ctl_refuse (error, _("--net does not know “%s”: use model, hostfwd, mac, port, restricted, queues, packed, in-order or notification-data"), key);
  g_ptr_array_add (net->forwards, g_strdup (value));
  return TRUE;
}

/* "local=NAME" and so on; the card is on user networking without it. */
static gboolean
set_network (VtNetConfig *net, const char *kind)
{
  const struct { const char *word; char **name; } kinds[] = { { "local=", &net->local }, { "tap=", &net->tap }, { "bridge=", &net->bridge } };
  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_prefix (kind, kinds[i].word) && kind[strlen (kinds[i].word)] != 0)
      {
        const char *name = kind + strlen (kinds[i].word);
        *kinds[i].name = kinds[i].name == &net->local ? vitrine_paths_network (name) : g_strdup (name);
        return TRUE;
      }
  return g_str_equal (kind, "user");
}

gboolean
vitrine_run_set_net (VitrineRunTarget *target, const char *value, GError **error)
{
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  if (g_str_equal (value, "none"))
    return TRUE;
  const char *kind = g_ptr_array_index (parts, 0);
  VtNetConfig *net = vt_config_add_net (target->config);
  if (!set_network (net, kind))
    return vitrine_ctl_refuse (error, _("Network “%s” is not supported: use user, local=NAME, bridge=NAME, tap=NAME or none"), kind);
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = vitrine_run_cut_value (key);
      if (!set_net_property (net, key, property, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
set_video_property (VtConfig *config, const char *key, const char *value, GError **error)
{
  if (is_ring_property (key))
    return set_ring_property (&config->video_rings, key, value, error);
  if (g_str_equal (key, "edid"))
    return vitrine_run_parse_switch (key, value, &config->edid, error);
  if (g_str_equal (key, "xres") || g_str_equal (key, "yres"))
    return vitrine_run_parse_number (value != NULL ? value : "", 16384, key[0] == 'x' ? &config->xres : &config->yres, error);
  if (g_str_equal (key, "vram"))
    return vitrine_parse_size (value != NULL ? value : "", VITRINE_MIB, &config->vram_bytes, error);
  if (g_str_equal (key, "heads"))
    return vitrine_run_parse_number (value != NULL ? value : "", 16, &config->heads, error);
  if (g_str_equal (key, "ramfb"))
    return vitrine_run_parse_switch (key, value, &config->boot_ramfb, error);
  if (g_str_equal (key, "vga"))
    {
      bool vga = true;
      gboolean ok = vitrine_run_parse_switch (key, value, &vga, error);
      config->no_vga = !vga;
      return ok;
    }
  return vitrine_ctl_refuse (error, _("--video does not know “%s”: use xres, yres, edid, vram, heads, ramfb, vga, packed, in-order or notification-data"), key);
}

gboolean
vitrine_run_set_video (VitrineRunTarget *target, const char *value, GError **error)
{
  static const VitrineRunWord words[] = { { "std", VT_VIDEO_STD }, { "bochs", VT_VIDEO_BOCHS }, { "ramfb", VT_VIDEO_RAMFB },
                                { "virtio", VT_VIDEO_VIRTIO }, { "none", VT_VIDEO_NONE }, { NULL, 0 } };
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  int choice;
  if (!vitrine_run_parse_word (_("Video device"), words, g_ptr_array_index (parts, 0), &choice, error))
    return FALSE;
  target->config->video = (VtVideo) choice;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = vitrine_run_cut_value (key);
      if (!set_video_property (target->config, key, property, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
vitrine_run_add_input (VitrineRunTarget *target, const char *value, GError **error)
{
  static const VitrineRunWord kinds[] = { { "keyboard", VT_INPUT_KEYBOARD }, { "mouse", VT_INPUT_MOUSE }, { "tablet", VT_INPUT_TABLET },
                                { NULL, 0 } };
  static const VitrineRunWord buses[] = { { "usb", VT_INPUT_USB }, { "virtio", VT_INPUT_VIRTIO }, { NULL, 0 } };
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  int kind, bus = VT_INPUT_USB;
  VtRingConfig rings = { false };
  if (!vitrine_run_parse_word (_("Input device"), kinds, g_ptr_array_index (parts, 0), &kind, error))
    return FALSE;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = vitrine_run_cut_value (key);
      if (is_ring_property (key) && set_ring_property (&rings, key, property, error))
        continue;
      if (!g_str_equal (key, "bus"))
        return *error == NULL ? vitrine_ctl_refuse (error, _("--input does not know “%s”: use bus, packed, in-order or notification-data"), key) : FALSE;
      if (!vitrine_run_parse_word (_("Input bus"), buses, property != NULL ? property : "", &bus, error))
        return FALSE;
    }
  vt_config_add_input (target->config, (VtInputDevice) kind, (VtInputBus) bus)->rings = rings;
  return TRUE;
}

/* A device that is there or not, and has no properties but those of its queues. */
static gboolean
set_plain_device (const char *option, const char *value, bool *on, VtRingConfig *rings, GError **error)
{
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  if (!vitrine_run_parse_switch (option, g_ptr_array_index (parts, 0), on, error))
    return FALSE;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = vitrine_run_cut_value (key);
      if (!is_ring_property (key))
        return vitrine_ctl_refuse (error, _("%s does not know “%s”: use packed, in-order or notification-data"), option, key);
      if (!set_ring_property (rings, key, property, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
vitrine_run_set_rng (VitrineRunTarget *target, const char *value, GError **error)
{
  return set_plain_device ("--rng", value, &target->config->rng, &target->config->rng_rings, error);
}

static gboolean
set_sound_output (VtConfig *config, char *where, GError **error)
{
  char *path = vitrine_run_cut_value (where);

  config->sound = g_str_equal (where, "off") ? VT_SOUND_NONE : VT_SOUND_ICH9;
  config->sound_output = path != NULL ? VT_SOUND_TO_FILE : g_str_equal (where, "none") ? VT_SOUND_TO_NOBODY : VT_SOUND_TO_DESKTOP;
  if (path != NULL && g_str_equal (where, "wav"))
    return vitrine_run_set_string (&config->sound_path, path);
  if (path == NULL && (g_str_equal (where, "off") || g_str_equal (where, "none") || g_str_equal (where, "desktop")))
    return TRUE;
  return vitrine_ctl_refuse (error, _("--sound does not know “%s”: use desktop, none, off or wav=FILE"), where);
}

gboolean
vitrine_run_set_sound (VitrineRunTarget *target, const char *value, GError **error)
{
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);

  if (!set_sound_output (target->config, g_ptr_array_index (parts, 0), error))
    return FALSE;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i), *property = vitrine_run_cut_value (key);
      if (!g_str_equal (key, "model") || (g_strcmp0 (property, "ich6") != 0 && g_strcmp0 (property, "ich9") != 0))
        return vitrine_ctl_refuse (error, _("--sound does not know “%s”: use model=ich6 or model=ich9"), key);
      if (target->config->sound != VT_SOUND_NONE)
        target->config->sound = g_str_equal (property, "ich6") ? VT_SOUND_ICH6 : VT_SOUND_ICH9;
    }
  return TRUE;
}

gboolean
vitrine_run_set_crypto (VitrineRunTarget *target, const char *value, GError **error)
{
  return set_plain_device ("--crypto", value, &target->config->crypto, &target->config->crypto_rings, error);
}

gboolean
vitrine_run_add_usb_redir (VitrineRunTarget *target, const char *value, GError **error)
{
  if (value[0] == '\0')
    return vitrine_ctl_refuse (error, _("--usb-redir needs the path of a socket"));
  g_ptr_array_add (target->config->usb_sockets, g_strdup (value));
  return TRUE;
}

gboolean
vitrine_run_add_share (VitrineRunTarget *target, const char *value, GError **error)
{
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  VtShareConfig *share = vt_config_add_share (target->config, g_ptr_array_index (parts, 0), "share");
  for (guint i = 1; i < parts->len; i++)
    {
      char    *key = g_ptr_array_index (parts, i);
      char    *property = vitrine_run_cut_value (key);
      gboolean ok;
      if (g_str_equal (key, "tag") && property != NULL)
        ok = vitrine_run_set_string (&share->tag, property);
      else if (g_str_equal (key, "readonly"))
        ok = vitrine_run_parse_switch (key, property, &share->readonly, error);
      else if (is_ring_property (key))
        ok = set_ring_property (&share->rings, key, property, error);
      else
        ok = vitrine_ctl_refuse (error, _("--share does not know “%s”: use tag, readonly, packed, in-order or notification-data"), key);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

gboolean
vitrine_run_set_tpm (VitrineRunTarget *target, const char *value, GError **error)
{
  static const VitrineRunWord models[] = { { "crb", VT_TPM_CRB }, { "tis", VT_TPM_TIS }, { NULL, 0 } };
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  const char *where = g_ptr_array_index (parts, 0);
  int         model = g_str_equal (where, "none") ? VT_TPM_NONE : VT_TPM_CRB;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = vitrine_run_cut_value (key);
      if (!g_str_equal (key, "model"))
        return vitrine_ctl_refuse (error, _("--tpm does not know “%s”: use model"), key);
      if (!vitrine_run_parse_word (_("TPM model"), models, property != NULL ? property : "", &model, error))
        return FALSE;
    }
  target->config->tpm = (VtTpmModel) model;
  g_clear_pointer (&target->config->tpm_folder, g_free);
  if (model != VT_TPM_NONE && !g_str_equal (where, "temporary"))
    target->config->tpm_folder = g_canonicalize_filename (where, NULL);
  return TRUE;
}

gboolean
vitrine_run_set_vsock (VitrineRunTarget *target, const char *value, GError **error)
{
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  vitrine_run_set_string (&target->config->vsock_path, g_ptr_array_index (parts, 0));
  target->config->vsock_cid = 3;
  for (guint i = 1; i < parts->len; i++)
    {
      char    *key = g_ptr_array_index (parts, i);
      char    *property = vitrine_run_cut_value (key);
      gboolean ok;
      if (g_str_equal (key, "cid"))
        ok = vitrine_run_parse_number (property != NULL ? property : "", G_MAXUINT - 1, &target->config->vsock_cid, error);
      else if (is_ring_property (key))
        ok = set_ring_property (&target->config->vsock_rings, key, property, error);
      else
        ok = vitrine_ctl_refuse (error, _("--vsock does not know “%s”: use cid, packed, in-order or notification-data"), key);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

gboolean
vitrine_run_set_balloon (VitrineRunTarget *target, const char *value, GError **error)
{
  VtConfig *config = target->config;
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  config->balloon_deflates = config->balloon_reports = true;
  if (!vitrine_run_parse_switch ("--balloon", g_ptr_array_index (parts, 0), &config->balloon, error))
    return FALSE;
  for (guint i = 1; i < parts->len; i++)
    {
      char    *key = g_ptr_array_index (parts, i);
      char    *property = vitrine_run_cut_value (key);
      gboolean ok;
      if (is_ring_property (key))
        ok = set_ring_property (&config->balloon_rings, key, property, error);
      else if (g_str_equal (key, "reporting") || g_str_equal (key, "deflate-on-oom"))
        ok = vitrine_run_parse_switch (key, property, key[0] == 'r' ? &config->balloon_reports : &config->balloon_deflates, error);
      else
        ok = vitrine_ctl_refuse (error, _("--balloon does not know “%s”: use reporting, deflate-on-oom, packed, in-order or notification-data"), key);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

gboolean
vitrine_run_add_serial (VitrineRunTarget *target, const char *value, GError **error)
{
  static const VitrineRunWord words[] = { { "stdio", VT_SERIAL_STDIO }, { "null", VT_SERIAL_NULL }, { "pty", VT_SERIAL_PTY }, { NULL, 0 } };
  int kind = VT_SERIAL_FILE;
  if (!g_str_has_prefix (value, "file:") && !vitrine_run_parse_word (_("Serial port"), words, value, &kind, error))
    return FALSE;
  VtSerialConfig *serial = vt_config_add_serial (target->config, (VtSerialKind) kind);
  if (kind == VT_SERIAL_FILE)
    serial->path = g_strdup (value + strlen ("file:"));
  return TRUE;
}

/* "unix:PATH", "file:PATH" or a word; properties follow a comma. */
static gboolean
add_port (VitrineRunTarget *target, const char *option, const char *value, bool console, GError **error)
{
  static const VitrineRunWord words[] = { { "stdio", VT_SERIAL_STDIO }, { "null", VT_SERIAL_NULL }, { "pty", VT_SERIAL_PTY }, { NULL, 0 } };
  g_autoptr (GPtrArray) parts = vitrine_run_split_commas (value);
  const char *end = g_ptr_array_index (parts, 0);
  bool        file = g_str_has_prefix (end, "file:"), socket = g_str_has_prefix (end, "unix:");
  int         kind = file ? VT_SERIAL_FILE : VT_SERIAL_SOCKET;
  if (!file && !socket && !vitrine_run_parse_word (option, words, end, &kind, error))
    return FALSE;
  VtPortConfig *port = vt_config_add_port (target->config, (VtSerialKind) kind, console);
  port->end.path = file || socket ? g_strdup (end + strlen ("file:")) : NULL;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = vitrine_run_cut_value (key);
      if (g_str_equal (key, "name") && property != NULL)
        vitrine_run_set_string (&port->name, property);
      else if (!is_ring_property (key))
        return vitrine_ctl_refuse (error, _("%s does not know “%s”: use name, packed, in-order or notification-data"), option, key);
      else if (!set_ring_property (&port->rings, key, property, error))
        return FALSE;
    }
  return TRUE;
}

gboolean
vitrine_run_add_virtio_console (VitrineRunTarget *target, const char *value, GError **error)
{
  return add_port (target, "--virtio-console", value, true, error);
}

gboolean
vitrine_run_add_channel (VitrineRunTarget *target, const char *value, GError **error)
{
  return add_port (target, "--channel", value, false, error);
}
