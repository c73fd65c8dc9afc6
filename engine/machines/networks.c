/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The networks of a machine. */
#include <errno.h>

#include "machine-private.h"
#include "vitrine/tap.h"

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

static void
close_net (void *arg)
{
  VtNet *net = arg;
  net->ops->close (net);
}

static int
open_device (const VtNetConfig *config, GError **error)
{
  if (config->fd < 0)
    return config->tap != NULL ? vt_tap_open (config->tap, error) : vt_bridge_open (config->bridge, error);
  int fd = vt_descriptor_dup (config->fd);
  if (fd < 0)
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot use the network device: %s", g_strerror (errno));
  return fd;
}

static VtNet *
open_end (VtMachine *machine, const VtNetConfig *config, GError **error)
{
  if (config->local != NULL)
    return vt_local_net_new (machine->loop, config->local, error);
  if (config->tap != NULL || config->bridge != NULL)
    {
      int fd = open_device (config, error);
      return fd >= 0 ? vt_tap_net_new (machine->loop, fd) : NULL;
    }
  return vt_user_net_new (&(VtUserNetConfig) { machine->loop, &machine->lock, machine->clock, config->restricted,
                                               machine->config.name }, error);
}

VtNet *
vt_machine_open_net (VtMachine *machine, const VtNetConfig *config, GError **error)
{
  VtNet *end = open_end (machine, config, error);
  if (end == NULL)
    return NULL;
  VtNet *net = vt_capture_net_new (end);
  for (guint n = 0; n < config->forwards->len; n++)
    if (!vt_user_net_forward (end, g_ptr_array_index (config->forwards, n), error))
      {
        vt_loop_post (machine->loop, close_net, net);
        return NULL;
      }
  return net;
}

bool
vt_machine_open_nets (VtMachine *machine, GError **error)
{
  for (guint i = 0; i < machine->config.nets->len; i++)
    {
      VtNet *net = vt_machine_open_net (machine, g_ptr_array_index (machine->config.nets, i), error);
      if (net == NULL)
        return false;
      g_ptr_array_add (machine->nets, net);
    }
  return true;
}

/* Nothing runs any more that could send; the loop closes them before it ends. */
void
vt_machine_close_nets (VtMachine *machine)
{
  for (guint i = 0; i < machine->nets->len; i++)
    vt_loop_post (machine->loop, close_net, g_ptr_array_index (machine->nets, i));
}

typedef struct
{
  VtNet *net;
  GMutex mutex;
  GCond  cond;
} Closing;

static void
close_and_say (void *arg)
{
  Closing *closing = arg;
  close_net (closing->net);
  g_mutex_lock (&closing->mutex);
  closing->net = NULL;
  g_cond_signal (&closing->cond);
  g_mutex_unlock (&closing->mutex);
}

void
vt_machine_close_net (VtMachine *machine, VtNet *net)
{
  Closing closing = { .net = net };
  g_mutex_init (&closing.mutex);
  g_cond_init (&closing.cond);
  vt_loop_post (machine->loop, close_and_say, &closing);
  g_mutex_lock (&closing.mutex);
  while (closing.net != NULL)
    g_cond_wait (&closing.cond, &closing.mutex);
  g_mutex_unlock (&closing.mutex);
  g_mutex_clear (&closing.mutex);
  g_cond_clear (&closing.cond);
}
