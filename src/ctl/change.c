/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "change.h"

#include <glib/gi18n.h>

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

/* FALSE: a message has been printed. */
static gboolean
find (VitrineLibrary *library, const char *words, VitrineCtlWhen when, Change *change)
{
  change->machine = vitrine_ctl_find (library, words);
  if (change->machine == NULL)
    return FALSE;
  if (vitrine_machine_get_domain (change->machine) == NULL)
    return vitrine_ctl_fail ("%s", vitrine_machine_get_message (change->machine)), FALSE;
  if (vitrine_machine_is_suspended (change->machine))
    return vitrine_ctl_fail (_("“%s” is suspended. Start it and power it off to change its devices."), words), FALSE;
  if (when == VITRINE_CTL_CONFIG || !vitrine_ctl_is_running (change->machine))
    return TRUE;
  if (when == VITRINE_CTL_OFF)
    return vitrine_ctl_fail (_("“%s” is running: this changes while it is off. Say --config to have it at the next start."), words), FALSE;
  return (change->client = vitrine_ctl_connect (words)) != NULL;
}

int
vitrine_ctl_change (const char *words, VitrineCtlWhen when, VitrineCtlEdit edit, gconstpointer data, VtSecret *passphrase)
{
  g_autoptr(VitrineLibrary) library = vitrine_ctl_open_library ();
  g_auto(Change) change = { 0 };
  g_autoptr(GError) error = NULL;
  g_autofree char *note = NULL;

  if (library == NULL || !find (library, words, when, &change))
    return 1;
  change.before = vitrine_domain_copy (vitrine_machine_get_domain (change.machine));
  change.after = vitrine_domain_copy (change.before);
  if (!edit (change.after, data, &note, &error) || !carry_out (&change, passphrase, &error))
    return vitrine_ctl_fail ("%s", error->message);
  if (note != NULL)
    g_print ("%s\n", note);
  return 0;
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
