/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person changes on the devices of a running machine. Threads as in machine.h. */
#pragma once

#include "machine.h"

/* Asks the guest to make do with that much memory, at most what the machine has. An error: there is no balloon. */
bool vt_machine_set_memory (VtMachine *machine, uint64_t bytes, GError **error);

/* `card`: index among the network cards of the configuration. */
bool vt_machine_set_link (VtMachine *machine, unsigned card, bool up, GError **error);
/* The guest's driver takes it when it next starts. Not a group address. */
bool vt_machine_set_mac (VtMachine *machine, unsigned card, const uint8_t mac[6], GError **error);
/* All frames of the card are written to the file from now on, in pcap format, until -1 is given or the file cannot be written.
 * `fd`: a regular file opened for writing, taken in any case. */
bool vt_machine_capture (VtMachine *machine, unsigned card, int fd, GError **error);
