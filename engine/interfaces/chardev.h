/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A byte stream as a serial port sees it. All calls under the machine lock. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct VtChardev VtChardev;

typedef struct
{
  /* How many bytes the device can take now. */
  size_t (*can_receive) (void *opaque);
  void   (*receive)     (void *opaque, const uint8_t *bytes, size_t n);   /* n <= can_receive() */
  /* Somebody has come to the other end, or has left it. Nullable. */
  void   (*opened)      (void *opaque, bool open);
} VtChardevClient;

typedef struct
{
  /* Never blocks; bytes that the other end cannot take are buffered up to a bound, then dropped. */
  void (*write)  (VtChardev *chr, const uint8_t *bytes, size_t n);
  /* The device has room again. */
  void (*accept) (VtChardev *chr);
  void (*close)  (VtChardev *chr);
} VtChardevOps;

struct VtChardev
{
  const VtChardevOps    *ops;
  const VtChardevClient *client;   /* NULL: input is held back */
  void                  *client_opaque;
  bool                   away;     /* nobody is at the other end */
};

static inline void
vt_chardev_connect (VtChardev *chr, const VtChardevClient *client, void *opaque)
{
  if (chr == 0)
    return;
  chr->client = client;
  chr->client_opaque = opaque;
}

/* A NULL chardev swallows output. */
static inline void
vt_chardev_write (VtChardev *chr, const uint8_t *bytes, size_t n)
{
  if (chr != 0)
    chr->ops->write (chr, bytes, n);
}

static inline void
vt_chardev_accept (VtChardev *chr)
{
  if (chr != 0)
    chr->ops->accept (chr);
}
