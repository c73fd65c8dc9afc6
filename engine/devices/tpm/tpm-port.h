/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What both register interfaces share: a command on its way to the TPM, and what becomes of it.
 *
 * A guest may turn away from a command that is under way (abort it, or lose the TPM to a higher locality). Its answer then belongs
 * to nobody, but until it has come the TPM takes no other. Nothing in here is saved: a machine that stands has no command under way. */
#pragma once

#include "bits.h"
#include "quiet.h"
#include "tpm.h"

/* bytes NULL: the answer was nobody's, the TPM is free again. failed: the TPM is gone; the bytes are an answer that says so. */
typedef void (*VtTpmPortAnswered) (void *device, const uint8_t *bytes, size_t len, bool failed);

typedef struct
{
  VtTpm            *tpm;        /* NULL: one that has failed */
  VtTpmPortAnswered answered;
  void             *device;
  VtQuiet           quiet;      /* a command is under way ... */
  bool              orphan;     /* ... and nobody waits for it */
} VtTpmPort;

/* tpm: nullable. */
void vt_tpm_port_init (VtTpmPort *port, VtTpm *tpm, VtTpmPortAnswered answered, void *device);
/* Not while busy. The command is the first bytes of the `len` there are, as long as it says; one that says something impossible is
 * answered at once, inside this call. */
void vt_tpm_port_send (VtTpmPort *port, unsigned locality, const uint8_t *bytes, size_t len);
bool vt_tpm_port_busy (const VtTpmPort *port);
/* Whoever waited does not any more. */
void vt_tpm_port_abandon (VtTpmPort *port);
void vt_tpm_port_cancel (VtTpmPort *port);
void vt_tpm_port_forget_established (VtTpmPort *port, unsigned locality);
bool vt_tpm_port_established (const VtTpmPort *port);
/* For VtDeviceClass.quiesce. */
void vt_tpm_port_quiesce (VtTpmPort *port, void (*done) (void *opaque), void *opaque);
