/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "hotplug.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <string.h>
#include <unistd.h>
#include <vitrine/error.h>
#include <vitrine/image.h>
#include <vitrine/secret-pipe.h>

#include "card-numbers.h"
#include "clone.h"
#include "device-words.h"
#include "net-devices.h"
#include "unlock.h"

/* --- Files ---------------------------------------------------------------------------------------------------------- */

/* What the machine's process may not open by itself, opened. */
typedef struct
{
  GPtrArray *paths;     /* char* */
  GArray    *fds;       /* int; those of the paths first */
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

/* Its words; of an encrypted disk, the key is one more descriptor. NULL: an error. */
static GVariant *
disk_words (const VtDiskConfig *disk, Files *files, GError **error)
{
  GVariant *words = vitrine_disk_to_words (disk);

  if (disk->secret == NULL)
    return words;
  int key = vt_secret_key_to_pipe (disk->secret, error);
  if (key < 0)
    {
      g_variant_unref (g_variant_ref_sink (words));
      return NULL;
    }
  g_array_append_val (files->fds, key);
  return vitrine_words_add_handle (words, "key", (gint32) files->paths->len);
}

gboolean
vitrine_hotplug_add_disk (VitrineClient *client, guint number, const VtDiskConfig *disk, GError **error)
{
  Files files = { g_ptr_array_new_with_free_func (g_free), g_array_new (FALSE, FALSE, sizeof (int)), error, TRUE };
  gboolean ok = FALSE;

  vitrine_disk_visit_files (disk, open_file, &files);
  GVariant *words = files.ok ? disk_words (disk, &files, error) : NULL;
  if (words != NULL)
    {
      GVariant *paths = g_variant_new_strv ((const char *const *) files.paths->pdata, files.paths->len);
      ok = vitrine_client_call_with_files_sync (client, "AttachDisk",
                                                g_variant_new ("(u@a{sv}@as@ah)", number, words, paths, handles (files.paths->len)),
                                                (const int *) files.fds->data, files.fds->len, error);
    }
  close_files (&files);
  return ok;
}

gboolean
vitrine_hotplug_add_net (VitrineClient *client, guint number, const VtNetConfig *net, GError **error)
{
  if (net->tap == NULL && net->bridge == NULL)
    return vitrine_client_call_sync (client, "AttachNetwork", g_variant_new ("(u@a{sv})", number, vitrine_net_to_words (net)), error);
  int device = vitrine_net_device_open (net, error);
  if (device < 0)
    return FALSE;
  GVariant *words = vitrine_words_add_handle (vitrine_net_to_words (net), "device", 0);
  gboolean ok = vitrine_client_call_with_files_sync (client, "AttachNetwork", g_variant_new ("(u@a{sv})", number, words), &device, 1,
                                                     error);
  close (device);
  return ok;
}

/* --- From one definition to the other -------------------------------------------------------------------------------- */

typedef struct
{
  gboolean      comes;
  guint         number;
  VtDiskConfig *disk;        /* this ... */
  VtNetConfig  *net;         /* ... or that */
  gboolean      encrypted;   /* it goes, and could not be had back: its key is with the machine alone */
} Step;

struct _VitrineHotplug
{
  VtConfig *old, *new;       /* have the devices of the steps */
  GArray   *steps;           /* of Step, in order */
};

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
      VtDiskConfig *disk = in->disks->pdata[i];
      const Step step = { comes, i, disk, NULL, !comes && vt_image_looks_encrypted (disk->path) };
      if (disk->port != 0 && !has_disk (other, disk))
        g_array_append_val (steps, step);
    }
  for (guint i = 0; i < in->nets->len; i++)
    {
      const Step step = { comes, i, NULL, in->nets->pdata[i], FALSE };
      if (step.net->port != 0 && !has_net (other, step.net))
        g_array_append_val (steps, step);
    }
}

static guint
slot_of (const Step *step)
{
  return step->disk != NULL ? step->disk->port : step->net->port;
}

/* An encrypted disk that goes is the last one to go, where nothing comes into its slot. */
static void
put_encrypted_last (GArray *steps)
{
  for (guint i = 0, last = steps->len; i < last;)
    {
      const Step step = g_array_index (steps, Step, i);
      gboolean wanted = FALSE;
      for (guint j = 0; j < steps->len; j++)
        wanted = wanted || (g_array_index (steps, Step, j).comes && slot_of (&g_array_index (steps, Step, j)) == slot_of (&step));
      if (!step.encrypted || wanted)
        {
          i++;
          continue;
        }
      g_array_remove_index (steps, i);
      g_array_append_val (steps, step);
      last--;
    }
}

