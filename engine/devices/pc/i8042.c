/* SPDX-License-Identifier: GPL-3.0-or-later */
/* 8042 keyboard controller: IBM PS/2 Hardware Interface Technical Reference, keyboard controller section.
 *
 * A byte from the keyboard or the mouse arrives I8042_BYTE_NS after the one before was read, about as the serial wire would
 * bring it: interrupt handlers that read the data port twice must see the same byte twice.  Answers of the controller itself
 * are immediate; one that finds an unread device byte goes first, and the byte comes back after it.
 *
 * A20 is a bit to read and write; memory never wraps at 1 MiB.
 */
#include "i8042.h"

#include "ps2-kbd-codes.h"
#include "ps2-kbd.h"
#include "ps2-mouse.h"
#include "trace-pc.h"
#include "vitrine/error.h"

#define I8042_BYTE_NS 300000

#define I8042_STATUS_OBF     0x01u
#define I8042_STATUS_SYSTEM  0x04u
#define I8042_STATUS_COMMAND 0x08u
#define I8042_STATUS_UNLOCKED 0x10u
#define I8042_STATUS_AUX     0x20u

#define I8042_CTR_KBD_IRQ   0x01u
#define I8042_CTR_AUX_IRQ   0x02u
#define I8042_CTR_SYSTEM    0x04u
#define I8042_CTR_KBD_OFF   0x10u
#define I8042_CTR_AUX_OFF   0x20u
#define I8042_CTR_TRANSLATE 0x40u

#define I8042_OUT_NOT_RESET 0x01u
#define I8042_OUT_A20       0x02u
#define I8042_OUT_KBD_OBF   0x10u
#define I8042_OUT_AUX_OBF   0x20u
#define I8042_OUT_LINES     0xc0u   /* keyboard data and clock idle high */
#define I8042_IN_PORT       0xb0u   /* keyboard not inhibited, colour display, jumpers as on an AT */

#define I8042_CMD_READ_RAM   0x20u   /* 0x20..0x3f */
#define I8042_CMD_WRITE_RAM  0x60u   /* 0x60..0x7f */
#define I8042_CMD_PASSWORD   0xa4u
#define I8042_CMD_AUX_OFF    0xa7u
#define I8042_CMD_AUX_ON     0xa8u
#define I8042_CMD_AUX_TEST   0xa9u
#define I8042_CMD_SELF_TEST  0xaau
#define I8042_CMD_KBD_TEST   0xabu
#define I8042_CMD_KBD_OFF    0xadu
#define I8042_CMD_KBD_ON     0xaeu
#define I8042_CMD_READ_IN    0xc0u
#define I8042_CMD_READ_OUT   0xd0u
#define I8042_CMD_WRITE_OUT  0xd1u
#define I8042_CMD_FAKE_KBD   0xd2u
#define I8042_CMD_FAKE_AUX   0xd3u
#define I8042_CMD_WRITE_AUX  0xd4u
#define I8042_CMD_A20_OFF    0xddu
#define I8042_CMD_A20_ON     0xdfu
#define I8042_CMD_TEST_IN    0xe0u
#define I8042_CMD_PULSE      0xf0u   /* 0xf0..0xff */

#define I8042_NO_PASSWORD 0xf1u
#define I8042_SELF_TEST_OK 0x55u

enum
{
  SOURCE_CONTROLLER,
  SOURCE_KBD,
  SOURCE_AUX,
};

typedef struct
{
  uint64_t   next_byte_ns;   /* guest time before which no byte comes from a device */
  VtPs2Kbd   kbd;
  VtPs2Mouse mouse;
  uint8_t    ram[32];        /* byte 0 is the controller command byte */
  uint8_t    data;           /* output buffer: stays readable after it was read */
  uint8_t    source;         /* of data */
  uint8_t    command;        /* waits for its data byte; 0: none */
  uint8_t    saved, saved_source;
  bool       full;
  bool       has_saved;
  bool       last_was_command;
  bool       a20;
  bool       translating_break;   /* 0xf0 went by */
  uint8_t    pad_[6];
} I8042State;

