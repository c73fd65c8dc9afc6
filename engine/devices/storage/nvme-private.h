/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between nvme.c (registers, life), nvme-queue.c (queues and guest buffers), nvme-admin.c and nvme-io.c (commands).
 *
 * Sections are those of NVM Express 1.4. */
#pragma once

#include "nvme.h"
#include "quiet.h"

enum
{
  NVME_QUEUES = VT_NVME_IO_QUEUES + 1,    /* number 0 is the admin queue */
  NVME_ENTRIES_MAX = 1024,
  NVME_PAGE = 4096,
  NVME_BLOCK = 512,
  NVME_TRANSFER_SHIFT = 5,                /* MDTS */
  NVME_TRANSFER_MAX = NVME_PAGE << NVME_TRANSFER_SHIFT,
  NVME_IN_FLIGHT_MAX = 64,
  NVME_WARNING_KELVIN = 273 + 70,         /* WCTEMP, and the threshold that is set until the guest sets another */
  NVME_EVENTS = 4,                        /* asynchronous event requests that wait */

  NVME_SQE_BYTES = 64, NVME_CQE_BYTES = 16,

  NVME_CC_ENABLE = 1u << 0,
  NVME_CSTS_READY = 1u << 0,
  NVME_CSTS_FAILED = 1u << 1,

  /* Status: type << 8 | code (4.6.1). */
  NVME_SUCCESS = 0, NVME_INVALID_OPCODE = 0x01, NVME_INVALID_FIELD = 0x02, NVME_TRANSFER_ERROR = 0x04,
  NVME_ABORT_REQUESTED = 0x07, NVME_INVALID_NAMESPACE = 0x0b, NVME_INVALID_PRP_OFFSET = 0x13, NVME_LBA_RANGE = 0x80, NVME_CAPACITY = 0x81,
  NVME_CQ_INVALID = 0x100, NVME_QUEUE_ID = 0x101, NVME_QUEUE_SIZE = 0x102, NVME_EVENT_LIMIT = 0x105, NVME_VECTOR = 0x108,
  NVME_LOG_PAGE = 0x109, NVME_QUEUE_DELETION = 0x10c,
  NVME_WRITE_FAULT = 0x280, NVME_READ_ERROR = 0x281, NVME_READ_ONLY = 0x182,
  NVME_NO_ANSWER = 0xffff,                /* the command is not over: nothing is posted */
  NVME_REMEMBERED = 0xfffe,               /* it is over, and its answer comes in another way */
};

/* Queues by number: a table of each property. */
typedef struct
{
  VtPciState     pci;
  VtPciMsixState msix;
  uint64_t asq, acq;
  uint64_t sq_base[NVME_QUEUES], cq_base[NVME_QUEUES];
  uint32_t cc, csts, aqa, masked;         /* masked: interrupt vectors, without MSI-X */
  uint32_t power, temperature_over, temperature_under, recovery, arbitration, coalescing, atomicity, event_config;
  uint16_t sq_size[NVME_QUEUES], sq_head[NVME_QUEUES], sq_tail[NVME_QUEUES], sq_cq[NVME_QUEUES];
  uint16_t cq_size[NVME_QUEUES], cq_head[NVME_QUEUES], cq_tail[NVME_QUEUES], cq_vector[NVME_QUEUES];
  uint16_t event_ids[NVME_EVENTS];        /* commands */
  bool     sq_valid[NVME_QUEUES], cq_valid[NVME_QUEUES], cq_interrupts[NVME_QUEUES], cq_phase[NVME_QUEUES];
  uint8_t  n_events;
  uint8_t  error;                         /* event information of an error that was not told yet, plus one; 0: none */
  bool     error_told;                    /* and its log was not read since */
  bool     cache_off;
  uint8_t  pad_[8];
} NvmeState;

typedef struct Nvme Nvme;

/* An entry of a submission queue, copied once. Lives while it is under way. */
typedef struct
{
  Nvme    *nvme;
  unsigned sq;
  bool     dropped;                       /* by a reset or the end of its queue: nobody hears of it */
  uint8_t  opcode;
  uint16_t id;
  uint32_t nsid, dw10, dw11, dw12, dw13;
  uint64_t prp1, prp2;
  uint32_t result;                        /* for the answer */

  VtIo     io;
  VtIoVec  vec;
  uint8_t *data;                          /* owned */
  size_t   len, next;                     /* of data; position of the next range to discard */
  bool     flush_after;
} NvmeCommand;

struct Nvme
{
  VtPciFunction pci;
  NvmeState     s;
  VtBlock      *block;
  unsigned      number;
  NvmeCommand  *commands[NVME_IN_FLIGHT_MAX];
  VtQuiet       quiet;                    /* requests to the block device */
  unsigned      dropped;                  /* of these */
  unsigned      cq_reserved[NVME_QUEUES]; /* answers that are on their way */
  bool          parked, running;
  VtIo          shutdown;                 /* the flush of a shutdown */
};

/* --- nvme.c --- */
/* A request to the block device is over: what waits for that. */
void nvme_io_over (Nvme *nvme);
void nvme_update_irq (Nvme *nvme);

/* --- nvme-queue.c --- */
/* Takes what waits in the submission queues, as far as there is room for it. */
void nvme_run (Nvme *nvme);
void nvme_free_command (NvmeCommand *command);
/* Posts the command's answer and frees it. */
void nvme_answer (NvmeCommand *command, unsigned status);
/* Moves n bytes to or from the guest's buffer; the status. */
unsigned nvme_move (const NvmeCommand *command, uint8_t *bytes, size_t n, bool to_guest);
/* Forgets commands of that queue (NVME_QUEUES: of all). */
void nvme_drop (Nvme *nvme, unsigned sq);
/* An error of the guest's that an asynchronous event tells of (5.2.1). */
void nvme_error_event (Nvme *nvme, unsigned information);
void nvme_post_events (Nvme *nvme);
/* An answer of a command that is no longer there. False: there is no room now. */
bool nvme_post (Nvme *nvme, unsigned sq, uint16_t id, uint32_t result, unsigned status);

/* --- nvme-admin.c, nvme-io.c: the status, or NVME_NO_ANSWER, NVME_REMEMBERED --- */
unsigned nvme_admin_execute (NvmeCommand *command);
unsigned nvme_io_execute (NvmeCommand *command);
