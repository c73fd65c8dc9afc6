/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registers, ports and the event ring (xHCI 4.19, 4.17, 5). One interrupter; 32-byte contexts; no streams, no hubs'
 * routes, no scratchpad buffers. */
#include "xhci-private.h"

#include "trace-usb.h"
#include "vitrine/error.h"

enum
{
  BAR_BYTES = 0x4000,
  CAP_LENGTH = 0x40, RUNTIME = 0x1000, DOORBELLS = 0x2000, PORT_REGISTERS = CAP_LENGTH + 0x400, PORT_STRIDE = 0x10,
  INTERRUPTER = RUNTIME + 0x20,
  PROTOCOL_2 = 0x20, PROTOCOL_3 = 0x30,       /* extended capabilities */

  HCSPARAMS1 = 0x04, HCSPARAMS2 = 0x08, HCCPARAMS1 = 0x10, DBOFF = 0x14, RTSOFF = 0x18,
  USBCMD = CAP_LENGTH + 0x00, USBSTS = CAP_LENGTH + 0x04, PAGESIZE = CAP_LENGTH + 0x08, DNCTRL = CAP_LENGTH + 0x14,
  CRCR = CAP_LENGTH + 0x18, DCBAAP = CAP_LENGTH + 0x30, CONFIG = CAP_LENGTH + 0x38,
  MFINDEX = RUNTIME,
  IMAN = INTERRUPTER, IMOD = INTERRUPTER + 0x04, ERSTSZ = INTERRUPTER + 0x08, ERSTBA = INTERRUPTER + 0x10,
  ERDP = INTERRUPTER + 0x18,

  USBCMD_WRITABLE = USBCMD_RS | USBCMD_INTE | 1u << 3 | 1u << 10,
  USBSTS_W1C = USBSTS_HSE | USBSTS_EINT | USBSTS_PCD | USBSTS_SRE,
  CRCR_RCS = 1u << 0, CRCR_STOP = 3u << 1, CRCR_RUNNING = 1u << 3,
  IMAN_IP = 1u << 0, IMAN_IE = 1u << 1,
  ERDP_BUSY = 1u << 3,

  PORTS_2 = VT_XHCI_FIRST_SUPER,
  PORTSC_CCS = 1u << 0, PORTSC_PED = 1u << 1, PORTSC_PR = 1u << 4, PORTSC_PP = 1u << 9, PORTSC_LWS = 1u << 16,
  PORTSC_CSC = 1u << 17, PORTSC_PEC = 1u << 18, PORTSC_WRC = 1u << 19, PORTSC_PRC = 1u << 21, PORTSC_PLC = 1u << 22,
  PORTSC_CHANGES = 0x7fu << 17, PORTSC_WAKE = 7u << 25,
  PORTSC_PLS = 0xfu << 5,
  /* Ours, never shown: the driver knows of what is connected; an event found no room. */
  PORTSC_ACK = 1u << 2, PORTSC_OWED = 1u << 29, PORTSC_HIDDEN = PORTSC_ACK | PORTSC_OWED,
  PLS_U0 = 0, PLS_U3 = 3, PLS_RX_DETECT = 5, PLS_POLLING = 7, PLS_RESUME = 15,

  MICROFRAME_NS = 125000,
  LINKS_MAX = 8,
  SEGMENTS_MAX = 16,            /* of the event ring: 2 to the power in HCSPARAMS2 */
  GO_ON_NS = 100000,
  ROUNDS_MAX = 64,
};
#define PORTSC_WPR (1u << 31)

