; SPDX-License-Identifier: GPL-3.0-or-later
; Several processors on the same words: counters by every locked operation, locks around plain ones, order of stores and loads,
; shootdowns. Nothing may be lost.
%include "lm.inc"
%include "smp.inc"

%define shared 0x54000         ; counters, cleared before each
%define ROUNDS 10000
%define entry  pt + (victim >> 12) * 8
%define first  0x300000
%define second 0x301000

; All processors run %2 ROUNDS times. Afterwards %3 x ROUNDS x processors must be at shared.
%macro ALL_RUN 3+
  %push all_run
  jmp %%start
%%work:
  mov ebp, ROUNDS
%%again:
  %3
  dec ebp
  jnz %%again
  ret
%%start:
  mov edi, shared
  xor eax, eax
  mov ecx, 0x100
  cld
  rep stosd
  mov qword [abs job], %%work
  call barrier
  xor ebx, ebx
  call %%work
  call barrier
  mov eax, [abs n_cpus]
  imul eax, eax, ROUNDS * (%2)
  mov edx, [abs shared]
  mov [got], edx
  cmp edx, eax
  REPORT %1
  %pop
%endmacro

%macro by_xadd 0
  mov eax, 2
  lock xadd [abs shared], eax
%endmacro
%macro misaligned 0
  lock add dword [abs shared + 0x31], 3
  mov eax, [abs shared + 0x31]
  mov [abs shared], eax
%endmacro
%macro sub_dec 0
  lock sub dword [abs shared], 2
  lock dec dword [abs shared]
%endmacro
%macro side_by_side 0
  lock inc dword [abs shared]
  lock inc byte [abs shared + 4]
  lock inc byte [abs shared + 5]
  lock inc word [abs shared + 6]
  lock inc qword [abs shared + 8]
%endmacro
%macro by_cmpxchg 0
  mov eax, [abs shared]
%%retry:
  lea ecx, [rax + 1]
  lock cmpxchg [abs shared], ecx
  jnz %%retry
%endmacro
%macro by_cmpxchg8b 0
  push rbx
  mov eax, [abs shared]
  mov edx, [abs shared + 4]
%%retry:
  mov ebx, eax
  mov ecx, edx
  add ebx, 1
  adc ecx, 0
  lock cmpxchg8b [abs shared]
  jnz %%retry
  pop rbx
%endmacro
%macro by_cmpxchg16b 0         ; both halves count; seen at once they are equal
  push rbx
%%retry:
  xor eax, eax
  xor edx, edx
  xor ebx, ebx
  xor ecx, ecx
  lock cmpxchg16b [abs shared]
  jz %%was_zero
  mov rbx, rax
  sub rbx, rdx
  lock or [abs shared + 0x40], ebx
  lea rbx, [rax + 1]
  lea rcx, [rdx + 1]
  lock cmpxchg16b [abs shared]
  jnz %%retry
  jmp %%done
%%was_zero:
  xor eax, eax
  xor edx, edx
  mov ebx, 1
  mov ecx, 1
  lock cmpxchg16b [abs shared]
  jnz %%retry
%%done:
  pop rbx
%endmacro
%macro by_xchg_lock 0
%%take:
  mov eax, 1
  xchg [abs shared + 0x40], eax
  test eax, eax
  jz %%mine
  pause
  jmp %%take
%%mine:
  inc dword [abs shared]
  mov dword [abs shared + 0x40], 0
%endmacro
%macro by_bts_lock 0
%%take:
  lock bts dword [abs shared + 0x40], 5
  jnc %%mine
  pause
  jmp %%take
%%mine:
  inc dword [abs shared]
  lock btr dword [abs shared + 0x40], 5
%endmacro
%macro by_cmpxchg_lock 0
%%take:
  xor eax, eax
  mov ecx, 1
  lock cmpxchg [abs shared + 0x40], ecx
  jz %%mine
  pause
  jmp %%take
%%mine:
  inc dword [abs shared]
  mov dword [abs shared + 0x40], 0
%endmacro
%macro by_ticket 0
  mov eax, 1
  lock xadd [abs shared + 0x40], eax
%%wait:
  cmp [abs shared + 0x80], eax
  je %%mine
  pause
  jmp %%wait
