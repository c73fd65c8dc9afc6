/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs about devices that come, go and grow: attach-disk, detach-disk, resize-disk, attach-net, detach-net. */
#include "hotplug.h"

#include <glib/gi18n.h>
#include <string.h>

#include <vitrine/image.h>

#include "change.h"
#include "ctl.h"
#include "device-words.h"
#include "disk-image.h"
#include "machines.h"
#include "passphrase.h"
#include "run-options-private.h"
#include "unlock.h"

/* --- Arguments ------------------------------------------------------------------------------------------------------- */

/* MACHINE THING [--config]; NULL: usage was shown. */
static const char *
parse (int argc, char **argv, VitrineCtlWhen *when, const char *synopsis)
{
  gboolean config_only = FALSE;

  if (!vitrine_ctl_take_switches (&argc, argv, 2, &config_only, NULL) || argc != 3)
    {
      vitrine_ctl_usage (synopsis);
      return NULL;
    }
  *when = config_only ? VITRINE_CTL_CONFIG : VITRINE_CTL_NOW;
  return argv[2];
}

static gboolean
is_socket (const char *words)
{
  return strchr (words, '/') != NULL;
}

/* --- Disks ----------------------------------------------------------------------------------------------------------- */

/* Nothing is guessed, but a wrong word is noticed. */
static gboolean
check_format (const VtDiskConfig *disk, const char *value, GError **error)
{
  VtImageFormat looks = vt_image_looks_like (disk->path);

  if (looks == VT_IMAGE_RAW || strstr (value, ",format=") != NULL)
    return TRUE;
  return vitrine_ctl_refuse (error, _("“%s” looks like %s: add “,format=%s”, or “,format=raw” if its bytes are the disk’s"), disk->path,
                             vt_image_format_name (looks), vt_image_format_name (looks));
}

static VtConfig *
parse_disk (const char *value, GError **error)
{
  g_autoptr(VtConfig) config = vt_config_new ();
  VitrineRunTarget target = { NULL, config };

  if (!vitrine_run_add_disk (&target, value, error))
    return NULL;
  VtDiskConfig *disk = config->disks->pdata[0];
  char *path = g_canonicalize_filename (disk->path, NULL);
  g_free (disk->path);
  disk->path = path;
  return check_format (disk, value, error) ? g_steal_pointer (&config) : NULL;
}

static gboolean
add_disk (VitrineDomain *domain, gconstpointer data, char **note, GError **error)
{
  static const char *const buses[] = { [VT_BUS_VIRTIO] = "virtio", [VT_BUS_SATA] = "sata", [VT_BUS_IDE] = "ide", [VT_BUS_SCSI] = "scsi",
                                       [VT_BUS_FDC] = "fdc", [VT_BUS_NVME] = "nvme", [VT_BUS_USB] = "usb" };
  const VtDiskConfig *config = data;
  const VtRingConfig *rings = &config->rings;

  if (config->queues != 0 || config->port != 0 || config->any_backing || rings->packed || rings->in_order || rings->notification_data)
    return vitrine_ctl_refuse (error, _("For a machine of the library, use format, bus, readonly, snapshot, id and key-file"));
  g_autoptr(VitrineDisk) disk = vitrine_disk_new (config->path, vt_image_format_name (config->format), buses[config->bus], FALSE);
  disk->readonly = config->readonly;
  disk->transient = config->snapshot;
  disk->target = g_strdup (config->id);
  g_autoptr(GPtrArray) others = vitrine_domain_get_disks (domain);
  for (guint i = 0; config->id != NULL && i < others->len; i++)
    if (g_strcmp0 (((const VitrineDisk *) others->pdata[i])->target, config->id) == 0)
      return vitrine_ctl_refuse (error, _("The machine has a disk “%s” already"), config->id);
  vitrine_domain_add_disk (domain, disk);
  g_autoptr(GPtrArray) all = vitrine_domain_get_disks (domain);
  *note = g_strdup (((const VitrineDisk *) all->pdata[all->len - 1])->target);
  return TRUE;
}

/* Its secret is its key from then on. */
static gboolean
unlock (VtDiskConfig *disk, GError **error)
{
  g_autoptr(VtSecret) passphrase = g_steal_pointer (&disk->secret);

  if (!vitrine_unlock_is_locked (disk))
    return TRUE;
  disk->secret = vitrine_ctl_unlock (disk, passphrase, error);
  return disk->secret != NULL;
}

