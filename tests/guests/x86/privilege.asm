; SPDX-License-Identifier: GPL-3.0-or-later
; System instructions in code that is known: SYSCALL and SYSRET with every odd setting of their registers, the flags that they
; carry, what a program may not do, SWAPGS and the bases, STAC and CLAC, PUSHF, CLI and STI. Each many times.
%include "lm.inc"
%include "smp.inc"

%define ROUNDS 300
%define taken 0x54000
%define user_data 0x70000
; Not beside code, which would not stay translated.
%define entry_flags 0x55000
%define entry_r11   0x55008
%define user_flags  0x55010
%define ipi_rip     0x55018
%define at_entry    0x55020
%define user_done   0x55028
%define STAR_PLAIN (((UCODE32 & ~3) | 3) << 16 | KCODE)

%macro MSR 3                   ; index, high, low
  mov ecx, %1
  mov edx, %2
  mov eax, %3
  wrmsr
%endmacro

main:
  WRITE 0xf0, 0x15f
  GATE 0x55, on_ipi
  mov qword [abs at_entry], 0
  MSR 0xc0000081, STAR_PLAIN, 0
  MSR 0xc0000082, 0, on_syscall
  MSR 0xc0000084, 0, 0x257fd5

  mov r15d, 0x202
  mov ebp, 0x202
  call run_user
  CHECK_EQ "system calls", r13d, ROUNDS
  mov rax, [abs entry_flags]
  CHECK_EQ "all of Linux' mask is cleared", eax, 2
  mov rax, [abs user_flags]
  CHECK_EQ "and comes back", eax, 0x202

  mov r15d, 0x8d5 | 2
  mov ebp, 0x8d5 | 2
  call run_user
  mov rax, [abs entry_r11]
  CHECK_EQ "R11 has the arithmetic flags", eax, 0x8d5 | 2
  mov rax, [abs user_flags]
  CHECK_EQ "and comes back into them", eax, 0x8d5 | 2

  MSR 0xc0000084, 0, 0
  mov r15d, 0x40ed7            ; AC, OF, DF, IF and the arithmetic ones but OF's like
  mov ebp, 0x202
  call run_user
  CHECK_EQ "system calls without a mask", r13d, ROUNDS
  mov rax, [abs entry_flags]
  CHECK_EQ "leave all flags", eax, 0x40ed7
  MSR 0xc0000084, 0, 0x44
  mov r15d, 0x202 | 0x8d5
  mov ebp, 0x202
  call run_user
  mov rax, [abs entry_flags]
  CHECK_EQ "a mask of single flags", eax, 0x202 | (0x8d5 & ~0x44)
  MSR 0xc0000084, 0, 0x257fd5

  ; Flags on the way back
  mov r15d, 2
  mov ebp, 0x3c7ed7 & ~0x180000
  call run_user
  mov rax, [abs user_flags]
  CHECK_EQ "SYSRET loads AC, ID, NT, IOPL and DF", eax, 0x3c7ed7 & ~0x180000
  mov r15d, 2
  mov ebp, 0x30002             ; RF and VM
  call run_user
  mov rax, [abs user_flags]
  CHECK_EQ "but neither RF nor VM", eax, 2
  mov r15d, 2
  mov ebp, 0x102
  FAULT_BEGIN "TF of R11 traps in the program", 1, 0x1eeeeeee
  call run_user
  FAULT_END
  mov rax, [abs got_cs]
  CHECK_EQ "behind its first instruction", eax, UCODE
  mov rax, [abs got_rip]
  CHECK_EQ "there", eax, user_loop.first

  ; Selectors
  MSR 0xc0000081, 0xffff0000 | KCODE | 3, 0
  FAULT_BEGIN "a strange STAR", 0x51, 0x1eeeeeee
  mov qword [abs at_entry], odd_star
  mov r15d, 2
  mov ebp, 2
  call run_user
odd_star:
  mov ax, cs
  mov [abs scratch], ax
  mov ax, ss
  mov [abs scratch + 2], ax
  mov rcx, user_odd
  mov r11d, 2
  o64 sysret
  FAULT_END
  mov qword [abs at_entry], 0
  mov ax, [abs scratch]
  CHECK_EQ "CS without its RPL", ax, KCODE
  mov ax, [abs scratch + 2]
  CHECK_EQ "SS is the next", ax, KDATA
  mov rax, [abs got_cs]
  CHECK_EQ "SYSRET's CS wraps", eax, 0xffff + 16 - 0x10000 | 3
  mov rax, [abs got_old_ss]
  CHECK_EQ "and its SS", eax, 0x10007 & 0xffff | 3
  MSR 0xc0000081, STAR_PLAIN, 0

  ; An interrupt that waits for SYSRET
  mov dword [abs taken], 0
  xor r13d, r13d
  mov r14d, ROUNDS
.waits:
  cli
  WRITE 0x300, 0x40055
  mov ecx, 3                   ; time to notice it, and to put it off
.notice:
  loop .notice
  mov rcx, user_int51
  mov r11d, 0x202
  mov [abs saved_rsp], rsp
  mov qword [abs resume], .waited
  mov rsp, user_stack
  o64 sysret
.waited:
  mov eax, [abs taken]
  mov rdx, [abs ipi_rip]
  cmp rdx, user_int51
  jne .late
  inc r13d
  cmp eax, r13d
  jne .late
  dec r14d
  jnz .waits
.late:
  CHECK_EQ "an interrupt comes right behind SYSRET", r13d, ROUNDS

  ; Privilege
%macro DENIED 2+
  FAULT_BEGIN %1, 13, 0
  mov qword [abs scratch + 0x100], %%user
  call to_user
