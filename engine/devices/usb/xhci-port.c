/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Ports (xHCI 4.19), and what devices do at them. */
#include "xhci-private.h"

#include "trace-usb.h"
#include "vitrine/error.h"

enum
{
  PORTSC_CCS = 1u << 0, PORTSC_PED = 1u << 1, PORTSC_PR = 1u << 4, PORTSC_PP = 1u << 9, PORTSC_LWS = 1u << 16,
  PORTSC_CSC = 1u << 17, PORTSC_PEC = 1u << 18, PORTSC_WRC = 1u << 19, PORTSC_PRC = 1u << 21, PORTSC_PLC = 1u << 22,
  PORTSC_CHANGES = 0x7fu << 17, PORTSC_WAKE = 7u << 25,
  PORTSC_PLS = 0xfu << 5,
  /* Ours, never shown: the driver knows of what is connected; an event found no room. */
  PORTSC_ACK = 1u << 2, PORTSC_OWED = 1u << 29, PORTSC_HIDDEN = PORTSC_ACK | PORTSC_OWED,
  PLS_U0 = 0, PLS_U3 = 3, PLS_RX_DETECT = 5, PLS_POLLING = 7, PLS_RESUME = 15,
};
#define PORTSC_WPR (1u << 31)

/* --- Ports ------------------------------------------------------------------------------------------------------------------- */

static bool
is_super (unsigned port)
{
  return port >= PORTS_2;
}

static unsigned
link_state (const Xhci *xhci, unsigned port)
{
  uint32_t portsc = xhci->s.portsc[port];
  if (xhci->devices[port] == NULL)
    return PLS_RX_DETECT;
  return (portsc & PORTSC_PED) != 0 ? (portsc & PORTSC_PLS) >> 5 : PLS_POLLING;
}

uint32_t
vt_xhci_read_portsc (const Xhci *xhci, unsigned port)
{
  const VtUsbDevice *device = xhci->devices[port];
  uint32_t portsc = xhci->s.portsc[port], value = portsc & ~(uint32_t) (PORTSC_HIDDEN | PORTSC_PLS);
  value |= PORTSC_PP | link_state (xhci, port) << 5;
  if (device == NULL)
    return value & ~(uint32_t) PORTSC_PED;
  value |= PORTSC_CCS | ((portsc & PORTSC_ACK) == 0 ? PORTSC_CSC : 0);
  return (portsc & PORTSC_PED) != 0 ? value | (uint32_t) device->speed << 10 : value;
}

void
vt_xhci_tell_port (Xhci *xhci, unsigned port)
{
  XhciState *s = &xhci->s;
  trace_xhci_port (port, vt_xhci_read_portsc (xhci, port));
  if ((vt_xhci_read_portsc (xhci, port) & PORTSC_CHANGES) == 0)
    return;
  s->usbsts |= USBSTS_PCD;
  if ((s->usbcmd & USBCMD_RS) == 0)
    return;
  if (!vt_xhci_event_room (xhci, 1))
    s->portsc[port] |= PORTSC_OWED;
  else
    vt_xhci_event (xhci, &(Trb) { (uint64_t) (port + 1) << 24, CC_SUCCESS << 24, TRB_PORT_EVENT << 10 });
}

static void
reset_port (Xhci *xhci, unsigned port, bool warm)
{
  VtUsbDevice *device = xhci->devices[port];
  if (device == NULL)
    return;
  device->ops->reset (device);
  xhci->s.portsc[port] = (xhci->s.portsc[port] & ~(uint32_t) PORTSC_PLS) | PORTSC_PED | PORTSC_PRC | (warm ? PORTSC_WRC : 0);
  vt_xhci_tell_port (xhci, port);
}

/* U3 is sleep. A USB 2 port is woken through "resume", which lasts as long as the driver wants. */
static void
set_link_state (Xhci *xhci, unsigned port, unsigned state)
{
  uint32_t *portsc = &xhci->s.portsc[port];
  unsigned  before = link_state (xhci, port);
  if ((*portsc & PORTSC_PED) == 0 || xhci->devices[port] == NULL
      || (state != PLS_U0 && state != PLS_U3 && state != PLS_RESUME))
    return;
  if (state == PLS_RESUME && is_super (port))
    state = PLS_U0;
  *portsc = (*portsc & ~(uint32_t) PORTSC_PLS) | state << 5;
  if (state == PLS_U0 && before != PLS_U0)
    {
      *portsc |= PORTSC_PLC;
      vt_xhci_tell_port (xhci, port);
    }
}

