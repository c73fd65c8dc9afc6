/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "run-options.h"

#include <glib/gi18n.h>
#include <string.h>

#include <vitrine/error.h>

#include "paths.h"
#include "sizes.h"

typedef struct
{
  VitrineRunOptions *options;
  VtConfig          *config;
} Target;

typedef gboolean (*Apply) (Target *target, const char *value, GError **error);

static gboolean G_GNUC_PRINTF (2, 3)
refuse (GError **error, const char *format, ...)
{
  va_list args;
  va_start (args, format);
  g_autofree char *message = g_strdup_vprintf (format, args);
  va_end (args);
  g_set_error_literal (error, VT_ERROR, VT_ERROR_CONFIG, message);
  return FALSE;
}

/* --- Values ---------------------------------------------------------------------------------------------------------- */

static gboolean
parse_number (const char *text, guint max, guint *out, GError **error)
{
  guint64 number;
  if (!g_ascii_string_to_unsigned (text, 10, 0, max, &number, NULL))
    return refuse (error, _("“%s” is not a number from 0 to %u"), text, max);
  *out = (guint) number;
  return TRUE;
}

static gboolean
parse_switch (const char *key, const char *value, bool *out, GError **error)
{
  if (g_strcmp0 (value, "on") != 0 && g_strcmp0 (value, "off") != 0)
    return refuse (error, _("%s takes “on” or “off”, not “%s”"), key, value != NULL ? value : "");
  *out = g_str_equal (value, "on");
  return TRUE;
}

typedef struct
{
  const char *word;
  int         value;
} Word;

static gboolean
parse_word (const char *what, const Word *words, const char *text, int *out, GError **error)
{
  g_autoptr (GString) known = g_string_new (NULL);
  for (const Word *word = words; word->word != NULL; word++)
    {
      if (g_strcmp0 (word->word, text) == 0)
        {
          *out = word->value;
          return TRUE;
        }
      g_string_append_printf (known, "%s%s", known->len > 0 ? ", " : "", word->word);
    }
  return refuse (error, _("%s “%s” is not known: choose one of %s"), what, text, known->str);
}

/* "VALUE@SECONDS"; the last @ counts, and only when a number follows. */
static VitrineRunEvent *
parse_event (const char *text, double without)
{
  VitrineRunEvent *event = g_new0 (VitrineRunEvent, 1);
  const char      *at = strrchr (text, '@');
  char            *end = NULL;
  double           seconds = at != NULL ? g_ascii_strtod (at + 1, &end) : 0;
  bool             timed = at != NULL && end != at + 1 && *end == 0 && seconds >= 0;
  event->what = timed ? g_strndup (text, (gsize) (at - text)) : g_strdup (text);
  event->seconds = timed ? seconds : without;
  return event;
}

static void
event_free (gpointer data)
{
  g_free (((VitrineRunEvent *) data)->what);
  g_free (data);
}

/* Splits "F,key=value,key=value"; a doubled comma is a comma. */
static GPtrArray *
split_commas (const char *text)
{
  GPtrArray *parts = g_ptr_array_new_with_free_func (g_free);
  g_autoptr (GString) part = g_string_new (NULL);
  for (const char *c = text; *c != 0; c++)
    if (c[0] == ',' && c[1] == ',')
      g_string_append_c (part, *c++);
    else if (*c == ',')
      {
        g_ptr_array_add (parts, g_strdup (part->str));
        g_string_truncate (part, 0);
      }
    else
      g_string_append_c (part, *c);
  g_ptr_array_add (parts, g_strdup (part->str));
  return parts;
}

/* Cuts "key=value" in place; value is NULL without "=". */
static char *
cut_value (char *part)
{
  char *equals = strchr (part, '=');
  if (equals != NULL)
    *equals++ = 0;
  return equals;
}

/* --- Options ------------------------------------------------------------------------------------------------------------ */

static gboolean
set_machine (Target *target, const char *value, GError **error)
{
  g_free (target->config->machine);
  target->config->machine = g_strdup (value);
  return TRUE;
}

