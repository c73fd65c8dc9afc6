; SPDX-License-Identifier: GPL-3.0-or-later
; Calls and returns that do not pair, and flags that travel with them.
%include "lm.inc"

%define area      0x70000      ; code goes here; area + 0x1000 is another page
%define other     0x72000      ; what may stand in place of area
%define entry     pt + (area >> 12) * 8
%define stack_two 0x5a000
%define deep_stack 0x300000
%define ROUNDS    60

main:
  mov rsp, deep_stack
  mov edi, 5000
  call sum
  mov rsp, kernel_stack
  CHECK_EQ "a recursion deeper than anybody remembers", eax, 12502500

  ROUNDS_BEGIN
  xor ebx, ebx
  call change_return
  mov ebx, 1                   ; skipped
.changed:
  cmp ebx, 2
  ROUNDS_END "a function that returns somewhere else"

  ROUNDS_BEGIN
  mov rbp, rsp
  push 1
  push 2
  push 3
  call pops_three
  cmp rsp, rbp
  ROUNDS_END "RET with bytes to take from the stack"

  ROUNDS_BEGIN
  mov ebx, 5
  call outer
  cmp ebx, 5 + 100 + 10 + 1
  ROUNDS_END "a return by PUSH and RET in the middle of others"

  ROUNDS_BEGIN
  mov eax, .thunk_target
  call thunk
  jmp .thunk_back
.thunk_target:
  mov ebx, 77
  ret
.thunk_back:
  cmp ebx, 77
  ROUNDS_END "a jump by CALL, a new return address, RET"

  ROUNDS_BEGIN
  call asks_where
  cmp rax, asks_where.here
  ROUNDS_END "a call of the next instruction"

  ROUNDS_BEGIN
  mov [abs jump_rsp], rsp
  mov qword [abs jump_rip], .landed
  mov edi, 9
  call dive
  mov edi, 1                   ; skipped
.landed:
  call plain
  cmp eax, 42
  ROUNDS_END "a long jump out of ten calls"

  ; Two stacks in turns
  mov rax, stack_two
  mov qword [rax - 8], two
  lea rax, [rax - 8]
  mov [abs two_rsp], rax
  xor ebx, ebx
  ROUNDS_BEGIN
  call to_two
  cmp ebx, ecx
  ROUNDS_END "two stacks in turns"

  ; The caller is rewritten while it waits
  ROUNDS_BEGIN
  COPY area, waiting
  mov eax, area
  mov r14d, r12d
  call rax
  cmp ebx, r12d
  ROUNDS_END "a caller that is rewritten, to be returned to"
  ROUNDS_BEGIN
  COPY area, waiting
  mov dword [abs area + waiting.call - waiting + 1], near_patcher - waiting - (waiting.after - waiting)
  COPY area + near_patcher - waiting, near_patcher
  mov eax, area
  mov r14d, r12d
  call rax
  cmp ebx, r12d
  ROUNDS_END "a caller that is rewritten by a function in its page"

  ; Another page where the caller was
  ROUNDS_BEGIN
  COPY area, waiting
  mov dword [abs area + waiting.call - waiting + 1], switcher - (area + waiting.after - waiting)
  COPY other, waiting
  mov dword [abs other + waiting.after - waiting + 1], 1234
  mov eax, area
  call rax
  mov qword [abs entry], area | 7
  invlpg [abs area]
  cmp ebx, 1234
  ROUNDS_END "another page where the caller was, by INVLPG"
  ROUNDS_BEGIN
  COPY area, waiting
  mov dword [abs area + waiting.call - waiting + 1], switcher_cr3 - (area + waiting.after - waiting)
  COPY other, waiting
  mov dword [abs other + waiting.after - waiting + 1], 1234
  mov eax, area
  call rax
  mov qword [abs entry], area | 7
  mov rax, cr3
  mov cr3, rax
  cmp ebx, 1234
  ROUNDS_END "another page where the caller was, by CR3"

  ; A return that faults
  mov rbx, 0x8000000000001234
  mov r15, rsp
  FAULT_BEGIN "RET to an address that is not canonical is #GP", 13, 0
  push rbx
  mov [abs bad_rsp], rsp
.bad_ret:
  ret
  FAULT_END
  mov rax, [abs got_old_rsp]
  sub rax, [abs bad_rsp]
  CHECK_EQ "... with the stack as it was", rax, 0
  mov rax, [abs got_rip]
  CHECK_EQ "... at the instruction", rax, .bad_ret

