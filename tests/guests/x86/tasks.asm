; SPDX-License-Identifier: GPL-3.0-or-later
; Hardware task switching: JMP, CALL, IRET, INT through task gates, 32- and 16-bit TSS.
%include "pm.inc"

%define GATE_TWO FREE
%define TSS_16   (FREE + 8)
%define tss_16   0x26000

; Fills a 32-bit TSS at %1: EIP %2, ESP %3, flags 2.
%macro FILL_TSS 3
  mov edi, %1
  xor eax, eax
  mov ecx, 0x68 / 4
  rep stosd
  mov dword [%1 + 0x20], %2
  mov dword [%1 + 0x24], 2
  mov dword [%1 + 0x38], %3
  mov dword [%1 + 0x48], KDATA
  mov dword [%1 + 0x4c], KCODE
  mov dword [%1 + 0x50], KDATA
  mov dword [%1 + 0x54], KDATA
  mov word [%1 + 0x66], 0x68
%endmacro

main:
  ; JMP to a TSS and back.
  FILL_TSS tss_two, task_jump, ring1_stack
  mov ebx, 0x12345678
  jmp TSS_TWO:0
  CHECK_EQ "a jump back resumes the old task after its jump", ebx, 0x12345678
  mov eax, [tss_two + 0x34]
  CHECK_EQ "the other task's EBX was saved", eax, 0x87654321
  mov al, [gdt + TSS_TWO + 5]
  CHECK_EQ "a task that jumped away is not busy", al, 0x89
  mov al, [gdt + TSS_MAIN + 5]
  CHECK_EQ "the running task is busy", al, 0x8b
  mov eax, cr0
  and eax, 8
  CHECK_EQ "a task switch sets CR0.TS", eax, 8
  clts
  jmp call_test

task_jump:
  mov ebx, 0x87654321
  jmp TSS_MAIN:0

call_test:
  ; CALL nests: link and NT; IRET goes back.
  FILL_TSS tss_two, task_call, ring1_stack
  call TSS_TWO:0
  mov eax, [scratch]
  CHECK_EQ "CALL sets NT in the new task", eax, 0x4000
  movzx eax, word [tss_two]
  CHECK_EQ "CALL writes the back link", eax, TSS_MAIN
  mov eax, [scratch + 4]
  CHECK_EQ "the caller stays busy", al, 0x8b
  mov al, [gdt + TSS_TWO + 5]
  CHECK_EQ "IRET clears busy in the task it leaves", al, 0x89
  mov eax, [tss_two + 0x24]
  and eax, 0x4000
  CHECK_EQ "IRET saves flags without NT", eax, 0
  str ax
  CHECK_EQ "IRET comes back to the caller's TSS", ax, TSS_MAIN
  ; a second CALL goes on after the IRET
  call TSS_TWO:0
  mov eax, [scratch + 8]
  CHECK_EQ "a task resumes after its IRET", eax, 0x55
  jmp gate_test

task_call:
  pushfd
  pop eax
  and eax, 0x4000
  mov [scratch], eax
  mov al, [gdt + TSS_MAIN + 5]
  mov [scratch + 4], al
  iretd
  mov dword [scratch + 8], 0x55
  iretd

gate_test:
  ; Task gates in the GDT and in the IDT.
  mov dword [gdt + GATE_TWO], TSS_TWO << 16
  mov dword [gdt + GATE_TWO + 4], 0xe500
  FILL_TSS tss_two, task_gate, ring1_stack
  mov dword [scratch], 0
  call GATE_TWO:0
  mov eax, [scratch]
  CHECK_EQ "CALL through a task gate", eax, 0x66
  mov dword [idt + 0x34 * 8], TSS_TWO << 16
  mov dword [idt + 0x34 * 8 + 4], 0xe500
  FILL_TSS tss_two, task_gate, ring1_stack
  mov dword [scratch], 0
  int 0x34
  mov eax, [scratch]
  CHECK_EQ "INT n through a task gate", eax, 0x66
  ; An exception with an error code pushes it on the new task's stack.
  mov dword [idt + 13 * 8], TSS_TWO << 16
  mov dword [idt + 13 * 8 + 4], 0xe500
  FILL_TSS tss_two, task_fault, ring1_stack
  mov ax, 0x3f8
