; SPDX-License-Identifier: GPL-3.0-or-later
; Page tables that change under running code: loads, stores, stack and code, with INVLPG and by other flushes. What a processor
; may remember without a flush is allowed to be old, and nothing else.
%include "lm.inc"

%define first  0x300000        ; physical pages
%define second 0x301000
%define P 1
%define W 2
%define U 4
%define NX 1 << 63
%define pml4_b 0x310000        ; another address space: the same but for the victim
%define pdpt_b 0x311000
%define pd_b   0x312000
%define pt_b   0x313000
%define big    0x400000        ; a page of 2 MiB
%define big_entry pd + (big >> 21) * 8
%define entry pt + (victim >> 12) * 8
%define entry_b pt_b + (victim >> 12) * 8

%macro MAP 1
  mov qword [abs entry], %1
  invlpg [abs victim]
%endmacro

; Runs %2 with the victim at one page and the other in turn. %2 gets 1 or 2 in R12D and leaves what it saw in EAX.
%macro ALTERNATE 2             ; name, subroutine
  mov r14d, 300
  xor r15d, r15d
%%loop:
  MAP first | P | W | U
  mov r12d, 1
  call %2
  cmp eax, 1
  jne %%end
  MAP second | P | W | U
  mov r12d, 2
  call %2
  cmp eax, 2
  jne %%end
  inc r15d
  dec r14d
  jnz %%loop
%%end:
  CHECK_EQ %1, r15d, 300
%endmacro

%macro SPACE_A 0
  mov eax, pml4
  mov cr3, rax
%endmacro
%macro SPACE_B 0
  mov eax, pml4_b
  mov cr3, rax
%endmacro

%macro ALTERNATE_SPACES 4      ; name, subroutine, into A, into B
  mov r14d, 300
  xor r15d, r15d
%%loop:
  %3
  mov r12d, 1
  call %2
  cmp eax, 1
  jne %%end
  %4
  mov r12d, 2
  call %2
  cmp eax, 2
  jne %%end
  inc r15d
  dec r14d
  jnz %%loop
%%end:
  SPACE_A
  CHECK_EQ %1, r15d, 300
%endmacro

main:
  ; Both pages: a function that returns 1 or 2, one that ends in the page it began in or the other, numbers
  mov edi, first
  mov ebx, 1
  call fill_page
  mov edi, second
  mov ebx, 2
  call fill_page
  mov byte [abs idt + 14 * 16 + 4], 1    ; page faults get a stack of their own

  ALTERNATE "loads after INVLPG", load
  ALTERNATE "loads of vectors", load_vector
  ALTERNATE "stores", store
  ALTERNATE "read-modify-writes", modify
  ALTERNATE "the stack", stack
  ALTERNATE "calls and returns on a stack", call_on_stack
  ALTERNATE "calls by register of code", call_by_register
  ALTERNATE "direct calls of code", call_direct
  ALTERNATE "jumps inside the page", jump_inside
  ALTERNATE "an instruction across the page's start", call_across

  ; Code that moves its own page away
  MAP first | P | W | U
  mov qword [abs entry], second | P | W | U
  invlpg [abs victim]
  MAP first | P | W | U
  mov r14d, 100
  xor r15d, r15d
.own:
  MAP first | P | W | U
  mov eax, victim + 0x400
  call rax
  cmp eax, 2
  jne .own_end
  inc r15d
  dec r14d
  jnz .own
.own_end:
  CHECK_EQ "code that moves its own page goes on in the other", r15d, 100

  ; Without INVLPG both are right, and a write to CR3 ends that
  mov r14d, 200
  xor r15d, r15d
.lazy:
  MAP first | P | W | U
  mov r12d, 1
  call load
  mov r13d, eax
  call call_direct
  and r13d, eax
  mov qword [abs entry], second | P | W | U
  call load
  dec eax
  cmp eax, 1
  ja .lazy_end
  call call_direct
  dec eax
  cmp eax, 1
  ja .lazy_end
  mov rax, cr3
  mov cr3, rax
  call load
  cmp eax, 2
  jne .lazy_end
  call call_direct
  cmp eax, 2
  jne .lazy_end
  cmp r13d, 1
  jne .lazy_end
  inc r15d
  dec r14d
  jnz .lazy
.lazy_end:
  CHECK_EQ "without INVLPG the old or the new, after MOV CR3 the new", r15d, 200

  ; Absent entries are not remembered
  mov r14d, 200
  xor r15d, r15d
.absent:
  MAP 0
  mov dword [abs got_vector], -1
  mov qword [abs resume], .absent_fault
  mov [abs saved_rsp], rsp
  mov eax, [abs victim + 0x800]
  jmp .absent_end
