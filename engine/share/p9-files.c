/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What messages of 9P2000.L do to files. Every path goes through openat2() beneath the root, without following any symbolic link. */
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "p9-private.h"

enum
{
  SET_MODE = 1, SET_SIZE = 8, SET_ATIME = 0x10, SET_MTIME = 0x20, SET_ATIME_TO = 0x80, SET_MTIME_TO = 0x100,
  QID_BYTES = 13,
  DIRENT_BYTES = QID_BYTES + 8 + 1 + 2,
  AT_REMOVE_FOLDER = 0x200,
  LOCK_SUCCESS = 0, LOCK_UNLOCK = 2,
};

/* --- Paths -------------------------------------------------------------------------------------------------------- */

static int
open_beneath (P9Server *server, const char *path, int flags, unsigned mode)
{
  struct open_how how = { .flags = (uint64_t) (flags | O_CLOEXEC | O_NOFOLLOW), .mode = flags & O_CREAT ? mode : 0,
                          .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
  return (int) syscall (SYS_openat2, server->root, path[0] != 0 ? path : ".", &how, sizeof how);
}

char *
p9_child_path (const char *folder, const char *name)
{
  return folder[0] != 0 ? g_strconcat (folder, "/", name, NULL) : g_strdup (name);
}

/* The folder that a path is in, open, and its last name; -1 for the root, which is in none. */
static int
open_parent (P9Server *server, const char *path, const char **name)
{
  const char *slash = strrchr (path, '/');
  g_autofree char *folder = slash != NULL ? g_strndup (path, (gsize) (slash - path)) : g_strdup ("");
  *name = slash != NULL ? slash + 1 : path;
  if (path[0] == 0)
    {
      errno = EBUSY;
      return -1;
    }
  return open_beneath (server, folder, O_PATH | O_DIRECTORY, 0);
}

static int
close_and (int fd, int error)
{
  if (fd >= 0)
    close (fd);
  return error;
}

int
p9_stat (P9Server *server, const char *path, struct stat *about)
{
  int fd = open_beneath (server, path, O_PATH, 0);
  if (fd < 0)
    return errno;
  return close_and (fd, fstat (fd, about) == 0 ? 0 : errno);
}

/* --- Opening ------------------------------------------------------------------------------------------------------ */

static bool
opens_for_writing (uint32_t flags)
{
  return (flags & L_RDWR_MASK) != O_RDONLY || (flags & L_TRUNC) != 0;
}

static int
host_flags (uint32_t flags)
{
  return (int) (flags & L_RDWR_MASK) | (flags & L_TRUNC ? O_TRUNC : 0) | (flags & L_APPEND ? O_APPEND : 0)
         | (flags & L_EXCL ? O_EXCL : 0) | O_NONBLOCK | O_NOCTTY;
}

/* Only files and folders: opening a device or a FIFO would do something else, or wait. */
static int
take_open (P9Server *server, P9Fid *fid, int fd, uint32_t flags)
{
  struct stat about;
  if (fstat (fd, &about) != 0 || (!S_ISREG (about.st_mode) && !S_ISDIR (about.st_mode)))
    return close_and (fd, EACCES);
  if (S_ISDIR (about.st_mode) && (fid->dir = fdopendir (fd)) == NULL)
    return close_and (fd, errno);
  fid->fd = fd;
  fid->flags = flags;
  server->n_open++;
  return 0;
}

int
p9_open (P9Server *server, P9Fid *fid, uint32_t flags)
{
  struct stat about;
  int         error = p9_stat (server, fid->path, &about);
  if (error != 0)
    return error;
  if (!S_ISREG (about.st_mode) && !S_ISDIR (about.st_mode))
    return EACCES;
  if (server->n_open >= P9_OPEN_MAX)
    return EMFILE;
  int fd = open_beneath (server, fid->path, host_flags (flags), 0);
  return fd >= 0 ? take_open (server, fid, fd, flags) : errno;
}

void
p9_close (P9Server *server, P9Fid *fid)
{
  if (fid->fd < 0)
    return;
  if (fid->dir != NULL)
    closedir (fid->dir);
  else
    close (fid->fd);
  fid->fd = -1;
  fid->dir = NULL;
  server->n_open--;
}

static int
put_opened (P9Server *server, P9Fid *fid, P9Out *out)
{
  struct stat about;
  if (fstat (fid->fd, &about) != 0)
    return errno;
  p9_put_qid (server, out, &about);
  p9_put (out, 0, 4);          /* iounit: as much as a message has room for */
  return 0;
}

static int
run_open (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid   *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  uint32_t flags = (uint32_t) p9_get (in, 4);
  if (fid == NULL || fid->fd >= 0)
    return EBADF;
  if (server->readonly && opens_for_writing (flags))
    return EROFS;
  int error = p9_open (server, fid, flags);
  return error != 0 ? error : put_opened (server, fid, out);
}

/* The handle of the folder becomes one of the new file. A guest cannot make what runs with its owner's rights. */
static int
run_create (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid           *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  g_autofree char *name = p9_get_name (in);
  uint32_t         flags = (uint32_t) p9_get (in, 4), mode = (uint32_t) p9_get (in, 4) & 0777;
  if (fid == NULL || fid->fd >= 0 || name == NULL)
    return EBADF;
  if (server->n_open >= P9_OPEN_MAX)
    return EMFILE;
  g_autofree char *path = p9_child_path (fid->path, name);
  if (strlen (path) >= P9_PATH_MAX)
    return ENAMETOOLONG;
  int fd = open_beneath (server, path, host_flags (flags) | O_CREAT, mode);
  if (fd < 0)
    return errno;
  int error = take_open (server, fid, fd, flags & ~(uint32_t) L_ONCE);
  if (error != 0)
    return error;
  g_free (fid->path);
  fid->path = g_steal_pointer (&path);
  return put_opened (server, fid, out);
}

/* --- Contents ----------------------------------------------------------------------------------------------------- */

static int
run_read (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid   *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  uint64_t offset = p9_get (in, 8);
  size_t   count = (size_t) p9_get (in, 4), room = out->room - MIN (out->room, out->len + 4);
  if (fid == NULL || fid->fd < 0 || fid->dir != NULL)
    return EBADF;
  if (offset > INT64_MAX)
    return EINVAL;
  ssize_t n = pread (fid->fd, out->bytes + out->len + 4, MIN (count, room), (off_t) offset);
  if (n < 0)
    return errno;
  p9_put (out, (uint64_t) n, 4);
  out->len += (size_t) n;
  return 0;
}

static int
run_write (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid   *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  uint64_t offset = p9_get (in, 8);
  size_t   count = (size_t) p9_get (in, 4);
  if (fid == NULL || fid->fd < 0 || fid->dir != NULL)
    return EBADF;
  if (offset > INT64_MAX || count > in->left)
    return EINVAL;
  ssize_t n = pwrite (fid->fd, in->at, count, (off_t) offset);
  if (n < 0)
    return errno;
  p9_put (out, (uint64_t) n, 4);
  return 0;
}

static int
run_fsync (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  if (fid == NULL || fid->fd < 0)
    return EBADF;
  return fsync (fid->fd) == 0 ? 0 : errno;
}

static void
put_entry (const P9Server *server, P9Out *out, dev_t device, const struct dirent *entry)
{
  struct stat about = { .st_dev = device, .st_ino = entry->d_ino, .st_mode = (mode_t) DTTOIF (entry->d_type) };
  p9_put_qid (server, out, &about);
  p9_put (out, (uint64_t) entry->d_off, 8);
  p9_put (out, entry->d_type, 1);
  p9_put_string (out, entry->d_name);
}

static int
run_readdir (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid         *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  uint64_t       offset = p9_get (in, 8);
  size_t         count = (size_t) p9_get (in, 4), length_at = out->len;
  struct dirent *entry;
  struct stat    folder;
  if (fid == NULL || fid->dir == NULL)
    return EBADF;
  if (fstat (fid->fd, &folder) != 0)
    return errno;
  if (offset == 0)
    rewinddir (fid->dir);
  else
    seekdir (fid->dir, (long) offset);
  p9_put (out, 0, 4);
  size_t start = out->len, limit = MIN (out->room, start + count);
  while ((entry = readdir (fid->dir)) != NULL && out->len + DIRENT_BYTES + strlen (entry->d_name) <= limit)
    put_entry (server, out, folder.st_dev, entry);
  vt_store_le (out->bytes + length_at, out->len - start, 4);
  return 0;
}

/* --- Attributes --------------------------------------------------------------------------------------------------- */

static int
stat_fid (P9Server *server, const P9Fid *fid, struct stat *about)
{
  if (fid->fd >= 0)
    return fstat (fid->fd, about) == 0 ? 0 : errno;
  return p9_stat (server, fid->path, about);
}

static int
run_getattr (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid      *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  struct stat about;
  int         error = fid != NULL ? stat_fid (server, fid, &about) : EBADF;
  if (error != 0)
    return error;
  p9_put (out, 0x7ff, 8);      /* the basic ones */
  p9_put_qid (server, out, &about);
  p9_put (out, about.st_mode, 4);
  p9_put (out, about.st_uid, 4);
  p9_put (out, about.st_gid, 4);
  const uint64_t numbers[] = { about.st_nlink, about.st_rdev, (uint64_t) about.st_size, (uint64_t) about.st_blksize,
                               (uint64_t) about.st_blocks, (uint64_t) about.st_atim.tv_sec, (uint64_t) about.st_atim.tv_nsec,
                               (uint64_t) about.st_mtim.tv_sec, (uint64_t) about.st_mtim.tv_nsec,
                               (uint64_t) about.st_ctim.tv_sec, (uint64_t) about.st_ctim.tv_nsec, 0, 0, 0, 0 };
  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    p9_put (out, numbers[i], 8);
  return 0;
}

/* Of the file at `proc`, which is `fid` or what its path led to. Only of ordinary ones: opening others would do something else. */
static int
set_size (const P9Fid *fid, const char *proc, const struct stat *about, uint64_t size)
{
  if (!S_ISREG (about->st_mode) || size > INT64_MAX)
    return S_ISDIR (about->st_mode) ? EISDIR : EINVAL;
  if (fid->fd >= 0 && (fid->flags & L_RDWR_MASK) != O_RDONLY)
    return ftruncate (fid->fd, (off_t) size) == 0 ? 0 : errno;
  int fd = open (proc, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (fd < 0)
    return errno;
  return close_and (fd, ftruncate (fd, (off_t) size) == 0 ? 0 : errno);
}

static struct timespec
time_of (uint32_t valid, uint32_t change, uint32_t to, uint64_t sec, uint64_t nsec)
{
  if ((valid & change) == 0)
    return (struct timespec) { .tv_nsec = UTIME_OMIT };
  if ((valid & to) == 0)
    return (struct timespec) { .tv_nsec = UTIME_NOW };
  return (struct timespec) { (time_t) sec, (long) (nsec % 1000000000) };
}

typedef struct
{
  uint32_t        valid, mode;
  uint64_t        size;
  struct timespec times[2];
} Attributes;

/* `fd` is what the handle has open, or a place (O_PATH): its path is not walked again, and may lead elsewhere by now. */
static int
set_attributes (const P9Fid *fid, int fd, const Attributes *to)
{
  char        proc[40];
  struct stat about;
  int         error = 0;
  g_snprintf (proc, sizeof proc, "/proc/self/fd/%d", fd);
  if (fstat (fd, &about) != 0)
    return errno;
  if (S_ISLNK (about.st_mode))
    return to->valid & SET_SIZE ? EINVAL : 0;          /* of a link itself nothing is changed */
  if ((to->valid & SET_MODE) && chmod (proc, to->mode & 0777) != 0)
    return errno;
  if ((to->valid & SET_SIZE) && (error = set_size (fid, proc, &about, to->size)) != 0)
    return error;
  if ((to->valid & (SET_ATIME | SET_MTIME)) && utimensat (AT_FDCWD, proc, to->times, 0) != 0)
    return errno;
  return 0;
}

/* Owners stay as they are: files belong to whoever shares them, whatever the guest would like. */
static int
run_setattr (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid     *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  uint32_t   valid = (uint32_t) p9_get (in, 4), mode = (uint32_t) p9_get (in, 4);
  p9_get (in, 8);
  uint64_t   size = p9_get (in, 8), atime = p9_get (in, 8), atime_ns = p9_get (in, 8), mtime = p9_get (in, 8), mtime_ns = p9_get (in, 8);
  Attributes to = { valid, mode, size, { time_of (valid, SET_ATIME, SET_ATIME_TO, atime, atime_ns),
                                         time_of (valid, SET_MTIME, SET_MTIME_TO, mtime, mtime_ns) } };
  if (fid == NULL)
    return EBADF;
  if (fid->fd >= 0)
    return set_attributes (fid, fid->fd, &to);
  int fd = open_beneath (server, fid->path, O_PATH, 0);
  if (fd < 0)
    return errno;
  return close_and (fd, set_attributes (fid, fd, &to));
}

static int
run_statfs (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid        *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  struct statfs about;
  if (fid == NULL)
    return EBADF;
  if (fstatfs (server->root, &about) != 0)
    return errno;
  p9_put (out, 0x01021997, 4);     /* the type of a 9P file system */
  p9_put (out, (uint64_t) about.f_bsize, 4);
  const uint64_t numbers[] = { about.f_blocks, about.f_bfree, about.f_bavail, about.f_files, about.f_ffree, 0 };
  for (size_t i = 0; i < G_N_ELEMENTS (numbers); i++)
    p9_put (out, numbers[i], 8);
  p9_put (out, (uint64_t) about.f_namelen, 4);
  return 0;
}

static int
run_readlink (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid  *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  char    target[P9_PATH_MAX + 1];
  int     fd = fid != NULL ? open_beneath (server, fid->path, O_PATH, 0) : -1;
  if (fd < 0)
    return fid != NULL ? errno : EBADF;
  ssize_t n = readlinkat (fd, "", target, sizeof target - 1);
  int     error = close_and (fd, n >= 0 ? 0 : errno);
  if (error != 0)
    return error;
  target[n] = 0;
  p9_put_string (out, target);
  return 0;
}

/* --- Names -------------------------------------------------------------------------------------------------------- */

/* Opens the folder of a handle for changes of its entries; the name follows in the message. */
static int
folder_and_name (P9Server *server, P9In *in, P9Fid **fid, char **name)
{
  *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  *name = p9_get_name (in);
  if (*fid == NULL || *name == NULL || strlen ((*fid)->path) + strlen (*name) + 2 > P9_PATH_MAX)
    {
      errno = *fid == NULL ? EBADF : *name == NULL ? EINVAL : ENAMETOOLONG;
      return -1;
    }
  return open_beneath (server, (*fid)->path, O_PATH | O_DIRECTORY, 0);
}

static int
put_new (const P9Server *server, int folder, const char *name, P9Out *out, int result)
{
  struct stat about;
  if (result != 0 || fstatat (folder, name, &about, AT_SYMLINK_NOFOLLOW) != 0)
    return close_and (folder, errno);
  p9_put_qid (server, out, &about);
  return close_and (folder, 0);
}

static int
run_mkdir (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid           *fid;
  g_autofree char *name = NULL;
  int              folder = folder_and_name (server, in, &fid, &name);
  uint32_t         mode = (uint32_t) p9_get (in, 4) & 0777;
  return folder < 0 ? errno : put_new (server, folder, name, out, mkdirat (folder, name, mode));
}

static int
run_symlink (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid           *fid;
  g_autofree char *name = NULL;
  int              folder = folder_and_name (server, in, &fid, &name), error = errno;
  g_autofree char *target = p9_get_string (in);
  if (folder < 0 || target == NULL)
    return close_and (folder, folder < 0 ? error : EINVAL);
  return put_new (server, folder, name, out, symlinkat (target, folder, name));
}

/* FIFOs and sockets, which are the guest's own affair; no devices. */
static int
run_mknod (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid           *fid;
  g_autofree char *name = NULL;
  int              folder = folder_and_name (server, in, &fid, &name), error = errno;
  uint32_t         mode = (uint32_t) p9_get (in, 4);
  bool             allowed = S_ISREG (mode) || S_ISFIFO (mode) || S_ISSOCK (mode);
  if (folder < 0 || !allowed)
    return close_and (folder, folder < 0 ? error : EPERM);
  return put_new (server, folder, name, out, mknodat (folder, name, (mode & S_IFMT) | (mode & 0777), 0));
}

static int
run_link (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid           *folder_fid = p9_find (server, (uint32_t) p9_get (in, 4));
  P9Fid           *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  g_autofree char *name = p9_get_name (in);
  const char      *old_name;
  if (folder_fid == NULL || fid == NULL || name == NULL)
    return EBADF;
  int from = open_parent (server, fid->path, &old_name);
  int to = from >= 0 ? open_beneath (server, folder_fid->path, O_PATH | O_DIRECTORY, 0) : -1;
  int error = to >= 0 && linkat (from, old_name, to, name, 0) == 0 ? 0 : errno;
  close_and (from, 0);
  return close_and (to, error);
}

/* Handles of what was moved, and of what is in it, move along. */
static void
move_fids (P9Server *server, const char *old_path, const char *new_path)
{
  GHashTableIter iter;
  gpointer       value;
  size_t         len = strlen (old_path);
  g_hash_table_iter_init (&iter, server->fids);
  while (g_hash_table_iter_next (&iter, NULL, &value))
    {
      P9Fid *fid = value;
      if (strncmp (fid->path, old_path, len) != 0 || (fid->path[len] != 0 && fid->path[len] != '/'))
        continue;
      char *moved = g_strconcat (new_path, fid->path + len, NULL);
      g_free (fid->path);
      fid->path = moved;
    }
}

static int
rename_path (P9Server *server, const char *old_path, const char *new_folder, const char *new_name)
{
  const char      *old_name;
  g_autofree char *from_path = g_strdup (old_path), *to_path = p9_child_path (new_folder, new_name);
  int from = open_parent (server, from_path, &old_name);
  int to = from >= 0 ? open_beneath (server, new_folder, O_PATH | O_DIRECTORY, 0) : -1;
  int error = to >= 0 && renameat (from, old_name, to, new_name) == 0 ? 0 : errno;
  if (error == 0)
    move_fids (server, from_path, to_path);
  close_and (from, 0);
  return close_and (to, error);
}

static int
run_rename (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid           *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  P9Fid           *folder = p9_find (server, (uint32_t) p9_get (in, 4));
  g_autofree char *name = p9_get_name (in);
  return fid == NULL || folder == NULL || name == NULL ? EBADF : rename_path (server, fid->path, folder->path, name);
}

static int
run_renameat (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid           *from = p9_find (server, (uint32_t) p9_get (in, 4));
  g_autofree char *old_name = p9_get_name (in);
  P9Fid           *to = p9_find (server, (uint32_t) p9_get (in, 4));
  g_autofree char *new_name = p9_get_name (in);
  if (from == NULL || to == NULL || old_name == NULL || new_name == NULL)
    return EBADF;
  g_autofree char *old_path = p9_child_path (from->path, old_name);
  return rename_path (server, old_path, to->path, new_name);
}

static int
run_unlinkat (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid           *fid;
  g_autofree char *name = NULL;
  int              folder = folder_and_name (server, in, &fid, &name);
  bool             is_folder = (p9_get (in, 4) & AT_REMOVE_FOLDER) != 0;
  if (folder < 0)
    return errno;
  return close_and (folder, unlinkat (folder, name, is_folder ? AT_REMOVEDIR : 0) == 0 ? 0 : errno);
}

/* Nobody else locks through us: the guest's own kernel has already decided. */
static int
run_lock (P9Server *server, P9In *in, P9Out *out)
{
  if (p9_find (server, (uint32_t) p9_get (in, 4)) == NULL)
    return EBADF;
  p9_put (out, LOCK_SUCCESS, 1);
  return 0;
}

static int
run_getlock (P9Server *server, P9In *in, P9Out *out)
{
  if (p9_find (server, (uint32_t) p9_get (in, 4)) == NULL)
    return EBADF;
  p9_get (in, 1);
  uint64_t start = p9_get (in, 8), length = p9_get (in, 8), process = p9_get (in, 4);
  g_autofree char *client = p9_get_string (in);
  p9_put (out, LOCK_UNLOCK, 1);
  p9_put (out, start, 8);
  p9_put (out, length, 8);
  p9_put (out, process, 4);
  p9_put_string (out, client != NULL ? client : "");
  return 0;
}

P9Operation
p9_file_operation (unsigned type, bool *changes)
{
  static const struct { uint8_t type; bool changes; P9Operation run; } operations[] = {
    { 8, false, run_statfs },    { 12, false, run_open },    { 14, true, run_create },  { 16, true, run_symlink },
    { 18, true, run_mknod },     { 20, true, run_rename },   { 22, false, run_readlink }, { 24, false, run_getattr },
    { 26, true, run_setattr },   { 40, false, run_readdir }, { 50, false, run_fsync },  { 52, false, run_lock },
    { 54, false, run_getlock },  { 70, true, run_link },     { 72, true, run_mkdir },   { 74, true, run_renameat },
    { 76, true, run_unlinkat },  { 116, false, run_read },   { 118, true, run_write },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (operations); i++)
    if (operations[i].type == type)
      {
        *changes = operations[i].changes;
        return operations[i].run;
      }
  return NULL;
}
