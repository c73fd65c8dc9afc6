/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Executes cases on a virtual processor of ours, in user mode of a minimal 64-bit system.
 *
 * The system is as Linux looks to a process: same selectors, same privilege of IDT gates, paging on.  Each vector has a
 * handler that halts; what happened is then read from the exception frame on the inner stack.
 */
#include "case.h"
#include "host-context.h"
#include "xarea.h"

#include "accel.h"
#include "host-ram.h"
#include "jit-run.h"
#include "x86-cpu.h"
#include "x86-model.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <unistd.h>

/* Physical memory, in pages' order. The window's pages are shuffled, so that an access across a page end has to look up
 * both. */
#define PHYS_SIZE     0x100000u
#define PHYS_TABLES   0x1000u
#define PHYS_SYSTEM   0x20000u     /* SYSTEM_SIZE bytes: descriptor tables, handlers, stack */
#define PHYS_CODE     0x40000u
#define PHYS_WINDOW   0x80000u
static const uint32_t window_page[] = { PHYS_WINDOW + 0x5000, PHYS_WINDOW + 0x1000, PHYS_WINDOW + 0x3000 };

/* Supervisor pages, where no case points by accident. */
#define SYSTEM          UINT64_C (0xffffffffb2a30000)
#define SYSTEM_SIZE     0x8000u
#define SYSTEM_GDT      0x0000u
#define SYSTEM_TSS      0x0800u
#define SYSTEM_IDT      0x1000u
#define SYSTEM_HANDLERS 0x2000u      /* 16 bytes each */
#define SYSTEM_STACK    0x8000u      /* grows down */

#define SELECTOR_KERNEL_CS 0x10u
#define SELECTOR_TSS       0x40u

#define HLT 0xf4
#define MAX_STEPS 200000u            /* of a REP instruction */

typedef struct
{
  Executor       base;
  uint8_t       *ram_bytes;
  VtRam         *ram;
  VtMem         *mem, *io;
  VtClock       *clock;
  VtX86Model    *model;
  VtX86Cpu      *cpu;
  const VtAccel *accel;
  uint32_t       next_table;
  VtX86Seg       user_seg[N_MODES][VT_SEG_COUNT];
  bool           lazy_flags;
  int            mode;               /* that the segments are set for; -1: none */
} EngineExecutor;

/* --- The system --------------------------------------------------------------------------------------------------- */

#define PTE_P  UINT64_C (1)
#define PTE_W  UINT64_C (2)
#define PTE_U  UINT64_C (4)
#define PTE_AD UINT64_C (0x60)
#define PTE_NX (UINT64_C (1) << 63)

static uint64_t *
table_at (EngineExecutor *self, uint64_t physical)
{
  return (uint64_t *) (self->ram_bytes + physical);
}

static void
map_page (EngineExecutor *self, uint64_t linear, uint64_t physical, uint64_t flags)
{
  uint64_t table = PHYS_TABLES;
  for (unsigned shift = 39; shift > 12; shift -= 9)
    {
      uint64_t *entry = &table_at (self, table)[linear >> shift & 511];
      if (*entry == 0)
        {
          *entry = self->next_table | PTE_P | PTE_W | PTE_U | PTE_AD;
          self->next_table += 0x1000;
        }
      table = *entry & ~UINT64_C (0xfff);
    }
  table_at (self, table)[linear >> 12 & 511] = physical | flags | PTE_P | PTE_AD;
}

static void
build_pages (EngineExecutor *self)
{
  self->next_table = PHYS_TABLES + 0x1000;
  for (unsigned at = 0; at < SYSTEM_SIZE; at += 0x1000)
    map_page (self, SYSTEM + at, PHYS_SYSTEM + at, PTE_W);
  for (unsigned at = 0; at < LAYOUT_CODE_SIZE; at += 0x1000)
    map_page (self, LAYOUT_CODE + at, PHYS_CODE + at, PTE_U);
  for (unsigned i = 0; i < G_N_ELEMENTS (window_page); i++)
    map_page (self, LAYOUT_WINDOW + 0x1000 * i, window_page[i], PTE_U | PTE_NX | (i < 2 ? PTE_W : 0));
}

static uint8_t *
system_at (EngineExecutor *self, uint32_t offset)
{
  return self->ram_bytes + PHYS_SYSTEM + offset;
}

