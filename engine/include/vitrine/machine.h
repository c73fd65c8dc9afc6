/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A running computer. All functions are for one thread (the one that created it, the GTK main thread in the application)
 * unless they say otherwise; none blocks for longer than it takes the vCPUs to reach a safe point (well below a frame),
 * except where stated. Events arrive on the GMainContext that was the thread default when the machine was made. */
#pragma once

#include "config.h"
#include "error.h"

typedef struct VtMachine VtMachine;

typedef enum
{
  VT_MACHINE_PAUSED,       /* also before the first start */
  VT_MACHINE_RUNNING,
  VT_MACHINE_OFF,          /* the guest powered off, or was made to; final */
  VT_MACHINE_DIED,         /* triple fault with no_reboot, or an engine error; final */
  VT_MACHINE_BLOCKED,      /* waits for a person: a disk is full or fails (message says which) */
} VtMachineState;

typedef struct
{
  void (*state_changed) (void *opaque, VtMachineState state, const char *message);   /* message: nullable, for people */
  void (*guest_reset)   (void *opaque);
  void (*leds)          (void *opaque, unsigned mask);
  void (*trouble)       (void *opaque, const char *message);   /* something has failed for good, and the machine goes on */
  void (*pointer_changed) (void *opaque, bool absolute);   /* see vt_input_absolute(); may repeat itself */
  void (*capture_ended) (void *opaque);                    /* of a card, by itself; after trouble() if something has failed */
  void (*usb_left)      (void *opaque, const char *id);    /* see vt_machine_plug_usb() */
} VtMachineEvents;

/* Builds the machine: opens and locks images, loads firmware and kernel. Does blocking file I/O. */
VtMachine *vt_machine_new (const VtConfig *config, GError **error);
void       vt_machine_free (VtMachine *machine);   /* stops it if needed */
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtMachine, vt_machine_free)

void           vt_machine_set_events (VtMachine *machine, const VtMachineEvents *events, void *opaque);
VtMachineState vt_machine_state (const VtMachine *machine);
const char    *vt_machine_accel_sentence (const VtMachine *machine);   /* which accelerator runs, and why */
/* Exit status that design section 8 asks of `vitrinectl run`: 0 power-off, 2 died, debug-exit value; -1 while alive. */
int            vt_machine_exit_status (const VtMachine *machine);

void vt_machine_resume (VtMachine *machine);        /* also the first start */
void vt_machine_pause (VtMachine *machine);         /* returns when all vCPUs stand and the clock is stopped */
void vt_machine_reset (VtMachine *machine);
void vt_machine_power_button (VtMachine *machine);  /* ACPI power button press */
void vt_machine_force_off (VtMachine *machine);

/* Change of a CD or floppy disk while running. path NULL ejects. `fd`: the opened image, taken in any case, when
 * this process may not open it itself; else -1. A floppy disk that was opened for reading only is write protected. `drive`: index among the disks of the configuration. */
bool vt_machine_change_medium (VtMachine *machine, unsigned drive, const char *path, int fd, GError **error);
