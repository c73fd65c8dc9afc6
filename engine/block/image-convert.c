/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Copying a disk from one image to another (vitrine/image.h): in pieces, which all processors read, compress or encrypt, and write. */
#include <errno.h>
#include <glib/gstdio.h>

#include "pieces.h"
#include "qcow2.h"
#include "vitrine/image.h"
#include "vmdk-stream.h"

enum
{
  BUFFER_BYTES = VT_VMDK_PIECE_BYTES,     /* whole clusters of any size */
  PLAIN_BYTES  = 1 << 20,                 /* a piece that is copied as it is: it stays in a processor's cache in between */
  HOLE_BYTES   = 64 << 10,                /* zeros of that length stay a hole */
};

typedef struct Copy Copy;
struct Copy
{
  VtImage        *from, *to;
  VtVmdkStream   *stream;       /* NULL: none */
  int           (*store) (Copy *copy, uint64_t off, const uint8_t *bytes, uint64_t len);   /* of whole sectors */
  bool            made;         /* the new file: it goes again when something fails */
  bool            zeros_too;    /* what is not stored does not read as zeros, or is waited for */
  uint64_t        cluster_bytes, piece_bytes;
  GAsyncQueue    *buffers;      /* of BUFFER_BYTES each, that nobody uses now */
  GMutex          lock;
  uint64_t        done;
  int             problem;      /* the first; those of pieces that stop for it come after it */
  bool            unreadable;   /* it is the source's */
  VtImageProgress progress;
  void           *opaque;
};

/* --- Storing -------------------------------------------------------------------------------------------------------------- */

static int
store_all (Copy *copy, uint64_t off, const uint8_t *bytes, uint64_t len)
{
  return bytes != NULL ? vt_image_write (copy->to, off, bytes, len) : copy->to->ops->zero (copy->to, off, len);
}

static int
store_data (Copy *copy, uint64_t off, const uint8_t *bytes, uint64_t len)
{
  int error = 0;
  for (uint64_t at = 0, n; at < len && error == 0; at += n)
    {
      n = MIN (HOLE_BYTES, len - at);
      bool zero = vt_all_zero (bytes + at, n);
      /* What follows of the same kind goes along. */
      while (at + n < len && vt_all_zero (bytes + at + n, MIN (HOLE_BYTES, len - at - n)) == zero)
        n += MIN (HOLE_BYTES, len - at - n);
      if (!zero)
        error = vt_image_write (copy->to, off + at, bytes + at, n);
    }
  return error;
}

static int
store_packed (Copy *copy, uint64_t off, const uint8_t *bytes, uint64_t len)
{
  int error = 0;
  for (uint64_t at = 0; at < len && error == 0; at += copy->cluster_bytes)
    if (!vt_all_zero (bytes + at, copy->cluster_bytes))
      error = vt_qcow2_write_packed (copy->to, off + at, bytes + at);
  return error;
}

static int
store_grains (Copy *copy, uint64_t off, const uint8_t *bytes, uint64_t len)
{
  return vt_vmdk_stream_add (copy->stream, off, bytes, len);
}

/* --- Copying -------------------------------------------------------------------------------------------------------------- */

/* *any: there is something else than holes, and the buffer has it. */
static int
load (Copy *copy, uint64_t off, uint64_t len, uint8_t *to, bool *any)
{
  int error = 0;
  *any = false;
  for (uint64_t at = 0; at < len && error == 0;)
    {
      VtExtent extent;
      if ((error = copy->from->ops->extent (copy->from, off + at, len - at, &extent)) != 0)
        return error;
      bool data = extent.kind == VT_EXTENT_DATA || extent.kind == VT_EXTENT_PACKED;
      if (data && !*any)
        memset (to, 0, at);
      *any |= data;
      if (data)
        error = vt_image_read (copy->from, off + at, to + at, extent.len);
      else if (*any)
        memset (to + at, 0, extent.len);
      at += extent.len;
    }
  /* A disk of odd size ends in a whole sector; grains and clusters reach beyond it. */
  if (*any && len < copy->piece_bytes)
    memset (to + len, 0, copy->piece_bytes - len);
  return error;
}

static int
tell_progress (Copy *copy, uint64_t len, bool caller)
{
  g_mutex_lock (&copy->lock);
  uint64_t done = copy->done += len;
  g_mutex_unlock (&copy->lock);
  bool stop = caller && copy->progress != NULL && !copy->progress (copy->opaque, done, copy->from->size_bytes);
  return stop ? ECANCELED : 0;
}

/* Before anybody else is told to stop. */
static void
note_problem (Copy *copy, int problem, bool unreadable)
{
  g_mutex_lock (&copy->lock);
  if (copy->problem == 0)
    {
      copy->problem = problem;
      copy->unreadable = unreadable;
    }
  g_mutex_unlock (&copy->lock);
}

