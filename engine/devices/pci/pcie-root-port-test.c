/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A root port and the card behind it, led by a small driver for hot plug. */
#include "pcie-root-port.h"
#include "pci-rig.h"

/* --- A card ------------------------------------------------------------------------------------------------------- */

typedef struct
{
  VtPciState pci;
  uint32_t   scratch;
} CardState;

typedef struct
{
  VtPciFunction pci;
  CardState     s;
} Card;

static const VtField card_fields[] = { VT_PCI_FIELDS (CardState, pci), VT_FIELD (CardState, scratch) };

static uint64_t
card_read (VtDevice *dev, uint64_t off, unsigned size)
{
  return ((Card *) dev)->s.scratch;
}

static void
card_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  ((Card *) dev)->s.scratch = (uint32_t) value;
}

static const VtRegionOps card_ops = { card_read, card_write, 4, 4 };
static const VtRegion    card_memory = { "card", 0x1000, &card_ops };

static bool
card_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  Card *card = (Card *) dev;
  static const VtPciIdentity identity = { .vendor = 0x1af4, .device = 0x0042, .class_code = 0xff0000, .interrupt_pin = 1 };
  if (!vt_pci_init (&card->pci, env, env->config, &identity, &card->s.pci, error))
    return false;
  vt_pci_add_express (&card->pci);
  vt_pci_add_msi (&card->pci);
  vt_pci_add_bar (&card->pci, 0, 0, &card_memory);
  return true;
}

static void
card_settle (VtDevice *dev)
{
  vt_pci_settle ((VtPciFunction *) dev, false);
}

static void
card_finalize (VtDevice *dev)
{
  vt_pci_finalize ((VtPciFunction *) dev);
}

static const VtDeviceClass card_class = {
  .name = "card",
  .instance_size = sizeof (Card),
  .state_off = offsetof (Card, s),
  .state = VT_STATE (1, CardState, card_fields, NULL),
  .realize = card_realize,
  .settle = card_settle,
  .finalize = card_finalize,
};

/* --- A driver ----------------------------------------------------------------------------------------------------- */

enum
{
  PORT = VT_PCI_DEVFN (28, 1),     /* its pin is INTB# */
  BUS = 5,
  WINDOW = 0xe0000000u,            /* 1 MiB */
  SLOT_ON = 0x1000 | 0x100 | 0x20 | 0x10 | 0x08 | 0x01,   /* all events, indicator on, power on */
  SLOT_OFF = SLOT_ON | 0x300 | 0x400,
  PRESENT = 0x40, BUTTON = 0x01, PRESENCE_CHANGED = 0x08, COMMAND = 0x10, LINK_CHANGED = 0x100,
  LINK_ACTIVE = 0x2000,
};

typedef struct
{
  PciRig    rig;
  VtDevice *port, *card;
  uint8_t   express;        /* capability of the port */
  unsigned  released;
} Bench;

static void
note_release (void *opaque)
{
  ((Bench *) opaque)->released++;
}

static uint32_t
port_read (Bench *b, unsigned off, unsigned size)
{
  return vt_pci_bus_config_read (b->rig.bus, 0, PORT, off, size);
}

static void
port_write (Bench *b, unsigned off, uint32_t value, unsigned size)
{
  vt_pci_bus_config_write (b->rig.bus, 0, PORT, off, value, size);
}

static uint32_t
card_config (Bench *b, unsigned off, unsigned size)
{
  return vt_pci_bus_config_read (b->rig.bus, BUS, 0, off, size);
}

static void
card_set (Bench *b, unsigned off, uint32_t value, unsigned size)
{
  vt_pci_bus_config_write (b->rig.bus, BUS, 0, off, value, size);
}

static uint8_t
find_capability (Bench *b, uint8_t id)
{
  uint8_t at = (uint8_t) port_read (b, PCI_CAPABILITIES, 1);
  while (at != 0 && port_read (b, at, 1) != id)
    at = (uint8_t) port_read (b, at + 1u, 1);
  return at;
}

