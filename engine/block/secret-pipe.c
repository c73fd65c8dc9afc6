/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vitrine/secret-pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "secret.h"
#include "vitrine/error.h"

enum { KEY_MOST = 512 };   /* bytes; ciphers of disks want 64 at most, and no more than PIPE_BUF goes into a pipe in one piece */

static void
fail (GError **error, const char *problem)
{
  g_set_error (error, VT_ERROR, VT_ERROR_PASSPHRASE, "The key of an encrypted disk cannot be handed over: %s", problem);
}

static bool
fill (int fd, const VtSecret *key, GError **error)
{
  size_t  len = vt_secret_len (key);
  ssize_t n;
  do
    n = write (fd, vt_secret_bytes (key), len);
  while (n < 0 && errno == EINTR);
  if (n < 0)
    fail (error, g_strerror (errno));
  return n == (ssize_t) len;
}

int
vt_secret_key_to_pipe (VtSecret *key, GError **error)
{
  int ends[2];
  if (!vt_secret_is_key (key) || vt_secret_len (key) > KEY_MOST)
    {
      fail (error, "it is not the key of a disk");
      return -1;
    }
  if (pipe2 (ends, O_CLOEXEC | O_NONBLOCK) < 0)
    {
      fail (error, g_strerror (errno));
      return -1;
    }
  bool ok = fill (ends[1], key, error);
  close (ends[1]);
  if (ok)
    return ends[0];
  close (ends[0]);
  return -1;
}

static bool
is_pipe (int fd)
{
  struct stat info;
  return fstat (fd, &info) == 0 && S_ISFIFO (info.st_mode);
}

VtSecret *
vt_secret_key_from_pipe (int fd, GError **error)
{
  uint8_t  *room = vt_locked_alloc (KEY_MOST);
  VtSecret *key = NULL;
  ssize_t   n = -1;
  if (room == NULL)
    errno = ENOMEM;
  else if (!is_pipe (fd))
    errno = EINVAL;
  else if (fcntl (fd, F_SETFL, O_NONBLOCK) == 0)
    n = read (fd, room, KEY_MOST);
  if (n > 0)
    key = vt_secret_new_key (room, (size_t) n);
  else
    fail (error, n == 0 ? "the pipe is empty" : g_strerror (errno));
  vt_locked_free (room);
  return key;
}
