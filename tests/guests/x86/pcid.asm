; SPDX-License-Identifier: GPL-3.0-or-later
; Address spaces with a number (PCIDs): what has to be forgotten is, on every way to forget it, also of spaces that are not in
; use; what each space sees is its own after hundreds of changes; code as well as data, small pages as well as large ones.
; (SDM volume 3A, 4.10.)
%include "lm.inc"

%define pml4_b 0x105000
%define pdpt_b 0x106000
%define pd_b   0x107000
%define pt_b   0x108000
%define first  0x60000         ; where victim is in space A ...
%define second 0x61000         ; ... in B ...
%define third  0x62000         ; ... and after a change
%define shared 0x63000         ; a global page
%define large  0x600000        ; a page of 2 MiB, and where it is ...
%define large2 0x800000        ; ... after a change
%define descriptor 0x55000    ; not beside code, which would not stay translated
%define A 1
%define B 2
%define ROUNDS 200
%define PTE(table, linear) abs table + ((linear) >> 12) * 8

%macro SPACE 2                 ; table, PCID; keeps what is known of it
  mov rax, (%1) | (%2) | (1 << 63)
  mov cr3, rax
%endmacro
%macro SPACE_ANEW 2
  mov rax, (%1) | (%2)
  mov cr3, rax
%endmacro
%macro INVPCID 3               ; type, PCID, address
  mov qword [abs descriptor], %2
  mov qword [abs descriptor + 8], %3
  mov eax, %1
  invpcid rax, [abs descriptor]
%endmacro

; Both spaces have been in use and everything is known: A is in use then, and victim is where it was.
%macro BEGIN 0
  call both
%endmacro
%macro MOVE 0                  ; in A's tables
  mov dword [PTE (pt, victim)], third | 7
%endmacro
%macro VICTIM 2
  mov eax, [abs victim]
  CHECK_EQ %1, eax, %2
%endmacro

main:
  ; Another space with the same pages, but for victim.
  mov rsi, pml4
  mov edi, pml4_b
  mov ecx, 0x4000 / 8
  cld
  rep movsq
  mov dword [abs pml4_b], pdpt_b | 7
  mov dword [abs pdpt_b], pd_b | 7
  mov dword [abs pd_b], pt_b | 7
  mov dword [PTE (pt_b, victim)], second | 7
  bts dword [PTE (pt, shared)], 8
  bts dword [PTE (pt_b, shared)], 8
  mov eax, 0xaaaa0001
  mov [abs scratch], eax
  ; In A, victim is itself.
  mov dword [abs first], 0xaaaa0001
  mov dword [abs second], 0xbbbb0002
  mov dword [abs third], 0xcccc0003
  mov dword [abs shared], 0x5a5a0004
  mov dword [abs large + 0x1000], 0x11110001
  mov dword [abs large + 0x1ff000], 0x11110002
  mov dword [abs large2 + 0x1000], 0x22220001
  mov dword [abs large2 + 0x1ff000], 0x22220002
  mov rax, cr3
  mov cr3, rax
  mov rax, cr4
  bts rax, 17
  mov cr4, rax

  xor r13d, r13d
  mov r14d, ROUNDS
.change:
  SPACE pml4, A
  mov ebx, [abs victim]
  cmp ebx, 0xaaaa0001
  jne .changed
  SPACE pml4_b, B
  mov ebx, [abs victim]
  cmp ebx, 0xbbbb0002
  jne .changed
  inc r13d
  dec r14d
  jnz .change
