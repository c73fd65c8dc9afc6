/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Writes EDIDs.
 *
 * Sources: VESA Enhanced EDID standard, release A revision 2 (structure 1.4); CTA-861-G, 7.5; VESA DisplayID 1.3. The
 * preferred mode is exact to the pixel.  When the base block cannot hold it - more than 4095 pixels an edge or more than
 * 655.35 MHz - a DisplayID block does, and the base block prefers the same picture at a half or quarter of it. */
#include "vitrine/edid.h"

#include <string.h>

#include "timing.h"

enum
{
  /* Base block */
  VENDOR = 8, PRODUCT = 10, WEEK = 16, YEAR = 17, VERSION = 18, INPUT = 20, SIZE_CM = 21, GAMMA = 23,
  FEATURES = 24, CHROMATICITY = 25, ESTABLISHED = 35, STANDARD = 38, DESCRIPTORS = 54, EXTENSIONS = 126, CHECKSUM = 127,
  DESCRIPTOR_BYTES = 18,
  N_STANDARD = 8,

  INPUT_DIGITAL_8_BIT = 0xa5,      /* DisplayPort: the one interface that knows sizes as large as ours */
  SIZE_CM_MAX = 255,
  GAMMA_2_2 = 120,
  FEATURE_SRGB = 1 << 2, FEATURE_NATIVE = 1 << 1, FEATURE_CONTINUOUS = 1 << 0,
  PRODUCT_CODE = 0x0001,
  YEAR_OF_MODEL = 2026, MODEL_YEAR = 0xff,

  TAG_SERIAL = 0xff, TAG_RANGE = 0xfd, TAG_NAME = 0xfc, TAG_DUMMY = 0x10,
  RANGE_LIMITS_ONLY = 0x01,

  /* A detailed timing's fields */
  DTD_PIXELS_MAX = 4095,
  DTD_CLOCK_MAX_KHZ = 655350,
  DTD_DIGITAL_SEPARATE = 0x18, DTD_V_POSITIVE = 1 << 2, DTD_H_POSITIVE = 1 << 1,

  CTA_TAG = 0x02, CTA_REVISION = 3, CTA_UNDERSCAN = 1 << 7, CTA_TIMINGS_MAX = 6,
  CTA_EXTENDED = 7 << 5, CTA_VIDEO_CAPABILITY = 0,
  CTA_RGB_RANGE_SELECTABLE = 1 << 6,
  CTA_ALWAYS_UNDERSCANNED = 0x0a,  /* for IT and CE timings, and so for preferred ones */

  DISPLAYID_TAG = 0x70, DISPLAYID_VERSION = 0x13, DISPLAYID_MONITOR = 3,
  DISPLAYID_BODY_BYTES = 121,
  DISPLAYID_PRODUCT = 0x00, DISPLAYID_PRODUCT_BYTES = 12,
  DISPLAYID_PARAMETERS = 0x01, DISPLAYID_PARAMETERS_BYTES = 12,
  DISPLAYID_TIMINGS = 0x03, DISPLAYID_TIMING_BYTES = 20, DISPLAYID_TIMINGS_MAX = 3,
  DISPLAYID_INTERFACE = 0x0f, DISPLAYID_INTERFACE_BYTES = 10, DISPLAYPORT_4_LANES = 0xa4, DISPLAYPORT_1_4 = 0x14,
  DISPLAYID_RGB_8_BIT = 1 << 1,

  REFRESH_MAX_HZ = 240,
};

typedef struct
{
  uint32_t width, height, width_mm, height_mm, refresh_hz;
  VtTiming native;
  bool     wide;                               /* native does not fit a detailed timing */
  VtTiming cta[CTA_TIMINGS_MAX], displayid[DISPLAYID_TIMINGS_MAX];
  unsigned n_cta, n_displayid;
  /* Of everything that is offered. */
  uint32_t clock_max_khz, line_min_hz, line_max_hz, refresh_min_hz, refresh_max_hz;
} Plan;