#define F(m) VT_FIELD (I8042State, m)
static const VtField i8042_fields[] = {
  F (next_byte_ns), VT_PS2_KBD_FIELDS (I8042State, kbd), VT_PS2_MOUSE_FIELDS (I8042State, mouse), F (ram), F (data),
  F (source), F (command), F (saved), F (saved_source), F (full), F (has_saved), F (last_was_command), F (a20),
  F (translating_break), F (pad_),
};
#undef F

static const I8042State i8042_at_reset = {
  .kbd = VT_PS2_KBD_AT_RESET,
  .mouse = VT_PS2_MOUSE_AT_RESET,
  .ram = { I8042_CTR_KBD_OFF | I8042_CTR_AUX_OFF | I8042_CTR_TRANSLATE },
  .a20 = true,
};

typedef struct
{
  VtDevice      dev;
  I8042State    s;
  VtIrq         irq1, irq12;
  VtClock      *clock;
  VtTimer      *byte_timer, *repeat_timer;
  VtMachinePort machine;
  VtLedSink     leds;
  uint8_t       leds_shown;
  uint8_t       held[VT_PS2_KBD_CODES / 8];   /* keys that are physically down */
} I8042;

static uint8_t *
ctr (I8042 *kbc)
{
  return &kbc->s.ram[0];
}

/* --- The output buffer ---------------------------------------------------------------------------------------------- */

static void
drive_wires (I8042 *kbc)
{
  const I8042State *s = &kbc->s;
  bool aux = s->full && s->source == SOURCE_AUX;
  vt_irq_set (&kbc->irq1, s->full && !aux && (s->ram[0] & I8042_CTR_KBD_IRQ));
  vt_irq_set (&kbc->irq12, aux && (s->ram[0] & I8042_CTR_AUX_IRQ));
}

static void
fill (I8042 *kbc, uint8_t byte, unsigned source)
{
  I8042State *s = &kbc->s;
  if (s->full && s->source != SOURCE_CONTROLLER && !s->has_saved)
    {
      s->saved = s->data;
      s->saved_source = s->source;
      s->has_saved = true;
    }
  s->full = false;
  drive_wires (kbc);   /* a new byte is a new edge */
  s->data = byte;
  s->source = (uint8_t) source;
  s->full = true;
  drive_wires (kbc);
}

/* Keyboard bytes on their way through the controller. False: the byte was a prefix and is swallowed. */
static bool
translate (I8042 *kbc, uint8_t *byte)
{
  I8042State *s = &kbc->s;
  if (!(*ctr (kbc) & I8042_CTR_TRANSLATE))
    return true;
  if (*byte == 0xf0)
    {
      s->translating_break = true;
      return false;
    }
  *byte = vt_ps2_set2_to_set1[*byte] | (s->translating_break ? 0x80 : 0);
  s->translating_break = false;
  return true;
}

static bool
kbd_ready (const I8042 *kbc)
{
  return !(kbc->s.ram[0] & I8042_CTR_KBD_OFF) && vt_ps2_kbd_ready (&kbc->s.kbd);
}

static bool
aux_ready (const I8042 *kbc)
{
  return !(kbc->s.ram[0] & I8042_CTR_AUX_OFF) && vt_ps2_mouse_ready (&kbc->s.mouse);
}

static void
take_from_device (I8042 *kbc)
{
  I8042State *s = &kbc->s;
  while (kbd_ready (kbc))
    {
      uint8_t byte = vt_ps2_kbd_take (&s->kbd);
      if (translate (kbc, &byte))
        {
          fill (kbc, byte, SOURCE_KBD);
          return;
        }
    }
  if (aux_ready (kbc))
    fill (kbc, vt_ps2_mouse_take (&s->mouse), SOURCE_AUX);
}

static void
arm (I8042 *kbc)
{
  const I8042State *s = &kbc->s;
  if (!s->full && (kbd_ready (kbc) || aux_ready (kbc)))
    vt_timer_arm (kbc->byte_timer, (int64_t) s->next_byte_ns);
  else
    vt_timer_cancel (kbc->byte_timer);
  if (s->kbd.repeat_ns != 0)
    vt_timer_arm (kbc->repeat_timer, (int64_t) s->kbd.repeat_ns);
  else
    vt_timer_cancel (kbc->repeat_timer);
}

