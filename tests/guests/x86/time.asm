; SPDX-License-Identifier: GPL-3.0-or-later
; The time-stamp counter goes forward, on each processor and from one to the other, and timers do not come before their time.
%include "lm.inc"
%include "smp.inc"

%define ticks  0x54000
%define came   0x54008         ; TSC when the last interrupt came
%define last   0x54040         ; under `lock`
%define lock_word 0x54080
%define mistakes 0x540c0
%define ROUNDS 20000

%macro TSC 1                   ; to a register; RAX and RDX are lost
  rdtsc
  shl rdx, 32
  or rax, rdx
  mov %1, rax
%endmacro

main:
  START_PROCESSORS
  GATE 0x50, on_timer
  GATE 0x5f, on_spurious
  WRITE 0x3e0, 0xb             ; divide by 1

  TSC r8
  mov ecx, 100000
  xor r13d, r13d
.forward:
  TSC r9
  cmp r9, r8
  jb .forward_end
  mov r8, r9
  inc r13d
  dec ecx
  jnz .forward
.forward_end:
  CHECK_EQ "RDTSC never goes back", r13d, 100000

  mov r14d, 10000
  xor r13d, r13d
.kinds:
  TSC r8
  rdtscp
  shl rdx, 32
  lea r9, [rax + rdx]
  mov ecx, 0x10
  rdmsr
  shl rdx, 32
  lea r10, [rax + rdx]
  TSC r11
  cmp r9, r8
  jb .kinds_end
  cmp r10, r9
  jb .kinds_end
  cmp r11, r10
  jb .kinds_end
  inc r13d
  dec r14d
  jnz .kinds
.kinds_end:
  CHECK_EQ "RDTSC, RDTSCP and the MSR agree on the order", r13d, 10000

  ; Each in turn reads it and compares with what the one before has read
  call barrier
  call pass_on
  call barrier
  mov eax, [abs mistakes]
  CHECK_EQ "it goes forward from processor to processor", eax, 0

  ; Deadlines
  mov eax, 1
  cpuid
  bt ecx, 24
  jnc .no_deadline
  WRITE 0x320, 0x40050
  mov r14d, 100
  xor r13d, r13d
.deadline:
  mov dword [abs ticks], 0
  TSC r15
  add r15, 50000
  mov eax, r15d
  mov rdx, r15
  shr rdx, 32
  mov ecx, 0x6e0
  wrmsr
  test r14d, 1
  jz .sleep
  sti
  mov ecx, 20000000
.loop:
  cmp dword [abs ticks], 0
  jne .fired
  dec ecx
  jnz .loop
  jmp .deadline_end
.sleep:
  sti
  hlt
  cli
  cmp dword [abs ticks], 0
  je .sleep
.fired:
  cli
  cmp [abs came], r15
  jb .deadline_end
  inc r13d
  dec r14d
  jnz .deadline
.deadline_end:
  CHECK_EQ "a deadline is not early, in a loop or in HLT", r13d, 100
.no_deadline:
  WRITE 0x320, 0x10050

  ; A periodic timer: TSC cycles between the first and the 21st tick, against those of one long one-shot
  WRITE 0x320, 0x10050
  xor r15d, r15d
  mov r14d, 5
.calibrate_again:
  WRITE 0x380, 0xffffffff
  mov eax, APIC + 0x390
  mov ebx, [rax]
  TSC r8
  mov ecx, 20000
.calibrate:
  pause
  dec ecx
  jnz .calibrate
  TSC r9
  mov eax, APIC + 0x390
  mov ecx, [rax]
  sub ebx, ecx                 ; counts, and at most as many cycles as they took
  sub r9, r8
  WRITE 0x380, 0
  ; cycles of 100000 counts, at least: the most that was seen, since the host may take its processor away in between
  mov eax, 100000
  mul r9
  mov ecx, ebx
  div rcx
  cmp rax, r15
  cmova r15, rax
  dec r14d
  jnz .calibrate_again
  xor r13d, r13d
  mov r14d, 10
.period:
  mov dword [abs ticks], 0
  WRITE 0x320, 0x20050
  TSC r12
  WRITE 0x380, 100000
  sti
  mov ecx, 200000000
.wait:
  pause
  dec ecx
  jz .period_end
  cmp dword [abs ticks], 5
  jb .wait
  cli
  WRITE 0x320, 0x10050
  WRITE 0x380, 0
  ; one more may be pending, and would be the first of the next round
  sti
  nop
  cli
  mov rax, [abs came]
  sub rax, r12
  ; at least 5 periods, with an eighth of tolerance
  mov ebx, [abs ticks]
  imul rbx, r15
  mov rcx, rax
  shr rcx, 3
  add rax, rcx
  cmp rax, rbx
  jb .period_end
  inc r13d
  dec r14d
  jnz .period
.period_end:
  CHECK_EQ "five periods of a timer take no less than five times one", r13d, 10
  EXIT

on_timer:
  push rax
  push rdx
  rdtsc
  shl rdx, 32
  or rax, rdx
  mov [abs came], rax
  inc dword [abs ticks]
  WRITE 0xb0, 0
  pop rdx
  pop rax
on_spurious:
  iretq

pass_on:
  mov ebp, ROUNDS
.next:
  mov eax, 1
  xchg [abs lock_word], eax
  test eax, eax
  jz .mine
  pause
  jmp .next
.mine:
  TSC r8
  cmp r8, [abs last]
  jae .later
  inc dword [abs mistakes]
.later:
  mov [abs last], r8
  mov dword [abs lock_word], 0
  dec ebp
  jnz .next
  ret

ap_main:
  call barrier
  call pass_on
  call barrier
.sleep:
  hlt
  jmp .sleep
