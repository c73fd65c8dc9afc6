; SPDX-License-Identifier: GPL-3.0-or-later
; Paging as the processor's system half meets it: error codes, WP, SMEP, SMAP, reserved bits, accessed and dirty bits, PSE,
; global pages, INVLPG, PAE with NX.
%include "pm.inc"

%define P 1
%define W 2
%define U 4
%define pd      0x100000
%define pt      0x101000       ; first 4 MiB
%define pdpt    0x102000
%define pae_pd  0x103000
%define pae_pt  0x104000
%define victim  0x60000        ; page under test

%macro MAP 1                   ; flags of the victim's entry
  mov dword [pt + (victim >> 12) * 4], victim | (%1)
  invlpg [victim]
%endmacro

main:
  ; Identity map: 4 MiB of small user pages, then large pages.
  mov edi, pt
  mov eax, P | W | U
  mov ecx, 1024
.fill:
  stosd
  add eax, 0x1000
  loop .fill
  mov edi, pd
  mov dword [edi], pt | P | W | U
  mov eax, 0x400000 | P | W | U | 0x80
  mov ecx, 1023
.fill_pd:
  add edi, 4
  mov [edi], eax
  add eax, 0x400000
  loop .fill_pd
  mov eax, cr4
  or eax, 0x10                 ; PSE
  mov cr4, eax
  mov eax, pd
  mov cr3, eax
  mov eax, cr0
  or eax, 0x80010000           ; PG, WP
  mov cr0, eax
  jmp .paged
.paged:
  mov dword [0x500000], 0x1234
  mov eax, [0x500000]
  CHECK_EQ "a large page maps memory", eax, 0x1234
  mov eax, [pd + 4]
  and eax, 0x60
  CHECK_EQ "a write sets A and D of a large page", eax, 0x60

  MAP 0
  FAULT_BEGIN "a read of an absent page: error code 0", 14, 0
  mov eax, [victim + 0x123]
  FAULT_END
  mov eax, [got_cr2]
  CHECK_EQ "CR2 has the address", eax, victim + 0x123
  FAULT_BEGIN "a write to an absent page: W", 14, 2
  mov [victim], eax
  FAULT_END
  FAULT_BEGIN "user code reads an absent page: U", 14, 4
  TO_USER user_read
  FAULT_END
  FAULT_BEGIN "user code writes to an absent page: U W", 14, 6
  TO_USER user_write
  FAULT_END
  FAULT_BEGIN "a jump to an absent page: 0 without NX or SMEP", 14, 0
  mov eax, victim
  jmp eax
  FAULT_END
  mov eax, [got_eip]
  CHECK_EQ "the faulting EIP is that of the target", eax, victim

  MAP P | U
  FAULT_BEGIN "the kernel writes to a read-only page under WP: P W", 14, 3
  mov [victim], eax
  FAULT_END
  FAULT_BEGIN "user code writes to a read-only page: P U W", 14, 7
  TO_USER user_write
  FAULT_END
  mov eax, cr0
  and eax, ~0x10000
  mov cr0, eax
  FINE_BEGIN "the kernel writes to a read-only page without WP"
  mov dword [victim], 0x77
  FAULT_END
  mov eax, cr0
  or eax, 0x10000
  mov cr0, eax
  MAP P | W
  FAULT_BEGIN "user code reads a kernel page: P U", 14, 5
  TO_USER user_read
  FAULT_END

  ; Accessed and dirty
  MAP P | W | U
  mov eax, [victim]
  mov eax, [pt + (victim >> 12) * 4]
  and eax, 0x60
  CHECK_EQ "a read sets A", eax, 0x20
  mov [victim], eax
  mov eax, [pt + (victim >> 12) * 4]
  and eax, 0x60
  CHECK_EQ "a write sets D", eax, 0x60
  ; A crossing store must not write its first half.
  mov dword [pt + ((victim >> 12) + 1) * 4], 0
  invlpg [victim + 0x1000]
  mov dword [victim + 0xffc], 0x11111111
  FAULT_BEGIN "a store across into an absent page faults", 14, 2
  mov dword [victim + 0xffe], 0x22222222
  FAULT_END
  mov eax, [got_cr2]
  CHECK_EQ "CR2 has the first byte of the second page", eax, victim + 0x1000
  mov eax, [victim + 0xffc]
  CHECK_EQ "and nothing was written", eax, 0x11111111
  mov dword [pt + ((victim >> 12) + 1) * 4], (victim + 0x1000) | P | W | U

  ; A push that faults leaves ESP; INT n from it too.
  MAP 0
  FAULT_BEGIN "a push to an absent page: U W", 14, 6
  push dword UDATA
  push dword victim + 0x800
  push dword 2
  push dword UCODE
  push dword .user_push
  iretd
.user_push:
  push eax
  FAULT_END
  mov eax, [got_old_esp]
  CHECK_EQ "the faulting push did not move ESP", eax, victim + 0x800
  MAP P | W | U

  ; Descriptor tables are read with supervisor rights.
  and dword [pt + (0x28000 >> 12) * 4], ~U     ; the IDT
  invlpg [0x28000]
  FAULT_BEGIN "user code may INT n through a kernel-only IDT", 0x31, 0xeeeeeeee
  TO_USER user_int31
  FAULT_END

  ; SMEP and SMAP
  mov eax, 7
  xor ecx, ecx
  cpuid
  mov [scratch], ebx
  mov ecx, 6
  mov edi, pt + 7 * 4
