/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PS/2 keyboard: IBM PS/2 Hardware Interface Technical Reference, keyboard section.
 *
 * Keys wait as keys and become scan codes only when they are sent, so a change of scan code set never meets half a sequence,
 * and the queue is bounded in keys.  When it overflows, events are lost whole, and as soon as there is room the guest is told
 * the difference between what it believes and what is held: no key sticks.
 *
 * Known differences: no fake shifts around the cursor keys while Num Lock is lit (systems of this century ignore them); the
 * per-key modes of set 3 (commands 0xf7-0xfd) are acknowledged and have no effect.
 */
#include "ps2-kbd.h"

#include "ps2-kbd-codes.h"
#include "trace-pc.h"

#define KBD_ACK      0xfau
#define KBD_BAT_OK   0xaau
#define KBD_ECHO     0xeeu
#define KBD_RESEND   0xfeu
#define KBD_BREAK    0xf0u
#define KBD_ID_FIRST  0xabu
#define KBD_ID_SECOND 0x83u

#define KBD_CMD_LEDS      0xedu
#define KBD_CMD_ECHO      0xeeu
#define KBD_CMD_SCAN_SET  0xf0u
#define KBD_CMD_IDENTIFY  0xf2u
#define KBD_CMD_TYPEMATIC 0xf3u
#define KBD_CMD_ENABLE    0xf4u
#define KBD_CMD_DISABLE   0xf5u
#define KBD_CMD_DEFAULTS  0xf6u
#define KBD_CMD_ALL_FIRST 0xf7u   /* 0xf7..0xfa: modes of all keys */
#define KBD_CMD_KEY_FIRST 0xfbu   /* 0xfb..0xfd: modes of the keys that follow */
#define KBD_CMD_KEY_LAST  0xfdu
#define KBD_CMD_RESEND    0xfeu
#define KBD_CMD_RESET     0xffu

/* Of a queued event, beside the code: what the modifiers were when it happened matters to two keys. */
#define EVENT_RELEASE 0x8000u
#define EVENT_VARIANT 12u       /* shift; 2 bits */
#define EVENT_CODE    0x00ffu

/* evdev codes that need code of their own */
enum
{
  KEY_LEFT_CTRL = 29,
  KEY_LEFT_SHIFT = 42,
  KEY_RIGHT_SHIFT = 54,
  KEY_LEFT_ALT = 56,
  KEY_RIGHT_CTRL = 97,
  KEY_PRINT_SCREEN = 99,
  KEY_RIGHT_ALT = 100,
  KEY_PAUSE = 119,
  KEY_HANGUL = 122,
  KEY_HANJA = 123,
};

enum
{
  VARIANT_PLAIN,    /* Print Screen with its fake shift; Pause */
  VARIANT_BARE,     /* Ctrl or Shift held: Print Screen without it; Ctrl held: Break */
  VARIANT_ALT,      /* SysRq proper */
};

/* --- Scan codes ----------------------------------------------------------------------------------------------------- */

static void
emit (VtPs2Kbd *kbd, unsigned byte)
{
  g_assert (kbd->out_len < sizeof kbd->out);
  kbd->out[kbd->out_len++] = (uint8_t) byte;
}

/* One make or break code in the current set; set 1 is what the controller's table makes of set 2. */
static void
emit_code (VtPs2Kbd *kbd, unsigned set2, bool release)
{
  if (set2 & VT_PS2_E0)
    emit (kbd, 0xe0);
  if (kbd->scan_set == 1)
    {
      emit (kbd, vt_ps2_set2_to_set1[set2 & 0xff] | (release ? 0x80 : 0));
      return;
    }
  if (release)
    emit (kbd, KBD_BREAK);
  emit (kbd, set2 & 0xff);
}

static void
emit_print_screen (VtPs2Kbd *kbd, unsigned variant, bool release)
{
  if (variant == VARIANT_ALT)
    {
      emit_code (kbd, 0x84, release);
      return;
    }
  if (variant == VARIANT_PLAIN && !release)
    emit_code (kbd, VT_PS2_E0 | 0x12, false);
  emit_code (kbd, VT_PS2_E0 | 0x7c, release);
  if (variant == VARIANT_PLAIN && release)
    emit_code (kbd, VT_PS2_E0 | 0x12, true);
}