/* The entries a Linux process can name: kernel code and data, 32-bit code, data, 64-bit code. */
static void
build_gdt (EngineExecutor *self)
{
  uint64_t *gdt = (uint64_t *) system_at (self, SYSTEM_GDT), tss = SYSTEM + SYSTEM_TSS;
  gdt[1] = UINT64_C (0x00cf9b000000ffff);
  gdt[2] = UINT64_C (0x00af9b000000ffff);
  gdt[3] = UINT64_C (0x00cf93000000ffff);
  gdt[4] = UINT64_C (0x00cffb000000ffff);
  gdt[5] = UINT64_C (0x00cff3000000ffff);
  gdt[6] = UINT64_C (0x00affb000000ffff);
  gdt[8] = 0x67 | (tss & 0xffffff) << 16 | UINT64_C (0x8b) << 40 | (tss >> 24 & 0xff) << 56;
  gdt[9] = tss >> 32;
  uint64_t rsp0 = SYSTEM + SYSTEM_STACK;
  memcpy (system_at (self, SYSTEM_TSS) + 4, &rsp0, 8);
  *(uint16_t *) (system_at (self, SYSTEM_TSS) + 102) = 0x68;   /* no I/O bitmap */
}

static void
build_idt (EngineExecutor *self)
{
  for (unsigned vector = 0; vector < 256; vector++)
    {
      uint64_t handler = SYSTEM + SYSTEM_HANDLERS + 16 * vector;
      uint64_t dpl = vector == X86_BP || vector == X86_OF ? 3 : 0;   /* what user code may call by INT n */
      uint64_t *gate = (uint64_t *) system_at (self, SYSTEM_IDT) + 2 * vector;
      gate[0]
          = (handler & 0xffff) | SELECTOR_KERNEL_CS << 16 | (0x8e | dpl << 5) << 40 | (handler >> 16 & 0xffff) << 48;
      gate[1] = handler >> 32;
    }
  memset (system_at (self, SYSTEM_HANDLERS), HLT, 4096);
}

static VtX86Seg
segment (unsigned selector, uint32_t attr)
{
  return (VtX86Seg) { .limit = attr & X86_SEG_UNUSABLE ? 0 : UINT32_MAX, .attr = attr, .selector = selector };
}

static void
build_segments (EngineExecutor *self)
{
  const uint32_t data = 0xc0f3, code32 = 0xc0fb, code64 = 0xa0fb;
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    {
      self->user_seg[MODE_64][i] = segment (0, X86_SEG_UNUSABLE);
      self->user_seg[MODE_32][i] = segment (HOST_DS, data);
    }
  self->user_seg[MODE_64][VT_SS] = segment (HOST_DS, data);
  self->user_seg[MODE_64][VT_CS] = segment (HOST_CS64, code64);
  self->user_seg[MODE_32][VT_CS] = segment (HOST_CS32, code32);
}

static void
init_processor (EngineExecutor *self)
{
  VtX86State *s = &self->cpu->s;
  s->cr0 = X86_CR0_PE | X86_CR0_MP | X86_CR0_ET | X86_CR0_NE | X86_CR0_WP | X86_CR0_AM | X86_CR0_PG;
  s->cr3 = PHYS_TABLES;
  s->cr4 = X86_CR4_PAE | X86_CR4_PSE | X86_CR4_PGE | X86_CR4_OSFXSR | X86_CR4_OSXMMEXCPT | X86_CR4_OSXSAVE
           | X86_CR4_FSGSBASE | X86_CR4_UMIP;
  s->efer = X86_EFER_SCE | X86_EFER_LME | X86_EFER_LMA | X86_EFER_NXE;
  s->xcr0 = 7;
  s->gdtr = (VtX86Table) { SYSTEM + SYSTEM_GDT, 0x7f, { 0 } };
  s->idtr = (VtX86Table) { SYSTEM + SYSTEM_IDT, 0xfff, { 0 } };
  s->tr = (VtX86Seg) { .base = SYSTEM + SYSTEM_TSS, .limit = 0x67, .attr = 0x8b, .selector = SELECTOR_TSS };
  s->ldtr = segment (0, X86_SEG_UNUSABLE);
  memcpy (s->seg, self->user_seg[MODE_64], sizeof s->seg);
  s->rflags = X86_RFLAGS_ONE | X86_RFLAGS_IF;
  vt_x86_cpu_settle (self->cpu);
  self->mode = -1;
}

