/* SPDX-License-Identifier: GPL-3.0-or-later */
/* virtio-gpu: its two queues of commands (VIRTIO 1.2, 5.7.6), and the device on PCI without a VGA. */
#include "virtio-gpu-private.h"

#include "pci-bus.h"
#include "trace-display.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  DEVICE_ID = 16,
  QUEUE_CONTROL = 0, QUEUE_CURSOR = 1, N_QUEUES = 2,

  STORE_MIN_BYTES = 4 << 20,     /* also what one has that gets none */
  STORE_MAX_BYTES = 256 << 20,

  /* One go copies about this much; the rest of the queue waits, so that nobody else waits long. */
  GO_BYTES = 64 << 20,
  PAUSE_NS = 1000000,

  /* Configuration (5.7.4) */
  CONFIG_EVENTS_READ = 0, CONFIG_EVENTS_CLEAR = 4, CONFIG_SCANOUTS = 8, CONFIG_BYTES = 16,
  EVENT_DISPLAY = 1 << 0,

  /* Control header (5.7.6.7) */
  HDR_TYPE = 0, HDR_FLAGS = 4, HDR_FENCE = 8, HDR_CONTEXT = 16, HDR_BYTES = 24,
  FLAG_FENCE = 1 << 0,

  CMD_GET_DISPLAY_INFO = 0x0100, CMD_RESOURCE_CREATE_2D = 0x0101, CMD_RESOURCE_UNREF = 0x0102, CMD_SET_SCANOUT = 0x0103,
  CMD_RESOURCE_FLUSH = 0x0104, CMD_TRANSFER_TO_HOST_2D = 0x0105, CMD_RESOURCE_ATTACH_BACKING = 0x0106,
  CMD_RESOURCE_DETACH_BACKING = 0x0107, CMD_GET_EDID = 0x010a, CMD_RESOURCE_CREATE_BLOB = 0x010c,
  CMD_SET_SCANOUT_BLOB = 0x010d,
  CMD_UPDATE_CURSOR = 0x0300, CMD_MOVE_CURSOR = 0x0301,

  REQUEST_MAX = 96,            /* of the longest request, without the entries of a backing */
  DISPLAY_INFO_SCANOUTS = 16, DISPLAY_INFO_BYTES = HDR_BYTES + 24 * DISPLAY_INFO_SCANOUTS,
  EDID_SIZE_AT = HDR_BYTES, EDID_AT = HDR_BYTES + 8, EDID_BYTES = 1024,
  RESPONSE_MAX = EDID_AT + EDID_BYTES,
};

/* 5.7.3 */
#define GPU_F_EDID          VIRTIO_F (1)
#define GPU_F_RESOURCE_BLOB VIRTIO_F (3)

/* A request as it was when we looked, and room for the answer. */
typedef struct
{
  VtVirtElement *element;
  uint8_t        in[REQUEST_MAX];
  uint8_t        out[RESPONSE_MAX];
  uint32_t       out_len;
} Request;

static Gpu *
from_virtio (VtVirtio *virtio)
{
  return (Gpu *) virtio->dev;
}

static uint32_t
field (const Request *request, unsigned off)
{
  return (uint32_t) vt_load_le (request->in + off, 4);
}

static GpuRect
rect_field (const Request *request)
{
  return (GpuRect) { field (request, HDR_BYTES), field (request, HDR_BYTES + 4), field (request, HDR_BYTES + 8),
                     field (request, HDR_BYTES + 12) };
}

/* --- Control commands: each returns its response ------------------------------------------------------------------ */

/* Side by side; a scanout without a monitor is all zeros. */
static unsigned
get_display_info (Gpu *gpu, Request *request)
{
  static const VtSurfaceMonitor usual = { .connected = true, .width = 1280, .height = 800 };
  uint32_t                      x = 0;
  for (unsigned i = 0; i < gpu->n_scanouts; i++)
    {
      const VtSurface        *surface = gpu->scanout[i].surface;
      const VtSurfaceMonitor *monitor = surface != NULL ? vt_surface_monitor (surface) : &usual;
      uint8_t                *one = request->out + HDR_BYTES + 24 * i;
      if (!monitor->connected)
        continue;
      vt_store_le (one, x, 4);
      vt_store_le (one + 8, monitor->width, 4);
      vt_store_le (one + 12, monitor->height, 4);
      vt_store_le (one + 16, 1, 4);            /* enabled */
      x += monitor->width;
    }
  request->out_len = DISPLAY_INFO_BYTES;
  return GPU_OK_DISPLAY_INFO;
}

