/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The public face of a machine: making it, running it, ending it. */
#include "machine-private.h"

#include "acpi-pm.h"
#include "host-code.h"
#include "host-ram.h"
#include "x86-model.h"

static const VtBoard *const boards[] = { &vt_board_q35, &vt_board_pc };

static const VtBoard *
find_board (const char *name)
{
  for (size_t i = 0; i < G_N_ELEMENTS (boards); i++)
    if (g_str_equal (boards[i]->name, name))
      return boards[i];
  return NULL;
}

static void
free_ram (gpointer ram)
{
  vt_ram_free (ram);
}

/* A vCPU ended what it was doing for good. vCPU thread. */
static void
shutdown_now (VtMachine *machine, void *arg)
{
  if (machine->state != VT_MACHINE_RUNNING)
    return;
  if (!machine->config.no_reboot)
    {
      vt_machine_reset_now (machine, VT_RESET_GUEST);
      return;
    }
  vt_machine_stop_world (machine, true);
  vt_machine_set_state (machine, VT_MACHINE_DIED, 2, "The guest's processor shut down (triple fault)");
}

static void
engine_failed (VtMachine *machine, void *arg)
{
  const VtVcpu *vcpu = arg;
  vt_machine_stop_world (machine, false);
  vt_machine_set_state (machine, VT_MACHINE_DIED, 2,
                        vcpu->failure != NULL ? vcpu->failure : "The engine cannot go on with this guest; the log says why");
}

static void
vcpu_exited (void *opaque, VtVcpu *vcpu, VtExit exit)
{
  VtMachine *machine = opaque;
  vt_control_post (machine, exit == VT_EXIT_SHUTDOWN ? shutdown_now : engine_failed, vcpu);
}

static void
time_came_nearer (void *opaque)
{
  VtVcpu *vcpu = opaque;
  vcpu->wake (vcpu->wake_opaque);
}

static bool
keep_time (void *opaque, VtVcpu *vcpu, bool keep)
{
  VtMachine *machine = opaque;
  vt_lock (&machine->lock);
  if (keep)
    keep = vt_loop_keep_time (machine->loop, (VtTimekeeper) { time_came_nearer, vcpu });
  else
    vt_loop_leave_time (machine->loop);
  vt_unlock (&machine->lock);
  return keep;
}

static int64_t
due_ns (void *opaque)
{
  return vt_loop_due_ns (((VtMachine *) opaque)->loop);
}

static void
run_timers (void *opaque)
{
  VtMachine *machine = opaque;
  vt_lock (&machine->lock);
  vt_loop_run_timers (machine->loop);
  vt_unlock (&machine->lock);
}

static VtMachine *
machine_alloc (const VtConfig *config)
{
  VtMachine *machine = g_new0 (VtMachine, 1);
  vt_config_copy (&machine->config, config);
  vt_lock_init (&machine->lock);
  machine->context = g_main_context_ref_thread_default ();
  machine->listeners = g_atomic_rc_box_new0 (Listeners);
  machine->state = VT_MACHINE_PAUSED;
  machine->exit_status = -1;
  machine->rams = g_ptr_array_new_with_free_func (free_ram);
  machine->scratch_rams = g_ptr_array_new_with_free_func (free_ram);
  machine->devices = g_ptr_array_new ();
  machine->drives = g_array_new (FALSE, TRUE, sizeof (Drive));
  machine->consoles = g_ptr_array_new ();
  machine->nets = g_ptr_array_new ();
  machine->cards = g_ptr_array_new ();
  machine->shares = g_ptr_array_new ();
  machine->usb_drives = g_ptr_array_new ();
  machine->usb_ports = g_ptr_array_new_with_free_func (vt_usb_port_free);
  machine->ports = g_ptr_array_new_with_free_func (vt_hot_port_free);
  machine->keys_down = g_array_new (FALSE, FALSE, sizeof (unsigned));
  machine->typings = vt_typings_new ();
  machine->loop = vt_loop_new (&machine->lock);
  machine->clock = vt_clock_new (vt_host_now_ns, NULL);
  machine->made_ns = vt_host_now_ns (NULL);
  machine->mem = vt_mem_new ("memory", UINT64_C (1) << VT_X86_PHYS_BITS, &machine->lock);
  machine->io = vt_mem_new ("I/O port", 1 << 16, &machine->lock);
  machine->smm_mem = config->smm ? vt_mem_new_overlay ("system management", machine->mem) : NULL;
  machine->dma = (VtDma) { .mem = machine->mem };
  machine->apic_bus = vt_apic_bus_new ();
  vt_loop_drive_clock (machine->loop, machine->clock);
  vt_control_start (machine);
  return machine;
}

static bool
machine_build (VtMachine *machine, GError **error)
{
  bool ok = vt_machine_choose_accel (machine, error) && vt_machine_open_drives (machine, error)
            && vt_machine_open_consoles (machine, error) && vt_machine_open_sound (machine, error)
            && vt_machine_open_tpm (machine, error);
  vt_lock (&machine->lock);
  vt_mem_begin (machine->mem);
  vt_mem_begin (machine->io);
  ok = ok && vt_machine_open_nets (machine, error) && machine->board->build (machine, error);
  vt_mem_commit (machine->io);
  vt_mem_commit (machine->mem);
  if (ok)
    vt_machine_hold_input (machine);
  ok = ok && machine->board->after_reset (machine, error);
  vt_unlock (&machine->lock);
  if (!ok)
    return false;
  VtVcpu *vcpus[MAX_CPUS];
  for (unsigned i = 0; i < machine->n_cpus; i++)
    vcpus[i] = &machine->cpus[i]->vcpu;
  const VtRunnerEvents events = { vcpu_exited, keep_time, due_ns, run_timers, machine };
  machine->runner = vt_runner_new (vcpus, machine->n_cpus, machine->accel, events, error);
  return machine->runner != NULL;
}

