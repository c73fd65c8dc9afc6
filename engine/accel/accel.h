/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An accelerator executes guest instructions: interp, jit, kvm, cosim. All share one architectural state per vCPU. */
#pragma once

#include "vcpu.h"

typedef struct VtX86Model VtX86Model;

/* Does VtVcpuStats tell how many instructions ran? */
typedef enum
{
  VT_COUNT_NEVER,
  VT_COUNT_ALWAYS,       /* stats.instructions are all of them */
  VT_COUNT_WANTED,       /* while VtVcpu.counting is set: with stats.translated_instructions */
} VtAccelCount;

struct VtAccel
{
  const char *name;      /* "interp" */
  const char *summary;   /* a sentence for people */
  VtAccelCount counts;
  bool         translates;   /* VtVcpuStats of translation mean something */
  /* Can it run here? On failure the error says why, in a sentence that is shown. */
  bool   (*probe)   (GError **error);
  /* Stricter: would it serve a person well here? Choosing automatically asks that. NULL: probe() is enough. */
  bool   (*recommend) (GError **error);
  /* Takes out of a model what it cannot offer; before the first vCPU is made. Nullable. */
  bool   (*restrict_model) (VtX86Model *model, GError **error);
  /* Frequency of the guest's time-stamp counter. NULL: any, and then VT_TSC_HZ. */
  uint64_t (*tsc_hz) (void);
  bool   (*attach)  (VtVcpu *vcpu, GError **error);   /* once per vCPU before the first run */
  void   (*detach)  (VtVcpu *vcpu);
  /* Executes until something in VtExit happens. Own thread, without the machine lock. `budget`: at most that many
   * instructions; UINT64_MAX for no limit. On return the architectural state is complete. */
  VtExit (*run)     (VtVcpu *vcpu, uint64_t budget);
  /* RAM with VT_PAGE_CODE was written; any thread. Nullable. */
  void   (*code_wrote) (VtVcpu *vcpu, VtRam *ram, uint64_t off, uint64_t len);
};

#define VT_TSC_HZ G_GUINT64_CONSTANT (1000000000)

extern const VtAccel vt_accel_interp;
extern const VtAccel vt_accel_jit;
extern const VtAccel vt_accel_cosim;
extern const VtAccel vt_accel_kvm;
