; SPDX-License-Identifier: GPL-3.0-or-later
; Draws one picture after the other: text, CGA, planar, 256-colour and linear modes, some set by the video BIOS, some by
; registers alone. A picture is announced on COM1 as "@NAME"; a byte on COM1 asks for the next one; "@end" is the last.
; A disk with a boot sector, started by SeaBIOS in real mode; linear modes are drawn in 32-bit protected mode.
bits 16
org 0x7c00

%define SECTORS 31
%define COM1 0x3f8

start:
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov sp, 0x7000
  sti
  cld
  mov si, packet
  mov ah, 0x42
  int 0x13
  jnc main
  hlt

packet db 16, 0
  dw SECTORS, 0x7e00, 0
  dq 1

  times 446 - ($ - $$) db 0
  db 0x80, 0, 1, 0, 0x83, 0, 1, 0     ; a partition, for a BIOS that wants to see one
  dd 1, SECTORS
  times 510 - ($ - $$) db 0
  dw 0xaa55

; --- Talking ------------------------------------------------------------------------------------------------------------

put_byte:                       ; al
  push dx
  push ax
  mov dx, COM1 + 5
.wait:
  in al, dx
  test al, 0x20
  jz .wait
  pop ax
  mov dx, COM1
  out dx, al
  pop dx
  ret

announce:                       ; si: name; returns when the next picture is wanted
  mov al, '@'
  call put_byte
.next:
  lodsb
  test al, al
  jz .sent
  call put_byte
  jmp .next
.sent:
  mov al, 10
  call put_byte
  mov dx, COM1 + 5
.wait:
  in al, dx
  test al, 1
  jz .wait
  mov dx, COM1
  in al, dx
  ret

%macro SHOW 1
  call to_segment_0
  mov si, %%name
  call announce
  jmp %%on
%%name db %1, 0
%%on:
%endmacro

to_graphics:
  mov ax, 0xa000
  mov es, ax
  ret

to_segment_0:
  xor ax, ax
  mov ds, ax
  mov es, ax
  ret

%macro BIOS_MODE 1
  mov ax, %1
  int 0x10
  call to_segment_0
%endmacro

%macro NO_CURSOR 0
  CRTC 0x0a, 0x20
%endmacro

%macro CRTC 2
  mov dx, 0x3d4
  mov ax, (%1) | (%2) << 8
  out dx, ax
%endmacro
%macro SEQ 2
  mov dx, 0x3c4
  mov ax, (%1) | (%2) << 8
  out dx, ax
%endmacro
%macro GFX 2
  mov dx, 0x3ce
  mov ax, (%1) | (%2) << 8
  out dx, ax
%endmacro
%macro ATTR 2
  mov dx, 0x3da
  in al, dx
  mov dx, 0x3c0
  mov al, (%1) | 0x20
  out dx, al
  mov al, %2
  out dx, al
%endmacro
%macro DISPI 2
  mov dx, 0x1ce
  mov ax, %1
  out dx, ax
  inc dx
  mov ax, %2
  out dx, ax
%endmacro

unlock_crtc:
  mov dx, 0x3d4
  mov al, 0x11
  out dx, al
  inc dx
  in al, dx
  and al, 0x7f
  out dx, al
  ret

; si: pairs of a CRTC register and its value, ended by 0xff
set_crtc:
  mov dx, 0x3d4
.next:
  lodsw
  cmp al, 0xff
  je .done
  out dx, ax
  jmp .next
.done:
  ret

; The scan line where a split screen begins, less one
%macro SPLIT 1
  CRTC 0x18, (%1) & 0xff
  mov bl, ((%1) >> 8 & 1) << 4
  mov bh, ((%1) >> 9 & 1) << 6
  call split_high
%endmacro
split_high:
  mov dx, 0x3d4
  mov al, 7
  out dx, al
  inc dx
  in al, dx
  and al, 0xef
  or al, bl
  out dx, al
  dec dx
  mov al, 9
  out dx, al
  inc dx
  in al, dx
  and al, 0xbf
  or al, bh
  out dx, al
  ret

; --- Patterns -----------------------------------------------------------------------------------------------------------

