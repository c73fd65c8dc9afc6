/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A folder of this computer that a guest sees, as a server of 9P2000.L messages. All calls under the machine lock. */
#pragma once

#include "block.h"

typedef struct VtShare        VtShare;
typedef struct VtShareRequest VtShareRequest;

struct VtShareRequest
{
  const VtIoVec *out, *in;       /* the message, and room for the answer: borrowed until done */
  size_t         n_out, n_in;
  /* `written` bytes of the answer are there; 0: the message was none. Loop thread, machine lock held, never inside submit. */
  void         (*done) (VtShareRequest *request, size_t written);
  void          *opaque;
};

typedef struct
{
  void   (*submit) (VtShare *share, VtShareRequest *request);
  /* Which files the guest has open, in at most `room` bytes, and the same again in another process. Nothing is in flight. */
  size_t (*save)   (VtShare *share, uint8_t *to, size_t room);
  void   (*load)   (VtShare *share, const uint8_t *from, size_t len);
  /* All of the guest's files are closed. Nothing is in flight. */
  void   (*forget) (VtShare *share);
  void   (*close)  (VtShare *share);
} VtShareOps;

struct VtShare
{
  const VtShareOps *ops;
};
