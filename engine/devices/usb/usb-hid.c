/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Human interface devices: HID 1.11. A report says how things are, not what happened; so one report is made for each event
 * of the queue, and a quick press and release are two. */
#include "usb-hid.h"

#include "input-queue.h"
#include "trace-usb.h"
#include "usb-hid-usages.h"
#include "vitrine/error.h"

enum
{
  /* 7.2 */
  GET_REPORT = 1, GET_IDLE = 2, GET_PROTOCOL = 3, SET_REPORT = 9, SET_IDLE = 10, SET_PROTOCOL = 11,
  GET_DESCRIPTOR = 6,
  TO_INTERFACE = 0x01, CLASS_TO_INTERFACE = 0x21,
  DESCRIPTOR_HID = 0x21, DESCRIPTOR_REPORT = 0x22,
  REPORT_INPUT = 1, REPORT_OUTPUT = 2,

  ENDPOINT = 1,
  ENDPOINT_ADDRESS = ENDPOINT | VT_USB_TO_HOST,
  KEYS = 6,                   /* of a keyboard's report, beside modifiers */
  DOWN_MAX = 32,              /* keys that are followed at a time */
  REPORT_MAX = 8,
  HID_DESCRIPTOR_AT = 18,     /* in the configuration */
};
#define DEAF_NS INT64_C (3000000000)

typedef struct
{
  VtUsbState   usb;
  VtInputQueue queue;
  uint16_t     x, y;                /* of the tablet: 0..65535 */
  uint8_t      down[DOWN_MAX];      /* usages, in the order they went down; 0: free */
  uint8_t      modifiers;
  uint8_t      buttons;
  uint8_t      leds;
  uint8_t      idle;                /* in 4 ms; remembered, no report is repeated */
  bool         boot;                /* protocol */
  uint8_t      pad_[7];
} UsbHidState;

typedef struct UsbHid UsbHid;

typedef struct
{
  const VtInputOps *ops;
  VtUsbDescriptors  descriptors;
  VtUsbBytes        report_descriptor;
  /* The report of how things are, and how they moved; returns its length. */
  unsigned        (*report) (const UsbHid *hid, const VtInputEvent *moved, uint8_t *report);
} Kind;

struct UsbHid
{
  VtDevice        dev;
  UsbHidState     s;
  VtUsbDevice     usb;
  const Kind     *kind;
  VtInputHeld     held;
  VtLedSink       leds;
  VtListeningSink listening;
  bool            was_listening;
  VtClock        *clock;
  int64_t         waits_since_ns;     /* when the guest last took something, or something began to wait */
  bool            waits, deaf;
};

static const VtField usb_hid_fields[] = {
  VT_USB_FIELDS (UsbHidState, usb), VT_INPUT_QUEUE_FIELDS (UsbHidState, queue), VT_FIELD (UsbHidState, x),
  VT_FIELD (UsbHidState, y),        VT_FIELD (UsbHidState, down),               VT_FIELD (UsbHidState, modifiers),
  VT_FIELD (UsbHidState, buttons),  VT_FIELD (UsbHidState, leds),               VT_FIELD (UsbHidState, idle),
  VT_FIELD (UsbHidState, boot),     VT_FIELD (UsbHidState, pad_),
};

static UsbHid *
hid_of (VtUsbDevice *usb)
{
  return (UsbHid *) ((char *) usb - offsetof (UsbHid, usb));
}

/* --- Descriptors ---------------------------------------------------------------------------------------------------- */

#define LE16(value) (value) & 0xff, (value) >> 8

