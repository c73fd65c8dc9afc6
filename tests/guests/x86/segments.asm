; SPDX-License-Identifier: GPL-3.0-or-later
; Protected mode: segment loads and their checks, LAR and kin, call gates, conforming code, IRET, I/O permission.
%include "pm.inc"

%macro SLOT 5                  ; selector, base, limit, access, flags
  mov dword [gdt + ((%1) & ~7)], ((%3) & 0xffff) | ((%2) & 0xffff) << 16
  mov dword [gdt + ((%1) & ~7) + 4], (((%2) >> 16) & 0xff) | (%4) << 8 | (((%3) >> 16) & 0xf) << 16 | (%5) << 20 | ((%2) & 0xff000000)
%endmacro

%macro GATE 4                  ; selector, target selector, offset, type and DPL byte; params in ecx
  mov eax, %3
  mov [gdt + ((%1) & ~7)], ax
  mov word [gdt + ((%1) & ~7) + 2], %2
  mov [gdt + ((%1) & ~7) + 4], cl
  mov byte [gdt + ((%1) & ~7) + 5], %4
  shr eax, 16
  mov [gdt + ((%1) & ~7) + 6], ax
%endmacro

%define S1 FREE
%define S2 (FREE + 8)
%define S3 (FREE + 16)
%define S4 (FREE + 24)

main:
  FAULT_BEGIN "use of a null DS is #GP(0)", 13, 0
  xor eax, eax
  mov ds, ax
  mov eax, [scratch]
  FAULT_END

  FAULT_BEGIN "a selector beyond the table is #GP(selector)", 13, 0x3f8
  mov ax, 0x3f8
  mov ds, ax
  FAULT_END

  FAULT_BEGIN "a local selector without an LDT is #GP(selector)", 13, 0x0c
  mov ax, 0x0c
  mov ds, ax
  FAULT_END

  SLOT S1, scratch, 0xfff, 0x13, 0x4         ; not present
  FAULT_BEGIN "loading an absent data segment is #NP(selector)", 11, S1
  mov ax, S1
  mov es, ax
  FAULT_END

  FAULT_BEGIN "loading an absent stack segment is #SS(selector)", 12, S1
  mov ax, S1
  mov ss, ax
  FAULT_END

  FAULT_BEGIN "a null SS is #GP(0)", 13, 0
  xor eax, eax
  mov ss, ax
  FAULT_END

  SLOT S1, scratch, 0xfff, 0xf3, 0x4         ; DPL 3
  FAULT_BEGIN "SS of another privilege is #GP(selector)", 13, S1
  mov ax, S1
  mov ss, ax
  FAULT_END

  SLOT S1, scratch, 0xfff, 0x91, 0x4         ; read-only
  FAULT_BEGIN "a read-only SS is #GP(selector)", 13, S1
  mov ax, S1
  mov ss, ax
  FAULT_END

  FAULT_BEGIN "a write to a read-only segment is #GP(0)", 13, 0
  mov ax, S1
  mov es, ax
  mov [es:0], eax
  FAULT_END

  SLOT S1, scratch, 0xfff, 0x99, 0x4         ; execute-only
  FAULT_BEGIN "loading execute-only code into DS is #GP(selector)", 13, S1
  mov ax, S1
  mov ds, ax
  FAULT_END

  SLOT S1, scratch, 0xfff, 0x9b, 0x4
  FAULT_BEGIN "a write to a code segment is #GP(0)", 13, 0
  mov ax, S1
  mov es, ax
  mov [es:0], eax
  FAULT_END

  SLOT S1, scratch, 0xfff, 0x93, 0x4
  FAULT_BEGIN "a dword across the limit is #GP(0)", 13, 0
  mov ax, S1
  mov es, ax
  mov eax, [es:0xffd]
  FAULT_END
  FINE_BEGIN "a dword at the limit is fine"
  mov ax, S1
  mov es, ax
  mov eax, [es:0xffc]
  FAULT_END

  SLOT S1, scratch, 0xfff, 0x97, 0x4         ; expands down
  FAULT_BEGIN "an offset inside the limit of an expand-down segment is #GP(0)", 13, 0
  mov ax, S1
  mov es, ax
  mov eax, [es:0xfff]
  FAULT_END
  FINE_BEGIN "an offset above the limit of an expand-down segment is fine"
  mov ax, S1
  mov es, ax
  mov eax, [es:0x1000]
  FAULT_END

  SLOT S1, 0x58000, 0xfff, 0xf3, 0x4
  FAULT_BEGIN "a push beyond the stack's limit is #SS(0)", 12, 0
  push dword S1 | 3
  push dword 0x2000
  push dword 2
  push dword UCODE
  push dword .user_push
  iretd
.user_push:
  push eax
  FAULT_END

  SLOT S1, scratch, 0xfff, 0x92, 0x4         ; not accessed yet
  mov ax, S1
  mov es, ax
  mov al, [gdt + S1 + 5]
  CHECK_EQ "loading a segment sets its accessed bit", al, 0x93

  ; --- LAR, LSL, VERR, VERW, ARPL ---
  SLOT S1, 0, 0x12345, 0x93, 0xc
  mov bx, S1
  lar eax, bx
  jnz .lar_bad
  CHECK_EQ "LAR gives access rights", eax, 0x00c19300 & 0x00f0ff00
  jmp .lar_done
.lar_bad:
  REPORT "LAR finds a data segment"
.lar_done:
  lsl eax, bx
  CHECK_EQ "LSL scales the limit by pages", eax, 0x12345fff
  verr bx
  REPORT "VERR accepts readable data"
  verw bx
  REPORT "VERW accepts writable data"
  mov bx, KCODE
  verw bx
  setnz al
  cmp al, 1
  REPORT "VERW refuses code"
  mov bx, TSS_MAIN
  verr bx
  setnz al
  cmp al, 1
  REPORT "VERR refuses system segments"
  mov bx, 0x3f8
  lar eax, bx
  setnz al
  cmp al, 1
  REPORT "LAR clears ZF beyond the table"
  mov bx, 0x20
  mov cx, 0x13
  arpl bx, cx
  jnz .arpl_bad
  CHECK_EQ "ARPL raises the RPL", bx, 0x23
.arpl_bad:

  ; --- System registers ---
  str ax
  CHECK_EQ "STR gives the task register", ax, TSS_MAIN
  mov al, [gdt + TSS_MAIN + 5]
  CHECK_EQ "LTR marks the TSS busy", al, 0x8b
  FAULT_BEGIN "LTR of a busy TSS is #GP(selector)", 13, TSS_MAIN
  mov ax, TSS_MAIN
  ltr ax
  FAULT_END
  SLOT S1, scratch, 0x1f, 0x82, 0
  mov ax, S1
  lldt ax
  sldt bx
  CHECK_EQ "SLDT gives the local table", bx, S1
  mov dword [scratch], 0x0000ffff
  mov dword [scratch + 4], 0x00cf9300
  mov ax, 0x04
  mov es, ax
  mov ax, es
  CHECK_EQ "a local selector loads from the LDT", ax, 4
  FAULT_BEGIN "a local selector beyond the LDT is #GP(selector)", 13, 0x24
  mov ax, 0x24
  mov es, ax
  FAULT_END
  xor ax, ax
  lldt ax

  ; --- Privilege ---
  FAULT_BEGIN "HLT at CPL 3 is #GP(0)", 13, 0
  TO_USER .user_hlt
.user_hlt:
  hlt
  FAULT_END
  mov eax, [got_old_ss]
  CHECK_EQ "a fault from user code saves its SS", eax, UDATA
  mov eax, [got_old_esp]
  CHECK_EQ "a fault from user code saves its ESP", eax, user_stack
  mov eax, [got_frame]
  CHECK_EQ "the handler runs on the stack of the TSS", eax, ring0_stack - 20

  FAULT_BEGIN "MOV from CR0 at CPL 3 is #GP(0)", 13, 0
  TO_USER .user_cr0
