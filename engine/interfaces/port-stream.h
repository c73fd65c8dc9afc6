/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Many byte streams between a device and this computer, by port number. All calls under the machine lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct VtStream     VtStream;
typedef struct VtStreamHost VtStreamHost;

/* The device's end of one stream. Nullable members are not there; all are called on the loop thread. */
typedef struct
{
  /* How many bytes the device can take now. */
  size_t (*can_receive) (void *opaque);
  void   (*receive)     (void *opaque, const uint8_t *bytes, size_t n);   /* n <= can_receive() */
  /* write() takes bytes again. */
  void   (*writable)    (void *opaque);
  /* No more bytes come, though the other end may still take some. Once. */
  void   (*finished)    (void *opaque);
  /* The other end is gone; the device closes the stream, now or later. Once, with or without finished() before it. */
  void   (*hung_up)     (void *opaque);
} VtStreamClient;

typedef struct
{
  /* Takes as many bytes as there is room for, and calls writable() later if those were not all. */
  size_t (*write)  (VtStream *stream, const uint8_t *bytes, size_t n);
  /* The device has room again. */
  void   (*accept) (VtStream *stream);
  /* No more bytes will be written. */
  void   (*finish) (VtStream *stream);
  void   (*close)  (VtStream *stream);
} VtStreamOps;

struct VtStream
{
  const VtStreamOps    *ops;
  const VtStreamClient *client;     /* set by the device as soon as it has the stream */
  void                 *client_opaque;
};

typedef struct
{
  /* A stream to what listens on that port of this computer; NULL: nobody. */
  VtStream *(*connect) (VtStreamHost *host, uint32_t port);
  void      (*close)   (VtStreamHost *host);
} VtStreamHostOps;

struct VtStreamHost
{
  const VtStreamHostOps *ops;
  /* Somebody of this computer wants to reach that port of the guest. False: refused, and the stream is not the device's. */
  bool                 (*incoming) (void *opaque, VtStream *stream, uint32_t port);
  void                  *opaque;
};
