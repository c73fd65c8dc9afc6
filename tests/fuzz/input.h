/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once
#include "rig.h"

/* What a fuzzer made up, and how much of it is left. */
typedef struct
{
  const uint8_t *at;
  size_t         left;
} Input;

/* A little-endian number of that many bytes, at most 8; zeros when the input is used up. */
static inline uint64_t
take (Input *input, unsigned bytes)
{
  unsigned n = (unsigned) MIN (bytes, input->left);
  uint64_t value = vt_load_le (input->at, n);
  input->at += n;
  input->left -= n;
  return value;
}
