/* SPDX-License-Identifier: GPL-3.0-or-later */
#pragma once

#include "loop.h"
#include "tpm.h"
#include "vitrine/tpm.h"

typedef struct
{
  VtLoop     *loop;
  VtTpmEnds   ends;             /* taken, also on failure */
  size_t      buffer_bytes;     /* longest command and answer: 2808 to 4096 */
  unsigned    hurry_seconds;    /* how long a command may take once the machine is to stand still; 0: a time that real ones keep */
  /* Once: it is broken for good, and why. Loop thread, machine lock held. */
  void      (*failed) (void *opaque, const char *why);
  void       *opaque;
} VtSwtpmConfig;

/* A TPM that was just switched on, with a thread for its work. Blocks until swtpm is ready. */
VtTpm *vt_swtpm_new (const VtSwtpmConfig *config, GError **error);
