/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrinectl import and export: machines from and to other programs. */
#include <glib/gi18n.h>
#include <vitrine/error.h>

#include "ctl.h"
#include "domain-folders.h"
#include "import.h"
#include "machines.h"
#include "paths.h"
#include "progress.h"
#include "run-lock.h"

typedef struct
{
  char    *name;
  gboolean quiet;
  char   **words;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->name);
  g_strfreev (options->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse (int argc, char **argv, const char *words, gboolean has_name, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, N_("No progress"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_FILENAME_ARRAY, &options->words, NULL, NULL },
    { "name", 'n', 0, G_OPTION_ARG_STRING, &options->name, N_("What the machine will be called"), "NAME" },
    { NULL },
  };
  const GOptionEntry without_name[] = { entries[0], entries[1], entries[3] };
  g_autoptr(GOptionContext) context = g_option_context_new (words);

  g_option_context_add_main_entries (context, has_name ? entries : without_name, GETTEXT_PACKAGE);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  return g_option_context_parse (context, &argc, &argv, error);
}

int
vitrine_ctl_import (int argc, char **argv)
{
  g_auto(Options) options = { 0 };
  g_auto(GStrv) notes = NULL;
  g_autoptr(GError) error = NULL;

  if (!parse (argc, argv, "FILE.ova|ovf|vmdk|vdi|vhd|vhdx|qcow2", TRUE, &options, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (options.words == NULL || options.words[1] != NULL)
    return vitrine_ctl_usage ("import FILE.ova|ovf|vmdk|vdi|vhd|vhdx|qcow2 [--name NAME]");
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  if (library == NULL)
    return 1;
  vitrine_ctl_progress_begin (options.quiet);
  g_autofree char *path = g_canonicalize_filename (options.words[0], NULL);
  g_autoptr(VitrineDomain) domain = vitrine_import (path, options.name, vitrine_ctl_progress, NULL, &notes, &error);
  if (domain == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  VitrineMachine *machine = vitrine_import_add (library, domain, options.name != NULL, &error);
  if (machine == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  for (guint i = 0; notes[i] != NULL; i++)
    g_printerr (_("note: %s\n"), notes[i]);
  g_print ("%s\n", vitrine_machine_get_uuid (machine));
  return 0;
}

/* Its disks must not change meanwhile: the machine's lock is held as a running machine holds it. */
static void
note_what_stays (VitrineDomain *domain)
{
  g_autoptr(GPtrArray) folders = vitrine_domain_get_folders (domain);

  if (vitrine_domain_get_tpm (domain))
    g_printerr (_("note: %s\n"), _("The TPM is not in the archive: what is sealed in it stays with this machine."));
  if (folders->len > 0)
    g_printerr (_("note: %s\n"), _("Shared folders are not in the archive: they stay on this computer."));
}

static int
export_locked (VitrineMachine *machine, const char *path, GError **error)
{
  g_autofree char *lock = vitrine_paths_in_machine (vitrine_machine_get_uuid (machine), "lock");
  int held = vitrine_run_lock_take_for_work (lock, error);

  if (held < 0)
    return g_error_matches (*error, G_IO_ERROR, G_IO_ERROR_BUSY)
             ? vitrine_ctl_fail (_("“%s” is running: turn it off first."), vitrine_machine_get_title (machine))
             : vitrine_ctl_fail ("%s", (*error)->message);
  gboolean suspended = vitrine_machine_is_suspended (machine);
  gboolean ok = !suspended && vitrine_export (vitrine_machine_get_domain (machine), path, vitrine_ctl_progress, NULL, error);
  vitrine_run_lock_release (lock, held);
  if (suspended)
    return vitrine_ctl_fail (_("“%s” is suspended, with work that is only in its memory: start it and shut it down first."),
                             vitrine_machine_get_title (machine));
  if (ok)
    note_what_stays (vitrine_machine_get_domain (machine));
  return ok ? 0 : vitrine_ctl_fail ("%s", (*error)->message);
}

int
vitrine_ctl_export (int argc, char **argv)
{
  g_auto(Options) options = { 0 };
  g_autoptr(GError) error = NULL;

  if (!parse (argc, argv, "MACHINE FILE.ova", FALSE, &options, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (options.words == NULL || g_strv_length (options.words) != 2 || !g_str_has_suffix (options.words[1], ".ova"))
    return vitrine_ctl_usage ("export MACHINE FILE.ova");
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, options.words[0]) : NULL;
  if (machine == NULL)
    return 1;
  if (vitrine_machine_get_domain (machine) == NULL)
    return vitrine_ctl_fail ("%s", vitrine_machine_get_message (machine));
  vitrine_ctl_progress_begin (options.quiet);
  g_autofree char *path = g_canonicalize_filename (options.words[1], NULL);
  return export_locked (machine, path, &error);
}