; cx cells at es:0: every character, in colours that change every eight; bl: bits of attributes that may be set
text:
  xor di, di
  xor dx, dx
.next:
  mov al, dl
  mov ah, dl
  shr ah, 3
  add ah, dh
  xor ah, 0x07
  and ah, bl
  stosw
  inc dx
  loop .next
  ret
%macro TEXT 3                   ; segment, cells, attribute mask
  mov ax, %1
  mov es, ax
  mov cx, %2
  mov bl, %3
  call text
  call to_segment_0
%endmacro

; Tiles of 8 x 16 pixels in all colours, plane by plane. si: bytes a line, bp: lines, es: where
tiles:
  mov bl, 0                     ; plane
.plane:
  mov cl, bl
  mov ah, 1
  shl ah, cl
  mov al, 2
  mov dx, 0x3c4
  out dx, ax
  xor di, di
  xor dx, dx                    ; line
.line:
  xor cx, cx                    ; column
.column:
  mov ax, dx
  shr ax, 4
  add ax, cx
  push cx
  mov cl, bl
  shr ax, cl
  pop cx
  and al, 1
  neg al
  stosb
  inc cx
  cmp cx, si
  jb .column
  inc dx
  cmp dx, bp
  jb .line
  inc bl
  cmp bl, 4
  jb .plane
  SEQ 2, 0x0f
  ret
%macro TILES 2                  ; bytes a line, lines
  mov ax, 0xa000
  mov es, ax
  mov si, %1
  mov bp, %2
  call tiles
  call to_segment_0
%endmacro

; Colour x ^ y in unchained 256-colour memory. si: bytes a line of a plane, bp: lines
unchained:
  mov bl, 0
.plane:
  mov cl, bl
  mov ah, 1
  shl ah, cl
  mov al, 2
  mov dx, 0x3c4
  out dx, ax
  xor di, di
  xor dx, dx
.line:
  xor cx, cx
.column:
  mov al, cl
  shl al, 2
  add al, bl
  xor al, dl
  stosb
  inc cx
  cmp cx, si
  jb .column
  inc dx
  cmp dx, bp
  jb .line
  inc bl
  cmp bl, 4
  jb .plane
  ret
%macro UNCHAINED 2
  mov ax, 0xa000
  mov es, ax
  mov si, %1
  mov bp, %2
  call unchained
  call to_segment_0
%endmacro

; Unchained from mode 13h: byte addresses, planes on their own
unchain:
  SEQ 4, 0x06
  CRTC 0x14, 0x00
  CRTC 0x17, 0xe3
  ret

; --- Protected mode -----------------------------------------------------------------------------------------------------

align 8
gdt dq 0
  dq 0x00cf9a000000ffff         ; 08: 32-bit code
  dq 0x00cf92000000ffff         ; 10: data
  dq 0x00009a000000ffff         ; 18: 16-bit code
  dq 0x000092000000ffff         ; 20: data of real mode
gdt_pointer dw $ - gdt - 1
  dd gdt

lfb dd 0
width dd 0
height dd 0
pitch dd 0                      ; bytes
bpp dd 0
origin dd 0                     ; bytes from the start of video memory

draw_linear:
  cli
  lgdt [gdt_pointer]
  mov eax, cr0
  or al, 1
  mov cr0, eax
  jmp dword 0x08:.protected
bits 32
.protected:
  mov ax, 0x10
  mov ds, ax
  mov es, ax
  mov ss, ax
  movzx esp, sp
  mov edi, [lfb]
  add edi, [origin]
  xor edx, edx                  ; y
.line:
  push edi
  xor ecx, ecx                  ; x
.pixel:
  call color
  mov ebx, [bpp]
  shr ebx, 3
.byte:
  stosb
  shr eax, 8
  dec ebx
  jnz .byte
  inc ecx
  cmp ecx, [width]
  jb .pixel
  pop edi
  add edi, [pitch]
  inc edx
  cmp edx, [height]
  jb .line
  jmp 0x18:draw_linear.leave
; ecx = x, edx = y; eax: a pixel of [bpp] with red x, green y, blue x + y
color:
  mov eax, [bpp]
  cmp al, 8
  je .palette
  lea ebx, [ecx + edx]
  shr ebx, 3
  cmp al, 16
  jbe .sixteen
  movzx eax, cl
  shl eax, 8
  mov al, dl
  shl eax, 8
  mov al, bl
  ret
