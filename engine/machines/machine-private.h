/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of this folder share about a machine. Nobody outside includes this. */
#pragma once

#include "accel.h"
#include "apic.h"
#include "backends.h"
#include "block.h"
#include "boot.h"
#include "config-private.h"
#include "display.h"
#include "floppy.h"
#include "image.h"
#include "input-sink.h"
#include "loop.h"
#include "networks.h"
#include "runner.h"
#include "share.h"
#include "sound.h"
#include "stream.h"
#include "tpm.h"
#include "vitrine/console.h"
#include "vitrine/display.h"
#include "vitrine/input.h"
#include "vitrine/machine.h"
#include "vitrine/snapshot.h"
#include "vitrine/stats.h"
#include "x86-cpu.h"

#define MAX_CPUS       64u
#define GSI_COUNT      24u
#define GATE_SOURCES   16u
#define MAX_INPUTS     18u        /* PS/2, and those of the configuration */

/* Several wires into one: the output is high while any input is. It keeps no state of its own beyond the levels that its
 * inputs drive; after a load each device drives them again. */
typedef struct
{
  VtIrq    out[2];       /* an ISA line has two ends: the 8259 pair and the I/O APIC */
  unsigned n_out;
  uint32_t levels;       /* bit per input */
  unsigned n_inputs;
} Gate;

/* Reference counted: output that is on its way to the UI may outlive the machine. */
typedef struct
{
  VtChardev    *chr;
  const VtChardevClient *held;       /* the port, while input is held back from it; else NULL */
  char         *pty;                 /* slave path, or NULL */
  bool          is_console;          /* VT_SERIAL_CONSOLE */
  GMainContext *context;             /* where output is handed over; borrowed from the machine's creator */
  void        (*output) (void *opaque, const uint8_t *bytes, size_t n);
  void         *output_opaque;
} Console;

typedef struct
{
  VtBlock  *block;
  VtDevice *device;                  /* of its own: virtio; else NULL */
  VtImage  *image;                   /* what the block shows; NULL: a raw file, or writes do not reach it. The block's own */
  unsigned  place;                   /* SATA: the port; SCSI: the target; IDE: from primary master; floppy: the drive */
  VtFloppyDriveType floppy;          /* for which disks it is; other buses: VT_FLOPPY_NONE */
} Drive;

typedef struct HotPort HotPort;
typedef struct UsbPort UsbPort;

/* Reference counted: where events go; outlives the machine while some are on their way. */
typedef struct
{
  VtMachineEvents events;
  void           *opaque;
  struct
  {
    void (*damaged) (void *opaque);
    void  *opaque;
  } display[VT_MAX_HEADS];
  /* The newest value, and whether news of it are on their way: however fast a guest changes its mind, one message waits.
   * Atomic. */
  struct
  {
    gint value, waiting;
  } leds, absolute;
  bool            dead;
} Listeners;

/* Which surface of which machine, for its notices. */
typedef struct
{
  VtMachine *machine;
  unsigned   display;
} SurfaceRef;

/* A computer of one kind: how to build it out of devices, and what it does at reset. */
typedef struct
{
  const char *name;
  bool (*build) (VtMachine *machine, GError **error);
  /* After all devices and processors were reset: what firmware files and kernels must be put back. */
  bool (*after_reset) (VtMachine *machine, GError **error);
} VtBoard;

extern const VtBoard vt_board_q35, vt_board_pc;

struct VtMachine
{
  VtConfig       config;             /* own copy */
  const VtBoard *board;
  VtLock         lock;               /* the machine lock */
  VtLoop        *loop;
  VtClock       *clock;
  VtMem         *mem, *io;
  VtMem         *smm_mem;            /* overlay of mem: what processors see in system management mode; NULL: they have none */
  VtDma          dma;                /* of devices that are not behind a bus: all of mem */
  GPtrArray     *rams;               /* VtRam*, saved with the machine */
  GPtrArray     *scratch_rams;       /* VtRam*, rebuilt from files: not saved */
  GPtrArray     *devices;            /* VtDevice*, in order of construction: reset, save and load follow it */

