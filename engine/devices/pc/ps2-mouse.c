/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PS/2 mouse: IBM PS/2 Hardware Interface Technical Reference, mouse section; the wheel and the two extra buttons as Microsoft's
 * IntelliMouse and IntelliMouse Explorer send them.
 *
 * Movement waits as movement, merged while the buttons stay the same, and becomes a packet when the host takes it: a slow
 * guest gets few large packets and never a backlog, and no click is lost while 15 others are still waiting.
 *
 * Known difference: the sample rate is remembered, not obeyed; the host takes packets as fast as it reads.
 */
#include "ps2-mouse.h"

#include "input-sink.h"
#include "trace-pc.h"

#define MOUSE_ACK    0xfau
#define MOUSE_BAT_OK 0xaau
#define MOUSE_RESEND 0xfeu

#define MOUSE_CMD_SCALE_1    0xe6u
#define MOUSE_CMD_SCALE_2    0xe7u
#define MOUSE_CMD_RESOLUTION 0xe8u
#define MOUSE_CMD_STATUS     0xe9u
#define MOUSE_CMD_STREAM     0xeau
#define MOUSE_CMD_READ       0xebu
#define MOUSE_CMD_UNWRAP     0xecu
#define MOUSE_CMD_WRAP       0xeeu
#define MOUSE_CMD_REMOTE     0xf0u
#define MOUSE_CMD_IDENTIFY   0xf2u
#define MOUSE_CMD_RATE       0xf3u
#define MOUSE_CMD_ENABLE     0xf4u
#define MOUSE_CMD_DISABLE    0xf5u
#define MOUSE_CMD_DEFAULTS   0xf6u
#define MOUSE_CMD_RESEND     0xfeu
#define MOUSE_CMD_RESET      0xffu

#define MOUSE_ID_WHEEL    3u
#define MOUSE_ID_EXPLORER 4u

#define PACKET_LEFT       0x01u
#define PACKET_RIGHT      0x02u
#define PACKET_MIDDLE     0x04u
#define PACKET_ALWAYS     0x08u
#define PACKET_X_NEGATIVE 0x10u
#define PACKET_Y_NEGATIVE 0x20u
#define PACKET_SIDE       0x10u   /* fourth byte of the Explorer */
#define PACKET_EXTRA      0x20u

#define STATUS_REMOTE  0x40u
#define STATUS_ENABLED 0x20u
#define STATUS_TWICE   0x10u

#define MOVE_MOST 32000   /* a pending movement saturates here */

/* --- Movement ------------------------------------------------------------------------------------------------------- */

static int32_t
signed16 (uint16_t value)
{
  return (int16_t) value;
}

static unsigned
last_move (const VtPs2Mouse *mouse)
{
  return (mouse->move_head + mouse->move_count - 1u) % VT_PS2_MOUSE_MOVES;
}

/* A place for movement with the buttons as they are now. When the ring is full the newest entry takes it all. */
static unsigned
open_move (VtPs2Mouse *mouse)
{
  if (mouse->move_count > 0 && mouse->move_buttons[last_move (mouse)] == mouse->buttons)
    return last_move (mouse);
  if (mouse->move_count < VT_PS2_MOUSE_MOVES)
    {
      mouse->move_count++;
      unsigned at = last_move (mouse);
      mouse->dx[at] = mouse->dy[at] = mouse->dz[at] = 0;
    }
  mouse->move_buttons[last_move (mouse)] = mouse->buttons;
  return last_move (mouse);
}

static void
add (uint16_t *sum, int32_t delta)
{
  int32_t bounded = CLAMP (delta, -MOVE_MOST, MOVE_MOST);
  *sum = (uint16_t) CLAMP (signed16 (*sum) + bounded, -MOVE_MOST, MOVE_MOST);
}

static bool
listening (const VtPs2Mouse *mouse)
{
  return (mouse->enabled || mouse->remote) && !mouse->wrap;
}

void
vt_ps2_mouse_move (VtPs2Mouse *mouse, int32_t dx, int32_t dy, int32_t dz)
{
  if (!listening (mouse) || (dx == 0 && dy == 0 && (dz == 0 || mouse->id == 0)))
    return;
  unsigned at = open_move (mouse);
  add (&mouse->dx[at], dx);
  add (&mouse->dy[at], dy);
  add (&mouse->dz[at], mouse->id == 0 ? 0 : dz);
}

void
vt_ps2_mouse_buttons (VtPs2Mouse *mouse, uint32_t mask)
{
  uint8_t known = mouse->id == MOUSE_ID_EXPLORER ? 0x1f : 0x07;
  bool changed = ((mask ^ mouse->buttons) & known) != 0;
  mouse->buttons = mask & 0x1f;
  if (changed && listening (mouse))
    open_move (mouse);
}

/* --- Packets -------------------------------------------------------------------------------------------------------- */

