/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The PS/2 keyboard's side of the wire: commands in, scan codes out. Private to the keyboard controller. */
#pragma once

#include "device.h"

#define VT_PS2_KBD_EVENTS 64u
#define VT_PS2_KBD_CODES  256u

typedef struct
{
  uint64_t repeat_ns;                    /* guest time of the next typematic repeat; 0: none */
  uint16_t events[VT_PS2_KBD_EVENTS];    /* ring of evdev codes with the bits of ps2-kbd.c */
  uint16_t repeat_code;
  uint8_t  told[VT_PS2_KBD_CODES / 8];   /* keys that are down, as far as the guest was told */
  uint8_t  event_head, event_count;
  uint8_t  replies[8];                   /* answers to commands overtake scan codes */
  uint8_t  reply_count;
  uint8_t  out[8];                       /* the sequence that is being sent */
  uint8_t  out_pos, out_len;
  uint8_t  scan_set;                     /* 1, 2 or 3 */
  uint8_t  leds;                         /* VT_LED_... */
  uint8_t  typematic;                    /* argument of command 0xf3 */
  uint8_t  command;                      /* waits for its argument; 0: none */
  uint8_t  last;                         /* for resend */
  uint8_t  sysrq;                        /* how Print Screen went down: its release matches */
  bool     enabled;
  bool     overrun;                      /* an event was lost: compare when the queue is empty */
  uint8_t  pad_[1];
} VtPs2Kbd;

#define VT_PS2_KBD_FIELDS(T, m)                                                                                          \
  VT_FIELD (T, m.repeat_ns), VT_FIELD (T, m.events), VT_FIELD (T, m.repeat_code), VT_FIELD (T, m.told),                  \
      VT_FIELD (T, m.event_head), VT_FIELD (T, m.event_count), VT_FIELD (T, m.replies), VT_FIELD (T, m.reply_count),     \
      VT_FIELD (T, m.out), VT_FIELD (T, m.out_pos), VT_FIELD (T, m.out_len), VT_FIELD (T, m.scan_set),                   \
      VT_FIELD (T, m.leds), VT_FIELD (T, m.typematic), VT_FIELD (T, m.command), VT_FIELD (T, m.last),                    \
      VT_FIELD (T, m.sysrq), VT_FIELD (T, m.enabled), VT_FIELD (T, m.overrun), VT_FIELD (T, m.pad_)

/* 500 ms, 10.9 characters a second: what the keyboard wakes up with. */
#define VT_PS2_KBD_TYPEMATIC 0x2b
#define VT_PS2_KBD_AT_RESET { .scan_set = 2, .typematic = VT_PS2_KBD_TYPEMATIC, .enabled = true }

/* A byte from the host. */
void vt_ps2_kbd_write (VtPs2Kbd *kbd, uint8_t byte);
/* Is there a byte for the host? If so, take it. */
bool    vt_ps2_kbd_ready (const VtPs2Kbd *kbd);
uint8_t vt_ps2_kbd_take (VtPs2Kbd *kbd);

/* A key moved. Without room the event is lost and `overrun` is set. */
void vt_ps2_kbd_key (VtPs2Kbd *kbd, unsigned code, bool down, int64_t now_ns);
/* Tells the guest the difference between what it believes and the keys that are physically down: after an overrun, and after
 * a time in which keys may have moved unseen. */
void vt_ps2_kbd_compare (VtPs2Kbd *kbd, const uint8_t held[VT_PS2_KBD_CODES / 8]);
/* Time reached repeat_ns. */
void vt_ps2_kbd_repeat (VtPs2Kbd *kbd, int64_t now_ns);

bool vt_ps2_kbd_valid (const VtPs2Kbd *kbd);
