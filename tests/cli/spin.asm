; SPDX-License-Identifier: GPL-3.0-or-later
; A kernel for multiboot loaders that works a while and then ends through isa-debug-exit. Always the same instructions.
; With SPIN_FOREVER it goes on, and writes to many pages now and then.
bits 32
org 0x100000

%define ROUNDS 300000

header:
  dd 0x1badb002, 0x10000, -(0x1badb002 + 0x10000)
  dd header, header, end, end, start

start:
  mov esp, stack_top
.again:
  mov ecx, ROUNDS
.round:
  call work
  add [counter], eax
  loop .round
%ifdef SPIN_FOREVER
  mov edi, 0x400000
.touch:
  mov [edi], eax
  add edi, 4096
  cmp edi, 0x8000000     ; more than a TLB holds
  jb .touch
  cpuid
  jmp .again
%else
  xor eax, eax
  out 0xf4, al
  cli
  hlt
%endif

work:
  lea eax, [eax + ecx * 2 + 1]
  test al, 1
  jz .even
  xor eax, 0x55
.even:
  ret

align 4096
counter dd 0
  times 4096 db 0
stack_top:
end:
