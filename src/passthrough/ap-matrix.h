/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The AP matrix of an IBM Z host: crypto cards ("adapters") by domains. A queue is a card and a domain, and belongs to
 * the host's drivers, to one mediated device, or to nobody.
 *
 * Read from a host tree, or from what a libvirt host says of its node devices. A picture of one moment; immutable once
 * read. Sources: Linux, Documentation/arch/s390/vfio-ap.rst, drivers/s390/crypto (attributes); libvirt, formatnode. */
#pragma once

#include "ap-mask.h"
#include "host-tree.h"

#define VITRINE_AP_TYPE "vfio_ap-passthrough"          /* of mediated devices */
#define VITRINE_AP_PARENT "matrix"
#define VITRINE_AP_PARENT_NODE "ap_matrix"            /* as libvirt calls it */
#define VITRINE_AP_PARENT_PATH "sys/devices/vfio_ap/matrix"

typedef enum
{
  VITRINE_AP_MODE_UNKNOWN,
  VITRINE_AP_MODE_ACCELERATOR,
  VITRINE_AP_MODE_CCA,
  VITRINE_AP_MODE_EP11,
} VitrineApMode;

typedef struct
{
  guint         id;
  char         *type;          /* "CEX7C"; NULL: the host does not say */
  guint         generation;    /* 7; 0: unknown */
  VitrineApMode mode;
  gboolean      online;        /* switched on by the host's administrator */
  gboolean      configured;    /* given to this system by the machine's service element */
  gboolean      checkstopped;  /* broken */
} VitrineApCard;

/* Whose a queue is. */
typedef enum
{
  VITRINE_AP_HOST,      /* the host's own drivers' */
  VITRINE_AP_FREE,      /* reserved for guests, in no mediated device */
  VITRINE_AP_TAKEN,     /* in a mediated device */
} VitrineApOwner;

typedef struct
{
  guint          card, domain;
  char          *driver;       /* "cex4queue", "vfio_ap"; NULL: none */
  gboolean       usable;       /* online, configured and not checkstopped */
  VitrineApOwner owner;
  const char    *device;       /* of VITRINE_AP_TAKEN: the UUID; borrowed */
} VitrineApQueue;

typedef struct
{
  char         *uuid;
  VitrineApMask cards, domains, control;
  gboolean      active;        /* there now; otherwise only defined for later */
  gboolean      persistent;    /* mdevctl(8) makes it again */
} VitrineApDevice;

typedef struct
{
  GPtrArray    *cards, *queues, *devices;   /* of the three above, sorted */
  VitrineApMask domains;                    /* of any queue */
  VitrineApMask apmask, aqmask;             /* of the host's drivers; only if has_masks */
  gboolean      has_masks;                  /* libvirt does not tell them */
  guint         max_card, max_domain;       /* that this machine can have */
  char         *why_not;                    /* why nothing can be given to a guest: a sentence; NULL: it can */
  gboolean      driver_loaded;              /* vfio_ap */
  gboolean      has_mdevctl;                /* devices survive a restart of the host */
} VitrineApMatrix;

VitrineApMatrix *vitrine_ap_matrix_new_from_tree (VitrineHostTree *tree);
/* @xml: what virNodeDeviceGetXMLDesc() says of all devices; what is no such XML is left out. */
VitrineApMatrix *vitrine_ap_matrix_new_from_libvirt (const char *const *xml);
void             vitrine_ap_matrix_free (VitrineApMatrix *matrix);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineApMatrix, vitrine_ap_matrix_free)

/* Borrowed; NULL: none. */
const VitrineApCard   *vitrine_ap_matrix_find_card (const VitrineApMatrix *matrix, guint id);
const VitrineApQueue  *vitrine_ap_matrix_find_queue (const VitrineApMatrix *matrix, guint card, guint domain);
const VitrineApDevice *vitrine_ap_matrix_find_device (const VitrineApMatrix *matrix, const char *uuid);

/* "Accelerator": translated, constant. */
const char *vitrine_ap_mode_to_label (VitrineApMode mode);
/* "Host", "Free", "Other guest", "Offline", "": what a cell of the matrix shows. @queue may be NULL. */
const char *vitrine_ap_queue_to_label (const VitrineApQueue *queue);
/* "05.0047", as the kernel calls it: a new string. */
char       *vitrine_ap_queue_name (guint card, guint domain);
