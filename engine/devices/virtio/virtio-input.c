/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Input devices (VIRTIO 1.1, 5.8). What a device can do is a table of bit maps that the driver asks for one by one; what
 * happens arrives as Linux input events, several of which make a packet that a SYN event ends. */
#include "virtio-input.h"

#include <linux/input-event-codes.h>

#include "input-queue.h"
#include "trace-virtio.h"
#include "virtio-pci.h"
#include "virtqueue.h"
#include "vitrine/error.h"

enum
{
  EVENTQ = 0, STATUSQ = 1, QUEUES = 2,
  QUEUE_SIZE = 64,
  EVENT_BYTES = 8,

  /* The configuration space: two selectors, the size of what they select, and that. */
  CONFIG_SELECT = 0, CONFIG_SUBSEL = 1, CONFIG_SIZE = 2, CONFIG_DATA = 8,
  CONFIG_DATA_BYTES = 128,
  CONFIG_BYTES = CONFIG_DATA + CONFIG_DATA_BYTES,

  CFG_ID_NAME = 0x01, CFG_ID_SERIAL = 0x02, CFG_ID_DEVIDS = 0x03, CFG_PROP_BITS = 0x10, CFG_EV_BITS = 0x11,
  CFG_ABS_INFO = 0x12,

  BUS_VIRTUAL = 0x06,         /* linux/input.h */
  VENDOR_VITRINE = 0x5654,
  PACKET_MAX = 8,
  LEDS = VT_LED_SCROLL | VT_LED_NUM | VT_LED_CAPS,
};

typedef struct
{
  uint16_t type, code;
  int32_t  value;
} Event;

typedef struct
{
  VtVirtioPciState pci;
  VtInputQueue     queue;
  uint8_t          select, subsel;
  uint8_t          leds;
  uint8_t          pad_[5];
} VirtioInputState;

typedef struct VirtioInput VirtioInput;

/* What makes a keyboard a keyboard. */
typedef struct
{
  const char       *name;
  uint16_t          product;
  uint32_t          class_code;
  const VtInputOps *ops;
  /* Sets the bits of an event type's codes; false: has none of that type. */
  bool            (*codes) (unsigned type, uint8_t *bits);
} Kind;

struct VirtioInput
{
  VtVirtioPci      pci;
  VirtioInputState s;
  const Kind      *kind;
  VtInputSource    source;
  VtLedSink        leds;
  VtListeningSink  listening;
  bool             was_listening;
};

static const VtField virtio_input_fields[] = {
  VT_VIRTIO_PCI_FIELDS (VirtioInputState, pci), VT_INPUT_QUEUE_FIELDS (VirtioInputState, queue),
  VT_FIELD (VirtioInputState, select),          VT_FIELD (VirtioInputState, subsel),
  VT_FIELD (VirtioInputState, leds),            VT_FIELD (VirtioInputState, pad_),
};

static const VirtioInputState virtio_input_at_reset = { .pci.virtio = VT_VIRTIO_AT_RESET (QUEUE_SIZE) };

/* --- What it is --------------------------------------------------------------------------------------------------- */

static const uint16_t button_codes[] = { BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE, BTN_EXTRA };   /* VT_BUTTON_... */

static bool
set_buttons (uint8_t *bits)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (button_codes); i++)
    vt_bitmap_set (bits, button_codes[i], true);
  return true;
}

/* The guest repeats keys by itself. */
static bool
keyboard_codes (unsigned type, uint8_t *bits)
{
  switch (type)
    {
    case EV_KEY:
      for (unsigned code = KEY_ESC; code <= KEY_MICMUTE; code++)
        vt_bitmap_set (bits, code, true);
      return true;
    case EV_LED:
      vt_bitmap_set (bits, LED_NUML, true);
      vt_bitmap_set (bits, LED_CAPSL, true);
      vt_bitmap_set (bits, LED_SCROLLL, true);
      return true;
    case EV_REP:
      vt_bitmap_set (bits, REP_DELAY, true);
      vt_bitmap_set (bits, REP_PERIOD, true);
      return true;
    default:
      return false;
    }
}

