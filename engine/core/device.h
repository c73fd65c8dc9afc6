/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The device contract.
 *
 * One device is one .c file: registers, state block and its table, instance, read/write, settle/check, class.  Everything
 * from outside is handed in through VtEnv at realize.  All entry points run under the machine lock.
 *
 *   new -> realized -> paused <-> running -> gone         (vt_device_transition() asserts the order)
 *
 * There is no reset callback: reset copies the table's at_reset values over the state block and calls settle().
 * There are no save and load callbacks: the table does it, into a scratch block that check() accepts or refuses.
 */
#pragma once

#include "bits.h"
#include "clock.h"
#include "irq.h"
#include "mem.h"
#include "state.h"

typedef struct VtDevice      VtDevice;
typedef struct VtDeviceClass VtDeviceClass;

typedef enum
{
  VT_RESET_POWER,   /* cold: kept fields too */
  VT_RESET_GUEST,   /* the guest or the person asked: kept fields stay */
  VT_RESET_BUS,     /* the bus above was reset (PCI function level or secondary bus reset) */
} VtResetKind;

typedef enum
{
  VT_DEVICE_NEW,
  VT_DEVICE_PAUSED,
  VT_DEVICE_RUNNING,
  VT_DEVICE_GONE,
} VtDevicePhase;

/* What every device may be handed. A device documents which members it needs; the rest may be NULL or zero.
 * Device-specific hand-ins (back ends, sizes, strings) are a struct of the device's own header, passed as `config`. */
typedef struct
{
  VtClock             *clock;
  VtDma               *dma;       /* guest memory as this device may reach it */
  VtIrq               *wires;     /* outgoing lines in the order documented by the device; copied at realize */
  size_t               n_wires;
  VtMsiSink            msi;
  VtMachinePort        machine;
  const void          *config;
} VtEnv;

struct VtDeviceClass
{
  const char   *name;            /* stable for ever: state stream, trace, inspector */
  const char   *summary;         /* one line for people */
  size_t        instance_size;   /* the struct that begins with VtDevice */
  size_t        state_off;       /* of the state block inside the instance */
  VtState       state;
  const VtReg  *regs;            /* nullable: register table for the inspector, fuzzer and generic accessors */
  size_t        n_regs;
  const VtRegion *const *regions; /* nullable, NULL-ended: every region the device can map; the generic tests drive them */
  bool          late;            /* machines were saved before it existed: restored, they have it as after a reset */

  /* The only step that may fail. Must undo nothing: finalize runs on a half-realized instance. */
  bool (*realize)  (VtDevice *dev, const VtEnv *env, GError **error);
  /* After reset and after load: timers, wire levels and caches are derived from the state block. */
  void (*settle)   (VtDevice *dev);
  /* Is this incoming state block one the device could be in? Touches nothing. NULL: every value is fine. */
  bool (*check)    (VtDevice *dev, const void *incoming, GError **error);
  /* Finish or park outstanding host I/O, then call done once (perhaps before returning). NULL: nothing outstanding. */
  void (*quiesce)  (VtDevice *dev, void (*done) (void *opaque), void *opaque);
  void (*resume)   (VtDevice *dev);
  void (*finalize) (VtDevice *dev);
  /* For generic tests: a small environment that lets the device be realized alone. NULL: VtEnv with clock and dma. */
  const void *(*test_config) (void);
};

struct VtDevice
{
  const VtDeviceClass *cls;
  char                *path;    /* unique in the machine, stable: "pic", "pci/00:1f.2" */
  VtDevicePhase        phase;
  uint32_t             guest_warnings;   /* how often the guest did something no driver should */
};

VtDevice *vt_device_new (const VtDeviceClass *cls, const char *path);
bool      vt_device_realize (VtDevice *dev, const VtEnv *env, GError **error) G_GNUC_WARN_UNUSED_RESULT;
void      vt_device_reset (VtDevice *dev, VtResetKind kind);
void      vt_device_set_running (VtDevice *dev, bool running);
void      vt_device_free (VtDevice *dev);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VtDevice, vt_device_free)

void *vt_device_state (VtDevice *dev);

/* State stream of one device. Load is all or nothing. */
void vt_device_save (VtDevice *dev, GByteArray *out);
bool vt_device_load (VtDevice *dev, unsigned version, const uint8_t *data, size_t len, GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* A guest mistake: counted, traced, rate-limited in the log, never fatal. */
void vt_guest_warn (VtDevice *dev, const char *format, ...) G_GNUC_PRINTF (2, 3);

/* Written by meson from the device list; NULL-ended. */
extern const VtDeviceClass *const vt_device_classes[];
const VtDeviceClass *vt_device_class_find (const char *name);
