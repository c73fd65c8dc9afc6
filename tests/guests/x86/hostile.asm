; SPDX-License-Identifier: GPL-3.0-or-later
; What no program does that means well: jumps into the middle of its own instructions, code that is made as fast as possible, one page
; at thousands of addresses, code that pulls its own page away. All of it has to be right, to end, to need bounded memory (run-guest
; looks), and to leave the other processor alive.
%include "lm.inc"
%include "smp.inc"

%define area   0x800000        ; 8 MiB for code
%define shared_page 0x300000
%define tables 0x320000        ; page tables for the aliases
%define alias  0x8000000       ; linear address of the first
%define ALIASES 4096
%define beats  0x54000
%define beside 0x54040         ; where the other processor writes, if anywhere
%define entry  pt + (victim >> 12) * 8

%macro ALIVE_BEGIN 0
  mov eax, [abs beats]
  mov [abs beats_before], eax
%endmacro
%macro ALIVE_END 0
  mov ecx, 20000000
%%wait:
  mov eax, [abs beats]
  sub eax, [abs beats_before]
  cmp eax, 100
  jae %%alive
  pause
  dec ecx
  jnz %%wait
%%alive:
  cmp eax, 100
  setae al
  cmp al, 1
  REPORT "the other processor is alive"
%endmacro

main:
  START_PROCESSORS
  mov byte [abs idt + 14 * 16 + 4], 1

  ; B8 B8 B8 B8 B8: every byte is the start of an instruction, and part of four others
  ALIVE_BEGIN
  mov edi, area
  mov al, 0xb8
  mov ecx, 3000
  cld
  rep stosb
  mov al, 0xc3
  mov ecx, 16
  rep stosb
  xor r13d, r13d
  mov r15d, 3
.passes:
  xor r14d, r14d
.offset:
  lea ebx, [r14 + area]
  call rbx
  mov edx, eax
  mov eax, 2999                ; the last one that is executed starts at
  sub eax, r14d
  xor ecx, ecx
  mov r8d, edx
  xor edx, edx
  mov ecx, 5
  div ecx
  imul eax, eax, 5
  add eax, r14d
  cmp r8d, [rax + area + 1]
  jne .middle_end
  inc r13d
  inc r14d
  cmp r14d, 3000
  jb .offset
  dec r15d
  jnz .passes
.middle_end:
  CHECK_EQ "code is entered at each of its bytes", r13d, 9000
  ; jmp into its own second byte: eb ff c0 is inc eax there
  mov dword [abs area], 0xc3c0ffeb
  mov ecx, 1000
  xor eax, eax
.own_middle:
  mov ebx, area
  call rbx
  dec ecx
  jnz .own_middle
  CHECK_EQ "a jump into its own middle", eax, 1000
  ALIVE_END

  ; Code as fast as it can be made
  ALIVE_BEGIN
  mov r14d, 150000
  mov edi, area
  xor r13d, r13d
.make:
  mov byte [rdi], 0xb8
  mov [rdi + 1], r14d
  mov byte [rdi + 5], 0xc3
  call rdi
  cmp eax, r14d
  jne .make_end
  inc r13d
  add edi, 48
  cmp edi, area + 0x7ff000
  jb .room
  mov edi, area
.room:
  dec r14d
  jnz .make
.make_end:
  CHECK_EQ "150,000 functions, each made and called once", r13d, 150000
  ALIVE_END
  ALIVE_BEGIN
  mov r14d, 20000
  mov edi, area + 0x123
  xor r13d, r13d
.remake:
  mov byte [rdi], 0xb8
  mov [rdi + 1], r14d
  mov byte [rdi + 5], 0xc3
  call rdi
  cmp eax, r14d
  jne .remake_end
  inc r13d
  dec r14d
  jnz .remake
.remake_end:
  CHECK_EQ "20,000 functions at the same place", r13d, 20000
  ALIVE_END

  ; One page at thousands of addresses
  ALIVE_BEGIN
  mov edi, tables
  mov eax, shared_page | 7
  mov ecx, ALIASES
.table:
  mov [rdi], rax
  add edi, 8
  dec ecx
  jnz .table
  mov edi, pd + (alias >> 21) * 8
  mov eax, tables | 7
  mov ecx, ALIASES / 512
.directory:
  mov [rdi], rax
  add edi, 8
  add eax, 0x1000
  dec ecx
  jnz .directory
  mov rax, cr3
  mov cr3, rax
  mov esi, where_am_i
  mov edi, shared_page + 0x100
  mov ecx, where_am_i_end - where_am_i
  rep movsb
  xor r13d, r13d
  mov r15d, 3
.alias_passes:
  mov r14d, alias + 0x100
.alias:
  mov [abs shared_page + 0x100 + where_am_i.value - where_am_i], r14d
  call r14
  cmp eax, r14d
  jne .alias_end
  cmp edx, r14d
  jne .alias_end
  inc r13d
  add r14d, 0x1000
  cmp r14d, alias + ALIASES * 0x1000
  jb .alias
  dec r15d
  jnz .alias_passes
.alias_end:
  CHECK_EQ "a page at 4096 addresses, changed before each call", r13d, ALIASES * 3
  xor r13d, r13d
  mov dword [abs shared_page + 0x100 + where_am_i.value - where_am_i], 7
  mov r15d, 10
