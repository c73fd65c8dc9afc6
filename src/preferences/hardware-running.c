/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hardware-running.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n.h>
#include <unistd.h>

/* A floppy disk that may only be read is write protected. */
static int
open_medium (const VitrineDisk *disk)
{
  int fd = disk->floppy && !disk->readonly ? open (disk->path, O_RDWR | O_CLOEXEC | O_NONBLOCK) : -1;

  return fd >= 0 ? fd : open (disk->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
}

static gboolean
change_disc (VitrineMachine *machine, guint drive, const VitrineDisk *disk, GError **error)
{
  const char *path = disk->path;

  if (path == NULL)
    return vitrine_machine_call_sync (machine, "EjectMedium", g_variant_new ("(u)", drive), -1, error);
  int fd = open_medium (disk);
  if (fd < 0)
    {
      int saved = errno;
      g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), _("Cannot read “%s”: %s"), path, g_strerror (saved));
      return FALSE;
    }
  gboolean ok = vitrine_machine_call_sync (machine, "ChangeMedium", g_variant_new ("(ush)", drive, path, 0), fd, error);
  close (fd);
  return ok;
}

static gboolean
change_discs (VitrineMachine *machine, VitrineDomain *before, VitrineDomain *after, GError **error)
{
  g_autoptr(GPtrArray) old = vitrine_domain_get_disks (before), new = vitrine_domain_get_disks (after);

  for (guint i = 0; i < old->len && i < new->len; i++)
    {
      const VitrineDisk *was = old->pdata[i], *is = new->pdata[i];
      if (vitrine_disk_is_removable (is) && g_strcmp0 (was->path, is->path) != 0 && !change_disc (machine, i, is, error))
        return FALSE;
    }
  return TRUE;
}

/* Cards that our machine goes without have no number there. */
static gboolean
change_cables (VitrineMachine *machine, VitrineDomain *before, VitrineDomain *after, GError **error)
{
  g_autoptr(GPtrArray) old = vitrine_domain_get_networks (before), new = vitrine_domain_get_networks (after);
  guint card = 0;

  for (guint i = 0; i < old->len && i < new->len; i++)
    {
      const VitrineNetwork *was = old->pdata[i], *is = new->pdata[i];
      if (!vitrine_network_is_supported (is))
        continue;
      if (was->cable_out != is->cable_out
          && !vitrine_machine_call_sync (machine, "SetLink", g_variant_new ("(ub)", card, !is->cable_out), -1, error))
        return FALSE;
      card++;
    }
  return TRUE;
}

gboolean
vitrine_hardware_change_running (VitrineMachine *machine, VitrineDomain *before, VitrineDomain *after, GError **error)
{
  return change_discs (machine, before, after, error) && change_cables (machine, before, after, error);
}
