/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The verbs `move` and `migrate`: machines that go to another place. Checks first; what is refused ends it there. */
#include "move.h"

#include <glib/gi18n.h>
#include <string.h>

#include "ctl.h"
#include "host-verbs.h"
#include "machines.h"
#include "progress.h"

#define POLL_MS 100          /* how soon Ctrl-C is heard */
#define NEVER_DONE 0.99      /* memory gets more again: 100 % is said by the end */

#define MOVE_SYNOPSIS                                                                                                  \
  "move MACHINE HOST [--pool P] [--network N] [--start] [--remove-local] [--dry-run] | "                               \
  "move HOST/MACHINE [--start] [--dry-run]"
#define MIGRATE_SYNOPSIS                                                                                               \
  "migrate HOST/MACHINE HOST [--live|--offline] [--copy-storage|--trust-storage] [--pool P] [--bandwidth MIB] "        \
  "[--downtime MS] [--auto-converge] [--post-copy] [--peer-to-peer|--tunnelled] [--dry-run]"

typedef struct
{
  gboolean start, remove_local, dry_run, quiet;
  gboolean live, offline, copy_storage, trust_storage, auto_converge, post_copy, peer, tunnel;
  gint64   bandwidth, downtime;
  char    *pool, *network;
  char   **words;
} Options;

static void
options_clear (Options *options)
{
  g_free (options->pool);
  g_free (options->network);
  g_strfreev (options->words);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Options, options_clear)

static gboolean
parse (int argc, char **argv, const char *words, const GOptionEntry *own, Options *options, GError **error)
{
  const GOptionEntry common[] = {
    { "pool", 'p', 0, G_OPTION_ARG_STRING, &options->pool, N_("Storage pool of the target for the disks"), "POOL" },
    { "dry-run", 'n', 0, G_OPTION_ARG_NONE, &options->dry_run,
      N_("Only say what would be in the way, and what would change"), NULL },
    { "quiet", 'q', 0, G_OPTION_ARG_NONE, &options->quiet, N_("No progress"), NULL },
    { G_OPTION_REMAINING, 0, 0, G_OPTION_ARG_STRING_ARRAY, &options->words, NULL, NULL },
    { NULL },
  };
  g_autoptr(GOptionContext) context = g_option_context_new (words);

  g_option_context_add_main_entries (context, own, GETTEXT_PACKAGE);
  g_option_context_add_main_entries (context, common, GETTEXT_PACKAGE);
  g_option_context_set_translation_domain (context, GETTEXT_PACKAGE);
  return g_option_context_parse (context, &argc, &argv, error);
}

/* --- checks ------------------------------------------------------------------------------------------------------- */

static void
print_checks (const GPtrArray *checks)
{
  for (guint i = 0; i < checks->len; i++)
    {
      const VitrineCheck *check = checks->pdata[i];
      g_print ("%-8s %s: %s\n", vitrine_check_level_to_nick (check->level), check->what, check->sentence);
    }
}

static gboolean
complain (const GPtrArray *checks)
{
  gboolean refused = FALSE;

  for (guint i = 0; i < checks->len; i++)
    {
      const VitrineCheck *check = checks->pdata[i];
      if (check->level == VITRINE_CHECK_WARNED)
        g_printerr (_("note: %s\n"), check->sentence);
      else if (check->level == VITRINE_CHECK_REFUSED)
        refused = vitrine_ctl_fail ("%s", check->sentence) != 0;
    }
  return refused;
}

/* -1: go on; else the exit status. */
static int
check (VitrineMove *move, gboolean dry_run)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_move_check_async (move, vitrine_ctl_keep_result, &result);
  g_autoptr(GPtrArray) checks = vitrine_move_check_finish (move, vitrine_ctl_await (&result), &error);
  if (checks == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  if (dry_run)
    {
      print_checks (checks);
      return vitrine_checks_get_worst (checks) == VITRINE_CHECK_REFUSED;
    }
  return complain (checks) ? 1 : -1;
}

/* --- the work ----------------------------------------------------------------------------------------------------- */