void
vt_xhci_write_portsc (Xhci *xhci, unsigned port, uint32_t value)
{
  uint32_t *portsc = &xhci->s.portsc[port];
  if ((value & PORTSC_CSC) != 0)
    *portsc |= PORTSC_ACK;
  *portsc &= ~(value & PORTSC_CHANGES);
  *portsc = (*portsc & ~(uint32_t) PORTSC_WAKE) | (value & PORTSC_WAKE);
  if ((value & PORTSC_PED) != 0)
    *portsc &= ~(uint32_t) PORTSC_PED;
  if ((value & PORTSC_PR) != 0 || ((value & PORTSC_WPR) != 0 && is_super (port)))
    reset_port (xhci, port, (value & PORTSC_WPR) != 0);
  else if ((value & PORTSC_LWS) != 0)
    set_link_state (xhci, port, (value & PORTSC_PLS) >> 5);
}

void
vt_xhci_tell_owed (Xhci *xhci)
{
  XhciState *s = &xhci->s;
  for (unsigned port = 0; port < VT_XHCI_PORTS; port++)
    if ((s->portsc[port] & PORTSC_OWED) != 0)
      {
        s->portsc[port] &= ~(uint32_t) PORTSC_OWED;
        vt_xhci_tell_port (xhci, port);
      }
}

/* --- What devices do ------------------------------------------------------------------------------------------------------------ */

static bool
attach (void *host, unsigned port, VtUsbDevice *device, GError **error)
{
  Xhci *xhci = host;
  if (port >= VT_XHCI_PORTS || xhci->devices[port] != NULL || is_super (port) != (device->speed == VT_USB_SUPER_SPEED))
    {
      g_set_error (error, VT_ERROR, VT_ERROR_CONFIG, "USB port %u is not free, or of another speed", port + 1);
      return false;
    }
  xhci->devices[port] = device;
  xhci->s.portsc[port] &= ~(uint32_t) (PORTSC_ACK | PORTSC_PED);
  vt_xhci_tell_port (xhci, port);
  return true;
}

static void
port_is_empty (Xhci *xhci, unsigned port)
{
  xhci->s.portsc[port] = (xhci->s.portsc[port] & ~(uint32_t) (PORTSC_ACK | PORTSC_PED)) | PORTSC_CSC;
  vt_xhci_tell_port (xhci, port);
}

void
vt_xhci_empty_ports (Xhci *xhci)
{
  for (unsigned port = 0; port < VT_XHCI_PORTS; port++)
    if (xhci->devices[port] == NULL && (xhci->s.portsc[port] & (PORTSC_ACK | PORTSC_PED)) == (PORTSC_ACK | PORTSC_PED))
      port_is_empty (xhci, port);
}

/* Transfers that waited for the device end, with errors. */
static void
detach (void *host, unsigned port)
{
  Xhci *xhci = host;
  xhci->devices[port] = NULL;
  port_is_empty (xhci, port);
  for (unsigned slot = 1; slot <= SLOTS; slot++)
    if (xhci->s.slot_port[slot] == port + 1)
      vt_xhci_look_at_slot (xhci, slot);
  vt_xhci_go_on (xhci);
}

static void
ready (void *host, unsigned port, unsigned address)
{
  Xhci    *xhci = host;
  unsigned dci = (address & 0xf) * 2 + ((address & VT_USB_TO_HOST) != 0);   /* endpoint 0: 1 */
  for (unsigned slot = 1; slot <= SLOTS; slot++)
    if (xhci->s.slot_port[slot] == port + 1 && xhci->s.ep_state[ep_index (slot, dci)] == EP_RUNNING)
      {
        xhci->pending[slot] |= UINT64_C (1) << dci;
        vt_xhci_go_on (xhci);
      }
}

static const VtUsbHostOps host_ops = { attach, detach, ready };

VtUsbPlace
vt_xhci_place (VtDevice *dev, unsigned port)
{
  return (VtUsbPlace) { &host_ops, dev, port };
}
