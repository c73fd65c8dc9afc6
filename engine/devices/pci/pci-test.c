/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCI functions through the bus and through the q35 chipset. */
#include "ich9-lpc.h"
#include "pci-bus.h"
#include "q35-intx.h"
#include "q35-mch.h"

/* --- A card with one of everything -------------------------------------------------------------------------------- */

typedef struct
{
  VtPciState     pci;
  VtPciMsixState msix;
} CardState;

typedef struct
{
  VtPciFunction pci;
  CardState     s;
  VtRam        *ram;
} Card;

typedef struct
{
  VtPciPlace place;
} CardConfig;

static const VtField card_fields[] = { VT_PCI_FIELDS (CardState, pci), VT_PCI_MSIX_FIELDS (CardState, msix) };

static uint64_t
card_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return 0xc0ffee00u + off;
}

static void
card_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
}

static const VtRegionOps card_ops = { .read = card_read, .write = card_write, .min_size = 4, .max_size = 4 };
static const VtRegion    card_memory = { "card-memory", 0x1000, &card_ops };
static const VtRegion    card_ports = { "card-ports", 0x20, &card_ops };

static void
free_ram (void *host, uint64_t size)
{
  g_aligned_free (host);
}

static bool
card_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Card *card = (Card *) dev;
  static const VtPciIdentity identity
      = { .vendor = 0x1af4, .device = 0x0042, .class_code = 0xff0000, .interrupt_pin = 1 };
  static const uint8_t rom[6000] = { 0x55, 0xaa, 0x0c };
  if (!vt_pci_init (&card->pci, env, &((const CardConfig *) env->config)->place, &identity, &card->s.pci, error))
    return false;
  card->ram = vt_ram_new ("card", g_aligned_alloc0 (1, 0x10000, 4096), 0x10000, free_ram);
  vt_pci_add_bar (&card->pci, 0, 0, &card_memory);
  vt_pci_add_bar (&card->pci, 1, PCI_BAR_IO, &card_ports);
  vt_pci_add_ram_bar (&card->pci, 2, PCI_BAR_64 | PCI_BAR_PREFETCHABLE, card->ram);
  vt_pci_add_rom (&card->pci, rom, sizeof rom);
  vt_pci_add_msi (&card->pci);
  vt_pci_add_msix (&card->pci, 4, 3, &card->s.msix);
  vt_pci_add_power_management (&card->pci);
  return true;
}

static void
card_settle (VtDevice *dev)
{
  vt_pci_settle ((VtPciFunction *) dev, false);
}

static bool
card_check (VtDevice *dev, const void *incoming, GError **error)
{
  return vt_pci_check ((VtPciFunction *) dev, &((const CardState *) incoming)->pci, error);
}

static void
card_finalize (VtDevice *dev)
{
  vt_pci_finalize ((VtPciFunction *) dev);
  g_clear_pointer (&((Card *) dev)->ram, vt_ram_free);
}

static const VtDeviceClass card_class = {
  .name = "card", .summary = "one of everything", .instance_size = sizeof (Card), .state_off = offsetof (Card, s),
  .state = VT_STATE (1, CardState, card_fields, NULL), .realize = card_realize, .settle = card_settle,
  .check = card_check, .finalize = card_finalize,
};

/* --- A board for it ----------------------------------------------------------------------------------------------- */

enum
{
  DEVFN = VT_PCI_DEVFN (3, 0),
  BAR0 = 0x10, BAR1 = 0x14, BAR2 = 0x18, BAR4 = 0x20,
};

typedef struct
{
  VtMem    *mem, *smm_mem, *io;
  VtRam    *ram;
  VtPciBus *bus;
  VtDevice *mch, *lpc, *card;
  bool      gsi[8], isa[16], smi_locked;
  unsigned  messages;
  uint64_t  address;
  uint32_t  data;
} Board;

static void
wire_changed (void *sink, unsigned pin, bool level)
{
  Board *board = sink;
  if (pin == VT_ICH9_LPC_WIRE_SMI_LOCK)
    board->smi_locked = level;
  else if (pin < 8)
    board->gsi[pin] = level;
  else
    board->isa[pin - 8] = level;
}

