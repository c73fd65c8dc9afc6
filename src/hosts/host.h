/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A libvirt host and its machines: a GListModel of VitrineHostGuest, sorted by title, empty while the host is away.
 * Follows the host's events; asks it for nothing again and again. Main thread only; nothing here blocks.
 *
 * Properties "state" (guint) and "reason" notify. Signals: "ask" (VitrineCredentials *): a person is to answer, and
 * whoever shows the questions returns TRUE; "resources-changed" (VitrineHostResourceKinds): these are others. */
#pragma once

#include <gio/gio.h>

#include "credentials.h"
#include "host-error.h"
#include "host-guest.h"

typedef enum
{
  VITRINE_HOST_AWAY,
  VITRINE_HOST_CONNECTING,
  VITRINE_HOST_CONNECTED,
} VitrineHostState;

/* What a host has beside machines. */
typedef enum
{
  VITRINE_HOST_POOLS         = 1 << 0,
  VITRINE_HOST_NETWORKS      = 1 << 1,
  VITRINE_HOST_DEVICES       = 1 << 2,
  VITRINE_HOST_ALL_RESOURCES = (1 << 3) - 1,
} VitrineHostResourceKinds;

#define VITRINE_TYPE_HOST (vitrine_host_get_type ())
G_DECLARE_FINAL_TYPE (VitrineHost, vitrine_host, VITRINE, HOST, GObject)

/* @id names it for good; @name NULL: one made of the URI. */
VitrineHost *vitrine_host_new (const char *id, const char *uri, const char *name);
/* Is it one that libvirt could take, and that may be written down? The error says what to change. */
gboolean     vitrine_host_check_uri (const char *uri, GError **error);
/* "This computer (system)", "rack1": a new string. */
char        *vitrine_host_name_for_uri (const char *uri);

const char      *vitrine_host_get_id (VitrineHost *self);
const char      *vitrine_host_get_uri (VitrineHost *self);
const char      *vitrine_host_get_name (VitrineHost *self);
/* Does its libvirt run machines on this computer, whose devices we can see ourselves? As an unprivileged user (qemu:///session)? */
gboolean         vitrine_host_is_here (VitrineHost *self);
gboolean         vitrine_host_is_session (VitrineHost *self);
VitrineHostState vitrine_host_get_state (VitrineHost *self);
const char      *vitrine_host_get_reason (VitrineHost *self);   /* why it is away: a sentence; NULL */

/* Connects now, and again whenever the connection is lost, after longer and longer waits. Who was refused is not tried
 * again unasked. */
void vitrine_host_connect (VitrineHost *self);
void vitrine_host_disconnect (VitrineHost *self);

VitrineHostGuest *vitrine_host_lookup (VitrineHost *self, const char *uuid);   /* borrowed; NULL */
/* By name, title or UUID; the error names what there is. Borrowed. */
VitrineHostGuest *vitrine_host_find (VitrineHost *self, const char *words, GError **error);

/* A new machine from libvirt domain XML, checked against libvirt's schema by the host. Refused when a machine has its
 * UUID already. */
void     vitrine_host_define_async (VitrineHost *self, const char *xml, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_host_define_finish (VitrineHost *self, GAsyncResult *result, GError **error);
