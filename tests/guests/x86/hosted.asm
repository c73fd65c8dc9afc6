; SPDX-License-Identifier: GPL-3.0-or-later
; What an accelerator that runs on somebody else's kernel has to get right: accesses that come to us as exits, registers that
; live here or there, interrupts handed over, two processors. Nothing depends on how long anything takes.
%include "lm.inc"

%define APIC 0xfee00000
%define AP_PAGE 0x8
%define ap_stack 0x48000
%define timers 0x54000
%define ipis   0x54004
%define nmis   0x54008
%define ap_up  0x5400c
%define ap_got 0x54010
%define tsc_before 0x54018

%macro GATE 2                  ; vector, handler
  mov eax, %2
  mov [abs idt + (%1) * 16], ax
  shr eax, 16
  mov [abs idt + (%1) * 16 + 6], ax
%endmacro

%macro WRITE 2                 ; register offset, value
  mov eax, APIC + %1
  mov dword [rax], %2
%endmacro

; Waits until the dword at %1 is at least %2, for a bounded time.
%macro AWAIT 2
  mov ecx, 50000000
%%loop:
  cmp dword [abs %1], %2
  jae %%done
  pause
  dec ecx
  jnz %%loop
%%done:
%endmacro

main:
  mov rsi, ap_start
  mov rdi, AP_PAGE << 12
  mov ecx, ap_end - ap_start
  cld
  rep movsb
  GATE 0x50, on_timer
  GATE 0x55, on_ipi
  GATE 0x5f, on_spurious
  GATE 2, on_nmi
  rdtsc
  mov [abs tsc_before], eax
  mov [abs tsc_before + 4], edx

  ; Ports: strings come in batches
  mov rsi, bytes
  mov dx, 0xe1
  mov ecx, 5
  rep outsb
  in al, 0xe1
  CHECK_EQ "REP OUTSB writes every byte, the last one last", al, 0x55
  mov rdi, scratch
  mov dx, 0xe1
  mov ecx, 4
  rep insb
  mov eax, [abs scratch]
  CHECK_EQ "REP INSB reads as many as it should", eax, 0x55555555
  CHECK_EQ "and leaves RDI behind them", edi, scratch + 4
  in al, 0xe4
  CHECK_EQ "where nothing is, all ones are read", al, 0xff

  ; Registers of the APIC's page, by plain and by less plain instructions
  mov rsi, APIC + 0x30
  mov rdi, scratch
  movsd
  mov eax, [abs scratch]
  CHECK_EQ "MOVSD from a device register", eax, 0x00050014
  mov eax, 0x00050000
  mov rsi, APIC + 0x30
  xor eax, [rsi]
  CHECK_EQ "XOR with a device register", eax, 0x14
  pxor xmm1, xmm1
  mov rsi, APIC + 0x30
  por xmm1, [rsi]
  movd eax, xmm1
  CHECK_EQ "POR with a device register", eax, 0x00050014

  ; Floating-point and vector registers live through exits
  mov rax, 0x1122334455667788
  movq xmm15, rax
  fninit
  fld1
  fldpi
  in al, 0xe1
  WRITE 0xf0, 0x15f
  movq rax, xmm15
  shr rax, 32
  CHECK_EQ "XMM15 after exits", eax, 0x11223344
  fistp dword [abs scratch]
  mov eax, [abs scratch]
  CHECK_EQ "ST(0) after exits", eax, 3
  fistp dword [abs scratch]
  mov eax, [abs scratch]
  CHECK_EQ "ST(1) after exits", eax, 1

  ; Model-specific registers: those that are ours, and the kernel's
  mov ecx, 0x200
  mov eax, 0xc0000006
  xor edx, edx
  wrmsr
  xor eax, eax
  rdmsr
  CHECK_EQ "a memory-type range", eax, 0xc0000006
  FAULT_BEGIN "a memory-type range with reserved bits is #GP(0)", 13, 0
  mov eax, 0xc0000002
  wrmsr
  FAULT_END
  FAULT_BEGIN "an unknown register is #GP(0)", 13, 0
  mov ecx, 0x12345
  rdmsr
  FAULT_END
  mov ecx, 0xc0000102
  mov eax, 0x12345678
  xor edx, edx
  wrmsr
  xor eax, eax
  rdmsr
  CHECK_EQ "KERNEL_GS_BASE", eax, 0x12345678
  mov eax, 0x40000000
  cpuid
  CHECK_EQ "CPUID names us", ebx, 'Vitr'

  ; The task priority has two faces
  mov eax, 5
  mov cr8, rax
  mov eax, APIC + 0x80
  mov eax, [rax]
  CHECK_EQ "CR8 is the task priority", eax, 0x50
  WRITE 0x80, 0x20
  mov rax, cr8
  CHECK_EQ "and the task priority is CR8", eax, 2
  WRITE 0x80, 0

  ; Interrupts
  WRITE 0x3e0, 0xb             ; timer: divide by 1
  WRITE 0x320, 0x50            ; one-shot
  WRITE 0x380, 3000000
