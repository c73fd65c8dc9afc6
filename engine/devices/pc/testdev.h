/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The test device that x86 test guests (kvm-unit-tests) expect: echo ports, interrupt lines, slow memory. */
#pragma once

#include "device.h"

#define VT_TESTDEV_IRQS 24u
#define VT_TESTDEV_MEMORY_BYTES 0x10000u

/* Wires: [0..23] are interrupt lines 0..23 of the I/O APIC (and PIC, below 16). */

/* VtEnv.config. */
typedef struct
{
  VtRam *ram;   /* borrowed, VT_TESTDEV_MEMORY_BYTES long; nullable: the memory region reads as zero */
} VtTestdevConfig;

extern const VtDeviceClass vt_testdev_class;
extern const VtRegion vt_testdev_echo_region;     /* I/O 0xe0, 4 bytes, any size */
extern const VtRegion vt_testdev_flush_region;    /* I/O 0xe4, 4 bytes */
extern const VtRegion vt_testdev_bytes_region;    /* I/O 0xe8, 4 bytes, one at a time */
extern const VtRegion vt_testdev_irq_region;      /* I/O 0x2000, 24 bytes */
extern const VtRegion vt_testdev_memory_region;   /* memory 0xff000000, 64 KiB: RAM behind registers */
