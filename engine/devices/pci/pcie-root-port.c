/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A root port (PCI Express Base 3.0, chapters 6.7 and 7.8; PCI-to-PCI Bridge 1.2 for the header).
 *
 * The slot has an attention button, a power indicator and a power controller, so that drivers of all systems find what
 * they know; no surprise removal, no latch.  A card that is put in announces itself by presence and by a press of the
 * button; the guest switches the slot on, and the link comes up at once.  To take a card out the button is pressed again:
 * the guest blinks, lets its driver go, and switches power and indicator off.
 *
 * There are no I/O ports behind it (a bridge may do without, 3.2.5.6): no card of ours needs any, and each port would
 * take 4 KiB of the 64 that there are. */
#include "pcie-root-port.h"

#include "trace-pci.h"

enum
{
  /* A generic port by its registered identity: firmware knows it, and looks for the reservation below there. */
  VENDOR = 0x1b36, DEVICE = 0x000c,

  EXPRESS_BYTES  = 60,
  EXPRESS_FLAGS  = 0x0142,        /* version 2, root port, with a slot */
  DEVICE_CAP     = 0x8000,        /* role-based error reporting */
  LINK_CAP_ACTIVE = 1u << 20,     /* LINK_STATUS tells whether the link is up */
  LINK_CAP_PORT_SHIFT = 24,
  LINK_CONTROL_DISABLE = 1u << 4,
  LINK_CONTROL_WRITABLE = 0xd3,   /* ASPM, disable, common clock, extended synch */
  LINK_STATUS_ACTIVE = 1u << 13,

  SLOT_CAP_BUTTON = 1u << 0, SLOT_CAP_POWER = 1u << 1, SLOT_CAP_INDICATOR = 1u << 4, SLOT_CAP_HOT_PLUG = 1u << 6,
  SLOT_CAP_NUMBER_SHIFT = 19,

  SLOT_CONTROL_BUTTON = 1u << 0, SLOT_CONTROL_PRESENCE = 1u << 3, SLOT_CONTROL_COMMAND = 1u << 4,
  SLOT_CONTROL_INTERRUPT = 1u << 5, SLOT_CONTROL_INDICATOR = 3u << 8, SLOT_CONTROL_INDICATOR_OFF = 3u << 8,
  SLOT_CONTROL_POWER_OFF = 1u << 10, SLOT_CONTROL_LINK = 1u << 12,
  SLOT_CONTROL_WRITABLE = SLOT_CONTROL_BUTTON | SLOT_CONTROL_PRESENCE | SLOT_CONTROL_COMMAND | SLOT_CONTROL_INTERRUPT
                          | SLOT_CONTROL_INDICATOR | SLOT_CONTROL_POWER_OFF | SLOT_CONTROL_LINK,

  SLOT_STATUS_BUTTON = 1u << 0, SLOT_STATUS_PRESENCE_CHANGED = 1u << 3, SLOT_STATUS_COMMAND = 1u << 4,
  SLOT_STATUS_PRESENT = 1u << 6, SLOT_STATUS_LINK_CHANGED = 1u << 8,
  SLOT_STATUS_EVENTS = SLOT_STATUS_BUTTON | SLOT_STATUS_PRESENCE_CHANGED | SLOT_STATUS_COMMAND | SLOT_STATUS_LINK_CHANGED,

  /* "Resource reserve" vendor capability of generic bridges: what firmware sets aside for an empty slot. */
  RESERVE_BYTES = 32, RESERVE_TYPE = 1, RESERVE_MEMORY = 2 << 20,
};

typedef struct
{
  VtPciState pci;
} RootPortState;

typedef struct
{
  VtPciFunction pci;
  RootPortState s;
  VtPciBus     *bus;
  bool          link;        /* up; derived */
  bool          asked;       /* somebody waits for the card */
  void        (*released) (void *opaque);
  void         *opaque;
} RootPort;

static const VtField root_port_fields[] = { VT_PCI_FIELDS (RootPortState, pci) };

static uint32_t
express (const RootPort *port, unsigned off, unsigned size)
{
  return vt_pci_config_get (&port->pci, port->pci.cap_pcie + off, size);
}

static bool
present (const RootPort *port)
{
  return vt_pci_bus_function (port->bus, 0) != NULL;
}

/* --- Windows ------------------------------------------------------------------------------------------------------ */

static VtPciRange
window (const RootPort *port, unsigned base, unsigned limit, uint64_t base_high, uint64_t limit_high)
{
  return (VtPciRange) { base_high << 32 | (uint64_t) (vt_pci_config_get (&port->pci, base, 2) & 0xfff0) << 16,
                        limit_high << 32 | (uint64_t) (vt_pci_config_get (&port->pci, limit, 2) & 0xfff0) << 16 | 0xfffff };
}

static void
update_forwarding (RootPort *port)
{
  VtPciFunction  *fn = &port->pci;
  unsigned        command = vt_pci_config_get (fn, PCI_COMMAND, 2);
  VtPciForwarding forwarding = { .number = (uint8_t) vt_pci_config_get (fn, PCI_SECONDARY_BUS, 1),
                                 .up = port->link,
                                 .masters = fn->bus_master,
                                 .window = { { 1, 0 }, { 1, 0 } } };
  bool awake = (vt_pci_config_get (fn, fn->cap_power + PCI_PM_PMCSR, 2) & PCI_PMCSR_STATE) == 0;
  if ((command & PCI_COMMAND_MEMORY) != 0 && awake)
    {
      forwarding.window[0] = window (port, PCI_MEMORY_BASE, PCI_MEMORY_LIMIT, 0, 0);
      forwarding.window[1] = window (port, PCI_PREFETCH_BASE, PCI_PREFETCH_LIMIT,
                                     vt_pci_config_get (fn, PCI_PREFETCH_BASE_HIGH, 4),
                                     vt_pci_config_get (fn, PCI_PREFETCH_LIMIT_HIGH, 4));
    }
  vt_pci_bus_forward (port->bus, &forwarding);
}

/* --- The slot ----------------------------------------------------------------------------------------------------- */

/* 6.7.3.1: one interrupt for all events that are enabled. */
static bool
interrupt_level (const RootPort *port)
{
  unsigned control = express (port, PCI_EXP_SLOT_CONTROL, 2), status = express (port, PCI_EXP_SLOT_STATUS, 2);
  return (control & SLOT_CONTROL_INTERRUPT) != 0
         && (((status & SLOT_STATUS_BUTTON) != 0 && (control & SLOT_CONTROL_BUTTON) != 0)
             || ((status & SLOT_STATUS_PRESENCE_CHANGED) != 0 && (control & SLOT_CONTROL_PRESENCE) != 0)
             || ((status & SLOT_STATUS_COMMAND) != 0 && (control & SLOT_CONTROL_COMMAND) != 0)
             || ((status & SLOT_STATUS_LINK_CHANGED) != 0 && (control & SLOT_CONTROL_LINK) != 0));
}

static void
note_events (RootPort *port, unsigned events)
{
  unsigned at = port->pci.cap_pcie + PCI_EXP_SLOT_STATUS;
  vt_pci_config_set (&port->pci, at, 2, vt_pci_config_get (&port->pci, at, 2) | events);
}

static bool
link_wanted (const RootPort *port)
{
  return present (port) && (express (port, PCI_EXP_SLOT_CONTROL, 2) & SLOT_CONTROL_POWER_OFF) == 0
         && (express (port, PCI_EXP_LINK_CONTROL, 2) & LINK_CONTROL_DISABLE) == 0;
}

