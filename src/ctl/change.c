/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "change.h"

#include <glib/gi18n.h>
#include <string.h>

#include "ctl.h"
#include "hotplug.h"
#include "machines.h"
#include "passphrase.h"
#include "running-change.h"

typedef struct
{
  VitrineMachine *machine;
  VitrineClient  *client;    /* NULL: it is off, or only the definition is meant */
  VitrineDomain  *before, *after;
} Change;

static void
change_clear (Change *change)
{
  g_clear_object (&change->client);
  g_clear_object (&change->before);
  g_clear_object (&change->after);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Change, change_clear)

/* Encrypted disks get their keys on the way. */
static gboolean
change_running (VitrineRunningChange *running, VtSecret *passphrase, GError **error)
{
  g_autoptr(GError) wanting = NULL;

  if (vitrine_running_change_carry_out (running, &wanting))
    return TRUE;
  const VtDiskConfig *disk = vitrine_running_change_get_locked (running);
  if (disk == NULL)
    {
      g_propagate_error (error, g_steal_pointer (&wanting));
      return FALSE;
    }
  g_autoptr(VtSecret) key = vitrine_ctl_unlock (disk, passphrase, error);
  if (key == NULL)
    return FALSE;
  vitrine_running_change_unlock (running, key);
  return change_running (running, passphrase, error);
}

static gboolean
carry_out (Change *change, VtSecret *passphrase, GError **error)
{
  g_autoptr(VitrineRunningChange) running = NULL;

  if (change->client != NULL)
    {
      vitrine_hotplug_give_slots (change->before, change->after);
      if (!vitrine_hotplug_covers (change->before, change->after, error))
        return FALSE;
      running = vitrine_running_change_new (g_object_ref (change->client), change->before, change->after);
      if (!change_running (running, passphrase, error))
        return FALSE;
    }
  if (vitrine_machine_set_domain (change->machine, change->after, error))
    return TRUE;
  if (running != NULL)
    vitrine_running_change_take_back (running);
  return FALSE;
}

static gboolean
is_possible (VitrineDomain *domain, GError **error)
{
  g_autoptr(VtConfig) config = vitrine_domain_to_config (domain, error);

  return config != NULL && vt_config_check (config, error);
}

/* What a machine would not start with is refused, unless it was so before. */
static gboolean
check (const Change *change, GError **error)
{
  return !is_possible (change->before, NULL) || is_possible (change->after, error);
}

/* FALSE: a message has been printed. */
static gboolean
reach (Change *change, const char *words, gboolean config_only, VitrineCtlReach reach)
{
  if (reach == VITRINE_CTL_WORDS)
    return TRUE;
  if (vitrine_machine_is_suspended (change->machine))
    return vitrine_ctl_fail (_("“%s” is suspended. Start it and power it off to change its devices."), words), FALSE;
  if (config_only || !vitrine_ctl_is_running (change->machine))
    return TRUE;
  if (reach == VITRINE_CTL_COLD)
    return vitrine_ctl_fail (_("“%s” is running: this changes while it is off. Say --config to have it at the next start."), words), FALSE;
  return (change->client = vitrine_ctl_connect (words)) != NULL;
}

static int
change_found (Change *change, const char *words, gboolean config_only, VitrineCtlEdit edit, gpointer data, VtSecret *passphrase)
{
  VitrineCtlOutcome outcome = { NULL, VITRINE_CTL_DEVICES };
  g_autoptr(GError) error = NULL;

  change->before = vitrine_domain_copy (vitrine_machine_get_domain (change->machine));
  change->after = vitrine_domain_copy (change->before);
  gboolean ok = edit (change->after, data, &outcome, &error) && check (change, &error);
  g_autofree char *note = outcome.note;
  if (ok && !reach (change, words, config_only, outcome.reach))
    return 1;
  if (!ok || !carry_out (change, passphrase, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (note != NULL)
    g_print ("%s\n", note);
  return 0;
}

int
vitrine_ctl_change (const char *words, gboolean config_only, VitrineCtlEdit edit, gpointer data, VtSecret *passphrase)
{
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  g_auto(Change) change = { 0 };

  change.machine = library != NULL ? vitrine_ctl_find (library, words) : NULL;
  if (change.machine == NULL)
    return 1;
  if (vitrine_machine_get_domain (change.machine) == NULL)
    return vitrine_ctl_fail ("%s", vitrine_machine_get_message (change.machine));
  return change_found (&change, words, config_only, edit, data, passphrase);
}

gboolean
vitrine_ctl_take_switches (int *argc, char **argv, int least, gboolean *config_only, gboolean *force)
{
  int n = 0;

  for (int i = 0; i < *argc; i++)
    if (g_str_equal (argv[i], "--config"))
      *config_only = TRUE;
    else if (force != NULL && g_str_equal (argv[i], "--force"))
      *force = TRUE;
    else if (argv[i][0] == '-')
      return FALSE;
    else
      argv[n++] = argv[i];
  *argc = n;
  return n > least;
}

const char *
vitrine_ctl_parse_change (int argc, char **argv, gboolean *config_only, const char *synopsis)
{
  *config_only = FALSE;
  if (vitrine_ctl_take_switches (&argc, argv, 2, config_only, NULL) && argc == 3)
    return argv[2];
  vitrine_ctl_usage (synopsis);
  return NULL;
}

gboolean
vitrine_ctl_is_socket (const char *words)
{
  return strchr (words, '/') != NULL;
}
