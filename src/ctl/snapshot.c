/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verb `snapshot`. A machine that runs takes its snapshots itself, and goes on; otherwise the work is done here. */
#include <glib/gi18n.h>
#include <string.h>

#include "ctl.h"
#include "host-verbs.h"
#include "machines.h"
#include "paths.h"
#include "run-lock.h"
#include "snapshots-offline.h"

static gboolean
runs (const char *words, const char *uuid)
{
  g_autofree char *lock = uuid != NULL ? vitrine_paths_in_machine (uuid, "lock") : NULL;

  return strchr (words, '/') != NULL || vitrine_run_lock_query (lock) == VITRINE_RUN_LOCK_HELD;
}

void
vitrine_ctl_print_snapshots (GPtrArray *all, const char *current)
{
  for (guint i = 0; i < all->len; i++)
    {
      const VitrineSnapshot *snapshot = all->pdata[i];
      g_autoptr(GDateTime) when = g_date_time_new_from_unix_local (snapshot->created);
      g_autofree char *day = when != NULL ? g_date_time_format (when, "%F %T") : g_strdup ("?");
      guint indent = 2 * snapshot->depth;   /* "debian" below "base" */
      g_print ("%s %s  %*s%s%s\n", g_strcmp0 (current, snapshot->name) == 0 ? "*" : " ", day, (int) indent, "", snapshot->name,
               snapshot->has_state ? _("  (running)") : "");
      if (snapshot->description != NULL)
        g_print ("%*s%s\n", (int) indent + 25, "", snapshot->description);
    }
}

static int
list (const char *uuid)
{
  g_autofree char *folder = vitrine_paths_in_machine (uuid, "snapshots");
  g_autofree char *current = vitrine_snapshot_store_current (folder);
  g_autoptr(GPtrArray) all = vitrine_snapshot_store_list (folder);

  vitrine_ctl_print_snapshots (all, current);
  return 0;
}

static int
revert (const char *words, const char *uuid, const char *name)
{
  g_autoptr(GError) error = NULL;

  if (runs (words, uuid))
    return vitrine_ctl_fail (_("“%s” is running. Stop it first: what it does now is lost when it goes back."), words);
  if (!vitrine_snapshot_revert_offline (uuid, name, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

static int
change (const char *words, const char *uuid, const char *verb, const char *name, const char *description)
{
  g_autoptr(GError) error = NULL;
  gboolean taking = g_str_equal (verb, "take");

  if (g_str_equal (verb, "revert"))
    return uuid != NULL ? revert (words, uuid, name) : vitrine_ctl_fail (_("“%s” is running."), words);
  if (runs (words, uuid))
    return taking ? vitrine_ctl_call (words, "TakeSnapshot", g_variant_new ("(ss)", name, description != NULL ? description : ""))
                  : vitrine_ctl_call (words, "ForgetSnapshot", g_variant_new ("(s)", name));
  if (!(taking ? vitrine_snapshot_take_offline (uuid, name, description, &error) : vitrine_snapshot_forget_offline (uuid, name, &error)))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

int
vitrine_ctl_snapshot (int argc, char **argv)
{
  gboolean listing = argc == 3 && g_str_equal (argv[1], "list");
  gboolean known = argc >= 4 && (g_str_equal (argv[1], "take") || g_str_equal (argv[1], "revert") || g_str_equal (argv[1], "delete"));

  if ((!listing && !known) || argc > (known && g_str_equal (argv[1], "take") ? 5 : 4))
    return vitrine_ctl_usage ("snapshot list MACHINE | take MACHINE NAME [DESCRIPTION] | revert|delete MACHINE NAME");
  const char *words = argv[2];
  if (vitrine_ctl_is_on_host (words))
    return vitrine_ctl_host_snapshot (words, argv[1], listing ? NULL : argv[3], argc > 4 ? argv[4] : NULL);
  gboolean is_socket = strchr (words, '/') != NULL;
  if (is_socket && listing)
    return vitrine_ctl_fail (_("The snapshots of a machine without a definition are the files in its folder."));
  g_autoptr(VitrineLibrary) library = is_socket ? NULL : vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, words) : NULL;
  if (!is_socket && machine == NULL)
    return 1;
  const char *uuid = machine != NULL ? vitrine_machine_get_uuid (machine) : NULL;
  return listing ? list (uuid) : change (words, uuid, argv[1], argv[3], argc > 4 ? argv[4] : NULL);
}
