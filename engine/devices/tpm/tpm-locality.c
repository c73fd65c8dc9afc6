/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tpm-locality.h"

#include <glib.h>

bool
vt_tpm_localities_ask (VtTpmLocalities *localities, unsigned locality, bool request, bool seize)
{
  if (seize && localities->active != VT_TPM_NOBODY && locality > localities->active)
    {
      localities->seized |= (uint8_t) (1u << localities->active);
      return true;
    }
  if ((request || seize) && localities->active == VT_TPM_NOBODY)
    return true;
  if (request && localities->active != locality)
    localities->requested |= (uint8_t) (1u << locality);
  return false;
}

bool
vt_tpm_localities_leave (VtTpmLocalities *localities, unsigned locality, unsigned *next)
{
  localities->requested &= (uint8_t) ~(1u << locality);
  *next = localities->requested != 0 ? (unsigned) g_bit_nth_msf (localities->requested, -1) : VT_TPM_NOBODY;
  return localities->active == locality;
}

void
vt_tpm_localities_give (VtTpmLocalities *localities, unsigned locality)
{
  localities->active = (uint8_t) locality;
  if (locality != VT_TPM_NOBODY)
    localities->requested &= (uint8_t) ~(1u << locality);
}

bool
vt_tpm_localities_valid (const VtTpmLocalities *localities, bool idle)
{
  const uint8_t all = (1u << VT_TPM_HARDWARE) - 1;
  return (localities->active < VT_TPM_HARDWARE || localities->active == VT_TPM_NOBODY) && !(localities->requested & ~all)
         && !(localities->seized & ~all) && (localities->active != VT_TPM_NOBODY || (idle && localities->requested == 0));
}
