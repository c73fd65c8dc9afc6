/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target for display devices with somebody who looks: display-fuzz NAME [libFuzzer options].
 *
 * An input is a list of operations: register accesses, guest memory, pictures for ramfb, commands for virtio-gpu (any,
 * and such for blobs as are nearly right), new monitors, and looking at the screen.  device-fuzz knows the same devices
 * without a screen.
 */
#include "input.h"

#include "bochs.h"
#include "display.h"
#include "pci-function.h"
#include "ramfb.h"
#include "stdvga.h"
#include "virtio-gpu.h"
#include "virtio-pci.h"

enum
{
  F_EDID = 1 << 1, F_RESOURCE_BLOB = 1 << 3,
  CMD_RESOURCE_CREATE_BLOB = 0x10c, CMD_SET_SCANOUT_BLOB = 0x10d,
  QUEUE_ENTRIES = 16, DESC = 0x1000, AVAIL = 0x2000, USED = 0x3000, QUEUE_STRIDE = 0x4000,
  REQUEST = 0xa000, RESPONSE = 0xc000, RESPONSE_BYTES = 0x1000,
  HEADS = 2,
  DRIVER_SELECT = 0x08, DRIVER_FEATURE = 0x0c, DEVICE_STATUS = 0x14, QUEUE_SELECT = 0x16, QUEUE_SIZE = 0x18,
  QUEUE_ENABLE = 0x1c, QUEUE_DESC = 0x20, QUEUE_DRIVER = 0x28, QUEUE_DEVICE = 0x30, NOTIFY = 0x3000,
};

static const VtDeviceClass *device_class;

typedef struct
{
  Rig        rig;
  VtRam     *vram, *store;      /* small, and outlive the inputs */
  VtSurface *surface[HEADS];
  uint64_t   seen[HEADS];
  uint16_t   avail[2];
} World;

static bool
is_gpu (void)
{
  return device_class == &vt_virtio_gpu_pci || device_class == &vt_virtio_vga;
}

/* --- The device --------------------------------------------------------------------------------------------------- */