; --- Flags: of what comes before RET, after it -----------------------------------------------------------------------------
%macro FLAGS 2-4 nop, nop      ; name, what makes them
  jmp %%test
%%function:
  mov eax, 0x80000001
  mov ebx, 0x7fffffff
  mov rcx, 0x8000000000000000
  mov rdx, -1
  push rbp
  mov rbp, rsp
  %2
  %3
  %4
  pop rbp
  ret
%%expected:                    ; as deep in the stack
  push r9
  mov eax, 0x80000001
  mov ebx, 0x7fffffff
  mov rcx, 0x8000000000000000
  mov rdx, -1
  push rbp
  mov rbp, rsp
  %2
  %3
  %4
  pushf
  pop r8
  pop rbp
  ret
%%through:                     ; what comes before RET is a call
  push rbx
  call %%function
  mov r15, rax
  pop rbx
  ret
%%test:
  ROUNDS_BEGIN
  mov r9, %%compare
  jmp %%expected
%%compare:
  call %%function
  pushf
  pop r9
  call %%through
  pushf
  pop r14
  call %%function
  setc r10b
  call %%function
  seto r11b
  call %%function
  jmp %%page_end
%%page_end:
  sets r15b
  and r8d, 0x8c5               ; without AF, which some leave undefined
  and r9d, 0x8c5
  and r14d, 0x8c1              ; without PF, which may come from RSP
  mov eax, r8d
  and eax, 1
  movzx r10d, r10b
  xor r10d, eax
  xor r9d, r8d
  xor r14d, r8d
  and r14d, 0x8c1
  shr r8d, 7
  mov eax, r8d
  and eax, 1
  movzx r15d, r15b
  xor r15d, eax
  shr r8d, 4
  movzx r11d, r11b
  xor r11d, r8d
  or r9d, r14d
  or r9d, r10d
  or r9d, r11d
  or r9d, r15d
  ROUNDS_END %1
%endmacro

  FLAGS "flags of ADD to RSP, returned", {sub rsp, 24}, {add rsp, 24}
  FLAGS "flags of SUB of an immediate", {sub eax, 2}
  FLAGS "flags of ADD that carries", {add rdx, 1}
  FLAGS "flags of ADD of registers", {add rcx, rcx}, {add eax, ebx}
  FLAGS "flags of ADD of 64 bits", {add rcx, rdx}
  FLAGS "flags of SUB of registers", {sub ebx, eax}
  FLAGS "flags of CMP", {cmp rcx, rdx}, {mov esi, 0}
  FLAGS "flags of CMP with a register that changes", {cmp rcx, rdx}, {mov ecx, 5}
  FLAGS "flags of CMP of a register with itself", {cmp rdx, rdx}
  FLAGS "flags of CMP with an immediate", {cmp ebx, -1}
  FLAGS "flags of CMP, one of them stored as well", {cmp rcx, rdx}, {setb [abs stored]}, {setl [abs stored + 1]}
  mov eax, 7
  xor ecx, ecx
  cpuid
  test ebx, 0x100              ; BMI2
  jz .no_pext
  FLAGS "flags of CMP before an instruction of the interpreter's", {cmp rcx, rdx}, {pext esi, r14d, edx}
.no_pext:
  FLAGS "flags of TEST", {test eax, ebx}
  FLAGS "flags of XOR", {xor eax, ebx}
  FLAGS "flags of AND with memory", {and rdx, [abs mask]}
  FLAGS "flags of AND to RSP", {and rsp, -16}, {mov rsp, rbp}
  FLAGS "flags of LEAVE's stack", {push rax}, {add rsp, 8}, {mov rsp, rbp}
  FLAGS "flags of SHL", {shl ecx, 1}, {shl eax, 1}
  FLAGS "flags of INC after a carry", {add rdx, 1}, {inc ebx}
  FLAGS "flags of STC", {xor eax, eax}, {stc}

  ; Into a function, in this page and another
  COPY area, takes_carry
  mov r14d, area
  ROUNDS_BEGIN
  mov eax, r12d
  shr eax, 1                   ; CF
  call takes_carry
  mov ebx, eax
  mov eax, r12d
  shr eax, 1
  call r14
  shl eax, 1
  or ebx, eax
  mov eax, r12d
  cmp eax, ROUNDS / 2          ; CF
  call area
  lea ebx, [rbx + rax * 4]
  mov eax, r12d
  cmp eax, ROUNDS / 2
  call passes
  lea ebx, [rbx + rax * 8]
  mov eax, r12d
  and eax, 1
  lea eax, [rax + rax * 2]
  cmp r12d, ROUNDS / 2
  mov ecx, 12
  mov edx, 0
  cmovae ecx, edx
  add eax, ecx
  cmp eax, ebx
  ROUNDS_END "flags into functions"

