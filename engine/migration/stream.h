/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file format of a saved machine.
 *
 *   header:  magic "VITRINE1" | u32 format | u32 crc32 of the rest of the header | u64 length of what follows
 *   chunks:  u16 name length | name | u16 version | u16 flags | u64 length | u32 crc32 of the data | data
 *
 * All numbers are little-endian. The first chunk describes the machine, so that a mismatch is refused before anything is
 * loaded; the last is empty and named "end". RAM travels as runs of pages compressed with zstd; pages of zeros do not
 * travel at all.
 */
#pragma once

#include "device.h"

typedef struct VtStreamWriter VtStreamWriter;
typedef struct VtStreamReader VtStreamReader;

enum
{
  VT_CHUNK_OPTIONAL = 1u << 0,   /* a reader that does not know the name may skip it */
};

/* Told between pieces of RAM, in the writing thread. False: stop. */
typedef bool (*VtStreamStep) (void *opaque, uint64_t ram_bytes);

/* Writes to a temporary file beside `path`; commit renames it over `path` after an fsync; free without commit removes it. */
VtStreamWriter *vt_stream_writer_new (const char *path, GError **error);
bool            vt_stream_write (VtStreamWriter *writer, const char *name, unsigned version, unsigned flags,
                                 const uint8_t *data, size_t len, GError **error);
/* marks: a byte for each page, not 0 for those that travel, zeros too; they take the place of what an earlier call wrote. NULL: all
 * pages that are not zero. A page that changes meanwhile has to be written again. */
bool            vt_stream_write_ram (VtStreamWriter *writer, VtRam *ram, const uint8_t *marks, GError **error);
/* `step` is called with the size of each piece of RAM that was written. */
void            vt_stream_writer_watch (VtStreamWriter *writer, VtStreamStep step, void *opaque);
/* From here on what is written stays in memory, so that it takes no time of the disk's; until commit. */
void            vt_stream_writer_hold (VtStreamWriter *writer);
bool            vt_stream_writer_commit (VtStreamWriter *writer, GError **error);
void            vt_stream_writer_free (VtStreamWriter *writer);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtStreamWriter, vt_stream_writer_free)

typedef struct
{
  char           name[64];
  unsigned       version, flags;
  const uint8_t *data;     /* inside the reader's mapping */
  size_t         len;
} VtChunk;

/* The file is hostile: every length is checked against what is there, every checksum is verified. */
VtStreamReader *vt_stream_reader_new (const char *path, GError **error);
/* A reader over bytes in memory (fuzzing, tests). */
VtStreamReader *vt_stream_reader_new_for_bytes (GBytes *bytes, GError **error);
/* False with no error set at the end. */
bool            vt_stream_next (VtStreamReader *reader, VtChunk *out, GError **error);
bool            vt_stream_load_ram (const VtChunk *chunk, VtRam *ram, GError **error);
void            vt_stream_reader_free (VtStreamReader *reader);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtStreamReader, vt_stream_reader_free)

/* Name of the chunk of a RAM block: "ram/NAME". */
#define VT_CHUNK_RAM_PREFIX "ram/"
