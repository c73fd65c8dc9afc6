/* SPDX-License-Identifier: GPL-3.0-or-later */
/* FIFO interface of a TPM 2.0. Names and bits of registers: PTP 1.05, 6.5.2 (tables of "FIFO Interface"); states of a command: 6.5.2
 * "State Transition Table".
 *
 * A driver takes a locality, makes the TPM ready, writes a command byte by byte into a FIFO, starts it, and reads the answer out of
 * the same FIFO. */
#include "tpm-tis.h"

#include "tpm-locality.h"
#include "tpm-port.h"
#include "trace-tpm.h"
#include "vitrine/error.h"

#define ACCESS            0x00u
#define ACCESS_ESTABLISHMENT 0x01u      /* 0: a measured launch has happened */
#define ACCESS_REQUEST    0x02u
#define ACCESS_PENDING    0x04u
#define ACCESS_SEIZE      0x08u
#define ACCESS_SEIZED     0x10u
#define ACCESS_ACTIVE     0x20u
#define ACCESS_VALID      0x80u
#define INT_ENABLE        0x08u
#define INT_ENABLE_GLOBAL 0x80000000u
#define INT_ENABLE_POLARITY 0x00000018u /* high level is what our wires are: the guest's wish is kept, and changes nothing */
#define INT_VECTOR        0x0cu
#define INT_STATUS        0x10u
#define INT_DATA_AVAILABLE 0x01u
#define INT_STS_VALID     0x02u
#define INT_LOCALITY      0x04u
#define INT_READY         0x80u
#define INT_ALL           (INT_DATA_AVAILABLE | INT_STS_VALID | INT_LOCALITY | INT_READY)
#define INTF_CAPABILITY   0x14u
#define STS               0x18u
#define STS_SELF_TEST_DONE 0x00000004u
#define STS_EXPECT        0x00000008u
#define STS_DATA_AVAILABLE 0x00000010u
#define STS_GO            0x00000020u
#define STS_READY         0x00000040u
#define STS_VALID         0x00000080u
#define STS_RETRY         0x00000002u
#define STS_BURST_SHIFT   8u
#define STS_CANCEL        0x01000000u
#define STS_RESET_ESTABLISHMENT 0x02000000u
#define STS_FAMILY_2_0    0x04000000u
#define DATA_FIFO         0x24u
#define INTERFACE_ID      0x30u
#define XDATA_FIFO        0x80u
#define XDATA_FIFO_END    0xc0u
#define DID_VID           0xf00u
#define RID               0xf04u

#define SIZE_OFF       2u      /* where a command says how long it is */

/* Interrupts of all four kinds, high level; transfers of 64 bytes; version 3: TPM 2.0. */
#define CAPABILITY     (INT_ALL | 1u << 3 | 3u << 9 | 3u << 28)
/* FIFO, version 0, five localities, transfers of up to 64 bytes, only this interface, which is selected for good. */
#define INTERFACE_LOW  (1u << 8 | 3u << 11 | 1u << 13 | 1u << 19)
#define VENDOR_DEVICE  0x00011014u      /* as swtpm has them */

typedef enum
{
  PHASE_IDLE,
  PHASE_READY,
  PHASE_RECEIVING,
  PHASE_EXECUTING,
  PHASE_COMPLETE,
  PHASES,
} Phase;

typedef struct
{
  uint8_t  buffer[VT_TPM_TIS_BUFFER_BYTES];
  uint16_t filled;       /* bytes of the command, or of the answer */
  uint16_t taken;        /* of the answer */
  uint8_t  phase;        /* Phase */
  VtTpmLocalities localities;
  uint32_t int_enable;
  uint8_t  int_status;
  uint8_t  int_vector;
  uint8_t  pad_[2];
} TisState;

static const VtField tis_fields[] = {
  VT_FIELD (TisState, buffer),               VT_FIELD (TisState, filled),            VT_FIELD (TisState, taken),
  VT_FIELD (TisState, phase),                VT_FIELD (TisState, localities.active), VT_FIELD (TisState, localities.requested),
  VT_FIELD (TisState, localities.seized),    VT_FIELD (TisState, int_enable),        VT_FIELD (TisState, int_status),
  VT_FIELD (TisState, int_vector),           VT_FIELD (TisState, pad_),
};
static const TisState tis_at_reset = { .localities = { .active = VT_TPM_NOBODY } };

