/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs about definitions: list, create, define, dumpxml, delete. */
#include "machines.h"

#include <glib/gi18n.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <string.h>
#include <vitrine/image.h>

#include "change.h"
#include "ctl.h"
#include "disk-image.h"
#include "host-verbs.h"
#include "paths.h"
#include "run-lock.h"
#include "sizes.h"

VitrineLibrary *
vitrine_ctl_open_library (void)
{
  g_autoptr(VitrineLibrary) library = vitrine_library_new ();
  g_autoptr(GError) error = NULL;

  if (vitrine_library_load (library, &error))
    return g_steal_pointer (&library);
  vitrine_ctl_fail ("%s", error->message);
  return NULL;
}

VitrineMachine *
vitrine_ctl_find (VitrineLibrary *library, const char *words)
{
  g_autoptr(GError) error = NULL;
  VitrineMachine *machine = vitrine_library_find (library, words, &error);

  if (machine == NULL)
    vitrine_ctl_fail ("%s", error->message);
  return machine;
}

gboolean
vitrine_ctl_is_running (VitrineMachine *machine)
{
  g_autofree char *lock = vitrine_paths_in_machine (vitrine_machine_get_uuid (machine), "lock");

  return vitrine_run_lock_query (lock) == VITRINE_RUN_LOCK_HELD;
}

/* A machine of `vitrinectl run --control`. */
static VitrineClient *
connect_socket (const char *path)
{
  g_autofree char *absolute = g_canonicalize_filename (path, NULL);
  g_autoptr(GError) error = NULL;
  VitrineClient *client = vitrine_client_connect_sync (absolute, &error);

  if (client == NULL)
    vitrine_ctl_fail (_("No machine answers at the socket “%s”: %s"), path, error->message);
  return client;
}

VitrineClient *
vitrine_ctl_connect (const char *words)
{
  if (strchr (words, '/') != NULL)
    return connect_socket (words);
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, words) : NULL;
  g_autoptr(GError) error = NULL;

  if (machine == NULL)
    return NULL;
  g_autofree char *socket_path = vitrine_paths_socket (vitrine_machine_get_uuid (machine));
  if (!vitrine_ctl_is_running (machine))
    {
      vitrine_ctl_fail (_("“%s” is not running. “vitrinectl start” starts it."), words);
      return NULL;
    }
  VitrineClient *client = vitrine_client_connect_sync (socket_path, &error);
  if (client == NULL)
    vitrine_ctl_fail (_("Cannot reach the process of “%s”: %s"), words, error->message);
  return client;
}

/* --- list ------------------------------------------------------------------------------------------------------- */

/* The lock says whether there is a process; only then is there someone to ask. */
static VitrineState
ask_state (VitrineMachine *machine)
{
  const char *uuid = vitrine_machine_get_uuid (machine);
  g_autofree char *lock = vitrine_paths_in_machine (uuid, "lock");
  g_autofree char *socket_path = vitrine_paths_socket (uuid);

  if (vitrine_run_lock_query (lock) != VITRINE_RUN_LOCK_HELD)
    return vitrine_machine_get_state (machine);
  if (vitrine_run_lock_is_for_work (lock))
    return VITRINE_STATE_BUSY;
  g_autoptr(VitrineClient) client = vitrine_client_connect_sync (socket_path, NULL);
  return client != NULL ? vitrine_client_get_state (client) : VITRINE_STATE_STARTING;
}

int
vitrine_ctl_list (int argc, char **argv)
{
  gboolean all_hosts = argc == 2 && g_str_equal (argv[1], "--all-hosts");

  if (argc != 1 && !all_hosts)
    return vitrine_ctl_usage ("list [--all-hosts]");
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  if (library == NULL)
    return 1;
  for (guint i = 0; i < vitrine_library_get_size (library); i++)
    {
      VitrineMachine *machine = vitrine_library_get (library, i);
      VitrineState state = ask_state (machine);
      g_print ("%s  %-9s %s\n", vitrine_machine_get_uuid (machine), vitrine_state_to_nick (state),
               vitrine_machine_get_title (machine));
      if (state == VITRINE_STATE_BROKEN)
        g_printerr ("  %s\n", vitrine_machine_get_message (machine));
    }
  return all_hosts ? vitrine_ctl_host_list () : 0;
}