#define XHCI_FIELDS(T)                                                                                                 \
  VT_FIELD (T, dcbaap), VT_FIELD (T, command_ring), VT_FIELD (T, erstba), VT_FIELD (T, erdp),                          \
    VT_FIELD (T, event_segment), VT_FIELD (T, slot_context), VT_FIELD (T, dequeue), VT_FIELD (T, setup),               \
    VT_FIELD (T, usbcmd), VT_FIELD (T, usbsts), VT_FIELD (T, dnctrl), VT_FIELD (T, config), VT_FIELD (T, iman),        \
    VT_FIELD (T, imod), VT_FIELD (T, erstsz), VT_FIELD (T, portsc), VT_FIELD (T, event_index),                         \
    VT_FIELD (T, event_trbs), VT_FIELD (T, event_segment_index), VT_FIELD (T, slot_state), VT_FIELD (T, slot_port),    \
    VT_FIELD (T, ep_state), VT_FIELD (T, ep_type), VT_FIELD (T, slot_enabled), VT_FIELD (T, in_setup),                 \
    VT_FIELD (T, command_cycle), VT_FIELD (T, command_running), VT_FIELD (T, event_cycle), VT_FIELD (T, blocked)
static const VtField xhci_fields[] = { VT_PCI_FIELDS (XhciState, pci), XHCI_FIELDS (XhciState) };

#define IMOD_DEFAULT 4000u     /* 5.5.2.2: 1 ms; kept for the driver, nothing is held back */
static const XhciState xhci_at_reset = { .usbsts = USBSTS_HCH, .imod = IMOD_DEFAULT };

/* --- Interrupts ------------------------------------------------------------------------------------------------------- */

static bool
irq_level (const XhciState *s)
{
  return (s->iman & (IMAN_IP | IMAN_IE)) == (IMAN_IP | IMAN_IE) && (s->usbcmd & USBCMD_INTE) != 0;
}

/* A message carries the pending bit away (4.17.5). */
static void
update_irq (Xhci *xhci)
{
  bool level = irq_level (&xhci->s);
  vt_pci_set_irq (&xhci->pci, level);
  if (level && vt_pci_msi_enabled (&xhci->pci))
    {
      xhci->s.iman &= ~(uint32_t) IMAN_IP;
      vt_pci_set_irq (&xhci->pci, false);
    }
}

static void
interrupt (Xhci *xhci)
{
  xhci->s.usbsts |= USBSTS_EINT;
  if ((xhci->s.erdp & ERDP_BUSY) == 0)
    {
      xhci->s.erdp |= ERDP_BUSY;
      xhci->s.iman |= IMAN_IP;
    }
  update_irq (xhci);
}

/* --- The event ring ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  uint64_t segment;
  uint32_t index, trbs, segment_index;
  bool     cycle;
} EventCursor;

static EventCursor
cursor_of (const XhciState *s)
{
  return (EventCursor) { s->event_segment, s->event_index, s->event_trbs, s->event_segment_index, s->event_cycle };
}

/* Entry of the segment table (6.5). */
static bool
enter_segment (Xhci *xhci, EventCursor *cursor, uint32_t segment_index)
{
  uint8_t  entry[16];
  unsigned segments = MIN (xhci->s.erstsz, SEGMENTS_MAX);
  if (segment_index >= segments
      || !vt_dma_read (&xhci->pci.dma, VT_GPA (xhci->s.erstba + segment_index * UINT64_C (16)), entry, sizeof entry))
    return false;
  cursor->segment = vt_load_le (entry, 8) & ~UINT64_C (0x3f);
  cursor->trbs = (uint32_t) vt_load_le (entry + 8, 2);
  cursor->segment_index = segment_index;
  cursor->index = 0;
  return cursor->trbs >= 16 && cursor->trbs <= 4096;
}

static bool
advance (Xhci *xhci, EventCursor *cursor)
{
  if (++cursor->index < cursor->trbs)
    return true;
  uint32_t next = cursor->segment_index + 1 < MIN (xhci->s.erstsz, SEGMENTS_MAX) ? cursor->segment_index + 1 : 0;
  if (next == 0)
    cursor->cycle = !cursor->cycle;
  return enter_segment (xhci, cursor, next);
}

static void
keep (XhciState *s, const EventCursor *cursor)
{
  s->event_segment = cursor->segment;
  s->event_index = cursor->index;
  s->event_trbs = cursor->trbs;
  s->event_segment_index = cursor->segment_index;
  s->event_cycle = cursor->cycle;
}

