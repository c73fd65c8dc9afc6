; SPDX-License-Identifier: GPL-3.0-or-later
; Local APIC with two processors: timers, self-IPI, priorities, INIT and SIPI, IPIs, NMI, x2APIC.
%include "lm.inc"

%define APIC 0xfee00000
%define AP_PAGE 0x8            ; SIPI vector: the AP starts at 0x8000
%define ap_stack 0x48000
%define shared 0x54000

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

%macro READ 1
  mov eax, APIC + %1
  mov eax, [rax]
%endmacro

; Waits until the dword at %1 is %2, for a bounded time.
%macro AWAIT 2
  mov ecx, 1000000
%%loop:
  cmp dword [abs %1], %2
  je %%done
  pause
  dec ecx
  jnz %%loop
%%done:
%endmacro

main:
  ; The application processor's code at 0x8000: it must be below 1 MiB and page aligned.
  mov rsi, ap_start
  mov rdi, AP_PAGE << 12
  mov ecx, ap_end - ap_start
  cld
  rep movsb
  GATE 0x50, on_timer
  GATE 0x54, on_timer
  GATE 0x55, on_ipi
  GATE 0x45, on_low
  GATE 0x5f, on_spurious
  GATE 2, on_nmi

  READ 0x30
  CHECK_EQ "the version register", eax, 0x00050014
  READ 0x20
  CHECK_EQ "the boot processor's ID", eax, 0
  mov ecx, 0x1b
  rdmsr
  CHECK_EQ "IA32_APIC_BASE: enabled, bootstrap processor", eax, 0xfee00900
  WRITE 0xf0, 0x15f
  READ 0xf0
  CHECK_EQ "the spurious register keeps its enable bit", eax, 0x15f

  ; One-shot timer
  mov dword [abs shared], 0
  WRITE 0x3e0, 0xb             ; divide by 1
  WRITE 0x320, 0x50
  WRITE 0x380, 50000
  READ 0x390
  test eax, eax
  setz al
  test al, al
  REPORT "the current count runs"
  sti
  AWAIT shared, 1
  cli
  mov eax, [abs shared]
  CHECK_EQ "a one-shot timer fires once", eax, 1
  READ 0x390
  CHECK_EQ "and its count stays 0", eax, 0
  ; HLT is ended by it
  mov dword [abs shared], 0
  WRITE 0x380, 5000000
  sti
  hlt
  cli
  mov eax, [abs shared]
  CHECK_EQ "an interrupt ends HLT", eax, 1

  ; Periodic
  mov dword [abs shared], 0
  WRITE 0x320, 0x20050
  WRITE 0x380, 100000
  sti
  AWAIT shared, 3
  cli
  WRITE 0x380, 0
  mov eax, [abs shared]
  CHECK_EQ "a periodic timer fires again and again", eax, 3

  ; TSC deadline, where there is one
  mov eax, 1
  cpuid
  bt ecx, 24
  jnc .no_deadline
  WRITE 0x320, 0x40054
  mov dword [abs shared], 0
  rdtsc
  add eax, 200000
  adc edx, 0
  mov ecx, 0x6e0
  wrmsr
  rdmsr
  or eax, edx
  setz al
  test al, al
  REPORT "the TSC deadline is armed"
  sti
  AWAIT shared, 1
  cli
  mov eax, [abs shared]
  CHECK_EQ "the TSC deadline fires", eax, 1
  mov ecx, 0x6e0
  rdmsr
  or eax, edx
  CHECK_EQ "and reads 0 then", eax, 0
  ; a deadline in the past fires at once
  mov dword [abs shared], 0
  mov eax, 1
  xor edx, edx
  wrmsr
  sti
  AWAIT shared, 1
  cli
  mov eax, [abs shared]
  CHECK_EQ "a deadline in the past fires at once", eax, 1
