/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Block device (VIRTIO 1.1, 5.2). Data moves between the driver's buffers and the block driver without a copy. */
#include "virtio-blk.h"

#include "trace-virtio.h"
#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  BLK_T_IN = 0, BLK_T_OUT = 1, BLK_T_FLUSH = 4, BLK_T_GET_ID = 8, BLK_T_DISCARD = 11, BLK_T_WRITE_ZEROES = 13,
  BLK_S_OK = 0, BLK_S_IOERR = 1, BLK_S_UNSUPP = 2,

  HEADER_BYTES  = 16,
  STATUS_BYTES  = 1,
  SEGMENT_BYTES = 16,       /* of a discard or write-zeroes request; one each */
  ID_BYTES      = 20,
  SECTOR        = 512,
  QUEUE_SIZE    = 256,
  SEG_MAX       = QUEUE_SIZE - 2,
  CONFIG_BYTES  = 60,
};

#define BLK_F_SEG_MAX      VIRTIO_F (2)
#define BLK_F_RO           VIRTIO_F (5)
#define BLK_F_BLK_SIZE     VIRTIO_F (6)
#define BLK_F_FLUSH        VIRTIO_F (9)
#define BLK_F_TOPOLOGY     VIRTIO_F (10)
#define BLK_F_DISCARD      VIRTIO_F (13)
#define BLK_F_WRITE_ZEROES VIRTIO_F (14)

/* Largest range of one discard or write-zeroes request: bounds how long a block driver is busy with it. */
#define RANGE_SECTORS_MAX (1u << 21)

typedef struct
{
  VtVirtioPciState pci;
} VirtioBlkState;

typedef struct
{
  VtVirtioPci    pci;
  VirtioBlkState s;
  VtBlock       *block;
  char           id[ID_BYTES];     /* padded with zeros, not always ended by one */
} VirtioBlk;

typedef struct
{
  VirtioBlk     *blk;
  VtVirtElement *element;
  uint32_t       type;
  VtIo           io;
  VtIoVec        vec[];
} Request;

static const VtField virtio_blk_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioBlkState, pci),
};

static const VirtioBlkState virtio_blk_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (QUEUE_SIZE) };

/* --- Configuration ------------------------------------------------------------------------------------------------ */

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  const VirtioBlk *blk = (const VirtioBlk *) virtio->dev;
  vt_store_le (config + 0, blk->block->size_bytes / SECTOR, 8);
  vt_store_le (config + 12, SEG_MAX, 4);
  vt_store_le (config + 20, blk->block->logical_block_bytes, 4);
  /* Topology: physical blocks of 4 KiB, so that guests align what they create. */
  unsigned exponent = 0;
  while (blk->block->logical_block_bytes << exponent < 4096)
    exponent++;
  config[24] = (uint8_t) exponent;
  vt_store_le (config + 26, 1, 2);
  vt_store_le (config + 36, RANGE_SECTORS_MAX, 4);
  vt_store_le (config + 40, 1, 4);
  vt_store_le (config + 44, 8, 4);
  vt_store_le (config + 48, RANGE_SECTORS_MAX, 4);
  vt_store_le (config + 52, 1, 4);
  config[56] = 1;
}

/* --- Requests ----------------------------------------------------------------------------------------------------- */

/* The status byte is the last one of the in part. */
static void
finish (VtVirtElement *element, uint8_t status, uint64_t written)
{
  vt_virt_element_write (element, element->in_len - STATUS_BYTES, &status, STATUS_BYTES);
  vt_virtqueue_push (element, (uint32_t) MIN (written + STATUS_BYTES, UINT32_MAX));
}

static void
request_done (VtIo *io, int error)
{
  g_autofree Request *request = io->opaque;
  trace_virtio_blk_done (request->blk->pci.pci.dev.path, request->type, error);
  finish (request->element, error == 0 ? BLK_S_OK : BLK_S_IOERR,
          request->type == BLK_T_IN && error == 0 ? io->len : 0);
}