static bool
mouse_codes (unsigned type, uint8_t *bits)
{
  if (type == EV_KEY)
    return set_buttons (bits);
  if (type != EV_REL)
    return false;
  vt_bitmap_set (bits, REL_X, true);
  vt_bitmap_set (bits, REL_Y, true);
  vt_bitmap_set (bits, REL_WHEEL, true);
  vt_bitmap_set (bits, REL_HWHEEL, true);
  return true;
}

static bool
tablet_codes (unsigned type, uint8_t *bits)
{
  if (type == EV_KEY)
    return set_buttons (bits);
  if (type == EV_ABS)
    {
      vt_bitmap_set (bits, ABS_X, true);
      vt_bitmap_set (bits, ABS_Y, true);
      return true;
    }
  if (type != EV_REL)
    return false;
  vt_bitmap_set (bits, REL_WHEEL, true);
  vt_bitmap_set (bits, REL_HWHEEL, true);
  return true;
}

/* --- Configuration ------------------------------------------------------------------------------------------------ */

static uint8_t
bytes_used (const uint8_t *data)
{
  unsigned n = CONFIG_DATA_BYTES;
  while (n > 0 && data[n - 1] == 0)
    n--;
  return (uint8_t) n;
}

static uint8_t
put_devids (const VirtioInput *input, uint8_t *data)
{
  vt_store_le (data + 0, BUS_VIRTUAL, 2);
  vt_store_le (data + 2, VENDOR_VITRINE, 2);
  vt_store_le (data + 4, input->kind->product, 2);
  vt_store_le (data + 6, 1, 2);
  return 8;
}

static uint8_t
put_abs_info (const VirtioInput *input, unsigned axis, uint8_t *data)
{
  uint8_t axes[CONFIG_DATA_BYTES] = { 0 };
  if (!input->kind->codes (EV_ABS, axes) || (axis != ABS_X && axis != ABS_Y))
    return 0;
  vt_store_le (data + 4, UINT16_MAX, 4);   /* min, max, fuzz, flat, resolution */
  return 20;
}

/* Returns how many bytes of data there are: 0 means that there is no such thing. */
static uint8_t
put_data (const VirtioInput *input, uint8_t *data)
{
  uint8_t select = input->s.select, subsel = input->s.subsel;
  bool    whole = subsel == 0;
  switch (select)
    {
    case CFG_ID_NAME:
      return whole ? (uint8_t) g_strlcpy ((char *) data, input->kind->name, CONFIG_DATA_BYTES) : 0;
    case CFG_ID_DEVIDS:
      return whole ? put_devids (input, data) : 0;
    case CFG_EV_BITS:
      return input->kind->codes (subsel, data) ? bytes_used (data) : 0;
    case CFG_ABS_INFO:
      return put_abs_info (input, subsel, data);
    default:
      return 0;
    }
}

static void
get_config (VtVirtio *virtio, uint8_t *config)
{
  const VirtioInput *input = (const VirtioInput *) virtio->dev;
  config[CONFIG_SELECT] = input->s.select;
  config[CONFIG_SUBSEL] = input->s.subsel;
  config[CONFIG_SIZE] = put_data (input, config + CONFIG_DATA);
}

static void
set_config (VtVirtio *virtio, unsigned off, uint64_t value, unsigned size)
{
  VirtioInput *input = (VirtioInput *) virtio->dev;
  for (unsigned i = 0; i < size; i++)
    {
      uint8_t byte = (uint8_t) (value >> (8 * i));
      if (off + i == CONFIG_SELECT)
        input->s.select = byte;
      else if (off + i == CONFIG_SUBSEL)
        input->s.subsel = byte;
    }
}

/* --- Events out --------------------------------------------------------------------------------------------------- */

/* No movement is no event. */
static unsigned
two_axes (Event *packet, uint16_t type, uint16_t code_x, uint16_t code_y, const VtInputEvent *event)
{
  unsigned n = 0;
  if (event->x != 0 || type == EV_ABS)
    packet[n++] = (Event) { type, code_x, event->x };
  if (event->y != 0 || type == EV_ABS)
    packet[n++] = (Event) { type, code_y, event->y };
  return n;
}

