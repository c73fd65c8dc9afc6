/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Intel 82574L: registers, interrupts, PHY and EEPROM, life. Frames are in e1000e-frames.c.
 *
 * Registers that only hold what is written to them are in the table.  Statistics read as zeros: drivers count themselves. */
#include "e1000e-private.h"

#include "trace-net.h"
#include "vitrine/error.h"

enum
{
  REG_CTRL = 0x0000, REG_STATUS = 0x0008, REG_EECD = 0x0010, REG_EERD = 0x0014, REG_MDIC = 0x0020,
  REG_ICR = 0x00c0, REG_ICS = 0x00c8, REG_IMS = 0x00d0, REG_IMC = 0x00d8, REG_MTA = 0x5200, REG_RA = 0x5400, REG_VFTA = 0x5600,
  REGISTER_BYTES = 0x20000,

  CTRL_MASTER_DISABLE = 1u << 2, CTRL_PHY_RESET = 1u << 31, CTRL_RESET = 1u << 26,
  STATUS_FULL_DUPLEX = 1u << 0, STATUS_LINK_UP = 1u << 1, STATUS_1000 = 2u << 6, STATUS_MASTER_ENABLED = 1u << 19,
  EECD_PRESENT = 1u << 8, EECD_AUTO_READ_DONE = 1u << 9,
  EERD_START = 1u << 0, EERD_DONE = 1u << 1,
  CTRL_EXT_IAME = 1u << 27,
  MDIC_WRITE = 1u << 26, MDIC_READ = 2u << 26, MDIC_OP = 3u << 26, MDIC_READY = 1u << 28, MDIC_INTERRUPT = 1u << 29,
  MDIC_ERROR = 1u << 30,
  PHY_ADDRESS = 1, PHY_CONTROL = 0, PHY_STATUS = 1, PHY_PAGE = 22, PHY_SPECIFIC_STATUS = 17,
  PHY_CONTROL_RESET = 1u << 15, PHY_CONTROL_RESTART = 1u << 9,
  PHY_STATUS_LINK = 1u << 2, PHY_STATUS_NEGOTIATED = 1u << 5,

  QUEUE_CAUSES = 0x01f00000,
  VECTORS = 5,
  EEPROM_WORDS = 64, EEPROM_CHECKSUM = 0xbaba,
  BAR_REGISTERS = 0, BAR_MSIX = 3,
};

