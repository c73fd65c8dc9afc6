/* SPDX-License-Identifier: GPL-3.0-or-later */
/* An open connection to a libvirt host, and what is on it. Private to src/hosts: libvirt's types are in here.
 *
 * Functions block on the network, so they are for worker threads, except where they say otherwise. libvirt-gobject's
 * connection is not used: docs/decisions/0014-libvirt-hosts.md says why. */
#pragma once

#include <gio/gio.h>
#include <libvirt/libvirt.h>

#include "credentials.h"
#include "host.h"
#include "state.h"

/* A domain, as the host told it last. */
typedef struct
{
  virDomainPtr domain;
  char        *uuid, *name;
  char        *title;       /* NULL: none, or not asked yet */
  char        *message;     /* a sentence; NULL: nothing to say */
  VitrineState state;
  gboolean     active;      /* the host has it at work, be it that it crashed */
  gboolean     saved, autostart, persistent;
} VitrineHostEntry;

void vitrine_host_entry_free (VitrineHostEntry *entry);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineHostEntry, vitrine_host_entry_free)

/* What the host tells without being asked. In the main thread; @owner is the one of vitrine_host_link_open(). */
typedef struct
{
  void (*domain_changed) (gpointer owner, virDomainPtr domain);   /* borrowed */
  void (*resources_changed) (gpointer owner, VitrineHostResourceKinds kinds);
  void (*lost) (gpointer owner, const char *reason);              /* a sentence */
  /* Who shows the questions to a person answers them at any time; others cancel them. */
  void (*ask) (gpointer owner, VitrineCredentials *credentials);
} VitrineHostLinkEvents;

typedef struct _VitrineHostLink VitrineHostLink;

/* Tries again when a person's answers were wrong. @owner is held weakly. */
VitrineHostLink *vitrine_host_link_open (const char *uri, const VitrineHostLinkEvents *events, GObject *owner,
                                         GCancellable *cancellable, GError **error);
virConnectPtr    vitrine_host_link_get_connection (VitrineHostLink *link);   /* borrowed; any thread */
/* Nothing is told from here on; closes and frees the link. */
void             vitrine_host_link_close (VitrineHostLink *link);

/* All domains without their titles, in a handful of calls however many there are. */
GPtrArray        *vitrine_host_link_list (virConnectPtr connection, GError **error);
/* One, with everything. VITRINE_HOST_ERROR_GONE when it is not there any more. */
VitrineHostEntry *vitrine_host_link_read (virDomainPtr domain, GError **error);
/* NULL: none. */
char             *vitrine_host_link_read_title (virDomainPtr domain);