/* Everything is sent when it goes down: this key has no break code. With Ctrl it is Break. */
static void
emit_pause (VtPs2Kbd *kbd, unsigned variant)
{
  if (variant == VARIANT_BARE)
    {
      emit_code (kbd, VT_PS2_E0 | 0x7e, false);
      emit_code (kbd, VT_PS2_E0 | 0x7e, true);
      return;
    }
  emit (kbd, 0xe1);
  emit_code (kbd, 0x14, false);
  emit_code (kbd, 0x77, false);
  emit (kbd, 0xe1);
  emit_code (kbd, 0x14, true);
  emit_code (kbd, 0x77, true);
}

static void
emit_event (VtPs2Kbd *kbd, uint16_t event)
{
  unsigned code = event & EVENT_CODE, variant = event >> EVENT_VARIANT & 3;
  bool release = event & EVENT_RELEASE;
  if (kbd->scan_set == 3)
    {
      if (release)
        emit (kbd, KBD_BREAK);
      emit (kbd, vt_ps2_codes[code].set3);
      return;
    }
  switch (code)
    {
    case KEY_PRINT_SCREEN:
      emit_print_screen (kbd, variant, release);
      return;
    case KEY_PAUSE:
      emit_pause (kbd, variant);
      return;
    case KEY_HANGUL:
    case KEY_HANJA:
      emit (kbd, vt_ps2_codes[code].set2);
      return;
    }
  emit_code (kbd, vt_ps2_codes[code].set2, release);
}

/* --- Keys ----------------------------------------------------------------------------------------------------------- */

static void
forget_keys (VtPs2Kbd *kbd)
{
  kbd->event_count = 0;
  kbd->out_pos = kbd->out_len = 0;
  kbd->repeat_ns = 0;
  memset (kbd->told, 0, sizeof kbd->told);
}

static bool
queue_event (VtPs2Kbd *kbd, uint16_t event)
{
  if (kbd->event_count == VT_PS2_KBD_EVENTS)
    {
      kbd->overrun = true;
      return false;
    }
  kbd->events[(kbd->event_head + kbd->event_count++) % VT_PS2_KBD_EVENTS] = event;
  return true;
}

/* Argument of command 0xf3: bits 6-5 delay in steps of 250 ms; period (8 + A) * 2^B / 240 s. */
static int64_t
delay_ns (const VtPs2Kbd *kbd)
{
  return ((kbd->typematic >> 5 & 3) + 1) * INT64_C (250000000);
}

static int64_t
period_ns (const VtPs2Kbd *kbd)
{
  return vt_ticks_to_ns ((8u + (kbd->typematic & 7)) << (kbd->typematic >> 3 & 3), 240);
}

/* Does this change of this key send anything in the current set? */
static bool
has_code (const VtPs2Kbd *kbd, unsigned code, bool down)
{
  if (kbd->scan_set == 3)
    return vt_ps2_codes[code].set3 != 0;
  return down || (code != KEY_PAUSE && code != KEY_HANGUL && code != KEY_HANJA);
}

static unsigned
variant_now (VtPs2Kbd *kbd, unsigned code, bool down)
{
  bool ctrl = vt_bitmap_get (kbd->told, KEY_LEFT_CTRL) || vt_bitmap_get (kbd->told, KEY_RIGHT_CTRL);
  bool shift = vt_bitmap_get (kbd->told, KEY_LEFT_SHIFT) || vt_bitmap_get (kbd->told, KEY_RIGHT_SHIFT);
  bool alt = vt_bitmap_get (kbd->told, KEY_LEFT_ALT) || vt_bitmap_get (kbd->told, KEY_RIGHT_ALT);
  if (code == KEY_PAUSE)
    return ctrl ? VARIANT_BARE : VARIANT_PLAIN;
  if (code != KEY_PRINT_SCREEN)
    return VARIANT_PLAIN;
  if (down)
    kbd->sysrq = alt ? VARIANT_ALT : ctrl || shift ? VARIANT_BARE : VARIANT_PLAIN;
  return kbd->sysrq;   /* the release matches */
}