/* Reports of a boot keyboard (HID appendix B.1), with all usages of the page. */
static const uint8_t keyboard_report_descriptor[] = {
  0x05, 0x01, 0x09, 0x06, 0xa1, 0x01,                           /* Generic Desktop, Keyboard, Collection (Application) */
  0x05, 0x07, 0x19, 0xe0, 0x29, 0xe7,                           /* Keyboard page, modifiers */
  0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x08, 0x81, 0x02,   /* 8 bits */
  0x75, 0x08, 0x95, 0x01, 0x81, 0x01,                           /* a reserved byte */
  0x05, 0x08, 0x19, 0x01, 0x29, 0x05,                           /* LED page, Num Lock .. Kana */
  0x75, 0x01, 0x95, 0x05, 0x91, 0x02,                           /* 5 bits out */
  0x75, 0x03, 0x95, 0x01, 0x91, 0x01,
  0x05, 0x07, 0x19, 0x00, 0x2a, LE16 (0xff),                    /* Keyboard page, everything */
  0x15, 0x00, 0x26, LE16 (0xff), 0x75, 0x08, 0x95, KEYS, 0x81, 0x00,
  0xc0,
};

#define WHEELS                                                                                                         \
  0x09, 0x38, 0x15, 0x81, 0x25, 0x7f, 0x75, 0x08, 0x95, 0x01, 0x81, 0x06,          /* Wheel, -127..127, relative */    \
    0x05, 0x0c, 0x0a, LE16 (0x238), 0x81, 0x06                                     /* Consumer page, AC Pan */
#define BUTTONS                                                                                                        \
  0x05, 0x09, 0x19, 0x01, 0x29, 0x05, 0x15, 0x00, 0x25, 0x01, 0x75, 0x01, 0x95, 0x05, 0x81, 0x02,                      \
    0x75, 0x03, 0x95, 0x01, 0x81, 0x01

static const uint8_t mouse_report_descriptor[] = {
  0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00,   /* Generic Desktop, Mouse, Application, Pointer, Physical */
  BUTTONS,
  0x05, 0x01, 0x09, 0x30, 0x09, 0x31,                           /* X, Y */
  0x16, LE16 (0x8001), 0x26, LE16 (0x7fff), 0x75, 0x10, 0x95, 0x02, 0x81, 0x06,
  WHEELS,
  0xc0, 0xc0,
};

static const uint8_t tablet_report_descriptor[] = {
  0x05, 0x01, 0x09, 0x02, 0xa1, 0x01, 0x09, 0x01, 0xa1, 0x00,
  BUTTONS,
  0x05, 0x01, 0x09, 0x30, 0x09, 0x31,
  0x15, 0x00, 0x26, LE16 (0x7fff), 0x75, 0x10, 0x95, 0x02, 0x81, 0x02,
  WHEELS,
  0xc0, 0xc0,
};

/* 1209 is the pid.codes vendor number; its first product numbers are for anybody's own use. */
#define DEVICE_DESCRIPTOR(product)                                                                                     \
  18, 1, LE16 (0x0200), 0, 0, 0, 64, LE16 (0x1209), LE16 (product), LE16 (0x0100), 1, 2, 3, 1
/* High speed: the interval is 2^(n-1) microframes; 7 is 8 ms. */
#define CONFIGURATION(subclass, protocol, report_bytes, packet)                                                        \
  9, 2, LE16 (34), 1, 1, 0, 0xa0, 50,                                                                                  \
    9, 4, 0, 0, 1, 3, subclass, protocol, 0,                                                                           \
    9, DESCRIPTOR_HID, LE16 (0x0111), 0, 1, DESCRIPTOR_REPORT, LE16 (report_bytes),                                    \
    7, 5, ENDPOINT_ADDRESS, 3, LE16 (packet), 7

static const uint8_t keyboard_device[] = { DEVICE_DESCRIPTOR (0x0001) };
static const uint8_t mouse_device[] = { DEVICE_DESCRIPTOR (0x0002) };
static const uint8_t tablet_device[] = { DEVICE_DESCRIPTOR (0x0003) };
static const uint8_t keyboard_configuration[] = { CONFIGURATION (1, 1, sizeof keyboard_report_descriptor, 8) };
static const uint8_t mouse_configuration[] = { CONFIGURATION (1, 2, sizeof mouse_report_descriptor, 8) };
static const uint8_t tablet_configuration[] = { CONFIGURATION (0, 0, sizeof tablet_report_descriptor, 8) };
static const char *const keyboard_strings[] = { "Vitrine", "USB Keyboard", "1", NULL };
static const char *const mouse_strings[] = { "Vitrine", "USB Mouse", "1", NULL };
/* Not "tablet": GTK under X takes a device with absolute axes for a touch screen unless its name says mouse or pointer. */
static const char *const tablet_strings[] = { "Vitrine", "USB Absolute Pointer", "1", NULL };

