; SPDX-License-Identifier: GPL-3.0-or-later
; Real mode: vectors, faults, single step, "unreal" segments, far transfers.
bits 16
org 0x7c00
section .text
%include "guest.inc"

%macro VECTOR 2                ; number, handler
  mov word [%1 * 4], %2
  mov word [%1 * 4 + 2], 0
%endmacro

start:
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7000

  ; INT n pushes FLAGS, CS and IP, and clears IF and TF.
  VECTOR 0x40, on_int40
  sti
  mov word [got], 0
  int 0x40
after_int40:
  cli
  mov ax, [saved_ip]
  CHECK_EQ "INT n pushes the address after it", ax, after_int40
  mov ax, [saved_flags_in]
  and ax, 0x200
  CHECK_EQ "INT n clears IF in the handler", ax, 0
  mov ax, [saved_flags]
  and ax, 0x200
  CHECK_EQ "INT n saves IF", ax, 0x200
  mov ax, sp
  CHECK_EQ "IRET balances the stack", ax, 0x7000

  ; #DE is a fault: the address is that of the DIV.
  VECTOR 0, on_fault
  mov word [resume], .after_div
  xor dx, dx
  xor bx, bx
  mov ax, 1
.div:
  div bx
.after_div:
  mov ax, [saved_ip]
  CHECK_EQ "divide error points at the instruction", ax, .div

  ; #UD
  VECTOR 6, on_fault
  mov word [resume], .after_ud
.ud:
  ud2
.after_ud:
  mov ax, [saved_ip]
  CHECK_EQ "undefined opcode points at the instruction", ax, .ud

  ; LAR and its kin do not exist here.
  mov word [resume], .after_lar
.lar:
  lar ax, bx
.after_lar:
  mov ax, [saved_ip]
  CHECK_EQ "LAR is undefined in real mode", ax, .lar

  ; A word across the end of a segment is #GP, without error code on the stack.
  VECTOR 13, on_fault
  mov word [resume], .after_gp
.gp:
  mov ax, [0xffff]
.after_gp:
  mov ax, [saved_ip]
  CHECK_EQ "a word at offset FFFF is a protection fault", ax, .gp

  ; INT3 and INTO
  VECTOR 3, on_trap
  VECTOR 4, on_trap
  mov word [saved_ip], 0
  int3
.after_int3:
  mov ax, [saved_ip]
  CHECK_EQ "INT3 pushes the address after it", ax, .after_int3
  mov al, 0x7f
  add al, 1
  into
.after_into:
  mov ax, [saved_ip]
  CHECK_EQ "INTO traps on overflow", ax, .after_into

  ; Single step: one trap for each instruction, the first one after the POPF's successor.
  VECTOR 1, on_step
  mov word [steps], 0
  pushf
  pop ax
  or ax, 0x100
  push ax
  popf
  nop                         ; 1
  mov cx, 3                   ; 2
  inc cx                      ; 3
  pushf                       ; 4
  pop ax                      ; 5
  and ax, 0xfeff              ; 6
  push ax                     ; 7
  popf                        ; 8
  nop
  mov ax, [steps]
  CHECK_EQ "TF traps after each instruction", ax, 8
  ; MOV SS holds the trap back until after the next instruction.
  mov word [steps], 0
  pushf
  pop ax
  or ax, 0x100
  push ax
  xor bx, bx
  popf
  mov ss, bx                  ; no trap
  mov sp, sp                  ; 1
  pushf                       ; 2
  pop ax                      ; 3
  and ax, 0xfeff              ; 4
  push ax                     ; 5
  popf                        ; 6
  nop
  mov ax, [steps]
  CHECK_EQ "MOV SS delays the single-step trap", ax, 6

  ; Far call and return.
  mov word [got], 0
  call 0x0:far_target
.back:
  mov ax, [saved_ip]
  CHECK_EQ "a far call pushes the return address", ax, .back
  jmp 0x7c0:(.far_jumped - 0x7c00)
.far_jumped:
  mov ax, cs
  CHECK_EQ "a far jump loads CS", ax, 0x7c0
  jmp 0:.home
.home:

  ; Unreal mode: a 4 GiB limit loaded in protected mode stays after the return.
  lgdt [gdt_pointer]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp .in_protected
.in_protected:
  mov bx, 8
  mov fs, bx
  and al, 0xfe
  mov cr0, eax
  jmp .in_real
.in_real:
  mov dword [0x7ff0], 0
  mov eax, 0x200000
  mov dword [fs:eax], 0x12345678
  mov ebx, [fs:eax]
  CHECK_EQ "a big segment keeps its limit in real mode", ebx, 0x12345678
  xor bx, bx
  mov fs, bx
  mov dword [fs:eax], 0x87654321
  mov ebx, [fs:eax]
  CHECK_EQ "loading a selector in real mode keeps the limit", ebx, 0x87654321

  ; SMSW and LMSW
  smsw ax
  and ax, 1
  CHECK_EQ "SMSW shows PE clear", ax, 0

  ; IDT limit: a vector beyond it is #GP.
  lidt [short_idt]
  mov word [resume], .after_short
.short:
  int 0x41
.after_short:
  lidt [full_idt]
  mov ax, [saved_ip]
  CHECK_EQ "a vector beyond the table's limit is a protection fault", ax, .short

  EXIT

on_int40:
  pushf
  pop word [saved_flags_in]
  push bp
  mov bp, sp
  mov ax, [bp + 2]
  mov [saved_ip], ax
  mov ax, [bp + 6]
  mov [saved_flags], ax
  pop bp
  iret

on_fault:
  pop word [saved_ip]
  pop ax
  popf
  jmp [resume]

on_trap:
  push bp
  mov bp, sp
  push ax
  mov ax, [bp + 2]
  mov [saved_ip], ax
  pop ax
  pop bp
  iret

on_step:
  inc word [steps]
  iret

far_target:
  push bp
  mov bp, sp
  mov ax, [bp + 2]
  mov [saved_ip], ax
  pop bp
  retf

puts:
  push ax
.next:
  mov al, [esi]
  inc esi
  test al, al
  jz .done
  out PORT_TEXT, al
  jmp .next
.done:
  pop ax
  ret

put_got:
  ret

section .data
align 8
gdt dq 0
  dq 0x00cf93000000ffff
gdt_pointer dw 15
  dd gdt
short_idt dw 0x103
  dd 0
full_idt dw 0x3ff
  dd 0
saved_ip dw 0
saved_flags dw 0
saved_flags_in dw 0
resume dw 0
steps dw 0
