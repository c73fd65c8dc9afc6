/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Disk images as files: making, measuring, checking, converting. For images that no machine uses: each call opens and locks the
 * file, does its work in the calling thread, and closes it. Any thread. Errors name the file and what to do. */
#pragma once

#include "config.h"
#include "error.h"

typedef struct
{
  VtImageFormat format;
  uint64_t      size_bytes;        /* of the disk */
  uint64_t      file_bytes;        /* room that the file takes on the host */
  char         *backing;           /* qcow2: as the image says it; NULL: none */
  char         *backing_format;
  unsigned      version, cluster_bytes, snapshots;
  bool          zstd, subclusters, dirty, corrupt;
} VtImageInfo;
bool vt_image_info (const char *path, VtImageFormat format, VtImageInfo *info, GError **error);
void vt_image_info_clear (VtImageInfo *info);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (VtImageInfo, vt_image_info_clear)

/* Does the file begin like a qcow2 image? Only for a question to the person: a raw image's guest can write that, too. */
bool vt_image_looks_like_qcow2 (const char *path);

/* The files that an image stands on, from the top: its backing file, that one's, ... (not the image itself). NULL-ended. Nothing
 * but their headers is read. */
GStrv vt_image_chain (const char *path, VtImageFormat format, bool any_backing, GError **error);

/* A new file, which must not exist. size_bytes 0 with a backing image: its size. cluster_bytes 0: 64 KiB. */
bool vt_image_create (const char *path, VtImageFormat format, uint64_t size_bytes, unsigned cluster_bytes, const char *backing,
                      VtImageFormat backing_format, GError **error);

/* Told now and then, of bytes of the disk. False: stop. */
typedef bool (*VtImageProgress) (void *opaque, uint64_t done_bytes, uint64_t size_bytes);

/* Copies the disk, all of its chain, into a new file. Holes stay holes. When it fails or is stopped (VT_ERROR_FAILED), the new file is
 * gone. any_backing: files outside of its folder may be read as backing files, too. `progress` may be NULL. */
bool vt_image_convert (const char *from, VtImageFormat from_format, bool any_backing, const char *to,
                       VtImageFormat to_format, unsigned cluster_bytes, VtImageProgress progress, void *opaque, GError **error);
/* Larger only. What is new reads as zeros. */
bool vt_image_resize (const char *path, VtImageFormat format, uint64_t size_bytes, GError **error);

/* Snapshots of the disk inside a qcow2 image, which no machine uses meanwhile. Going back and deleting cannot be undone. */
typedef enum { VT_IMAGE_TAKE_SNAPSHOT, VT_IMAGE_GO_BACK, VT_IMAGE_DELETE_SNAPSHOT } VtImageSnapshotVerb;
bool vt_image_snapshot (const char *path, VtImageSnapshotVerb verb, const char *name, GError **error);
/* Calls `one` for each, the oldest first; seconds since 1970. */
bool vt_image_list_snapshots (const char *path,
                              void (*one) (void *opaque, const char *id, const char *name, int64_t seconds), void *opaque,
                              GError **error);

typedef struct
{
  uint64_t corruptions, leaks;                      /* clusters with wrong counts: too few, too many */
  uint64_t corruptions_mended, leaks_mended;
  uint64_t clusters, allocated;                     /* of the disk: all, and those with data */
} VtImageCheck;
/* qcow2 only. */
bool vt_image_check (const char *path, bool repair, VtImageCheck *result, GError **error);

typedef enum { VT_IMAGE_HOLE, VT_IMAGE_ZEROS, VT_IMAGE_DATA } VtImagePart;
/* Calls `part` for each stretch of the disk, from its beginning; false from it ends the walk. */
bool vt_image_map (const char *path, VtImageFormat format,
                   bool (*part) (void *opaque, uint64_t off_bytes, uint64_t len_bytes, VtImagePart kind), void *opaque,
                   GError **error);