/* --- Reports -------------------------------------------------------------------------------------------------------- */

static unsigned
keyboard_report (const UsbHid *hid, const VtInputEvent *moved, uint8_t *report)
{
  unsigned n = 0;
  report[0] = hid->s.modifiers;
  report[1] = 0;
  memset (report + 2, 0, KEYS);
  for (unsigned i = 0; i < DOWN_MAX && hid->s.down[i] != 0; i++, n++)
    if (n < KEYS)
      report[2 + n] = hid->s.down[i];
  if (n > KEYS)
    memset (report + 2, VT_HID_ROLL_OVER, KEYS);
  return 2 + KEYS;
}

static uint8_t
small (int32_t value)
{
  return (uint8_t) CLAMP (value, -127, 127);
}

static unsigned
put_wheels (const VtInputEvent *moved, uint8_t *report)
{
  bool wheel = moved != NULL && moved->kind == VT_INPUT_WHEEL;
  report[0] = wheel ? small (moved->y) : 0;
  report[1] = wheel ? small (moved->x) : 0;
  return 2;
}

static unsigned
mouse_report (const UsbHid *hid, const VtInputEvent *moved, uint8_t *report)
{
  bool    motion = moved != NULL && moved->kind == VT_INPUT_MOTION;
  int32_t x = motion ? moved->x : 0, y = motion ? moved->y : 0;
  report[0] = hid->s.buttons;
  if (hid->s.boot)
    {
      report[1] = small (x);
      report[2] = small (y);
      return 3;
    }
  vt_store_le (report + 1, (uint16_t) x, 2);
  vt_store_le (report + 3, (uint16_t) y, 2);
  return 5 + put_wheels (moved, report + 5);
}

static unsigned
tablet_report (const UsbHid *hid, const VtInputEvent *moved, uint8_t *report)
{
  report[0] = hid->s.buttons;
  vt_store_le (report + 1, hid->s.x / 2, 2);
  vt_store_le (report + 3, hid->s.y / 2, 2);
  return 5 + put_wheels (moved, report + 5);
}

/* --- Events --------------------------------------------------------------------------------------------------------- */

static void
key_moved (UsbHidState *s, unsigned code, bool down)
{
  uint8_t usage = vt_hid_usages[code];
  if (usage >= VT_HID_FIRST_MODIFIER)
    {
      uint8_t bit = (uint8_t) (1u << (usage - VT_HID_FIRST_MODIFIER));
      s->modifiers = down ? s->modifiers | bit : s->modifiers & (uint8_t) ~bit;
      return;
    }
  unsigned n = 0;
  for (unsigned i = 0; i < DOWN_MAX; i++)
    if (s->down[i] != 0 && s->down[i] != usage)
      s->down[n++] = s->down[i];
  memset (s->down + n, 0, DOWN_MAX - n);
  if (down && usage != 0 && n < DOWN_MAX)
    s->down[n] = usage;
}

static void
happen (UsbHidState *s, const VtInputEvent *event)
{
  switch (event->kind)
    {
    case VT_INPUT_KEY:
      key_moved (s, event->code, event->down);
      break;
    case VT_INPUT_BUTTONS:
      s->buttons = (uint8_t) event->x;
      break;
    case VT_INPUT_PLACE:
      s->x = (uint16_t) event->x;
      s->y = (uint16_t) event->y;
      break;
    default:
      break;
    }
}

static bool
configured (const UsbHid *hid)
{
  return hid->s.usb.configuration != 0;
}

