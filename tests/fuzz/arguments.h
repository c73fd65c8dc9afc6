/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between all fuzzers and libFuzzer. */
#pragma once

#include <glib.h>
#include <stdint.h>

int LLVMFuzzerInitialize (int *argc, char ***argv);
size_t LLVMFuzzerMutate (uint8_t *bytes, size_t len, size_t most);
size_t LLVMFuzzerCustomMutator (uint8_t *bytes, size_t len, size_t most, unsigned seed);
int LLVMFuzzerTestOneInput (const uint8_t *bytes, size_t len);

/* The first argument, which libFuzzer is not to see; "" when there is none. */
static inline const char *
take_argument (int *argc, char ***argv)
{
  const char *word = *argc > 1 ? (*argv)[1] : "";
  if (*argc < 2)
    return word;
  (*argv)[1] = (*argv)[0];
  (*argv)++;
  (*argc)--;
  return word;
}

static inline void
drop_message (const char *domain, GLogLevelFlags level, const char *message, void *opaque)
{
}
