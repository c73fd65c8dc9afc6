/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A PCI Express root port with a slot for hot plug: the way by which a card comes into a running machine, and leaves it.
 *
 * A card is realized at devfn 0 of vt_pcie_root_port_bus(), then announced.  Nothing leaves by surprise: the port asks, as
 * a person does by pressing the attention button, and the guest lets go of the card by switching the slot off. */
#pragma once

#include "pci-bus.h"

extern const VtDeviceClass vt_pcie_root_port;

typedef struct
{
  VtPciPlace place;      /* several ports may be functions of one slot */
  uint8_t    number;     /* of port and slot, as the guest shows them; from 1 */
  uint8_t    pad_[7];
  /* The guest has let go of the card that it was asked for, or was reset. Machine lock held, inside a guest's access or a
   * reset: note it, and take the card out later. Nullable. */
  void (*released) (void *opaque);
  void  *opaque;
} VtPcieRootPortConfig;

/* All of these: machine lock held. */

/* The bus with the one slot; the port's own. */
VtPciBus *vt_pcie_root_port_bus (VtDevice *port);

/* A card is in the slot now. The guest is told, except while it cannot know otherwise: before the machine first runs. */
void vt_pcie_root_port_plugged (VtDevice *port, bool tell);

/* Does the guest listen for what happens at its slots? */
bool vt_pcie_root_port_is_watched (VtDevice *port);

/* Asks the guest to let go of the card. True: it has no use of it already, and the card may go at once; otherwise
 * released() is called when it has. */
bool vt_pcie_root_port_ask (VtDevice *port) G_GNUC_WARN_UNUSED_RESULT;
/* Nobody waits any more: a card that is let go stays in the slot, without power. */
void vt_pcie_root_port_withdraw (VtDevice *port);

/* The card is gone (freed). */
void vt_pcie_root_port_unplugged (VtDevice *port);
