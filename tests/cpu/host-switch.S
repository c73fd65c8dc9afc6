/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Entry into a test case with a complete state of registers, and the ways out: a landing, or a signal.
 *
 * Nothing of the case survives here but memory at fixed addresses, so all is addressed absolutely.
 */
#include "host-context.h"

#define CTX(field) (LAYOUT_CONTEXT + field)

        .intel_syntax noprefix
        .text

        .macro  save_selectors where
        mov     [CTX (\where + 0)], es
        mov     [CTX (\where + 2)], cs
        mov     [CTX (\where + 4)], ss
        mov     [CTX (\where + 6)], ds
        mov     [CTX (\where + 8)], fs
        mov     [CTX (\where + 10)], gs
        .endm

/* Segment bases: by instructions, or by arch_prctl(2) where the kernel does not let programs have those. The latter takes rax, rcx, rdi,
 * rsi and r11. */
        .macro  set_base register, code, value
        cmp     dword ptr [CTX (CONTEXT_KEEPS_BASES)], 0
        je      771f
        mov     rax, \value
        wr\register rax
        jmp     772f
771:    mov     rsi, \value
        mov     edi, \code
        mov     eax, SYS_ARCH_PRCTL
        syscall
772:
        .endm

        /* With arch_prctl(), what a case is given stays: instructions that change it are not compared. */
        .macro  get_base register, given, field
        mov     rax, [CTX (\given)]
        cmp     dword ptr [CTX (CONTEXT_KEEPS_BASES)], 0
        je      773f
        rd\register rax
773:    mov     [CTX (\field)], rax
        .endm

        .macro  load_state bits
        push    rbx
        push    rbp
        push    r12
        push    r13
        push    r14
        push    r15
        mov     [CTX (CONTEXT_HOST_RSP)], rsp
        stmxcsr [CTX (CONTEXT_MXCSR)]
        .if \bits == 32                /* arch_prctl() would take the selectors away: those have bases of zero */
        cmp     dword ptr [CTX (CONTEXT_KEEPS_BASES)], 0
        je      1f
        .endif
        set_base fsbase, ARCH_SET_FS, [CTX (CONTEXT_FS_IN)]
        set_base gsbase, ARCH_SET_GS, [CTX (CONTEXT_GS_IN)]
1:      xor     edx, edx                /* behind all system calls: AMD loses the x87 pointers when another thread comes between */
        mov     eax, 7                  /* x87, SSE, AVX */
        xrstor64 [CTX (CONTEXT_XAREA_IN)]
        push    qword ptr [CTX (CONTEXT_RFLAGS_IN)]
        popfq
        mov     rax, [CTX (CONTEXT_GPR_IN + 0)]
        mov     rcx, [CTX (CONTEXT_GPR_IN + 8)]
        mov     rdx, [CTX (CONTEXT_GPR_IN + 16)]
        mov     rbx, [CTX (CONTEXT_GPR_IN + 24)]
        mov     rsp, [CTX (CONTEXT_GPR_IN + 32)]
        mov     rbp, [CTX (CONTEXT_GPR_IN + 40)]
        mov     rsi, [CTX (CONTEXT_GPR_IN + 48)]
        mov     rdi, [CTX (CONTEXT_GPR_IN + 56)]
        mov     r8,  [CTX (CONTEXT_GPR_IN + 64)]
        mov     r9,  [CTX (CONTEXT_GPR_IN + 72)]
        mov     r10, [CTX (CONTEXT_GPR_IN + 80)]
        mov     r11, [CTX (CONTEXT_GPR_IN + 88)]
        mov     r12, [CTX (CONTEXT_GPR_IN + 96)]
        mov     r13, [CTX (CONTEXT_GPR_IN + 104)]
        mov     r14, [CTX (CONTEXT_GPR_IN + 112)]
        mov     r15, [CTX (CONTEXT_GPR_IN + 120)]
        .endm

        .globl  host_enter64
        .type   host_enter64, @function
host_enter64:
        load_state 64
        jmp     qword ptr [CTX (CONTEXT_RIP_IN)]
        .size   host_enter64, . - host_enter64

        .globl  host_enter32
        .type   host_enter32, @function
host_enter32:
        mov     eax, HOST_DS            /* null in a 64-bit process, which 32-bit code cannot use */
        mov     ds, eax
        mov     es, eax
        mov     fs, eax
        mov     gs, eax
        load_state 32
        .byte   0xff, 0x2c, 0x25        /* jmp far dword ptr [CTX (CONTEXT_RIP_IN)] */
        .long   CTX (CONTEXT_RIP_IN)
        .size   host_enter32, . - host_enter32

        .globl  host_capture
        .type   host_capture, @function
