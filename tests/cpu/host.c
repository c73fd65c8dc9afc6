/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Executes cases on the processor that runs this program.
 *
 * A case may do anything that user code can: it runs with its own registers, stack pointer, segment bases and FPU
 * state. It comes back by a landing (code behind the instruction, or at the target of a branch) or by a signal.  System
 * calls from the code region are refused by a seccomp filter, and a timer on CPU time ends loops.  Code is written
 * through one mapping and executed through another; no page is ever writable and executable.
 */
#include "case.h"
#include "host-context.h"
#include "xarea.h"

#include <cpuid.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <ucontext.h>
#include <unistd.h>

#define HANG_TICK_US 100000

typedef struct
{
  Executor base;
  uint8_t *code_alias;        /* writable view of the code region */
} HostExecutor;

static HostContext *const context = (HostContext *) (uintptr_t) LAYOUT_CONTEXT;

/* What the signal handler found. One case runs at a time in a process. */
static struct
{
  volatile bool     in_case;
  volatile uint64_t serial;         /* of the case */
  uint64_t          tick_serial;    /* at the last timer tick */
  Result           *result;
} run;

void host_signal (int sig, siginfo_t *info, void *uc_, uint64_t fs_base, uint64_t gs_base);

static void
take_registers (const ucontext_t *uc, State *out)
{
  static const uint8_t order[16] = { REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                                     REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15 };
  const greg_t *gregs = uc->uc_mcontext.gregs;
  for (unsigned i = 0; i < 16; i++)
    out->gpr[i] = gregs[order[i]];
  out->rip = gregs[REG_RIP];
  out->rflags = gregs[REG_EFL];
  memcpy (out->xarea, uc->uc_mcontext.fpregs, XAREA_SIZE);
}

/* Runs on the alternate stack, with our FS base; referenced by host-switch.S. */
__attribute__ ((used)) void
host_signal (int sig, siginfo_t *info, void *uc_, uint64_t fs_base, uint64_t gs_base)
{
  const ucontext_t *uc = uc_;
  const greg_t *gregs = uc->uc_mcontext.gregs;
  if (sig == SIGVTALRM)
    {
      bool hung = run.in_case && run.serial == run.tick_serial;
      run.tick_serial = run.serial;
      if (!hung)
        return;
    }
  else if (!run.in_case)
    {
      signal (sig, SIG_DFL);   /* a bug of this program: let it show */
      return;
    }
  Result *result = run.result;
  take_registers (uc, &result->out);
  memcpy (result->out.selector, context->signal_selectors, sizeof context->signal_selectors);
  result->out.selector[SELECTOR_CS] = gregs[REG_CSGSFS];
  result->out.selector[SELECTOR_SS] = (uint64_t) gregs[REG_CSGSFS] >> 48;
  result->out.fs_base = fs_base;
  result->out.gs_base = gs_base;
  result->hung = sig == SIGVTALRM || sig == SIGSYS;
  result->vector = gregs[REG_TRAPNO];
  result->error_code = gregs[REG_ERR];
  result->cr2 = gregs[REG_CR2];
  run.in_case = false;
  host_leave ();
}

static void
host_put_code (Executor *base, uint32_t at, const uint8_t *bytes, unsigned len)
{
  HostExecutor *self = (HostExecutor *) base;
  memcpy (self->code_alias + (at - LAYOUT_CODE), bytes, len);
}

/* Code changed through another linear address needs a serializing instruction before it runs (SDM volume 3A, 8.1.3). */
static void
host_code_ready (Executor *base)
{
  unsigned a, b, c, d;
  __cpuid (0, a, b, c, d);
}

static void
host_run (Executor *base, const Case *c, Result *result)
{
  memcpy (context->gpr_in, c->in.gpr, sizeof context->gpr_in);
  context->rflags_in = c->in.rflags;
  context->rip_in = c->in.rip | (c->mode == MODE_32 ? (uint64_t) HOST_CS32 << 32 : 0);
  context->fs_in = c->in.fs_base;
  context->gs_in = c->in.gs_base;
  memcpy (context->xarea_in, c->in.xarea, XAREA_SIZE);
  result->hung = false;
  run.result = result;
  run.serial++;
  run.in_case = true;
  int by_signal = c->mode == MODE_32 ? host_enter32 () : host_enter64 ();
  run.in_case = false;
  if (!by_signal)
    {
      memcpy (result->out.gpr, context->gpr_out, sizeof context->gpr_out);
      result->out.rip = context->landing;
      result->out.rflags = context->rflags_out;
      result->out.fs_base = context->fs_out;
      result->out.gs_base = context->gs_out;
      memcpy (result->out.selector, context->selectors, sizeof context->selectors);
      result->out.selector[SELECTOR_CS] = c->mode == MODE_32 ? HOST_CS32 : HOST_CS64;
      memcpy (result->out.xarea, context->xarea_out, XAREA_SIZE);
      result->vector = NO_VECTOR;
      result->error_code = 0;
      result->cr2 = 0;
    }
  xarea_normalise (result->out.xarea);
}

/* --- Set-up ------------------------------------------------------------------------------------------------------- */

static uint64_t
read_fs_base (void)
{
  uint64_t base = 0;
  syscall (SYS_arch_prctl, ARCH_GET_FS, &base);
  return base;
}

static void *
map_at (uint32_t at, size_t size, int prot, int fd, off_t offset, GError **error)
{
  int flags = (fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED) | MAP_POPULATE;
  void *where = at != 0 ? (void *) (uintptr_t) at : NULL;
  void *got = mmap (where, size, prot, flags | (at != 0 ? MAP_FIXED_NOREPLACE : 0), fd, offset);
  if (got == MAP_FAILED)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "Cannot map test memory at %#x: %s", at,
                   g_strerror (errno));
      return NULL;
    }
  return got;
}

static int
memory_file (const char *name, size_t size, GError **error)
{
  int fd = memfd_create (name, MFD_CLOEXEC);
  if (fd < 0 || ftruncate (fd, size) < 0)
    {
      g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "Cannot make test memory: %s",
                   g_strerror (errno));
      return -1;
    }
  return fd;
}

static bool
map_code (HostExecutor *self, GError **error)
{
  static const uint8_t to_capture[] = { 0xff, 0x24, 0x25 };   /* jmp [CTX.capture] */
  int fd = memory_file ("code", LAYOUT_CODE_SIZE + 4096, error);
  if (fd < 0)
    return false;
  self->code_alias = map_at (0, LAYOUT_CODE_SIZE + 4096, PROT_READ | PROT_WRITE, fd, 0, error);
  bool ok = self->code_alias != NULL
            && map_at (LAYOUT_CODE, LAYOUT_CODE_SIZE, PROT_READ | PROT_EXEC, fd, 0, error) != NULL
            && map_at (LAYOUT_TRAMPOLINE, 4096, PROT_READ | PROT_EXEC, fd, LAYOUT_CODE_SIZE, error) != NULL;
  close (fd);
  if (!ok)
    return false;
  uint8_t *trampoline = self->code_alias + LAYOUT_CODE_SIZE;
  memcpy (trampoline, to_capture, sizeof to_capture);
  *(uint32_t *) (trampoline + 3) = LAYOUT_CONTEXT + CONTEXT_CAPTURE;
  return true;
}

static bool
map_window (HostExecutor *self, GError **error)
{
  int fd = memory_file ("window", LAYOUT_WINDOW_SIZE, error);
  if (fd < 0)
    return false;
  self->base.window = map_at (0, LAYOUT_WINDOW_SIZE, PROT_READ | PROT_WRITE, fd, 0, error);
  bool ok = self->base.window != NULL
            && map_at (LAYOUT_WINDOW, LAYOUT_WINDOW_RW_SIZE, PROT_READ | PROT_WRITE, fd, 0, error) != NULL
            && map_at (LAYOUT_WINDOW + LAYOUT_WINDOW_RW_SIZE, LAYOUT_WINDOW_SIZE - LAYOUT_WINDOW_RW_SIZE, PROT_READ, fd,
                       LAYOUT_WINDOW_RW_SIZE, error) != NULL;
  close (fd);
  return ok;
}

