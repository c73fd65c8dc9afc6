/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs about a machine's drives: attach-disk, attach-cd, attach-floppy, set-disk, detach-disk, resize-disk. */
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>

#include <vitrine/image.h>

#include "change.h"
#include "ctl.h"
#include "disk-image.h"
#include "hotplug.h"
#include "machines.h"
#include "passphrase.h"
#include "run-options-private.h"
#include "unlock.h"

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

VtConfig *
vitrine_ctl_parse_disk (const char *value, GError **error)
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

/* Prints its name. */
static gboolean
add_drive (VitrineDomain *domain, const VitrineDisk *disk, VitrineCtlOutcome *outcome, GError **error)
{
  g_autoptr(GPtrArray) others = vitrine_domain_get_disks (domain);

  if (disk->target != NULL && vitrine_disk_find (others, disk->target) != NULL)
    return vitrine_ctl_refuse (error, _("The machine has a disk “%s” already"), disk->target);
  vitrine_domain_add_disk (domain, disk);
  g_autoptr(GPtrArray) all = vitrine_domain_get_disks (domain);
  outcome->note = g_strdup (((const VitrineDisk *) all->pdata[all->len - 1])->target);
  return TRUE;
}

static gboolean
add_disk (VitrineDomain *domain, gpointer data, VitrineCtlOutcome *outcome, GError **error)
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
  return add_drive (domain, disk, outcome, error);
}

/* --- New images ------------------------------------------------------------------------------------------------------ */

#define NEW "new="

typedef struct
{
  VtDiskConfig *disk;
  guint64       bytes;
  char         *made;     /* the image; or NULL */
} NewDisk;

/* Where the window makes them, of a name like the machine's. */
static gboolean
add_new_disk (VitrineDomain *domain, gpointer data, VitrineCtlOutcome *outcome, GError **error)
{
  NewDisk *job = data;
  g_autofree char *name = vitrine_domain_get_title (domain);

  job->made = vitrine_disk_image_create (name, job->bytes, error);
  if (job->made == NULL)
    return FALSE;
  g_free (job->disk->path);
  job->disk->path = g_strdup (job->made);
  job->disk->format = VT_IMAGE_QCOW2;
  return add_disk (domain, job->disk, outcome, error);
}

