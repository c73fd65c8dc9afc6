/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The USB host controller and what is plugged into it, led by a small driver, and by one that breaks the rules. */
#include "xhci.h"

#include <linux/input-event-codes.h>

#include "input-sink.h"
#include "pci-rig.h"
#include "usb-hid.h"

enum
{
  DEVFN = VT_PCI_DEVFN (3, 0),
  REGS = 0xe0000000,
  OPERATIONAL = REGS + 0x40, PORTS = OPERATIONAL + 0x400, INTERRUPTER = REGS + 0x1020, DOORBELLS = REGS + 0x2000,
  USBCMD = OPERATIONAL, USBSTS = OPERATIONAL + 4, CRCR = OPERATIONAL + 0x18, DCBAAP = OPERATIONAL + 0x30,
  CONFIG = OPERATIONAL + 0x38, IMAN = INTERRUPTER, ERSTSZ = INTERRUPTER + 8, ERSTBA = INTERRUPTER + 0x10,
  ERDP = INTERRUPTER + 0x18,

  /* Where the driver keeps its things. */
  DEVICES = 0x1000, SEGMENTS = 0x2000, EVENTS = 0x3000, COMMANDS = 0x4000, INPUT = 0x5000, OUTPUT = 0x6000,
  CONTROL_RING = 0x7000, INTERRUPT_RING = 0x8000, BUFFER = 0x9000,
  EVENT_TRBS = 16,

  ENABLE_SLOT = 9, DISABLE_SLOT = 10, ADDRESS_DEVICE = 11, CONFIGURE_ENDPOINT = 12, RESET_ENDPOINT = 14,
  STOP_ENDPOINT = 15, SET_DEQUEUE = 16, NO_OP = 23,
  NORMAL = 1, SETUP = 2, DATA = 3, STATUS = 4, ISOCH = 5, LINK = 6, EVENT_DATA = 7,
  CYCLE = 1, TOGGLE = 2, ISP = 4, CHAIN = 16, IOC = 32, IDT = 64,
  SUCCESS = 1, TRB_ERROR = 5, STALL = 6, NOT_ENABLED = 11, SHORT = 13, PARAMETER = 17, CONTEXT_STATE = 19,
  TRANSFER_EVENT = 32, COMMAND_EVENT = 33, PORT_EVENT = 34,
};

typedef struct
{
  uint64_t parameter;
  uint32_t status, control;
} Trb;

typedef struct
{
  uint64_t at;
  uint64_t first;
} Ring;

typedef struct
{
  PciRig      pci;
  VtDevice   *xhci, *keyboard, *tablet;
  VtInputSink keys, pointer;
  Ring        commands, control, interrupt;
  unsigned    event;         /* next to look at */
  bool        event_cycle;
  unsigned    leds;
} Rig;

static void
leds (void *opaque, unsigned mask)
{
  ((Rig *) opaque)->leds = mask;
}

static void
put (Rig *rig, uint64_t at, uint64_t value, unsigned size)
{
  pci_rig_put (&rig->pci, at, value, size);
}

static uint64_t
get (Rig *rig, uint64_t at, unsigned size)
{
  return pci_rig_get (&rig->pci, at, size);
}

static VtDevice *
add (Rig *rig, const VtDeviceClass *cls, const void *config)
{
  return pci_rig_add (&rig->pci, cls, config);
}

static Rig *
rig_new (void)
{
  Rig *rig = g_new0 (Rig, 1);
  pci_rig_init (&rig->pci);
  rig->xhci = add (rig, &vt_xhci, &(VtXhciConfig) { { rig->pci.bus, DEVFN } });
  rig->keyboard = add (rig, &vt_usb_keyboard, &(VtUsbHidConfig) { vt_xhci_place (rig->xhci, 0), { leds, rig }, { 0 } });
  rig->tablet = add (rig, &vt_usb_tablet, &(VtUsbHidConfig) { .place = vt_xhci_place (rig->xhci, 1) });
  rig->keys = vt_usb_hid_sink (rig->keyboard);
  rig->pointer = vt_usb_hid_sink (rig->tablet);
  pci_rig_enable (&rig->pci, DEVFN, 0, REGS);
  return rig;
}

static void
rig_free (Rig *rig)
{
  vt_device_free (rig->tablet);
  vt_device_free (rig->keyboard);
  vt_device_free (rig->xhci);
  pci_rig_clear (&rig->pci);
  g_free (rig);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Rig, rig_free)