static void
catch_signals (void)
{
  static const int signals[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS, SIGVTALRM };
  stack_t stack = { .ss_sp = map_at (0, 65536, PROT_READ | PROT_WRITE, -1, 0, NULL), .ss_size = 65536 };
  sigaltstack (&stack, NULL);
  struct sigaction action = { .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER };
  action.sa_sigaction = (void (*) (int, siginfo_t *, void *)) (void *) host_signal_entry;
  for (unsigned i = 0; i < G_N_ELEMENTS (signals); i++)
    sigaction (signals[i], &action, NULL);
  struct itimerval tick = { { 0, HANG_TICK_US }, { 0, HANG_TICK_US } };
  setitimer (ITIMER_VIRTUAL, &tick, NULL);
}

/* No case may make a system call: anything that comes from below 4 GiB, where only test memory is, or by the 32-bit
 * entry, becomes SIGSYS. */
static bool
refuse_system_calls (GError **error)
{
  struct sock_filter filter[] = {
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, arch)),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 1, 0),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    BPF_STMT (BPF_LD | BPF_W | BPF_ABS, offsetof (struct seccomp_data, instruction_pointer) + 4),
    BPF_JUMP (BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_TRAP),
    BPF_STMT (BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = { G_N_ELEMENTS (filter), filter };
  if (prctl (PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl (PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
    return true;
  g_set_error (error, G_FILE_ERROR, g_file_error_from_errno (errno), "Cannot refuse system calls of test cases: %s",
               g_strerror (errno));
  return false;
}

#define HWCAP2_FSGSBASE_ (1u << 1)   /* AT_HWCAP2: the kernel lets user code use RDFSBASE and its like */

static struct
{
  bool no_bases, no_code32;
} limits;

/* VERR: the descriptor is one of user code that can be read. */
static bool
is_code (uint16_t selector)
{
  bool readable;
  __asm__ ("verr %1" : "=@ccz" (readable) : "r" (selector));
  return readable;
}

void
host_probe (void)
{
  limits.no_bases = (getauxval (AT_HWCAP2) & HWCAP2_FSGSBASE_) == 0;
  limits.no_code32 = !is_code (HOST_CS32);
  if (limits.no_bases)
    printf ("Instructions for segment bases are not compared: this computer's kernel does not let programs have them.\n");
  if (limits.no_code32)
    printf ("32-bit code and segment registers are not compared: this computer runs none, and has other descriptors.\n");
}

bool
host_has_code32 (void)
{
  return !limits.no_code32;
}

bool
host_keeps_bases (void)
{
  return !limits.no_bases;
}

bool
host_sets_bases (Mode mode)
{
  return mode == MODE_64 || host_keeps_bases ();
}

bool
host_sets_base (uint64_t base)
{
  bool canonical = (uint64_t) ((int64_t) (base << 16) >> 16) == base;
  return host_keeps_bases () ? canonical : base < UINT64_C (0x7ffffffff000);
}

static bool
host_has_everything (void)
{
  unsigned a, b = 0, c, d;
  __get_cpuid_count (7, 0, &a, &b, &c, &d);
  return __builtin_cpu_supports ("avx2") && __builtin_cpu_supports ("fma") && __builtin_cpu_supports ("bmi")
         && __builtin_cpu_supports ("bmi2") && __builtin_cpu_supports ("aes") && __builtin_cpu_supports ("pclmul")
         && (b & bit_SHA) && (b & bit_ADX);
}

static void
host_free (Executor *base)
{
  g_free (base);   /* the fixed mappings stay until the process ends */
}

Executor *
executor_host_new (GError **error)
{
  if (!host_has_everything ())
    {
      g_set_error (error, G_FILE_ERROR, G_FILE_ERROR_NOSYS,
                   "This computer's processor lacks instructions that the emulated one has; nothing to compare with.");
      return NULL;
    }
  HostExecutor *self = g_new0 (HostExecutor, 1);
  self->base = (Executor) { .name = "host", .put_code = host_put_code, .code_ready = host_code_ready, .run = host_run,
                            .free = host_free };
  if (map_at (LAYOUT_CONTEXT, CONTEXT_SIZE, PROT_READ | PROT_WRITE, -1, 0, error) == NULL || !map_code (self, error)
      || !map_window (self, error))
    {
      g_free (self);
      return NULL;
    }
  context->capture = (uintptr_t) host_capture;
  context->host_fs = read_fs_base ();
  context->keeps_bases = host_keeps_bases ();
  catch_signals ();
  if (!refuse_system_calls (error))
    {
      g_free (self);
      return NULL;
    }
  return &self->base;
}
