/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes to devices of a running machine. */
#include <errno.h>

#include "machine-private.h"

#include "e1000e.h"
#include "virtio-balloon.h"
#include "virtio-blk.h"
#include "virtio-net.h"
#include "vitrine/devices.h"

/* --- Memory ------------------------------------------------------------------------------------------------------- */

bool
vt_machine_set_memory (VtMachine *machine, uint64_t bytes, GError **error)
{
  if (machine->balloon == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The machine has no memory balloon: its memory cannot be changed while it runs");
      return false;
    }
  vt_lock (&machine->lock);
  vt_virtio_balloon_set_memory (machine->balloon, bytes);
  vt_unlock (&machine->lock);
  return true;
}

void
vt_machine_memory_stats (VtMachine *machine, VtMemoryStats *out)
{
  *out = (VtMemoryStats) { .balloon = false };
  if (machine->balloon == NULL)
    return;
  vt_lock (&machine->lock);
  vt_virtio_balloon_stats (machine->balloon, out);
  vt_unlock (&machine->lock);
}

/* --- Disks -------------------------------------------------------------------------------------------------------- */

typedef struct
{
  const char *id;
  uint64_t    bytes;
  GError    **error;
  bool        ok;
} Growth;

static Drive *
find_drive (VtMachine *machine, const char *id, GError **error)
{
  for (guint i = 0; i < machine->drives->len; i++)
    if (g_strcmp0 (((VtDiskConfig *) g_ptr_array_index (machine->config.disks, i))->id, id) == 0)
      return &g_array_index (machine->drives, Drive, i);
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The machine has no disk “%s”", id);
  return NULL;
}

static bool
say_why (const Growth *growth, const VtBlock *block, int problem)
{
  if (problem == ENOTSUP)
    g_set_error (growth->error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                 "“%s” cannot grow while the machine runs: enlarge it when it is off", block->label);
  else if (problem == EINVAL)
    g_set_error (growth->error, VT_ERROR, VT_ERROR_CONFIG,
                 "“%s” has %" G_GUINT64_FORMAT " bytes: it can become larger, but not smaller", block->label, block->size_bytes);
  else
    g_set_error (growth->error, VT_ERROR, VT_ERROR_IMAGE, "“%s” cannot be made as large: %s", block->label, g_strerror (problem));
  return false;
}

static bool
grow_drive (VtMachine *machine, const Growth *growth)
{
  Drive *drive = find_drive (machine, growth->id, growth->error);
  if (drive == NULL)
    return false;
  if (drive->device == NULL)
    {
      g_set_error (growth->error, VT_ERROR, VT_ERROR_UNSUPPORTED,
                   "Only virtio disks can grow while the machine runs: enlarge “%s” when it is off", growth->id);
      return false;
    }
  int problem = vt_block_grow (drive->block, growth->bytes);
  if (problem != 0)
    return say_why (growth, drive->block, problem);
  vt_virtio_blk_resized (drive->device);
  return true;
}

static void
grow_now (VtMachine *machine, void *arg)
{
  Growth *growth = arg;
  bool    was_running = machine->state == VT_MACHINE_RUNNING;
  if (machine->state != VT_MACHINE_RUNNING && machine->state != VT_MACHINE_PAUSED)
    {
      g_set_error (growth->error, VT_ERROR, VT_ERROR_STATE, "Disks can grow while the machine runs or is paused");
      return;
    }
  vt_machine_stop_world (machine, true);
  vt_lock (&machine->lock);
  growth->ok = grow_drive (machine, growth);
  vt_unlock (&machine->lock);
  if (was_running)
    vt_machine_start_world (machine);
}

bool
vt_machine_grow_disk (VtMachine *machine, const char *id, uint64_t bytes, GError **error)
{
  Growth growth = { id, (bytes + 511) / 512 * 512, error, false };
  vt_control_run (machine, grow_now, &growth);
  return growth.ok;
}

bool
vt_machine_disk_size (VtMachine *machine, const char *id, uint64_t *bytes, GError **error)
{
  vt_lock (&machine->lock);
  const Drive *drive = find_drive (machine, id, error);
  bool         there = drive != NULL && drive->block != NULL;
  if (there)
    *bytes = drive->block->size_bytes;
  else if (drive != NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Drive “%s” is empty", id);
  vt_unlock (&machine->lock);
  return there;
}

/* --- Network cards ------------------------------------------------------------------------------------------------ */

static VtDevice *
find_card (VtMachine *machine, unsigned card, GError **error)
{
  if (card < machine->cards->len)
    return g_ptr_array_index (machine->cards, card);
  g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The machine has no network card %u", card);
  return NULL;
}

static bool
is_virtio (const VtDevice *card)
{
  return card->cls == &vt_virtio_net_pci;
}

void
vt_machine_set_cable (VtDevice *card, bool plugged_in)
{
  if (is_virtio (card))
    vt_virtio_net_set_link (card, plugged_in);
  else
    vt_e1000e_set_link (card, plugged_in);
}

/* Only virtio can ask its driver to do that. */
void
vt_machine_announce_cards (VtMachine *machine)
{
  for (guint i = 0; i < machine->cards->len; i++)
    if (is_virtio (g_ptr_array_index (machine->cards, i)))
      vt_virtio_net_announce (g_ptr_array_index (machine->cards, i));
}

bool
vt_machine_set_link (VtMachine *machine, unsigned card, bool up, GError **error)
{
  VtDevice *dev = find_card (machine, card, error);
  if (dev == NULL)
    return false;
  vt_lock (&machine->lock);
  vt_machine_set_cable (dev, up);
  vt_unlock (&machine->lock);
  return true;
}

bool
vt_machine_set_mac (VtMachine *machine, unsigned card, const uint8_t mac[6], GError **error)
{
  VtDevice *dev = find_card (machine, card, error);
  if (dev == NULL)
    return false;
  vt_lock (&machine->lock);
  if (is_virtio (dev))
    vt_virtio_net_set_mac (dev, mac);
  else
    vt_e1000e_set_mac (dev, mac);
  vt_unlock (&machine->lock);
  return true;
}

bool
vt_machine_capture (VtMachine *machine, unsigned card, int fd, GError **error)
{
  if (find_card (machine, card, error) == NULL)
    {
      vt_net_capture_refuse (fd);
      return false;
    }
  vt_lock (&machine->lock);
  bool ok = vt_net_capture (g_ptr_array_index (machine->nets, card), fd, error);
  vt_unlock (&machine->lock);
  return ok;
}

bool
vt_machine_is_captured (VtMachine *machine, unsigned card)
{
  vt_lock (&machine->lock);
  bool captured = card < machine->nets->len && vt_net_is_captured (g_ptr_array_index (machine->nets, card));
  vt_unlock (&machine->lock);
  return captured;
}

GStrv
vt_machine_macs (VtMachine *machine)
{
  g_autoptr (GStrvBuilder) macs = g_strv_builder_new ();
  vt_lock (&machine->lock);
  for (guint i = 0; i < machine->nets->len; i++)
    {
      uint8_t mac[6];
      vt_machine_mac (machine, i, mac);
      g_autofree char *text = g_strdup_printf ("%02x:%02x:%02x:%02x:%02x:%02x", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
      g_strv_builder_add (macs, text);
    }
  vt_unlock (&machine->lock);
  return g_strv_builder_end (macs);
}