/* --- A small driver --------------------------------------------------------------------------------------------------- */

static bool
next_event (Rig *rig, Trb *trb)
{
  uint64_t at = EVENTS + rig->event * 16;
  *trb = (Trb) { get (rig, at, 8), (uint32_t) get (rig, at + 8, 4), (uint32_t) get (rig, at + 12, 4) };
  if ((trb->control & CYCLE) != rig->event_cycle)
    return false;
  rig->event = (rig->event + 1) % EVENT_TRBS;
  rig->event_cycle ^= rig->event == 0;
  return true;
}

static void
took_events (Rig *rig)
{
  put (rig, ERDP, (EVENTS + rig->event * 16) | 8, 4);
  put (rig, ERDP + 4, 0, 4);
}

/* The next event, which must be of that kind; its completion code. */
static unsigned
expect (Rig *rig, unsigned type, Trb *trb)
{
  g_assert_true (next_event (rig, trb));
  g_assert_cmpuint (trb->control >> 10 & 0x3f, ==, type);
  took_events (rig);
  return trb->status >> 24;
}

static void
assert_quiet (Rig *rig)
{
  Trb trb;
  g_assert_false (next_event (rig, &trb));
}

static uint64_t
push (Rig *rig, Ring *ring, uint64_t parameter, uint32_t status, uint32_t control)
{
  uint64_t at = ring->at;
  put (rig, at, parameter, 8);
  put (rig, at + 8, status, 4);
  put (rig, at + 12, control | CYCLE, 4);
  ring->at += 16;
  return at;
}

static unsigned
command (Rig *rig, unsigned type, uint64_t parameter, unsigned slot, unsigned more, Trb *trb)
{
  push (rig, &rig->commands, parameter, 0, type << 10 | slot << 24 | more);
  put (rig, DOORBELLS, 0, 4);
  return expect (rig, COMMAND_EVENT, trb);
}

static void
start (Rig *rig)
{
  Trb trb;
  memset (rig->pci.ram->host, 0, 1 << 20);
  put (rig, USBCMD, 2, 4);
  rig->commands = (Ring) { COMMANDS, COMMANDS };
  rig->control = (Ring) { CONTROL_RING, CONTROL_RING };
  rig->interrupt = (Ring) { INTERRUPT_RING, INTERRUPT_RING };
  rig->event = 0;
  rig->event_cycle = true;
  put (rig, CONFIG, 8, 4);
  put (rig, DCBAAP, DEVICES, 4);
  put (rig, CRCR, COMMANDS | 1, 4);
  put (rig, SEGMENTS, EVENTS, 8);
  put (rig, SEGMENTS + 8, EVENT_TRBS, 4);
  put (rig, ERSTSZ, 1, 4);
  put (rig, ERDP, EVENTS, 4);
  put (rig, ERSTBA, SEGMENTS, 4);
  put (rig, ERSTBA + 4, 0, 4);
  put (rig, IMAN, 2, 4);
  put (rig, USBCMD, 5, 4);
  g_assert_cmpuint (expect (rig, PORT_EVENT, &trb), ==, SUCCESS);
  g_assert_cmphex (trb.parameter, ==, 1 << 24);
  g_assert_cmpuint (expect (rig, PORT_EVENT, &trb), ==, SUCCESS);
  assert_quiet (rig);
}

static void
reset_port (Rig *rig, unsigned port)
{
  Trb trb;
  g_assert_cmphex (get (rig, PORTS + port * 16, 4) & 0x20003, ==, 0x20001);   /* connected, not enabled, changed */
  put (rig, PORTS + port * 16, 1 << 4 | 0x20000, 4);
  g_assert_cmpuint (expect (rig, PORT_EVENT, &trb), ==, SUCCESS);
  g_assert_cmphex (get (rig, PORTS + port * 16, 4) & 0x223c13, ==, 0x200c03);  /* enabled at high speed, reset changed */
  put (rig, PORTS + port * 16, 0x200000, 4);
  g_assert_cmphex (get (rig, PORTS + port * 16, 4) & 0xfe0000, ==, 0);
}

