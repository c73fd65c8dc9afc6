; SPDX-License-Identifier: GPL-3.0-or-later
; Virtual-8086 mode: entry by IRET, exit by faults and interrupts, IOPL, VME redirection.
%include "pm.inc"

%define VM  0x20000
%define VIF 0x80000
%define VIP 0x100000

; Runs 16-bit code at segment 0 in virtual-8086 mode with these flags. The stack is 1000:0800.
%macro TO_V86 2                ; label, flags
  push dword 0x5555            ; GS
  push dword 0x4444            ; FS
  push dword 0                 ; DS
  push dword 0x2222            ; ES
  push dword 0x1000            ; SS
  push dword 0x0800            ; ESP
  push dword VM | (%2)
  push dword 0
  push dword %1
  iretd
%endmacro

main:
  mov dword [idt + 0x50 * 8 + 4], 0x0000ee00  ; DPL 3
  mov eax, stub_0
  FAULT_BEGIN "IRET enters virtual-8086 mode; HLT there is #GP(0)", 13, 0
  TO_V86 v86_hlt, 0x3002
  FAULT_END
  mov eax, [got_eflags]
  and eax, VM
  CHECK_EQ "the saved flags have VM", eax, VM
  mov eax, [got_frame]
  CHECK_EQ "nine words are pushed on the stack of the TSS", eax, ring0_stack - 36
  mov ebx, [got_frame]
  mov eax, [ebx + 20]
  CHECK_EQ "ES is saved", eax, 0x2222
  mov eax, [ebx + 24]
  CHECK_EQ "DS is saved", eax, 0
  mov eax, [ebx + 28]
  CHECK_EQ "FS is saved", eax, 0x4444
  mov eax, [ebx + 32]
  CHECK_EQ "GS is saved", eax, 0x5555
  mov ax, gs
  CHECK_EQ "data segments are null in the handler", ax, 0

  FAULT_BEGIN "segments are paragraphs, stores go there", 0x31, 0xeeeeeeee
  TO_V86 v86_store, 0x3002
  FAULT_END
  mov eax, [0x22220 + 0x10]
  CHECK_EQ "a store through ES", ax, 0xbeef
  mov eax, [0x10000 + 0x7fe]
  CHECK_EQ "a push through SS", ax, 0x1234

  FAULT_BEGIN "a word at offset FFFF is #GP(0)", 13, 0
  TO_V86 v86_limit, 0x3002
  FAULT_END
  FAULT_BEGIN "LAR is undefined", 6, 0xeeeeeeee
  TO_V86 v86_lar, 0x3002
  FAULT_END
  FAULT_BEGIN "CLI with IOPL 0 is #GP(0)", 13, 0
  TO_V86 v86_cli, 0x0002
  FAULT_END
  FAULT_BEGIN "PUSHF with IOPL 0 is #GP(0)", 13, 0
  TO_V86 v86_pushf, 0x0002
  FAULT_END
  FAULT_BEGIN "INT n with IOPL 0 is #GP(0)", 13, 0
  TO_V86 v86_int31, 0x0002
  FAULT_END
  FAULT_BEGIN "INT3 with IOPL 0 goes through the IDT", 3, 0xeeeeeeee
  TO_V86 v86_int3, 0x0002
  FAULT_END
  FAULT_BEGIN "CLI with IOPL 3 is fine", 0x31, 0xeeeeeeee
  TO_V86 v86_cli, 0x3202
  FAULT_END
  mov eax, [got_eflags]
  and eax, 0x200
  CHECK_EQ "CLI cleared IF", eax, 0
  FAULT_BEGIN "POPF with IOPL 3 does not change IOPL", 0x31, 0xeeeeeeee
  TO_V86 v86_popf0, 0x3002
  FAULT_END
  mov eax, [got_eflags]
  and eax, 0x3000
  CHECK_EQ "IOPL is still 3", eax, 0x3000
  FAULT_BEGIN "IRET stays in virtual-8086 mode", 0x31, 0xeeeeeeee
  TO_V86 v86_iret, 0x3002
  FAULT_END
  mov eax, [got_eflags]
  and eax, VM
  CHECK_EQ "VM is still set", eax, VM
  FAULT_BEGIN "far calls and returns", 0x31, 0xeeeeeeee
  TO_V86 v86_far, 0x3002
  FAULT_END
  mov eax, [got_eax]
  CHECK_EQ "the far call came back", ax, 0x77
  FAULT_BEGIN "a fault through a gate to code of DPL 3 is #GP(selector)", 13, UCODE & ~3
  mov word [idt + 0x32 * 8 + 2], UCODE
  TO_V86 v86_int32, 0x3002
  FAULT_END
  FAULT_BEGIN "an OUT is checked against the bitmap", 13, 0
  or byte [tss_main + 0x68 + 32 + 0xe2 / 8], 1 << (0xe2 & 7)
  TO_V86 v86_out, 0x3002
  FAULT_END

  ; --- VME ---
  mov eax, cr4
  or eax, 1
  mov cr4, eax
  mov word [0x60 * 4], v86_handler
  mov word [0x60 * 4 + 2], 0
  FAULT_BEGIN "VME: INT n goes to the program's own handler", 0x31, 0xeeeeeeee
  or byte [tss_main + 0x68 + 0x31 / 8], 1 << (0x31 & 7)
  TO_V86 v86_int60, 0x3202
  FAULT_END
  mov eax, [got_eax]
  CHECK_EQ "VME: the handler ran", ax, 0x6060
  FAULT_BEGIN "VME: CLI with IOPL 0 clears VIF", 13, 0
  TO_V86 v86_vme_cli, 0x0202 | VIF
  FAULT_END
  mov eax, [got_eflags]
  and eax, VIF | 0x200
  CHECK_EQ "VME: VIF clear, IF still set", eax, 0x200
  FAULT_BEGIN "VME: STI with IOPL 0 sets VIF", 13, 0
  TO_V86 v86_vme_sti, 0x0202
  FAULT_END
  mov eax, [got_eflags]
  and eax, VIF
  CHECK_EQ "VME: VIF set", eax, VIF
  FAULT_BEGIN "VME: STI with VIP pending is #GP(0)", 13, 0
  TO_V86 v86_sti_only, 0x0202 | VIP
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "VME: at the STI", eax, v86_sti_only
  FAULT_BEGIN "VME: PUSHF shows VIF as IF, and IOPL 3", 13, 0
  TO_V86 v86_vme_pushf, 0x0002 | VIF
  FAULT_END
  mov eax, [got_eax]
  and eax, 0x3200
  CHECK_EQ "VME: the pushed image", eax, 0x3200
  FAULT_BEGIN "VME: POPF with IF and VIP is #GP(0)", 13, 0
  TO_V86 v86_vme_popf, 0x0002 | VIP
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "VME: at the POPF", eax, v86_vme_popf.popf

  EXIT

bits 16
v86_hlt:
  hlt
v86_store:
  mov word [es:0x10], 0xbeef
  push word 0x1234
  int 0x31
v86_limit:
  mov ax, [0xffff]
v86_lar:
  lar ax, bx
v86_cli:
  cli
v86_int31:
  int 0x31
v86_int32:
  int 0x32
v86_pushf:
  pushf
v86_int3:
  int3
v86_popf0:
  push word 2
  popf
  int 0x31
v86_iret:
  pushf
  push cs
  push word .back
  iret
.back:
  int 0x31
v86_far:
  xor ax, ax
  call 0:.target
  int 0x31
.target:
  mov ax, 0x77
  retf
v86_out:
  out 0xe2, al
  hlt
v86_int60:
  xor ax, ax
  int 0x60
  int 0x31
v86_handler:
  mov ax, 0x6060
  iret
v86_vme_cli:
  cli
  hlt
v86_vme_sti:
  sti
  hlt
v86_sti_only:
  sti
  hlt
v86_vme_pushf:
  pushf
  pop ax
  hlt
v86_vme_popf:
  push word 0x202
.popf:
  popf
  hlt
