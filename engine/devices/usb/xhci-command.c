/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The command ring: slots, addresses, endpoints (xHCI 4.6). What the driver hands over lies in an input context; what became
 * of it we write to the output context. The truth is in our own state: memory can be changed by the guest at any moment. */
#include "xhci-private.h"

#include "trace-usb.h"

enum
{
  CONTEXT_BYTES = 32,
  ADD_SLOT = 1u << 0, ADD_EP0 = 1u << 1,
  REQUEST_SET_ADDRESS = 5,
};

/* --- Contexts ------------------------------------------------------------------------------------------------------- */

static bool
read_context (Xhci *xhci, uint64_t at, uint32_t words[8])
{
  uint8_t bytes[CONTEXT_BYTES];
  if (!vt_dma_read (&xhci->pci.dma, VT_GPA (at), bytes, sizeof bytes))
    return false;
  for (unsigned i = 0; i < 8; i++)
    words[i] = (uint32_t) vt_load_le (bytes + 4 * i, 4);
  return true;
}

static bool
write_context (Xhci *xhci, uint64_t at, const uint32_t words[8])
{
  uint8_t bytes[CONTEXT_BYTES];
  for (unsigned i = 0; i < 8; i++)
    vt_store_le (bytes + 4 * i, words[i], 4);
  return vt_dma_write (&xhci->pci.dma, VT_GPA (at), bytes, sizeof bytes);
}

static uint64_t
output_context (const Xhci *xhci, unsigned slot, unsigned dci)
{
  return xhci->s.slot_context[slot] + dci * CONTEXT_BYTES;
}

void
vt_xhci_set_ep_state (Xhci *xhci, unsigned slot, unsigned dci, unsigned state)
{
  uint32_t words[8];
  unsigned ep = ep_index (slot, dci);
  uint64_t at = output_context (xhci, slot, dci);
  xhci->s.ep_state[ep] = (uint8_t) state;
  if (!read_context (xhci, at, words))
    return;
  words[0] = (words[0] & ~7u) | state;
  words[2] = (uint32_t) xhci->s.dequeue[ep];
  words[3] = (uint32_t) (xhci->s.dequeue[ep] >> 32);
  (void) write_context (xhci, at, words);
}

static void
set_slot_state (Xhci *xhci, unsigned slot, unsigned state, unsigned address)
{
  uint32_t words[8];
  xhci->s.slot_state[slot] = (uint8_t) state;
  if (!read_context (xhci, output_context (xhci, slot, 0), words))
    return;
  words[3] = (uint32_t) state << 27 | address;
  (void) write_context (xhci, output_context (xhci, slot, 0), words);
}

/* Takes an endpoint over from an input context, and starts it. */
static bool
start_endpoint (Xhci *xhci, unsigned slot, unsigned dci, uint64_t input)
{
  uint32_t words[8];
  unsigned ep = ep_index (slot, dci);
  if (!read_context (xhci, input + (dci + 1) * CONTEXT_BYTES, words))
    return false;
  unsigned type = words[1] >> 3 & 7;
  bool     matches = ((type & EP_TO_HOST) != 0) == ((dci & 1) != 0);
  bool     fits = dci == 1 ? type == EP_CONTROL : type != 0 && type != EP_CONTROL && matches;
  if (!fits || (words[0] >> 10 & 0x1f) != 0)     /* streams are not offered */
    return false;
  xhci->s.ep_type[ep] = (uint8_t) type;
  xhci->s.dequeue[ep] = ((uint64_t) words[3] << 32 | words[2]) & ~UINT64_C (0xe);
  words[0] &= ~7u;
  if (!write_context (xhci, output_context (xhci, slot, dci), words))
    return false;
  vt_xhci_set_ep_state (xhci, slot, dci, EP_RUNNING);
  return true;
}

void
vt_xhci_cancel (Xhci *xhci, unsigned slot, unsigned dci)
{
  VtUsbDevice *device = vt_xhci_slot_device (xhci, slot);
  if (device != NULL)
    vt_usb_cancel (device, dci == 1 ? VT_USB_TO_HOST : dci / 2 | ((dci & 1) != 0 ? VT_USB_TO_HOST : 0));
}

