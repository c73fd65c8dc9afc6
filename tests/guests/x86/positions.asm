; SPDX-License-Identifier: GPL-3.0-or-later
; Faults in every position: of string instructions, of pushes, calls and returns, of instructions that cross into an absent page, of
; vectors. Each is then repeated with the page present and has to come to the right end.
%include "lm.inc"

%define second victim + 0x1000  ; comes and goes
%define after  victim + 0x2000  ; always absent
%define entry  pt + ((victim >> 12) + 1) * 8
%define source 0x54000
%define copy   0x56000
%define N 20

%macro PRESENT 0
  mov qword [abs entry], (second) | 7
  invlpg [abs second]
%endmacro
%macro ABSENT 0
  mov qword [abs entry], 0
  invlpg [abs second]
%endmacro

; Faults go to %1 from here on; registers but RAX are those of the fault.
%macro EXPECT 1
  mov dword [abs got_vector], -1
  mov qword [abs resume], %1
  mov [abs saved_rsp], rsp
%endmacro

; ZF: was it a page fault at second, with this error code, at this instruction?
%macro WAS_FAULT 2             ; error code, RIP
  mov rsp, [abs saved_rsp]
  mov eax, [abs got_vector]
  xor eax, 14
  mov [abs got + 4], eax
  mov r8d, [abs got_error]
  xor r8d, %1
  or eax, r8d
  mov r8, [abs got_cr2]
  sub r8, second
  or rax, r8
  mov r8, [abs got_rip]
  sub r8, %2
  or rax, r8
%endmacro

; A repeated string instruction whose %4 pointer reaches the absent page at each element. R14D: element at the page's end.
%macro STRING_FAULTS 5         ; name, instruction, bytes of an element, rdi or rsi, error code
  xor r13d, r13d               ; good ones
  xor r14d, r14d
%%next:
  call fill
  mov esi, source
  mov edi, copy
  mov r15d, second
  mov eax, r14d
  imul eax, eax, %3
  sub r15d, eax
  mov %4, r15
  mov ecx, N
  mov rbx, rsi
  mov rdx, rdi
  cld
  ABSENT
  EXPECT %%fault
  mov rax, 0x1122334455667788
%%insn:
  rep %2
  jmp %%end                    ; no fault
%%fault:
  mov r10, rcx
  mov r11, rsi
  mov r12, rdi
  WAS_FAULT %5, %%insn
  jnz %%end
  mov eax, r14d                ; elements done: those before the one that reaches the page
  mov r8d, N
  sub r8d, eax
  cmp r8, r10
  jne %%end
  imul eax, eax, %3
%ifidni %2, stosb
%elifidni %2, stosw
%elifidni %2, stosd
%elifidni %2, stosq
%elifidni %2, scasb
%else
  add ebx, eax
%endif
  add edx, eax
  cmp r11, rbx
  jne %%end
  cmp r12, rdx
  jne %%end
  PRESENT
  mov rcx, r10
  mov rax, 0x1122334455667788
  rep %2
  test ecx, ecx
  jnz %%end
  call check_%2
  jnz %%end
  inc r13d
%%skip:
  inc r14d
  cmp r14d, N
  jb %%next
%%end:
  CHECK_EQ %1, r13d, N
%endmacro

; A stack instruction with RSP so that %2 bytes below it, or above, reach the absent page by 1 to %3 bytes.
%macro STACK_FAULTS 5          ; name, RSP when nothing reaches it, bytes, error code, instruction
  xor r13d, r13d
  mov r14d, 1
%%next:
  ABSENT
  mov r9d, 0x77777777
  mov [abs second - 8], r9
  EXPECT %%fault
  mov rsp, %2
  add rsp, r14
  mov r15, rsp
  mov ebx, %%back
  mov ecx, 0x12345678
  mov edx, source
%%insn:
  %5
%%back:
  jmp %%end
%%fault:
  mov r10, rcx
  WAS_FAULT %4, %%insn
  jnz %%end
  cmp [abs got_old_rsp], r15
  jne %%end
  cmp [abs second - 8], r9
  jne %%end
  cmp r10d, 0x12345678
  jne %%end
  cmp ebx, %%back
  jne %%end
  inc r13d
  inc r14d
  cmp r14d, %3
  jbe %%next
%%end:
  CHECK_EQ %1, r13d, %3
%endmacro

; Instructions of which 1 to len-1 bytes are in the present page. They leave 0x5a in R12D.
%macro CROSSING 2+             ; name, instruction
  jmp %%start
%%code:
  %2
%%len equ $ - %%code
  ret
%%start:
  xor r13d, r13d
  mov r14d, 1
