/* SPDX-License-Identifier: GPL-3.0-or-later */
/* User networking: libslirp, polled by the machine's loop. */
#include <arpa/inet.h>
#include <errno.h>
#include <slirp/libslirp.h>
#include <string.h>

#include "networks.h"
#include "vitrine/config.h"
#include "vitrine/error.h"

typedef struct
{
  VtNet    net;
  Slirp   *slirp;
  VtLoop  *loop;
  VtLock  *lock;
  VtClock *clock;
  GSource *source;
  int      poked;      /* atomic: libslirp has been given something, and may want to go on with it */
  GArray  *forwards;   /* Forward, as they are in force; machine lock */
} UserNet;

typedef struct
{
  bool           udp;
  struct in_addr host, guest;
  int            host_port, guest_port;
} Forward;

/* A source of its own, because the set of sockets changes. Only the loop's thread touches it. */
typedef struct
{
  GSource  source;
  UserNet *user;
  bool     asked;         /* nothing has happened to libslirp since it was asked what it waits for: */
  GArray  *fds;           /* GPollFD, */
  gint64   deadline_us;   /* or this time, monotonic */
} PollSource;

/* --- What libslirp asks for ------------------------------------------------------------------------------------------ */

static ssize_t
send_packet (const void *frame, size_t len, void *opaque)
{
  UserNet *user = opaque;
  if (user->net.client != NULL)
    user->net.client->receive (user->net.client_opaque, frame, len);
  return (ssize_t) len;
}

static void
guest_error (const char *message, void *opaque)
{
  g_debug ("user network: %s", message);
}

static int64_t
clock_get_ns (void *opaque)
{
  return vt_clock_now (((UserNet *) opaque)->clock);
}

typedef struct
{
  UserNet     *user;
  SlirpTimerCb fn;
  void        *fn_opaque;
  VtTimer     *timer;
} SlirpTimer;

static void
timer_expired (void *opaque, int64_t late_ns)
{
  SlirpTimer *timer = opaque;
  timer->fn (timer->fn_opaque);
}

static void *
timer_new (SlirpTimerCb fn, void *fn_opaque, void *opaque)
{
  SlirpTimer *timer = g_new0 (SlirpTimer, 1);
  timer->user = opaque;
  timer->fn = fn;
  timer->fn_opaque = fn_opaque;
  timer->timer = vt_timer_new (timer->user->clock, "user network", 0, timer_expired, timer);
  return timer;
}

static void
timer_free (void *opaque, void *unused)
{
  vt_timer_free (((SlirpTimer *) opaque)->timer);
  g_free (opaque);
}

static void
timer_mod (void *opaque, int64_t expire_ms, void *unused)
{
  vt_timer_arm (((SlirpTimer *) opaque)->timer, expire_ms * 1000000);
}

/* Machine lock. Who finds it poked already was preceded by one who woke the loop. */
static void
poke (void *opaque)
{
  UserNet *user = opaque;
  if (__atomic_exchange_n (&user->poked, 1, __ATOMIC_ACQ_REL) == 0)
    g_main_context_wakeup (vt_loop_context (user->loop));
}

static void
sockets_changed (int fd, void *opaque)
{
  poke (opaque);
}

static const SlirpCb callbacks = {
  .send_packet = send_packet,
  .guest_error = guest_error,
  .clock_get_ns = clock_get_ns,
  .timer_new = timer_new,
  .timer_free = timer_free,
  .timer_mod = timer_mod,
  .register_poll_fd = sockets_changed,
  .unregister_poll_fd = sockets_changed,
  .notify = poke,
};

/* --- Polling ------------------------------------------------------------------------------------------------------------ */

static const struct { int slirp; gushort poll; } conditions[] = {
  { SLIRP_POLL_IN, G_IO_IN }, { SLIRP_POLL_OUT, G_IO_OUT }, { SLIRP_POLL_PRI, G_IO_PRI }, { SLIRP_POLL_ERR, G_IO_ERR },
  { SLIRP_POLL_HUP, G_IO_HUP },
};

