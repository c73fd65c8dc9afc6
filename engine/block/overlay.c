/* SPDX-License-Identifier: GPL-3.0-or-later */
/* `snapshot=on`: a disk whose writes vanish.
 *
 * Written sectors live at their own offsets in a sparse temporary file; a bit per 512-byte sector says which. As
 * requests are whole sectors, no write ever has to read what is below. The bitmap exists only for pieces that were
 * written to, and is used under the machine lock; the bits of a write are set when it ends. */
#include <errno.h>

#include "threaded.h"

#define SECTOR            512u
#define SECTORS_PER_PIECE 32768u   /* a piece of the bitmap: 4 KiB for 16 MiB of disk */

typedef struct
{
  VtThreaded threaded;
  VtBlock   *below;
  VtFile    *file;
  uint64_t   n_pieces;
  uint8_t  **pieces;               /* NULL: nothing written there */
} Overlay;

/* A request, and how many of its parts are still under way. */
typedef struct
{
  Overlay *overlay;
  VtIo    *io;
  unsigned parts;
  int      error;
} Request;

/* A part: sectors that are all in the file, or all below. */
typedef struct
{
  Request *request;
  VtIo     io;
  VtIoVec  vec[];
} Part;

/* --- Bitmap ------------------------------------------------------------------------------------------------------- */

static bool
written (const Overlay *overlay, uint64_t sector)
{
  const uint8_t *piece = overlay->pieces[sector / SECTORS_PER_PIECE];
  unsigned       bit = sector % SECTORS_PER_PIECE;
  return piece != NULL && (piece[bit / 8] >> (bit % 8) & 1) != 0;
}

static void
set_written (Overlay *overlay, uint64_t off, uint64_t len)
{
  for (uint64_t sector = off / SECTOR, end = sector + len / SECTOR; sector < end; sector++)
    {
      uint8_t **piece = &overlay->pieces[sector / SECTORS_PER_PIECE];
      unsigned  bit = sector % SECTORS_PER_PIECE;
      if (*piece == NULL)
        *piece = g_malloc0 (SECTORS_PER_PIECE / 8);
      (*piece)[bit / 8] |= (uint8_t) (1u << (bit % 8));
    }
}

/* How many bytes from `off`, at most `len`, are in the same place as the first sector. */
static uint64_t
run_length (const Overlay *overlay, uint64_t off, uint64_t len)
{
  bool     here = written (overlay, off / SECTOR);
  uint64_t n = SECTOR;
  while (n < len && written (overlay, (off + n) / SECTOR) == here)
    n += SECTOR;
  return n;
}

/* --- The file ----------------------------------------------------------------------------------------------------- */