  VtX86Model    *model;
  VtX86Cpu      *cpus[MAX_CPUS];
  unsigned       n_cpus;
  VtApicBus     *apic_bus;
  const VtAccel *accel;
  char          *accel_sentence;
  VtRunner      *runner;
  int64_t        made_ns;            /* host time */
  bool           counting;           /* instructions of translated code are counted; machine lock */
  bool           ran_uncounted;      /* they were not all the time */

  /* Wiring that lives in the machine */
  bool           loading;            /* mutes the inputs of the interrupt controllers */
  Gate           gsi[GSI_COUNT];
  void          *board_data;         /* of the board; freed by board_free */
  void         (*board_free) (VtMachine *machine);

  /* Ends */
  VtSurface     *surfaces[VT_MAX_HEADS];   /* NULL from n_surfaces on */
  unsigned       n_surfaces;
  SurfaceRef     surface_ref[VT_MAX_HEADS];
  char        *(*screen_text) (VtMachine *machine);
  VtDevice      *pm;
  VtInputSink    inputs[MAX_INPUTS];       /* in the order they were added; input.c */
  unsigned       n_inputs;
  GArray        *drives;             /* Drive, in the order of config.disks */
  VtDevice      *ahci, *ide, *fdc, *scsi;   /* NULL where the machine has none */
  GPtrArray     *consoles;           /* Console* */
  VtChardev     *debugcon;
  VtSound       *sound;              /* where the sound card plays; NULL: nowhere */
  VtTpm         *tpm;                /* NULL: none */
  char          *tpm_scratch;        /* its folder, where that goes with the machine; else NULL */
  GByteArray    *tpm_saved;          /* of the save that is being written; the control thread's */
  GPtrArray     *nets;               /* VtNet* (capture.c), in the order of config.nets */
  GPtrArray     *cards;              /* VtDevice*, likewise */
  GPtrArray     *usb_drives;         /* VtDevice*, by their place */
  GPtrArray     *usb_ports;          /* UsbPort*: for devices of somebody else (usb-ports.c) */
  GPtrArray     *shares;             /* VtShare*, in the order of config.shares */
  VtStreamHost  *streams;            /* of the virtio sockets; NULL: none */
  VtDevice      *balloon;            /* NULL: none */
  GPtrArray     *ports;              /* HotPort*: slots for hot plug (x86-hotplug.c) */

  gint           taking_snapshot;    /* atomic */
  int64_t        snapshot_pause_ns;  /* of the last one; the control thread's */

  /* Control: one thread does everything that stops the vCPUs, in order (control.c) */
  GThread       *control_thread;
  GAsyncQueue   *control_queue;

  /* State, guarded by the machine lock */
  VtMachineState state;
  int            exit_status;
  GMainContext  *context;            /* where events go */
  Listeners     *listeners;
  GArray        *keys_down;          /* evdev codes held, for release_all */
  uint32_t       buttons_down;
  const VtInputSink *keyboard, *pointer;   /* that got the last event; NULL at first */
  GPtrArray     *typings;            /* key sequences under way (typing.c) */
};

/* --- control.c --- */
void vt_control_start (VtMachine *machine);
void vt_control_stop (VtMachine *machine);
/* Runs fn on the control thread and waits for it. Not from the loop or a vCPU thread. */
void vt_control_run (VtMachine *machine, void (*fn) (VtMachine *machine, void *arg), void *arg);
/* The same without waiting. Any thread. */
void vt_control_post (VtMachine *machine, void (*fn) (VtMachine *machine, void *arg), void *arg);

/* What a saved machine consists of, before its RAM and behind it (save.c). The world stands while the rest is written. */
bool vt_machine_may_save (const VtMachine *machine, GError **error);
bool vt_machine_write_head (VtMachine *machine, VtStreamWriter *writer, GError **error);
bool vt_machine_write_rest (VtMachine *machine, VtStreamWriter *writer, GError **error);

/* Control thread only. Stop: vCPUs stand, clock stopped; with `settled` also no host I/O outstanding. */
void vt_machine_stop_world (VtMachine *machine, bool settled);
void vt_machine_start_world (VtMachine *machine);
void vt_machine_reset_now (VtMachine *machine, VtResetKind kind);
void vt_machine_set_state (VtMachine *machine, VtMachineState state, int exit_status, const char *message);

/* Runs `tell` on the machine's context, unless the machine is gone by then. Any thread. */
typedef void (*Tell) (Listeners *listeners, int value, const char *message);
void vt_machine_tell (VtMachine *machine, Tell tell, int value, const char *message);