static const char vendor[] = "VTR";

/* Modes for people who choose one smaller than the window. The ones that a standard timing can say (VESA DMT 1.0, 60
 * Hz). */
static const struct { uint16_t width, height; uint8_t aspect; uint32_t clock_khz, line_hz; } standard_modes[] = {
  { 2048, 1152, 3, 162000, 72000 }, { 1920, 1200, 0, 193250, 74556 }, { 1920, 1080, 3, 148500, 67500 },
  { 1680, 1050, 0, 146250, 65290 }, { 1600, 1200, 1, 162000, 75000 }, { 1600, 900, 3, 108000, 60000 },
  { 1440, 900, 0, 106500, 55935 },  { 1280, 1024, 2, 108000, 63981 }, { 1280, 960, 1, 108000, 60000 },
  { 1280, 800, 0, 83500, 49702 },   { 1280, 720, 3, 74250, 45000 },
};
/* And the ones that are too wide for it. */
static const struct { uint16_t width, height; } wide_modes[] = {
  { 7680, 4320 }, { 5120, 2880 }, { 3840, 2160 }, { 3440, 1440 }, { 2560, 1600 }, { 2560, 1440 },
};

/* --- What to offer ------------------------------------------------------------------------------------------------ */

static bool
fits_detailed (const VtTiming *timing)
{
  return timing->h_active <= DTD_PIXELS_MAX && timing->v_active <= DTD_PIXELS_MAX
         && timing->clock_khz <= DTD_CLOCK_MAX_KHZ;
}

static bool
smaller (const Plan *plan, uint32_t width, uint32_t height)
{
  return width <= plan->width && height <= plan->height && (width != plan->width || height != plan->height);
}

static void
cover (Plan *plan, uint32_t clock_khz, uint32_t line_hz, uint32_t refresh_mhz)
{
  plan->clock_max_khz = MAX (plan->clock_max_khz, clock_khz);
  plan->line_min_hz = MIN (plan->line_min_hz, line_hz);
  plan->line_max_hz = MAX (plan->line_max_hz, line_hz);
  plan->refresh_min_hz = MIN (plan->refresh_min_hz, refresh_mhz / 1000);
  plan->refresh_max_hz = MAX (plan->refresh_max_hz, (refresh_mhz + 999) / 1000);
}

static void
cover_timing (Plan *plan, const VtTiming *timing)
{
  cover (plan, timing->clock_khz, vt_timing_line_hz (timing), vt_timing_refresh_mhz (timing));
}

static void
offer_wide_modes (Plan *plan)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (wide_modes); i++)
    {
      VtTiming timing = vt_timing_reduced (wide_modes[i].width, wide_modes[i].height, plan->refresh_hz);
      if (!smaller (plan, wide_modes[i].width, wide_modes[i].height))
        continue;
      if (fits_detailed (&timing))
        plan->cta[plan->n_cta++] = timing;
      else if (plan->n_displayid > 0 && plan->n_displayid < DISPLAYID_TIMINGS_MAX)
        plan->displayid[plan->n_displayid++] = timing;
      else
        continue;
      cover_timing (plan, &timing);
    }
}

static uint32_t
in_range (uint32_t value, uint32_t otherwise, uint32_t most)
{
  return value == 0 ? otherwise : MIN (value, most);
}

