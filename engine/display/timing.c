/* SPDX-License-Identifier: GPL-3.0-or-later */
/* CVT reduced blanking: constants and order of roundings after VESA CVT 1.2, section 5.3. */
#include "timing.h"

#include <glib.h>

enum
{
  H_BLANK = 160, H_SYNC = 32, H_FRONT = 48,   /* pixels */
  V_FRONT = 3, V_BACK_MIN = 6,                /* lines */
  V_BLANK_MIN_US = 460,
  CLOCK_STEP_KHZ = 250,
};

/* The width of the vertical pulse tells the aspect ratio. */
static uint32_t
sync_lines (uint32_t width, uint32_t height)
{
  static const struct { uint32_t across, down, lines; } ratios[] = {
    { 4, 3, 4 }, { 16, 9, 5 }, { 16, 10, 6 }, { 5, 4, 7 }, { 15, 9, 7 },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (ratios); i++)
    if (width * ratios[i].down == height * ratios[i].across)
      return ratios[i].lines;
  return 10;
}

static uint32_t
blank_lines (uint32_t height, uint32_t sync, uint32_t refresh_hz)
{
  /* Lines that fill 460 us when `height` lines take the rest of a frame. */
  uint64_t rest_us = 1000000 / refresh_hz - V_BLANK_MIN_US;
  uint32_t needed = (uint32_t) ((uint64_t) V_BLANK_MIN_US * height / rest_us) + 1;
  return MAX (needed, V_FRONT + sync + V_BACK_MIN);
}

VtTiming
vt_timing_reduced (uint32_t width, uint32_t height, uint32_t refresh_hz)
{
  uint32_t sync = sync_lines (width, height);
  uint32_t blank = blank_lines (height, sync, refresh_hz);
  uint64_t clock_hz = (uint64_t) refresh_hz * (width + H_BLANK) * (height + blank);
  return (VtTiming) { .clock_khz = (uint32_t) MAX (clock_hz / 1000 / CLOCK_STEP_KHZ * CLOCK_STEP_KHZ, CLOCK_STEP_KHZ),
                      .h_active = width, .h_blank = H_BLANK, .h_front = H_FRONT, .h_sync = H_SYNC, .h_positive = true,
                      .v_active = height, .v_blank = blank, .v_front = V_FRONT, .v_sync = sync };
}

uint32_t
vt_timing_line_hz (const VtTiming *timing)
{
  uint32_t total = timing->h_active + timing->h_blank;
  return total != 0 ? (uint32_t) ((uint64_t) timing->clock_khz * 1000 / total) : 0;
}

uint32_t
vt_timing_refresh_mhz (const VtTiming *timing)
{
  uint64_t total = (uint64_t) (timing->h_active + timing->h_blank) * (timing->v_active + timing->v_blank);
  return total != 0 ? (uint32_t) ((uint64_t) timing->clock_khz * 1000000 / total) : 0;
}
