/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chores of firmware, for kernels that boot without it: chipset base addresses, shadow RAM, interrupt
 * steering, and a display mode.  Everything goes through the ports that firmware would use. */
#include "boot.h"

#define PCI_ADDRESS_PORT 0xcf8u
#define PCI_DATA_PORT    0xcfcu
#define PCI_ENABLE       0x80000000u
#define PCI_COMMAND      0x04u
#define PCI_COMMAND_IO_MEMORY 0x03u
#define PCI_BAR0         0x10u
#define PCI_BUS_NUMBERS  0x18u       /* of a bridge: primary, secondary, subordinate */

/* PAM registers of both chipsets: all of the BIOS area is RAM. */
#define PAM_COUNT         7u
#define PAM_RAM           0x33u
#define PAM0_RAM          0x30u

/* Intel 3 Series (Q35) datasheet, 5.1: host bridge 00:00.0. */
#define MCH_PAM0          0x90u
#define MCH_PCIEXBAR      0x60u
#define MCH_PCIEXBAR_ENABLE 1u      /* size bits 0: 256 MiB */

/* ICH9 datasheet 13.1: LPC bridge 00:1f.0. */
#define LPC_PMBASE        0x40u
#define LPC_PMBASE_IO     1u
#define LPC_ACPI_CNTL     0x44u
#define LPC_ACPI_CNTL_EN  0x80u     /* SCI on IRQ 9 */
#define LPC_PIRQA_ROUT    0x60u
#define LPC_PIRQE_ROUT    0x68u

/* 440FX (290549), PIIX3 (290550) and the power management of PIIX4 (290562). */
#define PMC_PAM0          0x59u
#define PIIX_ISA          0x08u     /* 00:01.0 */
#define PIIX_PIRQRC       0x60u
#define PIIX_PM           0x0bu     /* 00:01.3 */
#define PIIX_PMBASE       0x40u
#define PIIX_PMREGMISC    0x80u
#define PIIX_PMREGMISC_ON 1u

#define HOST_BRIDGE       0x00u     /* devfn */
#define LPC_BRIDGE        0xf8u     /* 00:1f.0 */

/* What SeaBIOS chooses for PIRQ A..D. */
static const uint8_t isa_irqs[4] = { 10, 10, 11, 11 };

/* Edge/level control of the two PICs: interrupts 9, 10 and 11 are level triggered. */
#define PIC_ELCR2         0x4d1u
#define PIC_ELCR2_PCI     0x0eu

/* Bochs display interface. */
#define VBE_INDEX_PORT    0x1ceu
#define VBE_DATA_PORT     0x1cfu
enum { VBE_XRES = 1, VBE_YRES = 2, VBE_BPP = 3, VBE_ENABLE = 4, VBE_VIRT_WIDTH = 6 };
#define VBE_ENABLE_ON_LFB 0x41u

static void
out_port (VtView *io, uint16_t port, uint32_t value, unsigned size)
{
  vt_view_write (io, VT_GPA (port), value, size);
}

static void
pci_write (VtView *io, unsigned devfn, unsigned reg, uint32_t value, unsigned size)
{
  out_port (io, PCI_ADDRESS_PORT, PCI_ENABLE | devfn << 8 | (reg & ~3u), 4);
  out_port (io, PCI_DATA_PORT + (reg & 3), value, size);
}

static void
open_shadow (VtView *io, unsigned pam0)
{
  for (unsigned i = 0; i < PAM_COUNT; i++)
    pci_write (io, HOST_BRIDGE, pam0 + i, i == 0 ? PAM0_RAM : PAM_RAM, 1);
}

static void
steer_pirqs (VtView *io, unsigned bridge, unsigned registers)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (isa_irqs); i++)
    pci_write (io, bridge, registers + i, isa_irqs[i], 1);
}

/* A bus for each port. Windows the kernel assigns itself. */
static void
number_buses (VtView *io, const VtBootPlatform *platform)
{
  for (unsigned i = 0; i < platform->ports; i++)
    pci_write (io, platform->port_slot << 3 | i, PCI_BUS_NUMBERS, (i + 1) << 16 | (i + 1) << 8, 4);
}

static void
vbe_write (VtView *io, unsigned index, unsigned value)
{
  out_port (io, VBE_INDEX_PORT, index, 2);
  out_port (io, VBE_DATA_PORT, value, 2);
}

static void
program_vga (VtView *io, const VtBootPlatform *platform, VtBootScreen *screen)
{
  uint32_t width = platform->width != 0 ? platform->width : 1024,
           height = platform->height != 0 ? platform->height : 768;
  pci_write (io, platform->vga_slot << 3, PCI_BAR0, platform->vga_bar, 4);
  pci_write (io, platform->vga_slot << 3, PCI_COMMAND, PCI_COMMAND_IO_MEMORY, 2);
  vbe_write (io, VBE_ENABLE, 0);
  vbe_write (io, VBE_XRES, width);
  vbe_write (io, VBE_YRES, height);
  vbe_write (io, VBE_BPP, 32);
  vbe_write (io, VBE_VIRT_WIDTH, width);
  vbe_write (io, VBE_ENABLE, VBE_ENABLE_ON_LFB);
  *screen = (VtBootScreen) { .base = platform->vga_bar, .width = width, .height = height, .stride_bytes = width * 4 };
  screen->size_bytes = (screen->stride_bytes * height + 0xffff) & ~0xffffu;
}

static void
finish (VtView *io, const VtBootPlatform *platform, VtBootScreen *screen)
{
  VtBootScreen ignored;
  out_port (io, PIC_ELCR2, PIC_ELCR2_PCI, 1);
  if (platform->vga_slot != 0)
    program_vga (io, platform, screen != NULL ? screen : &ignored);
}

void
vt_boot_program_q35 (VtMem *io, const VtBootPlatform *platform, VtBootScreen *screen)
{
  g_autoptr (VtView) view = vt_mem_view (io);
  open_shadow (view, MCH_PAM0);
  pci_write (view, HOST_BRIDGE, MCH_PCIEXBAR + 4, platform->ecam_base >> 32, 4);
  pci_write (view, HOST_BRIDGE, MCH_PCIEXBAR, (uint32_t) platform->ecam_base | MCH_PCIEXBAR_ENABLE, 4);
  pci_write (view, LPC_BRIDGE, LPC_PMBASE, platform->pm_base | LPC_PMBASE_IO, 4);
  pci_write (view, LPC_BRIDGE, LPC_ACPI_CNTL, LPC_ACPI_CNTL_EN, 1);
  steer_pirqs (view, LPC_BRIDGE, LPC_PIRQA_ROUT);
  steer_pirqs (view, LPC_BRIDGE, LPC_PIRQE_ROUT);
  number_buses (view, platform);
  finish (view, platform, screen);
}

void
vt_boot_program_pc (VtMem *io, const VtBootPlatform *platform, VtBootScreen *screen)
{
  g_autoptr (VtView) view = vt_mem_view (io);
  open_shadow (view, PMC_PAM0);
  pci_write (view, PIIX_PM, PIIX_PMBASE, platform->pm_base | LPC_PMBASE_IO, 4);
  pci_write (view, PIIX_PM, PIIX_PMREGMISC, PIIX_PMREGMISC_ON, 1);
  steer_pirqs (view, PIIX_ISA, PIIX_PIRQRC);
  finish (view, platform, screen);
}
