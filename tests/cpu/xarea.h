/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "case.h"

/* Makes two XSAVE images of equal state equal: components in their initial configuration are written out, reserved
 * bytes and the upper 6 bytes of each ST slot cleared. */
void xarea_normalise (uint8_t *xarea);

static inline uint16_t
xarea_get16 (const uint8_t *xarea, unsigned at)
{
  uint16_t value;
  __builtin_memcpy (&value, xarea + at, 2);
  return value;
}

static inline void
xarea_put16 (uint8_t *xarea, unsigned at, uint16_t value)
{
  __builtin_memcpy (xarea + at, &value, 2);
}

static inline uint32_t
xarea_get32 (const uint8_t *xarea, unsigned at)
{
  uint32_t value;
  __builtin_memcpy (&value, xarea + at, 4);
  return value;
}

static inline void
xarea_put32 (uint8_t *xarea, unsigned at, uint32_t value)
{
  __builtin_memcpy (xarea + at, &value, 4);
}

static inline uint64_t
xarea_get64 (const uint8_t *xarea, unsigned at)
{
  uint64_t value;
  __builtin_memcpy (&value, xarea + at, 8);
  return value;
}

static inline void
xarea_put64 (uint8_t *xarea, unsigned at, uint64_t value)
{
  __builtin_memcpy (xarea + at, &value, 8);
}