/* All or nothing: what may fail after a step must not leave that one done for good. */
static gboolean
can_take_back (GArray *steps, GError **error)
{
  for (guint i = 0; i + 1 < steps->len; i++)
    if (g_array_index (steps, Step, i).encrypted)
      return vt_refuse (error, VT_ERROR_UNSUPPORTED,
                        _("Disk “%s” is encrypted: remove it alone, and then change the rest. It could not be put back without its passphrase."),
                        g_array_index (steps, Step, i).disk->id);
  return TRUE;
}

/* The first device of @in that @other has not and that is in no slot. */
static gboolean
all_in_slots (const VtConfig *in, const VtConfig *other, gboolean come, GError **error)
{
  gboolean ok = TRUE;

  for (guint i = 0; ok && i < in->disks->len; i++)
    ok = ((const VtDiskConfig *) in->disks->pdata[i])->port != 0 || has_disk (other, in->disks->pdata[i]);
  for (guint i = 0; ok && i < in->nets->len; i++)
    ok = ((const VtNetConfig *) in->nets->pdata[i])->port != 0 || has_net (other, in->nets->pdata[i]);
  if (!ok && come)
    g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                 _("This cannot be added while the machine runs: only virtio disks and network cards of a q35 machine, and at most %d of them. Say --config to have it at the next start."),
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

VitrineHotplug *
vitrine_hotplug_new (VitrineDomain *before, VitrineDomain *after, GError **error)
{
  g_autoptr(VitrineHotplug) self = g_new0 (VitrineHotplug, 1);

  self->steps = g_array_new (FALSE, FALSE, sizeof (Step));
  self->old = vitrine_domain_to_config (before, error);
  self->new = self->old != NULL ? vitrine_domain_to_config (after, error) : NULL;
  if (self->new == NULL || !vitrine_clone_check_base (after, error))
    return NULL;
  add_steps (self->steps, self->old, self->new, FALSE);
  add_steps (self->steps, self->new, self->old, TRUE);
  put_encrypted_last (self->steps);
  return can_take_back (self->steps, error) ? g_steal_pointer (&self) : NULL;
}

void
vitrine_hotplug_free (VitrineHotplug *self)
{
  if (self == NULL)
    return;
  g_clear_pointer (&self->old, vt_config_free);
  g_clear_pointer (&self->new, vt_config_free);
  g_array_unref (self->steps);
  g_free (self);
}

VtDiskConfig *
vitrine_hotplug_next_locked (VitrineHotplug *self)
{
  for (guint i = 0; i < self->steps->len; i++)
    {
      const Step *step = &g_array_index (self->steps, Step, i);
      if (step->comes && step->disk != NULL && vitrine_unlock_is_locked (step->disk))
        return step->disk;
    }
  return NULL;
}

static void
take_back (VitrineHotplug *self, VitrineClient *client, guint done)
{
  while (done-- > 0)
    {
      const Step *step = &g_array_index (self->steps, Step, done);
      g_autoptr(GError) error = NULL;
      if (!take_step (client, step, !step->comes, &error))
        g_warning ("A device could not be put back: %s", error->message);
    }
}

gboolean
vitrine_hotplug_carry_out (VitrineHotplug *self, VitrineClient *client, GError **error)
{
  guint done = 0;

  while (done < self->steps->len)
    {
      const Step *step = &g_array_index (self->steps, Step, done);
      if (!take_step (client, step, step->comes, error))
        {
          take_back (self, client, done);
          return FALSE;
        }
      done++;
    }
  return TRUE;
}

void
vitrine_hotplug_take_back (VitrineHotplug *self, VitrineClient *client)
{
  take_back (self, client, self->steps->len);
}

/* --- Slots ----------------------------------------------------------------------------------------------------------- */

static gboolean
network_is_in (GPtrArray *networks, const VitrineNetwork *wanted)
{
  guint at;

  return wanted->mac != NULL && vitrine_cards_find (networks, wanted, 0, &at);
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
      if (!vitrine_disk_is_removable (disk) && vitrine_disk_find (old_disks, disk->target) == NULL)
        vitrine_domain_give_disk_slot (after, disk->target);
    }
  for (guint i = 0; i < networks->len; i++)
    {
      const VitrineNetwork *network = networks->pdata[i];
      if (!vitrine_network_is_supported (network) || network_is_in (old_networks, network)
          || (network->mac == NULL && nameless > 0 && nameless-- > 0))
        continue;
      vitrine_domain_give_network_slot (after, i);
    }
}
