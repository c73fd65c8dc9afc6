/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Between ahci.c (registers, resets, interrupts) and ahci-command.c (command lists and data). */
#pragma once

#include "ahci.h"
#include "ata-command.h"
#include "quiet.h"

enum
{
  AHCI_SLOTS = 32,

  PX_IS_DHRS = 1u << 0,
  PX_IS_PSS  = 1u << 1,
  PX_IS_SDBS = 1u << 3,
  PX_IS_PCS  = 1u << 6,
  PX_IS_PRCS = 1u << 22,
  PX_IS_OFS  = 1u << 24,
  PX_IS_HBFS = 1u << 29,
  PX_IS_TFES = 1u << 30,

  PX_CMD_ST    = 1u << 0,
  PX_CMD_SUD   = 1u << 1,
  PX_CMD_POD   = 1u << 2,
  PX_CMD_CLO   = 1u << 3,
  PX_CMD_FRE   = 1u << 4,
  PX_CMD_CCS   = 31u << 8,
  PX_CMD_FR    = 1u << 14,
  PX_CMD_CR    = 1u << 15,
  PX_CMD_ATAPI = 1u << 24,
  PX_CMD_DLAE  = 1u << 25,
};

/* The saved part of a port. */
typedef struct
{
  uint32_t    clb, clbu, fb, fbu;
  uint32_t    is, ie, cmd, tfd, sig, sctl, serr, sact, ci;
  bool        halted;        /* after an error: no command starts until ST has been cleared (AHCI 1.3.1, 6.2.2.1) */
  bool        first_fis;     /* the drive has a FIS with its signature to send, once FRE is set */
  bool        soft_reset;    /* SRST is held */
  uint8_t     pad_;
  VtAtaState drive;
} AhciPortState;

typedef struct
{
  VtPciState    pci;
  uint32_t      ghc;
  uint32_t      is;
  AhciPortState port[VT_AHCI_PORTS];
} AhciState;

typedef struct Ahci Ahci;

/* A command under way. */
typedef struct
{
  VtAtaCommand ata;
  Ahci        *hba;
  unsigned     port, slot;
  uint64_t     table;           /* command table */
  uint32_t     prd_count, prd_next;
  uint64_t     prd_at;          /* what is left of the current PRD */
  uint32_t     prd_left;
  uint32_t     moved;           /* bytes, for PRDBC */
} AhciCommand;

typedef struct
{
  Ahci        *hba;
  unsigned     number;
  VtAtaDrive   drive;
  AhciCommand *slots[AHCI_SLOTS];
  unsigned     dropped;        /* forgotten commands whose block requests are not over: nothing new starts before */
} AhciPort;

struct Ahci
{
  VtPciFunction pci;
  AhciState     s;
  AhciPort      ports[VT_AHCI_PORTS];
  VtQuiet       quiet;         /* block requests of all ports */
  bool          parked;        /* quiesced: finished commands start no new ones */
};

/* Starts whatever the port may start. */
void vt_ahci_port_run (Ahci *hba, unsigned port);
/* Forgets all commands of the port. */
void vt_ahci_port_drop (Ahci *hba, unsigned port);
/* Sends the FIS after a reset, if one is due and may be received. */
void vt_ahci_port_first_fis (Ahci *hba, unsigned port);
/* The drive went through a reset. */
void vt_ahci_port_reset_drive (Ahci *hba, unsigned port);
void vt_ahci_update_irq (Ahci *hba);