static void
disable_endpoint (Xhci *xhci, unsigned slot, unsigned dci)
{
  if (xhci->s.ep_state[ep_index (slot, dci)] == EP_DISABLED)
    return;
  vt_xhci_cancel (xhci, slot, dci);
  vt_xhci_set_ep_state (xhci, slot, dci, EP_DISABLED);
}

static void
stop_endpoints (Xhci *xhci, unsigned slot, unsigned first)
{
  for (unsigned dci = first; dci < ENDPOINTS; dci++)
    disable_endpoint (xhci, slot, dci);
}

/* --- Slots ---------------------------------------------------------------------------------------------------------- */

static unsigned
enable_slot (Xhci *xhci, unsigned *slot)
{
  unsigned last = MIN (xhci->s.config & 0xff, SLOTS);
  for (unsigned i = 1; i <= last; i++)
    if (!xhci->s.slot_enabled[i])
      {
        xhci->s.slot_enabled[i] = true;
        *slot = i;
        return CC_SUCCESS;
      }
  return CC_NO_SLOTS;
}

void
vt_xhci_free_slot (Xhci *xhci, unsigned slot)
{
  XhciState *s = &xhci->s;
  s->slot_enabled[slot] = false;
  s->slot_state[slot] = SLOT_DISABLED;
  s->slot_port[slot] = 0;
  s->slot_context[slot] = 0;
  s->in_setup[slot] = false;
  memset (s->ep_state + ep_index (slot, 0), EP_DISABLED, ENDPOINTS);
}

static unsigned
disable_slot (Xhci *xhci, unsigned slot)
{
  if (xhci->s.slot_context[slot] != 0)
    {
      stop_endpoints (xhci, slot, 1);
      set_slot_state (xhci, slot, SLOT_DISABLED, 0);
    }
  vt_xhci_free_slot (xhci, slot);
  return CC_SUCCESS;
}

/* The controller sends these itself (4.6.5). */
static void
tell_device (VtUsbDevice *device, unsigned request, unsigned value)
{
  uint8_t    nothing[1];
  uint32_t   len = 0;
  VtUsbSetup setup = { .request = (uint8_t) request, .value = (uint16_t) value };
  (void) device->ops->control (device, &setup, nothing, &len);
}

static unsigned
address_device (Xhci *xhci, unsigned slot, const Trb *trb)
{
  XhciState *s = &xhci->s;
  uint64_t   input = trb->parameter & ~UINT64_C (0xf), context;
  uint32_t   control[8], words[8];
  bool       block = (trb->control & TRB_BSR) != 0;
  if (s->slot_state[slot] > (block ? SLOT_DISABLED : SLOT_DEFAULT))
    return CC_CONTEXT_STATE;
  if (!read_context (xhci, input, control) || !read_context (xhci, input + CONTEXT_BYTES, words)
      || !vt_dma_get64 (&xhci->pci.dma, VT_GPA (s->dcbaap + slot * 8), &context))
    return CC_TRB_ERROR;
  unsigned port = words[1] >> 16 & 0xff;
  if ((control[1] & (ADD_SLOT | ADD_EP0)) != (ADD_SLOT | ADD_EP0) || port == 0 || port > VT_XHCI_PORTS
      || (words[0] & 0xfffff) != 0)    /* a route: there are no hubs */
    return CC_PARAMETER;
  if (xhci->devices[port - 1] == NULL)
    return CC_TRANSACTION_ERROR;
  s->slot_port[slot] = (uint8_t) port;
  s->slot_context[slot] = context & ~UINT64_C (0x3f);
  if (!write_context (xhci, output_context (xhci, slot, 0), words) || !start_endpoint (xhci, slot, 1, input))
    return CC_PARAMETER;
  if (!block)
    tell_device (xhci->devices[port - 1], REQUEST_SET_ADDRESS, slot);
  set_slot_state (xhci, slot, block ? SLOT_DEFAULT : SLOT_ADDRESSED, block ? 0 : slot);
  return CC_SUCCESS;
}

