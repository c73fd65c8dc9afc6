/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Registers (xHCI 5) and the work that they start. One interrupter; 32-byte contexts; no streams, no hubs' routes, no
 * scratchpad buffers. */
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

  MICROFRAME_NS = 125000,
  GO_ON_NS = 100000,
  ROUNDS_MAX = 64,
};

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

void
vt_xhci_look_at_slot (Xhci *xhci, unsigned slot)
{
  for (unsigned dci = 1; dci < ENDPOINTS; dci++)
    if (xhci->s.ep_state[ep_index (slot, dci)] == EP_RUNNING)
      xhci->pending[slot] |= UINT64_C (1) << dci;
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
  vt_xhci_update_irq (xhci);
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
  vt_xhci_update_irq (xhci);
  for (unsigned port = 0; running && !was_running && port < VT_XHCI_PORTS; port++)
    vt_xhci_tell_port (xhci, port);
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
    vt_xhci_interrupt (xhci);
  if (!s->blocked)
    return;
  s->blocked = false;
  vt_xhci_tell_owed (xhci);
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
    return off % PORT_STRIDE == 0 ? vt_xhci_read_portsc (xhci, (off - PORT_REGISTERS) / PORT_STRIDE) : 0;
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
  vt_xhci_update_irq (xhci);
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
        vt_xhci_write_portsc (xhci, (off - PORT_REGISTERS) / PORT_STRIDE, value);
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
  vt_pci_settle (&xhci->pci, vt_xhci_irq_level (&xhci->s));
  memset (xhci->pending, 0, sizeof xhci->pending);
  vt_timer_cancel (xhci->again);
}

/* Whatever was under way when the state was saved: every running endpoint is looked at once. A device that was there then may not be
 * there now. */
static void
resume (VtDevice *dev)
{
  Xhci *xhci = (Xhci *) dev;
  vt_xhci_empty_ports (xhci);
  for (unsigned slot = 1; slot <= SLOTS; slot++)
    vt_xhci_look_at_slot (xhci, slot);
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
