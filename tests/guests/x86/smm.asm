; SPDX-License-Identifier: GPL-3.0-or-later
; System management mode on two processors. The board has memory at 0xa0000 that is seen in the mode only, where programs find other
; memory; port 0xb2 is an SMI for the processor that writes there, 0xb3 one for all.
%include "lm.inc"
%include "smp.inc"

%define SMM_STRIDE 0x10000     ; SMBASE of processor N is 0xa0000 + N * this
%define ROUNDS 50

; Seen by all, and by handlers. By processor: dwords.
%define counts      0x61000
%define last_rcx    0x61020
%define n_relocated 0x61040
%define command     0x61044
%define result      0x61048
%define far_pointer 0x61050
%define ap_wakes    0x61060
%define ap_order    0x61064
%define inside_rep  0x61068    ; SMIs that came in front of the instruction at ...
%define rep_start   0x6106c
%define smm_stack   0x68000    ; of the handler in 64-bit mode
%define both        0xa9000    ; code in either memory
%define both_data   0xaa000
%define from        0x400000
%define to          0x800000
%define COPIED      0x300000

%define COUNT_ONLY  0
%define WRITE_BOTH  1          ; code and data of SMRAM
%define CALL_64     2          ; calls that code in 64-bit mode, and returns from there
%define END_HALT    3
%define READ_BOTH   4

; Sends an SMI to the processor EBX through the APIC.
%macro SEND_SMI 0
  mov eax, APIC + 0x310
  mov ecx, ebx
  shl ecx, 24
  mov [rax], ecx
  WRITE 0x300, 0x4200
%endmacro

%macro COMMAND 1
  mov dword [abs command], %1
  out 0xb2, al
%endmacro

main:
  START_PROCESSORS
  COPY 0x38000, relocate
  ; One after the other: they share one save area
  xor ebx, ebx
.relocate:
  SEND_SMI
  lea edx, [rbx + 1]
  AWAIT n_relocated, edx
  inc ebx
  cmp ebx, [abs n_cpus]
  jb .relocate
  mov eax, [abs n_relocated]
  CHECK_EQ "each processor has moved its SMBASE", eax, [abs n_cpus]

  mov rbx, 0x123456789abcdef0
  mov r15, rsp
  std
  out 0xb2, al
  pushfq
  cld
  pop rdx
  mov ecx, [abs counts]
  sub rbx, [abs pattern]
  setnz al
  movzx eax, al
  xor r15, rsp
  or eax, r15d
  xor edx, 0x402
  and edx, 0x400
  or eax, edx
  CHECK_EQ "registers and flags are as before", eax, 0
  CHECK_EQ "an SMI comes right behind the OUT that asks for it", ecx, 1

  ; Many, so that translated code is left and entered
  mov r12d, ROUNDS
.many:
  out 0xb2, al
  dec r12d
  jnz .many
  mov ecx, [abs counts]
  CHECK_EQ "each OUT is one SMI", ecx, ROUNDS + 1
  mov ecx, [abs counts + 4]
  CHECK_EQ "and none for the other processor", ecx, 0

  ; The same addresses in and out of the mode
  mov dword [abs both], 0x000001b8    ; mov eax, 1
  mov dword [abs both + 4], 0x0000c300   ; ret
  mov dword [abs both_data], 0x11111111
  COMMAND WRITE_BOTH
  mov eax, [abs both_data]
  CHECK_EQ "what the handler writes is not seen outside", eax, 0x11111111
  mov dword [abs both_data], 0x33333333
  COMMAND READ_BOTH
  mov eax, [abs result]
  CHECK_EQ "what is written outside is not seen by the handler", eax, 0x22222222
ROUNDS_BEGIN
  mov eax, both
  call rax
  mov ebx, eax
  mov dword [abs result], 0
  COMMAND CALL_64
  call both
  xor eax, 1
  xor ebx, 1
  or eax, ebx
  mov ecx, [abs result]
  xor ecx, 2
  or eax, ecx
ROUNDS_END "code at one address, in and out of the mode; RSM in 64-bit code"

  ; Two processors
  mov dword [abs command], COUNT_ONLY
  mov ebx, [abs counts + 4]
  out 0xb3, al
  inc ebx
  AWAIT counts + 4, ebx
  REPORT "an SMI for all reaches the other processor"

  ; A processor that halts with interrupts off (ap_main)
  mov dword [abs ap_order], 1
  AWAIT ap_wakes, 1
  REPORT "the other processor is about to halt"
  mov ecx, 100000
.settle:
  pause
  loop .settle
ROUNDS_BEGIN
  mov r14d, [abs counts + 4]
  inc r14d
  mov ebx, 1
  SEND_SMI
  AWAIT counts + 4, r14d
ROUNDS_END "SMIs are taken in a halt"
  cmp dword [abs ap_wakes], 1
  REPORT "which goes on afterwards"
  mov dword [abs command], END_HALT
  mov ebx, 1
  SEND_SMI
  AWAIT ap_wakes, 2
  REPORT "until the handler ends it"
  mov dword [abs command], COUNT_ONLY

  ; In the middle of a repeated instruction: each port write is an SMI
  mov ebx, [abs counts]
  mov esi, from
  mov ecx, 5
  mov edx, 0xb2
  mov dword [abs inside_rep], 0
  mov dword [abs rep_start], .outs
.outs:
  rep outsb
  mov ebp, esi
  mov eax, [abs counts]
  sub eax, ebx
  CHECK_EQ "each port write of REP OUTS is an SMI", eax, 5
  mov eax, [abs inside_rep]
  CHECK_EQ "all but the last in front of the same instruction", eax, 4
  mov eax, [abs last_rcx]
  CHECK_EQ "the last of them behind the last", eax, 0
  mov eax, ebp
  CHECK_EQ "RSI is where it belongs", eax, from + 5

  ; A long copy, while the other processor sends SMIs
  mov edi, from
  mov ecx, COPIED / 4
  xor eax, eax
.fill:
  mov [rdi], eax
  add eax, 0x9e3779b1
  add edi, 4
  loop .fill
  mov r13d, [abs counts]
  mov dword [abs ap_order], 2
  mov r12d, 20
.copy:
  mov esi, from
  mov edi, to
  mov ecx, COPIED
  rep movsb
  dec r12d
  jnz .copy
  mov dword [abs ap_order], 3
  AWAIT ap_wakes, 3
  mov eax, [abs counts]
  cmp eax, r13d
  setne al
  xor al, 1
  REPORT "SMIs came while memory was copied"
  mov esi, from
  mov edi, to
  mov ecx, COPIED / 4
  repe cmpsd
  REPORT "the copy is right"
  EXIT

; The other processor: orders 1 to 3 of the first.
ap_main:
  cmp dword [abs ap_order], 1
  jne .wait
  mov dword [abs ap_wakes], 1
  hlt
  mov dword [abs ap_wakes], 2
.order_2:
  pause
  cmp dword [abs ap_order], 2
  jb .order_2
  xor ebx, ebx
.send:
  SEND_SMI
  mov ecx, 200
.pause:
  pause
  loop .pause
  cmp dword [abs ap_order], 3
  jne .send
  mov dword [abs ap_wakes], 3
.end:
  cli
  hlt
  jmp .end
.wait:
  pause
  jmp ap_main

; --- In the mode -----------------------------------------------------------------------------------------------------------

bits 16
relocate:                      ; at 0x38000
  mov eax, [dword 0xfee00020]
  shr eax, 24
  imul eax, eax, SMM_STRIDE
  add eax, 0xa0000
  mov [dword 0x3ff00], eax
  lea edi, [eax + 0x8000]
  mov esi, in_smm
  mov ecx, in_smm_end - in_smm
  a32 rep movsb
  inc dword [dword n_relocated]
  rsm
relocate_end:

in_smm:
  mov eax, [dword 0xfee00020]
  shr eax, 24
  imul ebx, eax, SMM_STRIDE
  add ebx, 0xa0000
  mov ecx, [ebx + 0xfff0]
  mov [eax * 4 + last_rcx], ecx
  mov ecx, [ebx + 0xff78]
  cmp ecx, [dword rep_start]
  jne .elsewhere
  inc dword [dword inside_rep]
.elsewhere:
  mov ecx, [dword command]
  cmp ecx, WRITE_BOTH
  je .write
  cmp ecx, READ_BOTH
  je .read
  cmp ecx, CALL_64
  je .call
  cmp ecx, END_HALT
  jne .done
  mov byte [ebx + 0xfec9], 0
.done:
  inc dword [eax * 4 + counts]
  rsm
.write:
  mov dword [dword both], 0x000002b8   ; mov eax, 2
  mov dword [dword both + 4], 0x0000c300
  mov dword [dword both_data], 0x22222222
  jmp .done
.read:
  mov ecx, [dword both_data]
  mov [dword result], ecx
  jmp .done
.call:                         ; CR3 and GDTR are still the program's
  lea ecx, [ebx + 0x8000 + (.in_64 - in_smm)]
  mov [dword far_pointer], ecx
  mov word [dword far_pointer + 4], KCODE
  mov ebx, eax
  mov eax, 0x20
  mov cr4, eax
  mov ecx, 0xc0000080
  mov eax, 0x900
  xor edx, edx
  wrmsr
  mov eax, cr0
  or eax, 0x80000001
  mov cr0, eax
  jmp dword far [dword far_pointer]
bits 64
.in_64:
  mov esp, smm_stack
  mov eax, both
  call rax
  mov [abs result], eax
  lock inc dword [rbx * 4 + counts]
  rsm
in_smm_end:

section .data
align 8
pattern dq 0x123456789abcdef0
