/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Where guest registers live in translated code.
 *
 * Thirteen of sixteen have a host register. RAX, RCX, RDX and RBX are at home in their namesakes, because many instructions
 * name them without saying so. RSP of the host is the host's stack. The three that compilers use least stay in memory.
 * RDI and RSI of the host are the translator's: they can be bytes and addresses next to AH..BH, since they need no REX.
 *
 * That is their home, where all code that is shared expects them. Hot loops may have others in memory (jit-hot.h).
 */
#pragma once

#include "emit.h"
#include "x86-state.h"

#define T0 H_RDI
#define T1 H_RSI
#define NO_HOST_REG 0xffu

/* By guest register. */
#define HOME_REGS \
  H_RAX, H_RCX, H_RDX, H_RBX, H_R15, H_RBP, H_R11, H_R14, H_R8, H_R9, H_R10, NO_HOST_REG, H_R12, H_R13, NO_HOST_REG, NO_HOST_REG

static inline unsigned
home_reg (unsigned guest)
{
  static const uint8_t map[16] = { HOME_REGS };
  return map[guest & 15];
}
