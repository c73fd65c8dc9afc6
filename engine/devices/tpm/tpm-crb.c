/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Command response buffer interface of a TPM 2.0. Names and bits of registers: PTP 1.05, 6.5.3 (tables of "CRB Interface"); states
 * of a command: 6.5.2.
 *
 * A driver takes a locality, makes the TPM ready, writes a command into the buffer, starts it, and finds the answer in its place.
 * A command may also begin with its first byte, without cmdReady ("idle bypass"): Linux writes its next one over an answer, SeaBIOS its
 * first one into an idle TPM, whatever the TPM says that it can. */
#include "tpm-crb.h"

#include "tpm-locality.h"
#include "tpm-port.h"
#include "trace-tpm.h"
#include "vitrine/error.h"

#define LOC_STATE           0x00u
#define LOC_STATE_ESTABLISHED 0x01u      /* 0: a measured launch has happened */
#define LOC_STATE_ASSIGNED  0x02u
#define LOC_STATE_ACTIVE_SHIFT 2u
#define LOC_STATE_VALID     0x80u
#define LOC_CTRL            0x08u
#define LOC_CTRL_REQUEST    0x01u
#define LOC_CTRL_RELINQUISH 0x02u
#define LOC_CTRL_SEIZE      0x04u
#define LOC_CTRL_RESET_ESTABLISHMENT 0x08u
#define LOC_STS             0x0cu
#define LOC_STS_GRANTED     0x01u
#define LOC_STS_SEIZED      0x02u
#define INTF_ID             0x30u
#define CTRL_REQ            0x40u
#define CTRL_REQ_READY      0x01u
#define CTRL_REQ_IDLE       0x02u
#define CTRL_STS            0x44u
#define CTRL_STS_ERROR      0x01u
#define CTRL_STS_IDLE       0x02u
#define CTRL_CANCEL         0x48u
#define CTRL_START          0x4cu
#define CTRL_CMD_SIZE       0x58u
#define CTRL_CMD_LADDR      0x5cu
#define CTRL_RSP_SIZE       0x64u
#define CTRL_RSP_ADDR       0x68u
#define DATA_BUFFER         0x80u


/* CRB, version 1, five localities, idle bypass, transfers of up to 64 bytes, only this interface, which is selected for good. */
#define INTF_ID_LOW  (UINT32_C (1) | 1u << 4 | 1u << 8 | 1u << 9 | 3u << 11 | 1u << 14 | 1u << 17 | 1u << 19)
/* Vendor and device as swtpm has them. */
#define INTF_ID_HIGH UINT32_C (0x00011014)

typedef enum
{
  PHASE_IDLE,
  PHASE_READY,        /* the buffer takes a command */
  PHASE_EXECUTING,
  PHASE_COMPLETE,     /* it has the answer */
  PHASES,
} Phase;

typedef struct
{
  uint8_t buffer[VT_TPM_CRB_BUFFER_BYTES];
  uint8_t phase;         /* Phase */
  VtTpmLocalities localities;
  uint8_t cancel;        /* as it was written */
  bool    failed;
} CrbState;

static const VtField crb_fields[] = {
  VT_FIELD (CrbState, buffer),               VT_FIELD (CrbState, phase),             VT_FIELD (CrbState, localities.active),
  VT_FIELD (CrbState, localities.requested), VT_FIELD (CrbState, localities.seized), VT_FIELD (CrbState, cancel),
  VT_FIELD (CrbState, failed),
};
static const CrbState crb_at_reset = { .localities = { .active = VT_TPM_NOBODY } };

typedef struct
{
  VtDevice  dev;
  CrbState  s;
  VtTpmPort port;
  bool      ready_wanted;   /* as soon as the command that nobody waits for is over; never in a machine that stands */
} Crb;

/* --- Commands ----------------------------------------------------------------------------------------------------------- */

static void
answered (void *device, const uint8_t *bytes, size_t len, bool failed)
{
  Crb *crb = device;
  crb->s.failed |= failed;
  if (bytes == NULL)
    {
      if (crb->ready_wanted)
        crb->s.phase = PHASE_READY;
      crb->ready_wanted = false;
      return;
    }
  len = MIN (len, sizeof crb->s.buffer);
  memset (crb->s.buffer, 0, sizeof crb->s.buffer);
  memcpy (crb->s.buffer, bytes, len);
  crb->s.phase = PHASE_COMPLETE;
  trace_tpm_crb_answer ((uint32_t) len, failed);
}

