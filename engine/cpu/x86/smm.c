/* SPDX-License-Identifier: GPL-3.0-or-later */
/* System management mode: how it is entered, what is saved, and RSM.
 *
 * AMD64 APM volume 2, chapter 10: table 10-1 (the 64-bit state-save area, which OVMF expects of virtual processors whoever their
 * maker is), 10.3 (entry), 10.4 (halts and I/O instructions that are repeated), 10.5 (RSM).  What it leaves open is as in SDM volume
 * 3C, chapter 31: one SMI is latched, NMI and INIT wait, and so does a single-step trap of the instruction before.
 *
 * In the mode the processor sees another address space (VtX86CpuConfig.smm_mem). All that was found in the one before is forgotten, at
 * entry and at RSM; outside of the mode nothing asks about it.
 */
#include "trace-x86.h"
#include "x86-sys.h"

#define SAVE_AREA     0xfe00u      /* from SMBASE on */
#define SAVE_BYTES    0x200u
#define REVISION      0x00030064u  /* the 64-bit area; I/O restart (bit 16); SMBASE can be moved (bit 17) */
#define ENTRY_RIP     0x8000u
#define FLAT_SEGMENT  (X86_SEG_P | X86_SEG_S | X86_SEG_G | X86_TYPE_WRITABLE | X86_TYPE_ACCESSED)
#define SAVED_ATTR    0xf0ffu      /* of X86_SEG_* */
#define RFLAGS_KNOWN  UINT64_C (0x3f7fd7)

/* Offsets from SMBASE. */
enum
{
  AREA_IO_RIP       = 0xfea0,
  AREA_IO_RCX       = 0xfea8,
  AREA_IO_RSI       = 0xfeb0,
  AREA_IO_RDI       = 0xfeb8,
  AREA_IO_TRAP      = 0xfec0,
  AREA_IO_RESTART   = 0xfec8,
  AREA_HALT_RESTART = 0xfec9,
  AREA_REVISION     = 0xfefc,
};

/* AREA_IO_TRAP; the port is in the upper half. */
#define IO_TRAP_IN     (1u << 0)
#define IO_TRAP_VALID  (1u << 1)
#define IO_TRAP_STRING (1u << 2)
#define IO_TRAP_REP    (1u << 3)
#define IO_TRAP_SIZE   4u           /* shift: a bit for each of 1, 2, 4 bytes */
#define IO_TRAP_TF     (1u << 11)
#define IO_TRAP_PORT   16u

/* Fields of 2 bytes are 16 bits wide in the state, all others 64. */
#define PLACE(at, member) { at, sizeof (((VtX86State *) 0)->member), offsetof (VtX86State, member) }
static const struct
{
  uint16_t at;
  uint8_t  size;
  uint16_t field;
} places[] = {
  PLACE (0xfed0, efer),           PLACE (0xff48, cr4),            PLACE (0xff50, cr3),            PLACE (0xff58, cr0),
  PLACE (0xff60, dr[7]),          PLACE (0xff68, dr[6]),          PLACE (0xff70, rflags),         PLACE (0xff78, rip),
  PLACE (0xff80, gpr[VT_R15]),    PLACE (0xff88, gpr[VT_R14]),    PLACE (0xff90, gpr[VT_R13]),    PLACE (0xff98, gpr[VT_R12]),
  PLACE (0xffa0, gpr[VT_R11]),    PLACE (0xffa8, gpr[VT_R10]),    PLACE (0xffb0, gpr[VT_R9]),     PLACE (0xffb8, gpr[VT_R8]),
  PLACE (0xffc0, gpr[VT_RDI]),    PLACE (0xffc8, gpr[VT_RSI]),    PLACE (0xffd0, gpr[VT_RBP]),    PLACE (0xffd8, gpr[VT_RSP]),
  PLACE (0xffe0, gpr[VT_RBX]),    PLACE (0xffe8, gpr[VT_RDX]),    PLACE (0xfff0, gpr[VT_RCX]),    PLACE (0xfff8, gpr[VT_RAX]),
  { 0xff00, 4, offsetof (VtX86State, smbase) },
  { 0xfe64, 2, offsetof (VtX86State, gdtr.limit) },               PLACE (0xfe68, gdtr.base),
  { 0xfe84, 2, offsetof (VtX86State, idtr.limit) },               PLACE (0xfe88, idtr.base),
};