static unsigned
last_endpoint (const Xhci *xhci, unsigned slot)
{
  unsigned last = 1;
  for (unsigned dci = 2; dci < ENDPOINTS; dci++)
    if (xhci->s.ep_state[ep_index (slot, dci)] != EP_DISABLED)
      last = dci;
  return last;
}

static bool
set_context_entries (Xhci *xhci, unsigned slot)
{
  uint32_t words[8];
  if (!read_context (xhci, output_context (xhci, slot, 0), words))
    return false;
  words[0] = (words[0] & ~(0x1fu << 27)) | last_endpoint (xhci, slot) << 27;
  return write_context (xhci, output_context (xhci, slot, 0), words);
}

static unsigned
configure_endpoint (Xhci *xhci, unsigned slot, const Trb *trb)
{
  uint64_t input = trb->parameter & ~UINT64_C (0xf);
  uint32_t control[8];
  if (xhci->s.slot_state[slot] < SLOT_ADDRESSED)
    return CC_CONTEXT_STATE;
  if ((trb->control & TRB_BSR) != 0)     /* here: deconfigure */
    {
      stop_endpoints (xhci, slot, 2);
      set_slot_state (xhci, slot, SLOT_ADDRESSED, slot);
      return set_context_entries (xhci, slot) ? CC_SUCCESS : CC_TRB_ERROR;
    }
  if (!read_context (xhci, input, control))
    return CC_TRB_ERROR;
  if ((control[0] & 3) != 0 || (control[1] & 3) != ADD_SLOT)
    return CC_PARAMETER;
  for (unsigned dci = 2; dci < ENDPOINTS; dci++)
    {
      if ((control[0] >> dci & 1) != 0)
        disable_endpoint (xhci, slot, dci);
      if ((control[1] >> dci & 1) != 0 && !start_endpoint (xhci, slot, dci, input))
        return CC_PARAMETER;
    }
  set_slot_state (xhci, slot, last_endpoint (xhci, slot) > 1 ? SLOT_CONFIGURED : SLOT_ADDRESSED, slot);
  return set_context_entries (xhci, slot) ? CC_SUCCESS : CC_TRB_ERROR;
}

/* The packet size of endpoint 0, and the exit latency and interrupter of the slot: nothing here depends on them. */
static unsigned
evaluate_context (Xhci *xhci, unsigned slot, const Trb *trb)
{
  uint64_t input = trb->parameter & ~UINT64_C (0xf), ep0 = output_context (xhci, slot, 1);
  uint32_t control[8], from[8], to[8];
  if (xhci->s.slot_state[slot] < SLOT_DEFAULT)
    return CC_CONTEXT_STATE;
  if (!read_context (xhci, input, control))
    return CC_TRB_ERROR;
  if ((control[1] & ADD_EP0) == 0)
    return CC_SUCCESS;
  if (!read_context (xhci, input + 2 * CONTEXT_BYTES, from) || !read_context (xhci, ep0, to))
    return CC_TRB_ERROR;
  to[1] = (to[1] & 0xffff) | (from[1] & 0xffff0000);
  return write_context (xhci, ep0, to) ? CC_SUCCESS : CC_TRB_ERROR;
}

static unsigned
reset_device (Xhci *xhci, unsigned slot)
{
  VtUsbDevice *device = vt_xhci_slot_device (xhci, slot);
  if (xhci->s.slot_state[slot] < SLOT_ADDRESSED)
    return CC_CONTEXT_STATE;
  if (device != NULL)
    device->ops->reset (device);
  stop_endpoints (xhci, slot, 2);
  set_slot_state (xhci, slot, SLOT_DEFAULT, 0);
  xhci->s.in_setup[slot] = false;
  return CC_SUCCESS;
}

/* --- Endpoints ------------------------------------------------------------------------------------------------------ */

/* A transfer that a device is working on goes on while its endpoint is stopped (4.6.9: the driver may start it again as it was), and
 * ends when the ring is moved away from it. */

