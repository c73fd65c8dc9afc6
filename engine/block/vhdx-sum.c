/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "vhdx.h"

/* Four bits at a time: a step for each value of them, by the polynomial 0x1edc6f41 with its bits in reverse. */
static const uint32_t steps[16] = {
  0x00000000, 0x105ec76f, 0x20bd8ede, 0x30e349b1, 0x417b1dbc, 0x5125dad3, 0x61c69362, 0x7198540d,
  0x82f63b78, 0x92a8fc17, 0xa24bb5a6, 0xb21572c9, 0xc38d26c4, 0xd3d3e1ab, 0xe330a81a, 0xf36e6f75,
};

uint32_t
vt_vhdx_sum (uint32_t crc, const uint8_t *bytes, size_t len)
{
  crc = ~crc;
  for (size_t i = 0; i < len; i++)
    {
      crc ^= bytes[i];
      crc = crc >> 4 ^ steps[crc & 15];
      crc = crc >> 4 ^ steps[crc & 15];
    }
  return ~crc;
}

uint32_t
vt_vhdx_sum_of (const uint8_t *bytes, size_t len)
{
  static const uint8_t none[4];
  return vt_vhdx_sum (vt_vhdx_sum (vt_vhdx_sum (0, bytes, 4), none, sizeof none), bytes + 8, len - 8);
}
