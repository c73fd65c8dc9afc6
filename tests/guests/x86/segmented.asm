; SPDX-License-Identifier: GPL-3.0-or-later
; 16-bit code, and 32-bit code in segments that are not flat: offsets and IP that wrap around, limits, stacks of both sizes, and
; code that is seen through several segments.
%include "pm.inc"

%macro SLOT 5                  ; selector, base, limit, access, flags
  mov dword [gdt + ((%1) & ~7)], ((%3) & 0xffff) | ((%2) & 0xffff) << 16
  mov dword [gdt + ((%1) & ~7) + 4], (((%2) >> 16) & 0xff) | (%4) << 8 | (((%3) >> 16) & 0xf) << 16 | (%5) << 20 | ((%2) & 0xff000000)
%endmacro

%define CODE   FREE            ; 16 bits, begins in the middle of a page
%define CODE2  (FREE + 8)      ; the same memory, 16 bytes earlier
%define CODE0  (FREE + 16)     ; the same memory from 0 on
%define DATA   (FREE + 24)
%define STACK  (FREE + 32)     ; 16 bits
%define WRAP   (FREE + 40)     ; code at both ends of 64 KiB
%define SHORT  (FREE + 48)     ; ends behind a few instructions
%define CODE32 (FREE + 56)     ; 32 bits, begins in the middle of a page
%define DOWN   (FREE + 64)     ; expands down
%define RDONLY (FREE + 72)
%define TINY   (FREE + 80)
%define STACK32 (FREE + 88)    ; 32 bits, with a base

%define BASE   0x7a30
%define BASE2  (BASE - 16)
%define DATA_BASE 0x50123
%define STACK_BASE 0x48000
%define WRAP_BASE 0x60010

; Runs code of another segment until it jumps to `back`; eax to edx and esi are its results, ebp is its ESP.
%macro RUN 3                   ; selector, base, label
  mov [saved_esp], esp
  mov dword [resume], 0
  mov dword [continue_at], %%after
  jmp %1:((%3) - (%2))
%%after:
%endmacro

%macro BACK 0
  jmp dword KCODE:back
%endmacro

%macro COPY 3                  ; to, from, end
  mov esi, %2
  mov edi, %1
  mov ecx, %3 - %2
  rep movsb
%endmacro