/* --- wiring.c --- */
/* A new input of the gate of a global system interrupt. */
VtIrq vt_gate_input (Gate *gate, const char *label);
void  vt_gate_connect (Gate *gate, VtIrq out);
/* Makes a device, realizes it with clock, DMA, MSI and machine port filled in, and adds it to the machine. */
typedef struct
{
  const VtDeviceClass *cls;
  const char          *path;
  const void          *config;
  VtIrq               *wires;
  size_t               n_wires;
} DeviceSpec;
VtDevice *vt_machine_add (VtMachine *machine, const DeviceSpec *spec, GError **error);
/* RAM that is saved with the machine. */
VtRam *vt_machine_add_ram (VtMachine *machine, const char *name, uint64_t size, GError **error);

/* As feature bits of a virtio device. */
uint64_t vt_ring_forms (const VtRingConfig *rings);

/* --- cpus.c --- */
bool vt_machine_make_cpus (VtMachine *machine, uint8_t (*inta) (void *opaque), void *opaque, GError **error);
bool vt_machine_choose_accel (VtMachine *machine, GError **error);

/* --- drives.c --- */
bool vt_machine_open_drives (VtMachine *machine, GError **error);
void vt_machine_close_drives (VtMachine *machine);
/* One that comes while the machine runs. */
bool vt_machine_open_drive (VtMachine *machine, const VtDiskConfig *disk, Drive *drive, GError **error);
/* Requests that a full or failing host disk held back: try them again, or end them with their errors. */
void vt_machine_retry_drives (VtMachine *machine);
void vt_machine_end_drive_waits (VtMachine *machine);

/* --- consoles.c --- */
bool vt_machine_open_consoles (VtMachine *machine, GError **error);
void vt_machine_close_consoles (VtMachine *machine);
/* Until the machine first runs, input waits: what arrived before a restore would be overwritten by it. Machine lock. */
void vt_machine_hold_input (VtMachine *machine);
void vt_machine_release_input (VtMachine *machine);

/* --- screen.c --- */
/* Another head, with a monitor as the configuration has it. */
VtSurface *vt_machine_add_surface (VtMachine *machine);

/* --- networks.c --- */
bool vt_machine_open_sound (VtMachine *machine, GError **error);
void vt_machine_close_sound (VtMachine *machine);   /* after the devices */
bool vt_machine_open_nets (VtMachine *machine, GError **error);    /* machine lock held */
void vt_machine_close_nets (VtMachine *machine);
VtNet *vt_machine_open_net (VtMachine *machine, const VtNetConfig *config, GError **error);   /* machine lock held */
/* Control thread, machine lock not held: it is closed when this returns. */
void vt_machine_close_net (VtMachine *machine, VtNet *net);
void vt_machine_mac (const VtMachine *machine, unsigned card, uint8_t mac[6]);

/* --- tpm.c --- */
bool vt_machine_open_tpm (VtMachine *machine, GError **error);
void vt_machine_close_tpm (VtMachine *machine);     /* while there is a loop */
/* Before the rest of a machine that stands is written, machine lock not held: swtpm is asked, and waited for. */
bool vt_machine_collect_tpm (VtMachine *machine, GError **error);
bool vt_machine_load_tpm (VtMachine *machine, const uint8_t *bytes, size_t len, GError **error);

/* --- live.c --- */
/* Of a card of either kind. Machine lock. */
void vt_machine_set_cable (VtDevice *card, bool plugged_in);
/* After a restore: switches learn anew where the cards are. Machine lock. */
void vt_machine_announce_cards (VtMachine *machine);

/* --- x86-hotplug.c --- */
void vt_hot_port_free (gpointer port);
/* The machine has stopped for good: who waits for a card has it. */
void vt_machine_end_removals (VtMachine *machine);

/* --- usb-ports.c --- */
void vt_usb_port_free (gpointer port);

/* --- input.c --- */
void            vt_machine_add_input (VtMachine *machine, VtInputSink sink);
VtLedSink       vt_machine_leds (VtMachine *machine);
VtListeningSink vt_machine_listening (VtMachine *machine);

/* --- typing.c --- */
GPtrArray *vt_typings_new (void);
