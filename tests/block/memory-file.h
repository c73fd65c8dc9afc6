/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The file of an image, in memory: with a log of what was written to it, and errors. For tests. */
#pragma once

#include "image.h"

enum { SECTOR = 512 };

typedef struct
{
  uint64_t off, len;
  uint8_t *bytes;      /* NULL: zeros; len 0: a flush */
} MemoryEntry;

typedef struct
{
  VtImage  image;
  GArray  *bytes;       /* uint8_t */
  GArray  *log;         /* MemoryEntry; NULL: no log */
  GRand   *faults;      /* every twelfth write or flush is refused; NULL: none */
  unsigned changes;     /* writes and flushes so far */
  unsigned fails_from, fails_to;   /* so are those with these numbers, the last one excluded */
} MemoryFile;

/* On `bytes`, which it shares, and `log`, borrowed. Closed as an image. */
MemoryFile *memory_file_new (GArray *bytes, GArray *log);
/* Writes into bytes that grow. */
void memory_apply (GArray *to, uint64_t off, uint64_t len, const uint8_t *bytes);