%%user:
  %2
  int 0x51
  FAULT_END
%endmacro
  DENIED "CLI of a program", cli
  DENIED "STI of a program", sti
  DENIED "SWAPGS of a program", swapgs
  DENIED "CR2 of a program", mov rax, cr2
  DENIED "CR3 of a program", mov rax, cr3
  DENIED "SYSRET of a program", o64 sysret
  mov rax, cr4
  or eax, 1 << 2               ; TSD
  mov cr4, rax
  DENIED "RDTSC with TSD", rdtsc
  DENIED "RDTSCP with TSD", rdtscp
  rdtsc
  mov rax, cr4
  and eax, ~(1 << 2)
  or eax, 1 << 16              ; FSGSBASE
  mov cr4, rax

  ; Bases
  MSR 0xc0000101, 0x1111, 0x22223330
  MSR 0xc0000102, 0x4444, 0x55556660
  xor r13d, r13d
  mov r14d, ROUNDS
.bases:
  swapgs
  rdgsbase rax
  mov rbx, 0x444455556660
  cmp rax, rbx
  jne .based
  rdgsbase ecx
  cmp rcx, 0x55556660
  jne .based
  swapgs
  rdgsbase r14                 ; one that has no register of its own
  mov rbx, 0x111122223330
  cmp r14, rbx
  jne .based
  mov r11, 0x7ffffffffff0
  wrfsbase r11
  rdfsbase r15
  cmp r15, r11
  jne .based
  mov rax, -1
  wrfsbase eax
  rdfsbase rcx
  mov eax, eax
  cmp rax, rcx
  jne .based
  inc r13d
  cmp r13d, ROUNDS
  jne .bases
.based:
  CHECK_EQ "SWAPGS and the bases", r13d, ROUNDS
  FAULT_BEGIN "a base that is not canonical", 13, 0
  mov rax, 0x800000000000
  wrgsbase rax
  FAULT_END
  mov rax, cr4
  and eax, ~(1 << 16)
  mov cr4, rax
  FAULT_BEGIN "RDFSBASE without CR4.FSGSBASE", 6, 0x1eeeeeee
  rdfsbase rax
  FAULT_END

  ; Flags
  xor r13d, r13d
.flags:
  stc
  cli
  pushfq
  pop rax
  sti
  nop
  pushfq
  pop rbx
  std
  pushfq
  pop rdx
  cld
  cli
  pushfq
  pop rcx
  and eax, 0x601
  and ebx, 0x601
  and edx, 0x601
  and ecx, 0x601
  cmp eax, 0x001
  jne .flagged
  cmp ebx, 0x201
  jne .flagged
  cmp edx, 0x601
  jne .flagged
  cmp ecx, 0x001
  jne .flagged
  inc r13d
  cmp r13d, ROUNDS
  jne .flags
.flagged:
  CHECK_EQ "CLI, STI, STD, CLD and what PUSHF sees", r13d, ROUNDS

  ; SMAP: one page is the user's, everything else is not
  mov ecx, 512
.own:
  and dword [abs pt + rcx * 8 - 8], ~4
  loop .own
  or dword [abs pt + (user_data >> 12) * 8], 4
  mov rax, cr3
  mov cr3, rax
  mov rax, cr4
  or eax, 1 << 21
  mov cr4, rax
  xor r13d, r13d
.smap:
  stac
  mov [abs user_data], r13d
  stac
  mov eax, [abs user_data]
  pushfq
  clac
  pushfq
  clac
  mov ebx, [abs scratch]
  cmp eax, r13d
  jne .smapped
  pop rax
  pop rbx
  xor eax, ebx
  cmp eax, 0x40000
  jne .smapped
  inc r13d
  cmp r13d, ROUNDS
  jne .smap
.smapped:
  CHECK_EQ "STAC and CLAC", r13d, ROUNDS
  FAULT_BEGIN "a user's page right behind CLAC", 14, 1
  stac
  mov eax, [abs user_data]
  clac
  mov eax, [abs user_data]
  FAULT_END
  FAULT_BEGIN "a store to it", 14, 3
  mov [abs user_data], eax
  FAULT_END
  EXIT

ap_main:
  jmp ap_main

on_syscall:
  mov [abs entry_r11], r11
  pushfq
  pop qword [abs entry_flags]
  cmp qword [abs at_entry], 0
  jne .odd
  inc r13d
  cmp r13d, ROUNDS
  jae .last
.back:
  mov r11, rbp
  o64 sysret
.last:
  mov dword [abs user_done], 1
  jmp .back
.odd:
  jmp [abs at_entry]

; Flags R15 to user code, which calls until it is told to end.
run_user:
  mov dword [abs user_done], 0
  xor r13d, r13d
  mov rcx, user_loop
  mov r11, r15
  cmp qword [abs resume], 0
  jne .armed
  mov qword [abs resume], .back
  mov [abs saved_rsp], rsp
.armed:
  mov rsp, user_stack
  o64 sysret
.back:
  ret

to_user:
  mov rcx, [abs scratch + 0x100]
  mov r11d, 2
  mov rsp, user_stack
  o64 sysret

user_loop:
  push r15
  popfq
  syscall
  pushfq
.first:
  pop qword [abs user_flags]
  cmp dword [abs user_done], 0
  je user_loop
  int 0x51
user_odd:
  int 0x51
user_int51:
  int 0x51

on_ipi:
  push rax
  inc dword [abs taken]
  mov rax, [rsp + 8]
  mov [abs ipi_rip], rax
  WRITE 0xb0, 0
  pop rax
  iretq
