/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Appliances: a machine in OVF (DMTF DSP0243, Open Virtualization Format), as other programs export it. Everything in one is
 * somebody else's word. Any thread. */
#pragma once

#include <gio/gio.h>

#define VITRINE_OVF_MAX_BYTES (4 * 1024 * 1024)

typedef struct
{
  char    *file;             /* a plain name beside the OVF; NULL: empty */
  char    *bus;              /* "sata", "virtio" */
  gboolean cdrom;
  guint64  capacity_bytes;   /* of a disk; 0: its image says it */
  guint64  file_bytes;       /* writing: of its file */
} VitrineApplianceDisk;

typedef struct
{
  char      *name, *description;      /* description: NULL for none */
  guint      cpus;
  guint64    memory_bytes;
  gboolean   uefi;
  GPtrArray *disks;                   /* VitrineApplianceDisk*, the first boots */
  GPtrArray *macs;                    /* char* of each network card; "" where none is said */
  GPtrArray *notes;                   /* char*: what becomes something else, sentences for people */
} VitrineAppliance;

VitrineAppliance *vitrine_appliance_new (void);
void              vitrine_appliance_free (VitrineAppliance *appliance);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineAppliance, vitrine_appliance_free)
VitrineApplianceDisk *vitrine_appliance_add_disk (VitrineAppliance *appliance, const char *file, const char *bus, gboolean cdrom,
                                                  guint64 capacity_bytes);

/* @source names the document in errors. */
VitrineAppliance *vitrine_appliance_new_from_ovf (const char *data, gsize length, const char *source, GError **error);
/* OVF 1.1, as VMware and VirtualBox read it; disks are stream optimized VMDKs. */
char             *vitrine_appliance_to_ovf (const VitrineAppliance *appliance);

/* A name of a file that stays where it is looked for: no folder, nothing hidden. */
gboolean vitrine_appliance_is_plain_name (const char *name);

/* --- Archives and manifests (ova.c) --- */

/* Between 0 and 1; FALSE: stop. */
typedef gboolean (*VitrineProgress) (gpointer data, double fraction);

/* The files of a tar archive into @folder, which exists. Only plain files with plain names; anything else is refused. */
gboolean vitrine_ova_unpack (const char *path, const char *folder, VitrineProgress progress, gpointer data, GError **error);
/* @names of @folder into a new archive, in that order. */
gboolean vitrine_ova_pack (const char *path, const char *folder, const char *const *names, VitrineProgress progress, gpointer data,
                           GError **error);
/* Checks the files that the manifest names (SHA-1, SHA-256, SHA-512). A manifest that is not there is fine. */
gboolean vitrine_manifest_check (const char *folder, const char *manifest, VitrineProgress progress, gpointer data, GError **error);
/* SHA-256 of each. */
gboolean vitrine_manifest_write (const char *folder, const char *manifest, const char *const *names, VitrineProgress progress,
                                 gpointer data, GError **error);
/* The file's name with ".ovf" in @folder; an error when there is not exactly one. */
char    *vitrine_ova_find_ovf (const char *folder, GError **error);
