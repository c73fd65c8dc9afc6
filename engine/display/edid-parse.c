/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Reads EDIDs, ours and others': base block, detailed timings of CTA-861, type I timings of DisplayID 1.x. Sources as
 * in edid.c. The bytes may come from anywhere. */
#include "vitrine/edid.h"

#include <string.h>

#include "bits.h"
#include "timing.h"
#include "vitrine/error.h"

enum
{
  DTD_BYTES = 18, N_DESCRIPTORS = 4, N_STANDARD = 8,
  CTA_TAG = 0x02, DISPLAYID_TAG = 0x70,
  DISPLAYID_PARAMETERS = 0x01, DISPLAYID_TIMINGS = 0x03, DISPLAYID_TIMING_BYTES = 20,
};

/* By bit of bytes 35 and 36, most significant first. */
static const struct { uint16_t width, height; uint32_t refresh_hz; } established[16] = {
  { 720, 400, 70 },  { 720, 400, 88 }, { 640, 480, 60 },  { 640, 480, 67 },  { 640, 480, 72 },  { 640, 480, 75 },
  { 800, 600, 56 },  { 800, 600, 60 }, { 800, 600, 72 },  { 800, 600, 75 },  { 832, 624, 75 },  { 1024, 768, 87 },
  { 1024, 768, 60 }, { 1024, 768, 70 }, { 1024, 768, 75 }, { 1280, 1024, 75 },
};

static void
add_mode (VtEdidInfo *info, VtEdidMode mode)
{
  if (mode.width != 0 && mode.height != 0 && info->n_modes < VT_EDID_MODES_MAX)
    info->modes[info->n_modes++] = mode;
}

static void
add_timing (VtEdidInfo *info, const VtTiming *timing, bool preferred)
{
  add_mode (info, (VtEdidMode) { timing->h_active, timing->v_active, vt_timing_refresh_mhz (timing), timing->clock_khz,
                                 preferred });
}

/* --- Base block --------------------------------------------------------------------------------------------------- */

static void
parse_detailed (VtEdidInfo *info, const uint8_t *d, bool preferred)
{
  VtTiming timing = { .clock_khz = (uint32_t) (d[0] | d[1] << 8) * 10,
                      .h_active = d[2] | (d[4] & 0xf0u) << 4, .h_blank = d[3] | (d[4] & 0x0fu) << 8,
                      .v_active = d[5] | (d[7] & 0xf0u) << 4, .v_blank = d[6] | (d[7] & 0x0fu) << 8 };
  add_timing (info, &timing, preferred);
  if (!preferred)
    return;
  info->width_mm = d[12] | (d[14] & 0xf0u) << 4;
  info->height_mm = d[13] | (d[14] & 0x0fu) << 8;
}

static void
parse_text (char *to, const uint8_t *from)
{
  for (unsigned i = 0; i < VT_EDID_TEXT_MAX && from[i] != '\n'; i++)
    to[i] = g_ascii_isprint (from[i]) ? (char) from[i] : '?';
  g_strchomp (to);
}

static void
parse_descriptors (VtEdidInfo *info, const uint8_t *base)
{
  for (unsigned i = 0; i < N_DESCRIPTORS; i++)
    {
      const uint8_t *d = base + 54 + i * DTD_BYTES;
      if (d[0] != 0 || d[1] != 0)
        parse_detailed (info, d, i == 0);
      else if (d[3] == 0xfc)
        parse_text (info->name, d + 5);
      else if (d[3] == 0xff)
        parse_text (info->serial, d + 5);
    }
}

static void
parse_standard (VtEdidInfo *info, const uint8_t *base)
{
  static const uint32_t across[4] = { 16, 4, 5, 16 }, down[4] = { 10, 3, 4, 9 };
  for (unsigned i = 0; i < N_STANDARD; i++)
    {
      const uint8_t *s = base + 38 + 2 * i;
      unsigned       aspect = s[1] >> 6;
      uint32_t       width = (s[0] + 31u) * 8;
      if (s[0] != 0 && (s[0] != 1 || s[1] != 1))
        add_mode (info,
                  (VtEdidMode) { width, width * down[aspect] / across[aspect], ((s[1] & 63u) + 60) * 1000, 0, false });
    }
}

static void
parse_base (VtEdidInfo *info, const uint8_t *base)
{
  uint32_t packed = (uint32_t) base[8] << 8 | base[9];
  for (unsigned i = 0; i < 3; i++)
    info->vendor[i] = (char) ('@' + (packed >> (10 - 5 * i) & 31));
  info->product = (uint16_t) vt_load_le (base + 10, 2);
  info->serial_number = (uint32_t) vt_load_le (base + 12, 4);
  info->width_mm = base[21] * 10u;
  info->height_mm = base[22] * 10u;
  parse_descriptors (info, base);
  for (unsigned i = 0; i < 16; i++)
    if (base[35 + i / 8] & 0x80u >> i % 8)
      add_mode (info, (VtEdidMode) { established[i].width, established[i].height, established[i].refresh_hz * 1000, 0,
                                    false });
  parse_standard (info, base);
}