.calm_passes:
  mov r14d, alias + 0x100
.calm:
  call r14
  cmp eax, r14d
  jne .calm_end
  cmp edx, 7
  jne .calm_end
  inc r13d
  add r14d, 0x1000
  cmp r14d, alias + ALIASES * 0x1000
  jb .calm
  dec r15d
  jnz .calm_passes
.calm_end:
  CHECK_EQ "the same unchanged, ten times each", r13d, ALIASES * 10
  ALIVE_END

  ; Code that pulls its own page away
  mov qword [abs entry], victim | 7
  invlpg [abs victim]
  mov esi, pull
  mov edi, victim
  mov ecx, pull_end - pull
  rep movsb
  mov r14d, 500
  xor r13d, r13d
.pull:
  mov qword [abs entry], victim | 7
  invlpg [abs victim]
  mov dword [abs got_vector], -1
  mov qword [abs resume], .pulled
  mov [abs saved_rsp], rsp
  mov eax, victim
  call rax
  jmp .pull_end
.pulled:
  mov rsp, [abs saved_rsp]
  cmp dword [abs got_vector], 14
  jne .pull_end
  cmp dword [abs got_error], 0x10
  jne .pull_end
  cmp qword [abs got_rip], victim + pull.after - pull
  jne .pull_end
  inc r13d
  dec r14d
  jnz .pull
.pull_end:
  CHECK_EQ "code that pulls its own page away faults right behind", r13d, 500
  ; ... its own stack
  mov r14d, 500
  xor r13d, r13d
.stack:
  mov qword [abs entry], victim | 7
  invlpg [abs victim]
  mov dword [abs got_vector], -1
  mov qword [abs resume], .stack_gone
  mov [abs saved_rsp], rsp
  mov rsp, victim + 0x800
  call pull
  jmp .stack_end
.stack_gone:
  mov rsp, [abs saved_rsp]
  cmp qword [abs got_rip], pull.ret
  jne .stack_end
  cmp qword [abs got_cr2], victim + 0x7f8
  jne .stack_end
  inc r13d
  dec r14d
  jnz .stack
.stack_end:
  CHECK_EQ "code that pulls its stack away faults at its return", r13d, 500
  mov qword [abs entry], victim | 7
  invlpg [abs victim]

  ; Where nothing is
  mov r14d, 200
  xor r13d, r13d
.nothing:
  mov qword [abs resume], .nothing_fault
  mov [abs saved_rsp], rsp
  mov eax, 0x5000000           ; behind the end of memory: all ones
  call rax
.nothing_fault:
  mov rsp, [abs saved_rsp]
  cmp dword [abs got_vector], 6
  jne .nothing_end
  cmp qword [abs got_rip], 0x5000000
  jne .nothing_end
  mov qword [abs resume], .canonical_fault
  mov [abs saved_rsp], rsp
  mov rax, 0x800000000000
  push rax
.canonical_ret:
  ret
.canonical_fault:
  mov rsp, [abs saved_rsp]
  cmp dword [abs got_vector], 13
  jne .nothing_end
  inc r13d
  dec r14d
  jnz .nothing
.nothing_end:
  CHECK_EQ "calls to where nothing is, and returns to no address", r13d, 200

  ; A megabyte of straight code
  mov edi, area
  mov ecx, 0x100000
  mov al, 0x90
  rep stosb
  mov byte [rdi], 0xc3
  mov r13d, 20
.straight:
  mov eax, area
  call rax
  dec r13d
  jnz .straight
  CHECK_EQ "a megabyte without a branch, twenty times", r13d, 0

  ; Flushes all the time
  ALIVE_BEGIN
  mov r14d, 20000
  xor r13d, r13d
.flush:
  invlpg [abs area]
  mov eax, area + 0xffff0
  call rax
  mov rax, cr3
  mov cr3, rax
  call count_up
  dec r14d
  jnz .flush
  CHECK_EQ "a flush before each call", r13d, 20000

  ; The other processor writes beside the code that runs
  mov edi, shared_page
  mov esi, sum_up
  mov ecx, sum_up_end - sum_up
  rep movsb
  mov dword [abs beside], shared_page + 0x800
  mov r14d, 2000
  xor r13d, r13d
.beside:
  mov eax, shared_page
  call rax
  add r13d, eax
  dec r14d
  jnz .beside
  mov dword [abs beside], 0
  CHECK_EQ "sums while the other processor writes to the page", r13d, 2000 * 5050
  ALIVE_END
  EXIT

where_am_i:                    ; EAX: its own address, EDX: a number
  lea rax, [rel where_am_i]
  mov edx, strict dword 0
.value equ $ - 4
  ret
where_am_i_end:
pull:
  mov qword [abs entry], 0
  invlpg [abs victim]
.after:
  nop
.ret:
  ret
pull_end:
count_up:
  inc r13d
  ret
sum_up:
  xor eax, eax
  mov ecx, 100
.next:
  add eax, ecx
  dec ecx
  jnz .next
  ret
sum_up_end:

ap_main:
  mov eax, [abs beside]
  test eax, eax
  jz .beat
  inc dword [rax]
.beat:
  lock inc dword [abs beats]
  pause
  jmp ap_main

section .data
align 8
beats_before dd 0
