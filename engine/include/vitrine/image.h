/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disk images as files: making, measuring, checking, converting. For images that no machine uses: each call opens and locks the
 * file, does its work in the calling thread (converting: and some more), and closes it. Any thread. Errors name the file and what to
 * do. */
#pragma once

#include "config.h"
#include "error.h"

/* An image, and how it is opened. All borrowed. */
typedef struct
{
  const char   *path;
  VtImageFormat format;
  bool          any_backing;    /* files outside of its folder may be read as backing files, too */
  VtSecret     *secret;         /* of an encrypted image, where its data is needed; else NULL */
} VtImagePlace;

/* "raw", "qcow2", "luks", "vmdk", "vdi", "vhd", "vhdx" */
const char *vt_image_format_name (VtImageFormat format);
bool        vt_image_format_from_name (const char *name, VtImageFormat *format);

/* What the file begins (or ends) like; RAW: nothing known, or it cannot be read. It may be in use. Only for a question to the person: a raw image's
 * guest can write any of this, too. */
VtImageFormat vt_image_looks_like (const char *path);
/* LUKS, or qcow2 with it inside? It may be in use, and the same goes for the answer. */
bool          vt_image_looks_encrypted (const char *path);

/* --- Looking --- */

#define VT_IMAGE_SLOTS 8u

typedef struct
{
  VtImageFormat format;
  uint64_t      size_bytes;        /* of the disk */
  uint64_t      file_bytes;        /* room that the file takes on the host */
  char         *variant;           /* of a foreign format; NULL: there is only one */
  char         *backing;           /* qcow2: as the image says it; NULL: none */
  char         *backing_format;
  unsigned      version, cluster_bytes, snapshots;
  bool          zstd, dirty, corrupt;
  bool          encrypted;         /* LUKS: then, what is below */
  char         *cipher, *hash, *uuid;
  unsigned      key_bits;
  uint32_t      iterations[VT_IMAGE_SLOTS];   /* of each passphrase; 0: the slot is free */
} VtImageInfo;
/* Needs no secret. */
bool vt_image_info (const VtImagePlace *place, VtImageInfo *info, GError **error);
void vt_image_info_clear (VtImageInfo *info);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VtImageInfo, vt_image_info_clear)

/* The files that an image stands on, from the top: its backing file, that one's, ... (not the image itself). NULL-ended. Nothing
 * but their headers is read. */
GStrv vt_image_chain (const VtImagePlace *place, GError **error);

typedef enum { VT_IMAGE_HOLE, VT_IMAGE_ZEROS, VT_IMAGE_DATA } VtImagePart;
/* Calls `part` for each stretch of the disk, from its beginning; false from it ends the walk. Needs no secret. */
bool vt_image_map (const VtImagePlace *place,
                   bool (*part) (void *opaque, uint64_t off_bytes, uint64_t len_bytes, VtImagePart kind), void *opaque,
                   GError **error);

/* --- Making --- */

typedef struct
{
  uint64_t      size_bytes;        /* of the disk; 0: its backing image's */
  unsigned      cluster_bytes;     /* qcow2; 0: 64 KiB */
  const char   *backing;           /* qcow2; NULL: none */
  VtImageFormat backing_format;
  bool          encrypted;         /* qcow2: LUKS inside. It and a LUKS image need the place's secret */
  unsigned      iteration_ms;      /* computing that a try of its passphrase costs; 0: a second */
  enum { VT_IMAGE_PLAIN, VT_IMAGE_ZLIB, VT_IMAGE_ZSTD } packing;   /* qcow2: what is converted is compressed */
  bool          unsynced;          /* what is converted is left in the host's memory, as cp leaves it: the host writes it when it likes */
} VtImageShape;

/* A new file, which must not exist: raw, qcow2 or LUKS. */
bool vt_image_create (const VtImagePlace *place, const VtImageShape *shape, GError **error);

/* Told now and then, of bytes of the disk, in the calling thread. False: stop. */
typedef bool (*VtImageProgress) (void *opaque, uint64_t done_bytes, uint64_t size_bytes);

/* Copies the disk, all of its chain, into a new file; a VMDK is made stream optimized. The shape's size and backing are not asked.
 * Holes stay holes. When it fails or is stopped (VT_ERROR_FAILED), the new file is gone. `progress` may be NULL. */
bool vt_image_convert (const VtImagePlace *from, const VtImagePlace *to, const VtImageShape *shape, VtImageProgress progress,
                       void *opaque, GError **error);

/* --- Changing --- */

/* Larger only; raw, qcow2 and LUKS. What is new reads as zeros (LUKS: as noise). */
bool vt_image_resize (const VtImagePlace *place, uint64_t size_bytes, GError **error);

/* A qcow2 image that stands on another one looks for it by that name, which is no longer than the old one. For images that were copied
 * with all that they stand on. */
bool vt_image_rename_backing (const char *path, const char *name, GError **error);

/* Snapshots of the disk inside a qcow2 image, which no machine uses meanwhile. Going back and deleting cannot be undone. */
typedef enum { VT_IMAGE_TAKE_SNAPSHOT, VT_IMAGE_GO_BACK, VT_IMAGE_DELETE_SNAPSHOT } VtImageSnapshotVerb;
bool vt_image_snapshot (const char *path, VtImageSnapshotVerb verb, const char *name, GError **error);
/* Calls `one` for each, the oldest first; seconds since 1970. */
bool vt_image_list_snapshots (const char *path,
                              void (*one) (void *opaque, const char *id, const char *name, int64_t seconds), void *opaque,
                              GError **error);
/* *has: is there one of that name? */
bool vt_image_has_snapshot (const char *path, const char *name, bool *has, GError **error);

typedef struct
{
  uint64_t corruptions, leaks;                      /* clusters with wrong counts: too few, too many */
  uint64_t corruptions_mended, leaks_mended;
  uint64_t clusters, allocated;                     /* of the disk: all, and those with data */
} VtImageCheck;
/* qcow2 only. */
bool vt_image_check (const char *path, bool repair, VtImageCheck *result, GError **error);

/* --- Passphrases --- */

/* The disk's key, by the place's passphrase: opening the image with it takes no time. This takes a second or more, in the calling
 * thread; *stop (NULL: never), set from another, ends it soon. A wrong passphrase is VT_ERROR_PASSPHRASE. */
VtSecret *vt_image_unlock (const VtImagePlace *place, const gint *stop, GError **error);
/* One more, beside the place's own. */
bool vt_image_add_passphrase (const VtImagePlace *place, VtSecret *passphrase, unsigned iteration_ms, GError **error);
/* The place's own; not the last one. */
bool vt_image_remove_passphrase (const VtImagePlace *place, GError **error);