/* The events of one packet; the last one says that it is one. */
static unsigned
make_packet (const VtInputEvent *event, Event *packet)
{
  unsigned n = 0;
  switch (event->kind)
    {
    case VT_INPUT_KEY:
      packet[n++] = (Event) { EV_KEY, (uint16_t) event->code, event->down };
      break;
    case VT_INPUT_BUTTONS:
      for (unsigned i = 0; i < G_N_ELEMENTS (button_codes); i++)
        if (event->y >> i & 1)
          packet[n++] = (Event) { EV_KEY, button_codes[i], event->x >> i & 1 };
      break;
    case VT_INPUT_MOTION:
      n = two_axes (packet, EV_REL, REL_X, REL_Y, event);
      break;
    case VT_INPUT_PLACE:
      n = two_axes (packet, EV_ABS, ABS_X, ABS_Y, event);
      break;
    case VT_INPUT_WHEEL:
      n = two_axes (packet, EV_REL, REL_HWHEEL, REL_WHEEL, event);
      break;
    case VT_INPUT_KINDS:
      g_assert_not_reached ();
    }
  packet[n++] = (Event) { EV_SYN, SYN_REPORT, 0 };
  return n;
}

static bool
send (VirtioInput *input, const Event *event)
{
  uint8_t        bytes[EVENT_BYTES];
  VtVirtElement *element = vt_virtqueue_pop (&input->pci.virtio, EVENTQ);
  if (element == NULL)
    return false;
  vt_store_le (bytes, event->type, 2);
  vt_store_le (bytes + 2, event->code, 2);
  vt_store_le (bytes + 4, (uint32_t) event->value, 4);
  uint64_t written = vt_virt_element_write (element, 0, bytes, sizeof bytes);
  if (written < sizeof bytes)
    vt_virtio_broken (&input->pci.virtio, "an event needs %u bytes", EVENT_BYTES);
  vt_virtqueue_push (element, (uint32_t) written);
  return written == sizeof bytes;
}

static bool
listening (void *opaque)
{
  return vt_virtio_live (&((VirtioInput *) opaque)->pci.virtio);
}

/* As much as the driver has buffers for. */
static void
pump (void *opaque)
{
  VirtioInput  *input = opaque;
  VtInputQueue *queue = &input->s.queue;
  VtInputEvent  event;
  while (listening (input) && vt_input_queue_peek (queue, &input->source.held, &event))
    {
      Event    packet[PACKET_MAX];
      unsigned n = make_packet (&event, packet);
      while (queue->position < n && send (input, &packet[queue->position]))
        queue->position++;
      if (queue->position < n)
        return;
      trace_virtio_input_event (input->pci.pci.dev.path, event.kind, event.code, event.x, event.y);
      vt_input_queue_take (queue);
    }
}

/* --- Lights in ---------------------------------------------------------------------------------------------------- */

static void
take_status (VirtioInput *input, const uint8_t *bytes)
{
  static const uint8_t lights[] = { [LED_NUML] = VT_LED_NUM, [LED_CAPSL] = VT_LED_CAPS, [LED_SCROLLL] = VT_LED_SCROLL };
  unsigned type = (unsigned) vt_load_le (bytes, 2), code = (unsigned) vt_load_le (bytes + 2, 2);
  if (type != EV_LED || code >= G_N_ELEMENTS (lights))
    return;
  uint8_t leds = input->s.leds;
  leds = vt_load_le (bytes + 4, 4) != 0 ? leds | lights[code] : leds & (uint8_t) ~lights[code];
  if (leds != input->s.leds && input->leds.leds != NULL)
    input->leds.leds (input->leds.opaque, leds);
  input->s.leds = leds;
}

static void
take_status_element (VtVirtElement *element)
{
  uint8_t bytes[EVENT_BYTES];
  if (vt_virt_element_read (element, 0, bytes, sizeof bytes) == sizeof bytes)
    take_status ((VirtioInput *) element->virtio->dev, bytes);
  vt_virtqueue_push (element, 0);
}

static void
tell_listening (VirtioInput *input)
{
  bool now = listening (input);
  if (now == input->was_listening)
    return;
  input->was_listening = now;
  if (input->listening.changed != NULL)
    input->listening.changed (input->listening.opaque);
}

static void
notify (VtVirtio *virtio, unsigned queue)
{
  VirtioInput *input = (VirtioInput *) virtio->dev;
  tell_listening (input);
  if (queue == EVENTQ)
    pump (input);
  else
    vt_virtqueue_serve (virtio, STATUSQ, take_status_element);
}

