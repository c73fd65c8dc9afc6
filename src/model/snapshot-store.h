/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The folder with a machine's snapshots. Of each, by its name: NAME.xml, what it is (libvirt's <domainsnapshot>, with the definition of
 * that day); NAME.state, memory and devices, if the machine ran; NAME.nvram, UEFI variables; NAME.tpm, what its TPM keeps; NAME.png,
 * the screen. The disks' part is inside their images, under the same name. A snapshot is there when its NAME.xml is, which is written
 * last and goes first.
 *
 * Functions block for small files; any thread, one at a time. */
#pragma once

#include "domain.h"

typedef struct
{
  char          *name, *description;
  char          *parent;        /* NULL: the first one, or of a machine that never had one */
  gint64         created;       /* seconds since 1970 */
  guint          depth;         /* below how many others: the list's */
  gboolean       has_state;     /* the machine goes on from there; else it boots */
  VitrineDomain *domain;        /* as it was; NULL: not readable any more */
} VitrineSnapshot;

void vitrine_snapshot_free (VitrineSnapshot *snapshot);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VitrineSnapshot, vitrine_snapshot_free)

/* What belongs to a snapshot besides its description. */
#define VITRINE_SNAPSHOT_STATE "state"
#define VITRINE_SNAPSHOT_NVRAM "nvram"
#define VITRINE_SNAPSHOT_TPM "tpm"
#define VITRINE_SNAPSHOT_SCREEN "png"

/* Of VitrineSnapshot, as a tree: each is followed by those that came of it, oldest first. What cannot be read is left out. */
GPtrArray       *vitrine_snapshot_store_list (const char *folder);
/* NULL and an error that names it when there is none. */
VitrineSnapshot *vitrine_snapshot_store_get (const char *folder, const char *name, GError **error);
/* A new string, whether or not there is such a file. */
char            *vitrine_snapshot_store_path (const char *folder, const char *name, const char *part);
/* "Snapshot 3": the first such name that is free. */
char            *vitrine_snapshot_store_propose_name (const char *folder);
/* A small file into the folder, or out of it; nothing if it is not there. */
gboolean         vitrine_snapshot_copy_part (const char *from, const char *to, GError **error);
/* What the TPM of the machine keeps, as a snapshot has it: nothing, where that TPM was never switched on. */
gboolean         vitrine_snapshot_revert_tpm (const char *uuid, const char *from, GError **error);
/* Could a new one be called so, and described (NULL: not at all)? Makes the folder. */
gboolean         vitrine_snapshot_store_prepare (const char *folder, const char *name, const char *description, GError **error);
/* Its parent is the current one; then it is the current one itself. */
gboolean         vitrine_snapshot_store_add (const char *folder, VitrineSnapshot *snapshot, GError **error);
/* Its children become its parent's. */
gboolean         vitrine_snapshot_store_remove (const char *folder, const char *name, GError **error);
/* Files of a snapshot that did not come about. */
void             vitrine_snapshot_store_clean_up (const char *folder, const char *name);

/* The one that the machine was last at; NULL: none. */
char            *vitrine_snapshot_store_current (const char *folder);
gboolean         vitrine_snapshot_store_set_current (const char *folder, const char *name, GError **error);
