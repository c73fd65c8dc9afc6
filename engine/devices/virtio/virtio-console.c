/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Consoles and ports (VIRTIO 1.1, 5.3). A driver without MULTIPORT has port 0 only. Messages about a port wait as bits until
 * the driver has a buffer for them. */
#include "virtio-console.h"

#include "trace-virtio.h"
#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  QUEUE_SIZE = 128,
  PORTS = VT_VIRTIO_CONSOLE_PORTS,
  CONTROL_TO_GUEST = 2, CONTROL_TO_HOST = 3, FIRST_OF_PORT_1 = 4,
  CONFIG_BYTES = 12,
  CONFIG_EMERGENCY = 8,
  CONTROL_BYTES = 8,
  NAME_MAX_BYTES = 64,       /* with its end */

  DEVICE_READY = 0, PORT_ADD = 1, PORT_READY = 3, CONSOLE_PORT = 4, PORT_OPEN = 6, PORT_NAME = 7,

  /* What the driver has yet to be told of a port. */
  TELL_ADD = 1u << 0, TELL_CONSOLE = 1u << 1, TELL_NAME = 1u << 2, TELL_OPEN = 1u << 3,
  TELL_ALL = 15,
};

#define CONSOLE_F_MULTIPORT   VIRTIO_F (1)
#define CONSOLE_F_EMERG_WRITE VIRTIO_F (2)

typedef struct
{
  uint8_t tell;              /* TELL_... */
  bool    guest_open;        /* somebody in the guest has it open */
  bool    told_open;         /* the driver believes that somebody is at our end */
  bool    ready;             /* the driver has set it up */
} PortState;

typedef struct
{
  VtVirtioPciState pci;
  PortState        port[PORTS];
} VirtioConsoleState;

typedef struct VirtioConsole VirtioConsole;

typedef struct
{
  VirtioConsole *console;
  unsigned       number;
  VtChardev     *chr;
  char           name[NAME_MAX_BYTES];
  bool           is_console;
} Port;

struct VirtioConsole
{
  VtVirtioPci        pci;
  VirtioConsoleState s;
  Port               port[PORTS];
  unsigned           n_ports;
};

#define PORT_FIELDS(n)                                                                                                 \
  VT_FIELD (VirtioConsoleState, port[n].tell), VT_FIELD (VirtioConsoleState, port[n].guest_open),                      \
    VT_FIELD (VirtioConsoleState, port[n].told_open), VT_FIELD (VirtioConsoleState, port[n].ready)
static const VtField virtio_console_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioConsoleState, pci),
  PORT_FIELDS (0), PORT_FIELDS (1), PORT_FIELDS (2), PORT_FIELDS (3), PORT_FIELDS (4), PORT_FIELDS (5), PORT_FIELDS (6),
  PORT_FIELDS (7),
};

static const VirtioConsoleState virtio_console_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (QUEUE_SIZE) };

static VirtioConsole *
from_virtio (VtVirtio *virtio)
{
  return (VirtioConsole *) virtio->dev;
}

static bool
multiport (const VirtioConsole *console)
{
  return vt_virtio_has (&console->pci.virtio, CONSOLE_F_MULTIPORT);
}

static unsigned
queue_to_guest (unsigned port)
{
  return port == 0 ? 0 : FIRST_OF_PORT_1 + 2 * (port - 1);
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  vt_store_le (config + 4, from_virtio (virtio)->n_ports, 4);
}

/* A kernel that is about to die writes its last words here, one by one. */
static void
set_config (VtVirtio *virtio, unsigned off, uint64_t value, unsigned size)
{
  uint8_t byte = (uint8_t) value;
  if (off == CONFIG_EMERGENCY)
    vt_chardev_write (from_virtio (virtio)->port[0].chr, &byte, 1);
}

/* --- Control messages --------------------------------------------------------------------------------------------- */

/* False: the driver has no buffer. */
static bool
send_control (Port *port, unsigned event, unsigned value, const char *text)
{
  VtVirtElement *element = vt_virtqueue_pop (&port->console->pci.virtio, CONTROL_TO_GUEST);
  uint8_t        message[CONTROL_BYTES];
  if (element == NULL)
    return false;
  vt_store_le (message, port->number, 4);
  vt_store_le (message + 4, event, 2);
  vt_store_le (message + 6, value, 2);
  uint64_t n = vt_virt_element_write (element, 0, message, sizeof message);
  n += vt_virt_element_write (element, n, text, text != NULL ? strlen (text) : 0);
  vt_virtqueue_push (element, (uint32_t) n);
  return true;
}

static bool
tell_one (Port *port, unsigned what)
{
  bool open = port->chr != NULL && !port->chr->away;
  switch (what)
    {
    case TELL_ADD: return send_control (port, PORT_ADD, 1, NULL);
    case TELL_CONSOLE: return !port->is_console || send_control (port, CONSOLE_PORT, 1, NULL);
    case TELL_NAME: return port->name[0] == 0 || send_control (port, PORT_NAME, 1, port->name);
    default: /* TELL_OPEN */
      if (open != port->console->s.port[port->number].told_open && !send_control (port, PORT_OPEN, open, NULL))
        return false;
      port->console->s.port[port->number].told_open = open;
      return true;
    }
}

/* As far as there are buffers. Of a port that the driver has not set up, only that it exists. */
static void
tell (VirtioConsole *console)
{
  for (unsigned i = 0; i < console->n_ports; i++)
    {
      PortState *s = &console->s.port[i];
      for (unsigned what = TELL_ADD; what <= TELL_OPEN && s->tell != 0; what <<= 1)
        {
          if ((s->tell & what) == 0 || (what != TELL_ADD && !s->ready))
            continue;
          if (!tell_one (&console->port[i], what))
            return;
          s->tell &= (uint8_t) ~what;
        }
    }
}

static void
take_control (VtVirtElement *element)
{
  VirtioConsole *console = from_virtio (element->virtio);
  uint8_t        message[CONTROL_BYTES];
  bool           whole = vt_virt_element_read (element, 0, message, sizeof message) == sizeof message;
  unsigned       id = (unsigned) vt_load_le (message, 4), event = (unsigned) vt_load_le (message + 4, 2);
  bool           value = vt_load_le (message + 6, 2) != 0;
  vt_virtqueue_push (element, 0);
  if (!whole || (event != DEVICE_READY && id >= console->n_ports))
    {
      vt_guest_warn (&console->pci.pci.dev, "control message %u of port %u", event, id);
      return;
    }
  trace_virtio_console_control (console->pci.pci.dev.path, id, event, value);
  if (event == DEVICE_READY)
    for (unsigned i = 0; i < console->n_ports && value; i++)
      console->s.port[i].tell |= TELL_ADD;
  else if (event == PORT_READY && value)
    {
      console->s.port[id].ready = true;
      console->s.port[id].tell |= TELL_CONSOLE | TELL_NAME | TELL_OPEN;
    }
  else if (event == PORT_OPEN)
    {
      console->s.port[id].guest_open = value;
      vt_chardev_accept (console->port[id].chr);
    }
}

/* --- Bytes -------------------------------------------------------------------------------------------------------- */

/* As much as the driver's next buffer takes. */
static size_t
can_receive (void *opaque)
{
  Port            *port = opaque;
  const PortState *s = &port->console->s.port[port->number];
  if (multiport (port->console) ? !s->guest_open : port->number > 0)
    return 0;
  return (size_t) vt_virtqueue_room (&port->console->pci.virtio, queue_to_guest (port->number));
}

static void
receive (void *opaque, const uint8_t *bytes, size_t n)
{
  Port          *port = opaque;
  VtVirtElement *element = vt_virtqueue_pop (&port->console->pci.virtio, queue_to_guest (port->number));
  /* The driver may have taken the buffer's descriptor back in between: then the bytes are lost, and that is its own doing. */
  if (element != NULL)
    vt_virtqueue_push (element, (uint32_t) vt_virt_element_write (element, 0, bytes, n));
}

static void
opened (void *opaque, bool open)
{
  Port *port = opaque;
  port->console->s.port[port->number].tell |= TELL_OPEN;
  tell (port->console);
}

static const VtChardevClient client = { can_receive, receive, opened };

