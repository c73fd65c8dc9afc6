/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Microbenchmarks of the translator: one small loop per technique, under the interpreter, under the translator and, where it
 * needs no system, as it is on this computer.
 *
 *     perf-bench GUEST [--only NAME[,NAME]] [--runs N] [--json FILE] | --check
 *
 * All figures come from one run, in turns, so that their ratios mean something on a busy computer; times are of the
 * processor, medians.  --check does little work and says as TAP whether all three get the same results, and whether the
 * translator counts as many instructions as the interpreter.
 */
#include "accel.h"
#include "device.h"
#include "host-ram.h"
#include "x86-cpu.h"
#include "x86-model.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define RAM_BYTES    (16 * VT_MIB)
#define BUFFER_BYTES (2 * VT_MIB)
#define LOAD_ADDRESS 0x7c00u
#define ORDER        0x7000u          /* guest.asm */
#define PORT_MARK    0xe0u
#define PORT_TEXT    0xe9u
#define PORT_EXIT    0xf4u

#define CHECK_ROUNDS 700u
#define WARM_ROUNDS  3000u
#define FIRST_ROUNDS 500u
#define TRIAL_NS     (8 * G_GINT64_CONSTANT (1000000))    /* long enough to guess the rest from */
#define RUN_NS       (50 * G_GINT64_CONSTANT (1000000))
#define MAX_RUNS     31u

typedef struct
{
  const char *name;
  const char *what;
  bool        user;          /* runs as a process, too */
  bool        cold;          /* no rounds to warm up */
  uint32_t    max_rounds;
} Benchmark;

/* In the order of guest.asm's table. */
static const Benchmark benchmarks[] = {
  { "integer", "integer loop", .user = true },
  { "call", "call and return", .user = true },
  { "indirect", "indirect calls", .user = true },
  { "memory", "loads and stores in L1", .user = true },
  { "cross", "accesses across pages", .user = true },
  { "stack", "push and pop", .user = true },
  { "string", "REP MOVSB of 8 KiB", .user = true },
  { "sse", "SSE loop", .user = true },
  { "avx", "AVX loop", .user = true },
  { "x87", "x87 loop", .user = true },
  { "modify", "store into code, call it", .user = true },
  { "cold", "new function, 100 calls", .user = true, .cold = true, .max_rounds = 30000 },
  { "beside", "data beside code in a page", .user = true },
  { "syscall", "SYSCALL and SYSRET" },
  { "fault", "page fault" },
  { "switch", "new CR3, 8 pages touched" },
  { "invlpg", "INVLPG and a load" },
};

typedef enum { INTERP, JIT, NATIVE, N_WAYS } Way;
static const char *const way_names[N_WAYS] = { "interp", "jit", "native" };

typedef struct
{
  int64_t     ns;            /* of the processor, for all rounds */
  uint64_t    sum;
  VtVcpuStats stats;
} Result;

typedef uint64_t (*Body) (uint64_t rounds, void *buffer, void *executable);
extern const Body perf_native_table[];

static char *guest_image;
static size_t guest_image_len;

static int64_t
cpu_ns (void)
{
  struct timespec now;
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &now);
  return (int64_t) now.tv_sec * VT_NS_PER_SECOND + now.tv_nsec;
}

/* --- In a guest ----------------------------------------------------------------------------------------------------- */

typedef struct
{
  VtDevice  dev;
  uint8_t   unused[16];
  VtX86Cpu *cpu;
  int64_t   mark[2];
  unsigned  n_marks;
  bool      ended;
} Ports;

static uint64_t
ports_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return 0xff;
}

static void
ports_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Ports *ports = (Ports *) dev;
  if (off == 0 && ports->n_marks < G_N_ELEMENTS (ports->mark))
    ports->mark[ports->n_marks++] = cpu_ns ();
  else if (off == PORT_TEXT - PORT_MARK)
    fputc ((int) value, stderr);
  else if (off == PORT_EXIT - PORT_MARK)
    {
      ports->ended = true;
      vt_vcpu_kick (&ports->cpu->vcpu, VT_VCPU_STOP);
    }
}

static const VtRegionOps ports_ops = { ports_read, ports_write, 1, 1 };
static const VtRegion ports_region = { "benchmark ports", PORT_EXIT - PORT_MARK + 1, &ports_ops };
static const VtDeviceClass ports_class = { .name = "bench-ports", .instance_size = sizeof (Ports), .state_off = sizeof (VtDevice) };

typedef struct
{
  VtMem      *mem, *io;
  VtRam      *ram;
  VtClock    *clock;
  VtX86Model *model;
  Ports      *ports;
} Board;

static void
build (Board *board)
{
  GError *error = NULL;
  board->mem = vt_mem_new ("memory", UINT64_C (1) << VT_X86_PHYS_BITS, NULL);
  board->io = vt_mem_new ("ports", 1 << 16, NULL);
  board->ram = vt_host_ram_new ("ram", RAM_BYTES, &error);
  g_assert_no_error (error);
  vt_mem_map_ram (board->mem, board->ram, 0, VT_GPA (0), RAM_BYTES, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, &error);
  g_assert_no_error (error);
  board->ports = (Ports *) vt_device_new (&ports_class, "ports");
  vt_mem_map_io (board->io, &board->ports->dev, &ports_region, VT_GPA (PORT_MARK), 0, &error);
  g_assert_no_error (error);
  board->clock = vt_clock_new_manual ();
  board->model = vt_x86_model_new (NULL, 1, &error);
  g_assert_no_error (error);
  board->ports->cpu = vt_x86_cpu_new (&(VtX86CpuConfig) {
    .mem = board->mem, .io = board->io, .clock = board->clock, .model = board->model, .tsc_hz = VT_TSC_HZ, .translated = true });
}

static void
demolish (Board *board)
{
  vt_x86_cpu_free (board->ports->cpu);
  vt_x86_model_free (board->model);
  vt_mem_free (board->io);
  vt_mem_free (board->mem);
  vt_device_free (&board->ports->dev);
  vt_clock_free (board->clock);
  vt_ram_free (board->ram);
}

static void
load (Board *board, unsigned number, uint64_t rounds, uint64_t warm)
{
  uint8_t *ram = board->ram->host;
  VtX86State *s = &board->ports->cpu->s;
  memcpy (ram + LOAD_ADDRESS, guest_image, guest_image_len);
  vt_store_le (ram + ORDER, number, 8);
  vt_store_le (ram + ORDER + 8, rounds, 8);
  vt_store_le (ram + ORDER + 16, warm, 8);
  s->activity = VT_X86_RUNNING;
  s->seg[VT_CS].selector = 0;
  s->seg[VT_CS].base = 0;
  s->rip = LOAD_ADDRESS;
  vt_x86_cpu_settle (board->ports->cpu);
}

static Result
run_in_guest (const VtAccel *accel, unsigned number, uint64_t rounds, uint64_t warm, bool counting)
{
  Board board = { 0 };
  GError *error = NULL;
  build (&board);
  load (&board, number, rounds, warm);
  VtVcpu *vcpu = &board.ports->cpu->vcpu;
  vcpu->counting = counting;
  if (!accel->attach (vcpu, &error))
    g_error ("%s", error->message);
  while (!board.ports->ended)
    if (accel->run (vcpu, UINT64_MAX) != VT_EXIT_STOP)
      g_error ("%s: the guest did not come to its end under %s", benchmarks[number].name, accel->name);
  g_assert_cmpuint (board.ports->n_marks, ==, 2);
  Result result = { .ns = board.ports->mark[1] - board.ports->mark[0], .stats = vcpu->stats };
  result.sum = vt_load_le (board.ram->host + ORDER + 24, 8);
  accel->detach (vcpu);
  demolish (&board);
  return result;
}

/* --- On the host ------------------------------------------------------------------------------------------------------ */

