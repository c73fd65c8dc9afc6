/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Bit and byte helpers. The one bounds test of the engine lives here. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define VT_KIB (G_GUINT64_CONSTANT (1) << 10)
#define VT_MIB (G_GUINT64_CONSTANT (1) << 20)
#define VT_GIB (G_GUINT64_CONSTANT (1) << 30)

#define VT_PAGE_SHIFT 12u
#define VT_PAGE_SIZE  G_GUINT64_CONSTANT (4096)
#define VT_PAGE_MASK  (VT_PAGE_SIZE - 1)

#define VT_NS_PER_SECOND G_GINT64_CONSTANT (1000000000)

/* true if [off, off + len) lies inside size; written so that no sum can wrap. */
static inline bool
vt_fits (uint64_t off, uint64_t len, uint64_t size)
{
  return off <= size && len <= size - off;
}

/* Bits [shift, shift + width) of value; width 1..64. */
static inline uint64_t
vt_extract (uint64_t value, unsigned shift, unsigned width)
{
  return (value >> shift) & (UINT64_MAX >> (64 - width));
}

/* value with bits [shift, shift + width) replaced by the low bits of field. */
static inline uint64_t
vt_deposit (uint64_t value, unsigned shift, unsigned width, uint64_t field)
{
  uint64_t mask = (UINT64_MAX >> (64 - width)) << shift;
  return (value & ~mask) | ((field << shift) & mask);
}

/* All ones in the low `bytes` bytes; bytes 1..8. */
static inline uint64_t
vt_mask_bytes (unsigned bytes)
{
  return UINT64_MAX >> (64 - 8 * bytes);
}

/* Bit maps, bit i being bit i % 8 of byte i / 8. */
static inline bool
vt_bitmap_get (const uint8_t *map, unsigned i)
{
  return map[i / 8] >> (i % 8) & 1;
}

static inline void
vt_bitmap_set (uint8_t *map, unsigned i, bool on)
{
  if (on)
    map[i / 8] |= (uint8_t) (1u << (i % 8));
  else
    map[i / 8] &= (uint8_t) ~(1u << (i % 8));
}

/* Little-endian loads and stores of 1..8 bytes at any alignment. */
static inline uint64_t
vt_load_le (const void *from, unsigned bytes)
{
  uint64_t value = 0;
  memcpy (&value, from, bytes);
  return GUINT64_FROM_LE (value);
}

static inline void
vt_store_le (void *to, uint64_t value, unsigned bytes)
{
  uint64_t le = GUINT64_TO_LE (value);
  memcpy (to, &le, bytes);
}

/* The same, big-endian. */
static inline uint64_t
vt_load_be (const void *from, unsigned bytes)
{
  uint64_t value = 0;
  for (unsigned i = 0; i < bytes; i++)
    value = value << 8 | ((const uint8_t *) from)[i];
  return value;
}

static inline void
vt_store_be (void *to, uint64_t value, unsigned bytes)
{
  for (unsigned i = bytes; i > 0; i--, value >>= 8)
    ((uint8_t *) to)[i - 1] = (uint8_t) value;
}

static inline bool
vt_all_zero (const void *bytes, size_t len)
{
  const uint8_t *b = (const uint8_t *) bytes;
  return len == 0 || (b[0] == 0 && memcmp (b, b + 1, len - 1) == 0);
}