static int
store_piece (Copy *copy, uint64_t off, uint64_t len, bool *unreadable)
{
  uint8_t *buffer = g_async_queue_try_pop (copy->buffers);
  bool     any;
  if (buffer == NULL)
    buffer = g_malloc (BUFFER_BYTES);
  int error = load (copy, off, len, buffer, &any);
  *unreadable = error != 0;
  if (error == 0 && (any || copy->zeros_too))
    error = copy->store (copy, off, any ? buffer : NULL, (len + 511) / 512 * 512);
  g_async_queue_push (copy->buffers, buffer);
  return error;
}

static int
copy_piece (void *opaque, uint64_t off, uint64_t len, bool caller)
{
  Copy *copy = opaque;
  bool  unreadable;
  int   error = store_piece (copy, off, len, &unreadable);
  if (error == 0)
    error = tell_progress (copy, len, caller);
  if (error != 0)
    note_problem (copy, error, unreadable);
  if (error != 0 && copy->stream != NULL)
    vt_vmdk_stream_give_up (copy->stream);
  return error;
}

static bool
copy_disk (Copy *copy, GError **error)
{
  const char *label = copy->to->label;
  /* Of a small disk, others may do all pieces: who watches is asked before and after them, too. */
  int         problem = tell_progress (copy, 0, true);
  if (problem == 0)
    problem = vt_in_pieces (copy->from->size_bytes, copy->piece_bytes, copy_piece, copy) != 0 ? copy->problem : 0;
  if (problem == 0)
    problem = tell_progress (copy, 0, true);
  if (problem == ECANCELED)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_FAILED, "“%s”: stopped", label);
      return false;
    }
  if (problem != 0 && copy->unreadable)
    return vt_image_fail (error, copy->from->label, "it is damaged, or cannot be read", problem);
  if (problem != 0)
    return vt_image_fail (error, label, "it cannot be written", problem);
  if (copy->stream != NULL)
    problem = vt_vmdk_stream_end (copy->stream);
  if (problem == 0)
    problem = vt_image_flush (copy->to);
  return problem == 0 || vt_image_fail (error, label, "it cannot be written", problem);
}

/* --- The new image ---------------------------------------------------------------------------------------------------------- */

static bool
open_stream (Copy *copy, const char *path, GError **error)
{
  if ((copy->to = vt_image_new_file (path, error)) == NULL)
    return false;
  copy->made = copy->to->unsafe = true;
  int problem = vt_vmdk_stream_new (copy->to, (copy->from->size_bytes + 511) / 512 * 512, &copy->stream);
  copy->store = store_grains;
  copy->piece_bytes = VT_VMDK_PIECE_BYTES;
  copy->zeros_too = true;      /* the next piece waits for its turn */
  return problem == 0 || vt_image_fail (error, path, "it cannot be written", problem);
}

static bool
open_image (Copy *copy, const VtImagePlace *place, const VtImageShape *shape, GError **error)
{
  VtImageShape full = *shape;
  full.size_bytes = copy->from->size_bytes;
  full.backing = NULL;
  if (!vt_image_make (place, &full, error))
    return false;
  copy->made = true;
  copy->zeros_too = place->format == VT_IMAGE_LUKS;
  copy->store = copy->zeros_too ? store_all : shape->packing != VT_IMAGE_PLAIN ? store_packed : store_data;
  copy->cluster_bytes = shape->cluster_bytes != 0 ? shape->cluster_bytes : 64 << 10;
  copy->piece_bytes = copy->store == store_packed ? BUFFER_BYTES : MAX (PLAIN_BYTES, copy->cluster_bytes);
  copy->to = vt_image_open (place->path, place->format, VT_IMAGE_UNSAFE, place->secret, error);
  return copy->to != NULL;
}

static void
copy_clear (Copy *copy)
{
  vt_vmdk_stream_free (copy->stream);
  vt_image_close (copy->to);
  vt_image_close (copy->from);
  g_clear_pointer (&copy->buffers, g_async_queue_unref);
  g_mutex_clear (&copy->lock);
}

bool
vt_image_convert (const VtImagePlace *from, const VtImagePlace *to, const VtImageShape *shape, VtImageProgress progress, void *opaque,
                  GError **error)
{
  unsigned flags = VT_IMAGE_READONLY | (from->any_backing ? VT_IMAGE_ANYWHERE : 0);
  Copy     copy = { .progress = progress, .opaque = opaque, .buffers = g_async_queue_new_full (g_free) };
  g_mutex_init (&copy.lock);
  copy.from = vt_image_open (from->path, from->format, flags, from->secret, error);
  bool ok = copy.from != NULL
            && (to->format == VT_IMAGE_VMDK ? open_stream (&copy, to->path, error) : open_image (&copy, to, shape, error));
  ok = ok && copy_disk (&copy, error);
  copy_clear (&copy);
  int problem = ok && !shape->unsynced ? vt_image_make_safe (to->path) : 0;
  if (problem != 0)
    ok = vt_image_fail (error, to->path, "it cannot be written", problem);
  if (!ok && copy.made)
    g_unlink (to->path);
  return ok;
}
