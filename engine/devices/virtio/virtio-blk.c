/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Block device (VIRTIO 1.1, 5.2): reads, writes, flushes, discards, each asynchronous on a VtBlock. */
#include "virtio-blk.h"

#include "trace-virtio.h"
#include "virtio-device.h"

#define DEVICE_ID   2u
#define PCI_CLASS   0x010000u   /* SCSI controller, as drivers expect of a virtio disk */
#define SECTOR      512u
#define ID_BYTES    20u
#define HEADER      16u
#define SEGMENT     16u         /* struct virtio_blk_discard_write_zeroes */
#define SEG_MAX     (VT_VIRTIO_QUEUE_SIZE - 2u)
#define RANGE_MAX   (1u << 22)  /* sectors in one discard: 2 GiB */

#define VIRTIO_BLK_F_SEG_MAX      (UINT64_C (1) << 2)
#define VIRTIO_BLK_F_RO           (UINT64_C (1) << 5)
#define VIRTIO_BLK_F_BLK_SIZE     (UINT64_C (1) << 6)
#define VIRTIO_BLK_F_FLUSH        (UINT64_C (1) << 9)
#define VIRTIO_BLK_F_TOPOLOGY     (UINT64_C (1) << 10)
#define VIRTIO_BLK_F_DISCARD      (UINT64_C (1) << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (UINT64_C (1) << 14)

enum
{
  VIRTIO_BLK_T_IN           = 0,
  VIRTIO_BLK_T_OUT          = 1,
  VIRTIO_BLK_T_FLUSH        = 4,
  VIRTIO_BLK_T_GET_ID       = 8,
  VIRTIO_BLK_T_DISCARD      = 11,
  VIRTIO_BLK_T_WRITE_ZEROES = 13,
};

enum
{
  VIRTIO_BLK_S_OK     = 0,
  VIRTIO_BLK_S_IOERR  = 1,
  VIRTIO_BLK_S_UNSUPP = 2,
};

/* struct virtio_blk_config */
enum
{
  CONFIG_CAPACITY             = 0,
  CONFIG_SEG_MAX              = 12,
  CONFIG_BLK_SIZE             = 20,
  CONFIG_MIN_IO_SIZE          = 26,
  CONFIG_MAX_DISCARD_SECTORS  = 36,
  CONFIG_MAX_DISCARD_SEG      = 40,
  CONFIG_DISCARD_ALIGNMENT    = 44,
  CONFIG_MAX_ZEROES_SECTORS   = 48,
  CONFIG_MAX_ZEROES_SEG       = 52,
  CONFIG_ZEROES_MAY_UNMAP     = 56,
  CONFIG_BYTES                = 60,
};

typedef struct
{
  VtVirtioState  virtio;
  VtPciState     pci;
  VtPciMsixState msix;
} VirtioBlkState;

typedef struct
{
  VtVirtio       virtio;
  VirtioBlkState s;
  VtBlock       *block;
  char           serial[ID_BYTES + 1];
} VirtioBlk;

typedef struct
{
  VtIo           io;         /* first */
  VirtioBlk     *blk;
  VtVirtElement *element;
  uint64_t       data_in;    /* bytes of data, status byte not counted, that a success writes */
  VtIoVec       *vec;
} Request;

/* --- Ending a request ---------------------------------------------------------------------------------------------------------- */

static void
finish (VirtioBlk *blk, VtVirtElement *element, uint8_t status, uint64_t data_in)
{
  trace_virtio_blk_done (blk->virtio.pci.dev.path, status);
  unsigned queue = element->queue;
  vt_virt_element_write (element, element->in_bytes - 1, &status, 1);
  uint64_t written = status == VIRTIO_BLK_S_OK ? data_in + 1 : 1;
  vt_virtqueue_push (&blk->virtio, element, (uint32_t) MIN (written, UINT32_MAX));
  vt_virtqueue_notify (&blk->virtio, queue);
}

static void
io_done (VtIo *io, int error)
{
  Request *request = (Request *) io;
  finish (request->blk, request->element, error == 0 ? VIRTIO_BLK_S_OK : VIRTIO_BLK_S_IOERR, request->data_in);
  g_free (request->vec);
  g_free (request);
}

static Request *
request_new (VirtioBlk *blk, VtVirtElement *element, VtIoOp op, uint64_t off, uint64_t len)
{
  Request *request = g_new0 (Request, 1);
  request->blk = blk;
  request->element = element;
  request->io = (VtIo) { .op = op, .off = off, .len = len, .done = io_done };
  return request;
}

/* --- Starting one ----------------------------------------------------------------------------------------------------------------- */

/* The data part of an element: `len` bytes of the spans from `skip` on. */
static VtIoVec *
data_vectors (const VtSpan *spans, unsigned n, uint64_t skip, uint64_t len, size_t *n_vec)
{
  VtIoVec *vec = g_new (VtIoVec, n + 1);
  *n_vec = 0;
  for (unsigned i = 0; i < n && len > 0; i++)
    {
      if (skip >= spans[i].len)
        {
          skip -= spans[i].len;
          continue;
        }
      size_t piece = (size_t) MIN (spans[i].len - skip, len);
      vec[(*n_vec)++] = (VtIoVec) { spans[i].ptr + skip, piece };
      len -= piece;
      skip = 0;
    }
  return vec;
}

static bool
sectors_fit (const VirtioBlk *blk, uint64_t sector, uint64_t bytes)
{
  return bytes % SECTOR == 0 && sector <= blk->block->size_bytes / SECTOR
         && vt_fits (sector * SECTOR, bytes, blk->block->size_bytes);
}

static void
start_transfer (VirtioBlk *blk, VtVirtElement *element, uint64_t sector, bool write)
{
  uint64_t bytes = write ? element->out_bytes - HEADER : element->in_bytes - 1;
  if (!sectors_fit (blk, sector, bytes) || (write && blk->block->readonly))
    {
      finish (blk, element, VIRTIO_BLK_S_IOERR, 0);
      return;
    }
  Request *request = request_new (blk, element, write ? VT_IO_WRITE : VT_IO_READ, sector * SECTOR, bytes);
  request->data_in = write ? 0 : bytes;
  request->vec = write ? data_vectors (element->out, element->n_out, HEADER, bytes, &request->io.n_vec)
                       : data_vectors (element->in, element->n_in, 0, bytes, &request->io.n_vec);
  request->io.vec = request->vec;
  vt_block_submit (blk->block, &request->io);
}

static void
start_range (VirtioBlk *blk, VtVirtElement *element, VtIoOp op)
{
  uint8_t segment[SEGMENT];
  if (element->out_bytes != HEADER + SEGMENT
      || vt_virt_element_read (element, HEADER, segment, sizeof segment) != sizeof segment)
    {
      finish (blk, element, VIRTIO_BLK_S_UNSUPP, 0);
      return;
    }
  uint64_t sector = vt_load_le (segment, 8), sectors = vt_load_le (segment + 8, 4);
  if (sectors > RANGE_MAX || !sectors_fit (blk, sector, sectors * SECTOR) || blk->block->readonly)
    finish (blk, element, VIRTIO_BLK_S_IOERR, 0);
  else
    vt_block_submit (blk->block, &request_new (blk, element, op, sector * SECTOR, sectors * SECTOR)->io);
}

static void
get_id (VirtioBlk *blk, VtVirtElement *element)
{
  size_t n = (size_t) MIN (element->in_bytes - 1, ID_BYTES);
  vt_virt_element_write (element, 0, blk->serial, n);
  finish (blk, element, VIRTIO_BLK_S_OK, n);
}

static void
start (VirtioBlk *blk, VtVirtElement *element)
{
  uint8_t header[HEADER];
  if (vt_virt_element_read (element, 0, header, sizeof header) != sizeof header || element->in_bytes < 1)
    {
      vt_virtio_broken (&blk->virtio, "request without header or status byte");
      vt_virtqueue_push (&blk->virtio, element, 0);
      return;
    }
  uint32_t type = (uint32_t) vt_load_le (header, 4);
  uint64_t sector = vt_load_le (header + 8, 8);
  trace_virtio_blk_request (blk->virtio.pci.dev.path, type, sector, element->in_bytes + element->out_bytes);
  switch (type)
    {
    case VIRTIO_BLK_T_IN: start_transfer (blk, element, sector, false); break;
    case VIRTIO_BLK_T_OUT: start_transfer (blk, element, sector, true); break;
    case VIRTIO_BLK_T_FLUSH: vt_block_submit (blk->block, &request_new (blk, element, VT_IO_FLUSH, 0, 0)->io); break;
    case VIRTIO_BLK_T_GET_ID: get_id (blk, element); break;
    case VIRTIO_BLK_T_DISCARD: start_range (blk, element, VT_IO_DISCARD); break;
    case VIRTIO_BLK_T_WRITE_ZEROES: start_range (blk, element, VT_IO_WRITE_ZEROES); break;
    default: finish (blk, element, VIRTIO_BLK_S_UNSUPP, 0); break;
    }
}