static unsigned
address (Rig *rig, unsigned slot, unsigned port)
{
  Trb trb;
  memset (rig->pci.ram->host + INPUT, 0, 0x400);
  put (rig, INPUT + 4, 3, 4);                                   /* slot and endpoint 0 */
  put (rig, INPUT + 32, 1 << 27 | 3 << 20, 4);
  put (rig, INPUT + 32 + 4, (port + 1) << 16, 4);
  put (rig, INPUT + 64 + 4, 64 << 16 | 4 << 3 | 3 << 1, 4);     /* control */
  put (rig, INPUT + 64 + 8, CONTROL_RING | 1, 8);
  put (rig, DEVICES + 8 * slot, OUTPUT, 8);
  return command (rig, ADDRESS_DEVICE, INPUT, slot, 0, &trb);
}

/* A control transfer with up to 64 bytes at BUFFER. */
static unsigned
request (Rig *rig, unsigned slot, uint64_t setup, Trb *event)
{
  unsigned length = setup >> 48;
  bool     in = setup & 0x80;
  push (rig, &rig->control, setup, 8, SETUP << 10 | IDT | (length == 0 ? 0 : in ? 3u : 2u) << 16);
  if (length > 0)
    push (rig, &rig->control, BUFFER, length, DATA << 10 | (in ? 1u << 16 : 0) | ISP);
  push (rig, &rig->control, 0, 0, STATUS << 10 | IOC | (in ? 0 : 1u << 16));
  put (rig, DOORBELLS + 4 * slot, 1, 4);
  unsigned code = expect (rig, TRANSFER_EVENT, event);
  if (code != SHORT)
    return code;
  Trb status;
  g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &status), ==, SUCCESS);
  return code;
}
#define REQUEST(type, request, value, index, length)                                                                   \
  ((type) | (request) << 8 | (uint64_t) (value) << 16 | (uint64_t) (index) << 32 | (uint64_t) (length) << 48)

/* Slot 1 is the device at `port`, its endpoint 1 IN reads into INTERRUPT_RING's buffers. */
static void
configure (Rig *rig, unsigned port)
{
  Trb trb;
  reset_port (rig, port);
  g_assert_cmpuint (command (rig, ENABLE_SLOT, 0, 0, 0, &trb), ==, SUCCESS);
  g_assert_cmpuint (trb.control >> 24, ==, 1);
  g_assert_cmpuint (address (rig, 1, port), ==, SUCCESS);
  put (rig, INPUT + 4, 1 | 1 << 3, 4);
  put (rig, INPUT + 4 * 32, 6 << 16, 4);
  put (rig, INPUT + 4 * 32 + 4, 8 << 16 | 7 << 3 | 3 << 1, 4);  /* interrupt, to the host */
  put (rig, INPUT + 4 * 32 + 8, INTERRUPT_RING | 1, 8);
  g_assert_cmpuint (command (rig, CONFIGURE_ENDPOINT, INPUT, 1, 0, &trb), ==, SUCCESS);
  g_assert_cmpuint (request (rig, 1, REQUEST (0, 9, 1, 0, 0), &trb), ==, SUCCESS);
}

static void
ask_for_report (Rig *rig, unsigned n)
{
  push (rig, &rig->interrupt, BUFFER + 0x100 * n, 8, NORMAL << 10 | IOC | ISP);
  put (rig, DOORBELLS + 4, 3, 4);
}

/* --- Tests --------------------------------------------------------------------------------------------------------------- */

static void
a_device_is_found_and_described (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  start (rig);
  configure (rig, 0);
  g_assert_cmphex (get (rig, OUTPUT + 12, 4), ==, 3u << 27 | 1);            /* configured, address 1 */
  g_assert_cmpuint (request (rig, 1, REQUEST (0x80, 6, 0x0100, 0, 18), &trb), ==, SUCCESS);
  g_assert_cmphex (get (rig, BUFFER, 4), ==, 0x02000112);
  g_assert_cmphex (get (rig, BUFFER + 8, 4), ==, 0x00011209);
  /* More room than there is to say: short, with the rest told. */
  g_assert_cmpuint (request (rig, 1, REQUEST (0x80, 6, 0x0302, 0x409, 64), &trb), ==, SHORT);
  g_assert_cmpuint (trb.status & 0xffffff, ==, 64 - 2 - 2 * strlen ("USB Keyboard"));
  g_assert_cmphex (get (rig, BUFFER + 2, 2), ==, 'U');
  g_assert_cmpuint (request (rig, 1, REQUEST (0x81, 6, 0x2200, 0, 255), &trb), ==, SHORT);
  g_assert_cmphex (get (rig, BUFFER, 4), ==, 0x06090105);
}

