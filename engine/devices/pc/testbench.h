/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the tests of single devices share: a manual clock, wires that remember, and register access as a bus does it. */
#pragma once

#include "device.h"

#define BENCH_WIRES 32

typedef struct
{
  VtClock   *clock;
  VtDevice  *dev;
  bool       level[BENCH_WIRES];
  unsigned   rises[BENCH_WIRES];
  unsigned   falls[BENCH_WIRES];
  VtIrq      in[BENCH_WIRES];   /* for the test's own use: wires into the device */
  unsigned   messages;      /* MSI writes */
  uint64_t   msi_address;
  uint32_t   msi_data;
  unsigned   requests;      /* to the machine */
  VtRequest  request;
  uint32_t   request_value;
} Bench;

static inline void
bench_wire (void *sink, unsigned pin, bool level)
{
  Bench *bench = sink;
  bench->level[pin] = level;
  if (level)
    bench->rises[pin]++;
  else
    bench->falls[pin]++;
}

static inline void
bench_msi (void *sink, uint64_t address, uint32_t data)
{
  Bench *bench = sink;
  bench->messages++;
  bench->msi_address = address;
  bench->msi_data = data;
}

static inline void
bench_request (void *sink, VtRequest what, uint32_t value)
{
  Bench *bench = sink;
  bench->requests++;
  bench->request = what;
  bench->request_value = value;
}

static inline void
bench_init (Bench *bench, const VtDeviceClass *cls, const void *config)
{
  *bench = (Bench) { .clock = vt_clock_new_manual () };
  VtIrq wires[BENCH_WIRES];
  for (unsigned i = 0; i < BENCH_WIRES; i++)
    wires[i] = (VtIrq) { .set = bench_wire, .sink = bench, .pin = i, .label = "bench" };
  VtEnv env = { .clock = bench->clock, .wires = wires, .n_wires = BENCH_WIRES, .msi = { bench_msi, bench },
                .machine = { bench_request, bench }, .config = config };
  GError *error = NULL;
  bench->dev = vt_device_new (cls, cls->name);
  bool ok = vt_device_realize (bench->dev, &env, &error);
  g_assert_no_error (error);
  g_assert_true (ok);
  vt_device_reset (bench->dev, VT_RESET_POWER);
  vt_device_set_running (bench->dev, true);
  vt_clock_start (bench->clock);
}

static inline void
bench_clear (Bench *bench)
{
  vt_device_set_running (bench->dev, false);
  vt_device_free (bench->dev);
  vt_clock_free (bench->clock);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

static inline uint64_t
bench_read (Bench *bench, const VtRegion *region, uint64_t off, unsigned size)
{
  return region->ops->read (bench->dev, off, size);
}

static inline void
bench_write (Bench *bench, const VtRegion *region, uint64_t off, uint64_t value, unsigned size)
{
  region->ops->write (bench->dev, off, value, size);
}

static inline uint8_t
bench_in (Bench *bench, const VtRegion *region, uint64_t off)
{
  return (uint8_t) bench_read (bench, region, off, 1);
}

static inline void
bench_out (Bench *bench, const VtRegion *region, uint64_t off, uint8_t value)
{
  bench_write (bench, region, off, value, 1);
}

static inline void
bench_forget (Bench *bench)
{
  memset (bench->rises, 0, sizeof bench->rises);
  memset (bench->falls, 0, sizeof bench->falls);
  bench->messages = 0;
  bench->requests = 0;
}