/* --- Extensions --------------------------------------------------------------------------------------------------- */

static void
parse_cta (VtEdidInfo *info, const uint8_t *block)
{
  info->has_cta = true;
  for (unsigned at = block[2]; at >= 4 && at + DTD_BYTES <= VT_EDID_BLOCK_BYTES - 1u; at += DTD_BYTES)
    if (block[at] != 0 || block[at + 1] != 0)
      parse_detailed (info, block + at, false);
}

static void
parse_displayid_timing (VtEdidInfo *info, const uint8_t *t)
{
  VtTiming timing = { .clock_khz = ((uint32_t) vt_load_le (t, 3) + 1) * 10,
                      .h_active = (uint32_t) vt_load_le (t + 4, 2) + 1,
                      .h_blank = (uint32_t) vt_load_le (t + 6, 2) + 1,
                      .v_active = (uint32_t) vt_load_le (t + 12, 2) + 1,
                      .v_blank = (uint32_t) vt_load_le (t + 14, 2) + 1 };
  add_timing (info, &timing, (t[3] & 0x80) != 0);
}

static void
parse_displayid_block (VtEdidInfo *info, unsigned tag, const uint8_t *payload, unsigned len)
{
  if (tag == DISPLAYID_PARAMETERS && len >= 4)
    {
      info->width_mm = (uint32_t) vt_load_le (payload, 2) / 10;
      info->height_mm = (uint32_t) vt_load_le (payload + 2, 2) / 10;
    }
  for (unsigned at = 0; tag == DISPLAYID_TIMINGS && at + DISPLAYID_TIMING_BYTES <= len; at += DISPLAYID_TIMING_BYTES)
    parse_displayid_timing (info, payload + at);
}

static void
parse_displayid (VtEdidInfo *info, const uint8_t *block)
{
  unsigned end = MIN (5u + block[2], VT_EDID_BLOCK_BYTES - 2u);
  info->has_displayid = true;
  /* The parameters and timings of version 2 are other blocks. */
  for (unsigned at = 5; block[1] >> 4 == 1 && at + 3 <= end;)
    {
      unsigned tag = block[at], len = block[at + 2];
      if (at + 3 + len > end || (tag == 0 && len == 0))
        return;
      parse_displayid_block (info, tag, block + at + 3, len);
      at += 3 + len;
    }
}

/* --- All ---------------------------------------------------------------------------------------------------------- */

static bool
checksum_right (const uint8_t *block)
{
  uint8_t sum = 0;
  for (unsigned i = 0; i < VT_EDID_BLOCK_BYTES; i++)
    sum = (uint8_t) (sum + block[i]);
  return sum == 0;
}

static gint
preferred_and_large_first (gconstpointer a, gconstpointer b, gpointer unused)
{
  const VtEdidMode *x = a, *y = b;
  uint64_t          size_x = (uint64_t) x->width * x->height, size_y = (uint64_t) y->width * y->height;
  if (x->preferred != y->preferred)
    return x->preferred ? -1 : 1;
  return size_x == size_y ? 0 : size_x > size_y ? -1 : 1;
}

static bool
refuse (GError **error, const char *message)
{
  g_set_error_literal (error, VT_ERROR, VT_ERROR_FAILED, message);
  return false;
}

bool
vt_edid_parse (const uint8_t *bytes, size_t len, VtEdidInfo *out, GError **error)
{
  static const uint8_t header[8] = { 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00 };
  memset (out, 0, sizeof *out);
  if (len < VT_EDID_BLOCK_BYTES || len % VT_EDID_BLOCK_BYTES != 0 || memcmp (bytes, header, sizeof header) != 0)
    return refuse (error, "This is not an EDID");
  out->n_blocks = 1u + bytes[126];
  if (out->n_blocks > len / VT_EDID_BLOCK_BYTES)
    return refuse (error, "This EDID is cut off");
  for (unsigned i = 0; i < out->n_blocks; i++)
    if (!checksum_right (bytes + i * VT_EDID_BLOCK_BYTES))
      return refuse (error, "This EDID is damaged: a checksum is wrong");
  parse_base (out, bytes);
  for (unsigned i = 1; i < out->n_blocks; i++)
    {
      const uint8_t *block = bytes + i * VT_EDID_BLOCK_BYTES;
      if (block[0] == CTA_TAG)
        parse_cta (out, block);
      else if (block[0] == DISPLAYID_TAG)
        parse_displayid (out, block);
    }
  g_qsort_with_data (out->modes, (gint) out->n_modes, sizeof out->modes[0], preferred_and_large_first, NULL);
  return true;
}