/* The driver has set up a ring, and we know where it begins. */
static bool
ring_ready (Xhci *xhci)
{
  if (xhci->s.event_trbs != 0)
    return true;
  EventCursor cursor = { .cycle = true };
  if (!enter_segment (xhci, &cursor, 0))
    return false;
  keep (&xhci->s, &cursor);
  return true;
}

bool
vt_xhci_event_room (Xhci *xhci, unsigned n)
{
  EventCursor cursor = cursor_of (&xhci->s);
  bool        room = ring_ready (xhci);
  cursor = cursor_of (&xhci->s);
  for (unsigned i = 0; room && i < n; i++)
    room = advance (xhci, &cursor)
           && cursor.segment + cursor.index * UINT64_C (16) != (xhci->s.erdp & ~UINT64_C (0xf));
  xhci->s.blocked = xhci->s.blocked || !room;
  return room;
}

void
vt_xhci_event (Xhci *xhci, const Trb *event)
{
  uint8_t bytes[TRB_BYTES];
  trace_xhci_event (trb_type (event), event->parameter, event->status >> 24);
  if (!vt_xhci_event_room (xhci, 1))
    {
      vt_guest_warn (&xhci->pci.dev, "an event is lost: the ring is full");
      return;
    }
  EventCursor cursor = cursor_of (&xhci->s);
  vt_store_le (bytes, event->parameter, 8);
  vt_store_le (bytes + 8, event->status, 4);
  vt_store_le (bytes + 12, event->control | (cursor.cycle ? TRB_CYCLE : 0), 4);
  uint64_t at = cursor.segment + cursor.index * UINT64_C (16);
  /* The word with the cycle bit last: the driver may be looking. */
  if (!vt_dma_write (&xhci->pci.dma, VT_GPA (at), bytes, 12))
    {
      vt_xhci_host_error (xhci);
      return;
    }
  __atomic_thread_fence (__ATOMIC_RELEASE);
  if (!vt_dma_write (&xhci->pci.dma, VT_GPA (at + 12), bytes + 12, 4) || !advance (xhci, &cursor))
    {
      vt_xhci_host_error (xhci);
      return;
    }
  keep (&xhci->s, &cursor);
  interrupt (xhci);
}

/* --- Rings of the driver -------------------------------------------------------------------------------------------------- */

bool
vt_xhci_fetch (Xhci *xhci, uint64_t *at, bool *cycle, Trb *trb)
{
  for (unsigned links = 0; links < LINKS_MAX; links++)
    {
      uint8_t bytes[TRB_BYTES];
      if (!vt_dma_read (&xhci->pci.dma, VT_GPA (*at), bytes, sizeof bytes))
        break;
      *trb = (Trb) { vt_load_le (bytes, 8), (uint32_t) vt_load_le (bytes + 8, 4), (uint32_t) vt_load_le (bytes + 12, 4) };
      if ((trb->control & TRB_CYCLE) != *cycle)
        return false;
      if (trb_type (trb) != TRB_LINK)
        return true;
      *at = trb->parameter & ~UINT64_C (0xf);
      *cycle ^= (trb->control & TRB_TOGGLE) != 0;
    }
  vt_xhci_host_error (xhci);
  return false;
}

void
vt_xhci_host_error (Xhci *xhci)
{
  vt_guest_warn (&xhci->pci.dev, "a ring or a buffer that is no memory");
  xhci->s.usbcmd &= ~(uint32_t) USBCMD_RS;
  xhci->s.usbsts |= USBSTS_HSE | USBSTS_HCH;
  xhci->s.command_running = false;
}

/* --- Work ------------------------------------------------------------------------------------------------------------------ */

/* Once through everything. True: some of it is not at its end. */
static bool
run_round (Xhci *xhci)
{
  bool more = vt_xhci_run_commands (xhci);
  for (unsigned slot = 1; slot <= SLOTS; slot++)
    for (unsigned dci = 1; xhci->pending[slot] != 0 && dci < ENDPOINTS; dci++)
      {
        uint64_t bit = UINT64_C (1) << dci;
        if ((xhci->pending[slot] & bit) == 0)
          continue;
        xhci->pending[slot] &= ~bit;
        bool unfinished = vt_xhci_run_endpoint (xhci, slot, dci);
        if (unfinished || xhci->s.blocked)
          xhci->pending[slot] |= bit;
        more = more || unfinished;
      }
  return more;
}