main:
  SLOT CODE, BASE, 0xffff, 0x9b, 0
  SLOT CODE2, BASE2, 0xffff, 0x9b, 0
  SLOT CODE0, 0, 0xffff, 0x9b, 0
  SLOT DATA, DATA_BASE, 0x7ff, 0x93, 0
  SLOT STACK, STACK_BASE, 0xffff, 0x93, 0
  SLOT WRAP, WRAP_BASE, 0xffff, 0x9b, 0
  SLOT SHORT, 0, short_end - short_code - 1, 0x9b, 0
  SLOT CODE32, BASE, 0xfffff, 0x9b, 4
  SLOT DOWN, DATA_BASE, 0x3ff, 0x97, 0
  SLOT RDONLY, DATA_BASE, 0x7ff, 0x91, 0
  SLOT TINY, DATA_BASE, 3, 0x93, 0
  SLOT STACK32, STACK_BASE + 0x20, 0xffff, 0x93, 4
  mov ebx, short_code
  mov edi, SHORT
  call set_base
  cld

  ; --- Addresses ---
  RUN CODE, BASE, addresses
  mov [got], eax
  cmp eax, 0x3f
  REPORT "16-bit addresses: every form, with base and wrap-around"
  CHECK_EQ "LEA cuts its sum to 16 bits", ebx, 0xabcd0010
  movzx eax, word [DATA_BASE + 0x10]
  CHECK_EQ "a store at a wrapped offset", eax, 0x1234
  movzx eax, word [STACK_BASE + 0x104]
  CHECK_EQ "BP addresses the stack segment", eax, 0x4321
  mov eax, [DATA_BASE + 0x230]
  CHECK_EQ "32-bit addresses and operands in 16-bit code", eax, 0xcafe1235

  ; --- The same code in several segments ---
  RUN CODE, BASE, where_am_i
  CHECK_EQ "a call pushes the offset in its segment", ax, where_am_i.here - BASE
  RUN CODE2, BASE2, where_am_i
  CHECK_EQ "the same code in another segment pushes another", ax, where_am_i.here - BASE2
  RUN CODE0, 0, where_am_i
  CHECK_EQ "and with base 0", ax, where_am_i.here
  RUN CODE, BASE, where_am_i
  CHECK_EQ "and once more in the first", ax, where_am_i.here - BASE
  RUN CODE, BASE, branches
  CHECK_EQ "loops, calls and conditions, segment in the middle of a page", eax, 0x00420e0f
  RUN CODE0, 0, branches
  CHECK_EQ "loops, calls and conditions, segment from 0 on", eax, 0x00420e0f
  RUN CODE32, BASE, branches32
  CHECK_EQ "32-bit code with a base", eax, 0x00420e0f

  ; --- Stacks ---
  RUN CODE, BASE, stack_wrap
  CHECK_EQ "pushes, calls and pops go around the end of a 16-bit stack", eax, 0x5678
  CHECK_EQ "and leave the upper half of ESP alone", ebp, 0x12340000
  movzx eax, word [STACK_BASE + 0xfffc]
  CHECK_EQ "the word below the wrapped one", eax, 0x5678
  RUN CODE, BASE, stack_sizes
  CHECK_EQ "16 and 32 bits on a 16-bit stack", eax, 0x11112222
  CHECK_EQ "RET n, LEAVE and POP SP on it", ebp, 0x9876_0ff0
  RUN CODE32, BASE, stack16_in_32
  CHECK_EQ "32-bit code on a 16-bit stack", eax, 0x33334444
  CHECK_EQ "which wraps as well", ebp, 0x0001_0002
  RUN CODE32, BASE, stack32
  CHECK_EQ "words on a 32-bit stack with a base", eax, 0x55556666
  CHECK_EQ "which counts all of ESP", ebp, 0x0000_8000
  movzx eax, word [STACK_BASE + 0x20 + 0x7ffe]
  CHECK_EQ "a word is where its segment begins", eax, 0x6666

  ; --- IP ---
  COPY WRAP_BASE + 0xffe0, wrap_high, wrap_high_end
  COPY WRAP_BASE, wrap_low, wrap_low_end
  mov dword [resume], 0
  RUN WRAP, 0, 0xffe0
  CHECK_EQ "jumps and calls wrap IP around", eax, 0x1234
  CHECK_EQ "the return address of a call does not reach over the end", bx, 0xffec
  COPY WRAP_BASE + 0xfff8, wrap_off, wrap_off_end
  FAULT_BEGIN "running off the end is #GP(0)", 13, 0
  xor eax, eax
  jmp WRAP:0xfff8
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "with IP behind the end", eax, 0x10000
  mov eax, [got_eax]
  CHECK_EQ "after everything before it", eax, 8

  ; --- Limits of code ---
%macro BEYOND 3                ; name, label of entry, label of the branch
  FAULT_BEGIN %1, 13, 0
  mov ax, DATA
  mov ds, ax
  mov eax, 0x20002
  mov ecx, 0x30002
  jmp SHORT:(%2 - short_code)
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "at the branch", eax, %3 - short_code
  mov eax, [got_cs]
  and eax, 0xffff
  CHECK_EQ "in its segment", eax, SHORT
  mov eax, [got_frame]
  add eax, 12
  CHECK_EQ "and the stack as it was", eax, [saved_esp]
