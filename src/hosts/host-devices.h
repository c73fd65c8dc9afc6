/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Devices of a host for its machines: what there is, who has what, and giving and taking. Main thread only; nothing blocks. */
#pragma once

#include "host.h"

typedef enum
{
  VITRINE_HOST_DEVICES_PCI,        /* PCI devices, and the network cards and disks that are on them */
  VITRINE_HOST_DEVICES_MEDIATED,   /* mediated devices, also those that are only defined, what offers some, and crypto queues */
} VitrineHostDevices;

/* libvirt's XML of each, as it is. */
void  vitrine_host_list_node_devices_async (VitrineHost *self, VitrineHostDevices which, GAsyncReadyCallback done, gpointer data);
GStrv vitrine_host_list_node_devices_finish (VitrineHost *self, GAsyncResult *result, GError **error);

/* A machine's definition: as it runs, when it does. */
typedef struct
{
  char    *title, *uuid, *xml;
  gboolean runs;
} VitrineHostDefinitionText;

/* Of VitrineHostDefinitionText: of all machines of the host, which is a call for each. */
void       vitrine_host_list_definitions_async (VitrineHost *self, GAsyncReadyCallback done, gpointer data);
GPtrArray *vitrine_host_list_definitions_finish (VitrineHost *self, GAsyncResult *result, GError **error);

typedef enum
{
  VITRINE_HOST_DEVICE_GIVE,        /* from the host's driver to vfio-pci */
  VITRINE_HOST_DEVICE_TAKE_BACK,
} VitrineHostDeviceVerb;

/* @names: libvirt's of node devices ("pci_0000_01_00_0"). All or none. */
void     vitrine_host_move_devices_async (VitrineHost *self, VitrineHostDeviceVerb verb, const char *const *names,
                                          GAsyncReadyCallback done, gpointer data);
gboolean vitrine_host_move_devices_finish (VitrineHost *self, GAsyncResult *result, GError **error);

/* Devices (elements of a domain) of a running machine, now and for its next start; all or none, as far as the guest can be trusted
 * with that: it may keep a device that it should let go of. */
void     vitrine_host_guest_attach_async (VitrineHostGuest *guest, const char *const *xml, GAsyncReadyCallback done, gpointer data);
void     vitrine_host_guest_detach_async (VitrineHostGuest *guest, const char *const *xml, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_host_guest_attach_finish (VitrineHostGuest *guest, GAsyncResult *result, GError **error);
