/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The chipset of the machine type pc: 440FX, PIIX3 and the power management of PIIX4, as firmware sets it up. */
#include "i440fx.h"
#include "piix3.h"
#include "piix4-pm.h"

#include "pci-rig.h"

/* --- A block of registers to be mapped, and the reset control ------------------------------------------------------- */

static uint64_t
block_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return 0x40 + off;
}

static unsigned resets;

static void
block_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  resets++;
}

static const VtRegionOps block_ops = { block_read, block_write, 1, 1 };
static const VtRegion    block_region = { "block", 64, &block_ops };
static const VtField     no_fields[] = { { "none", VT_U64, false, 1, 0, 8 } };
static const VtDeviceClass block_class = {
  .name = "block", .instance_size = sizeof (VtDevice) + sizeof (uint64_t), .state_off = sizeof (VtDevice),
  .state = { 1, no_fields, 1, sizeof (uint64_t), NULL },
};

typedef struct
{
  PciRig    pci;
  VtDevice *block, *host, *isa, *pm;
  bool      irq[VT_PIIX3_WIRES];
} Board;

static void
irq_changed (void *sink, unsigned pin, bool level)
{
  ((Board *) sink)->irq[pin] = level;
}

static VtDevice *
add_isa (Board *board)
{
  VtIrq wires[VT_PIIX3_WIRES], lines[VT_PIIX3_PIRQS];
  for (unsigned i = 0; i < VT_PIIX3_WIRES; i++)
    wires[i] = (VtIrq) { .set = irq_changed, .sink = board, .pin = i };
  VtPiix3Config config = { .place = { board->pci.bus, VT_PCI_DEVFN (1, 0), true } };
  VtEnv         env = { .dma = &board->pci.dma, .wires = wires, .n_wires = VT_PIIX3_WIRES, .config = &config };
  VtDevice     *dev = vt_device_new (&vt_piix3_isa, "isa");
  g_autoptr (GError) error = NULL;
  g_assert_true (vt_device_realize (dev, &env, &error));
  vt_device_reset (dev, VT_RESET_POWER);
  for (unsigned i = 0; i < VT_PIIX3_PIRQS; i++)
    lines[i] = vt_piix3_pirq (dev, i);
  vt_pci_bus_set_lines (board->pci.bus, vt_piix3_intx_pirq, lines, VT_PIIX3_PIRQS);
  return dev;
}

static Board *
board_new (void)
{
  Board  *board = g_new0 (Board, 1);
  PciRig *rig = &board->pci;
  pci_rig_init (rig);
  board->block = vt_device_new (&block_class, "block");
  board->host = pci_rig_add (rig, &vt_i440fx,
                             &(VtHostBridgeConfig) { .place = { rig->bus, 0 }, .mem = rig->mem, .io = rig->io, .low_ram = rig->ram,
                                                     .bus = rig->bus, .reset = board->block, .reset_region = &block_region });
  board->isa = add_isa (board);
  board->pm = pci_rig_add (rig, &vt_piix4_pm,
                           &(VtPiix4PmConfig) { .place = { rig->bus, VT_PCI_DEVFN (1, 3), true }, .io = rig->io,
                                                .pm = board->block, .pm_region = &block_region });
  vt_device_reset (board->host, VT_RESET_POWER);
  vt_device_reset (board->pm, VT_RESET_POWER);
  resets = 0;
  return board;
}

static void
board_free (Board *board)
{
  vt_device_free (board->pm);
  vt_device_free (board->isa);
  vt_device_free (board->host);
  vt_device_free (board->block);
  pci_rig_clear (&board->pci);
  g_free (board);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Board, board_free)

static uint32_t
in (Board *board, unsigned port, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (board->pci.io);
  return (uint32_t) vt_view_read (view, VT_GPA (port), size);
}

static void
out (Board *board, unsigned port, uint32_t value, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (board->pci.io);
  vt_view_write (view, VT_GPA (port), value, size);
}

static uint32_t
get (Board *board, unsigned devfn, unsigned off, unsigned size)
{
  out (board, 0xcf8, 0x80000000u | devfn << 8 | (off & ~3u), 4);
  return in (board, 0xcfc + (off & 3), size);
}

