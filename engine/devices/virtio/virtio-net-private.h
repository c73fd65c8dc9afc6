/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between virtio-net.c (frames) and virtio-net-control.c (what the driver wants of them). */
#pragma once

#include "virtio-net.h"

#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  NET_PAIRS        = VT_VIRTIO_NET_PAIRS,
  NET_QUEUE_SIZE   = 256,
  NET_CONFIG_BYTES = 10,
  NET_FILTER_MAX   = 64,          /* addresses; a driver that wants more gets everything */
  NET_STATUS_LINK_UP = 1, NET_STATUS_ANNOUNCE = 2,
};

#define NET_F_CSUM           VIRTIO_F (0)
#define NET_F_GUEST_CSUM     VIRTIO_F (1)
#define NET_F_MAC            VIRTIO_F (5)
#define NET_F_HOST_TSO4      VIRTIO_F (11)
#define NET_F_HOST_TSO6      VIRTIO_F (12)
#define NET_F_HOST_ECN       VIRTIO_F (13)
#define NET_F_MRG_RXBUF      VIRTIO_F (15)
#define NET_F_STATUS         VIRTIO_F (16)
#define NET_F_CTRL_VQ        VIRTIO_F (17)
#define NET_F_CTRL_RX        VIRTIO_F (18)
#define NET_F_GUEST_ANNOUNCE VIRTIO_F (21)
#define NET_F_MQ             VIRTIO_F (22)
#define NET_F_CTRL_MAC_ADDR  VIRTIO_F (23)

typedef struct
{
  VtVirtioPciState pci;
  bool             link_down;
  uint8_t          pad_[7];
  uint8_t          filter[NET_FILTER_MAX * 6];
  uint16_t         n_filter;
  uint8_t          mac[6];              /* of the driver, when mac_set: from when it runs to its reset */
  uint16_t         active_pairs;
  bool             mac_set, not_promiscuous, all_multicast;
  bool             announce;            /* the driver should tell the network where it is */
  uint8_t          pad2_[2];
} VirtioNetState;

typedef struct
{
  GQueue waiting;                       /* GBytes: frames without a buffer */
  size_t waiting_bytes;
} NetPair;

typedef struct
{
  VtVirtioPci    pci;
  VirtioNetState s;
  VtNet         *net;
  uint8_t        mac[6];
  uint16_t       n_pairs;
  NetPair        pair[NET_PAIRS];
  uint8_t        frame[VT_NET_FRAME_MAX + 64];   /* on its way out, also one that becomes many */
} VirtioNet;

const uint8_t *net_mac (const VirtioNet *card);
/* Does the driver want a frame with this header? */
bool net_wants (const VirtioNet *card, const uint8_t *frame);
/* A command of the control queue. */
void net_control (VtVirtElement *element);
void net_control_reset (VirtioNet *card);