static double fraction_so_far;

static void
note_progress (VitrineMove *move, double fraction, const char *words, gpointer news, gpointer unused)
{
  fraction_so_far = MIN (fraction, NEVER_DONE);
}

static gboolean
show_progress (gpointer move)
{
  if (!vitrine_ctl_progress (NULL, fraction_so_far))
    vitrine_move_cancel (move);
  return G_SOURCE_CONTINUE;
}

static int
run (VitrineMove *move, gboolean quiet)
{
  g_autoptr(GAsyncResult) result = NULL;
  g_autoptr(GError) error = NULL;

  vitrine_ctl_progress_begin (quiet);
  g_signal_connect (move, "progress", G_CALLBACK (note_progress), NULL);
  guint tick = g_timeout_add (POLL_MS, show_progress, move);
  vitrine_move_run_async (move, vitrine_ctl_keep_result, &result);
  g_autofree char *words = vitrine_move_run_finish (move, vitrine_ctl_await (&result), &error);
  g_source_remove (tick);
  vitrine_ctl_progress_end ();
  if (words == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  g_print ("%s\n", words);
  return 0;
}

static int
check_and_run (VitrineMove *move, const Options *options)
{
  int status = check (move, options->dry_run);

  return status >= 0 ? status : run (move, options->quiet);
}

/* Its disks go to the trash, as with `delete`. */
static int
remove_local (VitrineLibrary *library, VitrineMove *move)
{
  VitrineMachine *machine = vitrine_move_get_machine (move);
  g_autofree char *uuid = g_strdup (vitrine_machine_get_uuid (machine));
  g_autoptr(GError) error = NULL;

  if (!vitrine_move_has_started (move))
    return vitrine_ctl_fail (_("The copy on this computer is kept, as the machine has not started on the host."));
  if (!vitrine_library_delete (library, machine, &error) || !vitrine_library_purge (library, uuid, &error))
    return vitrine_ctl_fail ("%s", error->message);
  return 0;
}

static int
move_to_host (const Options *options)
{
  g_autoptr(VitrineHosts) hosts = NULL;
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineMachine *machine = library != NULL ? vitrine_ctl_find (library, options->words[0]) : NULL;
  VitrineHost *host = machine != NULL ? vitrine_ctl_host_open (options->words[1], &hosts) : NULL;

  if (host == NULL)
    return 1;
  g_autoptr(VitrineMove) move = vitrine_move_new_to_host (machine);
  vitrine_move_set_target (move, host);
  vitrine_move_get_options (move)->pool = g_strdup (options->pool);
  vitrine_move_get_options (move)->network = g_strdup (options->network);
  vitrine_move_get_options (move)->start = options->start || options->remove_local;
  int status = check_and_run (move, options);
  return status == 0 && options->remove_local && !options->dry_run ? remove_local (library, move) : status;
}

static int
move_to_here (const Options *options)
{
  g_autoptr(VitrineHosts) hosts = NULL;
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  VitrineHost *host;
  VitrineHostGuest *guest;

  if (library == NULL || !vitrine_ctl_host_find (options->words[0], &hosts, &host, &guest))
    return 1;
  g_autoptr(VitrineMove) move = vitrine_move_new_to_here (guest, library);
  vitrine_move_get_options (move)->start = options->start;
  return check_and_run (move, options);
}

int
vitrine_ctl_move (int argc, char **argv)
{
  g_auto(Options) options = { 0 };
  g_autoptr(GError) error = NULL;
  const GOptionEntry own[] = {
    { "network", 0, 0, G_OPTION_ARG_STRING, &options.network, N_("Network of the host for cards on user networking"),
      "NETWORK" },
    { "start", 's', 0, G_OPTION_ARG_NONE, &options.start, N_("Start the machine when it is there"), NULL },
    { "remove-local", 0, 0, G_OPTION_ARG_NONE, &options.remove_local,
      N_("Start it, and then delete the copy on this computer"), NULL },
    { NULL },
  };

  if (!parse (argc, argv, "MACHINE HOST | HOST/MACHINE", own, &options, &error))
    return vitrine_ctl_fail ("%s", error->message);
  guint n = options.words != NULL ? g_strv_length (options.words) : 0;
  if (n == 2)
    return move_to_host (&options);
  if (n != 1 || options.remove_local || options.network != NULL || options.pool != NULL)
    return vitrine_ctl_usage (MOVE_SYNOPSIS);
  return move_to_here (&options);
}

/* --- migrate ------------------------------------------------------------------------------------------------------ */

static void
take_options (const Options *options, VitrineMoveOptions *out)
{
  if (options->live || options->offline)
    out->offline = options->offline;
  out->pool = g_strdup (options->pool);
  out->trust_storage = options->trust_storage;
  out->copy_storage = options->copy_storage;
  out->auto_converge = options->auto_converge;
  out->post_copy = options->post_copy;
  out->bandwidth_mib = (guint64) MAX (options->bandwidth, 0);
  out->downtime_ms = (guint64) MAX (options->downtime, 0);
  out->way = options->tunnel ? VITRINE_MIGRATE_TUNNEL : options->peer ? VITRINE_MIGRATE_PEER : VITRINE_MIGRATE_DIRECT;
}

static int
migrate (const Options *options)
{
  g_autoptr(VitrineHosts) hosts = NULL, others = NULL;
  VitrineHost *source, *target;
  VitrineHostGuest *guest;

  if (!vitrine_ctl_host_find (options->words[0], &hosts, &source, &guest)
      || (target = vitrine_ctl_host_open (options->words[1], &others)) == NULL)
    return 1;
  g_autoptr(VitrineMove) move = vitrine_move_new_between (guest);
  vitrine_move_set_target (move, target);
  take_options (options, vitrine_move_get_options (move));
  return check_and_run (move, options);
}

int
vitrine_ctl_migrate (int argc, char **argv)
{
  g_auto(Options) options = { 0 };
  g_autoptr(GError) error = NULL;
  const GOptionEntry own[] = {
    { "live", 'l', 0, G_OPTION_ARG_NONE, &options.live, N_("While it runs; usual when it does"), NULL },
    { "offline", 0, 0, G_OPTION_ARG_NONE, &options.offline, N_("Only the definition of a machine that is off"), NULL },
    { "copy-storage", 'c', 0, G_OPTION_ARG_NONE, &options.copy_storage, N_("Copy the disks into a pool of the target"),
      NULL },
    { "trust-storage", 0, 0, G_OPTION_ARG_NONE, &options.trust_storage,
      N_("Both hosts have the same disks, also where libvirt cannot tell"), NULL },
    { "bandwidth", 0, 0, G_OPTION_ARG_INT64, &options.bandwidth, N_("At most so many MiB each second"), "MIB" },
    { "downtime", 0, 0, G_OPTION_ARG_INT64, &options.downtime,
      N_("Stand still for at most so many milliseconds at the end"), "MS" },
    { "auto-converge", 0, 0, G_OPTION_ARG_NONE, &options.auto_converge,
      N_("Slow the machine down when it changes memory too fast"), NULL },
    { "post-copy", 0, 0, G_OPTION_ARG_NONE, &options.post_copy,
      N_("Let it run at the target before all memory is there, when nothing else helps"), NULL },
    { "peer-to-peer", 0, 0, G_OPTION_ARG_NONE, &options.peer, N_("The hosts talk to each other without this computer"),
      NULL },
    { "tunnelled", 0, 0, G_OPTION_ARG_NONE, &options.tunnel, N_("The same, with memory inside of their connection"),
      NULL },
    { NULL },
  };

  if (!parse (argc, argv, "HOST/MACHINE HOST", own, &options, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (options.words == NULL || g_strv_length (options.words) != 2 || (options.live && options.offline)
      || (options.copy_storage && options.trust_storage) || (options.peer && options.tunnel))
    return vitrine_ctl_usage (MIGRATE_SYNOPSIS);
  return migrate (&options);
}
