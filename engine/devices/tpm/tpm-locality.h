/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Localities share a TPM: one at a time has it, others wait, a higher one may take it away (PTP 1.05, chapter 6:
 * TPM_ACCESS_x, TPM_LOC_CTRL_x). Part of the saved state of both register interfaces. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define VT_TPM_LOCALITY_SHIFT 12u
#define VT_TPM_LOCALITY_BYTES (1u << VT_TPM_LOCALITY_SHIFT)
#define VT_TPM_NOBODY         0xffu
#define VT_TPM_HARDWARE       4u      /* the processor's own locality: software has no way to it */

/* locality in all functions: less than VT_TPM_HARDWARE. */
typedef struct
{
  uint8_t active;        /* the one that has the TPM, or VT_TPM_NOBODY */
  uint8_t requested;     /* a bit for each that waits for it */
  uint8_t seized;        /* ... and for each that lost it to a higher one */
} VtTpmLocalities;

/* True: the TPM is to be given to it. Otherwise it waits, if it requested. */
bool vt_tpm_localities_ask (VtTpmLocalities *localities, unsigned locality, bool request, bool seize);
/* It neither has the TPM any more nor waits for it. True: it had it; *next: the highest one that waits, or VT_TPM_NOBODY. */
bool vt_tpm_localities_leave (VtTpmLocalities *localities, unsigned locality, unsigned *next);
/* locality may be VT_TPM_NOBODY. */
void vt_tpm_localities_give (VtTpmLocalities *localities, unsigned locality);
/* Of a saved state. idle: no command is there, which only one that has the TPM can have begun. */
bool vt_tpm_localities_valid (const VtTpmLocalities *localities, bool idle);
