/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "net-offload.h"

#include <glib.h>
#include <string.h>

#include "bits.h"

enum
{
  ETHERNET = 14, VLAN_TAG = 4,
  TYPE_IPV4 = 0x0800, TYPE_IPV6 = 0x86dd, TYPE_VLAN = 0x8100,
  PROTOCOL_TCP = 6, PROTOCOL_UDP = 17,
  TCP_MIN = 20, TCP_SEQUENCE = 4, TCP_OFFSET = 12, TCP_FLAGS = 13, TCP_CHECKSUM = 16,
  TCP_FIN = 0x01, TCP_PSH = 0x08, TCP_CWR = 0x80,
  IPV4_MIN = 20, IPV4_LENGTH = 2, IPV4_ID = 4, IPV4_FRAGMENT = 6, IPV4_PROTOCOL = 9, IPV4_CHECKSUM = 10, IPV4_ADDRESSES = 12,
  IPV6_BYTES = 40, IPV6_LENGTH = 4, IPV6_NEXT = 6, IPV6_ADDRESSES = 8,
};

/* Where the headers of a frame are. */
typedef struct
{
  bool   ipv6;
  size_t ip, transport;        /* offsets */
  uint8_t protocol;
} Headers;

/* --- Checksums ---------------------------------------------------------------------------------------------------- */

static uint64_t
add (uint64_t sum, const uint8_t *bytes, size_t len)
{
  for (; len >= 2; bytes += 2, len -= 2)
    sum += vt_load_be (bytes, 2);
  return len > 0 ? sum + (uint64_t) bytes[0] * 256 : sum;
}

static unsigned
fold (uint64_t sum)
{
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return (unsigned) sum ^ 0xffff;
}

bool
vt_net_checksum (uint8_t *frame, size_t len, size_t start, size_t offset)
{
  if (start >= len || !vt_fits (offset, 2, len - start))
    return false;
  unsigned sum = fold (add (0, frame + start, len - start));
  /* A UDP checksum of zero would mean that there is none (RFC 768); to others both zeros are equal. */
  vt_store_be (frame + start + offset, sum != 0 ? sum : 0xffff, 2);
  return true;
}

/* --- Headers ------------------------------------------------------------------------------------------------------ */

static bool
find_ipv4 (const uint8_t *frame, size_t len, Headers *h)
{
  const uint8_t *ip = frame + h->ip;
  size_t         bytes = (size_t) (ip[0] & 15) * 4;
  h->protocol = ip[IPV4_PROTOCOL];
  h->transport = h->ip + bytes;
  return ip[0] >> 4 == 4 && bytes >= IPV4_MIN && h->transport <= len && (vt_load_be (ip + IPV4_FRAGMENT, 2) & 0x3fff) == 0;
}

static bool
find_headers (const uint8_t *frame, size_t len, Headers *h)
{
  if (len < ETHERNET + VLAN_TAG)
    return false;
  unsigned type = (unsigned) vt_load_be (frame + 12, 2);
  h->ip = type == TYPE_VLAN ? ETHERNET + VLAN_TAG : ETHERNET;
  type = type == TYPE_VLAN ? (unsigned) vt_load_be (frame + 16, 2) : type;
  h->ipv6 = type == TYPE_IPV6;
  if (type == TYPE_IPV4)
    return vt_fits (h->ip, IPV4_MIN, len) && find_ipv4 (frame, len, h);
  if (type != TYPE_IPV6 || !vt_fits (h->ip, IPV6_BYTES, len))
    return false;
  h->protocol = frame[h->ip + IPV6_NEXT];
  h->transport = h->ip + IPV6_BYTES;
  return true;
}

VtNetKind
vt_net_kind (const uint8_t *frame, size_t len)
{
  Headers h;
  if (!find_headers (frame, len, &h))
    return (VtNetKind) { false };
  return (VtNetKind) { !h.ipv6, h.protocol == PROTOCOL_TCP, h.protocol == PROTOCOL_UDP };
}