/* A device may say that it is ready while it is being asked: that is the next round's. */
static void
run_pending (Xhci *xhci)
{
  bool more = true;
  xhci->once_more = true;
  if (xhci->working)
    return;
  xhci->working = true;
  for (unsigned round = 0; round < ROUNDS_MAX && xhci->once_more; round++)
    {
      xhci->once_more = false;
      more = run_round (xhci);
    }
  xhci->working = false;
  if (more || xhci->once_more)
    vt_timer_arm (xhci->again, vt_clock_now (xhci->clock) + GO_ON_NS);
}

static void
go_on (void *opaque, int64_t late_ns)
{
  run_pending (opaque);
}

void
vt_xhci_go_on (Xhci *xhci)
{
  run_pending (xhci);
}

VtUsbDevice *
vt_xhci_slot_device (Xhci *xhci, unsigned slot)
{
  unsigned port = xhci->s.slot_port[slot];
  return port == 0 ? NULL : xhci->devices[port - 1];
}

static void
doorbell (Xhci *xhci, unsigned slot, uint32_t value)
{
  XhciState *s = &xhci->s;
  unsigned   dci = value & 0xff;
  if ((s->usbcmd & USBCMD_RS) == 0)
    return;
  if (slot == 0 && dci == 0)
    s->command_running = true;
  else if (slot == 0 || slot > SLOTS || dci == 0 || dci >= ENDPOINTS || s->ep_state[ep_index (slot, dci)] == EP_DISABLED)
    return;
  else
    {
      if (s->ep_state[ep_index (slot, dci)] == EP_STOPPED)
        vt_xhci_set_ep_state (xhci, slot, dci, EP_RUNNING);
      xhci->pending[slot] |= UINT64_C (1) << dci;
    }
  run_pending (xhci);
}

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

static uint32_t
read_portsc (const Xhci *xhci, unsigned port)
{
  const VtUsbDevice *device = xhci->devices[port];
  uint32_t portsc = xhci->s.portsc[port], value = portsc & ~(uint32_t) (PORTSC_HIDDEN | PORTSC_PLS);
  value |= PORTSC_PP | link_state (xhci, port) << 5;
  if (device == NULL)
    return value & ~(uint32_t) PORTSC_PED;
  value |= PORTSC_CCS | ((portsc & PORTSC_ACK) == 0 ? PORTSC_CSC : 0);
  return (portsc & PORTSC_PED) != 0 ? value | (uint32_t) device->speed << 10 : value;
}

static void
tell_port (Xhci *xhci, unsigned port)
{
  XhciState *s = &xhci->s;
  trace_xhci_port (port, read_portsc (xhci, port));
  if ((read_portsc (xhci, port) & PORTSC_CHANGES) == 0)
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
  tell_port (xhci, port);
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
      tell_port (xhci, port);
    }
}

static void
write_portsc (Xhci *xhci, unsigned port, uint32_t value)
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
  tell_port (xhci, port);
  return true;
}

static void
look_at_slot (Xhci *xhci, unsigned slot)
{
  for (unsigned dci = 1; dci < ENDPOINTS; dci++)
    if (xhci->s.ep_state[ep_index (slot, dci)] == EP_RUNNING)
      xhci->pending[slot] |= UINT64_C (1) << dci;
}

static void
port_is_empty (Xhci *xhci, unsigned port)
{
  xhci->s.portsc[port] = (xhci->s.portsc[port] & ~(uint32_t) (PORTSC_ACK | PORTSC_PED)) | PORTSC_CSC;
  tell_port (xhci, port);
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
      look_at_slot (xhci, slot);
  run_pending (xhci);
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
        run_pending (xhci);
      }
}

static const VtUsbHostOps host_ops = { attach, detach, ready };

VtUsbPlace
vt_xhci_place (VtDevice *dev, unsigned port)
{
  return (VtUsbPlace) { &host_ops, dev, port };
}

/* --- Registers -------------------------------------------------------------------------------------------------------------------- */

