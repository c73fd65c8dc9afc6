; SPDX-License-Identifier: GPL-3.0-or-later
; Long mode: interrupt stacks, IST, SYSCALL and SYSRET, SYSENTER, compatibility mode, call gates, IRETQ, canonical addresses,
; control registers, FS and GS bases.
%include "lm.inc"

main:
  mov ax, cs
  CHECK_EQ "64-bit mode is reached", ax, KCODE
  mov ecx, 0xc0000080
  rdmsr
  and eax, 0x500
  CHECK_EQ "EFER has LME and LMA", eax, 0x500

  FAULT_BEGIN "a non-canonical address is #GP(0)", 13, 0
  mov rax, 0x800000000000
  mov rax, [rax]
  FAULT_END
  FAULT_BEGIN "a non-canonical stack is #SS(0)", 12, 0
  mov rbp, 0x800000000000
  mov rax, [rbp]
  FAULT_END
  FAULT_BEGIN "a jump to a non-canonical address is #GP(0)", 13, 0
  mov rax, 0x800000000000
  jmp rax
  FAULT_END
  FAULT_BEGIN "PUSH CS and its like are undefined", 6, 0x1eeeeeee
  db 0x0e
  FAULT_END
  FAULT_BEGIN "an absent page in long mode", 14, 0
  mov rax, 0x40000000
  mov rax, [rax]
  FAULT_END
  bts qword [abs pt + (victim >> 12) * 8], 63
  invlpg [abs victim]
  FAULT_BEGIN "NX: executing is P I", 14, 0x11
  mov rax, victim
  call rax
  FAULT_END

  ; The frame is aligned to 16 and has SS:RSP without a privilege change.
  FAULT_BEGIN "an interrupt without a privilege change", 0x51, 0x1eeeeeee
  mov rsp, kernel_stack - 0x103
  int 0x51
  FAULT_END
  mov rax, [abs got_old_rsp]
  CHECK_EQ "pushes the old RSP", eax, kernel_stack - 0x103
  mov rax, [abs got_frame]
  CHECK_EQ "on a stack aligned to 16", eax, ((kernel_stack - 0x103) & ~15) - 40
  mov rax, [abs got_rip]

  ; IST
  mov byte [abs idt + 0x52 * 16 + 4], 1
  FAULT_BEGIN "an interrupt with an IST", 0x52, 0x1eeeeeee
  int 0x52
  FAULT_END
  mov rax, [abs got_frame]
  CHECK_EQ "runs on that stack", eax, ist_stack - 40

  FAULT_BEGIN "user code faults", 13, 0
  TO_USER user_cli
  FAULT_END
  mov rax, [abs got_frame]
  CHECK_EQ "onto RSP0", eax, ring0_stack - 40
  mov ax, [abs got_ss]
  CHECK_EQ "with a null SS", ax, 0
  mov rax, [abs got_old_ss]
  CHECK_EQ "and the user's SS saved", eax, UDATA
  FAULT_BEGIN "a gate to 32-bit code is #GP(selector)", 13, KCODE32
  mov word [abs idt + 0x53 * 16 + 2], KCODE32
  int 0x53
  FAULT_END

  ; IRETQ
  FAULT_BEGIN "IRETQ to a null CS is #GP(0)", 13, 0
  push qword 0
  push rsp
  push qword 2
  push qword 0
  push qword main
  iretq
  FAULT_END
  FAULT_BEGIN "IRETQ to a non-canonical RIP is #GP(0)", 13, 0
  mov rax, 0x800000000000
  push qword 0
  push rsp
  push qword 2
  push qword KCODE
  push rax
  iretq
  FAULT_END
  FAULT_BEGIN "IRETQ to user code with a null SS is #GP(0)", 13, 0
  push qword 0
  push qword user_stack
  push qword 2
  push qword UCODE
  push qword main
  iretq
  FAULT_END
  FAULT_BEGIN "IRETQ with NT is #GP(0)", 13, 0
  push qword 0
  push rsp
  push qword 2
  push qword KCODE
  push qword main
  pushfq
  or dword [rsp], 0x4000
  popfq
  iretq
  FAULT_END
  FINE_BEGIN "IRETQ keeps a null SS in the kernel"
  mov rax, rsp
  push qword 0
  push rax
  push qword 2
  push qword KCODE
  push qword .iret_here
  iretq
