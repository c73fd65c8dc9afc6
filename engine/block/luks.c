/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "luks.h"

#include <errno.h>

#include "pieces.h"
#include "vitrine/error.h"

/* Small enough to stay in a processor's cache between the file and the cipher; large enough for a thread's while. */
#define PIECE_BYTES (256u << 10)

typedef struct
{
  VtImage         image;
  VtImage        *file;
  bool            owns;
  uint64_t        at;
  VtSectorCipher *cipher;    /* NULL: no key */
} CipherImage;

static int
check_request (const CipherImage *self, uint64_t off, uint64_t len)
{
  return self->cipher == NULL ? EACCES : off % VT_SECTOR_BYTES != 0 || len % VT_SECTOR_BYTES != 0 ? EINVAL : 0;
}

typedef struct
{
  CipherImage   *self;
  uint64_t       off;
  uint8_t       *to;      /* reading */
  const uint8_t *mapped;  /* reading: the file's bytes, where they are at hand */
  const uint8_t *from;    /* writing */
} Transfer;

static int
read_piece (void *opaque, uint64_t at, uint64_t len, bool caller)
{
  const Transfer *t = opaque;
  uint64_t        off = t->off + at;
  const uint8_t  *from = t->mapped != NULL ? t->mapped + at : t->to + at;
  int             error = t->mapped != NULL ? 0 : vt_image_read (t->self->file, t->self->at + off, t->to + at, len);
  return error != 0 ? error : vt_sector_decrypt (t->self->cipher, off / VT_SECTOR_BYTES, from, t->to + at, len);
}

/* From where the file's bytes are, at the cost of the cipher alone. False: not this way. */
static bool
read_mapped (Transfer *t, uint64_t len, int *error)
{
  VtMapped mapped;
  if (!vt_image_mapped (t->self->file, t->self->at + t->off, len, &mapped))
    return false;
  t->mapped = mapped.bytes;
  *error = vt_compute_in_pieces (len, PIECE_BYTES, read_piece, t);
  t->mapped = NULL;
  return vt_mapped_end (&mapped);
}

static int
cipher_read (VtImage *image, uint64_t off, uint8_t *to, uint64_t len)
{
  Transfer transfer = { .self = (CipherImage *) image, .off = off, .to = to };
  int      error = check_request (transfer.self, off, len);
  if (error != 0 || read_mapped (&transfer, len, &error))
    return error;
  return vt_in_pieces (len, PIECE_BYTES, read_piece, &transfer);
}

/* The caller's bytes stay as they are: they go through a buffer, encrypted on the way. */
static int
write_piece (void *opaque, uint64_t at, uint64_t len, bool caller)
{
  const Transfer     *t = opaque;
  uint64_t            off = t->off + at;
  g_autofree uint8_t *buffer = g_malloc (len);
  int                 error = vt_sector_encrypt (t->self->cipher, off / VT_SECTOR_BYTES, t->from + at, buffer, len);
  return error != 0 ? error : vt_image_write (t->self->file, t->self->at + off, buffer, len);
}

static int
cipher_write (VtImage *image, uint64_t off, const uint8_t *from, uint64_t len)
{
  Transfer transfer = { .self = (CipherImage *) image, .off = off, .from = from };
  int      error = check_request (transfer.self, off, len);
  return error != 0 ? error : vt_in_pieces (len, PIECE_BYTES, write_piece, &transfer);
}

/* A hole would read as noise: zeros are written like anything else. */
static int
cipher_zero (VtImage *image, uint64_t off, uint64_t len)
{
  static uint8_t zeros[16 * PIECE_BYTES];     /* const, it would make the program as much larger */
  int            error = 0;
  for (uint64_t n; len > 0 && error == 0; off += n, len -= n)
    {
      n = MIN (len, sizeof zeros);
      error = cipher_write (image, off, zeros, n);
    }
  return error;
}

/* Holes would tell which parts are in use. */
static int
cipher_discard (VtImage *image, uint64_t off, uint64_t len)
{
  return 0;
}

static int
cipher_flush (VtImage *image)
{
  return vt_image_flush (((CipherImage *) image)->file);
}

static int
cipher_extent (VtImage *image, uint64_t off, uint64_t len, VtExtent *extent)
{
  *extent = (VtExtent) { VT_EXTENT_DATA, len, ((CipherImage *) image)->at + off };
  return 0;
}

static void
cipher_close (VtImage *image)
{
  CipherImage *self = (CipherImage *) image;
  vt_sector_cipher_free (self->cipher);
  if (self->owns)
    vt_image_close (self->file);
  g_free (self);
}

static const VtImageOps cipher_ops
    = { cipher_read, cipher_write, cipher_zero, cipher_discard, cipher_flush, cipher_extent, cipher_close };

VtImage *
vt_cipher_image_new (VtImage *file, bool owns, uint64_t at, VtSectorCipher *cipher)
{
  CipherImage *self = g_new0 (CipherImage, 1);
  uint64_t     bytes = file->file_bytes > at ? file->file_bytes - at : 0;
  self->image = (VtImage) { .ops = &cipher_ops, .size_bytes = bytes, .file_bytes = file->file_bytes, .readonly = file->readonly,
                            .label = g_strdup (file->label) };
  self->file = file;
  self->owns = owns;
  self->at = at;
  self->cipher = cipher;
  return &self->image;
}

VtImage *
vt_cipher_image_file (VtImage *image)
{
  return ((CipherImage *) image)->file;
}

uint64_t
vt_cipher_image_at (VtImage *image)
{
  return ((CipherImage *) image)->at;
}

/* --- A LUKS image ------------------------------------------------------------------------------------------------------- */

bool
vt_luks_open_cipher (VtImage *file, uint64_t at, const VtLuksHeader *header, VtSecret *secret, VtSectorCipher **cipher, GError **error)
{
  *cipher = NULL;
  if (secret == NULL)
    return true;
  g_autoptr (VtSecret) key = vt_luks_unlock (file, at, header, secret, NULL, NULL, error);
  if (key != NULL)
    *cipher = vt_sector_cipher_new (header->cipher, header->mode, vt_secret_bytes (key), vt_secret_len (key), error);
  return *cipher != NULL;
}

VtImage *
vt_luks_open (VtImage *file, VtSecret *secret, GError **error)
{
  g_autoptr (VtImage) owned = file;
  VtLuksHeader        header;
  VtSectorCipher     *cipher;
  if (!vt_luks_read_header (file, 0, &header, error) || !vt_luks_open_cipher (file, 0, &header, secret, &cipher, error))
    return NULL;
  VtImage *image = vt_cipher_image_new (g_steal_pointer (&owned), true, header.payload_sector * (uint64_t) VT_SECTOR_BYTES, cipher);
  /* What is no whole sector is no part of the disk. */
  image->size_bytes -= image->size_bytes % VT_SECTOR_BYTES;
  if (image->size_bytes > 0)
    return image;
  g_set_error (error, VT_ERROR, VT_ERROR_IMAGE, "Cannot use “%s” as an encrypted disk: there is nothing behind its header", image->label);
  vt_image_close (image);
  return NULL;
}

bool
vt_luks_make_header (VtImage *file, uint64_t at, VtLuksHeader *header, const VtSecret *passphrase, unsigned iteration_ms, GError **error)
{
  g_autoptr (VtSecret) key = vt_luks_new_key (header, iteration_ms, error);
  return key != NULL && vt_luks_add_passphrase (file, at, header, key, passphrase, iteration_ms, error);
}

bool
vt_luks_create (VtImage *file, uint64_t size_bytes, const VtSecret *passphrase, unsigned iteration_ms, GError **error)
{
  VtLuksHeader header;
  vt_luks_plan_header (&header);
  if (!vt_luks_make_header (file, 0, &header, passphrase, iteration_ms, error))
    return false;
  /* The file gets its length by its last sector; what is between reads as noise, like a new disk. */
  static const uint8_t zeros[VT_SECTOR_BYTES];
  uint64_t             end = header.payload_sector * (uint64_t) VT_SECTOR_BYTES + size_bytes;
  int                  problem = vt_image_write (file, end - VT_SECTOR_BYTES, zeros, VT_SECTOR_BYTES);
  return problem == 0 || vt_image_fail (error, file->label, "the image cannot be written", problem);
}