.palette:
  mov eax, ecx
  xor eax, edx
  ret
.sixteen:
  ; 15 bits are stored as 16: [bpp] is 16 for both, [green_bits] tells
  push ebx
  movzx eax, cl
  shr eax, 3
  movzx ebx, dl
  cmp dword [green_bits], 5
  je .five
  shr ebx, 2
  shl eax, 6
  or eax, ebx
  jmp .blue
.five:
  shr ebx, 3
  shl eax, 5
  or eax, ebx
.blue:
  pop ebx
  and ebx, 31
  shl eax, 5
  or eax, ebx
  ret
green_bits dd 6
bits 16
draw_linear.leave:
  mov ax, 0x20
  mov ds, ax
  mov es, ax
  mov ss, ax
  mov eax, cr0
  and al, 0xfe
  mov cr0, eax
  jmp 0:draw_linear.real
draw_linear.real:
  xor ax, ax
  mov ds, ax
  mov es, ax
  mov ss, ax
  sti
  ret

find_lfb:
  mov eax, 0x80000810           ; BAR0 of 00:01.0
  mov dx, 0xcf8
  out dx, eax
  mov dx, 0xcfc
  in eax, dx
  and eax, 0xfffffff0
  mov [lfb], eax
  ret

; bits a pixel, width, height, virtual width
%macro LINEAR 4
  DISPI 4, 0
  DISPI 1, %2
  DISPI 2, %3
  DISPI 3, %1
  DISPI 4, 0x41
  DISPI 6, %4
  mov dword [width], %4
  mov dword [height], %3
  mov dword [bpp], ((%1) + 7) & ~7
  mov dword [pitch], (%4) * (((%1) + 7) / 8)
  mov dword [origin], 0
  mov dword [green_bits], 6 - ((%1) == 15)
%endmacro

; --- The pictures -------------------------------------------------------------------------------------------------------

main:
  call find_lfb
  call text_modes
  call cga_modes
  call planar_modes
  call write_modes
  call modes_256
  call linear_modes
  call all_vesa_modes
  mov si, .end
  call announce
  cli
  hlt
.end db "end", 0

text_modes:
  BIOS_MODE 0x03
  NO_CURSOR
  TEXT 0xb800, 2000, 0x7f
  SHOW "text-80x25"
  ATTR 0x10, 0x04               ; no blinking: sixteen backgrounds
  TEXT 0xb800, 2000, 0xff
  SHOW "text-16-backgrounds"
  ATTR 0x10, 0x0c
  SEQ 1, 0x01                   ; cells of eight dots
  ATTR 0x13, 0
  SHOW "text-8-dots"
  BIOS_MODE 0x03
  NO_CURSOR
  TEXT 0xb800, 2000, 0xff
  SHOW "text-blink~"

  BIOS_MODE 0x03
  TEXT 0xb800, 2000, 0x07
  CRTC 0x0a, 0x02
  CRTC 0x0b, 0x09
  CRTC 0x0e, 0x00
  CRTC 0x0f, 0x55
  SHOW "text-cursor~"
  CRTC 0x0a, 0x0c               ; begins below its end: none
  CRTC 0x0b, 0x03
  SHOW "text-no-cursor"

  BIOS_MODE 0x03
  NO_CURSOR
  TEXT 0xb800, 2000, 0x7f
  CRTC 0x08, 0x05               ; five lines up
  ATTR 0x13, 0x03               ; four dots to the left
  SHOW "text-scrolled"
  CRTC 0x08, 0x25               ; and a character
  SHOW "text-byte-panned"
  CRTC 0x08, 0x00
  ATTR 0x10, 0x2c               ; the lower part stands still
  CRTC 0x0d, 0x50
  SPLIT 203
  SHOW "text-split"

  BIOS_MODE 0x01
  NO_CURSOR
  TEXT 0xb800, 1000, 0x7f
  SHOW "text-40x25"
  BIOS_MODE 0x03
  mov ax, 0x1112                ; the font of eight lines
  xor bx, bx
  int 0x10
  NO_CURSOR
  TEXT 0xb800, 4000, 0x7f
  SHOW "text-80x50"
  BIOS_MODE 0x03
  mov ax, 0x1111
  xor bx, bx
  int 0x10
  NO_CURSOR
  TEXT 0xb800, 80 * 28, 0x7f
  SHOW "text-80x28"
  BIOS_MODE 0x07
  mov dx, 0x3b4
  mov ax, 0x200a
  out dx, ax
  TEXT 0xb000, 2000, 0x7f
  SHOW "text-mono"

  ; A second font, of stripes, for characters with attribute bit 3
  BIOS_MODE 0x03
  NO_CURSOR
  SEQ 2, 0x04
  SEQ 4, 0x06
  GFX 5, 0x00
  GFX 6, 0x04
  mov ax, 0xa000
  mov es, ax
  mov di, 0x4000
  mov cx, 0x2000