static unsigned
reset_endpoint (Xhci *xhci, unsigned slot, unsigned dci)
{
  if (xhci->s.ep_state[ep_index (slot, dci)] != EP_HALTED)
    return CC_CONTEXT_STATE;
  if (dci == 1)
    xhci->s.in_setup[slot] = false;
  vt_xhci_set_ep_state (xhci, slot, dci, EP_STOPPED);
  return CC_SUCCESS;
}

static unsigned
stop_endpoint (Xhci *xhci, unsigned slot, unsigned dci)
{
  if (xhci->s.ep_state[ep_index (slot, dci)] != EP_RUNNING)
    return CC_CONTEXT_STATE;
  vt_xhci_set_ep_state (xhci, slot, dci, EP_STOPPED);
  return CC_SUCCESS;
}

static unsigned
set_dequeue (Xhci *xhci, unsigned slot, unsigned dci, const Trb *trb)
{
  unsigned ep = ep_index (slot, dci), state = xhci->s.ep_state[ep];
  if (state != EP_STOPPED && state != EP_ERROR)
    return CC_CONTEXT_STATE;
  vt_xhci_cancel (xhci, slot, dci);
  xhci->s.dequeue[ep] = trb->parameter & ~UINT64_C (0xe);
  if (dci == 1)
    xhci->s.in_setup[slot] = false;
  vt_xhci_set_ep_state (xhci, slot, dci, EP_STOPPED);
  return CC_SUCCESS;
}

/* --- The ring ------------------------------------------------------------------------------------------------------- */

static unsigned
endpoint_command (Xhci *xhci, unsigned slot, const Trb *trb)
{
  unsigned dci = trb->control >> 16 & 0x1f;
  if (dci == 0)
    return CC_TRB_ERROR;
  if (xhci->s.ep_state[ep_index (slot, dci)] == EP_DISABLED)
    return CC_ENDPOINT_NOT_ENABLED;
  switch (trb_type (trb))
    {
    case TRB_RESET_ENDPOINT: return reset_endpoint (xhci, slot, dci);
    case TRB_STOP_ENDPOINT: return stop_endpoint (xhci, slot, dci);
    default: return set_dequeue (xhci, slot, dci, trb);
    }
}

static unsigned
slot_command (Xhci *xhci, unsigned slot, const Trb *trb)
{
  if (slot == 0 || slot > SLOTS || !xhci->s.slot_enabled[slot])
    return CC_SLOT_NOT_ENABLED;
  switch (trb_type (trb))
    {
    case TRB_DISABLE_SLOT: return disable_slot (xhci, slot);
    case TRB_ADDRESS_DEVICE: return address_device (xhci, slot, trb);
    case TRB_CONFIGURE_ENDPOINT: return configure_endpoint (xhci, slot, trb);
    case TRB_EVALUATE_CONTEXT: return evaluate_context (xhci, slot, trb);
    case TRB_RESET_DEVICE: return reset_device (xhci, slot);
    default: return endpoint_command (xhci, slot, trb);
    }
}

static void
run_command (Xhci *xhci, uint64_t at, const Trb *trb)
{
  unsigned slot = trb->control >> 24, code = CC_TRB_ERROR;
  switch (trb_type (trb))
    {
    case TRB_ENABLE_SLOT:
      slot = 0;
      code = enable_slot (xhci, &slot);
      break;
    case TRB_DISABLE_SLOT ... TRB_RESET_DEVICE:
      code = slot_command (xhci, slot, trb);
      break;
    case TRB_NO_OP_COMMAND:
      code = CC_SUCCESS;
      break;
    }
  trace_xhci_command (trb_type (trb), slot, code);
  vt_xhci_event (xhci, &(Trb) { at, code << 24, TRB_COMMAND_EVENT << 10 | slot << 24 });
}

bool
vt_xhci_run_commands (Xhci *xhci)
{
  XhciState *s = &xhci->s;
  for (unsigned n = 0; n < WORK_MAX; n++)
    {
      Trb trb;
      if (!s->command_running || !vt_xhci_event_room (xhci, 2)
          || !vt_xhci_fetch (xhci, &s->command_ring, &s->command_cycle, &trb))
        return false;
      uint64_t at = s->command_ring;
      s->command_ring += TRB_BYTES;
      run_command (xhci, at, &trb);
    }
  return true;
}
