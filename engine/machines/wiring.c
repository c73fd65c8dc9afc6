/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Shared wires, and adding devices. */
#include "machine-private.h"

#include "host-ram.h"
#include "virtio-device.h"

static void
gate_set (void *sink, unsigned pin, bool level)
{
  Gate *gate = sink;
  if (level)
    gate->levels |= 1u << pin;
  else
    gate->levels &= ~(1u << pin);
  for (unsigned i = 0; i < gate->n_out; i++)
    vt_irq_set (&gate->out[i], gate->levels != 0);
}

VtIrq
vt_gate_input (Gate *gate, const char *label)
{
  g_assert (gate->n_inputs < GATE_SOURCES);
  return (VtIrq) { .set = gate_set, .sink = gate, .pin = gate->n_inputs++, .label = label };
}

void
vt_gate_connect (Gate *gate, VtIrq out)
{
  g_assert (gate->n_out < G_N_ELEMENTS (gate->out));
  gate->out[gate->n_out++] = out;
}

/* Any thread. Translated code looks at its pages when it sees the request; nobody has to wake up for it. */
static void
code_wrote (void *opaque, VtRam *ram, uint64_t off, uint64_t len)
{
  VtMachine *machine = opaque;
  for (unsigned i = 0; i < machine->n_cpus; i++)
    __atomic_fetch_or (&machine->cpus[i]->vcpu.requests, VT_VCPU_CODE, __ATOMIC_RELEASE);
}

VtRam *
vt_machine_add_ram (VtMachine *machine, const char *name, uint64_t size, GError **error)
{
  VtRam *ram = vt_host_ram_new (name, size, error);
  if (ram == NULL)
    return NULL;
  ram->code_wrote = code_wrote;
  ram->code_wrote_opaque = machine;
  g_ptr_array_add (machine->rams, ram);
  return ram;
}

/* The guest asks for something that needs all vCPUs to stand: noted here, done by the control thread. */
static void
reset_requested (VtMachine *machine, void *arg)
{
  if (machine->state != VT_MACHINE_RUNNING)
    return;
  if (machine->config.no_reboot)
    {
      vt_machine_stop_world (machine, true);
      vt_machine_set_state (machine, VT_MACHINE_OFF, 0, NULL);
      return;
    }
  vt_machine_reset_now (machine, VT_RESET_GUEST);
}

static void
end_requested (VtMachine *machine, void *arg)
{
  if (machine->state == VT_MACHINE_OFF || machine->state == VT_MACHINE_DIED)
    return;
  vt_machine_stop_world (machine, true);
  vt_machine_set_state (machine, VT_MACHINE_OFF, GPOINTER_TO_INT (arg), NULL);
}

static void
request (void *sink, VtRequest what, uint32_t value)
{
  VtMachine *machine = sink;
  switch (what)
    {
    case VT_REQUEST_RESET:
      vt_control_post (machine, reset_requested, NULL);
      break;
    case VT_REQUEST_POWER_OFF:
      vt_control_post (machine, end_requested, GINT_TO_POINTER (0));
      break;
    case VT_REQUEST_DEBUG_EXIT:
      vt_control_post (machine, end_requested, GINT_TO_POINTER ((int) value));
      break;
    case VT_REQUEST_PANIC:
    case VT_REQUEST_SUSPEND:
      g_debug ("guest request %u is not handled", what);
      break;
    }
}

VtDevice *
vt_machine_add (VtMachine *machine, const DeviceSpec *spec, GError **error)
{
  VtEnv env = { .clock = machine->clock,
                .dma = &machine->dma,
                .wires = spec->wires,
                .n_wires = spec->n_wires,
                .msi = vt_apic_bus_sink (machine->apic_bus),
                .machine = { .request = request, .sink = machine },
                .config = spec->config };
  VtDevice *dev = vt_device_new (spec->cls, spec->path);
  if (!vt_device_realize (dev, &env, error))
    {
      vt_device_free (dev);
      return NULL;
    }
  g_ptr_array_add (machine->devices, dev);
  return dev;
}

uint64_t
vt_ring_forms (const VtRingConfig *rings)
{
  return (rings->packed ? VIRTIO_F_RING_PACKED : 0) | (rings->in_order ? VIRTIO_F_IN_ORDER : 0)
         | (rings->notification_data ? VIRTIO_F_NOTIFICATION_DATA : 0);
}
