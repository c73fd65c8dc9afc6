/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The event ring with its interrupter (xHCI 4.9.4, 4.17), and what is on the rings of the driver. */
#include "xhci-private.h"

#include "trace-usb.h"

enum
{
  LINKS_MAX = 8,
};

/* --- Interrupts ------------------------------------------------------------------------------------------------------- */

bool
vt_xhci_irq_level (const XhciState *s)
{
  return (s->iman & (IMAN_IP | IMAN_IE)) == (IMAN_IP | IMAN_IE) && (s->usbcmd & USBCMD_INTE) != 0;
}

/* A message carries the pending bit away (4.17.5). */
void
vt_xhci_update_irq (Xhci *xhci)
{
  bool level = vt_xhci_irq_level (&xhci->s);
  vt_pci_set_irq (&xhci->pci, level);
  if (level && vt_pci_msi_enabled (&xhci->pci))
    {
      xhci->s.iman &= ~(uint32_t) IMAN_IP;
      vt_pci_set_irq (&xhci->pci, false);
    }
}

void
vt_xhci_interrupt (Xhci *xhci)
{
  xhci->s.usbsts |= USBSTS_EINT;
  if ((xhci->s.erdp & ERDP_BUSY) == 0)
    {
      xhci->s.erdp |= ERDP_BUSY;
      xhci->s.iman |= IMAN_IP;
    }
  vt_xhci_update_irq (xhci);
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
  bool        room = ring_ready (xhci);
  EventCursor cursor = cursor_of (&xhci->s);
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
  vt_xhci_interrupt (xhci);
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
