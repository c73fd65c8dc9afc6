/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What every virtio device has (VIRTIO 1.1): features, status, queues, interrupts, on a PCI function.
 *
 * A device's instance begins with a VtVirtio, and its state block holds a VtVirtioState (listed by VT_VIRTIO_FIELDS()), a
 * VtPciState and a VtPciMsixState.  A device knows queues only through pop, push and notify: nothing but virtqueue.c knows how
 * a ring lies in memory, so that packed rings can stand behind the same calls.
 *
 * A guest that breaks the rules of a ring gets VIRTIO_STATUS_NEEDS_RESET, and no more service until it resets the device.
 */
#pragma once

#include "pci-function.h"
#include "virtio-regs.h"

enum
{
  VT_VIRTIO_QUEUES_MAX  = 8,
  VT_VIRTIO_QUEUE_SIZE  = 256,    /* largest ring */
  VT_VIRTIO_CHAIN_MAX   = 512,    /* buffers in one chain, indirect ones included */
  VT_VIRTIO_CONFIG_BYTES = 64,
};

typedef struct
{
  uint64_t desc, driver, device;   /* the three areas of a ring */
  uint16_t size;
  uint16_t vector;
  uint16_t last_avail;             /* next index of the available ring to look at */
  uint16_t used;                   /* our index of the used ring */
  uint16_t signalled;              /* `used` when the driver was last considered for an interrupt */
  uint8_t  enabled;
  uint8_t  pad_[5];
} VtVirtQueueState;

typedef struct
{
  uint64_t         driver_features;
  uint32_t         device_feature_select, driver_feature_select;
  uint16_t         config_vector;
  uint16_t         queue_select;
  uint8_t          status;
  uint8_t          generation;
  uint8_t          isr;
  uint8_t          pad_;
  VtVirtQueueState queue[VT_VIRTIO_QUEUES_MAX];
} VtVirtioState;

#define VT_VIRTIO_QUEUE_FIELDS_(T, m, n)                                                                                 \
  VT_FIELD (T, m.queue[n].desc), VT_FIELD (T, m.queue[n].driver), VT_FIELD (T, m.queue[n].device),                       \
    VT_FIELD (T, m.queue[n].size), VT_FIELD (T, m.queue[n].vector), VT_FIELD (T, m.queue[n].last_avail),                 \
    VT_FIELD (T, m.queue[n].used), VT_FIELD (T, m.queue[n].signalled), VT_FIELD (T, m.queue[n].enabled),                 \
    VT_FIELD (T, m.queue[n].pad_)
#define VT_VIRTIO_FIELDS(T, m)                                                                                           \
  VT_FIELD (T, m.driver_features), VT_FIELD (T, m.device_feature_select), VT_FIELD (T, m.driver_feature_select),         \
    VT_FIELD (T, m.config_vector), VT_FIELD (T, m.queue_select), VT_FIELD (T, m.status), VT_FIELD (T, m.generation),     \
    VT_FIELD (T, m.isr), VT_FIELD (T, m.pad_), VT_VIRTIO_QUEUE_FIELDS_ (T, m, 0), VT_VIRTIO_QUEUE_FIELDS_ (T, m, 1),     \
    VT_VIRTIO_QUEUE_FIELDS_ (T, m, 2), VT_VIRTIO_QUEUE_FIELDS_ (T, m, 3), VT_VIRTIO_QUEUE_FIELDS_ (T, m, 4),             \
    VT_VIRTIO_QUEUE_FIELDS_ (T, m, 5), VT_VIRTIO_QUEUE_FIELDS_ (T, m, 6), VT_VIRTIO_QUEUE_FIELDS_ (T, m, 7)

typedef struct VtVirtio VtVirtio;

/* A chain of buffers that the driver made available. Spans stay pinned until it is pushed or dropped. */
typedef struct
{
  uint16_t queue, head;
  unsigned n_out, n_in;
  VtSpan  *out, *in;          /* device reads `out`, writes `in` */
  uint64_t out_bytes, in_bytes;
} VtVirtElement;