static int
attach_disk_to_socket (const char *words, VtDiskConfig *disk)
{
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);
  g_autoptr(GError) error = NULL;

  if (client == NULL)
    return 1;
  if (disk->id == NULL)
    disk->id = g_path_get_basename (disk->path);
  if (!unlock (disk, &error) || !vitrine_hotplug_add_disk (client, G_MAXUINT32, disk, &error))
    return vitrine_ctl_fail ("%s", error->message);
  g_print ("%s\n", disk->id);
  return 0;
}

int
vitrine_ctl_attach_disk (int argc, char **argv)
{
  VitrineCtlWhen when;
  const char *value = parse (argc, argv, &when, "attach-disk MACHINE FILE[,format=raw|qcow2][,readonly=on][,id=TARGET] [--config]");
  g_autoptr(GError) error = NULL;
  g_autoptr(VtConfig) config = value != NULL ? parse_disk (value, &error) : NULL;

  if (value == NULL)
    return 1;
  if (config == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  VtDiskConfig *disk = config->disks->pdata[0];
  return is_socket (argv[1]) ? attach_disk_to_socket (argv[1], disk)
                             : vitrine_ctl_change (argv[1], when, add_disk, disk, disk->secret);
}

static gboolean
remove_disk (VitrineDomain *domain, gconstpointer data, char **note, GError **error)
{
  return vitrine_domain_remove_disk (domain, data)
         || vitrine_ctl_refuse (error, _("The machine has no disk “%s”. “vitrinectl dumpxml” shows those that it has."), (const char *) data);
}

int
vitrine_ctl_detach_disk (int argc, char **argv)
{
  VitrineCtlWhen when;
  const char *target = parse (argc, argv, &when, "detach-disk MACHINE TARGET [--config]");

  if (target == NULL)
    return 1;
  return is_socket (argv[1]) ? vitrine_ctl_call (argv[1], "DetachDisk", g_variant_new ("(s)", target))
                             : vitrine_ctl_change (argv[1], when, remove_disk, target, NULL);
}

/* A machine that is off has its image changed, which is no other than “image resize”. */
static int
resize_image (const char *words, const char *target, guint64 bytes)
{
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, words) : NULL;
  g_autoptr(GError) error = NULL;

  if (machine == NULL)
    return 1;
  if (vitrine_ctl_is_running (machine))
    return vitrine_ctl_call (words, "ResizeDisk", g_variant_new ("(st)", target, bytes));
  if (vitrine_machine_get_domain (machine) == NULL)
    return vitrine_ctl_fail ("%s", vitrine_machine_get_message (machine));
  if (vitrine_machine_is_suspended (machine))
    return vitrine_ctl_fail (_("“%s” is suspended. Start it and power it off to change its devices."), words);
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (vitrine_machine_get_domain (machine));
  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      if (g_strcmp0 (disk->target, target) != 0)
        continue;
      if (disk->path == NULL || vitrine_disk_is_removable (disk))
        return vitrine_ctl_fail (_("“%s” is no disk that can grow."), target);
      return vitrine_disk_image_resize (disk->path, vitrine_disk_get_image_format (disk), bytes, &error)
             ? 0 : vitrine_ctl_fail ("%s", error->message);
    }
  return vitrine_ctl_fail (_("The machine has no disk “%s”. “vitrinectl dumpxml” shows those that it has."), target);
}

