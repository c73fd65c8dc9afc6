/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What a host has beside machines: storage pools with volumes, networks, devices. Main thread only; nothing blocks.
 * Names and paths are as the host says them, for giving back to it; show them through vitrine_host_text(). Who shows
 * them reads them again on the host's "resources-changed", and after what was done here to volumes, of which hosts tell
 * nothing. */
#pragma once

#include "host.h"

typedef struct
{
  char   *name, *path, *format;   /* format NULL: the host does not say */
  guint64 capacity_bytes, allocation_bytes;
} VitrineHostVolume;

typedef struct
{
  char      *name, *path;         /* path NULL: it has none */
  gboolean   active, autostart;
  guint64    capacity_bytes, available_bytes;
  GPtrArray *volumes;             /* of VitrineHostVolume; empty while it is not active */
} VitrineHostPool;

typedef struct
{
  char    *name, *bridge;         /* bridge NULL: it has none */
  gboolean active, autostart;
} VitrineHostNetwork;

typedef struct
{
  char *name, *kind, *description;   /* "pci"; "82540EM Gigabit Ethernet Controller", or NULL */
} VitrineHostDevice;

typedef struct
{
  VitrineHostResourceKinds kinds;    /* that were read; the others are empty */
  GPtrArray *pools, *networks, *devices;
  char      *no_devices;             /* why there is no list of devices; NULL: there is */
} VitrineHostResources;

void vitrine_host_resources_free (VitrineHostResources *resources);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineHostResources, vitrine_host_resources_free)

void                  vitrine_host_list_resources_async (VitrineHost *self, VitrineHostResourceKinds kinds,
                                                         GAsyncReadyCallback done, gpointer data);
VitrineHostResources *vitrine_host_list_resources_finish (VitrineHost *self, GAsyncResult *result, GError **error);

/* The network "default" that machines usually are on, but that does not run: NULL when all is well, or when there is
 * none. */
const VitrineHostNetwork *vitrine_host_resources_find_idle_default (const VitrineHostResources *resources);

typedef enum
{
  VITRINE_HOST_START_NETWORK,
  VITRINE_HOST_STOP_NETWORK,
  VITRINE_HOST_START_POOL,
  VITRINE_HOST_STOP_POOL,
  VITRINE_HOST_REFRESH_POOL,
  VITRINE_HOST_DELETE_VOLUME,   /* @name: its path */
} VitrineHostResourceVerb;

void vitrine_host_change_resource_async (VitrineHost *self, VitrineHostResourceVerb verb, const char *name,
                                         GAsyncReadyCallback done, gpointer data);
/* An empty one; @format: "qcow2", "raw". */
void vitrine_host_create_volume_async (VitrineHost *self, const char *pool, const char *name, const char *format,
                                       guint64 capacity_bytes, GAsyncReadyCallback done, gpointer data);

/* In the main thread, a few times each second. */
typedef void (*VitrineHostProgress) (guint64 done_bytes, guint64 total_bytes, gpointer data);

/* A new volume named as the file, with its bytes. One that is there is not overwritten; one that was not finished is
 * deleted. */
void vitrine_host_upload_volume_async (VitrineHost *self, const char *pool, const char *file, GCancellable *cancellable,
                                       VitrineHostProgress progress, gpointer progress_data, GAsyncReadyCallback done,
                                       gpointer data);
/* Into @file, which is there when it is complete. */
void vitrine_host_download_volume_async (VitrineHost *self, const char *path, const char *file,
                                         GCancellable *cancellable, VitrineHostProgress progress,
                                         gpointer progress_data, GAsyncReadyCallback done, gpointer data);
/* Of the four above. */
gboolean vitrine_host_resource_finish (VitrineHost *self, GAsyncResult *result, GError **error);
