/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A small machine around one device, for tests that know nothing of it: memory, a manual clock, wires, and a history of all
 * that the device did to them. */
#pragma once

#include "device.h"

#define RIG_RAM_BYTES (128 * VT_KIB)
#define RIG_WIRES   64

typedef struct
{
  VtClock  *clock;
  VtMem    *mem;
  VtRam    *ram;
  uint8_t  *host;
  VtDma     dma;
  VtDevice *dev;
  bool      level[RIG_WIRES];
  bool      loading;      /* mutes the wires */
  unsigned  edges;
  uint64_t  history;      /* of edges, messages and requests with their times */
} Rig;

static inline void
rig_note (Rig *rig, uint64_t event)
{
  uint64_t value = event ^ (uint64_t) vt_clock_now (rig->clock) << 20;
  rig->history = (rig->history ^ value) * UINT64_C (0x100000001b3);
}

static inline void
rig_wire_moved (void *sink, unsigned pin, bool level)
{
  Rig *rig = sink;
  rig->level[pin] = level;
  rig->edges++;
  rig_note (rig, 1 + pin * 2 + level);
}

static inline void
rig_message_sent (void *sink, uint64_t address, uint32_t data)
{
  rig_note (sink, address << 32 ^ data ^ UINT64_C (0x5555));
}

static inline void
rig_requested (void *sink, VtRequest what, uint32_t value)
{
  rig_note (sink, 0x7777 + what + ((uint64_t) value << 8));
}

/* Everything but the device. */
static inline void
rig_init_world (Rig *rig)
{
  *rig = (Rig) { .clock = vt_clock_new_manual () };
  g_autoptr(GError) error = NULL;
  rig->host = g_aligned_alloc0 (1, RIG_RAM_BYTES, VT_PAGE_SIZE);
  rig->ram = vt_ram_new ("test", rig->host, RIG_RAM_BYTES, NULL);
  rig->mem = vt_mem_new ("memory", VT_GIB, NULL);
  vt_mem_map_ram (rig->mem, rig->ram, 0, VT_GPA (0), RIG_RAM_BYTES, 0, VT_ACCESS_RAM, VT_ACCESS_RAM, &error);
  g_assert_no_error (error);
  rig->dma = (VtDma) { .mem = rig->mem };
}

/* A device just switched on, running. */
static inline void
rig_plug (Rig *rig, const VtDeviceClass *cls)
{
  g_autoptr(GError) error = NULL;
  VtIrq wires[RIG_WIRES];
  for (unsigned i = 0; i < RIG_WIRES; i++)
    wires[i] = (VtIrq) { .set = rig_wire_moved, .sink = rig, .pin = i, .label = "test", .muted = &rig->loading };
  VtEnv env = { .clock = rig->clock, .dma = &rig->dma, .wires = wires, .n_wires = RIG_WIRES,
                .msi = { rig_message_sent, rig }, .machine = { rig_requested, rig },
                .config = cls->test_config != NULL ? cls->test_config () : NULL };
  rig->dev = vt_device_new (cls, cls->name);
  bool realized = vt_device_realize (rig->dev, &env, &error);
  g_assert_no_error (error);
  g_assert_true (realized);
  vt_device_reset (rig->dev, VT_RESET_POWER);
  vt_device_set_running (rig->dev, true);
}

static inline void
rig_init (Rig *rig, const VtDeviceClass *cls)
{
  rig_init_world (rig);
  rig_plug (rig, cls);
}

static inline void
rig_set_done (void *opaque)
{
  *(bool *) opaque = true;
}

/* Paused, and no I/O is outstanding. */
static inline void
rig_pause (Rig *rig)
{
  vt_device_set_running (rig->dev, false);
  if (rig->dev->cls->quiesce == NULL)
    return;
  bool done = false;
  rig->dev->cls->quiesce (rig->dev, rig_set_done, &done);
  for (unsigned i = 0; i < 10000 && !done; i++)
    g_main_context_iteration (NULL, FALSE);
  g_assert_true (done);
}

static inline void
rig_unplug (Rig *rig)
{
  rig_pause (rig);
  vt_device_free (rig->dev);
}

static inline void
rig_clear (Rig *rig)
{
  rig_unplug (rig);
  vt_mem_free (rig->mem);
  vt_ram_free (rig->ram);
  g_aligned_free (rig->host);
  vt_clock_free (rig->clock);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Rig, rig_clear)