host_capture:
        mov     [CTX (CONTEXT_GPR_OUT + 0)], rax
        mov     [CTX (CONTEXT_GPR_OUT + 8)], rcx
        mov     [CTX (CONTEXT_GPR_OUT + 16)], rdx
        mov     [CTX (CONTEXT_GPR_OUT + 24)], rbx
        mov     [CTX (CONTEXT_GPR_OUT + 32)], rsp
        mov     [CTX (CONTEXT_GPR_OUT + 40)], rbp
        mov     [CTX (CONTEXT_GPR_OUT + 48)], rsi
        mov     [CTX (CONTEXT_GPR_OUT + 56)], rdi
        mov     [CTX (CONTEXT_GPR_OUT + 64)], r8
        mov     [CTX (CONTEXT_GPR_OUT + 72)], r9
        mov     [CTX (CONTEXT_GPR_OUT + 80)], r10
        mov     [CTX (CONTEXT_GPR_OUT + 88)], r11
        mov     [CTX (CONTEXT_GPR_OUT + 96)], r12
        mov     [CTX (CONTEXT_GPR_OUT + 104)], r13
        mov     [CTX (CONTEXT_GPR_OUT + 112)], r14
        mov     [CTX (CONTEXT_GPR_OUT + 120)], r15
        mov     rsp, [CTX (CONTEXT_HOST_RSP)]
        pushfq
        pop     qword ptr [CTX (CONTEXT_RFLAGS_OUT)]
        push    0x202                   /* DF and AC off for C code */
        popfq
        save_selectors CONTEXT_SELECTORS
        xor     edx, edx
        mov     eax, 7
        xsave64 [CTX (CONTEXT_XAREA_OUT)]
        get_base fsbase, CONTEXT_FS_IN, CONTEXT_FS_OUT
        get_base gsbase, CONTEXT_GS_IN, CONTEXT_GS_OUT
        set_base fsbase, ARCH_SET_FS, [CTX (CONTEXT_HOST_FS)]
        xor     r12d, r12d
return_to_c:                            /* with the result in r12d */
        mov     ecx, ds                 /* null, unless 32-bit code ran or the case loaded one */
        mov     edx, es
        or      ecx, edx
        mov     edx, fs
        or      ecx, edx
        mov     edx, gs
        or      ecx, edx
        jz      1f
        xor     ecx, ecx
        mov     ds, ecx
        mov     es, ecx
        mov     fs, ecx
        mov     gs, ecx
        set_base fsbase, ARCH_SET_FS, [CTX (CONTEXT_HOST_FS)]
1:      mov     eax, r12d
        fninit
        ldmxcsr [CTX (CONTEXT_MXCSR)]
        vzeroupper
        pop     r15
        pop     r14
        pop     r13
        pop     r12
        pop     rbp
        pop     rbx
        ret
        .size   host_capture, . - host_capture

        .globl  host_leave
        .type   host_leave, @function
host_leave:
        mov     rsp, [CTX (CONTEXT_HOST_RSP)]
        mov     r12d, 1
        jmp     return_to_c
        .size   host_leave, . - host_leave

        .globl  host_signal_entry
        .type   host_signal_entry, @function
host_signal_entry:
        save_selectors CONTEXT_SIGNAL_SEL
        push    rdi
        push    rsi
        push    rdx
        get_base fsbase, CONTEXT_FS_IN, CONTEXT_SIGNAL_FS
        cmp     dword ptr [CTX (CONTEXT_KEEPS_BASES)], 0
        jne     1f
        mov     esi, CTX (CONTEXT_SIGNAL_FS)         /* it may also have come outside of a case */
        mov     edi, ARCH_GET_FS
        mov     eax, SYS_ARCH_PRCTL
        syscall
1:
        get_base gsbase, CONTEXT_GS_IN, CONTEXT_SIGNAL_GS
        set_base fsbase, ARCH_SET_FS, [CTX (CONTEXT_HOST_FS)]
        pop     rdx
        pop     rsi
        pop     rdi
        mov     rcx, [CTX (CONTEXT_SIGNAL_FS)]       /* host_signal()'s 4th and 5th argument */
        mov     r8, [CTX (CONTEXT_SIGNAL_GS)]
        push    rcx
        call    host_signal
        pop     rcx
        set_base fsbase, ARCH_SET_FS, rcx            /* sigreturn does not restore it */
        ret
        .size   host_signal_entry, . - host_signal_entry

        .section .note.GNU-stack, "", @progbits
