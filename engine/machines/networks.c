/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The networks of a machine. */
#include "machine-private.h"

/* Locally administered, of the range that virtual machines use; the same at every start. */
void
vt_machine_mac (const VtMachine *machine, unsigned card, uint8_t mac[6])
{
  const VtNetConfig *config = g_ptr_array_index (machine->config.nets, card);
  static const uint8_t none[6];
  if (memcmp (config->mac, none, sizeof none) != 0)
    {
      memcpy (mac, config->mac, 6);
      return;
    }
  const char *id = machine->config.uuid != NULL ? machine->config.uuid : machine->config.name;
  guint       hash = g_str_hash (id != NULL ? id : "vitrine") + card;
  const uint8_t made[6] = { 0x52, 0x54, 0x00, (uint8_t) (hash >> 16), (uint8_t) (hash >> 8), (uint8_t) hash };
  memcpy (mac, made, sizeof made);
}

bool
vt_machine_open_nets (VtMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->config.nets->len; i++)
    {
      const VtNetConfig *config = g_ptr_array_index (machine->config.nets, i);
      VtNet *net = config->local != NULL ? vt_local_net_new (machine->loop, config->local, error) : vt_user_net_new (&(VtUserNetConfig) { machine->loop, &machine->lock, machine->clock, config->restricted,
                                                         machine->config.name }, error);
      if (net == NULL)
        return false;
      g_ptr_array_add (machine->nets, vt_capture_net_new (net));
      for (guint n = 0; n < config->forwards->len; n++)
        if (!vt_user_net_forward (net, g_ptr_array_index (config->forwards, n), error))
          return false;
    }
  return true;
}

static void
close_net (void *arg)
{
  VtNet *net = arg;
  net->ops->close (net);
}

/* Nothing runs any more that could send; the loop closes them before it ends. */
void
vt_machine_close_nets (VtMachine *machine)
{
  for (guint i = 0; i < machine->nets->len; i++)
    vt_loop_post (machine->loop, close_net, g_ptr_array_index (machine->nets, i));
}