/* --- State in and out --------------------------------------------------------------------------------------------- */

static void
load_xarea (VtX86State *s, const uint8_t *x)
{
  s->fcw = xarea_get16 (x, XAREA_FCW);
  s->fsw = xarea_get16 (x, XAREA_FSW);
  s->ftw = x[XAREA_FTW];
  s->fop = xarea_get16 (x, XAREA_FOP);
  s->fip = xarea_get64 (x, XAREA_FIP);
  s->fdp = xarea_get64 (x, XAREA_FDP);
  s->fcs = s->fds = 0;
  s->mxcsr = xarea_get32 (x, XAREA_MXCSR);
  unsigned top = s->fsw >> 11 & 7;
  for (unsigned i = 0; i < 8; i++)
    memcpy (s->st[(top + i) & 7], x + XAREA_ST + 16 * i, 10);
  for (unsigned i = 0; i < 16; i++)
    {
      memcpy (s->ymm[i], x + XAREA_XMM + 16 * i, 16);
      memcpy (s->ymm[i] + 16, x + XAREA_YMM + 16 * i, 16);
    }
}

static void
store_xarea (const VtX86State *s, uint8_t *x)
{
  xarea_put16 (x, XAREA_FCW, s->fcw);
  xarea_put16 (x, XAREA_FSW, s->fsw);
  xarea_put16 (x, XAREA_FTW, s->ftw);
  xarea_put16 (x, XAREA_FOP, s->fop);
  xarea_put64 (x, XAREA_FIP, s->fip);
  xarea_put64 (x, XAREA_FDP, s->fdp);
  xarea_put32 (x, XAREA_MXCSR, s->mxcsr);
  unsigned top = s->fsw >> 11 & 7;
  for (unsigned i = 0; i < 8; i++)
    memcpy (x + XAREA_ST + 16 * i, s->st[(top + i) & 7], 10);
  for (unsigned i = 0; i < 16; i++)
    {
      memcpy (x + XAREA_XMM + 16 * i, s->ymm[i], 16);
      memcpy (x + XAREA_YMM + 16 * i, s->ymm[i] + 16, 16);
    }
  x[XAREA_XSTATE_BV] = 7;
}

static void
load_state (EngineExecutor *self, const Case *c)
{
  VtX86State *s = &self->cpu->s;
  s->activity = VT_X86_RUNNING;
  s->shadow = 0;
  s->cr2 = 0;
  memcpy (s->gpr, c->in.gpr, sizeof s->gpr);
  s->rip = c->in.rip;
  load_xarea (s, c->in.xarea);
  s->rflags = c->in.rflags;
  if (self->mode != c->mode)
    {
      memcpy (s->seg, self->user_seg[c->mode], sizeof s->seg);
      vt_x86_update_mode (self->cpu);
      self->mode = c->mode;
    }
  s->seg[VT_FS].base = c->in.fs_base;
  s->seg[VT_GS].base = c->in.gs_base;
  vt_x86_set_arith_flags (self->cpu, X86_RFLAGS_ARITH, (uint32_t) c->in.rflags);
  vt_x86_update_checks (self->cpu);
}

static bool
has_error_code (unsigned vector)
{
  return vector == X86_DF || (vector >= X86_TS && vector <= X86_PF) || vector == X86_AC;
}

/* In a handler: takes the frame apart. The stack pointer is in the system pages. */
static void
read_frame (EngineExecutor *self, Result *result)
{
  VtX86State *s = &self->cpu->s;
  uint64_t frame[6] = { 0 };   /* error code, RIP, CS, RFLAGS, RSP, SS */
  result->vector = (s->rip - SYSTEM - SYSTEM_HANDLERS) / 16;
  unsigned words = has_error_code (result->vector) ? 6 : 5;
  uint64_t at = s->gpr[VT_RSP] - SYSTEM;
  g_assert (at <= SYSTEM_STACK - 8 * words);
  memcpy (frame + 6 - words, system_at (self, at), 8 * words);
  result->error_code = frame[0];
  result->cr2 = s->cr2;
  result->out.rip = frame[1];
  result->out.selector[SELECTOR_CS] = frame[2];
  result->out.selector[SELECTOR_SS] = frame[5];
  result->out.rflags = frame[3];
  result->out.gpr[RSP] = frame[4];
  self->mode = -1;
  if (result->vector == X86_PF && result->cr2 == LAYOUT_CONTEXT + CONTEXT_LANDING)
    {
      /* A landing: what it tells the host runner is where the case has arrived. */
      result->out.rflags &= ~(uint64_t) X86_RFLAGS_RF;
      result->vector = NO_VECTOR;
      result->error_code = 0;
      result->cr2 = 0;
    }
}