static void
notified (VtVirtio *virtio, unsigned queue)
{
  VtVirtElement *element;
  while ((element = vt_virtqueue_pop (virtio, queue)) != NULL)
    start ((VirtioBlk *) virtio, element);
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  const VtBlock *block = ((VirtioBlk *) virtio)->block;
  vt_store_le (config + CONFIG_CAPACITY, block->size_bytes / SECTOR, 8);
  vt_store_le (config + CONFIG_SEG_MAX, SEG_MAX, 4);
  vt_store_le (config + CONFIG_BLK_SIZE, SECTOR, 4);
  vt_store_le (config + CONFIG_MIN_IO_SIZE, 4096 / SECTOR, 2);
  vt_store_le (config + CONFIG_MAX_DISCARD_SECTORS, RANGE_MAX, 4);
  vt_store_le (config + CONFIG_MAX_DISCARD_SEG, 1, 4);
  vt_store_le (config + CONFIG_DISCARD_ALIGNMENT, 4096 / SECTOR, 4);
  vt_store_le (config + CONFIG_MAX_ZEROES_SECTORS, RANGE_MAX, 4);
  vt_store_le (config + CONFIG_MAX_ZEROES_SEG, 1, 4);
  config[CONFIG_ZEROES_MAY_UNMAP] = 1;
}

static uint64_t
more_features (VtVirtio *virtio)
{
  return ((VirtioBlk *) virtio)->block->readonly ? VIRTIO_BLK_F_RO : VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES;
}

static const VtVirtioType blk_type = {
  .name = "blk",
  .device_id = DEVICE_ID,
  .pci_class = PCI_CLASS,
  .features = VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH | VIRTIO_BLK_F_TOPOLOGY,
  .queues = 1,
  .config_bytes = CONFIG_BYTES,
  .get_config = get_config,
  .notified = notified,
  .more_features = more_features,
};

/* --- Class --------------------------------------------------------------------------------------------------------------------------- */

static bool
blk_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioBlk               *blk = (VirtioBlk *) dev;
  const VtVirtioBlkConfig *config = env->config;
  blk->block = config->block;
  if (config->serial != NULL)
    g_strlcpy (blk->serial, config->serial, sizeof blk->serial);
  return vt_virtio_init (&blk->virtio, env, &config->place, &blk_type, &blk->s.virtio, &blk->s.pci, &blk->s.msix, error);
}

static void
blk_settle (VtDevice *dev)
{
  vt_virtio_settle ((VtVirtio *) dev);
}

static bool
blk_check (VtDevice *dev, const void *incoming, GError **error)
{
  const VirtioBlkState *in = incoming;
  return vt_virtio_check ((VtVirtio *) dev, &in->virtio, &in->pci, error);
}

static void
blk_quiesce (VtDevice *dev, void (*done) (void *opaque), void *opaque)
{
  vt_virtio_quiesce ((VtVirtio *) dev, done, opaque);
}

static void
blk_resume (VtDevice *dev)
{
  vt_virtio_resume ((VtVirtio *) dev);
}

static void
blk_finalize (VtDevice *dev)
{
  vt_virtio_finalize ((VtVirtio *) dev);
}

/* A disk for tests: everything succeeds at once and reads as it was. */
static void
test_submit (VtBlock *block, VtIo *io)
{
  vt_block_complete (block, io, 0);
}

static void
test_refuse (VtBlock *block, VtIo *io, int error)
{
  vt_block_complete (block, io, error);
}

static const void *
test_config (void)
{
  static const VtBlockOps        ops = { .submit = test_submit, .refuse = test_refuse };
  static VtBlock                 block = { .ops = &ops, .size_bytes = 1 << 20, .logical_block_bytes = SECTOR };
  static const VtVirtioBlkConfig config = { .block = &block, .serial = "test" };
  return &config;
}

static const VirtioBlkState blk_at_reset = { .virtio = VT_VIRTIO_STATE_AT_RESET };
static const VtField        blk_fields[] = { VT_VIRTIO_FIELDS (VirtioBlkState, virtio), VT_PCI_FIELDS (VirtioBlkState, pci),
                                             VT_PCI_MSIX_FIELDS (VirtioBlkState, msix) };
static const VtRegion *const blk_regions[] = { &vt_virtio_region, NULL };

const VtDeviceClass vt_virtio_blk_pci = {
  .name = "virtio-blk-pci",
  .summary = "Disk on virtio",
  .instance_size = sizeof (VirtioBlk),
  .state_off = offsetof (VirtioBlk, s),
  .state = VT_STATE (1, VirtioBlkState, blk_fields, &blk_at_reset),
  .regions = blk_regions,
  .realize = blk_realize,
  .settle = blk_settle,
  .check = blk_check,
  .quiesce = blk_quiesce,
  .resume = blk_resume,
  .finalize = blk_finalize,
  .test_config = test_config,
};
