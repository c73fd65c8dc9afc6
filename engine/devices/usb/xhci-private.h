/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the files of the USB host controller share: xhci.c (registers), xhci-ring.c (events, and what is on the driver's
 * rings), xhci-port.c (ports and devices), xhci-command.c (slots and their contexts), xhci-transfer.c (endpoints). Sections
 * are those of the xHCI specification 1.2. */
#pragma once

#include "xhci.h"

enum
{
  SLOTS     = 16,           /* numbered from 1 */
  ENDPOINTS = 32,           /* of a slot: device context index; 0 is the slot itself */
  TRB_BYTES = 16,
  WORK_MAX  = 256,          /* commands, or transfers of an endpoint, at a time */
  SEGMENTS_MAX = 16,        /* of the event ring: 2 to the power in HCSPARAMS2 */
  PORTS_2   = VT_XHCI_FIRST_SUPER,

  USBCMD_RS = 1u << 0, USBCMD_HCRST = 1u << 1, USBCMD_INTE = 1u << 2, USBCMD_CSS = 1u << 8, USBCMD_CRS = 1u << 9,
  USBSTS_HCH = 1u << 0, USBSTS_HSE = 1u << 2, USBSTS_EINT = 1u << 3, USBSTS_PCD = 1u << 4, USBSTS_SRE = 1u << 10,
  IMAN_IP = 1u << 0, IMAN_IE = 1u << 1,
  ERDP_BUSY = 1u << 3,

  /* 6.4.6: types of TRBs */
  TRB_NORMAL = 1, TRB_SETUP = 2, TRB_DATA = 3, TRB_STATUS = 4, TRB_ISOCH = 5, TRB_LINK = 6, TRB_EVENT_DATA = 7, TRB_NO_OP = 8,
  TRB_ENABLE_SLOT = 9, TRB_DISABLE_SLOT = 10, TRB_ADDRESS_DEVICE = 11, TRB_CONFIGURE_ENDPOINT = 12,
  TRB_EVALUATE_CONTEXT = 13, TRB_RESET_ENDPOINT = 14, TRB_STOP_ENDPOINT = 15, TRB_SET_DEQUEUE = 16,
  TRB_RESET_DEVICE = 17, TRB_NO_OP_COMMAND = 23,
  TRB_TRANSFER_EVENT = 32, TRB_COMMAND_EVENT = 33, TRB_PORT_EVENT = 34,

  TRB_CYCLE = 1u << 0, TRB_TOGGLE = 1u << 1, TRB_SHORT = 1u << 2, TRB_CHAIN = 1u << 4, TRB_IOC = 1u << 5,
  TRB_IMMEDIATE = 1u << 6, TRB_BSR = 1u << 9, TRB_TO_HOST = 1u << 16, TRB_EVENT_OF_DATA = 1u << 2,

  /* 6.4.5: completion codes */
  CC_SUCCESS = 1, CC_TRANSACTION_ERROR = 4, CC_TRB_ERROR = 5, CC_STALL = 6, CC_NO_SLOTS = 9, CC_SLOT_NOT_ENABLED = 11,
  CC_ENDPOINT_NOT_ENABLED = 12, CC_SHORT = 13, CC_PARAMETER = 17, CC_CONTEXT_STATE = 19, CC_RING_STOPPED = 24,
  CC_STOPPED = 26,

  /* 6.2.2, 6.2.3 */
  SLOT_DISABLED = 0, SLOT_DEFAULT = 1, SLOT_ADDRESSED = 2, SLOT_CONFIGURED = 3,      /* context: 0 is also "enabled" */
  EP_DISABLED = 0, EP_RUNNING = 1, EP_HALTED = 2, EP_STOPPED = 3, EP_ERROR = 4,
  EP_CONTROL = 4, EP_TO_HOST = 4,               /* types: bit 2 is set for IN; 4 alone is control */
  EP_ISOCH_OUT = 1, EP_ISOCH_IN = 5,
};

