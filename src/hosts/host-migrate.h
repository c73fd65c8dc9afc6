/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A host's machine to another host, running or off. Main thread only; nothing blocks. */
#pragma once

#include "host-guest.h"
#include "host-resources.h"

typedef enum
{
  VITRINE_MIGRATE_DIRECT,     /* this program talks to both hosts; memory goes from one to the other */
  VITRINE_MIGRATE_PEER,       /* the source's libvirt talks to the target's, by the target's URI */
  VITRINE_MIGRATE_TUNNEL,     /* the same, and memory goes through that connection */
} VitrineMigrateWay;

/* An empty volume of the target for a disk that is copied. */
typedef struct
{
  char   *target;             /* of the disk: "vda" */
  char   *pool, *name, *format;
  guint64 capacity_bytes;
} VitrineMigrateDisk;

VitrineMigrateDisk *vitrine_migrate_disk_new (const char *target, const char *pool, const char *name,
                                              const char *format, guint64 capacity_bytes);
void                vitrine_migrate_disk_free (VitrineMigrateDisk *disk);

typedef struct
{
  gboolean          live;             /* else it is off, and only its definition goes */
  GPtrArray        *copies;           /* of VitrineMigrateDisk; NULL: storage is shared */
  gboolean          trust_storage;    /* it is, also where libvirt cannot tell and would refuse */
  guint64           bandwidth_mib;    /* each second; 0: whatever there is */
  guint64           downtime_ms;      /* at most, in the end; 0: the host's own limit */
  gboolean          auto_converge;    /* a guest that changes memory too fast is slowed down */
  gboolean          post_copy;        /* when memory does not get less, it runs at the target before all has come */
  VitrineMigrateWay way;
} VitrineMigration;

void vitrine_migration_free (VitrineMigration *migration);

typedef struct
{
  guint64 memory_total_bytes, memory_remaining_bytes, disk_total_bytes, disk_remaining_bytes, bytes_per_second;
  guint64 downtime_ms;       /* expected, later measured */
  guint   iteration;         /* passes over the memory that changed */
  guint   throttle_percent;  /* how much the guest is slowed down */
  gboolean post_copy;        /* it runs at the target already */
  gint64  time_us;           /* monotonic */
} VitrineMigrateNews;

typedef void (*VitrineMigrateTold) (const VitrineMigrateNews *news, gpointer data);

/* Takes @migration. Afterwards the machine is defined at one of both hosts only; @told is called in the main thread a
 * few times each second. Cancelling lets the machine go on where it is. */
void     vitrine_host_guest_migrate_async (VitrineHostGuest *self, VitrineHost *target, VitrineMigration *migration,
                                           GCancellable *cancellable, VitrineMigrateTold told, gpointer told_data,
                                           GAsyncReadyCallback done, gpointer data);
/* An error says where the machine is. */
gboolean vitrine_host_guest_migrate_finish (VitrineHostGuest *self, GAsyncResult *result, GError **error);

/* Could the processor that this definition asks for be had there? By the host's own comparison. FALSE: no, and *why
 * is a sentence; TRUE and *why: it could not be asked, for that reason. */
void     vitrine_host_compare_cpu_async (VitrineHost *target, const char *xml, GAsyncReadyCallback done, gpointer data);
gboolean vitrine_host_compare_cpu_finish (VitrineHost *target, GAsyncResult *result, char **why, GError **error);
/* What to write into the definition so that it could run on both; NULL: nothing. */
void     vitrine_host_baseline_cpu_async (VitrineHost *target, VitrineHost *source, GAsyncReadyCallback done,
                                          gpointer data);
char    *vitrine_host_baseline_cpu_finish (VitrineHost *target, GAsyncResult *result, GError **error);