/* Mapped twice, as no page may be written and executed. */
static void
get_buffer (void **writable, void **executable)
{
  static void *pages[2];
  if (pages[0] == NULL)
    {
      int fd = memfd_create ("perf-bench", MFD_CLOEXEC);
      if (fd < 0 || ftruncate (fd, BUFFER_BYTES) < 0)
        g_error ("memfd: %s", g_strerror (errno));
      pages[0] = mmap (NULL, BUFFER_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
      pages[1] = mmap (NULL, BUFFER_BYTES, PROT_READ | PROT_EXEC, MAP_SHARED | MAP_POPULATE, fd, 0);
      if (pages[0] == MAP_FAILED || pages[1] == MAP_FAILED)
        g_error ("mmap: %s", g_strerror (errno));
      close (fd);
    }
  memset (pages[0], 0, BUFFER_BYTES);
  *writable = pages[0];
  *executable = pages[1];
}

static Result
run_native (unsigned number, uint64_t rounds, uint64_t warm)
{
  void *writable, *executable;
  Body body = perf_native_table[number];
  get_buffer (&writable, &executable);
  if (warm > 0)
    body (warm, writable, executable);
  int64_t before = cpu_ns ();
  uint64_t sum = body (rounds, writable, executable);
  return (Result) { .ns = cpu_ns () - before, .sum = sum };
}

static bool
can_run (unsigned number, Way way)
{
  return way != NATIVE || benchmarks[number].user;
}

static Result
run (unsigned number, Way way, uint64_t rounds, bool counting)
{
  uint64_t warm = benchmarks[number].cold ? 0 : MIN (rounds, WARM_ROUNDS);
  if (way == NATIVE)
    return run_native (number, rounds, warm);
  return run_in_guest (way == JIT ? &vt_accel_jit : &vt_accel_interp, number, rounds, warm, counting);
}

/* --- Checking --------------------------------------------------------------------------------------------------------- */

static void
tell (unsigned *n, unsigned *bad, bool good, const char *name, const char *claim)
{
  printf ("%s %u - %s: %s\n", good ? "ok" : "not ok", ++*n, name, claim);
  *bad += !good;
}

static uint64_t
all_instructions (const Result *result)
{
  return result->stats.instructions + result->stats.translated_instructions;
}

/* An access across pages, or code that is new each time, stays with the interpreter. */
static bool
mostly_translated (unsigned number, const Result *counted)
{
  return benchmarks[number].cold || counted->stats.translated_instructions > CHECK_ROUNDS;
}

static int
check (void)
{
  unsigned n = 0, bad = 0;
  for (unsigned i = 0; i < G_N_ELEMENTS (benchmarks); i++)
    {
      const char *name = benchmarks[i].name;
      Result interp = run (i, INTERP, CHECK_ROUNDS, false), jit = run (i, JIT, CHECK_ROUNDS, false);
      Result counted = run (i, JIT, CHECK_ROUNDS, true);
      tell (&n, &bad, interp.sum == jit.sum && jit.sum == counted.sum, name, "interpreter and translator get the same sum");
      if (benchmarks[i].user)
        tell (&n, &bad, run (i, NATIVE, CHECK_ROUNDS, false).sum == jit.sum, name, "and so does this computer");
      tell (&n, &bad, all_instructions (&counted) == all_instructions (&interp) && mostly_translated (i, &counted), name,
            "translated code counts what the interpreter counts");
      tell (&n, &bad, jit.stats.translated_instructions == 0, name, "nothing is counted unasked");
      if (all_instructions (&counted) != all_instructions (&interp))
        printf ("# interp %" G_GUINT64_FORMAT ", jit %" G_GUINT64_FORMAT " + %" G_GUINT64_FORMAT "\n", interp.stats.instructions,
                counted.stats.instructions, counted.stats.translated_instructions);
    }
  printf ("1..%u\n", n);
  return bad > 0;
}

/* --- Measuring -------------------------------------------------------------------------------------------------------- */

/* As many as take about RUN_NS. */
static uint64_t
find_rounds (unsigned number, Way way)
{
  uint64_t rounds = FIRST_ROUNDS, max = benchmarks[number].max_rounds != 0 ? benchmarks[number].max_rounds : UINT64_MAX;
  int64_t ns;
  while ((ns = run (number, way, rounds, false).ns) < TRIAL_NS && rounds < max)
    rounds = MIN (4 * rounds, max);
  return CLAMP ((uint64_t) ((double) rounds * RUN_NS / (double) MAX (ns, 1)), 1, max);
}

static int
compare_doubles (const void *a, const void *b)
{
  double x = *(const double *) a, y = *(const double *) b;
  return (x > y) - (x < y);
}

/* Nanoseconds per round; 0: cannot run. */
typedef struct
{
  double per_round[N_WAYS];
  Result jit;
} Row;

static Row
measure (unsigned number, unsigned runs)
{
  double samples[N_WAYS][MAX_RUNS];
  uint64_t rounds[N_WAYS] = { 0 };
  Row row = { 0 };
  for (Way way = 0; way < N_WAYS; way++)
    if (can_run (number, way))
      rounds[way] = find_rounds (number, way);
  for (unsigned i = 0; i < runs; i++)
    for (Way way = 0; way < N_WAYS; way++)
      if (can_run (number, way))
        {
          Result result = run (number, way, rounds[way], false);
          samples[way][i] = (double) result.ns / (double) rounds[way];
          if (way == JIT)
            row.jit = result;
        }
  for (Way way = 0; way < N_WAYS; way++)
    if (can_run (number, way))
      {
        qsort (samples[way], runs, sizeof (double), compare_doubles);
        row.per_round[way] = samples[way][runs / 2];
      }
  return row;
}

static void
print_row (const Benchmark *benchmark, const Row *row)
{
  const double *ns = row->per_round;
  printf ("%-26s%12.1f%12.1f", benchmark->what, ns[INTERP], ns[JIT]);
  if (benchmark->user)
    printf ("%12.1f%14.1f%14.2f\n", ns[NATIVE], ns[INTERP] / ns[JIT], ns[JIT] / ns[NATIVE]);
  else
    printf ("%12s%14.1f%14s\n", "-", ns[INTERP] / ns[JIT], "-");
  fflush (stdout);
}

static void
print_translation (const Row *row)
{
  const VtVcpuStats *stats = &row->jit.stats;
  if (stats->blocks_translated > 0)
    printf ("\nTranslating new functions: %.1f us and %.0f bytes of code for each of %" G_GUINT64_FORMAT " blocks.\n",
            (double) stats->translate_ns / 1000 / (double) stats->blocks_translated,
            (double) stats->code_bytes / (double) stats->blocks_translated, stats->blocks_translated);
}

static void
add_json (GString *json, const Benchmark *benchmark, const Row *row)
{
  g_string_append_printf (json, "%s\n  \"%s\": {", json->len > 1 ? "," : "", benchmark->name);
  for (Way way = 0; way < N_WAYS; way++)
    if (row->per_round[way] > 0)
      g_string_append_printf (json, "%s\"%s_ns\": %.3f", way > 0 ? ", " : " ", way_names[way], row->per_round[way]);
  g_string_append (json, " }");
}

static bool
wanted (const char *only, const char *name)
{
  g_auto (GStrv) names = only != NULL ? g_strsplit (only, ",", -1) : NULL;
  return names == NULL || g_strv_contains ((const char *const *) names, name);
}

static int
measure_all (const char *only, unsigned runs, const char *json_path)
{
  g_autoptr (GString) json = g_string_new ("{");
  g_autoptr (GError) error = NULL;
  printf ("%-26s%12s%12s%12s%14s%14s\n", "ns per round", "interp", "jit", "native", "interp / jit", "jit / native");
  for (unsigned i = 0; i < G_N_ELEMENTS (benchmarks); i++)
    {
      if (!wanted (only, benchmarks[i].name))
        continue;
      Row row = measure (i, runs);
      print_row (&benchmarks[i], &row);
      if (benchmarks[i].cold)
        print_translation (&row);
      add_json (json, &benchmarks[i], &row);
    }
  g_string_append (json, "\n}\n");
  if (json_path != NULL && !g_file_set_contents (json_path, json->str, -1, &error))
    g_error ("%s", error->message);
  return 0;
}

static const char *
option_value (int argc, char **argv, int *i)
{
  if (*i + 1 >= argc)
    g_error ("%s needs a value", argv[*i]);
  return argv[++*i];
}

int
main (int argc, char **argv)
{
  const char *path = NULL, *only = NULL, *json = NULL;
  unsigned runs = 5;
  bool checking = false;
  g_autoptr (GError) error = NULL;
  for (int i = 1; i < argc; i++)
    if (g_str_equal (argv[i], "--check"))
      checking = true;
    else if (g_str_equal (argv[i], "--only"))
      only = option_value (argc, argv, &i);
    else if (g_str_equal (argv[i], "--json"))
      json = option_value (argc, argv, &i);
    else if (g_str_equal (argv[i], "--runs"))
      runs = (unsigned) g_ascii_strtoull (option_value (argc, argv, &i), NULL, 10);
    else
      path = argv[i];
  if (path == NULL || !g_file_get_contents (path, &guest_image, &guest_image_len, &error))
    g_error ("%s", error != NULL ? error->message : "usage: perf-bench GUEST [--only NAME[,NAME]] [--runs N] [--json FILE] | --check");
  vt_host_init ();
  if (!vt_accel_jit.probe (&error))
    {
      printf ("1..0 # SKIP %s\n", error->message);
      return 0;
    }
  return checking ? check () : measure_all (only, CLAMP (runs, 1, MAX_RUNS), json);
}
