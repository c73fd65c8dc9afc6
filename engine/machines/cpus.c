/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Processors, their APICs and their accelerator. */
#include "choose.h"
#include "machine-private.h"

#include "jit-techniques.h"
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
  const VtAccel *accel = machine->accel;
  if (machine->model == NULL || (accel->restrict_model != NULL && !accel->restrict_model (machine->model, error)))
    return false;
  uint32_t jit_without = 0;
  if (machine->config.jit_without != NULL && !vt_jit_techniques_parse (machine->config.jit_without, &jit_without, error))
    return false;
  uint64_t tsc_hz = accel->tsc_hz != NULL ? accel->tsc_hz () : VT_TSC_HZ;
  for (unsigned i = 0; i < machine->config.cpus; i++)
    {
      VtX86CpuConfig config = { .index = i,
                                .mem = machine->mem,
                                .io = machine->io,
                                .smm_mem = machine->smm_mem,
                                .clock = machine->clock,
                                .model = machine->model,
                                .tsc_hz = tsc_hz,
                                .jit_without = jit_without,
                                .translated = accel->translates,
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
  if (machine->smm_mem != NULL)
    vt_mem_add_listener (machine->smm_mem, mappings_changed, machine);
  return true;
}

bool
vt_machine_choose_accel (VtMachine *machine, GError **error)
{
  /* Under KVM the mode would need an address space of its own in the kernel. */
  bool passed_over = machine->config.smm && machine->config.accel == VT_ACCEL_AUTO;
  machine->accel = vt_accel_choose (passed_over ? VT_ACCEL_JIT : machine->config.accel, &machine->accel_sentence, error);
  if (machine->accel != NULL && passed_over)
    {
      g_free (machine->accel_sentence);
      machine->accel_sentence = g_strdup_printf ("%s (system management mode does not run on KVM)", machine->accel->name);
    }
  return machine->accel != NULL;
}