static const struct
{
  uint16_t at;
  uint16_t field;
} segments[] = {
  { 0xfe00, offsetof (VtX86State, seg[VT_ES]) }, { 0xfe10, offsetof (VtX86State, seg[VT_CS]) },
  { 0xfe20, offsetof (VtX86State, seg[VT_SS]) }, { 0xfe30, offsetof (VtX86State, seg[VT_DS]) },
  { 0xfe40, offsetof (VtX86State, seg[VT_FS]) }, { 0xfe50, offsetof (VtX86State, seg[VT_GS]) },
  { 0xfe70, offsetof (VtX86State, ldtr) },       { 0xfe90, offsetof (VtX86State, tr) },
};

typedef struct
{
  uint8_t bytes[SAVE_BYTES];
} Area;

static void
put (Area *area, unsigned at, uint64_t value, unsigned size)
{
  vt_store_le (area->bytes + (at - SAVE_AREA), value, size);
}

static uint64_t
get (const Area *area, unsigned at, unsigned size)
{
  return vt_load_le (area->bytes + (at - SAVE_AREA), size);
}

/* --- The state in the area ---------------------------------------------------------------------------------------- */

static void
pack (const VtX86State *s, Area *area)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (places); i++)
    {
      const void *field = (const uint8_t *) s + places[i].field;
      put (area, places[i].at, places[i].size == 2 ? *(const uint16_t *) field : *(const uint64_t *) field, places[i].size);
    }
  for (unsigned i = 0; i < G_N_ELEMENTS (segments); i++)
    {
      const VtX86Seg *seg = (const void *) ((const uint8_t *) s + segments[i].field);
      put (area, segments[i].at, seg->selector, 2);
      put (area, segments[i].at + 2, seg->attr & SAVED_ATTR, 2);
      put (area, segments[i].at + 4, seg->limit, 4);
      put (area, segments[i].at + 8, seg->base, 8);
    }
}

/* Only loaded segments are present: the area has no place for "unusable". */
static void
unpack (VtX86State *s, const Area *area)
{
  for (unsigned i = 0; i < G_N_ELEMENTS (places); i++)
    {
      void    *field = (uint8_t *) s + places[i].field;
      uint64_t value = get (area, places[i].at, places[i].size);
      if (places[i].size == 2)
        *(uint16_t *) field = (uint16_t) value;
      else
        *(uint64_t *) field = value;
    }
  for (unsigned i = 0; i < G_N_ELEMENTS (segments); i++)
    {
      VtX86Seg *seg = (void *) ((uint8_t *) s + segments[i].field);
      uint32_t  attr = (uint32_t) get (area, segments[i].at + 2, 2) & SAVED_ATTR;
      seg->selector = (uint16_t) get (area, segments[i].at, 2);
      seg->attr = attr & X86_SEG_P ? attr : attr | X86_SEG_UNUSABLE;
      seg->limit = (uint32_t) get (area, segments[i].at + 4, 4);
      seg->base = get (area, segments[i].at + 8, 8);
    }
  s->rflags = (s->rflags & RFLAGS_KNOWN) | X86_RFLAGS_ONE;
  s->cr0 |= X86_CR0_ET;
  s->dr[6] = vt_x86_dr_value (6, s->dr[6]);
  s->dr[7] = vt_x86_dr_value (7, s->dr[7]);
}

/* Physical memory, as the processor sees it in the mode. */
static void
write_area (VtX86Cpu *cpu, const Area *area)
{
  for (unsigned off = 0; off < SAVE_BYTES; off += 8)
    vt_view_write (cpu->vcpu.view, VT_GPA (cpu->s.smbase + SAVE_AREA + off), vt_load_le (area->bytes + off, 8), 8);
}

static void
read_area (VtX86Cpu *cpu, Area *area)
{
  for (unsigned off = 0; off < SAVE_BYTES; off += 8)
    vt_store_le (area->bytes + off, vt_view_read (cpu->vcpu.view, VT_GPA (cpu->s.smbase + SAVE_AREA + off), 8), 8);
}

