/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Machines from and to other programs. Any thread; blocks for as long as copying disks takes. */
#pragma once

#include "appliance.h"
#include "domain.h"
#include "library.h"

/* A definition that is not in the library yet, from an OVA, an OVF with its files beside it, or a disk image (vmdk, vdi, vhd, vhdx,
 * qcow2). Its disks are new qcow2 images in our image folder. @name NULL: what the file says, or is called. *notes: sentences about what
 * became something else; never NULL. After an error, also because @progress has said to stop, nothing is left behind. */
VitrineDomain *vitrine_import (const char *path, const char *name, VitrineProgress progress, gpointer data, GStrv *notes, GError **error);
/* Deletes the disks that an import has made: when its definition finds no place. */
void           vitrine_import_undo (VitrineDomain *domain);
/* Gives it its place: two machines cannot have one name, so "Debian" becomes "Debian 2", unless @keep_name. After an error the import is
 * undone. Main thread. */
VitrineMachine *vitrine_import_add (VitrineLibrary *library, VitrineDomain *domain, gboolean keep_name, GError **error);
/* How names of files end that can be imported: ".ova", ..., NULL. */
extern const char *const vitrine_import_suffixes[];

/* The machine, which must be off, as a new OVA. Only its definition and disks go along: snapshots and UEFI variables stay. Encrypted disks
 * are refused. */
gboolean vitrine_export (VitrineDomain *domain, const char *path, VitrineProgress progress, gpointer data, GError **error);

/* --- Shared by both --- */

/* A part of a whole that a person watches. */
typedef struct
{
  VitrineProgress progress;
  gpointer        data;
  double          from, to;
} VitrinePart;

gboolean vitrine_part_progress (gpointer part, double fraction);             /* a VitrineProgress */
bool     vitrine_part_image_progress (void *part, uint64_t done, uint64_t whole);   /* a VtImageProgress */

/* A folder that nobody else has, in @parent; its files and itself go with vitrine_scratch_remove(). NULL and an error. */
char *vitrine_scratch_new (const char *parent, GError **error);
void  vitrine_scratch_remove (char *folder);   /* frees it, too */