static void
show_leds (I8042 *kbc)
{
  if (kbc->leds_shown == kbc->s.kbd.leds)
    return;
  kbc->leds_shown = kbc->s.kbd.leds;
  if (kbc->leds.leds != NULL)
    kbc->leds.leds (kbc->leds.opaque, kbc->leds_shown);
}

/* After anything happened. */
static void
update (I8042 *kbc)
{
  I8042State *s = &kbc->s;
  if (s->kbd.overrun && s->kbd.event_count == 0)
    vt_ps2_kbd_compare (&s->kbd, kbc->held);
  if (!s->full && (uint64_t) vt_clock_now (kbc->clock) >= s->next_byte_ns)
    take_from_device (kbc);
  drive_wires (kbc);
  show_leds (kbc);
  arm (kbc);
}

/* The wire is busy with a byte from now on. */
static void
occupy_wire (I8042 *kbc)
{
  kbc->s.next_byte_ns = (uint64_t) (vt_clock_now (kbc->clock) + I8042_BYTE_NS);
}

static void
byte_expired (void *opaque, int64_t late_ns)
{
  update (opaque);
}

static void
repeat_expired (void *opaque, int64_t late_ns)
{
  I8042 *kbc = opaque;
  vt_ps2_kbd_repeat (&kbc->s.kbd, vt_clock_now (kbc->clock));
  update (kbc);
}

/* --- Ports ---------------------------------------------------------------------------------------------------------- */

static uint64_t
data_read (VtDevice *dev, uint64_t off, unsigned size)
{
  I8042 *kbc = (I8042 *) dev;
  I8042State *s = &kbc->s;
  uint8_t byte = s->data;
  trace_i8042_data_read (byte, s->source == SOURCE_AUX);
  if (!s->full)
    return byte;
  if (s->source != SOURCE_CONTROLLER)
    occupy_wire (kbc);
  s->full = false;
  drive_wires (kbc);
  if (s->has_saved)
    {
      s->has_saved = false;
      fill (kbc, s->saved, s->saved_source);
    }
  update (kbc);
  return byte;
}

static uint64_t
status_read (VtDevice *dev, uint64_t off, unsigned size)
{
  const I8042State *s = &((I8042 *) dev)->s;
  return (s->full ? I8042_STATUS_OBF : 0) | (s->ram[0] & I8042_CTR_SYSTEM ? I8042_STATUS_SYSTEM : 0)
         | (s->last_was_command ? I8042_STATUS_COMMAND : 0) | I8042_STATUS_UNLOCKED
         | (s->full && s->source == SOURCE_AUX ? I8042_STATUS_AUX : 0);
}

static uint8_t
output_port (const I8042 *kbc)
{
  const I8042State *s = &kbc->s;
  return I8042_OUT_NOT_RESET | (s->a20 ? I8042_OUT_A20 : 0) | I8042_OUT_LINES
         | (s->full && s->source != SOURCE_AUX ? I8042_OUT_KBD_OBF : 0)
         | (s->full && s->source == SOURCE_AUX ? I8042_OUT_AUX_OBF : 0);
}

static void
write_output_port (I8042 *kbc, uint8_t value)
{
  kbc->s.a20 = value & I8042_OUT_A20;
  if (!(value & I8042_OUT_NOT_RESET))
    vt_machine_request (&kbc->machine, VT_REQUEST_RESET, 0);
}

static void
write_argument (I8042 *kbc, uint8_t value)
{
  I8042State *s = &kbc->s;
  uint8_t command = s->command;
  s->command = 0;
  switch (command)
    {
    case I8042_CMD_WRITE_RAM ... I8042_CMD_WRITE_RAM + 31:
      s->ram[command - I8042_CMD_WRITE_RAM] = value;
      break;
    case I8042_CMD_WRITE_OUT:
      write_output_port (kbc, value);
      break;
    case I8042_CMD_FAKE_KBD:
      fill (kbc, value, SOURCE_KBD);
      break;
    case I8042_CMD_FAKE_AUX:
      fill (kbc, value, SOURCE_AUX);
      break;
    case I8042_CMD_WRITE_AUX:
      s->ram[0] &= ~I8042_CTR_AUX_OFF;   /* sending clocks the wire */
      vt_ps2_mouse_write (&s->mouse, value);
      occupy_wire (kbc);
      break;
    }
}