static bool
listening (void *opaque)
{
  return configured (opaque) && !((UsbHid *) opaque)->deaf;
}

/* A driver came or went. */
static void
follow_driver (UsbHid *hid)
{
  bool now = listening (hid);
  if (now == hid->was_listening)
    return;
  hid->was_listening = now;
  if (hid->listening.changed != NULL)
    hid->listening.changed (hid->listening.opaque);
}

/* Firmware configures its keyboard and mouse, and a system without a USB driver leaves them so. Who takes no reports for long does
 * not listen: input then goes to PS/2, where such a system expects it. What waited is dropped, and so is what it was told. */
static void
notice_deafness (UsbHid *hid)
{
  int64_t now = vt_clock_now (hid->clock);
  if (!hid->waits)
    {
      hid->waits = true;
      hid->waits_since_ns = now;
    }
  else if (now - hid->waits_since_ns > DEAF_NS && configured (hid))
    {
      hid->deaf = true;
      hid->waits = false;
      vt_input_queue_clear (&hid->s.queue);
      memset (hid->s.down, 0, sizeof hid->s.down);
      hid->s.modifiers = hid->s.buttons = 0;
      follow_driver (hid);
    }
}

static VtUsbResult
in (VtUsbDevice *usb, unsigned endpoint, uint8_t *data, uint32_t *len)
{
  UsbHid      *hid = hid_of (usb);
  uint8_t      report[REPORT_MAX];
  VtInputEvent event;
  if (endpoint != ENDPOINT || vt_usb_halted (&hid->s.usb, ENDPOINT_ADDRESS))
    return VT_USB_STALL;
  if (hid->s.usb.configuration == 0)
    return VT_USB_NAK;
  if (hid->deaf)
    {
      hid->deaf = false;
      follow_driver (hid);
    }
  if (!vt_input_queue_peek (&hid->s.queue, &hid->held, &event))
    return VT_USB_NAK;
  happen (&hid->s, &event);
  vt_input_queue_take (&hid->s.queue);
  hid->waits = hid->s.queue.count > 0;
  hid->waits_since_ns = vt_clock_now (hid->clock);
  trace_usb_hid_report (hid->dev.path, event.kind, event.code, event.x, event.y);
  return vt_usb_answer (report, hid->kind->report (hid, &event, report), data, len);
}

static VtUsbResult
out (VtUsbDevice *usb, unsigned endpoint, const uint8_t *data, uint32_t len)
{
  return VT_USB_STALL;
}

/* --- Requests ------------------------------------------------------------------------------------------------------- */


static void
start_anew (UsbHid *hid)
{
  memset (&hid->s, 0, sizeof hid->s);
  hid->deaf = hid->waits = false;
  follow_driver (hid);
}

static void
reset (VtUsbDevice *usb)
{
  start_anew (hid_of (usb));
}

/* The bits of an output report (HID appendix B.1): Num, Caps, Scroll Lock. */
static void
set_lights (UsbHid *hid, uint8_t bits)
{
  uint8_t leds = (uint8_t) ((bits & 1 ? VT_LED_NUM : 0) | (bits & 2 ? VT_LED_CAPS : 0) | (bits & 4 ? VT_LED_SCROLL : 0));
  if (leds != hid->s.leds && hid->leds.leds != NULL)
    hid->leds.leds (hid->leds.opaque, leds);
  hid->s.leds = leds;
}

static VtUsbResult
get_report (UsbHid *hid, const VtUsbSetup *setup, uint8_t *data, uint32_t *len)
{
  uint8_t report[REPORT_MAX];
  if (setup->value >> 8 != REPORT_INPUT)
    return VT_USB_STALL;
  return vt_usb_answer (report, hid->kind->report (hid, NULL, report), data, len);
}

static VtUsbResult
set_report (UsbHid *hid, const VtUsbSetup *setup, const uint8_t *data, uint32_t *len)
{
  if (setup->value >> 8 != REPORT_OUTPUT || hid->kind->ops->key == NULL)
    return VT_USB_STALL;
  if (*len > 0)
    set_lights (hid, data[0]);
  return VT_USB_DONE;
}

static VtUsbResult
class_descriptor (UsbHid *hid, const VtUsbSetup *setup, uint8_t *data, uint32_t *len)
{
  const VtUsbBytes *report = &hid->kind->report_descriptor;
  switch (setup->value >> 8)
    {
    case DESCRIPTOR_HID:
      return vt_usb_answer (hid->kind->descriptors.configuration.bytes + HID_DESCRIPTOR_AT, 9, data, len);
    case DESCRIPTOR_REPORT:
      return vt_usb_answer (report->bytes, report->len, data, len);
    default:
      return VT_USB_STALL;
    }
}

static VtUsbResult
class_request (UsbHid *hid, const VtUsbSetup *setup, uint8_t *data, uint32_t *len)
{
  bool    has_boot = hid->kind->descriptors.configuration.bytes[15] != 0;
  uint8_t protocol = !hid->s.boot;
  switch (setup->request)
    {
    case GET_REPORT: return get_report (hid, setup, data, len);
    case SET_REPORT: return set_report (hid, setup, data, len);
    case GET_IDLE: return vt_usb_answer (&hid->s.idle, 1, data, len);
    case SET_IDLE: hid->s.idle = (uint8_t) (setup->value >> 8); return VT_USB_DONE;
    case GET_PROTOCOL: return has_boot ? vt_usb_answer (&protocol, 1, data, len) : VT_USB_STALL;
    case SET_PROTOCOL:
      if (!has_boot || setup->value > 1)
        return VT_USB_STALL;
      hid->s.boot = setup->value == 0;
      return VT_USB_DONE;
    default: return VT_USB_STALL;
    }
}

static VtUsbResult
control (VtUsbDevice *usb, const VtUsbSetup *setup, uint8_t *data, uint32_t *len)
{
  UsbHid     *hid = hid_of (usb);
  VtUsbResult result = VT_USB_STALL;
  bool        was_configured = configured (hid);
  trace_usb_control (hid->dev.path, setup->type, setup->request, setup->value, setup->index, setup->length);
  if (vt_usb_standard_request (&hid->s.usb, &hid->kind->descriptors, setup, data, len, &result))
    {
      if (!was_configured && configured (hid))
        vt_input_queue_clear (&hid->s.queue);   /* what waits was not for this driver */
      follow_driver (hid);
    }
  else if (setup->type == (VT_USB_TO_HOST | TO_INTERFACE) && setup->request == GET_DESCRIPTOR)
    result = class_descriptor (hid, setup, data, len);
  else if ((setup->type & ~VT_USB_TO_HOST) == CLASS_TO_INTERFACE)
    result = class_request (hid, setup, data, len);
  return result;
}

static const VtUsbOps usb_ops = { reset, control, in, out };

/* --- Input ---------------------------------------------------------------------------------------------------------- */

static void
tell (UsbHid *hid)
{
  vt_usb_ready (&hid->usb, ENDPOINT_ADDRESS);
  if (hid->s.queue.count > 0)
    notice_deafness (hid);
}

static void
key (void *opaque, unsigned code, bool down)
{
  UsbHid *hid = opaque;
  vt_input_queue_key (&hid->s.queue, &hid->held, code, down);
  tell (hid);
}

static void
buttons (void *opaque, uint32_t mask)
{
  UsbHid *hid = opaque;
  vt_input_queue_buttons (&hid->s.queue, &hid->held, mask);
  tell (hid);
}

static void
motion (void *opaque, int32_t dx, int32_t dy)
{
  UsbHid *hid = opaque;
  vt_input_queue_motion (&hid->s.queue, dx, dy);
  tell (hid);
}

static void
place (void *opaque, uint32_t x, uint32_t y)
{
  UsbHid *hid = opaque;
  vt_input_queue_place (&hid->s.queue, x, y);
  tell (hid);
}

