/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Memory of system management mode, as the Q35 host bridge gives it: a piece of RAM that processors see in the mode, and nobody else
 * (document 316966, 3.8 and 5.1.31-32). */
#pragma once

#include "mem.h"

/* MCH register ESMRAMC. */
enum
{
  VT_ESMRAMC_T_EN     = 1u << 0,   /* TSEG is on */
  VT_ESMRAMC_TSEG_SZ  = 3u << 1,   /* 1, 2, 8 MiB, or the machine's own size */
  VT_ESMRAMC_H_SMRAME = 1u << 7,   /* 0xa0000 is shown at VT_SMRAM_HIGH instead */
};
#define VT_SMRAM_LOW   UINT64_C (0xa0000)
#define VT_SMRAM_HIGH  UINT64_C (0xfeda0000)
#define VT_SMRAM_BYTES UINT64_C (0x20000)

typedef struct
{
  VtMem     *mem, *smm_mem;   /* the overlay: what is seen in the mode */
  VtRam     *ram;             /* at 0; TSEG is its end */
  unsigned   tseg_mib;        /* TSEG_SZ 3 */
  VtMapping *low, *high, *tseg, *hole;
  uint64_t   tseg_bytes;      /* 0: off */
} VtSmram;

/* `smram` has its first four members; all is off. Machine lock held, as for the other two. */
bool vt_smram_realize (VtSmram *smram, GError **error) G_GNUC_WARN_UNUSED_RESULT;
/* Derives the mappings from the two registers. `enabled`: G_SMRAME of SMRAM. */
void vt_smram_update (VtSmram *smram, bool enabled, unsigned esmramc);
void vt_smram_finalize (VtSmram *smram);
