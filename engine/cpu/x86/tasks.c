/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Hardware task switching through 16- and 32-bit task-state segments (SDM volume 3A, chapter 7).
 *
 * Everything that can fault in the context of the old task happens before the registers change; from then on a fault
 * belongs to the new task, whose segment registers have their selectors but are unusable until checked.
 */
#include "trace-x86.h"
#include "x86-sys.h"

#define TSS32_LIMIT 0x67u
#define TSS16_LIMIT 0x2bu
#define TSS32_TRAP  100u
#define DR6_BT      (1u << 15)
#define DR7_LOCAL   0x155u   /* L0..L3 and LE */

enum { TASK_ES, TASK_CS, TASK_SS, TASK_DS, TASK_FS, TASK_GS, TASK_SEGS };

typedef struct
{
  uint64_t cr3;
  uint32_t eip, eflags, gpr[8];
  uint16_t selector[TASK_SEGS];    /* in the order of VT_ES ... */
  uint16_t ldt;
  bool     is32, trap;
} Task;

/* Where the parts of a TSS lie; figures 7-2 and 7-10. */
typedef struct
{
  uint8_t width;     /* of registers and selectors' spacing */
  uint8_t eip, eflags, gpr, selectors, n_selectors, ldt;
} Layout;

static const Layout layout16 = { 2, 14, 16, 18, 34, 4, 42 };
static const Layout layout32 = { 4, 32, 36, 40, 72, 6, 96 };

static const Layout *
layout_of (unsigned type)
{
  return (type & 8) != 0 ? &layout32 : &layout16;
}

static void
read_task (VtX86Cpu *cpu, const VtX86Seg *tss, Task *task)
{
  const Layout *l = layout_of (tss->attr & X86_SEG_TYPE);
  *task = (Task) { .is32 = l == &layout32 };
  task->eip = vt_x86_load_system (cpu, tss->base + l->eip, l->width);
  task->eflags = vt_x86_load_system (cpu, tss->base + l->eflags, l->width);
  for (unsigned i = 0; i < 8; i++)
    {
      task->gpr[i] = vt_x86_load_system (cpu, tss->base + l->gpr + i * l->width, l->width);
      /* A 16-bit TSS leaves the upper halves all ones, as processors do. */
      if (!task->is32)
        task->gpr[i] |= 0xffff0000;
    }
  for (unsigned i = 0; i < l->n_selectors; i++)
    task->selector[i] = vt_x86_load_system (cpu, tss->base + l->selectors + i * l->width, 2);
  task->ldt = vt_x86_load_system (cpu, tss->base + l->ldt, 2);
  if (task->is32)
    {
      task->cr3 = vt_x86_load_system (cpu, tss->base + 28, 4);
      task->trap = vt_x86_load_system (cpu, tss->base + TSS32_TRAP, 2) & 1;
    }
}

static void
save_task (VtX86Cpu *cpu, uint64_t rip, uint64_t flags)
{
  const VtX86Seg *tss = &cpu->s.tr;
  const Layout *l = layout_of (tss->attr & X86_SEG_TYPE);
  vt_x86_store_system (cpu, tss->base + l->eip, rip, l->width);
  vt_x86_store_system (cpu, tss->base + l->eflags, flags, l->width);
  for (unsigned i = 0; i < 8; i++)
    vt_x86_store_system (cpu, tss->base + l->gpr + i * l->width, cpu->s.gpr[i], l->width);
  for (unsigned i = 0; i < l->n_selectors; i++)
    vt_x86_store_system (cpu, tss->base + l->selectors + i * l->width, cpu->s.seg[i].selector, 2);
}

static void
set_busy (VtX86Cpu *cpu, uint16_t selector, bool busy)
{
  uint64_t where, desc;
  if (!vt_x86_fetch_descriptor (cpu, selector, &desc, &where))
    return;
  uint8_t type = desc >> 40;
  vt_x86_store_system (cpu, where + 5, busy ? type | 2 : type & ~2u, 1);
}

