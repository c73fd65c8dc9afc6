; SPDX-License-Identifier: GPL-3.0-or-later
; The same functions for a process of the host.
bits 64
default rel
section .text
%include "bodies.inc"

section .data
global perf_native_table
align 8
perf_native_table:
  USER_TABLE

section .note.GNU-stack noalloc noexec nowrite progbits
