/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Image formats, as blocking calls: what turns a disk's bytes into a file's. Formats stand on images themselves (a qcow2 on the raw
 * one that is its file, and on its backing image), so that tests can put a recorder or a fault in between. For a machine,
 * vt_image_block() makes a VtBlock of an image.
 *
 * Unless stated otherwise: any thread, several calls at a time, ranges inside the image, 0 or a positive errno. */
#pragma once

#include "bits.h"
#include "drivers.h"
#include "file-map.h"
#include "vitrine/image.h"

typedef struct VtImage VtImage;

typedef enum
{
  VT_EXTENT_ABSENT,    /* nothing of its own: the backing image shows, or zeros */
  VT_EXTENT_ZERO,
  VT_EXTENT_DATA,
  VT_EXTENT_PACKED,    /* compressed */
} VtExtentKind;

typedef struct
{
  VtExtentKind kind;
  uint64_t     len;    /* for so many bytes, 1 or more */
  uint64_t     host;   /* DATA: where in the file */
} VtExtent;

typedef struct
{
  int  (*read)    (VtImage *image, uint64_t off, uint8_t *to, uint64_t len);
  int  (*write)   (VtImage *image, uint64_t off, const uint8_t *from, uint64_t len);
  int  (*zero)    (VtImage *image, uint64_t off, uint64_t len);       /* reads as zeros from now on */
  int  (*discard) (VtImage *image, uint64_t off, uint64_t len);       /* may read as anything; frees what it can */
  int  (*flush)   (VtImage *image);                                   /* what was written is safe from a power failure */
  int  (*extent)  (VtImage *image, uint64_t off, uint64_t len, VtExtent *extent);
  void (*close)   (VtImage *image);
  /* [off, off + len) where it is in memory, as vt_file_map_get() says. NULL: never. */
  bool (*map)     (VtImage *image, uint64_t off, uint64_t len, VtMapped *mapped);
} VtImageOps;

/* Embedded first in each format's instance. */
struct VtImage
{
  const VtImageOps *ops;
  uint64_t          size_bytes;
  uint64_t          file_bytes;   /* of a raw image: its file's size when it was opened */
  bool              readonly;
  bool              unsafe;       /* of a raw image: VT_IMAGE_UNSAFE */
  char             *label;      /* file name for messages */
};

static inline int
vt_image_read (VtImage *image, uint64_t off, void *to, uint64_t len)
{
  return image->ops->read (image, off, to, len);
}

static inline int
vt_image_write (VtImage *image, uint64_t off, const void *from, uint64_t len)
{
  return image->ops->write (image, off, from, len);
}

static inline int
vt_image_flush (VtImage *image)
{
  return image->ops->flush (image);
}

/* Instead of reading; ended by vt_mapped_end() before the image is closed. What others write meanwhile is seen, so nothing may be trusted that
 * was checked there. False: not this way, read. */
static inline bool
vt_image_mapped (VtImage *image, uint64_t off, uint64_t len, VtMapped *mapped)
{
  return image->ops->map != NULL && image->ops->map (image, off, len, mapped);
}

/* NULL is ignored. Nobody else may use it any more; errors of a last flush are lost, so flush before. */
void vt_image_close (VtImage *image);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtImage, vt_image_close)

/* The file's bytes are the image's. `growing`: writes beyond the end make it longer (the file of another format). Locked as
 * vt_raw_open() locks. */
VtImage *vt_image_open_raw (const char *path, bool readonly, bool growing, GError **error);
/* A file that was opened for writing, and just made: growing. Takes the descriptor, also on failure. */
VtImage *vt_image_adopt_raw (int fd, const char *path, GError **error);
/* As vt_image_open_raw(), as the flags for vt_image_open() say. */
VtImage *vt_image_open_file (const char *path, unsigned flags, bool growing, GError **error);

/* Of a disk, in the format that somebody knows it has: nothing is guessed. flags: VT_IMAGE_... */
enum
{
  VT_IMAGE_READONLY = 1u << 0,
  /* Backing files may be anywhere. Without it they are in the image's folder or below: an image from somebody else must not show a
   * guest the files of this computer. */
  VT_IMAGE_ANYWHERE = 1u << 1,
  /* An encrypted image may be opened without its passphrase: sizes, tables and snapshots are not secret. Reading data gives EACCES. */
  VT_IMAGE_NO_DATA  = 1u << 2,
  /* Flushing makes nothing safe: for a new image that is thrown away when anything fails before its end. */
  VT_IMAGE_UNSAFE   = 1u << 3,
  /* Without its backing files, which need not be there: what it has not itself reads as zeros. For headers, tables and snapshots. */
  VT_IMAGE_ALONE    = 1u << 4,
};
/* secret: of an encrypted image, its passphrase or its key; NULL: none. */
VtImage *vt_image_open (const char *path, VtImageFormat format, unsigned flags, VtSecret *secret, GError **error);

/* A new image, not safe yet (VT_IMAGE_UNSAFE). What vt_image_create() does otherwise. */
bool vt_image_make (const VtImagePlace *place, const VtImageShape *shape, GError **error);
/* After the last change: all of the file at once. 0 or a positive errno. */
int  vt_image_make_safe (const char *path);
/* An empty file, which must not exist; growing. */
VtImage *vt_image_new_file (const char *path, GError **error);

/* Adds a line to an error of reading or writing: sets `error` from errno. Always false. */
bool vt_image_fail (GError **error, const char *label, const char *what, int errno_value);

/* Operations of an image that is never written. */
int vt_image_refuse_write (VtImage *image, uint64_t off, const uint8_t *from, uint64_t len);   /* EROFS, like the next */
int vt_image_refuse_zero (VtImage *image, uint64_t off, uint64_t len);
int vt_image_nothing_to_flush (VtImage *image);

/* A disk of a machine. Takes the image, and closes it with the block. */
VtBlock *vt_image_block (VtImage *image, VtPost post);
