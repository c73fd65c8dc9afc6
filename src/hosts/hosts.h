/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The libvirt hosts that a person has added: a GListModel of VitrineHost in the order of adding, kept in
 * $XDG_CONFIG_HOME/vitrine/hosts.ini. Follows changes that other processes make. Hosts that come are not connected by
 * that. Main thread only; blocks for a small file. */
#pragma once

#include "host.h"

#define VITRINE_TYPE_HOSTS (vitrine_hosts_get_type ())
G_DECLARE_FINAL_TYPE (VitrineHosts, vitrine_hosts, VITRINE, HOSTS, GObject)

VitrineHosts *vitrine_hosts_new (void);

guint        vitrine_hosts_get_size (VitrineHosts *self);
VitrineHost *vitrine_hosts_get (VitrineHosts *self, guint position);            /* borrowed */
VitrineHost *vitrine_hosts_lookup (VitrineHosts *self, const char *id);         /* borrowed; NULL */
/* By name, id or URI; the error names what there is. Borrowed. */
VitrineHost *vitrine_hosts_find (VitrineHosts *self, const char *words, GError **error);

/* @name NULL: made of the URI. A URI that is there already, or that is none, is refused. Returns a borrowed host. */
VitrineHost *vitrine_hosts_add (VitrineHosts *self, const char *uri, const char *name, GError **error);
/* The same, but a new host that is in no list until vitrine_hosts_put_back(). */
VitrineHost *vitrine_hosts_prepare (VitrineHosts *self, const char *uri, const char *name, GError **error);
/* Forgets it, not its kept password: vitrine_hosts_put_back() may follow. The host is disconnected. */
gboolean     vitrine_hosts_remove (VitrineHosts *self, VitrineHost *host, GError **error);
/* The same host again, at the end. Refused when its id or URI is there by now. */
gboolean     vitrine_hosts_put_back (VitrineHosts *self, VitrineHost *host, GError **error);
/* It will not come back: its kept password goes too, in a thread. */
void         vitrine_hosts_forget (VitrineHost *host);