.iret_here:
  FAULT_END

  ; SYSCALL and SYSRET
  mov ecx, 0xc0000081
  mov edx, (UCODE32 & ~3) << 16 | KCODE
  or edx, 3 << 16
  xor eax, eax
  wrmsr
  mov ecx, 0xc0000082
  mov eax, on_syscall
  xor edx, edx
  wrmsr
  mov ecx, 0xc0000084
  mov eax, 0x40600             ; AC, DF, IF
  wrmsr
  FAULT_BEGIN "SYSCALL and SYSRET", 0x51, 0x1eeeeeee
  push qword UDATA
  push qword user_stack
  push qword 0x603             ; DF, IF, CF
  push qword UCODE
  push qword user_syscall
  iretq
  FAULT_END
  mov rax, [abs scratch]
  CHECK_EQ "RCX has the return address", eax, user_syscall.back
  mov rax, [abs scratch + 8]
  CHECK_EQ "R11 has the flags", eax, 0x603
  mov rax, [abs scratch + 16]
  CHECK_EQ "SFMASK cleared IF and DF", eax, 3
  mov rax, [abs scratch + 24]
  CHECK_EQ "CS of STAR", ax, KCODE
  mov rax, [abs scratch + 32]
  CHECK_EQ "SS of STAR", ax, KDATA
  mov rax, [abs scratch + 40]
  CHECK_EQ "RSP is unchanged", eax, user_stack
  mov rax, [abs got_cs]
  CHECK_EQ "SYSRET returns to 64-bit user code", eax, UCODE
  mov rax, [abs got_rflags]
  CHECK_EQ "with the flags of R11", eax, 0x603
  mov rax, [abs got_old_ss]
  CHECK_EQ "SYSRET loads SS", eax, UDATA
  FAULT_BEGIN "SYSRET to a non-canonical address is #GP(0)", 13, 0
  mov rcx, 0x800000000000
  mov r11, 2
  o64 sysret
  FAULT_END
  FAULT_BEGIN "SYSRET at CPL 3 is #GP(0)", 13, 0
  TO_USER user_sysret
  FAULT_END
  ; SYSRET to 32-bit code
  FAULT_BEGIN "SYSRET to compatibility mode", 0x51, 0x1eeeeeee
  mov rcx, user32_int51
  mov r11, 2
  mov rsp, user_stack
  sysret
  FAULT_END
  mov rax, [abs got_cs]
  CHECK_EQ "CS of 32-bit user code", eax, UCODE32
  mov ecx, 0xc0000080
  rdmsr
  and al, 0xfe
  wrmsr
  FAULT_BEGIN "SYSCALL without SCE is #UD", 6, 0x1eeeeeee
  syscall
  FAULT_END
  mov ecx, 0xc0000080
  rdmsr
  or al, 1
  wrmsr

  ; SYSENTER and SYSEXIT
  mov ecx, 0x174
  mov eax, KCODE
  xor edx, edx
  wrmsr
  mov ecx, 0x175
  mov eax, kernel_stack - 0x400
  wrmsr
  mov ecx, 0x176
  mov eax, on_sysenter
  wrmsr
  FAULT_BEGIN "SYSENTER enters the kernel", 0x51, 0x1eeeeeee
  TO_USER user_sysenter