/* As much of a pending movement as fits a packet; the rest stays. */
static int32_t
take_part (uint16_t *pending, int32_t most)
{
  int32_t part = CLAMP (signed16 (*pending), -most, most);
  *pending = (uint16_t) (signed16 (*pending) - part);
  return part;
}

/* Scaling 2:1 (technical reference, "Set Scaling 2:1"). */
static int32_t
scale_twice (int32_t counts)
{
  static const uint8_t small[6] = { 0, 1, 1, 3, 6, 9 };
  int32_t size = ABS (counts), scaled = size < 6 ? small[size] : size * 2;
  return counts < 0 ? -scaled : scaled;
}

static uint8_t
wheel_byte (const VtPs2Mouse *mouse, int32_t dz, uint8_t buttons)
{
  if (mouse->id == MOUSE_ID_WHEEL)
    return (uint8_t) dz;
  return (dz & 0x0f) | (buttons & VT_BUTTON_SIDE ? PACKET_SIDE : 0) | (buttons & VT_BUTTON_EXTRA ? PACKET_EXTRA : 0);
}

static void
fill_packet (VtPs2Mouse *mouse, int32_t dx, int32_t dy, int32_t dz, uint8_t buttons)
{
  int32_t up = -dy;   /* the wire counts upwards */
  mouse->out[0] = PACKET_ALWAYS | (buttons & VT_BUTTON_LEFT ? PACKET_LEFT : 0)
                  | (buttons & VT_BUTTON_RIGHT ? PACKET_RIGHT : 0) | (buttons & VT_BUTTON_MIDDLE ? PACKET_MIDDLE : 0)
                  | (dx < 0 ? PACKET_X_NEGATIVE : 0) | (up < 0 ? PACKET_Y_NEGATIVE : 0);
  mouse->out[1] = (uint8_t) dx;
  mouse->out[2] = (uint8_t) up;
  mouse->out[3] = wheel_byte (mouse, dz, buttons);
  mouse->out_pos = 0;
  mouse->out_len = mouse->id == 0 ? 3 : 4;
}

/* The oldest movement becomes the packet; a movement that is sent up to the last count leaves the ring. */
static void
make_packet (VtPs2Mouse *mouse)
{
  if (mouse->move_count == 0)
    {
      fill_packet (mouse, 0, 0, 0, mouse->buttons);
      return;
    }
  unsigned at = mouse->move_head;
  bool twice = mouse->twice && !mouse->remote;
  int32_t most = twice ? 127 : 255;
  int32_t dx = take_part (&mouse->dx[at], most), dy = take_part (&mouse->dy[at], most);
  int32_t dz = take_part (&mouse->dz[at], mouse->id == MOUSE_ID_EXPLORER ? 7 : 127);
  fill_packet (mouse, twice ? scale_twice (dx) : dx, twice ? scale_twice (dy) : dy, dz, mouse->move_buttons[at]);
  if (mouse->dx[at] == 0 && mouse->dy[at] == 0 && mouse->dz[at] == 0)
    {
      mouse->move_head = (mouse->move_head + 1) % VT_PS2_MOUSE_MOVES;
      mouse->move_count--;
    }
}

static void
forget_moves (VtPs2Mouse *mouse)
{
  mouse->move_count = 0;
  mouse->out_pos = mouse->out_len = 0;
}

/* --- Commands ------------------------------------------------------------------------------------------------------- */

static void
reply (VtPs2Mouse *mouse, uint8_t byte)
{
  if (mouse->reply_count < sizeof mouse->replies)   /* the host talks without listening */
    mouse->replies[mouse->reply_count++] = byte;
}

static void
set_defaults (VtPs2Mouse *mouse)
{
  forget_moves (mouse);
  mouse->rate = 100;
  mouse->resolution = 2;
  mouse->twice = mouse->remote = mouse->wrap = mouse->enabled = false;
}

/* 200, 100, 80 wakes the wheel; 200, 200, 80 the extra buttons as well. */
static void
set_rate (VtPs2Mouse *mouse, uint8_t rate)
{
  if (mouse->rates[0] == 200 && mouse->rates[1] == 100 && rate == 80)
    mouse->id = MOUSE_ID_WHEEL;
  if (mouse->rates[0] == 200 && mouse->rates[1] == 200 && rate == 80)
    mouse->id = MOUSE_ID_EXPLORER;
  mouse->rates[0] = mouse->rates[1];
  mouse->rates[1] = rate;
  mouse->rate = rate;
}

static void
take_argument (VtPs2Mouse *mouse, uint8_t value)
{
  if (mouse->command == MOUSE_CMD_RATE)
    set_rate (mouse, value);
  else
    mouse->resolution = value & 3;
  mouse->command = 0;
  reply (mouse, MOUSE_ACK);
}