.user_cr0:
  mov eax, cr0
  FAULT_END

  FAULT_BEGIN "a kernel selector from user code is #GP(selector)", 13, KDATA
  TO_USER .user_kdata
.user_kdata:
  mov ax, KDATA
  mov ds, ax
  FAULT_END

  FAULT_BEGIN "INT n through a gate of DPL 0 is #GP(vector)", 13, 0x30 * 8 + 2
  mov byte [idt + 0x30 * 8 + 5], 0x8e
  TO_USER .user_int30
.user_int30:
  int 0x30
  FAULT_END
  FAULT_BEGIN "INT n through a gate of DPL 3 is taken", 0x31, 0xeeeeeeee
  TO_USER .user_int31
.user_int31:
  int 0x31
  FAULT_END
  FAULT_BEGIN "INT n through an absent gate is #NP(vector)", 11, 0x32 * 8 + 2
  mov byte [idt + 0x32 * 8 + 5], 0x6e
  int 0x32
  FAULT_END
  FAULT_BEGIN "a vector beyond the IDT is #GP(vector)", 13, 0x80 * 8 + 2
  int 0x80
  FAULT_END
  FAULT_BEGIN "a gate with a null selector is #GP(0)", 13, 0
  mov word [idt + 0x33 * 8 + 2], 0
  int 0x33
  FAULT_END
  FAULT_BEGIN "a gate to a data segment is #GP(selector)", 13, KDATA
  mov word [idt + 0x33 * 8 + 2], KDATA
  int 0x33
  FAULT_END
  ; The same during an exception sets the EXT bit.
  FAULT_BEGIN "a fault while delivering a fault has EXT set", 13, KDATA | 1
  mov word [idt + 6 * 8 + 2], KDATA
  ud2
  FAULT_END
  mov word [idt + 6 * 8 + 2], KCODE

  FAULT_BEGIN "CLI at CPL 3 with IOPL 0 is #GP(0)", 13, 0
  push dword UDATA
  push dword user_stack
  push dword 0x0002
  push dword UCODE
  push dword .user_cli
  iretd
.user_cli:
  cli
  FAULT_END

  ; Protected-mode virtual interrupts: CLI and STI of user code act on VIF.
  mov eax, cr4
  or eax, 2                    ; PVI
  mov cr4, eax
  FAULT_BEGIN "PVI: STI at CPL 3 sets VIF", 0x31, 0xeeeeeeee
  push dword UDATA
  push dword user_stack
  push dword 0x0002
  push dword UCODE
  push dword .user_sti
  iretd
.user_sti:
  sti
  int 0x31
  FAULT_END
  mov eax, [got_eflags]
  and eax, 0x80200
  CHECK_EQ "PVI: and not IF", eax, 0x80000
  FAULT_BEGIN "PVI: STI with VIP is #GP(0)", 13, 0
  push dword UDATA
  push dword user_stack
  push dword 0x00100002
  push dword UCODE
  push dword .user_sti
  iretd
  FAULT_END
  mov eax, cr4
  and eax, ~2
  mov cr4, eax

  ; --- I/O permission ---
  FAULT_BEGIN "OUT at CPL 3 is allowed by the bitmap", 0x31, 0xeeeeeeee
  push dword UDATA
  push dword user_stack
  push dword 0x0002
  push dword UCODE
  push dword .user_out
  iretd
.user_out:
  mov al, 0x5a
  out 0xe0, al
  in al, 0xe0
  int 0x31
  FAULT_END
  mov eax, [got_eax]
  CHECK_EQ "IN reads back what OUT wrote", al, 0x5a
  or byte [tss_main + 0x68 + 32 + 0xe1 / 8], 1 << (0xe1 & 7)
  FAULT_BEGIN "a word port with one bit set in the bitmap is #GP(0)", 13, 0
  push dword UDATA
  push dword user_stack
  push dword 0x0002
  push dword UCODE
  push dword .user_out2
  iretd
