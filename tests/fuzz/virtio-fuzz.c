/* SPDX-License-Identifier: GPL-3.0-or-later */
/* libFuzzer target for any virtio PCI device: virtio-fuzz NAME [libFuzzer options].
 *
 * Where device-fuzz knows nothing, this is a driver: the input says which features are agreed on, and is then a list of
 * elements with contents for the queues, of either layout, some of them wrong; of kicks, time, configuration and resets.
 */
#include "input.h"

#include "virtio-pci.h"

enum
{
  SIZE = 8,                 /* of the rings */
  QUEUES = 5,               /* that are started; more than that differ in nothing */
  QUEUE_BYTES = 0x1000,     /* a queue's areas ... */
  DRIVER = 0x400, DEVICE = 0x600, TABLE = 0x800,
  BUFFERS = QUEUES * QUEUE_BYTES, BUFFER_BYTES = 0x400,
  LONGEST_NS = 20000000,

  STATUS = 0x14, QUEUE_SELECT = 0x16, QUEUE_SIZE = 0x18, QUEUE_ENABLE = 0x1c, QUEUE_DESC = 0x20, QUEUE_DRIVER = 0x28,
  QUEUE_DEVICE = 0x30, CONFIG = 0x2000, NOTIFY = 0x3000,
};

static const VtDeviceClass *device_class;
static unsigned             next[QUEUES];     /* elements offered; packed: descriptors */
static bool                 packed;

static void
put (Rig *rig, uint64_t off, uint64_t value, unsigned size)
{
  vt_virtio_pci_write (rig->dev, off, value, size);
}

static void
start (Rig *rig, Input *input)
{
  VtVirtio *virtio = &((VtVirtioPci *) rig->dev)->virtio;
  uint64_t  features = (virtio->features & take (input, 8)) | VIRTIO_F_VERSION_1;
  vt_pci_config_write ((VtPciFunction *) rig->dev, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
  put (rig, STATUS, 0, 1);
  put (rig, STATUS, 3, 1);
  for (unsigned i = 0; i < 2; i++)
    {
      put (rig, 0x08, i, 4);
      put (rig, 0x0c, (uint32_t) (features >> (32 * i)), 4);
    }
  put (rig, STATUS, 11, 1);
  packed = (features & VIRTIO_F_RING_PACKED) != 0;
  memset (rig->host, 0, BUFFERS);
  for (unsigned i = 0; i < MIN (QUEUES, virtio->n_queues); i++)
    {
      put (rig, QUEUE_SELECT, i, 2);
      put (rig, QUEUE_SIZE, SIZE, 2);
      put (rig, QUEUE_DESC, i * QUEUE_BYTES, 4);
      put (rig, QUEUE_DRIVER, i * QUEUE_BYTES + DRIVER, 4);
      put (rig, QUEUE_DEVICE, i * QUEUE_BYTES + DEVICE, 4);
      put (rig, QUEUE_ENABLE, 1, 2);
      next[i] = 0;
    }
  put (rig, STATUS, 15, 1);
}

/* Kind: 0 readable, 1 writable, with more of them behind it or not; now and then something else. */
static void
put_desc (Rig *rig, Input *input, unsigned queue, unsigned position, bool last)
{
  unsigned kind = (unsigned) take (input, 1), index = position % SIZE, slot = queue * SIZE + index;
  uint64_t at = BUFFERS + slot * BUFFER_BYTES % (RIG_RAM_BYTES - BUFFERS - BUFFER_BYTES);
  unsigned flags = (kind & 1 ? 2 : 0) | (last ? 0 : 1);
  uint32_t len = (uint32_t) take (input, 1) * (kind & 2 ? 4 : 1);
  size_t   n = MIN (MIN (len, BUFFER_BYTES), kind & 1 ? 0 : input->left);
  uint8_t *desc = rig->host + queue * QUEUE_BYTES + index * 16;
  memcpy (rig->host + at, input->at, n);
  input->at += n;
  input->left -= n;
  if (kind >= 0xf8)
    {
      at = take (input, 4);
      len = (uint32_t) take (input, 4);
      flags ^= (unsigned) take (input, 1) & 7;
    }
  vt_store_le (desc, at, 8);
  vt_store_le (desc + 8, len, 4);
  if (packed)
    flags |= position / SIZE % 2 == 0 ? 0x80 : 0x8000;
  vt_store_le (desc + (packed ? 14 : 12), flags, 2);
  vt_store_le (desc + (packed ? 12 : 14), packed ? index : (index + 1) % SIZE, 2);
}

static void
offer (Rig *rig, Input *input)
{
  unsigned queue = (unsigned) take (input, 1) % QUEUES, n = 1 + (unsigned) take (input, 1) % 4;
  unsigned first = next[queue];
  uint8_t *avail = rig->host + queue * QUEUE_BYTES + DRIVER;
  for (unsigned i = n; i-- > 0;)
    put_desc (rig, input, queue, first + i, i + 1 == n);
  next[queue] += n;
  if (!packed)
    {
      unsigned entry = (unsigned) vt_load_le (avail + 2, 2);
      vt_store_le (avail + 4 + entry % SIZE * 2, first % SIZE, 2);
      vt_store_le (avail + 2, entry + 1, 2);
    }
  put (rig, NOTIFY + 4 * queue, queue, 2);
}

static void
run_step (Rig *rig, Input *input)
{
  uint64_t op = take (input, 1);
  switch (op & 15)
    {
    case 0: vt_clock_advance (rig->clock, (int64_t) (take (input, 4) % LONGEST_NS)); break;
    case 1: put (rig, CONFIG + (take (input, 1) & 0xfc), take (input, 4), 4); break;
    case 2: vt_virtio_pci_read (rig->dev, CONFIG + (take (input, 1) & 0xfc), 4); break;
    case 3: fill_memory (rig, input); break;
    case 4: put (rig, NOTIFY + 4 * (take (input, 1) & 31), 0, 2); break;
    case 5:
      if (op & 0x80)
        start (rig, input);
      break;
    case 6:
      rig_pause (rig);
      vt_device_set_running (rig->dev, true);
      if (rig->dev->cls->resume != NULL)
        rig->dev->cls->resume (rig->dev);
      break;
    default: offer (rig, input); break;
    }
}

static bool
is_virtio_pci (const VtDeviceClass *cls)
{
  return g_str_has_prefix (cls->name, "virtio-") && g_str_has_suffix (cls->name, "-pci");
}

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  device_class = take_device (argc, argv, vt_device_classes, is_virtio_pci);
  return 0;
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t len)
{
  run_input (device_class, data, len, start, run_step);
  return 0;
}
