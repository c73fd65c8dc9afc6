/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Verbs about definitions: list, define, dumpxml, delete. */
#include "machines.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <string.h>

#include "ctl.h"
#include "host-verbs.h"
#include "paths.h"
#include "run-lock.h"

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
      g_print ("%s  %-10s %s\n", vitrine_machine_get_uuid (machine), vitrine_state_to_nick (state),
               vitrine_machine_get_title (machine));
      if (state == VITRINE_STATE_BROKEN)
        g_printerr ("  %s\n", vitrine_machine_get_message (machine));
    }
  return all_hosts ? vitrine_ctl_host_list () : 0;
}

/* --- define ----------------------------------------------------------------------------------------------------- */

int
vitrine_ctl_store (VitrineLibrary *library, VitrineDomain *domain)
{
  g_autoptr(GError) error = NULL;
  VitrineMachine *machine = vitrine_library_add (library, domain, &error);

  if (machine == NULL)
    return vitrine_ctl_fail ("%s", error->message);
  g_print ("%s\n", vitrine_machine_get_uuid (machine));
  return 0;
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
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  return library != NULL ? vitrine_ctl_store (library, domain) : 1;
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