%endmacro
  BEYOND "JMP beyond the limit is #GP(0)", short_jmp, short_jmp.at
  BEYOND "Jcc beyond the limit is #GP(0)", short_jcc, short_jcc.at
  BEYOND "CALL beyond the limit is #GP(0)", short_call, short_call.at
  BEYOND "JMP to a register beyond the limit is #GP(0)", short_reg, short_reg.at
  BEYOND "CALL to a register beyond the limit is #GP(0)", short_call_reg, short_call_reg.at
  BEYOND "LOOP beyond the limit is #GP(0)", short_loop, short_loop.at
  CHECK_EQ "LOOP has not counted then", ecx, 0x30002
  FAULT_BEGIN "RET beyond the limit is #GP(0)", 13, 0
  push word 0x7777
  jmp SHORT:(short_ret - short_code)
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "at the RET", eax, short_ret.at - short_code
  mov eax, [got_frame]
  add eax, 14
  CHECK_EQ "whose word is still there", eax, [saved_esp]
  RUN SHORT, short_code, short_fine
  CHECK_EQ "inside the limit everything is fine", eax, 3

  ; --- Limits of data ---
%macro VIOLATION 4             ; name, vector, label of entry, label of the access
  FAULT_BEGIN %1, %2, 0
  mov eax, 0x10000
  jmp CODE:(%3 - BASE)
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "at the access", eax, %4 - BASE
  mov eax, [got_eax]
  CHECK_EQ "and nothing behind it was done", eax, 0x10003
%endmacro
  VIOLATION "a word across the limit, in the middle of a block, is #GP(0)", 13, across_limit, across_limit.at
  VIOLATION "a store to a read-only segment is #GP(0)", 13, read_only, read_only.at
  VIOLATION "an access by a null segment is #GP(0)", 13, null_segment, null_segment.at
  VIOLATION "below the limit of an expand-down segment: #GP(0)", 13, down, down.at
  VIOLATION "above the top of an expand-down segment: #GP(0)", 13, down_top, down_top.at
  VIOLATION "a store through CS is #GP(0)", 13, code_store, code_store.at
  VIOLATION "a limit that became smaller in the block counts at once", 13, smaller, smaller.at
  VIOLATION "a 32-bit offset beyond 64 KiB is #GP(0)", 13, far_offset, far_offset.at
  VIOLATION "a word at FFFF of the stack segment is #SS(0)", 12, stack_top, stack_top.at
  VIOLATION "an address of 16 bits does not wrap in an operand", 13, operand_wrap, operand_wrap.at
  RUN CODE, BASE, fine_accesses
  CHECK_EQ "what the limits allow", eax, 0x10007

  ; --- Between 16 and 32 bits ---
  mov dword [STACK_BASE + 0x8000], 0
  RUN CODE, BASE, between
  CHECK_EQ "far calls and returns between 16 and 32 bits", eax, 30
  CHECK_EQ "and the stack is balanced", ebp, 0x8000
  EXIT

back:
  mov edi, KDATA
  mov ds, edi
  mov es, edi
  mov ebp, esp
  mov ss, edi
  mov esp, [saved_esp]
  jmp [continue_at]

to_32:                         ; called by 16-bit code, far
  inc eax
  call CODE:(from_32 - BASE)
  inc eax
  o32 retf

bits 16
; eax: a bit for each form that gave what it should.
addresses:
  mov ax, DATA
  mov ds, ax
  mov ax, STACK
  mov ss, ax
  mov sp, 0x1000
  xor eax, eax
  mov word [0x30], 0x1111
  mov bx, 0x20
  mov si, 0x10
  mov di, 0x8
  mov bp, 0x100
  cmp word [bx + si], 0x1111
  jne .two
  or al, 1
.two:
  add word [bx + di + 8], 1
  cmp word [0x30], 0x1112
  jne .three
  or al, 2
.three:
  mov word [bp + si - 0x0c], 0x4321
  cmp word [ss:0x104], 0x4321
  jne .four
  or al, 4
.four:
  mov bx, 0xfff0
  mov dx, 0x1234
  mov [bx + 0x20], dx
  cmp [0x10], dx
  jne .five
  or al, 8
.five:
  push ax
  mov ax, [0x30]
  mov dx, ax
  pop ax
  cmp dx, 0x1112
  jne .six
  or al, 16
.six:
  mov ecx, 0x80
  mov edx, 0x30
  mov dword [edx + ecx * 4], 0xcafe1234
  inc dword [edx + ecx * 4]
  cmp dword [edx + 0x200], 0xcafe1235
  jne .seven
  or al, 32
.seven:
  mov ebx, 0xabcd_0000
  mov si, 0xff00
  lea bx, [bx + si + 0x110]
  BACK

where_am_i:
  mov ax, STACK
  mov ss, ax
  mov sp, 0x1000
  call .here
.here:
  pop ax
  BACK

; eax = 0x00420e0f
branches:
  mov ax, STACK
  mov ss, ax
  mov esp, 0x1000
  xor eax, eax
  mov cx, 5
.next:
  add ax, cx                   ; 15
  loop .next
  mov ecx, 0x10000
  jcxz .cx_is_zero
  mov ax, 0xdead
.cx_is_zero:
  jecxz .bad
  loop .cx_wrapped             ; CX becomes FFFF, the upper half stays
.bad:
  mov ax, 0xbad
.cx_wrapped:
  cmp ecx, 0x1ffff
  jne .bad
  mov cx, 3
  xor dx, dx
.while:
  cmp dx, 1
  loopne .while_on
  jmp .while_done
.while_on:
  inc dx
  jmp .while
.while_done:
  add dx, 13                   ; 14
  shl dx, 8
  or ax, dx
  call .near
  call .here
.here:
  pop bx
  add bx, .near - .here
  call bx
  call dword .near32
  and eax, 0xffffff
  BACK
.near:
  add eax, 0x150000
  ret
.near32:
  add eax, 0x180000
  o32 ret

stack_wrap:
  mov ax, STACK
  mov ss, ax
  mov esp, 0x12340000
  push word 0x1111             ; at FFFE
  push word 0x5678             ; at FFFC
  call .check
  pop ax
  pop bx
  cmp bx, 0x1111
  je .fine
  xor ax, ax
.fine:
  call .check2                 ; its return address at FFFE
  movzx eax, ax
  BACK
.check:
  cmp sp, 0xfffa
  je .check_end
  mov ax, 0xbad
.check_end:
  ret
.check2:
  cmp sp, 0xfffe
  je .check_end
  mov ax, 0xbad
  ret

stack_sizes:
  mov ax, STACK
  mov ss, ax
  mov esp, 0x98761000
  mov eax, 0x11112222
  push eax
  push word -2
  push dword -3
  pop ecx
  pop dx
  pop ebx
  cmp ecx, -3
  jne .bad
  cmp dx, -2
  jne .bad
  cmp ebx, eax
  jne .bad
  push word 1
  push word 2
  call .clean
  cmp sp, 0x1000
  jne .bad
  push bp
  mov bp, sp
  sub sp, 0x40
  mov word [bp - 2], 7
  leave
  cmp sp, 0x1000
  jne .bad
  push sp
  pop dx
  cmp dx, 0x1000
  jne .bad
  push word 0x0ff0
  pop sp
  BACK
.clean:
  ret 4
.bad:
  mov eax, 0xbad
  BACK

across_limit:
  mov bx, DATA
  mov ds, bx
  mov bx, 0x7fe
  inc ax
  mov [bx], dx
  inc ax
  inc bx
  inc ax
.at:
  mov [bx], dx
  inc ax
  BACK
read_only:
  mov bx, RDONLY
  mov ds, bx
  add ax, 2
  mov dx, [0x10]
  inc ax
.at:
  mov [0x10], dx
  inc ax
  BACK
null_segment:
  xor bx, bx
  mov fs, bx
  add ax, 3
.at:
  mov dl, [fs:bx]
  inc ax
  BACK
down:
  mov bx, DOWN
  mov ds, bx
  mov bx, 0x400
  mov dx, [bx]
  add ax, 3
  dec bx
.at:
  mov dx, [bx]
  inc ax
  BACK
down_top:
  mov bx, DOWN
  mov ds, bx
  mov bx, 0xffff
  mov dl, [bx]
  add ax, 3
.at:
  mov dx, [bx]
  inc ax
  BACK
code_store:
  add ax, 3
  mov dl, [cs:across_limit - BASE]
.at:
  mov [cs:across_limit - BASE], dl
  inc ax
  BACK