static int
add_poll (int fd, int events, void *opaque)
{
  GArray *fds = opaque;
  GPollFD poll = { .fd = fd };
  for (unsigned i = 0; i < G_N_ELEMENTS (conditions); i++)
    poll.events |= (events & conditions[i].slirp) != 0 ? conditions[i].poll : 0;
  g_array_append_val (fds, poll);
  return (int) fds->len - 1;
}

static int
get_revents (int index, void *opaque)
{
  const GArray *fds = opaque;
  int           events = 0;
  if (index < 0 || (guint) index >= fds->len)
    return 0;
  for (unsigned i = 0; i < G_N_ELEMENTS (conditions); i++)
    events |= (g_array_index (fds, GPollFD, index).revents & conditions[i].poll) != 0 ? conditions[i].slirp : 0;
  return events;
}

static void
forget_fds (PollSource *self)
{
  for (guint i = 0; i < self->fds->len; i++)
    g_source_remove_poll (&self->source, &g_array_index (self->fds, GPollFD, i));
  g_array_set_size (self->fds, 0);
}

static void
ask (PollSource *self)
{
  uint32_t wait_ms = UINT32_MAX;
  forget_fds (self);
  vt_lock (self->user->lock);
  slirp_pollfds_fill (self->user->slirp, &wait_ms, add_poll, self->fds);
  vt_unlock (self->user->lock);
  /* The array does not move any more. */
  for (guint i = 0; i < self->fds->len; i++)
    g_source_add_poll (&self->source, &g_array_index (self->fds, GPollFD, i));
  self->deadline_us = g_source_get_time (&self->source) + (gint64) wait_ms * 1000;
  self->asked = true;
}

static gboolean
prepare (GSource *source, gint *timeout)
{
  PollSource *self = (PollSource *) source;
  *timeout = 0;
  if (__atomic_load_n (&self->user->poked, __ATOMIC_ACQUIRE))
    return TRUE;
  if (!self->asked)
    ask (self);
  gint64 left_ms = (self->deadline_us - g_source_get_time (source) + 999) / 1000;
  *timeout = (gint) CLAMP (left_ms, 0, G_MAXINT);
  return left_ms <= 0;
}

/* The loop turns for many reasons; this one is ready for its own only. */
static gboolean
check (GSource *source)
{
  const PollSource *self = (PollSource *) source;
  if (__atomic_load_n (&self->user->poked, __ATOMIC_ACQUIRE) || g_source_get_time (source) >= self->deadline_us)
    return TRUE;
  for (guint i = 0; i < self->fds->len; i++)
    if (g_array_index (self->fds, GPollFD, i).revents != 0)
      return TRUE;
  return FALSE;
}

static gboolean
dispatch (GSource *source, GSourceFunc unused, gpointer unused_too)
{
  PollSource *self = (PollSource *) source;
  vt_lock (self->user->lock);
  /* Once for each time that it was asked: what it wished to read then, it may have no room for any more. */
  if (self->asked)
    slirp_pollfds_poll (self->user->slirp, 0, get_revents, self->fds);
  __atomic_store_n (&self->user->poked, 0, __ATOMIC_RELEASE);   /* also what that did itself: it is asked anew now */
  vt_unlock (self->user->lock);
  self->asked = false;
  return G_SOURCE_CONTINUE;
}

static void
finalize (GSource *source)
{
  g_array_unref (((PollSource *) source)->fds);
}

static GSourceFuncs poll_funcs = { .prepare = prepare, .check = check, .dispatch = dispatch, .finalize = finalize };

static void
start_polling (UserNet *user)
{
  user->source = g_source_new (&poll_funcs, sizeof (PollSource));
  PollSource *self = (PollSource *) user->source;
  self->user = user;
  self->fds = g_array_new (FALSE, TRUE, sizeof (GPollFD));
  g_source_set_name (user->source, "user network");
  g_source_attach (user->source, vt_loop_context (user->loop));
}