static void
start (Crb *crb)
{
  if (crb->s.phase != PHASE_READY)
    {
      vt_guest_warn (&crb->dev, "a command is started while the TPM is not ready for one");
      return;
    }
  crb->s.phase = PHASE_EXECUTING;
  trace_tpm_crb_start (crb->s.localities.active, (uint32_t) vt_load_be (crb->s.buffer + 2, 4),
                       (uint32_t) vt_load_be (crb->s.buffer + 6, 4));
  vt_tpm_port_send (&crb->port, crb->s.localities.active, crb->s.buffer, sizeof crb->s.buffer);
}

static void
request_phase (Crb *crb, uint32_t value)
{
  if (crb->s.phase == PHASE_EXECUTING || (value & (CTRL_REQ_READY | CTRL_REQ_IDLE)) == 0)
    return;
  bool idle = (value & CTRL_REQ_IDLE) != 0;
  memset (crb->s.buffer, 0, sizeof crb->s.buffer);
  crb->ready_wanted = !idle && vt_tpm_port_busy (&crb->port);
  crb->s.phase = idle || crb->ready_wanted ? PHASE_IDLE : PHASE_READY;
}

/* --- Localities --------------------------------------------------------------------------------------------------------- */

/* What one locality had begun is not the next one's. */
static void
give (Crb *crb, unsigned locality)
{
  if (crb->s.phase == PHASE_EXECUTING)
    vt_tpm_port_abandon (&crb->port);
  memset (crb->s.buffer, 0, sizeof crb->s.buffer);
  crb->s.phase = PHASE_IDLE;
  crb->ready_wanted = false;
  vt_tpm_localities_give (&crb->s.localities, locality);
  if (locality != VT_TPM_NOBODY)
    crb->s.localities.seized &= (uint8_t) ~(1u << locality);
}

static void
relinquish (Crb *crb, unsigned locality)
{
  unsigned next;
  if (vt_tpm_localities_leave (&crb->s.localities, locality, &next))
    give (crb, next);
}

static void
control_locality (Crb *crb, unsigned locality, uint32_t value)
{
  if ((value & LOC_CTRL_RESET_ESTABLISHMENT) && crb->s.localities.active == locality && locality >= 3)
    vt_tpm_port_forget_established (&crb->port, locality);
  if (value & LOC_CTRL_RELINQUISH)
    relinquish (crb, locality);
  else if (vt_tpm_localities_ask (&crb->s.localities, locality, value & LOC_CTRL_REQUEST, value & LOC_CTRL_SEIZE))
    give (crb, locality);
}

/* --- Registers ---------------------------------------------------------------------------------------------------------- */

static uint32_t
locality_state (const Crb *crb)
{
  uint32_t value = LOC_STATE_VALID | (vt_tpm_port_established (&crb->port) ? 0 : LOC_STATE_ESTABLISHED);
  uint32_t active = crb->s.localities.active;
  return active == VT_TPM_NOBODY ? value : value | LOC_STATE_ASSIGNED | active << LOC_STATE_ACTIVE_SHIFT;
}

static uint32_t
locality_status (const Crb *crb, unsigned locality)
{
  return (crb->s.localities.active == locality ? LOC_STS_GRANTED : 0)
         | (crb->s.localities.seized >> locality & 1 ? LOC_STS_SEIZED : 0);
}

static uint32_t
read_register (const Crb *crb, unsigned locality, unsigned reg)
{
  uint32_t buffer = (uint32_t) VT_TPM_BASE + (locality << VT_TPM_LOCALITY_SHIFT) + DATA_BUFFER;
  switch (reg)
    {
    case LOC_STATE: return locality_state (crb);
    case LOC_STS: return locality_status (crb, locality);
    case INTF_ID: return INTF_ID_LOW;
    case INTF_ID + 4: return INTF_ID_HIGH;
    case CTRL_REQ: return crb->ready_wanted ? CTRL_REQ_READY : 0;
    case CTRL_STS: return (crb->s.phase == PHASE_IDLE ? CTRL_STS_IDLE : 0) | (crb->s.failed ? CTRL_STS_ERROR : 0);
    case CTRL_CANCEL: return crb->s.cancel;
    case CTRL_START: return crb->s.phase == PHASE_EXECUTING;
    case CTRL_CMD_SIZE:
    case CTRL_RSP_SIZE: return VT_TPM_CRB_BUFFER_BYTES;
    case CTRL_CMD_LADDR:
    case CTRL_RSP_ADDR: return buffer;
    default: return 0;
    }
}