static void
data_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  I8042 *kbc = (I8042 *) dev;
  I8042State *s = &kbc->s;
  trace_i8042_data_write ((uint8_t) value);
  s->last_was_command = false;
  if (s->command != 0)
    write_argument (kbc, (uint8_t) value);
  else
    {
      s->ram[0] &= ~I8042_CTR_KBD_OFF;   /* likewise */
      vt_ps2_kbd_write (&s->kbd, (uint8_t) value);
      occupy_wire (kbc);
    }
  update (kbc);
}

static void
run_command (I8042 *kbc, uint8_t command)
{
  I8042State *s = &kbc->s;
  s->command = 0;
  switch (command)
    {
    case I8042_CMD_READ_RAM ... I8042_CMD_READ_RAM + 31:
      fill (kbc, s->ram[command - I8042_CMD_READ_RAM], SOURCE_CONTROLLER);
      return;
    case I8042_CMD_WRITE_RAM ... I8042_CMD_WRITE_RAM + 31:
    case I8042_CMD_WRITE_OUT:
    case I8042_CMD_FAKE_KBD:
    case I8042_CMD_FAKE_AUX:
    case I8042_CMD_WRITE_AUX:
      s->command = command;
      return;
    case I8042_CMD_PASSWORD:
      fill (kbc, I8042_NO_PASSWORD, SOURCE_CONTROLLER);
      return;
    case I8042_CMD_AUX_OFF:
      *ctr (kbc) |= I8042_CTR_AUX_OFF;
      return;
    case I8042_CMD_AUX_ON:
      *ctr (kbc) &= ~I8042_CTR_AUX_OFF;
      return;
    case I8042_CMD_SELF_TEST:
      *ctr (kbc) |= I8042_CTR_SYSTEM;
      fill (kbc, I8042_SELF_TEST_OK, SOURCE_CONTROLLER);
      return;
    case I8042_CMD_AUX_TEST:
    case I8042_CMD_KBD_TEST:
    case I8042_CMD_TEST_IN:
      fill (kbc, 0, SOURCE_CONTROLLER);   /* no fault */
      return;
    case I8042_CMD_KBD_OFF:
      *ctr (kbc) |= I8042_CTR_KBD_OFF;
      return;
    case I8042_CMD_KBD_ON:
      *ctr (kbc) &= ~I8042_CTR_KBD_OFF;
      return;
    case I8042_CMD_READ_IN:
      fill (kbc, I8042_IN_PORT, SOURCE_CONTROLLER);
      return;
    case I8042_CMD_READ_OUT:
      fill (kbc, output_port (kbc), SOURCE_CONTROLLER);
      return;
    case I8042_CMD_A20_OFF:
    case I8042_CMD_A20_ON:
      s->a20 = command == I8042_CMD_A20_ON;
      return;
    case I8042_CMD_PULSE ... I8042_CMD_PULSE + 15:
      if (!(command & I8042_OUT_NOT_RESET))
        vt_machine_request (&kbc->machine, VT_REQUEST_RESET, 0);
      return;
    }
  vt_guest_warn (&kbc->dev, "unknown keyboard controller command 0x%02x", command);
}

static void
command_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  I8042 *kbc = (I8042 *) dev;
  trace_i8042_command ((uint8_t) value);
  kbc->s.last_was_command = true;
  run_command (kbc, (uint8_t) value);
  update (kbc);
}

/* --- Input ---------------------------------------------------------------------------------------------------------- */

static void
key (void *opaque, unsigned code, bool down)
{
  I8042 *kbc = opaque;
  if (code >= VT_PS2_KBD_CODES)
    return;
  vt_bitmap_set (kbc->held, code, down);
  vt_ps2_kbd_key (&kbc->s.kbd, code, down, vt_clock_now (kbc->clock));
  update (kbc);
}

static void
motion (void *opaque, int32_t dx, int32_t dy)
{
  I8042 *kbc = opaque;
  vt_ps2_mouse_move (&kbc->s.mouse, dx, dy, 0);
  update (kbc);
}

