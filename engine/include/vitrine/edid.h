/* SPDX-License-Identifier: GPL-3.0-or-later */
/* EDID: what a guest is told about the monitor that it is connected to.
 *
 * An EDID is 128 bytes (VESA E-EDID 1.4) and as many extension blocks as its modes need: CTA-861 for further modes
 * beyond 2288 pixels, DisplayID 1.3 for a preferred mode that a detailed timing of the base block cannot hold. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum
{
  VT_EDID_BLOCK_BYTES = 128,
  VT_EDID_MAX_BYTES   = 3 * VT_EDID_BLOCK_BYTES,
  VT_EDID_PIXELS_MAX  = 16384,      /* an edge */
  VT_EDID_MM_MAX      = 4095,       /* an edge */
  VT_EDID_TEXT_MAX    = 13,         /* characters of name and serial text */
  VT_EDID_MODES_MAX   = 32,
};

typedef struct
{
  uint32_t width, height;           /* of the preferred mode, device pixels, 1..VT_EDID_PIXELS_MAX */
  uint32_t width_mm, height_mm;     /* 0: square pixels after the other one; both 0: 96 pixels an inch */
  uint32_t refresh_hz;              /* 0: 60 */
  const char *name;                 /* NULL: "Vitrine" */
  const char *serial;               /* NULL: none */
} VtMonitor;

/* Sizes out of range are brought into it; characters other than printable ASCII become "?". Returns the length. */
size_t vt_edid_build (const VtMonitor *monitor, uint8_t out[VT_EDID_MAX_BYTES]);
/* Millimetres of an edge, rounded. */
uint32_t vt_edid_mm (uint32_t pixels, double dots_per_inch);

typedef struct
{
  uint32_t width, height;
  uint32_t refresh_mhz;             /* thousandths of a hertz */
  uint32_t clock_khz;               /* 0: the EDID does not say */
  bool     preferred;
} VtEdidMode;

/* What an EDID says, for people and tests. */
typedef struct
{
  char       vendor[4];
  uint16_t   product;
  uint32_t   serial_number;
  char       name[VT_EDID_TEXT_MAX + 1], serial[VT_EDID_TEXT_MAX + 1];   /* empty: none */
  uint32_t   width_mm, height_mm;
  unsigned   n_blocks;
  bool       has_cta, has_displayid;
  unsigned   n_modes;
  VtEdidMode modes[VT_EDID_MODES_MAX];   /* largest preferred one first */
} VtEdidInfo;

/* Takes any bytes. False: no EDID, or a block whose checksum is wrong. */
bool vt_edid_parse (const uint8_t *bytes, size_t len, VtEdidInfo *out, GError **error);
