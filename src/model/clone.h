/* SPDX-License-Identifier: GPL-3.0-or-later */
/* A second machine like another one, with a name, UUID and addresses of its own.
 *
 * A full clone has copies of the disks. A linked one has new images that stand on the other machine's (backing files), which must
 * not be written from then on: vitrine_clone_check_base() refuses the start of a machine whose disk others build upon. */
#pragma once

#include "import.h"
#include "library.h"

typedef struct
{
  const char *name;
  gboolean    linked;
  const char *snapshot;    /* as the machine was then: full clones only; NULL: as it is now */
} VitrineCloneOptions;

/* A definition that is not in the library yet, with new disks in our image folder. The machine, whose @folder this is, must be off, and
 * cannot start meanwhile. Any thread; blocks while disks are copied. After an error, also because @progress has said to stop, nothing
 * is left. */
VitrineDomain *vitrine_clone (VitrineDomain *domain, const char *folder, const VitrineCloneOptions *options, VitrineProgress progress,
                              gpointer data, GError **error);
/* Deletes its disks: when it finds no place. */
void           vitrine_clone_undo (VitrineDomain *clone);
/* Gives it its place, with a copy of the UEFI variables of the other machine (in @folder), or of that snapshot. After an error the
 * clone is undone. Main thread. */
VitrineMachine *vitrine_clone_add (VitrineLibrary *library, VitrineDomain *clone, const char *folder, const VitrineCloneOptions *options,
                                   GError **error);

/* Does this machine write to a disk that another machine of the library builds upon? The error names both, and says what to do. */
gboolean vitrine_clone_check_base (VitrineDomain *domain, GError **error);
/* The files that disks of the definition stand on are added to @used, a set of paths. */
void     vitrine_clone_add_bases (VitrineDomain *domain, GHashTable *used);