VtMachine *
vt_machine_new (const VtConfig *config, GError **error)
{
  if (!vt_config_check (config, error))
    return NULL;
  vt_host_init ();
  if (config->perf_map)
    vt_host_open_perf_map ();
  g_autoptr (VtMachine) machine = machine_alloc (config);
  machine->board = find_board (config->machine);
  if (!machine_build (machine, error))
    return NULL;
  return g_steal_pointer (&machine);
}

static void
stop_for_good (VtMachine *machine, void *arg)
{
  if (machine->runner != NULL)
    vt_machine_stop_world (machine, true);
}

void
vt_machine_free (VtMachine *machine)
{
  if (machine == NULL)
    return;
  machine->listeners->dead = true;
  vt_control_run (machine, stop_for_good, NULL);
  vt_control_stop (machine);
  vt_runner_free (machine->runner);
  vt_machine_end_removals (machine);
  vt_machine_close_nets (machine);
  vt_machine_close_tpm (machine);
  vt_loop_free (machine->loop);
  for (guint i = machine->devices->len; i > 0; i--)
    vt_device_free (g_ptr_array_index (machine->devices, i - 1));
  g_ptr_array_unref (machine->devices);
  vt_machine_close_sound (machine);
  if (machine->board_free != NULL)
    machine->board_free (machine);
  for (unsigned i = 0; i < machine->n_cpus; i++)
    vt_x86_cpu_free (machine->cpus[i]);
  vt_apic_bus_free (machine->apic_bus);
  g_clear_pointer (&machine->model, vt_x86_model_free);
  vt_machine_close_consoles (machine);
  g_ptr_array_unref (machine->consoles);
  vt_machine_close_drives (machine);
  g_array_unref (machine->drives);
  g_ptr_array_unref (machine->nets);
  g_ptr_array_unref (machine->cards);
  g_ptr_array_unref (machine->shares);
  g_ptr_array_unref (machine->usb_drives);
  g_ptr_array_unref (machine->usb_ports);
  g_ptr_array_unref (machine->ports);
  for (unsigned i = 0; i < machine->n_surfaces; i++)
    vt_surface_free (machine->surfaces[i]);
  vt_mem_free (machine->io);
  vt_mem_free (machine->smm_mem);
  vt_mem_free (machine->mem);
  g_ptr_array_unref (machine->rams);
  g_ptr_array_unref (machine->scratch_rams);
  g_ptr_array_unref (machine->typings);
  vt_clock_free (machine->clock);
  g_array_unref (machine->keys_down);
  g_atomic_rc_box_release (machine->listeners);
  g_main_context_unref (machine->context);
  vt_lock_clear (&machine->lock);
  g_free (machine->accel_sentence);
  vt_config_clear (&machine->config);
  g_free (machine);
}

VtMachineState
vt_machine_state (const VtMachine *machine)
{
  return machine->state;
}

const char *
vt_machine_accel_sentence (const VtMachine *machine)
{
  return machine->accel_sentence;
}

int
vt_machine_exit_status (const VtMachine *machine)
{
  return machine->exit_status;
}

/* --- What a person asks for ----------------------------------------------------------------------------------------------- */

static void
resume_now (VtMachine *machine, void *arg)
{
  if (machine->state != VT_MACHINE_PAUSED && machine->state != VT_MACHINE_BLOCKED)
    return;
  vt_machine_set_state (machine, VT_MACHINE_RUNNING, 0, NULL);
  vt_machine_start_world (machine);
}

void
vt_machine_resume (VtMachine *machine)
{
  vt_control_post (machine, resume_now, NULL);
}

static void
pause_now (VtMachine *machine, void *arg)
{
  if (machine->state != VT_MACHINE_RUNNING)
    return;
  vt_machine_stop_world (machine, false);
  vt_machine_set_state (machine, VT_MACHINE_PAUSED, 0, NULL);
}

void
vt_machine_pause (VtMachine *machine)
{
  vt_control_run (machine, pause_now, NULL);
}

static void
reset_by_person (VtMachine *machine, void *arg)
{
  if (machine->state != VT_MACHINE_OFF && machine->state != VT_MACHINE_DIED)
    vt_machine_reset_now (machine, VT_RESET_GUEST);
}

void
vt_machine_reset (VtMachine *machine)
{
  vt_control_post (machine, reset_by_person, NULL);
}

void
vt_machine_power_button (VtMachine *machine)
{
  vt_lock (&machine->lock);
  if (machine->pm != NULL)
    vt_acpi_pm_power_button (machine->pm);
  vt_unlock (&machine->lock);
}

static void
force_off_now (VtMachine *machine, void *arg)
{
  if (machine->state == VT_MACHINE_OFF || machine->state == VT_MACHINE_DIED)
    return;
  vt_machine_stop_world (machine, true);
  vt_machine_set_state (machine, VT_MACHINE_OFF, 0, NULL);
}

void
vt_machine_force_off (VtMachine *machine)
{
  vt_control_post (machine, force_off_now, NULL);
}