static gboolean
set_accel (Target *target, const char *value, GError **error)
{
  static const Word words[] = { { "auto", VT_ACCEL_AUTO }, { "interp", VT_ACCEL_INTERP }, { "jit", VT_ACCEL_JIT },
                                { "kvm", VT_ACCEL_KVM }, { "cosim", VT_ACCEL_COSIM }, { NULL, 0 } };
  int choice;
  if (!parse_word (_("Accelerator"), words, value, &choice, error))
    return FALSE;
  target->config->accel = (VtAccelChoice) choice;
  return TRUE;
}

static gboolean
set_string (char **where, const char *value)
{
  g_free (*where);
  *where = g_strdup (value);
  return TRUE;
}

static gboolean
set_cpu (Target *target, const char *value, GError **error)
{
  return set_string (&target->config->cpu_model, value);
}

static gboolean
set_cpus (Target *target, const char *value, GError **error)
{
  return parse_number (value, 1024, &target->config->cpus, error);
}

static gboolean
set_memory (Target *target, const char *value, GError **error)
{
  return vitrine_parse_size (value, VITRINE_MIB, &target->config->memory_bytes, error);
}

static gboolean
set_kernel (Target *target, const char *value, GError **error)
{
  return set_string (&target->config->kernel, value);
}

static gboolean
set_initrd (Target *target, const char *value, GError **error)
{
  return set_string (&target->config->initrd, value);
}

static gboolean
set_append (Target *target, const char *value, GError **error)
{
  return set_string (&target->config->append, value);
}

static gboolean
set_firmware (Target *target, const char *value, GError **error)
{
  static const Word words[] = { { "bios", VT_FIRMWARE_BIOS }, { "uefi", VT_FIRMWARE_UEFI }, { NULL, 0 } };
  int choice;
  if (!parse_word (_("Firmware"), words, value, &choice, error))
    return FALSE;
  target->config->firmware = (VtFirmware) choice;
  return TRUE;
}

static gboolean
set_bios (Target *target, const char *value, GError **error)
{
  return set_string (&target->config->firmware_code, value);
}

static gboolean
set_nvram (Target *target, const char *value, GError **error)
{
  return set_string (&target->config->nvram, value);
}

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
  return parse_switch (key, value, where, error);
}

static gboolean
set_disk_property (VtDiskConfig *disk, const char *key, const char *value, GError **error)
{
  static const Word formats[] = { { "raw", VT_IMAGE_RAW }, { "qcow2", VT_IMAGE_QCOW2 }, { "luks", VT_IMAGE_LUKS },
                                  { NULL, 0 } };
  static const Word buses[] = { { "virtio", VT_BUS_VIRTIO }, { "sata", VT_BUS_SATA }, { "ide", VT_BUS_IDE },
                                { "scsi", VT_BUS_SCSI }, { NULL, 0 } };
  int choice = 0;
  if (g_str_equal (key, "readonly"))
    return parse_switch (key, value, &disk->readonly, error);
  if (g_str_equal (key, "any-backing"))
    return parse_switch (key, value, &disk->any_backing, error);
  if (g_str_equal (key, "snapshot"))
    return parse_switch (key, value, &disk->snapshot, error);
  if (g_str_equal (key, "queues"))
    return parse_number (value != NULL ? value : "", 1024, &disk->queues, error);
  if (is_ring_property (key))
    return set_ring_property (&disk->rings, key, value, error);
  if (g_str_equal (key, "format"))
    {
      if (!parse_word (_("Disk format"), formats, value, &choice, error))
        return FALSE;
      disk->format = (VtImageFormat) choice;
      return TRUE;
    }
  if (g_str_equal (key, "key-file"))
    return (disk->secret = vt_secret_read_file (value, error)) != NULL;
  if (g_str_equal (key, "bus"))
    {
      if (!parse_word (_("Disk bus"), buses, value, &choice, error))
        return FALSE;
      disk->bus = (VtDiskBus) choice;
      return TRUE;
    }
  return refuse (error, _("--disk does not know “%s”: use format, bus, readonly, snapshot, any-backing, key-file, queues, packed, in-order or notification-data"), key);
}

