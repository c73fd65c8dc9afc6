/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Random numbers that are the same for ever: xoshiro256**, seeded by splitmix64 (Blackman and Vigna, public domain). */
#pragma once

#include <stdint.h>

typedef struct
{
  uint64_t s[4];
} Rng;

static inline uint64_t
rng_split_mix (uint64_t *x)
{
  uint64_t z = (*x += 0x9e3779b97f4a7c15u);
  z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
  z = (z ^ z >> 27) * 0x94d049bb133111ebu;
  return z ^ z >> 31;
}

static inline void
rng_seed (Rng *rng, uint64_t seed)
{
  for (unsigned i = 0; i < 4; i++)
    rng->s[i] = rng_split_mix (&seed);
}

static inline uint64_t
rng_rotl (uint64_t x, unsigned n)
{
  return x << n | x >> (64 - n);
}

static inline uint64_t
rng_u64 (Rng *rng)
{
  uint64_t *s = rng->s, result = rng_rotl (s[1] * 5, 7) * 9, t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rng_rotl (s[3], 45);
  return result;
}

/* 0 .. n - 1; n at most 2^32. */
static inline uint32_t
rng_below (Rng *rng, uint64_t n)
{
  return (rng_u64 (rng) >> 32) * n >> 32;
}

/* True in `percent` of 100. */
static inline int
rng_chance (Rng *rng, unsigned percent)
{
  return rng_below (rng, 100) < percent;
}