static unsigned
slot_status (Bench *b)
{
  return port_read (b, b->express + PCI_EXP_SLOT_STATUS, 2);
}

static void
set_slot (Bench *b, unsigned control)
{
  port_write (b, b->express + PCI_EXP_SLOT_CONTROL, control, 2);
}

static void
clear_events (Bench *b)
{
  port_write (b, b->express + PCI_EXP_SLOT_STATUS, 0xffff, 2);
}

/* As firmware leaves it: numbers, a window, everything on. */
static void
bench_init (Bench *b)
{
  *b = (Bench) { .port = NULL };
  pci_rig_init (&b->rig);
  VtPcieRootPortConfig config = { .place = { .bus = b->rig.bus, .devfn = PORT, .multifunction = true }, .number = 2,
                                  .released = note_release, .opaque = b };
  b->port = pci_rig_add (&b->rig, &vt_pcie_root_port, &config);
  b->express = find_capability (b, PCI_CAP_PCIE);
  port_write (b, PCI_PRIMARY_BUS, BUS << 16 | BUS << 8, 4);
  port_write (b, PCI_MEMORY_BASE, (WINDOW >> 16) | WINDOW, 4);
  port_write (b, PCI_COMMAND, PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 2);
}

static void
bench_clear (Bench *b)
{
  vt_device_free (b->card);
  vt_device_free (b->port);
  pci_rig_clear (&b->rig);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC (Bench, bench_clear)

static void
plug (Bench *b, bool tell)
{
  VtPciPlace place = { .bus = vt_pcie_root_port_bus (b->port) };
  b->card = pci_rig_add (&b->rig, &card_class, &place);
  vt_pcie_root_port_plugged (b->port, tell);
}

static void
unplug (Bench *b)
{
  vt_device_free (g_steal_pointer (&b->card));
  vt_pcie_root_port_unplugged (b->port);
}

/* --- Tests -------------------------------------------------------------------------------------------------------- */

static void
a_port_is_a_bridge_with_a_hot_plug_slot (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  g_assert_cmphex (port_read (&b, PCI_HEADER_TYPE, 1), ==, 0x81);
  g_assert_cmphex (port_read (&b, PCI_CLASS_CODE, 2) | port_read (&b, PCI_CLASS_CODE + 2, 1) << 16, ==, 0x060400);
  g_assert_cmphex (port_read (&b, b.express + 2u, 2), ==, 0x0142);
  g_assert_cmphex (port_read (&b, b.express + PCI_EXP_SLOT_CAP, 4), ==, 2u << 19 | 0x53);
  g_assert_cmphex (slot_status (&b), ==, 0);
  g_assert_cmphex (port_read (&b, 0x1c, 2), ==, 0);   /* no I/O window */
  port_write (&b, 0x1c, 0xf0f0, 2);
  g_assert_cmphex (port_read (&b, 0x1c, 2), ==, 0);
}

static void
cycles_for_the_bus_behind_reach_the_card (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  g_assert_cmphex (card_config (&b, PCI_VENDOR_ID, 4), ==, ~0u);
  plug (&b, false);
  g_assert_cmphex (card_config (&b, PCI_VENDOR_ID, 4), ==, 0x00421af4);
  g_assert_cmphex (vt_pci_bus_config_read (b.rig.bus, BUS + 1, 0, 0, 4), ==, ~0u);
  g_assert_cmphex (vt_pci_bus_config_read (b.rig.bus, BUS, VT_PCI_DEVFN (1, 0), 0, 4), ==, ~0u);
  port_write (&b, PCI_SECONDARY_BUS, BUS + 1, 1);
  g_assert_cmphex (card_config (&b, PCI_VENDOR_ID, 4), ==, ~0u);
  g_assert_cmphex (vt_pci_bus_config_read (b.rig.bus, BUS + 1, 0, 0, 4), ==, 0x00421af4);
  port_write (&b, PCI_SECONDARY_BUS, 0, 1);
  g_assert_cmphex (vt_pci_bus_config_read (b.rig.bus, BUS + 1, 0, 0, 4), ==, ~0u);
}

static void
a_card_is_an_endpoint_with_a_link (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  plug (&b, false);
  uint8_t at = (uint8_t) card_config (&b, PCI_CAPABILITIES, 1);
  g_assert_cmphex (card_config (&b, at, 1), ==, PCI_CAP_PCIE);
  g_assert_cmphex (card_config (&b, at + 2u, 2), ==, 0x0002);
  g_assert_cmphex (card_config (&b, at + PCI_EXP_LINK_STATUS, 2), ==, 0x11);
}

static void
memory_behind_the_port_answers_inside_its_windows (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  plug (&b, false);
  card_set (&b, PCI_BAR0, WINDOW + 0x2000, 4);
  card_set (&b, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  pci_rig_put (&b.rig, WINDOW + 0x2000, 0x1234, 4);
  g_assert_cmphex (pci_rig_get (&b.rig, WINDOW + 0x2000, 4), ==, 0x1234);
  card_set (&b, PCI_BAR0, WINDOW + 0x100000, 4);                     /* right behind it */
  g_assert_cmphex (pci_rig_get (&b.rig, WINDOW + 0x100000, 4), ==, ~0u);
  port_write (&b, PCI_PREFETCH_BASE, ((WINDOW + 0x100000) >> 16) | (WINDOW + 0x100000), 4);
  g_assert_cmphex (pci_rig_get (&b.rig, WINDOW + 0x100000, 4), ==, 0x1234);
  port_write (&b, PCI_PREFETCH_LIMIT_HIGH, 1, 4);                    /* reaches further up: the same place still passes */
  g_assert_cmphex (pci_rig_get (&b.rig, WINDOW + 0x100000, 4), ==, 0x1234);
  port_write (&b, PCI_PREFETCH_BASE_HIGH, 1, 4);
  g_assert_cmphex (pci_rig_get (&b.rig, WINDOW + 0x100000, 4), ==, ~0u);
  port_write (&b, PCI_PREFETCH_BASE_HIGH, 0, 4);
  port_write (&b, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
  g_assert_cmphex (pci_rig_get (&b.rig, WINDOW + 0x100000, 4), ==, ~0u);
}

static void
the_card_masters_only_where_the_port_does (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  plug (&b, false);
  Card *card = (Card *) b.card;
  card_set (&b, PCI_COMMAND, PCI_COMMAND_MASTER, 2);
  g_assert_true (card->pci.bus_master);
  port_write (&b, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  g_assert_false (card->pci.bus_master);
}

static void
the_card_s_pin_arrives_as_the_port_s (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  plug (&b, false);
  vt_pci_set_irq ((VtPciFunction *) b.card, true);
  g_assert_true (b.rig.line);
  unplug (&b);
  g_assert_false (b.rig.line);
}

static void
a_card_that_comes_is_told (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  set_slot (&b, SLOT_OFF);
  clear_events (&b);
  g_assert_true (vt_pcie_root_port_is_watched (b.port));
  g_assert_false (b.rig.line);
  plug (&b, true);
  g_assert_cmphex (slot_status (&b), ==, PRESENT | PRESENCE_CHANGED | BUTTON);
  g_assert_true (b.rig.line);
  clear_events (&b);
  g_assert_false (b.rig.line);
  g_assert_cmphex (card_config (&b, PCI_VENDOR_ID, 4), ==, ~0u);   /* the slot is off */
  set_slot (&b, SLOT_ON);
  g_assert_cmphex (slot_status (&b), ==, PRESENT | COMMAND | LINK_CHANGED);
  g_assert_cmphex (port_read (&b, b.express + PCI_EXP_LINK_STATUS, 2), ==, LINK_ACTIVE | 0x11);
  g_assert_cmphex (card_config (&b, PCI_VENDOR_ID, 4), ==, 0x00421af4);
}

static void
only_events_that_are_wanted_interrupt (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  set_slot (&b, 0x400);
  plug (&b, true);
  g_assert_false (b.rig.line);
  g_assert_false (vt_pcie_root_port_is_watched (b.port));
  set_slot (&b, 0x400 | 0x20 | 0x08);       /* presence */
  g_assert_true (b.rig.line);
  port_write (&b, b.express + PCI_EXP_SLOT_STATUS, PRESENCE_CHANGED, 2);
  g_assert_false (b.rig.line);
  set_slot (&b, 0x400 | 0x20 | 0x10);       /* this very command's end */
  g_assert_true (b.rig.line);
}

static void
messages_are_sent_for_a_first_event (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  uint8_t msi = find_capability (&b, PCI_CAP_MSI);
  set_slot (&b, SLOT_OFF);
  clear_events (&b);
  port_write (&b, msi + PCI_MSI_ADDRESS, 0xfee00000, 4);
  port_write (&b, msi + PCI_MSI_DATA, 0x4041, 2);
  port_write (&b, msi + PCI_MSI_CONTROL, PCI_MSI_CONTROL_ENABLE, 2);
  plug (&b, true);
  g_assert_cmpuint (b.rig.messages, ==, 1);
  g_assert_cmphex (b.rig.last_message, ==, 0x4041);
  g_assert_false (b.rig.line);
  clear_events (&b);
  set_slot (&b, SLOT_ON);
  g_assert_cmpuint (b.rig.messages, ==, 2);
}

static void
a_card_is_let_go_by_power_and_indicator (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  plug (&b, false);
  set_slot (&b, SLOT_ON);
  clear_events (&b);
  g_assert_false (vt_pcie_root_port_ask (b.port));
  g_assert_cmphex (slot_status (&b), ==, PRESENT | BUTTON);
  g_assert_true (b.rig.line);
  clear_events (&b);
  set_slot (&b, (SLOT_ON & ~0x300) | 0x200);        /* blinks */
  set_slot (&b, SLOT_ON | 0x400);                   /* power off: the driver waits a second now */
  g_assert_cmpuint (b.released, ==, 0);
  g_assert_cmphex (card_config (&b, PCI_VENDOR_ID, 4), ==, ~0u);
  set_slot (&b, SLOT_OFF);
  g_assert_cmpuint (b.released, ==, 1);
  set_slot (&b, SLOT_OFF);
  g_assert_cmpuint (b.released, ==, 1);
  clear_events (&b);
  unplug (&b);
  g_assert_cmphex (slot_status (&b), ==, PRESENCE_CHANGED);
}

static void
a_card_of_a_slot_that_is_off_may_go_at_once (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  set_slot (&b, SLOT_OFF);
  plug (&b, true);
  g_assert_true (vt_pcie_root_port_ask (b.port));
  g_assert_cmpuint (b.released, ==, 0);
}

static void
nobody_waits_after_withdrawing (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  plug (&b, false);
  set_slot (&b, SLOT_ON);
  g_assert_false (vt_pcie_root_port_ask (b.port));
  vt_pcie_root_port_withdraw (b.port);
  set_slot (&b, SLOT_OFF);
  g_assert_cmpuint (b.released, ==, 0);
  g_assert_true (vt_pcie_root_port_ask (b.port));
}

static void
a_reset_lets_go (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  plug (&b, false);
  set_slot (&b, SLOT_ON);
  g_assert_false (vt_pcie_root_port_ask (b.port));
  vt_device_reset (b.port, VT_RESET_GUEST);
  g_assert_cmpuint (b.released, ==, 1);
}

static void
a_card_without_power_forgets (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  plug (&b, false);
  Card *card = (Card *) b.card;
  set_slot (&b, SLOT_ON);
  card->s.scratch = 7;
  set_slot (&b, SLOT_ON);
  g_assert_cmphex (card->s.scratch, ==, 7);
  set_slot (&b, SLOT_OFF);
  g_assert_cmphex (card->s.scratch, ==, 0);
  set_slot (&b, SLOT_ON);
  card->s.scratch = 7;
  port_write (&b, PCI_BRIDGE_CONTROL, PCI_BRIDGE_CONTROL_RESET, 2);
  g_assert_cmphex (card->s.scratch, ==, 0);
  port_write (&b, PCI_BRIDGE_CONTROL, 0, 2);
  card->s.scratch = 7;
  port_write (&b, b.express + PCI_EXP_LINK_CONTROL, 0x10, 2);
  g_assert_cmphex (card->s.scratch, ==, 0);
  g_assert_cmphex (slot_status (&b) & LINK_CHANGED, ==, LINK_CHANGED);
}

static void
a_restored_port_leads_to_its_card (void)
{
  g_auto(Bench) b, other;
  g_autoptr (GByteArray) port = g_byte_array_new (), card = g_byte_array_new ();
  g_autoptr (GError) error = NULL;
  bench_init (&b);
  plug (&b, false);
  set_slot (&b, SLOT_ON);
  card_set (&b, PCI_BAR0, WINDOW, 4);
  card_set (&b, PCI_COMMAND, PCI_COMMAND_MEMORY, 2);
  pci_rig_put (&b.rig, WINDOW, 42, 4);
  vt_device_save (b.port, port);
  vt_device_save (b.card, card);
  bench_init (&other);
  vt_device_reset (other.port, VT_RESET_POWER);
  plug (&other, false);
  g_assert_true (vt_device_load (other.port, 1, port->data, port->len, &error));
  g_assert_true (vt_device_load (other.card, 1, card->data, card->len, &error));
  g_assert_cmphex (pci_rig_get (&other.rig, WINDOW, 4), ==, 42);
  g_assert_cmphex (slot_status (&other), ==, slot_status (&b));
  g_assert_cmpuint (other.released, ==, 0);
}

/* Cards come and go under a guest that writes at random. */
static void
no_guest_breaks_it (void)
{
  g_auto(Bench) b;
  bench_init (&b);
  for (unsigned i = 0; i < 200000; i++)
    {
      unsigned size = 1u << g_test_rand_int_range (0, 3);
      unsigned off = (unsigned) g_test_rand_int_range (0, 256) & ~(size - 1);
      uint32_t value = (uint32_t) g_test_rand_int () & (uint32_t) g_test_rand_int ();
      if (g_test_rand_int_range (0, 3) == 0)
        vt_pci_bus_config_write (b.rig.bus, (uint8_t) g_test_rand_int_range (0, 256), 0, off, value, size);
      else
        port_write (&b, off, value, size);
      if (i % 37 == 0 && b.card == NULL)
        plug (&b, true);
      else if (i % 41 == 0 && b.card != NULL && vt_pcie_root_port_ask (b.port))
        unplug (&b);
      pci_rig_get (&b.rig, WINDOW + (uint32_t) g_test_rand_int_range (0, 1 << 21), 4);
    }
  g_assert_cmpuint (b.released, >, 0);
}

#define ADD(name) g_test_add_func ("/pcie-root-port/" #name, name)

int
main (int argc, char **argv)
{
  g_test_init (&argc, &argv, NULL);
  ADD (a_port_is_a_bridge_with_a_hot_plug_slot);
  ADD (cycles_for_the_bus_behind_reach_the_card);
  ADD (a_card_is_an_endpoint_with_a_link);
  ADD (memory_behind_the_port_answers_inside_its_windows);
  ADD (the_card_masters_only_where_the_port_does);
  ADD (the_card_s_pin_arrives_as_the_port_s);
  ADD (a_card_that_comes_is_told);
  ADD (only_events_that_are_wanted_interrupt);
  ADD (messages_are_sent_for_a_first_event);
  ADD (a_card_is_let_go_by_power_and_indicator);
  ADD (a_card_of_a_slot_that_is_off_may_go_at_once);
  ADD (nobody_waits_after_withdrawing);
  ADD (a_reset_lets_go);
  ADD (a_card_without_power_forgets);
  ADD (a_restored_port_leads_to_its_card);
  ADD (no_guest_breaks_it);
  return g_test_run ();
}