smaller:
  mov bx, DATA
  mov ds, bx
  mov si, TINY
  xor bx, bx
  mov dx, [bx + 4]
  add ax, 3
  mov ds, si
.at:
  mov dx, [bx + 4]
  inc ax
  BACK
far_offset:
  mov bx, STACK
  mov ds, bx
  mov ebx, 0xffff
  mov dl, [ebx]
  add ax, 3
  inc ebx
.at:
  mov dl, [ebx]
  inc ax
  BACK
stack_top:
  mov bx, STACK
  mov ss, bx
  mov esp, 0x1000
  mov bp, 0xfffe
  mov dx, [bp]
  add ax, 3
  inc bp
.at:
  mov dx, [bp]
  inc ax
  BACK
operand_wrap:
  mov bx, STACK
  mov ds, bx
  mov bx, 0xfffc
  mov edx, [bx]
  add ax, 3
  inc bx
.at:
  mov edx, [bx]
  inc ax
  BACK
fine_accesses:
  mov bx, DATA
  mov ds, bx
  mov eax, 0x10003
  mov bx, 0x7fe
  mov dx, [bx]
  inc ax
  mov dl, [0x7ff]
  inc ax
  mov bx, TINY
  mov ds, bx
  mov dword [0], 5
  inc ax
  mov bx, DOWN
  mov es, bx
  mov word [es:0xfffe], 5
  inc ax
  BACK

between:
  mov ax, STACK
  mov ss, ax
  mov esp, 0x8000
  xor eax, eax
  mov cx, 10
.next:
  push cx
  call dword KCODE:to_32
  pop cx
  loop .next
  BACK
from_32:
  inc eax
  o32 retf

; Ends exactly where its segment does.
short_code:
short_fine:
  xor eax, eax
  mov cx, 3
.next:
  inc ax
  loop .next
  BACK
short_jmp:
  inc ax
.at:
  jmp short_end + 1
short_jcc:
  inc ax
  cmp ax, ax
.at:
  je near short_end + 2
short_call:
  inc ax
.at:
  call short_end + 0x100
short_reg:
  mov bx, 0x4444
  inc ax
.at:
  jmp bx
short_call_reg:
  mov bx, 0x4444
  inc ax
.at:
  call bx
short_ret:
  inc ax
.at:
  ret
short_loop:
.at:
  loop short_end + 3
short_end:

wrap_high:                     ; at FFE0
  mov ax, STACK
  mov ss, ax
  mov sp, 0x1000
  db 0xe8                      ; call 0010; its end is FFEB
  dw (0x0010 - 0xffeb) & 0xffff
  nop
  jmp $ + 0x10020 - 0xffec     ; to 0020
wrap_high_end:

wrap_low:                      ; at 0
  times 0x10 nop
  pop bx                       ; 0010
  push bx
  inc bx
  mov eax, 0x1000
  ret
  times 0x20 - ($ - wrap_low) nop
  add eax, 0x234               ; 0020
  BACK
wrap_low_end:

wrap_off:                      ; at FFF8
  times 8 inc ax
wrap_off_end:

bits 32
branches32:
  mov ax, STACK32
  mov ss, ax
  mov esp, 0x1000
  xor eax, eax
  mov ecx, 5
.next:
  add eax, ecx
  loop .next
  or eax, 0xe00
  call .near
  call .here
.here:
  pop ebx
  add ebx, .near - .here
  call ebx
  add eax, 0x180000
  jmp KCODE:back
.near:
  add eax, 0x150000
  ret

stack16_in_32:
  mov ax, STACK
  mov ss, ax
  mov esp, 0x10002
  push word 0x3333             ; at 0
  push word 0x4444             ; at FFFE
  pop ax
  pop bx
  shl ebx, 16
  movzx eax, ax
  or eax, ebx
  jmp KCODE:back

stack32:
  mov ax, STACK32
  mov ss, ax
  mov esp, 0x8000
  push word 0x6666
  push dword 0x5555
  pop ebx
  pop ax
  shl ebx, 16
  movzx eax, ax
  or eax, ebx
  jmp KCODE:back

section .data
align 4
continue_at dd 0