.no_deadline:
  WRITE 0x320, 0x10050

  ; Priorities: TPR holds vector 45 back.
  mov dword [abs shared + 4], 0
  mov eax, 5
  mov cr8, rax
  READ 0x80
  CHECK_EQ "CR8 is the task priority", eax, 0x50
  WRITE 0x300, 0x40045         ; self IPI
  READ 0x220                   ; IRR 32..63 is 0x210; 64..95: 0x220
  CHECK_EQ "an IPI waits in IRR", eax, 1 << (0x45 - 0x40)
  sti
  nop
  nop
  mov eax, [abs shared + 4]
  CHECK_EQ "the task priority holds it back", eax, 0
  xor eax, eax
  mov cr8, rax
  nop
  nop
  mov eax, [abs shared + 4]
  CHECK_EQ "lowering it lets it in", eax, 1
  cli
  mov eax, [abs shared + 8]
  CHECK_EQ "the handler sees it in service", eax, 1 << (0x45 - 0x40)
  READ 0x120
  CHECK_EQ "EOI ends that", eax, 0

  ; Illegal vector
  WRITE 0x280, 0
  WRITE 0x300, 0x40003
  WRITE 0x280, 0
  READ 0x280
  CHECK_EQ "an illegal vector is noted in ESR", eax, 0x20
  WRITE 0x280, 0

  ; STI shadow: the instruction after STI still runs.
  mov dword [abs shared + 4], 0
  WRITE 0x300, 0x40045
  sti
  mov ebx, [abs shared + 4]
  mov ecx, [abs shared + 4]
  cli
  CHECK_EQ "one instruction runs after STI", ebx, 0
  CHECK_EQ "then comes the interrupt", ecx, 1

  ; NMI to self through the APIC
  mov dword [abs shared + 12], 0
  WRITE 0x300, 0x44400
  nop
  mov eax, [abs shared + 12]
  CHECK_EQ "an NMI comes whatever IF is", eax, 1

  ; An NMI inside its handler waits for the IRET.
  mov dword [abs shared + 12], 0
  mov dword [abs shared + 48], 1           ; the handler sends another
  WRITE 0x300, 0x44400
  nop
  mov eax, [abs shared + 52]
  CHECK_EQ "an NMI does not interrupt its own handler", eax, 1
  mov eax, [abs shared + 12]
  CHECK_EQ "but comes after its IRET", eax, 2

  ; STI and HLT: the interrupt that waits ends the HLT, none is lost between.
  mov dword [abs shared + 4], 0
  WRITE 0x300, 0x40045
  sti
  hlt
  cli
  mov eax, [abs shared + 4]
  CHECK_EQ "an interrupt that waits at STI ends the HLT after it", eax, 1

  ; A repeated string instruction can be interrupted, and goes on.
  mov dword [abs shared], 0
  WRITE 0x320, 0x50
  WRITE 0x380, 20000
  mov rdi, 0x400000
  mov ecx, 0x800000
  xor eax, eax
  sti
  rep stosb
  cli
  mov rax, rdi
  CHECK_EQ "an interrupted REP STOS finishes", eax, 0xc00000
  sti
  AWAIT shared, 1
  cli
  mov eax, [abs shared]
  CHECK_EQ "and its interrupt was taken once", eax, 1

  ; The second processor
  mov dword [abs shared + 16], 0
  WRITE 0x310, 1 << 24
  WRITE 0x300, 0x4500          ; INIT
  WRITE 0x300, 0x4600 | AP_PAGE
  AWAIT shared + 16, 1
  mov eax, [abs shared + 16]
  CHECK_EQ "INIT and SIPI start the second processor", eax, 1
  mov eax, [abs shared + 20]
  CHECK_EQ "with the page of the vector in CS", eax, AP_PAGE << 8
  mov eax, [abs shared + 24]
  CHECK_EQ "its APIC ID is 1", eax, 1 << 24
  mov eax, [abs shared + 28]
  and eax, 0x900
  CHECK_EQ "it is not the bootstrap processor", eax, 0x800

  ; IPIs
  mov dword [abs shared + 32], 0
  WRITE 0x310, 1 << 24
  WRITE 0x300, 0x4055
  AWAIT shared + 32, 1
  mov eax, [abs shared + 32]
  CHECK_EQ "a physical IPI", eax, 1
  WRITE 0xd0, 1 << 24          ; logical IDs: 1 here, 2 there
  WRITE 0x310, 2 << 24
  WRITE 0x300, 0x4855
  AWAIT shared + 32, 2
  mov eax, [abs shared + 32]
  CHECK_EQ "a logical IPI", eax, 2
  WRITE 0x300, 0xc4055         ; all but self
  AWAIT shared + 32, 3
  mov eax, [abs shared + 32]
  CHECK_EQ "an IPI to all others", eax, 3
  ; Two running processors: both add with LOCK.
  mov dword [abs shared + 36], 1
  WRITE 0x310, 1 << 24
  WRITE 0x300, 0x4055
  mov ecx, 1000
