/* SPDX-License-Identifier: GPL-3.0-or-later */
/* PCI addresses of s390x guests: <zpci uid='0x0001' fid='0x00000000'/> in a device's <address type='pci'>. What the
 * guest sees is fixed by the uid alone: its PCI domain is the uid, and there is one function in it, UID:00:00.0; the
 * fid names the slot. libvirt chooses what a definition does not say. Main thread, or one at a time. */
#pragma once

#include "domain.h"

#define VITRINE_ZPCI_MAX_UID 0xffffu   /* from 1: 0 is no uid */

/* One PCI device. A copy. */
typedef struct
{
  char *id; /* "0000:01:00.0" of a host device, a card's MAC, a disk's target; else "sound", "sound-2" */
  char    *element;            /* "hostdev", "interface", ... */
  gboolean has_uid, has_fid;   /* else libvirt chooses */
  guint32  uid, fid;
} VitrineZpci;

void vitrine_zpci_free (VitrineZpci *zpci);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineZpci, vitrine_zpci_free)

gboolean   vitrine_domain_is_s390x (VitrineDomain *domain);
/* Of VitrineZpci, in document order: every PCI device of the definition, and none when it is not for s390x. */
GPtrArray *vitrine_domain_get_zpci (VitrineDomain *domain);
/* Both, for that device. Refused when out of range or another device's; the error says what is free. */
gboolean   vitrine_domain_set_zpci (VitrineDomain *domain, const char *id, guint32 uid, guint32 fid, GError **error);
/* libvirt chooses again. FALSE: there is no such device. */
gboolean   vitrine_domain_clear_zpci (VitrineDomain *domain, const char *id, GError **error);
/* "0x0001", "1", "0X1F"; the error says what the range is. */
gboolean   vitrine_zpci_parse_uid (const char *text, guint32 *uid, GError **error);
gboolean   vitrine_zpci_parse_fid (const char *text, guint32 *fid, GError **error);
/* The least that no device has; 0 when there is none. */
guint32    vitrine_domain_free_zpci_uid (VitrineDomain *domain);
guint32    vitrine_domain_free_zpci_fid (VitrineDomain *domain);
