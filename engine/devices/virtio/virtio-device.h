/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A virtio device apart from the transport it is reached through (VIRTIO 1.1, chapter 2).
 *
 *   a device type (blk, rng)  --VtVirtioType-->  this  <--VtVirtioTransport--  a transport (virtio-pci)
 *
 * The status, feature and queue registers live here, with the rules of the specification; the transport maps them into
 * its registers, the type handles buffers that it pops from queues.  All under the machine lock. */
#pragma once

#include "device.h"

typedef struct VtVirtio      VtVirtio;
typedef struct VtVirtElement VtVirtElement;

enum
{
  VT_VIRTIO_QUEUES    = 18,
  VT_VIRTIO_RING_MAX  = 1024,     /* entries of a ring, and descriptors of a chain */

  VIRTIO_STATUS_ACKNOWLEDGE = 1,
  VIRTIO_STATUS_DRIVER      = 2,
  VIRTIO_STATUS_DRIVER_OK   = 4,
  VIRTIO_STATUS_FEATURES_OK = 8,
  VIRTIO_STATUS_NEEDS_RESET = 64,
  VIRTIO_STATUS_FAILED      = 128,

  VIRTIO_NO_VECTOR = 0xffff,
};

#define VIRTIO_F(bit)               (UINT64_C (1) << (bit))
#define VIRTIO_F_RING_INDIRECT_DESC VIRTIO_F (28)
#define VIRTIO_F_RING_EVENT_IDX     VIRTIO_F (29)
#define VIRTIO_F_VERSION_1          VIRTIO_F (32)
#define VIRTIO_F_RING_PACKED        VIRTIO_F (34)
#define VIRTIO_F_IN_ORDER           VIRTIO_F (35)
#define VIRTIO_F_NOTIFICATION_DATA  VIRTIO_F (38)
/* Forms of a queue that a device has only when it is told so. */
#define VIRTIO_F_RING_FORMS         (VIRTIO_F_RING_PACKED | VIRTIO_F_IN_ORDER | VIRTIO_F_NOTIFICATION_DATA)

typedef struct
{
  uint64_t desc, driver, device;      /* areas of the ring; for a split ring: descriptors, available, used */
  uint16_t size;
  uint16_t vector;
  /* Positions. Split: free-running. Packed: an index, and the wrap counter in bit 15. */
  uint16_t next_avail;
  uint16_t next_used;
  uint16_t signalled;                 /* next_used when the driver was last told */
  bool     signalled_valid;
  bool     enabled;
  uint8_t  pad_[4];
} VtVirtQueueState;

typedef struct
{
  uint64_t         driver_features;
  uint32_t         device_feature_select, driver_feature_select;
  uint16_t         queue_select;
  uint16_t         config_vector;
  uint8_t          status;
  uint8_t          isr;
  uint8_t          config_generation;
  uint8_t          pad_[1];
  VtVirtQueueState queue[VT_VIRTIO_QUEUES];
} VtVirtioState;

#define VT_VIRTIO_QUEUE_FIELD_(v, T, m, n, name) VT_FIELD_SINCE (v, T, m.queue[n].name)
#define VT_VIRTIO_QUEUE_FIELDS_(v, T, m, n)                                                                            \
  VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, desc), VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, driver),                              \
    VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, device), VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, size),                            \
    VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, vector), VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, next_avail),                      \
    VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, next_used), VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, signalled),                    \
    VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, signalled_valid), VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, enabled),                \
    VT_VIRTIO_QUEUE_FIELD_ (v, T, m, n, pad_)
/* The state version of every virtio device begins at 2: queues 8 to 17 came with it. */
#define VT_VIRTIO_FIELDS(T, m)                                                                                         \
  VT_FIELD (T, m.driver_features), VT_FIELD (T, m.device_feature_select), VT_FIELD (T, m.driver_feature_select),       \
    VT_FIELD (T, m.queue_select), VT_FIELD (T, m.config_vector), VT_FIELD (T, m.status), VT_FIELD (T, m.isr),          \
    VT_FIELD (T, m.config_generation), VT_FIELD (T, m.pad_),                                                           \
    VT_VIRTIO_QUEUE_FIELDS_ (1, T, m, 0), VT_VIRTIO_QUEUE_FIELDS_ (1, T, m, 1),                                        \
    VT_VIRTIO_QUEUE_FIELDS_ (1, T, m, 2), VT_VIRTIO_QUEUE_FIELDS_ (1, T, m, 3),                                        \
    VT_VIRTIO_QUEUE_FIELDS_ (1, T, m, 4), VT_VIRTIO_QUEUE_FIELDS_ (1, T, m, 5),                                        \
    VT_VIRTIO_QUEUE_FIELDS_ (1, T, m, 6), VT_VIRTIO_QUEUE_FIELDS_ (1, T, m, 7),                                        \
    VT_VIRTIO_QUEUE_FIELDS_ (2, T, m, 8), VT_VIRTIO_QUEUE_FIELDS_ (2, T, m, 9),                                        \
    VT_VIRTIO_QUEUE_FIELDS_ (2, T, m, 10), VT_VIRTIO_QUEUE_FIELDS_ (2, T, m, 11),                                      \
    VT_VIRTIO_QUEUE_FIELDS_ (2, T, m, 12), VT_VIRTIO_QUEUE_FIELDS_ (2, T, m, 13),                                      \
    VT_VIRTIO_QUEUE_FIELDS_ (2, T, m, 14), VT_VIRTIO_QUEUE_FIELDS_ (2, T, m, 15),                                      \
    VT_VIRTIO_QUEUE_FIELDS_ (2, T, m, 16), VT_VIRTIO_QUEUE_FIELDS_ (2, T, m, 17)
