/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hotplug.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>

#include "clone.h"
#include "device-words.h"
#include <vitrine/error.h>

/* --- Files ---------------------------------------------------------------------------------------------------------- */

/* What the machine's process may not open by itself, opened. */
typedef struct
{
  GPtrArray *paths;     /* char* */
  GArray    *fds;       /* int */
  GError   **error;
  gboolean   ok;
} Files;

static void
open_file (const char *path, VitrineFileUse use, gpointer data)
{
  Files *files = data;
  int fd = files->ok ? open (path, (use == VITRINE_FILE_CHANGE ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK) : -1;

  if (!files->ok)
    return;
  if (fd < 0)
    {
      int saved = errno;
      g_set_error (files->error, G_IO_ERROR, g_io_error_from_errno (saved), _("Cannot open “%s”: %s"), path, g_strerror (saved));
      files->ok = FALSE;
      return;
    }
  g_ptr_array_add (files->paths, g_strdup (path));
  g_array_append_val (files->fds, fd);
}

static void
close_files (Files *files)
{
  for (guint i = 0; i < files->fds->len; i++)
    close (g_array_index (files->fds, int, i));
  g_array_unref (files->fds);
  g_ptr_array_unref (files->paths);
}

static GVariant *
handles (guint n)
{
  g_auto(GVariantBuilder) builder = G_VARIANT_BUILDER_INIT (G_VARIANT_TYPE ("ah"));

  for (guint i = 0; i < n; i++)
    g_variant_builder_add (&builder, "h", (gint32) i);
  return g_variant_builder_end (&builder);
}

/* --- One device ----------------------------------------------------------------------------------------------------- */

gboolean
vitrine_hotplug_add_disk (VitrineClient *client, guint number, const VtDiskConfig *disk, GError **error)
{
  Files files = { g_ptr_array_new_with_free_func (g_free), g_array_new (FALSE, FALSE, sizeof (int)), error, TRUE };
  gboolean ok = FALSE;

  if (disk->format == VT_IMAGE_LUKS || disk->secret != NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                 _("“%s” is encrypted: such a disk can be added when the machine is off."), disk->path);
  else
    {
      vitrine_disk_visit_files (disk, open_file, &files);
      ok = files.ok
           && vitrine_client_call_with_files_sync (
             client, "AttachDisk",
             g_variant_new ("(u@a{sv}@as@ah)", number, vitrine_disk_to_words (disk),
                            g_variant_new_strv ((const char *const *) files.paths->pdata, files.paths->len), handles (files.fds->len)),
             (const int *) files.fds->data, files.fds->len, error);
    }
  close_files (&files);
  return ok;
}

gboolean
vitrine_hotplug_add_net (VitrineClient *client, guint number, const VtNetConfig *net, GError **error)
{
  return vitrine_client_call_sync (client, "AttachNetwork", g_variant_new ("(u@a{sv})", number, vitrine_net_to_words (net)), error);
}

/* --- From one definition to the other -------------------------------------------------------------------------------- */

typedef struct
{
  gboolean comes;
  guint    number;
  const VtDiskConfig *disk;   /* this ... */
  const VtNetConfig  *net;    /* ... or that */
} Step;

static gboolean
take_step (VitrineClient *client, const Step *step, gboolean comes, GError **error)
{
  if (comes)
    return step->disk != NULL ? vitrine_hotplug_add_disk (client, step->number, step->disk, error)
                              : vitrine_hotplug_add_net (client, step->number, step->net, error);
  if (step->disk != NULL)
    return vitrine_client_call_sync (client, "DetachDisk", g_variant_new ("(s)", step->disk->id), error);
  g_autofree char *mac = vitrine_mac_to_text (step->net->mac);
  return vitrine_client_call_sync (client, "DetachNetwork", g_variant_new ("(s)", mac), error);
}

static gboolean
has_disk (const VtConfig *config, const VtDiskConfig *wanted)
{
  for (guint i = 0; i < config->disks->len; i++)
    if (g_strcmp0 (((const VtDiskConfig *) config->disks->pdata[i])->id, wanted->id) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
has_net (const VtConfig *config, const VtNetConfig *wanted)
{
  for (guint i = 0; i < config->nets->len; i++)
    if (memcmp (((const VtNetConfig *) config->nets->pdata[i])->mac, wanted->mac, sizeof wanted->mac) == 0)
      return TRUE;
  return FALSE;
}

/* What is in a slot of @in and not in @other at all. */
static void
add_steps (GArray *steps, const VtConfig *in, const VtConfig *other, gboolean comes)
{
  for (guint i = 0; i < in->disks->len; i++)
    {
      const Step step = { comes, i, in->disks->pdata[i], NULL };
      if (step.disk->port != 0 && !has_disk (other, step.disk))
        g_array_append_val (steps, step);
    }
  for (guint i = 0; i < in->nets->len; i++)
    {
      const Step step = { comes, i, NULL, in->nets->pdata[i] };
      if (step.net->port != 0 && !has_net (other, step.net))
        g_array_append_val (steps, step);
    }
}

static gboolean
is_on_device (const VtNetConfig *net)
{
  return net->tap != NULL || net->bridge != NULL;
}

/* The first device of @in that @other has not and that is in no slot. */
static gboolean
all_in_slots (const VtConfig *in, const VtConfig *other, gboolean come, GError **error)
{
  gboolean ok = TRUE, device = FALSE;

  for (guint i = 0; ok && i < in->disks->len; i++)
    ok = ((const VtDiskConfig *) in->disks->pdata[i])->port != 0 || has_disk (other, in->disks->pdata[i]);
  for (guint i = 0; ok && i < in->nets->len; i++)
    {
      const VtNetConfig *net = in->nets->pdata[i];
      device = come && is_on_device (net);
      ok = (net->port != 0 && !device) || has_net (other, net);
    }
  if (!ok && device)
    g_set_error_literal (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                         _("A running machine cannot be put on a bridge or a TAP device. Say --config to have it there at the next start."));
  else if (!ok && come)
    g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                 _("This cannot be added while the machine runs: only virtio devices of a q35 machine, and at most %d of them. Say --config to have it at the next start."),
                 VT_HOTPLUG_PORTS);
  else if (!ok)
    g_set_error_literal (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                         _("This cannot be removed while the machine runs, as it was there when it started. Say --config to be without it at the next start."));
  return ok;
}

gboolean
vitrine_hotplug_covers (VitrineDomain *before, VitrineDomain *after, GError **error)
{
  g_autoptr(VtConfig) old = vitrine_domain_to_config (before, error);
  g_autoptr(VtConfig) new = old != NULL ? vitrine_domain_to_config (after, error) : NULL;

  return new != NULL && all_in_slots (new, old, TRUE, error) && all_in_slots (old, new, FALSE, error);
}

gboolean
vitrine_hotplug_change (VitrineClient *client, VitrineDomain *before, VitrineDomain *after, GError **error)
{
  g_autoptr(VtConfig) old = vitrine_domain_to_config (before, error);
  g_autoptr(VtConfig) new = old != NULL ? vitrine_domain_to_config (after, error) : NULL;
  g_autoptr(GArray) steps = g_array_new (FALSE, FALSE, sizeof (Step));
  guint done = 0;

  if (new == NULL || !vitrine_clone_check_base (after, error))
    return FALSE;
  add_steps (steps, old, new, FALSE);
  add_steps (steps, new, old, TRUE);
  while (done < steps->len && take_step (client, &g_array_index (steps, Step, done), g_array_index (steps, Step, done).comes, error))
    done++;
  if (done == steps->len)
    return TRUE;
  while (done-- > 0)
    take_step (client, &g_array_index (steps, Step, done), !g_array_index (steps, Step, done).comes, NULL);
  return FALSE;
}

/* --- Slots ----------------------------------------------------------------------------------------------------------- */

static gboolean
disk_is_in (GPtrArray *disks, const char *target)
{
  for (guint i = 0; i < disks->len; i++)
    if (g_strcmp0 (((VitrineDisk *) disks->pdata[i])->target, target) == 0)
      return TRUE;
  return FALSE;
}

static gboolean
network_is_in (GPtrArray *networks, const VitrineNetwork *wanted)
{
  for (guint i = 0; i < networks->len && wanted->mac != NULL; i++)
    if (g_strcmp0 (((VitrineNetwork *) networks->pdata[i])->mac, wanted->mac) == 0)
      return TRUE;
  return FALSE;
}

/* Cards that have no address are known by their number: new ones are behind them. */
static guint
count_nameless (GPtrArray *networks)
{
  guint n = 0;

  for (guint i = 0; i < networks->len; i++)
    n += ((VitrineNetwork *) networks->pdata[i])->mac == NULL;
  return n;
}

void
vitrine_hotplug_give_slots (VitrineDomain *before, VitrineDomain *after)
{
  g_autoptr(GPtrArray) old_disks = vitrine_domain_get_disks (before), disks = vitrine_domain_get_disks (after);
  g_autoptr(GPtrArray) old_networks = vitrine_domain_get_networks (before), networks = vitrine_domain_get_networks (after);
  guint nameless = count_nameless (old_networks);

  for (guint i = 0; i < disks->len; i++)
    {
      const VitrineDisk *disk = disks->pdata[i];
      if (!vitrine_disk_is_removable (disk) && !disk->encrypted && !disk_is_in (old_disks, disk->target))
        vitrine_domain_give_disk_slot (after, disk->target);
    }
  for (guint i = 0; i < networks->len; i++)
    {
      const VitrineNetwork *network = networks->pdata[i];
      if (g_strcmp0 (network->model, "virtio") != 0 || vitrine_network_is_on_device (network) || network_is_in (old_networks, network)
          || (network->mac == NULL && nameless > 0 && nameless-- > 0))
        continue;
      vitrine_domain_give_network_slot (after, i);
    }
}
