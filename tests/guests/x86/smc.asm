; SPDX-License-Identifier: GPL-3.0-or-later
; Code that changes while it runs: by itself, by its next neighbour, by way of another address, by another processor.
%include "lm.inc"
%include "smp.inc"

%define area    0x200000       ; code goes here
%define far_area 0x209000
%define ap_value 0x54000       ; what the second processor's function returned
%define ap_rounds 0x54004

main:
  START_PROCESSORS

  COPY area, adder
  mov r12d, 1000
  xor r13d, r13d
.other_page:
  mov [abs area + adder.value - adder], r12d
  xor edx, edx
  mov eax, area
  call rax
  cmp edx, r12d
  jne .other_page_end
  inc r13d
  dec r12d
  jnz .other_page
.other_page_end:
  CHECK_EQ "a function in another page, patched before each call", r13d, 1000

  mov ecx, 200
  xor edx, edx
.next:
  mov [abs .next_value - 4], ecx
  add edx, strict dword 0x11111111
.next_value:
  dec ecx
  jnz .next
  CHECK_EQ "the next instruction's immediate, patched in each round", edx, 20100

  mov ecx, 101
  xor edx, edx
.opcode:
  xor byte [abs .opcode_at + 1], 8
.opcode_at:
  inc edx                      ; ff c2, or dec edx: ff ca
  dec ecx
  jnz .opcode
  CHECK_EQ "the next instruction's opcode, by a read-modify-write", edx, -1

  ; The same by other kinds of stores
%macro NEXT 2+                 ; name, store to [rdi] of EAX
  mov ecx, 50
  xor edx, edx
  mov edi, %%value - 4
%%next:
  mov eax, ecx
  movd xmm0, eax
  movd mm0, eax
  %2
  add edx, strict dword 0x11111111
%%value:
  dec ecx
  jnz %%next
  emms
  CHECK_EQ %1, edx, 1275
%endmacro
  NEXT "by XCHG", xchg [rdi], eax
  NEXT "by MOVD", movd [rdi], xmm0
  NEXT "by MOVD of MMX", movd [rdi], mm0
  NEXT "by STOSD and XADD", call store_string
  NEXT "by LOCK CMPXCHG", call exchange
  mov ecx, 50
  xor r13d, r13d
  mov r12, rsp
.push:
  mov rsp, .pushed
  push rcx
  mov rdx, strict qword 0x1111111111111111
.pushed:
  add r13, rdx
  dec ecx
  jnz .push
  mov rsp, r12
  CHECK_EQ "by PUSH", r13d, 1275

  ; A string of stores over what follows
  mov edi, .filled
  mov ecx, .filled_end - .filled
  mov al, 0x90
  xor edx, edx
  cld
  rep stosb
.filled:
  inc edx
  inc edx
  inc edx
  inc edx
.filled_end:
  CHECK_EQ "REP STOSB over what follows", edx, 0

  ; By another linear address of the same page
  mov qword [abs pt + (victim >> 12) * 8], area | 7
  invlpg [abs victim]
  COPY area, adder
  mov r12d, 100
  xor r13d, r13d
.alias:
  mov [abs victim + adder.value - adder], r12d
  xor edx, edx
  mov eax, area
  call rax
  cmp edx, r12d
  jne .alias_end
  inc r13d
  dec r12d
  jnz .alias
.alias_end:
  CHECK_EQ "by another address of the same page", r13d, 100
  mov qword [abs pt + (victim >> 12) * 8], victim | 7
  invlpg [abs victim]

  ; A return address on its own target
%macro ON_TARGET 3             ; name, target, whether by register
  COPY %2, target
  mov edi, far_area + 0x90 - %3
%if %3 == 5
  mov byte [rdi], 0xe8
  mov dword [rdi + 1], %2 - (far_area + 0x90)
%else
  mov word [rdi], 0xd0ff       ; call rax
%endif
  COPY far_area + 0x90, go_back
  mov r12, rsp
  mov r13d, 100
%%warm:
  mov rsi, %%warm_back
  mov ecx, far_area + 0x90 - %3
  mov eax, %2
  jmp rcx
%%warm_back:
  mov rsp, r12
  dec r13d
  jnz %%warm
  mov rsi, %%back
  mov ecx, far_area + 0x90 - %3
  mov eax, %2
  mov rsp, %2 + 8
  xor ebx, ebx
  jmp rcx
%%back:
  mov rsp, r12
  CHECK_EQ %1, ebx, 2
%endmacro
  ON_TARGET "CALL puts its return address over its target in the same page", far_area + 0xc00, 5
  ON_TARGET "CALL puts its return address over its target in another page", far_area + 0x2c00, 5
  ON_TARGET "CALL by a register does in the same page", far_area + 0xc00, 2
  ON_TARGET "CALL by a register does in another page", far_area + 0x2c00, 2

  ; Data between code
  mov ecx, 20000
  jmp .mixed
align 8
.counter dq 0
.mixed:
  inc qword [abs .counter]
  dec ecx
  jnz .mixed
  mov rax, [abs .counter]
  CHECK_EQ "a counter in the middle of the code that counts", eax, 20000

  ; In a page whose code has been written often enough, only writes to its pieces of 64 bytes count: which is exact at their ends.
  ; Two functions, a piece between them that is data, and stores of all sizes across the ends.
%define first_function (area + 0x5000 + 0x1b8)    ; up to the end of its piece
%define second_function (area + 0x5000 + 0x200)
%macro CALLS 0                 ; r12d, r15d: what the two should return, r14d: how often they did not
  mov eax, first_function
  call rax
  cmp eax, r12d
  setne r13b
  movzx r13d, r13b
  add r14d, r13d
  mov eax, second_function
  call rax
  cmp eax, r15d
  setne r13b
  movzx r13d, r13b
  add r14d, r13d