%%next:
  PRESENT
  mov edi, second
  sub edi, r14d
  mov esi, %%code
  mov ecx, %%len + 1
  cld
  rep movsb
  xor r12d, r12d
  mov dword [abs source], 0x59
  cmp r14d, r14d               ; CF clear
  ABSENT
  EXPECT %%fault
  mov ebx, second
  sub ebx, r14d
  call rbx
  jmp %%end
%%fault:
  mov r11, [abs got_rip]       ; of whichever it is that crosses, or is all there
  mov r10, [abs got_cr2]
  sub r10, second
  cmp r10, 16
  jae %%end
  mov qword [abs got_cr2], second
  WAS_FAULT 0x10, r11
  jnz %%end
  cmp r11, rbx
  jb %%end
  cmp r11, second + 16
  ja %%end
  mov dword [abs source], 0x59
  PRESENT
  mov edx, 1
  mov r9d, 7
  xor eax, eax
  xor r12d, r12d
  call rbx
  cmp r12d, 0x5a
  jne %%end
  mov dword [abs source], 0x59
  xor r12d, r12d
  mov edx, 1
  call rbx                     ; again, as it may be known now
  cmp r12d, 0x5a
  jne %%end
  inc r13d
  inc r14d
  cmp r14d, %%len
  jb %%next
%%end:
  CHECK_EQ %1, r13d, %%len - 1
%endmacro

; An access whose 1 to %2 - 1 bytes are in the present page; RDI points there.
%macro DATA_FAULTS 4+          ; name, bytes, error code, instruction
  xor r13d, r13d
  mov r14d, 1
%%next:
  ABSENT
  mov rax, 0x7777777777777777
  mov [abs second - 8], rax
  mov [abs second - 16], rax
  mov [abs second - 24], rax
  mov [abs second - 32], rax
  movq xmm0, rax
  pshufd xmm0, xmm0, 0
  movdqa xmm1, xmm0
  fninit
  fld1
  EXPECT %%fault
  mov edi, second
  sub edi, r14d
  mov ecx, 0x12345678
  mov edx, 0x77777777
%%insn:
  %4
  jmp %%end
%%fault:
  mov r10, rcx
  WAS_FAULT %3, %%insn
  jnz %%end
  cmp r10d, 0x12345678
  jne %%end
  pcmpeqd xmm1, xmm0
  pmovmskb eax, xmm1
  cmp eax, 0xffff
  jne %%end
  mov esi, second - 32
%%check:
  cmp byte [rsi], 0x77
  jne %%end
  inc esi
  cmp esi, second
  jb %%check
  inc r13d
  inc r14d
  cmp r14d, %2
  jb %%next
%%end:
  CHECK_EQ %1, r13d, %2 - 1
%endmacro

%macro bzhi_r12 0
  bzhi r12, [abs wide], r9          ; R9 = 7
%endmacro
%macro add_memory 0
  add dword [abs source], strict dword 1
  mov r12d, [abs source]
%endmacro
%macro locked_add 0
  lock xadd [abs source], edx
  lea r12d, [rdx + 1]
%endmacro
%macro push_pop 0
  push strict dword 0x5a
  pop r12
%endmacro
%macro branches 0
  test edx, edx
  jz near %%wrong
  jnz %%right
%%wrong:
  ud2
%%right:
  mov r12b, 0x5a
%endmacro
%macro loop_r12 0
  mov ecx, 9
%%again:
  add r12d, 10
  loop %%again
%endmacro
%macro subroutine 0
  call %%function
  jmp %%done
%%function:
  mov r12d, 0x5a
  ret
%%done:
%endmacro
%macro x87_r12 0
  fninit
  fild dword [abs number]
  fistp dword [abs source]
  mov r12d, [abs source]
%endmacro
%macro vector_r12 0
  movd xmm1, [abs number]
  paddd xmm1, xmm1
  psrld xmm1, 1
  movd r12d, xmm1
%endmacro

