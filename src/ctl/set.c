/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verb about what a machine is, beside its drives and network cards: set. */
#include <glib/gi18n.h>
#include <string.h>

#include "change.h"
#include "ctl.h"
#include "machines.h"
#include "run-options-private.h"

static char *
path_of (const char *value)
{
  return g_str_equal (value, "none") ? NULL : g_canonicalize_filename (value, NULL);
}

/* --- Words ----------------------------------------------------------------------------------------------------------- */

static gboolean
set_description (VitrineDomain *domain, const char *value, GError **error)
{
  vitrine_domain_set_description (domain, value);
  return TRUE;
}

/* It is checked here, and given by the library, which knows whether another machine is called so. */
static gboolean
check_name (VitrineDomain *domain, const char *value, GError **error)
{
  return vitrine_domain_check_name (value, error);
}

/* --- Processors, memory, firmware -------------------------------------------------------------------------------------- */

static gboolean
set_memory (VitrineDomain *domain, const char *value, GError **error)
{
  guint64 bytes;

  if (!vitrine_parse_size (value, VITRINE_MIB, &bytes, error))
    return FALSE;
  vitrine_domain_set_memory_bytes (domain, bytes);
  return TRUE;
}

static gboolean
set_cpus (VitrineDomain *domain, const char *value, GError **error)
{
  guint64 cpus;

  if (!g_ascii_string_to_unsigned (value, 10, 1, VITRINE_DOMAIN_MAX_CPUS, &cpus, NULL))
    return vitrine_ctl_refuse (error, _("“%s” is not a number from 1 to %u"), value, VITRINE_DOMAIN_MAX_CPUS);
  vitrine_domain_set_cpus (domain, (guint) cpus);
  return TRUE;
}

static gboolean
set_firmware (VitrineDomain *domain, const char *value, GError **error)
{
  VitrineFirmware firmware;

  if (!vitrine_firmware_from_id (value, &firmware))
    return vitrine_ctl_refuse (error, _("Firmware “%s” is not known: choose one of %s"), value, "bios, uefi, secure-boot");
  if (vitrine_firmware_id_get_problem (value) != NULL)
    g_printerr (_("note: %s\n"), vitrine_firmware_id_get_problem (value));
  vitrine_domain_set_firmware (domain, firmware);
  return TRUE;
}

/* --- Starting ---------------------------------------------------------------------------------------------------------- */

static gboolean
set_boot (VitrineDomain *domain, const char *value, GError **error)
{
  g_auto(GStrv) targets = g_strsplit (value, ",", -1);

  return vitrine_domain_boot_first (domain, (const char *const *) targets, error);
}

static gboolean
set_kernel (VitrineDomain *domain, const char *value, GError **error)
{
  g_autofree char *kernel = path_of (value), *initrd = vitrine_domain_get_initrd (domain), *cmdline = vitrine_domain_get_cmdline (domain);

  vitrine_domain_set_direct_boot (domain, kernel, initrd, cmdline);
  return TRUE;
}

static gboolean
set_beside_kernel (VitrineDomain *domain, const char *initrd, const char *cmdline, GError **error)
{
  g_autofree char *kernel = vitrine_domain_get_kernel (domain);

  if (kernel == NULL)
    return vitrine_ctl_refuse (error, _("The machine starts from its drives: initrd and append go with kernel=FILE"));
  vitrine_domain_set_direct_boot (domain, kernel, initrd, cmdline);
  return TRUE;
}

static gboolean
set_initrd (VitrineDomain *domain, const char *value, GError **error)
{
  g_autofree char *initrd = path_of (value), *cmdline = vitrine_domain_get_cmdline (domain);

  return set_beside_kernel (domain, initrd, cmdline, error);
}

static gboolean
set_append (VitrineDomain *domain, const char *value, GError **error)
{
  g_autofree char *initrd = vitrine_domain_get_initrd (domain);

  return set_beside_kernel (domain, initrd, value, error);
}

/* --- Screen ------------------------------------------------------------------------------------------------------------ */

static gboolean
set_video (VitrineDomain *domain, const char *value, GError **error)
{
  g_autofree char *known = g_strjoinv (", ", (char **) vitrine_video_ids);

  if (!g_strv_contains (vitrine_video_ids, value))
    return vitrine_ctl_refuse (error, _("Graphics card “%s” is not known: choose one of %s"), value, known);
  vitrine_domain_set_video (domain, value);
  return TRUE;
}

static gboolean
set_resolution (VitrineDomain *domain, const char *value, GError **error)
{
  guint width = 0, height = 0;

  if (!g_str_equal (value, "auto") && !vitrine_parse_screen_size (value, &width, &height, error))
    return FALSE;
  vitrine_domain_set_resolution (domain, width, height);
  return TRUE;
}

/* --- Devices of which there is one ------------------------------------------------------------------------------------- */

static gboolean
turn (void (*set) (VitrineDomain *domain, gboolean on), VitrineDomain *domain, const char *key, const char *value, GError **error)
{
  bool on;

  if (!vitrine_run_parse_switch (key, value, &on, error))
    return FALSE;
  set (domain, on);
  return TRUE;
}

static gboolean
set_balloon (VitrineDomain *domain, const char *value, GError **error)
{
  return turn (vitrine_domain_set_balloon, domain, "balloon", value, error);
}

static gboolean
set_sound (VitrineDomain *domain, const char *value, GError **error)
{
  return turn (vitrine_domain_set_sound, domain, "sound", value, error);
}

static gboolean
set_clipboard (VitrineDomain *domain, const char *value, GError **error)
{
  return turn (vitrine_domain_set_clipboard, domain, "clipboard", value, error);
}

static gboolean
set_tpm (VitrineDomain *domain, const char *value, GError **error)
{
  if (!vitrine_domain_get_tpm (domain))
    return vitrine_ctl_refuse (error, _("The machine has no TPM: “vitrinectl attach-tpm” adds one"));
  return vitrine_domain_choose_tpm (domain, value, error);
}

/* --- The verb ---------------------------------------------------------------------------------------------------------- */

typedef struct
{
  const char *name, *values;
  gboolean  (*set) (VitrineDomain *domain, const char *value, GError **error);
  const char *summary;
  gboolean    words;      /* changes whatever the machine does */
} Property;

static const Property properties[] = {
  { "name", "NAME", check_name, N_("What it is called"), TRUE },
  { "description", "TEXT", set_description, N_("What is written about it"), TRUE },
  { "memory", "SIZE", set_memory, N_("Memory; a number alone counts MiB"), FALSE },
  { "cpus", "1…64", set_cpus, N_("Processors"), FALSE },
  { "firmware", "bios|uefi|secure-boot", set_firmware, N_("Firmware"), FALSE },
  { "boot", "TARGET,…", set_boot, N_("Drives to start from first, by their names"), FALSE },
  { "kernel", "FILE|none", set_kernel, N_("Start this kernel; none: from the drives"), FALSE },
  { "initrd", "FILE|none", set_initrd, N_("With this initial RAM disk"), FALSE },
  { "append", "TEXT", set_append, N_("And this command line"), FALSE },
  { "video", "vga|virtio|bochs|ramfb|none", set_video, N_("Graphics card"), FALSE },
  { "resolution", "auto|1280x800", set_resolution, N_("Preferred resolution"), FALSE },
  { "sound", "on|off", set_sound, N_("Sound card"), FALSE },
  { "balloon", "on|off", set_balloon, N_("Memory balloon"), FALSE },
  { "clipboard", "on|off", set_clipboard, N_("Shared clipboard"), FALSE },
  { "tpm", "crb|tis", set_tpm, N_("The interface of its TPM"), FALSE },
};

static const Property *
find_property (const char *word, GError **error)
{
  const char *equals = strchr (word, '=');

  for (guint i = 0; equals != NULL && i < G_N_ELEMENTS (properties); i++)
    if (strlen (properties[i].name) == (size_t) (equals - word) && g_str_has_prefix (word, properties[i].name))
      return &properties[i];
  vitrine_ctl_refuse (error, _("A machine does not know “%s”: “vitrinectl set --help” lists what it knows"), word);
  return NULL;
}

static gboolean
set_one (VitrineDomain *domain, const char *word, VitrineCtlOutcome *outcome, GError **error)
{
  const Property *property = find_property (word, error);

  if (property == NULL)
    return FALSE;
  if (!property->words)
    outcome->reach = VITRINE_CTL_COLD;
  return property->set (domain, strchr (word, '=') + 1, error);
}

static gboolean
is_kernel (const char *word)
{
  return g_str_has_prefix (word, "kernel=");
}

/* What goes with a kernel comes after it. */
static gboolean
set_all (VitrineDomain *domain, gpointer words, VitrineCtlOutcome *outcome, GError **error)
{
  outcome->reach = VITRINE_CTL_WORDS;
  for (char **word = words; *word != NULL; word++)
    if (is_kernel (*word) && !set_one (domain, *word, outcome, error))
      return FALSE;
  for (char **word = words; *word != NULL; word++)
    if (!is_kernel (*word) && !set_one (domain, *word, outcome, error))
      return FALSE;
  return TRUE;
}

static int
rename_machine (const char *words, const char *name)
{
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, words) : NULL;
  g_autoptr(GError) error = NULL;

  if (machine == NULL)
    return 1;
  return vitrine_library_rename (library, machine, name, &error) ? 0 : vitrine_ctl_fail ("%s", error->message);
}

static int
explain (void)
{
  vitrine_ctl_usage ("set MACHINE NAME=VALUE… [--config]");
  for (guint i = 0; i < G_N_ELEMENTS (properties); i++)
    {
      g_autofree char *left = g_strdup_printf ("%s=%s", properties[i].name, properties[i].values);
      g_printerr ("  %s%*s %s\n", left, MAX (36 - (int) g_utf8_strlen (left, -1), 1), "", _(properties[i].summary));
    }
  return 1;
}

int
vitrine_ctl_set (int argc, char **argv)
{
  gboolean config_only = FALSE;
  const char *name = NULL;

  if (!vitrine_ctl_take_switches (&argc, argv, 2, &config_only, NULL))
    return explain ();
  g_autofree char **words = g_new0 (char *, argc);
  for (int i = 2; i < argc; i++)
    {
      words[i - 2] = argv[i];
      name = g_str_has_prefix (argv[i], "name=") ? argv[i] + strlen ("name=") : name;
    }
  int status = vitrine_ctl_change (argv[1], config_only, set_all, words, NULL);
  return status == 0 && name != NULL ? rename_machine (argv[1], name) : status;
}
