/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The block drivers. Each opens as a VtBlock (interfaces/block.h) and is closed by vt_block_close().
 *
 * Drivers do their work on a pool of threads, and end requests on the loop thread: they are handed a way to get
 * there. */
#pragma once

#include "block.h"

/* Runs fn (arg) on the loop thread, with the machine lock held, soon and never inside post(). Any thread. */
typedef struct
{
  void (*post) (void *loop, void (*fn) (void *arg), void *arg);
  void  *loop;
} VtPost;

/* A raw image: the file's bytes are the disk's. It is never probed for another format. The file is locked against other
 * machines: shared for readers, exclusive for a writer. */
VtBlock *vt_raw_open (const char *path, bool readonly, VtPost post, GError **error);
/* A CD image: read-only, blocks of 2048 bytes; the tail of a size that is no multiple of 2048 reads as zeros. */
/* fd: the opened file, taken in any case, or -1 for opening `path`. */
VtBlock *vt_raw_open_cd (const char *path, int fd, VtPost post, GError **error);
/* A floppy image: raw. What was opened for reading only, or is asked for `readonly`, is write protected. fd: as above. */
VtBlock *vt_raw_open_floppy (const char *path, int fd, bool readonly, VtPost post, GError **error);

/* `snapshot=on`: writes go to a sparse temporary file that vanishes with the process. Takes `below` (closed with
 * it), which may be read-only. tmpdir NULL: the system's choice. */
VtBlock *vt_overlay_open (VtBlock *below, const char *tmpdir, VtPost post, GError **error);

/* Holds back requests that the host could not do (disk full, I/O error) instead of failing them to the guest. `failed` is
 * told of each, machine lock held, loop thread; `label` is that of `below` (closed with the guard). */
VtBlock *vt_guard_new (VtBlock *below, VtPost post, void (*failed) (void *opaque, const char *label, int error),
                       void *opaque);
/* Tries again what is held back; true when there was anything. Machine lock held, like the next. Blocks that are no guards
 * (and NULL) are ignored. */
bool     vt_guard_retry (VtBlock *block);
/* While on, nothing is held back: what is held now, and every failure from here on, goes to the guest. For the moments
 * when all I/O has to come to an end. */
void     vt_guard_pass_errors (VtBlock *block, bool pass);

/* A disk in memory, for tests and RAM disks. */
VtBlock *vt_memory_block_new (uint64_t size_bytes, VtPost post);

/* For tests: passes requests on to `below` (closed with it), but every nth one of the kinds in `ops` (bits 1 <<
 * VtIoOp) ends with `error` and is not done. n 0: none. */
VtBlock *vt_fault_new (VtBlock *below, VtPost post);
void     vt_fault_set (VtBlock *block, unsigned nth, unsigned ops, int error);
