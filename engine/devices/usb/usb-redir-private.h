/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What the two files of the redirected device share: usb-redir.c (what the guest's controller asks), usb-redir-wire.c (the other end). */
#pragma once

#include <usbredirparser.h>

#include "usb-redir.h"

enum { REDIR_ENDPOINTS = 32 };    /* OUT 0 to 15, then IN 0 to 15, as in the protocol's tables */

typedef enum
{
  REDIR_IDLE,
  REDIR_ASKED,       /* the other end works on it */
  REDIR_ANSWERED,    /* the guest's controller has yet to fetch the result */
} RedirPhase;

typedef struct
{
  uint8_t     type, interval;           /* usb_redir_type_...; bInterval */
  uint16_t    packet_bytes;             /* 0: not known */

  /* Control, bulk and interrupt OUT: one transfer at a time. */
  RedirPhase  phase;
  VtUsbResult result;
  uint64_t    id;
  uint8_t    *data;
  uint32_t    wanted, moved, asked;     /* bytes: of the transfer, done of them, and of the packet under way */

  /* Isochronous, and interrupt IN: packets come, or are taken, by themselves. */
  bool        streaming;
  VtUsbResult broken;                   /* unlike VT_USB_DONE: how the stream has ended */
  GQueue      packets;                  /* GBytes*, oldest first; at most REDIR_PACKETS_MAX */
  int64_t     due_ns;                   /* when the next packet to the device is */
} RedirEndpoint;

typedef struct
{
  uint8_t address;                      /* that the guest gave; the device has another, of its real bus */
  uint8_t pad_[7];
} UsbRedirState;

typedef struct
{
  VtDevice               dev;
  UsbRedirState          s;
  VtUsbDevice            usb;
  VtUsbPlace             place, super_place;
  void                 (*left_func) (void *opaque);
  void                  *opaque;
  VtClock               *clock;
  VtTimer               *pace;          /* isochronous OUT, and what cannot be done at once */

  VtChardev             *chr;
  struct usbredirparser *parser;        /* NULL: nobody is there */
  const uint8_t         *input;         /* what has come and is not parsed yet */
  size_t                 n_input;
  bool                   busy;          /* inside the parser: it must not be freed, nor be written from */
  bool                   left;          /* the other end has gone, which is still to be dealt with */
  bool                   hang_up;       /* its device has gone: nobody needs the stream any more */
  bool                   parked;        /* the machine stands: nothing may reach the guest's memory */
  bool                   replug;        /* reset or loaded: what is there has to come anew */
  bool                   fixed;         /* the stream was there from the start: nothing else is plugged in */

  bool                   there;         /* the guest's controller has the device */
  bool                   pristine;      /* nothing was asked of it since its last reset */
  uint64_t               last_id;
  VtUsbSetup             setup;         /* of the control transfer under way */
  RedirEndpoint          endpoints[REDIR_ENDPOINTS];
} UsbRedir;

static inline unsigned
redir_index (unsigned address)
{
  return (address & 0xf) | (address & VT_USB_TO_HOST) >> 3;
}

/* --- usb-redir.c --- */
extern const VtUsbOps vt_redir_ops;
/* Forgets all transfers and streams, whatever becomes of them at the other end. */
void vt_redir_forget (UsbRedir *redir);
/* The packet of that id is done. True: the endpoint waits for it. Takes nothing. */
void vt_redir_answer (UsbRedir *redir, unsigned address, uint64_t id, unsigned status, const uint8_t *data, uint32_t n, uint32_t done);
/* A packet of a stream has come; takes it. */
void vt_redir_packet (UsbRedir *redir, unsigned address, unsigned status, GBytes *packet);
void vt_redir_stream_ended (UsbRedir *redir, unsigned address, unsigned status);

/* --- usb-redir-wire.c --- */
extern const VtChardevClient vt_redir_client;
/* The other end has come. */
void vt_redir_wire_open (UsbRedir *redir);
void vt_redir_wire_close (UsbRedir *redir);
/* Sends what was queued, unless the parser is at work, which does it afterwards. */
void vt_redir_flush (UsbRedir *redir);
/* What had to wait for the machine to go on, or for the parser to return. */
void vt_redir_catch_up (UsbRedir *redir);
/* What is there goes and comes anew: the guest's controller knows nothing of it, or what a saved one knew. */
void vt_redir_replug (UsbRedir *redir);