static void
reply_status (VtPs2Mouse *mouse)
{
  uint8_t buttons = (mouse->buttons & VT_BUTTON_LEFT ? 4 : 0) | (mouse->buttons & VT_BUTTON_MIDDLE ? 2 : 0)
                    | (mouse->buttons & VT_BUTTON_RIGHT ? 1 : 0);
  reply (mouse, buttons | (mouse->remote ? STATUS_REMOTE : 0) | (mouse->enabled ? STATUS_ENABLED : 0)
                    | (mouse->twice ? STATUS_TWICE : 0));
  reply (mouse, mouse->resolution);
  reply (mouse, mouse->rate);
}

static void
reset (VtPs2Mouse *mouse)
{
  set_defaults (mouse);
  mouse->id = 0;
  mouse->rates[0] = mouse->rates[1] = 0;
  mouse->reply_count = 0;
  reply (mouse, MOUSE_ACK);
  reply (mouse, MOUSE_BAT_OK);
  reply (mouse, mouse->id);
}

static void
run_command (VtPs2Mouse *mouse, uint8_t command)
{
  switch (command)
    {
    case MOUSE_CMD_RESET:
      reset (mouse);
      return;
    case MOUSE_CMD_RESEND:
      reply (mouse, mouse->last);
      return;
    case MOUSE_CMD_SCALE_1:
    case MOUSE_CMD_SCALE_2:
      mouse->twice = command == MOUSE_CMD_SCALE_2;
      break;
    case MOUSE_CMD_RESOLUTION:
    case MOUSE_CMD_RATE:
      mouse->command = command;
      break;
    case MOUSE_CMD_STREAM:
    case MOUSE_CMD_REMOTE:
      forget_moves (mouse);
      mouse->remote = command == MOUSE_CMD_REMOTE;
      break;
    case MOUSE_CMD_WRAP:
    case MOUSE_CMD_UNWRAP:
      forget_moves (mouse);
      mouse->wrap = command == MOUSE_CMD_WRAP;
      break;
    case MOUSE_CMD_ENABLE:
    case MOUSE_CMD_DISABLE:
      forget_moves (mouse);
      mouse->enabled = command == MOUSE_CMD_ENABLE;
      break;
    case MOUSE_CMD_DEFAULTS:
      set_defaults (mouse);
      break;
    case MOUSE_CMD_STATUS:
    case MOUSE_CMD_READ:
    case MOUSE_CMD_IDENTIFY:
      break;
    default:
      reply (mouse, MOUSE_RESEND);
      return;
    }
  reply (mouse, MOUSE_ACK);
  if (command == MOUSE_CMD_STATUS)
    reply_status (mouse);
  if (command == MOUSE_CMD_IDENTIFY)
    reply (mouse, mouse->id);
  if (command == MOUSE_CMD_READ)
    make_packet (mouse);   /* follows the acknowledge */
}

void
vt_ps2_mouse_write (VtPs2Mouse *mouse, uint8_t byte)
{
  trace_ps2_mouse_command (byte);
  if (mouse->command != 0)
    take_argument (mouse, byte);
  else if (mouse->wrap && byte != MOUSE_CMD_RESET && byte != MOUSE_CMD_UNWRAP)
    reply (mouse, byte);
  else
    run_command (mouse, byte);
}

/* --- Bytes out ------------------------------------------------------------------------------------------------------ */

bool
vt_ps2_mouse_ready (const VtPs2Mouse *mouse)
{
  return mouse->reply_count > 0 || mouse->out_pos < mouse->out_len
         || (mouse->move_count > 0 && mouse->enabled && !mouse->remote && !mouse->wrap);
}

static uint8_t
take_byte (VtPs2Mouse *mouse)
{
  /* A packet that has begun is finished first. */
  bool begun = mouse->out_pos > 0 && mouse->out_pos < mouse->out_len;
  if (!begun && mouse->reply_count > 0)
    {
      uint8_t byte = mouse->replies[0];
      memmove (mouse->replies, mouse->replies + 1, --mouse->reply_count);
      return byte;
    }
  if (mouse->out_pos >= mouse->out_len)
    make_packet (mouse);
  return mouse->out[mouse->out_pos++];
}

uint8_t
vt_ps2_mouse_take (VtPs2Mouse *mouse)
{
  g_assert (vt_ps2_mouse_ready (mouse));
  uint8_t byte = take_byte (mouse);
  mouse->last = byte;
  return byte;
}

bool
vt_ps2_mouse_valid (const VtPs2Mouse *mouse)
{
  bool lengths = mouse->move_head < VT_PS2_MOUSE_MOVES && mouse->move_count <= VT_PS2_MOUSE_MOVES
                 && mouse->reply_count <= sizeof mouse->replies && mouse->out_len <= sizeof mouse->out
                 && mouse->out_pos <= mouse->out_len;
  bool values = (mouse->id == 0 || mouse->id == MOUSE_ID_WHEEL || mouse->id == MOUSE_ID_EXPLORER)
                && mouse->resolution <= 3 && mouse->buttons <= 0x1f;
  return lengths && values;
}