static void
keys_become_reports (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  start (rig);
  configure (rig, 0);
  for (unsigned n = 0; n < 4; n++)
    ask_for_report (rig, n);
  assert_quiet (rig);
  rig->keys.ops->key (rig->keys.opaque, KEY_LEFTSHIFT, true);
  rig->keys.ops->key (rig->keys.opaque, KEY_A, true);
  rig->keys.ops->key (rig->keys.opaque, KEY_A, false);
  rig->keys.ops->key (rig->keys.opaque, KEY_LEFTSHIFT, false);
  static const uint64_t reports[] = { 0x02, 0x040002, 0x02, 0 };
  for (unsigned n = 0; n < G_N_ELEMENTS (reports); n++)
    {
      g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, SUCCESS);
      g_assert_cmphex (get (rig, BUFFER + 0x100 * n, 8), ==, reports[n]);
    }
  assert_quiet (rig);
  /* The seventh key is one too many. */
  for (unsigned code = KEY_1; code <= KEY_7; code++)
    rig->keys.ops->key (rig->keys.opaque, code, true);
  for (unsigned n = 0; n < 7; n++)
    {
      ask_for_report (rig, 0);
      g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, SUCCESS);
    }
  g_assert_cmphex (get (rig, BUFFER, 8), ==, 0x0101010101010000);
}

static void
lights_arrive (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  start (rig);
  configure (rig, 0);
  put (rig, BUFFER, 0x02, 1);
  g_assert_cmpuint (request (rig, 1, REQUEST (0x21, 9, 0x0200, 0, 1), &trb), ==, SUCCESS);
  g_assert_cmpuint (rig->leds, ==, VT_LED_CAPS);
}

static void
the_tablet_points_and_clicks (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  start (rig);
  configure (rig, 1);
  rig->pointer.ops->place (rig->pointer.opaque, 65535, 2);
  rig->pointer.ops->buttons (rig->pointer.opaque, VT_BUTTON_LEFT);
  rig->pointer.ops->wheel (rig->pointer.opaque, 0, -3);
  static const uint64_t reports[] = { 0x0000017fff00, 0x0000017fff01, 0xfd00017fff01 };
  for (unsigned n = 0; n < G_N_ELEMENTS (reports); n++)
    {
      ask_for_report (rig, 0);
      g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, SHORT);
      g_assert_cmpuint (trb.status & 0xffffff, ==, 1);
      g_assert_cmphex (get (rig, BUFFER, 6), ==, reports[n]);
    }
}

/* Firmware configured it; the system that followed has no driver. */
static void
who_takes_no_reports_does_not_listen (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  start (rig);
  g_assert_false (rig->keys.ops->listening (rig->keys.opaque));
  configure (rig, 0);
  g_assert_true (rig->keys.ops->listening (rig->keys.opaque));
  rig->keys.ops->key (rig->keys.opaque, KEY_A, true);
  vt_clock_advance (rig->pci.clock, 2000000000);
  rig->keys.ops->key (rig->keys.opaque, KEY_A, false);
  g_assert_true (rig->keys.ops->listening (rig->keys.opaque));
  vt_clock_advance (rig->pci.clock, 2000000000);
  rig->keys.ops->key (rig->keys.opaque, KEY_B, true);
  g_assert_false (rig->keys.ops->listening (rig->keys.opaque));
  ask_for_report (rig, 0);
  assert_quiet (rig);
  g_assert_true (rig->keys.ops->listening (rig->keys.opaque));
  rig->keys.ops->key (rig->keys.opaque, KEY_C, true);
  g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, SUCCESS);
  g_assert_cmphex (get (rig, BUFFER, 8), ==, 0x060000);
}

static void
a_stall_halts_until_it_is_dealt_with (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  start (rig);
  configure (rig, 0);
  g_assert_cmpuint (request (rig, 1, REQUEST (0x80, 6, 0x0600, 0, 10), &trb), ==, STALL);   /* no device qualifier */
  g_assert_cmphex (get (rig, OUTPUT + 32, 4) & 7, ==, 2);
  put (rig, DOORBELLS + 4, 1, 4);
  assert_quiet (rig);
  g_assert_cmpuint (command (rig, SET_DEQUEUE, rig->control.at | 1, 1, 1 << 16, &trb), ==, CONTEXT_STATE);
  g_assert_cmpuint (command (rig, RESET_ENDPOINT, 0, 1, 1 << 16, &trb), ==, SUCCESS);
  g_assert_cmpuint (command (rig, SET_DEQUEUE, rig->control.at | 1, 1, 1 << 16, &trb), ==, SUCCESS);
  g_assert_cmpuint (request (rig, 1, REQUEST (0x80, 8, 0, 0, 1), &trb), ==, SUCCESS);
  g_assert_cmphex (get (rig, BUFFER, 1), ==, 1);
}

