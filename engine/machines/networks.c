/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The networks of a machine. */
#include <errno.h>

#include "machine-private.h"
#include "vitrine/devices.h"
#include "vitrine/tap.h"

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
  vt_default_mac (machine->config.uuid != NULL ? machine->config.uuid : machine->config.name, card, mac);
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

static void
tell_capture_ended (Listeners *listeners, int value, const char *why)
{
  if (why != NULL && listeners->events.trouble != NULL)
    listeners->events.trouble (listeners->opaque, why);
  if (listeners->events.capture_ended != NULL)
    listeners->events.capture_ended (listeners->opaque);
}

static void
capture_ended (void *opaque, const char *why)
{
  vt_machine_tell (opaque, tell_capture_ended, 0, why);
}

static bool
forward_all (VtNet *end, const GPtrArray *forwards, GError **error)
{
  g_autoptr (GPtrArray) rules = g_ptr_array_new ();
  for (guint i = 0; i < forwards->len; i++)
    g_ptr_array_add (rules, g_ptr_array_index (forwards, i));
  g_ptr_array_add (rules, NULL);
  return vt_user_net_set_forwards (end, (const char *const *) rules->pdata, error);
}

VtNet *
vt_machine_open_net (VtMachine *machine, const VtNetConfig *config, GError **error)
{
  VtNet *end = open_end (machine, config, error);
  if (end == NULL)
    return NULL;
  VtNet *net = vt_capture_net_new (end);
  vt_net_capture_watch (net, capture_ended, machine);
  if (config->forwards->len == 0 || forward_all (end, config->forwards, error))
    return net;
  vt_loop_post (machine->loop, close_net, net);
  return NULL;
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
  void (*fn) (void *arg);      /* NULL: it has run */
  void  *arg;
  GMutex mutex;
  GCond  cond;
} Errand;

static void
run_and_say (void *data)
{
  Errand *errand = data;
  errand->fn (errand->arg);
  g_mutex_lock (&errand->mutex);
  errand->fn = NULL;
  g_cond_signal (&errand->cond);
  g_mutex_unlock (&errand->mutex);
}

/* The loop's thread has the machine lock then; its caller must not. */
static void
run_on_loop (VtMachine *machine, void (*fn) (void *arg), void *arg)
{
  Errand errand = { .fn = fn, .arg = arg };
  g_mutex_init (&errand.mutex);
  g_cond_init (&errand.cond);
  vt_loop_post (machine->loop, run_and_say, &errand);
  g_mutex_lock (&errand.mutex);
  while (errand.fn != NULL)
    g_cond_wait (&errand.cond, &errand.mutex);
  g_mutex_unlock (&errand.mutex);
  g_mutex_clear (&errand.mutex);
  g_cond_clear (&errand.cond);
}

void
vt_machine_close_net (VtMachine *machine, VtNet *net)
{
  run_on_loop (machine, close_net, net);
}

/* --- Forwards ----------------------------------------------------------------------------------------------------------- */

/* Its configuration, which has the forwards that are in force; machine lock held. */
static VtNetConfig *
find_user_card (VtMachine *machine, unsigned card, GError **error)
{
  VtNetConfig *config = card < machine->nets->len ? g_ptr_array_index (machine->config.nets, card) : NULL;
  if (config == NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "The machine has no network card %u", card);
  else if (config->local != NULL || config->tap != NULL || config->bridge != NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED, "Network card %u is not on user networking: no ports are forwarded to it", card);
  else
    return config;
  return NULL;
}

static void
note_forwards (VtNetConfig *config, const char *const *rules)
{
  g_ptr_array_unref (config->forwards);
  config->forwards = g_ptr_array_new_with_free_func (g_free);
  for (; *rules != NULL; rules++)
    g_ptr_array_add (config->forwards, g_strdup (*rules));
}

typedef struct
{
  VtMachine         *machine;
  unsigned           card;
  const char *const *rules;
  GError           **error;
  bool               ok;
} Forwarding;

static void
set_forwards (void *arg)
{
  Forwarding  *what = arg;
  VtMachine   *machine = what->machine;
  VtNetConfig *config = find_user_card (machine, what->card, what->error);
  if (config == NULL)
    return;
  what->ok = vt_user_net_set_forwards (vt_capture_net_below (g_ptr_array_index (machine->nets, what->card)), what->rules, what->error);
  if (what->ok)
    note_forwards (config, what->rules);
}

bool
vt_machine_set_forwards (VtMachine *machine, unsigned card, const char *const *rules, GError **error)
{
  Forwarding what = { machine, card, rules, error, false };
  run_on_loop (machine, set_forwards, &what);
  return what.ok;
}

GStrv
vt_machine_forwards (VtMachine *machine, unsigned card, GError **error)
{
  g_autoptr (GStrvBuilder) rules = g_strv_builder_new ();
  vt_lock (&machine->lock);
  const VtNetConfig *config = find_user_card (machine, card, error);
  for (guint i = 0; config != NULL && i < config->forwards->len; i++)
    g_strv_builder_add (rules, g_ptr_array_index (config->forwards, i));
  vt_unlock (&machine->lock);
  return config != NULL ? g_strv_builder_end (rules) : NULL;
}