static unsigned
get_edid (Gpu *gpu, Request *request)
{
  uint32_t i = field (request, HDR_BYTES);
  if (i >= gpu->n_scanouts)
    return GPU_ERR_SCANOUT;
  if (!vt_virtio_has (&gpu->pci.virtio, GPU_F_EDID) || gpu->scanout[i].surface == NULL)
    return GPU_ERR_UNSPEC;
  const VtSurfaceMonitor *monitor = vt_surface_monitor (gpu->scanout[i].surface);
  size_t                  n = MIN (monitor->edid_bytes, EDID_BYTES);
  vt_store_le (request->out + EDID_SIZE_AT, n, 4);
  memcpy (request->out + EDID_AT, monitor->edid, n);
  request->out_len = RESPONSE_MAX;
  return GPU_OK_EDID;
}

static unsigned
create_2d (Gpu *gpu, Request *request)
{
  return gpu_create (gpu, field (request, 24), field (request, 28), field (request, 32), field (request, 36));
}

static unsigned
unref (Gpu *gpu, Request *request)
{
  return gpu_unref (gpu, field (request, 24));
}

static unsigned
set_scanout (Gpu *gpu, Request *request)
{
  return gpu_set_scanout (gpu, field (request, 40), field (request, 44), rect_field (request));
}

static unsigned
flush (Gpu *gpu, Request *request)
{
  return gpu_flush (gpu, field (request, 40), rect_field (request));
}

static unsigned
transfer (Gpu *gpu, Request *request)
{
  return gpu_transfer (gpu, field (request, 48), rect_field (request), vt_load_le (request->in + 40, 8));
}

/* The entries begin at `off` of the request. */
static unsigned
attach_entries (Gpu *gpu, Request *request, unsigned slot, uint64_t off, uint32_t n)
{
  uint64_t bytes = (uint64_t) n * GPU_ENTRY_BYTES;
  uint8_t *list;
  if (!vt_fits (off, bytes, request->element->out_len))
    return GPU_ERR_PARAMETER;
  unsigned response = gpu_reserve_list (gpu, slot, n, &list);
  if (response != GPU_OK_NODATA)
    return response;
  vt_virt_element_read (request->element, off, list, bytes);
  return gpu_attach (gpu, slot, n);
}

static unsigned
attach_backing (Gpu *gpu, Request *request)
{
  unsigned slot = gpu_find (gpu, field (request, 24));
  return slot != GPU_NONE ? attach_entries (gpu, request, slot, 32, field (request, 28)) : GPU_ERR_RESOURCE;
}

/* The blob's own number (blob_id) is that of a context, and there are none. */
static unsigned
create_blob (Gpu *gpu, Request *request)
{
  uint32_t id = field (request, 24), n = field (request, 36);
  unsigned response
      = gpu_create_blob (gpu, id, field (request, 28), field (request, 32), vt_load_le (request->in + 48, 8));
  if (response != GPU_OK_NODATA || n == 0)
    return response;
  response = attach_entries (gpu, request, gpu_find (gpu, id), 56, n);
  if (response != GPU_OK_NODATA)
    gpu_unref (gpu, id);
  return response;
}

static unsigned
set_scanout_blob (Gpu *gpu, Request *request)
{
  GpuLayout layout = { .width = field (request, 48), .height = field (request, 52), .format = field (request, 56),
                       .stride = field (request, 64), .offset = field (request, 80) };
  return gpu_set_scanout_blob (gpu, field (request, 40), field (request, 44), rect_field (request), &layout);
}

static unsigned
detach_backing (Gpu *gpu, Request *request)
{
  return gpu_detach (gpu, field (request, 24));
}