.absent_fault:
  mov rsp, [abs saved_rsp]
  cmp dword [abs got_vector], 14
  jne .absent_end
  mov qword [abs entry], second | P | W | U    ; no INVLPG
  call load
  cmp eax, 2
  jne .absent_end
  call call_direct
  cmp eax, 2
  jne .absent_end
  inc r15d
  dec r14d
  jnz .absent
.absent_end:
  CHECK_EQ "an absent page becomes present without INVLPG", r15d, 200

  ; Rights that go
%macro LOSES 5                 ; name, error code, entry, code with the right, the same without it
  MAP second | P | W | U
  mov ecx, 100
%%warm:
  push rcx
  %4
  pop rcx
  dec ecx
  jnz %%warm
  mov rax, %3
  mov [abs entry], rax
  invlpg [abs victim]
  FAULT_BEGIN %1, 14, %2
  %5
  FAULT_END
%endmacro
  LOSES "a page that became read-only: stores fault", 3, second | P, {mov [abs victim + 0x900], eax}, {mov [abs victim + 0x900], eax}
  LOSES "a page that became read-only: pushes fault", 3, second | P, call push_there, call push_there
  LOSES "a page that was made not executable", 0x11, second | P | W | U | NX, call call_direct, call call_direct
  LOSES "code that went away", 0x10, 0, call call_direct, call call_direct
  LOSES "data that went away", 0, 0, call load, call load
  LOSES "a stack that went away: loads fault", 0, 0, call pop_there, call pop_there

  ; Dirty bits
  mov r14d, 200
  xor r15d, r15d
.dirty:
  MAP first | P | W | U
  mov eax, [abs victim + 0x800]
  test qword [abs entry], 0x40
  jnz .dirty_end
  mov [abs victim + 0x900], eax
  mov rax, [abs entry]
  and eax, 0x60
  cmp eax, 0x60
  jne .dirty_end
  inc r15d
  dec r14d
  jnz .dirty
.dirty_end:
  CHECK_EQ "a load sets no dirty bit, a store does, each time", r15d, 200

  ; Large pages
  mov r14d, 200
  xor r15d, r15d
  mov dword [abs big + 0x1234], 1
  mov dword [abs big + 0x1ff234], 1
  mov dword [abs big + 0x201234], 2
  mov dword [abs big + 0x3ff234], 2
.big:
  mov qword [abs big_entry], big | 0x87
  invlpg [abs big + 0x100000]
  mov eax, [abs big + 0x1234]
  add eax, [abs big + 0x1ff234]
  mov qword [abs big_entry], (big + 0x200000) | 0x87
  invlpg [abs big]
  add eax, [abs big + 0x1234]
  add eax, [abs big + 0x1ff234]
  cmp eax, 6
  jne .big_end
  inc r15d
  dec r14d
  jnz .big
.big_end:
  CHECK_EQ "INVLPG of one address flushes all of a large page", r15d, 200
  mov qword [abs big_entry], big | 0x87
  invlpg [abs big]

  ; Two address spaces
  mov esi, pml4
  mov edi, pml4_b
  mov ecx, 0x4000 / 8
  cld
  rep movsq
  mov dword [abs pml4_b], pdpt_b | 7
  mov dword [abs pdpt_b], pd_b | 7
  mov dword [abs pd_b], pt_b | 7
  mov qword [abs entry], first | P | W | U
  mov qword [abs entry_b], second | P | W | U
  ALTERNATE_SPACES "two address spaces: loads", load, SPACE_A, SPACE_B
  ALTERNATE_SPACES "stores", store, SPACE_A, SPACE_B
  ALTERNATE_SPACES "the stack", stack, SPACE_A, SPACE_B
  ALTERNATE_SPACES "direct calls", call_direct, SPACE_A, SPACE_B
  ALTERNATE_SPACES "calls by register", call_by_register, SPACE_A, SPACE_B
  ALTERNATE_SPACES "instructions across a page's start", call_across, SPACE_A, SPACE_B

  ; The same with identifiers, which keep what was known
  mov rax, cr4
  bts rax, 17
  mov cr4, rax
%macro SPACE_1 0
  mov rax, 1 << 63 | pml4 | 1
  mov cr3, rax
%endmacro
%macro SPACE_2 0
  mov rax, 1 << 63 | pml4_b | 2
  mov cr3, rax
%endmacro
  ALTERNATE_SPACES "with PCIDs that are not flushed: loads", load, SPACE_1, SPACE_2
  ALTERNATE_SPACES "stores with PCIDs", store, SPACE_1, SPACE_2
  ALTERNATE_SPACES "the stack with PCIDs", stack, SPACE_1, SPACE_2
  ALTERNATE_SPACES "direct calls with PCIDs", call_direct, SPACE_1, SPACE_2
  ALTERNATE_SPACES "calls by register with PCIDs", call_by_register, SPACE_1, SPACE_2
  mov eax, pml4 | 1
  mov cr3, rax
  mov eax, pml4
  mov cr3, rax
  mov rax, cr4
  btr rax, 17
  mov cr4, rax

  ; Global pages stay until INVLPG, or until PGE is turned off
  mov r14d, 100
  xor r15d, r15d
