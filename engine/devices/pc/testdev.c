/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Test device of kvm-unit-tests: ports and memory by which a test guest checks the emulator that runs it (its lib/x86 headers
 * and x86 tests say what is where). */
#include "testdev.h"

typedef struct
{
  uint8_t echo[4];
  uint8_t bytes[4];
  bool    lines[VT_TESTDEV_IRQS];
} TestdevState;

static const VtField testdev_fields[] = {
  VT_FIELD (TestdevState, echo),
  VT_FIELD (TestdevState, bytes),
  VT_FIELD (TestdevState, lines),
};

typedef struct
{
  VtDevice     dev;
  TestdevState s;
  VtIrq        irq[VT_TESTDEV_IRQS];
  VtRam       *ram;
} Testdev;

static uint64_t
echo_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return vt_load_le (((Testdev *) dev)->s.echo + off, size);
}

static void
echo_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  vt_store_le (((Testdev *) dev)->s.echo + off, value, size);
}

static uint64_t
bytes_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return ((Testdev *) dev)->s.bytes[off];
}

static void
bytes_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  ((Testdev *) dev)->s.bytes[off] = (uint8_t) value;
}

/* The guest asks that the page at this address leave every cache of the host: ours are coherent, so there is nothing to do. */
static uint64_t
flush_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return 0;
}

static void
flush_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
}

static uint64_t
irq_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return ((Testdev *) dev)->s.lines[off];
}

static void
irq_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  Testdev *test = (Testdev *) dev;
  test->s.lines[off] = value != 0;
  vt_irq_set (&test->irq[off], value != 0);
}

/* RAM that is reached through handlers: each access is an exit. */
static uint64_t
memory_read (VtDevice *dev, uint64_t off, unsigned size)
{
  const VtRam *ram = ((Testdev *) dev)->ram;
  return ram != NULL ? vt_load_le (ram->host + off, size) : 0;
}

static void
memory_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  VtRam *ram = ((Testdev *) dev)->ram;
  if (ram == NULL)
    return;
  vt_store_le (ram->host + off, value, size);
  vt_ram_mark (ram, off, size);
}

static void
settle (VtDevice *dev)
{
  Testdev *test = (Testdev *) dev;
  for (unsigned i = 0; i < VT_TESTDEV_IRQS; i++)
    vt_irq_set (&test->irq[i], test->s.lines[i]);
}

static bool
realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Testdev *test = (Testdev *) dev;
  const VtTestdevConfig *config = env->config;
  test->ram = config != NULL ? config->ram : NULL;
  g_assert (test->ram == NULL || test->ram->size >= VT_TESTDEV_MEMORY_BYTES);
  for (unsigned i = 0; i < VT_TESTDEV_IRQS; i++)
    test->irq[i] = i < env->n_wires ? env->wires[i] : vt_irq_detached ("testdev");
  return true;
}

static const VtRegionOps echo_ops = { echo_read, echo_write, 1, 4 };
static const VtRegionOps bytes_ops = { bytes_read, bytes_write, 1, 1 };
static const VtRegionOps flush_ops = { flush_read, flush_write, 1, 4 };
static const VtRegionOps irq_ops = { irq_read, irq_write, 1, 1 };
static const VtRegionOps memory_ops = { memory_read, memory_write, 1, 8 };

const VtRegion vt_testdev_echo_region = { "testdev-echo", 4, &echo_ops };
const VtRegion vt_testdev_flush_region = { "testdev-flush", 4, &flush_ops };
const VtRegion vt_testdev_bytes_region = { "testdev-bytes", 4, &bytes_ops };
const VtRegion vt_testdev_irq_region = { "testdev-irq", VT_TESTDEV_IRQS, &irq_ops };
const VtRegion vt_testdev_memory_region = { "testdev-memory", VT_TESTDEV_MEMORY_BYTES, &memory_ops };

static const VtRegion *const testdev_regions[] = {
  &vt_testdev_echo_region, &vt_testdev_flush_region, &vt_testdev_bytes_region, &vt_testdev_irq_region,
  &vt_testdev_memory_region, NULL,
};

const VtDeviceClass vt_testdev_class = {
  .name = "testdev",
  .summary = "device for test guests",
  .instance_size = sizeof (Testdev),
  .state_off = offsetof (Testdev, s),
  .state = VT_STATE (1, TestdevState, testdev_fields, NULL),
  .regions = testdev_regions,
  .realize = realize,
  .settle = settle,
};