.changed:
  CHECK_EQ "each space keeps its own page", r13d, ROUNDS

  BEGIN
  MOVE
  SPACE_ANEW pml4, A
  VICTIM "CR3 without bit 63 forgets the space", 0xcccc0003
  SPACE pml4_b, B
  SPACE pml4, A
  VICTIM "which does not come back with bit 63", 0xcccc0003

  BEGIN
  MOVE
  invlpg [abs victim]
  VICTIM "INVLPG forgets the page", 0xcccc0003
  SPACE pml4_b, B
  VICTIM "not that of another space's tables", 0xbbbb0002
  SPACE pml4, A
  VICTIM "also after a change to and fro", 0xcccc0003

  BEGIN
  MOVE
  INVPCID 0, A, victim
  VICTIM "INVPCID 0 in the space itself", 0xcccc0003

  BEGIN
  SPACE pml4_b, B
  mov eax, [abs victim]
  MOVE
  INVPCID 0, A, victim
  VICTIM "INVPCID 0 of another space leaves this one", 0xbbbb0002
  SPACE pml4, A
  VICTIM "and forgets that one's page", 0xcccc0003

  BEGIN
  SPACE pml4_b, B
  mov eax, [abs victim]
  MOVE
  INVPCID 1, A, 0
  SPACE pml4, A
  VICTIM "INVPCID 1 forgets another space", 0xcccc0003
  BEGIN
  MOVE
  INVPCID 1, A, 0
  VICTIM "INVPCID 1 forgets this space", 0xcccc0003

  BEGIN
  MOVE
  mov dword [PTE (pt_b, victim)], third | 7
  INVPCID 2, 0, 0
  VICTIM "INVPCID 2 forgets this space", 0xcccc0003
  SPACE pml4_b, B
  VICTIM "and the others", 0xcccc0003
  BEGIN
  MOVE
  mov dword [PTE (pt_b, victim)], third | 7
  INVPCID 3, 0, 0
  VICTIM "INVPCID 3 forgets this space", 0xcccc0003
  SPACE pml4_b, B
  VICTIM "and the others", 0xcccc0003

  ; Global pages
  BEGIN
  mov eax, [abs shared]
  mov dword [PTE (pt, shared)], third | 0x107
  mov dword [PTE (pt_b, shared)], third | 0x107
  SPACE_ANEW pml4_b, B
  INVPCID 3, 0, 0
  mov eax, [abs shared]
  CHECK_EQ "a global page survives CR3 and INVPCID 3", eax, 0x5a5a0004
  invlpg [abs shared]
  mov eax, [abs shared]
  CHECK_EQ "INVLPG forgets it", eax, 0xcccc0003
  SPACE pml4, A
  mov eax, [abs shared]
  CHECK_EQ "in all spaces", eax, 0xcccc0003
  BEGIN
  mov eax, [abs shared]
  mov dword [PTE (pt, shared)], third | 0x107
  mov dword [PTE (pt_b, shared)], third | 0x107
  INVPCID 2, 0, 0
  mov eax, [abs shared]
  CHECK_EQ "INVPCID 2 forgets global pages", eax, 0xcccc0003
  BEGIN
  mov eax, [abs shared]
  mov dword [PTE (pt, shared)], third | 0x107
  mov dword [PTE (pt_b, shared)], third | 0x107
  MOVE
  mov dword [PTE (pt_b, victim)], third | 7
  mov rax, cr4
  btc rax, 7
  mov cr4, rax
  mov ecx, [abs shared]
  mov edx, [abs victim]
  btc rax, 7
  mov cr4, rax
  CHECK_EQ "CR4.PGE forgets global pages", ecx, 0xcccc0003
  CHECK_EQ "and this space", edx, 0xcccc0003
  SPACE pml4_b, B
  VICTIM "and the others", 0xcccc0003

  ; Large pages
  BEGIN
  mov eax, [abs large + 0x1000]
  mov ebx, [abs large + 0x1ff000]
  add eax, ebx
  CHECK_EQ "a large page is read in two places", eax, 0x22220003
  mov dword [abs pd + (large >> 21) * 8], large2 | 0x87
  invlpg [abs large + 0x100123]
  mov eax, [abs large + 0x1000]
  CHECK_EQ "INVLPG of its middle forgets its start", eax, 0x22220001
  mov eax, [abs large + 0x1ff000]
  CHECK_EQ "and its end", eax, 0x22220002
  SPACE pml4_b, B
  SPACE pml4, A
  mov eax, [abs large + 0x1000]
  CHECK_EQ "for good", eax, 0x22220001
  BEGIN
  mov eax, [abs large + 0x1000]
  mov dword [abs pd + (large >> 21) * 8], large2 | 0x87
  SPACE pml4_b, B
  mov ebx, [abs large + 0x1000]
  CHECK_EQ "another space has its own large page", ebx, 0x11110001
  INVPCID 1, A, 0
  SPACE pml4, A
  mov eax, [abs large + 0x1000]
  CHECK_EQ "INVPCID forgets large pages of another space", eax, 0x22220001
  BEGIN
  mov eax, [abs large + 0x1000]
  mov dword [abs pd + (large >> 21) * 8], 0
  INVPCID 0, A, large + 0x1000
  FAULT_BEGIN "a large page that went is absent", 14, 0
  mov eax, [abs large + 0x1000]
  FAULT_END
  mov dword [abs pd + (large >> 21) * 8], large | 0x87
  mov eax, [abs large + 0x1000]
  CHECK_EQ "and present without a flush when it is back", eax, 0x11110001
  mov dword [abs pd + (large >> 21) * 8], large | 0x85
  invlpg [abs large]
  mov eax, [abs large + 0x1000]
  FAULT_BEGIN "a large page that became read-only", 14, 3
  mov [abs large + 0x1000], eax
  FAULT_END
  mov dword [abs pd + (large >> 21) * 8], large | 0x87

  ; Accessed and dirty
  BEGIN
  mov dword [PTE (pt, victim)], first | 7
  invlpg [abs victim]
  mov eax, [abs victim]
  mov eax, [PTE (pt, victim)]
  and eax, 0x60
  CHECK_EQ "a load sets A", eax, 0x20
  SPACE pml4_b, B
  SPACE pml4, A
  mov dword [abs victim], 0xaaaa0001
  mov eax, [PTE (pt, victim)]
  and eax, 0x60
  CHECK_EQ "a store sets D, though the page was known for loads", eax, 0x60

  ; Code
  mov dword [abs first], 0x0001b866         ; mov ax, 1; ret
  mov byte [abs first + 4], 0xc3
  mov dword [abs second], 0x0002b866
  mov byte [abs second + 4], 0xc3
  mov dword [abs third], 0x0003b866
  mov byte [abs third + 4], 0xc3
  xor r13d, r13d
  mov r14d, ROUNDS