.kernel_pages:
  and dword [edi], ~U
  add edi, 4
  cmp edi, pt + 0x50 * 4
  jb .kernel_pages
  mov eax, cr3
  mov cr3, eax
  mov byte [victim], 0xc3      ; RET
  mov eax, cr4
  or eax, 1 << 20
  mov cr4, eax
  FAULT_BEGIN "SMEP: the kernel executes a user page: P I", 14, 0x11
  mov eax, victim
  call eax
  FAULT_END
  mov eax, cr4
  or eax, 1 << 21
  mov cr4, eax
  FAULT_BEGIN "SMAP: the kernel reads a user page: P", 14, 1
  mov eax, [victim]
  FAULT_END
  FINE_BEGIN "SMAP: STAC allows it"
  stac
  mov eax, [victim]
  clac
  FAULT_END
  FAULT_BEGIN "SMAP: CLAC forbids it again", 14, 1
  clac
  mov eax, [victim]
  FAULT_END
  mov eax, cr4
  and eax, ~(3 << 20)
  mov cr4, eax

  ; Stale entries stay until INVLPG, for a page that becomes writable it may go either way; for a new mapping it must work.
  MAP P | W | U
  mov dword [victim], 0xaaaa
  mov dword [victim + 0x1000], 0xbbbb
  mov dword [pt + (victim >> 12) * 4], (victim + 0x1000) | P | W | U
  invlpg [victim]
  mov eax, [victim]
  CHECK_EQ "INVLPG makes a new mapping visible", eax, 0xbbbb
  mov dword [pt + (victim >> 12) * 4], victim | P | W | U
  mov eax, cr3
  mov cr3, eax
  mov eax, [victim]
  CHECK_EQ "a write to CR3 makes a new mapping visible", eax, 0xaaaa

  ; --- PAE ---
  mov eax, cr0
  and eax, 0x7fffffff
  mov cr0, eax
  mov edi, pdpt
  xor eax, eax
  mov ecx, 0x1000 / 4
  rep stosd
  mov dword [pdpt], pae_pd | P
  mov edi, pae_pd
  xor eax, eax
  mov ecx, 0x1000 / 4
  rep stosd
  mov dword [pae_pd], pae_pt | P | W | U
  mov dword [pae_pd + 8], 0x200000 | P | W | U | 0x80
  mov edi, pae_pt
  mov eax, P | W | U
  mov ecx, 512
.fill_pae:
  stosd
  mov dword [edi], 0
  add edi, 4
  add eax, 0x1000
  loop .fill_pae
  mov eax, cr4
  or eax, 0x20
  mov cr4, eax
  mov eax, pdpt
  mov cr3, eax
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x800                ; NXE
  wrmsr
  mov eax, cr0
  or eax, 0x80000000
  mov cr0, eax
  jmp .pae
.pae:
  mov eax, [0x200000 + 0x300000 - 0x300000]
  FINE_BEGIN "PAE: small and large pages"
  mov eax, [0x210000]
  FAULT_END
  FAULT_BEGIN "PAE: beyond the page directory: 0", 14, 0
  mov eax, [0x400000]
  FAULT_END
  mov dword [pae_pt + (victim >> 12) * 8 + 4], 0x80000000
  invlpg [victim]
  FINE_BEGIN "NX: reading is fine"
  mov eax, [victim]
  FAULT_END
  FAULT_BEGIN "NX: executing is P I", 14, 0x11
  mov eax, victim
  call eax
  FAULT_END
  FAULT_BEGIN "NX: executing from user code is P U I", 14, 0x15
  TO_USER user_exec
  FAULT_END
  mov dword [pae_pt + (victim >> 12) * 8 + 4], 0x00080000
  invlpg [victim]
  FAULT_BEGIN "a reserved bit: P RSVD", 14, 9
  mov eax, [victim]
  FAULT_END
  mov dword [pae_pt + (victim >> 12) * 8 + 4], 0
  invlpg [victim]
  mov dword [pdpt + 8], 0x1e7
  FAULT_BEGIN "a PDPTE with reserved bits: loading CR3 is #GP(0)", 13, 0
  mov eax, cr3
  mov cr3, eax
  FAULT_END
  mov dword [pdpt + 8], 0

  ; --- Control register checks ---
  FAULT_BEGIN "PG without PE is #GP(0)", 13, 0
  mov eax, 0x80000000
  mov cr0, eax
  FAULT_END
  FAULT_BEGIN "NW without CD is #GP(0)", 13, 0
  mov eax, cr0
  and eax, ~0x40000000
  or eax, 0x20000000
  mov cr0, eax
  FAULT_END
  FAULT_BEGIN "a reserved bit of CR4 is #GP(0)", 13, 0
  mov eax, cr4
  or eax, 0x00008000
  mov cr4, eax
  FAULT_END
  FAULT_BEGIN "PCIDE outside long mode is #GP(0)", 13, 0
  mov eax, cr4
  or eax, 1 << 17
  mov cr4, eax
  FAULT_END
  FAULT_BEGIN "CR1 is undefined", 6, 0xeeeeeeee
  db 0x0f, 0x20, 0xc8
  FAULT_END
  FAULT_BEGIN "LME cannot change while paging", 13, 0
  mov ecx, 0xc0000080
  rdmsr
  or eax, 0x100
  wrmsr
  FAULT_END
  FAULT_BEGIN "an unknown MSR is #GP(0)", 13, 0
  mov ecx, 0x12345678
  rdmsr
  FAULT_END
  FAULT_BEGIN "a bad memory type in PAT is #GP(0)", 13, 0
  mov ecx, 0x277
  mov eax, 0x02020202
  mov edx, eax
  wrmsr
  FAULT_END

  EXIT

user_read:
  mov eax, [victim]
  int 0x31
user_write:
  mov [victim], eax
  int 0x31
user_int31:
  int 0x31
user_exec:
  mov eax, victim
  jmp eax