#define QUEUE_FIELDS(m) VT_FIELD (E1000eState, m)
static const VtField e1000e_fields[] = {
  VT_PCI_FIELDS (E1000eState, pci), VT_PCI_MSIX_FIELDS (E1000eState, msix), VT_FIELD (E1000eState, ctrl), VT_FIELD (E1000eState, eecd),
  VT_FIELD (E1000eState, eerd), VT_FIELD (E1000eState, ctrl_ext), VT_FIELD (E1000eState, mdic), VT_FIELD (E1000eState, vet),
  VT_FIELD (E1000eState, fcal), VT_FIELD (E1000eState, fcah), VT_FIELD (E1000eState, fct), VT_FIELD (E1000eState, fcttv),
  VT_FIELD (E1000eState, icr), VT_FIELD (E1000eState, itr), VT_FIELD (E1000eState, ims), VT_FIELD (E1000eState, eiac),
  VT_FIELD (E1000eState, iam), VT_FIELD (E1000eState, ivar), VT_FIELD (E1000eState, eitr), VT_FIELD (E1000eState, rctl),
  VT_FIELD (E1000eState, tctl), VT_FIELD (E1000eState, tipg), VT_FIELD (E1000eState, ledctl), VT_FIELD (E1000eState, extcnf),
  VT_FIELD (E1000eState, phy_ctrl), VT_FIELD (E1000eState, pba), VT_FIELD (E1000eState, pbs), VT_FIELD (E1000eState, fcrtl),
  VT_FIELD (E1000eState, fcrth), VT_FIELD (E1000eState, rdbal), VT_FIELD (E1000eState, rdbah), VT_FIELD (E1000eState, rdlen),
  VT_FIELD (E1000eState, rdh), VT_FIELD (E1000eState, rdt), VT_FIELD (E1000eState, rdtr), VT_FIELD (E1000eState, rxdctl),
  VT_FIELD (E1000eState, radv), VT_FIELD (E1000eState, rxcsum), VT_FIELD (E1000eState, rfctl), VT_FIELD (E1000eState, mrqc),
  VT_FIELD (E1000eState, tdbal), VT_FIELD (E1000eState, tdbah), VT_FIELD (E1000eState, tdlen), VT_FIELD (E1000eState, tdh),
  VT_FIELD (E1000eState, tdt), VT_FIELD (E1000eState, tidv), VT_FIELD (E1000eState, txdctl), VT_FIELD (E1000eState, tadv),
  VT_FIELD (E1000eState, tarc), VT_FIELD (E1000eState, wuc), VT_FIELD (E1000eState, wufc), VT_FIELD (E1000eState, manc),
  VT_FIELD (E1000eState, gcr), VT_FIELD (E1000eState, factps), VT_FIELD (E1000eState, swsm), VT_FIELD (E1000eState, fwsm),
  VT_FIELD (E1000eState, swsm2), VT_FIELD (E1000eState, mta), VT_FIELD (E1000eState, vfta), VT_FIELD (E1000eState, ra),
#define CONTEXT_FIELDS(n)                                                                                              \
  VT_FIELD (E1000eState, context[n].ipcss), VT_FIELD (E1000eState, context[n].ipcso), VT_FIELD (E1000eState, context[n].tucss), \
    VT_FIELD (E1000eState, context[n].tucso), VT_FIELD (E1000eState, context[n].header_len), VT_FIELD (E1000eState, context[n].tcp), \
    VT_FIELD (E1000eState, context[n].ipcse), VT_FIELD (E1000eState, context[n].tucse), VT_FIELD (E1000eState, context[n].mss)
  CONTEXT_FIELDS (0), CONTEXT_FIELDS (1), VT_FIELD (E1000eState, phy), VT_FIELD (E1000eState, mac), VT_FIELD (E1000eState, mac_set),
  VT_FIELD_KEPT (E1000eState, link_down), VT_FIELD (E1000eState, fresh), VT_FIELD (E1000eState, pad_),
};

/* The PHY is there, has agreed on 1000 Mbit/s with its partner, and says that it is an 82574's. */
#define PHY_AT_RESET { 0x1140, 0x7949, 0x0141, 0x0cb1, 0x0de1, 0xcde1, 0x000f, 0x2001, 0, 0x0e00, 0x3c00, [15] = 0x3000, [16] = 0x0078 }
static const E1000eState e1000e_at_reset = {
  .ctrl = 0x00000240, .eecd = EECD_PRESENT | EECD_AUTO_READ_DONE, .vet = 0x8100, .ledctl = 0x07068302, .pba = 0x00100014,
  .txdctl = { 1u << 22, 1u << 22 }, .factps = 0, .phy = PHY_AT_RESET, .fresh = true,
};

/* --- Interrupts (7.4) --------------------------------------------------------------------------------------------- */

/* Message of each queue cause: four bits of IVAR, of which the highest says that the others hold. */
static void
send_messages (E1000e *card, uint32_t causes)
{
  E1000eState *s = &card->s;
  for (unsigned i = 0; i < VECTORS; i++)
    {
      uint32_t cause = E1000E_ICR_RXQ0 << i, entry = s->ivar >> (4 * i) & 0xf;
      if ((causes & cause) == 0 || (entry & 8) == 0)
        continue;
      vt_pci_msix_notify (&card->pci, entry & 7);
      s->icr &= ~(cause & s->eiac);
    }
}

/* Causes that come while others are told are told as well. */
static void
update_interrupts (E1000e *card)
{
  E1000eState *s = &card->s;
  if (vt_pci_msix_enabled (&card->pci))
    {
      uint32_t fresh = s->icr & s->ims & QUEUE_CAUSES & ~card->asserted;
      send_messages (card, fresh);
    }
  card->asserted = s->icr & s->ims;
  vt_pci_set_irq (&card->pci, card->asserted != 0);
}

void
e1000e_raise (E1000e *card, uint32_t causes)
{
  E1000eState *s = &card->s;
  s->icr |= causes;
  /* What is no queue's is "other", for drivers with messages. */
  if ((causes & s->ims & (E1000E_ICR_LSC | E1000E_ICR_RXO | E1000E_ICR_MDAC)) != 0)
    s->icr |= E1000E_ICR_OTHER;
  update_interrupts (card);
}

/* Reading clears; with IAME it also masks what IAM names. */
static uint32_t
read_icr (E1000e *card)
{
  E1000eState *s = &card->s;
  uint32_t     value = s->icr | ((s->icr & s->ims) != 0 ? E1000E_ICR_ASSERTED : 0);
  if ((value & E1000E_ICR_ASSERTED) != 0 && (s->ctrl_ext & CTRL_EXT_IAME) != 0)
    s->ims &= ~s->iam;
  s->icr = 0;
  update_interrupts (card);
  return value;
}

/* --- PHY (MDIO) and EEPROM ---------------------------------------------------------------------------------------- */

bool
e1000e_link (const E1000e *card)
{
  return card->net != NULL && !card->s.link_down;
}

static uint16_t
phy_read (const E1000e *card, unsigned reg)
{
  const E1000eState *s = &card->s;
  bool               link = e1000e_link (card);
  if (reg != PHY_PAGE && s->phy[PHY_PAGE] != 0)
    return 0;
  switch (reg)
    {
    case PHY_STATUS: return s->phy[reg] | (link ? PHY_STATUS_LINK | PHY_STATUS_NEGOTIATED : 0);
    case PHY_SPECIFIC_STATUS: return link ? 0xac00 : 0x8000;      /* 1000 Mbit/s, full duplex, resolved, link */
    case 5: case 10: return link ? s->phy[reg] : 0;               /* of the partner */
    default: return s->phy[reg];
    }
}

static void
phy_write (E1000e *card, unsigned reg, uint16_t value)
{
  static const uint32_t writable = 1u << PHY_CONTROL | 1u << 4 | 1u << 9 | 1u << 16 | 1u << 18 | 1u << 20 | 1u << PHY_PAGE;
  E1000eState          *s = &card->s;
  if ((writable >> reg & 1) == 0 || (reg != PHY_PAGE && s->phy[PHY_PAGE] != 0))
    return;
  if (reg == PHY_CONTROL && (value & PHY_CONTROL_RESET) != 0)
    memcpy (s->phy, e1000e_at_reset.phy, sizeof s->phy);
  else
    s->phy[reg] = reg == PHY_CONTROL ? value & (uint16_t) ~PHY_CONTROL_RESTART : value;
}

/* Done at once. Nobody is at other addresses than the PHY's. */
static void
write_mdic (E1000e *card, uint32_t value)
{
  E1000eState *s = &card->s;
  unsigned     reg = value >> 16 & 31, address = value >> 21 & 31;
  s->mdic = (value & ~MDIC_READY) | MDIC_READY;
  trace_e1000e_phy (reg, value & 0xffff, (value & MDIC_OP) == MDIC_WRITE);
  if (address != PHY_ADDRESS || ((value & MDIC_OP) != MDIC_WRITE && (value & MDIC_OP) != MDIC_READ))
    s->mdic |= MDIC_ERROR;
  else if ((value & MDIC_OP) == MDIC_WRITE)
    phy_write (card, reg, (uint16_t) value);
  else
    s->mdic = (s->mdic & 0xffff0000u) | phy_read (card, reg);
  if (value & MDIC_INTERRUPT)
    e1000e_raise (card, E1000E_ICR_MDAC);
}

static const uint8_t *
mac_of (const E1000e *card)
{
  return card->s.mac_set ? card->s.mac : card->mac;
}

/* The address, identifiers, no management, and a last word that makes the sum right (6.1). */
static uint16_t
eeprom_word (const E1000e *card, unsigned n)
{
  static const uint16_t words[EEPROM_WORDS] = {
    [0x03] = 0x0420, [0x04] = 0xf746, [0x05] = 0x2010, [0x06] = 0xffff, [0x07] = 0xffff, [0x0a] = 0x026b, [0x0b] = 0x1100,
    [0x0c] = 0x1af4, [0x0d] = 0x10d3, [0x0e] = 0x8086, [0x0f] = 0x0000, [0x10] = 0x9c55, [0x14] = 0x0080, [0x1e] = 0x0000,
    [0x37] = 0xffff,
  };
  if (n < 3)
    return (uint16_t) vt_load_le (mac_of (card) + 2 * n, 2);
  if (n != EEPROM_WORDS - 1)
    return n < EEPROM_WORDS ? words[n] : 0xffff;
  uint16_t sum = 0;
  for (unsigned i = 0; i < EEPROM_WORDS - 1; i++)
    sum += eeprom_word (card, i);
  return (uint16_t) (EEPROM_CHECKSUM - sum);
}