.add:
  lock inc dword [abs shared + 40]
  dec ecx
  jnz .add
  AWAIT shared + 44, 1
  mov eax, [abs shared + 40]
  CHECK_EQ "locked additions of two processors all count", eax, 2000
  ; Lowest priority: only one of them gets it.
  mov dword [abs shared + 32], 0
  WRITE 0x310, 3 << 24
  WRITE 0x300, 0x4955
  sti
  AWAIT shared + 32, 1
  nop
  cli
  mov eax, [abs shared + 32]
  CHECK_EQ "lowest priority reaches one processor", eax, 1

  ; x2APIC
  mov ecx, 0x1b
  rdmsr
  or eax, 0x400
  wrmsr
  mov ecx, 0x802
  rdmsr
  CHECK_EQ "x2APIC: the ID", eax, 0
  mov ecx, 0x80d
  rdmsr
  CHECK_EQ "x2APIC: the logical ID", eax, 1
  mov dword [abs shared + 4], 0
  mov ecx, 0x83f
  mov eax, 0x45
  xor edx, edx
  wrmsr
  sti
  nop
  nop
  cli
  mov eax, [abs shared + 4]
  CHECK_EQ "x2APIC: self IPI", eax, 1
  mov dword [abs shared + 32], 0
  mov ecx, 0x830
  mov edx, 1
  mov eax, 0x4055
  wrmsr
  AWAIT shared + 32, 1
  mov eax, [abs shared + 32]
  CHECK_EQ "x2APIC: an IPI by ID", eax, 1
  FAULT_BEGIN "x2APIC: a reserved register is #GP(0)", 13, 0
  mov ecx, 0x80e
  rdmsr
  FAULT_END
  FAULT_BEGIN "x2APIC: back to xAPIC directly is #GP(0)", 13, 0
  mov ecx, 0x1b
  rdmsr
  and eax, ~0x400
  wrmsr
  FAULT_END

  EXIT

on_timer:
  inc dword [abs shared]
  jmp eoi
on_ipi:
  lock inc dword [abs shared + 32]
  jmp eoi
on_low:
  inc dword [abs shared + 4]
  push rax
  mov ecx, 0x1b
  rdmsr
  test eax, 0x400
  jnz .x2
  READ 0x120
  mov [abs shared + 8], eax
.x2:
  pop rax
  mov ecx, [abs shared + 4]
eoi:
  push rax
  push rcx
  push rdx
  mov ecx, 0x1b
  rdmsr
  test eax, 0x400
  jnz .x2
  WRITE 0xb0, 0
  jmp .done
.x2:
  mov ecx, 0x80b
  xor eax, eax
  xor edx, edx
  wrmsr
.done:
  pop rdx
  pop rcx
  pop rax
  iretq
on_nmi:
  inc dword [abs shared + 12]
  cmp dword [abs shared + 48], 0
  je .done
  mov dword [abs shared + 48], 0
  push rax
  WRITE 0x300, 0x44400
  nop
  mov eax, [abs shared + 12]
  mov [abs shared + 52], eax
  pop rax
.done:
  iretq
on_spurious:
  iretq

bits 16
ap_start:
  cli
  xor ax, ax
  mov ds, ax
  mov word [0x500], cs
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
  WRITE 0xd0, 2 << 24
  movzx eax, word [abs 0x500]
  mov [abs shared + 20], eax
  READ 0x20
  mov [abs shared + 24], eax
  mov ecx, 0x1b
  rdmsr
  mov [abs shared + 28], eax
  mov dword [abs shared + 16], 1
  sti
.wait:
  hlt
  cmp dword [abs shared + 36], 0
  je .wait
.go:
  mov ecx, 1000
.add:
  lock inc dword [abs shared + 40]
  dec ecx
  jnz .add
  mov dword [abs shared + 44], 1
.sleep:
  hlt
  jmp .sleep