static unsigned
update_cursor (Gpu *gpu, Request *request)
{
  unsigned response = gpu_update_cursor (gpu, field (request, 24), field (request, 40), field (request, 44),
                                         field (request, 48));
  gpu_move_cursor (gpu, field (request, 24), field (request, 28), field (request, 32));
  return response;
}

static unsigned
move_cursor (Gpu *gpu, Request *request)
{
  gpu_move_cursor (gpu, field (request, 24), field (request, 28), field (request, 32));
  return field (request, 24) < gpu->n_scanouts ? GPU_OK_NODATA : GPU_ERR_SCANOUT;
}

static const struct
{
  uint16_t type;
  uint8_t  queue;
  uint8_t  bytes;              /* of the request, at least */
  unsigned (*run) (Gpu *gpu, Request *request);
  uint64_t feature;            /* that it is part of; 0: of every device */
} commands[] = {
  { CMD_GET_DISPLAY_INFO, QUEUE_CONTROL, 24, get_display_info },
  { CMD_RESOURCE_CREATE_2D, QUEUE_CONTROL, 40, create_2d },
  { CMD_RESOURCE_UNREF, QUEUE_CONTROL, 28, unref },
  { CMD_SET_SCANOUT, QUEUE_CONTROL, 48, set_scanout },
  { CMD_RESOURCE_FLUSH, QUEUE_CONTROL, 44, flush },
  { CMD_TRANSFER_TO_HOST_2D, QUEUE_CONTROL, 52, transfer },
  { CMD_RESOURCE_ATTACH_BACKING, QUEUE_CONTROL, 32, attach_backing },
  { CMD_RESOURCE_DETACH_BACKING, QUEUE_CONTROL, 28, detach_backing },
  { CMD_GET_EDID, QUEUE_CONTROL, 28, get_edid },
  { CMD_RESOURCE_CREATE_BLOB, QUEUE_CONTROL, 56, create_blob, GPU_F_RESOURCE_BLOB },
  { CMD_SET_SCANOUT_BLOB, QUEUE_CONTROL, 96, set_scanout_blob, GPU_F_RESOURCE_BLOB },
  { CMD_UPDATE_CURSOR, QUEUE_CURSOR, 52, update_cursor },
  { CMD_MOVE_CURSOR, QUEUE_CURSOR, 36, move_cursor },
};

static unsigned
run_command (Gpu *gpu, Request *request, unsigned queue, uint64_t len)
{
  uint32_t type = field (request, HDR_TYPE);
  for (unsigned i = 0; i < G_N_ELEMENTS (commands); i++)
    if (commands[i].type == type && commands[i].queue == queue
        && (commands[i].feature == 0 || vt_virtio_has (&gpu->pci.virtio, commands[i].feature)))
      return len >= commands[i].bytes ? commands[i].run (gpu, request) : GPU_ERR_PARAMETER;
  vt_guest_warn (&gpu->pci.pci.dev, "command 0x%x is not known", type);
  return GPU_ERR_UNSPEC;
}

static void
handle (Gpu *gpu, VtVirtElement *element)
{
  Request  request = { .element = element, .out_len = HDR_BYTES };
  uint64_t len = vt_virt_element_read (element, 0, request.in, sizeof request.in);
  unsigned response = run_command (gpu, &request, element->queue, len);
  trace_virtio_gpu_command (field (&request, HDR_TYPE), response);
  vt_store_le (request.out + HDR_TYPE, response, 4);
  if (field (&request, HDR_FLAGS) & FLAG_FENCE)
    {
      vt_store_le (request.out + HDR_FLAGS, FLAG_FENCE, 4);
      memcpy (request.out + HDR_FENCE, request.in + HDR_FENCE, HDR_BYTES - HDR_FENCE);
    }
  vt_virtqueue_push (element, (uint32_t) vt_virt_element_write (element, 0, request.out, request.out_len));
}

/* --- The type ----------------------------------------------------------------------------------------------------- */

