/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A network between machines of one person: a folder with a datagram socket for each card that is on it. A frame for an address
 * that was heard of goes to that card's socket, any other to all. No process is in the middle, so none can take the network along
 * when it ends; and who may enter the folder is who may join. */
#include <dirent.h>
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "networks.h"
#include "vitrine/error.h"

enum
{
  ADDRESS = 6,
  FRAMES_IN_A_TURN = 64,
  KNOWN_MAX = 1024,          /* addresses: a guest can make up as many as it likes */
  CARDS_MAX = 256,           /* that a frame is sent to */
};

typedef struct
{
  VtNet       net;
  char       *folder, *name;         /* our socket's */
  int         fd;
  bool        bound;
  GSource    *source;
  GHashTable *known;                 /* six bytes of an address (GBytes) to the name of a socket */
  uint8_t     frame[VT_NET_FRAME_MAX];
} LocalNet;

static bool
make_address (const LocalNet *local, const char *name, struct sockaddr_un *address)
{
  *address = (struct sockaddr_un) { .sun_family = AF_UNIX };
  return (size_t) g_snprintf (address->sun_path, sizeof address->sun_path, "%s/%s", local->folder, name) < sizeof address->sun_path;
}

/* --- Out ---------------------------------------------------------------------------------------------------------- */

/* Is the card still there? One that is too slow loses frames, as on a wire. One that died is removed. */
static bool
send_to (LocalNet *local, const char *name, const uint8_t *frame, size_t len)
{
  struct sockaddr_un address;
  if (!make_address (local, name, &address))
    return false;
  if (sendto (local->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL, (struct sockaddr *) &address, sizeof address) >= 0)
    return true;
  bool died = errno == ECONNREFUSED, left = errno == ENOENT;
  if (died)
    unlink (address.sun_path);
  return !died && !left;
}

static void
send_to_all (LocalNet *local, const uint8_t *frame, size_t len)
{
  DIR           *folder = opendir (local->folder);
  struct dirent *entry;
  unsigned       n = 0;
  while (folder != NULL && (entry = readdir (folder)) != NULL && n < CARDS_MAX)
    if (entry->d_name[0] != '.' && strcmp (entry->d_name, local->name) != 0)
      {
        send_to (local, entry->d_name, frame, len);
        n++;
      }
  if (folder != NULL)
    closedir (folder);
}

/* To the card that was heard under this address, if it is still there: else the address may be another's by now. */
static bool
send_to_known (LocalNet *local, const uint8_t *frame, size_t len)
{
  if (len < 2 * ADDRESS || (frame[0] & 1) != 0)
    return false;
  g_autoptr (GBytes) to = g_bytes_new_static (frame, ADDRESS);
  const char *name = g_hash_table_lookup (local->known, to);
  if (name != NULL && send_to (local, name, frame, len))
    return true;
  g_hash_table_remove (local->known, to);
  return false;
}

static void
send_frame (VtNet *net, const uint8_t *frame, size_t len)
{
  LocalNet *local = (LocalNet *) net;
  if (!send_to_known (local, frame, len))
    send_to_all (local, frame, len);
}

/* --- In ----------------------------------------------------------------------------------------------------------- */

/* The sender's address is at that socket from now on. Only names of this folder count. */
static void
learn (LocalNet *local, const uint8_t *frame, const struct sockaddr_un *from)
{
  size_t folder = strlen (local->folder);
  if (strncmp (from->sun_path, local->folder, folder) != 0 || from->sun_path[folder] != '/'
      || strchr (from->sun_path + folder + 1, '/') != NULL || (frame[ADDRESS] & 1) != 0)
    return;
  if (g_hash_table_size (local->known) >= KNOWN_MAX)
    g_hash_table_remove_all (local->known);
  g_hash_table_replace (local->known, g_bytes_new (frame + ADDRESS, ADDRESS), g_strdup (from->sun_path + folder + 1));
}

static bool
ready (void *opaque, int fd, GIOCondition condition)
{
  LocalNet *local = opaque;
  for (unsigned i = 0; i < FRAMES_IN_A_TURN; i++)
    {
      struct sockaddr_un from = { .sun_family = AF_UNIX };
      socklen_t          from_len = sizeof from - 1;
      ssize_t n = recvfrom (fd, local->frame, sizeof local->frame, MSG_DONTWAIT | MSG_TRUNC, (struct sockaddr *) &from, &from_len);
      if (n < 0)
        break;
      if (n < 2 * ADDRESS || (size_t) n > sizeof local->frame)
        continue;
      learn (local, local->frame, &from);
      if (local->net.client != NULL)
        local->net.client->receive (local->net.client_opaque, local->frame, (size_t) n);
    }
  return true;
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
close_net (VtNet *net)
{
  LocalNet          *local = (LocalNet *) net;
  struct sockaddr_un address;
  vt_loop_unwatch (local->source);
  if (local->fd >= 0)
    close (local->fd);
  if (local->bound && make_address (local, local->name, &address))
    unlink (address.sun_path);
  g_hash_table_unref (local->known);
  g_free (local->folder);
  g_free (local->name);
  g_free (local);
}

static bool
open_socket (LocalNet *local)
{
  struct sockaddr_un address;
  local->fd = socket (AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (!make_address (local, local->name, &address))
    errno = ENAMETOOLONG;
  else if (local->fd >= 0)
    local->bound = bind (local->fd, (struct sockaddr *) &address, sizeof address) == 0;
  return local->bound && chmod (address.sun_path, 0600) == 0;
}

VtNet *
vt_local_net_new (VtLoop *loop, const char *folder, GError **error)
{
  static const VtNetOps ops = { send_frame, close_net };
  LocalNet *local = g_new0 (LocalNet, 1);
  local->net.ops = &ops;
  local->folder = g_strdup (folder);
  /* Process numbers come again, in a container or after a crash. */
  local->name = g_strdup_printf ("%d-%08x", (int) getpid (), g_random_int ());
  local->known = g_hash_table_new_full (g_bytes_hash, g_bytes_equal, (GDestroyNotify) g_bytes_unref, g_free);
  if (!open_socket (local))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot join the network at “%s”: %s", folder, g_strerror (errno));
      if (local->fd >= 0)
        close (local->fd);
      local->fd = -1;
      close_net (&local->net);
      return NULL;
    }
  local->source = vt_loop_watch (loop, local->fd, G_IO_IN, ready, local);
  return &local->net;
}
