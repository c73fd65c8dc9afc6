/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs about the folders that a machine shares: attach-folder, detach-folder. */
#include <glib/gi18n.h>

#include "change.h"
#include "ctl.h"
#include "domain-folders.h"
#include "run-options-private.h"

static gboolean
set_word (VitrineFolder *folder, char *word, GError **error)
{
  const char *value = vitrine_run_cut_value (word);
  bool readonly;

  if (g_str_equal (word, "name") && value != NULL)
    return vitrine_run_set_string (&folder->name, value);
  if (!g_str_equal (word, "readonly"))
    return vitrine_ctl_refuse (error, _("A shared folder does not know “%s”: use name and readonly"), word);
  if (!vitrine_run_parse_switch (word, value, &readonly, error))
    return FALSE;
  folder->readonly = readonly;
  return TRUE;
}

/* FOLDER[,key=value]...; NULL: an error. */
static VitrineFolder *
parse_folder (const char *text, GError **error)
{
  g_autoptr(GPtrArray) parts = vitrine_run_split_commas (text);
  g_autoptr(VitrineFolder) folder = g_new0 (VitrineFolder, 1);

  folder->folder = g_canonicalize_filename (parts->pdata[0], NULL);
  for (guint i = 1; i < parts->len; i++)
    if (!set_word (folder, parts->pdata[i], error))
      return NULL;
  return g_steal_pointer (&folder);
}

/* Prints its name. */
static gboolean
add (VitrineDomain *domain, gpointer data, VitrineCtlOutcome *outcome, GError **error)
{
  const VitrineFolder *folder = data;
  g_autoptr(VitrineDomain) before = vitrine_domain_copy (domain);

  outcome->reach = VITRINE_CTL_COLD;
  vitrine_domain_add_folder (domain, folder);
  g_autoptr(GPtrArray) all = vitrine_domain_get_folders (domain);
  outcome->note = g_strdup (((const VitrineFolder *) all->pdata[all->len - 1])->name);
  return vitrine_domain_check_folders (domain, before, error);
}

int
vitrine_ctl_attach_folder (int argc, char **argv)
{
  gboolean config_only;
  g_autoptr(GError) error = NULL;
  const char *value = vitrine_ctl_parse_change (argc, argv, &config_only, "attach-folder MACHINE FOLDER[,name=NAME][,readonly=on] [--config]");

  if (value == NULL)
    return 1;
  g_autoptr(VitrineFolder) folder = parse_folder (value, &error);
  if (folder == NULL || !vitrine_folder_check_path (folder->folder, &error))
    return vitrine_ctl_fail ("%s", error->message);
  VitrineFolderSight sight = vitrine_folder_look (folder->folder);
  g_autofree char *sentence = vitrine_folder_describe (folder, sight);
  if (sight != VITRINE_FOLDER_THERE && sight != VITRINE_FOLDER_BROAD)
    return vitrine_ctl_fail ("%s", sentence);
  int status = vitrine_ctl_change (argv[1], config_only, add, folder, NULL);
  if (status == 0 && sentence != NULL)
    g_printerr (_("note: %s\n"), sentence);
  return status;
}

static gboolean
take_out (VitrineDomain *domain, gpointer name, VitrineCtlOutcome *outcome, GError **error)
{
  guint index;

  outcome->reach = VITRINE_CTL_COLD;
  if (!vitrine_domain_find_folder (domain, name, &index))
    return vitrine_ctl_refuse (error, _("The machine has no shared folder “%s”. “vitrinectl dumpxml” shows those that it has."), (const char *) name);
  vitrine_removed_free (vitrine_domain_take_folder (domain, index));
  return TRUE;
}

int
vitrine_ctl_detach_folder (int argc, char **argv)
{
  gboolean config_only;
  const char *name = vitrine_ctl_parse_change (argc, argv, &config_only, "detach-folder MACHINE NAME [--config]");

  return name != NULL ? vitrine_ctl_change (argv[1], config_only, take_out, argv[2], NULL) : 1;
}