static bool
in_handler (const EngineExecutor *self)
{
  return (self->cpu->s.seg[VT_CS].selector & 3) == 0;
}

static void
take_result (EngineExecutor *self, Result *result)
{
  VtX86State *s = &self->cpu->s;
  bool changed = false;
  memcpy (result->out.gpr, s->gpr, sizeof s->gpr);
  store_xarea (s, result->out.xarea);
  result->out.fs_base = s->seg[VT_FS].base;
  result->out.gs_base = s->seg[VT_GS].base;
  for (unsigned i = 0; i < VT_SEG_COUNT; i++)
    {
      result->out.selector[i] = s->seg[i].selector;
      if (s->seg[i].selector != self->user_seg[self->mode][i].selector)
        changed = true;
    }
  result->out.rip = s->rip;
  result->out.rflags = s->rflags;
  result->vector = NO_VECTOR;
  result->error_code = 0;
  result->cr2 = 0;
  if (in_handler (self))
    read_frame (self, result);
  if (changed)
    self->mode = -1;
  result->rflags_unknown = self->lazy_flags && result->vector != NO_VECTOR ? X86_RFLAGS_ARITH : 0;
}

/* --- Executor ----------------------------------------------------------------------------------------------------- */

static void
engine_put_code (Executor *base, uint32_t at, const uint8_t *bytes, unsigned len)
{
  EngineExecutor *self = (EngineExecutor *) base;
  bool ok = vt_mem_write (self->mem, VT_GPA (PHYS_CODE + (at - LAYOUT_CODE)), bytes, len);
  g_assert (ok);
}

static void
engine_code_ready (Executor *base)
{
}

static void
step (EngineExecutor *self, uint64_t budget)
{
  self->accel->run (&self->cpu->vcpu, budget);
}

static VtVcpu *running;

static void
time_is_up (int signal_number)
{
  if (running != NULL)
    __atomic_fetch_or (&running->requests, VT_VCPU_STOP, __ATOMIC_RELEASE);
}

/* Translated code does not count: it runs until it arrives somewhere, or for too long. */
static void
run_free (EngineExecutor *self, Result *result)
{
  static const struct itimerval second = { .it_value.tv_sec = 1 }, none = { 0 };
  running = &self->cpu->vcpu;
  setitimer (ITIMER_VIRTUAL, &second, NULL);
  VtExit exit = self->accel->run (running, UINT64_MAX);
  setitimer (ITIMER_VIRTUAL, &none, NULL);
  running = NULL;
  vt_vcpu_take (&self->cpu->vcpu, VT_VCPU_STOP);
  result->hung = exit == VT_EXIT_STOP;
}

static void
engine_run (Executor *base, const Case *c, Result *result)
{
  EngineExecutor *self = (EngineExecutor *) base;
  VtX86State *s = &self->cpu->s;
  load_state (self, c);
  result->hung = false;
  if (self->accel == &vt_accel_jit)
    {
      run_free (self, result);
      take_result (self, result);
      return;
    }
  if (c->n_insns > 1)
    {
      step (self, MAX_STEPS);
      take_result (self, result);
      return;
    }
  step (self, 1);
  for (unsigned i = 0; c->string && s->rip == c->in.rip && i < MAX_STEPS; i++)
    step (self, 1);
  if (c->branch && !in_handler (self) && s->rip - c->slot >= c->slot_len)
    step (self, 1);   /* nothing is there: the fetch faults, on the host too */
  take_result (self, result);
}

static void
engine_free (Executor *base)
{
  EngineExecutor *self = (EngineExecutor *) base;
  if (self->cpu != NULL)
    vt_x86_cpu_free (self->cpu);
  g_clear_pointer (&self->model, vt_x86_model_free);
  g_clear_pointer (&self->mem, vt_mem_free);
  g_clear_pointer (&self->io, vt_mem_free);
  g_clear_pointer (&self->ram, vt_ram_free);
  g_clear_pointer (&self->clock, vt_clock_free);
  g_free (self);
}

/* RAM from a file in memory, and the window's pages once more in the order of their linear addresses. */
static bool
make_ram (EngineExecutor *self, GError **error)
{
  int fd = memfd_create ("guest", MFD_CLOEXEC);
  if (fd < 0 || ftruncate (fd, PHYS_SIZE) < 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "Cannot make test memory: %s",
                   g_strerror (errno));
      return false;
    }
  self->ram_bytes = mmap (NULL, PHYS_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
  uint8_t *window = mmap (NULL, LAYOUT_WINDOW_SIZE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  bool ok = self->ram_bytes != MAP_FAILED && window != MAP_FAILED;
  for (unsigned i = 0; ok && i < G_N_ELEMENTS (window_page); i++)
    ok = mmap (window + 0x1000 * i, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | MAP_POPULATE, fd,
               window_page[i]) != MAP_FAILED;
  close (fd);
  self->base.window = window;
  if (!ok)
    g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "Cannot map test memory: %s",
                 g_strerror (errno));
  return ok;
}

/* The translator while instructions are counted. */
#define JIT_COUNTING "jit-counting"
#define JIT_SCATTER  "jit-scatter"    /* each region has other registers in memory */

static const VtAccel *
find_accel (const char *name, GError **error)
{
  static const VtAccel *const accels[] = { &vt_accel_interp, &vt_accel_jit };
  for (unsigned i = 0; i < G_N_ELEMENTS (accels); i++)
    if (name == NULL || g_str_equal (accels[i]->name, name))
      return accels[i];
  if (g_str_equal (name, JIT_COUNTING) || g_str_equal (name, JIT_SCATTER))
    return &vt_accel_jit;
  g_set_error (error, G_OPTION_ERROR, G_OPTION_ERROR_BAD_VALUE, "There is no accelerator “%s”.", name);
  return NULL;
}

static bool
make_machine (EngineExecutor *self, const char *accel, bool low, GError **error)
{
  self->accel = find_accel (accel, error);
  if (self->accel == NULL || !make_ram (self, error))
    return false;
  self->ram = vt_ram_new ("ram", self->ram_bytes, PHYS_SIZE, NULL);
  self->mem = vt_mem_new ("memory", UINT64_C (1) << VT_X86_PHYS_BITS, NULL);
  self->io = vt_mem_new ("ports", 0x10000, NULL);
  self->clock = vt_clock_new_manual ();
  if (vt_mem_map_ram (self->mem, self->ram, 0, VT_GPA (0), PHYS_SIZE, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, error) == NULL)
    return false;
  self->model = vt_x86_model_new (NULL, 1, error);
  if (self->model == NULL)
    return false;
  VtX86CpuConfig config = { .mem = self->mem, .io = self->io, .clock = self->clock, .model = self->model,
                            .tsc_hz = VT_NS_PER_SECOND, .translated = low };
  vt_host_init ();
  self->cpu = vt_x86_cpu_new (&config);
  self->cpu->vcpu.counting = g_strcmp0 (accel, JIT_COUNTING) == 0;
  if (!self->accel->attach (&self->cpu->vcpu, error))
    return false;
  if (self->accel == &vt_accel_jit)
    {
      signal (SIGVTALRM, time_is_up);
      vt_x86_jit_set_eager (self->cpu, !self->lazy_flags, g_strcmp0 (accel, JIT_SCATTER) == 0);
    }
  return true;
}

Executor *
executor_engine_new (const char *accel, bool lazy_flags, bool low, GError **error)
{
  EngineExecutor *self = g_new0 (EngineExecutor, 1);
  self->lazy_flags = lazy_flags;
  self->base = (Executor) { .name = "engine", .put_code = engine_put_code, .code_ready = engine_code_ready,
                            .run = engine_run, .free = engine_free };
  if (!make_machine (self, accel, low, error))
    {
      engine_free (&self->base);
      return NULL;
    }
  build_pages (self);
  build_gdt (self);
  build_idt (self);
  build_segments (self);
  init_processor (self);
  return &self->base;
}
