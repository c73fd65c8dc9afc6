/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vitrinectl clone: a second machine like another one. */
#include "clone.h"

#include <glib/gi18n.h>

#include "ctl.h"
#include "machines.h"
#include "progress.h"

typedef struct
{
  gboolean linked, quiet;
  char    *snapshot;
  char   **words;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->snapshot);
  g_strfreev (options->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse (int argc, char **argv, Options *options, GError **error)
{
  const GOptionEntry entries[] = {
    { "linked", 'l', 0, G_OPTION_ARG_NONE, &options->linked, N_("New disks that build upon the other machine’s"), NULL },
    { "snapshot", 's', 0, G_OPTION_ARG_STRING, &options->snapshot, N_("As the machine was in this snapshot"), "NAME" },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, N_("No progress"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->words, NULL, NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new ("MACHINE NAME");

  g_option_context_add_main_entries (context, entries, GETTEXT_PACKAGE);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  return g_option_context_parse (context, &argc, &argv, error);
}

int
vitrine_ctl_clone (int argc, char **argv)
{
  g_auto(Options) options = { 0 };
  g_autoptr(GError) error = NULL;

  if (!parse (argc, argv, &options, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (options.words == NULL || g_strv_length (options.words) != 2)
    return vitrine_ctl_usage ("clone MACHINE NAME [--linked] [--snapshot NAME]");
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, options.words[0]) : NULL;
  if (machine == NULL)
    return 1;
  if (vitrine_machine_get_domain (machine) == NULL)
    return vitrine_ctl_fail ("%s", vitrine_machine_get_message (machine));
  vitrine_ctl_progress_begin (options.quiet);
  const VitrineCloneOptions clone = { options.words[1], options.linked, options.snapshot };
  g_autofree char *folder = vitrine_machine_get_folder (machine);
  g_autoptr(VitrineDomain) domain = vitrine_clone (vitrine_machine_get_domain (machine), folder, &clone, vitrine_ctl_progress, NULL,
                                                  &error);
  VitrineMachine *made = domain != NULL ? vitrine_clone_add (library, domain, folder, &clone, &error) : NULL;
  if (made == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  g_print ("%s\n", vitrine_machine_get_uuid (made));
  return 0;
}