uint32_t
vt_net_flow (const uint8_t *frame, size_t len)
{
  Headers h;
  if (!find_headers (frame, len, &h) || (h.protocol != PROTOCOL_TCP && h.protocol != PROTOCOL_UDP)
      || !vt_fits (h.transport, 4, len))
    return 0;
  const uint8_t *addresses = frame + h.ip + (h.ipv6 ? IPV6_ADDRESSES : IPV4_ADDRESSES);
  size_t         words = h.ipv6 ? 8 : 2;
  uint32_t       hash = (uint32_t) (vt_load_be (frame + h.transport, 2) ^ vt_load_be (frame + h.transport + 2, 2));
  for (size_t i = 0; i < words; i++)
    hash ^= (uint32_t) vt_load_be (addresses + 4 * i, 4);
  hash ^= hash >> 16;
  return hash ^ hash >> 8;
}

/* --- Segments ----------------------------------------------------------------------------------------------------- */

static void
finish_ip (uint8_t *ip, const Headers *h, size_t len, unsigned number)
{
  if (h->ipv6)
    {
      vt_store_be (ip + IPV6_LENGTH, (unsigned) (len - h->transport), 2);
      return;
    }
  vt_store_be (ip + IPV4_LENGTH, (unsigned) (len - h->ip), 2);
  vt_store_be (ip + IPV4_ID, vt_load_be (ip + IPV4_ID, 2) + (number > 0), 2);
  vt_store_be (ip + IPV4_CHECKSUM, 0, 2);
  vt_store_be (ip + IPV4_CHECKSUM, fold (add (0, ip, h->transport - h->ip)), 2);
}

/* Over the pseudo header (RFC 9293, 3.1; RFC 8200, 8.1) and the segment. */
static void
finish_tcp (uint8_t *frame, const Headers *h, size_t len)
{
  uint8_t *tcp = frame + h->transport;
  size_t   bytes = len - h->transport;
  uint64_t sum = PROTOCOL_TCP + bytes;
  sum = add (sum, frame + h->ip + (h->ipv6 ? IPV6_ADDRESSES : IPV4_ADDRESSES), h->ipv6 ? 32 : 8);
  vt_store_be (tcp + TCP_CHECKSUM, 0, 2);
  vt_store_be (tcp + TCP_CHECKSUM, fold (add (sum, tcp, bytes)), 2);
}

/* Each segment is made in place, its headers over the end of the payload before it, which has been sent. */
bool
vt_net_segment (uint8_t *frame, size_t len, size_t payload, VtNetEmit emit, void *opaque)
{
  Headers h;
  if (payload < VT_NET_SEGMENT_MIN || !find_headers (frame, len, &h) || h.protocol != PROTOCOL_TCP
      || !vt_fits (h.transport, TCP_MIN, len))
    return false;
  size_t headers = h.transport + (size_t) (frame[h.transport + TCP_OFFSET] >> 4) * 4;
  if (headers < h.transport + TCP_MIN || headers >= len)
    return false;
  uint8_t  last_flags = frame[h.transport + TCP_FLAGS];
  uint32_t sequence = (uint32_t) vt_load_be (frame + h.transport + TCP_SEQUENCE, 4);
  for (unsigned number = 0; len > headers; number++)
    {
      size_t   bytes = MIN (payload, len - headers);
      bool     last = bytes == len - headers;
      uint8_t *tcp = frame + h.transport;
      tcp[TCP_FLAGS] = (uint8_t) (last_flags & ~(last ? 0 : TCP_FIN | TCP_PSH) & ~(number == 0 ? 0 : TCP_CWR));
      vt_store_be (tcp + TCP_SEQUENCE, sequence, 4);
      finish_ip (frame + h.ip, &h, headers + bytes, number);
      finish_tcp (frame, &h, headers + bytes);
      emit (opaque, frame, headers + bytes);
      if (last)
        break;
      sequence += (uint32_t) bytes;
      memmove (frame + bytes, frame, headers);
      frame += bytes;
      len -= bytes;
    }
  return true;
}