static void
write_eerd (E1000e *card, uint32_t value)
{
  unsigned word = value >> 2 & 0x3fff;
  card->s.eerd = value & 0xfffc;
  if (value & EERD_START)
    card->s.eerd |= EERD_DONE | (uint32_t) eeprom_word (card, word) << 16;
}

/* --- Resets ------------------------------------------------------------------------------------------------------- */

/* A driver that runs has the address that it found, whatever the configuration says since, or says where it is restored. */
static void
load_address (E1000e *card)
{
  E1000eState *s = &card->s;
  if (!s->fresh)
    return;
  s->fresh = false;
  memcpy (s->mac, card->mac, sizeof s->mac);
  s->mac_set = true;
  s->ra[0] = (uint32_t) vt_load_le (s->mac, 4);
  s->ra[1] = (uint32_t) vt_load_le (s->mac + 4, 2) | E1000E_RAH_AV;
}

/* The PHY has a reset of its own (4.2). */
static void
reset (E1000e *card)
{
  E1000eState *s = &card->s;
  E1000eState  fresh = e1000e_at_reset;
  fresh.pci = s->pci;
  fresh.msix = s->msix;
  fresh.link_down = s->link_down;
  memcpy (fresh.phy, s->phy, sizeof fresh.phy);
  *s = fresh;
  e1000e_forget_waiting (card);
  update_interrupts (card);
}

static void
ctrl_written (VtDevice *dev, uint64_t old)
{
  E1000e *card = (E1000e *) dev;
  if (card->s.ctrl & CTRL_PHY_RESET)
    memcpy (card->s.phy, e1000e_at_reset.phy, sizeof card->s.phy);
  card->s.ctrl &= ~CTRL_PHY_RESET;
  if (card->s.ctrl & CTRL_RESET)
    reset (card);
}

/* --- Registers ---------------------------------------------------------------------------------------------------- */

static void
interrupts_written (VtDevice *dev, uint64_t old)
{
  update_interrupts ((E1000e *) dev);
}

static void
receive_written (VtDevice *dev, uint64_t old)
{
  e1000e_give_waiting ((E1000e *) dev);
}

static void
send_written (VtDevice *dev, uint64_t old)
{
  for (unsigned i = 0; i < E1000E_TX_QUEUES; i++)
    e1000e_send ((E1000e *) dev, i);
}

#define PLAIN(m, off, mask)       VT_REG (E1000eState, m, off, VT_REG_RW, 0, mask, NULL)
#define HOOKED(m, off, mask, hook) VT_REG (E1000eState, m, off, VT_REG_RW, 0, mask, hook)
#define ALL UINT32_MAX
#define TX_QUEUE(n)                                                                                                    \
  PLAIN (tdbal[n], 0x3800 + 0x100 * n, ~0xfu), PLAIN (tdbah[n], 0x3804 + 0x100 * n, ALL), PLAIN (tdlen[n], 0x3808 + 0x100 * n, 0xfff80), \
    PLAIN (tdh[n], 0x3810 + 0x100 * n, 0xffff), HOOKED (tdt[n], 0x3818 + 0x100 * n, 0xffff, send_written),              \
    PLAIN (tidv[n], 0x3820 + 0x100 * n, 0xffff), PLAIN (txdctl[n], 0x3828 + 0x100 * n, ALL),                            \
    PLAIN (tadv[n], 0x382c + 0x100 * n, 0xffff), PLAIN (tarc[n], 0x3840 + 0x100 * n, ALL)