%%mine:
  inc dword [abs shared]
  inc dword [abs shared + 0x80]
%endmacro
%macro by_big_lock 0
%%take:
  mov eax, 1
  xchg [abs shared + 0x40], eax
  test eax, eax
  jz %%mine
  pause
  jmp %%take
%%mine:
  call big_work
  mov dword [abs shared + 0x40], 0
%endmacro
%macro own_bits 0
  mov ecx, ebx
  shl ecx, 3
  mov eax, 0xa5
  shl eax, cl
  lock xor [abs shared + 0x80], eax
  mov edx, eax
  not edx
  mov r8d, [abs shared + 0x80]
  and r8d, eax
  lock and [abs shared + 0x80], edx
  test ebp, 1
  jz %%even
  lock or [abs shared + 0x80], eax
%%even:
  xor r8d, eax
  jz %%fine
  lock inc dword [abs shared]
%%fine:
  lock and [abs shared + 0x80], edx
  lock not dword [abs shared + 0x90 + rbx * 4]
  lock neg dword [abs shared + 0xa0 + rbx * 4]
%endmacro

main:
  START_PROCESSORS
  ALL_RUN "LOCK INC", 1, lock inc dword [abs shared]
  ALL_RUN "LOCK ADD", 3, lock add dword [abs shared], 3
  ALL_RUN "LOCK ADD that no alignment helps", 3, misaligned
  ALL_RUN "LOCK XADD", 2, by_xadd
  ALL_RUN "LOCK SUB and LOCK DEC", -3, sub_dec
  ALL_RUN "LOCK INC of bytes, words and qwords side by side", 1, side_by_side
  ALL_RUN "LOCK CMPXCHG", 1, by_cmpxchg
  ALL_RUN "LOCK CMPXCHG8B", 1, by_cmpxchg8b
  ALL_RUN "LOCK CMPXCHG16B", 1, by_cmpxchg16b
  mov eax, [abs shared + 0x40]
  CHECK_EQ "whose halves were equal whenever one looked", eax, 0
  ALL_RUN "a lock by XCHG", 1, by_xchg_lock
  ALL_RUN "a lock by LOCK BTS", 1, by_bts_lock
  ALL_RUN "a lock by LOCK CMPXCHG", 1, by_cmpxchg_lock
  ; Fair, so that on a host with fewer processors each turn may take a time slice
%define ROUNDS 100
  ALL_RUN "a ticket lock", 1, by_ticket
%define ROUNDS 10000
  ALL_RUN "a lock around a function with calls, a string and vectors", 1, by_big_lock
  ALL_RUN "LOCK XOR, LOCK AND, LOCK OR, LOCK NOT, LOCK NEG of one's own bits", 0, own_bits

  ; Order: what is written first is seen first
  mov dword [abs shared], 0
  mov dword [abs shared + 0x80], 0
  mov dword [abs shared + 0x100], 0
  mov dword [abs shared + 0x180], 0
  mov qword [abs job], reader
  call barrier
  mov ecx, 20000
.writer:
  mov [abs shared], ecx        ; the data ...
  mov [abs shared + 0x80], ecx ; ... then the flag
  dec ecx
  jnz .writer
  mov dword [abs shared + 0x80], -1
  call barrier
  mov eax, [abs shared + 0x100]
  CHECK_EQ "stores are seen in their order", eax, 0

  ; Peterson's lock stands and falls with MFENCE; the first two processors
  mov dword [abs shared + 0x200], 0
  mov qword [abs job], peterson
  call barrier
  xor ebx, ebx
  call peterson
  call barrier
  mov eax, [abs shared + 0x200]
  mov edx, [abs n_cpus]
  cmp edx, 2
  jbe .two
  mov edx, 2
.two:
  imul edx, edx, ROUNDS
  mov [got], eax
  cmp eax, edx
  REPORT "a lock of loads, stores and MFENCE"

  ; Shootdowns: the others load from a page that this one moves
  mov dword [abs first], 1
  mov dword [abs second], 2
  mov qword [abs entry], first | 7
  invlpg [abs victim]
  mov dword [abs shared + 0x280], 0    ; acknowledged
  mov dword [abs shared + 0x300], 0    ; mistakes
  mov dword [abs shared + 0x380], 0    ; end
  GATE 0x56, on_shootdown
  mov qword [abs job], looker
  call barrier
  mov r14d, 100
  xor r13d, r13d
