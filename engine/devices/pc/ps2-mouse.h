/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The PS/2 mouse's side of the wire: commands in, movement packets out. Private to the keyboard controller. */
#pragma once

#include "device.h"

#define VT_PS2_MOUSE_MOVES 16u

typedef struct
{
  /* Ring of movements not yet sent: signed 16-bit counts, and the buttons that were held then. */
  uint16_t dx[VT_PS2_MOUSE_MOVES], dy[VT_PS2_MOUSE_MOVES], dz[VT_PS2_MOUSE_MOVES];
  uint8_t  move_buttons[VT_PS2_MOUSE_MOVES];
  uint8_t  move_head, move_count;
  uint8_t  buttons;          /* VT_BUTTON_... held now */
  uint8_t  replies[8];
  uint8_t  reply_count;
  uint8_t  out[4];           /* the packet that is being sent */
  uint8_t  out_pos, out_len;
  uint8_t  id;               /* 0 standard, 3 wheel, 4 wheel and five buttons */
  uint8_t  command;          /* waits for its argument; 0: none */
  uint8_t  last;             /* for resend */
  uint8_t  rate;             /* samples per second, as programmed */
  uint8_t  rates[2];         /* the two rates before: three in a row are a knock at the door */
  uint8_t  resolution;
  bool     enabled, remote, wrap, twice;
  uint8_t  pad_[3];
} VtPs2Mouse;

#define VT_PS2_MOUSE_FIELDS(T, m)                                                                                        \
  VT_FIELD (T, m.dx), VT_FIELD (T, m.dy), VT_FIELD (T, m.dz), VT_FIELD (T, m.move_buttons), VT_FIELD (T, m.move_head),   \
      VT_FIELD (T, m.move_count), VT_FIELD (T, m.buttons), VT_FIELD (T, m.replies), VT_FIELD (T, m.reply_count),         \
      VT_FIELD (T, m.out), VT_FIELD (T, m.out_pos), VT_FIELD (T, m.out_len), VT_FIELD (T, m.id), VT_FIELD (T, m.command), \
      VT_FIELD (T, m.last), VT_FIELD (T, m.rate), VT_FIELD (T, m.rates), VT_FIELD (T, m.resolution),                     \
      VT_FIELD (T, m.enabled), VT_FIELD (T, m.remote), VT_FIELD (T, m.wrap), VT_FIELD (T, m.twice), VT_FIELD (T, m.pad_)

#define VT_PS2_MOUSE_AT_RESET { .rate = 100, .resolution = 2 }

void vt_ps2_mouse_write (VtPs2Mouse *mouse, uint8_t byte);
bool    vt_ps2_mouse_ready (const VtPs2Mouse *mouse);
uint8_t vt_ps2_mouse_take (VtPs2Mouse *mouse);

/* Down, right and towards the person are positive. */
void vt_ps2_mouse_move (VtPs2Mouse *mouse, int32_t dx, int32_t dy, int32_t dz);
void vt_ps2_mouse_buttons (VtPs2Mouse *mouse, uint32_t mask);

bool vt_ps2_mouse_valid (const VtPs2Mouse *mouse);
