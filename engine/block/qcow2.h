/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The qcow2 image format, versions 2 and 3. */
#pragma once

#include "image.h"

/* Takes `file` (closed with the image, or on failure), a growing raw image. Read-only if the file is. A backing file is opened next
 * to the image, by the format that the image names. `depth` is the number of images above in the chain: 0. flags and secret: as
 * for vt_image_open().
 * The error names the file and what is wrong with it. */
VtImage *vt_qcow2_open (VtImage *file, unsigned depth, unsigned flags, VtSecret *secret, GError **error);
/* The same, but only its tables, and even when it is marked as corrupt: for vt_qcow2_check(). */
VtImage *vt_qcow2_open_for_check (VtImage *file, GError **error);
/* Opens `path`. */
VtImage *vt_qcow2_open_path (const char *path, unsigned flags, VtSecret *secret, GError **error);

typedef struct
{
  uint64_t    size_bytes;        /* of the disk; rounded up to whole sectors */
  unsigned    cluster_bits;      /* 0: 16, which is 64 KiB */
  const char *backing;           /* nullable; written as it is: relative to the image's folder */
  const char *backing_format;    /* "raw" or "qcow2"; with backing */
  bool        zstd;              /* how clusters are compressed, if any will be */
  VtSecret   *passphrase;        /* nullable: encrypted */
  unsigned    iteration_ms;      /* with passphrase */
} VtQcow2Options;
/* Writes an empty image into `file`, which is empty and growing. */
bool vt_qcow2_create (VtImage *file, const VtQcow2Options *options, GError **error);

/* A whole cluster (of a disk that ends before, the rest of it is not asked for, but must be there), compressed where that makes it
 * smaller. For disks that are filled once: what was there before is only freed. Not of an encrypted image. 0 or a positive errno; any
 * thread, several at a time. */
int  vt_qcow2_write_packed (VtImage *image, uint64_t off, const uint8_t *cluster);

/* Larger only; 0 or a positive errno: then it is best closed. The image must be idle. */
int  vt_qcow2_resize (VtImage *image, uint64_t size_bytes);
/* The file that has its LUKS header, and where; NULL: it is not encrypted. Belongs to it. */
VtImage *vt_qcow2_luks (VtImage *image, uint64_t *at);
/* Where an image looks for the backing file that it names; free with g_free(). The name is the image's word: beside the image, unless it is
 * a whole path. Protocols are not followed. */
char *vt_qcow2_backing_path (const char *image, const char *backing);
/* What it stands on: NULL if nothing, or if it is no qcow2 image. Belongs to it. */
VtImage *vt_qcow2_backing (VtImage *image);

/* Snapshots of the disk inside the image, by name or number. The image must be idle; back and deletion are for ever. */
bool vt_qcow2_snapshot (VtImage *image, VtImageSnapshotVerb verb, const char *name, GError **error);
/* *has: is there one of that name? False: they cannot be read. */
bool vt_qcow2_has_snapshot (VtImage *image, const char *name, bool *has, GError **error);
bool vt_qcow2_list_snapshots (VtImage *image,
                              void (*one) (void *opaque, const char *id, const char *name, int64_t seconds), void *opaque,
                              GError **error);

/* Counts every reference and compares; with `repair` sets the counts right. False: it could not be done. The image must be
 * idle. */
bool vt_qcow2_check (VtImage *image, bool repair, VtImageCheck *result, GError **error);

/* What is qcow2's own of an open image. */
void vt_qcow2_info (VtImage *image, VtImageInfo *info);
bool vt_is_qcow2 (const VtImage *image);