/* --- create ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  char  *memory, *disk_size, *cdrom, *floppy, *disk, *kernel, *initrd, *append, *firmware, *machine;
  int    cpus;
  gboolean tpm;
  char **names;
} CreateOptions;

static void
create_options_clear (CreateOptions *options)
{
  char *strings[] = { options->memory, options->disk_size, options->cdrom, options->floppy, options->disk, options->kernel,
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
  g_autoptr(GOptionContext) context = g_option_context_new ("NAME");

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
  if (new_disk != NULL)
    add_drive (domain, new_disk, "qcow2", "virtio", FALSE, options->disk != NULL ? 0 : 1);
  if (options->cdrom != NULL)
    add_drive (domain, options->cdrom, "raw", g_strcmp0 (options->machine, "pc") == 0 ? "ide" : "sata", TRUE, 2);
  if (options->floppy != NULL)
    add_drive (domain, options->floppy, "raw", "fdc", FALSE, 3);
}

static int
apply_create (VitrineDomain *domain, const CreateOptions *options, char **new_disk)
{
  g_autoptr(GError) error = NULL;
  guint64 bytes = 0;

  if (apply_board (domain, options) != 0)
    return 1;
  if (options->memory != NULL && !vitrine_parse_size (options->memory, 1, &bytes, NULL))
    return vitrine_ctl_fail (_("--memory %s: not a size. Write for example 512M or 2G."), options->memory);
  if (options->memory != NULL)
    vitrine_domain_set_memory_bytes (domain, bytes);
  if (options->cpus < 0 || options->cpus > VITRINE_DOMAIN_MAX_CPUS)
    return vitrine_ctl_fail (_("--cpus %d: must be between 1 and %d."), options->cpus, VITRINE_DOMAIN_MAX_CPUS);
  if (options->cpus > 0)
    vitrine_domain_set_cpus (domain, (guint) options->cpus);
  VitrineFirmware firmware = VITRINE_FIRMWARE_BIOS;
  if (options->firmware != NULL && !vitrine_firmware_from_id (options->firmware, &firmware))
    return vitrine_ctl_fail (_("--firmware %s: must be bios, uefi or secure-boot."), options->firmware);
  vitrine_domain_set_firmware (domain, firmware);
  if (options->disk_size != NULL && !vitrine_parse_size (options->disk_size, 1, &bytes, NULL))
    return vitrine_ctl_fail (_("--disk-size %s: not a size. Write for example 20G."), options->disk_size);
  if (options->disk_size != NULL && (*new_disk = make_disk (options->names[0], bytes)) == NULL)
    return 1;
  if (options->disk != NULL && !add_image (domain, options->disk, &error))
    return vitrine_ctl_fail ("%s", error->message);
  add_drives (domain, options, *new_disk);
  if (options->tpm)
    vitrine_domain_add_tpm (domain);
  if (options->kernel != NULL)
    {
      g_autofree char *kernel = absolute (options->kernel);
      g_autofree char *initrd = options->initrd != NULL ? absolute (options->initrd) : NULL;
      vitrine_domain_set_direct_boot (domain, kernel, initrd, options->append);
    }
  return 0;
}

static int
store (VitrineDomain *domain)
{
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  g_autoptr(GError) error = NULL;

  if (library == NULL)
    return 1;
  VitrineMachine *machine = vitrine_library_add (library, domain, &error);
  if (machine == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  g_print ("%s\n", vitrine_machine_get_uuid (machine));
  return 0;
}

int
vitrine_ctl_create (int argc, char **argv)
{
  g_auto(CreateOptions) options = { 0 };
  g_autofree char *new_disk = NULL;
  g_autoptr(GError) error = NULL;

  if (!parse_create (argc, argv, &options, &error) || (options.names != NULL
      && !vitrine_domain_check_name (options.names[0], &error)))
    return vitrine_ctl_fail ("%s", error->message);
  if (options.names == NULL || options.names[1] != NULL)
    return vitrine_ctl_usage ("create NAME [--machine q35|pc] [--memory SIZE] [--cpus N] [--disk-size SIZE] [--cdrom FILE] …");
  g_autoptr(VitrineDomain) domain = vitrine_domain_new (options.names[0]);
  int status = apply_create (domain, &options, &new_disk);
  if (status == 0)
    status = store (domain);
  if (status != 0 && new_disk != NULL)
    g_unlink (new_disk);
  return status;
}

int
vitrine_ctl_define (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;

  if (argc == 4 && g_str_equal (argv[1], "--host"))
    return vitrine_ctl_host_define (argv[2], argv[3]);
  if (argc != 2 || argv[1][0] == '-')
    return vitrine_ctl_usage ("define [--host HOST] FILE.xml");
  g_autoptr(VitrineDomain) domain = vitrine_domain_new_from_file (argv[1], &error);
  if (domain == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  g_auto(GStrv) missing = vitrine_domain_list_missing (domain);
  for (guint i = 0; missing[i] != NULL; i++)
    g_printerr (_("note: %s\n"), missing[i]);
  return store (domain);
}

int
vitrine_ctl_dumpxml (int argc, char **argv)
{
  if (argc != 2 || argv[1][0] == '-')
    return vitrine_ctl_usage ("dumpxml MACHINE");
  if (vitrine_ctl_is_on_host (argv[1]))
    return vitrine_ctl_host_dumpxml (argv[1]);
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, argv[1]) : NULL;
  if (machine == NULL)
    return 1;
  if (vitrine_machine_get_domain (machine) == NULL)
    return vitrine_ctl_fail ("%s", vitrine_machine_get_message (machine));
  g_autofree char *xml = vitrine_domain_to_xml (vitrine_machine_get_domain (machine));
  fputs (xml, stdout);
  return 0;
}

int
vitrine_ctl_delete (int argc, char **argv)
{
  g_autoptr(GError) error = NULL;

  gboolean volumes = argc == 3 && g_str_equal (argv[1], "--with-volumes");
  const char *words = argv[argc - 1];

  if ((argc != 2 && !volumes) || words[0] == '-')
    return vitrine_ctl_usage ("delete [--with-volumes] MACHINE");
  if (vitrine_ctl_is_on_host (words))
    return vitrine_ctl_host_delete (words, volumes);
  if (volumes)
    return vitrine_ctl_fail (_("--with-volumes is for machines of hosts. The disks of others go to the trash."));
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, argv[1]) : NULL;
  if (machine == NULL)
    return 1;
  g_autofree char *uuid = g_strdup (vitrine_machine_get_uuid (machine));
  if (!vitrine_library_delete (library, machine, &error) || !vitrine_library_purge (library, uuid, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}