static void
message (void *sink, uint64_t address, uint32_t data)
{
  Board *board = sink;
  board->messages++;
  board->address = address;
  board->data = data;
}

static VtDevice *
add (Board *board, const VtDeviceClass *cls, const void *config)
{
  GError *error = NULL;
  VtIrq   wires[VT_ICH9_LPC_WIRES];
  VtDma   dma = { .mem = board->mem };
  for (unsigned i = 0; i < VT_ICH9_LPC_WIRES; i++)
    wires[i] = (VtIrq) { .set = wire_changed, .sink = board, .pin = i };
  VtEnv env
      = { .dma = &dma, .wires = wires, .n_wires = G_N_ELEMENTS (wires), .msi = { message, board }, .config = config };
  VtDevice *dev = vt_device_new (cls, cls->name);
  bool      ok = vt_device_realize (dev, &env, &error);
  g_assert_no_error (error);
  g_assert_true (ok);
  return dev;
}

static Board *
board_new_full (bool smm)
{
  Board *board = g_new0 (Board, 1);
  board->mem = vt_mem_new ("memory", UINT64_C (1) << 40, NULL);
  board->smm_mem = smm ? vt_mem_new_overlay ("smm", board->mem) : NULL;
  board->io = vt_mem_new ("ports", 0x10000, NULL);
  board->ram = vt_ram_new ("low", g_aligned_alloc0 (1, 2 * VT_MIB, 4096), 2 * VT_MIB, free_ram);
  g_assert_nonnull (vt_mem_map_ram (board->mem, board->ram, 0, VT_GPA (0), board->ram->size, VT_HOST_PRIORITY_RAM,
                                    VT_ACCESS_RAM, VT_ACCESS_RAM, NULL));
  board->bus = vt_pci_bus_new (board->mem, board->io);
  board->mch = add (
      board, &vt_q35_mch,
      &(VtHostBridgeConfig) {
          .place = { board->bus, 0 }, .mem = board->mem, .io = board->io, .low_ram = board->ram, .bus = board->bus,
          .smm_mem = board->smm_mem, .tseg_mib = 1 });
  board->lpc = add (board, &vt_ich9_lpc,
                    &(VtIch9LpcConfig) { .place = { board->bus, VT_PCI_DEVFN (31, 0), true }, .mem = board->mem,
                                         .io = board->io, .smm = smm });
  VtIrq lines[VT_PCI_BUS_LINES];
  for (unsigned i = 0; i < VT_PCI_BUS_LINES; i++)
    lines[i] = vt_ich9_lpc_pirq (board->lpc, i);
  vt_pci_bus_set_lines (board->bus, vt_q35_intx_pirq, lines, VT_PCI_BUS_LINES);
  board->card = add (board, &card_class, &(CardConfig) { { board->bus, DEVFN } });
  return board;
}

static Board *
board_new (void)
{
  return board_new_full (false);
}

static void
board_free (Board *board)
{
  vt_device_free (board->card);
  vt_device_free (board->lpc);
  vt_device_free (board->mch);
  vt_pci_bus_free (board->bus);
  vt_mem_free (board->smm_mem);
  vt_mem_free (board->mem);
  vt_mem_free (board->io);
  vt_ram_free (board->ram);
  g_free (board);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Board, board_free)

static uint64_t
peek (VtMem *mem, uint64_t at, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (mem);
  return vt_view_read (view, VT_GPA (at), size);
}

static void
poke (VtMem *mem, uint64_t at, uint64_t value, unsigned size)
{
  g_autoptr (VtView) view = vt_mem_view (mem);
  vt_view_write (view, VT_GPA (at), value, size);
}

static uint32_t
get (Board *board, uint8_t devfn, unsigned off, unsigned size)
{
  poke (board->io, 0xcf8, 0x80000000u | (uint32_t) devfn << 8 | (off & 0xfc), 4);
  return (uint32_t) peek (board->io, 0xcfc + (off & 3), size);
}

