/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/falloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "bits.h"
#include "vitrine/error.h"

#define ZERO_CHUNK (64u * 1024)

G_STATIC_ASSERT (sizeof (VtFileVec) == sizeof (struct iovec));
G_STATIC_ASSERT (offsetof (VtFileVec, base) == offsetof (struct iovec, iov_base));
G_STATIC_ASSERT (offsetof (VtFileVec, len) == offsetof (struct iovec, iov_len));

struct VtFile
{
  int      fd;
  uint64_t size;
  char    *path;
};

void
vt_file_close (VtFile *file)
{
  if (file == NULL)
    return;
  close (file->fd);
  g_free (file->path);
  g_free (file);
}

int
vt_file_descriptor (const VtFile *file)
{
  return file->fd;
}

uint64_t
vt_file_size (const VtFile *file)
{
  return file->size;
}

static void
set_image_error (GError **error, const char *path, const char *problem)
{
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "Cannot use “%s” as a disk: %s", path, problem);
}

static bool
measure (VtFile *file, GError **error)
{
  struct stat st;
  off_t       size = 0;
  if (fstat (file->fd, &st) != 0)
    {
      set_image_error (error, file->path, g_strerror (errno));
      return false;
    }
  if (S_ISREG (st.st_mode))
    size = st.st_size;
  else if (S_ISBLK (st.st_mode))
    size = lseek (file->fd, 0, SEEK_END);
  else
    {
      set_image_error (error, file->path, S_ISDIR (st.st_mode) ? "it is a folder" : "it is not a file");
      return false;
    }
  file->size = size > 0 ? (uint64_t) size : 0;
  return true;
}

static _Thread_local struct
{
  const VtLentFile *files;
  size_t            n;
} loan;

void
vt_file_lend (const VtLentFile *files, size_t n)
{
  loan.files = files;
  loan.n = n;
}

static int
borrow (const char *path, bool writable)
{
  for (size_t i = 0; i < loan.n; i++)
    if (strcmp (loan.files[i].path, path) == 0 && (!writable || vt_descriptor_writable (loan.files[i].fd)))
      return vt_descriptor_dup (loan.files[i].fd);
  return -1;
}

VtFile *
vt_file_open (const char *path, bool writable, GError **error)
{
  int fd = borrow (path, writable);
  /* Non-blocking, so that a FIFO is refused instead of waited for. */
  if (fd < 0)
    fd = open (path, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    {
      int problem = errno;
      set_image_error (error, path, problem == EISDIR ? "it is a folder" : g_strerror (problem));
      return NULL;
    }
  return vt_file_adopt (fd, path, error);
}

VtFile *
vt_file_adopt (int fd, const char *path, GError **error)
{
  g_autoptr (VtFile) file = g_new0 (VtFile, 1);
  file->fd = fd;
  file->path = g_strdup (path);
  if (!measure (file, error))
    return NULL;
  return g_steal_pointer (&file);
}

bool
vt_descriptor_writable (int fd)
{
  int flags = fcntl (fd, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) == O_RDWR;
}

int
vt_descriptor_dup (int fd)
{
  return fcntl (fd, F_DUPFD_CLOEXEC, 0);
}

void
vt_descriptor_close (int fd)
{
  if (fd >= 0)
    close (fd);
}

static int
open_nameless (const char *dir)
{
  int fd = open (dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0)
    return fd;
  /* Not every file system knows O_TMPFILE. */
  g_autofree char *name = g_build_filename (dir, "vitrine-XXXXXX", NULL);
  fd = g_mkstemp_full (name, O_RDWR | O_CLOEXEC, 0600);
  if (fd >= 0)
    unlink (name);
  return fd;
}

VtFile *
vt_file_open_temporary (const char *dir, uint64_t size, GError **error)
{
  const char *where = dir != NULL ? dir : g_get_tmp_dir ();
  int         fd = open_nameless (where);
  if (fd < 0 || ftruncate (fd, (off_t) size) != 0)
    {
      int problem = errno;
      if (fd >= 0)
        close (fd);
      g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "Cannot make a temporary file in “%s”: %s", where,
                   g_strerror (problem));
      return NULL;
    }
  VtFile *file = g_new0 (VtFile, 1);
  file->fd = fd;
  file->size = size;
  file->path = g_strdup (where);
  return file;
}

bool
vt_file_lock (VtFile *file, bool exclusive, GError **error)
{
  /* Open file description locks belong to this opening, not to the process: two machines of one process exclude each
   * other too, and closing some other descriptor of the file does not drop them. */
  struct flock lock = { .l_type = exclusive ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET };
  if (fcntl (file->fd, F_OFD_SETLK, &lock) == 0)
    return true;
  if (errno == EAGAIN || errno == EACCES)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_BUSY, "“%s” is in use by another machine or program", file->path);
      return false;
    }
  /* Some network file systems have no locks: working without one is what the person asked for. */
  g_warning ("“%s” cannot be locked: %s", file->path, g_strerror (errno));
  return true;
}

