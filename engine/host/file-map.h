/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A file's bytes as memory, for large reads: what is in the page cache is looked at where it is, which spares the kernel's copy. Only a
 * shortcut: whenever it cannot be had the caller reads instead, and that has the last word on errors. It is not had of
 *
 *   what is not in the page cache: a read brings it there with better read-ahead, and makes no pages of holes
 *   few bytes, where looking up costs as much as copying
 *   network file systems, and others whose mappings are not known to agree with read() and write()
 *   files that became shorter, or could not be read, while somebody looked: never again
 *
 * What is written to the file meanwhile, by anybody, is seen. Any thread. */
#pragma once

#include "file.h"

typedef struct VtFileMap VtFileMap;

/* Of a file, which must outlive it. Costs nothing until it is used. */
VtFileMap *vt_file_map_new (VtFile *file);
/* All that was had must have been given back. NULL is ignored. */
void       vt_file_map_free (VtFileMap *map);

typedef struct
{
  const uint8_t *bytes;
  VtFileMap     *map;
  unsigned       window;
} VtMapped;

/* [off, off + len) of the file at mapped->bytes, read-only, until it is given back. False: not this way. */
bool vt_file_map_get (VtFileMap *map, uint64_t off, uint64_t len, VtMapped *mapped) G_GNUC_WARN_UNUSED_RESULT;
/* Gives it back. False: some of it was not there, and zeros may have been seen in its place; read it. */
bool vt_mapped_end (VtMapped *mapped) G_GNUC_WARN_UNUSED_RESULT;