static int
overlay_run (VtThreaded *driver, const VtIo *io)
{
  Overlay *overlay = (Overlay *) driver;
  if (io->op == VT_IO_WRITE_ZEROES)
    return vt_file_punch (overlay->file, io->off, io->len);
  if (io->op == VT_IO_WRITE)
    return vt_file_write (overlay->file, io->off, vt_threaded_vec (io), io->n_vec);
  uint64_t got;
  return vt_file_read (overlay->file, io->off, vt_threaded_vec (io), io->n_vec, &got);
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

static void
part_over (Request *request, int error)
{
  if (error != 0)
    request->error = error;
  if (--request->parts > 0)
    return;
  Overlay *overlay = request->overlay;
  VtIo    *io = request->io;
  error = request->error;
  if (error == 0 && (io->op == VT_IO_WRITE || io->op == VT_IO_WRITE_ZEROES))
    set_written (overlay, io->off, io->len);
  g_free (request);
  vt_block_complete (&overlay->threaded.block, io, error);
}

static void
file_part_over (VtThreaded *driver, void *opaque, int error)
{
  g_autofree Part *part = opaque;
  part_over (part->request, error);
}

static void
below_part_over (VtIo *io, int error)
{
  g_autofree Part *part = io->opaque;
  part_over (part->request, error);
}

/* A place in the buffers of a request. Parts are cut off in order, so that a request of many buffers in many parts
 * costs no more than their sum. */
typedef struct
{
  size_t vec;
  size_t used;   /* bytes of it */
} Cursor;

/* The buffers for the next `len` bytes go to `out` (NULL: only counted); returns how many. */
static size_t
cut_buffers (const VtIo *whole, Cursor *cursor, uint64_t len, VtIoVec *out)
{
  size_t n = 0;
  while (len > 0 && cursor->vec < whole->n_vec)
    {
      const VtIoVec *vec = &whole->vec[cursor->vec];
      size_t         piece = (size_t) MIN (len, vec->len - cursor->used);
      if (out != NULL)
        out[n] = (VtIoVec) { vec->base + cursor->used, piece };
      n++;
      len -= piece;
      cursor->used += piece;
      if (cursor->used == vec->len)
        *cursor = (Cursor) { cursor->vec + 1, 0 };
    }
  return n;
}

static Part *
new_part (Request *request, uint64_t off, uint64_t len, Cursor *cursor)
{
  const VtIo *whole = request->io;
  Cursor      counting = *cursor;
  size_t      n = cut_buffers (whole, &counting, len, NULL);
  Part       *part = g_malloc0 (sizeof *part + n * sizeof (VtIoVec));
  part->request = request;
  part->io = (VtIo) { .op = whole->op, .off = off, .len = len, .vec = part->vec, .opaque = part };
  part->io.n_vec = cut_buffers (whole, cursor, len, part->vec);
  return part;
}

static void
start_part (Overlay *overlay, Part *part, bool in_file)
{
  part->request->parts++;
  if (in_file)
    vt_threaded_start (&overlay->threaded, &part->io, file_part_over, part);
  else
    {
      part->io.done = below_part_over;
      vt_block_submit (overlay->below, &part->io);
    }
}

static void
submit_read (Overlay *overlay, Request *request)
{
  Cursor cursor = { 0, 0 };
  for (uint64_t off = request->io->off, left = request->io->len; left > 0;)
    {
      uint64_t len = run_length (overlay, off, left);
      start_part (overlay, new_part (request, off, len, &cursor), written (overlay, off / SECTOR));
      off += len;
      left -= len;
    }
}

static void
overlay_submit (VtBlock *block, VtIo *io)
{
  Overlay *overlay = (Overlay *) block;
  if (io->off % SECTOR != 0 || io->len % SECTOR != 0)
    {
      vt_threaded_refuse (block, io, EINVAL);
      return;
    }
  /* A flush has nothing to keep safe, and a discard may leave everything as it is. */
  if (io->op == VT_IO_FLUSH || io->op == VT_IO_DISCARD || io->len == 0)
    {
      vt_threaded_refuse (block, io, 0);
      return;
    }
  Request *request = g_new0 (Request, 1);
  request->overlay = overlay;
  request->io = io;
  if (io->op == VT_IO_READ)
    submit_read (overlay, request);
  else
    {
      Cursor cursor = { 0, 0 };
      start_part (overlay, new_part (request, io->off, io->len, &cursor), true);
    }
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
overlay_close (VtBlock *block)
{
  Overlay *overlay = (Overlay *) block;
  vt_threaded_clear (&overlay->threaded);
  vt_block_close (overlay->below);
  vt_file_close (overlay->file);
  for (uint64_t i = 0; i < overlay->n_pieces; i++)
    g_free (overlay->pieces[i]);
  g_free (overlay->pieces);
  g_free (overlay);
}

static const VtBlockOps overlay_ops
    = { .submit = overlay_submit, .refuse = vt_threaded_refuse, .close = overlay_close };

VtBlock *
vt_overlay_open (VtBlock *below, const char *tmpdir, VtPost post, GError **error)
{
  VtFile *file = vt_file_open_temporary (tmpdir, below->size_bytes, error);
  if (file == NULL)
    {
      vt_block_close (below);
      return NULL;
    }
  Overlay *overlay = g_new0 (Overlay, 1);
  vt_threaded_init (&overlay->threaded, &overlay_ops, post, overlay_run);
  overlay->below = below;
  overlay->file = file;
  overlay->n_pieces = below->size_bytes / SECTOR / SECTORS_PER_PIECE + 1;
  overlay->pieces = g_new0 (uint8_t *, overlay->n_pieces);
  vt_threaded_look_like (&overlay->threaded, below);
  overlay->threaded.block.readonly = false;
  return &overlay->threaded.block;
}