typedef struct
{
  VtDevice  dev;
  TisState  s;
  VtTpmPort port;
  VtIrq     wires[VT_TPM_TIS_WIRES];
  bool      ready_wanted;   /* as soon as the command that nobody waits for is over; never in a machine that stands */
} Tis;

/* --- Interrupts --------------------------------------------------------------------------------------------------------- */

static void
update_wires (Tis *tis)
{
  bool level = (tis->s.int_enable & INT_ENABLE_GLOBAL) && (tis->s.int_enable & tis->s.int_status & INT_ALL);
  for (unsigned n = 1; n < VT_TPM_TIS_WIRES; n++)
    vt_irq_set (&tis->wires[n], level && n == tis->s.int_vector);
}

static void
note_event (Tis *tis, uint8_t event)
{
  tis->s.int_status |= event;
  update_wires (tis);
}

/* --- Commands ----------------------------------------------------------------------------------------------------------- */

static void
enter (Tis *tis, Phase phase)
{
  tis->s.filled = tis->s.taken = 0;
  tis->s.phase = phase;
  if (phase == PHASE_READY)
    note_event (tis, INT_READY | INT_STS_VALID);
}

static void
answered (void *device, const uint8_t *bytes, size_t len, bool failed)
{
  Tis *tis = device;
  if (bytes == NULL)
    {
      if (tis->ready_wanted)
        enter (tis, PHASE_READY);
      tis->ready_wanted = false;
      return;
    }
  enter (tis, PHASE_COMPLETE);
  tis->s.filled = (uint16_t) MIN (len, sizeof tis->s.buffer);
  memset (tis->s.buffer, 0, sizeof tis->s.buffer);
  memcpy (tis->s.buffer, bytes, tis->s.filled);
  trace_tpm_tis_answer (tis->s.filled, failed);
  note_event (tis, INT_DATA_AVAILABLE | INT_STS_VALID);
}

/* How many bytes the command will have: its header, until that says more. */
static unsigned
expected (const Tis *tis)
{
  if (tis->s.filled < VT_TPM_HEADER)
    return VT_TPM_HEADER;
  return (unsigned) MIN (vt_load_be (tis->s.buffer + SIZE_OFF, 4), sizeof tis->s.buffer);
}

static void
start (Tis *tis)
{
  if (tis->s.phase != PHASE_RECEIVING || tis->s.filled < expected (tis))
    {
      vt_guest_warn (&tis->dev, "a command is started that is not whole");
      return;
    }
  tis->s.phase = PHASE_EXECUTING;
  trace_tpm_tis_start (tis->s.localities.active, tis->s.filled, (uint32_t) vt_load_be (tis->s.buffer + 6, 4));
  vt_tpm_port_send (&tis->port, tis->s.localities.active, tis->s.buffer, tis->s.filled);
}

/* In every phase: what was there is forgotten. A command that is under way has to end first. */
static void
make_ready (Tis *tis)
{
  if (tis->s.phase == PHASE_EXECUTING)
    vt_tpm_port_abandon (&tis->port);
  tis->ready_wanted = vt_tpm_port_busy (&tis->port);
  enter (tis, tis->ready_wanted ? PHASE_IDLE : PHASE_READY);
}

static void
put_byte (Tis *tis, uint8_t byte)
{
  if (tis->s.phase == PHASE_READY)
    enter (tis, PHASE_RECEIVING);
  if (tis->s.phase == PHASE_RECEIVING && tis->s.filled < expected (tis))
    tis->s.buffer[tis->s.filled++] = byte;
}

static uint8_t
take_byte (Tis *tis)
{
  return tis->s.phase == PHASE_COMPLETE && tis->s.taken < tis->s.filled ? tis->s.buffer[tis->s.taken++] : 0xff;
}

/* --- Localities --------------------------------------------------------------------------------------------------------- */

/* What one locality had begun is not the next one's. */
static void
give (Tis *tis, unsigned locality)
{
  if (tis->s.phase == PHASE_EXECUTING)
    vt_tpm_port_abandon (&tis->port);
  tis->ready_wanted = false;
  enter (tis, PHASE_IDLE);
  vt_tpm_localities_give (&tis->s.localities, locality);
}

