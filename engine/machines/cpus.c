/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processors, their APICs and their accelerator. */
#include "machine-private.h"

#include "x86-model.h"

static void
mappings_changed (void *opaque, VtMem *mem)
{
  VtMachine *machine = opaque;
  for (unsigned i = 0; i < machine->n_cpus; i++)
    vt_vcpu_kick (&machine->cpus[i]->vcpu, VT_VCPU_VIEW);
}

static void
processor_asks (void *sink, VtRequest what, uint32_t value)
{
  g_debug ("processor request %u", what);
}

bool
vt_machine_make_cpus (VtMachine *machine, uint8_t (*inta) (void *opaque), void *opaque, GError **error)
{
  machine->model = vt_x86_model_new (machine->config.cpu_model, machine->config.cpus, error);
  if (machine->model == NULL)
    return false;
  for (unsigned i = 0; i < machine->config.cpus; i++)
    {
      VtX86CpuConfig config = { .index = i,
                                .mem = machine->mem,
                                .io = machine->io,
                                .clock = machine->clock,
                                .model = machine->model,
                                .tsc_hz = VT_NS_PER_SECOND,
                                .inta = inta,
                                .inta_opaque = opaque,
                                .machine = { processor_asks, machine } };
      machine->cpus[i] = vt_x86_cpu_new (&config);
      machine->n_cpus++;
      g_autofree char *path = g_strdup_printf ("apic/%u", i);
      VtApicConfig     apic = { .cpu = machine->cpus[i], .bus = machine->apic_bus, .lock = &machine->lock };
      if (vt_machine_add (machine, &(DeviceSpec) { &vt_apic_class, path, &apic, NULL, 0 }, error) == NULL)
        return false;
    }
  vt_mem_add_listener (machine->mem, mappings_changed, machine);
  vt_mem_add_listener (machine->io, mappings_changed, machine);
  return true;
}

bool
vt_machine_choose_accel (VtMachine *machine, GError **error)
{
  machine->accel = machine->config.accel == VT_ACCEL_JIT ? &vt_accel_jit : &vt_accel_interp;
  machine->accel_sentence = g_strdup_printf (
    "%s: %s", machine->accel->name,
    machine->config.accel == VT_ACCEL_AUTO ? "the reference interpreter; faster accelerators are not built in yet"
                                           : machine->accel->summary);
  return machine->accel->probe == NULL || machine->accel->probe (error);
}