static void
set (Board *board, uint8_t devfn, unsigned off, uint32_t value, unsigned size)
{
  poke (board->io, 0xcf8, 0x80000000u | (uint32_t) devfn << 8 | (off & 0xfc), 4);
  poke (board->io, 0xcfc + (off & 3), value, size);
}

static unsigned
find_capability (Board *board, uint8_t id)
{
  unsigned at = get (board, DEVFN, PCI_CAPABILITIES, 1);
  for (unsigned n = 0; at != 0 && n < 48; n++, at = get (board, DEVFN, at + 1, 1))
    if (get (board, DEVFN, at, 1) == id)
      return at;
  return 0;
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

static void
config_ports_find_functions_and_nobody (void)
{
  g_autoptr (Board) board = board_new ();
  g_assert_cmphex (get (board, 0, 0, 4), ==, 0x29c08086);
  g_assert_cmphex (get (board, DEVFN, 0, 4), ==, 0x00421af4);
  g_assert_cmphex (get (board, DEVFN, 2, 2), ==, 0x0042);
  g_assert_cmphex (get (board, VT_PCI_DEVFN (4, 0), 0, 4), ==, 0xffffffff);
  /* The enable bit is off: no cycle. */
  poke (board->io, 0xcf8, 0, 4);
  g_assert_cmphex (peek (board->io, 0xcfc, 4), ==, 0xffffffff);
  /* A byte write in the middle is not the address register. */
  poke (board->io, 0xcf8, 0x80001800, 4);
  poke (board->io, 0xcfb, 0x01, 1);
  g_assert_cmphex (peek (board->io, 0xcf8, 4), ==, 0x80001800);
}

static void
read_only_bits_stay (void)
{
  g_autoptr (Board) board = board_new ();
  for (unsigned off = 0; off < 0x10; off += 4)
    set (board, DEVFN, off, 0xffffffff, 4);
  g_assert_cmphex (get (board, DEVFN, 0, 4), ==, 0x00421af4);
  g_assert_cmphex (get (board, DEVFN, PCI_REVISION_ID, 4), ==, 0xff000000);
  g_assert_cmphex (get (board, DEVFN, PCI_STATUS, 2), ==, PCI_STATUS_CAPABILITIES);
}

static void
bars_tell_their_size (void)
{
  g_autoptr (Board) board = board_new ();
  for (unsigned off = BAR0; off <= PCI_ROM_BAR; off += 4)
    set (board, DEVFN, off, 0xffffffff, 4);
  g_assert_cmphex (get (board, DEVFN, BAR0, 4), ==, 0xfffff000);
  g_assert_cmphex (get (board, DEVFN, BAR1, 4), ==, 0xffffffe1);
  g_assert_cmphex (get (board, DEVFN, BAR2, 4), ==, 0xffff000c);
  g_assert_cmphex (get (board, DEVFN, BAR2 + 4, 4), ==, 0xffffffff);
  g_assert_cmphex (get (board, DEVFN, PCI_ROM_BAR, 4), ==, 0xffffe001);
}

static void
bars_answer_where_the_guest_puts_them (void)
{
  g_autoptr (Board) board = board_new ();
  set (board, DEVFN, BAR0, 0xe0000000, 4);
  set (board, DEVFN, BAR1, 0xc000, 4);
  g_assert_cmphex (peek (board->mem, 0xe0000010, 4), ==, 0xffffffff);
  set (board, DEVFN, PCI_COMMAND, PCI_COMMAND_IO | PCI_COMMAND_MEMORY, 2);
  g_assert_cmphex (peek (board->mem, 0xe0000010, 4), ==, 0xc0ffee10);
  g_assert_cmphex (peek (board->io, 0xc004, 4), ==, 0xc0ffee04);
  set (board, DEVFN, BAR0, 0xe0100000, 4);
  g_assert_cmphex (peek (board->mem, 0xe0000010, 4), ==, 0xffffffff);
  g_assert_cmphex (peek (board->mem, 0xe0100010, 4), ==, 0xc0ffee10);
  set (board, DEVFN, BAR2 + 4, 0x12, 4);
  set (board, DEVFN, BAR2, 0x30000000, 4);
  poke (board->mem, 0x1230000040, 0x1234, 2);
  g_assert_cmphex (peek (board->mem, 0x1230000040, 4), ==, 0x1234);
  set (board, DEVFN, PCI_COMMAND, PCI_COMMAND_IO, 2);
  g_assert_cmphex (peek (board->mem, 0xe0100010, 4), ==, 0xffffffff);
  g_assert_cmphex (peek (board->io, 0xc004, 4), ==, 0xc0ffee04);
}

static void
rom_answers_only_when_enabled_and_ignores_writes (void)
{
  g_autoptr (Board) board = board_new ();
  set (board, DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  set (board, DEVFN, PCI_ROM_BAR, 0xe0000000, 4);
  g_assert_cmphex (peek (board->mem, 0xe0000000, 2), ==, 0xffff);
  set (board, DEVFN, PCI_ROM_BAR, 0xe0000001, 4);
  g_assert_cmphex (peek (board->mem, 0xe0000000, 2), ==, 0xaa55);
  poke (board->mem, 0xe0000000, 0, 2);
  g_assert_cmphex (peek (board->mem, 0xe0000000, 2), ==, 0xaa55);
}

static void
hostile_moves_never_hide_memory (void)
{
  g_autoptr (Board) board = board_new ();
  g_autoptr (GRand) random = g_rand_new_with_seed (7);
  poke (board->mem, 0x1000, 0x11223344, 4);
  set (board, DEVFN, PCI_COMMAND, 0x7, 2);
  set (board, DEVFN, BAR0, 0, 4);
  set (board, DEVFN, BAR2, 0, 4);
  set (board, DEVFN, BAR2 + 4, 0xffffffff, 4);   /* beyond the address space */
  g_assert_cmphex (peek (board->mem, 0x1000, 4), ==, 0x11223344);
  for (unsigned i = 0; i < 3000; i++)
    {
      unsigned off = BAR0 + 4 * (unsigned) g_rand_int_range (random, 0, 9);
      set (board, DEVFN, off, g_rand_int (random) & (g_rand_boolean (random) ? 0xffffffff : 0xfffff), 4);
      if (i % 7 == 0)
        set (board, DEVFN, PCI_COMMAND, g_rand_int (random), 2);
      peek (board->mem, g_rand_int (random), 4);
      g_assert_cmphex (peek (board->mem, 0x1000, 4), ==, 0x11223344);
    }
}

static void
intx_goes_by_slot_and_pin_to_the_ioapic (void)
{
  g_autoptr (Board) board = board_new ();
  VtPciFunction    *fn = (VtPciFunction *) board->card;
  g_assert_cmpuint (vt_q35_intx_gsi (3, 0), ==, 23);
  g_assert_cmpuint (vt_q35_intx_gsi (31, 0), ==, 16);
  vt_pci_set_irq (fn, true);
  g_assert_true (board->gsi[7]);
  g_assert_cmphex (get (board, DEVFN, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, ==, PCI_STATUS_INTERRUPT);
  set (board, DEVFN, PCI_COMMAND, PCI_COMMAND_INTX_DISABLE, 2);
  g_assert_false (board->gsi[7]);
  g_assert_cmphex (get (board, DEVFN, PCI_STATUS, 2) & PCI_STATUS_INTERRUPT, ==, PCI_STATUS_INTERRUPT);
  set (board, DEVFN, PCI_COMMAND, 0, 2);
  g_assert_true (board->gsi[7]);
  vt_pci_set_irq (fn, false);
  g_assert_false (board->gsi[7]);
}

static void
pirq_registers_steer_intx_to_the_pics (void)
{
  g_autoptr (Board) board = board_new ();
  uint8_t           lpc = VT_PCI_DEVFN (31, 0);
  vt_pci_set_irq ((VtPciFunction *) board->card, true);
  g_assert_false (board->isa[11]);
  set (board, lpc, 0x6b, 11, 1);     /* PIRQ H */
  g_assert_true (board->isa[11]);
  set (board, lpc, 0x6b, 10, 1);
  g_assert_false (board->isa[11]);
  g_assert_true (board->isa[10]);
  set (board, lpc, 0x6b, 8, 1);      /* the clock's: not possible */
  g_assert_false (board->isa[8]);
  set (board, lpc, 0x6b, 0x8a, 1);
  g_assert_false (board->isa[10]);
  g_assert_true (board->gsi[7]);
}

static void
msi_replaces_intx_and_needs_bus_mastering (void)
{
  g_autoptr (Board) board = board_new ();
  VtPciFunction    *fn = (VtPciFunction *) board->card;
  unsigned          cap = find_capability (board, PCI_CAP_MSI);
  set (board, DEVFN, cap + PCI_MSI_ADDRESS, 0xfee01003, 4);
  set (board, DEVFN, cap + PCI_MSI_DATA, 0x41, 2);
  set (board, DEVFN, cap + PCI_MSI_CONTROL, PCI_MSI_CONTROL_ENABLE, 2);
  vt_pci_set_irq (fn, true);
  g_assert_cmpuint (board->messages, ==, 0);
  g_assert_false (board->gsi[7]);
  vt_pci_set_irq (fn, false);
  set (board, DEVFN, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
  vt_pci_set_irq (fn, true);
  vt_pci_set_irq (fn, true);
  g_assert_cmpuint (board->messages, ==, 1);
  g_assert_cmphex (board->address, ==, 0xfee01000);
  g_assert_cmphex (board->data, ==, 0x41);
}

static void
masked_msix_vectors_wait_in_the_pending_bits (void)
{
  g_autoptr (Board) board = board_new ();
  VtPciFunction    *fn = (VtPciFunction *) board->card;
  unsigned          cap = find_capability (board, PCI_CAP_MSIX);
  uint64_t          table = 0xe0000000;
  set (board, DEVFN, BAR4, (uint32_t) table, 4);
  set (board, DEVFN, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
  set (board, DEVFN, cap + PCI_MSIX_CONTROL, PCI_MSIX_CONTROL_ENABLE, 2);
  g_assert_cmpuint (get (board, DEVFN, cap + PCI_MSIX_CONTROL, 2) & 0x7ff, ==, 2);
  g_assert_cmphex (peek (board->mem, table + 0x1c, 4), ==, 1);
  poke (board->mem, table + 0x10, 0xfee00000, 4);
  poke (board->mem, table + 0x18, 0x55, 4);
  vt_pci_msix_notify (fn, 1);
  vt_pci_msix_notify (fn, 3);        /* does not exist */
  g_assert_cmpuint (board->messages, ==, 0);
  g_assert_cmphex (peek (board->mem, table + 0x800, 8), ==, 2);
  set (board, DEVFN, cap + PCI_MSIX_CONTROL, PCI_MSIX_CONTROL_ENABLE | PCI_MSIX_CONTROL_MASK, 2);
  poke (board->mem, table + 0x1c, 0, 4);
  g_assert_cmpuint (board->messages, ==, 0);
  set (board, DEVFN, cap + PCI_MSIX_CONTROL, PCI_MSIX_CONTROL_ENABLE, 2);
  g_assert_cmpuint (board->messages, ==, 1);
  g_assert_cmphex (board->data, ==, 0x55);
  g_assert_cmphex (peek (board->mem, table + 0x800, 8), ==, 0);
  /* Beyond the table: nothing. */
  poke (board->mem, table + 0x30, 0x77, 4);
  g_assert_cmphex (peek (board->mem, table + 0x30, 4), ==, 0);
}

static void
dma_is_closed_without_bus_mastering_and_in_d3 (void)
{
  g_autoptr (Board) board = board_new ();
  VtPciFunction    *fn = (VtPciFunction *) board->card;
  unsigned          cap = find_capability (board, PCI_CAP_POWER);
  uint32_t          value;
  g_assert_false (vt_dma_get32 (&fn->dma, VT_GPA (0), &value));
  set (board, DEVFN, PCI_COMMAND, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY, 2);
  g_assert_true (vt_dma_get32 (&fn->dma, VT_GPA (0), &value));
  set (board, DEVFN, BAR0, 0xe0000000, 4);
  set (board, DEVFN, cap + PCI_PM_PMCSR, 3, 2);
  g_assert_false (vt_dma_get32 (&fn->dma, VT_GPA (0), &value));
  g_assert_cmphex (peek (board->mem, 0xe0000000, 4), ==, 0xffffffff);
  set (board, DEVFN, cap + PCI_PM_PMCSR, 0, 2);
  g_assert_cmphex (peek (board->mem, 0xe0000000, 4), ==, 0xc0ffee00);
}

static void
ecam_moves_and_shows_the_same_registers (void)
{
  g_autoptr (Board) board = board_new ();
  set (board, 0, 0x64, 0, 4);
  set (board, 0, 0x60, 0xb0000001, 4);
  g_assert_cmphex (peek (board->mem, 0xb0000000 + (DEVFN << 12), 4), ==, 0x00421af4);
  g_assert_cmphex (peek (board->mem, 0xb0000000 + (DEVFN << 12) + 0x100, 4), ==, 0);
  g_assert_cmphex (peek (board->mem, 0xb0100000, 4), ==, 0xffffffff);   /* bus 1 */
  poke (board->mem, 0xb0000000 + (DEVFN << 12) + PCI_INTERRUPT_LINE, 0x5a, 1);
  g_assert_cmphex (get (board, DEVFN, PCI_INTERRUPT_LINE, 1), ==, 0x5a);
  set (board, 0, 0x60, 0xe0000001, 4);
  g_assert_cmphex (peek (board->mem, 0xb0000000, 4), ==, 0xffffffff);
  g_assert_cmphex (peek (board->mem, 0xe0000000, 4), ==, 0x29c08086);
  set (board, 0, 0x60, 0x00000001, 4);                                  /* on top of RAM: RAM wins */
  poke (board->mem, 0x2000, 0x42, 1);
  g_assert_cmphex (peek (board->mem, 0x2000, 1), ==, 0x42);
}

static void
pam_registers_turn_the_bios_area_into_ram (void)
{
  g_autoptr (Board) board = board_new ();
  poke (board->mem, 0xf0000, 0x12, 1);
  g_assert_cmphex (peek (board->mem, 0xf0000, 1), ==, 0xff);
  set (board, 0, 0x90, 0x20, 1);                  /* writes only */
  poke (board->mem, 0xf0000, 0x34, 1);
  g_assert_cmphex (peek (board->mem, 0xf0000, 1), ==, 0xff);
  set (board, 0, 0x90, 0x10, 1);                  /* reads only */
  poke (board->mem, 0xf0000, 0x56, 1);
  g_assert_cmphex (peek (board->mem, 0xf0000, 1), ==, 0x34);
  set (board, 0, 0x91, 0x30, 1);                  /* 0xc4000 both ways */
  poke (board->mem, 0xc4000, 0x78, 1);
  g_assert_cmphex (peek (board->mem, 0xc4000, 1), ==, 0x78);
  g_assert_cmphex (peek (board->mem, 0xc0000, 1), ==, 0xff);
  g_assert_cmphex (board->ram->host[0xc4000], ==, 0x78);
}

static void
smram_opens_until_it_is_locked (void)
{
  g_autoptr (Board) board = board_new ();
  g_assert_cmphex (get (board, 0, 0x9d, 1), ==, 0x02);
  set (board, 0, 0x9d, 0x4a, 1);
  poke (board->mem, 0xa0000, 0x99, 1);
  g_assert_cmphex (peek (board->mem, 0xa0000, 1), ==, 0x99);
  set (board, 0, 0x9d, 0x5a, 1);
  g_assert_cmphex (get (board, 0, 0x9d, 1), ==, 0x1a);
  g_assert_cmphex (peek (board->mem, 0xa0000, 1), ==, 0xff);
  set (board, 0, 0x9d, 0x4a, 1);
  g_assert_cmphex (get (board, 0, 0x9d, 1), ==, 0x1a);
  vt_device_reset (board->mch, VT_RESET_GUEST);
  g_assert_cmphex (get (board, 0, 0x9d, 1), ==, 0x02);
}

static void
smram_is_seen_in_system_management_mode_only (void)
{
  g_autoptr (Board) board = board_new_full (true);
  poke (board->smm_mem, 0xa0000, 0x11, 1);
  g_assert_cmphex (peek (board->smm_mem, 0xa0000, 1), ==, 0xff);
  set (board, 0, 0x9d, 0x1a, 1);                  /* G_SMRAME, and D_LCK */
  poke (board->smm_mem, 0xa0000, 0x11, 1);
  g_assert_cmphex (peek (board->smm_mem, 0xa0000, 1), ==, 0x11);
  g_assert_cmphex (peek (board->mem, 0xa0000, 1), ==, 0xff);
  set (board, 0, 0x9d, 0x02, 1);
  g_assert_cmphex (peek (board->smm_mem, 0xa0000, 1), ==, 0x11);
  vt_device_reset (board->mch, VT_RESET_GUEST);
  g_assert_cmphex (peek (board->smm_mem, 0xa0000, 1), ==, 0xff);
  set (board, 0, 0x9d, 0x0a, 1);
  set (board, 0, 0x9e, 0x80, 1);                  /* H_SMRAME: at another place */
  g_assert_cmphex (peek (board->smm_mem, 0xa0000, 1), ==, 0xff);
  g_assert_cmphex (peek (board->smm_mem, 0xfeda0000, 1), ==, 0x11);
  g_assert_cmphex (peek (board->mem, 0xfeda0000, 1), ==, 0xff);
}

static void
tseg_is_the_end_of_ram_until_it_is_locked (void)
{
  g_autoptr (Board) board = board_new_full (true);
  poke (board->mem, 0x100000, 0x22, 1);
  poke (board->mem, 0x0ffff0, 0x33, 1);
  set (board, 0, 0x9d, 0x0a, 1);
  set (board, 0, 0x9e, 0x01, 1);                  /* T_EN, 1 MiB of two */
  g_assert_cmphex (peek (board->mem, 0x100000, 1), ==, 0xff);
  g_assert_cmphex (peek (board->smm_mem, 0x100000, 1), ==, 0x22);
  poke (board->mem, 0x100000, 0x44, 1);
  g_assert_cmphex (board->ram->host[0x100000], ==, 0x22);
  uint8_t byte = 0x55;
  g_assert_false (vt_mem_write (board->mem, VT_GPA (0x1fffff), &byte, 1));
  set (board, 0, 0x9e, 0x05, 1);                  /* 8 MiB are more than there is */
  g_assert_cmphex (peek (board->mem, 0x100000, 1), ==, 0x22);
  set (board, 0, 0x9e, 0x07, 1);                  /* the machine's own size */
  g_assert_cmphex (peek (board->mem, 0x100000, 1), ==, 0xff);
  set (board, 0, 0xac, 0x00100000, 4);
  set (board, 0, 0x9d, 0x1a, 1);
  set (board, 0, 0x9e, 0x00, 1);
  set (board, 0, 0xac, 0x00000000, 4);
  g_assert_cmphex (get (board, 0, 0x9e, 1), ==, 0x3f);
  g_assert_cmphex (get (board, 0, 0xac, 4), ==, 0x00100000);
  g_assert_cmphex (peek (board->mem, 0x100000, 1), ==, 0xff);
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  GError *error = NULL;
  vt_device_save (board->mch, saved);
  vt_device_reset (board->mch, VT_RESET_GUEST);
  g_assert_cmphex (peek (board->mem, 0x100000, 1), ==, 0x22);
  g_assert_true (vt_device_load (board->mch, 1, saved->data, saved->len, &error));
  g_assert_no_error (error);
  g_assert_cmphex (peek (board->mem, 0x100000, 1), ==, 0xff);
  g_assert_cmphex (peek (board->smm_mem, 0x100000, 1), ==, 0x22);
}

static void
the_size_of_tseg_is_told_to_who_asks (void)
{
  g_autoptr (Board) with = board_new_full (true);
  g_assert_cmphex (get (with, 0, 0x50, 2), ==, 0);
  set (with, 0, 0x50, 0xffff, 2);
  g_assert_cmphex (get (with, 0, 0x50, 2), ==, 1);
  g_autoptr (Board) without = board_new ();
  set (without, 0, 0x50, 0xffff, 2);
  g_assert_cmphex (get (without, 0, 0x50, 2), ==, 0);
}

static void
smi_lock_stays_until_a_reset (void)
{
  g_autoptr (Board) board = board_new_full (true);
  const uint8_t lpc = VT_PCI_DEVFN (31, 0);
  set (board, lpc, 0xa0, 0x11, 2);
  g_assert_true (board->smi_locked);
  set (board, lpc, 0xa0, 0x00, 2);
  g_assert_cmphex (get (board, lpc, 0xa0, 2), ==, 0x10);
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  vt_device_save (board->lpc, saved);
  vt_device_reset (board->lpc, VT_RESET_GUEST);
  g_assert_false (board->smi_locked);
  g_assert_true (vt_device_load (board->lpc, 1, saved->data, saved->len, NULL));
  g_assert_true (board->smi_locked);
}

static void
saved_functions_come_back_where_they_were (void)
{
  g_autoptr (Board) board = board_new ();
  g_autoptr (GByteArray) saved = g_byte_array_new ();
  GError *error = NULL;
  set (board, DEVFN, BAR0, 0xe0000000, 4);
  set (board, DEVFN, PCI_COMMAND, 0x7, 2);
  vt_device_save (board->card, saved);
  vt_device_reset (board->card, VT_RESET_POWER);
  g_assert_cmphex (peek (board->mem, 0xe0000000, 4), ==, 0xffffffff);
  g_assert_true (vt_device_load (board->card, 1, saved->data, saved->len, &error));
  g_assert_cmphex (peek (board->mem, 0xe0000000, 4), ==, 0xc0ffee00);
  saved->data[0] = 1;                             /* a vendor that is not ours */
  g_assert_false (vt_device_load (board->card, 1, saved->data, saved->len, &error));
  g_assert_nonnull (strstr (error->message, "0x00"));
  g_clear_error (&error);
  g_assert_cmphex (peek (board->mem, 0xe0000000, 4), ==, 0xc0ffee00);
}

static void
a_taken_slot_is_refused (void)
{
  g_autoptr (Board) board = board_new ();
  g_autoptr (VtDevice) second = vt_device_new (&card_class, "second");
  GError    *error = NULL;
  CardConfig config = { { board->bus, DEVFN } };
  VtEnv      env = { .config = &config };
  g_assert_false (vt_device_realize (second, &env, &error));
  g_assert_nonnull (strstr (error->message, "03.0"));
  g_clear_error (&error);
}

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
#define TEST(fn) g_test_add_func ("/pci/" #fn, fn)
  TEST (config_ports_find_functions_and_nobody);
  TEST (read_only_bits_stay);
  TEST (bars_tell_their_size);
  TEST (bars_answer_where_the_guest_puts_them);
  TEST (rom_answers_only_when_enabled_and_ignores_writes);
  TEST (hostile_moves_never_hide_memory);
  TEST (intx_goes_by_slot_and_pin_to_the_ioapic);
  TEST (pirq_registers_steer_intx_to_the_pics);
  TEST (msi_replaces_intx_and_needs_bus_mastering);
  TEST (masked_msix_vectors_wait_in_the_pending_bits);
  TEST (dma_is_closed_without_bus_mastering_and_in_d3);
  TEST (ecam_moves_and_shows_the_same_registers);
  TEST (pam_registers_turn_the_bios_area_into_ram);
  TEST (smram_opens_until_it_is_locked);
  TEST (smram_is_seen_in_system_management_mode_only);
  TEST (tseg_is_the_end_of_ram_until_it_is_locked);
  TEST (the_size_of_tseg_is_told_to_who_asks);
  TEST (smi_lock_stays_until_a_reset);
  TEST (saved_functions_come_back_where_they_were);
  TEST (a_taken_slot_is_refused);
  return g_test_run ();
}
