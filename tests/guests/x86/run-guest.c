/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Runs a small test kernel on bare processors: flat RAM, local APICs, two ports.
 *
 *     run-guest FILE [--cpus=N] [--cpu=MODEL] [--shutdown] [--smm] [--trace=GLOB] [--accel=interp|jit|cosim|kvm] [--memory=MIB]
 *
 * The file is loaded at 0x7c00 and started there in real mode.  It writes TAP lines to port 0xe9; a write to port 0xf4 ends
 * the run.  With --shutdown, a triple fault is the expected end; --memory says how much all of it may need at most.  With --smm
 * processors have system management mode, with memory of its own at 0xa0000, and ports 0xb2 and 0xb3 are SMIs, for one and for all.
 *
 * Time is simulated, and processors take turns on one thread, so that a run is always the same; also with cosim, which compares
 * the translator with the interpreter.  With another accelerator each runs on its thread, in real time; the translator then
 * translates all that it can, at first sight.
 */
#include "accel.h"
#include "apic.h"
#include "interp.h"
#include "jit-run.h"
#include "host-ram.h"
#include "loop.h"
#include "runner.h"
#include "trace.h"
#include "trace-x86.h"
#include "x86-cpu.h"
#include "x86-model.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#define RAM_BYTES      (64 * VT_MIB)
#define LOAD_ADDRESS   0x7c00u
#define TSC_HZ         G_GUINT64_CONSTANT (1000000000)
#define SLICE          100u                     /* instructions between turns */
#define SLICE_NS       1000
#define MAX_SLICES     2000000u
#define MAX_CPUS       4u
#define MAX_TEXT       65536u
#define REAL_SECONDS   30
#define PORT_TEXT      0xe9u
#define PORT_EXIT      0xf4u
#define PORT_SMI       0xb2u                    /* and the next */
#define SMRAM_ADDRESS  0xa0000u
#define SMRAM_BYTES    0x20000u
#define PORT_SCRATCH   0xe0u                    /* four bytes of storage, for I/O tests */

typedef struct
{
  VtDevice  dev;
  uint8_t   scratch[16];
  GString  *text;
  bool      ended;
  VtX86Cpu *cpu[MAX_CPUS];
  unsigned  n_cpus;
} Ports;

static uint64_t
ports_read (VtDevice *dev, uint64_t off, unsigned size)
{
  Ports *ports = (Ports *) dev;
  return off < 4 ? ports->scratch[off] : 0xff;
}

static void
ports_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Ports *ports = (Ports *) dev;
  if (off < 4)
    ports->scratch[off] = value;
  else if (off == PORT_TEXT - PORT_SCRATCH && ports->text->len < MAX_TEXT)
    g_string_append_c (ports->text, (char) value);
  else if (off == PORT_EXIT - PORT_SCRATCH)
    {
      __atomic_store_n (&ports->ended, true, __ATOMIC_RELEASE);
      for (unsigned i = 0; i < ports->n_cpus; i++)
        vt_vcpu_kick (&ports->cpu[i]->vcpu, VT_VCPU_STOP);
    }
}

static const VtRegionOps ports_ops = { ports_read, ports_write, 1, 1 };
static const VtRegion ports_region = { "test ports", PORT_EXIT - PORT_SCRATCH + 1, &ports_ops };
static const VtDeviceClass ports_class = { .name = "test-ports", .instance_size = sizeof (Ports), .state_off = sizeof (VtDevice) };

typedef struct
{
  VtDevice   dev;
  VtApicBus *bus;
} SmiPorts;

static uint64_t
smi_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return 0;
}

static void
smi_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  vt_apic_bus_set_smi (((SmiPorts *) dev)->bus, off == 0 ? VT_APIC_SMI_HERE : VT_APIC_SMI_ALL, true);
}

static const VtRegionOps smi_ops = { smi_read, smi_write, 1, 1 };
static const VtRegion smi_region = { "smi ports", 2, &smi_ops };

typedef struct
{
  const VtAccel *accel;      /* NULL: in turns */
  bool        compared;      /* by translated code next to the interpreter */
  bool        scatter;       /* each region of translated code has other registers in memory */
  VtLock      lock;
  VtLoop     *loop;
  bool        died;
  VtMem      *mem, *smm_mem, *io;
  VtRam      *ram, *smram;
  SmiPorts    smi_ports;
  VtClock    *clock;
  VtX86Model *model;
  VtApicBus  *bus;
  VtDevice   *apic[MAX_CPUS];
  Ports      *ports;
} Board;

static void
free_host (void *host, uint64_t size)
{
  g_aligned_free (host);
}

/* As machines do: whoever runs translated code looks whether it is still good. */
static void
code_wrote (void *opaque, VtRam *ram, uint64_t off, uint64_t len)
{
  Ports *ports = opaque;
  for (unsigned i = 0; i < ports->n_cpus; i++)
    __atomic_fetch_or (&ports->cpu[i]->vcpu.requests, VT_VCPU_CODE, __ATOMIC_RELEASE);
}

static void
add_cpu (Board *board, unsigned i)
{
  GError *error = NULL;
  Ports *ports = board->ports;
  ports->cpu[i] = vt_x86_cpu_new (&(VtX86CpuConfig) {
    .index = i, .mem = board->mem, .smm_mem = board->smm_mem, .io = board->io, .clock = board->clock, .model = board->model,
    .translated = board->accel == &vt_accel_jit,
    .tsc_hz = board->accel != NULL && board->accel->tsc_hz != NULL ? board->accel->tsc_hz () : TSC_HZ,
  });
  board->apic[i] = vt_device_new (&vt_apic_class, i == 0 ? "cpu0/apic" : "cpu/apic");
  VtApicConfig config = { .cpu = ports->cpu[i], .bus = board->bus, .lock = board->accel != NULL ? &board->lock : NULL };
  bool ok = vt_device_realize (board->apic[i], &(VtEnv) { .clock = board->clock, .config = &config }, &error);
  g_assert_no_error (error);
  g_assert (ok);
  vt_device_reset (board->apic[i], VT_RESET_POWER);
  ports->n_cpus = i + 1;
}

static VtRam *
add_ram (Board *board, VtMem *mem, const char *name, uint64_t at, uint64_t bytes, int priority)
{
  GError *error = NULL;
  VtRam  *ram = vt_ram_new (name, g_aligned_alloc0 (1, bytes, VT_PAGE_SIZE), bytes, free_host);
  vt_mem_map_ram (mem, ram, 0, VT_GPA (at), bytes, priority, VT_ACCESS_RAM, VT_ACCESS_RAM, &error);
  g_assert_no_error (error);
  ram->code_wrote = code_wrote;
  ram->code_wrote_opaque = board->ports;
  return ram;
}

static void
add_smm (Board *board)
{
  GError *error = NULL;
  board->smm_mem = vt_mem_new_overlay ("smm", board->mem);
  board->smram = add_ram (board, board->smm_mem, "smram", SMRAM_ADDRESS, SMRAM_BYTES, 1);
  board->smi_ports.bus = board->bus;
  vt_mem_map_io (board->io, &board->smi_ports.dev, &smi_region, VT_GPA (PORT_SMI), 0, &error);
  g_assert_no_error (error);
}

static void
build (Board *board, const char *model, unsigned n_cpus, bool smm)
{
  GError *error = NULL;
  VtLock *lock = board->accel != NULL ? &board->lock : NULL;
  vt_lock_init (&board->lock);
  board->mem = vt_mem_new ("memory", UINT64_C (1) << VT_X86_PHYS_BITS, lock);
  board->io = vt_mem_new ("ports", 1 << 16, lock);
  board->ports = (Ports *) vt_device_new (&ports_class, "test-ports");
  board->ports->text = g_string_new (NULL);
  board->ram = add_ram (board, board->mem, "ram", 0, RAM_BYTES, 0);
  vt_mem_map_io (board->io, &board->ports->dev, &ports_region, VT_GPA (PORT_SCRATCH), 0, &error);
  g_assert_no_error (error);
  board->clock = lock != NULL ? vt_clock_new (vt_host_now_ns, NULL) : vt_clock_new_manual ();
  if (lock != NULL)
    {
      board->loop = vt_loop_new (lock);
      vt_loop_drive_clock (board->loop, board->clock);
    }
  board->model = vt_x86_model_new (model, n_cpus, &error);
  g_assert_no_error (error);
  if (board->accel != NULL && board->accel->restrict_model != NULL)
    board->accel->restrict_model (board->model, &error);
  g_assert_no_error (error);
  board->bus = vt_apic_bus_new ();
  if (smm)
    add_smm (board);
  for (unsigned i = 0; i < n_cpus; i++)
    add_cpu (board, i);
  /* All were reset at the same moment. */
  vt_clock_start (board->clock);
}

static void
demolish (Board *board)
{
  g_clear_pointer (&board->loop, vt_loop_free);
  for (unsigned i = 0; i < board->ports->n_cpus; i++)
    {
      vt_device_free (board->apic[i]);
      vt_x86_jit_free (board->ports->cpu[i]);
      vt_x86_cpu_free (board->ports->cpu[i]);
    }
  vt_apic_bus_free (board->bus);
  vt_x86_model_free (board->model);
  g_string_free (board->ports->text, TRUE);
  vt_mem_free (board->io);
  vt_mem_free (board->smm_mem);
  vt_mem_free (board->mem);
  vt_device_free (&board->ports->dev);
  vt_clock_free (board->clock);
  vt_ram_free (board->ram);
  vt_ram_free (board->smram);
}

static void
load (Board *board, const char *path)
{
  GError *error = NULL;
  g_autofree char *data = NULL;
  size_t len;
  if (!g_file_get_contents (path, &data, &len, &error))
    g_error ("%s", error->message);
  memcpy (board->ram->host + LOAD_ADDRESS, data, len);
  VtX86State *s = &board->ports->cpu[0]->s;
  s->seg[VT_CS].selector = 0;
  s->seg[VT_CS].base = 0;
  s->rip = LOAD_ADDRESS;
}

/* One turn for every processor. False when one of them shut down. Translated code ends its turns at few places; so that a loop
 * does not end each at the same one, they have different lengths. */
static bool
turn (Board *board, unsigned number)
{
  unsigned slice = board->compared ? SLICE + number % 67 : SLICE;
  bool slept = true;
  for (unsigned i = 0; i < board->ports->n_cpus; i++)
    {
      VtX86Cpu *cpu = board->ports->cpu[i];
      if (cpu->s.activity != VT_X86_RUNNING && !cpu->vcpu.cls->has_work (&cpu->vcpu))
        continue;
      slept = false;
      VtExit exit = board->compared ? vt_x86_jit_run_lockstep (cpu, slice) : vt_x86_interp_run (cpu, slice);
      if (exit == VT_EXIT_ERROR)
        printf ("not ok - %s\n", cpu->vcpu.failure);
      if (exit == VT_EXIT_SHUTDOWN || exit == VT_EXIT_ERROR)
        return false;
    }
  int64_t step = SLICE_NS, deadline = vt_clock_next_deadline (board->clock);
  if (slept && deadline != INT64_MAX)
    step = MAX (deadline - vt_clock_now (board->clock), 0);
  vt_clock_advance (board->clock, step);
  return true;
}

/* --- On an accelerator ----------------------------------------------------------------------------------------------- */

static void
exited (void *opaque, VtVcpu *vcpu, VtExit exit)
{
  Board *board = opaque;
  if (exit == VT_EXIT_ERROR)
    printf ("# %s\n", vcpu->failure);
  __atomic_store_n (&board->died, true, __ATOMIC_RELEASE);
}

/* False when a processor shut down. */
static bool
run_on_accelerator (Board *board)
{
  VtVcpu *vcpus[MAX_CPUS];
  GError *error = NULL;
  for (unsigned i = 0; i < board->ports->n_cpus; i++)
    vcpus[i] = &board->ports->cpu[i]->vcpu;
  VtRunner *runner = vt_runner_new (vcpus, board->ports->n_cpus, board->accel, (VtRunnerEvents) { .exited = exited, .opaque = board }, &error);
  g_assert_no_error (error);
  for (unsigned i = 0; board->accel == &vt_accel_jit && i < board->ports->n_cpus; i++)
    vt_x86_jit_set_eager (board->ports->cpu[i], false, board->scatter);
  vt_runner_resume (runner);
  gint64 deadline = g_get_monotonic_time () + REAL_SECONDS * G_TIME_SPAN_SECOND;
  while (!__atomic_load_n (&board->ports->ended, __ATOMIC_ACQUIRE) && !__atomic_load_n (&board->died, __ATOMIC_ACQUIRE)
         && g_get_monotonic_time () < deadline)
    g_usleep (1000);
  vt_runner_pause (runner);
  vt_runner_free (runner);
  return !board->died;
}

/* NULL for the interpreter. */
static const VtAccel *
find_accel (const char *name)
{
  static const VtAccel *const accels[] = { &vt_accel_jit, &vt_accel_kvm };
  for (unsigned i = 0; i < G_N_ELEMENTS (accels); i++)
    if (g_str_equal (accels[i]->name, name))
      return accels[i];
  if (!g_str_equal (name, vt_accel_interp.name))
    g_error ("There is no accelerator “%s”", name);
  return NULL;
}

static unsigned
count (const char *text, const char *prefix)
{
  unsigned n = 0;
  g_auto(GStrv) lines = g_strsplit (text, "\n", -1);
  for (char **line = lines; *line != NULL; line++)
    n += g_str_has_prefix (*line, prefix);
  return n;
}

/* What AddressSanitizer's shadow and its quarantine of freed memory may add to a process, in MiB: an eighth of what is
 * touched, and what the quarantine keeps (256 MiB at most, not reached by our guests). */
#ifdef __SANITIZE_ADDRESS__
#define SANITIZER_MIB 100
#else
#define SANITIZER_MIB 0
#endif

/* False when this process has needed more. */
static bool
check_memory (unsigned most)
{
  most += SANITIZER_MIB;
  struct rusage usage;
  getrusage (RUSAGE_SELF, &usage);
  unsigned mib = (unsigned) (usage.ru_maxrss / 1024);
  printf ("%s - at most %u MiB of memory # %u\n", mib <= most ? "ok" : "not ok", most, mib);
  return mib <= most;
}

static int
report (Board *board, bool alive, bool shutdown_wanted, unsigned memory)
{
  VtX86Cpu *cpu = board->ports->cpu[0];
  const char *text = board->ports->text->str;
  unsigned good = count (text, "ok "), bad = count (text, "not ok ");
  fputs (text, stdout);
  if (shutdown_wanted)
    {
      printf ("%s - the processor shut down after a triple fault\n", alive ? "not ok" : "ok");
      bad += alive;
      good += !alive;
    }
  else if (!board->ports->ended)
    {
      printf ("not ok - the guest came to its end # stopped at %04x:%" G_GINT64_MODIFIER "x, activity %u, cr2 %" G_GINT64_MODIFIER
              "x\n", cpu->s.seg[VT_CS].selector, cpu->s.rip, cpu->s.activity, cpu->s.cr2);
      for (unsigned i = 0; i < board->ports->n_cpus; i++)
        printf ("# cpu %u at %04x:%" G_GINT64_MODIFIER "x, activity %u\n", i, board->ports->cpu[i]->s.seg[VT_CS].selector,
                board->ports->cpu[i]->s.rip, board->ports->cpu[i]->s.activity);
      bad++;
    }
  if (memory != 0)
    *(check_memory (memory) ? &good : &bad) += 1;
  printf ("1..%u\n", good + bad);
  return bad != 0 || good == 0;
}

int
main (int argc, char **argv)
{
  const char *path = NULL, *model = NULL;
  unsigned n_cpus = 1, memory = 0;
  bool shutdown_wanted = false, smm = false, alive = true;
  Board board = { 0 };
  vt_host_init ();
  vt_trace_register (vt_trace_events_x86);
  for (int i = 1; i < argc; i++)
    {
      if (g_str_has_prefix (argv[i], "--cpus="))
        n_cpus = CLAMP (atoi (argv[i] + 7), 1, (int) MAX_CPUS);
      else if (g_str_has_prefix (argv[i], "--cpu="))
        model = argv[i] + 6;
      else if (g_str_has_prefix (argv[i], "--trace="))
        vt_trace_enable (argv[i] + 8, true);
      else if (g_str_has_prefix (argv[i], "--memory="))
        memory = (unsigned) atoi (argv[i] + 9);
      else if (g_str_has_prefix (argv[i], "--accel="))
        {
          board.compared = g_str_equal (argv[i] + 8, vt_accel_cosim.name);
          board.accel = board.compared ? NULL : find_accel (argv[i] + 8);
        }
      else if (g_str_equal (argv[i], "--scatter"))
        board.scatter = true;
      else if (g_str_equal (argv[i], "--smm"))
        smm = true;
      else if (g_str_equal (argv[i], "--shutdown"))
        shutdown_wanted = true;
      else
        path = argv[i];
    }
  if (path == NULL)
    g_error ("usage: run-guest FILE [--cpus=N] [--cpu=MODEL] [--shutdown] [--smm] [--trace=GLOB] [--accel=NAME] [--scatter]");
  GError *error = NULL;
  if (board.accel != NULL && !board.accel->probe (&error))
    {
      printf ("1..0 # SKIP %s\n", error->message);
      return 0;
    }
  build (&board, model, n_cpus, smm);
  for (unsigned i = 0; board.compared && i < n_cpus; i++)
    if (!vt_x86_jit_init_lockstep (board.ports->cpu[i], &error))
      g_error ("%s", error->message);
  load (&board, path);
  if (board.accel != NULL)
    alive = run_on_accelerator (&board);
  for (unsigned i = 0; board.accel == NULL && i < MAX_SLICES && alive && !board.ports->ended; i++)
    alive = turn (&board, i);
  int status = report (&board, alive, shutdown_wanted, memory);
  demolish (&board);
  return status;
}