.faulting:
  mov es, ax
  mov eax, [scratch]
  CHECK_EQ "a fault through a task gate pushes its error code", eax, 0x3f8
  mov eax, [scratch + 4]
  CHECK_EQ "and saves the faulting EIP in the old TSS", eax, .faulting
  mov eax, [scratch + 8]
  CHECK_EQ "on the stack of the new task", eax, ring1_stack - 4
  mov dword [idt + 13 * 8 + 2], KCODE
  mov eax, stub_13
  mov [idt + 13 * 8], ax
  mov word [idt + 13 * 8 + 4], 0xee00
  shr eax, 16
  mov [idt + 13 * 8 + 6], ax
  jmp bad_test

task_gate:
  mov dword [scratch], 0x66
  iretd

task_fault:
  mov [scratch + 8], esp
  pop eax
  mov [scratch], eax
  mov eax, [tss_main + 0x20]
  mov [scratch + 4], eax
  add dword [tss_main + 0x20], 2
  iretd

bad_test:
  mov byte [gdt + TSS_TWO + 5], 0x8b
  FAULT_BEGIN "a call to a busy task is #GP(selector)", 13, TSS_TWO
  call TSS_TWO:0
  FAULT_END
  mov byte [gdt + TSS_TWO + 5], 0x09
  FAULT_BEGIN "a call to an absent TSS is #NP(selector)", 11, TSS_TWO
  call TSS_TWO:0
  FAULT_END
  mov byte [gdt + TSS_TWO + 5], 0x89
  mov word [gdt + TSS_TWO], 0x66
  FAULT_BEGIN "a TSS that is too short is #TS(selector)", 10, TSS_TWO
  call TSS_TWO:0
  FAULT_END
  mov word [gdt + TSS_TWO], 0x67
  ; A bad segment in the new task faults in the new task.
  FILL_TSS tss_two, task_jump, ring1_stack
  mov dword [tss_two + 0x54], 0x3f8
  mov dword [tss_two + 0x38], kernel_stack - 0x800
  FAULT_BEGIN "a bad DS in a TSS is #TS(selector)", 10, 0x3f8
  jmp TSS_TWO:0
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "and belongs to the new task", eax, task_jump
  str ax
  CHECK_EQ "whose TSS is loaded by then", ax, TSS_TWO
  ; IRET with a bad link
  FILL_TSS tss_two, task_jump, ring1_stack
  mov word [tss_two], KDATA
  FAULT_BEGIN "IRET with NT and a bad link is #TS(selector)", 10, KDATA
  pushfd
  or dword [esp], 0x4000
  popfd
  iretd
  FAULT_END
  pushfd
  and dword [esp], ~0x4000
  popfd

  ; 16-bit TSS; we run in TSS_TWO now.
  mov dword [gdt + TSS_16], (tss_16 & 0xffff) << 16 | 0x2b
  mov dword [gdt + TSS_16 + 4], (tss_16 >> 16) | 0x8100
  mov edi, tss_16
  xor eax, eax
  mov ecx, 0x2c / 4
  rep stosd
  mov word [tss_16 + 14], (task16 - task16_base)
  mov word [tss_16 + 16], 2
  mov word [tss_16 + 26], 0x8000                ; SP
  mov word [tss_16 + 20], 0x1234                ; CX
  mov word [tss_16 + 34], KDATA
  mov word [tss_16 + 36], FREE + 16
  mov word [tss_16 + 38], KDATA
  mov word [tss_16 + 40], KDATA
  mov eax, task16_base
  mov dword [gdt + FREE + 16], 0xffff
  mov [gdt + FREE + 18], ax
  mov dword [gdt + FREE + 20], 0x00009b00
  shr eax, 16
  mov [gdt + FREE + 20], al
  call TSS_16:0
  mov eax, [scratch + 12]
  CHECK_EQ "a 16-bit TSS loads its registers", ax, 0x1234
  mov ax, [tss_16]
  CHECK_EQ "and links back", ax, TSS_TWO

  EXIT

bits 16
align 16
task16_base:
  nop
task16:
  mov [dword scratch + 12], cx
  iret
bits 32
