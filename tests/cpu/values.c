/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Pools of operand values. */
#include "values.h"

#include <glib.h>
#include <stdbool.h>
#include <string.h>

#define POOL_SIZE 4096   /* entries per kind; drawn once, so that a case costs little */

static uint8_t vector_pool[N_VALUES][POOL_SIZE][32];
static uint8_t f80_pool[POOL_SIZE][16];

uint64_t
values_u64 (Rng *rng)
{
  uint64_t r = rng_u64 (rng);
  unsigned n = r >> 8 & 63;
  switch (r & 15)
    {
    case 0:
      return n >> 2;
    case 1:
      return -(uint64_t) (n >> 2);
    case 2:
      return UINT64_C (1) << n;
    case 3:
      return (UINT64_C (1) << n) - 1;
    case 4:
      return ~(UINT64_C (1) << n);
    case 5:
      {
        static const uint64_t edges[] = { 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff,
                                          INT64_MAX, INT64_MIN, UINT64_MAX, 0x8080808080808080u, 0x5555555555555555u,
                                          0xffffffff80000000u, 0xffffffffffff8000u };
        return edges[n & 15];
      }
    case 6:
      return (int64_t) (int8_t) (r >> 16);
    case 7:
      return (int64_t) (int32_t) (r >> 16);
    case 8:
      return rng_u64 (rng) >> n;
    case 9:
      return (uint32_t) (r >> 16);
    default:
      return rng_u64 (rng);
    }
}

/* A float of any IEEE format, `exp_bits` and `frac_bits` wide, as its bit pattern. */
static uint64_t
any_float (Rng *rng, unsigned exp_bits, unsigned frac_bits)
{
  uint64_t r = rng_u64 (rng), frac_mask = (UINT64_C (1) << frac_bits) - 1, exp_max = (1u << exp_bits) - 1;
  uint64_t bias = exp_max >> 1, quiet = UINT64_C (1) << (frac_bits - 1);
  uint64_t sign = r >> 63, exponent, fraction = rng_u64 (rng) & frac_mask;
  switch (r & 15)
    {
    case 0:
      exponent = 0, fraction = 0;
      break;
    case 1:   /* subnormal, often at an end */
      exponent = 0;
      fraction = r & 16 ? fraction : r & 32 ? 1 : r & 64 ? frac_mask : quiet;
      break;
    case 2:
      exponent = exp_max, fraction = 0;
      break;
    case 3:
      exponent = exp_max, fraction |= quiet;
      break;
    case 4:   /* signalling */
      exponent = exp_max, fraction = (fraction & (quiet - 1)) | 1;
      break;
    case 5:   /* smallest and largest normal */
      exponent = r & 16 ? 1 : exp_max - 1, fraction = r & 32 ? 0 : frac_mask;
      break;
    case 6:   /* small integers and halves */
      exponent = bias + (r >> 4 & 7) - 1, fraction &= frac_mask << (frac_bits - 4);
      fraction &= frac_mask;
      break;
    case 7:   /* one, and its neighbours */
      exponent = bias - (r >> 4 & 1), fraction = r & 32 ? 0 : r & 64 ? 1 : frac_mask;
      break;
    case 8:   /* around the limits of integer conversions */
      exponent = bias + (r & 16 ? 62 : 30) + (r >> 5 & 1), fraction = r & 64 ? fraction : r & 128 ? 0 : frac_mask;
      break;
    case 9:   /* few bits: exact results and ties */
      exponent = bias - 8 + (r >> 4 & 15), fraction = (r >> 10 & 7) << (frac_bits - 3);
      break;
    case 10:
    case 11:
    case 12:   /* near one: cancellation */
      exponent = bias - 2 + (r >> 4 & 3);
      break;
    case 13:   /* near the ends: overflow and underflow of products */
      exponent = r & 16 ? 1 + (r >> 5 & 15) : exp_max - 1 - (r >> 5 & 15);
      break;
    default:
      exponent = rng_u64 (rng) & exp_max;
      break;
    }
  exponent = MIN (exponent, exp_max);
  return sign << (exp_bits + frac_bits) | exponent << frac_bits | fraction;
}