static int
next_boot_index (VtConfig *config)
{
  int highest = 0;
  for (guint i = 0; i < config->disks->len; i++)
    highest = MAX (highest, ((VtDiskConfig *) g_ptr_array_index (config->disks, i))->boot_index);
  return highest + 1;
}

static gboolean
add_disk (Target *target, const char *value, GError **error)
{
  g_autoptr (GPtrArray) parts = split_commas (value);
  int           index = next_boot_index (target->config);
  VtDiskConfig *disk = vt_config_add_disk (target->config, g_ptr_array_index (parts, 0));
  disk->boot_index = index;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = cut_value (key);
      if (!set_disk_property (disk, key, property, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_cdrom (Target *target, const char *value, GError **error)
{
  static const Word buses[] = { { "sata", VT_BUS_SATA }, { "scsi", VT_BUS_SCSI }, { NULL, 0 } };
  g_autoptr (GPtrArray) parts = split_commas (value);
  const char   *path = g_ptr_array_index (parts, 0);
  int           index = next_boot_index (target->config), bus = VT_BUS_SATA;
  VtDiskConfig *disk = vt_config_add_disk (target->config, path[0] != 0 ? path : NULL);
  disk->cdrom = true;
  disk->readonly = true;
  disk->boot_index = index;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = cut_value (key);
      if (!g_str_equal (key, "bus"))
        return refuse (error, _("--cdrom does not know “%s”: use bus"), key);
      if (!parse_word (_("Disk bus"), buses, property != NULL ? property : "", &bus, error))
        return FALSE;
    }
  disk->bus = (VtDiskBus) bus;
  return TRUE;
}

static gboolean
add_floppy (Target *target, const char *value, GError **error)
{
  return refuse (error, _("Floppy drives are not supported yet"));
}

static gboolean
set_net_property (VtNetConfig *net, const char *key, const char *value, GError **error)
{
  if (is_ring_property (key))
    return set_ring_property (&net->rings, key, value, error);
  if (g_str_equal (key, "queues"))
    return parse_number (value != NULL ? value : "", 1024, &net->queues, error);
  if (g_str_equal (key, "restricted"))
    return parse_switch (key, value, &net->restricted, error);
  if (g_str_equal (key, "mac"))
    return vitrine_parse_mac (value != NULL ? value : "", net->mac, error);
  if (!g_str_equal (key, "hostfwd") || value == NULL)
    return refuse (error, _("--net does not know “%s”: use hostfwd, mac, restricted, queues, packed, in-order or notification-data"), key);
  g_ptr_array_add (net->forwards, g_strdup (value));
  return TRUE;
}

static gboolean
set_net (Target *target, const char *value, GError **error)
{
  g_autoptr (GPtrArray) parts = split_commas (value);
  if (g_str_equal (value, "none"))
    return TRUE;
  const char *kind = g_ptr_array_index (parts, 0);
  gboolean    local = g_str_has_prefix (kind, "local=") && kind[strlen ("local=")] != 0;
  if (!local && !g_str_equal (kind, "user"))
    return refuse (error, _("Network “%s” is not supported: use user, local=NAME or none"), kind);
  VtNetConfig *net = vt_config_add_net (target->config);
  net->local = local ? vitrine_paths_network (kind + strlen ("local=")) : NULL;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = cut_value (key);
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
    return parse_switch (key, value, &config->edid, error);
  if (g_str_equal (key, "xres") || g_str_equal (key, "yres"))
    return parse_number (value != NULL ? value : "", 16384, key[0] == 'x' ? &config->xres : &config->yres, error);
  if (g_str_equal (key, "vram"))
    return vitrine_parse_size (value != NULL ? value : "", VITRINE_MIB, &config->vram_bytes, error);
  if (g_str_equal (key, "heads"))
    return parse_number (value != NULL ? value : "", 16, &config->heads, error);
  if (g_str_equal (key, "ramfb"))
    return parse_switch (key, value, &config->boot_ramfb, error);
  if (g_str_equal (key, "vga"))
    {
      bool vga = true;
      gboolean ok = parse_switch (key, value, &vga, error);
      config->no_vga = !vga;
      return ok;
    }
  return refuse (error, _("--video does not know “%s”: use xres, yres, edid, vram, heads, ramfb, vga, packed, in-order or notification-data"), key);
}

static gboolean
set_video (Target *target, const char *value, GError **error)
{
  static const Word words[] = { { "std", VT_VIDEO_STD }, { "bochs", VT_VIDEO_BOCHS }, { "ramfb", VT_VIDEO_RAMFB },
                                { "virtio", VT_VIDEO_VIRTIO }, { "none", VT_VIDEO_NONE }, { NULL, 0 } };
  g_autoptr (GPtrArray) parts = split_commas (value);
  int choice;
  if (!parse_word (_("Video device"), words, g_ptr_array_index (parts, 0), &choice, error))
    return FALSE;
  target->config->video = (VtVideo) choice;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = cut_value (key);
      if (!set_video_property (target->config, key, property, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_input (Target *target, const char *value, GError **error)
{
  static const Word kinds[] = { { "keyboard", VT_INPUT_KEYBOARD }, { "mouse", VT_INPUT_MOUSE }, { "tablet", VT_INPUT_TABLET },
                                { NULL, 0 } };
  static const Word buses[] = { { "usb", VT_INPUT_USB }, { "virtio", VT_INPUT_VIRTIO }, { NULL, 0 } };
  g_autoptr (GPtrArray) parts = split_commas (value);
  int kind, bus = VT_INPUT_USB;
  VtRingConfig rings = { false };
  if (!parse_word (_("Input device"), kinds, g_ptr_array_index (parts, 0), &kind, error))
    return FALSE;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = cut_value (key);
      if (is_ring_property (key) && set_ring_property (&rings, key, property, error))
        continue;
      if (!g_str_equal (key, "bus"))
        return *error == NULL ? refuse (error, _("--input does not know “%s”: use bus, packed, in-order or notification-data"), key) : FALSE;
      if (!parse_word (_("Input bus"), buses, property != NULL ? property : "", &bus, error))
        return FALSE;
    }
  vt_config_add_input (target->config, (VtInputDevice) kind, (VtInputBus) bus)->rings = rings;
  return TRUE;
}

/* A device that is there or not, and has no properties but those of its queues. */
static gboolean
set_plain_device (const char *option, const char *value, bool *on, VtRingConfig *rings, GError **error)
{
  g_autoptr (GPtrArray) parts = split_commas (value);
  if (!parse_switch (option, g_ptr_array_index (parts, 0), on, error))
    return FALSE;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = cut_value (key);
      if (!is_ring_property (key))
        return refuse (error, _("%s does not know “%s”: use packed, in-order or notification-data"), option, key);
      if (!set_ring_property (rings, key, property, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
set_rng (Target *target, const char *value, GError **error)
{
  return set_plain_device ("--rng", value, &target->config->rng, &target->config->rng_rings, error);
}

static gboolean
set_crypto (Target *target, const char *value, GError **error)
{
  return set_plain_device ("--crypto", value, &target->config->crypto, &target->config->crypto_rings, error);
}

static gboolean
add_share (Target *target, const char *value, GError **error)
{
  g_autoptr (GPtrArray) parts = split_commas (value);
  VtShareConfig *share = vt_config_add_share (target->config, g_ptr_array_index (parts, 0), "share");
  for (guint i = 1; i < parts->len; i++)
    {
      char    *key = g_ptr_array_index (parts, i);
      char    *property = cut_value (key);
      gboolean ok;
      if (g_str_equal (key, "tag") && property != NULL)
        ok = set_string (&share->tag, property);
      else if (g_str_equal (key, "readonly"))
        ok = parse_switch (key, property, &share->readonly, error);
      else if (is_ring_property (key))
        ok = set_ring_property (&share->rings, key, property, error);
      else
        ok = refuse (error, _("--share does not know “%s”: use tag, readonly, packed, in-order or notification-data"), key);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

static gboolean
set_vsock (Target *target, const char *value, GError **error)
{
  g_autoptr (GPtrArray) parts = split_commas (value);
  set_string (&target->config->vsock_path, g_ptr_array_index (parts, 0));
  target->config->vsock_cid = 3;
  for (guint i = 1; i < parts->len; i++)
    {
      char    *key = g_ptr_array_index (parts, i);
      char    *property = cut_value (key);
      gboolean ok;
      if (g_str_equal (key, "cid"))
        ok = parse_number (property != NULL ? property : "", G_MAXUINT - 1, &target->config->vsock_cid, error);
      else if (is_ring_property (key))
        ok = set_ring_property (&target->config->vsock_rings, key, property, error);
      else
        ok = refuse (error, _("--vsock does not know “%s”: use cid, packed, in-order or notification-data"), key);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

static gboolean
set_balloon (Target *target, const char *value, GError **error)
{
  VtConfig *config = target->config;
  g_autoptr (GPtrArray) parts = split_commas (value);
  config->balloon_deflates = config->balloon_reports = true;
  if (!parse_switch ("--balloon", g_ptr_array_index (parts, 0), &config->balloon, error))
    return FALSE;
  for (guint i = 1; i < parts->len; i++)
    {
      char    *key = g_ptr_array_index (parts, i);
      char    *property = cut_value (key);
      gboolean ok;
      if (is_ring_property (key))
        ok = set_ring_property (&config->balloon_rings, key, property, error);
      else if (g_str_equal (key, "reporting") || g_str_equal (key, "deflate-on-oom"))
        ok = parse_switch (key, property, key[0] == 'r' ? &config->balloon_reports : &config->balloon_deflates, error);
      else
        ok = refuse (error, _("--balloon does not know “%s”: use reporting, deflate-on-oom, packed, in-order or notification-data"), key);
      if (!ok)
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_serial (Target *target, const char *value, GError **error)
{
  static const Word words[] = { { "stdio", VT_SERIAL_STDIO }, { "null", VT_SERIAL_NULL }, { "pty", VT_SERIAL_PTY }, { NULL, 0 } };
  int kind = VT_SERIAL_FILE;
  if (!g_str_has_prefix (value, "file:") && !parse_word (_("Serial port"), words, value, &kind, error))
    return FALSE;
  VtSerialConfig *serial = vt_config_add_serial (target->config, (VtSerialKind) kind);
  if (kind == VT_SERIAL_FILE)
    serial->path = g_strdup (value + strlen ("file:"));
  return TRUE;
}

/* "unix:PATH", "file:PATH" or a word; properties follow a comma. */
static gboolean
add_port (Target *target, const char *option, const char *value, bool console, GError **error)
{
  static const Word words[] = { { "stdio", VT_SERIAL_STDIO }, { "null", VT_SERIAL_NULL }, { "pty", VT_SERIAL_PTY }, { NULL, 0 } };
  g_autoptr (GPtrArray) parts = split_commas (value);
  const char *end = g_ptr_array_index (parts, 0);
  bool        file = g_str_has_prefix (end, "file:"), socket = g_str_has_prefix (end, "unix:");
  int         kind = file ? VT_SERIAL_FILE : VT_SERIAL_SOCKET;
  if (!file && !socket && !parse_word (option, words, end, &kind, error))
    return FALSE;
  VtPortConfig *port = vt_config_add_port (target->config, (VtSerialKind) kind, console);
  port->end.path = file || socket ? g_strdup (end + strlen ("file:")) : NULL;
  for (guint i = 1; i < parts->len; i++)
    {
      char *key = g_ptr_array_index (parts, i);
      char *property = cut_value (key);
      if (g_str_equal (key, "name") && property != NULL)
        set_string (&port->name, property);
      else if (!is_ring_property (key))
        return refuse (error, _("%s does not know “%s”: use name, packed, in-order or notification-data"), option, key);
      else if (!set_ring_property (&port->rings, key, property, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
add_virtio_console (Target *target, const char *value, GError **error)
{
  return add_port (target, "--virtio-console", value, true, error);
}

static gboolean
add_channel (Target *target, const char *value, GError **error)
{
  return add_port (target, "--channel", value, false, error);
}

static gboolean
set_debugcon (Target *target, const char *value, GError **error)
{
  if (!g_str_has_prefix (value, "file:"))
    return refuse (error, _("--debugcon takes file:NAME, not “%s”"), value);
  return set_string (&target->config->debugcon, value + strlen ("file:"));
}

static gboolean
set_debug_exit (Target *target, const char *value, GError **error)
{
  return target->config->debug_exit = TRUE;
}

static gboolean
set_test_device (Target *target, const char *value, GError **error)
{
  return target->config->test_device = TRUE;
}

static gboolean
set_no_reboot (Target *target, const char *value, GError **error)
{
  return target->config->no_reboot = TRUE;
}

static gboolean
add_screenshot (Target *target, const char *value, GError **error)
{
  g_ptr_array_add (target->options->screenshots, parse_event (value, -1));
  return TRUE;
}

static gboolean
add_keys (Target *target, const char *value, GError **error)
{
  g_ptr_array_add (target->options->keys, parse_event (value, 0));
  return TRUE;
}

static gboolean
add_save (Target *target, const char *value, GError **error)
{
  g_ptr_array_add (target->options->saves, parse_event (value, -1));
  return TRUE;
}

static gboolean
add_resize (Target *target, const char *value, GError **error)
{
  guint width, height;
  VitrineRunEvent *event = parse_event (value, 0);
  g_ptr_array_add (target->options->resizes, event);
  return vitrine_parse_screen_size (event->what, &width, &height, error);
}

static gboolean
set_restore (Target *target, const char *value, GError **error)
{
  return set_string (&target->options->restore, value);
}

static gboolean
set_control (Target *target, const char *value, GError **error)
{
  return set_string (&target->options->control, value);
}

static gboolean
set_snapshots (Target *target, const char *value, GError **error)
{
  return set_string (&target->options->snapshots, value);
}

static gboolean
set_timeout (Target *target, const char *value, GError **error)
{
  char *end;
  target->options->timeout = g_ascii_strtod (value, &end);
  if (end == value || *end != 0 || target->options->timeout <= 0)
    return refuse (error, _("--timeout takes a number of seconds, not “%s”"), value);
  return TRUE;
}

static gboolean
set_stats (Target *target, const char *value, GError **error)
{
  return set_string (&target->options->stats, value);
}

static gboolean
set_count (Target *target, const char *value, GError **error)
{
  return target->options->count = TRUE;
}

static gboolean
set_jit_without (Target *target, const char *value, GError **error)
{
  return set_string (&target->config->jit_without, value);
}

static gboolean
set_perf_map (Target *target, const char *value, GError **error)
{
  return target->config->perf_map = TRUE;
}

static gboolean
add_trace (Target *target, const char *value, GError **error)
{
  g_ptr_array_add (target->options->traces, g_strdup (value));
  return TRUE;
}

static gboolean
nothing (Target *target, const char *value, GError **error)
{
  return TRUE;
}

static const struct
{
  const char *name;
  const char *argument;   /* NULL: takes none */
  Apply       apply;
  const char *summary;
} options_table[] = {
  { "--domain", "FILE.xml", nothing, N_("Take the machine from a libvirt domain XML file") },
  { "--machine", "q35|pc", set_machine, N_("Kind of machine") },
  { "--accel", "auto|kvm|jit|interp|cosim", set_accel, N_("How guest instructions are executed") },
  { "--cpu", "MODEL", set_cpu, N_("Processor model") },
  { "--cpus", "N", set_cpus, N_("Number of processors") },
  { "--memory", "SIZE", set_memory, N_("Memory, for example 512M or 2G (1G)") },
  { "--kernel", "FILE", set_kernel, N_("Boot this kernel without firmware (bzImage, multiboot, PVH)") },
  { "--initrd", "FILE", set_initrd, N_("Initial RAM disk, or the multiboot module") },
  { "--append", "TEXT", set_append, N_("Kernel command line") },
  { "--firmware", "bios|uefi", set_firmware, N_("Which firmware") },
  { "--bios", "FILE", set_bios, N_("Firmware image instead of the installed one") },
  { "--nvram", "FILE", set_nvram, N_("Keep UEFI variables in this file") },
  { "--disk", "FILE[,format=raw|qcow2|luks][,bus=virtio|sata|ide|scsi][,readonly=on][,snapshot=on][,any-backing=on][,key-file=FILE][,queues=N][,packed=on]", add_disk, N_("A disk (repeatable)") },
  { "--cdrom", "FILE[,bus=sata|scsi]", add_cdrom, N_("A CD image; an empty FILE: a drive without one (repeatable)") },
  { "--floppy", "FILE", add_floppy, N_("A floppy image") },
  { "--net", "user|local=NAME[,hostfwd=tcp:ADDRESS:PORT-:PORT][,mac=MAC][,restricted=on][,queues=N][,packed=on]|none", set_net, N_("A network card (repeatable)") },
  { "--video", "std|bochs|ramfb|virtio|none[,xres=N,yres=N][,edid=on|off][,vram=SIZE][,heads=N][,ramfb=on][,vga=off][,packed=on]", set_video, N_("Video device") },
  { "--input", "keyboard|mouse|tablet[,bus=usb|virtio][,packed=on]", add_input, N_("An input device beside PS/2’s (repeatable)") },
  { "--rng", "on|off[,packed=on]", set_rng, N_("A source of random numbers (on)") },
  { "--crypto", "on|off[,packed=on]", set_crypto, N_("Ciphers and hashes as a device (off)") },
  { "--balloon", "on|off[,reporting=off][,deflate-on-oom=off][,packed=on]", set_balloon, N_("A memory balloon (off)") },
  { "--vsock", "SOCKET[,cid=N][,packed=on]", set_vsock, N_("Sockets between guest and host: who connects to SOCKET and says “CONNECT PORT”; SOCKET_PORT for the guest") },
  { "--share", "FOLDER[,tag=NAME][,readonly=on][,packed=on]", add_share, N_("A folder that the guest mounts as 9p by its tag (repeatable)") },
  { "--serial", "stdio|null|file:F|pty", add_serial, N_("A serial port (repeatable)") },
  { "--virtio-console", "stdio|null|file:F|pty|unix:SOCKET[,packed=on]", add_virtio_console, N_("A virtio console, hvc0 and so on (repeatable)") },
  { "--channel", "unix:SOCKET|pty|file:F|null[,name=NAME][,packed=on]", add_channel, N_("A named port for programs of the guest (repeatable)") },
  { "--debugcon", "file:F", set_debugcon, N_("Firmware log (ports 0x402 and 0xe9)") },
  { "--debug-exit", NULL, set_debug_exit, N_("isa-debug-exit at port 0xf4") },
  { "--test-device", NULL, set_test_device, N_("pc-testdev for x86 test guests") },
  { "--no-reboot", NULL, set_no_reboot, N_("A guest reset ends the run") },
  { "--screenshot", "F.png[@SECONDS]", add_screenshot, N_("Picture of the screen, at the end or at a guest time (repeatable)") },
  { "--send-keys", "SPEC@SECONDS", add_keys, N_("Press keys at a guest time (repeatable)") },
  { "--resize", "WIDTHxHEIGHT@SECONDS", add_resize, N_("Another size of the monitor at a guest time (repeatable)") },
  { "--save", "FILE[@SECONDS]", add_save, N_("Save the whole machine at a guest time and go on, or at the end") },
  { "--restore", "FILE", set_restore, N_("Start from a saved machine") },
  { "--control", "SOCKET", set_control, N_("Serve the machine’s control interface at this socket") },
  { "--snapshots", "FOLDER", set_snapshots, N_("Where snapshots that the control interface asks for are kept") },
  { "--timeout", "SECONDS", set_timeout, N_("Give up after so many seconds (exit status 124)") },
  { "--stats", "F.json", set_stats, N_("Write counters at the end") },
  { "--count", NULL, set_count, N_("Count instructions in translated code, too (a little slower)") },
  { "--jit-without", "NAME,...", set_jit_without, N_("Leave out techniques of the translator, to see what they give (docs/PERFORMANCE.md)") },
  { "--perf-map", NULL, set_perf_map, N_("Name translated code for perf, in /tmp/perf-PID.map") },
  { "--trace", "GLOB", add_trace, N_("Print trace events (repeatable)") },
  { "--help", NULL, nothing, N_("This list") },
};

static int
find_option (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (options_table); i++)
    if (g_str_equal (options_table[i].name, name))
      return (int) i;
  return -1;
}

typedef gboolean (*Visit) (gpointer data, int option, const char *value, GError **error);

/* Walks the command line; option -1 is a plain word. Both "--x y" and "--x=y" are taken. */
static gboolean
walk (int argc, char **argv, Visit visit, gpointer data, GError **error)
{
  for (int i = 1; i < argc; i++)
    {
      if (!g_str_has_prefix (argv[i], "--"))
        {
          if (!visit (data, -1, argv[i], error))
            return FALSE;
          continue;
        }
      g_autofree char *name = g_strdup (argv[i]);
      const char      *value = cut_value (name);
      int              option = find_option (name);
      if (option < 0)
        return refuse (error, _("Unknown option “%s”: see “vitrinectl run --help”"), name);
      if (options_table[option].argument == NULL && value != NULL)
        return refuse (error, _("%s takes no value"), name);
      if (options_table[option].argument != NULL && value == NULL && (value = ++i < argc ? argv[i] : NULL) == NULL)
        return refuse (error, _("%s needs a value: %s"), name, options_table[option].argument);
      if (!visit (data, option, value, error))
        return FALSE;
    }
  return TRUE;
}

static gboolean
find_definition (gpointer data, int option, const char *value, GError **error)
{
  VitrineRunOptions *options = data;
  if (option >= 0 && g_str_equal (options_table[option].name, "--help"))
    options->help = TRUE;
  bool from_file = option >= 0 && g_str_equal (options_table[option].name, "--domain");
  if (option >= 0 && !from_file)
    return TRUE;
  if (options->definition != NULL)
    return refuse (error, _("Only one machine can be run at a time: “%s” or “%s”"), options->definition, value);
  options->definition = g_strdup (value);
  options->from_file = from_file;
  return TRUE;
}

VitrineRunOptions *
vitrine_run_options_new (int argc, char **argv, GError **error)
{
  g_autoptr (VitrineRunOptions) options = g_new0 (VitrineRunOptions, 1);
  options->screenshots = g_ptr_array_new_with_free_func (event_free);
  options->keys = g_ptr_array_new_with_free_func (event_free);
  options->saves = g_ptr_array_new_with_free_func (event_free);
  options->resizes = g_ptr_array_new_with_free_func (event_free);
  options->traces = g_ptr_array_new_with_free_func (g_free);
  if (!walk (argc, argv, find_definition, options, error))
    return NULL;
  return g_steal_pointer (&options);
}

static gboolean
apply_one (gpointer data, int option, const char *value, GError **error)
{
  return option < 0 || options_table[option].apply (data, value, error);
}

gboolean
vitrine_run_options_apply (VitrineRunOptions *options, VtConfig *config, int argc, char **argv, GError **error)
{
  Target target = { options, config };
  return walk (argc, argv, apply_one, &target, error);
}

void
vitrine_run_options_free (VitrineRunOptions *options)
{
  if (options == NULL)
    return;
  g_free (options->definition);
  g_free (options->control);
  g_free (options->stats);
  g_free (options->restore);
  g_free (options->snapshots);
  g_clear_pointer (&options->screenshots, g_ptr_array_unref);
  g_clear_pointer (&options->keys, g_ptr_array_unref);
  g_clear_pointer (&options->saves, g_ptr_array_unref);
  g_clear_pointer (&options->resizes, g_ptr_array_unref);
  g_clear_pointer (&options->traces, g_ptr_array_unref);
  g_free (options);
}

void
vitrine_run_options_help (void)
{
  g_print (_("Usage: vitrinectl run [MACHINE | --domain FILE.xml] [OPTIONS]\n\n"));
  for (guint i = 0; i < G_N_ELEMENTS (options_table); i++)
    g_print ("  %s%s%s\n        %s\n", options_table[i].name, options_table[i].argument != NULL ? " " : "",
             options_table[i].argument != NULL ? options_table[i].argument : "", _(options_table[i].summary));
}
