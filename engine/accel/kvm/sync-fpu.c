/* SPDX-License-Identifier: GPL-3.0-or-later */
/* x87, SSE and AVX registers: the kernel's image is that of XSAVE in the standard format (SDM volume 1, 13.4). */
#include "kvm-private.h"

#define AT_FCW 0u
#define AT_FSW 2u
#define AT_FTW 4u
#define AT_FOP 6u
#define AT_FIP 8u
#define AT_FDP 16u
#define AT_MXCSR 24u
#define AT_ST 32u
#define AT_XMM 160u
#define AT_BV 512u  /* components that are not in their initial state */
#define AT_YMM 576u /* high halves */
#define X87 1u
#define SSE 2u
#define AVX 4u
#define ST_BYTES 10u
#define TOP(fsw) (((fsw) >> 11) & 7u)
#define FCW_INIT 0x037fu
#define MXCSR_INIT 0x1f80u

/* The image has ST(0) first, the state the physical register 0. */
static void
put_x87 (const VtX86State *s, uint8_t *area)
{
  vt_store_le (area + AT_FCW, s->fcw, 2);
  vt_store_le (area + AT_FSW, s->fsw, 2);
  area[AT_FTW] = s->ftw;
  vt_store_le (area + AT_FOP, s->fop, 2);
  vt_store_le (area + AT_FIP, s->fip, 8);
  vt_store_le (area + AT_FDP, s->fdp, 8);
  for (unsigned i = 0; i < 8; i++)
    memcpy (area + AT_ST + 16 * i, s->st[(TOP (s->fsw) + i) & 7], ST_BYTES);
}

static void
take_x87 (VtX86State *s, const uint8_t *area)
{
  s->fcw = vt_load_le (area + AT_FCW, 2);
  s->fsw = vt_load_le (area + AT_FSW, 2);
  s->ftw = area[AT_FTW];
  s->fop = vt_load_le (area + AT_FOP, 2);
  s->fip = vt_load_le (area + AT_FIP, 8);
  s->fdp = vt_load_le (area + AT_FDP, 8);
  s->fcs = s->fds = 0;
  for (unsigned i = 0; i < 8; i++)
    {
      uint8_t *st = s->st[(TOP (s->fsw) + i) & 7];
      memset (st, 0, sizeof s->st[0]);
      memcpy (st, area + AT_ST + 16 * i, ST_BYTES);
    }
}

bool
vt_kvm_push_fpu (VtKvmVcpu *kvm, GError **error)
{
  const VtX86State *s = &kvm->cpu->s;
  struct kvm_xsave xsave = { 0 };
  uint8_t *area = (uint8_t *) &xsave;
  uint64_t components = X87 | SSE | (kvm->cpu->model->xcr0 & AVX);
  put_x87 (s, area);
  vt_store_le (area + AT_MXCSR, s->mxcsr, 4);
  for (unsigned i = 0; i < 16; i++)
    {
      memcpy (area + AT_XMM + 16 * i, s->ymm[i], 16);
      if (components & AVX)
        memcpy (area + AT_YMM + 16 * i, s->ymm[i] + 16, 16);
    }
  vt_store_le (area + AT_BV, components, 8);
  return vt_kvm_vcpu_ioctl (kvm, KVM_SET_XSAVE, &xsave, "KVM_SET_XSAVE", error);
}

bool
vt_kvm_pull_fpu (VtKvmVcpu *kvm, GError **error)
{
  VtX86State *s = &kvm->cpu->s;
  struct kvm_xsave xsave = { 0 };
  uint8_t *area = (uint8_t *) &xsave;
  if (!vt_kvm_vcpu_ioctl (kvm, KVM_GET_XSAVE, &xsave, "KVM_GET_XSAVE", error))
    return false;
  uint64_t components = vt_load_le (area + AT_BV, 8);
  if (!(components & X87))
    {
      memset (area, 0, AT_MXCSR);
      memset (area + AT_ST, 0, AT_XMM - AT_ST);
      vt_store_le (area + AT_FCW, FCW_INIT, 2);
    }
  if (!(components & SSE))
    memset (area + AT_XMM, 0, 16 * 16);
  if (!(components & AVX))
    memset (area + AT_YMM, 0, 16 * 16);
  take_x87 (s, area);
  s->mxcsr = (components & (SSE | AVX)) != 0 ? vt_load_le (area + AT_MXCSR, 4) : MXCSR_INIT;
  for (unsigned i = 0; i < 16; i++)
    {
      memcpy (s->ymm[i], area + AT_XMM + 16 * i, 16);
      memcpy (s->ymm[i] + 16, area + AT_YMM + 16 * i, 16);
    }
  return true;
}