/* What is left of the pieces, in batches that the system takes. */
typedef struct
{
  const VtFileVec *next;
  size_t           n_next;
  struct iovec     batch[64];
  int              n_batch, first;
} Pieces;

static void
refill (Pieces *pieces)
{
  if (pieces->first < pieces->n_batch)
    return;
  pieces->first = 0;
  pieces->n_batch = (int) MIN (pieces->n_next, G_N_ELEMENTS (pieces->batch));
  memcpy (pieces->batch, pieces->next, (size_t) pieces->n_batch * sizeof (struct iovec));
  pieces->next += pieces->n_batch;
  pieces->n_next -= (size_t) pieces->n_batch;
}

/* The system did n bytes, which may end inside a piece. */
static void
advance (Pieces *pieces, size_t n)
{
  while (pieces->first < pieces->n_batch && n >= pieces->batch[pieces->first].iov_len)
    n -= pieces->batch[pieces->first++].iov_len;
  if (n > 0)
    {
      struct iovec *partial = &pieces->batch[pieces->first];
      partial->iov_base = (uint8_t *) partial->iov_base + n;
      partial->iov_len -= n;
    }
}

/* Moves the pieces; stops early only at the end of the file. */
static int
transfer (VtFile *file, uint64_t off, const VtFileVec *vec, size_t n_vec, bool write, uint64_t *done)
{
  Pieces pieces = { .next = vec, .n_next = n_vec };
  *done = 0;
  for (;;)
    {
      refill (&pieces);
      advance (&pieces, 0);   /* empty pieces */
      if (pieces.first == pieces.n_batch && pieces.n_next == 0)
        return 0;
      if (pieces.first == pieces.n_batch)
        continue;
      const struct iovec *iov = &pieces.batch[pieces.first];
      int     n_iov = pieces.n_batch - pieces.first;
      ssize_t n = write ? pwritev (file->fd, iov, n_iov, (off_t) (off + *done))
                        : preadv (file->fd, iov, n_iov, (off_t) (off + *done));
      if (n < 0 && errno == EINTR)
        continue;
      if (n < 0)
        return errno;
      if (n == 0)
        return write ? ENOSPC : 0;
      *done += (uint64_t) n;
      advance (&pieces, (size_t) n);
    }
}

int
vt_file_read (VtFile *file, uint64_t off, const VtFileVec *vec, size_t n_vec, uint64_t *got)
{
  return transfer (file, off, vec, n_vec, false, got);
}

int
vt_file_write (VtFile *file, uint64_t off, const VtFileVec *vec, size_t n_vec)
{
  uint64_t done;
  return transfer (file, off, vec, n_vec, true, &done);
}

int
vt_file_sync (VtFile *file)
{
  return fdatasync (file->fd) == 0 ? 0 : errno;
}

void
vt_file_begin_sync (VtFile *file, uint64_t off, uint64_t len)
{
  (void) sync_file_range (file->fd, (off_t) off, (off_t) len, SYNC_FILE_RANGE_WRITE);
}

static int
write_zeros (VtFile *file, uint64_t off, uint64_t len)
{
  g_autofree void *zeros = g_malloc0 (ZERO_CHUNK);
  while (len > 0)
    {
      size_t n = (size_t) MIN (len, ZERO_CHUNK);
      int    problem = vt_file_write (file, off, &(VtFileVec) { zeros, n }, 1);
      if (problem != 0)
        return problem;
      off += n;
      len -= n;
    }
  return 0;
}

int
vt_file_punch (VtFile *file, uint64_t off, uint64_t len)
{
  if (len == 0)
    return 0;
  if (fallocate (file->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t) off, (off_t) len) == 0)
    return 0;
  if (errno == EOPNOTSUPP || errno == ENOSYS || errno == ENODEV)
    return write_zeros (file, off, len);
  return errno;
}

int
vt_file_grow (VtFile *file, uint64_t size)
{
  struct stat st;
  if (fstat (file->fd, &st) < 0)
    return errno;
  if (S_ISBLK (st.st_mode))
    return lseek (file->fd, 0, SEEK_END) >= (off_t) size ? 0 : ENOSPC;
  if (size < (uint64_t) st.st_size)
    return EINVAL;
  if (ftruncate (file->fd, (off_t) size) < 0)
    return errno;
  file->size = size;
  return 0;
}

bool
vt_file_is_data (VtFile *file, uint64_t off, uint64_t len, uint64_t *run)
{
  off_t data = lseek (file->fd, (off_t) off, SEEK_DATA);
  *run = len;
  if (data < 0)
    return errno != ENXIO;
  if ((uint64_t) data > off)
    {
      *run = MIN (len, (uint64_t) data - off);
      return false;
    }
  off_t hole = lseek (file->fd, (off_t) off, SEEK_HOLE);
  if (hole > (off_t) off)
    *run = MIN (len, (uint64_t) hole - off);
  return true;
}

char *
vt_file_real_path (const char *path)
{
  char  real[PATH_MAX];
  return realpath (path, real) != NULL ? g_strdup (real) : NULL;
}
