/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Server of 9P2000.L for one folder (http://9p.io/magic/man2html/5/intro; github.com/chaos/diod, protocol.md). One thread does the
 * messages of a guest in order. */
#include "share.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "p9-private.h"
#include "vitrine/error.h"

enum
{
  T_LERROR = 6, T_VERSION = 100, T_ATTACH = 104, T_FLUSH = 108, T_WALK = 110, T_CLUNK = 120,
  HEADER_BYTES = 7,
  MSIZE_MIN = 4096, MSIZE_MAX = 512 * 1024,
  NAMES_MAX = 16,            /* in a walk */
  FIDS_MAX = 16384,
  QID_FOLDER = 0x80, QID_LINK = 0x02,
  NEVER_OPEN = -1,
};
#define NOT_OPEN UINT32_MAX

typedef struct
{
  VtShare      share;
  VtLoop      *loop;
  P9Server     server;
  GThread     *thread;
  GAsyncQueue *queue;        /* Job* */
} Share;

typedef struct
{
  VtShareRequest *request;   /* NULL: the thread ends */
  size_t          written;
} Job;

/* --- Bytes -------------------------------------------------------------------------------------------------------- */

uint64_t
p9_get (P9In *in, unsigned bytes)
{
  if (in->left < bytes)
    {
      in->broken = true;
      in->left = 0;
      return 0;
    }
  uint64_t value = vt_load_le (in->at, bytes);
  in->at += bytes;
  in->left -= bytes;
  return value;
}

char *
p9_get_string (P9In *in)
{
  size_t len = (size_t) p9_get (in, 2);
  if (len > in->left || len > P9_PATH_MAX || memchr (in->at, 0, len) != NULL)
    {
      in->broken = true;
      in->left = 0;
      return NULL;
    }
  char *text = g_strndup ((const char *) in->at, len);
  in->at += len;
  in->left -= len;
  return text;
}

/* "..", or a name. */
static char *
get_step (P9In *in)
{
  g_autofree char *text = p9_get_string (in);
  return text != NULL && text[0] != 0 && strchr (text, '/') == NULL && strcmp (text, ".") != 0 ? g_steal_pointer (&text) : NULL;
}

char *
p9_get_name (P9In *in)
{
  g_autofree char *name = get_step (in);
  return name != NULL && strcmp (name, "..") != 0 && strlen (name) <= 255 ? g_steal_pointer (&name) : NULL;
}

void
p9_put (P9Out *out, uint64_t value, unsigned bytes)
{
  out->full = out->full || out->room - out->len < bytes;
  if (out->full)
    return;
  vt_store_le (out->bytes + out->len, value, bytes);
  out->len += bytes;
}

void
p9_put_string (P9Out *out, const char *text)
{
  size_t len = strlen (text);
  out->full = out->full || out->room - out->len < len + 2;
  if (out->full)
    return;
  p9_put (out, len, 2);
  memcpy (out->bytes + out->len, text, len);
  out->len += len;
}

/* What tells files apart. Other file systems may be mounted beneath the root, and count their files anew: their device is mixed
 * in. Files of the root's own keep their numbers, whatever name the device has after the next start of this computer. */
void
p9_put_qid (const P9Server *server, P9Out *out, const struct stat *about)
{
  uint64_t other = (uint64_t) about->st_dev ^ (uint64_t) server->device;
  p9_put (out, S_ISDIR (about->st_mode) ? QID_FOLDER : S_ISLNK (about->st_mode) ? QID_LINK : 0, 1);
  p9_put (out, 0, 4);
  p9_put (out, about->st_ino ^ other * UINT64_C (0x9e3779b97f4a7c15), 8);
}

/* --- Handles ------------------------------------------------------------------------------------------------------ */

P9Fid *
p9_find (P9Server *server, uint32_t number)
{
  return g_hash_table_lookup (server->fids, GUINT_TO_POINTER (number));
}

static P9Fid *
add_fid (P9Server *server, uint32_t number, const char *path)
{
  P9Fid *fid = g_new0 (P9Fid, 1);
  *fid = (P9Fid) { .path = g_strdup (path), .fd = NEVER_OPEN };
  g_hash_table_insert (server->fids, GUINT_TO_POINTER (number), fid);
  return fid;
}

static void
drop_fid (P9Server *server, uint32_t number)
{
  P9Fid *fid = p9_find (server, number);
  if (fid == NULL)
    return;
  p9_close (server, fid);
  g_free (fid->path);
  g_hash_table_remove (server->fids, GUINT_TO_POINTER (number));
  g_free (fid);
}

static void
drop_all (P9Server *server)
{
  g_autoptr (GList) numbers = g_hash_table_get_keys (server->fids);
  for (GList *at = numbers; at != NULL; at = at->next)
    drop_fid (server, GPOINTER_TO_UINT (at->data));
}

/* --- Messages about handles --------------------------------------------------------------------------------------- */

static int
run_version (P9Server *server, P9In *in, P9Out *out)
{
  uint32_t         msize = (uint32_t) p9_get (in, 4);
  g_autofree char *version = p9_get_string (in);
  bool             known = g_strcmp0 (version, "9P2000.L") == 0 && msize >= MSIZE_MIN;
  drop_all (server);
  server->msize = MIN (msize, MSIZE_MAX);
  p9_put (out, server->msize, 4);
  p9_put_string (out, known ? version : "unknown");
  return 0;
}

static int
run_attach (P9Server *server, P9In *in, P9Out *out)
{
  uint32_t    number = (uint32_t) p9_get (in, 4);
  struct stat about;
  int         error = p9_stat (server, "", &about);
  if (error != 0)
    return error;
  if (p9_find (server, number) != NULL)
    return EEXIST;
  add_fid (server, number, "");
  p9_put_qid (server, out, &about);
  return 0;
}

/* One step; a new path, or NULL with errno. */
static char *
step (P9Server *server, const char *path, const char *name, struct stat *about)
{
  const char *slash = strrchr (path, '/');
  char       *next = strcmp (name, "..") == 0 ? g_strndup (path, slash != NULL ? (gsize) (slash - path) : 0)
                                              : p9_child_path (path, name);
  errno = strlen (next) > P9_PATH_MAX ? ENAMETOOLONG : p9_stat (server, next, about);
  if (errno == 0)
    return next;
  g_free (next);
  return NULL;
}

static int
run_walk (P9Server *server, P9In *in, P9Out *out)
{
  P9Fid   *fid = p9_find (server, (uint32_t) p9_get (in, 4));
  uint32_t new_number = (uint32_t) p9_get (in, 4);
  unsigned n = (unsigned) p9_get (in, 2), done = 0;
  if (fid == NULL || n > NAMES_MAX || g_hash_table_size (server->fids) >= FIDS_MAX)
    return fid == NULL ? EBADF : EINVAL;
  g_autofree char *path = g_strdup (fid->path);
  size_t           count_at = out->len;
  p9_put (out, 0, 2);
  for (; done < n; done++)
    {
      g_autofree char *name = get_step (in);
      struct stat      about;
      char            *next = name != NULL ? step (server, path, name, &about) : NULL;
      if (next == NULL && done == 0)
        return name != NULL ? errno : EINVAL;
      if (next == NULL)
        break;
      g_free (path);
      path = next;
      p9_put_qid (server, out, &about);
    }
  vt_store_le (out->bytes + count_at, done, 2);
  if (done < n)
    return 0;
  drop_fid (server, new_number);
  add_fid (server, new_number, path);
  return 0;
}

static int
run_clunk (P9Server *server, P9In *in, P9Out *out)
{
  uint32_t number = (uint32_t) p9_get (in, 4);
  if (p9_find (server, number) == NULL)
    return EBADF;
  drop_fid (server, number);
  return 0;
}

static int
run_flush (P9Server *server, P9In *in, P9Out *out)
{
  return 0;      /* messages are done in order: what it is about has been answered */
}

static P9Operation
find_operation (unsigned type, bool *changes)
{
  *changes = false;
  switch (type)
    {
    case T_VERSION: return run_version;
    case T_ATTACH: return run_attach;
    case T_WALK: return run_walk;
    case T_CLUNK: return run_clunk;
    case T_FLUSH: return run_flush;
    default: return p9_file_operation (type, changes);
    }
}

/* --- A message ---------------------------------------------------------------------------------------------------- */

static int
run (P9Server *server, unsigned type, P9In *in, P9Out *out)
{
  bool        changes;
  P9Operation operation = find_operation (type, &changes);
  if (operation == NULL)
    return EOPNOTSUPP;
  if (changes && server->readonly)
    return EROFS;
  int error = operation (server, in, out);
  if (error == 0 && in->broken)
    return EINVAL;
  return error == 0 && out->full ? EMSGSIZE : error;
}

/* Returns the length of the answer; 0: there was no message, or no room for an answer. */
static size_t
answer (P9Server *server, const uint8_t *message, size_t len, uint8_t *bytes, size_t room)
{
  P9In     in = { .at = message, .left = len };
  P9Out    out = { .bytes = bytes, .len = HEADER_BYTES, .room = MIN (room, server->msize) };
  uint64_t said = p9_get (&in, 4);
  unsigned type = (unsigned) p9_get (&in, 1), tag = (unsigned) p9_get (&in, 2);
  if (in.broken || said > len || said < HEADER_BYTES || out.room < P9_ANSWER_MIN)
    return 0;
  in.left = (size_t) said - HEADER_BYTES;
  int error = run (server, type, &in, &out);
  if (error != 0)
    {
      out.len = HEADER_BYTES;
      out.full = false;
      p9_put (&out, (uint64_t) error, 4);
    }
  vt_store_le (bytes, out.len, 4);
  bytes[4] = (uint8_t) (error != 0 ? T_LERROR + 1 : type + 1);
  vt_store_le (bytes + 5, tag, 2);
  return out.len;
}

static size_t
total (const VtIoVec *vec, size_t n)
{
  size_t len = 0;
  for (size_t i = 0; i < n; i++)
    len = vec[i].len > MSIZE_MAX - len ? MSIZE_MAX : len + vec[i].len;
  return len;
}

/* The message is copied once; the guest may change its memory meanwhile. */
static size_t
answer_request (P9Server *server, VtShareRequest *request)
{
  size_t              len = total (request->out, request->n_out), room = total (request->in, request->n_in), done = 0;
  g_autofree uint8_t *message = g_malloc (len + 1), *reply = g_malloc (room + 1);
  for (size_t i = 0; i < request->n_out && done < len; i++)
    {
      size_t piece = MIN (request->out[i].len, len - done);
      memcpy (message + done, request->out[i].base, piece);
      done += piece;
    }
  size_t written = answer (server, message, len, reply, room);
  done = 0;
  for (size_t i = 0; i < request->n_in && done < written; i++)
    {
      size_t piece = MIN (request->in[i].len, written - done);
      memcpy (request->in[i].base, reply + done, piece);
      done += piece;
    }
  return written;
}

/* --- The thread --------------------------------------------------------------------------------------------------- */

static void
job_done (void *arg)
{
  g_autofree Job *job = arg;
  job->request->done (job->request, job->written);
}

static gpointer
work (gpointer data)
{
  Share *share = data;
  Job   *job;
  while ((job = g_async_queue_pop (share->queue))->request != NULL)
    {
      job->written = answer_request (&share->server, job->request);
      vt_loop_post (share->loop, job_done, job);
    }
  g_free (job);
  return NULL;
}

static void
push_job (Share *share, VtShareRequest *request)
{
  Job *job = g_new0 (Job, 1);
  *job = (Job) { .request = request };
  g_async_queue_push (share->queue, job);
}

static void
share_submit (VtShare *base, VtShareRequest *request)
{
  push_job ((Share *) base, request);
}

/* --- Over a save -------------------------------------------------------------------------------------------------- */

static size_t
share_save (VtShare *base, uint8_t *to, size_t room)
{
  P9Server      *server = &((Share *) base)->server;
  P9Out          out = { .bytes = to, .room = room };
  GHashTableIter iter;
  gpointer       number, value;
  p9_put (&out, server->msize, 4);
  g_hash_table_iter_init (&iter, server->fids);
  while (g_hash_table_iter_next (&iter, &number, &value))
    {
      const P9Fid *fid = value;
      if (out.room - out.len < 10 + strlen (fid->path))
        break;               /* the guest finds the rest closed */
      p9_put (&out, GPOINTER_TO_UINT (number), 4);
      p9_put (&out, fid->fd >= 0 ? fid->flags : NOT_OPEN, 4);
      p9_put_string (&out, fid->path);
    }
  return out.len;
}

/* Paths of the stream are as hostile as those of a guest: they are walked like theirs. */
static bool
path_possible (const char *path)
{
  g_auto (GStrv) names = g_strsplit (path, "/", -1);
  for (unsigned i = 0; names[i] != NULL; i++)
    if ((names[i][0] == 0 && path[0] != 0) || strcmp (names[i], "..") == 0 || strcmp (names[i], ".") == 0)
      return false;
  return true;
}

static void
share_forget (VtShare *base)
{
  drop_all (&((Share *) base)->server);
}

static void
share_load (VtShare *base, const uint8_t *from, size_t len)
{
  P9Server *server = &((Share *) base)->server;
  P9In      in = { .at = from, .left = len };
  drop_all (server);
  uint64_t msize = p9_get (&in, 4);
  server->msize = (uint32_t) CLAMP (msize, MSIZE_MIN, MSIZE_MAX);
  while (in.left > 0 && g_hash_table_size (server->fids) < FIDS_MAX)
    {
      uint32_t         number = (uint32_t) p9_get (&in, 4), flags = (uint32_t) p9_get (&in, 4);
      g_autofree char *path = p9_get_string (&in);
      if (path == NULL || !path_possible (path))
        continue;
      drop_fid (server, number);
      P9Fid *fid = add_fid (server, number, path);
      bool   writes = (flags & L_RDWR_MASK) != O_RDONLY;
      if (flags != NOT_OPEN && !(writes && server->readonly))
        p9_open (server, fid, flags & ~(uint32_t) L_ONCE);
    }
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
share_close (VtShare *base)
{
  Share *share = (Share *) base;
  push_job (share, NULL);
  g_thread_join (share->thread);
  drop_all (&share->server);
  g_hash_table_unref (share->server.fids);
  g_async_queue_unref (share->queue);
  close (share->server.root);
  g_free (share);
}

VtShare *
vt_share_new (VtLoop *loop, const char *folder, bool readonly, GError **error)
{
  static const VtShareOps ops = { share_submit, share_save, share_load, share_forget, share_close };
  struct stat about;
  int         root = open (folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0 || fstat (root, &about) != 0)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Cannot share the folder “%s”: %s", folder, g_strerror (errno));
      if (root >= 0)
        close (root);
      return NULL;
    }
  Share *share = g_new0 (Share, 1);
  share->share.ops = &ops;
  share->loop = loop;
  share->server = (P9Server) { .root = root, .device = about.st_dev, .readonly = readonly, .msize = MSIZE_MAX,
                               .fids = g_hash_table_new (NULL, NULL) };
  share->queue = g_async_queue_new ();
  share->thread = g_thread_new ("share", work, share);
  return &share->share;
}
