/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target for any device: device-fuzz NAME [libFuzzer options].
 *
 * An input is a list of operations on a freshly reset device: register accesses, time, guest memory, resets, and loading a
 * broken copy of its own state.  Offsets come from the register table where there is one, or from the input.
 */
#include "input.h"

#define LONGEST_NS 20000000   /* of guest time in one step: a fuzzer that only waits learns nothing */

static const VtDeviceClass *device_class;

static uint64_t
take_offset (Input *input, const VtRegion *region)
{
  uint64_t raw = take (input, 2);
  if (device_class->n_regs > 0 && (raw & 1))
    return MIN (device_class->regs[(raw >> 1) % device_class->n_regs].off, region->length - 1);
  return (raw >> 1) % region->length;
}

static void
access_register (Rig *rig, Input *input, bool write)
{
  const VtRegion *region = take_region (input, device_class);
  if (region == NULL)
    return;
  unsigned size = take_size (input, region);
  access_region (rig, input, region, take_offset (input, region), size, write);
}

static void
load_broken_state (Rig *rig, Input *input)
{
  rig_pause (rig);
  g_autoptr(GByteArray) state = g_byte_array_new ();
  vt_device_save (rig->dev, state);
  unsigned hits = 1 + (take (input, 1) & 7);
  for (unsigned i = 0; i < hits && state->len > 0; i++)
    {
      uint64_t at = take (input, 2) % state->len;
      state->data[at] = (uint8_t) take (input, 1);
    }
  g_autoptr(GError) error = NULL;
  rig->loading = true;
  if (!vt_device_load (rig->dev, device_class->state.version, state->data, state->len, &error))
    g_assert (error != NULL);
  rig->loading = false;
  vt_device_set_running (rig->dev, true);
}

static void
run_step (Rig *rig, Input *input)
{
  uint64_t op = take (input, 1);
  switch (op & 15)
    {
    case 0: vt_clock_advance (rig->clock, (int64_t) (take (input, 4) % LONGEST_NS)); break;
    case 1: fill_memory (rig, input); break;
    case 2: vt_device_reset (rig->dev, op & 16 ? VT_RESET_BUS : VT_RESET_GUEST); break;
    case 3: load_broken_state (rig, input); break;
    case 4 ... 7: access_register (rig, input, false); break;
    default: access_register (rig, input, true); break;
    }
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  device_class = take_device (argc, argv, vt_device_classes, NULL);
  return 0;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  run_input (device_class, data, len, NULL, run_step);
  return 0;
}