/* A TD of several TRBs with a link inside and an event data TRB at its end, as some systems make them. */
static void
a_long_td_is_one_transfer (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  start (rig);
  configure (rig, 0);
  push (rig, &rig->interrupt, BUFFER, 3, NORMAL << 10 | CHAIN);
  push (rig, &rig->interrupt, INTERRUPT_RING + 0x800, 0, LINK << 10 | CHAIN);
  put (rig, DOORBELLS + 4, 3, 4);
  rig->keys.ops->key (rig->keys.opaque, KEY_B, true);
  assert_quiet (rig);                                           /* not whole yet */
  rig->interrupt.at = INTERRUPT_RING + 0x800;
  push (rig, &rig->interrupt, BUFFER + 0x100, 5, NORMAL << 10 | CHAIN);
  push (rig, &rig->interrupt, 0x123456789abc, 0, EVENT_DATA << 10 | IOC);
  put (rig, DOORBELLS + 4, 3, 4);
  g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, SUCCESS);
  g_assert_cmphex (trb.parameter, ==, 0x123456789abc);
  g_assert_cmpuint (trb.status & 0xffffff, ==, 8);
  g_assert_cmphex (trb.control >> 2 & 1, ==, 1);
  g_assert_cmphex (get (rig, BUFFER, 3), ==, 0x050000);
}

static void
a_full_event_ring_loses_nothing (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  unsigned        seen = 0;
  start (rig);
  for (unsigned i = 0; i < 40; i++)
    push (rig, &rig->commands, 0, 0, NO_OP << 10);
  put (rig, DOORBELLS, 0, 4);
  while (next_event (rig, &trb))
    {
      g_assert_cmphex (trb.parameter, ==, COMMANDS + 16 * seen++);
      took_events (rig);
    }
  g_assert_cmpuint (seen, ==, 40);
}

static void
the_line_follows_the_pending_bit (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  start (rig);
  put (rig, IMAN, 3, 4);
  g_assert_false (rig->pci.line);
  command (rig, NO_OP, 0, 0, 0, &trb);
  g_assert_true (rig->pci.line);
  put (rig, IMAN, 3, 4);
  g_assert_false (rig->pci.line);
  g_assert_cmphex (get (rig, IMAN, 4), ==, 2);
}

static void
wrong_commands_get_their_codes (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  start (rig);
  g_assert_cmpuint (command (rig, ADDRESS_DEVICE, INPUT, 1, 0, &trb), ==, NOT_ENABLED);
  g_assert_cmpuint (command (rig, DISABLE_SLOT, 0, 200, 0, &trb), ==, NOT_ENABLED);
  g_assert_cmpuint (command (rig, 63, 0, 0, 0, &trb), ==, TRB_ERROR);
  command (rig, ENABLE_SLOT, 0, 0, 0, &trb);
  g_assert_cmpuint (address (rig, 1, 99), ==, PARAMETER);
  g_assert_cmpuint (address (rig, 1, 5), ==, 4);                /* nothing there: a transaction error */
  g_assert_cmpuint (command (rig, CONFIGURE_ENDPOINT, INPUT, 1, 0, &trb), ==, CONTEXT_STATE);
  g_assert_cmpuint (command (rig, STOP_ENDPOINT, 0, 1, 5 << 16, &trb), ==, 12);
  for (unsigned i = 2; i <= 8; i++)
    g_assert_cmpuint (command (rig, ENABLE_SLOT, 0, 0, 0, &trb), ==, SUCCESS);
  g_assert_cmpuint (command (rig, ENABLE_SLOT, 0, 0, 0, &trb), ==, 9);
}