static const VtReg e1000e_regs[] = {
  HOOKED (ctrl, REG_CTRL, ALL, ctrl_written), PLAIN (ctrl_ext, 0x0018, ALL), PLAIN (fcal, 0x0028, ALL), PLAIN (fcah, 0x002c, ALL),
  PLAIN (fct, 0x0030, ALL), PLAIN (vet, 0x0038, 0xffff), PLAIN (fcttv, 0x0170, 0xffff), PLAIN (itr, 0x00c4, 0xffff),
  HOOKED (eiac, 0x00dc, QUEUE_CAUSES, interrupts_written), PLAIN (iam, 0x00e0, ALL), PLAIN (ivar, 0x00e4, 0x800fffff),
  PLAIN (eitr[0], 0x00e8, 0xffff), PLAIN (eitr[1], 0x00ec, 0xffff), PLAIN (eitr[2], 0x00f0, 0xffff), PLAIN (eitr[3], 0x00f4, 0xffff),
  PLAIN (eitr[4], 0x00f8, 0xffff), HOOKED (rctl, 0x0100, ALL, receive_written), HOOKED (tctl, 0x0400, ALL, send_written),
  PLAIN (tipg, 0x0410, ALL), PLAIN (ledctl, 0x0e00, ALL), PLAIN (extcnf, 0x0f00, ALL), PLAIN (phy_ctrl, 0x0f10, ALL),
  PLAIN (pba, 0x1000, ALL), PLAIN (pbs, 0x1008, ALL), PLAIN (fcrtl, 0x2160, ALL), PLAIN (fcrth, 0x2168, ALL),
  PLAIN (rdbal, 0x2800, ~0xfu), PLAIN (rdbah, 0x2804, ALL), PLAIN (rdlen, 0x2808, 0xfff80), PLAIN (rdh, 0x2810, 0xffff),
  HOOKED (rdt, 0x2818, 0xffff, receive_written), PLAIN (rdtr, 0x2820, 0xffff), PLAIN (rxdctl, 0x2828, ALL), PLAIN (radv, 0x282c, 0xffff),
  TX_QUEUE (0), TX_QUEUE (1), PLAIN (rxcsum, 0x5000, 0x33ff), PLAIN (rfctl, 0x5008, ALL), PLAIN (wuc, 0x5800, ALL),
  PLAIN (wufc, 0x5808, ALL), PLAIN (mrqc, 0x5818, ALL), PLAIN (manc, 0x5820, ALL), PLAIN (gcr, 0x5b00, ALL), PLAIN (factps, 0x5b30, 0),
  PLAIN (swsm, 0x5b50, ALL), PLAIN (fwsm, 0x5b54, 0), PLAIN (swsm2, 0x5b58, ALL),
};

static uint32_t *
table_word (E1000e *card, uint64_t off)
{
  static const struct { unsigned at, words; size_t field; } tables[] = {
    { REG_MTA, E1000E_TABLE_WORDS, offsetof (E1000eState, mta) }, { REG_RA, 2 * E1000E_ADDRESSES, offsetof (E1000eState, ra) },
    { REG_VFTA, E1000E_TABLE_WORDS, offsetof (E1000eState, vfta) },
  };
  for (unsigned i = 0; i < G_N_ELEMENTS (tables); i++)
    if (off >= tables[i].at && (off - tables[i].at) / 4 < tables[i].words)
      return (uint32_t *) ((uint8_t *) &card->s + tables[i].field) + (off - tables[i].at) / 4;
  return NULL;
}

static uint32_t
status (const E1000e *card)
{
  return STATUS_FULL_DUPLEX | STATUS_1000 | (e1000e_link (card) ? STATUS_LINK_UP : 0)
         | (card->s.ctrl & CTRL_MASTER_DISABLE ? 0 : STATUS_MASTER_ENABLED);
}

static uint64_t
e1000e_read (VtDevice *dev, uint64_t off, unsigned size)
{
  E1000e         *card = (E1000e *) dev;
  uint64_t        value = 0;
  const uint32_t *word = table_word (card, off);
  load_address (card);
  switch (off)
    {
    case REG_STATUS: value = status (card); break;
    case REG_EECD: value = card->s.eecd; break;
    case REG_EERD: value = card->s.eerd; break;
    case REG_MDIC: value = card->s.mdic; break;
    case REG_ICR: value = read_icr (card); break;
    case REG_IMS: value = card->s.ims; break;
    default:
      if (word != NULL)
        value = *word;
      else if (!vt_regs_read (dev, off, size, &value))
        value = 0;
    }
  trace_e1000e_read (off, (uint32_t) value);
  return value;
}