/* What the status registers show of slot and link. True: the link came up or went down. */
static bool
update_link (RootPort *port)
{
  VtPciFunction *fn = &port->pci;
  bool           was = port->link;
  port->link = link_wanted (port);
  vt_pci_set_fixed (fn, fn->cap_pcie + PCI_EXP_SLOT_STATUS, 2, present (port) ? SLOT_STATUS_PRESENT : 0);
  vt_pci_set_fixed (fn, fn->cap_pcie + PCI_EXP_LINK_STATUS, 2, port->link ? PCI_EXP_LINK_X1 | LINK_STATUS_ACTIVE : 0);
  update_forwarding (port);
  return port->link != was;
}

/* After anything that may have moved the link. A card without power forgets everything. */
static void
follow_slot (RootPort *port, unsigned events)
{
  bool changed = update_link (port);
  if (changed && !port->link)
    vt_pci_bus_reset (port->bus);
  note_events (port, events | (changed ? SLOT_STATUS_LINK_CHANGED : 0));
  trace_root_port_slot (port->pci.dev.path, express (port, PCI_EXP_SLOT_CONTROL, 2), express (port, PCI_EXP_SLOT_STATUS, 2));
}

static bool
is_off (const RootPort *port)
{
  unsigned control = express (port, PCI_EXP_SLOT_CONTROL, 2);
  return (control & SLOT_CONTROL_POWER_OFF) != 0 && (control & SLOT_CONTROL_INDICATOR) == SLOT_CONTROL_INDICATOR_OFF;
}

static void
release (RootPort *port)
{
  port->asked = false;
  if (port->released != NULL)
    port->released (port->opaque);
}

/* 6.7.3.2: each write is a command, which ours completes at once. */
static void
slot_control_wrote (RootPort *port)
{
  follow_slot (port, SLOT_STATUS_COMMAND);
  if (port->asked && is_off (port))
    release (port);
}

static void
config_wrote (VtPciFunction *fn, unsigned off, unsigned size)
{
  RootPort *port = (RootPort *) fn;
  if (vt_pci_touches (off, size, PCI_BRIDGE_CONTROL, 2)
      && (vt_pci_config_get (fn, PCI_BRIDGE_CONTROL, 2) & PCI_BRIDGE_CONTROL_RESET) != 0)
    vt_pci_bus_reset (port->bus);
  if (vt_pci_touches (off, size, fn->cap_pcie + PCI_EXP_SLOT_CONTROL, 2))
    slot_control_wrote (port);
  else
    follow_slot (port, 0);
  vt_pci_set_irq (fn, interrupt_level (port));
}

/* --- For the machine ---------------------------------------------------------------------------------------------- */

VtPciBus *
vt_pcie_root_port_bus (VtDevice *dev)
{
  return ((RootPort *) dev)->bus;
}

static void
tell (RootPort *port, unsigned events)
{
  follow_slot (port, events);
  vt_pci_set_irq (&port->pci, interrupt_level (port));
}

void
vt_pcie_root_port_plugged (VtDevice *dev, bool tell_guest)
{
  RootPort *port = (RootPort *) dev;
  port->asked = false;
  if (tell_guest)
    tell (port, SLOT_STATUS_PRESENCE_CHANGED | SLOT_STATUS_BUTTON);
  else
    update_link (port);
}

bool
vt_pcie_root_port_is_watched (VtDevice *dev)
{
  const unsigned needed = SLOT_CONTROL_INTERRUPT | SLOT_CONTROL_BUTTON;
  return (express ((RootPort *) dev, PCI_EXP_SLOT_CONTROL, 2) & needed) == needed;
}

bool
vt_pcie_root_port_ask (VtDevice *dev)
{
  RootPort *port = (RootPort *) dev;
  if (is_off (port))
    return true;
  port->asked = true;
  tell (port, SLOT_STATUS_BUTTON);
  return false;
}

void
vt_pcie_root_port_withdraw (VtDevice *dev)
{
  ((RootPort *) dev)->asked = false;
}