/* The pieces of [skip, skip + len) as vectors. */
static size_t
gather (VtIoVec *vec, const VtSpan *spans, unsigned n_spans, uint64_t skip, uint64_t len)
{
  size_t n = 0;
  for (unsigned i = 0; i < n_spans && len > 0; i++)
    {
      uint64_t cut = MIN (skip, spans[i].len);
      uint64_t piece = MIN (len, spans[i].len - cut);
      skip -= cut;
      len -= piece;
      if (piece > 0)
        vec[n++] = (VtIoVec) { spans[i].ptr + cut, (size_t) piece };
    }
  return n;
}

static void
submit (VirtioBlk *blk, VtVirtElement *element, uint32_t type, VtIoOp op, uint64_t off, uint64_t len)
{
  size_t   n_spans = (size_t) element->n_out + element->n_in;
  Request *request = g_malloc0 (sizeof *request + n_spans * sizeof (VtIoVec));
  request->blk = blk;
  request->element = element;
  request->type = type;
  request->io
      = (VtIo) { .op = op, .off = off, .len = len, .vec = request->vec, .done = request_done, .opaque = request };
  if (op == VT_IO_READ)
    request->io.n_vec = gather (request->vec, vt_virt_element_in (element), element->n_in, 0, len);
  else if (op == VT_IO_WRITE)
    request->io.n_vec = gather (request->vec, vt_virt_element_out (element), element->n_out, HEADER_BYTES, len);
  vt_block_submit (blk->block, &request->io);
}

static void
start_transfer (VirtioBlk *blk, VtVirtElement *element, uint32_t type, uint64_t sector)
{
  uint64_t len = type == BLK_T_IN ? element->in_len - STATUS_BYTES : element->out_len - HEADER_BYTES;
  uint64_t size = blk->block->size_bytes;
  if (len % SECTOR != 0 || sector > size / SECTOR || !vt_fits (sector * SECTOR, len, size)
      || (type == BLK_T_OUT && blk->block->readonly))
    finish (element, BLK_S_IOERR, 0);
  else
    submit (blk, element, type, type == BLK_T_IN ? VT_IO_READ : VT_IO_WRITE, sector * SECTOR, len);
}

static void
start_range (VirtioBlk *blk, VtVirtElement *element, uint32_t type)
{
  uint8_t segment[SEGMENT_BYTES];
  if (element->out_len != HEADER_BYTES + SEGMENT_BYTES
      || vt_virt_element_read (element, HEADER_BYTES, segment, sizeof segment) != sizeof segment)
    {
      finish (element, BLK_S_IOERR, 0);
      return;
    }
  uint64_t sector = vt_load_le (segment, 8), sectors = vt_load_le (segment + 8, 4),
           flags = vt_load_le (segment + 12, 4);
  bool     unmap_allowed = type == BLK_T_WRITE_ZEROES;
  if ((flags & ~UINT64_C (1)) != 0 || (flags != 0 && !unmap_allowed))
    finish (element, BLK_S_UNSUPP, 0);
  else if (sectors > RANGE_SECTORS_MAX || !vt_fits (sector, sectors, blk->block->size_bytes / SECTOR)
           || blk->block->readonly)
    finish (element, BLK_S_IOERR, 0);
  else
    submit (blk, element, type, type == BLK_T_DISCARD ? VT_IO_DISCARD : VT_IO_WRITE_ZEROES, sector * SECTOR,
            sectors * SECTOR);
}

static void
get_id (VirtioBlk *blk, VtVirtElement *element)
{
  uint64_t n = vt_virt_element_write (element, 0, blk->id, MIN (ID_BYTES, element->in_len - STATUS_BYTES));
  finish (element, BLK_S_OK, n);
}