static void
relinquish (Tis *tis, unsigned locality)
{
  unsigned next;
  if (!vt_tpm_localities_leave (&tis->s.localities, locality, &next))
    return;
  give (tis, next);
  if (next != VT_TPM_NOBODY)
    note_event (tis, INT_LOCALITY);
}

static void
write_access (Tis *tis, unsigned locality, uint8_t value)
{
  if (value & ACCESS_SEIZED)
    tis->s.localities.seized &= (uint8_t) ~(1u << locality);
  if (value & ACCESS_ACTIVE)
    relinquish (tis, locality);
  if (vt_tpm_localities_ask (&tis->s.localities, locality, value & ACCESS_REQUEST, value & ACCESS_SEIZE))
    give (tis, locality);
}

static uint8_t
read_access (const Tis *tis, unsigned locality)
{
  const VtTpmLocalities *all = &tis->s.localities;
  uint8_t                mine = (uint8_t) (1u << locality);
  return (uint8_t) (ACCESS_VALID | (vt_tpm_port_established (&tis->port) ? 0 : ACCESS_ESTABLISHMENT)
                    | (all->active == locality ? ACCESS_ACTIVE : 0) | (all->seized & mine ? ACCESS_SEIZED : 0)
                    | (all->requested & mine ? ACCESS_REQUEST : 0) | (all->requested & ~mine ? ACCESS_PENDING : 0));
}

/* --- Registers ---------------------------------------------------------------------------------------------------------- */

/* How many bytes may be written or read without asking again. */
static unsigned
burst (const Tis *tis)
{
  switch ((Phase) tis->s.phase)
    {
    case PHASE_READY: return VT_TPM_TIS_BUFFER_BYTES;
    case PHASE_RECEIVING: return VT_TPM_TIS_BUFFER_BYTES - tis->s.filled;
    case PHASE_COMPLETE: return tis->s.filled - tis->s.taken;
    default: return 0;
    }
}

static uint32_t
read_status (const Tis *tis)
{
  uint32_t value = STS_FAMILY_2_0 | STS_VALID | STS_SELF_TEST_DONE | burst (tis) << STS_BURST_SHIFT;
  if (tis->s.phase == PHASE_READY)
    value |= STS_READY;
  if (tis->s.phase == PHASE_RECEIVING && tis->s.filled < expected (tis))
    value |= STS_EXPECT;
  if (tis->s.phase == PHASE_COMPLETE && tis->s.taken < tis->s.filled)
    value |= STS_DATA_AVAILABLE;
  return value;
}

static void
write_status (Tis *tis, uint32_t value)
{
  if ((value & STS_RESET_ESTABLISHMENT) && tis->s.localities.active >= 3)
    vt_tpm_port_forget_established (&tis->port, tis->s.localities.active);
  if ((value & STS_CANCEL) && tis->s.phase == PHASE_EXECUTING)
    vt_tpm_port_cancel (&tis->port);
  if (value & STS_READY)
    make_ready (tis);
  else if (value & STS_GO)
    start (tis);
  else if ((value & STS_RETRY) && tis->s.phase == PHASE_COMPLETE)
    tis->s.taken = 0;
}

/* Four bytes at a multiple of four. Other localities than the active one see no status. */
static uint32_t
read_register (const Tis *tis, unsigned locality, unsigned reg)
{
  switch (reg)
    {
    case ACCESS: return read_access (tis, locality);
    case INT_ENABLE: return tis->s.int_enable;
    case INT_VECTOR: return tis->s.int_vector;
    case INT_STATUS: return tis->s.int_status;
    case INTF_CAPABILITY: return CAPABILITY;
    case STS: return tis->s.localities.active == locality ? read_status (tis) : UINT32_MAX;
    case INTERFACE_ID: return INTERFACE_LOW;
    case INTERFACE_ID + 4: return VENDOR_DEVICE;
    case DID_VID: return VENDOR_DEVICE;
    case RID: return 0;
    default: return UINT32_MAX;
    }
}

static bool
is_fifo (unsigned reg)
{
  return (reg >= DATA_FIFO && reg < DATA_FIFO + 4) || (reg >= XDATA_FIFO && reg < XDATA_FIFO_END);
}

