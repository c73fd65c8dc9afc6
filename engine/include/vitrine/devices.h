/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a person changes on the devices of a running machine. Threads as in machine.h. */
#pragma once

#include "machine.h"

/* Asks the guest to make do with that much memory, at most what the machine has. An error: there is no balloon. */
bool vt_machine_set_memory (VtMachine *machine, uint64_t bytes, GError **error);

/* --- Hot plug: a q35 machine has VT_HOTPLUG_PORTS slots ----------------------------------------------------------- */

/* A virtio disk, which is the `index`th of the machine's disks from then on, in the slot that its config names, or in the
 * first free one. The config is copied. paths, fds: n files that are open already, for a process that may not open them (the
 * image and its backing files, by the names that they are opened by); the descriptors stay the caller's. */
bool vt_machine_add_disk (VtMachine *machine, unsigned index, const VtDiskConfig *disk, const char *const *paths, const int *fds,
                          size_t n, GError **error);
/* A network card with an address of its own; likewise. */
bool vt_machine_add_net (VtMachine *machine, unsigned index, const VtNetConfig *net, GError **error);

/* On the machine's context, once. NULL: the device is gone, or the machine is off. An error: the guest keeps it. The image
 * is closed by then. */
typedef void (*VtRemoved) (void *opaque, const GError *error);
/* Ask the guest to let go of a device that is in a slot, by the disk's id or the card's address. False: it was not asked,
 * and `removed` is not called. */
bool vt_machine_remove_disk (VtMachine *machine, const char *id, VtRemoved removed, void *opaque, GError **error);
bool vt_machine_remove_net (VtMachine *machine, const uint8_t mac[6], VtRemoved removed, void *opaque, GError **error);

/* A virtio disk in a raw or qcow2 image gets larger, in whole sectors, and the guest hears of it. Blocks while the image grows. */
bool vt_machine_grow_disk (VtMachine *machine, const char *id, uint64_t bytes, GError **error);

/* What the guest sees of a drive. False: there is no such drive, or it is empty. */
bool vt_machine_disk_size (VtMachine *machine, const char *id, uint64_t *bytes, GError **error);

/* --- USB ---------------------------------------------------------------------------------------------------------- */

/* A USB device that somebody gives away at the other end of a connected stream socket, in the usbredir protocol (in the role of its
 * “usb-host”), into the first free port. `id`: by which it is unplugged, not in use. `fd`: taken in any case. The event usb_left tells
 * that the device has gone, or that the other end would not give it; its port is free then. */
bool vt_machine_plug_usb (VtMachine *machine, const char *id, int fd, GError **error);
bool vt_machine_unplug_usb (VtMachine *machine, const char *id, GError **error);
/* Ports for such devices, and the ids of what is in them now: char*, to be freed. */
unsigned   vt_machine_usb_ports (VtMachine *machine);
GPtrArray *vt_machine_usb_devices (VtMachine *machine);

/* --- Network cards ------------------------------------------------------------------------------------------------ */

/* `card`: index among the network cards of the configuration. */
bool vt_machine_set_link (VtMachine *machine, unsigned card, bool up, GError **error);
/* The guest's driver takes it when it next starts. Not a group address. */
bool vt_machine_set_mac (VtMachine *machine, unsigned card, const uint8_t mac[6], GError **error);
/* All frames of the card are written to the file from now on, in pcap format, until -1 is given or the file cannot be written.
 * `fd`: a regular file opened for writing, taken in any case. */
bool vt_machine_capture (VtMachine *machine, unsigned card, int fd, GError **error);
bool vt_machine_is_captured (VtMachine *machine, unsigned card);
/* The addresses of all cards, in their order; ends with NULL. */
GStrv vt_machine_macs (VtMachine *machine);
/* The ports of this computer that are forwarded to the guest, for a card on user networking, in the form of VtNetConfig's; ends with
 * NULL. All or nothing. It stays so when the guest is reset. */
bool  vt_machine_set_forwards (VtMachine *machine, unsigned card, const char *const *rules, GError **error);
GStrv vt_machine_forwards (VtMachine *machine, unsigned card, GError **error);
