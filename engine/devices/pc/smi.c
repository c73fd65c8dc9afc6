/* SPDX-License-Identifier: GPL-3.0-or-later */
/* See smi.h.  What was agreed to stays until a reset: selecting features-ok again changes nothing, unless it had been refused. */
#include "smi.h"

#include "trace-pc.h"
#include "vitrine/error.h"

typedef struct
{
  uint64_t requested, features;
  uint8_t  agreed;
  uint8_t  pad_[7];
} SmiState;

static const VtField smi_fields[] = {
  VT_FIELD (SmiState, requested),
  VT_FIELD (SmiState, features),
  VT_FIELD (SmiState, agreed),
  VT_FIELD (SmiState, pad_),
};

typedef struct
{
  VtDevice dev;
  SmiState s;
  VtIrq    wires[VT_SMI_WIRES];
} Smi;

static void
asked (void *sink, unsigned pin, bool level)
{
  Smi *smi = sink;
  if (level)
    vt_irq_pulse (&smi->wires[smi->s.features & VT_SMI_FEATURE_BROADCAST ? VT_SMI_WIRE_ALL : VT_SMI_WIRE_HERE]);
}

VtIrq
vt_smi_input (VtDevice *dev)
{
  return (VtIrq) { .set = asked, .sink = dev, .label = "chipset -> smi" };
}

void
vt_smi_requested (void *dev, const uint8_t *content, size_t size)
{
  Smi *smi = dev;
  g_assert (size == VT_SMI_FEATURES_BYTES);
  smi->s.requested = vt_load_le (content, VT_SMI_FEATURES_BYTES);
}

void
vt_smi_agree (void *dev, uint8_t *content, size_t size)
{
  Smi *smi = dev;
  g_assert (size == VT_SMI_OK_BYTES);
  if (!smi->s.agreed && (smi->s.requested & ~VT_SMI_FEATURES) == 0)
    {
      smi->s.features = smi->s.requested;
      smi->s.agreed = 1;
      trace_smi_agreed (smi->s.features);
    }
  content[0] = smi->s.agreed;
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const SmiState *s = incoming;
  if (s->agreed <= 1 && (s->features & ~(s->agreed ? VT_SMI_FEATURES : 0)) == 0)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved state of SMIs is impossible", dev->path);
  return false;
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Smi *smi = (Smi *) dev;
  for (unsigned i = 0; i < VT_SMI_WIRES; i++)
    smi->wires[i] = i < env->n_wires ? env->wires[i] : vt_irq_detached ("smi");
  return true;
}

const VtDeviceClass vt_smi_class = {
  .name = "smi",
  .summary = "SMIs of the chipset",
  .instance_size = sizeof (Smi),
  .state_off = offsetof (Smi, s),
  .state = VT_STATE (1, SmiState, smi_fields, NULL),
  .realize = realize,
  .check = check,
};
