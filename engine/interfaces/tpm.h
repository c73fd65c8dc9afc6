/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A TPM 2.0 as its register interface sees it: one command after the other, each with an answer. All calls under the machine
 * lock, and none waits, unless it says otherwise. Commands and answers are bytes as in TPM 2.0 Part 3: a tag, their length and a
 * code, all big-endian, in the first VT_TPM_HEADER bytes. */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum
{
  VT_TPM_HEADER = 10,
  VT_TPM_LOCALITIES = 5,
  VT_TPM_ANSWER_MAX = 4096,
};

typedef struct VtTpm VtTpm;

/* The answer, at most as long as the interface's buffer; len 0: the TPM has failed, and does so from now on. Once for each command,
 * on the loop thread, machine lock held, never inside send(). */
typedef void (*VtTpmAnswered) (void *opaque, const uint8_t *answer, size_t len);

typedef struct
{
  /* A whole command, which is copied. The next one may come when this one is answered. */
  void (*send)   (VtTpm *tpm, unsigned locality, const uint8_t *command, size_t len);
  /* The command that is under way need not be done: its answer may say so, or be what it would have been. */
  void (*cancel) (VtTpm *tpm);
  /* The machine is about to stand still: an answer comes within a bounded time, or the TPM counts as failed. */
  void (*hurry)  (VtTpm *tpm);
  /* `established` becomes false; for localities 3 and 4. */
  void (*forget_established) (VtTpm *tpm, unsigned locality);
  /* _TPM_Init: the platform was reset. Commands that are sent after it come after it. */
  void (*init)   (VtTpm *tpm);
  /* All of it, and all of it again. No command is under way. Both wait, for a bounded time: control thread, machine lock not held. */
  GByteArray *(*save) (VtTpm *tpm, GError **error);
  bool        (*load) (VtTpm *tpm, const uint8_t *bytes, size_t len, GError **error);
  /* No command is under way, and no device is there any more. Machine lock not held. */
  void (*close)  (VtTpm *tpm);
} VtTpmOps;

/* Embedded first in each back end's instance. */
struct VtTpm
{
  const VtTpmOps *ops;
  VtTpmAnswered   answered;       /* the device's */
  void           *opaque;
  bool            established;    /* a measured launch has happened (tpmEstablished) */
};
