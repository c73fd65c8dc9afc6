; SPDX-License-Identifier: GPL-3.0-or-later
; The benchmarks in a guest: those of bodies.inc, and those that need a system. bench.c writes what to do to `order`, and takes
; the time when port `PORT_MARK` is written.
%include "lm.inc"

%define PORT_MARK 0xe0
%define order  0x7000          ; number in the table, rounds, rounds to warm up with; then the sum
%define buffer 0x400000
%define other_pml4 0x105000
%define touched    0x60000     ; pages of 4 KiB

default rel

%macro GATE 2                  ; vector, handler
  mov eax, %2
  mov [abs idt + (%1) * 16], ax
  shr eax, 16
  mov [abs idt + (%1) * 16 + 6], ax
%endmacro

main:
  mov rax, cr4
  or eax, 1 << 18              ; OSXSAVE
  mov cr4, rax
  xor ecx, ecx
  xor edx, edx
  mov eax, 7
  xsetbv
  fninit
  GATE 14, on_page_fault
  mov ecx, 0xc0000081          ; STAR: SYSCALL to KCODE, SYSRET to UCODE
  xor eax, eax
  mov edx, 0x1b << 16 | KCODE
  wrmsr
  mov ecx, 0xc0000082          ; LSTAR
  mov eax, on_syscall
  xor edx, edx
  wrmsr
  mov ecx, 0xc0000084          ; FMASK
  xor eax, eax
  wrmsr
  mov rsi, pml4
  mov rdi, other_pml4
  mov ecx, 512
  cld
  rep movsq
  mov rdi, [abs order + 16]
  test rdi, rdi
  jz .warm
  call run
.warm:
  out PORT_MARK, al
  mov rdi, [abs order + 8]
  call run
  out PORT_MARK, al
  mov [abs order + 24], rax
  EXIT

run:
  mov rax, [abs order]
  mov esi, buffer
  mov edx, buffer
  jmp [abs table + rax * 8]

; --- With a system ---

%include "bodies.inc"

BODY syscall_round
  mov r8, rsp
  mov [abs saved_rsp], rsp
  mov qword [abs resume], .back
  TO_USER .user
.user:
  xor ebx, ebx
.round:
  syscall
  dec rdi
  jnz .round
  int 0x40                     ; to `resume`
.back:
  mov rsp, [abs saved_rsp]
  mov rax, rbx
  ret

on_syscall:
  inc rbx
  o64 sysret

BODY page_fault
  xor eax, eax
.round:
  and byte [abs pt + (touched >> 12) * 8], 0xfe
  invlpg [abs touched]
  add rax, [abs touched]
  dec rdi
  jnz .round
  ret

; For this program's faults only: anything else is a mistake that lm.inc reports.
on_page_fault:
  test byte [abs pt + (touched >> 12) * 8], 1
  jnz stub_14
  or byte [abs pt + (touched >> 12) * 8], 1
  inc rax
  add rsp, 8
  iretq

BODY switch_cr3
  mov ecx, pml4
  mov r8d, other_pml4
  xor eax, eax
.round:
  xchg rcx, r8
  mov cr3, rcx
%assign page 0
%rep 8
  add [abs touched + page * 4096], rdi
%assign page page + 1
%endrep
  add rax, [abs touched]
  dec rdi
  jnz .round
  mov ecx, pml4
  mov cr3, rcx
  ret

BODY invlpg_load
  xor eax, eax
.round:
  invlpg [abs touched]
  add rax, [abs touched]
  inc rax
  dec rdi
  jnz .round
  ret

section .data
align 8
table:
  USER_TABLE
  dq syscall_round, page_fault, switch_cr3, invlpg_load