static void
driver_reset (VtVirtio *virtio)
{
  VirtioInput *input = (VirtioInput *) virtio->dev;
  vt_input_queue_clear (&input->s.queue);
  input->s.select = input->s.subsel = 0;
  input->s.leds = 0;
  tell_listening (input);
}

VtInputSink
vt_virtio_input_sink (VtDevice *dev)
{
  VirtioInput *input = (VirtioInput *) dev;
  return (VtInputSink) { input->kind->ops, &input->source };
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static const VtVirtioType virtio_input_type = {
  .name = "virtio-input",
  .id = 18,
  .n_queues = QUEUES,
  .queue_size = QUEUE_SIZE,
  .config_bytes = CONFIG_BYTES,
  .get_config = get_config,
  .set_config = set_config,
  .reset = driver_reset,
  .notify = notify,
};

static bool
realize (VtDevice *dev, const VtEnv *env, const Kind *kind, GError **error)
{
  VirtioInput               *input = (VirtioInput *) dev;
  const VtVirtioInputConfig *config = env->config;
  input->kind = kind;
  input->source = (VtInputSource) { &input->s.queue, { { 0 }, 0 }, listening, pump, input };
  input->leds = config->leds;
  input->listening = config->listening;
  VtVirtioOffer offer = { .features = config->ring_forms };
  return vt_virtio_pci_init (&input->pci, env, &config->place, kind->class_code, &virtio_input_type, &offer,
                             &input->s.pci, error);
}

static void
settle (VtDevice *dev)
{
  vt_virtio_pci_settle (dev);
  tell_listening ((VirtioInput *) dev);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const VirtioInputState *s = incoming;
  if (!vt_virtio_pci_check (dev, incoming, error))
    return false;
  if (vt_input_queue_valid (&s->queue) && s->queue.position < PACKET_MAX && (s->leds & ~LEDS) == 0)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved events are impossible", dev->path);
  return false;
}

static void
resume (VtDevice *dev)
{
  VirtioInput *input = (VirtioInput *) dev;
  vt_virtio_pci_resume (dev);
  vt_input_queue_compare (&input->s.queue, &input->source.held);
  pump (input);
}

static const void *
test_config (void)
{
  static const VtVirtioInputConfig config = { .ring_forms = VIRTIO_F_RING_FORMS };
  return &config;
}

/* The class code: an input device controller; keyboard, mouse, or other. */
#define INPUT_CLASS(kind_, class_name, summary_, label_, product_, class_code_)                                        \
  static const Kind kind_##_kind = { label_, product_, class_code_, &vt_input_##kind_##_ops, kind_##_codes };                     \
  static bool kind_##_realize (VtDevice *dev, const VtEnv *env, GError **error)                                        \
  {                                                                                                                    \
    return realize (dev, env, &kind_##_kind, error);                                                                   \
  }                                                                                                                    \
  const VtDeviceClass vt_virtio_##kind_##_pci = {                                                                      \
    .name = class_name,                                                                                                \
    .summary = summary_,                                                                                               \
    .instance_size = sizeof (VirtioInput),                                                                             \
    .state_off = offsetof (VirtioInput, s),                                                                            \
    .state = VT_STATE (2, VirtioInputState, virtio_input_fields, &virtio_input_at_reset),                              \
    .regions = vt_virtio_pci_regions,                                                                                  \
    .realize = kind_##_realize,                                                                                        \
    .settle = settle,                                                                                                  \
    .check = check,                                                                                                    \
    .quiesce = vt_virtio_pci_quiesce,                                                                                  \
    .resume = resume,                                                                                                  \
    .finalize = vt_virtio_pci_finalize,                                                                                \
    .test_config = test_config,                                                                                        \
  }

INPUT_CLASS (keyboard, "virtio-keyboard-pci", "Keyboard (virtio)", "Vitrine Virtio Keyboard", 1, 0x090000);
INPUT_CLASS (mouse, "virtio-mouse-pci", "Mouse (virtio)", "Vitrine Virtio Mouse", 2, 0x090200);
/* Not "tablet": GTK under X takes a device with absolute axes for a touch screen unless its name says mouse or pointer. */
INPUT_CLASS (tablet, "virtio-tablet-pci", "Pointer with absolute positions (virtio)", "Vitrine Virtio Absolute Pointer", 3,
             0x098000);