static void
wheel (void *opaque, int32_t clicks_x, int32_t clicks_y)
{
  I8042 *kbc = opaque;
  vt_ps2_mouse_move (&kbc->s.mouse, 0, 0, clicks_y > INT32_MIN ? -clicks_y : INT32_MAX);
  update (kbc);
}

static void
buttons (void *opaque, uint32_t mask)
{
  I8042 *kbc = opaque;
  vt_ps2_mouse_buttons (&kbc->s.mouse, mask);
  update (kbc);
}

static const VtInputOps keyboard_ops = { .key = key };
static const VtInputOps mouse_ops = { .motion = motion, .buttons = buttons, .wheel = wheel };

VtInputSink
vt_i8042_keyboard (VtDevice *dev)
{
  return (VtInputSink) { &keyboard_ops, dev };
}

VtInputSink
vt_i8042_mouse (VtDevice *dev)
{
  return (VtInputSink) { &mouse_ops, dev };
}

bool
vt_i8042_mouse_enabled (const VtDevice *dev)
{
  return ((const I8042 *) dev)->s.mouse.enabled;
}

/* --- Life ----------------------------------------------------------------------------------------------------------- */

static bool
check (VtDevice *dev, const void *incoming, GError **error)
{
  const I8042State *s = incoming;
  if (vt_ps2_kbd_valid (&s->kbd) && vt_ps2_mouse_valid (&s->mouse) && s->source <= SOURCE_AUX
      && s->saved_source <= SOURCE_AUX && s->next_byte_ns <= INT64_MAX / 2)
    return true;
  g_set_error (error, VT_ERROR, VT_ERROR_STATE, "%s: the saved keyboard controller state is impossible", dev->path);
  return false;
}

static void
settle (VtDevice *dev)
{
  I8042 *kbc = (I8042 *) dev;
  drive_wires (kbc);
  show_leds (kbc);
  arm (kbc);
}

/* The person may have let go of keys while the machine slept or another state was loaded. */
static void
resume (VtDevice *dev)
{
  I8042 *kbc = (I8042 *) dev;
  vt_ps2_kbd_compare (&kbc->s.kbd, kbc->held);
  update (kbc);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  I8042 *kbc = (I8042 *) dev;
  const VtI8042Config *config = env->config;
  if (config != NULL)
    kbc->leds = config->leds;
  kbc->clock = env->clock;
  kbc->machine = env->machine;
  kbc->irq1 = env->n_wires > VT_I8042_WIRE_IRQ1 ? env->wires[VT_I8042_WIRE_IRQ1] : vt_irq_detached ("keyboard");
  kbc->irq12 = env->n_wires > VT_I8042_WIRE_IRQ12 ? env->wires[VT_I8042_WIRE_IRQ12] : vt_irq_detached ("mouse");
  kbc->byte_timer = vt_timer_new (env->clock, "i8042 byte", 0, byte_expired, kbc);
  kbc->repeat_timer = vt_timer_new (env->clock, "i8042 repeat", 0, repeat_expired, kbc);
  return true;
}

static void
finalize (VtDevice *dev)
{
  I8042 *kbc = (I8042 *) dev;
  vt_timer_free (kbc->byte_timer);
  vt_timer_free (kbc->repeat_timer);
}

static const VtRegionOps data_ops = { data_read, data_write, 1, 1 };
static const VtRegionOps command_ops = { status_read, command_write, 1, 1 };

const VtRegion vt_i8042_data_region = { "i8042-data", 1, &data_ops };
const VtRegion vt_i8042_command_region = { "i8042-command", 1, &command_ops };

static const VtRegion *const i8042_regions[] = { &vt_i8042_data_region, &vt_i8042_command_region, NULL };

const VtDeviceClass vt_i8042_class = {
  .name = "i8042",
  .summary = "keyboard controller with PS/2 keyboard and mouse",
  .instance_size = sizeof (I8042),
  .state_off = offsetof (I8042, s),
  .state = VT_STATE (1, I8042State, i8042_fields, &i8042_at_reset),
  .regions = i8042_regions,
  .realize = realize,
  .settle = settle,
  .check = check,
  .resume = resume,
  .finalize = finalize,
};