/* Rings without end, rings outside memory: the controller stays answerable, and stops where it must. */
static void
hostile_rings_end (void)
{
  g_autoptr (Rig) rig = rig_new ();
  start (rig);
  configure (rig, 0);
  put (rig, INTERRUPT_RING, INTERRUPT_RING, 8);
  put (rig, INTERRUPT_RING + 12, LINK << 10 | CYCLE, 4);        /* a link to itself */
  put (rig, DOORBELLS + 4, 3, 4);
  g_assert_cmphex (get (rig, USBSTS, 4) & 5, ==, 5);
  start (rig);
  put (rig, CRCR, 0xfff00001, 4);
  put (rig, CRCR + 4, 0xff, 4);
  put (rig, DOORBELLS, 0, 4);
  g_assert_cmphex (get (rig, USBSTS, 4) & 5, ==, 5);
  /* Transfers that cost nothing and tell nobody go round for ever: a turn is bounded. */
  start (rig);
  configure (rig, 0);
  for (unsigned i = 0; i < 16; i++)
    put (rig, INTERRUPT_RING + i * 16 + 12, 8 << 10 | CYCLE, 4);
  put (rig, INTERRUPT_RING + 16 * 16, INTERRUPT_RING, 8);
  put (rig, INTERRUPT_RING + 16 * 16 + 12, LINK << 10 | CYCLE, 4);
  put (rig, DOORBELLS + 4, 3, 4);
  rig->keys.ops->key (rig->keys.opaque, KEY_A, true);
  vt_clock_advance (rig->pci.clock, 100000000);
}

static void
a_device_that_leaves_is_missed (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Trb             trb;
  start (rig);
  configure (rig, 1);
  ask_for_report (rig, 0);
  g_clear_pointer (&rig->tablet, vt_device_free);
  g_assert_cmpuint (expect (rig, PORT_EVENT, &trb), ==, SUCCESS);
  g_assert_cmphex (get (rig, PORTS + 16, 4) & 0x20003, ==, 0x20000);
  put (rig, DOORBELLS + 4, 3, 4);
  g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, 4);
  rig->tablet = add (rig, &vt_usb_tablet, &(VtUsbHidConfig) { .place = vt_xhci_place (rig->xhci, 1) });
  g_assert_cmpuint (expect (rig, PORT_EVENT, &trb), ==, SUCCESS);
  g_assert_cmphex (get (rig, PORTS + 16, 4) & 0x20003, ==, 0x20001);
}

/* A device that takes its time: it says NAK until `answer` is something else. */
typedef struct
{
  VtUsbDevice usb;
  VtUsbResult answer;
  unsigned    asked, cancelled;     /* cancelled: the last address */
} Slow;

static VtUsbResult
slow_answer (VtUsbDevice *usb, uint32_t *len, uint8_t *data)
{
  Slow *slow = (Slow *) usb;
  slow->asked++;
  if (slow->answer == VT_USB_DONE && data != NULL && *len > 0)
    {
      *len = 1;
      data[0] = 0x5a;
    }
  return slow->answer;
}

static void
slow_reset (VtUsbDevice *usb)
{
}

static VtUsbResult
slow_control (VtUsbDevice *usb, const VtUsbSetup *setup, uint8_t *data, uint32_t *len)
{
  return setup->request == 5 ? VT_USB_DONE : slow_answer (usb, len, (setup->type & 0x80) != 0 ? data : NULL);
}

static VtUsbResult
slow_in (VtUsbDevice *usb, unsigned endpoint, uint8_t *data, uint32_t *len)
{
  return slow_answer (usb, len, data);
}

static VtUsbResult
slow_out (VtUsbDevice *usb, unsigned endpoint, const uint8_t *data, uint32_t len)
{
  return slow_answer (usb, &len, NULL);
}

static void
slow_cancel (VtUsbDevice *usb, unsigned address)
{
  ((Slow *) usb)->cancelled = address;
}

static const VtUsbOps slow_ops = { slow_reset, slow_control, slow_in, slow_out, slow_cancel };

static void
plug_slow (Rig *rig, Slow *slow)
{
  Trb trb;
  *slow = (Slow) { .usb = { &slow_ops, VT_USB_HIGH_SPEED, vt_xhci_place (rig->xhci, 2) }, .answer = VT_USB_DONE };
  g_assert_true (slow->usb.place.ops->attach (slow->usb.place.host, slow->usb.place.port, &slow->usb, NULL));
  g_assert_cmpuint (expect (rig, PORT_EVENT, &trb), ==, SUCCESS);
  configure (rig, 2);
  slow->answer = VT_USB_NAK;
}

