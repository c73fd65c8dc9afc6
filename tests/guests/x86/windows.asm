; SPDX-License-Identifier: GPL-3.0-or-later
; When interrupts come: shadows of STI and MOV SS, windows that open by POPF, IRET, CR8 and HLT, and loops of every kind that a
; timer has to end. Each a thousand times, so that the code is known.
%include "lm.inc"
%include "smp.inc"

%define taken 0x54000          ; interrupts
%define seen  0x54008          ; RBX when the last one came
%define ROUNDS 1000

%macro PEND 0                  ; an interrupt to self, held back by IF
  WRITE 0x300, 0x40055
%endmacro

; %2 runs with interrupts off, one pending, and RBX = 0. The interrupt must see RBX = %3.
%macro WINDOW 3+
  %push window
  %define %$want %2
  xor r13d, r13d
  mov r14d, ROUNDS
%%next:
  cli
  mov dword [abs taken], 0
  mov qword [abs seen], -1
  xor ebx, ebx
  PEND
  %3
  inc ebx
  inc ebx
  inc ebx
  cli
  cmp dword [abs taken], 1
  jne %%end
  cmp qword [abs seen], %$want
  jne %%end
  inc r13d
  dec r14d
  jnz %%next
%%end:
  CHECK_EQ %1, r13d, ROUNDS
  %pop
%endmacro

; A loop that nothing but the timer ends; the handler goes to %%out.
%macro ENDLESS 2+
  xor r13d, r13d
  mov r14d, 20
  mov r12, rsp
%%next:
  mov qword [abs escape], %%out
  mov dword [abs taken], 0
  WRITE 0x3e0, 0xb
  WRITE 0x320, 0x50
  WRITE 0x380, 20000
  mov ecx, -1
  mov edx, 1
  mov r8, rsp
  mov r9d, %%again
  sti
%%again:
  %2
  jmp %%again
%%out:
  cli
  mov rsp, r12
  cmp dword [abs taken], 1
  jne %%end
  inc r13d
  dec r14d
  jnz %%next
%%end:
  CHECK_EQ %1, r13d, 20
%endmacro

%macro sti_in 0
  sti
  in al, 0xe0
%endmacro
%macro sti_cld 0
  sti
  cld
%endmacro
%macro popf_on 0
  pushfq
  or dword [rsp], 0x200
  popfq
%endmacro
%macro iret_on 0
  mov r8, rsp
  push qword KDATA
  push r8
  push qword 0x202
  push qword KCODE
  push qword %%there
  iretq
%%there:
%endmacro
%macro cr8_on 0
  mov eax, 15
  mov cr8, rax
  sti
  times 3 nop
  xor eax, eax
  mov cr8, rax
%endmacro
%macro sti_hlt 0
  sti
  hlt
%endmacro
%macro sti_sti 0
  sti
  sti
%endmacro
%macro sti_jump 0
  sti
  jmp %%there
  ud2
%%there:
%endmacro
%macro sti_load 0
  sti
  mov eax, [abs scratch]
%endmacro
%macro sti_call 0
  sti
  call nothing
%endmacro
%macro endless_loop 0
%%self:
  loop %%self
  dec rcx
%endmacro
%macro endless_jnz 0
  test edx, edx
%%self:
  jnz %%self
%endmacro
%macro endless_memory 0
  mov [abs scratch], r9
  jmp [abs scratch]
%endmacro
%macro endless_return 0
  push r9
  ret
%endmacro
%macro endless_string 0
  mov rsi, 0x200000
  mov rdi, 0x400000
  mov ecx, 0x10000
  rep movsb
%endmacro
%macro endless_cpuid 0
  xor eax, eax
  cpuid
%endmacro

main:
  WRITE 0xf0, 0x15f
  GATE 0x55, on_ipi
  GATE 0x50, on_timer
  GATE 0x5f, on_spurious
  mov dword [abs 0x20ffe], 0xe1ff41      ; jmp r9

  WINDOW "STI lets one instruction pass", 1, sti
  WINDOW "STI before an access to a port", 0, sti_in
  WINDOW "STI before CLD", 0, sti_cld
  WINDOW "POPFQ opens the window at once", 0, popf_on
  WINDOW "IRETQ opens it at once", 0, iret_on
  WINDOW "MOV to CR8 opens it at once", 0, cr8_on
  WINDOW "STI, HLT: the interrupt ends it", 0, sti_hlt
  WINDOW "STI, STI: the second has no shadow", 0, sti_sti
  WINDOW "STI before a branch: taken at its target", 0, sti_jump
  WINDOW "STI before a load", 0, sti_load
  WINDOW "STI before a call: in the function", 0, sti_call

  ; Never a window
  xor r13d, r13d
  mov r14d, ROUNDS
  cli
  mov dword [abs taken], 0
  PEND
.never:
  sti
  cli
  pushfq
  pop rax
  test eax, 0x200
  jnz .never_end
  inc r13d
  dec r14d
  jnz .never
.never_end:
  cmp dword [abs taken], 0
  je .none
  xor r13d, r13d
.none:
  CHECK_EQ "STI, CLI opens no window", r13d, ROUNDS
  sti
  nop
  cli
  mov eax, [abs taken]
  CHECK_EQ "and the interrupt is still there", eax, 1

  ; MOV SS and POP SS hold off an interrupt that IF would allow; it comes by IRETQ's way, with a trap flag in between
  GATE 1, on_debug
  xor r13d, r13d
  mov r14d, ROUNDS
.shadow:
  mov qword [abs seen], -1
  xor ebx, ebx
  mov edx, KDATA
  pushfq
  or dword [rsp], 0x100
  popfq                        ; TF: a trap after each of what follows ...
  mov ss, edx                  ; ... but not after this one
  inc ebx
  inc ebx
  cmp dword [abs seen], 1
  jne .shadow_end
  inc r13d
  dec r14d
  jnz .shadow
.shadow_end:
  CHECK_EQ "MOV SS holds off a single-step trap by one instruction", r13d, ROUNDS

  ; Loops
  ENDLESS "a timer ends a jump to itself", jmp $
  ENDLESS "a loop of additions", add edx, 3
  ENDLESS "LOOP to itself", endless_loop
  ENDLESS "a conditional jump to itself", endless_jnz
  ENDLESS "calls and returns", call nothing
  ENDLESS "a jump by register", jmp r9
  ENDLESS "a jump by memory", endless_memory
  ENDLESS "a push and a return", endless_return
  ENDLESS "loads and stores", inc dword [abs scratch]
  ENDLESS "vectors", paddd xmm0, xmm1
  ENDLESS "a repeated string", endless_string
  ENDLESS "PAUSE", pause
  ENDLESS "CPUID", endless_cpuid
  ENDLESS "jumps across a page's end", jmp 0x20ffe
  EXIT

nothing:
  ret

on_ipi:
  mov [abs seen], rbx
  inc dword [abs taken]
  EOI
  iretq
on_timer:
  inc dword [abs taken]
  EOI
  mov rax, [abs escape]
  mov [rsp], rax
  and qword [rsp + 16], ~0x200
on_spurious:
  iretq
on_debug:
  mov [abs seen], rbx
  and dword [rsp + 16], ~0x100
  iretq
ap_main:
  hlt
  jmp ap_main

section .data
align 8
escape dq 0