.stripes:
  mov ax, di
  shr ax, 5
  rol al, 1
  xor ax, di
  stosb
  loop .stripes
  SEQ 2, 0x03
  SEQ 4, 0x02
  GFX 5, 0x10
  GFX 6, 0x0e
  SEQ 3, 0x04                   ; font A: the second; B: the first
  TEXT 0xb800, 2000, 0x7f
  SHOW "text-two-fonts"
  ret

cga_modes:
  BIOS_MODE 0x04
  mov ax, 0xb800
  mov es, ax
  xor di, di
  mov cx, 0x4000
.next:
  mov ax, di
  shr ax, 3
  xor ax, di
  stosb
  loop .next
  SHOW "cga-320x200x4"
  BIOS_MODE 0x06
  mov ax, 0xb800
  mov es, ax
  xor di, di
  mov cx, 0x4000
.mono:
  mov ax, di
  shr ax, 4
  xor ax, di
  stosb
  loop .mono
  SHOW "cga-640x200x2"
  ret

planar_modes:
  BIOS_MODE 0x0d
  TILES 40, 200
  SHOW "planar-320x200"
  BIOS_MODE 0x0e
  TILES 80, 200
  SHOW "planar-640x200"
  BIOS_MODE 0x0f
  TILES 80, 350
  SHOW "planar-640x350x2"
  BIOS_MODE 0x10
  TILES 80, 350
  SHOW "planar-640x350"
  ATTR 0x12, 0x05               ; two of the planes
  SHOW "planar-plane-mask"
  BIOS_MODE 0x11
  TILES 80, 480
  SHOW "planar-640x480x2"
  BIOS_MODE 0x12
  TILES 80, 480
  SHOW "planar-640x480"
  ATTR 0x13, 5                  ; five dots
  CRTC 0x0d, 0x28               ; and half a line
  SHOW "planar-panned"
  ATTR 0x10, 0x21               ; the lower part stands still
  SPLIT 299
  SHOW "planar-split"
  ret

write_modes:
  BIOS_MODE 0x12
  TILES 80, 480
  mov ax, 0xa000
  mov es, ax
  ; mode 0: set/reset in two planes, the others from the processor, rotated by 3, in half of the bits
  GFX 0, 0x02
  GFX 1, 0x06
  GFX 3, 0x03
  GFX 8, 0xf5
  mov di, 80 * 40
  mov cx, 80 * 32
.mode_0:
  mov al, [es:di]
  mov ax, di
  stosb
  loop .mode_0
  SHOW "write-mode-0"
  call to_graphics
  GFX 1, 0x00
  ; the functions: and, or, exclusive or
  mov bl, 0x08
  mov di, 80 * 80
.functions:
  mov dx, 0x3ce
  mov al, 3
  mov ah, bl
  out dx, ax
  mov ax, 0xff08
  out dx, ax
  mov cx, 80 * 24
.function:
  mov al, [es:di]
  mov ax, di
  stosb
  loop .function
  add di, 80 * 8
  add bl, 0x08
  cmp bl, 0x20
  jb .functions
  SHOW "write-functions"
  call to_graphics
  GFX 3, 0x00
  ; mode 1: latches, from a line above
  GFX 5, 0x01
  mov di, 80 * 200
  mov cx, 80 * 32