; --- 32-bit code -----------------------------------------------------------------------------------------------------------
  mov [abs long_rsp], rsp
  jmp far dword [abs to_32]

bits 32
in_32:
  mov ax, KDATA
  mov ss, ax
  mov ds, ax
  mov es, ax
  mov esp, stack_two
  xor edx, edx
  mov ecx, ROUNDS
.next:
  push 7
  call takes_word_32
  add edx, eax
  call .where
.where:
  pop eax
  sub eax, .where
  add edx, eax
  call carries_32
  adc edx, 0
  mov ebx, esp
  call far_32
  sub ebx, esp
  add edx, ebx
  dec ecx
  jnz .next
  mov [got_32], edx
  jmp KCODE:.long
bits 64
.long:
  xor eax, eax
  mov ss, ax
  mov rsp, [abs long_rsp]
  mov eax, [abs got_32]
  CHECK_EQ "calls and returns of 32-bit code", eax, ROUNDS * 8
  EXIT

bits 32
takes_word_32:
  mov eax, [esp + 4]
  ret 4
carries_32:
  push ebp
  mov eax, -1
  add eax, 1
  pop ebp
  ret
far_32:
  push .on
  ret
.on:
  ret
bits 64

; --- Functions ---------------------------------------------------------------------------------------------------------------

sum:                           ; of 1 to EDI
  push rdi
  xor eax, eax
  test edi, edi
  jz .end
  dec edi
  call sum
.end:
  pop rdi
  add eax, edi
  ret

change_return:
  mov ebx, 2
  mov rax, main.changed
  mov [rsp], rax
  ret

pops_three:
  add rax, [rsp + 8]
  ret 24

outer:
  call middle
  add ebx, 1
  ret
middle:
  push .add
  mov rax, .ten
  push rax
  ret
.ten:
  add ebx, 10
  ret
.add:
  add ebx, 100
  ret

thunk:
  call .set
.never:
  pause
  jmp .never
.set:
  mov [rsp], rax
  ret

asks_where:
  call .here
.here:
  pop rax
  ret

dive:
  test edi, edi
  jz .jump
  dec edi
  call dive
  add edi, 1
  ret
.jump:
  mov rsp, [abs jump_rsp]
  jmp [abs jump_rip]

plain:
  mov eax, 42
  ret

to_two:
  mov [abs one_rsp], rsp
  mov rsp, [abs two_rsp]
  ret
two:
  xor ecx, ecx
.next:
  inc ecx
  call .inner
  jmp .next
.inner:
  inc ebx
  mov [abs two_rsp], rsp
  mov rsp, [abs one_rsp]
  ret

; Copied to area. Calls what puts R14D into the instruction after the call.
waiting:
  push rbp
.call:
  db 0xe8
  dd patcher - (area + .after - waiting)
.after:
  mov ebx, strict dword 0
  pop rbp
  ret
waiting_end:
patcher:
  mov [abs area + waiting.after - waiting + 1], r14d
  ret
times 64 nop
near_patcher:
  mov [abs area + waiting.after - waiting + 1], r14d
  ret
near_patcher_end:
switcher:
  mov qword [abs entry], other | 7
  invlpg [abs area]
  ret
switcher_cr3:
  mov qword [abs entry], other | 7
  mov rax, cr3
  mov cr3, rax
  ret

takes_carry:
  mov eax, 0
  adc eax, 0
  ret
takes_carry_end:
passes:
  push rbx
  call takes_carry
  pop rbx
  ret

[section .data]
align 8
jump_rsp dq 0
jump_rip dq 0
one_rsp dq 0
two_rsp dq 0
bad_rsp dq 0
long_rsp dq 0
mask dq 0xf0
got_32 dd 0
stored dd 0
to_32 dd in_32
  dw KCODE32