static void
tell (VtPs2Kbd *kbd, unsigned code, bool down)
{
  unsigned event = code | variant_now (kbd, code, down) << EVENT_VARIANT | (down ? 0 : EVENT_RELEASE);
  if (!has_code (kbd, code, down))
    vt_bitmap_set (kbd->told, code, down);
  else if (queue_event (kbd, (uint16_t) event))
    vt_bitmap_set (kbd->told, code, down);
}

void
vt_ps2_kbd_compare (VtPs2Kbd *kbd, const uint8_t held[VT_PS2_KBD_CODES / 8])
{
  if (!kbd->enabled)
    return;
  kbd->overrun = false;
  for (unsigned code = 0; code < VT_PS2_KBD_CODES && !kbd->overrun; code++)
    if (vt_bitmap_get (kbd->told, code) != vt_bitmap_get (held, code) && vt_ps2_codes[code].set2 != 0)
      tell (kbd, code, vt_bitmap_get (held, code));
}

void
vt_ps2_kbd_key (VtPs2Kbd *kbd, unsigned code, bool down, int64_t now_ns)
{
  trace_ps2_kbd_key (code, down);
  if (!kbd->enabled || code >= VT_PS2_KBD_CODES || vt_ps2_codes[code].set2 == 0)
    return;
  if (vt_bitmap_get (kbd->told, code) == down)
    return;   /* the host's own key repeat: ours follows the guest's settings */
  tell (kbd, code, down);
  if (down)
    {
      kbd->repeat_code = (uint16_t) code;
      kbd->repeat_ns = code == KEY_PAUSE ? 0 : (uint64_t) (now_ns + delay_ns (kbd));
    }
  else if (kbd->repeat_code == code)
    kbd->repeat_ns = 0;
}

void
vt_ps2_kbd_repeat (VtPs2Kbd *kbd, int64_t now_ns)
{
  if (!vt_bitmap_get (kbd->told, kbd->repeat_code))
    {
      kbd->repeat_ns = 0;
      return;
    }
  /* A guest that does not keep up gets no backlog of repeats. */
  if (kbd->event_count == 0)
    tell (kbd, kbd->repeat_code, true);
  kbd->repeat_ns = (uint64_t) (now_ns + period_ns (kbd));
}

/* --- Commands ------------------------------------------------------------------------------------------------------- */

static void
reply (VtPs2Kbd *kbd, uint8_t byte)
{
  if (kbd->reply_count < sizeof kbd->replies)   /* the host talks without listening */
    kbd->replies[kbd->reply_count++] = byte;
}

static void
set_defaults (VtPs2Kbd *kbd)
{
  forget_keys (kbd);
  kbd->scan_set = 2;
  kbd->typematic = VT_PS2_KBD_TYPEMATIC;
}

static void
take_argument (VtPs2Kbd *kbd, uint8_t value)
{
  uint8_t command = kbd->command;
  if (command < KBD_CMD_KEY_FIRST || command > KBD_CMD_KEY_LAST)
    kbd->command = 0;   /* the modes of single keys take any number of keys */
  reply (kbd, KBD_ACK);
  if (command == KBD_CMD_LEDS)
    kbd->leds = value & 7;
  else if (command == KBD_CMD_TYPEMATIC)
    kbd->typematic = value & 0x7f;
  else if (command == KBD_CMD_SCAN_SET && value == 0)
    reply (kbd, kbd->scan_set);
  else if (command == KBD_CMD_SCAN_SET && value <= 3)
    {
      forget_keys (kbd);
      kbd->scan_set = value;
    }
}

static void
run_command (VtPs2Kbd *kbd, uint8_t command)
{
  kbd->command = 0;
  switch (command)
    {
    case KBD_CMD_ECHO:
      reply (kbd, KBD_ECHO);
      return;
    case KBD_CMD_RESEND:
      reply (kbd, kbd->last);
      return;
    case KBD_CMD_LEDS:
    case KBD_CMD_SCAN_SET:
    case KBD_CMD_TYPEMATIC:
    case KBD_CMD_KEY_FIRST ... KBD_CMD_KEY_LAST:
      reply (kbd, KBD_ACK);
      kbd->command = command;
      return;
    case KBD_CMD_ALL_FIRST ... KBD_CMD_KEY_FIRST - 1:
      reply (kbd, KBD_ACK);
      return;
    case KBD_CMD_IDENTIFY:
      reply (kbd, KBD_ACK);
      reply (kbd, KBD_ID_FIRST);
      reply (kbd, KBD_ID_SECOND);
      return;
    case KBD_CMD_ENABLE:
    case KBD_CMD_DISABLE:
    case KBD_CMD_DEFAULTS:
      if (command == KBD_CMD_ENABLE)
        forget_keys (kbd);
      else
        set_defaults (kbd);
      kbd->enabled = command != KBD_CMD_DISABLE;
      reply (kbd, KBD_ACK);
      return;
    case KBD_CMD_RESET:
      set_defaults (kbd);
      kbd->enabled = true;
      kbd->leds = 0;
      kbd->reply_count = 0;
      reply (kbd, KBD_ACK);
      reply (kbd, KBD_BAT_OK);
      return;
    }
  reply (kbd, KBD_RESEND);
}

void
vt_ps2_kbd_write (VtPs2Kbd *kbd, uint8_t byte)
{
  trace_ps2_kbd_command (byte);
  if (kbd->command != 0 && byte < KBD_CMD_LEDS)
    take_argument (kbd, byte);
  else
    run_command (kbd, byte);
}

/* --- Bytes out ------------------------------------------------------------------------------------------------------ */

bool
vt_ps2_kbd_ready (const VtPs2Kbd *kbd)
{
  return kbd->reply_count > 0 || kbd->out_pos < kbd->out_len || kbd->event_count > 0;
}

static uint8_t
take_byte (VtPs2Kbd *kbd)
{
  /* A started sequence is finished first. */
  if (kbd->out_pos < kbd->out_len)
    return kbd->out[kbd->out_pos++];
  if (kbd->reply_count > 0)
    {
      uint8_t byte = kbd->replies[0];
      memmove (kbd->replies, kbd->replies + 1, --kbd->reply_count);
      return byte;
    }
  kbd->out_pos = kbd->out_len = 0;
  uint16_t event = kbd->events[kbd->event_head];
  kbd->event_head = (kbd->event_head + 1) % VT_PS2_KBD_EVENTS;
  kbd->event_count--;
  emit_event (kbd, event);
  return kbd->out[kbd->out_pos++];
}

uint8_t
vt_ps2_kbd_take (VtPs2Kbd *kbd)
{
  g_assert (vt_ps2_kbd_ready (kbd));
  uint8_t byte = take_byte (kbd);
  kbd->last = byte;
  return byte;
}

bool
vt_ps2_kbd_valid (const VtPs2Kbd *kbd)
{
  bool lengths = kbd->event_head < VT_PS2_KBD_EVENTS && kbd->event_count <= VT_PS2_KBD_EVENTS
                 && kbd->reply_count <= sizeof kbd->replies && kbd->out_len <= sizeof kbd->out
                 && kbd->out_pos <= kbd->out_len;
  bool values = kbd->scan_set >= 1 && kbd->scan_set <= 3 && kbd->leds <= 7 && kbd->typematic <= 0x7f
                && kbd->sysrq <= VARIANT_ALT && kbd->repeat_code < VT_PS2_KBD_CODES && kbd->repeat_ns <= INT64_MAX / 2;
  for (unsigned i = 0; values && i < kbd->event_count && lengths; i++)
    {
      uint16_t event = kbd->events[(kbd->event_head + i) % VT_PS2_KBD_EVENTS];
      unsigned code = event & EVENT_CODE;
      values = (event >> EVENT_VARIANT & 3) <= VARIANT_ALT && vt_ps2_codes[code].set2 != 0
               && has_code (kbd, code, !(event & EVENT_RELEASE));
    }
  return lengths && values;
}
