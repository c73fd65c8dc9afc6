/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TPM that answers when a test says so. */
#pragma once

#include "tpm-device.h"

typedef struct
{
  VtTpm    tpm;
  uint8_t  command[VT_TPM_BYTES];   /* the last one */
  size_t   len;
  unsigned locality;
  unsigned sent, cancelled, hurried, forgotten;
} ScriptedTpm;

static inline void
scripted_send (VtTpm *tpm, unsigned locality, const uint8_t *command, size_t len)
{
  ScriptedTpm *self = (ScriptedTpm *) tpm;
  g_assert_cmpuint (len, <=, sizeof self->command);
  memcpy (self->command, command, len);
  self->len = len;
  self->locality = locality;
  self->sent++;
}

static inline void
scripted_cancel (VtTpm *tpm)
{
  ((ScriptedTpm *) tpm)->cancelled++;
}

static inline void
scripted_hurry (VtTpm *tpm)
{
  ((ScriptedTpm *) tpm)->hurried++;
}

static inline void
scripted_forget (VtTpm *tpm, unsigned locality)
{
  ((ScriptedTpm *) tpm)->forgotten = locality;
  tpm->established = false;
}

static const VtTpmOps scripted_ops = { .send = scripted_send, .cancel = scripted_cancel, .hurry = scripted_hurry,
                                       .forget_established = scripted_forget };

static inline void
scripted_answer (ScriptedTpm *self, const void *bytes, size_t len)
{
  self->tpm.answered (self->tpm.opaque, bytes, len);
}

/* TPM2_GetRandom of 8 bytes, and an answer to it. */
static const uint8_t get_random[] = { 0x80, 0x01, 0, 0, 0, 12, 0, 0, 0x01, 0x7b, 0, 8 };
static const uint8_t randomness[] = { 0x80, 0x01, 0, 0, 0, 20, 0, 0, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8 };
/* What the interface itself answers. */
static const uint8_t wrong_size[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x42 };
static const uint8_t failure[] = { 0x80, 0x01, 0, 0, 0, 10, 0, 0, 0x01, 0x01 };
