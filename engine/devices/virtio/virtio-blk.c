/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Block device (VIRTIO 1.1, 5.2). Data moves between the driver's buffers and the block driver without a copy. */
#include "virtio-blk.h"

#include "no-disk.h"

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
  SEGMENT_BYTES = 16,       /* of a discard or write-zeroes request */
  SEGMENTS_MAX  = 32,
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
#define BLK_F_MQ           VIRTIO_F (12)
#define BLK_F_DISCARD      VIRTIO_F (13)
#define BLK_F_WRITE_ZEROES VIRTIO_F (14)

/* Largest range of one segment: bounds how long a block driver is busy with it. */
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
  uint64_t off, len;         /* bytes */
} Range;

typedef struct
{
  VirtioBlk     *blk;
  VtVirtElement *element;
  uint32_t       type;
  unsigned       n_ranges, next_range;
  Range          range[SEGMENTS_MAX];
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
  vt_store_le (config + 34, virtio->n_queues, 2);
  vt_store_le (config + 36, RANGE_SECTORS_MAX, 4);
  vt_store_le (config + 40, SEGMENTS_MAX, 4);
  vt_store_le (config + 44, 8, 4);
  vt_store_le (config + 48, RANGE_SECTORS_MAX, 4);
  vt_store_le (config + 52, SEGMENTS_MAX, 4);
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

/* Goes on with the next range of a discard or write-zeroes request; false: there is none. */
static bool
submit_range (Request *request)
{
  if (request->next_range == request->n_ranges)
    return false;
  const Range *range = &request->range[request->next_range++];
  request->io.off = range->off;
  request->io.len = range->len;
  vt_block_submit (request->blk->block, &request->io);
  return true;
}

static void
request_done (VtIo *io, int error)
{
  Request *request = io->opaque;
  if (error == 0 && submit_range (request))
    return;
  trace_virtio_blk_done (request->blk->pci.pci.dev.path, request->type, error);
  finish (request->element, error == 0 ? BLK_S_OK : BLK_S_IOERR,
          request->type == BLK_T_IN && error == 0 ? io->len : 0);
  g_free (request);
}

static Request *
request_new (VirtioBlk *blk, VtVirtElement *element, uint32_t type, VtIoOp op)
{
  size_t   n_spans = (size_t) element->n_out + element->n_in;
  Request *request = g_malloc0 (sizeof *request + n_spans * sizeof (VtIoVec));
  request->blk = blk;
  request->element = element;
  request->type = type;
  request->io
      = (VtIo) { .op = op, .vec = request->vec, .done = request_done, .opaque = request };
  return request;
}

static void
submit (VirtioBlk *blk, VtVirtElement *element, uint32_t type, VtIoOp op, uint64_t off, uint64_t len)
{
  Request *request = request_new (blk, element, type, op);
  request->io.off = off;
  request->io.len = len;
  if (op == VT_IO_READ)
    request->io.n_vec = vt_virt_gather (request->vec, vt_virt_element_in (element), element->n_in, 0, len);
  else if (op == VT_IO_WRITE)
    request->io.n_vec = vt_virt_gather (request->vec, vt_virt_element_out (element), element->n_out, HEADER_BYTES, len);
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

/* BLK_S_OK, or why the segment cannot be done. */
static uint8_t
take_segment (Request *request, const uint8_t *segment)
{
  VtBlock *block = request->blk->block;
  uint64_t sector = vt_load_le (segment, 8), sectors = vt_load_le (segment + 8, 4), flags = vt_load_le (segment + 12, 4);
  bool     unmap_allowed = request->type == BLK_T_WRITE_ZEROES;
  if ((flags & ~UINT64_C (1)) != 0 || (flags != 0 && !unmap_allowed))
    return BLK_S_UNSUPP;
  if (sectors > RANGE_SECTORS_MAX || !vt_fits (sector, sectors, block->size_bytes / SECTOR) || block->readonly)
    return BLK_S_IOERR;
  request->range[request->n_ranges++] = (Range) { sector * SECTOR, sectors * SECTOR };
  return BLK_S_OK;
}

/* All segments are looked at before the first is done. */
static void
start_ranges (VirtioBlk *blk, VtVirtElement *element, uint32_t type)
{
  uint8_t  segments[SEGMENTS_MAX * SEGMENT_BYTES];
  uint64_t len = element->out_len - HEADER_BYTES;
  if (len == 0 || len % SEGMENT_BYTES != 0 || len > sizeof segments)
    {
      finish (element, BLK_S_IOERR, 0);
      return;
    }
  vt_virt_element_read (element, HEADER_BYTES, segments, len);
  Request *request = request_new (blk, element, type, type == BLK_T_DISCARD ? VT_IO_DISCARD : VT_IO_WRITE_ZEROES);
  uint8_t  status = BLK_S_OK;
  for (uint64_t at = 0; at < len && status == BLK_S_OK; at += SEGMENT_BYTES)
    status = take_segment (request, segments + at);
  if (status == BLK_S_OK)
    submit_range (request);
  else
    {
      g_free (request);
      finish (element, status, 0);
    }
}

static void
get_id (VirtioBlk *blk, VtVirtElement *element)
{
  uint64_t n = vt_virt_element_write (element, 0, blk->id, MIN (ID_BYTES, element->in_len - STATUS_BYTES));
  finish (element, BLK_S_OK, n);
}

static void
start_request (VtVirtElement *element)
{
  VirtioBlk *blk = (VirtioBlk *) element->virtio->dev;
  uint8_t    header[HEADER_BYTES];
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
      start_ranges (blk, element, type);
      break;
    default:
      finish (element, BLK_S_UNSUPP, 0);
    }
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  vt_virtqueue_serve (virtio, queue, start_request);
}

static const VtVirtioType virtio_blk_type = {
  .name = "virtio-blk",
  .id = 2,
  .n_queues = VT_VIRTIO_BLK_QUEUES,
  .queue_size = QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .features = BLK_F_MQ | BLK_F_SEG_MAX | BLK_F_BLK_SIZE | BLK_F_FLUSH | BLK_F_TOPOLOGY,
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
  VtVirtioOffer offer = { .features = config->ring_forms, .n_queues = MAX (config->n_queues, 1) };
  offer.features |= config->block->readonly ? BLK_F_RO : BLK_F_DISCARD | BLK_F_WRITE_ZEROES;
  return vt_virtio_pci_init (&blk->pci, env, &config->place, 0x010000, &virtio_blk_type, &offer, &blk->s.pci, error);
}

void
vt_virtio_blk_resized (VtDevice *dev)
{
  vt_virtio_config_changed (&((VirtioBlk *) dev)->pci.virtio);
}

static const void *
virtio_blk_test_config (void)
{
  static VtVirtioBlkConfig config = { .serial = "TEST", .ring_forms = VIRTIO_F_RING_FORMS, .n_queues = 2 };
  config.block = vt_no_disk ();
  return &config;
}

const VtDeviceClass vt_virtio_blk_pci = {
  .name = "virtio-blk-pci",
  .summary = "Disk, paravirtual (virtio)",
  .instance_size = sizeof (VirtioBlk),
  .state_off = offsetof (VirtioBlk, s),
  .state = VT_STATE (2, VirtioBlkState, virtio_blk_fields, &virtio_blk_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_blk_realize,
  .settle = vt_virtio_pci_settle,
  .check = vt_virtio_pci_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = vt_virtio_pci_resume,
  .finalize = vt_virtio_pci_finalize,
  .test_config = virtio_blk_test_config,
};
