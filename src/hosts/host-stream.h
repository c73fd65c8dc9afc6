/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The bytes of volumes, sent there and back. Private to src/hosts. Functions block: for worker threads. */
#pragma once

#include <gio/gio.h>
#include <libvirt/libvirt.h>

#include "host-resources.h"

/* How far a transfer is, told in the main thread a few times each second. */
typedef struct
{
  VitrineHostProgress progress;   /* NULL: nobody wants to hear */
  gpointer            data;
  guint64             done_bytes, total_bytes;
  gint64              told_us;
} VitrineHostMeter;

/* Before the transfer's end is told, as both go through the main loop in order. */
void vitrine_host_meter_add (VitrineHostMeter *meter, guint64 bytes);

/* The first name that the pool does not have: "debian.qcow2", "debian-2.qcow2". */
char            *vitrine_host_free_volume_name (virStoragePoolPtr pool, const char *wish);
/* An empty volume. NULL and an error. */
virStorageVolPtr vitrine_host_make_volume (virStoragePoolPtr pool, const char *name, const char *format,
                                           guint64 capacity_bytes, GError **error);
/* The host looks into a file that was uploaded only then. */
void             vitrine_host_refresh_pool_of (virStorageVolPtr volume);
/* How many bytes it is as a file, not as the disk that it holds. */
guint64          vitrine_host_volume_file_bytes (virStorageVolPtr volume);

/* Opened for reading, and locked against machines that would write to it, as the engine locks images. -1 and an
 * error. */
int      vitrine_host_hold_file (const char *file, GError **error);
/* @file into the volume. What the file has holes for is not sent. A file that another program changes meanwhile is an
 * error. */
gboolean vitrine_host_send_file (virStorageVolPtr volume, const char *file, VitrineHostMeter *meter,
                                 GCancellable *cancellable, GError **error);
/* Into @file, which is there, and on the disk, when it is complete. */
gboolean vitrine_host_receive_file (virStorageVolPtr volume, const char *file, VitrineHostMeter *meter,
                                    GCancellable *cancellable, GError **error);