static int
attach_new_disk (const char *words, const char *value, gboolean config_only)
{
  g_autoptr(VtConfig) config = vt_config_new ();
  VitrineRunTarget target = { NULL, config };
  g_autoptr(GError) error = NULL;
  NewDisk job = { .made = NULL };

  if (!vitrine_run_add_disk (&target, value, &error))
    return vitrine_ctl_fail ("%s", error->message);
  job.disk = config->disks->pdata[0];
  if (!vitrine_parse_size (job.disk->path + strlen (NEW), 1, &job.bytes, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (job.disk->format != VT_IMAGE_RAW)
    return vitrine_ctl_fail (_("A new disk is a qcow2 image. “vitrinectl image create” makes others."));
  int status = vitrine_ctl_change (words, config_only, add_new_disk, &job, NULL);
  if (status != 0 && job.made != NULL)
    g_unlink (job.made);
  g_free (job.made);
  return status;
}

/* --- Adding ---------------------------------------------------------------------------------------------------------- */

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
  gboolean config_only;
  const char *value = vitrine_ctl_parse_change (argc, argv, &config_only, "attach-disk MACHINE FILE|new=SIZE[,format=raw|qcow2|luks][,bus=virtio|nvme|scsi|usb|sata|ide][,readonly=on][,id=TARGET][,key-file=FILE] [--config]");
  g_autoptr(GError) error = NULL;

  if (value == NULL)
    return 1;
  if (g_str_has_prefix (value, NEW) && !vitrine_ctl_is_socket (argv[1]))
    return attach_new_disk (argv[1], value, config_only);
  g_autoptr(VtConfig) config = vitrine_ctl_parse_disk (value, &error);
  if (config == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  VtDiskConfig *disk = config->disks->pdata[0];
  return vitrine_ctl_is_socket (argv[1]) ? attach_disk_to_socket (argv[1], disk)
                                         : vitrine_ctl_change (argv[1], config_only, add_disk, disk, disk->secret);
}

/* --- CD and floppy drives -------------------------------------------------------------------------------------------- */

static gboolean
add_cd (VitrineDomain *domain, gpointer path, VitrineCtlOutcome *outcome, GError **error)
{
  g_autoptr(VitrineDisk) drive = vitrine_domain_new_cd_drive (domain, path);

  outcome->reach = VITRINE_CTL_COLD;
  return vitrine_disk_check (drive, error) && add_drive (domain, drive, outcome, error);
}

static gboolean
add_floppy (VitrineDomain *domain, gpointer path, VitrineCtlOutcome *outcome, GError **error)
{
  g_autoptr(VitrineDisk) drive = vitrine_disk_new (path, "raw", "fdc", FALSE);

  outcome->reach = VITRINE_CTL_COLD;
  if (!vitrine_domain_has_room_for_floppy (domain))
    return vitrine_ctl_refuse (error, _("Only machines of type pc have floppy drives, and two at most"));
  return vitrine_disk_check (drive, error) && add_drive (domain, drive, outcome, error);
}

static int
attach_drive (int argc, char **argv, VitrineCtlEdit add, const char *synopsis)
{
  gboolean config_only = FALSE;

  if (!vitrine_ctl_take_switches (&argc, argv, 1, &config_only, NULL) || argc > 3)
    return vitrine_ctl_usage (synopsis);
  g_autofree char *path = argc == 3 ? g_canonicalize_filename (argv[2], NULL) : NULL;
  return vitrine_ctl_change (argv[1], config_only, add, path, NULL);
}

int
vitrine_ctl_attach_cd (int argc, char **argv)
{
  return attach_drive (argc, argv, add_cd, "attach-cd MACHINE [FILE] [--config]");
}

int
vitrine_ctl_attach_floppy (int argc, char **argv)
{
  return attach_drive (argc, argv, add_floppy, "attach-floppy MACHINE [FILE] [--config]");
}

/* --- What a drive has ------------------------------------------------------------------------------------------------ */

typedef struct
{
  const char *target;
  GPtrArray  *words;    /* char*: "bus=nvme" */
} DriveChange;

static const VitrineDisk *
find_drive (GPtrArray *disks, const char *target, GError **error)
{
  const VitrineDisk *disk = vitrine_disk_find (disks, target);

  if (disk == NULL)
    vitrine_ctl_refuse (error, _("The machine has no disk “%s”. “vitrinectl dumpxml” shows those that it has."), target);
  return disk;
}

/* A running machine has its discs changed, and no more. */
static gboolean
set_image (VitrineDomain *domain, const VitrineDisk *was, const char *value, VitrineCtlOutcome *outcome, GError **error)
{
  g_autofree char *path = g_str_equal (value, "none") ? NULL : g_canonicalize_filename (value, NULL);
  VitrineDisk is = *was;

  is.path = path;
  if (!vitrine_disk_check (&is, error))
    return FALSE;
  vitrine_domain_set_disk_path (domain, was->target, path);
  if (vitrine_disk_is_removable (was))
    return TRUE;
  outcome->reach = VITRINE_CTL_COLD;
  if (g_strcmp0 (path, was->path) != 0)
    vitrine_domain_set_disk_format (domain, was->target, vitrine_disk_image_guess_format (path));
  return TRUE;
}

static gboolean
set_format (VitrineDomain *domain, const VitrineDisk *was, const char *value, GError **error)
{
  if (vitrine_disk_is_removable (was) || (!g_str_equal (value, "raw") && !g_str_equal (value, "qcow2") && !g_str_equal (value, "luks")))
    return vitrine_ctl_refuse (error, _("A machine’s disk is raw, qcow2 or luks, and what is in other drives is raw: not “%s”"), value);
  vitrine_domain_set_disk_format (domain, was->target, value);
  return TRUE;
}

static gboolean
set_readonly (VitrineDomain *domain, const VitrineDisk *was, const char *value, GError **error)
{
  bool on;

  if (was->cdrom)
    return vitrine_ctl_refuse (error, _("A CD drive is always read-only"));
  if (!vitrine_run_parse_switch ("readonly", value, &on, error))
    return FALSE;
  vitrine_domain_set_disk_readonly (domain, was->target, on);
  return TRUE;
}

/* It has another name from then on, which is printed. */
static gboolean
set_bus (VitrineDomain *domain, const VitrineDisk *was, const char *value, VitrineCtlOutcome *outcome, GError **error)
{
  const char *const *buses = vitrine_domain_get_bus_ids (domain, was->cdrom);

  if (was->floppy || !g_strv_contains (buses, value))
    {
      g_autofree char *known = was->floppy ? g_strdup ("fdc") : g_strjoinv (", ", (char **) buses);
      return vitrine_ctl_refuse (error, _("“%s” cannot be on the bus “%s”: choose one of %s"), was->target, value, known);
    }
  g_free (outcome->note);
  outcome->note = vitrine_domain_set_disk_bus (domain, was->target, value);
  return TRUE;
}

static gboolean
set_drive_word (VitrineDomain *domain, const VitrineDisk *was, const char *key, const char *value, VitrineCtlOutcome *outcome,
                GError **error)
{
  if (g_str_equal (key, "image"))
    return set_image (domain, was, value, outcome, error);
  outcome->reach = VITRINE_CTL_COLD;
  if (g_str_equal (key, "format"))
    return set_format (domain, was, value, error);
  if (g_str_equal (key, "readonly"))
    return set_readonly (domain, was, value, error);
  return vitrine_ctl_refuse (error, _("A drive does not know “%s”: use image, format, readonly and bus"), key);
}

/* The bus comes last: the name goes with it. */
static gboolean
set_drive (VitrineDomain *domain, gpointer data, VitrineCtlOutcome *outcome, GError **error)
{
  const DriveChange *change = data;
  g_autoptr(GPtrArray) disks = vitrine_domain_get_disks (domain);
  const VitrineDisk *was = find_drive (disks, change->target, error);
  const char *bus = NULL;

  for (guint i = 0; was != NULL && i < change->words->len; i++)
    {
      const char *value = vitrine_run_cut_value (change->words->pdata[i]), *key = change->words->pdata[i];
      if (g_str_equal (key, "bus"))
        bus = value != NULL ? value : "";
      else if (!set_drive_word (domain, was, key, value != NULL ? value : "", outcome, error))
        return FALSE;
    }
  if (was == NULL || bus == NULL)
    return was != NULL;
  outcome->reach = VITRINE_CTL_COLD;
  return set_bus (domain, was, bus, outcome, error);
}

int
vitrine_ctl_set_disk (int argc, char **argv)
{
  gboolean config_only = FALSE;

  if (!vitrine_ctl_take_switches (&argc, argv, 3, &config_only, NULL) || argc != 4)
    return vitrine_ctl_usage ("set-disk MACHINE TARGET [image=FILE|none][,format=raw|qcow2|luks][,readonly=on|off][,bus=virtio|nvme|scsi|usb|sata|ide] [--config]");
  g_autoptr(GPtrArray) words = vitrine_run_split_commas (argv[3]);
  DriveChange change = { argv[2], words };
  return vitrine_ctl_change (argv[1], config_only, set_drive, &change, NULL);
}

/* --- Going and growing ----------------------------------------------------------------------------------------------- */

static gboolean
remove_disk (VitrineDomain *domain, gpointer data, VitrineCtlOutcome *outcome, GError **error)
{
  return vitrine_domain_remove_disk (domain, data)
         || vitrine_ctl_refuse (error, _("The machine has no disk “%s”. “vitrinectl dumpxml” shows those that it has."), (const char *) data);
}

int
vitrine_ctl_detach_disk (int argc, char **argv)
{
  gboolean config_only;
  const char *target = vitrine_ctl_parse_change (argc, argv, &config_only, "detach-disk MACHINE TARGET [--config]");

  if (target == NULL)
    return 1;
  return vitrine_ctl_is_socket (argv[1]) ? vitrine_ctl_call (argv[1], "DetachDisk", g_variant_new ("(s)", target))
                             : vitrine_ctl_change (argv[1], config_only, remove_disk, argv[2], NULL);
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
  const VitrineDisk *disk = find_drive (disks, target, &error);
  if (disk == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  if (disk->path == NULL || vitrine_disk_is_removable (disk))
    return vitrine_ctl_fail (_("“%s” is no disk that can grow."), target);
  return vitrine_disk_image_resize (disk->path, vitrine_disk_get_image_format (disk), bytes, &error)
         ? 0 : vitrine_ctl_fail ("%s", error->message);
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
  return vitrine_ctl_is_socket (argv[1]) ? vitrine_ctl_call (argv[1], "ResizeDisk", g_variant_new ("(st)", argv[2], bytes))
                             : resize_image (argv[1], argv[2], bytes);
}
