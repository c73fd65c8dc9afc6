/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vhdx-mend.h"

#include "vhdx.h"

enum { SECTOR = 4096, LOG_MOST = 4 << 20 };

static void
mend (uint8_t *bytes, size_t len, uint64_t at, uint64_t of)
{
  if (of >= 8 && vt_fits (at, of, len))
    vt_store_le (bytes + at + 4, vt_vhdx_sum_of (bytes + at, of), 4);
}

/* Only those that are in one piece. */
static void
mend_log (uint8_t *bytes, size_t len, const uint8_t *header)
{
  uint64_t at = vt_load_le (header + VT_VHDX_LOG_OFFSET_AT, 8), log_bytes = vt_load_le (header + VT_VHDX_LOG_BYTES_AT, 4);
  if (log_bytes > LOG_MOST || !vt_fits (at, log_bytes, len))
    return;
  for (uint64_t i = 0; i + SECTOR <= log_bytes; i += SECTOR)
    {
      uint64_t of = vt_load_le (bytes + at + i + 8, 4);
      if (memcmp (bytes + at + i, "loge", 4) == 0 && of >= SECTOR && vt_fits (i, of, log_bytes))
        mend (bytes, len, at + i, of);
    }
}

void
vhdx_mend (uint8_t *bytes, size_t len)
{
  static const struct { uint32_t at, of; } parts[] = {
    { 64 << 10, SECTOR }, { 128 << 10, SECTOR }, { 192 << 10, 64 << 10 }, { 256 << 10, 64 << 10 },
  };
  for (size_t i = 0; i < G_N_ELEMENTS (parts); i++)
    mend (bytes, len, parts[i].at, parts[i].of);
  for (size_t i = 0; i < 2; i++)
    if (vt_fits (parts[i].at, SECTOR, len))
      mend_log (bytes, len, bytes + parts[i].at);
}
