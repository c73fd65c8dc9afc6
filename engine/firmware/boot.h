/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Booting a kernel without firmware: Linux bzImage (boot protocol 2.x, 32-bit entry), PVH ELF, and multiboot 1.
 *
 * vt_boot_open() opens and judges the files; vt_boot_place() puts them into guest memory, and is called again after every guest reset,
 * since the guest has overwritten them. Between two such calls they are in no memory of ours.
 */
#pragma once

#include "acpi.h"
#include "smbios.h"

typedef struct VtBoot VtBoot;

typedef enum
{
  VT_BOOT_LINUX,
  VT_BOOT_PVH,
  VT_BOOT_MULTIBOOT,
} VtBootKind;

/* Processor 0 at entry: 32-bit protected mode, paging off, interrupts off, A20 open; CS flat code, all others flat
 * data, both 4 GiB at base 0; every general register not listed is 0; RFLAGS = 2; CR0 = PE | ET. The other processors
 * wait for SIPI. */
typedef struct
{
  uint32_t eip, eax, ebx, esi, esp;
  uint16_t code_selector, data_selector;
  uint64_t gdt_base;
  uint16_t gdt_limit;
} VtBootState;

/* A linear framebuffer that the machine has switched on before the kernel starts (VBE mode), 32 bits xRGB. */
typedef struct
{
  uint64_t base;
  uint32_t width, height, stride_bytes, size_bytes;
} VtBootScreen;

typedef struct
{
  VtMem                *mem;
  uint64_t              ram_low_bytes;    /* from 0, below the PCI hole; at least 4 MiB */
  uint64_t              ram_high_bytes;   /* from 4 GiB */
  uint64_t              ecam_base, ecam_bytes;   /* reserved in the memory map; 0: none */
  const VtTables       *acpi;             /* nullable */
  const VtSmbiosConfig *smbios;           /* nullable */
  const VtBootScreen   *screen;           /* nullable: the kernel starts with no display mode set */
} VtBootEnv;

/* initrd (multiboot: the module) and append are nullable. */
VtBoot    *vt_boot_open (const char *kernel, const char *initrd, const char *append, GError **error);
void       vt_boot_free (VtBoot *boot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtBoot, vt_boot_free)
VtBootKind vt_boot_kind (const VtBoot *boot);

/* Machine lock held or machine stopped. Memory from 0 to ram_low_bytes must be RAM, 0xa0000..0xbffff excepted. */
bool
vt_boot_place (VtBoot *boot, const VtBootEnv *env, VtBootState *out, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Call before vt_boot_place(). The chores of firmware for a kernel that boots without it: base addresses and interrupt
 * steering of the q35 or the 440FX and PIIX3 chipset, through configuration ports 0xcf8/0xcfc of `io`; and a VBE mode of the
 * standard VGA at PCI `vga_slot` (0: no VGA), whose first BAR goes to vga_bar. Machine lock held. `screen` (nullable) gets
 * the mode. */
typedef struct
{
  uint16_t pm_base;
  uint64_t ecam_base;          /* q35 */
  unsigned vga_slot;
  uint32_t vga_bar;
  uint32_t width, height;      /* 0: 1024 x 768 */
  unsigned port_slot, ports;      /* of root ports, a function each */
} VtBootPlatform;
void vt_boot_program_q35 (VtMem *io, const VtBootPlatform *platform, VtBootScreen *screen);
void vt_boot_program_pc (VtMem *io, const VtBootPlatform *platform, VtBootScreen *screen);
