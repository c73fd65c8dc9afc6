/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Video timings (VESA CVT 1.2, reduced blanking version 1). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct
{
  uint32_t clock_khz;
  uint32_t h_active, h_blank, h_front, h_sync;   /* pixels */
  uint32_t v_active, v_blank, v_front, v_sync;   /* lines */
  bool     h_positive, v_positive;               /* polarity of the pulses */
} VtTiming;

/* The width is not rounded to character cells: a window has any width. */
VtTiming vt_timing_reduced (uint32_t width, uint32_t height, uint32_t refresh_hz);
/* Lines a second, and thousandths of a frame a second; 0 when the timing is impossible. */
uint32_t vt_timing_line_hz (const VtTiming *timing);
uint32_t vt_timing_refresh_mhz (const VtTiming *timing);