main:
  mov byte [abs idt + 14 * 16 + 4], 1    ; page faults get a stack of their own
  mov qword [abs pt + ((victim >> 12) + 2) * 8], 0
  invlpg [abs after]

  STRING_FAULTS "REP MOVSB: stores", movsb, 1, rdi, 2
  STRING_FAULTS "REP MOVSB: loads", movsb, 1, rsi, 0
  STRING_FAULTS "REP MOVSW: stores", movsw, 2, rdi, 2
  STRING_FAULTS "REP MOVSD: loads", movsd, 4, rsi, 0
  STRING_FAULTS "REP MOVSQ: stores", movsq, 8, rdi, 2
  STRING_FAULTS "REP STOSB", stosb, 1, rdi, 2
  STRING_FAULTS "REP STOSW", stosw, 2, rdi, 2
  STRING_FAULTS "REP STOSD", stosd, 4, rdi, 2
  STRING_FAULTS "REP STOSQ", stosq, 8, rdi, 2
  mov dword [abs constant], 1
  STRING_FAULTS "REPE SCASB", scasb, 1, rdi, 0
  STRING_FAULTS "REPE CMPSB: first operand", cmpsb, 1, rsi, 0
  STRING_FAULTS "REPE CMPSQ: second operand", cmpsq, 8, rdi, 0

  STACK_FAULTS "PUSH reaches into an absent page by 1 to 8 bytes", second, 8, 2, push rcx
  STACK_FAULTS "PUSH of an immediate", second, 8, 2, push 0x55
  STACK_FAULTS "PUSH of memory", second, 8, 2, push qword [rdx]
  STACK_FAULTS "PUSH of 16 bits", second, 2, 2, push cx
  STACK_FAULTS "PUSHFQ", second, 8, 2, pushfq
  STACK_FAULTS "CALL", second, 8, 2, call go_back
  STACK_FAULTS "CALL by register", second, 8, 2, call rbx
  STACK_FAULTS "POP", second - 8, 8, 0, pop rcx
  STACK_FAULTS "POP of 16 bits", second - 2, 2, 0, pop cx
  STACK_FAULTS "POP to memory", second - 8, 8, 0, pop qword [rdx]
  STACK_FAULTS "RET", second - 8, 8, 0, ret
  STACK_FAULTS "RET that frees more", second - 8, 8, 0, ret 0x40
  STACK_FAULTS "POPFQ", second - 8, 8, 0, popfq
  STACK_FAULTS "ENTER", second, 8, 2, {enter 0x20, 0}
  ; LEAVE takes RBP
  mov r14d, 1
  xor r13d, r13d
.leave:
  ABSENT
  EXPECT .leave_fault
  lea rbp, [r14 + second - 8]
  mov r15, rsp
.leave_insn:
  leave
  jmp .leave_end
.leave_fault:
  mov rbx, rbp
  WAS_FAULT 0, .leave_insn
  jnz .leave_end
  cmp [abs got_old_rsp], r15
  jne .leave_end
  lea rax, [r14 + second - 8]
  cmp rax, rbx
  jne .leave_end
  inc r13d
  inc r14d
  cmp r14d, 8
  jbe .leave
.leave_end:
  CHECK_EQ "LEAVE", r13d, 8

  ; IRETQ with 1 to 5 words of its frame in the absent page
  mov r14d, 1
  xor r13d, r13d
.iret:
  PRESENT
  mov r15d, second - 40
  lea r15, [r15 + r14 * 8]
  mov qword [r15], .iret_target
  mov qword [r15 + 8], KCODE
  mov qword [r15 + 16], 2
  mov qword [r15 + 24], kernel_stack - 0x800
  mov qword [r15 + 32], KDATA
  ABSENT
  EXPECT .iret_fault
  mov rsp, r15
.iret_insn:
  iretq
.iret_fault:
  WAS_FAULT 0, .iret_insn
  mov eax, [abs got_vector]
  cmp eax, 14
  jne .iret_end
  mov rax, [abs got_rip]
  cmp rax, .iret_insn
  jne .iret_end
  cmp [abs got_old_rsp], r15
  jne .iret_end
  PRESENT
  mov rbx, rsp
  mov rsp, r15
  iretq
.iret_target:
  cmp rsp, kernel_stack - 0x800
  jne .iret_end
  mov rsp, rbx
  inc r13d
  inc r14d
  cmp r14d, 5
  jbe .iret
