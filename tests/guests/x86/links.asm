; SPDX-License-Identifier: GPL-3.0-or-later
; Direct calls and jumps to other pages, whose code is rewritten, mapped elsewhere, or seen from two addresses.
%include "lm.inc"

%define area      0x70000      ; callers; what they call is in the next page
%define target    (area + 0x1000)
%define other     0x72000      ; what may stand in place of the target
%define twin      0x78000      ; area once more, but the next page is `other`
%define entry(page) pt + ((page) >> 12) * 8
%define ROUNDS    60
%define TIMES     12           ; calls in a row, so that whoever remembers does

; Calls %1 again and again. EBX: the sum of what came back.
%macro REPEAT 1
  mov r14d, TIMES
  xor ebx, ebx
%%again:
  mov eax, %1
  call rax
  add ebx, eax
  dec r14d
  jnz %%again
%endmacro

; Of each way to the next page: with a target that is rewritten, with others in its place, from two addresses.
%macro WAY 2                   ; name, code that goes there
  COPY area, %2
  COPY target, returns_one
  COPY other, returns_two
  ROUNDS_BEGIN
  mov [abs target + 1], r12d
  REPEAT area
  imul eax, r12d, TIMES
  cmp eax, ebx
  %strcat text %1, ": the target is rewritten"
  ROUNDS_END text
  mov dword [abs target + 1], 1
  ROUNDS_BEGIN
  REPEAT area
  mov r15d, ebx
  mov qword [abs entry (target)], other | 7
  invlpg [abs target]
  REPEAT area
  shl ebx, 8
  add r15d, ebx
  mov qword [abs entry (target)], target | 7
  invlpg [abs target]
  cmp r15d, TIMES * 0x201
  %strcat text %1, ": another page in its place, by INVLPG"
  ROUNDS_END text
  ROUNDS_BEGIN
  REPEAT area
  mov r15d, ebx
  mov qword [abs entry (target)], other | 7
  mov rax, cr3
  mov cr3, rax
  REPEAT area
  shl ebx, 8
  add r15d, ebx
  mov qword [abs entry (target)], target | 7
  mov rax, cr3
  mov cr3, rax
  cmp r15d, TIMES * 0x201
  %strcat text %1, ": another page in its place, by CR3"
  ROUNDS_END text
  ROUNDS_BEGIN
  REPEAT area
  mov r15d, ebx
  REPEAT twin
  shl ebx, 8
  add r15d, ebx
  cmp r15d, TIMES * 0x201
  %strcat text %1, ": from two addresses, for some time each"
  ROUNDS_END text
  ROUNDS_BEGIN
  mov eax, area
  call rax
  mov r15d, eax
  mov eax, twin
  call rax
  shl eax, 8
  add r15d, eax
  cmp r15d, 0x201
  %strcat text %1, ": from two addresses, in turns"
  ROUNDS_END text
%endmacro

main:
  mov qword [abs entry (twin)], area | 7
  mov qword [abs entry (twin + 0x1000)], other | 7
  mov rax, cr3
  mov cr3, rax
  WAY "CALL", calls
  WAY "JMP", jumps
  WAY "Jcc", branches
  WAY "straight on", goes_on

  ; The page with the call is rewritten after it has been linked
  COPY area, calls
  COPY target, returns_one
  ROUNDS_BEGIN
  mov byte [abs area + calls.two - calls], 0x90
  REPEAT area
  mov r15d, ebx
  mov byte [abs area + calls.two - calls], 0xc3
  REPEAT area
  add r15d, ebx
  cmp r15d, TIMES * 2
  ROUNDS_END "the caller is rewritten"

  ; Nothing there: the fault is the target's, with the call done
  ROUNDS_BEGIN
  REPEAT area
  mov qword [abs entry (target)], 0
  invlpg [abs target]
  mov dword [abs got_vector], -1
  mov qword [abs resume], .absent
  mov [abs saved_rsp], rsp
  mov eax, area
  call rax
.absent:
  mov rsp, [abs saved_rsp]
  mov qword [abs entry (target)], target | 7
  invlpg [abs target]
  mov eax, [abs got_vector]
  xor eax, 14
  mov rcx, [abs got_rip]
  sub rcx, target
  or rax, rcx
  mov rcx, [abs saved_rsp]
  sub rcx, [abs got_old_rsp]
  sub rcx, 16                  ; two return addresses
  or rax, rcx
  ROUNDS_END "a target that is absent"

  EXIT

calls:
  db 0xe8
  dd target - (area + 5)
.two:
  nop
  ret
calls_end:
jumps:
  db 0xe9
  dd target - (area + 5)
jumps_end:
branches:
  cmp eax, eax
  db 0x0f, 0x84
  dd target - (area + 8)
  ud2
branches_end:
goes_on:
  db 0xe9
  dd 0xff0 - 5
  times 0xff0 - 5 int3
  times 16 nop
goes_on_end:
returns_one:
  mov eax, strict dword 1
  ret
returns_one_end:
returns_two:
  mov eax, strict dword 2
  ret
returns_two_end:
