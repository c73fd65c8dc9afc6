/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a network card does to frames for its driver: checksums (RFC 1071) and cutting TCP into segments. Pure functions over
 * bytes of a guest: every length in them is checked. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Sums from `start` to the end over what the driver left at start + offset, and puts the checksum there. False: not in the
 * frame. */
bool vt_net_checksum (uint8_t *frame, size_t len, size_t start, size_t offset);

typedef void (*VtNetEmit) (void *opaque, const uint8_t *frame, size_t len);

enum { VT_NET_SEGMENT_MIN = 48 };     /* bytes of payload: below that a driver could make a flood out of one frame */

/* Cuts an Ethernet frame with TCP over IPv4 or IPv6 into frames with at most `payload` bytes each, with checksums of their own.
 * The frame's bytes are used up. False: it is no such frame, and nothing was emitted. */
bool vt_net_segment (uint8_t *frame, size_t len, size_t payload, VtNetEmit emit, void *opaque);

/* What checksums a frame has: of an IPv4 header, of TCP, of UDP. */
typedef struct
{
  bool ipv4, tcp, udp;
} VtNetKind;
VtNetKind vt_net_kind (const uint8_t *frame, size_t len);

/* The same for both directions of a flow; 0 for what has no ports. */
uint32_t vt_net_flow (const uint8_t *frame, size_t len);
