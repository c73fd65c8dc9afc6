; SPDX-License-Identifier: GPL-3.0-or-later
; A fault that no handler can take: the processor shuts down.
bits 16
org 0x7c00
  cli
  lidt [cs:empty]
  lgdt [cs:gdt_pointer]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword 8:in32
bits 32
in32:
  ud2
  out 0xf4, al
align 8
gdt dq 0, 0x00cf9b000000ffff
gdt_pointer dw 15
  dd gdt
empty dw 0
  dd 0
