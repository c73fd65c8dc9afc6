/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Images of other programs, for import: read-only. All of these formats map pieces of the disk to places in the file; a format's own
 * part is to check its header, and to say where a byte of the disk is. Tables are read entry by entry, each time they are needed: what a
 * file claims of itself costs no memory.
 *
 *   vmdk.c  VMware: monolithicSparse, streamOptimized     vhd.c   Virtual PC: fixed, dynamic
 *   vdi.c   VirtualBox: fixed, dynamic                    vhdx.c  Hyper-V: fixed, dynamic (vhdx.h)
 */
#pragma once

#include "image.h"

typedef struct VtImport VtImport;

typedef struct
{
  /* What is at `off` of the disk, for how long (not less than one sector); not clipped. DATA is checked against the file's end by the
   * caller. 0 or a positive errno. */
  int (*find) (VtImport *import, uint64_t off, VtExtent *extent);
  /* PACKED: [off, off + len) of the disk, inside of one extent. NULL: the format has none. */
  int (*unpack) (VtImport *import, uint64_t off, const VtExtent *extent, uint8_t *to, uint64_t len);
} VtImportOps;

/* Embedded first. */
struct VtImport
{
  VtImage            image;
  VtImage           *file;
  const VtImportOps *ops;
  const char        *variant;    /* static */
};

/* An instance of `bytes` bytes on the file, which it takes. The size is not known yet. */
VtImport *vt_import_new (size_t bytes, const VtImportOps *ops, VtImage *file);
/* Sets the error: why this is no such image, or none that we can read. Closes the import; NULL. */
VtImage *vt_import_refuse (VtImport *import, GError **error, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* Bytes of the file, beyond its end zeros. False: sets the error. */
bool     vt_import_read (VtImport *import, uint64_t at, void *to, size_t len, GError **error);
const char *vt_import_variant (const VtImage *image);

/* Each takes `file`, a growing raw image, also on failure. */
VtImage *vt_vmdk_open (VtImage *file, GError **error);
VtImage *vt_vdi_open (VtImage *file, GError **error);
VtImage *vt_vhd_open (VtImage *file, GError **error);
VtImage *vt_vhdx_open (VtImage *file, GError **error);