void
vt_pcie_root_port_unplugged (VtDevice *dev)
{
  tell ((RootPort *) dev, SLOT_STATUS_PRESENCE_CHANGED);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
add_express (RootPort *port, uint8_t number)
{
  VtPciFunction *fn = &port->pci;
  uint8_t        body[EXPRESS_BYTES - 2] = { 0 };
  vt_store_le (body, EXPRESS_FLAGS, 2);
  vt_store_le (body + 0x04 - 2, DEVICE_CAP, 4);
  vt_store_le (body + PCI_EXP_LINK_CAP - 2, PCI_EXP_LINK_X1 | LINK_CAP_ACTIVE | (uint32_t) number << LINK_CAP_PORT_SHIFT, 4);
  vt_store_le (body + PCI_EXP_SLOT_CAP - 2,
               SLOT_CAP_BUTTON | SLOT_CAP_POWER | SLOT_CAP_INDICATOR | SLOT_CAP_HOT_PLUG
                 | (uint32_t) number << SLOT_CAP_NUMBER_SHIFT, 4);
  vt_store_le (body + PCI_EXP_LINK_CAP2 - 2, PCI_EXP_LINK_CAP2_2_5GT, 4);
  fn->cap_pcie = vt_pci_add_capability (fn, PCI_CAP_PCIE, body, EXPRESS_BYTES);
  vt_pci_allow (fn, fn->cap_pcie + 0x08, 2, 0x78ff);                      /* device control */
  vt_pci_allow (fn, fn->cap_pcie + PCI_EXP_LINK_CONTROL, 2, LINK_CONTROL_WRITABLE);
  vt_pci_allow (fn, fn->cap_pcie + PCI_EXP_SLOT_CONTROL, 2, SLOT_CONTROL_WRITABLE);
  vt_pci_allow_w1c (fn, fn->cap_pcie + PCI_EXP_SLOT_STATUS, 2, SLOT_STATUS_EVENTS);
  vt_pci_allow (fn, fn->cap_pcie + 0x1c, 2, 0x0f);                        /* root control */
}

/* Length, type, then buses, I/O, memory and two kinds of prefetchable memory: all ones leave it to the firmware. */
static void
add_reservation (RootPort *port)
{
  uint8_t body[RESERVE_BYTES - 2] = { RESERVE_BYTES, RESERVE_TYPE };
  vt_store_le (body + 0x04 - 2, UINT32_MAX, 4);
  vt_store_le (body + 0x08 - 2, 0, 8);
  vt_store_le (body + 0x10 - 2, RESERVE_MEMORY, 4);
  vt_store_le (body + 0x14 - 2, UINT32_MAX, 4);
  vt_store_le (body + 0x18 - 2, UINT64_MAX, 8);
  vt_pci_add_capability (&port->pci, PCI_CAP_VENDOR, body, RESERVE_BYTES);
}

static void
make_bridge (VtPciFunction *fn)
{
  vt_pci_set_fixed (fn, PCI_HEADER_TYPE, 1, PCI_HEADER_BRIDGE | (fn->place.multifunction ? PCI_HEADER_MULTIFUNCTION : 0));
  vt_pci_allow (fn, PCI_PRIMARY_BUS, 4, 0x00ffffff);
  vt_pci_allow (fn, PCI_MEMORY_BASE, 4, 0xfff0fff0);
  vt_pci_set_fixed (fn, PCI_PREFETCH_BASE, 4, PCI_PREFETCH_64 << 16 | PCI_PREFETCH_64);
  vt_pci_allow (fn, PCI_PREFETCH_BASE, 4, 0xfff0fff0);
  vt_pci_allow (fn, PCI_PREFETCH_BASE_HIGH, 4, ~0u);
  vt_pci_allow (fn, PCI_PREFETCH_LIMIT_HIGH, 4, ~0u);
  vt_pci_allow (fn, PCI_BRIDGE_CONTROL, 2, PCI_BRIDGE_CONTROL_RESET | 0x0003);   /* parity, SERR# */
}

/* A card's INTx arrives as the port's own pins do: the slot is number 0 of its bus, so nothing is rotated. */
static unsigned
straight (unsigned slot, unsigned pin)
{
  return pin;
}

static void
connect_pins (RootPort *port, const VtPciPlace *place)
{
  VtIrq lines[4];
  for (unsigned pin = 0; pin < G_N_ELEMENTS (lines); pin++)
    lines[pin] = place->bus != NULL ? vt_pci_bus_pin (place->bus, place->devfn, pin, "behind root port")
                                    : vt_irq_detached ("behind root port");
  vt_pci_bus_set_lines (port->bus, straight, lines, G_N_ELEMENTS (lines));
}

static bool
root_port_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  RootPort                   *port = (RootPort *) dev;
  const VtPcieRootPortConfig *config = env->config;
  VtPciIdentity identity = { .vendor = VENDOR, .device = DEVICE, .class_code = 0x060400,
                             .interrupt_pin = (uint8_t) (config->place.devfn % 4 + 1) };
  if (!vt_pci_init (&port->pci, env, &config->place, &identity, &port->s.pci, error))
    return false;
  make_bridge (&port->pci);
  vt_pci_add_power_management (&port->pci);
  add_express (port, config->number);
  vt_pci_add_msi (&port->pci);
  add_reservation (port);
  port->bus = config->place.bus != NULL ? vt_pci_bus_new_behind (config->place.bus, config->place.devfn)
                                        : vt_pci_bus_new (NULL, NULL);
  port->released = config->released;
  port->opaque = config->opaque;
  port->pci.config_wrote = config_wrote;
  connect_pins (port, &config->place);
  return true;
}

