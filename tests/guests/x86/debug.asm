; SPDX-License-Identifier: GPL-3.0-or-later
; Single step, breakpoints of all kinds, debug registers, RF.
%include "pm.inc"

%macro GET_DR6 0
  mov eax, dr6
  and eax, 0xe00f
%endmacro

%macro CLEAR_DR 0
  xor eax, eax
  mov dr7, eax
  mov dr6, eax
%endmacro

main:
  mov eax, dr6
  CHECK_EQ "DR6 at reset", eax, 0xffff0ff0
  mov eax, dr7
  CHECK_EQ "DR7 at reset", eax, 0x400
  mov eax, -1
  mov dr6, eax
  mov eax, dr6
  CHECK_EQ "DR6 keeps its reserved bits", eax, 0xffffeff0 | 0xf
  CLEAR_DR

  ; Single step: a trap, after the instruction.
  FAULT_BEGIN "TF: the trap comes after the next instruction", 1, 0xeeeeeeee
  pushfd
  or dword [esp], 0x100
  popfd
  nop
.stepped:
  nop
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "at the instruction after it", eax, main.stepped
  GET_DR6
  CHECK_EQ "DR6.BS", eax, 0x4000
  mov eax, [got_eflags]
  and eax, 0x100
  CHECK_EQ "the saved flags have TF", eax, 0x100
  CLEAR_DR

  ; IRET sets TF: the first instruction of the target still runs.
  FAULT_BEGIN "TF by IRET: one instruction of the target runs", 1, 0xeeeeeeee
  pushfd
  or dword [esp], 0x100
  push cs
  push dword .iret_target
  iretd
.iret_target:
  nop
.iret_stepped:
  nop
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "after one instruction", eax, main.iret_stepped
  CLEAR_DR

  ; INT n while stepping: no trap in the handler.
  FAULT_BEGIN "INT n while stepping goes to its handler, without a trap", 0x31, 0xeeeeeeee
  pushfd
  or dword [esp], 0x100
  popfd
  int 0x31
  FAULT_END

  ; A faulting instruction faults; no trap before.
  FAULT_BEGIN "a fault while stepping", 13, 0
  xor eax, eax
  mov gs, ax
  pushfd
  or dword [esp], 0x100
  popfd
  mov eax, [gs:0]
  FAULT_END
  mov eax, [got_eflags]
  and eax, 0x10000
  CHECK_EQ "a fault saves RF", eax, 0x10000

  ; Code breakpoint: a fault, before the instruction.
  CLEAR_DR
  mov eax, .break_here
  mov dr0, eax
  mov eax, 2                   ; G0
  mov dr7, eax
  xor ebx, ebx
  FAULT_BEGIN "a code breakpoint", 1, 0xeeeeeeee
  nop
.break_here:
  inc ebx
  nop
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "is a fault at the instruction", eax, main.break_here
  GET_DR6
  CHECK_EQ "DR6.B0", eax, 1
  mov eax, [got_eflags]
  and eax, 0x10000
  CHECK_EQ "its saved flags have RF as it was", eax, 0
align 16
.rf_check:
  FAULT_BEGIN "RF lasts for one instruction", 1, 0xeeeeeeee
  mov eax, .twice
  mov dr0, eax
  pushfd
  or dword [esp], 0x10000
  push cs
  push dword .twice
  iretd
.twice:
  nop
  jmp .twice
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "the second time it hits", eax, main.twice
  CLEAR_DR

  ; A code breakpoint on a repeated string instruction hits once.
  mov eax, .rep
  mov dr0, eax
  mov eax, 2
  mov dr7, eax
  FAULT_BEGIN "a code breakpoint on REP STOS", 1, 0xeeeeeeee
  mov edi, scratch
  mov ecx, 64
  jmp .rep
  FAULT_END
  FAULT_BEGIN "is passed with RF, whatever the count", 0x31, 0xeeeeeeee
  mov edi, scratch
  mov ecx, 64
  xor eax, eax
  pushfd
  or dword [esp], 0x10000
  push cs
  push dword .rep
  iretd