.code:
  SPACE pml4, A
  xor eax, eax
  mov ecx, victim
  call rcx
  mov ebx, eax
  SPACE pml4_b, B
  mov ecx, victim
  call rcx
  add ebx, eax
  movzx ebx, bx                             ; AX alone is written
  cmp ebx, 1 + 2
  jne .coded
  inc r13d
  dec r14d
  jnz .code
.coded:
  CHECK_EQ "each space runs its own code", r13d, ROUNDS
  SPACE pml4, A
  MOVE
  invlpg [abs victim]
  mov ecx, victim
  call rcx
  movzx eax, ax
  CHECK_EQ "INVLPG forgets code", eax, 3
  mov dword [PTE (pt, victim)], first | 7
  SPACE pml4_b, B
  INVPCID 0, A, victim
  SPACE pml4, A
  mov ecx, victim
  call rcx
  movzx eax, ax
  CHECK_EQ "INVPCID forgets code of another space", eax, 1
  EXIT

both:
  mov dword [PTE (pt, victim)], first | 7
  mov dword [PTE (pt_b, victim)], second | 7
  mov dword [PTE (pt, shared)], shared | 0x107
  mov dword [PTE (pt_b, shared)], shared | 0x107
  mov dword [abs pd + (large >> 21) * 8], large | 0x87
  INVPCID 2, 0, 0
  mov ecx, 3
.again:
  SPACE pml4_b, B
  mov eax, [abs victim]
  add eax, [abs shared]
  add eax, [abs large + 0x1000]
  SPACE pml4, A
  mov eax, [abs victim]
  add eax, [abs shared]
  add eax, [abs large + 0x1000]
  dec ecx
  jnz .again
  ret