/* --- The network ----------------------------------------------------------------------------------------------------------- */

static void
user_send (VtNet *net, const uint8_t *frame, size_t len)
{
  UserNet *user = (UserNet *) net;
  slirp_input (user->slirp, frame, (int) len);
  poke (user);       /* there may be another socket to wait for, or an answer that waited for this */
}

static void
user_close (VtNet *net)
{
  UserNet *user = (UserNet *) net;
  g_source_destroy (user->source);
  g_source_unref (user->source);
  slirp_cleanup (user->slirp);
  g_array_unref (user->forwards);
  g_free (user);
}

static const VtNetOps user_ops = { user_send, user_close };

static struct in_addr
ipv4 (uint32_t address)
{
  return (struct in_addr) { htonl (address) };
}

VtNet *
vt_user_net_new (const VtUserNetConfig *config, GError **error)
{
  SlirpConfig slirp = {
    .version = 1,
    .restricted = config->restricted,
    .in_enabled = true,
    .vnetwork = ipv4 (0x0a000200),
    .vnetmask = ipv4 (0xffffff00),
    .vhost = ipv4 (0x0a000202),
    .vnameserver = ipv4 (0x0a000203),
    .vdhcp_start = ipv4 (0x0a00020f),
    .in6_enabled = true,
    .vprefix_len = 64,
    .vhostname = config->hostname,
  };
  inet_pton (AF_INET6, "fec0::", &slirp.vprefix_addr6);
  inet_pton (AF_INET6, "fec0::2", &slirp.vhost6);
  inet_pton (AF_INET6, "fec0::3", &slirp.vnameserver6);
  UserNet *user = g_new0 (UserNet, 1);
  user->net.ops = &user_ops;
  user->loop = config->loop;
  user->lock = config->lock;
  user->clock = config->clock;
  user->slirp = slirp_new (&slirp, &callbacks, user);
  if (user->slirp == NULL)
    {
      g_free (user);
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "User networking could not be started");
      return NULL;
    }
  user->forwards = g_array_new (FALSE, FALSE, sizeof (Forward));
  start_polling (user);
  return &user->net;
}

/* --- Forwards ------------------------------------------------------------------------------------------------------------- */

/* "ADDRESS:PORT", where the address may be missing. */
static bool
parse_end (const char *text, uint32_t otherwise, struct in_addr *address, int *port)
{
  const char      *colon = strrchr (text, ':');
  g_autofree char *host = colon != NULL ? g_strndup (text, (gsize) (colon - text)) : NULL;
  guint64          number;
  *address = ipv4 (otherwise);
  if (colon == NULL || (*host != 0 && inet_pton (AF_INET, host, address) != 1)
      || !g_ascii_string_to_unsigned (colon + 1, 10, 1, 65535, &number, NULL))
    return false;
  *port = (int) number;
  return true;
}

static bool
parse_forward (const char *rule, Forward *forward)
{
  bool udp = g_str_has_prefix (rule, "udp:"), tcp = g_str_has_prefix (rule, "tcp:");
  g_auto (GStrv) ends = g_strsplit (udp || tcp ? rule + 4 : rule, "-", 2);
  forward->udp = udp;
  return (udp || tcp) && g_strv_length (ends) == 2 && parse_end (ends[0], INADDR_LOOPBACK, &forward->host, &forward->host_port)
         && parse_end (ends[1], 0x0a00020f, &forward->guest, &forward->guest_port);
}

static bool
same_forward (const Forward *a, const Forward *b)
{
  return a->udp == b->udp && a->host.s_addr == b->host.s_addr && a->host_port == b->host_port && a->guest.s_addr == b->guest.s_addr
         && a->guest_port == b->guest_port;
}

static bool
has_forward (const GArray *forwards, const Forward *wanted)
{
  for (guint i = 0; i < forwards->len; i++)
    if (same_forward (&g_array_index (forwards, Forward, i), wanted))
      return true;
  return false;
}

