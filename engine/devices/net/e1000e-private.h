/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between e1000e.c (registers, interrupts, PHY and EEPROM, life) and e1000e-frames.c (descriptors and frames).
 *
 * Source: Intel 82574 GbE Controller Family Datasheet, revision 3.4; chapters and names are its. */
#pragma once

#include "e1000e.h"

enum
{
  E1000E_TX_QUEUES = 2,
  E1000E_ADDRESSES = 16,
  E1000E_TABLE_WORDS = 128,           /* MTA, VFTA */
  E1000E_DESC_BYTES = 16,
  E1000E_FRAME_MAX = VT_NET_FRAME_MAX,

  E1000E_ICR_TXDW = 1u << 0, E1000E_ICR_LSC = 1u << 2, E1000E_ICR_RXO = 1u << 6, E1000E_ICR_RXT0 = 1u << 7,
  E1000E_ICR_MDAC = 1u << 9, E1000E_ICR_RXQ0 = 1u << 20, E1000E_ICR_TXQ0 = 1u << 22, E1000E_ICR_OTHER = 1u << 24,
  E1000E_ICR_ASSERTED = 1u << 31,

  E1000E_RCTL_EN = 1u << 1, E1000E_RCTL_UPE = 1u << 3, E1000E_RCTL_MPE = 1u << 4, E1000E_RCTL_LPE = 1u << 5,
  E1000E_RCTL_MO = 12, E1000E_RCTL_BAM = 1u << 15, E1000E_RCTL_BSIZE = 16, E1000E_RCTL_VFE = 1u << 18, E1000E_RCTL_BSEX = 1u << 25,
  E1000E_RCTL_SECRC = 1u << 26,
  E1000E_TCTL_EN = 1u << 1,
  E1000E_RFCTL_EXTEN = 1u << 15,
  E1000E_RXCSUM_IPOFLD = 1u << 8, E1000E_RXCSUM_TUOFLD = 1u << 9,
  E1000E_RAH_AV = 1u << 31,
};

/* What the last context descriptor of a queue said (7.2.6). */
typedef struct
{
  uint8_t  ipcss, ipcso, tucss, tucso, header_len, tcp;
  uint16_t ipcse, tucse, mss;
} E1000eContext;

typedef struct
{
  VtPciState     pci;
  VtPciMsixState msix;
  uint32_t ctrl, eecd, eerd, ctrl_ext, mdic, vet, fcal, fcah, fct, fcttv, icr, itr, ims, eiac, iam, ivar, eitr[5];
  uint32_t rctl, tctl, tipg, ledctl, extcnf, phy_ctrl, pba, pbs, fcrtl, fcrth;
  uint32_t rdbal, rdbah, rdlen, rdh, rdt, rdtr, rxdctl, radv, rxcsum, rfctl, mrqc;
  uint32_t tdbal[E1000E_TX_QUEUES], tdbah[E1000E_TX_QUEUES], tdlen[E1000E_TX_QUEUES], tdh[E1000E_TX_QUEUES], tdt[E1000E_TX_QUEUES];
  uint32_t tidv[E1000E_TX_QUEUES], txdctl[E1000E_TX_QUEUES], tadv[E1000E_TX_QUEUES], tarc[E1000E_TX_QUEUES];
  uint32_t wuc, wufc, manc, gcr, factps, swsm, fwsm, swsm2;
  uint32_t mta[E1000E_TABLE_WORDS], vfta[E1000E_TABLE_WORDS], ra[2 * E1000E_ADDRESSES];
  E1000eContext context[E1000E_TX_QUEUES];
  uint16_t phy[32];
  uint8_t  mac[6];                    /* in the EEPROM, when mac_set: from when the driver runs */
  bool     mac_set;
  bool     link_down;                 /* the person pulled the cable */
  bool     fresh;                     /* reset: the receive address is loaded from the EEPROM when somebody looks */
  uint8_t  pad_[7];
} E1000eState;

typedef struct
{
  VtPciFunction pci;
  E1000eState   s;
  VtNet        *net;
  uint8_t       mac[6];               /* of the configuration */
  uint32_t      asserted;             /* causes that were told, derived */
  GQueue        waiting;              /* GBytes: frames without a buffer */
  size_t        waiting_bytes;
  bool          sending;
  uint8_t       frame[E1000E_FRAME_MAX + 64];   /* on its way out */
} E1000e;

/* --- e1000e.c --- */
void e1000e_raise (E1000e *card, uint32_t causes);
bool e1000e_link (const E1000e *card);

/* --- e1000e-frames.c --- */
extern const VtNetClientOps e1000e_client_ops;
/* Sends what waits in that queue. */
void e1000e_send (E1000e *card, unsigned queue);
/* There are new buffers for frames that waited. */
void e1000e_give_waiting (E1000e *card);
void e1000e_forget_waiting (E1000e *card);