static void
make_plan (Plan *plan, const VtMonitor *monitor)
{
  uint32_t mm = monitor->width_mm, mm_down = monitor->height_mm;
  *plan = (Plan) { .width = CLAMP (monitor->width, 1, VT_EDID_PIXELS_MAX),
                   .height = CLAMP (monitor->height, 1, VT_EDID_PIXELS_MAX),
                   .refresh_hz = in_range (monitor->refresh_hz, 60, REFRESH_MAX_HZ),
                   .line_min_hz = UINT32_MAX, .refresh_min_hz = UINT32_MAX };
  double per_mm = mm != 0 ? (double) plan->width / mm : mm_down != 0 ? (double) plan->height / mm_down : 96 / 25.4;
  plan->width_mm = in_range (mm, (uint32_t) CLAMP (plan->width / per_mm + 0.5, 1, VT_EDID_MM_MAX), VT_EDID_MM_MAX);
  plan->height_mm
      = in_range (mm_down, (uint32_t) CLAMP (plan->height / per_mm + 0.5, 1, VT_EDID_MM_MAX), VT_EDID_MM_MAX);
  plan->native = vt_timing_reduced (plan->width, plan->height, plan->refresh_hz);
  plan->wide = !fits_detailed (&plan->native);
  cover_timing (plan, &plan->native);
  if (plan->wide)
    plan->displayid[plan->n_displayid++] = plan->native;
  offer_wide_modes (plan);
}

/* --- Base block --------------------------------------------------------------------------------------------------- */

static void
put_checksum (uint8_t *block, size_t at)
{
  uint8_t sum = 0;
  for (size_t i = 0; i < at; i++)
    sum = (uint8_t) (sum + block[i]);
  block[at] = (uint8_t) -sum;
}

static void
put_detailed (uint8_t *to, const VtTiming *t, uint32_t width_mm, uint32_t height_mm)
{
  uint32_t clock = t->clock_khz / 10;
  to[0] = (uint8_t) clock;
  to[1] = (uint8_t) (clock >> 8);
  to[2] = (uint8_t) t->h_active;
  to[3] = (uint8_t) t->h_blank;
  to[4] = (uint8_t) (t->h_active >> 8 << 4 | t->h_blank >> 8);
  to[5] = (uint8_t) t->v_active;
  to[6] = (uint8_t) t->v_blank;
  to[7] = (uint8_t) (t->v_active >> 8 << 4 | t->v_blank >> 8);
  to[8] = (uint8_t) t->h_front;
  to[9] = (uint8_t) t->h_sync;
  to[10] = (uint8_t) ((t->v_front & 15) << 4 | (t->v_sync & 15));
  to[11] = (uint8_t) (t->h_front >> 8 << 6 | t->h_sync >> 8 << 4 | t->v_front >> 4 << 2 | t->v_sync >> 4);
  to[12] = (uint8_t) width_mm;
  to[13] = (uint8_t) height_mm;
  to[14] = (uint8_t) (width_mm >> 8 << 4 | height_mm >> 8);
  to[17] = (uint8_t) (DTD_DIGITAL_SEPARATE | (t->v_positive ? DTD_V_POSITIVE : 0)
                      | (t->h_positive ? DTD_H_POSITIVE : 0));
}

/* The native timing, or the same picture with fewer pixels. */
static VtTiming
base_timing (const Plan *plan)
{
  VtTiming timing = plan->native;
  for (uint32_t part = 2; !fits_detailed (&timing); part *= 2)
    timing = vt_timing_reduced (MAX (plan->width / part, 1), MAX (plan->height / part, 1), plan->refresh_hz);
  return timing;
}

static void
put_text (uint8_t *to, uint8_t tag, const char *text)
{
  size_t n = strnlen (text, VT_EDID_TEXT_MAX);
  to[3] = tag;
  memset (to + 5, ' ', VT_EDID_TEXT_MAX);
  for (size_t i = 0; i < n; i++)
    to[5 + i] = g_ascii_isprint (text[i]) ? (uint8_t) text[i] : '?';
  if (n < VT_EDID_TEXT_MAX)
    to[5 + n] = '\n';
}

/* A byte and, for rates above 255, a bit in the offsets. */
static uint8_t
rate (uint32_t value, uint8_t offset_bit, uint8_t *offsets)
{
  value = CLAMP (value, 1, 510);
  if (value <= 255)
    return (uint8_t) value;
  *offsets |= offset_bit;
  return (uint8_t) (value - 255);
}

