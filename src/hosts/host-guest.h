/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A domain of a libvirt host, as a VitrineGuest, with one more command: "Start", without a window. Commands return when
 * the host has done them; the state follows by the host's events. Main thread only; nothing blocks. Signal "left" ():
 * its host has lost it, or is away itself; the guest has no host from then on. */
#pragma once

#include "guest.h"

typedef struct _VitrineHost VitrineHost;

#define VITRINE_TYPE_HOST_GUEST (vitrine_host_guest_get_type ())
G_DECLARE_FINAL_TYPE (VitrineHostGuest, vitrine_host_guest, VITRINE, HOST_GUEST, GObject)

const char  *vitrine_host_guest_get_name (VitrineHostGuest *self);   /* libvirt's; the title may be another */

VitrineHost *vitrine_host_guest_get_host (VitrineHostGuest *self);   /* borrowed; NULL: it has left */

/* What it used so far. */
typedef struct
{
  guint64 cpu_ns;
  guint64 memory_bytes;   /* that the guest has; 0: the host does not tell */
  gint64  time_us;        /* monotonic, when it was asked */
} VitrineHostSample;

void     vitrine_host_guest_sample_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data);
gboolean
vitrine_host_guest_sample_finish (VitrineHostGuest *self, GAsyncResult *result, VitrineHostSample *out, GError **error);

/* libvirt's XML, as it is. */
typedef enum
{
  VITRINE_HOST_DEFINITION_RUNNING,        /* as it runs now */
  VITRINE_HOST_DEFINITION_NEXT,           /* for the next start */
  VITRINE_HOST_DEFINITION_WITH_SECRETS,   /* the same to be edited: who may not see its passwords would delete them */
} VitrineHostDefinition;

void  vitrine_host_guest_read_definition_async (VitrineHostGuest *self, VitrineHostDefinition which,
                                                GAsyncReadyCallback done, gpointer data);
char *vitrine_host_guest_read_definition_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error);
/* @was: what the person began with, secrets included. When the host has another one by now, nothing is written, and the
 * error is VITRINE_HOST_ERROR_CONFLICT with a diff, without passwords, as its message. The host checks the
 * new one against libvirt's schema. */
void vitrine_host_guest_write_definition_async (VitrineHostGuest *self, const char *was, const char *xml,
                                                GAsyncReadyCallback done, gpointer data);
gboolean vitrine_host_guest_write_definition_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error);

/* Volumes of pools that its disks are on, and that no other machine of the host uses and no other volume is backed by:
 * what deleting with volumes would delete. An error when the host cannot be looked through: who knows then? */
void   vitrine_host_guest_list_volumes_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data);
GStrv  vitrine_host_guest_list_volumes_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error);
/* The definition with its saved state, snapshots' descriptions and UEFI variables; then those of @volumes that are
 * still nobody else's. NULL: none. */
void     vitrine_host_guest_delete_async (VitrineHostGuest *self, const char *const *volumes, GAsyncReadyCallback done,
                                          gpointer data);
gboolean vitrine_host_guest_delete_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error);

/* Of VitrineSnapshot, as a tree; @current: the name of the one it was last at, or NULL. */
void       vitrine_host_guest_list_snapshots_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data);
GPtrArray *
vitrine_host_guest_list_snapshots_finish (VitrineHostGuest *self, GAsyncResult *result, char **current, GError **error);
typedef enum
{
  VITRINE_HOST_SNAPSHOT_TAKE,
  VITRINE_HOST_SNAPSHOT_GO_BACK,
  VITRINE_HOST_SNAPSHOT_FORGET,
} VitrineHostSnapshotVerb;
/* @description: of the one to take; may be NULL. */
void     vitrine_host_guest_snapshot_async (VitrineHostGuest *self, VitrineHostSnapshotVerb verb, const char *name,
                                            const char *description, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_host_guest_snapshot_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error);