static uint64_t
tis_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Tis     *tis = (Tis *) dev;
  unsigned locality = (unsigned) (off >> VT_TPM_LOCALITY_SHIFT), reg = off & (VT_TPM_LOCALITY_BYTES - 1);
  uint32_t value = 0;
  if (locality == VT_TPM_HARDWARE || (is_fifo (reg) && tis->s.localities.active != locality))
    return UINT64_MAX;
  if (is_fifo (reg))
    {
      for (unsigned i = 0; i < size; i++)
        value |= (uint32_t) take_byte (tis) << (8 * i);
      return value;
    }
  value = read_register (tis, locality, reg & ~3u) >> (8 * (reg & 3));
  trace_tpm_tis_read ((uint32_t) off, value);
  return value;
}

/* value: in its place among the register's four bytes; mask: which of them are written. */
static void
write_interrupts (Tis *tis, unsigned reg, uint32_t value, uint32_t mask)
{
  switch (reg)
    {
    case INT_ENABLE:
      tis->s.int_enable = ((tis->s.int_enable & ~mask) | value) & (INT_ENABLE_GLOBAL | INT_ENABLE_POLARITY | INT_ALL);
      break;
    case INT_VECTOR:
      if (mask & 0xff)
        tis->s.int_vector = value & (VT_TPM_TIS_WIRES - 1);
      break;
    case INT_STATUS:
      tis->s.int_status &= (uint8_t) ~value;
      break;
    }
  update_wires (tis);
}

static void
tis_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Tis     *tis = (Tis *) dev;
  unsigned locality = (unsigned) (off >> VT_TPM_LOCALITY_SHIFT), reg = off & (VT_TPM_LOCALITY_BYTES - 1), shift = 8 * (reg & 3);
  if (locality == VT_TPM_HARDWARE)
    return;
  if (reg == ACCESS)
    write_access (tis, locality, (uint8_t) value);
  if (tis->s.localities.active != locality)
    return;
  if (is_fifo (reg))
    {
      for (unsigned i = 0; i < size; i++)
        put_byte (tis, (uint8_t) (value >> (8 * i)));
      return;
    }
  trace_tpm_tis_write ((uint32_t) off, (uint32_t) value);
  if ((reg & ~3u) == STS)
    write_status (tis, (uint32_t) value << shift);
  else
    write_interrupts (tis, reg & ~3u, (uint32_t) value << shift, (uint32_t) vt_mask_bytes (size) << shift);
}

/* --- The device --------------------------------------------------------------------------------------------------------- */

static void
settle (VtDevice *dev)
{
  Tis *tis = (Tis *) dev;
  vt_tpm_port_abandon (&tis->port);
  tis->ready_wanted = false;
  update_wires (tis);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const TisState *s = incoming;
  if (s->phase < PHASES && s->phase != PHASE_EXECUTING && s->filled <= sizeof s->buffer && s->taken <= s->filled
      && !(s->int_enable & ~(INT_ENABLE_GLOBAL | INT_ENABLE_POLARITY | INT_ALL)) && !(s->int_status & ~INT_ALL)
      && s->int_vector < VT_TPM_TIS_WIRES && vt_tpm_localities_valid (&s->localities, s->phase == PHASE_IDLE))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved TPM interface is in an impossible state", dev->path);
  return false;
}

static void
quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  vt_tpm_port_quiesce (&((Tis *) dev)->port, done, opaque);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Tis               *tis = (Tis *) dev;
  const VtTpmDeviceConfig *config = env->config;
  g_assert (env->n_wires >= VT_TPM_TIS_WIRES);
  memcpy (tis->wires, env->wires, sizeof tis->wires);
  vt_tpm_port_init (&tis->port, config != NULL ? config->tpm : NULL, answered, dev);
  return true;
}

static const VtRegionOps tis_ops = { tis_read, tis_write, 1, 4 };
const VtRegion vt_tpm_tis_region = { "tpm-tis", VT_TPM_BYTES, &tis_ops };
static const VtRegion *const tis_regions[] = { &vt_tpm_tis_region, NULL };

const VtDeviceClass vt_tpm_tis = {
  .name = "tpm-tis",
  .summary = "TPM 2.0, FIFO interface",
  .instance_size = sizeof (Tis),
  .state_off = offsetof (Tis, s),
  .state = VT_STATE (1, TisState, tis_fields, &tis_at_reset),
  .regions = tis_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
  .quiesce = quiesce,
};