.shoot:
  mov eax, r14d
  and eax, 1
  shl eax, 12
  or eax, first | 7
  mov dword [abs shared + 0x280], 1
  mov [abs entry], rax
  invlpg [abs victim]
  cmp dword [abs n_cpus], 1
  je .alone
  WRITE 0x300, 0xc4056         ; to all but self
.alone:
  mov ecx, 50000000
.acknowledge:
  mov eax, [abs shared + 0x280]
  cmp eax, [abs n_cpus]
  je .acknowledged
  pause
  dec ecx
  jnz .acknowledge
  jmp .shoot_end
.acknowledged:
  ; Nobody sees the old page any more: what they read from here on is compared with this
  mov eax, r14d
  and eax, 1
  inc eax
  mov [abs shared + 0x340], eax
  lock inc dword [abs shared + 0x344]
  mov ecx, 200
.linger:
  pause
  dec ecx
  jnz .linger
  mov dword [abs shared + 0x340], 0
  mfence
  ; and nobody is in the middle of it
  mov ecx, [abs n_cpus]
.others:
  dec ecx
  jz .quiet
.busy:
  pause
  cmp dword [abs shared + 0x3c0 + rcx * 4], 0
  jne .busy
  jmp .others
.quiet:
  inc r13d
  dec r14d
  jnz .shoot
.shoot_end:
  mov dword [abs shared + 0x380], 1
  call barrier
  CHECK_EQ "every shootdown is acknowledged", r13d, 100
  mov eax, [abs shared + 0x300]
  CHECK_EQ "and nobody reads the old page afterwards", eax, 0
  mov qword [abs job], 0
  EXIT

on_shootdown:
  invlpg [abs victim]
  lock inc dword [abs shared + 0x280]
  EOI
  iretq

ap_main:
  call barrier
  mov rax, [abs job]
  call rax
  call barrier
  jmp ap_main

; Data after the flag must be as new as the flag, or newer (they count down).
reader:
  mov eax, [abs shared + 0x80]
  mov edx, [abs shared]
  cmp eax, -1
  je .done
  test eax, eax
  jz reader
  cmp edx, eax
  jbe reader
  lock inc dword [abs shared + 0x100]
  jmp reader
.done:
  ret

peterson:
  cmp ebx, 2
  jae .done
  mov ebp, ROUNDS
  mov ecx, ebx
  xor ecx, 1
  cmp dword [abs n_cpus], 1
  jne .next
  xor ecx, ecx
.next:
  mov dword [abs shared + 0x240 + rbx * 4], 1
  mov [abs shared + 0x260], ecx
  mfence
.wait:
  cmp dword [abs n_cpus], 1
  je .mine
  cmp dword [abs shared + 0x240 + rcx * 4], 0
  je .mine
  cmp [abs shared + 0x260], ecx
  jne .mine
  pause
  jmp .wait
.mine:
  inc dword [abs shared + 0x200]
  mov dword [abs shared + 0x240 + rbx * 4], 0
  dec ebp
  jnz .next
.done:
  ret

looker:
  sti
.next:
  mov dword [abs shared + 0x3c0 + rbx * 4], 1
  mfence
  mov ecx, [abs shared + 0x344]
  mov eax, [abs shared + 0x340]
  mov edx, [abs victim]
  cmp eax, 0
  je .quiet
  cmp edx, eax
  je .quiet
  ; between the two loads nothing may have changed: this processor is marked as busy
  lock inc dword [abs shared + 0x300]
.quiet:
  mov dword [abs shared + 0x3c0 + rbx * 4], 0
  pause
  cmp dword [abs shared + 0x380], 0
  je .next
  cli
  ret

big_work:
  mov esi, shared
  mov edi, shared + 0x100
  mov ecx, 4
  cld
  rep movsb
  movd xmm0, [abs shared + 0x100]
  mov eax, 1
  movd xmm1, eax
  paddd xmm0, xmm1
  movd [abs shared], xmm0
  ret
; Each processor has 8 bits of its own in a dword, which end as they began.

section .data
align 8
job dq 0
