/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a host guest is told to do. */
#include "host-guest-private.h"

#include <glib/gi18n-lib.h>

#include "host-error.h"
#include "launcher.h"

/* What a command is to libvirt; 0 is success. */
static int
start (virDomainPtr domain)
{
  int active = virDomainIsActive (domain);

  return active != 0 ? MIN (active - 1, 0) : virDomainCreate (domain);
}

static int
resume (virDomainPtr domain)
{
  int state = 0;

  if (virDomainGetState (domain, &state, NULL, 0) == 0 && state == VIR_DOMAIN_PMSUSPENDED)
    return virDomainPMWakeup (domain, 0);
  return virDomainResume (domain);
}

static int
reset (virDomainPtr domain)
{
  return virDomainReset (domain, 0);
}

static int
save (virDomainPtr domain)
{
  return virDomainManagedSave (domain, 0);
}

static int
discard (virDomainPtr domain)
{
  return virDomainManagedSaveRemove (domain, 0);
}

static int
autostart (virDomainPtr domain)
{
  return virDomainSetAutostart (domain, 1);
}

static int
no_autostart (virDomainPtr domain)
{
  return virDomainSetAutostart (domain, 0);
}

typedef struct
{
  const char *name;
  int       (*function) (virDomainPtr domain);
  gboolean    silent;      /* no event tells of it */
} Command;

static const Command commands[] = {
  { "Open", start },
  { "Start", start },
  { "Pause", virDomainSuspend },
  { "Resume", resume },
  { "PowerButton", virDomainShutdown },
  { "Reset", reset },
  { "Save", save },
  { "ForceOff", virDomainDestroy },
  { "Discard", discard, TRUE },
  { "Autostart", autostart, TRUE },
  { "NoAutostart", no_autostart, TRUE },
};

static const Command *
find_command (const char *name)
{
  for (guint i = 0; i < G_N_ELEMENTS (commands); i++)
    if (g_str_equal (commands[i].name, name))
      return &commands[i];
  return NULL;
}

/* Returns the domain as it is then, where no event would tell. */
static gpointer
do_command (virDomainPtr domain, gpointer data, GCancellable *cancellable, GError **error)
{
  const Command *command = data;

  if (command->function (domain) < 0)
    return vitrine_host_set_error (error);
  return command->silent ? vitrine_host_link_read (domain, error) : NULL;
}

static gboolean
open_window (VitrineHostGuest *self, GError **error)
{
  g_autoptr(GSubprocess) process = vitrine_launcher_start_on_host (vitrine_host_get_id (self->host), self->uuid, error);

  return process != NULL;
}

static void
command_done (GObject *source, GAsyncResult *result, gpointer data)
{
  VitrineHostGuest *self = VITRINE_HOST_GUEST (source);
  g_autoptr(GTask) task = data;
  GError *error = NULL;
  VitrineHostEntry *entry = vitrine_host_guest_run_finish (self, result, &error);

  if (entry != NULL)
    vitrine_host_guest_update (self, entry);
  if (error == NULL && g_str_equal (g_task_get_task_data (task), "Open") && self->host != NULL)
    open_window (self, &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

void
vitrine_host_guest_command_async (VitrineGuest *guest, const char *name, GAsyncReadyCallback done, gpointer data)
{
  VitrineHostGuest *self = VITRINE_HOST_GUEST (guest);
  const Command *command = find_command (name);
  GTask *task = g_task_new (self, NULL, done, data);

  if (command == NULL)
    {
      g_task_return_new_error (task, VITRINE_HOST_ERROR, VITRINE_HOST_ERROR_UNSUPPORTED,
                               _("“%s” cannot be done on a host."), name);
      g_object_unref (task);
      return;
    }
  g_task_set_task_data (task, g_strdup (name), g_free);
  vitrine_host_guest_run_async (self, do_command, (gpointer) command, NULL, (GDestroyNotify) vitrine_host_entry_free,
                                NULL, command_done, task);
}

gboolean
vitrine_host_guest_command_finish (VitrineGuest *guest, GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
