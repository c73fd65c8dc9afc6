/* SPDX-License-Identifier: GPL-3.0-or-later */
/* XSAVE images in a form that can be compared. */
#include "xarea.h"

#include <string.h>

#define COMPONENT_X87 (1u << 0)
#define COMPONENT_SSE (1u << 1)
#define COMPONENT_AVX (1u << 2)

void
xarea_normalise (uint8_t *xarea)
{
  uint64_t present = xarea_get64 (xarea, XAREA_XSTATE_BV);
  if (!(present & COMPONENT_X87))
    {
      memset (xarea, 0, XAREA_MXCSR);
      memset (xarea + XAREA_ST, 0, XAREA_XMM - XAREA_ST);
      xarea_put16 (xarea, XAREA_FCW, 0x37f);
    }
  if (!(present & COMPONENT_SSE))
    memset (xarea + XAREA_XMM, 0, 256);
  if (!(present & COMPONENT_AVX))
    memset (xarea + XAREA_YMM, 0, 256);
  xarea_put32 (xarea, XAREA_MXCSR_MASK, 0);
  xarea[XAREA_FTW + 1] = 0;
  for (unsigned i = 0; i < 8; i++)
    memset (xarea + XAREA_ST + 16 * i + 10, 0, 6);
  memset (xarea + XAREA_XMM + 256, 0, XAREA_XSTATE_BV - (XAREA_XMM + 256));
  memset (xarea + XAREA_XSTATE_BV, 0, 64);
  xarea[XAREA_XSTATE_BV] = COMPONENT_X87 | COMPONENT_SSE | COMPONENT_AVX;
}