.mode_1:
  mov al, [es:di - 80 * 200]
  stosb
  loop .mode_1
  SHOW "write-mode-1"
  call to_graphics
  ; mode 2: colours
  GFX 5, 0x02
  GFX 8, 0x3c
  mov di, 80 * 250
  mov cx, 80 * 32
.mode_2:
  mov al, [es:di]
  mov ax, di
  stosb
  loop .mode_2
  SHOW "write-mode-2"
  call to_graphics
  ; mode 3: a colour through a mask
  GFX 5, 0x03
  GFX 0, 0x0e
  GFX 8, 0x7e
  mov di, 80 * 300
  mov cx, 80 * 32
.mode_3:
  mov al, [es:di]
  mov ax, di
  stosb
  loop .mode_3
  SHOW "write-mode-3"
  call to_graphics
  ; read mode 1: what is of colour 5, copied into plane 0 .. 3
  GFX 5, 0x08
  GFX 2, 0x05
  GFX 7, 0x0f
  GFX 8, 0xff
  mov di, 80 * 350
  mov cx, 80 * 32
.read_1:
  mov al, [es:di - 80 * 350]
  stosb
  loop .read_1
  GFX 7, 0x0f
  GFX 5, 0x00
  SHOW "read-mode-1"
  ret

modes_256:
  BIOS_MODE 0x13
  mov ax, 0xa000
  mov es, ax
  xor di, di
  xor dx, dx
.line:
  xor cx, cx
.pixel:
  mov al, cl
  xor al, dl
  stosb
  inc cx
  cmp cx, 320
  jb .pixel
  inc dx
  cmp dx, 200
  jb .line
  SHOW "mode-13h"
  mov dx, 0x3c6
  mov al, 0x3f
  out dx, al
  SHOW "dac-mask"
  mov al, 0xff
  mov dx, 0x3c6
  out dx, al

  BIOS_MODE 0x13
  call unchain
  UNCHAINED 80, 400
  SHOW "x-320x200"
  CRTC 0x0c, 0x20               ; panned into what is below
  ATTR 0x13, 6                  ; by three pixels too
  SHOW "x-panned"
  ATTR 0x10, 0x61
  SPLIT 199
  SHOW "x-split"

  BIOS_MODE 0x13
  call unchain
  call unlock_crtc
  CRTC 0x09, 0x40               ; each line once
  UNCHAINED 80, 400
  SHOW "x-320x400"

  BIOS_MODE 0x13
  call unchain
  mov dx, 0x3c2
  mov al, 0xe3
  out dx, al
  call unlock_crtc
  mov si, crtc_240
  call set_crtc
  UNCHAINED 80, 240
  SHOW "x-320x240"

  BIOS_MODE 0x13
  call unchain
  mov dx, 0x3c2
  mov al, 0xe7
  out dx, al
  call unlock_crtc
  mov si, crtc_360x480
  call set_crtc
  UNCHAINED 90, 480
  SHOW "x-360x480"

  ; Double scan of a planar mode
  BIOS_MODE 0x12
  TILES 80, 240
  mov dx, 0x3d4
  mov al, 9
  out dx, al
  inc dx
  in al, dx
  or al, 0x80
  out dx, al
  SHOW "double-scan"
  ret

crtc_240:
  db 0x06, 0x0d, 0x07, 0x3e, 0x09, 0x41, 0x10, 0xea, 0x11, 0xac, 0x12, 0xdf, 0x15, 0xe7, 0x16, 0x06, 0xff, 0xff
crtc_360x480:
  db 0x00, 0x6b, 0x01, 0x59, 0x02, 0x5a, 0x03, 0x8e, 0x04, 0x5e, 0x05, 0x8a, 0x06, 0x0d, 0x07, 0x3e, 0x09, 0x40
  db 0x10, 0xea, 0x11, 0xac, 0x12, 0xdf, 0x13, 0x2d, 0x15, 0xe7, 0x16, 0x06, 0xff, 0xff

linear_modes:
  ; 640x480x8 by VESA calls, through banks
  mov ax, 0x4f02
  mov bx, 0x0101
  int 0x10
  call to_segment_0
  mov bp, 0                     ; bank
.bank:
  mov ax, 0x4f05
  xor bx, bx
  mov dx, bp
  int 0x10
  mov ax, 0xa000
  mov es, ax
  xor di, di