static void
put_range (uint8_t *to, const Plan *plan)
{
  uint8_t offsets = 0;
  to[3] = TAG_RANGE;
  to[6] = rate (plan->refresh_max_hz, 0x02, &offsets);
  to[8] = rate ((plan->line_max_hz + 999) / 1000, 0x08, &offsets);
  /* An offset of the lower limit needs one of the upper limit, which is not smaller. */
  to[5] = rate (plan->refresh_min_hz, 0x01, &offsets);
  to[7] = rate (plan->line_min_hz / 1000, 0x04, &offsets);
  to[4] = offsets;
  to[9] = (uint8_t) MIN ((plan->clock_max_khz + 9999) / 10000, 255);
  to[10] = RANGE_LIMITS_ONLY;
  to[11] = '\n';
  memset (to + 12, ' ', 6);
}

static void
put_established (uint8_t *base, Plan *plan)
{
  base[ESTABLISHED] = 1 << 5;                   /* 640x480: what every monitor can */
  cover (plan, 25175, 31469, 59940);
  if (smaller (plan, 800, 600))
    {
      base[ESTABLISHED] |= 1 << 0;
      cover (plan, 40000, 37879, 60317);
    }
  if (smaller (plan, 1024, 768))
    {
      base[ESTABLISHED + 1] = 1 << 3;
      cover (plan, 65000, 48363, 60004);
    }
}

static void
put_standard (uint8_t *base, Plan *plan)
{
  uint8_t *to = base + STANDARD;
  memset (to, 0x01, 2 * N_STANDARD);            /* unused */
  for (unsigned i = 0, n = 0; i < G_N_ELEMENTS (standard_modes) && n < N_STANDARD; i++)
    if (smaller (plan, standard_modes[i].width, standard_modes[i].height))
      {
        to[2 * n] = (uint8_t) (standard_modes[i].width / 8 - 31);
        to[2 * n + 1] = (uint8_t) (standard_modes[i].aspect << 6);   /* and 60 Hz, coded as 0 */
        cover (plan, standard_modes[i].clock_khz, standard_modes[i].line_hz, 60000);
        n++;
      }
}

static void
put_identity (uint8_t *base)
{
  static const uint8_t header[8] = { 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00 };
  uint32_t             packed = 0;
  for (unsigned i = 0; i < 3; i++)
    packed = packed << 5 | (uint32_t) (vendor[i] - '@');
  memcpy (base, header, sizeof header);
  base[VENDOR] = (uint8_t) (packed >> 8);
  base[VENDOR + 1] = (uint8_t) packed;
  base[PRODUCT] = PRODUCT_CODE;
  /* The serial number is text, in a descriptor; CTA-861 wants this field to be zero then. */
  base[WEEK] = MODEL_YEAR;
  base[YEAR] = YEAR_OF_MODEL - 1990;
  base[VERSION] = 1;
  base[VERSION + 1] = 4;
}

static uint8_t
centimetres (uint32_t mm)
{
  return (uint8_t) MAX ((mm + 5) / 10, 1);
}

static void
put_features (uint8_t *base, const Plan *plan)
{
  /* The chromaticity coordinates of sRGB (IEC 61966-2-1), ten bits each. */
  static const uint8_t srgb[10] = { 0xee, 0x91, 0xa3, 0x54, 0x4c, 0x99, 0x26, 0x0f, 0x50, 0x54 };
  base[INPUT] = INPUT_DIGITAL_8_BIT;
  /* Larger pictures are left to the timings, which know millimetres; zeros say so. */
  if (plan->width_mm <= SIZE_CM_MAX * 10 && plan->height_mm <= SIZE_CM_MAX * 10)
    {
      base[SIZE_CM] = centimetres (plan->width_mm);
      base[SIZE_CM + 1] = centimetres (plan->height_mm);
    }
  base[GAMMA] = GAMMA_2_2;
  base[FEATURES] = FEATURE_SRGB | FEATURE_CONTINUOUS | (plan->wide ? 0 : FEATURE_NATIVE);
  memcpy (base + CHROMATICITY, srgb, sizeof srgb);
}

