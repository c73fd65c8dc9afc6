/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Transfer rings (xHCI 4.9 to 4.11): a transfer descriptor (TD) is a chain of TRBs. It is gathered whole before anything is
 * done with it, so that a device's NAK leaves the ring as it was. */
#include "xhci-private.h"

#include "trace-usb.h"

enum
{
  TD_TRBS = 256,
  TRB_LENGTH = 0x1ffff,
};

typedef struct
{
  Trb      trb;
  uint64_t at;
} Piece;

typedef struct
{
  Xhci    *xhci;
  unsigned slot, dci;
  bool     to_host;
  uint64_t next;             /* dequeue pointer behind it, cycle in bit 0 */
  unsigned n;
  uint32_t bytes;
  Piece    pieces[TD_TRBS];
} Td;

/* --- Gathering ------------------------------------------------------------------------------------------------------ */

static uint32_t
data_bytes (const Trb *trb)
{
  unsigned type = trb_type (trb);
  return type == TRB_NORMAL || type == TRB_DATA || type == TRB_ISOCH ? trb->status & TRB_LENGTH : 0;
}

/* False: not there, or not whole yet. A chain that is too long is cut, and fails below. */
static bool
gather (Td *td)
{
  uint64_t dequeue = td->xhci->s.dequeue[ep_index (td->slot, td->dci)], at = dequeue & ~UINT64_C (1);
  bool     cycle = dequeue & 1, chain = true;
  for (td->n = 0, td->bytes = 0; chain && td->n < TD_TRBS; td->n++)
    {
      Piece *piece = &td->pieces[td->n];
      if (!vt_xhci_fetch (td->xhci, &at, &cycle, &piece->trb))
        return false;
      piece->at = at;
      td->bytes += data_bytes (&piece->trb);
      chain = (piece->trb.control & TRB_CHAIN) != 0;
      at += TRB_BYTES;
    }
  td->next = at | cycle;
  return true;
}

/* The TD's bytes from or to memory; at most len. */
static bool
copy (Td *td, uint8_t *data, uint32_t len, bool to_memory)
{
  for (unsigned i = 0; i < td->n && len > 0; i++)
    {
      const Trb *trb = &td->pieces[i].trb;
      uint32_t   part = MIN (data_bytes (trb), len);
      bool       ok = true;
      if (part == 0)
        continue;
      if ((trb->control & TRB_IMMEDIATE) != 0 && !to_memory)
        {
          uint8_t immediate[8];
          vt_store_le (immediate, trb->parameter, 8);
          part = MIN (part, sizeof immediate);
          memcpy (data, immediate, part);
        }
      else if (to_memory)
        ok = vt_dma_write (&td->xhci->pci.dma, VT_GPA (trb->parameter), data, part);
      else
        ok = vt_dma_read (&td->xhci->pci.dma, VT_GPA (trb->parameter), data, part);
      if (!ok)
        return false;
      data += part;
      len -= part;
    }
  return true;
}

/* --- Ends ----------------------------------------------------------------------------------------------------------- */

static void
event (const Td *td, uint64_t pointer, uint32_t length, unsigned code, bool of_data)
{
  Trb trb = { pointer, length | code << 24,
              TRB_TRANSFER_EVENT << 10 | td->dci << 16 | td->slot << 24 | (of_data ? TRB_EVENT_OF_DATA : 0) };
  vt_xhci_event (td->xhci, &trb);
}

/* Tells the driver what it asked to hear of a TD of which `done` bytes were transferred (4.10.1.1, 4.11.5.2). */
static void
report (const Td *td, uint32_t done)
{
  uint32_t left = done, accumulated = 0;
  bool     is_short = false, reported = false;
  for (unsigned i = 0; i < td->n; i++)
    {
      const Trb *trb = &td->pieces[i].trb;
      uint32_t   bytes = data_bytes (trb), part = MIN (bytes, left);
      bool       ioc = (trb->control & TRB_IOC) != 0, ends_here = part < bytes && !is_short;
      left -= part;
      accumulated += part;
      is_short = is_short || ends_here;
      if (trb_type (trb) == TRB_EVENT_DATA)
        {
          if (ioc)
            event (td, trb->parameter, accumulated & 0xffffff, is_short ? CC_SHORT : CC_SUCCESS, true);
          accumulated = 0;
        }
      else if (!is_short && ioc)
        event (td, td->pieces[i].at, 0, CC_SUCCESS, false);
      else if (is_short && !reported && (ioc || (ends_here && (trb->control & TRB_SHORT) != 0)))
        {
          event (td, td->pieces[i].at, bytes - part, CC_SHORT, false);
          reported = true;
        }
    }
}

static void
finish (const Td *td, uint32_t done)
{
  trace_xhci_td (td->slot, td->dci, td->n, td->bytes, done, done < td->bytes ? CC_SHORT : CC_SUCCESS);
  td->xhci->s.dequeue[ep_index (td->slot, td->dci)] = td->next;
  report (td, done);
}

static bool
is_isoch (const Td *td)
{
  unsigned type = td->xhci->s.ep_type[ep_index (td->slot, td->dci)];
  return type == EP_ISOCH_IN || type == EP_ISOCH_OUT;
}