.byte:
  mov ax, di
  shr ax, 7
  xor ax, di
  add ax, bp
  stosb
  test di, di
  jnz .byte
  inc bp
  cmp bp, 5
  jb .bank
  SHOW "vesa-640x480x8"

  ; 800x600 in planes
  mov ax, 0x4f02
  mov bx, 0x0102
  int 0x10
  call to_segment_0
  TILES 100, 600
  SHOW "vesa-800x600x4"
  mov ax, 0x4f02
  mov bx, 0x0110                ; 640x480x15
  int 0x10
  call to_segment_0
  SHOW "vesa-640x480x15"

  BIOS_MODE 0x13
  LINEAR 8, 400, 300, 400
  call draw_linear
  SHOW "linear-8"
  LINEAR 15, 400, 300, 400
  call draw_linear
  SHOW "linear-15"
  LINEAR 16, 400, 300, 400
  call draw_linear
  SHOW "linear-16"
  LINEAR 24, 400, 300, 400
  call draw_linear
  SHOW "linear-24"
  LINEAR 32, 400, 300, 400
  call draw_linear
  SHOW "linear-32"
  LINEAR 32, 400, 300, 640
  call draw_linear
  DISPI 8, 130
  DISPI 9, 70
  SHOW "linear-panned"

  ; The second page was drawn before it is shown
  LINEAR 16, 320, 240, 320
  mov dword [origin], 320 * 240 * 2
  call draw_linear
  SHOW "page-1"
  DISPI 9, 240
  SHOW "page-2"

  ; Colours of eight bits
  LINEAR 8, 320, 240, 320
  DISPI 4, 0x61
  mov dx, 0x3c8
  xor al, al
  out dx, al
  inc dx
  xor cx, cx
.color:
  mov al, cl
  out dx, al
  neg al
  out dx, al
  shl al, 1
  out dx, al
  inc cx
  cmp cx, 256
  jb .color
  call draw_linear
  SHOW "dac-8-bit"
  DISPI 4, 0
  BIOS_MODE 0x03
  NO_CURSOR
  SHOW "text-again"
  ret

; Every mode that the video BIOS lists, set with a linear framebuffer: "vesa:NUMBER:WIDTHxHEIGHTxBPP", all decimal
%define INFO 0x6000             ; 512 bytes, then 256 of a mode
%define MODE 0x6200
all_vesa_modes:
  mov dword [INFO], 'VBE2'
  mov ax, 0x4f00
  mov di, INFO
  int 0x10
  call to_segment_0
  mov si, [INFO + 14]
  mov [list], si
  mov ax, [INFO + 16]
  mov [list + 2], ax
.next:
  lfs si, [list]
  mov cx, [fs:si]
  add word [list], 2
  cmp cx, 0xffff
  je .done
  mov [number], cx
  mov ax, 0x4f01
  mov di, MODE
  int 0x10
  call to_segment_0
  test byte [MODE], 0x01        ; supported?
  jz .next
  mov bx, [number]
  mov ax, 0x4f02
  test byte [MODE], 0x80        ; a linear framebuffer?
  jz .set
  or bx, 0x4000
.set:
  int 0x10
  call to_segment_0
  mov di, vesa_digits
  mov ax, [number]
  call decimal
  mov al, ':'
  stosb
  mov ax, [MODE + 18]
  call decimal
  mov al, 'x'
  stosb
  mov ax, [MODE + 20]
  call decimal
  mov al, 'x'
  stosb
  movzx ax, byte [MODE + 25]
  call decimal
  xor al, al
  stosb
  mov si, vesa_name
  call announce
  jmp .next
.done:
  ret
list dd 0
number dw 0
vesa_name db "vesa:"
vesa_digits times 32 db 0

decimal:                        ; ax, to es:di
  xor cx, cx
  mov bx, 10
.divide:
  xor dx, dx
  div bx
  push dx
  inc cx
  test ax, ax
  jnz .divide
.digit:
  pop ax
  add al, '0'
  stosb
  loop .digit
  ret

  times (SECTORS + 1) * 512 - ($ - $$) db 0
  times 1048576 - ($ - $$) db 0
