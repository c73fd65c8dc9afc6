/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file that says "this machine has a process": an open-file-description lock, fcntl(2), which the kernel drops with the
 * process whatever way it ends. */
#include "run-lock.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gi18n-lib.h>
#include <glib/gstdio.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
lock (int fd)
{
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  return fcntl (fd, F_OFD_SETLK, &whole) == 0;
}

/* Behind the process number. */
#define FOR_WORK " work\n"

static gboolean
says_work (int fd)
{
  char text[64];
  ssize_t n = pread (fd, text, sizeof text - 1, 0);

  text[MAX (n, 0)] = '\0';
  return g_str_has_suffix (text, FOR_WORK);
}

VitrineRunLockState
vitrine_run_lock_query (const char *path)
{
  struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
  struct stat info;
  int fd = open (path, O_RDWR | O_CLOEXEC);
  VitrineRunLockState state = VITRINE_RUN_LOCK_FREE;

  if (fd < 0)
    return state;
  if (fcntl (fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK)
    state = VITRINE_RUN_LOCK_HELD;
  else if (fstat (fd, &info) == 0 && info.st_size > 0 && !says_work (fd))
    state = VITRINE_RUN_LOCK_STALE;   /* an empty file is one that someone is just about to lock */
  close (fd);
  return state;
}

/* Between open() and the lock the previous holder may have removed the file: a lock on a name that is gone is no lock. */
static gboolean
still_there (const char *path, int fd)
{
  struct stat by_name, by_fd;
  return stat (path, &by_name) == 0 && fstat (fd, &by_fd) == 0 && by_name.st_ino == by_fd.st_ino
         && by_name.st_dev == by_fd.st_dev;
}

gboolean
vitrine_run_lock_is_for_work (const char *path)
{
  int fd = open (path, O_RDONLY | O_CLOEXEC);

  if (fd < 0)
    return FALSE;
  gboolean work = says_work (fd);
  close (fd);
  return work && vitrine_run_lock_query (path) == VITRINE_RUN_LOCK_HELD;
}

static int
take (const char *path, const char *purpose, const char *busy, GError **error)
{
  for (;;)
    {
      int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
      if (fd < 0)
        {
          int saved = errno;
          g_set_error (error, G_IO_ERROR, g_io_error_from_errno (saved), _("Cannot write “%s”: %s"), path,
                       g_strerror (saved));
          return -1;
        }
      if (!lock (fd))
        {
          close (fd);
          g_set_error_literal (error, G_IO_ERROR, G_IO_ERROR_BUSY, busy);
          return -1;
        }
      if (still_there (path, fd))
        {
          if (ftruncate (fd, 0) < 0 || dprintf (fd, "%ld%s", (long) getpid (), purpose) < 0)
            g_warning ("Cannot note the process in “%s”: %s", path, g_strerror (errno));
          return fd;
        }
      close (fd);
    }
}

int
vitrine_run_lock_take (const char *path, GError **error)
{
  return take (path, "\n",
               vitrine_run_lock_is_for_work (path) ? _("This machine is being copied or moved: wait until that is done.")
                                                   : _("This machine is running already."),
               error);
}

int
vitrine_run_lock_take_for_work (const char *path, GError **error)
{
  return take (path, FOR_WORK, _("This machine is running, or being copied or moved."), error);
}

void
vitrine_run_lock_release (const char *path, int fd)
{
  g_unlink (path);   /* first: others must never see it unlocked with a number in it */
  close (fd);
}

void
vitrine_run_lock_clear_stale (const char *path)
{
  int fd = open (path, O_RDWR | O_CLOEXEC);

  if (fd < 0)
    return;
  if (lock (fd) && still_there (path, fd))
    g_unlink (path);
  close (fd);
}
