/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Puts a new TAP device on a bridge, which takes rights that a person rarely has. QEMU's package brings a helper that has them and
 * asks /etc/qemu/bridge.conf who may: “--br=NAME --fd=N”; the descriptor comes over the UNIX socket N, with one byte
 * (https://wiki.qemu.org/Features/HelperNetworking). */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bridge.h"
#include "vitrine/error.h"
#include "vitrine/tap.h"

enum { WORDS_MAX = 512 };

/* Where Debian and other systems have it. */
static const char *const places[] = { "/usr/lib/qemu/qemu-bridge-helper", "/usr/libexec/qemu-bridge-helper" };

/* --- What the helper says ------------------------------------------------------------------------------------------- */

static bool
has_rights (const char *helper)
{
  struct stat about;
  return geteuid () == 0 || (stat (helper, &about) == 0 && about.st_uid == 0 && (about.st_mode & S_ISUID) != 0);
}

static void
set_refusal (const char *helper, const char *bridge, const char *words, GError **error)
{
  if (prctl (PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1)
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED,
                 "This process can get no rights to join the bridge “%s”. A machine in a window joins bridges when it is started (%s)",
                 bridge, words);
  else if (!has_rights (helper))
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED,
                 "Joining the bridge “%s” takes rights that its helper has not been given. As root: chmod u+s %s (%s)", bridge, helper,
                 words);
  else if (strstr (words, "acl") != NULL)
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED,
                 "/etc/qemu/bridge.conf does not allow the bridge “%s”. Add this line to it as root: allow %s", bridge, bridge);
  else
    g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot join the bridge “%s”: %s", bridge, words);
}

/* Until it ends, or says too much. */
static char *
read_words (int fd)
{
  char    words[WORDS_MAX];
  size_t  n = 0;
  ssize_t got = 1;
  while (n < sizeof words && got != 0)
    {
      got = read (fd, words + n, sizeof words - n);
      if (got < 0 && errno != EINTR)
        break;
      n += got > 0 ? (size_t) got : 0;
    }
  close (fd);
  g_autofree char *text = g_strndup (words, n);
  char *valid = g_strstrip (g_utf8_make_valid (text, -1));
  return *valid != '\0' ? valid : (g_free (valid), g_strdup ("its helper gives no reason"));
}

static int
receive_descriptor (int socket)
{
  union
  {
    struct cmsghdr header;
    char           bytes[CMSG_SPACE (sizeof (int))];
  } control;
  char            byte;
  struct iovec    piece = { &byte, 1 };
  struct msghdr   message = { .msg_iov = &piece, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control };
  ssize_t         n = recvmsg (socket, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
  struct cmsghdr *header = n > 0 ? CMSG_FIRSTHDR (&message) : NULL;
  int             fd = -1;
  if (header != NULL && header->cmsg_level == SOL_SOCKET && header->cmsg_type == SCM_RIGHTS
      && header->cmsg_len == CMSG_LEN (sizeof fd))
    memcpy (&fd, CMSG_DATA (header), sizeof fd);
  return fd;
}

/* --- Running it ----------------------------------------------------------------------------------------------------- */

static bool
start (const char *helper, const char *bridge, int end, GPid *pid, int *words, GError **error)
{
  enum { END = 3 };
  g_autofree char   *which = g_strconcat ("--br=", bridge, NULL), *where = g_strdup_printf ("--fd=%d", END);
  const char *const  argv[] = { helper, which, where, NULL };
  const int          to = END;
  g_autoptr (GError) problem = NULL;
  if (g_spawn_async_with_pipes_and_fds (NULL, argv, NULL, G_SPAWN_DO_NOT_REAP_CHILD | G_SPAWN_STDOUT_TO_DEV_NULL, NULL, NULL, -1, -1, -1,
                                        &end, &to, 1, pid, NULL, NULL, words, &problem))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot join the bridge “%s”: %s. A machine in a window joins bridges when it is started",
               bridge, problem->message);
  return false;
}

/* It has ended when this returns. */
static int
run (const char *helper, const char *bridge, const int ends[2], GError **error)
{
  GPid pid;
  int  said;
  if (!start (helper, bridge, ends[1], &pid, &said, error))
    return -1;
  g_autofree char *words = read_words (said);
  while (waitpid (pid, NULL, 0) < 0 && errno == EINTR)
    ;
  int fd = receive_descriptor (ends[0]);
  if (fd < 0)
    set_refusal (helper, bridge, words, error);
  else
    fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK);
  return fd;
}

int
vt_bridge_open_through (const char *helper, const char *bridge, GError **error)
{
  int ends[2];
  if (!vt_net_device_name_valid (bridge) || if_nametoindex (bridge) == 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "This computer has no bridge “%s”. “ip link show type bridge” lists those that it has",
                   bridge);
      return -1;
    }
  if (socketpair (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "Cannot join the bridge “%s”: %s", bridge, g_strerror (errno));
      return -1;
    }
  int fd = run (helper, bridge, ends, error);
  close (ends[0]);
  close (ends[1]);
  return fd;
}

int
vt_bridge_open (const char *bridge, GError **error)
{
  for (guint i = 0; i < G_N_ELEMENTS (places); i++)
    if (access (places[i], F_OK) == 0)
      return vt_bridge_open_through (places[i], bridge, error);
  g_set_error (error, VT_ERROR, VT_ERROR_UNSUPPORTED,
               "Joining the bridge “%s” takes QEMU's bridge helper (Debian: the package qemu-system-common), which is not installed. "
               "Or use a TAP device that is on the bridge", bridge);
  return -1;
}
