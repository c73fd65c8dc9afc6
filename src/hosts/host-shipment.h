/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A machine on its way to a host or from it: files and volumes in one piece of work with one progress. What fails or is
 * cancelled leaves nothing, where the host still answers. Main thread only; nothing blocks. */
#pragma once

#include "host-guest.h"
#include "host-resources.h"

/* --- to a host --- */

typedef struct
{
  char *file;     /* here */
  char *name;     /* of the volume; another one with "-2" when it is taken */
} VitrineHostParcel;

VitrineHostParcel *vitrine_host_parcel_new (const char *file, const char *name);
void               vitrine_host_parcel_free (VitrineHostParcel *parcel);

/* The definition, now that it is known where each parcel came to be. In a worker thread. */
typedef char *(*VitrineHostDescribe) (const char *const *paths, gpointer data);

typedef struct
{
  char               *pool;
  GPtrArray          *parcels;     /* of VitrineHostParcel */
  VitrineHostDescribe describe;
  gpointer            data;
  GDestroyNotify      free_data;
  gboolean            start;       /* once it is defined */
} VitrineHostShipment;

void vitrine_host_shipment_free (VitrineHostShipment *shipment);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineHostShipment, vitrine_host_shipment_free)

/* Takes @shipment. */
void     vitrine_host_ship_async (VitrineHost *self, VitrineHostShipment *shipment, GCancellable *cancellable,
                                  VitrineHostProgress progress, gpointer progress_data, GAsyncReadyCallback done,
                                  gpointer data);
/* TRUE: it is there. *not_started: it is, but did not start, for that reason; else NULL. */
gboolean vitrine_host_ship_finish (VitrineHost *self, GAsyncResult *result, char **not_started, GError **error);

/* Would the host take this definition? It is asked to make a command line of it, which defines nothing. TRUE also when
 * it cannot be asked that. */
void     vitrine_host_check_definition_async (VitrineHost *self, const char *xml, GAsyncReadyCallback done,
                                              gpointer data);
gboolean vitrine_host_check_definition_finish (VitrineHost *self, GAsyncResult *result, GError **error);

/* --- from a host --- */

/* One file that a machine's next definition names. */
typedef struct
{
  char    *what;             /* a disk's target, "nvram", "kernel", "initrd" */
  char    *path;             /* of its volume; NULL: it is in no pool, @named is as the definition has it */
  char    *named;
  char    *pool;             /* NULL: none */
  char    *format;           /* as the definition says, never as the content looks */
  GStrv    chain;            /* paths of the volumes that it stands on, from the top */
  char    *broken;           /* what it stands on, but is in no pool; NULL: nothing */
  guint64  capacity_bytes, file_bytes;   /* the latter with its chain's */
} VitrineHostCargo;

void       vitrine_host_cargo_free (VitrineHostCargo *cargo);
/* Of VitrineHostCargo. */
void       vitrine_host_guest_list_cargo_async (VitrineHostGuest *self, GAsyncReadyCallback done, gpointer data);
GPtrArray *vitrine_host_guest_list_cargo_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error);

/* Volumes by their @paths into @files, one each; all or none. */
void     vitrine_host_fetch_async (VitrineHost *self, const char *const *paths, const char *const *files,
                                   GCancellable *cancellable, VitrineHostProgress progress, gpointer progress_data,
                                   GAsyncReadyCallback done, gpointer data);
gboolean vitrine_host_fetch_finish (VitrineHost *self, GAsyncResult *result, GError **error);
