/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a device on the ISA bus asks of the DMA controllers: to move bytes through its channel. Machine lock held. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct
{
  /* Moves up to n bytes of an 8-bit channel between `bytes` and memory, and returns how many that were: fewer when the
   * channel has reached its terminal count with the last of them, which *end then tells; none when the channel is masked
   * or programmed for the other direction. */
  size_t (*move) (void *opaque, unsigned channel, uint8_t *bytes, size_t n, bool to_memory, bool *end);
  void *opaque;
} VtIsaDma;
