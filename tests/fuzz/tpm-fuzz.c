/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target for the register interfaces of a TPM: tpm-fuzz tpm-crb|tpm-tis [libFuzzer options].
 *
 * An input is what guest and TPM do in turns: accesses to the registers that matter, answers of any length to commands that are under
 * way, resets, standing still, and loading a broken copy of the state. Whatever a guest does, the TPM gets whole commands, one at a
 * time, and a state that was saved can be loaded.
 */
#include "input.h"
#include "tpm-crb.h"
#include "tpm-tis.h"

static const VtDeviceClass *device_class;
static size_t longest;

typedef struct
{
  VtTpm tpm;
  bool  busy;
} Tpm;

static void
send (VtTpm *base, unsigned locality, const uint8_t *command, size_t len)
{
  Tpm *tpm = (Tpm *) base;
  g_assert (!tpm->busy && locality < VT_TPM_LOCALITIES - 1);
  g_assert (len >= VT_TPM_HEADER && len <= longest && vt_load_be (command + 2, 4) == len);
  tpm->busy = true;
}

static void
ignore (VtTpm *base)
{
  g_assert (((Tpm *) base)->busy);
}

static void
forget (VtTpm *base, unsigned locality)
{
  g_assert (locality == 3);
  base->established = false;
}

static Tpm the_tpm;

static void
answer (Input *input, bool failed)
{
  uint8_t bytes[VT_TPM_ANSWER_MAX] = { 0x80, 0x01 };
  size_t  len = failed ? 0 : MIN (VT_TPM_HEADER + take (input, 2) % VT_TPM_ANSWER_MAX, longest);
  if (!the_tpm.busy)
    return;
  the_tpm.busy = false;
  the_tpm.tpm.answered (the_tpm.tpm.opaque, bytes, len);
}

static void
set_done (void *opaque)
{
  *(bool *) opaque = true;
}

static void
load_broken_state (Rig *rig, Input *input)
{
  g_autoptr(GByteArray) state = g_byte_array_new ();
  g_autoptr(GError) error = NULL;
  bool done = false;
  vt_device_set_running (rig->dev, false);
  device_class->quiesce (rig->dev, set_done, &done);
  g_assert (done == !the_tpm.busy);
  if (!done)
    answer (input, false);
  g_assert (done);
  vt_device_save (rig->dev, state);
  bool whole = vt_device_load (rig->dev, device_class->state.version, state->data, state->len, &error);
  g_assert (whole);      /* what a machine can be in, it can go on from */
  for (unsigned i = 0; i < 4; i++)
    state->data[state->len - 1 - take (input, 1) % 24] = (uint8_t) take (input, 1);
  if (!vt_device_load (rig->dev, device_class->state.version, state->data, state->len, &error))
    g_assert (error != NULL);
  vt_device_set_running (rig->dev, true);
}

/* Mostly the registers; of the buffers, where a command says how long it is. */
static uint64_t
take_register (Input *input)
{
  static const uint16_t registers[] = { 0x00, 0x08, 0x0c, 0x10, 0x18, 0x1b, 0x24, 0x30, 0x40, 0x44, 0x48, 0x4c, 0x80, 0x82, 0x84, 0xf00 };
  uint64_t byte = take (input, 1);
  if (byte >= 0xf8)
    return take (input, 2) % VT_TPM_BYTES;
  return registers[byte & 15] + (byte >> 4) % VT_TPM_LOCALITIES * 0x1000;
}

static void
run_step (Rig *rig, Input *input)
{
  uint64_t        op = take (input, 1);
  const VtRegion *region = device_class->regions[0];
  switch (op & 15)
    {
    case 0: answer (input, false); break;
    case 1: answer (input, op == 0xf1); break;
    case 2: vt_device_reset (rig->dev, VT_RESET_GUEST); break;
    case 3: load_broken_state (rig, input); break;
    case 4 ... 6: access_region (rig, input, region, take_register (input), take_size (input, region), false); break;
    default: access_region (rig, input, region, take_register (input), take_size (input, region), true); break;
    }
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  static const VtDeviceClass *const classes[] = { &vt_tpm_crb, &vt_tpm_tis, NULL };
  device_class = take_device (argc, argv, classes, NULL);
  longest = device_class == &vt_tpm_crb ? VT_TPM_CRB_BUFFER_BYTES : VT_TPM_TIS_BUFFER_BYTES;
  return 0;
}

/* As rig_plug(), with a TPM. */
static void
plug (Rig *rig)
{
  static const VtTpmOps ops = { .send = send, .cancel = ignore, .hurry = ignore, .forget_established = forget };
  VtTpmDeviceConfig     config = { &the_tpm.tpm };
  VtIrq                 wires[VT_TPM_TIS_WIRES];
  g_autoptr(GError) error = NULL;
  the_tpm = (Tpm) { .tpm = { .ops = &ops, .established = true } };
  for (unsigned i = 0; i < VT_TPM_TIS_WIRES; i++)
    wires[i] = (VtIrq) { .set = rig_wire_moved, .sink = rig, .pin = i, .label = "test" };
  rig->dev = vt_device_new (device_class, device_class->name);
  bool realized = vt_device_realize (rig->dev, &(VtEnv) { .wires = wires, .n_wires = VT_TPM_TIS_WIRES, .config = &config }, &error);
  g_assert (realized);
  vt_device_reset (rig->dev, VT_RESET_POWER);
  vt_device_set_running (rig->dev, true);
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  static Rig rig;
  Input      input = { data, len };
  plug (&rig);
  while (input.left > 0)
    run_step (&rig, &input);
  answer (&input, false);
  vt_device_free (rig.dev);
  return 0;
}
