/* SPDX-License-Identifier: GPL-3.0-or-later */
/* IN, OUT, INS, OUTS, and who may use which port (SDM volume 1, chapter 18). */
#include "x86-sys.h"

#define TSS32_IOMAP 102u

void
vt_x86_check_io (VtX86Cpu *cpu, uint16_t port, unsigned size)
{
  unsigned iopl = (cpu->s.rflags & X86_RFLAGS_IOPL) >> X86_RFLAGS_IOPL_SHIFT;
  if (cpu->mode == VT_X86_REAL || (cpu->mode != VT_X86_V86 && cpu->cpl <= iopl))
    return;
  bool tss32 = (cpu->s.tr.attr & (X86_SEG_TYPE & ~2u)) == X86_SYS_TSS32;
  if (!tss32 || TSS32_IOMAP + 1 > cpu->s.tr.limit)
    vt_x86_gp0 (cpu);
  /* Two bytes are read whatever the port: hence the byte of ones that must end the map. */
  uint32_t off = (uint32_t) vt_x86_load_system (cpu, cpu->s.tr.base + TSS32_IOMAP, 2) + port / 8;
  if (off + 1 > cpu->s.tr.limit)
    vt_x86_gp0 (cpu);
  uint32_t bits = vt_x86_load_system (cpu, cpu->s.tr.base + off, 2) >> (port & 7);
  if ((bits & ((1u << size) - 1)) != 0)
    vt_x86_gp0 (cpu);
}

static uint32_t
port_read (VtX86Cpu *cpu, uint16_t port, unsigned size)
{
  cpu->vcpu.stats.io_accesses++;
  vt_x86_watch_io (cpu, port, size);
  return vt_view_read (cpu->vcpu.io_view, VT_GPA (port), size);
}

static void
port_write (VtX86Cpu *cpu, uint16_t port, uint32_t value, unsigned size)
{
  cpu->vcpu.stats.io_accesses++;
  vt_x86_watch_io (cpu, port, size);
  vt_view_write (cpu->vcpu.io_view, VT_GPA (port), value, size);
}

/* Bit 0 of all sixteen opcodes tells bytes from the operand size, which never is 64 bits. */
unsigned
vt_x86_io_size (const VtX86Insn *insn)
{
  return (insn->opcode & 1) == 0 ? 1 : MIN (insn->opsize, 4);
}

uint16_t
vt_x86_io_port (const VtX86Cpu *cpu, const VtX86Insn *insn)
{
  /* E4..E7 have the port as an immediate byte, EC..EF in DX. */
  return (insn->opcode & 8) != 0 ? cpu->s.gpr[VT_RDX] : insn->imm & 0xff;
}

void
vt_x86_op_in (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = vt_x86_io_size (insn);
  uint16_t port = vt_x86_io_port (cpu, insn);
  vt_x86_check_io (cpu, port, size);
  vt_x86_write_gpr (cpu, VT_RAX, port_read (cpu, port, size), size);
}

void
vt_x86_op_out (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  unsigned size = vt_x86_io_size (insn);
  uint16_t port = vt_x86_io_port (cpu, insn);
  vt_x86_check_io (cpu, port, size);
  port_write (cpu, port, cpu->s.gpr[VT_RAX] & vt_mask_bytes (size), size);
}

/* --- Strings --------------------------------------------------------------------------------------------------------------- */

static uint64_t
address_mask (const VtX86Insn *insn)
{
  return vt_mask_bytes (insn->addrsize);
}

static void
advance (VtX86Cpu *cpu, unsigned reg, const VtX86Insn *insn, unsigned size)
{
  uint64_t step = (cpu->s.rflags & X86_RFLAGS_DF) != 0 ? -(uint64_t) size : size;
  vt_x86_write_gpr (cpu, reg, (cpu->s.gpr[reg] + step) & address_mask (insn), insn->addrsize);
}

static void
ins_once (VtX86Cpu *cpu, const VtX86Insn *insn, uint16_t port, unsigned size)
{
  uint64_t at = vt_x86_linear (cpu, VT_ES, cpu->s.gpr[VT_RDI] & address_mask (insn), size, VT_WRITE);
  /* The port must not be read when the store would fault. */
  vt_x86_probe (cpu, at, size, VT_WRITE);
  uint32_t value = port_read (cpu, port, size);
  vt_x86_store_bytes (cpu, at, &value, size);
  advance (cpu, VT_RDI, insn, size);
}

static void
outs_once (VtX86Cpu *cpu, const VtX86Insn *insn, uint16_t port, unsigned size)
{
  uint32_t value = 0;
  uint64_t at = vt_x86_linear (cpu, insn->seg, cpu->s.gpr[VT_RSI] & address_mask (insn), size, VT_READ);
  vt_x86_load_bytes (cpu, at, &value, size);
  port_write (cpu, port, value, size);
  advance (cpu, VT_RSI, insn, size);
}

static void
repeat (VtX86Cpu *cpu, const VtX86Insn *insn,
        void (*once) (VtX86Cpu *cpu, const VtX86Insn *insn, uint16_t port, unsigned size))
{
  unsigned size = vt_x86_io_size (insn);
  uint16_t port = cpu->s.gpr[VT_RDX];
  vt_x86_check_io (cpu, port, size);
  if ((insn->prefixes & (VT_PFX_REP | VT_PFX_REPNE)) == 0)
    {
      once (cpu, insn, port, size);
      return;
    }
  while ((cpu->s.gpr[VT_RCX] & address_mask (insn)) != 0)
    {
      once (cpu, insn, port, size);
      uint64_t left = (cpu->s.gpr[VT_RCX] - 1) & address_mask (insn);
      vt_x86_write_gpr (cpu, VT_RCX, left, insn->addrsize);
      /* Interrupts and traps come between iterations: the instruction then starts again. */
      if (left != 0 && (vt_vcpu_requests (&cpu->vcpu) != 0 || cpu->attention))
        {
          vt_x86_come_again (cpu);
          return;
        }
    }
}

void
vt_x86_op_ins (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  repeat (cpu, insn, ins_once);
}

void
vt_x86_op_outs (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  repeat (cpu, insn, outs_once);
}