static void
reset_controller (Xhci *xhci)
{
  VtPciState pci = xhci->s.pci;
  xhci->s = xhci_at_reset;
  xhci->s.pci = pci;
  memset (xhci->pending, 0, sizeof xhci->pending);
  for (unsigned port = 0; port < VT_XHCI_PORTS; port++)
    if (xhci->devices[port] != NULL)
      xhci->devices[port]->ops->reset (xhci->devices[port]);
  update_irq (xhci);
}

static void
write_usbcmd (Xhci *xhci, uint32_t value)
{
  XhciState *s = &xhci->s;
  if ((value & USBCMD_HCRST) != 0)
    {
      reset_controller (xhci);
      return;
    }
  bool was_running = (s->usbcmd & USBCMD_RS) != 0, running = (value & USBCMD_RS) != 0;
  s->usbcmd = value & USBCMD_WRITABLE;
  s->usbsts = running ? s->usbsts & ~(uint32_t) USBSTS_HCH : s->usbsts | USBSTS_HCH;
  s->command_running = s->command_running && running;
  /* Saving needs nothing. What was saved cannot be had back: the driver then starts the controller anew (4.23.2). */
  if ((value & USBCMD_CRS) != 0)
    s->usbsts |= USBSTS_SRE;
  update_irq (xhci);
  for (unsigned port = 0; running && !was_running && port < VT_XHCI_PORTS; port++)
    tell_port (xhci, port);
}

static void
write_crcr (Xhci *xhci, uint32_t value)
{
  XhciState *s = &xhci->s;
  if (s->command_running && (value & CRCR_STOP) != 0)
    {
      s->command_running = false;
      vt_xhci_event (xhci, &(Trb) { s->command_ring, CC_RING_STOPPED << 24, TRB_COMMAND_EVENT << 10 });
    }
  else if (!s->command_running)
    {
      s->command_ring = vt_deposit (s->command_ring, 0, 32, value & ~0x3fu);
      s->command_cycle = value & CRCR_RCS;
    }
}

/* The driver has taken events. If there are more, it is told again. */
static void
write_erdp (Xhci *xhci, unsigned shift, uint32_t value)
{
  XhciState *s = &xhci->s;
  bool       busy = (s->erdp & ERDP_BUSY) != 0 && !(shift == 0 && (value & ERDP_BUSY) != 0);
  s->erdp = vt_deposit (s->erdp, shift, 32, value);
  s->erdp = busy ? s->erdp | ERDP_BUSY : s->erdp & ~(uint64_t) ERDP_BUSY;
  if (s->event_trbs != 0 && !busy && (s->erdp & ~UINT64_C (0xf)) != s->event_segment + s->event_index * UINT64_C (16))
    interrupt (xhci);
  if (!s->blocked)
    return;
  s->blocked = false;
  for (unsigned port = 0; port < VT_XHCI_PORTS; port++)
    if ((s->portsc[port] & PORTSC_OWED) != 0)
      {
        s->portsc[port] &= ~(uint32_t) PORTSC_OWED;
        tell_port (xhci, port);
      }
  run_pending (xhci);
}

static uint32_t
read_capability (unsigned off)
{
  switch (off)
    {
    case 0x00: return CAP_LENGTH | 0x0100u << 16;
    case HCSPARAMS1: return SLOTS | 1u << 8 | (uint32_t) VT_XHCI_PORTS << 24;
    case HCSPARAMS2: return 4u << 4;
    case HCCPARAMS1: return 1u | (PROTOCOL_2 / 4u) << 16;
    case DBOFF: return DOORBELLS;
    case RTSOFF: return RUNTIME;
    case PROTOCOL_2: return 2u | ((PROTOCOL_3 - PROTOCOL_2) / 4u) << 8 | 0x0200u << 16;
    case PROTOCOL_3: return 2u | 0x0300u << 16;
    case PROTOCOL_2 + 4:
    case PROTOCOL_3 + 4: return 0x20425355;     /* "USB " */
    case PROTOCOL_2 + 8: return 1u | (uint32_t) PORTS_2 << 8;
    case PROTOCOL_3 + 8: return (PORTS_2 + 1u) | (uint32_t) (VT_XHCI_PORTS - PORTS_2) << 8;
    default: return 0;
    }
}

