/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hardware-running.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <unistd.h>

#include "hotplug.h"

/* A floppy disk that may only be read is write protected. */
static int
open_medium (const VitrineDisk *disk)
{
  int fd = disk->floppy && !disk->readonly ? open (disk->path, O_RDWR | O_CLOEXEC | O_NONBLOCK) : -1;

  return fd >= 0 ? fd : open (disk->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static gboolean
change_disc (VitrineClient *client, guint drive, const VitrineDisk *disk, GError **error)
{
  const char *path = disk->path;

  if (path == NULL)
    return vitrine_client_call_sync (client, "EjectMedium", g_variant_new ("(u)", drive), error);
  int fd = open_medium (disk);
  if (fd < 0)
    {
      int saved = errno;
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), _("Cannot read “%s”: %s"), path, g_strerror (saved));
      return FALSE;
    }
  gboolean ok = vitrine_client_call_with_files_sync (client, "ChangeMedium", g_variant_new ("(ush)", drive, path, 0), &fd, 1, error);
  close (fd);
  return ok;
}

/* Drives and cards are numbered as the machine has them, which is as they were before. */
static gboolean
change_discs (const VitrineRunningChange *change, GError **error)
{
  g_autoptr(GPtrArray) old = vitrine_domain_get_disks (change->before), new = vitrine_domain_get_disks (change->after);

  for (guint i = 0; i < old->len; i++)
    for (guint j = 0; j < new->len; j++)
      {
        const VitrineDisk *was = old->pdata[i], *is = new->pdata[j];
        if (g_strcmp0 (was->target, is->target) == 0 && vitrine_disk_is_removable (is) && g_strcmp0 (was->path, is->path) != 0
            && !change_disc (change->client, i, is, error))
          return FALSE;
      }
  return TRUE;
}

/* The same card in the other definition: by its address, or by its place where it has none. */
static const VitrineNetwork *
find_card (GPtrArray *networks, const VitrineNetwork *card, guint place)
{
  for (guint i = 0; card->mac != NULL && i < networks->len; i++)
    if (g_strcmp0 (((VitrineNetwork *) networks->pdata[i])->mac, card->mac) == 0)
      return networks->pdata[i];
  return card->mac == NULL && place < networks->len ? networks->pdata[place] : NULL;
}

/* Cards that our machine goes without have no number there. */
static gboolean
change_cables (const VitrineRunningChange *change, GError **error)
{
  g_autoptr(GPtrArray) old = vitrine_domain_get_networks (change->before), new = vitrine_domain_get_networks (change->after);
  guint card = 0;

  for (guint i = 0; i < old->len; i++)
    {
      const VitrineNetwork *was = old->pdata[i], *is = find_card (new, was, i);
      if (!vitrine_network_is_supported (was))
        continue;
      if (is != NULL && was->cable_out != is->cable_out
          && !vitrine_client_call_sync (change->client, "SetLink", g_variant_new ("(ub)", card, !is->cable_out), error))
        return FALSE;
      card++;
    }
  return TRUE;
}

static gboolean
grow_disks (const VitrineRunningChange *change, GError **error)
{
  for (guint i = 0; i < change->growing->len; i++)
    if (!vitrine_client_call_sync (change->client, "ResizeDisk",
                                   g_variant_new ("(st)", change->growing->pdata[i], g_array_index (change->sizes, guint64, i)), error))
      return FALSE;
  return TRUE;
}

/* --- The thread ------------------------------------------------------------------------------------------------------- */

VitrineRunningChange *
vitrine_running_change_new (VitrineClient *client, VitrineDomain *before, VitrineDomain *after)
{
  VitrineRunningChange *change = g_new0 (VitrineRunningChange, 1);

  change->client = client;
  change->before = vitrine_domain_copy (before);
  change->after = vitrine_domain_copy (after);
  change->growing = g_ptr_array_new_with_free_func (g_free);
  change->sizes = g_array_new (FALSE, FALSE, sizeof (guint64));
  return change;
}

static void
change_free (gpointer data)
{
  VitrineRunningChange *change = data;

  g_clear_object (&change->client);
  g_object_unref (change->before);
  g_object_unref (change->after);
  g_ptr_array_unref (change->growing);
  g_array_unref (change->sizes);
  g_free (change);
}

void
vitrine_running_change_grow (VitrineRunningChange *change, const char *target, guint64 bytes)
{
  g_ptr_array_add (change->growing, g_strdup (target));
  g_array_append_val (change->sizes, bytes);
}

/* What may be refused comes first, and what only grows or costs nothing last. */
static void
carry_out (GTask *task, gpointer source, gpointer data, GCancellable *cancellable)
{
  const VitrineRunningChange *change = data;
  GError *error = NULL;

  if (change->client == NULL)
    g_set_error_literal (&error, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The machine has been powered off meanwhile."));
  else if (vitrine_hotplug_change (change->client, change->before, change->after, &error) && change_discs (change, &error)
           && change_cables (change, &error) && grow_disks (change, &error) && change->memory != 0)
    vitrine_client_call_sync (change->client, "SetMemory", g_variant_new ("(t)", change->memory), &error);
  if (error != NULL)
    g_task_return_error (task, error);
  else
    g_task_return_boolean (task, TRUE);
}

void
vitrine_hardware_change_running_async (GObject *source, VitrineRunningChange *change, GAsyncReadyCallback done, gpointer data)
{
  g_autoptr(GTask) task = g_task_new (source, NULL, done, data);

  g_task_set_task_data (task, change, change_free);
  g_task_run_in_thread (task, carry_out);
}

gboolean
vitrine_hardware_change_running_finish (GAsyncResult *result, GError **error)
{
  return g_task_propagate_boolean (G_TASK (result), error);
}