.global:
  MAP first | P | W | U | 0x100
  call load
  call call_direct
  MAP second | P | W | U | 0x100
  call load
  cmp eax, 2
  jne .global_end
  call call_direct
  cmp eax, 2
  jne .global_end
  mov qword [abs entry], first | P | W | U | 0x100
  mov rax, cr4
  btr rax, 7
  mov cr4, rax
  bts rax, 7
  mov cr4, rax
  call load
  cmp eax, 1
  jne .global_end
  call call_direct
  cmp eax, 1
  jne .global_end
  inc r15d
  dec r14d
  jnz .global
.global_end:
  CHECK_EQ "global pages go with INVLPG and with PGE", r15d, 100
  EXIT

; --- What is done with the victim

load:
  mov eax, [abs victim + 0x800]
  ret
load_vector:
  movdqu xmm0, [abs victim + 0x800]
  movd eax, xmm0
  ret
store:                         ; writes there and reads from the physical page
  mov eax, r12d
  add eax, 0x100
  mov [abs victim + 0x900], eax
  mov ecx, r12d
  dec ecx
  shl ecx, 12
  mov eax, [rcx + first + 0x900]
  sub eax, 0x100
  mov dword [rcx + first + 0x900], 0
  ret
modify:
  lock inc dword [abs victim + 0x900]
  mov ecx, r12d
  dec ecx
  shl ecx, 12
  mov eax, r12d
  cmp dword [rcx + first + 0x900], 1
  mov dword [rcx + first + 0x900], 0
  je .good
  xor eax, eax
.good:
  ret
stack:
  mov rbx, rsp
  mov rsp, victim + 0xa00
  push r12
  mov rsp, rbx
  mov ecx, r12d
  dec ecx
  shl ecx, 12
  mov edx, [rcx + first + 0x9f8]
  mov dword [rcx + first + 0x9f8], 0
  mov rsp, victim + 0x808
  pop rax                      ; from 808: the number again
  mov rsp, rbx
  cmp eax, edx
  je .good
  xor eax, eax
.good:
  ret
call_on_stack:
  mov rbx, rsp
  mov rsp, victim + 0xa00
  call .there
  mov rsp, rbx
  ret
.there:
  mov ecx, r12d
  dec ecx
  shl ecx, 12
  mov eax, r12d
  mov rdx, [rcx + first + 0x9f8]
  mov qword [rcx + first + 0x9f8], call_on_stack.there
  cmp qword [abs victim + 0x9f8], call_on_stack.there
  mov [rcx + first + 0x9f8], rdx
  je .good
  xor eax, eax
.good:
  ret
call_by_register:
  mov eax, victim + 0x10
  call rax
  ret
call_direct:
  call victim + 0x10
  ret
jump_inside:
  call victim + 0x20
  ret
call_across:                   ; an instruction whose last bytes are the page's first
  call victim - 1
  ret
push_there:
  mov rbx, rsp
  mov rsp, victim + 0xa00
  push rax
  mov rsp, rbx
  ret
pop_there:
  mov rbx, rsp
  mov rsp, victim + 0x800
  pop rax
  mov rsp, rbx
  ret

; The page at EDI gets the number EBX, as code and as data.
fill_page:
  ; 000: the number for MOV EAX, imm32 in the page before; RET
  mov byte [abs victim - 1], 0xb8
  mov [rdi], ebx
  mov byte [rdi + 4], 0xc3
  ; 010: mov eax, n; ret
  mov byte [rdi + 0x10], 0xb8
  mov [rdi + 0x11], ebx
  mov byte [rdi + 0x15], 0xc3
  ; 020: jmp 100 and there the same
  mov byte [rdi + 0x20], 0xe9
  mov dword [rdi + 0x21], 0x100 - 0x25
  mov byte [rdi + 0x100], 0xb8
  mov [rdi + 0x101], ebx
  mov byte [rdi + 0x105], 0xc3
  ; 400: moves its page to the second; the other half comes from there
  push rdi
  mov esi, move_away
  add edi, 0x400
  mov ecx, move_away_end - move_away
  cld
  rep movsb
  pop rdi
  mov [rdi + 0x400 + (move_away.number - move_away)], ebx
  ; 800: numbers
  mov [rdi + 0x800], rbx
  mov [rdi + 0x808], rbx
  ret
move_away:
  mov qword [abs entry], second | P | W | U
  invlpg [abs victim]
  mov eax, strict dword 0
.number equ $ - 4
  ret
move_away_end:
