/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Is there a /dev/kvm that can be used, and does a guest really run on it?
 *
 * Kinds of /dev/kvm exist that open, answer every question well, and then cannot run a system: nested ones, and
 * paravirtual ones without help of the processor.  So a small guest tries what every system does first.
 */
#include "kvm-private.h"

#include <errno.h>
#include <glib/gi18n-lib.h>
#include <signal.h>
#include <vitrine/error.h>

static const struct
{
  int capability;
  const char *name;
} needed[] = {
  { KVM_CAP_USER_MEMORY, "KVM_CAP_USER_MEMORY" },
  { KVM_CAP_READONLY_MEM, "KVM_CAP_READONLY_MEM" },
  { KVM_CAP_VCPU_EVENTS, "KVM_CAP_VCPU_EVENTS" },
  { KVM_CAP_DEBUGREGS, "KVM_CAP_DEBUGREGS" },
  { KVM_CAP_XSAVE, "KVM_CAP_XSAVE" },
  { KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
  { KVM_CAP_USER_NMI, "KVM_CAP_USER_NMI" },
  { KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ" },
  { KVM_CAP_X86_MSR_FILTER, "KVM_CAP_X86_MSR_FILTER" },
  { KVM_CAP_X86_USER_SPACE_MSR, "KVM_CAP_X86_USER_SPACE_MSR" },
  { KVM_CAP_VCPU_ATTRIBUTES, "KVM_CAP_VCPU_ATTRIBUTES" },
};

static bool
check_abilities (const VtKvmHost *host, int fd, GError **error)
{
  int version = host->ioctl (fd, KVM_GET_API_VERSION, NULL);
  if (version != KVM_API_VERSION)
    return vt_refuse (error, VT_ERROR_UNSUPPORTED,
                      _("%s speaks version %d of its interface, not %d"), VT_KVM_DEVICE, version, KVM_API_VERSION);
  for (size_t i = 0; i < G_N_ELEMENTS (needed); i++)
    if (host->ioctl (fd, KVM_CHECK_EXTENSION, VT_KVM_NUMBER (needed[i].capability)) <= 0)
      return vt_refuse (error, VT_ERROR_UNSUPPORTED, _("This system's %s is too old: it lacks %s"), VT_KVM_DEVICE, needed[i].name);
  return true;
}

int
vt_kvm_open (const VtKvmHost *host, GError **error)
{
  int fd = host->open (VT_KVM_DEVICE);
  if (fd < 0)
    {
      int saved = errno;
      if (saved == EACCES || saved == EPERM)
        vt_refuse (error, VT_ERROR_UNSUPPORTED, _("You may not use %s: a member of the group “kvm” may"), VT_KVM_DEVICE);
      else if (saved == ENOENT)
        vt_refuse (error, VT_ERROR_UNSUPPORTED, _("This system has no %s"), VT_KVM_DEVICE);
      else
        vt_refuse (error, VT_ERROR_UNSUPPORTED, _("%s cannot be opened: %s"), VT_KVM_DEVICE, g_strerror (saved));
      return -1;
    }
  if (check_abilities (host, fd, error))
    return fd;
  host->close (fd);
  return -1;
}

/* --- The guest ---------------------------------------------------------------------------------------------------- */

#define GUEST_BYTES 0x10000u
#define CODE_AT 0x1000u
#define PML4_AT 0x2000u
#define PDPT_AT 0x3000u
#define PD_AT 0x4000u
#define PT_LOW_AT 0x5000u  /* addresses 0 to 2 MiB: as they are */
#define PT_HIGH_AT 0x8000u /* 2 MiB: the page at VALUE_AT */
#define VALUE_AT 0x6000u
#define GDT_AT 0x7000u
#define VALUE UINT64_C (0x155aa1234)
#define REPORT_PORT 0x80
#define PRESENT 3u /* and writable */

static const uint8_t code[] = {
  /* 16 bits */
  0xb8, 0x34, 0x12,                   /* mov ax, 0x1234 */
  0x01, 0xc0,                         /* add ax, ax */
  0xe7, REPORT_PORT,                  /* out 0x80, ax */
  0x2e, 0x0f, 0x01, 0x16, 0x80, 0x10, /* lgdt [cs:0x1080] */
  0x0f, 0x20, 0xc0,                   /* mov eax, cr0 */
  0x0c, 0x01,                         /* or al, 1 (PE) */
  0x0f, 0x22, 0xc0,                   /* mov cr0, eax */
  0xea, 0x1a, 0x10, 0x08, 0x00,       /* jmp 8:0x101a */
  /* 32 bits */
  0x66, 0xb9, 0x10, 0x00,                   /* mov cx, 0x10 */
  0x8e, 0xd9,                               /* mov ds, cx */
  0x8e, 0xd1,                               /* mov ss, cx */
  0xa1, 0x00, 0x60, 0x00, 0x00,             /* mov eax, [VALUE_AT] */
  0xe7, REPORT_PORT,                        /* out 0x80, eax */
  0xb8, 0x20, 0x00, 0x00, 0x00,             /* mov eax, 0x20 (PAE) */
  0x0f, 0x22, 0xe0,                         /* mov cr4, eax */
  0xb8, 0x00, 0x20, 0x00, 0x00,             /* mov eax, PML4_AT */
  0x0f, 0x22, 0xd8,                         /* mov cr3, eax */
  0xb9, 0x80, 0x00, 0x00, 0xc0,             /* mov ecx, EFER */
  0x0f, 0x32,                               /* rdmsr */
  0x80, 0xcc, 0x01,                         /* or ah, 1 (LME) */
  0x0f, 0x30,                               /* wrmsr */
  0x0f, 0x20, 0xc0,                         /* mov eax, cr0 */
  0x0d, 0x00, 0x00, 0x00, 0x80,             /* or eax, PG */
  0x0f, 0x22, 0xc0,                         /* mov cr0, eax */
  0xea, 0x57, 0x10, 0x00, 0x00, 0x18, 0x00, /* jmp 0x18:0x1057 */
  /* 64 bits */
  0x48, 0x8b, 0x04, 0x25, 0x00, 0x00, 0x20, 0x00,             /* mov rax, [2 MiB] */
  0x48, 0xb9, 1, 0, 0, 0, 1, 0, 0, 0,                         /* mov rcx, 0x100000001 */
  0x48, 0x0f, 0xaf, 0xc1,                                     /* imul rax, rcx */
  0x48, 0x89, 0x04, 0x25, 0x08, 0x00, 0x20, 0x00,             /* mov [2 MiB + 8], rax */
  0x48, 0xc1, 0xe8, 0x20,                                     /* shr rax, 32 */
  0xe7, REPORT_PORT,                                          /* out 0x80, eax */
  0xf4,                                                       /* hlt */
  0x90, 0x90, 0x90, 0x90, /* up to 0x1080 */
  0x1f, 0x00, 0x00, 0x70, 0x00, 0x00, /* GDTR: limit 31, at GDT_AT */
};

/* What the guest reports, in order. */
static const uint32_t reports[] = { 0x2468, (uint32_t) VALUE, (uint32_t) (VALUE + (VALUE >> 32)) };

static void
put64 (uint8_t *memory, uint32_t at, uint64_t value)
{
  vt_store_le (memory + at, value, 8);
}

static void
fill (uint8_t *memory)
{
  memcpy (memory + CODE_AT, code, sizeof code);
  put64 (memory, PML4_AT, PDPT_AT | PRESENT);
  put64 (memory, PDPT_AT, PD_AT | PRESENT);
  put64 (memory, PD_AT, PT_LOW_AT | PRESENT);
  put64 (memory, PD_AT + 8, PT_HIGH_AT | PRESENT);
  for (uint32_t page = 0; page < GUEST_BYTES / VT_PAGE_SIZE; page++)
    put64 (memory, PT_LOW_AT + 8 * page, (page << VT_PAGE_SHIFT) | PRESENT);
  put64 (memory, PT_HIGH_AT, VALUE_AT | PRESENT);
  put64 (memory, VALUE_AT, VALUE);
  put64 (memory, GDT_AT + 8, UINT64_C (0x00cf9b000000ffff));  /* 32-bit code */
  put64 (memory, GDT_AT + 16, UINT64_C (0x00cf93000000ffff)); /* data */
  put64 (memory, GDT_AT + 24, UINT64_C (0x00af9b000000ffff)); /* 64-bit code */
}

typedef struct
{
  const VtKvmHost *host;
  int system, vm, vcpu;
  uint8_t *memory;
  struct kvm_run *run;
  size_t run_bytes;
  /* Of the thread that runs it; guarded by the mutex */
  GMutex mutex;
  GCond ended;
  bool started, done, cancelled, ok;
  pthread_t thread;
  uint32_t last_exit;
} Trial;

static bool
trial_ioctl (Trial *trial, int fd, unsigned long request, void *argument, const char *name, GError **error)
{
  return trial->host->ioctl (fd, request, argument) >= 0
         || vt_refuse (error, VT_ERROR_UNSUPPORTED, _("A test guest cannot be made on %s: %s: %s"), VT_KVM_DEVICE, name, g_strerror (errno));
}

/* All that the kernel supports: the guest only needs long mode. */
static bool
set_cpuid (Trial *trial, GError **error)
{
  enum
  {
    ENTRIES = 256
  };
  g_autofree struct kvm_cpuid2 *cpuid = g_malloc0 (sizeof *cpuid + ENTRIES * sizeof cpuid->entries[0]);
  cpuid->nent = ENTRIES;
  return trial_ioctl (trial, trial->system, KVM_GET_SUPPORTED_CPUID, cpuid, "KVM_GET_SUPPORTED_CPUID", error)
         && trial_ioctl (trial, trial->vcpu, KVM_SET_CPUID2, cpuid, "KVM_SET_CPUID2", error);
}

static bool
set_registers (Trial *trial, GError **error)
{
  struct kvm_sregs sregs = { 0 };
  struct kvm_regs regs = { .rip = CODE_AT, .rflags = X86_RFLAGS_ONE };
  if (!trial_ioctl (trial, trial->vcpu, KVM_GET_SREGS, &sregs, "KVM_GET_SREGS", error))
    return false;
  sregs.cs.base = 0;
  sregs.cs.selector = 0;
  return trial_ioctl (trial, trial->vcpu, KVM_SET_SREGS, &sregs, "KVM_SET_SREGS", error)
         && trial_ioctl (trial, trial->vcpu, KVM_SET_REGS, &regs, "KVM_SET_REGS", error);
}

static bool
make (Trial *trial, GError **error)
{
  const VtKvmHost *host = trial->host;
  trial->vm = host->ioctl (trial->system, KVM_CREATE_VM, NULL);
  trial->vcpu = trial->vm >= 0 ? host->ioctl (trial->vm, KVM_CREATE_VCPU, NULL) : -1;
  if (trial->vcpu < 0)
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, _("A test guest cannot be made on %s: %s"), VT_KVM_DEVICE, g_strerror (errno));
  int bytes = host->ioctl (trial->system, KVM_GET_VCPU_MMAP_SIZE, NULL);
  trial->run_bytes = bytes > 0 ? (size_t) bytes : 0;
  if (trial->run_bytes < sizeof (struct kvm_run) || (trial->run = host->map (trial->vcpu, trial->run_bytes)) == NULL)
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, _("A test guest cannot be made on %s: %s"), VT_KVM_DEVICE, g_strerror (errno));
  trial->memory = g_aligned_alloc0 (1, GUEST_BYTES, VT_PAGE_SIZE);
  fill (trial->memory);
  struct kvm_userspace_memory_region region
      = { .memory_size = GUEST_BYTES, .userspace_addr = (uintptr_t) trial->memory };
  return trial_ioctl (trial, trial->vm, KVM_SET_USER_MEMORY_REGION, &region, "KVM_SET_USER_MEMORY_REGION", error)
         && set_cpuid (trial, error) && set_registers (trial, error);
}

static bool
reported (const struct kvm_run *run, uint32_t value)
{
  if (run->exit_reason != KVM_EXIT_IO || run->io.direction != KVM_EXIT_IO_OUT || run->io.port != REPORT_PORT)
    return false;
  return run->io.size <= 4 && vt_load_le ((const uint8_t *) run + run->io.data_offset, run->io.size) == value;
}

static bool
run_once (Trial *trial)
{
  while (trial->host->ioctl (trial->vcpu, KVM_RUN, NULL) < 0)
    {
      bool interrupted = errno == EINTR || errno == EAGAIN;
      g_mutex_lock (&trial->mutex);
      bool give_up = trial->cancelled || !interrupted;
      g_mutex_unlock (&trial->mutex);
      if (give_up)
        return false;
    }
  trial->last_exit = trial->run->exit_reason;
  return true;
}

static bool
run_guest (Trial *trial)
{
  for (size_t i = 0; i < G_N_ELEMENTS (reports); i++)
    if (!run_once (trial) || !reported (trial->run, reports[i]))
      return false;
  return run_once (trial) && trial->run->exit_reason == KVM_EXIT_HLT
         && vt_load_le (trial->memory + VALUE_AT + 8, 8) == VALUE * UINT64_C (0x100000001);
}

static gpointer
trial_thread (gpointer data)
{
  Trial *trial = data;
  g_mutex_lock (&trial->mutex);
  trial->thread = pthread_self ();
  trial->started = true;
  g_mutex_unlock (&trial->mutex);
  bool ok = run_guest (trial);
  g_mutex_lock (&trial->mutex);
  trial->ok = ok;
  trial->done = true;
  g_cond_signal (&trial->ended);
  g_mutex_unlock (&trial->mutex);
  return NULL;
}

