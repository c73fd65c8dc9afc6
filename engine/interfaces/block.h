/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A disk as devices see it: asynchronous requests against a fixed-size array of bytes.
 *
 * Requests may be submitted from any thread that holds the machine lock.  done() is called exactly once per request, with
 * the machine lock held, on the loop thread - never inside submit.  Requests are unordered; a flush covers the writes that
 * were completed before it was submitted.
 */
#pragma once

#include "bits.h"

typedef struct VtBlock VtBlock;

typedef enum
{
  VT_IO_READ,
  VT_IO_WRITE,
  VT_IO_FLUSH,
  VT_IO_DISCARD,        /* contents become unspecified */
  VT_IO_WRITE_ZEROES,
} VtIoOp;

typedef struct
{
  uint8_t *base;
  size_t   len;
} VtIoVec;

typedef struct VtIo VtIo;
struct VtIo
{
  VtIoOp         op;
  uint64_t       off, len;   /* bytes; within the device: vt_block_submit() refuses others with EINVAL */
  const VtIoVec *vec;        /* reads and writes: total length is len. Borrowed until done. */
  size_t         n_vec;
  void         (*done) (VtIo *io, int error);   /* 0 or a positive errno */
  void          *opaque;
};

typedef struct
{
  /* Starts the request; it ends by vt_block_complete(), later, on the loop thread. */
  void (*submit) (VtBlock *block, VtIo *io);
  /* Ends a request that the generic layer refused, in the same deferred way. */
  void (*refuse) (VtBlock *block, VtIo *io, int error);
  void (*close)  (VtBlock *block);
  /* Nothing in flight: the disk has so many bytes from now on, which are more. 0 or a positive errno. NULL: it cannot. */
  int  (*grow)   (VtBlock *block, uint64_t size_bytes);
} VtBlockOps;

/* Embedded first in each driver's instance. */
struct VtBlock
{
  const VtBlockOps *ops;
  uint64_t          size_bytes;
  uint32_t          logical_block_bytes;   /* 512, or 2048 for a CD image */
  bool              readonly;
  char             *label;                 /* file name for messages */
  /* For the generic layer */
  uint32_t          in_flight;
  void            (*drained) (void *opaque);
  void             *drained_opaque;
};

void vt_block_submit (VtBlock *block, VtIo *io);
/* For drivers: the request is over. Loop thread, machine lock held. */
void vt_block_complete (VtBlock *block, VtIo *io, int error);
/* Calls drained once when nothing is in flight (perhaps at once). One waiter at a time. */
void vt_block_drain (VtBlock *block, void (*drained) (void *opaque), void *opaque);
/* Larger, in whole blocks, while nothing is in flight. It blocks. 0 or a positive errno: ENOTSUP when this disk cannot, EINVAL for a
 * size that is none. */
int  vt_block_grow (VtBlock *block, uint64_t size_bytes);
void vt_block_close (VtBlock *block);