static void
put_base (uint8_t *base, Plan *plan, const char *name, const char *serial, uint8_t extensions)
{
  VtTiming timing = base_timing (plan);
  uint8_t *descriptor = base + DESCRIPTORS;
  cover_timing (plan, &timing);
  put_identity (base);
  put_features (base, plan);
  put_established (base, plan);
  put_standard (base, plan);
  put_detailed (descriptor, &timing, plan->width_mm, plan->height_mm);
  put_range (descriptor + DESCRIPTOR_BYTES, plan);
  put_text (descriptor + 2 * DESCRIPTOR_BYTES, TAG_NAME, name);
  if (serial != NULL && *serial != 0)
    put_text (descriptor + 3 * DESCRIPTOR_BYTES, TAG_SERIAL, serial);
  else
    descriptor[3 * DESCRIPTOR_BYTES + 3] = TAG_DUMMY;
  base[EXTENSIONS] = extensions;
  put_checksum (base, CHECKSUM);
}

/* --- Extensions --------------------------------------------------------------------------------------------------- */

static void
put_cta (uint8_t *block, const Plan *plan)
{
  const uint8_t capability[3]
      = { CTA_EXTENDED | 2, CTA_VIDEO_CAPABILITY, CTA_RGB_RANGE_SELECTABLE | CTA_ALWAYS_UNDERSCANNED };
  block[0] = CTA_TAG;
  block[1] = CTA_REVISION;
  block[2] = 4 + sizeof capability;             /* timings begin here */
  memcpy (block + 4, capability, sizeof capability);
  /* The low bits say how many timings are native, the base block's included. */
  block[3] = (uint8_t) (CTA_UNDERSCAN | (plan->wide ? 0 : 1));
  for (unsigned i = 0; i < plan->n_cta; i++)
    put_detailed (block + block[2] + i * DESCRIPTOR_BYTES, &plan->cta[i], plan->width_mm, plan->height_mm);
  put_checksum (block, CHECKSUM);
}

static void
put_u16 (uint8_t *to, uint32_t value)
{
  to[0] = (uint8_t) value;
  to[1] = (uint8_t) (value >> 8);
}

static uint8_t
displayid_aspect (uint32_t width, uint32_t height)
{
  static const struct { uint32_t across, down; } ratios[] = {
    { 1, 1 }, { 5, 4 }, { 4, 3 }, { 15, 9 }, { 16, 9 }, { 16, 10 }, { 64, 27 }, { 256, 135 },
  };
  for (uint8_t i = 0; i < G_N_ELEMENTS (ratios); i++)
    if (width * ratios[i].down == height * ratios[i].across)
      return i;
  return 8;                                     /* another one */
}

static void
put_displayid_product (uint8_t *to)
{
  to[0] = DISPLAYID_PRODUCT;
  to[2] = DISPLAYID_PRODUCT_BYTES;
  memcpy (to + 3, vendor, 3);
  to[6] = PRODUCT_CODE;
  to[12] = MODEL_YEAR;
  to[13] = YEAR_OF_MODEL - 2000;
}

static void
put_displayid_parameters (uint8_t *to, const Plan *plan)
{
  to[0] = DISPLAYID_PARAMETERS;
  to[2] = DISPLAYID_PARAMETERS_BYTES;
  put_u16 (to + 3, plan->width_mm * 10);
  put_u16 (to + 5, plan->height_mm * 10);
  put_u16 (to + 7, plan->width);
  put_u16 (to + 9, plan->height);
  to[12] = GAMMA_2_2;
  to[13] = (uint8_t) MIN (plan->width * 100 / plan->height - MIN (100, plan->width * 100 / plan->height), 255);
  to[14] = 0x77;                                /* 8 bits a colour, minus one: overall, native */
}