/* Why this computer would not listen there, as a person can mend it. */
static void
tell_refusal (const Forward *forward, int problem, GError **error)
{
  const char *protocol = forward->udp ? "UDP" : "TCP";
  if (problem == EACCES || problem == EPERM)
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED,
                 "%s port %d of this computer cannot be forwarded: its system keeps low ports, as a rule those below 1024, for its "
                 "administrator. Choose a higher one", protocol, forward->host_port);
  else if (problem == EADDRINUSE)
    g_set_error (error, VT_ERROR, VT_ERROR_BUSY,
                 "%s port %d of this computer is in use, by another program or machine: choose another one", protocol, forward->host_port);
  else if (problem == EADDRNOTAVAIL)
    g_set_error (error, VT_ERROR, VT_ERROR_CONFIG,
                 "%s port %d cannot be forwarded: this computer does not have the address that is said for it", protocol,
                 forward->host_port);
  else
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "%s port %d of this computer cannot be forwarded: %s", protocol, forward->host_port,
                 g_strerror (problem));
}

static bool
open_forward (UserNet *user, const Forward *forward, GError **error)
{
  if (slirp_add_hostfwd (user->slirp, forward->udp, forward->host, forward->host_port, forward->guest, forward->guest_port) != 0)
    {
      tell_refusal (forward, errno, error);
      return false;
    }
  g_array_append_vals (user->forwards, forward, 1);
  return true;
}

static void
close_forward (UserNet *user, guint i)
{
  const Forward *forward = &g_array_index (user->forwards, Forward, i);
  slirp_remove_hostfwd (user->slirp, forward->udp, forward->host, forward->host_port);
  g_array_remove_index (user->forwards, i);
}

/* Those that are not wanted any more go first: a port may lead somewhere else from now on. */
static bool
change_forwards (UserNet *user, const GArray *wanted, GError **error)
{
  for (guint i = user->forwards->len; i-- > 0;)
    if (!has_forward (wanted, &g_array_index (user->forwards, Forward, i)))
      close_forward (user, i);
  for (guint i = 0; i < wanted->len; i++)
    {
      const Forward *forward = &g_array_index (wanted, Forward, i);
      if (!has_forward (user->forwards, forward) && !open_forward (user, forward, error))
        return false;
    }
  return true;
}

static bool
parse_forwards (const char *const *rules, GArray *forwards, GError **error)
{
  for (; *rules != NULL; rules++)
    {
      Forward forward;
      if (!parse_forward (*rules, &forward))
        return vt_refuse (error, VT_ERROR_CONFIG, "“%s” is no forward: write for example tcp:127.0.0.1:8022-:22", *rules);
      if (forwards->len == VT_FORWARDS_MAX)
        return vt_refuse (error, VT_ERROR_CONFIG, "A network card has at most %d forwarded ports", VT_FORWARDS_MAX);
      for (guint i = 0; i < forwards->len; i++)
        {
          const Forward *other = &g_array_index (forwards, Forward, i);
          if (other->udp == forward.udp && other->host_port == forward.host_port && other->host.s_addr == forward.host.s_addr)
            return vt_refuse (error, VT_ERROR_CONFIG, "%s port %d of this computer is forwarded twice", forward.udp ? "UDP" : "TCP",
                              forward.host_port);
        }
      g_array_append_val (forwards, forward);
    }
  return true;
}

bool
vt_user_net_set_forwards (VtNet *net, const char *const *rules, GError **error)
{
  UserNet           *user = (UserNet *) net;
  g_autoptr (GArray) wanted = g_array_new (FALSE, FALSE, sizeof (Forward));
  g_autoptr (GError) lost = NULL;
  if (!parse_forwards (rules, wanted, error))
    return false;
  g_autoptr (GArray) before = g_array_copy (user->forwards);
  bool ok = change_forwards (user, wanted, error);
  if (!ok && !change_forwards (user, before, &lost))
    g_warning ("A forwarded port is lost: %s", lost->message);     /* somebody else took it in this moment */
  poke (user);
  return ok;
}