static void
start_request (VirtioBlk *blk, VtVirtElement *element)
{
  uint8_t header[HEADER_BYTES];
  if (element->in_len < STATUS_BYTES || vt_virt_element_read (element, 0, header, sizeof header) != sizeof header)
    {
      vt_virtio_broken (&blk->pci.virtio, "request without header or status");
      vt_virtqueue_push (element, 0);
      return;
    }
  uint32_t type = (uint32_t) vt_load_le (header, 4);
  uint64_t sector = vt_load_le (header + 8, 8);
  trace_virtio_blk_request (blk->pci.pci.dev.path, type, sector, element->in_len + element->out_len);
  switch (type)
    {
    case BLK_T_IN:
    case BLK_T_OUT:
      start_transfer (blk, element, type, sector);
      break;
    case BLK_T_FLUSH:
      submit (blk, element, type, VT_IO_FLUSH, 0, 0);
      break;
    case BLK_T_GET_ID:
      get_id (blk, element);
      break;
    case BLK_T_DISCARD:
    case BLK_T_WRITE_ZEROES:
      start_range (blk, element, type);
      break;
    default:
      finish (element, BLK_S_UNSUPP, 0);
    }
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  VtVirtElement *element;
  /* Requests that end at once cannot keep us here for ever: a turn takes no more than the ring holds. */
  for (unsigned n = 0; n < 2 * QUEUE_SIZE && (element = vt_virtqueue_pop (virtio, queue)) != NULL; n++)
    start_request ((VirtioBlk *) virtio->dev, element);
}

static const VtVirtioType virtio_blk_type = {
  .name = "virtio-blk",
  .id = 2,
  .n_queues = 1,
  .queue_size = QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .features = BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_TOPOLOGY,
  .get_config = get_config,
  .notify = notify,
};

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
virtio_blk_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioBlk               *blk = (VirtioBlk *) dev;
  const VtVirtioBlkConfig *config = env->config;
  if (config->block == NULL)
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "A virtio disk needs an image");
      return false;
    }
  blk->block = config->block;
  if (config->serial != NULL)
    memcpy (blk->id, config->serial, MIN (strlen (config->serial), ID_BYTES));
  uint64_t features = config->block->readonly ? BLK_F_RO : BLK_F_DISCARD | BLK_F_WRITE_ZEROES;
  return vt_virtio_pci_init (&blk->pci, env, &config->place, 0x010000, &virtio_blk_type, features, &blk->s.pci, error);
}

/* --- A disk for the generic tests, which ends every request with an error ----------------------------------------- */

static void
no_disk_close (VtBlock *block)
{
}

static void
no_disk_submit (VtBlock *block, VtIo *io)
{
  /* Contract or not: the generic tests have no loop thread to end it on. */
  vt_block_complete (block, io, 5);
}

static void
no_disk_refuse (VtBlock *block, VtIo *io, int error)
{
  vt_block_complete (block, io, error);
}

static const void *
virtio_blk_test_config (void)
{
  static const VtBlockOps no_disk_ops = { no_disk_submit, no_disk_refuse, no_disk_close };
  static VtBlock          no_disk = { .ops = &no_disk_ops, .size_bytes = 1 << 20, .logical_block_bytes = 512 };
  static const VtVirtioBlkConfig config = { .block = &no_disk, .serial = "TEST" };
  return &config;
}

const VtDeviceClass vt_virtio_blk_pci = {
  .name = "virtio-blk-pci",
  .summary = "Disk, paravirtual (virtio)",
  .instance_size = sizeof (VirtioBlk),
  .state_off = offsetof (VirtioBlk, s),
  .state = VT_STATE (1, VirtioBlkState, virtio_blk_fields, &virtio_blk_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_blk_realize,
  .settle = vt_virtio_pci_settle,
  .check = vt_virtio_pci_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = vt_virtio_pci_resume,
  .finalize = vt_virtio_pci_finalize,
  .test_config = virtio_blk_test_config,
};