static void
put_displayid_interface (uint8_t *to)
{
  to[0] = DISPLAYID_INTERFACE;
  to[2] = DISPLAYID_INTERFACE_BYTES;
  to[3] = DISPLAYPORT_4_LANES;
  to[4] = DISPLAYPORT_1_4;
  to[5] = DISPLAYID_RGB_8_BIT;
}

static void
put_displayid_timing (uint8_t *to, const VtTiming *t, bool preferred)
{
  uint32_t clock = t->clock_khz / 10 - 1;
  to[0] = (uint8_t) clock;
  to[1] = (uint8_t) (clock >> 8);
  to[2] = (uint8_t) (clock >> 16);
  to[3] = (uint8_t) ((preferred ? 1 << 7 : 0) | displayid_aspect (t->h_active, t->v_active));
  put_u16 (to + 4, t->h_active - 1);
  put_u16 (to + 6, t->h_blank - 1);
  put_u16 (to + 8, (t->h_front - 1) | (t->h_positive ? 1u << 15 : 0));
  put_u16 (to + 10, t->h_sync - 1);
  put_u16 (to + 12, t->v_active - 1);
  put_u16 (to + 14, t->v_blank - 1);
  put_u16 (to + 16, (t->v_front - 1) | (t->v_positive ? 1u << 15 : 0));
  put_u16 (to + 18, t->v_sync - 1);
}

static void
put_displayid (uint8_t *block, const Plan *plan)
{
  uint8_t *section = block + 1, *to = section + 4;
  block[0] = DISPLAYID_TAG;
  section[0] = DISPLAYID_VERSION;
  section[1] = DISPLAYID_BODY_BYTES;
  section[2] = DISPLAYID_MONITOR;
  put_displayid_product (to);
  to += 3 + DISPLAYID_PRODUCT_BYTES;
  put_displayid_parameters (to, plan);
  to += 3 + DISPLAYID_PARAMETERS_BYTES;
  put_displayid_interface (to);
  to += 3 + DISPLAYID_INTERFACE_BYTES;
  to[0] = DISPLAYID_TIMINGS;
  to[2] = (uint8_t) (plan->n_displayid * DISPLAYID_TIMING_BYTES);
  for (unsigned i = 0; i < plan->n_displayid; i++)
    put_displayid_timing (to + 3 + i * DISPLAYID_TIMING_BYTES, &plan->displayid[i], i == 0);
  put_checksum (section, 4 + DISPLAYID_BODY_BYTES);
  put_checksum (block, CHECKSUM);
}

size_t
vt_edid_build (const VtMonitor *monitor, uint8_t out[VT_EDID_MAX_BYTES])
{
  Plan     plan;
  uint8_t *block = out + VT_EDID_BLOCK_BYTES;
  make_plan (&plan, monitor);
  memset (out, 0, VT_EDID_MAX_BYTES);
  uint8_t extensions = (uint8_t) ((plan.n_cta > 0) + (plan.n_displayid > 0));
  put_base (out, &plan, monitor->name != NULL ? monitor->name : "Vitrine", monitor->serial, extensions);
  if (plan.n_cta > 0)
    {
      put_cta (block, &plan);
      block += VT_EDID_BLOCK_BYTES;
    }
  if (plan.n_displayid > 0)
    {
      put_displayid (block, &plan);
      block += VT_EDID_BLOCK_BYTES;
    }
  return (size_t) (block - out);
}

uint32_t
vt_edid_mm (uint32_t pixels, double dots_per_inch)
{
  return dots_per_inch > 0 ? (uint32_t) CLAMP (pixels * 25.4 / dots_per_inch + 0.5, 1, VT_EDID_MM_MAX) : 0;
}
