/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Operand values with a bias to where instructions go wrong. */
#pragma once

#include "rng.h"

#include <Zydis/Zydis.h>

typedef enum
{
  VALUES_MIXED,
  VALUES_INT,
  VALUES_F32,
  VALUES_F64,
  VALUES_F16,
  N_VALUES,
} ValuesKind;

uint64_t values_u64 (Rng *rng);
/* 32 bytes of lanes of that kind. */
const uint8_t *values_vector (Rng *rng, ValuesKind kind);
/* 10 bytes, 80-bit extended precision; all encodings, the unsupported ones too. */
const uint8_t *values_f80 (Rng *rng);
/* Fills memory that an operand of that element type will read. */
void values_memory (Rng *rng, ZydisElementType type, uint8_t *out, unsigned len);
ValuesKind values_kind_of (ZydisElementType type);