static uint32_t
read_register (Xhci *xhci, unsigned off)
{
  const XhciState *s = &xhci->s;
  if (off < CAP_LENGTH)
    return read_capability (off);
  if (off >= PORT_REGISTERS && off < PORT_REGISTERS + VT_XHCI_PORTS * PORT_STRIDE)
    return off % PORT_STRIDE == 0 ? read_portsc (xhci, (off - PORT_REGISTERS) / PORT_STRIDE) : 0;
  switch (off)
    {
    case USBCMD: return s->usbcmd;
    case USBSTS: return s->usbsts;
    case PAGESIZE: return 1;
    case DNCTRL: return s->dnctrl;
    case CRCR: return s->command_running ? CRCR_RUNNING : 0;
    case DCBAAP: return (uint32_t) s->dcbaap;
    case DCBAAP + 4: return (uint32_t) (s->dcbaap >> 32);
    case CONFIG: return s->config;
    case MFINDEX: return (uint32_t) (vt_clock_now (xhci->clock) / MICROFRAME_NS) & 0x3fff;
    case IMAN: return s->iman;
    case IMOD: return s->imod;
    case ERSTSZ: return s->erstsz;
    case ERSTBA: return (uint32_t) s->erstba;
    case ERSTBA + 4: return (uint32_t) (s->erstba >> 32);
    case ERDP: return (uint32_t) s->erdp;
    case ERDP + 4: return (uint32_t) (s->erdp >> 32);
    default: return 0;
    }
}

static void
write_iman (Xhci *xhci, uint32_t value)
{
  uint32_t pending = xhci->s.iman & IMAN_IP & ~value;
  xhci->s.iman = pending | (value & IMAN_IE);
  update_irq (xhci);
}

static void
write_erstba (Xhci *xhci, unsigned shift, uint32_t value)
{
  xhci->s.erstba = vt_deposit (xhci->s.erstba, shift, 32, shift == 0 ? value & ~0x3fu : value);
  xhci->s.event_trbs = 0;     /* looked up again at the first event */
}

static void
write_register (Xhci *xhci, unsigned off, uint32_t value)
{
  XhciState *s = &xhci->s;
  if (off >= DOORBELLS && off <= DOORBELLS + 4 * SLOTS)
    {
      doorbell (xhci, (off - DOORBELLS) / 4, value);
      return;
    }
  if (off >= PORT_REGISTERS && off < PORT_REGISTERS + VT_XHCI_PORTS * PORT_STRIDE)
    {
      if (off % PORT_STRIDE == 0)
        write_portsc (xhci, (off - PORT_REGISTERS) / PORT_STRIDE, value);
      return;
    }
  switch (off)
    {
    case USBCMD: write_usbcmd (xhci, value); return;
    case USBSTS: s->usbsts &= ~(value & USBSTS_W1C); return;
    case DNCTRL: s->dnctrl = value & 0xffff; return;
    case CRCR: write_crcr (xhci, value); return;
    case CRCR + 4: s->command_ring = s->command_running ? s->command_ring : vt_deposit (s->command_ring, 32, 32, value); return;
    case DCBAAP: s->dcbaap = vt_deposit (s->dcbaap, 0, 32, value & ~0x3fu); return;
    case DCBAAP + 4: s->dcbaap = vt_deposit (s->dcbaap, 32, 32, value); return;
    case CONFIG: s->config = value & 0x3ff; return;
    case IMAN: write_iman (xhci, value); return;
    case IMOD: s->imod = value; return;
    case ERSTSZ: s->erstsz = value & 0xffff; return;
    case ERSTBA: write_erstba (xhci, 0, value); return;
    case ERSTBA + 4: write_erstba (xhci, 32, value); return;
    case ERDP: write_erdp (xhci, 0, value); return;
    case ERDP + 4: write_erdp (xhci, 32, value); return;
    }
}