.rep:
  rep stosb
  mov eax, ecx
  int 0x31
  FAULT_END
  mov eax, [got_eax]
  CHECK_EQ "and runs to its end", eax, 0
  CLEAR_DR

  ; Data breakpoints: traps.
  mov eax, scratch + 4
  mov dr1, eax
  mov eax, 0x00d00008          ; G1, write, 4 bytes
  mov dr7, eax
  FINE_BEGIN "a write breakpoint lets reads pass"
  mov eax, [scratch + 4]
  FAULT_END
  FAULT_BEGIN "a write breakpoint", 1, 0xeeeeeeee
  mov dword [scratch + 4], 0x99
.after_write:
  nop
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "is a trap after the write", eax, main.after_write
  mov eax, [scratch + 4]
  CHECK_EQ "which was done", eax, 0x99
  GET_DR6
  CHECK_EQ "DR6.B1", eax, 2
  CLEAR_DR
  mov eax, 0x00d00008
  mov dr7, eax
  FAULT_BEGIN "a byte inside the range hits", 1, 0xeeeeeeee
  mov byte [scratch + 7], 1
  FAULT_END
  FINE_BEGIN "a byte after the range does not"
  mov byte [scratch + 8], 1
  FAULT_END
  FAULT_BEGIN "a dword that overlaps does", 1, 0xeeeeeeee
  mov dword [scratch + 1], 1
  FAULT_END
  mov eax, 0x00f00008          ; read or write
  mov dr7, eax
  FAULT_BEGIN "a read-write breakpoint sees reads", 1, 0xeeeeeeee
  mov eax, [scratch + 4]
  FAULT_END
  FAULT_BEGIN "and pushes", 1, 0xeeeeeeee
  mov esp, scratch + 8
  push eax
  FAULT_END
  FAULT_BEGIN "and string moves, between iterations", 1, 0xeeeeeeee
  mov edi, scratch
  mov ecx, 16
  xor eax, eax
  rep stosb
  FAULT_END
  CLEAR_DR

  ; MOV SS holds the trap back.
  mov eax, scratch + 4
  mov dr1, eax
  mov dword [scratch + 4], KDATA
  mov eax, 0x00f00008
  mov dr7, eax
  FAULT_BEGIN "a data breakpoint on MOV SS waits", 1, 0xeeeeeeee
  mov ss, [scratch + 4]
  nop
.after_ss:
  nop
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "until after the next instruction", eax, main.after_ss
  CLEAR_DR

  ; I/O breakpoints need CR4.DE.
  mov eax, cr4
  or eax, 8
  mov cr4, eax
  mov eax, 0xe0
  mov dr2, eax
  mov eax, 0x02000020          ; G2, I/O
  mov dr7, eax
  FAULT_BEGIN "an I/O breakpoint", 1, 0xeeeeeeee
  out 0xe0, al
.after_out:
  nop
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "is a trap after the access", eax, main.after_out
  FAULT_BEGIN "DR4 is undefined with CR4.DE", 6, 0xeeeeeeee
  mov eax, dr4
  FAULT_END
  mov eax, cr4
  and eax, ~8
  mov cr4, eax
  mov eax, dr4
  mov ebx, dr6
  CHECK_EQ "DR4 is DR6 without it", eax, ebx
  CLEAR_DR

  ; General detect
  mov eax, 0x2000
  mov dr7, eax
  FAULT_BEGIN "GD: touching a debug register is a fault", 1, 0xeeeeeeee
.gd:
  mov eax, dr0
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "at the instruction", eax, main.gd
  mov eax, dr7
  and eax, 0x2000
  CHECK_EQ "GD is clear in the handler", eax, 0
  GET_DR6
  CHECK_EQ "DR6.BD", eax, 0x2000
  CLEAR_DR

  FAULT_BEGIN "INT1 is a trap through vector 1", 1, 0xeeeeeeee
  db 0xf1
.after_int1:
  nop
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "after the instruction", eax, main.after_int1
  FAULT_BEGIN "debug registers are for CPL 0", 13, 0
  TO_USER .user_dr
.user_dr:
  mov eax, dr0
  FAULT_END

  EXIT