static void
a_slow_request_is_answered_when_the_device_is_ready (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Slow            slow;
  Trb             trb;
  start (rig);
  plug_slow (rig, &slow);
  push (rig, &rig->control, REQUEST (0x80, 6, 0x0100, 0, 18), 8, SETUP << 10 | IDT | 3u << 16);
  push (rig, &rig->control, BUFFER, 18, DATA << 10 | 1u << 16 | ISP);
  push (rig, &rig->control, 0, 0, STATUS << 10 | IOC);
  put (rig, DOORBELLS + 4, 1, 4);
  assert_quiet (rig);
  slow.answer = VT_USB_DONE;
  vt_usb_ready (&slow.usb, 0x80);
  g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, SHORT);
  g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, SUCCESS);
  g_assert_cmphex (get (rig, BUFFER, 1), ==, 0x5a);
  slow.answer = VT_USB_ERROR;
  g_assert_cmpuint (request (rig, 1, REQUEST (0x80, 6, 0x0100, 0, 18), &trb), ==, 4);      /* a transaction error */
  g_assert_cmphex (get (rig, OUTPUT + 32, 4) & 7, ==, 2);
}

static void
a_transfer_under_way_outlives_a_stop_and_ends_when_the_ring_moves (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Slow            slow;
  Trb             trb;
  start (rig);
  plug_slow (rig, &slow);
  ask_for_report (rig, 0);
  g_assert_cmpuint (command (rig, STOP_ENDPOINT, 0, 1, 3 << 16, &trb), ==, SUCCESS);
  g_assert_cmpuint (slow.cancelled, ==, 0);
  slow.answer = VT_USB_DONE;
  vt_usb_ready (&slow.usb, 0x81);
  assert_quiet (rig);
  put (rig, DOORBELLS + 4, 3, 4);
  g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, SHORT);
  slow.answer = VT_USB_NAK;
  ask_for_report (rig, 0);
  g_assert_cmpuint (command (rig, STOP_ENDPOINT, 0, 1, 3 << 16, &trb), ==, SUCCESS);
  g_assert_cmpuint (command (rig, SET_DEQUEUE, rig->interrupt.at | 1, 1, 3 << 16, &trb), ==, SUCCESS);
  g_assert_cmphex (slow.cancelled, ==, 0x81);
  slow.cancelled = 0;
  ask_for_report (rig, 0);
  g_assert_cmpuint (command (rig, DISABLE_SLOT, 0, 1, 0, &trb), ==, SUCCESS);
  g_assert_cmphex (slow.cancelled, ==, 0x81);
}

static void
what_waits_for_a_device_that_leaves_fails (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Slow            slow;
  Trb             trb;
  start (rig);
  plug_slow (rig, &slow);
  ask_for_report (rig, 0);
  assert_quiet (rig);
  slow.usb.place.ops->detach (slow.usb.place.host, slow.usb.place.port);
  g_assert_cmpuint (expect (rig, PORT_EVENT, &trb), ==, SUCCESS);
  g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, 4);
}

/* 4.10.2.3: such an endpoint never halts. */
static void
isochronous_transfers_go_on_after_errors (void)
{
  g_autoptr (Rig) rig = rig_new ();
  Slow            slow;
  Trb             trb;
  start (rig);
  plug_slow (rig, &slow);
  put (rig, INPUT, 1 << 3, 4);
  put (rig, INPUT + 4 * 32 + 4, 192 << 16 | 5 << 3, 4);
  g_assert_cmpuint (command (rig, CONFIGURE_ENDPOINT, INPUT, 1, 0, &trb), ==, SUCCESS);
  for (unsigned i = 0; i < 3; i++)
    push (rig, &rig->interrupt, BUFFER + 0x100 * i, 192, ISOCH << 10 | IOC | ISP | 1u << 31);
  slow.answer = VT_USB_STALL;
  put (rig, DOORBELLS + 4, 3, 4);
  for (unsigned i = 0; i < 3; i++)
    {
      g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, SHORT);
      g_assert_cmpuint (trb.status & 0xffffff, ==, 192);
    }
  g_assert_cmphex (get (rig, OUTPUT + 3 * 32, 4) & 7, ==, 1);
}

