/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Codes of answers: TPM 2.0 Library, Part 2, 6.6.3 (TPM_RC). */
#include "tpm-port.h"

#define TPM_ST_NO_SESSIONS  0x8001u
#define TPM_RC_FAILURE      0x101u
#define TPM_RC_COMMAND_SIZE 0x142u
#define TPM_SIZE            2u        /* where a command or an answer says how long it is */
#define TPM_CODE            6u

static void
answer_with (VtTpmPort *port, uint32_t code, bool failed)
{
  uint8_t bytes[VT_TPM_HEADER];
  vt_store_be (bytes, TPM_ST_NO_SESSIONS, 2);
  vt_store_be (bytes + TPM_SIZE, sizeof bytes, 4);
  vt_store_be (bytes + TPM_CODE, code, 4);
  port->answered (port->device, bytes, sizeof bytes, failed);
}

static void
answered (void *opaque, const uint8_t *answer, size_t len)
{
  VtTpmPort *port = opaque;
  bool       orphan = port->orphan;
  port->orphan = false;
  vt_quiet_ended (&port->quiet);
  if (orphan)
    port->answered (port->device, NULL, 0, len == 0);
  else if (len == 0)
    answer_with (port, TPM_RC_FAILURE, true);
  else
    port->answered (port->device, answer, len, false);
  vt_quiet_tell (&port->quiet);
}

void
vt_tpm_port_init (VtTpmPort *port, VtTpm *tpm, VtTpmPortAnswered device_answered, void *device)
{
  *port = (VtTpmPort) { .tpm = tpm, .answered = device_answered, .device = device };
  if (tpm == NULL)
    return;
  tpm->answered = answered;
  tpm->opaque = port;
}

bool
vt_tpm_port_busy (const VtTpmPort *port)
{
  return port->quiet.in_flight > 0;
}

void
vt_tpm_port_send (VtTpmPort *port, unsigned locality, const uint8_t *bytes, size_t len)
{
  g_assert (!vt_tpm_port_busy (port));
  uint64_t command = len >= VT_TPM_HEADER ? vt_load_be (bytes + TPM_SIZE, 4) : 0;
  if (command < VT_TPM_HEADER || command > len)
    {
      answer_with (port, TPM_RC_COMMAND_SIZE, false);
      return;
    }
  if (port->tpm == NULL)
    {
      answer_with (port, TPM_RC_FAILURE, true);
      return;
    }
  vt_quiet_began (&port->quiet);
  port->tpm->ops->send (port->tpm, locality, bytes, command);
}

void
vt_tpm_port_abandon (VtTpmPort *port)
{
  port->orphan = vt_tpm_port_busy (port);
  vt_tpm_port_cancel (port);
}

void
vt_tpm_port_cancel (VtTpmPort *port)
{
  if (vt_tpm_port_busy (port))
    port->tpm->ops->cancel (port->tpm);
}

void
vt_tpm_port_forget_established (VtTpmPort *port, unsigned locality)
{
  if (port->tpm != NULL)
    port->tpm->ops->forget_established (port->tpm, locality);
}

bool
vt_tpm_port_established (const VtTpmPort *port)
{
  return port->tpm != NULL && port->tpm->established;
}

void
vt_tpm_port_quiesce (VtTpmPort *port, void (*done) (void *opaque), void *opaque)
{
  if (vt_tpm_port_busy (port))
    port->tpm->ops->hurry (port->tpm);
  vt_quiet_wait (&port->quiet, done, opaque);
}
