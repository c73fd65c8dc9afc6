/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What makes translated code fast, piece by piece: each can be left out to see what it is worth. Results are the same
 * without. Names and bits are in one table, jit-techniques.c.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>
#include <stdint.h>

enum
{
  VT_JIT_RETURNS      = 1u << 0,   /* returns go by the host's own stack */
  VT_JIT_FLAG_RECIPES = 1u << 1,   /* flags that leave a region are made only if somebody asks */
  VT_JIT_GROUPS       = 1u << 2,   /* accesses through one register share a check */
  VT_JIT_STACK_WINDOW = 1u << 3,   /* the page of the stack is kept at hand */
  VT_JIT_LAZY_FLAGS   = 1u << 4,   /* flags that the guest overwrites unread are dropped */
  VT_JIT_SYSTEM       = 1u << 5,   /* system instructions are written out */
  VT_JIT_TSC          = 1u << 6,   /* so is RDTSC, with the host's counter */
  VT_JIT_SECOND_TLB   = 1u << 7,   /* the TLB's second level is asked without a call that saves everything */
  VT_JIT_FAR_LINKS    = 1u << 8,   /* direct jumps to other pages are linked */
  VT_JIT_FLAT_STATE   = 1u << 9,   /* the vCPU's block is addressed without a segment */
  VT_JIT_HOT_LOOPS    = 1u << 10,  /* loops that run long are translated again, with their own registers */
};

/* `list`: names separated by commas. *out: their bits. The error says which names there are. */
bool  vt_jit_techniques_parse (const char *list, uint32_t *out, GError **error);
/* All names, separated by commas. */
char *vt_jit_techniques_names (void);