static void
notify (VtVirtio *virtio, unsigned queue)
{
  Gpu           *gpu = from_virtio (virtio);
  VtVirtElement *element;
  gpu->budget = GO_BYTES;
  /* A driver on another processor could go on for ever. */
  for (unsigned n = 0; n < 2 * GPU_QUEUE_SIZE && gpu->budget > 0; n++)
    {
      if ((element = vt_virtqueue_pop (virtio, queue)) == NULL)
        return;
      handle (gpu, element);
    }
  if (gpu->more != NULL && !vt_timer_armed (gpu->more))
    vt_timer_arm (gpu->more, vt_clock_now (gpu->clock) + PAUSE_NS);
}

static void
go_on (void *opaque, int64_t late_ns)
{
  Gpu *gpu = opaque;
  for (unsigned queue = 0; queue < N_QUEUES; queue++)
    vt_virtio_notify (&gpu->pci.virtio, queue);
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  const Gpu *gpu = from_virtio (virtio);
  vt_store_le (config + CONFIG_EVENTS_READ, gpu->s->events, 4);
  vt_store_le (config + CONFIG_SCANOUTS, gpu->n_scanouts, 4);
}

static void
set_config (VtVirtio *virtio, unsigned off, uint64_t value, unsigned size)
{
  if (off == CONFIG_EVENTS_CLEAR && size == 4)
    from_virtio (virtio)->s->events &= (uint32_t) ~value;
}

static void
reset (VtVirtio *virtio)
{
  Gpu *gpu = from_virtio (virtio);
  memset (gpu->s, 0, sizeof *gpu->s);
  gpu_settle_scanouts (gpu);
}

const VtVirtioType gpu_virtio_type = {
  .name = "virtio-gpu",
  .id = DEVICE_ID,
  .n_queues = N_QUEUES,
  .queue_size = GPU_QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .get_config = get_config,
  .set_config = set_config,
  .reset = reset,
  .notify = notify,
};

void
gpu_monitor_changed (Gpu *gpu)
{
  gpu->s->events |= EVENT_DISPLAY;
  vt_virtio_config_changed (&gpu->pci.virtio);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
free_store (void *host, uint64_t size)
{
  g_aligned_free (host);
}

VtVirtioOffer
gpu_offer (const VtVirtioGpuConfig *config)
{
  bool edid = config->surfaces[0] != NULL && vt_surface_monitor (config->surfaces[0])->edid_bytes > 0;
  return (VtVirtioOffer) { .features = config->ring_forms | GPU_F_RESOURCE_BLOB | (edid ? GPU_F_EDID : 0) };
}

bool
gpu_realize (Gpu *gpu, const VtEnv *env, const VtVirtioGpuConfig *config, GpuState *state, GError **error)
{
  if (config->store != NULL && (config->store->size < STORE_MIN_BYTES || config->store->size > STORE_MAX_BYTES))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "Video memory must have 4 to 256 MiB");
      return false;
    }
  if (config->store == NULL)
    gpu->own_store = vt_ram_new ("gpu", g_aligned_alloc0 (1, STORE_MIN_BYTES, VT_PAGE_SIZE), STORE_MIN_BYTES, free_store);
  gpu->store = config->store != NULL ? config->store : gpu->own_store;
  gpu->s = state;
  gpu->n_scanouts = CLAMP (config->n_scanouts, 1, GPU_SCANOUTS);
  for (unsigned i = 0; i < gpu->n_scanouts; i++)
    gpu->scanout[i] = (GpuScanout) { .gpu = gpu, .index = i, .surface = config->surfaces[i] };
  gpu->clock = env->clock;
  if (env->clock != NULL)
    gpu->more = vt_timer_new (env->clock, "virtio-gpu", 0, go_on, gpu);
  return true;
}

void
gpu_finalize (Gpu *gpu)
{
  for (unsigned i = 0; i < gpu->n_scanouts; i++)
    if (gpu->scanout[i].surface != NULL)
      vt_surface_connect (gpu->scanout[i].surface, NULL, NULL);
  g_clear_pointer (&gpu->more, vt_timer_free);
  g_clear_pointer (&gpu->own_store, vt_ram_free);
}