static void
e1000e_write (VtDevice *dev, uint64_t off, uint64_t value, unsigned size)
{
  E1000e      *card = (E1000e *) dev;
  E1000eState *s = &card->s;
  uint32_t    *word = table_word (card, off);
  trace_e1000e_write (off, (uint32_t) value);
  load_address (card);
  switch (off)
    {
    case REG_EERD: write_eerd (card, (uint32_t) value); return;
    case REG_MDIC: write_mdic (card, (uint32_t) value); return;
    case REG_ICR: s->icr &= ~(uint32_t) value; break;
    case REG_ICS: e1000e_raise (card, (uint32_t) value & ~E1000E_ICR_ASSERTED); return;
    case REG_IMS: s->ims |= (uint32_t) value & ~E1000E_ICR_ASSERTED; break;
    case REG_IMC: s->ims &= ~(uint32_t) value; break;
    default:
      if (word != NULL)
        *word = (uint32_t) value;
      else
        vt_regs_write (dev, off, size, value);
      return;
    }
  update_interrupts (card);
}

static const VtRegionOps e1000e_ops = { e1000e_read, e1000e_write, 4, 4 };
static const VtRegion    e1000e_region = { "e1000e", REGISTER_BYTES, &e1000e_ops };

/* --- From outside ------------------------------------------------------------------------------------------------- */

void
vt_e1000e_set_mac (VtDevice *dev, const uint8_t mac[6])
{
  E1000e *card = (E1000e *) dev;
  memcpy (card->mac, mac, sizeof card->mac);
}

void
vt_e1000e_set_link (VtDevice *dev, bool up)
{
  E1000e *card = (E1000e *) dev;
  if (card->s.link_down == !up)
    return;
  card->s.link_down = !up;
  e1000e_forget_waiting (card);
  e1000e_raise (card, E1000E_ICR_LSC);
}

/* --- Life --------------------------------------------------------------------------------------------------------- */

static bool
e1000e_realize (VtDevice *dev, const VtEnv *env, GError **error)
{
  E1000e                    *card = (E1000e *) dev;
  const VtE1000eConfig      *config = env->config;
  static const VtPciIdentity identity = { .vendor = 0x8086, .device = 0x10d3, .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100, .class_code = 0x020000, .interrupt_pin = 1 };
  if (!vt_pci_init (&card->pci, env, &config->place, &identity, &card->s.pci, error))
    return false;
  memcpy (card->mac, config->mac, sizeof card->mac);
  card->net = config->net;
  if (card->net != NULL)
    {
      card->net->client = &e1000e_client_ops;
      card->net->client_opaque = card;
    }
  vt_pci_add_power_management (&card->pci);
  vt_pci_add_msi (&card->pci);
  vt_pci_add_bar (&card->pci, BAR_REGISTERS, 0, &e1000e_region);
  vt_pci_add_msix (&card->pci, BAR_MSIX, VECTORS, &card->s.msix);
  vt_pci_add_express (&card->pci);
  return true;
}

/* What waited belongs to another past. */
static void
e1000e_settle (VtDevice *dev)
{
  E1000e *card = (E1000e *) dev;
  e1000e_forget_waiting (card);
  card->asserted = card->s.icr & card->s.ims;
  vt_pci_settle (&card->pci, card->asserted != 0);
}

static bool
e1000e_check (VtDevice *dev, const void *incoming, GError **error)
{
  return vt_pci_check ((VtPciFunction *) dev, &((const E1000eState *) incoming)->pci, error);
}

static void
e1000e_finalize (VtDevice *dev)
{
  e1000e_forget_waiting ((E1000e *) dev);
  vt_pci_finalize ((VtPciFunction *) dev);
}

static const void *
e1000e_test_config (void)
{
  static const VtE1000eConfig config = { .mac = { 0x52, 0x54, 0, 1, 2, 3 } };
  return &config;
}

static const VtRegion *const e1000e_regions[] = { &e1000e_region, NULL };

const VtDeviceClass vt_e1000e = {
  .name = "e1000e",
  .summary = "Network card, Intel 82574L",
  .instance_size = sizeof (E1000e),
  .state_off = offsetof (E1000e, s),
  .state = VT_STATE (1, E1000eState, e1000e_fields, &e1000e_at_reset),
  .regs = e1000e_regs,
  .n_regs = G_N_ELEMENTS (e1000e_regs),
  .regions = e1000e_regions,
  .realize = e1000e_realize,
  .settle = e1000e_settle,
  .check = e1000e_check,
  .finalize = e1000e_finalize,
  .test_config = e1000e_test_config,
};