static uint64_t
xhci_read (VtDevice *dev, uint64_t off, unsigned size)
{
  uint32_t value = read_register ((Xhci *) dev, (unsigned) off);
  trace_xhci_read (off, value);
  return value;
}

static void
xhci_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  trace_xhci_write (off, value);
  write_register ((Xhci *) dev, (unsigned) off, (uint32_t) value);
}

static const VtRegionOps xhci_ops = { xhci_read, xhci_write, 4, 4 };
static const VtRegion xhci_region = { "xhci", BAR_BYTES, &xhci_ops };
static const VtRegion *const xhci_regions[] = { &xhci_region, NULL };

/* --- Life -------------------------------------------------------------------------------------------------------------------------- */

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Xhci               *xhci = (Xhci *) dev;
  const VtXhciConfig *config = env->config;
  const VtPciIdentity identity = { .vendor = 0x1b36, .device = 0x000d, .class_code = 0x0c0330, .revision = 1,
                                   .interrupt_pin = 1 };
  xhci->clock = env->clock;
  xhci->again = vt_timer_new (env->clock, "xhci", 0, go_on, xhci);
  if (!vt_pci_init (&xhci->pci, env, &config->place, &identity, &xhci->s.pci, error))
    return false;
  vt_pci_set_fixed (&xhci->pci, 0x60, 2, 0x2030);     /* USB 3.0, frame length 60000 (5.2.3, 5.2.4) */
  vt_pci_add_bar (&xhci->pci, 0, PCI_BAR_64, &xhci_region);
  vt_pci_add_power_management (&xhci->pci);
  vt_pci_add_msi (&xhci->pci);
  vt_pci_add_express (&xhci->pci);
  return true;
}

static void
settle (VtDevice *dev)
{
  Xhci *xhci = (Xhci *) dev;
  vt_pci_settle (&xhci->pci, irq_level (&xhci->s));
  memset (xhci->pending, 0, sizeof xhci->pending);
  vt_timer_cancel (xhci->again);
}

/* Whatever was under way when the state was saved: every running endpoint is looked at once. A device that was there then may not be
 * there now. */
static void
resume (VtDevice *dev)
{
  Xhci *xhci = (Xhci *) dev;
  for (unsigned port = 0; port < VT_XHCI_PORTS; port++)
    if (xhci->devices[port] == NULL && (xhci->s.portsc[port] & (PORTSC_ACK | PORTSC_PED)) == (PORTSC_ACK | PORTSC_PED))
      port_is_empty (xhci, port);
  for (unsigned slot = 1; slot <= SLOTS; slot++)
    look_at_slot (xhci, slot);
  run_pending (xhci);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const Xhci      *xhci = (const Xhci *) dev;
  const XhciState *s = incoming;
  bool             ok = s->event_trbs <= 4096 && (s->event_trbs == 0 || s->event_index < s->event_trbs)
            && s->event_segment_index < SEGMENTS_MAX;
  for (unsigned slot = 0; ok && slot <= SLOTS; slot++)
    ok = s->slot_port[slot] <= VT_XHCI_PORTS && s->slot_state[slot] <= SLOT_CONFIGURED;
  for (unsigned ep = 0; ok && ep < G_N_ELEMENTS (s->ep_state); ep++)
    ok = s->ep_state[ep] <= EP_ERROR;
  if (ok)
    return vt_pci_check (&xhci->pci, &s->pci, error);
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved USB controller is impossible", dev->path);
  return false;
}

static void
finalize (VtDevice *dev)
{
  Xhci *xhci = (Xhci *) dev;
  vt_timer_free (xhci->again);
  vt_pci_finalize (&xhci->pci);
}

static const void *
test_config (void)
{
  static const VtXhciConfig config = { 0 };
  return &config;
}

const VtDeviceClass vt_xhci = {
  .name = "xhci",
  .summary = "USB host controller (xHCI)",
  .instance_size = sizeof (Xhci),
  .state_off = offsetof (Xhci, s),
  .state = VT_STATE (1, XhciState, xhci_fields, &xhci_at_reset),
  .regions = xhci_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
  .resume = resume,
  .finalize = finalize,
  .test_config = test_config,
};