/* False when the time was up. */
static bool
run_with_timeout (Trial *trial, unsigned timeout_ms)
{
  vt_kvm_install_signal ();
  g_mutex_init (&trial->mutex);
  g_cond_init (&trial->ended);
  GThread *thread = g_thread_new ("kvm probe", trial_thread, trial);
  gint64 deadline = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;
  g_mutex_lock (&trial->mutex);
  while (!trial->done && g_cond_wait_until (&trial->ended, &trial->mutex, deadline))
    ;
  bool in_time = trial->done;
  if (!in_time)
    {
      trial->cancelled = true;
      trial->run->immediate_exit = 1;
      if (trial->started)
        pthread_kill (trial->thread, VT_KVM_SIGNAL);
    }
  g_mutex_unlock (&trial->mutex);
  g_thread_join (thread);
  g_mutex_clear (&trial->mutex);
  g_cond_clear (&trial->ended);
  return in_time;
}

static void
demolish (Trial *trial)
{
  if (trial->run != NULL)
    trial->host->unmap (trial->run, trial->run_bytes);
  if (trial->vcpu >= 0)
    trial->host->close (trial->vcpu);
  if (trial->vm >= 0)
    trial->host->close (trial->vm);
  g_aligned_free (trial->memory);
}

bool
vt_kvm_try_guest (const VtKvmHost *host, unsigned timeout_ms, GError **error)
{
  Trial trial = { .host = host, .vm = -1, .vcpu = -1 };
  trial.system = vt_kvm_open (host, error);
  if (trial.system < 0)
    return false;
  bool made = make (&trial, error);
  bool in_time = made && run_with_timeout (&trial, timeout_ms);
  demolish (&trial);
  host->close (trial.system);
  if (!made)
    return false;
  if (!in_time)
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, _("A test guest on %s did not end in time"), VT_KVM_DEVICE);
  return trial.ok
         || vt_refuse (error, VT_ERROR_UNSUPPORTED, _("A test guest on %s did not do what it should (exit %u)"), VT_KVM_DEVICE,
                       trial.last_exit);
}

bool
vt_kvm_recommend (const VtKvmHost *host, unsigned timeout_ms, GError **error)
{
  int fd = vt_kvm_open (host, error);
  if (fd < 0)
    return false;
  host->close (fd);
  if (!host->has_virtualization ())
    return vt_refuse (error, VT_ERROR_UNSUPPORTED, _("%s is there, but the processor offers neither VT-x nor AMD-V"), VT_KVM_DEVICE);
  return vt_kvm_try_guest (host, timeout_ms, error);
}