/* What makes a device of its type. Callbacks under the machine lock. */
typedef struct
{
  const char *name;
  uint16_t    device_id;               /* VIRTIO 1.1 chapter 5; the PCI id is 0x1040 + this */
  uint32_t    pci_class;               /* 24 bits */
  uint64_t    features;                /* offered; the ring features and VERSION_1 are added */
  unsigned    queues;
  unsigned    config_bytes;
  /* Fills the device-specific configuration, little-endian, zeroed before. Nullable when config_bytes is 0. */
  void      (*get_config) (VtVirtio *virtio, uint8_t *config);
  /* There may be something in the queue. */
  void      (*notified) (VtVirtio *virtio, unsigned queue);
  /* Features that depend on the instance; nullable. */
  uint64_t  (*more_features) (VtVirtio *virtio);
} VtVirtioType;

struct VtVirtio
{
  VtPciFunction       pci;
  const VtVirtioType *type;
  VtVirtioState      *s;
  unsigned            in_flight;       /* elements popped and not yet pushed or dropped */
  bool                parked;          /* no new elements: the machine is about to stop */
  bool                reset_pending;   /* the driver wants a reset; waits for in_flight */
  uint8_t             window_cap;      /* offset of the configuration access capability */
  void              (*quiesced) (void *opaque);
  void               *quiesced_opaque;
};

/* --- For the device's class ------------------------------------------------------------------------------------------- */

extern const VtRegion vt_virtio_region;   /* BAR 4: registers */
#define VT_VIRTIO_STATE_AT_RESET                                                                                         \
  { .config_vector = VIRTIO_MSI_NO_VECTOR,                                                                               \
    .queue = { [0 ... VT_VIRTIO_QUEUES_MAX - 1] = { .size = VT_VIRTIO_QUEUE_SIZE, .vector = VIRTIO_MSI_NO_VECTOR } } }

bool vt_virtio_init (VtVirtio *virtio, const VtEnv *env, const VtPciPlace *place, const VtVirtioType *type,
                     VtVirtioState *state, VtPciState *pci_state, VtPciMsixState *msix_state,
                     GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vt_virtio_settle (VtVirtio *virtio);
bool vt_virtio_check (const VtVirtio *virtio, const VtVirtioState *incoming, const VtPciState *pci,
                      GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vt_virtio_quiesce (VtVirtio *virtio, void (*done) (void *opaque), void *opaque);
void vt_virtio_resume (VtVirtio *virtio);
void vt_virtio_finalize (VtVirtio *virtio);

/* --- While running -------------------------------------------------------------------------------------------------------- */

static inline bool
vt_virtio_has (const VtVirtio *virtio, uint64_t feature)
{
  return (virtio->s->driver_features & feature) != 0;
}

/* The next available chain; NULL when there is none, or when the device waits for a reset. */
VtVirtElement *vt_virtqueue_pop (VtVirtio *virtio, unsigned queue);
/* Gives it back with `written` bytes written to `in`; unpins; frees. */
void           vt_virtqueue_push (VtVirtio *virtio, VtVirtElement *element, uint32_t written);
/* Interrupts the driver if it wants to hear of what was pushed. */
void           vt_virtqueue_notify (VtVirtio *virtio, unsigned queue);

/* Copies from `out` or to `in` of an element; returns the number of bytes copied. */
size_t vt_virt_element_read (const VtVirtElement *element, uint64_t off, void *dst, size_t len);
size_t vt_virt_element_write (const VtVirtElement *element, uint64_t off, const void *src, size_t len);

/* The guest broke a rule. */
void vt_virtio_broken (VtVirtio *virtio, const char *why);
/* The device-specific configuration changed. */
void vt_virtio_config_changed (VtVirtio *virtio);

/* --- Between virtio-pci.c and virtqueue.c ------------------------------------------------------------------------------------ */

void vt_virtio_interrupt_queue (VtVirtio *virtio, unsigned queue);
void vt_virtio_element_done (VtVirtio *virtio);