int
vitrine_ctl_resize_disk (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;
  guint64 bytes;

  if (argc != 4 || argv[1][0] == '-' || argv[2][0] == '-')
    return vitrine_ctl_usage ("resize-disk MACHINE TARGET SIZE");
  if (!vitrine_parse_size (argv[3], 1, &bytes, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return is_socket (argv[1]) ? vitrine_ctl_call (argv[1], "ResizeDisk", g_variant_new ("(st)", argv[2], bytes))
                             : resize_image (argv[1], argv[2], bytes);
}

/* --- Network cards --------------------------------------------------------------------------------------------------- */

static void
make_mac (guint8 mac[6])
{
  static const guint8 none[6];
  guint32 random = g_random_int ();

  if (memcmp (mac, none, sizeof none) == 0)
    memcpy (mac, (const guint8[]) { 0x52, 0x54, 0x00, random >> 16 & 0xff, random >> 8 & 0xff, random & 0xff }, 6);
}

/* "isolated=NAME" is for definitions, which know networks by their names; "local=NAME" for others. */
static gboolean
parse_network (const char *words, VitrineNetwork *network, GError **error)
{
  static const struct { const char *word; VitrineNetworkKind kind; } kinds[]
    = { { "isolated=", VITRINE_NETWORK_ISOLATED }, { "bridge=", VITRINE_NETWORK_BRIDGE }, { "tap=", VITRINE_NETWORK_TAP } };

  for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
    if (g_str_has_prefix (words, kinds[i].word))
      {
        network->kind = kinds[i].kind;
        network->name = g_strdup (words + strlen (kinds[i].word));
        return vitrine_network_check_name (network, error);
      }
  return g_str_equal (words, "user")
         || vitrine_ctl_refuse (error, _("Network “%s” is not supported: use user, isolated=NAME, bridge=NAME or tap=NAME"), words);
}

static gboolean
add_net (VitrineDomain *domain, gconstpointer data, char **note, GError **error)
{
  g_autoptr(GPtrArray) parts = vitrine_run_split_commas (data);
  guint8 mac[6] = { 0 };

  for (guint i = 1; i < parts->len; i++)
    {
      const char *value = vitrine_run_cut_value (parts->pdata[i]);
      if (!g_str_equal (parts->pdata[i], "mac"))
        return vitrine_ctl_refuse (error, _("A network card does not know “%s”: use mac"), (char *) parts->pdata[i]);
      if (!vitrine_parse_mac (value != NULL ? value : "", mac, error))
        return FALSE;
    }
  make_mac (mac);
  *note = vitrine_mac_to_text (mac);
  vitrine_domain_add_network (domain);
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (domain);
  VitrineNetwork *network = networks->pdata[networks->len - 1];
  if (!parse_network (parts->pdata[0], network, error))
    return FALSE;
  g_free (network->mac);
  network->mac = g_strdup (*note);
  vitrine_domain_set_network (domain, networks->len - 1, network);
  return TRUE;
}

static int
attach_net_to_socket (const char *words, const char *value)
{
  g_autoptr(VtConfig) config = vt_config_new ();
  g_autoptr(GError) error = NULL;
  VitrineRunTarget target = { NULL, config };

  if (!vitrine_run_set_net (&target, value, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (config->nets->len == 0)
    return vitrine_ctl_usage ("attach-net MACHINE user|local=NAME|bridge=NAME|tap=NAME[,mac=ADDRESS]");
  g_autoptr(VitrineClient) client = vitrine_ctl_connect (words);
  VtNetConfig *net = config->nets->pdata[0];
  if (client == NULL)
    return 1;
  make_mac (net->mac);
  if (!vitrine_hotplug_add_net (client, G_MAXUINT32, net, &error))
    return vitrine_ctl_fail ("%s", error->message);
  g_autofree char *mac = vitrine_mac_to_text (net->mac);
  g_print ("%s\n", mac);
  return 0;
}

int
vitrine_ctl_attach_net (int argc, char **argv)
{
  VitrineCtlWhen when;
  const char *value = parse (argc, argv, &when, "attach-net MACHINE user|isolated=NAME|bridge=NAME|tap=NAME[,mac=ADDRESS] [--config]");

  if (value == NULL)
    return 1;
  return is_socket (argv[1]) ? attach_net_to_socket (argv[1], value) : vitrine_ctl_change (argv[1], when, add_net, value, NULL);
}

static gboolean
remove_net (VitrineDomain *domain, gconstpointer data, char **note, GError **error)
{
  g_autoptr(GPtrArray) networks = vitrine_domain_get_networks (domain);

  for (guint i = 0; i < networks->len; i++)
    {
      const char *mac = ((const VitrineNetwork *) networks->pdata[i])->mac;
      if (mac == NULL || g_ascii_strcasecmp (mac, data) != 0)
        continue;
      vitrine_removed_free (vitrine_domain_take_network (domain, i));
      return TRUE;
    }
  return vitrine_ctl_refuse (error, _("The machine has no network card “%s”. “vitrinectl dumpxml” shows those that it has."),
                             (const char *) data);
}

int
vitrine_ctl_detach_net (int argc, char **argv)
{
  VitrineCtlWhen when;
  const char *mac = parse (argc, argv, &when, "detach-net MACHINE MAC-ADDRESS [--config]");

  if (mac == NULL)
    return 1;
  return is_socket (argv[1]) ? vitrine_ctl_call (argv[1], "DetachNetwork", g_variant_new ("(s)", mac))
                             : vitrine_ctl_change (argv[1], when, remove_net, mac, NULL);
}