/* Selector of a TSS: global, of the right type and busy state, present and long enough. */
static void
check_tss (VtX86Cpu *cpu, uint16_t selector, VtX86TaskHow how, VtX86Seg *tss)
{
  uint32_t error = selector & ~X86_SEL_RPL;
  unsigned vector = how == VT_X86_TASK_IRET ? X86_TS : X86_GP;
  if ((selector & X86_SEL_TI) != 0 || error == 0)
    vt_x86_raise (cpu, vector, error);
  uint64_t desc = vt_x86_need_descriptor (cpu, selector, vector, NULL);
  unsigned type = (desc & X86_DESC_S) != 0 ? 0 : desc_type (desc);
  unsigned available = type & ~2u;
  bool busy = (type & 2) != 0;
  if ((available != X86_SYS_TSS16 && available != X86_SYS_TSS32) || busy != (how == VT_X86_TASK_IRET))
    vt_x86_raise (cpu, vector, error);
  if ((desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, error);
  vt_x86_unpack_descriptor (selector, desc, tss);
  if (tss->limit < (available == X86_SYS_TSS32 ? TSS32_LIMIT : TSS16_LIMIT))
    vt_x86_raise (cpu, X86_TS, error);
  tss->attr |= 2;
}

/* --- The new task ------------------------------------------------------------------------------------------------------------ */

static void
load_task_ldt (VtX86Cpu *cpu, uint16_t selector)
{
  uint32_t error = selector & ~X86_SEL_RPL;
  vt_x86_set_null_seg (&cpu->s.ldtr, selector);
  if (error == 0)
    return;
  if (selector & X86_SEL_TI)
    vt_x86_raise (cpu, X86_TS, error);
  uint64_t desc = vt_x86_need_descriptor (cpu, selector, X86_TS, NULL);
  if ((desc & X86_DESC_S) != 0 || desc_type (desc) != X86_SYS_LDT || (desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_TS, error);
  vt_x86_unpack_descriptor (selector, desc, &cpu->s.ldtr);
}

static void
load_task_cs (VtX86Cpu *cpu, uint16_t selector)
{
  uint64_t where;
  uint32_t error = selector & ~X86_SEL_RPL;
  unsigned cpl = selector & X86_SEL_RPL;
  if (error == 0)
    vt_x86_raise (cpu, X86_TS, 0);
  uint64_t desc = vt_x86_need_descriptor (cpu, selector, X86_TS, &where);
  bool level_ok = desc_is_conforming (desc) ? desc_dpl (desc) <= cpl : desc_dpl (desc) == cpl;
  if (!desc_is_code (desc) || !level_ok)
    vt_x86_raise (cpu, X86_TS, error);
  if ((desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, error);
  vt_x86_mark_accessed (cpu, where, desc);
  vt_x86_commit_cs (cpu, selector, desc, cpl);
}

static void
load_task_data (VtX86Cpu *cpu, unsigned seg, uint16_t selector)
{
  uint64_t where;
  uint32_t error = selector & ~X86_SEL_RPL;
  if (error == 0)
    return;
  uint64_t desc = vt_x86_need_descriptor (cpu, selector, X86_TS, &where);
  bool code = desc_is_code (desc), any_level = code && desc_is_conforming (desc);
  bool readable = (desc & X86_DESC_S) != 0 && (!code || (desc_type (desc) & X86_TYPE_WRITABLE) != 0);
  if (!readable || (!any_level && MAX (cpu->cpl, selector & X86_SEL_RPL) > desc_dpl (desc)))
    vt_x86_raise (cpu, X86_TS, error);
  if ((desc & X86_DESC_P) == 0)
    vt_x86_raise (cpu, X86_NP, error);
  vt_x86_mark_accessed (cpu, where, desc);
  vt_x86_unpack_descriptor (selector, desc | X86_DESC_A, &cpu->s.seg[seg]);
}

static void
load_task_segments (VtX86Cpu *cpu, const Task *task)
{
  unsigned cpl = task->selector[TASK_CS] & X86_SEL_RPL;
  bool v86 = (cpu->s.rflags & X86_RFLAGS_VM) != 0;
  for (unsigned i = 0; i < TASK_SEGS; i++)
    if (v86)
      vt_x86_set_v86_seg (&cpu->s.seg[i], task->selector[i]);
    else
      vt_x86_set_null_seg (&cpu->s.seg[i], task->selector[i]);
  if (!v86)
    cpu->s.seg[VT_SS].attr |= cpl << X86_SEG_DPL_SHIFT;
  vt_x86_update_mode (cpu);
  load_task_ldt (cpu, task->ldt);
  if (!v86)
    {
      VtX86Seg ss;
      load_task_cs (cpu, task->selector[TASK_CS]);
      vt_x86_check_stack_seg (cpu, task->selector[TASK_SS], cpl, X86_TS, &ss);
      vt_x86_commit_ss (cpu, &ss, cpl);
      load_task_data (cpu, VT_DS, task->selector[TASK_DS]);
      load_task_data (cpu, VT_ES, task->selector[TASK_ES]);
      load_task_data (cpu, VT_FS, task->selector[TASK_FS]);
      load_task_data (cpu, VT_GS, task->selector[TASK_GS]);
    }
  vt_x86_update_mode (cpu);
}

static void
load_task_cr3 (VtX86Cpu *cpu, const Task *task)
{
  if (!task->is32 || !cpu->paging || task->cr3 == cpu->s.cr3)
    return;
  bool pae = (cpu->s.cr4 & X86_CR4_PAE) != 0;
  cpu->s.cr3 = task->cr3;
  vt_x86_tlb_flush (cpu, false);
  if (pae && !vt_x86_load_pdptes (cpu, task->cr3))
    vt_x86_raise (cpu, X86_TS, cpu->s.tr.selector & ~X86_SEL_RPL);
}

static void
enter_task (VtX86Cpu *cpu, const VtX86Seg *tss, const Task *task, uint64_t flags)
{
  cpu->s.tr = *tss;
  cpu->s.cr0 |= X86_CR0_TS;
  cpu->s.dr[7] &= ~(uint64_t) DR7_LOCAL;
  cpu->s.rip = cpu->next_rip = task->eip;
  for (unsigned i = 0; i < 8; i++)
    cpu->s.gpr[i] = task->gpr[i];
  vt_x86_write_flags (cpu, flags, UINT32_MAX & 0x003f7fd7);
  cpu->stepping = false;
  load_task_cr3 (cpu, task);
  load_task_segments (cpu, task);
}

static void
push_error (VtX86Cpu *cpu, bool is32, uint32_t error)
{
  VtX86Stack stack;
  vt_x86_stack_current (cpu, &stack);
  vt_x86_stack_push (&stack, error, is32 ? 4 : 2);
  vt_x86_set_sp (cpu, stack.sp);
}

void
vt_x86_switch_task (VtX86Cpu *cpu, uint16_t selector, VtX86TaskHow how, uint64_t return_rip, const uint32_t *error)
{
  VtX86Seg tss;
  Task task;
  uint16_t old = cpu->s.tr.selector;
  check_tss (cpu, selector, how, &tss);
  trace_x86_task_switch (cpu->vcpu.index, old, selector, how);
  read_task (cpu, &tss, &task);
  uint64_t flags = vt_x86_read_flags (cpu);
  save_task (cpu, return_rip, how == VT_X86_TASK_IRET ? flags & ~(uint64_t) X86_RFLAGS_NT : flags);
  if (how != VT_X86_TASK_CALL)
    set_busy (cpu, old, false);
  if (how != VT_X86_TASK_IRET)
    set_busy (cpu, selector, true);
  if (how == VT_X86_TASK_CALL)
    {
      vt_x86_store_system (cpu, tss.base, old, 2);
      task.eflags |= X86_RFLAGS_NT;
    }
  enter_task (cpu, &tss, &task, task.eflags);
  if (error != NULL)
    push_error (cpu, task.is32, *error);
  if (task.eip > cpu->s.seg[VT_CS].limit)
    vt_x86_gp0 (cpu);
  if (task.trap)
    cpu->pending_db |= DR6_BT;
  vt_x86_update_mode (cpu);
}

void
vt_x86_task_gate (VtX86Cpu *cpu, uint64_t gate, VtX86TaskHow how, uint64_t return_rip, const uint32_t *error)
{
  vt_x86_switch_task (cpu, gate >> 16, how, return_rip, error);
}