#define VT_VIRTIO_AT_RESET(queue_size)                                                                                 \
  { .config_vector = VIRTIO_NO_VECTOR,                                                                                 \
    .queue = { [0 ... VT_VIRTIO_QUEUES - 1] = { .size = queue_size, .vector = VIRTIO_NO_VECTOR } } }

typedef struct
{
  const char *name;
  uint16_t    id;             /* VIRTIO 1.1, chapter 5 */
  uint8_t     n_queues;       /* as many as there can be */
  uint16_t    queue_size;     /* maximum, and what a queue starts with */
  uint16_t    config_bytes;   /* of the device configuration space */
  uint64_t    features;       /* of the type; an offer may have more */
  /* Fills the whole, zeroed configuration space. */
  void      (*get_config) (VtVirtio *virtio, uint8_t *config);
  /* The driver wrote size bytes at off, inside the space. Nullable: nothing can be written. */
  void      (*set_config) (VtVirtio *virtio, unsigned off, uint64_t value, unsigned size);
  /* The driver reset the device; nothing is in flight. Nullable. */
  void      (*reset) (VtVirtio *virtio);
  /* The driver made buffers available. May be called spuriously. */
  void      (*notify) (VtVirtio *virtio, unsigned queue);
} VtVirtioType;

typedef struct
{
  void (*queue_interrupt) (VtVirtio *virtio, unsigned queue);
  void (*config_interrupt) (VtVirtio *virtio);
} VtVirtioTransport;

/* What one device has beside its type. */
typedef struct
{
  uint64_t features;          /* of the type; VIRTIO_F_RING_FORMS as the person wants them */
  unsigned n_queues;          /* 0: all that the type can have */
} VtVirtioOffer;

/* Where a device is plugged in. All borrowed. */
typedef struct
{
  const VtVirtioTransport *transport;
  VtVirtioState           *state;
  VtDevice                *dev;
  const VtDma             *dma;
  VtClock                 *clock;
} VtVirtioPlace;

struct VtVirtio
{
  const VtVirtioType      *type;
  const VtVirtioTransport *transport;
  VtVirtioState           *s;
  VtDevice                *dev;
  const VtDma             *dma;
  VtClock                 *clock;
  uint64_t                 features;          /* offered */
  unsigned                 n_queues;
  uint32_t                 in_flight;         /* elements popped and not yet given back */
  uint32_t                 queue_in_flight[VT_VIRTIO_QUEUES];   /* their places in the ring */
  GQueue                   in_order[VT_VIRTIO_QUEUES];          /* VtVirtElement*, with IN_ORDER: oldest first */
  VtTimer                 *again;             /* for queues that were left before they were empty */
  uint32_t                 again_queues;
  bool                     resetting;         /* the driver asked for a reset; it waits for what is in flight */
  bool                     parked;            /* quiesced: queues look empty */
  void                   (*quiet) (void *opaque);
  void                    *quiet_opaque;
  uint32_t                 epoch;             /* counts resets: elements of an older one are only freed */
};

void vt_virtio_init (VtVirtio *virtio, const VtVirtioType *type, const VtVirtioOffer *offer, const VtVirtioPlace *place);
void vt_virtio_finalize (VtVirtio *virtio);
/* After a device reset and after load. */
void vt_virtio_settle (VtVirtio *virtio);
bool vt_virtio_check (const VtVirtio *virtio, const VtVirtioState *incoming, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void vt_virtio_quiesce (VtVirtio *virtio, void (*done) (void *opaque), void *opaque);
void vt_virtio_resume (VtVirtio *virtio);

/* --- For transports ----------------------------------------------------------------------------------------------- */

uint8_t  vt_virtio_status (const VtVirtio *virtio);
void     vt_virtio_set_status (VtVirtio *virtio, uint8_t status);
uint32_t vt_virtio_device_features (const VtVirtio *virtio);
void     vt_virtio_set_driver_features (VtVirtio *virtio, uint32_t value);
uint32_t vt_virtio_driver_features (const VtVirtio *virtio);
/* The selected queue, or NULL. */
VtVirtQueueState *vt_virtio_selected (VtVirtio *virtio);
void     vt_virtio_set_queue_size (VtVirtio *virtio, uint16_t size);
void     vt_virtio_enable_queue (VtVirtio *virtio);
void     vt_virtio_notify (VtVirtio *virtio, unsigned queue);
/* Bytes [off, off + size) of the device configuration space; zeros beyond its end. */
uint64_t vt_virtio_config_read (VtVirtio *virtio, uint64_t off, unsigned size);
void     vt_virtio_config_write (VtVirtio *virtio, uint64_t off, uint64_t value, unsigned size);

/* --- For device types --------------------------------------------------------------------------------------------- */

/* The driver is ready, and has not broken the rules. */
bool vt_virtio_live (const VtVirtio *virtio);

bool vt_virtio_has (const VtVirtio *virtio, uint64_t feature);
/* The device's configuration changed. */
void vt_virtio_config_changed (VtVirtio *virtio);
/* The driver broke the rules: the device stops until it is reset. */
void vt_virtio_broken (VtVirtio *virtio, const char *format, ...) G_GNUC_PRINTF (2, 3);
