/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Files as disk images need them: positioned I/O, locks against other processes, holes. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct VtFile VtFile;

/* A regular file or a block device; anything else is refused. Errors (VT_ERROR_IMAGE) name the file. */
VtFile  *vt_file_open (const char *path, bool writable, GError **error);
/* While a loan lasts, this thread's vt_file_open() finds these files open instead of opening them: for a process that may not
 * open files. Only what is open for writing is lent for that. The descriptors stay the lender's; n 0 ends the loan. */
typedef struct
{
  const char *path;
  int         fd;
} VtLentFile;
void     vt_file_lend (const VtLentFile *files, size_t n);
/* A file that someone else opened, under the name that people know it by. Takes the descriptor, also on failure. */
VtFile  *vt_file_adopt (int fd, const char *path, GError **error);
/* Was it opened for reading and writing? */
bool     vt_descriptor_writable (int fd);
/* Another one for what it has open, close-on-exec; -1: errno says why. */
int      vt_descriptor_dup (int fd);
/* One that was handed in and is not wanted; -1: nothing. */
void     vt_descriptor_close (int fd);
/* A nameless file of `size` bytes, all a hole, in `dir` (NULL: the system's choice). */
VtFile  *vt_file_open_temporary (const char *dir, uint64_t size, GError **error);
void     vt_file_close (VtFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtFile, vt_file_close)

/* Without links and dots; NULL if it is not there. Free with g_free(). */
char    *vt_file_real_path (const char *path);

/* Stays the file's. */
int      vt_file_descriptor (const VtFile *file);
/* Bytes when it was opened. */
uint64_t vt_file_size (const VtFile *file);

/* Against other openers, in this process or another, until closed: exclusive, or shared with other readers. False
 * (VT_ERROR_BUSY) when someone is in the way. */
bool     vt_file_lock (VtFile *file, bool exclusive, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A piece of memory, laid out like the system's struct iovec. */
typedef struct
{
  uint8_t *base;
  size_t   len;
} VtFileVec;

/* Is there data at off, or a hole? *run: so far, at most len; 1 or more. Where the file system cannot tell: data. Beyond the end:
 * a hole. Any thread. */
bool     vt_file_is_data (VtFile *file, uint64_t off, uint64_t len, uint64_t *run);

/* All return 0 or a positive errno. Any thread. The pieces are read or written one after the other. */
int
vt_file_read (VtFile *file, uint64_t off, const VtFileVec *vec, size_t n_vec, uint64_t *got); /* less: end of file */
int      vt_file_write (VtFile *file, uint64_t off, const VtFileVec *vec, size_t n_vec);
int      vt_file_sync (VtFile *file);
/* The system begins to write the range to the disk, so that a later vt_file_sync() has less to wait for. */
void     vt_file_begin_sync (VtFile *file, uint64_t off, uint64_t len);
/* A hole is added at the end. A block device that is as large already is fine. */
int      vt_file_grow (VtFile *file, uint64_t size);
/* The range reads as zeros afterwards, without taking space where the file system can do that. */
int      vt_file_punch (VtFile *file, uint64_t off, uint64_t len);
