/* SPDX-License-Identifier: GPL-3.0-or-later */
/* One machine that gets devices of its host: the definition, what the host has, and how both are changed, wherever the machine is.
 * For one on this computer, /sys is read and vitrine-host-helper changes things; for one elsewhere, its libvirt does both. Main
 * thread only; nothing blocks. */
#pragma once

#include "domain-hostdev.h"
#include "domain-zpci.h"
#include "host-devices.h"
#include "library.h"
#include "pci-host.h"
#include "pci-plan.h"

#define VITRINE_TYPE_TARGET (vitrine_target_get_type ())
G_DECLARE_FINAL_TYPE (VitrineTarget, vitrine_target, VITRINE, TARGET, GObject)

VitrineTarget *vitrine_target_new_for_guest (VitrineHost *host, VitrineHostGuest *guest);
VitrineTarget *vitrine_target_new_for_machine (VitrineLibrary *library, VitrineMachine *machine);
/* The same for a definition that somebody is editing: changes go into @draft, which he writes or forgets. */
VitrineTarget *vitrine_target_new_for_draft (VitrineLibrary *library, VitrineMachine *machine, VitrineDomain *draft);
/* Without a machine: only for what there is. @host NULL: this computer, with the machines of @library. */
VitrineTarget *vitrine_target_new_for_host (VitrineHost *host, VitrineLibrary *library);

const char *vitrine_target_get_title (VitrineTarget *self);
gboolean    vitrine_target_is_running (VitrineTarget *self);
/* Is it a machine of our own engine, which cannot give devices away? */
gboolean    vitrine_target_is_local (VitrineTarget *self);
/* "From /sys of this computer, ...": where the list comes from, and who would change things. A sentence. */
const char *vitrine_target_get_source (VitrineTarget *self);
/* Why devices cannot come into it, whatever they are: a sentence, or NULL. */
char       *vitrine_target_explain_local (VitrineTarget *self);
/* What managed='yes' should be at first: libvirt as an unprivileged user cannot do it. */
gboolean    vitrine_target_prefers_managed (VitrineTarget *self);
/* NULL: a local machine's. Borrowed. */
VitrineHost *vitrine_target_get_host (VitrineTarget *self);
/* The computer that /sys is read of; NULL: one elsewhere. Borrowed. */
VitrineHostTree *vitrine_target_get_tree (VitrineTarget *self);

/* Reads definition and host; again for what has changed. */
void     vitrine_target_load_async (VitrineTarget *self, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_target_load_finish (VitrineTarget *self, GAsyncResult *result, GError **error);
/* The definition only; vitrine_target_load_finish() ends it. */
void     vitrine_target_load_definition_async (VitrineTarget *self, GAsyncReadyCallback done, gpointer data);
/* As they were read last; NULL before. Borrowed: copy the definition before changing it. */
VitrineDomain        *vitrine_target_get_domain (VitrineTarget *self);
const VitrinePciHost *vitrine_target_get_pci_host (VitrineTarget *self);

/* The whole definition, for the next start. On a host refused when somebody else has changed it meanwhile. */
void     vitrine_target_write_async (VitrineTarget *self, VitrineDomain *domain, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_target_write_finish (VitrineTarget *self, GAsyncResult *result, GError **error);

/* A mediated device comes into the machine, or goes; with @live also now. Refused with a sentence when the machine has it, or cannot
 * use it. */
gboolean vitrine_target_check_mediated (VitrineTarget *self, const VitrineHostdev *hostdev, GError **error);
/* The element that would come, as it is written; NULL as above. */
char    *vitrine_target_get_mediated_element (VitrineTarget *self, const VitrineHostdev *hostdev, GError **error);
/* How it would come, as shell commands with their reasons. */
char    *vitrine_target_dry_run_mediated (VitrineTarget *self, const VitrineHostdev *hostdev, gboolean live,
                                          GError **error);
void     vitrine_target_give_mediated_async (VitrineTarget *self, const VitrineHostdev *hostdev, gboolean live,
                                             GAsyncReadyCallback done, gpointer data);
void     vitrine_target_take_mediated_async (VitrineTarget *self, const char *uuid, gboolean live, GAsyncReadyCallback done,
                                             gpointer data);
gboolean vitrine_target_mediated_finish (VitrineTarget *self, GAsyncResult *result, GError **error);

/* What lspci will print of a device in an s390x guest: "0001:00:00.0 Ethernet controller: ...". Where libvirt chooses, with the uid that
 * it would choose now. */
char *vitrine_target_preview_zpci (VitrineTarget *self, VitrineDomain *domain, const VitrineZpci *zpci);

/* Which PCI devices, and how. */
typedef struct
{
  GStrv    addresses;
  gboolean removes;      /* else adds */
  gboolean managed;      /* adds: libvirt moves them between drivers */
  gboolean live;         /* also now; the machine runs */
  gboolean rom_off;
  gboolean confirmed;    /* a person knows what the host loses */
} VitrinePciChange;

void vitrine_pci_change_clear (VitrinePciChange *change);

/* Is there nothing in the way of that, on the host as it was read? vitrine_pci_host_check(), with what the machine has already. */
gboolean       vitrine_target_check (VitrineTarget *self, const VitrinePciChange *change, GError **error);
/* The definition afterwards. */
VitrineDomain *vitrine_target_preview (VitrineTarget *self, const VitrinePciChange *change, GError **error);
/* The elements that come or go, as they are written. */
char *vitrine_target_get_elements (VitrineTarget *self, const VitrinePciChange *change, GError **error);
/* All that would be done, as shell commands with their reasons. */
char *vitrine_target_dry_run (VitrineTarget *self, const VitrinePciChange *change, GError **error);
/* The same in a definition itself. */
gboolean vitrine_pci_change_apply (const VitrinePciChange *change, VitrineDomain *domain, GError **error);
/* Does it; what fails half-way is undone. */
void     vitrine_target_change_async (VitrineTarget *self, const VitrinePciChange *change, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_target_change_finish (VitrineTarget *self, GAsyncResult *result, GError **error);