static void
set (Board *board, unsigned devfn, unsigned off, uint32_t value, unsigned size)
{
  out (board, 0xcf8, 0x80000000u | devfn << 8 | (off & ~3u), 4);
  out (board, 0xcfc + (off & 3), value, size);
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

static void
firmware_recognizes_the_chipset (void)
{
  g_autoptr (Board) board = board_new ();
  g_assert_cmphex (get (board, 0, 0, 4), ==, 0x12378086);
  g_assert_cmphex (get (board, VT_PCI_DEVFN (1, 0), 0, 4), ==, 0x70008086);
  g_assert_cmphex (get (board, VT_PCI_DEVFN (1, 0), 0x0e, 1), ==, 0x80);
  g_assert_cmphex (get (board, VT_PCI_DEVFN (1, 3), 0, 4), ==, 0x71138086);
  g_assert_cmphex (get (board, VT_PCI_DEVFN (1, 3), 0x58, 4) >> 25 & 1, ==, 1);
  out (board, 0xcf9, 6, 1);
  g_assert_cmpuint (resets, ==, 1);
}

static void
pam_is_at_59 (void)
{
  g_autoptr (Board) board = board_new ();
  pci_rig_put (&board->pci, 0xc8000, 0x12, 1);
  g_assert_cmphex (pci_rig_get (&board->pci, 0xc8000, 1), ==, 0xff);
  set (board, 0, 0x5b, 0x33, 1);
  pci_rig_put (&board->pci, 0xc8000, 0x12, 1);
  g_assert_cmphex (pci_rig_get (&board->pci, 0xc8000, 1), ==, 0x12);
  set (board, 0, 0x5b, 0x11, 1);
  pci_rig_put (&board->pci, 0xc8000, 0x34, 1);
  g_assert_cmphex (pci_rig_get (&board->pci, 0xc8000, 1), ==, 0x12);
  set (board, 0, 0x72, 0x4a, 1);
  pci_rig_put (&board->pci, 0xa0000, 0x56, 1);
  g_assert_cmphex (pci_rig_get (&board->pci, 0xa0000, 1), ==, 0x56);
  set (board, 0, 0x72, 0x1a, 1);
  set (board, 0, 0x72, 0x4a, 1);      /* locked */
  g_assert_cmphex (pci_rig_get (&board->pci, 0xa0000, 1), ==, 0xff);
}

static void
pirqs_are_steered_and_shared (void)
{
  g_autoptr (Board) board = board_new ();
  VtIrq a = vt_piix3_pirq (board->isa, 0), d = vt_piix3_pirq (board->isa, 3);
  vt_irq_set (&a, true);
  for (unsigned i = 0; i < VT_PIIX3_WIRES; i++)
    g_assert_false (board->irq[i]);
  set (board, VT_PCI_DEVFN (1, 0), 0x60, 10, 1);
  set (board, VT_PCI_DEVFN (1, 0), 0x63, 10, 1);
  g_assert_true (board->irq[10]);
  vt_irq_set (&d, true);
  vt_irq_set (&a, false);
  g_assert_true (board->irq[10]);
  set (board, VT_PCI_DEVFN (1, 0), 0x63, 8, 1);      /* the clock's: not possible */
  g_assert_false (board->irq[10]);
  g_assert_false (board->irq[8]);
  g_assert_cmpuint (vt_piix3_intx_pirq (1, 3), ==, 3);
  g_assert_cmpuint (vt_piix3_intx_pirq (3, 0), ==, 2);
}

static void
acpi_registers_are_where_pmbase_says (void)
{
  g_autoptr (Board) board = board_new ();
  unsigned pm = VT_PCI_DEVFN (1, 3);
  set (board, pm, 0x40, 0x601, 4);
  g_assert_cmphex (in (board, 0x602, 1), ==, 0xff);
  set (board, pm, 0x80, 1, 1);
  g_assert_cmphex (in (board, 0x602, 1), ==, 0x42);
  set (board, pm, 0x40, 0xb001, 4);
  g_assert_cmphex (in (board, 0x602, 1), ==, 0xff);
  g_assert_cmphex (in (board, 0xb03f, 1), ==, 0x7f);
  vt_device_reset (board->pm, VT_RESET_GUEST);
  g_assert_cmphex (in (board, 0xb03f, 1), ==, 0xff);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/piix/" #fn, fn)
  TEST (firmware_recognizes_the_chipset);
  TEST (pam_is_at_59);
  TEST (pirqs_are_steered_and_shared);
  TEST (acpi_registers_are_where_pmbase_says);
  return g_test_run ();
}