%endmacro
  COPY first_function, returner
  COPY second_function, returner
  xor r14d, r14d
  mov r12d, 1000
.pieces:
  mov r15d, r12d
  not r15d
  mov [abs first_function + 1], r12d
  mov [abs second_function + 1], r15d
  CALLS
  mov [abs first_function - 8], r12                    ; not of the function's piece, or beside it in it
  mov [abs area + 0x5000 + 0x1c0], r12
  mov [abs area + 0x5000 + 0x1f8], r15
  CALLS
  movd xmm0, r12d
  movdqu [abs area + 0x5000 + 0x1d8], xmm0
  fninit
  fld1
  fstp tword [abs area + 0x5000 + 0x1f6]
  lock inc qword [abs area + 0x5000 + 0x1c8]
  push rdi
  mov edi, area + 0x5000 + 0x1c0
  mov ecx, 64
  mov al, 0xcc
  rep stosb
  pop rdi
  CALLS
  movzx ecx, r12b                                      ; across the start of the second: B8, and a byte of the constant
  shl rcx, 56
  mov rax, 0x00b8cccccccccccc
  or rax, rcx
  movzx ecx, r12b
  mov r15b, cl
  mov [abs second_function - 6], rax
  CALLS
  mov [abs area + 0x5000 + 0x1bf], r12w                ; across the end of the first's piece
  CALLS
  dec r12d
  jnz .pieces
  CHECK_EQ "stores beside code, and across the ends of its pieces", r14d, 0

  ; A loop that is rewritten while it goes round
  mov ecx, 1000
  xor edx, edx
.round:
  test ecx, 1
  setnz al
  shl al, 3
  or al, 0xc2                  ; inc edx, dec edx
  mov [abs .round_at + 1], al
  jmp .round_at
align 64
.round_at:
  inc edx
  dec ecx
  jnz .round
  CHECK_EQ "a loop that is rewritten in each round", edx, 0

  ; The other processor runs a function that this one patches
  COPY area, returner
  mov dword [abs ap_rounds], 1
  mov r12d, 200
  xor r13d, r13d
.cross:
  mov [abs area + 1], r12d
  mfence
  mov ebx, 20000000
.cross_wait:
  pause
  dec ebx
  jz .cross_end
  cmp [abs ap_value], r12d
  jne .cross_wait
  inc r13d
  dec r12d
  jnz .cross
.cross_end:
  CHECK_EQ "the other processor's function, patched while it runs", r13d, 200

  ; The same in a page of which only pieces are watched, with data beside it
  mov r12d, 200
  xor r13d, r13d
.cross_beside:
  mov [abs area + 0x40], r12
  mov [abs area + 0xf38], r12
  mov [abs area + 1], r12d
  mov [abs area + 0x48], r12
  mfence
  mov ebx, 20000000
.cross_beside_wait:
  pause
  inc qword [abs area + 0x80]
  dec ebx
  jz .cross_beside_end
  cmp [abs ap_value], r12d
  jne .cross_beside_wait
  inc r13d
  dec r12d
  jnz .cross_beside
.cross_beside_end:
  CHECK_EQ "and with data beside it that is written all the time", r13d, 200

  ; It spins on a jump to itself, until that is another one
  mov r12d, 50
  xor r13d, r13d
.spin:
  mov word [abs area + 0x100], 0xfeeb
  mov byte [abs area + 0x102], 0xc3
  mfence
  mov eax, [abs ap_value]
  mov dword [abs ap_rounds], 2
  mov ebx, 20000000
.spin_wait:                    ; until it is there
  pause
  dec ebx
  jz .spin_end
  cmp dword [abs ap_value], -1
  jne .spin_wait
  mov ebx, 1000
.spin_linger:
  pause
  dec ebx
  jnz .spin_linger
  mov byte [abs area + 0x101], 0
  mov ebx, 20000000
.spin_out:
  pause
  dec ebx
  jz .spin_end
  cmp dword [abs ap_value], -2
  jne .spin_out
  inc r13d
  dec r12d
  jnz .spin
.spin_end:
  CHECK_EQ "the other processor's jump to itself, patched while it spins", r13d, 50
  EXIT

store_string:
  stosd
  sub edi, 4
  xor eax, eax
  lock xadd [rdi], eax
  ret
exchange:                      ; the dword at RDI becomes EAX
  push rbx
  mov ebx, eax
.again:
  mov eax, [rdi]
  lock cmpxchg [rdi], ebx
  jnz .again
  pop rbx
  ret

adder:
  add edx, strict dword 0
.value equ $ - 4
  ret
adder_end:
returner:
  mov eax, strict dword 0
  ret
returner_end:
; What ON_TARGET calls: eight bytes that the return address replaces - 90 90 20 00 00 00 00 00, which is nop, nop, and
; [rax], al, add [rax], al twice - and the way back.
target:
  mov ebx, 1
  times 3 nop
  test ebx, ebx
  jnz .old
  mov ebx, 2
.old:
  jmp rsi
target_end:
go_back:
  mov ebx, 3
  jmp rsi
go_back_end:

ap_main:
  mov eax, area
  cmp dword [abs ap_rounds], 1
  jb .idle
  ja .spin
  call rax
  mov [abs ap_value], eax
.idle:
  pause
  jmp ap_main
.spin:
  mov dword [abs ap_rounds], 0
  mov dword [abs ap_value], -1
  add eax, 0x100
  call rax
  mov dword [abs ap_value], -2
  jmp ap_main