/* --- Port accesses that bring an SMI ------------------------------------------------------------------------------ */

void
vt_x86_smi_by_port (VtX86Cpu *cpu)
{
  const VtX86Insn *insn = cpu->insn;
  cpu->smi_io.trap = 0;
  if (insn == NULL)
    return;
  bool string = insn->op == vt_x86_op_ins || insn->op == vt_x86_op_outs, in = insn->op == vt_x86_op_in || insn->op == vt_x86_op_ins;
  if (!string && !in && insn->op != vt_x86_op_out)
    return;
  unsigned size = vt_x86_io_size (insn);
  uint32_t port = string ? cpu->s.gpr[VT_RDX] & 0xffff : vt_x86_io_port (cpu, insn);
  cpu->smi_io.rip = cpu->s.rip;
  cpu->smi_io.after = cpu->next_rip;
  cpu->smi_io.rcx = cpu->s.gpr[VT_RCX];
  cpu->smi_io.rsi = cpu->s.gpr[VT_RSI];
  cpu->smi_io.rdi = cpu->s.gpr[VT_RDI];
  cpu->smi_io.trap = IO_TRAP_VALID | (in ? IO_TRAP_IN : 0) | (string ? IO_TRAP_STRING : 0)
                     | (string && (insn->prefixes & (VT_PFX_REP | VT_PFX_REPNE)) ? IO_TRAP_REP : 0) | size << IO_TRAP_SIZE
                     | (cpu->s.rflags & X86_RFLAGS_TF ? IO_TRAP_TF : 0) | port << IO_TRAP_PORT;
}

/* The registers with which the instruction before would be repeated, if it was what brought the SMI. */
static void
pack_io (VtX86Cpu *cpu, Area *area)
{
  const VtX86State *s = &cpu->s;
  bool here = cpu->smi_io.trap != 0 && (s->rip == cpu->smi_io.after || s->rip == cpu->smi_io.rip);
  put (area, AREA_IO_RIP, here ? cpu->smi_io.rip : s->rip, 8);
  put (area, AREA_IO_RCX, here ? cpu->smi_io.rcx : s->gpr[VT_RCX], 8);
  put (area, AREA_IO_RSI, here ? cpu->smi_io.rsi : s->gpr[VT_RSI], 8);
  put (area, AREA_IO_RDI, here ? cpu->smi_io.rdi : s->gpr[VT_RDI], 8);
  put (area, AREA_IO_TRAP, here ? cpu->smi_io.trap : 0, 4);
  cpu->smi_io.trap = 0;
}

static void
repeat_io (Area *area)
{
  put (area, 0xff78, get (area, AREA_IO_RIP, 8), 8);
  put (area, 0xfff0, get (area, AREA_IO_RCX, 8), 8);
  put (area, 0xffc8, get (area, AREA_IO_RSI, 8), 8);
  put (area, 0xffc0, get (area, AREA_IO_RDI, 8), 8);
}

/* --- Entry -------------------------------------------------------------------------------------------------------- */

bool
vt_x86_smi_deliverable (const VtX86Cpu *cpu)
{
  const VtX86State *s = &cpu->s;
  bool open = s->activity == VT_X86_RUNNING || s->activity == VT_X86_HALTED || s->activity == VT_X86_MWAIT;
  return s->smi_pending && !s->in_smm && open && cpu->smm_mem != NULL;
}

/* APM table 10-2. */
static void
load_entry_state (VtX86State *s)
{
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    s->seg[i] = (VtX86Seg) { .limit = UINT32_MAX, .attr = FLAT_SEGMENT };
  s->seg[VT_CS].selector = (uint16_t) (s->smbase >> 4);
  s->seg[VT_CS].base = s->smbase;
  s->seg[VT_CS].attr |= X86_TYPE_CODE;
  s->rip = ENTRY_RIP;
  s->cr0 &= ~(uint64_t) (X86_CR0_PE | X86_CR0_EM | X86_CR0_TS | X86_CR0_PG);
  s->cr4 = s->efer = 0;
  s->dr[7] = vt_x86_dr_value (7, 0);
}

void
vt_x86_enter_smm (VtX86Cpu *cpu)
{
  VtX86State *s = &cpu->s;
  Area        area = { 0 };
  trace_x86_smm_enter (cpu->vcpu.index, s->smbase, s->seg[VT_CS].selector, s->rip);
  vt_x86_sync_flags (cpu);
  pack (s, &area);
  pack_io (cpu, &area);
  put (&area, AREA_HALT_RESTART, s->activity != VT_X86_RUNNING, 1);
  put (&area, AREA_REVISION, REVISION, 4);
  s->smm_nmi_blocked = s->nmi_blocked;
  s->smm_pending_db = cpu->pending_db;
  cpu->pending_db = 0;
  s->nmi_blocked = s->in_smm = 1;
  s->activity = VT_X86_RUNNING;
  s->monitor_armed = 0;
  load_entry_state (s);
  s->rflags = X86_RFLAGS_ONE;
  vt_x86_set_arith_flags (cpu, X86_RFLAGS_ARITH, 0);
  vt_x86_take_view (cpu);
  vt_x86_update_mode (cpu);
  write_area (cpu, &area);
}

/* --- RSM ---------------------------------------------------------------------------------------------------------- */

/* Nothing of the state changes. */
static bool
may_return_to (const VtX86Cpu *cpu, const Area *area)
{
  VtX86State next = cpu->s;
  if ((get (area, 0xff60, 8) | get (area, 0xff68, 8)) >> 32 != 0)
    return false;
  unpack (&next, area);
  next.in_smm = next.smm_nmi_blocked = 0;
  next.smm_pending_db = 0;
  return (next.cr4 & ~vt_x86_cr4_allowed (cpu)) == 0 && (next.efer & ~vt_x86_efer_allowed (cpu)) == 0
         && vt_x86_state_check (cpu, &next, NULL);
}

static bool
pdptes_wanted (const VtX86Cpu *cpu)
{
  return cpu->paging && !cpu->long_mode && (cpu->s.cr4 & X86_CR4_PAE) != 0;
}

/* Fields that other threads set (what is pending) are none of the area's. */
static void
return_to (VtX86Cpu *cpu, const Area *area)
{
  VtX86State *s = &cpu->s;
  unpack (s, area);
  vt_x86_set_arith_flags (cpu, X86_RFLAGS_ARITH, (uint32_t) s->rflags);
  s->nmi_blocked = s->smm_nmi_blocked;
  s->in_smm = s->smm_nmi_blocked = 0;
  s->shadow = 0;
  s->activity = get (area, AREA_HALT_RESTART, 1) & 1 ? VT_X86_HALTED : VT_X86_RUNNING;
  cpu->rf_loaded = (s->rflags & X86_RFLAGS_RF) != 0;
  cpu->shadow_before = 0;
  cpu->stepping = false;
  cpu->next_rip = s->rip;
  vt_x86_take_view (cpu);
  vt_x86_update_mode (cpu);
  trace_x86_smm_leave (cpu->vcpu.index, s->smbase, s->seg[VT_CS].selector, s->rip);
}

void
vt_x86_op_rsm (VtX86Cpu *cpu, const VtX86Insn *insn)
{
  Area area;
  if (!cpu->s.in_smm)
    vt_x86_ud (cpu);
  read_area (cpu, &area);
  if (get (&area, AREA_IO_RESTART, 1) != 0)
    repeat_io (&area);
  if (!may_return_to (cpu, &area))
    {
      vt_x86_shut_down (cpu);
      return;
    }
  return_to (cpu, &area);
  if (pdptes_wanted (cpu) && !vt_x86_load_pdptes (cpu, cpu->s.cr3))
    {
      vt_x86_shut_down (cpu);
      return;
    }
  /* Whatever had to wait. */
  __atomic_fetch_or (&cpu->vcpu.requests, VT_VCPU_INTERRUPT, __ATOMIC_RELAXED);
  uint16_t trap = cpu->s.smm_pending_db;
  cpu->s.smm_pending_db = 0;
  if (trap != 0)
    vt_x86_raise_db (cpu, trap);
}