static void
any_f80 (Rng *rng, uint8_t out[10])
{
  uint64_t r = rng_u64 (rng), integer_bit = UINT64_C (1) << 63, quiet = UINT64_C (1) << 62;
  uint64_t significand = rng_u64 (rng) | integer_bit;
  uint16_t exponent, sign = r >> 63;
  switch (r & 31)
    {
    case 0:
    case 1:
      exponent = 0, significand = 0;
      break;
    case 2:   /* denormal */
      exponent = 0, significand = r & 32 ? significand ^ integer_bit : r & 64 ? 1 : integer_bit - 1;
      break;
    case 3:   /* pseudo-denormal */
      exponent = 0;
      break;
    case 4:
    case 5:
      exponent = 0x7fff, significand = integer_bit;
      break;
    case 6:
      exponent = 0x7fff, significand |= quiet;
      break;
    case 7:
      exponent = 0x7fff, significand = (significand & ~quiet) | 1;
      break;
    case 8:   /* unsupported: pseudo-infinity, pseudo-NaN, unnormal */
      exponent = r & 32 ? 0x7fff : 1 + (r >> 8 & 0x3fff);
      significand = r & 64 ? 0 : significand ^ integer_bit;
      break;
    case 9:
      exponent = r & 32 ? 1 : 0x7ffe, significand = r & 64 ? integer_bit : UINT64_MAX;
      break;
    case 10:
    case 11:   /* exact single or double values */
      exponent = 0x3fff - 16 + (r >> 8 & 31), significand &= r & 32 ? ~UINT64_C (0xffffffffff) : ~UINT64_C (0x7ff);
      break;
    case 12:   /* ends of double and single */
      exponent = (r & 32 ? 0x3fff - 1023 : 0x3fff + 1023) + (int) (r >> 8 & 63) - 60;
      break;
    case 13:
      exponent = (r & 32 ? 0x3fff - 127 : 0x3fff + 127) + (int) (r >> 8 & 31) - 28;
      break;
    case 14:
    case 15:   /* integers */
      exponent = 0x3fff + (r >> 8 & 7), significand &= UINT64_MAX << (63 - (r >> 16 & 7));
      break;
    case 16:   /* limits of integer stores */
      exponent = 0x3fff + (r & 32 ? 15 : r & 64 ? 31 : 63) - (r >> 8 & 1);
      significand = r & 512 ? integer_bit : r & 1024 ? UINT64_MAX : significand;
      break;
    case 17:
      exponent = 0x3fff - (r >> 8 & 1), significand = r & 32 ? integer_bit : r & 64 ? integer_bit + 1 : UINT64_MAX;
      break;
    case 18:
    case 19:   /* near the ends of the format */
      exponent = r & 32 ? 1 + (r >> 8 & 127) : 0x7ffe - (r >> 8 & 127);
      break;
    case 20:
      exponent = r >> 8 & 0x7fff;
      break;
    default:
      exponent = 0x3fff - 32 + (r >> 8 & 63);
      break;
    }
  exponent |= sign << 15;
  memcpy (out, &significand, 8);
  memcpy (out + 8, &exponent, 2);
}

static void
fill_lanes (Rng *rng, ValuesKind kind, uint8_t out[32])
{
  if (kind == VALUES_MIXED)
    kind = VALUES_INT + rng_below (rng, 3);
  unsigned lane = kind == VALUES_F32 ? 4 : kind == VALUES_F16 ? 2 : kind == VALUES_F64 ? 8 : 1u << rng_below (rng, 4);
  unsigned style = rng_below (rng, 8);
  for (unsigned at = 0; at < 32; at += lane)
    {
      uint64_t value = kind == VALUES_F32   ? any_float (rng, 8, 23)
                       : kind == VALUES_F64 ? any_float (rng, 11, 52)
                       : kind == VALUES_F16 ? any_float (rng, 5, 10)
                       : style == 0         ? rng_u64 (rng) & 0x0303030303030303u
                                            : values_u64 (rng);
      memcpy (out + at, &value, lane);
    }
  if (style == 1)   /* all lanes the same */
    for (unsigned at = lane; at < 32; at += lane)
      memcpy (out + at, out, lane);
  if (style == 2)   /* halves the same */
    memcpy (out + 16, out, 16);
}

static void
fill_pools (void)
{
  static bool ready;
  if (ready)
    return;
  Rng rng;
  rng_seed (&rng, 0x7669747269);
  for (unsigned kind = 0; kind < N_VALUES; kind++)
    for (unsigned i = 0; i < POOL_SIZE; i++)
      fill_lanes (&rng, kind, vector_pool[kind][i]);
  for (unsigned i = 0; i < POOL_SIZE; i++)
    any_f80 (&rng, f80_pool[i]);
  ready = true;
}

const uint8_t *
values_vector (Rng *rng, ValuesKind kind)
{
  fill_pools ();
  return vector_pool[kind][rng_u64 (rng) >> 8 & (POOL_SIZE - 1)];
}

const uint8_t *
values_f80 (Rng *rng)
{
  fill_pools ();
  return f80_pool[rng_u64 (rng) >> 8 & (POOL_SIZE - 1)];
}

ValuesKind
values_kind_of (ZydisElementType type)
{
  switch (type)
    {
    case ZYDIS_ELEMENT_TYPE_FLOAT16:
      return VALUES_F16;
    case ZYDIS_ELEMENT_TYPE_FLOAT32:
      return VALUES_F32;
    case ZYDIS_ELEMENT_TYPE_FLOAT64:
      return VALUES_F64;
    case ZYDIS_ELEMENT_TYPE_INT:
    case ZYDIS_ELEMENT_TYPE_UINT:
      return VALUES_INT;
    default:
      return VALUES_MIXED;
    }
}

static void
any_bcd (Rng *rng, uint8_t out[10])
{
  for (unsigned i = 0; i < 9; i++)
    out[i] = rng_below (rng, 10) << 4 | rng_below (rng, 10);
  out[9] = rng_chance (rng, 50) ? 0x80 : 0;
  if (rng_chance (rng, 10))
    out[rng_below (rng, 10)] = rng_u64 (rng);
}

void
values_memory (Rng *rng, ZydisElementType type, uint8_t *out, unsigned len)
{
  if (len == 8 && (type == ZYDIS_ELEMENT_TYPE_INT || type == ZYDIS_ELEMENT_TYPE_UINT))
    {
      uint64_t value = values_u64 (rng);
      memcpy (out, &value, 8);
      return;
    }
  if (type == ZYDIS_ELEMENT_TYPE_FLOAT80 && len >= 10)
    memcpy (out, values_f80 (rng), 10);
  else if (type == ZYDIS_ELEMENT_TYPE_LONGBCD && len >= 10)
    any_bcd (rng, out);
  else
    for (unsigned at = 0; at < len; at += 32)
      memcpy (out + at, values_vector (rng, values_kind_of (type)), MIN (len - at, 32u));
}