static void
root_port_settle (VtDevice *dev)
{
  RootPort *port = (RootPort *) dev;
  vt_pci_settle (&port->pci, interrupt_level (port));
  update_link (port);
  if (port->asked)
    release (port);   /* a guest that was reset has not begun to use it */
}

static bool
root_port_check (VtDevice *dev, const void *incoming, GError **error)
{
  const RootPortState *s = incoming;
  return vt_pci_check (&((RootPort *) dev)->pci, &s->pci, error);
}

static void
root_port_finalize (VtDevice *dev)
{
  RootPort *port = (RootPort *) dev;
  vt_pci_finalize (&port->pci);
  g_clear_pointer (&port->bus, vt_pci_bus_free);
}

static const void *
root_port_test_config (void)
{
  static const VtPcieRootPortConfig config = { .number = 1 };
  return &config;
}

/* Not mapped by the machine: its way to configuration space is the bus. For the generic tests and the fuzzer. */
static uint64_t
config_region_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return vt_pci_config_read (&((RootPort *) dev)->pci, (unsigned) off, size);
}

static void
config_region_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  vt_pci_config_write (&((RootPort *) dev)->pci, (unsigned) off, (uint32_t) value, size);
}

static const VtRegionOps     config_region_ops = { config_region_read, config_region_write, 1, 4 };
static const VtRegion        config_region = { "root-port-config", VT_PCI_CONFIG_BYTES, &config_region_ops };
static const VtRegion *const root_port_regions[] = { &config_region, NULL };

const VtDeviceClass vt_pcie_root_port = {
  .name = "pcie-root-port",
  .summary = "PCI Express root port with a hot-plug slot",
  .instance_size = sizeof (RootPort),
  .state_off = offsetof (RootPort, s),
  .state = VT_STATE (1, RootPortState, root_port_fields, NULL),
  .regions = root_port_regions,
  .late = true,
  .realize = root_port_realize,
  .settle = root_port_settle,
  .check = root_port_check,
  .finalize = root_port_finalize,
  .test_config = root_port_test_config,
};