.iret_end:
  mov rsp, kernel_stack
  CHECK_EQ "IRETQ with 1 to 5 words of its frame absent", r13d, 5

  DATA_FAULTS "a load of 8 bytes", 8, 0, mov rcx, [rdi]
  DATA_FAULTS "a store of 8 bytes", 8, 2, mov [rdi], rcx
  DATA_FAULTS "ADD to memory", 8, 2, add [rdi], rcx
  DATA_FAULTS "LOCK XADD", 8, 2, lock xadd [rdi], rcx
  DATA_FAULTS "XCHG", 8, 2, xchg [rdi], rcx
  DATA_FAULTS "LOCK CMPXCHG", 4, 2, lock cmpxchg [rdi], ecx
  DATA_FAULTS "LOCK CMPXCHG8B", 8, 2, lock cmpxchg8b [rdi]
  DATA_FAULTS "MOVDQU load", 16, 0, movdqu xmm0, [rdi]
  DATA_FAULTS "MOVDQU store", 16, 2, movdqu [rdi], xmm0
  DATA_FAULTS "FLD of 80 bits", 10, 0, fld tword [rdi]
  DATA_FAULTS "FSTP of 80 bits", 10, 2, fstp tword [rdi]
  DATA_FAULTS "MUL by memory", 8, 0, mul qword [rdi]

  CROSSING "MOV with a 64-bit immediate, byte by byte across an absent page", mov r12, 0x5a
  CROSSING "ADD of memory", add r12d, [abs rdx + number - 1]
  CROSSING "LEA", lea r12, [rdx * 2 + 0x58]
  CROSSING "IMUL", imul r12d, edx, 0x5a
  CROSSING "MOVZX", movzx r12d, byte [abs number]
  CROSSING "BZHI", bzhi_r12
  CROSSING "CALL by memory", call [abs pointer]
  CROSSING "a jump by memory", jmp [abs pointer]
  CROSSING "fifteen bytes", db 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66, 0x49, 0xc7, 0xc4, 0x5a, 0, 0, 0
  CROSSING "ADD to memory", add_memory
  CROSSING "a locked addition", locked_add
  CROSSING "PUSH and POP", push_pop
  CROSSING "branches", branches
  CROSSING "a loop", loop_r12
  CROSSING "a call and its function", subroutine
  CROSSING "x87", x87_r12
  CROSSING "vectors", vector_r12

  ; Flags that are live over a fault which is repaired
  mov eax, on_page_fault
  mov [abs idt + 14 * 16], ax
  shr eax, 16
  mov [abs idt + 14 * 16 + 6], ax
  xor r13d, r13d
  mov r14d, 256
.flags:
  ABSENT
  mov ebx, r14d
  mov ecx, r14d
  imul ecx, ecx, 0x9e3779b1
  shr ecx, 24
  mov edx, second + 16
  ; without a fault
  cmp bl, cl
  pushfq
  pop r10
  seto al
  setc ah
  setz r8b
  sets r9b
  ; over one
  cmp bl, cl
  mov [rdx], ecx
  seto bh
  mov ch, 0
  jc .no_carry_check
  jmp .carry_checked
.no_carry_check:
  mov ch, 1
.carry_checked:
  cmp bh, al
  jne .flags_end
  cmp ch, ah
  jne .flags_end
  ABSENT
  mov bh, 0
  cmp bl, cl
  mov r11d, [rdx]
  pushfq
  pop r11
  cmp r10, r11
  jne .flags_end
  ABSENT
  cmp bl, cl
  lea r11, [rdx]
  push qword [r11]
  pop r12
  sets r12b
  cmp r12b, r9b
  jne .flags_end
  inc r13d
  dec r14d
  jnz .flags
.flags_end:
  CHECK_EQ "flags are live over page faults", r13d, 256
  mov eax, [abs faults_repaired]
  CHECK_EQ "which were as many as they should be", eax, 768
  EXIT

on_page_fault:
  push rax
  inc dword [abs faults_repaired]
  mov qword [abs entry], (second) | 7
  pop rax
  add rsp, 8
  iretq

go_back:
  jmp rbx
set_r12:
  mov r12d, 0x5a
  ret

; Sources and copies, and what the victim's pages hold, for STRING_FAULTS
fill:
  PRESENT
  cld
  mov edi, source
  mov ecx, 0x400
  mov edx, 1
.next:
  mov [rdi], edx
  imul edx, edx, 0x9e3779b1
  add edi, 4
  dec ecx
  jnz .next
  mov esi, source
  mov edi, victim + 0xf00
  mov ecx, 0x200
  rep movsb
  cmp dword [abs constant], 0
  je .varied
  mov al, 0x88
  mov edi, source
  mov ecx, 0x200
  rep stosb
  mov edi, copy
  mov ecx, 0x200
  rep stosb
  mov edi, victim + 0xf00
  mov ecx, 0x200
  rep stosb
.varied:
  ret

check_movsb:
check_movsw:
check_movsd:
check_movsq:
  ; the last element copied equals its source
  mov al, [rsi - 1]
  cmp al, [rdi - 1]
  ret
check_stosb:
  cmp byte [rdi - 1], 0x88
  ret
check_stosw:
  cmp word [rdi - 2], 0x7788
  ret
check_stosd:
  cmp dword [rdi - 4], 0x55667788
  ret
check_stosq:
  cmp [rdi - 8], rax
  ret
check_scasb:
check_cmpsb:
check_cmpsq:
  xor eax, eax
  ret

section .data
align 8
number dq 0x5a
wide   dq -0x100 + 0xda        ; 0x5a in its lowest 7 bits
pointer dq set_r12
constant dd 0
faults_repaired dd 0
