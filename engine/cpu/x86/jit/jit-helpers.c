/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What translated code calls. All guest registers are in the state, and none of these unwinds except an operation of the
 * interpreter's that raises, as it would anywhere.
 */
#include "flags.h"
#include "jit.h"
#include "x86-sys.h"

/* --- Flags -------------------------------------------------------------------------------------------------------- */

void
vt_jit_flags_to_state (VtX86Cpu *cpu)
{
  uint64_t f = cpu->translated.flags;
  uint32_t arith = (uint32_t) (f >> 8) & (X86_RFLAGS_ARITH & 0xff);
  flags_put (cpu, arith | (f & 1 ? X86_RFLAGS_OF : 0));
}

void
vt_jit_flags_from_state (VtX86Cpu *cpu)
{
  uint32_t arith = flags_get (cpu);
  cpu->translated.flags = ((arith & 0xff) | X86_RFLAGS_ONE) << 8 | (arith & X86_RFLAGS_OF ? 1 : 0);
}

/* --- Memory ------------------------------------------------------------------------------------------------------- */

uint32_t
vt_jit_fill (VtX86Cpu *cpu, uint64_t linear, uint32_t what)
{
  unsigned size = what & 0xff;
  VtAccessKind kind = what & 0x100 ? VT_WRITE : VT_READ;
  if (cpu->code_bits != 64)
    linear = (uint32_t) linear;
  if ((linear & VT_PAGE_MASK) + size > VT_PAGE_SIZE || (cpu->code_bits == 64 && !vt_x86_canonical (linear)))
    return 1;
  if (!vt_x86_tlb_try_fill (cpu, linear, kind))
    return 1;
  const VtX86TlbEntry *entry = vt_x86_tlb_entry (cpu, linear);
  uint64_t tag = kind == VT_WRITE ? entry->tag_write : entry->tag_read;
  return tag != (linear & ~VT_PAGE_MASK);
}

static bool
holds (const VtRam *ram, uint64_t flags_at)
{
  uint64_t first = (uint64_t) (uintptr_t) ram->page_flags;
  return flags_at - first < ram->size >> VT_PAGE_SHIFT;
}

uint32_t
vt_jit_wrote (VtX86Cpu *cpu, uint64_t host, uint64_t flags_at, uint32_t size)
{
  uint64_t before = vt_ram_code_writes ();
  for (unsigned i = 0; i < VT_X86_PHYS_PAGES; i++)
    if (cpu->phys[i].gpa != VT_X86_TLB_NONE && holds (cpu->phys[i].page.ram, flags_at))
      {
        VtRam *ram = cpu->phys[i].page.ram;
        vt_ram_wrote (ram, host - (uint64_t) (uintptr_t) ram->host, size);
        break;
      }
  return vt_ram_code_writes () != before;
}

/* --- Operations of the interpreter ---------------------------------------------------------------------------------- */

uint32_t
vt_jit_op (VtX86Cpu *cpu, const VtX86Insn *insn, uint32_t where)
{
  uint32_t user = cpu->user_generation, global = cpu->global_generation;
  uint64_t before = vt_ram_code_writes (), mask = cpu->code_bits == 64 ? UINT64_MAX : UINT32_MAX;
  uint64_t rip = (cpu->translated.page_rip + (where & 0xffff)) & mask;
  vt_jit_flags_to_state (cpu);
  cpu->s.rip = rip;
  cpu->next_rip = rip + insn->length;
  cpu->insn = insn;
  cpu->block_stop = insn + 1;
  insn->op (cpu, insn);
  cpu->insn = NULL;
  cpu->vcpu.stats.instructions++;
  vt_jit_flags_from_state (cpu);
  cpu->s.rip = cpu->next_rip;
  return cpu->next_rip != rip + insn->length || vt_vcpu_requests (&cpu->vcpu) != 0 || vt_ram_code_writes () != before
         || cpu->user_generation != user || cpu->global_generation != global || vt_jit_mode (cpu) != where >> 16;
}