.sleep:
  sti
  hlt
  cli
  cmp dword [abs timers], 0
  je .sleep
  mov eax, [abs timers]
  CHECK_EQ "a timer ends HLT", eax, 1
  WRITE 0x320, 0x20050         ; periodic
  WRITE 0x380, 1000000
  sti
  AWAIT timers, 4
  cli
  WRITE 0x320, 0x10050
  mov eax, [abs timers]
  shr eax, 2
  setz al
  test al, al
  REPORT "a periodic timer interrupts a loop"
  WRITE 0x300, 0x44400
  AWAIT nmis, 1
  mov eax, [abs nmis]
  CHECK_EQ "an NMI to self", eax, 1
  sti
  WRITE 0x300, 0x40055
  AWAIT ipis, 1
  cli
  mov eax, [abs ipis]
  CHECK_EQ "an interrupt to self", eax, 1
  rdtsc
  shl rdx, 32
  or rax, rdx
  cmp rax, [abs tsc_before]
  seta al
  cmp al, 1
  REPORT "the time-stamp counter went forward"

  ; The second processor
  WRITE 0x310, 1 << 24
  WRITE 0x300, 0x4500          ; INIT
  WRITE 0x300, 0x4600 | AP_PAGE
  AWAIT ap_up, 1
  mov eax, [abs ap_up]
  CHECK_EQ "INIT and SIPI start the second processor", eax, 1
  WRITE 0x310, 1 << 24
  WRITE 0x300, 0x4055
  AWAIT ap_got, 1
  mov eax, [abs ap_got]
  CHECK_EQ "an interrupt wakes it from HLT", eax, 1
  EXIT

on_timer:
  inc dword [abs timers]
  jmp eoi
on_ipi:
  push rax
  mov eax, APIC + 0x20
  mov eax, [rax]
  test eax, eax
  pop rax
  jnz .second
  inc dword [abs ipis]
  jmp eoi
.second:
  inc dword [abs ap_got]
eoi:
  push rax
  WRITE 0xb0, 0
  pop rax
  iretq
on_nmi:
  inc dword [abs nmis]
on_spurious:
  iretq

bits 16
ap_start:
  cli
  xor ax, ax
  mov ds, ax
  lgdt [gdt_pointer]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword KCODE32:ap32
ap_end:
bits 32
ap32:
  mov ax, KDATA
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov eax, cr4
  or eax, 0x6a0
  mov cr4, eax
  mov eax, pml4
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x901
  wrmsr
  mov eax, cr0
  or eax, 0x80010002
  mov cr0, eax
  jmp KCODE:ap64
bits 64
ap64:
  xor eax, eax
  mov ss, ax
  mov rsp, ap_stack
  lidt [idt_pointer]
  WRITE 0xf0, 0x15f
  mov dword [abs ap_up], 1
.sleep:
  sti
  hlt
  jmp .sleep

section .data
bytes db 0x11, 0x22, 0x33, 0x44, 0x55
