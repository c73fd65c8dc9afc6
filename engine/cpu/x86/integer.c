/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "integer.h"

#include <stddef.h>

const VtX86OpRow *const vt_x86_integer_tables[] = {
  vt_x86_ops_alu,    vt_x86_ops_mov,   vt_x86_ops_shift,  vt_x86_ops_muldiv, vt_x86_ops_bits, vt_x86_ops_branch,
  vt_x86_ops_stack, vt_x86_ops_string, vt_x86_ops_atomic, vt_x86_ops_misc, NULL,
};