/* --- Surfaces ----------------------------------------------------------------------------------------------------- */

static void
refresh (void *opaque)
{
  const GpuScanout *scanout = opaque;
  gpu_refresh (scanout->gpu, scanout->index);
}

static void
invalidate (void *opaque)
{
  const GpuScanout *scanout = opaque;
  gpu_forget (scanout->gpu, scanout->index);
}

static void
monitor_changed (void *opaque)
{
  gpu_monitor_changed (((const GpuScanout *) opaque)->gpu);
}

static bool
shows (void *opaque)
{
  const GpuScanout *scanout = opaque;
  return gpu_shows (scanout->gpu, scanout->index);
}

/* Guests flush what they have drawn. */
static bool
announces (void *opaque)
{
  return true;
}

static const VtSurfaceClient surface_client = { .refresh = refresh, .invalidate = invalidate, .shows = shows,
                                                .announces = announces, .monitor_changed = monitor_changed };

void
gpu_connect (Gpu *gpu, unsigned first)
{
  for (unsigned i = first; i < gpu->n_scanouts; i++)
    if (gpu->scanout[i].surface != NULL)
      vt_surface_connect (gpu->scanout[i].surface, &surface_client, &gpu->scanout[i]);
}

/* --- virtio-gpu-pci ----------------------------------------------------------------------------------------------- */

typedef struct
{
  VtVirtioPciState pci;
  GpuState         gpu;
} VirtioGpuState;

typedef struct
{
  Gpu            gpu;
  VirtioGpuState s;
} VirtioGpu;

static const VtField virtio_gpu_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioGpuState, pci),
  GPU_FIELDS (VirtioGpuState, gpu),
};

static const VirtioGpuState virtio_gpu_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (GPU_QUEUE_SIZE) };

void
gpu_settle (VtDevice *dev)
{
  Gpu *gpu = (Gpu *) dev;
  vt_virtio_pci_settle (dev);
  if (gpu->more != NULL)
    vt_timer_cancel (gpu->more);               /* resuming looks at all queues */
  gpu_settle_scanouts (gpu);
}

bool
gpu_check (VtDevice *dev, const void *incoming, const GpuState *state, GError **error)
{
  if (!vt_virtio_pci_check (dev, incoming, error))
    return false;
  if (gpu_resources_possible ((Gpu *) dev, state))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved resources cannot be like this", dev->path);
  return false;
}

static bool
virtio_gpu_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioGpu               *self = (VirtioGpu *) dev;
  const VtVirtioGpuConfig *config = env->config;
  VtVirtioOffer            offer = gpu_offer (config);
  if (!gpu_realize (&self->gpu, env, config, &self->s.gpu, error)
      || !vt_virtio_pci_init (&self->gpu.pci, env, &config->place, 0x038000, &gpu_virtio_type, &offer, &self->s.pci,
                              error))
    return false;
  gpu_connect (&self->gpu, 0);
  return true;
}

static bool
virtio_gpu_check (VtDevice *dev, const void *incoming, GError **error)
{
  return gpu_check (dev, incoming, &((const VirtioGpuState *) incoming)->gpu, error);
}

static void
virtio_gpu_finalize (VtDevice *dev)
{
  vt_virtio_pci_finalize (dev);
  gpu_finalize ((Gpu *) dev);
}

static const void *
virtio_gpu_test_config (void)
{
  static const VtVirtioGpuConfig config = { .n_scanouts = 2 };
  return &config;
}

const VtDeviceClass vt_virtio_gpu_pci = {
  .name = "virtio-gpu-pci",
  .summary = "Graphics (virtio)",
  .instance_size = sizeof (VirtioGpu),
  .state_off = offsetof (VirtioGpu, s),
  .state = VT_STATE (GPU_STATE_VERSION, VirtioGpuState, virtio_gpu_fields, &virtio_gpu_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_gpu_realize,
  .settle = gpu_settle,
  .check = virtio_gpu_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = vt_virtio_pci_resume,
  .finalize = virtio_gpu_finalize,
  .test_config = virtio_gpu_test_config,
};
