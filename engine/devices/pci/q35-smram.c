/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "q35-smram.h"

#include "host-bridge.h"
#include "trace-pci.h"

static VtMapping *
map_visible (VtSmram *smram, uint64_t ram_off, uint64_t at, uint64_t bytes, GError **error)
{
  return vt_mem_map_ram (smram->smm_mem, smram->ram, ram_off, VT_GPA (at), bytes, VT_HOST_PRIORITY_SHADOW, VT_ACCESS_RAM,
                         VT_ACCESS_RAM, error);
}

bool
vt_smram_realize (VtSmram *smram, GError **error)
{
  smram->low = map_visible (smram, VT_SMRAM_LOW, VT_SMRAM_LOW, VT_SMRAM_BYTES, error);
  smram->high = smram->low != NULL ? map_visible (smram, VT_SMRAM_LOW, VT_SMRAM_HIGH, VT_SMRAM_BYTES, error) : NULL;
  if (smram->high == NULL)
    return false;
  vt_mapping_set_enabled (smram->low, false);
  vt_mapping_set_enabled (smram->high, false);
  return true;
}

static uint64_t
tseg_bytes (const VtSmram *smram, bool enabled, unsigned esmramc)
{
  const unsigned mib[] = { 1, 2, 8, smram->tseg_mib };
  uint64_t bytes = mib[(esmramc & VT_ESMRAMC_TSEG_SZ) >> 1] * VT_MIB;
  return enabled && (esmramc & VT_ESMRAMC_T_EN) && bytes < smram->ram->size ? bytes : 0;
}

/* Outside of the mode reads give ones, and writes vanish. */
static void
place_tseg (VtSmram *smram, uint64_t bytes)
{
  uint64_t at = smram->ram->size - bytes;
  if (bytes == smram->tseg_bytes)
    return;
  g_clear_pointer (&smram->hole, vt_mem_unmap);
  g_clear_pointer (&smram->tseg, vt_mem_unmap);
  smram->tseg_bytes = bytes;
  trace_mch_tseg (at, bytes);
  if (bytes == 0)
    return;
  smram->tseg = map_visible (smram, at, at, bytes, NULL);
  smram->hole = vt_mem_map_ram (smram->mem, smram->ram, at, VT_GPA (at), bytes, VT_HOST_PRIORITY_SHADOW, VT_ACCESS_IGNORE,
                                VT_ACCESS_IGNORE, NULL);
}

void
vt_smram_update (VtSmram *smram, bool enabled, unsigned esmramc)
{
  bool high = (esmramc & VT_ESMRAMC_H_SMRAME) != 0;
  vt_mem_begin (smram->smm_mem);
  vt_mapping_set_enabled (smram->low, enabled && !high);
  vt_mapping_set_enabled (smram->high, enabled && high);
  place_tseg (smram, tseg_bytes (smram, enabled, esmramc));
  vt_mem_commit (smram->smm_mem);
}

void
vt_smram_finalize (VtSmram *smram)
{
  g_clear_pointer (&smram->low, vt_mem_unmap);
  g_clear_pointer (&smram->high, vt_mem_unmap);
  g_clear_pointer (&smram->tseg, vt_mem_unmap);
  g_clear_pointer (&smram->hole, vt_mem_unmap);
}