on_sysenter:
  mov [abs scratch], rsp
  mov ax, cs
  mov [abs scratch + 8], ax
  mov rax, 1
  int 0x51
  FAULT_END
  mov rax, [abs scratch]
  CHECK_EQ "with its stack", eax, kernel_stack - 0x400
  mov ax, [abs scratch + 8]
  CHECK_EQ "and its CS", ax, KCODE

  ; Compatibility mode
  FAULT_BEGIN "IRETQ to 32-bit code", 0x51, 0x1eeeeeee
  push qword UDATA
  push qword user_stack
  push qword 2
  push qword UCODE32
  push qword user32
  iretq
  FAULT_END
  mov rax, [abs got_rax]
  CHECK_EQ "runs as 32-bit code", eax, 0x11223345
  mov rax, [abs got_old_rsp]
  CHECK_EQ "with a 32-bit stack", eax, user_stack - 4
  FAULT_BEGIN "a 32-bit segment's limit holds", 13, 0
  mov dword [abs gdt + FREE], 0x00000fff
  mov dword [abs gdt + FREE + 4], 0x0040f300
  push qword UDATA
  push qword user_stack
  push qword 2
  push qword UCODE32
  push qword user32_limit
  iretq
  FAULT_END

  ; 64-bit call gate
  mov rax, gate_target
  mov [abs gdt + FREE], ax
  mov word [abs gdt + FREE + 2], KCODE
  mov word [abs gdt + FREE + 4], 0xec00
  shr rax, 16
  mov [abs gdt + FREE + 6], ax
  mov qword [abs gdt + FREE + 8], 0
  FAULT_BEGIN "a 64-bit call gate", 0x51, 0x1eeeeeee
  TO_USER user_gate
  FAULT_END
  mov rax, [abs scratch]
  CHECK_EQ "pushes RIP", eax, user_gate.back
  mov rax, [abs scratch + 8]
  CHECK_EQ "CS", eax, UCODE
  mov rax, [abs scratch + 16]
  CHECK_EQ "RSP", eax, user_stack
  mov rax, [abs scratch + 24]
  CHECK_EQ "and SS on RSP0", eax, UDATA
  mov rax, [abs scratch + 32]
  CHECK_EQ "of the TSS", eax, ring0_stack - 32
  mov rax, [abs got_rax]
  CHECK_EQ "and RETF goes back", eax, 0x99
  FAULT_BEGIN "a far jump to a TSS is #GP(selector) here", 13, TSS
  push qword TSS
  push qword 0
  o64 jmp far [rsp]
  FAULT_END

  ; Bases
  mov ecx, 0xc0000100
  mov eax, scratch
  xor edx, edx
  wrmsr
  mov qword [abs scratch + 8], 0x4321
  mov rax, [fs:8]
  CHECK_EQ "FS base by MSR", eax, 0x4321
  xor eax, eax
  mov fs, ax
  mov rax, [fs:scratch + 8]
  CHECK_EQ "a null FS clears its base", eax, 0x4321
  FAULT_BEGIN "a non-canonical base is #GP(0)", 13, 0
  mov ecx, 0xc0000101
  mov edx, 0x8000
  wrmsr
  FAULT_END
  mov ecx, 0xc0000102
  mov eax, scratch
  xor edx, edx
  wrmsr
  swapgs
  mov rax, [gs:8]
  CHECK_EQ "SWAPGS brings the kernel's base", eax, 0x4321
  swapgs
  FAULT_BEGIN "RDFSBASE without CR4.FSGSBASE is #UD", 6, 0x1eeeeeee
  rdfsbase rax
  FAULT_END
  mov rax, cr4
  or eax, 1 << 16
  mov cr4, rax
  mov rax, scratch + 8
  wrgsbase rax
  mov rax, [gs:0]
  CHECK_EQ "WRGSBASE", eax, 0x4321
  rdgsbase rax
  CHECK_EQ "RDGSBASE", eax, scratch + 8

  ; Control registers
  FAULT_BEGIN "clearing PG in 64-bit mode is #GP(0)", 13, 0
  mov rax, cr0
  btr rax, 31
  mov cr0, rax
  FAULT_END
  FAULT_BEGIN "clearing PAE in long mode is #GP(0)", 13, 0
  mov rax, cr4
  btr rax, 5
  mov cr4, rax
  FAULT_END
  FAULT_BEGIN "high bits of CR0 are #GP(0)", 13, 0
  mov rax, cr0
  bts rax, 32
  mov cr0, rax
  FAULT_END
  FAULT_BEGIN "CR3 beyond the physical addresses is #GP(0)", 13, 0
  mov rax, cr3
  bts rax, 45
  mov cr3, rax
  FAULT_END
  FAULT_BEGIN "CR8 above 15 is #GP(0)", 13, 0
  mov eax, 16
  mov cr8, rax
  FAULT_END
  FAULT_BEGIN "high bits of DR7 are #GP(0)", 13, 0
  mov rax, dr7
  bts rax, 33
  mov dr7, rax
  FAULT_END
  FINE_BEGIN "PCIDE with PCID 0"
  mov rax, cr4
  bts rax, 17
  mov cr4, rax
  FAULT_END
  FINE_BEGIN "CR3 with a PCID and the no-flush bit"
  mov rax, cr3
  or rax, 5
  bts rax, 63
  mov cr3, rax
  FAULT_END
  mov rax, cr3
  CHECK_EQ "which reads back without that bit", rax, pml4 + 5
  mov rax, pml4
  mov cr3, rax
  FAULT_BEGIN "INVPCID of an unknown type is #GP(0)", 13, 0
  mov rax, 4
  invpcid rax, [rsp]
  FAULT_END
  FINE_BEGIN "INVPCID of everything"
  mov rax, 2
  mov qword [abs scratch], 0
  mov qword [abs scratch + 8], 0
  invpcid rax, [abs scratch]
  FAULT_END

  ; XCR0
  FAULT_BEGIN "XGETBV without OSXSAVE is #UD", 6, 0x1eeeeeee
  xor ecx, ecx
  xgetbv
  FAULT_END
  mov rax, cr4
  bts rax, 18
  mov cr4, rax
  mov eax, 1
  cpuid
  shr ecx, 27
  and ecx, 1
  CHECK_EQ "CPUID shows OSXSAVE", ecx, 1
  FAULT_BEGIN "AVX without SSE in XCR0 is #GP(0)", 13, 0
  xor ecx, ecx
  xor edx, edx
  mov eax, 5
  xsetbv
  FAULT_END
  FINE_BEGIN "x87, SSE and AVX in XCR0"
  xor ecx, ecx
  xor edx, edx
  mov eax, 7
  xsetbv
  FAULT_END

  ; UMIP
  mov rax, cr4
  bts rax, 11
  mov cr4, rax
  FAULT_BEGIN "UMIP: SGDT at CPL 3 is #GP(0)", 13, 0
  TO_USER user_sgdt
  FAULT_END

  ; A double fault in long mode: the first stack is bad, the handler has an IST.
  mov byte [abs idt + 8 * 16 + 4], 1
  FAULT_BEGIN "a page fault on the way into a page fault is #DF(0)", 8, 0
  mov rsp, 0x50000000          ; absent
  mov rax, [rsp]
  FAULT_END
  mov rax, [abs got_frame]
  CHECK_EQ "on the IST stack", eax, ist_stack - 40
  mov rax, [abs got_old_rsp]
  CHECK_EQ "with the bad RSP saved", eax, 0x50000000

  EXIT

user_cli:
  cli
user_syscall:
  syscall
.back:
  int 0x51
on_syscall:
  mov [abs scratch], rcx
  mov [abs scratch + 8], r11
  pushfq
  pop qword [abs scratch + 16]
  mov ax, cs
  mov [abs scratch + 24], ax
  mov ax, ss
  mov [abs scratch + 32], ax
  mov [abs scratch + 40], rsp
  o64 sysret
user_sysret:
  o64 sysret
user_sysenter:
  sysenter
user_gate:
  o64 call far [abs .pointer]
.back:
  int 0x51
.pointer dq 0
  dw FREE | 3
gate_target:
  mov rax, [rsp]
  mov [abs scratch], rax
  mov rax, [rsp + 8]
  mov [abs scratch + 8], rax
  mov rax, [rsp + 16]
  mov [abs scratch + 16], rax
  mov rax, [rsp + 24]
  mov [abs scratch + 24], rax
  mov [abs scratch + 32], rsp
  mov eax, 0x99
  o64 retf
user_sgdt:
  sgdt [abs scratch]
  int 0x51

bits 32
user32:
  mov eax, 0x11223344
  inc eax                      ; a REX prefix in 64-bit mode
  push eax
  int 0x51
user32_limit:
  mov cx, FREE | 3
  mov es, cx
  mov eax, [es:0x1000]
user32_int51:
  int 0x51
bits 64
