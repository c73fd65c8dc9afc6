/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "running-change.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <unistd.h>
#include <vitrine/error.h>

#include "card-numbers.h"
#include "forward-change.h"
#include "hotplug.h"

struct _VitrineRunningChange
{
  VitrineClient  *client;            /* NULL: it is not running any more */
  VitrineDomain  *before, *after;    /* own copies */
  VitrineHotplug *hotplug;           /* NULL: not made yet */
  VitrineForwardChange *forwards;
  VtDiskConfig   *locked;            /* of that: whose key is wanted */
  guint64         memory;            /* bytes for the guest; 0: as it is */
  GPtrArray      *growing;           /* targets ... */
  GArray         *sizes;             /* ... and how many bytes they should have, guint64 */
};

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

/* Disks have come and gone by now: the machine numbers those of the new definition, but for what waits for its next start. */
static gboolean
change_discs (const VitrineRunningChange *change, GError **error)
{
  g_autoptr(GPtrArray) old = vitrine_domain_get_disks (change->before), new = vitrine_domain_get_disks (change->after);
  guint number = 0;

  for (guint i = 0; i < new->len; i++)
    {
      const VitrineDisk *is = new->pdata[i], *was = vitrine_disk_find (old, is->target);
      if (was != NULL && vitrine_disk_is_removable (is) && g_strcmp0 (was->path, is->path) != 0
          && !change_disc (change->client, number, is, error))
        return FALSE;
      number += was != NULL || vitrine_domain_get_disk_slot (change->after, is->target) != 0;
    }
  return TRUE;
}

/* Cards have come and gone by now: their numbers are those of the new definition. */
static gboolean
change_cables (const VitrineRunningChange *change, GError **error)
{
  g_autoptr(GPtrArray) old = vitrine_domain_get_networks (change->before), new = vitrine_domain_get_networks (change->after);
  guint before;

  for (guint i = 0; i < new->len; i++)
    {
      const VitrineNetwork *is = new->pdata[i];
      if (!vitrine_network_is_supported (is) || !vitrine_cards_find (old, is, i, &before)
          || ((VitrineNetwork *) old->pdata[before])->cable_out == is->cable_out)
        continue;
      guint number = vitrine_cards_number (change->after, new, old, i);
      if (!vitrine_client_call_sync (change->client, "SetLink", g_variant_new ("(ub)", number, !is->cable_out), error))
        return FALSE;
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

/* --- All of it ------------------------------------------------------------------------------------------------------- */

VitrineRunningChange *
vitrine_running_change_new (VitrineClient *client, VitrineDomain *before, VitrineDomain *after)
{
  VitrineRunningChange *self = g_new0 (VitrineRunningChange, 1);

  self->client = client;
  self->before = vitrine_domain_copy (before);
  self->after = vitrine_domain_copy (after);
  self->forwards = vitrine_forward_change_new (before, after);
  self->growing = g_ptr_array_new_with_free_func (g_free);
  self->sizes = g_array_new (FALSE, FALSE, sizeof (guint64));
  return self;
}

void
vitrine_running_change_free (VitrineRunningChange *self)
{
  if (self == NULL)
    return;
  g_clear_object (&self->client);
  g_clear_pointer (&self->hotplug, vitrine_hotplug_free);
  vitrine_forward_change_free (self->forwards);
  g_object_unref (self->before);
  g_object_unref (self->after);
  g_ptr_array_unref (self->growing);
  g_array_unref (self->sizes);
  g_free (self);
}

void
vitrine_running_change_set_memory (VitrineRunningChange *self, guint64 bytes)
{
  self->memory = bytes;
}

void
vitrine_running_change_grow (VitrineRunningChange *self, const char *target, guint64 bytes)
{
  g_ptr_array_add (self->growing, g_strdup (target));
  g_array_append_val (self->sizes, bytes);
}

/* FALSE also where a key is wanted. */
static gboolean
prepare (VitrineRunningChange *self, GError **error)
{
  if (self->client == NULL)
    {
      g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_CLOSED, _("The machine has been powered off meanwhile."));
      return FALSE;
    }
  if (self->hotplug == NULL && (self->hotplug = vitrine_hotplug_new (self->before, self->after, error)) == NULL)
    return FALSE;
  self->locked = vitrine_hotplug_next_locked (self->hotplug);
  return self->locked == NULL
         || vt_refuse (error, VT_ERROR_PASSPHRASE, _("“%s” is encrypted, and needs its passphrase before it can be added."), self->locked->path);
}

/* What only grows or costs nothing comes last. */
static gboolean
change_rest (VitrineRunningChange *self, GError **error)
{
  return change_discs (self, error) && change_cables (self, error) && grow_disks (self, error)
         && (self->memory == 0 || vitrine_client_call_sync (self->client, "SetMemory", g_variant_new ("(t)", self->memory), error));
}

/* What fails leaves the cards as they were, so that the same can be tried again. */
static gboolean
change_cards (VitrineRunningChange *self, GError **error)
{
  if (!vitrine_hotplug_carry_out (self->hotplug, self->client, error))
    return FALSE;
  if (vitrine_forward_change_open (self->forwards, self->client, error))
    return TRUE;
  vitrine_hotplug_take_back (self->hotplug, self->client);
  return FALSE;
}

gboolean
vitrine_running_change_carry_out (VitrineRunningChange *self, GError **error)
{
  if (!prepare (self, error) || !vitrine_forward_change_close (self->forwards, self->client, error))
    return FALSE;
  if (!change_cards (self, error))
    {
      vitrine_forward_change_undo_close (self->forwards, self->client);
      return FALSE;
    }
  if (change_rest (self, error))
    return TRUE;
  vitrine_running_change_take_back (self);
  return FALSE;
}

void
vitrine_running_change_take_back (VitrineRunningChange *self)
{
  vitrine_forward_change_undo_open (self->forwards, self->client);
  vitrine_hotplug_take_back (self->hotplug, self->client);
  vitrine_forward_change_undo_close (self->forwards, self->client);
}

const VtDiskConfig *
vitrine_running_change_get_locked (VitrineRunningChange *self)
{
  return self->locked;
}

void
vitrine_running_change_unlock (VitrineRunningChange *self, VtSecret *key)
{
  self->locked->secret = vt_secret_ref (key);
}