static void
take_bytes (VtVirtElement *element)
{
  VirtioConsole *console = from_virtio (element->virtio);
  unsigned       number = element->queue < CONTROL_TO_GUEST ? 0 : (element->queue - FIRST_OF_PORT_1) / 2 + 1;
  VtSpan        *out = vt_virt_element_out (element);
  for (unsigned i = 0; i < element->n_out; i++)
    vt_chardev_write (console->port[number].chr, out[i].ptr, (size_t) out[i].len);
  vt_virtqueue_push (element, 0);
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  VirtioConsole *console = from_virtio (virtio);
  if (queue == CONTROL_TO_HOST)
    vt_virtqueue_serve (virtio, queue, take_control);
  else if (queue != CONTROL_TO_GUEST && (queue & 1) != 0)
    vt_virtqueue_serve (virtio, queue, take_bytes);
  else if (queue != CONTROL_TO_GUEST)
    vt_chardev_accept (console->port[queue == 0 ? 0 : (queue - FIRST_OF_PORT_1) / 2 + 1].chr);
  if (queue == CONTROL_TO_GUEST || queue == CONTROL_TO_HOST)
    tell (console);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static void
driver_reset (VtVirtio *virtio)
{
  memset (from_virtio (virtio)->s.port, 0, sizeof from_virtio (virtio)->s.port);
}

static const VtVirtioType virtio_console_type = {
  .name = "virtio-console",
  .id = 3,
  .n_queues = FIRST_OF_PORT_1 + 2 * (PORTS - 1),
  .queue_size = QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .features = CONSOLE_F_MULTIPORT | CONSOLE_F_EMERG_WRITE,
  .get_config = get_config,
  .set_config = set_config,
  .reset = driver_reset,
  .notify = notify,
};

static bool
virtio_console_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  VirtioConsole               *console = (VirtioConsole *) dev;
  const VtVirtioConsoleConfig *config = env->config;
  console->n_ports = MAX (config->n_ports, 1);
  VtVirtioOffer offer = { .features = config->ring_forms, .n_queues = FIRST_OF_PORT_1 + 2 * (console->n_ports - 1) };
  for (unsigned i = 0; i < console->n_ports; i++)
    {
      Port *port = &console->port[i];
      *port = (Port) { .console = console, .number = i, .chr = config->port[i].chr, .is_console = config->port[i].console };
      if (config->port[i].name != NULL)
        g_strlcpy (port->name, config->port[i].name, sizeof port->name);
      vt_chardev_connect (port->chr, &client, port);
    }
  return vt_virtio_pci_init (&console->pci, env, &config->place, 0x078000, &virtio_console_type, &offer, &console->s.pci,
                             error);
}

static bool
virtio_console_check (VtDevice *dev, const void *incoming, GError **error)
{
  const VirtioConsoleState *s = incoming;
  for (unsigned i = 0; i < PORTS; i++)
    if (s->port[i].tell > TELL_ALL)
      {
        g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: a saved port cannot be like this", dev->path);
        return false;
      }
  return vt_virtio_pci_check (dev, incoming, error);
}

/* Whoever was at our end when the machine was saved may not be there now. */
static void
virtio_console_resume (VtDevice *dev)
{
  VirtioConsole *console = (VirtioConsole *) dev;
  vt_virtio_pci_resume (dev);
  for (unsigned i = 0; i < console->n_ports; i++)
    if (console->s.port[i].ready)
      console->s.port[i].tell |= TELL_OPEN;
  tell (console);
}

static const void *
virtio_console_test_config (void)
{
  static const VtVirtioConsoleConfig config = { .port = { { NULL, NULL, true }, { NULL, "org.example.1", false } },
                                                .n_ports = 2, .ring_forms = VIRTIO_F_RING_FORMS };
  return &config;
}

const VtDeviceClass vt_virtio_console_pci = {
  .name = "virtio-console-pci",
  .summary = "Consoles and named ports (virtio)",
  .instance_size = sizeof (VirtioConsole),
  .state_off = offsetof (VirtioConsole, s),
  .state = VT_STATE (2, VirtioConsoleState, virtio_console_fields, &virtio_console_at_reset),
  .regions = vt_virtio_pci_regions,
  .realize = virtio_console_realize,
  .settle = vt_virtio_pci_settle,
  .check = virtio_console_check,
  .quiesce = vt_virtio_pci_quiesce,
  .resume = virtio_console_resume,
  .finalize = vt_virtio_pci_finalize,
  .test_config = virtio_console_test_config,
};