typedef struct
{
  VtPciState pci;
  uint64_t   dcbaap;
  uint64_t   command_ring;                  /* where the next command is */
  uint64_t   erstba, erdp;
  uint64_t   event_segment;                 /* the segment being written ... */
  uint64_t   slot_context[SLOTS + 1];       /* output device contexts */
  uint64_t   dequeue[(SLOTS + 1) * ENDPOINTS];   /* bit 0: the consumer's cycle state */
  uint64_t   setup[SLOTS + 1];              /* the setup packet under way */
  uint32_t   usbcmd, usbsts, dnctrl, config;
  uint32_t   iman, imod, erstsz;
  uint32_t   portsc[VT_XHCI_PORTS];
  uint32_t   event_index, event_trbs;       /* ... next TRB in it, and how many it has */
  uint32_t   event_segment_index;
  uint8_t    slot_state[SLOTS + 1];         /* SLOT_...; enabled: see below */
  uint8_t    slot_port[SLOTS + 1];          /* from 1; 0: none yet */
  uint8_t    ep_state[(SLOTS + 1) * ENDPOINTS];
  uint8_t    ep_type[(SLOTS + 1) * ENDPOINTS];
  bool       slot_enabled[SLOTS + 1];
  bool       in_setup[SLOTS + 1];           /* a setup packet was taken and not yet answered */
  bool       command_cycle, command_running;
  bool       event_cycle;
  bool       blocked;                       /* the event ring was full: work waits */
} XhciState;

typedef struct
{
  VtPciFunction pci;
  XhciState     s;
  VtUsbDevice  *devices[VT_XHCI_PORTS];
  VtClock      *clock;
  VtTimer      *again;                      /* more to do than one turn allows */
  bool          working, once_more;         /* endpoints are being looked at; some have to be again */
  uint64_t      pending[SLOTS + 1];         /* endpoints to look at in the next turn: bit per DCI */
} Xhci;

typedef struct
{
  uint64_t parameter;
  uint32_t status, control;
} Trb;

static inline unsigned
trb_type (const Trb *trb)
{
  return trb->control >> 10 & 0x3f;
}

static inline unsigned
ep_index (unsigned slot, unsigned dci)
{
  return slot * ENDPOINTS + dci;
}

/* --- xhci.c --- */
/* Goes on with what `pending` and the command ring hold, soon. */
void vt_xhci_go_on (Xhci *xhci);
VtUsbDevice *vt_xhci_slot_device (Xhci *xhci, unsigned slot);
/* All its running endpoints are looked at in the next turn. */
void vt_xhci_look_at_slot (Xhci *xhci, unsigned slot);

/* --- xhci-ring.c --- */
/* Reads the TRB at *at if it belongs to us by its cycle bit, following links. *at is advanced past links only. False:
 * nothing there, or memory that is none (then the controller has stopped). */
bool vt_xhci_fetch (Xhci *xhci, uint64_t *at, bool *cycle, Trb *trb);
/* Is there room for n events? If not, work stops until the driver has taken some. */
bool vt_xhci_event_room (Xhci *xhci, unsigned n);
void vt_xhci_event (Xhci *xhci, const Trb *event);
/* Serious: memory that is none. */
void vt_xhci_host_error (Xhci *xhci);
bool vt_xhci_irq_level (const XhciState *s);
void vt_xhci_update_irq (Xhci *xhci);
/* There are events to be taken. */
void vt_xhci_interrupt (Xhci *xhci);

/* --- xhci-port.c --- */
uint32_t vt_xhci_read_portsc (const Xhci *xhci, unsigned port);
void vt_xhci_write_portsc (Xhci *xhci, unsigned port, uint32_t value);
/* What has changed at a port goes to a running controller's driver as an event. */
void vt_xhci_tell_port (Xhci *xhci, unsigned port);
/* The events that found no room. */
void vt_xhci_tell_owed (Xhci *xhci);
/* Ports whose device the driver knows of, and which is not there any more. */
void vt_xhci_empty_ports (Xhci *xhci);

/* --- xhci-command.c --- */
/* True: there may be more. */
bool vt_xhci_run_commands (Xhci *xhci);
void vt_xhci_set_ep_state (Xhci *xhci, unsigned slot, unsigned dci, unsigned state);
void vt_xhci_free_slot (Xhci *xhci, unsigned slot);
/* Nothing is under way at an endpoint any more: its device forgets what it has kept of it. */
void vt_xhci_cancel (Xhci *xhci, unsigned slot, unsigned dci);

/* --- xhci-transfer.c --- */
/* Transfers of a running endpoint, until it has no more or the device says NAK. True: there may be more. */
bool vt_xhci_run_endpoint (Xhci *xhci, unsigned slot, unsigned dci);