static void
write_control (Crb *crb, unsigned reg, uint32_t value)
{
  switch (reg)
    {
    case CTRL_REQ:
      request_phase (crb, value);
      break;
    case CTRL_CANCEL:
      crb->s.cancel = value & 1;
      if (crb->s.cancel && crb->s.phase == PHASE_EXECUTING)
        vt_tpm_port_cancel (&crb->port);
      break;
    case CTRL_START:
      if (value & 1)
        start (crb);
      break;
    }
}

static bool
may_see_buffer (const Crb *crb, unsigned locality)
{
  return crb->s.localities.active == locality && (crb->s.phase == PHASE_READY || crb->s.phase == PHASE_COMPLETE);
}

static uint64_t
crb_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Crb     *crb = (Crb *) dev;
  unsigned locality = (unsigned) (off >> VT_TPM_LOCALITY_SHIFT), reg = off & (VT_TPM_LOCALITY_BYTES - 1);
  if (locality == VT_TPM_HARDWARE)
    return UINT64_MAX;
  if (reg >= DATA_BUFFER)
    return may_see_buffer (crb, locality) ? vt_load_le (crb->s.buffer + (reg - DATA_BUFFER), size) : UINT64_MAX;
  uint64_t value = read_register (crb, locality, reg & ~7u) | (uint64_t) read_register (crb, locality, (reg & ~7u) + 4) << 32;
  value >>= (reg & 7) * 8;
  trace_tpm_crb_read ((uint32_t) off, (uint32_t) value);
  return value;
}

/* What matters of each register is in its first byte. */
static void
crb_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Crb     *crb = (Crb *) dev;
  unsigned locality = (unsigned) (off >> VT_TPM_LOCALITY_SHIFT), reg = off & (VT_TPM_LOCALITY_BYTES - 1);
  if (locality == VT_TPM_HARDWARE)
    return;
  if (reg >= DATA_BUFFER)
    {
      if (crb->s.localities.active != locality || vt_tpm_port_busy (&crb->port))
        return;
      crb->s.phase = PHASE_READY;
      vt_store_le (crb->s.buffer + (reg - DATA_BUFFER), value, size);
      return;
    }
  trace_tpm_crb_write ((uint32_t) off, (uint32_t) value);
  if (reg == LOC_CTRL)
    control_locality (crb, locality, (uint32_t) value);
  else if (crb->s.localities.active == locality)
    write_control (crb, reg, (uint32_t) value);
  if (size == 8 && crb->s.localities.active == locality)
    write_control (crb, reg + 4, (uint32_t) (value >> 32));
}

/* --- The device --------------------------------------------------------------------------------------------------------- */

static void
settle (VtDevice *dev)
{
  Crb *crb = (Crb *) dev;
  vt_tpm_port_abandon (&crb->port);
  crb->ready_wanted = false;
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const CrbState *s = incoming;
  if (s->phase < PHASES && s->phase != PHASE_EXECUTING && s->cancel <= 1
      && vt_tpm_localities_valid (&s->localities, s->phase == PHASE_IDLE))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved TPM interface is in an impossible state", dev->path);
  return false;
}

static void
quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  vt_tpm_port_quiesce (&((Crb *) dev)->port, done, opaque);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  const VtTpmDeviceConfig *config = env->config;
  vt_tpm_port_init (&((Crb *) dev)->port, config != NULL ? config->tpm : NULL, answered, dev);
  return true;
}

static const VtRegionOps crb_ops = { crb_read, crb_write, 1, 8 };
const VtRegion vt_tpm_crb_region = { "tpm-crb", VT_TPM_BYTES, &crb_ops };
static const VtRegion *const crb_regions[] = { &vt_tpm_crb_region, NULL };

const VtDeviceClass vt_tpm_crb = {
  .name = "tpm-crb",
  .summary = "TPM 2.0, command response buffer interface",
  .instance_size = sizeof (Crb),
  .state_off = offsetof (Crb, s),
  .state = VT_STATE (1, CrbState, crb_fields, &crb_at_reset),
  .regions = crb_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
  .quiesce = quiesce,
};