.user_out2:
  out 0xe0, ax
  FAULT_END
  and byte [tss_main + 0x68 + 32 + 0xe1 / 8], ~(1 << (0xe1 & 7))

  ; --- IRET ---
  FAULT_BEGIN "IRET to a null CS is #GP(0)", 13, 0
  push dword 2
  push dword 0
  push dword start
  iretd
  FAULT_END
  FAULT_BEGIN "IRET to inner code is #GP(selector)", 13, KCODE
  TO_USER .user_iret
.user_iret:
  push dword 2
  push dword KCODE
  push dword start
  iretd
  FAULT_END
  FAULT_BEGIN "IRET beyond the code segment's limit is #GP(0)", 13, 0
  SLOT S1, 0, 0xffff, 0x9b, 0x4
  push dword 2
  push dword S1
  push dword 0x10000
  iretd
  FAULT_END
  FAULT_BEGIN "IRET to user code with a kernel SS is #GP(selector)", 13, KDATA
  push dword KDATA
  push dword user_stack
  push dword 2
  push dword UCODE
  push dword start
  iretd
  FAULT_END
  ; Data segments of inner levels do not survive a return outwards.
  FAULT_BEGIN "a return to user code makes kernel segments null", 0x31, 0xeeeeeeee
  mov ax, KDATA
  mov ds, ax
  mov fs, ax
  push dword UDATA
  push dword user_stack
  push dword 2
  push dword UCODE
  push dword .user_null
  iretd
.user_null:
  mov ax, fs
  mov bx, ds
  or ax, bx
  int 0x31
  FAULT_END
  mov eax, [got_eax]
  CHECK_EQ "DS and FS became null", ax, 0
  xor eax, eax
  mov fs, ax

  ; --- Far calls ---
  call KCODE:.far_target
  jmp .far_done
.far_target:
  mov eax, [esp + 4]
  CHECK_EQ "a far call pushes CS", eax, KCODE
  retf
.far_done:
  FAULT_BEGIN "a far jump to a null selector is #GP(0)", 13, 0
  jmp 0:start
  FAULT_END
  FAULT_BEGIN "a far jump to a data segment is #GP(selector)", 13, KDATA
  jmp KDATA:start
  FAULT_END
  FAULT_BEGIN "a far jump to user code from the kernel is #GP(selector)", 13, UCODE & ~3
  jmp UCODE:start
  FAULT_END
  SLOT S1, 0, 0xfffff, 0x1b, 0xc
  FAULT_BEGIN "a far jump to absent code is #NP(selector)", 11, S1
  jmp S1:start
  FAULT_END

  ; Conforming code runs at the caller's level.
  SLOT S1, 0, 0xfffff, 0x9f, 0xc
  FAULT_BEGIN "conforming code can be called from user code", 0x31, 0xeeeeeeee
  TO_USER .user_conforming
.user_conforming:
  call S1:.conforming
.conforming:
  mov eax, cs
  int 0x31
  FAULT_END
  mov eax, [got_eax]
  CHECK_EQ "conforming code keeps CPL 3", ax, S1 | 3

  ; --- Call gates ---
  mov ecx, 2
  GATE S2, KCODE, .gate_target, 0xec         ; 32 bits, DPL 3, two parameters
  FAULT_BEGIN "a call gate leads to inner code", 0x31, 0xeeeeeeee
  TO_USER .user_gate
.user_gate:
  push dword 0x11111111
  push dword 0x22222222
  call S2 | 3:0
  mov eax, esp
  int 0x31
.gate_target:
  mov ax, KDATA
  mov ds, ax
  mov eax, [esp]
  mov [scratch], eax
  mov eax, [esp + 4]
  mov [scratch + 4], eax
  mov eax, [esp + 8]
  mov [scratch + 8], eax
  mov eax, [esp + 12]
  mov [scratch + 12], eax
  mov eax, [esp + 16]
  mov [scratch + 16], eax
  mov eax, [esp + 20]
  mov [scratch + 20], eax
  mov [scratch + 24], esp
  retf 8
  FAULT_END
  mov eax, [scratch + 4]
  CHECK_EQ "the gate pushes the caller's CS", eax, UCODE
  mov eax, [scratch + 8]
  CHECK_EQ "the gate copies the last parameter", eax, 0x22222222
  mov eax, [scratch + 12]
  CHECK_EQ "the gate copies the first parameter", eax, 0x11111111
  mov eax, [scratch + 16]
  CHECK_EQ "the gate pushes the caller's ESP", eax, user_stack - 8
  mov eax, [scratch + 20]
  CHECK_EQ "the gate pushes the caller's SS", eax, UDATA
  mov eax, [scratch + 24]
  CHECK_EQ "the gate switches to the stack of the TSS", eax, ring0_stack - 24
  mov eax, [got_eax]
  CHECK_EQ "RETF n releases the parameters of both stacks", eax, user_stack

  GATE S2, KCODE, .gate_target, 0x8c         ; DPL 0
  FAULT_BEGIN "a call gate of DPL 0 from user code is #GP(gate)", 13, S2
  TO_USER .user_gate2
.user_gate2:
  call S2 | 3:0
  FAULT_END
  GATE S2, KCODE, .gate_target, 0x6c
  FAULT_BEGIN "an absent call gate is #NP(gate)", 11, S2
  call S2:0
  FAULT_END
  xor ecx, ecx
  GATE S2, KCODE, .gate_same, 0xec
  FAULT_BEGIN "a jump through a gate to inner code is #GP(code)", 13, KCODE
  TO_USER .user_gate3
.user_gate3:
  jmp S2 | 3:0
  FAULT_END
  mov ebx, esp
  call S2:0
  jmp .gate_done
.gate_same:
  sub ebx, esp
  CHECK_EQ "a gate to the same level pushes CS and EIP only", ebx, 8
  retf
.gate_done:
  ; 16-bit gate
  mov ecx, 1
  GATE S2, KCODE, .gate16 - 0x0, 0xe4
  FAULT_BEGIN "a 16-bit call gate copies words", 0x31, 0xeeeeeeee
  TO_USER .user_gate16
.user_gate16:
  push word 0x1234
  call S2 | 3:0
.gate16:
  mov ax, KDATA
  mov ds, ax
  movzx eax, word [esp + 4]
  int 0x31
  FAULT_END
  mov eax, [got_eax]
  CHECK_EQ "the word parameter arrives", eax, 0x1234

  ; Bad stacks in the TSS.
  GATE S2, KCODE, .gate_target, 0xec
  mov dword [tss_main + 8], UDATA
  FAULT_BEGIN "an inner stack of the wrong level is #TS, and then a double fault", 8, 0
  mov dword [idt + 8 * 8], 0
  mov dword [idt + 8 * 8 + 4], 0x8500
  mov word [idt + 8 * 8 + 2], TSS_TWO
  mov dword [tss_two + 0x1c], 0
  mov dword [tss_two + 0x20], .double_fault
  mov dword [tss_two + 0x24], 2
  mov dword [tss_two + 0x38], ring1_stack
  mov dword [tss_two + 0x48], KDATA
  mov dword [tss_two + 0x4c], KCODE
  mov dword [tss_two + 0x50], KDATA
  mov dword [tss_two + 0x54], KDATA
  mov dword [tss_two + 0x58], 0
  mov dword [tss_two + 0x5c], 0
  mov dword [tss_two + 0x60], 0
  mov dword [tss_two + 0x64], 0x680000
  TO_USER .user_ts
.user_ts:
  call S2 | 3:0
.double_fault:
  mov eax, [esp]
  mov [got_error], eax
  mov dword [got_vector], 8
  FAULT_END
  mov eax, [tss_main + 0x20]
  CHECK_EQ "the double fault's task gate saved the old task's EIP", eax, .user_ts
  str ax
  CHECK_EQ "the double fault runs in its own task", ax, TSS_TWO

  EXIT
