/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A guest with a display and nothing else, for display-bench.c. Apart from it, because engine and application each have a
 * screen.h. */
#pragma once

#include "backend.h"

#define BENCH_WIDTH 1920
#define BENCH_HEIGHT 1080

typedef struct BenchGuest BenchGuest;

BenchGuest *bench_guest_new (void);
/* What a processor would store, with the notices that it would give. */
void        bench_guest_write (BenchGuest *guest, int x, int y, int width, int height, guint32 color);
gboolean    bench_guest_acquire (BenchGuest *guest, guint64 seen, VitrineFrame *out);
void        bench_guest_release (VitrineFrame *frame);