static void
wheel (void *opaque, int32_t clicks_x, int32_t clicks_y)
{
  UsbHid *hid = opaque;
  vt_input_queue_wheel (&hid->s.queue, clicks_x, clicks_y);
  tell (hid);
}

static const VtInputOps keyboard_ops = { .listening = listening, .key = key };
static const VtInputOps mouse_ops = { .listening = listening, .buttons = buttons, .motion = motion, .wheel = wheel };
static const VtInputOps tablet_ops = { .listening = listening, .buttons = buttons, .place = place, .wheel = wheel };

VtInputSink
vt_usb_hid_sink (VtDevice *dev)
{
  return (VtInputSink) { ((UsbHid *) dev)->kind->ops, dev };
}

/* --- Life ----------------------------------------------------------------------------------------------------------- */

static bool
realize (VtDevice *dev, const VtEnv *env, const Kind *kind, GError **error)
{
  UsbHid               *hid = (UsbHid *) dev;
  const VtUsbHidConfig *config = env->config;
  hid->kind = kind;
  hid->clock = env->clock;
  hid->leds = config->leds;
  hid->listening = config->listening;
  hid->usb = (VtUsbDevice) { &usb_ops, VT_USB_HIGH_SPEED, config->place };
  return config->place.ops == NULL
         || config->place.ops->attach (config->place.host, config->place.port, &hid->usb, error);
}

static void
settle (VtDevice *dev)
{
  follow_driver ((UsbHid *) dev);
}

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const UsbHidState *s = incoming;
  if (vt_input_queue_valid (&s->queue) && s->queue.position == 0 && s->usb.address <= 127 && s->usb.configuration <= 1
      && (s->buttons & ~VT_INPUT_BUTTONS_MASK) == 0 && s->leds <= (VT_LED_NUM | VT_LED_CAPS | VT_LED_SCROLL))
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved USB device is impossible", dev->path);
  return false;
}

static void
resume (VtDevice *dev)
{
  UsbHid *hid = (UsbHid *) dev;
  vt_input_queue_compare (&hid->s.queue, &hid->held);
  tell (hid);
}

static void
finalize (VtDevice *dev)
{
  UsbHid *hid = (UsbHid *) dev;
  if (hid->usb.place.ops != NULL)
    hid->usb.place.ops->detach (hid->usb.place.host, hid->usb.place.port);
}

static const void *
test_config (void)
{
  static const VtUsbHidConfig config = { 0 };
  return &config;
}

#define BYTES(array) { array, sizeof array }
#define HID_CLASS(kind_, class_name, summary_)                                                                         \
  static const Kind kind_##_kind = {                                                                                   \
    &kind_##_ops, { BYTES (kind_##_device), BYTES (kind_##_configuration), kind_##_strings },                          \
    BYTES (kind_##_report_descriptor), kind_##_report,                                                                 \
  };                                                                                                                   \
  static bool kind_##_realize (VtDevice *dev, const VtEnv *env, GError **error)                                        \
  {                                                                                                                    \
    return realize (dev, env, &kind_##_kind, error);                                                                   \
  }                                                                                                                    \
  const VtDeviceClass vt_usb_##kind_ = {                                                                               \
    .name = class_name,                                                                                                \
    .summary = summary_,                                                                                               \
    .instance_size = sizeof (UsbHid),                                                                                  \
    .state_off = offsetof (UsbHid, s),                                                                                 \
    .state = VT_STATE (1, UsbHidState, usb_hid_fields, NULL),                                                          \
    .realize = kind_##_realize,                                                                                        \
    .settle = settle,                                                                                                  \
    .check = check,                                                                                                    \
    .resume = resume,                                                                                                  \
    .finalize = finalize,                                                                                              \
    .test_config = test_config,                                                                                        \
  }

HID_CLASS (keyboard, "usb-keyboard", "Keyboard (USB)");
HID_CLASS (mouse, "usb-mouse", "Mouse (USB)");
HID_CLASS (tablet, "usb-tablet", "Pointer with absolute positions (USB)");
