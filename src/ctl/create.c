/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verb that makes a machine: from options, and from what its installer's system wants. */
#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <string.h>
#include <vitrine/image.h>

#include "change.h"
#include "ctl.h"
#include "disk-image.h"
#include "installer.h"
#include "machines.h"
#include "sizes.h"
#include "tpm-process.h"

typedef struct
{
  char  *memory, *disk_size, *installer, *cdrom, *floppy, *disk, *kernel, *initrd, *append, *firmware, *machine;
  int    cpus;
  gboolean tpm;
  char **names;
} CreateOptions;

static void
create_options_clear (CreateOptions *options)
{
  char *strings[] = { options->memory, options->disk_size, options->installer, options->cdrom, options->floppy, options->disk, options->kernel,
                      options->initrd, options->append, options->firmware, options->machine };
  for (guint i = 0; i < G_N_ELEMENTS (strings); i++)
    g_free (strings[i]);
  g_strfreev (options->names);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (CreateOptions, create_options_clear)

static gboolean
parse_create (int argc, char **argv, CreateOptions *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "memory", 0, 0, G_OPTION_ARG_STRING, &options->memory, N_("Memory (default 1G)"), "SIZE" },
    { "cpus", 0, 0, G_OPTION_ARG_INT, &options->cpus, N_("Processors (default 1)"), "N" },
    { "disk-size", 0, 0, G_OPTION_ARG_STRING, &options->disk_size, N_("Create a disk of this size"), "SIZE" },
    { "disk", 0, 0, G_OPTION_ARG_FILENAME, &options->disk, N_("Use this disk image (raw, unless its format is said)"), "FILE[,format=raw|qcow2|luks]" },
    { "installer", 0, 0, G_OPTION_ARG_FILENAME, &options->installer, N_("Install from this CD image: what is not said is as its system wants it"), "FILE" },
    { "cdrom", 0, 0, G_OPTION_ARG_FILENAME, &options->cdrom, N_("Put this image into the CD drive"), "FILE" },
    { "floppy", 0, 0, G_OPTION_ARG_FILENAME, &options->floppy, N_("Put this image into the floppy drive (--machine pc)"), "FILE" },
    { "machine", 0, 0, G_OPTION_ARG_STRING, &options->machine, N_("Kind of machine (default q35)"), "q35|pc" },
    { "kernel", 0, 0, G_OPTION_ARG_FILENAME, &options->kernel, N_("Boot this kernel"), "FILE" },
    { "initrd", 0, 0, G_OPTION_ARG_FILENAME, &options->initrd, N_("With this initial RAM disk"), "FILE" },
    { "append", 0, 0, G_OPTION_ARG_STRING, &options->append, N_("And this command line"), "TEXT" },
    { "firmware", 0, 0, G_OPTION_ARG_STRING, &options->firmware, N_("Firmware (default bios)"), "bios|uefi|secure-boot" },
    { "tpm", 0, 0, G_OPTION_ARG_NONE, &options->tpm, N_("With a TPM 2.0 (takes the program swtpm)"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->names, NULL, NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new ("[NAME]");

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  return g_option_context_parse (context, &argc, &argv, error);
}

static char *
absolute (const char *path)
{
  return g_canonicalize_filename (path, NULL);
}

static char *
make_disk (const char *name, guint64 bytes)
{
  g_autoptr(GError) error = NULL;
  char *path = vitrine_disk_image_create (name, bytes, &error);

  if (path == NULL)
    vitrine_ctl_fail ("%s", error->message);
  return path;
}

static void
add_drive (VitrineDomain *domain, const char *path, const char *format, const char *bus, gboolean cdrom, guint order)
{
  g_autofree char *whole = absolute (path);
  g_autoptr(VitrineDisk) disk = vitrine_disk_new (whole, format, bus, cdrom);

  disk->boot_order = order;
  vitrine_domain_add_disk (domain, disk);
}

static int
apply_board (VitrineDomain *domain, const CreateOptions *options)
{
  gboolean pc = g_strcmp0 (options->machine, "pc") == 0;

  if (options->machine != NULL && !pc && !g_str_equal (options->machine, "q35"))
    return vitrine_ctl_fail (_("--machine %s: must be q35 or pc."), options->machine);
  if (options->floppy != NULL && !pc)
    return vitrine_ctl_fail (_("--floppy: only machines of type pc have floppy drives; add --machine pc."));
  if (pc)
    vitrine_domain_set_board (domain, "pc");
  return 0;
}

static gboolean
add_image (VitrineDomain *domain, const char *value, GError **error)
{
  g_autoptr(VtConfig) config = vitrine_ctl_parse_disk (value, error);

  if (config == NULL)
    return FALSE;
  const VtDiskConfig *disk = config->disks->pdata[0];
  add_drive (domain, disk->path, vt_image_format_name (disk->format), "virtio", FALSE, 1);
  return TRUE;
}

static void
add_drives (VitrineDomain *domain, const CreateOptions *options, const char *new_disk)
{
  const char *cdrom = options->installer != NULL ? options->installer : options->cdrom;

  if (new_disk != NULL)
    add_drive (domain, new_disk, "qcow2", "virtio", FALSE, options->disk != NULL ? 0 : 1);
  if (cdrom != NULL)
    add_drive (domain, cdrom, "raw", g_strcmp0 (options->machine, "pc") == 0 ? "ide" : "sata", TRUE, 2);
  if (options->floppy != NULL)
    add_drive (domain, options->floppy, "raw", "fdc", FALSE, 3);
}

/* --- what an installer wants ------------------------------------------------------------------------------------- */

static void
take_result (GObject *source, GAsyncResult *result, gpointer data)
{
  *(GAsyncResult **) data = g_object_ref (result);
}

/* NULL after an error that has been printed. */
static VitrineInstaller *
recognize (const char *path)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_installer_recognize_async (path, NULL, take_result, &result);
  while (result == NULL)
    g_main_context_iteration (NULL, TRUE);
  VitrineInstaller *installer = vitrine_installer_recognize_finish (result, &error);
  if (installer == NULL)
    vitrine_ctl_fail ("%s", error->message);
  return installer;
}

static void
tell_recognized (const VitrineInstaller *installer, gboolean tpm)
{
  if (installer->os_name != NULL)
    g_printerr (_("note: this is %s\n"), installer->os_name);
  else
    g_printerr (_("note: which system this is was not recognized\n"));
  if (!installer->bootable)
    g_printerr (_("note: this image does not look like a bootable CD or DVD; the machine may not start from it\n"));
  if (installer->wants_tpm && !tpm)
    g_printerr (_("note: this system does not install without a TPM, which takes the program swtpm\n"));
}

/* --- the machine ------------------------------------------------------------------------------------------------- */

typedef struct
{
  guint64         memory_bytes, disk_bytes;   /* 0: the definition's own; no new disk */
  guint           cpus;
  VitrineFirmware firmware;
  gboolean        tpm;
} Wanted;

static gboolean
parse_size_option (const char *option, const char *words, const char *example, guint64 *bytes)
{
  if (words == NULL || vitrine_parse_size (words, 1, bytes, NULL))
    return TRUE;
  vitrine_ctl_fail (_("%s %s: not a size. Write for example %s."), option, words, example);
  return FALSE;
}

static int
take_options (const CreateOptions *options, Wanted *wanted)
{
  if (options->installer != NULL && options->cdrom != NULL)
    return vitrine_ctl_fail (_("--installer and --cdrom: the installer is what lies in the CD drive; give one of them."));
  if (!parse_size_option ("--memory", options->memory, "2G", &wanted->memory_bytes)
      || !parse_size_option ("--disk-size", options->disk_size, "20G", &wanted->disk_bytes))
    return 1;
  if (options->cpus < 0 || options->cpus > VITRINE_DOMAIN_MAX_CPUS)
    return vitrine_ctl_fail (_("--cpus %d: must be between 1 and %d."), options->cpus, VITRINE_DOMAIN_MAX_CPUS);
  if (options->cpus > 0)
    wanted->cpus = (guint) options->cpus;
  if (options->firmware != NULL && !vitrine_firmware_from_id (options->firmware, &wanted->firmware))
    return vitrine_ctl_fail (_("--firmware %s: must be bios, uefi or secure-boot."), options->firmware);
  wanted->tpm |= options->tpm;
  return 0;
}

/* Where the options say nothing. */
static void
take_plan (const CreateOptions *options, const VitrineInstaller *installer, Wanted *wanted)
{
  VitrineInstallerPlan plan;

  vitrine_installer_plan (installer, &plan);
  wanted->memory_bytes = options->memory != NULL ? wanted->memory_bytes : plan.memory_bytes;
  if (options->disk_size == NULL && options->disk == NULL && !installer->live)
    wanted->disk_bytes = plan.disk_bytes;
  wanted->cpus = options->cpus > 0 ? wanted->cpus : plan.cpus;
  wanted->firmware = options->firmware != NULL ? wanted->firmware : installer->firmware;
  wanted->tpm |= plan.tpm;
  tell_recognized (installer, wanted->tpm);
}

static void
set_direct_boot (VitrineDomain *domain, const CreateOptions *options)
{
  g_autofree char *kernel = absolute (options->kernel);
  g_autofree char *initrd = options->initrd != NULL ? absolute (options->initrd) : NULL;

  vitrine_domain_set_direct_boot (domain, kernel, initrd, options->append);
}

static int
apply_create (VitrineDomain *domain, const CreateOptions *options, const Wanted *wanted, char **new_disk)
{
  g_autoptr(GError) error = NULL;

  if (apply_board (domain, options) != 0)
    return 1;
  if (wanted->memory_bytes > 0)
    vitrine_domain_set_memory_bytes (domain, wanted->memory_bytes);
  if (wanted->cpus > 0)
    vitrine_domain_set_cpus (domain, wanted->cpus);
  vitrine_domain_set_firmware (domain, wanted->firmware);
  if (wanted->disk_bytes > 0 && (*new_disk = make_disk (vitrine_domain_get_name (domain), wanted->disk_bytes)) == NULL)
    return 1;
  if (options->disk != NULL && !add_image (domain, options->disk, &error))
    return vitrine_ctl_fail ("%s", error->message);
  add_drives (domain, options, *new_disk);
  if (wanted->tpm)
    vitrine_domain_add_tpm (domain);
  if (options->kernel != NULL)
    set_direct_boot (domain, options);
  return 0;
}

static int
create (const CreateOptions *options, const VitrineInstaller *installer, const Wanted *wanted)
{
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  g_autofree char *new_disk = NULL;

  if (library == NULL)
    return 1;
  /* As the person says, or else as the installer's system is called. */
  g_autofree char *name = options->names != NULL ? g_strdup (options->names[0]) : vitrine_library_free_name (library, installer->label);
  g_autoptr(VitrineDomain) domain = vitrine_domain_new (name);
  if (installer != NULL && installer->os_id != NULL)
    vitrine_domain_set_os_id (domain, installer->os_id);
  int status = apply_create (domain, options, wanted, &new_disk);
  if (status == 0)
    status = vitrine_ctl_store (library, domain);
  if (status != 0 && new_disk != NULL)
    g_unlink (new_disk);
  return status;
}

int
vitrine_ctl_create (int argc, char **argv)
{
  g_auto(CreateOptions) options = { 0 };
  g_autoptr(VitrineInstaller) installer = NULL;
  g_autoptr(GError) error = NULL;
  Wanted wanted = { .firmware = VITRINE_FIRMWARE_BIOS };

  if (!parse_create (argc, argv, &options, &error) || (options.names != NULL
      && !vitrine_domain_check_name (options.names[0], &error)))
    return vitrine_ctl_fail ("%s", error->message);
  if ((options.names == NULL && options.installer == NULL) || (options.names != NULL && options.names[1] != NULL))
    return vitrine_ctl_usage ("create NAME [--machine q35|pc] [--memory SIZE] [--cpus N] [--disk-size SIZE] [--cdrom FILE] …\n"
                              "create [NAME] --installer FILE …");
  if (take_options (&options, &wanted) != 0 || (options.installer != NULL && (installer = recognize (options.installer)) == NULL))
    return 1;
  if (installer != NULL)
    take_plan (&options, installer, &wanted);
  return create (&options, installer, &wanted);
}
