/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Changes to devices of a running machine. */
#include "machine-private.h"

#include "e1000e.h"
#include "virtio-balloon.h"
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