static void
plug (World *world)
{
  Rig     *rig = &world->rig;
  GError  *error = NULL;
  VtStdvgaConfig       vga = { .vram = world->vram, .surface = world->surface[0] };
  VtBochsDisplayConfig bochs = { .vram = world->vram, .surface = world->surface[0] };
  VtRamfbConfig        ramfb = { world->surface[0] };
  VtVirtioGpuConfig    gpu = { .vram = world->vram, .store = world->store,
                               .surfaces = { world->surface[0], world->surface[1] }, .n_scanouts = HEADS };
  VtEnv env = { .clock = rig->clock, .dma = &rig->dma, .msi = { rig_message_sent, rig },
                .config = is_gpu ()                            ? (const void *) &gpu
                          : device_class == &vt_ramfb_class    ? (const void *) &ramfb
                          : device_class == &vt_bochs_display  ? (const void *) &bochs
                                                               : (const void *) &vga };
  VtIrq wire = { .set = rig_wire_moved, .sink = rig, .muted = &rig->loading };
  env.wires = &wire;
  env.n_wires = 1;
  rig->dev = vt_device_new (device_class, device_class->name);
  bool realized = vt_device_realize (rig->dev, &env, &error);
  g_assert_no_error (error);
  g_assert_true (realized);
  vt_device_reset (rig->dev, VT_RESET_POWER);
  vt_device_set_running (rig->dev, true);
  if (device_class != &vt_ramfb_class)
    vt_pci_config_write ((VtPciFunction *) rig->dev, PCI_COMMAND,
                         PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

/* --- A driver of virtio-gpu --------------------------------------------------------------------------------------- */

static void
set (World *world, uint64_t off, uint64_t value, unsigned size)
{
  for (unsigned i = 0; i < size; i += 4)
    vt_virtio_pci_write (world->rig.dev, off + i, value >> (8 * i) & vt_mask_bytes (MIN (size, 4)), MIN (size, 4));
}

static void
start_driver (World *world)
{
  set (world, DEVICE_STATUS, 3, 1);
  set (world, DRIVER_SELECT, 0, 4);
  set (world, DRIVER_FEATURE, F_EDID | F_RESOURCE_BLOB, 4);
  set (world, DRIVER_SELECT, 1, 4);
  set (world, DRIVER_FEATURE, 1, 4);
  set (world, DEVICE_STATUS, 11, 1);
  for (unsigned queue = 0; queue < 2; queue++)
    {
      set (world, QUEUE_SELECT, queue, 2);
      set (world, QUEUE_SIZE, QUEUE_ENTRIES, 2);
      set (world, QUEUE_DESC, DESC + queue * QUEUE_STRIDE, 8);
      set (world, QUEUE_DRIVER, AVAIL + queue * QUEUE_STRIDE, 8);
      set (world, QUEUE_DEVICE, USED + queue * QUEUE_STRIDE, 8);
      set (world, QUEUE_ENABLE, 1, 2);
      world->avail[queue] = 0;
    }
  set (world, DEVICE_STATUS, 15, 1);
}

static void
put_desc (World *world, unsigned queue, unsigned i, uint64_t at, uint32_t len, unsigned flags)
{
  uint8_t *entry = world->rig.host + DESC + queue * QUEUE_STRIDE + i * 16;
  vt_store_le (entry, at, 8);
  vt_store_le (entry + 8, len, 4);
  vt_store_le (entry + 12, flags | (i + 1u) << 16, 4);
}

/* The request is `len` bytes long. */
static void
send_request (World *world, unsigned queue, uint32_t len)
{
  uint8_t *avail = world->rig.host + AVAIL + queue * QUEUE_STRIDE;
  put_desc (world, queue, 0, REQUEST, len, 1);
  put_desc (world, queue, 1, RESPONSE, RESPONSE_BYTES, 2);
  vt_store_le (avail + 4 + world->avail[queue] % QUEUE_ENTRIES * 2, 0, 2);
  vt_store_le (avail + 2, ++world->avail[queue], 2);
  set (world, NOTIFY + 4 * queue, queue, 2);
}

/* Fields are small numbers more often than not: ids that exist, sizes that fit. */
static void
send_command (World *world, Input *input)
{
  static const uint16_t types[16] = { 0x100, 0x101, 0x101, 0x102, 0x103, 0x103, 0x104, 0x104,
                                      0x105, 0x105, 0x106, 0x106, 0x107, 0x10a, 0x300, 0x301 };
  uint64_t kind = take (input, 1);
  unsigned type = types[kind & 15], len = 24;
  uint8_t *request = world->rig.host + REQUEST;
  memset (request, 0, 96);
  vt_store_le (request, type, 4);
  for (unsigned n = 0; n < (kind >> 4) + 2; n++, len += 4)
    {
      uint64_t shape = take (input, 1);
      vt_store_le (request + len, shape < 0xe0 ? shape & 0x7f : take (input, 4), 4);
    }
  send_request (world, type >= 0x300, len);
}

/* A field of 32 bits that has the right number mostly. */
static uint32_t
nearly (Input *input, uint32_t right)
{
  uint64_t shape = take (input, 1);
  return shape < 0xe0 ? right : shape < 0xf0 ? right + (uint32_t) (shape & 15) - 8 : (uint32_t) take (input, 4);
}

/* Blobs 0 to 3, of up to seven pieces of guest memory. */
static void
create_blob (World *world, Input *input)
{
  uint8_t *request = world->rig.host + REQUEST;
  uint64_t shape = take (input, 1), bytes = 0;
  uint32_t n = shape >> 2 & 7;
  memset (request, 0, 56 + 16 * 7);
  for (uint32_t i = 0; i < n; i++)
    {
      uint32_t len = (uint32_t) take (input, 2);
      vt_store_le (request + 56 + 16 * i, nearly (input, (uint32_t) take (input, 2)), 8);
      vt_store_le (request + 64 + 16 * i, len, 4);
      bytes += len;
    }
  vt_store_le (request, CMD_RESOURCE_CREATE_BLOB, 4);
  vt_store_le (request + 24, shape & 3, 4);
  vt_store_le (request + 28, nearly (input, 1), 4);
  vt_store_le (request + 32, nearly (input, 2), 4);
  vt_store_le (request + 36, nearly (input, n), 4);
  vt_store_le (request + 48, nearly (input, (uint32_t) bytes), 4);
  vt_store_le (request + 52, shape >> 5 == 7 ? take (input, 4) : 0, 4);
  send_request (world, 0, 56 + 16 * n);
}

static void
show_blob (World *world, Input *input)
{
  uint8_t *request = world->rig.host + REQUEST;
  uint64_t shape = take (input, 1);
  uint32_t width = (uint32_t) take (input, 1), height = (uint32_t) take (input, 1), x = shape >> 3 & 3, y = shape >> 5;
  memset (request, 0, 96);
  vt_store_le (request, CMD_SET_SCANOUT_BLOB, 4);
  vt_store_le (request + 24, nearly (input, x), 4);
  vt_store_le (request + 28, nearly (input, y), 4);
  vt_store_le (request + 32, nearly (input, width - x), 4);
  vt_store_le (request + 36, nearly (input, height - y), 4);
  vt_store_le (request + 40, shape >> 2 & 1, 4);
  vt_store_le (request + 44, shape & 3, 4);
  vt_store_le (request + 48, width, 4);
  vt_store_le (request + 52, height, 4);
  vt_store_le (request + 56, nearly (input, 2), 4);
  vt_store_le (request + 64, nearly (input, width * 4), 4);
  vt_store_le (request + 80, nearly (input, 0), 4);
  send_request (world, 0, 96);
}

/* --- Operations --------------------------------------------------------------------------------------------------- */

static void
access_register (World *world, Input *input, bool write)
{
  const VtRegion *region = take_region (input, device_class);
  if (region == NULL)
    return;
  unsigned size = take_size (input, region);
  access_region (&world->rig, input, region, take (input, 3) % region->length, size, write);
}

static void
configure_ramfb (World *world, Input *input)
{
  uint8_t file[VT_RAMFB_FILE_BYTES] = { 0 };
  uint64_t shape = take (input, 1);
  for (unsigned i = 0; i < sizeof file; i++)
    file[i] = (uint8_t) take (input, 1);
  if (shape & 1)
    memcpy (file + 8, "42RX", 4);            /* a format that there is */
  if (shape & 2)
    memset (file, 0, 6);                     /* an address that there may be */
  if (shape & 4)
    memset (file + 16, 0, 2), memset (file + 20, 0, 2), memset (file + 24, 0, 2);
  if (device_class == &vt_ramfb_class)
    vt_ramfb_configure (world->rig.dev, file, sizeof file);
}

static void
look (World *world)
{
  for (unsigned i = 0; i < HEADS; i++)
    {
      VtSurfaceFrame frame;
      if (!vt_surface_acquire (world->surface[i], world->seen[i], &frame))
        continue;
      world->seen[i] = frame.sequence;
      vt_surface_release (&frame);
    }
}

static void
run_step (World *world, Input *input)
{
  uint64_t op = take (input, 1);
  switch (op & 15)
    {
    case 0: vt_clock_advance (world->rig.clock, (int64_t) (take (input, 4) % 20000000)); break;
    case 1: fill_memory (&world->rig, input); break;
    case 2: vt_device_reset (world->rig.dev, op & 16 ? VT_RESET_BUS : VT_RESET_GUEST); break;
    case 3:
      vt_surface_set_monitor (world->surface[op >> 7],
                              &(VtMonitor) { (uint32_t) take (input, 2), (uint32_t) take (input, 2) }, op & 16);
      break;
    case 4 ... 5: look (world); break;
    case 6 ... 7: access_register (world, input, false); break;
    case 8 ... 10: access_register (world, input, true); break;
    default:
      if (is_gpu () && (op & 15) < 14)
        send_command (world, input);
      else if (is_gpu ())
        (op & 1 ? show_blob : create_blob) (world, input);
      else if (device_class == &vt_ramfb_class)
        configure_ramfb (world, input);
      else
        access_register (world, input, true);
      break;
    }
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  static const VtDeviceClass *const classes[]
      = { &vt_stdvga, &vt_bochs_display, &vt_ramfb_class, &vt_virtio_gpu_pci, &vt_virtio_vga, NULL };
  device_class = take_device (argc, argv, classes, NULL);
  return 0;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  static World world;
  begin_anew (&world.rig);
  if (world.vram == NULL)
    {
      world.vram = vt_ram_new ("vram", g_aligned_alloc0 (1, VT_MIB, VT_PAGE_SIZE), VT_MIB, NULL);
      world.store = vt_ram_new ("gpu", g_aligned_alloc0 (1, 4 * VT_MIB, VT_PAGE_SIZE), 4 * VT_MIB, NULL);
    }
  memset (world.vram->host, 0, world.vram->size);
  for (unsigned i = 0; i < HEADS; i++)
    {
      world.surface[i] = vt_surface_new ();
      world.seen[i] = 0;
    }
  plug (&world);
  if (is_gpu ())
    start_driver (&world);
  Input input = { data, len };
  while (input.left > 0)
    run_step (&world, &input);
  rig_unplug (&world.rig);
  for (unsigned i = 0; i < HEADS; i++)
    vt_surface_free (world.surface[i]);
  return 0;
}