/* The endpoint stands until the driver has dealt with it; an isochronous one goes on (4.10.2.3). */
static void
fail (const Td *td, unsigned code)
{
  if (is_isoch (td) && code != CC_TRB_ERROR)
    {
      finish (td, 0);
      return;
    }
  trace_xhci_td (td->slot, td->dci, td->n, td->bytes, 0, code);
  td->xhci->s.dequeue[ep_index (td->slot, td->dci)]
    = td->pieces[0].at | (td->xhci->s.dequeue[ep_index (td->slot, td->dci)] & 1);
  vt_xhci_set_ep_state (td->xhci, td->slot, td->dci, code == CC_TRB_ERROR ? EP_ERROR : EP_HALTED);
  event (td, td->pieces[td->n - 1].at, td->bytes & 0xffffff, code, false);
}

/* --- Control -------------------------------------------------------------------------------------------------------- */

static VtUsbSetup
parse_setup (uint64_t packet)
{
  return (VtUsbSetup) { .type = (uint8_t) packet, .request = (uint8_t) (packet >> 8), .value = (uint16_t) (packet >> 16),
                        .index = (uint16_t) (packet >> 32), .length = (uint16_t) (packet >> 48) };
}

static unsigned
failure (VtUsbResult result)
{
  return result == VT_USB_STALL ? CC_STALL : CC_TRANSACTION_ERROR;
}

/* The data stage, or the status stage of a request without one: now the device hears of the request. False: NAK. */
static bool
run_request (Td *td, VtUsbDevice *device)
{
  XhciState         *s = &td->xhci->s;
  VtUsbSetup         setup = parse_setup (s->setup[td->slot]);
  uint32_t           len = MIN (td->bytes, setup.length);
  bool               to_host = (setup.type & VT_USB_TO_HOST) != 0;
  g_autofree uint8_t *data = g_malloc0 (MAX (len, 1));
  if (!to_host && !copy (td, data, len, false))
    {
      vt_xhci_host_error (td->xhci);
      return true;
    }
  VtUsbResult result = device->ops->control (device, &setup, data, &len);
  if (result == VT_USB_NAK)
    return false;
  s->in_setup[td->slot] = false;
  if (result != VT_USB_DONE)
    fail (td, failure (result));
  else if (to_host && !copy (td, data, len, true))
    vt_xhci_host_error (td->xhci);
  else
    finish (td, to_host ? len : td->bytes);
  return true;
}

/* False: NAK. */
static bool
run_control (Td *td, VtUsbDevice *device)
{
  XhciState *s = &td->xhci->s;
  const Trb *first = &td->pieces[0].trb;
  switch (trb_type (first))
    {
    case TRB_SETUP:
      s->setup[td->slot] = first->parameter;
      s->in_setup[td->slot] = true;
      finish (td, 0);
      return true;
    case TRB_DATA:
      if (s->in_setup[td->slot])
        return run_request (td, device);
      fail (td, CC_TRB_ERROR);
      return true;
    case TRB_STATUS:
      if (s->in_setup[td->slot])
        return run_request (td, device);
      finish (td, 0);
      return true;
    case TRB_NO_OP:
      finish (td, 0);
      return true;
    default:
      fail (td, CC_TRB_ERROR);
      return true;
    }
}

/* --- The other endpoints ---------------------------------------------------------------------------------------------- */

static bool
only_data (const Td *td)
{
  for (unsigned i = 0; i < td->n; i++)
    {
      unsigned type = trb_type (&td->pieces[i].trb);
      if (type != TRB_NORMAL && type != TRB_ISOCH && type != TRB_EVENT_DATA && type != TRB_NO_OP)
        return false;
    }
  return true;
}

/* False: NAK. */
static bool
run_data (Td *td, VtUsbDevice *device)
{
  uint32_t            len = td->bytes;
  unsigned            endpoint = td->dci / 2;
  g_autofree uint8_t *data = g_malloc0 (MAX (len, 1));
  if (!only_data (td))
    {
      fail (td, CC_TRB_ERROR);
      return true;
    }
  if (!td->to_host && !copy (td, data, len, false))
    {
      vt_xhci_host_error (td->xhci);
      return true;
    }
  VtUsbResult result = td->to_host ? device->ops->in (device, endpoint, data, &len)
                                   : device->ops->out (device, endpoint, data, len);
  if (result == VT_USB_NAK)
    return false;
  if (result != VT_USB_DONE)
    fail (td, failure (result));
  else if (td->to_host && !copy (td, data, len, true))
    vt_xhci_host_error (td->xhci);
  else
    finish (td, len);
  return true;
}

/* False: the device says NAK. */
static bool
run_td (Td *td)
{
  VtUsbDevice *device = vt_xhci_slot_device (td->xhci, td->slot);
  if (td->n == TD_TRBS && (td->pieces[TD_TRBS - 1].trb.control & TRB_CHAIN) != 0)
    fail (td, CC_TRB_ERROR);
  else if (device == NULL)
    fail (td, CC_TRANSACTION_ERROR);
  else if (td->dci == 1)
    return run_control (td, device);
  else
    return run_data (td, device);
  return true;
}

bool
vt_xhci_run_endpoint (Xhci *xhci, unsigned slot, unsigned dci)
{
  Td td = { .xhci = xhci, .slot = slot, .dci = dci, .to_host = (dci & 1) != 0 };
  for (unsigned n = 0; n < WORK_MAX; n++)
    if ((xhci->s.usbcmd & USBCMD_RS) == 0 || xhci->s.ep_state[ep_index (slot, dci)] != EP_RUNNING
        || !vt_xhci_event_room (xhci, 2) || !gather (&td) || !run_td (&td))
      return false;
  return true;
}