/* A machine is restored where the device is not: the driver finds its port empty. */
static void
a_device_that_is_missing_after_a_load_has_left (void)
{
  g_autoptr (Rig)        rig = rig_new ();
  g_autoptr (GByteArray) state = g_byte_array_new ();
  Slow                   slow;
  Trb                    trb;
  start (rig);
  plug_slow (rig, &slow);
  ask_for_report (rig, 0);
  vt_device_set_running (rig->xhci, false);
  vt_device_save (rig->xhci, state);
  slow.usb.place.ops->detach (slow.usb.place.host, slow.usb.place.port);
  unsigned event = rig->event;
  while (next_event (rig, &trb))
    took_events (rig);
  rig->event = event;
  for (unsigned i = 0; i < EVENT_TRBS; i++)       /* memory as it was */
    put (rig, EVENTS + 16 * ((event + i) % EVENT_TRBS) + 12, rig->event_cycle ? 0 : 1, 4);
  g_assert_true (vt_device_load (rig->xhci, 1, state->data, state->len, NULL));
  vt_device_set_running (rig->xhci, true);
  g_assert_cmpuint (expect (rig, PORT_EVENT, &trb), ==, SUCCESS);
  g_assert_cmphex (get (rig, PORTS + 2 * 16, 4) & 0x20003, ==, 0x20000);
  g_assert_cmpuint (expect (rig, TRANSFER_EVENT, &trb), ==, 4);
}

/* Random TRBs in all rings, random doorbells. */
static void
noise_is_survived (void)
{
  g_autoptr (Rig) rig = rig_new ();
  for (unsigned round = 0; round < 300; round++)
    {
      start (rig);
      if (round % 2 == 0)
        configure (rig, round / 2 % 2);
      for (unsigned i = 0; i < 200; i++)
        {
          static const uint32_t rings[] = { COMMANDS, CONTROL_RING, INTERRUPT_RING, INPUT, OUTPUT };
          uint64_t at = rings[g_test_rand_int_range (0, 5)] + 16u * (unsigned) g_test_rand_int_range (0, 64);
          put (rig, at, (uint64_t) g_test_rand_int_range (0, 16) << 12 | (uint64_t) g_test_rand_int_range (0, 256), 8);
          put (rig, at + 8, (uint32_t) g_test_rand_int (), 4);
          put (rig, at + 12, ((uint32_t) g_test_rand_int () & 0x031f03ff) | (uint32_t) g_test_rand_int_range (0, 26) << 10, 4);
          put (rig, DOORBELLS + 4u * (unsigned) g_test_rand_int_range (0, 4), (uint32_t) g_test_rand_int_range (0, 6), 4);
          rig->keys.ops->key (rig->keys.opaque, i, i % 3 == 0);
          put (rig, ERDP, (EVENTS + 16u * (unsigned) g_test_rand_int_range (0, EVENT_TRBS)) | 8, 4);
          vt_clock_advance (rig->pci.clock, 10000);
        }
    }
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  g_test_add_func ("/xhci/found", a_device_is_found_and_described);
  g_test_add_func ("/xhci/keys", keys_become_reports);
  g_test_add_func ("/xhci/lights", lights_arrive);
  g_test_add_func ("/xhci/tablet", the_tablet_points_and_clicks);
  g_test_add_func ("/xhci/deaf", who_takes_no_reports_does_not_listen);
  g_test_add_func ("/xhci/stall", a_stall_halts_until_it_is_dealt_with);
  g_test_add_func ("/xhci/long-td", a_long_td_is_one_transfer);
  g_test_add_func ("/xhci/full-event-ring", a_full_event_ring_loses_nothing);
  g_test_add_func ("/xhci/line", the_line_follows_the_pending_bit);
  g_test_add_func ("/xhci/wrong-commands", wrong_commands_get_their_codes);
  g_test_add_func ("/xhci/hostile-rings", hostile_rings_end);
  g_test_add_func ("/xhci/unplugged", a_device_that_leaves_is_missed);
  g_test_add_func ("/xhci/slow-request", a_slow_request_is_answered_when_the_device_is_ready);
  g_test_add_func ("/xhci/stop", a_transfer_under_way_outlives_a_stop_and_ends_when_the_ring_moves);
  g_test_add_func ("/xhci/waits-for-nobody", what_waits_for_a_device_that_leaves_fails);
  g_test_add_func ("/xhci/isochronous", isochronous_transfers_go_on_after_errors);
  g_test_add_func ("/xhci/missing", a_device_that_is_missing_after_a_load_has_left);
  g_test_add_func ("/xhci/noise", noise_is_survived);
  return g_test_run ();
}
