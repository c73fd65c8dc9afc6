/* SPDX-License-Identifier: GPL-3.0-or-later */
/* virtio-gpu and virtio-vga: 2D graphics of VIRTIO 1.2, 5.7, for up to four monitors.
 *
 * What the guest makes - resources, their backing lists, pointers - lives in `store`, so all of it together is never
 * larger than that and is saved with the machine. Pixels of blobs (VIRTIO_GPU_F_RESOURCE_BLOB) stay in guest memory, and
 * are read there whenever a surface is refreshed. virtio-vga shows a VGA of its own (BAR0 is that one's memory) until the
 * driver has set its first scanout. Both need env->dma and env->clock. */
#pragma once

#include "pci-function.h"
#include "surface.h"

extern const VtDeviceClass vt_virtio_gpu_pci;
extern const VtDeviceClass vt_virtio_vga;

enum
{
  VT_VIRTIO_GPU_SCANOUTS = 4,
};

typedef struct
{
  VtPciPlace     place;
  VtRam *store; /* borrowed, 4 to 256 MiB, not mapped anywhere; NULL: 16 MiB of the device's own (not saved) */
  VtSurface     *surfaces[VT_VIRTIO_GPU_SCANOUTS];   /* NULL: nobody looks */
  unsigned       n_scanouts; /* 0: one */
  /* virtio-vga */
  VtRam *vram; /* borrowed, a power of two from 1 to 256 MiB; NULL: 16 MiB of the device's own (not saved) */
  const uint8_t *rom;        /* video BIOS, copied; NULL: none */
  size_t         rom_len;
  uint64_t   ring_forms;   /* VIRTIO_F_RING_PACKED, VIRTIO_F_IN_ORDER, VIRTIO_F_NOTIFICATION_DATA: those to offer */
} VtVirtioGpuConfig;

/* virtio-vga: the text on the screen as UTF-8 lines; NULL in graphics modes and while the driver draws. */
char *vt_virtio_vga_text (VtDevice *vga);
